//! The log, held against the one that msmtp writes about the same messages to
//! the same receiver, in a file and by way of rsyslog.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::server::{
    Kept, NOBODY, PASSWORD, USER, file, fill, free_ports, private_directory, program, tail,
    wait_until, wait_until_listening,
};
use crate::sink::receiver;

/// What comes of a message, the account that it is sent by, to whom, and what
/// both programs end with.
const CASES: &[(&str, &str, [i32; 2])] = &[
    ("clear", "you@example.net", [0, 0]),
    ("tls", "you@example.net", [0, 0]),
    ("clear", NOBODY, [65, 67]),
    ("wrong", "you@example.net", [77, 77]),
    ("down", "you@example.net", [75, 75]),
];

#[test]
fn a_line_is_that_of_msmtp_up_to_the_keys_behind_it() {
    let desk = Desk::start("log");
    for (account, recipient, [of_msmtp, of_envoi]) in CASES {
        assert_eq!(desk.msmtp(account, recipient, &[]), *of_msmtp);
        assert_eq!(desk.envoi(account, recipient, &[]), *of_envoi);
    }
    let recipients = "you@example.net,her@example.net";
    assert_eq!(desk.msmtp("clear", recipients, &[]), 0);
    assert_eq!(desk.envoi("clear", recipients, &[]), 0);
    let [msmtp, envoi] = ["msmtp.log", "envoi.log"].map(|name| lines(&desk.path().join(name)));
    assert_eq!((msmtp.len(), envoi.len()), (CASES.len() + 1, CASES.len() + 1));
    for (msmtp, envoi) in msmtp.iter().zip(&envoi) {
        same(&msmtp[TIME..], &envoi[TIME..]);
        for line in [msmtp, envoi] {
            // Jan 31 23:59:59
            let shape: String = line[..TIME].chars().map(shape).collect();
            assert_eq!(shape, "aaa 00 00:00:00 ", "{line}");
        }
    }
}

#[test]
fn a_line_in_the_systems_log_is_that_of_msmtp_up_to_the_keys_behind_it() {
    let desk = Desk::start("syslog");
    let daemon = Daemon::start(desk.path());
    let within: Vec<_> = daemon.world.iter().map(String::as_str).collect();
    for (account, recipient, _) in CASES {
        desk.msmtp(account, recipient, &within);
        desk.envoi(account, recipient, &within);
    }
    let kept = wait_until(
        || format!("ten lines\n{}", tail(&daemon.log)),
        || Some(lines(&daemon.log)).filter(|lines| lines.len() == 2 * CASES.len()),
    );
    for pair in kept.chunks(2) {
        let [msmtp, envoi] = pair else { panic!("{pair:?}") };
        // local3.info msmtp[1]: host=…
        let cut = |line: &str| {
            let (head, line) = line.split_once(": ").expect("a tag");
            let (level, tag) = head.split_once(' ').expect("a priority");
            let (name, _) = tag.split_once('[').unwrap_or((tag, ""));
            (level.to_owned(), name.to_owned(), line.to_owned())
        };
        let ((theirs, name, msmtp), (ours, own, envoi)) = (cut(msmtp), cut(envoi));
        assert_eq!((name.as_str(), own.as_str()), ("msmtp", "envoi"));
        assert_eq!(theirs, ours);
        same(&msmtp, &envoi);
    }
}

#[test]
fn a_long_line_comes_through_the_systems_log_with_what_decides() {
    let desk = Desk::start("syslog");
    let daemon = Daemon::start(desk.path());
    let recipients: Vec<_> = (0..99).map(|at| format!("recipient{at}@example.net")).collect();
    let within: Vec<_> = daemon.world.iter().map(String::as_str).collect();
    assert_eq!(desk.envoi("clear", &recipients.join(","), &within), 0);
    let line = wait_until(
        || format!("a line\n{}", tail(&daemon.log)),
        || lines(&daemon.log).into_iter().next(),
    );
    assert!(line.contains("recipient15@example.net,... mailsize="), "{line}");
    assert!(line.contains(" exitcode=EX_OK ") && line.contains(" elapsed="), "{line}");
}

/// The length of a time with the blank behind it.
const TIME: usize = "Jan 31 23:59:59 ".len();

fn shape(c: char) -> char {
    match c {
        'a'..='z' | 'A'..='Z' => 'a',
        '0'..='9' => '0',
        other => other,
    }
}

/// The same but for what is known to differ: the size, of which msmtp does not
/// count the CR of each line; the name of the stored message; and the status for
/// a recipient that the server does not know.
#[track_caller]
fn same(msmtp: &str, envoi: &str) {
    let (envoi, _) = envoi.split_once(" localid=").expect("keys of ours");
    let size = |line: &str| -> Option<usize> {
        line.split(' ').find_map(|field| field.strip_prefix("mailsize="))?.parse().ok()
    };
    assert_eq!(size(msmtp).map(|size| size + MESSAGE.lines().count()), size(envoi), "{envoi}");
    let comparable = |line: &str| {
        let line = line.replace("EX_DATAERR", "EX_NOUSER");
        let known = |word: &&str| !word.starts_with("mailsize=") && !word.starts_with('M');
        line.split(' ').filter(known).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(comparable(msmtp), comparable(envoi));
}

fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// A message that neither program adds anything to.
const MESSAGE: &str = "From: me@example.net\nTo: you@example.net\nSubject: x\n\
                       Date: Mon, 23 Nov 2026 04:03:37 +0000\nMessage-ID: <1@example.net>\n\n\
                       It's\n.a dot\n";

/// A receiver, and the configurations of both programs for it.
struct Desk {
    home: TempDir,
    _receiver: Kept,
}

impl Desk {
    /// `kind` is `log` or `syslog`.
    fn start(kind: &str) -> Self {
        let home = private_directory();
        let [port, closed] = free_ports();
        let listen = format!("127.0.0.1:{port}");
        let user = format!("{USER}:{PASSWORD}");
        let refusal = format!("{NOBODY}=550 5.1.1 It's nobody");
        let options = ["--listen", &listen, "--ca-out", "ca.pem", "--user", &user];
        let words = receiver(home.path(), &[&options[..], &["--refuse", &refusal]].concat());
        let process = Kept::followed(words, home.path(), "sink.log");
        wait_until_listening(&[port], home.path(), &["sink.log"]);
        let [logs, msmtp_logs] = match kind {
            "log" => ["log = 'envoi.log'", "logfile msmtp.log"],
            _ => ["log = 'syslog:local3'", "syslog LOG_LOCAL3"],
        };
        for (name, logs) in [("msmtprc", msmtp_logs), ("envoi.toml", logs)] {
            let template = fs::read_to_string(file(&format!("logged/{name}"))).expect("a template");
            let text = fill(
                &template,
                &[
                    ("LOG", &logs),
                    ("PORT", &port),
                    ("CLOSED", &closed),
                    ("USER", &USER),
                    ("PASSWORD", &PASSWORD),
                ],
            );
            let path = home.path().join(name);
            fs::write(&path, text).expect("writing a configuration");
            let only_ours = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            fs::set_permissions(&path, only_ours).expect("closing it");
        }
        Desk { home, _receiver: process }
    }

    fn path(&self) -> &Path {
        self.home.path()
    }

    fn msmtp(&self, account: &str, recipients: &str, within: &[&str]) -> i32 {
        let msmtp = program("msmtp", "msmtp").display().to_string();
        let options = ["-C", "msmtprc", "-a", account, "-f", "me@example.net", "--"];
        let recipients: Vec<_> = recipients.split(',').collect();
        self.run(&[within, &[msmtp.as_str()], &options, &recipients].concat())
    }

    fn envoi(&self, account: &str, recipients: &str, within: &[&str]) -> i32 {
        let envoi = env!("CARGO_BIN_EXE_envoi");
        let options = ["send", "-q", "-C", "envoi.toml", "-A", account, "--message", "-"];
        let recipients: Vec<_> = recipients.split(',').collect();
        self.run(&[within, &[envoi], &options, &recipients].concat())
    }

    /// Gives the message to this program.
    fn run(&self, words: &[&str]) -> i32 {
        let mut child = Command::new(words[0])
            .args(&words[1..])
            .env_clear()
            .envs([("PATH", "/usr/bin:/bin"), ("TZ", "UTC"), ("LANG", "C.UTF-8")])
            .env("HOME", self.path())
            .current_dir(self.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("starting {words:?}: {error}"));
        let mut stdin = child.stdin.take().expect("its standard input");
        stdin.write_all(MESSAGE.as_bytes()).expect("giving it the message");
        drop(stdin);
        child.wait().expect("waiting for it").code().expect("no signal ends it")
    }
}

/// rsyslog, and the words that run a program where it listens at /dev/log.
struct Daemon {
    log: std::path::PathBuf,
    world: Vec<String>,
    _process: Kept,
}

impl Daemon {
    fn start(home: &Path) -> Self {
        let at = |name: &str| home.join(name).display().to_string();
        let (socket, log) = (at("socket"), home.join("syslog"));
        let configuration = fs::read_to_string(file("logged/rsyslog.conf")).expect("a template");
        let configuration =
            fill(&configuration, &[("SOCKET", &socket), ("LOG", &log.display().to_string())]);
        fs::write(home.join("rsyslog.conf"), configuration).expect("writing a configuration");
        let daemon = program("rsyslogd", "rsyslog").display().to_string();
        let words = [&daemon, "-n", "-i", "NONE", "-f", &at("rsyslog.conf")];
        let process = Kept::followed(words, home, "rsyslogd.log");
        wait_until(
            || format!("rsyslog\n{}", tail(&home.join("rsyslogd.log"))),
            || std::os::unix::net::UnixDatagram::unbound().ok()?.connect(&socket).ok(),
        );
        let devices = home.join("dev");
        fs::create_dir(&devices).expect("making a directory");
        let unshare = program("unshare", "util-linux").display().to_string();
        let world = [&unshare, "--mount", "sh", "-c", OWN_DEVICES, "sh", &at("dev"), &socket];
        let world = world.map(str::to_owned).to_vec();
        Daemon { log, world, _process: process }
    }
}

/// A /dev of its own for a program: a few devices, and the link that a system
/// has to the socket of its log.
const OWN_DEVICES: &str = r#"
set -e
mount -t tmpfs -o mode=755 none "$1"
for device in null zero full random urandom; do
    : >"$1/$device"
    mount --bind "/dev/$device" "$1/$device"
done
ln -s "$2" "$1/log"
mount --rbind "$1" /dev
shift 2
exec "$@"
"#;
