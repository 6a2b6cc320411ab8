//! TLS 1.2 and 1.3 by rustls with ring (RFC 8446, RFC 9525 for names).

use super::binding::bindings;
use super::certificate::Summary;
use super::client_auth::{self, ClientAuth};
use super::connector::{Connector, TlsSettings, Verification, registered};
use super::deadline::Deadline;
use super::diagnosis::{Circumstances, of_channel};
use super::endpoint::Host;
use super::error::{CertificateFault, Error};
use super::stream::Stream;
use super::verifier::summaries;
use crate::sasl::ChannelBinding;
use rustls::pki_types::UnixTime;
use rustls::{ClientConnection, HandshakeKind};
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;

/// What is known of an established channel.
#[derive(Clone, Debug)]
pub struct TlsFacts {
    /// `TLS 1.3`.
    pub version: String,
    /// The registered name of the cipher suite.
    pub cipher: String,
    /// The name of the group of the key exchange, such as `X25519`; `None` where
    /// there was none.
    pub group: Option<String>,
    /// It goes on where an earlier connection ended (RFC 8446 §2.2), with the
    /// certificates of that one.
    pub resumed: bool,
    /// What was wanted of our certificate.
    pub client: ClientAuth,
    /// What is wrong with the server's certificate; `None` when chain, name
    /// and dates were found good, or when it is one that is pinned.
    pub fault: Option<CertificateFault>,
    /// What else is wrong with it, looked for where a fault is only noted.
    pub further_faults: Vec<CertificateFault>,
    /// Of a chain that is good, the certificate that is the first to end it, looked for
    /// where a fault is only noted.
    pub ends_first: Option<Summary>,
    /// The server's own certificate, as far as it can be read.
    pub certificate: Option<Summary>,
    /// All that the server sent, its own first, as far as they can be read.
    pub chain: Vec<Summary>,
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
    connector: Arc<Connector>,
    facts: Option<TlsFacts>,
    outgoing: Vec<u8>,
    incoming: Vec<u8>,
    /// Which octets of `incoming` rustls has not been given yet.
    unread: Range<usize>,
    /// The channel below has come to its end.
    ended: bool,
    /// So many octets are encrypted already of which a part has not gone out: no
    /// others would be understood before the rest has. 0 where there are none.
    cut: usize,
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
        let connector = settings.sessions.connector(host, settings)?;
        let config = Arc::clone(&connector.config);
        let connection =
            ClientConnection::new(config, connector.sent.clone()).map_err(Error::Tls)?;
        let mut tls = Tls {
            channel,
            connection,
            connector,
            facts: None,
            outgoing: Vec::new(),
            incoming: vec![0; INCOMING],
            unread: 0..0,
            ended: false,
            cut: 0,
        };
        let client = client_auth::noted(|| tls.shake_hands())?;
        tls.facts = Some(tls.facts(client)?);
        Ok(tls)
    }

    fn shake_hands(&mut self) -> Result<(), Error> {
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
                return Err(error);
            }
        }
        Ok(())
    }

    /// What is known once the handshake is over. The certificates are looked at
    /// here where rustls did not: of a session that is resumed, and where a
    /// fault is only noted.
    fn facts(&self, client: ClientAuth) -> Result<TlsFacts, Error> {
        let verifier = &self.connector.verifier;
        let certificates = self.connection.peer_certificates().unwrap_or_default();
        let chain = summaries(certificates);
        let resumed = self.connection.handshake_kind() == Some(HandshakeKind::Resumed);
        let fault = match (verifier.verification(), resumed) {
            (Verification::Required, false) => None,
            (_, _) => verifier.fault(certificates, UnixTime::now()),
        };
        if let (Verification::Required, Some(fault)) = (verifier.verification(), &fault) {
            return Err(Error::Certificate { fault: fault.clone(), chain });
        }
        let further =
            fault.iter().flat_map(|it| verifier.others(it, certificates, UnixTime::now()));
        let further_faults = further.collect();
        let is_noted = verifier.verification() == Verification::Noted && fault.is_none();
        let ends_first = is_noted.then(|| verifier.ends_first(certificates)).flatten();
        let version = match self.connection.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3".to_owned(),
            Some(rustls::ProtocolVersion::TLSv1_2) => "TLS 1.2".to_owned(),
            other => format!("{other:?}"),
        };
        let cipher = self
            .connection
            .negotiated_cipher_suite()
            .map_or_else(String::new, |suite| registered(suite.suite()));
        let group = self.connection.negotiated_key_exchange_group();
        Ok(TlsFacts {
            version,
            cipher,
            group: group.and_then(|group| group.name().as_str()).map(str::to_owned),
            resumed,
            client,
            fault,
            further_faults,
            ends_first,
            certificate: chain.first().cloned(),
            chain,
        })
    }

    /// Why rustls cannot go on.
    fn explained(&self, error: rustls::Error) -> Error {
        let so_far = Circumstances {
            server_has_chosen: self.connection.protocol_version().is_some(),
            least: self.connector.least,
            has_certificate: self.connector.has_certificate,
        };
        of_channel(error, so_far)
    }

    /// Hands what has come to rustls until that makes plaintext of it, of which
    /// it holds little.
    fn decrypt(&mut self) -> Result<(), Error> {
        while !self.unread.is_empty() {
            let mut octets = &self.incoming[self.unread.clone()];
            let taken = self.connection.read_tls(&mut octets).map_err(|e| overfull(&e))?;
            let state =
                self.connection.process_new_packets().map_err(|error| self.explained(error))?;
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
        if !self.outgoing.is_empty() && self.cut == 0 {
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
        self.decrypt()
    }

    fn has_decrypted(&mut self) -> Result<bool, Error> {
        let state = self.connection.process_new_packets().map_err(|error| self.explained(error))?;
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
        while written < octets.len() {
            if self.cut == 0 {
                let piece = &octets[written..];
                let piece = &piece[..piece.len().min(PIECE)];
                self.encrypt(piece)?;
                self.cut = piece.len();
            }
            while !self.outgoing.is_empty() {
                let taken = self.channel.write_while_silent(&self.outgoing)?;
                self.outgoing.drain(..taken);
                // The server's voice may be a matter of TLS alone, such as a
                // session ticket.
                if !self.outgoing.is_empty() && self.pending()? {
                    return Ok(written);
                }
            }
            written += std::mem::take(&mut self.cut);
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

/// rustls holds more than it wants to: a server that does not let go.
fn overfull(error: &std::io::Error) -> Error {
    Error::Tls(rustls::Error::General(error.to_string()))
}

/// RFC 8446 §5.1: the four content types, from `change_cipher_spec` to
/// `application_data`.
fn is_tls_record(octet: u8) -> bool {
    (20..=23).contains(&octet)
}
