//! The name servers of this machine, as resolv.conf(5) describes the file.
//! `domain`, `search` and `ndots` do not apply: whole names are asked for.

use std::fs::{self, File};
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

/// Who is asked, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvConf {
    /// At least one, at most three.
    pub servers: Vec<SocketAddr>,
    /// What stands behind `options`.
    pub options: Options,
}

/// How servers are asked. The names in brackets are those of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How long a server is waited for (`timeout:`).
    pub timeout: Duration,
    /// How often each server is asked (`attempts:`).
    pub attempts: u32,
    /// Whether to begin with any of the servers, to share the load (`rotate`).
    pub rotate: bool,
    /// Whether to ask by TCP only (`use-vc`).
    pub use_tcp: bool,
    /// Whether the servers and the way to them are such that they may be
    /// believed about DNSSEC (`trust-ad`).
    pub trust_ad: bool,
}

const SYSTEM: &str = "/etc/resolv.conf";

/// Many times what any such file holds.
const LARGEST_FILE: u64 = 64 * 1024;

/// resolv.conf(5): `MAXNS`, and what is too much is reduced to.
const MOST_SERVERS: usize = 3;
const MOST_SECONDS: u64 = 30;
const MOST_ATTEMPTS: u32 = 5;

const PORT: u16 = 53;

impl ResolvConf {
    /// What `/etc/resolv.conf` says.
    pub fn of_system() -> Self {
        ResolvConf::of_file(Path::new(SYSTEM))
    }

    /// What this file says. One that cannot be read says nothing, as for the C
    /// library.
    fn of_file(path: &Path) -> Self {
        let is_file = fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
        let mut octets = Vec::new();
        if is_file && let Ok(file) = File::open(path) {
            // What was read until it failed counts.
            let _ = file.take(LARGEST_FILE).read_to_end(&mut octets);
        }
        ResolvConf::read(&octets)
    }

    /// What a file of these octets says. Lines that are not understood say
    /// nothing.
    pub fn read(octets: &[u8]) -> Self {
        let mut found = ResolvConf { servers: Vec::new(), options: Options::default() };
        for line in octets.split(|&octet| octet == b'\n') {
            let line = String::from_utf8_lossy(line);
            // A comment is no keyword either.
            match line.split_once([' ', '\t']) {
                Some(("nameserver", rest)) if found.servers.len() < MOST_SERVERS => {
                    found.servers.extend(server(rest));
                }
                Some(("options", rest)) => found.options.add(rest),
                _ => {}
            }
        }
        if found.servers.is_empty() {
            // "the default is to use the name server on the local machine"
            let this_machine: [IpAddr; 2] =
                [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
            found.servers.extend(this_machine.map(|address| SocketAddr::new(address, PORT)));
        }
        found
    }
}

impl Default for Options {
    fn default() -> Self {
        Options {
            timeout: Duration::from_secs(5),
            attempts: 2,
            rotate: false,
            use_tcp: false,
            trust_ad: false,
        }
    }
}

impl Options {
    /// Takes over what a line says; `edns0` needs no saying.
    fn add(&mut self, line: &str) {
        for word in line.split_ascii_whitespace() {
            match word.split_once(':') {
                Some(("timeout", seconds)) => {
                    let seconds = number::<u64>(seconds).map(|n| n.clamp(1, MOST_SECONDS));
                    self.timeout = seconds.map_or(self.timeout, Duration::from_secs);
                }
                Some(("attempts", attempts)) => {
                    let attempts = number::<u32>(attempts).map(|n| n.clamp(1, MOST_ATTEMPTS));
                    self.attempts = attempts.unwrap_or(self.attempts);
                }
                Some(_) => {}
                None => match word {
                    "rotate" => self.rotate = true,
                    "use-vc" => self.use_tcp = true,
                    "trust-ad" => self.trust_ad = true,
                    _ => {}
                },
            }
        }
    }
}

fn number<N: FromStr>(text: &str) -> Option<N> {
    text.bytes().all(|octet| octet.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// The address behind `nameserver`; of IPv6 with a zone, where it needs one.
fn server(rest: &str) -> Option<SocketAddr> {
    let text = rest.trim_start().split([' ', '\t', '\r', ';', '#']).next()?;
    let Some((address, _)) = text.split_once('%') else {
        return text.parse().ok().map(|address: IpAddr| SocketAddr::new(address, PORT));
    };
    // Zones are names of interfaces, which the C library knows; since this is an
    // address, it asks nobody.
    address.parse::<Ipv6Addr>().ok()?;
    (text, PORT).to_socket_addrs().ok()?.next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn servers(text: &str) -> Vec<String> {
        let found = ResolvConf::read(text.as_bytes());
        found.servers.iter().map(ToString::to_string).collect()
    }

    fn options(text: &str) -> Options {
        ResolvConf::read(text.as_bytes()).options
    }

    #[test]
    fn up_to_three_name_servers_are_asked_in_the_order_of_the_file() {
        let text = "# by hand\n; too\ndomain example.org\nsearch example.org\n\
                    nameserver 192.0.2.1\nnameserver\t2001:db8::1 # comment\n \
                    nameserver 192.0.2.9\nnameserver 192.0.2.2\r\nnameserver 192.0.2.3\n";
        assert_eq!(servers(text), ["192.0.2.1:53", "[2001:db8::1]:53", "192.0.2.2:53"]);
    }

    #[test]
    fn an_address_of_one_link_is_asked_on_that_link() {
        assert_eq!(servers("nameserver fe80::1%7"), ["[fe80::1%7]:53"]);
        let lo = fs::read_to_string("/sys/class/net/lo/ifindex").unwrap();
        let expected = format!("[fe80::1%{}]:53", lo.trim());
        assert_eq!(servers("nameserver fe80::1%lo"), [expected]);
    }

    #[test]
    fn without_a_usable_name_server_this_machine_is_asked() {
        let this_machine = ["127.0.0.1:53", "[::1]:53"];
        for text in [
            "",
            "nameserver",
            "nameserver ",
            "nameserver dns.example.org",
            "nameserver 192.0.2.1%lo",
            "nameserver fe80::1%no-such-link",
            "nameserver 192.0.2",
            "#nameserver 192.0.2.1",
            "nameservers 192.0.2.1",
        ] {
            assert_eq!(servers(text), this_machine, "{text:?}");
        }
        let none = ResolvConf::of_file(Path::new("/nonexistent/resolv.conf"));
        assert_eq!(none, ResolvConf::read(b""));
        assert_eq!(ResolvConf::of_file(Path::new("/dev/zero")), none);
    }

    #[test]
    fn options_add_up_and_unknown_ones_say_nothing() {
        assert_eq!(options(""), Options::default());
        let text = "options ndots:2 timeout:3 edns0\noptions\tattempts:4 rotate\n\
                    options trust-ad use-vc single-request\n";
        let expected = Options {
            timeout: Duration::from_secs(3),
            attempts: 4,
            rotate: true,
            use_tcp: true,
            trust_ad: true,
        };
        assert_eq!(options(text), expected);
        assert!(!options("#options trust-ad").trust_ad);
        assert!(!options("options no-trust-ad").trust_ad);
    }

    #[test]
    fn numbers_of_options_have_bounds() {
        for (text, seconds, attempts) in [
            ("timeout:0 attempts:0", 1, 1),
            ("timeout:30 attempts:5", 30, 5),
            ("timeout:31 attempts:6", 30, 5),
            ("timeout:99999999999999999999999 attempts:99999999999", 5, 2),
            ("timeout:-1 attempts:+3", 5, 2),
            ("timeout: attempts:x", 5, 2),
        ] {
            let found = options(&format!("options {text}"));
            let expected = (Duration::from_secs(seconds), attempts);
            assert_eq!((found.timeout, found.attempts), expected, "{text}");
        }
    }

    #[test]
    fn a_file_is_read_up_to_a_limit() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut octets = b"nameserver 192.0.2.1\n".to_vec();
        octets.resize(usize::try_from(LARGEST_FILE).unwrap(), b'\n');
        octets.extend(b"nameserver 192.0.2.2\n");
        fs::write(file.path(), octets).unwrap();
        let found = ResolvConf::of_file(file.path());
        assert_eq!(found.servers, ["192.0.2.1:53".parse().unwrap()]);
    }

    proptest! {
        #[test]
        fn any_octets_give_one_to_three_servers(
            octets in proptest::collection::vec(any::<u8>(), 0..2_000),
            line in "(nameserver|options)[ \t]\\PC{0,40}",
        ) {
            for text in [octets.as_slice(), line.as_bytes()] {
                let found = ResolvConf::read(text);
                prop_assert!((1..=3).contains(&found.servers.len()));
                prop_assert!((1..=5).contains(&found.options.attempts));
            }
        }
    }
}
