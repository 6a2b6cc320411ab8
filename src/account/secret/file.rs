//! Secrets in files, and behind file descriptors.

use super::wait::{GLANCE, Octets, Over, Wait, is_ready};
use super::{Environment, LONGEST, Secret, SecretError, first_line};
use crate::account::private_file::{self, Fault};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};

/// The first line of a file that holds only a secret.
pub(super) fn from_file(path: &Path, wait: &Wait<'_>) -> Result<Secret, SecretError> {
    let opened = Opened::at(path, private_file::holding_only_a_secret)?;
    let what = opened.what.clone();
    first_line(opened.read(Extent::Line, wait)?.as_slice(), &what)
}

/// The first line behind a file descriptor of this process.
pub(super) fn from_descriptor(number: u32, wait: &Wait<'_>) -> Result<Secret, SecretError> {
    let what = format!("file descriptor {number}");
    let file = given(number)
        .and_then(|()| descriptor(number))
        .map_err(|source| SecretError::Unreadable { what: what.clone(), source })?;
    let opened = Opened { is_regular: is_regular(&file), file, what: what.clone() };
    first_line(opened.read(Extent::Line, wait)?.as_slice(), &what)
}

/// The first line of a file below `$CREDENTIALS_DIRECTORY`.
pub(super) fn from_credential(
    name: &str,
    environment: &Environment,
    wait: &Wait<'_>,
) -> Result<Secret, SecretError> {
    if !is_credential(name) {
        return Err(SecretError::CredentialName { name: name.to_owned() });
    }
    let none = |why| SecretError::NoCredential { name: name.to_owned(), why };
    let directory = environment.get("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    let directory = directory.ok_or_else(|| none("CREDENTIALS_DIRECTORY is not set"))?;
    from_file(&directory.join(name), wait).map_err(|error| match error {
        SecretError::UnreadableFile { source, .. } if source.kind() == io::ErrorKind::NotFound => {
            none("the service was given none of this name")
        }
        error => error,
    })
}

/// A file right below the directory, and none that the name leads out to.
pub(in crate::account) fn is_credential(name: &str) -> bool {
    !name.contains('/') && !matches!(name, "" | "." | "..")
}

/// How much of a source is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// Up to its end.
    All,
    /// The first line. Who writes into a pipe may keep it open.
    Line,
}

/// A file that may be read.
pub(super) struct Opened {
    file: File,
    /// What it is called.
    what: String,
    is_regular: bool,
}

impl Opened {
    /// Opens a file that this finds no fault with.
    pub(super) fn at(
        path: &Path,
        fault: impl Fn(&File) -> io::Result<Option<Fault>>,
    ) -> Result<Self, SecretError> {
        let unreadable = |source| SecretError::UnreadableFile { file: path.to_owned(), source };
        let open = || -> io::Result<File> {
            // Or opening a FIFO would wait for who writes into it.
            let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
            let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
            if file.metadata()?.is_dir() { Err(Errno::ISDIR.into()) } else { Ok(file) }
        };
        let file = open().map_err(unreadable)?;
        if let Some(fault) = fault(&file).map_err(unreadable)? {
            return Err(SecretError::Exposed { file: path.to_owned(), fault });
        }
        Ok(Opened { is_regular: is_regular(&file), file, what: path.display().to_string() })
    }

    /// Reads it.
    pub(super) fn read(self, extent: Extent, wait: &Wait<'_>) -> Result<Octets, SecretError> {
        let Opened { file, what, is_regular } = self;
        let mut octets = Octets::up_to(LONGEST + 1);
        loop {
            wait.glance_at(&[file.as_fd()], None, GLANCE).map_err(|over| match over {
                Over::Late(after) => SecretError::Silent { what: what.clone(), after },
                Over::Interrupted => SecretError::Interrupted,
            })?;
            if !is_ready(file.as_fd()) {
                continue;
            }
            let goes_on = octets
                .read_some(&file)
                .map_err(|source| SecretError::Unreadable { what: what.clone(), source })?;
            if octets.is_full() {
                return Err(SecretError::TooLong { what });
            }
            let is_enough =
                extent == Extent::Line && !is_regular && octets.as_slice().contains(&b'\n');
            if !goes_on || is_enough {
                return Ok(octets);
            }
        }
    }
}

fn is_regular(file: &File) -> bool {
    file.metadata().is_ok_and(|facts| facts.is_file())
}

/// That a number is a file which was given to this program for reading. What a
/// program opens by itself ends with it: without a look at that, a number that
/// was given nothing would be the connection to the server.
fn given(number: u32) -> io::Result<()> {
    let Ok(facts) = std::fs::read_to_string(format!("/proc/self/fdinfo/{number}")) else {
        return Ok(()); // There is none, or no /proc: opening it tells.
    };
    let flags = facts.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|octal| u32::from_str_radix(octal.trim(), 8).ok());
    let flags = OFlags::from_bits_retain(flags.unwrap_or_default());
    let is_ours = flags.contains(OFlags::CLOEXEC);
    let is_for_writing = flags & OFlags::ACCMODE == OFlags::WRONLY;
    if is_ours || is_for_writing { Err(Errno::BADF.into()) } else { Ok(()) }
}

/// The file behind a number. std and rustix take a bare number only in unsafe
/// code; the kernel duplicates it for who asks by process, and where it is not
/// allowed to, the same pipe or file is opened once more.
fn descriptor(number: u32) -> io::Result<File> {
    let duplicate = || -> rustix::io::Result<OwnedFd> {
        let number = RawFd::try_from(number).map_err(|_| Errno::BADF)?;
        let ourselves = pidfd_open(rustix::process::getpid(), PidfdFlags::empty())?;
        pidfd_getfd(ourselves, number, PidfdGetfdFlags::empty())
    };
    match duplicate() {
        Ok(file) => Ok(file.into()),
        Err(Errno::BADF) => Err(Errno::BADF.into()),
        Err(_) => File::open(format!("/proc/self/fd/{number}")),
    }
}
