//! Connections that begin with a header of the PROXY protocol, or should.

use super::{Client, PATIENCE, stored};
use envoi::net::ProxyHeader;
use envoi::sink::{Encryption, Event, Listen, Settings, Sink};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

fn behind_a_proxy(encryption: Encryption) -> Sink {
    let listen = vec![Listen::loopback(0, encryption)];
    Sink::start(Settings { listen, proxy_protocol: true, ..Settings::default() }).unwrap()
}

fn header(version: &str) -> Vec<u8> {
    let words = format!("{version},source=192.0.2.7:1000,dest=192.0.2.8:25");
    words.parse::<ProxyHeader>().unwrap().octets(None)
}

#[test]
fn what_stands_behind_the_header_belongs_to_the_client() {
    for version in ["v1", "v2"] {
        let sink = behind_a_proxy(Encryption::StartTls);
        let mut client = Client::connect(&sink);
        let commands = b"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.c>\r\nDATA\r\n";
        client.write(&[&header(version)[..], commands].concat());
        let codes: Vec<u16> = (0..5).map(|_| client.reply()).collect();
        assert_eq!(codes, [220, 250, 250, 250, 354], "{version}");
        assert_eq!(client.ask("x\r\n.\r\n"), 250);
        let message = stored(&sink);
        assert_eq!(message.peer.address, Some("192.0.2.7".parse().unwrap()));
        assert_eq!(message.peer.port, Some(1000));
        assert!(message.trace.contains("\r\nReceived: from a ([192.0.2.7])\r\n"));

        let sink = behind_a_proxy(Encryption::Implicit);
        let mut client = Client::connect(&sink);
        client.write(&header(version));
        let mut client = client.secure(&sink);
        assert_eq!(client.reply(), 220, "{version}");
    }
}

#[test]
fn a_connection_without_a_header_is_closed_without_a_greeting_and_why_is_told() {
    let long = [&b"PROXY UNKNOWN "[..], &[b'x'; 100]].concat();
    for (said, why) in [
        (&b"EHLO a\r\n"[..], "does not begin with a header"),
        (b"\x16\x03\x01", "does not begin with a header"),
        (b"PROXY TCP4 192.0.2.7\r\n", "not of the form"),
        (&long, "does not end"),
        (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff", "has 65551 octets"),
        (b"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\x0c", "none of version 2"),
    ] {
        let sink = behind_a_proxy(Encryption::StartTls);
        let mut client = Client::connect(&sink);
        client.write(said);
        assert_eq!(rest(&mut client.stream), b"", "{why}");
        assert!(failure(&sink).contains(why), "{why}");
    }
}

#[test]
fn half_a_header_is_told_of_and_none_at_all_by_who_leaves_is_not() {
    let sink = behind_a_proxy(Encryption::StartTls);
    let mut client = Client::connect(&sink);
    client.write(b"PROXY TCP4");
    client.stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(rest(&mut client.stream), b"");
    assert!(failure(&sink).contains("end of file"));
    drop(Client::connect(&sink));
    let events = sink.finish(PATIENCE);
    assert!(!events.iter().any(|event| matches!(event, Event::Failed { .. })), "{events:?}");
}

#[test]
fn who_says_nothing_is_not_waited_for_long() {
    let idle = Duration::from_millis(50);
    let settings = Settings { proxy_protocol: true, idle, ..Settings::default() };
    let sink = Sink::start(settings).unwrap();
    let mut client = Client::connect(&sink);
    assert_eq!(rest(&mut client.stream), b"");
    assert!(failure(&sink).contains("silent"));
}

#[test]
fn a_header_that_comes_octet_by_octet_gets_no_more_time() {
    let idle = Duration::from_millis(300);
    let settings = Settings { proxy_protocol: true, idle, ..Settings::default() };
    let sink = Sink::start(settings).unwrap();
    let mut client = Client::connect(&sink);
    let mut header = b"PROXY UNKNOWN".iter().chain(&[b' '; 90]);
    // It fails once the receiver has closed.
    while header.next().is_some_and(|octet| client.stream.write_all(&[*octet]).is_ok()) {
        std::thread::sleep(idle / 6);
    }
    assert!(header.next().is_some());
    assert!(failure(&sink).contains("silent"));
}

fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    // What was not read before it was closed makes a reset of it.
    let _ = stream.read_to_end(&mut rest);
    rest
}

/// Why the connection failed.
fn failure(sink: &Sink) -> String {
    loop {
        if let Event::Failed { error, .. } = sink.events().recv_timeout(PATIENCE).unwrap() {
            return error.to_string();
        }
    }
}
