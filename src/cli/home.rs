//! Recipients of this machine, as the account wants them treated.

use super::Surroundings;
use super::failure::Failure;
use super::route;
use crate::account::{Account, Accounts, Error, LocalDelivery, Machine, ServerUrl};
use crate::delivery::{
    Attempt, Home, Maildirs, Outcome, Owner, Route, Submission, World, keep_by_lmtp,
};
use crate::net::Interrupt;
use crate::session::Observer;
use crate::smtp::{Domain, ForwardPath};
use std::path::PathBuf;

/// Who is at home here, and what becomes of their mail.
#[derive(Clone, Debug)]
pub(super) struct Household {
    /// Whoever has an address in one of these is at home.
    pub(super) domains: Vec<Domain>,
    pub(super) machine: Machine,
    pub(super) how: LocalDelivery,
}

/// The same, ready for a message.
pub(super) struct OpenHome<'h> {
    household: &'h Household,
    host: &'h str,
    all_or_nothing: bool,
    keeper: Keeper<'h>,
}

/// Who keeps the mail.
enum Keeper<'h> {
    /// The pattern of the Maildirs.
    Maildir(&'h str),
    Lmtp(Route),
}

impl Household {
    /// Who is at home here, where the account says what becomes of their mail:
    /// the machine's own names, and the domain that names without one get.
    pub(super) fn of(
        account: &Account,
        accounts: &Accounts,
        machine: &Machine,
    ) -> Result<Option<Self>, Error> {
        let Some(how) = account.local.clone() else { return Ok(None) };
        let rewriting = accounts.rewriting(machine, account.name.as_deref())?;
        let domains = rewriting.hosts.into_iter().chain(rewriting.domain).collect();
        Ok(Some(Household { domains, machine: machine.clone(), how }))
    }

    /// Reads what is needed beforehand. The server of LMTP is one of the
    /// account's, but for who signs in, and from where.
    pub(super) fn open<'h>(
        &'h self,
        account: &Account,
        host: &'h str,
        all_or_nothing: bool,
        interrupt: &Interrupt,
        surroundings: &mut Surroundings<'_>,
    ) -> Result<OpenHome<'h>, Failure> {
        let keeper = match &self.how {
            LocalDelivery::Maildir(pattern) => Keeper::Maildir(pattern),
            LocalDelivery::Lmtp(server) => {
                let account = Account {
                    servers: vec![ServerUrl::Server((**server).clone())],
                    user: None,
                    auth: Vec::new(),
                    // These lead to the others.
                    family: None,
                    source: None,
                    ..account.clone()
                };
                Keeper::Lmtp(route::prepare(&account, false, interrupt, surroundings)?.route)
            }
        };
        Ok(OpenHome { household: self, host, all_or_nothing, keeper })
    }

    /// Whether mail for this recipient stays here.
    pub(super) fn has(&self, path: &ForwardPath) -> bool {
        match path {
            ForwardPath::Mailbox(mailbox) => self.domains.contains(mailbox.domain()),
            ForwardPath::Postmaster => true,
        }
    }

    /// Whether it stays in a Maildir here.
    pub(super) fn keeps(&self, path: &ForwardPath) -> bool {
        matches!(self.how, LocalDelivery::Maildir(_)) && self.has(path)
    }

    /// Where mail for one who is at home here stays; `None` for no user.
    pub(super) fn place(&self, path: &ForwardPath) -> Option<String> {
        match &self.how {
            LocalDelivery::Maildir(pattern) => {
                Some(self.owner(pattern, path)?.maildir.display().to_string())
            }
            LocalDelivery::Lmtp(server) => Some(ServerUrl::Server((**server).clone()).to_string()),
        }
    }

    /// The Maildir of a recipient, and whose it is. Mail for the postmaster, who
    /// is everywhere (RFC 5321 §4.5.1), is the superuser's, unless an alias says
    /// otherwise.
    fn owner(&self, pattern: &str, path: &ForwardPath) -> Option<Owner> {
        let name = match path {
            ForwardPath::Mailbox(mailbox) => mailbox.local_part(),
            ForwardPath::Postmaster => "postmaster",
        };
        let login = |name: &str| {
            let lower = || self.machine.login(&name.to_lowercase());
            self.machine.login(name).or_else(lower)
        };
        let login = login(name).or_else(|| login(name.split_once('+')?.0));
        let is_postmaster = name.eq_ignore_ascii_case("postmaster");
        let login = login.or_else(|| self.machine.login("root").filter(|_| is_postmaster))?;
        let maildir = LocalDelivery::maildir(pattern, &login);
        Some(Owner { maildir, numbers: login.numbers })
    }
}

impl Home for OpenHome<'_> {
    fn has(&self, path: &ForwardPath) -> bool {
        self.household.has(path)
    }

    fn is_all_or_nothing(&self) -> bool {
        self.all_or_nothing
    }

    fn refuses(&self, path: &ForwardPath) -> Option<Outcome> {
        let Keeper::Maildir(pattern) = self.keeper else { return None };
        let owner = |path: &ForwardPath| self.household.owner(pattern, path);
        Maildirs { host: self.host, owner: &owner }.refuses(path)
    }

    fn maildir(&self, path: &ForwardPath) -> Option<PathBuf> {
        let Keeper::Maildir(pattern) = self.keeper else { return None };
        self.household.owner(pattern, path).map(|owner| owner.maildir)
    }

    fn keep(
        &self,
        path: &ForwardPath,
        submission: &Submission,
        world: &World<'_>,
        observer: &mut dyn Observer,
    ) -> (Outcome, Vec<Attempt>) {
        match &self.keeper {
            Keeper::Maildir(pattern) => {
                let owner = |path: &ForwardPath| self.household.owner(pattern, path);
                let maildirs = Maildirs { host: self.host, owner: &owner };
                (maildirs.keep(path, submission), Vec::new())
            }
            Keeper::Lmtp(route) => keep_by_lmtp(route, path, submission, world, observer),
        }
    }
}
