//! What is imported, line by line, for people.

use crate::account::import::{Format, Import, Line, Meaning};
use crate::cli::Surroundings;
use crate::cli::args::ImportArgs;
use crate::cli::escape::Escaped;
use crate::cli::failure::quoted;
use crate::cli::foreign::shown;
use std::io::{self, Write};
use std::path::Path;

/// Each line with what it means; the configuration that comes of all of them;
/// what to do next.
pub(super) fn people(
    import: &Import,
    preview: &str,
    target: &Path,
    is_written: bool,
    again: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    let width = import.lines.iter().map(|line| shown(line).chars().count()).max();
    let width = width.unwrap_or(0).min(WIDEST_LINE);
    for line in &import.lines {
        let text = Escaped(shown(line)).to_string();
        writeln!(out, "{text:<width$}  → {}", Escaped(meaning(line, import)))?;
    }
    let file = Escaped(target.display());
    if is_written {
        writeln!(out, "\nThis is in {file} now:\n")?;
    } else {
        writeln!(out, "\nThis would be written into {file}:\n")?;
    }
    for line in preview.lines() {
        let line = Escaped(line).to_string();
        writeln!(out, "{}", format_args!("  {line}").to_string().trim_end())?;
    }
    writeln!(out)?;
    match import.accounts.first() {
        _ if !is_written => {
            writeln!(out, "Nothing was written. To write it:\n  {}", Escaped(again))
        }
        Some(account) => {
            let name = shell_words::quote(&account.name).into_owned();
            writeln!(out, "To see every value:\n  envoi account show {}", Escaped(name))
        }
        None => Ok(()),
    }
}

const WIDEST_LINE: usize = 60;

/// What a line means, behind an arrow.
fn meaning(line: &Line, import: &Import) -> String {
    match &line.meaning {
        Meaning::Structure => structure(line, import),
        Meaning::Keys(keys) => {
            let values = values(line, import, keys);
            let values =
                values.into_iter().map(|(key, value)| match key.strip_prefix("rewrite.") {
                    Some(key) => format!("[rewrite] {key} = {value}"),
                    None => format!("{key} = {value}"),
                });
            let values: Vec<String> = values.collect();
            if values.is_empty() { "so it is anyway".to_owned() } else { values.join(", ") }
        }
        Meaning::Rewrite(key) => {
            let value = import.rewrite_value(key).unwrap_or_default();
            format!("[rewrite] {key} = {value}")
        }
        Meaning::Already(why) => format!("nothing: {why}"),
        Meaning::Lost { .. } => "not carried over".to_owned(),
        Meaning::Unknown { .. } => "not understood".to_owned(),
    }
}

fn structure(line: &Line, import: &Import) -> String {
    match &line.account {
        None => "for each account below".to_owned(),
        Some(name) if import.account(name).is_some() => format!("[accounts.{name}]"),
        Some(name) if name == "default" && import.default.is_some() => {
            format!("default = \"{}\"", import.default.as_deref().unwrap_or_default())
        }
        Some(_) => "no account of its own".to_owned(),
    }
}

/// The keys that a line goes into, with the values that they have in its
/// account; of defaults, in the first account that has them.
pub(super) fn values(
    line: &Line,
    import: &Import,
    keys: &[&'static str],
) -> Vec<(&'static str, String)> {
    let own = line.account.as_deref().and_then(|name| import.account(name));
    let value = |key: &str| match (key.strip_prefix("rewrite."), own) {
        (Some(key), _) => import.rewrite_value(key),
        (None, Some(account)) => account.value(key),
        (None, None) => import.accounts.iter().find_map(|account| account.value(key)),
    };
    keys.iter().filter_map(|key| Some((*key, value(key)?))).collect()
}

/// What cannot be carried over, and what to know about what can.
pub(super) fn warnings(import: &Import, surroundings: &mut Surroundings<'_>) {
    for line in &import.lines {
        surroundings.warn_of(line, import.format);
    }
    for remark in &import.remarks {
        surroundings.warn(remark);
    }
}

/// Other files that could be read, where none was named.
pub(super) fn others(args: &ImportArgs, file: &Path, surroundings: &mut Surroundings<'_>) {
    if args.file.is_some() || surroundings.globals.quiet {
        return;
    }
    let places = Format::places(surroundings.environment);
    for (_, other) in places.iter().filter(|(_, other)| other != file && other.exists()) {
        let hint = format!("there is another: envoi account import {}", quoted(other));
        let _ = writeln!(surroundings.err, "hint: {}", Escaped(hint));
    }
}
