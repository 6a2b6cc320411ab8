//! What a certificate says of itself, for people (RFC 5280 §4.1).

use super::pin::Fingerprint;
use rustls::pki_types::CertificateDer;
use rustls::server::ParsedCertificate;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::SystemTime;
use x509_cert::Certificate;
use x509_cert::der::asn1::{AnyRef, ObjectIdentifier, UintRef};
use x509_cert::der::{self, Decode, Encode, Reader, SliceReader};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name;
use x509_cert::spki::SubjectPublicKeyInfoOwned;

/// The readable part of one certificate. As the server sent it: escape it
/// before a person sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The subject's distinguished name.
    pub subject: String,
    /// The last common name in it.
    pub common_name: Option<String>,
    /// The issuer's distinguished name.
    pub issuer: String,
    /// The DNS names and addresses of the subject alternative name.
    pub names: Vec<String>,
    /// The mail addresses of the subject alternative name.
    pub mailboxes: Vec<String>,
    /// First moment of validity.
    pub not_before: SystemTime,
    /// Last moment of validity.
    pub not_after: SystemTime,
    /// The digest of the whole certificate.
    pub sha256: Fingerprint,
    /// The digest of its `SubjectPublicKeyInfo`.
    pub spki_sha256: Fingerprint,
    /// How long an RSA key is, in bits; `None` for other keys.
    pub rsa_bits: Option<usize>,
    /// The algorithm it is signed with, where that can be forged.
    pub forgeable: Option<&'static str>,
    /// The whole, in DER.
    pub der: Vec<u8>,
}

impl Summary {
    /// Reads a certificate in DER; `None` when it cannot be read.
    pub fn read(der: &[u8]) -> Option<Self> {
        let certificate = Certificate::from_der(der).ok()?;
        let contents = certificate.tbs_certificate();
        let (names, mailboxes) = match contents.get_extension::<SubjectAltName>() {
            Ok(Some((_, names))) => (
                names.0.iter().filter_map(readable).collect(),
                names.0.iter().filter_map(mailbox).collect(),
            ),
            _ => (Vec::new(), Vec::new()),
        };
        let key = contents.subject_public_key_info();
        let spki_sha256 = match key_info(der) {
            Some(info) => Fingerprint::of(info.as_ref()),
            None => Fingerprint::of(&key.to_der().ok()?),
        };
        Some(Summary {
            subject: contents.subject().to_string(),
            common_name: common_name(contents.subject()),
            issuer: contents.issuer().to_string(),
            names,
            mailboxes,
            not_before: contents.validity().not_before.to_system_time(),
            not_after: contents.validity().not_after.to_system_time(),
            sha256: Fingerprint::of(der),
            spki_sha256,
            rsa_bits: bits_of(key),
            forgeable: forgeable(certificate.signature_algorithm().oid),
            der: der.to_vec(),
        })
    }

    /// Its `SubjectPublicKeyInfo`, in DER.
    pub fn key_info(&self) -> Option<impl AsRef<[u8]> + use<>> {
        key_info(&self.der)
    }

    /// True when the certificate names itself as its issuer.
    pub fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }
}

/// How long the RSA key of a certificate in DER is, in bits; `None` for another
/// key.
pub(super) fn rsa_bits(certificate: &[u8]) -> Option<usize> {
    let certificate = Certificate::from_der(certificate).ok()?;
    bits_of(certificate.tbs_certificate().subject_public_key_info())
}

fn bits_of(key: &SubjectPublicKeyInfoOwned) -> Option<usize> {
    let is_rsa = key.algorithm.oid == RSA;
    is_rsa.then(|| modulus_bits(key.subject_public_key.raw_bytes()).ok()).flatten()
}

/// The `SubjectPublicKeyInfo` of a certificate, in DER: found by the reader that
/// also finds the key by which the handshake is checked, so that the two cannot
/// be different ones.
pub(super) fn key_info(certificate: &[u8]) -> Option<impl AsRef<[u8]> + use<>> {
    let certificate = CertificateDer::from(certificate);
    Some(ParsedCertificate::try_from(&certificate).ok()?.subject_public_key_info())
}

/// RFC 8017 §A.1.
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// RFC 5280 §A.1, `id-at-commonName`.
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// RFC 6194, RFC 6151: collisions are made at will, or nearly so.
fn forgeable(algorithm: ObjectIdentifier) -> Option<&'static str> {
    Some(match algorithm.to_string().as_str() {
        "1.2.840.113549.1.1.4" => "MD5 and RSA",
        "1.2.840.113549.1.1.5" => "SHA-1 and RSA",
        "1.2.840.10045.4.1" => "SHA-1 and ECDSA",
        _ => return None,
    })
}

fn common_name(name: &Name) -> Option<String> {
    let attributes = name.as_ref().iter().flat_map(|set| set.as_ref().iter());
    let value = attributes.filter(|it| it.oid == COMMON_NAME).last()?.value.value().to_vec();
    String::from_utf8(value).ok()
}

/// Of an `RSAPublicKey` (RFC 8017 §A.1.1).
fn modulus_bits(der: &[u8]) -> Result<usize, der::Error> {
    SliceReader::new(der)?.sequence(|key| {
        let modulus = UintRef::decode(key)?.as_bytes();
        AnyRef::decode(key)?;
        let unused = modulus.first().map_or(0, |first| first.leading_zeros() as usize);
        Ok(modulus.len() * 8 - unused)
    })
}

fn readable(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(name.to_string()),
        GeneralName::IpAddress(octets) => {
            let octets = octets.as_bytes();
            let v4 = <[u8; 4]>::try_from(octets).map(|o| Ipv4Addr::from(o).to_string());
            v4.or_else(|_| <[u8; 16]>::try_from(octets).map(|o| Ipv6Addr::from(o).to_string())).ok()
        }
        _ => None,
    }
}

fn mailbox(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::Rfc822Name(mailbox) => Some(mailbox.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_tells_its_names_and_that_it_signed_itself() {
        let names = ["a.example".to_owned(), "192.0.2.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let summary = Summary::read(made.cert.der()).unwrap();
        assert_eq!(summary.names, ["a.example", "192.0.2.1"]);
        assert!(summary.is_self_issued());
        assert!(summary.not_before < summary.not_after);
        assert_eq!((summary.rsa_bits, summary.forgeable), (None, None));
    }

    #[test]
    fn a_client_certificate_tells_whose_it_is() {
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::CommonName, "Alice");
        let address = "alice@example.org".try_into().unwrap();
        params.subject_alt_names = vec![rcgen::SanType::Rfc822Name(address)];
        let made = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
        let summary = Summary::read(made.der()).unwrap();
        assert_eq!(summary.common_name.as_deref(), Some("Alice"));
        assert_eq!(summary.mailboxes, ["alice@example.org"]);
        assert!(summary.names.is_empty());
    }

    #[test]
    fn what_is_no_certificate_is_not_read() {
        assert_eq!(Summary::read(b"0"), None);
    }
}
