//! Values of the log: nothing from outside ends one.

use super::super::escape::reorders;
use crate::smtp::Reply;

/// The lines as the server wrote them, what ends each written as msmtp does.
pub(super) fn lines_of(reply: &Reply) -> String {
    let code = reply.code;
    let enhanced = reply.enhanced.map_or_else(String::new, |enhanced| format!("{enhanced} "));
    let (last, others) = match reply.text.split_last() {
        Some((last, others)) => (last.as_str(), others),
        None => ("", &[][..]),
    };
    let others: String = others.iter().map(|text| format!("{code}-{enhanced}{text}\\n")).collect();
    format!("{others}{code} {enhanced}{last}").trim_end().to_owned()
}

/// A value that ends at a blank.
pub(super) fn word(text: &str, longest: usize) -> String {
    let tame = |c: char| if c.is_whitespace() { '?' } else { tamed(c) };
    cut(text.chars().map(tame), longest)
}

/// Values with commas between.
pub(super) fn list(values: &[String], most: usize, longest: usize) -> String {
    let value = |value: &String| word(value, longest).replace(',', "?");
    let mut list: Vec<_> = values.iter().take(most).map(value).collect();
    if values.len() > most {
        list.push("...".to_owned());
    }
    list.join(",")
}

/// A value between quotation marks.
pub(super) fn quoted(text: &str, longest: usize) -> String {
    cut(text.chars().map(|c| if c == '\'' { '?' } else { tamed(c) }), longest)
}

/// Nothing that a terminal obeys, and nothing that ends a line (SEC-6).
fn tamed(c: char) -> char {
    if c.is_control() || reorders(c) { '?' } else { c }
}

fn cut(mut characters: impl Iterator<Item = char>, longest: usize) -> String {
    let mut text: String = characters.by_ref().take(longest).collect();
    if characters.next().is_some() {
        text.push_str("...");
    }
    text
}
