//! What an entity says of itself: Content-Type and Content-Transfer-Encoding
//! (RFC 2045 §5, §6).

use super::super::complete::split;
use super::super::parameter::percent_decoded;
use memchr::{memchr, memchr_iter};

/// The content fields of one header, read as leniently as mail needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::message) struct Content {
    /// `type/subtype` in lower case; `text/plain` where nothing is said, or
    /// nothing that could be read (RFC 2045 §5.2).
    pub(in crate::message) essence: String,
    /// Whether a Content-Type that could be read is there.
    pub(in crate::message) is_typed: bool,
    /// The boundary of a multipart.
    pub(super) boundary: Option<Vec<u8>>,
    /// The charset of a text, as it is written there.
    pub(in crate::message) charset: Option<String>,
    /// How the body is encoded.
    pub(super) encoding: Encoding,
    /// The label says that it may hold octets above 127.
    pub(super) is_wide: bool,
}

/// A Content-Transfer-Encoding (RFC 2045 §6.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Lines as they are: 7bit, 8bit, or nothing said.
    Lines,
    /// Octets as they are.
    Binary,
    QuotedPrintable,
    Base64,
    /// One that we do not know.
    Other(String),
}

impl Content {
    /// Reads a header in canonical form. Without Content-Type, the content is
    /// of this type.
    pub(in crate::message) fn of(header: &[u8], default: &str) -> Self {
        let mut content = Content {
            essence: default.to_owned(),
            is_typed: false,
            boundary: None,
            charset: None,
            encoding: Encoding::Lines,
            is_wide: false,
        };
        let mut is_encoded = false;
        for field in split(header) {
            let colon = memchr(b':', field).unwrap_or(field.len());
            let name = field[..colon].trim_ascii_end();
            let body = field.get(colon + 1..).unwrap_or_default();
            if !content.is_typed && name.eq_ignore_ascii_case(b"Content-Type") {
                content.read_type(body);
            } else if !is_encoded && name.eq_ignore_ascii_case(b"Content-Transfer-Encoding") {
                let word = word(body);
                content.is_wide = ["8bit", "binary"].contains(&word.as_str());
                content.encoding = Encoding::of(word);
                is_encoded = true;
            }
        }
        content
    }

    fn read_type(&mut self, body: &[u8]) {
        let mut pieces = pieces(body).into_iter();
        let essence = pieces.next().unwrap_or_default();
        let essence = String::from_utf8_lossy(&essence).trim().to_ascii_lowercase();
        if essence.split('/').filter(|part| !part.is_empty()).count() != 2 {
            return;
        }
        self.is_typed = true;
        self.essence = essence;
        let parameters: Vec<_> = pieces.filter_map(|piece| parameter(&piece)).collect();
        self.boundary = value(&parameters, b"boundary").filter(|value| !value.is_empty());
        let charset = value(&parameters, b"charset");
        self.charset = charset.map(|value| String::from_utf8_lossy(&value).into_owned());
    }

    /// The label, or its lack, says that there are only octets up to 127.
    pub(in crate::message) fn is_unlabelled(&self) -> bool {
        self.encoding == Encoding::Lines && !self.is_wide
    }

    /// The label says that line ends may be no line ends, and lines of any
    /// length. What holds such parts has that label too (RFC 2045 §6.4).
    pub(in crate::message) fn is_binary(&self) -> bool {
        self.encoding == Encoding::Binary
    }

    /// Octets as they are, which are no lines.
    pub(super) fn is_data(&self) -> bool {
        self.is_binary() && !self.is_text() && !self.is_composite()
    }

    /// A type that may not be encoded (RFC 2045 §6.4, RFC 6532 §3.5).
    pub(super) fn is_composite(&self) -> bool {
        self.essence.starts_with("multipart/")
            || self.essence.starts_with("message/") && !self.essence.starts_with("message/global")
    }

    /// What it holds is known by its octets (RFC 1847 §2).
    pub(in crate::message) fn is_sealed(&self) -> bool {
        ["multipart/signed", "multipart/encrypted"].contains(&self.essence.as_str())
    }

    /// The octets are not what they stand for.
    pub(super) fn is_encoded(&self) -> bool {
        matches!(self.encoding, Encoding::Base64 | Encoding::QuotedPrintable)
    }

    pub(in crate::message) fn is_text(&self) -> bool {
        self.essence.starts_with("text/")
    }

    /// True for a type whose body is made of entities that may be changed one
    /// by one.
    pub(in crate::message) fn is_multipart(&self) -> bool {
        self.essence.starts_with("multipart/") && self.boundary.is_some()
    }
}

impl Encoding {
    fn of(word: String) -> Self {
        match word.as_str() {
            "" | "7bit" | "8bit" => Encoding::Lines,
            "binary" => Encoding::Binary,
            "quoted-printable" => Encoding::QuotedPrintable,
            "base64" => Encoding::Base64,
            _ => Encoding::Other(word),
        }
    }
}

/// The first word of a structured body, in lower case.
fn word(body: &[u8]) -> String {
    let word = pieces(body).into_iter().next().unwrap_or_default();
    String::from_utf8_lossy(&word).trim().to_ascii_lowercase()
}

/// The name and the value of a parameter.
fn parameter(piece: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let equals = memchr(b'=', piece)?;
    let name = piece[..equals].trim_ascii().to_ascii_lowercase();
    Some((name, piece[equals + 1..].trim_ascii().to_vec()))
}

/// The value of this name, be it whole, percent-encoded, or in sections (RFC
/// 2231 §3, §4).
fn value(parameters: &[(Vec<u8>, Vec<u8>)], name: &[u8]) -> Option<Vec<u8>> {
    let named = |suffix: &str| {
        let wanted = [name, suffix.as_bytes()].concat();
        parameters.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value)
    };
    let encoded = |value: &Vec<u8>, is_first: bool| {
        let quotes = memchr_iter(b'\'', value).nth(1).filter(|_| is_first);
        percent_decoded(&value[quotes.map_or(0, |at| at + 1)..])
    };
    let whole = named("").cloned().or_else(|| named("*").map(|value| encoded(value, true)));
    whole.or_else(|| {
        let section = |at: usize| {
            let plain = named(&format!("*{at}")).cloned();
            plain.or_else(|| named(&format!("*{at}*")).map(|value| encoded(value, at == 0)))
        };
        let first = section(0)?;
        let rest = (1..).map_while(section).flatten();
        Some(first.into_iter().chain(rest).collect())
    })
}

/// What stands between the semicolons of a structured body, without comments
/// and quotation marks (RFC 2045 §5.1, RFC 5322 §3.2).
pub(super) fn pieces(body: &[u8]) -> Vec<Vec<u8>> {
    let mut pieces = vec![Vec::new()];
    let (mut is_quoted, mut depth) = (false, 0);
    let mut octets = body.iter().copied();
    while let Some(octet) = octets.next() {
        let piece = pieces.last_mut().expect("it begins with one");
        match octet {
            b'\r' | b'\n' => {}
            b'\\' if is_quoted || depth > 0 => {
                let escaped = octets.next();
                piece.extend(escaped.filter(|_| depth == 0));
            }
            b'"' if depth == 0 => is_quoted = !is_quoted,
            b'(' if !is_quoted => depth += 1,
            b')' if !is_quoted && depth > 0 => depth -= 1,
            _ if depth > 0 => {}
            b';' if !is_quoted => pieces.push(Vec::new()),
            b'\t' => piece.push(b' '),
            _ => piece.push(octet),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_fields_are_read_with_comments_quotes_and_folds() {
        // 2045-4/6, 5322-3.4
        for (header, essence, boundary, charset, encoding) in [
            ("", "text/plain", None, None, Encoding::Lines),
            (
                "content-type: TEXT/Html; CHARSET=utf-8\r\n",
                "text/html",
                None,
                Some("utf-8"),
                Encoding::Lines,
            ),
            (
                "Content-Type: multipart/mixed;\r\n\tboundary=\"a b\\\"c;d\"\r\nContent-Transfer-Encoding : 8BIT\r\n",
                "multipart/mixed",
                Some("a b\"c;d"),
                None,
                Encoding::Lines,
            ),
            (
                "Content-Type: (what) text/plain (a; \"b) ; charset = x (y)\r\nContent-Transfer-Encoding: (z) Base64\r\n",
                "text/plain",
                None,
                Some("x"),
                Encoding::Base64,
            ),
            ("Content-Type: text\r\n", "text/plain", None, None, Encoding::Lines),
            (
                "Content-Type:\r\nContent-Transfer-Encoding:x-uuencode\r\n",
                "text/plain",
                None,
                None,
                Encoding::Other("x-uuencode".into()),
            ),
            (
                "Content-Type: multipart/mixed; boundary*0=\"a b\"; boundary*1*=%3Dc; charset*=''x%2Dy\r\n",
                "multipart/mixed",
                Some("a b=c"),
                Some("x-y"),
                Encoding::Lines,
            ),
            ("Content-Type: a/b\r\nContent-Type: c/d\r\n", "a/b", None, None, Encoding::Lines),
        ] {
            let content = Content::of(header.as_bytes(), "text/plain");
            assert_eq!(content.essence, essence, "{header:?}");
            assert_eq!(content.boundary.as_deref(), boundary.map(str::as_bytes), "{header:?}");
            assert_eq!(content.charset.as_deref(), charset, "{header:?}");
            assert_eq!(content.encoding, encoding, "{header:?}");
        }
        assert_eq!(Content::of(b"", "message/rfc822").essence, "message/rfc822");
    }
}
