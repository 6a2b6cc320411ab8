//! What is done with content as it comes. A message that cannot be kept is
//! still read to its end, so that the conversation stays in step.

use super::storage::{Draft, Kept};
use crate::message::hexadecimal;
use ring::digest::{Context, SHA256};
use std::io;

/// The message that is being read: hashed, counted, written.
pub(super) struct Intake {
    draft: io::Result<Draft>,
    /// Of what is not there to be hashed later.
    hash: Option<Context>,
    size: u64,
    limit: Option<u64>,
}

/// What became of a message.
pub(super) enum End {
    Kept { kept: Kept, size: u64, sha256: Option<String> },
    TooLarge,
    Malformed,
    Unwanted,
    NotStored(io::Error),
}

impl Intake {
    /// Begins with a draft, or with the reason why there is none.
    pub(super) fn new(draft: io::Result<Draft>, limit: Option<u64>) -> Self {
        let is_gone = !matches!(draft, Ok(Draft::Memory(_)));
        let hash = is_gone.then(|| Context::new(&SHA256));
        Intake { draft, hash, size: 0, limit }
    }

    /// Takes the next octets, without doubled dots.
    pub(super) fn take(&mut self, octets: &[u8]) {
        self.size += octets.len() as u64;
        let Ok(draft) = &mut self.draft else { return };
        if self.limit.is_some_and(|limit| self.size > limit) {
            // Nothing more is written; the size tells the end why.
            self.draft = Ok(Draft::Discard);
            return;
        }
        if let Some(hash) = &mut self.hash {
            hash.update(octets);
        }
        if let Err(error) = draft.write(octets) {
            self.draft = Err(error);
        }
    }

    /// Keeps the message if nothing speaks against it and somebody is to get it.
    pub(super) fn end(self, has_bare_line_end: bool, is_wanted: bool) -> End {
        if has_bare_line_end {
            return End::Malformed;
        }
        if self.limit.is_some_and(|limit| self.size > limit) {
            return End::TooLarge;
        }
        if !is_wanted {
            return End::Unwanted;
        }
        match self.draft.and_then(Draft::keep) {
            Ok(kept) => {
                let sha256 = self.hash.map(|hash| hexadecimal(hash.finish().as_ref()));
                End::Kept { kept, size: self.size, sha256 }
            }
            Err(error) => End::NotStored(error),
        }
    }
}
