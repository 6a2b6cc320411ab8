//! The receiver of the program itself, as its users start it.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, Weak};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::authority::{AUTHORITY, write_certificates};
use crate::program::finished;
use crate::server::{
    Door, Kept, Lent, Mode, PASSWORD, Server, USER, free_ports, maildir_message, private_directory,
    program, wait_until, wait_until_listening,
};
use crate::sign_in::{Offers, each_mechanism_works, in_each_mechanism};
use crate::token::token;

in_each_mechanism!(sink);

#[test]
fn each_mechanism_of_a_receiver_for_anyone_works() {
    let server = Sink::start(&[]);
    each_mechanism_works(&server);
}

/// Runs a shell script for which a receiver listens, and gives the lines of
/// `--json`.
fn lines_of(options: &[&str], script: &str) -> Vec<Value> {
    let directory = private_directory();
    let home = directory.path();
    let words = receiver(home, options);
    let ran = finished(
        Command::new(&words[0])
            .args(&words[1..])
            .args(["--json", "--run", "sh", "-ec", script])
            .current_dir(home)
            .stdin(Stdio::null()),
        home,
    )
    .exits(0);
    ran.stdout.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// The member of each line about a message.
fn of_stored(lines: &[Value], member: &str) -> Vec<Value> {
    let stored = lines.iter().filter(|line| line["event"] == "stored");
    stored.map(|line| line[member].clone()).collect()
}

#[test]
fn what_swaks_says_by_xclient_is_believed() {
    let swaks = program("swaks", "swaks");
    let script = format!(
        "{} --server localhost:$SMTP_PORT --from me@client.example --to b@x.example \
         --xclient-addr 2001:db8::1 --xclient-name n.example --xclient-login bob \
         --xclient-helo h.example --xclient-proto ESMTP -tlso >&2",
        swaks.display()
    );
    let lines = lines_of(&["--xclient", "--require-auth"], &script);
    let peer = json!({ "address": "2001:db8::1", "port": null, "name": "n.example" });
    assert_eq!(of_stored(&lines, "peer"), [peer]);
    assert_eq!(of_stored(&lines, "user"), ["bob"]);
    assert_eq!(of_stored(&lines, "xclient")[0]["HELO"], "h.example");
}

#[test]
fn what_swaks_and_curl_say_for_a_proxy_is_believed() {
    let (swaks, curl) = (program("swaks", "swaks"), program("curl", "curl"));
    let (swaks, curl) = (swaks.display(), curl.display());
    let script = format!(
        r#"for version in "1 --proxy-family TCP4" "2 --proxy-family AF_INET --proxy-protocol STREAM"; do
               {swaks} --server localhost:$SMTP_PORT --from me@client.example --to b@x.example \
                   --proxy-version $version --proxy-source 192.0.2.9 --proxy-source-port 99 \
                   --proxy-dest 192.0.2.10 --proxy-dest-port 25 >&2
           done
           printf 'Subject: x\n\nhi\n' | {curl} -sS --crlf --haproxy-protocol smtp://localhost:$SMTP_PORT \
               --mail-from me@client.example --mail-rcpt c@x.example -T -
           printf 'Subject: x\n\nhi\n' | {curl} -sS --crlf --haproxy-protocol --ssl-reqd \
               --cacert "$ENVOI_TLS_CA" smtp://localhost:$SMTP_PORT \
               --mail-from me@client.example --mail-rcpt c@x.example -T -"#
    );
    let lines = lines_of(&["--proxy-protocol"], &script);
    let of_swaks = json!({ "address": "192.0.2.9", "port": 99, "name": null });
    let peers = of_stored(&lines, "peer");
    assert_eq!(peers[..2], [of_swaks.clone(), of_swaks]);
    // curl speaks for itself.
    assert_eq!(peers[2]["address"], "127.0.0.1");
    assert_eq!(of_stored(&lines, "tls")[3], "TLS 1.3");
    let proxied: Vec<_> = lines.iter().filter(|line| line["event"] == "proxied").collect();
    assert_eq!(proxied.len(), 4);
    assert_eq!(proxied[0]["destination"], "192.0.2.10:25");
}

/// The words that start a receiver which stores in `mail` of `home`, where it
/// must be started.
pub(crate) fn receiver(home: &Path, options: &[&str]) -> Vec<OsString> {
    let mut own_home = OsString::from("HOME=");
    own_home.push(home);
    let words = ["env".into(), "-i".into(), own_home, env!("CARGO_BIN_EXE_envoi").into()];
    let options = ["sink", "mail"].iter().chain(options).map(Into::into);
    words.into_iter().chain(options).collect()
}

struct Sink {
    ports: [u16; 2],
    is_for_anyone: bool,
    _process: Kept,
    home: TempDir,
}

fn sink() -> Lent<Sink> {
    static SLOT: Mutex<Weak<Sink>> = Mutex::new(Weak::new());
    // A token is a password here.
    let [password, token] = [PASSWORD, &token()].map(|secret| format!("{USER}:{secret}"));
    Lent::from(&SLOT, || Sink::start(&["--user", &password, "--user", &token]))
}

const LOGS: &[&str] = &["sink.log"];

/// The authority of those who sign in by certificate.
const CLIENTS: &str = "clients.pem";

impl Sink {
    fn start(users: &[&str]) -> Self {
        let directory = private_directory();
        let home = directory.path();
        write_certificates(home);
        // It makes an authority of its own for itself.
        fs::rename(home.join(AUTHORITY), home.join(CLIENTS)).expect("renaming a file");
        let ports = free_ports();
        let [starttls, tls] = ports.map(|port| format!("127.0.0.1:{port}"));
        let options = ["--listen", &starttls, "--listen-tls", &tls, "--ca-out", AUTHORITY];
        let others = ["--tls-client-ca", CLIENTS, "--require-auth", "--allow-cleartext-auth"];
        let words = receiver(home, &[&options[..], users, &others].concat());
        let process = Kept::followed(words, home, "sink.log");
        wait_until_listening(&ports, home, LOGS);
        wait_until(
            || "the receiver's authority".to_owned(),
            || home.join(AUTHORITY).is_file().then_some(()),
        );
        Self { ports, is_for_anyone: users.is_empty(), _process: process, home: directory }
    }
}

impl Offers for Sink {
    fn name(&self) -> String {
        let who = if self.is_for_anyone { " for anyone" } else { "" };
        format!("envoi sink{who}")
    }

    fn doors(&self) -> Vec<Door> {
        let [starttls, tls] = self.ports;
        vec![Door::clear(starttls), Door::starttls(starttls, "1.3"), Door::implicit(tls, "1.3")]
    }
}

impl Server for Sink {
    fn port(&self, mode: Mode) -> u16 {
        let [starttls, tls] = self.ports;
        mode.among([starttls, starttls, tls])
    }

    fn home(&self) -> &Path {
        self.home.path()
    }

    fn offers_enhanced_codes(&self) -> bool {
        true
    }

    fn stored(&self, recipient: &str) -> Option<Vec<u8>> {
        maildir_message(&self.home().join("mail"), &format!("for <{recipient}>"))
    }

    fn logs(&self) -> &'static [&'static str] {
        LOGS
    }
}
