//! Waits that end, users who want to stop, addresses that are dead, and what
//! those who watch are shown.
#![expect(clippy::disallowed_types, reason = "one server listens and never answers")]

mod harness;

use envoi::delivery::{Hop, Report, Route, Submission, World, submit};
use envoi::net::{Deadline, Family, Host, Interrupt, Roots, Security, TlsSettings, lookup};
use envoi::session::{Event, Observer};
use envoi::sink::{
    Encryption, Event as Told, Listen, Offer, Policy, Rule, Settings, Sink, Stage, Storage,
};
use envoi::smtp::{Phase, Timeouts};
use harness::*;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Writes down everything that it is told, and stops the run at one event.
struct Diary {
    text: String,
    stop: Arc<AtomicUsize>,
    stops_at: fn(&Event<'_>) -> bool,
}

impl Diary {
    fn that_stops(interrupt: &Interrupt, stops_at: fn(&Event<'_>) -> bool) -> Self {
        Diary { text: String::new(), stop: interrupt.cell(), stops_at }
    }
}

impl Observer for Diary {
    fn event(&mut self, event: Event<'_>) {
        writeln!(self.text, "{event:?}").unwrap();
        if let Event::Sent(command) = &event {
            writeln!(self.text, "{command}").unwrap();
        }
        if (self.stops_at)(&event) {
            self.stop.store(15, Ordering::Relaxed);
        }
    }

    fn wants_octets(&self) -> bool {
        true
    }
}

fn stopped(hop: Hop, stops_at: fn(&Event<'_>) -> bool) -> Report {
    stopped_with(&submission(&["a@x.y"]), hop, stops_at)
}

fn stopped_with(to: &Submission, hop: Hop, stops_at: fn(&Event<'_>) -> bool) -> Report {
    let interrupt = Interrupt::default();
    let mut diary = Diary::that_stops(&interrupt, stops_at);
    let world =
        World { secrets: &Fixed, interrupt: &interrupt, host_name: None, wait_for_farewell: false };
    submit(to, &Route { hops: vec![hop.clone(), hop] }, &world, &mut diary)
}

/// A receiver that takes this long for its answer at this stage, and the way to it.
fn slow(stage: Stage, delay: Duration) -> (Sink, Hop) {
    in_lock_step(vec![Rule { delay: Some(delay), ..Rule::at(stage) }])
}

/// A receiver that wants one command at a time.
fn in_lock_step(rules: Vec<Rule>) -> (Sink, Hop) {
    let offer = Offer::default().without("PIPELINING").unwrap();
    let policy = Policy { offer, rules, ..Policy::default() };
    let sink = Sink::start(Settings { policy, ..Settings::default() }).unwrap();
    let hop = hop(endpoint(sink.address(), Security::Cleartext));
    (sink, hop)
}

#[test]
fn who_stops_before_the_dot_sends_nothing_and_asks_no_other_server() {
    // SEC-17, 5321-3.3d
    let stages: [fn(&Event<'_>) -> bool; 4] = [
        |event| matches!(event, Event::Connected(_)),
        |event| matches!(event, Event::Received { phase: Phase::Hello, .. }),
        |event| matches!(event, Event::Received { phase: Phase::Rcpt, .. }),
        |event| matches!(event, Event::Received { phase: Phase::Data, .. }),
    ];
    for stops_at in stages {
        let (sink, hop) = in_lock_step(Vec::new());
        let report = stopped(hop, stops_at);
        assert!(words(&report)[0].contains("deferred"), "{:?}", words(&report));
        assert!(words(&report)[0].ends_with("interrupted"), "{:?}", words(&report));
        assert_eq!(report.attempts.len(), 1);
        let told = sink.finish(GENEROUS);
        assert!(!told.iter().any(|event| matches!(event, Told::Stored(_))), "it was ended");
        let connections = told.iter().filter(|event| matches!(event, Told::Connected { .. }));
        assert_eq!(connections.count(), 1);
    }
}

#[test]
fn who_stops_after_the_dot_still_learns_what_became_of_the_message() {
    // SEC-17; the deadline of the run cuts this wait, too.
    for (delay, expected) in
        [(Duration::from_millis(200), "accepted 250"), (GENEROUS, "uncertain EndOfData: timed out")]
    {
        let (_sink, mut hop) = slow(Stage::Message, delay);
        if delay == GENEROUS {
            hop.deadline = Some(Deadline::after(Duration::from_secs(2)));
        }
        let report = stopped(hop, |event| matches!(event, Event::ContentSent { .. }));
        let words = words(&report);
        assert!(words[0].starts_with(&format!("a@x.y {expected}")), "{words:?}");
    }
}

#[test]
fn who_stops_after_the_dot_sends_nothing_else() {
    // SEC-17: one recipient was left for a second transaction.
    let server = Scripted::once(|peer| {
        peer.greet(&["PIPELINING"]);
        peer.answer(4, "250 ok\r\n250 ok\r\n452 one at a time\r\n354 go\r\n");
        peer.content();
        std::thread::sleep(Duration::from_millis(100));
        peer.say("250 ok\r\n");
        assert_eq!(peer.rest(), b"QUIT\r\n");
    });
    let hop = hop(server.endpoint(Security::Cleartext));
    let to = submission(&["a@x.y", "b@x.y"]);
    let report = stopped_with(&to, hop, |event| matches!(event, Event::ContentSent { .. }));
    assert_eq!(words(&report), ["a@x.y accepted 250 ok", "b@x.y deferred Mail: interrupted"]);
    server.finish();
}

#[test]
fn the_deadline_of_the_run_ends_any_wait() {
    // 5321-4.5.3.2: silence at each stage, however generous its own limit.
    for stage in
        [Stage::Greeting, Stage::Ehlo, Stage::Mail, Stage::Rcpt, Stage::Data, Stage::Message]
    {
        let (_sink, mut hop) = slow(stage, GENEROUS);
        hop.timeouts = Timeouts::default();
        hop.deadline = Some(Deadline::after(Duration::from_millis(300)));
        let report = deliver(&submission(&["a@x.y"]), vec![hop]);
        assert!(words(&report)[0].contains("timed out"), "{stage:?}: {:?}", words(&report));
    }
}

#[test]
fn a_reply_that_drips_is_given_up_at_every_stage() {
    // 5321-4.5.3.2: a timer covers the whole reply.
    for drips_at in 0..REPLIES.len() {
        let server = Scripted::once(move |peer| {
            peer.until_due(drips_at);
            while !peer.is_gone() {
                peer.say("2");
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let mut hop = hop(server.endpoint(Security::Cleartext));
        hop.timeouts.cap = Some(Duration::from_millis(300));
        let report = deliver(&submission(&["a@x.y"]), vec![hop]);
        let expected = if drips_at == 5 { "uncertain" } else { "deferred" };
        let words = words(&report);
        assert!(
            words[0].contains(expected) && words[0].contains("timed out after 0.3 s"),
            "{words:?}"
        );
        server.finish();
    }
}

#[test]
fn an_address_that_does_not_answer_is_left_for_the_next() {
    // TO-conn: its queue is full, so that the kernel drops what comes.
    let full = rustix::net::socket(
        rustix::net::AddressFamily::INET,
        rustix::net::SocketType::STREAM,
        None,
    )
    .unwrap();
    let any: std::net::SocketAddr = "127.0.0.1:0".parse().unwrap();
    rustix::net::bind(&full, &any).unwrap();
    rustix::net::listen(&full, 0).unwrap();
    let listener = std::net::TcpListener::from(full);
    let address = listener.local_addr().unwrap();
    let knock = |_| std::net::TcpStream::connect_timeout(&address, Duration::from_millis(50));
    let _waiting: Vec<_> = (0..3).map(knock).collect();

    let sink = Sink::start(Settings::default()).unwrap();
    let mut silent = hop(endpoint(address, Security::Cleartext));
    silent.timeouts.cap = Some(Duration::from_millis(300));
    let hops = vec![silent, hop(endpoint(sink.address(), Security::Cleartext))];
    let report = deliver(&submission(&["a@x.y"]), hops);
    assert!(words(&report)[0].contains("accepted"), "{:?}", words(&report));
    let error = report.attempts[0].error.as_ref().unwrap();
    assert_eq!((error.phase, error.to_string()), (Phase::Connect, "timed out after 0.3 s".into()));
}

#[test]
fn a_name_with_a_dead_address_is_reached_at_the_other() {
    // Where localhost is ::1 as well, nobody listens there.
    let sink = Sink::start(Settings::default()).unwrap();
    let host = Host::Name("localhost".to_owned());
    let soon = Deadline::after(GENEROUS);
    let known = lookup(&host, Family::Any, soon, &Interrupt::default()).unwrap();
    let endpoint = endpoint_of(host, sink.address().port(), Security::Cleartext);
    let report = deliver(&submission(&["a@x.y"]), vec![hop(endpoint)]);
    assert!(words(&report)[0].contains("accepted"), "{:?}", words(&report));
    assert!(report.attempts.len() <= known.len());
}

#[test]
fn no_event_shows_a_secret() {
    // SASL-secret, SEC-7: nor its base64, in whatever mechanism.
    for mechanism in ["PLAIN", "LOGIN", "CRAM-MD5"] {
        let listen = vec![Listen::loopback(0, Encryption::Implicit)];
        let sink =
            Sink::start(Settings { listen, storage: Storage::Memory, ..Settings::default() })
                .unwrap();
        let roots = Roots { given: vec![sink.ca().clone()], ..Roots::default() };
        let mechanisms = vec![mechanism.to_owned()];
        let hop = Hop {
            tls: TlsSettings { roots, ..TlsSettings::default() },
            sign_in: Some(signing_in("alice", mechanisms, false)),
            ..hop(endpoint(sink.address(), Security::Implicit))
        };
        let mut diary = Diary::that_stops(&Interrupt::default(), |_| false);
        let report = observed(&submission(&["a@x.y"]), vec![hop], &mut diary);
        assert!(words(&report)[0].contains("accepted"), "{:?}", words(&report));
        assert!(diary.text.contains(&format!("AUTH {mechanism}")), "{}", diary.text);
        let shown = format!("{}{report:?}", diary.text);
        let encoded = |text: &str| encodify::base64::STANDARD.encode(text);
        let plain = encoded(&format!("\0alice\0{PASSWORD}"));
        for secret in [PASSWORD, &encoded(PASSWORD), &plain, "334 ", "PD", &encoded("alice ")[..7]]
        {
            assert!(!shown.contains(secret), "{mechanism} shows {secret}: {shown}");
        }
    }
}
