//! Ways to a server: through proxies, good and bad, and from an address.

mod harness;

use envoi::delivery::{Hop, Report, Route, SignIn, World, submit};
use envoi::net::{
    Endpoint, Host, Interrupt, Proxy, ProxyPlace, ProxyProtocol, Roots, Security, TlsSettings,
};
use envoi::sasl::{Credentials, Proof, Secret};
use envoi::session::{Event, Observer};
use envoi::sink::{Encryption, Listen, Settings, Sink};
use envoi::smtp::Phase;
use harness::*;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;
use std::time::Duration;

/// A name that no resolver knows (RFC 6761 §6.4).
const NOWHERE: &str = "mail.invalid";

fn proxy_at(address: SocketAddr, protocol: ProxyProtocol, sign_in: Option<Credentials>) -> Proxy {
    let place = ProxyPlace { protocol, host: Host::Address(address.ip()), port: address.port() };
    Proxy::new(place, sign_in).unwrap()
}

fn alice() -> Credentials {
    Credentials { user: "alice".into(), password: Secret::new(PASSWORD) }
}

/// A server at [`NOWHERE`], through this proxy.
fn through(proxy: &Scripted, protocol: ProxyProtocol, security: Security) -> Hop {
    let endpoint = Endpoint { host: Host::Name(NOWHERE.to_owned()), port: 2525, security };
    Hop { proxy: Some(proxy_at(proxy.address, protocol, None)), ..hop(endpoint) }
}

/// Connects as a SOCKS5 proxy does; gives the name and the port it was asked
/// for. What follows in the same write is the server's.
fn grant(peer: &mut Peer, behind: &str) -> (String, u16) {
    let [_, methods] = peer.take(2)[..] else { panic!("no greeting") };
    peer.take(usize::from(methods));
    peer.say([5, 0]);
    let [5, 1, 0, 3, length] = peer.take(5)[..] else { panic!("not asked for a name") };
    let name = String::from_utf8(peer.take(usize::from(length))).unwrap();
    let port = u16::from_be_bytes(peer.take(2).try_into().unwrap());
    peer.say([&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], behind.as_bytes()].concat());
    (name, port)
}

/// The rest of a session in which one message is taken.
fn take_one(peer: &mut Peer) {
    for reply in &REPLIES[1..5] {
        peer.line();
        peer.say(reply);
    }
    peer.content();
    peer.say("250 ok\r\n");
}

#[test]
fn the_name_of_the_server_is_looked_up_by_the_proxy_only() {
    let (asked, was_asked) = channel();
    let proxy = Scripted::once(move |peer| {
        asked.send(grant(peer, "220 hi\r\n")).unwrap();
        take_one(peer);
    });
    let hop = through(&proxy, ProxyProtocol::Socks5, Security::Cleartext);
    let report = deliver(&submission(&["a@x.y"]), vec![hop]);
    assert_eq!(words(&report), ["a@x.y accepted 250 ok"]);
    assert_eq!(was_asked.recv().unwrap(), (NOWHERE.to_owned(), 2525));
    let attempt = &report.attempts[0];
    assert_eq!(attempt.address, Some(proxy.address));
    let shown = format!("socks5://{}", proxy.address);
    assert_eq!(attempt.proxy.as_ref().map(ToString::to_string), Some(shown));
    assert!(attempt.timings.iter().any(|(phase, _)| *phase == Phase::Proxy));
    proxy.finish();
}

#[test]
fn a_greeting_in_the_same_segment_as_the_answer_of_an_http_proxy_is_read() {
    let proxy = Scripted::once(|peer| {
        peer.expect("CONNECT mail.invalid:2525 HTTP/1.1");
        peer.expect("Host: mail.invalid:2525");
        assert_eq!(peer.line(), "");
        peer.say("HTTP/1.1 200 OK\r\nVia: x\r\n\r\n220-hi\r\n220 there\r\n");
        take_one(peer);
    });
    let hop = through(&proxy, ProxyProtocol::Http, Security::Cleartext);
    let report = deliver(&submission(&["a@x.y"]), vec![hop]);
    assert_eq!(words(&report), ["a@x.y accepted 250 ok"]);
    proxy.finish();
}

#[test]
fn tls_is_with_the_server_behind_the_proxy() {
    // 7817/9525-a: its name must stand in the certificate, not the proxy's.
    for (name, expected) in [
        (NOWHERE, "accepted"),
        ("127.0.0.1", "rejected Handshake: the server's certificate is not for mail.invalid"),
    ] {
        let identity = Identity::of(&[name]);
        let config = identity.config.clone();
        let proxy = Scripted::once(move |peer| {
            grant(peer, "");
            peer.secure(&config);
            peer.say("220 hi\r\n");
            if name == NOWHERE {
                take_one(peer);
            }
        });
        let roots = Roots { given: vec![identity.root], ..Roots::default() };
        let hop = Hop {
            tls: TlsSettings { roots, ..TlsSettings::default() },
            ..through(&proxy, ProxyProtocol::Socks5, Security::Implicit)
        };
        let report = deliver(&submission(&["a@x.y"]), vec![hop]);
        assert!(words(&report)[0].contains(expected), "{:?}", words(&report));
        proxy.finish();
    }
}

/// What becomes of a message through a proxy that does this.
fn told(protocol: ProxyProtocol, script: impl FnOnce(&mut Peer) + Send + 'static) -> String {
    let proxy = Scripted::once(script);
    let mut hop = through(&proxy, protocol, Security::Cleartext);
    hop.timeouts.cap = Some(Duration::from_millis(500));
    let report = deliver(&submission(&["a@x.y"]), vec![hop]);
    let told = words(&report).join("").replace(&proxy.address.to_string(), "PROXY");
    proxy.finish();
    told
}

#[test]
fn a_proxy_that_is_silent_or_drips_or_floods_is_given_up() {
    let late = "a@x.y deferred Proxy: timed out after 0.5 s waiting for the proxy";
    let silent = |peer: &mut Peer| drop(peer.rest());
    assert_eq!(told(ProxyProtocol::Socks5, silent), format!("{late} socks5://PROXY"));
    assert_eq!(told(ProxyProtocol::Http, silent), format!("{late} http://PROXY"));
    for (protocol, scheme) in [(ProxyProtocol::Socks5, "socks5"), (ProxyProtocol::Http, "http")] {
        let drips = move |peer: &mut Peer| {
            peer.say(if scheme == "socks5" {
                &b"\x05\0\x05\0\0\x03\xff"[..]
            } else {
                b"HTTP/1.1 200 O"
            });
            while !peer.is_gone() {
                peer.say("x");
                std::thread::sleep(Duration::from_millis(20));
            }
        };
        assert_eq!(told(protocol, drips), format!("{late} {scheme}://PROXY"));
    }
    let floods = |peer: &mut Peer| {
        peer.say("HTTP/1.1 200 OK\r\n");
        while peer.hears("X-Header: x\r\n".repeat(1000)) {}
    };
    assert_eq!(
        told(ProxyProtocol::Http, floods),
        "a@x.y rejected Proxy: the proxy http://PROXY answered with more than 16384 octets of header"
    );
}

#[test]
fn a_proxy_that_leaves_is_told_from_a_server_that_leaves() {
    let leaves = |peer: &mut Peer| {
        peer.take(3);
        peer.say([5]);
        peer.hang_up();
    };
    assert_eq!(
        told(ProxyProtocol::Socks5, leaves),
        "a@x.y deferred Proxy: the proxy socks5://PROXY closed the connection"
    );
    let resets = |peer: &mut Peer| {
        peer.take(3);
        peer.reset();
    };
    assert_eq!(
        told(ProxyProtocol::Socks5, resets),
        "a@x.y deferred Proxy: the proxy socks5://PROXY closed the connection abruptly"
    );
    let server_leaves = |peer: &mut Peer| {
        grant(peer, "");
        peer.hang_up();
    };
    assert_eq!(
        told(ProxyProtocol::Socks5, server_leaves),
        "a@x.y deferred Greeting: the server closed the connection"
    );
}

#[test]
fn what_the_proxy_could_not_reach_may_be_reached_later_and_what_it_forbids_may_not() {
    // RFC 1928 §6
    for (code, outcome) in [
        (1, "deferred"),
        (2, "rejected"),
        (3, "deferred"),
        (4, "deferred"),
        (5, "deferred"),
        (6, "deferred"),
        (7, "rejected"),
        (8, "rejected"),
        (255, "rejected"),
    ] {
        let refuses = move |peer: &mut Peer| {
            peer.take(3);
            peer.say([5, 0, 5, code, 0, 1, 0, 0, 0, 0, 0, 0]);
            peer.rest();
        };
        let told = told(ProxyProtocol::Socks5, refuses);
        assert!(
            told.starts_with(&format!("a@x.y {outcome} Proxy: the proxy socks5://PROXY did")),
            "{told}"
        );
    }
    for (status, outcome) in [
        ("403 Forbidden", "rejected"),
        ("404 Not Found", "rejected"),
        ("407 Authentication", "rejected"),
        ("429 Wait", "deferred"),
        ("500 Oops", "deferred"),
        ("501 What", "rejected"),
        ("502 Bad Gateway", "deferred"),
        ("504 Late", "deferred"),
    ] {
        let refuses = move |peer: &mut Peer| {
            peer.say(format!("HTTP/1.1 {status}\r\nConnection: close\r\n\r\n<html>"));
            peer.rest();
        };
        let told = told(ProxyProtocol::Http, refuses);
        assert!(
            told.starts_with(&format!("a@x.y {outcome} Proxy: the proxy http://PROXY")),
            "{told}"
        );
    }
}

#[test]
fn where_the_proxy_reaches_one_server_not_another_is_asked_for() {
    let refuses = |peer: &mut Peer| {
        peer.take(3);
        peer.say([5, 0, 5, 5]);
        peer.rest();
    };
    let grants = |peer: &mut Peer| {
        grant(peer, "220 hi\r\n");
        take_one(peer);
    };
    let scripts: Vec<Part> = vec![Box::new(refuses), Box::new(grants)];
    let proxy = Scripted::start(scripts);
    let hop = through(&proxy, ProxyProtocol::Socks5, Security::Cleartext);
    let report = deliver(&submission(&["a@x.y"]), vec![hop.clone(), hop]);
    assert_eq!(words(&report), ["a@x.y accepted 250 ok"]);
    proxy.finish();
}

#[test]
fn a_proxy_that_refuses_the_password_is_not_asked_again() {
    // 4954-6, for a proxy
    let proxy = Scripted::once(|peer| {
        peer.take(4);
        peer.say([5, 2]);
        let said = peer.take(2 + "alice".len() + 1 + PASSWORD.len());
        assert_eq!(said, [&[1, 5][..], b"alice", &[21], PASSWORD.as_bytes()].concat());
        peer.say([1, 1]);
        peer.rest();
    });
    let mut hop = through(&proxy, ProxyProtocol::Socks5, Security::Cleartext);
    hop.proxy = Some(proxy_at(proxy.address, ProxyProtocol::Socks5, Some(alice())));
    let report = deliver(&submission(&["a@x.y"]), vec![hop.clone(), hop]);
    let expected = format!(
        "a@x.y rejected Proxy: the proxy socks5://{} refused the user or the password",
        proxy.address
    );
    assert_eq!((words(&report), report.attempts.len()), (vec![expected], 1));
    assert!(!format!("{report:?}").contains(PASSWORD));
    proxy.finish();
}

#[test]
fn nobody_at_the_proxy_is_told_from_nobody_at_the_server() {
    let dead = dead_address();
    let endpoint = endpoint(dead, Security::Cleartext);
    let proxy = Some(proxy_at(dead, ProxyProtocol::Http, None));
    let report = deliver(&submission(&["a@x.y"]), vec![Hop { proxy, ..hop(endpoint) }]);
    let expected = format!(
        "a@x.y deferred Connect: the proxy http://{dead} cannot be used: {dead} cannot be reached"
    );
    assert!(words(&report)[0].starts_with(&expected), "{:?}", words(&report));
}

/// Asks to stop as soon as something is being tried.
struct Hasty(Interrupt);

impl Observer for Hasty {
    fn event(&mut self, event: Event<'_>) {
        if let Event::ConnectingThrough(..) = event {
            let stop = self.0.cell();
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(200));
                stop.store(2, Ordering::Relaxed);
            });
        }
    }
}

#[test]
fn who_stops_waits_for_no_proxy() {
    // SEC-17. A wait looks at the wish when it ends, or when the signal does.
    let proxy = Scripted::once(|peer| {
        for _ in 0..1000 {
            if !peer.hears("HTTP/1.1 100 x\r\n\r\n") {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let hop = through(&proxy, ProxyProtocol::Http, Security::Cleartext);
    let interrupt = Interrupt::default();
    let world =
        World { secrets: &Fixed, interrupt: &interrupt, host_name: None, wait_for_farewell: false };
    let mut hasty = Hasty(interrupt.clone());
    let route = Route { hops: vec![hop.clone(), hop] };
    let report = submit(&submission(&["a@x.y"]), &route, &world, &mut hasty);
    assert_eq!(words(&report), ["a@x.y deferred Proxy: interrupted"]);
    assert_eq!(report.attempts.len(), 1);
    proxy.finish();
}

/// The report of a delivery that begins at this address, with the server named
/// twice.
fn from(source: &str, endpoint: Endpoint) -> Report {
    let hop = Hop { source: Some(source.parse().unwrap()), hello: None, ..hop(endpoint) };
    deliver(&submission(&["a@x.y"]), vec![hop.clone(), hop])
}

#[test]
fn a_connection_begins_at_the_address_that_was_asked_for() {
    // 5321-4.1.3: the same address is what we call ourselves.
    let server = Scripted::once(|peer| {
        assert_eq!(peer.socket().peer_addr().unwrap().ip().to_string(), "127.0.0.2");
        peer.say("220 hi\r\n");
        peer.expect("EHLO [127.0.0.2]");
        peer.hang_up();
    });
    from("127.0.0.2", server.endpoint(Security::Cleartext));
    server.finish();

    let proxy = Scripted::once(|peer| {
        assert_eq!(peer.socket().peer_addr().unwrap().ip().to_string(), "127.0.0.2");
        grant(peer, "220 hi\r\n");
        peer.expect("EHLO [127.0.0.2]");
        peer.hang_up();
    });
    let hop = Hop {
        source: Some("127.0.0.2".parse().unwrap()),
        hello: None,
        ..through(&proxy, ProxyProtocol::Socks5, Security::Cleartext)
    };
    deliver(&submission(&["a@x.y"]), vec![hop]);
    proxy.finish();
}

#[test]
fn an_address_that_is_not_ours_is_no_fault_of_the_server() {
    // RFC 5737: nobody has it.
    let report = from("192.0.2.1", endpoint(dead_address(), Security::Cleartext));
    assert!(
        words(&report)[0].starts_with("a@x.y deferred Connect: cannot connect from 192.0.2.1:"),
        "{:?}",
        words(&report)
    );
    assert_eq!(report.attempts.len(), 1, "the other server would begin there as well");
}

#[test]
fn addresses_of_the_other_family_are_left_out() {
    let port = dead_address().port();
    let localhost = |security| Endpoint { host: Host::Name("localhost".into()), port, security };
    let report = from("127.0.0.2", localhost(Security::Cleartext));
    let tried: Vec<_> = report.attempts.iter().map(|it| it.address.unwrap().is_ipv4()).collect();
    assert_eq!(tried, [true, true]);

    let none = from("::1", endpoint(dead_address(), Security::Cleartext));
    assert_eq!(
        words(&none),
        [
            "a@x.y rejected Lookup: the name 127.0.0.1 has no IPv6 address, as the source address ::1 needs"
        ]
    );
}

#[test]
fn a_sign_in_goes_through_a_proxy_like_everything_else() {
    let listen = vec![Listen::loopback(0, Encryption::Implicit)];
    let sink = Sink::start(Settings { listen, ..Settings::default() }).unwrap();
    let behind = sink.address();
    let proxy = Scripted::once(move |peer| {
        let [5, 2, 0, 2] = peer.take(4)[..] else { panic!("no offer of a sign-in") };
        peer.say([5, 0]);
        let [5, 1, 0, 1, 127, 0, 0, 1, _, _] = peer.take(10)[..] else { panic!("no address") };
        peer.say([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        peer.pass_on(behind);
    });
    let roots = Roots { given: vec![sink.ca().clone()], ..Roots::default() };
    let hop = Hop {
        proxy: Some(proxy_at(proxy.address, ProxyProtocol::Socks5, Some(alice()))),
        tls: TlsSettings { roots, ..TlsSettings::default() },
        sign_in: Some(SignIn {
            user: Some("alice".into()),
            proof: Proof::Password,
            mechanisms: Vec::new(),
            allow_cleartext: false,
        }),
        ..hop(endpoint(sink.address(), Security::Implicit))
    };
    let report = deliver(&submission(&["a@x.y"]), vec![hop]);
    assert!(words(&report)[0].contains("accepted"), "{:?}", words(&report));
    assert!(report.attempts[0].signed_in.is_some());
    assert!(report.attempts[0].tls.as_ref().unwrap().is_verified());
    proxy.finish();
}
