//! Tokens that Dovecot can check by itself: JWTs (RFC 7519) under a shared key.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::hmac;
use serde_json::json;

use crate::server::USER;

const KEY: &[u8] = b"thirty-two octets of a token key";

/// One that lets [`USER`] in.
pub(crate) fn token() -> String {
    signed(KEY)
}

/// The same, signed by somebody else.
pub(crate) fn forged_token() -> String {
    signed(b"thirty-two octets of another key")
}

fn signed(key: &[u8]) -> String {
    let encoded = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = encoded(json!({ "typ": "JWT", "alg": "HS256" }));
    // From November 2023 to the end of 2099.
    let claims = json!({ "sub": USER, "iat": 1_700_000_000, "exp": 4_102_444_799_u32 });
    let text = format!("{header}.{}", encoded(claims));
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Writes the key to where Dovecot looks for that of an unnamed issuer.
pub(crate) fn write_key(home: &Path) {
    let directory = home.join("tokens/default/HS256");
    fs::create_dir_all(&directory).expect("making a directory for keys");
    fs::write(directory.join("default"), STANDARD.encode(KEY)).expect("writing a key");
}
