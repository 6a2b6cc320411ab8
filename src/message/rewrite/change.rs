//! What was rewritten, in a sentence.

use super::super::AddressError;
use super::super::address_list::Spelt;
use crate::smtp::Mailbox;
use std::fmt;

/// One thing that was done to an address, or that could not be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rewrite {
    /// A bare name was given a domain.
    Qualified {
        /// The name.
        name: String,
        /// Where it stood.
        place: Place,
        /// What it became.
        address: Mailbox,
    },
    /// An alias became what it stands for.
    Expanded {
        /// The alias.
        name: String,
        /// Where it stood.
        place: Place,
        /// What it became, perhaps nothing.
        to: Vec<Mailbox>,
    },
    /// A sender is shown as the account wants it.
    Shown {
        /// The sender.
        name: String,
        /// Where it stood.
        place: Place,
        /// What it is shown as.
        address: Mailbox,
    },
    /// Something that is no address stays as it is.
    Left {
        /// What.
        text: String,
        /// Where it stands.
        place: Place,
        /// What is wrong with it.
        reason: AddressError,
    },
}

/// Where an address stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The field of this name.
    Field(String),
    /// The envelope.
    Envelope,
}

impl Rewrite {
    /// True where a name was an alias for nobody, so that nothing is sent to
    /// it, and that is what was wanted.
    pub fn is_for_nobody(&self) -> bool {
        matches!(self, Rewrite::Expanded { to, .. } if to.is_empty())
    }
}

impl fmt::Display for Rewrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rewrite::Qualified { name, place, address } => {
                write!(f, "qualified {name} in {place} as {address}")
            }
            Rewrite::Expanded { name, place, to } if to.is_empty() => {
                write!(f, "expanded {name} in {place}, which is an alias for nobody")
            }
            Rewrite::Expanded { name, place, to } => {
                write!(f, "expanded {name} in {place} to ")?;
                for (at, address) in to.iter().enumerate() {
                    write!(f, "{}{address}", if at == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
            Rewrite::Shown { name, place, address } => {
                write!(f, "changed {name} in {place} to {address}")
            }
            Rewrite::Left { text, place, reason } => {
                write!(f, "left ‘{text}’ in {place} as it is: {reason}")
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Field(name) => f.write_str(name),
            Place::Envelope => f.write_str("the envelope"),
        }
    }
}

impl fmt::Display for Spelt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Spelt::Whole(mailbox) => mailbox.fmt(f),
            Spelt::Bare(name) => f.write_str(name),
            Spelt::Unfit(reason) => reason.fmt(f),
        }
    }
}

impl Spelt {
    /// The local part as a display name.
    pub(super) fn phrase(&self) -> String {
        let local = match self {
            Spelt::Whole(mailbox) => mailbox.local_part(),
            Spelt::Bare(name) => name,
            Spelt::Unfit(_) => "",
        };
        let is_atom = !local.is_empty()
            && local.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-_+".contains(&octet));
        if is_atom {
            return local.to_owned();
        }
        format!("\"{}\"", local.replace('\\', "\\\\").replace('"', "\\\""))
    }
}
