//! Aliases: names, and what they stand for (aliases(5)).

use super::super::address_list::Spelt;
use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;

/// What names stand for. Names are compared without regard to case.
#[derive(Debug, Default)]
pub struct Aliases {
    pub(super) entries: HashMap<String, Entry>,
    pub(super) for_all: Option<Entry>,
    pub(super) faults: Vec<AliasError>,
}

impl Aliases {
    /// Lines that could not be read and were passed over.
    pub fn faults(&self) -> &[AliasError] {
        &self.faults
    }
}

/// One alias.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) at: AliasLine,
    pub(super) targets: Vec<Target>,
    /// It is for every name that has none of its own.
    pub(super) is_for_all: bool,
}

/// One of the things that an alias stands for.
#[derive(Debug)]
pub(super) enum Target {
    /// An address, or a name that may be an alias itself.
    Address(Spelt),
    /// The same, whether or not there is an alias for it.
    Final(Spelt),
    /// Nothing that mail can be sent to: an error for whoever uses it, and no
    /// harm to the other aliases of the file.
    Refused(AliasError),
}

/// A line of a file, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasLine {
    /// The file.
    pub file: PathBuf,
    /// The line.
    pub line: usize,
}

/// Why an alias leads nowhere. The `Display` form is a sentence that begins
/// with the file and the line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AliasError {
    /// Not `name: target, …`.
    #[error("{at}: {reason}")]
    Syntax {
        /// Where.
        at: AliasLine,
        /// A clause: what is wrong there.
        reason: String,
    },
    /// `|program`.
    #[error(
        "{at}: the alias ‘{name}’ hands mail to a program, ‘{target}’, which envoi does not do"
    )]
    Program {
        /// Where.
        at: AliasLine,
        /// The alias.
        name: String,
        /// The program, with its bar.
        target: String,
    },
    /// `/file`.
    #[error("{at}: the alias ‘{name}’ writes mail to a file, ‘{target}’, which envoi does not do")]
    File {
        /// Where.
        at: AliasLine,
        /// The alias.
        name: String,
        /// The file.
        target: String,
    },
    /// `:include:FILE`, and the file cannot be read.
    #[error("{at}: cannot read the list ‘{}’: {reason}", .list.display())]
    List {
        /// Where.
        at: AliasLine,
        /// The file.
        list: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// An alias that leads back to itself.
    #[error("{at}: the alias leads back to itself: {}", .chain.join(" -> "))]
    Circle {
        /// The last step.
        at: AliasLine,
        /// Every step, the first one again at the end.
        chain: Vec<String>,
    },
    /// Too many aliases in a row.
    #[error("{at}: the alias ‘{name}’ is the fifty-first in a row")]
    Deep {
        /// Where.
        at: AliasLine,
        /// The alias.
        name: String,
    },
}

impl fmt::Display for AliasLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

impl Aliases {
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.for_all.is_none()
    }

    /// The alias of this name, or of this address.
    pub(super) fn named(&self, name: &str) -> Option<&Entry> {
        self.entries.get(&name.to_lowercase())
    }

    /// The alias of every name that has none.
    pub(super) fn for_all(&self) -> Option<&Entry> {
        self.for_all.as_ref()
    }
}
