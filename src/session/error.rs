//! Why a session ended before its time.

use super::Stage;
use crate::net;
use crate::sasl::MechanismError;
use crate::smtp::{Keyword, Phase, Reply, ReplyError};
use std::io;

/// What broke a session, and what was being waited for.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct Error {
    /// What was being done.
    pub phase: Phase,
    /// What went wrong.
    pub kind: Kind,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Kind {
    /// The channel: look-up, connection, TLS, the clock, the user.
    #[error("{0}")]
    Net(net::Error),
    /// What came is no reply.
    #[error("the server sent something that is not SMTP: {0}")]
    Malformed(ReplyError),
    /// A reply that ends the session: a refusal, or 421 at any moment.
    #[error("the server answered {0}")]
    Refused(Reply),
    /// A reply that is none to this command, such as 354 to MAIL.
    #[error("the server answered out of turn: {0}")]
    OutOfTurn(Reply),
    /// The server does not offer what must be had.
    #[error("the server does not offer {keyword}", keyword = .0.as_str())]
    Lacks(Keyword),
    /// None of the mechanisms offered can be used.
    #[error("the server offers no way to sign in that can be used here")]
    NoMechanism {
        /// What the server offers.
        offered: Vec<String>,
        /// What was asked for by name; empty if nothing was.
        named: Vec<String>,
        /// Offered and known, but exposing the password on this channel.
        exposing: Vec<String>,
    },
    /// Octets in clear behind the reply to STARTTLS: somebody between us and
    /// the server put them there (RFC 3207 §6, CVE-2011-0411).
    #[error("the server, or somebody in between, sent text in clear after STARTTLS")]
    PlaintextAfterStartTls,
    /// A challenge that is not base64.
    #[error("the server's challenge is not base64")]
    BadChallenge,
    /// Our side of the sign-in stopped it.
    #[error("{0}")]
    Mechanism(MechanismError),
    /// The password or token could not be had.
    #[error("{reason}")]
    Secret {
        /// Why not, in words.
        reason: String,
        /// What to try about it, if anything.
        way_out: Option<String>,
        /// Whether trying again would help, or who has to do something.
        absence: Absence,
    },
    /// The session was to end behind this stage, and nothing went wrong.
    #[error("stopped after {0}, as asked")]
    Stopped(Stage),
    /// The server gave another reply than was expected.
    #[error("the server gave another answer than was expected")]
    Unexpected,
    /// The server does not take what it is to be told by XCLIENT.
    #[error("the server does not let us say {0} by XCLIENT")]
    NoXclient(String),
    /// The message could not be read to its end. Nothing was sent that a
    /// server could take for the whole.
    #[error("the message could not be read: {0}")]
    Source(io::Error),
}

/// What it means that a password or token cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// It may be had at another time.
    Passing,
    /// Whoever gives it out refuses to: somebody has to log in there.
    Refused,
    /// It is not where it should be.
    Missing,
    /// It is that of a login, which is not there, or of no use as it is set up.
    NoLogin,
    /// Whoever gives it out has a name that nobody knows.
    NoHost,
    /// Whoever gives it out makes no sense, or is not who it should be.
    Garbled,
}

impl Error {
    /// An error in this phase.
    pub fn new(phase: Phase, kind: impl Into<Kind>) -> Self {
        Error { phase, kind: kind.into() }
    }
}

impl From<net::Error> for Kind {
    fn from(error: net::Error) -> Self {
        Kind::Net(error)
    }
}

impl From<ReplyError> for Kind {
    fn from(error: ReplyError) -> Self {
        Kind::Malformed(error)
    }
}

impl From<MechanismError> for Kind {
    fn from(error: MechanismError) -> Self {
        Kind::Mechanism(error)
    }
}
