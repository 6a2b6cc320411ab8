//! Who watches a session.

use crate::net::{Address, Endpoint, ProxyPlace, TlsFacts};
use crate::smtp::{Command, ForwardPath, Phase, Reply};
use std::time::Duration;

/// Told of everything that happens, as it happens. An observer is given typed
/// values, and octets only where it wants them, without those of a sign-in: what
/// it shows holds no secret, unless it wants that.
pub trait Observer {
    /// Something happened.
    fn event(&mut self, event: Event<'_>);

    /// True when the message's octets should be shown, too.
    fn wants_octets(&self) -> bool {
        false
    }

    /// True when the octets of the wire should be shown, too.
    fn wants_wire(&self) -> bool {
        false
    }

    /// True when nothing of a sign-in should be hidden.
    fn wants_secrets(&self) -> bool {
        false
    }
}

/// What happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// An address of a server is being tried.
    Connecting(&'a Endpoint, &'a Address),
    /// A server is being tried through a proxy; the address is the proxy's.
    ConnectingThrough(&'a ProxyPlace, &'a Endpoint, &'a Address),
    /// The connection stands.
    Connected(&'a Endpoint),
    /// A session that has rested is gone on with, under this TLS or in clear.
    GoingOn(&'a Endpoint, Option<&'a TlsFacts>),
    /// TLS stands.
    Secured(&'a TlsFacts),
    /// A command went out.
    Sent(&'a Command<'a>),
    /// What a message of a sign-in says, with `***` for what is secret in it.
    SignIn(Side, &'a str),
    /// A reply came in; of a challenge the text is replaced by `***`.
    Received {
        /// The reply.
        reply: &'a Reply,
        /// What was being waited for.
        phase: Phase,
        /// The recipient it is about: of RCPT, and in LMTP of the message.
        recipient: Option<&'a ForwardPath>,
        /// Whether it is the reply that was hoped for.
        hoped_for: bool,
        /// How long it was waited for.
        after: Duration,
    },
    /// Octets of the message went out, dots doubled; only for who wants them.
    Octets(&'a [u8]),
    /// Octets went over the wire; only for who wants them.
    Wire {
        /// Whose they are.
        side: Side,
        /// What they are about.
        phase: Phase,
        /// The octets; `None` for those of a sign-in.
        octets: Option<&'a [u8]>,
    },
    /// The whole message went out, so many octets and lines, and the dot.
    ContentSent {
        /// Octets, doubled dots included.
        octets: u64,
    },
    /// A chunk of the message went out, whole.
    ChunkSent {
        /// Octets.
        octets: u64,
    },
    /// Something worth saying that is no failure.
    Noted(&'a str),
    /// The session broke.
    Broke(&'a super::Error),
    /// The connection was closed.
    Closed,
    /// This was waited for, so long. A phase may be waited for several times.
    Waited(Phase, Duration),
    /// The attempt is over, whatever came of it.
    Ended,
}

/// One of the two who talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// This one.
    Client,
    /// The other.
    Server,
}

/// Shows what went over the wire to who wants that; of a sign-in only that
/// something did, unless secrets are wanted.
pub fn tell_wire(observer: &mut dyn Observer, side: Side, phase: Phase, octets: &[u8]) {
    if observer.wants_wire() {
        let is_open = phase != Phase::Auth || observer.wants_secrets();
        observer.event(Event::Wire { side, phase, octets: is_open.then_some(octets) });
    }
}

/// An observer that looks away.
#[derive(Debug)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn event(&mut self, _event: Event<'_>) {}
}
