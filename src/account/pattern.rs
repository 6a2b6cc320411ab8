//! Patterns of senders: `*` is any number of characters, `?` is one.

/// True when the pattern fits the whole address. Domains are compared without
/// regard to ASCII case, what stands before the `@` is not (RFC 5321 §2.4).
pub(super) fn fits(pattern: &str, address: &str) -> bool {
    let pattern: Vec<char> = lower_domain(pattern).chars().collect();
    let address: Vec<char> = lower_domain(address).chars().collect();
    wildcards(&pattern, &address)
}

/// The address in the text of a From field: what stands between angle
/// brackets, else the whole text.
pub(super) fn address(from: &str) -> &str {
    let inside = from.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inside.map_or(from, |(address, _)| address).trim()
}

/// On a mismatch only the last `*` may take one character more: an earlier one
/// could gain nothing, so the work stays within pattern × text.
fn wildcards(pattern: &[char], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut last_star = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                last_star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == '?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((star, taken)) = last_star else { return false };
                last_star = Some((star, taken + 1));
                p = star + 1;
                t = taken + 1;
            }
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

fn lower_domain(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((local, domain)) => format!("{local}@{}", domain.to_ascii_lowercase()),
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_text_and_a_question_mark_one_character() {
        for (pattern, text, expected) in [
            ("alice@example.org", "alice@EXAMPLE.org", true),
            ("alice@Example.org", "alice@example.org", true),
            ("Alice@example.org", "alice@example.org", false),
            ("alice@*", "alice@example.org", true),
            ("*@example.org", "bob@example.org", true),
            ("*@example.org", "bob@sub.example.org", false),
            ("*@*.example.org", "bob@sub.example.org", true),
            ("a?ice@example.org", "alice@example.org", true),
            ("a?ice@example.org", "aice@example.org", false),
            ("?@x", "é@x", true),
            ("*", "alice@example.org", true),
            ("*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaac", false),
            ("", "alice@example.org", false),
            ("example.org", "alice@example.org", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn the_address_is_found_in_a_from_field() {
        for (from, expected) in [
            ("alice@example.org", "alice@example.org"),
            (" <alice@example.org> ", "alice@example.org"),
            ("Alice <Example> <alice@example.org>", "alice@example.org"),
            ("Alice <alice@example.org", "Alice <alice@example.org"),
        ] {
            assert_eq!(address(from), expected);
        }
    }
}
