//! `envoi send`: the story of one message, from what was typed to the report.

use super::args::{DryRun, SendArgs};
use super::escape::Escaped;
use super::exit::Exit;
use super::failure::Failure;
use super::message::{self, Job};
use super::render::{self, Context};
use super::route::{self, Prepared};
use super::transcript::Transcript;
use super::words::plain;
use super::{Surroundings, interrupt};
use crate::delivery::{Report, Submission, World, submit};
use crate::message::random_word;
use crate::session::{Event, Observer as _, negotiate};
use crate::sink;
use crate::smtp::{Capabilities, Command, Reply};
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

pub(super) fn run(args: &SendArgs, surroundings: &mut Surroundings<'_>) -> Result<Exit, Failure> {
    if args.dry_run.is_some() && surroundings.globals.json {
        return Err(Failure::say(
            Exit::Usage,
            "a dry run prints the message itself, not a JSON object",
        )
        .hint("leave out --json, or --dry-run"));
    }
    let Some(job) = message::prepare(args, surroundings)? else {
        if !surroundings.globals.quiet {
            let _ = writeln!(surroundings.out, "the text is empty: nothing was sent");
        }
        return Ok(Exit::Ok);
    };
    if let Some(server) = args.dry_run {
        return dry_run(&job, server, surroundings);
    }
    let account = job.account.as_ref().expect("only a dry run goes without an account");
    let mut prepared = route::prepare(account, args.all_or_nothing, surroundings)?;
    let mut warnings = Vec::new();
    if !account.tls.verify {
        warnings.push("the server's certificate is not checked (--tls-verify no)".to_owned());
    }
    for warning in &warnings {
        surroundings.warn(warning);
    }
    let (report, signal, trouble) = deliver(args, &job, &prepared, surroundings)?;
    for warning in trouble {
        surroundings.warn(&warning);
        warnings.push(warning);
    }
    let exit = Exit::of_report(&report, signal);
    let stored = stored(&mut prepared);
    tell(&job.submission, &report, exit, &warnings, &stored, surroundings);
    Ok(exit)
}

/// Submits, watched by whoever wants to. Returns the report, the signal that
/// asked to stop, and what went wrong beside the delivery.
fn deliver(
    args: &SendArgs,
    job: &Job,
    prepared: &Prepared<'_>,
    surroundings: &mut Surroundings<'_>,
) -> Result<(Report, Option<usize>, Vec<String>), Failure> {
    let interrupt = interrupt::install()
        .map_err(|error| Failure::caused(Exit::OsErr, "cannot prepare for Ctrl-C", error))?;
    let verbose = surroundings.globals.verbose;
    let mut transcript = Transcript::default();
    if let Some(path) = &args.transcript {
        transcript.add(Box::new(created(path)?), true);
    }
    if verbose > 0 {
        transcript.add(Box::new(&mut *surroundings.err), verbose > 1);
    }
    for change in &job.changes {
        transcript.event(Event::Noted(change));
    }
    let host_name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let world = World {
        secrets: &prepared.passwords,
        interrupt: &interrupt,
        host_name: Some(&host_name),
        wait_for_farewell: transcript.is_watched(),
    };
    let report = submit(&job.submission, &prepared.route, &world, &mut transcript);
    let trouble =
        transcript.problem().map(|error| plain(&format!("the transcript is incomplete: {error}")));
    Ok((report, interrupt.signal(), trouble.into_iter().collect()))
}

/// The file for the transcript, made before anybody is asked.
fn created(path: &PathBuf) -> Result<File, Failure> {
    File::create(path).map_err(|error| {
        let sentence = format!("cannot write the transcript to {}", path.display());
        Failure::caused(Exit::CantCreat, sentence, error)
    })
}

/// Says what came of it. Nothing that fails here changes what happened: it is
/// a warning, for whoever can still read it.
fn tell(
    submission: &Submission,
    report: &Report,
    exit: Exit,
    warnings: &[String],
    stored: &[PathBuf],
    surroundings: &mut Surroundings<'_>,
) {
    let globals = surroundings.globals;
    let told = if globals.json {
        let context = Context {
            sender: submission.envelope.from.to_string(),
            message_id: submission.message.facts().message_id.as_deref(),
            local_id: &local_id(),
            warnings,
            exit,
        };
        render::json(report, &context, surroundings.out)
    } else {
        let told = if globals.quiet {
            Ok(())
        } else {
            render::people(report, surroundings.out)
                .and_then(|()| render::stored(stored, surroundings.out))
        };
        let _ = render::complain(report, surroundings.err);
        told
    };
    if let Err(error) = told.and_then(|()| surroundings.out.flush()) {
        surroundings.warn(&plain(&format!("the report could not be written: {error}")));
    }
}

/// Where the receiver of this run put the message.
fn stored(prepared: &mut Prepared<'_>) -> Vec<PathBuf> {
    // The event is sent before the reply is, so it is here already.
    const AT_HAND: Duration = Duration::ZERO;
    let sink = prepared.sink.iter();
    sink.flat_map(|sink| std::iter::from_fn(|| sink.next_stored(AT_HAND)))
        .filter_map(|stored: sink::Stored| stored.path)
        .collect()
}

/// Sixteen hexadecimal digits that name this run in logs.
fn local_id() -> String {
    // Without random numbers the name is less useful, and the mail no worse.
    random_word(8).unwrap_or_else(|_| "0".repeat(16))
}

/// Prints what would go out, as to a server that offers this.
fn dry_run(
    job: &Job,
    server: DryRun,
    surroundings: &mut Surroundings<'_>,
) -> Result<Exit, Failure> {
    let offer = match server {
        DryRun::EightBit => "imagined\nSIZE\n8BITMIME\nSMTPUTF8",
        DryRun::SevenBit => "imagined",
    };
    let offered = Reply::new(250, offer).map(|reply| Capabilities::from_ehlo(&reply));
    let offered = offered.expect("250 is a reply code");
    let Submission { envelope, message } = &job.submission;
    let to: Vec<_> = envelope.to().iter().collect();
    let parameters = negotiate(&envelope.from, &to, message.facts(), &offered)
        .map_err(|shortfall| Failure::new(Exit::Unavailable, shortfall))?;
    let out = &mut *surroundings.out;
    let mut print = || -> io::Result<()> {
        for change in &job.changes {
            writeln!(surroundings.err, "=== {}", Escaped(change))?;
        }
        writeln!(out, "{}", Command::Mail(&envelope.from, &parameters))?;
        for recipient in envelope.to() {
            writeln!(out, "{}", Command::Rcpt(recipient))?;
        }
        writeln!(out, "{}", Command::Data)?;
        let mut octets = message.open().map_err(io::Error::from)?;
        io::copy(&mut octets, out)?;
        out.flush()
    };
    match print() {
        Ok(()) => {}
        // Whoever reads it, such as head(1), has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        Err(error) => return Err(Failure::caused(Exit::IoErr, "cannot print the message", error)),
    }
    if !surroundings.globals.quiet {
        let _ = writeln!(surroundings.err, "nothing was sent");
    }
    Ok(Exit::Ok)
}
