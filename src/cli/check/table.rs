//! What was found, for people: a line for each finding, under what it is about.

use super::finding::{Finding, Verdict};
use super::{Checked, Subject};
use crate::cli::escape::Escaped;
use std::io::{self, Write};

/// Where what was found begins.
const INDENT: usize = 29;

/// Prints it, in lines of `width` columns if that is known; where that is to be `quiet`,
/// warnings and faults only.
pub(super) fn print(
    checked: &Checked,
    quiet: bool,
    width: Option<usize>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let least = if quiet { Verdict::Warning } else { Verdict::Ok };
    for subject in &checked.subjects {
        print_one(subject, least, width, out)?;
    }
    if quiet { Ok(()) } else { writeln!(out, "{}", total(checked)) }
}

fn print_one(
    subject: &Subject,
    least: Verdict,
    width: Option<usize>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut told = subject.findings.iter().filter(|it| it.verdict >= least).peekable();
    if told.peek().is_none() {
        return Ok(());
    }
    writeln!(out, "{}", Escaped(&subject.name))?;
    told.try_for_each(|finding| line(finding, width, out))?;
    writeln!(out)
}

fn line(finding: &Finding, width: Option<usize>, out: &mut dyn Write) -> io::Result<()> {
    let (verdict, rule) = (finding.verdict.word(), finding.rule);
    let found = folded(&Escaped(&finding.found).to_string(), width);
    writeln!(out, "  {verdict:<8} {rule:<17} {found}")?;
    if let Some(why) = finding.why {
        writeln!(out, "{:INDENT$}{}", "", folded(&format!("why: {why}"), width))?;
    }
    // Not folded, since it is pasted.
    finding.hints.iter().try_for_each(|hint| writeln!(out, "{:INDENT$}hint: {}", "", Escaped(hint)))
}

/// The text behind the indent, between words in lines that fit; those of a narrow
/// terminal are the terminal's affair.
fn folded(text: &str, width: Option<usize>) -> String {
    let Some(room) = width.and_then(|width| width.checked_sub(INDENT)).filter(|it| *it >= 20)
    else {
        return text.to_owned();
    };
    let mut folded = String::new();
    let mut column = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > room {
            folded.push('\n');
            folded.push_str(&" ".repeat(INDENT));
            column = 0;
        } else if column > 0 {
            folded.push(' ');
            column += 1;
        }
        folded.push_str(word);
        column += length;
    }
    folded
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

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(width: Option<usize>) -> String {
        let found = "PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256 OAUTHBEARER XOAUTH2 ANONYMOUS";
        let finding = Finding::warning(found, "so it is, and it is so for longer than one line is")
            .hint("a hint that is pasted and so stands in one line however long that is");
        let mut out = Vec::new();
        line(&Finding { rule: "mechanisms", ..finding }, width, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_does_not_fit_a_line_goes_on_below_its_beginning() {
        let expected = "  \
  warning  mechanisms        PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256
                             OAUTHBEARER XOAUTH2 ANONYMOUS
                             why: so it is, and it is so for longer than one
                             line is
                             hint: a hint that is pasted and so stands in one line however long \
                             that is
";
        assert_eq!(shown(Some(80)), expected);
        // Nobody sees it, or nothing would fit.
        assert_eq!(shown(None).lines().count(), 3);
        assert_eq!(shown(Some(40)).lines().count(), 3);
    }
}
