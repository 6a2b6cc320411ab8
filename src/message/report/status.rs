//! What programs read of a report: message/delivery-status (RFC 3464 §2) and
//! message/global-delivery-status (RFC 6533 §4.1).

use super::super::Error;
use super::super::header::Header;
use super::super::octets::Piece;
use super::super::part::Part;
use super::{Action, Diagnostic, RecipientStatus, Reporter, StatusReport, harmless, leaf};
use crate::smtp::Reply;

/// The part, in UTF-8 where that is allowed and needed.
pub(super) fn part(report: &StatusReport, utf8: bool) -> Result<Part, Error> {
    if utf8 {
        let octets = groups(report, true)?;
        if !octets.is_ascii() {
            let held = vec![Piece::Held(octets)];
            return leaf("message/global-delivery-status", "8bit", held);
        }
    }
    leaf("message/delivery-status", "7bit", vec![Piece::Held(groups(report, false)?)])
}

/// The fields of the message, and those of each recipient behind an empty line.
fn groups(report: &StatusReport, utf8: bool) -> Result<Vec<u8>, Error> {
    let mut octets = of_message(report)?.into_octets();
    for recipient in &report.recipients {
        octets.extend_from_slice(b"\r\n");
        octets.extend(of_recipient(recipient, report, utf8)?.into_octets());
    }
    Ok(octets)
}

/// RFC 3464 §2.2.
fn of_message(report: &StatusReport) -> Result<Header, Error> {
    let mut fields = Header::default();
    if let Some(envid) = &report.envid {
        fields.structured("Original-Envelope-Id", envid.as_str())?;
    }
    let reporter = match &report.reporter {
        Reporter::Dns(name) => format!("dns; {}", plain(name)),
        // RFC 3461 §6.3.
        Reporter::Local(name) => format!("x-local-hostname; {}", plain(name)),
    };
    fields.structured("Reporting-MTA", &reporter)?;
    fields.structured("Arrival-Date", &report.told(report.arrived)?)?;
    Ok(fields)
}

/// RFC 3464 §2.3.
fn of_recipient(
    recipient: &RecipientStatus,
    report: &StatusReport,
    utf8: bool,
) -> Result<Header, Error> {
    let mut fields = Header::default();
    if let Some(orcpt) = &recipient.orcpt {
        let original = orcpt.in_report(utf8);
        // One that was in UTF-8 may be too long for a line without. Then the
        // report is worth more than the field.
        match fields.in_utf8("Original-Recipient", &original) {
            Ok(()) | Err(Error::HeaderValue(_)) => {}
            Err(error) => return Err(error),
        }
    }
    fields.in_utf8("Final-Recipient", &recipient.path.in_report(utf8))?;
    fields.structured("Action", action(report.action))?;
    fields.structured("Status", &recipient.status.to_string())?;
    if let Some(server) = &recipient.server {
        fields.structured("Remote-MTA", &format!("dns; {}", plain(server)))?;
    }
    fields.structured("Diagnostic-Code", &diagnostic(&recipient.diagnostic))?;
    if let Some(last_attempt) = recipient.last_attempt {
        fields.structured("Last-Attempt-Date", &report.told(last_attempt)?)?;
    }
    if let Action::Delayed { will_retry_until } = report.action {
        fields.structured("Will-Retry-Until", &report.told(will_retry_until)?)?;
    }
    Ok(fields)
}

fn action(action: Action) -> &'static str {
    match action {
        Action::Failed => "failed",
        Action::Delayed { .. } => "delayed",
    }
}

fn diagnostic(diagnostic: &Diagnostic) -> String {
    match diagnostic {
        Diagnostic::Replied(reply) => format!("smtp; {}", plain(&transcript(reply))),
        // RFC 3464 §2.1.2: names with X- are free.
        Diagnostic::Ours(clause) => format!("x-envoi; {}", plain(clause)),
    }
}

/// The lines of a reply with their codes, one after the other (RFC 3461 §9.2).
fn transcript(reply: &Reply) -> String {
    let last = reply.text.len().saturating_sub(1);
    let code = reply.code;
    let enhanced = reply.enhanced.map_or_else(String::new, |code| format!("{code} "));
    if reply.text.is_empty() {
        return format!("{code} {enhanced}");
    }
    let line = |(at, text): (usize, &String)| {
        let mark = if at == last { ' ' } else { '-' };
        format!("{code}{mark}{enhanced}{text}")
    };
    reply.text.iter().enumerate().map(line).collect::<Vec<_>>().join(" ")
}

/// Octets of a text that are worth a place here.
const LONGEST: usize = 4000;
/// A word that is no longer can be folded before.
const LONGEST_WORD: usize = 500;

/// Text of others as US-ASCII that fits in a field.
fn plain(text: &str) -> String {
    let ascii = |c: char| if c.is_ascii() { c } else { '?' };
    let text: String = harmless(text).chars().map(ascii).take(LONGEST).collect();
    let mut plain = String::with_capacity(text.len());
    let mut length = 0;
    for c in text.trim().chars() {
        length = if c == ' ' { 0 } else { length + 1 };
        if length > LONGEST_WORD {
            plain.push(' ');
            length = 1;
        }
        plain.push(c);
    }
    plain
}
