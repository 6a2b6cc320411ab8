//! The work of a run, shared out among its connections: which account next,
//! which message, and what is written down of each.

use super::super::state::wants_sign_in;
use super::super::{Answer, EntryError, Fate, Happening, Head, Id, TakeError, Taken};
use super::{Courier, Errand, Event, Runner, Unserved, Which};
use crate::delivery::{Cause, Outcome, Report, Submission};
use crate::message;
use crate::net;
use crate::session::Kind;
use crate::smtp::Phase;
use jiff::Timestamp;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// What is to be done for one account.
pub(super) struct Desk {
    pub(super) account: String,
    pub(super) jobs: VecDeque<Id>,
    /// Who is at work on them.
    pub(super) workers: usize,
    /// The most at a time that the server takes, as far as it is known.
    pub(super) most: usize,
    /// How many tries came to a session: the account works.
    pub(super) went: usize,
    /// It is not tried in this run at all: it was known before not to work, or
    /// is none of this runner's. Nothing that waits for it changes.
    pub(super) rests: bool,
    /// It does not work; nothing more is tried.
    pub(super) trouble: Option<Answer>,
}

/// Who works on what: several workers share it.
pub(super) struct Board<'r> {
    pub(super) runner: &'r Runner<'r>,
    pub(super) which: &'r Which,
    pub(super) desks: Mutex<Vec<Desk>>,
    pub(super) changed: Condvar,
}

impl Board<'_> {
    /// One worker: serves an account for as long as there is something to do,
    /// then the next.
    pub(super) fn work(&self) {
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
            if let Err(unserved) = served
                && !has_served
            {
                self.note_unserved(&account, unserved);
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
                    let (jobs, rests) = (std::mem::take(&mut desk.jobs), desk.rests);
                    let account = desk.account.clone();
                    drop(desks);
                    for id in jobs {
                        self.put_off(&account, &id, &answer, rests);
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

    fn note_unserved(&self, account: &str, unserved: Unserved) {
        let now = (self.runner.clock)();
        match unserved {
            Unserved::Unusable(sentence) => self.note_trouble(account, &of_account(sentence, now)),
            // Another runner may have it, and is not to be told to rest.
            Unserved::Unknown(sentence) => self.change(account, |desk| {
                desk.rests = true;
                desk.trouble = Some(of_account(sentence, now));
            }),
        }
    }

    fn note_trouble(&self, account: &str, answer: &Answer) {
        let now = (self.runner.clock)();
        let known = self.runner.queue.trouble(account);
        let is_news = known.is_none_or(|known| known.answer.text != answer.text);
        if answer.of_account && (is_news || !matches!(self.which, Which::Due)) {
            let (account, answer) = (account.to_owned(), answer.clone());
            (self.runner.told)(Event::Trouble { account, answer });
        }
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
        if courier.was_called_back() {
            self.note_what_arrived(&mut taken, &waiting, &report);
            taken.state.put_off(&self.runner.queue.policy, (self.runner.clock)());
            self.settle(taken);
            return false;
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
        taken.state.plan(taken.entry.head.since(), &runner.queue.policy, now, (runner.dice)());
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
        let Head { stays_here, owner, .. } = taken.entry.head;
        let mut note = |decided: &[(usize, Outcome)]| {
            taken.state.note_decided(waiting, decided, (runner.clock)());
            taken.write().and_then(|()| taken.make_room()).map_err(unwritten).is_ok()
        };
        let submission = &Submission { envelope, message };
        Some(courier.carry(&Errand { id: &id, submission, stays_here, owner }, &mut note))
    }

    /// Puts off an entry whose account does not work. Where the account rests
    /// that is no try, and the entry stays as it is.
    fn put_off(&self, account: &str, id: &Id, answer: &Answer, rests: bool) {
        let Some(mut taken) = self.take(id) else { return };
        let runner = self.runner;
        if taken.state.waiting().is_empty() {
            return self.settle(taken);
        }
        let (id, account, answer) = (id.clone(), account.to_owned(), answer.clone());
        if !rests {
            let now = (runner.clock)();
            taken.state.note_trouble(&answer, now);
            let since = taken.entry.head.since();
            taken.state.plan(since, &runner.queue.policy, now, (runner.dice)());
            self.settle(taken);
        }
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
    let has_it = |(_, outcome): &(_, Outcome)| matches!(outcome, Outcome::Accepted(_));
    let nobody_has_it = !report.recipients.iter().any(has_it);
    report.recipients.iter().position(|(_, outcome)| match outcome {
        Outcome::Deferred(Cause::Broke(error)) | Outcome::Rejected(Cause::Broke(error)) => {
            place(error.phase) < place(Phase::Mail)
        }
        Outcome::Rejected(Cause::Replied(_, reply)) => nobody_has_it && wants_sign_in(reply),
        Outcome::Accepted(_)
        | Outcome::Deferred(_)
        | Outcome::Rejected(_)
        | Outcome::Uncertain(_) => false,
    })
}
