//! Which proxy leads to which server.
//!
//! | URL | protocol |
//! |---|---|
//! | `socks5://host`, `socks5h://host`, `socks://host` | SOCKS5 |
//! | `http://host` | CONNECT of HTTP |
//! | `none`, or nothing | no proxy |
//!
//! The port is 1080 for each, as it is for curl, which reads the same variables.

use super::environment::Environment;
use super::error::Error;
use super::exceptions::Exceptions;
use super::server::{Authority, Origin, ServerError, authority, is_scheme, lone_host};
use crate::net::{Endpoint, Proxy, ProxyPlace, ProxyProtocol, UnfitSignIn};
use crate::sasl::{Credentials, Secret};
use std::fmt;

/// Which proxy leads to which server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ProxyChoice {
    /// None: servers are connected to straight, whatever else names a proxy.
    #[default]
    Direct,
    /// This one, to every server.
    Through(Proxy),
    /// That of the environment, to other machines.
    Environment(EnvironmentProxy),
}

/// What the environment says: a proxy, and the servers that are reached
/// without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentProxy {
    variable: &'static str,
    /// That it is no good matters only where it is used.
    proxy: Result<Option<Proxy>, ProxyError>,
    exceptions: Exceptions,
}

/// Why a text is not the URL of a proxy. Fits behind the name of what gave it;
/// it never repeats the text, in which a password may stand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// `host` or `host:port` alone.
    #[error("it does not say what the proxy speaks; write socks5://HOST or http://HOST")]
    NoScheme {
        /// The text, if it is a host with or without a port and no more.
        host: Option<String>,
    },
    /// A scheme that is none.
    #[error("there is no scheme ‘{scheme}’ for a proxy; write socks5:// or http://")]
    UnknownScheme {
        /// What stands before the colon.
        scheme: String,
    },
    /// A kind of proxy that envoi does not know.
    #[error("envoi does not speak {0} to a proxy; write socks5:// or http://")]
    NotSpoken(&'static str),
    /// What stands behind the scheme is no good.
    #[error("{0}")]
    Place(ServerError),
    /// The protocol cannot carry who signs in.
    #[error("{0}")]
    SignIn(UnfitSignIn),
}

const SCHEMES: &[(&str, ProxyProtocol)] = &[
    ("socks5", ProxyProtocol::Socks5),
    ("socks5h", ProxyProtocol::Socks5),
    // What desktops put into ALL_PROXY.
    ("socks", ProxyProtocol::Socks5),
    ("http", ProxyProtocol::Http),
];

const NOT_SPOKEN: &[(&str, &str)] =
    &[("socks4", "SOCKS4"), ("socks4a", "SOCKS4"), ("https", "HTTP over TLS")];

const USUAL_PORT: u16 = 1080;

impl ProxyChoice {
    /// Reads a URL, `none`, or nothing, which says the same.
    pub fn parse(text: &str, origin: Origin) -> Result<Self, ProxyError> {
        let text = text.trim();
        if text.is_empty() || text == "none" {
            return Ok(ProxyChoice::Direct);
        }
        // Other readers of the variable take this for an HTTP proxy.
        let is_short = origin == Origin::Environment && !text.contains("://");
        let (scheme, rest) = if is_short {
            ("http", text)
        } else {
            text.split_once("://")
                .filter(|(scheme, _)| is_scheme(scheme))
                .ok_or_else(|| ProxyError::NoScheme { host: lone_host(text) })?
        };
        let protocol = protocol(&scheme.to_ascii_lowercase())?;
        let Authority { host, port, user, password } =
            authority(rest, origin).map_err(ProxyError::Place)?;
        let place = ProxyPlace { protocol, host, port: port.unwrap_or(USUAL_PORT) };
        // A user alone has the empty password, as with curl.
        let password = password.unwrap_or_else(|| Secret::new(""));
        let sign_in = user.map(|user| Credentials { user, password });
        Proxy::new(place, sign_in).map(ProxyChoice::Through).map_err(ProxyError::SignIn)
    }

    /// The proxy that leads to this server; an error where the environment
    /// names one that is no good.
    pub fn to(&self, server: &Endpoint) -> Result<Option<&Proxy>, Error> {
        match self {
            ProxyChoice::Direct => Ok(None),
            ProxyChoice::Through(proxy) => Ok(Some(proxy)),
            ProxyChoice::Environment(said) => said.to(server),
        }
    }

    /// True when a password stands in the URL.
    pub(super) fn has_password(&self) -> bool {
        matches!(self, ProxyChoice::Through(proxy) if proxy.has_password())
    }
}

impl fmt::Display for ProxyChoice {
    /// Without user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProxyChoice::Direct => f.write_str("none"),
            ProxyChoice::Through(proxy) => proxy.place().fmt(f),
            ProxyChoice::Environment(EnvironmentProxy { proxy, .. }) => match proxy {
                Ok(None) => f.write_str("none"),
                Ok(Some(proxy)) => write!(f, "{}, to other machines", proxy.place()),
                Err(_) => f.write_str("not usable"),
            },
        }
    }
}

impl EnvironmentProxy {
    /// Reads it. Of each pair of variables the one in small letters counts before
    /// the other, as with curl.
    pub(super) fn by(environment: &Environment) -> Result<Option<Self>, Error> {
        let first = |names: [&'static str; 2]| {
            let text = |name| Ok(environment.text(name)?.map(|text| (name, text)));
            names.into_iter().map(text).find_map(Result::transpose).transpose()
        };
        let Some((variable, url)) = first(["all_proxy", "ALL_PROXY"])? else { return Ok(None) };
        let exceptions = first(["no_proxy", "NO_PROXY"])?;
        let proxy = ProxyChoice::parse(&url, Origin::Environment).map(|choice| match choice {
            ProxyChoice::Through(proxy) => Some(proxy),
            ProxyChoice::Direct | ProxyChoice::Environment(_) => None,
        });
        let exceptions = exceptions.map(|(_, text)| Exceptions::read(&text)).unwrap_or_default();
        Ok(Some(EnvironmentProxy { variable, proxy, exceptions }))
    }

    /// The variable that says it.
    pub(super) fn variable(&self) -> &'static str {
        self.variable
    }

    fn to(&self, server: &Endpoint) -> Result<Option<&Proxy>, Error> {
        if server.host.is_loopback() || self.exceptions.include(server) {
            return Ok(None);
        }
        let wrong = |error: &ProxyError| Error::Variable {
            variable: self.variable,
            reason: error.to_string(),
        };
        self.proxy.as_ref().map(Option::as_ref).map_err(wrong)
    }
}

fn protocol(scheme: &str) -> Result<ProxyProtocol, ProxyError> {
    if let Some((_, kind)) = NOT_SPOKEN.iter().find(|(name, _)| *name == scheme) {
        return Err(ProxyError::NotSpoken(kind));
    }
    let known = SCHEMES.iter().find(|(name, _)| *name == scheme);
    known
        .map(|(_, protocol)| *protocol)
        .ok_or_else(|| ProxyError::UnknownScheme { scheme: scheme.to_owned() })
}

#[cfg(test)]
mod tests;
