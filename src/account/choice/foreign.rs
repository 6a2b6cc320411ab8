//! An msmtprc that stands in for a configuration: accounts in an order.

use super::super::import::{InPlace, Line, in_place};
use super::super::pattern::{folded, without_detail};
use super::{Accounts, Environment, Error, Reason};
use std::path::{Path, PathBuf};

impl Accounts {
    /// The msmtprc that is read, since there is no configuration.
    pub fn foreign(&self) -> Option<&Path> {
        self.found.last().filter(|_| self.foreign.is_some()).map(PathBuf::as_path)
    }

    /// The lines of the msmtprc that is read, and what was made of them.
    pub fn foreign_lines(&self) -> &[Line] {
        self.foreign.as_deref().unwrap_or_default()
    }

    /// With an msmtprc, if there is one and no file of ours.
    pub(super) fn or_foreign(self, environment: &Environment) -> Result<Self, Error> {
        if !self.found.is_empty() {
            return Ok(self);
        }
        Ok(match in_place(environment)? {
            Some(InPlace { document, found, lines }) => {
                Accounts { document, found, foreign: Some(lines), ..self }
            }
            None => self,
        })
    }

    /// The first account that is for the sender, as msmtp chooses.
    pub(super) fn first_for<'a>(
        &'a self,
        sender: &str,
        order: &'a [String],
    ) -> Option<(&'a str, Reason<'a>)> {
        let asked = [Some(sender.to_owned()), without_detail(sender)];
        asked.into_iter().flatten().find_map(|asked| {
            let folded = folded(&asked);
            let fits = |name: &'a String| {
                let entry = self.document.accounts.get(name)?;
                let fit = entry.is_from(&folded).or_else(|| entry.has_pattern_for(&folded))?;
                Some((name.as_str(), fit))
            };
            let (name, fit) = order.iter().find_map(fits)?;
            Some((name, Reason::Sender { sender: asked, fit, others: Vec::new() }))
        })
    }
}
