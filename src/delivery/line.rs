//! Many messages over one connection.

use super::World;
use super::report::Attempt;
use super::route::{Hop, Route};
use crate::session::{Event, Idle, Observer, Session, Unobserved};
use std::time::Duration;

/// How long a session that was open before may take to show that the server is
/// still there: a fresh one is at hand.
const PATIENCE: Duration = Duration::from_secs(30);

/// The way to the servers of a route, on which a session that has served one
/// message stays open for the next: [`submit_on`](super::submit_on). It may
/// begin in one thread and go on in another; several threads have a line each.
///
/// Servers leave whoever says nothing for some minutes. That costs no message,
/// but whoever has no next one at hand should [`close`](Line::close); a line
/// that is dropped does.
pub struct Line<'l> {
    pub(super) route: &'l Route,
    pub(super) world: &'l World<'l>,
    open: Option<Open<'l>>,
    stays_open: bool,
}

/// A session between two messages.
struct Open<'l> {
    hop: &'l Hop,
    session: Idle,
    /// The attempt that the next message will be.
    next: Attempt,
}

impl<'l> Line<'l> {
    /// A line to these servers. It connects when there is a message.
    pub fn new(route: &'l Route, world: &'l World<'l>) -> Self {
        Line { route, world, open: None, stays_open: true }
    }

    /// The same for one message, which nothing follows.
    pub(super) fn for_one(route: &'l Route, world: &'l World<'l>) -> Self {
        Line { route, world, open: None, stays_open: false }
    }

    /// Says QUIT, if a session is open. The next message opens another.
    pub fn close(&mut self, observer: &mut dyn Observer) {
        if let Some((_, session, _)) = self.take_up(observer) {
            session.quit(self.world.wait_for_farewell);
        }
    }

    /// Goes on with the session that is open, if one is.
    pub(super) fn take_up<'o>(
        &mut self,
        observer: &'o mut dyn Observer,
    ) -> Option<(&'l Hop, Session<'o>, Attempt)> {
        let Open { hop, session, next } = self.open.take()?;
        observer.event(Event::GoingOn(&hop.endpoint, session.protection()));
        Some((hop, session.wake(PATIENCE, observer), next))
    }

    /// The message of this attempt is done with: the session waits for the
    /// next, or ends.
    pub(super) fn part(&mut self, hop: &'l Hop, session: Session<'_>, attempt: &Attempt) {
        let is_last = !self.stays_open || self.world.interrupt.signal().is_some();
        if is_last || !session.is_usable() {
            session.quit(self.world.wait_for_farewell);
        } else {
            self.open = Some(Open { hop, session: session.rest(), next: attempt.next() });
        }
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        self.close(&mut Unobserved);
    }
}
