//! Why a channel to a server could not be had, or broke.

use super::certificate::Summary;
use super::connector::TlsVersion;
use super::endpoint::{Address, SocketPath};
use super::lookup::Family;
use super::proxy::{ProxyFault, ProxyPlace};
use rustix::io::Errno;
use std::fmt;
use std::io;
use std::net::IpAddr;
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
    /// No connection.
    #[error("{address} cannot be reached: {cause}")]
    Connect {
        /// The address tried.
        address: Address,
        /// What the operating system said.
        cause: io::Error,
    },
    /// A file of another kind, or a socket that is none for streams.
    #[error("{0} is not a socket that can be connected to")]
    NotASocket(SocketPath),
    /// The socket is there, or may be, but this user may not use it.
    #[error("{0} cannot be reached: permission denied")]
    Forbidden(SocketPath),
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
        /// The certificates of the server, its own first, as far as they can be
        /// read.
        chain: Vec<Summary>,
    },
    /// The server speaks no version of TLS that we do.
    #[error("the server does not speak {least} or later")]
    NoCommonVersion {
        /// The oldest that we would have spoken.
        least: TlsVersion,
    },
    /// No cipher suite, or no group for the key exchange, that both have.
    #[error("the server has no cipher suite or key exchange that is safe enough to be used here")]
    NoCommonSuite,
    /// The server wants to know who we are.
    #[error("{0}")]
    ClientCertificate(ClientCertificateFault),
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
    UnknownIssuer {
        /// The distinguished name with which the chain ends.
        issuer: String,
        /// The server sends its certificate, too.
        is_sent: bool,
    },
    /// The certificate signed itself.
    #[error("the server's certificate is self-signed, and not trusted here")]
    SelfSigned,
    /// The certificate of an authority, used as a server's own.
    #[error("the server uses the certificate of an authority (CA:TRUE) as its own")]
    AuthorityAsServer,
    /// Past its last day.
    #[error("{place} has expired")]
    Expired {
        /// Which certificate.
        place: Link,
        /// Its last moment.
        not_after: SystemTime,
        /// What the clock said here.
        now: SystemTime,
    },
    /// Before its first day.
    #[error("{place} is not valid yet")]
    NotYetValid {
        /// Which certificate.
        place: Link,
        /// Its first moment.
        not_before: SystemTime,
        /// What the clock said here.
        now: SystemTime,
    },
    /// It bears other names.
    #[error("the server's certificate is not for {asked}")]
    WrongName {
        /// The name that was asked for.
        asked: String,
        /// The names that it bears.
        presented: Vec<String>,
        /// Its common name, which is no name of a server (RFC 9525 §2).
        common_name: Option<String>,
    },
    /// Its extended key usage is another (RFC 5280 §4.2.1.12).
    #[error("the server's certificate is not meant for servers")]
    NotForServers,
    /// Signed by an algorithm with which anybody can sign.
    #[error("{place} is signed by {algorithm}, which can be forged")]
    Forgeable {
        /// Which certificate.
        place: Link,
        /// Its name.
        algorithm: &'static str,
    },
    /// An RSA key that is too short to be trusted, or longer than is checked.
    #[error("the key of {place} is RSA of {bits} bits")]
    WeakKey {
        /// Which certificate.
        place: Link,
        /// How long it is.
        bits: usize,
    },
    /// A signature in the chain is wrong: most often the authority has made
    /// itself anew under its old name.
    #[error("the server's certificate is signed in the name of ‘{issuer}’, but not by it")]
    BadSignature {
        /// The distinguished name with which the chain ends.
        issuer: String,
    },
    /// The server's signature in the handshake is wrong.
    #[error("the server cannot prove that it has the key of its certificate")]
    NoProofOfKey,
    /// None of those that were pinned.
    #[error("the server's certificate is not the one that is pinned")]
    NotPinned,
    /// It is no certificate.
    #[error("the server's certificate cannot be read")]
    Unreadable,
    /// Anything else.
    #[error("the server's certificate is not acceptable: {0}")]
    Other(String),
}

/// Which certificate of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// The server's own.
    Own,
    /// One of those that vouch for it, with this subject.
    Behind(String),
}

impl Link {
    /// The place of this certificate.
    pub(super) fn of(chain: &[Summary], at: usize) -> Self {
        if at == 0 { Link::Own } else { Link::Behind(chain[at].subject.clone()) }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Link::Own => f.write_str("the server's certificate"),
            Link::Behind(subject) => {
                write!(f, "the certificate of ‘{subject}’, behind the server's own,")
            }
        }
    }
}

impl Error {
    /// What it means that an address could not be connected to.
    pub(super) fn connect(address: Address, errno: Errno) -> Self {
        match (address, errno) {
            (Address::Unix(path), Errno::ACCESS | Errno::PERM) => Error::Forbidden(path),
            (address, errno) => Error::Connect { address, cause: errno.into() },
        }
    }
}

/// What is wrong with the certificate by which we say who we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientCertificateFault {
    /// The server wants one, and got none.
    #[error("the server asks for a client certificate, and got none that it can use")]
    Missing,
    /// The same, in words that may mean something else.
    #[error(
        "the server broke off the TLS handshake, as those do that ask for a client certificate"
    )]
    MissingPerhaps,
    /// The server does not take it; the alert it gave.
    #[error("the server does not accept the client certificate ({0})")]
    Refused(&'static str),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_that_this_user_may_not_use_is_no_server_that_is_down() {
        let path = SocketPath::new("/run/lmtp").unwrap();
        for (errno, forbidden) in
            [(Errno::ACCESS, true), (Errno::PERM, true), (Errno::CONNREFUSED, false)]
        {
            let error = Error::connect(Address::Unix(path.clone()), errno);
            assert_eq!(matches!(error, Error::Forbidden(_)), forbidden, "{error}");
        }
        // On the network it is a packet filter's word, and may pass.
        let address = Address::Tcp("192.0.2.1:24".parse().unwrap());
        assert!(matches!(Error::connect(address, Errno::ACCESS), Error::Connect { .. }));
    }
}
