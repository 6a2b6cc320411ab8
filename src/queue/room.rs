//! Whether there is room for another message.
//!
//! To look at every file whenever a message is kept would take the longer the
//! more there are. So they are counted once, and whoever keeps a message adds
//! its octets to the count. What was removed since still counts; where that would
//! be too much, and whenever a run begins, all is counted anew.

use super::disk::replace_at_ease;
use super::{KeepError, Kind, Limits, Queue, kind};
use std::io::{self, Read as _};

/// Lines of numbers, whose sum counts. No promise hangs on it, so it is not
/// synced.
const OCTETS: &str = "octets";
/// A longer count is made anew: it is read for every message, and would take
/// the longer the more were kept since.
const LONGEST: u64 = 16 * 1024;

pub(super) fn is_ours(name: &str) -> bool {
    name == OCTETS
}

impl Queue {
    /// Whether a message of so many octets may be kept.
    pub(super) fn has_room_for(&self, size: u64, limits: &Limits) -> Result<(), KeepError> {
        let Limits { max_message, max_total, keep_free } = *limits;
        if size > max_message {
            return Err(KeepError::TooLarge { size, limit: max_message });
        }
        let room = self.disk.room().map_err(|reason| self.unwritten(reason))?;
        if room.free.saturating_sub(size) < room.total / 100 * u64::from(keep_free) {
            return Err(KeepError::NoRoom { keep_free });
        }
        let is_too_much = |held: u64| held.saturating_add(size) > max_total;
        if self.counted().is_some_and(|held| !is_too_much(held)) {
            return Ok(());
        }
        let held = self.count().map_err(|reason| self.unwritten(reason))?;
        if is_too_much(held) {
            return Err(KeepError::Full { held, limit: max_total });
        }
        Ok(())
    }

    /// The octets of all files when they were counted, and of every message that
    /// was kept since. `None` where there is no such count.
    fn counted(&self) -> Option<u64> {
        let mut text = String::new();
        self.open(OCTETS).ok()?.take(LONGEST).read_to_string(&mut text).ok()?;
        if text.is_empty() || text.len() as u64 == LONGEST {
            return None;
        }
        text.lines().try_fold(0_u64, |sum, line| sum.checked_add(line.parse().ok()?))
    }

    /// Counts the octets of all files that hold messages; what tells of them is
    /// bounded by itself.
    pub(super) fn count(&self) -> io::Result<u64> {
        let names = self.disk.names()?;
        // A drop directory shows nothing, and nothing but messages goes there.
        if names.is_empty() {
            return Ok(0);
        }
        // What is gone by now takes no room.
        let names = names.iter().filter(|name| !matches!(kind(name), Kind::Own | Kind::Foreign));
        let held = names.filter_map(|name| self.disk.length(name).ok()).sum();
        // Not to remember it costs the next one to count again.
        let _ = replace_at_ease(&*self.disk, OCTETS, format!("{held}\n").as_bytes());
        Ok(held)
    }

    /// Adds a message that was kept to the count.
    pub(super) fn count_one(&self, size: u64) {
        // Where somebody else has put such a file, as he can in a drop directory,
        // it is none of ours.
        if self.open(OCTETS).is_ok() {
            let _ = self.disk.append(OCTETS, format!("{size}\n").as_bytes());
        }
    }
}
