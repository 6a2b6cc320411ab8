//! SCRAM (RFC 5802) with SHA-1 and SHA-256 (RFC 7677), bound to the channel or
//! not. The password never leaves: both sides prove that they know it.
//!
//! ```text
//! C: n,,n=user,r=NONCE                              the GS2 header stands before the first comma pair
//! S: r=NONCEMORE,s=SALT,i=4096
//! C: c=biws,r=NONCEMORE,p=PROOF
//! S: v=SIGNATURE                                    in SMTP in a challenge of its own, answered by nothing
//! ```

mod keys;

pub(super) use keys::{Hash, Keys};

use super::{Channel, ChannelBinding, Entry, Identity, Mechanism, MechanismError, Proof};
use super::{ScramFault, Secret, lossy};
use encodify::base64::STANDARD;
use ring::rand::{SecureRandom, SystemRandom};
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use zeroize::Zeroizing;

/// SCRAM-SHA-256-PLUS.
pub(super) const SHA_256_PLUS: Entry = Entry {
    name: "SCRAM-SHA-256-PLUS",
    binds_channel: true,
    begin: |who| Ok(Box::new(Scram::bound(SHA_256_PLUS.name, Hash::Sha256, who)?)),
    ..SHA_256
};

/// SCRAM-SHA-1-PLUS.
pub(super) const SHA_1_PLUS: Entry = Entry {
    name: "SCRAM-SHA-1-PLUS",
    binds_channel: true,
    begin: |who| Ok(Box::new(Scram::bound(SHA_1_PLUS.name, Hash::Sha1, who)?)),
    ..SHA_256
};

/// SCRAM-SHA-256.
pub(super) const SHA_256: Entry = Entry {
    name: "SCRAM-SHA-256",
    proof: Proof::Password,
    automatic: true,
    needs_user: true,
    exposes_secret: false,
    binds_channel: false,
    begin: |who| Ok(Box::new(Scram::unbound(SHA_256.name, Hash::Sha256, who)?)),
};

/// SCRAM-SHA-1.
pub(super) const SHA_1: Entry = Entry {
    name: "SCRAM-SHA-1",
    begin: |who| Ok(Box::new(Scram::unbound(SHA_1.name, Hash::Sha1, who)?)),
    ..SHA_256
};

/// How many rounds of hashing a server may ask for. RFC 7677 §4 has the least;
/// the most, a few seconds, keeps a hostile server from occupying us for long
/// (RFC 5802 §9).
pub(super) const ITERATIONS: RangeInclusive<u64> = 4096..=10_000_000;

const SHORTEST_SALT: usize = 8;
/// 24 characters, none of them a comma.
const NONCE_OCTETS: usize = 18;

/// One attempt with SCRAM.
struct Scram {
    name: &'static str,
    hash: Hash,
    password: Secret,
    gs2: Gs2,
    /// client-first-message-bare.
    first: String,
    nonce: String,
    state: State,
    /// What may be seen of the message said last.
    openly: String,
}

/// How far the exchange has come.
enum State {
    /// Nothing was said.
    Silent,
    /// client-first-message is out.
    Introduced,
    /// client-final-message is out.
    Proved { keys: Keys, auth_message: Zeroizing<Vec<u8>> },
    /// The server has shown that it knows the password.
    Verified,
    /// The exchange is over, and failed.
    Failed,
}

/// What is said of the channel (RFC 5802 §6).
struct Gs2 {
    /// gs2-header, its final comma included.
    header: String,
    /// The octets that bind, if any do.
    binding: Vec<u8>,
}

impl Gs2 {
    /// -PLUS.
    fn bound(ChannelBinding { kind, octets }: &ChannelBinding) -> Self {
        Gs2 { header: format!("p={kind},,"), binding: octets.clone() }
    }

    /// We could bind and the server seems not to: it will notice if somebody
    /// between us has made it seem so. Where we cannot, or were told not to
    /// although the server can, we do not pretend.
    fn unbound(channel: &Channel) -> Self {
        let could = channel.binding.is_some() && !channel.server_binds;
        let flag = if could { 'y' } else { 'n' };
        Gs2 { header: format!("{flag},,"), binding: Vec::new() }
    }
}

impl Scram {
    fn bound(name: &'static str, hash: Hash, who: &Identity) -> Result<Self, MechanismError> {
        let binding = who.channel.binding.as_ref();
        let binding = binding.ok_or(MechanismError::NoChannelBinding(name))?;
        Scram::new(name, hash, who, Gs2::bound(binding), &fresh_nonce())
    }

    fn unbound(name: &'static str, hash: Hash, who: &Identity) -> Result<Self, MechanismError> {
        Scram::new(name, hash, who, Gs2::unbound(&who.channel), &fresh_nonce())
    }

    fn new(
        name: &'static str,
        hash: Hash,
        who: &Identity,
        gs2: Gs2,
        nonce: &str,
    ) -> Result<Self, MechanismError> {
        let (user, password) = who.prepared(name)?;
        let user = user.replace('=', "=3D").replace(',', "=2C");
        let first = format!("n={user},r={nonce}");
        let nonce = nonce.to_owned();
        let (state, openly) = (State::Silent, String::new());
        Ok(Scram { name, hash, password, gs2, first, nonce, state, openly })
    }

    fn fault(&self, fault: ScramFault) -> MechanismError {
        MechanismError::Scram { name: self.name, fault }
    }

    /// client-first-message.
    fn introduction(&mut self) -> Secret {
        self.state = State::Introduced;
        self.openly = format!("{}{}", self.gs2.header, self.first);
        Secret::new(self.openly.as_bytes())
    }

    /// client-final-message, for this server-first-message.
    fn proof(&mut self, server_first: &str) -> Result<Secret, ScramFault> {
        let ServerFirst { nonce, salt, rounds } = ServerFirst::read(server_first)?;
        if nonce.len() <= self.nonce.len() || !nonce.starts_with(&self.nonce) {
            return Err(ScramFault::Nonce);
        }
        let keys = Keys::derive(self.hash, self.password.expose(), &salt, rounds);
        let bound = [self.gs2.header.as_bytes(), &self.gs2.binding].concat();
        let without_proof = format!("c={},r={nonce}", STANDARD.encode(&bound));
        let auth_message = format!("{},{server_first},{without_proof}", self.first);
        let auth_message = Zeroizing::new(auth_message.into_bytes());
        let proof = Zeroizing::new(STANDARD.encode(keys.proof(&auth_message)));
        self.state = State::Proved { keys, auth_message };
        self.openly = format!("{without_proof},p=***");
        Ok(Secret::new(format!("{without_proof},p={}", *proof)))
    }
}

impl Mechanism for Scram {
    fn name(&self) -> &'static str {
        self.name
    }

    fn initial_response(&mut self) -> Option<Secret> {
        Some(self.introduction())
    }

    fn respond(&mut self, challenge: &[u8]) -> Result<Secret, MechanismError> {
        let malformed = |_| self.fault(ScramFault::Malformed);
        let challenge = str::from_utf8(challenge).map_err(malformed)?;
        let said = match std::mem::replace(&mut self.state, State::Failed) {
            State::Silent => return Ok(self.introduction()),
            State::Introduced => self.proof(challenge),
            State::Proved { keys, auth_message } => {
                let verified = verified(challenge, &keys, &auth_message);
                verified.map(|()| {
                    self.state = State::Verified;
                    self.openly.clear();
                    // RFC 4954 §4: success carries no octets in SMTP, so the
                    // signature came before it, and has no answer.
                    Secret::new("")
                })
            }
            State::Verified | State::Failed => {
                return Err(MechanismError::OneChallengeTooMany(self.name));
            }
        };
        said.map_err(|fault| self.fault(fault))
    }

    fn verify(&mut self) -> Result<(), MechanismError> {
        match self.state {
            State::Verified => Ok(()),
            State::Proved { .. } => Err(self.fault(ScramFault::Signature)),
            State::Silent | State::Introduced | State::Failed => {
                Err(MechanismError::TooShort(self.name))
            }
        }
    }

    fn said_openly(&self) -> Option<String> {
        Some(self.openly.clone())
    }

    fn heard_openly(&self, challenge: &[u8]) -> Option<String> {
        Some(without_proofs(&lossy(challenge)))
    }
}

/// A server's message without what shows that somebody knows the password: with
/// salt and nonces it allows guessing.
fn without_proofs(message: &str) -> String {
    let attributes = message.split(',').map(|attribute| match attribute.get(..2) {
        Some(name @ ("p=" | "v=")) => format!("{name}***"),
        _ => attribute.to_owned(),
    });
    attributes.collect::<Vec<_>>().join(",")
}

/// server-first-message (RFC 5802 §7).
struct ServerFirst<'m> {
    nonce: &'m str,
    salt: Vec<u8>,
    rounds: NonZeroU32,
}

impl<'m> ServerFirst<'m> {
    /// The order of the attributes is fixed; what follows them is for
    /// extensions that may be ignored (§5.1).
    fn read(message: &'m str) -> Result<Self, ScramFault> {
        let mut attributes = message.split(',');
        let mut value = |name| {
            let attribute = attributes.next().ok_or(ScramFault::Malformed)?;
            refusal(attribute).map_or(Ok(()), Err)?;
            attribute.strip_prefix(name).ok_or(ScramFault::Malformed)
        };
        let (nonce, salt, rounds) = (value("r=")?, value("s=")?, value("i=")?);
        if !nonce.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(ScramFault::Malformed);
        }
        let salt = STANDARD.decode(salt).map_err(|_| ScramFault::Malformed)?;
        if salt.len() < SHORTEST_SALT {
            return Err(ScramFault::Salt);
        }
        Ok(ServerFirst { nonce, salt, rounds: rounds_of(rounds)? })
    }
}

/// posit-number (RFC 5802 §7): no sign, no leading zero.
fn rounds_of(text: &str) -> Result<NonZeroU32, ScramFault> {
    let digits = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    if !digits || text.is_empty() {
        return Err(ScramFault::Malformed);
    }
    let asked = text.parse().unwrap_or(u64::MAX);
    match u32::try_from(asked).ok().and_then(NonZeroU32::new) {
        _ if asked < *ITERATIONS.start() => Err(ScramFault::TooFewIterations(asked)),
        Some(rounds) if asked <= *ITERATIONS.end() => Ok(rounds),
        _ => Err(ScramFault::TooManyIterations(asked)),
    }
}

/// Judges server-final-message.
fn verified(message: &str, keys: &Keys, auth_message: &[u8]) -> Result<(), ScramFault> {
    let attribute = message.split(',').next().unwrap_or_default();
    refusal(attribute).map_or(Ok(()), Err)?;
    let signature = attribute.strip_prefix("v=").ok_or(ScramFault::Malformed)?;
    let signature = STANDARD.decode(signature).map_err(|_| ScramFault::Malformed)?;
    if keys.is_signature(auth_message, &signature) { Ok(()) } else { Err(ScramFault::Signature) }
}

/// An attribute that ends the exchange wherever it stands.
fn refusal(attribute: &str) -> Option<ScramFault> {
    if attribute.starts_with("m=") {
        return Some(ScramFault::MandatoryExtension);
    }
    let word = attribute.strip_prefix("e=")?;
    // What the RFC does not list is to be taken for other-error (§7).
    let known = REFUSALS.iter().find(|known| **known == word);
    Some(ScramFault::Refused(known.copied().unwrap_or(OTHER_ERROR)))
}

const OTHER_ERROR: &str = "other-error";
/// server-error-value (RFC 5802 §7).
const REFUSALS: [&str; 11] = [
    "invalid-encoding",
    "extensions-not-supported",
    "invalid-proof",
    "channel-bindings-dont-match",
    "server-does-support-channel-binding",
    "channel-binding-not-supported",
    "unsupported-channel-binding-type",
    "unknown-user",
    "invalid-username-encoding",
    "no-resources",
    OTHER_ERROR,
];

/// Printable, without comma, never the same twice (RFC 5802 §5.1).
fn fresh_nonce() -> String {
    let mut octets = [0; NONCE_OCTETS];
    SystemRandom::new().fill(&mut octets).expect("the system has random octets");
    STANDARD.encode(octets)
}

#[cfg(test)]
mod tests;
