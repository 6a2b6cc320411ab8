//! aiosmtpd: Python's SMTP server, with PLAIN and LOGIN.
//!
//! Unlike the others it also offers AUTH in the clear, as careless servers do.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, Weak};

use serde_json::Value;
use tempfile::TempDir;

use crate::authority::write_certificates;
use crate::exchanges::in_each_mode;
use crate::letter::Letter;
use crate::program::Client;
use crate::server::{
    Door, Kept, Lent, Mode, PASSWORD, Server, USER, file, free_ports, private_directory, python,
    wait_until_listening,
};
use crate::sign_in::{Offers, in_each_mechanism};

in_each_mode!(aiosmtpd);
in_each_mechanism!(aiosmtpd);

#[test]
fn a_password_is_not_said_in_the_clear_unless_that_was_allowed() {
    let server = aiosmtpd();
    let client = Client::of(&*server, Mode::Cleartext).signing_in(PASSWORD);
    let letter = Letter::example();

    let to = Letter::someone("carol");
    let run = client.send(letter.composed(&client, &to));
    assert_ne!(run.status, 0, "{run}");
    let attempts = || fs::read_to_string(server.home().join("auth")).unwrap_or_default();
    assert!(!attempts().contains("cleartext"), "{}\n{run}", attempts());
    assert_eq!(server.stored(&to), None);

    let mut arguments = letter.composed(&client, &to);
    arguments.push("--allow-cleartext-auth".into());
    let report = client.send(arguments).exits(0).report();
    assert_eq!(report["attempts"][0]["auth"]["mechanism"], "PLAIN", "{report:#}");
    assert!(attempts().contains("cleartext PLAIN right"), "{}", attempts());
}

struct Aiosmtpd {
    ports: [u16; 3],
    _process: Kept,
    home: TempDir,
}

fn aiosmtpd() -> Lent<Aiosmtpd> {
    static SLOT: Mutex<Weak<Aiosmtpd>> = Mutex::new(Weak::new());
    Lent::from(&SLOT, Aiosmtpd::start)
}

const LOGS: &[&str] = &["aiosmtpd.log"];

impl Aiosmtpd {
    fn start() -> Self {
        let python = python();
        let found = Command::new(&python)
            .args(["-c", "import aiosmtpd"])
            .stderr(Stdio::null())
            .status()
            .expect("running Python");
        assert!(
            found.success(),
            "{} has no aiosmtpd: apt-get install python3-aiosmtpd (tests/run does it)",
            python.display()
        );

        let home = private_directory();
        write_certificates(home.path());
        fs::create_dir(home.path().join("mail")).expect("making the mail directory");
        let ports = free_ports();
        let log = fs::File::create(home.path().join("aiosmtpd.log")).expect("making a log");
        let process = Kept::spawn(
            Command::new(python)
                .arg(file("aiosmtpd/serve.py"))
                .arg(home.path())
                .args(ports.map(|port| port.to_string()))
                .args([USER, PASSWORD])
                .stdout(Stdio::null())
                .stderr(log),
        );
        wait_until_listening(&ports, home.path(), LOGS);
        Self { ports, _process: process, home }
    }
}

impl Offers for Aiosmtpd {
    fn name(&self) -> String {
        "aiosmtpd".to_owned()
    }

    fn doors(&self) -> Vec<Door> {
        let [cleartext, starttls, tls] = self.ports;
        vec![Door::clear(cleartext), Door::starttls(starttls, "1.3"), Door::implicit(tls, "1.3")]
    }
}

impl Server for Aiosmtpd {
    fn port(&self, mode: Mode) -> u16 {
        mode.among(self.ports)
    }

    fn home(&self) -> &Path {
        self.home.path()
    }

    fn offers_enhanced_codes(&self) -> bool {
        false
    }

    fn stored(&self, recipient: &str) -> Option<Vec<u8>> {
        let mail = fs::read_dir(self.home().join("mail")).expect("listing the stored mail");
        mail.map(|entry| entry.expect("reading the mail directory").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
            .find(|path| {
                let known = fs::read(path).expect("reading what is known of a message");
                let known: Value = serde_json::from_slice(&known).expect("serve.py writes JSON");
                known["to"].as_array().is_some_and(|to| to.contains(&recipient.into()))
            })
            .map(|path| fs::read(path.with_extension("eml")).expect("reading a stored message"))
    }

    fn logs(&self) -> &'static [&'static str] {
        LOGS
    }
}
