//! `--pipe COMMAND`: a program reads each message, and its status is the answer.

use super::passing_on::PATIENCE;
use crate::account::{Environment, duration_text};
use crate::cli::input::Content;
use crate::cli::reply::said;
use crate::cli::words::plain;
use crate::net::{Deadline, Interrupt};
use crate::sink::Transaction;
use crate::smtp::{Reply, ReversePath};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, OFlags, fcntl_getfl, fcntl_setfl, memfd_create};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, PipeReader, Read, Seek as _, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

/// The command, and what its runs have in common.
#[derive(Debug)]
pub(super) struct Pipe {
    command: OsString,
    environment: Environment,
    interrupt: Interrupt,
    patience: Duration,
}

/// What a run came to.
#[derive(Debug)]
enum Ended {
    /// It has ended, and this is the first line that it wrote.
    By(ExitStatus, String),
    /// It took too long, and was ended.
    Late,
    /// The receiver is to end, and so it was.
    Interrupted,
}

impl Pipe {
    pub(super) fn new(command: OsString, environment: Environment, interrupt: Interrupt) -> Self {
        Pipe { command, environment, interrupt, patience: PATIENCE }
    }

    /// Runs the command for a message, and makes a reply of its status (see
    /// `sysexits.h`).
    pub(super) fn answer(&self, content: Content, transaction: &Transaction) -> Reply {
        let ended = input(content).and_then(|input| self.run(input, transaction));
        let (code, text) = match ended {
            Ok(Ended::By(status, said)) => of_status(status, &said),
            Ok(Ended::Late) => {
                let limit = duration_text(self.patience);
                (451, format!("4.3.0 The command took longer than {limit}, and was ended"))
            }
            Ok(Ended::Interrupted) => (451, "4.3.2 The receiver ends".to_owned()),
            Err(error) => {
                let why = plain(&error.to_string());
                (451, format!("4.3.0 The command cannot be run: {why}"))
            }
        };
        said(code, &text)
    }

    fn run(&self, input: File, transaction: &Transaction) -> io::Result<Ended> {
        let sender = match &transaction.from {
            ReversePath(Some(mailbox)) => mailbox.to_string(),
            ReversePath(None) => String::new(),
        };
        let to: Vec<String> = transaction.to.iter().map(|to| to.path.to_string()).collect();
        let (output, written) = io::pipe()?;
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(&self.command)
            .env_clear()
            .envs(self.environment.for_children())
            .env("SENDER", sender)
            .env("RECIPIENT", to.join(" "))
            // A file: who does not read it is no trouble.
            .stdin(input)
            .stdout(written.try_clone()?)
            .stderr(written)
            // With whatever it starts, it can be ended.
            .process_group(0);
        let child = command.spawn()?;
        // The command holds the other end of its output.
        drop(command);
        Running::new(child, output)?.collect(Deadline::after(self.patience), &self.interrupt)
    }
}

/// The reply for a status.
fn of_status(status: ExitStatus, said: &str) -> (u16, String) {
    let said = if said.is_empty() { String::new() } else { format!(": {said}") };
    match (status.code(), status.signal()) {
        (Some(0), _) => (250, "2.0.0 The command took it".to_owned()),
        (Some(TEMPFAIL), _) => (451, format!("4.3.0 The command puts it off{said}")),
        (Some(code), _) => (554, format!("5.3.0 The command ended with status {code}{said}")),
        (None, signal) => {
            let signal = signal.unwrap_or_default();
            (554, format!("5.3.0 The command was ended by signal {signal}{said}"))
        }
    }
}

/// The message as a file that stands at its beginning. What is small enough to
/// be held is not written to a disk.
fn input(content: Content) -> io::Result<File> {
    match content {
        Content::File(file) => Ok(file),
        Content::Memory(octets) => {
            let mut file = File::from(memfd_create("message", MemfdFlags::CLOEXEC)?);
            file.write_all(&octets)?;
            file.rewind()?;
            Ok(file)
        }
    }
}

/// A command that runs. It is ended when this is dropped.
struct Running {
    child: Child,
    process: OwnedFd,
    /// What it writes; `None` at its end.
    output: Option<PipeReader>,
    /// The begin of that.
    said: Vec<u8>,
}

impl Running {
    fn new(mut child: Child, output: PipeReader) -> io::Result<Self> {
        let opened = pidfd_open(Pid::from_child(&child), PidfdFlags::empty());
        let opened = opened.and_then(|process| {
            fcntl_setfl(&output, fcntl_getfl(&output)? | OFlags::NONBLOCK).map(|()| process)
        });
        match opened {
            Ok(process) => Ok(Running { child, process, output: Some(output), said: Vec::new() }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error.into())
            }
        }
    }

    /// Waits for its end, and reads what it writes. A process that it leaves
    /// behind may hold the pipe open: nobody waits for that.
    fn collect(mut self, until: Deadline, interrupt: &Interrupt) -> io::Result<Ended> {
        loop {
            let status = self.child.try_wait()?;
            self.drain();
            if let Some(status) = status {
                return Ok(Ended::By(status, self.said()));
            }
            if interrupt.signal().is_some() {
                return Ok(Ended::Interrupted);
            }
            let Some(left) = until.remaining() else { return Ok(Ended::Late) };
            self.wait(left.min(GLANCE));
        }
    }

    /// Waits until it writes or ends, but no longer than this.
    fn wait(&self, moment: Duration) {
        let output = self.output.as_ref().map(|output| PollFd::new(output, PollFlags::IN));
        let process = PollFd::new(&self.process, PollFlags::IN);
        let mut places: Vec<PollFd<'_>> = output.into_iter().chain([process]).collect();
        // A signal ends the wait early.
        let _ = poll(&mut places, Timespec::try_from(moment).ok().as_ref());
    }

    /// Reads what there is now, but not for ever where it writes without end. Of
    /// what is much, only the begin is kept.
    fn drain(&mut self) {
        let mut block = [0; 4096];
        for _ in 0..MOST_BLOCKS {
            let Some(output) = &mut self.output else { return };
            match output.read(&mut block) {
                Ok(0) => self.output = None,
                Ok(length) => {
                    let room = MOST_SAID - self.said.len();
                    self.said.extend_from_slice(&block[..length.min(room)]);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => self.output = None,
            }
        }
    }

    /// The first line that says something.
    fn said(&self) -> String {
        let said = String::from_utf8_lossy(&self.said);
        let line = said.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        line.trim().to_owned()
    }
}

impl Drop for Running {
    /// With a request first, so that it can clean up.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            // Its number may be another's by now.
            return;
        }
        let group = Pid::from_child(&self.child);
        let _ = kill_process_group(group, Signal::TERM);
        self.output = None;
        self.wait(GRACE);
        let _ = kill_process_group(group, Signal::KILL);
        let _ = self.child.wait();
    }
}

/// `EX_TEMPFAIL` of `sysexits.h`.
const TEMPFAIL: i32 = 75;

/// How often it is looked whether the receiver is to end.
const GLANCE: Duration = Duration::from_millis(250);

/// How long a command that was asked to end may take.
const GRACE: Duration = Duration::from_secs(2);

const MOST_SAID: usize = 4096;

/// As much as a pipe holds, and some.
const MOST_BLOCKS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smtp::MailParameters;
    use std::fs;
    use std::path::Path;

    fn pipe(command: &str, patience: Duration) -> Pipe {
        let environment = Environment::of_process();
        let interrupt = Interrupt::default();
        Pipe { patience, ..Pipe::new(command.into(), environment, interrupt) }
    }

    fn answer(pipe: &Pipe, octets: &[u8]) -> String {
        let transaction = Transaction {
            from: "a@b.example".parse().unwrap(),
            parameters: MailParameters::default(),
            to: ["c@d.example", "e@f.example"]
                .map(|to| to.parse::<crate::smtp::ForwardPath>().unwrap().into())
                .to_vec(),
        };
        pipe.answer(Content::Memory(octets.to_vec()), &transaction).to_string()
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn the_status_of_the_command_is_the_answer() {
        for (command, expected) in [
            ("exit 0", "250 2.0.0 The command took it"),
            ("echo; echo not now >&2; exit 75", "451 4.3.0 The command puts it off: not now"),
            ("echo Gr\u{fc}\u{df}e; exit 3", "554 5.3.0 The command ended with status 3: Gr??e"),
            ("kill -9 $$", "554 5.3.0 The command was ended by signal 9"),
            (
                "[ \"$SENDER $RECIPIENT\" = 'a@b.example c@d.example e@f.example' ]",
                "250 2.0.0 The command took it",
            ),
            ("[ \"$(cat)\" = octets ]", "250 2.0.0 The command took it"),
        ] {
            assert_eq!(answer(&pipe(command, LONG), b"octets\n"), expected, "{command}");
        }
    }

    #[test]
    fn much_that_nobody_reads_stops_neither_side() {
        let much = b"x".repeat(4 << 20);
        assert!(answer(&pipe("exit 0", LONG), &much).starts_with("250 "));
        assert!(answer(&pipe("cat; exit 1", LONG), &much).starts_with("554 "));
    }

    #[test]
    fn a_process_that_is_left_behind_is_not_waited_for() {
        assert!(answer(&pipe("sleep 50 & exit 0", LONG), b"x").starts_with("250 "));
    }

    #[test]
    fn a_command_that_does_not_end_is_ended_with_all_that_it_started() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("number");
        let command = format!("trap '' TERM; sleep 1000 & echo $! > {}; wait", file.display());
        let late = pipe(&command, Duration::from_millis(500));
        assert!(answer(&late, b"x").starts_with("451 4.3.0 The command took longer than "));
        let number = fs::read_to_string(file).unwrap();
        let process = format!("/proc/{}/cmdline", number.trim());
        // Whoever has ended, and was not waited for, has no words.
        let gone = |path: &str| !Path::new(path).exists() || fs::read(path).unwrap().is_empty();
        let until = Deadline::after(LONG);
        while !gone(&process) && until.remaining().is_some() {
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(gone(&process));
    }

    #[test]
    fn a_command_does_not_outlive_a_receiver_that_is_to_end() {
        let running = pipe("sleep 1000", LONG);
        running.interrupt.cell().store(15, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(answer(&running, b"x"), "451 4.3.2 The receiver ends");
    }
}
