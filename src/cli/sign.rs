//! Signatures: the last thing that is done to a message.

use super::failure::Failure;
use super::message::Job;
use crate::account::{Account, Dkim, QueueSettings};
use crate::delivery::Submission;
use crate::message::Message;
use crate::message::dkim::Signer;
use crate::smtp::{Envelope, Mailbox};
use jiff::Timestamp;
use std::sync::Arc;

/// A message that nothing may change any more, and what is to be said of it.
pub(super) struct Signed {
    pub(super) message: Message,
    /// What was done, for who wants to know.
    pub(super) notes: Vec<String>,
    /// What the user had better know.
    pub(super) warnings: Vec<String>,
}

impl Signed {
    /// The message on its way out; what was done to it before, and what is
    /// doubtful about it, is told first.
    pub(super) fn into_job(
        self,
        envelope: Envelope,
        account: Option<Account>,
        mut changes: Vec<String>,
        mut warnings: Vec<String>,
    ) -> Job {
        changes.extend(self.notes);
        warnings.extend(self.warnings);
        let submission = Submission { envelope, message: Arc::new(self.message) };
        let queueing = QueueSettings::default();
        Job { submission, account, queueing, config: None, household: None, changes, warnings }
    }
}

/// Signs the message by every key of the account, perhaps none.
pub(super) fn sign(
    message: Message,
    account: Option<&Account>,
    author: Option<&Mailbox>,
    now: Timestamp,
) -> Result<Signed, Failure> {
    let signers = account.iter().flat_map(|account| &account.dkim);
    let signers: Vec<Signer> = signers.map(Dkim::signer).collect::<Result<_, _>>()?;
    if signers.is_empty() {
        return Ok(Signed { message, notes: Vec::new(), warnings: Vec::new() });
    }
    let (message, changes) = message.to_sign()?;
    let note = |signer: &Signer| {
        let Signer { domain, selector, key, .. } = signer;
        format!("signed for {domain} by the key {selector} ({})", key.algorithm())
    };
    Ok(Signed {
        message: message.signed(&signers, now)?,
        notes: changes.iter().map(ToString::to_string).chain(signers.iter().map(note)).collect(),
        warnings: author.and_then(|author| unaligned(&signers, author)).into_iter().collect(),
    })
}

/// The warning that no signature speaks for the author.
fn unaligned(signers: &[Signer], author: &Mailbox) -> Option<String> {
    let author = author.domain();
    if signers.is_empty() || signers.iter().any(|signer| signer.domain.is_aligned_with(author)) {
        return None;
    }
    let mut domains: Vec<String> = signers.iter().map(|it| it.domain.to_string()).collect();
    domains.dedup();
    Some(format!(
        "From is at {author}, but the message is signed for {}, which DMARC may not count",
        domains.join(" and ")
    ))
}
