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

impl Host {
    /// True for this machine: its loopback addresses, and the names that mean
    /// them (RFC 6761 §6.3), for which no name server is asked nor believed.
    pub fn is_loopback(&self) -> bool {
        match self {
            Host::Name(name) => {
                let name = name.to_ascii_lowercase();
                name == "localhost" || name.ends_with(".localhost")
            }
            Host::Address(address) => address.to_canonical().is_loopback(),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_by_its_names_and_addresses() {
        for (host, expected) in [
            ("localhost", true),
            ("LocalHost", true),
            ("mail.localhost", true),
            ("notlocalhost", false),
            ("localhost.example.org", false),
            ("127.0.0.1", true),
            ("127.9.9.9", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("128.0.0.1", false),
            ("fe80::1", false),
        ] {
            let host = host.parse().map_or_else(|_| Host::Name(host.to_owned()), Host::Address);
            assert_eq!(host.is_loopback(), expected, "{host}");
        }
    }
}
