//! What came of a submission: every attempt, every recipient.

use super::Witness;
use super::outcome::{Cause, Outcome};
use super::route::Hop;
use crate::message::Width;
use crate::net::{Address, Endpoint, ProxyPlace, TlsFacts};
use crate::sasl::TokenFault;
use crate::session::Error;
use crate::smtp::{Envelope, ForwardPath, Phase, Reply, Severity};
use std::sync::Arc;
use std::time::Duration;

/// Everything that is known at the end.
#[derive(Clone, Debug)]
pub struct Report {
    /// One entry an address that was tried, in order.
    pub attempts: Vec<Attempt>,
    /// Each recipient, in the order of the envelope.
    pub recipients: Vec<(ForwardPath, Outcome)>,
}

/// One try at one address of one server.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The server.
    pub server: Endpoint,
    /// The proxy that was to connect to it.
    pub proxy: Option<ProxyPlace>,
    /// Whom the message was still to be sent to; nobody where there was none.
    pub to: Vec<ForwardPath>,
    /// The address, of the proxy where there is one; `None` when there was none
    /// to try.
    pub address: Option<Address>,
    /// The session was open before: nobody connected or signed in for this
    /// message, and no timing is of that.
    pub reused: bool,
    /// What TLS protected it; `None` in clear.
    pub tls: Option<TlsFacts>,
    /// Who signed in, and how.
    pub signed_in: Option<SignedIn>,
    /// The mechanism that was tried last.
    pub mechanism: Option<&'static str>,
    /// What the server said against the token, if it said more than no.
    pub token_fault: Option<TokenFault>,
    /// What whoever gave the token says to try, now that it was refused.
    pub way_out: Option<String>,
    /// What the last EHLO offered.
    pub extensions: Vec<String>,
    /// What the EHLO before it offered, where that was in clear and TLS was to
    /// follow.
    pub in_clear: Vec<String>,
    /// How long each phase took.
    pub timings: Vec<(Phase, Duration)>,
    /// How wide the way was for which the message got its form, if it went out
    /// to its end.
    pub width: Option<Width>,
    /// The message went out to its end, and nothing could be asked about
    /// reports, since the server does not offer DSN (RFC 3461).
    pub lacks_dsn: bool,
    /// The reply to the message, if it came so far; of several in LMTP, the
    /// first that takes it, else the first.
    pub end: Option<Reply>,
    /// What broke it, if something did.
    pub error: Option<Arc<Error>>,
}

impl Attempt {
    /// The name under which the server queued the message, as far as its reply
    /// tells in one of the usual ways.
    pub fn queue_id(&self) -> Option<&str> {
        let line = self.end.as_ref().filter(|end| end.severity() == Severity::Positive)?;
        queue_id(line.text.last()?)
    }
}

/// A successful sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// The registered name of the mechanism.
    pub mechanism: &'static str,
    /// The authentication identity, if one was named.
    pub user: Option<String>,
}

impl Attempt {
    /// An attempt that has not begun.
    pub fn at(hop: &Hop, address: Option<Address>, to: Vec<ForwardPath>) -> Self {
        Attempt {
            server: hop.endpoint.clone(),
            proxy: hop.proxy.as_ref().map(|proxy| proxy.place().clone()),
            to,
            address,
            reused: false,
            tls: None,
            signed_in: None,
            mechanism: None,
            token_fault: None,
            way_out: None,
            extensions: Vec::new(),
            in_clear: Vec::new(),
            timings: Vec::new(),
            width: None,
            lacks_dsn: false,
            end: None,
            error: None,
        }
    }

    /// One that has not begun, on the session of this one.
    pub(super) fn next(&self) -> Self {
        Attempt {
            reused: true,
            to: Vec::new(),
            token_fault: None,
            way_out: None,
            timings: Vec::new(),
            width: None,
            lacks_dsn: false,
            end: None,
            error: None,
            ..self.clone()
        }
    }
}

/// The outcomes as they come in.
///
/// An outcome is open while no server has decided it. Of several open ones the
/// recipient gets that which tells the user most: of one server's addresses,
/// the one that got farthest (a bad certificate says more than another address
/// that nobody listens on); of several servers, one that may pass (a server
/// that is down and one that is misspelt make a reason to try again).
pub(super) struct Ledger<'e> {
    envelope: &'e Envelope,
    witness: &'e mut Witness<'e>,
    /// Those of whom the witness knows.
    told: Vec<bool>,
    /// What this server, or one that decided, said.
    outcomes: Vec<Option<Outcome>>,
    /// What earlier servers left open; empty while the first is asked.
    earlier: Vec<Option<Outcome>>,
    /// Those whom no server is asked about.
    aside: Vec<usize>,
}

impl<'e> Ledger<'e> {
    pub(super) fn new(envelope: &'e Envelope, witness: &'e mut Witness<'e>) -> Self {
        let count = envelope.to().len();
        let (outcomes, told) = (vec![None; count], vec![false; count]);
        Ledger { envelope, witness, told, outcomes, earlier: Vec::new(), aside: Vec::new() }
    }

    /// Asks no server about these for now.
    pub(super) fn set_aside(&mut self, is_at_home: impl Fn(&ForwardPath) -> bool) {
        let to = self.envelope.to().iter().enumerate();
        self.aside = to.filter(|(_, it)| is_at_home(&it.path)).map(|(at, _)| at).collect();
    }

    /// Where one of those who were set aside is refused, nobody gets anything.
    pub(super) fn refuse_aside(&mut self, refuses: impl Fn(&ForwardPath) -> Option<Outcome>) {
        let envelope = self.envelope;
        let fate = |&at: &usize| Some((at, refuses(&envelope.to()[at].path)?));
        let left_out: Vec<_> = self.aside.iter().filter_map(fate).collect();
        if left_out.is_empty() {
            return;
        }
        self.aside.clear();
        for (at, outcome) in left_out {
            self.note(at, outcome);
        }
        self.withhold();
    }

    /// Those who were set aside.
    pub(super) fn take_up(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.aside)
    }

    /// How many recipients servers are asked about.
    pub(super) fn away(&self) -> usize {
        self.envelope.to().len() - self.aside.len()
    }

    /// Whether somebody whom a server was asked about will not get the message.
    pub(super) fn somebody_is_left_out(&self) -> bool {
        let is_none = |outcome: &Outcome| !matches!(outcome, Outcome::Accepted(_));
        let all = self.outcomes.iter().chain(&self.earlier);
        all.flatten().any(is_none)
    }

    /// The positions of the recipients that a server may still be asked about.
    pub(super) fn open(&self) -> Vec<usize> {
        let is_open = |at: &usize| self.outcomes[*at].as_ref().is_none_or(Outcome::is_open);
        let is_away = |at: &usize| !self.aside.contains(at);
        (0..self.outcomes.len()).filter(is_open).filter(is_away).collect()
    }

    /// The same as addresses.
    pub(super) fn open_paths(&self) -> Vec<ForwardPath> {
        self.open().into_iter().map(|at| self.envelope.to()[at].path.clone()).collect()
    }

    /// True when every recipient has been decided.
    pub(super) fn is_settled(&self) -> bool {
        self.open().is_empty()
    }

    /// Another server is asked from now on.
    pub(super) fn turn_to_next(&mut self) {
        if self.outcomes.iter().all(Option::is_none) {
            return;
        }
        self.earlier.resize(self.outcomes.len(), None);
        for at in self.open() {
            let left = self.outcomes[at].take();
            self.earlier[at] = the_more_hopeful(self.earlier[at].take(), left);
        }
    }

    /// Nobody has been asked about those whom a session that was open before
    /// has left undecided. Says whether there are any.
    pub(super) fn ask_anew(&mut self) -> bool {
        let is_undecided = |at: &usize| {
            let outcome = self.outcomes[*at].as_ref();
            !self.aside.contains(at) && outcome.is_none_or(Outcome::is_left_by_old_session)
        };
        let undecided: Vec<usize> = (0..self.outcomes.len()).filter(is_undecided).collect();
        for &at in &undecided {
            self.outcomes[at] = None;
        }
        !undecided.is_empty()
    }

    /// Notes an outcome.
    pub(super) fn note(&mut self, at: usize, outcome: Outcome) {
        let says_more = |known: &Outcome| !known.is_open() || progress(known) >= progress(&outcome);
        let is_kept = outcome.is_open() && self.outcomes[at].as_ref().is_some_and(says_more);
        if !is_kept {
            self.outcomes[at] = Some(outcome);
        }
    }

    /// Notes the same for everybody who is still open.
    pub(super) fn note_all(&mut self, outcome: &Outcome) {
        for at in self.open() {
            self.note(at, outcome.clone());
        }
    }

    /// Tells the witness who was decided since he last heard. Whoever is left
    /// for later may yet be decided otherwise. False where nobody else is to be
    /// asked about: nothing is sent to those who are open.
    pub(super) fn tell_decided(&mut self) -> bool {
        let is_decided = |outcome: &Outcome| match outcome {
            Outcome::Accepted(_) | Outcome::Uncertain(_) => true,
            Outcome::Rejected(_) => !outcome.is_open(),
            Outcome::Deferred(_) => false,
        };
        let fresh = |at: usize| {
            let outcome = self.outcomes[at].as_ref().filter(|outcome| is_decided(outcome))?;
            (!self.told[at]).then(|| (at, outcome.clone()))
        };
        let news: Vec<(usize, Outcome)> = (0..self.outcomes.len()).filter_map(fresh).collect();
        if news.is_empty() {
            return true;
        }
        for (at, _) in &news {
            self.told[*at] = true;
        }
        let goes_on = (self.witness)(&news);
        if !goes_on {
            self.note_all(&Outcome::Deferred(Cause::Withheld));
        }
        goes_on
    }

    /// Nothing is sent to those who are open, because of those who are not:
    /// whether trying again is of use depends on these.
    pub(super) fn withhold(&mut self) {
        let is_for_now = |outcome: &Outcome| matches!(outcome, Outcome::Deferred(_));
        let may_pass = self.outcomes.iter().flatten().any(|o| !o.is_open() && is_for_now(o));
        let cause = Cause::Withheld;
        self.note_all(&if may_pass { Outcome::Deferred(cause) } else { Outcome::Rejected(cause) });
    }

    /// The recipients with their outcomes; `otherwise` is that of recipients
    /// whom no server was asked about.
    pub(super) fn close(mut self, otherwise: &Outcome) -> Vec<(ForwardPath, Outcome)> {
        if !self.is_settled() {
            self.turn_to_next();
        }
        let earlier = self.earlier.into_iter().chain(std::iter::repeat(None));
        let outcomes =
            self.outcomes.into_iter().zip(earlier).map(|(decided, open)| decided.or(open));
        let paths = self.envelope.to().iter().map(|recipient| recipient.path.clone());
        paths.zip(outcomes.map(|outcome| outcome.unwrap_or_else(|| otherwise.clone()))).collect()
    }
}

/// How far the session got that left this outcome.
fn progress(outcome: &Outcome) -> Option<usize> {
    match outcome.cause() {
        Some(Cause::Broke(error)) => Phase::ALL.iter().position(|phase| *phase == error.phase),
        Some(Cause::Replied(..) | Cause::Unmet(_) | Cause::Withheld | Cause::NotKept(_)) | None => {
            None
        }
    }
}

fn the_more_hopeful(earlier: Option<Outcome>, later: Option<Outcome>) -> Option<Outcome> {
    match (earlier, later) {
        (Some(Outcome::Rejected(_)), Some(later @ Outcome::Deferred(_))) => Some(later),
        (earlier, later) => earlier.or(later),
    }
}

/// Finds the queue identifier in the text of the reply to a message. Postfix:
/// `Ok: queued as ID`; Exim: `OK id=ID`; Sendmail and `OpenSMTPD`: `ID Message
/// accepted for delivery`; qmail: `ok TIME qp ID`.
fn queue_id(text: &str) -> Option<&str> {
    let after = |marker: &str| {
        let at = text.find(marker)? + marker.len();
        text[at..].split_ascii_whitespace().next()
    };
    let before = |marker: &str| text[..text.find(marker)?].split_ascii_whitespace().next_back();
    let id = after("queued as ")
        .or_else(|| after(" id="))
        .or_else(|| before(" Message accepted for delivery"))
        .or_else(|| after(" qp "))?;
    Some(id.trim_matches(|c: char| !c.is_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_identifier_is_found_where_servers_put_it() {
        for (text, expected) in [
            ("Ok: queued as 4XzQ1K0Bq2z9sT", Some("4XzQ1K0Bq2z9sT")),
            ("OK id=1sXyZ9-0001Ab-2C", Some("1sXyZ9-0001Ab-2C")),
            ("4AN1bc2d003456 Message accepted for delivery", Some("4AN1bc2d003456")),
            ("ok 1700000000 qp 12345", Some("12345")),
            ("queued as <abc>", Some("abc")),
            ("OK", None),
        ] {
            assert_eq!(queue_id(text), expected, "{text}");
        }
    }
}
