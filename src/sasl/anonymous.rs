//! ANONYMOUS (RFC 4505): nobody in particular, who may leave a trace.

use super::{Entry, Identity, Mechanism, MechanismError, Proof, Secret};

/// ANONYMOUS.
pub(super) const ENTRY: Entry = Entry {
    name: NAME,
    proof: Proof::Nothing,
    automatic: false,
    needs_user: false,
    exposes_secret: false,
    binds_channel: false,
    begin: |who| Ok(Box::new(Anonymous::new(who)?)),
};

const NAME: &str = "ANONYMOUS";

/// One attempt with ANONYMOUS.
struct Anonymous {
    trace: Option<Secret>,
}

impl Anonymous {
    /// Takes the trace, if one is named.
    fn new(who: &Identity) -> Result<Self, MechanismError> {
        let trace = who.user.as_deref().unwrap_or_default();
        if !is_trace(trace) {
            return Err(MechanismError::NoTrace);
        }
        Ok(Anonymous { trace: Some(Secret::new(trace)) })
    }
}

/// RFC 4505 §2: an address, or up to 255 characters without `@`; §3: none that
/// controls anything, none of private use.
fn is_trace(text: &str) -> bool {
    let private = |c: char| matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{ffffd}' | '\u{100000}'..='\u{10fffd}');
    !text.contains(|c: char| c.is_control() || private(c))
        && (text.contains('@') || text.chars().count() <= 255)
}

impl Mechanism for Anonymous {
    fn name(&self) -> &'static str {
        NAME
    }

    fn initial_response(&mut self) -> Option<Secret> {
        self.trace.take()
    }

    fn respond(&mut self, _challenge: &[u8]) -> Result<Secret, MechanismError> {
        self.trace.take().ok_or(MechanismError::OneChallengeTooMany(NAME))
    }

    fn verify(&mut self) -> Result<(), MechanismError> {
        if self.trace.is_none() { Ok(()) } else { Err(MechanismError::TooShort(NAME)) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::identity;
    use super::*;

    #[test]
    fn the_trace_is_an_address_or_a_short_text() {
        // 4505 §2, §3
        for (trace, is_good) in [
            ("sirhc", true),
            ("sirhc@example.org", true),
            (&"ü".repeat(255), true),
            (&"ü".repeat(256), false),
            ("a\nb", false),
            ("a\u{e000}", false),
        ] {
            assert_eq!(Anonymous::new(&identity(trace, "")).is_ok(), is_good, "{trace}");
        }
        let who = Identity { user: None, ..identity("", "") };
        let said = Anonymous::new(&who).unwrap().initial_response();
        assert_eq!(said, Some(Secret::new("")));
    }
}
