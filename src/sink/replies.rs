//! Replies of the receiver: how they are made and how they look on the wire.

use crate::smtp::{ForwardPath, Reply};
use std::io::Write as _;

/// A reply from a code and a text that may begin with an enhanced status code.
pub(super) fn say(code: u16, text: &str) -> Reply {
    let reply = Reply::new(code, text).expect("the receiver's codes lie between 200 and 599");
    reply.with_enhanced()
}

/// Appends the wire form (RFC 5321 §4.2.1). The enhanced status code stands on
/// each line (RFC 2034 §4).
pub(super) fn write(reply: &Reply, wire: &mut Vec<u8>) {
    let empty = [String::new()];
    let lines = if reply.text.is_empty() { &empty[..] } else { &reply.text };
    for (at, line) in lines.iter().enumerate() {
        let mark = if at + 1 == lines.len() { ' ' } else { '-' };
        let Reply { code, enhanced, .. } = reply;
        // Writing to memory does not fail.
        let _ = write!(wire, "{code}{mark}");
        if let Some(enhanced) = enhanced {
            let _ = write!(wire, "{enhanced} ");
        }
        wire.extend_from_slice(line.as_bytes());
        wire.extend_from_slice(b"\r\n");
    }
}

/// A recipient that the receiver refuses, and with what reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    recipient: ForwardPath,
    reply: Reply,
}

impl Refusal {
    /// Reads `ADDRESS=CODE` or `ADDRESS=CODE TEXT`. The local part `*` stands
    /// for every mailbox of its domain; the text may begin with an enhanced
    /// status code. The error is a sentence.
    pub fn parse(rule: &str) -> Result<Self, String> {
        let (address, code, text) = cut(rule).ok_or_else(|| {
            format!("‘{rule}’ is not of the form ADDRESS=CODE or ADDRESS=CODE TEXT")
        })?;
        if !(400..600).contains(&code) {
            return Err(format!("{code} does not refuse: the code is 400 to 599"));
        }
        if text.contains(char::is_control) {
            return Err("the text of a reply has no control characters".to_owned());
        }
        let recipient =
            address.parse().map_err(|why| format!("‘{address}’ is not a mail address: {why}"))?;
        let given = say(code, text);
        let reply = match (given.enhanced, code / 100) {
            (Some(_), _) => given,
            (None, 4) => say(code, format!("4.2.1 {text}").trim_end()),
            (None, _) => say(code, format!("5.1.1 {text}").trim_end()),
        };
        Ok(Refusal { recipient, reply })
    }

    /// The reply, if this recipient is meant.
    pub(super) fn applies(&self, recipient: &ForwardPath) -> Option<&Reply> {
        let meant = match (&self.recipient, recipient) {
            (ForwardPath::Mailbox(rule), ForwardPath::Mailbox(given))
                if rule.local_part() == "*" =>
            {
                rule.domain() == given.domain()
            }
            (rule, given) => rule == given,
        };
        meant.then_some(&self.reply)
    }
}

/// Cuts at the `=` before three digits, since an address may hold a `=` too.
fn cut(rule: &str) -> Option<(&str, u16, &str)> {
    rule.match_indices('=').find_map(|(at, _)| {
        let answer = &rule[at + 1..];
        let (code, text) = answer.split_once(' ').unwrap_or((answer, ""));
        let digits = code.len() == 3 && code.bytes().all(|b| b.is_ascii_digit());
        digits.then_some((&rule[..at], code.parse().ok()?, text))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(reply: &Reply) -> String {
        let mut bytes = Vec::new();
        write(reply, &mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn every_line_of_a_reply_carries_code_and_enhanced_code() {
        assert_eq!(wire(&say(250, "2.1.0 Ok")), "250 2.1.0 Ok\r\n");
        assert_eq!(wire(&say(250, "a\nb")), "250-a\r\n250 b\r\n");
        assert_eq!(wire(&say(550, "5.1.1 a\n5.1.1 b")), "550-5.1.1 a\r\n550 5.1.1 b\r\n");
        // 4954-4c: an empty challenge keeps its blank.
        assert_eq!(wire(&say(334, "")), "334 \r\n");
    }

    #[test]
    fn a_refusal_names_one_mailbox_or_a_whole_domain() {
        let reply = |rule: &str, recipient: &str| {
            let rule = Refusal::parse(rule).unwrap();
            rule.applies(&recipient.parse().unwrap()).map(ToString::to_string)
        };
        let no = Some("550 5.1.1 No such user".to_owned());
        assert_eq!(reply("bob@x.y=550 No such user", "bob@X.Y"), no);
        assert_eq!(reply("bob@x.y=550 No such user", "Bob@x.y"), None);
        assert_eq!(reply("*@x.y=550 No such user", "ann@x.y"), no);
        assert_eq!(reply("a=550@x.y=452 4.5.3 Full", "a=550@x.y"), Some("452 4.5.3 Full".into()));
        assert_eq!(reply("bob@x.y=450", "bob@x.y"), Some("450 4.2.1".into()));
        assert_eq!(reply("postmaster=550", "postmaster"), Some("550 5.1.1".into()));
    }

    #[test]
    fn a_rule_that_cannot_be_kept_is_refused() {
        for (rule, reason) in [
            ("bob@x.y", "ADDRESS=CODE"),
            ("bob@x.y=abc", "ADDRESS=CODE"),
            ("bob@x.y=250 Ok", "does not refuse"),
            ("bob=550", "not a mail address"),
            ("bob@x.y=550 a\r\nb", "control"),
        ] {
            let error = Refusal::parse(rule).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }
}
