//! `sendmail -bv`: what would become of recipients. Nothing is sent, and nobody
//! is asked.

use super::{Caller, Office, no_recipients, sender};
use crate::account::ServerUrl;
use crate::cli::Surroundings;
use crate::cli::args::SendmailArgs;
use crate::cli::escape::Escaped;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use std::io;

/// A line a recipient, in the form that sendmail(8) gave it. The status is that
/// of the first that could not be sent to.
pub(super) fn run(
    args: &SendmailArgs,
    office: &Office,
    surroundings: &mut Surroundings<'_>,
) -> Result<Exit, Failure> {
    if args.recipients.is_empty() {
        return Err(no_recipients());
    }
    let environment = surroundings.environment;
    let typed = sender(args.sender.as_deref(), "-f", &office.rules, &mut Vec::new())?;
    let caller = Caller { typed: typed.as_ref(), full_name: None, office, environment };
    let account = caller.account(None)?;
    let household = office.household(Some(&account));
    let server = account.servers.first().map(ServerUrl::to_string).unwrap_or_default();
    let mut exit = Exit::Ok;
    let mut lines = Vec::new();
    for name in &args.recipients {
        match office.rules.envelope_recipients(name, &mut Vec::new()) {
            Ok(paths) if paths.is_empty() => lines.push(format!("{name}... nobody")),
            Ok(paths) => {
                for path in &paths {
                    let home = household.as_ref().filter(|home| home.has(path));
                    let mailer = home.map_or(Some(server.clone()), |home| home.place(path));
                    let Some(mailer) = mailer else {
                        lines.push(format!("{name}... undeliverable: {path} is no user here"));
                        exit = if exit == Exit::Ok { Exit::NoUser } else { exit };
                        continue;
                    };
                    lines.push(format!("{name}... deliverable: mailer {mailer}, user {path}"));
                }
            }
            Err(error) => {
                let failure = Failure::from(error);
                lines.push(format!("{name}... undeliverable: {:#}", failure.error));
                exit = if exit == Exit::Ok { failure.exit } else { exit };
            }
        }
    }
    let out = &mut *surroundings.out;
    let written = lines.iter().try_for_each(|line| writeln!(out, "{}", Escaped(line)));
    written.and_then(|()| out.flush()).map_err(not_written)?;
    Ok(exit)
}

fn not_written(error: io::Error) -> Failure {
    Failure::caused(Exit::IoErr, "cannot write to the standard output", error)
}
