//! Servers that break off, talk out of turn, or send the client elsewhere.

mod harness;

use envoi::delivery::{Hop, Route, World, submit};
use envoi::net::{Interrupt, Security};
use envoi::session::{Event, Observer, Unobserved};
use envoi::sink::{Event as Told, Policy, Rule, Settings, Sink, Stage};
use envoi::smtp::Reply;
use harness::*;
use std::time::Duration;

const THREE: [&str; 3] = ["a@x.y", "b@x.y", "c@x.y"];

/// Delivers to three recipients in one group, whose replies are these; the
/// server then hangs up.
fn group(replies: &'static str) -> Vec<String> {
    let server = Scripted::once(move |peer| {
        peer.greet(&["PIPELINING"]);
        for start in ["MAIL", "RCPT", "RCPT", "RCPT", "DATA"] {
            peer.expect(start);
        }
        peer.say(replies);
        peer.hang_up();
    });
    let report = deliver(&submission(&THREE), vec![hop(server.endpoint(Security::Cleartext))]);
    server.finish();
    words(&report)
}

#[test]
fn what_was_answered_before_a_group_broke_off_stands() {
    // 2920-f, 5321-3.8, 5321-3.8r
    let gone = "deferred Rcpt: the server closed the connection";
    let leaving = "the server answered 421 leaving";
    for (replies, told) in [
        ("", ["deferred Mail: the server closed the connection"; 3]),
        ("250 ok\r\n550 no\r\n", ["rejected 550 no", gone, gone]),
        ("250 ok\r\n550 no\r\n450 wait\r\n", ["rejected 550 no", "deferred 450 wait", gone]),
        ("250 ok\r\n250 ok\r\n25", [gone; 3]),
        ("421 leaving\r\n", [&*format!("deferred Mail: {leaving}"); 3]),
        (
            "250 ok\r\n550 no\r\n421 leaving\r\n",
            [
                "rejected 550 no",
                "deferred Rcpt: the server answered 421 leaving",
                "deferred Rcpt: the server answered 421 leaving",
            ],
        ),
        (
            "250 ok\r\n550 no\r\n250 ok\r\n450 wait\r\n421 leaving\r\n",
            [
                "rejected 550 no",
                "deferred Data: the server answered 421 leaving",
                "deferred 450 wait",
            ],
        ),
        (
            "250 ok\r\n550-no\r\n550 never\r\n354 go\r\n",
            [
                "rejected 550 no never",
                "rejected Rcpt: the server answered out of turn: 354 go",
                "rejected Rcpt: the server answered out of turn: 354 go",
            ],
        ),
        (
            "250 ok\r\n250 ok\r\n550 no\r\n250 ok\r\n354 go\r\n552 too big\r\n",
            ["rejected 552 too big", "rejected 550 no", "rejected 552 too big"],
        ),
    ] {
        let expected: Vec<_> =
            THREE.iter().zip(told).map(|(to, of)| format!("{to} {of}")).collect();
        assert_eq!(group(replies), expected, "{replies:?}");
    }
}

#[test]
fn a_server_that_is_leaving_is_still_told_goodbye() {
    // 5321-3.8, 5321-4.1.1.10: at each stage; QUIT is the last thing said.
    for stage in 0..REPLIES.len() {
        let server = Scripted::once(move |peer| {
            peer.until_due(stage);
            peer.say("421 leaving\r\n");
            assert_eq!(peer.rest(), b"QUIT\r\n", "stage {stage}");
        });
        let report =
            deliver(&submission(&["a@x.y"]), vec![hop(server.endpoint(Security::Cleartext))]);
        assert!(words(&report)[0].contains("deferred"), "stage {stage}: {:?}", words(&report));
        server.finish();
    }
}

#[test]
fn a_reply_that_nobody_asked_for_is_not_taken_for_the_next() {
    // 2920-3.1d: replies are counted.
    let server = Scripted::once(|peer| {
        peer.greet(&[]);
        peer.expect("MAIL");
        peer.say("250 ok\r\n250 and whoever you name next, too\r\n");
        assert_eq!(peer.rest(), b"");
    });
    let report = deliver(&submission(&["a@x.y"]), vec![hop(server.endpoint(Security::Cleartext))]);
    assert!(words(&report)[0].contains("rejected Rcpt: the server answered out of turn"));
    server.finish();
}

#[test]
fn nothing_is_said_before_the_greeting() {
    // 5321-4.2g
    let server = Scripted::once(|peer| {
        std::thread::sleep(Duration::from_millis(300));
        let said = peer.socket_has_octets();
        assert!(!said, "the client talked early");
        peer.say("554 no\r\n");
        peer.expect("QUIT");
    });
    deliver(&submission(&["a@x.y"]), vec![hop(server.endpoint(Security::Cleartext))]);
    server.finish();
}

#[test]
fn a_lone_lf_ends_a_reply_but_no_part_of_a_sign_in() {
    // 5321-4.2f
    struct Notes(Vec<String>);
    impl Observer for Notes {
        fn event(&mut self, event: Event<'_>) {
            if let Event::Noted(text) = event {
                self.0.push(text.to_owned());
            }
        }
    }
    let server = Scripted::once(|peer| {
        peer.say("220 hi\n");
        peer.expect("EHLO");
        peer.say("250-hi\n250 AUTH CRAM-MD5\n");
        for reply in ["250 ok\n", "250 ok\n", "354 go\n"] {
            peer.line();
            peer.say(reply);
        }
        peer.content();
        peer.say("250 ok\n");
        peer.expect("QUIT");
    });
    let mut notes = Notes(Vec::new());
    let hops = vec![hop(server.endpoint(Security::Cleartext))];
    let report = observed(&submission(&["a@x.y"]), hops, &mut notes);
    assert_eq!(words(&report), ["a@x.y accepted 250 ok"]);
    assert_eq!(notes.0.len(), 6, "{:?}", notes.0);
    server.finish();

    for security in [Security::StartTls, Security::Cleartext] {
        let server = Scripted::once(move |peer| {
            peer.greet(&["AUTH CRAM-MD5", "STARTTLS"]);
            peer.line();
            peer.say(if security == Security::StartTls { "220 go\n" } else { "334 PDE+\n" });
            assert_eq!(peer.rest(), b"");
        });
        let mut hop = hop(server.endpoint(security));
        let mechanisms = vec!["CRAM-MD5".to_owned()];
        hop.sign_in = Some(signing_in("a", mechanisms, false));
        let report = deliver(&submission(&["a@x.y"]), vec![hop]);
        assert!(words(&report)[0].contains("LF without CR"), "{:?}", words(&report));
        server.finish();
    }
}

fn sink(policy: Policy) -> Sink {
    Sink::start(Settings { policy, ..Settings::default() }).unwrap()
}

#[test]
fn helo_is_tried_where_ehlo_is_unknown_and_nothing_depends_on_it() {
    // 5321-3.2, D5, SEC-8
    for (code, signs_in, says_helo) in [
        (500, false, true),
        (501, false, true),
        (502, false, true),
        (504, false, true),
        (550, false, true),
        (502, true, false),
        (450, false, false),
        (421, false, false),
        (530, false, false),
        (554, false, false),
    ] {
        let server = Scripted::once(move |peer| {
            peer.say("220 hi\r\n");
            peer.expect("EHLO client.example");
            peer.say(format!("{code} what?\r\n"));
            peer.expect(if says_helo { "HELO client.example" } else { "QUIT" });
        });
        let mut hop = hop(server.endpoint(Security::Cleartext));
        let sign_in = signing_in("a", Vec::new(), true);
        hop.sign_in = signs_in.then_some(sign_in);
        deliver(&submission(&["a@x.y"]), vec![hop]);
        server.finish();
    }
}

#[test]
fn a_host_that_takes_no_mail_is_followed_by_the_next_server() {
    // 5321-3.1, 7504
    for (code, text) in [(554, "no"), (521, "never"), (421, "not now")] {
        let greeting = Some(Reply::new(code, text).unwrap());
        let rules = vec![Rule { reply: greeting, ..Rule::at(Stage::Greeting) }];
        let unwilling = sink(Policy { rules, ..Policy::default() });
        let willing = sink(Policy::default());
        let hops =
            [&unwilling, &willing].map(|sink| hop(endpoint(sink.address(), Security::Cleartext)));
        let report = deliver(&submission(&["a@x.y"]), hops.to_vec());
        assert!(words(&report)[0].contains("accepted"), "{:?}", words(&report));
        let refused = unwilling.finish(GENEROUS).into_iter().filter_map(|event| match event {
            Told::Refused { command, .. } => Some(command),
            _ => None,
        });
        // But for QUIT, every command would be.
        assert_eq!(refused.collect::<Vec<_>>(), [""; 0], "{code}");
    }
}

#[test]
fn all_or_nothing_holds_from_server_to_server() {
    // 5321-3.3a: one is refused by the first server, so the second gets nothing.
    for (refusal, expected) in [
        ("550 no", ["rejected withheld", "rejected 550 no"]),
        ("450 wait", ["deferred withheld", "deferred 450 wait"]),
    ] {
        let first = Scripted::once(move |peer| {
            peer.greet(&["PIPELINING"]);
            peer.answer(3, format!("250 ok\r\n250 ok\r\n{refusal}\r\n"));
            peer.expect("RSET");
            peer.hang_up();
        });
        let early = Scripted::once(move |peer| {
            peer.greet(&["PIPELINING"]);
            for start in ["MAIL", "RCPT", "RCPT"] {
                peer.expect(start);
            }
            peer.say("250 ok\r\n");
            peer.hang_up();
        });
        let sink = sink(Policy::default());
        let hops = [early.address, first.address, sink.address()].map(|address| Hop {
            all_or_nothing: true,
            ..hop(endpoint(address, Security::Cleartext))
        });
        let report = deliver(&submission(&["a@x.y", "b@x.y"]), hops.to_vec());
        let expected = [format!("a@x.y {}", expected[0]), format!("b@x.y {}", expected[1])];
        assert_eq!(words(&report), expected);
        assert_eq!(report.attempts.len(), 2);
        early.finish();
        first.finish();
    }
}

#[test]
fn the_client_names_itself_in_full_or_by_its_address() {
    // 5321-2.3.5
    for (host_name, said) in
        [(None, "[127.0.0.1]"), (Some("box"), "[127.0.0.1]"), (Some("box.example"), "box.example")]
    {
        let host = "you.are.someone.else.example".to_owned();
        let sink = sink(Policy { host, ..Policy::default() });
        let mut hop = hop(endpoint(sink.address(), Security::Cleartext));
        hop.hello = None;
        let world = World {
            secrets: &Fixed,
            interrupt: &Interrupt::default(),
            host_name,
            wait_for_farewell: false,
        };
        let route = Route { hops: vec![hop] };
        submit(&submission(&["a@x.y"]), &route, &world, &mut Unobserved);
        let trace = sink.next_stored(GENEROUS).unwrap().trace;
        assert!(trace.contains(&format!("Received: from {said} (")), "{trace}");
    }
}

#[test]
fn a_reply_that_was_not_hoped_for_is_marked() {
    struct Marks(Vec<(u16, bool)>);
    impl Observer for Marks {
        fn event(&mut self, event: Event<'_>) {
            if let Event::Received { reply, hoped_for, .. } = event {
                self.0.push((reply.code.value(), hoped_for));
            }
        }
    }
    let server = Scripted::once(|peer| {
        peer.greet(&["PIPELINING"]);
        for _ in 0..4 {
            peer.line();
        }
        peer.say("250 ok\r\n550 no\r\n251 ok\r\n354 go\r\n250 what?\r\n");
        peer.rest();
    });
    let mut marks = Marks(Vec::new());
    let hops = vec![hop(server.endpoint(Security::Cleartext))];
    let report = observed(&submission(&["a@x.y", "b@x.y"]), hops, &mut marks);
    assert!(words(&report)[1].contains("out of turn: 250 what?"), "{:?}", words(&report));
    let expected = [
        (220, true),
        (250, true),
        (250, true),
        (550, false),
        (251, true),
        (354, true),
        (250, false),
    ];
    assert_eq!(marks.0, expected);
    server.finish();
}
