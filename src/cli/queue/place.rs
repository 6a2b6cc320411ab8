//! Which queue is whose, and how it is opened.

use crate::account::{Environment, QueueSettings};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::queue::{Folder, FolderError, Limits, Policy, Queue};
use std::path::{Path, PathBuf};

/// The queue of the whole system, for who may use it.
const SYSTEM: &str = "/var/spool/envoi/queue";

/// Where the queue of this user is: as configured, that of the system for root
/// where there is one, else below the user's state directory. `None` without a
/// home directory.
pub(super) fn directory(settings: &QueueSettings, environment: &Environment) -> Option<PathBuf> {
    let of_system = || {
        let is_root = rustix::process::geteuid().is_root();
        (is_root && Path::new(SYSTEM).is_dir()).then(|| PathBuf::from(SYSTEM))
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

fn policy(settings: &QueueSettings) -> Policy {
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

fn limits(settings: &QueueSettings) -> Limits {
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
            (Exit::NoPerm, Some(format!("chmod 700 {}", crate::cli::failure::quoted(path))))
        }
        FolderError::LooseParent { path, .. } => {
            (Exit::NoPerm, Some(format!("chmod go-w {}", crate::cli::failure::quoted(path))))
        }
    };
    let failure = Failure::new(exit, error);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure.hint("name another one: directory = \"…\" in [queue]"),
    }
}
