//! What only the two ends of one TLS channel know of it (RFC 5056), so that a
//! sign-in can be tied to it.
//!
//! `tls-unique` is left out on purpose: TLS 1.3 has none, and in TLS 1.2 it was
//! broken (RFC 9266 §1).

use crate::sasl::ChannelBinding;
use ring::digest::{self, Algorithm, SHA256, SHA384, SHA512};
use rustls::pki_types::CertificateDer;
use rustls::{ConnectionCommon, HandshakeKind, ProtocolVersion};
use x509_cert::Certificate;
use x509_cert::der::asn1::{ContextSpecific, ObjectIdentifier};
use x509_cert::der::{Decode, SliceReader, TagNumber};
use x509_cert::spki::AlgorithmIdentifierOwned;

/// The bindings of a channel after its handshake, the preferred first. None
/// where TLS 1.2 has resumed a session (RFC 7677 §4).
pub fn bindings<D>(
    connection: &ConnectionCommon<D>,
    server: Option<&CertificateDer<'_>>,
) -> Vec<ChannelBinding> {
    let end_point = || tls_server_end_point(server?);
    match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => {
            [tls_exporter(connection), end_point()].into_iter().flatten().collect()
        }
        _ if connection.handshake_kind() == Some(HandshakeKind::Resumed) => Vec::new(),
        _ => end_point().into_iter().collect(),
    }
}

/// RFC 9266 §4.2.
fn tls_exporter<D>(connection: &ConnectionCommon<D>) -> Option<ChannelBinding> {
    let octets =
        connection.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", Some(b"")).ok()?;
    Some(ChannelBinding { kind: "tls-exporter", octets: octets.to_vec() })
}

/// The hash of the server's certificate, by the hash function of its signature
/// (RFC 5929 §4.1). `None` where the signature has no single one, as with
/// Ed25519.
fn tls_server_end_point(certificate: &[u8]) -> Option<ChannelBinding> {
    let parsed = Certificate::from_der(certificate).ok()?;
    let hash = hash_of_signature(parsed.signature_algorithm())?;
    let octets = digest::digest(hash, certificate).as_ref().to_vec();
    Some(ChannelBinding { kind: "tls-server-end-point", octets })
}

const SHA_1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");

/// The hash functions of signatures (RFC 8017 appendix A.2, RFC 5758 §3.2) and
/// of RSASSA-PSS parameters (RFC 4055 §2.1). MD5 and SHA-1 stand for SHA-256
/// here.
const HASHES: [(ObjectIdentifier, &Algorithm); 13] = [
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.4"), &SHA256), // RSA with MD5
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.5"), &SHA256), // RSA with SHA-1
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11"), &SHA256),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12"), &SHA384),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13"), &SHA512),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.1"), &SHA256), // ECDSA with SHA-1
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2"), &SHA256),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3"), &SHA384),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4"), &SHA512),
    (SHA_1, &SHA256),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1"), &SHA256),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2"), &SHA384),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3"), &SHA512),
];

fn hash_of_signature(signature: &AlgorithmIdentifierOwned) -> Option<&'static Algorithm> {
    let named = if signature.oid == RSA_PSS { pss_hash(signature)? } else { signature.oid };
    HASHES.iter().find(|(known, _)| *known == named).map(|(_, hash)| *hash)
}

/// RFC 4055 §3.1: `[0] hashAlgorithm`, by default SHA-1.
fn pss_hash(signature: &AlgorithmIdentifierOwned) -> Option<ObjectIdentifier> {
    let mut fields = SliceReader::new(signature.parameters.as_ref()?.value()).ok()?;
    let hash =
        ContextSpecific::<AlgorithmIdentifierOwned>::decode_explicit(&mut fields, TagNumber(0));
    Some(hash.ok()?.map_or(SHA_1, |hash| hash.value.oid))
}

#[cfg(test)]
mod tests {
    use super::*;

    use rustls::pki_types::pem::PemObject;

    /// The binding to a certificate, in hexadecimal digits.
    fn bound(pem: &str) -> Option<String> {
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        let binding = tls_server_end_point(&certificate)?;
        assert_eq!(binding.kind, "tls-server-end-point");
        Some(binding.octets.iter().map(|octet| format!("{octet:02x}")).collect())
    }

    #[test]
    fn a_certificate_is_hashed_as_its_own_signature_is() {
        // 5929: by what `openssl dgst` makes of the same octets
        for (certificate, digest) in [
            (
                include_str!("../../tests/certificates/rsa-sha256.pem"),
                "8b7fbce654eef7127497c278f558e675a43c35feac36256d76d91cc31702c839",
            ),
            (
                include_str!("../../tests/certificates/ecdsa-sha384.pem"),
                "81cf5136337ba9703df986ca7829bc030f47a5e1ccdfac69e4acfdbe88c2fab3\
                 2b2551a9f73a0d05ec306bbda1f0f143",
            ),
            (
                include_str!("../../tests/certificates/rsa-sha512.pem"),
                "0853e6b8a69607909fa34d148c39021510355850666ad3447658b6a6c595d111\
                 3889397efb98d1a9b728e008bd43d4024dc724bfaf842abfd6fae4bdb4e693d0",
            ),
            (
                include_str!("../../tests/certificates/rsa-pss-sha384.pem"),
                "08661ea468fdf772e85110b8e63b12362a314f3d5f75a5117d2d568c3c035f5d\
                 df2bfe843cd54e3d1d15b4738322a7b2",
            ),
        ] {
            assert_eq!(bound(certificate).as_deref(), Some(digest));
        }
    }

    #[test]
    fn a_signature_with_sha_1_counts_as_sha_256_and_one_without_a_hash_binds_nothing() {
        // 5929
        for (certificate, digest) in [
            (
                include_str!("../../tests/certificates/rsa-sha1.pem"),
                "bd9aefc655fa413be480ccacfa4d75df61e5d6ab8ea279b2c069170ad8a8cfea",
            ),
            (
                include_str!("../../tests/certificates/rsa-pss-sha1.pem"),
                "244e81df3cfbb456a7cfc79a50aa40cd2e9f3a4cdc48306518070acdf73967fa",
            ),
        ] {
            assert_eq!(bound(certificate).as_deref(), Some(digest));
        }
        assert_eq!(bound(include_str!("../../tests/certificates/ed25519.pem")), None);
    }
}
