//! Signatures: the last thing that is done to a message.

use super::failure::Failure;
use crate::account::{Account, Dkim};
use crate::message::Message;
use crate::message::dkim::Signer;
use crate::smtp::Mailbox;
use jiff::Timestamp;

/// A message that nothing may change any more, and what is to be said of it.
pub(super) struct Signed {
    pub(super) message: Message,
    /// What was done, for who wants to know.
    pub(super) notes: Vec<String>,
    /// What the user had better know.
    pub(super) warnings: Vec<String>,
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
    let note = |signer: &Signer| {
        let Signer { domain, selector, key, .. } = signer;
        format!("signed for {domain} by the key {selector} ({})", key.algorithm())
    };
    Ok(Signed {
        message: message.signed(&signers, now)?,
        notes: signers.iter().map(note).collect(),
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
