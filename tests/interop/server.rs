//! What every server has in common: a private directory, ports of its own, a
//! way to know that it is up, and an end whatever happens to the tests.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::net::{TcpListener, TcpStream};
use std::ops::Deref;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Who may sign in, at every server.
pub(crate) const USER: &str = "tester";
pub(crate) const PASSWORD: &str = "Geheim.42!unter-uns";

/// Refused with 550 5.1.1 and 450 4.2.0 by every server; any other address of
/// example.net is taken.
pub(crate) const NOBODY: &str = "nobody@example.net";
pub(crate) const LATER: &str = "later@example.net";

/// How long anything that must happen may take. Only a failure takes so long.
const BOUND: Duration = Duration::from_secs(30);

/// How a client reaches the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// No TLS, and nobody signs in.
    Cleartext,
    /// TLS by STARTTLS, then AUTH.
    Starttls,
    /// TLS from the first octet, then AUTH.
    ImplicitTls,
}

impl Mode {
    /// The port of this mode; they stand in the order of the modes.
    pub(crate) fn among(self, [cleartext, starttls, implicit]: [u16; 3]) -> u16 {
        match self {
            Self::Cleartext => cleartext,
            Self::Starttls => starttls,
            Self::ImplicitTls => implicit,
        }
    }
}

/// One way in, for what depends on the version of TLS or on its absence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Door {
    pub(crate) mode: Mode,
    pub(crate) port: u16,
    /// The version of TLS that is spoken, as in a report, or nothing.
    pub(crate) tls: &'static str,
}

impl Door {
    pub(crate) fn clear(port: u16) -> Self {
        Self { mode: Mode::Cleartext, port, tls: "" }
    }

    pub(crate) fn starttls(port: u16, tls: &'static str) -> Self {
        Self { mode: Mode::Starttls, port, tls }
    }

    pub(crate) fn implicit(port: u16, tls: &'static str) -> Self {
        Self { mode: Mode::ImplicitTls, port, tls }
    }

    pub(crate) fn is_clear(self) -> bool {
        self.mode == Mode::Cleartext
    }
}

/// One running server.
pub(crate) trait Server {
    /// The port on 127.0.0.1 that speaks this way.
    fn port(&self, mode: Mode) -> u16;

    /// Its private directory, where the certificates lie as well.
    fn home(&self) -> &Path;

    /// Whether it says that its replies carry enhanced status codes. Where it
    /// does not, one that looks like it is part of the text (RFC 2034 §3).
    fn offers_enhanced_codes(&self) -> bool;

    /// The octets stored for this recipient, as soon as there are any.
    fn stored(&self, recipient: &str) -> Option<Vec<u8>>;

    /// What the server said about itself, for whoever reads a failure.
    fn logs(&self) -> &'static [&'static str];

    /// A challenge of SCRAM with the salt of the password, where it is known.
    fn standing_challenge(&self) -> Option<Vec<u8>> {
        None
    }

    /// What was said so far while somebody signed in, where that is kept.
    fn exchange(&self) -> Exchange {
        Exchange::default()
    }
}

/// What was said while somebody signed in, in the order in which it was said.
#[derive(Default)]
pub(crate) struct Exchange {
    /// What servers asked, decoded.
    pub(crate) challenges: Vec<Vec<u8>>,
    /// What clients answered, in base64.
    pub(crate) answers: Vec<Vec<u8>>,
}

impl Exchange {
    /// Without what was known before.
    pub(crate) fn since(mut self, before: &Self) -> Self {
        self.challenges.drain(..before.challenges.len());
        self.answers.drain(..before.answers.len());
        self
    }
}

/// What has logs in a directory of its own: a server of mail, or another.
pub(crate) trait Logged {
    /// Its private directory.
    fn directory(&self) -> &Path;

    /// The names of its logs there.
    fn names(&self) -> &'static [&'static str];
}

impl<S: Server> Logged for S {
    fn directory(&self) -> &Path {
        self.home()
    }

    fn names(&self) -> &'static [&'static str] {
        self.logs()
    }
}

/// A server in use by one test. The last one to let go stops it; a test that
/// fails prints the end of the server's logs first.
pub(crate) struct Lent<S: Logged>(Arc<S>);

impl<S: Logged> Lent<S> {
    /// The server in `slot` if some test is using it, else a new one.
    ///
    /// Statics are never dropped, so the slot does not own what it refers to.
    pub(crate) fn from(slot: &Mutex<Weak<S>>, start: impl FnOnce() -> S) -> Self {
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let server = slot.upgrade().unwrap_or_else(|| Arc::new(start()));
        *slot = Arc::downgrade(&server);
        Self(server)
    }
}

impl<S: Logged> Deref for Lent<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.0
    }
}

impl<S: Logged> Drop for Lent<S> {
    fn drop(&mut self) {
        if thread::panicking() {
            for log in self.names() {
                eprint!("{}", tail(&self.directory().join(log)));
            }
        }
    }
}

/// A child that ends when its standard input does.
///
/// This process alone holds the other end, so the child ends when this value is
/// dropped, and also when the whole process is killed.
pub(crate) struct Kept(Child);

impl Kept {
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let child = command
            .stdin(Stdio::piped())
            // Ctrl-C on the terminal is for this process; the child follows it.
            .process_group(0)
            .spawn();
        Self(child.unwrap_or_else(|error| panic!("starting {command:?}: {error}")))
    }

    /// A child that takes no notice of its standard input, and is told to stop.
    /// It works in `home`, and its output goes to `log` there.
    pub(crate) fn followed<A: AsRef<OsStr>>(
        words: impl IntoIterator<Item = A>,
        home: &Path,
        log: &str,
    ) -> Self {
        let log = File::create(home.join(log)).expect("making a log");
        Self::spawn(
            Command::new("sh")
                .args(["-c", r#""$@" & cat >/dev/null; kill $!; wait"#, "follow"])
                .args(words)
                .current_dir(home)
                .stdout(log.try_clone().expect("the log a second time"))
                .stderr(log),
        )
    }

    /// Runs `stop` at the end: for servers that go their own way once started.
    pub(crate) fn guard<A: AsRef<OsStr>>(stop: impl IntoIterator<Item = A>) -> Self {
        Self::spawn(
            Command::new("sh")
                .args(["-c", r#"cat; exec "$@" >/dev/null 2>&1"#, "guard"])
                .args(stop)
                .stdout(Stdio::null()),
        )
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// A directory of our own that the servers' users may enter, wherever TMPDIR
/// points. The path is short: a Unix socket in it must fit 107 octets.
pub(crate) fn private_directory() -> TempDir {
    // What is put into it is theirs to read too, whatever the caller's habit.
    rustix::process::umask(rustix::fs::Mode::WGRP | rustix::fs::Mode::WOTH);
    tempfile::Builder::new()
        .prefix("envoi-interop-")
        .permissions(fs::Permissions::from_mode(0o755))
        .tempdir_in("/tmp")
        .expect("making a private directory in /tmp")
}

/// Ports that were free a moment ago, all different, below the range from which
/// the kernel takes the ports of outgoing connections.
pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    let start = RandomState::new().hash_one(()) % 10_000;
    let mut free = (0..10_000)
        .map(|step| 20_000 + u16::try_from((start + step) % 10_000).expect("below 10,000"))
        .filter_map(|port| TcpListener::bind(("127.0.0.1", port)).ok());
    let held: [TcpListener; N] = std::array::from_fn(|_| free.next().expect("a free port"));
    held.map(|listener| listener.local_addr().expect("a bound port").port())
}

/// Returns when somebody listens on all of these ports.
pub(crate) fn wait_until_listening(ports: &[u16], home: &Path, logs: &[&str]) {
    for &port in ports {
        wait_until(
            || {
                let logs: String = logs.iter().map(|log| tail(&home.join(log))).collect();
                format!("a server on port {port}\n{logs}")
            },
            || TcpStream::connect(("127.0.0.1", port)).ok(),
        );
    }
}

/// Asks again until there is an answer, and panics with `what` did not happen
/// if there is none for a long time.
pub(crate) fn wait_until<T>(what: impl Fn() -> String, mut answer: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + BOUND;
    loop {
        if let Some(answer) = answer() {
            return answer;
        }
        let waited = BOUND.as_secs();
        assert!(Instant::now() < end, "waited {waited} s for {}", what());
        thread::sleep(Duration::from_millis(50));
    }
}

/// Runs a command that starts a server and leaves it behind. Its output goes to
/// a file, `start.log` in `home`: the server inherits it, and a pipe would never
/// end.
pub(crate) fn launch(home: &Path, logs: &[&str], command: &mut Command) {
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(home.join("start.log"))
        .expect("opening a log");
    let status = command
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("the log a second time"))
        .stderr(log)
        .status()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said: String = logs.iter().map(|log| tail(&home.join(log))).collect();
    assert!(status.success(), "{command:?}: {status}\n{said}");
}

/// The message of a Maildir in which this is said.
pub(crate) fn maildir_message(maildir: &Path, mark: &str) -> Option<Vec<u8>> {
    let new = fs::read_dir(maildir.join("new")).ok()?;
    new.map(|entry| entry.expect("reading a Maildir").path())
        .map(|path| fs::read(path).expect("reading a stored message"))
        .find(|octets| String::from_utf8_lossy(octets).contains(mark))
}

/// Fills in the `@NAME@`s of a configuration.
pub(crate) fn fill(template: &str, values: &[(&str, &dyn ToString)]) -> String {
    let mut text = template.to_owned();
    for (name, value) in values {
        text = text.replace(&format!("@{name}@"), &value.to_string());
    }
    text
}

/// Where a program is, also when a user's PATH leaves out the system's.
pub(crate) fn program(name: &str, package: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/bin", "/sbin", "/bin"].map(PathBuf::from))
        .map(|directory| directory.join(name))
        .find(|file| file.is_file())
        .unwrap_or_else(|| {
            panic!("{name} is not installed: apt-get install {package} (tests/run does it)")
        })
}

/// The Python that apt installs modules for, else the one in the PATH.
pub(crate) fn python() -> PathBuf {
    let debian = PathBuf::from("/usr/bin/python3");
    if debian.is_file() { debian } else { program("python3", "python3") }
}

/// A file of this directory, by its name.
pub(crate) fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop").join(name)
}

/// The last lines of a log, under its name.
pub(crate) fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(40)..];
    format!("--- {}\n{}\n", log.display(), last.join("\n"))
}
