//! Putting secrets away: into the keyring, or into files that appear whole or
//! not at all.

use super::keyring::Keyring;
use super::wait::Octets;
use super::{LONGEST, Secret, SecretError, SecretSource, Whose, World};
use crate::account::whole_file;
use std::fs::File;
use std::io;
use std::path::Path;

impl SecretSource {
    /// The same, for who may have to put back what was there.
    pub fn replace(
        &self,
        whose: Whose<'_>,
        secret: &Secret,
        world: World<'_>,
    ) -> Result<Replaced, SecretError> {
        let before = match self.read(whose, world) {
            Ok(before) => Some(before),
            Err(SecretError::NotInKeyring { .. } | SecretError::Empty { .. }) => None,
            Err(SecretError::UnreadableFile { source, .. })
                if source.kind() == io::ErrorKind::NotFound =>
            {
                None
            }
            Err(error) => return Err(error),
        };
        self.keep(whose, secret, world)?;
        Ok(Replaced(before))
    }

    /// Puts back what was there.
    pub fn put_back(
        &self,
        whose: Whose<'_>,
        replaced: &Replaced,
        world: World<'_>,
    ) -> Result<(), SecretError> {
        match &replaced.0 {
            Some(before) => self.keep(whose, before, world),
            None => self.forget(whose, world),
        }
    }

    /// Whether what is there may be replaced, as far as that shows before.
    pub fn may_be_replaced(&self) -> Result<(), SecretError> {
        match self.place()? {
            Place::Keyring => Ok(()),
            Place::File(path) => {
                holds_only_a_secret(path)?;
                whole_file::refuse_other_kinds(path)
                    .map_err(|source| SecretError::Unwritten { file: path.to_owned(), source })
            }
        }
    }

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
            Place::File(path) => {
                holds_only_a_secret(path)?;
                whole_file::write(path, octets, 0o600)
                    .map_err(|source| SecretError::Unwritten { file: path.to_owned(), source })
            }
        }
    }

    /// Removes the secret. That there was none is no error.
    pub fn forget(&self, whose: Whose<'_>, world: World<'_>) -> Result<(), SecretError> {
        match self.place()? {
            Place::Keyring => Keyring::of_platform().forget(whose, world),
            Place::File(path) => {
                holds_only_a_secret(path)?;
                whole_file::remove(path)
                    .map_err(|source| SecretError::Unwritten { file: path.to_owned(), source })
            }
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

/// A file of several lines is somebody's text, named by mistake.
fn holds_only_a_secret(path: &Path) -> Result<(), SecretError> {
    // What cannot be read is told by whoever writes.
    let Ok(file) = File::open(path).and_then(|file| file.metadata().map(|it| (file, it))) else {
        return Ok(());
    };
    let (file, facts) = file;
    if !facts.is_file() {
        return Ok(());
    }
    let mut octets = Octets::up_to(LONGEST + 1);
    while !octets.is_full() && octets.read_some(&file).unwrap_or(false) {}
    let text = octets.as_slice();
    let line = text.strip_suffix(b"\n").unwrap_or(text);
    if octets.is_full() || line.contains(&b'\n') {
        return Err(SecretError::OtherContent { file: path.to_owned() });
    }
    Ok(())
}

/// What was in a place before, perhaps nothing.
#[derive(Debug)]
pub struct Replaced(Option<Secret>);

/// What secrets are put into.
enum Place<'s> {
    Keyring,
    File(&'s Path),
}
