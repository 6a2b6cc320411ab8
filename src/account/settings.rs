//! What one source says about an account. A table of a file, the environment
//! and the command line each say some of it; what is said later lies over what
//! was said before.

use super::dkim::Dkim;
use super::local::LocalDelivery;
use super::logging::Log;
use super::masquerade::Masquerade;
use super::oauth::OAuth2;
use super::pattern::Pattern;
use super::proxy::ProxyChoice;
use super::secret::SecretSource;
use super::server::ServerUrl;
use crate::net::{Host, Pin, TlsVersion};
use crate::sasl;
use crate::smtp::{Chunking, EhloName, Notify, Ret};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Everything that can be said about an account; `None` is not said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The author of messages, as it goes into From.
    pub from: Option<String>,
    /// Patterns of further senders the account is for.
    pub matches: Option<Vec<Pattern>>,
    /// Which senders are shown as others.
    pub masquerade: Option<Masquerade>,
    /// Servers, in the order in which they are tried.
    pub servers: Option<Vec<ServerUrl>>,
    /// Who signs in.
    pub user: Option<String>,
    /// Where the password is.
    pub password: Option<SecretSource>,
    /// Where the access token is.
    pub token: Option<SecretSource>,
    /// Who issues access tokens.
    pub oauth2: Option<OAuth2>,
    /// SASL mechanisms, in the order in which they are tried.
    pub auth: Option<Vec<&'static str>>,
    /// Whether a password may go over a channel that is not verified.
    pub allow_cleartext_auth: Option<bool>,
    /// What the client calls itself.
    pub helo: Option<EhloName>,
    /// IPv4 only.
    pub ipv4: Option<bool>,
    /// IPv6 only.
    pub ipv6: Option<bool>,
    /// The proxy that leads to every server, or none.
    pub proxy: Option<ProxyChoice>,
    /// Where connections begin.
    pub source: Option<IpAddr>,
    /// The cap of each wait.
    pub timeout: Option<Duration>,
    /// The cap of the whole run.
    pub deadline: Option<Duration>,
    /// How many commands go out before a reply is read.
    pub pipelining: Option<Pipelining>,
    /// When messages go in chunks.
    pub chunking: Option<Chunking>,
    /// Where recipients of this machine get their mail.
    pub local: Option<LocalDelivery>,
    /// On what reports of a message come.
    pub dsn: Option<Notify>,
    /// How much of a message comes back in a report of failure.
    pub dsn_return: Option<Ret>,
    /// The Maildir for copies of what was sent.
    pub save_sent: Option<PathBuf>,
    /// Where it is logged what came of each message.
    pub log: Option<Log>,
    /// The signatures that messages get.
    pub dkim: Option<Vec<Dkim>>,
    /// Files of certificates to trust.
    pub tls_ca: Option<Vec<PathBuf>>,
    /// The file of the certificate that says who we are.
    pub tls_cert: Option<PathBuf>,
    /// The file of its key.
    pub tls_key: Option<PathBuf>,
    /// The oldest version of TLS to speak.
    pub tls_min: Option<TlsVersion>,
    /// Whether to trust what the system trusts.
    pub tls_system_roots: Option<bool>,
    /// Whether the certificate is looked at.
    pub tls_verify: Option<bool>,
    /// The name the certificate must bear, where it is not the host's.
    pub tls_name: Option<Host>,
    /// The certificates and keys of which the server must show one.
    pub tls_pin: Option<Vec<Pin>>,
    /// The name that the server is asked for.
    pub tls_sni: Option<String>,
}

/// How many commands go out before a reply is read (RFC 2920).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pipelining {
    /// One at a time.
    Off,
    /// MAIL, RCPT and DATA together, where the server offers it.
    #[default]
    Standard,
}

impl Pipelining {
    /// Every level with its name in options and files.
    pub const ALL: [(&'static str, Pipelining); 2] =
        [("off", Pipelining::Off), ("standard", Pipelining::Standard)];

    /// The level of this name.
    pub fn named(name: &str) -> Option<Self> {
        Pipelining::ALL.iter().find(|(known, _)| *known == name).map(|(_, level)| *level)
    }
}

impl Settings {
    /// Lays `self` over `below`, key by key.
    #[must_use]
    pub fn over(self, mut below: Settings) -> Settings {
        if self.user.is_some() {
            // Otherwise a user named now would lose against one named in a URL
            // of the layer below, and could be given that one's password.
            below.servers = below
                .servers
                .map(|servers| servers.into_iter().map(ServerUrl::without_user).collect());
        }
        // What is proved by the one is not proved by the other.
        if self.password.is_some() {
            (below.token, below.oauth2) = (None, None);
        }
        if self.token.is_some() {
            (below.password, below.oauth2) = (None, None);
        }
        if self.oauth2.is_some() {
            (below.password, below.token) = (None, None);
        }
        if self.ipv4.is_some() || self.ipv6.is_some() {
            (below.ipv4, below.ipv6) = (None, None);
        }
        if self.tls_cert.is_some() {
            // The key of one certificate is of no use with another.
            below.tls_key = None;
        }
        Settings {
            from: self.from.or(below.from),
            matches: self.matches.or(below.matches),
            masquerade: self.masquerade.or(below.masquerade),
            servers: self.servers.or(below.servers),
            user: self.user.or(below.user),
            password: self.password.or(below.password),
            token: self.token.or(below.token),
            oauth2: self.oauth2.or(below.oauth2),
            auth: self.auth.or(below.auth),
            allow_cleartext_auth: self.allow_cleartext_auth.or(below.allow_cleartext_auth),
            helo: self.helo.or(below.helo),
            ipv4: self.ipv4.or(below.ipv4),
            ipv6: self.ipv6.or(below.ipv6),
            proxy: self.proxy.or(below.proxy),
            source: self.source.or(below.source),
            timeout: self.timeout.or(below.timeout),
            deadline: self.deadline.or(below.deadline),
            pipelining: self.pipelining.or(below.pipelining),
            chunking: self.chunking.or(below.chunking),
            local: self.local.or(below.local),
            dsn: self.dsn.or(below.dsn),
            dsn_return: self.dsn_return.or(below.dsn_return),
            save_sent: self.save_sent.or(below.save_sent),
            log: self.log.or(below.log),
            dkim: self.dkim.or(below.dkim),
            tls_ca: self.tls_ca.or(below.tls_ca),
            tls_cert: self.tls_cert.or(below.tls_cert),
            tls_key: self.tls_key.or(below.tls_key),
            tls_min: self.tls_min.or(below.tls_min),
            tls_system_roots: self.tls_system_roots.or(below.tls_system_roots),
            tls_verify: self.tls_verify.or(below.tls_verify),
            tls_name: self.tls_name.or(below.tls_name),
            tls_pin: self.tls_pin.or(below.tls_pin),
            tls_sni: self.tls_sni.or(below.tls_sni),
        }
    }

    /// True when somebody is named who could sign in.
    pub(super) fn names_a_user(&self) -> bool {
        self.user.is_some() || self.servers.iter().flatten().any(|url| url.user().is_some())
    }

    /// True when something is said about where to, or who signs in, and with
    /// what.
    pub(super) fn signs_in(&self) -> bool {
        let Settings { servers, user, password, token, oauth2, .. } = self;
        let says = [servers.is_some(), user.is_some(), password.is_some(), token.is_some()];
        says.contains(&true) || oauth2.is_some()
    }

    /// True when the receiver inside envoi is the only server, which has a user
    /// of its own.
    pub(super) fn leads_to_sink(&self) -> bool {
        let mut servers = self.servers.iter().flatten();
        servers.all(|url| matches!(url, ServerUrl::Sink(_)))
    }
}

/// The registered name of a mechanism that envoi has, written in any case.
pub fn mechanism(name: &str) -> Option<&'static str> {
    sasl::Entry::named(name.trim()).map(|entry| entry.name)
}

#[cfg(test)]
mod tests {
    use super::super::server::Origin;
    use super::*;

    fn url(text: &str) -> ServerUrl {
        ServerUrl::parse(text, Origin::File).unwrap()
    }

    #[test]
    fn what_is_said_later_lies_over_what_was_said_before() {
        let below = Settings {
            user: Some("alice".into()),
            servers: Some(vec![url("smtps://a.b")]),
            tls_verify: Some(true),
            ..Settings::default()
        };
        let above = Settings { tls_verify: Some(false), ..Settings::default() };
        let both = above.over(below.clone());
        assert_eq!(both, Settings { tls_verify: Some(false), ..below });
    }

    #[test]
    fn a_user_named_later_stands_above_one_in_a_url() {
        // SEC-7: alice's password must not be offered as bob's.
        let below = Settings {
            servers: Some(vec![url("smtps://alice:p@a.b"), url("smtps://c.d")]),
            ..Settings::default()
        };
        let above = Settings { user: Some("bob".into()), ..Settings::default() };
        let both = above.over(below);
        assert_eq!(both.servers, Some(vec![url("smtps://a.b"), url("smtps://c.d")]));
    }

    #[test]
    fn one_address_family_replaces_the_other() {
        let below = Settings { ipv6: Some(true), ..Settings::default() };
        let above = Settings { ipv4: Some(true), ..Settings::default() };
        let both = above.over(below);
        assert_eq!((both.ipv4, both.ipv6), (Some(true), None));
    }

    #[test]
    fn a_certificate_does_not_go_with_the_key_of_another() {
        let below = Settings {
            tls_cert: Some("a.pem".into()),
            tls_key: Some("a.key".into()),
            ..Settings::default()
        };
        let above = Settings { tls_cert: Some("b.pem".into()), ..Settings::default() };
        let both = above.clone().over(below.clone());
        assert_eq!((both.tls_cert, both.tls_key), (above.tls_cert, None));
        let above = Settings { tls_key: Some("b.key".into()), ..Settings::default() };
        let both = above.clone().over(below.clone());
        assert_eq!((both.tls_cert, both.tls_key), (below.tls_cert, above.tls_key));
    }

    #[test]
    fn a_mechanism_is_known_in_any_case() {
        assert_eq!(mechanism("plain"), Some("PLAIN"));
        assert_eq!(mechanism(" Cram-MD5"), Some("CRAM-MD5"));
        assert_eq!(mechanism("NTLM"), None);
    }
}
