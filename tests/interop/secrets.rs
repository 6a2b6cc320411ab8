//! Looking for the password in what the program wrote.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use hmac::{Hmac, Mac};
use md5::Md5;

use crate::program::Run;
use crate::server::{PASSWORD, USER};

/// Neither the password, nor what SASL makes of it, on either output.
#[track_caller]
pub(crate) fn assert_tells_no_secret(run: &Run) {
    let output = run.to_string();
    assert!(!tells_secret(&output), "the password or its digest as it is\n{run}");
    // Split at `=` too: what is left of padding or of `name=` is no base64.
    for word in output.split(|c: char| !c.is_ascii_alphanumeric() && !"+/".contains(c)) {
        let decoded = STANDARD_NO_PAD.decode(word).unwrap_or_default();
        let decoded = String::from_utf8_lossy(&decoded);
        assert!(!tells_secret(&decoded), "{word} is {decoded:?}\n{run}");
    }
    // The digest alone, for every challenge that the transcript shows.
    let challenges = output.lines().filter_map(|line| line.split_once(" 334 "));
    for (_, challenge) in challenges {
        if let Ok(challenge) = STANDARD.decode(challenge.trim()) {
            let digest = cram_md5_digest(&challenge);
            assert!(!output.contains(&digest), "{digest} is in\n{run}");
        }
    }
}

/// PLAIN and LOGIN send the password itself, CRAM-MD5 the name and a digest,
/// SCRAM a proof that allows guessing off-line.
fn tells_secret(text: &str) -> bool {
    let name = format!("{USER} ");
    let digest = text.match_indices(&name).any(|(at, _)| {
        let rest = text[at + name.len()..].chars();
        rest.take_while(char::is_ascii_hexdigit).count() >= 32
    });
    let proof = text.contains("c=") && text.contains(",p=");
    text.contains(PASSWORD) || digest || proof
}

/// RFC 2195 §2.
fn cram_md5_digest(challenge: &[u8]) -> String {
    let mut keyed = Hmac::<Md5>::new_from_slice(PASSWORD.as_bytes()).expect("any key will do");
    keyed.update(challenge);
    format!("{:x}", keyed.finalize().into_bytes())
}

#[test]
fn the_look_for_secrets_finds_them() {
    let tells = |stderr: &str| {
        let run = Run {
            status: 0,
            stdout: String::new(),
            stderr: format!("<~  334 PDE3OTU0Pg==\n{stderr}\n"),
        };
        std::panic::catch_unwind(|| assert_tells_no_secret(&run)).is_err()
    };
    let digest = cram_md5_digest(b"<17954>");
    for secret in [
        PASSWORD.to_owned(),
        format!(" ~> AUTH PLAIN {}", STANDARD.encode(format!("\0{USER}\0{PASSWORD}"))),
        format!(" ~> {}", STANDARD.encode(PASSWORD)),
        format!(" ~> {}", STANDARD.encode(format!("{USER} {digest}"))),
        format!("answered {digest}"),
        format!(" ~> {}", STANDARD.encode("c=biws,r=4Zt,p=dHzbZapWIk4=")),
    ] {
        assert!(tells(&secret), "{secret}");
    }
    assert!(!tells(" ~> AUTH PLAIN ***"));
}
