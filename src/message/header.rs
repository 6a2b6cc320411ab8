//! Writing header fields: names, folding, encoded-words (RFC 5322 §2.2, RFC
//! 2047).

use super::{Address, Error, Member};
use encodify::Fold;
use encodify::rfc2047::{self, EncodedWord};
use mail_builder::headers::Header as _;
use mail_builder::headers::address as builder;

/// A header being written. No value can begin a field of its own: names and
/// values are checked here, addresses are values of their own grammar.
#[derive(Debug, Default)]
pub(super) struct Header(Vec<u8>);

/// RFC 5322 §2.1.1: the length that lines should keep to.
const LINE: usize = 78;
/// RFC 5322 §2.1.1: the length that they must keep to.
const LONGEST_LINE: usize = super::canonical::LONGEST_LINE;

impl Header {
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
                && !EncodedWord::parse(word.as_bytes()).is_some_and(|(_, end)| end == word.len())
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

    /// Writes an address list as name-addrs.
    pub(super) fn addresses(&mut self, name: &str, list: &[Address]) {
        self.begin(name);
        let list = list.iter().map(built).collect();
        builder::Address::new_list(list).write_header(&mut self.0, name.len() + 2);
    }

    /// Writes a field by its mail-builder value.
    pub(super) fn built(&mut self, name: &str, value: &impl mail_builder::headers::Header) {
        self.begin(name);
        value.write_header(&mut self.0, name.len() + 2);
    }

    /// Writes the empty line.
    pub(super) fn end(&mut self) {
        self.0.extend_from_slice(b"\r\n");
    }

    fn begin(&mut self, name: &str) {
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b": ");
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
        self.begin(name);
        let base64 = rfc2047::B.payload_len(value) < rfc2047::Q_TEXT.payload_len(value);
        let encoder = if base64 { rfc2047::B } else { rfc2047::Q_TEXT };
        let mut column = name.len() + 2;
        encoder.encode_words("utf-8", value, &mut column, Fold::HEADER, &mut self.0);
        self.0.extend_from_slice(b"\r\n");
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
fn blank_led(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let end = rest[blanks..].find([' ', '\t']).map_or(rest.len(), |at| blanks + at);
        let (word, later) = rest.split_at(end);
        rest = later;
        (!word.is_empty()).then_some(word)
    })
}

fn built(address: &Address) -> builder::Address<'_> {
    let one = |name: &Option<String>, mailbox: &crate::smtp::Mailbox| {
        builder::Address::new_address(name.clone(), mailbox.to_string())
    };
    match address {
        Address::Mailbox { name, mailbox } => one(name, mailbox),
        Address::Group { name, members } => builder::Address::new_group(
            Some(name.clone()),
            members.iter().map(|Member { name, mailbox }| one(name, mailbox)).collect(),
        ),
    }
}
