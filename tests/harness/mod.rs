//! A server that does what a test tells it, to make faults happen; and the
//! pieces that every delivery needs.
#![allow(dead_code, unreachable_pub, reason = "each test target uses its own part")]

use envoi::delivery::{Hop, Report, Route, Secrets, Submission, World, submit};
use envoi::message::{Additions, Message, Source, complete};
use envoi::net::{Endpoint, Family, Host, Interrupt, Security, TlsSettings};
use envoi::sasl::Secret;
use envoi::session::{Observer, Unobserved};
use envoi::smtp::{Envelope, Timeouts};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

/// A bound for waits that should never be reached.
pub const GENEROUS: Duration = Duration::from_secs(60);

/// A server that plays a script for one connection after another.
pub struct Scripted {
    pub address: SocketAddr,
    player: Option<JoinHandle<()>>,
}

impl Scripted {
    /// Plays each script for one connection, in order, and then listens no
    /// more.
    pub fn start<S: FnOnce(&mut Peer) + Send + 'static>(scripts: Vec<S>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let player = std::thread::spawn(move || {
            for script in scripts {
                let (stream, _) = listener.accept().unwrap();
                stream.set_read_timeout(Some(GENEROUS)).unwrap();
                script(&mut Peer { reader: BufReader::new(stream) });
            }
        });
        Scripted { address, player: Some(player) }
    }

    /// Plays one script once.
    pub fn once(script: impl FnOnce(&mut Peer) + Send + 'static) -> Self {
        Scripted::start(vec![script])
    }

    pub fn endpoint(&self, security: Security) -> Endpoint {
        endpoint(self.address, security)
    }

    /// Waits for the script to end; its panics are the test's.
    pub fn finish(mut self) {
        if let Some(player) = self.player.take()
            && let Err(panic) = player.join()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

/// The client, as a script sees it.
pub struct Peer {
    reader: BufReader<TcpStream>,
}

impl Peer {
    /// Sends these octets as they are.
    pub fn say(&mut self, octets: impl AsRef<[u8]>) {
        // A client that has hung up is what some scripts are about.
        let _ = self.reader.get_mut().write_all(octets.as_ref());
    }

    /// The next line without its end; empty at the end of the connection.
    pub fn line(&mut self) -> String {
        let mut line = Vec::new();
        let _ = self.reader.read_until(b'\n', &mut line);
        String::from_utf8_lossy(&line).trim_end().to_owned()
    }

    /// Reads a line that must begin like this.
    pub fn expect(&mut self, start: &str) -> String {
        let line = self.line();
        assert!(line.starts_with(start), "expected {start:?}, got {line:?}");
        line
    }

    /// Greets and offers these extensions.
    pub fn greet(&mut self, offer: &[&str]) {
        self.say("220 scripted.example ready\r\n");
        self.expect("EHLO ");
        let lines = std::iter::once("scripted.example").chain(offer.iter().copied());
        let lines: Vec<&str> = lines.collect();
        let (last, others) = lines.split_last().unwrap();
        let others = others.iter().map(|line| format!("250-{line}\r\n"));
        self.say(others.chain([format!("250 {last}\r\n")]).collect::<String>());
    }

    /// Reads content up to the final dot and gives its lines.
    pub fn content(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let mut line = Vec::new();
            let length = self.reader.read_until(b'\n', &mut line).unwrap_or(0);
            assert!(length > 0, "the content broke off: {lines:?}");
            if line == b".\r\n" {
                return lines;
            }
            lines.push(String::from_utf8_lossy(&line).into_owned());
        }
    }

    /// Everything that still comes, to the end of the connection.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let _ = self.reader.read_to_end(&mut rest);
        rest
    }

    /// Reads so many octets.
    pub fn take(&mut self, octets: usize) {
        let mut buffer = vec![0; octets];
        let _ = self.reader.read_exact(&mut buffer);
    }

    /// True once the client has closed its side.
    pub fn is_closed(&mut self) -> bool {
        let stream = self.reader.get_ref();
        stream.set_nonblocking(true).unwrap();
        let closed = matches!(stream.peek(&mut [0]), Ok(0));
        stream.set_nonblocking(false).unwrap();
        closed
    }

    pub fn hang_up(&mut self) {
        let _ = self.reader.get_mut().shutdown(Shutdown::Both);
    }

    /// Leaves without taking leave: the client's next read or write fails.
    pub fn reset(&mut self) {
        let stream = self.reader.get_ref();
        rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO)).unwrap();
    }

    /// Sends these octets; false once the client has left.
    pub fn hears(&mut self, octets: impl AsRef<[u8]>) -> bool {
        self.reader.get_mut().write_all(octets.as_ref()).is_ok()
    }

    /// The connection itself.
    pub fn stream(&mut self) -> &mut TcpStream {
        self.reader.get_mut()
    }
}

pub fn endpoint(address: SocketAddr, security: Security) -> Endpoint {
    Endpoint { host: Host::Address(address.ip()), port: address.port(), security }
}

/// A server to try, with every wait cut down to a minute.
pub fn hop(endpoint: Endpoint) -> Hop {
    Hop {
        endpoint,
        tls: TlsSettings::default(),
        family: Family::Any,
        hello: Some("client.example".parse().unwrap()),
        sign_in: None,
        pipelining: true,
        max_recipients: None,
        all_or_nothing: false,
        timeouts: Timeouts { cap: Some(GENEROUS) },
        deadline: None,
    }
}

/// A small ready message.
pub fn message(text: &str) -> Message {
    let additions = Additions {
        date: "2026-11-23T04:03:37+00:00[UTC]".parse().unwrap(),
        message_id: Some("<1@client.example>".to_owned()),
        from: Vec::new(),
    };
    complete(Source::held(text, "test"), &additions).unwrap().message
}

pub fn submission(to: &[&str]) -> Submission {
    let text = "From: a@client.example\r\nSubject: s\r\n\r\nHello.\r\n";
    submission_of(to, message(text))
}

pub fn submission_of(to: &[&str], message: Message) -> Submission {
    let to = to.iter().map(|path| path.parse().unwrap());
    Submission { envelope: Envelope::new("a@client.example".parse().unwrap(), to), message }
}

/// The password of every test.
pub const PASSWORD: &str = "correct-horse-battery";

pub struct Fixed;

impl Secrets for Fixed {
    fn password(&self, _server: &Endpoint, _user: &str) -> Result<Secret, String> {
        Ok(Secret::new(PASSWORD))
    }
}

/// Submits through these servers, unobserved.
pub fn deliver(submission: &Submission, hops: Vec<Hop>) -> Report {
    observed(submission, hops, &mut Unobserved)
}

pub fn observed(submission: &Submission, hops: Vec<Hop>, observer: &mut dyn Observer) -> Report {
    let interrupt = Interrupt::default();
    let world =
        World { secrets: &Fixed, interrupt: &interrupt, host_name: None, wait_for_farewell: false };
    submit(submission, &Route { hops }, &world, observer)
}

/// Each recipient with what became of it, one word and the reason.
pub fn words(report: &Report) -> Vec<String> {
    use envoi::delivery::{Cause, Outcome};
    let reason = |cause: &Cause| match cause {
        Cause::Replied(_, reply) => reply.to_string(),
        Cause::Broke(error) => format!("{:?}: {error}", error.phase),
        Cause::Unmet(shortfall) => shortfall.to_string(),
        Cause::Withheld => "withheld".to_owned(),
    };
    let word = |outcome: &Outcome| match outcome {
        Outcome::Accepted(reply) => format!("accepted {reply}"),
        Outcome::Deferred(cause) => format!("deferred {}", reason(cause)),
        Outcome::Rejected(cause) => format!("rejected {}", reason(cause)),
        Outcome::Uncertain(cause) => format!("uncertain {}", reason(cause)),
    };
    report.recipients.iter().map(|(path, outcome)| format!("{path} {}", word(outcome))).collect()
}
