//! `--forward SERVER`: each message goes on to another server, whose answer is
//! the answer.

use super::passing_on::PATIENCE;
use crate::account::{
    Account, Accounts, Choice, Environment, Origin, ServerError, ServerUrl, Settings,
};
use crate::cli::Surroundings;
use crate::cli::account::named_by_word;
use crate::cli::args::Globals;
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, of_server};
use crate::cli::input::Content;
use crate::cli::reply::said;
use crate::cli::route;
use crate::cli::send::host_name;
use crate::cli::transcript::Transcript;
use crate::cli::words::{plain, why};
use crate::delivery::{Cause, Outcome, Report, Submission, World, submit};
use crate::message::{self, Message, Source};
use crate::net::{Host, Interrupt, Place};
use crate::session::Shortfall;
use crate::sink::{Listen, Transaction};
use crate::smtp::{Envelope, Protocol, Reply, Severity};
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

/// Where messages go, and what that takes.
#[derive(Debug)]
pub(super) struct Forward {
    account: Account,
    environment: Environment,
    interrupt: Interrupt,
    /// How much of the conversations is shown on standard error.
    verbose: u8,
    host: String,
}

impl Forward {
    /// Finds out where that is. A server URL that is no good, an account that there
    /// is not, and the receiver itself are refused.
    pub(super) fn new(
        server: &str,
        ports: &[Listen],
        interrupt: &Interrupt,
        surroundings: &mut Surroundings<'_>,
    ) -> Result<Self, Failure> {
        let is_url = server.contains(':');
        let named = (!is_url).then_some(server);
        let mut typed = Settings::default();
        if is_url {
            let url =
                ServerUrl::parse(server, Origin::CommandLine).map_err(|error| unfit(&error))?;
            typed.servers = Some(vec![url]);
        }
        let (config, environment) =
            (surroundings.globals.config.as_deref(), surroundings.environment);
        let accounts = Accounts::for_message(config, environment, named, &typed)?;
        surroundings.tell_of_foreign(&accounts);
        let choice = Choice { named, sender: None, typed };
        let mut account = accounts.choose(choice).map_err(named_by_word)?;
        account.patience = Some(PATIENCE);
        // What is wrong with files of certificates is found before anybody writes.
        let prepared = route::prepare(&account, false, interrupt, surroundings)?;
        let endpoints = prepared.route.hops.iter().map(|hop| &hop.endpoint.place);
        if endpoints.clone().next().is_none() {
            let sentence = format!("the account ‘{server}’ has no server to send on to");
            return Err(Failure::say(Exit::Config, sentence));
        }
        if endpoints.into_iter().any(|place| ports.iter().any(|port| is_own(place, port))) {
            let sentence = "the receiver would send every message on to itself";
            return Err(Failure::say(Exit::Usage, sentence)
                .hint("name another server behind --forward, or listen elsewhere: --listen 0"));
        }
        drop(prepared);
        Ok(Forward {
            account,
            environment: environment.clone(),
            interrupt: interrupt.clone(),
            verbose: surroundings.globals.verbose,
            host: host_name(),
        })
    }

    /// Sends a message on, for all or nobody where one answer is for all.
    pub(super) fn answers(
        &self,
        content: Content,
        transaction: &Transaction,
        protocol: Protocol,
    ) -> Vec<Reply> {
        let submission = match submission(content, transaction) {
            Ok(submission) => submission,
            Err(error) => {
                // RFC 3463 §3.5, §3.7.
                let is_loop = matches!(error, message::Error::Loop { .. });
                let status = if is_loop { "5.4.6" } else { "5.6.0" };
                return vec![said(
                    554,
                    &format!("{status} Not sent on: {}", plain(&error.to_string())),
                )];
            }
        };
        let report = match self.submit(&submission, protocol) {
            Ok(report) => report,
            Err(failure) => {
                let why = plain(&format!("{:#}", failure.error));
                return vec![said(451, &format!("4.3.5 Not sent on: {why}"))];
            }
        };
        match protocol {
            Protocol::Smtp => vec![for_all(&report)],
            Protocol::Lmtp => {
                let outcome = |path| report.recipients.iter().find(|(known, _)| known == path);
                let to = transaction.to.iter().filter_map(|to| outcome(&to.path));
                to.map(|(_, outcome)| for_one(outcome, &report)).collect()
            }
        }
    }

    fn submit(&self, submission: &Submission, protocol: Protocol) -> Result<Report, Failure> {
        let globals = Globals::silent(0);
        let mut surroundings = Surroundings {
            globals: &globals,
            environment: &self.environment,
            out: &mut io::sink(),
            err: &mut io::sink(),
        };
        let is_one_answer = protocol == Protocol::Smtp;
        let interrupt = &self.interrupt;
        let prepared = route::prepare(&self.account, is_one_answer, interrupt, &mut surroundings)?;
        let world = World {
            secrets: &prepared.passwords,
            interrupt,
            host_name: Some(&self.host),
            wait_for_farewell: false,
        };
        let mut transcript = Transcript::seen(self.verbose, io::stderr());
        Ok(submit(submission, &prepared.route, &world, &mut transcript))
    }
}

/// Whom the receiver is there is said by an account only.
fn unfit(error: &ServerError) -> Failure {
    let failure = of_server("--forward", error);
    match error {
        ServerError::Password | ServerError::User => Failure { hints: Vec::new(), ..failure }
            .hint("make an account of it: envoi account add YOUR-ADDRESS")
            .hint("then name that: --forward ACCOUNT"),
        _ => failure,
    }
}

/// Whether this port is such a place, as far as that can be told without a
/// look-up: what remains goes round in circles until it is noticed.
fn is_own(place: &Place, port: &Listen) -> bool {
    let Place::Tcp { host, port: number } = place else { return false };
    let own = port.address.ip().to_canonical();
    *number == port.address.port()
        && match host {
            Host::Name(name) => name == "localhost" && is_here(&own),
            Host::Address(address) => {
                let address = address.to_canonical();
                // Who connects to no address in particular reaches this machine.
                address == own
                    || (address.is_loopback() && own.is_unspecified())
                    || (address.is_unspecified() && is_here(&own))
            }
        }
}

fn is_here(own: &IpAddr) -> bool {
    own.is_unspecified() || own.is_loopback()
}

fn submission(content: Content, transaction: &Transaction) -> Result<Submission, message::Error> {
    let source = match content {
        Content::Memory(octets) => Source::held(octets, "the message"),
        Content::File(file) => Source::file(file, "the message")?,
    };
    let parameters = &transaction.parameters;
    let message = Message::passed_on(source)?;
    let mut envelope = Envelope::passing_on(transaction.from.clone(), transaction.to.clone());
    envelope.ret = parameters.ret;
    envelope.envid.clone_from(&parameters.envid);
    envelope.hold = parameters.hold;
    envelope.require_tls = parameters.require_tls;
    Ok(Submission { envelope, message: Arc::new(message) })
}

/// The one answer: good only if everybody was taken; else one that may pass, if
/// there is any, unless somebody has it already, who would get it twice.
fn for_all(report: &Report) -> Reply {
    let is_taken = |outcome: &Outcome| matches!(outcome, Outcome::Accepted(_));
    let (taken, others): (Vec<_>, Vec<_>) =
        report.recipients.iter().partition(|(_, outcome)| is_taken(outcome));
    // Who was withheld because of another is no news.
    let news = others.iter().filter(|(_, it)| !matches!(it.cause(), Some(Cause::Withheld)));
    let replies: Vec<Reply> = news.map(|(_, outcome)| for_one(outcome, report)).collect();
    let passing = replies.iter().find(|reply| reply.severity() == Severity::Transient);
    match (passing.or(replies.first()), taken.first()) {
        (Some(reply), None) => reply.clone(),
        (reply, Some(_)) if !others.is_empty() => {
            let taken: Vec<String> = taken.iter().map(|(path, _)| path.to_string()).collect();
            let why = reply.map(ToString::to_string).unwrap_or_default();
            said(554, &format!("5.0.0 Sent on to {} only: {why}", taken.join(" ")))
        }
        (_, Some((_, outcome))) => for_one(outcome, report),
        (None, None) => said(451, "4.3.0 The message could not be sent on"),
    }
}

/// The answer for one recipient: the server's, where it gave one.
fn for_one(outcome: &Outcome, report: &Report) -> Reply {
    match (outcome, outcome.cause()) {
        (Outcome::Accepted(_), _) | (_, None) => {
            let is_good = |reply: &&Reply| reply.severity() == Severity::Positive;
            let mut ends = report.attempts.iter().filter_map(|attempt| attempt.end.as_ref());
            ends.rfind(is_good).map_or_else(|| said(250, "2.0.0 Sent on"), same)
        }
        (_, Some(Cause::Replied(_, reply))) => same(reply),
        (_, Some(Cause::Unmet(shortfall))) => unmet(shortfall),
        (outcome, Some(Cause::Broke(_) | Cause::Withheld | Cause::NotKept(_))) => {
            // What is wrong with our side is no fault of the message, and may be
            // mended before the next try.
            let status = if matches!(outcome, Outcome::Rejected(_)) { "4.3.5" } else { "4.4.1" };
            said(451, &format!("{status} Not sent on: {}", why(outcome).unwrap_or_default()))
        }
    }
}

/// What the server said, in one line. That it hangs up is between it and us.
fn same(reply: &Reply) -> Reply {
    let code = if reply.code.value() == 421 { 451 } else { reply.code.value() };
    let enhanced = reply.enhanced.map(|code| format!("{code} ")).unwrap_or_default();
    said(code, &format!("{enhanced}{}", reply.joined_text()))
}

/// What the server lacks for a message that is not changed for it (RFC 3463,
/// RFC 6531 §3.7.4.2).
fn unmet(shortfall: &Shortfall) -> Reply {
    let registered = shortfall.status().map(|status| status.to_string());
    let status = registered.unwrap_or_else(|| {
        let known = match shortfall {
            Shortfall::TooLarge { .. } => "5.3.4",
            Shortfall::EightBit(_) | Shortfall::Binary(_) => "5.6.3",
            Shortfall::Utf8Header(_) => "5.6.9",
            Shortfall::Utf8Address(_) => "5.6.7",
            Shortfall::NotHeld(_)
            | Shortfall::HeldTooLong { .. }
            | Shortfall::Unprotected
            | Shortfall::NotPromised => "5.7.0",
        };
        known.to_owned()
    });
    said(554, &format!("{status} Not sent on: {shortfall}"))
}
