//! Messages in chunks (RFC 3030): against the receiver, and against servers
//! that refuse in the middle, say nothing, or leave.
#![expect(clippy::disallowed_methods, reason = "one test watches the clock")]

mod harness;

use envoi::delivery::{Hop, Report};
use envoi::message::{Message, Source};
use envoi::net::{Endpoint, Roots, Security, TlsSettings};
use envoi::session::{Event, Observer};
use envoi::sink::{Encryption, Listen, Offer, Policy, Refusal, Settings, Sink, Storage};
use envoi::smtp::{Chunking, Protocol};
use harness::*;
use std::time::{Duration, Instant};

/// Octets of a chunk, all but the last.
const CHUNK: usize = 256 * 1024;
const OFFER: [&str; 2] = ["PIPELINING", "CHUNKING"];

fn in_chunks(endpoint: Endpoint) -> Hop {
    Hop { chunking: Chunking::On, ..hop(endpoint) }
}

fn to_server(server: &Scripted) -> Hop {
    in_chunks(server.endpoint(Security::Cleartext))
}

fn sink(policy: Policy, listen: Listen) -> Sink {
    let settings =
        Settings { listen: vec![listen], policy, storage: Storage::Memory, ..Settings::default() };
    Sink::start(settings).unwrap()
}

fn listening(protocol: Protocol, encryption: Encryption) -> Listen {
    Listen { address: "127.0.0.1:0".parse().unwrap(), protocol, encryption }
}

/// A message with dots at line beginnings, and about so many octets.
fn long_text(octets: usize) -> String {
    let lines = "A line of the message.\r\n.\r\n..x\r\nAnother, longer line of it.\r\n";
    format!("From: a@client.example\r\n\r\n{}", lines.repeat(octets / lines.len() + 1))
}

/// Reads one BDAT and its octets; says whether it was the last, and what they
/// were.
fn chunk(peer: &mut Peer) -> (bool, Vec<u8>) {
    let line = peer.expect("BDAT ");
    let mut words = line.split(' ').skip(1);
    let size: usize = words.next().unwrap().parse().unwrap();
    let octets = peer.take(size);
    assert_eq!(octets.len(), size);
    (words.next() == Some("LAST"), octets)
}

#[test]
fn a_small_message_costs_no_more_round_trips_than_by_data() {
    // RTT table, row C with CHUNKING in the order of the RFC; 3030-e
    let sink = sink(Policy::default(), listening(Protocol::Smtp, Encryption::StartTls));
    let hop = in_chunks(endpoint(sink.address(), Security::Cleartext));
    let report = deliver(&submission(&["a@x.y", "b@x.y"]), vec![hop]);
    assert!(words(&report).iter().all(|w| w.contains(" accepted 250")), "{report:?}");
    let stored = sink.next_stored(GENEROUS).unwrap();
    assert_eq!(stored.turnarounds, 5);
    assert!(stored.octets.unwrap().ends_with(b"\r\n\r\nHello.\r\n"));
}

#[test]
fn every_octet_arrives_however_the_channel_is_made() {
    // 3030-a, 5321-4.5.2: dots are not doubled. The sizes are those around which
    // chunks are cut.
    for (protocol, encryption, security) in [
        (Protocol::Smtp, Encryption::StartTls, Security::Cleartext),
        (Protocol::Smtp, Encryption::Implicit, Security::Implicit),
        (Protocol::Lmtp, Encryption::StartTls, Security::Cleartext),
    ] {
        for pipelining in [true, false] {
            let offer = Offer::default();
            let offer = if pipelining { offer } else { offer.without("PIPELINING").unwrap() };
            let sink = sink(Policy { offer, ..Policy::default() }, listening(protocol, encryption));
            for octets in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 40 * CHUNK + 77] {
                let mut text = long_text(octets).into_bytes();
                text.truncate(octets.saturating_sub(2));
                if octets > 1 {
                    text.extend_from_slice(if text.ends_with(b"\r") { b"\n\n" } else { b"\r\n" });
                }
                let source = Source::held(text.clone(), "test");
                let message = Message::as_is(source).unwrap();
                let size = message.facts().size;
                let roots = Roots { given: vec![sink.ca().clone()], ..Roots::default() };
                let endpoint = Endpoint { protocol, ..endpoint(sink.address(), security) };
                let hop = Hop {
                    tls: TlsSettings { roots, ..TlsSettings::default() },
                    ..in_chunks(endpoint)
                };
                let mut sent = Vec::new();
                std::io::Read::read_to_end(&mut message.open().unwrap(), &mut sent).unwrap();
                let report = deliver(&submission_of(&["a@x.y"], message), vec![hop]);
                let words = words(&report);
                assert!(words[0].contains(" accepted 250"), "{octets}: {report:?}");
                let stored = sink.next_stored(GENEROUS).unwrap();
                assert_eq!(stored.size, size);
                assert!(stored.octets.unwrap() == sent, "{protocol:?} {security:?} {octets}");
            }
        }
    }
}

#[test]
fn no_chunk_goes_before_the_last_recipient_is_answered() {
    // 3030-e
    let server = Scripted::once(|peer| {
        peer.greet(&OFFER);
        peer.answer(3, "250 ok\r\n250 ok\r\n");
        std::thread::sleep(Duration::from_millis(200));
        assert!(!peer.socket_has_octets(), "the message did not wait");
        peer.say("550 no\r\n");
        let (last, octets) = chunk(peer);
        assert!(last && octets.ends_with(b"\r\n\r\nHello.\r\n"));
        peer.say("250 ok\r\n");
        peer.expect("QUIT");
    });
    let report = deliver(&submission(&["a@x.y", "b@x.y"]), vec![to_server(&server)]);
    assert_eq!(words(&report), ["a@x.y accepted 250 ok", "b@x.y rejected 550 no"]);
    server.finish();
}

#[test]
fn where_nobody_is_to_get_it_no_chunk_goes() {
    // 3030-d, 5321-3.3a
    for (all_or_nothing, replies, expected) in [
        (false, "550 no\r\n450 later\r\n", ["rejected 550 no", "deferred 450 later"]),
        (true, "250 ok\r\n550 no\r\n", ["rejected withheld", "rejected 550 no"]),
    ] {
        let server = Scripted::once(move |peer| {
            peer.greet(&OFFER);
            peer.answer(3, format!("250 ok\r\n{replies}"));
            if all_or_nothing {
                peer.expect("RSET");
                peer.say("250 ok\r\n");
            }
            peer.expect("QUIT");
        });
        let hop = Hop { all_or_nothing, ..to_server(&server) };
        let report = deliver(&submission(&["a@x.y", "b@x.y"]), vec![hop]);
        let words: Vec<String> = words(&report).iter().map(|it| it[6..].to_owned()).collect();
        assert_eq!(words, expected);
        server.finish();
    }
}

#[test]
fn after_a_refused_chunk_comes_rset_and_no_other_chunk() {
    // 3030-c, with and without chunks that were out already
    for offer in [&OFFER[..], &OFFER[1..]] {
        let is_pipelined = offer.len() == 2;
        let server = Scripted::once(move |peer| {
            peer.greet(offer);
            if is_pipelined {
                peer.answer(2, "250 ok\r\n250 ok\r\n");
            } else {
                peer.answer(1, "250 ok\r\n");
                peer.answer(1, "250 ok\r\n");
            }
            assert!(!chunk(peer).0);
            peer.say("250 ok\r\n");
            assert!(!chunk(peer).0);
            peer.say("452 4.3.1 no room\r\n");
            let mut line = peer.line();
            while line.starts_with("BDAT ") {
                assert!(is_pipelined && !line.ends_with("LAST"), "{line}");
                peer.take(line[5..].parse().unwrap());
                peer.say("503 5.5.1 RSET comes first\r\n");
                line = peer.line();
            }
            assert_eq!(line, "RSET");
            peer.say("250 ok\r\n");
            peer.expect("QUIT");
        });
        let message = message(&long_text(5_000_000));
        let report = deliver(&submission_of(&["a@x.y"], message), vec![to_server(&server)]);
        assert_eq!(words(&report), ["a@x.y deferred 452 4.3.1 no room"]);
        server.finish();
    }
}

#[test]
fn a_refused_last_chunk_is_followed_by_rset_too() {
    // 3030-c
    let server = Scripted::once(|peer| {
        peer.greet(&OFFER);
        peer.answer(2, "250 ok\r\n250 ok\r\n");
        assert!(chunk(peer).0);
        peer.say("554 5.6.0 not this\r\n");
        peer.expect("RSET");
        peer.say("250 ok\r\n");
        peer.expect("QUIT");
    });
    let report = deliver(&submission(&["a@x.y"]), vec![to_server(&server)]);
    assert_eq!(words(&report), ["a@x.y rejected 554 5.6.0 not this"]);
    server.finish();
}

/// Whether the network takes a chunk in spite of a server that reads nothing is
/// left to the kernel: with so little room it does not.
fn refusing_while_it_is_written(is_secured: bool, before: usize, refusal: &'static str) -> Report {
    let identity = Identity::of(&["127.0.0.1"]);
    let config = identity.config.clone();
    let (done, is_done) = std::sync::mpsc::channel::<()>();
    let server = Scripted::once(move |peer| {
        peer.read_little();
        if is_secured {
            peer.secure(&config);
        }
        peer.greet(&OFFER);
        peer.answer(2, "250 ok\r\n250 ok\r\n");
        for _ in 0..before {
            assert!(!chunk(peer).0);
            peer.say("250 ok\r\n");
        }
        peer.take(1024);
        peer.say(refusal);
        let _ = is_done.recv_timeout(GENEROUS);
    });
    let security = if is_secured { Security::Implicit } else { Security::Cleartext };
    let roots = Roots { given: vec![identity.root.clone()], ..Roots::default() };
    let tls = TlsSettings { roots, ..TlsSettings::default() };
    let hop = Hop { tls, ..in_chunks(server.endpoint(security)) };
    // The kernel may take megabytes before a write has to wait.
    let message = message(&long_text(40_000_000));
    let report = deliver(&submission_of(&["a@x.y"], message), vec![hop]);
    drop(done);
    server.finish();
    report
}

#[test]
fn a_refusal_in_the_middle_of_a_chunk_is_read_and_told() {
    // 5321-3.3e, 5321-3.8. The server reads no more, which a refusal alone would
    // not allow it.
    let leaving = "421 4.3.2 shutting down\r\n";
    let too_big = "552 5.3.4 too big for me\r\n";
    for (is_secured, before, refusal, expected) in [
        (false, 0, leaving, "a@x.y deferred 421 4.3.2 shutting down"),
        (false, 3, leaving, "a@x.y deferred 421 4.3.2 shutting down"),
        (true, 0, leaving, "a@x.y deferred 421 4.3.2 shutting down"),
        (true, 3, leaving, "a@x.y deferred 421 4.3.2 shutting down"),
        (false, 0, too_big, "a@x.y rejected 552 5.3.4 too big for me"),
        (true, 3, too_big, "a@x.y rejected 552 5.3.4 too big for me"),
    ] {
        let begun = Instant::now();
        let report = refusing_while_it_is_written(is_secured, before, refusal);
        assert_eq!(words(&report), [expected], "{is_secured} {before}");
        // All waits of the harness last a minute.
        assert!(begun.elapsed() < GENEROUS / 2, "{is_secured} {before} {refusal}");
    }
}

#[test]
fn replies_that_come_while_a_chunk_is_written_do_not_stop_it() {
    // 3030-e: the client stands in a write when they come, in clear and under TLS.
    for is_secured in [false, true] {
        let identity = Identity::of(&["127.0.0.1"]);
        let config = identity.config.clone();
        let server = Scripted::once(move |peer| {
            peer.read_little();
            if is_secured {
                peer.secure(&config);
            }
            peer.greet(&OFFER);
            peer.answer(2, "250 ok\r\n250 ok\r\n");
            let (_, mut content) = chunk(peer);
            // By now the kernel takes no more.
            std::thread::sleep(Duration::from_secs(1));
            peer.say("250 the first\r\n");
            loop {
                let (last, octets) = chunk(peer);
                content.extend(octets);
                if last {
                    break;
                }
                peer.say("250 ok\r\n");
            }
            let text = long_text(9_000_000).into_bytes();
            assert!(content == text, "{}", content.len());
            peer.say("250 taken\r\n");
        });
        let security = if is_secured { Security::Implicit } else { Security::Cleartext };
        let roots = Roots { given: vec![identity.root.clone()], ..Roots::default() };
        let tls = TlsSettings { roots, ..TlsSettings::default() };
        let hop = Hop { tls, ..in_chunks(server.endpoint(security)) };
        let message = Message::as_is(Source::held(long_text(9_000_000), "test")).unwrap();
        let report = deliver(&submission_of(&["a@x.y"], message), vec![hop]);
        assert!(words(&report)[0].contains(" accepted "), "{:?}", words(&report));
        server.finish();
    }
}

#[test]
fn a_server_that_answers_no_chunk_before_many_have_come_is_waited_for() {
    // 3030-e: bounded, and no deadlock.
    let server = Scripted::once(|peer| {
        peer.greet(&OFFER);
        peer.answer(2, "250 ok\r\n250 ok\r\n");
        let whole = long_text(40 * CHUNK).len() / CHUNK;
        let (mut open, mut read) = (0, 0);
        while read < whole {
            assert!(!chunk(peer).0);
            (open, read) = (open + 1, read + 1);
            if open == 16 || read == whole {
                peer.say("250 ok\r\n".repeat(open));
                open = 0;
            }
        }
        assert!(chunk(peer).0);
        peer.say("250 ok\r\n");
    });
    let message = Message::as_is(Source::held(long_text(40 * CHUNK), "test")).unwrap();
    let report = deliver(&submission_of(&["a@x.y"], message), vec![to_server(&server)]);
    assert_eq!(words(&report), ["a@x.y accepted 250 ok"]);
    server.finish();
}

#[test]
fn a_message_that_fails_to_be_read_has_no_last_chunk() {
    // 5321-3.3d: the file shrinks once the envelope stands.
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), long_text(3_000_000)).unwrap();
    let path = file.path().to_owned();
    let server = Scripted::once(move |peer| {
        peer.greet(&OFFER);
        peer.answer(2, "");
        std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(1_000_000).unwrap();
        peer.say("250 ok\r\n250 ok\r\n");
        while chunk_or_end(peer).is_some_and(|last| {
            assert!(!last, "the message was ended");
            true
        }) {
            peer.say("250 ok\r\n");
        }
    });
    let message = Message::as_is(Source::open(file.path()).unwrap()).unwrap();
    let report = deliver(&submission_of(&["a@x.y"], message), vec![to_server(&server)]);
    let words = words(&report);
    assert!(words[0].contains("rejected Content: the message could not be read"), "{words:?}");
    server.finish();
}

/// Whether the next chunk is the last; `None` at the end of the connection.
fn chunk_or_end(peer: &mut Peer) -> Option<bool> {
    let line = peer.line();
    if line.is_empty() {
        return None;
    }
    let size = line.strip_prefix("BDAT ").expect("BDAT").split(' ').next().unwrap();
    peer.take(size.parse().unwrap());
    Some(line.ends_with(" LAST"))
}

#[test]
fn only_behind_a_whole_last_chunk_is_it_unknown_what_became_of_it() {
    // 5321-3.8r, 5321-4.1.1.4r: the server drops at any octet of its replies.
    let before = [(1, "250-hi\r\n250-PIPELINING\r\n250 CHUNKING\r\n"), (2, "250 ok\r\n250 ok\r\n")];
    let (first, last) = ("250 first\r\n", "250 last\r\n");
    let until: usize = before.iter().map(|(_, it)| it.len()).sum::<usize>() + first.len();
    for cut in 0..until + last.len() - 1 {
        let server = Scripted::once(move |peer| {
            peer.say("220 hi\r\n");
            let mut left = cut;
            for (commands, replies) in before {
                peer.answer(commands, &replies[..left.min(replies.len())]);
                if left < replies.len() {
                    return peer.hang_up();
                }
                left -= replies.len();
            }
            for reply in [first, last] {
                chunk(peer);
                peer.say(&reply[..left.min(reply.len())]);
                if left < reply.len() {
                    return peer.hang_up();
                }
                left -= reply.len();
            }
        });
        let message = message(&long_text(CHUNK));
        let report = deliver(&submission_of(&["a@x.y"], message), vec![to_server(&server)]);
        let words = words(&report);
        let expected = if cut >= until { "uncertain" } else { "deferred" };
        assert!(words[0].starts_with(&format!("a@x.y {expected}")), "cut {cut}: {words:?}");
        server.finish();
    }
}

#[test]
fn in_lmtp_each_recipient_has_its_answer_to_the_last_chunk() {
    // 2033
    let refusal = |rule: &str| vec![Refusal::parse(rule).unwrap()];
    let policy = Policy {
        refuse: refusal("b@x.y=550 5.1.1 no"),
        refuse_after_data: refusal("c@x.y=452 4.2.2 full"),
        ..Policy::default()
    };
    let sink = sink(policy, listening(Protocol::Lmtp, Encryption::StartTls));
    let endpoint =
        Endpoint { protocol: Protocol::Lmtp, ..endpoint(sink.address(), Security::Cleartext) };
    let message = message(&long_text(CHUNK));
    let size = message.facts().size;
    let to = submission_of(&["a@x.y", "b@x.y", "c@x.y"], message);
    let mut watch = Watch::default();
    let words = words(&observed(&to, vec![in_chunks(endpoint)], &mut watch));
    assert!(words[0].starts_with("a@x.y accepted 250 "), "{words:?}");
    assert_eq!(words[1..], ["b@x.y rejected 550 5.1.1 no", "c@x.y deferred 452 4.2.2 full"]);
    let chunks: Vec<_> = watch.0.iter().filter(|said| said.starts_with("BDAT ")).collect();
    assert_eq!(chunks.len(), 2, "{chunks:?}");
    assert!(chunks[1].ends_with(" LAST"), "{chunks:?}");
    let stored = sink.next_stored(GENEROUS).unwrap();
    assert_eq!((stored.size, stored.to.len()), (size, 1));
}

#[test]
fn what_nothing_asked_for_is_no_answer_to_a_chunk() {
    // 2920-3.1: replies are counted.
    for (said, expected) in [
        ("250 what?\r\n", "a@x.y rejected Chunk: the server answered out of turn"),
        ("550 what?\r\n", "a@x.y rejected Chunk: the server answered out of turn"),
        ("421 4.3.2 shutting down\r\n", "a@x.y deferred Chunk: the server answered 421"),
    ] {
        let server = Scripted::once(move |peer| {
            peer.greet(&OFFER);
            peer.answer(2, format!("250 ok\r\n250 ok\r\n{said}"));
            let rest = peer.rest();
            assert!(!rest.starts_with(b"BDAT"), "{}", rest.escape_ascii());
        });
        let report = deliver(&submission(&["a@x.y"]), vec![to_server(&server)]);
        assert!(words(&report)[0].starts_with(expected), "{:?}", words(&report));
        server.finish();
    }
}

/// What the transcript is told, but for octets.
#[derive(Default)]
struct Watch(Vec<String>);

impl Observer for Watch {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Sent(command) => self.0.push(command.to_string()),
            Event::ChunkSent { octets } => self.0.push(format!("({octets})")),
            Event::Noted(text) => self.0.push(format!("[{text}]")),
            _ => {}
        }
    }
}

#[test]
fn a_server_without_chunking_gets_the_message_by_data_and_that_is_said() {
    for (offer, chunking, by_bdat, is_noted) in [
        (Offer::default(), Chunking::On, true, false),
        (Offer::default(), Chunking::Auto, false, false),
        (Offer::default(), Chunking::Off, false, false),
        (Offer::nothing(), Chunking::On, false, true),
        (Offer::nothing(), Chunking::Auto, false, false),
    ] {
        let policy = Policy { offer, ..Policy::default() };
        let sink = sink(policy, listening(Protocol::Smtp, Encryption::StartTls));
        let mut watch = Watch::default();
        let hop = Hop { chunking, ..hop(endpoint(sink.address(), Security::Cleartext)) };
        let report = observed(&submission(&["a@x.y"]), vec![hop], &mut watch);
        assert!(words(&report)[0].contains(" accepted "), "{report:?}");
        let said = watch.0.join("; ");
        let octets = sink.next_stored(GENEROUS).unwrap().size;
        let bdat = format!("BDAT {octets} LAST; ({octets}); ");
        assert_eq!(said.contains(&bdat), by_bdat, "{said}");
        assert_eq!(said.contains("; DATA; "), !by_bdat, "{said}");
        assert_eq!(said.contains("does not offer CHUNKING"), is_noted, "{said}");
    }
}
