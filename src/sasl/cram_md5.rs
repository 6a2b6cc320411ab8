//! CRAM-MD5 (RFC 2195): the server sends a challenge, the client answers with
//! its name and a keyed digest of the whole challenge.

use super::{Credentials, Entry, Identity, Mechanism, MechanismError, Proof, Secret, lossy};
use hmac::{Hmac, Mac};
use md5::Md5;

/// CRAM-MD5.
pub(super) const ENTRY: Entry = Entry {
    name: NAME,
    proof: Proof::Password,
    automatic: false,
    needs_user: true,
    exposes_secret: false,
    binds_channel: false,
    begin: |who| Ok(Box::new(CramMd5::new(who)?)),
};

const NAME: &str = "CRAM-MD5";

/// One attempt with CRAM-MD5.
struct CramMd5 {
    who: Credentials,
    answered: bool,
}

impl CramMd5 {
    /// Takes the name and the password.
    fn new(who: &Identity) -> Result<Self, MechanismError> {
        let (user, password) = who.plain(NAME)?;
        let who = Credentials { user: user.to_owned(), password: password.clone() };
        Ok(CramMd5 { who, answered: false })
    }
}

/// The answer that a client which knows the password gives to a challenge:
/// name, blank, 32 lower-case hexadecimal digits.
pub(super) fn answer(who: &Credentials, challenge: &[u8]) -> Secret {
    let mut mac = <Hmac<Md5> as Mac>::new_from_slice(who.password.expose())
        .expect("HMAC takes a key of any length (RFC 2104 §2)");
    mac.update(challenge);
    Secret::new(format!("{} {:x}", who.user, mac.finalize().into_bytes()))
}

impl Mechanism for CramMd5 {
    fn name(&self) -> &'static str {
        NAME
    }

    fn initial_response(&mut self) -> Option<Secret> {
        None
    }

    fn respond(&mut self, challenge: &[u8]) -> Result<Secret, MechanismError> {
        if std::mem::replace(&mut self.answered, true) {
            return Err(MechanismError::OneChallengeTooMany(NAME));
        }
        Ok(answer(&self.who, challenge))
    }

    fn verify(&mut self) -> Result<(), MechanismError> {
        if self.answered { Ok(()) } else { Err(MechanismError::TooShort(NAME)) }
    }

    /// Digest and challenge together allow guessing.
    fn said_openly(&self) -> Option<String> {
        Some(format!("{} ***", self.who.user))
    }

    fn heard_openly(&self, challenge: &[u8]) -> Option<String> {
        (!self.answered).then(|| lossy(challenge))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::identity;
    use super::*;

    #[test]
    fn the_published_example_comes_out() {
        // 2195 §2
        let mut mechanism = CramMd5::new(&identity("tim", "tanstaaftanstaaf")).unwrap();
        let challenge = b"<1896.697170952@postoffice.reston.mci.net>";
        assert_eq!(mechanism.heard_openly(challenge).unwrap().as_bytes(), challenge);
        let answer = mechanism.respond(challenge).unwrap();
        assert_eq!(answer.expose(), b"tim b913a602c7eda7a495b4e6e7334d3890");
        assert_eq!(mechanism.said_openly(), Some("tim ***".to_owned()));
        assert_eq!(mechanism.heard_openly(answer.expose()), None);
        assert_eq!(mechanism.respond(b""), Err(MechanismError::OneChallengeTooMany(NAME)));
    }
}
