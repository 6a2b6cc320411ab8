//! Certificates with something wrong with them, and those of clients.

use crate::running::Place;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, Signer, SigningKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig, SignatureAlgorithm, SignatureScheme, crypto::ring};
use serde::Deserialize;
use std::sync::Arc;

/// What is wrong.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// It is for another host.
    WrongName,
    /// It bears its host's name as its common name only.
    CommonName,
    /// Its last day has passed.
    Expired,
    /// The last day of the one that vouches for it has passed.
    ExpiredIssuer,
    /// Its first day has not come.
    NotYetValid,
    /// It signed itself, and is nobody's authority.
    SelfSigned,
    /// Nobody trusts the authority that signed it, and which is sent along.
    UnknownAuthority,
    /// The one that vouches for it is not sent along.
    MissingIssuer,
    /// The authority that signed it has the name of one that is trusted.
    Namesake,
    /// It is an authority's own, and signed itself.
    Authority,
    /// It is meant for clients.
    ForClients,
    /// It is signed by SHA-1: made by `openssl x509 -req -sha1`.
    Sha1,
    /// Its key is too short: made by `openssl req -x509 -newkey rsa:1024`.
    ShortKey,
    /// The server has another key.
    OtherKey,
}

/// A server's side of TLS.
pub(crate) struct Identity {
    pub(crate) config: Arc<ServerConfig>,
    /// The certificates in PEM that its clients trust.
    pub(crate) trusted: String,
    /// The server's own.
    pub(crate) own: CertificateDer<'static>,
}

const SHA1: &[u8] = include_bytes!("../certificates/sha1.pem");
const SHA1_AUTHORITY: &str = include_str!("../certificates/sha1-authority.pem");
const RSA1024: &[u8] = include_bytes!("../certificates/rsa1024.pem");

/// A server with such a certificate.
pub(crate) fn server_with(fault: Fault) -> Identity {
    match fault {
        Fault::Sha1 => {
            let own = CertificateDer::from_pem_slice(SHA1).expect("a certificate");
            let key = PrivateKeyDer::from_pem_slice(SHA1).expect("a key");
            let key = ring::sign::any_supported_type(&key).expect("a key that is known");
            identity(vec![own], key, SHA1_AUTHORITY.to_owned())
        }
        Fault::ShortKey => {
            let own = CertificateDer::from_pem_slice(RSA1024).expect("a certificate");
            let trusted = String::from_utf8(RSA1024.to_vec()).expect("PEM");
            identity(vec![own], Arc::new(Pretended), trusted)
        }
        fault => made(fault),
    }
}

fn made(fault: Fault) -> Identity {
    let authority = Authority::of("an authority");
    let key = KeyPair::generate().expect("a key");
    let signed = |params: CertificateParams, by: &Authority| {
        params.signed_by(&key, &by.issuer).expect("a certificate").der().clone()
    };
    let below = |change: fn(&mut CertificateParams)| {
        let mut params = self::authority("an intermediate");
        change(&mut params);
        authority.vouch_for(params)
    };
    let chain = match fault {
        Fault::SelfSigned => vec![leaf("localhost").self_signed(&key).expect("it").der().clone()],
        Fault::Authority => {
            let mut params = self::authority("localhost");
            params.subject_alt_names = leaf("localhost").subject_alt_names;
            vec![params.self_signed(&key).expect("a certificate").der().clone()]
        }
        Fault::UnknownAuthority => {
            let stranger = Authority::of("a stranger");
            vec![signed(leaf("localhost"), &stranger), stranger.certificate.der().clone()]
        }
        Fault::Namesake => vec![signed(leaf("localhost"), &Authority::of("an authority"))],
        Fault::MissingIssuer => vec![signed(leaf("localhost"), &below(|_| ()))],
        Fault::ExpiredIssuer => {
            let expired = below(|params| params.not_after = date_time_ymd(2020, 1, 31));
            vec![signed(leaf("localhost"), &expired), expired.certificate.der().clone()]
        }
        _ => vec![signed(spoilt(fault), &authority)],
    };
    let key = if let Fault::OtherKey = fault { KeyPair::generate().expect("a key") } else { key };
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let key = ring::sign::any_supported_type(&key).expect("a key that is known");
    identity(chain, key, authority.certificate.pem())
}

fn spoilt(fault: Fault) -> CertificateParams {
    let mut params = match fault {
        Fault::WrongName => leaf("mail.example.net"),
        _ => leaf("localhost"),
    };
    match fault {
        Fault::CommonName => params.subject_alt_names.clear(),
        Fault::Expired => params.not_after = date_time_ymd(2020, 1, 31),
        Fault::NotYetValid => params.not_before = date_time_ymd(2900, 1, 1),
        Fault::ForClients => {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        }
        _ => {}
    }
    params
}

/// What a server has, whether it fits together or not.
fn identity(
    chain: Vec<CertificateDer<'static>>,
    key: Arc<dyn SigningKey>,
    trusted: String,
) -> Identity {
    let own = chain[0].clone();
    let resolver = SingleCertAndKey::from(CertifiedKey::new(chain, key));
    let config = ServerConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .expect("TLS")
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    Identity { config: Arc::new(config), trusted, own }
}

/// A server that takes nobody without a certificate of this authority.
pub(crate) fn wary_server(client_authority: CertificateDer<'static>) -> Identity {
    let identity = made(Fault::None);
    let mut roots = RootCertStore::empty();
    roots.add(client_authority).expect("an authority");
    let provider = Arc::new(ring::default_provider());
    let clients = WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS")
        .with_client_cert_verifier(clients.build().expect("a verifier"))
        .with_cert_resolver(Arc::clone(&identity.config.cert_resolver));
    Identity { config: Arc::new(config), ..identity }
}

/// Writes `client.pem` and `client.key`, and returns the authority that vouches
/// for them; in `stranger.pem` and `stranger.key` are those of another.
pub(crate) fn write_clients(place: &Place) -> CertificateDer<'static> {
    let [known, _] = ["client", "stranger"].map(|name| {
        let authority = Authority::of(&format!("authority of the {name}"));
        let key = KeyPair::generate().expect("a key");
        let mut params = leaf(&format!("{name}.example"));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &authority.issuer).expect("a certificate");
        place.write(&format!("{name}.pem"), &certificate.pem(), None);
        place.write(&format!("{name}.key"), &key.serialize_pem(), Some(0o600));
        authority.certificate.der().clone()
    });
    known
}

/// A key that signs nothing, for a certificate that is refused before that is
/// noticed.
#[derive(Debug)]
struct Pretended;

impl SigningKey for Pretended {
    fn choose_scheme(&self, _offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        Some(Box::new(Pretended))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::RSA
    }
}

impl Signer for Pretended {
    fn sign(&self, _message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        Ok(vec![0; 128])
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::RSA_PSS_SHA256
    }
}

/// Who vouches for others.
struct Authority {
    certificate: rcgen::Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// One that nobody vouches for.
    fn of(name: &str) -> Self {
        let params = authority(name);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("an authority's certificate");
        Authority { certificate, issuer: Issuer::new(params, key) }
    }

    /// One below this.
    fn vouch_for(&self, params: CertificateParams) -> Authority {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Authority { certificate, issuer: Issuer::new(params, key) }
    }
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
