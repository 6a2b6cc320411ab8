//! What people read of a report.

use super::original::Head;
use super::{Action, Diagnostic, RecipientStatus, StatusReport, cut, harmless};
use crate::message::Error;
use crate::smtp::{Reply, Severity};

/// The text, its lines ended by LF.
pub(super) fn written(report: &StatusReport, head: Option<&Head>) -> Result<String, Error> {
    let mut paragraphs = vec![
        format!("This is the mail system of {}.", harmless(report.reporter.name())),
        gist(report),
    ];
    paragraphs.extend(head.and_then(message));
    if let Action::Delayed { will_retry_until } = report.action {
        paragraphs.push(format!(
            "Nothing is lost, and you need not do anything: it is tried again and again\n\
             until {}. If it then has not been\n\
             delivered, you will be told. Please do not send it again.",
            report.told(will_retry_until)?
        ));
    }
    for recipient in &report.recipients {
        paragraphs.push(fate(recipient, report)?);
    }
    paragraphs.push(enclosed(report, head).to_owned());
    Ok(paragraphs.join("\n\n") + "\n")
}

/// What happened to whom.
fn gist(report: &StatusReport) -> String {
    let to = match &report.recipients[..] {
        [one] => format!("to {}", harmless(&one.path.to_string())),
        many => format!("to {} of its recipients", many.len()),
    };
    match report.action {
        Action::Failed => format!("Your message could not be delivered {to}."),
        Action::Delayed { .. } => format!("Your message could not yet be delivered {to}."),
    }
}

/// Which message it is.
fn message(head: &Head) -> Option<String> {
    let subject = head.subject().map(|subject| format!("    Subject: {subject}"));
    let date = head.date().map(|date| format!("    Date:    {date}"));
    let lines: Vec<_> = subject.into_iter().chain(date).collect();
    (!lines.is_empty()).then(|| format!("It is this message:\n\n{}", lines.join("\n")))
}

/// What became of it for one recipient, and what to do.
fn fate(recipient: &RecipientStatus, report: &StatusReport) -> Result<String, Error> {
    let mut lines = vec![harmless(&recipient.path.to_string())];
    let server = recipient
        .server
        .as_deref()
        .map_or("The server".to_owned(), |name| format!("The server {}", harmless(name)));
    match &recipient.diagnostic {
        Diagnostic::Replied(reply) => {
            lines.push(format!("    {server} answered:"));
            lines.extend(answer(reply).into_iter().map(|line| format!("        {line}")));
        }
        Diagnostic::Ours(clause) => lines.push(format!("    {}", cut(&harmless(clause), LONGEST))),
    }
    if let Some(last_attempt) = recipient.last_attempt {
        lines.push(format!("    That was on {}.", report.told(last_attempt)?));
    }
    if report.action == Action::Failed && is_for_now(&recipient.diagnostic) {
        let since = report.told(report.arrived)?;
        lines.push(format!("    It was tried again and again since {since},"));
        lines.push("    and is given up now.".to_owned());
    }
    if report.action == Action::Failed {
        let advice = advice(recipient, report);
        lines.extend(advice.lines().map(|line| format!("    {line}")));
    }
    Ok(lines.join("\n"))
}

/// The server would have been asked again.
fn is_for_now(diagnostic: &Diagnostic) -> bool {
    match diagnostic {
        Diagnostic::Replied(reply) => reply.severity() == Severity::Transient,
        Diagnostic::Ours(_) => false,
    }
}

/// In characters, and in lines.
const LONGEST: usize = 500;
const MOST_LINES: usize = 20;

/// A reply, as many of its lines as tell something.
fn answer(reply: &Reply) -> Vec<String> {
    let enhanced = reply.enhanced.map_or_else(String::new, |code| format!(" {code}"));
    let start = format!("{}{enhanced}", reply.code);
    let mut lines: Vec<String> = reply
        .text
        .iter()
        .take(MOST_LINES)
        .map(|line| format!("{start} {}", cut(&harmless(line), LONGEST)).trim_end().to_owned())
        .collect();
    if lines.is_empty() {
        lines.push(start);
    }
    if reply.text.len() > MOST_LINES {
        lines.push("…".to_owned());
    }
    lines
}

/// What its sender can do (RFC 3463 §3).
fn advice(recipient: &RecipientStatus, report: &StatusReport) -> String {
    let status = recipient.status;
    match (status.class, status.subject, status.detail) {
        (5, 1, 0..=6 | 10) => {
            "Look for a mistake in the address. If there is one, send the message again\n\
             to the right address."
                .to_owned()
        }
        (_, 2, 2) => {
            "The mailbox is full. Tell the recipient in another way, or try again later.".to_owned()
        }
        (_, 2, 3) | (_, 3, 4) => {
            "The message is too large. Send less at once, or a link to the files.".to_owned()
        }
        (4, ..) => {
            "It was tried for as long as this machine tries. Send the message again later,\n\
             or tell the recipient in another way."
                .to_owned()
        }
        _ => {
            let who = match &recipient.server {
                Some(server) => format!("whoever runs {}", harmless(server)),
                None => harmless(&report.from.to_string()),
            };
            format!(
                "If that does not tell you what to change, show this to\n\
                 {who}, or tell the recipient in another way."
            )
        }
    }
}

/// What is behind this text.
fn enclosed(report: &StatusReport, head: Option<&Head>) -> &'static str {
    match head {
        None => "A report for programs is enclosed.",
        Some(_) if report.returns_whole() => {
            "A report for programs is enclosed, and your message or its header."
        }
        Some(_) => "A report for programs is enclosed, and the header of your message.",
    }
}
