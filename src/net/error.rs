//! Why a channel to a server could not be had, or broke.

use super::certificate::Summary;
use super::lookup::Family;
use super::proxy::{ProxyFault, ProxyPlace};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// What went wrong on the way to a server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The name has no address, and asking again will not help.
    #[error("the name {host} has no address: {reason}")]
    NoSuchHost {
        /// The name.
        host: String,
        /// The resolver's words.
        reason: String,
    },
    /// The resolver could not tell.
    #[error("the name {host} could not be looked up: {reason}")]
    Lookup {
        /// The name.
        host: String,
        /// The resolver's words.
        reason: String,
    },
    /// The host has addresses, but none of the family asked for.
    #[error("the name {host} has no {family} address")]
    NoAddressOfFamily {
        /// The name.
        host: String,
        /// `IPv4` or `IPv6`.
        family: &'static str,
    },
    /// The host has addresses, but none that can be reached from the one that
    /// the connection is to begin at.
    #[error(
        "the name {host} has no {} address, as the source address {from} needs",
        Family::of(*.from).name()
    )]
    NoAddressFrom {
        /// The name, or an address of the other family.
        host: String,
        /// Where the connection is to begin.
        from: IpAddr,
    },
    /// The connection cannot begin at this address.
    #[error("cannot connect from {address}: {cause}")]
    Source {
        /// The address of this end.
        address: IpAddr,
        /// What the operating system said.
        cause: io::Error,
    },
    /// The proxy made no connection to the server.
    #[error("{}", told(.proxy, .fault))]
    Proxy {
        /// The proxy.
        proxy: Box<ProxyPlace>,
        /// What it did.
        fault: ProxyFault,
    },
    /// No TCP connection.
    #[error("{address} cannot be reached: {cause}")]
    Connect {
        /// The address tried.
        address: SocketAddr,
        /// What the operating system said.
        cause: io::Error,
    },
    /// The wait ran out.
    #[error("timed out after {}", words(*.after))]
    TimedOut {
        /// How long was waited.
        after: Duration,
    },
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// The other end closed the connection, in an orderly way or not.
    #[error("the server closed the connection{}", if *.abruptly { " abruptly" } else { "" })]
    Closed {
        /// By a reset, or under TLS without a closing alert.
        abruptly: bool,
    },
    /// Another failure of the socket.
    #[error("the connection failed: {0}")]
    Io(io::Error),
    /// The first octets that came back are not TLS.
    #[error("the server answered the TLS handshake with something that is not TLS")]
    NotTls {
        /// What came, at most a few dozen octets.
        octets: Vec<u8>,
    },
    /// The server's certificate was not accepted.
    #[error("{fault}")]
    Certificate {
        /// Which check failed.
        fault: CertificateFault,
        /// The certificate, as far as it can be read.
        certificate: Option<Box<Summary>>,
    },
    /// The handshake failed for another reason.
    #[error("the TLS handshake failed: {0}")]
    Tls(rustls::Error),
    /// The name cannot be verified in a certificate.
    #[error("‘{0}’ is not a name that a certificate can bear")]
    TlsName(String),
    /// The roots of trust could not be read.
    #[error("the certificates in {path} cannot be used: {reason}", path = .path.display())]
    Roots {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The system keeps no certificates where we look.
    #[error("the system's certificates cannot be found: {0}")]
    SystemRoots(String),
}

/// Which check of the server's certificate failed (RFC 5280 §6, RFC 9525).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateFault {
    /// No chain to a root that we trust.
    #[error("the server's certificate is not signed by an authority that is trusted here")]
    UnknownIssuer,
    /// The certificate signed itself.
    #[error("the server's certificate is self-signed, and not trusted here")]
    SelfSigned,
    /// The certificate of an authority, used as a server's own.
    #[error("the server uses the certificate of an authority (CA:TRUE) as its own")]
    AuthorityAsServer,
    /// Past its last day.
    #[error("the server's certificate has expired")]
    Expired {
        /// Its last moment.
        not_after: Option<SystemTime>,
    },
    /// Before its first day.
    #[error("the server's certificate is not valid yet")]
    NotYetValid,
    /// It bears other names.
    #[error("the server's certificate is not for {asked}")]
    WrongName {
        /// The name that was asked for.
        asked: String,
        /// The names that it bears.
        presented: Vec<String>,
    },
    /// Anything else.
    #[error("the server's certificate is not acceptable: {0}")]
    Other(String),
}

impl From<io::Error> for Error {
    fn from(cause: io::Error) -> Self {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
        match cause.kind() {
            ConnectionReset | ConnectionAborted | BrokenPipe => Error::Closed { abruptly: true },
            _ => Error::Io(cause),
        }
    }
}

fn told(proxy: &ProxyPlace, fault: &ProxyFault) -> String {
    match fault {
        ProxyFault::TimedOut { after } => {
            format!("timed out after {} waiting for the proxy {proxy}", words(*after))
        }
        fault => format!("the proxy {proxy} {fault}"),
    }
}

/// `10 min`, `5 s`, `0.5 s`.
pub(super) fn words(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match time.as_secs() {
        // A clock that is read a little early does not make 1 s into 1.0 s.
        0 if seconds < 0.95 => format!("{seconds:.1} s"),
        whole if whole >= 120 => format!("{} min", whole / 60),
        _ => format!("{seconds:.0} s"),
    }
}
