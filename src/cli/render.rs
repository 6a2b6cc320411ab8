//! The report of a submission: lines for people, one object for programs.

use super::Surroundings;
use super::certificate;
use super::clock;
use super::escape::{self, Escaped};
use super::exit::Exit;
use super::failure::Failure;
use super::hint::{Hint, Written};
use super::laboratory::Verdict;
use super::queue::keep::Kept;
use super::words::{error_words, plain, problems, why};
use crate::account::Environment;
use crate::delivery::{Attempt, Cause, Outcome, Report};
use crate::net::{self, TlsFacts};
use crate::session::{Error, Kind, Stage};
use crate::smtp::{ForwardPath, Reply};
use jiff::Timestamp;
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
    /// Until when the server was asked to hold the message.
    pub(super) held: Option<Timestamp>,
    /// What of the message is in the queue.
    pub(super) kept: Option<&'a Kept>,
    /// What came of what was expected.
    pub(super) verdict: Option<&'a Verdict>,
    /// Where options are configured, for who cannot type them.
    pub(super) written: Option<&'a Written>,
    /// The status that the program ends with.
    pub(super) exit: Exit,
}

impl Context<'_> {
    /// Whether the message is in the queue for the recipient at this position.
    fn is_kept(&self, at: usize) -> bool {
        self.kept.is_some_and(|kept| kept.positions.contains(&at))
    }
}

/// One line a recipient, and a summary.
pub(super) fn people(
    report: &Report,
    context: &Context<'_>,
    surroundings: &mut Surroundings<'_>,
) -> io::Result<()> {
    let out = &mut *surroundings.out;
    let width = report.recipients.iter().map(|(path, _)| path.to_string().chars().count());
    let width = width.max().unwrap_or(0).min(WIDEST_ADDRESS);
    for (at, (path, outcome)) in report.recipients.iter().enumerate() {
        let is_untried = context.kept.is_some_and(|kept| kept.is_untried);
        let stopped = outcome.stopped_after();
        let (word, text) = match outcome {
            _ if stopped.is_some() => {
                ("stopped", stopped.map(|stage| format!("after {stage}")).unwrap_or_default())
            }
            _ if context.is_kept(at) && is_untried => ("queued", String::new()),
            _ if context.is_kept(at) => ("queued", why(outcome).unwrap_or_default()),
            Outcome::Accepted(reply) => ("accepted", Escaped(reply).to_string()),
            Outcome::Deferred(_) => ("deferred", why(outcome).unwrap_or_default()),
            Outcome::Rejected(_) => ("rejected", why(outcome).unwrap_or_default()),
            Outcome::Uncertain(_) => ("uncertain", why(outcome).unwrap_or_default()),
        };
        let line = format!("{word:<9} {:<width$}  {text}", Escaped(path).to_string());
        writeln!(out, "{}", line.trim_end())?;
    }
    let kept = context.kept.map(|kept| kept_words(kept, context, surroundings.environment));
    let has_accepted =
        report.recipients.iter().any(|(_, outcome)| matches!(outcome, Outcome::Accepted(_)));
    if kept.is_none() || has_accepted {
        writeln!(out, "{}", summary(report))?;
    }
    let held = context.held.filter(|_| has_accepted);
    if let Some(held) = held.and_then(|held| clock::at(held.as_second(), surroundings.environment))
    {
        writeln!(out, "the server holds it until {}", held.strftime("%F %H:%M:%S"))?;
    }
    if context.verdict == Some(&Verdict::Met) {
        writeln!(out, "every answer was as expected")?;
    }
    kept.map_or(Ok(()), |kept| writeln!(out, "{kept}"))
}

/// What is in the queue, and when it is tried.
fn kept_words(kept: &Kept, context: &Context<'_>, environment: &Environment) -> String {
    let count = match kept.positions.len() {
        1 => "1 recipient".to_owned(),
        count => format!("{count} recipients"),
    };
    let next = kept.next.and_then(|next| clock::at(next.as_second(), environment));
    let next = next.map_or_else(
        || "to be sent with the next run".to_owned(),
        |next| {
            let what = if kept.is_untried { "to be sent" } else { "next try" };
            format!("{what} at {}", next.strftime("%F %H:%M:%S"))
        },
    );
    let id = context.local_id;
    if kept.is_handed_in {
        return format!("handed in to the system for {count} as {id}; {next}");
    }
    format!("kept for {count} in the queue as {id}; {next}")
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
pub(super) fn complain(
    report: &Report,
    context: &Context<'_>,
    surroundings: &mut Surroundings<'_>,
) -> io::Result<()> {
    let Surroundings { globals, environment, ref mut err, .. } = *surroundings;
    if let Some(Verdict::Unmet(sentence)) = context.verdict {
        writeln!(err, "envoi: {sentence}")?;
    }
    let problems = problems(&troubling(report, context));
    let is_trouble = !problems.is_empty();
    for problem in problems {
        writeln!(err, "envoi: {}", problem.sentence)?;
        for tried in &problem.tried {
            writeln!(err, "also tried: {tried}")?;
        }
        match context.written {
            Some(written) => {
                let there = problem.hints.iter().map(|hint| hint.in_configuration(written));
                hints(&there.collect::<Vec<_>>(), err)?;
            }
            None => hints(&problem.hints, err)?,
        }
    }
    match context.kept {
        // Whoever sees the trouble alone would send the message again.
        Some(kept) if is_trouble && (globals.quiet || globals.json) => {
            writeln!(err, "envoi: {}", kept_words(kept, context, environment))
        }
        Some(_) | None => Ok(()),
    }
}

/// The report without those for whom nobody has to do anything: who wait in the
/// queue, and about whom no more was to be asked.
fn troubling(report: &Report, context: &Context<'_>) -> Report {
    let waits = |at: usize, outcome: &Outcome| {
        context.is_kept(at)
            && matches!(
                outcome,
                Outcome::Deferred(_) | Outcome::Uncertain(_) | Outcome::Rejected(Cause::Unmet(_))
            )
    };
    let recipients = report.recipients.iter().enumerate();
    let is_asked_for = |outcome: &Outcome| {
        context.verdict == Some(&Verdict::Met)
            || outcome.stopped_after().is_some()
            || outcome.is_unexpected()
    };
    let recipients =
        recipients.filter(|(at, (_, outcome))| !waits(*at, outcome) && !is_asked_for(outcome));
    let recipients = recipients.map(|(_, recipient)| recipient.clone()).collect();
    Report { attempts: report.attempts.clone(), recipients }
}

const WIDEST_ADDRESS: usize = 40;

fn summary(report: &Report) -> String {
    if let Some(stage) = report.recipients.iter().find_map(|(_, it)| it.stopped_after()) {
        return match stage {
            Stage::Dot => "the connection was dropped behind the message, as asked: the server \
                           may have it"
                .to_owned(),
            stage => format!("nothing was sent: the session ended after {stage}, as asked"),
        };
    }
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
    format!(
        "{count} through {} ({channel}{signed_in}){queued}",
        Escaped(attempt.server.place.name())
    )
}

/// The whole report as one JSON object on one line.
pub(super) fn json(report: &Report, context: &Context<'_>, out: &mut dyn Write) -> io::Result<()> {
    let is_untried = context.kept.is_some_and(|kept| kept.is_untried);
    let is_stopped = |outcome: &Outcome| outcome.stopped_after().is_some();
    let of_kind = |wanted: fn(&Outcome) -> bool, kept: bool| {
        let recipients = report.recipients.iter().enumerate();
        recipients
            .filter(|(at, (_, outcome))| {
                context.is_kept(*at) == kept && !is_stopped(outcome) && wanted(outcome)
            })
            .map(|(_, (path, outcome))| RecipientJson::of(path, outcome))
            .map(|recipient| if kept && is_untried { recipient.untried() } else { recipient })
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
        accepted: of_kind(|outcome| matches!(outcome, Outcome::Accepted(_)), false),
        rejected: of_kind(|outcome| matches!(outcome, Outcome::Rejected(_)), false),
        deferred: of_kind(|outcome| matches!(outcome, Outcome::Deferred(_)), false),
        uncertain: of_kind(|outcome| matches!(outcome, Outcome::Uncertain(_)), false),
        queued: of_kind(|_| true, true),
        stopped: report
            .recipients
            .iter()
            .filter(|(_, outcome)| is_stopped(outcome))
            .map(|(path, outcome)| RecipientJson::of(path, outcome))
            .collect(),
        expectation: context.verdict.map(ExpectationJson::of),
        attempts: report.attempts.iter().map(AttemptJson::of).collect(),
        warnings: context.warnings,
        hints: problems(&troubling(report, context))
            .into_iter()
            .flat_map(|problem| problem.hints)
            .map(|hint| Escaped(hint).to_string())
            .collect(),
        exit: context.exit.status(),
    };
    line(&object, out)
}

/// A failure before any server was asked: `envoi: …` and `hint: …`.
pub(super) fn failure(failure: &Failure, err: &mut dyn Write) -> io::Result<()> {
    writeln!(err, "envoi: {}", Escaped(plain(&format!("{:#}", failure.error))))?;
    hints(&failure.hints, err)
}

fn hints(hints: &[Hint], err: &mut dyn Write) -> io::Result<()> {
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
    escape::json(object, out)?;
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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stopped: Vec<RecipientJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expectation: Option<ExpectationJson<'a>>,
    attempts: Vec<AttemptJson<'a>>,
    warnings: &'a [String],
    hints: Vec<String>,
    exit: u8,
}

/// What came of what was expected.
#[derive(Serialize)]
struct ExpectationJson<'a> {
    met: bool,
    reason: Option<&'a str>,
}

impl<'a> ExpectationJson<'a> {
    fn of(verdict: &'a Verdict) -> Self {
        match verdict {
            Verdict::Met => ExpectationJson { met: true, reason: None },
            Verdict::Unmet(reason) => ExpectationJson { met: false, reason: Some(reason) },
        }
    }
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

    /// Of whom nobody was asked about, nothing was answered.
    fn untried(self) -> Self {
        RecipientJson { code: None, enhanced: None, text: String::new(), ..self }
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
            address: attempt.address.as_ref().map(ToString::to_string),
            proxy: attempt.proxy.as_ref().map(ToString::to_string),
            tls: TlsJson::of(attempt),
            auth: AuthJson::of(attempt),
            extensions: &attempt.extensions,
            timings: attempt.timings.iter().map(milliseconds).collect(),
            error: attempt.error.as_deref().map(error_words),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TlsJson<'a> {
    version: Option<&'a str>,
    cipher: Option<&'a str>,
    group: Option<&'a str>,
    resumed: bool,
    verified: bool,
    fault: Option<&'static str>,
    subject: Option<&'a str>,
    sha256: Option<String>,
    spki_sha256: Option<String>,
}

impl<'a> TlsJson<'a> {
    /// What stood; else what was wrong with the certificate for which it did
    /// not.
    pub(super) fn of(attempt: &'a Attempt) -> Option<Self> {
        let (facts, fault, certificate) = match (&attempt.tls, attempt.error.as_deref()) {
            (Some(facts), _) => (Some(facts), facts.fault.as_ref(), facts.certificate.as_ref()),
            (
                None,
                Some(Error { kind: Kind::Net(net::Error::Certificate { fault, chain }), .. }),
            ) => (None, Some(fault), chain.first()),
            (None, _) => return None,
        };
        Some(TlsJson {
            version: facts.map(|facts| facts.version.as_str()),
            cipher: facts.map(|facts| facts.cipher.as_str()),
            group: facts.and_then(|facts| facts.group.as_deref()),
            resumed: facts.is_some_and(|facts| facts.resumed),
            verified: facts.is_some_and(TlsFacts::is_verified),
            fault: fault.map(certificate::kind),
            subject: certificate.map(|certificate| certificate.subject.as_str()),
            sha256: certificate.map(|certificate| certificate.sha256.hex()),
            spki_sha256: certificate.map(|certificate| certificate.spki_sha256.base64()),
        })
    }
}

#[derive(Serialize)]
pub(super) struct AuthJson<'a> {
    mechanism: &'static str,
    user: Option<&'a str>,
}

impl<'a> AuthJson<'a> {
    /// Who signed in, if somebody did.
    pub(super) fn of(attempt: &'a Attempt) -> Option<Self> {
        let who = attempt.signed_in.as_ref()?;
        Some(AuthJson { mechanism: who.mechanism, user: who.user.as_deref() })
    }
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
    hints: &'a [Hint],
}
