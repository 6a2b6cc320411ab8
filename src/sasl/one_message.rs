//! What is common to mechanisms in which the client says one thing, and first
//! (RFC 4422 §3).

use super::{Mechanism, MechanismError, Secret, lossy};

/// One attempt with such a mechanism.
pub(super) struct OneMessage {
    name: &'static str,
    message: Option<Secret>,
    openly: String,
}

impl OneMessage {
    /// The attempt that says this, of which so much may be seen.
    pub(super) fn new(
        name: &'static str,
        message: impl Into<Vec<u8>>,
        openly: impl Into<String>,
    ) -> Self {
        OneMessage { name, message: Some(Secret::new(message)), openly: openly.into() }
    }
}

impl Mechanism for OneMessage {
    fn name(&self) -> &'static str {
        self.name
    }

    fn initial_response(&mut self) -> Option<Secret> {
        self.message.take()
    }

    fn respond(&mut self, _challenge: &[u8]) -> Result<Secret, MechanismError> {
        self.message.take().ok_or(MechanismError::OneChallengeTooMany(self.name))
    }

    fn verify(&mut self) -> Result<(), MechanismError> {
        if self.message.is_none() { Ok(()) } else { Err(MechanismError::TooShort(self.name)) }
    }

    fn said_openly(&self) -> Option<String> {
        Some(self.openly.clone())
    }

    /// Behind the message there is nothing to ask: it might be the message.
    fn heard_openly(&self, challenge: &[u8]) -> Option<String> {
        self.message.is_some().then(|| lossy(challenge))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_once_first_or_after_an_empty_challenge() {
        let mut early = OneMessage::new("PLAIN", "x", "***");
        assert_eq!(early.initial_response(), Some(Secret::new("x")));
        assert_eq!(early.verify(), Ok(()));
        let mut late = OneMessage::new("PLAIN", "x", "***");
        assert_eq!(late.verify(), Err(MechanismError::TooShort("PLAIN")));
        assert_eq!(late.respond(b""), Ok(Secret::new("x")));
        assert_eq!(late.respond(b""), Err(MechanismError::OneChallengeTooMany("PLAIN")));
    }
}
