//! Attachments: what they are called and what they are (RFC 2183, 2231).

use super::header::{Header, is_token};
use super::octets::Piece;
use super::part::{Body, Part};
use super::{Error, Source};
use mail_builder::headers::content_type::ContentType;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file to send with a message. It is opened once and read when the message
/// is written.
#[derive(Debug)]
pub struct Attachment {
    /// Its octets.
    pub source: Source,
    /// What it is called there; `None` takes the last part of its path.
    pub name: Option<String>,
    /// `type/subtype`, with parameters if need be; `None` goes by the name.
    pub media_type: Option<String>,
}

impl Attachment {
    /// A file under its own name.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, Error> {
        Ok(Attachment { source: Source::open(path)?, name: None, media_type: None })
    }

    /// The part of the message.
    pub(super) fn into_part(self) -> Result<Part, Error> {
        let name = self.file_name()?;
        let media_type = match (&self.media_type, &name) {
            (Some(text), _) => MediaType::parse(text)?,
            (None, Some(name)) => MediaType::guess(name),
            (None, None) => MediaType::unknown(),
        };
        let mut header = Header::default();
        header.built("Content-Type", &media_type.value());
        header.built("Content-Disposition", &disposition(name.as_deref()));
        // RFC 2045 §6.4: a message within a message may not be encoded.
        if media_type.essence.starts_with("message/") {
            return Part::of_message(header, self.source);
        }
        header.structured("Content-Transfer-Encoding", "base64")?;
        Ok(Part { header, body: Body::Leaf(Piece::Base64(Arc::new(self.source))) })
    }

    /// The name without a path before it (RFC 2183 §2.3).
    fn file_name(&self) -> Result<Option<String>, Error> {
        let name = match &self.name {
            Some(name) => name.rsplit('/').next().unwrap_or_default().to_owned(),
            None => match self.source.file_name() {
                Some(name) => name.to_string_lossy().into_owned(),
                None => return Ok(None),
            },
        };
        if name.contains(char::is_control) {
            return Err(Error::FileName(name));
        }
        Ok(Some(name).filter(|name| !name.is_empty()))
    }
}

/// `attachment` with its name. Behind a name that is not ASCII stands one that
/// is, for programs that do not read RFC 2231; those that take the first of
/// the two have the right one.
fn disposition(name: Option<&str>) -> ContentType<'_> {
    let disposition = ContentType::new("attachment");
    let Some(name) = name else { return disposition };
    if name.is_ascii() {
        return disposition.attribute("filename", name);
    }
    let mut plain: String = name.chars().map(|c| if c.is_ascii() { c } else { '_' }).collect();
    if plain.len() > LONGEST_PLAIN_NAME {
        plain.replace_range(LONGEST_PLAIN_NAME / 2..plain.len() - LONGEST_PLAIN_NAME / 4, "_");
    }
    disposition.attribute("filename", name).attribute("filename", plain)
}

/// RFC 2183 §2 has a longer one in pieces, where the other name has its own.
const LONGEST_PLAIN_NAME: usize = 60;

/// A media type (RFC 2045 §5.1).
#[derive(Debug, PartialEq, Eq)]
struct MediaType {
    /// `type/subtype` in lower case.
    essence: String,
    parameters: Vec<(String, String)>,
}

impl MediaType {
    fn unknown() -> Self {
        MediaType { essence: "application/octet-stream".into(), parameters: Vec::new() }
    }

    /// By the extension of the name.
    fn guess(name: &str) -> Self {
        match mime_guess::from_path(Path::new(name)).first_raw() {
            Some(essence) => MediaType { essence: essence.into(), parameters: Vec::new() },
            None => MediaType::unknown(),
        }
    }

    fn parse(text: &str) -> Result<Self, Error> {
        let refused = || Error::MediaType(text.to_owned());
        let (essence, mut rest) = text.split_once(';').unwrap_or((text, ""));
        let essence = essence.trim().to_ascii_lowercase();
        let (kind, subtype) = essence.split_once('/').ok_or_else(refused)?;
        // RFC 2045 §6.4: a multipart may not be encoded, and is no file.
        let fits = is_token(kind) && is_token(subtype) && !text.contains(char::is_control);
        if !fits || kind == "multipart" {
            return Err(refused());
        }
        let mut parameters = Vec::new();
        while !rest.trim().is_empty() {
            let (parameter, later) = parameter(rest).ok_or_else(refused)?;
            parameters.push(parameter);
            rest = later;
        }
        Ok(MediaType { essence, parameters })
    }

    fn value(&self) -> ContentType<'_> {
        self.parameters
            .iter()
            .fold(ContentType::new(self.essence.as_str()), |value, (name, content)| {
                value.attribute(name.as_str(), content.as_str())
            })
    }
}

/// Reads `name=token` or `name="text"`, and what follows the semicolon.
fn parameter(text: &str) -> Option<((String, String), &str)> {
    let (name, rest) = text.split_once('=')?;
    let name = name.trim();
    let (value, rest) = match rest.trim_start().strip_prefix('"') {
        Some(quoted) => {
            let (value, rest) = quoted.split_once('"')?;
            let rest = rest.trim_start();
            (value, if rest.is_empty() { rest } else { rest.strip_prefix(';')? })
        }
        None => rest.split_once(';').unwrap_or((rest, "")),
    };
    let is_text =
        |value: &str| value.bytes().all(|octet| matches!(octet, b' '..=b'~') && octet != b'\\');
    let value = value.trim();
    (is_token(name) && is_text(value))
        .then(|| ((name.to_ascii_lowercase(), value.to_owned()), rest))
}

#[cfg(test)]
mod tests {
    use super::super::{Repairs, Width};
    use super::*;

    fn header(name: &str, media_type: Option<&str>) -> Result<String, Error> {
        let attachment = Attachment {
            source: Source::held("x", "standard input"),
            name: Some(name.to_owned()),
            media_type: media_type.map(str::to_owned),
        };
        let part = attachment.into_part()?;
        let (header, _) = part.render(Width::WIDE, Repairs::default()).unwrap();
        Ok(String::from_utf8(header).unwrap())
    }

    #[test]
    fn the_type_goes_by_the_name_unless_it_is_given() {
        // TYPE, 2045-6.4
        for (name, given, expected, encoding) in [
            ("a.pdf", None, "application/pdf", "base64"),
            ("A.PNG", None, "image/png", "base64"),
            ("noext", None, "application/octet-stream", "base64"),
            ("a.eml", None, "message/rfc822", "7bit"),
            ("a.eml", Some("Application/Octet-Stream"), "application/octet-stream", "base64"),
            ("a", Some("text/plain; charset=utf-8"), "text/plain; charset=\"utf-8\"", "base64"),
            ("a", Some("text/x; a=\"b;c\" ; d=e"), "text/x; a=\"b;c\"; d=\"e\"", "base64"),
        ] {
            let header = header(name, given).unwrap();
            assert!(header.starts_with(&format!("Content-Type: {expected}\r\n")), "{header}");
            assert!(header.ends_with(&format!("-Encoding: {encoding}\r\n")), "{header}");
        }
    }

    #[test]
    fn a_type_that_is_none_is_refused() {
        // HDR-inject
        for given in [
            "",
            "text",
            "text/",
            "/x",
            "a b/c",
            "text/plain\r\nX: y",
            "multipart/mixed",
            "a/b;c",
            "a/b; c=\"d",
            "a/b; c=\"d\" e",
            "a/b; c=\u{e9}",
            "a/b; c d=e",
            "a/b; c=d\r\n",
        ] {
            assert!(matches!(header("x", Some(given)), Err(Error::MediaType(_))), "{given:?}");
        }
    }

    #[test]
    fn a_name_loses_its_path_and_may_have_no_control_character() {
        // 2231/2183
        assert!(header("../../etc/passwd", None).unwrap().contains("filename=\"passwd\"\r\n"));
        assert!(header("dir/", None).unwrap().contains("Content-Disposition: attachment\r\n"));
        for name in ["a\nb", "a\r\nX: y", "a\0", "a\u{1b}[m", "a\u{85}"] {
            assert!(matches!(header(name, None), Err(Error::FileName(_))), "{name:?}");
        }
    }

    #[test]
    fn octets_in_a_path_that_are_not_utf_8_are_shown_as_such() {
        use std::os::unix::ffi::OsStrExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(std::ffi::OsStr::from_bytes(b"j\xf6rg.txt"));
        std::fs::write(&path, "x").unwrap();
        let part = Attachment::open(path).unwrap().into_part().unwrap();
        let header = String::from_utf8(part.header.into_octets()).unwrap();
        assert!(header.contains("filename*=UTF-8''j%EF%BF%BDrg.txt"), "{header}");
    }
}
