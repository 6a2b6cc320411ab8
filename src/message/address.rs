//! Addresses with their names, and groups of them (RFC 5322 §3.4).

use crate::smtp::{Mailbox, PathError};
use std::fmt;

/// One entry of an address list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// `Bob <b@x.example>`.
    Mailbox {
        /// The display name as people read it.
        name: Option<String>,
        /// The address.
        mailbox: Mailbox,
    },
    /// `Friends: a@x.example, Bob <b@x.example>;`.
    Group {
        /// The name of the group.
        name: String,
        /// Its members, perhaps none.
        members: Vec<Member>,
    },
}

/// A mailbox within a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The display name as people read it.
    pub name: Option<String>,
    /// The address.
    pub mailbox: Mailbox,
}

/// Why a text is not an address. The `Display` form is a clause that fits
/// after "‘text’ is not a mail address: ".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// The addr-spec in it is wrong.
    #[error(transparent)]
    Path(#[from] PathError),
    /// A character where the grammar has no place for it.
    #[error("the character ‘{0}’ is out of place")]
    OutOfPlace(char),
    /// A comment, a quoted string, `<` or `[` without its end.
    #[error("its ‘{0}’ is never closed")]
    Unclosed(char),
    /// `Name: a@b` without the semicolon.
    #[error("its group does not end in ‘;’")]
    OpenGroup,
}

impl Address {
    /// The mailbox, or those of the group.
    pub fn mailboxes(&self) -> impl Iterator<Item = &Mailbox> {
        let (one, many) = match self {
            Address::Mailbox { mailbox, .. } => (Some(mailbox), [].as_slice()),
            Address::Group { members, .. } => (None, members.as_slice()),
        };
        one.into_iter().chain(many.iter().map(|member| &member.mailbox))
    }

    /// The same, taken out.
    pub fn into_mailboxes(self) -> impl Iterator<Item = Mailbox> {
        let (one, members) = match self {
            Address::Mailbox { mailbox, .. } => (Some(mailbox), Vec::new()),
            Address::Group { members, .. } => (None, members),
        };
        one.into_iter().chain(members.into_iter().map(|member| member.mailbox))
    }
}

impl From<Mailbox> for Address {
    fn from(mailbox: Mailbox) -> Self {
        Address::Mailbox { name: None, mailbox }
    }
}

impl fmt::Display for Address {
    /// As people read it; header fields are written by their own rules.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named =
            |f: &mut fmt::Formatter<'_>, name: &Option<String>, mailbox: &Mailbox| match name {
                Some(name) => write!(f, "{name} <{mailbox}>"),
                None => mailbox.fmt(f),
            };
        match self {
            Address::Mailbox { name, mailbox } => named(f, name, mailbox),
            Address::Group { name, members } => {
                write!(f, "{name}:")?;
                for (at, member) in members.iter().enumerate() {
                    f.write_str(if at == 0 { " " } else { ", " })?;
                    named(f, &member.name, &member.mailbox)?;
                }
                f.write_str(";")
            }
        }
    }
}
