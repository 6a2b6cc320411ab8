//! Running the binary, as a user with a directory and nothing else.

use rustix::process::Signal;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// No run takes as long as this; one that does hangs.
pub(crate) const GENEROUS: Duration = Duration::from_secs(60);

/// Where a run takes place: its directory, which is home, too, and its
/// environment.
pub(crate) struct Place {
    directory: TempDir,
    environment: BTreeMap<String, String>,
    placeholders: Vec<(String, String)>,
}

/// What a run came to.
pub(crate) struct Run {
    /// As a shell gives it: 128 and the number of the signal that ended it.
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("making a directory");
        let home = directory.path().to_str().expect("a path in UTF-8").to_owned();
        let environment = [
            ("HOME", home.clone()),
            ("XDG_CONFIG_HOME", format!("{home}/config")),
            ("XDG_STATE_HOME", format!("{home}/state")),
            ("PATH", "/usr/bin:/bin".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
            // How wide help and wrong command lines are set.
            ("COLUMNS", "100".to_owned()),
        ];
        let environment =
            environment.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Place { directory, environment, placeholders: vec![("{dir}".to_owned(), home)] }
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn call(&mut self, placeholder: &str, value: String) {
        self.placeholders.push((placeholder.to_owned(), value));
    }

    pub(crate) fn set(&mut self, name: &str, value: String) {
        self.environment.insert(name.to_owned(), value);
    }

    /// The text with its placeholders filled in.
    pub(crate) fn filled(&self, text: &str) -> String {
        let fill = |text: String, (name, value): &(String, String)| text.replace(name, value);
        self.placeholders.iter().fold(text.to_owned(), fill)
    }

    /// Writes a file below the directory; without a mode, one that everybody
    /// may read.
    pub(crate) fn write(&self, path: &str, text: &str, mode: Option<u32>) {
        let path = self.directory().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("making a directory");
        fs::write(&path, text).expect("writing a file");
        let mode = Permissions::from_mode(mode.unwrap_or(0o644));
        fs::set_permissions(&path, mode).expect("setting a mode");
    }

    /// Makes a directory below the directory.
    pub(crate) fn make_directory(&self, path: &str, mode: Option<u32>) {
        let path = self.directory().join(path);
        fs::create_dir_all(&path).expect("making a directory");
        let mode = Permissions::from_mode(mode.unwrap_or(0o755));
        fs::set_permissions(&path, mode).expect("setting a mode");
    }

    /// Makes a symbolic link below the directory.
    pub(crate) fn link(&self, path: &str, target: &str) {
        let path = self.directory().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("making a directory");
        std::os::unix::fs::symlink(target, path).expect("making a link");
    }

    /// The messages in the queue, by their identifiers.
    pub(crate) fn queued(&self) -> Vec<String> {
        let names = fs::read_dir(self.directory().join("state/envoi/queue")).into_iter().flatten();
        let names = names.map(|entry| entry.expect("an entry").file_name());
        let is_id = |name: &String| name.len() == 16 && !name.contains(['-', '.']);
        let mut ids: Vec<String> =
            names.filter_map(|name| name.into_string().ok()).filter(is_id).collect();
        ids.sort();
        ids
    }

    /// Calls the only message in the queue {id}.
    pub(crate) fn meet_message(&mut self) {
        if let [id] = &self.queued()[..] {
            self.call("{id}", id.clone());
        }
    }

    /// The program with these words, ready to be started.
    pub(crate) fn envoi<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_envoi"));
        command.args(words);
        command
    }

    /// Another program in the same place, ready to be started.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .envs(&self.environment)
            .current_dir(self.directory())
            // Ctrl-C goes to a program and to those that it started.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run<S: AsRef<OsStr>>(
        &self,
        words: impl IntoIterator<Item = S>,
        stdin: Option<&str>,
    ) -> Run {
        let mut command = self.envoi(words);
        if let Some(text) = stdin {
            let mut file = tempfile::tempfile().expect("making a file");
            file.write_all(text.as_bytes()).expect("writing a file");
            std::io::Seek::rewind(&mut file).expect("rewinding a file");
            command.stdin(file);
        }
        finished(command)
    }
}

/// Starts the program and waits for its end.
pub(crate) fn finished(mut command: Command) -> Run {
    Started(command.spawn().expect("starting envoi")).finish()
}

/// A program that does not outlive the test that waits for it.
pub(crate) struct Started(pub(crate) Child);

impl Started {
    /// Asks it to stop, as Ctrl-C does.
    pub(crate) fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// Sends a signal to it and those that it started.
    pub(crate) fn signal(&self, signal: Signal) {
        let id = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process_group(id, signal).expect("sending a signal");
    }

    /// Waits for its end.
    pub(crate) fn finish(mut self) -> Run {
        let (out, err) = (self.0.stdout.take(), self.0.stderr.take());
        let [out, err] = [out.map(reader), err.map(reader)];
        let text = |reader: Option<std::thread::JoinHandle<String>>| {
            reader.map_or_else(String::new, |reader| reader.join().expect("reading"))
        };
        let status = self.wait();
        let status = status.code().or(status.signal().map(|number| 128 + number));
        Run { status: status.expect("an end"), stdout: text(out), stderr: text(err) }
    }

    fn wait(&mut self) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().expect("waiting for envoi") {
                return status;
            }
            assert!(started.elapsed() < GENEROUS, "envoi hangs");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn reader(mut source: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut octets = Vec::new();
        let _ = source.read_to_end(&mut octets);
        String::from_utf8_lossy(&octets).into_owned()
    })
}

/// A device that is always full.
pub(crate) fn full() -> File {
    File::options().write(true).open("/dev/full").expect("/dev/full")
}

/// The words on one line, for a failure.
pub(crate) fn quoted(words: &str) -> String {
    words.replace('\n', "\\n").replace('\r', "\\r")
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Run { status, stdout, stderr } = self;
        write!(f, "status {status}\n--- stdout\n{stdout}--- stderr\n{stderr}---")
    }
}
