//! Header fields in US-ASCII (RFC 2047, RFC 2231), and in lines that mail can
//! carry (RFC 5322 §2.1.1). Fields that are fit stay octet for octet.

use super::Unfit;
use super::content::pieces;
use crate::message::Address;
use crate::message::addresses;
use crate::message::canonical::LONGEST_LINE;
use crate::message::complete::split;
use crate::message::header::{Header, Kind, field_body, field_name};

/// A header, or part of one, without octets above 127.
pub(in crate::message) fn seven_bit(header: &[u8]) -> Result<Vec<u8>, Unfit> {
    let mut octets = Vec::with_capacity(header.len() + header.len() / 8);
    for field in split(header) {
        if field.is_ascii() {
            octets.extend_from_slice(field);
        } else {
            let name = String::from_utf8_lossy(field_name(field)).into_owned();
            let text = text(field_body(field));
            let field = ascii(&name, &text).ok_or(Unfit::Field(name))?;
            octets.extend(field.into_octets());
        }
    }
    Ok(octets)
}

/// A header whose lines are not too long, or the name of the field that has
/// one which cannot be folded.
pub(in crate::message) fn refolded(header: &[u8]) -> Result<Vec<u8>, String> {
    let mut octets = Vec::with_capacity(header.len() + header.len() / 8);
    for field in split(header) {
        if field.split(|&octet| octet == b'\n').all(|line| line.len() <= LONGEST_LINE + 1) {
            octets.extend_from_slice(field);
            continue;
        }
        let name = String::from_utf8_lossy(field_name(field)).into_owned();
        let text = text(field_body(field));
        let field = short(&name, &text).ok_or(name)?;
        octets.extend(field.into_octets());
    }
    Ok(octets)
}

/// A field that says the same in US-ASCII, if its grammar has a way.
fn ascii(name: &str, value: &str) -> Option<Header> {
    if name.eq_ignore_ascii_case("Content-Type") || name.eq_ignore_ascii_case("Content-Disposition")
    {
        return parameters(name, value);
    }
    let mut header = Header::default();
    match Kind::of(name) {
        Kind::Addresses | Kind::Bcc => {
            let list = addresses(value).ok()?;
            // RFC 6531 §3.2: only that extension carries such a local part.
            let has_other_form = |list: &[Address]| {
                list.iter().flat_map(Address::mailboxes).all(|mailbox| !mailbox.needs_smtputf8())
            };
            if !has_other_form(&list) {
                return None;
            }
            header.addresses(name, &list);
        }
        Kind::Text => header.field(name, value).ok()?,
        Kind::Structured | Kind::Ours => return None,
    }
    Some(header)
}

/// A field that says the same in lines of another length.
fn short(name: &str, value: &str) -> Option<Header> {
    let mut header = Header::default();
    match Kind::of(name) {
        Kind::Addresses | Kind::Bcc => match addresses(value) {
            Ok(list) if !list.is_empty() => header.addresses(name, &list),
            Ok(_) | Err(_) => header.structured(name, value).ok()?,
        },
        Kind::Text => header.field(name, value).ok()?,
        Kind::Structured | Kind::Ours => header.structured(name, value).ok()?,
    }
    Some(header)
}

/// Parameters in the form of RFC 2231, which have no other way.
fn parameters(name: &str, value: &str) -> Option<Header> {
    let pieces = pieces(value.as_bytes()).into_iter().map(String::from_utf8);
    let pieces: Vec<String> = pieces.collect::<Result<_, _>>().ok()?;
    let (first, parameters) = pieces.split_first()?;
    if !first.is_ascii() {
        return None;
    }
    let parameters = parameters.iter().filter_map(|piece| piece.split_once('='));
    let mut header = Header::default();
    header.parameters(name, first.trim(), parameters.map(|(n, v)| (n.trim(), v.trim())));
    Some(header)
}

/// The body of a field in one line. Octets that are not UTF-8 are read as
/// ISO 8859-1, which has a character for each.
fn text(body: &[u8]) -> String {
    let text = match std::str::from_utf8(body) {
        Ok(text) => text.to_owned(),
        Err(_) => body.iter().copied().map(char::from).collect(),
    };
    // RFC 5322 §2.2.3: only the line ends go.
    text.replace("\r\n", "").trim_matches([' ', '\t']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_beyond_ascii_say_the_same_in_ascii() {
        // 6532, 2047-b, 2231/2183
        for (field, expected) in [
            ("Subject: plain\r\n", "Subject: plain\r\n"),
            ("Subject:  Gr\u{fc}\u{df}e\r\n", "Subject: =?utf-8?B?R3LDvMOfZQ==?=\r\n"),
            ("X-Note: a\r\n  \u{e9}\r\n", "X-Note: =?utf-8?B?YSAgw6k=?=\r\n"),
            ("From: J\u{f6}rg <j@x.y>\r\n", "From: =?utf-8?B?SsO2cmc=?= <j@x.y>\r\n"),
            ("To: a@b\u{fc}cher.example\r\n", "To: a@xn--bcher-kva.example\r\n"),
            (
                "Content-Type: text/plain; name=\"\u{e9}.txt\"\r\n",
                "Content-Type: text/plain; name*=utf-8''%C3%A9.txt\r\n",
            ),
            ("\r\n", "\r\n"),
        ] {
            let written = seven_bit(field.as_bytes()).unwrap();
            assert_eq!(String::from_utf8(written).unwrap(), expected, "{field:?}");
        }
        let latin = seven_bit(b"Subject: Gr\xfc\xdfe\r\n").unwrap();
        assert_eq!(latin, b"Subject: =?utf-8?B?R3LDvMOfZQ==?=\r\n");
        for field in ["From: \u{e9}@x.y\r\n", "Message-ID: <\u{e9}@x.y>\r\n"] {
            assert!(matches!(seven_bit(field.as_bytes()), Err(Unfit::Field(_))), "{field:?}");
        }
    }

    #[test]
    fn long_lines_of_a_header_are_folded_where_they_have_blanks() {
        // 5321-4.5.3.1.6, 5322-2.2.3
        let words = "word ".repeat(400);
        let many = "bob@example.org,".repeat(200);
        for field in [
            format!("Subject: {words}\r\n"),
            format!("References: {}\r\n", "<a@example.org> ".repeat(100)),
            format!("To: {many}\r\n"),
            format!("X-Long: {}\r\n", "x".repeat(3000)),
        ] {
            let short = String::from_utf8(refolded(field.as_bytes()).unwrap()).unwrap();
            assert!(short.lines().all(|line| line.len() <= 998 && !line.trim().is_empty()));
        }
        let endless = format!("References: <{}@example.org>\r\n", "x".repeat(1000));
        assert_eq!(refolded(endless.as_bytes()), Err("References".to_owned()));
        let fit = format!("A: {}\r\n\tb\r\n", "x".repeat(995));
        assert_eq!(refolded(fit.as_bytes()).unwrap(), fit.as_bytes());
    }
}
