//! What is done with content as it comes. A message that cannot be kept is
//! still read to its end, so that the conversation stays in step.

use super::count::Count;
use super::event::Interest;
use super::storage::{Draft, Kept};
use super::takes::Takes;
use crate::message::hexadecimal;
use ring::digest::{Context, SHA256};
use std::io;

/// The message that is being read: hashed, counted, written.
pub(super) struct Intake {
    draft: io::Result<Draft>,
    taker: Option<Box<dyn Takes>>,
    /// Where it is told and cannot be made from what is kept.
    hash: Option<Context>,
    size: u64,
    limit: Option<u64>,
}

/// What became of a message.
pub(super) enum End {
    Kept { kept: Kept, size: u64, sha256: Option<String>, taker: Option<Box<dyn Takes>> },
    TooLarge,
    Malformed,
    Unwanted,
    Enough,
    NotStored(io::Error),
}

impl Intake {
    /// Begins with a draft, or with the reason why there is none, and with who
    /// takes the message besides. `interest` is that of the owner.
    pub(super) fn new(
        draft: io::Result<Draft>,
        taker: Option<Box<dyn Takes>>,
        interest: Interest,
        limit: Option<u64>,
    ) -> Self {
        let is_told = interest == Interest::Everything && !matches!(draft, Ok(Draft::Memory(_)));
        let hash = is_told.then(|| Context::new(&SHA256));
        Intake { draft, taker, hash, size: 0, limit }
    }

    /// Takes the next octets, without doubled dots.
    pub(super) fn take(&mut self, octets: &[u8]) {
        self.size += octets.len() as u64;
        let Ok(draft) = &mut self.draft else { return };
        if self.limit.is_some_and(|limit| self.size > limit) {
            // Nothing more is written; the size tells the end why.
            self.draft = Ok(Draft::Discard);
            self.taker = None;
            return;
        }
        if let Some(hash) = &mut self.hash {
            hash.update(octets);
        }
        if let Err(error) = draft.write(octets) {
            self.draft = Err(error);
        }
        if let Some(taker) = &mut self.taker {
            taker.take(octets);
        }
    }

    /// Keeps the message if nothing speaks against it, somebody is to get it, and
    /// not as many were kept as may be.
    pub(super) fn end(self, has_bare_line_end: bool, is_wanted: bool, kept: &Count) -> End {
        if has_bare_line_end {
            return End::Malformed;
        }
        if self.limit.is_some_and(|limit| self.size > limit) {
            return End::TooLarge;
        }
        if !is_wanted {
            return End::Unwanted;
        }
        let Some(claim) = kept.claim() else { return End::Enough };
        match self.draft.and_then(Draft::keep) {
            Ok(kept) => {
                claim.keep();
                let sha256 = self.hash.map(|hash| hexadecimal(hash.finish().as_ref()));
                End::Kept { kept, size: self.size, sha256, taker: self.taker }
            }
            Err(error) => End::NotStored(error),
        }
    }
}
