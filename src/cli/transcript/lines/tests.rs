use super::*;
use crate::cli::transcript::Transcript;
use crate::net::{CertificateFault, Endpoint, Place, Security};
use crate::sasl::Secret;
use crate::session::Observer as _;
use crate::smtp::Protocol;
use std::time::Duration;

/// What `-v` shows of it.
fn drawn(events: Vec<Event<'_>>) -> String {
    drawn_with(Detail::default(), events)
}

fn drawn_with(detail: Detail, events: Vec<Event<'_>>) -> String {
    let mut text = Vec::new();
    let mut transcript = Transcript { shows_secrets: detail.has_secrets, ..Transcript::default() };
    transcript.add_lines(&mut text, detail);
    for event in events {
        transcript.event(event);
    }
    drop(transcript);
    String::from_utf8(text).unwrap()
}

const FULL: Detail = Detail { is_full: true, has_wire: false, has_secrets: false };

fn received(reply: &Reply, hoped_for: bool) -> Event<'_> {
    let after = Duration::from_millis(13);
    Event::Received { reply, phase: Phase::Hello, recipient: None, hoped_for, after }
}

fn facts() -> TlsFacts {
    TlsFacts {
        version: "TLS 1.3".into(),
        cipher: "TLS_AES_256_GCM_SHA384".into(),
        group: Some("X25519".into()),
        resumed: false,
        client: ClientAuth::NotAsked,
        fault: None,
        further_faults: Vec::new(),
        ends_first: None,
        certificate: None,
        chain: Vec::new(),
    }
}

#[test]
fn a_session_reads_as_swaks_users_expect() {
    let name = "h.example".parse().unwrap();
    let offer = Reply::new(250, "STARTTLS\n8BITMIME").unwrap();
    let refusal = Reply::new(550, "no \u{1b}[31muser").unwrap();
    let text = drawn(vec![
        Event::Sent(&Command::Ehlo(&name)),
        received(&offer, true),
        received(&refusal, false),
        Event::ContentSent { octets: 7 },
    ]);
    let expected = " -> EHLO h.example\n<-  250-STARTTLS\n<-  250 8BITMIME\n\
                    <** 550 no \\x1b[31muser\n -> 7 octets sent, then .\n";
    assert_eq!(text, expected);
}

#[test]
fn the_times_of_answers_and_of_an_attempt_are_told_in_full_only() {
    let offer = Reply::new(250, "hi").unwrap();
    let events = || {
        let waited = |phase, ms| Event::Waited(phase, Duration::from_millis(ms));
        vec![
            waited(Phase::Connect, 2),
            waited(Phase::Rcpt, 10),
            waited(Phase::Rcpt, 5),
            received(&offer, true),
            Event::Ended,
            waited(Phase::Connect, 7),
            Event::Ended,
            // Nothing was waited for.
            Event::Ended,
        ]
    };
    assert_eq!(drawn(events()), "<-  250 hi\n");
    assert_eq!(
        drawn_with(FULL, events()),
        "=== response in 0.013s\n<-  250 hi\n\
         === timings: connect 0.002s, rcpt 0.015s\n=== timings: connect 0.007s\n"
    );
}

#[test]
fn what_is_said_on_an_open_connection_is_drawn_as_it_is_protected() {
    let place = Place::Tcp { host: Host::Name("h.example".to_owned()), port: 465 };
    let security = Security::Implicit;
    let endpoint = Endpoint { place, protocol: Protocol::Smtp, security };
    let text = drawn(vec![
        Event::GoingOn(&endpoint, Some(&facts())),
        Event::Sent(&Command::Quit),
        Event::GoingOn(&endpoint, None),
        Event::Sent(&Command::Quit),
    ]);
    let expected = "=== Still connected to h.example.\n ~> QUIT\n\
                    === Still connected to h.example.\n -> QUIT\n";
    assert_eq!(text, expected);
}

#[test]
fn tls_is_told_briefly_or_in_full() {
    let certified = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
    let summary = Summary::read(certified.cert.der()).unwrap();
    let hostile = Summary {
        subject: "CN=\u{1b}]0;x\u{7}".to_owned(),
        names: vec!["a\u{202e}b".to_owned(), "c\r\n*** d".to_owned()],
        ..summary.clone()
    };
    let mut facts = TlsFacts { chain: vec![summary.clone(), hostile], ..facts() };
    assert_eq!(
        drawn(vec![Event::Secured(&facts)]),
        "=== TLS 1.3 started, cipher TLS_AES_256_GCM_SHA384\n=== server certificate verified\n"
    );
    let full = drawn_with(FULL, vec![Event::Secured(&facts)]);
    let lines: Vec<&str> = full.lines().collect();
    assert_eq!(lines.len(), 2 + 2 * 6 + 2, "{full}");
    assert_eq!(lines[1], "=== full handshake, key exchange X25519");
    assert_eq!(lines[4], "=== peer[0] names=[a.example]");
    assert_eq!(lines[6], format!("=== peer[0] sha256=[{}]", summary.sha256.hex()));
    assert_eq!(lines[7], format!("=== peer[0] spki-sha256=[{}]", summary.spki_sha256.base64()));
    assert_eq!(lines[8], r"=== peer[1] subject=[CN=\x1b]0;x\x07]");
    assert_eq!(lines[10], r"=== peer[1] names=[a\u{202e}b, c\x0d\x0a*** d]");
    assert_eq!(lines[14], "=== client certificate not asked for");
    facts.resumed = true;
    facts.fault = Some(CertificateFault::SelfSigned);
    let full = drawn_with(FULL, vec![Event::Secured(&facts)]);
    assert!(full.contains("=== resumed session, key exchange X25519\n"), "{full}");
    assert!(full.ends_with("; going on all the same\n") && full.contains("\n*** "), "{full}");
}

#[test]
fn no_secret_is_drawn_unless_that_is_asked_for() {
    let secret = Secret::new("\0tim\0tanstaaf");
    let command = Command::Auth { mechanism: "PLAIN", initial: Some(&secret) };
    let response = Command::AuthResponse(&secret);
    let events = || {
        let openly = Event::SignIn(Side::Client, "\0tim\0***");
        vec![Event::Sent(&command), openly, Event::Sent(&response)]
    };
    assert_eq!(drawn(events()), " -> AUTH PLAIN ***\n -> ***\n");
    assert_eq!(
        drawn_with(FULL, events()),
        " -> AUTH PLAIN ***\n=== auth client=[\\x00tim\\x00***]\n -> ***\n"
    );
    assert_eq!(
        drawn_with(Detail { has_secrets: true, ..Detail::default() }, events()),
        " -> AUTH PLAIN AHRpbQB0YW5zdGFhZg==\n -> AHRpbQB0YW5zdGFhZg==\n"
    );
}

#[test]
fn a_line_of_the_message_stays_one_wherever_blocks_are_cut() {
    let message = "é: 1\r\n\r\n..\r\nno end".as_bytes();
    let whole = " -> é: 1\n -> \n -> ..\n -> no end\n -> .\n=== 18 octets sent\n";
    for cut in 0..=message.len() {
        let (first, second) = message.split_at(cut);
        let (first, second) = (Event::Octets(first), Event::Octets(second));
        let text = drawn_with(FULL, vec![first, second, Event::ContentSent { octets: 18 }]);
        assert_eq!(text, whole, "cut at {cut}");
    }
    assert_eq!(drawn(vec![Event::Octets(message)]), "");
}

#[test]
fn a_dump_shows_the_message_where_the_message_is_shown() {
    let wire =
        |phase, octets: Option<&'static [u8]>| Event::Wire { side: Side::Client, phase, octets };
    let events = || {
        vec![
            wire(Phase::Data, Some(b"DATA\r\n")),
            wire(Phase::Content, Some(b".\r\n")),
            wire(Phase::Auth, None),
            Event::Wire { side: Side::Server, phase: Phase::Data, octets: Some(b"\x1b[H") },
        ]
    };
    let data = "  > 0000: 44 41 54 41  0D 0A                                    DATA..          \n";
    let dot = "  > 0000: 2E 0D 0A                                              ...             \n";
    let said = "<   0000: 1B 5B 48                                              .[H             \n";
    let brief = Detail { has_wire: true, ..Detail::default() };
    assert_eq!(drawn_with(brief, events()), format!("{data}  > ***\n{said}"));
    let full = Detail { is_full: true, ..brief };
    assert_eq!(drawn_with(full, events()), format!("{data}{dot}  > ***\n{said}"));
    assert_eq!(drawn_with(FULL, events()), "");
}

#[test]
fn each_event_is_one_write() {
    struct Counting<'c>(&'c mut usize);
    impl Write for Counting<'_> {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            *self.0 += 1;
            Ok(octets.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut writes = 0;
    let mut transcript = Transcript::default();
    transcript.add_lines(Counting(&mut writes), FULL);
    let offer = Reply::new(250, "a\nb\nc").unwrap();
    transcript.event(received(&offer, true));
    transcript.event(Event::Octets(b"a\r\nb\r\n"));
    transcript.event(Event::Closed);
    drop(transcript);
    assert_eq!(writes, 3);
}

#[test]
fn what_cannot_be_written_is_told_once_and_keeps_nobody_else_from_it() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut text = Vec::new();
    let mut transcript = Transcript::default();
    transcript.add_lines(Full, FULL);
    transcript.add_lines(Full, FULL);
    transcript.add_lines(&mut text, Detail::default());
    transcript.event(Event::Closed);
    let problems = transcript.problems();
    assert!(matches!(&problems[..], [one] if one.starts_with("the transcript is incomplete: ")));
    assert!(!transcript.wants_octets(), "nobody is left who shows them");
    drop(transcript);
    assert_eq!(text, b"=== Connection closed with remote host.\n");
}
