//! One message to its recipients: which server, which recipients, what came of
//! it. Read [`submit`] and you have read the program.

mod connection;
mod home;
mod line;
mod outcome;
mod probe;
mod report;
mod route;
mod sending;
mod sign_in;
mod way;

pub use crate::session::Absence;
pub use home::{Home, Maildirs, Owner, keep_by_lmtp};
pub use line::Line;
pub use outcome::{Cause, NotKept, Outcome};
pub use probe::{Probed, probe, probe_at};
pub use report::{Attempt, Report, SignedIn};
pub use route::{Hop, Route, SignIn};

use crate::message::Message;
use crate::net::{self, Address, Endpoint, Interrupt, Stopwatch};
use crate::sasl::{Proof, Secret};
use crate::session::{Error, Event, Kind, Observer};
use crate::smtp::{Envelope, Phase};
use connection::open;
use report::Ledger;
use sending::send;
use std::path::PathBuf;
use std::sync::Arc;

/// One message and whom it is for.
pub struct Submission {
    /// The envelope.
    pub envelope: Envelope,
    /// The message.
    pub message: Arc<Message>,
}

/// What a delivery needs from outside.
pub struct World<'w> {
    /// Where passwords and tokens come from.
    pub secrets: &'w dyn Secrets,
    /// The user's wish to stop.
    pub interrupt: &'w Interrupt,
    /// The host's own name, as the system gives it.
    pub host_name: Option<&'w str>,
    /// Wait for the reply to QUIT, because somebody watches.
    pub wait_for_farewell: bool,
}

/// Where passwords and tokens come from, when they are needed and not before;
/// for several threads at once.
pub trait Secrets: Sync {
    /// The password or token of this user at this server.
    fn secret(
        &self,
        server: &Endpoint,
        user: Option<&str>,
        proof: Proof,
    ) -> Result<Secret, Unavailable>;

    /// A token in place of this one, which was refused; `None` where asking
    /// again cannot give another.
    fn renewed(
        &self,
        server: &Endpoint,
        user: Option<&str>,
        refused: &Secret,
    ) -> Option<Result<Secret, Unavailable>> {
        let _ = (server, user, refused);
        None
    }

    /// What to try about a token that was refused and cannot be had anew.
    fn way_out(&self, server: &Endpoint, user: Option<&str>) -> Option<String> {
        let _ = (server, user);
        None
    }
}

/// Why a password or token cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable {
    /// A sentence. Nothing of a secret is in it.
    pub reason: String,
    /// What to try about it, if anything.
    pub way_out: Option<String>,
    /// Whether trying again would help, or who has to do something.
    pub absence: Absence,
}

/// Hears who is decided while others are still to be asked about, before
/// anybody is asked again: positions in the envelope, each once. What is decided
/// so does not change. Where the answer is false, nobody else is asked about.
pub type Witness<'w> = dyn FnMut(&[(usize, Outcome)]) -> bool + 'w;

/// Submits one message: each server in turn, each of its addresses in turn,
/// for as long as some recipient is open.
pub fn submit(
    submission: &Submission,
    route: &Route,
    world: &World<'_>,
    observer: &mut dyn Observer,
) -> Report {
    submit_and_keep(submission, route, None, world, observer)
}

/// The same, but whoever is at home here gets the message here, after the
/// others.
pub fn submit_and_keep(
    submission: &Submission,
    route: &Route,
    home: Option<&dyn Home>,
    world: &World<'_>,
    observer: &mut dyn Observer,
) -> Report {
    submit_on(&mut Line::for_one(route, world), submission, home, &mut |_| true, observer)
}

/// The same on a line: on the session that an earlier message has left open, if
/// there is one and it is still of use. A session that has served this message
/// stays open for the next. Whoever may be stopped in the middle has a witness.
pub fn submit_on(
    line: &mut Line<'_>,
    submission: &Submission,
    home: Option<&dyn Home>,
    witness: &mut Witness<'_>,
    observer: &mut dyn Observer,
) -> Report {
    let mut ledger = Ledger::new(&submission.envelope, witness);
    ledger.set_aside(|path| home.is_some_and(|home| home.has(path)));
    let mut attempts = Vec::new();
    let route = line.route;
    if let Some(home) = home.filter(|home| home.is_all_or_nothing()) {
        ledger.refuse_aside(|path| home.refuses(path));
    }
    if !ledger.is_settled() {
        attempts.extend(go_on(submission, line, &mut ledger, observer));
    }
    for hop in &route.hops {
        if ledger.is_settled() {
            break;
        }
        ledger.turn_to_next();
        attempts.extend(ask(submission, hop, line, &mut ledger, observer));
    }
    if let Some(home) = home {
        attempts.extend(keep(home, submission, &mut ledger, line.world, observer));
    }
    let unreached = Outcome::Deferred(Cause::Withheld);
    Report { recipients: ledger.close(&unreached), attempts }
}

/// Keeps the message for whoever is at home here, once in each Maildir; returns what servers were
/// asked for that.
fn keep(
    home: &dyn Home,
    submission: &Submission,
    ledger: &mut Ledger<'_>,
    world: &World<'_>,
    observer: &mut dyn Observer,
) -> Vec<Attempt> {
    let mut attempts = Vec::new();
    let mut kept: Vec<(PathBuf, Outcome)> = Vec::new();
    for at in ledger.take_up() {
        if !ledger.tell_decided() {
            break;
        }
        if home.is_all_or_nothing() && ledger.somebody_is_left_out() {
            ledger.withhold();
            break;
        }
        let path = &submission.envelope.to()[at].path;
        let maildir = home.maildir(path);
        if let Some((_, outcome)) = kept.iter().find(|(known, _)| Some(known) == maildir.as_ref()) {
            ledger.note(at, outcome.clone());
            continue;
        }
        let (outcome, asked) = home.keep(path, submission, world, observer);
        kept.extend(maildir.map(|maildir| (maildir, outcome.clone())));
        ledger.note(at, outcome);
        attempts.extend(asked);
    }
    attempts
}

/// Connects to each server in turn, signs in, and leaves; nothing is sent. The
/// first that goes well ends it, and so does one that will not pass: whoever
/// was refused should not knock everywhere. Of the attempts, one at least, only
/// the last may have gone well.
pub fn sign_in(route: &Route, world: &World<'_>, observer: &mut dyn Observer) -> Vec<Attempt> {
    let mut attempts = Vec::new();
    for hop in &route.hops {
        let mut nowhere = Attempt::at(hop, None, Vec::new());
        let targets = match look_up(hop, world, &mut nowhere, observer) {
            Ok(targets) => targets,
            Err(error) => {
                nowhere.error = Some(Arc::new(error));
                attempts.push(nowhere);
                continue;
            }
        };
        for target in targets {
            let tried = knock(hop, &target, world, observer);
            let is_over = tried.error.as_ref().is_none_or(|error| {
                !Outcome::of_error(error).is_open() || world.interrupt.signal().is_some()
            });
            attempts.push(tried);
            if is_over {
                return attempts;
            }
        }
    }
    attempts
}

/// Sends on the session that is open, if one is. Of those whom it leaves
/// undecided, nobody has been asked; where that is everybody, it is no attempt.
fn go_on(
    submission: &Submission,
    line: &mut Line<'_>,
    ledger: &mut Ledger<'_>,
    observer: &mut dyn Observer,
) -> Option<Attempt> {
    let (hop, mut session, mut attempt) = line.take_up(observer)?;
    attempt.to = ledger.open_paths();
    send(submission, hop, &mut session, ledger, &mut attempt);
    if !ledger.ask_anew() {
        line.part(hop, session, &attempt);
        observer.event(Event::Ended);
        return Some(attempt);
    }
    session.quit(line.world.wait_for_farewell);
    observer.event(Event::Ended);
    (ledger.open().len() < attempt.to.len()).then_some(attempt)
}

/// Asks one server, at each of its addresses in turn.
fn ask<'l>(
    submission: &Submission,
    hop: &'l Hop,
    line: &mut Line<'l>,
    ledger: &mut Ledger<'_>,
    observer: &mut dyn Observer,
) -> Vec<Attempt> {
    let mut attempts = Vec::new();
    let mut nowhere = Attempt::at(hop, None, ledger.open_paths());
    let targets = match look_up(hop, line.world, &mut nowhere, observer) {
        Ok(targets) => targets,
        Err(error) => return vec![failed(nowhere, error, ledger)],
    };
    for target in targets {
        if ledger.is_settled() {
            break;
        }
        let tried = attempt(submission, hop, &target, line, ledger, observer);
        let in_clear = may_go_in_clear(hop, &tried);
        attempts.push(tried);
        if in_clear {
            let target = Target { in_clear, ..target };
            attempts.push(attempt(submission, hop, &target, line, ledger, observer));
        }
    }
    attempts
}

/// Tries one address: connect, secure, sign in, leave.
fn knock(hop: &Hop, target: &Target, world: &World<'_>, observer: &mut dyn Observer) -> Attempt {
    let mut attempt = Attempt::at(hop, Some(target.address.clone()), Vec::new());
    match open(hop, target, world, &mut attempt, observer) {
        Ok(session) => {
            attempt.timings.extend_from_slice(session.timings());
            session.quit(world.wait_for_farewell);
        }
        Err(error) => attempt.error = Some(Arc::new(error)),
    }
    observer.event(Event::Ended);
    attempt
}

/// One address to try, of the server or of the proxy that leads to it.
struct Target {
    address: Address,
    /// No other address of this server remains.
    is_last: bool,
    /// Opportunistic TLS has failed here: do without.
    in_clear: bool,
}

/// Whether opportunistic TLS failed in a way that leaves the mail no worse off
/// in clear. Text behind STARTTLS is no such failure, but an attack.
fn may_go_in_clear(hop: &Hop, tried: &Attempt) -> bool {
    hop.is_opportunistic()
        && tried.error.as_ref().is_some_and(|error| {
            matches!(error.phase, Phase::StartTls | Phase::Handshake)
                && !matches!(
                    error.kind,
                    Kind::PlaintextAfterStartTls | Kind::Net(net::Error::Interrupted)
                )
        })
}

/// Looks up the name of the server, or of the proxy that leads to it, if it has
/// one. Gives the addresses to try, in order and at least one; how long it took
/// goes into the attempt.
fn look_up(
    hop: &Hop,
    world: &World<'_>,
    attempt: &mut Attempt,
    observer: &mut dyn Observer,
) -> Result<Vec<Target>, Error> {
    let started = Stopwatch::start();
    let found = way::addresses(hop, world.interrupt);
    attempt.timings.push((Phase::Lookup, started.elapsed()));
    observer.event(Event::Waited(Phase::Lookup, started.elapsed()));
    match found {
        Ok(addresses) => Ok(targets(addresses)),
        Err(error) => {
            let error = Error::new(Phase::Lookup, error);
            observer.event(Event::Broke(&error));
            observer.event(Event::Ended);
            Err(error)
        }
    }
}

/// An attempt that ended before anybody was asked about: so it ends for all
/// who are open.
fn failed(mut attempt: Attempt, error: Error, ledger: &mut Ledger<'_>) -> Attempt {
    let error = Arc::new(error);
    ledger.note_all(&Outcome::of_error(&error));
    attempt.error = Some(error);
    attempt
}

fn targets(addresses: Vec<Address>) -> Vec<Target> {
    let last = addresses.len().saturating_sub(1);
    let target = |(at, address)| Target { address, is_last: at == last, in_clear: false };
    addresses.into_iter().enumerate().map(target).collect()
}

/// Tries one address: connect, secure, sign in, send, and stay or leave.
fn attempt<'l>(
    submission: &Submission,
    hop: &'l Hop,
    target: &Target,
    line: &mut Line<'l>,
    ledger: &mut Ledger<'_>,
    observer: &mut dyn Observer,
) -> Attempt {
    let mut attempt = Attempt::at(hop, Some(target.address.clone()), ledger.open_paths());
    let mut session = match open(hop, target, line.world, &mut attempt, observer) {
        Ok(session) => session,
        Err(error) => {
            observer.event(Event::Ended);
            return failed(attempt, error, ledger);
        }
    };
    send(submission, hop, &mut session, ledger, &mut attempt);
    line.part(hop, session, &attempt);
    observer.event(Event::Ended);
    attempt
}
