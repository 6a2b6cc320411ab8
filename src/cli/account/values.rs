//! Every key of an account with its value as people read it. The table has the
//! keys that the reader of configurations knows, which a test insists on.

use super::server;
use crate::account::{Dkim, Pipelining, SecretSource, Settings, duration_text};
use crate::net::TlsVersion;
use crate::smtp::Chunking;
use std::path::Path;
use std::time::Duration;

/// A key, and how its value is shown.
pub(super) struct Row {
    pub(super) key: &'static str,
    said: fn(&Settings) -> Option<Value>,
    default: fn() -> Value,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    List(Vec<String>),
    YesNo(bool),
    Duration(Duration),
    /// Where it is, never what it is.
    Secret(SecretSource),
    /// There is none; this is what happens instead.
    None(&'static str),
}

use Value::{List, None as Nothing, Secret, Text, YesNo};

const fn row(
    key: &'static str,
    said: fn(&Settings) -> Option<Value>,
    default: fn() -> Value,
) -> Row {
    Row { key, said, default }
}

/// In the order in which they are shown. `extends` is not one of them: it says
/// where values come from.
pub(super) const ROWS: &[Row] = &[
    row("from", |said| said.from.clone().map(Text), || Nothing("as --from says")),
    row("match", |said| said.matches.as_deref().map(list), || Nothing("no other senders")),
    row(
        "masquerade",
        |said| {
            let entries = said.masquerade.as_ref()?.entries();
            Some(List(entries.map(|(pattern, shown)| format!("{pattern} as {shown}")).collect()))
        },
        || Nothing("nobody"),
    ),
    row(
        "server",
        |said| said.servers.as_ref().map(|urls| List(urls.iter().map(server).collect())),
        || Nothing("nowhere"),
    ),
    row("user", |said| said.user.clone().map(Text), || Nothing("nobody, unless a URL names one")),
    row(
        "password",
        |said| said.password.clone().map(Secret),
        || Nothing("asked for, if somebody signs in"),
    ),
    row("token", |said| said.token.clone().map(Secret), || Nothing("none")),
    row("oauth2", |said| said.oauth2.as_ref().map(text), || Nothing("none")),
    row(
        "auth",
        |said| said.auth.as_deref().filter(|names| !names.is_empty()).map(list),
        || Nothing("the best that is offered"),
    ),
    row("allow-cleartext-auth", |said| said.allow_cleartext_auth.map(YesNo), || YesNo(false)),
    row("helo", |said| said.helo.as_ref().map(text), || Nothing("the name of this machine")),
    row("proxy", |said| said.proxy.as_ref().map(text), || Nothing("none")),
    row("source", |said| said.source.as_ref().map(text), || Nothing("as the system chooses")),
    row("ipv4", |said| said.ipv4.map(YesNo), || YesNo(false)),
    row("ipv6", |said| said.ipv6.map(YesNo), || YesNo(false)),
    row("timeout", |said| said.timeout.map(Value::Duration), || Nothing("as RFC 5321 asks")),
    row("deadline", |said| said.deadline.map(Value::Duration), || Nothing("none")),
    row("pipelining", |said| said.pipelining.map(level), || level(Pipelining::default())),
    row("chunking", |said| said.chunking.map(choice), || choice(Chunking::default())),
    row(
        "tls-ca",
        |said| {
            let files = said.tls_ca.as_ref().filter(|files| !files.is_empty())?;
            Some(List(files.iter().map(|file| file.display().to_string()).collect()))
        },
        || Nothing("no files"),
    ),
    row("tls-system-roots", |said| said.tls_system_roots.map(YesNo), || YesNo(false)),
    row("tls-verify", |said| said.tls_verify.map(YesNo), || YesNo(true)),
    row("tls-name", |said| said.tls_name.as_ref().map(text), || Nothing("the server's")),
    row(
        "tls-pin",
        |said| said.tls_pin.as_deref().filter(|pins| !pins.is_empty()).map(list),
        || Nothing("none"),
    ),
    row("tls-cert", |said| said.tls_cert.as_deref().map(path), || Nothing("none")),
    row("tls-key", |said| said.tls_key.as_deref().map(path), || Nothing("with the certificate")),
    row("tls-min", |said| said.tls_min.map(version), || version(TlsVersion::default())),
    row("tls-sni", |said| said.tls_sni.clone().map(Text), || Nothing("the server's")),
    row(
        "dkim",
        |said| {
            let signatures = said.dkim.as_ref().filter(|signatures| !signatures.is_empty())?;
            Some(List(signatures.iter().map(signature).collect()))
        },
        || Nothing("not signed"),
    ),
    row("local", |said| said.local.as_ref().map(text), || Nothing("as any others")),
    row(
        "dsn",
        |said| said.dsn.map(|dsn| Text(dsn.to_string().to_lowercase())),
        || Nothing("as the server does"),
    ),
    row(
        "dsn-return",
        |said| said.dsn_return.map(|ret| Text(ret.name().to_owned())),
        || Nothing("as the server does"),
    ),
    row("save-sent", |said| said.save_sent.as_deref().map(path), || Nothing("no copies")),
    row("log", |said| said.log.as_ref().map(text), || Nothing("nowhere")),
];

impl Row {
    /// The value, if somebody says one.
    pub(super) fn said(&self, settings: &Settings) -> Option<Value> {
        (self.said)(settings)
    }

    /// What applies where nobody does.
    pub(super) fn default(&self) -> Value {
        (self.default)()
    }
}

impl Value {
    /// The value over as many lines as it has parts.
    pub(super) fn lines(&self) -> Vec<String> {
        match self {
            Text(text) => vec![text.clone()],
            List(texts) if texts.is_empty() => vec!["(none)".to_owned()],
            List(texts) => texts.clone(),
            YesNo(yes) => vec![if *yes { "yes" } else { "no" }.to_owned()],
            Value::Duration(duration) => vec![duration_text(*duration)],
            Secret(source) => vec![source.to_string()],
            Nothing(instead) => vec![format!("({instead})")],
        }
    }
}

fn text<T: ToString + ?Sized>(value: &T) -> Value {
    Text(value.to_string())
}

fn path(path: &Path) -> Value {
    Text(path.display().to_string())
}

fn list<T: ToString>(values: &[T]) -> Value {
    List(values.iter().map(T::to_string).collect())
}

fn level(level: Pipelining) -> Value {
    let named = Pipelining::ALL.iter().find(|(_, known)| *known == level);
    text(named.map_or("", |(name, _)| name))
}

fn choice(choice: Chunking) -> Value {
    let named = Chunking::ALL.iter().find(|(_, known)| *known == choice);
    text(named.map_or("", |(name, _)| name))
}

fn version(version: TlsVersion) -> Value {
    let named = TlsVersion::ALL.iter().find(|(_, known)| *known == version);
    text(named.map_or("", |(name, _)| name))
}

fn signature(dkim: &Dkim) -> String {
    format!("{}._domainkey.{}, {}", dkim.selector, dkim.domain, dkim.key.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::account_keys;
    use std::collections::BTreeSet;

    #[test]
    fn every_key_of_an_account_is_shown_and_no_other() {
        let shown: BTreeSet<_> = ROWS.iter().map(|row| row.key).collect();
        let known: BTreeSet<_> = account_keys().filter(|key| *key != "extends").collect();
        assert_eq!(shown, known);
        assert_eq!(shown.len(), ROWS.len(), "a key has two rows");
    }

    #[test]
    fn where_nothing_is_said_each_key_has_a_default() {
        for row in ROWS {
            assert_eq!(row.said(&Settings::default()), None, "{}", row.key);
            assert!(!row.default().lines().concat().is_empty(), "{}", row.key);
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        // SEC-7
        let secret = SecretSource::Value(crate::sasl::Secret::new("correct-horse"));
        assert_eq!(Secret(secret).lines(), ["the configuration file"]);
    }
}
