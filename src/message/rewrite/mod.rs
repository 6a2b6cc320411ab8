//! Addresses of a header rewritten where they stand: bare names are given a
//! domain, aliases become what they stand for, senders are shown as the account
//! wants them. Names, comments, quotation marks, folds, octets above 127, the
//! order of fields and all other fields stay octet for octet. The same rules
//! hold for the envelope, so that the two agree.
//!
//! | what | file |
//! |---|---|
//! | which address becomes which | `rules.rs` |
//! | aliases, and where they lead | `aliases.rs` |
//! | the file that they stand in | `alias_file.rs` |
//! | new addresses in an old field | `field.rs` |
//! | what was done, in a sentence | `change.rs` |

mod alias_file;
mod aliases;
mod change;
mod field;
mod rules;

pub use aliases::{AliasError, AliasLine, Aliases};
pub use change::{Place, Rewrite};
pub(super) use field::Field;
pub use rules::{Authors, Rules};

use super::complete::split;
use super::{Error, address_list::Spelt, address_list::Spot};
use crate::smtp::Mailbox;
use field::Edit;
use rules::Outcome;
use std::ops::Range;

/// How the account shows who sends.
#[derive(Clone, Copy)]
pub struct Disguise<'d> {
    /// Whoever sends is shown as this one.
    pub author: Option<&'d Mailbox>,
    /// What an address is shown as; `None` where it is shown as it is.
    pub map: &'d dyn Fn(&Mailbox) -> Option<Mailbox>,
}

impl Disguise<'_> {
    /// What a sender of the envelope is shown as.
    pub fn of(&self, sender: &Mailbox) -> Option<Mailbox> {
        let shown = self.author.cloned().or_else(|| (self.map)(sender));
        shown.filter(|shown| shown != sender)
    }
}

/// What the addresses of a field are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// From.
    Author,
    /// Others who send.
    Sender,
    /// Where answers go.
    Answer,
    Recipient,
}

impl Role {
    fn of(field: &Field<'_>) -> Option<Self> {
        let is = |names: &[&str]| names.iter().any(|name| field.is(name));
        if is(&["From"]) {
            Some(Role::Author)
        } else if is(&["Sender", "Resent-From", "Resent-Sender"]) {
            Some(Role::Sender)
        } else if is(&["Reply-To", "Disposition-Notification-To"]) {
            Some(Role::Answer)
        } else if is(&["To", "Cc", "Bcc", "Resent-To", "Resent-Cc", "Resent-Bcc"]) {
            Some(Role::Recipient)
        } else {
            None
        }
    }
}

/// Makes addresses of bare names, and of aliases in fields of recipients what
/// they stand for.
pub(super) fn by_rules(
    header: &[u8],
    rules: &Rules,
    notes: &mut Vec<Rewrite>,
) -> Result<Vec<u8>, Error> {
    let mut rewritten = Vec::with_capacity(header.len());
    for field in split(header).map(Field::of) {
        let edited = match Role::of(&field) {
            None => None,
            Some(Role::Author) if rules.from == Authors::Keep => None,
            // What is set later needs no domain now.
            Some(Role::Author | Role::Sender)
                if rules.from == Authors::Set && rules.domain.is_none() =>
            {
                None
            }
            Some(role) => field::edited(&field, notes, |spot| {
                let outcome = match role {
                    Role::Recipient => rules.recipient(&spot.spelt)?,
                    Role::Author | Role::Sender | Role::Answer => rules.sender(&spot.spelt)?,
                };
                Ok(by_outcome(spot, outcome, &field))
            })?,
        };
        rewritten.extend_from_slice(edited.as_deref().unwrap_or(field.octets));
    }
    Ok(rewritten)
}

fn by_outcome(spot: &Spot, outcome: Outcome, field: &Field<'_>) -> Option<(Edit, Rewrite)> {
    let (name, place) = (spot.spelt.to_string(), field.place());
    match outcome {
        Outcome::Same => None,
        Outcome::Qualified(address) => {
            let edit = Edit::Spec(address.to_string());
            Some((edit, Rewrite::Qualified { name, place, address }))
        }
        Outcome::Expanded(to) => {
            let edit = match to.as_slice() {
                [one] => Edit::Spec(one.to_string()),
                // A name that leads to nobody becomes a group without members.
                [] if !spot.in_group => Edit::Whole(vec![format!("{}:;", spot.spelt.phrase())]),
                many => Edit::Whole(many.iter().map(ToString::to_string).collect()),
            };
            Some((edit, Rewrite::Expanded { name, place, to }))
        }
    }
}

/// Shows other addresses of those who send, and of where answers go.
pub(super) fn by_disguise(
    header: &[u8],
    disguise: &Disguise<'_>,
    notes: &mut Vec<Rewrite>,
) -> Result<Vec<u8>, Error> {
    let fields: Vec<_> = split(header).map(Field::of).collect();
    let resent = first_resent(&fields);
    // What cannot be read was told when the rules were held against it.
    let mut told = Vec::new();
    let mut rewritten = Vec::with_capacity(header.len());
    for (at, field) in fields.iter().enumerate() {
        // Who sends a message again is no author of it (RFC 5322 §3.6.6).
        let is_current = resent.as_ref().is_none_or(|block| block.contains(&at));
        let author = disguise.author.filter(|_| is_current);
        let edited = match Role::of(field) {
            None | Some(Role::Recipient) => None,
            Some(Role::Author | Role::Sender) => {
                field::edited(field, &mut told, |spot| Ok(shown(spot, author, disguise, field)))?
            }
            Some(Role::Answer) => {
                field::edited(field, &mut told, |spot| Ok(shown(spot, None, disguise, field)))?
            }
        };
        rewritten.extend_from_slice(edited.as_deref().unwrap_or(field.octets));
    }
    notes.extend(told.into_iter().filter(|note| !matches!(note, Rewrite::Left { .. })));
    Ok(rewritten)
}

/// The value of a field as [`Disguise`] has it, unfolded.
pub fn disguised(
    name: &str,
    value: &str,
    disguise: &Disguise<'_>,
    notes: &mut Vec<Rewrite>,
) -> Result<String, Error> {
    let line = format!("{name}:{value}");
    let role = Role::of(&Field::of(line.as_bytes()));
    if !matches!(role, Some(Role::Author | Role::Sender | Role::Answer)) {
        return Ok(value.to_owned());
    }
    let header = by_disguise(format!("{line}\r\n").as_bytes(), disguise, notes)?;
    let header = String::from_utf8_lossy(&header).replace("\r\n", "");
    Ok(header[name.len() + 1..].to_owned())
}

fn shown(
    spot: &Spot,
    author: Option<&Mailbox>,
    disguise: &Disguise<'_>,
    field: &Field<'_>,
) -> Option<(Edit, Rewrite)> {
    let shown = match &spot.spelt {
        Spelt::Whole(sender) => Disguise { author, ..*disguise }.of(sender)?,
        Spelt::Bare(_) => author?.clone(),
        Spelt::Unfit(_) => return None,
    };
    let name = spot.spelt.to_string();
    let edit = Edit::Spec(shown.to_string());
    Some((edit, Rewrite::Shown { name, place: field.place(), address: shown }))
}

/// The Resent fields that stand highest: those up to another field, or to the
/// second one of the same name (RFC 5322 §3.6.6).
pub(super) fn first_resent(fields: &[Field<'_>]) -> Option<Range<usize>> {
    let is_resent = |field: &Field<'_>| {
        field.name.get(..7).is_some_and(|start| start.eq_ignore_ascii_case(b"Resent-"))
    };
    let start = fields.iter().position(is_resent)?;
    let repeats = |at: usize| {
        let name = fields[at].name;
        fields[start..at].iter().any(|field| field.name.eq_ignore_ascii_case(name))
    };
    let end = (start..fields.len()).find(|&at| !is_resent(&fields[at]) || repeats(at));
    Some(start..end.unwrap_or(fields.len()))
}

#[cfg(test)]
mod tests;
