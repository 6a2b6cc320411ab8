//! OAUTHBEARER (RFC 7628): an access token in place of a password.

use super::token::{TokenFault, bearer};
use super::{Entry, Identity, Mechanism, MechanismError, Proof, Secret};

/// OAUTHBEARER.
pub(super) const ENTRY: Entry = Entry {
    name: NAME,
    proof: Proof::Token,
    automatic: true,
    needs_user: true,
    exposes_secret: true,
    binds_channel: false,
    begin: |who| Ok(Box::new(OauthBearer::new(who)?)),
};

const NAME: &str = "OAUTHBEARER";

/// One attempt with OAUTHBEARER.
struct OauthBearer {
    message: Option<Secret>,
    fault: Option<TokenFault>,
}

impl OauthBearer {
    /// RFC 7628 §3.1, RFC 5801 §4: the name is escaped as in SCRAM.
    fn new(who: &Identity) -> Result<Self, MechanismError> {
        let (user, token) = bearer(who, NAME)?;
        let user = user.replace('=', "=3D").replace(',', "=2C");
        let message = [
            format!("n,a={user},\x01host={}\x01port={}\x01auth=Bearer ", who.host, who.port)
                .as_bytes(),
            token.expose(),
            b"\x01\x01",
        ]
        .concat();
        Ok(OauthBearer { message: Some(Secret::new(message)), fault: None })
    }
}

impl Mechanism for OauthBearer {
    fn name(&self) -> &'static str {
        NAME
    }

    fn initial_response(&mut self) -> Option<Secret> {
        self.message.take()
    }

    /// A challenge stands for a refusal, which the server completes when it was
    /// answered by one %x01 (RFC 7628 §3.2.3).
    fn respond(&mut self, challenge: &[u8]) -> Result<Secret, MechanismError> {
        if let Some(message) = self.message.take() {
            return Ok(message);
        }
        if self.fault.is_some() {
            return Err(MechanismError::OneChallengeTooMany(NAME));
        }
        self.fault = Some(TokenFault::read(challenge));
        Ok(Secret::new("\x01"))
    }

    fn verify(&mut self) -> Result<(), MechanismError> {
        match (&self.message, &self.fault) {
            (None, None) => Ok(()),
            (Some(_), _) => Err(MechanismError::TooShort(NAME)),
            (None, Some(_)) => Err(MechanismError::OneChallengeTooMany(NAME)),
        }
    }

    fn token_fault(&self) -> Option<&TokenFault> {
        self.fault.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::identity;
    use super::*;

    #[test]
    fn the_published_example_comes_out() {
        // 7628 §4.1
        let who = identity("user@example.com", "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==");
        let message = OauthBearer::new(&who).unwrap().initial_response().unwrap();
        let in_base64 = encodify::base64::STANDARD.encode(message.expose());
        assert_eq!(in_base64.len(), 148);
        assert!(in_base64.starts_with("bixhPXVzZXJAZXhh") && in_base64.ends_with("PQEB"));
    }

    #[test]
    fn a_refusal_is_heard_to_its_end() {
        // 7628 §3.2.3
        let mut mechanism = OauthBearer::new(&identity("a,b=c", "t")).unwrap();
        let message = mechanism.initial_response().unwrap();
        assert!(message.expose().starts_with(b"n,a=a=2Cb=3Dc,\x01host="));
        let answer = mechanism.respond(br#"{"status":"invalid_token"}"#).unwrap();
        assert_eq!(answer.expose(), b"\x01");
        assert_eq!(mechanism.token_fault().unwrap().status, "invalid_token");
        assert!(mechanism.verify().is_err(), "what was refused is not accepted");
        assert!(mechanism.respond(b"").is_err());
    }

    #[test]
    fn what_would_break_the_frame_is_no_token() {
        for (user, token) in [("u", "a\x01b"), ("u", "a b"), ("u", "é"), ("u\x01auth=x", "t")] {
            let refused = OauthBearer::new(&identity(user, token)).err();
            assert_eq!(refused, Some(MechanismError::NoToken(NAME)), "{user:?} {token:?}");
        }
    }
}
