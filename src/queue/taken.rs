//! An entry that somebody is at work on: its lock is held, and its state may be
//! replaced.

use super::disk::Draft;
use super::{Entry, Queue, State, state_name};
use crate::message::{self, Message};
use std::io;
use std::path::PathBuf;

/// Octets of an answer for one recipient, and few are longer.
const ANSWER: usize = 512;

/// An entry that nobody else touches for as long as this value lives.
pub struct Taken<'q> {
    pub(super) queue: &'q Queue,
    /// The entry.
    pub entry: Entry,
    /// What has come of it. It counts when it was written.
    pub state: State,
    /// There is a file for the state.
    pub(super) has_state_file: bool,
    /// Where the next state goes.
    pub(super) room: Option<Draft<'q>>,
}

impl Taken<'_> {
    /// The message, to be written for a server.
    pub fn message(&self, repairs: message::Repairs) -> Result<Message, message::Error> {
        self.entry.message(&self.path(), repairs)
    }

    /// The file of the entry.
    pub fn path(&self) -> PathBuf {
        self.queue.path.join(self.entry.id.as_str())
    }

    /// Makes sure of room for the next state. Whoever sends does so before:
    /// when the server has the message, a disk that is full would have it sent
    /// again (checklist Q-4).
    pub fn make_room(&mut self) -> io::Result<()> {
        let mut octets = self.state.to_file();
        octets.resize(octets.len() + ANSWER * self.state.waiting().len(), b' ');
        let mut room = Draft::begin(&*self.queue.disk)?;
        room.write(&octets)?;
        self.room = Some(room);
        Ok(())
    }

    /// Puts the state on the disk.
    pub fn write(&mut self) -> io::Result<()> {
        let octets = self.state.to_file();
        let mut draft = match self.room.take() {
            Some(room) => room,
            None => Draft::begin(&*self.queue.disk)?,
        };
        draft.write_over(&octets)?;
        draft.replace(&state_name(&self.entry.id))?;
        self.has_state_file = true;
        Ok(())
    }

    /// Takes the entry out of the queue. It is gone for good when this
    /// returns. After an error it is there, or comes back, in this state.
    pub fn remove(mut self) -> io::Result<()> {
        let disk = &*self.queue.disk;
        let removed = disk.remove(self.entry.id.as_str()).and_then(|()| disk.sync_names());
        if removed.is_err() {
            // What stood in the way is what is told.
            let _ = self.write();
        } else if self.has_state_file {
            // Not before, or an entry that came back would have forgotten who has
            // the message.
            let _ = disk.remove(&state_name(&self.entry.id));
        }
        removed
    }
}
