//! What a domain says of the servers that may send its mail (RFC 7208). Read, not
//! applied: nobody is judged by it here.

use std::net::{Ipv4Addr, Ipv6Addr};

/// A record that is well formed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spf {
    /// What is looked up when it is applied, in its order: each counts
    /// (RFC 7208 §4.6.4).
    pub lookups: Vec<Lookup>,
    /// What comes of a server that nothing else fits, as `all` or a redirection
    /// says; `None` where nothing does.
    pub all: Option<All>,
}

/// One look-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// Another record is part of it, or stands in for it: of this domain.
    Record(String),
    /// An address or another name.
    Other,
}

/// What `all` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum All {
    /// `+all`: everybody may send.
    Pass,
    /// `?all`.
    Neutral,
    /// `~all`.
    SoftFail,
    /// `-all`.
    Fail,
    /// What the other record says.
    Redirected,
}

/// RFC 7208 §4.6.4: one more is an error.
pub const MOST_LOOKUPS: usize = 10;

/// Whether a text is meant as such a record (RFC 7208 §4.5).
pub fn is_record(text: &str) -> bool {
    text.split(' ').next().is_some_and(|word| word.eq_ignore_ascii_case("v=spf1"))
}

impl Spf {
    /// Reads one; the error is the term that is wrong.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut spf = Spf { lookups: Vec::new(), all: None };
        let mut redirect = None;
        for term in text.split(' ').skip(1).filter(|term| !term.is_empty()) {
            if let Some((name, value)) = modifier(term) {
                if name.eq_ignore_ascii_case("redirect") {
                    if value.is_empty() || redirect.is_some() {
                        return Err(term.to_owned());
                    }
                    redirect = Some(value.to_owned());
                }
                continue;
            }
            spf.take(term).ok_or_else(|| term.to_owned())?;
        }
        // RFC 7208 §6.1: beside `all` a redirection counts for nothing.
        if let Some(domain) = redirect.filter(|_| spf.all.is_none()) {
            spf.lookups.push(Lookup::Record(domain));
            spf.all = Some(All::Redirected);
        }
        Ok(spf)
    }

    /// One mechanism; `None` where it is none.
    fn take(&mut self, term: &str) -> Option<()> {
        let (sign, mechanism) = match term.as_bytes()[0] {
            sign @ (b'+' | b'-' | b'~' | b'?') => (sign, &term[1..]),
            _ => (b'+', term),
        };
        let end = mechanism.find([':', '/']).unwrap_or(mechanism.len());
        let (name, rest) = mechanism.split_at(end);
        let argument = rest.strip_prefix(':').filter(|argument| !argument.is_empty());
        match (name.to_ascii_lowercase().as_str(), argument) {
            // What stands behind it is never looked at.
            ("all", None) if rest.is_empty() => {
                self.all = self.all.or(Some(match sign {
                    b'-' => All::Fail,
                    b'~' => All::SoftFail,
                    b'?' => All::Neutral,
                    _ => All::Pass,
                }));
            }
            ("include", Some(domain)) => self.look_up(Lookup::Record(domain.to_owned())),
            ("a" | "mx", Some(domain)) if are_lengths(after_slash(domain)) => {
                self.look_up(Lookup::Other);
            }
            ("a" | "mx", None) if are_lengths(rest.strip_prefix('/')) && !rest.starts_with(':') => {
                self.look_up(Lookup::Other);
            }
            ("exists" | "ptr", Some(_)) => self.look_up(Lookup::Other),
            ("ptr", None) if rest.is_empty() => self.look_up(Lookup::Other),
            ("ip4", Some(network)) if is_network::<Ipv4Addr>(network, 32) => {}
            ("ip6", Some(network)) if is_network::<Ipv6Addr>(network, 128) => {}
            _ => return None,
        }
        Some(())
    }

    fn look_up(&mut self, lookup: Lookup) {
        if self.all.is_none() {
            self.lookups.push(lookup);
        }
    }
}

/// `name=value`, the name a letter and what may follow one.
fn modifier(term: &str) -> Option<(&str, &str)> {
    let (name, value) = term.split_once('=')?;
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    is_name.then_some((name, value))
}

fn after_slash(text: &str) -> Option<&str> {
    text.split_once('/').map(|(_, behind)| behind)
}

/// `24`, `24//64` or `/64`, behind the first slash; or nothing.
fn are_lengths(text: Option<&str>) -> bool {
    let Some(text) = text else { return true };
    let (four, six) = match text.split_once('/') {
        Some((four, six)) => (four, six.strip_prefix('/').or(four.is_empty().then_some(six))),
        None => (text, None),
    };
    let fits = |text: &str, most: u8| text.parse::<u8>().is_ok_and(|length| length <= most);
    (four.is_empty() || fits(four, 32)) && six.is_none_or(|six| fits(six, 128))
}

fn is_network<A: std::str::FromStr>(text: &str, most: u8) -> bool {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    let fits = |length: &str| length.parse::<u8>().is_ok_and(|length| length <= most);
    address.parse::<A>().is_ok() && length.is_none_or(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_tells_what_is_looked_up_and_what_comes_of_everybody_else() {
        let record = |domain: &str| Lookup::Record(domain.to_owned());
        for (text, lookups, all) in [
            ("v=spf1 -all", vec![], Some(All::Fail)),
            ("v=spf1", vec![], None),
            ("v=spf1 all", vec![], Some(All::Pass)),
            ("v=spf1 mx a:b.example/24//64 ~all", vec![Lookup::Other; 2], Some(All::SoftFail)),
            ("v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 ?all", vec![], Some(All::Neutral)),
            ("v=spf1 include:x.example -all", vec![record("x.example")], Some(All::Fail)),
            ("v=spf1 redirect=x.example", vec![record("x.example")], Some(All::Redirected)),
            ("v=spf1 -all redirect=x.example", vec![], Some(All::Fail)),
            ("v=spf1 -all a mx", vec![], Some(All::Fail)),
            (
                "v=spf1 exists:%{i}.x.example exp=why.example -all",
                vec![Lookup::Other],
                Some(All::Fail),
            ),
        ] {
            assert_eq!(Spf::read(text), Ok(Spf { lookups, all }), "{text}");
        }
    }

    #[test]
    fn the_term_that_is_wrong_is_named() {
        for (text, term) in [
            ("v=spf1 ipv4:192.0.2.1 -all", "ipv4:192.0.2.1"),
            ("v=spf1 ip4:192.0.2.300 -all", "ip4:192.0.2.300"),
            ("v=spf1 ip4:192.0.2.0/33 -all", "ip4:192.0.2.0/33"),
            ("v=spf1 include: -all", "include:"),
            ("v=spf1 a/33 -all", "a/33"),
            ("v=spf1 -all:x", "-all:x"),
            ("v=spf1 redirect=a redirect=b", "redirect=b"),
        ] {
            assert_eq!(Spf::read(text), Err(term.to_owned()), "{text}");
        }
    }

    #[test]
    fn only_a_text_that_begins_with_its_version_is_such_a_record() {
        assert!(is_record("v=spf1 -all") && is_record("V=SPF1"));
        assert!(!is_record("v=spf10 -all") && !is_record("spf1"));
    }
}
