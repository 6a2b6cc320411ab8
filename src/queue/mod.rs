//! What is left, kept in files, tried again later (RFC 5321 §4.5.4.1).
//!
//! | subject | file |
//! |---|---|
//! | the directory, and the few things that are asked of it | `disk.rs` |
//! | its files, by their names | `names.rs` |
//! | an entry: the envelope and the octets, which never change | `entry.rs` |
//! | what has come of it so far, which does | `state.rs` |
//! | an entry that somebody is at work on | `taken.rs` |
//! | when it is tried again, and when no more | `retry.rs` |
//! | accounts that do not work, and servers that cannot be reached | `trouble.rs` |
//! | whether there is room for another | `room.rs` |
//! | telling the sender | `bounce.rs` |
//! | what happened to each entry | `journal.rs` |
//! | trying what is due, over a few connections | `run.rs`, `run/board.rs` |
//! | the drop directory of a whole system, where users hand in | `handing_in.rs` |
//! | what they handed in becomes entries | `take_over.rs` |
//!
//! The files of a queue, `ID` being sixteen hexadecimal digits:
//!
//! | file | what it is |
//! |---|---|
//! | `ID` | an entry: one line of JSON, then the message. It never changes, and is there if and only if the entry is |
//! | `ID.state` | what has come of it, replaced as a whole; until the first try the entry says it itself |
//! | `ID.bad`, `ID.state.bad` | an entry that is damaged, set aside |
//! | `ID.copy` | a copy of what a user handed in, and no entry while that may still lie in the drop directory |
//! | `account.NAME` | why an account cannot be used, and until when it is not tried |
//! | `last-run` | when a runner was last here |
//! | `octets` | how much it holds: a number when all was counted, a line for each message since |
//! | `log`, `log.1` | what happened |
//! | `left-in-drop` | what of the drop directory cannot be taken over, and was told of |
//! | `WORD.tmp` | a file that is being written, or room for one |
//!
//! The entry's own file is its lock (flock(2)): whoever tries, holds or removes
//! it holds that.

mod bounce;
mod disk;
mod entry;
mod handing_in;
mod journal;
mod names;
mod retry;
mod room;
mod run;
mod state;
mod take_over;
mod taken;
mod trouble;

pub use bounce::{ReportError, Reporting, unreportable};
pub use disk::{Disk, Folder, FolderError, Room};
pub use entry::{Entry, EntryError, Head, Id, NotId};
pub use handing_in::{DropBox, HandInError, Unfit, check_drop, closed_to_users, names_in_drop};
pub use journal::{Happening, Line};
pub use retry::{LEAST_TRIES, Policy, Setback};
pub use run::{Accounts, Courier, Errand, Event, Runner, Unserved, Which};
pub use state::{Answer, Fate, Progress, State};
pub use take_over::{HandedIn, Intake, IntakeError, Left};
pub use taken::Taken;
pub use trouble::Trouble;

use crate::message::{self, Message};
use disk::{Draft, replace_at_ease};
use jiff::Timestamp;
use names::{BAD, Kind, kind, state_name};
use std::collections::HashSet;
use std::fs::{File, TryLockError};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// A queue: a directory, and how patient and how large it is.
pub struct Queue {
    disk: Box<dyn Disk>,
    path: PathBuf,
    /// When things are tried again.
    pub policy: Policy,
    /// How much it takes.
    pub limits: Limits,
}

/// How much a queue takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Octets of one message.
    pub max_message: u64,
    /// Octets of all files together.
    pub max_total: u64,
    /// How much of the file system stays free, in hundredths of it.
    pub keep_free: u8,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { max_message: 100_000_000, max_total: 1_000_000_000, keep_free: 5 }
    }
}

/// Why a message was not kept. Nothing of it is left behind.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// It is too large.
    #[error("the message has {size} octets, and the queue takes at most {limit}")]
    TooLarge {
        /// Its octets.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// The queue is full.
    #[error("the queue holds {held} octets already, and may hold {limit}")]
    Full {
        /// What it holds.
        held: u64,
        /// The limit.
        limit: u64,
    },
    /// The file system is nearly full.
    #[error("the file system of the queue would have less than {keep_free} % free")]
    NoRoom {
        /// How much has to stay free, in hundredths.
        keep_free: u8,
    },
    /// Nobody could read its envelope again.
    #[error("the envelope cannot be kept: {0}")]
    Envelope(EntryError),
    /// The message could not be read.
    #[error("the message could not be read: {0}")]
    Message(io::Error),
    /// What the operating system said.
    #[error("the queue in {} cannot be written: {reason}", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// What it said.
        reason: io::Error,
    },
}

/// Why an entry cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    /// It is not, or no more, there.
    #[error("it is not in the queue")]
    Gone,
    /// Somebody else has it.
    #[error("it is being tried right now")]
    Busy,
    /// It cannot be used.
    #[error(transparent)]
    Unusable(#[from] EntryError),
}

/// What is in a queue.
#[derive(Debug, Default)]
pub struct Listing {
    /// The entries, oldest first.
    pub entries: Vec<Listed>,
    /// Entries that cannot be used, by their file names, with the reason.
    pub unusable: Vec<(String, EntryError)>,
    /// Entries that were set aside.
    pub set_aside: Vec<Id>,
    /// Copies of what users handed in, whose take-over was not finished.
    pub copies: Vec<Id>,
    /// Files that are none of the queue's.
    pub foreign: Vec<String>,
}

impl Listing {
    fn add(&mut self, id: Id, found: Result<(Entry, State, bool), TakeError>) {
        match found {
            Ok((entry, state, _)) => self.entries.push(Listed { id, head: entry.head, state }),
            Err(TakeError::Gone | TakeError::Busy) => {}
            Err(TakeError::Unusable(error)) => self.unusable.push((id.to_string(), error)),
        }
    }

    fn sort(&mut self) {
        self.entries.sort_by(|a, b| (a.head.kept, &a.id).cmp(&(b.head.kept, &b.id)));
        self.unusable.sort_by(|a, b| a.0.cmp(&b.0));
        self.set_aside.sort();
        self.set_aside.dedup();
        self.foreign.sort();
    }
}

/// What an identifier, or the beginning of one, stands for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// What it is called.
    pub id: Id,
    /// It is damaged, and was set aside.
    pub is_set_aside: bool,
}

/// One entry, as it was found.
#[derive(Debug)]
pub struct Listed {
    /// What it is called.
    pub id: Id,
    /// All but the message.
    pub head: Head,
    /// What has come of it.
    pub state: State,
}

const LAST_RUN: &str = "last-run";
const BLOCK: usize = 128 * 1024;

impl Queue {
    /// A queue on a disk. `path` is its name in words.
    pub fn new(disk: impl Disk + 'static, path: &Path, policy: Policy, limits: Limits) -> Self {
        Queue { disk: Box::new(disk), path: path.to_owned(), policy, limits }
    }

    /// Its directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps a message. When this returns without an error, it is on the disk
    /// with its name, and will be found.
    pub fn keep(&self, id: &Id, head: &Head, message: &Message) -> Result<(), KeepError> {
        self.keep_as(id.as_str(), head, message, &self.limits)
    }

    /// The same within other limits, and under a name that may be none of an
    /// entry.
    fn keep_as(
        &self,
        name: &str,
        head: &Head,
        message: &Message,
        limits: &Limits,
    ) -> Result<(), KeepError> {
        let size = message.facts().size;
        self.has_room_for(size, limits)?;
        let head = Head { size, ..head.clone() };
        let line = head.to_line();
        head.is_read_from(&line).map_err(KeepError::Envelope)?;
        let failed = |reason| self.unwritten(reason);
        let mut draft = Draft::begin(&*self.disk).map_err(failed)?;
        draft.write(&line).map_err(failed)?;
        self.write_message(&mut draft, message)?;
        draft.sync().map_err(failed)?;
        draft.rename_to_new(name).map_err(failed)?;
        self.disk.sync_names().map_err(|reason| {
            // Whoever is told that it was not kept sends it again.
            let _ = self.disk.remove(name);
            let _ = self.disk.sync_names();
            self.unwritten(reason)
        })?;
        self.count_one(size);
        Ok(())
    }

    fn write_message(&self, draft: &mut Draft<'_>, message: &Message) -> Result<(), KeepError> {
        let size = message.facts().size;
        let unread = |error: message::Error| KeepError::Message(io::Error::other(error));
        let mut octets = message.open().map_err(unread)?;
        let mut block = vec![0; BLOCK.min(usize::try_from(size).unwrap_or(BLOCK)).max(1)];
        loop {
            match octets.read(&mut block).map_err(KeepError::Message)? {
                0 => return Ok(()),
                length => {
                    draft.write(&block[..length]).map_err(|reason| self.unwritten(reason))?;
                }
            }
        }
    }

    fn unwritten(&self, reason: io::Error) -> KeepError {
        KeepError::Io { path: self.path.clone(), reason }
    }

    /// Everything that is in the queue. Nobody is waited for, nothing changed.
    pub fn list(&self) -> io::Result<Listing> {
        let names: HashSet<String> = self.disk.names()?.into_iter().collect();
        let mut listing = Listing::default();
        for name in &names {
            match kind(name) {
                Kind::Entry(id) => {
                    let may_have_state = names.contains(&state_name(&id));
                    listing.add(id.clone(), self.look_at(&id, may_have_state));
                }
                Kind::SetAside(id) => listing.set_aside.push(id),
                Kind::Copy(id) => listing.copies.push(id),
                Kind::Foreign => listing.foreign.push(name.clone()),
                Kind::State(_) | Kind::Unfinished | Kind::Own => {}
            }
        }
        listing.sort();
        Ok(listing)
    }

    /// Those of these entries that are there. Other files are not looked at.
    pub fn list_of(&self, ids: &[Id]) -> Listing {
        let mut listing = Listing::default();
        for id in ids.iter().collect::<HashSet<_>>() {
            listing.add(id.clone(), self.look(id));
        }
        listing.sort();
        listing
    }

    /// The entries whose names begin so, and those that were set aside.
    pub fn named(&self, prefix: &str) -> io::Result<Vec<Named>> {
        let names = self.disk.names()?;
        let names = names.iter().filter(|name| name.starts_with(prefix));
        let mut found: Vec<Named> = names
            .filter_map(|name| match kind(name) {
                Kind::Entry(id) => Some(Named { id, is_set_aside: false }),
                Kind::SetAside(id) => Some(Named { id, is_set_aside: true }),
                Kind::State(_) | Kind::Copy(_) | Kind::Unfinished | Kind::Own | Kind::Foreign => {
                    None
                }
            })
            .collect();
        found.sort();
        // One that came back is an entry.
        found.dedup_by(|next, first| next.id == first.id);
        Ok(found)
    }

    /// Takes an entry, so that nobody else does.
    pub fn take(&self, id: &Id) -> Result<Taken<'_>, TakeError> {
        let (entry, ..) = self.look(id)?;
        match entry.file().try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(TakeError::Busy),
            Err(TryLockError::Error(error)) => return Err(EntryError::Io(error).into()),
        }
        // Whoever had it until now may have changed or removed it.
        let (_, state, has_state_file) = self.look(id)?;
        Ok(Taken { queue: self, entry, state, has_state_file, room: None })
    }

    /// An entry as it stands, whoever has it.
    pub fn peek(&self, id: &Id) -> Result<(Entry, State), TakeError> {
        self.look(id).map(|(entry, state, _)| (entry, state))
    }

    /// Reads an entry and its state. The third says whether it has a file.
    fn look(&self, id: &Id) -> Result<(Entry, State, bool), TakeError> {
        self.look_at(id, true)
    }

    /// The same; for a state a file is opened only where there may be one.
    fn look_at(&self, id: &Id, may_have_state: bool) -> Result<(Entry, State, bool), TakeError> {
        let entry = Entry::read(id.clone(), self.open(id.as_str())?)?;
        let mut octets = Vec::new();
        let file = if may_have_state { self.open(&state_name(id)) } else { Err(TakeError::Gone) };
        match file {
            Ok(file) => {
                file.take(LARGEST_STATE).read_to_end(&mut octets).map_err(EntryError::Io)?;
                let state = State::of_file(&octets, entry.head.envelope.to().len())?;
                Ok((entry, state, true))
            }
            Err(TakeError::Gone) => {
                // Somebody may have removed both since.
                if entry.file().metadata().map_err(EntryError::Io)?.nlink() == 0 {
                    return Err(TakeError::Gone);
                }
                let state = entry.head.state.clone();
                Ok((entry, state, false))
            }
            Err(error) => Err(error),
        }
    }

    /// Opens a file of ours.
    fn open(&self, name: &str) -> Result<File, TakeError> {
        let file = match self.disk.open(name) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(TakeError::Gone),
            Err(error) if error.raw_os_error() == Some(LOOP) => {
                return Err(EntryError::Foreign("it is a symbolic link").into());
            }
            Err(error) => return Err(EntryError::Io(error).into()),
        };
        let facts = file.metadata().map_err(EntryError::Io)?;
        let us = rustix::process::geteuid().as_raw();
        let foreign = if !facts.is_file() {
            "it is not a regular file"
        } else if facts.uid() != us {
            "it belongs to another user"
        } else if facts.nlink() > 1 {
            "it has another name, too (a hard link)"
        } else {
            return Ok(file);
        };
        Err(EntryError::Foreign(foreign).into())
    }

    /// Puts an entry that is damaged where nobody tries it.
    pub fn set_aside(&self, id: &Id) -> io::Result<()> {
        let state = state_name(id);
        self.disk.rename(id.as_str(), &format!("{id}{BAD}"))?;
        // Not after the state, or an entry that came back would have none.
        self.disk.sync_names()?;
        match self.disk.rename(&state, &format!("{state}{BAD}")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            renamed => renamed.and_then(|()| self.disk.sync_names()),
        }
    }

    /// Where an entry is that was set aside.
    pub fn path_aside(&self, id: &Id) -> PathBuf {
        self.path.join(format!("{id}{BAD}"))
    }

    /// Takes an entry that was set aside out of the queue for good.
    pub fn remove_set_aside(&self, id: &Id) -> io::Result<()> {
        for name in [format!("{id}{BAD}"), format!("{}{BAD}", state_name(id))] {
            match self.disk.remove(&name) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        self.disk.sync_names()
    }

    /// Whether an entry is to be tried now, as far as it says itself.
    pub fn is_due(&self, head: &Head, state: &State, now: Timestamp) -> bool {
        let has_come = |next| self.policy.is_due(next, now);
        !state.held && !head.is_early(now) && state.next_try.is_none_or(has_come)
    }

    /// Says that a runner is here.
    pub fn stamp(&self, now: Timestamp) -> io::Result<()> {
        replace_at_ease(&*self.disk, LAST_RUN, format!("{now}\n").as_bytes())
    }

    /// When a runner was last here.
    pub fn last_run(&self) -> Option<Timestamp> {
        let mut text = String::new();
        self.open(LAST_RUN).ok()?.take(64).read_to_string(&mut text).ok()?;
        text.trim().parse().ok()
    }

    /// Clears away what was never finished, and states whose entries are gone.
    pub fn tidy(&self) -> io::Result<()> {
        let mut orphans = Vec::new();
        for name in self.disk.names()? {
            match kind(&name) {
                Kind::Unfinished => self.clear_away(&name),
                Kind::State(id) if self.is_gone(&id) => orphans.push(name),
                Kind::State(_)
                | Kind::Entry(_)
                | Kind::SetAside(_)
                | Kind::Copy(_)
                | Kind::Own
                | Kind::Foreign => {}
            }
        }
        if !orphans.is_empty() {
            // Whoever removed the entry may not have come so far, and one that
            // came back would have forgotten who has the message.
            self.disk.sync_names()?;
        }
        for state in orphans {
            let _ = self.disk.remove(&state);
        }
        // What was removed since is counted no more.
        self.count().map(drop)
    }

    /// There is no such entry, nor one that was set aside and may be mended.
    fn is_gone(&self, id: &Id) -> bool {
        let is_absent = |name: &str| matches!(self.open(name), Err(TakeError::Gone));
        is_absent(id.as_str()) && is_absent(&format!("{id}{BAD}"))
    }

    /// Whoever writes a file locks it, and then looks whether it is still
    /// there: it is taken away under the same lock.
    fn clear_away(&self, name: &str) {
        let Ok(file) = self.open(name) else { return };
        if file.try_lock().is_ok() {
            let _ = self.disk.remove(name);
        }
    }
}

/// More than the state of 100,000 recipients takes.
const LARGEST_STATE: u64 = 256 * 1024 * 1024;
/// What opening a symbolic link gives.
const LOOP: i32 = rustix::io::Errno::LOOP.raw_os_error();
