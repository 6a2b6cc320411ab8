//! Server URLs: where to submit and how the channel is protected.
//!
//! | URL | port | protection |
//! |---|---|---|
//! | `smtps://host` | 465 | TLS from the first octet |
//! | `smtp://host`, `smtp+tls://host` | 587 | STARTTLS, or nothing is sent |
//! | `smtp+opportunistic://host` | 25 | STARTTLS where offered, unverified |
//! | `smtp+notls://host` | 25 | none |
//! | `lmtp://host:port` | – | LMTP; STARTTLS, or nothing is sent |
//! | `lmtp+notls://host:port` | – | LMTP; none |
//! | `lmtp+unix:/path` | – | LMTP; none, but it does not leave this machine |
//! | `sink:[DIR]` | – | the receiver inside envoi, for this one run |

use crate::net::{Endpoint, Host, Place, Security, SocketPath};
use crate::sasl::Secret;
use crate::smtp::{Domain, Protocol};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

/// One place to submit to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerUrl {
    /// A server on the network, or behind a socket of this machine.
    Server(Server),
    /// The embedded receiver, started for this run. It keeps what it gets in
    /// this Maildir, or in one of its own choice.
    Sink(Option<PathBuf>),
}

/// A server and who signs in there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Where, and how protected.
    pub endpoint: Endpoint,
    /// `user@` of the URL, percent signs decoded. It stands above the user of
    /// the account.
    pub user: Option<String>,
    /// `:password` of the URL. It stands above the password of the account.
    pub password: Option<Secret>,
}

/// Who wrote a URL, which decides whether a password may stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// argv, which every process of the machine can read.
    CommandLine,
    /// A variable of the environment.
    Environment,
    /// A configuration file. Who reads it checks, if a password was in the
    /// URL, that others cannot.
    File,
}

/// Why a text is not a server URL. Fits after "the server URL is no good: ";
/// it never repeats the text, in which a password may stand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// `host` or `host:port` alone.
    #[error("it does not say how to connect; write smtps://HOST, smtp://HOST or another scheme")]
    NoScheme {
        /// The text, if it is a host with or without a port and no more.
        host: Option<String>,
    },
    /// A scheme that is none.
    #[error("there is no scheme ‘{scheme}’")]
    UnknownScheme {
        /// What stands before the colon.
        scheme: String,
    },
    /// A way of delivery that product or standards know and envoi does not.
    #[error("envoi does not {0} in this version")]
    NotSpoken(&'static str),
    /// Nothing where the host should be.
    #[error("it names no host")]
    NoHost,
    /// Not a host name.
    #[error("its host is neither a name nor an address; an IPv6 address stands in [brackets]")]
    Host,
    /// LMTP, and no port.
    #[error("it names no port, and LMTP has none of its own")]
    NoPort,
    /// RFC 2033 §5.
    #[error("LMTP may not be spoken on port 25, which is SMTP's")]
    SmtpPort,
    /// Not the path of a Unix socket.
    #[error("the path of its socket does not begin with /, or is longer than 107 octets")]
    SocketPath,
    /// Not 1 to 65535.
    #[error("its port is not a number from 1 to 65535")]
    Port,
    /// A path, a query or a fragment.
    #[error("nothing may follow the host and port")]
    Trailing,
    /// An empty name, a control character, or a `%` that is no escape.
    #[error("the user name in it is empty, has a control character, or a bad %-escape")]
    User,
    /// A password on the command line.
    #[error("a password may not stand on the command line, where other processes can read it")]
    Password,
}

/// What a scheme with `//` says.
#[derive(Clone, Copy, Debug)]
pub struct Scheme {
    /// The scheme.
    pub name: &'static str,
    /// What is spoken.
    pub protocol: Protocol,
    /// The port where the URL names none; `None` where it must.
    pub port: Option<u16>,
    /// How protected.
    pub security: Security,
}

/// The schemes with `//`. Of those that mean the same, the first is shown.
pub const SCHEMES: &[Scheme] = &[
    Scheme::smtp("smtps", 465, Security::Implicit),
    Scheme::smtp("smtp", 587, Security::StartTls),
    Scheme::smtp("smtp+tls", 587, Security::StartTls),
    Scheme::smtp("smtp+notls", 25, Security::Cleartext),
    Scheme::smtp("smtp+opportunistic", 25, Security::Opportunistic),
    Scheme::lmtp("lmtp", Security::StartTls),
    Scheme::lmtp("lmtp+notls", Security::Cleartext),
];

/// The scheme of Unix sockets, which has no `//`.
const UNIX: &str = "lmtp+unix";

impl Scheme {
    const fn smtp(name: &'static str, port: u16, security: Security) -> Self {
        Scheme { name, protocol: Protocol::Smtp, port: Some(port), security }
    }

    /// RFC 2033 §5: by prior arrangement only, so on no port of its own.
    const fn lmtp(name: &'static str, security: Security) -> Self {
        Scheme { name, protocol: Protocol::Lmtp, port: None, security }
    }

    /// What leads to this place, if it is one on the network.
    pub fn of(endpoint: &Endpoint) -> Option<&'static Scheme> {
        let same = |scheme: &&Scheme| {
            (scheme.protocol, scheme.security) == (endpoint.protocol, endpoint.security)
        };
        match endpoint.place {
            Place::Tcp { .. } => SCHEMES.iter().find(same),
            Place::Unix(_) => None,
        }
    }
}

impl ServerUrl {
    /// Reads a URL.
    pub fn parse(text: &str, origin: Origin) -> Result<Self, ServerError> {
        let text = text.trim();
        let Some((scheme, rest)) = text.split_once(':').filter(|(scheme, _)| is_scheme(scheme))
        else {
            return Err(ServerError::NoScheme { host: lone_host(text) });
        };
        let scheme = scheme.to_ascii_lowercase();
        match scheme.as_str() {
            "sink" => return Ok(ServerUrl::Sink((!rest.is_empty()).then(|| rest.into()))),
            "mx" => return Err(ServerError::NotSpoken("deliver to mail exchangers")),
            UNIX => return unix(rest).map(ServerUrl::Server),
            _ => {}
        }
        let known = SCHEMES.iter().find(|known| known.name == scheme);
        match (known, rest.strip_prefix("//")) {
            (Some(scheme), Some(rest)) => server(rest, scheme, origin).map(ServerUrl::Server),
            (None, Some(_)) => Err(ServerError::UnknownScheme { scheme }),
            (_, None) => Err(ServerError::NoScheme { host: lone_host(text) }),
        }
    }

    /// True when a password stands in the URL itself.
    pub fn has_password(&self) -> bool {
        matches!(self, ServerUrl::Server(Server { password: Some(_), .. }))
    }

    /// The user named in the URL itself.
    pub fn user(&self) -> Option<&str> {
        match self {
            ServerUrl::Server(server) => server.user.as_deref(),
            ServerUrl::Sink(_) => None,
        }
    }

    /// The same place, with nobody named in it.
    #[must_use]
    pub fn without_user(self) -> Self {
        match self {
            ServerUrl::Server(server) => {
                ServerUrl::Server(Server { user: None, password: None, ..server })
            }
            ServerUrl::Sink(directory) => ServerUrl::Sink(directory),
        }
    }
}

impl fmt::Display for ServerUrl {
    /// Without user and password, the port left out where it is the usual one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServerUrl::Sink(None) => f.write_str("sink:"),
            ServerUrl::Sink(Some(directory)) => write!(f, "sink:{}", directory.display()),
            ServerUrl::Server(Server { endpoint, .. }) => {
                let Some(scheme) = Scheme::of(endpoint) else {
                    return write!(f, "{UNIX}:{endpoint}");
                };
                let shown = endpoint.to_string();
                let usual = scheme.port.map(|port| format!(":{port}"));
                let short = usual.and_then(|usual| shown.strip_suffix(&usual));
                write!(f, "{}://{}", scheme.name, short.unwrap_or(&shown))
            }
        }
    }
}

/// Reads a host as it stands in a URL: a name, an IPv4 address, or an IPv6
/// address in square brackets. U-labels become A-labels.
pub fn host(text: &str) -> Result<Host, ServerError> {
    if let Some(inside) = text.strip_prefix('[') {
        let inside = inside.strip_suffix(']').ok_or(ServerError::Host)?;
        let address: Ipv6Addr = inside.parse().map_err(|_| ServerError::Host)?;
        return Ok(Host::Address(IpAddr::V6(address)));
    }
    if text.is_empty() {
        return Err(ServerError::NoHost);
    }
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Ok(Host::Address(IpAddr::V4(address)));
    }
    match text.parse() {
        Ok(Domain::Name(name)) => Ok(Host::Name(name.to_ascii_lowercase())),
        Ok(Domain::Ipv4(_) | Domain::Ipv6(_) | Domain::General(_)) | Err(_) => {
            Err(ServerError::Host)
        }
    }
}

/// Reads what follows `lmtp+unix:`. Nothing in it is an escape, and it says
/// nothing of a user. A path that is relative would depend on where a program
/// happens to run.
fn unix(rest: &str) -> Result<Server, ServerError> {
    // With an empty host, as in file:///path (RFC 8089 §2).
    let path = rest.strip_prefix("//").filter(|path| path.starts_with('/')).unwrap_or(rest);
    let path = SocketPath::new(path).filter(|_| !path.starts_with("//"));
    let endpoint = Endpoint {
        place: Place::Unix(path.ok_or(ServerError::SocketPath)?),
        protocol: Protocol::Lmtp,
        security: Security::Cleartext,
    };
    Ok(Server { endpoint, user: None, password: None })
}

/// A host that is named, and no address.
pub fn name(text: &str) -> Option<String> {
    match host(text) {
        Ok(Host::Name(name)) => Some(name),
        Ok(Host::Address(_)) | Err(_) => None,
    }
}

/// Reads what follows `scheme://`.
fn server(rest: &str, scheme: &Scheme, origin: Origin) -> Result<Server, ServerError> {
    let Authority { host, port, user, password } = authority(rest, origin)?;
    let port = port.or(scheme.port).ok_or(ServerError::NoPort)?;
    if scheme.protocol == Protocol::Lmtp && port == 25 {
        return Err(ServerError::SmtpPort);
    }
    let endpoint = Endpoint {
        place: Place::Tcp { host, port },
        protocol: scheme.protocol,
        security: scheme.security,
    };
    Ok(Server { endpoint, user, password })
}

/// `[USER[:PASSWORD]@]HOST[:PORT]`, percent signs decoded.
pub(super) struct Authority {
    pub(super) host: Host,
    pub(super) port: Option<u16>,
    pub(super) user: Option<String>,
    pub(super) password: Option<Secret>,
}

/// Reads what follows `scheme://`, with nothing but a slash behind it.
pub(super) fn authority(rest: &str, origin: Origin) -> Result<Authority, ServerError> {
    // The last @, since user names are often mail addresses.
    let (who, place) = match rest.rsplit_once('@') {
        Some((who, place)) => (Some(who), place),
        None => (None, rest),
    };
    let place = place.strip_suffix('/').unwrap_or(place);
    if place.contains(['/', '?', '#']) {
        return Err(ServerError::Trailing);
    }
    let (user, password) = who.map(|who| user_and_password(who, origin)).transpose()?.unzip();
    let (host, port) = host_and_port(place)?;
    Ok(Authority { host, port, user, password: password.flatten() })
}

fn user_and_password(who: &str, origin: Origin) -> Result<(String, Option<Secret>), ServerError> {
    let (user, password) = match who.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (who, None),
    };
    if password.is_some() && origin == Origin::CommandLine {
        return Err(ServerError::Password);
    }
    let user = percent_decoded(user).and_then(|user| String::from_utf8(user).ok());
    let user = user.filter(|user| !user.is_empty() && !user.contains(char::is_control));
    let password = password.map(|it| percent_decoded(it).ok_or(ServerError::User)).transpose()?;
    Ok((user.ok_or(ServerError::User)?, password.map(Secret::new)))
}

pub(super) fn host_and_port(place: &str) -> Result<(Host, Option<u16>), ServerError> {
    let end = place.rfind(']').map_or(0, |at| at + 1);
    let (name, port) = match place[end..].split_once(':') {
        Some((before, port)) => (&place[..end + before.len()], Some(port)),
        None => (place, None),
    };
    let digits = |text: &&str| text.bytes().all(|b| b.is_ascii_digit());
    let port = match port {
        None => None,
        Some(text) => Some(
            Some(text)
                .filter(digits)
                .and_then(|text| text.parse().ok())
                .filter(|&port: &u16| port > 0)
                .ok_or(if text.contains(':') { ServerError::Host } else { ServerError::Port })?,
        ),
    };
    Ok((host(name)?, port))
}

/// RFC 3986 §3.1. A dot makes it a host name.
pub(super) fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-".contains(&b))
}

/// The text itself, if a scheme before it would make it a URL.
pub(super) fn lone_host(text: &str) -> Option<String> {
    host_and_port(text).ok().map(|_| text.to_owned())
}

/// RFC 3986 §2.1.
fn percent_decoded(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            octet => octet,
        });
    }
    Some(octets)
}

#[cfg(test)]
mod tests;
