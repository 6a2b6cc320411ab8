//! What must hold of the octets of every message, whatever it means, and what a
//! case says of its octets.

use crate::case::{Case, Expected};
use std::collections::BTreeMap;

/// RFC 5322 §2.1.1, without the CRLF: must, and should.
const LONGEST_LINE: usize = 998;
const LINE: usize = 78;
/// RFC 2047 §2.
const ENCODED_WORD: usize = 75;
const LINE_WITH_ENCODED_WORD: usize = 76;

/// What is wrong with the octets of this case's message.
pub(crate) fn faults(case: &Case, message: &[u8]) -> Vec<String> {
    let shown = || String::from_utf8_lossy(&message[..message.len().min(3000)]).replace('\r', "");
    let mut faults = Vec::new();
    lines(case, message, &mut faults);
    if message.is_ascii() == case.expected.eight_bit {
        let is = if case.expected.eight_bit { "no" } else { "an" };
        faults.push(format!("{is} octet above 127"));
    }
    let lines: Vec<&str> = shown_lines(message);
    let end = lines.iter().position(|line| line.is_empty()).unwrap_or(lines.len());
    header(case, &lines[..end], &mut faults);
    told(&case.expected, message, &mut faults);
    faults.into_iter().map(|fault| format!("== {}: {fault}\n{}", case.name, shown())).collect()
}

/// RFC 5321 §2.3.8, RFC 5322 §2.1.1.
fn lines(case: &Case, message: &[u8], faults: &mut Vec<String>) {
    if message.contains(&0) {
        faults.push("NUL".to_owned());
    }
    if !message.ends_with(b"\n") {
        faults.push("the last line has no end".to_owned());
    }
    for (at, line) in message.split_inclusive(|&octet| octet == b'\n').enumerate() {
        let Some(line) = line.strip_suffix(b"\r\n") else {
            faults.push(format!("line {} does not end in CRLF", at + 1));
            continue;
        };
        if line.contains(&b'\r') {
            faults.push(format!("a lone CR in line {}", at + 1));
        }
        if line.len() > LONGEST_LINE && !case.expected.too_long {
            faults.push(format!("{} octets in line {}", line.len(), at + 1));
        }
    }
}

/// The lines, as far as they are text; each octet that is not becomes U+FFFD.
fn shown_lines(message: &[u8]) -> Vec<&str> {
    message
        .split(|&octet| octet == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .map(|line| std::str::from_utf8(line).unwrap_or("\u{fffd}"))
        .collect()
}

fn header(case: &Case, lines: &[&str], faults: &mut Vec<String>) {
    // RFC 5322 §3.6, §3.6.3; what no message that is submitted lacks or has.
    let mut counts: BTreeMap<&str, usize> =
        [("date", 1), ("from", 1), ("message-id", 1), ("bcc", 0)].into();
    if case.is_composed {
        counts.insert("mime-version", 1);
    }
    counts.extend(case.expected.count.iter().map(|(name, count)| (name.as_str(), *count)));
    for (name, count) in counts {
        let is = |line: &&&str| {
            line.split_once(':')
                .is_some_and(|(other, _)| name.eq_ignore_ascii_case(other.trim_end()))
        };
        let found = lines.iter().filter(is).count();
        if found != count {
            faults.push(format!("{name} stands there {found} times, not {count}"));
        }
    }
    if !case.is_composed {
        return;
    }
    let longest = case.expected.longest.unwrap_or(LINE);
    for line in lines {
        if line.trim().is_empty() {
            faults.push("a header line of blanks (RFC 5322 §2.2.3)".to_owned());
        }
        if line.len() > longest {
            faults.push(format!("{} octets in the header line {line}", line.len()));
        }
        for word in line.split(' ').filter(|word| word.starts_with("=?") && word.ends_with("?=")) {
            if word.len() > ENCODED_WORD || line.len() > LINE_WITH_ENCODED_WORD {
                faults.push(format!("a line with an encoded-word is too long: {line}"));
            }
        }
    }
}

fn told(expected: &Expected, message: &[u8], faults: &mut Vec<String>) {
    let text = String::from_utf8_lossy(message).replace("\r\n", "\n");
    for has in expected.has.iter().filter(|has| !text.contains(*has)) {
        faults.push(format!("it lacks {has:?}"));
    }
    for lacks in expected.lacks.iter().filter(|lacks| text.contains(*lacks)) {
        faults.push(format!("it has {lacks:?}"));
    }
    let body = text.split_once("\n\n").map_or("", |(_, body)| body);
    if expected.body.as_ref().is_some_and(|expected| expected.replace("\r\n", "\n") != body) {
        faults.push(format!("the body is not {:?}", expected.body));
    }
}
