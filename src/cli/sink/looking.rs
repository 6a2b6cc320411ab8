//! Where ‘envoi sink wait’ looks: messages that were caught, each looked at once.

use crate::cli::args::WaitArgs;
use crate::cli::failure::Failure;
use crate::mbox;
use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A store, and what was looked at in it.
pub(super) struct Looking {
    store: Store,
    looked_at: HashSet<OsString>,
    /// How many messages that were.
    pub(super) count: usize,
}

enum Store {
    Maildir(PathBuf),
    Eml(PathBuf),
    Mbox(PathBuf, mbox::Reader),
}

/// What says which of two messages is older.
type Age = (Option<SystemTime>, OsString);

impl Looking {
    /// The store that is named, else the Maildir that is not.
    pub(super) fn into_store(
        args: &WaitArgs,
        default: impl FnOnce() -> Result<PathBuf, Failure>,
    ) -> Result<Self, Failure> {
        let store = match args {
            WaitArgs { mbox: Some(file), .. } => {
                Store::Mbox(file.clone(), mbox::Reader::new(file.clone()))
            }
            WaitArgs { eml: Some(directory), .. } => Store::Eml(directory.clone()),
            WaitArgs { dir, .. } => Store::Maildir(dir.clone().map_or_else(default, Ok)?),
        };
        Ok(Looking { store, looked_at: HashSet::new(), count: 0 })
    }

    /// The directory or file.
    pub(super) fn path(&self) -> &Path {
        match &self.store {
            Store::Maildir(path) | Store::Eml(path) | Store::Mbox(path, _) => path,
        }
    }

    /// What is typed to have mail caught there; `None` where it is caught
    /// already, or was.
    pub(super) fn command(&self) -> Option<String> {
        let path = shell_words::quote(&self.path().to_string_lossy()).into_owned();
        let (is_there, command) = match &self.store {
            Store::Maildir(path_of) => (path_of.join("new").is_dir(), format!("envoi sink {path}")),
            Store::Eml(path_of) => (path_of.is_dir(), format!("envoi sink --eml {path}")),
            Store::Mbox(path_of, _) => (path_of.is_file(), format!("envoi sink --mbox {path}")),
        };
        (!is_there).then_some(command)
    }

    /// The first of the messages that were not looked at before, oldest first, of
    /// which something can be made; with the file that it is in.
    pub(super) fn first<T>(
        &mut self,
        read: impl Fn(&[u8]) -> Option<T>,
    ) -> io::Result<Option<(PathBuf, T)>> {
        let mut files = match &mut self.store {
            Store::Mbox(path, reader) => {
                let fresh = reader.fresh()?;
                self.count += fresh.len();
                let found = fresh.iter().find_map(|message| read(message));
                return Ok(found.map(|found| (path.clone(), found)));
            }
            Store::Maildir(directory) => files_of_maildir(directory)?,
            Store::Eml(directory) => files_of_eml(directory)?,
        };
        files.sort();
        for ((_, name), path) in files {
            if self.looked_at.contains(&name) {
                continue;
            }
            let octets = match fs::read(&path) {
                Ok(octets) => octets,
                // A reader moved it: it is found in its new place next time.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            self.looked_at.insert(name);
            self.count += 1;
            if let Some(found) = read(&octets) {
                return Ok(Some((path, found)));
            }
        }
        Ok(None)
    }
}

/// Their names begin with the time.
fn files_of_maildir(directory: &Path) -> io::Result<Vec<(Age, PathBuf)>> {
    let mut files = Vec::new();
    for folder in ["new", "cur"] {
        for entry in entries(&directory.join(folder))? {
            // A reader that moves it adds flags behind a colon.
            let name = entry.file_name().into_encoded_bytes();
            let name = name.split(|octet| *octet == b':').next().unwrap_or_default();
            let name = OsString::from(String::from_utf8_lossy(name).into_owned());
            files.push(((None, name), entry.path()));
        }
    }
    Ok(files)
}

fn files_of_eml(directory: &Path) -> io::Result<Vec<(Age, PathBuf)>> {
    let mut files = Vec::new();
    for entry in entries(directory)? {
        let (name, path) = (entry.file_name(), entry.path());
        // One that is not whole is called otherwise; one may be removed just now.
        let is_one = path.extension().is_some_and(|it| it == "eml");
        if let Ok(facts) = entry.metadata()
            && is_one
            && facts.is_file()
        {
            files.push(((facts.modified().ok(), name), path));
        }
    }
    Ok(files)
}

/// What is in a directory; nothing where there is none.
fn entries(directory: &Path) -> io::Result<Vec<fs::DirEntry>> {
    match fs::read_dir(directory) {
        Ok(entries) => entries.collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
