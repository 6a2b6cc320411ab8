//! Server URLs: where to submit and how the channel is protected.
//!
//! | URL | port | protection |
//! |---|---|---|
//! | `smtps://host` | 465 | TLS from the first octet |
//! | `smtp://host`, `smtp+tls://host` | 587 | STARTTLS, or nothing is sent |
//! | `smtp+opportunistic://host` | 25 | STARTTLS where offered, unverified |
//! | `smtp+notls://host` | 25 | none |
//! | `sink:[DIR]` | – | the receiver inside envoi, for this one run |

use crate::net::{Endpoint, Host, Security};
use crate::sasl::Secret;
use crate::smtp::Domain;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

/// One place to submit to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerUrl {
    /// A server on the network.
    Smtp(Server),
    /// The embedded receiver, started for this run. It keeps what it gets in
    /// this Maildir, or in one of its own choice.
    Sink(Option<PathBuf>),
}

/// A server on the network and who signs in there.
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

/// The schemes with `//`, their default ports and their protection.
pub const SCHEMES: [(&str, u16, Security); 5] = [
    ("smtps", 465, Security::Implicit),
    ("smtp", 587, Security::StartTls),
    ("smtp+tls", 587, Security::StartTls),
    ("smtp+notls", 25, Security::Cleartext),
    ("smtp+opportunistic", 25, Security::Opportunistic),
];

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
            "lmtp" | "lmtp+unix" => return Err(ServerError::NotSpoken("speak LMTP")),
            _ => {}
        }
        let known = SCHEMES.iter().find(|(name, ..)| *name == scheme);
        match (known, rest.strip_prefix("//")) {
            (Some(&(_, port, security)), Some(rest)) => {
                server(rest, port, security, origin).map(ServerUrl::Smtp)
            }
            (None, Some(_)) => Err(ServerError::UnknownScheme { scheme }),
            (_, None) => Err(ServerError::NoScheme { host: lone_host(text) }),
        }
    }

    /// True when a password stands in the URL itself.
    pub fn has_password(&self) -> bool {
        matches!(self, ServerUrl::Smtp(Server { password: Some(_), .. }))
    }

    /// The user named in the URL itself.
    pub fn user(&self) -> Option<&str> {
        match self {
            ServerUrl::Smtp(server) => server.user.as_deref(),
            ServerUrl::Sink(_) => None,
        }
    }

    /// The same place, with nobody named in it.
    #[must_use]
    pub fn without_user(self) -> Self {
        match self {
            ServerUrl::Smtp(server) => {
                ServerUrl::Smtp(Server { user: None, password: None, ..server })
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
            ServerUrl::Smtp(Server { endpoint, .. }) => {
                let (scheme, usual) = match endpoint.security {
                    Security::Implicit => ("smtps", 465),
                    Security::StartTls => ("smtp", 587),
                    Security::Cleartext => ("smtp+notls", 25),
                    Security::Opportunistic => ("smtp+opportunistic", 25),
                };
                let shown = endpoint.to_string();
                let shown = shown.strip_suffix(&format!(":{usual}")).unwrap_or(&shown);
                write!(f, "{scheme}://{shown}")
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

/// Reads what follows `scheme://`.
fn server(
    rest: &str,
    usual_port: u16,
    security: Security,
    origin: Origin,
) -> Result<Server, ServerError> {
    let Authority { host, port, user, password } = authority(rest, origin)?;
    let endpoint = Endpoint { host, port: port.unwrap_or(usual_port), security };
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
mod tests {
    use super::*;

    fn file(text: &str) -> Result<ServerUrl, ServerError> {
        ServerUrl::parse(text, Origin::File)
    }

    #[test]
    fn a_scheme_says_port_and_protection() {
        for (text, place, security) in [
            ("smtps://mail.example.org", "mail.example.org:465", Security::Implicit),
            ("smtp://mail.example.org", "mail.example.org:587", Security::StartTls),
            ("smtp+tls://mail.example.org/", "mail.example.org:587", Security::StartTls),
            ("smtp+notls://localhost", "localhost:25", Security::Cleartext),
            ("smtp+opportunistic://mx", "mx:25", Security::Opportunistic),
            ("SMTPS://Mail.Example.ORG.:8465", "mail.example.org:8465", Security::Implicit),
            ("smtp://192.0.2.1:2525", "192.0.2.1:2525", Security::StartTls),
            ("smtp://[2001:db8::1]", "[2001:db8::1]:587", Security::StartTls),
            ("smtps://[::1]:4650", "[::1]:4650", Security::Implicit),
            ("smtps://bücher.example", "xn--bcher-kva.example:465", Security::Implicit),
        ] {
            let Ok(ServerUrl::Smtp(server)) = file(text) else { panic!("{text}") };
            assert_eq!(server.endpoint.to_string(), place, "{text}");
            assert_eq!(server.endpoint.security, security, "{text}");
            assert_eq!((server.user, server.password), (None, None), "{text}");
        }
    }

    #[test]
    fn the_sink_may_name_a_directory() {
        assert_eq!(file("sink:"), Ok(ServerUrl::Sink(None)));
        assert_eq!(file("sink:/tmp/x"), Ok(ServerUrl::Sink(Some("/tmp/x".into()))));
    }

    #[test]
    fn a_user_name_may_be_an_address() {
        for (text, user) in [
            ("smtps://alice@mail.example.org", "alice"),
            ("smtps://alice@example.org@mail.example.org", "alice@example.org"),
            ("smtps://alice%40example.org@mail.example.org", "alice@example.org"),
            ("smtps://a%3Ab@mail.example.org", "a:b"),
            ("smtps://%C3%A9@mail.example.org", "é"),
        ] {
            let url = file(text).unwrap();
            assert_eq!(url.user(), Some(user), "{text}");
            assert_eq!(url.without_user().user(), None, "{text}");
        }
    }

    #[test]
    fn a_password_is_taken_from_anywhere_but_argv() {
        // SEC-7
        let text = "smtps://alice:hunter%322@mail.example.org";
        assert_eq!(ServerUrl::parse(text, Origin::CommandLine), Err(ServerError::Password));
        for origin in [Origin::Environment, Origin::File] {
            let url = ServerUrl::parse(text, origin).unwrap();
            assert!(url.has_password());
            let ServerUrl::Smtp(server) = &url else { panic!("a server") };
            assert_eq!(server.password, Some(Secret::new("hunter22")));
            let shown = format!("{url} {url:?}");
            assert!(!shown.contains("hunter"), "{shown}");
        }
    }

    #[test]
    fn what_is_no_url_is_refused_with_its_reason() {
        // SEC-4, SEC-18
        let lone = |host: &str| ServerError::NoScheme { host: Some(host.to_owned()) };
        let unknown = |scheme: &str| ServerError::UnknownScheme { scheme: scheme.to_owned() };
        for (text, expected) in [
            ("", ServerError::NoScheme { host: None }),
            ("mail.example.org", lone("mail.example.org")),
            ("mail.example.org:587", lone("mail.example.org:587")),
            ("localhost:2525", lone("localhost:2525")),
            ("alice:hunter2@mail.example.org", ServerError::NoScheme { host: None }),
            ("smtp:mail.example.org", ServerError::NoScheme { host: None }),
            ("http://mail.example.org", unknown("http")),
            ("mx:", ServerError::NotSpoken("deliver to mail exchangers")),
            ("lmtp://localhost:24", ServerError::NotSpoken("speak LMTP")),
            ("lmtp+unix:/run/lmtp", ServerError::NotSpoken("speak LMTP")),
            ("smtps://", ServerError::NoHost),
            ("smtps://:465", ServerError::NoHost),
            ("smtps://a b", ServerError::Host),
            ("smtps://a\r\nQUIT", ServerError::Host),
            ("smtps://a_b", ServerError::Host),
            ("smtps://[::1", ServerError::Host),
            ("smtps://[mail.example.org]", ServerError::Host),
            ("smtps://[::1]x", ServerError::Host),
            ("smtps://2001:db8::1", ServerError::Host),
            ("smtps://a:0", ServerError::Port),
            ("smtps://a:65536", ServerError::Port),
            ("smtps://a:", ServerError::Port),
            ("smtps://a:+5", ServerError::Port),
            ("smtps://a:smtp", ServerError::Port),
            ("smtps://a/b", ServerError::Trailing),
            ("smtps://a?b", ServerError::Trailing),
            ("smtps://@a", ServerError::User),
            ("smtps://%@a", ServerError::User),
            ("smtps://%zz@a", ServerError::User),
            ("smtps://%0d%0a@a", ServerError::User),
            ("smtps://%ff@a", ServerError::User),
        ] {
            assert_eq!(file(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn a_reason_never_repeats_the_text() {
        // SEC-7
        for text in ["x:hunter2@h", "smtp:u:hunter2@h", "foo://u:hunter2@h", "smtp://u:hunter2@h/x"]
        {
            let error = file(text).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn the_shown_form_reads_back() {
        for text in [
            "smtps://a.b",
            "smtp://a.b:25",
            "smtp+notls://[::1]",
            "smtp+opportunistic://a.b",
            "sink:",
            "sink:/x",
        ] {
            assert_eq!(file(text).unwrap().to_string(), text);
        }
    }
}
