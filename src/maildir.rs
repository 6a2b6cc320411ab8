//! Maildirs: folders of messages, each a file of its own that appears when it
//! is whole (maildir(5)).
//!
//! Lines end in LF there, as mail readers expect. A message that travels has no
//! CR and no LF outside CRLF (RFC 5321 §2.3.8), so that turning LF back into
//! CRLF gives the octets that travelled; but binary, which may have them anywhere,
//! stays as it is.

use crate::message::random_word;
use jiff::Timestamp;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The folders of a Maildir.
pub const FOLDERS: [&str; 3] = ["tmp", "new", "cur"];

/// Makes the folders of a Maildir where they are missing, for their owner
/// only.
pub fn make(directory: &Path) -> io::Result<()> {
    for folder in FOLDERS {
        DirBuilder::new().recursive(true).mode(0o700).create(directory.join(folder))?;
    }
    Ok(())
}

/// What a message is called: a name that no other message of this machine has,
/// and none of another machine that shares the folder.
#[derive(Clone, Debug)]
pub struct Name {
    id: String,
    second: i64,
}

/// Where a message appears, and what a reader is told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Among the new ones.
    New,
    /// Among those that were seen: it is from its reader.
    Seen,
}

/// A message half written. Dropping it leaves nothing behind.
#[derive(Debug)]
pub struct Draft {
    directory: PathBuf,
    file_name: String,
    tmp: PathBuf,
    file: File,
    /// What is not in the file yet.
    lines: Vec<u8>,
    /// It is no lines: CR stays where it is.
    is_binary: bool,
}

impl Name {
    /// A name for a message of this moment. Fails without random numbers.
    pub fn at(now: Timestamp) -> io::Result<Self> {
        static MESSAGES: AtomicU64 = AtomicU64::new(0);
        // Drawn once: the count tells the messages of a process apart.
        static PROCESS: OnceLock<(u32, String)> = OnceLock::new();
        let (process, word) = if let Some(process) = PROCESS.get() {
            process
        } else {
            let word = random_word(4).map_err(io::Error::other)?;
            PROCESS.get_or_init(|| (std::process::id(), word))
        };
        let micros = now.subsec_microsecond();
        let count = MESSAGES.fetch_add(1, Ordering::Relaxed);
        let id = format!("M{micros:06}P{process}Q{count}R{word}");
        Ok(Name { id, second: now.as_second() })
    }

    /// The part of the name that is unique by itself; an atom (RFC 5322
    /// §3.2.3).
    pub fn id(&self) -> &str {
        &self.id
    }

    fn file_name(&self, host: &str) -> String {
        let host = host.replace('/', "\\057").replace(':', "\\072");
        format!("{}.{}.{host}", self.second, self.id)
    }
}

impl Draft {
    /// Begins a message in a Maildir that was made; `host` is the machine that
    /// writes it. Nobody but its owner may read the file.
    pub fn begin(directory: &Path, name: &Name, host: &str) -> io::Result<Self> {
        let file_name = name.file_name(host);
        let tmp = directory.join("tmp").join(&file_name);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&tmp)?;
        let (lines, is_binary) = Default::default();
        Ok(Draft { directory: directory.to_owned(), file_name, tmp, file, lines, is_binary })
    }

    /// The same for a message that is no lines (RFC 3030 §3): its file has the
    /// octets that travelled.
    #[must_use]
    pub fn binary(mut self) -> Self {
        self.is_binary = true;
        self
    }

    /// The message is whole: it appears. Returns its file.
    pub fn keep(mut self, place: Place) -> io::Result<PathBuf> {
        self.flush()?;
        let path = self.path(place);
        fs::rename(&self.tmp, &path)?;
        Ok(path)
    }

    /// The same, but the message is brought to the disk first, and so is its
    /// name. After a failure there is none.
    pub fn keep_on_disk(mut self, place: Place) -> io::Result<PathBuf> {
        self.flush()?;
        self.file.sync_all()?;
        let path = self.path(place);
        let folder = File::open(path.parent().unwrap_or(&self.directory))?;
        fs::rename(&self.tmp, &path)?;
        if let Err(error) = sync(&folder) {
            remove(&path);
            return Err(error);
        }
        Ok(path)
    }

    fn path(&self, place: Place) -> PathBuf {
        let (folder, flags) = match place {
            Place::New => ("new", ""),
            Place::Seen => ("cur", ":2,S"),
        };
        self.directory.join(folder).join(format!("{}{flags}", self.file_name))
    }
}

impl Write for Draft {
    /// Takes the octets of a message, cut anywhere.
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let mut rest = octets;
        while let Some(at) = memchr::memchr(b'\r', rest).filter(|_| !self.is_binary) {
            self.lines.extend_from_slice(&rest[..at]);
            rest = &rest[at + 1..];
        }
        self.lines.extend_from_slice(rest);
        if self.lines.len() >= BLOCK {
            self.flush()?;
        }
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&self.lines)?;
        self.lines.clear();
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // A message that was kept has another name now.
        remove(&self.tmp);
    }
}

const BLOCK: usize = 128 * 1024;

/// Brings the entries of a folder to the disk, where its file system can.
fn sync(folder: &File) -> io::Result<()> {
    match folder.sync_all() {
        Err(error)
            if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) =>
        {
            Ok(())
        }
        synced => synced,
    }
}

/// What cannot be removed from `tmp` harms nobody: readers do not look there.
fn remove(path: &Path) {
    let _ = fs::remove_file(path);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn begun(directory: &Path, host: &str) -> Draft {
        let now = "2026-11-23T04:03:37.5Z".parse().unwrap();
        Draft::begin(directory, &Name::at(now).unwrap(), host).unwrap()
    }

    /// How many files there are in tmp, new and cur.
    fn files(directory: &Path) -> [usize; 3] {
        ["tmp", "new", "cur"].map(|folder| fs::read_dir(directory.join(folder)).unwrap().count())
    }

    #[test]
    fn a_message_appears_when_it_is_whole() {
        let directory = tempfile::tempdir().unwrap();
        make(directory.path()).unwrap();
        for (place, expected) in [(Place::New, [0, 1, 0]), (Place::Seen, [0, 1, 1])] {
            let mut draft = begun(directory.path(), "a.example");
            draft.write_all(b"a\r\n").unwrap();
            draft.flush().unwrap();
            let [tmp, ..] = files(directory.path());
            assert_eq!(tmp, 1);
            let path = draft.keep(place).unwrap();
            assert_eq!(files(directory.path()), expected);
            assert_eq!(fs::read(path).unwrap(), b"a\n");
        }
    }

    #[test]
    fn a_message_that_is_given_up_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        make(directory.path()).unwrap();
        begun(directory.path(), "a.example").write_all(b"a\r\n").unwrap();
        assert_eq!(files(directory.path()), [0, 0, 0]);
        let draft = begun(directory.path(), "a.example");
        fs::remove_dir(directory.path().join("new")).unwrap();
        draft.keep(Place::New).unwrap_err();
        make(directory.path()).unwrap();
        assert_eq!(files(directory.path()), [0, 0, 0]);
    }

    #[test]
    fn a_name_is_one_part_of_a_path_and_never_given_twice() {
        let directory = tempfile::tempdir().unwrap();
        make(directory.path()).unwrap();
        let mut names: Vec<_> = (0..100)
            .map(|_| begun(directory.path(), "a/b:c").keep(Place::Seen).unwrap())
            .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
            .collect();
        for name in &names {
            assert!(name.starts_with("1795406617.M500000P"), "{name}");
            assert!(name.ends_with(".a\\057b\\072c:2,S"), "{name}");
        }
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 100);
    }

    #[test]
    fn a_maildir_is_for_its_owner_only() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path().join("deep/box");
        make(&directory).unwrap();
        // Made again, it is as it was.
        make(&directory).unwrap();
        let path = begun(&directory, "a.example").keep(Place::New).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        for folder in ["..", "", "tmp", "new", "cur"] {
            assert_eq!(mode(&directory.join(folder)), 0o700, "{folder}");
        }
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn lines_end_in_lf_wherever_they_are_cut() {
        let directory = tempfile::tempdir().unwrap();
        make(directory.path()).unwrap();
        let message = b"a\r\n\r\n.b\r\n".repeat(30_000);
        for cut in [1, 2, 7, BLOCK, message.len()] {
            let mut draft = begun(directory.path(), "a.example");
            for piece in message.chunks(cut) {
                draft.write_all(piece).unwrap();
            }
            let kept = fs::read(draft.keep(Place::New).unwrap()).unwrap();
            assert!(kept == b"a\n\n.b\n".repeat(30_000), "{cut}");
        }
    }
}
