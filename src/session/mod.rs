//! One connection: commands out, replies in. It records what the server said
//! and judges nothing; `delivery` does.
//!
//! ```text
//! open ──► greeting, EHLO ──► starttls ──► EHLO again ──► authenticate ──► transact … ──► quit
//!              │                 (consumes the session: nothing learned in clear survives)
//!              ├─ HELO, where the server knows no EHLO and nothing needs it
//!              └─ LHLO, where LMTP is spoken
//! ```
//!
//! Between two messages a session may `rest` and be woken for whoever watches
//! the next.

mod chunks;
mod error;
mod hopes;
mod idle;
mod negotiate;
mod observer;
mod sign_in;
mod steering;
mod transaction;

pub use error::{Absence, Error, Kind};
pub use idle::Idle;
pub use negotiate::{Misfit, Shortfall, Terms, Way, form, negotiate, width};
pub use observer::{Event, Observer, Side, Unobserved, tell_wire};
pub use steering::{
    Came, Expectation, Expectations, NotExpectation, Parting, Stage, Steering, Stop,
};
pub use transaction::{End, Plan, Transaction};

use crate::net::{self, Deadline, Stopwatch, Stream, TlsFacts};
use crate::sasl::Secret;
use crate::smtp::{
    Capabilities, Chunking, Command, EhloName, Exchange, ForwardPath, Keyword, Phase, Protocol,
    Reply, ReplyCode, ReplyParser, Severity, Timeouts,
};
use hopes::{exchange, is_hoped_for};
use sign_in::is_given_away;
use std::time::Duration;
use zeroize::Zeroizing;

/// How a session behaves.
#[derive(Clone, Debug)]
pub struct Conduct {
    /// What is spoken.
    pub protocol: Protocol,
    /// What we call ourselves.
    pub hello: EhloName,
    /// The limit of each wait.
    pub timeouts: Timeouts,
    /// The end of the whole run.
    pub deadline: Option<Deadline>,
    /// The same, but for the answer to a message that is out (RFC 5321
    /// §4.5.3.2.6: to give it up early makes duplicates).
    pub patience: Option<Deadline>,
    /// HELO may be tried where EHLO is refused: nothing that is needed depends
    /// on an extension.
    pub may_fall_back_to_helo: bool,
    /// Commands may share a flight where the server offers PIPELINING.
    pub pipelining: bool,
    /// When messages go in chunks.
    pub chunking: Chunking,
    /// What is done otherwise than a message needs.
    pub steering: Steering,
}

/// A session with a server that has greeted and answered EHLO.
pub struct Session<'o> {
    stream: Box<dyn Stream>,
    parser: ReplyParser,
    buffer: Vec<u8>,
    conduct: Conduct,
    capabilities: Capabilities,
    observer: &'o mut dyn Observer,
    timings: Vec<(Phase, Duration)>,
    /// What was said in sign-ins, and what was proved by it: nothing that the
    /// server says is to give it away.
    hidden: Vec<Secret>,
    state: State,
    /// The user wanted to stop when a message was out already: it was the last,
    /// and by this moment all is over.
    stopping: Option<Deadline>,
    /// It has rested, and the server has said nothing since, or it has refused
    /// what it is still being sent: how long it has to show that it is still
    /// there.
    patience: Option<Duration>,
}

/// Whether another transaction may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No transaction is open.
    Ready,
    /// A transaction was begun and not ended: RSET first (RFC 5321 §4.1.4).
    Unfinished,
    /// Out of step with the server: close.
    Broken,
}

const READ: usize = 16 * 1024;
/// RFC 5321 §4.5.3.1.4, with CRLF.
const LONGEST_COMMAND: usize = 512;
/// How long the answers to a sent message are still waited for when the user
/// wants to stop, and those to the rest of one that was refused.
const PARTING_WAIT: Duration = Duration::from_secs(5);

impl<'o> Session<'o> {
    /// Waits for the greeting and says EHLO.
    pub fn open(
        stream: Box<dyn Stream>,
        conduct: Conduct,
        observer: &'o mut dyn Observer,
    ) -> Result<Self, Error> {
        Session::begin(stream, conduct, observer).passing(Session::greet)
    }

    fn greet(&mut self) -> Result<(), Error> {
        let greeting = self.receive(Phase::Greeting, None)?;
        self.granted(Phase::Greeting, greeting)?;
        self.reached(Stage::Banner)?;
        self.hello()?;
        self.reached(Stage::FirstHelo)
    }

    /// The session behind this step; where that fails, it has ended.
    pub fn passing(
        mut self,
        step: impl FnOnce(&mut Self) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        match step(&mut self) {
            Ok(()) => Ok(self),
            Err(error) => {
                self.observer.event(Event::Closed);
                Err(error)
            }
        }
    }

    /// One in which nothing was said.
    fn begin(stream: Box<dyn Stream>, conduct: Conduct, observer: &'o mut dyn Observer) -> Self {
        Session {
            stream,
            parser: ReplyParser::default(),
            buffer: vec![0; READ],
            conduct,
            capabilities: Capabilities::default(),
            observer,
            timings: Vec::new(),
            hidden: Vec::new(),
            state: State::Ready,
            stopping: None,
            patience: None,
        }
    }

    /// Negotiates TLS. The session in clear is consumed: of its parser and its
    /// capabilities nothing can outlive TLS (RFC 3207 §4.2).
    pub fn starttls(
        self,
        secure: impl FnOnce(Box<dyn Stream>) -> Result<Box<dyn Stream>, net::Error>,
    ) -> Result<Self, Error> {
        let mut clear = self.passing(Session::ask_for_tls)?;
        clear.arm(Phase::Handshake);
        let started = Stopwatch::start();
        let stream = match secure(clear.stream) {
            Ok(stream) => stream,
            Err(error) => {
                let error = Error::new(Phase::Handshake, error);
                clear.observer.event(Event::Broke(&error));
                clear.observer.event(Event::Closed);
                return Err(error);
            }
        };
        if let Some(facts) = stream.protection() {
            clear.observer.event(Event::Secured(facts));
        }
        let mut secured = Session {
            stream,
            parser: ReplyParser::default(),
            capabilities: Capabilities::default(),
            conduct: Conduct { may_fall_back_to_helo: false, ..clear.conduct },
            ..clear
        };
        secured.note_time(Phase::Handshake, started.elapsed());
        secured.passing(|session| {
            session.reached(Stage::Tls)?;
            session.hello()
        })
    }

    fn ask_for_tls(&mut self) -> Result<(), Error> {
        if !self.capabilities.has(Keyword::StartTls) {
            let lacking = Error::new(Phase::StartTls, Kind::Lacks(Keyword::StartTls));
            return Err(self.parted(lacking));
        }
        let reply = self.ask(&Command::StartTls)?;
        self.granted(Phase::StartTls, reply)?;
        if !self.parser.is_empty() {
            return Err(self.broken(Error::new(Phase::StartTls, Kind::PlaintextAfterStartTls)));
        }
        self.reached(Stage::StartTls)
    }

    /// Lets whoever watches know something that is no failure.
    pub fn note(&mut self, text: &str) {
        self.observer.event(Event::Noted(text));
    }

    /// What the latest EHLO offered.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// What is known of the way through the server.
    pub fn way(&self) -> Way<'_> {
        let is_verified = self.protection().is_some_and(TlsFacts::is_verified);
        Way { offered: &self.capabilities, is_verified, chunking: self.conduct.chunking }
    }

    /// What TLS protects the session.
    pub fn protection(&self) -> Option<&TlsFacts> {
        self.stream.protection()
    }

    /// How long each phase was waited for, in the order of first mention.
    pub fn timings(&self) -> &[(Phase, Duration)] {
        &self.timings
    }

    /// Says QUIT and leaves. With `wait` the answer is waited for, but never
    /// longer than a few seconds; it changes nothing (RFC 5321 §4.1.1.10).
    pub fn quit(mut self, wait: bool) {
        self.farewell(wait);
        self.observer.event(Event::Closed);
    }

    /// Leaves because of this error, which is told unless the session broke of
    /// it and told it then.
    pub fn leave(self, error: Error, wait: bool) -> Error {
        if self.state != State::Broken {
            self.observer.event(Event::Broke(&error));
        }
        self.quit(wait);
        error
    }

    /// EHLO, and HELO where that is allowed and needed; or LHLO.
    fn hello(&mut self) -> Result<(), Error> {
        let name = self.conduct.hello.clone();
        let reply = self.ask(&match self.conduct.protocol {
            Protocol::Smtp => Command::Ehlo(&name),
            Protocol::Lmtp => Command::Lhlo(&name),
        })?;
        // RFC 5321 §3.2, and the codes that old servers use for it.
        let knows_no_ehlo = matches!(reply.code.value(), 500 | 501 | 502 | 504 | 550);
        // RFC 2033 §4.1: neither EHLO nor HELO is a command of LMTP.
        let has_helo = self.conduct.protocol == Protocol::Smtp;
        if knows_no_ehlo && has_helo && self.conduct.may_fall_back_to_helo {
            let reply = self.ask(&Command::Helo(&name))?;
            self.granted(Phase::Hello, reply)?;
        } else {
            let reply = self.granted(Phase::Hello, reply)?;
            let offered = Capabilities::from_ehlo(&reply);
            self.capabilities = offered.without(&self.conduct.steering.without);
        }
        Ok(())
    }

    /// Sends one command and waits for its reply.
    fn ask(&mut self, command: &Command<'_>) -> Result<Reply, Error> {
        self.send(std::slice::from_ref(command))?;
        self.receive(command.phase(), None)
    }

    /// Sends commands in one write.
    fn send(&mut self, commands: &[Command<'_>]) -> Result<(), Error> {
        let mut wire = Zeroizing::new(Vec::with_capacity(LONGEST_COMMAND));
        for command in commands {
            command.write_to(&mut wire);
        }
        self.send_flight(commands, &wire)
    }

    /// Sends commands of which this is the wire form.
    fn send_flight(&mut self, commands: &[Command<'_>], wire: &[u8]) -> Result<(), Error> {
        let Some(phase) = commands.last().map(Command::phase) else { return Ok(()) };
        if phase != Phase::Quit {
            self.expect_silence(phase)?;
        }
        for command in commands {
            self.observer.event(Event::Sent(command));
        }
        self.arm(phase);
        match self.stream.write_all(wire) {
            Ok(()) => {
                tell_wire(self.observer, Side::Client, phase, wire);
                Ok(())
            }
            // What the server said before it hung up is the better reason,
            // and reading will find it.
            Err(net::Error::Closed { .. }) => Ok(()),
            Err(error) => Err(self.broken(Error::new(phase, error))),
        }
    }

    /// A reply that nothing asked for would be taken for the reply to what is
    /// said next, and so on to the end (RFC 2920 §3.1: replies are counted).
    fn expect_silence(&mut self, phase: Phase) -> Result<(), Error> {
        match self.parser.next(Exchange::Ordinary) {
            Ok(None) => Ok(()),
            Ok(Some(reply)) => {
                let reply = self.without_echo(reply);
                Err(match reply.code {
                    ReplyCode::CLOSING => self.refused(phase, reply),
                    _ => self.out_of_turn(phase, reply),
                })
            }
            Err(malformed) => {
                let malformed = self.without_quote(malformed);
                Err(self.broken(Error::new(phase, malformed)))
            }
        }
    }

    /// What the server said while the session rested, nothing has asked for: it
    /// is leaving, or out of step.
    fn expect_nothing_new(&mut self, phase: Phase) -> Result<(), Error> {
        match self.stream.pending() {
            Ok(false) => Ok(()),
            Ok(true) => {
                let reply = self.receive(phase, None)?;
                Err(self.out_of_turn(phase, reply))
            }
            Err(error) => Err(self.broken(Error::new(phase, error))),
        }
    }

    /// Waits for one whole reply.
    fn receive(&mut self, phase: Phase, recipient: Option<&ForwardPath>) -> Result<Reply, Error> {
        if let Some(stop) = self.ends_unheard(phase) {
            return Err(self.stopped(phase, stop));
        }
        let reply = match self.hear(phase, recipient) {
            Ok(reply) => reply,
            Err(kind) => return Err(self.broken(Error::new(phase, kind))),
        };
        // RFC 5321 §3.8: whatever was asked, the server is leaving. Only to a
        // message it is an answer like another.
        let answers = matches!(phase, Phase::Content | Phase::Chunk | Phase::EndOfData);
        if reply.code == ReplyCode::CLOSING && !answers {
            return Err(self.refused(phase, reply));
        }
        Ok(reply)
    }

    /// Waits for one whole reply and tells of it.
    fn hear(&mut self, phase: Phase, recipient: Option<&ForwardPath>) -> Result<Reply, Kind> {
        let started = Stopwatch::start();
        self.arm(phase);
        let reply = self.next_reply(phase)?;
        self.patience = None;
        let reply = self.decoded(phase, reply);
        let after = started.elapsed();
        self.note_time(phase, after);
        let shown = self.openly(phase, &reply);
        self.observer.event(Event::Received {
            reply: shown.as_ref().unwrap_or(&reply),
            phase,
            recipient,
            hoped_for: is_hoped_for(phase, &reply),
            after,
        });
        self.note_expected(phase, &reply);
        if reply.bare_lf {
            self.observer.event(Event::Noted("a reply ended in LF without CR (RFC 5321 §2.3.8)"));
        }
        let is_challenge = phase == Phase::Auth && reply.code == ReplyCode::CHALLENGE;
        Ok(if is_challenge { reply } else { self.without_echo(reply) })
    }

    fn next_reply(&mut self, phase: Phase) -> Result<Reply, Kind> {
        let exchange = exchange(phase);
        loop {
            match self.parser.next(exchange) {
                Ok(Some(reply)) => return Ok(reply),
                Ok(None) => {}
                Err(malformed) => return Err(self.without_quote(malformed).into()),
            }
            match self.stream.read(&mut self.buffer) {
                Ok(0) => return Err(net::Error::Closed { abruptly: false }.into()),
                Ok(length) => {
                    self.parser.feed(&self.buffer[..length]);
                    let octets = &self.buffer[..length];
                    // A sign-in may be repeated at any time.
                    let gives_away = is_given_away(&self.hidden, octets);
                    let phase = if gives_away { Phase::Auth } else { phase };
                    tell_wire(self.observer, Side::Server, phase, octets);
                }
                Err(net::Error::Interrupted) if phase == Phase::EndOfData => {
                    // The message is out: a short wait tells whether it was
                    // taken, which is worth more than leaving at once.
                    self.stopping = Some(Deadline::after(PARTING_WAIT));
                    self.stream.ignore_interrupt();
                    self.arm(phase);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Takes the enhanced status code out of the text where the server said
    /// that it writes them; never in a greeting or after EHLO (RFC 2034 §4).
    fn decoded(&self, phase: Phase, reply: Reply) -> Reply {
        let carries = !matches!(phase, Phase::Greeting | Phase::Hello)
            && self.capabilities.has(Keyword::EnhancedStatusCodes);
        if carries { reply.with_enhanced() } else { reply }
    }

    fn arm(&mut self, phase: Phase) {
        let limit = self.conduct.timeouts.of(phase);
        let limit = self.patience.map_or(limit, |patience| patience.min(limit));
        let wait = Deadline::after(limit);
        let patience = self.conduct.patience.filter(|_| phase != Phase::EndOfData);
        let wait = wait.or_earlier(self.conduct.deadline).or_earlier(patience);
        self.stream.arm(wait.or_earlier(self.stopping));
    }

    fn note_time(&mut self, phase: Phase, spent: Duration) {
        self.observer.event(Event::Waited(phase, spent));
        match self.timings.iter_mut().find(|(known, _)| *known == phase) {
            Some((_, total)) => *total += spent,
            None => self.timings.push((phase, spent)),
        }
    }

    /// The reply if it grants what was asked; any other ends the session.
    fn granted(&mut self, phase: Phase, reply: Reply) -> Result<Reply, Error> {
        match reply.severity() {
            Severity::Positive => Ok(reply),
            Severity::Transient | Severity::Permanent => Err(self.refused(phase, reply)),
            Severity::Intermediate => Err(self.out_of_turn(phase, reply)),
        }
    }

    /// The server refused: say QUIT and leave.
    fn refused(&mut self, phase: Phase, reply: Reply) -> Error {
        self.parted(Error::new(phase, Kind::Refused(reply)))
    }

    /// A reply that is none to this command.
    fn out_of_turn(&mut self, phase: Phase, reply: Reply) -> Error {
        self.broken(Error::new(phase, Kind::OutOfTurn(reply)))
    }

    /// The session is in step but of no use: say QUIT and leave. The answer
    /// is waited for (RFC 5321 §3.1), unless one of the two is in a hurry.
    fn parted(&mut self, error: Error) -> Error {
        let server_is =
            matches!(&error.kind, Kind::Refused(reply) if reply.code == ReplyCode::CLOSING);
        let user_is = matches!(&error.kind, Kind::Net(net::Error::Interrupted));
        self.observer.event(Event::Broke(&error));
        self.farewell(!server_is && !user_is);
        self.state = State::Broken;
        error
    }

    /// QUIT, where the server can still take it for a command. What comes of
    /// it changes nothing (RFC 5321 §4.1.1.10).
    fn farewell(&mut self, wait: bool) {
        if self.state != State::Broken && self.send(&[Command::Quit]).is_ok() {
            if wait {
                let _ = self.hear(Phase::Quit, None);
            }
            self.stream.close();
        }
    }

    /// The session is out of step: nothing more may be said.
    fn broken(&mut self, error: Error) -> Error {
        self.state = State::Broken;
        self.observer.event(Event::Broke(&error));
        error
    }
}
