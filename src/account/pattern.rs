//! Patterns of senders: `*` is any number of characters, `?` is one.

use crate::message::{self, Address};
use crate::smtp::{Domain, Mailbox};
use std::fmt;
use std::str::FromStr;

/// A pattern of the senders that an account is for, in `match`. Case does not
/// count: whose mail it is does not hang on how the address was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    written: String,
    folded: String,
}

impl Pattern {
    /// Whether it fits this address, which is [`folded`].
    pub(super) fn fits(&self, address: &str) -> bool {
        fits(&self.folded, address)
    }
}

impl FromStr for Pattern {
    type Err = String;

    /// Takes a pattern, or a name with one in angle brackets. One that no
    /// address can fit is refused with a clause.
    fn from_str(text: &str) -> Result<Self, String> {
        let written = bracketed(text).to_owned();
        if written.is_empty() || written.contains(char::is_control) {
            return Err("it is empty, or has a control character".to_owned());
        }
        if !written.contains(['@', '*']) {
            return Err(format!("no address fits ‘{written}’; for a domain write *@{written}"));
        }
        let folded = match written.rsplit_once('@') {
            // U-labels become A-labels, as they do in the address.
            Some((local, domain)) => match domain.parse::<Domain>() {
                Ok(domain) => format!("{local}@{domain}"),
                Err(_) => written.clone(),
            },
            None => written.clone(),
        };
        Ok(Pattern { folded: folded.to_lowercase(), written })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// True when the pattern fits the whole address. Domains are compared without
/// regard to ASCII case, what stands before the `@` is not (RFC 5321 §2.4).
pub(super) fn fits(pattern: &str, address: &str) -> bool {
    let pattern: Vec<char> = lower_domain(pattern).chars().collect();
    let address: Vec<char> = lower_domain(address).chars().collect();
    wildcards(&pattern, &address)
}

/// The address of the first author in the text of a From field. What is no
/// list of addresses is taken as it stands, or as it stands between angle
/// brackets.
pub(super) fn address(from: &str) -> String {
    let list = message::addresses(from).unwrap_or_default();
    let first = list.iter().flat_map(Address::mailboxes).next().map(Mailbox::to_string);
    first.unwrap_or_else(|| bracketed(from).to_owned())
}

/// An address as it is compared, without regard to case.
pub(super) fn folded(address: &str) -> String {
    address.to_lowercase()
}

/// The same address without what follows a plus sign before its `@`, if there
/// is such a thing (RFC 5233 §1).
pub(super) fn without_detail(address: &str) -> Option<String> {
    let (local, domain) = address.rsplit_once('@')?;
    let (user, _) = local.split_once('+').filter(|(user, _)| !user.is_empty())?;
    Some(format!("{user}@{domain}"))
}

fn bracketed(text: &str) -> &str {
    let inside = text.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inside.map_or(text, |(address, _)| address).trim()
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
    fn the_address_of_the_first_author_is_found_in_a_from_field() {
        for (from, expected) in [
            ("alice@example.org", "alice@example.org"),
            (" <alice@example.org> ", "alice@example.org"),
            ("alice@example.org (Alice)", "alice@example.org"),
            ("\"Example, Alice <x>\" <alice@example.org>", "alice@example.org"),
            ("Alice <alice@example.org>, bob@example.net", "alice@example.org"),
            ("Team: alice@example.org, bob@example.net;", "alice@example.org"),
            ("alice@bücher.example", "alice@xn--bcher-kva.example"),
            ("Alice <Example> <alice@example.org>", "alice@example.org"),
            ("Alice <alice@example.org", "Alice <alice@example.org"),
            ("alice", "alice"),
        ] {
            assert_eq!(address(from), expected, "{from}");
        }
    }

    #[test]
    fn a_pattern_fits_whatever_the_case_and_however_the_domain_is_written() {
        for (pattern, sender, expected) in [
            ("Alice@Example.org", "alice@EXAMPLE.org", true),
            ("*@example.org", "Bob@Example.Org", true),
            ("Work <*@example.org>", "bob@example.org", true),
            ("*@bücher.example", "bob@xn--bcher-kva.example", true),
            ("*@*.BÜCHER.example", "bob@a.xn--bcher-kva.example", false),
            ("*", "bob@example.org", true),
            ("sales@*", "bob@example.org", false),
        ] {
            let pattern: Pattern = pattern.parse().unwrap();
            assert_eq!(pattern.fits(&folded(&address(sender))), expected, "{pattern} {sender}");
        }
    }

    #[test]
    fn a_pattern_that_nothing_fits_is_refused() {
        for text in ["", " ", "<>", "example.org", "Alice <alice>", "a\n@x", "?"] {
            assert!(text.parse::<Pattern>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_follows_a_plus_sign_is_a_detail() {
        for (address, expected) in [
            ("alice+lists@example.org", Some("alice@example.org")),
            ("alice+a+b@example.org", Some("alice@example.org")),
            ("alice@example+1.org", None),
            ("+alice@example.org", None),
            ("alice", None),
        ] {
            assert_eq!(without_detail(address).as_deref(), expected, "{address}");
        }
    }
}
