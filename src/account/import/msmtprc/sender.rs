//! `from`: an address, one that is computed, or a pattern of several.

use super::super::{Context, Meaning};
use super::Said;
use super::settings::Account;
use crate::account::machine::small_file;
use crate::smtp::Mailbox;

/// Fills in `from` and `match`.
pub(super) fn fill(account: &mut Account, said: &Said, context: Context<'_>) {
    if said.is("auto_from", "on") {
        let line = said.line("auto_from").unwrap_or_default();
        let domain = said.text("maildomain").map(str::to_owned);
        match (user(context), domain) {
            (Some(user), Some(domain)) => {
                account.warn(line, FOR_ONE_USER);
                let domain = expanded(&domain, context);
                named(account, said, line, &format!("{user}@{domain}"));
            }
            (Some(_), None) => {
                account.mean(line, Meaning::already("the sender is the user at this machine"));
            }
            (None, _) => account.mean(line, Meaning::gone("it is not known who the user is")),
        }
        return;
    }
    account.skip(said, &["maildomain"], "auto_from is off");
    let (Some(from), Some(line)) = (said.text("from"), said.line("from")) else { return };
    if from.contains(['*', '?', '[']) {
        return patterns_of(account, from, line);
    }
    if from == "%F" {
        account.mean(line, Meaning::already("the sender is the author that From names"));
        return;
    }
    if from.contains("%U") {
        account.warn(line, FOR_ONE_USER);
    }
    named(account, said, line, &expanded(from, context));
}

/// What to know about a sender that was computed for whoever reads the file.
pub(super) const FOR_ONE_USER: &str = "it is written down for the user who reads it now; for every user of \
                            the machine, leave out from and write domain in [rewrite]";

fn named(account: &mut Account, said: &Said, line: usize, address: &str) {
    match address.parse::<Mailbox>() {
        Ok(mailbox) => {
            account.settings.from = Some(match said.text("from_full_name") {
                Some(name) => with_name(name, &mailbox),
                None => mailbox.to_string(),
            });
        }
        Err(why) => {
            let reason = format!("‘{address}’ is no whole address: {why}");
            account.mean(line, Meaning::gone(reason));
        }
    }
}

/// RFC 5322 §3.2.4.
fn with_name(name: &str, mailbox: &Mailbox) -> String {
    let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{quoted}\" <{mailbox}>")
}

fn patterns_of(account: &mut Account, from: &str, line: usize) {
    let patterns: Option<Vec<_>> =
        spelt_out(from).map(|texts| texts.iter().filter_map(|text| text.parse().ok()).collect());
    match patterns.filter(|patterns: &Vec<_>| !patterns.is_empty()) {
        Some(patterns) => account.settings.matches = Some(patterns),
        None => account.mean(
            line,
            Meaning::lost(
                "a pattern has only * and ? in envoi",
                "write patterns that fit: match = [\"…@example.org\"]",
            ),
        ),
    }
}

/// The patterns that one with sets of characters stands for, if they are few.
fn spelt_out(pattern: &str) -> Option<Vec<String>> {
    let mut every = vec![String::new()];
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('[') {
        let (inside, after) = after.split_once(']')?;
        let letters = letters(inside)?;
        every = every
            .iter()
            .flat_map(|begun| letters.iter().map(move |letter| format!("{begun}{before}{letter}")))
            .collect();
        if every.len() > MOST_PATTERNS {
            return None;
        }
        rest = after;
    }
    for begun in &mut every {
        begun.push_str(rest);
    }
    Some(every)
}

const MOST_PATTERNS: usize = 64;

/// The letters of a set such as `a-cx`; `None` for one that is turned around.
fn letters(set: &str) -> Option<Vec<char>> {
    if set.is_empty() || set.starts_with(['!', '^']) {
        return None;
    }
    let set: Vec<char> = set.chars().collect();
    let mut letters = Vec::new();
    let mut at = 0;
    while at < set.len() {
        match set[at..] {
            [first, '-', last, ..] if first <= last => {
                letters.extend((first..=last).take(MOST_PATTERNS + 1));
                at += 3;
            }
            _ => {
                letters.push(set[at]);
                at += 1;
            }
        }
    }
    Some(letters)
}

/// A text with what stands for the user and the machine filled in.
pub(super) fn expanded(text: &str, context: Context<'_>) -> String {
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            plain.push(c);
            continue;
        }
        match chars.next() {
            Some('U') => plain.push_str(&user(context).unwrap_or_default()),
            Some('H' | 'C') => plain.push_str(&host(context)),
            Some('M') => plain.push_str(&mail_name(context)),
            Some(other) => plain.extend(['%', other]),
            None => plain.push('%'),
        }
    }
    plain
}

/// As msmtp asks: the environment first.
fn user(context: Context<'_>) -> Option<String> {
    let named = ["USER", "LOGNAME"].into_iter().find_map(|name| context.environment.get(name));
    let named = named.and_then(|name| name.into_string().ok());
    let number = rustix::process::getuid().as_raw();
    named.or_else(|| context.machine.user(number, context.environment).map(|user| user.name))
}

fn host(context: Context<'_>) -> String {
    let named = context.environment.get("HOSTNAME").and_then(|name| name.into_string().ok());
    named.unwrap_or_else(|| context.machine.node.clone())
}

fn mail_name(context: Context<'_>) -> String {
    let octets = small_file(&context.machine.mail_name).unwrap_or_default();
    String::from_utf8_lossy(&octets).lines().next().unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_characters_becomes_a_pattern_for_each() {
        let spelt = |text| spelt_out(text).unwrap_or_default().join(" ");
        assert_eq!(spelt("*@x.example"), "*@x.example");
        assert_eq!(spelt("[ab]*@x"), "a*@x b*@x");
        assert_eq!(spelt("[a-c]@[xy].z"), "a@x.z a@y.z b@x.z b@y.z c@x.z c@y.z");
        assert_eq!(spelt("[-a]@x"), "-@x a@x");
        for text in ["[!a]@x", "[^a]@x", "[a@x", "[]@x", "[a-z][a-z]@x", "[\0-\u{ffff}]@x"] {
            assert_eq!(spelt_out(text), None, "{text}");
        }
    }

    #[test]
    fn a_name_stands_in_quotation_marks() {
        let mailbox = "a@x.example".parse().unwrap();
        assert_eq!(with_name("A \"B\" \\C", &mailbox), r#""A \"B\" \\C" <a@x.example>"#);
    }
}
