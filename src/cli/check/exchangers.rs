//! The rules about the hosts that take a domain's mail.

use super::domain::{Domain, Exchanger};
use super::domain_rules::{ANSWERS, untold};
use super::finding::Finding;
use crate::cli::certificate;
use crate::cli::exit::Exit;
use crate::cli::words::error_words;
use crate::delivery::Attempt;
use crate::dns::{self, Answer, Misfit, Name, Tlsa};
use crate::net::{self, Host, TlsFacts};
use crate::session::{Error, Kind};
use crate::smtp::Phase;
use std::net::IpAddr;

/// Whether each has an address that others can reach.
pub(super) fn addresses(domain: &Domain) -> Vec<Finding> {
    let may_have =
        |host: &Exchanger| host.addresses.as_ref().map_or_else(dns::Error::is_temporary, |_| true);
    let is_lost = !domain.hosts.iter().any(may_have);
    domain.hosts.iter().map(|host| addresses_of(host, is_lost)).collect()
}

fn addresses_of(host: &Exchanger, is_lost: bool) -> Finding {
    let name = &host.name;
    match &host.addresses {
        Ok(answer) => {
            let told: Vec<String> = answer.records.iter().map(ToString::to_string).collect();
            let told = format!("{name}: {}", told.join(", "));
            if answer.records.iter().all(|address| is_private(*address)) {
                Finding::note(format!("{told}: nobody outside reaches it there"))
            } else {
                Finding::ok(told)
            }
        }
        Err(error) if error.is_temporary() => untold(error),
        Err(error) => {
            let hint = format!("publish its address, or leave it out: {name}. A ADDRESS");
            let found = format!("{name} has no address: {error}");
            if is_lost {
                Finding::fault(found, ANSWERS, Exit::NoHost).hint(hint)
            } else {
                Finding::warning(found, "mail waits until a sender tries another").hint(hint)
            }
        }
    }
}

/// Whether any is an alias, where the domain names it (RFC 2181 §10.3).
pub(super) fn aliases(domain: &Domain) -> Vec<Finding> {
    let Ok(named) = &domain.exchangers else { return Vec::new() };
    let alias_of = |mx: &dns::Mx| {
        let name = mx.exchanger.as_ref()?;
        let host = domain.hosts.iter().find(|host| host.name == *name)?;
        let canonical = host.addresses.as_ref().ok()?.canonical.as_ref()?;
        let found = format!("{name} is an alias of {canonical}");
        let why = "RFC 5321 §5.1 leaves open what comes of that, and some senders do not send";
        let hint =
            format!("name the host itself: {}. MX {} {canonical}.", domain.name, mx.preference);
        Some(Finding::warning(found, why).hint(hint))
    };
    named.records.iter().filter_map(alias_of).collect()
}

fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(it) => {
            it.is_loopback() || it.is_private() || it.is_unspecified() || it.is_link_local()
        }
        IpAddr::V6(it) => {
            it.is_loopback()
                || it.is_unspecified()
                || it.is_unique_local()
                || it.is_unicast_link_local()
        }
    }
}

/// Whether port 25 was seen as others see it: TLS may have failed there, but not for want
/// of time.
pub(super) fn was_reached(look: &Attempt) -> bool {
    let is_answer = |error: &Error| {
        let is_of_tls = matches!(error.phase, Phase::StartTls | Phase::Handshake);
        let is_ours =
            matches!(error.kind, Kind::Net(net::Error::TimedOut { .. } | net::Error::Interrupted));
        is_of_tls && !is_ours
    };
    look.error.as_ref().is_none_or(|error| is_answer(error))
}

/// Whether others can send there under TLS.
pub(super) fn tls(domain: &Domain) -> Vec<Finding> {
    let looked_at = domain.hosts.iter().filter_map(|host| Some((host, host.look.as_ref()?)));
    looked_at.map(|(host, look)| tls_of(host, look)).collect()
}

fn tls_of(host: &Exchanger, look: &Attempt) -> Finding {
    const WHY: &str = "mail to the domain crosses in clear, where everybody on the way can read it";
    let name = &host.name;
    match (&look.error, &look.tls) {
        (Some(error), _) if !was_reached(look) => {
            let found = format!("{name}, port 25: {}", error_words(error));
            Finding::unknown(found)
                .hint("many networks let nobody out to port 25: try from a server")
        }
        (Some(error), _) => {
            let closer = format!("envoi check -vv --ports none --server smtp://{name}:25");
            Finding::warning(format!("{name}, port 25: {}", error_words(error)), WHY)
                .hint(format!("look closer: {closer}"))
        }
        (None, None) => Finding::warning(format!("{name} does not offer STARTTLS on port 25"), WHY)
            .hint(
                "give it a certificate; with Postfix: smtpd_tls_security_level = may, and \
                 smtpd_tls_chain_files",
            ),
        (None, Some(TlsFacts { fault: Some(fault), version, .. })) => {
            // RFC 7672 §2.2, RFC 8461: without a policy nobody looks at it.
            let what = certificate::words(fault);
            Finding::note(format!(
                "{name}: {version}; {what}, which senders look at only by a policy"
            ))
        }
        (None, Some(facts)) => {
            Finding::ok(format!("{name}: {}, with a certificate for it", facts.version))
        }
    }
}

/// Whether their certificates are those that DNSSEC vouches for.
pub(super) fn dane(domain: &Domain) -> Vec<Finding> {
    domain.hosts.iter().map(|host| dane_of(domain, host)).collect()
}

fn dane_of(domain: &Domain, host: &Exchanger) -> Finding {
    const WHY: &str = "senders that know DANE send nothing there (RFC 7672 §2.2)";
    let name = &host.name;
    let answer = match &host.tlsa {
        Ok(answer) => answer,
        Err(error) if error.is_temporary() => return untold(error),
        Err(_) => return Finding::note(format!("{name} has no TLSA record")),
    };
    if let Some(canonical) = canonical_perhaps_unsigned(domain, host, answer) {
        return Finding::unknown(format!(
            "{name} has TLSA records, and is an alias of {canonical}, for whose addresses DNSSEC \
             does not vouch: whether they count depends on who vouches for the alias"
        ));
    }
    if let Some(unsigned) = unsigned(domain, host, answer) {
        return Finding::note(format!(
            "the TLSA records of {name} do not count: no name server that may be believed says \
             that DNSSEC vouches for {unsigned}"
        ));
    }
    let usable: Vec<&Tlsa> = answer.records.iter().filter(|record| record.is_usable()).collect();
    if usable.is_empty() {
        let found = format!("no TLSA record of {name} can be used");
        let why = "senders want TLS there, and cannot tell whom they talk to (RFC 7672 §3.1.3)";
        return Finding::warning(found, why)
            .hint(format!("publish one of usage 3 or 2: {}", record_for(host)));
    }
    let Some(look) = &host.look else {
        return Finding::note(format!(
            "{name} has TLSA records; its certificate was not looked at"
        ));
    };
    match (&look.tls, &look.error) {
        (Some(facts), _) => compared(domain, host, &usable, facts),
        (None, Some(error)) if !was_reached(look) => {
            let why = error_words(error);
            Finding::unknown(format!("{name} has TLSA records, not compared with port 25: {why}"))
        }
        (None, _) => {
            let found = format!("{name} has TLSA records, and speaks no TLS on port 25");
            Finding::fault(found, WHY, Exit::Protocol).hint(format!(
                "make STARTTLS work there, or take the records away: _25._tcp.{}.",
                host.tlsa_of
            ))
        }
    }
}

/// What of the way to the records DNSSEC does not vouch for (RFC 7672 §2.2.1).
fn unsigned(domain: &Domain, host: &Exchanger, answer: &Answer<Tlsa>) -> Option<String> {
    let named = domain.exchangers.as_ref().map_or(true, |answer| answer.authenticated);
    let reached = host.addresses.as_ref().is_ok_and(|answer| answer.authenticated);
    match (named, reached, answer.authenticated) {
        (false, _, _) => Some(format!("the MX records of {}", domain.name)),
        (_, false, _) => Some(format!("the addresses of {}", host.name)),
        (_, _, false) => Some("these".to_owned()),
        (true, true, true) => None,
    }
}

/// What an unsigned host is an alias of, which has signed records under its own name:
/// these count if the alias is signed (RFC 7672 §2.2.3), which was not asked.
fn canonical_perhaps_unsigned<'h>(
    domain: &Domain,
    host: &'h Exchanger,
    answer: &Answer<Tlsa>,
) -> Option<&'h Name> {
    let named = domain.exchangers.as_ref().map_or(true, |answer| answer.authenticated);
    let addresses = host.addresses.as_ref().ok().filter(|addresses| !addresses.authenticated)?;
    addresses.canonical.as_ref().filter(|_| named && answer.authenticated)
}

fn compared(domain: &Domain, host: &Exchanger, usable: &[&Tlsa], facts: &TlsFacts) -> Finding {
    const WHY: &str = "senders that know DANE send nothing there (RFC 7672 §2.2)";
    let name = &host.name;
    // RFC 7672 §3.2.2
    let canonical = domain.exchangers.as_ref().ok().and_then(|answer| answer.canonical.as_ref());
    let names = [&host.tlsa_of, &domain.name].into_iter().chain(canonical);
    let names: Vec<Host> = names.filter_map(Name::host).collect();
    let mut misfits = Vec::new();
    for record in usable {
        match record.compared(&facts.chain, &names) {
            Ok(()) => {
                return Finding::ok(format!("the certificate of {name} is that of TLSA {record}"));
            }
            Err(misfit) => misfits.push((record, misfit)),
        }
    }
    let is_untold = |misfit: &Misfit| matches!(misfit, Misfit::BareKey | Misfit::Error(_));
    if let Some((record, misfit)) = misfits.iter().find(|(_, misfit)| is_untold(misfit)) {
        let why = misfit_words(misfit);
        return Finding::unknown(format!("{name} cannot be compared with TLSA {record}: {why}"));
    }
    let told: Vec<String> =
        misfits.iter().map(|(record, it)| format!("{record}: {}", misfit_words(it))).collect();
    let found = format!("the certificate of {name} is not that of TLSA {}", told.join("; "));
    let finding = Finding::fault(found, WHY, Exit::Protocol);
    match facts.chain.first() {
        Some(own) => finding.hint(format!(
            "if this is the right key: _25._tcp.{}. TLSA 3 1 1 {}",
            host.tlsa_of,
            own.spki_sha256.hex()
        )),
        None => finding,
    }
}

fn misfit_words(misfit: &Misfit) -> String {
    match misfit {
        Misfit::Other => "another one is sent".to_owned(),
        Misfit::Fault(fault) => certificate::words(fault),
        Misfit::BareKey => {
            "it has the key of an authority, whose certificate the server does not send".to_owned()
        }
        Misfit::Error(error) => error.to_string(),
    }
}

/// A record for what the host shows now, as far as that was seen.
fn record_for(host: &Exchanger) -> String {
    let facts = host.look.as_ref().and_then(|look| look.tls.as_ref());
    let own = facts.and_then(|facts| facts.chain.first());
    let digest = own.map_or("…".to_owned(), |own| own.spki_sha256.hex());
    format!("_25._tcp.{}. TLSA 3 1 1 {digest}", host.tlsa_of)
}

#[cfg(test)]
mod tests;
