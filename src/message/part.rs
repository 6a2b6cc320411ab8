//! The parts of a message (RFC 2045, 2046).

use super::canonical::StrayCr;
use super::encode::Encoded;
use super::header::Header;
use super::octets::Piece;
use super::repair::attached;
use super::text::Text;
use super::{Attachment, Error, Repair, Repairs, Source, Unfit, Width, stamp};
use mail_builder::headers::content_type::ContentType;
use std::sync::Arc;

/// A MIME entity: its own fields, and what stands behind their empty line.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) header: Header,
    pub(super) body: Body,
}

/// What a part holds.
#[derive(Debug)]
pub(super) enum Body {
    /// What is of seven bits, and labelled.
    Leaf(Piece),
    /// A message (RFC 2046 §5.2.1), which has no encoding but its label.
    Message(Arc<Source>, Text),
    /// Parts, with the boundary between them.
    Multipart { boundary: String, parts: Vec<Part> },
}

impl Part {
    /// The plainest alternative first (RFC 2046 §5.1.4), then the files.
    pub(super) fn of_body(
        text: Option<Vec<u8>>,
        html: Option<String>,
        attachments: Vec<Attachment>,
    ) -> Result<Self, Error> {
        let mut parts = Vec::new();
        match (text, html) {
            (Some(text), Some(html)) => {
                let both = [("plain", &text[..]), ("html", html.as_bytes())];
                let both = both.map(|(subtype, text)| Part::of_text(subtype, text));
                parts.push(Part::multipart(
                    "alternative",
                    both.into_iter().collect::<Result<_, _>>()?,
                )?);
            }
            (Some(text), None) => parts.push(Part::of_text("plain", &text)?),
            (None, Some(html)) => parts.push(Part::of_text("html", html.as_bytes())?),
            (None, None) if attachments.is_empty() => parts.push(Part::of_text("plain", b"")?),
            (None, None) => {}
        }
        if attachments.is_empty()
            && let Some(part) = parts.pop()
        {
            return Ok(part);
        }
        for attachment in attachments {
            parts.push(attachment.into_part()?);
        }
        Part::multipart("mixed", parts)
    }

    fn of_text(subtype: &str, text: &[u8]) -> Result<Self, Error> {
        let Encoded { charset, encoding, octets } = Encoded::text(text);
        let mut header = Header::default();
        header.structured("Content-Type", &format!("text/{subtype}; charset={charset}"))?;
        header.structured("Content-Transfer-Encoding", encoding)?;
        Ok(Part { header, body: Body::Leaf(Piece::Held(octets)) })
    }

    fn multipart(subtype: &str, parts: Vec<Part>) -> Result<Self, Error> {
        let boundary = stamp::boundary()?;
        let mut header = Header::default();
        let value = ContentType::new(format!("multipart/{subtype}"));
        header.built("Content-Type", &value.attribute("boundary", boundary.as_str()));
        Ok(Part { header, body: Body::Multipart { boundary, parts } })
    }

    /// Header and body for a way of this width.
    pub(super) fn render(
        &self,
        width: Width,
        repairs: Repairs,
    ) -> Result<(Vec<u8>, Vec<Piece>), Unfit> {
        let body = match &self.body {
            Body::Leaf(piece) => return Ok((self.header.octets().to_vec(), vec![piece.clone()])),
            Body::Message(source, text) => {
                let is_passed = repairs.eight_bit == Repair::Pass;
                let width = Width { eight_bit: width.eight_bit || is_passed, ..width };
                let too_wide = text.is_eight_bit() && !width.eight_bit;
                if too_wide && repairs.eight_bit == Repair::Reject {
                    return Err(Unfit::Rejected);
                }
                if too_wide || text.nul().is_some() || text.long_line().is_some() {
                    attached(source, width, repairs)?.pieces
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
    pub(super) fn of_message(header: Header, source: Source) -> Result<Self, Error> {
        let source = Arc::new(source);
        let text = Text::measure(&source, 0..source.length(), StrayCr::Space)?;
        Ok(Part { header, body: Body::Message(source, text) })
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
