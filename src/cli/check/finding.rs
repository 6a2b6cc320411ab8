//! What is found, and the rules that find it.

use crate::cli::exit::Exit;
use crate::cli::hint::Hint;

/// How bad it is, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// As it should be.
    Ok,
    /// Worth knowing, and no trouble.
    Note,
    /// It could not be told.
    Unknown,
    /// Mail goes, but something is not as it should be, or not for long.
    Warning,
    /// Mail does not go, or not as the account wants it.
    Fault,
}

/// What one rule has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// The name of the rule.
    pub(super) rule: &'static str,
    /// How bad it is.
    pub(super) verdict: Verdict,
    /// What was found, in a clause. As servers sent it: escape it.
    pub(super) found: String,
    /// Why it matters, in a clause; where nothing is wrong, nobody asks.
    pub(super) why: Option<&'static str>,
    /// What to change.
    pub(super) hints: Vec<Hint>,
    /// The status of a program that ends because of it.
    pub(super) exit: Exit,
}

/// One function from facts to what is found in them; `None` where the rule is
/// about something that is not there.
pub(super) struct Rule<F> {
    /// A word for programs, and the first of the line for people.
    pub(super) name: &'static str,
    /// What is found.
    pub(super) judge: fn(&F) -> Option<Finding>,
}

/// What all rules of a table find.
pub(super) fn judged<F>(rules: &[Rule<F>], facts: &F) -> Vec<Finding> {
    let found = |rule: &Rule<F>| Some(Finding { rule: rule.name, ..(rule.judge)(facts)? });
    rules.iter().filter_map(found).collect()
}

impl Verdict {
    /// The word for it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::Note => "note",
            Verdict::Unknown => "unknown",
            Verdict::Warning => "warning",
            Verdict::Fault => "fault",
        }
    }
}

impl Finding {
    /// A finding that says no more than this.
    pub(super) fn new(verdict: Verdict, found: impl Into<String>) -> Self {
        let found = found.into();
        Finding { rule: "", verdict, found, why: None, hints: Vec::new(), exit: Exit::Ok }
    }

    pub(super) fn ok(found: impl Into<String>) -> Self {
        Finding::new(Verdict::Ok, found)
    }

    pub(super) fn note(found: impl Into<String>) -> Self {
        Finding::new(Verdict::Note, found)
    }

    pub(super) fn unknown(found: impl Into<String>) -> Self {
        Finding::new(Verdict::Unknown, found)
    }

    pub(super) fn warning(found: impl Into<String>, why: &'static str) -> Self {
        Finding { why: Some(why), ..Finding::new(Verdict::Warning, found) }
    }

    pub(super) fn fault(found: impl Into<String>, why: &'static str, exit: Exit) -> Self {
        Finding { why: Some(why), exit, ..Finding::new(Verdict::Fault, found) }
    }

    pub(super) fn hint(mut self, hint: impl Into<Hint>) -> Self {
        self.hints.push(hint.into());
        self
    }

    pub(super) fn hints(self, hints: Vec<Hint>) -> Self {
        Finding { hints, ..self }
    }
}
