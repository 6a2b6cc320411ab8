//! What accounts want done with addresses: msmtp does for each what it says, in
//! envoi's configuration it is said for all of them.

use super::super::{Context, Import, Meaning};
use super::settings::{Note, What, placed};
use super::{DEFAULT, Said};
use crate::account::rewriting::{FromRule, RewriteSettings};
use std::path::PathBuf;

/// What it wants done with the addresses of its messages.
#[derive(Default)]
pub(in super::super) struct Rules {
    aliases: Option<(PathBuf, usize)>,
    sets_from: Option<usize>,
}

impl Rules {
    pub(super) fn of(said: &Said, context: Context<'_>) -> Self {
        let aliases = said.text("aliases").zip(said.line("aliases"));
        Rules {
            aliases: aliases.map(|(path, line)| (placed(path, context), line)),
            sets_from: said.line("set_from_header").filter(|_| said.is("set_from_header", "on")),
        }
    }

    /// As it is done for this account alone.
    pub(in super::super) fn alone(self) -> RewriteSettings {
        RewriteSettings {
            domain: None,
            aliases: self.aliases.map(|(file, _)| file),
            from: self.sets_from.map(|_| FromRule::Set),
        }
    }
}

/// What accounts want done with addresses, written down, is done for all of
/// them or for none.
pub(super) fn common(rules: &[(String, Rules)], import: &mut Import) {
    // A default may have become a mere name.
    let is_there = |name: &str| name == DEFAULT || import.account(name).is_some();
    let rules: Vec<_> = rules.iter().filter(|(name, _)| is_there(name)).collect();
    aliases(&rules, import);
    let setting: Vec<usize> = rules.iter().filter_map(|(_, rules)| rules.sets_from).collect();
    if setting.len() == rules.len() && !rules.is_empty() {
        import.rewrite.from = Some(FromRule::Set);
        return;
    }
    for line in setting {
        let meaning = Meaning::lost(
            "From is set for every account or for none",
            "[rewrite] from = \"set\", if every account may",
        );
        Note { line, what: What::Meaning(meaning) }.apply(0, &mut import.lines);
    }
}

/// The file of the default account, else the first that is named.
fn aliases(rules: &[&(String, Rules)], import: &mut Import) {
    let of_default = rules.iter().find(|(name, _)| name == DEFAULT);
    let mut found = of_default.into_iter().chain(rules);
    let Some((used, line)) = found.find_map(|(_, rules)| rules.aliases.clone()) else { return };
    let mut without = Vec::new();
    for (name, rules) in rules {
        match &rules.aliases {
            Some((file, _)) if *file == used => {}
            Some((_, line)) => {
                let reason =
                    format!("there is one file of aliases for every account, {}", used.display());
                Note { line: *line, what: What::Meaning(Meaning::gone(reason)) }
                    .apply(0, &mut import.lines);
            }
            None if import.account(name).is_some() => without.push(format!("‘{name}’")),
            None => {}
        }
    }
    if !without.is_empty() {
        let warning = format!(
            "there is one file of aliases for every account: what goes through {} is looked up \
             in it, too, which msmtp does not do",
            without.join(", ")
        );
        Note { line, what: What::Warning(warning) }.apply(0, &mut import.lines);
    }
    import.rewrite.aliases = Some(used);
}
