//! One mail transaction: MAIL, RCPT for each recipient, DATA, the message
//! (RFC 5321 §3.3, RFC 2033 §4.2), in as few flights as the server allows
//! (RFC 2920). How it goes without DATA is in `chunks.rs`.

use super::{Error, Event, Kind, Session, Side, Stage, State, tell_wire};
use crate::net::{self, Stopwatch};
use crate::smtp::{
    Command, DotStuffer, ForwardPath, Keyword, MailParameters, Phase, Protocol, Recipient, Reply,
    ReplyCode, ReversePath, Severity,
};
use std::io::{self, Read};

/// What to do in a transaction.
#[derive(Clone, Debug)]
pub struct Plan<'a> {
    /// The reverse-path.
    pub from: &'a ReversePath,
    /// The parameters of MAIL.
    pub parameters: &'a MailParameters,
    /// The recipients.
    pub to: Vec<&'a Recipient>,
    /// Send nothing unless every recipient is accepted. Costs a round trip,
    /// since DATA must not go out before the last reply to RCPT is in.
    pub all_or_nothing: bool,
}

/// What the server said. Facts, not a verdict: a connection that broke after
/// two replies to RCPT still has two replies.
#[derive(Debug, Default)]
pub struct Transaction {
    /// The reply to MAIL.
    pub mail: Option<Reply>,
    /// The replies to RCPT in the order of the recipients; short if broken off.
    pub rcpt: Vec<Reply>,
    /// The reply to DATA.
    pub data: Option<Reply>,
    /// What was said to the message, if anything was.
    pub end: Option<End>,
    /// All recipients had to be accepted, some were not, and so nothing was
    /// sent.
    pub withheld: bool,
    /// What broke the session.
    pub broken: Option<Error>,
    /// True once the final dot or the last chunk was written whole: from here on
    /// a silent server may have taken the message.
    pub dot_sent: bool,
}

/// What a server says to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// One reply for all recipients: that of SMTP, or one that was given before
    /// the message had ended.
    ForAll(Reply),
    /// The replies of LMTP, one for each recipient that RCPT accepted, in their
    /// order (RFC 2033 §4.2); short if broken off, never empty.
    ForEach(Vec<Reply>),
}

impl End {
    /// The reply for the recipient that RCPT accepted at this position among
    /// those accepted.
    pub fn reply(&self, accepted: usize) -> Option<&Reply> {
        match self {
            End::ForAll(reply) => Some(reply),
            End::ForEach(replies) => replies.get(accepted),
        }
    }

    /// The reply that says most of the message as a whole: the first that takes
    /// it, else the first.
    pub fn main_reply(&self) -> Option<&Reply> {
        match self {
            End::ForAll(reply) => Some(reply),
            End::ForEach(replies) => {
                replies.iter().find(|reply| is_positive(reply)).or(replies.first())
            }
        }
    }
}

/// Message octets per write.
const BLOCK: usize = 128 * 1024;

impl Session<'_> {
    /// Runs one transaction.
    pub fn transact(&mut self, plan: &Plan<'_>, message: &mut dyn Read) -> Transaction {
        let mut facts = Transaction::default();
        if let Err(error) = self.run(plan, message, &mut facts) {
            facts.broken = Some(error);
        }
        facts
    }

    /// True when another transaction may follow on this connection.
    pub fn is_usable(&self) -> bool {
        self.state != State::Broken
    }

    fn run(
        &mut self,
        plan: &Plan<'_>,
        message: &mut dyn Read,
        facts: &mut Transaction,
    ) -> Result<(), Error> {
        if self.stopping.is_some() {
            return Err(self.parted(Error::new(Phase::Mail, net::Error::Interrupted)));
        }
        self.begin_transaction()?;
        if self.patience.is_some() {
            self.expect_nothing_new(Phase::Mail)?;
        }
        if self.state == State::Unfinished {
            self.reset()?;
        }
        self.state = State::Unfinished;
        let pipelined = self.conduct.pipelining && self.capabilities.has(Keyword::Pipelining);
        let window = if pipelined { self.stream.window() } else { 0 };
        let in_chunks = self.sends_chunks(plan.parameters);
        // RFC 3030 §2: BDAT comes after every reply to MAIL and RCPT.
        let data_may_ride =
            window > 0 && !plan.all_or_nothing && !in_chunks && self.data_may_ride();
        self.envelope(plan, window, data_may_ride, facts)?;
        if facts.data.is_none() && may_go_on(facts) {
            self.reached(Stage::Rcpt)?;
        }
        if facts.data.is_none() && may_send(plan, facts) {
            if in_chunks {
                return self.chunks(plan, pipelined, message, facts);
            }
            self.send(&[Command::Data])?;
            facts.data = Some(self.receive(Phase::Data, None)?);
        }
        if facts.withheld {
            // What comes of it is no news to any recipient.
            let _ = self.reset();
            return Ok(());
        }
        match facts.data.clone() {
            Some(go) if go.code == ReplyCode::START_INPUT => {
                self.reached(Stage::Data)?;
                let nobody = accepted(facts) == 0;
                if nobody && self.conduct.protocol == Protocol::Smtp {
                    return self.nothing();
                }
                if nobody || !may_go_on(facts) {
                    // Recipients accepted without MAIL: a lone dot might bring
                    // them an empty message. And in LMTP, where 354 may not be
                    // said for nobody, no reply would follow one.
                    return Err(self.out_of_turn(Phase::Data, go));
                }
                self.content(plan, message, facts)
            }
            Some(odd) if !is_refusal(&odd) => Err(self.out_of_turn(Phase::Data, odd)),
            Some(_) | None => Ok(()),
        }
    }

    /// RFC 5321 §4.1.4: a transaction that was left open is aborted first.
    pub(super) fn reset(&mut self) -> Result<(), Error> {
        let reply = self.ask(&Command::Rset)?;
        self.granted(Phase::Reset, reply)?;
        self.state = State::Ready;
        Ok(())
    }

    /// MAIL, RCPT and, where it may share their flight, DATA: as many in one
    /// flight as the window holds, then every reply. The window is what the
    /// kernel surely takes, so a write never waits while replies do
    /// (RFC 2920 §3.1); one of 0 makes each command a flight of its own.
    fn envelope(
        &mut self,
        plan: &Plan<'_>,
        window: usize,
        data_may_ride: bool,
        facts: &mut Transaction,
    ) -> Result<(), Error> {
        let window = if self.ends_behind_mail() { 0 } else { window };
        let mut commands = std::iter::once(Command::Mail(plan.from, plan.parameters))
            .chain(plan.to.iter().copied().map(Command::Rcpt))
            .chain(data_may_ride.then_some(Command::Data))
            .peekable();
        while commands.peek().is_some() && may_go_on(facts) {
            let (mut flight, mut wire) = (Vec::new(), Vec::new());
            while let Some(command) = commands.peek() {
                let before = wire.len();
                command.write_to(&mut wire);
                if !flight.is_empty() && wire.len() > window {
                    wire.truncate(before);
                    break;
                }
                flight.extend(commands.next());
            }
            self.send_flight(&flight, &wire)?;
            for command in &flight {
                self.note_reply(command, facts)?;
            }
            if facts.rcpt.is_empty() && may_go_on(facts) {
                self.reached(Stage::Mail)?;
            }
        }
        Ok(())
    }

    fn note_reply(&mut self, command: &Command<'_>, facts: &mut Transaction) -> Result<(), Error> {
        let phase = command.phase();
        let recipient = match command {
            Command::Rcpt(recipient) => Some(&recipient.path),
            _ => None,
        };
        let reply = self.receive(phase, recipient)?;
        if phase != Phase::Data && reply.severity() == Severity::Intermediate {
            return Err(self.out_of_turn(phase, reply));
        }
        match phase {
            Phase::Mail => facts.mail = Some(reply),
            Phase::Rcpt => facts.rcpt.push(reply),
            _ => facts.data = Some(reply),
        }
        Ok(())
    }

    /// 354 without any accepted recipient: a lone dot, whose reply is no
    /// success whatever it says (RFC 2920 §3.1).
    fn nothing(&mut self) -> Result<(), Error> {
        self.arm(Phase::Content);
        self.stream.write_all(b".\r\n").map_err(|e| self.broken(Error::new(Phase::Content, e)))?;
        self.observer.event(Event::ContentSent { octets: 0 });
        tell_wire(self.observer, Side::Client, Phase::Content, b".\r\n");
        self.receive(Phase::EndOfData, None)?;
        self.finish();
        Ok(())
    }

    /// The message and its reply. After 354 there is no way back but to hang
    /// up: whatever fails here, the final dot is not sent.
    fn content(
        &mut self,
        plan: &Plan<'_>,
        message: &mut dyn Read,
        facts: &mut Transaction,
    ) -> Result<(), Error> {
        let early = if self.parser.is_empty() {
            self.send_content(message)?
        } else {
            Some(self.receive(Phase::Content, None)?)
        };
        if let Some(early) = early {
            // The server would read what follows as commands: out of step.
            self.state = State::Broken;
            if !is_refusal(&early) {
                return Err(self.broken(Error::new(Phase::Content, Kind::OutOfTurn(early))));
            }
            facts.end = Some(End::ForAll(early));
            return Ok(());
        }
        self.end(plan, facts)
    }

    /// What is said to a message that is out whole.
    pub(super) fn end(&mut self, plan: &Plan<'_>, facts: &mut Transaction) -> Result<(), Error> {
        facts.dot_sent = true;
        match self.conduct.protocol {
            Protocol::Smtp => facts.end = Some(End::ForAll(self.end_of_data(None)?)),
            Protocol::Lmtp => self.end_for_each(plan, facts)?,
        }
        self.finish();
        self.reached(Stage::Dot)
    }

    /// RFC 2033 §4.2: a reply for each recipient that was accepted. Those that
    /// came are kept, whatever comes of the rest.
    fn end_for_each(&mut self, plan: &Plan<'_>, facts: &mut Transaction) -> Result<(), Error> {
        let accepted = plan.to.iter().zip(&facts.rcpt).filter(|(_, rcpt)| is_positive(rcpt));
        let mut replies = Vec::new();
        let mut end = Ok(());
        for (recipient, _) in accepted {
            match self.end_of_data(Some(&recipient.path)) {
                Ok(reply) => replies.push(reply),
                Err(error) => {
                    end = Err(error);
                    break;
                }
            }
        }
        facts.end = (!replies.is_empty()).then_some(End::ForEach(replies));
        end?;
        let silence = self.expect_silence(Phase::EndOfData);
        if let Err(Error { kind: Kind::OutOfTurn(_) | Kind::Malformed(_), .. }) = &silence {
            // One too many, and nobody knows which was whose.
            facts.end = None;
        }
        silence
    }

    fn end_of_data(&mut self, recipient: Option<&ForwardPath>) -> Result<Reply, Error> {
        let end = self.receive(Phase::EndOfData, recipient)?;
        if end.severity() == Severity::Intermediate {
            return Err(self.out_of_turn(Phase::EndOfData, end));
        }
        Ok(end)
    }

    fn finish(&mut self) {
        if self.state == State::Unfinished {
            self.state = State::Ready;
        }
    }

    /// Writes the message and the final dot, the dot in the same write as the
    /// last block. Returns the reply that the server gave before the end.
    fn send_content(&mut self, message: &mut dyn Read) -> Result<Option<Reply>, Error> {
        let (mut stuffer, mut scratch) = (DotStuffer::default(), Vec::new());
        let mut block = vec![0; BLOCK];
        let mut octets = 0;
        let started = Stopwatch::start();
        loop {
            let length = fill(message, &mut block)
                .map_err(|e| self.broken(Error::new(Phase::Content, Kind::Source(e))))?;
            let last = length < block.len();
            let wire = stuffer.stuff(&block[..length], &mut scratch);
            octets += wire.len() as u64;
            let end: Vec<u8>;
            let sent = if last {
                end = [wire, stuffer.end()].concat();
                &end
            } else {
                wire
            };
            let early = self.write_content(sent)?;
            if early.is_some() {
                return Ok(early);
            }
            if self.observer.wants_octets() {
                self.observer.event(Event::Octets(wire));
            }
            if last {
                self.observer.event(Event::ContentSent { octets });
            }
            tell_wire(self.observer, Side::Client, Phase::Content, sent);
            if last {
                self.note_time(Phase::Content, started.elapsed());
                return Ok(None);
            }
        }
    }

    /// Writes one block unless the server speaks: then its reply is the
    /// answer, whether it closes the connection or not.
    fn write_content(&mut self, block: &[u8]) -> Result<Option<Reply>, Error> {
        self.arm(Phase::Content);
        let written = match self.stream.pending() {
            Ok(true) => Ok(0),
            Ok(false) => self.stream.write_while_silent(block),
            Err(error) => Err(error),
        };
        match written {
            Ok(length) if length == block.len() => Ok(None),
            Ok(_) | Err(net::Error::Closed { .. }) => self.receive(Phase::Content, None).map(Some),
            Err(error) => Err(self.broken(Error::new(Phase::Content, error))),
        }
    }
}

/// After a refused MAIL the rest of the envelope is noise.
fn may_go_on(facts: &Transaction) -> bool {
    facts.mail.as_ref().is_none_or(is_positive)
}

/// Whether DATA may follow replies that are all in (RFC 5321 §3.3).
fn may_send(plan: &Plan<'_>, facts: &mut Transaction) -> bool {
    if !may_go_on(facts) || accepted(facts) == 0 {
        return false;
    }
    facts.withheld = plan.all_or_nothing && accepted(facts) < plan.to.len();
    !facts.withheld
}

fn accepted(facts: &Transaction) -> usize {
    facts.rcpt.iter().filter(|reply| is_positive(reply)).count()
}

pub(super) fn is_positive(reply: &Reply) -> bool {
    reply.severity() == Severity::Positive
}

pub(super) fn is_refusal(reply: &Reply) -> bool {
    matches!(reply.severity(), Severity::Transient | Severity::Permanent)
}

/// Reads until the block is full or the source has come to its end.
pub(super) fn fill(source: &mut dyn Read, block: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < block.len() {
        match source.read(&mut block[filled..]) {
            Ok(0) => break,
            Ok(length) => filled += length,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}
