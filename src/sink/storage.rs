//! Where messages go, and the trace put on top of them (RFC 5321 §4.4).

mod lines;
mod partial;

use super::claims::Origin;
use super::conversation::Conversation;
use crate::maildir::{self, Name, Place};
use crate::mbox;
use crate::message;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use lines::Lines;
use partial::Partial;
use std::fs::DirBuilder;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// Where the receiver puts messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    /// A Maildir, made when missing. Lines end in LF there; since no message
    /// with a lone CR or LF is taken, turning LF back into CRLF gives the
    /// octets received. Binary has those octets and a trace of such lines.
    Maildir(PathBuf),
    /// A file of messages behind each other, made when missing. Lines are as in
    /// a Maildir, but for the quotes of `mbox`.
    Mbox(PathBuf),
    /// A directory, made when missing, with a file `ID.eml` for each message:
    /// the trace, and the octets as they came.
    Eml(PathBuf),
    /// The event of the message, octet by octet.
    Memory,
    /// Nowhere.
    Discard,
}

/// The name of one message, and when it came.
pub(super) struct Label {
    name: Name,
    now: Timestamp,
}

/// A message half written. Dropping it leaves nothing behind.
pub(super) enum Draft {
    Maildir(maildir::Draft),
    Mbox { path: PathBuf, sender: String, now: Timestamp, lines: Lines },
    Eml { path: PathBuf, file: Partial },
    Memory(Vec<u8>),
    Discard,
}

/// The fields put on top of a message, line ends CRLF.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// The address of the reverse-path; empty for a report.
    pub sender: String,
    /// Return-Path and Envelope-To, which say for whom this copy was taken, all
    /// recipients included whom the header does not have. They are for who
    /// looks at what was caught, and go no further (RFC 5321 §4.4).
    pub envelope: String,
    /// Received.
    pub received: String,
}

/// What became of a draft.
pub(super) struct Kept {
    pub(super) path: Option<PathBuf>,
    pub(super) octets: Option<Vec<u8>>,
}

impl Storage {
    /// Makes the directory or file.
    pub(super) fn prepare(&self) -> io::Result<()> {
        match self {
            Storage::Maildir(directory) => maildir::make(directory),
            Storage::Mbox(file) => mbox::make(file),
            Storage::Eml(directory) => {
                DirBuilder::new().recursive(true).mode(0o700).create(directory)
            }
            Storage::Memory | Storage::Discard => Ok(()),
        }
    }
}

impl Label {
    pub(super) fn new() -> io::Result<Self> {
        let now = Timestamp::now();
        Ok(Label { name: Name::at(now)?, now })
    }

    /// Unique, and an atom (RFC 5322 §3.2.3), as the trace wants it.
    pub(super) fn id(&self) -> &str {
        self.name.id()
    }

    /// The fields for the open transaction. None when there is none.
    pub(super) fn trace(
        &self,
        conversation: &Conversation<'_>,
        origin: &Origin,
        host: &str,
    ) -> Trace {
        let Some(transaction) = conversation.transaction() else { return Trace::default() };
        let recipient = match &transaction.to[..] {
            [only] => format!("\r\n\tfor <{}>", only.path),
            // Several would tell each recipient of the others.
            _ => String::new(),
        };
        let takers = conversation.takers();
        let takers: Vec<_> = takers.iter().map(|taker| format!("<{}>", taker.path)).collect();
        let envelope = format!(
            "Return-Path: {}\r\nEnvelope-To: {}\r\n",
            transaction.from,
            takers.join(",\r\n\t")
        );
        let received = format!(
            "Received: from {}{origin}\r\n\tby {host} with {} id {}{recipient};\r\n\t{}\r\n",
            conversation.client_name().unwrap_or("unknown"),
            conversation.protocol(),
            self.id(),
            self.now.to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S %z"),
        );
        let sender = transaction.from.0.as_ref().map(ToString::to_string).unwrap_or_default();
        Trace { sender, envelope, received }
    }
}

impl Trace {
    /// All of it, as it stands on top of the stored copy.
    pub fn whole(&self) -> String {
        format!("{}{}", self.envelope, self.received)
    }
}

/// Eight hexadecimal digits that cannot be foreseen.
pub(super) fn random_word() -> io::Result<String> {
    message::random_word(4).map_err(io::Error::other)
}

impl Draft {
    /// Opens a message and writes the trace on top, unless the octets are to
    /// stay as they came.
    pub(super) fn begin(
        storage: &Storage,
        label: &Label,
        host: &str,
        trace: impl FnOnce() -> Trace,
        is_binary: bool,
    ) -> io::Result<Self> {
        let begun = match storage {
            Storage::Maildir(directory) => {
                let draft = maildir::Draft::begin(directory, &label.name, host)?;
                Draft::Maildir(if is_binary { draft.binary() } else { draft })
            }
            Storage::Mbox(path) => {
                let lines = Lines::begin(beside(path, label.id()), is_binary);
                Draft::Mbox { path: path.clone(), sender: String::new(), now: label.now, lines }
            }
            Storage::Eml(directory) => {
                let file = Partial::begin(directory.join(format!(".{}.part", label.id())))?;
                Draft::Eml { path: directory.join(format!("{}.eml", label.id())), file }
            }
            Storage::Memory => return Ok(Draft::Memory(Vec::new())),
            Storage::Discard => return Ok(Draft::Discard),
        };
        begun.under(trace())
    }

    /// The same with the trace on top.
    fn under(mut self, trace: Trace) -> io::Result<Self> {
        self.write(trace.whole().as_bytes())?;
        if let Draft::Mbox { sender, .. } = &mut self {
            *sender = trace.sender;
        }
        Ok(self)
    }

    /// Adds octets.
    pub(super) fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        match self {
            Draft::Maildir(draft) => draft.write_all(octets),
            Draft::Mbox { lines, .. } => lines.write_all(octets),
            Draft::Eml { file, .. } => file.write_all(octets),
            Draft::Memory(message) => {
                message.extend_from_slice(octets);
                Ok(())
            }
            Draft::Discard => Ok(()),
        }
    }

    /// The message is whole: it becomes visible.
    pub(super) fn keep(self) -> io::Result<Kept> {
        let path = match self {
            Draft::Maildir(draft) => draft.keep(Place::New)?,
            Draft::Mbox { path, sender, now, lines } => {
                let now = now.to_zoned(TimeZone::UTC);
                lines.read(|message| mbox::append(&path, &sender, &now, message))?;
                path
            }
            Draft::Eml { path, file } => {
                file.rename(&path)?;
                path
            }
            Draft::Memory(message) => return Ok(Kept { path: None, octets: Some(message) }),
            Draft::Discard => return Ok(Kept { path: None, octets: None }),
        };
        Ok(Kept { path: Some(path), octets: None })
    }
}

/// A file in the same directory that is not there yet.
fn beside(path: &Path, id: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{id}.part"))
}
