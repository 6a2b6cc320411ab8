//! Checking the server's certificate, and saying what was wrong with it.

use super::certificate::Summary;
use super::endpoint::Host;
use super::error::{CertificateFault, Error};
use super::tls::{TlsSettings, Verification};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, SignatureScheme};
use std::sync::{Arc, Mutex, PoisonError};

/// webpki's check, and a note of what it saw: rustls keeps neither the
/// certificate of a failed handshake nor the fault of a forgiven one.
#[derive(Debug)]
pub(super) struct Verifier {
    webpki: Arc<WebPkiServerVerifier>,
    provider: Arc<CryptoProvider>,
    verification: Verification,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    certificate: Option<Summary>,
    fault: Option<rustls::Error>,
}

impl Verifier {
    /// Reads the authorities, so that a file that is no good is found here.
    pub(super) fn new(settings: &TlsSettings) -> Result<Self, Error> {
        let provider = provider();
        let roots = Arc::new(settings.roots.store()?);
        let webpki = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider))
            .build()
            .map_err(|e| Error::SystemRoots(e.to_string()))?;
        let seen = Mutex::default();
        Ok(Verifier { webpki, provider, verification: settings.verification, seen })
    }

    /// The server's certificate, once it was seen.
    pub(super) fn certificate(&self) -> Option<Summary> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).certificate.clone()
    }

    /// What was wrong with it and forgiven.
    pub(super) fn noted(&self) -> Option<rustls::Error> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).fault.clone()
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verdict =
            self.webpki.verify_server_cert(end_entity, intermediates, server_name, ocsp, now);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.certificate = Summary::read(end_entity);
        match (verdict, self.verification) {
            (Err(fault), Verification::Noted) => {
                seen.fault = Some(fault);
                Ok(ServerCertVerified::assertion())
            }
            (verdict, _) => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Always named: with a second one in the build, rustls has no default.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// Why a handshake failed.
pub(super) fn explained(error: rustls::Error, asked: &Host, verifier: &Verifier) -> Error {
    match &error {
        rustls::Error::InvalidCertificate(_) => Error::Certificate {
            fault: certificate_fault(&error, asked, verifier),
            certificate: verifier.certificate().map(Box::new),
        },
        _ => Error::Tls(error),
    }
}

/// What is wrong with a certificate, in terms of the one that was seen.
pub(super) fn certificate_fault(
    error: &rustls::Error,
    asked: &Host,
    verifier: &Verifier,
) -> CertificateFault {
    let rustls::Error::InvalidCertificate(fault) = error else {
        return CertificateFault::Other(error.to_string());
    };
    let certificate = verifier.certificate();
    let presented = certificate.as_ref().map_or_else(Vec::new, |c| c.names.clone());
    let not_after = certificate.as_ref().map(|c| c.not_after);
    match fault {
        CertificateError::UnknownIssuer
            if certificate.as_ref().is_some_and(Summary::is_self_issued) =>
        {
            CertificateFault::SelfSigned
        }
        CertificateError::UnknownIssuer => CertificateFault::UnknownIssuer,
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            CertificateFault::Expired { not_after }
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            CertificateFault::NotYetValid
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            CertificateFault::WrongName { asked: asked.to_string(), presented }
        }
        // webpki's own word for it; rustls has no variant.
        CertificateError::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            CertificateFault::AuthorityAsServer
        }
        other => CertificateFault::Other(other.to_string()),
    }
}
