//! The clock: deadlines, stopwatches, and the user's wish to stop. The only
//! place that asks what time it is.
#![expect(clippy::disallowed_methods, reason = "the one room that reads the clock")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A moment by which a wait must have ended. Everything that blocks asks for
/// [`Deadline::remaining`] before each system call, so that a server which
/// sends an octet a minute stretches nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

/// What has run since it was started.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

/// Whether the user asked to stop: the number of the signal, set by the
/// handler that `cli` installs. A wait that a signal cuts short looks here
/// before it goes on.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicUsize>);

impl Deadline {
    /// The moment `limit` from now.
    pub fn after(limit: Duration) -> Self {
        let now = Instant::now();
        // A limit beyond what the clock can hold is as good as a year.
        Deadline(now.checked_add(limit).unwrap_or(now + Duration::from_secs(365 * 86_400)))
    }

    /// What is left, `None` once it has passed.
    pub fn remaining(self) -> Option<Duration> {
        self.0.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }

    /// The earlier of the two.
    #[must_use]
    pub fn or_earlier(self, other: Option<Deadline>) -> Self {
        other.map_or(self, |other| self.min(other))
    }
}

impl Stopwatch {
    /// Starts now.
    pub fn start() -> Self {
        Stopwatch(Instant::now())
    }

    /// What has run so far.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

impl Interrupt {
    /// The number of the signal that asked to stop, if one did.
    pub fn signal(&self) -> Option<usize> {
        Some(self.0.load(Ordering::Relaxed)).filter(|&signal| signal != 0)
    }

    /// Where a signal handler stores its number.
    pub fn cell(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earlier_deadline_wins_and_a_passed_one_leaves_nothing() {
        let soon = Deadline::after(Duration::from_secs(1));
        let late = Deadline::after(Duration::from_secs(100));
        assert_eq!(late.or_earlier(Some(soon)), soon);
        assert_eq!(soon.or_earlier(Some(late)), soon);
        assert_eq!(soon.or_earlier(None), soon);
        assert!(Deadline::after(Duration::ZERO).remaining().is_none());
        assert!(Deadline::after(Duration::MAX).remaining().is_some());
    }
}
