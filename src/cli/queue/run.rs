//! `envoi queue run`: what is due is tried, and what comes of it is said.

use super::courier::Couriers;
use super::list::{answer_text, answer_words, moment};
use super::{named, take_over, unreadable, unwritable};
use crate::account::{Accounts, Environment};
use crate::cli::args::RunArgs;
use crate::cli::clock;
use crate::cli::escape::Escaped;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::render::line;
use crate::cli::words::{plain, why};
use crate::cli::{Surroundings, interrupt, send};
use crate::delivery::Outcome;
use crate::net::{Deadline, Interrupt};
use crate::queue::{Event, Fate, Id, Queue, State, Which};
use jiff::Timestamp;
use rustix::event::{Timespec, poll};
use serde::Serialize;
use std::io::{self, Write};
use std::sync::mpsc;
use std::time::Duration;

/// How often somebody who stays looks for what was kept meanwhile.
const LOOK: Duration = Duration::from_secs(10);
/// A signal between a look and the wait behind it is seen after this.
const STEP: Duration = Duration::from_millis(250);

/// Waits until it is time for another look, or the user wants to stop.
fn pause(interrupt: &Interrupt) {
    let until = Deadline::after(LOOK);
    while let Some(left) = until.remaining().filter(|_| interrupt.signal().is_none()) {
        let _ = poll(&mut [], Timespec::try_from(left.min(STEP)).ok().as_ref());
    }
}

pub(super) fn run(
    queue: &Queue,
    typed: &RunArgs,
    accounts: &Accounts,
    surroundings: &mut Surroundings<'_>,
) -> Result<Exit, Failure> {
    let interrupt = interrupt::install()
        .map_err(|error| Failure::caused(Exit::OsErr, "cannot prepare for Ctrl-C", error))?;
    // Whoever names a message may know it from who handed it in.
    let mut taken = take_over::run(queue, accounts, &interrupt, surroundings)?;
    let mut which = which(queue, typed)?;
    let mut tally = Tally::default();
    let host = send::host_name();
    loop {
        queue.stamp(Timestamp::now()).map_err(|error| unwritable(queue, error))?;
        let couriers = Couriers::of(accounts, surroundings.environment, &interrupt, &host);
        let couriers = couriers.seen(surroundings.globals.verbose);
        let couriers = couriers.without_handed_in(taken.is_none());
        round(queue, &which, typed.connections, &couriers, &mut tally, surroundings)?;
        let is_over = !typed.watch && matches!(which, Which::Named(_));
        if is_over || interrupt.signal().is_some() {
            break;
        }
        if typed.watch {
            pause(&interrupt);
        }
        // What starts a run when something is handed in does not notice what
        // is handed in while one runs.
        taken = take_over::run(queue, accounts, &interrupt, surroundings)?;
        if !typed.watch {
            if taken.unwrap_or(0) == 0 {
                break;
            }
            which = Which::Due;
        }
    }
    let globals = surroundings.globals;
    if !globals.quiet && !globals.json {
        let _ = writeln!(surroundings.out, "{}", tally.summary());
    }
    let number = interrupt.signal().and_then(|signal| u8::try_from(signal).ok());
    Ok(number.map_or(tally.exit(&which), Exit::Signal))
}

fn which(queue: &Queue, typed: &RunArgs) -> Result<Which, Failure> {
    if typed.all {
        return Ok(Which::All);
    }
    if typed.ids.is_empty() {
        return Ok(Which::Due);
    }
    let ids: Result<Vec<Id>, Failure> = typed.ids.iter().map(|typed| named(queue, typed)).collect();
    Ok(Which::Named(ids?))
}

/// One run. What happens is said while it happens.
fn round(
    queue: &Queue,
    which: &Which,
    connections: u8,
    couriers: &Couriers<'_>,
    tally: &mut Tally,
    surroundings: &mut Surroundings<'_>,
) -> Result<(), Failure> {
    let Surroundings { environment, globals, .. } = *surroundings;
    let account = globals.account.as_deref();
    let (sender, events) = mpsc::channel();
    let ran = std::thread::scope(|scope| {
        // Who listens no more has gone.
        let told = move |event| drop(sender.send(event));
        let runner = scope.spawn(move || couriers.run(queue, which, connections, account, &told));
        for event in events {
            tally.count(&event);
            tell(&event, environment, surroundings);
        }
        runner.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    for trouble in couriers.troubles() {
        surroundings.warn(&trouble);
    }
    ran.map_err(|error| unreadable(queue, error))
}

fn tell(event: &Event, environment: &Environment, surroundings: &mut Surroundings<'_>) {
    let globals = surroundings.globals;
    if globals.json {
        let _ = line(&EventJson::of(event), surroundings.out);
        return;
    }
    let told = match event {
        Event::Tried { id, state, to, report } => {
            if globals.quiet {
                return;
            }
            let waits = |path: &str| {
                let at = to.iter().position(|to| to == path);
                at.is_some_and(|at| state.to[at].fate == Fate::Waiting)
            };
            tried(id, state, report, &waits, environment, surroundings.out)
        }
        Event::PutOff { id, account, answer } => {
            if globals.quiet {
                return;
            }
            let (account, why) = (Escaped(account), answer_words(answer));
            writeln!(
                surroundings.out,
                "{id}  put off    the account {account} does not work: {why}"
            )
        }
        Event::Busy { id } => {
            writeln!(surroundings.err, "envoi: the message {id} is being tried right now")
        }
        Event::SetAside { id, reason } => {
            let err = &mut surroundings.err;
            writeln!(err, "envoi: the message {id} in the queue was set aside: {}", Escaped(reason))
        }
        Event::Unusable { id, reason } => {
            let err = &mut surroundings.err;
            writeln!(err, "envoi: the message {id} in the queue is left alone: {}", Escaped(reason))
        }
        Event::Untold { id, reason } => {
            let sentence = "its sender could not be told what became of it";
            writeln!(surroundings.err, "envoi: the message {id}: {sentence}: {}", Escaped(reason))
        }
        Event::Unwritten { id, reason } => {
            let sentence = "what came of it cannot be written down";
            writeln!(surroundings.err, "envoi: the message {id}: {sentence}: {}", Escaped(reason))
        }
    };
    // Nobody may be there to read it.
    let _ = told;
}

fn tried(
    id: &Id,
    state: &State,
    report: &crate::delivery::Report,
    waits: &dyn Fn(&str) -> bool,
    environment: &Environment,
    out: &mut dyn Write,
) -> io::Result<()> {
    for (path, outcome) in &report.recipients {
        let (word, text) = match outcome {
            Outcome::Accepted(reply) => ("accepted", Escaped(reply).to_string()),
            Outcome::Deferred(_) => ("deferred", why(outcome).unwrap_or_default()),
            // What the account is to blame for fails nothing.
            Outcome::Rejected(_) if waits(&path.to_string()) => {
                ("deferred", why(outcome).unwrap_or_default())
            }
            Outcome::Rejected(_) => ("rejected", why(outcome).unwrap_or_default()),
            Outcome::Uncertain(_) => ("uncertain", why(outcome).unwrap_or_default()),
        };
        writeln!(out, "{id}  {word:<9}  {}  {text}", Escaped(path))?;
    }
    match state.next_try {
        Some(next) if !state.waiting().is_empty() => {
            writeln!(out, "{id}  next try at {}", moment(next, &clock::zone(environment)))
        }
        _ => Ok(()),
    }
}

/// What came of a run, in numbers.
#[derive(Default)]
struct Tally {
    sent: usize,
    waiting: usize,
    failed: usize,
    busy: usize,
    unusable: usize,
    unwritten: usize,
}

impl Tally {
    fn count(&mut self, event: &Event) {
        match event {
            Event::Tried { state, .. } if state.is_delivered() => self.sent += 1,
            Event::Tried { state, .. } if state.waiting().is_empty() => self.failed += 1,
            Event::Tried { .. } | Event::PutOff { .. } => self.waiting += 1,
            Event::Busy { .. } => self.busy += 1,
            Event::SetAside { .. } | Event::Unusable { .. } => self.unusable += 1,
            Event::Untold { .. } | Event::Unwritten { .. } => self.unwritten += 1,
        }
    }

    fn summary(&self) -> String {
        let tried = self.sent + self.waiting + self.failed;
        if tried == 0 {
            return "nothing was due".to_owned();
        }
        let messages =
            if tried == 1 { "1 message".to_owned() } else { format!("{tried} messages") };
        format!(
            "tried {messages}: {} sent, {} wait, {} failed",
            self.sent, self.waiting, self.failed
        )
    }

    /// Whoever named messages wants to know whether they are sent; a timer
    /// wants to know whether it works.
    fn exit(&self, which: &Which) -> Exit {
        if self.unwritten > 0 {
            return Exit::IoErr;
        }
        if !matches!(which, Which::Named(_)) {
            Exit::Ok
        } else if self.waiting + self.busy + self.unusable > 0 {
            Exit::TempFail
        } else if self.failed > 0 {
            Exit::Unavailable
        } else {
            Exit::Ok
        }
    }
}

/// What happened, as one object.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EventJson {
    version: u8,
    event: &'static str,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    recipients: Vec<RecipientJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_try: Option<Timestamp>,
}

#[derive(Serialize)]
struct RecipientJson {
    address: String,
    fate: Fate,
    code: Option<u16>,
    enhanced: Option<String>,
    text: String,
}

impl EventJson {
    fn of(event: &Event) -> Self {
        let about = |event, id: &Id| EventJson {
            version: 1,
            event,
            id: id.to_string(),
            account: None,
            reason: None,
            recipients: Vec::new(),
            next_try: None,
        };
        match event {
            Event::Tried { id, state, to, .. } => {
                let recipient = |(address, progress): (&String, &crate::queue::Progress)| {
                    let answer = progress.answer.as_ref();
                    RecipientJson {
                        address: address.clone(),
                        fate: progress.fate,
                        code: answer.and_then(|answer| answer.code),
                        enhanced: answer.and_then(|answer| answer.enhanced.clone()),
                        text: answer_text(answer),
                    }
                };
                EventJson {
                    recipients: to.iter().zip(&state.to).map(recipient).collect(),
                    next_try: state.next_try,
                    ..about("tried", id)
                }
            }
            Event::PutOff { id, account, answer } => EventJson {
                account: Some(account.clone()),
                reason: Some(plain(&answer.to_string())),
                ..about("putOff", id)
            },
            Event::Busy { id } => about("busy", id),
            Event::SetAside { id, reason } => {
                EventJson { reason: Some(reason.to_string()), ..about("setAside", id) }
            }
            Event::Unusable { id, reason } => {
                EventJson { reason: Some(reason.to_string()), ..about("unusable", id) }
            }
            Event::Untold { id, reason } => {
                EventJson { reason: Some(reason.to_string()), ..about("untold", id) }
            }
            Event::Unwritten { id, reason } => {
                EventJson { reason: Some(reason.to_string()), ..about("unwritten", id) }
            }
        }
    }
}
