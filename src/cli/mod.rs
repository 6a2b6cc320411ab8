//! The top: argv, stdin, the terminal, exit statuses. The only floor that
//! prints.

mod account;
mod advice;
pub mod args;
mod certificate;
mod check;
mod clock;
mod completions;
mod content;
mod dry_run;
mod dsn;
mod escape;
mod exit;
mod failure;
mod foreign;
mod hint;
mod home;
mod input;
mod interrupt;
mod laboratory;
mod later;
mod log;
mod message;
mod next;
mod questions;
mod queue;
mod render;
mod reply;
mod route;
mod send;
mod sendmail;
mod sent;
mod sign;
mod sink;
mod status;
mod terminal;
mod transcript;
mod trial;
mod words;

pub use exit::Exit;
pub use failure::Failure;
pub use hint::Hint;

use crate::account::{Accounts, Environment};
use args::{Cli, Command, Globals};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use escape::Escaped;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::process::ExitCode;

/// What a face of the program works with.
struct Surroundings<'s> {
    globals: &'s Globals,
    environment: &'s Environment,
    /// Standard output: results.
    out: &'s mut dyn Write,
    /// Standard error: problems, warnings, the transcript.
    err: &'s mut dyn Write,
}

impl Surroundings<'_> {
    /// Says something that changes nothing about the result. That nobody may
    /// be there to read it changes nothing either.
    fn warn(&mut self, warning: &str) {
        let _ = writeln!(self.err, "warning: {}", Escaped(warning));
    }

    /// Says what was done, in the sign of the transcript.
    fn note(&mut self, what: &str) {
        let _ = writeln!(self.err, "=== {}", Escaped(what));
    }
}

/// Runs the program on these words, the program's name among them.
pub fn main(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    // A panic's message may quote anything, a secret too.
    panic::set_hook(Box::new(|_| {}));
    leave_no_core();
    let exit = panic::catch_unwind(AssertUnwindSafe(|| run(words))).unwrap_or_else(|_| {
        let sentence = "envoi: a defect in envoi ended it; please report what was typed";
        let _ = writeln!(io::stderr(), "{sentence}");
        Exit::Software
    });
    exit.into()
}

/// A core dump holds the password. Only the soft limit falls, so that whoever
/// hunts a crash can raise it again: `prlimit --core=unlimited --pid PID`. Not
/// `PR_SET_DUMPABLE`, which keeps debuggers out, and the process from its own
/// /proc/self/fd.
fn leave_no_core() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Core);
    // Lowering a limit is never refused.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum });
}

/// Set-user-ID and set-group-ID programs have other rights than who calls them,
/// who says here by arguments and variables which files are read and written.
fn has_ids_of_somebody_else() -> bool {
    use rustix::process::{getegid, geteuid, getgid, getuid};
    geteuid() != getuid() || getegid() != getgid()
}

fn set_id() -> Failure {
    let program = std::env::current_exe().unwrap_or_else(|_| "envoi".into());
    let sentence = "this program is set-user-ID or set-group-ID: whoever calls it could read \
                    and write as its owner";
    Failure::say(Exit::NoPerm, sentence).hint(format!("chmod ug-s {}", failure::quoted(&program)))
}

fn run(words: impl IntoIterator<Item = OsString>) -> Exit {
    let (mut out, mut err) = (io::stdout(), io::stderr());
    let mut words: Vec<OsString> = words.into_iter().collect();
    if has_ids_of_somebody_else() {
        return fail(&set_id(), false, &mut out, &mut err);
    }
    if let Some((name, rest)) = as_sendmail(&words) {
        let environment = Environment::of_process();
        let ran = sendmail::run(name, words.split_off(rest), &environment, &mut out, &mut err);
        return ran.unwrap_or_else(|failure| fail(&failure, false, &mut out, &mut err));
    }
    // Known even when the rest cannot be read.
    let wants_json = words.iter().any(|word| word == "--json");
    let typed = words.clone();
    let cli = match Cli::read(words) {
        Ok(cli) => cli,
        Err(error) if !error.use_stderr() => {
            let _ = error.print();
            return Exit::Ok;
        }
        Err(error) if check::is_monitored(&typed) => {
            return check::unreadable(&refused(&error, &typed), &mut out);
        }
        Err(error) if wants_json || error.kind() == ErrorKind::InvalidUtf8 => {
            return fail(&refused(&error, &typed), wants_json, &mut out, &mut err);
        }
        Err(error) => {
            let _ = error.print();
            if let Some(hint) = meant_to_send(&error) {
                let _ = writeln!(err, "\nhint: {}", Escaped(hint));
            }
            return Exit::Usage;
        }
    };
    let environment = Environment::of_process();
    let globals = &cli.globals;
    let surroundings =
        Surroundings { globals, environment: &environment, out: &mut out, err: &mut err };
    match dispatch(&cli, surroundings) {
        Ok(exit) => exit,
        Err(failure) => fail(&failure, globals.json, &mut out, &mut err),
    }
}

/// The name of sendmail(1), or of one that goes with it, that the program was
/// called by, and where its own words begin.
fn as_sendmail(words: &[OsString]) -> Option<(&'static str, usize)> {
    let called = Path::new(words.first()?).file_name().unwrap_or_default();
    let names = ["sendmail", "mailq", "newaliases"];
    let name = names.into_iter().find(|name| *name == called);
    let typed = words.get(1).is_some_and(|word| word == OsStr::new("sendmail"));
    name.map(|name| (name, 1)).or(typed.then_some(("sendmail", 2)))
}

/// An address where a command stands: whoever types it wants to send.
fn meant_to_send(error: &clap::Error) -> Option<String> {
    match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(word)) if word.contains('@') => {
            Some(format!("envoi send {}", shell_words::quote(word)))
        }
        _ => None,
    }
}

/// A word in another encoding, which only names of files may have. It is not
/// repeated, for it may be a password in the wrong place.
fn not_utf8(words: &[OsString]) -> Failure {
    let at = words.iter().position(|word| word.to_str().is_none()).unwrap_or_default();
    let option = |word: &OsString| {
        let word = word.to_string_lossy().into_owned();
        word.split('=').next().filter(|name| name.starts_with("--")).map(str::to_owned)
    };
    let before = at.checked_sub(1).map(|before| words[before].to_string_lossy());
    let before = before.filter(|word| word.starts_with('-')).map(Cow::into_owned);
    let place = option(&words[at])
        .or(before)
        .map_or_else(|| format!("word {at} of the command line"), |it| format!("what {it} says"));
    Failure::say(Exit::Usage, format!("{place} is not UTF-8 text"))
        .hint("convert it: printf %s \"$text\" | iconv -f ISO-8859-1 -t UTF-8")
}

/// Why these words cannot be read.
fn refused(error: &clap::Error, words: &[OsString]) -> Failure {
    match error.kind() {
        ErrorKind::InvalidUtf8 => not_utf8(words),
        _ => misspelt(error),
    }
}

/// What clap says over several lines for people, as a sentence and hints.
fn misspelt(error: &clap::Error) -> Failure {
    let text = error.to_string();
    let mut paragraphs = text.split("\n\n");
    let sentence = paragraphs.next().unwrap_or_default();
    let sentence = sentence.strip_prefix("error: ").unwrap_or(sentence);
    let sentence: Vec<&str> = sentence.lines().map(str::trim).collect();
    let tips = paragraphs.flat_map(str::lines).filter_map(|line| line.trim().strip_prefix("tip: "));
    Failure {
        hints: tips.map(Hint::from).chain(meant_to_send(error).map(Hint::from)).collect(),
        ..Failure::say(Exit::Usage, sentence.join(" "))
    }
}

fn dispatch(cli: &Cli, mut surroundings: Surroundings<'_>) -> Result<Exit, Failure> {
    match &cli.command {
        Some(Command::Send(args)) => send::run(args, &mut surroundings),
        Some(Command::Check(args)) => check::run(args, &mut surroundings),
        Some(Command::Queue(args)) => queue::run(args, &mut surroundings),
        Some(Command::Account(args)) => account::run(args, &mut surroundings),
        Some(Command::Sink(args)) => sink::run(args, &mut surroundings),
        Some(Command::Completions { shell }) => completions::run(*shell, surroundings.out),
        None => {
            let accounts = Accounts::load(cli.globals.config.as_deref(), surroundings.environment)?;
            let _ = surroundings.out.write_all(next::next(&accounts).as_bytes());
            Ok(Exit::Ok)
        }
    }
}

/// Prints why nothing was done. The one place that does.
fn fail(failure: &Failure, json: bool, out: &mut dyn Write, err: &mut dyn Write) -> Exit {
    // Whether anybody reads it does not change the status.
    let _ = if json { render::json_failure(failure, out) } else { render::failure(failure, err) };
    failure.exit
}
