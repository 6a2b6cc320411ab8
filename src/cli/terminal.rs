//! The terminal, where the user types answers and passwords.

use crate::net::{Deadline, Interrupt};
use crate::sasl::Secret;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use zeroize::Zeroizing;

/// Asks at the terminal, without echo, even when standard input is something
/// else. An error where there is no terminal. When the user asks to stop, by
/// the keyboard or otherwise, or the deadline has passed (`TimedOut`), the
/// terminal is left as it was.
pub(super) fn ask(
    question: &str,
    deadline: Option<Deadline>,
    interrupt: &Interrupt,
) -> io::Result<Secret> {
    let terminal = terminal()?;
    let silence = Silence::over(&terminal)?;
    (&terminal).write_all(question.as_bytes())?;
    let typed = typed(&terminal, Some(&silence), deadline, interrupt);
    // The one that was typed was not shown.
    let _ = (&terminal).write_all(b"\n");
    typed.map(|line| Secret::new(without_end(&line)))
}

/// Asks for what may be seen. Gives the answer without the blanks around it;
/// an error where there is no terminal, or it is at its end.
pub(super) fn ask_aloud(
    question: &str,
    deadline: Option<Deadline>,
    interrupt: &Interrupt,
) -> io::Result<String> {
    let terminal = terminal()?;
    (&terminal).write_all(question.as_bytes())?;
    let line = typed(&terminal, None, deadline, interrupt)?;
    Ok(String::from_utf8_lossy(without_end(&line)).trim().to_owned())
}

fn without_end(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").unwrap_or(line)
}

fn terminal() -> io::Result<File> {
    File::options().read(true).write(true).open("/dev/tty").map_err(|error| {
        let is_none = error.raw_os_error() == Some(Errno::NXIO.raw_os_error());
        if is_none { io::Error::other("there is no terminal") } else { error }
    })
}

/// Waits for a line, which the terminal gives whole. What was typed for
/// editing it is the terminal's affair.
fn typed(
    mut terminal: &File,
    silence: Option<&Silence<'_>>,
    deadline: Option<Deadline>,
    interrupt: &Interrupt,
) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut line = Zeroizing::new([0; LONGEST_LINE]);
    loop {
        if interrupt.signal().is_some() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if deadline.is_some_and(|deadline| deadline.remaining().is_none()) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        // A shell turns the echo on when it stops us.
        silence.map_or(Ok(()), Silence::keep)?;
        let mut fds = [PollFd::new(&terminal, PollFlags::IN)];
        match poll(&mut fds, Some(&GLANCE)) {
            Ok(0) | Err(Errno::INTR) => continue,
            Ok(_) => {}
            Err(errno) => return Err(errno.into()),
        }
        return match terminal.read(&mut line[..]) {
            Ok(0) => Err(io::Error::other("nothing was typed")),
            Ok(length) => Ok(Zeroizing::new(line[..length].to_vec())),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
    }
}

/// A terminal that does not show what is typed.
struct Silence<'t> {
    terminal: &'t File,
    before: Termios,
}

impl<'t> Silence<'t> {
    /// Forgets what was typed and shown already, as getpass(3) does.
    fn over(terminal: &'t File) -> io::Result<Self> {
        let silence = Silence { terminal, before: tcgetattr(terminal)? };
        silence.set(OptionalActions::Flush)?;
        Ok(silence)
    }

    /// Makes sure that it is one still.
    fn keep(&self) -> io::Result<()> {
        let now = tcgetattr(self.terminal)?;
        if now.local_modes.contains(LocalModes::ECHO) {
            self.set(OptionalActions::Now)?;
        }
        Ok(())
    }

    fn set(&self, when: OptionalActions) -> io::Result<()> {
        let mut silent = self.before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        Ok(tcsetattr(self.terminal, when, &silent)?)
    }
}

impl Drop for Silence<'_> {
    fn drop(&mut self) {
        // A terminal that went away needs no echo.
        let _ = tcsetattr(self.terminal, OptionalActions::Now, &self.before);
    }
}

/// How often one who waits makes sure that he still should: a signal may come
/// to another thread.
const GLANCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// What a terminal gives as one line (termios(3), "Canonical mode").
const LONGEST_LINE: usize = 4096;
