//! What the messages of this machine have in common: its names and rules, its
//! accounts, its users.

use super::caller::{Caller, own_address, sender_of};
use super::{Letter, sender};
use crate::account::{
    Account, Accounts, Choice, Environment, FromRule, Machine, Rewriting, small_file,
};
use crate::cli::Surroundings;
use crate::cli::failure::Failure;
use crate::cli::home::Household;
use crate::cli::message::Job;
use crate::message::{Address, Aliases, Authors, Error, Place, Repairs, Rewrite, Rules};
use crate::smtp::{Domain, Envelope, ForwardPath, Mailbox};

/// What every message of this machine has in common.
pub(super) struct Office<'o> {
    pub(super) machine: Machine,
    pub(super) accounts: &'o Accounts,
    pub(super) rules: Rules,
    pub(super) repairs: Repairs,
    /// Nobody says which domain bare names have, and the usual account keeps
    /// mail for users of this machine.
    is_standalone: bool,
}

impl<'o> Office<'o> {
    /// For a sender that was typed with -f.
    pub(super) fn open(
        accounts: &'o Accounts,
        typed: Option<&str>,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        let machine = Machine::this();
        let rules = rules_for(typed, accounts, &machine)?;
        let repairs = accounts.repairs();
        let mut office = Office { machine, accounts, rules, repairs, is_standalone: false };
        if office.rules.domain.is_none() {
            office.lend_a_domain(typed, environment);
        }
        Ok(office)
    }

    /// Where users of a machine without a full name get their mail on it, they
    /// are users of localhost.
    fn lend_a_domain(&mut self, typed: Option<&str>, environment: &Environment) {
        self.rules.domain = Some(localhost());
        let typed = sender(typed, "-f", &self.rules, &mut Vec::new()).ok().flatten();
        let caller = Caller { typed: typed.as_ref(), full_name: None, office: self, environment };
        self.is_standalone = caller.account(None).is_ok_and(|account| account.local.is_some());
        if !self.is_standalone {
            self.rules.domain = None;
        }
    }

    /// What was lent is no address for a server, where the account has one.
    /// `in_header` is a name there that got it.
    pub(super) fn check_domains(
        &self,
        envelope: &Envelope,
        in_header: Option<String>,
        account: Option<&Account>,
    ) -> Result<(), Failure> {
        let has_server = account.is_none_or(|account| !account.servers.is_empty());
        if !self.is_standalone || !has_server {
            return Ok(());
        }
        let household = self.household(account);
        let is_away = |path: &ForwardPath| household.as_ref().is_none_or(|home| !home.has(path));
        let mut away = envelope.to().iter().map(|to| &to.path).filter(|path| is_away(path));
        let Some(first) = away.next() else { return Ok(()) };
        let to = std::iter::once(first).chain(away).filter_map(|path| match path {
            ForwardPath::Mailbox(mailbox) => Some(mailbox),
            ForwardPath::Postmaster => None,
        });
        let lent = to.chain(&envelope.from.0).filter(|it| *it.domain() == localhost());
        let mut names = lent.map(|mailbox| mailbox.local_part().to_owned()).chain(in_header);
        names.next().map_or(Ok(()), |name| Err(Error::Unqualified { name }.into()))
    }

    /// The letter on its way out; `None` if every name was an alias for
    /// nobody. `chosen` gets its account, once it has one.
    pub(super) fn job(
        &self,
        mut letter: Letter,
        full_name: Option<String>,
        chosen: &mut Option<Account>,
        surroundings: &mut Surroundings<'_>,
    ) -> Result<Option<Job>, Failure> {
        let environment = surroundings.environment;
        let author = letter.opened.sender(&self.rules);
        // Of the author msmtp knows nothing.
        let is_foreign = self.accounts.foreign().is_some();
        let known = author.as_ref().filter(|_| !is_foreign);
        let typed = letter.typed.as_ref();
        let caller = Caller { typed, full_name, office: self, environment };
        let account = caller.account(known)?;
        *chosen = Some(account.clone());
        let from = match author {
            Some(author) if letter.opened.has_from() => vec![Address::from(author)],
            Some(_) | None => caller.from(&account)?,
        };
        if is_foreign && letter.typed.is_none() {
            letter.typed = sender_of(&account)?;
        }
        let fixed = own_address(&account, self.rules.from)?;
        let lent = lent_in_header(&letter, &account, fixed.is_some());
        let mut job = letter.finish(from, account, fixed.as_ref(), environment)?;
        self.check_domains(&job.submission.envelope, lent, chosen.as_ref())?;
        job.warnings.splice(0..0, self.faults());
        job.household = self.household(chosen.as_ref());
        job.queueing = self.accounts.queueing().clone();
        job.config.clone_from(&self.accounts.files().only);
        if !job.submission.envelope.to().is_empty() {
            return Ok(Some(job));
        }
        let told = if surroundings.globals.verbose > 0 { job.changes.as_slice() } else { &[] };
        for change in told {
            surroundings.note(change);
        }
        Ok(None)
    }
}

impl Office<'_> {
    /// What of the aliases could not be read.
    fn faults(&self) -> impl Iterator<Item = String> {
        let faults = self.rules.aliases.faults().iter();
        faults.map(|fault| format!("{fault} (the line is left out)"))
    }

    /// Who is at home here, where the account says what becomes of their mail:
    /// the machine's own names, and the domain that names without one get.
    pub(super) fn household(&self, account: Option<&Account>) -> Option<Household> {
        let how = account?.local.clone()?;
        let domains = self.rules.hosts.iter().chain(&self.rules.domain).cloned().collect();
        Some(Household { domains, machine: self.machine.clone(), how })
    }
}

/// The rules for what is sent. To msmtp they are a matter of the account, which
/// is chosen before names are looked at.
fn rules_for(
    typed: Option<&str>,
    accounts: &Accounts,
    machine: &Machine,
) -> Result<Rules, Failure> {
    let common = rules(accounts.rewriting(machine, None)?);
    if accounts.foreign().is_none() {
        return Ok(common);
    }
    let typed = sender(typed, "-f", &common, &mut Vec::new())?.and_then(|path| path.0);
    let typed = typed.map(|sender| sender.to_string());
    let account = accounts.choose(Choice { sender: typed.as_deref(), ..Choice::default() })?;
    Ok(rules(accounts.rewriting(machine, account.name.as_deref())?))
}

/// The rules of the configuration, with the aliases read.
fn rules(rewriting: Rewriting) -> Rules {
    let aliases = match &rewriting.aliases {
        Some((file, octets)) => Aliases::parse(file, octets, &mut |list| small_file(list)),
        None => Aliases::default(),
    };
    Rules {
        domain: rewriting.domain,
        hosts: rewriting.hosts,
        aliases,
        from: match rewriting.from {
            FromRule::Keep => Authors::Keep,
            FromRule::Qualify => Authors::Qualify,
            FromRule::Set => Authors::Set,
        },
    }
}

/// The first name in the header that got what was lent, and is not shown as
/// another.
fn lent_in_header(letter: &Letter, account: &Account, is_fixed: bool) -> Option<String> {
    let is_shown_as_it_is = |place: &Place, address: &Mailbox| match place {
        Place::Field(field) if RECIPIENTS.contains(&field.as_str()) => true,
        Place::Field(_) | Place::Envelope => !is_fixed && account.masquerade.of(address).is_none(),
    };
    letter.opened.rewrites().iter().find_map(|rewrite| match rewrite {
        Rewrite::Qualified { name, place, address } => {
            let is_lent = *address.domain() == localhost() && is_shown_as_it_is(place, address);
            is_lent.then(|| name.clone())
        }
        Rewrite::Expanded { .. } | Rewrite::Shown { .. } | Rewrite::Left { .. } => None,
    })
}

/// The fields whose addresses are never shown as others.
const RECIPIENTS: [&str; 4] = ["To", "Cc", "Resent-To", "Resent-Cc"];

fn localhost() -> Domain {
    "localhost".parse().expect("localhost is a domain")
}
