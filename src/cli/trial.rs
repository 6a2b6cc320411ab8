//! A sign-in without a message: whether an account does what it says.

use super::Surroundings;
use super::advice::of_error;
use super::exit::Exit;
use super::failure::Failure;
use super::route;
use super::send::host_name;
use super::transcript::Transcript;
use super::words::tried;
use crate::account::Account;
use crate::delivery::{self, Attempt, World};
use crate::net::Interrupt;
use crate::session::{Error, Kind};
use crate::smtp::{Phase, Reply};
use std::sync::Arc;

/// Why nobody could sign in.
#[derive(Debug)]
pub(super) struct Refused {
    /// What to say, and what to try.
    pub(super) failure: Failure,
    /// The server was reached, and did not take the user with this secret.
    pub(super) is_about_secret: bool,
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Refused { failure, is_about_secret: false }
    }
}

/// Connects to the account's servers as a message would, signs in, and leaves.
/// Gives what was seen at the server that took it.
pub(super) fn run(
    account: &Account,
    interrupt: &Interrupt,
    surroundings: &mut Surroundings<'_>,
) -> Result<Attempt, Refused> {
    let prepared = route::prepare(account, false, interrupt, surroundings)?;
    let verbose = surroundings.globals.verbose;
    let mut transcript = Transcript::seen(verbose, &mut *surroundings.err);
    let host = host_name();
    let world = World {
        secrets: &prepared.passwords,
        interrupt,
        host_name: Some(&host),
        wait_for_farewell: transcript.is_watched(),
    };
    let attempts = delivery::sign_in(&prepared.route, &world, &mut transcript);
    drop(transcript);
    for trouble in prepared.passwords.troubles() {
        surroundings.warn(&trouble);
    }
    let others = attempts.clone();
    let worked = judged(attempts, interrupt.signal())?;
    for (attempt, error) in news(&others).filter(|(it, _)| it.server != worked.server) {
        surroundings.warn(&tried(attempt, error));
    }
    Ok(worked)
}

fn judged(mut attempts: Vec<Attempt>, signal: Option<usize>) -> Result<Attempt, Refused> {
    match attempts.pop() {
        Some(last) if last.error.is_none() => Ok(last),
        last => {
            attempts.extend(last);
            Err(refused(&attempts, signal))
        }
    }
}

/// What came to nothing. Once one address of a server has answered, another
/// where nobody listens is no news.
fn news(attempts: &[Attempt]) -> impl Iterator<Item = (&Attempt, &Arc<Error>)> {
    let is_silent =
        |it: &Attempt| it.error.as_ref().is_some_and(|error| error.phase == Phase::Connect);
    let answered = move |it: &Attempt| {
        attempts.iter().any(|other| other.server == it.server && !is_silent(other))
    };
    let is_news = move |it: &&Attempt| !is_silent(it) || !answered(it);
    attempts.iter().filter(is_news).filter_map(|it| Some((it, it.error.as_ref()?)))
}

fn add_news<T: PartialEq>(known: &mut Vec<T>, new: Vec<T>) {
    for new in new {
        if !known.contains(&new) {
            known.push(new);
        }
    }
}

/// One sentence for all that was tried: the attempt that got farthest first.
fn refused(attempts: &[Attempt], signal: Option<usize>) -> Refused {
    let errors = || news(attempts);
    let Some((farthest, error)) = errors().max_by_key(|(_, error)| error.phase as u8) else {
        let failure = Failure::say(Exit::Config, "the account has no server to sign in at");
        return failure.into();
    };
    let mut sentences = vec![tried(farthest, error)];
    let mut hints = of_error(error, Some(farthest));
    for (attempt, error) in errors().filter(|(attempt, _)| !std::ptr::eq(*attempt, farthest)) {
        add_news(&mut sentences, vec![tried(attempt, error)]);
        add_news(&mut hints, of_error(error, Some(attempt)));
    }
    let sentence = format!("the account does not work: {}", sentences.join("; "));
    let exit = Exit::of_attempt(error, signal);
    // RFC 4954 §6: 454 is about the server, 534 and 538 about the mechanism.
    let is_wrong = |reply: &Reply| reply.code.value() == 535;
    let is_about_secret = error.phase == Phase::Auth
        && matches!(&error.kind, Kind::Refused(reply) if is_wrong(reply));
    Refused { failure: Failure { hints, ..Failure::say(exit, sentence) }, is_about_secret }
}
