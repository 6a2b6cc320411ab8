//! xtext, in which any text may be the value of a parameter (RFC 3461 §4).

use std::fmt::Write as _;

/// The octets of a text in xtext: what is not printable US-ASCII, and `+` and
/// `=`, become `+` with two hexadecimal digits.
pub(crate) fn encoded(text: &str) -> String {
    let mut xtext = String::with_capacity(text.len());
    for octet in text.bytes() {
        if octet.is_ascii_graphic() && !matches!(octet, b'+' | b'=') {
            xtext.push(char::from(octet));
        } else {
            let _ = write!(xtext, "+{octet:02X}");
        }
    }
    xtext
}

/// The octets that an xtext stands for; `None` if it is none. The digits are of
/// upper case.
pub(crate) fn decoded(xtext: &str) -> Option<Vec<u8>> {
    let mut octets = xtext.bytes();
    let mut decoded = Vec::with_capacity(xtext.len());
    while let Some(octet) = octets.next() {
        decoded.push(match octet {
            b'+' => digit(octets.next()?)? << 4 | digit(octets.next()?)?,
            b'=' => return None,
            _ if octet.is_ascii_graphic() => octet,
            _ => return None,
        });
    }
    Some(decoded)
}

fn digit(octet: u8) -> Option<u8> {
    match octet {
        b'0'..=b'9' => Some(octet - b'0'),
        b'A'..=b'F' => Some(octet - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_may_not_stand_in_a_parameter_is_written_in_hexadecimal() {
        // 3461-b, 3461-4.2a
        for (text, xtext) in [
            ("", ""),
            ("user+tag@d", "user+2Btag@d"),
            ("a = b", "a+20+3D+20b"),
            ("!~", "!~"),
            ("\0\x7f", "+00+7F"),
            ("é", "+C3+A9"),
        ] {
            assert_eq!(encoded(text), xtext);
            assert_eq!(decoded(xtext).as_deref(), Some(text.as_bytes()), "{xtext}");
        }
        // A digit more than is needed is no mistake.
        assert_eq!(decoded("+61").as_deref(), Some(&b"a"[..]));
        for wrong in ["+", "+2", "+2b", "+zz", "a=b", "a b", "é", "a\r"] {
            assert_eq!(decoded(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_encoded_is_decoded_to_itself(text in "\\PC{0,40}|[\\x00-\\x7f]{0,40}") {
            // 3461-b
            let xtext = encoded(&text);
            prop_assert!(xtext.bytes().all(|b| b.is_ascii_graphic() && b != b'='));
            prop_assert_eq!(decoded(&xtext), Some(text.into_bytes()));
        }

        #[test]
        fn what_is_decoded_is_an_xtext_of_its_octets(xtext in "[+=0-9A-Fa-z!~ ]{0,12}") {
            if let Some(octets) = decoded(&xtext) {
                prop_assert!(!xtext.contains(['=', ' ']));
                prop_assert_eq!(octets.len() + 2 * xtext.matches('+').count(), xtext.len());
            }
        }
    }
}
