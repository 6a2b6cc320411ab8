//! dma's configuration: `NAME value` lines, or a name alone for what is on; the
//! passwords of smarthosts stand in a file of their own.

use super::draft::{host, optional, port, smtp};
use super::text::{MASK, Text};
use super::{Context, Format, Import, Meaning};
use crate::account::error::{Error, nearest};
use crate::account::machine::small_file;
use crate::account::masquerade::Masquerade;
use crate::account::secret::SecretSource;
use crate::account::server::ServerUrl;
use crate::account::settings::Settings;
use crate::net::{Host, Pin, Security};
use crate::sasl::Secret;
use std::path::{Path, PathBuf};

/// Reads the file, and the passwords where AUTHPATH says they are.
pub(super) fn import(file: &Path, context: Context<'_>) -> Result<Import, Error> {
    let text = Text::of(file)?;
    let mut reader = Reader {
        import: Import::of(Format::Dma),
        settings: Settings::default(),
        on: Vec::new(),
        smarthost: None,
        shown: None,
        line: 0,
        port: None,
        passwords: None,
        context,
    };
    reader.import.files.push(file.to_owned());
    for statement in text.statements() {
        let (number, line) = statement?;
        let (name, value) = line.split_once([' ', '\t']).unwrap_or((line, ""));
        let meaning = reader.name(&text, number, name, value.trim())?;
        let is_known = !matches!(meaning, Meaning::Unknown { .. });
        let shown = if is_known { line.to_owned() } else { format!("{name} {MASK}") };
        reader.import.tell(&text.file, number, shown, meaning);
    }
    if let Some(passwords) = reader.passwords.clone() {
        reader.passwords(&passwords)?;
    }
    Ok(reader.finish(file))
}

struct Reader<'c> {
    import: Import,
    settings: Settings,
    /// What is on.
    on: Vec<&'static str>,
    smarthost: Option<(String, Host, usize)>,
    /// MASQUERADE, which may need a name that comes after it.
    shown: Option<(String, usize)>,
    /// The line that is read.
    line: usize,
    port: Option<u16>,
    passwords: Option<PathBuf>,
    context: Context<'c>,
}

/// What is on by being there, and changes how the server is spoken to.
const SWITCHES: &[&str] = &["SECURETRANSFER", "STARTTLS", "OPPORTUNISTIC_TLS"];

/// What takes the value of a name; an error is a clause.
type Setter = fn(&mut Reader<'_>, &str) -> Result<Meaning, String>;

const NAMES: &[(&str, Setter)] = &[
    ("SMARTHOST", |reader, value| reader.smarthost(value)),
    ("PORT", |reader, value| {
        reader.port = Some(port(value).ok_or("it is a number from 1 to 65535")?);
        Ok(Meaning::Keys(&["server"]))
    }),
    ("ALIASES", |reader, value| {
        reader.import.rewrite.aliases = Some(value.into());
        Ok(Meaning::Rewrite("aliases"))
    }),
    ("AUTHPATH", |reader, value| {
        reader.passwords = Some(value.into());
        Ok(Meaning::Keys(&["user", "password"]))
    }),
    ("FINGERPRINT", |reader, value| {
        let pin: Pin = format!("sha256:{value}").parse().map_err(|why| format!("{why}"))?;
        reader.settings.tls_pin = Some(vec![pin]);
        Ok(Meaning::Keys(&["tls-pin"]))
    }),
    ("CERTFILE", |reader, value| {
        reader.settings.tls_cert = Some(value.into());
        Ok(Meaning::Keys(&["tls-cert"]))
    }),
    ("MAILNAME", |reader, value| Ok(reader.mail_name(value))),
    ("MASQUERADE", |reader, value| {
        if let Some((_, before)) = reader.shown.replace((value.to_owned(), reader.line)) {
            reader.replaced(before);
        }
        Ok(Meaning::Keys(&["masquerade"]))
    }),
    ("INSECURE", |reader, _| {
        reader.on.push("INSECURE");
        Ok(Meaning::Keys(&["allow-cleartext-auth"]))
    }),
    ("VERIFYCERT", |_, _| Ok(Meaning::already("certificates are checked"))),
    ("SECURE", |_, _| Ok(Meaning::already(TO_SERVER))),
    ("NULLCLIENT", |_, _| Ok(Meaning::already(TO_SERVER))),
    ("SPOOLDIR", |_, _| Ok(Meaning::gone(QUEUE))),
    ("DEFER", |_, _| Ok(Meaning::gone(QUEUE))),
    ("FULLBOUNCE", |_, _| Ok(Meaning::gone(QUEUE))),
    ("VIRTPATH", |_, _| Ok(Meaning::gone(GIVEN_UP))),
    ("MAILNAMEFILE", |_, _| Ok(Meaning::gone(GIVEN_UP))),
];

const TO_SERVER: &str = "everything goes to the server";
const QUEUE: &str = "envoi keeps no messages in this version";
const GIVEN_UP: &str = "dma itself has given it up";

impl Reader<'_> {
    fn name(
        &mut self,
        text: &Text,
        number: usize,
        name: &str,
        value: &str,
    ) -> Result<Meaning, Error> {
        if let Some(switch) = SWITCHES.iter().find(|switch| **switch == name) {
            self.on.push(switch);
            return Ok(Meaning::Keys(&["server"]));
        }
        let Some((_, takes)) = NAMES.iter().find(|(known, _)| *known == name) else {
            let known = NAMES.iter().map(|(known, _)| *known).chain(SWITCHES.iter().copied());
            return Ok(Meaning::Unknown { nearest: nearest(name, known) });
        };
        self.line = number;
        takes(self, value).map_err(|why| text.wrong(number, format!("{name}: {why}")))
    }

    /// The last one counts.
    fn smarthost(&mut self, value: &str) -> Result<Meaning, String> {
        let host = host(value).ok_or("it is a name or an address")?;
        let before = self.smarthost.replace((value.to_owned(), host, self.line));
        if let Some((.., before)) = before {
            self.replaced(before);
        }
        Ok(Meaning::Keys(&["server"]))
    }

    /// Another line says again what this one did.
    fn replaced(&mut self, before: usize) {
        let again = self.line;
        if let Some(told) = self.import.lines.iter_mut().find(|told| told.line == before) {
            told.meaning = Meaning::already(format!("line {again} says it again"));
        }
    }

    /// A name, or the file that has it.
    fn mail_name(&mut self, value: &str) -> Meaning {
        let name = if value.starts_with('/') {
            let octets = small_file(Path::new(value)).unwrap_or_default();
            String::from_utf8_lossy(&octets).lines().next().unwrap_or_default().trim().to_owned()
        } else {
            value.to_owned()
        };
        let Ok(domain) = name.parse() else {
            return Meaning::gone("it leads to no name of a machine");
        };
        self.import.rewrite.domain = Some(domain);
        self.settings.helo = name.parse().ok();
        Meaning::Keys(&["helo", "rewrite.domain"])
    }

    /// `user@host`, `host`, or `user@`, of which the last needs a domain.
    fn masquerade(&mut self, value: &str) -> Meaning {
        let address = match value.split_once('@') {
            Some((_, "")) => {
                match self.import.rewrite.domain.clone().or_else(|| self.context.machine.domain()) {
                    Some(domain) => format!("{value}{domain}"),
                    None => return Meaning::gone("the domain of this machine is not known"),
                }
            }
            Some(_) => value.to_owned(),
            None => format!("*@{value}"),
        };
        let mut shown = Masquerade::default();
        match shown.add("*", &address) {
            Ok(()) => {
                self.settings.masquerade = Some(shown);
                Meaning::Keys(&["masquerade"])
            }
            Err(why) => Meaning::gone(why),
        }
    }

    /// `user|host:password`: the first for the smarthost counts.
    fn passwords(&mut self, file: &Path) -> Result<(), Error> {
        let Some(text) = optional(file)? else {
            let remark = format!("there is no {}, so nobody signs in", file.display());
            self.import.remarks.push(remark);
            return Ok(());
        };
        self.import.files.push(file.to_owned());
        for statement in text.statements() {
            let (number, line) = statement?;
            let parts = line.split_once('|').and_then(|(user, rest)| {
                let (host, password) = rest.split_once(':')?;
                Some((user.trim(), host.trim(), password))
            });
            let Some((user, host, password)) = parts else {
                return Err(text.wrong(number, "it is user|smarthost:password"));
            };
            let ours = self.smarthost.as_ref().is_some_and(|(name, ..)| name == host);
            let meaning = if ours && self.settings.user.is_none() {
                self.settings.user = Some(user.to_owned());
                self.settings.password = Some(SecretSource::Value(Secret::new(password)));
                Meaning::Keys(&["user", "password"])
            } else {
                Meaning::already(if ours { FIRST } else { OTHER })
            };
            self.import.tell(&text.file, number, format!("{user}|{host}:{MASK}"), meaning);
        }
        Ok(())
    }

    fn finish(mut self, file: &Path) -> Import {
        if let Some((value, number)) = self.shown.take() {
            let meaning = self.masquerade(&value);
            if let Some(told) = self.import.lines.iter_mut().find(|told| told.line == number) {
                told.meaning = meaning;
            }
        }
        let on = |name| self.on.contains(&name);
        let security = match (on("SECURETRANSFER"), on("STARTTLS"), on("OPPORTUNISTIC_TLS")) {
            (true, true, true) => Security::Opportunistic,
            (true, true, false) => Security::StartTls,
            (true, false, _) => Security::Implicit,
            (false, ..) => Security::Cleartext,
        };
        let insecure = on("INSECURE");
        let Some((_, host, line)) = self.smarthost else {
            let remark = "no SMARTHOST is named: dma delivers to mail exchangers itself, which envoi does not in this version";
            self.import.remarks.push(remark.to_owned());
            return self.import;
        };
        self.settings.servers =
            Some(vec![ServerUrl::Server(smtp(host, self.port.unwrap_or(25), security))]);
        match security {
            Security::Cleartext | Security::Opportunistic => {
                self.import.remarks.push("messages may go to the server in clear".to_owned());
                if self.settings.user.is_some() && !insecure {
                    self.import.remarks.push(NOT_VERIFIED.to_owned());
                }
                // No certificate is shown that could be held against these.
                self.settings.tls_cert = None;
                self.settings.tls_pin = None;
                self.settings.allow_cleartext_auth =
                    (insecure && self.settings.user.is_some()).then_some(true);
            }
            Security::Implicit | Security::StartTls => {
                self.settings.tls_system_roots = Some(true);
                if self.settings.tls_pin.is_none() {
                    self.import.remarks.push(UNCHECKED.to_owned());
                }
            }
        }
        self.import.finish(self.settings, file, line)
    }
}

const FIRST: &str = "a line before it says who signs in to SMARTHOST";
const OTHER: &str = "it is for another server than SMARTHOST";

/// What is stricter than it was.
const UNCHECKED: &str = "without VERIFYCERT dma takes any certificate; envoi wants one that an \
                         authority of the system vouches for";

/// What will not work.
const NOT_VERIFIED: &str = "envoi does not sign in where nobody has verified the server: \
                            SECURETRANSFER without OPPORTUNISTIC_TLS, or INSECURE";

#[cfg(test)]
mod tests;
