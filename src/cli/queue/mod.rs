//! `envoi queue`: what waits to be sent, seen and steered.

mod catch_up;
mod change;
mod courier;
mod dropped;
pub(super) mod keep;
mod list;
mod place;
mod run;
mod show;
mod take_over;

pub(super) use catch_up::catch_up;

use self::dropped::Dropped;
use super::Surroundings;
use super::args::{self, Globals, QueueArgs, QueueCommand, RunArgs};
use super::exit::Exit;
use super::failure::{self, Failure};
use crate::account::{Accounts, Environment};
use crate::queue::{Id, Named, Queue};
use std::io::{ErrorKind, Write};
use std::path::Path;

/// Runs `envoi queue`.
pub(super) fn run(args: &QueueArgs, surroundings: &mut Surroundings<'_>) -> Result<Exit, Failure> {
    let list = QueueCommand::List;
    carry_out(args.command.as_ref().unwrap_or(&list), surroundings)
}

/// What `mailq` prints.
pub(super) fn list_all(
    environment: &Environment,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Failure> {
    let globals = &Globals::silent(0);
    carry_out(&QueueCommand::List, &mut Surroundings { globals, environment, out, err })
}

/// What `sendmail -q` does: everything is tried, or the message that is named.
pub(super) fn flush(
    only: Option<String>,
    environment: &Environment,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Failure> {
    let globals = &Globals::silent(0);
    let all = only.is_none();
    let ids = only.into_iter().collect();
    let args = RunArgs { ids, all, watch: false, connections: args::CONNECTIONS };
    carry_out(&QueueCommand::Run(args), &mut Surroundings { globals, environment, out, err })
}

fn carry_out(command: &QueueCommand, surroundings: &mut Surroundings<'_>) -> Result<Exit, Failure> {
    let config = surroundings.globals.config.as_deref();
    let accounts = Accounts::load(config, surroundings.environment)?;
    let is_list = matches!(command, QueueCommand::List);
    if is_list && place::hands_in() && !surroundings.globals.json {
        let _ = writeln!(surroundings.err, "hint: {ROOT_SEES}");
    }
    let is_made = match command {
        // Whoever keeps the first message is to find that somebody runs.
        QueueCommand::Run(typed) => typed.ids.is_empty(),
        _ => false,
    };
    let queue = match place::existing(accounts.queueing(), surroundings.environment)? {
        Some(queue) => queue,
        None if is_made => place::made(accounts.queueing(), surroundings.environment)?,
        None => return nothing(command, surroundings),
    };
    match command {
        QueueCommand::List => list::run(&queue, &accounts, surroundings),
        QueueCommand::Show(typed) => show::run(&queue, &typed.id, surroundings),
        QueueCommand::Log(typed) => show::log(&queue, typed.id.as_deref(), surroundings),
        QueueCommand::Run(typed) => run::run(&queue, typed, &accounts, surroundings),
        QueueCommand::Hold(typed) => change::hold(&queue, &typed.ids, surroundings),
        QueueCommand::Release(typed) => change::release(&queue, &typed.ids, surroundings),
        QueueCommand::Remove(typed) => change::remove(&queue, typed, surroundings),
    }
}

/// Where nothing was ever kept.
fn nothing(command: &QueueCommand, surroundings: &mut Surroundings<'_>) -> Result<Exit, Failure> {
    match command {
        QueueCommand::List => list::empty(surroundings),
        QueueCommand::Remove(typed) if typed.ids.is_empty() => Ok(Exit::Ok),
        QueueCommand::Log(_) => Ok(Exit::Ok),
        QueueCommand::Show(_)
        | QueueCommand::Run(_)
        | QueueCommand::Hold(_)
        | QueueCommand::Release(_)
        | QueueCommand::Remove(_) => {
            let sentence = "the queue is empty: nothing was ever kept here";
            Err(with_root(Failure::say(Exit::NoInput, sentence)))
        }
    }
}

/// The one entry whose identifier begins so, fit to be worked with.
fn named(queue: &Queue, typed: &str) -> Result<Id, Failure> {
    let Named { id, is_set_aside } = found(queue, typed)?;
    if !is_set_aside {
        return Ok(id);
    }
    let path = queue.path_aside(&id);
    let sentence = format!("the message {id} is damaged, and was set aside");
    Err(Failure::say(Exit::DataErr, sentence)
        .hint(format!("see what is left of it: less {}", failure::quoted(&path)))
        .hint(format!("remove it: envoi queue remove {id}")))
}

/// The one entry whose identifier begins so, be it set aside or not.
fn found(queue: &Queue, typed: &str) -> Result<Named, Failure> {
    let is_digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    if typed.is_empty() || !typed.chars().all(is_digit) {
        return Err(no_such(format!("‘{typed}’ is no identifier of a message")));
    }
    let mut ids = queue.named(typed).map_err(|error| unreadable(queue, error))?;
    match (ids.pop(), ids.len()) {
        (Some(named), 0) => Ok(named),
        (None, _) => Err(absent(queue, typed)),
        (Some(_), others) => Err(no_such(format!(
            "{} messages in the queue have identifiers that begin with {typed}",
            others + 1
        ))),
    }
}

/// An entry that is not there: it may be on its way.
fn absent(queue: &Queue, typed: &str) -> Failure {
    let dropped = Dropped::beside(Some(queue), &queue.copies().unwrap_or_default());
    match dropped.waiting.iter().find(|id| id.as_str().starts_with(typed)) {
        Some(id) => {
            let sentence = format!("the message {id} was handed in, and is not in the queue yet");
            Failure::say(Exit::NoInput, sentence).hint("have it taken over: envoi queue run")
        }
        None => no_such(format!("no message in the queue is called {typed}")),
    }
}

fn no_such(sentence: String) -> Failure {
    with_root(Failure::say(Exit::NoInput, sentence).hint("see what there is: envoi queue list"))
}

/// With a word about what only root sees.
fn with_root(failure: Failure) -> Failure {
    if place::hands_in() { failure.hint(ROOT_SEES) } else { failure }
}

/// For who hands in to the system.
const ROOT_SEES: &str = "what was handed in to the system is shown to root: sudo envoi queue";

fn unreadable(queue: &Queue, error: std::io::Error) -> Failure {
    let sentence = format!("cannot read the queue in {}", queue.path().display());
    Failure::caused(Exit::IoErr, sentence, error)
}

fn unwritable(queue: &Queue, error: std::io::Error) -> Failure {
    let sentence = format!("cannot write to the queue in {}", queue.path().display());
    let hint = how_to_write(queue.path(), &error);
    Failure::caused(Exit::IoErr, sentence, error).hint(hint)
}

/// What helps where a directory cannot be written.
fn how_to_write(directory: &Path, error: &std::io::Error) -> String {
    let directory = failure::quoted(directory);
    match error.kind() {
        ErrorKind::StorageFull => format!("make room there: df -h {directory}"),
        ErrorKind::QuotaExceeded => {
            format!("see how much you may have there: quota -s; du -sh {directory}")
        }
        ErrorKind::ReadOnlyFilesystem => {
            format!("see how it is mounted: findmnt -T {directory}")
        }
        _ => format!("check who may write there: ls -ld {directory}"),
    }
}

/// A number from 0 to 1 that nobody can foresee.
fn dice() -> f64 {
    let word = crate::message::random_word(4).ok();
    let number = word.and_then(|word| u32::from_str_radix(&word, 16).ok());
    number.map_or(0.5, |number| f64::from(number) / f64::from(u32::MAX))
}
