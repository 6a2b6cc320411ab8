//! The rules about a domain: those who take its mail, and what protects its name.
#![expect(clippy::unnecessary_wraps, reason = "all rules have one type")]

use super::domain::{Domain, Exchanger, Texts, Unfetched};
use super::finding::{Finding, Rule};
use super::spf_cost::Cost;
use super::{dkim, exchangers};
use crate::cli::certificate;
use crate::cli::exit::Exit;
use crate::dns::mta_sts::{Mode, Policy, is_id};
use crate::dns::spf::{All, Lookup, MOST_LOOKUPS, MOST_VOID, Spf};
use crate::dns::{self, Tags};

/// Every rule, in the order of what they say.
pub(super) const RULES: &[Rule<Domain>] = &[
    Rule::one("mx", mx),
    Rule::each("mx-addresses", exchangers::addresses),
    Rule::each("mx-alias", exchangers::aliases),
    Rule::each("mx-tls", exchangers::tls),
    Rule::one("spf", spf),
    Rule::one("spf-lookups", spf_lookups),
    Rule::each("dkim", dkim::keys),
    Rule::one("dmarc", dmarc),
    Rule::one("mta-sts", mta_sts),
    Rule::one("tlsrpt", tlsrpt),
    Rule::each("dane", exchangers::dane),
];

pub(super) const ANSWERS: &str = "answers and bounces to mail from this domain do not arrive";
const FORGED: &str = "receivers cannot tell mail of this domain from forged mail";

pub(super) fn untold(error: &dns::Error) -> Finding {
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
        Err(error) if domain.hosts.iter().any(|host| host.addresses.is_ok()) => {
            let found = format!("{error}: its own address takes its mail (RFC 5321 §5.1)");
            return Some(Finding::note(found));
        }
        Err(error) if !domain.hosts.is_empty() => return Some(untold(error)),
        Err(error) => {
            return Some(
                Finding::warning(format!("{error}, and no address"), ANSWERS)
                    .hint(format!("publish who takes its mail: {name}. MX 10 mail.{name}.")),
            );
        }
    };
    if domain.hosts.is_empty() {
        let why = "many servers take no mail from a domain that takes none (RFC 7505)";
        return Some(
            Finding::warning("the domain says that it takes no mail", why)
                .hint(format!("if mail is sent in its name: {name}. MX 10 mail.{name}.")),
        );
    }
    let told = |mx: &dns::Mx| mx.exchanger.as_ref().map(|host| format!("{} {host}", mx.preference));
    let told: Vec<String> = answer.records.iter().filter_map(told).collect();
    let told = told.join(", ");
    if answer.records.iter().any(|mx| mx.exchanger.is_none()) {
        let found = format!("{told}, and another that says that it takes no mail");
        let why = "a sender that believes that one sends nothing (RFC 7505 §3)";
        return Some(Finding::warning(found, why).hint(format!("leave out: {name}. MX 0 .")));
    }
    Some(Finding::ok(told))
}

/// The only one of the texts; what to say of none or several.
pub(super) fn only<'t>(texts: &'t Texts, name: &str, none: Finding) -> Result<&'t str, Finding> {
    match texts.as_deref() {
        Err(error) => Err(untold(error)),
        Ok([]) => Err(none),
        Ok([text]) => Ok(text),
        Ok(several) => {
            let found = format!("there are {} records at {name}", several.len());
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
        Ok(Spf { all: Some(All::Pass), .. }) => Finding::fault(text, OPEN, Exit::Config)
            .hint("name the servers that send, no network of /0, and end it with -all or ~all"),
        Ok(Spf { all: None | Some(All::Neutral), .. }) => {
            let why = "it says nothing of the servers that it does not name";
            Finding::warning(text, why).hint("end it with -all or ~all")
        }
        Ok(Spf { lookups, .. }) if lookups.contains(&Lookup::Ptr) => {
            let why = "ptr is slow, and large receivers pass over it (RFC 7208 §5.5)";
            Finding::warning(text, why).hint("in place of ptr name addresses, ip4: and ip6:, or a:")
        }
        Ok(Spf { all: Some(All::SoftFail | All::Fail | All::Redirected), .. }) => Finding::ok(text),
    };
    either(only(&domain.spf, &name.to_string(), none).map(judge))
}

const OPEN: &str = "everybody in the world may send mail of this domain";

fn spf_lookups(domain: &Domain) -> Option<Finding> {
    let why = "receivers give up on it, and it counts for nothing (RFC 7208 §4.6.4)";
    let bill = match domain.spf_cost.as_ref()? {
        Cost::Counted(bill) => bill,
        Cost::Broken(reason) => {
            return Some(
                Finding::fault(reason.clone(), why, Exit::Config)
                    .hint("correct it there, or leave it out"),
            );
        }
        Cost::Unknown(reason) => return Some(Finding::unknown(reason.clone())),
    };
    let count = format!("{} of {MOST_LOOKUPS}", bill.lookups);
    let void = bill.void.join(", ");
    Some(match (&bill.open, bill.void.len()) {
        _ if bill.lookups > MOST_LOOKUPS => {
            let found = format!("more than {MOST_LOOKUPS} are needed to apply it");
            Finding::fault(found, why, Exit::Config)
                .hint("name addresses, ip4: and ip6:, in place of names")
        }
        (Some(open), _) => {
            let found = format!("the record of {open}, which it includes, lets everybody send");
            Finding::fault(found, OPEN, Exit::Config).hint(format!("leave {open} out"))
        }
        (None, 0) => Finding::ok(count),
        (None, some) if some > MOST_VOID => {
            let found = format!("{count}, and nothing comes of {some} of them: {void}");
            Finding::warning(found, "receivers may give up where nothing comes of more than two")
                .hint("leave out the names that have no such record")
        }
        (None, _) => Finding::note(format!("{count}; nothing comes of {void}")),
    })
}

fn dmarc(domain: &Domain) -> Option<Finding> {
    let (owner, texts) = &domain.dmarc;
    let at = format!("_dmarc.{owner}");
    let own = format!("_dmarc.{}", domain.name);
    let publish = format!(
        "begin with: {own}. TXT \"v=DMARC1; p=none; rua=mailto:postmaster@{}\"",
        domain.name
    );
    let none = Finding::warning("not published", FORGED).hint(publish);
    let is_above = *owner != domain.name;
    let judge = |text: &str| {
        let found = if is_above { format!("{text} (at {at})") } else { text.to_owned() };
        let tags = Tags::read(text);
        let tag = |name| tags.as_ref().and_then(|tags| tags.get(name)).map(str::to_ascii_lowercase);
        // RFC 7489 §6.3: sp= is for the domains below.
        let (own, below) = (tag("p"), tag("sp").filter(|_| is_above));
        let share = tag("pct").filter(|share| share != "100");
        match (own.as_deref(), below.as_deref().or(own.as_deref()), share) {
            (Some("none" | "quarantine" | "reject"), Some("none"), _) => {
                let told =
                    if tag("rua").is_some() { "reported, not refused" } else { "not refused" };
                Finding::note(format!("{found}: forged mail is {told}"))
            }
            (
                Some("none" | "quarantine" | "reject"),
                Some("quarantine" | "reject"),
                Some(share),
            ) => Finding::note(format!("{found}: that is for {share} % of forged mail only")),
            (Some("none" | "quarantine" | "reject"), Some("quarantine" | "reject"), None) => {
                Finding::ok(found)
            }
            _ => {
                let why = "a record that is wrong counts for nothing, or as p=none";
                let found = format!("no p=none, quarantine or reject, in: {found}");
                Finding::fault(found, why, Exit::Config).hint(format!("correct it at {at}"))
            }
        }
    };
    either(only(texts, &at, none).map(judge))
}

const NO_POLICY: &str = "senders keep to an older policy, or to none";

fn mta_sts(domain: &Domain) -> Option<Finding> {
    let at = format!("_mta-sts.{}", domain.name);
    let none = Finding::note("not published")
        .because("whoever stands between can have mail to the domain sent in clear (RFC 8461)")
        .hint(format!(
            "put a policy at https://mta-sts.{0}/.well-known/mta-sts.txt, then publish: {at}. TXT \
             \"v=STSv1; id=1\"",
            domain.name
        ));
    let text = match only(&domain.mta_sts, &at, none) {
        Ok(text) => text,
        Err(finding) => return Some(finding),
    };
    let id = Tags::read(text).and_then(|tags| tags.get("id").map(str::to_owned));
    if !id.is_some_and(|id| is_id(&id)) {
        let found = format!("no id= of 1 to 32 letters and digits, in: {text}");
        return Some(
            Finding::fault(found, NO_POLICY, Exit::Config).hint(format!("correct it at {at}")),
        );
    }
    let correct =
        format!("correct the file: https://mta-sts.{}/.well-known/mta-sts.txt", domain.name);
    let text = match domain.policy.as_ref()? {
        Ok(text) => text,
        Err(Unfetched::Unknown(why)) => return Some(Finding::unknown(why.clone())),
        Err(Unfetched::Missing(why)) => {
            let finding = Finding::fault(why.clone(), NO_POLICY, Exit::Unavailable);
            return Some(finding.hint(format!(
                "put the policy there, with a certificate for mta-sts.{}, or take away: {at}. TXT",
                domain.name
            )));
        }
    };
    Some(match Policy::read(text) {
        Err(what) => {
            let found = format!("the policy is wrong: {what}");
            Finding::fault(found, NO_POLICY, Exit::Config).hint(correct)
        }
        Ok(policy) => policy_kept(domain, &policy, &correct),
    })
}

/// RFC 8461 §10.2: no shorter than a day, since whoever can keep senders from the
/// policy so long is rid of it.
const SHORTEST: u32 = 24 * 60 * 60;

/// Whether the servers that take the mail keep to the policy.
fn policy_kept(domain: &Domain, policy: &Policy, correct: &str) -> Finding {
    const WHY: &str = "senders that keep to the policy send nothing there";
    if policy.mode == Mode::None {
        return Finding::note("mode none: nothing is asked of senders");
    }
    let bad = |found: String| match policy.mode {
        Mode::Enforce => Finding::fault(found, WHY, Exit::Config),
        Mode::Testing | Mode::None => Finding::warning(found, WHY),
    };
    if let Err(error) = &domain.exchangers
        && error.is_temporary()
    {
        return untold(error);
    }
    let stranger = domain.hosts.iter().find(|host| !policy.admits(&host.name.to_string()));
    if let Some(host) = stranger {
        let found = format!("{} takes mail of the domain, and is no mx of the policy", host.name);
        return bad(found).hint(correct);
    }
    if let Some((host, why)) = domain.hosts.iter().find_map(breach) {
        return bad(format!("{} does not keep to it: {why}", host.name))
            .hint(format!("give {} a certificate for its name, of a public authority", host.name));
    }
    let mode = if policy.mode == Mode::Enforce { "enforce" } else { "testing" };
    if policy.max_age < SHORTEST {
        let found = format!("mode {mode}, for {} s only", policy.max_age);
        let why = "whoever keeps senders from the policy for so long is rid of it";
        return Finding::warning(found, why).hint("max_age: 604800, a week, or more");
    }
    match policy.mode {
        Mode::Enforce => Finding::ok(format!("mode enforce, for {} s", policy.max_age)),
        Mode::Testing | Mode::None => {
            Finding::note("mode testing: bad TLS is reported, not refused")
        }
    }
}

/// Why a sender that keeps to a policy sends this host nothing (RFC 8461 §4.1), as
/// far as it was seen.
fn breach(host: &Exchanger) -> Option<(&Exchanger, String)> {
    let look = host.look.as_ref().filter(|look| exchangers::was_reached(look))?;
    match &look.tls {
        None => Some((host, "it speaks no TLS".to_owned())),
        Some(facts) => facts.fault.as_ref().map(|fault| (host, certificate::words(fault))),
    }
}

const UNREPORTED: &str = "nobody tells the domain when TLS to its servers fails (RFC 8460)";

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
        Finding::warning(found, UNREPORTED).hint(format!("correct it at {at}"))
    };
    let none = Finding::note("not published")
        .because(UNREPORTED)
        .hint(format!("publish: {at}. TXT \"v=TLSRPTv1; rua=mailto:postmaster@{}\"", domain.name));
    let found = only(&domain.tlsrpt, &at, none).map(judge);
    either(found).map(Finding::at_most_a_warning)
}

#[cfg(test)]
pub(super) mod tests;
