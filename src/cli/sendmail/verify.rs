//! `sendmail -bv`: what would become of recipients. Nothing is sent, and nobody
//! is asked.

use super::{Caller, Office, no_recipients, sender};
use crate::account::{Account, ServerUrl};
use crate::cli::Surroundings;
use crate::cli::args::SendmailArgs;
use crate::cli::escape::Escaped;
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, no_server};
use crate::cli::home::Household;
use crate::smtp::{Envelope, ForwardPath, ReversePath};
use std::io;

/// A line a recipient, in the form that sendmail(8) gave it. The status is that
/// of the first that could not be sent to.
pub(super) fn run(
    args: &SendmailArgs,
    office: &Office<'_>,
    surroundings: &mut Surroundings<'_>,
) -> Result<Exit, Failure> {
    if args.recipients.is_empty() {
        return Err(no_recipients());
    }
    let environment = surroundings.environment;
    let typed = sender(args.sender.as_deref(), "-f", &office.rules, &mut Vec::new())?;
    let caller = Caller { typed: typed.as_ref(), full_name: None, office, environment };
    let account = caller.account(None)?;
    let ways = Ways { office, household: office.household(Some(&account)), account };
    let mut exit = Exit::Ok;
    let mut lines = Vec::new();
    for name in &args.recipients {
        for verdict in ways.of(name) {
            let text = verdict.unwrap_or_else(|failure| {
                exit = if exit == Exit::Ok { failure.exit } else { exit };
                format!("undeliverable: {:#}", failure.error)
            });
            lines.push(format!("{name}... {text}"));
        }
    }
    let out = &mut *surroundings.out;
    let written = lines.iter().try_for_each(|line| writeln!(out, "{}", Escaped(line)));
    written.and_then(|()| out.flush()).map_err(not_written)?;
    Ok(exit)
}

/// Where mail would go.
struct Ways<'w> {
    office: &'w Office<'w>,
    account: Account,
    household: Option<Household>,
}

impl Ways<'_> {
    /// What a name comes to, for each address that it becomes.
    fn of(&self, name: &str) -> Vec<Result<String, Failure>> {
        let deliverable = |path: &ForwardPath| {
            Ok(format!("deliverable: mailer {}, user {path}", self.mailer(path)?))
        };
        match self.office.rules.envelope_recipients(name, &mut Vec::new()) {
            Ok(paths) if paths.is_empty() => vec![Ok("nobody".to_owned())],
            Ok(paths) => paths.iter().map(deliverable).collect(),
            Err(error) => vec![Err(error.into())],
        }
    }

    /// The server, or the Maildir, for an address.
    fn mailer(&self, path: &ForwardPath) -> Result<String, Failure> {
        if let Some(home) = self.household.as_ref().filter(|home| home.has(path)) {
            let nobody = || Failure::say(Exit::NoUser, format!("{path} is no user here"));
            return home.place(path).ok_or_else(nobody);
        }
        let alone = Envelope::new(ReversePath::NULL, [path.clone()]);
        self.office.check_domains(&alone, None, Some(&self.account))?;
        let server = self.account.servers.first().map(ServerUrl::to_string);
        server.ok_or_else(|| no_server(path, &self.account))
    }
}

fn not_written(error: io::Error) -> Failure {
    Failure::caused(Exit::IoErr, "cannot write to the standard output", error)
}
