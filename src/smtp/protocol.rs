//! The two protocols that share commands and replies.

/// What is spoken with a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// RFC 5321: one reply to a message, for all of its recipients.
    #[default]
    Smtp,
    /// RFC 2033: LHLO instead of EHLO, and after a message one reply for each
    /// recipient that was accepted.
    Lmtp,
}
