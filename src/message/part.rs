//! The parts of a message (RFC 2045, 2046).

use super::canonical::StrayCr;
use super::encode::Encoded;
use super::header::Header;
use super::octets::Piece;
use super::repair::attached;
use super::text::Text;
use super::{Error, Repair, Repairs, Source, Unfit, Width, stamp};
use std::sync::Arc;

/// A MIME entity: its own fields, and what stands behind their empty line.
#[derive(Debug)]
pub(super) struct Part {
    /// `type/subtype`.
    pub(super) media_type: String,
    pub(super) header: Header,
    pub(super) body: Body,
}

/// What a part holds.
#[derive(Debug)]
pub(super) enum Body {
    /// What is labelled already.
    Leaf(Vec<Piece>),
    /// A message (RFC 2046 §5.2.1), which has no encoding but its label.
    Message(Arc<Source>, Text),
    /// Parts, with the boundary between them.
    Multipart { boundary: String, parts: Vec<Part> },
}

/// What a message holds.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) text: Option<Vec<u8>>,
    /// The text is of format=flowed.
    pub(super) is_flowed: bool,
    pub(super) html: Option<String>,
    /// What the HTML shows.
    pub(super) inline: Vec<Part>,
    pub(super) attachments: Vec<Part>,
}

impl Part {
    /// The body of a message: mixed, related and alternative, from the outside
    /// to the inside, each where there is more than one part for it.
    pub(super) fn of_content(content: Content) -> Result<Self, Error> {
        let Content { text, is_flowed, html, inline, attachments } = content;
        let text =
            text.map(|text| Part::of_text("plain", if is_flowed { FLOWED } else { "" }, &text));
        let html = html.map(|html| Part::of_text("html", "", html.as_bytes()));
        let readable = match (text.transpose()?, html.transpose()?) {
            // RFC 2046 §5.1.4: the plainest first.
            (Some(text), Some(html)) => Some(Part::multipart("alternative", vec![text, html])?),
            (text, html) => text.or(html),
        };
        let mut parts: Vec<Part> = readable.into_iter().collect();
        if !inline.is_empty() {
            parts.extend(inline);
            parts = vec![Part::multipart("related", parts)?];
        }
        if parts.is_empty() && attachments.is_empty() {
            return Part::of_text("plain", "", b"");
        }
        if attachments.is_empty()
            && let Some(part) = parts.pop()
        {
            return Ok(part);
        }
        parts.extend(attachments);
        Part::multipart("mixed", parts)
    }

    pub(super) fn of_text(subtype: &str, parameter: &str, text: &[u8]) -> Result<Self, Error> {
        let Encoded { charset, encoding, octets } = Encoded::text(text);
        let mut header = Header::default();
        let media_type = format!("text/{subtype}");
        let value = format!("{media_type}; charset={charset}{parameter}");
        header.structured("Content-Type", &value)?;
        header.structured("Content-Transfer-Encoding", encoding)?;
        let body = Body::Leaf(vec![Piece::Held(octets)]);
        Ok(Part { media_type, header, body })
    }

    fn multipart(subtype: &str, parts: Vec<Part>) -> Result<Self, Error> {
        let boundary = stamp::boundary()?;
        let mut header = Header::default();
        let media_type = format!("multipart/{subtype}");
        let mut parameters = vec![("boundary", boundary.as_str())];
        // RFC 2387 §3.1: what the first part is.
        if subtype == "related" {
            parameters.extend(parts.first().map(|root| ("type", root.media_type.as_str())));
        }
        header.parameters("Content-Type", &media_type, parameters);
        let body = Body::Multipart { boundary, parts };
        Ok(Part { media_type, header, body })
    }

    /// Header and body for a way of this width.
    pub(super) fn render(
        &self,
        width: Width,
        repairs: Repairs,
    ) -> Result<(Vec<u8>, Vec<Piece>), Unfit> {
        let body = match &self.body {
            Body::Leaf(pieces) => return Ok((self.header.octets().to_vec(), pieces.clone())),
            Body::Message(source, text) => {
                let is_passed = repairs.eight_bit == Repair::Pass;
                let width = Width { eight_bit: width.eight_bit || is_passed, ..width };
                let too_wide = text.is_eight_bit() && !width.eight_bit;
                if too_wide && repairs.eight_bit == Repair::Reject {
                    return Err(Unfit::Rejected);
                }
                if too_wide || text.nul().is_some() || text.long_line().is_some() {
                    attached(source, 0..source.length(), width, repairs)?.pieces
                } else {
                    text.clone().into_pieces().collect()
                }
            }
            Body::Multipart { boundary, parts } => multipart(boundary, parts, width, repairs)?,
        };
        let mut header = self.header.octets().to_vec();
        // RFC 2045 §6.4: as wide as the widest of what it holds.
        let label = match &self.body {
            _ if body.iter().any(Piece::is_eight_bit) => Some("8bit"),
            Body::Message(..) => Some("7bit"),
            Body::Leaf(_) | Body::Multipart { .. } => None,
        };
        if let Some(label) = label {
            header.extend_from_slice(format!("Content-Transfer-Encoding: {label}\r\n").as_bytes());
        }
        Ok((header, body))
    }

    /// A message that is attached.
    pub(super) fn of_message(
        media_type: String,
        header: Header,
        source: Source,
    ) -> Result<Self, Error> {
        let source = Arc::new(source);
        let text = Text::measure(&source, 0..source.length(), StrayCr::Space)?;
        Ok(Part { media_type, header, body: Body::Message(source, text) })
    }
}

/// RFC 2046 §5.1.1. The CRLF before each delimiter belongs to it.
fn multipart(
    boundary: &str,
    parts: &[Part],
    width: Width,
    repairs: Repairs,
) -> Result<Vec<Piece>, Unfit> {
    let mut body = Vec::new();
    let mut between = Vec::new();
    for part in parts {
        let (header, pieces) = part.render(width, repairs)?;
        between.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
        between.extend(header);
        between.extend_from_slice(b"\r\n");
        body.push(Piece::Held(std::mem::take(&mut between)));
        body.extend(pieces);
        between.extend_from_slice(b"\r\n");
    }
    between.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    body.push(Piece::Held(between));
    Ok(body)
}

/// RFC 3676 §4.
const FLOWED: &str = "; format=flowed";
