//! What happened, in sentences; and what to try, in hints that work when
//! pasted.

use super::escape::Escaped;
use crate::delivery::{Attempt, Cause, Outcome, Report};
use crate::net::{self, CertificateFault, Endpoint, Security};
use crate::session::{Error, Kind, Shortfall};
use crate::smtp::{Keyword, Phase, Reply, Severity};
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
    pub(super) hints: Vec<String>,
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
            hints: hints.iter().map(|hint| Escaped(hint).to_string()).collect(),
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
        _ if others.iter().all(|other| other.server == last.server) => Some(last),
        _ => None,
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
    let is_no_news = |attempt: &Attempt| failed_to_connect(attempt) && answered(&attempt.server);
    let others = report.attempts.iter().filter(|other| !is_told(other) && !is_no_news(other));
    others.filter_map(|attempt| Some((attempt, attempt.error.as_deref()?))).collect()
}

fn tried(attempt: &Attempt, error: &Error) -> String {
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
        Kind::NoMechanism { exposing, .. } if !exposing.is_empty() => format!(
            "the sign-in would expose the password: {} wants TLS with a verified certificate",
            exposing.join(" or ")
        ),
        Kind::NoMechanism { named, .. } if !named.is_empty() => {
            format!("the server does not offer {}", named.join(" or "))
        }
        Kind::Refused(reply) => format!("{} was refused: {reply}", asked(phase)),
        kind => plain(&kind.to_string()),
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
        _ => format!("nothing was sent to {whom} through {server}: {why}"),
    }
}

/// Whether the words for this error name the server already.
fn names_server(error: &Error, server: &str) -> bool {
    match &error.kind {
        Kind::Net(
            net::Error::NoSuchHost { .. }
            | net::Error::Lookup { .. }
            | net::Error::NoAddressOfFamily { .. },
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

fn hints(outcome: &Outcome, attempt: Option<&Attempt>, whom: &str, report: &Report) -> Vec<String> {
    let some_accepted =
        report.recipients.iter().any(|(_, outcome)| matches!(outcome, Outcome::Accepted(_)));
    match outcome {
        Outcome::Accepted(_) => Vec::new(),
        Outcome::Uncertain(_) => {
            vec![format!("ask {whom} whether the message came before sending it again")]
        }
        Outcome::Deferred(Cause::Replied(..)) if some_accepted => {
            vec![format!("this may pass: send it again later, to {whom} only")]
        }
        Outcome::Deferred(cause) | Outcome::Rejected(cause) => match cause {
            Cause::Replied(phase, reply) => of_reply(*phase, reply),
            Cause::Broke(error) => of_error(error, attempt),
            Cause::Unmet(Shortfall::TooLarge { .. }) => {
                vec!["make the message smaller".to_owned()]
            }
            Cause::Unmet(_) | Cause::Withheld => Vec::new(),
        },
    }
}

const LATER: &str = "this may pass: run the same command again later";

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
        (_, 400..=499) => LATER,
        _ => return Vec::new(),
    };
    vec![hint.to_owned()]
}

fn of_error(error: &Error, attempt: Option<&Attempt>) -> Vec<String> {
    let server = attempt.map(|attempt| &attempt.server);
    let is_secured = attempt.is_some_and(|attempt| attempt.tls.is_some());
    let host = server.map_or_else(|| "HOST".to_owned(), |s| s.host.to_string());
    match &error.kind {
        Kind::Net(net) => of_net(net, error.phase, server, &host),
        Kind::Lacks(Keyword::StartTls) => vec![
            format!(
                "if the server speaks TLS from the start, as most do on port 465: \
                 --server smtps://{host}"
            ),
            format!(
                "to send in clear, where everybody on the way can read it: \
                 --server smtp+notls://{}",
                server.map_or_else(|| host.clone(), ToString::to_string)
            ),
        ],
        Kind::Lacks(Keyword::Auth) if attempt.is_some_and(could_start_tls) => vec![format!(
            "the server may take a sign-in under TLS: --server smtp://{}",
            server.map_or_else(|| host.clone(), ToString::to_string)
        )],
        Kind::Lacks(Keyword::Auth) => vec![
            "the server takes no sign-in here: leave out --user, or try its submission port, \
             587 or 465"
                .to_owned(),
        ],
        Kind::NoMechanism { exposing, .. } if !exposing.is_empty() => {
            let opportunistic = server.is_some_and(|s| s.security == Security::Opportunistic);
            let verified = if is_secured && !opportunistic {
                "to have the certificate checked, leave out --tls-verify no".to_owned()
            } else {
                format!("to sign in under TLS: --server smtps://{host} or --server smtp://{host}")
            };
            let exposed = "to give the password to whoever listens: --allow-cleartext-auth";
            // Opportunistic TLS never signs in unverified.
            let exposed = (!opportunistic).then(|| exposed.to_owned());
            std::iter::once(verified).chain(exposed).collect()
        }
        Kind::NoMechanism { offered, named, .. } if !named.is_empty() => vec![format!(
            "the server offers {}: leave out --auth, or name one of these",
            offered.join(", ")
        )],
        Kind::NoMechanism { offered, .. } => {
            vec![format!("the server offers {}", offered.join(", "))]
        }
        Kind::Refused(reply) if reply.severity() == Severity::Transient => {
            vec![LATER.to_owned()]
        }
        Kind::Refused(reply) if error.phase == Phase::Auth && reply.code.value() == 535 => vec![
            "check the user name and the password; many providers want an app password here"
                .to_owned(),
        ],
        Kind::PlaintextAfterStartTls => vec![
            "somebody between here and the server may be tampering: try from another network"
                .to_owned(),
        ],
        Kind::Source(_) => vec!["run the same command again".to_owned()],
        Kind::Secret(_) => {
            vec![
                "name another source: --password-from env:NAME, file:PATH, command:WORDS or prompt"
                    .to_owned(),
            ]
        }
        _ => Vec::new(),
    }
}

/// Whether the server offers TLS, and was spoken to in clear.
fn could_start_tls(attempt: &Attempt) -> bool {
    let starttls = Keyword::StartTls.as_str();
    attempt.tls.is_none() && attempt.extensions.iter().any(|offered| offered == starttls)
}

const NAME_SERVER: &str = "check the network and the name server in /etc/resolv.conf";

fn of_net(error: &net::Error, phase: Phase, server: Option<&Endpoint>, host: &str) -> Vec<String> {
    let hint = match error {
        net::Error::NoSuchHost { .. } => "check the spelling of the server's name".to_owned(),
        net::Error::Lookup { .. } => NAME_SERVER.to_owned(),
        net::Error::TimedOut { .. } if phase == Phase::Lookup => NAME_SERVER.to_owned(),
        net::Error::Connect { .. } => {
            "check that the server runs and that the port is right: smtps:// means 465, smtp:// means 587"
                .to_owned()
        }
        // Something else than SMTP in clear, such as a web server.
        net::Error::NotTls { octets } if !octets.starts_with(b"220") => {
            "check the port: smtps:// means 465, smtp:// means 587".to_owned()
        }
        net::Error::NotTls { .. } => {
            let port = server.map_or(587, |s| s.port);
            format!("the port speaks STARTTLS, not TLS from the start: --server smtp://{host}:{port}")
        }
        net::Error::TimedOut { .. } | net::Error::Closed { .. } if phase == Phase::Greeting => {
            let port = server.map_or(465, |s| s.port);
            match server.map(|s| s.security) {
                Some(Security::Implicit) | None => LATER.to_owned(),
                Some(_) => format!(
                    "the port may speak TLS from the start: --server smtps://{host}:{port}"
                ),
            }
        }
        net::Error::TimedOut { .. } if phase == Phase::Connect => {
            "a firewall may drop the connection; many networks close port 25, so try 587 or 465".to_owned()
        }
        net::Error::NoAddressOfFamily { family, .. } if family.starts_with("IP") => {
            format!("leave out --{}", family.to_lowercase())
        }
        net::Error::TimedOut { .. } | net::Error::Closed { .. } | net::Error::Io(_) => {
            LATER.to_owned()
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
        CertificateFault::WrongName { presented, .. } => {
            let concrete = presented.iter().find(|name| !name.starts_with('*'));
            vec![format!(
                "it is for {}: use that name in --server, or, if you know that {host} is right, \
                 --tls-name {}",
                presented.join(", "),
                concrete.map_or("NAME", String::as_str)
            )]
        }
        CertificateFault::Expired { .. } => {
            vec!["the server's operator has to renew it; also check the clock here".to_owned()]
        }
        CertificateFault::NotYetValid => vec!["check the clock here: date".to_owned()],
        CertificateFault::Other(_) => Vec::new(),
    }
}
