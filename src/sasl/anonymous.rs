//! ANONYMOUS (RFC 4505): nobody in particular, who may leave a trace.

use super::one_message::OneMessage;
use super::{Entry, Identity, MechanismError, Proof};

/// ANONYMOUS.
pub(super) const ENTRY: Entry = Entry {
    name: NAME,
    proof: Proof::Nothing,
    automatic: false,
    needs_user: false,
    exposes_secret: false,
    binds_channel: false,
    begin: |who| Ok(Box::new(anonymous(who)?)),
};

const NAME: &str = "ANONYMOUS";

/// Says the trace, if one is named.
fn anonymous(who: &Identity) -> Result<OneMessage, MechanismError> {
    let trace = who.user.as_deref().unwrap_or_default();
    if !is_trace(trace) {
        return Err(MechanismError::NoTrace);
    }
    Ok(OneMessage::new(NAME, trace, trace))
}

/// RFC 4505 §2: an address, or up to 255 characters without `@`; §3: none that
/// controls anything, none of private use.
fn is_trace(text: &str) -> bool {
    let private = |c: char| matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{ffffd}' | '\u{100000}'..='\u{10fffd}');
    !text.contains(|c: char| c.is_control() || private(c))
        && (text.contains('@') || text.chars().count() <= 255)
}

#[cfg(test)]
mod tests {
    use super::super::tests::identity;
    use super::super::{Mechanism, Secret};
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
            assert_eq!(anonymous(&identity(trace, "")).is_ok(), is_good, "{trace}");
        }
        let who = Identity { user: None, ..identity("", "") };
        let said = anonymous(&who).unwrap().initial_response();
        assert_eq!(said, Some(Secret::new("")));
    }
}
