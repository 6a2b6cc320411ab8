//! Whether a source looks as if it had a secret, without fetching it.

use super::environment::Environment;
use super::oauth::{OAuth2, TokenStore};
use super::private_file::{Fault, holding_configuration, holding_only_a_secret};
use super::secret::{SecretSource, is_credential, keyring_program, netrc_file};
use rustix::fs::{Access, access};
use std::fs::{File, metadata};
use std::io;
use std::path::{Path, PathBuf};

/// Why a source will give no secret, as far as that shows from outside.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unusable {
    /// The environment variable is not set, or set to nothing.
    #[error("the environment variable {0} is not set")]
    NotSet(String),
    /// A file is missing, forbidden, or a directory.
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
        fault: Fault,
    },
    /// A file without content.
    #[error("{file} is empty", file = .file.display())]
    Empty {
        /// The path.
        file: PathBuf,
    },
    /// No such program that may be run.
    #[error("there is no program ‘{program}’{}", in_path(.program))]
    NoProgram {
        /// The first word of the command.
        program: String,
    },
    /// A credential's name with a slash, or `.` or `..`.
    #[error("‘{name}’ is not the name of a credential")]
    CredentialName {
        /// As written.
        name: String,
    },
    /// `$CREDENTIALS_DIRECTORY` is not set.
    #[error("there is no credential ‘{name}’: CREDENTIALS_DIRECTORY is not set")]
    NoCredentials {
        /// Its name.
        name: String,
    },
    /// Nothing says which client asks for tokens.
    #[error("nothing says by which client-id {issuer} knows this client")]
    NoClient {
        /// Who issues tokens.
        issuer: String,
    },
    /// There are no tokens.
    #[error("there was no login at {issuer} yet")]
    NoLogin {
        /// Who issues tokens.
        issuer: String,
    },
    /// Neither `NETRC` nor `HOME` is set.
    #[error("there is no netrc file: neither NETRC nor HOME is set")]
    NoNetrc,
}

impl OAuth2 {
    /// What fetching a token would meet, likewise.
    pub fn look(&self, environment: &Environment) -> Result<(), Unusable> {
        if self.client_id.is_none() {
            return Err(Unusable::NoClient { issuer: self.issuer.to_string() });
        }
        match &self.store {
            TokenStore::Keyring => SecretSource::Keyring.look(environment),
            TokenStore::File(path) if !path.exists() => {
                Err(Unusable::NoLogin { issuer: self.issuer.to_string() })
            }
            TokenStore::File(path) => SecretSource::File(path.clone()).look(environment),
        }
    }
}

impl SecretSource {
    /// What fetching the secret would meet, as far as it can be told without
    /// reading a file, running a program or asking anybody.
    pub fn look(&self, environment: &Environment) -> Result<(), Unusable> {
        match self {
            SecretSource::Value(_) | SecretSource::Prompt => Ok(()),
            SecretSource::Env(name) if environment.has(name) => Ok(()),
            SecretSource::Env(name) => Err(Unusable::NotSet(name.clone())),
            SecretSource::File(path) => at_file(path, holding_only_a_secret),
            SecretSource::Command(words) => {
                at_program(words.first().map_or("", String::as_str), environment)
            }
            SecretSource::Fd(number) => at_descriptor(*number),
            SecretSource::Credential(name) if !is_credential(name) => {
                Err(Unusable::CredentialName { name: name.clone() })
            }
            SecretSource::Credential(name) => match environment.get("CREDENTIALS_DIRECTORY") {
                Some(directory) => {
                    at_file(&PathBuf::from(directory).join(name), holding_only_a_secret)
                }
                None => Err(Unusable::NoCredentials { name: name.clone() }),
            },
            SecretSource::Keyring => at_program(keyring_program(), environment),
            SecretSource::Netrc(named) => match netrc_file(named.as_deref(), environment) {
                Some(path) => at_file(&path, holding_configuration),
                None => Err(Unusable::NoNetrc),
            },
        }
    }
}

fn at_file(
    path: &Path,
    fault: impl Fn(&File) -> io::Result<Option<Fault>>,
) -> Result<(), Unusable> {
    let unreadable = |source| Unusable::Unreadable { what: path.display().to_string(), source };
    let facts = metadata(path).map_err(unreadable)?;
    if facts.is_dir() {
        return Err(unreadable(io::ErrorKind::IsADirectory.into()));
    }
    if !facts.is_file() {
        // Opening a pipe would wait for who writes into it.
        return Ok(());
    }
    let file = File::open(path).map_err(unreadable)?;
    match fault(&file).map_err(unreadable)? {
        Some(fault) => Err(Unusable::Exposed { file: path.to_owned(), fault }),
        None if facts.len() == 0 => Err(Unusable::Empty { file: path.to_owned() }),
        None => Ok(()),
    }
}

fn at_descriptor(number: u32) -> Result<(), Unusable> {
    let unreadable =
        |source| Unusable::Unreadable { what: format!("file descriptor {number}"), source };
    metadata(format!("/proc/self/fd/{number}")).map(drop).map_err(unreadable)
}

/// Looks where execvp(3) would.
fn at_program(program: &str, environment: &Environment) -> Result<(), Unusable> {
    let runs = |path: &Path| path.is_file() && access(path, Access::EXEC_OK).is_ok();
    let found = if program.contains('/') {
        runs(Path::new(program))
    } else {
        let path = environment.get("PATH").unwrap_or_else(|| "/bin:/usr/bin".into());
        std::env::split_paths(&path).any(|directory| runs(&directory.join(program)))
    };
    if found { Ok(()) } else { Err(Unusable::NoProgram { program: program.to_owned() }) }
}

fn in_path(program: &str) -> &'static str {
    if program.contains('/') { " that may be run" } else { " in PATH" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{Permissions, set_permissions, write};
    use std::os::unix::fs::PermissionsExt;

    fn words(program: &Path) -> SecretSource {
        SecretSource::Command(vec![program.to_str().unwrap().to_owned(), "show".to_owned()])
    }

    #[test]
    fn a_file_is_looked_at_as_if_it_were_to_be_read() {
        // SEC-9
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        let look = || SecretSource::File(path.clone()).look(&Environment::from([("A", "a")]));
        assert!(matches!(look(), Err(Unusable::Unreadable { .. })));
        write(&path, "").unwrap();
        set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(look(), Err(Unusable::Empty { .. })));
        write(&path, "correct-horse\n").unwrap();
        assert!(look().is_ok());
        set_permissions(&path, Permissions::from_mode(0o622)).unwrap();
        assert!(matches!(look(), Err(Unusable::Exposed { fault: Fault::Mode(0o622), .. })));
        let source = SecretSource::File(directory.path().to_owned());
        let error = source.look(&Environment::from([("A", "a")])).unwrap_err();
        assert!(matches!(error, Unusable::Unreadable { .. }), "{error}");
    }

    #[test]
    fn a_program_is_found_and_not_run() {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("pass");
        let ran = directory.path().join("ran");
        write(&program, format!("#!/bin/sh\ntouch {}\n", ran.display())).unwrap();
        let path = directory.path().to_str().unwrap();
        let environment = Environment::from([("PATH", format!("/nowhere:{path}"))]);
        for source in [words(&program), words(Path::new("pass"))] {
            set_permissions(&program, Permissions::from_mode(0o600)).unwrap();
            assert!(matches!(source.look(&environment), Err(Unusable::NoProgram { .. })));
            set_permissions(&program, Permissions::from_mode(0o700)).unwrap();
            assert!(source.look(&environment).is_ok());
        }
        let elsewhere = Environment::from([("PATH", "/nowhere")]);
        let error = words(Path::new("pass")).look(&elsewhere).unwrap_err();
        assert_eq!(error.to_string(), "there is no program ‘pass’ in PATH");
        assert!(!ran.exists());
    }

    #[test]
    fn a_netrc_file_and_the_program_of_the_keyring_are_looked_for() {
        // SEC-9
        let directory = tempfile::tempdir().unwrap();
        let home = directory.path().to_str().unwrap();
        let environment = Environment::from([("HOME", home), ("PATH", home)]);
        let netrc = directory.path().join(".netrc");
        let error = SecretSource::Netrc(None).look(&environment).unwrap_err();
        assert!(matches!(error, Unusable::Unreadable { .. }), "{error}");
        write(&netrc, "default password p").unwrap();
        set_permissions(&netrc, Permissions::from_mode(0o640)).unwrap();
        let error = SecretSource::Netrc(None).look(&environment).unwrap_err();
        assert!(matches!(error, Unusable::Exposed { .. }), "{error}");
        set_permissions(&netrc, Permissions::from_mode(0o600)).unwrap();
        assert!(SecretSource::Netrc(None).look(&environment).is_ok());
        let error = SecretSource::Netrc(None).look(&Environment::from([("A", "a")])).unwrap_err();
        assert!(matches!(error, Unusable::NoNetrc), "{error}");
        let error = SecretSource::Keyring.look(&environment).unwrap_err();
        assert!(matches!(error, Unusable::NoProgram { .. }), "{error}");
    }

    #[test]
    fn variables_credentials_and_descriptors_are_looked_for() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mail");
        write(&path, "p").unwrap();
        set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let environment = Environment::from([
            ("P", "correct-horse"),
            ("CREDENTIALS_DIRECTORY", directory.path().to_str().unwrap()),
        ]);
        let bare = Environment::from([("P", "")]);
        for source in ["env:P", "credential:mail"] {
            let source: SecretSource = source.parse().unwrap();
            assert!(source.look(&environment).is_ok(), "{source}");
            assert!(source.look(&bare).is_err(), "{source}");
        }
        let elsewhere = SecretSource::Credential(format!("../{}", path.display()));
        let error = elsewhere.look(&environment).unwrap_err();
        assert!(matches!(error, Unusable::CredentialName { .. }), "{error}");
        assert!(SecretSource::Prompt.look(&bare).is_ok());
        assert!(SecretSource::Fd(0).look(&bare).is_ok());
        assert!(SecretSource::Fd(987_654).look(&bare).is_err());
    }
}
