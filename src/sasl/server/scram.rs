//! SCRAM from the server's side (RFC 5802). Salts are made up for each
//! exchange, from passwords that are known.

use super::{Denied, Examiner, Judgement, Offered, Premise, Users};
use crate::sasl::scram::{Hash, ITERATIONS, Keys};
use crate::sasl::{ChannelBinding, Credentials, Secret, saslprep};
use encodify::base64::STANDARD;
use ring::digest::{SHA256, digest};
use std::num::NonZeroU32;

/// SCRAM-SHA-256-PLUS.
pub(super) const SHA_256_PLUS: Offered = Offered {
    name: "SCRAM-SHA-256-PLUS",
    fits: |it| knows_passwords(it) && !it.bindings.is_empty(),
    begin: |it| Box::new(Scram::new(Hash::Sha256, true, it)),
};

/// SCRAM-SHA-1-PLUS.
pub(super) const SHA_1_PLUS: Offered = Offered {
    name: "SCRAM-SHA-1-PLUS",
    begin: |it| Box::new(Scram::new(Hash::Sha1, true, it)),
    ..SHA_256_PLUS
};

/// SCRAM-SHA-256.
pub(super) const SHA_256: Offered = Offered {
    name: "SCRAM-SHA-256",
    fits: knows_passwords,
    begin: |it| Box::new(Scram::new(Hash::Sha256, false, it)),
};

/// SCRAM-SHA-1.
pub(super) const SHA_1: Offered = Offered {
    name: "SCRAM-SHA-1",
    begin: |it| Box::new(Scram::new(Hash::Sha1, false, it)),
    ..SHA_256
};

/// The server proves that it knows the password, so there must be one.
fn knows_passwords(premise: &Premise<'_>) -> bool {
    matches!(premise.users, Users::Only(_))
}

/// One exchange.
pub(super) struct Scram {
    hash: Hash,
    /// The name says -PLUS.
    binds: bool,
    /// -PLUS is offered.
    offers_binding: bool,
    users: Vec<Credentials>,
    bindings: Vec<ChannelBinding>,
    nonce: String,
    salt: Vec<u8>,
    state: State,
}

enum State {
    Waiting,
    Asked {
        user: Credentials,
        known: bool,
        bound: Vec<u8>,
        first: String,
        nonce: String,
    },
    /// The signature is out; the client has still to say something.
    Signed(String),
    /// The refusal is out; the client has still to say something.
    Refused,
}

impl std::fmt::Debug for Scram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scram")
    }
}

impl Scram {
    fn new(hash: Hash, binds: bool, premise: &Premise<'_>) -> Self {
        let users = match premise.users {
            Users::Anyone => Vec::new(),
            Users::Only(users) => users.clone(),
        };
        Scram {
            hash,
            binds,
            offers_binding: premise.binds,
            users,
            bindings: premise.bindings.to_vec(),
            nonce: premise.nonce.to_owned(),
            salt: digest(&SHA256, premise.nonce.as_bytes()).as_ref()[..16].to_vec(),
            state: State::Waiting,
        }
    }

    fn rounds() -> NonZeroU32 {
        let least = u32::try_from(*ITERATIONS.start()).ok().and_then(NonZeroU32::new);
        least.expect("a few thousand")
    }

    /// Answers client-first-message, or says why not.
    fn first(&mut self, message: &str) -> Result<String, &'static str> {
        let encoding = "invalid-encoding";
        let mut parts = message.splitn(3, ',');
        let (Some(flag), Some(acts_as), Some(bare)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(encoding);
        };
        let bound = self.bound(flag, acts_as)?;
        let mut attributes = bare.split(',');
        let name = attributes.next().and_then(|it| it.strip_prefix("n=")).ok_or(encoding)?;
        let nonce = attributes.next().and_then(|it| it.strip_prefix("r=")).ok_or(encoding)?;
        let name = name.replace("=2C", ",").replace("=3D", "=");
        let known = self.users.iter().find(|user| {
            saslprep::saslprep(user.user.as_bytes()).is_some_and(|it| *it == name.as_bytes())
        });
        // Whether there is such a user is not told before the end.
        let nobody = Credentials { user: name, password: Secret::new("x") };
        let user = known.unwrap_or(&nobody).clone();
        let nonce = format!("{nonce}{}", self.nonce);
        let salt = STANDARD.encode(&self.salt);
        let answer = format!("r={nonce},s={salt},i={}", Scram::rounds());
        let first = format!("{bare},{answer}");
        self.state = State::Asked { known: known.is_some(), user, bound, first, nonce };
        Ok(answer)
    }

    /// What `c=` must be, given the client's word on the channel
    /// (RFC 5802 §6).
    fn bound(&self, flag: &str, acts_as: &str) -> Result<Vec<u8>, &'static str> {
        let header = format!("{flag},{acts_as},").into_bytes();
        match (flag.strip_prefix("p="), flag) {
            (Some(kind), _) if self.binds => {
                let binding = self.bindings.iter().find(|binding| binding.kind == kind);
                let binding = binding.ok_or("unsupported-channel-binding-type")?;
                Ok([header, binding.octets.clone()].concat())
            }
            (None, "y") if self.offers_binding => Err("server-does-support-channel-binding"),
            (None, "n" | "y") if !self.binds => Ok(header),
            _ => Err("invalid-encoding"),
        }
    }

    /// Judges client-final-message.
    fn last(&self, message: &str, asked: &State) -> Result<(String, String), &'static str> {
        let State::Asked { user, known, bound, first, nonce } = asked else {
            return Err("other-error");
        };
        let encoding = "invalid-encoding";
        let (without_proof, proof) = message.rsplit_once(",p=").ok_or(encoding)?;
        let mut attributes = without_proof.split(',');
        let said = attributes.next().and_then(|it| it.strip_prefix("c=")).ok_or(encoding)?;
        let echoed = attributes.next().and_then(|it| it.strip_prefix("r=")).ok_or(encoding)?;
        let said = STANDARD.decode(said).map_err(|_| encoding)?;
        if said != *bound {
            return Err("channel-bindings-dont-match");
        }
        if echoed != nonce {
            return Err("other-error");
        }
        let password = saslprep::saslprep(user.password.expose()).ok_or("other-error")?;
        let keys = Keys::derive(self.hash, &password, &self.salt, Scram::rounds());
        let auth_message = format!("{first},{without_proof}");
        let right = STANDARD.encode(keys.proof(auth_message.as_bytes()));
        if !(super::same(right.as_bytes(), proof.as_bytes()) & known) {
            return Err("invalid-proof");
        }
        let signature = keys.signature(auth_message.as_bytes());
        Ok((user.user.clone(), format!("v={}", STANDARD.encode(signature.as_ref()))))
    }
}

impl Examiner for Scram {
    fn examine(&mut self, message: &Secret) -> Judgement {
        let Ok(text) = str::from_utf8(message.expose()) else {
            return Judgement::Denied(Denied::Malformed);
        };
        let said = match std::mem::replace(&mut self.state, State::Refused) {
            State::Waiting => self.first(text),
            asked @ State::Asked { .. } => self.last(text, &asked).map(|(user, signed)| {
                self.state = State::Signed(user);
                signed
            }),
            State::Signed(user) if text.is_empty() => return Judgement::Granted(user),
            State::Signed(_) => return Judgement::Denied(Denied::Malformed),
            State::Refused => return Judgement::Denied(Denied::Wrong),
        };
        match said {
            Ok(said) => Judgement::Ask(said.into_bytes()),
            // As most servers do: SMTP has its own word for it.
            Err("invalid-proof") => Judgement::Denied(Denied::Wrong),
            Err(why) => Judgement::Ask(format!("e={why}").into_bytes()),
        }
    }
}
