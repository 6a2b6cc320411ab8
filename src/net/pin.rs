//! Certificates and keys that are known by their fingerprints (RFC 7469 §2.4
//! for those of keys).

use super::certificate::key_info;
use encodify::base64;
use ring::digest::{SHA256, digest};
use std::fmt;
use std::str::FromStr;

/// A SHA-256 digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

/// What a server must show, in place of a certificate that an authority
/// vouches for. Who it is for and how long it is valid no longer matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pin {
    /// This very certificate.
    Certificate(Fingerprint),
    /// Any certificate for this key: the digest of its `SubjectPublicKeyInfo`.
    Key(Fingerprint),
}

/// Why a text is no pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PinError {
    /// A digest for which another certificate can be made.
    #[error("a fingerprint by {0} can be forged; it must be one by SHA-256")]
    Forgeable(&'static str),
    /// Anything else.
    #[error("it is neither sha256: and 64 hexadecimal digits nor spki-sha256: and base64")]
    Form,
}

impl Fingerprint {
    /// The digest of these octets.
    pub(super) fn of(octets: &[u8]) -> Self {
        let mut fingerprint = Fingerprint([0; 32]);
        fingerprint.0.copy_from_slice(digest(&SHA256, octets).as_ref());
        fingerprint
    }

    /// In lower case, without colons.
    pub fn hex(&self) -> String {
        self.0.iter().map(|octet| format!("{octet:02x}")).collect()
    }

    /// With its padding.
    pub fn base64(&self) -> String {
        base64::STANDARD.encode(self.0)
    }
}

impl Pin {
    /// Whether this certificate, in DER, is the one meant.
    pub(super) fn fits(&self, certificate: &[u8]) -> bool {
        match self {
            Pin::Certificate(pinned) => Fingerprint::of(certificate) == *pinned,
            Pin::Key(pinned) => {
                key_info(certificate).is_some_and(|info| Fingerprint::of(info.as_ref()) == *pinned)
            }
        }
    }
}

impl fmt::Display for Pin {
    /// In the form that is read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pin::Certificate(fingerprint) => write!(f, "sha256:{}", fingerprint.hex()),
            Pin::Key(fingerprint) => write!(f, "spki-sha256:{}", fingerprint.base64()),
        }
    }
}

impl FromStr for Pin {
    type Err = PinError;

    /// `sha256:HEX`, with colons between octets or without, in any case;
    /// `spki-sha256:BASE64`; the hexadecimal digits alone, as msmtp and openssl
    /// write them.
    fn from_str(text: &str) -> Result<Self, PinError> {
        let text = text.trim();
        if let Some(text) = text.strip_prefix("spki-sha256:") {
            let octets = base64::STANDARD.decode(text).map_err(|_| PinError::Form)?;
            return Ok(Pin::Key(fingerprint(&octets)?));
        }
        let octets = hex(text.strip_prefix("sha256:").unwrap_or(text)).ok_or(PinError::Form)?;
        Ok(Pin::Certificate(fingerprint(&octets)?))
    }
}

fn fingerprint(octets: &[u8]) -> Result<Fingerprint, PinError> {
    match (octets.try_into(), octets.len()) {
        (Ok(octets), _) => Ok(Fingerprint(octets)),
        (_, 20) => Err(PinError::Forgeable("SHA-1")),
        (_, 16) => Err(PinError::Forgeable("MD5")),
        _ => Err(PinError::Form),
    }
}

/// Octets as two digits each, with a colon between each two octets or between
/// none.
fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = if text.contains(':') {
        let octets: Vec<&str> = text.split(':').collect();
        octets.iter().all(|octet| octet.len() == 2).then(|| octets.concat())?
    } else {
        text.to_owned()
    };
    let octet = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| !pair.starts_with('+'))?;
        (pair.len() == 2).then(|| u8::from_str_radix(pair, 16).ok())?
    };
    digits.as_bytes().chunks(2).map(octet).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    const BASE64: &str = "ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v8=";

    #[test]
    fn a_fingerprint_is_read_in_every_usual_form() {
        let pairs: Vec<&str> = (0..32).map(|at| &HEX[2 * at..2 * at + 2]).collect();
        let colons = pairs.join(":").to_uppercase();
        for text in
            [format!("sha256:{HEX}"), HEX.to_owned(), colons.clone(), format!("sha256:{colons}")]
        {
            let pin: Pin = text.parse().unwrap();
            assert_eq!(pin.to_string(), format!("sha256:{HEX}"), "{text}");
        }
        let pin: Pin = format!("spki-sha256:{BASE64}").parse().unwrap();
        assert_eq!(pin.to_string(), format!("spki-sha256:{BASE64}"));
    }

    #[test]
    fn a_fingerprint_that_can_be_forged_is_refused_by_its_name() {
        let forgeable = |text: &str| text.parse::<Pin>().unwrap_err();
        assert_eq!(forgeable(&HEX[..40]), PinError::Forgeable("SHA-1"));
        assert_eq!(forgeable(&HEX[..32]), PinError::Forgeable("MD5"));
        assert_eq!(forgeable(&format!("sha256:{}", &HEX[..40])), PinError::Forgeable("SHA-1"));
    }

    #[test]
    fn what_is_no_fingerprint_is_refused() {
        let short = format!("sha256:{}", &HEX[1..]);
        let one_colon = format!("{}:{}", &HEX[..2], &HEX[2..]);
        let signed = HEX.replace("11", "+1");
        let spki_in_hex = format!("spki-sha256:{HEX}");
        for text in ["", "sha256:", "x", &short, &one_colon, &signed, &spki_in_hex, BASE64] {
            assert_eq!(text.parse::<Pin>(), Err(PinError::Form), "{text}");
        }
    }

    #[test]
    fn a_pin_fits_its_certificate_or_every_one_with_its_key() {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = |name: &str| {
            let params = rcgen::CertificateParams::new([name.to_owned()]).unwrap();
            params.self_signed(&key).unwrap().der().to_vec()
        };
        let (one, other) = (certificate("a.example"), certificate("b.example"));
        let of_one = Pin::Certificate(Fingerprint::of(&one));
        assert!(of_one.fits(&one) && !of_one.fits(&other));
        let of_key = Pin::Key(Fingerprint::of(key_info(&one).unwrap().as_ref()));
        assert!(of_key.fits(&one) && of_key.fits(&other));
        let stranger = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
        assert!(!of_key.fits(stranger.cert.der()));
    }
}
