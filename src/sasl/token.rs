//! Access tokens: which characters they have, the exchange that is common to
//! the mechanisms for them, and what a server says against one.

use super::{Identity, Mechanism, MechanismError, Secret, lossy};
use serde::Deserialize;

/// What a server says against a token before it refuses it (RFC 7628 §3.2.2;
/// XOAUTH2 has the same form). As the server wrote it: escape it before a
/// person sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct TokenFault {
    /// `invalid_token`, `insufficient_scope`, or a number of HTTP.
    pub status: String,
    /// The scope that a token would need.
    pub scope: Option<String>,
}

impl TokenFault {
    /// Reads the challenge that stands for a refusal; what it does not say is
    /// empty.
    pub(super) fn read(challenge: &[u8]) -> Self {
        serde_json::from_slice(challenge).unwrap_or_default()
    }
}

/// The user's name and token; an error where one is missing, or the token has
/// characters that no token has (RFC 6750 §2.1, `b64token`).
pub(super) fn bearer<'i>(
    who: &'i Identity,
    name: &'static str,
) -> Result<(&'i str, &'i Secret), MechanismError> {
    let (user, token) = who.plain(name)?;
    let fits = |b: &u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(b);
    let framing = |c: char| c.is_control();
    if token.expose().iter().all(fits) && !user.contains(framing) {
        Ok((user, token))
    } else {
        Err(MechanismError::NoToken(name))
    }
}

/// One attempt with a token.
pub(super) struct Bearer {
    name: &'static str,
    message: Option<Secret>,
    token: Secret,
    /// What may be seen of the message.
    openly: String,
    /// What completes a refusal.
    acknowledgement: &'static str,
    fault: Option<TokenFault>,
}

impl Bearer {
    /// The attempt whose message is made of what stands before and behind this
    /// token.
    pub(super) fn new(
        name: &'static str,
        [before, behind]: [&str; 2],
        token: &Secret,
        acknowledgement: &'static str,
    ) -> Self {
        let message = [before.as_bytes(), token.expose(), behind.as_bytes()].concat();
        Bearer {
            name,
            message: Some(Secret::new(message)),
            token: token.clone(),
            openly: format!("{before}***{behind}"),
            acknowledgement,
            fault: None,
        }
    }
}

impl Mechanism for Bearer {
    fn name(&self) -> &'static str {
        self.name
    }

    fn initial_response(&mut self) -> Option<Secret> {
        self.message.take()
    }

    /// A challenge stands for a refusal, which the server completes when it was
    /// acknowledged (RFC 7628 §3.2.3).
    fn respond(&mut self, challenge: &[u8]) -> Result<Secret, MechanismError> {
        if let Some(message) = self.message.take() {
            return Ok(message);
        }
        if self.fault.is_some() {
            return Err(MechanismError::OneChallengeTooMany(self.name));
        }
        self.fault = Some(TokenFault::read(challenge));
        Ok(Secret::new(self.acknowledgement))
    }

    fn verify(&mut self) -> Result<(), MechanismError> {
        match (&self.message, &self.fault) {
            (None, None) => Ok(()),
            (Some(_), _) => Err(MechanismError::TooShort(self.name)),
            (None, Some(_)) => Err(MechanismError::OneChallengeTooMany(self.name)),
        }
    }

    fn said_openly(&self) -> Option<String> {
        Some(if self.fault.is_some() {
            self.acknowledgement.to_owned()
        } else {
            self.openly.clone()
        })
    }

    /// What is said against a token, unless the token is in it.
    fn heard_openly(&self, challenge: &[u8]) -> Option<String> {
        (!self.token.is_in(challenge)).then(|| lossy(challenge))
    }

    fn token_fault(&self) -> Option<&TokenFault> {
        self.fault.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_s_words_are_read_where_there_are_any() {
        // 7628 §3.2.2
        let said = br#"{"status":"invalid_token","scope":"example_scope","openid-configuration":"https://x"}"#;
        let fault = TokenFault::read(said);
        assert_eq!(
            (&*fault.status, fault.scope.as_deref()),
            ("invalid_token", Some("example_scope"))
        );
        for nonsense in [&b""[..], b"{", b"[]", b"\xff", br#"{"status":401}"#] {
            assert_eq!(TokenFault::read(nonsense), TokenFault::default());
        }
    }
}
