//! Who signs the messages of an account: which domain, by which key, and where
//! that is kept.

use super::key_file::{self, KeyFileError};
use super::private_file::Fault;
use crate::message::dkim::{Canonicalization, Key, KeyError, Selector, Signer, SigningDomain};
use std::io;
use std::path::PathBuf;

/// A signature that messages get, the key still in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dkim {
    /// Who answers for the message.
    pub domain: SigningDomain,
    /// Which of the domain's keys it is.
    pub selector: Selector,
    /// The file of the private key.
    pub key: PathBuf,
    /// What is hashed in place of header and body.
    pub canonicalization: Canonicalization,
}

/// Why there is no key to sign with. It never holds a part of one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DkimError {
    /// The file is missing, forbidden, or fails while being read.
    #[error("cannot read the DKIM key {file}", file = .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A directory, or something that could be waited for.
    #[error("the DKIM key {file} is not a regular file", file = .file.display())]
    NotAFile {
        /// The path.
        file: PathBuf,
    },
    /// People could read or write it who should not (checklist SEC-9).
    #[error("the DKIM key {file} is not safe to sign with: {fault}", file = .file.display())]
    Exposed {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        fault: Fault,
    },
    /// What it holds is no good.
    #[error("the DKIM key {file} is no good: {reason}", file = .file.display())]
    Unfit {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: KeyError,
    },
}

impl Dkim {
    /// Reads the key.
    pub fn signer(&self) -> Result<Signer, DkimError> {
        let file = || self.key.clone();
        let pem = key_file::read(&self.key).map_err(|error| match error {
            KeyFileError::Unreadable(source) => DkimError::Unreadable { file: file(), source },
            KeyFileError::NotAFile => DkimError::NotAFile { file: file() },
            KeyFileError::Exposed(fault) => DkimError::Exposed { file: file(), fault },
        })?;
        let unfit = |reason| DkimError::Unfit { file: file(), reason };
        Ok(Signer {
            domain: self.domain.clone(),
            selector: self.selector.clone(),
            canonicalization: self.canonicalization,
            key: Key::from_pem(&pem).map_err(unfit)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    const KEY: &str = include_str!("../../tests/keys/ed25519.pem");

    fn dkim(key: &Path) -> Dkim {
        Dkim {
            domain: "example.org".parse().unwrap(),
            selector: "mail".parse().unwrap(),
            key: key.to_owned(),
            canonicalization: Canonicalization::default(),
        }
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        // DKIM-key, SEC-9
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("dkim.pem");
        std::fs::write(&path, KEY).unwrap();
        for mode in [0o600, 0o400, 0o640, 0o604, 0o660, 0o644] {
            std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            match dkim(&path).signer() {
                Ok(signer) => {
                    assert_eq!((mode & 0o077, signer.key.algorithm()), (0, "ed25519-sha256"));
                }
                Err(DkimError::Exposed { fault, .. }) => assert_eq!(fault, Fault::Mode(mode)),
                Err(error) => panic!("{mode:o}: {error}"),
            }
        }
    }

    #[test]
    fn what_is_no_file_is_refused_without_waiting() {
        // DKIM-key
        let directory = tempfile::tempdir().unwrap();
        for path in [directory.path(), Path::new("/dev/null")] {
            let error = dkim(path).signer().unwrap_err();
            assert!(matches!(error, DkimError::NotAFile { .. }), "{error}");
        }
        let error = dkim(&directory.path().join("none")).signer().unwrap_err();
        assert!(matches!(error, DkimError::Unreadable { .. }), "{error}");
    }
}
