//! Who a client is: by its connection, by a proxy, or by its own word.

use crate::smtp::{Domain, Xclient};
use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// What a client said by XCLIENT, whom it is to be taken for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims(BTreeMap<&'static str, Option<String>>);

/// Where a client is, as far as that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The name of its machine, if it was said.
    pub name: Option<String>,
    /// Its address.
    pub address: Option<IpAddr>,
    /// Its port.
    pub port: Option<u16>,
}

impl Claims {
    /// The same with what one more command says. What it says nothing of stays.
    pub(super) fn with(mut self, said: &Xclient) -> Self {
        self.0.extend(said.values().map(|(name, value)| (name, value.map(bare))));
        self
    }

    /// The same without this attribute.
    pub(super) fn without(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }

    /// Each attribute that was told; its value is `None` where the client said
    /// that it is unknown.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Option<&str>)> {
        self.0.iter().map(|(name, value)| (*name, value.as_deref()))
    }

    /// The value of an attribute, if it was told and is known.
    pub(super) fn known(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_deref()
    }

    /// Where the client is, who connected from `peer`. The port of a connection
    /// says nothing of another address.
    pub(super) fn origin(&self, peer: SocketAddr) -> Origin {
        let is_elsewhere = self.0.contains_key("ADDR");
        let own = |known: bool| known.then_some(peer);
        Origin {
            name: self.known("NAME").map(str::to_owned),
            address: match self.known("ADDR") {
                Some(claimed) => claimed.parse().ok(),
                None => own(!is_elsewhere).map(|peer| peer.ip().to_canonical()),
            },
            port: match self.known("PORT") {
                Some(claimed) => claimed.parse().ok(),
                None => own(!is_elsewhere && !self.0.contains_key("PORT")).map(|peer| peer.port()),
            },
        }
    }
}

/// An address without its prefix; any other value as it is.
fn bare(value: &str) -> String {
    let address = value.strip_prefix("IPV6:").filter(|rest| rest.parse::<IpAddr>().is_ok());
    address.unwrap_or(value).to_owned()
}

impl fmt::Display for Origin {
    /// ` (name [address])`, as it stands behind the client's word in a trace
    /// field (RFC 5321 §4.4, `TCP-info`); nothing where the address is unknown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let literal = match self.address {
            Some(IpAddr::V4(address)) => Domain::Ipv4(address),
            Some(IpAddr::V6(address)) => Domain::Ipv6(address),
            None => return Ok(()),
        };
        match &self.name {
            Some(name) => write!(f, " ({name} {literal})"),
            None => write!(f, " ({literal})"),
        }
    }
}
