//! Judgement: what became of each recipient, given what the server said.
//!
//! | session, MAIL | RCPT | after the message | outcome |
//! |---|---|---|---|
//! | none: not reached, closed, 4yz | – | – | deferred, all |
//! | none: refused 5yz, identity, protocol | – | – | rejected, all |
//! | MAIL 4yz / 5yz | – | – | deferred / rejected, all |
//! | 2yz | 4yz | any | deferred |
//! | 2yz | 452, or 552 after an accepted RCPT | any | left over: next transaction |
//! | 2yz | the same, where all must be accepted | – | deferred; the others with it |
//! | 2yz | other 5yz | any | rejected, this one |
//! | 2yz | 2yz | DATA refused 4yz / 5yz | deferred / rejected |
//! | 2yz | 2yz | 2yz | accepted |
//! | 2yz | 2yz | 4yz / 5yz | deferred / rejected |
//! | 2yz | 2yz | broken before the final dot | as without a session |
//! | 2yz | 2yz | broken after it | uncertain: sending again may duplicate |
//!
//! A session that served another message before may have ended since, or the
//! server takes no more messages on it. What it has not decided is asked anew,
//! on a fresh one, and only that counts:
//!
//! | session that was open before | outcome |
//! |---|---|
//! | broken before the final dot, 421 | asked anew, those who are undecided |
//! | MAIL 452, or 4yz with x.5.3 | asked anew, all |
//! | anything else | as above |
//!
//! In LMTP what comes after the message comes for each recipient alone: the
//! rows hold for the reply that was its own, and where the connection broke
//! between two replies, for those who had theirs.

use crate::net::{self, ProxyFault};
use crate::sasl::{MechanismError, ScramFault};
use crate::session::{Absence, End, Error, Kind, Shortfall, Stage, Transaction};
use crate::smtp::{Phase, Reply, Severity};
use std::io;
use std::sync::Arc;

/// What became of one recipient.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The server took responsibility; this is what it said to RCPT, in LMTP
    /// to the message.
    Accepted(Reply),
    /// Not now; the same may succeed later.
    Deferred(Cause),
    /// No; the same will fail again.
    Rejected(Cause),
    /// The server fell silent when it had everything.
    Uncertain(Cause),
}

/// Why.
#[derive(Clone, Debug)]
pub enum Cause {
    /// The server's reply, and what it was the reply to.
    Replied(Phase, Reply),
    /// The session ended, or never was.
    Broke(Arc<Error>),
    /// The server lacks what the message needs.
    Unmet(Shortfall),
    /// It was accepted, but all had to be, and others were not.
    Withheld,
    /// It is at home here, and the message could not be kept.
    NotKept(NotKept),
}

/// Why a message was not kept on this machine.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotKept {
    /// There is no such user.
    #[error("there is no user ‘{0}’ here")]
    NoSuchUser(String),
    /// The system would not write it.
    #[error("the message cannot be kept in {place}: {reason}")]
    NotWritten {
        /// The Maildir.
        place: String,
        /// What the system said.
        reason: Arc<io::Error>,
    },
}

impl Cause {
    /// The server's reply, if it gave one that explains it.
    pub fn reply(&self) -> Option<&Reply> {
        match self {
            Cause::Replied(_, reply) => Some(reply),
            Cause::Broke(error) => match &error.kind {
                Kind::Refused(reply) => Some(reply),
                _ => None,
            },
            Cause::Unmet(_) | Cause::Withheld | Cause::NotKept(_) => None,
        }
    }
}

/// What one transaction means for one recipient.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    /// It has an outcome.
    Settled(Outcome),
    /// The server takes no more in this transaction: try it in the next
    /// (RFC 5321 §4.5.3.1.10).
    LeftOver(Reply),
}

impl Outcome {
    /// The outcome of a session that ended without an answer.
    pub fn of_error(error: &Arc<Error>) -> Self {
        let cause = Cause::Broke(Arc::clone(error));
        if may_pass(error) { Outcome::Deferred(cause) } else { Outcome::Rejected(cause) }
    }

    /// The outcome by the reply that refuses.
    fn of_refusal(phase: Phase, reply: &Reply) -> Self {
        let cause = Cause::Replied(phase, reply.clone());
        match reply.severity() {
            Severity::Permanent => Outcome::Rejected(cause),
            Severity::Transient | Severity::Intermediate | Severity::Positive => {
                Outcome::Deferred(cause)
            }
        }
    }

    /// Why not, if it is not.
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            Outcome::Accepted(_) => None,
            Outcome::Deferred(cause) | Outcome::Rejected(cause) | Outcome::Uncertain(cause) => {
                Some(cause)
            }
        }
    }

    /// Where the session was to end, if it ended there, and nothing went wrong.
    pub fn stopped_after(&self) -> Option<Stage> {
        match self.cause()? {
            Cause::Broke(error) => match error.kind {
                Kind::Stopped(stage) => Some(stage),
                _ => None,
            },
            Cause::Replied(..) | Cause::Unmet(_) | Cause::Withheld | Cause::NotKept(_) => None,
        }
    }

    /// True where a reply was another than was expected, and so no message
    /// followed.
    pub fn is_unexpected(&self) -> bool {
        let is_it = |error: &Arc<Error>| matches!(error.kind, Kind::Unexpected);
        matches!(self.cause(), Some(Cause::Broke(error)) if is_it(error))
    }

    /// True when another server may be asked: this one never got so far as to
    /// decide, and surely has not got the message.
    pub fn is_open(&self) -> bool {
        match self {
            Outcome::Deferred(Cause::Broke(error)) | Outcome::Rejected(Cause::Broke(error)) => {
                another_may_do(error)
            }
            Outcome::Accepted(_)
            | Outcome::Deferred(_)
            | Outcome::Rejected(_)
            | Outcome::Uncertain(_) => false,
        }
    }

    /// True when a fresh session at the same server may decide otherwise: one
    /// that served a message before had ended, or was to serve no more.
    pub(super) fn is_left_by_old_session(&self) -> bool {
        match self {
            Outcome::Deferred(Cause::Replied(Phase::Mail, reply)) => is_about_messages(reply),
            Outcome::Accepted(_)
            | Outcome::Deferred(_)
            | Outcome::Rejected(_)
            | Outcome::Uncertain(_) => self.is_open(),
        }
    }
}

/// The verdict on each of the recipients of a transaction, in their order.
/// `broken` is what broke it, if something did.
pub(super) fn judge(
    mut facts: Transaction,
    recipients: usize,
    broken: Option<&Arc<Error>>,
) -> impl Iterator<Item = Verdict> {
    let mut replies = std::mem::take(&mut facts.rcpt).into_iter();
    let some_accepted = replies.as_slice().iter().any(is_positive);
    let some_for_now = replies
        .as_slice()
        .iter()
        .any(|rcpt| rcpt.severity() == Severity::Transient || is_left_over(rcpt, some_accepted));
    let case = Case { facts, broken, some_accepted, some_for_now };
    let mut accepted = 0;
    (0..recipients).map(move |_| {
        let rcpt = replies.next();
        let position = accepted;
        accepted += usize::from(rcpt.as_ref().is_some_and(is_positive));
        case.verdict(rcpt, position)
    })
}

/// A transaction, but for the replies to RCPT.
struct Case<'a> {
    facts: Transaction,
    broken: Option<&'a Arc<Error>>,
    /// RCPT accepted somebody.
    some_accepted: bool,
    /// RCPT refused somebody whom it may accept another time.
    some_for_now: bool,
}

impl Case<'_> {
    /// `position` counts those whom RCPT accepted before.
    fn verdict(&self, rcpt: Option<Reply>, position: usize) -> Verdict {
        let refused = |phase, reply: &Reply| Verdict::Settled(Outcome::of_refusal(phase, reply));
        match (&self.facts.mail, rcpt) {
            (Some(mail), _) if !is_positive(mail) => refused(Phase::Mail, mail),
            (_, Some(rcpt)) if is_positive(&rcpt) => {
                Verdict::Settled(self.of_accepted(rcpt, position))
            }
            (_, Some(rcpt)) if is_left_over(&rcpt, self.some_accepted) => {
                if self.facts.withheld {
                    Verdict::Settled(Outcome::Deferred(Cause::Replied(Phase::Rcpt, rcpt)))
                } else {
                    Verdict::LeftOver(rcpt)
                }
            }
            (_, Some(rcpt)) => refused(Phase::Rcpt, &rcpt),
            (_, None) => Verdict::Settled(match self.broken {
                Some(error) => Outcome::of_error(error),
                None => Outcome::Deferred(Cause::Withheld),
            }),
        }
    }

    /// The outcome of a recipient that RCPT accepted with this reply.
    fn of_accepted(&self, rcpt: Reply, position: usize) -> Outcome {
        let end = self.facts.end.as_ref();
        match (end.and_then(|end| end.reply(position)), &self.facts.data, self.broken) {
            (Some(reply), _, _) if is_positive(reply) => Outcome::Accepted(match end {
                Some(End::ForEach(_)) => reply.clone(),
                Some(End::ForAll(_)) | None => rcpt,
            }),
            (Some(end), _, _) => Outcome::of_refusal(Phase::EndOfData, end),
            (None, _, Some(error)) if self.facts.dot_sent => {
                Outcome::Uncertain(Cause::Broke(Arc::clone(error)))
            }
            (None, _, Some(error)) => Outcome::of_error(error),
            (None, Some(data), None) => Outcome::of_refusal(Phase::Data, data),
            // Nothing was sent because another recipient was refused: whether
            // trying again is of use depends on that refusal.
            (None, None, None) if self.some_for_now => Outcome::Deferred(Cause::Withheld),
            (None, None, None) => Outcome::Rejected(Cause::Withheld),
        }
    }
}

fn is_positive(reply: &Reply) -> bool {
    reply.severity() == Severity::Positive
}

/// RFC 5321 §4.5.3.1.10: 452, and 552 read as 452, mean "too many recipients"
/// once one was accepted; but a mailbox that is full (x.2.2) and a message
/// that is too large (5.2.3, 5.3.4) mean what they say.
fn is_left_over(rcpt: &Reply, some_accepted: bool) -> bool {
    let about_something_else =
        rcpt.enhanced.is_some_and(|e| matches!((e.subject, e.detail), (2, 2 | 3) | (3, 4)));
    some_accepted && matches!(rcpt.code.value(), 452 | 552) && !about_something_else
}

/// "Too many recipients" to MAIL, when nobody was named yet, means too many
/// messages: so say servers that have no reply for it.
fn is_about_messages(mail: &Reply) -> bool {
    match mail.enhanced {
        Some(code) => (code.subject, code.detail) == (5, 3),
        None => mail.code.value() == 452,
    }
}

/// True when the same command may succeed later without anybody changing
/// anything.
fn may_pass(error: &Error) -> bool {
    match &error.kind {
        Kind::Net(cause) => channel_may_be_had_later(cause, error.phase),
        Kind::Refused(reply) => reply.severity() == Severity::Transient,
        Kind::Secret { absence, .. } => *absence == Absence::Passing,
        Kind::Mechanism(MechanismError::Scram { fault, .. }) => {
            *fault == ScramFault::Refused("no-resources")
        }
        // Who asked for that may leave it out the next time.
        Kind::Stopped(_) => true,
        Kind::Malformed(_)
        | Kind::OutOfTurn(_)
        | Kind::Lacks(_)
        | Kind::NoMechanism { .. }
        | Kind::PlaintextAfterStartTls
        | Kind::BadChallenge
        | Kind::Mechanism(_)
        | Kind::Unexpected
        | Kind::NoXclient(_)
        | Kind::Source(_) => false,
    }
}

fn channel_may_be_had_later(error: &net::Error, phase: Phase) -> bool {
    match error {
        net::Error::Lookup { .. }
        // The address may come back, as one of a VPN does.
        | net::Error::Source { .. }
        | net::Error::Connect { .. }
        | net::Error::TimedOut { .. }
        | net::Error::Interrupted
        | net::Error::Closed { .. }
        | net::Error::Io(_) => true,
        // Once TLS stands, its failures are those of a connection.
        net::Error::Tls(_) => phase != Phase::Handshake,
        // What a proxy says of a server that it could not reach is what we
        // would have found ourselves.
        net::Error::Proxy { fault, .. } => {
            fault.may_pass(|unreached| channel_may_be_had_later(unreached, phase))
        }
        net::Error::NoSuchHost { .. }
        | net::Error::NoAddressOfFamily { .. }
        | net::Error::NoAddressFrom { .. }
        | net::Error::NotASocket(_)
        | net::Error::Forbidden(_)
        | net::Error::NotTls { .. }
        | net::Error::Certificate { .. }
        | net::Error::NoCommonVersion { .. }
        | net::Error::NoCommonSuite
        | net::Error::ClientCertificate(_)
        | net::Error::TlsName(_)
        | net::Error::Roots { .. }
        | net::Error::SystemRoots(_) => false,
    }
}

/// True when another address or server may be asked after this error. Not
/// where it would be told the same: a refused sign-in must not be hammered,
/// and what is wrong on our side is wrong everywhere.
fn another_may_do(error: &Error) -> bool {
    match &error.kind {
        Kind::Net(error) => !matches!(
            error,
            net::Error::Interrupted
                | net::Error::Source { .. }
                | net::Error::Proxy { fault: ProxyFault::SignInRefused, .. }
                | net::Error::Roots { .. }
                | net::Error::SystemRoots(_)
        ),
        Kind::Refused(reply) => {
            error.phase != Phase::Auth || reply.severity() == Severity::Transient
        }
        Kind::Malformed(_)
        | Kind::OutOfTurn(_)
        | Kind::Lacks(_)
        | Kind::NoMechanism { .. }
        | Kind::PlaintextAfterStartTls
        | Kind::BadChallenge => true,
        Kind::Mechanism(_)
        | Kind::Secret { .. }
        | Kind::Source(_)
        | Kind::Stopped(_)
        | Kind::Unexpected
        | Kind::NoXclient(_) => false,
    }
}

#[cfg(test)]
mod tests;
