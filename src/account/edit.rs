//! A configuration file that is changed: what people wrote into it stays as it
//! is, comments and order too, and the file appears whole or not at all.

use super::error::Error;
use super::file::{self, LONGEST};
use super::grammar::{Document, document};
use super::oauth::OAuth2;
use super::settings::Settings;
use super::value::Source;
use super::whole_file;
use super::written::{self, Unwritable};
use crate::net::{Deadline, Interrupt};
use rustix::fs::{Gid, Uid, fchown};
use std::fs::{self, DirBuilder, File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;
use toml_edit::{DocumentMut, Item, Table, TableLike, Value};
use zeroize::Zeroizing;

/// A configuration file with changes that are not in it yet. Nobody else
/// changes it as long as this lives, if they ask.
#[derive(Debug)]
pub struct Edit {
    /// The file itself, where a link leads to it.
    file: PathBuf,
    home: Option<PathBuf>,
    document: DocumentMut,
    /// What stands at the end of its lines, where that is not LF.
    has_crlf: bool,
    /// What is known of the file; `None` where there is none yet.
    facts: Option<Metadata>,
    /// Its directory, locked.
    _lock: File,
}

/// Why a configuration file was not changed. It is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// What it says is no good already, or would be.
    #[error(transparent)]
    Invalid(#[from] Error),
    /// There is such an account.
    #[error("there is an account ‘{name}’ already, in {file}", file = .file.display())]
    Exists {
        /// The account.
        name: String,
        /// The file.
        file: PathBuf,
    },
    /// There is none.
    #[error("there is no account ‘{name}’ in {file}", file = .file.display())]
    Missing {
        /// The account.
        name: String,
        /// The file.
        file: PathBuf,
    },
    /// Another account would say nothing without it.
    #[error("the account ‘{by}’ extends ‘{name}’")]
    Extended {
        /// The account.
        name: String,
        /// One that extends it.
        by: String,
    },
    /// A value that has no form in a file.
    #[error(transparent)]
    Unwritable(#[from] Unwritable),
    /// Another process has changed it for longer than that takes.
    #[error("somebody else is changing {file}", file = .file.display())]
    Busy {
        /// The file.
        file: PathBuf,
    },
    /// The user asked to stop.
    #[error("interrupted; nothing was written")]
    Interrupted,
    /// The system refused.
    #[error("cannot write the configuration {file}", file = .file.display())]
    Unwritten {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// What went with an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removed {
    /// It was the default; now there is none.
    pub was_default: bool,
}

impl Edit {
    /// Opens a file, which need not exist. `home` is what `~/` stands for in
    /// it. Whoever changes it now is waited for, until the user asks to stop.
    pub fn open(
        path: &Path,
        home: Option<PathBuf>,
        interrupt: &Interrupt,
    ) -> Result<Self, EditError> {
        // Who keeps the file elsewhere and has a link here means that one.
        let file = resolved(path);
        let unwritten = |source| EditError::Unwritten { file: file.clone(), source };
        let directory = whole_file::directory(&file);
        DirBuilder::new().recursive(true).mode(0o700).create(&directory).map_err(unwritten)?;
        let lock = lock(&directory, &file, interrupt)?;
        let (text, facts) = match File::open(&file) {
            Ok(opened) => {
                let text = file::text(&opened, &file, home.as_deref())?;
                (text, Some(opened.metadata().map_err(unwritten)?))
            }
            Err(error) if file::is_missing(&error) => (Zeroizing::default(), None),
            Err(source) => return Err(Error::Unreadable { file, source }.into()),
        };
        // What envoi cannot read it does not change; and its error has a place.
        read(&file, home.as_deref(), &text)?;
        let document: DocumentMut = text.parse().map_err(|_| unparsed(&file))?;
        let has_crlf = text.contains("\r\n");
        Ok(Edit { file, home, document, has_crlf, facts, _lock: lock })
    }

    /// The file that will be changed.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Whether there is such an account in it.
    pub fn has(&self, name: &str) -> bool {
        self.accounts().is_some_and(|accounts| accounts.contains_key(name))
    }

    /// An error if there is such an account in it.
    pub fn refuse_twice(&self, name: &str) -> Result<(), EditError> {
        if self.has(name) {
            return Err(EditError::Exists { name: name.to_owned(), file: self.file.clone() });
        }
        Ok(())
    }

    /// Adds an account at the end.
    pub fn add(&mut self, name: &str, settings: &Settings) -> Result<(), EditError> {
        self.refuse_twice(name)?;
        let mut table = written::table(settings)?;
        table.decor_mut().set_prefix("\n");
        if let Some(accounts) = self.accounts_mut() {
            accounts.insert(name, Item::Table(table));
        }
        Ok(())
    }

    /// Puts an account in the place of the one of the same name, or at the end.
    pub fn replace(&mut self, name: &str, settings: &Settings) -> Result<(), EditError> {
        if !self.has(name) {
            return self.add(name, settings);
        }
        let table = written::table(settings)?;
        let accounts = self.accounts_mut();
        if let Some(old) = accounts.and_then(|accounts| accounts.get_mut(name)?.as_table_like_mut())
        {
            let keys: Vec<String> = old.iter().map(|(key, _)| key.to_owned()).collect();
            for key in keys.iter().filter(|key| !table.contains_key(key)) {
                old.remove(key);
            }
            for (key, value) in table {
                set(old, &key, value);
            }
        }
        Ok(())
    }

    /// Sets one key of an account.
    pub fn set(&mut self, name: &str, key: &str, value: Value) -> Result<(), EditError> {
        let missing = || EditError::Missing { name: name.to_owned(), file: self.file.clone() };
        if !self.has(name) {
            return Err(missing());
        }
        let accounts = self.accounts_mut();
        if let Some(account) =
            accounts.and_then(|accounts| accounts.get_mut(name)?.as_table_like_mut())
        {
            set(account, key, Item::Value(value));
        }
        Ok(())
    }

    /// Says of an account who issues its tokens. What else proves its user
    /// goes: only one thing can (`Settings::over`).
    pub fn set_oauth2(&mut self, name: &str, oauth2: &OAuth2) -> Result<(), EditError> {
        let value =
            written::oauth2(oauth2).map_err(|reason| Unwritable { key: "oauth2", reason })?;
        self.set(name, "oauth2", value)?;
        let accounts = self.accounts_mut();
        if let Some(account) =
            accounts.and_then(|accounts| accounts.get_mut(name)?.as_table_like_mut())
        {
            account.remove("password");
            account.remove("token");
        }
        Ok(())
    }

    /// Removes an account, with the comment right above it.
    pub fn remove(&mut self, name: &str) -> Result<Removed, EditError> {
        if !self.has(name) {
            return Err(EditError::Missing { name: name.to_owned(), file: self.file.clone() });
        }
        if let Some(by) = self.extended_by(name) {
            return Err(EditError::Extended { name: name.to_owned(), by });
        }
        let removed = self.accounts_mut().and_then(|accounts| accounts.remove(name));
        if let Some(Item::Table(table)) = removed {
            self.keep_heading(&table);
        }
        let was_default = self.default() == Some(name);
        if was_default {
            self.document.remove("default");
        }
        if self.accounts().is_some_and(TableLike::is_empty) {
            self.document.remove("accounts");
        }
        Ok(Removed { was_default })
    }

    /// The account that is used when nothing else chooses one.
    pub fn default(&self) -> Option<&str> {
        self.document.get("default")?.as_str()
    }

    /// Makes an account the default.
    pub fn set_default(&mut self, name: &str) {
        set(self.document.as_table_mut(), "default", Item::Value(Value::from(name)));
    }

    /// Whether there are accounts in it besides these.
    pub fn has_others<'n>(&self, names: impl Iterator<Item = &'n str>) -> bool {
        let names: Vec<&str> = names.collect();
        let mut there = self.accounts().into_iter().flat_map(TableLike::iter);
        there.any(|(name, _)| !names.contains(&name))
    }

    /// A key of `[rewrite]`.
    pub fn rewrite(&self, key: &str) -> Option<&Value> {
        self.document.get("rewrite")?.as_table_like()?.get(key)?.as_value()
    }

    /// Sets a key of `[rewrite]`.
    pub fn set_rewrite(&mut self, key: &str, value: Value) {
        let rewrite = self.document.entry("rewrite").or_insert_with(|| {
            let mut table = Table::new();
            table.decor_mut().set_prefix("\n");
            Item::Table(table)
        });
        if let Some(rewrite) = rewrite.as_table_like_mut() {
            set(rewrite, key, Item::Value(value));
        }
    }

    /// What the file would say.
    pub fn text(&self) -> Zeroizing<String> {
        let text = Zeroizing::new(self.document.to_string());
        let text = Zeroizing::new(text.trim_start_matches('\n').to_owned());
        if self.has_crlf {
            return Zeroizing::new(text.replace("\r\n", "\n").replace('\n', "\r\n"));
        }
        text
    }

    /// Writes the file. It keeps its owner and its mode, unless it holds a
    /// secret now: then it is closed to everybody else (checklist SEC-9).
    pub fn save(self) -> Result<(), EditError> {
        let text = self.text();
        let document = read(&self.file, self.home.as_deref(), &text)?;
        let mode = self.facts.as_ref().map_or(0o600, |facts| facts.mode() & 0o777);
        let mode = if document.holds_secret { mode & 0o700 } else { mode };
        let owner = self.facts.as_ref().map(|facts| (facts.uid(), facts.gid()));
        let finish = |file: &File| {
            let new = file.metadata()?;
            if let Some((uid, gid)) = owner.filter(|owner| *owner != (new.uid(), new.gid())) {
                fchown(file, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
            }
            file.set_permissions(Permissions::from_mode(mode))
        };
        whole_file::write_as(&self.file, text.as_bytes(), finish)
            .map_err(|source| EditError::Unwritten { file: self.file.clone(), source })
    }

    fn accounts(&self) -> Option<&dyn TableLike> {
        self.document.get("accounts")?.as_table_like()
    }

    fn accounts_mut(&mut self) -> Option<&mut dyn TableLike> {
        let accounts = self.document.entry("accounts").or_insert_with(|| {
            let mut accounts = Table::new();
            // Only `[accounts.NAME]` is written.
            accounts.set_implicit(true);
            Item::Table(accounts)
        });
        accounts.as_table_like_mut()
    }

    fn extended_by(&self, name: &str) -> Option<String> {
        let mut accounts = self.accounts()?.iter();
        let extends =
            |item: &Item| item.as_table_like()?.get("extends")?.as_str().map(|model| model == name);
        accounts.find(|(_, item)| extends(item) == Some(true)).map(|(by, _)| by.to_owned())
    }

    /// Text above an account that a blank line parts from it belongs to the
    /// file.
    fn keep_heading(&mut self, removed: &Table) {
        let above = removed.decor().prefix().and_then(|text| text.as_str()).unwrap_or_default();
        let Some(end) = above.rfind("\n\n").filter(|&end| !above[..end].trim().is_empty()) else {
            return;
        };
        let heading = &above[..=end];
        let position = removed.position();
        let next = next_table(self.document.as_table_mut(), position);
        if let Some(next) = next {
            let decor = next.decor_mut();
            let own = decor.prefix().and_then(|text| text.as_str()).unwrap_or_default();
            let both = format!("{heading}{own}");
            decor.set_prefix(both);
        } else {
            let own = self.document.trailing().as_str().unwrap_or_default();
            let both = format!("{heading}{own}");
            self.document.set_trailing(both);
        }
    }
}

/// The table that stands next in the file after this place.
fn next_table(table: &mut Table, after: Option<isize>) -> Option<&mut Table> {
    let mut best: Option<&mut Table> = None;
    for (_, item) in table.iter_mut() {
        let Item::Table(inner) = item else { continue };
        let own = inner.position();
        let here = !inner.is_implicit() && !inner.is_dotted() && own > after;
        let found = if here { Some(inner) } else { next_table(inner, after) };
        if let Some(found) = found
            && best.as_ref().is_none_or(|best| found.position() < best.position())
        {
            best = Some(found);
        }
    }
    best
}

/// Sets a key and leaves the comment behind its old value where it was.
fn set(table: &mut dyn TableLike, key: &str, mut value: Item) {
    let decor = table.get(key).and_then(Item::as_value).map(|old| old.decor().clone());
    if let (Some(decor), Some(value)) = (decor, value.as_value_mut()) {
        *value.decor_mut() = decor;
    }
    match table.get_mut(key) {
        Some(old) => *old = value,
        None => {
            table.insert(key, value);
        }
    }
}

fn read(file: &Path, home: Option<&Path>, text: &str) -> Result<Document, Error> {
    if text.len() as u64 > LONGEST {
        return Err(Error::TooLong { file: file.to_owned() });
    }
    document(Source { file, text, home })
}

/// Cannot happen to a text that was read: both readers are of one grammar.
fn unparsed(file: &Path) -> EditError {
    let source = io::Error::other("it is not TOML");
    EditError::Unwritten { file: file.to_owned(), source }
}

/// The file that links lead to, be it there or not.
fn resolved(path: &Path) -> PathBuf {
    let mut file = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(to) = fs::read_link(&file) else { break };
        file = whole_file::directory(&file).join(to);
    }
    fs::canonicalize(&file).unwrap_or(file)
}

/// As many as the kernel follows (`path_resolution(7)`).
const MOST_LINKS: u32 = 40;

/// Locks the directory: the file itself is replaced, and a lock on it would
/// stay with the old one.
fn lock(directory: &Path, file: &Path, interrupt: &Interrupt) -> Result<File, EditError> {
    let unwritten = |source| EditError::Unwritten { file: file.to_owned(), source };
    let lock = File::open(directory).map_err(unwritten)?;
    let deadline = Deadline::after(PATIENCE);
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(fs::TryLockError::Error(source)) => return Err(unwritten(source)),
            Err(fs::TryLockError::WouldBlock) if interrupt.signal().is_some() => {
                return Err(EditError::Interrupted);
            }
            Err(fs::TryLockError::WouldBlock) if deadline.remaining().is_none() => {
                return Err(EditError::Busy { file: file.to_owned() });
            }
            Err(fs::TryLockError::WouldBlock) => thread::sleep(MOMENT),
        }
    }
}

/// A change takes milliseconds; whoever takes longer is stuck.
const PATIENCE: Duration = Duration::from_secs(10);
const MOMENT: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests;
