//! A program that prints a password (checklist SEC-14).

use super::wait::{GLANCE, Octets, Over, Wait, is_ready};
use super::{Environment, LONGEST, Secret, SecretError, first_line};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid,
};
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::Duration;
use zeroize::Zeroizing;

/// Runs a program and takes the first line that it writes.
pub(super) fn run(
    words: &[String],
    environment: &Environment,
    wait: &Wait<'_>,
) -> Result<Secret, SecretError> {
    let (ended, what) = ended(words, environment, wait)?;
    first_line(ended.wrote(), &what)
}

/// Runs a program and takes the first line that it writes, which is more than
/// a secret.
pub(super) fn line(
    words: &[String],
    environment: &Environment,
    wait: &Wait<'_>,
) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    let (ended, what) = ended(words, environment, wait)?;
    let line = ended.wrote().split(|&octet| octet == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() {
        Err(SecretError::Empty { what })
    } else {
        Ok(Zeroizing::new(line.to_vec()))
    }
}

/// Runs a program to a good end, and says what it wrote was.
fn ended(
    words: &[String],
    environment: &Environment,
    wait: &Wait<'_>,
) -> Result<(Ended, String), SecretError> {
    let name = program(words).to_owned();
    let what = format!("what ‘{name}’ wrote");
    let ended = match finish(words, &[], environment, wait) {
        Ok(ended) => ended,
        Err(Unfinished::NotRun(source)) => {
            return Err(SecretError::NotRun { program: name, source });
        }
        Err(Unfinished::TooMuch) => return Err(SecretError::TooLong { what }),
        Err(Unfinished::Over(Over::Late(after))) => {
            return Err(SecretError::TooSlow { program: name, after });
        }
        Err(Unfinished::Over(Over::Interrupted)) => return Err(SecretError::Interrupted),
    };
    if ended.status.success() {
        Ok((ended, what))
    } else {
        let (status, said) = (ended.status, ended.said());
        Err(SecretError::Failed { program: name, status, said })
    }
}

/// What a program came to.
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    wrote: Octets,
    said: Octets,
}

/// Why a program did not come to its end.
#[derive(Debug)]
pub(super) enum Unfinished {
    /// It could not be started, or not be waited for.
    NotRun(io::Error),
    /// It wrote more than a secret may have, and was ended.
    TooMuch,
    /// It was ended.
    Over(Over),
}

impl Ended {
    /// Its standard output.
    pub(super) fn wrote(&self) -> &[u8] {
        self.wrote.as_slice()
    }

    /// The first line of its standard error that says something, not too long.
    pub(super) fn said(&self) -> String {
        let said = String::from_utf8_lossy(self.said.as_slice());
        let line = said.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        line.trim().chars().take(LONGEST_SAYING).collect()
    }
}

/// Runs a program to its end, with these octets for it to read. It sees nothing
/// of our standard input and of our own password.
pub(super) fn finish(
    words: &[String],
    input: &[u8],
    environment: &Environment,
    wait: &Wait<'_>,
) -> Result<Ended, Unfinished> {
    let mut command = Command::new(program(words));
    command
        .args(words.get(1..).unwrap_or_default())
        .env_clear()
        .envs(environment.for_children())
        .stdin(if input.is_empty() { Stdio::null() } else { Stdio::piped() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut running = Running::start(command).map_err(Unfinished::NotRun)?;
    let ended = running.collect(input, wait);
    if ended.is_err() {
        running.end();
    }
    ended
}

/// A program that runs.
struct Running {
    child: Child,
    leads_group: bool,
}

impl Running {
    /// At a terminal the program stays in our process group, or it could not
    /// ask for a passphrase there. Elsewhere it leads a group of its own, so
    /// that whatever it starts can be ended with it.
    fn start(mut command: Command) -> io::Result<Self> {
        let leads_group = !has_terminal();
        if leads_group {
            command.process_group(0);
        }
        Ok(Running { child: command.spawn()?, leads_group })
    }

    /// Gives it what it is to read, and reads what it writes, until it has
    /// ended. A process that it leaves behind may hold the pipes open: nobody
    /// waits for that.
    fn collect(&mut self, input: &[u8], wait: &Wait<'_>) -> Result<Ended, Unfinished> {
        let mut given = Input::of(self.child.stdin.take(), input).map_err(Unfinished::NotRun)?;
        let mut wrote = Output::of(self.child.stdout.take());
        let mut said = Output::of(self.child.stderr.take());
        loop {
            let status = self.child.try_wait().map_err(Unfinished::NotRun)?;
            given.fill();
            wrote.drain();
            said.drain();
            if wrote.octets.is_full() {
                return Err(Unfinished::TooMuch);
            }
            if let Some(status) = status {
                return Ok(Ended { status, wrote: wrote.octets, said: said.octets });
            }
            // Nobody reads so many words, but the program may want to be heard.
            said.octets.make_room();
            let sources: Vec<_> = [wrote.source(), said.source()].into_iter().flatten().collect();
            // With both at their end, the program is about to end.
            let moment = if sources.is_empty() { STEP } else { GLANCE };
            wait.glance_at(&sources, given.place(), moment).map_err(Unfinished::Over)?;
        }
    }

    /// Ends it: with a request first, which lets it restore the terminal.
    /// Nothing here can fail in a way that would change what is said next.
    fn end(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            // Its number may be another's by now.
            return;
        }
        let id = Pid::from_child(&self.child);
        let signal = |signal| {
            let send = if self.leads_group { kill_process_group } else { kill_process };
            let _ = send(id, signal);
        };
        // Until it is waited for, nobody else can get its number.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let has_ended = || !matches!(waitid(WaitId::Pid(id), options), Ok(None));
        signal(Signal::TERM);
        let mut steps = GRACE.as_millis() / STEP.as_millis();
        while steps > 0 && !has_ended() {
            std::thread::sleep(STEP);
            steps -= 1;
        }
        signal(Signal::KILL);
        let _ = self.child.wait();
    }
}

/// What a program is to read, as far as it has not yet. A pipe may hold less.
struct Input<'i> {
    pipe: Option<ChildStdin>,
    rest: &'i [u8],
}

impl<'i> Input<'i> {
    fn of(pipe: Option<ChildStdin>, rest: &'i [u8]) -> io::Result<Self> {
        if let Some(pipe) = &pipe {
            fcntl_setfl(pipe, fcntl_getfl(pipe)? | OFlags::NONBLOCK)?;
        }
        Ok(Input { pipe, rest })
    }

    fn place(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// Writes what the pipe takes now, and closes it behind the last octet.
    fn fill(&mut self) {
        while let Some(pipe) = &mut self.pipe {
            match pipe.write(self.rest) {
                Ok(length) => self.rest = &self.rest[length..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // One that does not read it says at its end what is wrong.
                Err(_) => self.rest = &[],
            }
            if self.rest.is_empty() {
                self.pipe = None;
            }
        }
    }
}

/// One of a program's outputs, while it is being read.
struct Output<P> {
    pipe: Option<P>,
    octets: Octets,
}

impl<P: Read + AsFd> Output<P> {
    fn of(pipe: Option<P>) -> Self {
        Output { pipe, octets: Octets::up_to(LONGEST + 1) }
    }

    fn source(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// Reads what there is now, as far as there is room.
    fn drain(&mut self) {
        while let Some(pipe) = self.pipe.as_mut().filter(|pipe| is_ready(pipe.as_fd())) {
            if self.octets.is_full() {
                return;
            }
            if !self.octets.read_some(pipe).unwrap_or(false) {
                self.pipe = None;
            }
        }
    }
}

/// Whether there is a terminal that a program could ask at.
pub(super) fn has_terminal() -> bool {
    File::open("/dev/tty").is_ok()
}

/// The program among the words of a command.
pub(super) fn program(words: &[String]) -> &str {
    words.first().map_or("", String::as_str)
}

/// How long a program that was asked to end may take.
const GRACE: Duration = Duration::from_secs(2);

const STEP: Duration = Duration::from_millis(2);

const LONGEST_SAYING: usize = 300;

#[cfg(test)]
mod tests;
