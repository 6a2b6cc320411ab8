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
    /// Why it matters, in a clause; where all is as it should be, nobody asks.
    pub(super) why: Option<&'static str>,
    /// What to change.
    pub(super) hints: Vec<Hint>,
    /// The status of a program that ends because of it.
    pub(super) exit: Exit,
}

/// One function from facts to what is found in them.
pub(super) struct Rule<F> {
    /// A word for programs, and the first of the line for people.
    pub(super) name: &'static str,
    /// What is found.
    pub(super) judge: Judge<F>,
}

/// How many findings a rule has.
pub(super) enum Judge<F> {
    /// One; `None` where the rule is about something that is not there.
    One(fn(&F) -> Option<Finding>),
    /// One for each of several things.
    Each(fn(&F) -> Vec<Finding>),
}

impl<F> Rule<F> {
    pub(super) const fn one(name: &'static str, judge: fn(&F) -> Option<Finding>) -> Self {
        Rule { name, judge: Judge::One(judge) }
    }

    pub(super) const fn each(name: &'static str, judge: fn(&F) -> Vec<Finding>) -> Self {
        Rule { name, judge: Judge::Each(judge) }
    }

    fn found_in(&self, facts: &F) -> Vec<Finding> {
        let found = match self.judge {
            Judge::One(judge) => judge(facts).into_iter().collect(),
            Judge::Each(judge) => judge(facts),
        };
        found.into_iter().map(|finding| Finding { rule: self.name, ..finding }).collect()
    }
}

/// What all rules of a table find.
pub(super) fn judged<F>(rules: &[Rule<F>], facts: &F) -> Vec<Finding> {
    rules.iter().flat_map(|rule| rule.found_in(facts)).collect()
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

    /// The same, which matters for this reason.
    pub(super) fn because(self, why: &'static str) -> Self {
        Finding { why: Some(why), ..self }
    }

    /// The same, about something that keeps no mail from going.
    pub(super) fn at_most_a_warning(self) -> Self {
        match self.verdict {
            Verdict::Fault => Finding { verdict: Verdict::Warning, exit: Exit::Ok, ..self },
            _ => self,
        }
    }

    /// The same, where it is no trouble: then nobody asks why, or what to change.
    pub(super) fn at_most_a_note(self) -> Self {
        if self.verdict <= Verdict::Note {
            return self;
        }
        Finding { rule: self.rule, ..Finding::note(self.found) }
    }

    pub(super) fn hint(mut self, hint: impl Into<Hint>) -> Self {
        self.hints.push(hint.into());
        self
    }

    pub(super) fn hints(self, hints: Vec<Hint>) -> Self {
        Finding { hints, ..self }
    }
}
