//! Checking the server's certificate. Nothing of one connection is kept here:
//! a verifier serves all connections to a server.

use super::certificate::Summary;
use super::connector::{TlsSettings, Verification, server_name};
use super::diagnosis::{Refused, of_chain, out_of_date, unusable_key};
use super::endpoint::Host;
use super::error::{CertificateFault, Error};
use super::pin::Pin;
use super::roots::Roots;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{DigitallySignedStruct, SignatureScheme};
use std::mem::discriminant;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

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

    /// What else is wrong with the server's own certificate, which has this fault:
    /// one hides another, of chain, name and dates.
    pub(super) fn others(
        &self,
        fault: &CertificateFault,
        chain: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Vec<CertificateFault> {
        let (Check::Chain(_), Some(own)) = (&self.check, chain.first()) else { return Vec::new() };
        let Some(summary) = Summary::read(own) else { return Vec::new() };
        let date = out_of_date(&summary, now);
        // As it was when the dates were good.
        let before = date.is_some().then(|| self.fault(chain, last_moment(&summary))).flatten();
        let name = ParsedCertificate::try_from(own)
            .and_then(|parsed| verify_server_name(&parsed, &self.asked));
        let name = name.err().map(|error| of_chain(&error, &summaries(chain), &self.asked, now));
        let mut found = vec![fault.clone()];
        for other in before.into_iter().chain(name).chain(date) {
            if !found.iter().any(|known| discriminant(known) == discriminant(&other)) {
                found.push(other);
            }
        }
        found.split_off(1)
    }

    /// The certificate of a good chain with whose end it is good no longer: others may
    /// be sent that are not needed, such as an authority signed by an older one.
    pub(super) fn ends_first(&self, chain: &[CertificateDer<'_>]) -> Option<Summary> {
        let summaries = summaries(chain);
        let mut by_end: Vec<usize> = (0..summaries.len()).collect();
        by_end.sort_by_key(|at| summaries[*at].not_after);
        let is_needed = |at: &usize| {
            let end = last_moment(&summaries[*at]).as_secs();
            let behind = UnixTime::since_unix_epoch(Duration::from_secs(end + 1));
            *at == 0 || self.fault(chain, behind).is_some()
        };
        by_end.into_iter().find(is_needed).map(|at| summaries[at].clone())
    }
}

fn last_moment(certificate: &Summary) -> UnixTime {
    let since = certificate.not_after.duration_since(SystemTime::UNIX_EPOCH);
    UnixTime::since_unix_epoch(since.unwrap_or_default())
}

/// What is wrong with these certificates, the server's own first, for a server of
/// this name, where this certificate is the only authority (RFC 7672 §3.1.2).
pub fn fault_under(
    authority: &[u8],
    chain: &[Summary],
    host: &Host,
) -> Result<Option<CertificateFault>, Error> {
    let authority = CertificateDer::from(authority.to_vec());
    let roots = Roots { given: vec![authority], ..Roots::default() };
    let settings = TlsSettings { roots, ..TlsSettings::default() };
    let verifier = Verifier::new(server_name(host)?, &settings)?;
    let chain: Vec<_> = chain.iter().map(|one| CertificateDer::from(one.der.as_slice())).collect();
    Ok(verifier.fault(&chain, UnixTime::now()))
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

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

    const HOST: &str = "mx.example.org";

    /// What an authority by this name certifies, good to the end of this year.
    fn authority(name: &str, year: i32) -> CertificateParams {
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_after = rcgen::date_time_ymd(year, 12, 31);
        params
    }

    /// The common names of what ends the chain first: of a server whose own ends in 3002
    /// below an authority in between that ends in `between`, and one that is trusted,
    /// which is sent as an older one signed it, until 3000.
    fn ends_first(between: i32) -> Option<String> {
        let [root_key, old_key, between_key, own_key] =
            std::array::from_fn(|_| KeyPair::generate().unwrap());
        let root = authority("root", 3010).self_signed(&root_key).unwrap();
        let old = Issuer::new(authority("old", 3000), old_key);
        let crossed = authority("root", 3000).signed_by(&root_key, &old).unwrap();
        let issuer = Issuer::new(authority("root", 3010), root_key);
        let middle = authority("between", between).signed_by(&between_key, &issuer).unwrap();
        let issuer = Issuer::new(authority("between", between), between_key);
        let mut own = CertificateParams::new([HOST.to_owned()]).unwrap();
        own.distinguished_name.push(DnType::CommonName, "own");
        own.not_after = rcgen::date_time_ymd(3002, 12, 31);
        let own = own.signed_by(&own_key, &issuer).unwrap();
        let chain = [own.der().clone(), middle.der().clone(), crossed.der().clone()];

        let roots = Roots { given: vec![root.der().clone()], ..Roots::default() };
        let settings = TlsSettings { roots, ..TlsSettings::default() };
        let host = server_name(&Host::Name(HOST.to_owned())).unwrap();
        let verifier = Verifier::new(host, &settings).unwrap();
        assert!(verifier.fault(&chain, UnixTime::now()).is_none());
        verifier.ends_first(&chain)?.common_name
    }

    #[test]
    fn a_certificate_that_nobody_needs_ends_no_chain() {
        assert_eq!(ends_first(3001).as_deref(), Some("between"));
        assert_eq!(ends_first(3003).as_deref(), Some("own"));
    }
}
