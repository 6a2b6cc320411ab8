//! EXTERNAL (RFC 4422 appendix A): the certificate that TLS has shown says who
//! it is; the message names at most whom to act for.

use super::{Entry, Identity, Mechanism, MechanismError, Proof, Secret};

/// EXTERNAL.
pub(super) const ENTRY: Entry = Entry {
    name: NAME,
    proof: Proof::Nothing,
    automatic: false,
    needs_user: false,
    exposes_secret: false,
    binds_channel: false,
    begin: |who| Ok(Box::new(External::new(who)?)),
};

const NAME: &str = "EXTERNAL";

/// One attempt with EXTERNAL.
struct External {
    acts_as: Option<Secret>,
}

impl External {
    /// Takes the authorization identity, if one is named.
    fn new(who: &Identity) -> Result<Self, MechanismError> {
        if !who.channel.shows_certificate {
            return Err(MechanismError::NoCertificate);
        }
        let user = who.user.as_deref().unwrap_or_default();
        if user.contains('\0') {
            return Err(MechanismError::Unfit(NAME));
        }
        Ok(External { acts_as: Some(Secret::new(user)) })
    }
}

impl Mechanism for External {
    fn name(&self) -> &'static str {
        NAME
    }

    fn initial_response(&mut self) -> Option<Secret> {
        self.acts_as.take()
    }

    fn respond(&mut self, _challenge: &[u8]) -> Result<Secret, MechanismError> {
        self.acts_as.take().ok_or(MechanismError::OneChallengeTooMany(NAME))
    }

    fn verify(&mut self) -> Result<(), MechanismError> {
        if self.acts_as.is_none() { Ok(()) } else { Err(MechanismError::TooShort(NAME)) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Channel;
    use super::super::tests::identity;
    use super::*;

    fn external(user: Option<&str>) -> External {
        let channel = Channel { shows_certificate: true, ..Channel::default() };
        let user = user.map(str::to_owned);
        External::new(&Identity { user, secret: None, channel, ..identity("", "") }).unwrap()
    }

    #[test]
    fn without_a_name_the_message_is_empty_but_there() {
        // EXTERNAL; 4954-4b: this becomes a single =
        assert_eq!(external(None).initial_response(), Some(Secret::new("")));
        let named = external(Some("fred@example.org")).initial_response().unwrap();
        assert_eq!(named.expose(), b"fred@example.org");
    }

    #[test]
    fn without_a_certificate_it_does_not_begin() {
        let refused = External::new(&identity("fred", "")).err();
        assert_eq!(refused, Some(MechanismError::NoCertificate));
    }
}
