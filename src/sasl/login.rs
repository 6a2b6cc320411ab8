//! LOGIN (draft-murchison-sasl-login-00): the server asks twice, the client
//! gives the name and then the password, whatever the questions say.

use super::{Entry, Identity, Mechanism, MechanismError, Proof, Secret, lossy};

/// LOGIN.
pub(super) const ENTRY: Entry = Entry {
    name: NAME,
    proof: Proof::Password,
    automatic: true,
    needs_user: true,
    exposes_secret: true,
    binds_channel: false,
    begin: |who| Ok(Box::new(Login::new(who)?)),
};

const NAME: &str = "LOGIN";

/// One attempt with LOGIN.
struct Login {
    user: String,
    password: Secret,
    answered: u8,
}

impl Login {
    /// Takes the name and the password.
    fn new(who: &Identity) -> Result<Self, MechanismError> {
        let (user, password) = who.plain(NAME)?;
        Ok(Login { user: user.to_owned(), password: password.clone(), answered: 0 })
    }
}

impl Mechanism for Login {
    fn name(&self) -> &'static str {
        NAME
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
            _ => Err(MechanismError::OneChallengeTooMany(NAME)),
        }
    }

    fn verify(&mut self) -> Result<(), MechanismError> {
        if self.answered == 2 { Ok(()) } else { Err(MechanismError::TooShort(NAME)) }
    }

    fn said_openly(&self) -> Option<String> {
        (self.answered == 1).then(|| self.user.clone())
    }

    /// Behind the password there is nothing to ask: it might be the password.
    fn heard_openly(&self, challenge: &[u8]) -> Option<String> {
        (self.answered < 2).then(|| lossy(challenge))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::identity;
    use super::*;

    #[test]
    fn the_name_and_then_the_password_answer_any_two_questions() {
        // LOGIN
        let mut login = Login::new(&identity("tim", "pw")).unwrap();
        assert_eq!(login.initial_response(), None);
        assert_eq!(login.respond(b"User Name\0").unwrap().expose(), b"tim");
        assert_eq!(login.verify(), Err(MechanismError::TooShort(NAME)));
        assert_eq!(login.respond(b"").unwrap().expose(), b"pw");
        assert_eq!(login.verify(), Ok(()));
        assert_eq!(login.respond(b"more?"), Err(MechanismError::OneChallengeTooMany(NAME)));
    }

    #[test]
    fn the_questions_and_the_name_may_be_seen_and_the_password_not() {
        let mut login = Login::new(&identity("tim", "pw")).unwrap();
        let seen =
            |login: &Login, question: &[u8]| (login.heard_openly(question), login.said_openly());
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(seen(&login, b"User Name"), (text("User Name"), None));
        login.respond(b"").unwrap();
        assert_eq!(seen(&login, b"Password:"), (text("Password:"), text("tim")));
        login.respond(b"").unwrap();
        assert_eq!(seen(&login, b"pw?"), (None, None));
    }
}
