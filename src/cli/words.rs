//! What happened, in sentences; and what to try, in hints that work when
//! pasted.

use super::escape::Escaped;
use crate::delivery::{Attempt, Cause, Outcome, Report};
use crate::net::{self, CertificateFault, Endpoint, Security};
use crate::session::{Error, Kind};
use crate::smtp::{Keyword, Phase, Reply};

/// What went wrong for some recipients: one sentence, and hints.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// What failed, to whom, what was answered. Safe to print.
    pub(super) sentence: String,
    /// What to try.
    pub(super) hints: Vec<String>,
}

/// The problems of a report, recipients with the same fate together.
pub(super) fn problems(report: &Report) -> Vec<Problem> {
    let mut groups: Vec<(String, Vec<String>, &Outcome)> = Vec::new();
    for (path, outcome) in &report.recipients {
        let Some(why) = why(outcome) else { continue };
        let address = Escaped(path).to_string();
        match groups.iter_mut().find(|(known, ..)| *known == why) {
            Some((_, addresses, _)) => addresses.push(address),
            None => groups.push((why, vec![address], outcome)),
        }
    }
    let last = report.attempts.last();
    groups
        .into_iter()
        .map(|(why, addresses, outcome)| Problem {
            sentence: sentence(&why, &listed(&addresses), outcome, last),
            hints: outcome.cause().map_or_else(Vec::new, |cause| hints(cause, report)),
        })
        .collect()
}

/// Why a recipient was not accepted, in a clause; `None` if it was.
pub(super) fn why(outcome: &Outcome) -> Option<String> {
    let clause = match outcome.cause()? {
        Cause::Replied(_, reply) => reply.to_string(),
        Cause::Broke(error) => error_words(error),
        Cause::Unmet(shortfall) => shortfall.to_string(),
        Cause::Withheld => "withheld, since another recipient was refused".to_owned(),
    };
    Some(Escaped(&clause).to_string())
}

/// What broke a session, with what was being waited for where that matters.
pub(super) fn error_words(error: &Error) -> String {
    let phase = error.phase;
    match &error.kind {
        Kind::Net(waited @ net::Error::TimedOut { .. }) => format!("{waited} waiting for {phase}"),
        Kind::Net(net::Error::Interrupted) => format!("interrupted while waiting for {phase}"),
        Kind::Net(closed @ net::Error::Closed { .. }) => {
            format!("{closed} instead of giving {phase}")
        }
        Kind::Net(net::Error::NotTls { octets }) => {
            let shown = String::from_utf8_lossy(octets);
            let shown = shown.lines().next().unwrap_or_default();
            format!("the server answered the TLS handshake in clear: ‘{shown}’")
        }
        Kind::Refused(reply) => format!("{} was refused: {reply}", asked(phase)),
        kind => kind.to_string(),
    }
}

/// What was asked when a refusal ended the session.
fn asked(phase: Phase) -> &'static str {
    match phase {
        Phase::Greeting | Phase::Connect | Phase::Lookup => "the connection",
        Phase::Hello => "EHLO",
        Phase::StartTls | Phase::Handshake => "STARTTLS",
        Phase::Auth => "the sign-in",
        Phase::Mail => "the sender",
        Phase::Rcpt => "the recipient",
        Phase::Data | Phase::Content | Phase::EndOfData => "the message",
        Phase::Reset => "RSET",
        Phase::Quit => "QUIT",
    }
}

fn sentence(why: &str, whom: &str, outcome: &Outcome, last: Option<&Attempt>) -> String {
    let server = last.map_or_else(|| "the server".to_owned(), |last| last.server.to_string());
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
        _ => format!("nothing was sent to {whom} through {server}: {why}"),
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

fn hints(cause: &Cause, report: &Report) -> Vec<String> {
    match cause {
        Cause::Replied(phase, reply) => of_reply(*phase, reply),
        Cause::Broke(error) => {
            let server = report
                .attempts
                .iter()
                .rfind(|attempt| {
                    attempt.error.as_ref().is_some_and(|e| std::ptr::eq(e.as_ref(), error.as_ref()))
                })
                .map(|attempt| &attempt.server);
            of_error(error, server)
        }
        Cause::Unmet(_) | Cause::Withheld => Vec::new(),
    }
    .into_iter()
    .map(|hint| Escaped(&hint).to_string())
    .collect()
}

fn of_reply(phase: Phase, reply: &Reply) -> Vec<String> {
    let hint = match (phase, reply.code.value()) {
        (_, 530) => "the server wants a sign-in: add --user NAME",
        (Phase::Rcpt, 550 | 551 | 553) if reply.enhanced.is_some_and(|e| e.subject == 7) => {
            "the server does not relay for this sender: sign in with --user NAME, \
             or send through your own provider's server"
        }
        (Phase::Rcpt, 550 | 551 | 553) => "check the spelling of the address",
        (Phase::Mail, 550..=554) => {
            "the server does not accept this sender: try the account's own address \
             with --envelope-from"
        }
        (Phase::EndOfData, 552) => "make the message smaller",
        (_, 400..=499) => "this may pass: run the same command again later",
        _ => return Vec::new(),
    };
    vec![hint.to_owned()]
}

fn of_error(error: &Error, server: Option<&Endpoint>) -> Vec<String> {
    let host = server.map_or_else(|| "HOST".to_owned(), |s| s.host.to_string());
    match &error.kind {
        Kind::Net(net) => of_net(net, error.phase, server, &host),
        Kind::Lacks(Keyword::StartTls) => vec![
            format!("if the server speaks TLS from the start: --server smtps://{host}"),
            format!("to send in clear, where everybody on the way can read it: --server smtp+notls://{host}"),
        ],
        Kind::Lacks(Keyword::Auth) => vec![
            "the server takes no sign-in here: leave --user away, or try its submission port, 587 or 465"
                .to_owned(),
        ],
        Kind::NoMechanism { exposing, .. } if !exposing.is_empty() => vec![
            format!("to sign in under TLS: --server smtps://{host} or --server smtp://{host}"),
            "to let the password cross in clear all the same: --allow-cleartext-auth".to_owned(),
        ],
        Kind::NoMechanism { offered, .. } => {
            vec![format!("the server offers {}", offered.join(", "))]
        }
        Kind::Refused(reply) if error.phase == Phase::Auth && reply.code.value() == 535 => vec![
            "check the user name and the password; many providers want an app password here".to_owned(),
        ],
        Kind::Secret(_) => {
            vec!["name another source: --password-from env:NAME, file:PATH, command:WORDS or prompt".to_owned()]
        }
        _ => Vec::new(),
    }
}

fn of_net(error: &net::Error, phase: Phase, server: Option<&Endpoint>, host: &str) -> Vec<String> {
    let hint = match error {
        net::Error::NoSuchHost { .. } => "check the spelling of the server's name".to_owned(),
        net::Error::Lookup { .. } => "check the network and the name server in /etc/resolv.conf".to_owned(),
        net::Error::Connect { .. } => {
            "check that the server runs and that the port is right: smtps:// means 465, smtp:// means 587"
                .to_owned()
        }
        net::Error::NotTls { .. } => {
            let port = server.map_or(587, |s| s.port);
            format!("the port speaks STARTTLS, not TLS from the start: --server smtp://{host}:{port}")
        }
        net::Error::TimedOut { .. } | net::Error::Closed { .. } if phase == Phase::Greeting => {
            let port = server.map_or(465, |s| s.port);
            match server.map(|s| s.security) {
                Some(Security::Implicit) | None => return Vec::new(),
                Some(_) => format!(
                    "the port may speak TLS from the start: --server smtps://{host}:{port}"
                ),
            }
        }
        net::Error::TimedOut { .. } if phase == Phase::Connect => {
            "a firewall may drop the connection; many networks close port 25, so try 587 or 465".to_owned()
        }
        net::Error::Certificate { fault, .. } => return of_certificate(fault, host),
        _ => return Vec::new(),
    };
    vec![hint]
}

fn of_certificate(fault: &CertificateFault, host: &str) -> Vec<String> {
    match fault {
        CertificateFault::UnknownIssuer => vec![
            "if a private authority signed it: --tls-ca FILE with the authority's certificate"
                .to_owned(),
            "if this system knows the authority: --tls-system-roots".to_owned(),
        ],
        CertificateFault::SelfSigned => {
            vec!["if you have the certificate from a source you trust: --tls-ca FILE".to_owned()]
        }
        CertificateFault::AuthorityAsServer => {
            vec!["the server needs a certificate of its own, with CA:FALSE".to_owned()]
        }
        CertificateFault::WrongName { presented, .. } if presented.is_empty() => {
            vec!["the certificate bears no name at all: it needs a subjectAltName".to_owned()]
        }
        CertificateFault::WrongName { presented, .. } => vec![format!(
            "it is for {}: use that name in --server, or --tls-name if you know that {host} is right",
            presented.join(", ")
        )],
        CertificateFault::Expired { .. } => {
            vec!["the server's operator has to renew it; also check the clock here".to_owned()]
        }
        CertificateFault::NotYetValid => vec!["check the clock here: date".to_owned()],
        CertificateFault::Other(_) => Vec::new(),
    }
}
