//! Putting secrets away: into the keyring, or into files that appear whole or
//! not at all.

use super::keyring::Keyring;
use super::{LONGEST, Secret, SecretError, SecretSource, Whose, World};
use crate::account::whole_file;
use std::path::Path;

impl SecretSource {
    /// Puts a secret where this source finds it, in place of one that was
    /// there. Only the keyring and files take one.
    pub fn keep(
        &self,
        whose: Whose<'_>,
        secret: &Secret,
        world: World<'_>,
    ) -> Result<(), SecretError> {
        let octets = secret.expose();
        if octets.len() > LONGEST {
            return Err(SecretError::TooLong { what: "the secret".to_owned() });
        }
        match self.place()? {
            Place::Keyring => Keyring::of_platform().keep(whose, octets, world),
            Place::File(path) => whole_file::write(path, octets, 0o600)
                .map_err(|source| SecretError::Unwritten { file: path.to_owned(), source }),
        }
    }

    /// Removes the secret. That there was none is no error.
    pub fn forget(&self, whose: Whose<'_>, world: World<'_>) -> Result<(), SecretError> {
        match self.place()? {
            Place::Keyring => Keyring::of_platform().forget(whose, world),
            Place::File(path) => whole_file::remove(path)
                .map_err(|source| SecretError::Unwritten { file: path.to_owned(), source }),
        }
    }

    fn place(&self) -> Result<Place<'_>, SecretError> {
        match self {
            SecretSource::Keyring => Ok(Place::Keyring),
            SecretSource::File(path) => Ok(Place::File(path)),
            SecretSource::Value(_)
            | SecretSource::Env(_)
            | SecretSource::Command(_)
            | SecretSource::Fd(_)
            | SecretSource::Credential(_)
            | SecretSource::Netrc(_)
            | SecretSource::Prompt => Err(SecretError::NotAPlace { place: self.to_string() }),
        }
    }
}

/// What secrets are put into.
enum Place<'s> {
    Keyring,
    File(&'s Path),
}
