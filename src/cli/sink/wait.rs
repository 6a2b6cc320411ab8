//! `envoi sink wait`: the first message that fits, as soon as it is there.

use super::cannot_tell;
use crate::account::duration_text;
use crate::cli::Surroundings;
use crate::cli::args::WaitArgs;
use crate::cli::escape::Escaped;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::hint::Hint;
use crate::net::Deadline;
use crate::sink::{Caught, CaughtFile};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// Often enough that nobody notices.
const PAUSE: Duration = Duration::from_millis(20);

/// Prints the first message in the Maildir that fits, one that is there already
/// or one that comes in time. The status is 1 where there is none.
pub(super) fn run(args: &WaitArgs, surroundings: &mut Surroundings<'_>) -> Result<Exit, Failure> {
    let default = || super::default_directory(surroundings.environment);
    let directory = args.dir.clone().map_or_else(default, Ok)?;
    let deadline = Deadline::after(args.timeout);
    let mut looked_at = HashSet::new();
    loop {
        let is_last = deadline.remaining().is_none();
        let found = first(args, &directory, &mut looked_at).map_err(|error| {
            let sentence = format!("cannot look into {}", directory.display());
            Failure::caused(Exit::IoErr, sentence, error)
        })?;
        if let Some((path, caught)) = found {
            let object = as_json(&path, &caught).to_string();
            writeln!(surroundings.out, "{object}").map_err(cannot_tell)?;
            return Ok(Exit::Ok);
        }
        if is_last {
            return Err(nothing_came(args, &directory, looked_at.len()));
        }
        thread::sleep(PAUSE.min(deadline.remaining().unwrap_or_default()));
    }
}

/// The oldest message that fits and was not looked at before.
fn first(
    args: &WaitArgs,
    directory: &Path,
    looked_at: &mut HashSet<OsString>,
) -> io::Result<Option<(PathBuf, Caught)>> {
    let mut messages = Vec::new();
    for folder in ["new", "cur"] {
        let entries = match fs::read_dir(directory.join(folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            // A reader that moves it adds flags behind a colon.
            let name = entry.file_name().into_encoded_bytes();
            let name = name.split(|octet| *octet == b':').next().unwrap_or_default();
            let name = String::from_utf8_lossy(name).into_owned();
            messages.push((OsString::from(name), entry.path()));
        }
    }
    messages.sort();
    for (name, path) in messages {
        if looked_at.contains(&name) {
            continue;
        }
        let octets = match fs::read(&path) {
            Ok(octets) => octets,
            // A reader moved it: it is found in its new place next time.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        looked_at.insert(name);
        if let Some(caught) = Caught::read(&octets).filter(|caught| fits(args, caught)) {
            return Ok(Some((path, caught)));
        }
    }
    Ok(None)
}

fn fits(args: &WaitArgs, caught: &Caught) -> bool {
    let to = args.to.as_ref();
    let from = args.from.as_ref();
    let subject = args.subject.as_ref();
    to.is_none_or(|to| caught.to.iter().any(|it| it.eq_ignore_ascii_case(to)))
        && from.is_none_or(|from| caught.from.eq_ignore_ascii_case(from))
        && subject.is_none_or(|it| caught.subject.as_ref().is_some_and(|text| text.contains(it)))
}

fn as_json(path: &Path, caught: &Caught) -> Value {
    let field = |(name, value): &(String, String)| json!({ "name": name, "value": value });
    let file = |file: &CaughtFile| json!({ "name": file.name, "type": file.media_type, "size": file.size });
    json!({
        "version": 1,
        "exit": Exit::Ok.status(),
        "envelope": { "from": caught.from, "to": caught.to },
        "subject": caught.subject,
        "header": caught.header.iter().map(field).collect::<Vec<_>>(),
        "text": caught.text,
        "html": caught.html,
        "attachments": caught.attachments.iter().map(file).collect::<Vec<_>>(),
        "path": path,
    })
}

fn nothing_came(args: &WaitArgs, directory: &Path, others: usize) -> Failure {
    let to = args.to.as_ref().map_or_else(String::new, |to| format!(" for {}", Escaped(to)));
    let from = match args.from.as_deref() {
        None => String::new(),
        Some("") => " from <>".to_owned(),
        Some(from) => format!(" from {}", Escaped(from)),
    };
    let subject = args.subject.as_ref();
    let subject = subject.map_or_else(String::new, |it| format!(" about ‘{}’", Escaped(it)));
    let place = Escaped(directory.display());
    let within = duration_text(args.timeout);
    let others = match others {
        0 => String::new(),
        1 => "; 1 other message is there".to_owned(),
        others => format!("; {others} other messages are there"),
    };
    let sentence = format!("no message{to}{from}{subject} came to {place} in {within}{others}");
    let failure = Failure::say(Exit::NoMatch, sentence);
    if directory.join("new").is_dir() {
        return failure;
    }
    let directory = shell_words::quote(&directory.to_string_lossy()).into_owned();
    failure.hint(Hint::from(format!("nothing catches mail there yet: envoi sink {directory}")))
}
