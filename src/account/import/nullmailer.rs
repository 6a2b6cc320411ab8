//! nullmailer's configuration: a file for each setting, of which `remotes` has
//! the servers, each line one, with options in the manner of a shell.

use super::draft::{beside, host, port, smtp};
use super::text::{MASK, Text};
use super::{Format, Import, Imported, Meaning};
use crate::account::error::Error;
use crate::account::masquerade::Masquerade;
use crate::account::secret::SecretSource;
use crate::account::server::ServerUrl;
use crate::account::settings::Settings;
use crate::net::Security;
use crate::sasl::Secret;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use zeroize::Zeroizing;

/// Reads `remotes`, and the files beside it.
pub(super) fn import(file: &Path) -> Result<Import, Error> {
    let text = Text::of(file)?;
    let mut import = Import::of(Format::Nullmailer);
    import.files.push(file.to_owned());
    let mut common = Settings::default();
    for (name, takes) in BESIDE {
        let Some(text) = beside(file, name)? else { continue };
        import.files.push(text.file.clone());
        let Some((number, line)) = text.statements().next().transpose()? else { continue };
        let meaning = takes(&mut common, &mut import, line);
        import.tell(&text.file, number, line, meaning);
    }
    let mut accounts: Vec<Imported> = Vec::new();
    for statement in text.statements() {
        let (number, line) = statement?;
        remote(&text, number, line, &mut import, &mut accounts)?;
    }
    import.default = accounts.first().map(|account| account.name.clone());
    if let [first, others @ ..] = accounts.as_slice() {
        import.remarks.extend(others.iter().map(|other| used_by_name(&first.name, &other.name)));
    }
    for mut account in accounts {
        account.settings = account.settings.over(common.clone());
        import.accounts.push(account);
    }
    if import.accounts.is_empty() {
        import.remarks.push("no server is named that envoi could use".to_owned());
    }
    Ok(import)
}

/// What becomes of a server that is signed in to otherwise than the first.
fn used_by_name(first: &str, other: &str) -> String {
    format!(
        "nullmailer tries the servers of ‘{other}’ where those of ‘{first}’ fail; envoi goes to \
         them only where they are named: --account {other}"
    )
}

/// What takes the one line of a file.
type Setter = fn(&mut Settings, &mut Import, &str) -> Meaning;

/// The files, in the order in which they are read: what is later counts.
const BESIDE: &[(&str, Setter)] = &[
    ("me", |common, import, text| {
        common.helo = text.parse().ok();
        match domain(import, text) {
            Meaning::Rewrite(_) => Meaning::Keys(&["helo", "rewrite.domain"]),
            otherwise => otherwise,
        }
    }),
    ("helohost", |common, _, text| match text.parse() {
        Ok(name) => {
            common.helo = Some(name);
            Meaning::Keys(&["helo"])
        }
        Err(_) => Meaning::gone("it is no name to greet with"),
    }),
    ("defaultdomain", |_, import, text| match import.rewrite.domain {
        Some(_) => Meaning::already("the name of the machine is whole"),
        None => domain(import, text),
    }),
    ("defaulthost", |_, import, text| domain(import, text)),
    ("idhost", |_, _, _| Meaning::gone("a Message-ID has the domain of the sender")),
    ("adminaddr", |_, _, text| {
        let instead = format!("a line in /etc/aliases: *: {text}");
        Meaning::lost("mail for users of this machine goes where the aliases say", instead)
    }),
    ("allmailfrom", |common, import, text| {
        let mut shown = Masquerade::default();
        if let Err(why) = shown.add("*", text) {
            return Meaning::gone(why);
        }
        common.masquerade = Some(shown);
        let remark = "allmailfrom changes the envelope only; a masquerade changes From, too";
        import.remarks.push(remark.to_owned());
        Meaning::Keys(&["masquerade"])
    }),
    ("bounceto", |_, _, _| Meaning::gone(QUEUE)),
    ("doublebounceto", |_, _, _| Meaning::gone(QUEUE)),
    ("bouncelines", |_, _, _| Meaning::gone(QUEUE)),
    ("pausetime", |_, _, _| Meaning::gone(QUEUE)),
    ("maxpause", |_, _, _| Meaning::gone(QUEUE)),
    ("queuelifetime", |_, _, _| Meaning::gone(QUEUE)),
    ("sendtimeout", |common, _, text| match text.parse() {
        Ok(0) => Meaning::already("each wait has a limit of its own"),
        Ok(seconds) => {
            common.deadline = Some(Duration::from_secs(seconds));
            Meaning::Keys(&["deadline"])
        }
        Err(_) => Meaning::gone("it is no number of seconds"),
    }),
];

const QUEUE: &str = "envoi keeps no messages in this version";

fn domain(import: &mut Import, text: &str) -> Meaning {
    match text.parse() {
        Ok(domain) => {
            import.rewrite.domain = Some(domain);
            Meaning::Rewrite("domain")
        }
        Err(why) => Meaning::gone(format!("it is no domain: {why}")),
    }
}

/// Reads a line of `remotes`. A server that is signed in to in the same way as
/// the one before is one more of the same account.
fn remote(
    text: &Text,
    number: usize,
    line: &str,
    import: &mut Import,
    accounts: &mut Vec<Imported>,
) -> Result<(), Error> {
    let words = shell_words::split(line).map(Zeroizing::new);
    let words = words.map_err(|_| text.wrong(number, "the quotation marks are unbalanced"))?;
    let mut words = words.iter().map(String::as_str);
    let Some(name) = words.next() else { return Ok(()) };
    let mut remote = Remote::default();
    let mut shown = name.to_owned();
    for word in words {
        shown.push(' ');
        shown.push_str(&remote.option(word).map_err(|why| text.wrong(number, why))?);
    }
    let host = host(name).ok_or_else(|| text.wrong(number, format!("‘{name}’ is no host")))?;
    if let Some(reason) = remote.lost {
        import.tell(&text.file, number, shown, Meaning::gone(reason));
        return Ok(());
    }
    let (settings, usual) = remote.settings();
    let server = smtp(host, remote.port.unwrap_or(usual), remote.security);
    let account = account_for(settings, &text.file, number, accounts);
    account.settings.servers.get_or_insert_default().push(ServerUrl::Server(server));
    let name = account.name.clone();
    import.tell(&text.file, number, shown, Meaning::Keys(&["server", "user", "password", "auth"]));
    if let Some(line) = import.lines.last_mut() {
        line.account = Some(name);
        line.warning = remote.warning.map(str::to_owned);
    }
    Ok(())
}

/// The account that says the same, or a new one.
fn account_for<'a>(
    settings: Settings,
    file: &Path,
    line: usize,
    accounts: &'a mut Vec<Imported>,
) -> &'a mut Imported {
    let same =
        |account: &Imported| Settings { servers: None, ..account.settings.clone() } == settings;
    let at = accounts.iter().position(same).unwrap_or_else(|| {
        let name = match accounts.len() {
            0 => Format::Nullmailer.name().to_owned(),
            others => format!("{}-{}", Format::Nullmailer.name(), others + 1),
        };
        accounts.push(Imported {
            name,
            settings,
            file: file.to_owned(),
            line,
            lines: BTreeMap::new(),
        });
        accounts.len() - 1
    });
    &mut accounts[at]
}

/// The options of a line.
struct Remote {
    port: Option<u16>,
    security: Security,
    said: Settings,
    insecure: bool,
    warning: Option<&'static str>,
    lost: Option<&'static str>,
}

impl Default for Remote {
    fn default() -> Self {
        Remote {
            port: None,
            security: Security::Cleartext,
            said: Settings::default(),
            insecure: false,
            warning: None,
            lost: None,
        }
    }
}

impl Remote {
    /// Takes an option, and gives it back as it may be shown.
    fn option(&mut self, word: &str) -> Result<String, String> {
        let option = word.strip_prefix("--").unwrap_or(word);
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        match name {
            "smtp" => {}
            "qmqp" => self.lost = Some("envoi does not speak QMQP"),
            "port" => self.port = Some(port(value).ok_or("port: it is a number from 1 to 65535")?),
            "user" => self.said.user = Some(value.to_owned()),
            "pass" => {
                self.said.password = Some(SecretSource::Value(Secret::new(value)));
                return Ok(format!("{name}={MASK}"));
            }
            "source" => match value.parse() {
                Ok(address) => self.said.source = Some(address),
                Err(_) => self.warning = Some("source names a host; envoi wants an address"),
            },
            "auth-login" => self.said.auth = Some(vec!["LOGIN"]),
            "tls" | "ssl" => self.security = Security::Implicit,
            "starttls" => self.security = Security::StartTls,
            "x509certfile" => self.said.tls_cert = Some(value.into()),
            "x509keyfile" => self.said.tls_key = Some(value.into()),
            "x509cafile" => self.said.tls_ca = Some(vec![value.into()]),
            "x509crlfile" => {
                self.warning = Some("envoi reads no lists of certificates that were taken back");
            }
            "x509fmtder" => self.warning = Some("envoi reads certificates as PEM: convert them"),
            "insecure" => self.insecure = true,
            "tls-anon-auth" => self.lost = Some("envoi speaks no TLS without certificates"),
            // What stands behind it may be a password all the same.
            _ => return Err("it has an option that nullmailer does not know".to_owned()),
        }
        Ok(word.to_owned())
    }

    /// What it says of an account, and the port where none is named.
    fn settings(&mut self) -> (Settings, u16) {
        let mut said = std::mem::take(&mut self.said);
        let is_clear = self.security == Security::Cleartext;
        if is_clear {
            (said.tls_cert, said.tls_key, said.tls_ca) = (None, None, None);
        } else if self.insecure {
            said.tls_verify = Some(false);
        } else if said.tls_ca.is_none() {
            said.tls_system_roots = Some(true);
        }
        if said.tls_cert.is_none() {
            said.tls_key = None;
        }
        if said.user.is_none() {
            (said.password, said.auth) = (None, None);
        } else if is_clear || self.insecure {
            said.allow_cleartext_auth = Some(true);
            self.warning = Some("the password goes to whoever answers or listens");
        } else {
            // Safe as it is.
        }
        let usual = if self.security == Security::Implicit { 465 } else { 25 };
        (said, usual)
    }
}

#[cfg(test)]
mod tests;
