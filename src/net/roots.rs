//! The authorities that are trusted.

use super::error::Error;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_native_certs::{CertificateResult, load_certs_from_paths, load_native_certs};
use std::path::{Path, PathBuf};

/// The authorities that are trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roots {
    /// Certificates in PEM files. Where there are any, and neither of the
    /// following, only these are trusted.
    pub files: Vec<PathBuf>,
    /// The authorities that the operating system trusts.
    pub system: bool,
    /// Where those are, if not where they usually are.
    pub system_paths: SystemPaths,
    /// Certificates in hand.
    pub given: Vec<CertificateDer<'static>>,
}

/// Where the environment says that the system's certificates are, in the
/// variables of openssl.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SystemPaths {
    /// `SSL_CERT_FILE`.
    pub file: Option<PathBuf>,
    /// `SSL_CERT_DIR`.
    pub directories: Vec<PathBuf>,
}

/// Where systems other than Apple's keep all their authorities in one file.
/// Directories beside them hold the same once more, a file each, and cost ten
/// times the time.
const BUNDLES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
    "/etc/ssl/cert.pem",
];

impl Roots {
    /// The same with the certificates of the files in hand, so that a file that
    /// is no good is found before anybody is asked, and none is read twice.
    pub fn read(mut self) -> Result<Self, Error> {
        for path in std::mem::take(&mut self.files) {
            self.given.extend(authorities(&path)?);
        }
        Ok(self)
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
            for certificate in authorities(path)? {
                store.add(certificate).map_err(Error::Tls)?;
            }
        }
        if self.system {
            let found = self.system_paths.load();
            if store.add_parsable_certificates(found.certs).0 == 0 {
                let reason =
                    found.errors.first().map_or("none is installed".into(), ToString::to_string);
                return Err(Error::SystemRoots(reason));
            }
        }
        Ok(store)
    }
}

impl SystemPaths {
    fn load(&self) -> CertificateResult {
        if self.file.is_some() || !self.directories.is_empty() {
            let mut found = load_certs_from_paths(self.file.as_deref(), None);
            for directory in &self.directories {
                let more = load_certs_from_paths(None, Some(directory));
                found.certs.extend(more.certs);
                found.errors.extend(more.errors);
            }
            return found;
        }
        let bundles = BUNDLES.iter().map(Path::new).filter(|_| cfg!(not(target_vendor = "apple")));
        let mut found = bundles.map(|bundle| load_certs_from_paths(Some(bundle), None));
        found.find(|found| !found.certs.is_empty()).unwrap_or_else(load_native_certs)
    }
}

/// The certificates in a PEM file; at least one.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let unusable = |reason: String| Error::Roots { path: path.to_owned(), reason };
    let pem = std::fs::read(path).map_err(|e| unusable(e.to_string()))?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let certificates = certificates.map_err(|e| unusable(e.to_string()))?;
    if certificates.is_empty() {
        return Err(unusable("it holds no certificate in PEM".to_owned()));
    }
    Ok(certificates)
}

/// The same, each of them fit to vouch for others.
fn authorities(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let certificates = certificates(path)?;
    let mut trial = RootCertStore::empty();
    for certificate in &certificates {
        let unusable =
            |e: rustls::Error| Error::Roots { path: path.to_owned(), reason: e.to_string() };
        trial.add(certificate.clone()).map_err(unusable)?;
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pem(name: &str) -> String {
        rcgen::generate_simple_self_signed([name.to_owned()]).unwrap().cert.pem()
    }

    fn of_system(file: Option<&Path>, directories: &[&Path]) -> Result<RootCertStore, Error> {
        let directories = directories.iter().map(PathBuf::from).collect();
        let system_paths = SystemPaths { file: file.map(PathBuf::from), directories };
        Roots { system: true, system_paths, ..Roots::default() }.store()
    }

    #[test]
    fn the_environment_says_where_the_systems_authorities_are() {
        let place = tempfile::tempdir().unwrap();
        let directory = place.path().join("certs");
        std::fs::create_dir(&directory).unwrap();
        let file = place.path().join("bundle.pem");
        std::fs::write(&file, pem("a.example") + &pem("b.example")).unwrap();
        std::fs::write(directory.join("c.pem"), pem("c.example")).unwrap();
        assert_eq!(of_system(Some(&file), &[]).unwrap().len(), 2);
        assert_eq!(of_system(None, &[&directory]).unwrap().len(), 1);
        assert_eq!(of_system(Some(&file), &[&directory]).unwrap().len(), 3);
    }

    #[test]
    fn a_place_without_authorities_is_an_error_and_no_other_place_is_looked_at() {
        let place = tempfile::tempdir().unwrap();
        let missing = place.path().join("none.pem");
        for (file, directories) in [(Some(&*missing), &[][..]), (None, &[place.path()])] {
            let error = of_system(file, directories).unwrap_err();
            assert!(matches!(error, Error::SystemRoots(_)), "{error}");
        }
    }
}
