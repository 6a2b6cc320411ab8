//! What SCRAM makes of a password (RFC 5802), by a hand that shares no line with
//! the program: to store it, and to know what must not be seen.

use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::{digest, hmac, pbkdf2};

use crate::server::USER;

/// The hash functions of SCRAM.
#[derive(Clone, Copy)]
pub(crate) enum Hash {
    Sha1,
    Sha256,
}

impl Hash {
    fn of(self, octets: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
        };
        digest::digest(algorithm, octets).as_ref().to_vec()
    }

    fn keyed(self, key: &[u8], text: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => hmac::HMAC_SHA256,
        };
        hmac::sign(&hmac::Key::new(algorithm, key), text).as_ref().to_vec()
    }
}

/// What SCRAM makes of a password (RFC 5802 §3).
pub(crate) struct Keys {
    hash: Hash,
    salted_password: Vec<u8>,
    client: Vec<u8>,
    pub(crate) stored: Vec<u8>,
    pub(crate) server: Vec<u8>,
}

impl Keys {
    pub(crate) fn derive(hash: Hash, password: &str, salt: &[u8], iterations: NonZeroU32) -> Self {
        let (derivation, length) = match hash {
            Hash::Sha1 => (pbkdf2::PBKDF2_HMAC_SHA1, 20),
            Hash::Sha256 => (pbkdf2::PBKDF2_HMAC_SHA256, 32),
        };
        let mut salted_password = vec![0; length];
        pbkdf2::derive(derivation, iterations, salt, password.as_bytes(), &mut salted_password);
        let client = hash.keyed(&salted_password, b"Client Key");
        let server = hash.keyed(&salted_password, b"Server Key");
        Self { hash, stored: hash.of(&client), salted_password, client, server }
    }

    fn proof(&self, message: &str) -> Vec<u8> {
        let signature = self.hash.keyed(&self.stored, message.as_bytes());
        signature.iter().zip(&self.client).map(|(a, b)| a ^ b).collect()
    }
}

/// The first message of a server (RFC 5802 §7).
pub(crate) struct First {
    whole: String,
    nonce: String,
    salt: Vec<u8>,
    iterations: NonZeroU32,
}

impl First {
    pub(crate) fn parse(challenge: &[u8]) -> Option<Self> {
        let whole = String::from_utf8(challenge.to_vec()).ok()?;
        let mut parts = whole.splitn(3, ',');
        let nonce = parts.next()?.strip_prefix("r=")?.to_owned();
        let salt = STANDARD.decode(parts.next()?.strip_prefix("s=")?).ok()?;
        let iterations = parts.next()?.strip_prefix("i=")?.parse().ok()?;
        Some(Self { whole, nonce, salt, iterations })
    }

    /// What follows from it for this password, with either hash, under its name.
    pub(crate) fn secrets(&self, password: &str) -> Vec<(&'static str, Vec<u8>)> {
        let messages = self.messages();
        [Hash::Sha1, Hash::Sha256]
            .map(|hash| Keys::derive(hash, password, &self.salt, self.iterations))
            .into_iter()
            .flat_map(|keys| {
                let proofs = messages.iter().map(|message| ("ClientProof", keys.proof(message)));
                let mut secrets: Vec<_> = proofs.collect();
                secrets.push(("SaltedPassword", keys.salted_password));
                secrets.push(("ClientKey", keys.client));
                secrets.push(("StoredKey", keys.stored));
                secrets.push(("ServerKey", keys.server));
                secrets
            })
            .collect()
    }

    /// What may have been signed without a binding: the transcript does not show
    /// where the client's part of the nonce ends.
    fn messages(&self) -> Vec<String> {
        let Self { whole, nonce, .. } = self;
        let ends = nonce.char_indices().skip(8).map(|(at, _)| at);
        ends.flat_map(|end| {
            ["n,,", "y,,"].map(|header| {
                let header = STANDARD.encode(header);
                format!("n={USER},r={},{whole},c={header},r={nonce}", &nonce[..end])
            })
        })
        .collect()
    }
}

/// RFC 7677 §3.
pub(crate) const FIRST: &str =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

#[test]
fn the_published_proof_comes_out() {
    // 5802-v
    let first = First::parse(FIRST.as_bytes()).expect("a first message");
    let keys = Keys::derive(Hash::Sha256, "pencil", &first.salt, first.iterations);
    let nonce = &first.nonce;
    let message = format!("n=user,r=rOprNGfwEbeRWgbNEkqO,{FIRST},c=biws,r={nonce}");
    let proof = STANDARD.encode(keys.proof(&message));
    assert_eq!(proof, "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
    let ours = message.replace("n=user,", &format!("n={USER},"));
    assert!(first.messages().contains(&ours));
}
