//! The octets of a foreign file, and its lines.

use crate::account::error::Error;
use crate::account::file::{LONGEST, octets};
use std::fs::File;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// A file that was read. A password may stand in it: it is cleared.
pub(super) struct Text {
    pub(super) file: PathBuf,
    octets: Zeroizing<Vec<u8>>,
}

impl Text {
    /// Reads a file, which must exist.
    pub(super) fn of(file: &Path) -> Result<Self, Error> {
        let unreadable = |source| Error::Unreadable { file: file.to_owned(), source };
        Text::opened(file, &File::open(file).map_err(unreadable)?)
    }

    /// Reads a file that was opened.
    pub(super) fn opened(file: &Path, open: &File) -> Result<Self, Error> {
        let unreadable = |source| Error::Unreadable { file: file.to_owned(), source };
        let octets = octets(open).map_err(unreadable)?;
        if octets.len() as u64 > LONGEST {
            return Err(Error::TooLong { file: file.to_owned() });
        }
        Ok(Text { file: file.to_owned(), octets })
    }

    /// Its lines without their ends, numbered from 1.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &[u8])> {
        let octets = self.octets.strip_suffix(b"\n").unwrap_or(&self.octets);
        let lines = octets.split(|&octet| octet == b'\n').enumerate();
        lines.map(|(at, line)| (at + 1, line.strip_suffix(b"\r").unwrap_or(line)))
    }

    /// The lines that say something, as text without blanks around it: no
    /// empty ones, and none that begins with `#`.
    pub(super) fn statements(&self) -> impl Iterator<Item = Result<(usize, &str), Error>> {
        let lines = self.lines().map(|(number, line)| Ok((number, self.readable(number, line)?)));
        lines.filter(|line| {
            line.as_ref().map_or(true, |(_, text)| !text.is_empty() && !text.starts_with('#'))
        })
    }

    /// A line as text, without blanks around it.
    fn readable<'t>(&self, number: usize, line: &'t [u8]) -> Result<&'t str, Error> {
        let text = std::str::from_utf8(line).map_err(|_| self.wrong(number, NOT_UTF8))?;
        if text.contains(is_strange) {
            return Err(self.wrong(number, CONTROL));
        }
        Ok(text.trim())
    }

    /// The error for a line that cannot be read. The reason is a clause, and
    /// must not repeat what may be a secret.
    pub(super) fn wrong(&self, line: usize, reason: impl Into<String>) -> Error {
        wrong(&self.file, line, reason)
    }
}

/// The error for a line of a file.
pub(super) fn wrong(file: &Path, line: usize, reason: impl Into<String>) -> Error {
    Error::Line { file: file.to_owned(), line, reason: reason.into() }
}

/// A control character that is no blank.
pub(super) fn is_strange(c: char) -> bool {
    c.is_control() && c != '\t'
}

pub(super) const NOT_UTF8: &str = "this is not UTF-8 text";
pub(super) const CONTROL: &str = "a control character stands here";

/// What is shown in place of a secret.
pub(super) const MASK: &str = "***";
