//! `envoi account`: what is configured, and where it is said.

mod list;
mod reason;
mod show;
mod values;

use super::Surroundings;
use super::args::{AccountArgs, AccountCommand};
use super::exit::Exit;
use super::failure::Failure;
use crate::account::{Accounts, Server, ServerUrl};
use std::io;

pub(super) fn run(
    args: &AccountArgs,
    surroundings: &mut Surroundings<'_>,
) -> Result<Exit, Failure> {
    let config = surroundings.globals.config.as_deref();
    let accounts = Accounts::load(config, surroundings.environment)?;
    match &args.command {
        None | Some(AccountCommand::List) => list::run(&accounts, surroundings),
        Some(AccountCommand::Show(args)) => show::run(args, &accounts, surroundings),
    }
}

fn unwritten(error: io::Error) -> Failure {
    Failure::caused(Exit::IoErr, "cannot write to the standard output", error)
}

/// The server, and who its URL says signs in there.
fn server(url: &ServerUrl) -> String {
    match url {
        ServerUrl::Smtp(Server { user: Some(user), password, .. }) => {
            let password = if password.is_some() { ", the password in the URL" } else { "" };
            format!("{url} (user {user}{password})")
        }
        ServerUrl::Smtp(_) | ServerUrl::Sink(_) => url.to_string(),
    }
}
