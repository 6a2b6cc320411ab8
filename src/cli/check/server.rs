//! The rules about one port of one server.

use super::addresses;
use super::finding::{Finding, Rule};
use super::sign_in::{self, SignedIn};
use crate::cli::advice::of_error;
use crate::cli::certificate;
use crate::cli::exit::Exit;
use crate::cli::hint::Hint;
use crate::cli::words::error_words;
use crate::delivery::{Attempt, Hop};
use crate::net::{
    self, Address, CertificateFault, Place, Security, Summary, TlsFacts, Verification,
};
use crate::sasl::Entry;
use crate::session::{Error, Kind};
use crate::smtp::{Keyword, Phase};
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// What was seen of one port.
pub(super) struct Seen {
    /// How messages would go there.
    pub(super) hop: Hop,
    /// The account names it; else it is another port of such a server.
    pub(super) is_own: bool,
    /// What the first port offers, where this is another.
    pub(super) first: Option<Vec<String>>,
    /// What came of looking at it.
    pub(super) attempt: Attempt,
    /// The addresses before that one, at which nobody answered.
    pub(super) silent: Vec<Attempt>,
    /// Those behind it.
    pub(super) others: Vec<Attempt>,
    /// Those that were too many to be looked at.
    pub(super) untried: Vec<Address>,
    /// Who signed in there.
    pub(super) sign_in: SignedIn,
    /// When that was.
    pub(super) now: SystemTime,
    /// How many days of a certificate are few.
    pub(super) warn_days: u32,
    /// The user's wish to stop.
    pub(super) signal: Option<usize>,
}

/// Every rule, in the order of what they say.
pub(super) const RULES: &[Rule<Seen>] = &[
    Rule::one("connection", connection),
    Rule::each("addresses", addresses::others),
    Rule::one("tls", tls),
    Rule::one("certificate", certificate),
    Rule::one("expiry", expiry),
    Rule::one("cleartext-auth", cleartext_auth),
    Rule::one("starttls-again", starttls_again),
    Rule::one("in-clear", in_clear),
    Rule::one("mechanisms", mechanisms),
    Rule::one("extensions", extensions),
    Rule::one("limits", limits),
    Rule::one("compared", compared),
    Rule::one("sign-in", sign_in::works),
    Rule::one("other-mechanisms", sign_in::others),
    Rule::one("timings", timings),
];

impl Seen {
    fn error(&self) -> Option<&Arc<Error>> {
        self.attempt.error.as_ref()
    }

    fn tls(&self) -> Option<&TlsFacts> {
        self.attempt.tls.as_ref()
    }

    /// Whether messages that go this way want TLS (`Hop` says the same of a pin).
    fn insists_on_tls(&self) -> bool {
        let security = self.hop.endpoint.security;
        let is_pinned = security == Security::Opportunistic && !self.hop.tls.pins.is_empty();
        let insists = matches!(security, Security::Implicit | Security::StartTls) || is_pinned;
        self.is_own && insists
    }

    /// Messages go in clear, and to this machine: nobody is on the way.
    fn stays_here(&self) -> bool {
        let endpoint = &self.hop.endpoint;
        self.is_own
            && endpoint.security == Security::Cleartext
            && endpoint.place.host().is_loopback()
    }

    /// A fault where it keeps messages from going, else a warning.
    fn blamed(&self, error: &Arc<Error>, is_fault: bool, why: &'static str) -> Finding {
        let found = error_words(error);
        let finding = if is_fault {
            Finding::fault(found, why, Exit::of_attempt(error, self.signal))
        } else {
            Finding::warning(found, why)
        };
        finding.hints(of_error(error, Some(&self.attempt)))
    }

    /// What the server offers to who gets as far as can be.
    pub(super) fn offers(&self) -> &[String] {
        let last = &self.attempt.extensions;
        if last.is_empty() { &self.attempt.in_clear } else { last }
    }

    /// The mechanisms that are offered under TLS, or where there is none, in clear.
    pub(super) fn mechanisms(&self) -> Vec<String> {
        parameters(self.offers(), Keyword::Auth.as_str())
    }

    /// The session came as far as the reply to EHLO.
    fn was_greeted(&self) -> bool {
        !self.offers().is_empty() || self.error().is_none()
    }
}

/// The words behind a keyword.
fn parameters(offers: &[String], keyword: &str) -> Vec<String> {
    let words = offers.iter().map(|line| line.split(' ').collect::<Vec<_>>());
    let found = words.filter(|words| words[0] == keyword);
    found
        .flat_map(|words| words[1..].iter().map(|&word| word.to_owned()).collect::<Vec<_>>())
        .collect()
}

fn has(offers: &[String], keyword: &str) -> bool {
    offers.iter().any(|line| line.split(' ').next() == Some(keyword))
}

/// Somebody answers, and goes on as far as is looked; but for TLS, which has a rule
/// of its own.
fn connection(seen: &Seen) -> Option<Finding> {
    const WHY: &str = "no message can be sent through a server that does not answer as it should";
    let is_of_tls = |error: &&Arc<Error>| matches!(error.phase, Phase::StartTls | Phase::Handshake);
    match seen.error().filter(|error| !is_of_tls(error)) {
        None => {
            let address = seen.attempt.address.as_ref()?;
            Some(Finding::ok(format!("{address} answers")))
        }
        Some(error) if !seen.is_own => Some(match error.phase {
            Phase::Connect | Phase::Proxy => {
                let told =
                    if is_refusal(error) { "not in use" } else { "it cannot be told if in use" };
                Finding::note(format!("{told}: {}", error_words(error)))
            }
            // At port 25 many let in other servers only.
            Phase::Greeting => Finding::note(format!("not for us: {}", error_words(error))),
            _ => seen.blamed(error, false, WHY),
        }),
        Some(error) => Some(seen.blamed(error, true, WHY)),
    }
}

/// Nobody listens there; else the way there may be at fault.
fn is_refusal(error: &Error) -> bool {
    match &error.kind {
        Kind::Net(net::Error::Connect { cause, .. }) => {
            cause.kind() == ErrorKind::ConnectionRefused
        }
        _ => false,
    }
}

fn tls(seen: &Seen) -> Option<Finding> {
    let found = tls_of(seen);
    if seen.stays_here() { found.map(Finding::at_most_a_note) } else { found }
}

fn tls_of(seen: &Seen) -> Option<Finding> {
    if let Some(facts) = seen.tls() {
        let found = [Some(&facts.version), Some(&facts.cipher), facts.group.as_ref()];
        let found: Vec<&str> = found.into_iter().flatten().map(String::as_str).collect();
        let found = found.join(", ");
        if let Some(finding) = unused(seen, &found) {
            return Some(finding);
        }
        return Some(match facts.version.as_str() {
            "TLS 1.2" => Finding::note(format!("{found}: TLS 1.3 is not spoken")),
            _ => Finding::ok(found),
        });
    }
    let Some(error) = seen.error() else {
        return seen.hop.endpoint.place.port().map(|_| no_starttls());
    };
    match (&error.kind, error.phase) {
        (Kind::Lacks(Keyword::StartTls), _) if !seen.insists_on_tls() => Some(no_starttls()),
        (Kind::Lacks(Keyword::StartTls), _) => {
            let why = "without it, nothing is sent, and no password either";
            Some(seen.blamed(error, true, why).hint(GIVE_CERTIFICATE))
        }
        (_, Phase::StartTls | Phase::Handshake) => {
            let why = "without TLS nobody is sure to talk to the server, nor alone";
            Some(seen.blamed(error, seen.insists_on_tls(), why))
        }
        _ => None,
    }
}

/// TLS that the account does without, on the way to another machine.
fn unused(seen: &Seen, found: &str) -> Option<Finding> {
    let endpoint = &seen.hop.endpoint;
    let Place::Tcp { host, port } = &endpoint.place else { return None };
    let is_in_clear = seen.is_own && endpoint.security == Security::Cleartext;
    if !is_in_clear || host.is_loopback() {
        return None;
    }
    let found = format!("{found}, which the account does not use");
    let why = "everybody on the way can read and change what is sent here";
    Some(
        Finding::warning(found, why)
            .hint(Hint::from("let it use TLS: ").option("server", format!("smtp://{host}:{port}"))),
    )
}

fn no_starttls() -> Finding {
    let why = "everybody on the way can read and change what is sent here";
    Finding::warning("the server does not offer STARTTLS", why).hint(GIVE_CERTIFICATE)
}

const GIVE_CERTIFICATE: &str = "the server's operator has to give it a certificate; with Postfix: \
     smtpd_tls_security_level = may, and smtpd_tls_chain_files";

fn certificate(seen: &Seen) -> Option<Finding> {
    const WHY: &str = "anybody could pretend to be the server, and get mail and passwords";
    let facts = seen.tls()?;
    let Some(fault) = &facts.fault else {
        let own = facts.certificate.as_ref()?;
        if seen.is_own && seen.hop.tls.verification == Verification::Noted {
            return Some(
                Finding::warning("it is good, but the account does not look at it", WHY)
                    .hint(Hint::from("leave out ").option("tls-verify", "no")),
            );
        }
        let by = if seen.hop.tls.pins.is_empty() { "" } else { "pinned; " };
        let names = own.names.first().or(own.common_name.as_ref());
        let name = names.map_or("nobody", String::as_str);
        return Some(Finding::ok(format!("{by}for {name}, issued by ‘{}’", own.issuer)));
    };
    let all: Vec<&CertificateFault> = std::iter::once(fault).chain(&facts.further_faults).collect();
    let found: Vec<String> = all.iter().map(|fault| certificate::words(fault)).collect();
    let found = found.join("; ");
    let is_wanted = seen.insists_on_tls() && seen.hop.tls.verification == Verification::Required;
    let finding = if is_wanted {
        Finding::fault(found, WHY, Exit::Protocol)
    } else if seen.stays_here() {
        return Some(Finding::note(format!("{found}, and the account does not look at it")));
    } else {
        Finding::warning(found, WHY)
    };
    Some(finding.hints(hints_for(&all, &facts.chain)))
}

/// What to try about all of these, each once.
fn hints_for(faults: &[&CertificateFault], chain: &[Summary]) -> Vec<Hint> {
    let mut hints = Vec::new();
    let for_clients = faults.iter().flat_map(|fault| certificate::hints(fault, chain));
    for hint in for_clients.chain(faults.iter().filter_map(|fault| for_operator(fault))) {
        if !hints.contains(&hint) {
            hints.push(hint);
        }
    }
    hints
}

/// What the operator can do, where the other hints are for clients.
fn for_operator(fault: &CertificateFault) -> Option<Hint> {
    match fault {
        CertificateFault::WrongName { asked, .. } => {
            Some(Hint::from(format!("or the server's operator gives it a certificate for {asked}")))
        }
        CertificateFault::SelfSigned => Some(Hint::from(
            "or the server's operator gives it one that a public authority signed; with certbot: \
             certbot certonly",
        )),
        _ => None,
    }
}

/// How many days are left of the certificates: of the one that ends first among those
/// that are needed. `None` where that is over, or means nothing.
pub(super) fn days_left(seen: &Seen) -> Option<(u64, &Summary)> {
    let facts = seen.tls().filter(|_| seen.hop.tls.pins.is_empty())?;
    if matches!(facts.fault, Some(CertificateFault::Expired { .. })) {
        return None;
    }
    let first = facts.ends_first.as_ref().or(facts.certificate.as_ref())?;
    let left = first.not_after.duration_since(seen.now).ok()?;
    Some((left.as_secs() / DAY.as_secs(), first))
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn expiry(seen: &Seen) -> Option<Finding> {
    let (days, first) = days_left(seen)?;
    let found = format!(
        "‘{}’ is good for {days} more days, until {}",
        first.subject,
        certificate::moment(first.not_after)
    );
    if days >= seen.warn_days.into() {
        return Some(Finding::ok(found));
    }
    let why = "once it has expired, no client sends anything through this server";
    Some(Finding::warning(found, why).hint(
        "the server's operator has to renew it, and to have the server read the new one; \
         with certbot: certbot renew",
    ))
}

fn cleartext_auth(seen: &Seen) -> Option<Finding> {
    let in_clear = if seen.tls().is_some() || !seen.attempt.in_clear.is_empty() {
        &seen.attempt.in_clear
    } else {
        // The last EHLO was in clear.
        &seen.attempt.extensions
    };
    let exposing = |name: &String| Entry::named(name).is_some_and(|entry| entry.exposes_secret);
    let names = parameters(in_clear, Keyword::Auth.as_str());
    let names: Vec<String> = names.into_iter().filter(exposing).collect();
    if names.is_empty() || seen.hop.endpoint.place.port().is_none() {
        return None;
    }
    let found = format!("AUTH {} is offered in clear, before TLS", names.join(" "));
    if seen.stays_here() {
        return Some(Finding::note(found));
    }
    let why = "a client that does not insist on TLS gives its password to everybody on the way";
    Some(
        Finding::warning(found, why)
            .hint("the server's operator can forbid it; with Postfix: smtpd_tls_auth_only = yes"),
    )
}

fn starttls_again(seen: &Seen) -> Option<Finding> {
    seen.tls()?;
    let keyword = Keyword::StartTls.as_str();
    has(&seen.attempt.extensions, keyword).then(|| {
        let why = "RFC 3207 forbids it: a client may take it for a channel in clear";
        Finding::warning("STARTTLS is offered again under TLS", why)
            .hint("the server's operator has to bring it up to date")
    })
}

/// How what is offered in clear differs from what is offered under TLS.
fn in_clear(seen: &Seen) -> Option<Finding> {
    let (clear, secured) = (&seen.attempt.in_clear, &seen.attempt.extensions);
    if clear.is_empty() || secured.is_empty() {
        return None;
    }
    differences(clear, "only before TLS: ", secured, "only under TLS: ").map(Finding::note)
}

/// How what is offered here differs from what the first port offers.
fn compared(seen: &Seen) -> Option<Finding> {
    let first = seen.first.as_ref().filter(|first| !first.is_empty() && seen.was_greeted())?;
    let differences = differences(first, "only at the first port: ", seen.offers(), "only here: ");
    Some(differences.map_or_else(|| Finding::ok("as at the first port"), Finding::note))
}

/// The lines of either that the other lacks, each behind its words; STARTTLS, which
/// goes with the kind of port, does not count.
fn differences(one: &[String], of_one: &str, other: &[String], of_other: &str) -> Option<String> {
    let starttls = |line: &&String| line.as_str() != Keyword::StartTls.as_str();
    let only = |these: &[String], those: &[String]| {
        let lines = these.iter().filter(starttls).filter(|line| !those.contains(line));
        lines.cloned().collect::<Vec<_>>().join(", ")
    };
    let told = [(of_one, only(one, other)), (of_other, only(other, one))];
    let told = told.into_iter().filter(|(_, lines)| !lines.is_empty());
    let told: Vec<String> = told.map(|(when, lines)| format!("{when}{lines}")).collect();
    (!told.is_empty()).then(|| told.join("; "))
}

fn mechanisms(seen: &Seen) -> Option<Finding> {
    let names = seen.mechanisms();
    (!names.is_empty()).then(|| Finding::ok(names.join(" ")))
}

/// What a message may need (RFC 6152, RFC 2920, RFC 2034, RFC 6531).
const USUAL: [Keyword; 4] =
    [Keyword::EightBitMime, Keyword::Pipelining, Keyword::EnhancedStatusCodes, Keyword::SmtpUtf8];

fn extensions(seen: &Seen) -> Option<Finding> {
    if !seen.was_greeted() {
        return None;
    }
    let words = seen.offers().iter().filter_map(|line| line.split(' ').next());
    let names: Vec<&str> =
        words.filter(|name| !["AUTH", "SIZE", "LIMITS"].contains(name)).collect();
    let lacking = USUAL.map(Keyword::as_str).into_iter().filter(|it| !has(seen.offers(), it));
    let lacking: Vec<&str> = lacking.collect();
    let found = if names.is_empty() { "none".to_owned() } else { names.join(" ") };
    Some(match lacking.as_slice() {
        [] => Finding::ok(found),
        lacking => Finding::note(format!("{found}; not offered: {}", lacking.join(" "))),
    })
}

/// RFC 1870, RFC 9422.
fn limits(seen: &Seen) -> Option<Finding> {
    if !seen.was_greeted() {
        return None;
    }
    let size = parameters(seen.offers(), Keyword::Size.as_str());
    let size = size.first().filter(|octets| *octets != "0");
    let size = size.map(|octets| format!("messages of {octets} octets"));
    let limits = parameters(seen.offers(), "LIMITS");
    let told: Vec<String> = size.into_iter().chain(limits).collect();
    Some(match told.as_slice() {
        [] => Finding::note("the server states none"),
        told => Finding::ok(told.join(", ")),
    })
}

fn timings(seen: &Seen) -> Option<Finding> {
    let told = |(phase, time): &(Phase, Duration)| {
        format!("{} {:.1} ms", phase.word(), time.as_secs_f64() * 1000.0)
    };
    let told: Vec<String> = seen.attempt.timings.iter().map(told).collect();
    let is_connected = |(phase, _): &(Phase, Duration)| *phase == Phase::Connect;
    let has_come = seen.attempt.timings.iter().any(is_connected);
    has_come.then(|| Finding::ok(told.join(", ")))
}

#[cfg(test)]
mod tests;
