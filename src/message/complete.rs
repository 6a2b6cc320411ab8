//! Ready messages: what a submission must add, and what it must take away
//! (RFC 5321 §6.4, RFC 5322 §3.6). Everything else stays octet for octet and
//! in its order.

use super::canonical::Tally;
use super::head::{Head, Separator};
use super::header::Header;
use super::octets::{Piece, Text};
use super::{Address, Error, Message, Resent, Source, addresses, stamp};
use crate::smtp::{Mailbox, PathError};
use jiff::Zoned;
use memchr::{memchr, memchr_iter};
use std::fmt;

/// What a message gets if it lacks it.
#[derive(Clone, Debug)]
pub struct Additions {
    /// The value of Date.
    pub date: Zoned,
    /// The value of Message-ID with its angle brackets; `None` draws a new one
    /// at the domain of From.
    pub message_id: Option<String>,
    /// The value of From.
    pub from: Vec<Address>,
}

/// A ready message, fit for submission.
#[derive(Debug)]
pub struct Ready {
    /// The recipe for its octets.
    pub message: Message,
    /// What was done to it, in the order of doing.
    pub changes: Vec<Change>,
    from: Vec<Vec<u8>>,
    recipients: Vec<Vec<u8>>,
}

/// One thing that was done to a ready message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// A field was added.
    Added(&'static str),
    /// A field was removed.
    Removed(&'static str),
    /// The line before the header by which mbox files part messages was
    /// removed.
    RemovedMboxLine,
    /// An empty line was put between header and body.
    Parted,
    /// This many line ends were LF.
    LineEnds(u64),
    /// This many CR stood elsewhere than before LF.
    StrayCr(u64),
    /// The last line had no end.
    Ended,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Added(name) => write!(f, "added {name}"),
            Change::Removed(name) => write!(f, "removed {name}"),
            Change::RemovedMboxLine => f.write_str("removed the mbox line before the header"),
            Change::Parted => f.write_str("put an empty line between header and body"),
            Change::LineEnds(1) => f.write_str("turned 1 line end from LF into CRLF"),
            Change::LineEnds(count) => write!(f, "turned {count} line ends from LF into CRLF"),
            Change::StrayCr(1) => f.write_str("turned 1 CR into a space"),
            Change::StrayCr(count) => write!(f, "turned {count} CR into spaces"),
            Change::Ended => f.write_str("ended the last line"),
        }
    }
}

impl Ready {
    /// The mailboxes of From.
    pub fn from(&self) -> Result<Vec<Mailbox>, Error> {
        mailboxes(&self.from)
    }

    /// The mailboxes of To, Cc and Bcc, in the order of the message; of Bcc
    /// before it was removed.
    pub fn recipients(&self) -> Result<Vec<Mailbox>, Error> {
        mailboxes(&self.recipients)
    }
}

/// Makes a ready message fit for submission. Only its header is held in
/// memory.
pub fn complete(source: Source, additions: &Additions) -> Result<Ready, Error> {
    made_fit(source, |fields, changes| fields.add(additions, changes))
}

/// Makes a ready message fit for being sent on. Nothing is added to it but the
/// block of Resent fields on its top.
pub fn resend(source: Source, resent: &Resent) -> Result<Ready, Error> {
    made_fit(source, |fields, changes| fields.resend(resent, changes))
}

fn made_fit(
    source: Source,
    add: impl FnOnce(&mut Fields, &mut Vec<Change>) -> Result<(), Error>,
) -> Result<Ready, Error> {
    let head = Head::read(&source)?;
    let mut changes = Vec::new();
    if head.mbox_line {
        changes.push(Change::RemovedMboxLine);
    }
    let mut fields = Fields::sort(&head.octets, &mut changes);
    add(&mut fields, &mut changes)?;
    match head.separator {
        Separator::Present => fields.header.extend_from_slice(b"\r\n"),
        Separator::Missing => {
            fields.header.extend_from_slice(b"\r\n");
            changes.push(Change::Parted);
        }
        Separator::End => {}
    }
    let body = Text::measure(source, head.body)?;
    line_changes(&[&head.tally, body.tally()], &mut changes);
    let message_id = fields.message_id.filter(|id| !id.is_empty());
    let message = Message::new(fields.header, vec![Piece::Canonical(body)], message_id);
    Ok(Ready { message, changes, from: fields.from, recipients: fields.recipients })
}

/// Removed on submission: Bcc, for no copy shows it (RFC 5322 §3.6.3 in its
/// first treatment); Return-Path, for the last server writes it (RFC 5321
/// §4.4); Content-Length, which the changes here make wrong.
const REMOVED: [&str; 4] = ["Bcc", "Resent-Bcc", "Return-Path", "Content-Length"];

/// The fields of a header, parted by what is done with them.
#[derive(Default)]
struct Fields {
    /// Those that stay, as they are.
    header: Vec<u8>,
    has_date: bool,
    message_id: Option<String>,
    /// The bodies of From, and of To, Cc and Bcc.
    from: Vec<Vec<u8>>,
    recipients: Vec<Vec<u8>>,
}

impl Fields {
    fn sort(octets: &[u8], changes: &mut Vec<Change>) -> Self {
        let mut fields = Fields::default();
        for field in split(octets) {
            let colon = memchr(b':', field).unwrap_or(field.len());
            let name = field[..colon].trim_ascii_end();
            let body = field.get(colon + 1..).unwrap_or_default();
            let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
            if is("From") {
                fields.from.push(body.to_vec());
            } else if is("To") || is("Cc") || is("Bcc") {
                fields.recipients.push(body.to_vec());
            } else if is("Date") {
                fields.has_date = true;
            } else if is("Message-ID") {
                fields.message_id = Some(String::from_utf8_lossy(body.trim_ascii()).into_owned());
            }
            match REMOVED.into_iter().find(|removed| is(removed)) {
                Some(removed) => changes.push(Change::Removed(removed)),
                None => fields.header.extend_from_slice(field),
            }
        }
        fields
    }

    /// Adds what is missing, at the end: trace and Resent fields stay on top
    /// (RFC 5322 §3.6).
    fn add(&mut self, additions: &Additions, changes: &mut Vec<Change>) -> Result<(), Error> {
        let mut added = Header::default();
        if !self.has_date {
            added.structured("Date", &stamp::date(&additions.date)?)?;
            changes.push(Change::Added("Date"));
        }
        if self.from.is_empty() {
            if additions.from.is_empty() {
                return Err(Error::NoFrom);
            }
            added.addresses("From", &additions.from);
            changes.push(Change::Added("From"));
        }
        if self.message_id.is_none() {
            let id = match &additions.message_id {
                Some(id) => id.clone(),
                None => stamp::message_id(&self.domain(additions)?)?,
            };
            added.structured("Message-ID", &id)?;
            self.message_id = Some(id);
            changes.push(Change::Added("Message-ID"));
        }
        let added = added.into_octets();
        if self.from.is_empty() {
            self.from.extend(
                split(&added).filter_map(|field| field.strip_prefix(b"From:")).map(<[u8]>::to_vec),
            );
        }
        self.header.extend(added);
        Ok(())
    }

    /// Puts the block before all other fields: they and older blocks stay in
    /// their order (RFC 5322 §3.6).
    fn resend(&mut self, resent: &Resent, changes: &mut Vec<Change>) -> Result<(), Error> {
        let (block, names) = resent.block()?;
        changes.extend(names.into_iter().map(Change::Added));
        self.header.splice(0..0, block.into_octets());
        Ok(())
    }

    /// The sender's domain, of the message's own From before the caller's.
    fn domain(&self, additions: &Additions) -> Result<String, Error> {
        let own = mailboxes(&self.from);
        let theirs = additions.from.iter().flat_map(Address::mailboxes).next();
        match (own.as_ref().ok().and_then(|own| own.first()), theirs) {
            (Some(mailbox), _) | (None, Some(mailbox)) => Ok(mailbox.domain().to_string()),
            (None, None) => Err(own.err().unwrap_or(Error::NoFrom)),
        }
    }
}

/// The fields of a canonical header, whole, with their folds and line ends.
fn split(header: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = header;
    std::iter::from_fn(move || {
        let end = memchr_iter(b'\n', rest)
            .map(|lf| lf + 1)
            .find(|&next| !rest.get(next).is_some_and(|&octet| matches!(octet, b' ' | b'\t')))?;
        let (field, later) = rest.split_at(end);
        rest = later;
        Some(field)
    })
}

/// All mailboxes in these field bodies.
fn mailboxes(bodies: &[Vec<u8>]) -> Result<Vec<Mailbox>, Error> {
    let mut all = Vec::new();
    for body in bodies {
        let text = String::from_utf8_lossy(body.trim_ascii());
        for mailbox in addresses(&text)?.iter().flat_map(Address::mailboxes) {
            // An octet that is not UTF-8 would become another address.
            if mailbox.local_part().contains(char::REPLACEMENT_CHARACTER) {
                let reason = PathError::LocalCharacter(char::REPLACEMENT_CHARACTER).into();
                return Err(Error::Address { text: mailbox.to_string(), reason });
            }
            all.push(mailbox.clone());
        }
    }
    Ok(all)
}

/// What was done to line ends, in header and body together.
fn line_changes(tallies: &[&Tally], changes: &mut Vec<Change>) {
    let sum = |count: fn(&Tally) -> u64| tallies.iter().map(|tally| count(tally)).sum();
    for (count, change) in [
        (sum(|tally| tally.bare_lf), Change::LineEnds as fn(u64) -> Change),
        (sum(|tally| tally.stray_cr), Change::StrayCr),
    ] {
        if count > 0 {
            changes.push(change(count));
        }
    }
    if tallies.iter().any(|tally| tally.unended) {
        changes.push(Change::Ended);
    }
}

#[cfg(test)]
mod tests;
