//! Where a secret is kept, and how it is fetched from there.

mod command;

use super::environment::Environment;
use super::private_file;
use crate::sasl::Secret;
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::str::FromStr;
use std::time::Duration;
use zeroize::Zeroizing;

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// Written down in a configuration file that nobody else can read.
    Value(Secret),
    /// The value of an environment variable.
    Env(String),
    /// The first line of a file that holds only a secret.
    File(PathBuf),
    /// The first line that a program writes. No shell is involved.
    Command(Vec<String>),
    /// The first line that an open file descriptor gives.
    Fd(u32),
    /// A systemd credential: a file below `$CREDENTIALS_DIRECTORY`.
    Credential(String),
    /// The user is asked.
    Prompt,
}

/// What fetching a secret may make use of.
#[derive(Clone, Copy)]
pub struct World<'w> {
    /// Variables.
    pub environment: &'w Environment,
    /// Asks the user at the terminal, without echo. It is given the question
    /// with its final blank. A process without a terminal has an error to
    /// return here.
    pub ask: &'w dyn Fn(&str) -> io::Result<Secret>,
}

/// Why a text is not a SOURCE. It never repeats the text, which may be a
/// password that was typed in the wrong place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// None of the known words.
    #[error("a source of secrets is one of {known}", known = KNOWN.join(", "))]
    Unknown,
    /// Nothing after the colon.
    #[error("nothing stands after the colon")]
    Empty,
    /// `fd:` without a number.
    #[error("a number stands after fd:")]
    Fd,
    /// Unbalanced quotation marks in a command.
    #[error("the quotation marks of the command are unbalanced")]
    Quotes,
}

/// Why a secret could not be had. It never holds the secret or a part of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The environment variable is not set, or set to nothing.
    #[error("the environment variable {0} is not set")]
    NotSet(String),
    /// A file or a file descriptor cannot be read.
    #[error("cannot read {what}")]
    Unreadable {
        /// The path, or which descriptor.
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
        fault: private_file::Fault,
    },
    /// Nothing on the first line.
    #[error("{what} is empty")]
    Empty {
        /// What was read.
        what: String,
    },
    /// More than 64 KiB.
    #[error("{what} is longer than 64 KiB, which no password is")]
    TooLong {
        /// What was read.
        what: String,
    },
    /// `$CREDENTIALS_DIRECTORY` is not set.
    #[error("there is no credential ‘{name}’: CREDENTIALS_DIRECTORY is not set")]
    NoCredentials {
        /// Its name.
        name: String,
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
    #[error("‘{program}’ gave no password: {status}{colon}{said}", colon = if .said.is_empty() { "" } else { ": " })]
    Failed {
        /// Its first word.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// The first line it wrote on stderr, as it came.
        said: String,
    },
    /// The program took too long and was ended.
    #[error("‘{program}’ gave no password within {} s", .limit.as_secs())]
    TooSlow {
        /// Its first word.
        program: String,
        /// How long it was given.
        limit: Duration,
    },
    /// There is nobody to ask.
    #[error("cannot ask for the password")]
    NotAsked(#[source] io::Error),
}

/// The forms of SOURCE, for help texts and errors.
pub const KNOWN: &[&str] =
    &["env:NAME", "file:PATH", "command:WORDS", "fd:N", "credential:NAME", "prompt"];

impl FromStr for SecretSource {
    type Err = SourceError;

    /// Takes the forms of [`KNOWN`]. The words of a command are split as a
    /// shell would, but nothing in them is expanded.
    fn from_str(text: &str) -> Result<Self, SourceError> {
        if text == "prompt" {
            return Ok(SecretSource::Prompt);
        }
        let (kind, rest) = text.split_once(':').ok_or(SourceError::Unknown)?;
        let source = match kind {
            "env" => SecretSource::Env(rest.to_owned()),
            "file" => SecretSource::File(rest.into()),
            "command" => {
                SecretSource::Command(shell_words::split(rest).map_err(|_| SourceError::Quotes)?)
            }
            "fd" => SecretSource::Fd(rest.parse().map_err(|_| SourceError::Fd)?),
            "credential" => SecretSource::Credential(rest.to_owned()),
            _ => return Err(SourceError::Unknown),
        };
        if rest.trim().is_empty() { Err(SourceError::Empty) } else { Ok(source) }
    }
}

impl fmt::Display for SecretSource {
    /// Where, never what; of a command only the program, since the words after
    /// it may tell too much.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SecretSource::Value(_) => f.write_str("the configuration file"),
            SecretSource::Env(name) => write!(f, "env:{name}"),
            SecretSource::File(path) => write!(f, "file:{}", path.display()),
            SecretSource::Command(words) => write!(f, "command:{}", program(words)),
            SecretSource::Fd(number) => write!(f, "fd:{number}"),
            SecretSource::Credential(name) => write!(f, "credential:{name}"),
            SecretSource::Prompt => f.write_str("prompt"),
        }
    }
}

impl SecretSource {
    /// Fetches the secret. `whose` completes the question "Password for …: ".
    pub fn read(&self, whose: &str, world: World<'_>) -> Result<Secret, SecretError> {
        match self {
            SecretSource::Value(secret) => Ok(secret.clone()),
            SecretSource::Env(name) => from_variable(name, world.environment),
            SecretSource::File(path) => from_file(path),
            SecretSource::Command(words) => command::run(words, world.environment, command::LIMIT),
            SecretSource::Fd(number) => from_descriptor(*number),
            SecretSource::Credential(name) => from_credential(name, world.environment),
            SecretSource::Prompt => from_user(whose, world),
        }
    }

    /// True when fetching the secret takes standard input away from others.
    pub fn reads_stdin(&self) -> bool {
        *self == SecretSource::Fd(0)
    }
}

fn from_variable(name: &str, environment: &Environment) -> Result<Secret, SecretError> {
    let value = environment.get(name).ok_or_else(|| SecretError::NotSet(name.to_owned()))?;
    // Orchestrators put whole files into variables, line end included.
    first_line(value.as_encoded_bytes(), &format!("the environment variable {name}"))
}

fn from_file(path: &Path) -> Result<Secret, SecretError> {
    let what = path.display().to_string();
    let unreadable = |source| SecretError::Unreadable { what: what.clone(), source };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    if let Some(fault) = private_file::holding_only_a_secret(&file).map_err(unreadable)? {
        return Err(SecretError::Exposed { file: path.to_owned(), fault });
    }
    first_line(file, &what)
}

fn from_descriptor(number: u32) -> Result<Secret, SecretError> {
    let what = format!("file descriptor {number}");
    if number == 0 {
        return first_line(io::stdin().lock(), &what);
    }
    // std takes a bare number only in unsafe code; this opens the same pipe or
    // file once more.
    match std::fs::File::open(format!("/proc/self/fd/{number}")) {
        Ok(file) => first_line(file, &what),
        Err(source) => Err(SecretError::Unreadable { what, source }),
    }
}

fn from_credential(name: &str, environment: &Environment) -> Result<Secret, SecretError> {
    if name.contains('/') || matches!(name, "" | "." | "..") {
        return Err(SecretError::CredentialName { name: name.to_owned() });
    }
    match environment.get("CREDENTIALS_DIRECTORY") {
        Some(directory) => from_file(&PathBuf::from(directory).join(name)),
        None => Err(SecretError::NoCredentials { name: name.to_owned() }),
    }
}

fn from_user(whose: &str, world: World<'_>) -> Result<Secret, SecretError> {
    let secret = (world.ask)(&format!("Password for {whose}: ")).map_err(SecretError::NotAsked)?;
    if secret.is_empty() {
        return Err(SecretError::Empty { what: "the password".to_owned() });
    }
    Ok(secret)
}

/// Takes the first line, without its line end, of what is at most 64 KiB long.
fn first_line(source: impl Read, what: &str) -> Result<Secret, SecretError> {
    // The room is made beforehand, so that no copy stays behind in memory that
    // was given back while growing.
    let mut octets = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
    source
        .take(LONGEST as u64 + 1)
        .read_to_end(&mut octets)
        .map_err(|source| SecretError::Unreadable { what: what.to_owned(), source })?;
    if octets.len() > LONGEST {
        return Err(SecretError::TooLong { what: what.to_owned() });
    }
    let line = octets.split(|&octet| octet == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() {
        return Err(SecretError::Empty { what: what.to_owned() });
    }
    Ok(Secret::new(line))
}

fn program(words: &[String]) -> &str {
    words.first().map_or("", String::as_str)
}

const LONGEST: usize = 64 * 1024;

#[cfg(test)]
mod tests;
