//! RFC 5322 and MIME: composing messages and completing ready ones.
//!
//! | source | subject | file |
//! |---|---|---|
//! | RFC 5322 §3.4 | addresses with their names | `address.rs` |
//! | RFC 5322 §3.4, §4.4; RFC 6532 | reading address lists | `address_list.rs` |
//! | RFC 5322 §2.2, §3.6; RFC 2047 | writing header fields | `header.rs` |
//! | RFC 5322 §3.4; RFC 2047 §5 | writing address lists | `phrase.rs` |
//! | RFC 2045 §5.1, 2183 §2, 2231 | writing parameters | `parameter.rs` |
//! | RFC 5322 §3.3, §3.6.4 | dates, Message-IDs, boundaries, random words | `stamp.rs` |
//! | RFC 5322 §3.6 | a message from what the user gives | `compose.rs` |
//! | RFC 5322 §3.6.4 | which messages it answers | `thread.rs` |
//! | RFC 2369, 3834, 8058 | what programs are to know of it | `automatic.rs` |
//! | RFC 2045, 2046, 2387 | its MIME parts | `part.rs` |
//! | RFC 2183 | attachments, and their types | `attachment.rs` |
//! | RFC 2392 | files that its HTML shows | `inline.rs` |
//! | – | where HTML refers to something | `references.rs` |
//! | – | the text of HTML | `html.rs` |
//! | – | the HTML of Markdown | `markdown.rs` |
//! | RFC 3676 | text that flows | `flowed.rs` |
//! | – | what is probably not meant | `warning.rs` |
//! | RFC 2045 §6 | text as 7bit, quoted-printable, base64 | `encode.rs` |
//! | RFC 2045 §6.7, §6.8 | encoding block by block | `encode/stream.rs` |
//! | – | a ready message whose header is at hand | `opened.rs` |
//! | RFC 5322 §3.4, §3.6; aliases(5) | its addresses rewritten in place | `rewrite/` |
//! | RFC 5321 §6.4, §2.3.8 | ready messages made fit for submission | `complete.rs`, `ready.rs`, `change.rs` |
//! | RFC 5322 §3.6.6 | ready messages sent on | `resend.rs` |
//! | RFC 5321 §2.3.8; RFC 3030 §3 | messages sent as they are | `as_is.rs` |
//! | – | messages that were finished earlier | `kept.rs` |
//! | RFC 5321 §6.3 | messages that are passed on | `passed_on.rs` |
//! | RFC 5322 §2.2 | where their header ends | `head.rs` |
//! | RFC 5321 §2.3.8; RFC 5322 §2.1.1 | line ends and line lengths | `canonical.rs` |
//! | RFC 6376 | signing | `dkim/` |
//! | RFC 3464, 6522, 6533 | reports of what became of a message | `report/` |
//! | RFC 2045 §6, RFC 6152, RFC 6532 | messages made fit for the way they go | `repair/` |
//! | – | files and octets that are read twice | `source.rs`, `fingerprint.rs` |
//! | – | lines of a source, measured | `text.rs` |
//! | – | writing the recipe out | `octets.rs` |
//!
//! No clock and no environment here: the time is given as a value.

mod address;
mod address_list;
mod as_is;
mod attachment;
mod automatic;
mod canonical;
mod change;
mod complete;
mod compose;
pub mod dkim;
mod encode;
mod error;
mod fingerprint;
mod flowed;
mod head;
mod header;
mod html;
mod inline;
mod kept;
mod markdown;
mod octets;
mod opened;
mod parameter;
mod part;
mod passed_on;
mod phrase;
mod ready;
mod references;
mod repair;
mod report;
mod resend;
mod rewrite;
mod source;
mod stamp;
mod text;
mod thread;
mod transfer;
mod warning;

pub use address::{Address, AddressError, Member};
pub use address_list::addresses;
pub use attachment::Attachment;
pub use automatic::{Priority, UnsubscribeUrl, automatic_fields, unsubscribe_fields};
pub use canonical::StrayCr;
pub use change::Change;
pub use complete::{Additions, Ready, complete, resend};
pub use compose::{Composed, Draft};
pub use error::Error;
pub use html::text_of;
pub use markdown::html_of;
pub use octets::Octets;
pub use opened::Opened;
pub use repair::{Repair, Repairs, Unfit, Width};
pub use report::{Action, Diagnostic, Original, RecipientStatus, Reporter, StatusReport};
pub use resend::Resent;
pub use rewrite::{
    AliasError, AliasLine, Aliases, Authors, Disguise, Place, Rewrite, Rules, disguised,
};
pub use source::Source;
pub use stamp::{hexadecimal, message_id, random_word};
pub use thread::{MessageId, Thread};
pub use warning::Warning;

use address_list::decoded;
use octets::Piece;
use std::fmt;
use std::sync::OnceLock;

/// A recipe for the octets of one message: it can be measured, written, and
/// written again with identical octets. The body and the attachments stay in
/// their files.
pub struct Message {
    rendering: Rendering,
    /// What makes its other forms; `None` where nothing may be changed.
    recipe: Option<Box<dyn Recipe>>,
    /// What may be changed for them.
    repairs: Repairs,
    /// Those made so far, by width.
    narrower: [OnceLock<Box<Message>>; 8],
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("facts", self.facts()).finish_non_exhaustive()
    }
}

/// What is known about a message without writing it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Octets in canonical form, before dots are doubled: the value of SIZE=
    /// (RFC 1870 §3).
    pub size: u64,
    /// Some octet of the body is above 127, and the server is to be told so
    /// (RFC 6152).
    pub eight_bit: bool,
    /// Some octet of the header is above 127 (RFC 6532).
    pub utf8_header: bool,
    /// It is no lines: only BDAT carries it (RFC 3030 §3).
    pub binary: bool,
    /// The Message-ID with its angle brackets.
    pub message_id: Option<String>,
}

impl Message {
    /// What is known without writing it.
    pub fn facts(&self) -> &Facts {
        &self.rendering.facts
    }

    /// What was done to give it this form.
    pub fn changes(&self) -> &[Change] {
        &self.rendering.changes
    }

    /// The form of this message for a way of this width: itself, where that is
    /// fit, else one whose leaves are encoded anew and whose fields are in
    /// US-ASCII. It is made once, for which the body is read twice.
    pub fn fitted(&self, width: Width) -> Result<&Message, Unfit> {
        let Some(slot) = self.slot(width) else { return Ok(self) };
        let form = &self.narrower[slot];
        if let Some(form) = form.get() {
            return Ok(form);
        }
        let recipe = self.recipe.as_ref().ok_or(Unfit::Signed)?;
        let made = Box::new(Message::from(recipe.render(width, self.repairs)?));
        Ok(form.get_or_init(|| made))
    }

    /// That form, with everything else let go, and what was done to give it;
    /// the message itself where [`Message::fitted`] has not made one.
    fn into_made(mut self, width: Width) -> (Message, Vec<Change>) {
        match self.slot(width).and_then(|slot| self.narrower[slot].take()) {
            Some(form) => {
                let changes = form.changes().to_vec();
                (*form, changes)
            }
            None => (self, Vec::new()),
        }
    }

    /// Which of the narrower forms it is; `None` where this one fits.
    fn slot(&self, width: Width) -> Option<usize> {
        let Facts { eight_bit, utf8_header, binary, .. } = *self.facts();
        let is_needed = [eight_bit, utf8_header, binary];
        let is_given = [width.eight_bit, width.utf8_header, width.binary];
        let lacks = |at: usize| is_needed[at] && !is_given[at];
        if !(0..3).any(lacks) {
            return None;
        }
        // What is given without need makes no other form.
        Some((0..3).map(|at| usize::from(lacks(at)) << at).sum())
    }

    /// Begins to write the canonical octets: every line ends in CRLF, there is
    /// no other CR or LF and no NUL, and the last line is ended; or, of what is
    /// [binary](Facts::binary), the octets as they are. Fails when a
    /// file is no longer as it was measured; so does every later read, with an
    /// [`std::io::Error`] that holds an [`Error`].
    pub fn open(&self) -> Result<Octets<'_>, Error> {
        Octets::over(&self.rendering.pieces)
    }

    /// The widest form of what this makes.
    fn of(recipe: Box<dyn Recipe>, repairs: Repairs) -> Result<Self, Unfit> {
        let rendering = recipe.render(Width::WIDE, repairs)?;
        Ok(Message { recipe: Some(recipe), repairs, ..Message::from(rendering) })
    }
}

/// What gives a message a form.
trait Recipe: Send + Sync {
    /// The pieces that a way of this width carries, where this may be changed
    /// for it.
    fn render(&self, width: Width, repairs: Repairs) -> Result<Rendering, Unfit>;
}

/// One form of a message.
struct Rendering {
    pieces: Vec<Piece>,
    facts: Facts,
    changes: Vec<Change>,
}

impl Rendering {
    /// Puts the pieces together behind a header, which ends with its empty
    /// line unless there is nothing behind it.
    fn new(
        header: Vec<u8>,
        body: Vec<Piece>,
        message_id: Option<String>,
        changes: Vec<Change>,
    ) -> Self {
        let utf8_header = !header.is_ascii();
        let eight_bit = body.iter().any(Piece::is_eight_bit);
        let binary = body.iter().any(|piece| matches!(piece, Piece::Raw(_)));
        let mut pieces = vec![Piece::Held(header)];
        pieces.extend(body);
        let size = pieces.iter().map(Piece::size).sum();
        Rendering {
            pieces,
            facts: Facts { size, eight_bit, utf8_header, binary, message_id },
            changes,
        }
    }
}

impl From<Rendering> for Message {
    /// A message that has this form and no other.
    fn from(rendering: Rendering) -> Self {
        let (repairs, narrower) = Default::default();
        Message { rendering, recipe: None, repairs, narrower }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn a_message_may_go_to_another_thread() {
        fn is_send<T: Send>() {}
        is_send::<Message>();
        is_send::<Octets<'_>>();
        is_send::<Error>();
    }

    #[test]
    fn several_readers_do_not_disturb_each_other() {
        let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        std::fs::write(&path, "a line\n".repeat(20_000)).unwrap();
        let additions = Additions {
            date: "2026-11-23T04:03:37+01:00[+01:00]".parse().unwrap(),
            message_id: None,
            from: addresses("a@x.example").unwrap(),
        };
        let message = complete(Source::open(&*path).unwrap(), &additions, Repairs::default())
            .unwrap()
            .message;
        let (mut one, mut two) = (message.open().unwrap(), message.open().unwrap());
        let (mut first, mut second) = (vec![0; 50_000], Vec::new());
        one.read_exact(&mut first).unwrap();
        two.read_to_end(&mut second).unwrap();
        one.read_to_end(&mut first).unwrap();
        assert!(first == second && second.len() as u64 == message.facts().size);
    }
}
