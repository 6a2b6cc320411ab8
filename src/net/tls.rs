//! TLS 1.2 and 1.3 by rustls with ring (RFC 8446, RFC 9525 for names).

use super::binding::bindings;
use super::certificate::Summary;
use super::deadline::Deadline;
use super::endpoint::Host;
use super::error::{CertificateFault, Error};
use super::roots::Roots;
use super::stream::Stream;
use super::verifier::{Verifier, certificate_fault, explained, provider};
use crate::sasl::ChannelBinding;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;

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

    fn bindings(&self) -> Vec<ChannelBinding> {
        let server = self.connection.peer_certificates().and_then(<[_]>::first);
        bindings(&self.connection, server)
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
