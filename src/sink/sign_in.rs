//! AUTH: the exchange between the command and its verdict (RFC 4954 §4).

use super::replies::say;
use crate::sasl::Secret;
use crate::sasl::server::{Denied, Examiner, Judgement, Offered, Premise};
use crate::smtp::Reply;
use encodify::base64;

/// What the client's next line answers.
pub(super) type Exchange = Box<dyn Examiner>;

/// What follows from the client's line.
pub(super) enum Step {
    /// The challenge to send, and how to go on.
    Challenge(Reply, Exchange),
    /// The client is this user.
    SignedIn(String),
    /// It is not, or not yet.
    Refused(Reply),
}

/// Begins an exchange. `initial` is the client's first message in base64, `=`
/// for an empty one.
pub(super) fn begin(mechanism: &Offered, initial: Option<&str>, premise: &Premise<'_>) -> Step {
    let exchange = (mechanism.begin)(premise);
    match (initial, exchange.opening()) {
        (Some(_), Some(_)) if !exchange.bears_haste() => {
            Step::Refused(say(501, &format!("5.7.0 In {} the server speaks first", mechanism.name)))
        }
        (Some("="), _) => take(exchange, &Secret::new("")),
        (Some(message), _) => respond(exchange, message.as_bytes()),
        (None, opening) => ask(exchange, &opening.unwrap_or_default()),
    }
}

/// Goes on with the client's line, without its CRLF.
pub(super) fn respond(exchange: Exchange, line: &[u8]) -> Step {
    if line == b"*" {
        return Step::Refused(say(501, "5.7.0 Sign-in cancelled"));
    }
    match base64::STANDARD.decode(line) {
        Ok(message) => take(exchange, &Secret::new(message)),
        Err(_) => Step::Refused(say(501, "5.5.2 Not base64")),
    }
}

fn take(mut exchange: Exchange, message: &Secret) -> Step {
    match exchange.examine(message) {
        Judgement::Ask(challenge) => ask(exchange, &challenge),
        Judgement::Granted(name) => Step::SignedIn(name),
        Judgement::Denied(Denied::Malformed) => {
            Step::Refused(say(501, "5.5.2 The message does not follow the mechanism"))
        }
        Judgement::Denied(Denied::Wrong) => Step::Refused(say(535, "5.7.8 Wrong name or password")),
    }
}

fn ask(exchange: Exchange, challenge: &[u8]) -> Step {
    Step::Challenge(say(334, &base64::STANDARD.encode(challenge)), exchange)
}
