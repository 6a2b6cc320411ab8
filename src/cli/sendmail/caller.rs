//! Who calls `sendmail`: which account that leads to, and what a From that is
//! missing becomes.

use super::Office;
use crate::account::{Account, Choice, Environment, User};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::message::list;
use crate::message::{Address, Authors};
use crate::smtp::{Mailbox, ReversePath};

/// The sender that msmtp gives whatever an account sends.
pub(super) fn sender_of(account: &Account) -> Result<Option<ReversePath>, Failure> {
    let from = list("from of the account", account.from.as_slice())?;
    let mailbox = from.iter().flat_map(Address::mailboxes).next().cloned();
    Ok(mailbox.map(|mailbox| ReversePath(Some(mailbox))))
}

/// The address that From becomes, if it is set.
pub(super) fn own_address(account: &Account, rule: Authors) -> Result<Option<Mailbox>, Failure> {
    if rule != Authors::Set {
        return Ok(None);
    }
    let from = list("from of the account", account.from.as_slice())?;
    let lacking = || {
        let name = account.name.as_deref().unwrap_or("of the environment");
        let sentence = format!("[rewrite] from is \"set\", but the account {name} has no from");
        Failure::say(Exit::Config, sentence)
            .hint("write from = \"you@example.org\" in the account, or set ENVOI_FROM")
    };
    from.iter().flat_map(Address::mailboxes).next().cloned().map(Some).ok_or_else(lacking)
}

/// Who calls, as far as From and the choice of an account need to know.
pub(super) struct Caller<'c> {
    pub(super) typed: Option<&'c ReversePath>,
    pub(super) full_name: Option<String>,
    pub(super) office: &'c Office<'c>,
    pub(super) environment: &'c Environment,
}

impl Caller<'_> {
    /// The account for the sender that was typed, else for the author, else
    /// for the user.
    pub(super) fn account(&self, author: Option<&Mailbox>) -> Result<Account, Failure> {
        let typed = self.typed.and_then(|path| path.0.as_ref());
        let mut sender = typed.or(author).map(ToString::to_string);
        if sender.is_none()
            && self.office.accounts.foreign().is_none()
            && self.environment.get("ENVOI_FROM").is_none()
        {
            let user = self.user().ok();
            let mailbox = user.into_iter().flat_map(Address::into_mailboxes).next();
            sender = mailbox.map(|mailbox| mailbox.to_string());
        }
        let choice = Choice { sender: sender.as_deref(), ..Choice::default() };
        Ok(self.office.accounts.choose(choice)?)
    }

    /// What a From that is missing becomes: the sender that was typed, else
    /// what the account says, else the user.
    pub(super) fn from(&self, account: &Account) -> Result<Vec<Address>, Failure> {
        let typed = self.typed.and_then(|path| path.0.clone());
        let mut from = match (typed, &account.from) {
            (Some(mailbox), _) => vec![Address::from(mailbox)],
            (None, Some(text)) => list("from of the account", [text])?,
            (None, None) => vec![self.user()?],
        };
        if let (Some(Address::Mailbox { name, .. }), Some(full_name)) =
            (from.first_mut(), &self.full_name)
        {
            *name = Some(full_name.clone());
        }
        Ok(from)
    }

    fn user(&self) -> Result<Address, Failure> {
        let number = rustix::process::getuid().as_raw();
        let nobody = || {
            let sentence = format!("it is not known who the user with the number {number} is");
            Failure::say(Exit::OsErr, sentence)
                .hint("set ENVOI_FROM, or write a From field into the message")
        };
        let user = self.office.machine.user(number, self.environment).ok_or_else(nobody)?;
        let User { name, full_name } = user;
        let (mailbox, _) = self.office.rules.envelope_sender(&name)?;
        Ok(Address::Mailbox { name: full_name, mailbox })
    }
}
