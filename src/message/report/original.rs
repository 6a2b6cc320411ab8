//! The message that a report is about, whole or its header (RFC 6522 §3, §4;
//! RFC 6533 §4.2, §4.3).

use super::super::canonical::{LONGEST_LINE, StrayCr};
use super::super::complete::split;
use super::super::encode::Encoder;
use super::super::header::{field_body, field_name};
use super::super::octets::{EncodedStretch, Piece};
use super::super::part::Part;
use super::super::repair::{attached, header_of};
use super::super::text::Text;
use super::super::transfer::Transfer;
use super::super::{Error, MessageId, Repairs, Source, Unfit, Width};
use super::{cut, decoded, harmless, leaf};
use std::ops::Range;
use std::sync::Arc;

/// A message as it was taken: its canonical octets within a source.
#[derive(Clone, Debug)]
pub struct Original {
    /// Where it is.
    pub source: Arc<Source>,
    /// Which of the octets there are its own.
    pub range: Range<u64>,
}

/// Its header, without the empty line behind it.
pub(super) struct Head(Vec<u8>);

impl Original {
    pub(super) fn size(&self) -> u64 {
        self.range.end - self.range.start
    }

    /// Its header; `None` where that is too large.
    pub(super) fn head(&self) -> Result<Option<Head>, Error> {
        match header_of(&self.source, self.range.clone()) {
            Ok(octets) => Ok(Some(Head(octets))),
            Err(unfit) => failure(unfit).map_or(Ok(None), Err),
        }
    }

    /// The whole of it, if that has a form for a way that carries `eight_bit`,
    /// or `utf8` even in headers.
    pub(super) fn whole(
        &self,
        head: &Head,
        eight_bit: bool,
        utf8: bool,
    ) -> Result<Option<Part>, Error> {
        let text = Text::measure(&self.source, self.range.clone(), StrayCr::Space)?;
        let is_sound = text.nul().is_none() && text.long_line().is_none();
        if head.is_in_utf8() {
            return in_utf8(text, utf8 && is_sound).map(Some);
        }
        let fits = is_sound && (eight_bit || !text.is_eight_bit());
        let pieces: Vec<Piece> = if fits {
            text.into_pieces().collect()
        } else {
            let width = Width { eight_bit, utf8_header: utf8, binary: false };
            let range = self.range.clone();
            match attached(&self.source, range, width, Repairs::default()) {
                Ok(repaired) => repaired.pieces,
                Err(unfit) => return failure(unfit).map_or(Ok(None), Err),
            }
        };
        let is_wide = pieces.iter().any(Piece::is_eight_bit);
        leaf("message/rfc822", if is_wide { "8bit" } else { "7bit" }, pieces).map(Some)
    }
}

/// A message whose header is in UTF-8: as it is, or all of it encoded (RFC 6533
/// §4.5).
fn in_utf8(text: Text, fits: bool) -> Result<Part, Error> {
    if fits {
        return leaf("message/global", "8bit", text.into_pieces().collect());
    }
    let transfer = Transfer::of_text(text.sum(|tally| tally.size), text.sum(|tally| tally.high));
    let encoded = EncodedStretch::measure(text.into_stretch()?, transfer)?;
    let label = transfer.label().expect("what is encoded afresh has a label");
    leaf("message/global", label, vec![Piece::Encoded(encoded)])
}

/// What keeps the message from being read. That it cannot be given a form, or
/// is built too oddly, only keeps it out of the report.
fn failure(unfit: Unfit) -> Option<Error> {
    let Unfit::Failed(error) = unfit else { return None };
    matches!(error, Error::Unreadable { .. } | Error::Changed(_)).then_some(error)
}

impl Head {
    /// The header alone.
    pub(super) fn part(&self, utf8: bool) -> Result<Part, Error> {
        let Head(octets) = self;
        let (media_type, may_stand) = if self.is_in_utf8() {
            ("message/global-headers", utf8)
        } else {
            ("text/rfc822-headers", octets.is_ascii())
        };
        let is_short = octets.split(|&b| b == b'\n').all(|line| line.len() <= LONGEST_LINE + 1);
        if may_stand && is_short && !octets.contains(&0) {
            let encoding = if octets.is_ascii() { "7bit" } else { "8bit" };
            return leaf(media_type, encoding, vec![Piece::Held(octets.clone())]);
        }
        let (mut encoder, mut quoted) = (Encoder::quoted_printable(), Vec::new());
        encoder.feed(octets, &mut quoted);
        encoder.end(&mut quoted);
        leaf(media_type, "quoted-printable", vec![Piece::Held(quoted)])
    }

    /// What it is about, as people read it.
    pub(super) fn subject(&self) -> Option<String> {
        self.text("Subject", LONGEST_SUBJECT)
    }

    /// When it was written, as it says.
    pub(super) fn date(&self) -> Option<String> {
        self.text("Date", LONGEST_DATE)
    }

    pub(super) fn message_id(&self) -> Option<MessageId> {
        self.field("Message-ID")?.parse().ok()
    }

    /// RFC 6532 §3.2.
    fn is_in_utf8(&self) -> bool {
        !self.0.is_ascii() && std::str::from_utf8(&self.0).is_ok()
    }

    fn text(&self, name: &str, longest: usize) -> Option<String> {
        let text = self.field(name)?;
        let text = harmless(&decoded(&text).unwrap_or(text));
        Some(cut(text.trim(), longest)).filter(|text| !text.is_empty())
    }

    /// The value of the first field of this name, in one line.
    fn field(&self, name: &str) -> Option<String> {
        let is_named = |field: &&[u8]| field_name(field).eq_ignore_ascii_case(name.as_bytes());
        let field = split(&self.0).find(is_named)?;
        let text = String::from_utf8_lossy(field_body(field)).replace("\r\n", "");
        Some(text.trim().to_owned())
    }
}

/// In characters.
const LONGEST_SUBJECT: usize = 200;
const LONGEST_DATE: usize = 60;
