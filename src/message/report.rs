//! Delivery status notifications of our own: what became of a message, told to
//! its sender (RFC 3461 §6, RFC 3464, RFC 6522, RFC 6533).
//!
//! | part | file |
//! |---|---|
//! | what people read | `words.rs` |
//! | what programs read | `status.rs` |
//! | the message that it is about | `original.rs` |

mod original;
mod status;
mod words;

pub use original::Original;

use super::header::Header;
use super::octets::Piece;
use super::part::{Body, Part};
use super::{
    Address, Error, Message, Recipe, Rendering, Repairs, Thread, Unfit, Width, decoded, stamp,
};
use crate::smtp::{Domain, EnhancedCode, EnvId, Envelope, ForwardPath, Mailbox, Orcpt, Ret};
use crate::smtp::{Reply, ReversePath};
use jiff::{Timestamp, Zoned};
use original::Head;

/// A report of what became of a message. Who is told of what is decided before:
/// [`crate::smtp::Recipient::is_reported_failed`] and its sibling say which
/// recipients may be among these, and a message with the null sender has no
/// report, so that no report has one (RFC 5321 §6.1).
#[derive(Debug)]
pub struct StatusReport {
    /// What happened to all of its recipients.
    pub action: Action,
    /// Who reports.
    pub reporter: Reporter,
    /// Who writes, best a person who can help: a mailbox.
    pub from: Address,
    /// The sender of the message, by its envelope.
    pub to: Mailbox,
    /// When it is written. All times in it are told in this zone.
    pub date: Zoned,
    /// Its Message-ID with the angle brackets, as [`super::message_id`] makes
    /// it.
    pub message_id: String,
    /// When the message came.
    pub arrived: Timestamp,
    /// What its sender calls it.
    pub envid: Option<EnvId>,
    /// How much of it is wanted back.
    pub ret: Option<Ret>,
    /// Those whom the report is about, at least one.
    pub recipients: Vec<RecipientStatus>,
    /// The message itself.
    pub original: Original,
}

/// What happened (RFC 3464 §2.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It will not be tried again.
    Failed,
    /// It will be tried until then.
    Delayed {
        /// When it will be given up (RFC 3464 §2.3.9).
        will_retry_until: Timestamp,
    },
}

/// The machine that reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reporter {
    /// By its fully-qualified name.
    Dns(String),
    /// By a name that only those who are near know (RFC 3461 §6.3).
    Local(String),
}

/// What became of the message for one recipient.
#[derive(Clone, Debug)]
pub struct RecipientStatus {
    /// The recipient of the envelope.
    pub path: ForwardPath,
    /// Whom its sender says the message was first meant for.
    pub orcpt: Option<Orcpt>,
    /// Why, in numbers: [`Reply::status`] of a reply.
    pub status: EnhancedCode,
    /// The server that was reached, if one was: its name, or its address in
    /// square brackets.
    pub server: Option<String>,
    /// Why, in words.
    pub diagnostic: Diagnostic,
    /// When it was last tried, if it was.
    pub last_attempt: Option<Timestamp>,
}

/// Why, in words. They may hold anything: what mail cannot carry is replaced.
#[derive(Clone, Debug)]
pub enum Diagnostic {
    /// What the server said.
    Replied(Reply),
    /// What this machine says: a clause, such as "cannot connect to
    /// mail.example.org".
    Ours(String),
}

impl Reporter {
    /// The machine of this name.
    pub fn named(host: &str) -> Self {
        let domain = host.parse::<Domain>().ok();
        match domain.as_ref().and_then(Domain::name).filter(|name| name.contains('.')) {
            Some(name) => Reporter::Dns(name.to_owned()),
            None => Reporter::Local(host.to_owned()),
        }
    }

    /// The name as people read it.
    fn name(&self) -> &str {
        match self {
            Reporter::Dns(name) | Reporter::Local(name) => name,
        }
    }
}

impl StatusReport {
    /// The envelope of the report: from the null sender, with nothing asked
    /// (RFC 3461 §6.1).
    pub fn envelope(&self) -> Envelope {
        Envelope::new(ReversePath::NULL, [self.to.clone().into()])
    }

    /// Puts the report together. The message that it is about stays where it
    /// is, but for its header, and must not change as long as the report may be
    /// written.
    ///
    /// The widest form may need SMTPUTF8 and 8BITMIME. What is kept as octets to
    /// be sent later is best of the form for [`Width::SEVEN_BIT`], which every
    /// server takes where [`StatusReport::to`] allows it.
    pub fn into_message(self) -> Result<Message, Error> {
        let head = self.original.head()?;
        let recipe = ReportRecipe {
            header: self.header(head.as_ref())?,
            boundary: stamp::boundary()?,
            words: words::written(&self, head.as_ref())?,
            head,
            report: self,
        };
        Message::of(Box::new(recipe), Repairs::default()).map_err(|unfit| match unfit {
            Unfit::Failed(error) => error,
            reason => Error::Attached(Box::new(reason)),
        })
    }

    /// The fields but those of the content.
    fn header(&self, head: Option<&Head>) -> Result<Vec<u8>, Error> {
        let mut header = Header::default();
        header.structured("Date", &stamp::date(&self.date)?)?;
        header.addresses("From", std::slice::from_ref(&self.from));
        header.addresses("To", &[Address::from(self.to.clone())]);
        let about = match self.action {
            Action::Failed => "Mail could not be delivered",
            Action::Delayed { .. } => "Mail is delayed",
        };
        let subject = match head.and_then(Head::subject) {
            Some(subject) => format!("{about}: {subject}"),
            None => about.to_owned(),
        };
        header.text("Subject", &subject)?;
        header.structured("Message-ID", &self.message_id)?;
        let thread = Thread {
            in_reply_to: head.and_then(Head::message_id).into_iter().collect(),
            references: Vec::new(),
        };
        for (name, value) in thread.fields() {
            header.structured(name, &value)?;
        }
        // RFC 3834 §5.
        header.structured("Auto-Submitted", "auto-replied")?;
        header.structured("MIME-Version", "1.0")?;
        Ok(header.into_octets())
    }

    /// A moment as the report tells it, with a numeric zone.
    fn told(&self, moment: Timestamp) -> Result<String, Error> {
        stamp::date(&moment.to_zoned(self.date.time_zone().clone()))
    }

    /// Whether the whole message goes back with it, of so many octets (RFC 3461
    /// §4.3, §6.2).
    fn returns_whole(&self) -> bool {
        let size = self.original.size();
        match (self.action, self.ret) {
            (Action::Delayed { .. }, _) | (Action::Failed, Some(Ret::Headers)) => false,
            (Action::Failed, Some(Ret::Full)) => size <= LARGEST_ASKED_FOR,
            (Action::Failed, None) => size <= LARGEST_UNASKED,
        }
    }
}

/// Octets of a message that comes back whole though nobody said that it should.
const LARGEST_UNASKED: u64 = 50 * 1024;
/// Octets of one that comes back whole since it should.
const LARGEST_ASKED_FOR: u64 = 10 * 1024 * 1024;

/// The recipe of a report.
struct ReportRecipe {
    report: StatusReport,
    /// Its fields but those of its content.
    header: Vec<u8>,
    boundary: String,
    words: String,
    /// `None` where the header of the message is too large to be shown.
    head: Option<Head>,
}

impl Recipe for ReportRecipe {
    fn render(&self, width: Width, repairs: Repairs) -> Result<Rendering, Unfit> {
        // RFC 6533 §4.5; SMTPUTF8 comes with 8BITMIME (RFC 6531 §3.1).
        let utf8 = width.utf8_header && width.eight_bit;
        let mut parts = vec![
            Part::of_text("plain", "", self.words.as_bytes())?,
            status::part(&self.report, utf8)?,
        ];
        if let Some(head) = &self.head {
            let original = &self.report.original;
            let whole = if self.report.returns_whole() {
                original.whole(head, width.eight_bit, utf8)?
            } else {
                None
            };
            parts.push(match whole {
                Some(part) => part,
                None => head.part(utf8)?,
            });
        }
        let is_wide = parts.iter().any(is_in_utf8);
        let (content, pieces) = self.enclosing(parts).render(width, repairs)?;
        let header = [&self.header[..], &content, b"\r\n"].concat();
        let message_id = Some(self.report.message_id.clone());
        let mut rendering = Rendering::new(header, pieces, message_id, Vec::new());
        rendering.facts.utf8_header |= is_wide;
        Ok(rendering)
    }
}

impl ReportRecipe {
    /// RFC 6522 §3.
    fn enclosing(&self, parts: Vec<Part>) -> Part {
        let mut header = Header::default();
        let media_type = "multipart/report".to_owned();
        let boundary = self.boundary.clone();
        let parameters = [("report-type", "delivery-status"), ("boundary", &boundary)];
        header.parameters("Content-Type", &media_type, parameters);
        Part { media_type, header, body: Body::Multipart { boundary, parts } }
    }
}

/// True for what only a way with SMTPUTF8 may carry.
fn is_in_utf8(part: &Part) -> bool {
    match &part.body {
        Body::Leaf(pieces) => {
            part.media_type.starts_with("message/global") && pieces.iter().any(Piece::is_eight_bit)
        }
        Body::Message(..) | Body::Multipart { .. } => false,
    }
}

/// A part whose body is of one type and in one encoding.
fn leaf(media_type: &str, encoding: &str, pieces: Vec<Piece>) -> Result<Part, Error> {
    let mut header = Header::default();
    header.structured("Content-Type", media_type)?;
    header.structured("Content-Transfer-Encoding", encoding)?;
    Ok(Part { media_type: media_type.to_owned(), header, body: Body::Leaf(pieces) })
}

/// Text of others without what could be taken for something else: a `?` for
/// each control character, and for those that reorder text.
fn harmless(text: &str) -> String {
    let reorders = |c| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let shown = |c: char| match c {
        '\t' => ' ',
        c if c.is_control() || reorders(c) => '?',
        c => c,
    };
    text.chars().map(shown).collect()
}

/// The first characters of a text.
fn cut(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
