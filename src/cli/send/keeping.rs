//! Whether the queue gets a message: what was typed about that, and configured.

use crate::account::{Account, Environment, Settings, When};
use crate::cli::args::SendArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::message::Job;
use crate::cli::queue::keep::{Keeper, Keeping};

/// What becomes of what cannot be sent at once, as typed, else as configured.
pub(super) fn at_once<'k>(
    args: &SendArgs,
    job: &'k Job,
    account: &'k Account,
    environment: &'k Environment,
) -> Result<Keeping<'k>, Failure> {
    // The queue knows no "to all or to nobody".
    let is_always = job.queueing.when == Some(When::Always) && !args.queue && !args.all_or_nothing;
    if args.no_queue || !(args.queue || args.queue_only || is_always) {
        return Ok(Keeping::Nothing);
    }
    let keeper = keeper(args, job, account, environment)?;
    // Whoever watches wants to see something.
    let watches = args.laboratory.transcript.is_some() || args.laboratory.events.is_some();
    let is_tried = args.queue || (watches && !args.queue_only);
    Ok(if is_tried { Keeping::after_a_try(keeper) } else { Keeping::All(keeper) })
}

/// The same for a message that is to be sent at another time: a server may hold
/// it, else the queue does.
pub(super) fn until<'k>(
    args: &SendArgs,
    job: &'k Job,
    account: &'k Account,
    environment: &'k Environment,
) -> Result<Keeping<'k>, Failure> {
    match keeper(args, job, account, environment) {
        Ok(keeper) if args.queue_only => Ok(Keeping::All(keeper)),
        Ok(keeper) => Ok(Keeping::Rest(keeper)),
        Err(failure) if args.queue || args.queue_only => Err(failure),
        Err(_) => Ok(Keeping::Nothing),
    }
}

/// Who keeps the message, if whoever sends it later does what is wanted now.
fn keeper<'k>(
    args: &SendArgs,
    job: &'k Job,
    account: &'k Account,
    environment: &'k Environment,
) -> Result<Keeper<'k>, Failure> {
    let keeper = Keeper::of(account, job, environment)?;
    let typed = args.connection.settings()?;
    let Settings { timeout, deadline, pipelining, chunking, .. } = typed;
    // These say nothing about where to, and as whom.
    let passing = Settings { timeout, deadline, pipelining, chunking, ..Settings::default() };
    if typed != passing {
        let sentence = "what was typed about the connection cannot be kept: whoever sends the \
                        message later does as the account says";
        return Err(Failure::say(Exit::Usage, sentence)
            .hint("make an account of it, or leave out the queue: --no-queue"));
    }
    Ok(keeper)
}
