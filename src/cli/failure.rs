//! What stops before any server is asked: a sentence, a status, and hints.

mod account;
mod message;
mod oauth;
mod typed;

pub(super) use account::{no_server, of_secret, table};
pub(super) use message::{no_from, no_recipients, not_text, quoted, warned};
pub(super) use oauth::{absence, hint as oauth_hint, of_oauth, to_login};
pub(super) use typed::{of_proxy, of_server};

use super::exit::Exit;
use super::hint::{Hint, Written};
use std::fmt;

/// An end before a server was asked. Its text and hints are printed in one
/// place, `cli::main`.
#[derive(Debug)]
pub struct Failure {
    /// The status to end with.
    pub exit: Exit,
    /// What was being done, to what, and what stood in the way; the chain of
    /// causes follows.
    pub error: anyhow::Error,
    /// What to try, each a line that works when pasted.
    pub hints: Vec<Hint>,
}

impl Failure {
    /// A failure without a hint.
    pub fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Failure { exit, error: error.into(), hints: Vec::new() }
    }

    /// A failure that is one sentence.
    pub fn say(exit: Exit, sentence: impl fmt::Display) -> Self {
        Failure::new(exit, anyhow::anyhow!("{sentence}"))
    }

    /// A failure with what the system said: `sentence` is what could not be
    /// done.
    pub fn caused(
        exit: Exit,
        sentence: impl fmt::Display + Send + Sync + 'static,
        cause: impl Into<anyhow::Error>,
    ) -> Self {
        Failure { exit, error: cause.into().context(sentence), hints: Vec::new() }
    }

    /// Says before the sentence where the trouble was typed.
    #[must_use]
    pub(super) fn at(self, place: impl fmt::Display + Send + Sync + 'static) -> Self {
        Failure { error: self.error.context(place), ..self }
    }

    /// The same for who cannot type options.
    #[must_use]
    pub(super) fn in_configuration(mut self, written: &Written) -> Self {
        self.hints = self.hints.iter().map(|hint| hint.in_configuration(written)).collect();
        self
    }

    /// Adds what to try.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Hint>) -> Self {
        self.hints.push(hint.into());
        self
    }
}
