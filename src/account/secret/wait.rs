//! Waiting for what may never come: a program, or a pipe that nobody writes
//! into.

use super::World;
use crate::net::{Deadline, Interrupt, Stopwatch};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{self, Read};
use std::os::fd::BorrowedFd;
use std::time::Duration;
use zeroize::Zeroizing;

/// How long something may take, and who may end it before.
pub(super) struct Wait<'w> {
    deadline: Deadline,
    since: Stopwatch,
    interrupt: &'w Interrupt,
}

/// Why waiting is over without what was waited for.
#[derive(Debug)]
pub(super) enum Over {
    /// It has taken this long.
    Late(Duration),
    /// The user asked to stop.
    Interrupted,
}

impl<'w> Wait<'w> {
    /// Begins now, and lasts as long as this and the world allow.
    pub(super) fn of(limit: Duration, world: World<'w>) -> Self {
        let limit = world.timeout.map_or(limit, |cap| cap.min(limit));
        Wait {
            deadline: Deadline::after(limit).or_earlier(world.deadline),
            since: Stopwatch::start(),
            interrupt: world.interrupt,
        }
    }

    /// Returns as soon as one of these may have something to read or is at its
    /// end, or that takes something to write, and when a moment has passed.
    pub(super) fn glance_at(
        &self,
        sources: &[BorrowedFd<'_>],
        sink: Option<BorrowedFd<'_>>,
        moment: Duration,
    ) -> Result<(), Over> {
        if self.interrupt.signal().is_some() {
            return Err(Over::Interrupted);
        }
        let late = || Over::Late(self.since.elapsed());
        let left = self.deadline.remaining().ok_or_else(late)?;
        let sources = sources.iter().map(|fd| PollFd::new(fd, PollFlags::IN));
        let sink = sink.as_ref().map(|fd| PollFd::new(fd, PollFlags::OUT));
        let mut fds: Vec<_> = sources.chain(sink).collect();
        // A signal, or a failure that reading will meet again.
        let _ = poll(&mut fds, Timespec::try_from(left.min(moment)).ok().as_ref());
        Ok(())
    }
}

/// Whether reading would not wait: there is something, or the end.
pub(super) fn is_ready(source: BorrowedFd<'_>) -> bool {
    const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
    let mut fds = [PollFd::new(&source, PollFlags::IN)];
    poll(&mut fds, Some(&AT_ONCE)).is_ok_and(|ready| ready > 0)
}

/// How often one who waits makes sure that he still should: a signal may come
/// to another thread.
pub(super) const GLANCE: Duration = Duration::from_millis(100);

/// What was read so far. It begins small, as most secrets are; growing clears
/// what it leaves behind.
pub(super) struct Octets {
    room: Zeroizing<Vec<u8>>,
    filled: usize,
    most: usize,
}

const FIRST_ROOM: usize = 1024;

impl Octets {
    /// Room for this many.
    pub(super) fn up_to(most: usize) -> Self {
        Octets { room: Zeroizing::new(vec![0; most.min(FIRST_ROOM)]), filled: 0, most }
    }

    /// One read, where there is room. `Ok(false)` is the end.
    pub(super) fn read_some(&mut self, mut source: impl Read) -> io::Result<bool> {
        if self.filled == self.room.len() {
            let mut larger = Zeroizing::new(vec![0; (2 * self.filled).min(self.most)]);
            larger[..self.filled].copy_from_slice(&self.room[..self.filled]);
            self.room = larger;
        }
        match source.read(&mut self.room[self.filled..]) {
            Ok(length) => {
                self.filled += length;
                Ok(length > 0)
            }
            Err(error) if is_passing(&error) => Ok(true),
            Err(error) => Err(error),
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.filled == self.most
    }

    /// Forgets the later half, if there is no room left.
    pub(super) fn make_room(&mut self) {
        if self.is_full() {
            self.filled /= 2;
        }
    }

    /// What was read.
    pub(super) fn as_slice(&self) -> &[u8] {
        &self.room[..self.filled]
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock)
}
