//! The certificate by which we say who we are (RFC 8446 §4.4.2), and its key.

use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::pki_types::{PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// A certificate with those behind it, and a key that fits it.
#[derive(Clone)]
pub struct ClientCertificate(Arc<CertifiedKey>);

/// Why there is none. It never holds a part of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientCertificateError {
    /// No certificate in PEM.
    #[error("there is no certificate in PEM form in it")]
    NoCertificate,
    /// One that cannot be read.
    #[error("a certificate in it is damaged")]
    DamagedCertificate,
    /// No private key in PEM.
    #[error("there is no private key in PEM form in it")]
    NoKey,
    /// A key under a password.
    #[error("the key in it is locked by a password")]
    Locked,
    /// A key that is cut off, or of a kind or size that ring does not take.
    #[error(
        "the key in it is damaged, or neither RSA of 2048 to 4096 bits, P-256, P-384 nor Ed25519"
    )]
    UnusableKey,
    /// A key of something else.
    #[error("the key is not that of the certificate")]
    Mismatch,
}

impl ClientCertificate {
    /// Reads a certificate, those that vouch for it behind it, and its key as
    /// PKCS#8, PKCS#1 or SEC1, all in PEM.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, ClientCertificateError> {
        use ClientCertificateError::{DamagedCertificate, Mismatch, NoCertificate};
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificates).collect();
        let chain = chain.map_err(|_| DamagedCertificate)?;
        if chain.is_empty() {
            return Err(NoCertificate);
        }
        let (form, der) = private_key(key)?;
        let key =
            any_supported_type(&form.of(&der)).map_err(|_| ClientCertificateError::UnusableKey)?;
        let certified = CertifiedKey::new(chain, key);
        match certified.keys_match() {
            Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => {
                Ok(ClientCertificate(Arc::new(certified)))
            }
            Err(Error::InconsistentKeys(_)) => Err(Mismatch),
            Err(_) => Err(DamagedCertificate),
        }
    }

    pub(super) fn certified(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.0)
    }
}

impl fmt::Debug for ClientCertificate {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientCertificate")
    }
}

impl PartialEq for ClientCertificate {
    /// True for clones.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// How a private key is written.
#[derive(Clone, Copy)]
enum Form {
    Pkcs8,
    Pkcs1,
    Sec1,
}

impl Form {
    const ALL: [(&'static [u8], Form); 3] = [
        (b"-----BEGIN PRIVATE KEY-----", Form::Pkcs8),
        (b"-----BEGIN RSA PRIVATE KEY-----", Form::Pkcs1),
        (b"-----BEGIN EC PRIVATE KEY-----", Form::Sec1),
    ];

    /// A view of the key. The octets stay where they are, and are cleared there.
    fn of(self, der: &[u8]) -> PrivateKeyDer<'_> {
        match self {
            Form::Pkcs8 => PrivatePkcs8KeyDer::from(der).into(),
            Form::Pkcs1 => PrivatePkcs1KeyDer::from(der).into(),
            Form::Sec1 => PrivateSec1KeyDer::from(der).into(),
        }
    }
}

/// The first private key in a text (RFC 7468 §10, RFC 5915 §4), without leaving
/// a copy of it in memory.
fn private_key(pem: &[u8]) -> Result<(Form, Zeroizing<Vec<u8>>), ClientCertificateError> {
    use ClientCertificateError::{Locked, NoKey, UnusableKey};
    let mut lines = pem.split(|&octet| octet == b'\n').map(<[u8]>::trim_ascii);
    let form = lines.find_map(|line| {
        if line == b"-----BEGIN ENCRYPTED PRIVATE KEY-----" {
            return Some(Err(Locked));
        }
        Form::ALL.iter().find(|(begin, _)| *begin == line).map(|(_, form)| Ok(*form))
    });
    let form = form.ok_or(NoKey)??;
    // The room is made beforehand, so that no copy stays behind in memory that
    // was given back while growing.
    let mut text = Zeroizing::new(Vec::with_capacity(pem.len()));
    for line in lines {
        if line.starts_with(b"-----END ") {
            let length = encodify::base64::STANDARD.decode_in_place(&mut text).map(|der| der.len());
            text.truncate(length.map_err(|_| UnusableKey)?);
            return Ok((form, text));
        }
        // RFC 1421 §4.6.1.1: such a field stands before locked keys only.
        if line.starts_with(b"Proc-Type:") {
            return Err(Locked);
        }
        text.extend_from_slice(line);
    }
    Err(UnusableKey)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ClientCertificateError::*;

    const RSA: &str = include_str!("../../tests/keys/rsa.pem");

    fn made() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    fn read(certificates: &str, key: &str) -> Result<ClientCertificate, ClientCertificateError> {
        ClientCertificate::from_pem(certificates.as_bytes(), key.as_bytes())
    }

    #[test]
    fn a_key_may_stand_in_the_file_of_its_certificate() {
        let (certificate, key) = made();
        assert!(read(&certificate, &key).is_ok());
        for both in [format!("{certificate}{key}"), format!("{key}{certificate}")] {
            assert!(read(&both, &both).is_ok());
        }
    }

    #[test]
    fn what_cannot_be_used_is_told_apart() {
        let (certificate, key) = made();
        let locked = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END";
        let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAA==\n-----END";
        let cut = &key[..key.len() / 2];
        let torn = certificate.replace("MI", "A");
        for (certificates, key, expected) in [
            ("", &*key, NoCertificate),
            (&torn, &key, DamagedCertificate),
            (&certificate, &certificate, NoKey),
            (&certificate, "", NoKey),
            (&certificate, locked, Locked),
            (&certificate, old, Locked),
            (&certificate, cut, UnusableKey),
            (&certificate, &made().1, Mismatch),
            (&certificate, RSA, Mismatch),
        ] {
            assert_eq!(read(certificates, key).unwrap_err(), expected, "{key}");
        }
    }

    #[test]
    fn nothing_of_a_key_is_shown() {
        // SEC-7
        let (certificate, key) = made();
        assert_eq!(format!("{:?}", read(&certificate, &key).unwrap()), "ClientCertificate");
    }
}
