//! Octets that are read twice, to be measured and to be written: a regular
//! file kept open, or what the caller holds.

use super::Error;
use super::fingerprint::Fingerprint;
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Octets that can be read from any position, any number of times, and that
/// notice when they are no longer the same.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    content: Content,
    /// What was read when it was first read as a whole.
    known: OnceLock<Fingerprint>,
}

#[derive(Debug)]
enum Content {
    /// A file from this octet on.
    File(File, State, u64),
    Held(Vec<u8>),
}

/// What tells one state of a file from the next.
#[derive(Debug, PartialEq, Eq)]
struct State {
    length: u64,
    seconds: i64,
    nanoseconds: i64,
}

impl Source {
    /// Opens a regular file. A pipe is not opened at all, for that would wait
    /// for its writer.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        let unreadable = |reason| Error::Unreadable { path: path.clone(), reason };
        regular(&path, &fs::metadata(&path).map_err(unreadable)?)?;
        let file = File::open(&path).map_err(unreadable)?;
        Source::file(file, path)
    }

    /// Takes an open file, such as the unlinked one that standard input was
    /// spooled to. `path` is only its name in errors.
    pub fn file(file: File, path: impl Into<PathBuf>) -> Result<Self, Error> {
        Source::behind(file, path, 0)
    }

    /// The same, from this octet of the file on.
    pub fn behind(file: File, path: impl Into<PathBuf>, begins: u64) -> Result<Self, Error> {
        let path = path.into();
        let metadata =
            file.metadata().map_err(|reason| Error::Unreadable { path: path.clone(), reason })?;
        regular(&path, &metadata)?;
        let state = State::of(&metadata);
        Ok(Source { path, content: Content::File(file, state, begins), known: OnceLock::new() })
    }

    /// Takes octets that are in memory. `name` is their name in errors.
    pub fn held(octets: impl Into<Vec<u8>>, name: impl Into<PathBuf>) -> Self {
        Source { path: name.into(), content: Content::Held(octets.into()), known: OnceLock::new() }
    }

    /// The file, or the name of what is held.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The last part of the path, if it is one.
    pub(super) fn file_name(&self) -> Option<&OsStr> {
        match &self.content {
            Content::File(..) => self.path.file_name(),
            Content::Held(_) => None,
        }
    }

    /// Octets in all.
    pub fn length(&self) -> u64 {
        match &self.content {
            Content::File(_, state, begins) => state.length.saturating_sub(*begins),
            Content::Held(octets) => octets.len() as u64,
        }
    }

    /// Fills the whole buffer from this position, which must lie within
    /// [`Source::length`].
    pub(super) fn fill(&self, buffer: &mut [u8], at: u64) -> Result<(), Error> {
        match &self.content {
            Content::File(file, _, begins) => {
                file.read_exact_at(buffer, begins + at).map_err(|reason| match reason.kind() {
                    std::io::ErrorKind::UnexpectedEof => self.changed(),
                    _ => Error::Unreadable { path: self.path.clone(), reason },
                })
            }
            Content::Held(octets) => {
                let from = usize::try_from(at).map_err(|_| self.changed())?;
                let piece = octets.get(from..from + buffer.len()).ok_or_else(|| self.changed())?;
                buffer.copy_from_slice(piece);
                Ok(())
            }
        }
    }

    /// True if no octet is above 127.
    pub(super) fn is_ascii(&self) -> Result<bool, Error> {
        self.all_blocks(<[u8]>::is_ascii)
    }

    /// True for UTF-8.
    pub(super) fn is_utf8(&self) -> Result<bool, Error> {
        let mut cut = Vec::new();
        let whole = self.all_blocks(|block| {
            cut.extend_from_slice(block);
            let fault = std::str::from_utf8(&cut).err();
            let valid = fault.map_or(cut.len(), |fault| fault.valid_up_to());
            cut.drain(..valid);
            // Behind it may be the rest of a character.
            fault.is_none_or(|fault| fault.error_len().is_none())
        })?;
        Ok(whole && cut.is_empty())
    }

    /// True if all blocks are so.
    fn all_blocks(&self, mut is_so: impl FnMut(&[u8]) -> bool) -> Result<bool, Error> {
        let mut block = vec![0; BLOCK];
        let mut at = 0;
        while at < self.length() {
            let length = usize::try_from(self.length() - at).unwrap_or(usize::MAX).min(BLOCK);
            self.fill(&mut block[..length], at)?;
            if !is_so(&block[..length]) {
                return Ok(false);
            }
            at += length as u64;
        }
        Ok(true)
    }

    /// Fails when the file has another length or time of change than when it
    /// was opened.
    pub(super) fn verify(&self) -> Result<(), Error> {
        let Content::File(file, state, _) = &self.content else { return Ok(()) };
        let metadata = file
            .metadata()
            .map_err(|reason| Error::Unreadable { path: self.path.clone(), reason })?;
        if *state == State::of(&metadata) { Ok(()) } else { Err(self.changed()) }
    }

    /// Takes note of what a reading from beginning to end found. Fails when it
    /// is not what an earlier one found, or when the file has changed.
    pub(super) fn verify_whole(&self, read: &Fingerprint) -> Result<(), Error> {
        self.verify()?;
        if self.known.get_or_init(|| read.clone()) == read { Ok(()) } else { Err(self.changed()) }
    }

    /// The error that says so.
    pub(super) fn changed(&self) -> Error {
        Error::Changed(self.path.clone())
    }

    /// The error for a NUL at this octet.
    pub(super) fn nul(&self, at: u64) -> Error {
        self.line_of(at)
            .map_or_else(|error| error, |line| Error::Nul { path: self.path.clone(), line })
    }

    /// The error for a line over 998 octets that begins at this octet.
    pub(super) fn long_line(&self, at: u64) -> Error {
        self.line_of(at)
            .map_or_else(|error| error, |line| Error::LineTooLong { path: self.path.clone(), line })
    }

    /// The error for a CR elsewhere than before LF.
    pub(super) fn stray_cr(&self) -> Error {
        Error::StrayCr(self.path.clone())
    }

    /// The number, from 1, of the line that this octet is in.
    pub(super) fn line_of(&self, at: u64) -> Result<u64, Error> {
        let mut block = vec![0; BLOCK];
        let (mut line, mut from) = (1, 0);
        while from < at {
            let length = (at - from).min(block.len() as u64);
            let piece = &mut block[..usize::try_from(length).expect("at most a block")];
            self.fill(piece, from)?;
            line += memchr::memchr_iter(b'\n', piece).count() as u64;
            from += length;
        }
        Ok(line)
    }
}

const BLOCK: usize = 64 * 1024;

impl State {
    fn of(metadata: &Metadata) -> Self {
        State {
            length: metadata.len(),
            seconds: metadata.mtime(),
            nanoseconds: metadata.mtime_nsec(),
        }
    }
}

fn regular(path: &Path, metadata: &Metadata) -> Result<(), Error> {
    if metadata.is_dir() {
        return Err(Error::Directory(path.to_owned()));
    }
    if metadata.is_file() { Ok(()) } else { Err(Error::NotAFile(path.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_regular_file_is_refused_by_name() {
        let directory = tempfile::tempdir().unwrap();
        assert!(
            matches!(Source::open(directory.path()), Err(Error::Directory(p)) if p == directory.path())
        );
        assert!(matches!(Source::open("/dev/null"), Err(Error::NotAFile(_))));
        let missing = Source::open(directory.path().join("none.txt")).unwrap_err();
        assert!(matches!(missing, Error::Unreadable { .. }));
        assert!(missing.to_string().contains("none.txt’: No such file"), "{missing}");
    }

    #[test]
    fn a_line_is_found_by_its_octets() {
        let source = Source::held("a\nbc\n\nd", "x");
        let lines: Vec<_> = (0..7).map(|at| source.line_of(at).unwrap()).collect();
        assert_eq!(lines, [1, 1, 2, 2, 2, 3, 4]);
    }
}
