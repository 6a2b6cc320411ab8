//! A run: what is due is tried, account by account, over a few connections.
//!
//! The first message of an account finds out whether it works; only then others
//! go beside it. Where it does not, the rest is put off without asking again,
//! so that a server that is down costs one connection and a wrong password one
//! sign-in (checklist ).

use super::state::wants_sign_in;
use super::{
    Answer, EntryError, Fate, Happening, Id, Line, Queue, ReportError, Reporting, TakeError, Taken,
};
use crate::delivery::{Cause, Outcome, Report, Submission, Witness};
use crate::message::{self, Repairs};
use crate::net::{self, Interrupt};
use crate::session::Kind;
use crate::smtp::Phase;
use jiff::Timestamp;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Who can send for an account.
pub trait Accounts: Sync {
    /// Gives `shift` a courier of this account, once, for as long as it runs.
    /// Fails with a sentence where there is no such account, or it cannot be
    /// used as it stands.
    fn serve(&self, account: &str, shift: &mut dyn FnMut(&mut dyn Courier)) -> Result<(), String>;
}

/// Who carries messages for an account, over one connection where that can be.
pub trait Courier {
    /// What may be changed in a message for its way.
    fn repairs(&self) -> Repairs;
    /// Submits the message of this entry. The witness hears of whoever is
    /// decided before anybody else is asked about.
    fn carry(&mut self, id: &Id, submission: &Submission, witness: &mut Witness<'_>) -> Report;
}

/// What a run needs from outside.
pub struct Runner<'r> {
    /// The queue.
    pub queue: &'r Queue,
    /// Who sends.
    pub accounts: &'r dyn Accounts,
    /// What time it is.
    pub clock: &'r (dyn Fn() -> Timestamp + Sync),
    /// A number from 0 to 1 that nobody can foresee.
    pub dice: &'r (dyn Fn() -> f64 + Sync),
    /// Who tells senders what became of their messages.
    pub reporting: &'r Reporting<'r>,
    /// The user's wish to stop.
    pub interrupt: &'r Interrupt,
    /// Only messages of this account; `None` means all.
    pub account: Option<&'r str>,
    /// The most connections at a time.
    pub connections: usize,
    /// Hears what happens.
    pub told: &'r (dyn Fn(Event) + Sync),
}

/// What is tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// What is due. Accounts that are known not to work rest.
    Due,
    /// Everything that is not held.
    All,
    /// These, held or not.
    Named(Vec<Id>),
}

/// What happens in a run.
#[derive(Debug)]
pub enum Event {
    /// An entry was tried.
    Tried {
        /// Which.
        id: Id,
        /// What has come of it by now.
        state: super::State,
        /// The recipients, in the order of the state.
        to: Vec<String>,
        /// What came of this try.
        report: Report,
    },
    /// An entry was put off without a try: its account does not work.
    PutOff {
        /// Which.
        id: Id,
        /// Whose.
        account: String,
        /// Why.
        answer: Answer,
    },
    /// An entry that was named is being tried by somebody else.
    Busy {
        /// Which.
        id: Id,
    },
    /// An entry is damaged, and was set aside.
    SetAside {
        /// Which.
        id: Id,
        /// Why.
        reason: EntryError,
    },
    /// An entry cannot be used, and stays where it is.
    Unusable {
        /// Which.
        id: Id,
        /// Why.
        reason: EntryError,
    },
    /// The sender of an entry could not be told what became of it, which the
    /// next run tries again.
    Untold {
        /// Which.
        id: Id,
        /// Why.
        reason: ReportError,
    },
    /// The queue could not be written. What was being done is done again, and
    /// nothing was sent if that was known before.
    Unwritten {
        /// For which entry.
        id: Id,
        /// What the operating system said.
        reason: io::Error,
    },
}

/// What is to be done for one account.
struct Desk {
    account: String,
    jobs: VecDeque<Id>,
    /// Who is at work on them.
    workers: usize,
    /// The most at a time that the server takes, as far as it is known.
    most: usize,
    /// How many tries came to a session: the account works.
    went: usize,
    /// It does not work; nothing more is tried.
    trouble: Option<Answer>,
}

struct Board<'r> {
    runner: &'r Runner<'r>,
    which: &'r Which,
    desks: Mutex<Vec<Desk>>,
    changed: Condvar,
}

impl Runner<'_> {
    /// Tries what is to be tried. Fails only where the queue cannot be read or
    /// written.
    pub fn run(&self, which: &Which) -> io::Result<()> {
        let now = (self.clock)();
        // Who wants a few messages is not to wait for what is done to all.
        match which {
            Which::Due | Which::All => self.queue.tidy()?,
            Which::Named(_) => {}
        }
        let desks = self.desks(which, now)?;
        let jobs: usize = desks.iter().map(|desk| desk.jobs.len()).sum();
        let workers = self.connections.clamp(1, jobs.max(1));
        let board =
            Board { runner: self, which, desks: Mutex::new(desks), changed: Condvar::new() };
        std::thread::scope(|scope| {
            for _ in 1..workers {
                scope.spawn(|| board.work());
            }
            board.work();
        });
        Ok(())
    }

    /// What is to be done, the longest waiting first.
    fn desks(&self, which: &Which, now: Timestamp) -> io::Result<Vec<Desk>> {
        let listing = match which {
            Which::Due | Which::All => self.queue.list()?,
            Which::Named(ids) => self.queue.list_of(ids),
        };
        for (name, error) in listing.unusable {
            let Ok(id) = name.parse::<Id>() else { continue };
            self.tell_unusable(id, error);
        }
        let mut desks: BTreeMap<String, Desk> = BTreeMap::new();
        for listed in listing.entries {
            let is_other = self.account.is_some_and(|only| only != listed.head.account);
            if is_other || !self.is_wanted(&listed.id, &listed.head, &listed.state, which, now) {
                continue;
            }
            let account = listed.head.account;
            let desk = desks.entry(account.clone()).or_insert_with(|| Desk {
                trouble: match which {
                    Which::Due => self.queue.rests(&account, now).map(|it| it.answer),
                    Which::All | Which::Named(_) => None,
                },
                account,
                jobs: VecDeque::new(),
                workers: 0,
                most: usize::MAX,
                went: 0,
            });
            desk.jobs.push_back(listed.id);
        }
        Ok(desks.into_values().collect())
    }

    fn is_wanted(
        &self,
        id: &Id,
        head: &super::Head,
        state: &super::State,
        which: &Which,
        now: Timestamp,
    ) -> bool {
        // Whoever failed is to be told, be there nobody to try.
        let has_work = !state.with(Fate::Waiting).is_empty()
            || !state.with(Fate::Failed).is_empty()
            || state.is_delivered();
        let is_early = head.not_before.is_some_and(|moment| moment > now);
        let is_due = state.next_try.is_none_or(|next| self.queue.policy.is_due(next, now));
        has_work
            && match which {
                Which::Due => !state.held && !is_early && is_due,
                Which::All => !state.held && !is_early,
                Which::Named(ids) => ids.contains(id),
            }
    }

    fn tell_unusable(&self, id: Id, reason: EntryError) {
        let is_damaged = matches!(reason, EntryError::Corrupt(_));
        if is_damaged && self.queue.set_aside(&id).is_ok() {
            self.record(&id, Happening::SetAside, Vec::new(), reason.to_string());
            (self.told)(Event::SetAside { id, reason });
        } else {
            (self.told)(Event::Unusable { id, reason });
        }
    }

    fn record(&self, id: &Id, what: Happening, to: Vec<String>, text: String) {
        let at = (self.clock)();
        self.queue.record(&Line { at, id: id.to_string(), what, to, text });
    }
}

impl Board<'_> {
    /// One worker: serves an account for as long as there is something to do,
    /// then the next.
    fn work(&self) {
        while let Some(account) = self.next_account() {
            let _shift = Shift { board: self, account: &account };
            let mut has_served = false;
            let served = self.runner.accounts.serve(&account, &mut |courier| {
                has_served = true;
                while let Some(id) = self.next_job(&account) {
                    if !self.deliver(&account, &id, courier) {
                        break;
                    }
                }
            });
            if let Err(sentence) = served
                && !has_served
            {
                self.note_trouble(&account, &of_account(sentence, (self.runner.clock)()));
            }
        }
    }

    /// The account that most needs somebody. `None` when there is nothing to
    /// do, or the user asked to stop.
    fn next_account(&self) -> Option<String> {
        let mut desks = self.lock();
        loop {
            if self.runner.interrupt.signal().is_some() {
                return None;
            }
            let has_jobs = |desk: &&mut Desk| !desk.jobs.is_empty();
            let mut open = desks.iter_mut().filter(has_jobs);
            let mut is_work_left = false;
            let mut best: Option<&mut Desk> = None;
            for desk in &mut open {
                is_work_left = true;
                let has_room = desk.went > 0 && desk.workers < desk.most;
                let may_join = desk.trouble.is_some() || has_room || desk.workers == 0;
                let load = |desk: &Desk| desk.jobs.len() / (desk.workers + 1);
                if may_join && best.as_ref().is_none_or(|best| load(desk) > load(best)) {
                    best = Some(desk);
                }
            }
            if let Some(desk) = best {
                if let Some(answer) = desk.trouble.clone() {
                    let jobs = std::mem::take(&mut desk.jobs);
                    let account = desk.account.clone();
                    drop(desks);
                    for id in jobs {
                        self.put_off(&account, &id, &answer);
                    }
                    desks = self.lock();
                    continue;
                }
                desk.workers += 1;
                return Some(desk.account.clone());
            }
            if !is_work_left {
                return None;
            }
            // Somebody is finding out whether the account works.
            desks = self.changed.wait(desks).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn next_job(&self, account: &str) -> Option<Id> {
        if self.runner.interrupt.signal().is_some() {
            return None;
        }
        let mut desks = self.lock();
        let desk = desks.iter_mut().find(|desk| desk.account == account)?;
        if desk.trouble.is_some() { None } else { desk.jobs.pop_front() }
    }

    fn change(&self, account: &str, change: impl FnOnce(&mut Desk)) {
        if let Some(desk) = self.lock().iter_mut().find(|desk| desk.account == account) {
            change(desk);
        }
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Desk>> {
        self.desks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of a connection that did not come about, begun when so many
    /// tries had gone well. Beside others that work the server takes no more of
    /// them; alone, the account does not work.
    fn note_refused(&self, account: &str, answer: &Answer, went: usize) {
        let mut is_alone = true;
        self.change(account, |desk| {
            let has_company = desk.went > 0 && desk.workers > 1;
            is_alone = !has_company && desk.went == went;
            if !is_alone {
                desk.most = (desk.most.min(desk.workers) - 1).max(1);
            }
        });
        if is_alone {
            self.note_trouble(account, answer);
        }
    }

    fn note_trouble(&self, account: &str, answer: &Answer) {
        let now = (self.runner.clock)();
        // Not to remember it costs a connection.
        let _ = self.runner.queue.note_trouble(account, answer, now, (self.runner.dice)());
        self.change(account, |desk| desk.trouble = Some(answer.clone()));
    }

    fn note_works(&self, account: &str) {
        let mut is_news = false;
        self.change(account, |desk| {
            desk.went += 1;
            is_news = desk.went == 1;
        });
        if is_news {
            let _ = self.runner.queue.forget_trouble(account);
        }
    }

    fn went(&self, account: &str) -> usize {
        self.lock().iter().find(|desk| desk.account == account).map_or(0, |desk| desk.went)
    }

    /// Takes an entry, and makes sure that it is still to be tried.
    fn take(&self, id: &Id) -> Option<Taken<'_>> {
        let runner = self.runner;
        let taken = match runner.queue.take(id) {
            Ok(taken) => taken,
            Err(TakeError::Gone) => return None,
            Err(TakeError::Busy) => {
                if matches!(self.which, Which::Named(_)) {
                    (runner.told)(Event::Busy { id: id.clone() });
                }
                return None;
            }
            Err(TakeError::Unusable(error)) => {
                runner.tell_unusable(id.clone(), error);
                return None;
            }
        };
        let now = (runner.clock)();
        let is_wanted = runner.is_wanted(id, &taken.entry.head, &taken.state, self.which, now);
        is_wanted.then_some(taken)
    }

    /// Tries one entry. False where the connection is of no use for others.
    fn deliver(&self, account: &str, id: &Id, courier: &mut dyn Courier) -> bool {
        let Some(mut taken) = self.take(id) else { return true };
        let waiting = taken.state.waiting();
        if waiting.is_empty() {
            self.settle(taken);
            return true;
        }
        let told = self.runner.told;
        let went = self.went(account);
        let Some(report) = self.carry(&mut taken, &waiting, courier) else { return true };
        if was_interrupted(&report) {
            self.note_what_arrived(&mut taken, &waiting, &report);
            self.settle(taken);
            return true;
        }
        let is_of_use = self.note(account, &mut taken, &waiting, &report, went);
        self.record_try(&taken, &waiting);
        let event = Event::Tried {
            id: id.clone(),
            state: taken.state.clone(),
            to: taken.entry.head.envelope.to().iter().map(|to| to.path.to_string()).collect(),
            report,
        };
        self.settle(taken);
        told(event);
        is_of_use
    }

    /// Takes note of a try, begun when so many had gone well: what came of it,
    /// when the next one is, and whether the account works. False where the
    /// connection is of no use for others.
    fn note(
        &self,
        account: &str,
        taken: &mut Taken<'_>,
        tried: &[usize],
        report: &Report,
        went: usize,
    ) -> bool {
        let runner = self.runner;
        let now = (runner.clock)();
        taken.state.note(tried, report, now);
        taken.state.plan(taken.entry.head.kept, &runner.queue.policy, now, (runner.dice)());
        let answer = trouble(report).and_then(|at| taken.state.to[tried[at]].answer.clone());
        match &answer {
            Some(answer) => self.note_refused(account, answer, went),
            None => self.note_works(account),
        }
        answer.is_none()
    }

    /// Takes note of a try that the user broke off.
    fn note_what_arrived(&self, taken: &mut Taken<'_>, tried: &[usize], report: &Report) {
        taken.state.note_what_arrived(tried, report, (self.runner.clock)());
        let has_it = |at: &usize| taken.state.to[*at].fate == Fate::Accepted;
        let arrived: Vec<usize> = tried.iter().copied().filter(has_it).collect();
        self.record_try(taken, &arrived);
    }

    /// Has the message brought to those who wait. Whoever is decided before
    /// others are asked about is on the disk by then, or nobody else is asked
    /// (checklist Q-4). `None` where it could not be begun.
    fn carry(
        &self,
        taken: &mut Taken<'_>,
        waiting: &[usize],
        courier: &mut dyn Courier,
    ) -> Option<Report> {
        let runner = self.runner;
        let id = taken.entry.id.clone();
        let unwritten = |reason| (runner.told)(Event::Unwritten { id: id.clone(), reason });
        let message = match taken.message(courier.repairs()) {
            Ok(message) => Arc::new(message),
            Err(error) => {
                runner.tell_unusable(id.clone(), of_message(error));
                return None;
            }
        };
        taken.make_room().map_err(unwritten).ok()?;
        let envelope = taken.entry.head.envelope.narrowed_to(waiting);
        let mut note = |decided: &[(usize, Outcome)]| {
            taken.state.note_decided(waiting, decided, (runner.clock)());
            taken.write().and_then(|()| taken.make_room()).map_err(unwritten).is_ok()
        };
        Some(courier.carry(&id, &Submission { envelope, message }, &mut note))
    }

    /// Puts off an entry whose account is known not to work.
    fn put_off(&self, account: &str, id: &Id, answer: &Answer) {
        let Some(mut taken) = self.take(id) else { return };
        let runner = self.runner;
        if taken.state.waiting().is_empty() {
            return self.settle(taken);
        }
        let now = (runner.clock)();
        taken.state.note_trouble(answer, now);
        let kept = taken.entry.head.kept;
        taken.state.plan(kept, &runner.queue.policy, now, (runner.dice)());
        let (id, account, answer) = (id.clone(), account.to_owned(), answer.clone());
        self.settle(taken);
        (runner.told)(Event::PutOff { id, account, answer });
    }

    /// Puts on the disk what has come of an entry, after its sender was told
    /// what he is owed. What is delivered is removed, and so is a report that
    /// stays on this machine.
    fn settle(&self, mut taken: Taken<'_>) {
        let id = taken.entry.id.clone();
        let now = (self.runner.clock)();
        // Whoever could not be told is told by the next run.
        if let Err(reason) = self.runner.queue.tell_sender(&mut taken, self.runner.reporting, now) {
            (self.runner.told)(Event::Untold { id: id.clone(), reason });
        }
        let is_stored = taken.entry.head.is_report && taken.state.is_settled();
        let is_done = is_stored || taken.state.is_delivered();
        let settled = if is_done { taken.remove() } else { taken.write() };
        if let Err(reason) = settled {
            (self.runner.told)(Event::Unwritten { id, reason });
        }
    }

    fn record_try(&self, taken: &Taken<'_>, tried: &[usize]) {
        let to = taken.entry.head.envelope.to();
        for (fate, what) in [
            (Fate::Accepted, Happening::Accepted),
            (Fate::Waiting, Happening::Deferred),
            (Fate::Failed, Happening::Failed),
        ] {
            let mut by_text: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for &at in tried.iter().filter(|&&at| taken.state.to[at].fate == fate) {
                let answer = taken.state.to[at].answer.as_ref();
                let text = answer.map(Answer::to_string).unwrap_or_default();
                by_text.entry(text).or_default().push(to[at].path.to_string());
            }
            for (text, to) in by_text {
                self.runner.record(&taken.entry.id, what, to, text);
            }
        }
    }
}

/// Somebody's work for an account, over when this is dropped: a worker that
/// panics keeps the others waiting for nothing.
struct Shift<'b> {
    board: &'b Board<'b>,
    account: &'b str,
}

impl Drop for Shift<'_> {
    fn drop(&mut self) {
        self.board.change(self.account, |desk| desk.workers -= 1);
    }
}

fn of_account(sentence: String, at: Timestamp) -> Answer {
    Answer {
        at,
        server: None,
        code: None,
        enhanced: None,
        text: vec![sentence],
        of_account: true,
        uncertain: false,
    }
}

fn of_message(error: message::Error) -> EntryError {
    match error {
        message::Error::Unreadable { reason, .. } => EntryError::Io(reason),
        other => EntryError::Corrupt(other.to_string()),
    }
}

fn was_interrupted(report: &Report) -> bool {
    report.attempts.iter().any(|attempt| {
        let kind = attempt.error.as_ref().map(|error| &error.kind);
        matches!(kind, Some(Kind::Net(net::Error::Interrupted)))
    })
}

/// The position of a recipient who tells that the account does not work: no
/// session with a server came about, or it wants somebody to sign in.
fn trouble(report: &Report) -> Option<usize> {
    let place = |wanted| Phase::ALL.iter().position(|phase| *phase == wanted);
    report.recipients.iter().position(|(_, outcome)| match outcome {
        Outcome::Deferred(Cause::Broke(error)) | Outcome::Rejected(Cause::Broke(error)) => {
            place(error.phase) < place(Phase::Mail)
        }
        Outcome::Rejected(Cause::Replied(Phase::Mail, reply)) => wants_sign_in(reply),
        Outcome::Accepted(_)
        | Outcome::Deferred(_)
        | Outcome::Rejected(_)
        | Outcome::Uncertain(_) => false,
    })
}
