//! What was found, for people: a line for each finding, under what it is about.

use super::finding::{Finding, Verdict};
use super::{Checked, Subject};
use crate::cli::escape::Escaped;
use std::io::{self, Write};

/// Where what was found begins.
const INDENT: usize = 29;

/// Prints it; where that is to be `quiet`, warnings and faults only.
pub(super) fn print(checked: &Checked, quiet: bool, out: &mut dyn Write) -> io::Result<()> {
    let least = if quiet { Verdict::Warning } else { Verdict::Ok };
    for subject in &checked.subjects {
        print_one(subject, least, out)?;
    }
    if quiet { Ok(()) } else { writeln!(out, "{}", total(checked)) }
}

fn print_one(subject: &Subject, least: Verdict, out: &mut dyn Write) -> io::Result<()> {
    let mut told = subject.findings.iter().filter(|it| it.verdict >= least).peekable();
    if told.peek().is_none() {
        return Ok(());
    }
    writeln!(out, "{}", Escaped(&subject.name))?;
    told.try_for_each(|finding| line(finding, out))?;
    writeln!(out)
}

fn line(finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    let (verdict, rule) = (finding.verdict.word(), finding.rule);
    writeln!(out, "  {verdict:<8} {rule:<17} {}", Escaped(&finding.found))?;
    if let Some(why) = finding.why {
        writeln!(out, "{:INDENT$}why: {why}", "")?;
    }
    finding.hints.iter().try_for_each(|hint| writeln!(out, "{:INDENT$}hint: {}", "", Escaped(hint)))
}

/// How many findings are bad, in a sentence.
pub(super) fn total(checked: &Checked) -> String {
    let counted = |verdict, one: &str, many: &str| match checked.count(verdict) {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{count} {many}")),
    };
    let bad = [
        counted(Verdict::Fault, "fault", "faults"),
        counted(Verdict::Warning, "warning", "warnings"),
        counted(Verdict::Unknown, "thing could not be told", "things could not be told"),
    ];
    let bad: Vec<String> = bad.into_iter().flatten().collect();
    let bad = if bad.is_empty() { "nothing is wrong".to_owned() } else { bad.join(", ") };
    let stopped = if checked.signal.is_some() { "interrupted; " } else { "" };
    format!("{stopped}{bad}; nothing was sent")
}
