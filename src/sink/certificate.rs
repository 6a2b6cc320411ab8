//! The receiver's certificates: an authority and a server certificate, both
//! made when the receiver starts and gone when it ends.

use super::fault::Fault;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, date_time_ymd,
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
    proper: Shown,
    /// Those that are no good, by what is wrong with them.
    wrong: Vec<(Fault, Shown)>,
}

/// TLS 1.2 and 1.3 with a server certificate, and that certificate.
type Shown = (Arc<ServerConfig>, CertificateDer<'static>);

impl Certificates {
    /// Makes both certificates, the server's for these names and addresses. A
    /// client is asked for one if there are authorities to vouch for it. Another
    /// one is made for each fault of certificates.
    pub(super) fn generate(
        names: Vec<String>,
        client_authorities: &[CertificateDer<'static>],
        faults: &[Fault],
    ) -> io::Result<Self> {
        let (ca, issuer) = authority().map_err(io::Error::other)?;
        let clients = clients(client_authorities)?;
        let shown = |params: &CertificateParams| shown(params, &issuer, &clients);
        let elsewhere = vec!["elsewhere.invalid".to_owned()];
        let mut expired = server(names.clone()).map_err(io::Error::other)?;
        expired.not_before = date_time_ymd(2020, 1, 1);
        expired.not_after = date_time_ymd(2021, 1, 1);
        let wrong_name = server(elsewhere).map_err(io::Error::other)?;
        let proper = shown(&server(names).map_err(io::Error::other)?)?;
        let wrong = [(Fault::Expired, expired), (Fault::WrongName, wrong_name)];
        // Keys take a while: none is made for nothing.
        let wrong = wrong.into_iter().filter(|(fault, _)| faults.contains(fault));
        let wrong = wrong.map(|(fault, params)| Ok((fault, shown(&params)?)));
        let wrong = wrong.collect::<io::Result<_>>()?;
        Ok(Certificates { ca: ca.der().clone(), ca_pem: ca.pem(), proper, wrong })
    }

    /// What is shown to a client, given what is to be wrong with it.
    pub(super) fn shown(
        &self,
        fault: Option<Fault>,
    ) -> (&Arc<ServerConfig>, &CertificateDer<'static>) {
        let wrong = self.wrong.iter().find(|(it, _)| Some(*it) == fault).map(|(_, shown)| shown);
        let (config, leaf) = wrong.unwrap_or(&self.proper);
        (config, leaf)
    }
}

fn shown(
    params: &CertificateParams,
    issuer: &Issuer<'_, KeyPair>,
    clients: &Arc<dyn ClientCertVerifier>,
) -> io::Result<Shown> {
    let (certificate, key) = signed(params, issuer).map_err(io::Error::other)?;
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder
                .with_client_cert_verifier(Arc::clone(clients))
                .with_single_cert(vec![certificate.clone()], key)
        })
        .map_err(io::Error::other)?;
    Ok((Arc::new(config), certificate))
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

fn server(names: Vec<String>) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, "envoi sink");
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

fn signed(
    params: &CertificateParams,
    issuer: &Issuer<'_, KeyPair>,
) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), rcgen::Error> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let certificate = params.signed_by(&key, issuer)?;
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    Ok((certificate.der().clone(), PrivateKeyDer::from(key)))
}
