//! Who takes messages besides the store, and answers for them.

use super::conversation::Transaction;
use super::storage::Trace;
use crate::smtp::{Protocol, Reply};
use std::fmt::Debug;

/// Who is given every message that a receiver has kept, and answers for it in
/// its place: a receiver without one passes nothing on.
pub trait PassesOn: Debug + Send + Sync {
    /// A message begins. One that comes to no end, or is not kept, is dropped.
    fn begin(&self, opening: Opening<'_>) -> Box<dyn Takes>;
}

/// What is known of a message before it comes.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'o> {
    /// What stands on top of the copy that is kept.
    pub trace: &'o Trace,
    /// What the client speaks: in SMTP one answer is for all.
    pub protocol: Protocol,
    /// It is no lines (RFC 3030 §3).
    pub is_binary: bool,
}

/// Who takes one message, or those of a [`dialogue`](super::dialogue()) one
/// after another.
pub trait Takes {
    /// The next octets of a message, without doubled dots. What fails here is
    /// answered at the end.
    fn take(&mut self, octets: &[u8]);

    /// A message is whole. Answers for it: once for all recipients, or, in LMTP,
    /// for each in the order of the transaction.
    fn end(&mut self, transaction: Transaction) -> Vec<Reply>;

    /// A message came to no end that could be answered, or was refused for its
    /// form.
    fn give_up(&mut self);
}
