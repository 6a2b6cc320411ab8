//! What it costs to apply an SPF record and those that it includes (RFC 7208 §4.6.4).

use super::domain::Asking;
use crate::dns::spf::{All, Lookup, MOST_HOSTS, MOST_LOOKUPS, Spf, is_record};
use crate::dns::{self, Name};

/// What it costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cost {
    /// So much.
    Counted(Bill),
    /// It cannot be applied, for this reason.
    Broken(String),
    /// It cannot be told.
    Unknown(String),
}

/// What a record takes, where every one of its terms is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bill {
    /// How many look-ups; more than are allowed are not counted to their end.
    pub(super) lookups: usize,
    /// Those of which nothing came: names without such records.
    pub(super) void: Vec<String>,
    /// A record that it includes, or that stands in for it, and that lets everybody
    /// send.
    pub(super) open: Option<String>,
}

impl Asking<'_> {
    /// What it costs to apply this record of the domain; `None` where it is none.
    pub(super) fn cost(&self, domain: &Name, record: &str) -> Option<Cost> {
        let record = Spf::read(record).ok()?;
        let mut bill = Bill::default();
        Some(match self.add(domain, record, true, &mut bill) {
            Ok(()) => Cost::Counted(bill),
            Err(cost) => cost,
        })
    }

    /// Adds what a record takes; whether who may send by it may send at all is `passes`.
    fn add(&self, domain: &Name, record: Spf, passes: bool, bill: &mut Bill) -> Result<(), Cost> {
        for lookup in record.lookups {
            bill.lookups += 1;
            if bill.lookups > MOST_LOOKUPS {
                return Ok(());
            }
            match lookup {
                Lookup::Record { domain, passes: passes_here } => {
                    self.add_record(&domain, passes && passes_here, bill)?;
                }
                Lookup::Addresses(name) => {
                    self.add_addresses(name.as_deref(), domain, bill)?;
                }
                Lookup::Exists(name) => self.add_addresses(Some(&name), domain, bill)?,
                Lookup::Exchangers(name) => self.add_exchangers(name.as_deref(), domain, bill)?,
                Lookup::Ptr => {}
            }
        }
        Ok(())
    }

    fn add_record(&self, domain: &str, passes: bool, bill: &mut Bill) -> Result<(), Cost> {
        if is_for_each(domain) {
            return Err(Cost::Unknown(format!("{domain} depends on who sends")));
        }
        let broken = |why: String| Cost::Broken(format!("{domain}, which it includes, {why}"));
        let name: Name = domain.parse().map_err(|_| broken("is no name".to_owned()))?;
        let texts = self.texts(&name, None, is_record);
        let texts = texts.map_err(|error| Cost::Unknown(error.to_string()))?;
        let record = match texts.as_slice() {
            [] => return Err(broken("has no SPF record".to_owned())),
            [record] => Spf::read(record),
            _ => return Err(broken("has several SPF records".to_owned())),
        };
        let record = record.map_err(|term| broken(format!("has a wrong term: {term}")))?;
        if passes && record.all == Some(All::Pass) {
            bill.open = Some(domain.to_owned());
        }
        self.add(&name, record, passes, bill)
    }

    fn add_addresses(
        &self,
        named: Option<&str>,
        domain: &Name,
        bill: &mut Bill,
    ) -> Result<(), Cost> {
        let Some(name) = meant(named, domain) else { return Ok(()) };
        let found = self.resolver.addresses(&name, self.until(), self.interrupt);
        found_something(found, &name, bill).map(|_| ())
    }

    fn add_exchangers(
        &self,
        named: Option<&str>,
        domain: &Name,
        bill: &mut Bill,
    ) -> Result<(), Cost> {
        let Some(name) = meant(named, domain) else { return Ok(()) };
        let found = self.resolver.mx(&name, self.until(), self.interrupt);
        match found_something(found, &name, bill)? {
            count if count > MOST_HOSTS => Err(Cost::Broken(format!(
                "{name} has {count} MX records, and mx takes {MOST_HOSTS}"
            ))),
            _ => Ok(()),
        }
    }
}

/// Notes a look-up of which nothing came; else how many records did.
fn found_something<T>(
    found: Result<dns::Answer<T>, dns::Error>,
    name: &Name,
    bill: &mut Bill,
) -> Result<usize, Cost> {
    match found {
        Ok(answer) => Ok(answer.records.len()),
        Err(error) if error.is_temporary() => Err(Cost::Unknown(error.to_string())),
        Err(_) => {
            bill.void.push(name.to_string());
            Ok(0)
        }
    }
}

/// The name that is looked up; `None` where that is another for each who sends.
fn meant(named: Option<&str>, domain: &Name) -> Option<Name> {
    match named {
        None => Some(domain.clone()),
        Some(named) => (!is_for_each(named)).then(|| named.parse().ok())?,
    }
}

/// RFC 7208 §7: macros.
fn is_for_each(domain: &str) -> bool {
    domain.contains('%')
}

#[cfg(test)]
mod tests;
