//! Keys by which signatures are checked, as a domain publishes them (RFC 6376
//! §3.6.1).

use super::tags::Tags;
use encodify::base64::STANDARD;
use x509_cert::der::asn1::{AnyRef, UintRef};
use x509_cert::der::{self, Decode, Reader, SliceReader};
use x509_cert::spki::SubjectPublicKeyInfoRef;

/// A record that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// What it checks.
    pub algorithm: Algorithm,
    /// The value of `p=`.
    pub octets: Vec<u8>,
    /// `t=y`: receivers are to treat mail as if it were not signed.
    pub is_on_trial: bool,
}

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSA of so many bits.
    Rsa(usize),
    /// RFC 8463.
    Ed25519,
}

impl PublicKey {
    /// Reads a record; the error is what is wrong with it, in a clause.
    pub fn read(text: &str) -> Result<Self, &'static str> {
        let tags = Tags::read(text).ok_or("it is no list of tags")?;
        if tags.twice().is_some() {
            return Err("one of its tags stands there twice");
        }
        // v= is optional, and first.
        if tags.get("v").is_some() && !tags.is_version("DKIM1") {
            return Err("its version is not DKIM1");
        }
        let has = |name, word: &str| {
            tags.get(name).is_some_and(|words| words.split(':').any(|it| it.trim() == word))
        };
        if tags.get("s").is_some() && !has("s", "*") && !has("s", "email") {
            return Err("by its s= it is not for mail");
        }
        // RFC 8301 §3.1: SHA-1 no longer counts.
        if tags.get("h").is_some() && !has("h", "sha256") {
            return Err("by its h= it is not for SHA-256, which is the only hash that counts");
        }
        let key = tags.get("p").ok_or("it has no p=, where the key would stand")?;
        let key: String = key.split_whitespace().collect();
        if key.is_empty() {
            return Err("the key is revoked: its p= is empty");
        }
        let octets = STANDARD.decode(&key).map_err(|_| "its p= is not base64")?;
        let algorithm = match tags.get("k").unwrap_or("rsa") {
            "rsa" => {
                let bits = rsa_bits(&octets).map_err(|_: der::Error| "its p= is no RSA key")?;
                Algorithm::Rsa(bits)
            }
            // RFC 8463 §4.2
            "ed25519" if octets.len() == 32 => Algorithm::Ed25519,
            "ed25519" => return Err("its p= is no Ed25519 key, which has 32 octets"),
            _ => return Err("its k= is neither rsa nor ed25519"),
        };
        Ok(PublicKey { algorithm, octets, is_on_trial: has("t", "y") })
    }
}

/// How long the key is: an `RSAPublicKey` alone or, as nearly everybody has it, in a
/// `SubjectPublicKeyInfo`.
fn rsa_bits(octets: &[u8]) -> Result<usize, der::Error> {
    match SubjectPublicKeyInfoRef::from_der(octets) {
        Ok(info) => modulus_bits(info.subject_public_key.raw_bytes()),
        Err(_) => modulus_bits(octets),
    }
}

/// RFC 8017 §A.1.1.
fn modulus_bits(octets: &[u8]) -> Result<usize, der::Error> {
    SliceReader::new(octets)?.sequence(|key| {
        let modulus = UintRef::decode(key)?.as_bytes();
        AnyRef::decode(key)?;
        let unused = modulus.first().map_or(0, |first| first.leading_zeros() as usize);
        Ok(modulus.len() * 8 - unused)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By `openssl genrsa 1024 | openssl rsa -pubout -outform DER | base64 -w0`.
    const RSA_1024: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDC/ukVVJpKGvDmwXCFQD4PQXHad6Y97rwtcDNXaUiW\
         U+8MaLIbSmUJDd1TYxnNttVBfNEFI0pQg+yvkjUKvv9mMEIPn0XWA+h5xpxlKW/08lKiU+jSYi+oNoyr\
         2AuiUg6YJxEa2GlYxi9Zd6+gsrugzcO5rhdOmrBmc7vbPjGT8wIDAQAB";
    /// The same key, by `openssl rsa -RSAPublicKey_out` in place of `-pubout`.
    const ALONE: &str = "MIGJAoGBAML+6RVUmkoa8ObBcIVAPg9Bcdp3pj3uvC1wM1dpSJZT7wxoshtKZQkN3VNjGc221UF80QUj\
         SlCD7K+SNQq+/2YwQg+fRdYD6HnGnGUpb/TyUqJT6NJiL6g2jKvYC6JSDpgnERrYaVjGL1l3r6Cyu6DN\
         w7muF06asGZzu9s+MZPzAgMBAAE=";
    const ED25519: &str = "r3giJsZdyUMSXacBSiuZBrE3975Z5pd/Hf74QJoI2Zk=";

    #[test]
    fn a_key_tells_what_it_checks_and_how_long_it_is() {
        let algorithm = |text: &str| PublicKey::read(text).map(|key| key.algorithm);
        for text in [
            format!("v=DKIM1; k=rsa; p={RSA_1024}"),
            format!("p={RSA_1024}"),
            format!("p={ALONE}"),
            format!("v=DKIM1; h=sha1:sha256; s=email; p={}", RSA_1024.replacen('A', "A ", 3)),
        ] {
            assert_eq!(algorithm(&text), Ok(Algorithm::Rsa(1024)), "{text}");
        }
        assert_eq!(algorithm(&format!("k=ed25519; p={ED25519}")), Ok(Algorithm::Ed25519));
        let is_on_trial = |text: &str| PublicKey::read(text).unwrap().is_on_trial;
        assert!(is_on_trial(&format!("t=s:y; k=ed25519; p={ED25519}")));
        assert!(!is_on_trial(&format!("t=s; k=ed25519; p={ED25519}")));
    }

    #[test]
    fn what_is_wrong_with_a_record_is_told() {
        for (text, expected) in [
            ("nonsense", "it is no list of tags"),
            ("v=DKIM1; p=AAAA; p=BBBB", "one of its tags stands there twice"),
            ("v=DKIM2; p=AAAA", "its version is not DKIM1"),
            ("p=AAAA; v=DKIM1", "its version is not DKIM1"),
            ("v=DKIM1; s=tlsrpt; p=AAAA", "by its s= it is not for mail"),
            (
                "v=DKIM1; h=sha1; p=AAAA",
                "by its h= it is not for SHA-256, which is the only hash that counts",
            ),
            ("v=DKIM1", "it has no p=, where the key would stand"),
            ("v=DKIM1; p=", "the key is revoked: its p= is empty"),
            ("v=DKIM1; p=A*", "its p= is not base64"),
            ("v=DKIM1; p=AAAA", "its p= is no RSA key"),
            ("v=DKIM1; k=ed25519; p=AAAA", "its p= is no Ed25519 key, which has 32 octets"),
            ("v=DKIM1; k=dsa; p=AAAA", "its k= is neither rsa nor ed25519"),
        ] {
            assert_eq!(PublicKey::read(text), Err(expected), "{text}");
        }
    }
}
