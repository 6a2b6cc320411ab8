//! A queue in a directory of its own, and a disk under it that is watched.

use crate::harness::message;
use envoi::message::Message;
use envoi::queue::{Disk, Folder, Head, Id, Limits, Policy, Queue, Room, State};
use envoi::smtp::Envelope;
use jiff::Timestamp;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The limits of a queue on a machine that may be nearly full.
pub const ROOMY: Limits =
    Limits { max_message: 100_000_000, max_total: 1_000_000_000, keep_free: 0 };

/// A directory for a queue.
pub struct Spool(TempDir);

impl Spool {
    pub fn new() -> Self {
        Spool::at(TempDir::new().unwrap())
    }

    /// One in memory, where the system has such a place: for many files.
    pub fn in_memory() -> Self {
        Spool::at(TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap())
    }

    fn at(directory: TempDir) -> Self {
        let spool = Spool(directory);
        Folder::make(&spool.path()).unwrap();
        spool
    }

    pub fn path(&self) -> PathBuf {
        self.0.path().join("queue")
    }

    /// A queue in it, as users have it.
    pub fn real_queue(&self) -> Queue {
        let folder = Folder::open(&self.path()).unwrap();
        Queue::new(folder, &self.path(), Policy::default(), ROOMY)
    }

    /// A queue in it that spares the disk: nobody cuts the power.
    pub fn queue(&self) -> Queue {
        self.watched(|_| Ok(()))
    }

    /// The same, each step on the disk watched.
    pub fn watched(
        &self,
        watch: impl Fn(&Step<'_>) -> io::Result<()> + Send + Sync + 'static,
    ) -> Queue {
        queue_at(&self.path(), watch)
    }

    /// The names of the files in it, but for what tells of them and the time of the
    /// last run.
    pub fn names(&self) -> Vec<String> {
        names(&self.path())
    }
}

pub fn queue_at(
    path: &Path,
    watch: impl Fn(&Step<'_>) -> io::Result<()> + Send + Sync + 'static,
) -> Queue {
    let disk = Watched { folder: Folder::open(path).unwrap(), watch };
    Queue::new(disk, path, Policy::default(), ROOMY)
}

pub fn names(path: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
    names.retain(|name| !["log", "last-run", "octets", "left-in-drop"].contains(&name.as_str()));
    names.sort();
    names
}

/// One thing that is asked of a disk.
pub enum Step<'s> {
    Create,
    /// It was made.
    Created(&'s str, &'s File),
    Open,
    /// It was, or there was nothing to open.
    Opened,
    Write(&'s File, &'s [u8]),
    WriteOver(&'s File, &'s [u8]),
    Sync(&'s File),
    Rename(&'s str, &'s str),
    Remove(&'s str),
    SyncNames,
    Append,
    /// How long something is, what is there, how much room there is.
    Ask,
}

/// A directory that does what was asked if whoever watches lets it. Only the
/// syncs it never does.
pub struct Watched<W> {
    folder: Folder,
    watch: W,
}

impl<W: Fn(&Step<'_>) -> io::Result<()> + Send + Sync> Disk for Watched<W> {
    fn create(&self, name: &str) -> io::Result<File> {
        (self.watch)(&Step::Create)?;
        let file = self.folder.create(name)?;
        (self.watch)(&Step::Created(name, &file))?;
        Ok(file)
    }

    fn open(&self, name: &str) -> io::Result<File> {
        (self.watch)(&Step::Open)?;
        let opened = self.folder.open(name);
        (self.watch)(&Step::Opened)?;
        opened
    }

    fn write(&self, file: &mut File, octets: &[u8]) -> io::Result<()> {
        if let Err(error) = (self.watch)(&Step::Write(file, octets)) {
            file.write_all(&octets[..octets.len() / 2])?;
            return Err(error);
        }
        self.folder.write(file, octets)
    }

    fn write_over(&self, file: &mut File, octets: &[u8]) -> io::Result<()> {
        (self.watch)(&Step::WriteOver(file, octets))?;
        self.folder.write_over(file, octets)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        (self.watch)(&Step::Sync(file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        (self.watch)(&Step::Rename(from, to))?;
        self.folder.rename(from, to)
    }

    fn rename_to_new(&self, from: &str, to: &str) -> io::Result<()> {
        (self.watch)(&Step::Rename(from, to))?;
        self.folder.rename_to_new(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        (self.watch)(&Step::Remove(name))?;
        self.folder.remove(name)
    }

    fn sync_names(&self) -> io::Result<()> {
        (self.watch)(&Step::SyncNames)
    }

    fn append(&self, name: &str, octets: &[u8]) -> io::Result<()> {
        (self.watch)(&Step::Append)?;
        self.folder.append(name, octets)
    }

    fn length(&self, name: &str) -> io::Result<u64> {
        (self.watch)(&Step::Ask)?;
        self.folder.length(name)
    }

    fn names(&self) -> io::Result<Vec<String>> {
        (self.watch)(&Step::Ask)?;
        self.folder.names()
    }

    fn room(&self) -> io::Result<Room> {
        (self.watch)(&Step::Ask)?;
        self.folder.room()
    }
}

/// A moment so many seconds after one that is as good as any.
pub fn moment(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// A message that this word tells from others.
pub fn letter(word: &str) -> Message {
    message(&format!("From: a@client.example\r\nSubject: {word}\r\n\r\nHello.\r\n.\r\n"))
}

pub fn octets(message: &Message) -> String {
    let mut octets = String::new();
    message.open().unwrap().read_to_string(&mut octets).unwrap();
    octets
}

/// What is kept for these recipients of the account `work`.
pub fn head(to: &[&str]) -> Head {
    let to = to.iter().map(|path| path.parse().unwrap());
    let envelope = Envelope::new("a@client.example".parse().unwrap(), to);
    Head {
        account: "work".to_owned(),
        kept: moment(0),
        not_before: None,
        state: State::untried(envelope.to().len()),
        envelope,
        size: 0,
        message_id: None,
        owner: None,
        is_report: false,
        stays_here: false,
    }
}

/// Keeps the message with this word for these recipients.
pub fn keep(queue: &Queue, word: &str, to: &[&str]) -> Id {
    let id = Id::new().unwrap();
    queue.keep(&id, &head(to), &letter(word)).unwrap();
    id
}
