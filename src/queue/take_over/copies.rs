//! From a copy of what a user handed in to an entry of the queue.

use super::super::disk::Disk as _;
use super::super::names::{BAD, Kind, copy_name, kind};
use super::super::{Entry, EntryError, Happening, Id, Queue, TakeError};
use super::HandedIn;
use super::round::{Reason, Round};
use rustix::fs::{FileType, Stat};
use std::io;

impl Queue {
    /// Copies of what users handed in, whose take-over was not finished.
    pub fn copies(&self) -> io::Result<Vec<Id>> {
        let copy = |name: &String| match kind(name) {
            Kind::Copy(id) => Some(id),
            _ => None,
        };
        Ok(self.disk.names()?.iter().filter_map(copy).collect())
    }

    /// Who handed in what this is a copy of.
    fn owner_of_copy(&self, id: &Id) -> Result<u32, EntryError> {
        let file = match self.open(&copy_name(id)) {
            Ok(file) => file,
            Err(TakeError::Unusable(error)) => return Err(error),
            Err(TakeError::Gone | TakeError::Busy) => {
                return Err(io::Error::from(io::ErrorKind::NotFound).into());
            }
        };
        let owner = Entry::read(id.clone(), file)?.head.owner;
        owner.ok_or_else(|| EntryError::Corrupt("nobody has handed it in".to_owned()))
    }
}

impl Round<'_> {
    /// Finishes what a run has left that was stopped: copies, each of which may
    /// still have its original.
    pub(super) fn take_up(&mut self, told: &mut dyn FnMut(HandedIn)) -> io::Result<()> {
        let queue = self.intake.queue;
        let copies = queue.copies()?;
        if copies.is_empty() {
            return Ok(());
        }
        // They may have come no further than their names.
        queue.disk.sync_names()?;
        for id in copies {
            match self.take_original(&id) {
                Ok(owner) => self.copied.push((id, owner)),
                Err(Reason::Entry(reason @ EntryError::Corrupt(_))) => {
                    // If its original is there, that is copied anew.
                    queue.disk.rename(&copy_name(&id), &format!("{id}{BAD}"))?;
                    queue.disk.sync_names()?;
                    self.intake.record_of(
                        id.as_str(),
                        Happening::SetAside,
                        reason.to_string(),
                        self.now,
                    );
                    told(HandedIn::SetAside { id, reason });
                }
                Err(reason) => self.leave_copy(id, &reason),
            }
        }
        self.finish(told)
    }

    /// Takes the original of a copy away, and says who handed it in. It is the
    /// file of this name that is his, whatever became of its permissions and of
    /// what it says.
    fn take_original(&self, id: &Id) -> Result<u32, Reason> {
        let owner = self.intake.queue.owner_of_copy(id)?;
        match self.facts(id.as_str()) {
            Ok(facts) if facts.st_uid == owner && is_regular(&facts) => self.unlink(id.as_str())?,
            // Another has this name by now.
            Ok(_) | Err(Reason::Gone) => {}
            Err(reason) => return Err(reason),
        }
        Ok(owner)
    }

    fn leave_copy(&mut self, id: Id, reason: &Reason) {
        if let Ok(facts) = self.facts(id.as_str()) {
            self.leave(id.to_string(), &facts, reason);
        } else {
            let sentence = format!("the copy of {id} in the queue cannot be used: {reason}");
            self.failed = Some(io::Error::other(sentence));
        }
        self.unfinished.insert(id);
    }

    /// Makes entries of the copies whose originals were taken away.
    pub(super) fn finish(&mut self, told: &mut dyn FnMut(HandedIn)) -> io::Result<()> {
        if self.copied.is_empty() {
            return Ok(());
        }
        let disk = &*self.intake.queue.disk;
        // An original that came back would be sent once more.
        self.folder.sync_names()?;
        let mut entries = Vec::new();
        for (id, owner) in std::mem::take(&mut self.copied) {
            match disk.rename_to_new(&copy_name(&id), id.as_str()) {
                Ok(()) => entries.push((id, owner)),
                Err(error) => {
                    // An entry of this name will be gone some day.
                    if error.kind() != io::ErrorKind::AlreadyExists {
                        self.failed = Some(error);
                    }
                    self.unfinished.insert(id);
                }
            }
        }
        disk.sync_names()?;
        self.entries += entries.len();
        for (id, owner) in entries {
            self.intake.record(id.as_str(), Happening::Kept, owner, "", self.now);
            told(HandedIn::Taken { id, owner });
        }
        Ok(())
    }
}

fn is_regular(facts: &Stat) -> bool {
    FileType::from_raw_mode(facts.st_mode) == FileType::RegularFile
}
