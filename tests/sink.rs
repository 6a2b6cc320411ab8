//! The embedded receiver, spoken to octet by octet over loopback.
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a client of our own, and a watch"
)]

#[path = "sink/chunks.rs"]
mod chunks;
#[path = "sink/leaving.rs"]
mod leaving;
#[path = "sink/proxied.rs"]
mod proxied;
#[path = "sink/ruled.rs"]
mod ruled;
#[path = "sink/signing_in.rs"]
mod signing_in;
#[path = "sink/stores.rs"]
mod stores;
#[path = "sink/turnarounds.rs"]
mod turnarounds;

use envoi::sink::{Encryption, Event, Listen, Offer, Policy, Refusal, Settings, Sink, Stored};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(10);

/// A client that writes what it is told and reads whole replies.
struct Client<S> {
    stream: S,
    read: Vec<u8>,
}

impl Client<TcpStream> {
    fn connect(sink: &Sink) -> Self {
        let stream = TcpStream::connect(sink.address()).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Client { stream, read: Vec::new() }
    }

    /// Connects, reads the greeting and says EHLO.
    fn greeted(sink: &Sink) -> Self {
        let mut client = Client::connect(sink);
        assert_eq!(client.reply(), 220);
        assert_eq!(client.ask("EHLO client.example\r\n"), 250);
        client
    }

    fn secure(self, sink: &Sink) -> Client<StreamOwned<ClientConnection, TcpStream>> {
        assert!(self.read.is_empty());
        let mut roots = RootCertStore::empty();
        roots.add(sink.ca().clone()).unwrap();
        let config =
            ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(roots)
                .with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        Client { stream: StreamOwned::new(connection, self.stream), read: Vec::new() }
    }
}

impl<S: Read + Write> Client<S> {
    /// Writes in one piece, and reads one reply.
    fn ask(&mut self, text: &str) -> u16 {
        self.write(text.as_bytes());
        self.reply()
    }

    fn write(&mut self, octets: &[u8]) {
        self.stream.write_all(octets).unwrap();
        self.stream.flush().unwrap();
    }

    /// The code of the next reply, its last line read.
    fn reply(&mut self) -> u16 {
        loop {
            let line = self.line().expect("the sink closed the connection");
            if line.as_bytes()[3] == b' ' {
                return line[..3].parse().unwrap();
            }
        }
    }

    /// The next line without CRLF; `None` when the sink has closed.
    fn line(&mut self) -> Option<String> {
        loop {
            if let Some(at) = self.read.windows(2).position(|pair| pair == b"\r\n") {
                let line = String::from_utf8(self.read[..at].to_vec()).unwrap();
                self.read.drain(..at + 2);
                return Some(line);
            }
            let mut piece = [0; 4096];
            match self.stream.read(&mut piece).unwrap() {
                0 => return None,
                octets => self.read.extend_from_slice(&piece[..octets]),
            }
        }
    }
}

fn start(policy: Policy) -> Sink {
    Sink::start(Settings { policy, ..Settings::default() }).unwrap()
}

/// Everybody may sign in, in clear too.
fn open() -> Policy {
    Policy { cleartext_auth: true, ..Policy::default() }
}

fn stored(sink: &Sink) -> Stored {
    sink.next_stored(PATIENCE).expect("a message")
}

fn to(stored: &Stored) -> Vec<String> {
    stored.to.iter().map(|to| to.path.to_string()).collect()
}

/// Says MAIL and RCPT for one recipient.
fn begun(client: &mut Client<TcpStream>, parameters: &str) {
    assert_eq!(client.ask(&format!("MAIL FROM:<a@x.example>{parameters}\r\n")), 250);
    assert_eq!(client.ask("RCPT TO:<b@x.example>\r\n"), 250);
}

/// One message with everything in a group, by a client that does what
/// pipelining allows.
fn pipelined<S: Read + Write>(client: &mut Client<S>) {
    client.write(b"MAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nRCPT TO:<g@e.f>\r\nDATA\r\n");
    let codes: Vec<u16> = (0..4).map(|_| client.reply()).collect();
    assert_eq!(codes, [250, 250, 250, 354]);
    assert_eq!(client.ask("Subject: hi\r\n\r\nbody\r\n.\r\n"), 250);
}

#[test]
fn it_listens_on_loopback_unless_told_otherwise() {
    // RX-2
    assert_eq!(start(Policy::default()).address().ip(), IpAddr::from(Ipv4Addr::LOCALHOST));
}

#[test]
fn what_was_written_before_the_end_is_taken_still() {
    let sink = start(Policy::default());
    let clients: Vec<_> = (0..100).map(|_| Client::connect(&sink)).collect();
    let all = clients.into_iter().map(|mut client| {
        client.write(
            b"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<a@x.y>\r\nDATA\r\nx\r\n.\r\nMAIL FROM:<>\r\n",
        );
        client
    });
    let waiting: Vec<_> = all.collect();
    let events = sink.finish(PATIENCE);
    let taken = events.iter().filter(|event| matches!(event, Event::Stored(_))).count();
    assert_eq!(taken, waiting.len());
}

#[test]
fn a_group_in_one_segment_is_answered_in_order() {
    // RX-3
    let refuse = vec![Refusal::parse("bob@x.y=550 5.1.1 No such user").unwrap()];
    let sink = start(Policy { refuse, ..Policy::default() });
    let mut client = Client::greeted(&sink);
    client.write(
        b"MAIL FROM:<ann@x.y>\r\nRCPT TO:<a@x.y>\r\nRCPT TO:<bob@x.y>\r\nRCPT TO:<c@x.y>\r\nDATA\r\n",
    );
    let codes: Vec<u16> = (0..5).map(|_| client.reply()).collect();
    assert_eq!(codes, [250, 250, 550, 250, 354]);
    // 2920-3.1c: the next commands may stand right behind the dot.
    client.write(b"Subject: hi\r\n\r\n..dot\r\n.\r\nNOOP\r\nTURNIP\r\nQUIT\r\n");
    let codes: Vec<u16> = (0..4).map(|_| client.reply()).collect();
    assert_eq!(codes, [250, 250, 500, 221]);
    assert_eq!(client.line(), None);

    let message = stored(&sink);
    assert_eq!(message.from.to_string(), "<ann@x.y>");
    assert_eq!(to(&message), ["a@x.y", "c@x.y"]);
    assert_eq!(message.octets.as_deref(), Some(&b"Subject: hi\r\n\r\n.dot\r\n"[..]));
    assert_eq!(message.size, 21);
}

#[test]
fn a_thousand_recipients_in_one_write_are_all_taken() {
    let sink = start(Policy::default());
    let mut client = Client::greeted(&sink);
    let mut group = "MAIL FROM:<>\r\n".to_owned();
    for n in 0..1000 {
        write!(group, "RCPT TO:<recipient-number-{n}@example.org>\r\n").unwrap();
    }
    client.write(format!("{group}DATA\r\n").as_bytes());
    assert!((0..1001).all(|_| client.reply() == 250));
    assert_eq!(client.reply(), 354);
    assert_eq!(client.ask("x\r\n.\r\n"), 250);
    let message = stored(&sink);
    assert_eq!(message.to.len(), 1000);
    assert_eq!(message.to[999].path.to_string(), "recipient-number-999@example.org");
    assert_eq!(message.turnarounds, 5);
}

#[test]
fn smuggled_commands_stay_inside_a_message_that_is_refused() {
    // SEC-2, SEC-3, RX-8
    let sink = start(Policy::default());
    let mut client = Client::greeted(&sink);
    for end in [
        "\n.\n",
        "\r.\r",
        "\n.\r\n",
        "\r\n.\n",
        "\r.\r\n",
        "\r\n.\r",
        "\n\n.\n",
        "\r\n.\r\r\n",
        "\n.\r",
    ] {
        assert_eq!(client.ask("MAIL FROM:<a@b.c>\r\n"), 250);
        assert_eq!(client.ask("RCPT TO:<d@e.f>\r\n"), 250);
        assert_eq!(client.ask("DATA\r\n"), 354);
        let evil = "MAIL FROM:<evil@b.c>\r\nRCPT TO:<d@e.f>\r\nDATA\r\nevil\r\n";
        assert_eq!(client.ask(&format!("x{end}{evil}.\r\n")), 550, "{end:?}");
        // Nothing but that one reply.
        assert_eq!(client.ask("NOOP\r\n"), 250, "{end:?}");
    }
    assert!(!sink.events().try_iter().any(|event| matches!(event, Event::Stored(_))));
}

#[test]
fn commands_need_their_crlf() {
    // SEC-3
    let sink = start(Policy::default());
    let mut client = Client::greeted(&sink);
    assert_eq!(client.ask("NOOP\n"), 500);
    assert_eq!(client.ask("RSET\nVRFY a\r\nMAIL FROM:<>\r\n"), 250);
    assert_eq!(client.ask("MAIL FROM:<>\r\n"), 503);
}

#[test]
fn overlong_lines_are_refused_and_passed_over() {
    let sink = start(Policy::default());
    let mut client = Client::greeted(&sink);
    assert_eq!(client.ask(&format!("NOOP {}\r\n", "x".repeat(3_000))), 500);
    assert_eq!(client.ask(&format!("NOOP {}\r\n", "x".repeat(1_000_000))), 500);
    assert_eq!(client.ask("NOOP\r\n"), 250);
}

#[test]
fn a_message_over_the_limit_is_read_to_its_end_and_refused() {
    // 1870
    let sink = start(Policy { size_limit: Some(1000), ..Policy::default() });
    let mut client = Client::greeted(&sink);
    for (octets, code) in [(998, 250), (999, 552), (500_000, 552)] {
        assert_eq!(client.ask("MAIL FROM:<>\r\n"), 250);
        assert_eq!(client.ask("RCPT TO:<a@b.c>\r\n"), 250);
        assert_eq!(client.ask("DATA\r\n"), 354);
        assert_eq!(client.ask(&format!("{}\r\n.\r\n", "x".repeat(octets))), code, "{octets}");
    }
    assert_eq!(client.ask("MAIL FROM:<> SIZE=1001\r\n"), 552);
    assert_eq!(stored(&sink).size, 1000);
}

#[test]
fn content_is_eight_bit_clean_and_hashed_as_received() {
    // RX-8
    let sink = start(Policy::default());
    let mut client = Client::greeted(&sink);
    let every_octet: Vec<u8> = (0..=255).filter(|b| !b"\r\n".contains(b)).collect();
    client.write(b"MAIL FROM:<>\r\nRCPT TO:<a@b.c>\r\nDATA\r\n");
    let codes: Vec<u16> = (0..3).map(|_| client.reply()).collect();
    assert_eq!(codes, [250, 250, 354]);
    client.write(&[&every_octet[..], b"\r\n.\r\n"].concat());
    assert_eq!(client.reply(), 250);
    let message = stored(&sink);
    let content = [&every_octet[..], b"\r\n"].concat();
    let hash = ring::digest::digest(&ring::digest::SHA256, &content);
    let hash: Vec<String> = hash.as_ref().iter().map(|octet| format!("{octet:02x}")).collect();
    assert_eq!(message.octets, Some(content));
    assert_eq!(message.sha256(), hash.concat());
}

#[test]
fn a_silent_client_is_told_and_cut_off() {
    let idle = Duration::from_millis(100);
    let sink = Sink::start(Settings { idle, ..Settings::default() }).unwrap();
    let mut client = Client::greeted(&sink);
    client.write(b"NOO");
    assert_eq!(client.line().unwrap(), "421 4.4.2 Nothing came for too long");
    assert_eq!(client.line(), None);
}

#[test]
fn stopping_does_not_wait_for_clients() {
    let sink = start(Policy::default());
    let address = sink.address();
    let mut clients = [Client::greeted(&sink), Client::greeted(&sink)];
    let before = Instant::now();
    sink.stop();
    assert!(before.elapsed() < Duration::from_secs(30));
    assert_eq!(clients[0].line(), None);
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_server_without_extensions_can_be_had() {
    let sink = start(Policy { offer: Offer::nothing(), ..Policy::default() });
    let mut client = Client::connect(&sink);
    assert_eq!(client.reply(), 220);
    client.write(b"EHLO a\r\n");
    assert_eq!(client.line().unwrap(), "250 localhost greets a");
    assert_eq!(client.ask("STARTTLS\r\n"), 502);
    assert_eq!(client.ask("MAIL FROM:<> SIZE=1\r\n"), 555);
}

#[test]
fn over_lmtp_a_message_is_stored_for_those_who_take_it() {
    // 2033
    let rule = Refusal::parse("late@x.y=452 4.2.2 Full").unwrap();
    let policy = Policy { refuse_after_data: vec![rule], ..Policy::default() };
    let listen = vec![Listen::loopback(0, Encryption::StartTls).speaking_lmtp()];
    let sink = Sink::start(Settings { listen, policy, ..Settings::default() }).unwrap();
    let mut client = Client::connect(&sink);
    assert_eq!(client.reply(), 220);
    assert_eq!(client.ask("EHLO client.example\r\n"), 500);
    assert_eq!(client.ask("LHLO client.example\r\n"), 250);
    for (to, replies) in [
        (&["late@x.y", "a@x.y", "a@x.y"][..], &[452, 250, 250][..]),
        (&["late@x.y"], &[452]),
        (&["b@x.y"], &[250]),
    ] {
        assert_eq!(client.ask("MAIL FROM:<>\r\n"), 250);
        for path in to {
            assert_eq!(client.ask(&format!("RCPT TO:<{path}>\r\n")), 250);
        }
        assert_eq!(client.ask("DATA\r\n"), 354);
        client.write(b"Hello.\r\n.\r\n");
        for reply in replies {
            assert_eq!(client.reply(), *reply, "{to:?}");
        }
    }
    assert_eq!(client.ask("QUIT\r\n"), 221);
    let (mut stored, mut refused) = (Vec::new(), Vec::new());
    while let Ok(event) = sink.events().recv_timeout(PATIENCE) {
        match event {
            Event::Stored(message) => {
                assert_eq!(message.protocol, "LMTP");
                stored.push(to(&message));
            }
            Event::Refused { command, .. } => refused.push(command),
            Event::Closed { .. } => break,
            _ => {}
        }
    }
    assert_eq!(stored, [vec!["a@x.y", "a@x.y"], vec!["b@x.y"]]);
    let late = "(end of message for <late@x.y>)";
    assert_eq!(refused, ["(no command)", late, late]);
}
