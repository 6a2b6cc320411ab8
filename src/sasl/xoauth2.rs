//! XOAUTH2: what Google and Microsoft had before OAUTHBEARER, and still take.
//! It is described in Google's "OAuth 2.0 Mechanism" for IMAP, POP and SMTP.

use super::token::{Bearer, bearer};
use super::{Entry, Identity, MechanismError, Proof};

/// XOAUTH2.
pub(super) const ENTRY: Entry = Entry {
    name: NAME,
    proof: Proof::Token,
    automatic: true,
    needs_user: true,
    exposes_secret: true,
    binds_channel: false,
    begin: |who| Ok(Box::new(xoauth2(who)?)),
};

const NAME: &str = "XOAUTH2";

/// A refusal is acknowledged by an empty message.
fn xoauth2(who: &Identity) -> Result<Bearer, MechanismError> {
    let (user, token) = bearer(who, NAME)?;
    let before = format!("user={user}\x01auth=Bearer ");
    Ok(Bearer::new(NAME, [&before, "\x01\x01"], token, ""))
}

#[cfg(test)]
mod tests {
    use super::super::Mechanism;
    use super::super::tests::identity;
    use super::*;

    #[test]
    fn the_published_form_comes_out_and_a_refusal_is_answered_by_nothing() {
        // XOAUTH2: Google's own example
        let who = identity("someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg");
        let mut mechanism = xoauth2(&who).unwrap();
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

    #[test]
    fn the_name_and_the_server_s_answer_may_be_seen_and_the_token_not() {
        let mut mechanism = xoauth2(&identity("tim", "ya29.vF9dft4q")).unwrap();
        mechanism.initial_response();
        let said = Some("user=tim\x01auth=Bearer ***\x01\x01".to_owned());
        assert_eq!(mechanism.said_openly(), said);
        assert_eq!(
            mechanism.heard_openly(b"{\"status\":\"401\"}").unwrap(),
            "{\"status\":\"401\"}"
        );
        for given_away in ["{\"is\":\"ya29.vF9dft4q\"}", "{\"was\":\"eWEyOS52RjlkZnQ0cQ==\"}"] {
            assert_eq!(mechanism.heard_openly(given_away.as_bytes()), None);
        }
        mechanism.respond(b"{}").unwrap();
        assert_eq!(mechanism.said_openly(), Some(String::new()));
    }
}
