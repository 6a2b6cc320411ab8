use super::*;
use crate::net::{Deadline, Security, TlsFacts};
use crate::sasl::Secret;
use std::collections::VecDeque;
use std::net::SocketAddr;

/// A proxy in memory: what it sends, in the pieces in which reading gives it,
/// and what it was sent.
#[derive(Default)]
struct Memory {
    sends: VecDeque<Vec<u8>>,
    got: Vec<u8>,
}

impl Memory {
    /// Sends all of this in one piece.
    fn sending(octets: impl AsRef<[u8]>) -> Self {
        Memory { sends: VecDeque::from([octets.as_ref().to_vec()]), ..Memory::default() }
    }

    /// Sends this octet by octet.
    fn dripping(octets: impl AsRef<[u8]>) -> Self {
        let sends = octets.as_ref().iter().map(|&octet| vec![octet]).collect();
        Memory { sends, ..Memory::default() }
    }

    /// What has not been read.
    fn left(&self) -> Vec<u8> {
        self.sends.iter().flatten().copied().collect()
    }
}

impl Stream for Memory {
    fn arm(&mut self, _deadline: Deadline) {}

    fn read(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        let Some(piece) = self.sends.front_mut() else { return Ok(0) };
        let length = piece.len().min(into.len());
        into[..length].copy_from_slice(&piece[..length]);
        piece.drain(..length);
        if piece.is_empty() {
            self.sends.pop_front();
        }
        Ok(length)
    }

    fn write_all(&mut self, octets: &[u8]) -> Result<(), Error> {
        self.got.extend_from_slice(octets);
        Ok(())
    }

    fn write_while_silent(&mut self, octets: &[u8]) -> Result<usize, Error> {
        self.write_all(octets).map(|()| octets.len())
    }

    fn pending(&mut self) -> Result<bool, Error> {
        Ok(!self.sends.is_empty())
    }

    fn close(&mut self) {}

    fn ignore_interrupt(&mut self) {}

    fn window(&self) -> usize {
        4096
    }

    fn protection(&self) -> Option<&TlsFacts> {
        None
    }

    fn local_address(&self) -> Option<SocketAddr> {
        None
    }
}

fn place(protocol: ProxyProtocol) -> ProxyPlace {
    ProxyPlace { protocol, host: Host::Name("proxy.example".to_owned()), port: 1080 }
}

fn proxy(protocol: ProxyProtocol, user: Option<(&str, &str)>) -> Proxy {
    let sign_in = user
        .map(|(user, password)| Credentials { user: user.into(), password: Secret::new(password) });
    Proxy::new(place(protocol), sign_in).unwrap()
}

fn server(host: &str) -> Endpoint {
    let host = host.parse().map_or_else(|_| Host::Name(host.to_owned()), Host::Address);
    Endpoint { host, port: 587, security: Security::StartTls }
}

const ALICE: Option<(&str, &str)> = Some(("alice", "hunter2"));
const GRANTED: &[u8] = &[5, 0, 0, 1, 192, 0, 2, 1, 2, 75];
const GREETING: &[u8] = b"220 mail.example.org ready\r\n";

fn socks5(sends: &[&[u8]], user: Option<(&str, &str)>) -> (Result<(), String>, Memory) {
    opened(ProxyProtocol::Socks5, Memory::sending(sends.concat()), user)
}

fn http(sends: impl AsRef<[u8]>, user: Option<(&str, &str)>) -> (Result<(), String>, Memory) {
    opened(ProxyProtocol::Http, Memory::sending(sends), user)
}

/// What becomes of a connection to the server, with the error in words.
fn opened(
    protocol: ProxyProtocol,
    mut channel: Memory,
    user: Option<(&str, &str)>,
) -> (Result<(), String>, Memory) {
    let opened = proxy(protocol, user).open(&mut channel, &server("mail.example.org"));
    (opened.map_err(|error| error.to_string()), channel)
}

#[test]
fn socks5_asks_for_the_server_by_its_name() {
    // RFC 1928 §3, §4
    let (opened, proxy) = socks5(&[&[5, 0], GRANTED], None);
    assert_eq!(opened, Ok(()));
    let asked = [&[5, 1, 0, 5, 1, 0, 3, 16][..], b"mail.example.org", &[2, 75]].concat();
    assert_eq!(proxy.got, asked);
}

#[test]
fn socks5_gives_an_address_as_an_address() {
    // RFC 1928 §5
    for (host, kind, length) in [("192.0.2.7", 1, 4), ("2001:db8::7", 4, 16)] {
        let mut channel = Memory::sending([&[5, 0][..], GRANTED].concat());
        let opened = proxy(ProxyProtocol::Socks5, None).open(&mut channel, &server(host));
        assert!(opened.is_ok(), "{opened:?}");
        let address = &channel.got[6..];
        assert_eq!((address[0], address.len()), (kind, 1 + length + 2), "{host}");
        assert_eq!(address[length], 7, "{host}");
    }
}

#[test]
fn socks5_signs_in_where_the_proxy_wants_it_and_not_where_it_does_not() {
    // RFC 1929 §2
    let offer = [5, 2, 0, 2];
    let (opened, proxy) = socks5(&[&[5, 2, 1, 0], GRANTED], ALICE);
    assert_eq!(opened, Ok(()));
    let said = [&offer[..], &[1, 5], b"alice", &[7], b"hunter2", &[5, 1, 0]].concat();
    assert!(proxy.got.starts_with(&said), "{:?}", proxy.got);

    let (opened, proxy) = socks5(&[&[5, 0], GRANTED], ALICE);
    assert_eq!(opened, Ok(()));
    assert!(!proxy.got.windows(7).any(|octets| octets == b"hunter2"));
}

#[test]
fn whatever_the_proxy_bound_the_greeting_behind_it_is_left_to_the_session() {
    let name = [&[5, 0, 0, 3, 5][..], b"x.org", &[0, 25]].concat();
    let ipv6 = [&[5, 0, 0, 4][..], &[0; 18]].concat();
    for bound in [GRANTED, &name, &ipv6] {
        let (opened, proxy) = socks5(&[&[5, 0], bound, GREETING], None);
        assert_eq!(opened, Ok(()));
        assert_eq!(proxy.left(), GREETING);
    }
    for answer in [
        "HTTP/1.1 200 Connection established\r\n\r\n",
        "HTTP/1.0 200 OK\r\nProxy-agent: tinyproxy/1.11\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 299\r\n\r\n",
        "HTTP/1.1 200 OK\n\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ] {
        let (opened, proxy) = http([answer.as_bytes(), GREETING].concat(), None);
        assert_eq!(opened, Ok(()), "{answer}");
        assert_eq!(proxy.left(), GREETING, "{answer}");
    }
}

#[test]
fn answers_that_drip_are_put_together() {
    let dripping = Memory::dripping([&[5, 2, 1, 0][..], GRANTED, GREETING].concat());
    let (opened, proxy) = opened(ProxyProtocol::Socks5, dripping, ALICE);
    assert_eq!((opened, proxy.left()), (Ok(()), GREETING.to_vec()));
}

#[test]
fn http_asks_by_connect_and_signs_in_by_basic() {
    // RFC 9110 §9.3.6, RFC 7617 §2
    let (opened, proxy) = http("HTTP/1.1 200 OK\r\n\r\n", Some(("Aladdin", "open sesame")));
    assert_eq!(opened, Ok(()));
    let asked = "CONNECT mail.example.org:587 HTTP/1.1\r\nHost: mail.example.org:587\r\n\
                 Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n";
    assert_eq!(String::from_utf8(proxy.got).unwrap(), asked);

    let mut channel = Memory::sending("HTTP/1.1 200 OK\r\n\r\n");
    let ipv6 = server("2001:db8::7");
    self::proxy(ProxyProtocol::Http, None).open(&mut channel, &ipv6).unwrap();
    let asked = "CONNECT [2001:db8::7]:587 HTTP/1.1\r\nHost: [2001:db8::7]:587\r\n\r\n";
    assert_eq!(String::from_utf8(channel.got).unwrap(), asked);
}

#[test]
fn each_reply_code_of_socks5_has_its_words() {
    // RFC 1928 §6
    for (code, words) in [
        (1, "general SOCKS server failure"),
        (2, "connection not allowed by ruleset"),
        (3, "network unreachable"),
        (4, "host unreachable"),
        (5, "connection refused"),
        (6, "TTL expired"),
        (7, "command not supported"),
        (8, "address type not supported"),
        (9, "reply code 9, which means nothing"),
    ] {
        // Some send no more than this before they close.
        let (opened, _) = socks5(&[&[5, 0], &[5, code]], None);
        let expected =
            format!("the proxy socks5://proxy.example:1080 did not connect to the server: {words}");
        assert_eq!(opened, Err(expected));
    }
}

#[test]
fn a_socks5_proxy_that_misbehaves_is_found_out() {
    let user = Some(("alice", "hunter2"));
    for (sends, user, expected) in [
        (&[][..], None, "closed the connection"),
        (&[5], None, "closed the connection"),
        (&[4, 0], None, "answered with something that is not SOCKS5"),
        (b"HTTP/1.1 400 Bad Request\r\n", None, "answered with something that is not SOCKS5"),
        (&[5, 2], None, "asked for a way to sign in that was not offered (method 2)"),
        (&[5, 1], user, "asked for a way to sign in that was not offered (method 1)"),
        (&[5, 0xff], None, "wants a user and a password"),
        (&[5, 0xff], user, "takes neither a user and a password nor their absence"),
        (&[5, 2, 1], user, "closed the connection"),
        (&[5, 2, 1, 1], user, "refused the user or the password"),
        (&[5, 0, 5], None, "closed the connection"),
        (&[5, 0, 5, 0, 0], None, "closed the connection"),
        (&[5, 0, 4, 0, 0, 1], None, "answered with something that is not SOCKS5"),
        (&[5, 0, 5, 0, 0, 2], None, "answered with something that is not SOCKS5"),
        (&[5, 0, 5, 0, 0, 1, 0, 0], None, "closed the connection"),
        (&[5, 0, 5, 0, 0, 3, 200, b'x'], None, "closed the connection"),
    ] {
        let (opened, _) = socks5(&[sends], user);
        let expected = format!("the proxy socks5://proxy.example:1080 {expected}");
        assert_eq!(opened, Err(expected), "{sends:?}");
    }
}

#[test]
fn an_http_proxy_that_misbehaves_is_found_out() {
    let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(1_000_000));
    let never = "HTTP/1.1 100 Continue\r\n\r\n".repeat(10_000);
    let failed = |what: &str| format!("did not connect to the server: {what}");
    for (sends, user, expected) in [
        ("", None, "closed the connection".to_owned()),
        ("HTTP/1.1 200 OK\r\n", None, "closed the connection".to_owned()),
        ("<html>hello", None, "answered with something that is not HTTP".to_owned()),
        ("220 mail ready\r\n", None, "answered with something that is not HTTP".to_owned()),
        ("\u{5}\u{0}", None, "answered with something that is not HTTP".to_owned()),
        ("HTTP/2 200 OK\r\n\r\n", None, "answered with something that is not HTTP".to_owned()),
        ("HTTP/1.1 +20 OK\r\n\r\n", None, "answered with something that is not HTTP".to_owned()),
        ("HTTP/1.1 2000 OK\r\n\r\n", None, "answered with something that is not HTTP".to_owned()),
        ("HTTP/1.1\r\n\r\n", None, "answered with something that is not HTTP".to_owned()),
        (&endless, None, "answered with more than 16384 octets of header".to_owned()),
        (&never, None, "answered with more than 16384 octets of header".to_owned()),
        ("HTTP/1.1 407 x\r\n\r\n", None, "wants a user and a password".to_owned()),
        ("HTTP/1.1 407 x\r\n\r\n", ALICE, "refused the user or the password".to_owned()),
        ("HTTP/1.1 401 x\r\n\r\n", ALICE, "refused the user or the password".to_owned()),
        ("HTTP/1.1 401 x\r\n\r\n", None, failed("401 x")),
        ("HTTP/1.1 403 Forbidden\r\n\r\n", ALICE, failed("403 Forbidden")),
        ("HTTP/1.1 502 Bad Gateway\r\nA: b\r\n\r\n<html>", None, failed("502 Bad Gateway")),
        ("HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", None, failed("302 Found")),
    ] {
        let (opened, _) = http(sends, user);
        let expected = format!("the proxy http://proxy.example:1080 {expected}");
        assert_eq!(opened, Err(expected), "{:?}", &sends[..sends.len().min(40)]);
    }
}

#[test]
fn a_header_that_is_none_is_not_waited_for() {
    let (_, proxy) = http("220 mail.example.org ready\r\n", None);
    assert_eq!(proxy.left().len(), "20 mail.example.org ready\r\n".len());
}

#[test]
fn what_the_protocol_cannot_carry_is_refused_before_it_is_used() {
    // RFC 1929 §2, RFC 7617 §2
    let longest = "x".repeat(255);
    let fits = |protocol, user: &str, password: &str| {
        let who = Credentials { user: user.into(), password: Secret::new(password) };
        Proxy::new(place(protocol), Some(who)).err()
    };
    let (socks5, http) = (ProxyProtocol::Socks5, ProxyProtocol::Http);
    assert_eq!(fits(socks5, &longest, &longest), None);
    assert_eq!(fits(socks5, &format!("{longest}x"), ""), Some(UnfitSignIn::TooLong));
    assert_eq!(fits(socks5, "a", &format!("{longest}x")), Some(UnfitSignIn::TooLong));
    assert_eq!(fits(http, "alice", "a:b"), None);
    assert_eq!(fits(http, "a:b", "c"), Some(UnfitSignIn::Characters));
    assert_eq!(fits(http, "alice", "a\nb"), Some(UnfitSignIn::Characters));
}

#[test]
fn neither_a_proxy_nor_its_error_shows_a_password() {
    // SEC-7
    let proxy = proxy(ProxyProtocol::Socks5, ALICE);
    let error = proxy.open(&mut Memory::sending([5, 2, 1, 1]), &server("a.b")).unwrap_err();
    let shown = format!("{proxy:?} {} {error} {error:?}", proxy.place());
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn a_proxy_is_shown_as_a_url() {
    let ipv6 =
        ProxyPlace { host: Host::Address("::1".parse().unwrap()), ..place(ProxyProtocol::Http) };
    assert_eq!(ipv6.to_string(), "http://[::1]:1080");
    assert_eq!(place(ProxyProtocol::Socks5).to_string(), "socks5://proxy.example:1080");
}
