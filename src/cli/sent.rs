//! `--save-sent`: a copy of what went out, in a Maildir.

use super::exit::Exit;
use super::failure::Failure;
use super::hint::Hint;
use super::words::plain;
use crate::delivery::{Outcome, Report, Submission};
use crate::maildir::{Draft, Name, Place, make};
use crate::message::Message;
use jiff::Timestamp;
use std::io;
use std::path::{Path, PathBuf};

/// A copy that is to be: its file is there before anybody is asked, so that
/// what stands in the way is known while nothing has been sent. Dropping it
/// leaves nothing behind.
pub(super) struct SentCopy<'d> {
    directory: &'d Path,
    draft: Draft,
}

impl<'d> SentCopy<'d> {
    /// Makes the Maildir if it is missing, and a file in it (73).
    pub(super) fn begin(directory: &'d Path, host: &str) -> Result<Self, Failure> {
        let draft = make(directory)
            .and_then(|()| Name::at(Timestamp::now()))
            .and_then(|name| Draft::begin(directory, &name, host));
        let cannot = |error| {
            let sentence = format!("cannot save the sent message in {}", directory.display());
            Failure::caused(Exit::CantCreat, sentence, error)
                .hint(Hint::from("name another directory: ").option("save-sent", "DIR"))
        };
        Ok(SentCopy { directory, draft: draft.map_err(cannot)? })
    }

    /// Writes the copy if some server has the message, or may have it, or the
    /// queue does; returns its file, or the sentence that says why there is
    /// none.
    pub(super) fn keep(
        self,
        report: &Report,
        is_queued: bool,
        submission: &Submission,
    ) -> Result<Option<PathBuf>, String> {
        let may_be_there = |(_, outcome): &(_, Outcome)| may_be_there(outcome);
        if !is_queued && !report.recipients.iter().any(may_be_there) {
            return Ok(None);
        }
        let SentCopy { directory, mut draft } = self;
        let message = octets_sent(report, submission);
        if message.facts().binary {
            draft = draft.binary();
        }
        let written = message.open().map_err(io::Error::from);
        let kept = written
            .and_then(|mut octets| io::copy(&mut octets, &mut draft))
            .and_then(|_| draft.keep_on_disk(Place::Seen));
        kept.map(Some).map_err(|error| {
            let directory = directory.display();
            plain(&format!("no copy of the message was saved in {directory}: {error}"))
        })
    }
}

/// The message in the form in which it last went out.
pub(super) fn octets_sent<'s>(report: &Report, submission: &'s Submission) -> &'s Message {
    let message = submission.message.as_ref();
    let width = report.attempts.iter().rev().find_map(|attempt| attempt.width);
    // That form is made already, so it is at hand.
    width.and_then(|width| message.fitted(width).ok()).unwrap_or(message)
}

fn may_be_there(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Accepted(_) | Outcome::Uncertain(_) => true,
        Outcome::Deferred(_) | Outcome::Rejected(_) => false,
    }
}
