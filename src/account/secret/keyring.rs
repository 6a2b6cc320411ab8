//! The keyring of the desktop, through the platform's own program.

use super::command::{Ended, Unfinished, finish, has_terminal};
use super::wait::{Over, Wait};
use super::{Environment, LIMIT, Secret, SecretError, Whose, World, first_line};
use std::io;
use std::path::Path;
use std::time::Duration;
use zeroize::Zeroizing;

/// A kind of keyring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyring {
    /// The Secret Service of freedesktop.org, by `secret-tool` of libsecret.
    SecretService,
    /// The keychain of macOS, by `security`.
    Keychain,
}

impl Keyring {
    /// The one of this platform.
    pub(super) fn of_platform() -> Self {
        if cfg!(target_os = "macos") { Keyring::Keychain } else { Keyring::SecretService }
    }

    /// Asks for the password.
    pub(super) fn read(self, whose: Whose<'_>, world: World<'_>) -> Result<Secret, SecretError> {
        let environment = world.environment;
        if self == Keyring::SecretService && !may_have_a_bus(environment) {
            return Err(SecretError::NoSessionBus);
        }
        let wait = Wait::of(limit(environment, has_terminal()), world);
        let found = self.ask(&self.lookup(whose), &[], environment, &wait)?;
        if found.status.success() {
            return first_line(found.wrote(), "the password in the keyring");
        }
        match self.refusal(&found) {
            Refusal::Unreachable => Err(SecretError::KeyringUnreachable { said: found.said() }),
            Refusal::Locked => Err(SecretError::KeyringLocked),
            Refusal::NoEntry => Err(self.no_entry(whose)),
            Refusal::Silent => {
                // What is found without being opened is locked. The answer may
                // hold the password all the same, if somebody unlocks it now.
                let listed = self.ask(&search(whose), &[], environment, &wait)?;
                if listed.wrote().is_empty() {
                    Err(self.no_entry(whose))
                } else {
                    Err(SecretError::KeyringLocked)
                }
            }
        }
    }

    /// Puts a password away, in place of one that was there.
    pub(super) fn keep(
        self,
        whose: Whose<'_>,
        secret: &[u8],
        world: World<'_>,
    ) -> Result<(), SecretError> {
        match self {
            Keyring::SecretService => self.change(&self.store(whose), secret, world),
            Keyring::Keychain => {
                // What stands in argv others can read: `-i` reads commands.
                let words = &["add-internet-password", "-U"];
                let begin = [words, &keychain(whose)[..], &["-w"]].concat();
                let mut line = Zeroizing::new(shell_words::join(begin).into_bytes());
                line.reserve_exact(2 * secret.len() + 4);
                line.extend_from_slice(b" \"");
                for &octet in secret {
                    if matches!(octet, b'"' | b'\\') {
                        line.push(b'\\');
                    }
                    line.push(octet);
                }
                line.extend_from_slice(b"\"\n");
                if line.len() > LONGEST_LINE {
                    return Err(SecretError::TooLongForKeychain);
                }
                self.change(&words_of(&["security", "-i"], &[]), &line, world)
            }
        }
    }

    /// Removes a password.
    pub(super) fn forget(self, whose: Whose<'_>, world: World<'_>) -> Result<(), SecretError> {
        let words = match self {
            Keyring::SecretService => words_of(&["secret-tool", "clear", "--"], &attributes(whose)),
            Keyring::Keychain => {
                words_of(&["security", "delete-internet-password"], &keychain(whose))
            }
        };
        match self.change(&words, &[], world) {
            // There was none, or none that is not locked.
            Err(SecretError::KeyringUnreachable { said }) if said.is_empty() => Ok(()),
            done => done,
        }
    }

    fn change(self, words: &[String], input: &[u8], world: World<'_>) -> Result<(), SecretError> {
        let environment = world.environment;
        if self == Keyring::SecretService && !may_have_a_bus(environment) {
            return Err(SecretError::NoSessionBus);
        }
        let wait = Wait::of(limit(environment, has_terminal()), world);
        let ended = self.ask(words, input, environment, &wait)?;
        match self.refusal(&ended) {
            _ if ended.status.success() => Ok(()),
            Refusal::Locked => Err(SecretError::KeyringLocked),
            Refusal::NoEntry => Ok(()),
            Refusal::Silent | Refusal::Unreachable => {
                Err(SecretError::KeyringUnreachable { said: ended.said() })
            }
        }
    }

    /// The words that look the password up. The names of the attributes are
    /// those of msmtp, whose entries are found, too.
    pub(super) fn lookup(self, whose: Whose<'_>) -> Vec<String> {
        match self {
            // A user may begin with a hyphen.
            Keyring::SecretService => {
                words_of(&["secret-tool", "lookup", "--"], &attributes(whose))
            }
            Keyring::Keychain => words_of(
                &["security", "find-internet-password"],
                &[&keychain(whose)[..], &["-w"]].concat(),
            ),
        }
    }

    /// The words that store a password, which they ask for.
    pub(super) fn store(self, whose: Whose<'_>) -> Vec<String> {
        match self {
            Keyring::SecretService => {
                let end = if whose.user.starts_with('-') { &["--"][..] } else { &[] };
                let begin = [&["secret-tool", "store", "--label", "envoi"], end].concat();
                words_of(&begin, &attributes(whose))
            }
            Keyring::Keychain => words_of(
                &["security", "add-internet-password"],
                &[&keychain(whose)[..], &["-w"]].concat(),
            ),
        }
    }

    fn ask(
        self,
        words: &[String],
        input: &[u8],
        environment: &Environment,
        wait: &Wait<'_>,
    ) -> Result<Ended, SecretError> {
        finish(words, input, environment, wait).map_err(|unfinished| match unfinished {
            Unfinished::NotRun(source) if source.kind() == io::ErrorKind::NotFound => {
                SecretError::NoKeyringProgram { program: self.program() }
            }
            Unfinished::NotRun(source) => {
                SecretError::NotRun { program: self.program().to_owned(), source }
            }
            Unfinished::TooMuch => {
                SecretError::TooLong { what: "the password in the keyring".to_owned() }
            }
            Unfinished::Over(Over::Late(after)) => SecretError::KeyringSilent { after },
            Unfinished::Over(Over::Interrupted) => SecretError::Interrupted,
        })
    }

    /// Its program.
    pub(super) fn program(self) -> &'static str {
        match self {
            Keyring::SecretService => "secret-tool",
            Keyring::Keychain => "security",
        }
    }

    fn refusal(self, found: &Ended) -> Refusal {
        match (self, found.status.code()) {
            (Keyring::Keychain, Some(44)) => Refusal::NoEntry,
            (Keyring::Keychain, Some(36 | 51 | 128)) => Refusal::Locked,
            (Keyring::SecretService, Some(1)) if found.said().is_empty() => Refusal::Silent,
            (Keyring::Keychain | Keyring::SecretService, _) => Refusal::Unreachable,
        }
    }

    fn no_entry(self, whose: Whose<'_>) -> SecretError {
        SecretError::NotInKeyring {
            user: whose.user.to_owned(),
            host: whose.host.to_owned(),
            store: self.store(whose),
        }
    }
}

/// What a program means that gives no password.
enum Refusal {
    /// It could not ask.
    Unreachable,
    /// `security` ends with the last octet of an `OSStatus`: that the user may
    /// not be asked (-25308), gave a wrong passphrase (-25293), or gave none
    /// (-128).
    Locked,
    /// errSecItemNotFound (-25300) of `security`.
    NoEntry,
    /// `secret-tool` ends with 1 and says nothing both where there is no entry
    /// and where nobody unlocked it.
    Silent,
}

/// The words that tell whether there is an entry, locked or not.
fn search(whose: Whose<'_>) -> Vec<String> {
    words_of(&["secret-tool", "search", "--"], &attributes(whose))
}

fn attributes(whose: Whose<'_>) -> [&str; 6] {
    ["host", whose.host, "service", "smtp", "user", whose.user]
}

fn keychain(whose: Whose<'_>) -> [&str; 6] {
    ["-s", whose.host, "-a", whose.user, "-r", "smtp"]
}

fn words_of(begin: &[&str], rest: &[&str]) -> Vec<String> {
    begin.iter().chain(rest).map(|&word| word.to_owned()).collect()
}

/// Whether something says where the bus of the session is, over which the
/// Secret Service is asked: the variable, the usual place (D-Bus
/// Specification, "Well-known Message Bus Instances"), or a display on which
/// one is noted.
pub(super) fn may_have_a_bus(environment: &Environment) -> bool {
    let usual = || environment.get("XDG_RUNTIME_DIR").map(|at| Path::new(&at).join("bus"));
    environment.has("DBUS_SESSION_BUS_ADDRESS")
        || usual().is_some_and(|bus| bus.exists())
        || environment.has("DISPLAY")
}

/// A locked keyring waits for its passphrase; where nobody can be asked for
/// it, that is as good as never.
fn limit(environment: &Environment, has_terminal: bool) -> Duration {
    let has_display = environment.has("DISPLAY") || environment.has("WAYLAND_DISPLAY");
    if has_terminal || has_display { LIMIT } else { UNATTENDED }
}

/// The most octets of a line that `security -i` reads as one, with its end; it
/// takes the rest for another command.
const LONGEST_LINE: usize = 4095;

const UNATTENDED: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests;
