//! XOAUTH2: what Google and Microsoft had before OAUTHBEARER, and still take.
//! It is described in Google's "OAuth 2.0 Mechanism" for IMAP, POP and SMTP.

use super::token::{TokenFault, bearer};
use super::{Entry, Identity, Mechanism, MechanismError, Proof, Secret};

/// XOAUTH2.
pub(super) const ENTRY: Entry = Entry {
    name: NAME,
    proof: Proof::Token,
    automatic: true,
    needs_user: true,
    exposes_secret: true,
    binds_channel: false,
    begin: |who| Ok(Box::new(Xoauth2::new(who)?)),
};

const NAME: &str = "XOAUTH2";

/// One attempt with XOAUTH2.
struct Xoauth2 {
    message: Option<Secret>,
    fault: Option<TokenFault>,
}

impl Xoauth2 {
    /// Takes the name and the token.
    fn new(who: &Identity) -> Result<Self, MechanismError> {
        let (user, token) = bearer(who, NAME)?;
        let message =
            [b"user=", user.as_bytes(), b"\x01auth=Bearer ", token.expose(), b"\x01\x01"].concat();
        Ok(Xoauth2 { message: Some(Secret::new(message)), fault: None })
    }
}

impl Mechanism for Xoauth2 {
    fn name(&self) -> &'static str {
        NAME
    }

    fn initial_response(&mut self) -> Option<Secret> {
        self.message.take()
    }

    /// A challenge stands for a refusal, which the server completes when it was
    /// answered by an empty message.
    fn respond(&mut self, challenge: &[u8]) -> Result<Secret, MechanismError> {
        if let Some(message) = self.message.take() {
            return Ok(message);
        }
        if self.fault.is_some() {
            return Err(MechanismError::OneChallengeTooMany(NAME));
        }
        self.fault = Some(TokenFault::read(challenge));
        Ok(Secret::new(""))
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
    fn the_published_form_comes_out_and_a_refusal_is_answered_by_nothing() {
        // XOAUTH2: Google's own example
        let who = identity("someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg");
        let mut mechanism = Xoauth2::new(&who).unwrap();
        let message = mechanism.initial_response().unwrap();
        assert_eq!(
            encodify::base64::STANDARD.encode(message.expose()),
            "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbG\
             NrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ=="
        );
        let answer = mechanism.respond(br#"{"status":"401","schemes":"bearer"}"#).unwrap();
        assert!(answer.is_empty());
        assert_eq!(mechanism.token_fault().unwrap().status, "401");
    }
}
