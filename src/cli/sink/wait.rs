//! `envoi sink wait`: the first message that fits, as soon as it is there.

use super::cannot_tell;
use super::looking::Looking;
use crate::account::duration_text;
use crate::cli::Surroundings;
use crate::cli::args::WaitArgs;
use crate::cli::escape::Escaped;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::hint::Hint;
use crate::cli::render;
use crate::net::Deadline;
use crate::sink::{Caught, CaughtFile};
use serde_json::{Value, json};
use std::path::Path;
use std::thread;
use std::time::Duration;

/// Often enough that nobody notices.
const PAUSE: Duration = Duration::from_millis(20);

/// Prints the first message in the store that fits, one that is there already
/// or one that comes in time. The status is 1 where there is none.
pub(super) fn run(args: &WaitArgs, surroundings: &mut Surroundings<'_>) -> Result<Exit, Failure> {
    let default = || super::default_directory(surroundings.environment);
    let mut looking = Looking::into_store(args, default)?;
    let deadline = Deadline::after(args.timeout);
    loop {
        let is_last = deadline.remaining().is_none();
        let caught = |octets: &[u8]| Caught::read(octets).filter(|caught| fits(args, caught));
        let found = looking.first(caught).map_err(|error| {
            let sentence = format!("cannot look into {}", looking.path().display());
            Failure::caused(Exit::IoErr, sentence, error)
        })?;
        if let Some((path, caught)) = found {
            render::line(&as_json(&path, &caught), surroundings.out).map_err(cannot_tell)?;
            return Ok(Exit::Ok);
        }
        if is_last {
            return Err(nothing_came(args, &looking));
        }
        thread::sleep(PAUSE.min(deadline.remaining().unwrap_or_default()));
    }
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
        "path": path.to_string_lossy(),
    })
}

fn nothing_came(args: &WaitArgs, looking: &Looking) -> Failure {
    let to = args.to.as_ref().map_or_else(String::new, |to| format!(" for {}", Escaped(to)));
    let from = match args.from.as_deref() {
        None => String::new(),
        Some("") => " from <>".to_owned(),
        Some(from) => format!(" from {}", Escaped(from)),
    };
    let subject = args.subject.as_ref();
    let subject = subject.map_or_else(String::new, |it| format!(" about ‘{}’", Escaped(it)));
    let place = Escaped(looking.path().display());
    let within = duration_text(args.timeout);
    let others = match looking.count {
        0 => String::new(),
        1 => "; 1 other message is there".to_owned(),
        others => format!("; {others} other messages are there"),
    };
    let sentence = format!("no message{to}{from}{subject} came to {place} in {within}{others}");
    let failure = Failure::say(Exit::NoMatch, sentence);
    match looking.command() {
        Some(command) => {
            failure.hint(Hint::from(format!("nothing catches mail there yet: {command}")))
        }
        None => failure,
    }
}
