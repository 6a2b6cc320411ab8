//! What is to be shown of a submission, as it was typed.

use super::Transcript;
use super::events::Events;
use super::lines::Detail;
use crate::cli::args::{Globals, LaboratoryArgs};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use rustix::fs::OFlags;
use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// As the standard library wants it.
const NONBLOCK: i32 = OFlags::NONBLOCK.bits().cast_signed();

/// What is to be shown beside `-v`, and where.
#[derive(Clone, Copy, Default)]
pub(in crate::cli) struct Showing<'s> {
    transcript: Option<&'s Path>,
    events: Option<&'s Path>,
    has_wire: bool,
    has_secrets: bool,
}

impl<'s> Showing<'s> {
    /// Refuses what would have no effect, or would write over itself.
    pub(in crate::cli) fn of(args: &'s LaboratoryArgs, globals: &Globals) -> Result<Self, Failure> {
        let LaboratoryArgs { transcript, events, raw, show_secrets, .. } = args;
        let has_lines = globals.verbose > 0 || transcript.is_some();
        if *raw && !has_lines {
            return Err(Failure::say(
                Exit::Usage,
                "--raw adds to a conversation that is shown, and none is",
            )
            .hint("add -v, or --transcript FILE"));
        }
        if *show_secrets && !has_lines && events.is_none() {
            return Err(Failure::say(
                Exit::Usage,
                "--show-secrets adds to a conversation that is shown, and none is",
            )
            .hint("add -v, --transcript FILE or --events FILE"));
        }
        let is_one = |(one, other): (&PathBuf, &PathBuf)| is_same_file(one, other);
        if transcript.as_ref().zip(events.as_ref()).is_some_and(is_one) {
            return Err(Failure::say(
                Exit::Usage,
                "--transcript and --events cannot be written to the same file",
            )
            .hint("give each a file of its own"));
        }
        Ok(Showing {
            transcript: transcript.as_deref(),
            events: events.as_deref(),
            has_wire: *raw,
            has_secrets: *show_secrets,
        })
    }

    /// Refuses to write over what is sent.
    pub(in crate::cli) fn spares<'p>(
        &self,
        mut inputs: impl Iterator<Item = &'p Path>,
    ) -> Result<(), Failure> {
        let outputs = [("--transcript", self.transcript), ("--events", self.events)];
        let replaced = inputs.find_map(|input| {
            let is_it = |output: &&(_, Option<&Path>)| {
                output.1.is_some_and(|output| is_same_file(output, input))
            };
            outputs.iter().find(is_it).map(|(option, _)| (option, input))
        });
        replaced.map_or(Ok(()), |(option, input)| {
            let sentence = format!("{option} would replace {}, which is sent", input.display());
            Err(Failure::say(Exit::Usage, sentence).hint("name another file"))
        })
    }

    /// What whoever reads it should know.
    pub(in crate::cli) fn warning(&self) -> Option<&'static str> {
        self.has_secrets.then_some(
            "what is shown of the sign-in holds secrets: --show-secrets; whoever reads it can \
             sign in",
        )
    }

    /// Makes its files, and begins. `-v`, given so often, shows on `err`.
    pub(in crate::cli) fn open<'w>(
        &self,
        verbose: u8,
        err: &'w mut dyn Write,
    ) -> Result<Transcript<'w>, Failure> {
        let Showing { has_wire, has_secrets, .. } = *self;
        let mut shown = Transcript { shows_secrets: has_secrets, ..Transcript::default() };
        let detail = |is_full| Detail { is_full, has_wire, has_secrets };
        if let Some(path) = self.transcript {
            shown.add_lines(self.created("transcript", path)?, detail(true));
        }
        if let Some(path) = self.events {
            let file = self.created("events", path)?;
            shown.add("events are", Events::new(file, has_secrets));
        }
        if verbose > 0 {
            shown.add_lines(err, detail(verbose > 1));
        }
        Ok(shown)
    }

    /// A file, made before anybody is asked; for its owner alone where there are
    /// secrets.
    fn created(&self, what: &str, path: &Path) -> Result<File, Failure> {
        let create = || -> io::Result<File> {
            let mode = if self.has_secrets { 0o600 } else { 0o666 };
            let mut options = File::options();
            options.write(true).create(true).truncate(true).mode(mode);
            // A pipe that nobody reads would be waited for without a limit.
            let file = options.custom_flags(NONBLOCK).open(path)?;
            rustix::fs::fcntl_setfl(&file, OFlags::empty())?;
            if self.has_secrets && file.metadata()?.is_file() {
                file.set_permissions(Permissions::from_mode(mode))?;
            }
            Ok(file)
        };
        create().map_err(|error| {
            let sentence = format!("cannot write the {what} to {}", path.display());
            Failure::caused(Exit::CantCreat, sentence, error)
        })
    }
}

/// Whether two paths lead to one file, be it there or not.
fn is_same_file(one: &Path, other: &Path) -> bool {
    let facts = |path: &Path| path.metadata().map(|facts| (facts.dev(), facts.ino()));
    match (facts(one), facts(other)) {
        (Ok(one), Ok(other)) => one == other,
        (Err(_), Err(_)) => {
            let place = |path: &Path| {
                let above = path.parent().filter(|above| !above.as_os_str().is_empty());
                let above = above.unwrap_or(Path::new(".")).canonicalize().ok()?;
                Some((above, path.file_name()?.to_owned()))
            };
            one == other || place(one).is_some_and(|it| Some(it) == place(other))
        }
        (Ok(_), Err(_)) | (Err(_), Ok(_)) => false,
    }
}
