//! Where what a login gave is kept.

use super::error::OAuthError;
use super::issuer::Issuer;
use super::record::Record;
use crate::account::secret::{SecretError, SecretSource, Whose, World};
use std::fmt;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::str::FromStr;

/// Where what a login gave is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TokenStore {
    /// The keyring of the desktop, an entry for each user of an issuer.
    #[default]
    Keyring,
    /// A file of mode 0600, for one login.
    File(PathBuf),
}

impl fmt::Display for TokenStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TokenStore::Keyring => f.write_str("the keyring"),
            TokenStore::File(path) => path.display().fmt(f),
        }
    }
}

impl FromStr for TokenStore {
    type Err = &'static str;

    /// Takes `keyring` and `file:PATH`.
    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text.split_once(':') {
            None if text == "keyring" => Ok(TokenStore::Keyring),
            Some(("file", path)) if !path.trim().is_empty() => Ok(TokenStore::File(path.into())),
            _ => Err("it is keyring or file:PATH"),
        }
    }
}

/// The place of one login.
#[derive(Clone, Copy)]
pub(super) struct Shelf<'w> {
    pub(super) store: &'w TokenStore,
    pub(super) issuer: &'w Issuer,
    pub(super) user: &'w str,
    pub(super) world: World<'w>,
}

impl Shelf<'_> {
    /// What is kept there, if anything.
    pub(super) fn read(self) -> Result<Option<Record>, OAuthError> {
        let read = self.with_source(|source, whose| source.read(whose, self.world));
        let damaged = |why| OAuthError::Damaged { place: self.store.to_string(), why };
        let line = match read {
            Ok(line) => line,
            Err(SecretError::NotInKeyring { .. }) => return Ok(None),
            Err(SecretError::UnreadableFile { source, .. })
                if source.kind() == ErrorKind::NotFound =>
            {
                return Ok(None);
            }
            Err(SecretError::Interrupted) => return Err(OAuthError::Interrupted),
            Err(SecretError::Empty { .. }) => return Err(damaged("it is empty".to_owned())),
            Err(source) => return Err(OAuthError::Store { doing: "read", source }),
        };
        let record = Record::read(&line).map_err(damaged)?;
        if record.user != self.user {
            let place = self.store.to_string();
            return Err(OAuthError::OtherUser { place, user: record.user });
        }
        Ok(Some(record))
    }

    /// Refuses a place where nothing could be kept, before anybody logs in.
    pub(super) fn check(self) -> Result<(), OAuthError> {
        self.with_source(|source, _| source.may_be_replaced())
            .map_err(|source| OAuthError::Store { doing: "kept", source })
    }

    /// Keeps this, in place of what was there.
    pub(super) fn keep(self, record: &Record) -> Result<(), OAuthError> {
        let line = record.line();
        self.with_source(|source, whose| source.keep(whose, &line, self.world))
            .map_err(|source| OAuthError::Store { doing: "kept", source })
    }

    /// Removes what is there.
    pub(super) fn clear(self) -> Result<(), OAuthError> {
        self.with_source(|source, whose| source.forget(whose, self.world))
            .map_err(|source| OAuthError::Store { doing: "removed", source })
    }

    /// A login is a secret like any other, of a host that no mail server is.
    fn with_source<T>(self, what: impl FnOnce(&SecretSource, Whose<'_>) -> T) -> T {
        let source = match self.store {
            TokenStore::Keyring => SecretSource::Keyring,
            TokenStore::File(path) => SecretSource::File(path.clone()),
        };
        let host = format!("oauth2:{}", self.issuer.place());
        what(&source, Whose { user: self.user, host: &host })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_the_keyring_or_a_file() {
        assert_eq!("keyring".parse(), Ok(TokenStore::Keyring));
        assert_eq!("file:/a:b".parse(), Ok(TokenStore::File("/a:b".into())));
        for text in ["", "file:", "file", "keyring:x", "env:X"] {
            assert!(text.parse::<TokenStore>().is_err(), "{text}");
        }
    }
}
