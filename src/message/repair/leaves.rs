//! Leaves in another transfer encoding (RFC 2045 §6, RFC 6152 §3): those that
//! the way cannot carry are encoded anew, the others stay octet for octet, and
//! so do the lines between them.

use super::content::{Content, Encoding};
use super::structure::{self, Body, Entity, Item, canonical};
use super::{Repair, Repairs, Unfit, Width, fields};
use crate::message::Source;
use crate::message::complete::split;
use crate::message::header::field_name;
use crate::message::octets::{EncodedStretch, Piece};
use crate::message::text::Text;
use crate::message::transfer::Transfer;
use std::ops::Range;
use std::sync::Arc;

/// A body that was made fit.
#[derive(Debug)]
pub(in crate::message) struct Repaired {
    pub(in crate::message) pieces: Vec<Piece>,
    /// What its Content-Transfer-Encoding is now, where that has changed.
    pub(in crate::message) encoding: Option<&'static str>,
    /// How many leaves were encoded anew.
    pub(in crate::message) leaves: u64,
    /// Lines around the parts, which nobody reads, were changed.
    pub(in crate::message) around: bool,
}

/// Makes the body in this range fit, whose header says this.
pub(in crate::message) fn body(
    source: &Arc<Source>,
    range: Range<u64>,
    content: Content,
    width: Width,
    repairs: Repairs,
) -> Result<Repaired, Unfit> {
    let entity = structure::body(source, range, content)?;
    Repairer { source, width, repairs, pieces: Vec::new(), leaves: 0, around: false }.whole(&entity)
}

/// Makes the whole message in this range fit, header and all, that is part of
/// another.
pub(in crate::message) fn attached(
    source: &Arc<Source>,
    range: Range<u64>,
    width: Width,
    repairs: Repairs,
) -> Result<Repaired, Unfit> {
    let entity = structure::message(source, range)?;
    let mut repairer =
        Repairer { source, width, repairs, pieces: Vec::new(), leaves: 0, around: false };
    repairer.entity(&entity, None)?;
    let Repairer { pieces, leaves, around, .. } = repairer;
    Ok(Repaired { pieces, encoding: None, leaves, around })
}

struct Repairer<'a> {
    source: &'a Arc<Source>,
    width: Width,
    repairs: Repairs,
    pieces: Vec<Piece>,
    leaves: u64,
    around: bool,
}

impl Repairer<'_> {
    fn whole(mut self, entity: &Entity) -> Result<Repaired, Unfit> {
        let encoding = self.body(entity, None)?;
        let Repairer { pieces, leaves, around, .. } = self;
        Ok(Repaired { pieces, encoding, leaves, around })
    }

    /// Writes an entity with its header. `seal` is the multipart around it
    /// whose parts may not change.
    fn entity(&mut self, entity: &Entity, seal: Option<&str>) -> Result<(), Unfit> {
        let at = self.pieces.len();
        let encoding = self.body(entity, seal)?;
        let header = self.header(entity, encoding, seal)?;
        self.pieces.splice(at..at, header);
        Ok(())
    }

    /// The header of an entity whose body has this encoding now.
    fn header(
        &self,
        entity: &Entity,
        encoding: Option<&'static str>,
        seal: Option<&str>,
    ) -> Result<Vec<Piece>, Unfit> {
        let text = self.measured(entity.header.clone())?;
        // RFC 5321 §4.1.1.4: fields have no encoding for it.
        if let Some(at) = text.nul() {
            return Err(self.source.nul(at).into());
        }
        let is_wide = text.is_eight_bit() && !self.width.eight_bit;
        let is_long = self.has_long_line(&text)?;
        if encoding.is_none() && !is_wide && !is_long {
            return Ok(text.into_pieces().collect());
        }
        if let Some(seal) = seal {
            return Err(Unfit::Sealed(seal.to_owned()));
        }
        let mut octets = canonical(self.source, entity.header.clone())?;
        if is_wide {
            octets = fields::seven_bit(&octets)?;
        }
        if is_long {
            octets = fields::refolded(&octets).map_err(Unfit::Endless)?;
        }
        if let Some(encoding) = encoding {
            octets = relabelled(&octets, encoding);
        }
        Ok(vec![Piece::Held(octets)])
    }

    /// Writes the body of an entity; what its encoding is now, where that has
    /// changed.
    fn body(&mut self, entity: &Entity, seal: Option<&str>) -> Result<Option<&'static str>, Unfit> {
        let essence = entity.content.essence.as_str();
        match &entity.body {
            Body::Leaf(range) => self.leaf(&entity.content, range.clone(), seal),
            Body::Message(inner) => {
                self.entity(inner, seal)?;
                Ok(self.container(&entity.content, seal))
            }
            Body::Multipart(items) => {
                let inner_seal = seal.or(entity.content.is_sealed().then_some(essence));
                // Without any part it is no multipart, and what it says is read.
                let has_parts = items.iter().any(|item| matches!(item, Item::Part(_)));
                for item in items {
                    match item {
                        Item::Between(range) => {
                            self.between(&entity.content, range.clone(), seal, has_parts)?;
                        }
                        Item::Part(part) => self.entity(part, inner_seal)?,
                    }
                }
                Ok(self.container(&entity.content, seal))
            }
        }
    }

    /// The label of what holds entities that are all of seven bits now (RFC
    /// 2045 §6.4).
    fn container(&self, content: &Content, seal: Option<&str>) -> Option<&'static str> {
        (!self.width.eight_bit && content.is_wide && seal.is_none()).then_some("7bit")
    }

    /// Lines that belong to no part, the delimiters among them: what they say
    /// is for nobody (RFC 2046 §5.1.1).
    fn between(
        &mut self,
        content: &Content,
        range: Range<u64>,
        seal: Option<&str>,
        has_parts: bool,
    ) -> Result<(), Unfit> {
        let text = self.measured(range)?;
        if !self.is_unfit(&text)? {
            self.pieces.extend(text.into_pieces());
            return Ok(());
        }
        if let Some(seal) = seal {
            return Err(Unfit::Sealed(seal.to_owned()));
        }
        let is_plain = content.boundary.as_ref().is_some_and(|boundary| boundary.is_ascii());
        if !is_plain || !has_parts {
            return Err(Unfit::Composite(content.essence.clone()));
        }
        let stretch = text.into_stretch()?;
        let written = EncodedStretch::measure(stretch, Transfer::Ignorable)?;
        self.pieces.push(Piece::Encoded(written));
        self.around = true;
        Ok(())
    }

    fn leaf(
        &mut self,
        content: &Content,
        range: Range<u64>,
        seal: Option<&str>,
    ) -> Result<Option<&'static str>, Unfit> {
        let text = self.measured(range)?;
        let is_harmed = seal.is_none() && content.is_data() && text.is_uneven();
        if !self.is_unfit(&text)? && !is_harmed {
            self.pieces.extend(text.into_pieces());
            return Ok(None);
        }
        if let Some(seal) = seal {
            return Err(Unfit::Sealed(seal.to_owned()));
        }
        let transfer = transfer(content, &text)?;
        let stretch = text.into_stretch()?;
        self.pieces.push(Piece::Encoded(EncodedStretch::measure(stretch, transfer)?));
        self.leaves += 1;
        Ok(transfer.label())
    }

    fn is_unfit(&self, text: &Text) -> Result<bool, Unfit> {
        let is_wide = text.is_eight_bit() && !self.width.eight_bit;
        Ok(self.has_long_line(text)? || is_wide || text.nul().is_some())
    }

    /// True where there is a long line that may not stay.
    fn has_long_line(&self, text: &Text) -> Result<bool, Unfit> {
        match self.repairs.long_lines {
            _ if text.long_line().is_none() => Ok(false),
            Repair::Reencode => Ok(true),
            Repair::Reject => Err(Unfit::Rejected),
            Repair::Pass => Ok(false),
        }
    }

    fn measured(&self, range: Range<u64>) -> Result<Text, Unfit> {
        Ok(Text::measure(self.source, range, self.repairs.stray_cr)?)
    }
}

/// How a leaf is to be written: a text by the shorter of the two
/// encodings, data as base64, and what is encoded already with lines of
/// lengths that fit.
fn transfer(content: &Content, text: &Text) -> Result<Transfer, Unfit> {
    match &content.encoding {
        // What should not have been encoded and is, stays so.
        Encoding::Base64 => Ok(Transfer::Rewrapped),
        Encoding::QuotedPrintable => Ok(Transfer::Requoted),
        Encoding::Lines | Encoding::Binary | Encoding::Other(_) if content.is_composite() => {
            Err(Unfit::Composite(content.essence.clone()))
        }
        Encoding::Lines if content.is_text() => {
            Ok(Transfer::of_text(text.sum(|tally| tally.size), text.sum(|tally| tally.high)))
        }
        Encoding::Binary if !content.is_text() => Ok(Transfer::Data),
        Encoding::Lines | Encoding::Binary => Ok(Transfer::Base64),
        Encoding::Other(name) => Err(Unfit::Encoding(name.clone())),
    }
}

/// A header with this Content-Transfer-Encoding in place of its own.
pub(in crate::message) fn relabelled(header: &[u8], encoding: &str) -> Vec<u8> {
    let (fields, end) = match header.strip_suffix(b"\r\n\r\n") {
        Some(_) => header.split_at(header.len() - 2),
        None if header == b"\r\n" => (&b""[..], header),
        None => (header, &b""[..]),
    };
    let mut octets = Vec::with_capacity(header.len() + 40);
    for field in split(fields) {
        if !field_name(field).eq_ignore_ascii_case(b"Content-Transfer-Encoding") {
            octets.extend_from_slice(field);
        }
    }
    octets.extend_from_slice(format!("Content-Transfer-Encoding: {encoding}\r\n").as_bytes());
    octets.extend_from_slice(end);
    octets
}
