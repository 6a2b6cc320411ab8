//! Where a request goes: over TLS, or to this machine.

use super::form::percent_encoded;
use crate::net::endpoint::Host;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;
use ureq::http::Uri;

/// A URL of the scheme `https`, or of `http` where the host is this machine
/// (RFC 6761 §6.3), from which nobody can listen. It has no user and no
/// fragment.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct HttpUrl {
    over_tls: bool,
    host: Host,
    port: u16,
    /// Path and query; begins with a slash.
    path: String,
}

/// Why a text is not such a URL. Fits behind it; it does not repeat the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// `http`, and to another machine.
    #[error("it is not protected by TLS; only https:// is")]
    NotHttps,
    /// Neither `https` nor `http`.
    #[error("it does not begin with https://")]
    Scheme,
    /// Something before an `@`.
    #[error("it has a user in it")]
    User,
    /// No name, and no address.
    #[error("it names no host that can exist")]
    Host,
    /// A port that is none.
    #[error("its port is not a number from 1 to 65535")]
    Port,
    /// Blanks, control characters, and all outside US-ASCII.
    #[error("it has characters that must be percent-encoded")]
    Character,
    /// Nothing needs one this long.
    #[error("it is longer than {LONGEST} octets")]
    TooLong,
}

const LONGEST: usize = 4096;

impl HttpUrl {
    /// A URL over TLS at the usual port. The path may have a query, and begins
    /// with a slash.
    pub fn of(host: &str, path: &str) -> Result<Self, UrlError> {
        format!("https://{host}{path}").parse()
    }

    /// The host.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// False only on this machine.
    pub fn is_over_tls(&self) -> bool {
        self.over_tls
    }

    /// With one more pair in its query.
    pub fn with(&self, name: &str, value: &str) -> Result<Self, UrlError> {
        let mark = if self.path.contains('?') { '&' } else { '?' };
        let name = percent_encoded(name.as_bytes());
        let value = percent_encoded(value.as_bytes());
        let path = format!("{}{mark}{}={}", self.path, *name, *value);
        proper(&path)?;
        Ok(HttpUrl { path, ..self.clone() })
    }

    /// Where a reference found there leads, such as that of a redirect
    /// (RFC 3986 §5.2); steps upward are left to the server.
    pub fn join(&self, reference: &str) -> Result<Self, UrlError> {
        let scheme = if self.over_tls { "https" } else { "http" };
        let reference = reference.split('#').next().unwrap_or_default();
        if has_scheme(reference) {
            return reference.parse();
        }
        if reference.starts_with("//") {
            return format!("{scheme}:{reference}").parse();
        }
        let own = self.path.split('?').next().unwrap_or_default();
        let path = match reference.chars().next() {
            None => self.path.clone(),
            Some('/') => reference.to_owned(),
            Some('?') => format!("{own}{reference}"),
            Some(_) => {
                let folder = own.rfind('/').map_or("/", |at| &own[..=at]);
                format!("{folder}{reference}")
            }
        };
        proper(&path)?;
        Ok(HttpUrl { path, ..self.clone() })
    }

    pub(super) fn uri(&self) -> Uri {
        // `proper` lets no octet pass that `Uri` would not.
        self.to_string().parse().unwrap_or_default()
    }
}

impl FromStr for HttpUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        proper(text)?;
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        let over_tls = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(UrlError::Scheme),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.contains('@') {
            return Err(UrlError::User);
        }
        let (host, port) = split(authority)?;
        let host = parse_host(host).ok_or(UrlError::Host)?;
        if !over_tls && !host.is_loopback() {
            return Err(UrlError::NotHttps);
        }
        let slash = if path.starts_with('/') { "" } else { "/" };
        let usual = if over_tls { 443 } else { 80 };
        Ok(HttpUrl { over_tls, host, port: port.unwrap_or(usual), path: format!("{slash}{path}") })
    }
}

/// Octets that stand in a URL as they are, and not too many.
fn proper(text: &str) -> Result<(), UrlError> {
    if text.len() > LONGEST {
        return Err(UrlError::TooLong);
    }
    let fits = |octet: u8| octet.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&octet);
    if text.bytes().all(fits) { Ok(()) } else { Err(UrlError::Character) }
}

/// RFC 3986 §3.1.
fn has_scheme(reference: &str) -> bool {
    reference.split_once(':').is_some_and(|(scheme, _)| {
        let rest = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(rest)
    })
}

/// Host and port of an authority.
fn split(authority: &str) -> Result<(&str, Option<u16>), UrlError> {
    let end = match authority.strip_prefix('[') {
        Some(inner) => inner.find(']').ok_or(UrlError::Host)? + 2,
        None => 0,
    };
    let (host, port) = match authority[end..].find(':') {
        Some(at) => (&authority[..end + at], &authority[end + at + 1..]),
        None => (authority, ""),
    };
    if port.is_empty() {
        // RFC 3986 §3.2.3: `host:` is `host`.
        return Ok((host, None));
    }
    let is_number = port.bytes().all(|octet| octet.is_ascii_digit());
    let number = port.parse().ok().filter(|&port: &u16| is_number && port != 0);
    number.map(|port| (host, Some(port))).ok_or(UrlError::Port)
}

fn parse_host(text: &str) -> Option<Host> {
    if let Some(inner) = text.strip_prefix('[') {
        let address: Ipv6Addr = inner.strip_suffix(']')?.parse().ok()?;
        return Some(Host::Address(IpAddr::V6(address)));
    }
    if let Ok(address) = text.parse() {
        return Some(Host::Address(IpAddr::V4(address)));
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    let is_label = |label: &str| {
        let fits = |octet: u8| octet.is_ascii_alphanumeric() || b"-_".contains(&octet);
        (1..=63).contains(&label.len()) && label.bytes().all(fits)
    };
    // What ends in a number is an address in a form that resolvers read, each in
    // its own way, such as 127.1.
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_number = last.starts_with(|c: char| c.is_ascii_digit())
        && (last.bytes().all(|octet| octet.is_ascii_digit()) || last.starts_with("0x"));
    let is_name = name.len() <= 253 && name.split('.').all(is_label) && !is_number;
    is_name.then(|| Host::Name(name.to_ascii_lowercase()))
}

impl fmt::Display for HttpUrl {
    /// As it is asked for, without the usual port.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, usual) = if self.over_tls { ("https", 443) } else { ("http", 80) };
        match &self.host {
            Host::Address(IpAddr::V6(address)) => write!(f, "{scheme}://[{address}]")?,
            host => write!(f, "{scheme}://{host}")?,
        }
        if self.port != usual {
            write!(f, ":{}", self.port)?;
        }
        f.write_str(&self.path)
    }
}

impl fmt::Debug for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
