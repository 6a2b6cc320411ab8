//! Clients that pipeline as far as they may (RFC 2920 §3.1, RFC 3030 §4.2).

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

const ENVELOPE: &[u8] = b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n";

/// One write up to this size.
const FLIGHT: usize = 256 << 10;

/// Sends the next envelope behind each message, and waits for the answer to
/// DATA only.
pub(crate) fn by_data(receiver: SocketAddr, messages: u32, octets: usize) {
    let (mut reader, mut writer) = connect(receiver);
    let next = [ENVELOPE, b"DATA\r\n"].concat();
    let mut flight = content(octets);
    flight.extend_from_slice(b".\r\n");
    let length = flight.len();
    flight.extend_from_slice(&next);
    writer.write_all(&next).unwrap();
    for number in 1..=messages {
        while !reply(&mut reader).starts_with("354") {}
        let is_last = number == messages;
        writer.write_all(if is_last { &flight[..length] } else { &flight }).unwrap();
    }
    leave(reader, &writer, 1);
}

/// Sends everything, whatever comes back meanwhile.
pub(crate) fn by_chunks(receiver: SocketAddr, messages: u32, octets: usize) {
    let (reader, mut writer) = connect(receiver);
    let content = content(octets);
    let last = format!("BDAT {} LAST\r\n", content.len());
    let message = [ENVELOPE, last.as_bytes(), &content].concat();
    let replies = messages * 3;
    std::thread::scope(|scope| {
        scope.spawn(|| leave(reader, &writer, replies));
        let mut left = messages as usize;
        let at_once = (FLIGHT / message.len()).max(1);
        let flight = message.repeat(at_once);
        while left > 0 {
            let now = left.min(at_once);
            (&writer).write_all(&flight[..now * message.len()]).unwrap();
            left -= now;
        }
    });
    let _ = writer.flush();
}

/// A message of about so many octets.
fn content(octets: usize) -> Vec<u8> {
    let line = [&[b'x'; 76][..], b"\r\n"].concat();
    [&b"Subject: Size\r\n\r\n"[..], &line.repeat((octets / line.len()).max(1))].concat()
}

/// Up to the reply to EHLO.
fn connect(receiver: SocketAddr) -> (BufReader<TcpStream>, TcpStream) {
    let mut writer = TcpStream::connect(receiver).unwrap();
    writer.set_nodelay(true).unwrap();
    let mut reader = BufReader::with_capacity(FLIGHT, writer.try_clone().unwrap());
    assert!(reply(&mut reader).starts_with("220"), "greeting");
    writer.write_all(b"EHLO client.example.org\r\n").unwrap();
    assert!(reply(&mut reader).starts_with("250"), "EHLO");
    (reader, writer)
}

/// The last line of a reply that is no refusal.
fn reply(reader: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    loop {
        line.clear();
        assert!(reader.read_line(&mut line).unwrap() > 0, "the receiver has left");
        assert!(line.starts_with(['2', '3']), "{line}");
        if line.as_bytes()[3] == b' ' {
            return line;
        }
    }
}

/// Waits for so many replies, and says goodbye.
fn leave(mut reader: BufReader<TcpStream>, mut writer: &TcpStream, replies: u32) {
    for _ in 0..replies {
        assert!(reply(&mut reader).starts_with("250"), "a message");
    }
    writer.write_all(b"QUIT\r\n").unwrap();
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).unwrap();
    assert!(rest.starts_with(b"221"), "QUIT");
}
