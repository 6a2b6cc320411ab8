//! Whether a server asks for a certificate of ours, and is sent one (RFC 8446
//! §4.3.2, RFC 5246 §7.4.4).

use super::client_certificate::ClientCertificate;
use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

/// What a handshake wanted of our certificate. In one that resumes a session,
/// nobody is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    /// The server did not ask for one.
    NotAsked,
    /// It asked, and was sent none.
    NotSent,
    /// It asked, and was sent ours.
    Sent,
}

/// Answers the servers that ask, by this certificate or by none.
pub(super) struct Presenter(Option<Arc<CertifiedKey>>);

thread_local! {
    /// What the latest handshake of this thread wanted. Connections share a
    /// presenter, or none of them could resume a session of another; but each
    /// handshake runs in one thread to its end.
    static WANTED: Cell<ClientAuth> = const { Cell::new(ClientAuth::NotAsked) };
}

impl Presenter {
    pub(super) fn of(client: Option<&ClientCertificate>) -> Self {
        Presenter(client.map(ClientCertificate::certified))
    }
}

/// What the handshake that this makes wanted of our certificate.
pub(super) fn noted<E>(handshake: impl FnOnce() -> Result<(), E>) -> Result<ClientAuth, E> {
    WANTED.set(ClientAuth::NotAsked);
    handshake()?;
    Ok(WANTED.get())
}

impl ResolvesClientCert for Presenter {
    fn resolve(&self, _: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let certified = self.0.as_ref().filter(|it| it.key.choose_scheme(schemes).is_some());
        WANTED.set(if certified.is_some() { ClientAuth::Sent } else { ClientAuth::NotSent });
        certified.cloned()
    }

    fn has_certs(&self) -> bool {
        self.0.is_some()
    }
}

impl fmt::Debug for Presenter {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Presenter")
    }
}
