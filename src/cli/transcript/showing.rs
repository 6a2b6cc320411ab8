//! What is to be shown of a submission, as it was typed.

use super::Transcript;
use super::events::Events;
use super::lines::Detail;
use crate::cli::args::{Globals, LaboratoryArgs};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

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
        if transcript.is_some() && transcript == events {
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
            let file = options.write(true).create(true).truncate(true).mode(mode).open(path)?;
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
