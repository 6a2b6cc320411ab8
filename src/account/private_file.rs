//! Who may read and write a file that holds a secret. The questions are asked
//! of the opened file, so that nobody can exchange it in between.

use std::fmt;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;

/// What is wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It belongs to this user, who is neither us nor root.
    Owner(u32),
    /// Its permission bits let in those who should stay outside.
    Mode(u32),
}

impl fmt::Display for Fault {
    /// Fits after a colon.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Owner(uid) => write!(f, "it belongs to the user with the number {uid}"),
            Fault::Mode(mode) if mode & 0o022 != 0 => {
                write!(f, "other users can write to it (mode {mode:04o})")
            }
            Fault::Mode(mode) => write!(f, "other users can read it (mode {mode:04o})"),
        }
    }
}

/// A configuration file with a secret in it: ours or root's, and closed to
/// everybody else (checklist SEC-9).
pub(super) fn holding_configuration(file: &File) -> io::Result<Option<Fault>> {
    let facts = file.metadata()?;
    Ok(owner_fault(&facts).or_else(|| mode_fault(&facts, 0o077)))
}

/// A private key: ours or root's, and closed to everybody else (checklist
/// DKIM-key).
pub(super) fn holding_a_key(file: &File) -> io::Result<Option<Fault>> {
    holding_configuration(file)
}

/// A file with a secret and nothing else: ours or root's, and writable to
/// nobody else. Docker and Kubernetes mount such files as root's and readable
/// to all, hence the one exception.
pub(super) fn holding_only_a_secret(file: &File) -> io::Result<Option<Fault>> {
    let facts = file.metadata()?;
    let forbidden = if facts.uid() == ROOT { 0o022 } else { 0o026 };
    Ok(owner_fault(&facts).or_else(|| mode_fault(&facts, forbidden)))
}

fn owner_fault(facts: &Metadata) -> Option<Fault> {
    let owner = facts.uid();
    let trusted = owner == ROOT || owner == rustix::process::geteuid().as_raw();
    (!trusted).then_some(Fault::Owner(owner))
}

fn mode_fault(facts: &Metadata, forbidden: u32) -> Option<Fault> {
    let mode = facts.mode() & 0o7777;
    (mode & forbidden != 0).then_some(Fault::Mode(mode))
}

const ROOT: u32 = 0;

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, chown};

    fn opened(mode: u32) -> File {
        let file = tempfile::tempfile().unwrap();
        file.set_permissions(Permissions::from_mode(mode)).unwrap();
        file
    }

    #[test]
    fn a_configuration_with_a_secret_is_closed_to_everybody_else() {
        // SEC-9
        for mode in [0o600, 0o400, 0o700] {
            assert_eq!(holding_configuration(&opened(mode)).unwrap(), None, "{mode:o}");
        }
        for mode in [0o644, 0o640, 0o604, 0o620, 0o601, 0o660] {
            let fault = holding_configuration(&opened(mode)).unwrap();
            assert_eq!(fault, Some(Fault::Mode(mode)), "{mode:o}");
        }
    }

    #[test]
    fn a_file_with_only_a_secret_is_closed_to_other_writers() {
        for mode in [0o600, 0o440, 0o640] {
            assert_eq!(holding_only_a_secret(&opened(mode)).unwrap(), None, "{mode:o}");
        }
        for mode in [0o620, 0o602, 0o666] {
            let fault = holding_only_a_secret(&opened(mode)).unwrap();
            assert_eq!(fault, Some(Fault::Mode(mode)), "{mode:o}");
        }
    }

    #[test]
    fn only_root_may_leave_a_secret_readable_to_all() {
        let file = opened(0o644);
        let ours = rustix::process::geteuid().as_raw();
        let expected = (ours != ROOT).then_some(Fault::Mode(0o644));
        assert_eq!(holding_only_a_secret(&file).unwrap(), expected);
    }

    #[test]
    fn a_file_of_another_user_is_refused() {
        // SEC-9
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("theirs");
        std::fs::write(&path, "p").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        chown(&path, Some(12_345), None).unwrap();
        let file = File::open(&path).unwrap();
        assert_eq!(holding_configuration(&file).unwrap(), Some(Fault::Owner(12_345)));
        assert_eq!(holding_only_a_secret(&file).unwrap(), Some(Fault::Owner(12_345)));
    }
}
