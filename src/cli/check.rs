//! `envoi check`: what is wrong with an account or a server, and why. Sends no
//! mail.
//!
//! | what | file |
//! |---|---|
//! | what a finding is, and a rule | `check/finding.rs` |
//! | the rules about a port, one table | `check/server.rs` |
//! | what a domain publishes, and the rules about it, one table | `check/domain.rs`, `domain_rules.rs` |
//! | signing in, once | `check/sign_in.rs` |
//! | what is printed for people, for programs, for Nagios | `check/table.rs`, `json.rs`, `monitor.rs` |

mod domain;
mod domain_rules;
mod finding;
mod json;
mod monitor;
mod server;
mod sign_in;
mod table;

use super::Surroundings;
use super::account::named_by_word;
use super::args::{CheckArgs, Ports};
use super::escape::Escaped;
use super::exit::Exit;
use super::failure::Failure;
use super::interrupt;
use super::render;
use super::route::{self, Prepared};
use super::send::host_name;
use super::transcript::Transcript;
use crate::account::{Account, Accounts, Choice, ProxyChoice, Settings};
use crate::delivery::{Attempt, Hop, World, probe};
use crate::dns::{self, Name, Stub};
use crate::message::dkim::Key;
use crate::net::{Deadline, Family, Http, Interrupt, Place, Security, Verification};
use crate::session::Observer;
use crate::smtp::Protocol;
use domain::{Asking, Domain};
use domain_rules::RULES as RULES_OF_DOMAIN;
use finding::{Finding, Verdict, judged};
use server::{RULES, Seen};
use sign_in::SignedIn;
use std::io;
use std::time::{Duration, SystemTime};

pub(super) fn run(args: &CheckArgs, surroundings: &mut Surroundings<'_>) -> Result<Exit, Failure> {
    let checked = check(args, surroundings);
    if !args.monitor {
        return tell(&checked?, surroundings);
    }
    let told = match &checked {
        Ok(checked) => monitor::line(checked),
        Err(failure) => monitor::unknown(failure),
    };
    let (text, status) = told;
    writeln!(surroundings.out, "{}", Escaped(text))
        .and_then(|()| surroundings.out.flush())
        .map_err(unwritten)?;
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
    /// Of a port, what was seen of it.
    seen: Option<Seen>,
    findings: Vec<Finding>,
}

impl Checked {
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
    let domain = args.domain.as_deref().map(str::parse::<Name>).transpose();
    let domain = domain.map_err(|error| Failure::new(Exit::DataErr, error))?;
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
        Some(account) => ports(args, account, &interrupt, surroundings)?,
        None => Vec::new(),
    };
    if let Some(name) = domain.filter(|_| interrupt.signal().is_none()) {
        let selectors = selectors(args, &name, account.as_ref(), surroundings);
        let proxy = account.as_ref().map(|account| account.proxy.clone());
        let proxy = proxy.or(typed.proxy.clone()).or_else(|| accounts.proxy()).unwrap_or_default();
        let published = published(args, &name, selectors, &proxy, &interrupt, surroundings)?;
        subjects.push(Subject::of_domain(&published));
    }
    let account = account.and_then(|account| account.name);
    Ok(Checked { account, subjects, signal: interrupt.signal() })
}

/// Looks at the servers of the account.
fn ports(
    args: &CheckArgs,
    account: &Account,
    interrupt: &Interrupt,
    surroundings: &mut Surroundings<'_>,
) -> Result<Vec<Subject>, Failure> {
    let prepared = route::prepare(account, false, interrupt, surroundings)?;
    if prepared.route.hops.is_empty() {
        let sentence = "the account has no server that could be looked at";
        return Err(Failure::say(Exit::Config, sentence));
    }
    let host = host_name();
    let mut transcript = Transcript::seen(surroundings.globals.verbose, &mut *surroundings.err);
    let world = World {
        secrets: &prepared.passwords,
        interrupt,
        host_name: Some(&host),
        wait_for_farewell: true,
    };
    let subjects = look(args, &prepared, &world, &mut transcript);
    drop(transcript);
    for trouble in prepared.passwords.troubles() {
        surroundings.warn(&trouble);
    }
    Ok(subjects)
}

/// The keys to look for: those that are named, else those that the account signs
/// with for this domain.
fn selectors(
    args: &CheckArgs,
    domain: &Name,
    account: Option<&Account>,
    surroundings: &mut Surroundings<'_>,
) -> Vec<(String, Option<Key>)> {
    let mut own = Vec::new();
    let dkim = account.map(|account| account.dkim.as_slice()).unwrap_or_default();
    for dkim in dkim.iter().filter(|dkim| dkim.domain.to_string() == domain.to_string()) {
        match dkim.signer() {
            Ok(signer) => own.push((signer.selector.to_string(), Some(signer.key))),
            Err(error) => {
                surroundings.warn(&error.to_string());
                own.push((dkim.selector.to_string(), None));
            }
        }
    }
    if args.selector.is_empty() {
        return own;
    }
    let mut key_of = |name: &String| {
        let at = own.iter().position(|(selector, _)| selector == name)?;
        own.swap_remove(at).1
    };
    args.selector.iter().map(|name| (name.clone(), key_of(name))).collect()
}

/// The limit of one question about a domain.
const LIMIT: Duration = Duration::from_secs(20);

/// Asks what the domain publishes.
fn published(
    args: &CheckArgs,
    name: &Name,
    selectors: Vec<(String, Option<Key>)>,
    proxy: &ProxyChoice,
    interrupt: &Interrupt,
    surroundings: &Surroundings<'_>,
) -> Result<Domain, Failure> {
    let typed = &args.connection;
    let roots = route::roots(&typed.tls_ca, typed.tls_system_roots, surroundings.environment)?;
    let deadline = typed.deadline.map(Deadline::after);
    let way = |endpoint: &_| proxy.to(endpoint).map_err(Into::into);
    let http = Http {
        roots,
        least: typed.tls_min.unwrap_or_default(),
        proxy: &way,
        source: typed.source,
        family: match (typed.ipv4, typed.ipv6) {
            (true, _) => Family::V4,
            (_, true) => Family::V6,
            (false, false) => Family::Any,
        },
        // Each request has a limit of its own.
        deadline: deadline.unwrap_or_else(|| Deadline::after(LIMIT * 60)),
        interrupt,
    };
    let resolver = Stub::of_system();
    let limit = typed.timeout.map_or(LIMIT, |cap| cap.min(LIMIT));
    let asking = Asking { resolver: &resolver, http: &http, limit, deadline, interrupt };
    Ok(asking.about(name, selectors))
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
    Ok(chosen.map_err(|error| if option.is_none() { named_by_word(error) } else { error })?)
}

/// Looks at every port, the account's own first, and judges each.
fn look(
    args: &CheckArgs,
    prepared: &Prepared<'_>,
    world: &World<'_>,
    observer: &mut dyn Observer,
) -> Vec<Subject> {
    let mut subjects: Vec<Subject> = Vec::new();
    let seen = |hop: &Hop, is_own, first, attempt, sign_in| Seen {
        hop: hop.clone(),
        first,
        is_own,
        attempt,
        sign_in,
        now: SystemTime::now(),
        warn_days: args.warn_days,
        signal: world.interrupt.signal(),
    };
    let hops = &prepared.route.hops;
    for hop in hops {
        if world.interrupt.signal().is_some() {
            return subjects;
        }
        let attempt = probe(&hop.looked_at(), world, observer);
        let has_failed = subjects
            .iter()
            .filter_map(|subject| subject.seen.as_ref())
            .any(|seen| seen.sign_in.has_failed());
        let sign_in = sign_in(args, hop, &attempt, has_failed, world, observer);
        subjects.push(Subject::of_port(seen(hop, true, first(&subjects), attempt, sign_in)));
    }
    for hop in beside(args.ports.as_ref(), hops) {
        if world.interrupt.signal().is_some() {
            return subjects;
        }
        let attempt = probe(&hop, world, observer);
        subjects.push(Subject::of_port(seen(
            &hop,
            false,
            first(&subjects),
            attempt,
            SignedIn::Nobody,
        )));
    }
    subjects
}

/// What the first port offers.
fn first(subjects: &[Subject]) -> Option<Vec<String>> {
    let seen = subjects.first()?.seen.as_ref()?;
    Some(seen.offers().to_vec())
}

/// Ports where a server may take mail: submission by TLS from the start, the same
/// by STARTTLS (RFC 8314 §3.3), and the port of other servers.
const SENSIBLE: [u16; 3] = [465, 587, 25];

/// How long a port is waited for that nobody has named.
const PATIENCE: Duration = Duration::from_secs(10);

/// The other ports of the hosts, each once.
fn beside(ports: Option<&Ports>, hops: &[Hop]) -> Vec<Hop> {
    let mut known: Vec<Place> = hops.iter().map(|hop| hop.endpoint.place.clone()).collect();
    let mut others = Vec::new();
    for hop in hops.iter().filter(|hop| hop.endpoint.protocol == Protocol::Smtp) {
        let usual: &[u16] = if hop.endpoint.place.host().is_loopback() { &[] } else { &SENSIBLE };
        for &port in ports.map_or(usual, |Ports(ports)| ports) {
            let Some(other) = hop.beside(port, PATIENCE) else { continue };
            if !known.contains(&other.endpoint.place) {
                known.push(other.endpoint.place.clone());
                others.push(other);
            }
        }
    }
    others
}

/// Signs in where a message would, unless it is clear that it would not come to
/// that.
fn sign_in(
    args: &CheckArgs,
    hop: &Hop,
    attempt: &Attempt,
    has_failed: bool,
    world: &World<'_>,
    observer: &mut dyn Observer,
) -> SignedIn {
    let Some(sign_in) = &hop.sign_in else { return SignedIn::Nobody };
    let needs_tls = matches!(hop.endpoint.security, Security::Implicit | Security::StartTls);
    let is_bad = attempt.tls.as_ref().is_some_and(|facts| !facts.is_verified());
    match &attempt.error {
        _ if has_failed => SignedIn::Withheld("it has failed at another server"),
        Some(_) => SignedIn::Withheld("the session did not come so far"),
        _ if is_bad && needs_tls && hop.tls.verification == Verification::Required => {
            SignedIn::Withheld("the server's certificate is no good")
        }
        _ => sign_in::tried(hop, sign_in, args.all_mechanisms, world, observer),
    }
}

impl Subject {
    fn of_port(seen: Seen) -> Self {
        let endpoint = &seen.hop.endpoint;
        let how = match (endpoint.security, &endpoint.place) {
            (_, Place::Unix(_)) => "a socket of this machine",
            (Security::Implicit, _) => "TLS from the start",
            (Security::StartTls, _) => "STARTTLS",
            (Security::Opportunistic, _) => "STARTTLS if offered",
            (Security::Cleartext, _) => "in clear",
        };
        let findings = judged(RULES, &seen);
        Subject { name: format!("{endpoint}, {how}"), findings, seen: Some(seen) }
    }

    fn of_domain(domain: &Domain) -> Self {
        // Below a name that does not exist there is nothing.
        let is_missing = matches!(domain.exchangers, Err(dns::Error::NoSuchName { .. }));
        let rules = if is_missing { &RULES_OF_DOMAIN[..1] } else { RULES_OF_DOMAIN };
        let findings = judged(rules, domain);
        Subject { name: domain.name.to_string(), findings, seen: None }
    }
}

/// Prints it, for people or for programs.
fn tell(checked: &Checked, surroundings: &mut Surroundings<'_>) -> Result<Exit, Failure> {
    let globals = surroundings.globals;
    let out = &mut *surroundings.out;
    let told = if globals.json {
        render::line(&json::object(checked), out)
    } else {
        table::print(checked, globals.quiet, out)
    };
    told.and_then(|()| out.flush()).map_err(unwritten)?;
    Ok(checked.exit())
}

fn unwritten(error: io::Error) -> Failure {
    Failure::caused(Exit::IoErr, "cannot write to the standard output", error)
}
