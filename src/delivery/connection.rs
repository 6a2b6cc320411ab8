//! From an address to a session that is ready for a message: connect, secure,
//! sign in.

use super::report::Attempt;
use super::route::Hop;
use super::sign_in::SigningIn;
use super::{Target, World, way};
use crate::net::{self, Security, Stopwatch, Stream, Tls, Verification};
use crate::session::{Conduct, Error, Event, Kind, Observer, Session, Stage};
use crate::smtp::{EhloName, Keyword, Phase};

/// Opens a session that is ready for MAIL; what is learned on the way goes
/// into the attempt.
pub(super) fn open<'o>(
    hop: &Hop,
    target: &Target,
    world: &World<'_>,
    attempt: &mut Attempt,
    observer: &'o mut dyn Observer,
) -> Result<Session<'o>, Error> {
    if hop.steering.expected.is_unmet() {
        return Err(Error::new(Phase::Connect, Kind::Unexpected));
    }
    let channel = match connect(hop, target, world, attempt, observer) {
        Ok(channel) => channel,
        Err(error) => {
            observer.event(match error.kind {
                Kind::Stopped(_) => Event::Noted("Dropping connection"),
                _ => Event::Broke(&error),
            });
            if matches!(error.kind, Kind::Stopped(_)) || error.phase == Phase::Handshake {
                observer.event(Event::Closed);
            }
            return Err(error);
        }
    };
    let conduct = conduct(hop, channel.as_ref(), world);
    let mut session = Session::open(channel, conduct, observer)?;
    if hop.steering.xclient_before_starttls {
        session = session.passing(Session::xclient)?;
    }
    if wants_starttls(hop, target, &session) {
        attempt.in_clear = session.capabilities().lines().collect();
        session = session.starttls(|channel| handshake(hop, channel))?;
    }
    if !hop.steering.xclient_before_starttls {
        session = session.passing(Session::xclient)?;
    }
    session = session.passing(|session| session.reached(Stage::Helo))?;
    attempt.tls = session.protection().cloned();
    attempt.extensions = session.capabilities().lines().collect();
    if let Some(sign_in) = &hop.sign_in {
        match (SigningIn { hop, sign_in, world }).run(&mut session, attempt) {
            Ok(signed_in) => {
                attempt.signed_in = Some(signed_in);
                session = session.passing(|session| session.reached(Stage::Auth))?;
            }
            Err(error) => {
                attempt.timings.extend_from_slice(session.timings());
                return Err(session.leave(error, world.wait_for_farewell));
            }
        }
    }
    Ok(session)
}

/// A connection and, where TLS comes first, TLS over it.
fn connect(
    hop: &Hop,
    target: &Target,
    world: &World<'_>,
    attempt: &mut Attempt,
    observer: &mut dyn Observer,
) -> Result<Box<dyn Stream>, Error> {
    let socket = way::connect(hop, target, world, attempt, observer)?;
    let mut channel: Box<dyn Stream> = Box::new(socket);
    ends_here(hop, Stage::Connect, Phase::Connect)?;
    if hop.endpoint.security == Security::Implicit {
        let started = Stopwatch::start();
        channel.arm(hop.wait(hop.timeouts.of(Phase::Handshake)));
        channel = handshake(hop, channel).map_err(|e| Error::new(Phase::Handshake, e))?;
        attempt.timings.push((Phase::Handshake, started.elapsed()));
        observer.event(Event::Waited(Phase::Handshake, started.elapsed()));
        if let Some(facts) = channel.protection() {
            observer.event(Event::Secured(facts));
        }
        ends_here(hop, Stage::Tls, Phase::Handshake)?;
    }
    Ok(channel)
}

/// Ends before anything is said, where that is wanted: there is nobody to say
/// QUIT to.
fn ends_here(hop: &Hop, stage: Stage, phase: Phase) -> Result<(), Error> {
    match hop.steering.stop {
        Some(stop) if stop.after == stage => Err(Error::new(phase, Kind::Stopped(stage))),
        Some(_) | None => Ok(()),
    }
}

fn handshake(hop: &Hop, channel: Box<dyn Stream>) -> Result<Box<dyn Stream>, net::Error> {
    let mut settings = hop.tls.clone();
    if hop.is_opportunistic() {
        // Without TLS the mail would go in clear: a bad certificate is no
        // worse, as long as nobody gives a password away (RFC 7435 §1.2), or
        // tells who he is.
        settings.verification = Verification::Noted;
        settings.client = None;
    }
    Ok(Box::new(Tls::handshake(channel, &hop.endpoint.place.host(), &settings)?))
}

fn wants_starttls(hop: &Hop, target: &Target, session: &Session<'_>) -> bool {
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
        protocol: hop.endpoint.protocol,
        hello: hello.unwrap_or_else(|| EhloName::from_address([127, 0, 0, 1].into())),
        timeouts: hop.timeouts,
        deadline: hop.deadline,
        patience: hop.patience,
        may_fall_back_to_helo: hop.sign_in.is_none()
            && (hop.endpoint.security == Security::Cleartext || hop.is_opportunistic()),
        pipelining: hop.pipelining,
        chunking: hop.chunking,
        steering: hop.steering.clone(),
    }
}
