//! What a choice came to: which account, why this one, and who said what of it.

use super::Account;
use super::error::Error;
use super::grammar::Entry;
use super::pattern::Pattern;
use super::proxy::ProxyChoice;
use super::secret::SecretSource;
use super::settings::Settings;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::Path;

/// An account that was chosen and is not put together yet.
#[derive(Debug)]
pub struct Chosen<'a> {
    pub(super) name: Option<&'a str>,
    pub(super) reason: Reason<'a>,
    /// Each lies over the ones behind it.
    pub(super) layers: Vec<Layer<'a>>,
    pub(super) max_recipients: Option<NonZeroUsize>,
    /// It is all users', and nobody says here where to, or who signs in.
    pub(super) is_shared: bool,
}

/// What one source says.
#[derive(Debug)]
pub(super) struct Layer<'a> {
    pub(super) by: By<'a>,
    pub(super) settings: Settings,
}

/// Who says it.
#[derive(Clone, Copy, Debug)]
pub(super) enum By<'a> {
    CommandLine,
    Environment,
    /// The table of an account, the chosen one or one that it extends.
    Account {
        name: &'a str,
        entry: &'a Entry,
    },
}

/// Why it is this account, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason<'a> {
    /// `--account` names it.
    Named,
    /// None: `--server` says where mail goes.
    Server,
    /// `ENVOI_ACCOUNT` names it.
    Variable,
    /// None: `ENVOI_SERVER` says where mail goes.
    ServerVariable,
    /// It is for this sender.
    Sender {
        /// The sender's address.
        sender: String,
        /// What of the account fits it.
        fit: Fit<'a>,
        /// Others that fit as well, but are not the default.
        others: Vec<&'a str>,
    },
    /// It is the default.
    Default {
        /// The sender that no account is for, if one was given.
        sender: Option<String>,
    },
    /// It is the only one.
    Only {
        /// The sender that no account is for, if one was given.
        sender: Option<String>,
    },
}

/// What of an account fits a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit<'a> {
    /// Its `from`.
    From,
    /// This pattern of its `match`.
    Match(&'a Pattern),
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// An option.
    CommandLine,
    /// This variable of the environment.
    Variable(&'static str),
    /// The table of an account.
    File {
        /// The account, which may be one that the chosen one extends.
        account: &'a str,
        /// The file.
        file: &'a Path,
        /// The line of the key, counted from 1.
        line: usize,
    },
    /// Nobody says it.
    Default,
}

impl<'a> Chosen<'a> {
    /// The name of the account; `None` where a server stands in for one.
    pub fn name(&self) -> Option<&'a str> {
        self.name
    }

    /// Why it is this one.
    pub fn reason(&self) -> &Reason<'a> {
        &self.reason
    }

    /// Puts the account together; an error if what was said does not go
    /// together, or mail has nowhere to go.
    pub fn account(&self) -> Result<Account, Error> {
        let account = Account::of(self.name, self.said(), self.max_recipients)?;
        Ok(Account { is_shared: self.is_shared, ..account })
    }

    /// Everything that was said, what was said later over what was said before.
    pub fn said(&self) -> Settings {
        together(&self.layers)
    }

    /// Who says the value of a key that counts. `is_said` tells whether
    /// settings say something of it.
    pub fn place(&self, key: &str, is_said: impl Fn(&Settings) -> bool) -> Place<'a> {
        let Some(layer) = self.layers.iter().find(|layer| is_said(&layer.settings)) else {
            return Place::Default;
        };
        match layer.by {
            By::CommandLine => Place::CommandLine,
            By::Environment => Place::Variable(variable(key, &layer.settings)),
            By::Account { name, entry } => {
                let line = entry.lines.get(key).copied().unwrap_or(entry.line);
                Place::File { account: name, file: &entry.file, line }
            }
        }
    }

    /// The accounts that it extends, the nearest first, and where it says so.
    pub fn extends(&self) -> Option<(Vec<&'a str>, Place<'a>)> {
        let mut accounts = self.layers.iter().filter_map(|layer| match layer.by {
            By::Account { name, entry } => Some((name, entry)),
            By::CommandLine | By::Environment => None,
        });
        let (account, entry) = accounts.next()?;
        let line = *entry.lines.get("extends")?;
        let names = accounts.map(|(name, _)| name).collect();
        Some((names, Place::File { account, file: &entry.file, line }))
    }
}

impl<'a> Layer<'a> {
    /// The account whose table says it.
    pub(super) fn account(&self) -> Option<&'a str> {
        match self.by {
            By::Account { name, .. } => Some(name),
            By::CommandLine | By::Environment => None,
        }
    }
}

impl fmt::Display for Fit<'_> {
    /// As it stands in a file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fit::From => f.write_str("from"),
            Fit::Match(pattern) => write!(f, "match {pattern}"),
        }
    }
}

/// Lays each over those behind it.
pub(super) fn together(layers: &[Layer<'_>]) -> Settings {
    layers.iter().fold(Settings::default(), |above, layer| above.over(layer.settings.clone()))
}

/// The variable that says the value of a key.
fn variable(key: &str, settings: &Settings) -> &'static str {
    match key {
        "proxy" => match &settings.proxy {
            Some(ProxyChoice::Environment(said)) => said.variable(),
            _ => "ALL_PROXY",
        },
        "from" => "ENVOI_FROM",
        "server" => "ENVOI_SERVER",
        "user" => "ENVOI_USER",
        _ if matches!(settings.password, Some(SecretSource::File(_))) => "ENVOI_PASSWORD_FILE",
        _ => "ENVOI_PASSWORD",
    }
}
