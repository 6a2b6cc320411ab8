//! One line of the log: msmtp's own keys in its own order, as it writes them,
//! so that what reads its log reads this one, and more keys behind them. None
//! of these ends in a key of msmtp's, for which a pattern may look.

use super::super::exit::Exit;
use super::super::failure::Failure;
use super::super::sent::octets_sent;
use super::super::words::plain;
use super::Run;
use super::reason::{attempt_reason, reason};
use super::round::{Fate, Outcomes, Round, fates, rounds};
use super::value::{lines_of, list, quoted, word};
use crate::account::{Account, ServerUrl};
use crate::delivery::{Attempt, Cause, Route};
use crate::net::{Endpoint, Place, Security};
use crate::smtp::Reply;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;

/// What a line says.
pub(super) struct Entry<'e> {
    /// The status of the program; in the line of a server after which another
    /// was asked, what it would have been without that.
    pub(super) exit: Exit,
    server: Server,
    from: String,
    recipients: Vec<String>,
    /// Octets of the message, if everybody has it.
    size: Option<u64>,
    /// What the server said that decided.
    reply: Option<&'e Reply>,
    /// What went wrong, where something did.
    error: Option<String>,
    /// The keys that msmtp does not have.
    more: Vec<(&'static str, String)>,
    /// Options of the caller that have no effect.
    ignored: Vec<String>,
    /// The recipients by what became of them; only where they fared differently.
    lists: Vec<(&'static str, Vec<String>)>,
}

/// Who was asked, as whom.
#[derive(Clone, Default)]
struct Server {
    /// `host` or `socket`.
    key: &'static str,
    name: String,
    port: Option<u16>,
    tls: bool,
    auth: bool,
    user: Option<String>,
}

impl<'e> Entry<'e> {
    /// A line for each server that was asked, with those whom it was asked
    /// about; the last for those whom none was: they are at home here.
    pub(super) fn of_report(run: Run<'e>, outcomes: &Outcomes<'e>, route: &Route) -> Vec<Self> {
        let rounds = rounds(outcomes.report);
        let last_of = |(at, round): (usize, &Round<'e>)| round.to.iter().map(move |to| (to, at));
        let last: HashMap<_, _> = rounds.iter().enumerate().flat_map(last_of).collect();
        let mut entries = Vec::new();
        for (at, round) in rounds.iter().enumerate() {
            let mut entry = Entry::new(run, Server::asked(round.attempt, route));
            entry.recipients = round.to.iter().map(ToString::to_string).collect();
            entry.add(run, round.attempt, (rounds.len() > 1).then_some(at + 1));
            let decided = outcomes.of(|path| last.get(path) == Some(&at));
            if decided.len() == round.to.len() {
                let exit = outcomes.exit(&decided, round.attempts);
                entry.tell_outcome(outcomes, &decided, Some(round.attempt), exit);
            } else {
                entry.tell_passed_over(round.attempt);
                entry.lists = fates(&decided);
            }
            entries.push(entry);
        }
        let here = outcomes.of(|path| !last.contains_key(path));
        if !here.is_empty() {
            entries.push(Entry::of_this_machine(run, outcomes, &here));
        }
        if let Some(entry) = entries.last_mut() {
            let elapsed = run.since.elapsed().as_secs_f64();
            entry.more.push(("elapsed", format!("{elapsed:.3}")));
        }
        entries
    }

    /// The line for those about whom no server was asked.
    fn of_this_machine(run: Run<'e>, outcomes: &Outcomes<'e>, here: &[&'e Fate]) -> Self {
        let mut entry = Entry::new(run, Server::named("localhost"));
        entry.recipients = here.iter().map(|(path, _)| path.to_string()).collect();
        entry.know(run);
        entry.tell_outcome(outcomes, here, None, outcomes.exit(here, &[]));
        entry
    }

    /// The line for what stopped the run before a server was asked.
    pub(super) fn of_failure(run: Run<'e>, failure: &Failure) -> Self {
        let mut entry = Entry::new(run, Server::first(run.account));
        entry.exit = failure.exit;
        entry.error = Some(plain(&format!("{:#}", failure.error)));
        entry.know(run);
        entry
    }

    /// The line where every name was an alias for nobody.
    pub(super) fn of_nobody(run: Run<'e>) -> Self {
        let mut entry = Entry::new(run, Server::named("localhost"));
        entry.exit = Exit::Ok;
        entry.know(run);
        entry.more.push(("aliases", "nobody".to_owned()));
        entry
    }

    /// The line for a message that is in the queue, and was not tried: with the
    /// reason, where it was to be.
    pub(super) fn of_kept(run: Run<'e>, trouble: Option<&str>, is_idle: bool) -> Self {
        let mut entry = Entry::new(run, Server::named("localhost"));
        entry.exit = Exit::Ok;
        entry.error = trouble.map(plain);
        entry.know(run);
        entry.tell_queued(entry.recipients.clone(), is_idle);
        entry
    }

    fn new(run: Run<'e>, server: Server) -> Self {
        Entry {
            exit: Exit::TempFail,
            server,
            from: run.subject.from.clone(),
            recipients: run.subject.recipients.clone(),
            size: None,
            reply: None,
            error: None,
            more: Vec::new(),
            ignored: Vec::new(),
            lists: Vec::new(),
        }
    }

    fn tell_outcome(
        &mut self,
        outcomes: &Outcomes<'e>,
        decided: &[&'e Fate],
        attempt: Option<&'e Attempt>,
        exit: Exit,
    ) {
        self.exit = exit;
        let failures = || decided.iter().filter(|(_, it)| it.cause().is_some());
        // Who was withheld because of another tells no reason.
        let failed = failures()
            .find(|(_, outcome)| !matches!(outcome.cause(), Some(Cause::Withheld)))
            .or_else(|| failures().next())
            .and_then(|(path, outcome)| Some((path.to_string(), outcome, outcome.cause()?)));
        let queued = outcomes.queued(decided);
        let Some((recipient, outcome, cause)) = failed else {
            let Outcomes { report, submission, .. } = outcomes;
            self.size = Some(octets_sent(report, submission).facts().size);
            self.reply = attempt.and_then(|attempt| attempt.end.as_ref());
            return;
        };
        // Of several servers, the last speaks here; the others have lines.
        let error = attempt.and_then(|attempt| attempt.error.as_ref());
        let own = error.cloned().map(Cause::Broke);
        match (cause, own, error) {
            (Cause::Broke(_), Some(own), Some(error)) => {
                self.reply = reply_of(error);
                self.error = Some(reason(&own, outcome, &recipient, &self.from, attempt));
            }
            (cause, ..) => {
                self.reply = cause.reply();
                self.error = Some(reason(cause, outcome, &recipient, &self.from, attempt));
            }
        }
        self.lists = fates(decided);
        if self.lists.len() < 2 {
            self.lists.clear();
        }
        if !queued.is_empty() {
            self.tell_queued(queued, outcomes.is_idle);
        }
    }

    fn tell_queued(&mut self, queued: Vec<String>, is_idle: bool) {
        self.lists.push(("queued", queued));
        self.more.extend(is_idle.then(|| ("runner", "none".to_owned())));
    }

    fn tell_passed_over(&mut self, attempt: &'e Attempt) {
        let Some(error) = &attempt.error else {
            self.exit = Exit::Ok;
            self.reply = attempt.end.as_ref();
            return;
        };
        self.exit = Exit::of_attempt(error, None);
        self.reply = reply_of(error);
        self.error = Some(attempt_reason(error, attempt));
    }

    /// What msmtp does not tell of an attempt.
    fn add(&mut self, run: Run<'_>, attempt: &Attempt, number: Option<usize>) {
        self.know(run);
        let tls = attempt.tls.as_ref().map(|tls| tls.version.replace("TLS ", "TLSv"));
        let mechanism = attempt.signed_in.as_ref().map(|who| who.mechanism).or(attempt.mechanism);
        let more = [
            ("proxy", attempt.proxy.as_ref().map(ToString::to_string)),
            ("address", attempt.address.as_ref().map(ToString::to_string)),
            ("tlsversion", tls),
            ("mechanism", mechanism.map(str::to_owned)),
            ("queueid", attempt.queue_id().map(str::to_owned)),
            ("attempt", number.map(|number| number.to_string())),
        ];
        self.more.extend(more.into_iter().filter_map(|(key, value)| Some((key, value?))));
    }

    /// What msmtp does not tell of a run.
    fn know(&mut self, run: Run<'_>) {
        let more = [
            ("localid", Some(run.local_id.to_owned())),
            ("account", run.account.name.clone()),
            ("uid", Some(rustix::process::getuid().as_raw().to_string())),
            ("owner", run.owner.map(|owner| owner.to_string())),
            ("tag", run.tag.map(str::to_owned)),
            ("messageid", run.subject.message_id.clone()),
            ("port", self.server.port.map(|port| port.to_string())),
        ];
        self.more.extend(more.into_iter().filter_map(|(key, value)| Some((key, value?))));
        self.ignored = run.ignored.to_vec();
    }

    /// The line, without its time and its end.
    pub(super) fn line(&self) -> String {
        self.shortened(usize::MAX, usize::MAX)
    }

    /// The line within this many octets: lists of recipients become shorter
    /// first, then texts; what stands behind them is kept as long as it can be.
    pub(super) fn line_within(&self, most: usize) -> String {
        for (recipients, characters) in [(usize::MAX, usize::MAX), (16, 400), (4, 200), (1, 80)] {
            let line = self.shortened(recipients, characters);
            if line.len() <= most {
                return line;
            }
        }
        let mut line = self.shortened(1, 80);
        let end = (0..=most.min(line.len())).rfind(|&end| line.is_char_boundary(end));
        line.truncate(end.unwrap_or_default());
        line
    }

    /// The line with at most this many of each list, and of each text.
    fn shortened(&self, most: usize, longest: usize) -> String {
        let on = |is: bool| if is { "on" } else { "off" };
        let Server { key, name, tls, auth, user, .. } = &self.server;
        let mut line = format!("{key}={} tls={} auth={}", word(name, longest), on(*tls), on(*auth));
        // Writing to a text never fails.
        if let Some(user) = user.as_ref().filter(|_| *auth) {
            let _ = write!(line, " user={}", word(user, longest));
        }
        let recipients = list(&self.recipients, most, longest);
        let _ = write!(line, " from={} recipients={recipients}", word(&self.from, longest));
        if let Some(size) = self.size.filter(|_| self.exit == Exit::Ok) {
            let _ = write!(line, " mailsize={size}");
        }
        if let Some(reply) = self.reply {
            let text = quoted(&lines_of(reply), longest);
            let _ = write!(line, " smtpstatus={} smtpmsg='{text}'", reply.code);
        }
        if let Some(error) = &self.error {
            let _ = write!(line, " errormsg='{}'", quoted(error, longest));
        }
        let _ = write!(line, " exitcode={}", name_of(self.exit));
        for (key, value) in &self.more {
            let _ = write!(line, " {key}={}", word(value, longest));
        }
        let ignored = Some(("ignored", self.ignored.as_slice()));
        let ignored = ignored.filter(|(_, options)| !options.is_empty());
        let lists = self.lists.iter().map(|(key, values)| (*key, values.as_slice()));
        for (key, values) in ignored.into_iter().chain(lists) {
            let _ = write!(line, " {key}={}", list(values, most, longest));
        }
        line
    }
}

impl Server {
    fn asked(attempt: &Attempt, route: &Route) -> Self {
        let hop = route.hops.iter().find(|hop| hop.endpoint == attempt.server);
        let sign_in = hop.and_then(|hop| hop.sign_in.as_ref());
        let user = sign_in.and_then(|sign_in| sign_in.user.clone());
        Server {
            auth: sign_in.is_some(),
            user,
            ..Server::at(&attempt.server, attempt.tls.is_some())
        }
    }

    /// The first server of an account, which nobody has asked.
    fn first(account: &Account) -> Self {
        match account.servers.first() {
            Some(ServerUrl::Server(server)) => {
                let sign_in = account.sign_in(server);
                let auth = sign_in.is_some();
                let user = sign_in.and_then(|sign_in| sign_in.user);
                Server { auth, user, ..Server::at(&server.endpoint, false) }
            }
            Some(ServerUrl::Sink(_)) => Server::named("sink:"),
            None => Server::named("localhost"),
        }
    }

    /// What is no server that is connected to.
    fn named(name: &str) -> Self {
        Server { key: "host", name: name.to_owned(), ..Server::default() }
    }

    /// TLS is on where it stood, and where nothing would have gone without.
    fn at(endpoint: &Endpoint, stood: bool) -> Self {
        let key = match endpoint.place {
            Place::Tcp { .. } => "host",
            Place::Unix(_) => "socket",
        };
        let tls = match endpoint.security {
            Security::Implicit | Security::StartTls => true,
            Security::Opportunistic | Security::Cleartext => stood,
        };
        let (name, port) = (endpoint.place.name(), endpoint.place.port());
        Server { key, name, port, tls, ..Server::default() }
    }
}

fn reply_of(error: &crate::session::Error) -> Option<&Reply> {
    match &error.kind {
        crate::session::Kind::Refused(reply) => Some(reply),
        _ => None,
    }
}

/// The name in `sysexits.h`, with names of ours in the same form for what that
/// does not know.
fn name_of(exit: Exit) -> Cow<'static, str> {
    match exit {
        Exit::Partial => "EX_PARTIAL".into(),
        Exit::NoMatch => "EX_NOMATCH".into(),
        Exit::Signal(number) => format!("EX_SIGNAL_{number}").into(),
        Exit::Other(number) => format!("EX_{number}").into(),
        exit => format!("EX_{}", exit.name()).into(),
    }
}

#[cfg(test)]
mod tests;
