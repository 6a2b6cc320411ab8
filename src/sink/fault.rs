//! Rules by which the receiver misbehaves: at which stage, for whom, and how.

use crate::smtp::Reply;
use std::collections::HashMap;
use std::time::Duration;

/// When a rule counts: before the receiver answers this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The connection; the answer is the greeting.
    Greeting,
    /// EHLO, HELO or LHLO.
    Ehlo,
    /// STARTTLS.
    StartTls,
    /// The handshake of TLS.
    Tls,
    /// XCLIENT.
    Xclient,
    /// Each line of a sign-in.
    Auth,
    /// MAIL.
    Mail,
    /// RCPT.
    Rcpt,
    /// DATA.
    Data,
    /// A chunk; the answer to the last one is that to the message.
    Bdat,
    /// A message after DATA.
    Message,
    /// RSET.
    Rset,
    /// QUIT.
    Quit,
}

/// What the receiver does in place of a proper answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It closes the connection.
    Close,
    /// It resets the connection.
    Reset,
    /// It says nothing more, and reads what comes.
    HalfClose,
    /// It sends the answer octet by octet.
    Trickle,
    /// It spreads the answer over a hundred lines.
    Multiline,
    /// Its answer has a line of a mebioctet.
    Oversized,
    /// Its answer has one line after another, until the client leaves.
    Endless,
    /// Its answer is not one of SMTP.
    Garbage,
    /// Behind its answer stands another one to nothing.
    Extra,
    /// It has hardly any room for what comes, from here on.
    TinyWindow,
    /// It closes the connection without `close_notify`, after its answer.
    NoCloseNotify,
    /// Its certificate has expired.
    Expired,
    /// Its certificate is for another name.
    WrongName,
    /// It has no version of TLS that the client may use, as a server that stayed
    /// with TLS 1.1.
    OldTls,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// When it counts.
    pub stage: Stage,
    /// The recipients that it is for, as `*@example.org`; at stages behind RCPT
    /// one of them is enough.
    pub recipient: Option<String>,
    /// The senders that it is for.
    pub sender: Option<String>,
    /// It counts this time only, of those on one connection when it would;
    /// from 1.
    pub nth: Option<u32>,
    /// What is answered. A refusal leaves everything as it was, and 421 ends the
    /// connection.
    pub reply: Option<Reply>,
    /// How long the answer takes.
    pub delay: Option<Duration>,
    /// What is wrong besides.
    pub fault: Option<Fault>,
}

/// Who a command is about, as far as is known.
#[derive(Clone, Debug, Default)]
pub(super) struct About {
    pub(super) sender: Option<String>,
    pub(super) recipients: Vec<String>,
}

/// The rules on one connection.
#[derive(Debug)]
pub(super) struct Rules<'r> {
    rules: &'r [Rule],
    met: HashMap<usize, u32>,
}

impl Stage {
    /// Each stage by its name.
    pub const ALL: [(&'static str, Stage); 13] = [
        ("greeting", Stage::Greeting),
        ("ehlo", Stage::Ehlo),
        ("starttls", Stage::StartTls),
        ("tls", Stage::Tls),
        ("xclient", Stage::Xclient),
        ("auth", Stage::Auth),
        ("mail", Stage::Mail),
        ("rcpt", Stage::Rcpt),
        ("data", Stage::Data),
        ("bdat", Stage::Bdat),
        ("message", Stage::Message),
        ("rset", Stage::Rset),
        ("quit", Stage::Quit),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Stage::ALL.iter().find(|(_, stage)| *stage == self).map_or("", |(name, _)| name)
    }

    /// That of a command.
    pub(super) fn of(line: &[u8]) -> Option<Self> {
        let verb = line.split(|octet| *octet == b' ').next()?;
        let verb = std::str::from_utf8(verb).ok()?.to_ascii_lowercase();
        match &*verb {
            "helo" | "lhlo" => Some(Stage::Ehlo),
            "greeting" | "tls" | "message" => None,
            verb => Stage::ALL.iter().find(|(name, _)| *name == verb).map(|(_, stage)| *stage),
        }
    }
}

impl Fault {
    /// Each fault by its name.
    pub const ALL: [(&'static str, Fault); 14] = [
        ("close", Fault::Close),
        ("reset", Fault::Reset),
        ("half-close", Fault::HalfClose),
        ("trickle", Fault::Trickle),
        ("multiline", Fault::Multiline),
        ("oversized", Fault::Oversized),
        ("endless", Fault::Endless),
        ("garbage", Fault::Garbage),
        ("extra", Fault::Extra),
        ("tiny-window", Fault::TinyWindow),
        ("no-close-notify", Fault::NoCloseNotify),
        ("expired", Fault::Expired),
        ("wrong-name", Fault::WrongName),
        ("old-tls", Fault::OldTls),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Fault::ALL.iter().find(|(_, fault)| *fault == self).map_or("", |(name, _)| name)
    }

    /// True for what only a handshake can have.
    pub fn is_of_handshake(self) -> bool {
        matches!(self, Fault::Expired | Fault::WrongName | Fault::OldTls)
    }
}

impl Rule {
    /// A rule for everybody that does nothing yet.
    pub fn at(stage: Stage) -> Self {
        let (recipient, sender, nth, reply, delay, fault) = Default::default();
        Rule { stage, recipient, sender, nth, reply, delay, fault }
    }

    fn is_about(&self, about: &About) -> bool {
        let sender = self.sender.as_deref().is_none_or(|pattern| {
            about.sender.as_deref().is_some_and(|sender| fits(pattern, sender))
        });
        let recipient = self
            .recipient
            .as_deref()
            .is_none_or(|pattern| about.recipients.iter().any(|it| fits(pattern, it)));
        sender && recipient
    }
}

impl<'r> Rules<'r> {
    pub(super) fn new(rules: &'r [Rule]) -> Self {
        Rules { rules, met: HashMap::new() }
    }

    /// True when there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The first rule that counts now.
    pub(super) fn meet(&mut self, stage: Stage, about: &About) -> Option<&'r Rule> {
        let rules = self.rules.iter().enumerate();
        for (at, rule) in rules.filter(|(_, rule)| rule.stage == stage && rule.is_about(about)) {
            let met = self.met.entry(at).or_default();
            *met += 1;
            if rule.nth.is_none_or(|nth| nth == *met) {
                return Some(rule);
            }
        }
        None
    }
}

/// Whether a text is like a pattern, whose `*` stand for anything. Capitals do
/// not count.
fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_lowercase(), text.to_lowercase());
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, text, expected) in [
            ("a@x", "A@X", true),
            ("a@x", "a@xy", false),
            ("*", "", true),
            ("*@x", "a@x", true),
            ("*@x", "a@y", false),
            ("a*@*x", "ab@yx", true),
            ("a*a", "a", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn the_nth_time_is_counted_rule_by_rule() {
        let rule = Rule { recipient: Some("*@x".into()), nth: Some(2), ..Rule::at(Stage::Rcpt) };
        let binding = [rule, Rule { recipient: Some("b*".into()), ..Rule::at(Stage::Rcpt) }];
        let mut rules = Rules::new(&binding);
        let mut meet = |to: &str| {
            let about = About { sender: None, recipients: vec![to.to_owned()] };
            rules.meet(Stage::Rcpt, &about).and_then(|rule| rule.nth)
        };
        assert_eq!(
            [meet("b@x"), meet("a@y"), meet("a@x"), meet("a@x")],
            [None, None, Some(2), None]
        );
    }
}
