//! The receiver's certificates: an authority and a server certificate, both
//! made when the receiver starts and gone when it ends.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::io;
use std::sync::Arc;

/// An authority, and the TLS settings of a server that it vouches for.
#[derive(Debug)]
pub(super) struct Certificates {
    /// The authority's certificate.
    pub(super) ca: CertificateDer<'static>,
    /// The same in PEM.
    pub(super) ca_pem: String,
    /// The server's certificate.
    pub(super) leaf: CertificateDer<'static>,
    /// TLS 1.2 and 1.3 with the server certificate.
    pub(super) server: Arc<ServerConfig>,
}

impl Certificates {
    /// Makes both certificates, the server's for these names and addresses. A
    /// client is asked for one if there are authorities to vouch for it.
    pub(super) fn generate(
        names: Vec<String>,
        client_authorities: &[CertificateDer<'static>],
    ) -> io::Result<Self> {
        let (ca, issuer) = authority().map_err(io::Error::other)?;
        let (certificate, key) = server(names, &issuer).map_err(io::Error::other)?;
        let leaf = certificate.clone();
        let clients = clients(client_authorities)?;
        let server = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder.with_client_cert_verifier(clients).with_single_cert(vec![certificate], key)
            })
            .map_err(io::Error::other)?;
        Ok(Certificates { ca: ca.der().clone(), ca_pem: ca.pem(), leaf, server: Arc::new(server) })
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Who is asked for a certificate: a client without one is let in, one with a
/// bad one is not.
fn clients(authorities: &[CertificateDer<'static>]) -> io::Result<Arc<dyn ClientCertVerifier>> {
    if authorities.is_empty() {
        return Ok(WebPkiClientVerifier::no_client_auth());
    }
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(authority.clone()).map_err(io::Error::other)?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
        .allow_unauthenticated()
        .build()
        .map_err(io::Error::other)
}

fn authority() -> Result<(rcgen::Certificate, Issuer<'static, KeyPair>), rcgen::Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "envoi sink, for tests only");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let certificate = params.self_signed(&key)?;
    Ok((certificate, Issuer::new(params, key)))
}

fn server(
    names: Vec<String>,
    issuer: &Issuer<'_, KeyPair>,
) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, "envoi sink");
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let certificate = params.signed_by(&key, issuer)?;
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    Ok((certificate.der().clone(), PrivateKeyDer::from(key)))
}
