//! A server that does what a test tells it, octet by octet and in its order; and
//! the pieces that every delivery needs. What rules of the receiver
//! (`envoi::sink::Rule`) can say, a test says by these.
#![allow(dead_code, unreachable_pub, unused_imports, reason = "each test target uses its own part")]
#![expect(clippy::disallowed_types, reason = "a server needs sockets")]

mod identity;

pub use identity::Identity;

use envoi::delivery::{
    Hop, Report, Route, Secrets, SignIn, Submission, Unavailable, World, submit,
};
use envoi::message::{Additions, Message, Repairs, Source, complete};
use envoi::net::{Endpoint, Family, Host, Interrupt, Place, Security, TlsSettings};
use envoi::sasl::{ChannelBinding, Proof, Secret};
use envoi::session::{Observer, Steering, Unobserved};
use envoi::smtp::{Chunking, Envelope, Protocol, Timeouts};
use rustls::pki_types::CertificateDer;
use rustls::{ServerConfig, ServerConnection};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// A bound for waits that should never be reached.
pub const GENEROUS: Duration = Duration::from_secs(60);

/// What a server does with one connection.
pub type Part = Box<dyn FnOnce(&mut Peer) + Send>;

/// An address where nobody listens.
pub fn dead_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

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
                stream.set_nodelay(true).unwrap();
                script(&mut Peer { reader: BufReader::new(Channel { stream, tls: None }) });
            }
        });
        Scripted { address, player: Some(player) }
    }

    /// The same for one script and a socket at this path.
    pub fn at_socket(
        path: &Path,
        script: impl FnOnce(&mut Peer) + Send + 'static,
    ) -> JoinHandle<()> {
        let listener = UnixListener::bind(path).unwrap();
        std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            // Whoever reads and writes octets need not know the difference.
            let stream = TcpStream::from(OwnedFd::from(stream));
            stream.set_read_timeout(Some(GENEROUS)).unwrap();
            script(&mut Peer { reader: BufReader::new(Channel { stream, tls: None }) });
        })
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

/// To the connection, EHLO, MAIL, RCPT, DATA, and the content.
pub const REPLIES: [&str; 6] =
    ["220 hi\r\n", "250 hi\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n", "250 ok\r\n"];

/// The client, as a script sees it.
pub struct Peer {
    reader: BufReader<Channel>,
}

/// The socket, with or without TLS.
struct Channel {
    stream: TcpStream,
    tls: Option<ServerConnection>,
}

impl Read for Channel {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match &mut self.tls {
            Some(tls) => rustls::Stream::new(tls, &mut self.stream).read(into),
            None => self.stream.read(into),
        }
    }
}

impl Write for Channel {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match &mut self.tls {
            Some(tls) => rustls::Stream::new(tls, &mut self.stream).write(octets),
            None => self.stream.write(octets),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.tls {
            Some(tls) => rustls::Stream::new(tls, &mut self.stream).flush(),
            None => self.stream.flush(),
        }
    }
}

impl Peer {
    /// Does the server's part of the TLS handshake. A client that breaks it
    /// off is what some scripts are about.
    pub fn secure(&mut self, config: &Arc<ServerConfig>) {
        assert!(self.reader.buffer().is_empty(), "something was said before the handshake");
        let channel = self.reader.get_mut();
        let mut tls = ServerConnection::new(Arc::clone(config)).unwrap();
        let _ = tls.complete_io(&mut channel.stream);
        channel.tls = Some(tls);
    }

    /// The name that the client asked for in the handshake.
    pub fn asked_name(&self) -> Option<String> {
        self.reader.get_ref().tls.as_ref()?.server_name().map(str::to_owned)
    }

    /// Whether the handshake went on where an earlier one ended.
    pub fn is_resumed(&self) -> bool {
        let tls = self.reader.get_ref().tls.as_ref();
        tls.is_some_and(|tls| tls.handshake_kind() == Some(rustls::HandshakeKind::Resumed))
    }

    /// Whether the handshake came to its end.
    pub fn is_secured(&self) -> bool {
        let tls = self.reader.get_ref().tls.as_ref();
        tls.is_some_and(|tls| !tls.is_handshaking())
    }

    /// What binds a sign-in to this channel, whose server showed this
    /// certificate.
    pub fn bindings(&self, certificate: &CertificateDer<'_>) -> Vec<ChannelBinding> {
        let tls = self.reader.get_ref().tls.as_ref().unwrap();
        envoi::net::bindings(tls, Some(certificate))
    }

    /// Leaves the kernel little room for what has not been read.
    pub fn read_little(&mut self) {
        let stream = &self.reader.get_ref().stream;
        rustix::net::sockopt::set_socket_recv_buffer_size(stream, 16 * 1024).unwrap();
    }

    /// Sends each text in a TLS record of its own, and all in one write.
    pub fn say_in_records<'a>(&mut self, texts: impl Iterator<Item = &'a str>) {
        let Channel { stream, tls } = self.reader.get_mut();
        let (tls, mut wire) = (tls.as_mut().unwrap(), Vec::new());
        for text in texts {
            tls.writer().write_all(text.as_bytes()).unwrap();
            tls.write_tls(&mut wire).unwrap();
        }
        stream.write_all(&wire).unwrap();
    }

    /// Says that this was all of TLS, adds these octets, and leaves the socket
    /// open.
    pub fn end_tls(&mut self, with: &[u8]) {
        let Channel { stream, tls } = self.reader.get_mut();
        let (tls, mut wire) = (tls.as_mut().unwrap(), Vec::new());
        tls.send_close_notify();
        tls.write_tls(&mut wire).unwrap();
        let _ = stream.write_all(&[&wire, with].concat());
    }

    /// Sends these octets as they are.
    pub fn say(&mut self, octets: impl AsRef<[u8]>) {
        // A client that has hung up is what some scripts are about.
        let _ = self.reader.get_mut().write_all(octets.as_ref());
    }

    /// The next line without its end; empty at the end of the connection.
    pub fn line(&mut self) -> String {
        String::from_utf8_lossy(&self.octets_of_line()).trim_end().to_owned()
    }

    /// The next line with its end, as it came.
    pub fn octets_of_line(&mut self) -> Vec<u8> {
        let mut line = Vec::new();
        let _ = self.reader.read_until(b'\n', &mut line);
        line
    }

    /// Reads a line that must begin like this.
    pub fn expect(&mut self, start: &str) -> String {
        let line = self.line();
        assert!(line.starts_with(start), "expected {start:?}, got {line:?}");
        line
    }

    /// Greets and offers these extensions.
    pub fn greet(&mut self, offer: &[&str]) {
        self.greet_as("EHLO ", offer);
    }

    /// The same to a client that begins in this way.
    pub fn greet_as(&mut self, hello: &str, offer: &[&str]) {
        self.say("220 scripted.example ready\r\n");
        self.expect(hello);
        let lines = std::iter::once("scripted.example").chain(offer.iter().copied());
        let lines: Vec<&str> = lines.collect();
        let (last, others) = lines.split_last().unwrap();
        let reply: String = others.iter().map(|line| format!("250-{line}\r\n")).collect();
        self.say(format!("{reply}250 {last}\r\n"));
    }

    /// Reads so many commands and then gives these replies.
    pub fn answer(&mut self, commands: usize, replies: impl AsRef<[u8]>) {
        for _ in 0..commands {
            self.line();
        }
        self.say(replies);
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

    /// Takes one message for one recipient, without extensions, up to where this
    /// one of the [`REPLIES`] is due.
    pub fn until_due(&mut self, reply: usize) {
        for (at, said) in REPLIES[..reply].iter().enumerate() {
            self.say(said);
            if at == 4 {
                self.content();
            } else {
                self.line();
            }
        }
    }

    /// Everything that still comes, to the end of the connection.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let _ = self.reader.read_to_end(&mut rest);
        rest
    }

    /// Reads so many octets, or as many as come.
    pub fn take(&mut self, octets: usize) -> Vec<u8> {
        let mut buffer = Vec::new();
        let _ = self.reader.by_ref().take(octets as u64).read_to_end(&mut buffer);
        buffer
    }

    /// True once the client has closed its side.
    pub fn is_closed(&mut self) -> bool {
        let stream = &self.reader.get_ref().stream;
        stream.set_nonblocking(true).unwrap();
        let closed = matches!(stream.peek(&mut [0]), Ok(0));
        stream.set_nonblocking(false).unwrap();
        closed
    }

    /// True when the client has said something that was not read yet.
    pub fn socket_has_octets(&mut self) -> bool {
        let stream = &self.reader.get_ref().stream;
        stream.set_nonblocking(true).unwrap();
        let has_octets = matches!(stream.peek(&mut [0]), Ok(1));
        stream.set_nonblocking(false).unwrap();
        has_octets
    }

    /// True once the client has left, whatever it said before.
    pub fn is_gone(&mut self) -> bool {
        let stream = &mut self.reader.get_mut().stream;
        stream.set_nonblocking(true).unwrap();
        let gone = loop {
            match stream.read(&mut [0; 4096]) {
                Ok(0) => break true,
                Ok(_) => {}
                Err(e) => break e.kind() != io::ErrorKind::WouldBlock,
            }
        };
        stream.set_nonblocking(false).unwrap();
        gone
    }

    /// The socket itself, for a script that does its own TLS.
    pub fn socket(&mut self) -> &mut TcpStream {
        &mut self.reader.get_mut().stream
    }

    /// Passes everything on to this address, and back, until one of the two
    /// has left.
    pub fn pass_on(&mut self, to: SocketAddr) {
        let mut server = TcpStream::connect(to).unwrap();
        server.set_read_timeout(Some(GENEROUS)).unwrap();
        server.write_all(self.reader.buffer()).unwrap();
        let mut client = self.socket().try_clone().unwrap();
        let (mut from, mut back) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        let there = std::thread::spawn(move || {
            let _ = io::copy(&mut from, &mut server);
            let _ = server.shutdown(Shutdown::Write);
        });
        let _ = io::copy(&mut back, &mut client);
        let _ = client.shutdown(Shutdown::Both);
        there.join().unwrap();
    }

    pub fn hang_up(&mut self) {
        let _ = self.reader.get_mut().stream.shutdown(Shutdown::Both);
    }

    /// Leaves without taking leave: the client's next read or write fails.
    pub fn reset(&mut self) {
        let stream = &self.reader.get_ref().stream;
        rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO)).unwrap();
    }

    /// Sends these octets; false once the client has left.
    pub fn hears(&mut self, octets: impl AsRef<[u8]>) -> bool {
        self.reader.get_mut().write_all(octets.as_ref()).is_ok()
    }
}

pub fn endpoint(address: SocketAddr, security: Security) -> Endpoint {
    endpoint_of(Host::Address(address.ip()), address.port(), security)
}

pub fn endpoint_of(host: Host, port: u16, security: Security) -> Endpoint {
    Endpoint { place: Place::Tcp { host, port }, protocol: Protocol::Smtp, security }
}

/// A server to try, with every wait cut down to a minute.
pub fn hop(endpoint: Endpoint) -> Hop {
    Hop {
        endpoint,
        tls: TlsSettings::default(),
        proxy: None,
        source: None,
        family: Family::Any,
        hello: Some("client.example".parse().unwrap()),
        sign_in: None,
        pipelining: true,
        chunking: Chunking::default(),
        max_recipients: None,
        all_or_nothing: false,
        timeouts: Timeouts { cap: Some(GENEROUS) },
        deadline: None,
        patience: None,
        steering: Steering::default(),
        proxy_header: None,
    }
}

/// A small ready message.
pub fn message(text: &str) -> Message {
    let additions = Additions {
        date: "2026-11-23T04:03:37+00:00[UTC]".parse().unwrap(),
        message_id: Some("<1@client.example>".to_owned()),
        from: Vec::new(),
    };
    complete(Source::held(text, "test"), &additions, Repairs::default()).unwrap().message
}

pub fn submission(to: &[&str]) -> Submission {
    let text = "From: a@client.example\r\nSubject: s\r\n\r\nHello.\r\n";
    submission_of(to, message(text))
}

pub fn submission_of(to: &[&str], message: Message) -> Submission {
    let to = to.iter().map(|path| path.parse().unwrap());
    Submission {
        envelope: Envelope::new("a@client.example".parse().unwrap(), to),
        message: Arc::new(message),
    }
}

/// Who signs in with a password by these mechanisms, or by the best.
pub fn signing_in(user: &str, mechanisms: Vec<String>, allow_cleartext: bool) -> SignIn {
    SignIn { user: Some(user.to_owned()), proof: Proof::Password, mechanisms, allow_cleartext }
}

/// The password of every test.
pub const PASSWORD: &str = "correct-horse-battery";

pub struct Fixed;

impl Secrets for Fixed {
    fn secret(
        &self,
        _server: &Endpoint,
        _user: Option<&str>,
        _proof: Proof,
    ) -> Result<Secret, Unavailable> {
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
        Cause::NotKept(why) => why.to_string(),
    };
    let word = |outcome: &Outcome| match outcome {
        Outcome::Accepted(reply) => format!("accepted {reply}"),
        Outcome::Deferred(cause) => format!("deferred {}", reason(cause)),
        Outcome::Rejected(cause) => format!("rejected {}", reason(cause)),
        Outcome::Uncertain(cause) => format!("uncertain {}", reason(cause)),
    };
    report.recipients.iter().map(|(path, outcome)| format!("{path} {}", word(outcome))).collect()
}
