//! `NO_PROXY`: the servers that are reached without the proxy of the
//! environment.

use super::server::host_and_port;
use crate::net::{Endpoint, Host};
use std::net::IpAddr;

/// The list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Exceptions(Vec<Exception>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Exception {
    what: What,
    /// Only on this port.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Everything,
    /// This name, and every name below it.
    Domain(String),
    /// The addresses that begin with so many bits of this one.
    Network(IpAddr, u32),
}

impl Exceptions {
    /// Reads a list with commas or blanks between its entries. What is none is
    /// passed over, as others who read the variable do.
    pub(super) fn read(text: &str) -> Self {
        let entries = text.split(|c: char| c == ',' || c.is_whitespace());
        Exceptions(entries.filter(|entry| !entry.is_empty()).filter_map(Exception::read).collect())
    }

    /// True when this server is one of them. Its name is not looked up for that.
    pub(super) fn include(&self, server: &Endpoint) -> bool {
        self.0.iter().any(|exception| exception.fits(server))
    }
}

impl Exception {
    /// `*`, a name, `.name`, `*.name`, an address, or a network as in
    /// `192.0.2.0/24`; all but the first and the last with or without a port.
    fn read(entry: &str) -> Option<Self> {
        if entry == "*" {
            return Some(Exception { what: What::Everything, port: None });
        }
        if let Some((address, bits)) = entry.split_once('/') {
            let what = What::Network(address.parse().ok()?, bits.parse().ok()?);
            return Some(Exception { what, port: None });
        }
        if let Ok(address) = entry.parse::<IpAddr>() {
            return Some(Exception { what: What::of(address), port: None });
        }
        let entry = entry.strip_prefix('*').unwrap_or(entry);
        let (host, port) = host_and_port(entry.strip_prefix('.').unwrap_or(entry)).ok()?;
        let what = match host {
            Host::Name(name) => What::Domain(name),
            Host::Address(address) => What::of(address),
        };
        Some(Exception { what, port })
    }

    fn fits(&self, server: &Endpoint) -> bool {
        self.port.is_none_or(|port| port == server.port) && self.what.includes(&server.host)
    }
}

impl What {
    fn of(address: IpAddr) -> Self {
        What::Network(address, if address.is_ipv4() { 32 } else { 128 })
    }

    fn includes(&self, host: &Host) -> bool {
        match (self, host) {
            (What::Everything, _) => true,
            (What::Domain(domain), Host::Name(name)) => name
                .strip_suffix(domain.as_str())
                .is_some_and(|before| before.is_empty() || before.ends_with('.')),
            (What::Network(network, bits), Host::Address(address)) => {
                begins_alike(*network, *address, *bits)
            }
            (What::Domain(_), Host::Address(_)) | (What::Network(..), Host::Name(_)) => false,
        }
    }
}

fn begins_alike(network: IpAddr, address: IpAddr, bits: u32) -> bool {
    let differing = match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            (network.to_bits() ^ address.to_bits()).leading_zeros()
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            (network.to_bits() ^ address.to_bits()).leading_zeros()
        }
        _ => return false,
    };
    differing >= bits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Security;

    fn server(text: &str) -> Endpoint {
        let (host, port) = host_and_port(text).unwrap();
        Endpoint { host, port: port.unwrap_or(587), security: Security::StartTls }
    }

    #[test]
    fn an_entry_is_a_name_with_those_below_it_or_an_address_or_a_network() {
        for (entries, among, not_among) in [
            ("*", "mail.example.org 192.0.2.1", ""),
            (
                "example.org",
                "example.org mail.example.org EXAMPLE.ORG",
                "badexample.org example.org.evil.net 192.0.2.1",
            ),
            (".example.org", "example.org a.b.example.org", "badexample.org"),
            ("*.example.org", "example.org mail.example.org", "badexample.org"),
            ("Example.ORG.", "mail.example.org", "example.net"),
            ("bücher.example", "xn--bcher-kva.example", "b.example"),
            ("a.example, b.example:25", "a.example b.example:25", "b.example:587 c.example"),
            ("a.example b.example", "a.example b.example", "c.example"),
            ("192.0.2.1", "192.0.2.1", "192.0.2.10 1.192.0.2.1.example"),
            ("192.0.2.1:25", "192.0.2.1:25", "192.0.2.1:587"),
            ("192.0.2.0/25", "192.0.2.0 192.0.2.127", "192.0.2.128 [2001:db8::1]"),
            ("0.0.0.0/0", "192.0.2.1", "[2001:db8::1] mail.example.org"),
            ("2001:db8::/32", "[2001:db8::1]", "[2001:db9::1] 192.0.2.1"),
            ("2001:db8::1,[2001:db8::2]:25", "[2001:db8::1] [2001:db8::2]:25", "[2001:db8::2]"),
        ] {
            let exceptions = Exceptions::read(entries);
            for (servers, expected) in [(among, true), (not_among, false)] {
                for text in servers.split_whitespace() {
                    assert_eq!(exceptions.include(&server(text)), expected, "{entries}: {text}");
                }
            }
        }
    }

    #[test]
    fn an_entry_that_is_none_is_passed_over() {
        for entry in ["<local>", "192.0.2.0/33x", "a/8", "a:b", "", ",,"] {
            assert!(!Exceptions::read(entry).include(&server("a.example")), "{entry}");
        }
        assert!(Exceptions::read("<local>,a.example").include(&server("a.example")));
    }
}
