//! Ready messages: what a submission must add, and what it must take away
//! (RFC 5321 §6.4, RFC 5322 §3.6). Everything else stays octet for octet and
//! in its order.

use super::canonical::{StrayCr, Tally};
use super::compose::ONCE;
use super::head::{Head, Separator};
use super::header::{Header, field_body, field_name};
use super::ready::{ReadyRecipe, in_utf8, labelled};
use super::repair::Content;
use super::text::Text;
use super::{
    Address, Change, Error, Message, Opened, Repair, Repairs, Resent, Source, Warning, addresses,
    stamp,
};
use crate::smtp::{Mailbox, PathError};
use jiff::Zoned;
use memchr::memchr_iter;

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
    /// What is probably not meant in it.
    pub warnings: Vec<Warning>,
    from: Vec<Vec<u8>>,
    recipients: Vec<Vec<u8>>,
}

impl Ready {
    /// The mailboxes of From.
    pub fn from(&self) -> Result<Vec<Mailbox>, Error> {
        mailboxes(&self.from)
    }

    /// The mailboxes of To, Cc and Bcc, in the order of the message; of Bcc
    /// before it was removed. Resent fields tell of an earlier sending;
    /// [`Opened::recipients`] goes by them.
    pub fn recipients(&self) -> Result<Vec<Mailbox>, Error> {
        mailboxes(&self.recipients)
    }
}

/// Makes a ready message fit for submission. Only its header is held in
/// memory; its body is read once, once more where leaves are encoded anew, and
/// again whenever it is written.
pub fn complete(source: Source, additions: &Additions, repairs: Repairs) -> Result<Ready, Error> {
    Opened::read(source, repairs)?.complete(additions)
}

/// Makes a ready message fit for being sent on. Nothing is added to it but the
/// block of Resent fields on its top.
pub fn resend(source: Source, resent: &Resent, repairs: Repairs) -> Result<Ready, Error> {
    let add = |fields: &mut Fields, changes: &mut _| fields.resend(resent, changes);
    made_fit(Opened::read(source, repairs)?, add)
}

impl Opened {
    /// Makes it fit for submission, as [`complete()`] does.
    pub fn complete(self, additions: &Additions) -> Result<Ready, Error> {
        made_fit(self, |fields, changes| fields.add(additions, changes))
    }
}

fn made_fit(
    opened: Opened,
    add: impl FnOnce(&mut Fields, &mut Vec<Change>) -> Result<(), Error>,
) -> Result<Ready, Error> {
    let Opened { source, head, repairs, rewrites } = opened;
    let mut changes = Vec::new();
    if head.byte_order_mark {
        changes.push(Change::RemovedMark);
    }
    if head.mbox_line {
        changes.push(Change::RemovedMboxLine);
    }
    changes.extend(rewrites.into_iter().map(Change::Rewrote));
    let mut fields = Fields::sort(&head.octets, &mut changes);
    add(&mut fields, &mut changes)?;
    if head.is_refolded {
        changes.push(Change::Refolded);
    }
    if head.separator == Separator::Missing {
        changes.push(Change::Parted);
    }
    let range = head.body..source.length();
    let text = Text::measure(&source, range.clone(), repairs.stray_cr)?;
    check(&source, &head, &text, repairs)?;
    line_changes(&head.tally, &text, &mut changes);
    let mut header = std::mem::take(&mut fields.header);
    // What is signed stays what was signed (RFC 6376 §3.7).
    if !fields.is_signed {
        header = labelled(in_utf8(header, &mut changes), &source, &text, &mut changes)?;
    }
    let content = Content::of(&header, "text/plain");
    let sealed = content.is_sealed();
    let mut warnings: Vec<Warning> = misnamed(&content, &source, &text).into_iter().collect();
    warnings.extend(repeated(&header).map(Warning::Twice));
    let message_id = fields.message_id;
    let recipe = ReadyRecipe {
        content,
        header,
        has_body: head.separator != Separator::End,
        is_signed: fields.is_signed,
        source,
        range,
        text,
        message_id,
    };
    let message = recipe.into_message(repairs)?;
    changes.extend_from_slice(message.changes());
    let is_within = |change: &Change| matches!(change, Change::StrayCr(_));
    if sealed && changes.iter().any(is_within)
        || fields.is_signed && changes.iter().any(Change::breaks_signatures)
    {
        warnings.push(Warning::BrokenSignature);
    }
    Ok(Ready { message, changes, warnings, from: fields.from, recipients: fields.recipients })
}

/// The warning that a text says US-ASCII and is not. Whether other charsets are
/// what they say, a finished message is not read again for.
fn misnamed(content: &Content, source: &Source, text: &Text) -> Option<Warning> {
    let charset = content.charset.as_ref().filter(|_| content.is_text() && text.is_eight_bit())?;
    let path = source.path().to_owned();
    let is_ascii = charset.eq_ignore_ascii_case("us-ascii");
    is_ascii.then(|| Warning::Charset { path, charset: charset.clone() })
}

/// Refuses what is to be refused.
fn check(source: &Source, head: &Head, text: &Text, repairs: Repairs) -> Result<(), Error> {
    let stray = head.tally.stray_cr + text.sum(|tally| tally.stray_cr);
    if stray > 0 && repairs.stray_cr == StrayCr::Reject {
        return Err(source.stray_cr());
    }
    match text.long_line() {
        Some(at) if repairs.long_lines == Repair::Reject => Err(source.long_line(at)),
        Some(_) | None => Ok(()),
    }
}

/// Removed on submission: Bcc, for no copy shows it (RFC 5322 §3.6.3 in its
/// first treatment); Return-Path, for the last server writes it (RFC 5321
/// §4.4); Content-Length, which the changes here make wrong.
const REMOVED: [&str; 4] = ["Bcc", "Resent-Bcc", "Return-Path", "Content-Length"];

/// Fields that must say something (RFC 5322 §3.6); a blank one is none.
const NEVER_BLANK: [&str; 3] = ["From", "Date", "Message-ID"];

/// The fields of a header, parted by what is done with them.
#[derive(Default)]
struct Fields {
    /// Those that stay, as they are.
    header: Vec<u8>,
    /// Those of them that must say something and say nothing.
    blank: Vec<&'static str>,
    has_date: bool,
    is_signed: bool,
    message_id: Option<String>,
    /// The bodies of From, and of To, Cc and Bcc.
    from: Vec<Vec<u8>>,
    recipients: Vec<Vec<u8>>,
}

impl Fields {
    fn sort(octets: &[u8], changes: &mut Vec<Change>) -> Self {
        let mut fields = Fields::default();
        for field in split(octets) {
            let (name, body) = (field_name(field), field_body(field));
            let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
            if let Some(blank) = NEVER_BLANK.into_iter().find(|needed| is(needed))
                && body.trim_ascii().is_empty()
            {
                fields.blank.push(blank);
            } else if is("From") {
                fields.from.push(body.to_vec());
            } else if is("To") || is("Cc") || is("Bcc") {
                fields.recipients.push(body.to_vec());
            } else if is("Date") {
                fields.has_date = true;
            } else if is("DKIM-Signature") {
                fields.is_signed = true;
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
        self.remove_blank(changes);
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

    /// Takes out what says nothing, for what is added in its place.
    fn remove_blank(&mut self, changes: &mut Vec<Change>) {
        let is_blank = |field: &&[u8]| {
            field_body(field).trim_ascii().is_empty()
                && self
                    .blank
                    .iter()
                    .any(|name| field_name(field).eq_ignore_ascii_case(name.as_bytes()))
        };
        self.header =
            split(&self.header).filter(|field| !is_blank(field)).flatten().copied().collect();
        changes.extend(self.blank.iter().copied().map(Change::Removed));
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

/// The fields of a canonical header, whole, with their folds and line ends; the
/// last one as it is.
pub(super) fn split(header: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = header;
    std::iter::from_fn(move || {
        let end = memchr_iter(b'\n', rest)
            .map(|lf| lf + 1)
            .find(|&next| !rest.get(next).is_some_and(|&octet| matches!(octet, b' ' | b'\t')))
            .or(Some(rest.len()).filter(|&length| length > 0))?;
        let (field, later) = rest.split_at(end);
        rest = later;
        Some(field)
    })
}

/// Fields that may stand once and stand more often (RFC 5322 §3.6).
fn repeated(header: &[u8]) -> impl Iterator<Item = &'static str> {
    let is_of = |name: &str, field: &&[u8]| field_name(field).eq_ignore_ascii_case(name.as_bytes());
    ONCE.into_iter()
        .filter(move |name| split(header).filter(|field| is_of(name, field)).count() > 1)
}

/// All mailboxes in these field bodies.
pub(super) fn mailboxes(bodies: &[impl AsRef<[u8]>]) -> Result<Vec<Mailbox>, Error> {
    let mut all = Vec::new();
    for body in bodies {
        let text = String::from_utf8_lossy(body.as_ref().trim_ascii());
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
fn line_changes(head: &Tally, text: &Text, changes: &mut Vec<Change>) {
    let both = |count: fn(&Tally) -> u64| count(head) + text.sum(count);
    for (count, change) in [
        (both(|tally| tally.bare_lf), Change::LineEnds as fn(u64) -> Change),
        (both(|tally| tally.stray_cr), Change::StrayCr),
    ] {
        if count > 0 {
            changes.push(change(count));
        }
    }
    if head.open > 0 || text.is_unended() {
        changes.push(Change::Ended);
    }
}

#[cfg(test)]
mod tests;
