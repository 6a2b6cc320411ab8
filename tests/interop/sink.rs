//! The receiver of the program itself, as its users start it.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, Weak};

use tempfile::TempDir;

use crate::authority::{AUTHORITY, write_certificates};
use crate::server::{
    Door, Kept, Lent, Mode, PASSWORD, Server, USER, free_ports, maildir_message, private_directory,
    wait_until, wait_until_listening,
};
use crate::sign_in::{Offers, each_mechanism_works, in_each_mechanism};
use crate::token::token;

in_each_mechanism!(sink);

#[test]
fn each_mechanism_of_a_receiver_for_anyone_works() {
    let server = Sink::start(&[]);
    each_mechanism_works(&server);
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
