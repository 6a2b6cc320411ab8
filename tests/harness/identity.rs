//! Certificates, good and bad, for servers under test.

use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
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
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap().der().clone();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![root.clone()], key)
            .unwrap();
        Identity { config: Arc::new(config), root }
    }
}
