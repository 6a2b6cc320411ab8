//! The DKIM-Signature field (RFC 6376 §3.5): which fields it covers, what is
//! hashed, how it is written.

use super::Signer;
use super::canonical::Form;
use crate::message::Error;
use crate::message::complete::split;
use encodify::base64::STANDARD;
use jiff::Timestamp;
use memchr::memchr;
use std::collections::HashMap;

/// Fields that are signed wherever they stand (RFC 6376 §5.4, §5.4.1). Those
/// with `true` are named once more than they occur, so that none can be added
/// (§8.15). Of others, each field of a list is signed, which RFC 8058 §4 needs
/// for List-Unsubscribe-Post, and what comes and goes on the way is not:
/// Received, Return-Path, Comments, Keywords, other signatures.
const SIGNED: [(&str, bool); 17] = [
    ("from", true),
    ("sender", true),
    ("reply-to", true),
    ("to", true),
    ("cc", true),
    ("subject", true),
    ("date", true),
    ("message-id", true),
    ("in-reply-to", false),
    ("references", false),
    ("mime-version", true),
    ("content-type", true),
    ("content-transfer-encoding", false),
    ("resent-date", false),
    ("resent-from", false),
    ("resent-to", false),
    ("resent-cc", false),
];

const OF_LISTS: &str = "list-";

/// The header of a message, field by field.
pub(super) struct Fields<'h> {
    /// Where the fields of each name are, the name in lower case.
    by_name: HashMap<Vec<u8>, Vec<&'h [u8]>>,
    /// What h= names, in its order.
    signed: Vec<String>,
}

impl<'h> Fields<'h> {
    /// Takes a canonical header, with its empty line or without.
    pub(super) fn of(header: &'h [u8]) -> Result<Self, Error> {
        let mut by_name: HashMap<Vec<u8>, Vec<&[u8]>> = HashMap::new();
        let mut of_lists = Vec::new();
        for field in split(header) {
            let Some(colon) = memchr(b':', field) else { continue };
            let name = field[..colon].trim_ascii_end().to_ascii_lowercase();
            if let Ok(name) = std::str::from_utf8(&name)
                && name.starts_with(OF_LISTS)
            {
                of_lists.push(name.to_owned());
            }
            by_name.entry(name).or_default().push(field);
        }
        // RFC 6376 §5.4: without From there is nothing to answer for.
        if !by_name.contains_key(b"from".as_slice()) {
            return Err(Error::NoFrom);
        }
        let mut signed = Vec::new();
        for (name, once_more) in SIGNED {
            let count = by_name.get(name.as_bytes()).map_or(0, Vec::len) + usize::from(once_more);
            signed.extend(std::iter::repeat_n(name.to_owned(), count));
        }
        signed.append(&mut of_lists);
        Ok(Fields { by_name, signed })
    }

    /// What is signed (RFC 6376 §3.7): the fields named, and behind them the
    /// signature's own, which ends in `b=`.
    pub(super) fn input<N: AsRef<str>>(&self, names: &[N], form: Form, own: &str) -> Vec<u8> {
        let mut octets = Vec::new();
        let mut left: HashMap<&str, &[&[u8]]> = HashMap::new();
        for name in names.iter().map(AsRef::as_ref) {
            let all = || self.by_name.get(name.as_bytes()).map_or([].as_slice(), Vec::as_slice);
            let left = left.entry(name).or_insert_with(all);
            // RFC 6376 §5.4.2: from the last one up. A name without a field is
            // nothing, and stays nothing.
            if let Some((last, others)) = left.split_last() {
                form.write_field(last, &mut octets);
                *left = others;
            }
        }
        form.write_field(format!("{own}\r\n").as_bytes(), &mut octets);
        octets.truncate(octets.len() - 2);
        octets
    }
}

/// Writes the field by which this signer signs, with its line end.
pub(super) fn signature(
    signer: &Signer,
    fields: &Fields<'_>,
    body_hash: &[u8],
    at: Timestamp,
) -> Result<String, Error> {
    let mut field = Folded::new(NAME);
    for tag in [
        "v=1;".to_owned(),
        format!("a={};", signer.key.algorithm()),
        format!("c={};", signer.canonicalization),
        format!("d={};", signer.domain),
        format!("s={};", signer.selector),
        format!("t={};", at.as_second()),
    ] {
        field.word(&tag);
    }
    let (last, others) = fields.signed.split_last().expect("From is there");
    for (nth, name) in others.iter().enumerate() {
        if nth == 0 { field.word(&format!("h={name}:")) } else { field.part(&format!("{name}:")) }
    }
    field.part(&format!("{last};"));
    field.word(&format!("bh={};", STANDARD.encode(body_hash)));
    field.word("b=");
    let input = fields.input(&fields.signed, signer.canonicalization.header, &field.text);
    field.broken(&STANDARD.encode(signer.key.sign(&input)?));
    Ok(field.text + "\r\n")
}

const NAME: &str = "DKIM-Signature:";
/// RFC 5322 §2.1.1: the length that lines should keep to.
const LINE: usize = 78;

/// A field being written, folded where its grammar admits white space.
struct Folded {
    text: String,
    column: usize,
}

impl Folded {
    fn new(name: &str) -> Self {
        Folded { text: name.to_owned(), column: name.len() }
    }

    /// Writes a word with a blank before it.
    fn word(&mut self, word: &str) {
        if self.column + 1 + word.len() > LINE {
            self.fold();
        } else {
            self.add(" ");
        }
        self.add(word);
    }

    /// Writes what continues a word.
    fn part(&mut self, part: &str) {
        if self.column + part.len() > LINE {
            self.fold();
        }
        self.add(part);
    }

    /// Writes what may be broken anywhere.
    fn broken(&mut self, text: &str) {
        let mut rest = text;
        while !rest.is_empty() {
            if self.column >= LINE {
                self.fold();
            }
            let (now, later) = rest.split_at(rest.len().min(LINE - self.column));
            self.add(now);
            rest = later;
        }
    }

    fn fold(&mut self) {
        self.text.push_str("\r\n ");
        self.column = 1;
    }

    fn add(&mut self, text: &str) {
        self.text.push_str(text);
        self.column += text.len();
    }
}
