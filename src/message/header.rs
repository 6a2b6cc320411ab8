//! Writing header fields: names, folding, encoded-words (RFC 5322 §2.2, RFC
//! 2047).

use super::{Address, Error, parameter, phrase};
use encodify::Fold;
use encodify::rfc2047::{self, EncodedWord};
use memchr::memchr;

/// A header being written. No value can begin a field of its own: names and
/// values are checked here, addresses are values of their own grammar.
#[derive(Debug, Default)]
pub(super) struct Header(Vec<u8>);

/// RFC 5322 §2.1.1: the length that lines should keep to.
const LINE: usize = 78;
/// RFC 5322 §2.1.1: the length that they must keep to.
const LONGEST_LINE: usize = super::canonical::LONGEST_LINE;

impl Header {
    /// The octets so far.
    pub(super) fn octets(&self) -> &[u8] {
        &self.0
    }

    /// The octets.
    pub(super) fn into_octets(self) -> Vec<u8> {
        self.0
    }

    /// Writes text that people read, such as a subject. What looks like an
    /// encoded-word is shown as it was typed (RFC 2047 §7).
    pub(super) fn text(&mut self, name: &str, text: &str) -> Result<(), Error> {
        self.unstructured(name, text, text.split(' ').any(looks_encoded))
    }

    /// Writes a field of a kind that we do not know. Its encoded-words are
    /// taken for such.
    pub(super) fn field(&mut self, name: &str, value: &str) -> Result<(), Error> {
        let broken = |word: &str| {
            looks_encoded(word)
                && EncodedWord::parse(word.as_bytes()).is_none_or(|(_, end)| end != word.len())
        };
        self.unstructured(name, value, value.split(' ').any(broken))
    }

    /// Writes a field whose grammar has no place for encoded-words, such as
    /// Message-ID or Date.
    pub(super) fn structured(&mut self, name: &str, value: &str) -> Result<(), Error> {
        let value = checked(name, value)?;
        if !is_plain(value) {
            return Err(Error::HeaderValue(name.to_owned()));
        }
        self.folded(name, value)
    }

    /// Writes the same where characters outside US-ASCII may stand (RFC 6532
    /// §3.2).
    pub(super) fn in_utf8(&mut self, name: &str, value: &str) -> Result<(), Error> {
        let value = checked(name, value)?;
        if value.contains(char::is_control) {
            return Err(Error::HeaderValue(name.to_owned()));
        }
        self.folded(name, value)
    }

    /// Writes an address list.
    pub(super) fn addresses(&mut self, name: &str, list: &[Address]) {
        let mut line = self.begin(name);
        phrase::write(&mut line, list);
        line.end();
    }

    /// Writes a value with parameters, such as a media type.
    pub(super) fn parameters<'p>(
        &mut self,
        name: &str,
        value: &str,
        parameters: impl IntoIterator<Item = (&'p str, &'p str)>,
    ) {
        let mut line = self.begin(name);
        line.word(value);
        for (name, value) in parameters {
            parameter::write(&mut line, name, value);
        }
        line.end();
    }

    fn begin(&mut self, name: &str) -> Line<'_> {
        self.0.extend_from_slice(name.as_bytes());
        self.0.push(b':');
        Line { out: &mut self.0, column: name.len() + 1, is_encoded: false }
    }

    fn unstructured(&mut self, name: &str, value: &str, encode: bool) -> Result<(), Error> {
        let value = checked(name, value)?;
        let has_endless_word =
            || value.split([' ', '\t']).any(|word| word.len() >= LONGEST_LINE - LINE);
        if encode || !is_plain(value) || has_endless_word() {
            self.encoded(name, value);
            return Ok(());
        }
        self.folded(name, value)
    }

    /// Writes the value as encoded-words, by the shorter of the two encodings
    /// (RFC 2047 §4).
    fn encoded(&mut self, name: &str, value: &str) {
        let base64 = rfc2047::B.payload_len(value) < rfc2047::Q_TEXT.payload_len(value);
        let encoder = if base64 { rfc2047::B } else { rfc2047::Q_TEXT };
        let mut line = self.begin(name);
        line.encoded(|column, out| {
            encoder.encode_words("utf-8", value, column, Fold::HEADER, out);
        });
        line.end();
    }

    /// Writes the value as it is, folded before blanks that it has (RFC 5322
    /// §2.2.3).
    fn folded(&mut self, name: &str, value: &str) -> Result<(), Error> {
        let start = self.0.len();
        self.0.extend_from_slice(name.as_bytes());
        self.0.push(b':');
        let mut column = name.len() + 1;
        for (at, word) in blank_led(value).enumerate() {
            let length = word.len() + usize::from(at == 0);
            if at > 0 && column + length > LINE {
                self.0.extend_from_slice(b"\r\n");
                column = 0;
            }
            if at == 0 {
                self.0.push(b' ');
            }
            self.0.extend_from_slice(word.as_bytes());
            column += length;
            if column > LONGEST_LINE {
                self.0.truncate(start);
                return Err(Error::HeaderValue(name.to_owned()));
            }
        }
        self.0.extend_from_slice(b"\r\n");
        Ok(())
    }
}

/// The value of a field being written, folded before blanks (RFC 5322 §2.2.3).
pub(super) struct Line<'h> {
    out: &'h mut Vec<u8>,
    column: usize,
    /// An encoded-word stands on the line.
    is_encoded: bool,
}

impl Line<'_> {
    /// Writes a blank and a word; on the next line where it does not fit.
    pub(super) fn word(&mut self, word: &str) {
        self.room_for(1 + word.len());
        self.glue(" ");
        self.glue(word);
    }

    /// Writes a word that has its blanks before it.
    pub(super) fn blank_led(&mut self, word: &str) {
        self.room_for(word.len());
        self.glue(word);
    }

    /// Writes what may not be parted from the word before it.
    pub(super) fn glue(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
        self.column += text.len();
    }

    /// Writes a blank and encoded-words.
    pub(super) fn encoded(&mut self, write: impl FnOnce(&mut usize, &mut Vec<u8>)) {
        self.room_for(SHORTEST_ENCODED);
        self.glue(" ");
        write(&mut self.column, self.out);
        self.is_encoded = true;
    }

    /// Ends the field.
    fn end(self) {
        self.out.extend_from_slice(b"\r\n");
    }

    /// Begins a line where this many octets, and one that may be glued to
    /// them, do not fit and it helps.
    fn room_for(&mut self, octets: usize) {
        let longest = if self.is_encoded { ENCODED_LINE } else { LINE };
        if self.column > 1 && self.column + octets + 1 > longest {
            self.out.extend_from_slice(b"\r\n");
            (self.column, self.is_encoded) = (0, false);
        }
    }
}

/// RFC 2047 §2: the longest line that has an encoded-word.
const ENCODED_LINE: usize = 76;
/// A blank and an encoded-word of one character.
const SHORTEST_ENCODED: usize = 1 + "=?utf-8?Q?=F0=9F=A6=80?=".len();

/// How the value of a field that the user names is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Never written: it only adds recipients.
    Bcc,
    /// It follows from the message, or must not leave with it.
    Ours,
    /// An address list.
    Addresses,
    /// No place for encoded-words.
    Structured,
    /// Anything else.
    Text,
}

impl Kind {
    pub(super) fn of(name: &str) -> Self {
        let is = |names: &[&str]| names.iter().any(|other| name.eq_ignore_ascii_case(other));
        if is(&["Bcc"]) {
            Kind::Bcc
        } else if is(OURS) {
            Kind::Ours
        } else if is(ADDRESSES) {
            Kind::Addresses
        } else if is(STRUCTURED) {
            Kind::Structured
        } else {
            Kind::Text
        }
    }
}

const OURS: &[&str] = &[
    "Content-Type",
    "Content-Transfer-Encoding",
    "Content-Disposition",
    "MIME-Version",
    "Resent-Bcc",
    "Return-Path",
    "Content-Length",
];
const ADDRESSES: &[&str] = &[
    "From",
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Resent-From",
    "Resent-Sender",
    "Resent-To",
    "Resent-Cc",
    "Disposition-Notification-To",
    "Return-Receipt-To",
    "Mail-Followup-To",
    "Mail-Reply-To",
    "Errors-To",
];
const STRUCTURED: &[&str] = &[
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Resent-Date",
    "Resent-Message-ID",
    "Received",
    "Auto-Submitted",
    "Content-ID",
    "Content-Location",
    "DKIM-Signature",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
];

/// The name of a field, as it is written.
pub(super) fn field_name(field: &[u8]) -> &[u8] {
    field[..memchr(b':', field).unwrap_or(field.len())].trim_ascii_end()
}

/// What stands behind the colon of a field, with its line ends.
pub(super) fn field_body(field: &[u8]) -> &[u8] {
    memchr(b':', field).map_or(&[], |colon| &field[colon + 1..])
}

/// True for a token of MIME (RFC 2045 §5.1).
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|octet| octet.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&octet))
}

/// True for a field name (RFC 5322 §2.2).
pub(super) fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|octet| matches!(octet, b'!'..=b'9' | b';'..=b'~'))
}

/// The value without blanks at its ends, if it can be one: a CR or LF would
/// begin a field of its own, and NUL may not be sent.
pub(super) fn checked<'v>(name: &str, value: &'v str) -> Result<&'v str, Error> {
    if !is_name(name.as_bytes()) || name.len() > LINE - 2 {
        return Err(Error::HeaderName(name.to_owned()));
    }
    if value.contains(['\r', '\n', '\0']) {
        return Err(Error::HeaderBreak(name.to_owned()));
    }
    Ok(value.trim_matches([' ', '\t']))
}

/// US-ASCII without control characters but TAB.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|octet| matches!(octet, b'\t' | b' '..=b'~'))
}

fn looks_encoded(word: &str) -> bool {
    word.starts_with("=?") && word.ends_with("?=")
}

/// Cuts a text before each run of blanks.
pub(super) fn blank_led(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let end = rest[blanks..].find([' ', '\t']).map_or(rest.len(), |at| blanks + at);
        let (word, later) = rest.split_at(end);
        rest = later;
        (!word.is_empty()).then_some(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail_parser::MessageParser;
    use proptest::prelude::*;

    fn written(write: impl FnOnce(&mut Header) -> Result<(), Error>) -> Result<String, Error> {
        let mut header = Header::default();
        write(&mut header)?;
        Ok(String::from_utf8(header.into_octets()).unwrap())
    }

    fn text(value: &str) -> String {
        written(|header| header.text("Subject", value)).unwrap()
    }

    fn unfolded(field: &str) -> String {
        field.replace("\r\n ", " ").replace("\r\n\t", "\t")
    }

    #[test]
    fn plain_text_is_left_alone_and_other_text_encoded() {
        // 2047-a, 2047-7
        let spaced = format!("{} {}", "a".repeat(60), "b".repeat(60));
        for (value, expected) in [
            ("hello", "Subject: hello\r\n"),
            ("  hello \t", "Subject: hello\r\n"),
            ("", "Subject:\r\n"),
            ("a\tb", "Subject: a\tb\r\n"),
            ("Grüße", "Subject: =?utf-8?B?R3LDvMOfZQ==?=\r\n"),
            ("Viele Küsse aus Rom", "Subject: =?utf-8?Q?Viele_K=C3=BCsse_aus_Rom?=\r\n"),
            ("Привет", "Subject: =?utf-8?B?0J/RgNC40LLQtdGC?=\r\n"),
            ("=?x?=", "Subject: =?utf-8?B?PT94Pz0=?=\r\n"),
            ("a =?utf-8?Q?b?=", "Subject: =?utf-8?B?YSA9P3V0Zi04P1E/Yj89?=\r\n"),
            ("bell \u{7}", "Subject: =?utf-8?Q?bell_=07?=\r\n"),
            (&spaced, &format!("Subject: {}\r\n {}\r\n", "a".repeat(60), "b".repeat(60))),
        ] {
            assert_eq!(text(value), expected, "{value:?}");
        }
        let field = written(|header| header.field("Subject", "=?utf-8?Q?b?= c")).unwrap();
        assert_eq!(field, "Subject: =?utf-8?Q?b?= c\r\n");
        let field = written(|header| header.field("Subject", "=?x?=")).unwrap();
        assert_eq!(field, "Subject: =?utf-8?B?PT94Pz0=?=\r\n");
    }

    #[test]
    fn no_name_and_no_value_can_begin_another_field() {
        // HDR-inject, 5322-2.2
        for value in ["a\r\nBcc: x@y.z", "a\nb", "a\rb", "a\0"] {
            for write in [Header::text, Header::field, Header::structured] {
                let refused = written(|header| write(header, "Subject", value));
                assert!(matches!(refused, Err(Error::HeaderBreak(name)) if name == "Subject"));
            }
        }
        for name in ["", "a b", "a:", "é", "a\r\nb", "a\0", &"a".repeat(77)] {
            let refused = written(|header| header.field(name, "v"));
            assert!(matches!(refused, Err(Error::HeaderName(_))), "{name:?}");
        }
        for value in ["é", "a\u{7}b", &"a".repeat(1000)] {
            let refused = written(|header| header.structured("References", value));
            assert!(matches!(refused, Err(Error::HeaderValue(_))), "{value:?}");
        }
    }

    #[test]
    fn an_endless_word_is_encoded_rather_than_sent_in_one_line() {
        // 5322-2.1.1
        let field = text(&"a".repeat(5000));
        assert!(field.lines().all(|line| line.len() <= 76), "{field}");
    }

    #[test]
    fn no_encoded_word_ends_within_a_character() {
        // 2047-a
        for (lead, rest) in (0..76).flat_map(|lead| [(lead, "🦀"), (lead, "é"), (lead, "漢")]) {
            for filler in ["a", "é"] {
                let value = format!("{}{}", filler.repeat(lead), rest.repeat(30));
                let field = text(&value);
                let words = field["Subject:".len()..].split_ascii_whitespace();
                let mut whole = String::new();
                for word in words {
                    let (read, end) = EncodedWord::parse(word.as_bytes()).unwrap();
                    assert!(end == word.len() && word.len() <= 75, "{word}");
                    whole += &String::from_utf8(read.decode().unwrap()).unwrap();
                }
                assert_eq!(whole, value);
                assert!(field.lines().all(|line| line.len() <= 76), "{field}");
            }
        }
    }

    #[test]
    fn text_of_every_script_comes_back() {
        // 2047-a
        for value in ["محمد بن سلمان", "שלום, עולם", "山田太郎様 へ", "नमस्ते 🇨🇭👨‍👩‍👧"]
        {
            let value = [value].repeat(10).join(" ");
            let message = format!("{}\r\n", text(&value));
            let parsed = MessageParser::new().parse(message.as_bytes()).unwrap();
            assert_eq!(parsed.subject().unwrap(), value);
        }
    }

    proptest! {
        #[test]
        fn text_comes_back_from_its_field(words in proptest::collection::vec("[a-zé漢🦀=?_]{1,30}", 1..20)) {
            // 2047-a, 5322-2.2.3
            let value = words.join(" ");
            let field = text(&value);
            prop_assert!(field.is_ascii());
            prop_assert!(field.lines().all(|line| line.len() <= 78 && !line.trim().is_empty()));
            let message = format!("{field}\r\n");
            let parsed = MessageParser::new().parse(message.as_bytes()).unwrap();
            prop_assert_eq!(parsed.subject().unwrap(), value);
        }

        #[test]
        fn folding_adds_nothing_but_line_ends(value in "[a-z]{1,90}([ \t]{1,3}[a-z]{1,90}){0,9}") {
            let field = text(&value);
            prop_assert_eq!(field.replace("\r\n", ""), format!("Subject: {value}"));
            prop_assert!(unfolded(&field).lines().count() == 1);
            prop_assert!(field.lines().all(|line| !line.trim().is_empty()));
        }
    }
}
