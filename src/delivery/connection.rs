//! From an address to a session that is ready for a message: connect, secure,
//! sign in.

use super::report::{Attempt, SignedIn};
use super::route::{Hop, SignIn};
use super::{Target, World};
use crate::net::{
    self, Deadline, Security, Stopwatch, Stream, Tcp, Tls, TlsFacts, TlsSettings, Verification,
};
use crate::sasl::{Credentials, Entry, MECHANISMS};
use crate::session::{Conduct, Error, Event, Kind, Observer, Session};
use crate::smtp::{EhloName, Keyword, Phase};
use std::time::Duration;

/// The limit of a connection while further addresses remain to be tried.
const PATIENCE_WITH_OTHERS: Duration = Duration::from_secs(5);

/// Opens a session that is ready for MAIL; what is learned on the way goes
/// into the attempt.
pub(super) fn open<'o>(
    hop: &Hop,
    target: Target,
    world: &World<'_>,
    attempt: &mut Attempt,
    observer: &'o mut dyn Observer,
) -> Result<Session<'o>, Error> {
    let channel = match connect(hop, target, world, attempt, observer) {
        Ok(channel) => channel,
        Err(error) => {
            observer.event(Event::Broke(&error));
            return Err(error);
        }
    };
    let conduct = conduct(hop, channel.as_ref(), world);
    let mut session = Session::open(channel, conduct, observer)?;
    if wants_starttls(hop, target, &session) {
        session = session.starttls(|channel| handshake(hop, channel))?;
    }
    attempt.tls = session.protection().cloned();
    attempt.extensions = session.capabilities().lines().collect();
    if let Some(sign_in) = &hop.sign_in {
        match authenticate(hop, sign_in, world, &mut session) {
            Ok(signed_in) => attempt.signed_in = Some(signed_in),
            Err(error) => return Err(session.leave(error, world.wait_for_farewell)),
        }
    }
    Ok(session)
}

/// A TCP connection and, where TLS comes first, TLS over it.
fn connect(
    hop: &Hop,
    target: Target,
    world: &World<'_>,
    attempt: &mut Attempt,
    observer: &mut dyn Observer,
) -> Result<Box<dyn Stream>, Error> {
    observer.event(Event::Connecting(&hop.endpoint, target.address));
    let started = Stopwatch::start();
    let patience = hop.timeouts.of(Phase::Connect);
    let patience = if target.is_last { patience } else { patience.min(PATIENCE_WITH_OTHERS) };
    let deadline = Deadline::after(patience).or_earlier(hop.deadline);
    let tcp = Tcp::connect(target.address, deadline, world.interrupt)
        .map_err(|e| Error::new(Phase::Connect, e))?;
    attempt.timings.push((Phase::Connect, started.elapsed()));
    observer.event(Event::Connected(&hop.endpoint));
    let mut channel: Box<dyn Stream> = Box::new(tcp);
    if hop.endpoint.security == Security::Implicit {
        let started = Stopwatch::start();
        let limit = Deadline::after(hop.timeouts.of(Phase::Handshake));
        channel.arm(limit.or_earlier(hop.deadline));
        channel = handshake(hop, channel).map_err(|e| Error::new(Phase::Handshake, e))?;
        attempt.timings.push((Phase::Handshake, started.elapsed()));
        if let Some(facts) = channel.protection() {
            observer.event(Event::Secured(facts));
        }
    }
    Ok(channel)
}

fn handshake(hop: &Hop, channel: Box<dyn Stream>) -> Result<Box<dyn Stream>, net::Error> {
    // Without TLS the mail would go in clear: a bad certificate is no worse, as
    // long as nobody signs in (RFC 7435 §1.2).
    let verification =
        if hop.is_opportunistic() { Verification::Noted } else { hop.tls.verification };
    let settings = TlsSettings { verification, ..hop.tls.clone() };
    Ok(Box::new(Tls::handshake(channel, &hop.endpoint.host, &settings)?))
}

fn wants_starttls(hop: &Hop, target: Target, session: &Session<'_>) -> bool {
    match hop.endpoint.security {
        Security::StartTls => true,
        Security::Opportunistic if !hop.is_opportunistic() => true,
        Security::Opportunistic => {
            !target.in_clear && session.capabilities().has(Keyword::StartTls)
        }
        Security::Implicit | Security::Cleartext => false,
    }
}

fn conduct(hop: &Hop, channel: &dyn Stream, world: &World<'_>) -> Conduct {
    let named = || world.host_name.and_then(EhloName::from_host_name);
    // RFC 5321 §4.1.4: a host without a proper name gives its address.
    let literal = || channel.local_address().map(|a| EhloName::from_address(a.ip()));
    let hello = hop.hello.clone().or_else(named).or_else(literal);
    Conduct {
        hello: hello.unwrap_or_else(|| EhloName::from_address([127, 0, 0, 1].into())),
        timeouts: hop.timeouts,
        deadline: hop.deadline,
        may_fall_back_to_helo: hop.sign_in.is_none()
            && (hop.endpoint.security == Security::Cleartext || hop.is_opportunistic()),
        pipelining: hop.pipelining,
    }
}

/// Signs in with the best mechanism that both sides have and the channel
/// allows. A server that finds it too weak is offered the next; one that finds
/// the password wrong is not asked again (RFC 4954 §6).
fn authenticate(
    hop: &Hop,
    sign_in: &SignIn,
    world: &World<'_>,
    session: &mut Session<'_>,
) -> Result<SignedIn, Error> {
    let is_trusted = is_trusted(hop, sign_in, session.protection());
    let entries = choose(sign_in, &session.capabilities().mechanisms(), is_trusted)
        .map_err(|kind| Error::new(Phase::Auth, kind))?;
    let password = world.secrets.password(&hop.endpoint, &sign_in.user).map_err(|reason| {
        // Ctrl-C at the prompt, or into the program that was asked.
        let stopped = world.interrupt.signal().is_some();
        let kind = if stopped { net::Error::Interrupted.into() } else { Kind::Secret(reason) };
        Error::new(Phase::Auth, kind)
    })?;
    let who = Credentials { user: sign_in.user.clone(), password };
    let mut refusal = None;
    for entry in entries {
        let mut mechanism = (entry.begin)(&who).map_err(|e| Error::new(Phase::Auth, e))?;
        match session.authenticate(mechanism.as_mut()) {
            Ok(()) => return Ok(SignedIn { mechanism: entry.name, user: who.user }),
            Err(error) if is_about_mechanism(&error) => refusal = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(refusal.unwrap_or_else(|| Error::new(Phase::Auth, Kind::Lacks(Keyword::Auth))))
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
    is_trusted: bool,
) -> Result<Vec<&'static Entry>, Kind> {
    if offered.is_empty() {
        return Err(Kind::Lacks(Keyword::Auth));
    }
    let named = &sign_in.mechanisms;
    let is_named = |entry: &Entry| named.iter().any(|name| name.eq_ignore_ascii_case(entry.name));
    let mut wanted: Vec<&Entry> = MECHANISMS
        .iter()
        .filter(|entry| if named.is_empty() { entry.automatic } else { is_named(entry) })
        .filter(|entry| offered.iter().any(|name| name == entry.name))
        .collect();
    if named.is_empty() && wanted.iter().any(|entry| entry.name == "PLAIN") {
        // draft-murchison-sasl-login-00 §1: what says the same in a better way
        // is there.
        wanted.retain(|entry| entry.name != "LOGIN");
    }
    let rank = |entry: &&Entry| named.iter().position(|n| n.eq_ignore_ascii_case(entry.name));
    wanted.sort_by_key(rank);
    let (usable, exposing): (Vec<_>, Vec<_>) =
        wanted.into_iter().partition(|entry| is_trusted || !entry.exposes_password);
    if usable.is_empty() {
        return Err(Kind::NoMechanism {
            offered: offered.to_vec(),
            named: named.clone(),
            exposing: exposing.iter().map(|entry| entry.name.to_owned()).collect(),
        });
    }
    Ok(usable)
}

/// 504 unknown, 534 too weak, 538 needs encryption: another mechanism may do.
fn is_about_mechanism(error: &Error) -> bool {
    matches!(&error.kind, Kind::Refused(reply) if matches!(reply.code.value(), 504 | 534 | 538))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(
        named: &[&str],
        offered: &[&str],
        is_trusted: bool,
    ) -> Result<Vec<&'static str>, Kind> {
        let owned = |names: &[&str]| names.iter().map(|&n| n.to_owned()).collect::<Vec<_>>();
        let sign_in = SignIn { user: "u".into(), mechanisms: owned(named), allow_cleartext: false };
        let entries = choose(&sign_in, &owned(offered), is_trusted)?;
        Ok(entries.iter().map(|entry| entry.name).collect())
    }

    #[test]
    fn the_best_offered_mechanism_comes_first_and_a_named_order_wins() {
        // SASL-order
        let all = ["CRAM-MD5", "LOGIN", "PLAIN", "NTLM"];
        for (named, offered, expected) in [
            (&[][..], &all[..], &["PLAIN"][..]),
            (&[], &["LOGIN", "CRAM-MD5"], &["LOGIN"]),
            (&["login", "plain"], &all, &["LOGIN", "PLAIN"]),
            (&["cram-md5"], &all, &["CRAM-MD5"]),
        ] {
            assert_eq!(chosen(named, offered, true).unwrap(), expected, "{named:?}");
        }
    }

    #[test]
    fn a_password_crosses_a_verified_channel_only() {
        // 4954-14
        let refused = chosen(&[], &["PLAIN", "LOGIN"], false);
        assert!(
            matches!(refused, Err(Kind::NoMechanism { exposing, .. }) if exposing == ["PLAIN"])
        );
        assert_eq!(chosen(&["cram-md5"], &["CRAM-MD5"], false).unwrap(), ["CRAM-MD5"]);
        assert!(matches!(chosen(&[], &["NTLM"], true), Err(Kind::NoMechanism { .. })));
        assert!(matches!(chosen(&[], &[], true), Err(Kind::Lacks(Keyword::Auth))));
    }
}
