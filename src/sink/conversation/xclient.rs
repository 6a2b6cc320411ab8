//! XCLIENT within a conversation (Postfix, `XCLIENT_README`): a client that says
//! for whom it is to be taken, after which all begins anew.

use super::super::claims::Claims;
use super::super::replies::say;
use super::hello::is_client_name;
use super::{Answer, Conversation, stay};
use crate::smtp::{Reply, Xclient};

impl Conversation<'_> {
    /// Answers XCLIENT. What is said adds to what was said before, but for a
    /// user's name: who signed in otherwise is forgotten.
    pub(super) fn xclient(&mut self, argument: &str) -> Answer {
        if self.policy.xclient.is_empty() {
            return stay(say(502, "5.5.1 XCLIENT is not implemented here"));
        }
        if self.transaction.is_some() {
            return stay(say(503, "5.5.1 Not inside a mail transaction"));
        }
        match self.claimed(argument) {
            Err(reply) => stay(reply),
            Ok(claims) => {
                self.user = claims.known("LOGIN").map(str::to_owned);
                self.claims = claims;
                self.hello = None;
                stay(self.greeting())
            }
        }
    }

    fn claimed(&self, argument: &str) -> Result<Claims, Reply> {
        let bad = |why: &dyn std::fmt::Display| say(501, &format!("5.5.4 Bad XCLIENT: {why}"));
        let said = Xclient::read(argument).map_err(|why| bad(&why))?;
        if let Some(name) = said.names().find(|name| !self.policy.xclient.contains(name)) {
            return Err(bad(&format!("{name} was not offered")));
        }
        for (name, value) in said.values() {
            let fits = match (name, value) {
                // They may stand in a trace field.
                ("NAME" | "REVERSE_NAME" | "HELO", Some(value)) => is_client_name(value),
                (_, Some(value)) => !value.contains(char::is_control),
                (_, None) => true,
            };
            if !fits {
                return Err(bad(&format!("{name} cannot have this value")));
            }
        }
        Ok(self.claims.clone().with(&said))
    }

    /// What the client said about whom it is to be taken for.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }
}
