//! What went wrong, in the words of msmtp where it has some, for which filters
//! and people look.

use super::super::words::{error_words, plain, why};
use crate::delivery::{Attempt, Cause, Outcome};
use crate::net;
use crate::session::{Error, Kind};
use crate::smtp::{Keyword, Phase};

/// Why a recipient has not got the message.
pub(super) fn reason(
    cause: &Cause,
    outcome: &Outcome,
    recipient: &str,
    from: &str,
    attempt: Option<&Attempt>,
) -> String {
    if let Outcome::Uncertain(_) = outcome {
        let why = why(outcome).unwrap_or_default();
        return format!("it is not known whether the server took the mail: {why}");
    }
    match cause {
        Cause::Replied(phase, _) => match phase {
            Phase::Mail => format!("envelope from address {from} not accepted by the server"),
            Phase::Rcpt => format!("recipient address {recipient} not accepted by the server"),
            Phase::Data => "the server does not accept mail data".to_owned(),
            Phase::Lookup
            | Phase::Connect
            | Phase::Proxy
            | Phase::Handshake
            | Phase::Greeting
            | Phase::Hello
            | Phase::StartTls
            | Phase::Xclient
            | Phase::Auth
            | Phase::Content
            | Phase::Chunk
            | Phase::EndOfData
            | Phase::Reset
            | Phase::Quit => "the server did not accept the mail".to_owned(),
        },
        Cause::Broke(error) => {
            attempt.map_or_else(|| error_words(error), |attempt| attempt_reason(error, attempt))
        }
        Cause::Unmet(_) | Cause::Withheld | Cause::NotKept(_) => why(outcome).unwrap_or_default(),
    }
}

/// Why an attempt came to nothing.
pub(super) fn attempt_reason(error: &Error, attempt: &Attempt) -> String {
    match &error.kind {
        Kind::Refused(_) => refused(error, attempt),
        Kind::Net(error_of_net) => channel(error, error_of_net, attempt),
        Kind::Lacks(Keyword::StartTls) => {
            "the server does not support TLS via the STARTTLS command".to_owned()
        }
        Kind::Lacks(Keyword::Auth) => "the server does not support authentication".to_owned(),
        Kind::NoMechanism { exposing, .. } if !exposing.is_empty() => {
            "cannot use a secure authentication method".to_owned()
        }
        Kind::NoMechanism { named, .. } => match named.first() {
            Some(name) => format!("the server does not support authentication method {name}"),
            None => "cannot find a usable authentication method".to_owned(),
        },
        _ => error_words(error),
    }
}

fn refused(error: &Error, attempt: &Attempt) -> String {
    match error.phase {
        Phase::Auth => {
            format!("authentication failed (method {})", attempt.mechanism.unwrap_or("unknown"))
        }
        Phase::Greeting => "cannot get initial OK message from server".to_owned(),
        Phase::Hello => "SMTP server does not accept EHLO or HELO commands".to_owned(),
        Phase::Lookup
        | Phase::Connect
        | Phase::Proxy
        | Phase::Handshake
        | Phase::StartTls
        | Phase::Xclient
        | Phase::Mail
        | Phase::Rcpt
        | Phase::Data
        | Phase::Content
        | Phase::Chunk
        | Phase::EndOfData
        | Phase::Reset
        | Phase::Quit => error_words(error),
    }
}

fn channel(error: &Error, of_net: &net::Error, attempt: &Attempt) -> String {
    let words = error_words(error);
    match of_net {
        net::Error::NoSuchHost { host, reason } | net::Error::Lookup { host, reason } => {
            format!("cannot locate host {host}: {reason}")
        }
        net::Error::Connect { cause, .. } => cannot_connect(attempt, &plain(&cause.to_string())),
        net::Error::TimedOut { .. } if error.phase == Phase::Connect => {
            cannot_connect(attempt, &of_net.to_string())
        }
        net::Error::Certificate { .. } => format!("TLS certificate verification failed: {words}"),
        _ if error.phase == Phase::Handshake => format!("TLS handshake failed: {words}"),
        _ => words,
    }
}

fn cannot_connect(attempt: &Attempt, why: &str) -> String {
    let place = &attempt.server.place;
    match place.port() {
        Some(port) => format!("cannot connect to {}, port {port}: {why}", place.name()),
        None => format!("cannot connect to {}: {why}", place.name()),
    }
}
