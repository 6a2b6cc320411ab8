//! msmtp's configuration: lines of a directive and its value, in accounts that
//! copy from each other.
//!
//! ```text
//! defaults                     # for the accounts that follow
//! tls on
//! account work
//! host mail.example.org
//! account default : work       # what was set in it is copied
//! ```

mod directives;
mod eval;
mod line;
mod reader;
mod rules;
mod sender;
mod settings;
mod sign_in;
mod trust;

use super::text::Text;
use super::{Context, Import, Imported};
use crate::account::error::Error;
use crate::account::pattern::address;
use reader::Reader;
pub(super) use rules::Rules;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;
use zeroize::Zeroizing;

/// Reads a file to be written down: what is no account of its own is left out.
pub(super) fn import(file: &Path, context: Context<'_>) -> Result<Import, Error> {
    let (mut import, rules) = read(&Text::of(file)?, context)?;
    name_the_default(&mut import);
    let (whole, parts): (Vec<_>, Vec<_>) =
        import.accounts.into_iter().partition(|account| account.settings.servers.is_some());
    import.accounts = whole;
    for Imported { name, line, .. } in parts {
        let told = import
            .lines
            .iter_mut()
            .find(|told| told.line == line && told.account.as_deref() == Some(&name));
        if let Some(told) = told {
            told.warning = Some(format!(
                "the account ‘{name}’ names no server that envoi could use, and is left out"
            ));
        }
        if import.default.as_deref() == Some(&name) {
            import.default = None;
        }
    }
    rules::common(&rules, &mut import);
    import.remarks.extend(rivals(&import.accounts));
    import.remarks.extend(default_sender(&import));
    Ok(import)
}

/// `account default : work` is how a default is named: where the two say the
/// same, one is enough.
fn name_the_default(import: &mut Import) {
    let Some(at) = import.accounts.iter().position(|account| account.name == DEFAULT) else {
        return;
    };
    let same = import.accounts.iter().find(|account| {
        account.name != DEFAULT && account.settings == import.accounts[at].settings
    });
    if let Some(name) = same.map(|account| account.name.clone()) {
        import.accounts.remove(at);
        import.default = Some(name);
    }
}

/// msmtp does not look at the author of a message.
fn default_sender(import: &Import) -> Option<String> {
    let from = import.account(import.default.as_deref()?)?.settings.from.as_deref()?;
    let from = address(from);
    Some(format!(
        "msmtp sends in the name of {from} whoever wrote a message; to envoi the author is the \
         sender: for mail of cron and other programs, write masquerade = {{ \"*@HOST\" = \
         \"{from}\" }} in the account, HOST being this machine"
    ))
}

/// Accounts for one sender: msmtp takes the first of them.
fn rivals(accounts: &[Imported]) -> Vec<String> {
    let mut first: BTreeMap<String, &str> = BTreeMap::new();
    let mut remarks = Vec::new();
    for account in accounts {
        let Some(from) = &account.settings.from else { continue };
        let address = address(from).to_lowercase();
        if let Some(before) = first.get(&address) {
            remarks.push(format!(
                "‘{before}’ and ‘{}’ are both for {address}: where none of them is the default, \
                 name one with --account",
                account.name
            ));
        } else {
            first.insert(address, &account.name);
        }
    }
    remarks
}

/// Reads a file, every account of it, and what each wants done with addresses.
pub(super) fn read(
    text: &Text,
    context: Context<'_>,
) -> Result<(Import, Vec<(String, Rules)>), Error> {
    let mut reader = Reader::of(text, context);
    for (number, line) in text.lines() {
        reader.line(number, line)?;
    }
    reader.finish()
}

/// Warnings that are about what is written down.
pub(super) const OF_WRITING: [&str; 2] = [reader::COMPUTED, sender::FOR_ONE_USER];

/// The account that is used when nothing else chooses one.
const DEFAULT: &str = "default";

/// What was said with a directive.
#[derive(Clone)]
struct Word {
    /// Text, but for passwords, which may be anything.
    octets: Zeroizing<Vec<u8>>,
    line: usize,
    /// The command that a shell computed it with.
    computed: Option<Rc<str>>,
}

/// What is said of an account, by the directives of today.
#[derive(Clone, Default)]
struct Said {
    every: BTreeMap<&'static str, Word>,
    /// Those that others copy: set in the account, and not by defaults.
    own: BTreeSet<&'static str>,
}

impl Said {
    /// The text of a directive, if it says one.
    fn text(&self, name: &str) -> Option<&str> {
        let word = self.every.get(name)?;
        std::str::from_utf8(&word.octets).ok().filter(|text| !text.is_empty())
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.text(name) == Some(value)
    }

    /// The line of a directive.
    fn line(&self, name: &str) -> Option<usize> {
        self.every.get(name).map(|word| word.line)
    }
}

/// An account while the file is read.
struct Section {
    name: String,
    line: usize,
    said: Said,
}

#[cfg(test)]
mod tests;
