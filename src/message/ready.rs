//! The recipe of a ready message, and the labels it lacks.

use super::complete::split;
use super::header::field_name;
use super::octets::Piece;
use super::repair::{Content, body, relabelled, seven_bit};
use super::text::Text;
use super::{Change, Error, Message, Recipe, Rendering, Repair, Repairs, Source, Unfit, Width};
use std::ops::Range;
use std::sync::Arc;

/// The recipe of a ready message.
#[derive(Debug)]
pub(super) struct ReadyRecipe {
    /// Its fields, without the empty line behind them.
    pub(super) header: Vec<u8>,
    pub(super) content: Content,
    pub(super) has_body: bool,
    /// It bears a DKIM signature.
    pub(super) is_signed: bool,
    pub(super) source: Arc<Source>,
    pub(super) range: Range<u64>,
    pub(super) text: Text,
    pub(super) message_id: Option<String>,
}

impl Recipe for ReadyRecipe {
    fn render(&self, width: Width, repairs: Repairs) -> Result<Rendering, Unfit> {
        let mut changes = Vec::new();
        let mut header = self.header.clone();
        if !width.utf8_header && !header.is_ascii() {
            self.may_change()?;
            header = seven_bit(&header)?;
            changes.push(Change::HeaderEncoded);
        }
        let too_wide = self.text.is_eight_bit() && !width.eight_bit;
        let is_passed = too_wide && repairs.eight_bit == Repair::Pass;
        let width = Width { eight_bit: width.eight_bit || is_passed, ..width };
        let mut pieces = if too_wide && !is_passed || self.is_unsound(repairs) {
            self.repaired(width, repairs, &mut header, &mut changes)?
        } else {
            self.text.clone().into_pieces().collect()
        };
        if self.text.is_unended() {
            pieces.push(Piece::Held(b"\r\n".to_vec()));
        }
        if self.has_body {
            header.extend_from_slice(b"\r\n");
        }
        let mut rendering = Rendering::new(header, pieces, self.message_id.clone(), changes);
        rendering.facts.eight_bit &= !is_passed;
        Ok(rendering)
    }
}

impl ReadyRecipe {
    pub(super) fn into_message(self, repairs: Repairs) -> Result<Message, Error> {
        let text = &self.text;
        let fault = text.nul().map(|at| (at, true)).or(text.long_line().map(|at| (at, false)));
        let source = Arc::clone(&self.source);
        Message::of(Box::new(self), repairs).map_err(|unfit| match (unfit, fault) {
            (Unfit::Failed(error), _) => error,
            (reason, Some((at, is_nul))) => {
                let fault = if is_nul { source.nul(at) } else { source.long_line(at) };
                Error::Unfit { fault: Box::new(fault), reason: Box::new(reason) }
            }
            (_, None) => source.changed(),
        })
    }

    /// No way carries it, however wide.
    fn is_unsound(&self, repairs: Repairs) -> bool {
        let reencode = repairs.long_lines == Repair::Reencode;
        let is_too_long = self.text.long_line().is_some() && reencode;
        // Data whose line ends would change.
        let is_harmed = !self.is_signed && self.content.is_binary() && self.text.is_uneven();
        self.text.nul().is_some() || is_too_long || is_harmed
    }

    /// The body with the leaves encoded anew that the way does not carry, and
    /// the header with the labels that they need.
    fn repaired(
        &self,
        width: Width,
        repairs: Repairs,
        header: &mut Vec<u8>,
        changes: &mut Vec<Change>,
    ) -> Result<Vec<Piece>, Unfit> {
        self.may_change()?;
        if self.text.is_eight_bit() && !width.eight_bit && repairs.eight_bit == Repair::Reject {
            return Err(Unfit::Rejected);
        }
        let content = self.content.clone();
        let done = body(&self.source, self.range.clone(), content, width, repairs)?;
        if done.leaves > 0 {
            *header = with_version(std::mem::take(header), changes);
            changes.push(Change::Reencoded(done.leaves));
        }
        if done.around {
            changes.push(Change::Around);
        }
        if let Some(encoding) = done.encoding {
            *header = relabelled(header, encoding);
        }
        Ok(done.pieces)
    }

    fn may_change(&self) -> Result<(), Unfit> {
        if self.is_signed { Err(Unfit::Signed) } else { Ok(()) }
    }
}

/// Labels what is 8-bit and does not say so: RFC 5322 alone allows US-ASCII
/// only (RFC 2049 §2), and a text without a charset is US-ASCII (RFC 2046
/// §4.1.2).
pub(super) fn labelled(
    mut header: Vec<u8>,
    source: &Source,
    text: &Text,
    changes: &mut Vec<Change>,
) -> Result<Vec<u8>, Error> {
    let content = Content::of(&header, "text/plain");
    if !text.is_eight_bit() {
        return Ok(header);
    }
    let is_one = !content.is_multipart();
    if is_one && content.is_text() && content.charset.is_none() {
        let charset = if text.is_utf8(source)? { "utf-8" } else { UNKNOWN };
        header = with_charset(&header, &content, charset);
        changes.push(Change::Labelled(charset));
    }
    header = with_version(header, changes);
    if is_one && content.is_unlabelled() {
        header = relabelled(&header, "8bit");
        changes.push(Change::Widened);
    }
    Ok(header)
}

/// RFC 6532 §3.2: a header is US-ASCII or UTF-8. Fields that are neither are
/// written as encoded-words, where they may.
pub(super) fn in_utf8(header: Vec<u8>, changes: &mut Vec<Change>) -> Vec<u8> {
    if std::str::from_utf8(&header).is_ok() {
        return header;
    }
    let mut octets = Vec::with_capacity(header.len() + 64);
    for field in split(&header) {
        match std::str::from_utf8(field).is_err().then(|| seven_bit(field)) {
            Some(Ok(encoded)) => octets.extend(encoded),
            Some(Err(_)) | None => octets.extend_from_slice(field),
        }
    }
    if octets != header {
        changes.push(Change::HeaderEncoded);
    }
    octets
}

/// RFC 1428 §2: the name for octets of which nothing is known.
const UNKNOWN: &str = "unknown-8bit";

/// The header with this charset in its Content-Type, or with a Content-Type.
fn with_charset(header: &[u8], content: &Content, charset: &str) -> Vec<u8> {
    let mut octets = Vec::with_capacity(header.len() + 48);
    let mut is_done = false;
    for field in split(header) {
        let is_type = field_name(field).eq_ignore_ascii_case(b"Content-Type");
        if !is_type {
            octets.extend_from_slice(field);
        } else if content.is_typed && !is_done {
            let body = field.trim_ascii_end();
            octets.extend_from_slice(body.strip_suffix(b";").unwrap_or(body));
            octets.extend_from_slice(format!(";\r\n charset={charset}\r\n").as_bytes());
            is_done = true;
        }
    }
    if !is_done {
        let field = format!("Content-Type: text/plain; charset={charset}\r\n");
        octets.extend_from_slice(field.as_bytes());
    }
    octets
}

/// RFC 2045 §4: without it no label counts.
fn with_version(mut header: Vec<u8>, changes: &mut Vec<Change>) -> Vec<u8> {
    if !split(&header).any(|field| field_name(field).eq_ignore_ascii_case(b"MIME-Version")) {
        header.extend_from_slice(b"MIME-Version: 1.0\r\n");
        changes.push(Change::Added("MIME-Version"));
    }
    header
}
