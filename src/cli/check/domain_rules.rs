//! The rules about a domain: those who take its mail, and what protects its name.
#![expect(clippy::unnecessary_wraps, reason = "all rules have one type")]

use super::domain::{Cost, Domain, Selected, Texts, hosts};
use super::finding::{Finding, Rule};
use crate::cli::exit::Exit;
use crate::dns::mta_sts::{Mode, Policy, is_id};
use crate::dns::spf::{All, MOST_LOOKUPS, Spf};
use crate::dns::{self, Tags, Tlsa};
use encodify::base64::STANDARD;

/// Every rule, in the order of what they say.
pub(super) const RULES: &[Rule<Domain>] = &[
    Rule { name: "mx", judge: mx },
    Rule { name: "mx-addresses", judge: mx_addresses },
    Rule { name: "spf", judge: spf },
    Rule { name: "spf-lookups", judge: spf_lookups },
    Rule { name: "dkim", judge: dkim },
    Rule { name: "dmarc", judge: dmarc },
    Rule { name: "mta-sts", judge: mta_sts },
    Rule { name: "tlsrpt", judge: tlsrpt },
    Rule { name: "dane", judge: dane },
];

const ANSWERS: &str = "answers and bounces to mail from this domain do not arrive";
const FORGED: &str = "receivers cannot tell mail of this domain from forged mail";

fn untold(error: &dns::Error) -> Finding {
    Finding::unknown(error.to_string())
}

fn mx(domain: &Domain) -> Option<Finding> {
    let name = &domain.name;
    let answer = match &domain.exchangers {
        Ok(answer) => answer,
        Err(error @ dns::Error::NoSuchName { .. }) => {
            return Some(
                Finding::fault(error.to_string(), ANSWERS, Exit::NoHost)
                    .hint("check the spelling of the domain"),
            );
        }
        Err(error) if error.is_temporary() => return Some(untold(error)),
        Err(error) => {
            return Some(
                Finding::warning(error.to_string(), ANSWERS)
                    .hint(format!("publish who takes its mail: {name}. MX 10 mail.{name}.")),
            );
        }
    };
    if hosts(&domain.exchangers).is_empty() {
        let why = "many servers take no mail from a domain that takes none (RFC 7505)";
        return Some(Finding::warning("the domain says that it takes no mail", why));
    }
    let told = |mx: &dns::Mx| {
        let host = mx.exchanger.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("{} {host}", mx.preference)
    };
    let told: Vec<String> = answer.records.iter().map(told).collect();
    Some(Finding::ok(told.join(", ")))
}

fn mx_addresses(domain: &Domain) -> Option<Finding> {
    let count = hosts(&domain.exchangers).len();
    if count == 0 {
        return None;
    }
    let Some((host, why)) = domain.unresolved.first() else {
        return Some(Finding::ok("each has one"));
    };
    let found = format!("{host}: {why}");
    let hint = format!("publish its address, or leave it out: {host}. A ADDRESS");
    Some(if domain.unresolved.len() == count {
        Finding::fault(found, ANSWERS, Exit::NoHost).hint(hint)
    } else {
        Finding::warning(found, "mail waits until a sender tries another").hint(hint)
    })
}

/// The only one of the texts; what to say of none or several.
fn only<'t>(texts: &'t Texts, name: &str, none: Finding) -> Result<&'t str, Finding> {
    match texts.as_deref() {
        Err(error) => Err(untold(error)),
        Ok([]) => Err(none),
        Ok([text]) => Ok(text),
        Ok(several) => {
            let found = format!("there are {} of them at {name}", several.len());
            let why = "where there are several, none counts";
            Err(Finding::fault(found, why, Exit::Config).hint("leave one"))
        }
    }
}

fn either(found: Result<Finding, Finding>) -> Option<Finding> {
    Some(found.unwrap_or_else(|finding| finding))
}

fn spf(domain: &Domain) -> Option<Finding> {
    let name = &domain.name;
    let none = Finding::warning("not published", FORGED)
        .hint(format!("say which servers may send: {name}. TXT \"v=spf1 mx -all\""));
    let judge = |text: &str| match Spf::read(text) {
        Err(term) => {
            let why = "a record that is wrong counts for nothing, or against its mail";
            let found = format!("‘{term}’ is no term of SPF, in: {text}");
            Finding::fault(found, why, Exit::Config).hint(format!("correct it at {name}"))
        }
        Ok(Spf { all: Some(All::Pass), .. }) => {
            let why = "everybody in the world may send mail of this domain";
            Finding::fault(text, why, Exit::Config).hint("end it with -all or ~all")
        }
        Ok(Spf { all: None | Some(All::Neutral), .. }) => {
            let why = "it says nothing of the servers that it does not name";
            Finding::warning(text, why).hint("end it with -all or ~all")
        }
        Ok(Spf { all: Some(All::SoftFail | All::Fail | All::Redirected), .. }) => Finding::ok(text),
    };
    either(only(&domain.spf, &name.to_string(), none).map(judge))
}

fn spf_lookups(domain: &Domain) -> Option<Finding> {
    let why = "receivers give up on it, and it counts for nothing (RFC 7208 §4.6.4)";
    Some(match domain.spf_cost.as_ref()? {
        Cost::Lookups(count) if *count > MOST_LOOKUPS => {
            let found = format!("more than {MOST_LOOKUPS} are needed to apply it");
            Finding::fault(found, why, Exit::Config)
                .hint("name addresses, ip4: and ip6:, in place of names")
        }
        Cost::Lookups(count) => Finding::ok(format!("{count} of {MOST_LOOKUPS}")),
        Cost::Broken(reason) => Finding::fault(reason.clone(), why, Exit::Config)
            .hint("correct it there, or leave it out"),
        Cost::Unknown(reason) => Finding::unknown(reason.clone()),
    })
}

/// The worst of the keys.
fn dkim(domain: &Domain) -> Option<Finding> {
    let findings = domain.dkim.iter().map(|selected| dkim_key(domain, selected));
    let worst = findings.max_by_key(|finding| finding.verdict);
    Some(worst.unwrap_or_else(|| {
        Finding::note("not looked for: the name of a key is not known, and keys are not listed")
            .hint("name it: envoi check --domain DOMAIN --selector NAME")
    }))
}

fn dkim_key(domain: &Domain, selected: &Selected) -> Finding {
    const WHY: &str = "signatures by this key count for nothing";
    let at = format!("{}._domainkey.{}", selected.selector, domain.name);
    let fault = |found: &str| Finding::fault(format!("{at}: {found}"), WHY, Exit::Config);
    let publish =
        || format!("publish the public half of the key there: {at}. TXT \"v=DKIM1; p=…\"");
    let none = fault("there is no key").hint(publish());
    let text = match only(&selected.texts, &at, none) {
        Ok(text) => text,
        Err(finding) => return finding,
    };
    let Some(tags) = Tags::read(text) else {
        return fault("it is no list of tags").hint(publish());
    };
    // RFC 6376 §3.6.1: v= is optional, and first.
    if tags.get("v").is_some() && !tags.is_version("DKIM1") {
        return fault("its version is not DKIM1").hint(publish());
    }
    let key: String = tags.get("p").unwrap_or_default().split_whitespace().collect();
    if key.is_empty() {
        return fault("the key is revoked, or missing").hint(publish());
    }
    let Ok(octets) = STANDARD.decode(&key) else {
        return fault("its p= is not base64").hint(publish());
    };
    match &selected.key {
        Some(own) if !own.is_published_as(&octets) => {
            fault("it is not the key that the account signs with").hint(publish())
        }
        Some(_) => Finding::ok(format!("{at} is the key that the account signs with")),
        None => Finding::ok(format!("{at} is a key")),
    }
}

fn dmarc(domain: &Domain) -> Option<Finding> {
    let at = format!("_dmarc.{}", domain.name);
    let publish = format!(
        "begin with: {at}. TXT \"v=DMARC1; p=none; rua=mailto:postmaster@{}\"",
        domain.name
    );
    let none = Finding::warning("not published", FORGED).hint(publish);
    let judge = |text: &str| {
        let policy = Tags::read(text).and_then(|tags| tags.get("p").map(str::to_ascii_lowercase));
        match policy.as_deref() {
            Some("reject" | "quarantine") => Finding::ok(text),
            Some("none") => Finding::note(format!("{text}: forged mail is reported, not refused")),
            _ => {
                let why = "a record that is wrong counts for nothing";
                let found = format!("no p=none, quarantine or reject, in: {text}");
                Finding::fault(found, why, Exit::Config).hint(format!("correct it at {at}"))
            }
        }
    };
    either(only(&domain.dmarc, &at, none).map(judge))
}

fn mta_sts(domain: &Domain) -> Option<Finding> {
    const WHY: &str = "senders keep to an older policy, or to none";
    let at = format!("_mta-sts.{}", domain.name);
    let text = match only(&domain.mta_sts, &at, Finding::note("not published")) {
        Ok(text) => text,
        Err(finding) => return Some(finding),
    };
    let id = Tags::read(text).and_then(|tags| tags.get("id").map(str::to_owned));
    if !id.is_some_and(|id| is_id(&id)) {
        let found = format!("no id= of 1 to 32 letters and digits, in: {text}");
        return Some(Finding::fault(found, WHY, Exit::Config).hint(format!("correct it at {at}")));
    }
    let correct =
        || format!("correct the file: https://mta-sts.{}/.well-known/mta-sts.txt", domain.name);
    let policy = match domain.policy.as_ref()? {
        Err(error) => {
            return Some(Finding::fault(error.clone(), WHY, Exit::Unavailable).hint(correct()));
        }
        Ok(text) => match Policy::read(text) {
            Err(what) => {
                let found = format!("the policy is wrong: {what}");
                return Some(Finding::fault(found, WHY, Exit::Config).hint(correct()));
            }
            Ok(policy) => policy,
        },
    };
    let hosts: Vec<String> = hosts(&domain.exchangers).iter().map(ToString::to_string).collect();
    let stranger = hosts.iter().find(|host| !policy.admits(host.trim_end_matches('.')));
    Some(match (policy.mode, stranger) {
        (Mode::None, _) => Finding::note("mode none: nothing is asked of senders"),
        (mode, Some(host)) => {
            let found = format!("{host} takes mail of the domain, and is no mx of the policy");
            let why = "senders that keep to the policy send nothing there";
            let finding = match mode {
                Mode::Enforce => Finding::fault(found, why, Exit::Config),
                Mode::Testing | Mode::None => Finding::warning(found, why),
            };
            finding.hint(correct())
        }
        (Mode::Testing, None) => Finding::note("mode testing: bad TLS is reported, not refused"),
        (Mode::Enforce, None) => Finding::ok(format!("mode enforce, for {} s", policy.max_age)),
    })
}

fn tlsrpt(domain: &Domain) -> Option<Finding> {
    let at = format!("_smtp._tls.{}", domain.name);
    let judge = |text: &str| {
        let reports = Tags::read(text).and_then(|tags| tags.get("rua").map(str::to_owned));
        let is_place =
            |place: &str| place.trim().starts_with("mailto:") || place.trim().starts_with("https:");
        if reports.is_some_and(|places| places.split(',').all(is_place)) {
            return Finding::ok(text);
        }
        let found = format!("no rua= with mailto: or https:, in: {text}");
        Finding::warning(found, "nobody reports trouble with TLS")
            .hint(format!("correct it at {at}"))
    };
    either(only(&domain.tlsrpt, &at, Finding::note("not published")).map(judge))
}

fn dane(domain: &Domain) -> Option<Finding> {
    if hosts(&domain.exchangers).is_empty() {
        return None;
    }
    if !domain.exchangers.as_ref().is_ok_and(|answer| answer.authenticated) {
        return Some(Finding::note(
            "could not be told: no name server that may be believed says that DNSSEC vouches for \
             the domain",
        ));
    }
    let findings = domain.dane.iter().map(|(host, answer)| match answer {
        Err(error) if error.is_temporary() => untold(error),
        Err(_) => Finding::note(format!("{host} has no TLSA record")),
        Ok(answer) if !answer.authenticated => {
            Finding::note(format!("DNSSEC does not vouch for the TLSA records of {host}"))
        }
        Ok(answer) if answer.records.iter().any(is_usable) => {
            Finding::ok(format!("{host} has TLSA records; its certificate was not compared"))
        }
        Ok(_) => {
            let found = format!("no TLSA record of {host} can be used: none has usage 2 or 3");
            let why = "senders want TLS there, and cannot tell whom they talk to (RFC 7672 §3.1.3)";
            Finding::warning(found, why).hint(format!("publish one: _25._tcp.{host}. TLSA 3 1 1 …"))
        }
    });
    findings.max_by_key(|finding| finding.verdict)
}

/// RFC 7672 §3.1: DANE-TA or DANE-EE, of the right length.
fn is_usable(record: &Tlsa) -> bool {
    let length = match record.matching {
        0 => !record.data.is_empty(),
        1 => record.data.len() == 32,
        2 => record.data.len() == 64,
        _ => false,
    };
    matches!(record.usage, 2 | 3) && record.selector <= 1 && length
}

#[cfg(test)]
mod tests;
