//! The report of a submission: lines for people, one object for programs.

use super::escape::Escaped;
use super::exit::Exit;
use super::failure::Failure;
use super::words::{error_words, plain, problems, why};
use crate::delivery::{Attempt, Outcome, Report};
use crate::smtp::{ForwardPath, Reply};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

/// What is reported beside what the servers said.
pub(super) struct Context<'a> {
    /// The reverse-path, with its angle brackets.
    pub(super) sender: String,
    /// The message's own identifier.
    pub(super) message_id: Option<&'a str>,
    /// The identifier of this run, for logs.
    pub(super) local_id: &'a str,
    /// What went wrong beside the delivery.
    pub(super) warnings: &'a [String],
    /// The status that the program ends with.
    pub(super) exit: Exit,
}

/// One line a recipient, and a summary.
pub(super) fn people(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let width = report.recipients.iter().map(|(path, _)| path.to_string().chars().count());
    let width = width.max().unwrap_or(0).min(WIDEST_ADDRESS);
    for (path, outcome) in &report.recipients {
        let (word, text) = match outcome {
            Outcome::Accepted(reply) => ("accepted", Escaped(reply).to_string()),
            Outcome::Deferred(_) => ("deferred", why(outcome).unwrap_or_default()),
            Outcome::Rejected(_) => ("rejected", why(outcome).unwrap_or_default()),
            Outcome::Uncertain(_) => ("uncertain", why(outcome).unwrap_or_default()),
        };
        writeln!(out, "{word:<9} {:<width$}  {text}", Escaped(path).to_string())?;
    }
    writeln!(out, "{}", summary(report))
}

/// What a submission left on this machine.
#[derive(Default)]
pub(super) struct Left {
    /// Where a receiver of our own put the message.
    pub(super) stored: Vec<PathBuf>,
    /// The copy for the sender.
    pub(super) saved: Option<PathBuf>,
}

/// One line for each file that is new.
pub(super) fn left(left: &Left, out: &mut dyn Write) -> io::Result<()> {
    for path in &left.stored {
        writeln!(out, "stored in {}", Escaped(path.display()))?;
    }
    if let Some(path) = &left.saved {
        writeln!(out, "saved in {}", Escaped(path.display()))?;
    }
    Ok(())
}

/// Problems with their hints, each `envoi: …` and `hint: …`.
pub(super) fn complain(report: &Report, err: &mut dyn Write) -> io::Result<()> {
    for problem in problems(report) {
        writeln!(err, "envoi: {}", problem.sentence)?;
        for tried in &problem.tried {
            writeln!(err, "also tried: {tried}")?;
        }
        hints(&problem.hints, err)?;
    }
    Ok(())
}

const WIDEST_ADDRESS: usize = 40;

fn summary(report: &Report) -> String {
    let all = report.recipients.len();
    let accepted =
        report.recipients.iter().filter(|(_, o)| matches!(o, Outcome::Accepted(_))).count();
    let is_uncertain = report.recipients.iter().any(|(_, o)| matches!(o, Outcome::Uncertain(_)));
    let count = match (accepted, all) {
        (0, 1) if is_uncertain => return "not known to be sent".to_owned(),
        (0, all) if is_uncertain => {
            return format!("not known to be sent to any of {all} recipients");
        }
        (0, 1) => return "not sent".to_owned(),
        (0, all) => return format!("sent to none of {all} recipients"),
        (1, 1) => "sent to 1 recipient".to_owned(),
        (accepted, all) if accepted == all => format!("sent to all {all} recipients"),
        (accepted, all) => format!("sent to {accepted} of {all} recipients"),
    };
    let Some(attempt) = report.attempts.iter().rfind(|attempt| attempt.end.is_some()) else {
        return count;
    };
    let channel = attempt.tls.as_ref().map_or("in clear".to_owned(), |tls| {
        let doubt = if tls.is_verified() { "" } else { ", certificate not verified" };
        format!("{}{doubt}", tls.version)
    });
    let signed_in = attempt.signed_in.as_ref().map_or_else(String::new, |who| match &who.user {
        Some(user) => format!(", signed in as {}", Escaped(user)),
        None => format!(", signed in by {}", who.mechanism),
    });
    let queued = attempt
        .queue_id()
        .map_or_else(String::new, |id| format!(", queued there as {}", Escaped(id)));
    format!("{count} through {} ({channel}{signed_in}){queued}", attempt.server.host)
}

/// The whole report as one JSON object on one line.
pub(super) fn json(report: &Report, context: &Context<'_>, out: &mut dyn Write) -> io::Result<()> {
    let of_kind = |wanted: fn(&Outcome) -> bool| {
        report
            .recipients
            .iter()
            .filter(|(_, outcome)| wanted(outcome))
            .map(|(path, outcome)| RecipientJson::of(path, outcome))
            .collect()
    };
    let object = ReportJson {
        version: 1,
        message_id: context.message_id,
        local_id: context.local_id,
        server_queue_id: report.attempts.iter().rev().find_map(Attempt::queue_id),
        envelope: EnvelopeJson {
            from: context.sender.clone(),
            to: report.recipients.iter().map(|(path, _)| path.to_string()).collect(),
        },
        accepted: of_kind(|outcome| matches!(outcome, Outcome::Accepted(_))),
        rejected: of_kind(|outcome| matches!(outcome, Outcome::Rejected(_))),
        deferred: of_kind(|outcome| matches!(outcome, Outcome::Deferred(_))),
        uncertain: of_kind(|outcome| matches!(outcome, Outcome::Uncertain(_))),
        queued: Vec::new(),
        attempts: report.attempts.iter().map(AttemptJson::of).collect(),
        warnings: context.warnings,
        hints: problems(report).into_iter().flat_map(|problem| problem.hints).collect(),
        exit: context.exit.status(),
    };
    line(&object, out)
}

/// A failure before any server was asked: `envoi: …` and `hint: …`.
pub(super) fn failure(failure: &Failure, err: &mut dyn Write) -> io::Result<()> {
    writeln!(err, "envoi: {}", Escaped(plain(&format!("{:#}", failure.error))))?;
    hints(&failure.hints, err)
}

fn hints(hints: &[String], err: &mut dyn Write) -> io::Result<()> {
    for hint in hints {
        writeln!(err, "hint: {}", Escaped(hint))?;
    }
    Ok(())
}

/// A failure before any server was asked, as one JSON object on one line.
pub(super) fn json_failure(failure: &Failure, out: &mut dyn Write) -> io::Result<()> {
    let object = FailureJson {
        version: 1,
        error: ErrorJson {
            kind: failure.exit.name(),
            message: plain(&format!("{:#}", failure.error)),
            hints: &failure.hints,
        },
        exit: failure.exit.status(),
    };
    line(&object, out)
}

/// An object on a line of its own.
pub(super) fn line(object: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, object)?;
    writeln!(out)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReportJson<'a> {
    version: u8,
    message_id: Option<&'a str>,
    local_id: &'a str,
    server_queue_id: Option<&'a str>,
    envelope: EnvelopeJson,
    accepted: Vec<RecipientJson>,
    rejected: Vec<RecipientJson>,
    deferred: Vec<RecipientJson>,
    uncertain: Vec<RecipientJson>,
    queued: Vec<RecipientJson>,
    attempts: Vec<AttemptJson<'a>>,
    warnings: &'a [String],
    hints: Vec<String>,
    exit: u8,
}

#[derive(Serialize)]
struct EnvelopeJson {
    from: String,
    to: Vec<String>,
}

#[derive(Serialize)]
struct RecipientJson {
    address: String,
    code: Option<u16>,
    enhanced: Option<String>,
    text: String,
}

impl RecipientJson {
    fn of(path: &ForwardPath, outcome: &Outcome) -> Self {
        let reply = match outcome {
            Outcome::Accepted(reply) => Some(reply),
            other => other.cause().and_then(|cause| cause.reply()),
        };
        RecipientJson {
            address: path.to_string(),
            code: reply.map(|reply| reply.code.value()),
            enhanced: reply.and_then(|reply| reply.enhanced).map(|code| code.to_string()),
            text: reply.map_or_else(|| why(outcome).unwrap_or_default(), Reply::joined_text),
        }
    }
}

#[derive(Serialize)]
struct AttemptJson<'a> {
    server: String,
    address: Option<String>,
    proxy: Option<String>,
    tls: Option<TlsJson<'a>>,
    auth: Option<AuthJson<'a>>,
    extensions: &'a [String],
    timings: BTreeMap<&'static str, f64>,
    error: Option<String>,
}

impl<'a> AttemptJson<'a> {
    fn of(attempt: &'a Attempt) -> Self {
        let milliseconds = |(phase, spent): &(crate::smtp::Phase, std::time::Duration)| {
            (phase.word(), (spent.as_secs_f64() * 1e6).round() / 1e3)
        };
        AttemptJson {
            server: attempt.server.to_string(),
            address: attempt.address.map(|address| address.to_string()),
            proxy: attempt.proxy.as_ref().map(ToString::to_string),
            tls: attempt.tls.as_ref().map(|facts| TlsJson {
                version: &facts.version,
                cipher: &facts.cipher,
                verified: facts.is_verified(),
                subject: facts.certificate.as_ref().map(|certificate| certificate.subject.as_str()),
            }),
            auth: attempt
                .signed_in
                .as_ref()
                .map(|who| AuthJson { mechanism: who.mechanism, user: who.user.as_deref() }),
            extensions: &attempt.extensions,
            timings: attempt.timings.iter().map(milliseconds).collect(),
            error: attempt.error.as_deref().map(error_words),
        }
    }
}

#[derive(Serialize)]
struct TlsJson<'a> {
    version: &'a str,
    cipher: &'a str,
    verified: bool,
    subject: Option<&'a str>,
}

#[derive(Serialize)]
struct AuthJson<'a> {
    mechanism: &'static str,
    user: Option<&'a str>,
}

#[derive(Serialize)]
struct FailureJson<'a> {
    version: u8,
    error: ErrorJson<'a>,
    exit: u8,
}

#[derive(Serialize)]
struct ErrorJson<'a> {
    kind: &'static str,
    message: String,
    hints: &'a [String],
}
