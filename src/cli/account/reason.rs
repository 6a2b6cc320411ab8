//! Why a message goes through an account, in words.

use crate::account::{Chosen, Fit, Reason};
use serde::Serialize;

/// What a choice came to, for programs.
#[derive(Serialize)]
pub(super) struct ChosenJson<'a> {
    account: Option<&'a str>,
    reason: &'static str,
    text: String,
}

impl<'a> ChosenJson<'a> {
    pub(super) fn of(chosen: &Chosen<'a>) -> Self {
        ChosenJson {
            account: chosen.name(),
            reason: word(chosen.reason()),
            text: because(chosen.reason()),
        }
    }
}

/// The account and why it is this one, on one line.
pub(super) fn sentence(chosen: &Chosen<'_>) -> String {
    format!("{}: {}", chosen.name().unwrap_or("no account"), because(chosen.reason()))
}

/// The same where no message is in question.
pub(super) fn without_sender(chosen: &Chosen<'_>) -> String {
    let name = chosen.name().unwrap_or("no account");
    let used = format!("{name} is used: {}", because(chosen.reason()));
    match chosen.reason() {
        Reason::Sender { .. } | Reason::Default { .. } | Reason::Only { .. } => {
            format!("Where no sender decides, {used}.")
        }
        Reason::Named | Reason::Server | Reason::Variable | Reason::ServerVariable => {
            format!("Now {used}.")
        }
    }
}

/// A clause about the account.
fn because(reason: &Reason<'_>) -> String {
    match reason {
        Reason::Named => "it is named on the command line".to_owned(),
        Reason::Server => "--server says where mail goes".to_owned(),
        Reason::Variable => "ENVOI_ACCOUNT names it".to_owned(),
        Reason::ServerVariable => "ENVOI_SERVER says where mail goes".to_owned(),
        Reason::Sender { sender, fit, others } => {
            let fits = match fit {
                Fit::From => format!("its ‘from’ is the sender {sender}"),
                Fit::Match(pattern) => {
                    format!("its pattern ‘{pattern}’ fits the sender {sender}")
                }
            };
            match others.as_slice() {
                [] => fits,
                others => format!("{fits}, and it is the default; so do {}", others.join(", ")),
            }
        }
        Reason::Default { sender } => format!("it is the default{}", unfitting(sender.as_deref())),
        Reason::Only { sender } => {
            format!("it is the only account{}", unfitting(sender.as_deref()))
        }
    }
}

fn unfitting(sender: Option<&str>) -> String {
    sender.map_or_else(String::new, |sender| format!(", and none is for the sender {sender}"))
}

/// The reason for programs.
fn word(reason: &Reason<'_>) -> &'static str {
    match reason {
        Reason::Named => "account",
        Reason::Server => "server",
        Reason::Variable => "ENVOI_ACCOUNT",
        Reason::ServerVariable => "ENVOI_SERVER",
        Reason::Sender { fit: Fit::From, .. } => "from",
        Reason::Sender { fit: Fit::Match(_), .. } => "match",
        Reason::Default { .. } => "default",
        Reason::Only { .. } => "only",
    }
}
