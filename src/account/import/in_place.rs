//! An msmtprc in place of a configuration: where there is none of envoi's, what
//! msmtp would do is done.

use super::format::{MSMTP_OF_SYSTEM, msmtp_of_user};
use super::msmtprc::{self, Rules};
use super::text::{Text, wrong};
use super::{Context, Import, Imported, Line, Meaning};
use crate::account::environment::Environment;
use crate::account::error::{Error, Location};
use crate::account::grammar::{Document, Entry};
use crate::account::machine::Machine;
use crate::account::pattern::address;
use crate::account::private_file;
use crate::net::Interrupt;
use crate::smtp::{Domain, Mailbox};
use std::fs::File;
use std::path::{Path, PathBuf};

/// What is read in place of a configuration.
#[derive(Debug)]
pub(in crate::account) struct InPlace {
    /// What the msmtprc of the system and of the user say together.
    pub(in crate::account) document: Document,
    /// Which of the two were there.
    pub(in crate::account) found: Vec<PathBuf>,
    /// Their lines.
    pub(in crate::account) lines: Vec<Line>,
}

/// What the msmtprc of the system and of the user say together. `None` where
/// neither is.
pub(in crate::account) fn in_place(environment: &Environment) -> Result<Option<InPlace>, Error> {
    let system = Path::new(MSMTP_OF_SYSTEM);
    together(system, &msmtp_of_user(environment), environment, &Machine::this())
}

/// The file of the system, and the first of the user's that is there.
fn together(
    system: &Path,
    user: &[PathBuf],
    environment: &Environment,
    machine: &Machine,
) -> Result<Option<InPlace>, Error> {
    // Nobody can ask to stop yet other than by ending the process.
    let interrupt = Interrupt::default();
    let context = Context { environment, machine, interrupt: &interrupt };
    let (mut found, mut lines) = (Vec::new(), Vec::new());
    let mut document = Document { in_order: Some(Vec::new()), ..Document::default() };
    let own = user.iter().find_map(|file| Some((file.as_path(), File::open(file).ok()?)));
    let system = File::open(system).ok().map(|open| (system, open));
    for ((file, open), whose) in [(system, Whose::System), (own, Whose::User)]
        .into_iter()
        .filter_map(|(file, whose)| Some((file?, whose)))
    {
        // A directory, or what fails while being read, is passed over as msmtp
        // passes over what it cannot open.
        if !open.metadata().is_ok_and(|facts| facts.is_file()) {
            continue;
        }
        let (import, rules) = msmtprc::read(&Text::opened(file, &open)?, context)?;
        check(&import, file, &open, whose)?;
        lay(import.accounts, rules, &mut document);
        lines.extend(import.lines.into_iter().map(told));
        found.push(file.to_owned());
    }
    if found.is_empty() {
        return Ok(None);
    }
    document.default = document.accounts.get(DEFAULT).map(|entry| {
        (DEFAULT.to_owned(), Location { file: entry.file.clone(), line: entry.line, column: 1 })
    });
    if document.rewrite.domain.is_none() && machine.domain().is_none() {
        document.rewrite.domain = domain_of_sender(&document);
    }
    Ok(Some(InPlace { document, found, lines }))
}

/// A line, without what matters only where it is written down.
fn told(mut line: Line) -> Line {
    line.warning.take_if(|warning| msmtprc::OF_WRITING.contains(&warning.as_str()));
    line
}

/// The domain of who sends by default, for bare names on a machine whose own
/// name has none: msmtp lets them pass, and no server would take them.
fn domain_of_sender(document: &Document) -> Option<Domain> {
    let (default, _) = document.default.as_ref()?;
    let from = document.accounts.get(default)?.settings.from.as_deref()?;
    let mailbox: Mailbox = address(from).parse().ok()?;
    Some(mailbox.domain().clone())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    System,
    User,
}

const DEFAULT: &str = "default";

/// What msmtp would not take is an error, and so is a file of the user with a
/// password that others can read.
fn check(import: &Import, file: &Path, open: &File, whose: Whose) -> Result<(), Error> {
    let unknown = import.lines.iter().find_map(|line| match line.meaning {
        Meaning::Unknown { nearest } => Some((line, nearest)),
        _ => None,
    });
    if let Some((line, nearest)) = unknown {
        let name = line.text.split(' ').next().unwrap_or_default();
        let meant = nearest.map(|nearest| format!("; did you mean {nearest}?")).unwrap_or_default();
        return Err(wrong(file, line.line, format!("msmtp has no directive ‘{name}’{meant}")));
    }
    if whose == Whose::System || !import.holds_secret() {
        return Ok(());
    }
    let unreadable = |source| Error::Unreadable { file: file.to_owned(), source };
    match private_file::holding_configuration(open).map_err(unreadable)? {
        Some(fault) => Err(Error::Exposed { file: file.to_owned(), fault }),
        None => Ok(()),
    }
}

/// Lays a file over what there is. An account takes the place of the one of
/// the same name, and keeps its turn.
fn lay(accounts: Vec<Imported>, rules: Vec<(String, Rules)>, document: &mut Document) {
    let order = document.in_order.get_or_insert_default();
    for (Imported { name, settings, file, line, lines }, (_, rules)) in
        accounts.into_iter().zip(rules)
    {
        if !order.contains(&name) {
            order.push(name.clone());
        }
        let entry = Entry { settings, rewrite: rules.alone(), extends: None, file, line, lines };
        document.accounts.insert(name, entry);
    }
}

#[cfg(test)]
mod tests;
