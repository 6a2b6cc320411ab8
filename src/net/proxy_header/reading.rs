//! The header of a proxy, as a server reads it (sections 2.1 and 2.2 of the
//! PROXY protocol). One is there or the connection is none: nobody may choose
//! an address for himself by leaving it out.

use super::SIGNATURE;
use memchr::memchr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// A header that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proxied {
    /// On whose behalf the connection is, and where to; `None` where the proxy
    /// speaks for itself, or of no address of the Internet.
    pub ends: Option<(SocketAddr, SocketAddr)>,
}

/// What the octets up to now are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyReading {
    /// The beginning of a header, which has at least so many octets more.
    Lacks(usize),
    /// A header, and nothing behind it.
    Whole(Proxied),
}

/// Why these octets begin no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotProxied {
    /// They begin as neither version does.
    #[error("the connection does not begin with a header of the PROXY protocol")]
    Start,
    /// The line of version 1 is longer than 107 octets.
    #[error("the line of the PROXY protocol does not end")]
    Endless,
    /// The line of version 1 is not of its form.
    #[error("the line of the PROXY protocol is not of the form PROXY TCP4 FROM TO PORT PORT")]
    Line,
    /// A version, a command or a family that there is not, or too few octets for
    /// its addresses.
    #[error("the header of the PROXY protocol is none of version 2")]
    Binary,
    /// More octets than are taken.
    #[error("the header of the PROXY protocol has {0} octets")]
    TooLong(usize),
}

/// The shortest header: `PROXY UNKNOWN` and CRLF.
const SHORTEST: usize = 15;

/// The longest line of version 1, CRLF included.
const LONGEST_LINE: usize = 107;

/// Signature, version and command, family, length.
const FIXED: usize = 16;

/// The most octets of version 2 behind those: what is known of a proxy's TLS
/// takes a few thousand, a certificate of a client among them.
const LONGEST_REST: usize = 16 * 1024;

impl Proxied {
    /// Reads octets from the very beginning of a connection. Whoever reads no
    /// more than is lacking each time takes nothing that stands behind the
    /// header.
    pub fn read(octets: &[u8]) -> Result<ProxyReading, NotProxied> {
        let begins = |whole: &[u8]| {
            let length = octets.len().min(whole.len());
            octets[..length] == whole[..length]
        };
        if begins(b"PROXY ") {
            line(octets)
        } else if begins(&SIGNATURE) {
            binary(octets)
        } else {
            Err(NotProxied::Start)
        }
    }
}

fn line(octets: &[u8]) -> Result<ProxyReading, NotProxied> {
    match memchr(b'\n', octets) {
        Some(at) if at + 1 == octets.len() => {
            let line = octets.strip_suffix(b"\r\n").ok_or(NotProxied::Line)?;
            line_ends(line).map(ProxyReading::Whole)
        }
        Some(_) => Err(NotProxied::Line),
        None if octets.len() >= LONGEST_LINE => Err(NotProxied::Endless),
        None => Ok(ProxyReading::Lacks(SHORTEST.saturating_sub(octets.len()).max(1))),
    }
}

fn line_ends(line: &[u8]) -> Result<Proxied, NotProxied> {
    let line = std::str::from_utf8(line).map_err(|_| NotProxied::Line)?;
    let words: Vec<&str> = line.split(' ').collect();
    let ends = match words[..] {
        ["PROXY", "UNKNOWN", ..] => return Ok(Proxied { ends: None }),
        ["PROXY", "TCP4", from, to, from_port, to_port] => {
            let ip = |text: &str| text.parse::<Ipv4Addr>().ok().map(IpAddr::from);
            end(ip(from), from_port).zip(end(ip(to), to_port))
        }
        ["PROXY", "TCP6", from, to, from_port, to_port] => {
            let ip = |text: &str| text.parse::<Ipv6Addr>().ok().map(IpAddr::from);
            end(ip(from), from_port).zip(end(ip(to), to_port))
        }
        _ => None,
    };
    ends.map(|ends| Proxied { ends: Some(ends) }).ok_or(NotProxied::Line)
}

/// An address with a port of digits, without a zero in front of them.
fn end(ip: Option<IpAddr>, port: &str) -> Option<SocketAddr> {
    let is_plain = port.bytes().all(|octet| octet.is_ascii_digit());
    let is_plain = is_plain && (port == "0" || !port.starts_with('0'));
    Some(SocketAddr::new(ip?, port.parse().ok().filter(|_| is_plain)?))
}

fn binary(octets: &[u8]) -> Result<ProxyReading, NotProxied> {
    let Some((fixed, rest)) = octets.split_at_checked(FIXED) else {
        return Ok(ProxyReading::Lacks(FIXED - octets.len()));
    };
    let length = usize::from(u16::from_be_bytes([fixed[14], fixed[15]]));
    if length > LONGEST_REST {
        return Err(NotProxied::TooLong(FIXED + length));
    }
    let is_local = match fixed[12] {
        0x20 => true,
        0x21 => false,
        _ => return Err(NotProxied::Binary),
    };
    // The octets of each address: of none, of IPv4, of IPv6, of a Unix socket.
    let address = match fixed[13] {
        // Of a proxy that speaks for itself the family means nothing.
        _ if is_local => 0,
        0x00 => 0,
        0x11 | 0x12 => 4,
        0x21 | 0x22 => 16,
        0x31 | 0x32 => 108,
        _ => return Err(NotProxied::Binary),
    };
    let ports = if matches!(address, 4 | 16) { 4 } else { 0 };
    if !is_local && length < 2 * address + ports {
        return Err(NotProxied::Binary);
    }
    if rest.len() < length {
        return Ok(ProxyReading::Lacks(length - rest.len()));
    }
    let ends = if is_local { None } else { binary_ends(address, rest) };
    Ok(ProxyReading::Whole(Proxied { ends }))
}

/// The two ends at the beginning of these octets; further values behind them
/// are passed over.
fn binary_ends(address: usize, octets: &[u8]) -> Option<(SocketAddr, SocketAddr)> {
    let ip = |octets: &[u8]| match address {
        4 => <[u8; 4]>::try_from(octets).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(octets).ok().map(IpAddr::from),
        _ => None,
    };
    let port = |octets: &[u8]| u16::from_be_bytes([octets[0], octets[1]]);
    let (from, rest) = octets.split_at_checked(address)?;
    let (to, rest) = rest.split_at_checked(address)?;
    let (from, to) = ip(from).zip(ip(to))?;
    Some((SocketAddr::new(from, port(rest)), SocketAddr::new(to, port(&rest[2..]))))
}

#[cfg(test)]
mod tests {
    use super::super::ProxyHeader;
    use super::*;
    use proptest::prelude::*;

    /// Takes what is lacking, and no more, from octets that come a few at a time.
    fn taken(wire: &[u8], most: usize) -> Result<(Proxied, usize), NotProxied> {
        let mut taken = 0;
        loop {
            match Proxied::read(&wire[..taken])? {
                ProxyReading::Whole(proxied) => return Ok((proxied, taken)),
                ProxyReading::Lacks(octets) => taken += octets.min(most).min(wire.len() - taken),
            }
        }
    }

    fn ends(from: &str, to: &str) -> Proxied {
        Proxied { ends: Some((from.parse().unwrap(), to.parse().unwrap())) }
    }

    /// A header of version 2.
    fn two(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[command, family], &length, rest].concat()
    }

    #[test]
    fn what_our_own_client_writes_is_read_and_nothing_behind_it() {
        for (text, expected) in [
            ("source=192.0.2.7:1000,dest=192.0.2.8:25", ends("192.0.2.7:1000", "192.0.2.8:25")),
            (
                "source=[2001:db8::1]:9,dest=[2001:db8::2]:26",
                ends("[2001:db8::1]:9", "[2001:db8::2]:26"),
            ),
            ("local", Proxied { ends: None }),
        ] {
            for version in ["v1", "v2"] {
                let header: ProxyHeader = format!("{version},{text}").parse().unwrap();
                let header = header.octets(None);
                let wire = [&header[..], b"EHLO a\r\n\r\n"].concat();
                for most in [1, 7, 1000] {
                    let expected = Ok((expected, header.len()));
                    assert_eq!(taken(&wire, most), expected, "{version} {text}");
                }
            }
        }
    }

    #[test]
    fn a_line_is_of_its_form_or_none() {
        let expected = ends("192.0.2.7:0", "192.0.2.8:65535");
        let line = |line: &str| Proxied::read(format!("{line}\r\n").as_bytes());
        assert_eq!(
            line("PROXY TCP4 192.0.2.7 192.0.2.8 0 65535"),
            Ok(ProxyReading::Whole(expected))
        );
        let unknown = Ok(ProxyReading::Whole(Proxied { ends: None }));
        assert_eq!(line("PROXY UNKNOWN ffff:: :: 1 2"), unknown);
        for wrong in [
            "PROXY TCP4 192.0.2.7 192.0.2.8 1",
            "PROXY TCP4 192.0.2.7 192.0.2.8 1 65536",
            "PROXY TCP4 192.0.2.7 192.0.2.8 01 2",
            "PROXY TCP4 192.0.2.7 192.0.2.8 +1 2",
            "PROXY TCP4 192.0.2.7 192.0.2.8  1",
            "PROXY TCP4 2001:db8::1 2001:db8::2 1 2",
            "PROXY TCP6 192.0.2.7 192.0.2.8 1 2",
            "PROXY TCP4 192.0.2.7 192.0.2.8 1 2 ",
            "PROXY UNKNOWNS",
            "PROXY \u{fe}...........",
        ] {
            assert_eq!(line(wrong), Err(NotProxied::Line), "{wrong}");
        }
        let long = format!("PROXY UNKNOWN {}\r\n", "x".repeat(200));
        assert_eq!(taken(long.as_bytes(), 1000), Err(NotProxied::Endless));
        let longest = format!("PROXY UNKNOWN {}\r\n", "x".repeat(107 - 16));
        assert_eq!(taken(longest.as_bytes(), 1000), Ok((Proxied { ends: None }, 107)));
    }

    #[test]
    fn what_is_no_header_is_seen_at_its_first_wrong_octet() {
        for (wire, why) in [
            ("PROXZ", NotProxied::Start),
            ("p", NotProxied::Start),
            ("EHLO a\r\n", NotProxied::Start),
            ("\r\nQ", NotProxied::Start),
            ("PROXY \r\n", NotProxied::Line),
            ("PROXY \n", NotProxied::Line),
            ("PROXY \r\nEHLO a", NotProxied::Line),
        ] {
            assert_eq!(Proxied::read(wire.as_bytes()), Err(why), "{wire}");
        }
        assert_eq!(Proxied::read(b"\r\n\r\n\0"), Ok(ProxyReading::Lacks(11)));
        assert_eq!(Proxied::read(b"PROX"), Ok(ProxyReading::Lacks(11)));
    }

    #[test]
    fn version_2_has_what_it_announces_and_further_values_are_passed_over() {
        let four = b"\xc0\0\x02\x07\xc0\0\x02\x08\x03\xe8\0\x19";
        let values = [&four[..], b"\x03\0\x04abcd\x20\0\0"].concat();
        let whole = |header: &[u8]| taken(header, 1000).map(|(proxied, _)| proxied);
        assert_eq!(whole(&two(0x21, 0x11, &values)), Ok(ends("192.0.2.7:1000", "192.0.2.8:25")));
        for (command, family, rest) in [
            (0x20, 0x11, &four[..]),
            (0x20, 0x11, &[]),
            (0x20, 0, &[]),
            (0x20, 0x41, b"abc"),
            (0x21, 0, b"abc"),
            (0x21, 0x31, &[0; 216]),
        ] {
            let header = two(command, family, rest);
            assert_eq!(whole(&header), Ok(Proxied { ends: None }), "{command} {family}");
        }
        for (command, family, rest) in [
            (0x11, 0x11, &four[..]),
            (0x22, 0x11, &four[..]),
            (0x21, 0x13, &four[..]),
            (0x21, 0x41, &four[..]),
            (0x21, 0x11, &four[..11]),
            (0x21, 0x21, &four[..]),
            (0x21, 0x31, &[0; 215]),
        ] {
            assert_eq!(whole(&two(command, family, rest)), Err(NotProxied::Binary), "{command:x}");
        }
        let long = two(0x21, 0x11, &vec![0; 20_000]);
        assert_eq!(whole(&long), Err(NotProxied::TooLong(20_016)));
    }

    proptest! {
        #[test]
        fn any_octets_are_a_header_or_lack_something_or_are_none(
            start in proptest::sample::select(vec![&b""[..], b"PROXY TCP4 ", &SIGNATURE]),
            rest in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            let wire = [start, &rest].concat();
            if let Ok(ProxyReading::Lacks(octets)) = Proxied::read(&wire) {
                prop_assert!(octets > 0);
            }
        }
    }
}
