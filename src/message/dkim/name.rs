//! Where a public key is published: `SELECTOR._domainkey.DOMAIN` (RFC 6376
//! §3.6.2.1).

use crate::smtp::Domain;
use std::fmt;
use std::str::FromStr;

/// Who answers for a message, the value of d=: at least two labels, in A-label
/// form and lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningDomain(String);

/// Which of the domain's keys it is, the value of s=: one label or more, in
/// A-label form and lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector(String);

/// Why a text is not such a name. The `Display` form is a clause that fits
/// after a colon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// A bad label, an address, or an IDNA failure.
    #[error("it is not a domain name, such as \"example.org\"")]
    Domain,
    /// One label only (RFC 6376 §3.5, d=).
    #[error("a domain that signs has at least two parts, as in \"example.org\"")]
    OneLabel,
    /// Likewise for a selector.
    #[error("it is not a selector: letters, digits and hyphens, such as \"mail\"")]
    Selector,
}

impl SigningDomain {
    /// True where DMARC counts a signature of this domain for an author at
    /// that one: they are the same, or one lies within the other.
    pub fn is_aligned_with(&self, author: &Domain) -> bool {
        let Some(author) = author.name() else { return false };
        let author = author.to_ascii_lowercase();
        let lies_within = |inner: &str, outer: &str| {
            inner.strip_suffix(outer).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        lies_within(&author, &self.0) || lies_within(&self.0, &author)
    }
}

impl FromStr for SigningDomain {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let name = name(text).ok_or(NameError::Domain)?;
        if name.contains('.') { Ok(SigningDomain(name)) } else { Err(NameError::OneLabel) }
    }
}

impl FromStr for Selector {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        name(text).map(Selector).ok_or(NameError::Selector)
    }
}

impl fmt::Display for SigningDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn name(text: &str) -> Option<String> {
    let domain: Domain = text.parse().ok()?;
    domain.name().map(str::to_ascii_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_a_labels_in_lower_case() {
        // 6376-3.5
        let domain = |text: &str| text.parse::<SigningDomain>().map(|name| name.to_string());
        assert_eq!(domain("Example.ORG."), Ok("example.org".into()));
        assert_eq!(domain("bücher.example"), Ok("xn--bcher-kva.example".into()));
        assert_eq!(domain("org"), Err(NameError::OneLabel));
        for wrong in ["", "[192.0.2.1]", "a..b", "a b.c", "a;b.c", "_dmarc.example.org"] {
            assert_eq!(domain(wrong), Err(NameError::Domain), "{wrong}");
        }
        let selector = |text: &str| text.parse::<Selector>().map(|name| name.to_string());
        assert_eq!(selector("2026-a.Mail"), Ok("2026-a.mail".into()));
        assert_eq!(selector("größe"), Ok("xn--gre-6ka8i".into()));
        for wrong in ["", "a b", "a;b", "-a", "a_b", "a._domainkey"] {
            assert_eq!(selector(wrong), Err(NameError::Selector), "{wrong}");
        }
    }

    #[test]
    fn a_domain_is_aligned_with_those_above_and_below_it() {
        // 8617
        let signing: SigningDomain = "example.org".parse().unwrap();
        for (author, aligned) in [
            ("example.org", true),
            ("EXAMPLE.org", true),
            ("news.example.org", true),
            ("org", true),
            ("badexample.org", false),
            ("example.net", false),
            ("[192.0.2.1]", false),
        ] {
            assert_eq!(signing.is_aligned_with(&author.parse().unwrap()), aligned, "{author}");
        }
    }
}
