//! By which certificate the client says who it is, and where its key is.

use super::error::Error;
use super::key_file::{self, KeyFileError};
use crate::net::{ClientCertificate, ClientCertificateError};
use std::io;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The files of a certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificateFiles {
    /// The certificate, and those that vouch for it.
    pub certificate: PathBuf,
    /// The key; `None` where it stands in the same file.
    pub key: Option<PathBuf>,
}

/// Why there is no certificate to show. It never holds a part of a key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientFilesError {
    /// The file of the certificate is missing, forbidden, or fails.
    #[error("cannot read the client certificate {file}", file = .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file of the key gives none.
    #[error("the TLS key {file} is no good: {reason}", file = .file.display())]
    Key {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: KeyFileError,
    },
    /// What they hold is no good.
    #[error("the client certificate {files} is no good: {reason}", files = .files.shown())]
    Unfit {
        /// Both files.
        files: ClientCertificateFiles,
        /// What is wrong with them.
        reason: ClientCertificateError,
    },
}

impl ClientCertificateFiles {
    /// The files of what `tls-cert` and `tls-key` say.
    pub(super) fn of(
        certificate: Option<PathBuf>,
        key: Option<PathBuf>,
    ) -> Result<Option<Self>, Error> {
        match (certificate, key) {
            (Some(certificate), key) => Ok(Some(ClientCertificateFiles { certificate, key })),
            (None, None) => Ok(None),
            (None, Some(_)) => Err(Error::KeyWithoutCertificate),
        }
    }

    /// Reads both.
    pub fn read(&self) -> Result<ClientCertificate, ClientFilesError> {
        let file = self.key.as_ref().unwrap_or(&self.certificate);
        let bad_key = |reason| ClientFilesError::Key { file: file.clone(), reason };
        // The certificate is no secret, but for a key in its file.
        let certificate = self.key.as_ref().map(|_| std::fs::read(&self.certificate)).transpose();
        let certificate = certificate.map_err(|source| ClientFilesError::Unreadable {
            file: self.certificate.clone(),
            source,
        })?;
        let key = key_file::read(file).map_err(|reason| match (reason, &self.key) {
            (KeyFileError::Unreadable(source), None) => {
                ClientFilesError::Unreadable { file: file.clone(), source }
            }
            // Whoever forgot to name the key need not close the certificate.
            (KeyFileError::Exposed(_), None) if !holds_a_key(file) => {
                let reason = ClientCertificateError::NoKey;
                ClientFilesError::Unfit { files: self.clone(), reason }
            }
            (reason, _) => bad_key(reason),
        })?;
        ClientCertificate::from_pem(certificate.as_deref().unwrap_or(&key), &key)
            .map_err(|reason| ClientFilesError::Unfit { files: self.clone(), reason })
    }

    /// One file or two, by their names.
    fn shown(&self) -> String {
        let certificate = self.certificate.display();
        match &self.key {
            Some(key) => format!("{certificate} with the key {}", key.display()),
            None => certificate.to_string(),
        }
    }
}

/// Whether there is a private key in a file, by the look of it.
fn holds_a_key(file: &Path) -> bool {
    let octets = std::fs::read(file).map(Zeroizing::new).unwrap_or_default();
    memchr::memmem::find(&octets, b"PRIVATE KEY-----").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Fault;
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    fn write(directory: &Path, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = directory.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn a_key_that_others_can_read_is_refused_in_a_file_of_its_own_or_not() {
        // TLS-cert
        let made = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path();
        let open = write(place, "a.pem", &certificate, 0o644);
        for mode in [0o600, 0o400, 0o640, 0o604, 0o644] {
            let key_file = write(place, &format!("{mode:o}.key"), &key, mode);
            let both = write(place, &format!("{mode:o}.pem"), &(certificate.clone() + &key), mode);
            for files in [
                ClientCertificateFiles { certificate: open.clone(), key: Some(key_file) },
                ClientCertificateFiles { certificate: both, key: None },
            ] {
                match files.read() {
                    Ok(_) => assert_eq!(mode & 0o077, 0, "{files:?}"),
                    Err(ClientFilesError::Key { reason: KeyFileError::Exposed(fault), .. }) => {
                        assert_eq!(fault, Fault::Mode(mode));
                    }
                    Err(error) => panic!("{mode:o}: {error}"),
                }
            }
        }
    }

    #[test]
    fn a_certificate_without_its_key_is_asked_for_the_key_whoever_can_read_it() {
        let made = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let certificate = write(directory.path(), "a.pem", &made.cert.pem(), 0o644);
        let error = ClientCertificateFiles { certificate, key: None }.read().unwrap_err();
        let is_told =
            matches!(error, ClientFilesError::Unfit { reason: ClientCertificateError::NoKey, .. });
        assert!(is_told, "{error}");
        let certificate = directory.path().join("none.pem");
        let error = ClientCertificateFiles { certificate, key: None }.read().unwrap_err();
        assert!(matches!(error, ClientFilesError::Unreadable { .. }), "{error}");
    }

    #[test]
    fn a_key_needs_a_certificate() {
        let error = ClientCertificateFiles::of(None, Some("a.key".into())).unwrap_err();
        assert!(matches!(error, Error::KeyWithoutCertificate));
    }
}
