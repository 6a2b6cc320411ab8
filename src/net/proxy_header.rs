//! What a proxy says before the client does: on whose behalf the connection is
//! (the PROXY protocol of `HAProxy`, versions 1 and 2).

mod reading;

pub use reading::{NotProxied, Proxied, ProxyReading};

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// What to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyHeader {
    /// In which form.
    pub version: ProxyHeaderVersion,
    /// On whose behalf; our own end of the connection, where nothing stands
    /// here.
    pub source: Option<SocketAddr>,
    /// Where to; the other end of the connection, where nothing stands here.
    pub destination: Option<SocketAddr>,
    /// On nobody's behalf: as a check of whether the server lives.
    pub is_local: bool,
}

/// The form of the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyHeaderVersion {
    /// A line of text (section 2.1).
    One,
    /// Octets (section 2.2).
    Two,
}

/// Words that describe no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotProxyHeader {
    /// Neither of the two versions.
    #[error("it begins with v1 or v2")]
    Version,
    /// Something else than an address with a port.
    #[error("source= and dest= have an address and a port: 192.0.2.1:1234, or [2001:db8::1]:1234")]
    Address,
    /// A word that means nothing here.
    #[error("behind the version there may be source=ADDRESS:PORT, dest=ADDRESS:PORT and local")]
    Word,
}

/// What octets of version 2 begin with.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

impl FromStr for ProxyHeader {
    type Err = NotProxyHeader;

    /// Reads `v1|v2[,source=ADDRESS:PORT][,dest=ADDRESS:PORT][,local]`.
    fn from_str(text: &str) -> Result<Self, NotProxyHeader> {
        let mut words = text.split(',');
        let version = match words.next() {
            Some("v1" | "1") => ProxyHeaderVersion::One,
            Some("v2" | "2") => ProxyHeaderVersion::Two,
            Some(_) | None => return Err(NotProxyHeader::Version),
        };
        let mut header = ProxyHeader { version, source: None, destination: None, is_local: false };
        for word in words {
            let address = |text: &str| text.parse().map_err(|_| NotProxyHeader::Address).map(Some);
            match word.split_once('=') {
                Some(("source", text)) => header.source = address(text)?,
                Some(("dest", text)) => header.destination = address(text)?,
                None if word == "local" => header.is_local = true,
                Some(_) | None => return Err(NotProxyHeader::Word),
            }
        }
        Ok(header)
    }
}

impl ProxyHeader {
    /// The octets, for a connection with these ends.
    pub fn octets(&self, ends: Option<(SocketAddr, SocketAddr)>) -> Vec<u8> {
        let own = |end: fn((SocketAddr, SocketAddr)) -> SocketAddr| ends.map(end);
        let source = self.source.or(own(|(source, _)| source));
        let destination = self.destination.or(own(|(_, destination)| destination));
        let ends = source.zip(destination).filter(|_| !self.is_local).map(of_one_family);
        match self.version {
            ProxyHeaderVersion::One => line(ends),
            ProxyHeaderVersion::Two => binary(ends),
        }
    }

    /// The header in words, for who watches.
    pub fn words(&self, octets: &[u8]) -> String {
        match self.version {
            ProxyHeaderVersion::One => String::from_utf8_lossy(octets).trim_end().to_owned(),
            ProxyHeaderVersion::Two => {
                let hex: Vec<String> = octets.iter().map(|octet| format!("{octet:02x}")).collect();
                format!("PROXY v2 {}", hex.concat())
            }
        }
    }
}

/// Both as IPv4, or both as IPv6.
fn of_one_family((source, destination): (SocketAddr, SocketAddr)) -> (SocketAddr, SocketAddr) {
    let plain = |end: SocketAddr| SocketAddr::new(end.ip().to_canonical(), end.port());
    let (source, destination) = (plain(source), plain(destination));
    if source.is_ipv4() == destination.is_ipv4() {
        return (source, destination);
    }
    let wide = |end: SocketAddr| SocketAddr::new(IpAddr::V6(wide(end.ip())), end.port());
    (wide(source), wide(destination))
}

fn wide(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

fn line(ends: Option<(SocketAddr, SocketAddr)>) -> Vec<u8> {
    let Some((source, destination)) = ends else { return b"PROXY UNKNOWN\r\n".to_vec() };
    let family = if source.is_ipv4() { "TCP4" } else { "TCP6" };
    let (from, to) = (source.port(), destination.port());
    format!("PROXY {family} {} {} {from} {to}\r\n", source.ip(), destination.ip()).into_bytes()
}

fn binary(ends: Option<(SocketAddr, SocketAddr)>) -> Vec<u8> {
    const VERSION: u8 = 0x20;
    const LOCAL: u8 = 0;
    const PROXY: u8 = 1;
    const STREAM: u8 = 1;
    let mut body = Vec::new();
    let (command, family) = match ends {
        None => (LOCAL, 0),
        Some((source, destination)) => {
            for end in [source, destination] {
                match end.ip() {
                    IpAddr::V4(address) => body.extend(address.octets()),
                    IpAddr::V6(address) => body.extend(address.octets()),
                }
            }
            body.extend(source.port().to_be_bytes());
            body.extend(destination.port().to_be_bytes());
            (PROXY, if source.is_ipv4() { 0x10 } else { 0x20 } | STREAM)
        }
    };
    let length = u16::try_from(body.len()).unwrap_or(0).to_be_bytes();
    [&SIGNATURE[..], &[VERSION | command, family], &length, &body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn octets(text: &str) -> Vec<u8> {
        let ends = ("192.0.2.7:1000".parse().unwrap(), "192.0.2.8:25".parse().unwrap());
        text.parse::<ProxyHeader>().unwrap().octets(Some(ends))
    }

    #[test]
    fn the_line_of_version_1_says_who_and_where_to() {
        for (text, line) in [
            ("v1", "PROXY TCP4 192.0.2.7 192.0.2.8 1000 25\r\n"),
            ("v1,source=198.51.100.1:9", "PROXY TCP4 198.51.100.1 192.0.2.8 9 25\r\n"),
            (
                "v1,source=[2001:db8::1]:9,dest=[2001:db8::2]:26",
                "PROXY TCP6 2001:db8::1 2001:db8::2 9 26\r\n",
            ),
            ("v1,source=[2001:db8::1]:9", "PROXY TCP6 2001:db8::1 ::ffff:192.0.2.8 9 25\r\n"),
            ("v1,local", "PROXY UNKNOWN\r\n"),
        ] {
            assert_eq!(String::from_utf8(octets(text)).unwrap(), line, "{text}");
        }
        let header: ProxyHeader = "v1".parse().unwrap();
        assert_eq!(header.octets(None), b"PROXY UNKNOWN\r\n");
    }

    #[test]
    fn version_2_says_it_in_octets() {
        let signature = b"\r\n\r\n\0\r\nQUIT\n";
        let expected = b"\x21\x11\0\x0c\xc0\0\x02\x07\xc0\0\x02\x08\x03\xe8\0\x19";
        assert_eq!(octets("v2"), [&signature[..], expected].concat());
        assert_eq!(octets("v2,local"), [&signature[..], b"\x20\0\0\0"].concat());
        let six = octets("v2,source=[2001:db8::1]:9,dest=[2001:db8::2]:26");
        assert_eq!(six[12..16], *b"\x21\x21\0\x24");
        assert_eq!(six.len(), 16 + 36);
    }

    #[test]
    fn what_describes_no_header_is_refused() {
        for (text, error) in [
            ("", NotProxyHeader::Version),
            ("v3", NotProxyHeader::Version),
            ("v1,source=a:25", NotProxyHeader::Address),
            ("v1,from=192.0.2.1:25", NotProxyHeader::Word),
        ] {
            assert_eq!(text.parse::<ProxyHeader>(), Err(error), "{text}");
        }
    }
}
