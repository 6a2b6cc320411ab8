//! The embedded receiver, spoken to octet by octet over loopback.
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a client of our own, and a watch"
)]

#[path = "sink/leaving.rs"]
mod leaving;
#[path = "sink/proxied.rs"]
mod proxied;
#[path = "sink/ruled.rs"]
mod ruled;

use envoi::sasl::server::Users;
use envoi::sasl::{Credentials, Secret};
use envoi::sink::{
    Encryption, Event, Listen, Offer, Policy, Refusal, Settings, Sink, Storage, Stored,
};
use proptest::prelude::*;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::path::Path;
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
fn a_maildir_gets_the_message_under_its_trace() {
    // RX-7
    let directory = tempfile::tempdir().unwrap();
    let storage = Storage::Maildir(directory.path().join("box"));
    let sink = Sink::start(Settings { storage, ..Settings::default() }).unwrap();
    let mut client = Client::greeted(&sink);
    for recipients in ["RCPT TO:<a@b.c>\r\n", "RCPT TO:<a@b.c>\r\nRCPT TO:<d@b.c>\r\n"] {
        client.write(format!("MAIL FROM:<x@y.z>\r\n{recipients}DATA\r\n").as_bytes());
        while client.reply() != 354 {}
        assert_eq!(client.ask("Subject: hi\r\n\r\nbody\r\n.\r\n"), 250);
    }
    // A message that is broken off leaves nothing.
    client.write(b"MAIL FROM:<>\r\nRCPT TO:<a@b.c>\r\nDATA\r\n");
    while client.reply() != 354 {}
    client.write(b"half a mess");
    drop(client);

    let (one, two) = (stored(&sink), stored(&sink));
    sink.stop();
    let read = |message: &Stored| std::fs::read_to_string(message.path.as_ref().unwrap()).unwrap();
    let text = read(&one);
    let (trace, content) = text.split_once("Subject:").unwrap();
    assert_eq!(content, " hi\n\nbody\n");
    let lines: Vec<&str> = trace.lines().collect();
    assert_eq!(lines[0], "Return-Path: <x@y.z>");
    assert_eq!(lines[1], "Envelope-To: <a@b.c>");
    assert_eq!(lines[2], "Received: from client.example ([127.0.0.1])");
    assert_eq!(lines[3], format!("\tby localhost with ESMTP id {}", one.id));
    assert_eq!(lines[4], "\tfor <a@b.c>;");
    let offset = &lines[5][lines[5].len() - 5..];
    assert!(offset.starts_with(['+', '-']) && offset[1..].bytes().all(|b| b.is_ascii_digit()));
    let two = read(&two);
    assert!(
        two.contains("\nEnvelope-To: <a@b.c>,\n\t<d@b.c>\nReceived: ") && !two.contains("for <")
    );
    let files =
        |folder| std::fs::read_dir(directory.path().join("box").join(folder)).unwrap().count();
    assert_eq!((files("new"), files("tmp"), files("cur")), (2, 0, 0));
}

/// A receiver with this store, and a client that has begun a message.
fn storing(storage: Storage) -> (Sink, Client<TcpStream>) {
    let sink = Sink::start(Settings { storage, ..Settings::default() }).unwrap();
    let client = Client::greeted(&sink);
    (sink, client)
}

fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn an_eml_file_has_the_octets_as_they_came_and_appears_when_it_is_whole() {
    // RX-7
    let directory = tempfile::tempdir().unwrap();
    let (sink, mut client) = storing(Storage::Eml(directory.path().to_owned()));
    begun(&mut client, "");
    assert_eq!(client.ask("DATA\r\n"), 354);
    let large = format!("Subject: x\r\n\r\n{}", "a line\r\n".repeat(50_000));
    client.write(large.as_bytes());
    // What is written up to now is called otherwise.
    let is_there = |names: Vec<String>| names.iter().any(|name| name.starts_with('.'));
    let until = Instant::now() + PATIENCE;
    while !is_there(names(directory.path())) && Instant::now() < until {
        std::thread::yield_now();
    }
    assert_eq!(names(directory.path()).len(), 1);
    assert!(is_there(names(directory.path())));
    assert_eq!(client.ask(".\r\n"), 250);
    let message = stored(&sink);
    let expected = format!("{}.eml", message.id);
    assert_eq!(names(directory.path()), [expected]);
    let file = std::fs::read_to_string(message.path.unwrap()).unwrap();
    assert_eq!(file, format!("{}{large}", message.trace));
}

#[test]
fn what_is_broken_off_leaves_nothing_in_any_store() {
    let directory = tempfile::tempdir().unwrap();
    let [mbox, eml] = ["box", "eml"].map(|name| directory.path().join(name));
    for storage in [Storage::Mbox(mbox.clone()), Storage::Eml(eml.clone())] {
        let (sink, mut client) = storing(storage);
        begun(&mut client, "");
        assert_eq!(client.ask("DATA\r\n"), 354);
        client.write("x\r\n".repeat(200_000).as_bytes());
        drop(client);
        sink.finish(PATIENCE);
    }
    let mut left = names(directory.path());
    left.sort();
    assert_eq!(left, ["box", "eml"]);
    assert_eq!(std::fs::read(mbox).unwrap(), b"");
    assert_eq!(names(&eml), Vec::<String>::new());
}

#[test]
fn many_clients_fill_one_mailbox_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let mbox = directory.path().join("box");
    let (sink, _client) = storing(Storage::Mbox(mbox.clone()));
    // Small ones wait in memory, large ones in a file.
    let text = |number: usize| format!("{number}\r\n").repeat([10, 100_000][number % 2]);
    std::thread::scope(|scope| {
        for number in 0..8 {
            let mut client = Client::greeted(&sink);
            scope.spawn(move || {
                for _ in 0..5 {
                    begun(&mut client, "");
                    assert_eq!(client.ask("DATA\r\n"), 354);
                    client.write(text(number).as_bytes());
                    assert_eq!(client.ask(".\r\n"), 250);
                }
            });
        }
    });
    let mailbox = envoi::mbox::Reader::new(mbox).fresh().unwrap();
    let mut contents: Vec<String> = mailbox
        .into_iter()
        .map(|message| {
            let message = String::from_utf8(message).unwrap();
            let (trace, _) = message.match_indices(" +0000\n").next().expect("a trace");
            message[trace + 7..].to_owned()
        })
        .collect();
    let mut expected: Vec<String> =
        (0..8).flat_map(|number| vec![text(number).replace('\r', ""); 5]).collect();
    contents.sort();
    expected.sort();
    assert!(contents == expected);
    assert_eq!(names(directory.path()), ["box"]);
}

#[test]
fn of_clients_that_end_at_the_same_time_no_more_are_taken_than_were_to_be() {
    let most_messages = Some(5);
    let sink = Sink::start(Settings { most_messages, ..Settings::default() }).unwrap();
    let waiting = (0..16).map(|_| {
        let mut client = Client::greeted(&sink);
        begun(&mut client, "");
        assert_eq!(client.ask("DATA\r\n"), 354);
        client
    });
    let waiting: Vec<_> = waiting.collect();
    let mut codes: Vec<u16> = std::thread::scope(|scope| {
        let ends = waiting.into_iter().map(|mut client| scope.spawn(move || client.ask(".\r\n")));
        let ends: Vec<_> = ends.collect();
        ends.into_iter().map(|end| end.join().unwrap()).collect()
    });
    codes.sort_unstable();
    assert_eq!(codes, [&[250; 5][..], &[452; 11]].concat());
    assert_eq!(Client::greeted(&sink).ask("MAIL FROM:<>\r\n"), 452);
    let taken = sink.finish(PATIENCE);
    assert_eq!(taken.iter().filter(|event| matches!(event, Event::Stored(_))).count(), 5);
}

#[test]
fn what_is_refused_or_cannot_be_kept_is_not_counted() {
    let directory = tempfile::tempdir().unwrap();
    let policy = Policy { size_limit: Some(10), ..Policy::default() };
    let storage = Storage::Eml(directory.path().join("eml"));
    let settings = Settings { policy, storage, most_messages: Some(1), ..Settings::default() };
    let sink = Sink::start(settings).unwrap();
    let mut client = Client::greeted(&sink);
    let mut send = |text: &str| {
        begun(&mut client, "");
        assert_eq!(client.ask("DATA\r\n"), 354);
        client.ask(&format!("{text}\r\n.\r\n"))
    };
    assert_eq!(send("larger than that"), 552);
    assert_eq!(send("a\rb"), 550);
    std::fs::remove_dir(directory.path().join("eml")).unwrap();
    assert_eq!(send("x"), 451);
    std::fs::create_dir(directory.path().join("eml")).unwrap();
    assert_eq!(send("x"), 250);
}

#[test]
fn a_message_that_cannot_be_written_is_read_to_its_end_and_deferred() {
    let directory = tempfile::tempdir().unwrap();
    let storage = Storage::Maildir(directory.path().to_owned());
    let sink = Sink::start(Settings { storage, ..Settings::default() }).unwrap();
    std::fs::remove_dir(directory.path().join("tmp")).unwrap();
    let mut client = Client::greeted(&sink);
    client.write(b"MAIL FROM:<>\r\nRCPT TO:<a@b.c>\r\nDATA\r\n");
    while client.reply() != 354 {}
    assert_eq!(client.ask("QUIT\r\n.\r\n"), 451);
    assert_eq!(client.ask("NOOP\r\n"), 250);
    let failed = |event| matches!(event, Event::Failed { doing: "writing a message", .. });
    assert!(sink.events().try_iter().any(failed));
}

#[test]
fn starttls_begins_anew_and_drops_what_was_sent_in_clear() {
    // RX-3, RX-6, 3207-4.2
    let sink = start(Policy::default());
    let mut client = Client::greeted(&sink);
    client.write(b"STARTTLS\r\nMAIL FROM:<evil@x.y>\r\nRSET\r\n");
    assert_eq!(client.reply(), 220);
    let mut client = client.secure(&sink);
    assert_eq!(client.ask("MAIL FROM:<a@b.c>\r\n"), 503);
    client.write(b"EHLO client.example\r\n");
    let mut offered = Vec::new();
    loop {
        let line = client.line().unwrap();
        offered.push(line[4..].to_owned());
        if line.starts_with("250 ") {
            break;
        }
    }
    assert!(
        offered.iter().any(|line| line.starts_with("AUTH PLAIN LOGIN CRAM-MD5")),
        "{offered:?}"
    );
    assert!(!offered.contains(&"STARTTLS".to_owned()), "{offered:?}");
    assert_eq!(client.ask("STARTTLS\r\n"), 503);
    assert_eq!(client.ask("QUIT\r\n"), 221);
    assert_eq!(client.line(), None);
    let dropped = sink.events().try_iter().find_map(|event| match event {
        Event::PlaintextAfterStartTls { octets, .. } => Some(octets),
        _ => None,
    });
    assert_eq!(dropped, Some(28));
}

#[test]
fn all_three_mechanisms_sign_in() {
    // RX-5
    let tim = Credentials { user: "tim".into(), password: Secret::new("tanstaaftanstaaf") };
    let users = Users::Only(vec![tim]);
    let sink = start(Policy { users, require_auth: true, ..open() });
    let mut client = Client::greeted(&sink);
    assert_eq!(client.ask("MAIL FROM:<>\r\n"), 530);
    assert_eq!(client.ask("AUTH PLAIN AHRpbQB3cm9uZw==\r\n"), 535);
    assert_eq!(client.ask("AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n"), 235);
    assert_eq!(client.ask("MAIL FROM:<>\r\n"), 250);

    let mut client = Client::greeted(&sink);
    assert_eq!(client.ask("AUTH LOGIN\r\n"), 334);
    assert_eq!(client.ask("dGlt\r\n"), 334);
    assert_eq!(client.ask("dGFuc3RhYWZ0YW5zdGFhZg==\r\n"), 235);

    let mut client = Client::greeted(&sink);
    client.write(b"AUTH CRAM-MD5\r\n");
    let challenge = client.line().unwrap();
    let challenge = encodify::base64::STANDARD.decode(&challenge[4..]).unwrap();
    let answer = hmac_md5(b"tanstaaftanstaaf", &challenge);
    let answer = encodify::base64::STANDARD.encode(format!("tim {answer}"));
    assert_eq!(client.ask(&format!("{answer}\r\n")), 235);

    let refused: Vec<String> = sink
        .events()
        .try_iter()
        .filter_map(|event| match event {
            Event::Refused { command, .. } => Some(command),
            _ => None,
        })
        .collect();
    assert_eq!(refused, ["MAIL FROM:<>", "AUTH PLAIN ***"]);
}

fn hmac_md5(key: &[u8], message: &[u8]) -> String {
    use hmac::{Hmac, Mac};
    let mut mac = <Hmac<md5::Md5> as Mac>::new_from_slice(key).unwrap();
    mac.update(message);
    format!("{:x}", mac.finalize().into_bytes())
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
fn turnarounds_are_those_of_the_table() {
    // RX-10, RTT-1 row B
    let listen =
        vec![Listen::loopback(0, Encryption::StartTls), Listen::loopback(0, Encryption::Implicit)];
    let sink = Sink::start(Settings { listen, ..Settings::default() }).unwrap();
    let plain = "AUTH PLAIN AHgAeQ==\r\n";

    let mut client = Client::greeted(&sink);
    pipelined(&mut client);
    assert_eq!(stored(&sink).turnarounds, 5, "cleartext without AUTH");
    pipelined(&mut client);
    assert_eq!(stored(&sink).turnarounds, 2, "a second message, RTT-7");

    let mut client = Client::greeted(&sink);
    assert_eq!(client.ask("STARTTLS\r\n"), 220);
    let mut client = client.secure(&sink);
    assert_eq!(client.ask("EHLO client.example\r\n"), 250);
    assert_eq!(client.ask(plain), 235);
    pipelined(&mut client);
    let message = stored(&sink);
    assert_eq!(message.turnarounds, 9, "STARTTLS and AUTH PLAIN");
    assert_eq!(message.protocol, "ESMTPSA");
    assert_eq!(message.tls, Some("TLS 1.3"));
    assert_eq!(message.user.as_deref(), Some("x"));

    let socket = TcpStream::connect(sink.addresses()[1]).unwrap();
    let mut client = Client { stream: socket, read: Vec::new() }.secure(&sink);
    assert_eq!(client.reply(), 220);
    assert_eq!(client.ask("EHLO client.example\r\n"), 250);
    assert_eq!(client.ask(plain), 235);
    pipelined(&mut client);
    assert_eq!(stored(&sink).turnarounds, 7, "implicit TLS and AUTH PLAIN");
}

#[test]
fn turnarounds_of_a_client_in_lock_step() {
    // RX-10, row A and RTT-3
    let sink = start(open());
    let mut client = Client::greeted(&sink);
    for line in ["AUTH LOGIN\r\n", "eA==\r\n", "eQ==\r\n"] {
        client.ask(line);
    }
    for line in ["MAIL FROM:<>\r\n", "RCPT TO:<a@b.c>\r\n", "DATA\r\n", "x\r\n.\r\n"] {
        client.ask(line);
    }
    assert_eq!(stored(&sink).turnarounds, 7 + 3);
    // A line that comes in two parts is one flight.
    let mut client = Client::greeted(&sink);
    client.write(b"MAIL FR");
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(client.ask("OM:<>\r\n"), 250);
    for line in ["RCPT TO:<a@b.c>\r\n", "DATA\r\n", "x\r\n.\r\n"] {
        client.ask(line);
    }
    assert_eq!(stored(&sink).turnarounds, 7);
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
fn one_run_asks_for_the_password_made_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let settings = Settings::for_one_run(directory.path().into(), "run", Secret::new("y"));
    let sink = Sink::start(settings).unwrap();
    let mut client = Client::greeted(&sink);
    assert_eq!(client.ask("MAIL FROM:<>\r\n"), 530);
    assert_eq!(client.ask("AUTH PLAIN AHJ1bgB5\r\n"), 538);
    assert_eq!(client.ask("STARTTLS\r\n"), 220);
    let mut client = client.secure(&sink);
    assert_eq!(client.ask("EHLO a\r\n"), 250);
    assert_eq!(client.ask("AUTH PLAIN AHJ1bgB6\r\n"), 535);
    assert_eq!(client.ask("AUTH PLAIN AHJ1bgB5\r\n"), 235);
    pipelined(&mut client);
    assert!(stored(&sink).path.unwrap().starts_with(directory.path()));
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

/// Says MAIL and RCPT for one recipient.
fn begun(client: &mut Client<TcpStream>, parameters: &str) {
    assert_eq!(client.ask(&format!("MAIL FROM:<a@x.example>{parameters}\r\n")), 250);
    assert_eq!(client.ask("RCPT TO:<b@x.example>\r\n"), 250);
}

#[test]
fn the_octets_of_a_refused_chunk_are_no_commands() {
    // RX-4
    let sink = start(open());
    let mut client = Client::greeted(&sink);
    client.write(b"BDAT 12 LAST\r\nNOOP\r\nNOOP\r\nVRFY x\r\n");
    assert_eq!((client.reply(), client.reply()), (503, 252));
    // A size that nobody knows: what follows is read by nobody.
    client.write(b"BDAT x LAST\r\nNOOP\r\nNOOP\r\n");
    assert_eq!(client.reply(), 501);
    assert_eq!(client.line(), None);
}

#[test]
fn a_chunk_beyond_every_limit_is_refused_without_being_kept() {
    // RX-4: the client sends it all the same.
    let sink = start(Policy { size_limit: Some(1000), ..open() });
    let mut client = Client::greeted(&sink);
    begun(&mut client, "");
    client.write(b"BDAT 30000000 LAST\r\n");
    for _ in 0..30 {
        client.write(&b"x".repeat(1_000_000));
    }
    assert_eq!(client.reply(), 552);
    client.write(b"BDAT 3\r\nabcBDAT 0 LAST\r\nRSET\r\n");
    assert_eq!((client.reply(), client.reply(), client.reply()), (503, 503, 250));
    begun(&mut client, "");
    client.write(b"BDAT 4 LAST\r\na\r\nb");
    assert_eq!(client.reply(), 250);
    assert_eq!(stored(&sink).octets.unwrap(), b"a\r\nb");
}

#[test]
fn what_rset_has_ended_is_in_no_message() {
    // 3030-c, RX-4
    let sink = start(open());
    let mut client = Client::greeted(&sink);
    for end in ["RSET\r\n", "EHLO client.example\r\n"] {
        begun(&mut client, "");
        client.write(format!("BDAT 5\r\nfirst{end}").as_bytes());
        assert_eq!((client.reply(), client.reply()), (250, 250));
        begun(&mut client, "");
        client.write(b"BDAT 6\r\nsecondBDAT 0 LAST\r\n");
        assert_eq!((client.reply(), client.reply()), (250, 250));
        assert_eq!(stored(&sink).octets.unwrap(), b"second");
    }
}

#[test]
fn lines_in_chunks_end_in_crlf_unless_they_are_binary() {
    // 3030-a, 3030-g
    for (parameters, content, is_taken) in [
        ("", &b"a\r\nb"[..], true),
        ("", b"a\nb", false),
        (" BODY=8BITMIME", b"a\rb\r\n", false),
        (" BODY=BINARYMIME", b"a\nb\rc\0\r\r\n\n.\r\n\xff", true),
    ] {
        let sink = start(open());
        let mut client = Client::greeted(&sink);
        begun(&mut client, parameters);
        client.write(&[format!("BDAT {} LAST\r\n", content.len()).as_bytes(), content].concat());
        assert_eq!(client.reply(), if is_taken { 250 } else { 550 }, "{}", content.escape_ascii());
        if is_taken {
            assert_eq!(stored(&sink).octets.unwrap(), content);
        }
    }
}

#[test]
fn binary_is_in_its_file_as_it_came() {
    // 3030-g
    let directory = tempfile::tempdir().unwrap();
    let storage = Storage::Maildir(directory.path().to_owned());
    let policy = open();
    let sink = Sink::start(Settings { policy, storage, ..Settings::default() }).unwrap();
    let mut client = Client::greeted(&sink);
    begun(&mut client, " BODY=BINARYMIME");
    client.write(b"BDAT 6 LAST\r\na\nb\rc\0");
    assert_eq!(client.reply(), 250);
    let file = std::fs::read(stored(&sink).path.unwrap()).unwrap();
    assert!(file.ends_with(b"\r\na\nb\rc\0"), "{}", file.escape_ascii());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn wherever_chunks_are_cut_the_same_is_stored(
        content in proptest::collection::vec(
            proptest::sample::select(b"\r\n.a\0\xe9 BDATLS0".to_vec()), 0..200),
        cuts in proptest::collection::vec(0..40usize, 1..12),
        piece in 1..64usize,
    ) {
        // 3030-a
        let sink = start(open());
        let mut client = Client::greeted(&sink);
        begun(&mut client, " BODY=BINARYMIME");
        let (mut wire, mut rest, mut chunks) = (Vec::new(), &content[..], 1);
        for cut in &cuts {
            let (chunk, later) = rest.split_at((*cut).min(rest.len()));
            write!(wire, "BDAT {}\r\n", chunk.len()).unwrap();
            wire.extend_from_slice(chunk);
            (rest, chunks) = (later, chunks + 1);
        }
        write!(wire, "BDAT {} LAST\r\n", rest.len()).unwrap();
        wire.extend_from_slice(rest);
        // And wherever the network cuts.
        for part in wire.chunks(piece) {
            client.write(part);
        }
        for _ in 0..chunks {
            prop_assert_eq!(client.reply(), 250);
        }
        prop_assert_eq!(stored(&sink).octets.unwrap(), content);
    }
}
