//! The keys and signatures of SCRAM (RFC 5802 §3), the same on both sides.

use ring::{digest, hmac, pbkdf2};
use std::num::NonZeroU32;
use zeroize::Zeroizing;

/// The hash function that the mechanism is named for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sasl) enum Hash {
    /// RFC 5802.
    Sha1,
    /// RFC 7677.
    Sha256,
}

impl Hash {
    fn hmac(self) -> hmac::Algorithm {
        match self {
            Hash::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Hash::Sha256 => hmac::HMAC_SHA256,
        }
    }

    fn pbkdf2(self) -> pbkdf2::Algorithm {
        match self {
            Hash::Sha1 => pbkdf2::PBKDF2_HMAC_SHA1,
            Hash::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
        }
    }

    fn of(self, octets: &[u8]) -> digest::Digest {
        let algorithm = match self {
            Hash::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Hash::Sha256 => &digest::SHA256,
        };
        digest::digest(algorithm, octets)
    }
}

/// What follows from a password, a salt and a number of rounds.
pub(in crate::sasl) struct Keys {
    hash: Hash,
    client: Zeroizing<Vec<u8>>,
    server: Box<hmac::Key>,
}

impl Keys {
    /// Hashes the prepared password `rounds` times: the slow part.
    pub(in crate::sasl) fn derive(
        hash: Hash,
        password: &[u8],
        salt: &[u8],
        rounds: NonZeroU32,
    ) -> Self {
        let length = hash.hmac().digest_algorithm().output_len();
        let mut salted = Zeroizing::new(vec![0; length]);
        pbkdf2::derive(hash.pbkdf2(), rounds, salt, password, &mut salted);
        let salted = hmac::Key::new(hash.hmac(), &salted);
        let client = hmac::sign(&salted, b"Client Key");
        let server = hmac::sign(&salted, b"Server Key");
        Keys {
            hash,
            client: Zeroizing::new(client.as_ref().to_vec()),
            server: Box::new(hmac::Key::new(hash.hmac(), server.as_ref())),
        }
    }

    /// `ClientProof`: `ClientKey` XOR the signature of who stores its hash.
    pub(in crate::sasl) fn proof(&self, auth_message: &[u8]) -> Zeroizing<Vec<u8>> {
        let stored = self.hash.of(&self.client);
        let stored = hmac::Key::new(self.hash.hmac(), stored.as_ref());
        let signature = hmac::sign(&stored, auth_message);
        let proof = self.client.iter().zip(signature.as_ref()).map(|(key, sign)| key ^ sign);
        Zeroizing::new(proof.collect())
    }

    /// `ServerSignature`, which only who knows the keys can make.
    pub(in crate::sasl) fn signature(&self, auth_message: &[u8]) -> hmac::Tag {
        hmac::sign(&self.server, auth_message)
    }

    /// Compares a server's signature in constant time.
    pub(in crate::sasl) fn is_signature(&self, auth_message: &[u8], signature: &[u8]) -> bool {
        hmac::verify(&self.server, auth_message, signature).is_ok()
    }
}
