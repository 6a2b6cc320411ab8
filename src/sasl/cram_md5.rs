//! CRAM-MD5 (RFC 2195): the server sends a challenge, the client answers with
//! its name and a keyed digest of the whole challenge.

use super::{Credentials, Mechanism, MechanismError, Secret, fit};
use hmac::{Hmac, Mac};
use md5::Md5;

/// One attempt with CRAM-MD5.
#[derive(Debug)]
pub struct CramMd5 {
    user: String,
    password: Secret,
    answered: bool,
}

impl CramMd5 {
    /// Takes the name and the password.
    pub fn new(who: &Credentials) -> Result<Self, MechanismError> {
        fit("CRAM-MD5", who)?;
        Ok(CramMd5 { user: who.user.clone(), password: who.password.clone(), answered: false })
    }

    /// The answer that a client which knows the password gives to a challenge:
    /// name, blank, 32 lower-case hexadecimal digits.
    pub fn answer(who: &Credentials, challenge: &[u8]) -> Secret {
        let mut mac = <Hmac<Md5> as Mac>::new_from_slice(who.password.expose())
            .expect("HMAC takes a key of any length (RFC 2104 §2)");
        mac.update(challenge);
        Secret::new(format!("{} {:x}", who.user, mac.finalize().into_bytes()))
    }
}

impl Mechanism for CramMd5 {
    fn name(&self) -> &'static str {
        "CRAM-MD5"
    }

    fn initial_response(&mut self) -> Option<Secret> {
        None
    }

    fn respond(&mut self, challenge: &[u8]) -> Result<Secret, MechanismError> {
        if std::mem::replace(&mut self.answered, true) {
            return Err(MechanismError::OneChallengeTooMany("CRAM-MD5"));
        }
        let who = Credentials { user: self.user.clone(), password: self.password.clone() };
        Ok(CramMd5::answer(&who, challenge))
    }

    fn verify(&mut self) -> Result<(), MechanismError> {
        if self.answered { Ok(()) } else { Err(MechanismError::TooShort("CRAM-MD5")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_example_comes_out() {
        // 2195 §2
        let who = Credentials { user: "tim".into(), password: Secret::new("tanstaaftanstaaf") };
        let mut mechanism = CramMd5::new(&who).unwrap();
        let answer = mechanism.respond(b"<1896.697170952@postoffice.reston.mci.net>").unwrap();
        assert_eq!(answer.expose(), b"tim b913a602c7eda7a495b4e6e7334d3890");
        assert_eq!(mechanism.respond(b""), Err(MechanismError::OneChallengeTooMany("CRAM-MD5")));
    }
}
