//! The parts of a message (RFC 2045, 2046).

use super::encode::Encoded;
use super::header::Header;
use super::octets::Piece;
use super::{Error, stamp};

/// A MIME entity: its own fields, and what stands behind their empty line.
#[derive(Debug)]
pub(super) struct Part {
    /// `type/subtype`.
    pub(super) media_type: String,
    pub(super) header: Header,
    pub(super) body: Vec<Piece>,
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

    fn of_text(subtype: &str, parameter: &str, text: &[u8]) -> Result<Self, Error> {
        let Encoded { charset, encoding, octets } = Encoded::text(text);
        let mut header = Header::default();
        let media_type = format!("text/{subtype}");
        let value = format!("{media_type}; charset={charset}{parameter}");
        header.structured("Content-Type", &value)?;
        header.structured("Content-Transfer-Encoding", encoding)?;
        Ok(Part { media_type, header, body: vec![Piece::Held(octets)] })
    }

    /// RFC 2046 §5.1.1. The CRLF before each delimiter belongs to it.
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
        // RFC 2045 §6.4: as wide as the widest of its parts.
        if parts.iter().flat_map(|part| &part.body).any(Piece::is_eight_bit) {
            header.structured("Content-Transfer-Encoding", "8bit")?;
        }
        let mut body = Vec::new();
        let mut between = Vec::new();
        for mut part in parts {
            between.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
            part.header.end();
            between.extend(part.header.into_octets());
            body.push(Piece::Held(std::mem::take(&mut between)));
            body.extend(part.body);
            between.extend_from_slice(b"\r\n");
        }
        between.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        body.push(Piece::Held(between));
        Ok(Part { media_type, header, body })
    }
}

/// RFC 3676 §4.
const FLOWED: &str = "; format=flowed";
