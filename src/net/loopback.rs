//! A port of this machine that a browser is sent to (RFC 8252 §7.3), and the
//! requests that come there.
#![expect(clippy::disallowed_types, reason = "the one room outside of sink that listens")]

use super::deadline::{Deadline, Interrupt, Stopwatch};
use super::error::Error;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{self, Read, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// A port of the loopback interface, which the system chose. It is closed when
/// this value goes.
#[derive(Debug)]
pub struct Loopback {
    listener: TcpListener,
    address: SocketAddr,
    /// Those who are connected and have not said all yet; browsers connect
    /// before they know whether they have something to say.
    callers: Vec<Caller>,
}

#[derive(Debug)]
struct Caller {
    socket: TcpStream,
    heard: Vec<u8>,
}

/// A request for something.
#[derive(Debug)]
pub struct Visit {
    target: String,
    socket: TcpStream,
}

/// How many may be connected at once; for one more, the first has to go.
const MOST_CALLERS: usize = 16;

/// The longest head of a request, in octets.
const LONGEST_HEAD: usize = 32 * 1024;

impl Loopback {
    /// Listens; on 127.0.0.1, or where that is not there on `[::1]`.
    pub fn open() -> io::Result<Self> {
        let any_port = |address: SocketAddr| TcpListener::bind(address);
        let listener = any_port((Ipv4Addr::LOCALHOST, 0).into())
            .or_else(|_| any_port((Ipv6Addr::LOCALHOST, 0).into()))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Loopback { listener, address, callers: Vec::new() })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next request (RFC 9112 §3). What is none is answered with 400.
    pub fn next(&mut self, deadline: Deadline, interrupt: &Interrupt) -> Result<Visit, Error> {
        let since = Stopwatch::start();
        loop {
            if interrupt.signal().is_some() {
                return Err(Error::Interrupted);
            }
            let late = || Error::TimedOut { after: since.elapsed() };
            let left = deadline.remaining().ok_or_else(late)?;
            self.wait(left.min(GLANCE));
            self.let_in()?;
            if let Some(visit) = self.listen() {
                return Ok(visit);
            }
        }
    }

    /// Waits until somebody calls or says something, or a moment has passed.
    fn wait(&self, moment: Duration) {
        let mut fds = vec![PollFd::new(&self.listener, PollFlags::IN)];
        fds.extend(self.callers.iter().map(|caller| PollFd::new(&caller.socket, PollFlags::IN)));
        // A signal, or a failure that the next call meets again.
        let _ = poll(&mut fds, Timespec::try_from(moment).ok().as_ref());
    }

    fn let_in(&mut self) -> Result<(), Error> {
        loop {
            match self.listener.accept() {
                Ok((socket, _)) => {
                    socket.set_nonblocking(true)?;
                    if self.callers.len() == MOST_CALLERS {
                        self.callers.remove(0);
                    }
                    self.callers.push(Caller { socket, heard: Vec::new() });
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if is_about_caller(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Hears what callers say; the first who has said all is the visit.
    fn listen(&mut self) -> Option<Visit> {
        let mut at = 0;
        while at < self.callers.len() {
            match self.callers[at].hear() {
                Heard::Part => at += 1,
                Heard::Nothing => drop(self.callers.remove(at)),
                Heard::All(target) => {
                    let socket = self.callers.remove(at).socket;
                    let visit = Visit { target, socket };
                    if visit.target.is_empty() {
                        visit.answer(400, "");
                        continue;
                    }
                    return Some(visit);
                }
            }
        }
        None
    }
}

/// What a caller has said so far.
enum Heard {
    /// Not all.
    Part,
    /// Nothing that makes sense, and there will be no more.
    Nothing,
    /// A request for this; for nothing if it is none of the kind that browsers
    /// make for a page.
    All(String),
}

impl Caller {
    fn hear(&mut self) -> Heard {
        let mut block = [0; 4096];
        loop {
            match self.socket.read(&mut block) {
                Ok(0) => return Heard::Nothing,
                Ok(length) => self.heard.extend_from_slice(&block[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Heard::Nothing,
            }
            if self.heard.len() > LONGEST_HEAD {
                return Heard::All(String::new());
            }
        }
        let is_whole = memchr::memmem::find(&self.heard, b"\r\n\r\n").is_some();
        if is_whole { Heard::All(target(&self.heard).unwrap_or_default()) } else { Heard::Part }
    }
}

/// What a request asks for (RFC 9112 §3): `GET`, path and query, and a version.
fn target(head: &[u8]) -> Option<String> {
    let line = head.split(|&octet| octet == b'\r').next()?;
    let mut words = std::str::from_utf8(line).ok()?.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    let is_one = method == "GET" && target.starts_with('/') && version.starts_with("HTTP/1.");
    (is_one && words.next().is_none()).then(|| target.to_owned())
}

impl Visit {
    /// Path and query.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Answers with a page of HTML and hangs up. Whether anybody still listens
    /// changes nothing.
    pub fn answer(mut self, status: u16, html: &str) {
        let reason = match status {
            200 => "OK",
            404 => "Not Found",
            _ => "Bad Request",
        };
        let head = format!(
            "HTTP/1.1 {status} {reason}\r\nContent-Type: text/html; charset=utf-8\r\n\
             Content-Length: {}\r\nCache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n\
             Content-Security-Policy: default-src 'none'\r\nConnection: close\r\n\r\n",
            html.len()
        );
        let _ = self.socket.set_nonblocking(false);
        let _ = self.socket.set_write_timeout(Some(PATIENCE));
        let _ = self.socket.write_all(head.as_bytes());
        let _ = self.socket.write_all(html.as_bytes());
        let _ = self.socket.shutdown(Shutdown::Write);
    }
}

/// That a caller is gone already is nobody else's trouble.
fn is_about_caller(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted)
}

/// How long the browser may take to take a page.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often one who waits makes sure that he still should: a signal may come
/// to another thread.
const GLANCE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    fn soon() -> Deadline {
        Deadline::after(Duration::from_secs(20))
    }

    /// Says this at the port, and gives what is answered.
    fn call(address: SocketAddr, words: &str) -> thread::JoinHandle<String> {
        let mut socket = TcpStream::connect(address).unwrap();
        socket.write_all(words.as_bytes()).unwrap();
        thread::spawn(move || {
            let mut answer = String::new();
            socket.read_to_string(&mut answer).unwrap();
            answer
        })
    }

    #[test]
    fn whoever_connects_and_says_nothing_keeps_nobody_waiting() {
        let mut door = Loopback::open().unwrap();
        assert!(door.address().ip().is_loopback());
        let _silent = TcpStream::connect(door.address()).unwrap();
        let _slow = call(door.address(), "GET /slow HTTP/1.1\r\nHost:");
        let answered = call(door.address(), "GET /?code=c HTTP/1.1\r\nHost: x\r\n\r\n");
        let visit = door.next(soon(), &Interrupt::default()).unwrap();
        assert_eq!(visit.target(), "/?code=c");
        visit.answer(200, "<p>good</p>");
        let answer = answered.join().unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.ends_with("\r\n\r\n<p>good</p>"), "{answer}");
    }

    #[test]
    fn what_is_no_request_for_a_page_is_answered_and_passed_over() {
        let mut door = Loopback::open().unwrap();
        let long = format!("GET /{} HTTP/1.1\r\n", "a".repeat(2 * LONGEST_HEAD));
        let others = ["POST / HTTP/1.1\r\n\r\n", "SSH-2.0-x\r\n\r\n", "GET / a HTTP/1.1\r\n\r\n"];
        let others: Vec<_> = others.iter().map(|words| call(door.address(), words)).collect();
        let too_long = TcpStream::connect(door.address());
        let _ = too_long.unwrap().write_all(long.as_bytes());
        let good = call(door.address(), "GET /a HTTP/1.0\r\n\r\n");
        let visit = door.next(soon(), &Interrupt::default()).unwrap();
        assert_eq!(visit.target(), "/a");
        visit.answer(404, "");
        for other in others {
            let answer = other.join().unwrap();
            assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        }
        assert!(good.join().unwrap().starts_with("HTTP/1.1 404 "));
    }

    #[test]
    fn it_waits_no_longer_than_it_should() {
        let mut door = Loopback::open().unwrap();
        let error = door.next(Deadline::after(Duration::ZERO), &Interrupt::default());
        assert!(matches!(error, Err(Error::TimedOut { .. })));
        let interrupt = Interrupt::default();
        interrupt.cell().store(2, std::sync::atomic::Ordering::Relaxed);
        assert!(matches!(door.next(soon(), &interrupt), Err(Error::Interrupted)));
    }
}
