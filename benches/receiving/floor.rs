//! The least that a receiver can do: it finds where commands and messages end,
//! answers yes to all, and keeps nothing.

use memchr::{memchr, memmem};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

/// The argument that makes the benchmark this receiver.
pub(crate) const WORD: &str = "receive-at-least";

/// Tells its address, and serves until it is ended.
pub(crate) fn serve() -> ! {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("{}", listener.local_addr().unwrap());
    for client in listener.incoming().flatten() {
        std::thread::spawn(move || Client::new(client).serve());
    }
    unreachable!("a listener does not end by itself")
}

struct Client {
    socket: TcpStream,
    input: Vec<u8>,
    start: usize,
    end: usize,
    output: Vec<u8>,
}

impl Client {
    fn new(socket: TcpStream) -> Self {
        socket.set_nodelay(true).unwrap();
        let input = vec![0; 1 << 20];
        Client { socket, input, start: 0, end: 0, output: b"220 localhost ESMTP\r\n".to_vec() }
    }

    /// Until the client has closed.
    fn serve(mut self) -> Option<()> {
        loop {
            let line = loop {
                match memchr(b'\n', self.unread()) {
                    Some(at) => break self.take(at + 1),
                    None => self.fill()?,
                }
            };
            let verb = self.input[line.start..line.end].first_chunk::<4>()?.to_ascii_uppercase();
            match &verb[..] {
                b"EHLO" => self.say("250-localhost\r\n250-PIPELINING\r\n250 CHUNKING\r\n"),
                b"DATA" => {
                    self.say("354 Go ahead\r\n");
                    self.content()?;
                    self.say("250 Ok\r\n");
                }
                b"BDAT" => {
                    let line = std::str::from_utf8(&self.input[line]).ok()?;
                    let octets = line.split(' ').nth(1)?.parse().ok()?;
                    self.skip(octets)?;
                    self.say("250 Ok\r\n");
                }
                b"QUIT" => {
                    self.say("221 Bye\r\n");
                    return self.socket.write_all(&self.output).ok();
                }
                _ => self.say("250 Ok\r\n"),
            }
        }
    }

    /// Up to the dot, which stands behind the CRLF of a line.
    fn content(&mut self) -> Option<()> {
        const END: &[u8] = b"\r\n.\r\n";
        loop {
            if let Some(at) = memmem::find(self.unread(), END) {
                self.take(at + END.len());
                return Some(());
            }
            let done = self.unread().len().saturating_sub(END.len() - 1);
            self.take(done);
            self.fill()?;
        }
    }

    fn skip(&mut self, mut octets: usize) -> Option<()> {
        loop {
            let now = octets.min(self.unread().len());
            self.take(now);
            octets -= now;
            if octets == 0 {
                return Some(());
            }
            self.fill()?;
        }
    }

    fn unread(&self) -> &[u8] {
        &self.input[self.start..self.end]
    }

    fn take(&mut self, octets: usize) -> std::ops::Range<usize> {
        let start = self.start;
        self.start += octets;
        start..self.start
    }

    fn say(&mut self, reply: &str) {
        self.output.extend_from_slice(reply.as_bytes());
    }

    /// Answers, and reads on; `None` at the end.
    fn fill(&mut self) -> Option<()> {
        self.socket.write_all(&self.output).ok()?;
        self.output.clear();
        self.input.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        let read = self.socket.read(&mut self.input[self.end..]).ok()?;
        self.end += read;
        (read > 0).then_some(())
    }
}
