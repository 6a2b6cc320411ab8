//! `[rewrite]`, together with what the machine says.

use super::choice::Accounts;
use super::error::Error;
use super::machine::{Machine, small_file};
use crate::smtp::Domain;
use std::io;
use std::path::PathBuf;

/// What is done to the addresses of mail that programs of this machine send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewriting {
    /// What a name without a domain is given.
    pub domain: Option<Domain>,
    /// The names of this machine.
    pub hosts: Vec<Domain>,
    /// The file of aliases and its octets, if there is one.
    pub aliases: Option<(PathBuf, Vec<u8>)>,
    /// What is done with From.
    pub from: FromRule,
}

/// `[rewrite] from`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FromRule {
    /// It stays as it is.
    Keep,
    /// A bare name is given a domain.
    #[default]
    Qualify,
    /// It becomes the account's own.
    Set,
}

impl FromRule {
    /// Every rule with its name.
    pub const ALL: [(&'static str, FromRule); 3] =
        [("keep", FromRule::Keep), ("qualify", FromRule::Qualify), ("set", FromRule::Set)];

    pub(super) fn named(name: &str) -> Option<Self> {
        FromRule::ALL.iter().find(|(known, _)| *known == name).map(|(_, rule)| *rule)
    }
}

/// `[rewrite]` of a file: `None` is not said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RewriteSettings {
    /// What a name without a domain is given.
    pub domain: Option<Domain>,
    /// The file of aliases.
    pub aliases: Option<PathBuf>,
    /// What is done with From.
    pub from: Option<FromRule>,
}

impl RewriteSettings {
    pub(super) fn over(self, below: RewriteSettings) -> RewriteSettings {
        RewriteSettings {
            domain: self.domain.or(below.domain),
            aliases: self.aliases.or(below.aliases),
            from: self.from.or(below.from),
        }
    }
}

impl Accounts {
    /// The file of aliases that is configured, which matters with an msmtprc.
    pub fn aliases(&self, account: Option<&str>) -> Option<PathBuf> {
        self.rewrite_settings(account).aliases
    }

    /// What is done to addresses of system mail that goes through this account,
    /// which matters with an msmtprc. A file of aliases that is configured must
    /// exist; the usual one need not, and msmtp has none.
    pub fn rewriting(&self, machine: &Machine, account: Option<&str>) -> Result<Rewriting, Error> {
        let said = self.rewrite_settings(account);
        let usual = Some(&machine.aliases).filter(|_| self.foreign().is_none());
        let file = said.aliases.as_ref().or(usual);
        let aliases = match file.map(|file| (file, small_file(file))) {
            None => None,
            Some((file, Ok(octets))) => Some((file.clone(), octets)),
            Some((_, Err(error)))
                if said.aliases.is_none() && error.kind() == io::ErrorKind::NotFound =>
            {
                None
            }
            Some((file, Err(source))) => {
                return Err(Error::Aliases { file: file.clone(), source });
            }
        };
        Ok(Rewriting {
            domain: said.domain.or_else(|| machine.domain()),
            hosts: machine.hosts(),
            aliases,
            from: said.from.unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Environment, Files};
    use super::*;
    use std::fs;

    fn rewriting(config: &str, aliases: Option<&str>) -> Result<Rewriting, Error> {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::write(path("config.toml"), config).unwrap();
        if let Some(text) = aliases {
            fs::write(path("aliases"), text).unwrap();
        }
        let files = Files { only: Some(path("config.toml")), system: path("none"), user: None };
        let machine = Machine {
            mail_name: path("mailname"),
            node: "box.example.org".to_owned(),
            users: path("passwd"),
            aliases: path("aliases"),
        };
        Accounts::read(files, &Environment::from([("HOME", "/")]))?.rewriting(&machine, None)
    }

    #[test]
    fn what_the_table_does_not_say_the_machine_does() {
        let rules = rewriting("", Some("root: a@x.example\n")).unwrap();
        assert_eq!(rules.domain.unwrap().to_string(), "box.example.org");
        assert_eq!(rules.aliases.unwrap().1, b"root: a@x.example\n");
        assert_eq!(rules.from, FromRule::Qualify);
        let rules = rewriting("[rewrite]\ndomain = 'example.net'\nfrom = 'set'\n", None).unwrap();
        assert_eq!(rules.domain.unwrap().to_string(), "example.net");
        assert_eq!((rules.aliases, rules.from), (None, FromRule::Set));
    }

    #[test]
    fn a_file_of_aliases_that_is_configured_must_exist() {
        let error = rewriting("[rewrite]\naliases = 'other'\n", Some("")).unwrap_err();
        let Error::Aliases { file, .. } = &error else { panic!("{error}") };
        assert!(file.ends_with("other"), "{error}");
    }
}
