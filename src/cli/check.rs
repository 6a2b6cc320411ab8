//! `envoi check`: what is wrong with an account or a server, and why. Sends no
//! mail.
//!
//! | what | file |
//! |---|---|
//! | what a finding is, and a rule | `check/finding.rs` |
//! | which ports are looked at, and how | `check/ports.rs` |
//! | the rules about a port, one table | `check/server.rs`, some in `addresses.rs` |
//! | signing in, once, and its rules | `check/sign_in.rs` |
//! | what a domain publishes | `check/domain.rs`, `spf_cost.rs` |
//! | the rules about it, one table | `check/domain_rules.rs`, some in `dkim.rs`, `exchangers.rs` |
//! | what is printed for people, for programs, for Nagios | `check/table.rs`, `json.rs`, `monitor.rs` |

mod addresses;
mod dkim;
mod domain;
mod domain_rules;
mod exchangers;
mod finding;
mod json;
mod monitor;
mod ports;
mod server;
mod sign_in;
mod spf_cost;
mod table;

use super::Surroundings;
use super::account::named_by_word;
use super::args::{CheckArgs, Ports};
use super::escape::Escaped;
use super::exit::Exit;
use super::failure::Failure;
use super::hint::Hint;
use super::interrupt;
use super::render;
use super::route;
use super::send::host_name;
use super::transcript::Transcript;
use crate::account::{self, Account, Accounts, Choice, ProxyChoice, Settings};
use crate::delivery::{Absence, Attempt, Hop, Secrets, Unavailable, World, probe};
use crate::dns::{self, Name, Stub};
use crate::message::dkim::Key;
use crate::net::{
    Deadline, Endpoint, Family, Http, Interrupt, Place, Roots, Security, TlsSettings, Verification,
};
use crate::sasl::{Proof, Secret};
use crate::session::Observer;
use crate::smtp::{self, Protocol, Timeouts};
use domain::{Asking, Domain};
use domain_rules::RULES as RULES_OF_DOMAIN;
use finding::{Finding, Verdict, judged};
use server::{RULES, Seen};
use std::cell::RefCell;
use std::ffi::OsString;
use std::io::{self, Write};
use std::time::Duration;

pub(super) fn run(args: &CheckArgs, surroundings: &mut Surroundings<'_>) -> Result<Exit, Failure> {
    let checked = check(args, surroundings);
    if !args.monitor {
        return tell(&checked?, surroundings);
    }
    let told = match &checked {
        Ok(checked) => monitor::line(checked),
        Err(failure) => monitor::unknown(failure),
    };
    monitored(told, surroundings.out)
}

/// Whether these words are those of a plug-in, readable or not.
pub(super) fn is_monitored(words: &[OsString]) -> bool {
    let has = |word: &str| words.iter().skip(1).any(|it| it == word);
    has("check") && has("--monitor")
}

/// Says to who runs a plug-in that its words cannot be read.
pub(super) fn unreadable(failure: &Failure, out: &mut dyn Write) -> Exit {
    monitored(monitor::unknown(failure), out).unwrap_or_else(|failure| failure.exit)
}

fn monitored((text, status): (String, u8), out: &mut dyn Write) -> Result<Exit, Failure> {
    writeln!(out, "{}", Escaped(text)).and_then(|()| out.flush()).map_err(unwritten)?;
    Ok(Exit::Other(status))
}

/// Everything that was found.
pub(super) struct Checked {
    /// The name of the account; `None` where a server stands in for one.
    account: Option<String>,
    /// One for each port that was looked at, those of the account before others
    /// of the same host.
    subjects: Vec<Subject>,
    /// The user wanted to stop, by this signal.
    signal: Option<usize>,
}

/// What the findings of one table are about.
struct Subject {
    /// What people call it.
    name: String,
    about: About,
    findings: Vec<Finding>,
}

enum About {
    /// A port, and what was seen of it.
    Port(Box<Seen>),
    /// A port that there was no time to look at.
    Unseen(Endpoint),
    /// A domain.
    Domain,
}

impl Checked {
    /// What was seen of the ports.
    fn seen(&self) -> impl Iterator<Item = &Seen> {
        self.subjects.iter().filter_map(Subject::seen)
    }

    fn findings(&self) -> impl Iterator<Item = (&Subject, &Finding)> {
        let all = |subject| std::iter::repeat(subject);
        self.subjects.iter().flat_map(move |subject| all(subject).zip(&subject.findings))
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.findings().filter(|(_, finding)| finding.verdict == verdict).count()
    }

    /// That of the first fault.
    fn exit(&self) -> Exit {
        if let Some(signal) = self.signal.and_then(|number| u8::try_from(number).ok()) {
            return Exit::Signal(signal);
        }
        let mut faults = self.findings().filter(|(_, it)| it.verdict == Verdict::Fault);
        faults.next().map_or(Exit::Ok, |(_, finding)| finding.exit)
    }
}

fn check(args: &CheckArgs, surroundings: &mut Surroundings<'_>) -> Result<Checked, Failure> {
    let domain = args.domain.as_deref().map(named).transpose()?;
    let deadline = args.connection.deadline.map(Deadline::after);
    let config = surroundings.globals.config.as_deref();
    let option = surroundings.globals.account.as_deref();
    let typed = args.connection.settings()?;
    let named = args.name.as_deref().or(option);
    let accounts = Accounts::for_message(config, surroundings.environment, named, &typed)?;
    surroundings.tell_of_foreign(&accounts);
    let is_for_domain_only = domain.is_some() && named.is_none() && typed.servers.is_none();
    let account = if is_for_domain_only {
        None
    } else {
        Some(choose(args, &accounts, typed.clone(), option)?)
    };
    let interrupt = interrupt::install()
        .map_err(|error| Failure::caused(Exit::OsErr, "cannot prepare for Ctrl-C", error))?;
    let mut subjects = match &account {
        Some(account) => ports::looked_at(args, account, &interrupt, surroundings)?,
        None => Vec::new(),
    };
    if let Some(name) = domain.filter(|_| interrupt.signal().is_none()) {
        let selectors = selectors(args, &name, account.as_ref(), surroundings)?;
        let proxy = account.as_ref().map(|account| account.proxy.clone());
        let proxy = proxy.or(typed.proxy.clone()).or_else(|| accounts.proxy()).unwrap_or_default();
        let asker = Asker { args, proxy: &proxy, deadline, interrupt: &interrupt };
        subjects.push(Subject::of_domain(&asker.published(&name, selectors, surroundings)?));
    }
    let account = account.and_then(|account| account.name);
    Ok(Checked { account, subjects, signal: interrupt.signal() })
}

/// The keys to look for: those that are named, else those that the account signs
/// with for this domain.
fn selectors(
    args: &CheckArgs,
    domain: &Name,
    account: Option<&Account>,
    surroundings: &mut Surroundings<'_>,
) -> Result<Vec<(String, Option<Key>)>, Failure> {
    let mut own = Vec::new();
    let dkim = account.map(|account| account.dkim.as_slice()).unwrap_or_default();
    for dkim in dkim.iter().filter(|dkim| is_of(&dkim.domain.to_string(), domain)) {
        match dkim.signer() {
            Ok(signer) => own.push((signer.selector.to_string(), Some(signer.key))),
            Err(error) => {
                surroundings.warn(&error.to_string());
                own.push((dkim.selector.to_string(), None));
            }
        }
    }
    if args.selector.is_empty() {
        return Ok(own);
    }
    let mut key_of = |name: &str| {
        let at = own.iter().position(|(selector, _)| selector == name)?;
        own.swap_remove(at).1
    };
    // Who knows the whole name of a record may give that.
    let named = args.selector.iter().map(|name| name.split("._domainkey").next().unwrap_or(name));
    let named = named.map(|name| {
        let owner = domain.below(&format!("{name}._domainkey"));
        owner.map_err(|error| Failure::new(Exit::DataErr, error))?;
        Ok((name.to_owned(), key_of(name)))
    });
    named.collect()
}

fn is_of(text: &str, domain: &Name) -> bool {
    text.parse::<Name>().is_ok_and(|name| name == *domain)
}

/// The domain by this name, which may be one outside US-ASCII.
fn named(text: &str) -> Result<Name, Failure> {
    let refused = |error: dns::Error| {
        let failure = Failure::new(Exit::DataErr, error);
        match text.rsplit_once('@') {
            Some((_, domain)) => failure.hint(format!("leave out what stands before it: {domain}")),
            None => failure,
        }
    };
    let ascii = text.parse::<smtp::Domain>().ok();
    let ascii = ascii.as_ref().and_then(smtp::Domain::name);
    ascii.unwrap_or(text).to_ascii_lowercase().parse().map_err(refused)
}

/// The limit of one question about a domain.
const LIMIT: Duration = Duration::from_secs(20);

/// How questions about a domain are asked.
struct Asker<'a> {
    args: &'a CheckArgs,
    proxy: &'a ProxyChoice,
    deadline: Option<Deadline>,
    interrupt: &'a Interrupt,
}

impl Asker<'_> {
    /// Asks what the domain publishes.
    fn published(
        &self,
        name: &Name,
        selectors: Vec<(String, Option<Key>)>,
        surroundings: &mut Surroundings<'_>,
    ) -> Result<Domain, Failure> {
        let typed = &self.args.connection;
        let roots = route::roots(&typed.tls_ca, typed.tls_system_roots, surroundings.environment)?;
        let way = |endpoint: &_| self.proxy.to(endpoint).map_err(Into::into);
        let http = Http {
            roots: roots.clone(),
            least: typed.tls_min.unwrap_or_default(),
            proxy: &way,
            source: typed.source,
            family: self.family(),
            // Each request has a limit of its own.
            deadline: self.deadline.unwrap_or_else(|| Deadline::after(LIMIT * 60)),
            interrupt: self.interrupt,
        };
        let verbose = surroundings.globals.verbose;
        let transcript = RefCell::new(Transcript::seen(verbose, &mut *surroundings.err));
        let look = |host: &Name| {
            let hop = self.to_exchanger(host, &roots)?;
            Some(self.looked_at(&hop, &mut *transcript.borrow_mut()))
        };
        let asking = Asking {
            resolver: &Stub::of_system(),
            http: &http,
            limit: typed.timeout.map_or(LIMIT, |cap| cap.min(LIMIT)),
            deadline: self.deadline,
            interrupt: self.interrupt,
            look: &look,
        };
        Ok(asking.about(name, selectors))
    }

    fn family(&self) -> Family {
        match (self.args.connection.ipv4, self.args.connection.ipv6) {
            (true, _) => Family::V4,
            (_, true) => Family::V6,
            (false, false) => Family::Any,
        }
    }

    /// How other servers send to a host that takes mail; `None` where other ports are
    /// not to be looked at.
    fn to_exchanger(&self, host: &Name, roots: &Roots) -> Option<Hop> {
        let typed = &self.args.connection;
        if self.args.ports.as_ref().is_some_and(|Ports(ports)| ports.is_empty()) {
            return None;
        }
        let endpoint = Endpoint {
            place: Place::Tcp { host: host.host()?, port: 25 },
            protocol: Protocol::Smtp,
            security: Security::Opportunistic,
        };
        Some(Hop {
            proxy: self.proxy.to(&endpoint).ok()?.cloned(),
            source: typed.source,
            family: self.family(),
            hello: typed.helo.clone(),
            tls: TlsSettings {
                roots: roots.clone(),
                verification: Verification::Noted,
                ..TlsSettings::default()
            },
            timeouts: Timeouts { cap: Some(typed.timeout.map_or(LIMIT, |cap| cap.min(LIMIT))) },
            deadline: self.deadline,
            ..route::plain_hop(endpoint)
        })
    }

    fn looked_at(&self, hop: &Hop, observer: &mut dyn Observer) -> Attempt {
        let host = host_name();
        let world = World {
            secrets: &Nobodys,
            interrupt: self.interrupt,
            host_name: Some(&host),
            wait_for_farewell: true,
        };
        probe(hop, &world, observer).attempt
    }
}

/// The secrets of somebody who does not sign in.
struct Nobodys;

impl Secrets for Nobodys {
    fn secret(&self, _: &Endpoint, _: Option<&str>, _: Proof) -> Result<Secret, Unavailable> {
        let reason = "nobody is to sign in".to_owned();
        Err(Unavailable { reason, way_out: None, absence: Absence::Missing })
    }
}

fn choose(
    args: &CheckArgs,
    accounts: &Accounts,
    typed: Settings,
    option: Option<&str>,
) -> Result<Account, Failure> {
    let named = match (args.name.as_deref(), option) {
        (Some(name), Some(option)) if name != option => {
            let sentence = format!("two accounts are named, ‘{name}’ and ‘{option}’");
            return Err(
                Failure::say(Exit::Usage, sentence).hint("name it once: envoi check ACCOUNT")
            );
        }
        (name, option) => name.or(option),
    };
    let chosen = accounts.choose(Choice { named, sender: None, typed });
    let error = match chosen {
        Ok(account) => return Ok(account),
        Err(error) if option.is_none() => named_by_word(error),
        Err(error) => error,
    };
    let is_missing =
        matches!(error, account::Error::UnknownAccount { .. } | account::Error::NoAccounts);
    let mut failure = Failure::from(error);
    if is_missing {
        failure.hints.splice(0..0, without_account(named).into_iter().map(Hint::from));
    }
    Err(failure)
}

/// What to type in place of an account that there is not: its name may be that of a
/// host, a domain, or an address.
fn without_account(named: Option<&str>) -> Vec<String> {
    let Some(word) = named else {
        return vec!["to look at a server: envoi check --server smtp://HOST".to_owned()];
    };
    let at = word.rsplit('@').next().unwrap_or(word);
    let domain = at.split(':').next().unwrap_or(at);
    if !domain.contains('.') || domain.parse::<Name>().is_err() {
        return Vec::new();
    }
    let server = format!("to look at a server: envoi check --server smtp://{at}");
    let published = format!("to look at what a domain publishes: envoi check --domain {domain}");
    if word.contains('@') { vec![published] } else { vec![server, published] }
}

impl Subject {
    fn of_port(seen: Seen) -> Self {
        let findings = judged(RULES, &seen);
        let name = name_of(&seen.hop.endpoint);
        Subject { name, findings, about: About::Port(Box::new(seen)) }
    }

    fn unseen(hop: &Hop) -> Self {
        let found = "not looked at: no time was left for it";
        let findings = vec![Finding { rule: "connection", ..Finding::unknown(found) }];
        let about = About::Unseen(hop.endpoint.clone());
        Subject { name: name_of(&hop.endpoint), findings, about }
    }

    fn seen(&self) -> Option<&Seen> {
        match &self.about {
            About::Port(seen) => Some(seen),
            About::Unseen(_) | About::Domain => None,
        }
    }

    fn of_domain(domain: &Domain) -> Self {
        // Below a name that does not exist there is nothing.
        let is_missing = matches!(domain.exchangers, Err(dns::Error::NoSuchName { .. }));
        let rules = if is_missing { &RULES_OF_DOMAIN[..1] } else { RULES_OF_DOMAIN };
        let findings = judged(rules, domain);
        Subject { name: domain.name.to_string(), findings, about: About::Domain }
    }
}

/// What people call a port.
fn name_of(endpoint: &Endpoint) -> String {
    let how = match (endpoint.security, &endpoint.place) {
        (_, Place::Unix(_)) => "a socket of this machine",
        (Security::Implicit, _) => "TLS from the start",
        (Security::StartTls, _) => "STARTTLS",
        (Security::Opportunistic, _) => "STARTTLS if offered",
        (Security::Cleartext, _) => "in clear",
    };
    format!("{endpoint}, {how}")
}

/// Prints it, for people or for programs.
fn tell(checked: &Checked, surroundings: &mut Surroundings<'_>) -> Result<Exit, Failure> {
    let globals = surroundings.globals;
    let out = &mut *surroundings.out;
    let told = if globals.json {
        render::line(&json::object(checked), out)
    } else {
        table::print(checked, globals.quiet, columns(), out)
    };
    told.and_then(|()| out.flush()).map_err(unwritten)?;
    Ok(checked.exit())
}

/// How wide the terminal is that shows it.
fn columns() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    (size.ws_col > 0).then(|| size.ws_col.into())
}

fn unwritten(error: io::Error) -> Failure {
    Failure::caused(Exit::IoErr, "cannot write to the standard output", error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_may_be_written_in_any_way_that_names_it() {
        for (text, expected) in [
            ("Example.ORG.", "example.org"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("_spf.example.org", "_spf.example.org"),
        ] {
            let name = named(text).ok().map(|name| name.to_string());
            assert_eq!(name.as_deref(), Some(expected), "{text}");
        }
        for text in ["", "example..org", "me@example.org"] {
            assert!(named(text).is_err(), "{text}");
        }
        assert!(is_of("Example.Org", &named("example.org").ok().unwrap()));
        assert!(!is_of("b.example.org", &named("example.org").ok().unwrap()));
    }
}
