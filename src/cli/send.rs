//! `envoi send`: the story of one message, from what was typed to the report.

mod keeping;

use super::args::SendArgs;
use super::certificate;
use super::dsn;
use super::exit::Exit;
use super::failure::{Failure, no_server};
use super::hint::Written;
use super::home::{Household, OpenHome};
use super::laboratory::{Laboratory, Verdict};
use super::later;
use super::log::{Log, Queued, Run, Subject};
use super::message::{self, Job};
use super::queue;
use super::queue::keep::{Keeping, Kept};
use super::render::{self, Context, Left};
use super::route::{self, Prepared};
use super::sent::SentCopy;
use super::transcript::Showing;
use super::words::plain;
use super::{Surroundings, dry_run, interrupt};
use crate::account::Account;
use crate::delivery::{Cause, Home, Outcome, Report, World, submit_and_keep};
use crate::message::random_word;
use crate::net::{Interrupt, Stopwatch};
use crate::session::{Event, Observer as _};
use crate::sink;
use crate::smtp::{ForwardPath, Hold, Recipient};
use jiff::Timestamp;
use std::path::PathBuf;
use std::time::Duration;

/// Sends one message. The status is that of the report; a failure stops before
/// any server is asked.
pub(super) fn run(args: &SendArgs, surroundings: &mut Surroundings<'_>) -> Result<Exit, Failure> {
    if args.dry_run.is_some() && surroundings.globals.json {
        return Err(Failure::say(
            Exit::Usage,
            "a dry run prints the message itself, not a JSON object",
        )
        .hint("leave out --json, or --dry-run"));
    }
    let laboratory = Laboratory::of(&args.laboratory)?;
    laboratory.fits(args)?;
    let showing = Showing::of(&args.laboratory, surroundings.globals)?;
    showing.spares(args.inputs())?;
    let not_before = later::moment(args.at.as_deref(), args.after, surroundings.environment)?;
    let Some(mut job) = message::prepare(args, surroundings)? else {
        if !surroundings.globals.quiet {
            let _ = writeln!(surroundings.out, "the text is empty: nothing was sent");
        }
        return Ok(Exit::Ok);
    };
    job.submission.envelope.require_tls = args.require_tls;
    if let Some(server) = args.dry_run {
        return dry_run::print(&job, server, surroundings);
    }
    job.submission.envelope.hold = not_before.and_then(Hold::until);
    let account = job.account.as_ref().expect("only a dry run goes without an account");
    laboratory.suits(account)?;
    let keeping = match not_before {
        _ if laboratory.is_set() => Keeping::Nothing,
        Some(_) => keeping::until(args, &job, account, surroundings.environment)?,
        None => keeping::at_once(args, &job, account, surroundings.environment)?,
    };
    let all_or_nothing = args.all_or_nothing;
    let laboratory = Some(&laboratory);
    let delivery = Delivery {
        showing,
        all_or_nothing,
        laboratory,
        keeping,
        not_before,
        ..Delivery::default()
    };
    send(&delivery, &job, account, surroundings)
}

/// How a message is sent, beside where to.
#[derive(Clone, Copy, Default)]
pub(super) struct Delivery<'d> {
    /// What is shown of it.
    pub(super) showing: Showing<'d>,
    /// To everybody or to nobody.
    pub(super) all_or_nothing: bool,
    /// What steers the conversations.
    pub(super) laboratory: Option<&'d Laboratory>,
    /// What the caller calls itself in the log.
    pub(super) tag: Option<&'d str>,
    /// Options of the caller that have no effect, for the log.
    pub(super) ignored: &'d [String],
    /// What becomes of what cannot be sent at once.
    pub(super) keeping: Keeping<'d>,
    /// When it is to be sent, where that is not now.
    pub(super) not_before: Option<Timestamp>,
    /// Where options are configured, for who cannot type them.
    pub(super) written: Option<&'d Written>,
}

/// Opens the log, sends, and sees to it that whatever stops that is in the log,
/// too.
pub(super) fn send(
    delivery: &Delivery<'_>,
    job: &Job,
    account: &Account,
    surroundings: &mut Surroundings<'_>,
) -> Result<Exit, Failure> {
    let interrupt = interrupt::install()
        .map_err(|error| Failure::caused(Exit::OsErr, "cannot prepare for Ctrl-C", error))?;
    // Whoever only keeps a message waits for no server; nor is whoever watches
    // one to have others asked.
    let is_watching = delivery.laboratory.is_some_and(Laboratory::is_set);
    let is_kept = matches!(delivery.keeping, Keeping::All(_));
    if account.name.is_some() && !is_kept && !is_watching {
        queue::catch_up(
            &job.queueing,
            surroundings.globals.config.as_deref(),
            surroundings.environment,
            &interrupt,
        );
    }
    let sent = carry_out(delivery, job, account, &interrupt, surroundings)?;
    let context = Context {
        sender: job.submission.envelope.from.to_string(),
        message_id: job.submission.message.facts().message_id.as_deref(),
        local_id: &sent.local_id,
        warnings: &sent.warnings,
        held: delivery.not_before,
        kept: sent.kept.as_ref(),
        verdict: sent.verdict.as_ref(),
        written: delivery.written,
        exit: sent.exit,
    };
    tell(&sent.report, &context, &sent.left, surroundings);
    Ok(sent.exit)
}

/// What came of a submission, before anybody is told.
pub(super) struct Sent {
    pub(super) report: Report,
    /// What of it is in the queue.
    pub(super) kept: Option<Kept>,
    /// What came of what was expected.
    verdict: Option<Verdict>,
    pub(super) exit: Exit,
    /// What the message is called in the queue, and the run in logs.
    pub(super) local_id: String,
    warnings: Vec<String>,
    left: Left,
}

/// Prepares what a submission needs, and submits. What is doubtful is said on
/// the way; the log has it all.
pub(super) fn carry_out(
    delivery: &Delivery<'_>,
    job: &Job,
    account: &Account,
    interrupt: &Interrupt,
    surroundings: &mut Surroundings<'_>,
) -> Result<Sent, Failure> {
    let (local_id, subject) = (&local_id(), &Subject::of(&job.submission));
    let run = delivery.run(account, subject, local_id);
    let (mut log, trouble) = Log::open(run, surroundings.environment);
    let sent = submit_logged(delivery, job, &mut log, trouble, interrupt, surroundings);
    if let Some(trouble) = sent.as_ref().err().and_then(|failure| log.failure(failure)) {
        surroundings.warn(&trouble);
    }
    sent
}

impl<'d> Delivery<'d> {
    fn run(&self, account: &'d Account, subject: &'d Subject, local_id: &'d str) -> Run<'d> {
        let Delivery { tag, ignored, .. } = *self;
        let (owner, since) = (None, Stopwatch::start());
        Run { account, subject, local_id, owner, tag, ignored, since }
    }
}

/// Has it in the log of an account why a message was never on its way; without a
/// failure, every name was an alias for nobody.
pub(super) fn log_unsent(
    failure: Option<&Failure>,
    delivery: &Delivery<'_>,
    account: &Account,
    subject: &Subject,
    surroundings: &mut Surroundings<'_>,
) {
    let local_id = &local_id();
    let run = delivery.run(account, subject, local_id);
    let (mut log, trouble) = Log::open(run, surroundings.environment);
    let write = || match failure {
        Some(failure) => log.failure(failure),
        None => log.nobody(),
    };
    if let Some(trouble) = trouble.or_else(write) {
        surroundings.warn(&trouble);
    }
}

fn submit_logged(
    delivery: &Delivery<'_>,
    job: &Job,
    log: &mut Log<'_>,
    trouble: Option<String>,
    interrupt: &Interrupt,
    surroundings: &mut Surroundings<'_>,
) -> Result<Sent, Failure> {
    let Run { account, local_id, .. } = log.run();
    let host = host_name();
    let copy = account.save_sent.as_deref().map(|directory| SentCopy::begin(directory, &host));
    let copy = copy.transpose()?;
    if let Keeping::All(keeper) = &delivery.keeping {
        let kept = keeper.keep(local_id, job, None, delivery.not_before)?;
        return Ok(kept_untried(kept, job, log, copy, trouble, None, surroundings));
    }
    let together = delivery.all_or_nothing;
    let home = job.household.as_ref();
    let ready = route::prepare(account, together, interrupt, surroundings).and_then(|prepared| {
        let open = |it| Household::open(it, account, &host, together, interrupt, surroundings);
        Ok((prepared, home.map(open).transpose()?))
    });
    let (mut prepared, home) = match (ready, &delivery.keeping) {
        // Somebody has to mend the account, and the message waits for that
        // (checklist Q-9).
        (Err(failure), Keeping::Rest(keeper)) => {
            let unfit = format!("the account cannot be used as it is: {:#}", failure.error);
            let kept = keeper.keep(local_id, job, None, delivery.not_before)?;
            let unfit = Some(plain(&unfit));
            return Ok(kept_untried(kept, job, log, copy, trouble, unfit, surroundings));
        }
        (ready, _) => ready?,
    };
    if let Some(laboratory) = delivery.laboratory {
        laboratory.steer(&mut prepared.route);
    }
    if prepared.route.hops.is_empty() {
        needs_no_server(job, account)?;
    }
    let mut warnings: Vec<String> = job.warnings.iter().cloned().chain(trouble).collect();
    if !account.tls.verify {
        warnings.push("the server's certificate is not checked: tls-verify is no".to_owned());
    }
    warnings.extend(delivery.showing.warning().map(str::to_owned));
    for warning in &warnings {
        surroundings.warn(warning);
    }
    let Delivered { report, signal, troubles: unshown, verdict } =
        deliver(delivery, job, &prepared, home.as_ref(), interrupt, &host, surroundings)?;
    let (kept, unkept) = keep(delivery, job, &report, signal, local_id);
    let queued = kept.as_ref().map_or_else(Queued::default, |kept| Queued {
        positions: &kept.positions,
        is_idle: !kept.warnings.is_empty(),
    });
    let exit = Exit::of_report(&report, queued.positions, signal);
    let exit = judged(exit, unkept.as_ref(), verdict.as_ref());
    let copied = copy.map_or(Ok(None), |copy| copy.keep(&report, kept.is_some(), &job.submission));
    let logged = log.report(&report, &job.submission, &prepared.route, queued, interrupt);
    let unkept = unkept.as_ref().map(not_kept);
    let idle = kept.iter().flat_map(|kept| &kept.warnings);
    let forgiven = if account.tls.verify { Vec::new() } else { forgiven(&report) };
    let troubles = prepared.passwords.troubles();
    let unasked = dsn::unasked(&job.submission.envelope, &report, job.household.as_ref());
    let told = forgiven.iter().chain(&troubles).chain(&unasked).chain(&unshown);
    let told = told.chain(&unkept).chain(idle);
    for trouble in told.chain(copied.as_ref().err()).chain(&logged) {
        surroundings.warn(trouble);
        warnings.push(trouble.clone());
    }
    let left = Left { stored: stored(&mut prepared), saved: copied.unwrap_or_default() };
    Ok(Sent { report, kept, verdict, exit, local_id: local_id.to_owned(), warnings, left })
}

/// The status of a report, with what came of the queue, and of what was expected.
fn judged(exit: Exit, unkept: Option<&Failure>, verdict: Option<&Verdict>) -> Exit {
    match (exit, verdict, unkept) {
        (exit @ Exit::Signal(_), ..) => exit,
        (_, Some(Verdict::Met), _) => Exit::Ok,
        (_, Some(Verdict::Unmet(_)), _) => Exit::Unavailable,
        // The queue is full: what failed for now fails with that.
        (Exit::TempFail, None, Some(failure)) if failure.exit == Exit::Unavailable => failure.exit,
        (exit, None, _) => exit,
    }
}

/// Why a message is not in the queue, in one sentence.
fn not_kept(failure: &Failure) -> String {
    let hints = failure.hints.iter().map(|hint| format!(" ({hint})")).collect::<String>();
    plain(&format!("the message was not kept: {:#}{hints}", failure.error))
}

/// Keeps what a report leaves open, if that is wanted, and nobody asked to
/// stop.
fn keep(
    delivery: &Delivery<'_>,
    job: &Job,
    report: &Report,
    signal: Option<usize>,
    local_id: &str,
) -> (Option<Kept>, Option<Failure>) {
    let Keeping::Rest(keeper) = &delivery.keeping else { return (None, None) };
    let is_refused = |(_, outcome): &(ForwardPath, Outcome)| match outcome {
        Outcome::Rejected(cause) => !matches!(cause, Cause::Broke(_)),
        Outcome::Accepted(_) | Outcome::Deferred(_) | Outcome::Uncertain(_) => false,
    };
    // Whoever wants one answer for all hears of the refusal.
    let is_off = delivery.all_or_nothing && report.recipients.iter().any(is_refused);
    if signal.is_some() || is_off {
        return (None, None);
    }
    match keeper.keep(local_id, job, Some(report), delivery.not_before) {
        Ok(kept) => (kept, None),
        Err(failure) => (None, Some(failure)),
    }
}

/// What there is to tell of a message that is kept, and that nobody tries now:
/// because the account is unfit, if that is so. `trouble` is about the log.
fn kept_untried(
    kept: Option<Kept>,
    job: &Job,
    log: &mut Log<'_>,
    copy: Option<SentCopy<'_>>,
    trouble: Option<String>,
    unfit: Option<String>,
    surroundings: &mut Surroundings<'_>,
) -> Sent {
    let to = job.submission.envelope.to().iter();
    let untried = |to: &Recipient| (to.path.clone(), Outcome::Deferred(Cause::Withheld));
    let report = Report { attempts: Vec::new(), recipients: to.map(untried).collect() };
    let copied = copy.map_or(Ok(None), |copy| copy.keep(&report, true, &job.submission));
    let idle = kept.iter().flat_map(|kept| kept.warnings.clone());
    let idle: Vec<String> = idle.collect();
    let logged = log.kept(unfit.as_deref(), !idle.is_empty());
    let mut warnings = job.warnings.clone();
    warnings.extend(trouble.into_iter().chain(unfit).chain(idle).chain(logged));
    warnings.extend(copied.as_ref().err().cloned());
    for warning in &warnings {
        surroundings.warn(warning);
    }
    let left = Left { saved: copied.unwrap_or_default(), ..Left::default() };
    let local_id = log.run().local_id.to_owned();
    Sent { report, kept, verdict: None, exit: Exit::Ok, local_id, warnings, left }
}

/// An account without a server is for those who are at home here; with one
/// other recipient nothing is sent to anybody.
fn needs_no_server(job: &Job, account: &Account) -> Result<(), Failure> {
    let is_here = |path: &ForwardPath| job.household.as_ref().is_some_and(|home| home.has(path));
    let mut away = job.submission.envelope.to().iter().filter(|it| !is_here(&it.path));
    away.next().map_or(Ok(()), |recipient| Err(no_server(&recipient.path, account)))
}

/// What was wrong with certificates that nobody checked, each once.
fn forgiven(report: &Report) -> Vec<String> {
    let mut faults: Vec<String> = Vec::new();
    for attempt in &report.attempts {
        let fault = attempt.tls.as_ref().and_then(|facts| facts.fault.as_ref());
        let Some(fault) = fault else { continue };
        let words = format!("{}: {}", attempt.server.place.name(), certificate::words(fault));
        if !faults.contains(&words) {
            faults.push(words);
        }
    }
    faults
}

/// What a submission left behind.
struct Delivered {
    report: Report,
    /// The signal by which the user asked to stop.
    signal: Option<usize>,
    /// What went wrong beside the delivery, in sentences.
    troubles: Vec<String>,
    /// What came of what was expected.
    verdict: Option<Verdict>,
}

/// Submits, watched by whoever wants to.
fn deliver(
    delivery: &Delivery<'_>,
    job: &Job,
    prepared: &Prepared<'_>,
    home: Option<&OpenHome<'_>>,
    interrupt: &Interrupt,
    host: &str,
    surroundings: &mut Surroundings<'_>,
) -> Result<Delivered, Failure> {
    let verbose = surroundings.globals.verbose;
    let mut transcript = delivery.showing.open(verbose, surroundings.err)?;
    for change in &job.changes {
        transcript.event(Event::Noted(change));
    }
    let world = World {
        secrets: &prepared.passwords,
        interrupt,
        host_name: Some(host),
        wait_for_farewell: transcript.is_watched(),
    };
    let home = home.map(|home| home as &dyn Home);
    let report = submit_and_keep(&job.submission, &prepared.route, home, &world, &mut transcript);
    let verdict = delivery.laboratory.and_then(|laboratory| laboratory.verdict(&report));
    let troubles = transcript.problems();
    Ok(Delivered { report, signal: interrupt.signal(), troubles, verdict })
}

/// The name that the system gives this machine.
pub(super) fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Says what came of it. Nothing that fails here changes what happened: it is
/// a warning, for whoever can still read it.
fn tell(report: &Report, context: &Context<'_>, left: &Left, surroundings: &mut Surroundings<'_>) {
    let globals = surroundings.globals;
    let told = if globals.json {
        render::json(report, context, surroundings.out)
    } else {
        let told = if globals.quiet {
            Ok(())
        } else {
            render::people(report, context, surroundings)
                .and_then(|()| render::left(left, surroundings.out))
        };
        let _ = render::complain(report, context, surroundings);
        told
    };
    if let Err(error) = told.and_then(|()| surroundings.out.flush()) {
        surroundings.warn(&plain(&format!("the report could not be written: {error}")));
    }
}

/// Where the receiver of this run put the message.
fn stored(prepared: &mut Prepared<'_>) -> Vec<PathBuf> {
    // The event is sent before the reply is, so it is here already.
    const AT_HAND: Duration = Duration::ZERO;
    let sink = prepared.sink.iter();
    sink.flat_map(|sink| std::iter::from_fn(|| sink.next_stored(AT_HAND)))
        .filter_map(|stored: sink::Stored| stored.path)
        .collect()
}

/// Sixteen hexadecimal digits that name this run in logs.
fn local_id() -> String {
    // Without random numbers the name is less useful, and the mail no worse.
    random_word(8).unwrap_or_else(|_| "0".repeat(16))
}
