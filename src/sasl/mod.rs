//! SASL mechanisms (RFC 4422) as values: challenges in, responses out, no I/O.
//!
//! | mechanism | source | file |
//! |---|---|---|
//! | OAUTHBEARER | RFC 7628 | `oauthbearer.rs` |
//! | XOAUTH2 | Google's and Microsoft's documents | `xoauth2.rs` |
//! | SCRAM-SHA-256-PLUS and its three kin | RFC 5802, RFC 7677 | `scram.rs` |
//! | PLAIN | RFC 4616 | `plain.rs` |
//! | LOGIN | draft-murchison-sasl-login-00 | `login.rs` |
//! | CRAM-MD5 | RFC 2195 | `cram_md5.rs` |
//! | EXTERNAL | RFC 4422 appendix A | `external.rs` |
//! | ANONYMOUS | RFC 4505 | `anonymous.rs` |
//!
//! | beside them | source | file |
//! |---|---|---|
//! | names and passwords in one spelling | RFC 4013 | `saslprep.rs` |
//! | mechanisms in which the client says one thing | RFC 4422 §3 | `one_message.rs` |
//! | mechanisms for tokens, and what is said against one | RFC 7628 §3.2 | `token.rs` |
//! | the server's side, for the receiver | | `server/` |
//!
//! A new mechanism is one file here and one line in [`MECHANISMS`].

mod anonymous;
mod cram_md5;
mod error;
mod external;
mod login;
mod oauthbearer;
mod one_message;
mod plain;
mod saslprep;
mod scram;
mod secret;
pub mod server;
mod token;
mod xoauth2;

pub use error::{MechanismError, ScramFault};
pub use secret::Secret;
pub use token::TokenFault;

/// A user's name and password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The authentication identity.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// Who signs in, by what, where: all that a mechanism may make use of.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The authentication identity. EXTERNAL takes it for an authorization
    /// identity, ANONYMOUS for its trace; only these can do without.
    pub user: Option<String>,
    /// The password or token, for mechanisms that ask for one.
    pub secret: Option<Secret>,
    /// The server's name, as it was given.
    pub host: String,
    /// The server's port, if it is one of a network's.
    pub port: Option<u16>,
    /// What the channel can prove.
    pub channel: Channel,
}

/// What the channel to the server adds to an exchange.
#[derive(Clone, Debug, Default)]
pub struct Channel {
    /// What an exchange can be tied to this channel with, if anything.
    pub binding: Option<ChannelBinding>,
    /// The server offers mechanisms that bind to the channel.
    pub server_binds: bool,
    /// Our certificate was shown to the server.
    pub shows_certificate: bool,
}

/// Octets that both ends of one channel know and no other channel has
/// (RFC 5056).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelBinding {
    /// The registered type, such as `tls-exporter`.
    pub kind: &'static str,
    /// The octets.
    pub octets: Vec<u8>,
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

    /// What people may see of the message said last, with `***` for what is
    /// secret in it; `None` where that is everything. Escape it before a person
    /// sees it.
    fn said_openly(&self) -> Option<String> {
        None
    }

    /// The same of a challenge, before it is answered.
    fn heard_openly(&self, _challenge: &[u8]) -> Option<String> {
        None
    }

    /// What the server said against a token before it refused it.
    fn token_fault(&self) -> Option<&TokenFault> {
        None
    }
}

/// What a mechanism proves the identity by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A password.
    Password,
    /// An access token that somebody else has issued (RFC 6750).
    Token,
    /// Nothing within the exchange: a certificate, or nothing at all.
    Nothing,
}

/// What is known of a mechanism before it begins.
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own")]
pub struct Entry {
    /// The registered name.
    pub name: &'static str,
    /// By what it proves the identity.
    pub proof: Proof,
    /// Tried without being named by `--auth`.
    pub automatic: bool,
    /// Needs a user name.
    pub needs_user: bool,
    /// Who reads the exchange can sign in afterwards, so it belongs on a
    /// verified channel only.
    pub exposes_secret: bool,
    /// Ties the exchange to the channel, which must be able to.
    pub binds_channel: bool,
    /// Begins an attempt.
    pub begin: fn(&Identity) -> Result<Box<dyn Mechanism>, MechanismError>,
}

/// Every mechanism, best first. Of those for passwords, SCRAM never shows the
/// password and proves that the server knows it; what binds to the channel
/// stands before what does not (RFC 5802 §6). LOGIN stands behind PLAIN, of
/// which it is the obsolete twin (draft-murchison-sasl-login-00 §1). The others
/// wait to be named: CRAM-MD5 proves nothing about the server and makes it keep
/// the password in clear; EXTERNAL and ANONYMOUS prove nothing themselves.
pub const MECHANISMS: &[Entry] = &[
    oauthbearer::ENTRY,
    xoauth2::ENTRY,
    scram::SHA_256_PLUS,
    scram::SHA_1_PLUS,
    scram::SHA_256,
    scram::SHA_1,
    plain::ENTRY,
    login::ENTRY,
    cram_md5::ENTRY,
    external::ENTRY,
    anonymous::ENTRY,
];

impl Entry {
    /// The mechanism of this name, in any case of letters.
    pub fn named(name: &str) -> Option<&'static Entry> {
        MECHANISMS.iter().find(|entry| entry.name.eq_ignore_ascii_case(name))
    }
}

impl Identity {
    /// The name and the secret, both as they are; an error if one of them is
    /// missing or cannot be carried by any mechanism.
    fn plain(&self, name: &'static str) -> Result<(&str, &Secret), MechanismError> {
        let unfit =
            |octets: &[u8]| octets.is_empty() || octets.iter().any(|b| b"\0\r\n".contains(b));
        match (&self.user, &self.secret) {
            (Some(user), Some(secret)) if !unfit(user.as_bytes()) && !unfit(secret.expose()) => {
                Ok((user, secret))
            }
            _ => Err(MechanismError::Unfit(name)),
        }
    }

    /// The same in the one spelling that RFC 4013 gives them.
    fn prepared(&self, name: &'static str) -> Result<(String, Secret), MechanismError> {
        let (user, secret) = self.plain(name)?;
        let unprepared = MechanismError::Unprepared(name);
        let user = saslprep::saslprep(user.as_bytes()).ok_or(unprepared)?;
        let user = String::from_utf8(user.to_vec()).map_err(|_| unprepared)?;
        let secret = saslprep::saslprep(secret.expose()).ok_or(unprepared)?;
        Ok((user, Secret::new(secret.as_slice())))
    }
}

/// Text, as far as octets are.
fn lossy(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Somebody at a server, on a channel that can do nothing.
    pub(crate) fn identity(user: &str, secret: &str) -> Identity {
        Identity {
            user: Some(user.to_owned()),
            secret: Some(Secret::new(secret)),
            host: "server.example.com".to_owned(),
            port: Some(587),
            channel: Channel::default(),
        }
    }

    /// Somebody for whom every mechanism can begin.
    fn equipped(user: &str, secret: &str) -> Identity {
        let octets = vec![7; 32];
        Identity {
            channel: Channel {
                binding: Some(ChannelBinding { kind: "tls-exporter", octets }),
                server_binds: true,
                shows_certificate: true,
            },
            ..identity(user, secret)
        }
    }

    #[test]
    fn no_mechanism_carries_an_empty_name_or_secret_nor_one_with_a_nul() {
        // 4616
        for (user, secret) in [("", "p"), ("u", ""), ("u\0x", "p"), ("u", "p\0"), ("u", "p\r\nx")] {
            for entry in MECHANISMS.iter().filter(|entry| entry.proof != Proof::Nothing) {
                assert!(
                    matches!((entry.begin)(&equipped(user, secret)), Err(MechanismError::Unfit(name)) if name == entry.name),
                    "{} {user:?} {secret:?}",
                    entry.name
                );
            }
        }
    }

    #[test]
    fn every_mechanism_of_the_table_bears_its_name() {
        for entry in MECHANISMS {
            let begun = (entry.begin)(&equipped("u", "p"));
            assert_eq!(begun.map(|m| m.name()).ok(), Some(entry.name));
            assert_eq!(Entry::named(&entry.name.to_lowercase()).map(|e| e.name), Some(entry.name));
        }
    }

    #[test]
    fn what_needs_a_user_does_not_begin_without_one() {
        for entry in MECHANISMS {
            let nobody = Identity { user: None, ..equipped("", "p") };
            assert_eq!((entry.begin)(&nobody).is_err(), entry.needs_user, "{}", entry.name);
        }
    }
}
