//! `sendmail -bs`: a program hands its mail over in SMTP. Each message is
//! submitted like one of `sendmail -t`, and the reply to its end says what came
//! of it: taken for everybody, or for nobody.

use super::{Letter, Office, delivery, log_unsent, sender, usual, with_patience};
use crate::account::Account;
use crate::cli::args::SendmailArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::input::{Content, Spool, temporary};
use crate::cli::log::Subject;
use crate::cli::message::Job;
use crate::cli::reply::said;
use crate::cli::send::{Delivery, carry_out};
use crate::cli::words::{plain, problems};
use crate::cli::{Surroundings, interrupt};
use crate::delivery::{Cause, Outcome, Report};
use crate::message::Source;
use crate::net::Interrupt;
use crate::sink::{Offer, Policy, Takes, Transaction, dialogue};
use crate::smtp::{Domain, Reply, ReversePath};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::stdio::{dup2_stdout, stderr, stdin, stdout};
use std::fs::File;
use std::io::{self, Read};
use std::time::Duration;

/// Speaks until the caller leaves. The status says only whether it could be
/// spoken: what came of a message, its reply has said.
pub(super) fn run(
    args: &SendmailArgs,
    office: &Office<'_>,
    surroundings: &mut Surroundings<'_>,
) -> Result<Exit, Failure> {
    let interrupt = interrupt::install()
        .map_err(|error| Failure::caused(Exit::OsErr, "cannot prepare for Ctrl-C", error))?;
    let policy = policy(office);
    let mut output = own_output().map_err(not_spoken)?;
    let mut submitting = Submitting {
        office,
        args,
        spool: None,
        trouble: None,
        interrupt: &interrupt,
        // Standard output is the dialogue's.
        surroundings: &mut Surroundings {
            globals: surroundings.globals,
            environment: surroundings.environment,
            out: &mut io::sink(),
            err: surroundings.err,
        },
    };
    let mut input = Heeding(&interrupt);
    dialogue(&policy, &mut input, &mut output, &mut submitting).map_err(not_spoken)?;
    let number = interrupt.signal().and_then(|signal| u8::try_from(signal).ok());
    Ok(number.map_or(Exit::Ok, Exit::Signal))
}

/// Where only the dialogue writes: what else takes standard output for its own,
/// as a log may that is /dev/stdout, gets to standard error.
fn own_output() -> io::Result<File> {
    let own = rustix::io::fcntl_dupfd_cloexec(stdout(), 3)?;
    dup2_stdout(stderr())?;
    Ok(File::from(own))
}

fn not_spoken(error: io::Error) -> Failure {
    Failure::caused(Exit::IoErr, "cannot speak SMTP on standard input and output", error)
}

/// Standard input, which ends when the user wants that.
struct Heeding<'i>(&'i Interrupt);

impl Read for Heeding<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        // A signal between the look and the wait is seen after this.
        let moment = Timespec::try_from(Duration::from_millis(250)).ok();
        while self.0.signal().is_none() {
            let mut fds = [PollFd::from_borrowed_fd(stdin(), PollFlags::IN)];
            match poll(&mut fds, moment.as_ref()) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => return Ok(rustix::io::read(stdin(), into)?),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(0)
    }
}

/// Whoever calls a program has come in already: nothing is encrypted, and
/// nobody signs in. What is asked about reports for one recipient would have to
/// be shared out among those whom he is an alias for. Lines may end in LF alone, so
/// that their octets cannot be counted, as chunks would be.
fn policy(office: &Office<'_>) -> Policy {
    let without = ["STARTTLS", "AUTH", "DSN", "CHUNKING"];
    let offer = without.into_iter().try_fold(Offer::default(), Offer::without);
    let host = office.rules.hosts.first().map_or_else(|| "localhost".into(), Domain::to_string);
    Policy {
        host,
        banner: "envoi".to_owned(),
        domain: office.rules.domain.clone(),
        // The receiver knows these words.
        offer: offer.unwrap_or_else(|_| Offer::nothing()),
        ..Policy::default()
    }
}

struct Submitting<'s, 'e> {
    office: &'s Office<'s>,
    args: &'s SendmailArgs,
    spool: Option<Spool>,
    /// Why what came could not be kept.
    trouble: Option<Failure>,
    interrupt: &'s Interrupt,
    surroundings: &'s mut Surroundings<'e>,
}

impl Takes for Submitting<'_, '_> {
    fn take(&mut self, octets: &[u8]) {
        if self.trouble.is_some() {
            return;
        }
        let directories = || temporary(self.surroundings.environment);
        let spool = self.spool.get_or_insert_with(|| Spool::new("the message", directories()));
        self.trouble = spool.take(octets).err();
    }

    fn end(&mut self, transaction: Transaction) -> Vec<Reply> {
        let content = match (self.trouble.take(), self.spool.take()) {
            (Some(trouble), _) => Err(trouble),
            (None, Some(spool)) => spool.end(),
            (None, None) => Ok(Content::Memory(Vec::new())),
        };
        let submitted = self.submit(&transaction, content);
        vec![submitted.unwrap_or_else(|failure| {
            // Who called may show the reply to nobody.
            let text = plain(&format!("{:#}", failure.error));
            let _ =
                writeln!(self.surroundings.err, "envoi: {}", crate::cli::escape::Escaped(&text));
            reply(failure.exit, &text)
        })]
    }

    fn give_up(&mut self) {
        (self.spool, self.trouble) = (None, None);
    }
}

impl<'s> Submitting<'s, '_> {
    fn submit(
        &mut self,
        transaction: &Transaction,
        content: Result<Content, Failure>,
    ) -> Result<Reply, Failure> {
        let mut chosen = None;
        let job = content.and_then(|content| self.job(transaction, content, &mut chosen));
        let job = job.inspect_err(|failure| {
            let account = chosen.clone().or_else(|| usual(self.office.accounts));
            log_unsent(Some(failure), self.args, account, &subject(transaction), self.surroundings);
        })?;
        let Some(job) = job else {
            log_unsent(None, self.args, chosen, &subject(transaction), self.surroundings);
            return Ok(said(250, "2.0.0 Every name is an alias for nobody"));
        };
        let account = job.account.as_ref().expect("an account was chosen");
        // One reply is for all: it may not say yes where it is no for some.
        let (keeping, account) =
            with_patience(self.args, &job, account, self.surroundings.environment);
        let delivery = Delivery { all_or_nothing: true, keeping, ..delivery(self.args) };
        let sent = carry_out(&delivery, &job, &account, self.interrupt, self.surroundings)?;
        if sent.kept.is_some() {
            return Ok(said(250, &format!("2.0.0 Kept in the queue as {}", sent.local_id)));
        }
        Ok(answer(&sent.report, sent.exit))
    }

    /// The message as a job. `chosen` gets its account, once it has one.
    fn job(
        &mut self,
        transaction: &Transaction,
        content: Content,
        chosen: &mut Option<Account>,
    ) -> Result<Option<Job>, Failure> {
        let source = match content {
            Content::Memory(octets) => Source::held(octets, "the message"),
            Content::File(file) => Source::file(file, "the message")?,
        };
        let own = self.own_office(transaction)?;
        let office = own.as_ref().unwrap_or(self.office);
        let letter = letter(office, transaction, source)?;
        office.job(letter, None, chosen, self.surroundings)
    }

    /// To msmtp, aliases are a matter of the account, and that is a matter of the
    /// sender.
    fn own_office(&self, transaction: &Transaction) -> Result<Option<Office<'s>>, Failure> {
        let accounts = self.office.accounts;
        if accounts.foreign().is_none() {
            return Ok(None);
        }
        let sender = subject(transaction).from;
        Office::open(accounts, Some(&sender), self.surroundings.environment).map(Some)
    }
}

/// What was said of a message, for the log.
fn subject(transaction: &Transaction) -> Subject {
    let sender = transaction.from.0.as_ref();
    Subject {
        from: sender.map(ToString::to_string).unwrap_or_default(),
        recipients: transaction.to.iter().map(|to| to.path.to_string()).collect(),
        message_id: None,
    }
}

fn letter(
    office: &Office<'_>,
    transaction: &Transaction,
    source: Source,
) -> Result<Letter, Failure> {
    let rules = &office.rules;
    let mut rewrites = Vec::new();
    let typed = match &transaction.from {
        ReversePath(None) => Some(ReversePath::NULL),
        ReversePath(Some(mailbox)) => {
            sender(Some(&mailbox.to_string()), "MAIL", rules, &mut rewrites)?
        }
    };
    let mut to = Vec::new();
    for recipient in &transaction.to {
        to.extend(rules.envelope_recipients(&recipient.path.to_string(), &mut rewrites)?);
    }
    Letter::of(source, typed, to, rewrites, false, office)
}

/// The reply for what came of a message.
fn answer(report: &Report, exit: Exit) -> Reply {
    if exit == Exit::Ok {
        let queued = report.attempts.iter().find_map(|attempt| attempt.queue_id());
        let text = queued.map_or_else(
            || "2.0.0 Sent".to_owned(),
            |id| format!("2.0.0 Sent, queued there as {id}"),
        );
        return said(250, &text);
    }
    // Who was withheld because of another is no news.
    let is_news = |(_, outcome): &&(_, Outcome)| !matches!(outcome.cause(), Some(Cause::Withheld));
    let recipients = report.recipients.iter().filter(is_news).cloned().collect();
    let news = Report { attempts: report.attempts.clone(), recipients };
    let sentences: Vec<String> = problems(&news).into_iter().map(|it| it.sentence).collect();
    let sentences = sentences.join("; ");
    let has_it = |(_, outcome): &(_, Outcome)| matches!(outcome, Outcome::Accepted(_));
    let sent: Vec<String> =
        news.recipients.iter().filter(|it| has_it(it)).map(|(path, _)| path.to_string()).collect();
    if !sent.is_empty() {
        // Whoever was told to try again would send it twice to these.
        return said(554, &format!("5.0.0 Sent to {} only: {sentences}", sent.join(" ")));
    }
    reply(exit, &sentences)
}

/// The reply for an end with this status (RFC 3463): whoever gets one that may
/// pass keeps the message and tries again.
fn reply(exit: Exit, text: &str) -> Reply {
    let (code, enhanced) = match exit {
        Exit::Ok => (250, "2.0.0"),
        Exit::DataErr => (550, "5.6.0"),
        Exit::NoUser => (550, "5.1.1"),
        Exit::NoHost => (550, "5.4.4"),
        Exit::NoPerm => (550, "5.7.1"),
        Exit::Unavailable => (554, "5.3.0"),
        // Mended on this machine, or over there, before the next try.
        Exit::Config => (451, "4.3.5"),
        Exit::Partial
        | Exit::Usage
        | Exit::NoInput
        | Exit::Software
        | Exit::OsErr
        | Exit::OsFile
        | Exit::CantCreat
        | Exit::IoErr
        | Exit::TempFail
        | Exit::Protocol
        | Exit::Signal(_)
        | Exit::NoMatch
        | Exit::Other(_) => (451, "4.3.0"),
    };
    said(code, &format!("{enhanced} {text}"))
}
