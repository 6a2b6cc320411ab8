//! A run: what is due is tried, account by account, over a few connections.
//!
//! The first message of an account finds out whether it works; only then others
//! go beside it. Where it does not, the rest is put off without asking again,
//! so that a server that is down costs one connection and a wrong password one
//! sign-in (checklist ).

mod board;

use super::{Answer, EntryError, Fate, Happening, Id, Line, Queue, ReportError, Reporting};
use crate::delivery::{Report, Submission, Witness};
use crate::message::Repairs;
use crate::net::Interrupt;
use board::{Board, Desk};
use jiff::Timestamp;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Condvar, Mutex};

/// Who can send for an account.
pub trait Accounts: Sync {
    /// Gives `shift` a courier of this account, once, for as long as it runs.
    fn serve(&self, account: &str, shift: &mut dyn FnMut(&mut dyn Courier))
    -> Result<(), Unserved>;
}

/// Why nobody carries messages of an account. Each is told in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unserved {
    /// Whoever runs the queue does not have the account. Somebody else who runs
    /// it may: nothing is wrong with it.
    Unknown(String),
    /// It cannot be used as it stands.
    Unusable(String),
}

/// Who carries messages for an account, over one connection where that can be.
pub trait Courier {
    /// What may be changed in a message for its way.
    fn repairs(&self) -> Repairs;
    /// Submits a message. The witness hears of whoever is decided before
    /// anybody else is asked about.
    fn carry(&mut self, errand: &Errand<'_>, witness: &mut Witness<'_>) -> Report;
    /// Whether the courier had to be back before the server had the time that
    /// it may take: what failed in the last errand says nothing of it.
    fn was_called_back(&self) -> bool {
        false
    }
}

/// What a courier is given.
pub struct Errand<'e> {
    /// The entry.
    pub id: &'e Id,
    /// Its message, for those who wait.
    pub submission: &'e Submission,
    /// Recipients of this machine get it here, where the account says so.
    pub stays_here: bool,
    /// The number of the user who handed it in, where one did.
    pub owner: Option<u32>,
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
    /// Not what users handed in: it is for accounts that are not at hand here.
    pub without_handed_in: bool,
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
    /// It was found out that somebody has to mend an account: of what is tried
    /// anyway, each time.
    Trouble {
        /// Which.
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
            if self.account.is_some_and(|only| only != listed.head.account) {
                continue;
            }
            if self.is_elsewhere(&listed.head) && matches!(which, Which::Named(_)) {
                self.tell_unusable(listed.id, EntryError::Elsewhere);
                continue;
            }
            if !self.is_wanted(&listed.id, &listed.head, &listed.state, which, now) {
                continue;
            }
            let account = listed.head.account;
            let desk = desks.entry(account.clone()).or_insert_with(|| Desk {
                trouble: match which {
                    Which::Due => self.queue.rests(&account, now).map(|it| it.answer),
                    Which::All | Which::Named(_) => None,
                },
                rests: false,
                account,
                jobs: VecDeque::new(),
                workers: 0,
                most: usize::MAX,
                went: 0,
            });
            desk.rests = desk.trouble.is_some();
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
        has_work
            && !self.is_elsewhere(head)
            && match which {
                Which::Due => self.queue.is_due(head, state, now),
                Which::All => !state.held && !head.is_early(now),
                Which::Named(ids) => ids.contains(id),
            }
    }

    fn is_elsewhere(&self, head: &super::Head) -> bool {
        self.without_handed_in && head.owner.is_some()
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
