//! What happened, in sentences.

use super::advice::{hints, of_error};
use super::certificate;
use super::escape::Escaped;
use super::hint::Hint;
use crate::delivery::{Attempt, Cause, Outcome, Report};
use crate::net::{self, Endpoint};
use crate::sasl::{Entry, Proof};
use crate::session::{Error, Kind};
use crate::smtp::Phase;
use std::mem::discriminant;
use std::sync::Arc;

/// What went wrong for some recipients: one sentence, and hints.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// What failed, to whom, what was answered. Safe to print.
    pub(super) sentence: String,
    /// The other servers and addresses that were tried in vain.
    pub(super) tried: Vec<String>,
    /// What to try.
    pub(super) hints: Vec<Hint>,
}

/// The problems of a report, recipients with the same fate together.
pub(super) fn problems(report: &Report) -> Vec<Problem> {
    let mut groups: Vec<(String, Vec<String>, &Outcome)> = Vec::new();
    for (path, outcome) in &report.recipients {
        let Some(why) = why(outcome) else { continue };
        let address = Escaped(path).to_string();
        let is_alike = |(known, _, of_known): &&mut (String, Vec<String>, &Outcome)| {
            *known == why && discriminant(*of_known) == discriminant(outcome)
        };
        match groups.iter_mut().find(is_alike) {
            Some((_, addresses, _)) => addresses.push(address),
            None => groups.push((why, vec![address], outcome)),
        }
    }
    let problem = |(why, addresses, outcome): (String, Vec<String>, &Outcome)| {
        let attempt = outcome.cause().and_then(|cause| attempt_of(cause, report));
        let others = in_vain(outcome, attempt, report);
        let whom = listed(&addresses);
        let mut hints = hints(outcome, attempt, &whom, report);
        for (other, error) in &others {
            for hint in of_error(error, Some(other)) {
                if !hints.contains(&hint) {
                    hints.push(hint);
                }
            }
        }
        Problem {
            sentence: sentence(&why, &whom, outcome, attempt),
            tried: others.iter().map(|(other, error)| tried(other, error)).collect(),
            hints,
        }
    };
    groups.into_iter().map(problem).collect()
}

/// The attempt that a cause belongs to, as far as that is known: of several
/// servers, a reply does not tell whose it is.
fn attempt_of<'r>(cause: &Cause, report: &'r Report) -> Option<&'r Attempt> {
    let (last, others) = report.attempts.split_last()?;
    match cause {
        Cause::Broke(error) => report.attempts.iter().find(|attempt| {
            attempt.error.as_ref().is_some_and(|of_attempt| Arc::ptr_eq(of_attempt, error))
        }),
        Cause::NotKept(_) => None,
        Cause::Replied(..) | Cause::Unmet(_) | Cause::Withheld => {
            others.iter().all(|other| other.server == last.server).then_some(last)
        }
    }
}

/// The other attempts that came to nothing, where this one did.
fn in_vain<'r>(
    outcome: &Outcome,
    told: Option<&Attempt>,
    report: &'r Report,
) -> Vec<(&'r Attempt, &'r Error)> {
    let (Outcome::Deferred(Cause::Broke(_)) | Outcome::Rejected(Cause::Broke(_))) = outcome else {
        return Vec::new();
    };
    // Once one address of a server has answered, another where nobody listens
    // is no news.
    let answered = |server: &Endpoint| {
        let mut attempts = report.attempts.iter().filter(|attempt| attempt.server == *server);
        attempts.any(|attempt| !failed_to_connect(attempt))
    };
    let is_told = |attempt: &Attempt| told.is_some_and(|told| std::ptr::eq(attempt, told));
    // Nor is one that says the same.
    let words = |attempt: &Attempt| attempt.error.as_deref().map(error_words);
    let repeats = |attempt: &Attempt| {
        told.is_some_and(|told| attempt.server == told.server && words(attempt) == words(told))
    };
    let is_no_news = |attempt: &Attempt| {
        repeats(attempt) || (failed_to_connect(attempt) && answered(&attempt.server))
    };
    let others = report.attempts.iter().filter(|other| !is_told(other) && !is_no_news(other));
    others.filter_map(|attempt| Some((attempt, attempt.error.as_deref()?))).collect()
}

/// Why an attempt came to nothing, the server named. Safe to print.
pub(super) fn tried(attempt: &Attempt, error: &Error) -> String {
    let server = attempt.server.to_string();
    let why = Escaped(error_words(error)).to_string();
    if names_server(error, &server) { why } else { format!("{server}: {why}") }
}

fn failed_to_connect(attempt: &Attempt) -> bool {
    attempt.error.as_ref().is_some_and(|error| error.phase == Phase::Connect)
}

/// Why a recipient was not accepted, in a clause; `None` if it was.
pub(super) fn why(outcome: &Outcome) -> Option<String> {
    let clause = match outcome.cause()? {
        Cause::Replied(_, reply) => reply.to_string(),
        Cause::Broke(error) => error_words(error),
        Cause::Unmet(shortfall) => shortfall.to_string(),
        Cause::Withheld => "withheld, since another recipient was refused".to_owned(),
        Cause::NotKept(why) => why.to_string(),
    };
    Some(Escaped(plain(&clause)).to_string())
}

/// The text without the numbers that the standard library puts behind what the
/// system says, such as ` (os error 2)`.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(OS_ERROR) {
        let behind = after.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix(')');
        plain.push_str(before);
        if behind.is_none() {
            plain.push_str(OS_ERROR);
        }
        rest = behind.unwrap_or(after);
    }
    plain + rest
}

const OS_ERROR: &str = " (os error ";

/// What broke a session, with what was being waited for where that matters.
pub(super) fn error_words(error: &Error) -> String {
    let phase = error.phase;
    match &error.kind {
        Kind::Net(waited @ net::Error::TimedOut { .. }) => format!("{waited} waiting for {phase}"),
        Kind::Net(net::Error::Interrupted) if phase == Phase::Auth => {
            "interrupted while signing in".to_owned()
        }
        Kind::Net(net::Error::Interrupted) => format!("interrupted while waiting for {phase}"),
        Kind::Net(closed @ net::Error::Closed { .. }) => match phase {
            Phase::Greeting => format!("{closed} instead of greeting"),
            Phase::Handshake => format!("{closed} in the middle of the TLS handshake"),
            Phase::Content => format!("{closed} in the middle of the message"),
            phase => format!("{closed} instead of giving {phase}"),
        },
        Kind::Net(net::Error::NotTls { octets }) => {
            let shown = String::from_utf8_lossy(octets);
            let shown = shown.lines().next().unwrap_or_default();
            format!("the server answered the TLS handshake in clear: ‘{shown}’")
        }
        Kind::Net(net::Error::NoAddressOfFamily { host, family })
            if host.parse::<std::net::IpAddr>().is_ok() =>
        {
            format!("{host} is not an {family} address")
        }
        Kind::Net(net::Error::NoAddressFrom { host, from })
            if host.parse::<std::net::IpAddr>().is_ok() =>
        {
            format!("{host} cannot be reached from {from}: they are of different families")
        }
        Kind::Net(net::Error::Certificate { fault, .. }) => certificate::words(fault),
        Kind::NoMechanism { exposing, .. } if !exposing.is_empty() => format!(
            "the sign-in would expose the {}: {} wants TLS with a verified certificate",
            if exposing.iter().all(|name| takes_a_token(name)) { "token" } else { "password" },
            exposing.join(" or ")
        ),
        Kind::NoMechanism { named, .. } if !named.is_empty() => {
            format!("the server does not offer {}", named.join(" or "))
        }
        Kind::Refused(reply) => format!("{} was refused: {reply}", asked(phase)),
        kind => plain(&kind.to_string()),
    }
}

fn takes_a_token(mechanism: &str) -> bool {
    Entry::named(mechanism).is_some_and(|entry| entry.proof == Proof::Token)
}

/// What was asked when a refusal ended the session.
fn asked(phase: Phase) -> &'static str {
    match phase {
        Phase::Greeting | Phase::Connect | Phase::Proxy | Phase::Lookup => "the connection",
        Phase::Hello => "our greeting",
        Phase::StartTls | Phase::Handshake => "STARTTLS",
        Phase::Xclient => "XCLIENT",
        Phase::Auth => "the sign-in",
        Phase::Mail => "the sender",
        Phase::Rcpt => "the recipient",
        Phase::Data | Phase::Content | Phase::Chunk | Phase::EndOfData => "the message",
        Phase::Reset => "RSET",
        Phase::Quit => "QUIT",
    }
}

fn sentence(why: &str, whom: &str, outcome: &Outcome, attempt: Option<&Attempt>) -> String {
    let server = attempt.map_or_else(|| "the server".to_owned(), |it| it.server.to_string());
    match outcome {
        Outcome::Uncertain(_) => format!(
            "it is not known whether {server} took the message for {whom}: {why}; \
             sending it again may deliver it twice"
        ),
        Outcome::Deferred(Cause::Replied(..)) => format!("{server} deferred {whom}: {why}"),
        Outcome::Rejected(Cause::Replied(Phase::Mail, _)) => {
            format!("{server} refused the sender, so nothing was sent to {whom}: {why}")
        }
        Outcome::Rejected(Cause::Replied(Phase::Rcpt, _)) => {
            format!("{server} rejected {whom}: {why}")
        }
        Outcome::Rejected(Cause::Replied(..)) => {
            format!("{server} refused the message for {whom}: {why}")
        }
        Outcome::Deferred(Cause::Broke(error)) | Outcome::Rejected(Cause::Broke(error))
            if names_server(error, &server) =>
        {
            format!("nothing was sent to {whom}: {why}")
        }
        Outcome::Deferred(Cause::NotKept(_)) | Outcome::Rejected(Cause::NotKept(_)) => {
            format!("{whom} did not get the message: {why}")
        }
        Outcome::Deferred(_) | Outcome::Rejected(_) | Outcome::Accepted(_) => {
            format!("nothing was sent to {whom} through {server}: {why}")
        }
    }
}

/// Whether the words for this error name the server already.
fn names_server(error: &Error, server: &str) -> bool {
    match &error.kind {
        Kind::Net(
            net::Error::NoSuchHost { .. }
            | net::Error::Lookup { .. }
            | net::Error::NoAddressOfFamily { .. }
            | net::Error::NoAddressFrom { .. }
            | net::Error::NotASocket(_)
            | net::Error::Forbidden(_),
        ) => true,
        Kind::Net(net::Error::Connect { address, .. }) => address.to_string() == server,
        _ => false,
    }
}

/// Up to three addresses by name.
fn listed(addresses: &[String]) -> String {
    match addresses {
        [first, second, third, _, ..] => {
            format!("{first}, {second}, {third} and {} more", addresses.len() - 3)
        }
        few => few.join(", "),
    }
}
