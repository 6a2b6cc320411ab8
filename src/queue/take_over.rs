//! What users handed in becomes entries of the queue. Nothing of it is trusted:
//! not the name, not the kind of file, not a word of what it says, and not that
//! it stays as it is. What is taken over is a copy.
//!
//! The order keeps a message from being lost, or sent twice: the copy is on the
//! disk before its original is taken away; when that is on the disk, too, the copy
//! becomes an entry. Before, nobody sends it, and nobody removes it. A run that is
//! stopped in between leaves copies, which the next one takes up whatever else lies
//! in the drop directory. One run at a time takes over, and the others wait for it.

mod copies;
mod round;

use super::disk::{Folder, FolderError, replace};
use super::handing_in;
use super::{EntryError, Happening, Id, Limits, Line, Queue};
use crate::message::Repairs;
use crate::net::Interrupt;
use jiff::Timestamp;
use round::Round;
use rustix::event::{Timespec, poll};
use serde::{Deserialize, Serialize};
use std::fs::{File, TryLockError};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Who takes over what users handed in.
pub struct Intake<'i> {
    /// The queue that it gets into.
    pub queue: &'i Queue,
    /// The drop directory.
    pub drop: &'i Path,
    /// Whether mail of users may go through this account.
    pub is_for_all: &'i dyn Fn(&str) -> bool,
    /// What may be changed in a message for its way.
    pub repairs: Repairs,
    /// What users were told how much they may hand in.
    pub limits: Limits,
    /// The user's wish to stop.
    pub interrupt: &'i Interrupt,
}

/// What became of a file in the drop directory.
#[derive(Debug)]
pub enum HandedIn {
    /// It is an entry of the queue now.
    Taken {
        /// Which.
        id: Id,
        /// The number of the user.
        owner: u32,
    },
    /// It stays where it is. This is told once.
    Left(Left),
    /// Its copy in the queue is damaged, and was set aside.
    SetAside {
        /// What it is called.
        id: Id,
        /// Why.
        reason: EntryError,
    },
}

/// A file that stays in the drop directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// What it is called, as far as that is text.
    pub name: String,
    /// The number of its owner.
    pub owner: u32,
    /// Why it stays.
    pub reason: String,
    /// Which file of this name.
    inode: u64,
}

/// Why nothing is taken over.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The drop directory is not safe, or cannot be opened.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// What the operating system said.
    #[error("cannot take over what lies in {}: {reason}", path.display())]
    Io {
        /// The drop directory.
        path: PathBuf,
        /// What it said.
        reason: io::Error,
    },
    /// Another run has been taking over for too long.
    #[error("another run is still taking over what lies in {}", .0.display())]
    Busy(PathBuf),
}

/// How long another run is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(20);
const LEFT: &str = "left-in-drop";

pub(super) fn is_ours(name: &str) -> bool {
    name == LEFT
}

impl Queue {
    /// What stays in the drop directory, as the last run found it.
    pub fn left_in_drop(&self) -> Vec<Left> {
        let read = || -> Option<Vec<Left>> {
            let mut octets = Vec::new();
            self.open(LEFT).ok()?.take(LARGEST_LEFT).read_to_end(&mut octets).ok()?;
            serde_json::from_slice(&octets).ok()
        };
        read().unwrap_or_default()
    }
}

const LARGEST_LEFT: u64 = 64 * 1024 * 1024;

impl Left {
    /// Whether this is the same file, whatever its reason is by now.
    fn is(&self, other: &Left) -> bool {
        (&self.name, self.inode) == (&other.name, other.inode)
    }
}

impl Intake<'_> {
    /// Takes over what is there, and says that it was here. `told` hears of
    /// each file that is new in the queue, or is found to stay. Gives the number
    /// of the new ones.
    pub fn run(
        &self,
        now: Timestamp,
        told: &mut dyn FnMut(HandedIn),
    ) -> Result<usize, IntakeError> {
        let folder = handing_in::trusted(self.drop)?;
        let failed = |reason| IntakeError::Io { path: self.drop.to_owned(), reason };
        let _lock = self.lock(&folder)?;
        handing_in::stamp(self.drop, now).map_err(failed)?;
        let mut round = Round::of(self, &folder, now);
        round.take_up(told).map_err(failed)?;
        let looked = round.look();
        let finished = round.finish(told);
        let Round { entries, left, failed: of_one, .. } = round;
        let looked = looked.and_then(|()| self.tell_left(left, now, told));
        looked.and(finished).and(of_one.map_or(Ok(()), Err)).map_err(failed)?;
        Ok(entries)
    }

    /// Tells of what stays, if it is new, and remembers it.
    fn tell_left(
        &self,
        left: Vec<Left>,
        now: Timestamp,
        told: &mut dyn FnMut(HandedIn),
    ) -> io::Result<()> {
        let known = self.queue.left_in_drop();
        if left == known {
            return Ok(());
        }
        let octets = serde_json::to_vec(&left).map_err(io::Error::other)?;
        replace(&*self.queue.disk, LEFT, &octets)?;
        let is_known = |file: &Left| known.iter().any(|it| it.is(file));
        for file in left.into_iter().filter(|file| !is_known(file)) {
            self.record(&file.name, Happening::LeftInDrop, file.owner, &file.reason, now);
            told(HandedIn::Left(file));
        }
        Ok(())
    }

    /// Nobody but root can open the drop directory for this.
    fn lock(&self, folder: &Folder) -> Result<File, IntakeError> {
        let failed = |reason| IntakeError::Io { path: self.drop.to_owned(), reason };
        let file = File::from(folder.descriptor().try_clone_to_owned().map_err(failed)?);
        let mut waited = Duration::ZERO;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
                Err(TryLockError::WouldBlock) => {}
            }
            if waited >= PATIENCE || self.interrupt.signal().is_some() {
                return Err(IntakeError::Busy(self.drop.to_owned()));
            }
            let _ = poll(&mut [], Timespec::try_from(PAUSE).ok().as_ref());
            waited += PAUSE;
        }
    }

    fn record(&self, id: &str, what: Happening, owner: u32, text: &str, now: Timestamp) {
        let separator = if text.is_empty() { "" } else { ": " };
        let text = format!("handed in by the user with the number {owner}{separator}{text}");
        self.record_of(id, what, text, now);
    }

    fn record_of(&self, id: &str, what: Happening, text: String, now: Timestamp) {
        self.queue.record(&Line { at: now, id: id.to_owned(), what, to: Vec::new(), text });
    }
}

#[cfg(test)]
mod tests;
