//! Why a question has no answer.

use super::name::Name;
use super::record::Kind;
use std::net::SocketAddr;

/// Why there are no records.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not a name that can be asked for.
    #[error("‘{0}’ is not a name that name servers can be asked for")]
    NotAName(String),
    /// NXDOMAIN (RFC 1035 §4.1.1), or a name that no name server is asked for.
    #[error("the name {name} does not exist")]
    NoSuchName {
        /// The name.
        name: Name,
    },
    /// The name exists without records of this kind (RFC 2308 §2.2).
    #[error("the name {name} has no {kind} record")]
    NoRecords {
        /// The name.
        name: Name,
        /// The kind.
        kind: Kind,
    },
    /// The aliases of the name lead in a circle, or on and on.
    #[error("the aliases of {name} do not come to an end")]
    EndlessAliases {
        /// The name.
        name: Name,
    },
    /// The server could not or would not say.
    #[error("the name server {server}, asked for the {kind} records of {name}, {reason}")]
    Failed {
        /// The name.
        name: Name,
        /// The kind.
        kind: Kind,
        /// Who was asked.
        server: SocketAddr,
        /// What it said. Fits behind its name.
        reason: String,
    },
    /// What came back is no answer, or not a whole one.
    #[error(
        "the name server {server}, asked for the {kind} records of {name}, \
         gave an answer that cannot be read"
    )]
    Malformed {
        /// The name.
        name: Name,
        /// The kind.
        kind: Kind,
        /// Who was asked.
        server: SocketAddr,
    },
    /// No way to the server.
    #[error("the name server {server} cannot be asked for the {kind} records of {name}: {reason}")]
    Unreachable {
        /// The name.
        name: Name,
        /// The kind.
        kind: Kind,
        /// Who was asked.
        server: SocketAddr,
        /// What the operating system said.
        reason: String,
    },
    /// Nobody answered in time.
    #[error("no name server said in time which {kind} records {name} has")]
    TimedOut {
        /// The name.
        name: Name,
        /// The kind.
        kind: Kind,
    },
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    /// Whether asking again may help. That there is no such name, or no such
    /// record, is an answer.
    pub fn is_temporary(&self) -> bool {
        match self {
            Error::NotAName(_) | Error::NoSuchName { .. } | Error::NoRecords { .. } => false,
            Error::EndlessAliases { .. }
            | Error::Failed { .. }
            | Error::Malformed { .. }
            | Error::Unreachable { .. }
            | Error::TimedOut { .. }
            | Error::Interrupted => true,
        }
    }
}
