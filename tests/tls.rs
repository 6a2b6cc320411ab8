//! The channel under TLS: whom it trusts, and servers that break it.

mod harness;

use envoi::delivery::Hop;
use envoi::net::{self, Deadline, Host, Interrupt, Roots, Security, Stream, Tcp, Tls, TlsFacts};
use envoi::net::{TlsSettings, Verification};
use envoi::sink::{Encryption, Listen, Policy, Settings, Sink, Storage};
use harness::*;
use rcgen::date_time_ymd;
use std::time::Duration;

/// A server to try under TLS from the first octet, trusting this certificate.
fn trusting(server: &Scripted, identity: &Identity) -> Hop {
    let roots = Roots { given: vec![identity.root.clone()], ..Roots::default() };
    let tls = TlsSettings { roots, ..TlsSettings::default() };
    Hop { tls, ..hop(server.endpoint(Security::Implicit)) }
}

/// What is told when a server with this certificate is asked under this name.
fn told(identity: &Identity, asked: Option<&str>) -> String {
    let config = identity.config.clone();
    let server = Scripted::once(move |peer| {
        peer.secure(&config);
        peer.greet(&["PIPELINING", "AUTH PLAIN"]);
        peer.answer(3, "250 ok\r\n250 ok\r\n354 go\r\n");
        // A client that has left over the certificate sends no content.
        if !peer.is_closed() {
            peer.content();
            peer.say("250 ok\r\n");
        }
    });
    let mut hop = trusting(&server, identity);
    hop.tls.name = asked.map(|name| Host::Name(name.to_owned()));
    words(&deliver(&submission(&["a@x.y"]), vec![hop])).remove(0)
}

#[test]
fn the_name_that_was_configured_must_be_in_the_certificate() {
    // 7817/9525-a, 9525-b, 9525-c
    let wildcards = ["*.example.org", "f*.example.net", "*.*.example.com"];
    for (names, asked, is_good) in [
        (&["127.0.0.1"][..], None, true),
        (&["localhost"], None, false),
        (&["mail.example.org"], Some("mail.example.org"), true),
        (&["mail.example.org"], Some("MAIL.Example.ORG"), true),
        (&["mail.example.org"], Some("mail.example.net"), false),
        (&["127.0.0.1"], Some("mail.example.org"), false),
        (&wildcards, Some("mail.example.org"), true),
        (&wildcards, Some("example.org"), false),
        (&wildcards, Some("a.mail.example.org"), false),
        (&wildcards, Some("foo.example.net"), false),
        (&wildcards, Some("a.b.example.com"), false),
        (&["xn--mnchen-3ya.example"], Some("xn--mnchen-3ya.example"), true),
    ] {
        let told = told(&Identity::of(names), asked);
        let is_refused = told.contains("rejected Handshake: the server's certificate is not");
        assert_eq!(
            (told.contains("accepted"), is_refused),
            (is_good, !is_good),
            "{asked:?} {told}"
        );
    }
}

#[test]
fn a_common_name_is_no_name() {
    // 9525: CN only
    let identity = Identity::with(&[], |params| {
        params.distinguished_name.push(rcgen::DnType::CommonName, "mail.example.org");
    });
    let told = told(&identity, Some("mail.example.org"));
    assert!(told.contains("rejected Handshake"), "{told}");
}

#[test]
fn a_certificate_out_of_its_time_or_of_a_stranger_ends_the_session() {
    // 8314-3d: nothing is said, least of all a password.
    let expired = Identity::with(&["127.0.0.1"], |params| {
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2002, 1, 1);
    });
    let early =
        Identity::with(&["127.0.0.1"], |params| params.not_before = date_time_ymd(3001, 1, 1));
    assert!(told(&expired, None).contains("has expired"), "{}", told(&expired, None));
    assert!(told(&early, None).contains("not valid yet"), "{}", told(&early, None));
    let strange = Identity::of(&["127.0.0.1"]);
    let shown = Identity { config: Identity::of(&["127.0.0.1"]).config, root: strange.root };
    assert!(told(&shown, None).contains("rejected Handshake"), "{}", told(&shown, None));
}

#[test]
fn a_bad_certificate_that_is_forgiven_still_gets_no_password() {
    // 4954-14
    let identity = Identity::of(&["elsewhere.example"]);
    let config = identity.config.clone();
    let server = Scripted::once(move |peer| {
        peer.secure(&config);
        peer.greet(&["AUTH PLAIN LOGIN"]);
        peer.expect("QUIT");
    });
    let mut hop = trusting(&server, &identity);
    hop.tls.verification = Verification::Noted;
    hop.sign_in = Some(signing_in("a", vec![], false));
    let report = deliver(&submission(&["a@x.y"]), vec![hop]);
    assert!(words(&report)[0].contains("no way to sign in"), "{:?}", words(&report));
    server.finish();
}

#[test]
fn a_reply_cut_off_without_a_closing_alert_is_none() {
    // TLS-close
    for (is_announced, reply, expected) in [
        (true, "250 ok", "uncertain EndOfData: the server closed the connection"),
        (false, "250 ok", "uncertain EndOfData: the server closed the connection abruptly"),
        (true, "250 ok\r\n", "accepted 250 ok"),
        (false, "250 ok\r\n", "accepted 250 ok"),
    ] {
        let identity = Identity::of(&["127.0.0.1"]);
        let config = identity.config.clone();
        let server = Scripted::once(move |peer| {
            peer.secure(&config);
            peer.greet(&["PIPELINING"]);
            peer.answer(3, "250 ok\r\n250 ok\r\n354 go\r\n");
            peer.content();
            peer.say(reply);
            if is_announced {
                peer.end_tls(b"");
            }
            peer.hang_up();
        });
        let report = deliver(&submission(&["a@x.y"]), vec![trusting(&server, &identity)]);
        assert_eq!(words(&report)[0], format!("a@x.y {expected}"), "{reply:?}");
        server.finish();
    }
}

#[test]
fn what_follows_a_closing_alert_is_not_waited_for() {
    let identity = Identity::of(&["127.0.0.1"]);
    let config = identity.config.clone();
    let server = Scripted::once(move |peer| {
        peer.secure(&config);
        peer.say("220 hi\r\n");
        peer.expect("EHLO");
        peer.end_tls(&[23; 8192]);
        peer.rest();
    });
    let report = deliver(&submission(&["a@x.y"]), vec![trusting(&server, &identity)]);
    assert_eq!(words(&report), ["a@x.y deferred Hello: the server closed the connection"]);
    server.finish();
}

#[test]
fn any_number_of_replies_may_come_at_once() {
    // 2920-3.1d under TLS: more than one record's worth in one read.
    let identity = Identity::of(&["127.0.0.1"]);
    let config = identity.config.clone();
    let server = Scripted::once(move |peer| {
        peer.secure(&config);
        peer.greet(&["PIPELINING"]);
        for _ in 0..702 {
            peer.line();
        }
        // A hundred replies have about half of what one record may.
        let replies = format!("250 {}\r\n", "x".repeat(80)).repeat(100);
        peer.say("250 ok\r\n");
        peer.say_in_records([replies.as_str(); 7].into_iter());
        peer.say("354 go\r\n");
        peer.content();
        peer.say("250 ok\r\n");
    });
    let to: Vec<String> = (0..700).map(|n| format!("u{n}@x.example")).collect();
    let to: Vec<&str> = to.iter().map(String::as_str).collect();
    let report = deliver(&submission(&to), vec![trusting(&server, &identity)]);
    let accepted = words(&report).iter().filter(|w| w.contains(" accepted ")).count();
    assert_eq!(accepted, 700, "{:?}", report.attempts);
    server.finish();
}

#[test]
fn a_refusal_while_the_server_reads_no_more_is_told_under_tls_and_without() {
    // 5321-3.3e: the client stands in a write that can go no further, and the
    // server may close or wait.
    for is_secured in [false, true] {
        for hangs_up in [false, true] {
            let identity = Identity::of(&["127.0.0.1"]);
            let config = identity.config.clone();
            let (done, is_done) = std::sync::mpsc::channel::<()>();
            let server = Scripted::once(move |peer| {
                peer.read_little();
                if is_secured {
                    peer.secure(&config);
                }
                peer.greet(&["PIPELINING"]);
                peer.answer(3, "250 ok\r\n250 ok\r\n354 go\r\n");
                peer.take(64 * 1024);
                std::thread::sleep(Duration::from_secs(1));
                // In two pieces, the first of which is no reply yet.
                peer.say("552 5.3.4 too ");
                std::thread::sleep(Duration::from_millis(100));
                peer.say("big for me\r\n");
                if hangs_up {
                    peer.hang_up();
                }
                let _ = is_done.recv_timeout(GENEROUS);
            });
            let body = "A line of the message, and another.\r\n".repeat(600_000);
            let text = format!("From: a@client.example\r\n\r\n{body}");
            let mut hop = trusting(&server, &identity);
            if !is_secured {
                hop.endpoint.security = Security::Cleartext;
            }
            hop.timeouts.cap = Some(Duration::from_secs(5));
            let report = deliver(&submission_of(&["a@x.y"], message(&text)), vec![hop]);
            let expected = "a@x.y rejected 552 5.3.4 too big for me";
            assert_eq!(words(&report), [expected], "TLS {is_secured}, hangs up {hangs_up}");
            drop(done);
            server.finish();
        }
    }
}

#[test]
fn a_handshake_that_never_ends_is_given_up() {
    // TO-tls: implicit and after STARTTLS, silent and dripping.
    for security in [Security::Implicit, Security::StartTls] {
        for drips in [false, true] {
            let server = Scripted::once(move |peer| {
                if security == Security::StartTls {
                    peer.greet(&["STARTTLS"]);
                    peer.expect("STARTTLS");
                    peer.say("220 go\r\n");
                }
                peer.take(5);
                // A record of 16 KiB is announced, and comes octet by octet.
                let octets = [22_u8, 3, 3, 0x40, 0].into_iter().chain(std::iter::repeat(1));
                for octet in octets.take(600) {
                    if drips {
                        peer.say([octet]);
                    }
                    std::thread::sleep(Duration::from_millis(50));
                    if peer.is_gone() {
                        return;
                    }
                }
            });
            let mut hop = hop(server.endpoint(security));
            hop.timeouts.cap = Some(Duration::from_millis(400));
            let report = deliver(&submission(&["a@x.y"]), vec![hop]);
            let words = words(&report);
            assert!(words[0].contains("deferred Handshake: timed out after 0.4 s"), "{words:?}");
            server.finish();
        }
    }
}

#[test]
fn a_handshake_that_fails_is_followed_by_nothing_in_clear() {
    // 3207-h, 8314-3d
    let server = Scripted::once(|peer| {
        peer.greet(&["STARTTLS"]);
        peer.expect("STARTTLS");
        peer.say("220 go\r\n");
        peer.take(5);
        peer.say("454 no TLS here after all\r\n");
        let rest = peer.rest();
        assert!(!rest.windows(4).any(|w| w == b"QUIT" || w == b"MAIL"), "something was said");
    });
    let report = deliver(&submission(&["a@x.y"]), vec![hop(server.endpoint(Security::StartTls))]);
    assert!(words(&report)[0].contains("not TLS"), "{:?}", words(&report));
    assert_eq!(report.attempts.len(), 1);
    server.finish();
}

#[test]
fn signing_in_costs_the_round_trips_of_its_mechanism() {
    // RTT-1, RTT-3: row B, and what each mechanism adds to PLAIN's one trip.
    for (mechanism, round_trips) in [("PLAIN", 7), ("CRAM-MD5", 8), ("LOGIN", 9)] {
        let settings = Settings {
            listen: vec![Listen::loopback(0, Encryption::Implicit)],
            policy: Policy { require_auth: true, ..Policy::default() },
            storage: Storage::Memory,
            ..Settings::default()
        };
        let sink = Sink::start(settings).unwrap();
        let roots = Roots { given: vec![sink.ca().clone()], ..Roots::default() };
        let mechanisms = vec![mechanism.to_owned()];
        let hop = Hop {
            tls: TlsSettings { roots, ..TlsSettings::default() },
            sign_in: Some(signing_in("alice", mechanisms, false)),
            ..hop(endpoint(sink.address(), Security::Implicit))
        };
        let report = deliver(&submission(&["a@x.y"]), vec![hop]);
        assert!(words(&report)[0].contains("accepted"), "{mechanism}: {:?}", words(&report));
        assert_eq!(sink.next_stored(GENEROUS).unwrap().turnarounds, round_trips, "{mechanism}");
    }
}

/// A channel that takes so many octets of content and then no more: who writes
/// on waits for ever, or here until he is told that he would.
struct Clogged {
    channel: Tcp,
    room: usize,
}

impl Stream for Clogged {
    fn arm(&mut self, deadline: Deadline) {
        self.channel.arm(deadline);
    }

    fn read(&mut self, into: &mut [u8]) -> Result<usize, net::Error> {
        self.channel.read(into)
    }

    fn write_all(&mut self, octets: &[u8]) -> Result<(), net::Error> {
        if self.room == 0 {
            return Err(net::Error::TimedOut { after: GENEROUS });
        }
        self.channel.write_all(octets)
    }

    fn write_while_silent(&mut self, octets: &[u8]) -> Result<usize, net::Error> {
        let length = octets.len().min(self.room);
        self.room -= length;
        self.channel.write_all(&octets[..length])?;
        while length < octets.len() && !self.channel.pending()? {
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(length)
    }

    fn pending(&mut self) -> Result<bool, net::Error> {
        self.channel.pending()
    }

    fn close(&mut self) {
        self.channel.close();
    }

    fn ignore_interrupt(&mut self) {
        self.channel.ignore_interrupt();
    }

    fn window(&self) -> usize {
        self.channel.window()
    }

    fn protection(&self) -> Option<&TlsFacts> {
        None
    }

    fn local_address(&self) -> Option<std::net::SocketAddr> {
        self.channel.local_address()
    }
}

#[test]
fn what_is_left_of_a_broken_off_write_never_stands_before_the_reply() {
    // 5321-3.3e: nor may the rest go out later, for it holds the final dot.
    let identity = Identity::of(&["127.0.0.1"]);
    let config = identity.config.clone();
    let server = Scripted::once(move |peer| {
        peer.secure(&config);
        peer.take(10_000);
        for piece in ["552 5.3.4 ", "too big\r\n"] {
            peer.say(piece);
            std::thread::sleep(Duration::from_millis(50));
        }
        peer.rest();
    });
    let deadline = Deadline::after(GENEROUS);
    let tcp = Tcp::connect(server.address, None, deadline, &Interrupt::default()).unwrap();
    let clogged = Clogged { channel: tcp, room: 100_000 };
    let roots = Roots { given: vec![identity.root.clone()], ..Roots::default() };
    let settings = TlsSettings { roots, ..TlsSettings::default() };
    let host = Host::Address(server.address.ip());
    let mut tls = Tls::handshake(Box::new(clogged), &host, &settings).unwrap();
    let taken = tls.write_while_silent(&vec![b'x'; 300_000]).unwrap();
    assert!(taken < 300_000, "{taken}");
    let (mut said, mut buffer) = (Vec::new(), [0; 100]);
    while !said.ends_with(b"\n") {
        let length = tls.read(&mut buffer).unwrap();
        said.extend_from_slice(&buffer[..length]);
    }
    assert_eq!(said, b"552 5.3.4 too big\r\n");
    drop(tls);
    server.finish();
}

#[test]
fn opportunistic_tls_takes_any_certificate_for_mail_and_none_for_a_password() {
    // 3207-6, 4954-14
    for signs_in in [false, true] {
        let sink = Sink::start(Settings::default()).unwrap();
        let mut hop = hop(endpoint(sink.address(), Security::Opportunistic));
        let sign_in = signing_in("a", Vec::new(), true);
        hop.sign_in = signs_in.then_some(sign_in);
        let report = deliver(&submission(&["a@x.y"]), vec![hop]);
        let expected = if signs_in { "no way to sign in" } else { "accepted" };
        assert!(words(&report)[0].contains(expected), "{:?}", words(&report));
        assert_eq!(report.attempts.len(), 1);
        assert!(report.attempts[0].tls.as_ref().is_some_and(|tls| !tls.is_verified()));
    }
}

#[test]
fn text_in_clear_behind_starttls_is_no_reason_to_go_on_in_clear() {
    // 3207-5, SEC-1, SEC-8
    let server = Scripted::once(|peer| {
        peer.greet(&["STARTTLS"]);
        peer.expect("STARTTLS");
        peer.say("220 go\r\n250 x\r\n");
        assert_eq!(peer.rest(), b"");
    });
    let hop = hop(server.endpoint(Security::Opportunistic));
    let report = deliver(&submission(&["a@x.y"]), vec![hop]);
    assert!(words(&report)[0].contains("text in clear"), "{:?}", words(&report));
    assert_eq!(report.attempts.len(), 1);
    server.finish();
}

#[test]
fn tls_that_a_server_merely_can_is_not_enough_where_it_must_be() {
    // 3207-6: the same host, three settings.
    for (security, goes_on) in
        [(Security::StartTls, false), (Security::Opportunistic, true), (Security::Cleartext, true)]
    {
        let server = Scripted::once(move |peer| {
            peer.greet(&["8BITMIME"]);
            peer.expect(if goes_on { "MAIL" } else { "QUIT" });
        });
        deliver(&submission(&["a@x.y"]), vec![hop(server.endpoint(security))]);
        server.finish();
    }
}
