//! One client from greeting to goodbye: the conversation, put on a socket.

mod faults;
mod message;
mod proxied;
mod secured;

use super::certificate::Certificates;
use super::channel::Channel;
use super::conversation::{Conversation, Next};
use super::count::Count;
use super::event::{Event, Interest};
use super::fault::{Rules, Stage};
use super::input::{Input, Line};
use super::replies::{self, say};
use super::{Encryption, Listen, Settings};
use crate::smtp::{Reply, Severity};
use message::Arriving;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::Sender;

/// What every connection of a receiver shares.
pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) certificates: Certificates,
    /// What no other receiver has.
    pub(super) word: String,
    pub(super) taken: Count,
}

/// One client.
pub(super) struct Connection<'s> {
    pub(super) number: u64,
    shared: &'s Shared,
    events: Sender<Event>,
    peer: SocketAddr,
    port: Listen,
    channel: Channel,
    conversation: Conversation<'s>,
    input: &'s mut Input,
    output: Vec<u8>,
    /// A message that comes in chunks, as far as it has come.
    arriving: Option<Arriving>,
    doing: &'static str,
    /// See [`super::Stored::turnarounds`].
    turnarounds: u32,
    /// Whatever comes next begins a flight.
    client_waits: bool,
    rules: Rules<'s>,
    /// A rule has it end the connection.
    is_leaving: bool,
    /// The client hears no replies any more.
    is_unheard: bool,
}

/// Replies are kept together up to this size; beyond it a client that reads
/// nothing while it writes would fill our memory.
const MOST_HELD: usize = 64 * 1024;

impl<'s> Connection<'s> {
    /// Takes a client over.
    pub(super) fn new(
        number: u64,
        shared: &'s Shared,
        events: Sender<Event>,
        socket: Arc<TcpStream>,
        port: Listen,
        input: &'s mut Input,
    ) -> io::Result<Self> {
        let peer = socket.peer_addr()?;
        let channel = Channel::new(socket, shared.settings.idle)?;
        let policy = &shared.settings.policy;
        let nonce = format!("{}{number}", shared.word);
        let conversation = Conversation::new(policy, port.protocol, false, &nonce);
        Ok(Connection {
            number,
            shared,
            events,
            peer,
            port,
            channel,
            conversation,
            input,
            output: Vec::new(),
            arriving: None,
            doing: "greeting the client",
            turnarounds: 2,
            client_waits: false,
            rules: Rules::new(&policy.rules),
            is_leaving: false,
            is_unheard: false,
        })
    }

    /// Serves the client until one side closes.
    pub(super) fn serve(mut self) {
        self.tell(Event::Connected { connection: self.number, peer: self.peer });
        if let Err(mut error) = self.converse() {
            if is_idle(&error) {
                self.say(&say(421, "4.4.2 Nothing came for too long"));
                let _ = self.send();
                error = silence();
            }
            let connection = Some(self.number);
            self.tell(Event::Failed { connection, doing: self.doing, error });
        }
        self.channel.close();
        self.tell(Event::Closed { connection: self.number });
    }

    fn converse(&mut self) -> io::Result<()> {
        if self.shared.settings.proxy_protocol && !self.is_proxied()? {
            return Ok(());
        }
        if self.port.encryption == Encryption::Implicit {
            self.secure()?;
        }
        if self.is_leaving {
            return Ok(());
        }
        self.greet()?;
        while !self.is_leaving
            && let Some(line) = self.next_line()?
        {
            self.doing = "answering a command";
            let is_secret = self.conversation.is_signing_in();
            let mut rule = None;
            self.conversation.note_full(self.shared.taken.is_full());
            let answer = match &line {
                Line::Whole(line) => {
                    rule = self.rule_for(line);
                    self.ruled(rule, line)
                }
                Line::Overlong => self.conversation.answer_to_overlong_line(),
                Line::BareLineFeed => self.conversation.answer_to_bare_line_feed(),
            };
            if let Some(reply) = &answer.reply {
                self.report(reply, || shown(&line, is_secret));
            }
            match answer.next {
                Next::Handshake => self.drop_plaintext()?,
                Next::Chunk(octets) => self.take_chunk(octets)?,
                Next::LastChunk(octets) => {
                    self.take_chunk(octets)?;
                    self.end_chunks(rule)?;
                }
                Next::Skip(octets) => self.take(octets, |_| ())?,
                Next::Command | Next::AuthResponse | Next::Content | Next::Close => {}
            }
            if !self.conversation.is_in_chunks() {
                self.arriving = None;
            }
            if let Some(reply) = &answer.reply {
                self.say_by(rule, reply)?;
                self.is_leaving |= rule.is_some() && faults::is_last(reply);
            }
            if self.is_leaving {
                break;
            }
            if !answer.may_wait || self.output.len() > MOST_HELD {
                self.send()?;
            }
            match answer.next {
                Next::Handshake => self.secure()?,
                Next::Content => self.take_message()?,
                Next::Close => return Ok(()),
                Next::Command
                | Next::AuthResponse
                | Next::Chunk(_)
                | Next::LastChunk(_)
                | Next::Skip(_) => {}
            }
        }
        Ok(())
    }

    fn greet(&mut self) -> io::Result<()> {
        let rule = self.rule(Stage::Greeting, b"");
        let reply = rule.and_then(|rule| rule.reply.clone());
        let reply = reply.unwrap_or_else(|| self.conversation.greeting());
        self.say_by(rule, &reply)?;
        self.is_leaving |= faults::is_last(&reply);
        if reply.severity() != Severity::Positive {
            self.conversation.refused_at_greeting();
        }
        self.send()
    }

    fn next_line(&mut self) -> io::Result<Option<Line>> {
        loop {
            if let Some(line) = self.input.line() {
                return Ok(Some(line));
            }
            self.doing = "waiting for a command";
            if self.fill_or_send()? == 0 {
                return Ok(None);
            }
        }
    }

    fn fill(&mut self) -> io::Result<usize> {
        let octets = self.input.fill(&mut self.channel)?;
        if octets > 0 {
            self.count_turnaround();
        }
        Ok(octets)
    }

    /// The same, but no reply waits for what has not come: they go out when the
    /// input is used up, that of the kernel included (RFC 2920 §3.2).
    fn fill_or_send(&mut self) -> io::Result<usize> {
        if !self.output.is_empty() {
            match self.channel.read_ready(self.input.room())? {
                Some(octets) if octets > 0 => {
                    self.input.came(octets);
                    return Ok(octets);
                }
                _ => self.send_now(self.input.unread().is_empty())?,
            }
        }
        // Where there is much to do others do it now, and the client has answered
        // meanwhile: to sleep, and to be woken, costs more than a small message.
        std::thread::yield_now();
        match self.channel.read_ready(self.input.room())? {
            Some(octets) if octets > 0 => {
                self.input.came(octets);
                self.count_turnaround();
                Ok(octets)
            }
            _ => self.fill(),
        }
    }

    fn count_turnaround(&mut self) {
        if std::mem::take(&mut self.client_waits) {
            self.turnarounds += 1;
        }
    }

    fn say(&mut self, reply: &Reply) {
        replies::write(reply, &mut self.output);
    }

    /// One write for all replies kept so far.
    fn send(&mut self) -> io::Result<()> {
        if self.output.is_empty() {
            return Ok(());
        }
        self.send_now(self.input.unread().is_empty() && !self.channel.has_input())
    }

    fn send_now(&mut self, client_waits: bool) -> io::Result<()> {
        self.client_waits = client_waits;
        let sent = self.channel.write_all(&self.output).and_then(|()| self.channel.flush());
        self.output.clear();
        match sent {
            Err(error) if is_gone(&error) => {
                self.unheard(error);
                Ok(())
            }
            sent => sent,
        }
    }

    /// Nobody hears replies any more. What was written before is read still: a
    /// program that asks for no replies and ends has sent its mail all the same.
    fn unheard(&mut self, error: io::Error) {
        if !std::mem::replace(&mut self.is_unheard, true) {
            let (connection, doing) = (Some(self.number), "answering a client that has left");
            self.tell(Event::Failed { connection, doing, error });
        }
    }

    fn report(&self, reply: &Reply, command: impl FnOnce() -> String) {
        if matches!(reply.severity(), Severity::Transient | Severity::Permanent) {
            // What was no command may be a password, sent by a client that
            // went on after AUTH was refused.
            let is_none = reply.code.value() == 500;
            let command = if is_none { "(no command)".to_owned() } else { command() };
            let (connection, reply) = (self.number, reply.clone());
            self.tell(Event::Refused { connection, command, reply });
        }
    }

    /// An owner that stopped listening is no reason to stop serving.
    fn tell(&self, event: Event) {
        if self.shared.settings.interest == Interest::Everything || event.is_problem() {
            let _ = self.events.send(event);
        }
    }
}

/// The line as an event shows it: without what signs in.
fn shown(line: &Line, is_secret: bool) -> String {
    let Line::Whole(line) = line else { return String::new() };
    if is_secret {
        return "***".to_owned();
    }
    let line = String::from_utf8_lossy(line).into_owned();
    let is_auth = line.get(..4).is_some_and(|verb| verb.eq_ignore_ascii_case("AUTH"));
    match line.splitn(3, ' ').collect::<Vec<_>>()[..] {
        [verb, mechanism, _] if is_auth => format!("{verb} {mechanism} ***"),
        _ => line,
    }
}

/// What a socket says of a client that reads nothing more.
fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
}

/// What a socket says when its time limit ran out.
fn is_idle(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock)
}

/// Where no reply can be read, nobody is told that he was silent.
fn told_as_silence(error: io::Error) -> io::Error {
    if is_idle(&error) { silence() } else { error }
}

fn silence() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the client was silent for too long")
}
