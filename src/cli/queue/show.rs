//! `envoi queue show` and `envoi queue log`: one message, and what happened.

use super::list::{MessageJson, answer_words, moment};
use super::{named, no_such, unreadable};
use crate::cli::Surroundings;
use crate::cli::clock;
use crate::cli::escape::Escaped;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::render::line;
use crate::cli::words::plain;
use crate::queue::{Fate, Happening, Id, Line, Listed, Queue};
use serde::Serialize;
use std::io::{self, Read as _};

pub(super) fn run(
    queue: &Queue,
    typed: &str,
    surroundings: &mut Surroundings<'_>,
) -> Result<Exit, Failure> {
    let id = named(queue, typed)?;
    let (entry, state) = queue.peek(&id).map_err(|error| super::change::untaken(&id, error))?;
    let listed = Listed { id, head: entry.head.clone(), state };
    let told = if surroundings.globals.json {
        line(&MessageJson::of(&listed), surroundings.out)
    } else {
        people(&listed, surroundings).and_then(|()| {
            let header = header(&entry)?;
            writeln!(surroundings.out)?;
            for line in String::from_utf8_lossy(&header).lines() {
                writeln!(surroundings.out, "{}", Escaped(line))?;
            }
            Ok(())
        })
    };
    told.map_err(|error| Failure::caused(Exit::IoErr, "cannot show the message", error))?;
    Ok(Exit::Ok)
}

/// The header of the message, and no more than 64 KiB of it.
fn header(entry: &crate::queue::Entry) -> io::Result<Vec<u8>> {
    const MOST: u64 = 64 * 1024;
    let mut octets = Vec::new();
    entry.octets().take(MOST).read_to_end(&mut octets)?;
    let end = octets.windows(4).position(|window| window == b"\r\n\r\n");
    octets.truncate(end.map_or(octets.len(), |end| end + 2));
    Ok(octets)
}

fn people(listed: &Listed, surroundings: &mut Surroundings<'_>) -> io::Result<()> {
    let Listed { id, head, state } = listed;
    let zone = &clock::zone(surroundings.environment);
    let out = &mut *surroundings.out;
    let mut row = |name: &str, value: String| writeln!(out, "{name:<10}  {value}");
    row("message", id.to_string())?;
    row("account", Escaped(&head.account).to_string())?;
    row("kept", moment(head.kept, zone))?;
    row("size", format!("{} octets", head.size))?;
    row("from", Escaped(&head.envelope.from).to_string())?;
    if let Some(owner) = head.owner {
        row("handed in", format!("by the user with the number {owner}"))?;
    }
    if state.held {
        row("held", "until it is released".to_owned())?;
    }
    row("tries", state.tries.to_string())?;
    if let Some(last) = state.last_try {
        row("last try", moment(last, zone))?;
    }
    if let Some(next) = head.not_before.max(state.next_try) {
        row("next try", moment(next, zone))?;
    }
    for (at, (recipient, progress)) in head.envelope.to().iter().zip(&state.to).enumerate() {
        let word = match progress.fate {
            Fate::Waiting if progress.is_uncertain() => "waits, though the server may have it",
            Fate::Waiting => "waits",
            Fate::Accepted => "accepted",
            Fate::Failed => "failed",
            Fate::Reported if head.is_reported(at) => "failed, and reported to its sender",
            Fate::Reported => "failed, and nobody is to be told",
        };
        let path = Escaped(&recipient.path);
        match &progress.answer {
            Some(answer) => {
                let server = answer.server.as_deref().map(|name| format!(" {}", Escaped(name)));
                let at = moment(answer.at, zone);
                let said = answer_words(answer);
                let server = server.unwrap_or_default();
                row("to", format!("{path}: {word} ({at}{server}: {said})"))?;
            }
            None => row("to", format!("{path}: {word}"))?,
        }
    }
    Ok(())
}

/// What happened to a message, or to all.
pub(super) fn log(
    queue: &Queue,
    typed: Option<&str>,
    surroundings: &mut Surroundings<'_>,
) -> Result<Exit, Failure> {
    let id = match typed.map(str::parse::<Id>) {
        None => None,
        // Of what is gone only the whole identifier is known.
        Some(Ok(id)) => Some(id),
        Some(Err(_)) => Some(named(queue, typed.unwrap_or_default())?),
    };
    let lines = queue.journal(id.as_ref()).map_err(|error| unreadable(queue, error))?;
    if let Some(typed) = typed.filter(|_| lines.is_empty()) {
        return Err(no_such(format!("nothing is known of a message {typed}")));
    }
    let zone = clock::zone(surroundings.environment);
    for happened in &lines {
        let told = if surroundings.globals.json {
            line(&HappenedJson { version: 1, happened }, surroundings.out)
        } else {
            let at = moment(happened.at, &zone);
            writeln!(surroundings.out, "{at}  {}", sentence(happened))
        };
        told.map_err(|error| Failure::caused(Exit::IoErr, "cannot show the log", error))?;
    }
    Ok(Exit::Ok)
}

/// What happened, as one object.
#[derive(Serialize)]
struct HappenedJson<'h> {
    version: u8,
    #[serde(flatten)]
    happened: &'h Line,
}

fn sentence(line: &Line) -> String {
    let to = line.to.join(" ");
    let text = plain(&line.text);
    let parts = [words(line.what), &to, &text];
    let parts = parts.iter().filter(|part| !part.is_empty());
    let parts: Vec<String> = parts.map(|part| Escaped(part).to_string()).collect();
    format!("{}  {}", Escaped(&line.id), parts.join("  "))
}

/// What happened, in a word or two.
pub(super) fn words(what: Happening) -> &'static str {
    match what {
        Happening::Kept => "kept",
        Happening::Accepted => "accepted",
        Happening::Deferred => "deferred",
        Happening::Failed => "failed",
        Happening::Reported => "reported",
        Happening::Held => "held",
        Happening::Released => "released",
        Happening::Removed => "removed",
        Happening::SetAside => "set aside",
        Happening::LeftInDrop => "left in the drop directory",
    }
}
