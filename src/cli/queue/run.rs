//! `envoi queue run`: what is due is tried, and what comes of it is said.

use super::courier::Couriers;
use super::list::{self, answer_text, answer_words, moment};
use super::{named, place, take_over, unreadable, unwritable};
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
use crate::queue::{Event, Fate, Id, Listed, Queue, State, Which};
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
    let interrupt = &interrupt::install()
        .map_err(|error| Failure::caused(Exit::OsErr, "cannot prepare for Ctrl-C", error))?;
    if let Some(only) = &surroundings.globals.account {
        let listing = queue.list().map_err(|error| unreadable(queue, error))?;
        let is_one = |listed: &Listed| listed.head.account == *only;
        list::known(only, !listing.entries.iter().any(is_one), accounts)?;
    }
    let (host, tally) = (&send::host_name(), Tally::default());
    let mut rounds =
        Rounds { queue, typed, interrupt, host, tally, telling: Vec::new(), told: Vec::new() };
    if typed.watch {
        rounds.watch(accounts, surroundings)?;
    } else {
        rounds.once(accounts, surroundings)?;
    }
    let Rounds { tally, .. } = rounds;
    let globals = surroundings.globals;
    let number = interrupt.signal().and_then(|signal| u8::try_from(signal).ok());
    if !globals.quiet && !globals.json {
        let summary = tally.summary();
        let summary = summary.unwrap_or_else(|| match number {
            Some(_) => "stopped".to_owned(),
            None => "nothing was due".to_owned(),
        });
        let _ = writeln!(surroundings.out, "{summary}");
    }
    Ok(number.map_or(tally.exit(!typed.ids.is_empty()), Exit::Signal))
}

/// The rounds of one command.
struct Rounds<'r> {
    queue: &'r Queue,
    typed: &'r RunArgs,
    interrupt: &'r Interrupt,
    host: &'r str,
    tally: Tally,
    /// What stands in the way of this round, and stood in that of the last: it
    /// is told once.
    telling: Vec<String>,
    told: Vec<String>,
}

impl Rounds<'_> {
    /// One round, and others for as long as something is handed in.
    fn once(
        &mut self,
        accounts: &Accounts,
        surroundings: &mut Surroundings<'_>,
    ) -> Result<(), Failure> {
        // Whoever names a message may know it from who handed it in.
        self.take_over(accounts, surroundings);
        let mut which = which(self.queue, self.typed)?;
        loop {
            self.stamp(surroundings);
            self.tell_failed(&which, surroundings);
            self.round(&which, accounts, surroundings)?;
            if matches!(which, Which::Named(_)) || self.is_stopped() {
                return Ok(());
            }
            // What starts a run when something is handed in does not notice
            // what is handed in while one runs.
            if self.take_over(accounts, surroundings) == 0 {
                return Ok(());
            }
            which = Which::Due;
        }
    }

    /// Rounds until the user wants to stop. Whoever stays sees what is changed
    /// in the configuration, and lives through a disk that is full.
    fn watch(
        &mut self,
        accounts: &Accounts,
        surroundings: &mut Surroundings<'_>,
    ) -> Result<(), Failure> {
        let config = surroundings.globals.config.as_deref();
        let mut which = which(self.queue, self.typed)?;
        let mut changed: Option<Accounts> = None;
        loop {
            self.stamp(surroundings);
            let accounts = changed.as_ref().unwrap_or(accounts);
            self.take_over(accounts, surroundings);
            let went = self.round(&which, accounts, surroundings);
            if self.is_stopped() {
                return went;
            }
            if let Err(failure) = went {
                self.tell_once(&failure, surroundings);
            }
            pause(self.interrupt);
            which = Which::Due;
            self.told = std::mem::take(&mut self.telling);
            match Accounts::load(config, surroundings.environment) {
                Ok(loaded) => changed = Some(loaded),
                Err(error) => self.tell_once(&error.into(), surroundings),
            }
        }
    }

    /// Says which of those that are named failed before.
    fn tell_failed(&mut self, which: &Which, surroundings: &mut Surroundings<'_>) {
        let Which::Named(ids) = which else { return };
        for Listed { id, state, .. } in self.queue.list_of(ids).entries {
            if state.waiting().is_empty() && !state.is_delivered() {
                self.tally.failed_before += 1;
                surroundings.warn(&format!(
                    "the message {id} has failed, and is not tried any more: envoi queue show {id}"
                ));
            }
        }
    }

    fn is_stopped(&self) -> bool {
        self.interrupt.signal().is_some()
    }

    /// How many messages of users are new.
    fn take_over(&mut self, accounts: &Accounts, surroundings: &mut Surroundings<'_>) -> usize {
        if let Some(failure) = place::closed_drop() {
            self.tell_once(&failure, surroundings);
        }
        let taken = take_over::run(self.queue, accounts, self.interrupt, surroundings);
        taken.unwrap_or_else(|failure| {
            self.tell_once(&failure, surroundings);
            self.tally.untaken = Some(failure.exit);
            0
        })
    }

    /// Says that somebody runs the queue. Where it cannot be written, what waits
    /// there is tried none the less.
    fn stamp(&mut self, surroundings: &mut Surroundings<'_>) {
        if let Err(error) = self.queue.stamp(Timestamp::now()) {
            self.tally.unwritten += 1;
            self.tell_once(&unwritable(self.queue, error), surroundings);
        }
    }

    fn tell_once(&mut self, failure: &Failure, surroundings: &mut Surroundings<'_>) {
        let sentence = plain(&format!("{:#}", failure.error));
        if !self.told.contains(&sentence) && !self.telling.contains(&sentence) {
            surroundings.warn(&sentence);
            for hint in &failure.hints {
                let _ = writeln!(surroundings.err, "hint: {}", Escaped(hint));
            }
        }
        self.telling.push(sentence);
    }

    fn round(
        &mut self,
        which: &Which,
        accounts: &Accounts,
        surroundings: &mut Surroundings<'_>,
    ) -> Result<(), Failure> {
        let couriers = Couriers::of(accounts, surroundings.environment, self.interrupt, self.host)
            .seen(surroundings.globals.verbose);
        round(self.queue, which, self.typed.connections, &couriers, &mut self.tally, surroundings)
    }
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
        Event::Trouble { .. } if !globals.quiet => return,
        Event::Trouble { account, answer } => {
            let (account, why) = (Escaped(account), answer_words(answer));
            writeln!(surroundings.err, "envoi: the account {account} does not work: {why}")
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
    /// Not tried: their account does not work.
    put_off: usize,
    failed: usize,
    busy: usize,
    unusable: usize,
    unwritten: usize,
    /// What users handed in could not be looked at.
    untaken: Option<Exit>,
    /// Named, and not tried: they have failed.
    failed_before: usize,
}

impl Tally {
    fn count(&mut self, event: &Event) {
        match event {
            Event::Tried { state, .. } if state.is_delivered() => self.sent += 1,
            Event::Tried { state, .. } if state.waiting().is_empty() => self.failed += 1,
            Event::Tried { .. } => self.waiting += 1,
            Event::PutOff { .. } => self.put_off += 1,
            Event::Trouble { .. } => {}
            Event::Busy { .. } => self.busy += 1,
            Event::SetAside { .. } | Event::Unusable { .. } => self.unusable += 1,
            Event::Untold { .. } | Event::Unwritten { .. } => self.unwritten += 1,
        }
    }

    fn summary(&self) -> Option<String> {
        let messages = |count| match count {
            1 => "1 message".to_owned(),
            count => format!("{count} messages"),
        };
        let Tally { sent, waiting, failed, put_off, .. } = *self;
        let tried = messages(sent + waiting + failed);
        let tried = format!("tried {tried}: {sent} sent, {waiting} wait, {failed} failed");
        match (sent + waiting + failed, put_off) {
            (0, 0) => None,
            (0, _) => Some(format!("put off {}", messages(put_off))),
            (_, 0) => Some(tried),
            (_, _) => Some(format!("{tried}; put off {}", messages(put_off))),
        }
    }

    /// Whoever named messages wants to know whether they are sent; a timer
    /// wants to know whether it works.
    fn exit(&self, is_named: bool) -> Exit {
        if self.unwritten > 0 {
            return Exit::IoErr;
        }
        if !is_named {
            self.untaken.unwrap_or(Exit::Ok)
        } else if self.waiting + self.put_off + self.busy + self.unusable > 0 {
            Exit::TempFail
        } else if self.failed + self.failed_before > 0 {
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
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
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
            id: Some(id.to_string()),
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
            Event::Trouble { account, answer } => EventJson {
                version: 1,
                event: "trouble",
                id: None,
                account: Some(account.clone()),
                reason: Some(plain(&answer.to_string())),
                recipients: Vec::new(),
                next_try: None,
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
