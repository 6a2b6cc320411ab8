//! Which account a message goes through.
//!
//! The first that says something decides: the account that was named; a server
//! given on the command line; `ENVOI_ACCOUNT`; `ENVOI_SERVER`; the sender;
//! `default`; there being one account only.

use super::environment::Environment;
use super::error::{Error, Location, NamedBy, nearest};
use super::file::Files;
use super::grammar::{Document, Entry};
use super::pattern::{address, fits};
use super::rewriting::RewriteSettings;
use super::secret::SecretSource;
use super::server::{Origin, ServerUrl};
use super::settings::Settings;
use super::{Account, grammar};
use crate::message::Repairs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Everything that is configured, in files and in the environment.
#[derive(Debug)]
pub struct Accounts {
    document: Document,
    files: Files,
    found: Vec<PathBuf>,
    environment: Said,
}

/// What the environment says.
#[derive(Debug, Default)]
struct Said {
    account: Option<String>,
    from: Option<String>,
    server: Option<ServerUrl>,
    user: Option<String>,
    password: Option<SecretSource>,
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
    /// Reads the files and the environment. `config` is `--config`.
    pub fn load(config: Option<&Path>, environment: &Environment) -> Result<Self, Error> {
        Accounts::read(Files::of(config, environment), environment)
    }

    /// Reads these files and the environment.
    pub fn read(files: Files, environment: &Environment) -> Result<Self, Error> {
        let (document, found) = files.read(environment)?;
        let accounts = Accounts { document, files, found, environment: Said::by(environment)? };
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

    /// What `[rewrite]` says.
    pub(super) fn rewrite_settings(&self) -> &RewriteSettings {
        &self.document.rewrite
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

    /// True when something says whom a message is from that is sent without
    /// an option.
    pub fn has_author(&self) -> bool {
        self.choose(Choice::default()).map_or_else(
            // Without a choice an example names the first account.
            |_| self.names().next().and_then(|name| self.settings_of(name).ok()?.from).is_some(),
            |account| account.from.is_some(),
        )
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
        let sender = choice.sender.or(self.environment.from.as_deref());
        let name = match (choice.named, &choice.typed.servers) {
            (Some(name), _) => Some(self.entry(name, || NamedBy::Option)?.0),
            (None, Some(_)) => None,
            (None, None) => self.by_environment_or_sender(sender)?,
        };
        let said = match name {
            Some(name) => choice.typed.over(self.settings_of(name)?),
            None if choice.typed.servers.is_some() => choice.typed,
            None => choice.typed.over(self.environment.settings()),
        };
        let mut said = self.environment.sign_in(said);
        said.from = self.environment.from.clone().or(said.from);
        let max_recipients = self.document.message.max_recipients.and_then(NonZeroUsize::new);
        Account::of(name, said, max_recipients)
    }

    /// `None` stands for the server of the environment.
    fn by_environment_or_sender(&self, sender: Option<&str>) -> Result<Option<&str>, Error> {
        if let Some(name) = &self.environment.account {
            return Ok(Some(self.entry(name, || NamedBy::Variable)?.0));
        }
        if self.environment.server.is_some() {
            return Ok(None);
        }
        let names = || self.names().map(str::to_owned).collect();
        if let Some(name) = sender.map(|sender| self.by_sender(sender)).transpose()?.flatten() {
            return Ok(Some(name));
        }
        if let Some(name) = self.default_name() {
            return Ok(Some(name));
        }
        let mut every = self.names();
        match (every.next(), every.next()) {
            (None, _) => Err(Error::NoAccounts),
            (only, None) => Ok(only),
            _ => Err(Error::NoChoice { sender: sender.map(str::to_owned), names: names() }),
        }
    }

    /// The account whose own `from` is the sender; else the one with a pattern
    /// that fits. What an account takes over by `extends` does not speak for
    /// it here, or it would fit whomever its model fits.
    fn by_sender(&self, sender: &str) -> Result<Option<&str>, Error> {
        let sender = address(sender);
        let own = |entry: &Entry| {
            entry.settings.from.as_deref().is_some_and(|from| is_same(address(from), sender))
        };
        let pattern = |entry: &Entry| {
            entry.settings.matches.iter().flatten().any(|pattern| fits(pattern, sender))
        };
        Ok(self.one_that(sender, own)?.or(self.one_that(sender, pattern)?))
    }

    /// The one account that the question is true of; among several, the
    /// default.
    fn one_that(
        &self,
        sender: &str,
        question: impl Fn(&Entry) -> bool,
    ) -> Result<Option<&str>, Error> {
        let accounts = self.document.accounts.iter().filter(|(_, entry)| question(entry));
        let names: Vec<&str> = accounts.map(|(name, _)| name.as_str()).collect();
        match names.as_slice() {
            [] => Ok(None),
            [name] => Ok(Some(name)),
            names => match self.default_name().filter(|default| names.contains(default)) {
                Some(default) => Ok(Some(default)),
                None => Err(Error::Ambiguous {
                    sender: sender.to_owned(),
                    names: names.iter().map(|&name| name.to_owned()).collect(),
                }),
            },
        }
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

    /// What an account says, over what the accounts say that it extends.
    fn settings_of(&self, name: &str) -> Result<Settings, Error> {
        let mut settings = Settings::default();
        let mut seen = vec![name];
        let mut extends: Option<&(String, Location)> = None;
        loop {
            let name = seen.last().copied().unwrap_or(name);
            let by = || extends.map_or(NamedBy::Option, |(_, at)| NamedBy::Extends(at.clone()));
            let entry: &grammar::Entry = self.entry(name, by)?.1;
            settings = settings.over(entry.settings.clone());
            extends = entry.extends.as_ref();
            let Some((next, at)) = extends else { return Ok(settings) };
            if seen.contains(&next.as_str()) {
                return Err(Error::Circle { at: at.clone(), name: next.clone() });
            }
            seen.push(next);
        }
    }
}

impl Said {
    fn by(environment: &Environment) -> Result<Self, Error> {
        let server = match environment.text("ENVOI_SERVER")? {
            None => None,
            Some(text) => {
                Some(ServerUrl::parse(&Zeroizing::new(text), Origin::Environment).map_err(
                    |error| Error::Variable { variable: "ENVOI_SERVER", reason: error.to_string() },
                )?)
            }
        };
        let in_variable = environment.has("ENVOI_PASSWORD");
        let in_file = environment.get("ENVOI_PASSWORD_FILE").map(PathBuf::from);
        if in_variable && in_file.is_some() {
            return Err(Error::Variable {
                variable: "ENVOI_PASSWORD_FILE",
                reason: "ENVOI_PASSWORD is set too, and only one of them can be right".to_owned(),
            });
        }
        let variable = in_variable.then(|| SecretSource::Env("ENVOI_PASSWORD".to_owned()));
        Ok(Said {
            account: environment.text("ENVOI_ACCOUNT")?,
            from: environment.text("ENVOI_FROM")?,
            server,
            user: environment.text("ENVOI_USER")?,
            password: variable.or(in_file.map(SecretSource::File)),
        })
    }

    /// The account that the environment is on its own.
    fn settings(&self) -> Settings {
        Settings {
            servers: self.server.clone().map(|url| vec![url]),
            user: self.user.clone(),
            password: self.password.clone(),
            ..Settings::default()
        }
    }

    /// Lends user and password to an account that lacks them. With
    /// `ENVOI_SERVER` they are for that server and no other; a password is
    /// never lent to another user than the one it came with.
    fn sign_in(&self, mut said: Settings) -> Settings {
        let users: Vec<_> = said.servers.iter().flatten().map(ServerUrl::user).collect();
        let foreign = |user: &str| self.user.as_deref().is_some_and(|ours| ours != user);
        let kept_back = self.server.is_some()
            || said.password.is_some()
            || said.user.as_deref().is_some_and(foreign)
            || users.iter().flatten().any(|user| foreign(user));
        if kept_back {
            return said;
        }
        if said.user.is_none() {
            said.user.clone_from(&self.user);
        }
        if said.names_a_user() {
            said.password.clone_from(&self.password);
        }
        said
    }
}

/// Equal as mail addresses are (RFC 5321 §2.4).
fn is_same(one: &str, other: &str) -> bool {
    match (one.rsplit_once('@'), other.rsplit_once('@')) {
        (Some((local, domain)), Some((other_local, other_domain))) => {
            local == other_local && domain.eq_ignore_ascii_case(other_domain)
        }
        _ => one == other,
    }
}

#[cfg(test)]
mod tests;
