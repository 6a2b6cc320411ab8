//! Whole deliveries over real sockets: to the embedded receiver, and to
//! servers that misbehave.
#![expect(clippy::disallowed_types, reason = "ports where nobody listens")]

mod harness;

use envoi::net::{Host, Roots, Security, TlsSettings};
use envoi::sasl::server::Users;
use envoi::sasl::{Credentials, Secret};
use envoi::sink::{
    Encryption, Event, Fault, Listen, Offer, Policy, Rule, Settings, Sink, Stage, Storage, Stored,
};
use envoi::smtp::Reply;
use harness::*;
use std::time::Duration;

fn sink(encryption: Encryption, policy: Policy) -> Sink {
    let listen = vec![Listen::loopback(0, encryption)];
    Sink::start(Settings { listen, policy, storage: Storage::Memory, ..Settings::default() })
        .unwrap()
}

/// A receiver that misbehaves.
fn misbehaving(rules: Vec<Rule>) -> Sink {
    sink(Encryption::StartTls, Policy { rules, ..Policy::default() })
}

/// A rule by which this, code and text, is replied.
fn replying(said: &str, stage: Stage) -> Rule {
    let (code, text) = said.split_once(' ').unwrap();
    let reply = Reply::new(code.parse().unwrap(), text).unwrap().with_enhanced();
    Rule { reply: Some(reply), ..Rule::at(stage) }
}

/// All that the receiver took.
fn stored(sink: Sink) -> Vec<Stored> {
    let stored = sink.finish(GENEROUS).into_iter().filter_map(|event| match event {
        Event::Stored(stored) => Some(*stored),
        _ => None,
    });
    stored.collect()
}

fn who() -> Credentials {
    Credentials { user: "alice".into(), password: Secret::new(PASSWORD) }
}

fn only_alice() -> Policy {
    Policy { users: Users::Only(vec![who()]), require_auth: true, ..Policy::default() }
}

/// A server to try, trusting this receiver and signing in as alice.
fn signed_in(sink: &Sink, security: Security) -> envoi::delivery::Hop {
    by(sink, security, &[])
}

/// The same by these mechanisms.
fn by(sink: &Sink, security: Security, mechanisms: &[&str]) -> envoi::delivery::Hop {
    let roots = Roots { given: vec![sink.ca().clone()], ..Roots::default() };
    let mechanisms = mechanisms.iter().map(|&name| name.to_owned()).collect();
    let sign_in = signing_in("alice", mechanisms, false);
    envoi::delivery::Hop {
        tls: TlsSettings { roots, ..TlsSettings::default() },
        sign_in: Some(sign_in),
        ..hop(endpoint(sink.address(), security))
    }
}

#[test]
fn a_message_arrives_in_each_mode_in_the_fewest_round_trips() {
    // RTT-1, row B of the table; the same for one recipient and for fifty.
    let cases = [
        (Security::Cleartext, Encryption::StartTls, Policy::default(), "", 5, "ESMTP"),
        (Security::StartTls, Encryption::StartTls, only_alice(), "PLAIN", 9, "ESMTPSA"),
        (Security::Implicit, Encryption::Implicit, only_alice(), "PLAIN", 7, "ESMTPSA"),
        (
            Security::Implicit,
            Encryption::Implicit,
            only_alice(),
            "SCRAM-SHA-256-PLUS",
            9,
            "ESMTPSA",
        ),
    ];
    for (security, encryption, policy, mechanism, round_trips, protocol) in cases {
        for recipients in [1, 50] {
            let sink = sink(encryption, policy.clone());
            let to: Vec<String> = (0..recipients).map(|n| format!("u{n}@x.example")).collect();
            let to: Vec<&str> = to.iter().map(String::as_str).collect();
            let hop = match security {
                Security::Cleartext => hop(endpoint(sink.address(), security)),
                _ => by(&sink, security, &[mechanism]),
            };
            let report = deliver(&submission(&to), vec![hop]);
            assert!(words(&report).iter().all(|w| w.contains(" accepted 250")), "{report:#?}");
            let stored = sink.next_stored(GENEROUS).unwrap();
            assert_eq!(stored.turnarounds, round_trips, "{security:?}, {recipients} recipients");
            assert_eq!(stored.protocol, protocol);
            assert_eq!(stored.to.len(), recipients);
            let octets = String::from_utf8(stored.octets.unwrap()).unwrap();
            assert!(octets.ends_with("\r\n\r\nHello.\r\n"), "{octets}");
        }
    }
}

#[test]
fn a_refused_recipient_does_not_stop_the_others() {
    let refuse = vec![envoi::sink::Refusal::parse("bad@x.example=550 5.1.1 no such user").unwrap()];
    let sink = sink(Encryption::StartTls, Policy { refuse, ..Policy::default() });
    for pipelining in [true, false] {
        let hop = envoi::delivery::Hop {
            pipelining,
            ..hop(endpoint(sink.address(), Security::Cleartext))
        };
        let to = submission(&["a@x.example", "bad@x.example", "b@x.example"]);
        let report = deliver(&to, vec![hop]);
        let words = words(&report);
        assert!(words[0].starts_with("a@x.example accepted 250"), "{words:?}");
        assert_eq!(words[1], "bad@x.example rejected 550 5.1.1 no such user");
        assert!(words[2].starts_with("b@x.example accepted 250"), "{words:?}");
        let stored = sink.next_stored(GENEROUS).unwrap();
        assert_eq!(stored.to.len(), 2);
    }
}

#[test]
fn all_or_nothing_sends_nothing_when_one_is_refused() {
    // 5321-3.3a
    let server = Scripted::once(|peer| {
        peer.greet(&["PIPELINING"]);
        peer.expect("MAIL");
        peer.expect("RCPT");
        peer.expect("RCPT");
        peer.say("250 ok\r\n250 ok\r\n550 no\r\n");
        peer.expect("RSET");
        peer.say("250 ok\r\n");
        peer.expect("QUIT");
    });
    let hop =
        envoi::delivery::Hop { all_or_nothing: true, ..hop(server.endpoint(Security::Cleartext)) };
    let report = deliver(&submission(&["a@x.y", "b@x.y"]), vec![hop]);
    assert_eq!(words(&report), ["a@x.y rejected withheld", "b@x.y rejected 550 no"]);
    server.finish();
}

#[test]
fn recipients_beyond_the_servers_limit_follow_at_once_on_the_same_connection() {
    // 5321-4.5.3.1.10
    let sink =
        sink(Encryption::StartTls, Policy { most_recipients: Some(100), ..Policy::default() });
    let to: Vec<String> = (0..250).map(|n| format!("u{n}@x.example")).collect();
    let to: Vec<&str> = to.iter().map(String::as_str).collect();
    let report =
        deliver(&submission(&to), vec![hop(endpoint(sink.address(), Security::Cleartext))]);
    assert!(words(&report).iter().all(|w| w.contains(" accepted ")));
    let mut got: Vec<String> = Vec::new();
    for _ in 0..3 {
        let stored = sink.next_stored(GENEROUS).unwrap();
        assert_eq!(stored.connection, 1);
        got.extend(stored.to.iter().map(|to| to.path.to_string()));
    }
    assert_eq!(got, to);
}

#[test]
fn ten_thousand_recipients_take_a_few_flights() {
    let policy = Policy { most_recipients: Some(20_000), ..Policy::default() };
    let sink = sink(Encryption::StartTls, policy);
    let to: Vec<String> = (0..10_000).map(|n| format!("recipient{n}@x.example")).collect();
    let to: Vec<&str> = to.iter().map(String::as_str).collect();
    let report =
        deliver(&submission(&to), vec![hop(endpoint(sink.address(), Security::Cleartext))]);
    assert_eq!(words(&report).iter().filter(|w| w.contains(" accepted ")).count(), 10_000);
    assert_eq!(sink.next_stored(GENEROUS).unwrap().to.len(), 10_000);
}

#[test]
fn a_server_that_reads_slowly_and_answers_at_length_does_not_deadlock() {
    // 2920-3.1e: nobody reads replies while commands are written.
    let server = Scripted::once(|peer| {
        peer.greet(&["PIPELINING"]);
        peer.expect("MAIL");
        peer.say("250 ok\r\n");
        let long = "x".repeat(480);
        for _ in 0..5_000 {
            peer.expect("RCPT");
            peer.say(format!("250 {long}\r\n"));
        }
        peer.expect("DATA");
        peer.say("354 go\r\n");
        peer.content();
        peer.say("250 ok\r\n");
    });
    let to: Vec<String> = (0..5_000).map(|n| format!("recipient{n}@x.example")).collect();
    let to: Vec<&str> = to.iter().map(String::as_str).collect();
    let report = deliver(&submission(&to), vec![hop(server.endpoint(Security::Cleartext))]);
    assert_eq!(words(&report).iter().filter(|w| w.contains(" accepted ")).count(), 5_000);
    server.finish();
}

#[test]
fn what_one_server_left_open_goes_to_the_next_and_nothing_goes_twice() {
    let first = misbehaving(vec![
        Rule { nth: Some(1), ..replying("550 5.1.1 no", Stage::Rcpt) },
        Rule { fault: Some(Fault::Close), ..Rule::at(Stage::Rcpt) },
    ]);
    let second = sink(Encryption::StartTls, Policy::default());
    let hops = [&first, &second].map(|sink| hop(endpoint(sink.address(), Security::Cleartext)));
    let report = deliver(&submission(&["a@x.y", "b@x.y"]), hops.to_vec());
    let words = words(&report);
    assert_eq!(words[0], "a@x.y rejected 550 5.1.1 no");
    assert!(words[1].starts_with("b@x.y accepted 250"), "{words:?}");
    assert_eq!(second.next_stored(GENEROUS).unwrap().to.len(), 1);
    assert_eq!(report.attempts.len(), 2);
}

#[test]
fn a_message_that_may_have_been_taken_goes_to_no_other_server() {
    // 5321-4.1.1.4r
    let first = misbehaving(vec![Rule { fault: Some(Fault::Close), ..Rule::at(Stage::Message) }]);
    let second = sink(Encryption::StartTls, Policy::default());
    let hops = [&first, &second].map(|sink| hop(endpoint(sink.address(), Security::Cleartext)));
    let report = deliver(&submission(&["a@x.y"]), hops.to_vec());
    assert!(words(&report)[0].starts_with("a@x.y uncertain EndOfData"), "{:?}", words(&report));
    assert_eq!(report.attempts.len(), 1);
    assert!(first.next_stored(GENEROUS).is_some());
}

#[test]
fn a_refused_password_is_not_tried_elsewhere() {
    // D9, 4954-6
    let policy = Policy {
        users: Users::Only(vec![Credentials {
            user: "alice".into(),
            password: Secret::new("other"),
        }]),
        require_auth: true,
        ..Policy::default()
    };
    let sink = sink(Encryption::Implicit, policy);
    let hops = vec![signed_in(&sink, Security::Implicit), signed_in(&sink, Security::Implicit)];
    let report = deliver(&submission(&["a@x.y"]), hops);
    assert!(words(&report)[0].starts_with("a@x.y rejected Auth: the server answered 535"));
    assert_eq!(report.attempts.len(), 1);
}

#[test]
fn a_password_never_crosses_a_channel_in_clear() {
    // 8314-3b
    let policy = Policy { cleartext_auth: true, ..only_alice() };
    let sink = sink(Encryption::StartTls, policy);
    for mechanism in ["PLAIN", "LOGIN", "OAUTHBEARER", "XOAUTH2"] {
        let hop = by(&sink, Security::Cleartext, &[mechanism]);
        let report = deliver(&submission(&["a@x.y"]), vec![hop]);
        assert!(words(&report)[0].contains("no way to sign in"), "{:?}", words(&report));
    }
    // What shows no password may.
    let report = deliver(&submission(&["a@x.y"]), vec![signed_in(&sink, Security::Cleartext)]);
    assert!(words(&report)[0].contains("accepted"), "{:?}", words(&report));
    let signed_in = report.attempts[0].signed_in.as_ref().unwrap();
    assert_eq!(signed_in.mechanism, "SCRAM-SHA-256");
}

#[test]
fn text_in_clear_behind_starttls_ends_the_session() {
    // 3207-5, SEC-1
    for injected in ["220 go\r\n250-AUTH PLAIN\r\n250 x\r\n", "220 go\r\n2"] {
        let server = Scripted::once(move |peer| {
            peer.greet(&["STARTTLS"]);
            peer.expect("STARTTLS");
            peer.say(injected);
            assert_eq!(peer.rest(), b"", "something was said after the injection");
        });
        let report =
            deliver(&submission(&["a@x.y"]), vec![hop(server.endpoint(Security::StartTls))]);
        let words = words(&report);
        assert!(words[0].contains("text in clear after STARTTLS"), "{words:?}");
        server.finish();
    }
}

#[test]
fn what_was_offered_in_clear_is_forgotten_under_tls() {
    // 3207-4.2: the receiver offers AUTH under TLS only where it is told so.
    let offer = Offer::default().without("AUTH").unwrap();
    let sink = sink(Encryption::StartTls, Policy { offer, ..Policy::default() });
    let report = deliver(&submission(&["a@x.y"]), vec![signed_in(&sink, Security::StartTls)]);
    assert!(words(&report)[0].contains("does not offer AUTH"), "{:?}", words(&report));
}

#[test]
fn starttls_that_is_required_and_missing_sends_nothing() {
    // 3207-4a
    let offer = Offer::default().without("STARTTLS").unwrap();
    let sink = sink(Encryption::StartTls, Policy { offer, ..Policy::default() });
    let report =
        deliver(&submission(&["a@x.y"]), vec![hop(endpoint(sink.address(), Security::StartTls))]);
    assert!(words(&report)[0].contains("does not offer STARTTLS"), "{:?}", words(&report));
    assert!(stored(sink).is_empty());
}

#[test]
fn opportunistic_tls_that_fails_goes_on_in_clear() {
    let sink = misbehaving(vec![replying("454 no", Stage::StartTls)]);
    let hop = hop(endpoint(sink.address(), Security::Opportunistic));
    let report = deliver(&submission(&["a@x.y"]), vec![hop]);
    assert!(words(&report)[0].starts_with("a@x.y accepted 250"), "{:?}", words(&report));
    assert_eq!(report.attempts.len(), 2);
    assert_eq!(stored(sink)[0].tls, None);
}

#[test]
fn a_server_without_ehlo_gets_helo() {
    // 5321-3.2
    let unknown = Rule { nth: Some(1), ..replying("502 what", Stage::Ehlo) };
    let sink = misbehaving(vec![unknown]);
    let hop = hop(endpoint(sink.address(), Security::Cleartext));
    let report = deliver(&submission(&["a@x.y"]), vec![hop]);
    assert!(words(&report)[0].starts_with("a@x.y accepted 250"), "{:?}", words(&report));
    let stored = &stored(sink)[0];
    assert_eq!(stored.protocol, "SMTP");
    assert!(stored.trace.contains("\r\nReceived: from client.example "));
}

#[test]
fn a_farewell_at_any_moment_defers() {
    // 5321-3.8
    for stage in
        [Stage::Greeting, Stage::Ehlo, Stage::Mail, Stage::Rcpt, Stage::Data, Stage::Message]
    {
        let sink = misbehaving(vec![replying("421 4.3.2 shutting down", stage)]);
        let hop = hop(endpoint(sink.address(), Security::Cleartext));
        let words = words(&deliver(&submission(&["a@x.y"]), vec![hop]));
        assert!(
            words[0].starts_with("a@x.y deferred") && words[0].contains("421"),
            "{stage:?}: {words:?}"
        );
        assert!(stored(sink).is_empty(), "{stage:?}");
    }
}

#[test]
fn a_server_that_drops_at_any_octet_never_gets_a_message_for_whole() {
    // 5321-3.8r: however far the server's replies come, nothing is lost and
    // nothing is claimed.
    let before = [
        (0, "220 hi\r\n"),
        (1, "250-hi\r\n250 PIPELINING\r\n"),
        (3, "250 ok\r\n250 ok\r\n354 go\r\n"),
    ];
    let last = "250 ok\r\n";
    let final_reply: usize = before.iter().map(|(_, replies)| replies.len()).sum();
    for cut in 0..final_reply + last.len() - 1 {
        let server = Scripted::once(move |peer| {
            let mut left = cut;
            for (commands, replies) in before {
                peer.answer(commands, &replies[..left.min(replies.len())]);
                if left < replies.len() {
                    return peer.hang_up();
                }
                left -= replies.len();
            }
            peer.content();
            peer.say(&last[..left]);
            peer.hang_up();
        });
        let report =
            deliver(&submission(&["a@x.y"]), vec![hop(server.endpoint(Security::Cleartext))]);
        let words = words(&report);
        let expected = if cut >= final_reply { "uncertain" } else { "deferred" };
        assert!(words[0].starts_with(&format!("a@x.y {expected}")), "cut {cut}: {words:?}");
        server.finish();
    }
}

#[test]
fn garbage_and_endless_replies_end_in_bounded_time() {
    // 5321-4.2d, 5321-4.2e
    for (greeting, expected) in [
        ("HTTP/1.1 400 Bad Request\r\n".to_owned(), "does not begin with a reply code"),
        ("220-x\r\n221 y\r\n".to_owned(), "carries the codes 220 and 221"),
        ("220-again\r\n".repeat(2000), "a reply has more than"),
        ("2".repeat(100_000), "longer than 4096 octets"),
    ] {
        let server = Scripted::once(move |peer| {
            peer.say(greeting);
            peer.rest();
        });
        let report =
            deliver(&submission(&["a@x.y"]), vec![hop(server.endpoint(Security::Cleartext))]);
        let words = words(&report);
        assert!(words[0].contains("rejected") && words[0].contains(expected), "{words:?}");
        server.finish();
    }
}

#[test]
fn a_server_that_drips_is_given_up_when_the_wait_is_over() {
    // 5321-4.5.3.2: a timer covers the whole reply.
    let server = Scripted::once(|peer| {
        for _ in 0..600 {
            peer.say("2");
            std::thread::sleep(Duration::from_millis(100));
            if peer.is_closed() {
                return;
            }
        }
    });
    let mut hop = hop(server.endpoint(Security::Cleartext));
    hop.timeouts.cap = Some(Duration::from_millis(500));
    let report = deliver(&submission(&["a@x.y"]), vec![hop]);
    assert!(
        words(&report)[0].contains("deferred Greeting: timed out after 0.5 s"),
        "{:?}",
        words(&report)
    );
    server.finish();
}

#[test]
fn a_refusal_in_the_middle_of_a_message_is_read_and_told() {
    // 5321-3.3e
    let server = Scripted::once(|peer| {
        peer.greet(&["PIPELINING"]);
        peer.answer(3, "250 ok\r\n250 ok\r\n354 go\r\n");
        peer.take(64 * 1024);
        peer.say("552 5.3.4 too big for me\r\n");
        peer.hang_up();
    });
    let body = "A line of the message, and another.\r\n".repeat(2_000_000);
    let text = format!("From: a@client.example\r\n\r\n{body}");
    let to = submission_of(&["a@x.y"], message(&text));
    let report = deliver(&to, vec![hop(server.endpoint(Security::Cleartext))]);
    assert_eq!(words(&report), ["a@x.y rejected 552 5.3.4 too big for me"]);
    server.finish();
}

#[test]
fn no_recipient_accepted_means_no_content() {
    // 5321-3.3b: the server answers 354 all the same, and 250 to the lone dot.
    let server = Scripted::once(|peer| {
        peer.greet(&["PIPELINING"]);
        peer.answer(3, "250 ok\r\n550 no\r\n354 go\r\n");
        assert_eq!(peer.content(), Vec::<String>::new());
        peer.say("250 ok\r\n");
        peer.expect("QUIT");
    });
    let report = deliver(&submission(&["a@x.y"]), vec![hop(server.endpoint(Security::Cleartext))]);
    assert_eq!(words(&report), ["a@x.y rejected 550 no"]);
    server.finish();
}

#[test]
fn a_message_that_fails_to_be_read_is_never_ended() {
    // 5321-3.3d: the file shrinks once the envelope stands.
    let file = tempfile::NamedTempFile::new().unwrap();
    let body = "Some line.\n".repeat(500_000);
    std::fs::write(file.path(), format!("From: a@client.example\n\n{body}")).unwrap();
    let path = file.path().to_owned();
    let server = Scripted::once(move |peer| {
        peer.greet(&["PIPELINING"]);
        for _ in 0..3 {
            peer.line();
        }
        std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(3_000_000).unwrap();
        peer.say("250 ok\r\n250 ok\r\n354 go\r\n");
        let rest = peer.rest();
        assert!(!rest.windows(5).any(|w| w == b"\r\n.\r\n"), "the message was ended");
    });
    let source = envoi::message::Source::open(file.path()).unwrap();
    let additions = envoi::message::Additions {
        date: "2026-11-23T04:03:37+00:00[UTC]".parse().unwrap(),
        message_id: None,
        from: Vec::new(),
    };
    let message = envoi::message::complete(source, &additions, envoi::message::Repairs::default())
        .unwrap()
        .message;
    let to = submission_of(&["a@x.y"], message);
    let report = deliver(&to, vec![hop(server.endpoint(Security::Cleartext))]);
    assert!(
        words(&report)[0].contains("rejected Content: the message could not be read"),
        "{:?}",
        words(&report)
    );
    server.finish();
}

#[test]
fn a_dead_address_costs_one_attempt() {
    // An address that refuses, before one that answers.
    let refused = dead_address();
    let sink = sink(Encryption::StartTls, Policy::default());
    let hops = vec![
        hop(endpoint(refused, Security::Cleartext)),
        hop(endpoint(sink.address(), Security::Cleartext)),
    ];
    let report = deliver(&submission(&["a@x.y"]), hops);
    assert!(words(&report)[0].contains("accepted"), "{:?}", words(&report));
    assert_eq!(report.attempts.len(), 2);
}

#[test]
fn of_several_failures_the_one_that_says_most_is_told() {
    // One server's addresses: a missing STARTTLS on 127.0.0.1 says more than
    // ::1, where nobody listens. Two servers: the dead one may come back.
    let offers_nothing = |peer: &mut Peer| {
        peer.greet(&[]);
        peer.expect("QUIT");
    };
    let server = Scripted::start(vec![offers_nothing, offers_nothing]);
    let localhost = Host::Name("localhost".to_owned());
    let by_name = endpoint_of(localhost, server.address.port(), Security::StartTls);
    let report = deliver(&submission(&["a@x.y"]), vec![hop(by_name.clone())]);
    assert!(words(&report)[0].contains("rejected StartTls"), "{:?}", words(&report));
    assert_eq!(report.attempts.len(), 2);

    let refused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let dead = hop(endpoint(refused, Security::Cleartext));
    let report = deliver(&submission(&["a@x.y"]), vec![dead, hop(by_name)]);
    assert!(words(&report)[0].contains("deferred Connect"), "{:?}", words(&report));
    server.finish();
}
