//! A file of lines to which others append, too: each line appears whole, and
//! nothing that lies in the way makes the program wait for ever.

use crate::net::{Deadline, Interrupt};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FlockOperation, Mode, OFlags, fcntl_lock};
use rustix::io::Errno;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::time::Duration;

/// A file that lines are appended to. It is opened anew by each run, so that
/// one that was moved away in between is left alone; one that is moved away
/// while it is open still gets the line.
#[derive(Debug)]
pub struct LogFile {
    file: File,
    /// It has a length, and can be locked.
    is_regular: bool,
}

/// Why a line cannot be appended: a clause that fits after a colon.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// What the operating system said.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A pipe that nobody reads.
    #[error("it is a pipe that nobody reads")]
    Unread,
    /// A disk, or another thing that has blocks.
    #[error("it is a device that holds a file system")]
    BlockDevice,
    /// A symbolic link that this user has made, who is neither us nor root: it
    /// may lead to a file of ours that is no log.
    #[error("it is a link that belongs to the user with the number {0}")]
    ForeignLink(u32),
    /// Somebody else has it.
    #[error("another process keeps it locked")]
    Locked,
    /// What reads it is slow, or reads no more.
    #[error("what reads it takes no more")]
    Full,
}

impl LogFile {
    /// Opens the file, or makes it, for its owner only. Nobody is waited for.
    pub fn open(path: &Path) -> Result<Self, LogError> {
        let file = match opened(path, OFlags::NOFOLLOW) {
            Err(Errno::LOOP) => {
                trust_link(path)?;
                opened(path, OFlags::empty())
            }
            opened => opened,
        };
        let file = file.map_err(|errno| match errno {
            // A pipe whose other end nobody holds (fifo(7)), or a socket.
            Errno::NXIO => LogError::Unread,
            errno => LogError::Io(errno.into()),
        })?;
        let kind = file.metadata()?.file_type();
        if kind.is_block_device() {
            return Err(LogError::BlockDevice);
        }
        Ok(LogFile { is_regular: kind.is_file(), file })
    }

    /// Appends a line, with its end; waits for others no longer than
    /// `patience`, and not at all once the user asked to stop. After an error
    /// nothing of the line is there, as far as that can be helped.
    pub fn append(
        &mut self,
        line: &str,
        patience: Duration,
        interrupt: &Interrupt,
    ) -> Result<(), LogError> {
        let until = Deadline::after(patience);
        if self.is_regular {
            self.lock(until, interrupt)?;
        }
        let appended = self.write(format!("{line}\n").as_bytes(), until, interrupt);
        if self.is_regular {
            // Closing the file would unlock it, too.
            let _ = fcntl_lock(&self.file, FlockOperation::Unlock);
        }
        appended
    }

    /// The lock that msmtp takes, so that both may use one file.
    fn lock(&self, until: Deadline, interrupt: &Interrupt) -> Result<(), LogError> {
        loop {
            match fcntl_lock(&self.file, FlockOperation::NonBlockingLockExclusive) {
                Err(Errno::AGAIN | Errno::ACCESS) => {}
                // Some file systems know no locks. One write to the end of a
                // file is whole without, too, wherever it can be.
                Ok(()) | Err(_) => return Ok(()),
            }
            let left = until.remaining().filter(|_| interrupt.signal().is_none());
            let pause = left.ok_or(LogError::Locked)?.min(STEP);
            // A signal ends the pause early.
            let _ = poll(&mut [], Timespec::try_from(pause).ok().as_ref());
        }
    }

    fn write(
        &mut self,
        octets: &[u8],
        until: Deadline,
        interrupt: &Interrupt,
    ) -> Result<(), LogError> {
        let before = self.file.metadata()?.len();
        let mut written = 0;
        while written < octets.len() {
            match rustix::io::write(&self.file, &octets[written..]) {
                Ok(taken) => written += taken,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    let left = until.remaining().filter(|_| interrupt.signal().is_none());
                    let pause = left.ok_or(LogError::Full)?.min(STEP);
                    let mut room = [PollFd::new(&self.file, PollFlags::OUT)];
                    let _ = poll(&mut room, Timespec::try_from(pause).ok().as_ref());
                }
                Err(errno) => {
                    self.take_back(before, written);
                    return Err(LogError::Io(errno.into()));
                }
            }
        }
        Ok(())
    }

    /// Half a line would spoil the next one, which begins behind it.
    fn take_back(&self, before: u64, written: usize) {
        let ends_with_ours =
            |facts: &fs::Metadata| facts.len() == before.saturating_add(written as u64);
        if self.is_regular && written > 0 && self.file.metadata().is_ok_and(|f| ends_with_ours(&f))
        {
            let _ = self.file.set_len(before);
        }
    }
}

/// How often it is looked whether somebody else has come to his end.
const STEP: Duration = Duration::from_millis(20);

fn opened(path: &Path, flags: OFlags) -> Result<File, Errno> {
    let flags = flags
        | OFlags::WRONLY
        | OFlags::APPEND
        | OFlags::CREATE
        | OFlags::CLOEXEC
        | OFlags::NOCTTY
        | OFlags::NONBLOCK;
    rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR).map(File::from)
}

/// Links of root, such as /dev/stdout, and our own are followed.
fn trust_link(path: &Path) -> Result<(), LogError> {
    let owner = fs::symlink_metadata(path)?.uid();
    let trusted = owner == ROOT || owner == rustix::process::geteuid().as_raw();
    if trusted { Ok(()) } else { Err(LogError::ForeignLink(owner)) }
}

const ROOT: u32 = 0;

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    const PATIENCE: Duration = Duration::from_secs(60);

    fn append(path: &Path, line: &str) -> Result<(), LogError> {
        LogFile::open(path)?.append(line, PATIENCE, &Interrupt::default())
    }

    #[test]
    fn a_new_file_is_for_its_owner_and_an_old_one_keeps_its_mode() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        append(&path, "a").unwrap();
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        append(&path, "b").unwrap();
        assert_eq!((mode(), fs::read_to_string(&path).unwrap().as_str()), (0o640, "a\nb\n"));
    }

    #[test]
    fn what_is_moved_away_gets_its_line_all_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let [path, moved] = ["log", "log.1"].map(|name| directory.path().join(name));
        let mut log = LogFile::open(&path).unwrap();
        fs::rename(&path, &moved).unwrap();
        log.append("a", PATIENCE, &Interrupt::default()).unwrap();
        append(&path, "b").unwrap();
        assert_eq!(fs::read_to_string(moved).unwrap(), "a\n");
        assert_eq!(fs::read_to_string(path).unwrap(), "b\n");
    }

    #[test]
    fn what_is_no_log_is_neither_waited_for_nor_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &path,
            rustix::fs::FileType::Fifo,
            Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        assert!(matches!(append(&path, "a"), Err(LogError::Unread)));
        assert!(matches!(append(directory.path(), "a"), Err(LogError::Io(_))));
        assert!(matches!(append(Path::new("/dev/full"), "a"), Err(LogError::Io(_))));
        append(Path::new("/dev/null"), "a").unwrap();
    }

    #[test]
    fn a_pipe_that_is_read_gets_its_line_and_a_full_one_is_left_in_time() {
        use std::io::Read as _;
        let (mut read, write) = io::pipe().unwrap();
        let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&write));
        append(Path::new(&path), "a").unwrap();
        let mut line = [0; 2];
        read.read_exact(&mut line).unwrap();
        assert_eq!(&line, b"a\n");
        let mut log = LogFile::open(Path::new(&path)).unwrap();
        let much = "x".repeat(1 << 20);
        let full = log.append(&much, Duration::from_millis(50), &Interrupt::default());
        assert!(matches!(full, Err(LogError::Full)), "{full:?}");
    }

    #[test]
    fn a_link_is_followed_if_we_or_root_made_it() {
        let directory = tempfile::tempdir().unwrap();
        let [file, link] = ["file", "link"].map(|name| directory.path().join(name));
        symlink(&file, &link).unwrap();
        append(&link, "a").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "a\n");
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::lchown(&link, Some(12_345), None).unwrap();
            assert!(matches!(append(&link, "b"), Err(LogError::ForeignLink(12_345))));
            assert_eq!(fs::read_to_string(&file).unwrap(), "a\n");
        }
    }

    #[test]
    fn whoever_keeps_it_locked_is_waited_for_with_a_limit() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        append(&path, "a").unwrap();
        // A lock of this process would not keep this process out.
        let script = "import fcntl, sys; f = open(sys.argv[1], 'a'); fcntl.lockf(f, fcntl.LOCK_EX); \
                      print(flush=True); sys.stdin.read()";
        let mut other = std::process::Command::new("python3")
            .args(["-c", script])
            .arg(&path)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        io::Read::read_exact(other.stdout.as_mut().unwrap(), &mut [0]).unwrap();
        let mut log = LogFile::open(&path).unwrap();
        let locked = log.append("b", Duration::from_millis(50), &Interrupt::default());
        assert!(matches!(locked, Err(LogError::Locked)), "{locked:?}");
        let stop = Interrupt::default();
        stop.cell().store(2, std::sync::atomic::Ordering::Relaxed);
        assert!(matches!(log.append("b", PATIENCE, &stop), Err(LogError::Locked)));
        drop(other.stdin.take());
        log.append("c", PATIENCE, &Interrupt::default()).unwrap();
        other.wait().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "a\nc\n");
    }
}
