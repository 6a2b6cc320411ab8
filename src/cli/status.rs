//! From what happened to one number. The only place, beside the failures that
//! carry theirs, that knows which end means which status.

use super::exit::Exit;
use crate::delivery::{Cause, NotKept, Outcome, Report};
use crate::net::{self, ProxyFault, Refusal};
use crate::sasl::{MechanismError, ScramFault};
use crate::session::{Absence, Error, Kind};
use crate::smtp::{EnhancedCode, Phase, Reply};
use std::sync::Arc;

/// Of several permanent causes the first of these decides.
const FIRST_OF: [Exit; 9] = [
    Exit::NoPerm,
    Exit::Protocol,
    Exit::Config,
    Exit::OsFile,
    Exit::NoHost,
    Exit::NoUser,
    Exit::DataErr,
    Exit::IoErr,
    Exit::Unavailable,
];

impl Exit {
    /// The status of a submission. `kept` are the positions of those for whom
    /// the message is in the queue; `signal` is the user's wish to stop.
    pub(super) fn of_report(report: &Report, kept: &[usize], signal: Option<usize>) -> Exit {
        let recipients = || report.recipients.iter().enumerate();
        let left = || recipients().filter(|(at, _)| !kept.contains(at));
        let outcomes = || left().map(|(_, (_, outcome))| outcome);
        let accepted = outcomes().filter(|o| matches!(o, Outcome::Accepted(_))).count();
        if accepted == outcomes().count() {
            return Exit::Ok;
        }
        if outcomes().all(|outcome| outcome.stopped_after().is_some()) {
            return Exit::Ok;
        }
        if let Some(signal) = signal.and_then(|number| u8::try_from(number).ok())
            && report.attempts.iter().any(|attempt| was_interrupted(attempt.error.as_deref()))
        {
            return Exit::Signal(signal);
        }
        if accepted + kept.len() > 0 {
            return Exit::Partial;
        }
        // Of those for whom the session ended as it was to, nothing is open.
        let open = || outcomes().filter(|outcome| outcome.stopped_after().is_none());
        if open().any(|o| matches!(o, Outcome::Deferred(_) | Outcome::Uncertain(_))) {
            return Exit::TempFail;
        }
        let causes: Vec<Exit> = outcomes().filter_map(Outcome::cause).map(of_cause).collect();
        FIRST_OF.into_iter().find(|exit| causes.contains(exit)).unwrap_or(Exit::Unavailable)
    }
}

impl Exit {
    /// The status of an attempt that came to nothing, with no message in
    /// question. `signal` is the user's wish to stop.
    pub(super) fn of_attempt(error: &Arc<Error>, signal: Option<usize>) -> Exit {
        let signal = signal.and_then(|number| u8::try_from(number).ok());
        match (signal, Outcome::of_error(error)) {
            (Some(signal), _) if was_interrupted(Some(error)) => Exit::Signal(signal),
            (_, Outcome::Rejected(_)) => of_error(error),
            (_, Outcome::Accepted(_) | Outcome::Deferred(_) | Outcome::Uncertain(_)) => {
                Exit::TempFail
            }
        }
    }
}

fn was_interrupted(error: Option<&Error>) -> bool {
    error.is_some_and(|error| matches!(error.kind, Kind::Net(net::Error::Interrupted)))
}

/// The status of one permanent cause.
fn of_cause(cause: &Cause) -> Exit {
    match cause {
        Cause::Replied(phase, reply) => of_reply(*phase, reply),
        Cause::Broke(error) => of_error(error),
        Cause::Unmet(_) | Cause::Withheld => Exit::Unavailable,
        Cause::NotKept(NotKept::NoSuchUser(_)) => Exit::NoUser,
        Cause::NotKept(NotKept::NotWritten { .. }) => Exit::CantCreat,
    }
}

/// A valid enhanced status code decides before the reply code; where the reply
/// code has many meanings, what it answered decides.
fn of_reply(phase: Phase, reply: &Reply) -> Exit {
    if let Some(exit) = reply.enhanced.and_then(of_enhanced) {
        return exit;
    }
    match (reply.code.value(), phase) {
        (530 | 534 | 535 | 538, _) => Exit::NoPerm,
        (556, _) => Exit::NoHost,
        (550 | 551 | 553, Phase::Rcpt) => Exit::NoUser,
        (500..=504 | 555, _) => Exit::Protocol,
        _ => Exit::Unavailable,
    }
}

/// RFC 3463 §3; `None` where the code says no more than the class.
fn of_enhanced(code: EnhancedCode) -> Option<Exit> {
    match (code.subject, code.detail) {
        (1, 1 | 6) | (2, 1) => Some(Exit::NoUser),
        (1, 2 | 10) | (4, 4) => Some(Exit::NoHost),
        (1, 3 | 7) | (6, _) => Some(Exit::DataErr),
        (5, _) => Some(Exit::Protocol),
        (7, _) => Some(Exit::NoPerm),
        (3, _) => Some(Exit::Unavailable),
        _ => None,
    }
}

fn of_error(error: &Error) -> Exit {
    match &error.kind {
        Kind::Net(error) => of_net(error),
        Kind::Refused(reply) if error.phase == Phase::Auth => {
            reply.enhanced.and_then(of_enhanced).unwrap_or(Exit::NoPerm)
        }
        // 500 and 502 to EHLO or STARTTLS say what the server lacks, not that
        // it breaks the protocol.
        Kind::Refused(reply) => match reply.enhanced.and_then(of_enhanced) {
            Some(Exit::NoPerm) => Exit::NoPerm,
            _ if reply.code.value() == 530 => Exit::NoPerm,
            _ => Exit::Unavailable,
        },
        Kind::Malformed(_)
        | Kind::OutOfTurn(_)
        | Kind::PlaintextAfterStartTls
        | Kind::BadChallenge
        | Kind::Secret { absence: Absence::Garbled, .. } => Exit::Protocol,
        Kind::Mechanism(error) => of_mechanism(*error),
        Kind::Lacks(_)
        | Kind::NoMechanism { .. }
        | Kind::NoXclient(_)
        | Kind::Unexpected
        | Kind::Stopped(_) => Exit::Unavailable,
        Kind::Secret { absence: Absence::Passing, .. } => Exit::TempFail,
        Kind::Secret { absence: Absence::Refused, .. } => Exit::NoPerm,
        Kind::Secret { absence: Absence::NoHost, .. } => Exit::NoHost,
        Kind::Secret { absence: Absence::Missing | Absence::NoLogin, .. } => Exit::Config,
        Kind::Source(_) => Exit::IoErr,
    }
}

/// What stops a sign-in on our side: what we have cannot be carried, or the
/// server is not to be believed; unless it only said no in SCRAM's own words.
fn of_mechanism(error: MechanismError) -> Exit {
    match error {
        MechanismError::Unfit(_)
        | MechanismError::Unprepared(_)
        | MechanismError::NoToken(_)
        | MechanismError::NoTrace
        | MechanismError::NoCertificate
        | MechanismError::NoChannelBinding(_) => Exit::Config,
        MechanismError::Scram { fault: ScramFault::Refused(word), .. } => match word {
            "invalid-proof" | "unknown-user" => Exit::NoPerm,
            "no-resources" => Exit::TempFail,
            _ => Exit::Protocol,
        },
        MechanismError::Scram { .. }
        | MechanismError::OneChallengeTooMany(_)
        | MechanismError::TooShort(_) => Exit::Protocol,
    }
}

fn of_net(error: &net::Error) -> Exit {
    match error {
        net::Error::NoSuchHost { .. }
        | net::Error::NoAddressOfFamily { .. }
        | net::Error::NoAddressFrom { .. } => Exit::NoHost,
        net::Error::Proxy { fault, .. } => of_proxy(fault),
        net::Error::NotTls { .. }
        | net::Error::Certificate { .. }
        | net::Error::NoCommonVersion { .. }
        | net::Error::NoCommonSuite
        | net::Error::ClientCertificate(_)
        | net::Error::Tls(_)
        | net::Error::TlsName(_) => Exit::Protocol,
        net::Error::NotASocket(_)
        | net::Error::Forbidden(_)
        | net::Error::Roots { .. }
        | net::Error::SystemRoots(_) => Exit::OsFile,
        net::Error::Lookup { .. }
        | net::Error::Source { .. }
        | net::Error::Connect { .. }
        | net::Error::TimedOut { .. }
        | net::Error::Interrupted
        | net::Error::Closed { .. }
        | net::Error::Io(_) => Exit::TempFail,
    }
}

fn of_proxy(fault: &ProxyFault) -> Exit {
    match fault {
        ProxyFault::Unreached(error) => of_net(error),
        ProxyFault::TimedOut { .. } | ProxyFault::Closed { .. } => Exit::TempFail,
        ProxyFault::WantsSignIn
        | ProxyFault::NoWayIn
        | ProxyFault::SignInRefused
        | ProxyFault::Status { code: 403, .. } => Exit::NoPerm,
        ProxyFault::Foreign { .. } | ProxyFault::TooMuch | ProxyFault::NotOffered(_) => {
            Exit::Protocol
        }
        ProxyFault::Refused(refusal) => match refusal {
            Refusal::GeneralFailure
            | Refusal::NetworkUnreachable
            | Refusal::HostUnreachable
            | Refusal::ConnectionRefused
            | Refusal::TtlExpired => Exit::TempFail,
            Refusal::NotAllowed => Exit::NoPerm,
            Refusal::CommandNotSupported | Refusal::AddressTypeNotSupported => Exit::Unavailable,
            Refusal::Unassigned(_) => Exit::Protocol,
        },
        // Those that may pass are deferred, and 75 for that.
        ProxyFault::Status { .. } => Exit::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(text: &str) -> Reply {
        let (code, text) = text.split_at(3);
        Reply::new(code.parse().unwrap(), text.trim_start()).unwrap().with_enhanced()
    }

    fn rcpt(text: &str) -> Outcome {
        let cause = Cause::Replied(Phase::Rcpt, reply(text));
        if text.starts_with('4') { Outcome::Deferred(cause) } else { Outcome::Rejected(cause) }
    }

    fn status(outcomes: Vec<Outcome>) -> u8 {
        let path = |at| format!("a{at}@b.c").parse().unwrap();
        let recipients = outcomes.into_iter().enumerate().map(|(at, o)| (path(at), o)).collect();
        Exit::of_report(&Report { attempts: Vec::new(), recipients }, &[], None).status()
    }

    #[test]
    fn the_table_of_mixed_results_holds() {
        let accepted = || Outcome::Accepted(reply("250 ok"));
        let uncertain = || Outcome::Uncertain(Cause::Withheld);
        for (outcomes, expected) in [
            (vec![accepted(), accepted()], 0),
            (vec![accepted(), rcpt("450 x")], 1),
            (vec![accepted(), rcpt("550 x")], 1),
            (vec![accepted(), uncertain()], 1),
            (vec![rcpt("450 x"), rcpt("550 x")], 75),
            (vec![uncertain(), rcpt("550 x")], 75),
            (vec![rcpt("550 x"), rcpt("550 5.7.1 x")], 77),
            (vec![rcpt("550 x"), rcpt("553 5.1.3 x")], 67),
        ] {
            assert_eq!(status(outcomes.clone()), expected, "{outcomes:?}");
        }
    }

    #[test]
    fn an_enhanced_code_decides_before_the_reply_code_and_the_stage_after() {
        // EX-1
        for (phase, text, expected) in [
            (Phase::Rcpt, "550 5.1.1 x", 67),
            (Phase::Rcpt, "550 no such user", 67),
            (Phase::Rcpt, "550 5.7.1 relay denied", 77),
            (Phase::Rcpt, "550 5.1.2 x", 68),
            (Phase::Rcpt, "556 x", 68),
            (Phase::Rcpt, "554 x", 69),
            (Phase::Mail, "550 x", 69),
            (Phase::Mail, "530 5.7.0 x", 77),
            (Phase::Mail, "555 x", 76),
            (Phase::Mail, "501 5.1.7 x", 65),
            (Phase::EndOfData, "552 5.3.4 x", 69),
            (Phase::EndOfData, "554 5.6.0 x", 65),
            (Phase::EndOfData, "550 x", 69),
        ] {
            let exit = of_reply(phase, &reply(text));
            assert_eq!(exit.status(), expected, "{phase:?} {text}");
        }
    }

    fn scram(fault: ScramFault) -> Kind {
        MechanismError::Scram { name: "SCRAM-SHA-256", fault }.into()
    }

    #[test]
    fn what_broke_a_session_has_its_status() {
        let path = || net::SocketPath::new("/run/lmtp").unwrap();
        for (phase, kind, expected) in [
            (Phase::Auth, Kind::Refused(reply("535 5.7.8 x")), 77),
            (
                Phase::Auth,
                Kind::Secret { reason: "x".into(), way_out: None, absence: Absence::Missing },
                78,
            ),
            (
                Phase::Auth,
                Kind::Secret { reason: "x".into(), way_out: None, absence: Absence::Refused },
                77,
            ),
            (
                Phase::Auth,
                Kind::Secret { reason: "x".into(), way_out: None, absence: Absence::Passing },
                75,
            ),
            (Phase::Auth, MechanismError::NoTrace.into(), 78),
            (Phase::Auth, scram(ScramFault::Signature), 76),
            (Phase::Auth, scram(ScramFault::Refused("invalid-proof")), 77),
            (Phase::Auth, scram(ScramFault::Refused("channel-bindings-dont-match")), 76),
            (Phase::Auth, scram(ScramFault::Refused("no-resources")), 75),
            (Phase::Greeting, Kind::Refused(reply("554 x")), 69),
            (Phase::StartTls, Kind::PlaintextAfterStartTls, 76),
            (Phase::Handshake, net::Error::NotTls { octets: vec![] }.into(), 76),
            (Phase::Connect, net::Error::NotASocket(path()).into(), 72),
            (Phase::Connect, net::Error::Forbidden(path()).into(), 72),
        ] {
            let error = Arc::new(Error::new(phase, kind));
            assert_eq!(status(vec![Outcome::of_error(&error)]), expected, "{error}");
        }
    }
}
