//! What a server is like, without a message.

use super::report::Attempt;
use super::route::Hop;
use super::{Target, World, knock, look_up};
use crate::net::{Address, Security, SessionCache, TlsSettings, Verification};
use crate::session::{Event, Observer};
use crate::smtp::{Phase, Timeouts};
use std::sync::Arc;
use std::time::Duration;

/// What came of looking at a server.
#[derive(Debug)]
pub struct Probed {
    /// Of the first address that answered, else of the last that was tried.
    pub attempt: Attempt,
    /// Of the addresses before that one, which nobody answered at.
    pub silent: Vec<Attempt>,
    /// The addresses behind it.
    pub untried: Vec<Address>,
}

/// Connects to the first address of the server that answers, goes as far as a
/// message would that is about to be sent, and leaves. An address that answers
/// is the only one, whatever it says: whoever is refused knocks once.
pub fn probe(hop: &Hop, world: &World<'_>, observer: &mut dyn Observer) -> Probed {
    let mut silent = Vec::new();
    let mut attempt = Attempt::at(hop, None, Vec::new());
    let mut targets = match look_up(hop, world, &mut attempt, observer) {
        Ok(targets) => targets.into_iter(),
        Err(error) => {
            attempt.error = Some(Arc::new(error));
            return Probed { attempt, silent, untried: Vec::new() };
        }
    };
    let looked_up = attempt.timings;
    let mut last = None;
    for target in targets.by_ref() {
        let tried = look(hop, &target, &looked_up, world, observer);
        let is_silent = |phase| matches!(phase, Phase::Connect | Phase::Proxy);
        let failed = tried.error.as_ref().is_some_and(|error| is_silent(error.phase));
        silent.extend(last.replace(tried));
        if !failed || world.interrupt.signal().is_some() {
            break;
        }
    }
    // There is at least one address.
    let attempt = last.unwrap_or_else(|| Attempt::at(hop, None, Vec::new()));
    Probed { attempt, silent, untried: targets.map(|target| target.address).collect() }
}

/// The same at this address only.
pub fn probe_at(
    hop: &Hop,
    address: &Address,
    world: &World<'_>,
    observer: &mut dyn Observer,
) -> Attempt {
    let target = Target { address: address.clone(), is_last: false, in_clear: false };
    look(hop, &target, &[], world, observer)
}

/// Tries one address. How long its phases took is known however far it came; how
/// long those before it took stands before that.
fn look(
    hop: &Hop,
    target: &Target,
    before: &[(Phase, Duration)],
    world: &World<'_>,
    observer: &mut dyn Observer,
) -> Attempt {
    let mut timed = Timed { observer, timings: before.to_vec() };
    let attempt = knock(hop, target, world, &mut timed);
    Attempt { timings: timed.timings, ..attempt }
}

/// Keeps how long each phase was waited for.
struct Timed<'o> {
    observer: &'o mut dyn Observer,
    timings: Vec<(Phase, Duration)>,
}

impl Observer for Timed<'_> {
    fn event(&mut self, event: Event<'_>) {
        // What QUIT takes is no part of a message.
        if let Event::Waited(phase, spent) = event
            && phase != Phase::Quit
        {
            match self.timings.iter_mut().find(|(known, _)| *known == phase) {
                Some((_, total)) => *total += spent,
                None => self.timings.push((phase, spent)),
            }
        }
        self.observer.event(event);
    }

    fn wants_octets(&self) -> bool {
        self.observer.wants_octets()
    }

    fn wants_wire(&self) -> bool {
        self.observer.wants_wire()
    }

    fn wants_secrets(&self) -> bool {
        self.observer.wants_secrets()
    }
}

impl Hop {
    /// The same server, looked at by somebody who does not sign in, takes TLS where
    /// it is offered, and goes on where the certificate is no good, so that all of
    /// it is seen.
    #[must_use]
    pub fn looked_at(&self) -> Hop {
        let mut hop = self.clone();
        hop.sign_in = None;
        hop.tls = TlsSettings {
            verification: Verification::Noted,
            sessions: SessionCache::default(),
            ..hop.tls
        };
        let is_remote = hop.endpoint.place.port().is_some();
        if hop.endpoint.security == Security::Cleartext && is_remote {
            hop.endpoint.security = Security::Opportunistic;
        }
        hop
    }

    /// Another port of its host, looked at by somebody who does not sign in, with
    /// no more patience than this for each wait.
    #[must_use]
    pub fn beside(&self, port: u16, patience: Duration) -> Option<Hop> {
        let mut hop = self.looked_at();
        *hop.endpoint.place.port_mut()? = port;
        hop.endpoint.security =
            if port == SUBMISSIONS { Security::Implicit } else { Security::StartTls };
        Some(hop.within(patience))
    }

    /// The same, with no more patience than this for each wait.
    #[must_use]
    pub fn within(self, patience: Duration) -> Hop {
        let cap = self.timeouts.cap.map_or(patience, |cap| cap.min(patience));
        Hop { timeouts: Timeouts { cap: Some(cap) }, ..self }
    }
}

/// RFC 8314 §7.3: TLS from the first octet.
const SUBMISSIONS: u16 = 465;
