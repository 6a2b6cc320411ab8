//! Where a server is and how the channel to it is protected.

use std::fmt;
use std::net::IpAddr;

/// A host by name or by address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// A DNS name in A-label form, without a trailing dot.
    Name(String),
    /// An address; no look-up, and no SNI (RFC 6066 §3).
    Address(IpAddr),
}

/// When TLS begins, and whether the session goes on without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Security {
    /// TLS from the first octet (RFC 8314 §3.3).
    Implicit,
    /// STARTTLS; without it the session ends (RFC 3207).
    StartTls,
    /// STARTTLS where offered, unverified, else in clear.
    Opportunistic,
    /// No TLS, said aloud in the configuration.
    Cleartext,
}

/// One server to try.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Where.
    pub host: Host,
    /// TCP port.
    pub port: u16,
    /// How protected.
    pub security: Security,
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(name) => f.write_str(name),
            Host::Address(address) => address.fmt(f),
        }
    }
}

impl fmt::Display for Endpoint {
    /// `host:port`, an IPv6 address in square brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Address(IpAddr::V6(address)) => write!(f, "[{address}]:{}", self.port),
            host => write!(f, "{host}:{}", self.port),
        }
    }
}
