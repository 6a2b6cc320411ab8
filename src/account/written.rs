//! An account as a configuration has it: settings → a table of TOML. What the
//! table of `grammar.rs` reads, key by key, this one writes, which a test
//! insists on.

use super::duration::duration_text;
use super::logging::Log;
use super::oauth::{Issuer, OAuth2, TokenStore};
use super::secret::SecretSource;
use super::server::{Server, ServerUrl};
use super::settings::{Pipelining, Settings};
use super::{Dkim, ProxyChoice};
use crate::net::TlsVersion;
use crate::sasl::Secret;
use crate::smtp::Chunking;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::path::Path;
use toml_edit::{Array, InlineTable, Item, Table, Value};

/// Why a value cannot stand in a configuration: the key, and a clause.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key} cannot be written down: {reason}")]
pub struct Unwritable {
    /// The key.
    pub key: &'static str,
    /// What is wrong with its value.
    pub reason: &'static str,
}

/// Makes the value of a key, if there is one to say.
type Writer = fn(&Settings) -> Result<Option<Value>, &'static str>;

/// The table of an account, the keys in the order in which people read them.
pub fn table(settings: &Settings) -> Result<Table, Unwritable> {
    let mut table = Table::new();
    for (key, writer) in KEYS {
        let value = writer(settings).map_err(|reason| Unwritable { key, reason })?;
        if let Some(value) = value {
            table.insert(key, Item::Value(value));
        }
    }
    Ok(table)
}

const KEYS: &[(&str, Writer)] = &[
    ("from", |said| Ok(said.from.as_deref().map(Value::from))),
    ("match", |said| Ok(said.matches.as_deref().map(texts))),
    ("masquerade", |said| {
        let entries = |map: &super::Masquerade| {
            let shown = map.entries().map(|(pattern, shown)| (pattern, shown.to_string()));
            Value::InlineTable(shown.collect())
        };
        Ok(said.masquerade.as_ref().map(entries))
    }),
    ("server", |said| said.servers.as_deref().map(servers).transpose()),
    ("user", |said| Ok(said.user.as_deref().map(Value::from))),
    ("password", |said| said.password.as_ref().map(secret).transpose()),
    ("token", |said| said.token.as_ref().map(secret).transpose()),
    ("oauth2", |said| said.oauth2.as_ref().map(oauth2).transpose()),
    ("auth", |said| Ok(said.auth.as_deref().map(texts))),
    ("allow-cleartext-auth", |said| Ok(said.allow_cleartext_auth.map(Value::from))),
    ("helo", |said| Ok(said.helo.as_ref().map(text))),
    ("proxy", |said| said.proxy.as_ref().map(proxy).transpose()),
    ("source", |said| Ok(said.source.as_ref().map(text))),
    ("ipv4", |said| Ok(said.ipv4.map(Value::from))),
    ("ipv6", |said| Ok(said.ipv6.map(Value::from))),
    ("timeout", |said| Ok(said.timeout.map(duration_text).map(Value::from))),
    ("deadline", |said| Ok(said.deadline.map(duration_text).map(Value::from))),
    ("pipelining", |said| {
        let name = |level| Pipelining::ALL.iter().find(|(_, known)| *known == level);
        Ok(said.pipelining.and_then(name).map(|(name, _)| Value::from(*name)))
    }),
    ("chunking", |said| {
        let name = |choice| Chunking::ALL.iter().find(|(_, known)| *known == choice);
        Ok(said.chunking.and_then(name).map(|(name, _)| Value::from(*name)))
    }),
    ("tls-ca", |said| said.tls_ca.as_deref().map(paths).transpose()),
    ("tls-system-roots", |said| Ok(said.tls_system_roots.map(Value::from))),
    ("tls-verify", |said| Ok(said.tls_verify.map(Value::from))),
    ("tls-name", |said| Ok(said.tls_name.as_ref().map(text))),
    ("tls-pin", |said| Ok(said.tls_pin.as_deref().map(texts))),
    ("tls-cert", |said| said.tls_cert.as_deref().map(path).transpose()),
    ("tls-key", |said| said.tls_key.as_deref().map(path).transpose()),
    ("tls-min", |said| {
        let name = |version| TlsVersion::ALL.iter().find(|(_, known)| *known == version);
        Ok(said.tls_min.and_then(name).map(|(name, _)| Value::from(*name)))
    }),
    ("tls-sni", |said| Ok(said.tls_sni.as_deref().map(Value::from))),
    ("local", |said| Ok(said.local.as_ref().map(text))),
    ("dkim", |said| said.dkim.as_deref().map(signatures).transpose()),
    ("dsn", |said| Ok(said.dsn.map(|dsn| Value::from(dsn.to_string().to_lowercase())))),
    ("dsn-return", |said| Ok(said.dsn_return.map(|ret| Value::from(ret.name())))),
    ("save-sent", |said| said.save_sent.as_deref().map(path).transpose()),
    ("log", |said| said.log.as_ref().map(log).transpose()),
];

fn text(value: &impl ToString) -> Value {
    Value::from(value.to_string())
}

/// A list; of one, that one alone.
fn list(mut values: Vec<Value>) -> Value {
    if values.len() == 1 { values.remove(0) } else { Value::Array(values.into_iter().collect()) }
}

fn texts<T: ToString>(values: &[T]) -> Value {
    list(values.iter().map(text).collect())
}

fn path(path: &Path) -> Result<Value, &'static str> {
    path.to_str().map(Value::from).ok_or("its path is not UTF-8 text")
}

fn paths<P: AsRef<Path>>(values: &[P]) -> Result<Value, &'static str> {
    let values: Result<Vec<Value>, _> = values.iter().map(|value| path(value.as_ref())).collect();
    values.map(list)
}

fn servers(urls: &[ServerUrl]) -> Result<Value, &'static str> {
    let values: Result<Vec<Value>, _> = urls.iter().map(server).collect();
    values.map(list)
}

/// The URL with its user, which it does not show otherwise.
fn server(url: &ServerUrl) -> Result<Value, &'static str> {
    let shown = url.to_string();
    match url {
        ServerUrl::Server(Server { password: Some(_), .. }) => {
            Err("a password stands in a server's URL; it has a key of its own")
        }
        ServerUrl::Server(Server { user: Some(user), .. }) => {
            let user = utf8_percent_encode(user, NON_ALPHANUMERIC);
            Ok(Value::from(shown.replacen("//", &format!("//{user}@"), 1)))
        }
        ServerUrl::Server(_) | ServerUrl::Sink(_) => Ok(Value::from(shown)),
    }
}

fn proxy(choice: &ProxyChoice) -> Result<Value, &'static str> {
    match choice {
        ProxyChoice::Environment(_) => Err("it is the environment's"),
        ProxyChoice::Through(_) if choice.has_password() => {
            Err("a password stands in the proxy's URL")
        }
        ProxyChoice::Direct | ProxyChoice::Through(_) => Ok(text(choice)),
    }
}

fn log(log: &Log) -> Result<Value, &'static str> {
    match log {
        Log::File(file) => path(file),
        Log::Nowhere | Log::Syslog(_) => Ok(text(log)),
    }
}

/// The table that says where a secret is.
fn secret(source: &SecretSource) -> Result<Value, &'static str> {
    let (key, value) = match source {
        SecretSource::Value(secret) => ("value", plain(secret)?),
        SecretSource::Env(name) => ("env", Value::from(name)),
        SecretSource::File(file) => ("file", path(file)?),
        SecretSource::Command(words) => ("command", words.iter().collect::<Array>().into()),
        SecretSource::Fd(_) => return Err("a descriptor is open in one run only"),
        SecretSource::Credential(name) => ("credential", Value::from(name)),
        SecretSource::Keyring => ("keyring", Value::from(true)),
        SecretSource::Netrc(None) => ("netrc", Value::from(true)),
        SecretSource::Netrc(Some(file)) => ("netrc", path(file)?),
        SecretSource::Prompt => ("prompt", Value::from(true)),
    };
    Ok(Value::InlineTable(InlineTable::from_iter([(key, value)])))
}

/// The one secret that stands in the file itself.
fn plain(secret: &Secret) -> Result<Value, &'static str> {
    let text = std::str::from_utf8(secret.expose()).map_err(|_| "it is not UTF-8 text")?;
    Ok(Value::from(text))
}

/// The table that says who issues tokens.
pub(super) fn oauth2(oauth2: &OAuth2) -> Result<Value, &'static str> {
    let mut table = InlineTable::new();
    let issuer = match &oauth2.issuer {
        Issuer::Google => "google".to_owned(),
        Issuer::Microsoft { .. } => "microsoft".to_owned(),
        issuer @ Issuer::Other(_) => issuer.to_string(),
    };
    table.insert("issuer", issuer.into());
    if let Issuer::Microsoft { tenant } = &oauth2.issuer
        && *tenant != Issuer::COMMON
    {
        table.insert("tenant", tenant.into());
    }
    if let Some(id) = &oauth2.client_id {
        table.insert("client-id", id.into());
    }
    if let Some(source) = &oauth2.client_secret {
        table.insert("client-secret", secret(source)?);
    }
    if let Some(scope) = &oauth2.scope {
        table.insert("scope", scope.into());
    }
    if let TokenStore::File(file) = &oauth2.store {
        let table_of_file = InlineTable::from_iter([("file", path(file)?)]);
        table.insert("store", Value::InlineTable(table_of_file));
    }
    Ok(Value::InlineTable(table))
}

fn signatures(signatures: &[Dkim]) -> Result<Value, &'static str> {
    let table = |dkim: &Dkim| {
        Ok(Value::InlineTable(InlineTable::from_iter([
            ("domain", text(&dkim.domain)),
            ("selector", text(&dkim.selector)),
            ("key", path(&dkim.key)?),
            ("canonicalization", text(&dkim.canonicalization)),
        ])))
    };
    signatures.iter().map(table).collect::<Result<Array, _>>().map(Value::Array)
}

#[cfg(test)]
mod tests {
    use super::super::grammar::{account_keys, document};
    use super::super::value::Source;
    use super::*;
    use std::collections::BTreeSet;

    fn read(text: &str) -> Settings {
        let source = Source { file: Path::new("/c/config.toml"), text, home: None };
        let mut document = document(source).unwrap_or_else(|error| panic!("{error}\n{text}"));
        document.accounts.remove("a").unwrap().settings
    }

    fn written(settings: &Settings) -> String {
        format!("[accounts.a]\n{}", table(settings).unwrap())
    }

    const EVERYTHING: &str = r#"[accounts.a]
from = "Alice \"A\" Example <alice@example.org>"
match = ["*@example.org", "root@*"]
masquerade = { "root@*" = "alerts@example.org" }
server = ["smtps://mail.example.org", "smtp://b%40c@backup.example.org:2587", "lmtp+unix:/run/lmtp"]
user = "alice"
password = { command = ["pass", "show", "mail work"] }
auth = ["PLAIN", "LOGIN"]
allow-cleartext-auth = true
helo = "box.example.org"
proxy = "socks5://127.0.0.1:9050"
source = "192.0.2.7"
ipv4 = true
ipv6 = false
timeout = "1m30s"
deadline = "1h"
pipelining = "off"
chunking = "on"
tls-ca = "/etc/ca.pem"
tls-system-roots = true
tls-verify = false
oauth2 = { issuer = "microsoft", tenant = "contoso.example", client-id = "c", client-secret = { env = "S" }, scope = "s t", store = { file = "/t" } }
tls-name = "example.org"
tls-pin = "sha256:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
tls-cert = "/c.pem"
tls-key = "/k.pem"
tls-min = "1.3"
tls-sni = "sni.example.org"
dkim = [{ domain = "example.org", selector = "s", key = "/d.pem", canonicalization = "simple/relaxed" }]
dsn = "failure,delay"
dsn-return = "headers"
save-sent = "/home/alice/Sent"
local = "maildir:{home}/Maildir"
log = "syslog:local3"
"#;

    #[test]
    fn an_account_is_written_as_it_can_be_read() {
        let settings = read(EVERYTHING);
        assert_eq!(read(&written(&settings)), settings, "{}", written(&settings));
        for secret in [
            "keyring = true",
            "env = 'X'",
            "file = '/s'",
            "credential = 'c'",
            "netrc = true",
            "netrc = '/n'",
            "prompt = true",
            "value = '\"quoted\\ '",
        ] {
            for key in ["password", "token"] {
                let settings = read(&format!("[accounts.a]\n{key} = {{ {secret} }}"));
                assert_eq!(read(&written(&settings)), settings, "{secret}");
            }
        }
    }

    #[test]
    fn every_key_of_an_account_can_be_written() {
        let written: BTreeSet<_> = KEYS.iter().map(|(key, _)| *key).collect();
        let known: BTreeSet<_> = account_keys().filter(|key| *key != "extends").collect();
        assert_eq!(written, known);
        let everything = table(&read(EVERYTHING)).unwrap();
        let missing: Vec<_> =
            written.into_iter().filter(|key| !everything.contains_key(key)).collect();
        assert_eq!(missing, ["token"], "nothing is said of what is not tried");
    }

    #[test]
    fn what_is_said_for_one_run_only_is_not_written() {
        let url = |text: &str| ServerUrl::parse(text, super::super::Origin::File).unwrap();
        let password =
            Settings { servers: Some(vec![url("smtps://a:b@c.d")]), ..Settings::default() };
        assert_eq!(table(&password).unwrap_err().key, "server");
        let descriptor = Settings { password: Some(SecretSource::Fd(3)), ..Settings::default() };
        assert_eq!(table(&descriptor).unwrap_err().key, "password");
    }
}
