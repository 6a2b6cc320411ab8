//! Octets that must not be seen.

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
}
