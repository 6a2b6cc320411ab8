//! Proxies: a connection to one becomes a connection to a server.
//!
//! | scheme | protocol | file |
//! |---|---|---|
//! | `socks5` | SOCKS5, RFC 1928 and 1929 | `socks5.rs` |
//! | `http` | CONNECT, RFC 9110 §9.3.6 | `http.rs` |
//!
//! The proxy is given the server's name and looks it up. Of what comes back not
//! an octet more is read than belongs to its answer: the server's greeting may
//! stand behind it in the same segment.

mod http;
mod socks5;

use super::endpoint::{Endpoint, Host};
use super::error::{Error, words};
use super::stream::Stream;
use crate::sasl::Credentials;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// A proxy and who signs in to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    place: ProxyPlace,
    sign_in: Option<Credentials>,
}

/// Where a proxy is, and how it is spoken to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProxyPlace {
    /// What it speaks.
    pub protocol: ProxyProtocol,
    /// Where.
    pub host: Host,
    /// TCP port.
    pub port: u16,
}

/// How a proxy is asked for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProxyProtocol {
    /// RFC 1928.
    Socks5,
    /// RFC 9110 §9.3.6, in HTTP/1.1.
    Http,
}

/// A user or a password that the protocol cannot carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitSignIn {
    /// RFC 1929 §2.
    #[error("SOCKS5 carries a user and a password of at most 255 octets each")]
    TooLong,
    /// RFC 7617 §2.
    #[error("HTTP carries no user with a colon, and no control characters")]
    Characters,
}

/// Why a proxy made no connection. Fits behind its name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyFault {
    /// It has no address, or nobody listens there.
    #[error("cannot be used: {0}")]
    Unreached(Box<Error>),
    /// It did not answer in time.
    #[error("did not answer within {}", words(*.after))]
    TimedOut {
        /// How long was waited.
        after: Duration,
    },
    /// It closed the connection in place of an answer, or within one.
    #[error("closed the connection{}", if *.abruptly { " abruptly" } else { "" })]
    Closed {
        /// By a reset.
        abruptly: bool,
    },
    /// Its answer is not of its protocol.
    #[error("answered with something that is not {}", .expected.name())]
    Foreign {
        /// What it should speak.
        expected: ProxyProtocol,
        /// How its answer begins.
        octets: Vec<u8>,
    },
    /// A header that does not end.
    #[error("answered with more than {} octets of header", http::LONGEST_HEADER)]
    TooMuch,
    /// RFC 1928 §3: it chose what was not on the list.
    #[error("asked for a way to sign in that was not offered (method {0})")]
    NotOffered(u8),
    /// It takes nobody without a user and a password, and none was given.
    #[error("wants a user and a password")]
    WantsSignIn,
    /// It has no use for a user and a password, nor for their absence.
    #[error("takes neither a user and a password nor their absence")]
    NoWayIn,
    /// It does not know the user, or not by this password.
    #[error("refused the user or the password")]
    SignInRefused,
    /// A refusal by SOCKS.
    #[error("did not connect to the server: {0}")]
    Refused(Refusal),
    /// A refusal by HTTP.
    #[error("did not connect to the server: {code} {reason}")]
    Status {
        /// The status code.
        code: u16,
        /// The reason phrase, as it came.
        reason: String,
    },
}

impl ProxyFault {
    /// Whether another try may go better, of a proxy that was reached; what
    /// kept it from being reached is judged by the caller.
    pub fn may_pass(&self, unreached: impl FnOnce(&Error) -> bool) -> bool {
        match self {
            ProxyFault::Unreached(error) => unreached(error),
            ProxyFault::TimedOut { .. } | ProxyFault::Closed { .. } => true,
            ProxyFault::Refused(refusal) => match refusal {
                Refusal::GeneralFailure
                | Refusal::NetworkUnreachable
                | Refusal::HostUnreachable
                | Refusal::ConnectionRefused
                | Refusal::TtlExpired => true,
                Refusal::NotAllowed
                | Refusal::CommandNotSupported
                | Refusal::AddressTypeNotSupported
                | Refusal::Unassigned(_) => false,
            },
            // RFC 9110 §15.6: the proxy's own trouble, or the server's; 501 and
            // 505 are for good. 408 and 429 ask for another try (RFC 6585 §4).
            ProxyFault::Status { code, .. } => {
                matches!(code, 408 | 429 | 500..=599) && !matches!(code, 501 | 505)
            }
            ProxyFault::Foreign { .. }
            | ProxyFault::TooMuch
            | ProxyFault::NotOffered(_)
            | ProxyFault::WantsSignIn
            | ProxyFault::NoWayIn
            | ProxyFault::SignInRefused => false,
        }
    }
}

/// The reply codes of RFC 1928 §6, in its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 1.
    #[error("general SOCKS server failure")]
    GeneralFailure,
    /// 2.
    #[error("connection not allowed by ruleset")]
    NotAllowed,
    /// 3.
    #[error("network unreachable")]
    NetworkUnreachable,
    /// 4.
    #[error("host unreachable")]
    HostUnreachable,
    /// 5.
    #[error("connection refused")]
    ConnectionRefused,
    /// 6.
    #[error("TTL expired")]
    TtlExpired,
    /// 7.
    #[error("command not supported")]
    CommandNotSupported,
    /// 8.
    #[error("address type not supported")]
    AddressTypeNotSupported,
    /// 9 to 255.
    #[error("reply code {0}, which means nothing")]
    Unassigned(u8),
}

impl Proxy {
    /// A proxy; fails if its protocol cannot carry the user or the password.
    pub fn new(place: ProxyPlace, sign_in: Option<Credentials>) -> Result<Self, UnfitSignIn> {
        if let Some(who) = &sign_in {
            match place.protocol {
                ProxyProtocol::Socks5 => socks5::fit(who)?,
                ProxyProtocol::Http => http::fit(who)?,
            }
        }
        Ok(Proxy { place, sign_in })
    }

    /// Where it is.
    pub fn place(&self) -> &ProxyPlace {
        &self.place
    }

    /// True when there is a password to keep.
    pub fn has_password(&self) -> bool {
        self.sign_in.as_ref().is_some_and(|who| !who.password.is_empty())
    }

    /// Asks for a connection to a server, by the deadline that the channel was
    /// armed with. Afterwards the channel is one to the server.
    pub fn open(&self, channel: &mut dyn Stream, server: &Endpoint) -> Result<(), Error> {
        let who = self.sign_in.as_ref();
        let opened = match self.place.protocol {
            ProxyProtocol::Socks5 => socks5::open(channel, server, who),
            ProxyProtocol::Http => http::open(channel, server, who),
        };
        opened.map_err(|fault| self.place.blamed(fault))
    }
}

impl ProxyPlace {
    /// The error as one of this proxy, so that nobody looks for it at the
    /// server. The user's wish to stop stays what it is.
    pub fn blamed(&self, fault: impl Into<ProxyFault>) -> Error {
        match fault.into() {
            ProxyFault::Unreached(error) if matches!(*error, Error::Interrupted) => *error,
            fault => Error::Proxy { proxy: Box::new(self.clone()), fault },
        }
    }
}

impl ProxyProtocol {
    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            ProxyProtocol::Socks5 => "SOCKS5",
            ProxyProtocol::Http => "HTTP",
        }
    }
}

impl From<Error> for ProxyFault {
    fn from(error: Error) -> Self {
        match error {
            Error::TimedOut { after } => ProxyFault::TimedOut { after },
            Error::Closed { abruptly } => ProxyFault::Closed { abruptly },
            other => ProxyFault::Unreached(Box::new(other)),
        }
    }
}

impl fmt::Display for ProxyPlace {
    /// As a URL, without user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.protocol {
            ProxyProtocol::Socks5 => "socks5",
            ProxyProtocol::Http => "http",
        };
        match &self.host {
            Host::Address(IpAddr::V6(address)) => write!(f, "{scheme}://[{address}]:{}", self.port),
            host => write!(f, "{scheme}://{host}:{}", self.port),
        }
    }
}

/// Reads just so many octets.
fn read_exactly<const N: usize>(channel: &mut dyn Stream) -> Result<[u8; N], ProxyFault> {
    let mut octets = [0; N];
    fill(channel, &mut octets)?;
    Ok(octets)
}

fn fill(channel: &mut dyn Stream, mut into: &mut [u8]) -> Result<(), ProxyFault> {
    while !into.is_empty() {
        match channel.read(into)? {
            0 => return Err(ProxyFault::Closed { abruptly: false }),
            length => into = &mut into[length..],
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
