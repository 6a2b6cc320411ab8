//! What is said of an msmtprc that is read in place of a configuration.

use super::Surroundings;
use crate::account::Accounts;
use crate::account::import::{Format, Line, Meaning};

impl Surroundings<'_> {
    /// Says, to who wants to know, that the accounts are another program's, and
    /// what of them cannot be had; of what protects messages everybody is told.
    pub(super) fn tell_of_foreign(&mut self, accounts: &Accounts) {
        let Some(file) = accounts.foreign() else { return };
        let wants_all = self.globals.verbose > 0;
        if wants_all {
            self.note(&format!(
                "there is no configuration of envoi, so {} is read as msmtp reads it",
                file.display()
            ));
            // That nobody may be there to read it changes nothing.
            let _ = writeln!(self.err, "hint: to make it envoi's own: envoi account import");
        }
        for line in accounts.foreign_lines() {
            if wants_all || matches!(line.meaning, Meaning::Lost { protects: true, .. }) {
                self.warn_of(line, Format::Msmtp);
            }
        }
    }

    /// Says of a line of this program's what cannot be had, and what to know
    /// about what can.
    pub(super) fn warn_of(&mut self, line: &Line, format: Format) {
        let about = match &line.meaning {
            Meaning::Lost { reason, instead: Some(instead), .. } => {
                Some(format!("it is not carried over: {reason}; instead: {instead}"))
            }
            Meaning::Lost { reason, instead: None, .. } => {
                Some(format!("it is not carried over: {reason}"))
            }
            Meaning::Unknown { nearest: Some(nearest) } => {
                Some(format!("{} does not know it; did you mean {nearest}?", format.name()))
            }
            Meaning::Unknown { nearest: None } => {
                Some(format!("{} does not know it", format.name()))
            }
            Meaning::Structure | Meaning::Keys(_) | Meaning::Rewrite(_) | Meaning::Already(_) => {
                None
            }
        };
        for about in about.iter().chain(&line.warning) {
            self.warn(&format!("{}: {about}", shown(line)));
        }
    }
}

/// A line and its place.
pub(super) fn shown(line: &Line) -> String {
    format!("{}:{}  {}", line.file.display(), line.line, line.text)
}
