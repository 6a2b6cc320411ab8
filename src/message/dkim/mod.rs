//! Signing (RFC 6376, with the algorithms of RFC 8301 and RFC 8463).
//!
//! | source | subject | file |
//! |---|---|---|
//! | RFC 6376 §3.4 | canonical forms | `canonical.rs` |
//! | RFC 6376 §3.5, §3.7, §5.4 | the field, and what it covers | `field.rs` |
//! | RFC 8301, 8463, 5958, 8017 | private keys | `key.rs` |
//! | RFC 6376 §3.5, §3.6.2.1 | domains and selectors | `name.rs` |

mod canonical;
mod field;
mod key;
mod name;

pub use canonical::{Canonicalization, CanonicalizationError, Form};
pub use key::{Block, Key, KeyError};
pub use name::{NameError, Selector, SigningDomain};

use super::octets::Piece;
use super::{Change, Error, Message, Repair, Unfit, Width};
use canonical::BodyHash;
use field::Fields;
use jiff::Timestamp;
use memchr::memmem;

/// Whoever answers for messages, with the key that proves it.
#[derive(Debug)]
pub struct Signer {
    /// d=.
    pub domain: SigningDomain,
    /// s=.
    pub selector: Selector,
    /// c=.
    pub canonicalization: Canonicalization,
    /// The private key, whose public half is published at
    /// `selector._domainkey.domain`.
    pub key: Key,
}

impl Message {
    /// The form to sign, which no server on the way has a reason to change,
    /// whatever the next one offers and whatever [`super::Repairs`] say about eight
    /// bits (RFC 6376 §5.3): of seven bits, with a header in UTF-8 only if that
    /// has no other form; as it is where it may not be changed. And what was
    /// done to give it.
    pub fn to_sign(mut self) -> Result<(Self, Vec<Change>), Error> {
        self.repairs.eight_bit = Repair::Reencode;
        self.narrower = Default::default();
        let in_utf8 = Width { utf8_header: true, ..Width::SEVEN_BIT };
        for width in [Width::SEVEN_BIT, in_utf8] {
            match self.fitted(width) {
                Ok(_) => return Ok(self.into_made(width)),
                Err(Unfit::Failed(error)) => return Err(error),
                Err(_) => {}
            }
        }
        Ok((self, Vec::new()))
    }

    /// Signs the message: the last thing that is done to it (RFC 6376 §5.3).
    /// Each signer signs the message as it came, none the signature of another;
    /// their fields stand on top, in this order (§5.6). The body is read once,
    /// and not held. Nothing may be changed after that: the signed message has
    /// no other form. Fails without From, and like [`Message::open`].
    pub fn signed(self, signers: &[Signer], at: Timestamp) -> Result<Self, Error> {
        if signers.is_empty() {
            return Ok(self);
        }
        let forms = [Form::Simple, Form::Relaxed];
        let wanted = |form| signers.iter().any(|signer| signer.canonicalization.body == form);
        let mut hashes: Vec<_> =
            forms.into_iter().filter(|&form| wanted(form)).map(BodyHash::new).collect();
        let header = self.pass_over(&mut hashes)?;
        let hashes: Vec<_> = hashes.into_iter().map(|hash| (hash.form(), hash.finish())).collect();
        let fields = Fields::of(&header)?;
        let mut signatures = Vec::new();
        for signer in signers {
            let of_form = hashes.iter().find(|(form, _)| *form == signer.canonicalization.body);
            let (_, hash) = of_form.expect("each form that is wanted was hashed");
            let signature = field::signature(signer, &fields, hash.as_ref(), at)?;
            signatures.extend_from_slice(signature.as_bytes());
        }
        let mut rendering = self.rendering;
        rendering.facts.size += signatures.len() as u64;
        rendering.pieces.insert(0, Piece::Held(signatures));
        Ok(Message::from(rendering))
    }

    /// Reads the whole message: returns its header and feeds its body to the
    /// hashes.
    fn pass_over(&self, hashes: &mut [BodyHash]) -> Result<Vec<u8>, Error> {
        let mut octets = self.open()?;
        let mut block = vec![0; BLOCK];
        let mut header = Vec::new();
        let mut in_header = true;
        loop {
            let length = octets.produce(&mut block)?;
            if length == 0 {
                return Ok(header);
            }
            let mut body = &block[..length];
            if in_header {
                // The empty line may be cut anywhere.
                let seen = header.len().saturating_sub(EMPTY_LINE.len());
                header.extend_from_slice(body);
                let Some(end) = header_end(&header, seen) else { continue };
                in_header = false;
                body = &body[body.len() - (header.len() - end)..];
                header.truncate(end);
            }
            for hash in &mut *hashes {
                hash.update(body);
            }
        }
    }
}

const BLOCK: usize = 64 * 1024;
const EMPTY_LINE: &[u8] = b"\r\n\r\n";

/// Where the body begins, looked for from here on.
fn header_end(octets: &[u8], from: usize) -> Option<usize> {
    if octets.starts_with(b"\r\n") {
        return Some(2);
    }
    memmem::find(&octets[from..], EMPTY_LINE).map(|at| from + at + EMPTY_LINE.len())
}

#[cfg(test)]
mod tests;
