//! A command that runs while the receiver listens: it is told where, its signals
//! are passed on to it, and its status is ours.

use super::cannot_tell;
use super::face::Face;
use crate::cli::args::SinkArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::interrupt;
use crate::net::Interrupt;
use crate::sink::{Event, Listen, Sink};
use rustix::process::{Pid, PidfdFlags, Signal, getpgrp, pidfd_open, pidfd_send_signal};
use rustix::termios::tcgetpgrp;
use serde_json::json;
use signal_hook::consts::SIGCHLD;
use signal_hook::{flag, low_level};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::Arc;
use std::time::Duration;

/// What whoever supervises us sends to end or to steer what we run.
const PASSED_ON: [Signal; 6] =
    [Signal::HUP, Signal::INT, Signal::QUIT, Signal::TERM, Signal::USR1, Signal::USR2];

/// How long a client may leave its replies unread once the command is over.
const PATIENCE: Duration = Duration::from_secs(5);

/// Runs the command to its end, then tells what was caught, and gives the status
/// of the command: 128 + n where the signal n ended it, 127 where there is no
/// such command, and 126 where it cannot be run.
pub(super) fn run(
    args: &SinkArgs,
    ports: &[Listen],
    sink: Sink,
    ca: &Path,
    interrupt: &Interrupt,
    face: &mut Face<'_>,
) -> Result<Exit, Failure> {
    let [program, words @ ..] = args.command() else {
        return Err(Failure::say(Exit::Usage, "--run wants a command")
            .hint("as in: envoi sink --run make test"));
    };
    let name = program.display().to_string();
    let cannot = |error| cannot_run(&name, error);
    let signals = Signals::catch().map_err(cannot)?;
    let mut child = Command::new(program);
    finds(child.args(words), args, ports, &sink, ca);
    let mut child = child.spawn().map_err(cannot)?;
    signals.pass_on(&child).map_err(cannot)?;
    let status = child.wait().map_err(cannot)?;
    // From now on a signal is for us.
    interrupt::install_for(interrupt).map_err(cannot)?;
    let events = sink.finish(PATIENCE);
    tell(&events, status, face).map_err(cannot_tell)?;
    Ok(exit(status))
}

/// Tells the command where it finds the receiver.
fn finds(command: &mut Command, args: &SinkArgs, ports: &[Listen], sink: &Sink, ca: &Path) {
    let address = sink.address();
    let host = if address.ip().is_loopback() && address.is_ipv4() {
        // The name that the certificate has, and people type.
        "localhost".to_owned()
    } else {
        address.ip().to_string()
    };
    command
        .env("ENVOI_SERVER", args.url(&ports[0], address))
        // Whatever was said of another server does not hold for this one.
        .env_remove("ENVOI_ACCOUNT")
        .env_remove("ENVOI_USER")
        .env_remove("ENVOI_PASSWORD")
        .env_remove("ENVOI_PASSWORD_FILE")
        .env("ENVOI_TLS_CA", std::path::absolute(ca).unwrap_or_else(|_| ca.to_owned()))
        .env("SMTP_HOST", host)
        .env("SMTP_PORT", address.port().to_string());
    if let Some(user) = args.first_user() {
        command.env("ENVOI_USER", user);
    }
}

fn tell(events: &[Event], status: ExitStatus, face: &mut Face<'_>) -> io::Result<()> {
    for event in events {
        face.event(event)?;
    }
    let messages = events.iter().filter(|event| matches!(event, Event::Stored(_))).count();
    if face.json {
        let status = exit(status).status();
        return face.object(&json!({ "event": "ended", "messages": messages, "status": status }));
    }
    if messages == 0 && !face.quiet {
        return face.line("no message came");
    }
    Ok(())
}

fn exit(status: ExitStatus) -> Exit {
    let of_signal = || status.signal().and_then(|number| u8::try_from(number).ok());
    match status.code() {
        Some(code) => Exit::Other(u8::try_from(code).unwrap_or(u8::MAX)),
        None => Exit::Signal(of_signal().unwrap_or_default()),
    }
}

/// With the statuses that env(1) and shells have for it.
fn cannot_run(name: &str, error: io::Error) -> Failure {
    let status = if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 };
    Failure::caused(Exit::Other(status), format!("cannot run {name}"), error)
}

/// Signals that wait to be passed on.
struct Signals(Vec<(Signal, UnixStream)>);

impl Signals {
    /// From now on they end nothing here.
    fn catch() -> io::Result<Self> {
        // Who starts us may ignore this one; then nobody learns how the command
        // ended (wait(2)).
        flag::register(SIGCHLD, Arc::default())?;
        // What whoever starts us ignores, as nohup does, the command ignores, too.
        let is_ignored = interrupt::ignored();
        let heeded = |signal: &Signal| !is_ignored(signal.as_raw());
        let caught = PASSED_ON.into_iter().filter(heeded).map(|signal| {
            let (waiting, written) = UnixStream::pair()?;
            low_level::pipe::register(signal.as_raw(), written)?;
            Ok((signal, waiting))
        });
        Ok(Signals(caught.collect::<io::Result<_>>()?))
    }

    /// Passes them on to the command as they come, those that came already
    /// included.
    fn pass_on(self, child: &Child) -> io::Result<()> {
        // It names this process even when its number is given to another.
        let process = pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
        let process = Arc::new(process);
        for (signal, waiting) in self.0 {
            let process = Arc::clone(&process);
            std::thread::Builder::new()
                .name("signals".to_owned())
                .spawn(move || pass_on_one(signal, waiting, &process))?;
        }
        Ok(())
    }
}

fn pass_on_one(signal: Signal, mut waiting: UnixStream, process: &OwnedFd) {
    while waiting.read_exact(&mut [0]).is_ok() {
        let of_keys = matches!(signal, Signal::INT | Signal::QUIT);
        if !(of_keys && is_in_foreground()) {
            let _ = pidfd_send_signal(process, signal);
        }
    }
}

/// True where the keys of a terminal reach the command without us: it would
/// hear of Ctrl-C twice.
fn is_in_foreground() -> bool {
    let group = File::open("/dev/tty").and_then(|terminal| Ok(tcgetpgrp(terminal)?));
    group.is_ok_and(|group| group == getpgrp())
}
