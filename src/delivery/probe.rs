//! What a server is like, without a message.

use super::report::Attempt;
use super::route::Hop;
use super::{World, knock, look_up};
use crate::net::{Security, SessionCache, TlsSettings, Verification};
use crate::session::Observer;
use crate::smtp::{Phase, Timeouts};
use std::sync::Arc;
use std::time::Duration;

/// Connects to the first address of the server that answers, goes as far as a
/// message would that is about to be sent, and leaves. An address that answers
/// is the only one, whatever it says: whoever is refused knocks once.
pub fn probe(hop: &Hop, world: &World<'_>, observer: &mut dyn Observer) -> Attempt {
    let mut attempt = Attempt::at(hop, None, Vec::new());
    let targets = match look_up(hop, world, &mut attempt, observer) {
        Ok(targets) => targets,
        Err(error) => {
            attempt.error = Some(Arc::new(error));
            return attempt;
        }
    };
    let looked_up = attempt.timings.clone();
    for target in targets {
        attempt = knock(hop, &target, world, observer);
        let is_silent = |phase| matches!(phase, Phase::Connect | Phase::Proxy);
        let failed = attempt.error.as_ref().is_some_and(|error| is_silent(error.phase));
        if !failed || world.interrupt.signal().is_some() {
            break;
        }
    }
    attempt.timings.splice(0..0, looked_up);
    attempt
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
        let cap = hop.timeouts.cap.map_or(patience, |cap| cap.min(patience));
        hop.timeouts = Timeouts { cap: Some(cap) };
        Some(hop)
    }
}

/// RFC 8314 §7.3: TLS from the first octet.
const SUBMISSIONS: u16 = 465;
