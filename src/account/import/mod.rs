//! What the configuration of another program says, in envoi's terms: accounts,
//! the default one, rules for addresses; and of every line what was made of it.
//!
//! | what | file |
//! |---|---|
//! | which formats there are, and where their files stand | `format.rs` |
//! | lines, and how they are shown without their secrets | `text.rs` |
//! | what the files say while it is put together | `draft.rs` |
//! | msmtp's msmtprc: grammar, directives, what they mean | `msmtprc.rs`, `msmtprc/` |
//! | ssmtp's ssmtp.conf and revaliases | `ssmtp.rs` |
//! | dma's dma.conf and auth.conf | `dma.rs` |
//! | nullmailer's remotes and the files beside it | `nullmailer.rs` |
//! | an msmtprc in place of a configuration | `in_place.rs` |
//! | what is written down of it | `written.rs` |

mod dma;
mod draft;
mod format;
mod in_place;
mod msmtprc;
mod nullmailer;
mod ssmtp;
mod text;
mod written;

pub use format::Format;
pub(super) use in_place::{InPlace, in_place};

use super::environment::Environment;
use super::error::Error;
use super::machine::Machine;
use super::private_file;
use super::rewriting::RewriteSettings;
use super::secret::{SecretSource, World};
use super::settings::Settings;
use crate::net::Interrupt;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// What a configuration says.
#[derive(Debug)]
pub struct Import {
    /// Whose it is.
    pub format: Format,
    /// The files that were read, the named one first.
    pub files: Vec<PathBuf>,
    /// The accounts, in the order in which they stand.
    pub accounts: Vec<Imported>,
    /// The account that is used when nothing else chooses one.
    pub default: Option<String>,
    /// What is done to addresses of system mail.
    pub rewrite: RewriteSettings,
    /// Every line that says something.
    pub lines: Vec<Line>,
    /// What no single line says, but its reader should know; a sentence each.
    pub remarks: Vec<String>,
}

/// An account.
#[derive(Clone, Debug)]
pub struct Imported {
    /// Its name.
    pub name: String,
    /// What is said about it.
    pub settings: Settings,
    /// The file that it stands in.
    pub file: PathBuf,
    /// Where it begins, counted from 1.
    pub line: usize,
    /// The line that says most about each key.
    pub lines: BTreeMap<&'static str, usize>,
}

/// A line, and what was made of it.
#[derive(Clone, Debug)]
pub struct Line {
    /// The file that it stands in.
    pub file: PathBuf,
    /// Its number, counted from 1.
    pub line: usize,
    /// The line, `***` in place of what may be a secret.
    pub text: String,
    /// The account that it is part of, if it is part of one.
    pub account: Option<String>,
    /// What was made of it.
    pub meaning: Meaning,
    /// What to know about that; a sentence.
    pub warning: Option<String>,
}

/// What was made of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// It orders the file: an account begins, or defaults do.
    Structure,
    /// It goes into these keys of its account, or of those that follow it;
    /// `rewrite.KEY` is one of `[rewrite]`.
    Keys(&'static [&'static str]),
    /// It goes into this key of `[rewrite]`.
    Rewrite(&'static str),
    /// It takes nothing to have that; a clause says why.
    Already(String),
    /// It cannot be had.
    Lost {
        /// Why; a clause.
        reason: String,
        /// What to do instead, if there is something.
        instead: Option<String>,
        /// Messages are protected less without it.
        protects: bool,
    },
    /// Its program would not know it.
    Unknown {
        /// What may have been meant.
        nearest: Option<&'static str>,
    },
}

/// What reading may make use of.
#[derive(Clone, Copy)]
pub struct Context<'c> {
    /// Variables; `HOME` among them, and what programs inherit.
    pub environment: &'c Environment,
    /// What the machine says of itself.
    pub machine: &'c Machine,
    /// The user's wish to stop, for programs that a file wants run.
    pub interrupt: &'c Interrupt,
}

impl<'c> Context<'c> {
    /// What fetching a secret may make use of: nobody is asked for one.
    fn world(self) -> World<'c> {
        World {
            environment: self.environment,
            ask: &|_| Err(io::ErrorKind::Unsupported.into()),
            interrupt: self.interrupt,
            timeout: None,
            deadline: None,
        }
    }
}

impl Import {
    /// Reads a file of this format, and those that belong to it.
    pub fn read(format: Format, file: &Path, context: Context<'_>) -> Result<Self, Error> {
        let mut import = match format {
            Format::Msmtp => msmtprc::import(file, context),
            Format::Ssmtp => ssmtp::import(file),
            Format::Dma => dma::import(file, context),
            Format::Nullmailer => nullmailer::import(file),
        }?;
        if import.holds_secret() {
            let masked = |file: &&PathBuf| {
                let mut lines = import.lines.iter().filter(|line| line.file == **file);
                lines.any(|line| line.text.contains(text::MASK))
            };
            let files = import.files.iter().filter(masked);
            let exposed = files.filter_map(|file| exposed(file)).collect::<Vec<_>>();
            import.remarks.extend(exposed);
        }
        Ok(import)
    }

    /// Whether a password stands in the files themselves.
    fn holds_secret(&self) -> bool {
        let secrets = self.accounts.iter().flat_map(|account| {
            [&account.settings.password, &account.settings.token].into_iter().flatten()
        });
        secrets.into_iter().any(|source| matches!(source, SecretSource::Value(_)))
    }

    /// Names the only account so. Fails where there are several.
    pub fn rename(&mut self, name: &str) -> Result<(), Error> {
        let [account] = self.accounts.as_mut_slice() else {
            let names = self.accounts.iter().map(|account| account.name.clone()).collect();
            return Err(Error::OneName { names });
        };
        let before = std::mem::replace(&mut account.name, name.to_owned());
        for line in &mut self.lines {
            if line.account.as_deref() == Some(&before) {
                line.account = Some(name.to_owned());
            }
        }
        if self.default.is_some() {
            self.default = Some(name.to_owned());
        }
        Ok(())
    }

    /// The account of this name.
    pub fn account(&self, name: &str) -> Option<&Imported> {
        self.accounts.iter().find(|account| account.name == name)
    }
}

/// What to do about a file with a password that others can read.
fn exposed(file: &Path) -> Option<String> {
    let fault = private_file::holding_configuration(&File::open(file).ok()?).ok()??;
    let file = file.display();
    Some(format!("{file} may hold a password, but {fault}: it is as good as known"))
}
