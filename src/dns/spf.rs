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
    /// `include`, `redirect`: another record is part of it, or stands in for it.
    Record {
        /// Of this domain.
        domain: String,
        /// Who may send by that may send by this; not so where the sign of `include`
        /// is another than `+` (RFC 7208 §5.2).
        passes: bool,
    },
    /// `a`: the addresses of this name; `None` for the domain's own.
    Addresses(Option<String>),
    /// `mx`: who takes the mail of this name; `None` for the domain's own.
    Exchangers(Option<String>),
    /// `exists`: whether this name has an address.
    Exists(String),
    /// `ptr`: the names of whoever sends, which should not be asked for (RFC 7208
    /// §5.5).
    Ptr,
}

/// What `all` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum All {
    /// `+all`, or a network that is the whole of a family: everybody may send.
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

/// RFC 7208 §4.6.4: more look-ups of which nothing comes should be an error.
pub const MOST_VOID: usize = 2;

/// RFC 7208 §4.6.4: `mx` of a name with more hosts is an error.
pub const MOST_HOSTS: usize = 10;

/// Whether a text is meant as such a record (RFC 7208 §4.5).
pub fn is_record(text: &str) -> bool {
    text.split(' ').next().is_some_and(|word| word.eq_ignore_ascii_case("v=spf1"))
}

impl Spf {
    /// Reads one; the error is the term that is wrong.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut spf = Spf { lookups: Vec::new(), all: None };
        let (mut redirect, mut has_explanation) = (None, false);
        for term in text.split(' ').skip(1).filter(|term| !term.is_empty()) {
            if let Some((name, value)) = modifier(term) {
                if name.eq_ignore_ascii_case("redirect") {
                    if value.is_empty() || redirect.is_some() {
                        return Err(term.to_owned());
                    }
                    redirect = Some(value.to_owned());
                }
                // RFC 7208 §6: neither stands there twice.
                if name.eq_ignore_ascii_case("exp")
                    && (value.is_empty() || std::mem::replace(&mut has_explanation, true))
                {
                    return Err(term.to_owned());
                }
                continue;
            }
            spf.take(term).ok_or_else(|| term.to_owned())?;
        }
        // RFC 7208 §6.1: beside `all` a redirection counts for nothing.
        if let Some(domain) = redirect.filter(|_| spf.all.is_none()) {
            spf.lookups.push(Lookup::Record { domain, passes: true });
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
        let (domain, lengths) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let argument = rest.strip_prefix(':').filter(|argument| !argument.is_empty());
        let domain = match domain {
            "" => None,
            domain => Some(domain.strip_prefix(':').filter(|domain| !domain.is_empty())?),
        };
        let owned = |text: &str| text.to_owned();
        let passes = sign == b'+';
        match name.to_ascii_lowercase().as_str() {
            "all" if rest.is_empty() => self.end_with(match sign {
                b'-' => All::Fail,
                b'~' => All::SoftFail,
                b'?' => All::Neutral,
                _ => All::Pass,
            }),
            "include" => {
                self.look_up(Lookup::Record { domain: argument.map(owned)?, passes });
            }
            "a" if are_lengths(lengths) => self.look_up(Lookup::Addresses(domain.map(owned))),
            "mx" if are_lengths(lengths) => self.look_up(Lookup::Exchangers(domain.map(owned))),
            "exists" => self.look_up(Lookup::Exists(argument.map(owned)?)),
            "ptr" if rest.is_empty() || argument.is_some() => self.look_up(Lookup::Ptr),
            "ip4" if is_network::<Ipv4Addr>(domain?, lengths, 32) => {}
            "ip6" if is_network::<Ipv6Addr>(domain?, lengths, 128) => {}
            _ => return None,
        }
        if passes && matches!(lengths, "/0" | "/00" | "/000") {
            self.end_with(All::Pass);
        }
        Some(())
    }

    /// What stands behind it is never looked at.
    fn end_with(&mut self, all: All) {
        self.all = self.all.or(Some(all));
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

/// `/24`, `/24//64`, `//64` or nothing: how much of an address counts, of either
/// family (RFC 7208 §5.6).
fn are_lengths(text: &str) -> bool {
    let (four, six) = match text.split_once("//") {
        Some((four, six)) => (four, Some(six)),
        None => (text, None),
    };
    let four = four.is_empty() || four.strip_prefix('/').is_some_and(|it| is_length(it, 32));
    four && six.is_none_or(|six| is_length(six, 128))
}

fn is_length(text: &str, most: u8) -> bool {
    text.bytes().all(|octet| octet.is_ascii_digit())
        && text.parse::<u8>().is_ok_and(|length| length <= most)
}

fn is_network<A: std::str::FromStr>(address: &str, length: &str, most: u8) -> bool {
    let fits = length.is_empty() || length.strip_prefix('/').is_some_and(|it| is_length(it, most));
    fits && address.parse::<A>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_tells_what_is_looked_up_and_what_comes_of_everybody_else() {
        let signed = |domain: &str, passes| Lookup::Record { domain: domain.to_owned(), passes };
        let record = |domain: &str| signed(domain, true);
        for (text, lookups, all) in [
            ("v=spf1 -all", vec![], Some(All::Fail)),
            ("v=spf1", vec![], None),
            ("v=spf1 all", vec![], Some(All::Pass)),
            (
                "v=spf1 mx a:b.example/24//64 a//64 MX:c.example/24 ~all",
                vec![
                    Lookup::Exchangers(None),
                    Lookup::Addresses(Some("b.example".to_owned())),
                    Lookup::Addresses(None),
                    Lookup::Exchangers(Some("c.example".to_owned())),
                ],
                Some(All::SoftFail),
            ),
            ("v=spf1 ptr ptr:x.example ?all", vec![Lookup::Ptr; 2], Some(All::Neutral)),
            ("v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 ?all", vec![], Some(All::Neutral)),
            ("v=spf1 include:x.example -all", vec![record("x.example")], Some(All::Fail)),
            ("v=spf1 ?include:x.example -all", vec![signed("x.example", false)], Some(All::Fail)),
            ("v=spf1 ip4:0.0.0.0/0 -all", vec![], Some(All::Pass)),
            ("v=spf1 -ip4:0.0.0.0/0 ~all", vec![], Some(All::SoftFail)),
            ("v=spf1 redirect=x.example", vec![record("x.example")], Some(All::Redirected)),
            ("v=spf1 -all redirect=x.example", vec![], Some(All::Fail)),
            ("v=spf1 -all a mx +all", vec![], Some(All::Fail)),
            (
                "v=spf1 exists:%{i}.x.example exp=why.example -all",
                vec![Lookup::Exists("%{i}.x.example".to_owned())],
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
            ("v=spf1 a/24/64 -all", "a/24/64"),
            ("v=spf1 mx:/24 -all", "mx:/24"),
            ("v=spf1 a: -all", "a:"),
            ("v=spf1 a/ -all", "a/"),
            ("v=spf1 a//129 -all", "a//129"),
            ("v=spf1 ip6:2001:db8::/+8 -all", "ip6:2001:db8::/+8"),
            ("v=spf1 ip4 -all", "ip4"),
            ("v=spf1 exists -all", "exists"),
            ("v=spf1 redirect=", "redirect="),
            ("v=spf1 -all:x", "-all:x"),
            ("v=spf1 redirect=a redirect=b", "redirect=b"),
            ("v=spf1 exp=a.x -all exp=b.x", "exp=b.x"),
            ("v=spf1 -all exp=", "exp="),
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
