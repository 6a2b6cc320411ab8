//! What is wrong with a certificate or a handshake, told from what rustls says
//! and from the certificates themselves.

use super::certificate::{Summary, rsa_bits};
use super::connector::TlsVersion;
use super::error::{CertificateFault, ClientCertificateFault, Error, Link};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{AlertDescription, CertificateError, OtherError, PeerIncompatible};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// A fault together with the certificates in which it was found: rustls keeps
/// none of a handshake that fails.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) fault: CertificateFault,
    pub(super) chain: Vec<Summary>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)
    }
}

impl std::error::Error for Refused {}

impl From<Refused> for rustls::Error {
    fn from(refused: Refused) -> Self {
        CertificateError::Other(OtherError(Arc::new(refused))).into()
    }
}

/// The shortest RSA key and the longest by which ring checks signatures.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// A key of the server's own that signs nothing that can be checked here.
pub(super) fn unusable_key(own: &CertificateDer<'_>) -> Option<CertificateFault> {
    let bits = rsa_bits(own).filter(|bits| !RSA_BITS.contains(bits))?;
    Some(CertificateFault::WeakKey { place: Link::Own, bits })
}

fn weak_key(chain: &[Summary]) -> Option<CertificateFault> {
    let place =
        chain.iter().position(|one| one.rsa_bits.is_some_and(|it| !RSA_BITS.contains(&it)))?;
    Some(CertificateFault::WeakKey { place: Link::of(chain, place), bits: chain[place].rsa_bits? })
}

/// What is wrong with these certificates, the server's own first, given what
/// webpki finds wrong.
pub(super) fn of_chain(
    error: &rustls::Error,
    chain: &[Summary],
    asked: &ServerName<'_>,
    now: UnixTime,
) -> CertificateFault {
    let rustls::Error::InvalidCertificate(error) = error else {
        return CertificateFault::Other(error.to_string());
    };
    let Some(own) = chain.first() else { return CertificateFault::Unreadable };
    let found = |wanted: &dyn Fn(&Summary) -> bool| {
        let at = chain.iter().position(wanted).unwrap_or_default();
        (Link::of(chain, at), &chain[at])
    };
    let now = moment(now);
    match error {
        CertificateError::UnknownIssuer => unknown_issuer(chain),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            let (place, one) = found(&|one| one.not_after < now);
            CertificateFault::Expired { place, not_after: one.not_after, now }
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            let (place, one) = found(&|one| one.not_before > now);
            CertificateFault::NotYetValid { place, not_before: one.not_before, now }
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            CertificateFault::WrongName {
                asked: asked.to_str().into_owned(),
                presented: own.names.clone(),
                common_name: own.common_name.clone(),
            }
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            CertificateFault::NotForServers
        }
        CertificateError::BadSignature => {
            let issuer = end(chain).issuer.clone();
            weak_key(chain).unwrap_or(CertificateFault::BadSignature { issuer })
        }
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            match chain.iter().position(|one| one.forgeable.is_some() && !one.is_self_issued()) {
                Some(at) => CertificateFault::Forgeable {
                    place: Link::of(chain, at),
                    algorithm: chain[at].forgeable.unwrap_or_default(),
                },
                None => CertificateFault::Other("it is signed in an unknown way".to_owned()),
            }
        }
        // webpki's own word for it; rustls has no variant.
        CertificateError::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            CertificateFault::AuthorityAsServer
        }
        other => CertificateFault::Other(other.to_string()),
    }
}

/// What is wrong with the dates of a server's own certificate.
pub(super) fn out_of_date(own: &Summary, now: UnixTime) -> Option<CertificateFault> {
    let now = moment(now);
    let Summary { not_before, not_after, .. } = *own;
    match now {
        _ if not_after < now => {
            Some(CertificateFault::Expired { place: Link::Own, not_after, now })
        }
        _ if not_before > now => {
            Some(CertificateFault::NotYetValid { place: Link::Own, not_before, now })
        }
        _ => None,
    }
}

/// How far the certificates lead, and who would have to be trusted.
fn unknown_issuer(chain: &[Summary]) -> CertificateFault {
    if chain[0].is_self_issued() {
        return CertificateFault::SelfSigned;
    }
    let last = end(chain);
    CertificateFault::UnknownIssuer { issuer: last.issuer.clone(), is_sent: last.is_self_issued() }
}

/// The last certificate that the server's own leads to.
fn end(chain: &[Summary]) -> &Summary {
    let mut last = &chain[0];
    // No chain is longer than the list, though one may lead back into itself.
    for _ in chain {
        match chain.iter().find(|one| one.subject == last.issuer) {
            Some(issuer) => last = issuer,
            None => break,
        }
    }
    last
}

fn moment(now: UnixTime) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(now.as_secs())
}

/// How far a handshake came, and what we brought.
#[derive(Clone, Copy)]
pub(super) struct Circumstances {
    /// The server has chosen version and cipher suite.
    pub(super) server_has_chosen: bool,
    pub(super) least: TlsVersion,
    pub(super) has_certificate: bool,
}

/// Why a channel could not be had, or broke.
pub(super) fn of_channel(error: rustls::Error, so_far: Circumstances) -> Error {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(other))) => {
            match other.downcast_ref::<Refused>() {
                Some(Refused { fault, chain }) => {
                    Error::Certificate { fault: fault.clone(), chain: chain.clone() }
                }
                None => certificate(CertificateFault::Other(other.to_string())),
            }
        }
        // What the verifier itself finds is above: this is about the handshake.
        rustls::Error::InvalidCertificate(CertificateError::BadSignature) => {
            certificate(CertificateFault::NoProofOfKey)
        }
        rustls::Error::InvalidCertificate(error) => {
            certificate(CertificateFault::Other(error.to_string()))
        }
        rustls::Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => Error::NoCommonVersion { least: so_far.least },
        rustls::Error::AlertReceived(alert) => of_alert(alert, so_far),
        error => Error::Tls(error),
    }
}

fn certificate(fault: CertificateFault) -> Error {
    Error::Certificate { fault, chain: Vec::new() }
}

/// RFC 8446 §6.2, RFC 5246 §7.2.2.
fn of_alert(alert: AlertDescription, so_far: Circumstances) -> Error {
    use AlertDescription as Alert;
    let refused = |word| Error::ClientCertificate(ClientCertificateFault::Refused(word));
    match (alert, so_far.has_certificate) {
        (Alert::ProtocolVersion, _) => Error::NoCommonVersion { least: so_far.least },
        (Alert::HandshakeFailure | Alert::InsufficientSecurity, _) if !so_far.server_has_chosen => {
            Error::NoCommonSuite
        }
        (Alert::CertificateRequired, _) => {
            Error::ClientCertificate(ClientCertificateFault::Missing)
        }
        // What servers of TLS 1.2 say for it: openssl the one, Go the other.
        (Alert::HandshakeFailure | Alert::BadCertificate, false) => {
            Error::ClientCertificate(ClientCertificateFault::MissingPerhaps)
        }
        (Alert::HandshakeFailure, true) => refused("handshake_failure"),
        (Alert::BadCertificate, true) => refused("bad_certificate"),
        (Alert::UnsupportedCertificate, true) => refused("unsupported_certificate"),
        (Alert::CertificateRevoked, true) => refused("certificate_revoked"),
        (Alert::CertificateExpired, true) => refused("certificate_expired"),
        (Alert::CertificateUnknown, true) => refused("certificate_unknown"),
        (Alert::UnknownCA, true) => refused("unknown_ca"),
        (Alert::AccessDenied, true) => refused("access_denied"),
        (Alert::DecryptError, true) => refused("decrypt_error"),
        (alert, _) => Error::Tls(rustls::Error::AlertReceived(alert)),
    }
}
