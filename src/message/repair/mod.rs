//! Making a finished message fit for the way it goes: leaf by leaf, and no
//! further than that way needs.
//!
//! | what | file |
//! |---|---|
//! | what an entity says of itself | `content.rs` |
//! | which octets are which part's | `structure.rs` |
//! | leaves in another transfer encoding | `leaves.rs` |
//! | header fields without 8-bit octets, and without long lines | `fields.rs` |

mod content;
mod fields;
mod leaves;
mod structure;

pub(super) use content::Content;
pub(super) use fields::{refolded, seven_bit};
pub(super) use leaves::{attached, body, relabelled};
pub(super) use structure::header_of;

use super::Error;
use super::canonical::StrayCr;

/// What may be changed in a message that is not fit, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repairs {
    /// Lines over 998 octets (RFC 5322 §2.1.1).
    pub long_lines: Repair,
    /// Octets above 127 where the server lacks 8BITMIME (RFC 6152 §3).
    pub eight_bit: Repair,
    /// CR elsewhere than before LF (RFC 5321 §2.3.8).
    pub stray_cr: StrayCr,
}

/// What is done about octets that the way does not carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Repair {
    /// The leaf is encoded anew; a signed one is refused.
    #[default]
    Reencode,
    /// The message is refused.
    Reject,
    /// They are sent as they are.
    Pass,
}

/// How wide the way to the next hop is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Width {
    /// Octets above 127 may stand in bodies (8BITMIME, RFC 6152).
    pub eight_bit: bool,
    /// UTF-8 may stand in headers (SMTPUTF8, RFC 6531).
    pub utf8_header: bool,
    /// Any octets may stand anywhere (BINARYMIME, RFC 3030 §3).
    pub binary: bool,
}

impl Width {
    /// A way that carries anything.
    pub const WIDE: Width = Width { eight_bit: true, utf8_header: true, binary: true };
    /// A way that carries US-ASCII.
    pub const SEVEN_BIT: Width = Width { eight_bit: false, utf8_header: false, binary: false };
}

/// Why a message cannot be made fit. The `Display` form is a clause that fits
/// after "and ".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// What is signed or encrypted as a whole, such as `multipart/signed`.
    #[error("its {0} part may not be changed")]
    Sealed(String),
    /// The message bears a DKIM signature (RFC 6376 §3.7).
    #[error("its DKIM signature would no longer hold")]
    Signed,
    /// The configuration says so.
    #[error("the configuration says ‘reject’")]
    Rejected,
    /// A transfer encoding that we do not know.
    #[error("one of its parts is in the unknown encoding ‘{0}’")]
    Encoding(String),
    /// A part of a type that may not be encoded (RFC 2045 §6.4).
    #[error("a part of the type {0} may not be encoded")]
    Composite(String),
    /// A field that has no other form.
    #[error("its field {0} cannot be written in US-ASCII")]
    Field(String),
    /// A field of a part that cannot be folded.
    #[error("its field {0} has a line over 998 octets without a blank to fold it at")]
    Endless(String),
    /// Parts within parts within parts.
    #[error("its parts are nested more than 100 deep")]
    TooDeep,
    /// It is to be sent without a change.
    #[error("it is to go as it is")]
    Untouchable,
    /// It has what no lines may have.
    #[error("{0}")]
    NoLines(Error),
    /// The message could not be read.
    #[error(transparent)]
    Failed(#[from] Error),
}

#[cfg(test)]
mod tests;
