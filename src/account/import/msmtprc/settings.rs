//! What msmtp would do with an account, as envoi's settings.

use super::super::draft::{absolute, host, port};
use super::super::text::wrong;
use super::super::{Context, Line, Meaning};
use super::rules::Rules;
use super::{Said, sender, sign_in, trust};
use crate::account::error::Error;
use crate::account::logging::Log;
use crate::account::proxy::ProxyChoice;
use crate::account::server::{Server, ServerUrl};
use crate::account::settings::Settings;
use crate::net::{
    Endpoint, Facility, Place, Proxy, ProxyPlace, ProxyProtocol, Security, SocketPath,
};
use crate::smtp::{Protocol, Ret};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// An account, and what is to be known of its lines.
#[derive(Default)]
pub(super) struct Account {
    pub(super) settings: Settings,
    pub(super) notes: Vec<Note>,
    pub(super) remarks: Vec<String>,
    pub(super) rules: Rules,
}

/// More about a line than the line itself tells.
pub(super) struct Note {
    pub(super) line: usize,
    pub(super) what: What,
}

/// What is more to be said.
pub(super) enum What {
    Meaning(Meaning),
    Warning(String),
}

impl Note {
    /// Puts it where the line is told. That a line has no effect in an account
    /// that begins later, which has copied it, says nothing of it elsewhere.
    pub(super) fn apply(self, begins: usize, lines: &mut [Line]) {
        let Some(told) = lines.iter_mut().find(|told| told.line == self.line) else { return };
        match self.what {
            What::Meaning(Meaning::Already(_)) if self.line < begins => {}
            What::Meaning(meaning) => told.meaning = meaning,
            What::Warning(warning) => told.warning = Some(warning),
        }
    }
}

impl Account {
    pub(super) fn mean(&mut self, line: usize, meaning: Meaning) {
        self.notes.push(Note { line, what: What::Meaning(meaning) });
    }

    pub(super) fn warn(&mut self, line: usize, warning: &str) {
        self.notes.push(Note { line, what: What::Warning(warning.to_owned()) });
    }

    /// These directives have no effect.
    pub(super) fn skip(&mut self, said: &Said, names: &[&str], why: &str) {
        for line in names.iter().filter_map(|name| said.line(name)) {
            self.mean(line, Meaning::already(format!("it has no effect: {why}")));
        }
    }
}

/// What is said of an account.
pub(super) fn of(said: &Said, file: &Path, context: Context<'_>) -> Result<Account, Error> {
    let mut account = Account::default();
    let security = security(said);
    account.settings.servers =
        server(&mut account, said, file, security)?.map(|server| vec![ServerUrl::Server(server)]);
    sign_in::fill(&mut account, said, context, security);
    if security == Security::Cleartext {
        account.skip(said, OF_TLS, "tls is off");
    } else {
        trust::fill(&mut account, said, file, context)?;
    }
    sender::fill(&mut account, said, context);
    way(&mut account, said, file, context)?;
    logged(&mut account, said, context);
    account.rules = Rules::of(said, context);
    Ok(account)
}

const OF_TLS: &[&str] = &[
    "tls_starttls",
    "tls_trust_file",
    "tls_crl_file",
    "tls_fingerprint",
    "tls_certcheck",
    "tls_host_override",
    "tls_key_file",
    "tls_cert_file",
    "tls_priorities",
    "tls_min_dh_prime_bits",
];

fn security(said: &Said) -> Security {
    match (said.is("tls", "on"), said.is("tls_starttls", "off")) {
        (false, _) => Security::Cleartext,
        (true, false) => Security::StartTls,
        (true, true) => Security::Implicit,
    }
}

/// Where it submits; nothing where envoi cannot.
fn server(
    account: &mut Account,
    said: &Said,
    file: &Path,
    security: Security,
) -> Result<Option<Server>, Error> {
    let protocol = if said.is("protocol", "lmtp") { Protocol::Lmtp } else { Protocol::Smtp };
    if let (Some(path), Some(line)) = (said.text("socket"), said.line("socket")) {
        account.skip(
            said,
            &["host", "port", "proxy_host", "proxy_port"],
            "socket says where the server is",
        );
        let place = SocketPath::new(path).map(Place::Unix);
        let Some(place) = place else {
            return Err(wrong(file, line, "socket: it is a path that begins with /"));
        };
        if protocol != Protocol::Lmtp || security != Security::Cleartext {
            account.mean(
                line,
                Meaning::gone("over a socket of this machine envoi speaks LMTP without TLS only"),
            );
            return Ok(None);
        }
        return Ok(Some(Server {
            endpoint: Endpoint { place, protocol, security },
            user: None,
            password: None,
        }));
    }
    let (Some(name), Some(line)) = (said.text("host"), said.line("host")) else { return Ok(None) };
    let host = host(name).ok_or_else(|| {
        wrong(file, line, format!("host: ‘{name}’ is neither a name nor an address"))
    })?;
    let usual = match (protocol, security) {
        (Protocol::Lmtp, _) => None,
        (Protocol::Smtp, Security::Implicit) => Some(465),
        (Protocol::Smtp, _) => Some(25),
    };
    let lost = |reason: &str| Meaning::gone(reason);
    let Some(port) = said.text("port").and_then(port).or(usual) else {
        account.mean(line, lost("LMTP has no port of its own, and none is named"));
        return Ok(None);
    };
    if protocol == Protocol::Lmtp && (port == 25 || security == Security::Implicit) {
        account.mean(
            line,
            lost("envoi speaks LMTP on other ports than 25, and TLS there by STARTTLS only"),
        );
        return Ok(None);
    }
    let place = Place::Tcp { host, port };
    if security == Security::Cleartext && protocol == Protocol::Smtp {
        account.warn(said.line("tls").unwrap_or(line), "messages go to this server in clear");
    }
    Ok(Some(Server {
        endpoint: Endpoint { place, protocol, security },
        user: None,
        password: None,
    }))
}

/// How the server is reached.
fn way(account: &mut Account, said: &Said, file: &Path, context: Context<'_>) -> Result<(), Error> {
    let number = said.text("timeout").and_then(|text| text.parse().ok());
    account.settings.timeout = number.map(Duration::from_secs);
    // ‘off’ is none of either.
    account.settings.dsn = said.text("dsn_notify").and_then(|text| text.parse().ok());
    account.settings.dsn_return = said.text("dsn_return").and_then(Ret::named);
    if let (Some(text), Some(line)) = (said.text("source_ip"), said.line("source_ip")) {
        let address = text.parse().map_err(|_| wrong(file, line, "source_ip: it is an address"))?;
        account.settings.source = Some(address);
    }
    if let (Some(text), Some(line)) = (said.text("proxy_host"), said.line("proxy_host"))
        && said.text("socket").is_none()
    {
        let host = host(text)
            .ok_or_else(|| wrong(file, line, "proxy_host: it is neither a name nor an address"))?;
        let port = said.text("proxy_port").and_then(port).unwrap_or(1080);
        let place = ProxyPlace { protocol: ProxyProtocol::Socks5, host, port };
        account.settings.proxy = Proxy::new(place, None).ok().map(ProxyChoice::Through);
    } else {
        account.skip(said, &["proxy_port"], "no proxy is named");
    }
    if let (Some(text), Some(line)) = (said.text("domain"), said.line("domain")) {
        match sender::expanded(text, context).parse() {
            Ok(name) => account.settings.helo = Some(name),
            Err(why) => {
                account.mean(line, Meaning::gone(format!("it is no name to greet with: {why}")));
            }
        }
    }
    Ok(())
}

/// Where it logs: msmtp does so in a file and in the system's log, if both are
/// named.
fn logged(account: &mut Account, said: &Said, context: Context<'_>) {
    let facility = said.text("syslog").filter(|value| *value != "off").map(|value| {
        let name = value.strip_prefix("LOG_").unwrap_or("user").to_ascii_lowercase();
        Facility::named(&name).unwrap_or(Facility::User)
    });
    account.settings.log = match said.text("logfile") {
        Some("-") => Some(Log::File("/dev/stdout".into())),
        Some(path) => Some(Log::File(placed(path, context))),
        None => facility.map(Log::Syslog),
    };
    if let (Some(_), Some(_), Some(line)) = (said.text("logfile"), facility, said.line("syslog")) {
        account.mean(line, Meaning::gone("envoi logs in one place, here the file"));
    }
}

/// A path, `~` being home, as it is found from here.
pub(super) fn placed(path: &str, context: Context<'_>) -> PathBuf {
    let Some(below) = path.strip_prefix('~') else { return absolute(path) };
    let mut home = context.environment.home().unwrap_or_default().into_os_string();
    home.push(below);
    absolute(home)
}
