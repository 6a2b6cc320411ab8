//! Signing in: which mechanism, with what, and what to do when the server does
//! not take it.

use super::report::{Attempt, SignedIn};
use super::route::{Hop, SignIn};
use super::{Unavailable, World};
use crate::net::{self, Security, TlsFacts};
use crate::sasl::{
    Channel, ChannelBinding, Entry, Identity, MECHANISMS, MechanismError, Proof, ScramFault, Secret,
};
use crate::session::{Error, Kind, Session};
use crate::smtp::{Keyword, Phase};

/// All that a sign-in at one server needs.
#[derive(Clone, Copy)]
pub(super) struct SigningIn<'a> {
    pub(super) hop: &'a Hop,
    pub(super) sign_in: &'a SignIn,
    pub(super) world: &'a World<'a>,
}

/// What the channel is good for.
struct Footing {
    /// A password may cross it.
    is_trusted: bool,
    /// An exchange can be tied to it.
    binds: bool,
}

impl SigningIn<'_> {
    /// Signs in with the best mechanism that both sides have and the channel
    /// allows. A server that finds it too weak is offered the next; one that
    /// finds the password wrong is not asked again (RFC 4954 §6). Behind what
    /// binds to the channel comes only what binds as well, or what is named:
    /// somebody in between would refuse it, too.
    pub(super) fn run(
        self,
        session: &mut Session<'_>,
        attempt: &mut Attempt,
    ) -> Result<SignedIn, Error> {
        let offered = session.capabilities().mechanisms();
        let entries = choose(self.sign_in, &offered, &self.footing(session)).map_err(failed)?;
        let mut refusal = None;
        let mut must_bind = false;
        for entry in entries {
            if must_bind && !entry.binds_channel {
                break;
            }
            let error = match self.with(entry, session, attempt) {
                Ok(()) => return Ok(self.signed_in(entry)),
                Err(error) => error,
            };
            if wants_transition(&error)
                && let Some(plain) = self.transition(entry, session)
            {
                return self.with(plain, session, attempt).map(|()| self.signed_in(plain));
            }
            if !is_about_mechanism(&error) {
                return Err(error);
            }
            must_bind |= entry.binds_channel && self.sign_in.mechanisms.is_empty();
            refusal = Some(error);
        }
        Err(refusal.unwrap_or_else(|| failed(Kind::Lacks(Keyword::Auth))))
    }

    fn signed_in(self, entry: &Entry) -> SignedIn {
        SignedIn { mechanism: entry.name, user: self.sign_in.user.clone() }
    }

    fn footing(self, session: &Session<'_>) -> Footing {
        Footing {
            is_trusted: is_trusted(self.hop, self.sign_in, session.protection()),
            binds: !session.bindings().is_empty(),
        }
    }

    /// One mechanism, with what it needs. A token that is refused is fetched
    /// anew, once, where that can make a difference.
    fn with(
        self,
        entry: &Entry,
        session: &mut Session<'_>,
        attempt: &mut Attempt,
    ) -> Result<(), Error> {
        let secret = match entry.proof {
            Proof::Nothing => None,
            proof => {
                Some(self.fetched(|secrets, server, user| secrets.secret(server, user, proof))?)
            }
        };
        let done = self.bound(entry, secret.as_ref(), session, attempt);
        let (refused, token) = match (done, &secret) {
            (Err(error), Some(token)) if entry.proof == Proof::Token && is_refused(&error) => {
                (error, token)
            }
            (done, _) => return done,
        };
        let (endpoint, user) = (&self.hop.endpoint, self.sign_in.user.as_deref());
        attempt.way_out = self.world.secrets.way_out(endpoint, user);
        let Some(renewed) = self.world.secrets.renewed(endpoint, user, token) else {
            return Err(refused);
        };
        let renewed = self.fetched(|_, _, _| renewed)?;
        if renewed == *token {
            return Err(refused);
        }
        self.bound(entry, Some(&renewed), session, attempt)
    }

    /// One mechanism with one secret, bound to the channel if it can be. A
    /// server that does not know the type of binding is offered the next; what
    /// binds is never given up for what does not (RFC 5802 §6).
    fn bound(
        self,
        entry: &Entry,
        secret: Option<&Secret>,
        session: &mut Session<'_>,
        attempt: &mut Attempt,
    ) -> Result<(), Error> {
        if let Some(secret) = secret {
            session.hide(secret.clone());
        }
        let mut bindings = session.bindings().into_iter();
        let mut binding = bindings.next();
        loop {
            let identity = self.identity(secret, binding, session);
            let mut mechanism = (entry.begin)(&identity).map_err(failed)?;
            let done = session.authenticate(mechanism.as_mut());
            attempt.mechanism = Some(entry.name);
            attempt.token_fault = mechanism.token_fault().cloned();
            match done {
                Err(error) if is_about_binding(&error) => {
                    binding = bindings.next();
                    if binding.is_none() {
                        return Err(error);
                    }
                }
                done => return done,
            }
        }
    }

    fn identity(
        self,
        secret: Option<&Secret>,
        binding: Option<ChannelBinding>,
        session: &Session<'_>,
    ) -> Identity {
        let server_binds = session
            .capabilities()
            .mechanisms()
            .iter()
            .any(|name| Entry::named(name).is_some_and(|entry| entry.binds_channel));
        // Only under TLS is there somebody to show it to.
        let shows_certificate = self.hop.tls.client.is_some()
            && !self.hop.is_opportunistic()
            && session.protection().is_some();
        Identity {
            user: self.sign_in.user.clone(),
            secret: secret.cloned(),
            host: self.hop.endpoint.place.host().to_string(),
            port: self.hop.endpoint.place.port(),
            channel: Channel { binding, server_binds, shows_certificate },
        }
    }

    fn fetched(
        self,
        fetch: impl FnOnce(
            &dyn super::Secrets,
            &net::Endpoint,
            Option<&str>,
        ) -> Result<Secret, Unavailable>,
    ) -> Result<Secret, Error> {
        let fetched = fetch(self.world.secrets, &self.hop.endpoint, self.sign_in.user.as_deref());
        fetched.map_err(|Unavailable { reason, way_out, absence }| {
            // Ctrl-C at the prompt, or into the program that was asked.
            let stopped = self.world.interrupt.signal().is_some();
            failed(if stopped {
                net::Error::Interrupted.into()
            } else {
                Kind::Secret { reason, way_out, absence }
            })
        })
    }

    /// RFC 4954 §6, 432: the server has the password in another form and needs
    /// it once in clear. It gets it where PLAIN would have been used as well.
    fn transition(self, entry: &Entry, session: &Session<'_>) -> Option<&'static Entry> {
        let plain = Entry::named("PLAIN")?;
        let named = &self.sign_in.mechanisms;
        let is_wanted = named.is_empty() || named.iter().any(|name| is(plain, name));
        let offered = session.capabilities().mechanisms();
        (entry.proof == Proof::Password
            && entry.name != plain.name
            && is_wanted
            && offered.iter().any(|name| is(plain, name))
            && session.protection().is_some_and(TlsFacts::is_verified))
        .then_some(plain)
    }
}

fn failed(kind: impl Into<Kind>) -> Error {
    Error::new(Phase::Auth, kind)
}

fn is(entry: &Entry, name: &str) -> bool {
    entry.name.eq_ignore_ascii_case(name)
}

/// Whether a password may cross the channel.
fn is_trusted(hop: &Hop, sign_in: &SignIn, protection: Option<&TlsFacts>) -> bool {
    protection.is_some_and(TlsFacts::is_verified)
        || (sign_in.allow_cleartext && hop.endpoint.security != Security::Opportunistic)
}

/// The mechanisms to try, best first; at least one.
fn choose(
    sign_in: &SignIn,
    offered: &[String],
    footing: &Footing,
) -> Result<Vec<&'static Entry>, Kind> {
    if offered.is_empty() {
        return Err(Kind::Lacks(Keyword::Auth));
    }
    let named = &sign_in.mechanisms;
    let mut wanted: Vec<&Entry> = MECHANISMS
        .iter()
        .filter(|entry| match named.as_slice() {
            [] => entry.automatic && entry.proof == sign_in.proof,
            named => named.iter().any(|name| is(entry, name)),
        })
        .filter(|entry| offered.iter().any(|name| is(entry, name)))
        .filter(|entry| footing.binds || !entry.binds_channel || !named.is_empty())
        .collect();
    if named.is_empty() {
        wanted = without_lesser_twins(wanted);
    }
    let rank = |entry: &&Entry| named.iter().position(|name| is(entry, name));
    wanted.sort_by_key(rank);
    let (usable, exposing): (Vec<_>, Vec<_>) =
        wanted.into_iter().partition(|entry| footing.is_trusted || !entry.exposes_secret);
    if usable.is_empty() {
        return Err(Kind::NoMechanism {
            offered: offered.to_vec(),
            named: named.clone(),
            exposing: exposing.iter().map(|entry| entry.name.to_owned()).collect(),
        });
    }
    Ok(usable)
}

/// Leaves out what says the same in a worse way: LOGIN beside PLAIN
/// (draft-murchison-sasl-login-00 §1), and SCRAM that does not bind beside
/// SCRAM that does (RFC 5802 §6).
fn without_lesser_twins(mut wanted: Vec<&'static Entry>) -> Vec<&'static Entry> {
    let has_plain = wanted.iter().any(|entry| entry.name == "PLAIN");
    let binds = wanted.iter().any(|entry| entry.binds_channel);
    let is_lesser = |entry: &Entry| {
        let unbound = entry.name.starts_with("SCRAM-") && !entry.binds_channel;
        (has_plain && entry.name == "LOGIN") || (binds && unbound)
    };
    wanted.retain(|entry| !is_lesser(entry));
    wanted
}

/// The server refused, for good.
fn is_refused(error: &Error) -> bool {
    matches!(&error.kind, Kind::Refused(reply) if reply.code.value() == 535)
}

/// 504 unknown, 534 too weak, 538 needs encryption: another mechanism may do.
fn is_about_mechanism(error: &Error) -> bool {
    matches!(&error.kind, Kind::Refused(reply) if matches!(reply.code.value(), 504 | 534 | 538))
}

/// 432, and 422 for which some take it.
fn wants_transition(error: &Error) -> bool {
    matches!(&error.kind, Kind::Refused(reply) if matches!(reply.code.value(), 422 | 432))
}

/// The server does not know this type of channel binding (RFC 5802 §7).
fn is_about_binding(error: &Error) -> bool {
    let fault = ScramFault::Refused("unsupported-channel-binding-type");
    matches!(
        &error.kind,
        Kind::Mechanism(MechanismError::Scram { fault: said, .. }) if *said == fault
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERIFIED: Footing = Footing { is_trusted: true, binds: true };
    const CLEAR: Footing = Footing { is_trusted: false, binds: false };

    fn chosen(
        named: &[&str],
        proof: Proof,
        offered: &[&str],
        footing: &Footing,
    ) -> Result<Vec<&'static str>, Kind> {
        let owned = |names: &[&str]| names.iter().map(|&n| n.to_owned()).collect::<Vec<_>>();
        let sign_in = SignIn {
            user: Some("u".into()),
            proof,
            mechanisms: owned(named),
            allow_cleartext: false,
        };
        let entries = choose(&sign_in, &owned(offered), footing)?;
        Ok(entries.iter().map(|entry| entry.name).collect())
    }

    const ALL: [&str; 12] = [
        "ANONYMOUS",
        "CRAM-MD5",
        "EXTERNAL",
        "LOGIN",
        "NTLM",
        "OAUTHBEARER",
        "PLAIN",
        "SCRAM-SHA-1",
        "SCRAM-SHA-1-PLUS",
        "SCRAM-SHA-256",
        "SCRAM-SHA-256-PLUS",
        "XOAUTH2",
    ];

    #[test]
    fn the_best_offered_mechanism_comes_first_and_a_named_order_wins() {
        // SASL-order, 5802-b
        let unbound = Footing { binds: false, ..VERIFIED };
        for (named, proof, offered, footing, expected) in [
            (
                &[][..],
                Proof::Password,
                &ALL[..],
                &VERIFIED,
                &["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "PLAIN"][..],
            ),
            (&[], Proof::Password, &ALL, &unbound, &["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"]),
            (&[], Proof::Token, &ALL, &VERIFIED, &["OAUTHBEARER", "XOAUTH2"]),
            (&[], Proof::Password, &["PLAIN", "LOGIN", "CRAM-MD5"], &VERIFIED, &["PLAIN"]),
            (&[], Proof::Password, &["LOGIN", "CRAM-MD5"], &VERIFIED, &["LOGIN"]),
            (&["login", "plain"], Proof::Password, &ALL, &VERIFIED, &["LOGIN", "PLAIN"]),
            (&["scram-sha-256"], Proof::Password, &ALL, &VERIFIED, &["SCRAM-SHA-256"]),
            (&["cram-md5"], Proof::Password, &ALL, &VERIFIED, &["CRAM-MD5"]),
            (&["xoauth2"], Proof::Password, &ALL, &VERIFIED, &["XOAUTH2"]),
            (&["external"], Proof::Password, &ALL, &VERIFIED, &["EXTERNAL"]),
        ] {
            let said = chosen(named, proof, offered, footing).unwrap();
            assert_eq!(said, expected, "{named:?} of {offered:?}");
        }
    }

    #[test]
    fn a_secret_crosses_a_verified_channel_only() {
        // 4954-14
        let refused = chosen(&[], Proof::Password, &["PLAIN", "LOGIN"], &CLEAR);
        assert!(
            matches!(refused, Err(Kind::NoMechanism { exposing, .. }) if exposing == ["PLAIN"])
        );
        let refused = chosen(&[], Proof::Token, &ALL, &CLEAR);
        assert!(
            matches!(refused, Err(Kind::NoMechanism { exposing, .. }) if exposing == ["OAUTHBEARER", "XOAUTH2"])
        );
        let clear = chosen(&[], Proof::Password, &ALL, &CLEAR).unwrap();
        assert_eq!(clear, ["SCRAM-SHA-256", "SCRAM-SHA-1"]);
        let named = chosen(&["cram-md5"], Proof::Password, &["CRAM-MD5"], &CLEAR).unwrap();
        assert_eq!(named, ["CRAM-MD5"]);
        let none = chosen(&[], Proof::Password, &["NTLM"], &VERIFIED);
        assert!(matches!(none, Err(Kind::NoMechanism { .. })));
        let none = chosen(&[], Proof::Password, &[], &VERIFIED);
        assert!(matches!(none, Err(Kind::Lacks(Keyword::Auth))));
    }
}
