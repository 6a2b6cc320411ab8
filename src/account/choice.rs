//! Which account a message goes through.
//!
//! The first that says something decides: the account that was named; a server
//! given on the command line; `ENVOI_ACCOUNT`; `ENVOI_SERVER`; the sender;
//! `default`; there being one account only.

mod foreign;

use super::Account;
use super::chosen::{By, Chosen, Fit, Layer, Reason, together};
use super::environment::Environment;
use super::error::{Error, NamedBy, nearest};
use super::file::Files;
use super::grammar::{Document, Entry};
use super::import::Line;
use super::pattern::{address, folded, without_detail};
use super::proxy::ProxyChoice;
use super::queueing::QueueSettings;
use super::rewriting::RewriteSettings;
use super::settings::Settings;
use super::variables::Said;
use crate::message::Repairs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

/// Everything that is configured, in files and in the environment.
#[derive(Debug)]
pub struct Accounts {
    document: Document,
    files: Files,
    found: Vec<PathBuf>,
    /// The lines of an msmtprc, if the files are one.
    foreign: Option<Vec<Line>>,
    environment: Said,
}

/// What is known when an account is to be chosen.
#[derive(Clone, Debug, Default)]
pub struct Choice<'c> {
    /// `--account`.
    pub named: Option<&'c str>,
    /// The author of the message, as in From, if it is known already.
    pub sender: Option<&'c str>,
    /// The options of the command line; with a server among them they are
    /// enough. They lie over what the account says.
    pub typed: Settings,
}

impl Accounts {
    /// Reads the files and the environment; where there is no file, an msmtprc.
    /// `config` is `--config`.
    pub fn load(config: Option<&Path>, environment: &Environment) -> Result<Self, Error> {
        Accounts::read(Files::of(config, environment), environment)?.or_foreign(environment)
    }

    /// The same for a message, given what was typed. Where a server is named and
    /// no account, an msmtprc is left alone: it may be wrong, or have programs
    /// run.
    pub fn for_message(
        config: Option<&Path>,
        environment: &Environment,
        named: Option<&str>,
        typed: &Settings,
    ) -> Result<Self, Error> {
        let accounts = Accounts::read(Files::of(config, environment), environment)?;
        let said = &accounts.environment;
        let by_environment = said.server.is_some() && said.account.is_none();
        if named.is_none() && (typed.servers.is_some() || by_environment) {
            return Ok(accounts);
        }
        accounts.or_foreign(environment)
    }

    /// Nothing is configured yet: these files are not read.
    pub fn none(files: Files, environment: &Environment) -> Result<Self, Error> {
        let environment = Said::by(environment)?;
        let document = Document::default();
        Ok(Accounts { document, files, found: Vec::new(), environment, foreign: None })
    }

    /// Reads these files and the environment.
    pub fn read(files: Files, environment: &Environment) -> Result<Self, Error> {
        let (document, found) = files.read(environment)?;
        let environment = Said::by(environment)?;
        let accounts = Accounts { document, files, found, foreign: None, environment };
        if let Some((name, at)) = &accounts.document.default {
            accounts.entry(name, || NamedBy::Default(at.clone()))?;
        }
        Ok(accounts)
    }

    /// The names of the configured accounts, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.document.accounts.keys().map(String::as_str)
    }

    /// The account that `default` names.
    pub fn default_name(&self) -> Option<&str> {
        self.document.default.as_ref().map(|(name, _)| name.as_str())
    }

    /// What `[rewrite]` says, and this account over it.
    pub(super) fn rewrite_settings(&self, account: Option<&str>) -> RewriteSettings {
        let entry = account.and_then(|name| self.document.accounts.get(name));
        let own = entry.map(|entry| entry.rewrite.clone()).unwrap_or_default();
        own.over(self.document.rewrite.clone())
    }

    /// What `[queue]` says.
    pub fn queueing(&self) -> &QueueSettings {
        &self.document.queue
    }

    /// The files that were there.
    pub fn found(&self) -> &[PathBuf] {
        &self.found
    }

    /// The files that were looked for.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// True when `ENVOI_SERVER` or `ENVOI_ACCOUNT` decides without an option.
    pub fn environment_decides(&self) -> bool {
        self.environment.server.is_some() || self.environment.account.is_some()
    }

    /// The proxy of the environment, for who asks others than mail servers.
    pub fn proxy(&self) -> Option<ProxyChoice> {
        self.environment.common().proxy
    }

    /// True when something says whom a message is from that is sent without
    /// an option.
    pub fn has_author(&self) -> bool {
        self.choose(Choice::default()).map_or_else(
            // Without a choice an example names the first account.
            |_| self.names().next().is_some_and(|name| self.names_an_author(name)),
            |account| account.from.is_some(),
        )
    }

    fn names_an_author(&self, name: &str) -> bool {
        self.said_of(name).is_ok_and(|layers| together(&layers).from.is_some())
    }

    /// What may be changed in a message, and how.
    pub fn repairs(&self) -> Repairs {
        let said = self.document.message;
        Repairs {
            long_lines: said.long_lines.unwrap_or_default(),
            eight_bit: said.eight_bit.unwrap_or_default(),
            stray_cr: said.stray_cr.unwrap_or_default(),
        }
    }

    /// The account that the choice leads to, with the typed options over it.
    pub fn choose(&self, choice: Choice<'_>) -> Result<Account, Error> {
        self.decide(choice)?.account()
    }

    /// An account that nothing is configured of yet. Of the environment, it has
    /// the proxy only: who signs in, and with what, will not be the
    /// environment's to say.
    pub fn unwritten(&self, said: Settings) -> Result<Account, Error> {
        let layers = vec![
            Layer { by: By::CommandLine, settings: said },
            Layer { by: By::Environment, settings: self.environment.common() },
        ];
        let max_recipients = self.max_recipients();
        let (name, reason) = (None, Reason::Server);
        Chosen { name, reason, layers, max_recipients, is_shared: false }.account()
    }

    /// The same before it is put together: why it is this one, and who said
    /// what of it.
    pub fn decide<'a>(&'a self, choice: Choice<'_>) -> Result<Chosen<'a>, Error> {
        let sender = choice.sender.or(self.environment.from.as_deref());
        let (name, reason) = match (choice.named, &choice.typed.servers) {
            (Some(name), _) => (Some(self.entry(name, || NamedBy::Option)?.0), Reason::Named),
            (None, Some(_)) => (None, Reason::Server),
            (None, None) => self.by_environment_or_sender(sender)?,
        };
        let is_shared = name.is_some_and(|name| self.is_shared(name)) && !choice.typed.signs_in();
        let from = Settings { from: self.environment.from.clone(), ..Settings::default() };
        let mut layers = vec![
            Layer { by: By::Environment, settings: from },
            Layer { by: By::CommandLine, settings: choice.typed },
        ];
        match (name, &reason) {
            (Some(name), _) => layers.extend(self.said_of(name)?),
            (None, Reason::Server) => {}
            (None, _) => {
                layers.push(Layer { by: By::Environment, settings: self.environment.settings() });
            }
        }
        let lent = self.environment.lent(&together(&layers));
        let is_shared = is_shared && !lent.signs_in();
        layers.push(Layer { by: By::Environment, settings: lent });
        layers.push(Layer { by: By::Environment, settings: self.environment.common() });
        let max_recipients = self.max_recipients();
        Ok(Chosen { name, reason, layers, max_recipients, is_shared })
    }

    /// An account as the files describe it, whatever the environment says.
    pub fn configured(&self, name: &str) -> Result<Chosen<'_>, Error> {
        let name = self.entry(name, || NamedBy::Option)?.0;
        let layers = self.said_of(name)?;
        let (is_shared, max_recipients) = (self.is_shared(name), self.max_recipients());
        let (name, reason) = (Some(name), Reason::Named);
        Ok(Chosen { name, reason, layers, max_recipients, is_shared })
    }

    /// Whether an account is all users': the file of the system has it and all
    /// that it extends, and no other file has one of this name.
    pub fn is_shared(&self, name: &str) -> bool {
        let is_here = |layer: &Layer<'_>| match layer.by {
            By::Account { entry, .. } => entry.file == self.files.system,
            By::CommandLine | By::Environment => false,
        };
        self.files.only.is_none() && self.said_of(name).is_ok_and(|it| it.iter().all(is_here))
    }

    /// Where an account begins: its file, and the line counted from 1. `None`
    /// if there is no such account.
    pub fn place(&self, name: &str) -> Option<(&Path, usize)> {
        let entry = self.document.accounts.get(name)?;
        Some((&entry.file, entry.line))
    }

    fn max_recipients(&self) -> Option<NonZeroUsize> {
        self.document.message.max_recipients.and_then(NonZeroUsize::new)
    }

    /// Without a name it is the server of the environment.
    fn by_environment_or_sender(
        &self,
        sender: Option<&str>,
    ) -> Result<(Option<&str>, Reason<'_>), Error> {
        if let Some(name) = &self.environment.account {
            return Ok((Some(self.entry(name, || NamedBy::Variable)?.0), Reason::Variable));
        }
        if self.environment.server.is_some() {
            return Ok((None, Reason::ServerVariable));
        }
        let sender = sender.map(address);
        if let Some(sender) = &sender
            && let Some((name, reason)) = self.by_sender(sender)?
        {
            return Ok((Some(name), reason));
        }
        if let Some(name) = self.default_name() {
            return Ok((Some(name), Reason::Default { sender }));
        }
        let mut every = self.names();
        match (every.next(), every.next()) {
            (None, _) => Err(Error::NoAccounts),
            (only, None) => Ok((only, Reason::Only { sender })),
            _ => Err(Error::NoChoice { sender, names: self.names().map(str::to_owned).collect() }),
        }
    }

    /// The account whose own `from` is the sender; else the one with a pattern
    /// that fits; else the same for the sender without the detail behind a
    /// plus sign. What an account takes over by `extends` does not speak for
    /// it here, or it would fit whomever its model fits.
    fn by_sender(&self, sender: &str) -> Result<Option<(&str, Reason<'_>)>, Error> {
        if let Some(order) = &self.document.in_order {
            return Ok(self.first_for(sender, order));
        }
        for asked in [Some(sender.to_owned()), without_detail(sender)].into_iter().flatten() {
            for question in [Entry::is_from, Entry::has_pattern_for] {
                let found = self.one_that(&asked, |entry| question(entry, &folded(&asked)))?;
                if found.is_some() {
                    return Ok(found);
                }
            }
        }
        Ok(None)
    }

    /// The one account that something fits of; among several, the default.
    fn one_that<'a>(
        &'a self,
        sender: &str,
        question: impl Fn(&'a Entry) -> Option<Fit<'a>>,
    ) -> Result<Option<(&'a str, Reason<'a>)>, Error> {
        let accounts = self.document.accounts.iter();
        let mut found: Vec<(&str, Fit<'_>)> =
            accounts.filter_map(|(name, entry)| Some((name.as_str(), question(entry)?))).collect();
        let default = found.iter().position(|(name, _)| Some(*name) == self.default_name());
        let at = match (found.len(), default) {
            (0, _) => return Ok(None),
            (1, _) => 0,
            (_, Some(at)) => at,
            (_, None) => {
                return Err(Error::Ambiguous {
                    sender: sender.to_owned(),
                    names: found.iter().map(|(name, _)| (*name).to_owned()).collect(),
                    fits: found.iter().map(|(name, fit)| format!("{name} ({fit})")).collect(),
                });
            }
        };
        let (name, fit) = found.remove(at);
        let others = found.into_iter().map(|(name, _)| name).collect();
        Ok(Some((name, Reason::Sender { sender: sender.to_owned(), fit, others })))
    }

    fn entry(&self, name: &str, by: impl Fn() -> NamedBy) -> Result<(&str, &Entry), Error> {
        match self.document.accounts.get_key_value(name) {
            Some((name, entry)) => Ok((name, entry)),
            None => Err(Error::UnknownAccount {
                by: by(),
                name: name.to_owned(),
                nearest: nearest(name, self.names()).map(str::to_owned),
                names: self.names().map(str::to_owned).collect(),
            }),
        }
    }

    /// What an account says, and then what the accounts say that it extends.
    fn said_of(&self, name: &str) -> Result<Vec<Layer<'_>>, Error> {
        let (mut name, mut entry) = self.entry(name, || NamedBy::Option)?;
        let mut layers: Vec<Layer<'_>> = Vec::new();
        loop {
            let mut settings = entry.settings.clone();
            if !layers.is_empty() {
                // Which senders an account is for is never taken over.
                settings.matches = None;
            }
            layers.push(Layer { by: By::Account { name, entry }, settings });
            let Some((next, at)) = &entry.extends else { return Ok(layers) };
            (name, entry) = self.entry(next, || NamedBy::Extends(at.clone()))?;
            if layers.iter().any(|layer| layer.account() == Some(name)) {
                return Err(Error::Circle { at: at.clone(), name: next.clone() });
            }
        }
    }
}

impl Entry {
    /// Whether its own `from` is this address, which is folded.
    fn is_from(&self, sender: &str) -> Option<Fit<'_>> {
        let from = self.settings.from.as_deref()?;
        (folded(&address(from)) == sender).then_some(Fit::From)
    }

    /// The first of its patterns that fits this address, which is folded.
    fn has_pattern_for(&self, sender: &str) -> Option<Fit<'_>> {
        let mut patterns = self.settings.matches.iter().flatten();
        patterns.find(|pattern| pattern.fits(sender)).map(Fit::Match)
    }
}

#[cfg(test)]
mod tests;
