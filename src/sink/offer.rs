//! What the receiver offers in its reply to EHLO.

use crate::sasl::server::{MECHANISMS, Offered};
use crate::smtp::Keyword;

/// The extensions and SASL mechanisms that are switched on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    keywords: Vec<Keyword>,
    mechanisms: Vec<&'static str>,
}

/// A word that names neither an extension nor a mechanism of the receiver.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the receiver has no ‘{word}’; it has {}", names().join(", "))]
pub struct UnknownKeyword {
    /// The word as given.
    pub word: String,
}

/// In the order of the reply to EHLO.
const KEYWORDS: [Keyword; 13] = [
    Keyword::Pipelining,
    Keyword::Size,
    Keyword::StartTls,
    Keyword::Auth,
    Keyword::EnhancedStatusCodes,
    Keyword::EightBitMime,
    Keyword::SmtpUtf8,
    Keyword::Dsn,
    Keyword::FutureRelease,
    Keyword::Chunking,
    Keyword::BinaryMime,
    Keyword::RequireTls,
    Keyword::Limits,
];

impl Default for Offer {
    /// Everything the receiver can do.
    fn default() -> Self {
        Offer { keywords: KEYWORDS.to_vec(), mechanisms: mechanism_names().collect() }
    }
}

impl Offer {
    /// Nothing: a server of RFC 5321 without extensions.
    pub fn nothing() -> Self {
        Offer { keywords: Vec::new(), mechanisms: mechanism_names().collect() }
    }

    /// Switches an extension on, or a mechanism of AUTH; in any case of
    /// letters.
    pub fn with(mut self, word: &str) -> Result<Self, UnknownKeyword> {
        self = self.without(word)?;
        self.keywords.extend(KEYWORDS.iter().find(|k| k.as_str().eq_ignore_ascii_case(word)));
        self.mechanisms.extend(mechanism_names().find(|name| name.eq_ignore_ascii_case(word)));
        Ok(self)
    }

    /// Switches an extension off, or a mechanism of AUTH; in any case of
    /// letters.
    pub fn without(mut self, word: &str) -> Result<Self, UnknownKeyword> {
        if !names().iter().any(|name| name.eq_ignore_ascii_case(word)) {
            return Err(UnknownKeyword { word: word.to_owned() });
        }
        self.keywords.retain(|keyword| !keyword.as_str().eq_ignore_ascii_case(word));
        self.mechanisms.retain(|name| !name.eq_ignore_ascii_case(word));
        Ok(self)
    }

    /// True when the extension is switched on.
    pub fn has(&self, keyword: Keyword) -> bool {
        self.keywords.contains(&keyword)
    }

    /// The extensions switched on.
    pub(super) fn keywords(&self) -> impl Iterator<Item = Keyword> {
        KEYWORDS.into_iter().filter(|keyword| self.has(*keyword))
    }

    /// The mechanisms switched on, best first. Which of them fit a channel and
    /// the users is another question.
    pub(super) fn mechanisms(&self) -> impl Iterator<Item = &'static Offered> {
        MECHANISMS.iter().filter(|offered| self.mechanisms.contains(&offered.name))
    }
}

fn names() -> Vec<&'static str> {
    KEYWORDS.iter().map(|keyword| keyword.as_str()).chain(mechanism_names()).collect()
}

fn mechanism_names() -> impl Iterator<Item = &'static str> {
    MECHANISMS.iter().map(|offered| offered.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_extension_and_mechanism_can_be_switched_off_and_on() {
        for name in names() {
            let less = Offer::default().without(&name.to_lowercase()).unwrap();
            assert_ne!(less, Offer::default(), "{name}");
            let more = less.with(name).unwrap();
            let every = more.mechanisms().map(|offered| offered.name).eq(mechanism_names());
            assert!(more.keywords().eq(KEYWORDS) && every, "{name}");
        }
    }

    #[test]
    fn an_unknown_word_is_named() {
        let error = Offer::default().without("TURNIPS").unwrap_err();
        assert!(error.to_string().starts_with("the receiver has no ‘TURNIPS’; it has PIPELINING"));
    }
}
