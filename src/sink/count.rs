//! How many messages are taken, over all connections.

use std::sync::atomic::{AtomicU64, Ordering};

/// The messages that were taken, of so many as may be.
#[derive(Debug)]
pub(super) struct Count {
    most: Option<u64>,
    taken: AtomicU64,
}

/// The right to take one message. It is given back when it is dropped unused.
#[derive(Debug)]
pub(super) struct Claim<'c>(Option<&'c Count>);

impl Count {
    pub(super) fn up_to(most: Option<u64>) -> Self {
        Count { most, taken: AtomicU64::new(0) }
    }

    /// True while no message more may be taken.
    pub(super) fn is_full(&self) -> bool {
        self.most.is_some_and(|most| self.taken.load(Ordering::Relaxed) >= most)
    }

    /// Claims one, before it is kept: of two that end at the same time, only one
    /// can be the last.
    pub(super) fn claim(&self) -> Option<Claim<'_>> {
        let most = self.most.unwrap_or(u64::MAX);
        let one_more = |taken: u64| (taken < most).then_some(taken + 1);
        let claimed = self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        claimed.ok().map(|_| Claim(Some(self)))
    }
}

impl Claim<'_> {
    /// The message is kept.
    pub(super) fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if let Some(count) = self.0 {
            count.taken.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
