//! Many messages over one line: to the embedded receiver, and to servers that
//! leave in between.

mod harness;

use envoi::delivery::{
    Attempt, Home, Line, Outcome, Report, Route, Secrets, Submission, Unavailable, World, submit_on,
};
use envoi::net::{Endpoint, Interrupt, Roots, Security, TlsSettings};
use envoi::sasl::server::Users;
use envoi::sasl::{Credentials, Proof, Secret};
use envoi::session::{Observer, Unobserved};
use envoi::sink::{
    Encryption, Event, Fault, Listen, Policy, Refusal, Rule, Settings, Sink, Stage, Storage,
};
use envoi::smtp::{ForwardPath, Phase, Protocol, Reply};
use harness::*;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

fn sink(listen: Listen, policy: Policy) -> Sink {
    let storage = Storage::Memory;
    Sink::start(Settings { listen: vec![listen], policy, storage, ..Settings::default() }).unwrap()
}

fn in_clear(policy: Policy) -> (Sink, envoi::delivery::Hop) {
    let sink = sink(Listen::loopback(0, Encryption::StartTls), policy);
    let hop = hop(endpoint(sink.address(), Security::Cleartext));
    (sink, hop)
}

/// A receiver that only alice may use, and the way to it.
fn secured(encryption: Encryption, security: Security) -> (Sink, envoi::delivery::Hop) {
    let alice = Credentials { user: "alice".into(), password: Secret::new(PASSWORD) };
    let users = Users::Only(vec![alice]);
    let policy = Policy { users, require_auth: true, ..Policy::default() };
    let sink = sink(Listen::loopback(0, encryption), policy);
    let roots = Roots { given: vec![sink.ca().clone()], ..Roots::default() };
    let hop = envoi::delivery::Hop {
        tls: TlsSettings { roots, ..TlsSettings::default() },
        sign_in: Some(signing_in("alice", vec!["PLAIN".to_owned()], false)),
        ..hop(endpoint(sink.address(), security))
    };
    (sink, hop)
}

/// Gives the password and counts how often.
#[derive(Default)]
struct Counted(AtomicUsize);

impl Secrets for Counted {
    fn secret(&self, _: &Endpoint, _: Option<&str>, _: Proof) -> Result<Secret, Unavailable> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(Secret::new(PASSWORD))
    }
}

fn world<'w>(secrets: &'w dyn Secrets, interrupt: &'w Interrupt) -> World<'w> {
    World { secrets, interrupt, host_name: None, wait_for_farewell: false }
}

/// Sends each over the same line, `between` before each but the first, and
/// closes it.
fn in_turn(
    submissions: &[Submission],
    hops: Vec<envoi::delivery::Hop>,
    mut between: impl FnMut(),
) -> Vec<Report> {
    let (route, interrupt) = (Route { hops }, Interrupt::default());
    let world = world(&Fixed, &interrupt);
    let mut line = Line::new(&route, &world);
    let mut reports = Vec::new();
    for (at, submission) in submissions.iter().enumerate() {
        if at > 0 {
            between();
        }
        reports.push(submit_on(&mut line, submission, None, &mut |_| true, &mut Unobserved));
    }
    line.close(&mut Unobserved);
    reports
}

fn all_words(reports: &[Report]) -> Vec<String> {
    reports.iter().map(|report| words(report).join("; ")).collect()
}

/// Of each attempt of a report, whether it went on with an open session.
fn reused(report: &Report) -> Vec<bool> {
    report.attempts.iter().map(|attempt| attempt.reused).collect()
}

/// Stops the receiver. On which connection it took a message and for whom, and
/// which commands it refused.
fn told(sink: Sink) -> (Vec<(u64, String)>, Vec<String>) {
    let (mut taken, mut refused) = (Vec::new(), Vec::new());
    for event in sink.finish(GENEROUS) {
        match event {
            Event::Stored(stored) => {
                taken.push((stored.connection, stored.to[0].path.to_string()));
            }
            Event::Refused { command, .. } => refused.push(command),
            _ => {}
        }
    }
    (taken, refused)
}

/// Takes a message for one recipient, its commands in one flight.
fn take(peer: &mut Peer) {
    peer.answer(3, "250 ok\r\n250 ok\r\n354 go\r\n");
    peer.content();
    peer.say("250 ok\r\n");
}

/// Greets and takes one message, then QUIT.
fn take_another(peer: &mut Peer) {
    peer.greet(&["PIPELINING"]);
    take(peer);
    peer.expect("QUIT");
}

#[test]
fn each_further_message_takes_two_round_trips_on_the_same_connection() {
    // RTT-7
    for (encryption, security, first) in [
        (Encryption::StartTls, Security::StartTls, 9),
        (Encryption::Implicit, Security::Implicit, 7),
    ] {
        let (sink, hop) = secured(encryption, security);
        let (route, interrupt) = (Route { hops: vec![hop] }, Interrupt::default());
        let secrets = Counted::default();
        let world = world(&secrets, &interrupt);
        let mut line = Line::new(&route, &world);
        let mut reports: Vec<Report> = Vec::new();
        for number in 0..10 {
            let to = submission(&[&format!("u{number}@x.example"), "everybody@x.example"]);
            let report = submit_on(&mut line, &to, None, &mut |_| true, &mut Unobserved);
            assert!(words(&report).iter().all(|it| it.contains(" accepted 250")), "{report:#?}");
            let stored = sink.next_stored(GENEROUS).unwrap();
            assert_eq!(stored.connection, 1);
            assert_eq!(stored.user.as_deref(), Some("alice"));
            assert_eq!(stored.to[0].path.to_string(), format!("u{number}@x.example"));
            assert_eq!(stored.turnarounds, if number == 0 { first } else { 2 }, "{security:?}");
            let end = report.attempts[0].end.as_ref().unwrap().to_string();
            assert_eq!(end, format!("250 2.0.0 Stored as {}", stored.id));
            reports.push(report);
        }
        assert_eq!(secrets.0.load(Ordering::Relaxed), 1);
    }
}

#[test]
fn an_attempt_on_an_open_session_tells_what_protects_it_and_only_its_own_waits() {
    let (_sink, hop) = secured(Encryption::StartTls, Security::StartTls);
    let reports = in_turn(&[submission(&["a@x.y"]), submission(&["b@x.y"])], vec![hop], || {});
    let [first, second] = [&reports[0], &reports[1]].map(|report| &report.attempts[0]);
    assert_eq!([first.reused, second.reused], [false, true]);
    let tls = [first, second].map(|attempt| format!("{:?}", attempt.tls.as_ref().unwrap()));
    assert_eq!(tls[1], tls[0]);
    assert_eq!(second.signed_in, first.signed_in);
    assert_eq!(second.signed_in.as_ref().map(|it| it.mechanism), Some("PLAIN"));
    assert_eq!(second.extensions, first.extensions);
    assert_eq!((&second.server, &second.address), (&first.server, &first.address));
    assert_eq!(second.width, first.width);
    assert_ne!(second.end, first.end);
    let phases: Vec<Phase> = second.timings.iter().map(|(phase, _)| *phase).collect();
    assert_eq!(phases, [Phase::Mail, Phase::Rcpt, Phase::Data, Phase::Content, Phase::EndOfData]);
}

#[test]
fn a_line_says_quit_when_it_is_closed_or_dropped() {
    // 5321-4.1.1.10
    for is_closed in [true, false] {
        let server = Scripted::once(take_another);
        let hops = vec![hop(server.endpoint(Security::Cleartext))];
        let (route, interrupt) = (Route { hops }, Interrupt::default());
        let world = world(&Fixed, &interrupt);
        let mut line = Line::new(&route, &world);
        submit_on(&mut line, &submission(&["a@x.y"]), None, &mut |_| true, &mut Unobserved);
        if is_closed {
            line.close(&mut Unobserved);
            server.finish();
        } else {
            drop(line);
            server.finish();
        }
    }
}

/// How a server leaves. It lets know when the next message may come.
type Leaving = fn(&mut Peer, &Sender<()>);

#[test]
fn a_server_that_leaves_between_two_messages_costs_nobody_anything() {
    // 5321-3.8, RTT-7
    let ways: [(&str, Leaving); 7] = [
        ("closes", |peer, said| {
            peer.hang_up();
            said.send(()).unwrap();
        }),
        ("resets", |peer, said| {
            peer.reset();
            said.send(()).unwrap();
        }),
        ("says why it leaves", |peer, said| {
            peer.say("421 4.4.2 idle for too long\r\n");
            peer.hang_up();
            said.send(()).unwrap();
        }),
        ("says something that nobody asked for", |peer, said| {
            peer.say("250 2.0.0 ok again\r\n");
            said.send(()).unwrap();
            assert_eq!(peer.rest(), b"", "something was said to a server out of step");
        }),
        ("closes when it is asked", |peer, said| {
            said.send(()).unwrap();
            peer.answer(3, "");
            peer.hang_up();
        }),
        ("leaves when it is asked", |peer, said| {
            said.send(()).unwrap();
            peer.answer(3, "421 4.7.0 too many messages in this connection\r\n");
            peer.hang_up();
        }),
        ("takes no more", |peer, said| {
            // So says OpenSMTPD.
            said.send(()).unwrap();
            peer.answer(3, "452 4.5.3 Too many messages sent\r\n503 no\r\n503 no\r\n");
            peer.expect("QUIT");
        }),
    ];
    for (how, leave) in ways {
        let (said, heard) = channel();
        let (taken, is_taken) = channel();
        let first = move |peer: &mut Peer| {
            peer.greet(&["PIPELINING", "ENHANCEDSTATUSCODES"]);
            take(peer);
            is_taken.recv().unwrap();
            leave(peer, &said);
        };
        let server = Scripted::start(vec![Box::new(first) as Part, Box::new(take_another)]);
        let hops = vec![hop(server.endpoint(Security::Cleartext))];
        let messages = [submission(&["a@x.y"]), submission(&["b@x.y"])];
        let reports = in_turn(&messages, hops, || {
            taken.send(()).unwrap();
            heard.recv().unwrap();
        });
        assert_eq!(
            all_words(&reports),
            ["a@x.y accepted 250 ok", "b@x.y accepted 250 ok"],
            "{how}"
        );
        assert_eq!(reused(&reports[1]), [false], "{how}");
        assert!(reports[1].attempts[0].error.is_none(), "{how}");
        server.finish();
    }
}

#[test]
fn a_server_that_has_fallen_silent_is_asked_anew() {
    let silent = |peer: &mut Peer| {
        peer.greet(&["PIPELINING"]);
        take(peer);
        let rest = String::from_utf8(peer.rest()).unwrap();
        assert!(rest.starts_with("MAIL ") && !rest.contains("QUIT"), "{rest}");
    };
    let server = Scripted::start(vec![Box::new(silent) as Part, Box::new(take_another)]);
    let mut hop = hop(server.endpoint(Security::Cleartext));
    hop.timeouts.cap = Some(Duration::from_secs(1));
    let reports = in_turn(&[submission(&["a@x.y"]), submission(&["b@x.y"])], vec![hop], || {});
    assert_eq!(all_words(&reports), ["a@x.y accepted 250 ok", "b@x.y accepted 250 ok"]);
    assert_eq!(reused(&reports[1]), [false]);
    server.finish();
}

#[test]
fn a_message_for_which_no_fresh_connection_is_had_fails_for_that_reason() {
    let (said, heard) = channel::<()>();
    let server = Scripted::once(move |peer| {
        peer.greet(&["PIPELINING"]);
        take(peer);
        peer.hang_up();
        drop(said);
    });
    let hops = vec![hop(server.endpoint(Security::Cleartext))];
    let mut server = Some(server);
    let reports = in_turn(&[submission(&["a@x.y"]), submission(&["b@x.y"])], hops, || {
        assert!(heard.recv().is_err());
        server.take().unwrap().finish();
    });
    let words = words(&reports[1]);
    assert!(words[0].starts_with("b@x.y deferred Connect: "), "{words:?}");
    assert_eq!(reused(&reports[1]), [false]);
}

#[test]
fn a_break_behind_the_dot_is_uncertain_and_nothing_is_sent_again() {
    // 5321-4.1.1.4r
    let breaks = Rule { nth: Some(2), fault: Some(Fault::Close), ..Rule::at(Stage::Message) };
    let (sink, hop) = in_clear(Policy { rules: vec![breaks], ..Policy::default() });
    let messages = ["a@x.y", "b@x.y", "c@x.y"].map(|to| submission(&[to]));
    let reports = in_turn(&messages, vec![hop], || {});
    let words = all_words(&reports);
    assert!(words[0].starts_with("a@x.y accepted 250"), "{words:?}");
    assert!(words[1].starts_with("b@x.y uncertain EndOfData: "), "{words:?}");
    assert!(words[2].starts_with("c@x.y accepted 250"), "{words:?}");
    assert_eq!([reused(&reports[1]), reused(&reports[2])], [[true], [false]]);
    // The next message opens the next connection.
    let expected = [(1, "a@x.y"), (1, "b@x.y"), (2, "c@x.y")];
    assert_eq!(told(sink).0, expected.map(|(connection, to)| (connection, to.to_owned())));
}

#[test]
fn what_a_session_has_decided_before_it_breaks_is_not_asked_again() {
    let leaves = Some(Reply::new(421, "leaving").unwrap());
    let rules = vec![Rule { nth: Some(2), reply: leaves, ..Rule::at(Stage::Data) }];
    let refuse = vec![Refusal::parse("b@x.y=550 5.1.1 no").unwrap()];
    let (sink, hop) = in_clear(Policy { rules, refuse, ..Policy::default() });
    let messages = [submission(&["a@x.y"]), submission(&["b@x.y", "c@x.y"])];
    let reports = in_turn(&messages, vec![hop], || {});
    let words = words(&reports[1]);
    assert_eq!(words[0], "b@x.y rejected 550 5.1.1 no");
    assert!(words[1].starts_with("c@x.y accepted 250"), "{words:?}");
    assert_eq!(reused(&reports[1]), [true, false]);
    assert!(reports[1].attempts[0].error.is_some());
    let (taken, refused) = told(sink);
    assert_eq!(taken, [(1, "a@x.y".to_owned()), (2, "c@x.y".to_owned())]);
    assert_eq!(refused, ["RCPT TO:<b@x.y>", "DATA"]);
}

#[test]
fn a_refusal_does_not_disturb_the_next_message() {
    // 5321-4.1.4a: RSET after a transaction that was begun and not ended.
    let refusals = [
        ("MAIL", "550 5.7.1 no\r\n503 no\r\n503 no\r\n", "a@x.y rejected 550 5.7.1 no"),
        ("RCPT", "250 ok\r\n550 5.1.1 no\r\n503 no\r\n", "a@x.y rejected 550 5.1.1 no"),
        ("DATA", "250 ok\r\n250 ok\r\n451 no\r\n", "a@x.y deferred 451 no"),
    ];
    for (what, replies, expected) in refusals {
        let server = Scripted::once(move |peer| {
            peer.greet(&["PIPELINING"]);
            peer.answer(3, replies);
            peer.expect("RSET");
            peer.say("250 ok\r\n");
            take(peer);
            peer.expect("QUIT");
        });
        let hops = vec![hop(server.endpoint(Security::Cleartext))];
        let reports = in_turn(&[submission(&["a@x.y"]), submission(&["b@x.y"])], hops, || {});
        assert_eq!(all_words(&reports), [expected, "b@x.y accepted 250 ok"], "{what}");
        assert_eq!(reused(&reports[1]), [true], "{what}");
        server.finish();
    }
}

#[test]
fn messages_that_are_refused_in_part_share_a_connection_with_the_others() {
    // 5321-3.3a, at a server that insists on the order of commands.
    let refuse = vec![Refusal::parse("bad@x.y=550 5.1.1 no such user").unwrap()];
    for all_or_nothing in [false, true] {
        let (sink, hop) = in_clear(Policy { refuse: refuse.clone(), ..Policy::default() });
        let hop = envoi::delivery::Hop { all_or_nothing, ..hop };
        let messages = [&["bad@x.y"][..], &["a@x.y", "bad@x.y"], &["b@x.y"]].map(submission);
        let words = all_words(&in_turn(&messages, vec![hop], || {}));
        assert_eq!(words[0], "bad@x.y rejected 550 5.1.1 no such user");
        let withheld = words[1].starts_with("a@x.y rejected withheld; bad@x.y rejected 550");
        assert_eq!(withheld, all_or_nothing, "{words:?}");
        assert!(words[2].starts_with("b@x.y accepted 250"), "{words:?}");
        for _ in 0..if all_or_nothing { 1 } else { 2 } {
            assert_eq!(sink.next_stored(GENEROUS).unwrap().connection, 1);
        }
    }
}

#[test]
fn a_message_that_cannot_be_read_does_not_disturb_the_next() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "From: a@client.example\n\nHello.\n").unwrap();
    let source = envoi::message::Source::open(file.path()).unwrap();
    let additions = envoi::message::Additions {
        date: "2026-11-23T04:03:37+00:00[UTC]".parse().unwrap(),
        message_id: None,
        from: Vec::new(),
    };
    let repairs = envoi::message::Repairs::default();
    let message = envoi::message::complete(source, &additions, repairs).unwrap().message;
    std::fs::write(file.path(), "From: a@client.example\n\nHullo.\n").unwrap();
    let (sink, hop) = in_clear(Policy::default());
    let messages =
        [submission(&["a@x.y"]), submission_of(&["b@x.y"], message), submission(&["c@x.y"])];
    let reports = in_turn(&messages, vec![hop], || {});
    let words = all_words(&reports);
    assert!(words[1].starts_with("b@x.y rejected Content: the message could not be read"));
    assert!(words[2].starts_with("c@x.y accepted 250"), "{words:?}");
    let stored = [(); 2].map(|()| sink.next_stored(GENEROUS).unwrap().connection);
    assert_eq!(stored, [1, 1]);
}

#[test]
fn the_next_message_goes_to_the_server_that_took_the_last() {
    let (sink, hop) = in_clear(Policy::default());
    let dead = harness::hop(endpoint(dead_address(), Security::Cleartext));
    let messages = [submission(&["a@x.y"]), submission(&["b@x.y"])];
    let reports = in_turn(&messages, vec![dead, hop], || {});
    assert_eq!(reused(&reports[0]), [false, false]);
    assert_eq!(reused(&reports[1]), [true]);
    assert_eq!(reports[1].attempts[0].server.place.port(), Some(sink.address().port()));
}

#[test]
fn a_session_that_went_on_in_clear_stays_as_it_is() {
    let not_today = Some(Reply::new(454, "not today").unwrap());
    let rules = vec![Rule { reply: not_today, ..Rule::at(Stage::StartTls) }];
    let (sink, hop) = in_clear(Policy { rules, ..Policy::default() });
    let hop = harness::hop(Endpoint { security: Security::Opportunistic, ..hop.endpoint });
    let reports = in_turn(&[submission(&["a@x.y"]), submission(&["b@x.y"])], vec![hop], || {});
    assert_eq!(reused(&reports[0]), [false, false]);
    assert_eq!(reused(&reports[1]), [true]);
    assert!(reports[1].attempts[0].tls.is_none());
    let (taken, refused) = told(sink);
    assert_eq!(taken, [(2, "a@x.y".to_owned()), (2, "b@x.y".to_owned())]);
    assert_eq!(refused, ["STARTTLS"]);
}

#[test]
fn in_lmtp_a_line_works_as_well() {
    let listen = Listen::loopback(0, Encryption::StartTls).speaking_lmtp();
    let refuse = vec![Refusal::parse("bad@x.y=550 5.1.1 no such user").unwrap()];
    let sink = sink(listen, Policy { refuse_after_data: refuse, ..Policy::default() });
    let by_lmtp =
        Endpoint { protocol: Protocol::Lmtp, ..endpoint(sink.address(), Security::Cleartext) };
    let messages = [&["a@x.y"][..], &["bad@x.y", "b@x.y"], &["c@x.y"]].map(submission);
    let words = all_words(&in_turn(&messages, vec![hop(by_lmtp)], || {}));
    assert!(words[0].starts_with("a@x.y accepted 250"), "{words:?}");
    assert!(words[1].starts_with("bad@x.y rejected 550 5.1.1 no such user; b@x.y accepted 250"));
    assert!(words[2].starts_with("c@x.y accepted 250"), "{words:?}");
    for turnarounds in [5, 2, 2] {
        let stored = sink.next_stored(GENEROUS).unwrap();
        assert_eq!((stored.connection, stored.turnarounds), (1, turnarounds));
    }
}

/// Everybody is at home here, and gets everything.
struct AllHere;

impl Home for AllHere {
    fn is_all_or_nothing(&self) -> bool {
        false
    }

    fn has(&self, _: &ForwardPath) -> bool {
        true
    }

    fn refuses(&self, _: &ForwardPath) -> Option<Outcome> {
        None
    }

    fn maildir(&self, _: &ForwardPath) -> Option<PathBuf> {
        None
    }

    fn keep(
        &self,
        _: &ForwardPath,
        _: &Submission,
        _: &World<'_>,
        _: &mut dyn Observer,
    ) -> (Outcome, Vec<Attempt>) {
        (Outcome::Accepted(Reply::new(250, "kept").unwrap()), Vec::new())
    }
}

#[test]
fn a_message_that_stays_on_this_machine_leaves_the_line_alone() {
    let (sink, hop) = in_clear(Policy::default());
    let (route, interrupt) = (Route { hops: vec![hop] }, Interrupt::default());
    let world = world(&Fixed, &interrupt);
    let mut line = Line::new(&route, &world);
    let mut send = |home: Option<&dyn Home>| {
        submit_on(&mut line, &submission(&["a@x.y"]), home, &mut |_| true, &mut Unobserved)
    };
    let reports = [send(None), send(Some(&AllHere)), send(None)];
    assert_eq!(words(&reports[1]), ["a@x.y accepted 250 kept"]);
    assert_eq!([reused(&reports[1]), reused(&reports[2])], [vec![], vec![true]]);
    let stored = [(); 2].map(|()| sink.next_stored(GENEROUS).unwrap().connection);
    assert_eq!(stored, [1, 1]);
}

#[test]
fn who_wants_to_stop_sends_no_further_message() {
    let (sink, hop) = in_clear(Policy::default());
    let (route, interrupt) = (Route { hops: vec![hop] }, Interrupt::default());
    let world = world(&Fixed, &interrupt);
    let mut line = Line::new(&route, &world);
    let first = submit_on(&mut line, &submission(&["a@x.y"]), None, &mut |_| true, &mut Unobserved);
    interrupt.cell().store(15, Ordering::Relaxed);
    let second =
        submit_on(&mut line, &submission(&["b@x.y"]), None, &mut |_| true, &mut Unobserved);
    assert!(words(&first)[0].starts_with("a@x.y accepted"), "{first:#?}");
    assert_eq!(words(&second), ["b@x.y deferred Data: interrupted"]);
    drop(line);
    assert_eq!(sink.next_stored(GENEROUS).unwrap().to[0].path.to_string(), "a@x.y");
    assert!(sink.next_stored(Duration::ZERO).is_none());
}

#[test]
fn several_threads_have_a_line_each_and_a_line_may_change_its_thread() {
    let (sink, hop) = secured(Encryption::Implicit, Security::Implicit);
    let (route, interrupt) = (Route { hops: vec![hop] }, Interrupt::default());
    let world = world(&Fixed, &interrupt);
    let send = |line: &mut Line<'_>| {
        for _ in 0..5 {
            let report =
                submit_on(line, &submission(&["a@x.y"]), None, &mut |_| true, &mut Unobserved);
            assert!(words(&report)[0].contains(" accepted "), "{report:#?}");
        }
    };
    let mut lines = [(); 3].map(|()| Line::new(&route, &world));
    for _ in 0..2 {
        std::thread::scope(|scope| {
            for line in &mut lines {
                scope.spawn(|| send(line));
            }
        });
    }
    let mut connections: Vec<u64> =
        (0..30).map(|_| sink.next_stored(GENEROUS).unwrap().connection).collect();
    connections.sort_unstable();
    connections.dedup();
    assert_eq!(connections, [1, 2, 3]);
}
