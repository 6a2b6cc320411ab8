//! One pass over the drop directory: what each file is, and what becomes of it.

use super::super::disk::{Folder, UNFINISHED};
use super::super::handing_in::{self, LONGEST_LINE, Unfit};
use super::super::names::{copy_name, state_name};
use super::super::{Entry, EntryError, Head, Id, KeepError, State, TakeError};
use super::{Intake, Left};
use crate::message::{self, Message};
use jiff::Timestamp;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use rustix::path::Arg;
use std::collections::{HashMap, HashSet};
use std::ffi::CStr;
use std::fs::File;
use std::io;

/// One pass over the drop directory.
pub(super) struct Round<'r> {
    pub(super) intake: &'r Intake<'r>,
    pub(super) folder: &'r Folder,
    pub(super) now: Timestamp,
    /// Octets in the queue of each user who handed something in.
    shares: Option<HashMap<u32, u64>>,
    /// How many files of each user were copied.
    taken: HashMap<u32, usize>,
    /// Copies whose originals were taken away, and who handed them in.
    pub(super) copied: Vec<(Id, u32)>,
    /// Copies that could not become entries.
    pub(super) unfinished: HashSet<Id>,
    /// How many became entries.
    pub(super) entries: usize,
    /// What stays.
    pub(super) left: Vec<Left>,
    /// What stood in the way of one, and not of the others.
    pub(super) failed: Option<io::Error>,
}

/// Why a file stays.
#[derive(Debug, thiserror::Error)]
pub(super) enum Reason {
    /// It is no more there, or will be there in another form: nothing to tell.
    #[error("it is gone")]
    Gone,
    #[error("{0}")]
    Foreign(String),
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Entry(#[from] EntryError),
    #[error("{0}")]
    Unfit(#[from] Unfit),
    #[error("mail of users cannot go through the account ‘{0}’: it is none of the system's")]
    Account(String),
    #[error("{0}")]
    Message(#[from] message::Error),
    #[error("{0}")]
    Keep(#[from] KeepError),
    #[error(
        "the messages of this user in the queue have {held} octets already, and may have {limit}"
    )]
    Share { held: u64, limit: u64 },
    #[error("another message in the queue has this name")]
    NameTaken,
    #[error("it cannot be taken out of the drop directory: {0}")]
    Stuck(io::Error),
}

/// A file that nobody finished is cleared away when it is so old, in seconds.
const A_DAY: i64 = 86_400;
/// However small a message is, it counts as so many octets of its user's share.
const LEAST: u64 = 4096;
/// After so many files of one user that stay, the rest is not looked at.
const MOST_LEFT: usize = 100;
/// So many messages of one user are taken over at once.
const MOST_AT_ONCE: usize = 1000;

impl<'r> Round<'r> {
    pub(super) fn of(intake: &'r Intake<'r>, folder: &'r Folder, now: Timestamp) -> Self {
        Round {
            intake,
            folder,
            now,
            shares: None,
            taken: HashMap::new(),
            copied: Vec::new(),
            unfinished: HashSet::new(),
            entries: 0,
            left: Vec::new(),
            failed: None,
        }
    }

    /// Looks at every file, and copies the messages.
    pub(super) fn look(&mut self) -> io::Result<()> {
        for entry in Dir::read_from(self.folder.descriptor())? {
            let entry = entry?;
            let name = entry.file_name();
            if self.intake.interrupt.signal().is_some() {
                break;
            }
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            // Who has much to hand in does not keep the others waiting.
            let Ok(facts) = self.facts(name) else { continue };
            let owner = facts.st_uid;
            let left = self.left.iter().filter(|file| file.owner == owner).count();
            let taken = self.taken.get(&owner).copied().unwrap_or(0);
            if left >= MOST_LEFT || taken >= MOST_AT_ONCE {
                continue;
            }
            match self.file(name) {
                Ok(Some((id, owner))) => {
                    *self.taken.entry(owner).or_default() += 1;
                    self.copied.push((id, owner));
                }
                Ok(None) | Err(Reason::Gone) => {}
                Err(reason) => self.leave(name.to_string_lossy().into_owned(), &facts, &reason),
            }
        }
        Ok(())
    }

    pub(super) fn leave(&mut self, name: String, facts: &Stat, reason: &Reason) {
        let (owner, inode) = (facts.st_uid, facts.st_ino);
        self.left.push(Left { name, owner, reason: reason.to_string(), inode });
    }

    /// Copies one file, if it is a message, and takes it away. `None` if it is
    /// being written, or was cleared away.
    fn file(&mut self, name: &CStr) -> Result<Option<(Id, u32)>, Reason> {
        let text = name.to_str().unwrap_or_default();
        if let Ok(id) = text.parse::<Id>() {
            let owner = self.take(name, &id)?;
            return Ok(Some((id, owner)));
        }
        if text.ends_with(UNFINISHED) {
            return self.clear(name).map(|()| None);
        }
        Err(Reason::Foreign("nothing that envoi hands in has such a name".to_owned()))
    }

    /// Opens a regular file of its owner's alone. Opening waits for nobody: not
    /// for the writer of a pipe, and not for who has a lease on the file.
    fn open(&self, name: &CStr) -> Result<(File, Stat), Reason> {
        let facts = self.facts(name)?;
        self.check(&facts)?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let flags = flags | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = rustix::fs::openat(self.folder.descriptor(), name, flags, Mode::empty());
        let file = file.map_err(of_errno)?;
        // It may be another one by now.
        let facts = rustix::fs::fstat(&file).map_err(of_errno)?;
        self.check(&facts)?;
        Ok((File::from(file), facts))
    }

    pub(super) fn facts(&self, name: impl Arg) -> Result<Stat, Reason> {
        rustix::fs::statat(self.folder.descriptor(), name, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(of_errno)
    }

    fn check(&self, facts: &Stat) -> Result<(), Reason> {
        let foreign = |what: String| Err(Reason::Foreign(what));
        let kind = match FileType::from_raw_mode(facts.st_mode) {
            FileType::RegularFile => None,
            FileType::Symlink => Some("it is a symbolic link"),
            FileType::Directory => Some("it is a directory"),
            FileType::Fifo => Some("it is a named pipe"),
            FileType::Socket => Some("it is a socket"),
            FileType::CharacterDevice | FileType::BlockDevice => Some("it is a device"),
            FileType::Unknown => Some("it is no regular file"),
        };
        if let Some(kind) = kind {
            return foreign(kind.to_owned());
        }
        if facts.st_nlink != 1 {
            return foreign("it has another name, too (a hard link)".to_owned());
        }
        // Whoever else may write to it would hand in as its owner.
        let mode = facts.st_mode & 0o7777;
        if mode & 0o077 != 0 {
            return foreign(format!("it is not its owner's alone (mode {mode:04o})"));
        }
        let limit = self.intake.limits.max_message;
        let size = u64::try_from(facts.st_size).unwrap_or(u64::MAX);
        if size > limit.saturating_add(LONGEST_LINE as u64) {
            return Err(KeepError::TooLarge { size, limit }.into());
        }
        Ok(())
    }

    fn take(&mut self, name: &CStr, id: &Id) -> Result<u32, Reason> {
        if self.unfinished.contains(id) {
            // It was told already what stands in the way.
            return Err(Reason::Gone);
        }
        let (file, facts) = self.open(name)?;
        let owner = facts.st_uid;
        let dropped = Entry::read_up_to(id.clone(), file, LONGEST_LINE)?;
        handing_in::check(&dropped.head, self.now)?;
        let account = &dropped.head.account;
        if !(self.intake.is_for_all)(account) {
            return Err(Reason::Account(account.clone()));
        }
        if !matches!(self.intake.queue.peek(id), Err(TakeError::Gone)) {
            return Err(Reason::NameTaken);
        }
        self.copy(id, owner, &dropped)?;
        self.remove(name, &facts)?;
        Ok(owner)
    }

    fn message(&self, dropped: &Entry) -> Result<Message, message::Error> {
        let path = self.intake.drop.join(dropped.id.as_str());
        dropped.message(&path, self.intake.repairs)
    }

    /// Keeps a copy.
    fn copy(&mut self, id: &Id, owner: u32, dropped: &Entry) -> Result<(), Reason> {
        let queue = self.intake.queue;
        let limits = &self.intake.limits;
        let limit = limits.max_total / 2;
        let (held, size) = (self.share(owner)?, dropped.head.size.max(LEAST));
        if held.saturating_add(size) > limit {
            return Err(Reason::Share { held, limit });
        }
        let message = self.message(dropped)?;
        // What another message of this name has left would be about this one.
        match queue.disk.remove(&state_name(id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            Ok(()) | Err(_) => {}
        }
        let said = self.fresh(&dropped.head, owner, &message);
        queue.keep_as(&copy_name(id), &said, &message, limits)?;
        self.shares.get_or_insert_default().insert(owner, held + size);
        Ok(())
    }

    /// What an entry says of itself, of which we say what only we know.
    fn fresh(&self, dropped: &Head, owner: u32, message: &Message) -> Head {
        let policy = &self.intake.queue.policy;
        let is_soon = |next: &Timestamp| !policy.is_due(*next, self.now);
        Head {
            account: dropped.account.clone(),
            kept: self.now,
            not_before: dropped.not_before,
            envelope: dropped.envelope.clone(),
            state: State {
                // Whoever handed it in may have tried it, and a server may want
                // to be left alone.
                next_try: dropped.state.next_try.filter(is_soon),
                ..State::untried(dropped.envelope.to().len())
            },
            size: 0,
            message_id: message.facts().message_id.clone(),
            owner: Some(owner),
            is_report: false,
            stays_here: dropped.stays_here,
        }
    }

    /// Octets in the queue that this user handed in.
    fn share(&mut self, owner: u32) -> io::Result<u64> {
        if self.shares.is_none() {
            let mut shares: HashMap<u32, u64> = HashMap::new();
            for listed in self.intake.queue.list()?.entries {
                let Some(owner) = listed.head.owner else { continue };
                *shares.entry(owner).or_default() += listed.head.size.max(LEAST);
            }
            self.shares = Some(shares);
        }
        Ok(self.shares.as_ref().and_then(|shares| shares.get(&owner)).copied().unwrap_or(0))
    }

    /// Takes the file away that was read, and no other that has its name by
    /// now.
    fn remove(&self, name: &CStr, read: &Stat) -> Result<(), Reason> {
        match self.facts(name) {
            Ok(facts) if (facts.st_dev, facts.st_ino) == (read.st_dev, read.st_ino) => {}
            // Its owner has taken it away, or put another in its place.
            Ok(_) | Err(Reason::Gone) => return Ok(()),
            Err(reason) => return Err(reason),
        }
        self.unlink(name)
    }

    pub(super) fn unlink(&self, name: impl Arg) -> Result<(), Reason> {
        match rustix::fs::unlinkat(self.folder.descriptor(), name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(Reason::Stuck(errno.into())),
        }
    }

    /// Clears away what nobody finished. Its owner cannot set the time that is
    /// looked at.
    fn clear(&self, name: &CStr) -> Result<(), Reason> {
        let facts = self.facts(name)?;
        if self.now.as_second().saturating_sub(facts.st_ctime) <= A_DAY {
            return Ok(());
        }
        let (file, facts) = self.open(name)?;
        match file.try_lock() {
            Ok(()) => self.remove(name, &facts),
            Err(_) => Ok(()),
        }
    }
}

fn of_errno(errno: Errno) -> Reason {
    match errno {
        Errno::NOENT => Reason::Gone,
        Errno::LOOP => Reason::Foreign("it is a symbolic link".to_owned()),
        Errno::WOULDBLOCK => Reason::Foreign("a program keeps others from opening it".to_owned()),
        errno => Reason::Io(errno.into()),
    }
}
