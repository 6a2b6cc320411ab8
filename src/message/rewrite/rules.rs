//! Which address becomes which, in a header and in an envelope alike.

use super::super::address_list::{Spelt, Spots, spots};
use super::super::{AddressError, Error};
use super::aliases::{AliasError, Aliases, Entry, Target};
use super::change::{Place, Rewrite};
use super::field::readable;
use crate::smtp::{Domain, ForwardPath, Mailbox, PathError};
use std::collections::HashSet;

/// What is done to addresses before an account is chosen.
#[derive(Debug)]
pub struct Rules {
    /// What bare names are given; without it they are an error.
    pub domain: Option<Domain>,
    /// The names of this machine: an address at one of them is one of its
    /// users.
    pub hosts: Vec<Domain>,
    /// What names stand for.
    pub aliases: Aliases,
    /// What is done with From.
    pub from: Authors,
}

/// What is done with From.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Authors {
    /// Nothing; the envelope still needs an address.
    Keep,
    /// A bare name is given a domain.
    #[default]
    Qualify,
    /// The same, and then it is shown as the account's own; see
    /// [`super::Disguise`].
    Set,
}

/// What becomes of one address.
#[derive(Debug)]
pub(super) enum Outcome {
    Same,
    Qualified(Mailbox),
    Expanded(Vec<Mailbox>),
}

impl Rules {
    /// The sender of an envelope: one address, or a bare name.
    pub fn envelope_sender(&self, text: &str) -> Result<(Mailbox, Option<Rewrite>), Error> {
        let not_one = |reason| Error::Address { text: text.to_owned(), reason };
        let Spots { list, .. } = spots(text).map_err(not_one)?;
        let [spot] = list.as_slice() else { return Err(not_one(PathError::Empty.into())) };
        match (self.sender(&spot.spelt)?, &spot.spelt) {
            (Outcome::Same, Spelt::Whole(mailbox)) => Ok((mailbox.clone(), None)),
            (Outcome::Qualified(address), name) => {
                let (name, place) = (name.to_string(), Place::Envelope);
                let note = Rewrite::Qualified { name, place, address: address.clone() };
                Ok((address, Some(note)))
            }
            (Outcome::Same | Outcome::Expanded(_), name) => Err(not_one(name.fault())),
        }
    }

    /// Recipients of an envelope: a list of addresses and bare names.
    pub fn envelope_recipients(
        &self,
        text: &str,
        notes: &mut Vec<Rewrite>,
    ) -> Result<Vec<ForwardPath>, Error> {
        let not_some = |text: &str, reason| Error::Address { text: text.to_owned(), reason };
        let mut paths = Vec::new();
        for spot in spots(text).map_err(|reason| not_some(text, reason))?.list {
            // RFC 5321 §4.1.1.3: the one bare name that RCPT may carry.
            if self.domain.is_none()
                && matches!(&spot.spelt, Spelt::Bare(name) if name.eq_ignore_ascii_case("postmaster"))
                && self.find(&spot.spelt, true).is_none()
            {
                paths.push(ForwardPath::Postmaster);
                continue;
            }
            let (name, place) = (spot.spelt.to_string(), Place::Envelope);
            match (self.recipient(&spot.spelt)?, spot.spelt) {
                (Outcome::Same, Spelt::Whole(mailbox)) => paths.push(mailbox.into()),
                (Outcome::Same, spelt @ (Spelt::Bare(_) | Spelt::Unfit(_))) => {
                    return Err(not_some(&text[spot.whole], spelt.fault()));
                }
                (Outcome::Qualified(address), _) => {
                    paths.push(address.clone().into());
                    notes.push(Rewrite::Qualified { name, place, address });
                }
                (Outcome::Expanded(to), _) => {
                    paths.extend(to.iter().cloned().map(ForwardPath::from));
                    notes.push(Rewrite::Expanded { name, place, to });
                }
            }
        }
        Ok(paths)
    }

    /// The first address in the body of a field, as the envelope has it.
    pub(in super::super) fn first_address(&self, body: &[u8]) -> Option<Mailbox> {
        let first = spots(&readable(body)).ok()?.list.into_iter().next()?;
        std::str::from_utf8(&body[first.spec]).ok()?;
        match first.spelt {
            Spelt::Whole(mailbox) => Some(mailbox),
            Spelt::Bare(name) => Mailbox::new(&name, self.domain.clone()?).ok(),
            Spelt::Unfit(_) => None,
        }
    }

    /// What becomes of who sends.
    pub(super) fn sender(&self, spelt: &Spelt) -> Result<Outcome, Error> {
        match spelt {
            Spelt::Whole(_) | Spelt::Unfit(_) => Ok(Outcome::Same),
            Spelt::Bare(_) => self.qualified(spelt).map(Outcome::Qualified),
        }
    }

    /// What becomes of a recipient.
    pub(super) fn recipient(&self, spelt: &Spelt) -> Result<Outcome, Error> {
        if matches!(spelt, Spelt::Unfit(_)) || self.find(spelt, true).is_none() {
            return self.sender(spelt);
        }
        let mut walk =
            Walk { rules: self, chain: Vec::new(), seen: HashSet::new(), to: Vec::new() };
        walk.follow(spelt, true)?;
        let mut known = HashSet::new();
        walk.to.retain(|mailbox| known.insert(mailbox.clone()));
        match (walk.to.as_slice(), spelt) {
            ([only], Spelt::Whole(mailbox)) if only == mailbox => Ok(Outcome::Same),
            ([only], Spelt::Bare(name))
                if only.local_part() == name && Some(only.domain()) == self.domain.as_ref() =>
            {
                Ok(Outcome::Qualified(only.clone()))
            }
            _ => Ok(Outcome::Expanded(walk.to)),
        }
    }

    fn qualified(&self, spelt: &Spelt) -> Result<Mailbox, Error> {
        match spelt {
            Spelt::Whole(mailbox) => Ok(mailbox.clone()),
            Spelt::Bare(name) => {
                let domain = self.domain.clone();
                let domain = domain.ok_or_else(|| Error::Unqualified { name: name.clone() })?;
                let unfit = |reason: PathError| Error::Address {
                    text: name.clone(),
                    reason: reason.into(),
                };
                Mailbox::new(name, domain).map_err(unfit)
            }
            Spelt::Unfit(reason) => {
                Err(Error::Address { text: spelt.to_string(), reason: *reason })
            }
        }
    }

    /// The alias that an address is. One for every name without an alias of
    /// its own counts if `may_catch`.
    fn find(&self, spelt: &Spelt, may_catch: bool) -> Option<&Entry> {
        if self.aliases.is_empty() {
            return None;
        }
        let (local, whole, is_local, is_here) = match spelt {
            Spelt::Bare(name) => {
                let whole = self.domain.as_ref().map(|domain| format!("{name}@{domain}"));
                (name.as_str(), whole, true, true)
            }
            Spelt::Whole(mailbox) => {
                let domain = mailbox.domain();
                let is_here = self.hosts.contains(domain);
                let is_local = is_here || self.domain.as_ref() == Some(domain);
                (mailbox.local_part(), Some(mailbox.to_string()), is_local, is_here)
            }
            Spelt::Unfit(_) => return None,
        };
        let whole = whole.and_then(|whole| self.aliases.named(&whole));
        let bare = || self.aliases.named(local).filter(|_| is_local);
        let any = || self.aliases.for_all().filter(|_| is_here && may_catch);
        whole.or_else(bare).or_else(any)
    }

    /// Two spellings of one user have one key.
    fn key(&self, spelt: &Spelt) -> String {
        match spelt {
            Spelt::Whole(mailbox) => {
                let domain = mailbox.domain();
                let is_local = self.hosts.contains(domain) || self.domain.as_ref() == Some(domain);
                let whole = || mailbox.to_string();
                if is_local { mailbox.local_part().to_owned() } else { whole() }.to_lowercase()
            }
            Spelt::Bare(name) => name.to_lowercase(),
            Spelt::Unfit(_) => String::new(),
        }
    }
}

impl Spelt {
    fn fault(&self) -> AddressError {
        match self {
            Spelt::Unfit(reason) => *reason,
            Spelt::Whole(_) | Spelt::Bare(_) => PathError::NoDomain.into(),
        }
    }
}

/// Where an alias leads.
struct Walk<'r> {
    rules: &'r Rules,
    /// The keys of the aliases on the way here.
    chain: Vec<String>,
    seen: HashSet<String>,
    to: Vec<Mailbox>,
}

const DEEPEST: usize = 50;

impl Walk<'_> {
    /// Follows an address to its end. The alias for all names is taken once on
    /// a way: what it leads to has no other alias.
    fn follow(&mut self, spelt: &Spelt, may_catch: bool) -> Result<(), Error> {
        let rules = self.rules;
        let Some(entry) = rules.find(spelt, may_catch) else {
            self.to.push(rules.qualified(spelt)?);
            return Ok(());
        };
        let key = rules.key(spelt);
        if self.chain.len() >= DEEPEST {
            return Err(AliasError::Deep { at: entry.at.clone(), name: key }.into());
        }
        let may_catch = may_catch && !entry.is_for_all;
        self.chain.push(key);
        for target in &entry.targets {
            match target {
                Target::Refused(error) => return Err(error.clone().into()),
                Target::Final(spelt) => self.to.push(rules.qualified(spelt)?),
                Target::Address(next) => {
                    let key = rules.key(next);
                    match self.chain.iter().position(|passed| *passed == key) {
                        // Who is an alias for oneself and others is one of them.
                        Some(at) if at + 1 == self.chain.len() => {
                            self.to.push(rules.qualified(next)?);
                        }
                        Some(at) => {
                            let chain = self.chain[at..].iter().cloned().chain([key]).collect();
                            return Err(AliasError::Circle { at: entry.at.clone(), chain }.into());
                        }
                        None if self.seen.insert(key) => self.follow(next, may_catch)?,
                        None => {}
                    }
                }
            }
        }
        self.chain.pop();
        Ok(())
    }
}
