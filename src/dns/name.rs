//! Names of the DNS.

use super::error::Error;
use crate::net::Host;
use domain::base;
use domain::base::name::{Label, ParsedName, ToLabelIter, ToName};
use domain::dep::octseq::Octets;
use std::fmt;
use std::str::FromStr;

/// A name: absolute, in A-labels, never the root. Two are equal when their
/// labels are, ignoring ASCII case (RFC 4343).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name(base::Name<Vec<u8>>);

/// Names that no name server is asked for: this machine (RFC 6761 §6.3), what
/// does not exist (RFC 6761 §6.4), what must not be told to anybody (RFC 7686
/// §2).
const NEVER_ASKED: [&[u8]; 3] = [b"localhost", b"invalid", b"onion"];

impl Name {
    /// The name that stands below this one by these labels, such as
    /// `_submissions._tcp`.
    pub fn below(&self, labels: &str) -> Result<Name, Error> {
        format!("{labels}.{self}").parse()
    }

    /// Whether it is that name or stands below it.
    pub fn is_within(&self, other: &Name) -> bool {
        self.0.ends_with(&other.0)
    }

    /// The host of this name, in lower case; `None` if no host can have it: its
    /// labels are not of letters, digits and hyphens, or it reads as an address
    /// (RFC 1123 §2.1).
    pub fn host(&self) -> Option<Host> {
        let is_ldh = |label: &[u8]| {
            !label.starts_with(b"-")
                && !label.ends_with(b"-")
                && label.iter().all(|octet| octet.is_ascii_alphanumeric() || *octet == b'-')
        };
        // Whether 0x7f000001 is an address is a matter of opinion.
        let is_numeric = |label: &[u8]| label.first().is_some_and(u8::is_ascii_digit);
        let fits = self.labels().all(is_ldh) && !self.labels().last().is_some_and(is_numeric);
        fits.then(|| Host::Name(self.to_string().to_ascii_lowercase()))
    }

    /// Whether no name server is asked for it.
    pub(super) fn is_never_asked(&self) -> bool {
        let top = self.labels().last().unwrap_or_default();
        NEVER_ASKED.iter().any(|special| special.eq_ignore_ascii_case(top))
    }

    /// The name as it stands in a message; `None` for the root.
    pub(super) fn read<Octs: Octets>(name: &ParsedName<Octs>) -> Option<Name> {
        (!name.is_root()).then(|| Name(name.to_vec()))
    }

    /// The form that messages are made of.
    pub(super) fn wire(&self) -> &base::Name<Vec<u8>> {
        &self.0
    }

    /// Its labels, without that of the root.
    fn labels(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter_labels().filter(|label| !label.is_root()).map(Label::as_slice)
    }
}

impl FromStr for Name {
    type Err = Error;

    /// Takes labels of letters, digits, hyphens and underscores, and one dot at
    /// the end. What is outside US-ASCII has to be in A-labels already.
    fn from_str(text: &str) -> Result<Self, Error> {
        let refused = || Error::NotAName(text.to_owned());
        let plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-_.".contains(&octet);
        if !text.bytes().all(plain) || matches!(text, "" | ".") {
            return Err(refused());
        }
        text.parse().map(Name).map_err(|_| refused())
    }
}

impl fmt::Display for Name {
    /// Without a dot at the end; odd octets are escaped (RFC 1035 §5.1).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    #[test]
    fn only_what_can_be_asked_for_is_a_name() {
        let long = "a".repeat(64);
        let full = vec!["a".repeat(49); 5].join(".");
        for (text, fits) in [
            ("example.org", true),
            ("example.org.", true),
            ("_submissions._tcp.example.org", true),
            ("org", true),
            (&full, true),
            ("", false),
            (".", false),
            (".example.org", false),
            ("example..org", false),
            ("example.org..", false),
            ("exämple.org", false),
            ("a b.example.org", false),
            ("a\\.example.org", false),
            ("a\n.example.org", false),
            (&long, false),
            (&format!("{full}.aaaa"), false),
        ] {
            assert_eq!(text.parse::<Name>().is_ok(), fits, "{text:?}");
        }
        assert_eq!(name("example.org.").to_string(), "example.org");
        // 235 octets and those of the service: more than 255.
        assert!(name(&full).below("_submissions._tcp").is_err());
    }

    #[test]
    fn a_name_is_within_another_by_labels_whatever_their_case() {
        // 6186-6
        for (inner, outer, expected) in [
            ("example.org", "example.org", true),
            ("Mail.EXAMPLE.org", "example.ORG", true),
            ("a.b.example.org", "example.org", true),
            ("badexample.org", "example.org", false),
            ("example.org", "mail.example.org", false),
            ("example.org.evil.net", "example.org", false),
        ] {
            assert_eq!(name(inner).is_within(&name(outer)), expected, "{inner} in {outer}");
        }
    }

    #[test]
    fn a_name_that_no_host_can_have_is_not_one_of_a_host() {
        let host = |text: &str| name(text).host().map(|host| host.to_string());
        assert_eq!(host("Mail.Example.ORG"), Some("mail.example.org".to_owned()));
        assert_eq!(host("4.mail.example.org"), Some("4.mail.example.org".to_owned()));
        for text in ["mail_1.example.org", "-mail.example.org", "192.0.2.1", "0x7f000001", "1"] {
            assert_eq!(host(text), None, "{text}");
        }
    }

    #[test]
    fn odd_octets_of_a_name_are_escaped_and_make_no_host() {
        let wire = b"\x05a.b \x1b\x03org\0".to_vec();
        let name = Name(base::Name::from_octets(wire).unwrap());
        assert_eq!(name.to_string(), "a\\.b\\ \\027.org");
        assert_eq!(name.host(), None);
    }

    #[test]
    fn names_of_this_machine_and_of_nobody_are_not_asked_for() {
        for (text, expected) in [
            ("localhost", true),
            ("_submissions._tcp.LocalHost", true),
            ("example.invalid", true),
            ("abc.onion", true),
            ("localhost.example.org", false),
            ("notlocalhost", false),
            ("example.test", false),
        ] {
            assert_eq!(name(text).is_never_asked(), expected, "{text}");
        }
    }
}
