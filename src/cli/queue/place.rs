//! Which queue is whose, and how it is opened.

use crate::account::{Environment, QueueSettings};
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, quoted};
use crate::queue::{
    DropBox, Folder, FolderError, Id, Limits, Policy, Queue, check_drop, closed_to_users,
};
use std::path::{Path, PathBuf};

/// The queue of the whole system, for who may use it.
const SYSTEM: &str = "/var/spool/envoi/queue";
/// Where the others put what is to get into it.
const DROP: &str = "/var/spool/envoi/drop";

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The drop directory, for root, who takes over what lies there.
pub(super) fn taken_over() -> Option<&'static Path> {
    (is_root() && has_drop()).then(|| Path::new(DROP))
}

/// The same where it is gone, and a take-over was not finished: of the copies
/// that it left in root's queue, the originals may lie there still.
pub(super) fn missed(copies: &[Id]) -> Option<&'static Path> {
    (is_root() && !copies.is_empty()).then(|| Path::new(DROP))
}

/// Whether this user hands in what is to go through an account of all users.
pub(super) fn hands_in() -> bool {
    !is_root() && has_drop()
}

fn has_drop() -> bool {
    Path::new(DROP).is_dir()
}

/// The drop directory, for who hands in. That it cannot be used may be over
/// soon, as everything that keeps a message from being kept.
pub(super) fn drop_box(settings: &QueueSettings) -> Result<DropBox, Failure> {
    DropBox::open(Path::new(DROP), limits_of_drop(settings)).map_err(|error| {
        let hint = how_to_mend_drop(&error);
        Failure::new(Exit::TempFail, error).hint(hint)
    })
}

/// What root does about a drop directory that is not safe.
pub(super) fn how_to_mend_drop(error: &FolderError) -> String {
    let above = |path: &Path| path != Path::new(DROP);
    let command = match error {
        FolderError::LooseParent { path, .. } if above(path) => {
            format!("chmod go-w {}", quoted(path))
        }
        FolderError::Foreign { path, .. } if above(path) => format!("chown root {}", quoted(path)),
        FolderError::Io { path, .. } => {
            return format!("see what is there: ls -ld {}", quoted(path));
        }
        FolderError::LooseParent { .. }
        | FolderError::Foreign { .. }
        | FolderError::Missing(_)
        | FolderError::Open { .. } => MAKE_DROP.to_owned(),
    };
    format!("root can mend it: {command}")
}

/// Where nobody but root can hand in.
pub(super) fn closed_drop() -> Option<Failure> {
    let drop = taken_over().filter(|drop| check_drop(drop).is_ok())?;
    let mode = closed_to_users(drop)?;
    let sentence =
        format!("users cannot hand anything in: {DROP} is closed to them (mode {mode:04o})");
    Some(Failure::say(Exit::Config, sentence).hint(format!("open it: {MAKE_DROP}")))
}

/// How root makes the drop directory, or mends it.
const MAKE_DROP: &str = "install -d -m 1733 -o root -g root /var/spool/envoi/drop";

/// A message that only root could send, where nobody hands it to root.
pub(super) fn no_drop(account: &str) -> Failure {
    let sentence = format!(
        "the password of the account {account} is for root alone, and there is no {DROP}, from \
         where root would send the message (root can make it: {MAKE_DROP})"
    );
    Failure::say(Exit::TempFail, sentence)
}

/// Where the queue of this user is: as configured, that of the system for root
/// where there is one, else below the user's state directory. `None` without a
/// home directory.
pub(super) fn directory(settings: &QueueSettings, environment: &Environment) -> Option<PathBuf> {
    let of_system = || {
        let is_there = is_root() && (Path::new(SYSTEM).is_dir() || has_drop());
        is_there.then(|| PathBuf::from(SYSTEM))
    };
    let own = || environment.directory("XDG_STATE_HOME", ".local/state");
    settings
        .directory
        .clone()
        .or_else(of_system)
        .or_else(|| own().map(|state| state.join("envoi/queue")))
}

/// The queue if it is there.
pub(super) fn existing(
    settings: &QueueSettings,
    environment: &Environment,
) -> Result<Option<Queue>, Failure> {
    let Some(path) = directory(settings, environment) else { return Ok(None) };
    match Folder::open(&path) {
        Ok(folder) => Ok(Some(queue(folder, &path, settings))),
        Err(FolderError::Missing(_)) => Ok(None),
        Err(error) => Err(unusable(error)),
    }
}

/// The queue, made if it is not there.
pub(super) fn made(settings: &QueueSettings, environment: &Environment) -> Result<Queue, Failure> {
    let nowhere = || {
        Failure::say(Exit::Config, "there is no place for a queue: $HOME is not set")
            .hint("write directory = \"/a/directory/of/yours\" in [queue]")
    };
    let path = directory(settings, environment).ok_or_else(nowhere)?;
    let folder = Folder::make(&path).map_err(unusable)?;
    Ok(queue(folder, &path, settings))
}

fn queue(folder: Folder, path: &Path, settings: &QueueSettings) -> Queue {
    Queue::new(folder, path, policy(settings), limits(settings))
}

/// When things are tried again.
pub(super) fn policy(settings: &QueueSettings) -> Policy {
    let usual = Policy::default();
    let min_retry = settings.min_retry.unwrap_or(usual.min_retry);
    Policy {
        min_retry,
        // A least that is said goes before a most that is not.
        max_retry: settings.max_retry.unwrap_or(usual.max_retry.max(min_retry)),
        max_age: settings.max_age.unwrap_or(usual.max_age),
        delay_notice: usual.delay_notice,
    }
}

/// How much is handed in, and taken over: the same for both sides, and for
/// every user, so only the file of the system counts.
pub(super) fn limits_of_drop(settings: &QueueSettings) -> Limits {
    settings.of_system.as_deref().map(limits).unwrap_or_default()
}

pub(super) fn limits(settings: &QueueSettings) -> Limits {
    let usual = Limits::default();
    Limits {
        max_message: settings.max_message.unwrap_or(usual.max_message),
        max_total: settings.max_total.unwrap_or(usual.max_total),
        keep_free: settings.keep_free.unwrap_or(usual.keep_free),
    }
}

fn unusable(error: FolderError) -> Failure {
    let (exit, hint) = match &error {
        FolderError::Io { .. } | FolderError::Missing(_) => (Exit::CantCreat, None),
        FolderError::Foreign { .. } => (Exit::NoPerm, None),
        FolderError::Open { path, .. } => {
            (Exit::NoPerm, Some(format!("chmod 700 {}", quoted(path))))
        }
        FolderError::LooseParent { path, .. } => {
            (Exit::NoPerm, Some(format!("chmod go-w {}", quoted(path))))
        }
    };
    let failure = Failure::new(exit, error);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure.hint("name another one: directory = \"…\" in [queue]"),
    }
}
