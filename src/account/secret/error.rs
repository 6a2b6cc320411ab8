//! Why a secret could not be had.

use crate::account::private_file::Fault;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

/// Why a secret could not be had. It never holds the secret or a part of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The environment variable is not set, or set to nothing.
    #[error("the environment variable {0} is not set")]
    NotSet(String),
    /// A file cannot be read.
    #[error("cannot read {file}", file = .file.display())]
    UnreadableFile {
        /// The path.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something without a name cannot be read.
    #[error("cannot read {what}")]
    Unreadable {
        /// Which descriptor.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// A file that people could read or write who should not.
    #[error("{file} is not safe to take a secret from: {fault}", file = .file.display())]
    Exposed {
        /// The path.
        file: PathBuf,
        /// What is wrong with it.
        fault: Fault,
    },
    /// Nobody wrote into a pipe in time.
    #[error("nothing came from {what} within {} s", .after.as_secs())]
    Silent {
        /// The path, or which descriptor.
        what: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// Nothing on the first line.
    #[error("{what} is empty")]
    Empty {
        /// What was read.
        what: String,
    },
    /// More than 64 KiB.
    #[error("{what} is longer than 64 KiB")]
    TooLong {
        /// What was read.
        what: String,
    },
    /// What is to be kept is more than the program for the keychain takes in one
    /// line.
    #[error(
        "the keychain takes no secret this long: ‘security’ reads lines of at most 4095 octets"
    )]
    TooLongForKeychain,
    /// A secret with NUL, CR or LF in it: the file is in another encoding, or
    /// no text.
    #[error("{what} has a NUL or a line end within, which no password has")]
    NoText {
        /// What was read.
        what: String,
    },
    /// There is no such credential.
    #[error("there is no credential ‘{name}’: {why}")]
    NoCredential {
        /// Its name.
        name: String,
        /// A clause.
        why: &'static str,
    },
    /// A credential's name with a slash, or `.` or `..`.
    #[error("‘{name}’ is not the name of a credential")]
    CredentialName {
        /// As written.
        name: String,
    },
    /// The program could not be started.
    #[error("cannot run ‘{program}’ for the password")]
    NotRun {
        /// Its first word.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// The program failed.
    #[error("‘{program}’ gave no password: {status}{}", after_colon(.said))]
    Failed {
        /// Its first word.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// The first line it wrote on stderr, as it came.
        said: String,
    },
    /// The program took too long and was ended.
    #[error("‘{program}’ gave no password within {} s", .after.as_secs())]
    TooSlow {
        /// Its first word.
        program: String,
        /// How long it was given.
        after: Duration,
    },
    /// The program that asks the keyring is not installed.
    #[error("the keyring cannot be asked: ‘{program}’ is not installed")]
    NoKeyringProgram {
        /// Its name.
        program: &'static str,
    },
    /// Nothing says where the session's bus is, on which the keyring listens.
    #[error("the keyring cannot be asked: there is no session bus, as under cron")]
    NoSessionBus,
    /// The program could not ask the keyring.
    #[error("the keyring cannot be asked{}", after_colon(.said))]
    KeyringUnreachable {
        /// The first line it wrote on stderr, as it came.
        said: String,
    },
    /// The keyring has the entry, and nobody unlocked it.
    #[error("the keyring is locked")]
    KeyringLocked,
    /// The keyring said nothing in time. It may be waiting for a passphrase.
    #[error("the keyring gave no answer within {} s: it is locked, or stuck", .after.as_secs())]
    KeyringSilent {
        /// How long it was waited for.
        after: Duration,
    },
    /// The keyring has no such entry.
    #[error("the keyring has no password for {user} at {host}")]
    NotInKeyring {
        /// Who signs in.
        user: String,
        /// Where.
        host: String,
        /// The words of a command that makes the entry.
        store: Vec<String>,
    },
    /// Neither `NETRC` nor `HOME` is set.
    #[error("there is no netrc file: neither NETRC nor HOME is set")]
    NoNetrc,
    /// A netrc file that is not of its form.
    #[error("{file}:{line}: {reason}", file = .file.display())]
    Netrc {
        /// The path.
        file: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong there. What stands there may be a password.
        reason: &'static str,
    },
    /// A netrc file without such an entry.
    #[error("{file} has no password for {user} at {host}", file = .file.display())]
    NotInNetrc {
        /// The path.
        file: PathBuf,
        /// Who signs in.
        user: String,
        /// Where.
        host: String,
    },
    /// A source that secrets cannot be put into.
    #[error("a secret cannot be kept in {place}; only in the keyring or in a file")]
    NotAPlace {
        /// The source.
        place: String,
    },
    /// The file has more in it than a secret, and stays as it is.
    #[error("{file} holds something else than a secret", file = .file.display())]
    OtherContent {
        /// The file.
        file: PathBuf,
    },
    /// The file of a secret could not be written.
    #[error("cannot write {file}", file = .file.display())]
    Unwritten {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is nobody to ask.
    #[error("cannot ask for the password")]
    NotAsked(#[source] io::Error),
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}

impl SecretError {
    /// True where the same attempt may go well later, with nothing set right
    /// before.
    pub fn is_temporary(&self) -> bool {
        match self {
            SecretError::Silent { .. }
            | SecretError::TooSlow { .. }
            | SecretError::KeyringLocked
            | SecretError::KeyringSilent { .. }
            | SecretError::Interrupted => true,
            // Somebody ended it, or the machine had no memory left.
            SecretError::Failed { status, .. } => status.signal().is_some(),
            SecretError::NotRun { source, .. }
            | SecretError::UnreadableFile { source, .. }
            | SecretError::Unreadable { source, .. }
            | SecretError::Unwritten { source, .. } => is_shortage(source),
            SecretError::NotSet(_)
            | SecretError::Exposed { .. }
            | SecretError::Empty { .. }
            | SecretError::TooLong { .. }
            | SecretError::TooLongForKeychain
            | SecretError::NoText { .. }
            | SecretError::NoCredential { .. }
            | SecretError::CredentialName { .. }
            | SecretError::NoKeyringProgram { .. }
            | SecretError::NoSessionBus
            | SecretError::KeyringUnreachable { .. }
            | SecretError::NotInKeyring { .. }
            | SecretError::NoNetrc
            | SecretError::Netrc { .. }
            | SecretError::NotInNetrc { .. }
            | SecretError::NotAPlace { .. }
            | SecretError::OtherContent { .. }
            | SecretError::NotAsked(_) => false,
        }
    }
}

/// What a machine says that is short of processes, memory or open files, or
/// whose disk fails at the moment.
fn is_shortage(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(
        errno,
        Some(Errno::AGAIN | Errno::NOMEM | Errno::MFILE | Errno::NFILE | Errno::IO | Errno::STALE)
    )
}

fn after_colon(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(": {said}") }
}
