//! Certificates with something wrong with them.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde::Deserialize;
use std::sync::Arc;

/// What is wrong.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Fault {
    /// It is for another host.
    WrongName,
    /// Its last day has passed.
    Expired,
    /// Its first day has not come.
    NotYetValid,
    /// It signed itself, and is nobody's authority.
    SelfSigned,
    /// Nobody trusts the authority that signed it.
    UnknownAuthority,
    /// It is an authority's own, and signed itself.
    Authority,
}

/// A server with such a certificate, and the certificates in PEM that its
/// clients trust.
pub(crate) fn server_with(fault: Fault) -> (Arc<ServerConfig>, String) {
    let authority_key = KeyPair::generate().expect("a key");
    let authority = authority("an authority");
    let trusted = authority.self_signed(&authority_key).expect("an authority's certificate");
    let stranger = KeyPair::generate().expect("a key");
    let key = KeyPair::generate().expect("a key");
    let certificate = match fault {
        Fault::SelfSigned => leaf("localhost").self_signed(&key),
        Fault::Authority => {
            let mut params = self::authority("localhost");
            params.subject_alt_names = leaf("localhost").subject_alt_names;
            params.self_signed(&key)
        }
        Fault::UnknownAuthority => leaf("localhost")
            .signed_by(&key, &Issuer::new(self::authority("a stranger"), &stranger)),
        Fault::WrongName | Fault::Expired | Fault::NotYetValid => {
            let mut params = match fault {
                Fault::WrongName => leaf("mail.example.net"),
                _ => leaf("localhost"),
            };
            match fault {
                Fault::Expired => params.not_after = date_time_ymd(2020, 1, 31),
                Fault::NotYetValid => params.not_before = date_time_ymd(2900, 1, 1),
                _ => {}
            }
            params.signed_by(&key, &Issuer::new(authority, &authority_key))
        }
    };
    let certificate = certificate.expect("a certificate");
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config =
        ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .expect("TLS")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("a key that fits");
    (Arc::new(config), trusted.pem())
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    params
}

fn leaf(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::ExplicitNoCa;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}
