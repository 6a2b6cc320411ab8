//! Clients that leave in the middle, and what is taken of what they said.

use super::{Client, PATIENCE};
use envoi::sink::{Encryption, Event, Listen, Policy, Rule, Settings, Sink, Stage};
use rustls::StreamOwned;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// A receiver that is held up at EHLO for as long as its client stays.
fn held_up(encryption: Encryption) -> Sink {
    let rules = vec![Rule { delay: Some(60 * PATIENCE), ..Rule::at(Stage::Ehlo) }];
    let policy = Policy { rules, ..Policy::default() };
    let listen = vec![Listen::loopback(0, encryption)];
    Sink::start(Settings { listen, policy, ..Settings::default() }).unwrap()
}

/// What is said behind EHLO.
const REST: &[u8] = b"MAIL FROM:<>\r\nRCPT TO:<a@b.c>\r\nDATA\r\nx\r\n.\r\n\
                      MAIL FROM:<>\r\nRCPT TO:<d@e.f>\r\nDATA\r\nhalf a mess";

/// Says EHLO, and the rest when the receiver has read it and is held up; then
/// leaves by a reset.
fn reset(sink: &Sink, mut client: Client<impl Read + Write>, socket: TcpStream) {
    client.write(b"EHLO a\r\n");
    let is_rule = |event: &Event| matches!(event, Event::Rule { .. });
    while !is_rule(&sink.events().recv_timeout(PATIENCE).unwrap()) {}
    client.write(REST);
    rustix::net::sockopt::set_socket_linger(&socket, Some(Duration::ZERO)).unwrap();
    // It leaves without the goodbye of TLS, too.
    drop((client, socket));
}

/// What was told: who got a message, and what failed.
fn told(sink: Sink) -> Vec<String> {
    let told = sink.finish(PATIENCE).into_iter().filter_map(|event| match event {
        Event::Stored(message) => Some(format!("stored for {}", message.to[0].path)),
        Event::Failed { doing, .. } => Some(doing.to_owned()),
        _ => None,
    });
    told.collect()
}

#[test]
fn what_was_written_before_a_reset_is_taken_and_that_nobody_heard_of_it_is_told() {
    let expected = ["answering a client that has left", "stored for a@b.c", "reading a message"];

    let sink = held_up(Encryption::StartTls);
    let client = Client::connect(&sink);
    let socket = client.stream.try_clone().unwrap();
    reset(&sink, client, socket);
    assert_eq!(told(sink), expected);

    let sink = held_up(Encryption::Implicit);
    let client = Client::connect(&sink);
    let socket = client.stream.try_clone().unwrap();
    let client = client.secure(&sink);
    reset(&sink, client, socket);
    assert_eq!(told(sink), expected, "under TLS");
}

#[test]
fn who_connects_to_a_port_of_tls_and_leaves_without_a_word_is_nothing_to_tell_of() {
    let sink = held_up(Encryption::Implicit);
    drop(Client::connect(&sink));
    assert_eq!(told(sink), [""; 0]);
}

#[test]
fn who_never_stops_writing_does_not_keep_the_receiver_from_ending() {
    let sink = Sink::start(Settings::default()).unwrap();
    let mut client = Client::greeted(&sink);
    let mut replies = client.stream.try_clone().unwrap();
    let reading = std::thread::spawn(move || io::copy(&mut replies, &mut io::sink()));
    let writing = std::thread::spawn(move || {
        let group = b"RCPT TO:<a@b.c>\r\n".repeat(1000);
        let watch = Instant::now();
        while watch.elapsed() < 3 * PATIENCE && client.stream.write_all(&group).is_ok() {}
    });
    let watch = Instant::now();
    sink.finish(PATIENCE / 20);
    assert!(watch.elapsed() < PATIENCE, "{:?}", watch.elapsed());
    writing.join().unwrap();
    let _ = reading.join().unwrap();
}

#[test]
fn a_reply_does_not_wait_for_the_rest_of_what_is_half_there_under_tls() {
    // RFC 2920 §3.2
    let sink = Sink::start(Settings::default()).unwrap();
    let mut client = Client::greeted(&sink);
    assert_eq!(client.ask("STARTTLS\r\n"), 220);
    let mut client = client.secure(&sink);
    assert_eq!(client.ask("EHLO a\r\n"), 250);
    let StreamOwned { conn, sock } = &mut client.stream;
    let mut records = Vec::new();
    for lines in [&b"RSET\r\n"[..], &b"NOOP\r\n".repeat(2000)] {
        conn.writer().write_all(lines).unwrap();
        while conn.wants_write() {
            conn.write_tls(&mut records).unwrap();
        }
    }
    let (begun, rest) = records.split_at(records.len() - 3);
    sock.write_all(begun).unwrap();
    assert_eq!(client.reply(), 250);
    client.stream.sock.write_all(rest).unwrap();
    assert_eq!(client.reply(), 250);
}
