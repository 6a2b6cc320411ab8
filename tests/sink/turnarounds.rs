//! How often a client waits for the receiver.

use super::{Client, open, pipelined, start, stored};
use envoi::sink::{Encryption, Listen, Settings, Sink};
use std::net::TcpStream;
use std::time::Duration;

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
