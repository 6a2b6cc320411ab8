//! LMTP where it goes wrong, and over Unix sockets.
#![expect(clippy::disallowed_methods, reason = "one test watches the clock")]

mod harness;

use envoi::delivery::{Hop, Report};
use envoi::net::{
    Address, Deadline, Endpoint, Error, Interrupt, Place, Security, Socket, SocketPath, Stream,
};
use envoi::session::{Event, Observer};
use envoi::smtp::{Phase, Protocol};
use harness::*;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

const TWO: [&str; 2] = ["a@x.y", "b@x.y"];

fn lmtp(server: &Scripted) -> Hop {
    let protocol = Protocol::Lmtp;
    hop(Endpoint { protocol, ..server.endpoint(Security::Cleartext) })
}

fn socket(path: &Path) -> SocketPath {
    SocketPath::new(path).expect("a path that fits a socket")
}

fn behind(path: &Path) -> Hop {
    let (place, protocol) = (Place::Unix(socket(path)), Protocol::Lmtp);
    hop(Endpoint { place, protocol, security: Security::Cleartext })
}

/// Takes a message for two recipients in one group, up to its dot.
fn take_message(peer: &mut Peer) {
    peer.greet_as("LHLO ", &["PIPELINING"]);
    peer.answer(4, "250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n");
    peer.content();
}

/// What becomes of two recipients when these are the replies to the message.
/// The server then waits for the client to leave.
fn after_dot(replies: &'static str, limit: Duration) -> Report {
    let server = Scripted::once(move |peer| {
        take_message(peer);
        peer.say(replies);
        peer.rest();
    });
    let mut hop = lmtp(&server);
    hop.timeouts.cap = Some(limit);
    let report = deliver(&submission(&TWO), vec![hop]);
    server.finish();
    report
}

#[test]
fn a_reply_that_does_not_come_leaves_its_recipient_uncertain() {
    // 2033: a server that answers as if SMTP were spoken gives one for all.
    let report = after_dot("250 for a\r\n", Duration::from_millis(300));
    let [a, b] = &words(&report)[..] else { panic!("{report:?}") };
    assert_eq!(a, "a@x.y accepted 250 for a");
    assert!(b.starts_with("b@x.y uncertain EndOfData: timed out"), "{b}");
    assert_eq!(report.attempts[0].end.as_ref().unwrap().to_string(), "250 for a");
}

#[test]
fn with_a_reply_too_many_nobody_knows_whose_they_are() {
    // 2033: such as one for a recipient that RCPT refused.
    let report = after_dot("250 for a\r\n550 for whom?\r\n250 for b\r\n", GENEROUS);
    for word in words(&report) {
        assert!(word.contains("uncertain EndOfData: the server answered out of turn"), "{word}");
    }
}

#[test]
fn a_server_that_leaves_after_its_replies_has_given_them() {
    // 5321-3.8
    let report = after_dot("250 for a\r\n452 for b\r\n421 leaving\r\n", GENEROUS);
    assert_eq!(words(&report), ["a@x.y accepted 250 for a", "b@x.y deferred 452 for b"]);
}

/// Stops the run when the message is out, and keeps what was said of whom.
struct Watch {
    interrupt: Option<Interrupt>,
    about: Vec<String>,
    tried: Vec<String>,
}

impl Observer for Watch {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Connecting(endpoint, address) => {
                self.tried.push(format!("{endpoint} at {address}"));
            }
            Event::ContentSent { .. } => {
                if let Some(interrupt) = &self.interrupt {
                    interrupt.cell().store(15, Ordering::Relaxed);
                }
            }
            Event::Received { reply, phase: Phase::EndOfData, recipient, .. } => {
                let whose = recipient.map_or_else(|| "nobody".to_owned(), ToString::to_string);
                self.about.push(format!("{whose}: {reply}"));
            }
            _ => {}
        }
    }
}

fn watched(submission: &envoi::delivery::Submission, hop: Hop, stop: bool) -> (Report, Watch) {
    use envoi::delivery::{Route, World, submit};
    let interrupt = Interrupt::default();
    let mut watch =
        Watch { interrupt: stop.then(|| interrupt.clone()), about: Vec::new(), tried: Vec::new() };
    let world =
        World { secrets: &Fixed, interrupt: &interrupt, host_name: None, wait_for_farewell: false };
    let report = submit(submission, &Route { hops: vec![hop] }, &world, &mut watch);
    (report, watch)
}

#[test]
fn who_stops_after_the_dot_waits_once_for_all_replies() {
    // SEC-17
    let server = Scripted::once(|peer| {
        take_message(peer);
        std::thread::sleep(Duration::from_millis(200));
        peer.say("250 for a\r\n");
        peer.rest();
    });
    let started = Instant::now();
    let (report, _) = watched(&submission(&TWO), lmtp(&server), true);
    assert!(started.elapsed() < GENEROUS / 2, "{:?}", started.elapsed());
    let [a, b] = &words(&report)[..] else { panic!("{report:?}") };
    assert_eq!(a, "a@x.y accepted 250 for a");
    assert!(b.starts_with("b@x.y uncertain EndOfData"), "{b}");
    server.finish();
}

#[test]
fn a_socket_of_this_machine_takes_a_message_like_a_port() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("lmtp");
    let server = Scripted::at_socket(&path, |peer| {
        take_message(peer);
        peer.say("250 2.0.0 for a\r\n452 for b\r\n");
        assert_eq!(peer.rest(), b"QUIT\r\n");
    });
    let (report, watch) = watched(&submission(&TWO), behind(&path), false);
    server.join().unwrap();
    let place = path.display();
    assert_eq!(words(&report), ["a@x.y accepted 250 2.0.0 for a", "b@x.y deferred 452 for b"]);
    assert_eq!(watch.tried, [format!("{place} at {place}")]);
    assert_eq!(watch.about, ["a@x.y: 250 2.0.0 for a", "b@x.y: 452 for b"]);
    assert_eq!(report.attempts[0].address, Some(Address::Unix(socket(&path))));
}

#[test]
fn a_large_message_fits_through_a_socket_and_a_refusal_in_its_middle_is_heard() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("lmtp");
    let text = format!("From: a@client.example\r\n\r\n{}", "0123456789\r\n".repeat(400_000));
    for refused in [false, true] {
        let server = Scripted::at_socket(&path, move |peer| {
            peer.greet_as("LHLO ", &["PIPELINING"]);
            peer.answer(3, "250 ok\r\n250 ok\r\n354 go\r\n");
            if refused {
                peer.take(100_000);
                peer.say("552 enough\r\n");
                peer.rest();
            } else {
                assert!(peer.content().len() > 400_000);
                peer.say("250 ok\r\n");
                peer.expect("QUIT");
            }
        });
        let report = deliver(&submission_of(&["a@x.y"], message(&text)), vec![behind(&path)]);
        let expected = if refused { "a@x.y rejected 552 enough" } else { "a@x.y accepted 250 ok" };
        assert_eq!(words(&report), [expected]);
        server.join().unwrap();
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_socket_that_cannot_be_used_has_its_reason() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    std::fs::write(at("file"), "").unwrap();
    let _datagrams = UnixDatagram::bind(at("datagrams")).unwrap();
    drop(UnixListener::bind(at("dead")).unwrap());
    for (name, expected) in [
        ("missing", "deferred Connect: {} cannot be reached: No such file"),
        ("dead", "deferred Connect: {} cannot be reached: Connection refused"),
        ("file", "rejected Connect: {} is not a socket"),
        ("datagrams", "rejected Connect: {} is not a socket"),
        (".", "rejected Connect: {} is not a socket"),
    ] {
        let path = at(name);
        let report = deliver(&submission(&["a@x.y"]), vec![behind(&path)]);
        let expected = expected.replace("{}", &path.display().to_string());
        assert!(words(&report)[0].contains(&expected), "{:?}", words(&report));
        assert!(report.recipients[0].1.is_open(), "another server may do");
    }
}

#[test]
fn a_socket_whose_server_is_busy_is_waited_for() {
    // TO-conn
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("lmtp");
    let busy = rustix::net::socket(
        rustix::net::AddressFamily::UNIX,
        rustix::net::SocketType::STREAM,
        None,
    )
    .unwrap();
    rustix::net::bind(&busy, &rustix::net::SocketAddrUnix::new(&path).unwrap()).unwrap();
    rustix::net::listen(&busy, 0).unwrap();
    let listener = UnixListener::from(busy);
    let connect = |limit, interrupt: &Interrupt| {
        Socket::connect(&Address::Unix(socket(&path)), None, Deadline::after(limit), interrupt)
    };
    let calm = Interrupt::default();
    let _first = connect(GENEROUS, &calm).unwrap();
    let late = connect(Duration::from_millis(200), &calm);
    assert!(matches!(late, Err(Error::TimedOut { .. })), "{late:?}");
    let asked_to_stop = Interrupt::default();
    asked_to_stop.cell().store(2, Ordering::Relaxed);
    let stopped = connect(GENEROUS, &asked_to_stop);
    assert!(matches!(stopped, Err(Error::Interrupted)), "{stopped:?}");

    let server = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        [listener.accept().unwrap(), listener.accept().unwrap()]
    });
    let mut second = connect(GENEROUS, &calm).unwrap();
    let _accepted = server.join().unwrap();
    second.arm(Deadline::after(Duration::from_millis(100)));
    let silent = second.read(&mut [0]);
    assert!(matches!(silent, Err(Error::TimedOut { .. })), "{silent:?}");
    assert_eq!(second.local_address(), None);
}
