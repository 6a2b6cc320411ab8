//! Dovecot's LMTP server, as a mail server hands it the mail of its users: over
//! TCP and over a Unix socket, with Maildirs behind it.
//!
//! It needs root, for users of its own. Nobody signs in.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, Weak};

use serde_json::Value;
use tempfile::TempDir;

use crate::authority::{AUTHORITY, write_certificates};
use crate::letter::{Arrived, Letter};
use crate::program::Client;
use crate::server::{
    Kept, Lent, Mode, Server, fill, free_ports, private_directory, program, tail, wait_until,
    wait_until_listening,
};

#[test]
fn a_letter_arrives_over_tcp_in_clear() {
    let server = dovecot_lmtp();
    let report = a_letter_arrives(&server, &server.in_clear(), &[]);
    assert_eq!(report["attempts"][0]["tls"], Value::Null, "{report:#}");
}

#[test]
fn a_letter_arrives_over_tcp_by_starttls() {
    let server = dovecot_lmtp();
    let client = server.client(format!("lmtp://localhost:{}", server.port));
    let authority = server.home().join(AUTHORITY);
    let report = a_letter_arrives(&server, &client, &["--tls-ca".into(), authority.into()]);
    assert_eq!(report["attempts"][0]["tls"]["verified"], true, "{report:#}");
}

#[test]
fn a_letter_arrives_over_a_socket_of_this_machine() {
    let server = dovecot_lmtp();
    let report = a_letter_arrives(&server, &server.by_socket(), &[]);
    let path = server.socket().display().to_string();
    assert_eq!(report["attempts"][0]["server"], path, "{report:#}");
    assert_eq!(report["attempts"][0]["address"], path, "{report:#}");
}

fn a_letter_arrives(server: &DovecotLmtp, client: &Client, options: &[OsString]) -> Value {
    let alice = Letter::someone("alice");
    let mut arguments = Letter::example().composed(client, &alice);
    arguments.extend(options.iter().cloned());
    let report = client.send(arguments).exits(0).report();
    assert_is_saved(&report["accepted"][0], &alice);
    Letter::example().assert_is_what(&Arrived::at(server, &alice));
    report
}

/// Dovecot's reply to a message names whom it is for.
#[track_caller]
fn assert_is_saved(told: &Value, recipient: &str) {
    let text = told["text"].as_str().unwrap_or_default();
    assert_eq!((&told["address"], &told["code"]), (&recipient.into(), &250.into()), "{told:#}");
    assert!(text.starts_with(&format!("<{recipient}> ")) && text.ends_with(" Saved"), "{told:#}");
}

#[test]
fn a_mailbox_that_is_full_keeps_the_message_from_nobody_else() {
    // 2033: unknown at RCPT, full after the dot.
    let server = dovecot_lmtp();
    for client in [server.in_clear(), server.by_socket()] {
        let [alice, full, unknown, bob] = ["alice", "full", "unknown", "bob"].map(Letter::someone);
        let to = [&*full, &unknown, &alice, &bob].join(",");
        let report = client.send(Letter::example().composed(&client, &to)).exits(1).report();
        assert_is_saved(&report["accepted"][0], &alice);
        assert_is_saved(&report["accepted"][1], &bob);
        let rejected: Vec<_> = ["address", "code", "enhanced"]
            .map(|key| (&report["rejected"][0][key], &report["rejected"][1][key]))
            .into();
        assert_eq!(rejected[0], (&full.as_str().into(), &unknown.as_str().into()), "{report:#}");
        assert_eq!(rejected[1], (&552.into(), &550.into()), "{report:#}");
        assert_eq!(rejected[2], (&"5.2.2".into(), &"5.1.1".into()), "{report:#}");
        for reader in [&alice, &bob] {
            Letter::example().assert_is_what(&Arrived::at(&*server, reader));
        }
        assert_eq!(server.stored(&full), None);
    }
}

#[test]
fn a_message_for_a_full_mailbox_alone_is_69_and_its_reply_is_told() {
    let server = dovecot_lmtp();
    let client = server.by_socket();
    let full = Letter::someone("full");
    let report = client.send(Letter::example().composed(&client, &full)).exits(69).report();
    assert_eq!(report["rejected"][0]["enhanced"], "5.2.2", "{report:#}");
    assert_eq!(report["hints"][0], "the mailbox is full: its owner has to make room", "{report:#}");
}

#[test]
fn a_message_for_nobody_that_is_known_is_67() {
    let server = dovecot_lmtp();
    let client = server.in_clear();
    let [unknown, stranger] = ["unknown", "stranger"].map(Letter::someone);
    let to = format!("{unknown},{stranger}");
    let mut arguments = Letter::example().composed(&client, &to);
    arguments.push("-v".into());
    let run = client.send(arguments).exits(67);
    let offered = run.report()["attempts"][0]["extensions"].to_string();
    assert!(offered.contains("PIPELINING"), "{offered}");
    assert!(run.stderr.contains("\n<** 503 "), "DATA for nobody\n{run}");
}

#[test]
fn each_of_many_recipients_has_the_reply_that_names_it() {
    let server = dovecot_lmtp();
    let client = server.by_socket();
    let people: Vec<String> =
        (0..60).map(|at| Letter::someone(["alice", "unknown", "bob"][at % 3])).collect();
    let report =
        client.send(Letter::example().composed(&client, &people.join(","))).exits(1).report();
    let known = people.iter().filter(|name| !name.starts_with("unknown"));
    let accepted = report["accepted"].as_array().expect("a list");
    assert_eq!(accepted.len(), 40, "{report:#}");
    for (told, recipient) in accepted.iter().zip(known) {
        assert_is_saved(told, recipient);
    }
}

#[test]
fn the_transcript_says_lhlo_and_whose_each_reply_is() {
    let server = dovecot_lmtp();
    let client = server.in_clear();
    let [alice, full] = ["alice", "full"].map(Letter::someone);
    let mut arguments = Letter::example().composed(&client, &format!("{alice},{full}"));
    arguments.push("-v".into());
    let run = client.send(arguments).exits(1);
    let lines: Vec<&str> = run.stderr.lines().collect();
    let has = |start: &str, end: &str| {
        lines.iter().any(|line| line.starts_with(start) && line.ends_with(end))
    };
    assert!(has(" -> LHLO ", "") && !has(" -> EHLO", "") && !has(" -> HELO", ""), "{run}");
    assert!(has("<-  250 2.0.0 ", &format!("Saved  [{alice}]")), "{run}");
    assert!(has("<** 552 5.2.2 ", &format!("  [{full}]")), "{run}");
}

#[test]
fn who_takes_it_for_a_server_of_smtp_is_told_better() {
    let server = dovecot_lmtp();
    let url = format!("smtp+notls://localhost:{}", server.port);
    let client = server.client(url);
    let alice = Letter::someone("alice");
    let report = client.send(Letter::example().composed(&client, &alice)).exits(69).report();
    let url = format!("lmtp+notls://localhost:{}", server.port);
    let hint = format!("the server may speak LMTP: --server {url}");
    assert_eq!(report["hints"][0], hint, "{report:#}");
    assert_eq!(server.stored(&alice), None);
}

struct DovecotLmtp {
    port: u16,
    _process: Kept,
    home: TempDir,
}

fn dovecot_lmtp() -> Lent<DovecotLmtp> {
    static SLOT: Mutex<Weak<DovecotLmtp>> = Mutex::new(Weak::new());
    Lent::from(&SLOT, DovecotLmtp::start)
}

/// `nobody`: the mail belongs to no real user.
const UID: u32 = 65534;

const LOGS: &[&str] = &["start.log", "dovecot.log"];

impl DovecotLmtp {
    fn start() -> Self {
        assert!(rustix::process::geteuid().is_root(), "Dovecot can only be started by root");
        let dovecot = program("dovecot", "dovecot-core");
        let doveadm = program("doveadm", "dovecot-core");
        let lmtp = Path::new("/usr/lib/dovecot/lmtp");
        assert!(
            lmtp.is_file(),
            "{} is not installed: apt-get install dovecot-lmtpd (tests/run does it)",
            lmtp.display()
        );

        let directory = private_directory();
        let [port] = free_ports();
        let home = directory.path();
        write_configuration(home, port);
        let conf = home.join("dovecot.conf");
        let process =
            Kept::guard([doveadm.as_os_str(), "-c".as_ref(), conf.as_os_str(), "stop".as_ref()]);
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(home.join("start.log"))
            .expect("opening a log");
        let status = Command::new(dovecot)
            .arg("-c")
            .arg(&conf)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("the log a second time"))
            .stderr(log)
            .status()
            .expect("starting Dovecot");
        let said: String = LOGS.iter().map(|log| tail(&home.join(log))).collect();
        assert!(status.success(), "Dovecot: {status}\n{said}");
        wait_until_listening(&[port], home, LOGS);
        let server = Self { port, _process: process, home: directory };
        wait_until(|| "Dovecot's socket".to_owned(), || server.socket().exists().then_some(()));
        server
    }

    fn socket(&self) -> PathBuf {
        self.home.path().join("lmtp.socket")
    }

    fn client(&self, url: String) -> Client {
        Client::of(self, Mode::Cleartext).by(url)
    }

    fn in_clear(&self) -> Client {
        self.client(format!("lmtp+notls://localhost:{}", self.port))
    }

    fn by_socket(&self) -> Client {
        self.client(format!("lmtp+unix:{}", self.socket().display()))
    }
}

impl Server for DovecotLmtp {
    fn port(&self, _mode: Mode) -> u16 {
        self.port
    }

    fn home(&self) -> &Path {
        self.home.path()
    }

    fn offers_enhanced_codes(&self) -> bool {
        true
    }

    /// From the recipient's own Maildir, which has one message at most.
    fn stored(&self, recipient: &str) -> Option<Vec<u8>> {
        let (user, _) = recipient.split_once('@')?;
        let mut new = fs::read_dir(self.home().join("mail").join(user).join("new")).ok()?;
        let path = new.next()?.expect("reading the Maildir").path();
        assert!(new.next().is_none(), "{recipient} got a message twice");
        Some(fs::read(path).expect("reading a stored message"))
    }

    fn logs(&self) -> &'static [&'static str] {
        LOGS
    }
}

fn write_configuration(home: &Path, port: u16) {
    write_certificates(home);
    for directory in ["mail", "dovecot"] {
        fs::create_dir(home.join(directory)).expect("making a directory of the server");
    }
    chown(home.join("mail"), Some(UID), Some(UID)).expect("giving away the mail");

    let values: [(&str, &dyn ToString); 2] = [("HOME", &home.display()), ("PORT", &port)];
    let conf = fill(include_str!("dovecot_lmtp/dovecot.conf"), &values);
    fs::write(home.join("dovecot.conf"), conf).expect("writing a configuration");
    let user = |name: &str, rest: &str| {
        format!("{name}::{UID}:{UID}::{}::{rest}\n", home.join("mail").join(name).display())
    };
    // As many as there may be addresses of `Letter::someone`.
    let users = (0..1000).map(|number| {
        let [alice, bob] = ["alice", "bob"].map(|name| user(&format!("{name}.{number}"), ""));
        let full = user(&format!("full.{number}"), "userdb_quota_rule=*:bytes=10");
        alice + &bob + &full
    });
    fs::write(home.join("users"), users.collect::<String>()).expect("writing the users");
}
