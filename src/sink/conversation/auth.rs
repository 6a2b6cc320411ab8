//! AUTH within a conversation: when it may be said, what may be said then, and
//! what comes of it (RFC 4954 §4).

use super::super::replies::say;
use super::super::sign_in::{self, Step};
use super::{Answer, Conversation, Next, grouped};
use crate::sasl::Entry;
use crate::sasl::server::{Offered, Premise};
use crate::smtp::Keyword;

impl Conversation<'_> {
    /// Answers AUTH.
    pub(super) fn auth(&mut self, argument: &str) -> Answer {
        let (mechanism, initial) = match argument.split_once(' ') {
            Some((mechanism, initial)) => (mechanism, Some(initial.trim())),
            None => (argument, None),
        };
        let mechanism = mechanism.to_ascii_uppercase();
        let refused = if !self.policy.offer.has(Keyword::Auth) {
            say(502, "5.5.1 AUTH is not implemented here")
        } else if self.hello.is_none() {
            self.hello_first()
        } else if self.user.is_some() {
            say(503, "5.5.1 Already signed in")
        } else if self.transaction.is_some() {
            say(503, "5.5.1 Not inside a mail transaction")
        } else if mechanism.is_empty() {
            say(501, "5.5.4 Syntax: AUTH mechanism [response]")
        } else if !self.offers(Keyword::Auth) {
            say(538, "5.7.11 Signing in needs TLS")
        } else if let Some(mechanism) = self.mechanism(&mechanism) {
            self.attempts += 1;
            let nonce = format!("{}.{}@{}", self.nonce, self.attempts, self.policy.host);
            let step = sign_in::begin(mechanism, initial, &self.premise(&nonce));
            return self.signed_in(step);
        } else {
            say(504, "5.5.4 Unknown mechanism")
        };
        grouped(refused)
    }

    /// The mechanisms offered on the channel as it is now.
    pub(super) fn mechanisms(&self) -> impl Iterator<Item = &'static Offered> {
        let premise = self.premise("");
        self.policy.offer.mechanisms().filter(move |offered| (offered.fits)(&premise))
    }

    fn mechanism(&self, name: &str) -> Option<&'static Offered> {
        self.mechanisms().find(|offered| offered.name == name)
    }

    fn premise<'c>(&'c self, nonce: &'c str) -> Premise<'c> {
        let binds =
            |offered: &Offered| Entry::named(offered.name).is_some_and(|entry| entry.binds_channel);
        Premise {
            users: &self.policy.users,
            nonce,
            bindings: &self.bindings,
            certified: self.certified(),
            binds: !self.bindings.is_empty() && self.policy.offer.mechanisms().any(binds),
        }
    }

    /// Who the client's certificate says it is: by its mail address, else by
    /// its common name.
    fn certified(&self) -> Option<&str> {
        let certificate = self.client_certificate.as_ref()?;
        certificate.mailboxes.first().or(certificate.common_name.as_ref()).map(String::as_str)
    }

    /// What an exchange has come to.
    pub(super) fn signed_in(&mut self, step: Step) -> Answer {
        match step {
            Step::Challenge(reply, exchange) => {
                self.exchange = Some(exchange);
                Answer { reply: Some(reply), next: Next::AuthResponse, may_wait: false }
            }
            Step::SignedIn(user) => {
                self.user = Some(user);
                // RFC 4954 §4 lets PLAIN stand inside a group.
                grouped(say(235, "2.7.0 Welcome"))
            }
            Step::Refused(reply) => grouped(reply),
        }
    }
}
