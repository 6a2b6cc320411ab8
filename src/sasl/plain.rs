//! PLAIN (RFC 4616): `[authzid] NUL authcid NUL password` in one message.

use super::{Credentials, Mechanism, MechanismError, Secret, fit};

/// One attempt with PLAIN.
#[derive(Debug)]
pub struct Plain {
    message: Option<Secret>,
    said: bool,
}

impl Plain {
    /// Without an authorization identity: the server derives it.
    pub fn new(who: &Credentials) -> Result<Self, MechanismError> {
        fit("PLAIN", who)?;
        let message = [b"\0", who.user.as_bytes(), b"\0", who.password.expose()].concat();
        Ok(Plain { message: Some(Secret::new(message)), said: false })
    }
}

impl Mechanism for Plain {
    fn name(&self) -> &'static str {
        "PLAIN"
    }

    fn initial_response(&mut self) -> Option<Secret> {
        self.said = true;
        self.message.take()
    }

    fn respond(&mut self, _challenge: &[u8]) -> Result<Secret, MechanismError> {
        self.initial_response().ok_or(MechanismError::OneChallengeTooMany("PLAIN"))
    }

    fn verify(&mut self) -> Result<(), MechanismError> {
        if self.said { Ok(()) } else { Err(MechanismError::TooShort("PLAIN")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(user: &str, password: &str) -> Plain {
        Plain::new(&Credentials { user: user.into(), password: Secret::new(password) }).unwrap()
    }

    #[test]
    fn the_published_examples_come_out() {
        // 4616 §4; 4954 §4.1
        let message = plain("tim", "tanstaaftanstaaf").initial_response().unwrap();
        assert_eq!(message.expose(), b"\0tim\0tanstaaftanstaaf");
    }

    #[test]
    fn a_second_challenge_is_refused() {
        let mut plain = plain("u", "p");
        assert!(plain.respond(b"").is_ok());
        assert_eq!(plain.respond(b"").err(), Some(MechanismError::OneChallengeTooMany("PLAIN")));
    }
}
