//! EXTERNAL (RFC 4422 appendix A): the certificate that TLS has shown says who
//! it is; the message names at most whom to act for.

use super::one_message::OneMessage;
use super::{Entry, Identity, MechanismError, Proof};

/// EXTERNAL.
pub(super) const ENTRY: Entry = Entry {
    name: NAME,
    proof: Proof::Nothing,
    automatic: false,
    needs_user: false,
    exposes_secret: false,
    binds_channel: false,
    begin: |who| Ok(Box::new(external(who)?)),
};

const NAME: &str = "EXTERNAL";

/// Says the authorization identity, if one is named.
fn external(who: &Identity) -> Result<OneMessage, MechanismError> {
    if !who.channel.shows_certificate {
        return Err(MechanismError::NoCertificate);
    }
    let user = who.user.as_deref().unwrap_or_default();
    if user.contains('\0') {
        return Err(MechanismError::Unfit(NAME));
    }
    Ok(OneMessage::new(NAME, user, user))
}

#[cfg(test)]
mod tests {
    use super::super::tests::identity;
    use super::super::{Channel, Mechanism, Secret};
    use super::*;

    fn message(user: Option<&str>) -> Option<Secret> {
        let channel = Channel { shows_certificate: true, ..Channel::default() };
        let user = user.map(str::to_owned);
        let who = Identity { user, secret: None, channel, ..identity("", "") };
        external(&who).unwrap().initial_response()
    }

    #[test]
    fn without_a_name_the_message_is_empty_but_there() {
        // EXTERNAL; 4954-4b: this becomes a single =
        assert_eq!(message(None), Some(Secret::new("")));
        assert_eq!(message(Some("fred@example.org")), Some(Secret::new("fred@example.org")));
    }

    #[test]
    fn without_a_certificate_it_does_not_begin() {
        let refused = external(&identity("fred", "")).err();
        assert_eq!(refused, Some(MechanismError::NoCertificate));
    }
}
