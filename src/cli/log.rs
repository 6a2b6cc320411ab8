//! What came of a message, for who reads it later: a line for each server that
//! was asked, in a file or in the system's log. Nothing that fails here changes
//! what happens to the message, nor the status: whoever calls us would take a
//! log that cannot be written for mail that cannot be sent, as a full disk or a
//! missing permission hits every program of a machine at once. It is a warning.

mod entry;
mod reason;
mod round;
mod value;

use super::args::SendmailArgs;
use super::clock;
use super::exit::Exit;
use super::failure::Failure;
use super::words::plain;
use crate::account::{Account, Environment, Log as Target};
use crate::delivery::{Report, Route, Submission};
use crate::log::LogFile;
use crate::net::{Facility, Interrupt, Severity, Stamp, Stopwatch, Syslog};
use entry::Entry;
use round::Outcomes;
use std::fmt;
use std::io;
use std::path::Path;
use std::time::Duration;

/// What is the same in each line of a run.
#[derive(Clone, Copy)]
pub(super) struct Run<'r> {
    pub(super) account: &'r Account,
    pub(super) subject: &'r Subject,
    /// The identifier of this run.
    pub(super) local_id: &'r str,
    /// The number of the user who handed the message in to the system.
    pub(super) owner: Option<u32>,
    /// What the caller calls itself: `sendmail -L`.
    pub(super) tag: Option<&'r str>,
    /// Options of the caller that have no effect, and might have had a bad one.
    pub(super) ignored: &'r [String],
    /// Runs since the message is ready.
    pub(super) since: Stopwatch,
}

/// What of a message is in the queue.
#[derive(Clone, Copy, Default)]
pub(super) struct Queued<'q> {
    /// Those for whom it is, by their positions.
    pub(super) positions: &'q [usize],
    /// Nothing tries what is there.
    pub(super) is_idle: bool,
}

/// What a message is known by.
#[derive(Clone, Debug, Default)]
pub(super) struct Subject {
    /// The sender of the envelope; empty for the null sender.
    pub(super) from: String,
    /// The recipients; as they were typed, where they are no addresses yet.
    pub(super) recipients: Vec<String>,
    pub(super) message_id: Option<String>,
}

impl Subject {
    pub(super) fn of(submission: &Submission) -> Self {
        let Submission { envelope, message } = submission;
        Subject {
            from: envelope.from.0.as_ref().map(ToString::to_string).unwrap_or_default(),
            recipients: envelope.to().iter().map(|to| to.path.to_string()).collect(),
            message_id: message.facts().message_id.clone(),
        }
    }

    /// Of a message that never was.
    pub(super) fn typed(args: &SendmailArgs) -> Self {
        let SendmailArgs { sender, recipients, .. } = args;
        let (from, recipients) = (sender.clone().unwrap_or_default(), recipients.clone());
        Subject { from, recipients, message_id: None }
    }
}

/// The log of a run, open.
pub(super) struct Log<'r> {
    run: Run<'r>,
    environment: &'r Environment,
    way: Way,
}

enum Way {
    Nowhere,
    File(LogFile),
    Syslog(Syslog),
}

impl<'r> Log<'r> {
    /// Opens what the account names. That comes before anybody is asked, so
    /// that the sentence about what cannot be opened does, too.
    pub(super) fn open(run: Run<'r>, environment: &'r Environment) -> (Self, Option<String>) {
        let (way, trouble) = match opened(&run.account.log) {
            Ok(way) => (way, None),
            Err(error) => {
                let sentence = format!("nothing will be logged {}: {error}", place(run.account));
                (Way::Nowhere, Some(plain(&sentence)))
            }
        };
        (Log { run, environment, way }, trouble)
    }

    /// What is the same in each line.
    pub(super) fn run(&self) -> Run<'r> {
        self.run
    }

    /// Writes a line for each server that was asked, and one for who is at home
    /// here. Returns the sentence that says why there is none.
    pub(super) fn report(
        &mut self,
        report: &Report,
        submission: &Submission,
        route: &Route,
        queued: Queued<'_>,
        interrupt: &Interrupt,
    ) -> Option<String> {
        let kept = queued.positions.iter().map(|&at| &report.recipients[at].0).collect();
        let (is_idle, signal) = (queued.is_idle, interrupt.signal());
        let outcome = Outcomes { report, submission, kept, is_idle, signal };
        let entries = Entry::of_report(self.run, &outcome, route);
        self.write(&entries, interrupt)
    }

    /// Writes a line for what stopped the run before a server was asked.
    pub(super) fn failure(&mut self, failure: &Failure) -> Option<String> {
        let entry = Entry::of_failure(self.run, failure);
        self.write(&[entry], &Interrupt::default())
    }

    /// Writes a line for a message that is kept, and was not tried.
    pub(super) fn kept(&mut self, trouble: Option<&str>, is_idle: bool) -> Option<String> {
        let entry = Entry::of_kept(self.run, trouble, is_idle);
        self.write(&[entry], &Interrupt::default())
    }

    /// Writes a line where every name was an alias for nobody.
    pub(super) fn nobody(&mut self) -> Option<String> {
        let entry = Entry::of_nobody(self.run);
        self.write(&[entry], &Interrupt::default())
    }

    fn write(&mut self, entries: &[Entry<'_>], interrupt: &Interrupt) -> Option<String> {
        let moment = clock::now(self.environment);
        let mut write = |entry: &Entry<'_>| match &mut self.way {
            Way::Nowhere => Ok(()),
            Way::File(file) => {
                // As msmtp writes it, which what reads its log knows.
                let line = format!("{} {}", moment.strftime("%b %d %H:%M:%S"), entry.line());
                file.append(&line, PATIENCE, interrupt).map_err(|error| error.to_string())
            }
            Way::Syslog(syslog) => {
                to_syslog(syslog, entry, &moment, self.run.tag).map_err(|error| error.to_string())
            }
        };
        let error = entries.iter().try_for_each(&mut write).err()?;
        Some(plain(&format!("nothing was logged {}: {error}", place(self.run.account))))
    }
}

fn opened(target: &Target) -> Result<Way, String> {
    match target {
        Target::Nowhere => Ok(Way::Nowhere),
        Target::File(path) => LogFile::open(path).map(Way::File).map_err(|error| error.to_string()),
        Target::Syslog(facility) => by_syslog(*facility).map_err(|error| error.to_string()),
    }
}

fn by_syslog(facility: Facility) -> io::Result<Way> {
    let socket = Path::new(Syslog::SOCKET);
    Syslog::connect(socket, facility, PATIENCE).map(Way::Syslog)
}

fn to_syslog(
    syslog: &Syslog,
    entry: &Entry<'_>,
    moment: &jiff::Zoned,
    tag: Option<&str>,
) -> io::Result<()> {
    let severity = if entry.exit == Exit::Ok { Severity::Informational } else { Severity::Error };
    // RFC 3164 §4.1.2: a day of one digit has a blank before it.
    let moment = moment.strftime("%b %e %H:%M:%S").to_string();
    let tag = tag.map(ident).filter(|tag| !tag.is_empty()).unwrap_or_else(|| "envoi".to_owned());
    let around = "<191>[4194304]: ".len() + moment.len() + 1 + tag.len();
    let line = entry.line_within(Syslog::LONGEST.saturating_sub(around));
    syslog.send(severity, Stamp { moment: &moment, tag: &tag }, &line)
}

/// What a caller calls itself, as a tag can be (RFC 3164 §4.1.3).
fn ident(tag: &str) -> String {
    let fit = |c: char| if c.is_ascii_alphanumeric() || "-_./".contains(c) { c } else { '_' };
    tag.chars().take(LONGEST_TAG).map(fit).collect()
}

const LONGEST_TAG: usize = 32;

/// How long others may keep the log from us; msmtp waits as long.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the log is, in words.
fn place(account: &Account) -> impl fmt::Display {
    match &account.log {
        Target::Nowhere => String::new(),
        Target::File(path) => format!("in {}", path.display()),
        Target::Syslog(_) => format!("by syslog ({})", Syslog::SOCKET),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_of_a_caller_stays_one_tag() {
        for (tag, expected) in [
            ("backup", "backup"),
            ("a b: <13>root[1]:", "a_b___13_root_1__"),
            ("a\nb", "a_b"),
            ("é", "_"),
            (&"x".repeat(99), &"x".repeat(32)),
        ] {
            assert_eq!(ident(tag), expected, "{tag:?}");
        }
    }
}
