//! `envoi send --dry-run`: the message and its envelope, on standard output.

use super::Surroundings;
use super::advice::of_shortfall;
use super::args::DryRun;
use super::dsn::missing_without;
use super::exit::Exit;
use super::failure::Failure;
use super::message::Job;
use crate::delivery::Submission;
use crate::session::{Misfit, Shortfall, Way, form, negotiate};
use crate::smtp::{Body, Capabilities, Chunking, Command, Keyword, Reply};
use std::io;

/// Prints what would go out, as to a server that offers this.
pub(super) fn print(
    job: &Job,
    server: DryRun,
    surroundings: &mut Surroundings<'_>,
) -> Result<Exit, Failure> {
    let offer = match server {
        DryRun::EightBit => {
            "imagined\nSIZE\n8BITMIME\nSMTPUTF8\nDSN\nREQUIRETLS\nCHUNKING\nBINARYMIME"
        }
        DryRun::SevenBit => "imagined",
    };
    let offered = Reply::new(250, offer).map(|reply| Capabilities::from_ehlo(&reply));
    let offered = offered.expect("250 is a reply code");
    let Submission { envelope, message } = &job.submission;
    let to: Vec<_> = envelope.to().iter().collect();
    let lacking = |shortfall: Shortfall| {
        let hints = of_shortfall(&shortfall);
        Failure { hints, ..Failure::new(Exit::Unavailable, shortfall) }
    };
    let chunking = job.account.as_ref().map_or(Chunking::Auto, |account| account.chunking);
    let way = Way { offered: &offered, is_verified: true, chunking };
    let form = form(message, way).map_err(|misfit| match misfit {
        Misfit::Lacking(shortfall) => lacking(shortfall),
        Misfit::Failed(error) => error.into(),
    })?;
    let terms = negotiate(envelope, &to, form.facts(), way).map_err(lacking)?;
    let narrowed = if std::ptr::eq(form, message.as_ref()) { &[] } else { form.changes() };
    if !surroundings.globals.quiet {
        for change in &job.changes {
            surroundings.note(change);
        }
        for change in narrowed {
            surroundings.note(&change.to_string());
        }
    }
    for warning in &job.warnings {
        surroundings.warn(warning);
    }
    if let Some(missing) = missing_without(envelope)
        && !offered.has(Keyword::Dsn)
    {
        surroundings.warn(&format!("such a server does not offer DSN: {missing}"));
    }
    let out = &mut *surroundings.out;
    let mut write = || -> io::Result<()> {
        writeln!(out, "{}", Command::Mail(&envelope.from, &terms.mail))?;
        for recipient in &terms.to {
            writeln!(out, "{}", Command::Rcpt(recipient))?;
        }
        let size = usize::try_from(form.facts().size).unwrap_or(usize::MAX);
        let is_in_chunks = chunking == Chunking::On && offered.has(Keyword::Chunking);
        let command = if is_in_chunks || terms.mail.body == Some(Body::BinaryMime) {
            Command::Bdat { size, last: true }
        } else {
            Command::Data
        };
        writeln!(out, "{command}")?;
        let mut octets = form.open().map_err(io::Error::from)?;
        io::copy(&mut octets, out)?;
        out.flush()
    };
    match write() {
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
