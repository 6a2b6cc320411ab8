//! `envoi queue hold`, `release` and `remove`.

use super::show::words;
use super::{named, unreadable};
use crate::cli::Surroundings;
use crate::cli::args::TakeOutArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::render::line;
use crate::queue::{Happening, Id, Line, Queue, TakeError, Taken};
use jiff::Timestamp;
use serde::Serialize;
use std::io;

pub(super) fn hold(
    queue: &Queue,
    typed: &[String],
    surroundings: &mut Surroundings<'_>,
) -> Result<Exit, Failure> {
    change(queue, typed, Happening::Held, surroundings, |mut taken| {
        taken.state.held = true;
        taken.write()
    })
}

pub(super) fn release(
    queue: &Queue,
    typed: &[String],
    surroundings: &mut Surroundings<'_>,
) -> Result<Exit, Failure> {
    change(queue, typed, Happening::Released, surroundings, |mut taken| {
        taken.state.held = false;
        taken.state.next_try = None;
        taken.write()
    })
}

pub(super) fn remove(
    queue: &Queue,
    typed: &TakeOutArgs,
    surroundings: &mut Surroundings<'_>,
) -> Result<Exit, Failure> {
    if !typed.failed && !typed.all {
        return change(queue, &typed.ids, Happening::Removed, surroundings, take_out);
    }
    let listing = queue.list().map_err(|error| unreadable(queue, error))?;
    let is_meant = |state: &crate::queue::State| typed.all || state.waiting().is_empty();
    let entries = listing.entries.into_iter().filter(|listed| is_meant(&listed.state));
    let ids: Vec<Id> = entries.map(|listed| listed.id).collect();
    let untaken = |id: &Id, error| match error {
        // It was sent meanwhile.
        TakeError::Gone => None,
        TakeError::Busy | TakeError::Unusable(_) => Some(untaken(id, error)),
    };
    change_all(queue, &ids, Happening::Removed, &untaken, surroundings, take_out)
}

fn take_out(taken: Taken<'_>) -> io::Result<()> {
    taken.remove()
}

/// All identifiers are looked up before anything is done.
fn change(
    queue: &Queue,
    typed: &[String],
    what: Happening,
    surroundings: &mut Surroundings<'_>,
    change: impl Fn(Taken<'_>) -> io::Result<()>,
) -> Result<Exit, Failure> {
    let ids: Result<Vec<Id>, Failure> = typed.iter().map(|typed| named(queue, typed)).collect();
    let untaken = |id: &Id, error| Some(untaken(id, error));
    change_all(queue, &ids?, what, &untaken, surroundings, change)
}

/// Changes each that can be had. `untaken` says of what cannot whether that is
/// a failure; the first is told at the end.
fn change_all(
    queue: &Queue,
    ids: &[Id],
    what: Happening,
    untaken: &dyn Fn(&Id, TakeError) -> Option<Failure>,
    surroundings: &mut Surroundings<'_>,
    change: impl Fn(Taken<'_>) -> io::Result<()>,
) -> Result<Exit, Failure> {
    let mut failure = None;
    for id in ids {
        let unchanged = match queue.take(id).map(&change) {
            Ok(Ok(())) => {
                let (at, to, text) = (Timestamp::now(), Vec::new(), String::new());
                queue.record(&Line { at, id: id.to_string(), what, to, text });
                tell(id, what, surroundings);
                None
            }
            Ok(Err(error)) => {
                let sentence = format!("cannot change the message {id}");
                Some(Failure::caused(Exit::IoErr, sentence, error))
            }
            Err(error) => untaken(id, error),
        };
        failure = failure.or(unchanged);
    }
    failure.map_or(Ok(Exit::Ok), Err)
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
