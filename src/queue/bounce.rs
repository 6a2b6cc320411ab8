//! Telling the sender: that recipients failed, or that they still wait. A
//! report is an entry like any other, from the null sender; what fails with it
//! makes no further one (RFC 5321 §6.1), but stays on this machine.

use super::retry::later;
use super::{Answer, Fate, Happening, Head, Id, KeepError, Line, Queue, State, Taken};
use crate::maildir;
use crate::message::{
    Action, Address, Diagnostic, Error, Message, Original, RecipientStatus, Reporter, StatusReport,
    Width, message_id,
};
use crate::smtp::{EnhancedCode, Mailbox, Recipient, Reply, Ret};
use jiff::{Timestamp, Zoned};
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// Who reports, and where reports stay that nobody takes.
pub struct Reporting<'r> {
    /// The name that the system gives this machine.
    pub host: &'r str,
    /// Who writes where the message went through this account.
    pub from: &'r (dyn Fn(&str) -> Address + Sync),
    /// A moment in the zone of this machine.
    pub zone: &'r (dyn Fn(Timestamp) -> Zoned + Sync),
    /// The Maildir for reports that no server takes.
    pub maildir: PathBuf,
}

/// Why a report could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// It could not be put together.
    #[error(transparent)]
    Message(#[from] Error),
    /// It could not be kept.
    #[error(transparent)]
    Keep(#[from] KeepError),
    /// What has come of the entry could not be noted.
    #[error("the queue could not be written: {0}")]
    State(io::Error),
    /// It could not be stored in the Maildir.
    #[error(transparent)]
    Maildir(#[from] io::Error),
}

impl Queue {
    /// Does what is owed to the sender of an entry. What is done is in its
    /// state, which is not written yet.
    pub(super) fn tell_sender(
        &self,
        taken: &mut Taken<'_>,
        reporting: &Reporting<'_>,
        now: Timestamp,
    ) -> Result<(), ReportError> {
        let failed = taken.state.with(Fate::Failed);
        let is_report = taken.entry.head.is_report;
        let waiting = taken.state.waiting();
        let is_late = !taken.state.delay_told
            && taken.state.tries > 0
            && self.policy.is_late(taken.entry.head.since(), now);
        let is_delayed = is_late && !waiting.is_empty() && !is_report;
        if failed.is_empty() && !is_delayed {
            return Ok(());
        }
        // A report takes its time, and who has the message must be known before
        // (checklist Q-4).
        taken.write().map_err(ReportError::State)?;
        if !failed.is_empty() && is_report {
            self.keep_here(taken, reporting, now)?;
        } else if !failed.is_empty() {
            self.report(taken, Action::Failed, &failed, reporting, now)?;
        }
        for at in failed {
            taken.state.to[at].fate = Fate::Reported;
        }
        if is_delayed {
            let will_retry_until = later(taken.entry.head.since(), self.policy.max_age);
            let action = Action::Delayed { will_retry_until };
            self.report(taken, action, &waiting, reporting, now)?;
            taken.state.delay_told = true;
        }
        Ok(())
    }

    /// Keeps a report about these, as far as the sender is to hear of them.
    fn report(
        &self,
        taken: &Taken<'_>,
        action: Action,
        about: &[usize],
        reporting: &Reporting<'_>,
        now: Timestamp,
    ) -> Result<(), ReportError> {
        let head = &taken.entry.head;
        let Some(sender) = head.envelope.from.0.clone() else { return Ok(()) };
        let is_owed = |recipient: &Recipient| match action {
            Action::Failed => recipient.is_reported_failed(),
            Action::Delayed { .. } => recipient.is_reported_delayed(),
        };
        let to = head.envelope.to();
        let about: Vec<usize> = about.iter().copied().filter(|&at| is_owed(&to[at])).collect();
        if about.is_empty() {
            return Ok(());
        }
        let require_tls = head.envelope.require_tls;
        let from = (reporting.from)(&head.account);
        let domain = from.mailboxes().next().map(|mailbox| mailbox.domain().to_string());
        let recipients = about.iter().map(|&at| status(&to[at], &taken.state, at, action));
        let report = StatusReport {
            action,
            reporter: Reporter::named(reporting.host),
            from,
            to: sender.clone(),
            date: (reporting.zone)(now),
            message_id: message_id(domain.as_deref().unwrap_or("localhost"))?,
            arrived: head.kept,
            envid: head.envelope.envid.clone(),
            // RFC 8689 §5: of what requires TLS the header goes back, no more.
            ret: if require_tls { Some(Ret::Headers) } else { head.envelope.ret },
            recipients: recipients.collect(),
            original: Original {
                source: Arc::new(taken.entry.source(&taken.path())?),
                range: 0..head.size,
            },
        };
        let mut envelope = report.envelope();
        envelope.require_tls = require_tls;
        let message = report.into_message()?;
        let message = handy(&message, &sender);
        let id = Id::derived(&taken.entry.id, &format!("{action:?} {about:?}"));
        let head = Head {
            account: head.account.clone(),
            kept: now,
            not_before: None,
            state: State::untried(envelope.to().len()),
            envelope,
            size: 0,
            message_id: message.facts().message_id.clone(),
            owner: None,
            is_report: true,
            stays_here: head.stays_here,
        };
        match self.keep(&id, &head, message) {
            // It was kept before, by a run that came no further.
            Err(KeepError::Io { reason, .. }) if reason.kind() == io::ErrorKind::AlreadyExists => {}
            kept => kept?,
        }
        let to = vec![sender.to_string()];
        let text = format!("in the message {id}");
        let line =
            Line { at: now, id: taken.entry.id.to_string(), what: Happening::Reported, to, text };
        self.record(&line);
        Ok(())
    }

    /// Puts a report that no server takes where somebody of this machine finds
    /// it.
    fn keep_here(
        &self,
        taken: &Taken<'_>,
        reporting: &Reporting<'_>,
        now: Timestamp,
    ) -> Result<(), ReportError> {
        maildir::make(&reporting.maildir)?;
        let name = maildir::Name::at(now)?;
        let mut draft = maildir::Draft::begin(&reporting.maildir, &name, reporting.host)?;
        io::copy(&mut taken.entry.octets(), &mut draft)?;
        let path = draft.keep_on_disk(maildir::Place::New)?;
        let (id, text) = (taken.entry.id.to_string(), format!("in {}", path.display()));
        self.record(&Line { at: now, id, what: Happening::Reported, to: Vec::new(), text });
        Ok(())
    }
}

/// What became of the message for one recipient.
fn status(recipient: &Recipient, state: &State, at: usize, action: Action) -> RecipientStatus {
    let answer = state.to[at].answer.as_ref();
    let reply = answer.and_then(Answer::reply);
    let unknown = match action {
        Action::Failed => EnhancedCode::PERMANENT,
        Action::Delayed { .. } => EnhancedCode::TRANSIENT,
    };
    // What was put off for too long has failed, whatever its last answer.
    let said = reply
        .as_ref()
        .map(Reply::status)
        .or(answer.and_then(Answer::status))
        .filter(|said| said.class == unknown.class);
    RecipientStatus {
        path: recipient.path.clone(),
        orcpt: recipient.orcpt.clone(),
        status: said.unwrap_or(unknown),
        server: answer.and_then(|answer| answer.server.as_deref()).map(name_of),
        diagnostic: match (reply, answer) {
            (Some(reply), _) => Diagnostic::Replied(reply),
            (None, Some(answer)) => Diagnostic::Ours(answer.text.join(" ")),
            (None, None) => Diagnostic::Ours("it was never tried".to_owned()),
        },
        last_attempt: answer.map(|answer| answer.at),
    }
}

/// A server, as a report names it: an address stands in brackets.
fn name_of(server: &str) -> String {
    if server.parse::<IpAddr>().is_ok() { format!("[{server}]") } else { server.to_owned() }
}

/// The form that every server takes, where the sender's address lets it.
fn handy<'m>(message: &'m Message, sender: &Mailbox) -> &'m Message {
    if sender.needs_smtputf8() {
        return message;
    }
    message.fitted(Width::SEVEN_BIT).unwrap_or(message)
}

impl Id {
    /// What is always called the same: a report about this entry, of this kind,
    /// so that no run keeps it twice.
    fn derived(id: &Id, what: &str) -> Self {
        Id::of_number(xxh3_64(format!("{id} {what}").as_bytes()))
    }
}

/// Where reports stay that no server takes, beside the queue.
pub fn unreportable(queue: &Path) -> PathBuf {
    queue.parent().unwrap_or(queue).join("reports")
}
