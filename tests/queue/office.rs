//! Couriers that do what a test tells them, and count.

use crate::spool::octets;
use envoi::delivery::{Cause, Outcome, Report, Witness};
use envoi::message::{Address, Repairs};
use envoi::net::{self, Interrupt};
use envoi::queue::{
    Accounts, Courier, Errand, Event, Queue, Reporting, Runner, Unserved, Which, unreportable,
};
use envoi::session::{Error, Kind};
use envoi::smtp::{Phase, Reply};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

type Judge<'o> = Box<dyn Fn(&str) -> Outcome + Sync + 'o>;
type Hears<'o> = Box<dyn Fn(&str, &str) + Sync + 'o>;

/// Serves every account.
pub struct Office<'o> {
    judge: Judge<'o>,
    hears: Hears<'o>,
    carried: AtomicUsize,
    asked: Mutex<BTreeMap<String, usize>>,
    accepted: Mutex<BTreeMap<(String, String), usize>>,
}

impl<'o> Office<'o> {
    /// One in which this becomes of each recipient.
    pub fn new(judge: impl Fn(&str) -> Outcome + Sync + 'o) -> Self {
        Office {
            judge: Box::new(judge),
            hears: Box::new(|_, _| ()),
            carried: AtomicUsize::new(0),
            asked: Mutex::default(),
            accepted: Mutex::default(),
        }
    }

    /// The same, and this hears the octets of each message, and for whom it was
    /// accepted, when the server has said so.
    pub fn heard(self, hears: impl Fn(&str, &str) + Sync + 'o) -> Self {
        Office { hears: Box::new(hears), ..self }
    }

    /// How often somebody carried something.
    pub fn carried(&self) -> usize {
        self.carried.load(Ordering::Relaxed)
    }

    /// How often a server was asked about this recipient.
    pub fn asked(&self, to: &str) -> usize {
        self.asked.lock().unwrap().get(to).copied().unwrap_or(0)
    }

    /// How often each message, by its octets, was accepted for each recipient.
    pub fn accepted(&self) -> BTreeMap<(String, String), usize> {
        self.accepted.lock().unwrap().clone()
    }

    /// How often one with this word in its subject was.
    pub fn times(&self, word: &str, to: &str) -> usize {
        let subject = format!("Subject: {word}\r\n");
        let is_it = |(octets, path): &(String, String)| octets.contains(&subject) && path == to;
        self.accepted().iter().filter(|(what, _)| is_it(what)).map(|(_, times)| times).sum()
    }

    /// One run over one connection; what happened.
    pub fn run(&self, queue: &Queue, which: &Which, now: Timestamp) -> io::Result<Vec<String>> {
        self.run_over(1, queue, which, now)
    }

    pub fn run_over(
        &self,
        connections: usize,
        queue: &Queue,
        which: &Which,
        now: Timestamp,
    ) -> io::Result<Vec<String>> {
        queue.stamp(now)?;
        run_with(self, connections, queue, which, now)
    }

    /// One run that leaves alone what users handed in.
    pub fn run_without_handed_in(
        &self,
        queue: &Queue,
        which: &Which,
        now: Timestamp,
    ) -> io::Result<Vec<String>> {
        run_some(self, 1, true, queue, which, now)
    }
}

/// One run with these accounts; what happened.
pub fn run_with(
    accounts: &dyn Accounts,
    connections: usize,
    queue: &Queue,
    which: &Which,
    now: Timestamp,
) -> io::Result<Vec<String>> {
    run_some(accounts, connections, false, queue, which, now)
}

fn run_some(
    accounts: &dyn Accounts,
    connections: usize,
    without_handed_in: bool,
    queue: &Queue,
    which: &Which,
    now: Timestamp,
) -> io::Result<Vec<String>> {
    let events = Mutex::new(Vec::new());
    let postmaster =
        Address::Mailbox { name: None, mailbox: "postmaster@client.example".parse().unwrap() };
    let reporting = Reporting {
        host: "client.example",
        from: &|_| postmaster.clone(),
        zone: &|moment| moment.to_zoned(TimeZone::UTC),
        maildir: unreportable(queue.path()),
    };
    let runner = Runner {
        queue,
        accounts,
        clock: &|| now,
        dice: &|| 0.5,
        reporting: &reporting,
        interrupt: &Interrupt::default(),
        account: None,
        without_handed_in,
        connections,
        told: &|event| events.lock().unwrap().push(words(&event)),
    };
    runner.run(which)?;
    Ok(events.into_inner().unwrap())
}

/// What happened, to which entry, and why where that is not what was asked for.
fn words(event: &Event) -> String {
    match event {
        Event::Tried { id, .. } => format!("tried {id}"),
        Event::PutOff { id, .. } => format!("put off {id}"),
        Event::Trouble { account, answer } => format!("trouble {account}: {answer}"),
        Event::Busy { id } => format!("busy {id}"),
        Event::SetAside { id, reason } => format!("set aside {id}: {reason}"),
        Event::Unusable { id, reason } => format!("unusable {id}: {reason}"),
        Event::Untold { id, reason } => format!("untold {id}: {reason}"),
        Event::Unwritten { id, reason } => format!("unwritten {id}: {reason}"),
    }
}

impl Accounts for Office<'_> {
    fn serve(&self, _: &str, shift: &mut dyn FnMut(&mut dyn Courier)) -> Result<(), Unserved> {
        shift(&mut Clerk(self));
        Ok(())
    }
}

struct Clerk<'o>(&'o Office<'o>);

impl Courier for Clerk<'_> {
    fn repairs(&self) -> Repairs {
        Repairs::default()
    }

    fn carry(&mut self, errand: &Errand<'_>, _: &mut Witness<'_>) -> Report {
        let submission = errand.submission;
        let Clerk(office) = self;
        office.carried.fetch_add(1, Ordering::Relaxed);
        let octets = octets(&submission.message);
        let judged = submission.envelope.to().iter().map(|to| {
            let path = to.path.to_string();
            *office.asked.lock().unwrap().entry(path.clone()).or_default() += 1;
            let outcome = (office.judge)(&path);
            if matches!(outcome, Outcome::Accepted(_)) {
                let what = (octets.clone(), path);
                (office.hears)(&what.0, &what.1);
                *office.accepted.lock().unwrap().entry(what).or_default() += 1;
            }
            (to.path.clone(), outcome)
        });
        Report { recipients: judged.collect(), attempts: Vec::new() }
    }
}

fn reply(code: u16, text: &str) -> Reply {
    Reply::new(code, text).unwrap()
}

pub fn accepted() -> Outcome {
    Outcome::Accepted(reply(250, "ok"))
}

pub fn not_now() -> Outcome {
    Outcome::Deferred(Cause::Replied(Phase::Rcpt, reply(450, "later")))
}

pub fn never() -> Outcome {
    Outcome::Rejected(Cause::Replied(Phase::Rcpt, reply(550, "no such user")))
}

pub fn silent() -> Outcome {
    let error = Error::new(Phase::EndOfData, net::Error::Closed { abruptly: true });
    Outcome::Uncertain(Cause::Broke(Arc::new(error)))
}

pub fn unreached() -> Outcome {
    let error = Error::new(Phase::Connect, net::Error::Closed { abruptly: true });
    Outcome::Deferred(Cause::Broke(Arc::new(error)))
}

pub fn not_signed_in() -> Outcome {
    let error = Error::new(Phase::Auth, Kind::Refused(reply(535, "authentication failed")));
    Outcome::Rejected(Cause::Broke(Arc::new(error)))
}

pub fn sign_in_first() -> Outcome {
    Outcome::Rejected(Cause::Replied(Phase::Mail, reply(530, "authentication required")))
}

pub fn unread() -> Outcome {
    let error = Error::new(Phase::Content, Kind::Source(io::Error::other("bad sector")));
    Outcome::Rejected(Cause::Broke(Arc::new(error)))
}
