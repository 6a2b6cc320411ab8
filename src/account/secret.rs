//! Where a secret is kept, and how it is fetched from there.

mod command;
mod error;
mod file;
mod keep;
mod keyring;
mod netrc;
mod wait;

pub use error::SecretError;
pub(super) use file::is_credential;
pub use keep::Replaced;
pub(super) use netrc::path as netrc_file;

use super::environment::Environment;
use crate::net::{Deadline, Interrupt, Stopwatch};
use crate::sasl::Secret;
use command::program;
use keyring::Keyring;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use wait::Wait;
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
    /// The keyring of the desktop, by the platform's own program.
    Keyring,
    /// An entry of this netrc file, or of that of the user.
    Netrc(Option<PathBuf>),
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
    /// return here, and one that asked until the deadline `TimedOut`.
    pub ask: &'w dyn Fn(&str) -> io::Result<Secret>,
    /// The user's wish to stop.
    pub interrupt: &'w Interrupt,
    /// The cap of each wait.
    pub timeout: Option<Duration>,
    /// When everything must be over.
    pub deadline: Option<Deadline>,
}

/// Whose secret is wanted.
#[derive(Clone, Copy)]
pub struct Whose<'w> {
    /// Who signs in.
    pub user: &'w str,
    /// The server's name, or its address without brackets.
    pub host: &'w str,
}

impl fmt::Display for Whose<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.user, self.host)
    }
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

/// The forms of SOURCE, for help texts and errors.
pub const KNOWN: &[&str] = &[
    "env:NAME",
    "file:PATH",
    "command:WORDS",
    "fd:N",
    "credential:NAME",
    "keyring",
    "netrc",
    "netrc:PATH",
    "prompt",
];

impl FromStr for SecretSource {
    type Err = SourceError;

    /// Takes the forms of [`KNOWN`]. The words of a command are split as a
    /// shell would, but nothing in them is expanded.
    fn from_str(text: &str) -> Result<Self, SourceError> {
        match text {
            "keyring" => return Ok(SecretSource::Keyring),
            "netrc" => return Ok(SecretSource::Netrc(None)),
            "prompt" => return Ok(SecretSource::Prompt),
            _ => {}
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
            "netrc" => SecretSource::Netrc(Some(rest.into())),
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
            SecretSource::Keyring => f.write_str("keyring"),
            SecretSource::Netrc(None) => f.write_str("netrc"),
            SecretSource::Netrc(Some(path)) => write!(f, "netrc:{}", path.display()),
            SecretSource::Prompt => f.write_str("prompt"),
        }
    }
}

impl SecretSource {
    /// Fetches the secret.
    pub fn read(&self, whose: Whose<'_>, world: World<'_>) -> Result<Secret, SecretError> {
        let environment = world.environment;
        let wait = Wait::of(LIMIT, world);
        match self {
            SecretSource::Value(secret) => Ok(secret.clone()),
            SecretSource::Env(name) => from_variable(name, environment),
            SecretSource::File(path) => file::from_file(path, &wait),
            SecretSource::Command(words) => command::run(words, environment, &wait),
            SecretSource::Fd(number) => file::from_descriptor(*number, &wait),
            SecretSource::Credential(name) => file::from_credential(name, environment, &wait),
            SecretSource::Keyring => Keyring::of_platform().read(whose, world),
            SecretSource::Netrc(path) => netrc::read(path.as_deref(), whose, environment, &wait),
            SecretSource::Prompt => from_user(whose, world),
        }
    }

    /// True when there is another secret for another user or host.
    pub fn depends_on_whose(&self) -> bool {
        matches!(self, SecretSource::Keyring | SecretSource::Netrc(_) | SecretSource::Prompt)
    }

    /// True when fetching the secret takes standard input away from others.
    pub fn reads_stdin(&self) -> bool {
        *self == SecretSource::Fd(0)
    }
}

fn from_variable(name: &str, environment: &Environment) -> Result<Secret, SecretError> {
    let value = environment.secret(name).ok_or_else(|| SecretError::NotSet(name.to_owned()))?;
    // Orchestrators put whole files into variables, line end included.
    first_line(&value, &format!("the environment variable {name}"))
}

fn from_user(whose: Whose<'_>, world: World<'_>) -> Result<Secret, SecretError> {
    let since = Stopwatch::start();
    let typed = (world.ask)(&format!("Password for {whose}: "));
    let secret = typed.map_err(|error| match error.kind() {
        io::ErrorKind::TimedOut => {
            SecretError::Silent { what: "the terminal".to_owned(), after: since.elapsed() }
        }
        _ => SecretError::NotAsked(error),
    })?;
    if secret.is_empty() {
        return Err(SecretError::Empty { what: "the password".to_owned() });
    }
    Ok(secret)
}

/// Whether there looks to be a keyring that could be asked.
pub(super) fn keyring_is_near(environment: &Environment) -> bool {
    keyring::may_have_a_bus(environment) && SecretSource::Keyring.look(environment).is_ok()
}

/// The program that asks the keyring of this platform.
pub(super) fn keyring_program() -> &'static str {
    Keyring::of_platform().program()
}

/// The first line that a program writes, for a file that has it compute some of
/// its lines.
pub(super) fn computed(
    words: &[String],
    world: World<'_>,
) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    command::line(words, world.environment, &Wait::of(LIMIT, world))
}

/// Takes the first line, without its line end.
fn first_line(octets: &[u8], what: &str) -> Result<Secret, SecretError> {
    let text = octets.strip_prefix(BOM).unwrap_or(octets);
    let line = text.split(|&octet| octet == b'\n').next().unwrap_or_default();
    fit(line.strip_suffix(b"\r").unwrap_or(line), what)
}

/// Takes octets that can be a secret.
fn fit(octets: &[u8], what: &str) -> Result<Secret, SecretError> {
    if octets.is_empty() {
        Err(SecretError::Empty { what: what.to_owned() })
    } else if octets.iter().any(|octet| b"\0\r\n".contains(octet)) {
        Err(SecretError::NoText { what: what.to_owned() })
    } else {
        Ok(Secret::new(octets))
    }
}

/// What some editors put at the beginning of a text. No password begins so:
/// `SASLprep` maps the character to nothing (RFC 4013 §2.1).
const BOM: &[u8] = "\u{feff}".as_bytes();

/// The most that is read, and how long it is waited for.
const LONGEST: usize = 64 * 1024;
const LIMIT: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;
