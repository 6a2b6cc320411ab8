//! What octets are known by again: whether a file that is read more than once
//! said the same each time.

use std::fmt;
use xxhash_rust::xxh3::Xxh3Default;

/// 64 bits that follow from all octets fed, however they are cut.
///
/// It tells a file that somebody writes to from one that nobody does; against
/// somebody who wants it to fail it is no protection, and needs to be none:
/// who writes the file decides what is sent.
#[derive(Clone, Default)]
pub(super) struct Fingerprint(Box<Xxh3Default>);

impl Fingerprint {
    pub(super) fn feed(&mut self, octets: &[u8]) {
        self.0.update(octets);
    }

    pub(super) fn value(&self) -> u64 {
        self.0.digest()
    }
}

impl PartialEq for Fingerprint {
    fn eq(&self, other: &Self) -> bool {
        self.value() == other.value()
    }
}

impl Eq for Fingerprint {}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.value())
    }
}
