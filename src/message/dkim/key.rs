//! Private keys: PEM of PKCS#8 (RFC 5958, RFC 8410) and PKCS#1 (RFC 8017), for
//! the algorithms of RFC 8301 and RFC 8463.

use super::super::Error;
use encodify::base64::STANDARD;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use std::fmt;
use x509_cert::der::asn1::{AnyRef, UintRef};
use x509_cert::der::{self, Decode, Reader, SliceReader};
use zeroize::Zeroizing;

/// A private key to sign with.
pub struct Key(Kind);

enum Kind {
    Rsa(Box<RsaKeyPair>),
    Ed25519(Ed25519KeyPair),
}

impl fmt::Debug for Key {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.algorithm())
    }
}

/// Why octets are not a key to sign with. The `Display` form is a clause about
/// the file they came from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// No `-----BEGIN …-----` in it.
    #[error("it holds no private key in PEM form")]
    NotPem,
    /// A key under a passphrase.
    #[error("its key is locked with a passphrase")]
    Locked,
    /// A PEM block of another kind: a certificate, a public key.
    #[error("it holds {0}, not a private key in PKCS#8 or PKCS#1 form")]
    OtherBlock(Block),
    /// A private key of another algorithm.
    #[error("its key is neither RSA nor Ed25519")]
    Algorithm,
    /// What stands in the block is not what its first line says.
    #[error("its key is damaged")]
    Damaged,
    /// RSA whose numbers contradict each other, or with an exponent as nobody
    /// makes them any more.
    #[error("its RSA key is unsound: its numbers do not fit, or its exponent is below 65537")]
    Unsound,
    /// RSA below 2048 bits (RFC 8301 §3.2).
    #[error("its RSA key has {0} bits, and {SHORTEST} are the least to sign with")]
    TooShort(usize),
    /// RSA above 4096 bits, which verifiers need not take (RFC 8301 §3.2).
    #[error("its RSA key has {0} bits, and verifiers need not take more than {LONGEST}")]
    TooLong(usize),
}

/// What PEM calls something that is no such key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    /// `PUBLIC KEY`, `RSA PUBLIC KEY`.
    PublicKey,
    /// `CERTIFICATE` and its like.
    Certificate,
    /// `OPENSSH PRIVATE KEY`.
    OpenSsh,
    /// Anything else.
    Other,
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Block::PublicKey => "a public key",
            Block::Certificate => "a certificate",
            Block::OpenSsh => "a key in the form of OpenSSH",
            Block::Other => "something else in PEM form",
        })
    }
}

/// RFC 8301 §3.2: signers use at least 1024 bits and should use 2048.
const SHORTEST: usize = 2048;
/// RFC 8301 §3.2: verifiers take keys up to this size.
const LONGEST: usize = 4096;

impl Key {
    /// Reads the first private key of a PEM file.
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyError> {
        let (label, der) = block(pem)?;
        match label {
            b"PRIVATE KEY" => Key::from_pkcs8(&der),
            b"RSA PRIVATE KEY" => {
                check_size(&der)?;
                let pair = RsaKeyPair::from_der(&der).map_err(|_| KeyError::Unsound)?;
                Ok(Key(Kind::Rsa(Box::new(pair))))
            }
            b"ENCRYPTED PRIVATE KEY" => Err(KeyError::Locked),
            b"EC PRIVATE KEY" | b"DSA PRIVATE KEY" => Err(KeyError::Algorithm),
            b"OPENSSH PRIVATE KEY" => Err(KeyError::OtherBlock(Block::OpenSsh)),
            label if label.ends_with(b"PUBLIC KEY") => Err(KeyError::OtherBlock(Block::PublicKey)),
            label if label.ends_with(b"CERTIFICATE") => {
                Err(KeyError::OtherBlock(Block::Certificate))
            }
            _ => Err(KeyError::OtherBlock(Block::Other)),
        }
    }

    fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let (algorithm, key) = private_key_info(der).map_err(|_| KeyError::Damaged)?;
        if algorithm == ED25519 {
            // Without its public half in version 1, which openssl writes.
            let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der);
            return pair.map(|pair| Key(Kind::Ed25519(pair))).map_err(|_| KeyError::Damaged);
        }
        if algorithm != RSA {
            return Err(KeyError::Algorithm);
        }
        check_size(key)?;
        let pair = RsaKeyPair::from_pkcs8(der).map_err(|_| KeyError::Unsound)?;
        Ok(Key(Kind::Rsa(Box::new(pair))))
    }

    /// The value of a=.
    pub fn algorithm(&self) -> &'static str {
        match &self.0 {
            Kind::Rsa(_) => "rsa-sha256",
            Kind::Ed25519(_) => "ed25519-sha256",
        }
    }

    /// Whether this is its public half as DNS has it: of RSA the key alone or in a
    /// `SubjectPublicKeyInfo`, in DER (RFC 6376 §3.6.1); of Ed25519 the key itself
    /// (RFC 8463 §4.2).
    pub fn is_published_as(&self, octets: &[u8]) -> bool {
        match &self.0 {
            Kind::Rsa(pair) => octets.ends_with(pair.public_key().as_ref()),
            Kind::Ed25519(pair) => octets == pair.public_key().as_ref(),
        }
    }

    /// Signs what RFC 6376 §3.7 makes of the header, not yet hashed.
    pub(super) fn sign(&self, octets: &[u8]) -> Result<Vec<u8>, Error> {
        match &self.0 {
            Kind::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), octets, &mut signature)
                    .map_err(|_| Error::NotSigned)?;
                Ok(signature)
            }
            // RFC 8463 §3: Ed25519 signs the hash itself.
            Kind::Ed25519(pair) => {
                Ok(pair.sign(digest(&SHA256, octets).as_ref()).as_ref().to_vec())
            }
        }
    }
}

/// The algorithms of PKCS#8 as the content of their object identifiers:
/// 1.2.840.113549.1.1.1 (RFC 8017 §A.1) and 1.3.101.112 (RFC 8410 §3).
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// The first PEM block that can be a private key, else the first of any kind:
/// its label and its content (RFC 7468 §2).
fn block(pem: &[u8]) -> Result<(&[u8], Zeroizing<Vec<u8>>), KeyError> {
    let mut lines = pem.split(|&octet| octet == b'\n').map(<[u8]>::trim_ascii);
    let mut other = None;
    while let Some(line) = lines.next() {
        let label = line.strip_prefix(b"-----BEGIN ").and_then(|it| it.strip_suffix(b"-----"));
        let Some(label) = label else { continue };
        if !label.ends_with(b"PRIVATE KEY") {
            other = other.or(Some(label));
            continue;
        }
        // The room is made beforehand, so that no copy stays behind.
        let mut text = Zeroizing::new(Vec::with_capacity(pem.len()));
        for line in lines.by_ref() {
            if line.starts_with(b"-----END ") {
                let length = STANDARD.decode_in_place(&mut text).map(|der| der.len());
                text.truncate(length.map_err(|_| KeyError::Damaged)?);
                return Ok((label, text));
            }
            // RFC 1421 §4.6.1.1: such a field stands before locked keys only.
            if line.starts_with(b"Proc-Type:") {
                return Err(KeyError::Locked);
            }
            text.extend_from_slice(line);
        }
        return Err(KeyError::Damaged);
    }
    other.map(|label| (label, Zeroizing::default())).ok_or(KeyError::NotPem)
}

/// Algorithm and key of a `PrivateKeyInfo` (RFC 5958 §2).
fn private_key_info(der: &[u8]) -> Result<(&[u8], &[u8]), der::Error> {
    SliceReader::new(der)?.sequence(|info| {
        UintRef::decode(info)?;
        let algorithm = info.sequence(|identifier| {
            let algorithm = AnyRef::decode(identifier)?;
            identifier.drain(identifier.remaining_len())?;
            Ok::<_, der::Error>(algorithm.value())
        })?;
        let key = AnyRef::decode(info)?;
        info.drain(info.remaining_len())?;
        Ok((algorithm, key.value()))
    })
}

/// Refuses an `RSAPrivateKey` (RFC 8017 §A.1.2) of an unfit size.
fn check_size(der: &[u8]) -> Result<(), KeyError> {
    let bits = modulus_bits(der).map_err(|_: der::Error| KeyError::Damaged)?;
    match bits {
        ..SHORTEST => Err(KeyError::TooShort(bits)),
        SHORTEST..=LONGEST => Ok(()),
        _ => Err(KeyError::TooLong(bits)),
    }
}

fn modulus_bits(der: &[u8]) -> Result<usize, der::Error> {
    SliceReader::new(der)?.sequence(|key| {
        UintRef::decode(key)?;
        let modulus = UintRef::decode(key)?.as_bytes();
        key.drain(key.remaining_len())?;
        let unused = modulus.first().map_or(0, |first| first.leading_zeros() as usize);
        Ok(modulus.len() * 8 - unused)
    })
}

#[cfg(test)]
mod tests;
