//! From an address to the servers that submit its mail: who says what, and how
//! far that can be trusted. Asks the network, decides nothing for the user.
//!
//! | what | file |
//! |---|---|
//! | SRV records (RFC 6186, RFC 8314), and mail exchangers that tell the provider | `srv.rs` |
//! | documents in Thunderbird's form | `autoconfig.rs` |
//! | the large providers | `providers.rs`, `providers.toml` |

pub mod autoconfig;
pub mod providers;
mod srv;

pub use srv::{Services, exchangers, services};

use crate::net::{Endpoint, Host};

/// A server that may be the one, as somebody said it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Where, and how protected: TLS from the start, or STARTTLS.
    pub endpoint: Endpoint,
    /// Who signs in, as far as that was said.
    pub user: Option<String>,
    /// The issuer to get tokens from (`google`, `microsoft`, or a URL), where
    /// passwords are of no use.
    pub issuer: Option<String>,
    /// Who said it.
    pub found: Found,
    /// How far that can be trusted.
    pub trust: Trust,
    /// What a user of this provider has to know, in a sentence or two; it may
    /// have a link in it.
    pub remark: Option<String>,
}

/// Who names a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The table that comes with envoi.
    Table {
        /// The name of the provider.
        provider: String,
    },
    /// An SRV record of the domain.
    Srv {
        /// The name that has it, such as `_submissions._tcp.example.org`.
        owner: String,
    },
    /// The table, for the provider whose mail exchangers the domain uses.
    Exchanger {
        /// The mail exchanger.
        exchanger: String,
        /// The name of the provider.
        provider: String,
    },
    /// A document in Thunderbird's form, which the domain publishes.
    Document {
        /// Where it stands.
        url: String,
    },
    /// A document in Thunderbird's form, in Mozilla's database.
    Database {
        /// Where it stands.
        url: String,
    },
    /// Nobody: a usual name, which `--guess` asked for.
    Guess,
}

/// How far what was found can be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// It came with envoi, by HTTPS from the domain itself, or signed by
    /// DNSSEC.
    Sure,
    /// It came over a way that anybody could tamper with, but the server is in
    /// the domain of the address, and nobody else has a certificate for it.
    OwnDomain,
    /// Somebody else said it by HTTPS: the domain itself did not.
    ThirdParty,
    /// It came over a way that anybody could tamper with, and leads to another
    /// domain: the server's certificate would have to be good for this one, the
    /// domain of the address, or the user has to know the server.
    Elsewhere {
        /// The domain of the address.
        domain: Host,
    },
}

impl Trust {
    /// Whether nobody has to be asked: if it is not as it was said, the check
    /// of the certificate finds it out.
    pub fn is_good(&self) -> bool {
        match self {
            Trust::Sure | Trust::OwnDomain => true,
            Trust::ThirdParty | Trust::Elsewhere { .. } => false,
        }
    }
}
