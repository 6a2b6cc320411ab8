//! LOGIN (draft-murchison-sasl-login-00): the server asks twice, the client
//! gives the name and then the password, whatever the questions say.

use super::{Credentials, Mechanism, MechanismError, Secret, fit};

/// One attempt with LOGIN.
#[derive(Debug)]
pub struct Login {
    user: String,
    password: Secret,
    answered: u8,
}

impl Login {
    /// Takes the name and the password.
    pub fn new(who: &Credentials) -> Result<Self, MechanismError> {
        fit("LOGIN", who)?;
        Ok(Login { user: who.user.clone(), password: who.password.clone(), answered: 0 })
    }
}

impl Mechanism for Login {
    fn name(&self) -> &'static str {
        "LOGIN"
    }

    /// Draft §2: the server begins.
    fn initial_response(&mut self) -> Option<Secret> {
        None
    }

    fn respond(&mut self, _challenge: &[u8]) -> Result<Secret, MechanismError> {
        self.answered += 1;
        match self.answered {
            1 => Ok(Secret::new(self.user.as_bytes())),
            2 => Ok(self.password.clone()),
            _ => Err(MechanismError::OneChallengeTooMany("LOGIN")),
        }
    }

    fn verify(&mut self) -> Result<(), MechanismError> {
        if self.answered == 2 { Ok(()) } else { Err(MechanismError::TooShort("LOGIN")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_and_then_the_password_answer_any_two_questions() {
        // LOGIN
        let who = Credentials { user: "tim".into(), password: Secret::new("pw") };
        let mut login = Login::new(&who).unwrap();
        assert_eq!(login.initial_response(), None);
        assert_eq!(login.respond(b"User Name\0").unwrap().expose(), b"tim");
        assert_eq!(login.verify(), Err(MechanismError::TooShort("LOGIN")));
        assert_eq!(login.respond(b"").unwrap().expose(), b"pw");
        assert_eq!(login.verify(), Ok(()));
        assert_eq!(login.respond(b"more?"), Err(MechanismError::OneChallengeTooMany("LOGIN")));
    }
}
