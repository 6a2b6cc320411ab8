//! Attachments: what they are called and what they are (RFC 2183, 2231).

use super::header::{Header, is_token};
use super::octets::Piece;
use super::part::{Body, Part};
use super::{Error, Source, Warning, parameter};
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
    pub(super) fn into_part(
        self,
        role: Role<'_>,
        warnings: &mut Vec<Warning>,
    ) -> Result<Part, Error> {
        let name = self.file_name()?;
        let media_type = match (&self.media_type, &name) {
            (Some(text), _) => MediaType::parse(text)?,
            (None, Some(name)) => MediaType::guess(name),
            (None, None) => MediaType::unknown(),
        };
        let media_type = media_type.with_charset(&self.source)?;
        let mut header = Header::default();
        let parameters = media_type.parameters.iter();
        let parameters = parameters.map(|(name, value)| (name.as_str(), value.as_str()));
        header.parameters("Content-Type", &media_type.essence, parameters);
        let names = name.as_deref().map(names).unwrap_or_default();
        let names = names.iter().map(|name| ("filename", name.as_str()));
        match role {
            Role::Attached => header.parameters("Content-Disposition", "attachment", names),
            Role::Shown { content_id } => {
                header.parameters("Content-Disposition", "inline", names);
                header.structured("Content-ID", content_id)?;
            }
        }
        warnings.extend(media_type.misnames(&self.source)?);
        // RFC 2045 §6.4: a message within a message may not be encoded.
        let essence = media_type.essence;
        if essence.starts_with("message/") {
            return Part::of_message(essence, header, self.source);
        }
        header.structured("Content-Transfer-Encoding", "base64")?;
        let body = Body::Leaf(vec![Piece::Base64(Arc::new(self.source))]);
        Ok(Part { media_type: essence, header, body })
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

/// What a file is in its message.
#[derive(Clone, Copy, Debug)]
pub(super) enum Role<'r> {
    /// A file of its own.
    Attached,
    /// Shown where the HTML refers to this Content-ID (RFC 2392).
    Shown { content_id: &'r str },
}

/// The name, and behind one that RFC 2231 must write, for programs that do not
/// read it, one in short ASCII. Those that take the first of the two have the
/// right one.
fn names(name: &str) -> Vec<String> {
    if parameter::plain("filename", name).is_some() {
        return vec![name.to_owned()];
    }
    let is_kept = |c: char| c.is_ascii() && !matches!(c, '"' | '\\');
    let mut plain: String = name.chars().map(|c| if is_kept(c) { c } else { '_' }).collect();
    if plain.len() > SHORTENED {
        plain.replace_range(SHORTENED * 2 / 3..plain.len() - SHORTENED / 3, "_");
    }
    vec![name.to_owned(), plain]
}

/// What a long one is cut to, its extension kept.
const SHORTENED: usize = 60;

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

    /// A text says in which charset it is (RFC 2046 §4.1.2), as far as its
    /// octets tell; it is read once for that.
    fn with_charset(mut self, source: &Source) -> Result<Self, Error> {
        let says = self.parameters.iter().any(|(name, _)| name == "charset");
        if self.essence.starts_with("text/") && !says && !source.is_ascii()? && source.is_utf8()? {
            self.parameters.push(("charset".to_owned(), "utf-8".to_owned()));
        }
        Ok(self)
    }

    /// A warning where the type names a charset that the octets are not of, as
    /// far as that can be known.
    fn misnames(&self, source: &Source) -> Result<Option<Warning>, Error> {
        let charset = self.parameters.iter().find(|(name, _)| name == "charset");
        let Some((_, charset)) = charset else { return Ok(None) };
        let is_of_it = match charset.to_ascii_lowercase().as_str() {
            "us-ascii" => source.is_ascii()?,
            "utf-8" => source.is_utf8()?,
            _ => true,
        };
        Ok((!is_of_it)
            .then(|| Warning::Charset { path: source.path().to_owned(), charset: charset.clone() }))
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
        let part = attachment.into_part(Role::Attached, &mut Vec::new())?;
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
            ("a", Some("text/plain; charset=utf-8"), "text/plain; charset=utf-8", "base64"),
            ("a", Some("text/x; a=\"b;c\" ; d=e"), "text/x; a=\"b;c\"; d=e", "base64"),
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
        assert!(header("../../etc/passwd", None).unwrap().contains("filename=passwd\r\n"));
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
        let part =
            Attachment::open(path).unwrap().into_part(Role::Attached, &mut Vec::new()).unwrap();
        let header = String::from_utf8(part.header.into_octets()).unwrap();
        assert!(header.contains("filename*=utf-8''j%EF%BF%BDrg.txt"), "{header}");
    }

    #[test]
    fn a_charset_that_the_octets_are_not_of_is_told() {
        // TYPE
        let long = [&vec![b'a'; 200_000 - 1], "é".as_bytes()].concat();
        for (octets, media_type, is_told) in [
            (&b"abc"[..], "text/plain; charset=us-ascii", false),
            (b"ab\xe9", "text/plain; charset=US-ASCII", true),
            ("é".as_bytes(), "text/plain; charset=utf-8", false),
            (&long, "text/plain; charset=utf-8", false),
            (&long[..200_000], "text/plain; charset=utf-8", true),
            (b"ab\xe9", "text/plain; charset=\"UTF-8\"", true),
            (b"ab\xe9", "text/plain; charset=iso-8859-1", false),
            (b"ab\xe9", "text/plain", false),
        ] {
            let attachment = Attachment {
                source: Source::held(octets, "x"),
                name: None,
                media_type: Some(media_type.into()),
            };
            let mut warnings = Vec::new();
            attachment.into_part(Role::Attached, &mut warnings).unwrap();
            assert_eq!(!warnings.is_empty(), is_told, "{media_type}");
        }
    }
}
