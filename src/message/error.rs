//! Why a message cannot be made or written.

use super::{AddressError, AliasError, Unfit};
use std::io;
use std::path::PathBuf;

/// Why a message cannot be made or written. The `Display` form is a sentence
/// without its full stop.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file that is missing, forbidden, or fails while being read.
    #[error("cannot read ‘{}’: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// A directory where a file is needed.
    #[error("cannot read ‘{}’: it is a directory", .0.display())]
    Directory(PathBuf),
    /// A pipe, a socket or a device, which cannot be read twice.
    #[error("cannot read ‘{}’ twice: it is not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// A file that is not what it was when it was measured.
    #[error("‘{}’ changed while it was being read", .0.display())]
    Changed(PathBuf),
    /// NUL, which may not be sent (RFC 5322 §2.3, §4).
    #[error("‘{}’ has a NUL octet in line {line}, which mail cannot carry", path.display())]
    Nul {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
    },
    /// A line over 998 octets (RFC 5322 §2.1.1).
    #[error("‘{}’ has more than 998 octets in line {line}, which mail cannot carry", path.display())]
    LineTooLong {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
    },
    /// CR elsewhere than before LF, where that is refused.
    #[error("‘{}’ has a CR that ends no line", .0.display())]
    StrayCr(PathBuf),
    /// What mail cannot carry stands where nothing may be changed.
    #[error("{fault}, and {reason}")]
    Unfit {
        /// What stands there.
        fault: Box<Error>,
        /// Why it cannot be changed.
        reason: Box<Unfit>,
    },
    /// An attached message that mail cannot carry as it is.
    #[error("an attached message holds what mail cannot carry, and {0}")]
    Attached(Box<Unfit>),
    /// So many servers have passed it on that it goes in circles (RFC 5321
    /// §6.3).
    #[error("‘{}’ has {count} Received fields: it goes in circles", path.display())]
    Loop {
        /// The file.
        path: PathBuf,
        /// How many.
        count: usize,
    },
    /// A header over 1 MiB.
    #[error("the header of ‘{}’ is larger than 1 MiB", .0.display())]
    HeaderTooLarge(PathBuf),
    /// What stands where an address should.
    #[error("‘{text}’ is not a mail address: {reason}")]
    Address {
        /// The entry of the list.
        text: String,
        /// What is wrong with it.
        reason: AddressError,
    },
    /// A name without `@` where nothing says what follows it.
    #[error("‘{name}’ has no domain, and nothing says which one it should have")]
    Unqualified {
        /// The name.
        name: String,
    },
    /// An alias that leads nowhere.
    #[error(transparent)]
    Alias(#[from] AliasError),
    /// Not a field name (RFC 5322 §2.2).
    #[error("‘{0}’ is not the name of a header field")]
    HeaderName(String),
    /// A value that would begin another field.
    #[error("the value of {0} has a line end or a NUL in it")]
    HeaderBreak(String),
    /// A value that the field's grammar cannot express.
    #[error("the value of {0} has a character, or a word over 998 octets, that cannot stand there")]
    HeaderValue(String),
    /// A field that follows from the message itself, such as Content-Type.
    #[error("{0} cannot be set: it follows from what is sent")]
    HeaderReserved(String),
    /// A field that may stand once.
    #[error("{0} is given twice and may stand in a message once")]
    HeaderTwice(&'static str),
    /// A control character in the name of an attachment.
    #[error("the file name ‘{0}’ has a control character in it")]
    FileName(String),
    /// Not `type/subtype` with parameters, or one that no file can have.
    #[error("‘{0}’ is not a media type for an attachment")]
    MediaType(String),
    /// Not a Message-ID.
    #[error("‘{0}’ is not the Message-ID of a message")]
    MessageId(String),
    /// Not a URL for List-Unsubscribe.
    #[error("‘{0}’ is not an https: or mailto: URL")]
    UnsubscribeUrl(String),
    /// RFC 8058 §3.1: one `https:` URL, here with how many there are.
    #[error("one click needs exactly one https: URL to unsubscribe at, and there are {0}")]
    OneClick(usize),
    /// A date that RFC 5322 §3.3 cannot express.
    #[error("the date lies outside the years that mail can express")]
    Date,
    /// Neither the message nor the caller says who writes.
    #[error("the message has no From")]
    NoFrom,
    /// A key that takes part in no signature.
    #[error("the message could not be signed")]
    NotSigned,
    /// The system has no random octets for a Message-ID or a boundary.
    #[error("the system gave no random numbers")]
    NoRandomness,
}

impl From<Error> for io::Error {
    /// Wraps the error for [`io::Read`], where `get_ref` finds it again.
    fn from(error: Error) -> io::Error {
        io::Error::other(error)
    }
}
