//! What the rules have the receiver do in place of a proper answer.

use super::super::conversation::{Answer, Next, Verdict};
use super::super::event::Event;
use super::super::fault::{About, Fault, Rule, Stage};
use super::super::replies::{self, say};
use super::Connection;
use crate::smtp::{Reply, ReplyCode, Severity};
use std::io;
use std::time::Duration;

/// Between two octets of an answer that trickles.
const DRIP: Duration = Duration::from_millis(5);

/// How many lines an answer is spread over.
const LINES: usize = 100;

impl<'s> Connection<'s> {
    /// The rule that counts at this stage, if there is one. It is told of.
    pub(super) fn rule(&mut self, stage: Stage, line: &[u8]) -> Option<&'s Rule> {
        if self.rules.is_empty() {
            return None;
        }
        let about = self.about(stage, line);
        let rule = self.rules.meet(stage, &about)?;
        self.tell(Event::Rule { connection: self.number, rule: rule.clone() });
        Some(rule)
    }

    /// The same for a command.
    pub(super) fn rule_for(&mut self, line: &[u8]) -> Option<&'s Rule> {
        let stage =
            if self.conversation.is_signing_in() { Some(Stage::Auth) } else { Stage::of(line) };
        self.rule(stage?, line)
    }

    fn about(&self, stage: Stage, line: &[u8]) -> About {
        let path = || {
            let line = String::from_utf8_lossy(line);
            let path = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
            path.map(|(path, _)| path.to_owned())
        };
        let open = self.conversation.transaction();
        let bare = |path: String| path.trim_matches(['<', '>']).to_owned();
        let sender = open.map(|it| bare(it.from.to_string()));
        match stage {
            Stage::Mail => About { sender: path(), recipients: Vec::new() },
            Stage::Rcpt => About { sender, recipients: path().into_iter().collect() },
            _ => {
                let to = open.map_or(&[][..], |it| &it.to);
                About {
                    sender,
                    recipients: to.iter().map(|it| bare(it.path.to_string())).collect(),
                }
            }
        }
    }

    /// The answer to a command under a rule: a refusal takes its place, so that
    /// the command changes nothing.
    pub(super) fn ruled(&mut self, rule: Option<&Rule>, line: &[u8]) -> Answer {
        let Some(reply) = rule.and_then(|rule| rule.reply.clone()) else {
            return self.conversation.answer(line);
        };
        let is_refusal = matches!(reply.severity(), Severity::Transient | Severity::Permanent);
        let is_chunk = rule.is_some_and(|rule| rule.stage == Stage::Bdat);
        let proper = if is_refusal && !is_chunk {
            if self.conversation.is_signing_in() {
                self.conversation.answer(b"*");
            }
            Answer { reply: None, next: Next::Command, may_wait: false }
        } else {
            self.conversation.answer(line)
        };
        match proper.next {
            // RFC 3030 §2: its octets come all the same.
            Next::Chunk(octets) | Next::LastChunk(octets) if is_refusal => {
                self.conversation.end_of_data(Verdict::Answered(vec![reply.clone()]));
                Answer { reply: Some(reply), next: Next::Skip(octets), may_wait: false }
            }
            // The answer to the message is given when it has come.
            Next::LastChunk(_) => proper,
            next => Answer { reply: Some(reply), next, may_wait: false },
        }
    }

    /// Says it in the way of the rule.
    pub(super) fn say_by(&mut self, rule: Option<&Rule>, reply: &Reply) -> io::Result<()> {
        let Some(rule) = rule else {
            self.say(reply);
            return Ok(());
        };
        self.send()?;
        if let Some(delay) = rule.delay {
            self.doing = "waiting as a rule says";
            self.channel.wait(delay);
        }
        match rule.fault {
            None => self.say(reply),
            Some(fault) => self.say_wrongly(fault, reply)?,
        }
        self.send()
    }

    fn say_wrongly(&mut self, fault: Fault, reply: &Reply) -> io::Result<()> {
        match fault {
            Fault::Close => self.is_leaving = true,
            Fault::Reset => {
                self.channel.reset()?;
                self.is_leaving = true;
            }
            Fault::HalfClose => {
                self.channel.close();
                while self.fill()? > 0 {
                    self.input.discard();
                }
                self.is_leaving = true;
            }
            Fault::Trickle => self.trickle(reply)?,
            Fault::Multiline => {
                let text = (1..LINES).map(|line| format!("line {line}")).chain(reply.text.clone());
                self.say(&Reply { text: text.collect(), ..reply.clone() });
            }
            Fault::Oversized => {
                let text = vec!["x".repeat(1024 * 1024)];
                self.say(&Reply { text, ..reply.clone() });
            }
            Fault::Endless => self.go_on(reply.code)?,
            Fault::Garbage => self.output.extend_from_slice(b"\x00\xffwhat?\r\n"),
            Fault::Extra => {
                self.say(reply);
                self.say(&say(250, "2.0.0 Nobody asked"));
            }
            Fault::TinyWindow => {
                self.channel.narrow()?;
                self.say(reply);
            }
            Fault::NoCloseNotify => {
                self.say(reply);
                self.send()?;
                self.channel.close_without_notice();
                self.is_leaving = true;
            }
            // Shown in the handshake.
            Fault::Expired | Fault::WrongName | Fault::OldTls => self.say(reply),
        }
        Ok(())
    }

    /// Says lines of an answer until nobody hears them.
    fn go_on(&mut self, code: ReplyCode) -> io::Result<()> {
        let lines = format!("{}-and on\r\n", code.value()).repeat(LINES);
        while !self.is_unheard {
            self.output.extend_from_slice(lines.as_bytes());
            self.send()?;
        }
        self.is_leaving = true;
        Ok(())
    }

    fn trickle(&mut self, reply: &Reply) -> io::Result<()> {
        let mut octets = Vec::new();
        replies::write(reply, &mut octets);
        for octet in octets {
            self.output.push(octet);
            self.send()?;
            self.channel.wait(DRIP);
        }
        Ok(())
    }

    /// What a rule does to a handshake before it begins.
    pub(super) fn before_handshake(&mut self, rule: Option<&Rule>) -> io::Result<()> {
        let Some(rule) = rule else { return Ok(()) };
        if let Some(delay) = rule.delay {
            self.channel.wait(delay);
        }
        match rule.fault {
            Some(Fault::Expired | Fault::WrongName) | None => Ok(()),
            Some(Fault::OldTls) => self.know_no_new_tls(),
            Some(fault) => {
                self.say_wrongly(fault, &say(250, "2.0.0 This is no TLS"))?;
                self.send()
            }
        }
    }

    /// Hears what versions the client has, and has none of them (RFC 8446 §4.2.1,
    /// §6.2).
    fn know_no_new_tls(&mut self) -> io::Result<()> {
        // A fatal alert, protocol_version, in a record of TLS 1.1.
        const ALERT: [u8; 7] = [21, 3, 2, 0, 2, 2, 70];
        self.is_leaving = true;
        if self.fill()? > 0 {
            self.input.discard();
            self.output.extend_from_slice(&ALERT);
        }
        self.send()
    }
}

/// 421 says that the connection ends.
pub(super) fn is_last(reply: &Reply) -> bool {
    reply.code == ReplyCode::CLOSING
}
