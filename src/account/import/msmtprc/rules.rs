//! What accounts want done with addresses: in envoi it is done for all of them.

use super::super::{Context, Import, Meaning};
use super::settings::{Note, What, placed};
use super::{DEFAULT, Said};
use crate::account::rewriting::FromRule;
use std::path::PathBuf;

/// What it wants done with addresses of every account's messages.
#[derive(Default)]
pub(super) struct Rules {
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
}

/// What accounts want done with addresses is done for all of them or for none.
pub(super) fn common(rules: &[(&str, Rules)], import: &mut Import) {
    let of_default = rules.iter().find(|(name, _)| *name == DEFAULT);
    let chosen = of_default.into_iter().chain(rules).find_map(|(_, rules)| rules.aliases.clone());
    for (_, rules) in rules {
        if let (Some((used, _)), Some((file, line))) = (&chosen, &rules.aliases)
            && file != used
        {
            let reason =
                format!("there is one file of aliases for every account, {}", used.display());
            Note { line: *line, what: What::Meaning(Meaning::gone(reason)) }
                .apply(0, &mut import.lines);
        }
    }
    import.rewrite.aliases = chosen.map(|(file, _)| file);
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
