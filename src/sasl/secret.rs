//! Octets that must not be seen.

use encodify::base64::STANDARD;
use memchr::memmem;
use std::fmt;
use zeroize::Zeroizing;

/// Octets that must not be seen: passwords, and every message of a SASL
/// exchange. It has no `Display`, its `Debug` is `***` in every build, and its
/// memory is cleared when it goes.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the octets over.
    pub fn new(octets: impl Into<Vec<u8>>) -> Self {
        Secret(Zeroizing::new(octets.into()))
    }

    /// True when there is nothing to hide.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True when so few octets may stand anywhere by chance.
    pub fn is_short(&self) -> bool {
        self.0.len() < 4
    }

    /// True where the octets stand in this text, as they are or in base64.
    pub fn is_in(&self, text: &[u8]) -> bool {
        // Of whole groups only: what follows changes the last letter.
        let whole = self.0.len() / 3 * 3;
        let encoded = Zeroizing::new(STANDARD.encode(&self.0[..whole]));
        let forms = [self.expose(), encoded.as_bytes()].into_iter();
        forms.filter(|form| !form.is_empty()).any(|form| memmem::find(text, form).is_some())
    }

    /// What is to be shown where somebody has asked for secrets to be shown, as
    /// far as it is text. `tests/floors.rs` lists who may ask.
    pub fn revealed(&self) -> String {
        super::lossy(&self.0)
    }

    /// The octets. Called in a few places only, which `tests/floors.rs` lists
    /// and holds.
    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sasl::Credentials;

    #[test]
    fn a_secret_never_prints() {
        // SASL-secret
        let who = Credentials { user: "tim".into(), password: Secret::new("tanstaaf") };
        let shown = format!("{who:?} {:#?}", who.password);
        assert!(!shown.contains("tanstaaf"), "{shown}");
        assert!(!shown.contains("116"), "{shown}");
    }

    #[test]
    fn a_secret_is_found_in_a_text_as_it_is_and_in_base64() {
        let secret = Secret::new("tanstaaf");
        for (text, is_there) in [
            ("unknown: tanstaaf", true),
            ("unknown: dGFuc3RhYWY=", true),
            ("unknown: dGFuc3RhYWY more", true),
            ("unknown: tanstaa", false),
            ("", false),
        ] {
            assert_eq!(secret.is_in(text.as_bytes()), is_there, "{text}");
        }
        assert!(!Secret::new("").is_in(b"text"), "nothing is nowhere");
    }
}
