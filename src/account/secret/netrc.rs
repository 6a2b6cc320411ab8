//! The netrc file, as ftp(1), curl and msmtp know it: names and passwords by
//! machine.
//!
//! ```text
//! machine mail.example.org login alice password "correct \"horse\""
//! default login anonymous password guest   # for every other machine
//! ```

use super::file::{Extent, Opened};
use super::{BOM, Environment, Secret, SecretError, Wait, Whose, fit};
use crate::account::private_file;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Takes the password out of this file, or out of that of the user.
pub(super) fn read(
    named: Option<&Path>,
    whose: Whose<'_>,
    environment: &Environment,
    wait: &Wait<'_>,
) -> Result<Secret, SecretError> {
    let path = path(named, environment).ok_or(SecretError::NoNetrc)?;
    let opened = Opened::at(&path, private_file::holding_configuration)?;
    let octets = opened.read(Extent::All, wait)?;
    let entries = entries(octets.as_slice()).map_err(|Malformed { line, reason }| {
        SecretError::Netrc { file: path.clone(), line, reason }
    })?;
    let Some(password) = chosen(entries, whose) else {
        let (user, host) = (whose.user.to_owned(), whose.host.to_owned());
        return Err(SecretError::NotInNetrc { file: path, user, host });
    };
    fit(&password, &format!("the password for {} in {}", whose.host, path.display()))
}

/// The file that is named, else `$NETRC`, else `~/.netrc`.
pub(in crate::account) fn path(named: Option<&Path>, environment: &Environment) -> Option<PathBuf> {
    let named = named.map(Path::to_owned).or_else(|| environment.get("NETRC").map(PathBuf::from));
    named.or_else(|| environment.home().map(|home| home.join(".netrc")))
}

/// What one `machine` or `default` says.
#[derive(Default)]
struct Entry {
    /// `None` is `default`.
    machine: Option<Word>,
    login: Option<Word>,
    password: Option<Word>,
}

/// A word of the file. Any may be a password in the wrong place.
type Word = Zeroizing<Vec<u8>>;

/// What is wrong with a file, and where; never what stands there.
#[derive(Debug, PartialEq, Eq)]
struct Malformed {
    line: usize,
    reason: &'static str,
}

/// The password that fits best: one for the machine and the user, else one for
/// the machine and anybody, else likewise one for every machine. Of equals it
/// is the first.
fn chosen(entries: Vec<Entry>, whose: Whose<'_>) -> Option<Word> {
    let rank = |entry: &Entry| {
        let is_here = |name: &Word| name.eq_ignore_ascii_case(whose.host.as_bytes());
        let is_user = |login: &Word| login.as_slice() == whose.user.as_bytes();
        let fits = entry.machine.as_ref().is_none_or(is_here)
            && entry.login.as_ref().is_none_or(is_user)
            && entry.password.is_some();
        fits.then_some((entry.machine.is_none(), entry.login.is_none()))
    };
    let ranked = entries.into_iter().filter_map(|entry| Some((rank(&entry)?, entry)));
    ranked.min_by_key(|(rank, _)| *rank).and_then(|(_, entry)| entry.password)
}

fn entries(text: &[u8]) -> Result<Vec<Entry>, Malformed> {
    let mut words = Words { rest: text.strip_prefix(BOM).unwrap_or(text), line: 1 };
    let mut entries = Vec::new();
    while let Some(keyword) = words.keyword()? {
        match keyword {
            Keyword::Machine => {
                entries.push(Entry { machine: Some(words.value()?), ..Entry::default() });
            }
            Keyword::Default => entries.push(Entry::default()),
            Keyword::Login => words.entry(&mut entries)?.login = Some(words.value()?),
            Keyword::Password => words.entry(&mut entries)?.password = Some(words.value()?),
            // What some FTP servers ask for after the password.
            Keyword::Account => drop(words.value()?),
            Keyword::Macro => words.skip_macro(),
        }
    }
    Ok(entries)
}

/// The words that mean something.
#[derive(Clone, Copy)]
enum Keyword {
    Machine,
    Default,
    Login,
    Password,
    Account,
    Macro,
}

const KEYWORDS: [(&str, Keyword); 8] = [
    ("machine", Keyword::Machine),
    ("default", Keyword::Default),
    ("login", Keyword::Login),
    ("user", Keyword::Login),
    ("password", Keyword::Password),
    ("passwd", Keyword::Password),
    ("account", Keyword::Account),
    ("macdef", Keyword::Macro),
];

/// The text that was not read yet, and the number of its first line.
struct Words<'t> {
    rest: &'t [u8],
    line: usize,
}

impl Words<'_> {
    /// The next keyword, behind comments; `None` at the end.
    fn keyword(&mut self) -> Result<Option<Keyword>, Malformed> {
        self.skip_blanks();
        while self.rest.starts_with(b"#") {
            self.skip_line();
            self.skip_blanks();
        }
        if self.rest.is_empty() {
            return Ok(None);
        }
        let word = self.word()?;
        let is_word = |(known, _): &&(&str, _)| word.eq_ignore_ascii_case(known.as_bytes());
        let known = KEYWORDS.iter().find(is_word).map(|(_, keyword)| *keyword);
        known.map(Some).ok_or_else(|| {
            self.malformed("a word that means nothing; one with blanks stands in quotation marks")
        })
    }

    /// What follows a keyword. It may begin with `#`, as passwords do.
    fn value(&mut self) -> Result<Word, Malformed> {
        let at = self.line;
        self.skip_blanks();
        if self.rest.is_empty() {
            return Err(Malformed { line: at, reason: "a word is missing at the end" });
        }
        self.word()
    }

    /// The entry that a keyword belongs to.
    fn entry<'e>(&self, entries: &'e mut [Entry]) -> Result<&'e mut Entry, Malformed> {
        entries
            .last_mut()
            .ok_or_else(|| self.malformed("neither machine nor default stands before"))
    }

    /// One word. In `"…"` a backslash stands before a character that is meant,
    /// as curl has it; in `'…'`, as in GNU's programs, nothing is special. A
    /// quotation mark within a word is itself.
    fn word(&mut self) -> Result<Word, Malformed> {
        match self.rest.first() {
            Some(b'"') => self.quoted(),
            Some(b'\'') => Ok(self.in_apostrophes().unwrap_or_else(|| self.plain())),
            _ => Ok(self.plain()),
        }
    }

    fn plain(&mut self) -> Word {
        let is_blank = |octet: &u8| octet.is_ascii_whitespace();
        let length = self.rest.iter().position(is_blank).unwrap_or(self.rest.len());
        self.take(length).to_vec().into()
    }

    fn in_apostrophes(&mut self) -> Option<Word> {
        let line = &self.rest[1..self.line_length()];
        let length = line.iter().position(|&octet| octet == b'\'')?;
        let is_closed = line.get(length + 1).is_none_or(u8::is_ascii_whitespace);
        is_closed.then(|| {
            let quoted = self.take(length + 2);
            quoted[1..=length].to_vec().into()
        })
    }

    fn quoted(&mut self) -> Result<Word, Malformed> {
        let line = &self.rest[..self.line_length()];
        let mut word = Word::new(Vec::with_capacity(line.len()));
        let mut octets = line.iter().enumerate().skip(1);
        while let Some((at, &octet)) = octets.next() {
            match octet {
                b'"' if line.get(at + 1).is_none_or(u8::is_ascii_whitespace) => {
                    self.take(at + 1);
                    return Ok(word);
                }
                b'"' => return Err(self.malformed("a blank is missing after a quotation mark")),
                b'\\' => word.push(match octets.next() {
                    Some((_, b'n')) => b'\n',
                    Some((_, b'r')) => b'\r',
                    Some((_, b't')) => b'\t',
                    Some((_, &other)) => other,
                    None => break,
                }),
                other => word.push(other),
            }
        }
        Err(self.malformed("a quotation mark is not closed on its line"))
    }

    /// A macro ends at the first blank line.
    fn skip_macro(&mut self) {
        while !self.rest.is_empty() {
            self.skip_line();
            if self.rest[..self.line_length()].trim_ascii().is_empty() {
                return;
            }
        }
    }

    fn skip_blanks(&mut self) {
        let is_word = |octet: &u8| !octet.is_ascii_whitespace();
        let length = self.rest.iter().position(is_word).unwrap_or(self.rest.len());
        self.take(length);
    }

    fn skip_line(&mut self) {
        self.take((self.line_length() + 1).min(self.rest.len()));
    }

    /// How far the line end is.
    fn line_length(&self) -> usize {
        self.rest.iter().position(|&octet| octet == b'\n').unwrap_or(self.rest.len())
    }

    fn malformed(&self, reason: &'static str) -> Malformed {
        Malformed { line: self.line, reason }
    }
}

impl<'t> Words<'t> {
    fn take(&mut self, length: usize) -> &'t [u8] {
        let (taken, rest) = self.rest.split_at(length);
        self.line += memchr::memchr_iter(b'\n', taken).count();
        self.rest = rest;
        taken
    }
}

#[cfg(test)]
mod tests;
