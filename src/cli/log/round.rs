//! Which recipients a line is about: of each server those whom it was asked
//! about, and in one line those whom none was.

use super::super::exit::Exit;
use crate::delivery::{Attempt, Outcome, Report, Submission};
use crate::smtp::{ForwardPath, Phase};
use std::collections::HashSet;

/// A recipient, and what became of it.
pub(super) type Fate = (ForwardPath, Outcome);

/// What came of a message.
pub(super) struct Outcomes<'o> {
    pub(super) report: &'o Report,
    pub(super) submission: &'o Submission,
    /// Those for whom the message is in the queue.
    pub(super) kept: HashSet<&'o ForwardPath>,
    /// Nothing tries what is in the queue.
    pub(super) is_idle: bool,
    /// The user's wish to stop.
    pub(super) signal: Option<usize>,
}

impl<'o> Outcomes<'o> {
    /// The fates of these recipients.
    pub(super) fn of(&self, is_one: impl Fn(&ForwardPath) -> bool) -> Vec<&'o Fate> {
        self.report.recipients.iter().filter(|(path, _)| is_one(path)).collect()
    }

    /// The status that the program would end with if these were all.
    pub(super) fn exit(&self, decided: &[&Fate], attempts: &[Attempt]) -> Exit {
        let recipients = decided.iter().map(|&fate| fate.clone()).collect();
        let report = Report { attempts: attempts.to_vec(), recipients };
        let is_kept = |at: &usize| self.kept.contains(&decided[*at].0);
        let kept: Vec<usize> = (0..decided.len()).filter(is_kept).collect();
        Exit::of_report(&report, &kept, self.signal)
    }

    /// The recipients among these for whom the message is in the queue.
    pub(super) fn queued(&self, decided: &[&Fate]) -> Vec<String> {
        let kept = decided.iter().filter(|(path, _)| self.kept.contains(path));
        kept.map(|(path, _)| path.to_string()).collect()
    }
}

/// What was asked of one server in a row.
pub(super) struct Round<'r> {
    pub(super) attempts: &'r [Attempt],
    /// The one that tells most.
    pub(super) attempt: &'r Attempt,
    pub(super) to: &'r [ForwardPath],
}

/// The attempts by servers; at its next address, a server is asked about those
/// who are left of the same.
pub(super) fn rounds(report: &Report) -> Vec<Round<'_>> {
    let goes_on = |before: &Attempt, next: &Attempt| {
        let mut to = before.to.iter();
        before.server == next.server && next.to.iter().all(|path| to.any(|it| it == path))
    };
    report.attempts.chunk_by(goes_on).filter_map(Round::of).collect()
}

impl<'r> Round<'r> {
    fn of(attempts: &'r [Attempt]) -> Option<Self> {
        let attempt = decisive(attempts)?;
        Some(Round { attempts, attempt, to: &attempts.first()?.to })
    }
}

/// Of the attempts at one server, that which got farther than to an address
/// where nobody listens; else the last.
fn decisive(attempts: &[Attempt]) -> Option<&Attempt> {
    let answered = |attempt: &&Attempt| {
        let error = attempt.error.as_ref();
        error.is_none_or(|error| !matches!(error.phase, Phase::Lookup | Phase::Connect))
    };
    attempts.iter().rfind(answered).or(attempts.last())
}

/// The recipients by what became of them.
pub(super) fn fates(decided: &[&Fate]) -> Vec<(&'static str, Vec<String>)> {
    let mut fates: Vec<(&'static str, Vec<String>)> =
        ["accepted", "deferred", "rejected", "uncertain"].map(|fate| (fate, Vec::new())).into();
    for (path, outcome) in decided {
        let at = match outcome {
            Outcome::Accepted(_) => 0,
            Outcome::Deferred(_) => 1,
            Outcome::Rejected(_) => 2,
            Outcome::Uncertain(_) => 3,
        };
        fates[at].1.push(path.to_string());
    }
    fates.retain(|(_, paths)| !paths.is_empty());
    fates
}
