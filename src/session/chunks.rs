//! A message in chunks, each behind a command that counts its octets (RFC 3030
//! §2).

use super::transaction::{End, Plan, Transaction, fill, is_positive, is_refusal};
use super::{Error, Event, Kind, PARTING_WAIT, Session, Side, Stage, State, tell_wire};
use crate::net;
use crate::smtp::{Body, Chunking, Command, Keyword, MailParameters, Phase, Reply, ReplyCode};
use std::io::Read;

/// Octets of a chunk, all but the last.
const CHUNK: usize = 256 * 1024;

/// How many chunks may be out without an answer. Their replies are read as they
/// come, and so many lie ready without keeping the server from reading on.
const MOST_UNANSWERED: usize = 16;

impl Session<'_> {
    /// Whether a message with these parameters goes in chunks.
    pub(super) fn sends_chunks(&mut self, parameters: &MailParameters) -> bool {
        let is_offered = self.capabilities.has(Keyword::Chunking);
        let is_wanted = match self.conduct.chunking {
            Chunking::On => true,
            // RFC 3030 §3: DATA cannot carry it.
            Chunking::Auto => parameters.body == Some(Body::BinaryMime),
            Chunking::Off => false,
        };
        if is_wanted && !is_offered {
            self.note("the server does not offer CHUNKING: the message goes by DATA");
        }
        is_wanted && is_offered
    }

    /// The message and the reply to its last chunk. Nothing that the server
    /// could take for the whole goes out before all of it could be read and all
    /// before the last chunk was taken.
    pub(super) fn chunks(
        &mut self,
        plan: &Plan<'_>,
        is_pipelined: bool,
        message: &mut dyn Read,
        facts: &mut Transaction,
    ) -> Result<(), Error> {
        // Where DATA would have been answered, or not.
        self.reached(Stage::Data)?;
        self.missed_nothing(Stage::Data, Phase::Data)?;
        if let Some(stop) = self.ends_unheard(Phase::Data) {
            return Err(self.stopped(Phase::Data, stop));
        }
        let most = if is_pipelined { MOST_UNANSWERED } else { 1 };
        let mut chunks = Chunks { session: self, most, unanswered: 0, refusal: None };
        let sent = chunks.send(message);
        facts.end = chunks.refusal.map(End::ForAll);
        sent?;
        if facts.end.is_none() {
            self.end(plan, facts)?;
        }
        // RFC 3030 §2: what comes of the transaction is not known after a
        // refusal, and nothing else may be said before.
        let reply = facts.end.as_ref().and_then(End::main_reply);
        let is_over = reply.is_some_and(|reply| reply.code == ReplyCode::CLOSING);
        if self.is_usable() && !is_over && !reply.is_some_and(is_positive) {
            self.state = State::Unfinished;
            self.patience = Some(PARTING_WAIT);
            // It is no news to any recipient.
            let _ = self.reset();
        }
        Ok(())
    }
}

/// Chunks on their way.
struct Chunks<'s, 'o> {
    session: &'s mut Session<'o>,
    /// How many may be out without an answer.
    most: usize,
    /// How many are.
    unanswered: usize,
    /// What was said to the first that was refused.
    refusal: Option<Reply>,
}

impl Chunks<'_, '_> {
    /// Sends chunks until the last is out or one is refused.
    fn send(&mut self, message: &mut dyn Read) -> Result<(), Error> {
        let (mut block, mut wire) = (vec![0; CHUNK], Vec::new());
        loop {
            let length = fill(message, &mut block)
                .map_err(|e| self.session.broken(Error::new(Phase::Content, Kind::Source(e))))?;
            let last = length < block.len();
            // A server that takes the last chunk in spite of a refusal before
            // would have a message with a hole: nothing is open when it goes.
            self.read_replies(if last { 0 } else { self.most - 1 })?;
            if self.refusal.is_none() {
                let command = Command::Bdat { size: length, last };
                wire.clear();
                command.write_to(&mut wire);
                wire.extend_from_slice(&block[..length]);
                self.session.observer.event(Event::Sent(&command));
                if self.write(&wire)? {
                    self.tell(&block[..length]);
                    self.unanswered += usize::from(!last);
                }
            }
            if self.refusal.is_some() {
                return self.read_open_replies();
            }
            if last {
                return Ok(());
            }
        }
    }

    /// Reads the replies that have come, and waits until no more than so many
    /// are open.
    fn read_replies(&mut self, open: usize) -> Result<(), Error> {
        while self.unanswered > open || self.server_speaks()? {
            if self.unanswered == 0 {
                return Err(self.spoken_to());
            }
            self.read_reply()?;
        }
        Ok(())
    }

    /// Reads the replies to all that is out, where more are to come.
    fn read_open_replies(&mut self) -> Result<(), Error> {
        while self.unanswered > 0 && self.session.is_usable() && !self.is_server_leaving() {
            self.read_reply()?;
        }
        Ok(())
    }

    fn is_server_leaving(&self) -> bool {
        self.refusal.as_ref().is_some_and(|reply| reply.code == ReplyCode::CLOSING)
    }

    /// What follows a refusal is done for the sake of the connection only.
    fn hurry_if_refused(&mut self) {
        if self.refusal.is_some() {
            self.session.patience = Some(PARTING_WAIT);
        }
    }

    fn server_speaks(&mut self) -> Result<bool, Error> {
        if !self.session.parser.is_empty() {
            return Ok(true);
        }
        let pending = self.session.stream.pending();
        pending.map_err(|error| self.session.broken(Error::new(Phase::Chunk, error)))
    }

    /// What the server says while nothing is asked of it.
    fn spoken_to(&mut self) -> Error {
        match self.session.receive(Phase::Chunk, None) {
            Ok(reply) if reply.code == ReplyCode::CLOSING => {
                self.session.refused(Phase::Chunk, reply)
            }
            Ok(reply) => self.session.out_of_turn(Phase::Chunk, reply),
            Err(error) => error,
        }
    }

    /// The reply to the first chunk that has none; where all have one, to the
    /// chunk that is being written, which may be refused before its end.
    fn read_reply(&mut self) -> Result<(), Error> {
        self.hurry_if_refused();
        let reply = self.session.receive(Phase::Chunk, None)?;
        if is_refusal(&reply) {
            self.refusal.get_or_insert(reply);
        } else if !is_positive(&reply) || self.unanswered == 0 {
            return Err(self.session.out_of_turn(Phase::Chunk, reply));
        }
        self.unanswered = self.unanswered.saturating_sub(1);
        Ok(())
    }

    /// Writes a chunk with its command, and reads the replies to others that
    /// come meanwhile. It is ended, having been announced, even if one of them
    /// is a refusal; but not where the server has refused this very chunk, or is
    /// leaving. True when it was written whole.
    fn write(&mut self, wire: &[u8]) -> Result<bool, Error> {
        let mut written = 0;
        loop {
            self.hurry_if_refused();
            self.session.arm(Phase::Content);
            match self.session.stream.write_while_silent(&wire[written..]) {
                Ok(taken) => written += taken,
                // What the server said before it hung up is the better reason,
                // and reading will find it.
                Err(net::Error::Closed { .. }) => {}
                Err(error) => {
                    return Err(self.session.broken(Error::new(Phase::Content, error)));
                }
            }
            if written == wire.len() {
                return Ok(true);
            }
            let is_about_this = self.unanswered == 0;
            self.read_reply()?;
            if is_about_this || self.is_server_leaving() {
                // What is said now would be read as the rest of the chunk.
                self.session.state = State::Broken;
                return Ok(false);
            }
        }
    }

    fn tell(&mut self, octets: &[u8]) {
        let observer = &mut self.session.observer;
        if observer.wants_octets() {
            observer.event(Event::Octets(octets));
        }
        observer.event(Event::ChunkSent { octets: octets.len() as u64 });
        tell_wire(*observer, Side::Client, Phase::Content, octets);
    }
}
