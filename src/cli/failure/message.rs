//! What an error of `message` means for the exit status, and what to try.

use super::{Exit, Failure};
use crate::message::{AddressError, Error};
use crate::smtp::PathError;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let (exit, hint) = match &error {
            Error::Unreadable { .. } | Error::Directory(_) | Error::NotAFile(_) => {
                (Exit::NoInput, None)
            }
            Error::Changed(_) => (Exit::IoErr, Some("run the same command again".to_owned())),
            Error::FileName(_) => {
                (Exit::DataErr, Some("give it another name: --attach-name NAME".to_owned()))
            }
            Error::Address { text, reason: AddressError::Path(PathError::NoDomain) }
                if is_word(text) =>
            {
                (Exit::DataErr, Some(format!("write it whole: {text}@example.org")))
            }
            Error::Address { text, .. }
                if text.matches('@').count() > 1 && !text.contains(char::is_control) =>
            {
                (Exit::DataErr, Some("put a comma between two addresses".to_owned()))
            }
            Error::NoFrom => return no_from(),
            Error::NoRandomness => (Exit::OsErr, None),
            Error::Nul { .. }
            | Error::LineTooLong { .. }
            | Error::HeaderTooLarge(_)
            | Error::Address { .. }
            | Error::HeaderName(_)
            | Error::HeaderBreak(_)
            | Error::HeaderReserved(_)
            | Error::HeaderTwice(_)
            | Error::HeaderValue(_)
            | Error::MediaType(_)
            | Error::Date => (Exit::DataErr, None),
        };
        let failure = Failure::new(exit, error);
        Failure { hints: hint.into_iter().collect(), ..failure }
    }
}

/// Nobody who could be the author (64).
pub(in crate::cli) fn no_from() -> Failure {
    Failure::say(Exit::Usage, "it is not known whom the message is from")
        .hint("--from you@example.org, or from = \"you@example.org\" in the account")
}

/// Nobody to send to (64).
pub(in crate::cli) fn no_recipients() -> Failure {
    Failure::say(Exit::Usage, "the message has no recipients")
        .hint("name them: envoi send … bob@example.org, or --to, --cc, --bcc")
}

/// A name as a system's own users have it.
fn is_word(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+'))
}
