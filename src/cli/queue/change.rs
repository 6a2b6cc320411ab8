//! `envoi queue hold`, `release` and `remove`.

use super::show::words;
use super::{found, named, unreadable};
use crate::cli::Surroundings;
use crate::cli::args::TakeOutArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::render::line;
use crate::queue::{Happening, Id, Line, Listed, Named, Queue, TakeError, Taken};
use jiff::Timestamp;
use serde::Serialize;
use std::io;

pub(super) fn hold(
    queue: &Queue,
    typed: &[String],
    surroundings: &mut Surroundings<'_>,
) -> Result<Exit, Failure> {
    change(queue, typed, Happening::Held, surroundings, |mut taken| {
        has_work(&taken)?;
        taken.state.held = true;
        write(taken)
    })
}

pub(super) fn release(
    queue: &Queue,
    typed: &[String],
    surroundings: &mut Surroundings<'_>,
) -> Result<Exit, Failure> {
    change(queue, typed, Happening::Released, surroundings, |mut taken| {
        has_work(&taken)?;
        taken.state.held = false;
        taken.state.next_try = None;
        write(taken)
    })
}

/// Fails where nobody waits for the message.
fn has_work(taken: &Taken<'_>) -> Result<(), Failure> {
    if !taken.state.waiting().is_empty() {
        return Ok(());
    }
    let id = &taken.entry.id;
    let sentence = format!("the message {id} has failed, and is not tried any more");
    Err(Failure::say(Exit::Unavailable, sentence)
        .hint(format!("see why: envoi queue show {id}"))
        .hint(format!("have it out of the way: envoi queue remove {id}")))
}

fn write(mut taken: Taken<'_>) -> Result<(), Failure> {
    let written = taken.write();
    written.map_err(|error| unchanged(&taken.entry.id, error))
}

pub(super) fn remove(
    queue: &Queue,
    typed: &TakeOutArgs,
    surroundings: &mut Surroundings<'_>,
) -> Result<Exit, Failure> {
    let is_by_name = !typed.failed && !typed.all;
    let meant = if is_by_name {
        typed.ids.iter().map(|typed| found(queue, typed)).collect::<Result<_, _>>()?
    } else {
        listed(queue, typed.all)?
    };
    let remove = |Named { id, is_set_aside }: &Named| {
        if *is_set_aside {
            return queue.remove_set_aside(id).map_err(|error| unchanged(id, error)).map(Some);
        }
        match queue.take(id) {
            Ok(taken) => taken.remove().map_err(|error| unchanged(id, error)).map(Some),
            // It was sent meanwhile.
            Err(TakeError::Gone) if !is_by_name => Ok(None),
            Err(error) => Err(untaken(id, error)),
        }
    };
    let meant = meant.iter().map(|named| (&named.id, remove(named)));
    change_all(queue, meant, Happening::Removed, surroundings)
}

/// What is in the queue: all of it, or what has failed for everybody who does
/// not have it.
fn listed(queue: &Queue, all: bool) -> Result<Vec<Named>, Failure> {
    let listing = queue.list().map_err(|error| unreadable(queue, error))?;
    let is_meant = |listed: &Listed| all || listed.state.waiting().is_empty();
    let entries = listing.entries.into_iter().filter(is_meant).map(|listed| listed.id);
    let unusable = listing.unusable.into_iter().filter(|_| all);
    let unusable = unusable.filter_map(|(name, _)| name.parse().ok());
    let aside = listing.set_aside.into_iter().filter(|_| all);
    let named = |is_set_aside| move |id| Named { id, is_set_aside };
    Ok(entries.chain(unusable).map(named(false)).chain(aside.map(named(true))).collect())
}

/// All identifiers are looked up before anything is done.
fn change(
    queue: &Queue,
    typed: &[String],
    what: Happening,
    surroundings: &mut Surroundings<'_>,
    change: impl Fn(Taken<'_>) -> Result<(), Failure>,
) -> Result<Exit, Failure> {
    let ids: Vec<Id> = typed.iter().map(|typed| named(queue, typed)).collect::<Result<_, _>>()?;
    let change = |id: &Id| {
        let taken = queue.take(id).map_err(|error| untaken(id, error))?;
        change(taken).map(Some)
    };
    change_all(queue, ids.iter().map(|id| (id, change(id))), what, surroundings)
}

/// Tells of each that was changed. What could not be stops no other; the first
/// such failure is that of the command.
fn change_all<'i>(
    queue: &Queue,
    changes: impl Iterator<Item = (&'i Id, Result<Option<()>, Failure>)>,
    what: Happening,
    surroundings: &mut Surroundings<'_>,
) -> Result<Exit, Failure> {
    let mut failure = None;
    for (id, changed) in changes {
        match changed {
            Ok(Some(())) => {
                let (at, to, text) = (Timestamp::now(), Vec::new(), String::new());
                queue.record(&Line { at, id: id.to_string(), what, to, text });
                tell(id, what, surroundings);
            }
            Ok(None) => {}
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    failure.map_or(Ok(Exit::Ok), Err)
}

fn unchanged(id: &Id, error: io::Error) -> Failure {
    Failure::caused(Exit::IoErr, format!("cannot change the message {id}"), error)
}

/// Says what was done. Nobody may be there to read it.
fn tell(id: &Id, what: Happening, surroundings: &mut Surroundings<'_>) {
    if surroundings.globals.json {
        let _ = line(&ChangeJson { version: 1, id: id.as_str(), what }, surroundings.out);
    } else if !surroundings.globals.quiet {
        let _ = writeln!(surroundings.out, "{} {id}", words(what));
    }
}

/// What was done, as one object.
#[derive(Serialize)]
struct ChangeJson<'c> {
    version: u8,
    id: &'c str,
    what: Happening,
}

/// An entry that cannot be had.
pub(super) fn untaken(id: &Id, error: TakeError) -> Failure {
    let exit = match &error {
        TakeError::Gone => Exit::NoInput,
        TakeError::Busy => Exit::TempFail,
        TakeError::Unusable(_) => Exit::DataErr,
    };
    Failure::caused(exit, format!("the message {id} cannot be had"), error)
}
