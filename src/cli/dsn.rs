//! Delivery status notifications (RFC 3461): what is asked for, and what cannot
//! be had.

use super::home::Household;
use crate::account::Account;
use crate::delivery::{Attempt, Outcome, Report};
use crate::smtp::{DsnRequest, EnvId, Envelope, ForwardPath, Keyword, Notify, Recipient, Severity};

/// The envelope with what is asked about reports: as typed, else as the account
/// says. What was typed and is of no use becomes a warning.
pub(super) fn ask(
    envelope: Envelope,
    typed: DsnRequest,
    account: Option<&Account>,
    warnings: &mut Vec<String>,
) -> Envelope {
    let possible = typed.clone().for_sender(&envelope.from);
    if possible != typed {
        warnings.push(
            "no reports are asked for: they go to the sender of the envelope, and there is none"
                .to_owned(),
        );
    }
    if possible.envid.as_ref().is_some_and(EnvId::is_unhandy) {
        // RFC 3461 §5.4.
        warnings.push(
            "the envelope identifier has more than 32 characters, which not every server keeps"
                .to_owned(),
        );
    }
    envelope.asking(DsnRequest {
        notify: typed.notify.or(account.and_then(|account| account.dsn)),
        ret: typed.ret.or(account.and_then(|account| account.dsn_return)),
        envid: typed.envid,
    })
}

/// What could not be asked of the servers that have the message, each server
/// once (RFC 3461 §5.2.2: whoever hands a message to such a server says so);
/// and that nobody reports what is kept here.
pub(super) fn unasked(
    envelope: &Envelope,
    report: &Report,
    household: Option<&Household>,
) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    let Some(missing) = missing_without(envelope) else { return told };
    for attempt in report.attempts.iter().filter(|attempt| took_unasked(attempt)) {
        let server = &attempt.server;
        let sentence = format!("{server} does not offer {}: {missing}", Keyword::Dsn.as_str());
        if !told.contains(&sentence) {
            told.push(sentence);
        }
    }
    let on_success = |recipient: &Recipient| recipient.notify.is_some_and(Notify::on_success);
    let is_kept = |(path, outcome): &(ForwardPath, Outcome)| {
        matches!(outcome, Outcome::Accepted(_)) && household.is_some_and(|it| it.keeps(path))
    };
    if envelope.to().iter().any(on_success) && report.recipients.iter().any(is_kept) {
        told.push("no report of success will come of what is kept on this machine".to_owned());
    }
    told
}

/// What a server that does not offer DSN does instead of what is asked; `None`
/// if nothing is.
pub(super) fn missing_without(envelope: &Envelope) -> Option<&'static str> {
    if !envelope.asks_for_reports() {
        return None;
    }
    Some(match envelope.to().iter().find_map(|recipient| recipient.notify) {
        Some(Notify::NEVER) => "it may report failures all the same",
        Some(notify) if notify.on_success() => "no report of success will come from there",
        Some(_) | None => "what it reports, and how, is up to it",
    })
}

/// Whether the message is there, or may be, and nothing could be asked.
fn took_unasked(attempt: &Attempt) -> bool {
    let refused = |severity| matches!(severity, Severity::Transient | Severity::Permanent);
    attempt.lacks_dsn && !attempt.end.as_ref().is_some_and(|end| refused(end.severity()))
}
