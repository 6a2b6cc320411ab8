//! The parts of a message (RFC 2045, 2046).

use super::encode::Encoded;
use super::header::Header;
use super::octets::Piece;
use super::{Attachment, Error, stamp};
use mail_builder::headers::content_type::ContentType;

/// A MIME entity: its own fields, and what stands behind their empty line.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) header: Header,
    pub(super) body: Vec<Piece>,
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
        Ok(Part { header, body: vec![Piece::Held(octets)] })
    }

    /// RFC 2046 §5.1.1. The CRLF before each delimiter belongs to it.
    fn multipart(subtype: &str, parts: Vec<Part>) -> Result<Self, Error> {
        let boundary = stamp::boundary()?;
        let mut header = Header::default();
        let value = ContentType::new(format!("multipart/{subtype}"));
        header.built("Content-Type", &value.attribute("boundary", boundary.as_str()));
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
        Ok(Part { header, body })
    }
}
