//! The authorities that are trusted.

use super::error::Error;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::path::{Path, PathBuf};

/// The authorities that are trusted.
#[derive(Clone, Debug, Default)]
pub struct Roots {
    /// Certificates in PEM files. Where there are any, and neither of the
    /// following, only these are trusted.
    pub files: Vec<PathBuf>,
    /// The authorities that the operating system trusts.
    pub system: bool,
    /// Certificates in hand.
    pub given: Vec<CertificateDer<'static>>,
}

impl Roots {
    /// Reads the files, so that one that is no good is found before anybody is
    /// asked.
    pub fn check(&self) -> Result<(), Error> {
        let mut store = RootCertStore::empty();
        self.files.iter().try_for_each(|path| add_file(&mut store, path))
    }

    /// All of them, ready to check a certificate against.
    pub(super) fn store(&self) -> Result<RootCertStore, Error> {
        let mut store = RootCertStore::empty();
        if !self.system && self.files.is_empty() && self.given.is_empty() {
            store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            return Ok(store);
        }
        for certificate in &self.given {
            store.add(certificate.clone()).map_err(Error::Tls)?;
        }
        for path in &self.files {
            add_file(&mut store, path)?;
        }
        if self.system {
            let found = rustls_native_certs::load_native_certs();
            if store.add_parsable_certificates(found.certs).0 == 0 {
                let reason =
                    found.errors.first().map_or("none is installed".into(), ToString::to_string);
                return Err(Error::SystemRoots(reason));
            }
        }
        Ok(store)
    }
}

fn add_file(store: &mut RootCertStore, path: &Path) -> Result<(), Error> {
    let unusable = |reason: String| Error::Roots { path: path.to_owned(), reason };
    let pem = std::fs::read(path).map_err(|e| unusable(e.to_string()))?;
    let before = store.len();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|e| unusable(e.to_string()))?;
        store.add(certificate).map_err(|e| unusable(e.to_string()))?;
    }
    if store.len() == before {
        return Err(unusable("it holds no certificate in PEM".to_owned()));
    }
    Ok(())
}
