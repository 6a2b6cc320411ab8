//! One process at a time renews the tokens of a login: the issuer may take the
//! second use of a refresh token for theft (RFC 6749 §10.4).

use super::error::OAuthError;
use super::issuer::Issuer;
use super::store::{Shelf, TokenStore};
use super::web::Web;
use crate::account::environment::Environment;
use crate::message::hexadecimal;
use crate::net::{Deadline, Stopwatch};
use ring::digest::{SHA256, digest};
use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What nobody else has as long as this lives.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits until nobody else has it.
    pub(super) fn take(shelf: &Shelf<'_>, web: &Web) -> Result<Self, OAuthError> {
        let path = path(shelf)?;
        let file = open(&path)?;
        let since = Stopwatch::start();
        let until = Deadline::after(PATIENCE);
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Lock { _file: file }),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(source)) => {
                    return Err(OAuthError::File { doing: "lock", file: path, source });
                }
            }
            if !web.pause(STEP, until)? {
                return Err(OAuthError::Locked { after: since.elapsed() });
            }
        }
    }
}

fn open(path: &Path) -> Result<File, OAuthError> {
    let unopened = |source| OAuthError::File { doing: "lock", file: path.to_owned(), source };
    if let Some(directory) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(unopened)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    options.open(path).map_err(unopened)
}

/// Beside a file of tokens, where everybody finds it who shares them; else in
/// the directory for what programs remember.
fn path(shelf: &Shelf<'_>) -> Result<PathBuf, OAuthError> {
    match shelf.store {
        TokenStore::File(path) => {
            let mut name = OsString::from(path);
            name.push(".lock");
            Ok(name.into())
        }
        TokenStore::Keyring => in_state(shelf.issuer, shelf.user, shelf.world.environment),
    }
}

fn in_state(issuer: &Issuer, user: &str, environment: &Environment) -> Result<PathBuf, OAuthError> {
    let state = environment.directory("XDG_STATE_HOME", ".local/state");
    let state = state.ok_or(OAuthError::NoState)?;
    let whose = format!("{}\0{user}", issuer.place());
    let name = hexadecimal(&digest(&SHA256, whose.as_bytes()).as_ref()[..8]);
    Ok(state.join("envoi/oauth2").join(format!("{name}.lock")))
}

/// Longer than a renewal takes, with the second try where the issuer is busy.
const PATIENCE: Duration = Duration::from_secs(75);

/// How often it is looked whether somebody else has come to his end.
const STEP: Duration = Duration::from_millis(20);
