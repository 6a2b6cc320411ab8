//! A run through real connections to the embedded receiver.

use crate::harness::{Fixed, GENEROUS, Scripted, dead_address, endpoint, hop};
use crate::office::run_with;
use crate::spool::{Spool, keep, letter, moment, octets};
use envoi::delivery::{Hop, Report, Route, Witness, World, submit};
use envoi::message::Repairs;
use envoi::net::{Interrupt, Security};
use envoi::queue::{Accounts, Courier, Errand, Fate, Happening, Unserved, Which};
use envoi::session::Unobserved;
use envoi::sink::{self, Encryption, Listen, Refusal, Settings, Sink, Storage};
use std::net::SocketAddr;
use std::sync::atomic::Ordering;

/// Everything goes through this server, over a connection for each message,
/// until somebody wants to stop.
#[derive(Clone)]
struct Through(Hop, Interrupt);

impl Accounts for Through {
    fn serve(&self, _: &str, shift: &mut dyn FnMut(&mut dyn Courier)) -> Result<(), Unserved> {
        shift(&mut self.clone());
        Ok(())
    }
}

impl Courier for Through {
    fn repairs(&self) -> Repairs {
        Repairs::default()
    }

    fn carry(&mut self, errand: &Errand<'_>, _: &mut Witness<'_>) -> Report {
        let submission = errand.submission;
        let world = World {
            secrets: &Fixed,
            interrupt: &self.1,
            host_name: None,
            wait_for_farewell: false,
        };
        let route = Route { hops: vec![self.0.clone()] };
        submit(submission, &route, &world, &mut Unobserved)
    }
}

fn receiver(refuse: &[&str]) -> Sink {
    let refuse = refuse.iter().map(|rule| Refusal::parse(rule).unwrap()).collect();
    let policy = sink::Policy { refuse, ..sink::Policy::default() };
    let listen = vec![Listen::loopback(0, Encryption::StartTls)];
    let storage = Storage::Memory;
    Sink::start(Settings { listen, policy, storage, ..Settings::default() }).unwrap()
}

fn through(address: SocketAddr) -> Through {
    Through(hop(endpoint(address, Security::Cleartext)), Interrupt::default())
}

#[test]
fn what_is_left_of_a_message_arrives_when_the_server_takes_it() {
    //
    let spool = Spool::new();
    let queue = spool.real_queue();
    let id = keep(&queue, "one", &["a@x.example", "slow@x.example", "no@x.example"]);
    keep(&queue, "two", &["b@x.example"]);

    let told = run_with(&through(dead_address()), 2, &queue, &Which::Due, moment(0)).unwrap();
    let count = |start: &str| told.iter().filter(|event| event.starts_with(start)).count();
    assert_eq!((count("tried "), count("put off ")), (1, 1), "{told:?}");
    assert_eq!(queue.troubles().unwrap().len(), 1);

    let greylisting = receiver(&["slow@x.example=450 not yet", "no@x.example=550 nobody"]);
    run_with(&through(greylisting.address()), 2, &queue, &Which::Due, moment(400)).unwrap();
    let mut stored: Vec<_> = (0..2).map(|_| greylisting.next_stored(GENEROUS).unwrap()).collect();
    stored.sort_by_key(|stored| stored.octets.clone());
    for (stored, (word, to)) in stored.iter().zip([("one", "a@x.example"), ("two", "b@x.example")])
    {
        assert_eq!(stored.octets.as_deref(), Some(octets(&letter(word)).as_bytes()));
        assert_eq!(stored.to.len(), 1);
        assert_eq!(stored.to[0].path.to_string(), to);
    }
    assert!(queue.troubles().unwrap().is_empty());
    let state = queue.take(&id).unwrap().state;
    let fates: Vec<Fate> = state.to.iter().map(|it| it.fate).collect();
    assert_eq!(fates, [Fate::Accepted, Fate::Waiting, Fate::Reported]);
    assert_eq!(state.to[1].answer.as_ref().unwrap().to_string(), "450 4.2.1 not yet");

    let kind = receiver(&[]);
    run_with(&through(kind.address()), 2, &queue, &Which::Due, moment(401)).unwrap();
    assert_eq!(queue.take(&id).unwrap().state, state);
    let report = kind.next_stored(GENEROUS).unwrap();
    assert_eq!(report.from.to_string(), "<>");
    assert_eq!(report.to[0].path.to_string(), "a@client.example");
    run_with(&through(kind.address()), 2, &queue, &Which::Due, moment(10_000)).unwrap();
    let stored = kind.next_stored(GENEROUS).unwrap();
    assert_eq!(stored.octets.as_deref(), Some(octets(&letter("one")).as_bytes()));
    assert_eq!(stored.to.len(), 1);
    assert_eq!(stored.to[0].path.to_string(), "slow@x.example");

    let happened = queue.journal(Some(&id)).unwrap();
    let to_slow: Vec<Happening> = happened
        .iter()
        .filter(|line| line.to.iter().any(|to| to == "slow@x.example"))
        .map(|line| line.what)
        .collect();
    // Whichever of the two found nobody there.
    assert!(to_slow.ends_with(&[Happening::Deferred, Happening::Accepted]), "{to_slow:?}");
}

#[test]
fn a_run_that_is_stopped_notes_who_has_the_message() {
    //
    let spool = Spool::new();
    let queue = spool.queue();
    let id = keep(&queue, "one", &["a@x.example", "b@x.example"]);
    let interrupt = Interrupt::default();
    let signal = interrupt.cell();
    let server = Scripted::once(move |peer| {
        peer.greet(&[]);
        for reply in ["250 ok\r\n", "250 ok\r\n", "354 go\r\n"] {
            peer.line();
            peer.say(reply);
        }
        peer.content();
        signal.store(2, Ordering::Relaxed);
        peer.say("250 ok\r\n");
    });
    let way = hop(server.endpoint(Security::Cleartext));
    let way = Hop { max_recipients: Some(1), ..way };
    let told = run_with(&Through(way, interrupt), 1, &queue, &Which::Due, moment(0)).unwrap();
    assert_eq!(told, [""; 0]);
    server.finish();
    let state = queue.take(&id).unwrap().state;
    assert_eq!((state.with(Fate::Accepted), state.waiting()), (vec![0], vec![1]));
    let happened = queue.journal(Some(&id)).unwrap();
    assert_eq!(happened.len(), 1, "{happened:?}");
    assert_eq!(happened[0].what, Happening::Accepted);
    assert_eq!(happened[0].to, ["a@x.example"]);

    let sink = receiver(&[]);
    run_with(&through(sink.address()), 1, &queue, &Which::Due, moment(0)).unwrap();
    let to = sink.next_stored(GENEROUS).unwrap().to;
    assert_eq!(to.iter().map(|to| to.path.to_string()).collect::<Vec<_>>(), ["b@x.example"]);
    assert!(spool.names().is_empty(), "{:?}", spool.names());
}
