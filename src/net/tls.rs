//! TLS 1.2 and 1.3 by rustls with ring (RFC 8446, RFC 9525 for names).

use super::certificate::Summary;
use super::deadline::Deadline;
use super::endpoint::Host;
use super::error::{CertificateFault, Error};
use super::stream::Stream;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct};
use rustls::{RootCertStore, SignatureScheme};
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Whom to trust, and what to do when the check fails.
#[derive(Clone, Debug, Default)]
pub struct TlsSettings {
    /// Whose signature makes a certificate good.
    pub roots: Roots,
    /// Whether a bad certificate ends the handshake.
    pub verification: Verification,
    /// The name to look for in the certificate instead of the host's.
    pub name: Option<Host>,
}

/// The authorities that are trusted.
#[derive(Clone, Debug, Default)]
pub struct Roots {
    /// Certificates in PEM files. Where there are any, and neither of the
    /// following, only these are trusted.
    pub files: Vec<PathBuf>,
    /// The authorities that the operating system trusts.
    pub system: bool,
    /// Certificates in hand.
    pub given: Vec<CertificateDer<'static>>,
}

impl Roots {
    /// Reads the files, so that one that is no good is found before anybody is
    /// asked.
    pub fn check(&self) -> Result<(), Error> {
        let mut store = RootCertStore::empty();
        self.files.iter().try_for_each(|path| add_file(&mut store, path))
    }
}

/// What a bad certificate means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verification {
    /// The handshake fails.
    #[default]
    Required,
    /// The fault is noted in [`TlsFacts::fault`].
    Noted,
}

/// What is known of an established channel.
#[derive(Clone, Debug)]
pub struct TlsFacts {
    /// `TLS 1.3`.
    pub version: String,
    /// The registered name of the cipher suite.
    pub cipher: String,
    /// What is wrong with the server's certificate; `None` when chain, name
    /// and dates were found good.
    pub fault: Option<CertificateFault>,
    /// The server's own certificate, as far as it can be read.
    pub certificate: Option<Summary>,
}

impl TlsFacts {
    /// True when we know whom we talk to.
    pub fn is_verified(&self) -> bool {
        self.fault.is_none()
    }
}

/// TLS over another channel. What the handshake says last is held back until
/// the next octets go out or are waited for, so that the first command shares
/// its packet.
pub struct Tls {
    channel: Box<dyn Stream>,
    connection: ClientConnection,
    facts: Option<TlsFacts>,
    outgoing: Vec<u8>,
    incoming: Vec<u8>,
    /// Which octets of `incoming` rustls has not been given yet.
    unread: Range<usize>,
    /// The channel below has come to its end.
    ended: bool,
    /// A record was cut short: nothing that follows it would be understood.
    muted: bool,
}

/// How much plaintext becomes ciphertext at a time.
const PIECE: usize = 64 * 1024;
const INCOMING: usize = 16 * 1024 + 2048;
/// Of an answer that is not TLS, how much is kept for the report.
const QUOTE: usize = 64;

impl Tls {
    /// Shakes hands over the channel by the deadline armed on it.
    pub fn handshake(
        channel: Box<dyn Stream>,
        host: &Host,
        settings: &TlsSettings,
    ) -> Result<Tls, Error> {
        let asked = settings.name.as_ref().unwrap_or(host);
        let verifier = Arc::new(Verifier::new(settings)?);
        let connection =
            ClientConnection::new(config(&verifier)?, server_name(asked)?).map_err(Error::Tls)?;
        let mut tls = Tls {
            channel,
            connection,
            facts: None,
            outgoing: Vec::new(),
            incoming: vec![0; INCOMING],
            unread: 0..0,
            ended: false,
            muted: false,
        };
        tls.shake_hands(asked, &verifier)?;
        tls.facts = Some(tls.facts(asked, &verifier));
        Ok(tls)
    }

    fn shake_hands(&mut self, asked: &Host, verifier: &Verifier) -> Result<(), Error> {
        let mut first = true;
        while self.connection.is_handshaking() {
            self.flush()?;
            let length = self.channel.read(&mut self.incoming)?;
            if length == 0 {
                return Err(Error::Closed { abruptly: false });
            }
            let octets = &self.incoming[..length];
            if std::mem::take(&mut first) && !is_tls_record(octets[0]) {
                return Err(Error::NotTls { octets: octets[..length.min(QUOTE)].to_vec() });
            }
            self.unread = 0..length;
            if let Err(error) = self.decrypt() {
                // The alert tells the server why; that it is lost is no news.
                let _ = self.flush();
                return Err(explained(error, asked, verifier));
            }
        }
        Ok(())
    }

    fn facts(&self, asked: &Host, verifier: &Verifier) -> TlsFacts {
        let version = match self.connection.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3".to_owned(),
            Some(rustls::ProtocolVersion::TLSv1_2) => "TLS 1.2".to_owned(),
            other => format!("{other:?}"),
        };
        let cipher = self.connection.negotiated_cipher_suite().map_or_else(String::new, |suite| {
            let name = suite.suite().as_str().unwrap_or_default();
            name.replacen("TLS13_", "TLS_", 1)
        });
        let fault = verifier.noted().map(|error| certificate_fault(&error, asked, verifier));
        TlsFacts { version, cipher, fault, certificate: verifier.certificate() }
    }

    /// Hands what has come to rustls until that makes plaintext of it, of which
    /// it holds little.
    fn decrypt(&mut self) -> Result<(), rustls::Error> {
        while !self.unread.is_empty() {
            let mut octets = &self.incoming[self.unread.clone()];
            let taken = self
                .connection
                .read_tls(&mut octets)
                .map_err(|e| rustls::Error::General(e.to_string()))?;
            let state = self.connection.process_new_packets()?;
            self.unread.start += taken;
            if state.plaintext_bytes_to_read() > 0 {
                break;
            }
            if taken == 0 || state.peer_has_closed() {
                // Behind a closing alert there is nothing (RFC 8446 §6.1).
                self.unread = 0..0;
            }
        }
        Ok(())
    }

    /// Collects what rustls wants to say.
    fn collect(&mut self) -> Result<(), Error> {
        while self.connection.wants_write() {
            self.connection.write_tls(&mut self.outgoing).map_err(Error::Io)?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.collect()?;
        if !self.outgoing.is_empty() && !self.muted {
            self.channel.write_all(&self.outgoing)?;
            self.outgoing.clear();
        }
        Ok(())
    }

    fn encrypt(&mut self, piece: &[u8]) -> Result<(), Error> {
        // What rustls has to say for itself takes room from the piece.
        self.collect()?;
        self.connection.writer().write_all(piece).map_err(Error::Io)?;
        self.collect()
    }

    /// Reads decrypted octets that are at hand; `None` when there are none.
    fn read_decrypted(&mut self, into: &mut [u8]) -> Result<Option<usize>, Error> {
        match self.connection.reader().read(into) {
            Ok(length) => Ok(Some(length)),
            Err(e) if e.kind() == ErrorKind::WouldBlock => Ok(None),
            // RFC 8446 §6.1: without a closing alert the end may be an
            // attacker's.
            Err(e) if e.kind() == ErrorKind::UnexpectedEof => Err(Error::Closed { abruptly: true }),
            Err(e) => Err(Error::Io(e)),
        }
    }

    /// Decrypts what is at hand, else what the channel below brings.
    fn read_encrypted(&mut self) -> Result<(), Error> {
        if self.unread.is_empty() {
            let length = self.channel.read(&mut self.incoming)?;
            self.unread = 0..length;
            if length == 0 {
                self.ended = true;
                self.connection.read_tls(&mut std::io::empty()).map_err(Error::Io)?;
            }
        }
        self.decrypt().map_err(Error::Tls)
    }

    fn has_decrypted(&mut self) -> Result<bool, Error> {
        let state = self.connection.process_new_packets().map_err(Error::Tls)?;
        Ok(state.plaintext_bytes_to_read() > 0 || state.peer_has_closed() || self.ended)
    }
}

impl Stream for Tls {
    fn arm(&mut self, deadline: Deadline) {
        self.channel.arm(deadline);
    }

    fn read(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        loop {
            if let Some(length) = self.read_decrypted(into)? {
                return Ok(length);
            }
            match self.flush() {
                // What the server said before it hung up may still be there.
                Ok(()) | Err(Error::Closed { .. }) => self.read_encrypted()?,
                Err(error) => return Err(error),
            }
        }
    }

    fn write_all(&mut self, octets: &[u8]) -> Result<(), Error> {
        for piece in octets.chunks(PIECE) {
            self.encrypt(piece)?;
            self.flush()?;
        }
        Ok(())
    }

    fn write_while_silent(&mut self, octets: &[u8]) -> Result<usize, Error> {
        let mut written = 0;
        for piece in octets.chunks(PIECE) {
            self.encrypt(piece)?;
            while !self.outgoing.is_empty() {
                let taken = self.channel.write_while_silent(&self.outgoing)?;
                self.outgoing.drain(..taken);
                // The server's voice may be a matter of TLS alone, such as a
                // session ticket.
                if !self.outgoing.is_empty() && self.pending()? {
                    self.muted = true;
                    return Ok(written);
                }
            }
            written += piece.len();
        }
        Ok(written)
    }

    fn pending(&mut self) -> Result<bool, Error> {
        loop {
            if self.has_decrypted()? {
                return Ok(true);
            }
            if self.unread.is_empty() && !self.channel.pending()? {
                return Ok(false);
            }
            self.read_encrypted()?;
        }
    }

    fn close(&mut self) {
        self.connection.send_close_notify();
        // The message is settled by now; a lost farewell changes nothing.
        let _ = self.flush();
        self.channel.close();
    }

    fn ignore_interrupt(&mut self) {
        self.channel.ignore_interrupt();
    }

    fn window(&self) -> usize {
        self.channel.window()
    }

    fn protection(&self) -> Option<&TlsFacts> {
        self.facts.as_ref()
    }

    fn local_address(&self) -> Option<SocketAddr> {
        self.channel.local_address()
    }
}

/// RFC 8446 §5.1: the four content types, from `change_cipher_spec` to
/// `application_data`.
fn is_tls_record(octet: u8) -> bool {
    (20..=23).contains(&octet)
}

fn server_name(host: &Host) -> Result<ServerName<'static>, Error> {
    match host {
        Host::Address(address) => Ok(ServerName::IpAddress((*address).into())),
        Host::Name(name) => {
            ServerName::try_from(name.clone()).map_err(|_| Error::TlsName(name.clone()))
        }
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn config(verifier: &Arc<Verifier>) -> Result<Arc<ClientConfig>, Error> {
    // TLS 1.2 and 1.3 only (RFC 8996); never early data, of which SMTP has no
    // profile (RFC 8446 §2.3).
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(Error::Tls)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(verifier) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// webpki's check, and a note of what it saw: rustls keeps neither the
/// certificate of a failed handshake nor the fault of a forgiven one.
#[derive(Debug)]
struct Verifier {
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
    fn new(settings: &TlsSettings) -> Result<Self, Error> {
        let provider = provider();
        let roots = Arc::new(root_store(&settings.roots)?);
        let webpki = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider))
            .build()
            .map_err(|e| Error::SystemRoots(e.to_string()))?;
        let seen = Mutex::default();
        Ok(Verifier { webpki, provider, verification: settings.verification, seen })
    }

    fn certificate(&self) -> Option<Summary> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).certificate.clone()
    }

    fn noted(&self) -> Option<rustls::Error> {
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

fn root_store(roots: &Roots) -> Result<RootCertStore, Error> {
    let mut store = RootCertStore::empty();
    if !roots.system && roots.files.is_empty() && roots.given.is_empty() {
        store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        return Ok(store);
    }
    for certificate in &roots.given {
        store.add(certificate.clone()).map_err(Error::Tls)?;
    }
    for path in &roots.files {
        add_file(&mut store, path)?;
    }
    if roots.system {
        let found = rustls_native_certs::load_native_certs();
        if store.add_parsable_certificates(found.certs).0 == 0 {
            let reason =
                found.errors.first().map_or("none is installed".into(), ToString::to_string);
            return Err(Error::SystemRoots(reason));
        }
    }
    Ok(store)
}

fn add_file(store: &mut RootCertStore, path: &Path) -> Result<(), Error> {
    let unusable = |reason: String| Error::Roots { path: path.to_owned(), reason };
    let pem = std::fs::read(path).map_err(|e| unusable(e.to_string()))?;
    let before = store.len();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|e| unusable(e.to_string()))?;
        store.add(certificate).map_err(|e| unusable(e.to_string()))?;
    }
    if store.len() == before {
        return Err(unusable("it holds no certificate in PEM".to_owned()));
    }
    Ok(())
}

fn explained(error: rustls::Error, asked: &Host, verifier: &Verifier) -> Error {
    match &error {
        rustls::Error::InvalidCertificate(_) => Error::Certificate {
            fault: certificate_fault(&error, asked, verifier),
            certificate: verifier.certificate().map(Box::new),
        },
        _ => Error::Tls(error),
    }
}

fn certificate_fault(error: &rustls::Error, asked: &Host, verifier: &Verifier) -> CertificateFault {
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
