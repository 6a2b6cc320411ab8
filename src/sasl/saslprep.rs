//! Names and passwords in the one spelling that both sides compare
//! (`SASLprep`, RFC 4013, a profile of RFC 3454).

use stringprep::tables;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// Prepares a query string: code points that Unicode 3.2 did not know pass
/// (RFC 4013 §2.5, RFC 3454 §7). `None` for what is not UTF-8, has characters
/// that are prohibited, mixes directions, or comes out empty.
pub(super) fn saslprep(octets: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let text = str::from_utf8(octets).ok()?;
    if text.is_ascii() {
        let fits = !text.is_empty() && !text.contains(|c: char| c.is_ascii_control());
        return fits.then(|| Zeroizing::new(octets.to_vec()));
    }
    // Three times the room is enough for nearly every text, so that no copy is
    // left behind by growing.
    let mut prepared = Zeroizing::new(String::with_capacity(3 * text.len()));
    // §2.1, §2.2
    prepared.extend(
        text.chars()
            .filter(|&c| !tables::commonly_mapped_to_nothing(c))
            .map(|c| if tables::non_ascii_space_character(c) { ' ' } else { c })
            .nfkc(),
    );
    let fits = !prepared.is_empty() && !prepared.contains(is_prohibited) && is_one_way(&prepared);
    fits.then(|| Zeroizing::new(prepared.as_bytes().to_vec()))
}

/// RFC 4013 §2.3.
fn is_prohibited(c: char) -> bool {
    tables::non_ascii_space_character(c)
        || tables::ascii_control_character(c)
        || tables::non_ascii_control_character(c)
        || tables::private_use(c)
        || tables::non_character_code_point(c)
        || tables::surrogate_code(c)
        || tables::inappropriate_for_plain_text(c)
        || tables::inappropriate_for_canonical_representation(c)
        || tables::change_display_properties_or_deprecated(c)
        || tables::tagging_character(c)
}

/// RFC 3454 §6: a text from right to left has nothing from left to right, and
/// begins and ends its way.
fn is_one_way(text: &str) -> bool {
    !text.contains(tables::bidi_r_or_al)
        || (!text.contains(tables::bidi_l)
            && text.starts_with(tables::bidi_r_or_al)
            && text.ends_with(tables::bidi_r_or_al))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_out_in_one_spelling_or_not_at_all() {
        // 4954-4e; 4013 §3
        for (text, prepared) in [
            ("I\u{ad}X", Some("IX")),
            ("user", Some("user")),
            ("USER", Some("USER")),
            ("\u{aa}", Some("a")),
            ("\u{2168}", Some("IX")),
            ("a\u{3000}b", Some("a b")),
            ("e\u{301}", Some("é")),
            ("\u{221}", Some("\u{221}")),
            ("\u{7}", None),
            ("\u{627}\u{31}", None),
            ("", None),
            ("\u{ad}", None),
            ("\u{e000}", None),
        ] {
            let said = saslprep(text.as_bytes());
            assert_eq!(
                said.as_ref().map(|it| it.as_slice()),
                prepared.map(str::as_bytes),
                "{text:?}"
            );
        }
        assert_eq!(saslprep(b"\xff"), None);
    }
}
