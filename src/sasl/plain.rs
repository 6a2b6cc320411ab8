//! PLAIN (RFC 4616): `[authzid] NUL authcid NUL password` in one message.

use super::one_message::OneMessage;
use super::{Entry, Identity, MechanismError, Proof};

/// PLAIN.
pub(super) const ENTRY: Entry = Entry {
    name: NAME,
    proof: Proof::Password,
    automatic: true,
    needs_user: true,
    exposes_secret: true,
    binds_channel: false,
    begin: |who| Ok(Box::new(plain(who)?)),
};

const NAME: &str = "PLAIN";

/// Without an authorization identity: the server derives it.
fn plain(who: &Identity) -> Result<OneMessage, MechanismError> {
    let (user, password) = who.prepared(NAME)?;
    let message = [b"\0", user.as_bytes(), b"\0", password.expose()].concat();
    Ok(OneMessage::new(NAME, message, format!("\0{user}\0***")))
}

#[cfg(test)]
mod tests {
    use super::super::Mechanism;
    use super::super::tests::identity;
    use super::*;

    fn message(user: &str, password: &str) -> Vec<u8> {
        let mut mechanism = plain(&identity(user, password)).unwrap();
        mechanism.initial_response().unwrap().expose().to_vec()
    }

    #[test]
    fn the_published_examples_come_out() {
        // 4616 §4; 4954 §4.1
        for (user, password, expected) in [
            ("tim", "tanstaaftanstaaf", &b"\0tim\0tanstaaftanstaaf"[..]),
            ("test", "1234", b"\0test\x001234"),
        ] {
            assert_eq!(message(user, password), expected);
        }
    }

    #[test]
    fn the_name_may_be_seen_and_the_password_not() {
        let mut mechanism = plain(&identity("tim", "tanstaaf")).unwrap();
        assert_eq!(mechanism.heard_openly(b"go"), Some("go".to_owned()));
        mechanism.initial_response();
        assert_eq!(mechanism.said_openly(), Some("\0tim\0***".to_owned()));
        assert_eq!(mechanism.heard_openly(b"tanstaaf?"), None, "it might be the password");
    }

    #[test]
    fn name_and_password_go_out_in_the_one_spelling_that_the_server_compares() {
        // 4954-4e
        assert_eq!(message("I\u{ad}X", "\u{2168}"), b"\0IX\0IX");
        let refused = plain(&identity("tim", "p\u{7}")).err();
        assert_eq!(refused, Some(MechanismError::Unprepared(NAME)));
    }
}
