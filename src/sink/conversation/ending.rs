//! What is answered to a message that has come, and for whom it is to be kept.

use super::super::replies::say;
use super::{Conversation, Verdict};
use crate::smtp::{ForwardPath, Protocol, Recipient, Reply};

impl<'p> Conversation<'p> {
    /// Answers the end of the content, and closes the transaction. In LMTP there
    /// is a reply for each recipient, in their order, else there is one.
    pub fn end_of_data(&mut self, verdict: Verdict<'_>) -> Vec<Reply> {
        let to = self.close_transaction().map_or_else(Vec::new, |transaction| transaction.to);
        let refusals = to.iter().map(|recipient| self.refusal_after_data(&recipient.path));
        let mut answers = Vec::new();
        let reply = match verdict {
            Verdict::Answered(given) => {
                answers = given;
                say(451, "4.3.0 Nobody answered for the message")
            }
            Verdict::Stored(id) => say(250, &format!("2.0.0 Stored as {id}")),
            Verdict::TooLarge => say(552, "5.3.4 The message exceeds the size limit"),
            Verdict::BareLineEnd => say(550, "5.5.2 The message has CR or LF outside of CR LF"),
            Verdict::NoRoom => say(452, "4.3.1 There is no room for the message"),
            Verdict::Enough => enough(),
            Verdict::NotStored => say(451, "4.3.0 The message could not be written"),
            Verdict::Unwanted => say(550, "5.7.0 The message is not wanted"),
        };
        let last = answers.last().unwrap_or(&reply);
        let mut answers = answers.iter();
        let mut of_taker = || answers.next().unwrap_or(last);
        let replies: Vec<Reply> = match self.protocol {
            // RFC 2033 §4.2.
            Protocol::Lmtp => {
                refusals.map(|own| own.unwrap_or_else(&mut of_taker).clone()).collect()
            }
            Protocol::Smtp => vec![refusals.flatten().next().unwrap_or_else(of_taker).clone()],
        };
        replies.into_iter().map(|reply| self.dressed(reply)).collect()
    }

    /// The recipients of the open transaction for whom its message is to be
    /// kept.
    pub fn takers(&self) -> Vec<Recipient> {
        let to = self.transaction.as_ref().map_or(&[][..], |transaction| &transaction.to);
        let is_taken = |to: &&Recipient| self.refusal_after_data(&to.path).is_none();
        match self.protocol {
            Protocol::Smtp if !to.iter().all(|recipient| is_taken(&recipient)) => Vec::new(),
            Protocol::Smtp | Protocol::Lmtp => to.iter().filter(is_taken).cloned().collect(),
        }
    }

    /// True when there is any.
    pub fn is_wanted(&self) -> bool {
        self.transaction.is_some()
            && (self.policy.refuse_after_data.is_empty() || !self.takers().is_empty())
    }

    fn refusal_after_data(&self, recipient: &ForwardPath) -> Option<&'p Reply> {
        self.policy.refuse_after_data.iter().find_map(|rule| rule.applies(recipient))
    }
}

/// It passes when another receiver is started.
pub(super) fn enough() -> Reply {
    say(452, "4.3.1 The receiver has taken as many messages as it was to")
}
