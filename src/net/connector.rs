//! Whom TLS is spoken with, and how: from settings to what rustls wants, once
//! for all connections to a server.

use super::client_auth::Presenter;
use super::client_certificate::ClientCertificate;
use super::endpoint::Host;
use super::error::Error;
use super::pin::Pin;
use super::roots::Roots;
use super::verifier::{Verifier, provider};
use rustls::client::danger::ServerCertVerifier;
use rustls::client::{
    ClientSessionMemoryCache, ClientSessionStore, Resumption, Tls12ClientSessionValue,
    Tls12Resumption, Tls13ClientSessionValue,
};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::{
    CipherSuite, ClientConfig, NamedGroup, SupportedCipherSuite, SupportedProtocolVersion,
};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Whom to trust, what to show, and what to do when the check fails.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TlsSettings {
    /// Whose signature makes a certificate good.
    pub roots: Roots,
    /// What the server must show, one of these, in place of a certificate that
    /// is good by signature, name and date.
    pub pins: Vec<Pin>,
    /// Whether a bad certificate ends the handshake.
    pub verification: Verification,
    /// The name to look for in the certificate instead of the host's.
    pub name: Option<Host>,
    /// The name to ask the server for (RFC 6066 §3), where that is another one
    /// than is looked for.
    pub sni: Option<String>,
    /// The oldest version to speak.
    pub least: TlsVersion,
    /// The newest; `None` for all that there are.
    pub most: Option<TlsVersion>,
    /// The cipher suites to offer, by their registered names; empty for all.
    pub suites: Vec<String>,
    /// What to show a server that asks who we are.
    pub client: Option<ClientCertificate>,
    /// What is kept from one connection to the next.
    pub sessions: SessionCache,
}

/// What a bad certificate means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verification {
    /// The handshake fails.
    #[default]
    Required,
    /// The fault is noted in [`TlsFacts::fault`](super::TlsFacts::fault).
    Noted,
}

/// A version of TLS. Older ones are not spoken (RFC 8996).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// RFC 5246.
    #[default]
    V1_2,
    /// RFC 8446.
    V1_3,
}

impl TlsVersion {
    /// Every version with its name in options and files.
    pub const ALL: [(&'static str, TlsVersion); 2] =
        [("1.2", TlsVersion::V1_2), ("1.3", TlsVersion::V1_3)];

    /// What is spoken from this version on, up to another.
    fn up_to(self, most: Option<TlsVersion>) -> &'static [&'static SupportedProtocolVersion] {
        match (self, most) {
            (TlsVersion::V1_2, Some(TlsVersion::V1_2)) => ONLY_1_2,
            (TlsVersion::V1_2, _) => rustls::ALL_VERSIONS,
            (TlsVersion::V1_3, _) => ONLY_1_3,
        }
    }
}

impl fmt::Display for TlsVersion {
    /// `TLS 1.3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TlsVersion::V1_2 => "TLS 1.2",
            TlsVersion::V1_3 => "TLS 1.3",
        })
    }
}

const ONLY_1_2: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12];
const ONLY_1_3: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];

/// Sessions that can be resumed (RFC 8446 §2.2), and what was read and made for
/// the first of them. Clones share it. It serves the host and the settings
/// that it was last used with: for others it begins anew, so that no session
/// outlives a change of mind about whom to trust.
#[derive(Clone, Default)]
pub struct SessionCache(Arc<Mutex<Option<Kept>>>);

struct Kept {
    host: Host,
    settings: TlsSettings,
    connector: Arc<Connector>,
}

impl SessionCache {
    /// What connects to this host with these settings.
    pub(super) fn connector(
        &self,
        host: &Host,
        settings: &TlsSettings,
    ) -> Result<Arc<Connector>, Error> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = &*kept
            && (&kept.host, &kept.settings) == (host, settings)
        {
            return Ok(Arc::clone(&kept.connector));
        }
        let connector = Arc::new(Connector::new(host, settings)?);
        // A cache of its own, or it would hold itself.
        let settings = TlsSettings { sessions: SessionCache::default(), ..settings.clone() };
        *kept = Some(Kept { host: host.clone(), settings, connector: Arc::clone(&connector) });
        Ok(connector)
    }
}

impl fmt::Debug for SessionCache {
    /// Without the sessions: they hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionCache")
    }
}

impl PartialEq for SessionCache {
    /// What is kept makes no difference to what is asked for.
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

/// What connections to one server have in common.
pub(super) struct Connector {
    pub(super) config: Arc<ClientConfig>,
    pub(super) verifier: Arc<Verifier>,
    /// The name that is sent; an address is not (RFC 6066 §3).
    pub(super) sent: ServerName<'static>,
    pub(super) least: TlsVersion,
    pub(super) has_certificate: bool,
}

impl Connector {
    /// Reads the authorities, so that a file that is no good is found here.
    fn new(host: &Host, settings: &TlsSettings) -> Result<Self, Error> {
        let asked = server_name(settings.name.as_ref().unwrap_or(host))?;
        let sent = match &settings.sni {
            Some(name) => server_name(&Host::Name(name.clone()))?,
            None => asked.clone(),
        };
        let verifier = Arc::new(Verifier::new(asked, settings)?);
        Ok(Connector {
            config: Arc::new(config(&verifier, settings)?),
            verifier,
            sent,
            least: settings.least,
            has_certificate: settings.client.is_some(),
        })
    }
}

pub(super) fn server_name(host: &Host) -> Result<ServerName<'static>, Error> {
    match host {
        Host::Address(address) => Ok(ServerName::IpAddress((*address).into())),
        Host::Name(name) => {
            ServerName::try_from(name.clone()).map_err(|_| Error::TlsName(name.clone()))
        }
    }
}

fn config(verifier: &Arc<Verifier>, settings: &TlsSettings) -> Result<ClientConfig, Error> {
    // Never older than TLS 1.2 (RFC 8996); never early data, of which SMTP has
    // no profile (RFC 8446 §2.3).
    let builder = ClientConfig::builder_with_provider(offering(&settings.suites))
        .with_protocol_versions(settings.least.up_to(settings.most))
        .map_err(Error::Tls)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(verifier) as Arc<dyn ServerCertVerifier>);
    let presenter = Presenter::of(settings.client.as_ref());
    let mut config = builder.with_client_cert_resolver(Arc::new(presenter));
    config.resumption = match settings.verification {
        Verification::Required => {
            let tickets = ClientSessionMemoryCache::new(SESSIONS);
            Resumption::store(Arc::new(OnlyTls13(tickets)))
                .tls12_resumption(Tls12Resumption::Disabled)
        }
        // A session of a server that nobody vouches for gains nothing by age.
        Verification::Noted => Resumption::disabled(),
    };
    Ok(config)
}

/// With these cipher suites only, if any are named.
fn offering(suites: &[String]) -> Arc<CryptoProvider> {
    let mut provider = provider();
    if !suites.is_empty() {
        let is_named = |suite: &SupportedCipherSuite| {
            let name = registered(suite.suite());
            suites.iter().any(|wanted| wanted.eq_ignore_ascii_case(&name))
        };
        Arc::make_mut(&mut provider).cipher_suites.retain(is_named);
    }
    provider
}

/// The name of a cipher suite in the registry of IANA; rustls has its own for
/// those of TLS 1.3.
pub(super) fn registered(suite: CipherSuite) -> String {
    suite.as_str().unwrap_or_default().replacen("TLS13_", "TLS_", 1)
}

/// The cipher suites that can be offered, by their registered names.
pub fn cipher_suites() -> Vec<String> {
    provider().cipher_suites.iter().map(|suite| registered(suite.suite())).collect()
}

/// A store that forgets sessions of TLS 1.2: without an extended master secret
/// a resumed one cannot be bound to its sign-in (RFC 7677 §4). rustls's own
/// setting for that asks for no tickets, but still resumes by session IDs.
#[derive(Debug)]
struct OnlyTls13(ClientSessionMemoryCache);

impl ClientSessionStore for OnlyTls13 {
    fn set_kx_hint(&self, server: ServerName<'static>, group: NamedGroup) {
        self.0.set_kx_hint(server, group);
    }

    fn kx_hint(&self, server: &ServerName<'_>) -> Option<NamedGroup> {
        self.0.kx_hint(server)
    }

    fn set_tls12_session(&self, _: ServerName<'static>, _: Tls12ClientSessionValue) {}

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        None
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, server: ServerName<'static>, ticket: Tls13ClientSessionValue) {
        self.0.insert_tls13_ticket(server, ticket);
    }

    fn take_tls13_ticket(&self, server: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.0.take_tls13_ticket(server)
    }
}

/// Of one server there is one; rustls counts in servers, and keeps eight
/// tickets of each.
const SESSIONS: usize = 1;
