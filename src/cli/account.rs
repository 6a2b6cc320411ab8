//! `envoi account`: what is configured, and where it is said.

mod add;
mod import;
mod list;
mod login;
mod reason;
mod remove;
mod show;
mod values;

use super::Surroundings;
use super::args::{AccountArgs, AccountCommand};
use super::exit::Exit;
use super::failure::Failure;
use super::interrupt;
use crate::account::{Accounts, Error, NamedBy, Server, ServerUrl};
use crate::net::Interrupt;
use std::io;

pub(super) fn run(
    args: &AccountArgs,
    surroundings: &mut Surroundings<'_>,
) -> Result<Exit, Failure> {
    match &args.command {
        None | Some(AccountCommand::List) => list::run(&load(surroundings)?, surroundings),
        Some(AccountCommand::Show(args)) => show::run(args, &load(surroundings)?, surroundings),
        Some(AccountCommand::Add(args)) => add::run(args, surroundings),
        Some(AccountCommand::Remove(args)) => remove::run(args, &load(surroundings)?, surroundings),
        Some(AccountCommand::Login(args)) => login::run(args, &load(surroundings)?, surroundings),
        Some(AccountCommand::Logout(args)) => login::end(args, &load(surroundings)?, surroundings),
        // What is configured may be the very file that is imported.
        Some(AccountCommand::Import(args)) => import::run(args, surroundings),
    }
}

fn load(surroundings: &mut Surroundings<'_>) -> Result<Accounts, Failure> {
    let config = surroundings.globals.config.as_deref();
    let accounts = Accounts::load(config, surroundings.environment)?;
    surroundings.tell_of_foreign(&accounts);
    Ok(accounts)
}

/// The account was named by a word of the command itself.
pub(super) fn named_by_word(error: Error) -> Error {
    match error {
        Error::UnknownAccount { by: NamedBy::Option, name, nearest, names } => {
            Error::UnknownAccount { by: NamedBy::Word, name, nearest, names }
        }
        error => error,
    }
}

fn installed() -> Result<Interrupt, Failure> {
    interrupt::install()
        .map_err(|error| Failure::caused(Exit::OsErr, "cannot prepare for Ctrl-C", error))
}

/// An msmtprc is read, and never written.
fn refuse_foreign(accounts: &Accounts) -> Result<(), Failure> {
    let Some(file) = accounts.foreign() else { return Ok(()) };
    let sentence = format!("the accounts are in {}, which envoi does not change", file.display());
    Err(Failure::say(Exit::Config, sentence)
        .hint("make them envoi's own: envoi account import --write"))
}

fn unwritten(error: io::Error) -> Failure {
    Failure::caused(Exit::IoErr, "cannot write to the standard output", error)
}

/// The server, and who its URL says signs in there.
fn server(url: &ServerUrl) -> String {
    match url {
        ServerUrl::Server(Server { user: Some(user), password, .. }) => {
            let password = if password.is_some() { ", the password in the URL" } else { "" };
            format!("{url} (user {user}{password})")
        }
        ServerUrl::Server(_) | ServerUrl::Sink(_) => url.to_string(),
    }
}
