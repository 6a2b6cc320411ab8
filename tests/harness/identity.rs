//! Certificates, good and bad, for servers under test.

use rcgen::{CertificateParams, KeyPair, SignatureAlgorithm};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::version::TLS12;
use rustls::{ALL_VERSIONS, ServerConfig, SupportedProtocolVersion};
use std::sync::Arc;

/// A server's certificate and key.
pub struct Identity {
    pub config: Arc<ServerConfig>,
    /// The certificate itself, to be trusted.
    pub root: CertificateDer<'static>,
}

impl Identity {
    /// A good certificate for these names.
    pub fn of(names: &[&str]) -> Self {
        Identity::with(names, |_| ())
    }

    /// One that the given change may have spoilt.
    pub fn with(names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Self {
        let key = KeyPair::generate().unwrap();
        Identity::made(names, &key, ring::default_provider().into(), ALL_VERSIONS, change)
    }

    /// A good certificate of a server that speaks TLS 1.2 only, with this kind
    /// of key.
    pub fn old(names: &[&str], algorithm: &'static SignatureAlgorithm) -> Self {
        let key = KeyPair::generate_for(algorithm).unwrap();
        Identity::made(names, &key, ring::default_provider().into(), &[&TLS12], |_| ())
    }

    fn made(
        names: &[&str],
        key: &KeyPair,
        provider: Arc<CryptoProvider>,
        versions: &[&'static SupportedProtocolVersion],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let root = params.self_signed(key).unwrap().der().clone();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![root.clone()], key)
            .unwrap();
        Identity { config: Arc::new(config), root }
    }
}
