//! SASL mechanisms (RFC 4422) as values: challenges in, responses out, no I/O.
//!
//! | mechanism | source | file |
//! |---|---|---|
//! | PLAIN | RFC 4616 | `plain.rs` |
//! | LOGIN | draft-murchison-sasl-login-00 | `login.rs` |
//! | CRAM-MD5 | RFC 2195 | `cram_md5.rs` |
//! | the server's side of these | | `verify.rs` |
//!
//! A new mechanism is one file here and one line in [`MECHANISMS`].

mod cram_md5;
mod login;
mod plain;
mod verify;

pub use cram_md5::CramMd5;
pub use login::Login;
pub use plain::Plain;
pub use verify::{Denied, Users};

use std::fmt;
use zeroize::Zeroizing;

/// Octets that must not be seen: passwords, and every message of a SASL
/// exchange. It has no `Display`, its `Debug` is `***` in every build, and its
/// memory is cleared when it goes.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the octets over.
    pub fn new(octets: impl Into<Vec<u8>>) -> Self {
        Secret(Zeroizing::new(octets.into()))
    }

    /// True when there is nothing to hide.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The octets. Called in `sasl/` and `smtp/command.rs` only, which
    /// `tests/floors.rs` holds.
    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A user's name and password, as the mechanisms take them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The authentication identity.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// One attempt to sign in.
pub trait Mechanism {
    /// The registered name.
    fn name(&self) -> &'static str;

    /// What the client says before the server has said anything. `None` in a
    /// mechanism where the server begins; empty is a message of no octets.
    fn initial_response(&mut self) -> Option<Secret>;

    /// Answers one challenge, already decoded from base64.
    fn respond(&mut self, challenge: &[u8]) -> Result<Secret, MechanismError>;

    /// Called after the server has accepted: whether the exchange proved all
    /// that the mechanism promises.
    fn verify(&mut self) -> Result<(), MechanismError>;
}

/// Why an exchange stops on our side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MechanismError {
    /// The server asks for more than the mechanism has.
    #[error("the server asked for more than {0} has to say")]
    OneChallengeTooMany(&'static str),
    /// The server accepted before the exchange was over.
    #[error("the server accepted before {0} had come to its end")]
    TooShort(&'static str),
    /// A name or a password that the mechanism cannot carry.
    #[error("{0} cannot carry an empty name or password, nor one with a NUL, CR or LF")]
    Unfit(&'static str),
}

/// A mechanism that a password can feed.
pub struct Entry {
    /// The registered name.
    pub name: &'static str,
    /// Tried without being named by `--auth`.
    pub automatic: bool,
    /// Who reads the exchange can sign in afterwards, so it belongs on a
    /// verified channel only.
    pub exposes_password: bool,
    /// Begins an attempt.
    pub begin: fn(&Credentials) -> Result<Box<dyn Mechanism>, MechanismError>,
}

/// Every mechanism for passwords, best first. LOGIN stands behind PLAIN, of
/// which it is the obsolete twin (draft-murchison-sasl-login-00 §1). CRAM-MD5
/// proves nothing about the server and makes it keep the password in clear,
/// so it waits to be named.
pub const MECHANISMS: [Entry; 3] = [
    Entry {
        name: "PLAIN",
        automatic: true,
        exposes_password: true,
        begin: |who| Ok(Box::new(Plain::new(who)?)),
    },
    Entry {
        name: "LOGIN",
        automatic: true,
        exposes_password: true,
        begin: |who| Ok(Box::new(Login::new(who)?)),
    },
    Entry {
        name: "CRAM-MD5",
        automatic: false,
        exposes_password: false,
        begin: |who| Ok(Box::new(CramMd5::new(who)?)),
    },
];

/// Refuses what no mechanism of this table can carry.
fn fit(name: &'static str, who: &Credentials) -> Result<(), MechanismError> {
    let unfit = |octets: &[u8]| octets.is_empty() || octets.iter().any(|b| b"\0\r\n".contains(b));
    if unfit(who.user.as_bytes()) || unfit(who.password.expose()) {
        return Err(MechanismError::Unfit(name));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_prints() {
        // SASL-secret
        let who = Credentials { user: "tim".into(), password: Secret::new("tanstaaf") };
        let shown = format!("{who:?} {:#?}", who.password);
        assert!(!shown.contains("tanstaaf"), "{shown}");
        assert!(!shown.contains("116"), "{shown}");
    }

    #[test]
    fn no_mechanism_carries_an_empty_name_or_a_nul() {
        // 4616
        for (user, password) in [("", "p"), ("u", ""), ("u\0x", "p"), ("u", "p\0"), ("u", "p\r\nx")]
        {
            let who = Credentials { user: user.into(), password: Secret::new(password) };
            for entry in &MECHANISMS {
                assert!(
                    matches!((entry.begin)(&who), Err(MechanismError::Unfit(name)) if name == entry.name)
                );
            }
        }
    }

    #[test]
    fn every_mechanism_of_the_table_bears_its_name() {
        let who = Credentials { user: "u".into(), password: Secret::new("p") };
        for entry in &MECHANISMS {
            assert_eq!((entry.begin)(&who).map(|m| m.name()).ok(), Some(entry.name));
        }
    }
}
