//! A terminal that a test types at.

use crate::running::{GENEROUS, Place, Started};
use rustix::pty::{OpenptFlags, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A terminal: what is typed goes in, what is shown comes out.
pub(crate) struct Terminal {
    master: File,
    name: OsString,
    pub(crate) shown: String,
}

impl Terminal {
    pub(crate) fn new() -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        unlockpt(&master).expect("unlocking it");
        let name = ptsname(&master, Vec::new()).expect("its name");
        rustix::io::ioctl_fionbio(&master, true).expect("not to wait for it");
        let name = OsStr::from_bytes(name.to_bytes()).to_owned();
        Terminal { master: File::from(master), name, shown: String::new() }
    }

    /// Starts envoi in a session of this terminal, with this text on standard
    /// input.
    pub(crate) fn start(&self, place: &Place, words: &[OsString], stdin: &str) -> Started {
        place.write("stdin", stdin, None);
        self.run(place, words, "exec \"$@\" <stdin")
    }

    /// The same with the terminal as standard input.
    pub(crate) fn start_at(&self, place: &Place, words: &[OsString]) -> Started {
        self.run(place, words, "exec \"$@\"")
    }

    /// Its standard input becomes the terminal of the session.
    fn run(&self, place: &Place, words: &[OsString], script: &str) -> Started {
        let envoi = place.envoi(words);
        let mut command = Command::new("setsid");
        command.args(["--ctty", "sh", "-c", script, "sh"]);
        command.arg(envoi.get_program()).args(envoi.get_args());
        command.env_clear().envs(envoi.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.current_dir(place.directory());
        let terminal = File::options().read(true).write(true).open(&self.name);
        command.stdin(terminal.expect("opening it")).stdout(Stdio::piped()).stderr(Stdio::piped());
        Started(command.spawn().expect("starting setsid"))
    }

    /// Waits until this is shown.
    #[track_caller]
    pub(crate) fn expect(&mut self, text: &str) {
        wait_until(&format!("{text:?} on the terminal"), || {
            let mut octets = [0; 1024];
            if let Ok(length) = self.master.read(&mut octets) {
                self.shown.push_str(&String::from_utf8_lossy(&octets[..length]));
            }
            self.shown.contains(text).then_some(())
        });
    }

    pub(crate) fn enter(&mut self, text: &str) {
        self.master.write_all(text.as_bytes()).expect("typing");
    }

    /// Whether what is typed is shown.
    pub(crate) fn echoes(&self) -> bool {
        tcgetattr(&self.master).expect("its modes").local_modes.contains(LocalModes::ECHO)
    }
}

/// Waits until this holds; what did not happen is said if it never does.
#[track_caller]
pub(crate) fn wait_until<T>(what: &str, mut answer: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = answer() {
            return answer;
        }
        assert!(started.elapsed() < GENEROUS, "waited for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
