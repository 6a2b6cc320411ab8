//! Writing address lists (RFC 5322 §3.4), their names as phrases (§3.2.5, RFC
//! 2047 §5).

use super::header::{Line, blank_led};
use super::{Address, Member, parameter};
use crate::smtp::Mailbox;
use encodify::Fold;
use encodify::rfc2047;

/// Writes the entries with commas between them.
pub(super) fn write(line: &mut Line<'_>, list: &[Address]) {
    for (at, address) in list.iter().enumerate() {
        let after = if at + 1 < list.len() { "," } else { "" };
        match address {
            Address::Mailbox { name, mailbox } => one(line, name.as_deref(), mailbox, after),
            Address::Group { name, members } => group(line, name, members, after),
        }
    }
}

/// `Name <a@b>`, or `a@b` where there is no name, as most programs write it. A
/// quoted local part and an address literal stand in angle brackets all the
/// same: without them some readers take their signs for those of the list.
fn one(line: &mut Line<'_>, name: Option<&str>, mailbox: &Mailbox, after: &str) {
    if let Some(name) = name.filter(|name| !name.is_empty()) {
        phrase(line, name);
        line.word(&format!("<{mailbox}>{after}"));
    } else {
        let address = mailbox.to_string();
        let is_plain = !address.contains(['"', '[']);
        let address = if is_plain { address } else { format!("<{address}>") };
        line.word(&(address + after));
    }
}

fn group(line: &mut Line<'_>, name: &str, members: &[Member], after: &str) {
    // RFC 2047 §5 (3): a blank parts an encoded-word from the colon.
    if phrase(line, name) {
        line.word(":");
    } else {
        line.glue(":");
    }
    for (at, Member { name, mailbox }) in members.iter().enumerate() {
        let between = if at + 1 < members.len() { "," } else { "" };
        one(line, name.as_deref(), mailbox, between);
    }
    line.glue(";");
    line.glue(after);
}

/// Writes atoms where the name is made of such, else a quoted string, else
/// encoded-words; true for the last.
fn phrase(line: &mut Line<'_>, name: &str) -> bool {
    let is_ascii = name.bytes().all(|octet| matches!(octet, b' '..=b'~'));
    let written =
        if name.split(' ').all(is_atom) { name.to_owned() } else { parameter::quoted(name) };
    // What looks like an encoded-word would be read as one (RFC 2047 §7).
    if !is_ascii || name.contains("=?") || blank_led(&written).any(|word| word.len() > LONGEST_WORD)
    {
        encoded(line, name);
        return true;
    }
    for (at, word) in blank_led(&written).enumerate() {
        if at == 0 { line.word(word) } else { line.blank_led(word) }
    }
    false
}

/// Fits on a line of its own, with a blank before it and a mark behind it.
const LONGEST_WORD: usize = 76;

/// By the shorter of the two encodings (RFC 2047 §4).
fn encoded(line: &mut Line<'_>, name: &str) {
    let base64 = rfc2047::B.payload_len(name) < rfc2047::Q_PHRASE.payload_len(name);
    let encoder = if base64 { rfc2047::B } else { rfc2047::Q_PHRASE };
    line.encoded(|column, out| {
        encoder.encode_words("utf-8", name, column, Fold::HEADER, out);
    });
}

/// RFC 5322 §3.2.3.
fn is_atom(word: &str) -> bool {
    !word.is_empty()
        && word.bytes().all(|o| o.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&o))
}

#[cfg(test)]
mod tests {
    use super::super::addresses;
    use super::super::header::Header;
    use super::*;
    use proptest::prelude::*;

    fn written(list: &[Address]) -> String {
        let mut header = Header::default();
        header.addresses("To", list);
        String::from_utf8(header.into_octets()).unwrap()
    }

    fn named(name: &str) -> Address {
        Address::Mailbox { name: Some(name.into()), mailbox: "a@x.y".parse().unwrap() }
    }

    #[test]
    fn addresses_are_written_with_the_least_quoting() {
        // 5322-3.4, 2047-b
        for (list, expected) in [
            ("b@x.y", "b@x.y"),
            ("<b@x.y>", "b@x.y"),
            ("Bob <b@x.y>, c@x.y", "Bob <b@x.y>, c@x.y"),
            ("Bob  B. Smith <b@x.y>", "\"Bob B. Smith\" <b@x.y>"),
            ("\"Doe, \\\"J\\\"\" <j@x.y>", "\"Doe, \\\"J\\\"\" <j@x.y>"),
            ("\"a b\"@x.y", "<\"a b\"@x.y>"),
            ("a@[1.2.3.4]", "<a@[1.2.3.4]>"),
            ("J\u{f6}rg (x) <j@x.y>", "=?utf-8?B?SsO2cmc=?= <j@x.y>"),
            ("G: a@x.y, B <b@x.y>;, c@x.y", "G: a@x.y, B <b@x.y>;, c@x.y"),
            ("u:;", "u:;"),
            ("Größe: a@x.y;", "=?utf-8?B?R3LDtsOfZQ==?= : a@x.y;"),
            ("\"a  b \" <b@x.y>", "\"a  b \" <b@x.y>"),
            ("\"=?utf-8?Q?b?=\" <b@x.y>", "=?utf-8?B?PT91dGYtOD9RP2I/PQ==?= <b@x.y>"),
        ] {
            let list = addresses(list).unwrap();
            let field = written(&list);
            assert_eq!(field, format!("To: {expected}\r\n"));
            assert_eq!(addresses(&field[3..field.len() - 2]).unwrap(), list);
        }
    }

    #[test]
    fn names_of_every_script_come_back() {
        // 2047-a, 2047-b
        for name in ["محمد بن سلمان", "שלום עולם", "山田 太郎", "김철수", "Zoë 🦀", "नमस्ते"]
        {
            for times in [1, 5, 30] {
                let name = [name].repeat(times).join(" ");
                let field = written(&[named(&name)]);
                assert!(field.is_ascii() && field.lines().all(|line| line.len() <= 78), "{field}");
                assert_eq!(addresses(&field[3..field.len() - 2]).unwrap(), [named(&name)]);
                let parsed = mail_parser::MessageParser::new().parse(field.as_bytes()).unwrap();
                assert_eq!(parsed.to().unwrap().first().unwrap().name().unwrap(), name);
            }
        }
    }

    #[test]
    fn a_name_cannot_begin_a_field() {
        // HDR-inject
        for name in ["a\r\nBcc: x@y.z", "a\nb", "\r\n x", "a\0b", "a\u{7}"] {
            let field = written(&[named(name)]);
            let one_line = field.strip_suffix("\r\n").unwrap().replace("\r\n ", " ");
            assert!(!one_line.contains(char::is_control), "{field:?}");
        }
    }

    proptest! {
        #[test]
        fn names_come_back_from_an_address_list(names in proptest::collection::vec("[a-zé漢,.\"\\\\@<>() ]{0,60}", 1..6)) {
            // 2047-b
            let mailbox: Mailbox = "a@x.y".parse().unwrap();
            let named = |name: &String| Address::Mailbox {
                name: Some(name.trim().to_owned()).filter(|name| !name.is_empty()),
                mailbox: mailbox.clone(),
            };
            let list: Vec<_> = names.iter().map(named).collect();
            let field = written(&list);
            prop_assert!(field.lines().all(|line| line.len() <= 78 && !line.trim().is_empty()));
            prop_assert_eq!(addresses(&field["To:".len()..field.len() - 2]).unwrap(), list);
        }
    }
}
