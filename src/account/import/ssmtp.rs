//! ssmtp's configuration: `Key=Value` lines, and the addresses of users in
//! `revaliases` beside it.

use super::draft::{beside, host, place, smtp};
use super::text::{MASK, Text};
use super::{Format, Import, Meaning};
use crate::account::error::{Error, nearest};
use crate::account::masquerade::Masquerade;
use crate::account::secret::SecretSource;
use crate::account::server::ServerUrl;
use crate::account::settings::Settings;
use crate::net::{Host, Security};
use crate::sasl::Secret;
use std::path::Path;

/// Reads the file, and `revaliases` in its directory.
pub(super) fn import(file: &Path) -> Result<Import, Error> {
    let text = Text::of(file)?;
    let mut reader = Reader {
        import: Import::of(Format::Ssmtp),
        settings: Settings::default(),
        hub: None,
        tls: false,
        starttls: false,
    };
    reader.import.files.push(file.to_owned());
    for statement in text.statements() {
        let (number, line) = statement?;
        reader.line(&text, number, line)?;
    }
    if let Some(aliases) = beside(file, "revaliases")? {
        reader.import.files.push(aliases.file.clone());
        reader.reverse_aliases(&aliases)?;
    }
    Ok(reader.finish(file))
}

struct Reader {
    import: Import,
    settings: Settings,
    /// Where mail goes, and on which line that stands.
    hub: Option<(Host, Option<u16>, usize)>,
    tls: bool,
    starttls: bool,
}

/// What takes the value of a key.
type Setter = fn(&mut Reader, &str) -> Meaning;

const KEYS: &[(&str, Setter)] = &[
    ("Root", |_, value| {
        let instead = format!("a line in /etc/aliases: root: {value}");
        Meaning::lost("mail for users of the system goes where the aliases say", instead)
    }),
    ("RewriteDomain", |reader, value| reader.domain(value.rsplit('@').next().unwrap_or(value))),
    ("Hostname", |reader, value| reader.hostname(value)),
    ("FromLineOverride", |_, value| {
        let kept = "From stays as it is, but for its domain";
        if is_yes(value) {
            return Meaning::already(kept);
        }
        Meaning::lost(kept, "[rewrite] from = \"set\", and from = \"…\" in the account")
    }),
    ("UseTLS", |reader, value| {
        reader.tls = is_yes(value);
        Meaning::Keys(&["server"])
    }),
    ("UseSTARTTLS", |reader, value| {
        reader.starttls = is_yes(value);
        Meaning::Keys(&["server"])
    }),
    ("UseTLSCert", |_, _| Meaning::already("a certificate is shown where TLSCert names one")),
    ("TLSCert", |reader, value| {
        reader.settings.tls_cert = Some(value.into());
        Meaning::Keys(&["tls-cert"])
    }),
    ("TLSKey", |reader, value| {
        reader.settings.tls_key = Some(value.into());
        Meaning::Keys(&["tls-key"])
    }),
    ("TLS_CA_File", |reader, value| {
        reader.settings.tls_ca = Some(vec![value.into()]);
        Meaning::Keys(&["tls-ca"])
    }),
    ("AuthUser", |reader, value| {
        reader.settings.user = Some(value.to_owned());
        Meaning::Keys(&["user"])
    }),
    ("AuthPass", |reader, value| {
        reader.settings.password = Some(SecretSource::Value(Secret::new(value)));
        Meaning::Keys(&["password"])
    }),
    ("AuthMethod", |reader, value| reader.method(value)),
    ("UseOldAUTH", |_, _| Meaning::already("both forms of AUTH are understood")),
    ("Debug", |_, _| Meaning::lost("it is said anew each time", "envoi send -v")),
];

/// The key that names the server, the only one whose value can be wrong.
const MAILHUB: &str = "Mailhub";

fn is_yes(value: &str) -> bool {
    value.eq_ignore_ascii_case("yes")
}

impl Reader {
    fn line(&mut self, text: &Text, number: usize, line: &str) -> Result<(), Error> {
        let Some((key, value)) = line.split_once('=') else {
            let meaning = Meaning::already("ssmtp passes over what is not Key=Value");
            self.import.tell(&text.file, number, MASK, meaning);
            return Ok(());
        };
        let (key, value) = (key.trim(), value.trim());
        let is_secret = key.eq_ignore_ascii_case("AuthPass");
        // A comment may stand behind a value.
        let value = if is_secret { value } else { value.split('#').next().unwrap_or("").trim() };
        let meaning = self.key(text, number, &key.to_ascii_lowercase(), value)?;
        let is_known = !matches!(meaning, Meaning::Unknown { .. });
        let shown = if is_secret || !is_known { MASK } else { value };
        self.import.tell(&text.file, number, format!("{key}={shown}"), meaning);
        if is_secret && value.contains(['=', ':', '#', ' ', '\t']) {
            self.import
                .warn("ssmtp ends the password at the first =, :, # or blank; envoi does not");
        }
        Ok(())
    }

    fn key(
        &mut self,
        text: &Text,
        number: usize,
        key: &str,
        value: &str,
    ) -> Result<Meaning, Error> {
        let setter = KEYS.iter().find(|(known, _)| known.eq_ignore_ascii_case(key));
        let is_hub = key.eq_ignore_ascii_case(MAILHUB);
        Ok(match setter {
            None if !is_hub => {
                let known = KEYS.iter().map(|(known, _)| *known).chain([MAILHUB]);
                Meaning::Unknown { nearest: nearest(key, known) }
            }
            Some(_) | None if value.is_empty() => Meaning::already("it says nothing"),
            Some((_, takes)) => takes(self, value),
            None => {
                let (host, port) = place(&text.file, number, value)?;
                self.hub = Some((host, port, number));
                Meaning::Keys(&["server"])
            }
        })
    }

    fn method(&mut self, value: &str) -> Meaning {
        if value.eq_ignore_ascii_case("cram-md5") {
            self.settings.auth = Some(vec!["CRAM-MD5"]);
            return Meaning::Keys(&["auth"]);
        }
        if value.eq_ignore_ascii_case("login") {
            self.settings.auth = Some(vec!["LOGIN"]);
            return Meaning::Keys(&["auth"]);
        }
        Meaning::gone("ssmtp knows login and cram-md5")
    }

    fn hostname(&mut self, value: &str) -> Meaning {
        let Ok(name) = value.parse() else { return Meaning::gone("it is no name to greet with") };
        self.settings.helo = Some(name);
        if self.import.rewrite.domain.is_some() {
            return Meaning::Keys(&["helo"]);
        }
        self.import.rewrite.domain = value.parse().ok();
        Meaning::Keys(&["helo", "rewrite.domain"])
    }

    fn domain(&mut self, value: &str) -> Meaning {
        match value.parse() {
            Ok(domain) => {
                self.import.rewrite.domain = Some(domain);
                Meaning::Rewrite("domain")
            }
            Err(why) => Meaning::gone(format!("it is no domain: {why}")),
        }
    }

    /// `user:address[:hub]`: how a user is shown.
    fn reverse_aliases(&mut self, text: &Text) -> Result<(), Error> {
        let mut shown = Masquerade::default();
        for statement in text.statements() {
            let (number, line) = statement?;
            let mut parts = line.splitn(3, ':').map(str::trim);
            let (user, address, hub) = (parts.next(), parts.next(), parts.next());
            let (Some(user), Some(address)) = (user.filter(|user| !user.is_empty()), address)
            else {
                return Err(text.wrong(number, "it is user:address, with or without :server"));
            };
            let added = shown.add(&format!("{user}@*"), address);
            added.map_err(|why| text.wrong(number, why))?;
            self.import.tell(&text.file, number, line, Meaning::Keys(&["masquerade"]));
            if hub.is_some_and(|hub| !self.is_hub(hub)) {
                self.import.warn(
                    "its server is not the one of everybody: an account with match = and that \
                     server does the same",
                );
            }
        }
        if shown.entries().next().is_some() {
            self.settings.masquerade = Some(shown);
        }
        Ok(())
    }

    fn is_hub(&self, text: &str) -> bool {
        let name = text.rsplit_once(':').map_or(text, |(name, _)| name);
        let ours = self.hub.as_ref().map(|(host, ..)| host);
        host(name).is_some_and(|host| Some(&host) == ours)
    }

    fn finish(mut self, file: &Path) -> Import {
        let security = match (self.tls, self.starttls) {
            (_, true) => Security::StartTls,
            (true, false) => Security::Implicit,
            (false, false) => Security::Cleartext,
        };
        let Some((host, port, line)) = self.hub else {
            self.import.remarks.push("no Mailhub is named, so there is no server".to_owned());
            return self.import;
        };
        self.settings.servers =
            Some(vec![ServerUrl::Server(smtp(host, port.unwrap_or(25), security))]);
        if security == Security::Cleartext {
            self.import.remarks.push("messages go to the server in clear".to_owned());
            if self.settings.user.is_some() {
                self.settings.allow_cleartext_auth = Some(true);
                let remark = "the password goes over the network in clear: allow-cleartext-auth";
                self.import.remarks.push(remark.to_owned());
            }
        } else {
            if self.settings.tls_ca.is_none() {
                self.settings.tls_system_roots = Some(true);
            }
            self.import.remarks.push(UNCHECKED.to_owned());
        }
        if self.settings.user.is_none() && self.settings.password.take().is_some() {
            let remark = "a password without a user (AuthUser) is of no use and left out";
            self.import.remarks.push(remark.to_owned());
        }
        self.import.finish(self.settings, file, line)
    }
}

/// What is stricter than it was.
const UNCHECKED: &str =
    "ssmtp takes any certificate; envoi wants one that an authority of the system vouches for";

#[cfg(test)]
mod tests;
