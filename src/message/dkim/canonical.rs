//! Canonical forms (RFC 6376 §3.4): what is hashed in place of what is sent.

use memchr::{memchr, memchr2};
use ring::digest::{Context, Digest, SHA256};
use std::fmt;
use std::str::FromStr;

/// The canonical forms of header and body, as c= names them (RFC 6376 §3.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Canonicalization {
    /// That of the header fields.
    pub header: Form,
    /// That of the body.
    pub body: Form,
}

/// How much may change on the way without breaking a signature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// Next to nothing.
    Simple,
    /// White space, folding, and the case of field names.
    #[default]
    Relaxed,
}

/// Why a text does not name two canonical forms. The `Display` form is a
/// clause about the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it is \"relaxed\" or \"simple\" for the header and for the body, as in \"relaxed/simple\""
)]
pub struct CanonicalizationError;

impl FromStr for Canonicalization {
    type Err = CanonicalizationError;

    /// Takes `header/body`. One word alone, which RFC 6376 §3.5 completes with
    /// `/simple`, is refused: it would surprise.
    fn from_str(text: &str) -> Result<Self, CanonicalizationError> {
        let (header, body) = text.split_once('/').ok_or(CanonicalizationError)?;
        let form = |word| match word {
            "simple" => Ok(Form::Simple),
            "relaxed" => Ok(Form::Relaxed),
            _ => Err(CanonicalizationError),
        };
        Ok(Canonicalization { header: form(header)?, body: form(body)? })
    }
}

impl fmt::Display for Canonicalization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.header.word(), self.body.word())
    }
}

impl Form {
    fn word(self) -> &'static str {
        match self {
            Form::Simple => "simple",
            Form::Relaxed => "relaxed",
        }
    }

    /// Writes a header field, which ends in CRLF, to `out` (RFC 6376 §3.4.1,
    /// §3.4.2).
    pub(super) fn write_field(self, field: &[u8], out: &mut Vec<u8>) {
        match self {
            Form::Simple => out.extend_from_slice(field),
            Form::Relaxed => relaxed(field, out),
        }
    }
}

fn relaxed(field: &[u8], out: &mut Vec<u8>) {
    let colon = memchr(b':', field).unwrap_or(field.len());
    let (name, value) = field.split_at(colon);
    out.extend(name.trim_ascii_end().to_ascii_lowercase());
    out.push(b':');
    let is_white = |octet: &u8| matches!(octet, b' ' | b'\t' | b'\r' | b'\n');
    let words = value.get(1..).unwrap_or_default().split(is_white);
    for (at, word) in words.filter(|word| !word.is_empty()).enumerate() {
        if at > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(word);
    }
    out.extend_from_slice(b"\r\n");
}

/// The hash of a body in its canonical form (RFC 6376 §3.4.3, §3.4.4), taken
/// while the body passes by.
pub(super) struct BodyHash {
    form: Form,
    context: Context,
    /// Canonical octets on their way into the hash.
    out: Vec<u8>,
    /// Line ends that count only if something follows them.
    line_ends: u64,
    /// White space that counts only if something in its line follows it.
    blank: bool,
    has_content: bool,
}

/// Octets that are collected before they are hashed.
const BLOCK: usize = 32 * 1024;

impl BodyHash {
    pub(super) fn new(form: Form) -> Self {
        BodyHash {
            form,
            context: Context::new(&SHA256),
            out: Vec::with_capacity(2 * BLOCK),
            line_ends: 0,
            blank: false,
            has_content: false,
        }
    }

    pub(super) fn form(&self) -> Form {
        self.form
    }

    /// Takes the next octets, cut anywhere. CR and LF stand in them as CRLF
    /// only.
    pub(super) fn update(&mut self, octets: &[u8]) {
        let mut rest = octets;
        while let Some(end) = memchr(b'\n', rest) {
            self.stretch(&rest[..end]);
            self.line_ends += 1;
            self.blank = false;
            rest = &rest[end + 1..];
        }
        self.stretch(rest);
    }

    /// The hash of what came.
    pub(super) fn finish(mut self) -> Digest {
        // Nothing at all is one line end in the simple form, and nothing in the
        // relaxed one.
        if self.has_content || self.form == Form::Simple {
            self.out.extend_from_slice(b"\r\n");
        }
        self.context.update(&self.out);
        self.context.finish()
    }

    /// Takes a line or a part of one.
    fn stretch(&mut self, octets: &[u8]) {
        let mut rest = octets.strip_suffix(b"\r").unwrap_or(octets);
        while self.form == Form::Relaxed
            && let Some(end) = memchr2(b' ', b'\t', rest)
        {
            self.content(&rest[..end]);
            self.blank = true;
            rest = &rest[end + 1..];
        }
        self.content(rest);
    }

    /// Takes octets that count, and with them what waited for some.
    fn content(&mut self, octets: &[u8]) {
        if octets.is_empty() {
            return;
        }
        self.has_content = true;
        for _ in 0..std::mem::take(&mut self.line_ends) {
            self.out.extend_from_slice(b"\r\n");
            self.hash_a_block();
        }
        if std::mem::take(&mut self.blank) {
            self.out.push(b' ');
        }
        for piece in octets.chunks(BLOCK) {
            self.out.extend_from_slice(piece);
            self.hash_a_block();
        }
    }

    fn hash_a_block(&mut self) {
        if self.out.len() >= BLOCK {
            self.context.update(&self.out);
            self.out.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use encodify::base64::STANDARD;
    use proptest::prelude::*;

    fn body_hash(form: Form, pieces: &[&[u8]]) -> String {
        let mut hash = BodyHash::new(form);
        for piece in pieces {
            hash.update(piece);
        }
        STANDARD.encode(hash.finish())
    }

    fn header(form: Form, fields: &[&str]) -> String {
        let mut out = Vec::new();
        for field in fields {
            form.write_field(field.as_bytes(), &mut out);
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_example_of_the_rfc_has_its_canonical_forms() {
        // 6376-3.4.5
        let fields = ["A: X\r\n", "B : Y\t\r\n\tZ  \r\n"];
        let body = b" C \r\nD \t E\r\n\r\n\r\n";
        assert_eq!(header(Form::Relaxed, &fields), "a:X\r\nb:Y Z\r\n");
        assert_eq!(header(Form::Simple, &fields), fields.concat());
        for (form, hash) in [
            (Form::Relaxed, "unak6JHq0wL+Q1HP7dW1tjBx9FLA6DffoZ0qrLwbbpo="),
            (Form::Simple, "NOeivbQlDH9TmNKJUw7D53wZfsk8YMZ/hTuVVwTgi8s="),
        ] {
            assert_eq!(body_hash(form, &[body]), hash);
        }
    }

    #[test]
    fn an_empty_body_is_nothing_or_one_line_end() {
        // 6376-3.4
        const NOTHING: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        const LINE_END: &str = "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=";
        for body in ["", "\r\n", "\r\n\r\n\r\n"] {
            assert_eq!(body_hash(Form::Relaxed, &[body.as_bytes()]), NOTHING, "{body:?}");
            assert_eq!(body_hash(Form::Simple, &[body.as_bytes()]), LINE_END, "{body:?}");
        }
        // 6376-3.4.4
        let blanks = b" \r\n\t\r\n";
        assert_eq!(body_hash(Form::Relaxed, &[blanks]), NOTHING);
        assert_eq!(body_hash(Form::Simple, &[blanks]), sha256(blanks));
    }

    #[test]
    fn a_relaxed_field_has_a_small_name_and_single_blanks() {
        // 6376-3.4.2
        for (field, expected) in [
            ("SUBJect: AbC\r\n", "subject:AbC\r\n"),
            ("X \t:\t a \t b  \r\n", "x:a b\r\n"),
            ("X:a\r\n \r\n b\r\n", "x:a b\r\n"),
            ("X:\r\n", "x:\r\n"),
            ("X: \r\n\t\r\n", "x:\r\n"),
            ("X: a:b : c\r\n", "x:a:b : c\r\n"),
            ("X: gr\u{fc}n\r\n", "x:gr\u{fc}n\r\n"),
        ] {
            assert_eq!(header(Form::Relaxed, &[field]), expected, "{field:?}");
        }
    }

    #[test]
    fn the_forms_are_named_in_pairs() {
        for text in ["relaxed/relaxed", "relaxed/simple", "simple/relaxed", "simple/simple"] {
            assert_eq!(text.parse::<Canonicalization>().unwrap().to_string(), text);
        }
        for text in ["", "relaxed", "simple", "relaxed/", "Relaxed/relaxed", "nofws/simple"] {
            assert_eq!(text.parse::<Canonicalization>(), Err(CanonicalizationError), "{text}");
        }
        assert_eq!(Canonicalization::default().to_string(), "relaxed/relaxed");
    }

    fn sha256(octets: &[u8]) -> String {
        STANDARD.encode(ring::digest::digest(&SHA256, octets))
    }

    /// The body in canonical form, by the letter of RFC 6376 §3.4.3 and §3.4.4.
    fn by_the_letter(form: Form, body: &str) -> String {
        let mut lines: Vec<String> = body.split("\r\n").map(str::to_owned).collect();
        if form == Form::Relaxed {
            for line in &mut lines {
                let mut reduced = line.replace('\t', " ");
                while reduced.contains("  ") {
                    reduced = reduced.replace("  ", " ");
                }
                *line = reduced.strip_suffix(' ').unwrap_or(&reduced).to_owned();
            }
        }
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        if lines.is_empty() && form == Form::Relaxed {
            return String::new();
        }
        lines.join("\r\n") + "\r\n"
    }

    proptest! {
        #[test]
        fn cuts_in_the_body_do_not_matter(
            pieces in proptest::collection::vec("\r\n|\r\n|[ \t]{1,3}|[a.é]{1,3}|b{900}", 0..60),
            cuts in proptest::collection::vec(1..30usize, 1..10),
        ) {
            let body = pieces.concat();
            let mut rest = body.as_bytes();
            let mut parts = Vec::new();
            for cut in cuts.iter().cycle() {
                let (part, later) = rest.split_at((*cut).min(rest.len()));
                parts.push(part);
                rest = later;
                if rest.is_empty() {
                    break;
                }
            }
            for form in [Form::Simple, Form::Relaxed] {
                let expected = sha256(by_the_letter(form, &body).as_bytes());
                prop_assert_eq!(body_hash(form, &[body.as_bytes()]), expected.clone());
                prop_assert_eq!(body_hash(form, &parts), expected);
            }
        }
    }

    #[test]
    fn a_body_larger_than_a_block_is_hashed_whole() {
        let body = "some words in a line\r\n".repeat(10_000) + &"\r\n".repeat(50_000) + "end\r\n";
        for form in [Form::Simple, Form::Relaxed] {
            assert_eq!(body_hash(form, &[body.as_bytes()]), sha256(body.as_bytes()));
        }
    }
}
