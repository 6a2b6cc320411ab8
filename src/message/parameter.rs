//! Writing parameters: `name=value` behind a media type or a disposition (RFC
//! 2045 §5.1, RFC 2183 §2, RFC 2231 §3, §4).

use super::header::{Line, is_token};
use std::fmt::Write as _;

/// The longest `name=value` that is written in one piece: with a blank before
/// it and a semicolon behind it, it fits on a line. RFC 2183 §2 has values over
/// 78 in the form of RFC 2231.
const LONGEST: usize = 76;
/// What a section holds, so that its line is no longer than others.
const SECTION: usize = 60;

/// Writes `; name=value`, the value as a token, a quoted string, or in the
/// form of RFC 2231, whichever is the least that holds it.
pub(super) fn write(line: &mut Line<'_>, name: &str, value: &str) {
    line.glue(";");
    match plain(name, value) {
        Some(parameter) => line.word(&parameter),
        None => extended(line, name, value),
    }
}

/// The parameter in the form that every reader knows, if it has one.
pub(super) fn plain(name: &str, value: &str) -> Option<String> {
    if !value.bytes().all(|octet| matches!(octet, b' '..=b'~')) {
        return None;
    }
    // RFC 2231 §7 gives these three a meaning, which some readers see in tokens.
    let is_bare = is_token(value) && !value.contains(['*', '\'', '%']);
    let value = if is_bare { value.to_owned() } else { quoted(value) };
    Some(format!("{name}={value}")).filter(|parameter| parameter.len() <= LONGEST)
}

/// RFC 2045 §5.1, by way of RFC 822: `"` and `\` behind a backslash.
pub(super) fn quoted(value: &str) -> String {
    let mut quoted = String::from("\"");
    for c in value.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted + "\""
}

/// RFC 2231 §4, §4.1: percent-encoded UTF-8, in sections if it is long. No
/// section ends within a character. Long US-ASCII is written so, too: where a
/// shorter name stands beside sections without an asterisk at their end, some
/// readers join the two.
fn extended(line: &mut Line<'_>, name: &str, value: &str) {
    let mut sections = vec![String::from("utf-8''")];
    for c in value.chars() {
        let encoded = percent_encoded(c);
        if sections.last().is_some_and(|last| last.len() + encoded.len() > SECTION) {
            sections.push(String::new());
        }
        sections.last_mut().expect("begun above").push_str(&encoded);
    }
    let sections = match &sections[..] {
        [one] => vec![format!("{name}*={one}")],
        many => {
            many.iter().enumerate().map(|(at, it)| format!("{name}*{at}*={it}")).collect::<Vec<_>>()
        }
    };
    for (at, section) in sections.iter().enumerate() {
        if at > 0 {
            line.glue(";");
        }
        line.word(section);
    }
}

/// RFC 2231 §7: an attribute-char, or its octets in hexadecimal.
fn percent_encoded(c: char) -> String {
    if c.is_ascii_alphanumeric() || "!#$&+-.^_`{|}~".contains(c) {
        return c.to_string();
    }
    let mut encoded = String::new();
    for octet in c.encode_utf8(&mut [0; 4]).bytes() {
        let _ = write!(encoded, "%{octet:02X}");
    }
    encoded
}

/// The octets with each %XX read; what only looks like one stays.
pub(super) fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, later @ ..] = rest {
        let digit = |at: usize| later.get(at).and_then(|octet| char::from(*octet).to_digit(16));
        if let (b'%', Some(high), Some(low)) = (first, digit(0), digit(1)) {
            octets.push(u8::try_from(high * 16 + low).expect("two digits are an octet"));
            rest = &later[2..];
        } else {
            octets.push(*first);
            rest = later;
        }
    }
    octets
}

#[cfg(test)]
mod tests {
    use super::super::header::Header;
    use mail_parser::{MessageParser, MimeHeaders};
    use proptest::prelude::*;

    fn written(value: &str) -> String {
        let mut header = Header::default();
        header.parameters("Content-Disposition", "attachment", [("filename", value)]);
        String::from_utf8(header.into_octets()).unwrap()
    }

    fn read(field: &str) -> String {
        let message = format!("{field}\r\n");
        let parsed = MessageParser::new().parse(message.as_bytes()).unwrap();
        let disposition = parsed.root_part().content_disposition().unwrap();
        disposition.attribute("filename").unwrap().to_owned()
    }

    #[test]
    fn the_least_form_that_holds_a_value_is_written() {
        // 2231/2183, 2231-3/4, 2231-7
        let long = "a".repeat(68);
        for (value, expected) in [
            ("a.txt", "filename=a.txt"),
            ("a b.txt", "filename=\"a b.txt\""),
            ("", "filename=\"\""),
            ("a;\"\\.txt", r#"filename="a;\"\\.txt""#),
            ("50%'*.txt", "filename=\"50%'*.txt\""),
            ("é'*% ;.txt", "filename*=utf-8''%C3%A9%27%2A%25%20%3B.txt"),
            (
                &long,
                &format!(
                    "\r\n filename*0*=utf-8''{};\r\n filename*1*={}",
                    "a".repeat(53),
                    "a".repeat(15)
                ),
            ),
        ] {
            let field = written(value);
            let expected = if expected.starts_with("\r\n") {
                format!("Content-Disposition: attachment;{expected}\r\n")
            } else {
                format!("Content-Disposition: attachment; {expected}\r\n")
            };
            assert_eq!(field.replace("\r\n filename*=", " filename*="), expected, "{value:?}");
            assert!(value.is_empty() || read(&field) == value, "{field}");
        }
    }

    #[test]
    fn a_section_ends_between_two_characters() {
        // 2231-7
        for lead in 0..80 {
            let value = format!("{}{}", "a".repeat(lead), "🦀漢é".repeat(40));
            let field = written(&value);
            for section in field.lines().skip(1) {
                let encoded = section.split_once('=').unwrap().1.trim_end_matches(';');
                let encoded = encoded.trim_start_matches("utf-8''");
                let octets = whole_octets(encoded);
                assert!(std::str::from_utf8(&octets).is_ok(), "{section}");
            }
            assert_eq!(read(&field), value);
        }
    }

    #[test]
    fn the_order_of_sections_does_not_matter() {
        // 2231-3/4: what a reader makes of it, so that we know what is written
        // to be the grammar and no accident.
        let value = "漢字".repeat(40);
        let field = written(&value);
        let (name, rest) = field.trim_end().split_once(";\r\n").unwrap();
        let mut sections: Vec<_> = rest.split(";\r\n").collect();
        sections.reverse();
        assert_eq!(read(&format!("{name};\r\n{}\r\n", sections.join(";\r\n"))), value);
    }

    /// What each %XX of a section stands for; none may be cut.
    fn whole_octets(text: &str) -> Vec<u8> {
        let mut octets = Vec::new();
        let mut rest = text.as_bytes();
        while let [first, later @ ..] = rest {
            if *first == b'%' {
                let digits = std::str::from_utf8(&later[..2]).unwrap();
                octets.push(u8::from_str_radix(digits, 16).unwrap());
                rest = &later[2..];
            } else {
                octets.push(*first);
                rest = later;
            }
        }
        octets
    }

    proptest! {
        #[test]
        fn every_value_comes_back(value in "[a-z%'*;=é漢🦀.][a-z \"\\\\%'*;=é漢🦀.]{0,300}") {
            // 2231/2183, 2231-3/4, 2231-7
            let value = value.trim_end();
            let field = written(value);
            prop_assert!(field.is_ascii());
            prop_assert!(field.lines().all(|line| line.len() <= 78), "{}", field);
            prop_assert_eq!(read(&field), value);
        }
    }
}
