//! A directory with messages that wait, and a disk that knows what was opened.

use envoi::message::{Draft, Message, addresses};
use envoi::queue::{Disk, Folder, Head, Id, Limits, Policy, Queue, Room, State};
use envoi::smtp::Envelope;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// Below `target/`, since what is below `/tmp` may be in memory.
pub(crate) fn directory() -> TempDir {
    TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// Writes a configuration that names this server and a queue; gives the directory
/// of the queue.
pub(crate) fn configured(home: &Path, server: &str) -> PathBuf {
    let text = format!(
        "[accounts.main]\nserver = \"{server}\"\nfrom = \"alice@example.org\"\n\
         tls-ca = \"{home}/ca.pem\"\npassword.file = \"{home}/password\"\n\n\
         [queue]\ndirectory = \"{home}/queue\"\nkeep-free = \"0%\"\n\
         max-message = \"2GB\"\nmax-total = \"2GB\"\n",
        home = home.display()
    );
    fs::write(home.join("config.toml"), text).unwrap();
    home.join("queue")
}

pub(crate) fn queue(disk: impl Disk + 'static, path: &Path) -> Queue {
    let limits = Limits { keep_free: 0, ..Limits::default() };
    Queue::new(disk, path, Policy::default(), limits)
}

/// A message of 1 KiB.
pub(crate) fn message() -> Message {
    let moment = "2026-11-23T04:03:37+00:00[UTC]".parse().unwrap();
    let mut draft = Draft::new(moment, "<small@example.org>".to_owned());
    draft.from = addresses("alice@example.org").unwrap();
    draft.to = addresses("bob@example.org").unwrap();
    let line = "Nobody reads this line, and there are more of the same.\n";
    draft.text = Some(line.repeat(15).into_bytes());
    draft.into_message().unwrap().message
}

pub(crate) fn head() -> Head {
    let to = ["bob@example.org".parse().unwrap()];
    Head {
        account: "main".to_owned(),
        kept: Timestamp::UNIX_EPOCH,
        not_before: None,
        envelope: Envelope::new("alice@example.org".parse().unwrap(), to),
        state: State::untried(1),
        size: 0,
        message_id: Some("<small@example.org>".to_owned()),
        owner: None,
        is_report: false,
        stays_here: false,
    }
}

/// Fills a queue with so many messages, every second of which was tried.
pub(crate) fn fill(path: &Path, messages: usize) {
    let queue = queue(Opened::folder(path).0, path);
    let (head, message) = (head(), message());
    for number in 0..messages {
        let id = Id::new().unwrap();
        queue.keep(&id, &head, &message).unwrap();
        if number % 2 == 1 {
            queue.take(&id).unwrap().write().unwrap();
        }
    }
}

/// How often each file was opened.
pub(crate) type Counts = Arc<Mutex<BTreeMap<String, usize>>>;

/// A directory that waits for no disk, and counts.
pub(crate) struct Opened {
    folder: Folder,
    counts: Counts,
}

impl Opened {
    pub(crate) fn folder(path: &Path) -> (Self, Counts) {
        let counts = Counts::default();
        (Opened { folder: Folder::make(path).unwrap(), counts: Arc::clone(&counts) }, counts)
    }
}

impl Disk for Opened {
    fn create(&self, name: &str) -> io::Result<File> {
        self.folder.create(name)
    }
    fn open(&self, name: &str) -> io::Result<File> {
        *self.counts.lock().unwrap().entry(name.to_owned()).or_default() += 1;
        self.folder.open(name)
    }
    fn write(&self, file: &mut File, octets: &[u8]) -> io::Result<()> {
        self.folder.write(file, octets)
    }
    fn write_over(&self, file: &mut File, octets: &[u8]) -> io::Result<()> {
        self.folder.write_over(file, octets)
    }
    fn sync(&self, _: &File) -> io::Result<()> {
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
        Ok(())
    }
    fn append(&self, name: &str, octets: &[u8]) -> io::Result<()> {
        self.folder.append(name, octets)
    }
    fn length(&self, name: &str) -> io::Result<u64> {
        self.folder.length(name)
    }
    fn names(&self) -> io::Result<Vec<String>> {
        self.folder.names()
    }
    fn room(&self) -> io::Result<Room> {
        self.folder.room()
    }
}
