//! What was done to a disk, and in which states a crash may leave it.

use crate::office::Office;
use crate::spool::{Spool, Step, head, letter, octets};
use envoi::delivery::Outcome;
use envoi::queue::{Id, Queue};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::sync::{Arc, Mutex, PoisonError};

/// What happened. Files are told apart by numbers.
#[derive(Clone, Debug)]
pub enum Deed {
    Create(String, usize),
    Write(usize, Vec<u8>),
    WriteOver(usize, Vec<u8>),
    Sync(usize),
    Rename(String, String),
    Remove(String),
    SyncNames,
    /// It was promised that this entry is kept.
    Promised(Id),
    /// Somebody asked for it to be taken out.
    Withdrawn(Id),
    /// A server took the message with these octets for this recipient.
    Carried(String, String),
}

pub type Messages = BTreeMap<Id, (String, Vec<String>)>;

/// The steps that were written down, and what they were about.
#[derive(Clone, Default)]
pub struct Record {
    pub deeds: Arc<Mutex<Vec<Deed>>>,
    /// The number of the file that has this inode.
    files: Arc<Mutex<BTreeMap<u64, usize>>>,
    /// The octets of each message, and its recipients.
    pub messages: Arc<Mutex<Messages>>,
}

impl Record {
    pub fn note(&self, deed: Deed) {
        self.deeds.lock().unwrap_or_else(PoisonError::into_inner).push(deed);
    }

    fn number(&self, file: &File) -> usize {
        self.files.lock().unwrap()[&file.metadata().unwrap().ino()]
    }

    /// Writes a step down.
    pub fn step(&self, step: &Step<'_>) {
        match step {
            Step::Created(name, file) => {
                let mut files = self.files.lock().unwrap();
                let number = self.deeds.lock().unwrap().len();
                // A file that is gone leaves its inode to the next.
                files.insert(file.metadata().unwrap().ino(), number);
                drop(files);
                self.note(Deed::Create((*name).to_owned(), number));
            }
            Step::Write(file, octets) => {
                self.note(Deed::Write(self.number(file), octets.to_vec()));
            }
            Step::WriteOver(file, octets) => {
                self.note(Deed::WriteOver(self.number(file), octets.to_vec()));
            }
            Step::Sync(file) => self.note(Deed::Sync(self.number(file))),
            Step::Rename(from, to) => {
                self.note(Deed::Rename((*from).to_owned(), (*to).to_owned()));
            }
            Step::Remove(name) => self.note(Deed::Remove((*name).to_owned())),
            Step::SyncNames => self.note(Deed::SyncNames),
            // Nothing hangs on the journal, and no entry on what is asked.
            Step::Create | Step::Open | Step::Opened | Step::Append | Step::Ask => {}
        }
    }

    /// A queue whose steps are written down.
    pub fn queue(&self, spool: &Spool) -> Queue {
        let record = self.clone();
        spool.watched(move |step| {
            record.step(step);
            Ok(())
        })
    }

    /// Keeps a message.
    pub fn keep(&self, queue: &Queue, word: &str, to: &[&str]) -> Id {
        // In the order in which they are kept, or no two plays were the same.
        let number = self.messages.lock().unwrap().len();
        let (id, message) = (format!("{number:016x}").parse::<Id>().unwrap(), letter(word));
        let to_owned = to.iter().map(|&to| to.to_owned()).collect();
        self.messages.lock().unwrap().insert(id.clone(), (octets(&message), to_owned));
        queue.keep(&id, &head(to), &message).unwrap();
        self.note(Deed::Promised(id.clone()));
        id
    }

    pub fn office<'o>(&'o self, judge: impl Fn(&str) -> Outcome + Sync + 'o) -> Office<'o> {
        Office::new(judge)
            .heard(|what, to| self.note(Deed::Carried(what.to_owned(), to.to_owned())))
    }
}

/// A file as far as it was written, and as far as that is on the disk.
#[derive(Clone, Default)]
pub struct Content {
    pub octets: Vec<u8>,
    synced: usize,
}

/// What the disk has, and what it may have.
#[derive(Clone, Default)]
pub struct Model {
    pub files: BTreeMap<usize, Content>,
    pub names: BTreeMap<String, usize>,
    pending: Vec<Deed>,
}

pub type Snapshot = BTreeMap<String, Vec<u8>>;

impl Model {
    pub fn of(deeds: &[Deed]) -> Self {
        let mut model = Model::default();
        for deed in deeds {
            match deed {
                Deed::Create(_, file) => {
                    model.files.insert(*file, Content::default());
                    model.pending.push(deed.clone());
                }
                Deed::Write(file, octets) => {
                    model.files.get_mut(file).unwrap().octets.extend_from_slice(octets);
                }
                Deed::WriteOver(file, octets) => {
                    let fresh = Content { octets: octets.clone(), synced: 0 };
                    model.files.insert(*file, fresh);
                }
                Deed::Sync(file) => {
                    let content = model.files.get_mut(file).unwrap();
                    content.synced = content.octets.len();
                }
                Deed::Rename(..) | Deed::Remove(_) => model.pending.push(deed.clone()),
                Deed::SyncNames => {
                    model.names = model.names_with(usize::MAX);
                    model.pending.clear();
                }
                Deed::Promised(_) | Deed::Withdrawn(_) | Deed::Carried(..) => {}
            }
        }
        model
    }

    /// The names, if of the pending changes those came to the disk whose bits
    /// are set.
    fn names_with(&self, bits: usize) -> BTreeMap<String, usize> {
        let mut names = self.names.clone();
        // Whose file a name is does not depend on what came to the disk.
        let mut now = self.names.clone();
        for (at, deed) in self.pending.iter().enumerate() {
            let arrived = bits >> at & 1 == 1;
            match deed {
                Deed::Create(name, file) => {
                    now.insert(name.clone(), *file);
                    if arrived {
                        names.insert(name.clone(), *file);
                    }
                }
                Deed::Rename(from, to) => {
                    let Some(file) = now.remove(from) else { continue };
                    now.insert(to.clone(), file);
                    if arrived {
                        names.remove(from);
                        names.insert(to.clone(), file);
                    }
                }
                Deed::Remove(name) => {
                    now.remove(name);
                    if arrived {
                        names.remove(name);
                    }
                }
                other => unreachable!("{other:?} changes no names"),
            }
        }
        names
    }

    /// Each state that the disk may be in.
    pub fn snapshots(&self) -> BTreeSet<Snapshot> {
        assert!(self.pending.len() <= 12, "{:?}", self.pending);
        let names: BTreeSet<_> =
            (0..1 << self.pending.len()).map(|bits| self.names_with(bits)).collect();
        names.iter().flat_map(|names| self.snapshots_of(names)).collect()
    }

    fn snapshots_of(&self, names: &BTreeMap<String, usize>) -> Vec<Snapshot> {
        let mut parts = vec![Snapshot::new()];
        for (name, file) in names {
            let contents = self.files[file].possible(name);
            let with = |part: &Snapshot, content: &Vec<u8>| {
                let mut part = part.clone();
                part.insert(name.clone(), content.clone());
                part
            };
            parts = parts.iter().flat_map(|p| contents.iter().map(|c| with(p, c))).collect();
        }
        parts
    }
}

impl Content {
    fn possible(&self, name: &str) -> BTreeSet<Vec<u8>> {
        let (synced, all) = (self.synced, self.octets.len());
        let until = |end: usize| self.octets[..end].to_vec();
        let mut zeros = until(synced);
        zeros.resize(all, 0);
        if name.strip_suffix(".tmp").is_some() || name == "last-run" {
            // Nobody reads the one, and nothing hangs on the other.
            return BTreeSet::from([until(synced), zeros]);
        }
        BTreeSet::from([until(synced), until(usize::midpoint(synced, all)), until(all), zeros])
    }
}
