//! The program as the sendmail of a machine, called by the programs that people
//! have: cron, at, mail programs, git, swaks, PHP, and libraries of PHP, Perl and
//! Node.js.
//!
//! Each runs in namespaces of its own (`callers/enter.sh`), as a user of that
//! machine, and calls whatever it calls. What it calls with is written down at
//! its test, as seen there. The mail goes to Postfix, signed in over TLS, and the
//! tests read how it arrived.

mod daemons;
mod dialogues;
mod hostile;
mod libraries;
mod mail_programs;

pub(crate) use daemons::cron;

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;
use tempfile::TempDir;

use crate::authority::AUTHORITY;
use crate::letter::{Arrived, Letter};
use crate::postfix::Postfix;
use crate::program::{Run, finished};
use crate::server::{
    Kept, Mode, PASSWORD, Server, USER, file, free_ports, private_directory, tail, wait_until,
};

/// What the machine calls its users' mail.
pub(crate) const DOMAIN: &str = "box.example.org";

/// A user of the machine besides root: name, number, full name.
pub(crate) const TERRY: &str = "terry";
const TERRYS_NUMBER: u32 = 12_345;

/// What callers write that have a choice: nothing of it may change on the way.
const SUBJECT: &str = "Grüße aus Zürich";
const TEXT: &str = "Grüezi\n.\n..two\nend\n";

/// A machine whose sendmail is the program.
pub(crate) struct Machine {
    home: TempDir,
    log: Log,
    /// Where mail to root and to Terry goes by the aliases of the machine.
    pub(crate) root: String,
    pub(crate) terry: String,
}

impl Machine {
    /// One whose mail goes to this server.
    pub(crate) fn before(server: &Postfix) -> Self {
        let machine = Self::new();
        machine.lead_to(server);
        machine
    }

    /// One whose server is down, and that keeps nothing.
    pub(crate) fn cut_off() -> Self {
        let machine = Self::new();
        let [port] = free_ports();
        machine.configure(port, "[queue]\nwhen = \"never\"\n");
        machine
    }

    /// One whose server is down, and that keeps what it cannot send.
    pub(crate) fn waiting() -> Self {
        let machine = Self::new();
        let [port] = free_ports();
        machine.configure(port, "[queue]\nkeep-free = \"0%\"\n");
        machine
    }

    /// The server that its mail goes through from now on.
    pub(crate) fn lead_to(&self, server: &Postfix) {
        let authority = fs::read(server.home().join(AUTHORITY)).expect("reading the authority");
        self.write("etc/envoi/authority.pem", authority);
        let trust = "tls-ca = \"/etc/envoi/authority.pem\"\n";
        self.configure(server.port(Mode::Starttls), trust);
    }

    fn configure(&self, port: u16, more: &str) {
        self.write(
            "etc/envoi/config.toml",
            format!(
                "[accounts.main]\n\
                 server = \"smtp://localhost:{port}\"\n\
                 user = \"{USER}\"\n\
                 password = {{ file = \"/etc/envoi/password\" }}\n\
                 log = \"syslog\"\n\
                 {more}"
            ),
        );
    }

    fn new() -> Self {
        assert!(rustix::process::geteuid().is_root(), "only root can make namespaces");
        let home = private_directory();
        for directory in ["etc/envoi", "place", "root", "run", "terry", "tmp"] {
            fs::create_dir_all(home.path().join(directory)).expect("making a directory");
        }
        let log = Log::at(&home.path().join("run/log"));
        let (root, terry) = (Letter::someone("root"), Letter::someone(TERRY));
        let machine = Self { home, log, root, terry };
        let path = |name: &str| machine.home.path().join(name);
        fs::set_permissions(path("tmp"), Permissions::from_mode(0o1777)).expect("opening tmp");
        let number = Some(TERRYS_NUMBER);
        chown(path("terry"), number, number).expect("giving Terry a home");

        let terrys_home = path("terry").display().to_string();
        let user = format!("{TERRYS_NUMBER}:{TERRYS_NUMBER}:Terry Tester,,,:{terrys_home}:/bin/sh");
        machine.write("users", format!("{TERRY}:x:{user}\n"));
        machine.write("shadow", format!("{TERRY}:*:20000:0:99999:7:::\n"));
        machine.write("etc/hostname", "box\n");
        machine.write("etc/mailname", format!("{DOMAIN}\n"));
        machine
            .write("etc/aliases", format!("root: {}\n{TERRY}: {}\n", machine.root, machine.terry));
        // Root's, and so it may be read by all: cron sends as the user of a job.
        machine.write("etc/envoi/password", PASSWORD);
        machine
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Writes a file of its home, for all to read.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.home.path().join(name);
        fs::create_dir_all(path.parent().expect("it is below the home")).expect("a directory");
        fs::write(&path, content).expect("writing a file of the machine");
        path
    }

    /// Copies a file of `callers/` to where everybody on the machine can read it.
    fn script(&self, name: &str) -> String {
        let content = fs::read(file(&format!("callers/{name}"))).expect("reading a script");
        self.write(name, content).display().to_string()
    }

    /// Runs a program as this user in his home, with this on standard input, to
    /// its end.
    #[track_caller]
    pub(crate) fn run(&self, user: &str, words: &[&str], input: &str) -> Run {
        let input = fs::File::open(self.write("input", input)).expect("opening the input");
        let mut command = Command::new("env");
        finished(command.args(self.entering(user, words)).stdin(input), self.home.path())
    }

    /// Starts a program as root that ends with its standard input, and with it
    /// all that it started. It writes to `NAME.log`.
    pub(crate) fn keep(&self, name: &str, words: &[&str]) -> Kept {
        let log = fs::File::create(self.home.path().join(format!("{name}.log")));
        let log = log.expect("making a log");
        let mut command = Command::new("env");
        command.args(self.entering("root", words));
        Kept::spawn(command.stdout(log.try_clone().expect("the log a second time")).stderr(log))
    }

    /// What `env` is told: nothing of the developer's own goes along.
    fn entering(&self, user: &str, words: &[&str]) -> Vec<OsString> {
        let home = self.home.path();
        let users_home = if user == "root" { PathBuf::from("/root") } else { home.join(user) };
        let variable = |name: &str, value: &Path| {
            let mut variable = OsString::from(format!("{name}="));
            variable.push(value);
            variable
        };
        let mut entering: Vec<OsString> = vec![
            "-i".into(),
            variable("HOME", &users_home),
            variable("TMPDIR", &home.join("tmp")),
            "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".into(),
            "LANG=C.UTF-8".into(),
            // Where Debian's packages of Node.js are, whoever built the program.
            "NODE_PATH=/usr/share/nodejs".into(),
        ];
        let unshare = ["unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child", "sh"];
        entering.extend(unshare.map(Into::into));
        entering.extend([file("callers/enter.sh").into(), home.into()]);
        entering.extend([env!("CARGO_BIN_EXE_envoi").into(), user.into()]);
        entering.extend(words.iter().map(Into::into));
        entering
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if thread::panicking() {
            for entry in fs::read_dir(self.home()).into_iter().flatten().flatten() {
                if entry.path().extension().is_some_and(|extension| extension == "log") {
                    eprint!("{}", tail(&entry.path()));
                }
            }
            eprintln!("--- the log of the system\n{}", self.log.text());
        }
    }
}

/// The log of a system, which programs reach at a socket.
struct Log {
    socket: PathBuf,
    text: Arc<Mutex<String>>,
}

impl Log {
    fn at(socket: &Path) -> Self {
        let listener = UnixDatagram::bind(socket).expect("making the socket of the log");
        fs::set_permissions(socket, Permissions::from_mode(0o666)).expect("opening it to all");
        let text = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&text);
        thread::spawn(move || {
            let mut line = [0; 4096];
            while let Ok(length @ 1..) = listener.recv(&mut line) {
                let line = String::from_utf8_lossy(&line[..length]);
                let mut text = kept.lock().expect("nobody panics here");
                text.push_str(line.trim_end());
                text.push('\n');
            }
        });
        Self { socket: socket.to_owned(), text }
    }

    fn text(&self) -> String {
        self.text.lock().expect("nobody panics here").clone()
    }

    /// Waits until it has this.
    fn wait_for(&self, what: &str) {
        let said = || self.text().contains(what).then_some(());
        wait_until(|| format!("‘{what}’ in the log\n{}", self.text()), said);
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        // Nothing is what ends the thread.
        if let Ok(socket) = UnixDatagram::unbound() {
            let _ = socket.send_to(&[], &self.socket);
        }
    }
}

/// Every one of them and nobody else must have the message, signed in for and from this sender,
/// with each field that a message must have once, and none that tells of blind
/// copies. The first one's copy is given back.
#[track_caller]
pub(crate) fn arrived(server: &Postfix, sender: &str, recipients: &[&str]) -> Arrived {
    let mut copies = recipients.iter().map(|recipient| Arrived::at(server, recipient));
    let first = copies.next().expect("a recipient");
    for copy in copies {
        assert_eq!(copy.id(), first.id());
        check(&copy, sender);
    }
    check(&first, sender);
    assert_eq!(server.recipients_of(&first), recipients.len());
    first
}

#[track_caller]
fn check(arrived: &Arrived, sender: &str) {
    let octets = String::from_utf8_lossy(arrived.octets());
    assert!(octets.starts_with(&format!("Return-Path: <{sender}>\n")), "{octets}");
    assert!(arrived.says(&format!("(Authenticated sender: {USER})")), "{octets}");
    let mut defects = arrived.read()["defects"].as_array().expect("a list").iter();
    // Encoded-words where none may be are Nodemailer's, for old readers.
    let theirs = |defect: &Value| defect.to_string().to_ascii_lowercase().contains("encoded");
    assert!(defects.all(theirs), "{octets}");
    for field in ["date", "from", "message-id", "to"] {
        assert_eq!(arrived.count(field), 1, "{field} in\n{octets}");
    }
    assert_eq!(arrived.count("bcc"), 0, "{octets}");
}

/// The name of a program, if its package is there: the machine has only what
/// Debian's packages bring.
#[track_caller]
pub(crate) fn packaged(name: &str, package: &str) -> PathBuf {
    ["/usr/bin", "/usr/sbin"]
        .into_iter()
        .map(|directory| Path::new(directory).join(name))
        .find(|file| file.is_file())
        .unwrap_or_else(|| {
            panic!("{name} is not installed: apt-get install {package} (tests/run does it)")
        })
}
