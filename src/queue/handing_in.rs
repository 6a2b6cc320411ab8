//! The drop directory of a whole system: users put messages in, and only root
//! sees what lies there. Nobody needs rights of somebody else for that (checklist
//! SEC-11): it is sticky and open for writing alone (mode 1733), and whose a file
//! is says who handed it in.

use super::disk::{Disk, Draft, Folder, FolderError, Room};
use super::{Head, Id, KeepError, Limits, Policy, Queue};
use crate::message::Message;
use jiff::Timestamp;
use rustix::fs::{AtFlags, Mode, OFlags};
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The drop directory, for who hands in.
pub struct DropBox {
    /// Its files are entries; those of others cannot be seen.
    queue: Queue,
    path: PathBuf,
}

/// Why a message was not handed in. Nothing of it is left behind.
#[derive(Debug, thiserror::Error)]
pub enum HandInError {
    /// Whoever takes it over would refuse it.
    #[error("{0}")]
    Unfit(#[from] Unfit),
    /// It could not be written.
    #[error("{0}")]
    Keep(#[from] KeepError),
}

/// What root takes from nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Too many recipients.
    #[error("the message is for {0} recipients, and at most {MOST_RECIPIENTS} can be handed in")]
    Recipients(usize),
    /// Too much about them.
    #[error("what is to be known about the recipients takes more than {LONGEST_LINE} octets")]
    Line,
    /// A moment that is too far away.
    #[error("the message is to be sent in more than a year")]
    TooFarAhead,
}

/// The most recipients of one message.
const MOST_RECIPIENTS: usize = 10_000;
/// The most octets of everything that is not the message.
pub(super) const LONGEST_LINE: usize = 4 * 1024 * 1024;
/// The longest that a message may ask to wait, in seconds.
const LONGEST_WAIT: i64 = 366 * 86_400;

/// The same for both sides, so that nobody is told 0 for what is refused later.
pub(super) fn check(head: &Head, now: Timestamp) -> Result<(), Unfit> {
    let recipients = head.envelope.to().len();
    if recipients > MOST_RECIPIENTS {
        return Err(Unfit::Recipients(recipients));
    }
    let ahead = |moment: Timestamp| moment.as_second().saturating_sub(now.as_second());
    if head.not_before.is_some_and(|moment| ahead(moment) > LONGEST_WAIT) {
        return Err(Unfit::TooFarAhead);
    }
    Ok(())
}

impl DropBox {
    /// Opens the drop directory at this path.
    pub fn open(path: &Path, limits: Limits) -> Result<Self, FolderError> {
        let slot = Slot { folder: trusted(path)?, last: Mutex::default() };
        let queue = Queue::new(slot, path, Policy::default(), limits);
        Ok(DropBox { queue, path: path.to_owned() })
    }

    /// Hands a message in. When this returns without an error, it is on the
    /// disk with its name, and root will find it.
    pub fn hand_in(&self, id: &Id, head: &Head, message: &Message) -> Result<(), HandInError> {
        check(head, head.kept)?;
        if head.to_line().len() > LONGEST_LINE {
            return Err(Unfit::Line.into());
        }
        Ok(self.queue.keep(id, head, message)?)
    }

    /// When somebody last took over what was handed in.
    pub fn last_run(&self) -> Option<Timestamp> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let path = self.path.parent()?.join(LAST_RUN);
        let file = File::from(rustix::fs::open(path, flags, Mode::empty()).ok()?);
        let facts = file.metadata().ok()?;
        if !facts.is_file() || !is_trusted(facts.uid()) {
            return None;
        }
        let mut text = String::new();
        file.take(64).read_to_string(&mut text).ok()?;
        text.trim().parse().ok()
    }
}

/// Beside the drop directory, for all to read.
const LAST_RUN: &str = "last-run";

/// Says beside the drop directory that somebody takes over what is handed in.
pub(super) fn stamp(drop: &Path, now: Timestamp) -> io::Result<()> {
    let beside = Folder::any(drop.parent().unwrap_or(drop)).map_err(io::Error::other)?;
    let mut draft = Draft::begin(&beside)?;
    draft.open_to_all()?;
    draft.write(format!("{now}\n").as_bytes())?;
    draft.rename(LAST_RUN)
}

/// The drop directory, if it is safe to hand something in there: root's, and
/// such that nobody sees, or takes away, what another has put in.
pub(super) fn trusted(path: &Path) -> Result<Folder, FolderError> {
    let folder = Folder::any(path)?;
    let failed =
        |errno: rustix::io::Errno| FolderError::Io { path: path.to_owned(), reason: errno.into() };
    let facts = rustix::fs::statat(folder.descriptor(), "", AtFlags::EMPTY_PATH).map_err(failed)?;
    if !is_trusted(facts.st_uid) {
        return Err(FolderError::Foreign { path: path.to_owned(), owner: facts.st_uid });
    }
    let above = rustix::fs::statat(folder.descriptor(), "..", AtFlags::empty()).map_err(failed)?;
    if !is_trusted(above.st_uid) {
        let path = path.parent().unwrap_or(path).to_owned();
        return Err(FolderError::Foreign { path, owner: above.st_uid });
    }
    let mode = facts.st_mode & 0o7777;
    if mode & 0o022 != 0 && mode & 0o1000 == 0 {
        return Err(FolderError::LooseParent { path: path.to_owned(), mode });
    }
    if mode & 0o044 != 0 {
        return Err(FolderError::Open { path: path.to_owned(), mode });
    }
    folder.trust_parent()?;
    Ok(folder)
}

/// Fails where nothing is handed in, and nothing taken over.
pub fn check_drop(path: &Path) -> Result<(), FolderError> {
    trusted(path).map(drop)
}

/// The names of what lies in the drop directory, for root, who sees them.
pub fn names_in_drop(path: &Path) -> io::Result<Vec<String>> {
    Folder::any(path).map_err(io::Error::other)?.names()
}

/// The permissions of the drop directory, where they keep everybody but root
/// from handing in.
pub fn closed_to_users(path: &Path) -> Option<u32> {
    let mode = rustix::fs::stat(path).ok()?.st_mode & 0o7777;
    let may_put = |class: u32| mode & (class * 3) == class * 3;
    (!may_put(0o010) && !may_put(0o001)).then_some(mode)
}

fn is_trusted(owner: u32) -> bool {
    owner == 0 || owner == rustix::process::geteuid().as_raw()
}

/// A directory of which only the way in is open.
struct Slot {
    folder: Folder,
    /// What was written last: who may not read a directory cannot have it
    /// written to the disk, but for the whole file system that a file is on.
    last: Mutex<Option<File>>,
}

impl Disk for Slot {
    fn create(&self, name: &str) -> io::Result<File> {
        self.folder.create(name)
    }

    fn open(&self, name: &str) -> io::Result<File> {
        self.folder.open(name)
    }

    fn write(&self, file: &mut File, octets: &[u8]) -> io::Result<()> {
        self.folder.write(file, octets)
    }

    fn write_over(&self, file: &mut File, octets: &[u8]) -> io::Result<()> {
        self.folder.write_over(file, octets)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        self.folder.sync(file)?;
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(file.try_clone()?);
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.folder.rename(from, to)
    }

    fn rename_to_new(&self, from: &str, to: &str) -> io::Result<()> {
        self.folder.rename_to_new(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.folder.remove(name)
    }

    fn sync_names(&self) -> io::Result<()> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).take();
        last.map_or(Ok(()), |file| Ok(rustix::fs::syncfs(&file)?))
    }

    fn append(&self, name: &str, octets: &[u8]) -> io::Result<()> {
        self.folder.append(name, octets)
    }

    fn length(&self, name: &str) -> io::Result<u64> {
        self.folder.length(name)
    }

    /// None that we may see.
    fn names(&self) -> io::Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn room(&self) -> io::Result<Room> {
        self.folder.room()
    }
}
