//! From the name of an account, as an entry has it, to a connection.

use crate::account::{Accounts, Choice, Environment, Machine};
use crate::cli::Surroundings;
use crate::cli::args::Globals;
use crate::cli::home::{Household, OpenHome};
use crate::cli::route::{self, Prepared};
use crate::delivery::{Home, Report, Submission, World, submit_and_keep};
use crate::message::Repairs;
use crate::net::Interrupt;
use crate::queue::{self, Courier};
use crate::session::{Event, Observer};
use std::io;

/// Who sends for the accounts of this configuration.
pub(super) struct Couriers<'c> {
    pub(super) accounts: &'c Accounts,
    pub(super) environment: &'c Environment,
    pub(super) interrupt: &'c Interrupt,
    /// The name that the system gives this machine.
    pub(super) host: &'c str,
}

/// Who carries messages of one account.
struct Own<'c> {
    prepared: &'c Prepared<'c>,
    home: Option<OpenHome<'c>>,
    repairs: Repairs,
    couriers: &'c Couriers<'c>,
}

impl queue::Accounts for Couriers<'_> {
    fn serve(&self, account: &str, shift: &mut dyn FnMut(&mut dyn Courier)) -> Result<(), String> {
        let choice = Choice { named: Some(account), ..Choice::default() };
        let account = self.accounts.choose(choice).map_err(|error| error.to_string())?;
        // What is doubtful was said when the message was kept.
        let globals = Globals::silent(0);
        let mut surroundings = Surroundings {
            globals: &globals,
            environment: self.environment,
            out: &mut io::sink(),
            err: &mut io::sink(),
        };
        let prepared = route::prepare(&account, false, self.interrupt, &mut surroundings);
        let prepared = prepared.map_err(|failure| format!("{:#}", failure.error))?;
        let household = Household::of(&account, self.accounts, &Machine::this())
            .map_err(|error| error.to_string())?;
        let home = household.as_ref().map(|household| {
            household.open(&account, self.host, self.interrupt, &mut surroundings)
        });
        let home = home.transpose().map_err(|failure| format!("{:#}", failure.error))?;
        let repairs = self.accounts.repairs();
        shift(&mut Own { prepared: &prepared, home, repairs, couriers: self });
        Ok(())
    }
}

impl Courier for Own<'_> {
    fn repairs(&self) -> Repairs {
        self.repairs
    }

    fn carry(&mut self, submission: &Submission) -> Report {
        let world = World {
            secrets: &self.prepared.passwords,
            interrupt: self.couriers.interrupt,
            host_name: Some(self.couriers.host),
            wait_for_farewell: false,
        };
        let home = self.home.as_ref().map(|home| home as &dyn Home);
        submit_and_keep(submission, &self.prepared.route, home, &world, &mut Nobody)
    }
}

/// Nobody watches.
struct Nobody;

impl Observer for Nobody {
    fn event(&mut self, _event: Event<'_>) {}
}
