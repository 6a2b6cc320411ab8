//! What a domain publishes about its mail: asked for here, judged in
//! `domain_rules.rs`.

use crate::dns::{self, Answer, Mx, Name, Resolver, Tlsa, Txt, draw, spf};
use crate::message::dkim::Key;
use crate::net::{Deadline, Family, Http, HttpUrl, Interrupt, lookup};
use std::time::Duration;

/// What was asked for, and what came of it.
pub(super) struct Domain {
    pub(super) name: Name,
    /// Who takes its mail, the preferred first.
    pub(super) exchangers: Result<Answer<Mx>, dns::Error>,
    /// Those of them whose address cannot be found, and why.
    pub(super) unresolved: Vec<(String, String)>,
    pub(super) spf: Texts,
    /// How many look-ups its SPF record costs, those of the records that it
    /// includes among them; `None` without such a record.
    pub(super) spf_cost: Option<Cost>,
    pub(super) dkim: Vec<Selected>,
    /// At the domain, else at the nearest domain above that has one.
    pub(super) dmarc: Texts,
    pub(super) mta_sts: Texts,
    /// The policy file, asked for where a record says that there is one.
    pub(super) policy: Option<Result<String, String>>,
    pub(super) tlsrpt: Texts,
    /// For each exchanger, where DNSSEC vouches for these.
    pub(super) dane: Vec<(String, Result<Answer<Tlsa>, dns::Error>)>,
}

/// The texts that are meant; none where there is no such name.
pub(super) type Texts = Result<Vec<String>, dns::Error>;

/// What it costs to apply an SPF record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cost {
    /// So many look-ups; more than are allowed are not counted to their end.
    Lookups(usize),
    /// It cannot be applied, for this reason.
    Broken(String),
    /// It cannot be told.
    Unknown(String),
}

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
}

/// No policy is longer (RFC 8461 §3.2 leaves it open).
const LONGEST_POLICY: usize = 64 * 1024;

impl Asking<'_> {
    /// Asks for everything.
    pub(super) fn about(&self, name: &Name, selectors: Vec<(String, Option<Key>)>) -> Domain {
        let exchangers = self.exchangers(name);
        let spf = self.texts(name, None, spf::is_record);
        let mta_sts = self.texts(name, Some("_mta-sts"), |text| has_version(text, "STSv1"));
        let is_announced = mta_sts.as_ref().is_ok_and(|texts| !texts.is_empty());
        let hosts = hosts(&exchangers);
        let is_vouched_for = exchangers.as_ref().is_ok_and(|answer| answer.authenticated);
        Domain {
            name: name.clone(),
            unresolved: hosts.iter().filter_map(|host| self.unresolved(host)).collect(),
            spf_cost: match spf.as_deref() {
                Ok([record]) => Some(self.cost(record)),
                _ => None,
            },
            spf,
            dkim: selectors.into_iter().map(|(at, key)| self.selected(name, at, key)).collect(),
            dmarc: self.dmarc(name),
            mta_sts,
            policy: is_announced.then(|| self.policy(name)),
            tlsrpt: self.texts(name, Some("_smtp._tls"), |text| has_version(text, "TLSRPTv1")),
            dane: hosts.iter().filter(|_| is_vouched_for).map(|host| self.dane(host)).collect(),
            exchangers,
        }
    }

    fn until(&self) -> Deadline {
        Deadline::after(self.limit).or_earlier(self.deadline)
    }

    fn exchangers(&self, name: &Name) -> Result<Answer<Mx>, dns::Error> {
        let answer = self.resolver.mx(name, self.until(), self.interrupt)?;
        Ok(Answer { records: Mx::ordered(answer.records, draw), ..answer })
    }

    fn unresolved(&self, exchanger: &Name) -> Option<(String, String)> {
        let Some(host) = exchanger.host() else {
            return Some((exchanger.to_string(), "it is not the name of a host".to_owned()));
        };
        let found = lookup(&host, Family::Any, self.until(), self.interrupt);
        found.err().map(|error| (exchanger.to_string(), error.to_string()))
    }

    /// The texts that are meant, below the name by these labels.
    fn texts(&self, name: &Name, labels: Option<&str>, is_meant: impl Fn(&str) -> bool) -> Texts {
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
    fn dmarc(&self, name: &Name) -> Texts {
        let mut name = name.clone();
        loop {
            let texts = self.texts(&name, Some("_dmarc"), |text| has_version(text, "DMARC1"))?;
            let text = name.to_string();
            let above = text.split_once('.').map(|(_, above)| above.trim_end_matches('.'));
            match above.filter(|above| above.contains('.') && texts.is_empty()) {
                Some(above) => name = above.parse()?,
                None => return Ok(texts),
            }
        }
    }

    fn selected(&self, name: &Name, selector: String, key: Option<Key>) -> Selected {
        let labels = format!("{selector}._domainkey");
        Selected { texts: self.texts(name, Some(&labels), |_| true), selector, key }
    }

    fn dane(&self, host: &Name) -> (String, Result<Answer<Tlsa>, dns::Error>) {
        let owner = host.below("_25._tcp");
        let ask = |owner: Name| self.resolver.tlsa(&owner, self.until(), self.interrupt);
        (host.to_string(), owner.and_then(ask))
    }

    /// RFC 8461 §3.3: 200 and nothing else, no redirects.
    fn policy(&self, name: &Name) -> Result<String, String> {
        let url = HttpUrl::of(&format!("mta-sts.{name}"), "/.well-known/mta-sts.txt");
        let url = url.map_err(|error| error.to_string())?;
        let response = self.http.within(self.limit).get(&url, "text/plain", LONGEST_POLICY);
        let response = response.map_err(|error| format!("{url}: {error}"))?;
        match response.status {
            200 => Ok(String::from_utf8_lossy(&response.body).into_owned()),
            status => Err(format!("{url} answers {status}")),
        }
    }

    /// What it costs to apply this record.
    fn cost(&self, record: &str) -> Cost {
        let mut count = 0;
        match self.add_cost(record, &mut count) {
            Ok(()) => Cost::Lookups(count),
            Err(cost) => cost,
        }
    }

    fn add_cost(&self, record: &str, count: &mut usize) -> Result<(), Cost> {
        // What is wrong with the first is told by another rule.
        let Ok(record) = spf::Spf::read(record) else { return Ok(()) };
        for lookup in record.lookups {
            *count += 1;
            if *count > spf::MOST_LOOKUPS {
                return Ok(());
            }
            let spf::Lookup::Record(domain) = lookup else { continue };
            if domain.contains('%') {
                let why = format!("{domain} depends on who sends");
                return Err(Cost::Unknown(why));
            }
            let broken = |why: String| Cost::Broken(format!("{domain}, which it includes, {why}"));
            let name: Name = domain.parse().map_err(|_| broken("is no name".to_owned()))?;
            let texts = self.texts(&name, None, spf::is_record);
            match texts.map_err(|error| Cost::Unknown(error.to_string()))?.as_slice() {
                [] => return Err(broken("has no SPF record".to_owned())),
                [record] => match spf::Spf::read(record) {
                    Ok(_) => self.add_cost(record, count)?,
                    Err(term) => return Err(broken(format!("has a wrong term: {term}"))),
                },
                _ => return Err(broken("has several SPF records".to_owned())),
            }
        }
        Ok(())
    }
}

/// The hosts that take mail; none where the domain takes none.
pub(super) fn hosts(exchangers: &Result<Answer<Mx>, dns::Error>) -> Vec<Name> {
    let records = exchangers.as_ref().map(|answer| answer.records.as_slice()).unwrap_or_default();
    records.iter().filter_map(|mx| mx.exchanger.clone()).collect()
}

/// Begins with `v=` and this version, and perhaps blanks.
fn has_version(text: &str, version: &str) -> bool {
    let first = text.split(';').next().unwrap_or_default();
    first.split_once('=').is_some_and(|(name, value)| name.trim() == "v" && value.trim() == version)
}

#[cfg(test)]
mod tests;
