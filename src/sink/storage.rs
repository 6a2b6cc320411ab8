//! Where messages go, and the trace put on top of them (RFC 5321 §4.4).

use super::conversation::Conversation;
use crate::message;
use crate::smtp::Domain;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Where the receiver puts messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    /// A Maildir, made when missing. Lines end in LF there, as mail readers
    /// expect; since no message with a lone CR or LF is taken, turning LF back
    /// into CRLF gives the octets received.
    Maildir(PathBuf),
    /// The event of the message, octet by octet.
    Memory,
    /// Nowhere.
    Discard,
}

/// The name of one message, and when it came.
pub(super) struct Label {
    /// Unique, and an atom (RFC 5322 §3.2.3), as the trace wants it.
    pub(super) id: String,
    now: Zoned,
}

/// A message half written. Dropping it leaves nothing behind.
pub(super) enum Draft {
    Maildir { file: File, tmp: PathBuf, new: PathBuf, lines: Vec<u8> },
    Memory(Vec<u8>),
    Discard,
}

/// What became of a draft.
pub(super) struct Kept {
    pub(super) path: Option<PathBuf>,
    pub(super) octets: Option<Vec<u8>>,
}

impl Storage {
    /// Makes the folders of the Maildir, for their owner only.
    pub(super) fn prepare(&self) -> io::Result<()> {
        let Storage::Maildir(directory) = self else { return Ok(()) };
        for folder in ["tmp", "new", "cur"] {
            DirBuilder::new().recursive(true).mode(0o700).create(directory.join(folder))?;
        }
        Ok(())
    }
}

impl Label {
    /// A name that no other message of this machine has, and none of another
    /// machine that shares the folder.
    pub(super) fn new() -> io::Result<Self> {
        static MESSAGES: AtomicU64 = AtomicU64::new(0);
        let now = Timestamp::now().to_zoned(TimeZone::UTC);
        let micros = now.timestamp().subsec_microsecond();
        let count = MESSAGES.fetch_add(1, Ordering::Relaxed);
        let id = format!("M{micros:06}P{}Q{count}R{}", std::process::id(), random_word()?);
        Ok(Label { id, now })
    }

    /// Return-Path and Received, line ends CRLF. Nothing when no transaction
    /// is open.
    pub(super) fn trace(
        &self,
        conversation: &Conversation<'_>,
        peer: IpAddr,
        host: &str,
    ) -> String {
        let Some(transaction) = conversation.transaction() else { return String::new() };
        let peer = match peer.to_canonical() {
            IpAddr::V4(address) => Domain::Ipv4(address),
            IpAddr::V6(address) => Domain::Ipv6(address),
        };
        let recipient = match &transaction.to[..] {
            [only] => format!("\r\n\tfor <{only}>"),
            // Several would tell each recipient of the others.
            _ => String::new(),
        };
        format!(
            "Return-Path: {}\r\nReceived: from {} ({peer})\r\n\tby {host} with {} id {}{recipient};\r\n\t{}\r\n",
            transaction.from,
            conversation.client_name().unwrap_or("unknown"),
            conversation.protocol(),
            self.id,
            self.now.strftime("%a, %d %b %Y %H:%M:%S %z"),
        )
    }

    /// The file's name in a Maildir.
    fn file_name(&self, host: &str) -> String {
        let host = host.replace('/', "\\057").replace(':', "\\072");
        format!("{}.{}.{host}", self.now.timestamp().as_second(), self.id)
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
        trace: &str,
    ) -> io::Result<Self> {
        let directory = match storage {
            Storage::Memory => return Ok(Draft::Memory(Vec::new())),
            Storage::Discard => return Ok(Draft::Discard),
            Storage::Maildir(directory) => directory,
        };
        let place = |folder: &str| directory.join(folder).join(label.file_name(host));
        let (tmp, new) = (place("tmp"), place("new"));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&tmp)?;
        let mut draft = Draft::Maildir { file, tmp, new, lines: Vec::new() };
        draft.write(trace.as_bytes())?;
        Ok(draft)
    }

    /// Adds octets. A CRLF must not be cut in two.
    pub(super) fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        match self {
            Draft::Maildir { file, lines, .. } => {
                let mut from = 0;
                for at in memchr::memchr_iter(b'\r', octets) {
                    lines.extend_from_slice(&octets[from..at]);
                    from = at + 1;
                }
                lines.extend_from_slice(&octets[from..]);
                if lines.len() >= BLOCK { write_out(file, lines) } else { Ok(()) }
            }
            Draft::Memory(message) => {
                message.extend_from_slice(octets);
                Ok(())
            }
            Draft::Discard => Ok(()),
        }
    }

    /// The message is whole: it becomes visible.
    pub(super) fn keep(mut self) -> io::Result<Kept> {
        match &mut self {
            Draft::Maildir { file, tmp, new, lines } => {
                write_out(file, lines)?;
                fs::rename(&*tmp, &*new)?;
                Ok(Kept { path: Some(std::mem::take(new)), octets: None })
            }
            Draft::Memory(message) => {
                Ok(Kept { path: None, octets: Some(std::mem::take(message)) })
            }
            Draft::Discard => Ok(Kept { path: None, octets: None }),
        }
    }
}

const BLOCK: usize = 128 * 1024;

fn write_out(file: &mut File, lines: &mut Vec<u8>) -> io::Result<()> {
    file.write_all(lines)?;
    lines.clear();
    Ok(())
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Draft::Maildir { tmp, .. } = self {
            remove_if_there(tmp);
        }
    }
}

/// After `keep` the file has another name; before it, a file that cannot be
/// removed harms nobody, since readers look in `new`.
fn remove_if_there(tmp: &Path) {
    let _ = fs::remove_file(tmp);
}
