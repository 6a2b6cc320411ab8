//! Checking the server's certificate. Nothing of one connection is kept here:
//! a verifier serves all connections to a server.

use super::certificate::Summary;
use super::connector::{TlsSettings, Verification};
use super::diagnosis::{Refused, of_chain, unusable_key};
use super::error::{CertificateFault, Error};
use super::pin::Pin;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use std::sync::Arc;

/// Says whether a server is the one that was asked for.
#[derive(Debug)]
pub(super) struct Verifier {
    check: Check,
    asked: ServerName<'static>,
    verification: Verification,
    provider: Arc<CryptoProvider>,
}

/// What makes a certificate good.
#[derive(Debug)]
enum Check {
    /// A chain to an authority, the name, the dates (RFC 5280 §6, RFC 9525).
    Chain(Arc<WebPkiServerVerifier>),
    /// Being one of these.
    Pins(Vec<Pin>),
}

impl Verifier {
    /// Reads the authorities, so that a file that is no good is found here.
    pub(super) fn new(asked: ServerName<'static>, settings: &TlsSettings) -> Result<Self, Error> {
        let provider = provider();
        let check = if settings.pins.is_empty() {
            let roots = Arc::new(settings.roots.store()?);
            let webpki = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider));
            Check::Chain(webpki.build().map_err(|e| Error::SystemRoots(e.to_string()))?)
        } else {
            Check::Pins(settings.pins.clone())
        };
        Ok(Verifier { check, asked, verification: settings.verification, provider })
    }

    /// Whether a fault ends the handshake.
    pub(super) fn verification(&self) -> Verification {
        self.verification
    }

    /// What is wrong with the certificates of a server, its own first.
    pub(super) fn fault(
        &self,
        chain: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Option<CertificateFault> {
        let [own, behind @ ..] = chain else { return Some(CertificateFault::Unreadable) };
        match &self.check {
            Check::Chain(webpki) => {
                let verdict = webpki.verify_server_cert(own, behind, &self.asked, &[], now);
                let error = verdict.err()?;
                Some(of_chain(&error, &summaries(chain), &self.asked, now))
            }
            Check::Pins(pins) => {
                (!pins.iter().any(|pin| pin.fits(own))).then_some(CertificateFault::NotPinned)
            }
        }
    }
}

/// What is readable of each, up to one that is not.
pub(super) fn summaries(chain: &[CertificateDer<'_>]) -> Vec<Summary> {
    chain.iter().map_while(|certificate| Summary::read(certificate)).collect()
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let chain: Vec<_> = std::iter::once(end_entity)
            .chain(intermediates)
            .map(|one| one.as_ref().into())
            .collect();
        // The signature that the server makes with such a key cannot be
        // checked, whatever is forgiven.
        let fault = unusable_key(end_entity).or_else(|| match self.verification {
            Verification::Required => self.fault(&chain, now),
            // It is looked for when the handshake is over.
            Verification::Noted => None,
        });
        match fault {
            Some(fault) => Err(Refused { fault, chain: summaries(&chain) }.into()),
            None => Ok(ServerCertVerified::assertion()),
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
