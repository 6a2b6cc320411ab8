//! GNOME's keyring: a daemon and a session bus of our own, asked through
//! libsecret's `secret-tool`.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::program::Run;
use crate::secrets::assert_tells_no_secret;
use crate::server::{
    Kept, PASSWORD, USER, free_ports, private_directory, program, tail, wait_until,
    wait_until_listening,
};

/// What unlocks the keyring.
const PASSPHRASE: &[u8] = b"Sesam, oeffne dich";

#[test]
fn a_password_in_the_keyring_signs_in_until_the_keyring_is_locked() {
    let desktop = Desktop::with_keyring();
    let receiver = Receiver::start();

    // No entry: what the hint says to do is done.
    let run = receiver.send(&desktop).exits(78);
    let (_, hint) = run.stderr.split_once("hint: to store it: ").expect("a hint");
    let hint = hint.lines().next().expect("a line");
    let stored = desktop.run(Command::new("sh").args(["-c", hint]), PASSWORD.as_bytes());
    assert_eq!(stored.status, 0, "{hint}\n{stored}");

    let run = receiver.send(&desktop).exits(0);
    assert_tells_no_secret(&run);
    assert_eq!(receiver.messages(), 1);

    let collection = "array:objpath:/org/freedesktop/secrets/collection/login";
    let mut lock = Command::new(program("dbus-send", "dbus-bin"));
    lock.args(["--session", "--print-reply", "--dest=org.freedesktop.secrets"]);
    lock.args(["/org/freedesktop/secrets", "org.freedesktop.Secret.Service.Lock", collection]);
    let locked = desktop.run(&mut lock, b"");
    assert_eq!(locked.status, 0, "{locked}");
    let run = receiver.send(&desktop).exits(75);
    assert_eq!(receiver.messages(), 1);
    assert!(run.stderr.contains("the keyring is locked\nhint: "), "{run}");
    assert_tells_no_secret(&run);
}

#[test]
fn what_msmtp_stored_is_found_and_what_is_for_others_is_not() {
    let desktop = Desktop::with_keyring();
    let receiver = Receiver::start();
    let store = |host: &str, service: &str, user: &str| {
        let mut tool = Command::new(program("secret-tool", "libsecret-tools"));
        // With the schema that msmtp gives its entries.
        tool.args(["store", "--label=msmtp", "xdg:schema", "de.marlam.msmtp.password"]);
        tool.args(["host", host, "service", service, "user", user]);
        let stored = desktop.run(&mut tool, PASSWORD.as_bytes());
        assert_eq!(stored.status, 0, "{stored}");
    };
    store("localhost", "smtp", "somebody else");
    store("localhost", "pop3", USER);
    store("mail.example.org", "smtp", USER);
    let run = receiver.send(&desktop).exits(78);
    assert!(run.stderr.contains("the keyring has no password for tester at localhost"), "{run}");
    store("localhost", "smtp", USER);
    receiver.send(&desktop).exits(0);
}

#[test]
fn where_no_keyring_listens_the_bus_says_so() {
    let desktop = Desktop::without_keyring();
    let run = Receiver::start().send(&desktop).exits(78);
    assert!(run.stderr.contains("the keyring cannot be asked: secret-tool: "), "{run}");
    assert!(run.stderr.contains("org.freedesktop.secrets"), "{run}");
}

/// A user's session with a bus, and perhaps with a keyring.
pub(crate) struct Desktop {
    home: TempDir,
    _session: Kept,
}

impl Desktop {
    pub(crate) fn with_keyring() -> Self {
        let keyring = program("gnome-keyring-daemon", "gnome-keyring");
        let keyring = keyring.display();
        let desktop = Desktop::start(&format!(
            "{keyring} --unlock --foreground --components=secrets <passphrase >keyring.log 2>&1 & \
             ours=$!; cat; kill $ours; wait $ours"
        ));
        let tool = program("secret-tool", "libsecret-tools");
        wait_until(
            || format!("the keyring\n{}", tail(&desktop.home().join("keyring.log"))),
            || {
                let mut search = Command::new(&tool);
                let found = desktop.run(search.args(["search", "no", "such"]), b"");
                (found.status == 0).then_some(())
            },
        );
        desktop
    }

    fn without_keyring() -> Self {
        let desktop = Desktop::start("cat");
        wait_until(|| "the bus".to_owned(), || desktop.home().join("bus").exists().then_some(()));
        desktop
    }

    /// Starts a bus that starts nobody else, and this on it, until its
    /// standard input ends.
    fn start(script: &str) -> Self {
        let home = private_directory();
        fs::set_permissions(home.path(), Permissions::from_mode(0o700)).expect("closing it");
        fs::write(home.path().join("passphrase"), PASSPHRASE).expect("writing the passphrase");
        let configuration = format!(
            "<busconfig><type>session</type><listen>unix:path={}/bus</listen>\
             <auth>EXTERNAL</auth><policy context='default'><allow send_destination='*'/>\
             <allow receive_sender='*'/><allow own='*'/></policy></busconfig>",
            home.path().display()
        );
        fs::write(home.path().join("bus.conf"), configuration).expect("writing a configuration");
        let log = fs::File::create(home.path().join("bus.log")).expect("making a log");
        let session = Kept::spawn(
            Command::new(program("dbus-run-session", "dbus-daemon"))
                .arg("--config-file")
                .arg(home.path().join("bus.conf"))
                .args(["--", "sh", "-c", script])
                .env_clear()
                .envs(environment(home.path()))
                .current_dir(home.path())
                .stdout(Stdio::null())
                .stderr(log),
        );
        Desktop { home, _session: session }
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Runs a program in the session to its end.
    fn run(&self, command: &mut Command, stdin: &[u8]) -> Run {
        let bus = format!("unix:path={}/bus", self.home().display());
        let mut child = command
            .env_clear()
            .envs(environment(self.home()))
            .env("DBUS_SESSION_BUS_ADDRESS", bus)
            .current_dir(self.home())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("starting {command:?}: {error}"));
        // Whether it reads this to its end is its affair.
        let _ = child.stdin.take().expect("its standard input").write_all(stdin);
        let output = child.wait_with_output().expect("waiting for it");
        let text = |octets: Vec<u8>| String::from_utf8_lossy(&octets).into_owned();
        Run {
            status: output.status.code().unwrap_or(-1),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

/// Nothing of the developer's own: no session, no display.
fn environment(home: &Path) -> Vec<(&'static str, OsString)> {
    vec![
        ("HOME", home.into()),
        ("XDG_RUNTIME_DIR", home.into()),
        ("XDG_CONFIG_HOME", home.join("config").into()),
        ("XDG_DATA_HOME", home.join("data").into()),
        ("XDG_CACHE_HOME", home.join("cache").into()),
        ("PATH", "/usr/bin:/bin".into()),
        ("LANG", "C.UTF-8".into()),
    ]
}

/// The receiver of the same program, which lets one user in.
struct Receiver {
    home: TempDir,
    port: u16,
    _process: Kept,
}

impl Receiver {
    fn start() -> Self {
        let home = private_directory();
        let [port] = free_ports();
        let log = fs::File::create(home.path().join("sink.log")).expect("making a log");
        let process = Kept::spawn(
            Command::new("sh")
                .args(["-c", "\"$@\" & ours=$!; cat; kill $ours; wait $ours", "sh"])
                .args([env!("CARGO_BIN_EXE_envoi"), "sink", "mail", "--require-auth"])
                .args(["--ca-out", "ca.pem", "--user", &format!("{USER}:{PASSWORD}")])
                .args(["--listen", &format!("127.0.0.1:{port}")])
                .current_dir(home.path())
                .stdout(Stdio::null())
                .stderr(log),
        );
        wait_until_listening(&[port], home.path(), &["sink.log"]);
        Receiver { home, port, _process: process }
    }

    /// Sends to it, signed in with what the keyring of the desktop says.
    fn send(&self, desktop: &Desktop) -> Run {
        let mut envoi = Command::new(env!("CARGO_BIN_EXE_envoi"));
        envoi
            .args(["send", "-v", "--server", &format!("smtp://localhost:{}", self.port)])
            .arg("--tls-ca")
            .arg(self.home.path().join("ca.pem"))
            .args(["--user", USER, "--password-from", "keyring"])
            .args(["-f", "me@example.net", "--body", "hi", "you@example.net"]);
        desktop.run(&mut envoi, b"")
    }

    fn messages(&self) -> usize {
        let messages = self.home.path().join("mail/new");
        fs::read_dir(messages).map_or(0, Iterator::count)
    }
}
