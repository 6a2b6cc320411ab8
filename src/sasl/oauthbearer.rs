//! OAUTHBEARER (RFC 7628): an access token in place of a password.

use super::token::{Bearer, bearer};
use super::{Entry, Identity, MechanismError, Proof};

/// OAUTHBEARER.
pub(super) const ENTRY: Entry = Entry {
    name: NAME,
    proof: Proof::Token,
    automatic: true,
    needs_user: true,
    exposes_secret: true,
    binds_channel: false,
    begin: |who| Ok(Box::new(oauthbearer(who)?)),
};

const NAME: &str = "OAUTHBEARER";

/// RFC 7628 §3.1, RFC 5801 §4: the name is escaped as in SCRAM. A refusal is
/// acknowledged by one %x01 (§3.2.3).
fn oauthbearer(who: &Identity) -> Result<Bearer, MechanismError> {
    let (user, token) = bearer(who, NAME)?;
    let user = user.replace('=', "=3D").replace(',', "=2C");
    let port = who.port.map_or_else(String::new, |port| format!("port={port}\x01"));
    let before = format!("n,a={user},\x01host={}\x01{port}auth=Bearer ", who.host);
    Ok(Bearer::new(NAME, [&before, "\x01\x01"], token, "\x01"))
}

#[cfg(test)]
mod tests {
    use super::super::Mechanism;
    use super::super::tests::identity;
    use super::*;

    #[test]
    fn the_published_example_comes_out() {
        // 7628 §4.1
        let who = identity("user@example.com", "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==");
        let message = oauthbearer(&who).unwrap().initial_response().unwrap();
        let in_base64 = encodify::base64::STANDARD.encode(message.expose());
        assert_eq!(in_base64.len(), 148);
        assert!(in_base64.starts_with("bixhPXVzZXJAZXhh") && in_base64.ends_with("PQEB"));
    }

    #[test]
    fn a_server_without_a_port_is_named_without_one() {
        // 7628 §3.1
        let who = Identity { port: None, ..identity("u", "t") };
        let message = oauthbearer(&who).unwrap().initial_response().unwrap();
        assert_eq!(message.expose(), b"n,a=u,\x01host=server.example.com\x01auth=Bearer t\x01\x01");
    }

    #[test]
    fn a_refusal_is_heard_to_its_end() {
        // 7628 §3.2.3
        let mut mechanism = oauthbearer(&identity("a,b=c", "t")).unwrap();
        let message = mechanism.initial_response().unwrap();
        assert!(message.expose().starts_with(b"n,a=a=2Cb=3Dc,\x01host="));
        let seen = mechanism.said_openly().unwrap();
        assert!(
            seen.starts_with("n,a=a=2Cb=3Dc,\x01host=") && seen.ends_with("Bearer ***\x01\x01")
        );
        let answer = mechanism.respond(br#"{"status":"invalid_token"}"#).unwrap();
        assert_eq!(answer.expose(), b"\x01");
        assert_eq!(mechanism.token_fault().unwrap().status, "invalid_token");
        assert!(mechanism.verify().is_err(), "what was refused is not accepted");
        assert!(mechanism.respond(b"").is_err());
    }

    #[test]
    fn what_would_break_the_frame_is_no_token() {
        for (user, token) in [("u", "a\x01b"), ("u", "a b"), ("u", "é"), ("u\x01auth=x", "t")] {
            let refused = oauthbearer(&identity(user, token)).err();
            assert_eq!(refused, Some(MechanismError::NoToken(NAME)), "{user:?} {token:?}");
        }
    }
}
