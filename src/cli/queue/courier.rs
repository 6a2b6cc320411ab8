//! From the name of an account, as an entry has it, to a connection.

use super::dice;
use crate::account::{Account, Accounts, Choice, Environment, Error, Machine};
use crate::cli::Surroundings;
use crate::cli::args::Globals;
use crate::cli::clock;
use crate::cli::failure::Failure;
use crate::cli::home::{Household, OpenHome};
use crate::cli::log::{Log, Queued, Run, Subject};
use crate::cli::route::{self, Prepared};
use crate::cli::transcript::Transcript;
use crate::delivery::{Home, Line, Report, Witness, World, submit_on};
use crate::message::{Address, Repairs, addresses};
use crate::net::{Deadline, Interrupt, Stopwatch};
use crate::queue::{
    self, Courier, Errand, Event, Queue, Reporting, Runner, Unserved, Which, unreportable,
};
use crate::smtp::Mailbox;
use jiff::Timestamp;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Who sends for the accounts of this configuration.
pub(super) struct Couriers<'c> {
    accounts: &'c Accounts,
    environment: &'c Environment,
    interrupt: &'c Interrupt,
    /// The name that the system gives this machine.
    host: &'c str,
    /// The end of each message's try, counted from its beginning, where that is
    /// sooner than the account says.
    patience: Option<Duration>,
    /// How much of the conversations is shown on standard error.
    verbose: u8,
    /// What went wrong beside the deliveries, in sentences, each once.
    troubles: Mutex<Vec<String>>,
}

/// Who carries messages of one account, over a connection that stays open.
struct Own<'c, 'l> {
    account: &'c Account,
    prepared: &'c Prepared<'c>,
    line: Line<'l>,
    home: Option<OpenHome<'c>>,
    repairs: Repairs,
    couriers: &'c Couriers<'c>,
    /// By when this one has to be back.
    patience: Option<Deadline>,
    was_called_back: bool,
}

impl<'c> Couriers<'c> {
    pub(super) fn of(
        accounts: &'c Accounts,
        environment: &'c Environment,
        interrupt: &'c Interrupt,
        host: &'c str,
    ) -> Self {
        let troubles = Mutex::default();
        Couriers { accounts, environment, interrupt, host, patience: None, verbose: 0, troubles }
    }

    /// The same, who let others see what they say: `-v`, as often as it was
    /// given. They work one after another.
    pub(super) fn seen(self, verbose: u8) -> Self {
        Couriers { verbose, ..self }
    }

    /// The same, none of whom tries longer than this.
    pub(super) fn patient_for(self, patience: Duration) -> Self {
        Couriers { patience: Some(patience), ..self }
    }

    /// Has them carry what is to be carried.
    pub(super) fn run(
        &self,
        queue: &Queue,
        which: &Which,
        connections: u8,
        account: Option<&str>,
        told: &(dyn Fn(Event) + Sync),
    ) -> io::Result<()> {
        let now = || clock::now(self.environment);
        let zone =
            |moment: Timestamp| clock::at(moment.as_second(), self.environment).unwrap_or_else(now);
        let reporting = Reporting {
            host: self.host,
            from: &|account| writer(account, self.accounts),
            zone: &zone,
            maildir: unreportable(queue.path()),
        };
        let runner = Runner {
            queue,
            accounts: self,
            clock: &Timestamp::now,
            dice: &dice,
            reporting: &reporting,
            interrupt: self.interrupt,
            connections: if self.verbose > 0 { 1 } else { usize::from(connections) },
            account,
            without_handed_in: self.accounts.files().only.is_some(),
            told,
        };
        runner.run(which)
    }

    /// What went wrong beside the deliveries since this was asked last.
    pub(super) fn troubles(&self) -> Vec<String> {
        std::mem::take(&mut *self.troubles.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, troubles: impl IntoIterator<Item = String>) {
        let mut known = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        for trouble in troubles {
            if !known.contains(&trouble) {
                known.push(trouble);
            }
        }
    }
}

impl queue::Accounts for Couriers<'_> {
    fn serve(
        &self,
        account: &str,
        shift: &mut dyn FnMut(&mut dyn Courier),
    ) -> Result<(), Unserved> {
        let choice = Choice { named: Some(account), ..Choice::default() };
        let mut account = self.accounts.choose(choice).map_err(|error| match error {
            Error::UnknownAccount { name, .. } => Unserved::Unknown(format!(
                "no account ‘{name}’ is configured for who runs the queue"
            )),
            other => Unserved::Unusable(other.to_string()),
        })?;
        account.patience = self.patience;
        // What is doubtful was said when the message was kept.
        let globals = Globals::silent(0);
        let mut surroundings = Surroundings {
            globals: &globals,
            environment: self.environment,
            out: &mut io::sink(),
            err: &mut io::sink(),
        };
        let prepared = route::prepare(&account, false, self.interrupt, &mut surroundings);
        let unusable = |failure: Failure| Unserved::Unusable(format!("{:#}", failure.error));
        let prepared = prepared.map_err(unusable)?;
        let household = Household::of(&account, self.accounts, &Machine::this())
            .map_err(|error| Unserved::Unusable(error.to_string()))?;
        let home = household.as_ref().map(|household| {
            household.open(&account, self.host, false, self.interrupt, &mut surroundings)
        });
        let home = home.transpose().map_err(unusable)?;
        let world = World {
            secrets: &prepared.passwords,
            interrupt: self.interrupt,
            host_name: Some(self.host),
            wait_for_farewell: false,
        };
        let line = Line::new(&prepared.route, &world);
        let (prepared, account) = (&prepared, &account);
        let repairs = self.accounts.repairs();
        let patience = self.patience.map(Deadline::after);
        let was_called_back = false;
        let couriers = self;
        shift(&mut Own {
            account,
            prepared,
            line,
            home,
            repairs,
            couriers,
            patience,
            was_called_back,
        });
        self.note(prepared.passwords.troubles());
        Ok(())
    }
}

impl Courier for Own<'_, '_> {
    fn repairs(&self) -> Repairs {
        self.repairs
    }

    fn carry(&mut self, errand: &Errand<'_>, witness: &mut Witness<'_>) -> Report {
        let Errand { id, submission, stays_here, owner } = *errand;
        let Couriers { environment, interrupt, .. } = *self.couriers;
        let (account, local_id, since) = (self.account, id.as_str(), Stopwatch::start());
        let subject = &Subject::of(submission);
        let run = Run { account, subject, local_id, owner, tag: None, ignored: &[], since };
        let (mut log, trouble) = Log::open(run, environment);
        let home = self.home.as_ref().filter(|_| stays_here).map(|home| home as &dyn Home);
        let mut transcript = Transcript::seen(self.couriers.verbose, io::stderr());
        let report = submit_on(&mut self.line, submission, home, witness, &mut transcript);
        let unlogged =
            log.report(&report, submission, &self.prepared.route, Queued::default(), interrupt);
        self.couriers.note(trouble.into_iter().chain(unlogged));
        let is_late = self.patience.is_some_and(|patience| patience.remaining().is_none());
        self.was_called_back = is_late && report.recipients.iter().any(|(_, it)| it.is_open());
        report
    }

    fn was_called_back(&self) -> bool {
        self.was_called_back
    }
}

/// Who writes reports about messages of this account: its own address, which
/// its servers know, else the postmaster of this machine.
fn writer(account: &str, accounts: &Accounts) -> Address {
    let choice = Choice { named: Some(account), ..Choice::default() };
    let own = accounts.choose(choice).ok().and_then(|account| account.from);
    let own = own.and_then(|from| addresses(&from).ok());
    let own = own.and_then(|from| from.iter().flat_map(Address::mailboxes).next().cloned());
    let rewriting = || accounts.rewriting(&Machine::this(), None).ok();
    let domain = || rewriting().and_then(|it| it.domain.or_else(|| it.hosts.into_iter().next()));
    let of_machine = || Mailbox::new("postmaster", domain()?).ok();
    let mailbox = own
        .or_else(of_machine)
        .unwrap_or_else(|| "postmaster@localhost".parse().expect("it is a mailbox"));
    Address::Mailbox { name: Some("Mail Delivery System".to_owned()), mailbox }
}
