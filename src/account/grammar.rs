//! What may stand in a configuration file, key by key.
//!
//! Each table of the file has a table here: the key, and what takes its value.
//! The same table says which keys there are when one is misspelt.

mod dkim;
mod oauth2;

use super::error::{Error, Location, nearest};
use super::logging::Log;
use super::masquerade::Masquerade;
use super::pattern::Pattern;
use super::proxy::ProxyChoice;
use super::queueing::{QueueSettings, When};
use super::rewriting::{FromRule, RewriteSettings};
use super::secret::SecretSource;
use super::server::{self, Origin, ServerUrl};
use super::settings::{Pipelining, Settings, mechanism};
use super::value::{Source, Value};
use crate::message::{Repair, StrayCr};
use crate::net::{Pin, TlsVersion};
use crate::sasl::{self, Secret};
use crate::smtp::{Chunking, NotRet, Ret};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};
use zeroize::{Zeroize as _, Zeroizing};

/// One file, read.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// The account that is used when nothing else chooses one.
    pub(super) default: Option<(String, Location)>,
    /// `[accounts.NAME]`.
    pub(super) accounts: BTreeMap<String, Entry>,
    /// The accounts in the order in which they are asked whom they are for, the
    /// first that fits being chosen; `None` where that must be clear.
    pub(super) in_order: Option<Vec<String>>,
    /// `[message]`.
    pub(super) message: MessageSettings,
    /// `[queue]`.
    pub(super) queue: QueueSettings,
    /// `[rewrite]`.
    pub(super) rewrite: RewriteSettings,
    /// A password stands in the file itself.
    pub(super) holds_secret: bool,
}

/// One `[accounts.NAME]`.
#[derive(Clone, Debug, Default)]
pub(super) struct Entry {
    /// What it says itself.
    pub(super) settings: Settings,
    /// What is done to the addresses of what it sends alone, in an msmtprc.
    pub(super) rewrite: RewriteSettings,
    /// Which account says the rest.
    pub(super) extends: Option<(String, Location)>,
    /// The file that it stands in.
    pub(super) file: PathBuf,
    /// The line that it begins on, counted from 1.
    pub(super) line: usize,
    /// The line of each key that it has.
    pub(super) lines: BTreeMap<&'static str, usize>,
}

/// `[message]`: `None` is not said.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct MessageSettings {
    /// What is done about octets above 127 that the server does not take.
    pub(super) eight_bit: Option<Repair>,
    /// What is done about lines that are too long.
    pub(super) long_lines: Option<Repair>,
    /// Recipients in one transaction; 0 is no cap.
    pub(super) max_recipients: Option<usize>,
    /// What becomes of a CR that ends no line.
    pub(super) stray_cr: Option<StrayCr>,
}

impl MessageSettings {
    /// Lays `self` over `below`, key by key.
    pub(super) fn over(self, below: MessageSettings) -> MessageSettings {
        MessageSettings {
            eight_bit: self.eight_bit.or(below.eight_bit),
            long_lines: self.long_lines.or(below.long_lines),
            max_recipients: self.max_recipients.or(below.max_recipients),
            stray_cr: self.stray_cr.or(below.stray_cr),
        }
    }
}

/// Reads a whole file.
pub(super) fn document(source: Source<'_>) -> Result<Document, Error> {
    let mut table = DeTable::parse(source.text).map_err(|error| Error::Syntax {
        at: source.location(&error.span().unwrap_or_default()),
        // The full form of the error shows the line, in which a password may
        // stand.
        reason: error.message().to_owned(),
    })?;
    let mut document = Document::default();
    let filled = fill(&mut document, source, "the file", table.get_ref(), TOP);
    table.get_mut().iter_mut().for_each(|(_, value)| clear(value.get_mut()));
    filled.map(|()| document)
}

/// Clears the texts that are no part of the file's own: those with escapes in
/// them. One may be a password.
fn clear(value: &mut DeValue<'_>) {
    match value {
        DeValue::String(Cow::Owned(text)) => text.zeroize(),
        DeValue::Array(items) => items.iter_mut().for_each(|item| clear(item.get_mut())),
        DeValue::Table(table) => table.iter_mut().for_each(|(_, item)| clear(item.get_mut())),
        _ => {}
    }
}

/// What takes the value of a key.
type Setter<T> = fn(&mut T, &Value<'_>) -> Result<(), Error>;

const TOP: &[(&str, Setter<Document>)] = &[
    ("accounts", |document, value| {
        let lines = Lines::of(value.source.text);
        for (name, table) in value.table()? {
            let here = Value { key: name.get_ref(), content: table, ..*value };
            let mut account = Account::default();
            let title = format!("[accounts.{}]", name.get_ref());
            fill(&mut account, value.source, &title, here.table()?, ACCOUNT)?;
            value.source.file.clone_into(&mut account.entry.file);
            account.entry.line = lines.at(&name.span());
            account.entry.lines = lines.of_keys(here.table()?, ACCOUNT);
            document.holds_secret |= account.holds_secret;
            document.accounts.insert(name.get_ref().to_string(), account.entry);
        }
        Ok(())
    }),
    ("default", |document, value| {
        document.default = Some((value.text()?.to_owned(), value.location()));
        Ok(())
    }),
    ("message", |document, value| {
        fill(&mut document.message, value.source, "[message]", value.table()?, MESSAGE)
    }),
    ("queue", |document, value| {
        fill(&mut document.queue, value.source, "[queue]", value.table()?, QUEUE)
    }),
    ("rewrite", |document, value| {
        fill(&mut document.rewrite, value.source, "[rewrite]", value.table()?, REWRITE)
    }),
];

const MESSAGE: &[(&str, Setter<MessageSettings>)] = &[
    ("eight-bit", |message, value| set(&mut message.eight_bit, value.one_of(REPAIRS))),
    ("long-lines", |message, value| set(&mut message.long_lines, value.one_of(REPAIRS))),
    ("max-recipients", |message, value| set(&mut message.max_recipients, value.number())),
    ("stray-cr", |message, value| set(&mut message.stray_cr, value.one_of(STRAY_CR))),
];

const REPAIRS: &[(&str, Repair)] =
    &[("reencode", Repair::Reencode), ("reject", Repair::Reject), ("pass", Repair::Pass)];

const STRAY_CR: &[(&str, StrayCr)] =
    &[("space", StrayCr::Space), ("crlf", StrayCr::Crlf), ("reject", StrayCr::Reject)];

const QUEUE: &[(&str, Setter<QueueSettings>)] = &[
    ("directory", |queue, value| set(&mut queue.directory, value.path())),
    ("keep-free", |queue, value| set(&mut queue.keep_free, value.hundredths())),
    ("max-age", |queue, value| set(&mut queue.max_age, value.duration())),
    ("max-message", |queue, value| set(&mut queue.max_message, value.octets())),
    ("max-retry", |queue, value| set(&mut queue.max_retry, value.duration())),
    ("max-total", |queue, value| set(&mut queue.max_total, value.octets())),
    ("min-retry", |queue, value| set(&mut queue.min_retry, value.duration())),
    ("patience", |queue, value| set(&mut queue.patience, value.duration())),
    ("when", |queue, value| set(&mut queue.when, value.one_of(&When::ALL))),
];

const REWRITE: &[(&str, Setter<RewriteSettings>)] = &[
    ("aliases", |rewrite, value| set(&mut rewrite.aliases, value.path())),
    ("domain", |rewrite, value| {
        let wrong = |why| value.wrong(format!("this is no domain: {why}"));
        set(&mut rewrite.domain, value.text()?.parse().map_err(wrong))
    }),
    ("from", |rewrite, value| {
        let known = || value.wrong("it is \"keep\", \"qualify\" or \"set\"".to_owned());
        set(&mut rewrite.from, FromRule::named(value.text()?).ok_or_else(known))
    }),
];

/// An account while its table is being read.
#[derive(Default)]
struct Account {
    entry: Entry,
    holds_secret: bool,
}

const ACCOUNT: &[(&str, Setter<Account>)] = &[
    ("allow-cleartext-auth", |account, value| {
        set(&mut account.entry.settings.allow_cleartext_auth, value.flag())
    }),
    ("auth", |account, value| set(&mut account.entry.settings.auth, value.mechanisms())),
    ("chunking", |account, value| {
        let known = || value.wrong("it is \"auto\", \"on\" or \"off\"".to_owned());
        set(&mut account.entry.settings.chunking, Chunking::named(value.text()?).ok_or_else(known))
    }),
    ("deadline", |account, value| set(&mut account.entry.settings.deadline, value.duration())),
    ("dkim", |account, value| set(&mut account.entry.settings.dkim, value.signatures())),
    ("dsn", |account, value| set(&mut account.entry.settings.dsn, value.parsed())),
    ("dsn-return", |account, value| {
        let wrong = || value.wrong(NotRet.to_string());
        set(&mut account.entry.settings.dsn_return, Ret::named(value.text()?).ok_or_else(wrong))
    }),
    ("extends", |account, value| {
        account.entry.extends = Some((value.text()?.to_owned(), value.location()));
        Ok(())
    }),
    ("from", |account, value| set(&mut account.entry.settings.from, value.line())),
    ("helo", |account, value| {
        let helo = value.text()?.parse();
        let wrong = |error| value.wrong(format!("this is no name to greet with: {error}"));
        set(&mut account.entry.settings.helo, helo.map_err(wrong))
    }),
    ("ipv4", |account, value| set(&mut account.entry.settings.ipv4, value.flag())),
    ("ipv6", |account, value| set(&mut account.entry.settings.ipv6, value.flag())),
    ("local", |account, value| set(&mut account.entry.settings.local, value.parsed())),
    ("log", |account, value| set(&mut account.entry.settings.log, value.log())),
    ("masquerade", |account, value| {
        set(&mut account.entry.settings.masquerade, value.masquerade())
    }),
    ("match", |account, value| set(&mut account.entry.settings.matches, value.patterns())),
    ("oauth2", |account, value| {
        let oauth2 = value.oauth2()?;
        account.holds_secret |= matches!(oauth2.client_secret, Some(SecretSource::Value(_)));
        account.entry.settings.oauth2 = Some(oauth2);
        Ok(())
    }),
    ("password", |account, value| {
        let password = value.password()?;
        account.holds_secret |= matches!(password, SecretSource::Value(_));
        account.entry.settings.password = Some(password);
        Ok(())
    }),
    ("pipelining", |account, value| {
        let known = || value.wrong("it is \"off\" or \"standard\"".to_owned());
        set(
            &mut account.entry.settings.pipelining,
            Pipelining::named(value.text()?).ok_or_else(known),
        )
    }),
    ("proxy", |account, value| {
        let proxy = ProxyChoice::parse(value.text()?, Origin::File);
        let proxy = proxy.map_err(|error| value.wrong(error.to_string()))?;
        account.holds_secret |= proxy.has_password();
        account.entry.settings.proxy = Some(proxy);
        Ok(())
    }),
    ("save-sent", |account, value| set(&mut account.entry.settings.save_sent, value.path())),
    ("server", |account, value| {
        let servers = value.servers()?;
        account.holds_secret |= servers.iter().any(ServerUrl::has_password);
        account.entry.settings.servers = Some(servers);
        Ok(())
    }),
    ("source", |account, value| {
        let address = value.text()?.parse();
        let wrong = |_| value.wrong("it is an IPv4 or IPv6 address".to_owned());
        set(&mut account.entry.settings.source, address.map_err(wrong))
    }),
    ("timeout", |account, value| set(&mut account.entry.settings.timeout, value.duration())),
    ("tls-ca", |account, value| set(&mut account.entry.settings.tls_ca, value.paths())),
    ("tls-cert", |account, value| set(&mut account.entry.settings.tls_cert, value.path())),
    ("tls-key", |account, value| set(&mut account.entry.settings.tls_key, value.path())),
    ("tls-min", |account, value| {
        set(&mut account.entry.settings.tls_min, value.one_of(&TlsVersion::ALL))
    }),
    ("tls-name", |account, value| {
        let host = server::host(value.text()?);
        let wrong = |_| value.wrong("it is a host name or an address".to_owned());
        set(&mut account.entry.settings.tls_name, host.map_err(wrong))
    }),
    ("tls-pin", |account, value| set(&mut account.entry.settings.tls_pin, value.pins())),
    ("tls-sni", |account, value| {
        let wrong = || value.wrong("it is a host name, and no address".to_owned());
        set(&mut account.entry.settings.tls_sni, server::name(value.text()?).ok_or_else(wrong))
    }),
    ("tls-system-roots", |account, value| {
        set(&mut account.entry.settings.tls_system_roots, value.flag())
    }),
    ("tls-verify", |account, value| set(&mut account.entry.settings.tls_verify, value.yes_or_no())),
    ("token", |account, value| {
        let token = value.password()?;
        account.holds_secret |= matches!(token, SecretSource::Value(_));
        account.entry.settings.token = Some(token);
        Ok(())
    }),
    ("user", |account, value| set(&mut account.entry.settings.user, value.line())),
];

/// Every key of an account.
pub fn account_keys() -> impl Iterator<Item = &'static str> {
    ACCOUNT.iter().map(|(key, _)| *key)
}

/// `password` and `token`, before it is known that it is exactly one of these.
const PASSWORD: &[(&str, Setter<Vec<SecretSource>>)] = &[
    ("command", |sources, value| {
        let words = value.texts()?;
        if words.first().is_none_or(String::is_empty) {
            return Err(value.wrong("it is a list of words, the first one a program".to_owned()));
        }
        add(sources, Ok(words), SecretSource::Command)
    }),
    ("credential", |sources, value| add(sources, value.line(), SecretSource::Credential)),
    ("env", |sources, value| add(sources, value.line(), SecretSource::Env)),
    ("file", |sources, value| add(sources, value.path(), SecretSource::File)),
    ("keyring", |sources, value| add(sources, value.yes(), |()| SecretSource::Keyring)),
    ("netrc", |sources, value| {
        let path =
            if value.is_text() { value.path().map(Some) } else { value.yes().map(|()| None) };
        add(sources, path, SecretSource::Netrc)
    }),
    ("prompt", |sources, value| add(sources, value.yes(), |()| SecretSource::Prompt)),
    ("value", |sources, value| {
        add(sources, value.line(), |text| SecretSource::Value(Secret::new(text)))
    }),
];

/// Hands each key of a table to what takes its value.
fn fill<T>(
    target: &mut T,
    source: Source<'_>,
    title: &str,
    table: &DeTable<'_>,
    keys: &[(&'static str, Setter<T>)],
) -> Result<(), Error> {
    for (key, value) in table {
        let written = key.get_ref().as_ref();
        match keys.iter().find(|(known, _)| *known == written) {
            Some((_, setter)) => setter(target, &Value { source, key: written, content: value })?,
            None => return Err(unknown(source, title, key, keys.iter().map(|(known, _)| *known))),
        }
    }
    Ok(())
}

fn unknown(
    source: Source<'_>,
    title: &str,
    key: &Spanned<DeString<'_>>,
    known: impl Iterator<Item = &'static str>,
) -> Error {
    let known: Vec<_> = known.collect();
    Error::UnknownKey {
        at: source.location(&key.span()),
        key: key.get_ref().as_ref().into(),
        table: title.into(),
        nearest: nearest(key.get_ref(), known.iter().copied()),
        known,
    }
}

/// Where the lines of a text end. Counting them anew for each key would take
/// the square of a long file.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Lines(memchr::memchr_iter(b'\n', text.as_bytes()).collect())
    }

    /// The number of the line that a span begins on, counted from 1.
    fn at(&self, span: &Range<usize>) -> usize {
        self.0.partition_point(|&end| end < span.start) + 1
    }

    /// The line of each key that a table has.
    fn of_keys<T>(
        &self,
        table: &DeTable<'_>,
        keys: &[(&'static str, Setter<T>)],
    ) -> BTreeMap<&'static str, usize> {
        let known = |written: &str| keys.iter().find(|(known, _)| *known == written);
        let line =
            |key: &Spanned<DeString<'_>>| Some((known(key.get_ref())?.0, self.at(&key.span())));
        table.iter().filter_map(|(key, _)| line(key)).collect()
    }
}

fn set<T>(place: &mut Option<T>, value: Result<T, Error>) -> Result<(), Error> {
    *place = Some(value?);
    Ok(())
}

fn add<T>(
    sources: &mut Vec<SecretSource>,
    value: Result<T, Error>,
    source: impl FnOnce(T) -> SecretSource,
) -> Result<(), Error> {
    sources.push(source(value?));
    Ok(())
}

impl Value<'_> {
    /// The one source that `password` or `token` names.
    fn password(&self) -> Result<SecretSource, Error> {
        if self.is_text() {
            let reason = "it is a table that says where to find it, such as \
                          { command = [\"pass\", \"show\", \"mail\"] } or { file = \"PATH\" }";
            return Err(self.wrong(reason.to_owned()));
        }
        let mut sources = Vec::new();
        fill(&mut sources, self.source, self.key, self.table()?, PASSWORD)?;
        if let (Some(source), true) = (sources.pop(), sources.is_empty()) {
            return Ok(source);
        }
        let known: Vec<_> = PASSWORD.iter().map(|(known, _)| *known).collect();
        let known = known.join(", ");
        Err(self.wrong(format!("it takes exactly one of {known}")))
    }

    /// Patterns of senders, at least one: a list of none would say nothing,
    /// since no other account's is taken over.
    fn patterns(&self) -> Result<Vec<Pattern>, Error> {
        let patterns = self.texts()?;
        if patterns.is_empty() {
            return Err(self.wrong("the list is empty".to_owned()));
        }
        let pattern = |text: &String| text.parse().map_err(|why| self.wrong(why));
        patterns.iter().map(pattern).collect()
    }

    /// Where to log: a word that names no file, or a path.
    fn log(&self) -> Result<Log, Error> {
        let named = Log::named(&self.line()?).map_err(|why| self.wrong(why))?;
        named.map_or_else(|| self.path().map(Log::File), Ok)
    }

    /// Patterns of senders, and what each is shown as.
    fn masquerade(&self) -> Result<Masquerade, Error> {
        let mut masquerade = Masquerade::default();
        for (pattern, address) in self.table()? {
            let pattern = pattern.get_ref();
            let here = Value { key: pattern, content: address, ..*self };
            masquerade.add(pattern, &here.line()?).map_err(|why| here.wrong(why))?;
        }
        Ok(masquerade)
    }

    /// One server URL, or several. A password may stand in them.
    fn servers(&self) -> Result<Vec<ServerUrl>, Error> {
        let urls = Zeroizing::new(self.texts()?);
        if urls.is_empty() {
            return Err(self.wrong("the list is empty".to_owned()));
        }
        let url = |text: &String| {
            ServerUrl::parse(text, Origin::File).map_err(|error| self.wrong(error.to_string()))
        };
        urls.iter().map(url).collect()
    }

    /// One pin, or several of which any will do; without one, none would be
    /// asked for.
    fn pins(&self) -> Result<Vec<Pin>, Error> {
        let texts = self.texts()?;
        if texts.is_empty() {
            return Err(self.wrong("the list is empty".to_owned()));
        }
        let pin = |text: &String| {
            text.parse().map_err(|error| self.wrong(format!("‘{text}’ is no pin: {error}")))
        };
        texts.iter().map(pin).collect()
    }

    /// Mechanisms in a list, or in a text with commas.
    fn mechanisms(&self) -> Result<Vec<&'static str>, Error> {
        let names = self.texts()?;
        let names = names.iter().flat_map(|names| names.split(','));
        let known = |name: &str| {
            mechanism(name).ok_or_else(|| {
                let known = sasl::MECHANISMS.iter().map(|entry| entry.name);
                let known = known.collect::<Vec<_>>().join(", ");
                self.wrong(format!("‘{}’ is not one of {known}", name.trim()))
            })
        };
        names.map(known).collect()
    }
}

#[cfg(test)]
mod tests;
