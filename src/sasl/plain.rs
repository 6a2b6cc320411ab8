//! PLAIN (RFC 4616): `[authzid] NUL authcid NUL password` in one message.

use super::{Entry, Identity, Mechanism, MechanismError, Proof, Secret};

/// PLAIN.
pub(super) const ENTRY: Entry = Entry {
    name: NAME,
    proof: Proof::Password,
    automatic: true,
    needs_user: true,
    exposes_secret: true,
    binds_channel: false,
    begin: |who| Ok(Box::new(Plain::new(who)?)),
};

const NAME: &str = "PLAIN";

/// One attempt with PLAIN.
struct Plain {
    message: Option<Secret>,
    said: bool,
}

impl Plain {
    /// Without an authorization identity: the server derives it.
    fn new(who: &Identity) -> Result<Self, MechanismError> {
        let (user, password) = who.prepared(NAME)?;
        let message = [b"\0", user.as_bytes(), b"\0", password.expose()].concat();
        Ok(Plain { message: Some(Secret::new(message)), said: false })
    }
}

impl Mechanism for Plain {
    fn name(&self) -> &'static str {
        NAME
    }

    fn initial_response(&mut self) -> Option<Secret> {
        self.said = true;
        self.message.take()
    }

    fn respond(&mut self, _challenge: &[u8]) -> Result<Secret, MechanismError> {
        self.initial_response().ok_or(MechanismError::OneChallengeTooMany(NAME))
    }

    fn verify(&mut self) -> Result<(), MechanismError> {
        if self.said { Ok(()) } else { Err(MechanismError::TooShort(NAME)) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::identity;
    use super::*;

    fn plain(user: &str, password: &str) -> Plain {
        Plain::new(&identity(user, password)).unwrap()
    }

    #[test]
    fn the_published_examples_come_out() {
        // 4616 §4; 4954 §4.1
        for (user, password, message) in [
            ("tim", "tanstaaftanstaaf", &b"\0tim\0tanstaaftanstaaf"[..]),
            ("test", "1234", b"\0test\x001234"),
        ] {
            assert_eq!(plain(user, password).initial_response().unwrap().expose(), message);
        }
    }

    #[test]
    fn name_and_password_go_out_in_the_one_spelling_that_the_server_compares() {
        // 4954-4e
        let message = plain("I\u{ad}X", "\u{2168}").initial_response().unwrap();
        assert_eq!(message.expose(), b"\0IX\0IX");
        let refused = Plain::new(&identity("tim", "p\u{7}")).err();
        assert_eq!(refused, Some(MechanismError::Unprepared(NAME)));
    }

    #[test]
    fn a_second_challenge_is_refused() {
        let mut plain = plain("u", "p");
        assert!(plain.respond(b"").is_ok());
        assert_eq!(plain.respond(b"").err(), Some(MechanismError::OneChallengeTooMany(NAME)));
    }
}
