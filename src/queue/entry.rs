//! The part of an entry that never changes: the envelope, and the finished
//! octets of the message. One file; the first line says everything that is not
//! the message, which follows it.

use super::state::State;
use crate::message::{self, Message, Repairs, Source, random_word};
use crate::smtp::{EnvId, Envelope, Orcpt, Recipient};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::str::FromStr;

/// What an entry is called: sixteen hexadecimal digits that nobody can foresee.
/// The name of the run that kept it, in the log and in its report, too.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(String);

/// A text that is no [`Id`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not sixteen hexadecimal digits")]
pub struct NotId;

const DIGITS: usize = 16;

impl Id {
    /// A new one. Fails without random numbers.
    pub fn new() -> io::Result<Self> {
        random_word(DIGITS / 2).map(Id).map_err(io::Error::other)
    }

    pub(super) fn of_number(number: u64) -> Self {
        Id(format!("{number:016x}"))
    }

    /// Its digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Id {
    type Err = NotId;

    fn from_str(text: &str) -> Result<Self, NotId> {
        let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() == DIGITS && text.bytes().all(is_digit) {
            Ok(Id(text.to_owned()))
        } else {
            Err(NotId)
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is kept of a message, but for its octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The account that sends it.
    pub account: String,
    /// When it was kept.
    pub kept: Timestamp,
    /// Not before this it is sent, because its sender wants it so.
    pub not_before: Option<Timestamp>,
    /// The sender and the recipients who are to get it from here.
    pub envelope: Envelope,
    /// What has come of it when it is kept.
    pub state: State,
    /// Octets of the message.
    pub size: u64,
    /// Its Message-ID.
    pub message_id: Option<String>,
    /// The number of the user who handed it in, where that is not who keeps
    /// the queue.
    pub owner: Option<u32>,
    /// It is a report of ours about another message: what fails with it makes
    /// no further report.
    pub is_report: bool,
    /// Recipients of this machine get it here, where the account says so: it is
    /// mail of the machine's own programs.
    pub stays_here: bool,
}

impl Head {
    /// Since when it could be sent: its age counts from there.
    pub fn since(&self) -> Timestamp {
        self.not_before.map_or(self.kept, |moment| moment.max(self.kept))
    }

    /// Whether its sender is told where it fails for the recipient at this
    /// position.
    pub fn is_reported(&self, at: usize) -> bool {
        self.envelope.from.0.is_some() && self.envelope.to()[at].is_reported_failed()
    }

    /// Whether its sender wants it to wait still.
    pub fn is_early(&self, now: Timestamp) -> bool {
        self.not_before.is_some_and(|moment| moment > now)
    }
}

/// An entry whose file is open.
#[derive(Debug)]
pub struct Entry {
    /// What it is called.
    pub id: Id,
    /// All but the message.
    pub head: Head,
    file: File,
    /// Where the message begins in the file.
    begins: u64,
}

/// Why a file is no entry that can be used.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// What the operating system said.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Not a file of ours: somebody put it there.
    #[error("{0}")]
    Foreign(&'static str),
    /// Somebody handed it in, and it is for accounts that are not at hand.
    #[error(
        "it was handed in, and goes through the accounts of the system, which are not read now"
    )]
    Elsewhere,
    /// A later version of the program wrote it.
    #[error("it was written by a newer version of envoi (format {0})")]
    Newer(u32),
    /// It is damaged.
    #[error("it is damaged: {0}")]
    Corrupt(String),
}

/// The format that is written here.
const FORMAT: u32 = 1;
/// The longest first line: 100,000 recipients with everything about them.
const LONGEST_LINE: usize = 64 * 1024 * 1024;

/// The first line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Line {
    /// Which format it has.
    envoi: u32,
    account: String,
    kept: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_before: Option<Timestamp>,
    from: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ret: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    envid: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    require_tls: bool,
    to: Vec<To>,
    state: State,
    size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<u32>,
    #[serde(default)]
    is_report: bool,
    #[serde(default)]
    stays_here: bool,
}

/// Reads the format alone, whatever else there is.
#[derive(Deserialize)]
struct Format {
    envoi: u32,
}

/// What has come of an entry, as it stands in a file of its own.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Written<S> {
    /// Which format it has.
    envoi: u32,
    state: S,
}

/// Reads what says its format first.
fn read<T: DeserializeOwned>(octets: &[u8]) -> Result<T, EntryError> {
    let corrupt = |error: serde_json::Error| EntryError::Corrupt(error.to_string());
    let Format { envoi } = serde_json::from_slice(octets).map_err(corrupt)?;
    if envoi > FORMAT {
        return Err(EntryError::Newer(envoi));
    }
    serde_json::from_slice(octets).map_err(corrupt)
}

impl State {
    /// The octets of its file.
    pub(super) fn to_file(&self) -> Vec<u8> {
        serde_json::to_vec(&Written { envoi: FORMAT, state: self })
            .expect("texts and numbers are always JSON")
    }

    /// Reads what [`State::to_file`] wrote, about so many recipients.
    pub(super) fn of_file(octets: &[u8], recipients: usize) -> Result<Self, EntryError> {
        let read: Result<Written<State>, EntryError> = read(octets);
        let state = match read {
            Ok(written) => written.state,
            Err(EntryError::Corrupt(why)) => {
                return Err(EntryError::Corrupt(format!("its state: {why}")));
            }
            Err(other) => return Err(other),
        };
        if state.to.len() != recipients {
            return Err(EntryError::Corrupt("its state is about other recipients".to_owned()));
        }
        Ok(state)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct To {
    path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    notify: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    orcpt: Option<String>,
}

impl Head {
    /// The first line of the file, with its end.
    pub(super) fn to_line(&self) -> Vec<u8> {
        let to = |recipient: &Recipient| To {
            path: recipient.path.to_string(),
            notify: recipient.notify.map(|notify| notify.to_string()),
            orcpt: recipient.orcpt.as_ref().map(Orcpt::to_string),
        };
        let line = Line {
            envoi: FORMAT,
            account: self.account.clone(),
            kept: self.kept,
            not_before: self.not_before,
            from: self.envelope.from.to_string(),
            ret: self.envelope.ret.map(|ret| ret.to_string()),
            envid: self.envelope.envid.as_ref().map(|envid| envid.as_str().to_owned()),
            require_tls: self.envelope.require_tls,
            to: self.envelope.to().iter().map(to).collect(),
            state: self.state.clone(),
            size: self.size,
            message_id: self.message_id.clone(),
            owner: self.owner,
            is_report: self.is_report,
            stays_here: self.stays_here,
        };
        let mut octets = serde_json::to_vec(&line).expect("texts and numbers are always JSON");
        octets.push(b'\n');
        octets
    }

    /// Makes sure that this line says what is kept, so that it will be found.
    pub(super) fn is_read_from(&self, line: &[u8]) -> Result<(), EntryError> {
        if line.len() > LONGEST_LINE {
            return Err(EntryError::Corrupt("too much is known of its recipients".to_owned()));
        }
        if Head::of_line(line.trim_ascii_end())? != *self {
            return Err(EntryError::Corrupt("it says something else when it is read".to_owned()));
        }
        Ok(())
    }

    fn of_line(octets: &[u8]) -> Result<Self, EntryError> {
        let corrupt = |what: &str| EntryError::Corrupt(what.to_owned());
        let line: Line = read(octets)?;
        let mut to = Vec::with_capacity(line.to.len());
        for written in &line.to {
            to.push(written.read().ok_or_else(|| corrupt("a recipient is none"))?);
        }
        let count = to.len();
        let from = line.from.parse().map_err(|_| corrupt("the sender is none"))?;
        let mut envelope = Envelope::passing_on(from, to);
        if envelope.to().len() != count || line.state.to.len() != count || count == 0 {
            return Err(corrupt("the recipients do not match"));
        }
        envelope.require_tls = line.require_tls;
        let envid = line.envid.map(|envid| envid.parse::<EnvId>());
        envelope.envid = envid.transpose().map_err(|_| corrupt("ENVID is none"))?;
        let ret = line.ret.map(|ret| ret.parse());
        envelope.ret = ret.transpose().map_err(|_| corrupt("RET is none"))?;
        Ok(Head {
            account: line.account,
            kept: line.kept,
            not_before: line.not_before,
            envelope,
            state: line.state,
            size: line.size,
            message_id: line.message_id,
            owner: line.owner,
            is_report: line.is_report,
            stays_here: line.stays_here,
        })
    }
}

impl To {
    fn read(&self) -> Option<Recipient> {
        let notify = self.notify.as_ref().map(|notify| notify.parse()).transpose().ok()?;
        let orcpt = match &self.orcpt {
            Some(text) => Some(Orcpt::from_wire(text, true)?),
            None => None,
        };
        Some(Recipient { path: self.path.parse().ok()?, notify, orcpt })
    }
}

impl Entry {
    /// Reads the first line of a file that was opened.
    pub(super) fn read(id: Id, file: File) -> Result<Self, EntryError> {
        Entry::read_up_to(id, file, LONGEST_LINE)
    }

    /// The same, with at most so many octets before the message.
    pub(super) fn read_up_to(id: Id, file: File, longest: usize) -> Result<Self, EntryError> {
        let length = file.metadata()?.len();
        let line = first_line(&file, longest)?;
        let head = Head::of_line(&line)?;
        let begins = line.len() as u64 + 1;
        if length.checked_sub(begins) != Some(head.size) {
            let (is, size) = (length.saturating_sub(begins), head.size);
            return Err(EntryError::Corrupt(format!(
                "the message has {is} octets, and had {size} when it was kept"
            )));
        }
        Ok(Entry { id, head, file, begins })
    }

    /// The message, as it was kept. `path` is its name in errors.
    pub fn message(&self, path: &Path, repairs: Repairs) -> Result<Message, message::Error> {
        Message::kept(self.source(path)?, repairs)
    }

    /// The octets of the message.
    pub fn source(&self, path: &Path) -> Result<Source, message::Error> {
        let again = |reason| message::Error::Unreadable { path: path.to_owned(), reason };
        Source::behind(self.file.try_clone().map_err(again)?, path, self.begins)
    }

    /// The octets of the message, from their beginning.
    pub fn octets(&self) -> impl io::Read + '_ {
        Octets { file: &self.file, at: self.begins }
    }

    /// The file, for its lock.
    pub(super) fn file(&self) -> &File {
        &self.file
    }
}

/// Reads a file from a position that is nobody else's.
struct Octets<'e> {
    file: &'e File,
    at: u64,
}

impl io::Read for Octets<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// The first line of a file, without its end.
fn first_line(file: &File, longest: usize) -> Result<Vec<u8>, EntryError> {
    let mut line = Vec::new();
    let mut block = vec![0; 4096];
    loop {
        let read = match file.read_at(&mut block, line.len() as u64) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        let fresh = &block[..read];
        if let Some(end) = memchr::memchr(b'\n', fresh) {
            line.extend_from_slice(&fresh[..end]);
            return Ok(line);
        }
        line.extend_from_slice(fresh);
        if read == 0 || line.len() > longest {
            return Err(EntryError::Corrupt("it has no first line".to_owned()));
        }
        // A long line has many recipients.
        block.resize((block.len() * 2).min(1024 * 1024), 0);
    }
}

#[cfg(test)]
mod tests;
