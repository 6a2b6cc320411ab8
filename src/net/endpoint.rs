//! Where a server is, what is spoken there and how the channel is protected.

use crate::smtp::Protocol;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

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

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// A port of a host on the network.
    Tcp {
        /// The host.
        host: Host,
        /// The port.
        port: u16,
    },
    /// A socket in the file system of this machine.
    Unix(SocketPath),
}

/// The path of a Unix socket: absolute, without NUL, and short enough for one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SocketPath(PathBuf);

/// One server to try.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Where.
    pub place: Place,
    /// What is spoken there.
    pub protocol: Protocol,
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

/// What a socket connects to: a place whose name has been looked up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// A port at an address of the network.
    Tcp(SocketAddr),
    /// A socket in the file system of this machine.
    Unix(SocketPath),
}

/// `sun_path` has 108 octets, one of them for the NUL (unix(7)).
const LONGEST_PATH: usize = 107;

impl SocketPath {
    /// `None` for a path that cannot be that of a socket.
    pub fn new(path: impl Into<PathBuf>) -> Option<Self> {
        let path = path.into();
        let octets = path.as_os_str().as_bytes();
        let fits = path.is_absolute() && octets.len() <= LONGEST_PATH && !octets.contains(&0);
        fits.then_some(SocketPath(path))
    }

    /// The path.
    pub fn as_path(&self) -> &Path {
        &self.0
    }
}

impl Place {
    /// The host that certificates and people name. What listens on a socket of
    /// this machine is this machine.
    pub fn host(&self) -> Host {
        match self {
            Place::Tcp { host, .. } => host.clone(),
            Place::Unix(_) => Host::Name("localhost".to_owned()),
        }
    }

    /// The port, if it is one of a host.
    pub fn port(&self) -> Option<u16> {
        match self {
            Place::Tcp { port, .. } => Some(*port),
            Place::Unix(_) => None,
        }
    }

    /// The same, to be changed.
    pub fn port_mut(&mut self) -> Option<&mut u16> {
        match self {
            Place::Tcp { port, .. } => Some(port),
            Place::Unix(_) => None,
        }
    }

    /// What people call it: the host, or the path.
    pub fn name(&self) -> String {
        match self {
            Place::Tcp { host, .. } => host.to_string(),
            Place::Unix(path) => path.to_string(),
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

impl fmt::Display for SocketPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

impl fmt::Display for Place {
    /// `host:port`, an IPv6 address in square brackets; or the path.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Tcp { host: Host::Address(IpAddr::V6(address)), port } => {
                write!(f, "[{address}]:{port}")
            }
            Place::Tcp { host, port } => write!(f, "{host}:{port}"),
            Place::Unix(path) => path.fmt(f),
        }
    }
}

impl fmt::Display for Endpoint {
    /// The place.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.fmt(f)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(address) => address.fmt(f),
            Address::Unix(path) => path.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_path_that_fits_a_socket_is_one() {
        let longest = format!("/{}", "x".repeat(106));
        for (path, fits) in [
            ("/run/lmtp", true),
            (longest.as_str(), true),
            (&format!("{longest}x"), false),
            ("run/lmtp", false),
            ("", false),
            ("/run/\0lmtp", false),
        ] {
            assert_eq!(SocketPath::new(path).is_some(), fits, "{path:?}");
        }
    }

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
