//! The file work of a queue: the few things that are asked of a directory, and
//! the directory that does them.
//!
//! A queue promises that an entry is complete or absent after a crash. That
//! holds if each step holds, so the steps have names here, and tests put a disk
//! in their place that fails at each of them or loses what was not synced.

use crate::message::random_word;
use rustix::fs::{AtFlags, Dir, Mode, OFlags, RenameFlags, StatVfsMountFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::{DirBuilder, File, Permissions};
use std::io::{self, Seek as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// One directory, and what a queue does in it. Names are bare file names.
pub trait Disk: Send + Sync {
    /// Makes a new file, for its owner only, open for writing. Fails where the
    /// name is taken, be it by a link that leads nowhere.
    fn create(&self, name: &str) -> io::Result<File>;
    /// Opens a file for reading. No link is followed, and no pipe waited for.
    fn open(&self, name: &str) -> io::Result<File>;
    /// Writes all of this.
    fn write(&self, file: &mut File, octets: &[u8]) -> io::Result<()>;
    /// Writes this in the place of all that is in a file. What was there and
    /// was longer has left room enough for it.
    fn write_over(&self, file: &mut File, octets: &[u8]) -> io::Result<()>;
    /// Puts what was written on the disk.
    fn sync(&self, file: &File) -> io::Result<()>;
    /// Gives a file another name. What has that name already is replaced.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// The same, but fails where the name is taken.
    fn rename_to_new(&self, from: &str, to: &str) -> io::Result<()>;
    /// Takes a file away.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Puts the names of the directory on the disk.
    fn sync_names(&self) -> io::Result<()>;
    /// Adds this to the end of a file, which is made if it is not there, in one
    /// piece.
    fn append(&self, name: &str, octets: &[u8]) -> io::Result<()>;
    /// Octets of a file.
    fn length(&self, name: &str) -> io::Result<u64>;
    /// Every name in it, in no order.
    fn names(&self) -> io::Result<Vec<String>>;
    /// How much room there is.
    fn room(&self) -> io::Result<Room>;
}

/// How much room a file system has, in octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// In all.
    pub total: u64,
    /// For us.
    pub free: u64,
}

/// A directory of the operating system. It is held open: a link that takes its
/// name later leads nobody away from it.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    directory: OwnedFd,
}

/// Why a directory cannot be a queue.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// What the operating system said.
    #[error("cannot use the directory {}: {reason}", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// What it said.
        reason: io::Error,
    },
    /// There is none.
    #[error("there is no directory {}", .0.display())]
    Missing(PathBuf),
    /// Somebody else's.
    #[error("the directory {} belongs to the user with the number {owner}", path.display())]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// Others could read or change what is in it.
    #[error("the directory {} is open to others (mode {mode:04o})", path.display())]
    Open {
        /// The directory.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Others could put another in its place.
    #[error("the directory {} may be changed by others (mode {mode:04o})", path.display())]
    LooseParent {
        /// The directory above.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
}

impl Folder {
    /// Opens the directory of a queue, which is the user's own and closed to
    /// others (checklist SEC-10).
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        let folder = Folder::any(path)?;
        let facts = rustix::fs::fstat(&folder.directory).map_err(|e| failed(path, e))?;
        let us = rustix::process::geteuid().as_raw();
        if facts.st_uid != us {
            return Err(FolderError::Foreign { path: path.to_owned(), owner: facts.st_uid });
        }
        if facts.st_mode & 0o077 != 0 {
            let mode = facts.st_mode & 0o7777;
            return Err(FolderError::Open { path: path.to_owned(), mode });
        }
        folder.trust_parent()?;
        Ok(folder)
    }

    /// The same, made first if it is not there, with those above it. When this
    /// returns the names of those that were made are on the disk: what is kept
    /// in a directory that a crash takes away is lost.
    pub fn make(path: &Path) -> Result<Self, FolderError> {
        let is_missing = |path: &&Path| path.symlink_metadata().is_err();
        let missing: Vec<&Path> = path.ancestors().take_while(is_missing).collect();
        let failed = |reason| FolderError::Io { path: path.to_owned(), reason };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        for above in missing.iter().filter_map(|made| made.parent()) {
            // Who may not read a directory cannot sync it either.
            if let Ok(above) = File::open(named_by(above)) {
                above.sync_all().map_err(failed)?;
            }
        }
        Folder::open(path)
    }

    /// A directory whose owner and permissions are somebody else's concern.
    pub(super) fn any(path: &Path) -> Result<Self, FolderError> {
        // Who may write but not read can open it as a place only.
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let open = |flags| rustix::fs::open(path, flags, Mode::empty());
        let directory = match open(flags | OFlags::RDONLY) {
            Err(Errno::ACCESS) => open(flags | OFlags::PATH),
            opened => opened,
        };
        match directory {
            Ok(directory) => Ok(Folder { path: path.to_owned(), directory }),
            Err(Errno::NOENT) => Err(FolderError::Missing(path.to_owned())),
            Err(errno) => Err(failed(path, errno)),
        }
    }

    /// The directory that was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory as it was opened.
    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    /// Fails where others could put another directory in the place of this one.
    pub(super) fn trust_parent(&self) -> Result<(), FolderError> {
        let parent = || self.path.parent().unwrap_or(Path::new("/")).to_owned();
        let facts = rustix::fs::statat(&self.directory, "..", AtFlags::empty())
            .map_err(|errno| failed(&parent(), errno))?;
        let mode = facts.st_mode & 0o7777;
        let is_sticky = mode & 0o1000 != 0;
        if mode & 0o022 != 0 && !is_sticky {
            return Err(FolderError::LooseParent { path: parent(), mode });
        }
        Ok(())
    }
}

/// The directory of a relative path without a parent is this one.
fn named_by(parent: &Path) -> &Path {
    if parent.as_os_str().is_empty() { Path::new(".") } else { parent }
}

fn failed(path: &Path, errno: Errno) -> FolderError {
    FolderError::Io { path: path.to_owned(), reason: errno.into() }
}

impl Disk for Folder {
    fn create(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let mode = Mode::RUSR | Mode::WUSR;
        let file = rustix::fs::openat(&self.directory, name, flags | OFlags::CLOEXEC, mode)?;
        Ok(File::from(file))
    }

    fn open(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Ok(File::from(rustix::fs::openat(&self.directory, name, flags, Mode::empty())?))
    }

    fn write(&self, file: &mut File, octets: &[u8]) -> io::Result<()> {
        file.write_all(octets)
    }

    fn write_over(&self, file: &mut File, octets: &[u8]) -> io::Result<()> {
        file.rewind()?;
        file.write_all(octets)?;
        file.set_len(octets.len() as u64)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.directory, from, &self.directory, to)?)
    }

    fn rename_to_new(&self, from: &str, to: &str) -> io::Result<()> {
        let there = self.directory.as_fd();
        match rustix::fs::renameat_with(there, from, there, to, RenameFlags::NOREPLACE) {
            // Some file systems cannot; the name is random, and nobody has it.
            Err(Errno::INVAL | Errno::NOSYS) => self.rename(from, to),
            renamed => Ok(renamed?),
        }
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.directory, name, AtFlags::empty())?)
    }

    fn sync_names(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.directory)?)
    }

    fn append(&self, name: &str, octets: &[u8]) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND | OFlags::NOFOLLOW;
        let flags = flags | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        File::from(rustix::fs::openat(&self.directory, name, flags, mode)?).write_all(octets)
    }

    fn length(&self, name: &str) -> io::Result<u64> {
        let facts = rustix::fs::statat(&self.directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(u64::try_from(facts.st_size).unwrap_or(0))
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.directory)? {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name != "." && name != ".." {
                names.push(name.to_string_lossy().into_owned());
            }
        }
        Ok(names)
    }

    fn room(&self) -> io::Result<Room> {
        let facts = rustix::fs::fstatvfs(&self.directory)?;
        if facts.f_flag.contains(StatVfsMountFlags::RDONLY) {
            return Err(Errno::ROFS.into());
        }
        let octets = |blocks: u64| blocks.saturating_mul(facts.f_frsize);
        Ok(Room { total: octets(facts.f_blocks), free: octets(facts.f_bavail) })
    }
}

/// What the name of a file that is not whole yet ends with.
pub(super) const UNFINISHED: &str = ".tmp";

/// A file that gets its name when it is whole, and goes away if it gets none.
/// It is locked for as long as it is open, so that nobody takes it for one that
/// was left behind.
pub(super) struct Draft<'d> {
    disk: &'d dyn Disk,
    name: String,
    file: File,
    is_named: bool,
}

impl<'d> Draft<'d> {
    pub(super) fn begin(disk: &'d dyn Disk) -> io::Result<Self> {
        loop {
            let name = format!("{}{UNFINISHED}", random_word(8).map_err(io::Error::other)?);
            let file = disk.create(&name)?;
            let draft = Draft { disk, name, file, is_named: false };
            // Where there are no locks, nobody clears away either.
            let _ = draft.file.lock();
            // Somebody may have cleared it away before it was locked.
            if draft.file.metadata()?.nlink() > 0 {
                return Ok(draft);
            }
        }
    }

    /// Lets everybody read it.
    pub(super) fn open_to_all(&self) -> io::Result<()> {
        self.file.set_permissions(Permissions::from_mode(0o644))
    }

    /// Adds this.
    pub(super) fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        self.disk.write(&mut self.file, octets)
    }

    /// Writes this in the place of all that was written.
    pub(super) fn write_over(&mut self, octets: &[u8]) -> io::Result<()> {
        self.disk.write_over(&mut self.file, octets)
    }

    /// Puts what was written on the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.disk.sync(&self.file)
    }

    /// Gives it its name, which may be another file's.
    pub(super) fn rename(&mut self, to: &str) -> io::Result<()> {
        self.disk.rename(&self.name, to)?;
        self.is_named = true;
        Ok(())
    }

    /// Gives it its name, which may not be another file's.
    pub(super) fn rename_to_new(&mut self, to: &str) -> io::Result<()> {
        self.disk.rename_to_new(&self.name, to)?;
        self.is_named = true;
        Ok(())
    }

    /// Puts it on the disk, and in the place of the file of that name that may
    /// be there. When this returns its name is on the disk, too; after an error
    /// the old one is there, or this one.
    pub(super) fn replace(mut self, name: &str) -> io::Result<()> {
        self.sync()?;
        self.rename(name)?;
        self.disk.sync_names()
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if !self.is_named {
            // What stood in the way is what is told.
            let _ = self.disk.remove(&self.name);
        }
    }
}

/// Writes a small file in the place of the one that may be there, as
/// [`Draft::replace`] does.
pub(super) fn replace(disk: &dyn Disk, name: &str, octets: &[u8]) -> io::Result<()> {
    let mut draft = Draft::begin(disk)?;
    draft.write(octets)?;
    draft.replace(name)
}

/// The same for a file on which no promise hangs: nothing waits for the disk.
pub(super) fn replace_at_ease(disk: &dyn Disk, name: &str, octets: &[u8]) -> io::Result<()> {
    let mut draft = Draft::begin(disk)?;
    draft.write(octets)?;
    draft.rename(name)
}
