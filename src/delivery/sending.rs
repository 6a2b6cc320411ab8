//! What is said on a session for one message: as many transactions as the
//! server wants, and what they mean for each recipient.

use super::Submission;
use super::outcome::{Cause, Outcome, Verdict, judge};
use super::report::{Attempt, Ledger};
use super::route::Hop;
use crate::message;
use crate::session::{
    End, Error, Kind, Misfit, Plan, Session, Shortfall, Transaction, form, negotiate, width,
};
use crate::smtp::{Envelope, Keyword, Phase};
use std::sync::Arc;

/// Sends to everybody who is open, in as many transactions as the server
/// wants. How long that took goes into the attempt.
pub(super) fn send(
    submission: &Submission,
    hop: &Hop,
    session: &mut Session<'_>,
    ledger: &mut Ledger<'_>,
    attempt: &mut Attempt,
) {
    let mut waiting = sendable(&submission.envelope, session, ledger);
    if hop.all_or_nothing && waiting.len() < ledger.away() {
        // Somebody is refused already, here or by an earlier server.
        return ledger.withhold();
    }
    while !waiting.is_empty() && session.is_usable() {
        // Only within one transaction can there be all or nothing.
        let cap = hop.max_recipients.filter(|_| !hop.all_or_nothing);
        let most = cap.unwrap_or(usize::MAX).min(waiting.len());
        let batch: Vec<usize> = waiting.drain(..most).collect();
        let left_over = transact(submission, hop, session, &batch, ledger, attempt);
        // A batch that is left over whole would be left over for ever; the
        // judgement sees to it that somebody was accepted.
        waiting.splice(0..0, left_over);
        let is_over = waiting.is_empty() && ledger.is_settled();
        if !is_over && !ledger.tell_decided() {
            break;
        }
    }
    attempt.timings.extend_from_slice(session.timings());
}

/// The open recipients that this server can be asked about: an address that
/// needs SMTPUTF8 where it is not offered fails alone.
fn sendable(envelope: &Envelope, session: &Session<'_>, ledger: &mut Ledger<'_>) -> Vec<usize> {
    let has_smtputf8 = session.capabilities().has(Keyword::SmtpUtf8);
    let mut sendable = Vec::new();
    for at in ledger.open() {
        let path = &envelope.to()[at].path;
        if path.needs_smtputf8() && !has_smtputf8 {
            let unmet = Shortfall::Utf8Address(path.to_string());
            ledger.note(at, Outcome::Rejected(Cause::Unmet(unmet)));
        } else {
            sendable.push(at);
        }
    }
    sendable
}

/// One transaction for one batch of recipients. Returns those whom the server
/// wants in another.
fn transact(
    submission: &Submission,
    hop: &Hop,
    session: &mut Session<'_>,
    batch: &[usize],
    ledger: &mut Ledger<'_>,
    attempt: &mut Attempt,
) -> Vec<usize> {
    let mut note_batch = |outcome: &Outcome| {
        for &at in batch {
            ledger.note(at, outcome.clone());
        }
        Vec::new()
    };
    let envelope = &submission.envelope;
    let to: Vec<_> = batch.iter().map(|&at| &envelope.to()[at]).collect();
    let unreadable = |error: message::Error, attempt: &mut Attempt| {
        let source = Kind::Source(std::io::Error::other(error));
        let error = Arc::new(Error::new(Phase::Content, source));
        attempt.error = Some(Arc::clone(&error));
        Outcome::of_error(&error)
    };
    let message = match form(&submission.message, session.way()) {
        Ok(message) => message,
        Err(Misfit::Lacking(shortfall)) => {
            return note_batch(&Outcome::Rejected(Cause::Unmet(shortfall)));
        }
        Err(Misfit::Failed(error)) => return note_batch(&unreadable(error, attempt)),
    };
    let terms = match negotiate(envelope, &to, message.facts(), session.way()) {
        Ok(terms) => terms,
        Err(shortfall) => return note_batch(&Outcome::Rejected(Cause::Unmet(shortfall))),
    };
    let mut octets = match message.open() {
        Ok(octets) => octets,
        Err(error) => return note_batch(&unreadable(error, attempt)),
    };
    if !std::ptr::eq(message, submission.message.as_ref()) && attempt.width.is_none() {
        message.changes().iter().for_each(|change| session.note(&change.to_string()));
    }
    let plan = Plan {
        from: &envelope.from,
        parameters: &terms.mail,
        to: terms.to.iter().map(AsRef::as_ref).collect(),
        all_or_nothing: hop.all_or_nothing,
    };
    let facts = session.transact(&plan, &mut octets);
    if facts.dot_sent {
        attempt.width = Some(width(session.way()));
        attempt.lacks_dsn = !session.capabilities().has(Keyword::Dsn);
    }
    settle(facts, batch, ledger, attempt)
}

/// Notes what a transaction means for its recipients. Returns those whom the
/// server wants in another.
fn settle(
    mut facts: Transaction,
    batch: &[usize],
    ledger: &mut Ledger<'_>,
    attempt: &mut Attempt,
) -> Vec<usize> {
    let broken = facts.broken.take().map(Arc::new);
    attempt.end = facts.end.as_ref().and_then(End::main_reply).cloned().or(attempt.end.take());
    attempt.error = broken.clone().or(attempt.error.take());
    let mut left_over = Vec::new();
    for (&at, verdict) in batch.iter().zip(judge(facts, batch.len(), broken.as_ref())) {
        match verdict {
            Verdict::Settled(outcome) => ledger.note(at, outcome),
            Verdict::LeftOver(reply) => {
                // Until the next transaction says otherwise.
                ledger.note(at, Outcome::Deferred(Cause::Replied(Phase::Rcpt, reply)));
                left_over.push(at);
            }
        }
    }
    left_over
}
