//! What a domain publishes about its mail: asked for here, judged in
//! `domain_rules.rs`.

use super::spf_cost::Cost;
use crate::delivery::Attempt;
use crate::dns::{self, Answer, Mx, Name, Resolver, Tlsa, Txt, draw, spf};
use crate::message::dkim::Key;
use crate::net::{self, Deadline, Http, HttpError, HttpUrl, Interrupt};
use std::io::ErrorKind;
use std::net::IpAddr;
use std::time::Duration;

/// What was asked for, and what came of it.
pub(super) struct Domain {
    pub(super) name: Name,
    /// Who it says takes its mail, the preferred first.
    pub(super) exchangers: Result<Answer<Mx>, dns::Error>,
    /// Each of them; where it names none, the domain itself, if it has an address.
    pub(super) hosts: Vec<Exchanger>,
    pub(super) spf: Texts,
    /// What it costs to apply its SPF record, and those that it includes; `None`
    /// without such a record.
    pub(super) spf_cost: Option<Cost>,
    pub(super) dkim: Vec<Selected>,
    /// At this name: the domain, else the nearest domain above that has one.
    pub(super) dmarc: (Name, Texts),
    pub(super) mta_sts: Texts,
    /// The policy file, asked for where a record says that there is one.
    pub(super) policy: Option<Result<String, Unfetched>>,
    pub(super) tlsrpt: Texts,
}

/// A host that takes the mail of a domain.
pub(super) struct Exchanger {
    pub(super) name: Name,
    pub(super) addresses: Result<Answer<IpAddr>, dns::Error>,
    /// What DNSSEC says of its certificate, at port 25 of `tlsa_of`.
    pub(super) tlsa: Result<Answer<Tlsa>, dns::Error>,
    /// The host, or what it is an alias of.
    pub(super) tlsa_of: Name,
    /// What came of looking at its port 25; `None` where nobody did.
    pub(super) look: Option<Attempt>,
}

/// Why there is no policy file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unfetched {
    /// It may be there all the same.
    Unknown(String),
    /// It is not there, or nobody should believe it.
    Missing(String),
}

/// The texts that are meant; none where there is no such name.
pub(super) type Texts = Result<Vec<String>, dns::Error>;

/// A key that signatures name.
pub(super) struct Selected {
    pub(super) selector: String,
    /// What the account signs with.
    pub(super) key: Option<Key>,
    pub(super) texts: Texts,
}

/// Who is asked.
pub(super) struct Asking<'a> {
    pub(super) resolver: &'a dyn Resolver,
    pub(super) http: &'a Http<'a>,
    /// The limit of each question.
    pub(super) limit: Duration,
    pub(super) deadline: Option<Deadline>,
    pub(super) interrupt: &'a Interrupt,
    /// Looks at port 25 of a host that takes mail, if that is wanted.
    pub(super) look: &'a dyn Fn(&Name) -> Option<Attempt>,
}

/// No policy is longer (RFC 8461 §3.2 leaves it open).
const LONGEST_POLICY: usize = 64 * 1024;

/// More hosts that take mail are not connected to.
const MOST_HOSTS: usize = 10;

impl Asking<'_> {
    /// Asks for everything.
    pub(super) fn about(&self, name: &Name, selectors: Vec<(String, Option<Key>)>) -> Domain {
        let exchangers = self.exchangers(name);
        let spf = self.texts(name, None, spf::is_record);
        let mta_sts = self.texts(name, Some("_mta-sts"), |text| has_version(text, "STSv1"));
        let is_announced = mta_sts.as_ref().is_ok_and(|texts| !texts.is_empty());
        Domain {
            name: name.clone(),
            hosts: self.hosts(name, &exchangers),
            exchangers,
            spf_cost: match spf.as_deref() {
                Ok([record]) => self.cost(name, record),
                _ => None,
            },
            spf,
            dkim: selectors.into_iter().map(|(at, key)| self.selected(name, at, key)).collect(),
            dmarc: self.dmarc(name),
            mta_sts,
            policy: is_announced.then(|| self.policy(name)),
            tlsrpt: self.texts(name, Some("_smtp._tls"), |text| has_version(text, "TLSRPTv1")),
        }
    }

    pub(super) fn until(&self) -> Deadline {
        Deadline::after(self.limit).or_earlier(self.deadline)
    }

    fn exchangers(&self, name: &Name) -> Result<Answer<Mx>, dns::Error> {
        let answer = self.resolver.mx(name, self.until(), self.interrupt)?;
        Ok(Answer { records: Mx::ordered(answer.records, draw), ..answer })
    }

    /// RFC 5321 §5.1: where there are no MX records, and only there, the domain's own
    /// addresses count.
    fn hosts(&self, name: &Name, named: &Result<Answer<Mx>, dns::Error>) -> Vec<Exchanger> {
        match named {
            Ok(answer) => {
                let hosts = answer.records.iter().filter_map(|mx| mx.exchanger.as_ref());
                hosts.enumerate().map(|(at, host)| self.host(host, at < MOST_HOSTS)).collect()
            }
            Err(dns::Error::NoRecords { .. }) => {
                let own = self.host(name, true);
                let is_untold = own.addresses.as_ref().is_err_and(dns::Error::is_temporary);
                if own.addresses.is_ok() || is_untold { vec![own] } else { Vec::new() }
            }
            Err(_) => Vec::new(),
        }
    }

    fn host(&self, name: &Name, is_looked_at: bool) -> Exchanger {
        let addresses = match name.host() {
            Some(_) => self.resolver.addresses(name, self.until(), self.interrupt),
            None => Err(dns::Error::NotAName(name.to_string())),
        };
        let (tlsa_of, tlsa) = self.tlsa(name, &addresses);
        let is_looked_at = is_looked_at && addresses.is_ok();
        let look = if is_looked_at { (self.look)(name) } else { None };
        Exchanger { name: name.clone(), addresses, tlsa, tlsa_of, look }
    }

    /// RFC 7672 §2.2.3: the records of what a host is an alias of, where DNSSEC vouches
    /// for all of the way there, else its own.
    fn tlsa(
        &self,
        name: &Name,
        addresses: &Result<Answer<IpAddr>, dns::Error>,
    ) -> (Name, Result<Answer<Tlsa>, dns::Error>) {
        let of = |host: &Name| {
            let owner = host.below("_25._tcp")?;
            self.resolver.tlsa(&owner, self.until(), self.interrupt)
        };
        let canonical = match addresses {
            Ok(answer) if answer.authenticated => answer.canonical.as_ref(),
            _ => None,
        };
        if let Some(canonical) = canonical {
            match of(canonical) {
                Ok(answer) if answer.authenticated => return (canonical.clone(), Ok(answer)),
                Err(error) if error.is_temporary() => return (canonical.clone(), Err(error)),
                _ => {}
            }
        }
        (name.clone(), of(name))
    }

    /// The texts that are meant, below the name by these labels.
    pub(super) fn texts(
        &self,
        name: &Name,
        labels: Option<&str>,
        is_meant: impl Fn(&str) -> bool,
    ) -> Texts {
        let owner = labels.map_or_else(|| Ok(name.clone()), |labels| name.below(labels))?;
        match self.resolver.txt(&owner, self.until(), self.interrupt) {
            Ok(answer) => {
                let texts = answer.records.into_iter().map(|Txt(text)| text);
                Ok(texts.filter(|text| is_meant(text)).collect())
            }
            Err(error) if error.is_temporary() => Err(error),
            Err(_) => Ok(Vec::new()),
        }
    }

    /// RFC 7489 §6.6.3, without a list of public suffixes: where the domain has
    /// none, the domains above it are asked, up to the last with two labels.
    fn dmarc(&self, name: &Name) -> (Name, Texts) {
        let mut name = name.clone();
        loop {
            let texts = self.texts(&name, Some("_dmarc"), |text| has_version(text, "DMARC1"));
            let is_over = texts.as_ref().map_or(true, |texts| !texts.is_empty());
            match above(&name).filter(|_| !is_over) {
                Some(above) => name = above,
                None => return (name, texts),
            }
        }
    }

    fn selected(&self, name: &Name, selector: String, key: Option<Key>) -> Selected {
        let labels = format!("{selector}._domainkey");
        Selected { texts: self.texts(name, Some(&labels), |_| true), selector, key }
    }

    /// RFC 8461 §3.3: 200 and nothing else, no redirects.
    fn policy(&self, name: &Name) -> Result<String, Unfetched> {
        let missing = |why: String| Unfetched::Missing(why);
        let url = HttpUrl::of(&format!("mta-sts.{name}"), "/.well-known/mta-sts.txt");
        let url = url.map_err(|error| missing(error.to_string()))?;
        let response = self.http.within(self.limit).get(&url, "text/plain", LONGEST_POLICY);
        let response = response.map_err(|error| {
            let why = format!("{url}: {error}");
            if may_be_there(&error) { Unfetched::Unknown(why) } else { missing(why) }
        })?;
        match response.status {
            200 => Ok(String::from_utf8_lossy(&response.body).into_owned()),
            status => Err(missing(format!("{url} answers {status}"))),
        }
    }
}

/// The domain above; none above one with two labels.
fn above(name: &Name) -> Option<Name> {
    let text = name.to_string();
    let (_, above) = text.split_once('.')?;
    above.contains('.').then(|| above.parse().ok())?
}

/// Whether others may get what was not got from here: the way there is at fault, or
/// nobody knows. A port at which nobody listens is an answer.
fn may_be_there(error: &HttpError) -> bool {
    match error {
        HttpError::Unreached(net::Error::Connect { cause, .. }) => {
            cause.kind() != ErrorKind::ConnectionRefused
        }
        HttpError::NoWay(_) | HttpError::Unreached(net::Error::Proxy { .. }) => true,
        other => other.is_temporary(),
    }
}

/// Begins with `v=` and this version, and perhaps blanks.
fn has_version(text: &str, version: &str) -> bool {
    let first = text.split(';').next().unwrap_or_default();
    first.split_once('=').is_some_and(|(name, value)| name.trim() == "v" && value.trim() == version)
}

#[cfg(test)]
pub(super) mod tests;
