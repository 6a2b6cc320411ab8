//! Where messages go, and the trace put on top of them (RFC 5321 §4.4).

use super::claims::Origin;
use super::conversation::Conversation;
use crate::maildir::{self, Name, Place};
use crate::message;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::io::{self, Write};
use std::path::PathBuf;

/// Where the receiver puts messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    /// A Maildir, made when missing. Lines end in LF there; since no message
    /// with a lone CR or LF is taken, turning LF back into CRLF gives the
    /// octets received. Binary has those octets and a trace of such lines.
    Maildir(PathBuf),
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
    Memory(Vec<u8>),
    Discard,
}

/// What became of a draft.
pub(super) struct Kept {
    pub(super) path: Option<PathBuf>,
    pub(super) octets: Option<Vec<u8>>,
}

impl Storage {
    /// Makes the Maildir.
    pub(super) fn prepare(&self) -> io::Result<()> {
        match self {
            Storage::Maildir(directory) => maildir::make(directory),
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

    /// Return-Path, Envelope-To and Received, line ends CRLF. Nothing when no transaction
    /// is open.
    pub(super) fn trace(
        &self,
        conversation: &Conversation<'_>,
        origin: &Origin,
        host: &str,
    ) -> String {
        let Some(transaction) = conversation.transaction() else { return String::new() };
        let recipient = match &transaction.to[..] {
            [only] => format!("\r\n\tfor <{}>", only.path),
            // Several would tell each recipient of the others.
            _ => String::new(),
        };
        let takers = conversation.takers();
        let takers: Vec<_> = takers.iter().map(|taker| format!("<{}>", taker.path)).collect();
        format!(
            "Return-Path: {}\r\nEnvelope-To: {}\r\nReceived: from {}{origin}\r\n\tby {host} with {} id {}{recipient};\r\n\t{}\r\n",
            transaction.from,
            takers.join(",\r\n\t"),
            conversation.client_name().unwrap_or("unknown"),
            conversation.protocol(),
            self.id(),
            self.now.to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S %z"),
        )
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
        trace: impl FnOnce() -> String,
        is_binary: bool,
    ) -> io::Result<Self> {
        let mut draft = match storage {
            Storage::Maildir(directory) => {
                let draft = maildir::Draft::begin(directory, &label.name, host)?;
                Draft::Maildir(if is_binary { draft.binary() } else { draft })
            }
            Storage::Memory => return Ok(Draft::Memory(Vec::new())),
            Storage::Discard => return Ok(Draft::Discard),
        };
        draft.write(trace().as_bytes())?;
        Ok(draft)
    }

    /// Adds octets.
    pub(super) fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        match self {
            Draft::Maildir(draft) => draft.write_all(octets),
            Draft::Memory(message) => {
                message.extend_from_slice(octets);
                Ok(())
            }
            Draft::Discard => Ok(()),
        }
    }

    /// The message is whole: it becomes visible.
    pub(super) fn keep(self) -> io::Result<Kept> {
        match self {
            Draft::Maildir(draft) => Ok(Kept { path: Some(draft.keep(Place::New)?), octets: None }),
            Draft::Memory(message) => Ok(Kept { path: None, octets: Some(message) }),
            Draft::Discard => Ok(Kept { path: None, octets: None }),
        }
    }
}
