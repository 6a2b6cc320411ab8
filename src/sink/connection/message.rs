//! A message on a connection: read, kept, given on, and answered.

use super::super::Settings;
use super::super::chunks::LineEnds;
use super::super::claims::Origin;
use super::super::conversation::{Transaction, Verdict};
use super::super::data::ContentReader;
use super::super::event::{Event, Interest, Stored};
use super::super::fault::{Rule, Stage};
use super::super::intake::{End, Intake};
use super::super::storage::{Draft, Kept, Label, Trace};
use super::super::takes::{Opening, Takes};
use super::{Connection, MOST_HELD, faults};
use crate::smtp::{Body, Protocol, Reply};
use std::io;

/// A message on its way in.
pub(super) struct Arriving {
    label: Label,
    intake: Intake,
    ends: LineEnds,
}

impl Connection<'_> {
    fn begin_message(&mut self) -> io::Result<Arriving> {
        let Settings { policy, storage, passes_on, interest, .. } = &self.shared.settings;
        let label = Label::new()?;
        let trace = || self.trace(&label);
        let is_binary = self.is_binary();
        let draft = Draft::begin(storage, &label, &policy.host, trace, is_binary);
        let taker = passes_on.as_ref().map(|it| {
            it.begin(Opening { trace: &trace(), protocol: self.port.protocol, is_binary })
        });
        let intake = Intake::new(draft, taker, *interest, policy.size_limit);
        Ok(Arriving { label, intake, ends: LineEnds::default() })
    }

    pub(super) fn take_message(&mut self) -> io::Result<()> {
        self.doing = "reading a message";
        let mut arriving = self.begin_message()?;
        let mut content = ContentReader::default();
        loop {
            let intake = &mut arriving.intake;
            let progress = content.read(self.input.unread(), |octets| intake.take(octets));
            self.input.consume(progress.consumed);
            if progress.ended {
                break;
            }
            self.fill_content()?;
        }
        let rule = self.rule(Stage::Message, b"");
        self.end_message(arriving, content.has_bare_line_end(), rule)
    }

    /// Reads a chunk of the message.
    pub(super) fn take_chunk(&mut self, octets: u64) -> io::Result<()> {
        self.doing = "reading a part of a message";
        let mut arriving = match self.arriving.take() {
            Some(arriving) => arriving,
            None => self.begin_message()?,
        };
        self.take(octets, |piece| {
            arriving.ends.read(piece);
            arriving.intake.take(piece);
        })?;
        self.arriving = Some(arriving);
        Ok(())
    }

    /// The last chunk has come.
    pub(super) fn end_chunks(&mut self, rule: Option<&Rule>) -> io::Result<()> {
        let Some(arriving) = self.arriving.take() else { return Ok(()) };
        // RFC 3030 §3: in binary they may be anywhere.
        let is_malformed = !self.is_binary() && arriving.ends.has_bare();
        self.end_message(arriving, is_malformed, rule)
    }

    fn trace(&self, label: &Label) -> Trace {
        label.trace(&self.conversation, &self.origin(), &self.shared.settings.policy.host)
    }

    fn origin(&self) -> Origin {
        self.conversation.claims().origin(self.peer)
    }

    fn is_binary(&self) -> bool {
        let transaction = self.conversation.transaction();
        transaction.is_some_and(|it| it.parameters.body == Some(Body::BinaryMime))
    }

    /// Reads so many octets, which belong to a command, whatever they are.
    pub(super) fn take(&mut self, octets: u64, mut keep: impl FnMut(&[u8])) -> io::Result<()> {
        let mut left = octets;
        while left > 0 {
            let unread = self.input.unread();
            let length = unread.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            keep(&unread[..length]);
            self.input.consume(length);
            left -= length as u64;
            if left > 0 {
                self.fill_content()?;
            }
        }
        Ok(())
    }

    /// Reads more of a message. Replies do not wait for it.
    fn fill_content(&mut self) -> io::Result<()> {
        if self.fill_or_send()? == 0 {
            let left = "the client left before the end";
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, left));
        }
        Ok(())
    }

    fn end_message(
        &mut self,
        arriving: Arriving,
        is_malformed: bool,
        rule: Option<&Rule>,
    ) -> io::Result<()> {
        let Arriving { label, intake, .. } = arriving;
        let to = match (self.port.protocol, self.conversation.transaction()) {
            (Protocol::Lmtp, Some(transaction)) => transaction.to.clone(),
            _ => Vec::new(),
        };
        let is_wanted = self.conversation.is_wanted();
        let ruled = rule.and_then(|rule| rule.reply.clone());
        let is_refused = ruled.as_ref().is_some_and(|reply| reply.code.value() >= 400);
        let end = intake.end(is_malformed, is_wanted && !is_refused, &self.shared.taken);
        let mut replies = match end {
            End::Kept { kept, size, sha256, taker } => {
                if self.shared.settings.interest == Interest::Everything {
                    let stored = self.stored(&label, kept, size, sha256);
                    self.tell(Event::Stored(Box::new(stored)));
                }
                self.turnarounds = 0;
                let answered = taker.map(|taker| self.pass_on(taker)).transpose()?;
                let verdict = answered.map_or(Verdict::Stored(label.id()), Verdict::Answered);
                self.conversation.end_of_data(verdict)
            }
            End::Enough => self.conversation.end_of_data(Verdict::Enough),
            End::TooLarge => self.conversation.end_of_data(Verdict::TooLarge),
            End::Malformed => self.conversation.end_of_data(Verdict::BareLineEnd),
            End::Unwanted => self.conversation.end_of_data(Verdict::Unwanted),
            End::NotStored(error) => {
                // It passes once somebody makes room (RFC 5321 §4.2.2).
                let verdict = match error.kind() {
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Verdict::NoRoom,
                    _ => Verdict::NotStored,
                };
                let (connection, doing) = (Some(self.number), "writing a message");
                self.tell(Event::Failed { connection, doing, error });
                self.conversation.end_of_data(verdict)
            }
        };
        if let Some(ruled) = ruled {
            replies.fill(ruled);
        }
        for (at, reply) in replies.iter().enumerate() {
            self.report(reply, || match to.get(at) {
                None => "(end of message)".to_owned(),
                Some(recipient) => format!("(end of message for <{}>)", recipient.path),
            });
            self.say_by(rule, reply)?;
            self.is_leaving |= rule.is_some() && faults::is_last(reply);
            if self.is_leaving {
                return Ok(());
            }
        }
        // These may wait for others, too.
        if self.output.len() > MOST_HELD { self.send() } else { Ok(()) }
    }

    /// Gives what was kept to whoever takes it besides, for those for whom it was
    /// kept. Replies to earlier commands do not wait for that.
    fn pass_on(&mut self, mut taker: Box<dyn Takes>) -> io::Result<Vec<Reply>> {
        self.send()?;
        self.doing = "passing a message on";
        let to = self.conversation.takers();
        let transaction = self.conversation.transaction().cloned();
        let transaction = transaction.map(|transaction| Transaction { to, ..transaction });
        Ok(transaction.map_or_else(Vec::new, |transaction| taker.end(transaction)))
    }

    fn stored(&self, label: &Label, kept: Kept, size: u64, sha256: Option<String>) -> Stored {
        let transaction = self.conversation.transaction().cloned();
        let transaction = transaction.expect("content is read inside a transaction only");
        Stored {
            connection: self.number,
            id: label.id().to_owned(),
            from: transaction.from,
            to: self.conversation.takers(),
            ret: transaction.parameters.ret,
            envid: transaction.parameters.envid,
            hold: transaction.parameters.hold,
            body: transaction.parameters.body,
            require_tls: transaction.parameters.require_tls,
            size,
            sha256,
            trace: self.trace(label).whole(),
            path: kept.path,
            octets: kept.octets,
            tls: self.channel.tls(),
            client_certificate: self.conversation.client_certificate().cloned(),
            peer: self.origin(),
            claims: self.conversation.claims().clone(),
            user: self.conversation.user().map(str::to_owned),
            protocol: self.conversation.protocol(),
            turnarounds: self.turnarounds,
        }
    }
}
