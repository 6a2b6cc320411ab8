//! The large providers: what their own documentation says, in a table that
//! comes with envoi (`providers.toml`), so that nobody has to be asked.

use super::{Candidate, Found, Trust};
use crate::account::{Origin, Server, ServerUrl};
use crate::net::Host;
use crate::smtp::Mailbox;
use serde::Deserialize;
use std::sync::LazyLock;

/// A provider that the table knows, and its servers for one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// What it calls itself.
    pub provider: &'static str,
    /// Its servers, the preferred first; none where it has none for mail
    /// programs, which the remark explains.
    pub candidates: Vec<Candidate>,
    /// Which passwords it takes.
    pub passwords: Passwords,
    /// Who gives tokens that it takes in place of a password.
    pub issuer: Option<&'static str>,
    /// What one has to know; the same as in each candidate.
    pub remark: Option<&'static str>,
}

/// Which passwords a provider takes from a mail program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Passwords {
    /// Only one that is made for the program.
    App,
    /// That of the account.
    Account,
    /// None.
    None,
}

/// One row.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Provider {
    name: String,
    /// Whose addresses end in these.
    #[serde(default)]
    domains: Vec<String>,
    /// Mail exchangers with these names, or below them, take the mail of
    /// domains that it hosts.
    #[serde(default)]
    exchangers: Vec<String>,
    /// URLs, the preferred first.
    #[serde(default)]
    servers: Vec<String>,
    #[serde(default)]
    user: User,
    issuer: Option<String>,
    passwords: Passwords,
    remark: Option<String>,
    /// Where the provider says so.
    #[cfg_attr(not(test), expect(dead_code, reason = "for who looks after the table"))]
    source: String,
    /// What was looked at.
    #[cfg_attr(not(test), expect(dead_code, reason = "for who looks after the table"))]
    checked: Checked,
    /// The day on which it was.
    #[cfg_attr(not(test), expect(dead_code, reason = "for who looks after the table"))]
    seen: toml::value::Datetime,
}

/// What a row was held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Checked {
    /// The provider's own page.
    Page,
    /// The entry of Mozilla's database.
    Database,
    /// What others say.
    Others,
}

/// By what name users sign in.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum User {
    #[default]
    Address,
    LocalPart,
    /// By something that the address does not tell.
    Other,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    provider: Vec<Provider>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    // A test reads the same text.
    toml::from_str(include_str!("providers.toml")).expect("the table of providers is proper TOML")
});

/// The provider of an address by its domain.
pub fn by_domain(address: &Mailbox) -> Option<Known> {
    let domain = address.domain().name()?;
    let has_domain = |row: &&Provider| row.domains.iter().any(|it| it.eq_ignore_ascii_case(domain));
    let row = TABLE.provider.iter().find(has_domain)?;
    Some(row.known(address, &Found::Table { provider: row.name.clone() }, &Trust::Sure))
}

/// The provider that hosts the domain of an address, by one of its mail
/// exchangers, and whether DNSSEC vouches for that.
pub fn by_exchanger(exchanger: &str, is_authentic: bool, address: &Mailbox) -> Option<Known> {
    let domain = Host::Name(address.domain().name()?.to_owned());
    let exchanger = exchanger.strip_suffix('.').unwrap_or(exchanger).to_ascii_lowercase();
    let has = |row: &&Provider| row.exchangers.iter().any(|suffix| is_below(&exchanger, suffix));
    let row = TABLE.provider.iter().find(has)?;
    let found = Found::Exchanger { exchanger: exchanger.clone(), provider: row.name.clone() };
    let trust = if is_authentic { Trust::Sure } else { Trust::Elsewhere { domain } };
    Some(row.known(address, &found, &trust))
}

/// The short name of an issuer by the host of its URL.
pub fn issuer_at(host: &Host) -> Option<&'static str> {
    let Host::Name(name) = host else { return None };
    match name.as_str() {
        "accounts.google.com" => Some("google"),
        "login.microsoftonline.com" => Some("microsoft"),
        _ => None,
    }
}

/// Who gives tokens for a server of the table.
pub fn issuer_for(server: &Host) -> Option<&'static str> {
    let has_server = |row: &&Provider| row.servers().any(|it| it.endpoint.place.host() == *server);
    TABLE.provider.iter().find(has_server)?.issuer.as_deref()
}

impl Provider {
    fn known(&'static self, address: &Mailbox, found: &Found, trust: &Trust) -> Known {
        let user = match self.user {
            User::Address => Some(address.to_string()),
            User::LocalPart => Some(address.local_part().to_owned()),
            User::Other => None,
        };
        let needed = (self.passwords == Passwords::None).then(|| self.issuer.clone()).flatten();
        let candidates = self.servers().map(|server| Candidate {
            endpoint: server.endpoint,
            user: user.clone(),
            issuer: needed.clone(),
            found: found.clone(),
            trust: trust.clone(),
            remark: self.remark.clone(),
        });
        Known {
            provider: &self.name,
            candidates: candidates.collect(),
            passwords: self.passwords,
            issuer: self.issuer.as_deref(),
            remark: self.remark.as_deref(),
        }
    }

    fn servers(&self) -> impl Iterator<Item = Server> {
        self.servers.iter().filter_map(|url| match ServerUrl::parse(url, Origin::File) {
            Ok(ServerUrl::Server(server)) => Some(server),
            Ok(ServerUrl::Sink(_)) | Err(_) => None,
        })
    }
}

/// True for the name itself and for names below it.
fn is_below(name: &str, suffix: &str) -> bool {
    name.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests;
