//! The rules of `--rules` and `--fault`.

use crate::account::duration;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::sink::{Fault, Rule, Stage};
use crate::smtp::Reply;
use serde::Deserialize;
use std::fs;
use std::path::Path;
use toml::Spanned;

/// A file of rules.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    #[serde(default)]
    rule: Vec<Written>,
}

/// A rule as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    stage: Spanned<String>,
    recipient: Option<String>,
    sender: Option<String>,
    nth: Option<Spanned<u32>>,
    reply: Option<Spanned<String>>,
    delay: Option<Spanned<String>>,
    fault: Option<Spanned<String>>,
}

/// Where in a file something is wrong, and what.
type Wrong = (usize, String);

/// Reads `STAGE=FAULT`, where FAULT is the name of one, a reply or a duration.
/// The error is a sentence.
pub(super) fn shortcut(text: &str) -> Result<Rule, String> {
    let (name, what) = text
        .split_once('=')
        .ok_or_else(|| "it is not of the form STAGE=FAULT, as in rcpt=close".to_owned())?;
    let rule = Rule::at(stage(name)?);
    let begins_with_code = what.len() >= 3 && what.as_bytes()[..3].iter().all(u8::is_ascii_digit);
    let is_reply = begins_with_code && !what[3..].starts_with(|c: char| c.is_ascii_alphanumeric());
    let rule = if is_reply {
        Rule { reply: Some(reply(what)?), ..rule }
    } else if what.starts_with(|c: char| c.is_ascii_digit()) {
        let delay = duration(what).map_err(|why| format!("‘{what}’ is not a duration: {why}"))?;
        Rule { delay: Some(delay), ..rule }
    } else {
        Rule { fault: Some(fault(what)?), ..rule }
    };
    consistent(&rule)?;
    Ok(rule)
}

/// Reads a file of rules. What is wrong with it is said with its line.
pub(super) fn read(file: &Path) -> Result<Vec<Rule>, Failure> {
    let text = fs::read_to_string(file).map_err(|error| {
        let sentence = format!("cannot read the rules in {}", file.display());
        Failure::caused(Exit::NoInput, sentence, error)
    })?;
    rules(&text).map_err(|(at, why)| {
        let line = text[..at.min(text.len())].matches('\n').count() + 1;
        let place = format!("{}:{line}", file.display());
        Failure::say(Exit::Config, format!("{place}: {why}"))
            .hint("envoi-sink(1) describes the keys of a rule")
    })
}

fn rules(text: &str) -> Result<Vec<Rule>, Wrong> {
    let rules: Rules = toml::from_str(text).map_err(|error| {
        (error.span().map_or(0, |span| span.start), error.message().replace('\n', " "))
    })?;
    rules.rule.into_iter().map(Written::rule).collect()
}

impl Written {
    fn rule(self) -> Result<Rule, Wrong> {
        let at = self.stage.span().start;
        let stage = of(&self.stage, stage)?;
        let nth = self.nth.as_ref();
        if let Some(nth) = nth.filter(|nth| *nth.get_ref() == 0) {
            return Err((nth.span().start, "the first is 1".to_owned()));
        }
        let rule = Rule {
            nth: nth.map(|nth| *nth.get_ref()),
            reply: self.reply.as_ref().map(|it| of(it, reply)).transpose()?,
            delay: self.delay.as_ref().map(|it| of(it, delay)).transpose()?,
            fault: self.fault.as_ref().map(|it| of(it, fault)).transpose()?,
            recipient: self.recipient,
            sender: self.sender,
            ..Rule::at(stage)
        };
        consistent(&rule).map_err(|why| (at, why))?;
        Ok(rule)
    }
}

/// Reads a value; what is wrong with it is at its place.
fn of<T>(
    value: &Spanned<String>,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Result<T, Wrong> {
    read(value.get_ref()).map_err(|why| (value.span().start, why))
}

fn stage(name: &str) -> Result<Stage, String> {
    named(&Stage::ALL, name).ok_or_else(|| format!("‘{name}’ is no stage: {}", names(&Stage::ALL)))
}

fn fault(name: &str) -> Result<Fault, String> {
    named(&Fault::ALL, name).ok_or_else(|| format!("‘{name}’ is no fault: {}", names(&Fault::ALL)))
}

fn named<T: Copy>(all: &[(&str, T)], name: &str) -> Option<T> {
    all.iter().find(|(known, _)| *known == name).map(|(_, it)| *it)
}

fn names<T>(all: &[(&str, T)]) -> String {
    let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
    format!("there are {}", names.join(", "))
}

fn delay(text: &str) -> Result<std::time::Duration, String> {
    duration(text).map_err(|why| format!("‘{text}’ is not a duration: {why}"))
}

fn reply(text: &str) -> Result<Reply, String> {
    let (code, rest) = text.split_once(' ').unwrap_or((text, ""));
    let is_code = code.len() == 3 && code.bytes().all(|octet| octet.is_ascii_digit());
    let code = code.parse().ok().filter(|_| is_code);
    let reply = code.and_then(|code| Reply::new(code, rest).ok());
    if rest.contains(char::is_control) {
        return Err("the text of a reply has no control characters".to_owned());
    }
    let wrong = || format!("‘{text}’ is no reply, such as 450 4.2.1 Later");
    Ok(reply.ok_or_else(wrong)?.with_enhanced())
}

/// Whether the parts of a rule go together.
fn consistent(rule: &Rule) -> Result<(), String> {
    let is_tls = rule.stage == Stage::Tls;
    if rule.reply.is_none() && rule.delay.is_none() && rule.fault.is_none() {
        return Err("the rule does nothing: it has no reply, no delay and no fault".to_owned());
    }
    if is_tls && rule.reply.is_some() {
        return Err("nothing is replied to a handshake".to_owned());
    }
    match rule.fault {
        Some(fault) if fault.is_of_handshake() && !is_tls => {
            Err(format!("‘{}’ is for the stage tls", fault.name()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_rule_is_said_with_its_place() {
        for (text, line, why) in [
            ("[[rule]]\nstage = 'rcpt'\n", 2, "the rule does nothing"),
            ("[[rule]]\nstage = 'rcpt'\nfault = 'turnip'\n", 3, "‘turnip’ is no fault: there are"),
            ("\n[[rule]]\nstage = 'lunch'\n", 3, "‘lunch’ is no stage: there are greeting, "),
            ("[[rule]]\nstage = 'tls'\nreply = '421'\n", 2, "nothing is replied to a handshake"),
            ("[[rule]]\nstage = 'rcpt'\nfault = 'expired'\n", 2, "‘expired’ is for the stage tls"),
            ("[[rule]]\nstage = 'rcpt'\nreply = '45'\n", 3, "‘45’ is no reply"),
            ("[[rule]]\nstage = 'rcpt'\nreply = \"450 a\\tb\"\n", 3, "the text of a reply"),
            ("[[rule]]\nstage = 'rcpt'\nnth = 0\nreply = '450'\n", 3, "the first is 1"),
            ("[[rule]]\nstage = 'rcpt'\ndelay = 'soon'\n", 3, "‘soon’ is not a duration"),
            ("[[rule]]\nstage = 'rcpt'\n\nturnip = 1\n", 4, "unknown field `turnip`"),
            ("[[rule]]\nstage = 'rcpt\n", 2, ""),
        ] {
            let (at, got) = rules(text).expect_err(text);
            assert_eq!(text[..at].matches('\n').count() + 1, line, "{text}: {got}");
            assert!(got.starts_with(why), "{text}: {got}");
        }
    }

    #[test]
    fn a_shortcut_is_a_fault_a_reply_or_a_delay() {
        let rule = Rule::at(Stage::Rcpt);
        assert_eq!(shortcut("rcpt=close"), Ok(Rule { fault: Some(Fault::Close), ..rule.clone() }));
        let delay = Some(std::time::Duration::from_secs(200));
        assert_eq!(shortcut("rcpt=200s"), Ok(Rule { delay, ..rule }));
        let said = shortcut("mail=450 4.2.1 Later").unwrap().reply.unwrap();
        assert_eq!(said.to_string(), "450 4.2.1 Later");
        assert!(shortcut("rcpt").is_err() && shortcut("rcpt=").is_err());
        assert!(shortcut("rcpt=999").is_err() && shortcut("mail=wrong-name").is_err());
    }
}
