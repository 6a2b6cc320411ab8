//! Files and environment → [`Account`]: where to submit, as whom, and what to
//! trust. Reads, and judges what it read; prints nothing, and
//! connects to nobody but those who say where an address has its servers, and who
//! issue tokens.
//!
//! | what | file |
//! |---|---|
//! | which files there are, what they say together | `file.rs` |
//! | what may stand in one | `grammar.rs`, `value.rs` |
//! | what one source says about an account | `settings.rs` |
//! | which account it is, why, and who said what of it | `choice.rs`, `choice/`, `chosen.rs`, `pattern.rs`, `variables.rs` |
//! | an account as it is written down, and a file that is changed | `written.rs`, `edit.rs`, `whole_file.rs` |
//! | where its servers are | `server.rs` |
//! | which proxy leads there | `proxy.rs`, `exceptions.rs` |
//! | who signs its messages | `dkim.rs`, `key_file.rs`, `private_file.rs` |
//! | by which certificate it says who it is | `client_certificate.rs`, `key_file.rs` |
//! | senders that are shown as others | `masquerade.rs` |
//! | where recipients of this machine get their mail | `local.rs` |
//! | what is done to the addresses of system mail | `rewriting.rs`, `machine.rs` |
//! | where a secret is and how it is fetched | `secret.rs`, `secret/`, `private_file.rs` |
//! | whether it looks as if there were one | `look.rs` |
//! | whether this user is let to it | `reach.rs` |
//! | when messages are kept, where, and how long | `queueing.rs`, `size.rs` |
//! | where it is logged what came of a message | `logging.rs` |
//! | from an address to its servers | `discover/` |
//! | access tokens by OAuth 2.0 | `oauth/` |
//! | what other programs' configurations say | `import/` |

mod choice;
mod chosen;
mod client_certificate;
pub mod discover;
mod dkim;
mod duration;
mod edit;
mod environment;
mod error;
mod exceptions;
mod file;
mod grammar;
pub mod import;
mod key_file;
mod local;
mod logging;
mod look;
mod machine;
mod masquerade;
pub mod oauth;
mod pattern;
mod private_file;
mod proxy;
mod queueing;
mod reach;
mod rewriting;
mod secret;
mod server;
mod settings;
mod size;
mod value;
mod variables;
mod whole_file;
mod written;

pub use choice::{Accounts, Choice};
pub use chosen::{Chosen, Fit, Place, Reason};
pub use client_certificate::{ClientCertificateFiles, ClientFilesError};
pub use dkim::{Dkim, DkimError};
pub use duration::{DurationError, duration, duration_text};
pub use edit::{Edit, EditError, Removed};
pub use environment::Environment;
pub use error::{Error, Location, NamedBy};
pub use file::Files;
pub use grammar::account_keys;
pub use key_file::KeyFileError;
pub use local::LocalDelivery;
pub use logging::Log;
pub use look::Unusable;
pub use machine::{Login, Machine, User, small_file};
pub use masquerade::Masquerade;
pub use oauth::OAuth2;
pub use pattern::Pattern;
pub use private_file::Fault;
pub use proxy::{EnvironmentProxy, ProxyChoice, ProxyError};
pub use queueing::{QueueSettings, When};
pub use rewriting::{FromRule, RewriteSettings, Rewriting};
pub use secret::{
    KNOWN as SECRET_SOURCES, Replaced, SecretError, SecretSource, SourceError, Whose, World,
};
pub use server::{Origin, SCHEMES, Scheme, Server, ServerError, ServerUrl, host, name};
pub use settings::{Pipelining, Settings, mechanism};
pub use size::{SizeError, octets};
pub use written::{Unwritable, table};

use crate::net::{Host, Pin, Security, TlsVersion};
use crate::sasl::{self, Proof};
use crate::smtp::{Chunking, EhloName, Notify, Ret};
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

/// Where to submit, as whom, and what to trust: everything decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its name; `None` when `--server` or `ENVOI_SERVER` stands in for one.
    pub name: Option<String>,
    /// The author of messages, as it goes into From: `ENVOI_FROM`, else the
    /// account's own.
    pub from: Option<String>,
    /// Which senders are shown as others.
    pub masquerade: Masquerade,
    /// Servers, in the order in which they are tried; none only where `local`
    /// says what becomes of mail.
    pub servers: Vec<ServerUrl>,
    /// Who signs in where the URL names nobody.
    pub user: Option<String>,
    /// Where the password is, where the URL holds none.
    pub password: Option<SecretSource>,
    /// Where the access token is; with one, no password is used unasked.
    pub token: Option<SecretSource>,
    /// Who issues access tokens; with that, no password is used unasked.
    pub oauth2: Option<OAuth2>,
    /// SASL mechanisms in the order in which they are tried; none means those
    /// that are tried without being named.
    pub auth: Vec<&'static str>,
    /// Whether a password may go over a channel that is not verified.
    pub allow_cleartext_auth: bool,
    /// What the client calls itself, if that is not to be found out.
    pub helo: Option<EhloName>,
    /// The only address family to use.
    pub family: Option<Family>,
    /// Which proxy leads to which server.
    pub proxy: ProxyChoice,
    /// Where connections begin; an address of the family.
    pub source: Option<IpAddr>,
    /// The cap of each wait.
    pub timeout: Option<Duration>,
    /// The cap of the whole run.
    pub deadline: Option<Duration>,
    /// The same for a run that may be made again: it does not count when the
    /// message is out and its answer is awaited. Nobody configures it.
    pub patience: Option<Duration>,
    /// How many commands go out before a reply is read.
    pub pipelining: Pipelining,
    /// When messages go in chunks.
    pub chunking: Chunking,
    /// Where recipients of this machine get their mail; `None` where they are
    /// like any others.
    pub local: Option<LocalDelivery>,
    /// On what reports of a message come, where the message does not say.
    pub dsn: Option<Notify>,
    /// How much of a message comes back in a report of failure, likewise.
    pub dsn_return: Option<Ret>,
    /// The Maildir for copies of what was sent.
    pub save_sent: Option<PathBuf>,
    /// Where it is logged what came of each message.
    pub log: Log,
    /// The signatures that messages get, none of them twice.
    pub dkim: Vec<Dkim>,
    /// What makes a server's certificate good, and what TLS must be like.
    pub tls: Trust,
    /// Where the certificate is that says who we are.
    pub client_certificate: Option<ClientCertificateFiles>,
    /// It is all users', so that root can send for them: see
    /// [`Accounts::is_shared`].
    pub is_shared: bool,
    /// Recipients in one transaction.
    pub max_recipients: Option<NonZeroUsize>,
}

/// What makes a server's certificate good, and what TLS must be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    /// Files of PEM certificates to trust, in place of the built-in ones.
    pub ca: Vec<PathBuf>,
    /// Trust what the system trusts, in place of the built-in ones.
    pub system_roots: bool,
    /// False: any certificate is good enough.
    pub verify: bool,
    /// The name it must bear, where that is not the host's.
    pub name: Option<Host>,
    /// The certificates and keys of which the server must show one, in place of
    /// all of this; none asks for none.
    pub pins: Vec<Pin>,
    /// The name that the server is asked for, where it is not that.
    pub sni: Option<String>,
    /// The oldest version of TLS to speak.
    pub least: TlsVersion,
}

/// An address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// Who signs in at a server, the secrets still where they are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// The user, unless nobody is named and the mechanism wants none.
    pub user: Option<String>,
    /// Where the password is.
    pub password: SecretSource,
    /// Where the access token is.
    pub token: Option<SecretSource>,
    /// Who issues the access token.
    pub oauth2: Option<OAuth2>,
}

impl SignIn {
    /// By what the user is proved where no mechanism is named.
    pub fn proof(&self) -> Proof {
        if self.token.is_some() || self.oauth2.is_some() { Proof::Token } else { Proof::Password }
    }
}

impl Account {
    /// Who signs in at this server of the account; `None` if nobody does. A
    /// user without a password is asked for it.
    pub fn sign_in(&self, server: &Server) -> Option<SignIn> {
        let user = server.user.as_ref().or(self.user.as_ref()).cloned();
        if user.is_none() && self.auth.is_empty() {
            return None;
        }
        let sign_in = |password| SignIn { user, password, token: None, oauth2: None };
        Some(match &server.password {
            Some(password) => sign_in(SecretSource::Value(password.clone())),
            None => SignIn {
                token: self.token.clone(),
                oauth2: self.oauth2.clone(),
                ..sign_in(self.password.clone().unwrap_or(SecretSource::Prompt))
            },
        })
    }

    /// Makes an account of everything that was said about it.
    fn of(
        name: Option<&str>,
        said: Settings,
        max_recipients: Option<NonZeroUsize>,
    ) -> Result<Self, Error> {
        let quoted = || name.map(|name| format!("the account ‘{name}’"));
        check_sign_in(&said, || {
            let mut servers = said.servers.iter().flatten();
            quoted().or_else(|| servers.next().map(ToString::to_string)).unwrap_or_default()
        })?;
        let family = match (said.ipv4.unwrap_or(false), said.ipv6.unwrap_or(false)) {
            (false, false) => None,
            (true, false) => Some(Family::V4),
            (false, true) => Some(Family::V6),
            (true, true) => {
                return Err(Error::Families {
                    place: quoted().unwrap_or_else(|| "the server".into()),
                });
            }
        };
        if let (Some(family), Some(source)) = (family, said.source)
            && source.is_ipv4() != (family == Family::V4)
        {
            let place = quoted().unwrap_or_else(|| "the server".into());
            return Err(Error::SourceFamily { place, from: source });
        }
        let no_server = || Error::NoServer { account: name.unwrap_or_default().to_owned() };
        let servers = said.servers.unwrap_or_default();
        if servers.is_empty() && said.local.is_none() {
            return Err(no_server());
        }
        let pins = said.tls_pin.unwrap_or_default();
        if !pins.is_empty() {
            check_use_of_pins(said.tls_verify, &servers)?;
        }
        let client_certificate = ClientCertificateFiles::of(said.tls_cert, said.tls_key)?;
        Ok(Account {
            name: name.map(str::to_owned),
            from: said.from,
            masquerade: said.masquerade.unwrap_or_default(),
            servers,
            user: said.user,
            password: said.password,
            token: said.token,
            oauth2: said.oauth2,
            auth: said.auth.unwrap_or_default(),
            allow_cleartext_auth: said.allow_cleartext_auth.unwrap_or(false),
            helo: said.helo,
            family,
            proxy: said.proxy.unwrap_or_default(),
            source: said.source,
            timeout: said.timeout,
            deadline: said.deadline,
            patience: None,
            pipelining: said.pipelining.unwrap_or_default(),
            chunking: said.chunking.unwrap_or_default(),
            local: said.local,
            dsn: said.dsn,
            dsn_return: said.dsn_return,
            save_sent: said.save_sent,
            log: said.log.unwrap_or_default(),
            dkim: said.dkim.unwrap_or_default(),
            tls: Trust {
                ca: said.tls_ca.unwrap_or_default(),
                system_roots: said.tls_system_roots.unwrap_or(false),
                verify: said.tls_verify.unwrap_or(true),
                name: said.tls_name,
                pins,
                sni: said.tls_sni,
                least: said.tls_min.unwrap_or_default(),
            },
            client_certificate,
            is_shared: false,
            max_recipients,
        })
    }
}

/// Whoever is to sign in has a name, and one way to get a token.
fn check_sign_in(said: &Settings, place: impl Fn() -> String) -> Result<(), Error> {
    if !said.names_a_user() {
        if said.password.is_some() || said.token.is_some() || said.oauth2.is_some() {
            return Err(Error::NoUser { place: place() });
        }
        let nameless = said.auth.iter().flatten().find(|name| needs_user(name));
        if let Some(mechanism) = nameless.filter(|_| !said.leads_to_sink()) {
            return Err(Error::NobodyFor { mechanism, place: place() });
        }
    }
    if said.token.is_some() && said.oauth2.is_some() {
        return Err(Error::TwoTokens { place: place() });
    }
    Ok(())
}

/// A pin is a promise that nobody else is spoken to: nothing may stand beside
/// it that breaks it without a word.
fn check_use_of_pins(verify: Option<bool>, servers: &[ServerUrl]) -> Result<(), Error> {
    if verify == Some(false) {
        return Err(Error::PinUnchecked);
    }
    let in_clear = servers.iter().find(|url| match url {
        ServerUrl::Server(server) => server.endpoint.security == Security::Cleartext,
        ServerUrl::Sink(_) => false,
    });
    in_clear.map_or(Ok(()), |url| Err(Error::PinInClear { server: url.to_string() }))
}

fn needs_user(mechanism: &str) -> bool {
    sasl::Entry::named(mechanism).is_some_and(|entry| entry.needs_user)
}
