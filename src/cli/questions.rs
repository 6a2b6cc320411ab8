//! Questions to whoever sits at the terminal. Where nobody does, each has an
//! option that answers it.

use super::escape::Escaped;
use super::exit::Exit;
use super::failure::Failure;
use super::terminal::{ask, ask_aloud};
use crate::net::{Deadline, Interrupt};
use crate::sasl::Secret;
use std::io::{self, IsTerminal as _};

/// Asks, if somebody is there.
pub(super) struct Questions<'q> {
    interrupt: &'q Interrupt,
    deadline: Option<Deadline>,
    is_somebody_there: bool,
}

impl<'q> Questions<'q> {
    /// Somebody is there when the program reads from a terminal: a script that
    /// was started at one wants no questions.
    pub(super) fn new(interrupt: &'q Interrupt, deadline: Option<Deadline>) -> Self {
        Questions { interrupt, deadline, is_somebody_there: io::stdin().is_terminal() }
    }

    pub(super) fn is_somebody_there(&self) -> bool {
        self.is_somebody_there
    }

    /// Asks for a text; nothing typed is nothing. `option` answers it where
    /// nobody is there.
    pub(super) fn text(&self, question: &str, option: &str) -> Result<String, Failure> {
        if !self.is_somebody_there {
            let sentence =
                format!("nobody can be asked: {}", question.trim_end_matches([':', ' ']));
            return Err(Failure::say(Exit::Usage, sentence).hint(format!("say it: {option}")));
        }
        let question = format!("{} ", Escaped(question));
        ask_aloud(&question, self.deadline, self.interrupt).map_err(|error| self.unanswered(error))
    }

    /// Asks for yes or no until it is one; nothing typed is `usual`. `None`
    /// where nobody is there.
    pub(super) fn yes(&self, question: &str, usual: bool) -> Result<Option<bool>, Failure> {
        if !self.is_somebody_there {
            return Ok(None);
        }
        let choice = if usual { "[Y/n]" } else { "[y/N]" };
        loop {
            let answer = self.text(&format!("{question} {choice}"), "")?;
            match answer.to_ascii_lowercase().as_str() {
                "" => return Ok(Some(usual)),
                "y" | "yes" => return Ok(Some(true)),
                "n" | "no" => return Ok(Some(false)),
                _ => {}
            }
        }
    }

    /// Asks for what nobody else should see, at the terminal wherever standard
    /// input is.
    pub(super) fn secret(&self, question: &str) -> Result<Secret, Failure> {
        let question = format!("{} ", Escaped(question));
        ask(&question, self.deadline, self.interrupt).map_err(|error| self.unanswered(error))
    }

    fn unanswered(&self, error: io::Error) -> Failure {
        let signal = self.interrupt.signal().and_then(|signal| u8::try_from(signal).ok());
        match (signal, error.kind()) {
            (Some(signal), io::ErrorKind::Interrupted) => {
                Failure::say(Exit::Signal(signal), "interrupted; nothing was written")
            }
            (_, io::ErrorKind::TimedOut) => {
                Failure::say(Exit::TempFail, "no answer came in time; nothing was written")
            }
            _ => Failure::caused(
                Exit::Usage,
                "the question was not answered; nothing was written",
                error,
            ),
        }
    }
}
