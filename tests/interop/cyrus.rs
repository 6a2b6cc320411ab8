//! A small server around Cyrus SASL and OpenSSL: the SCRAM of another author,
//! with channel binding in both versions of TLS.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, Weak};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

use crate::authority::write_certificates;
use crate::letter::Letter;
use crate::program::Client;
use crate::secrets::knows_a_proof;
use crate::server::{
    Door, Exchange, Kept, Lent, Mode, PASSWORD, Server, USER, file, free_ports, private_directory,
    python, wait_until_listening,
};
use crate::sign_in::{Offers, in_each_mechanism};

in_each_mechanism!(cyrus);

/// What the server heard is among what is looked for, so that the look is at
/// the right thing.
#[test]
fn the_proof_that_was_given_is_one_of_those_that_are_looked_for() {
    // 5802-3
    let server = cyrus();
    let door = Door::implicit(server.port(Mode::ImplicitTls), "1.3");
    for mechanism in ["scram-sha-1", "scram-sha-256"] {
        let before = server.exchange();
        let client = Client::before(&*server, door).signing_in(PASSWORD);
        let mut arguments = Letter::short(&Letter::someone("sybil"));
        arguments.extend(["--auth", mechanism].map(Into::into));
        client.send(arguments).exits(0);
        let exchange = server.exchange().since(&before);
        assert!(knows_a_proof(&exchange), "{mechanism}");
    }
}

/// Where its users' names are at home, and those of Exim.
pub(crate) const REALM: &str = "cyrus.test";

pub(crate) struct Cyrus {
    /// In clear, STARTTLS, TLS; STARTTLS and TLS of version 1.2.
    ports: [u16; 5],
    _process: Kept,
    home: TempDir,
}

pub(crate) fn cyrus() -> Lent<Cyrus> {
    static SLOT: Mutex<Weak<Cyrus>> = Mutex::new(Weak::new());
    Lent::from(&SLOT, Cyrus::start)
}

const LOGS: &[&str] = &["cyrus.log", "auth"];

impl Cyrus {
    fn start() -> Self {
        assert_python_has("OpenSSL", "python3-openssl");
        let home = private_directory();
        write_certificates(home.path());
        fs::create_dir(home.path().join("mail")).expect("making the mail directory");
        store_password(home.path(), "cyrus");
        let ports = free_ports();
        let log = fs::File::create(home.path().join("cyrus.log")).expect("making a log");
        let process = Kept::spawn(
            Command::new(python())
                .arg(file("cyrus/serve.py"))
                .arg(home.path())
                .arg(USER)
                .args(ports.map(|port| port.to_string()))
                .stdout(Stdio::null())
                .stderr(log),
        );
        wait_until_listening(&ports, home.path(), LOGS);
        Self { ports, _process: process, home }
    }

    /// Every attempt to sign in so far, one a line.
    pub(crate) fn attempts(&self) -> String {
        fs::read_to_string(self.home().join("auth")).unwrap_or_default()
    }
}

impl Offers for Cyrus {
    fn name(&self) -> String {
        "Cyrus SASL and OpenSSL".to_owned()
    }

    fn doors(&self) -> Vec<Door> {
        let [cleartext, starttls, tls, older_starttls, older_tls] = self.ports;
        vec![
            Door::clear(cleartext),
            Door::starttls(older_starttls, "1.2"),
            Door::starttls(starttls, "1.3"),
            Door::implicit(older_tls, "1.2"),
            Door::implicit(tls, "1.3"),
        ]
    }
}

impl Server for Cyrus {
    fn port(&self, mode: Mode) -> u16 {
        let [cleartext, starttls, tls, ..] = self.ports;
        mode.among([cleartext, starttls, tls])
    }

    fn home(&self) -> &Path {
        self.home.path()
    }

    fn offers_enhanced_codes(&self) -> bool {
        true
    }

    fn stored(&self, recipient: &str) -> Option<Vec<u8>> {
        let mail = fs::read_dir(self.home().join("mail")).expect("listing the stored mail");
        mail.map(|entry| entry.expect("reading the mail directory").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "to"))
            .find(|path| {
                let recipients = fs::read_to_string(path).expect("reading recipients");
                recipients.lines().any(|known| known == recipient)
            })
            .map(|path| fs::read(path.with_extension("eml")).expect("reading a stored message"))
    }

    fn logs(&self) -> &'static [&'static str] {
        LOGS
    }

    fn exchange(&self) -> Exchange {
        let notes = |name: &str| {
            let octets = fs::read(self.home().join(name)).unwrap_or_default();
            let lines = octets.split_inclusive(|&octet| octet == b'\n');
            lines.map(|line| line.trim_ascii_end().to_vec()).collect::<Vec<_>>()
        };
        let decoded = |line: Vec<u8>| STANDARD.decode(line).expect("serve.py writes base64");
        Exchange {
            challenges: notes("asked").into_iter().map(decoded).collect(),
            answers: notes("answered"),
        }
    }
}

/// Makes the library's database in `home` with the one password in it, and its
/// configuration for a server of this name.
pub(crate) fn store_password(home: &Path, name: &str) {
    let database = home.join("sasldb");
    let configuration = home.join("sasl").join(name).with_extension("conf");
    fs::create_dir(home.join("sasl")).expect("making a directory of Cyrus SASL");
    let text = format!(
        "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {}\n\
         mech_list: PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256 ANONYMOUS EXTERNAL\n",
        database.display()
    );
    fs::write(configuration, text).expect("writing the configuration of Cyrus SASL");

    let mut writer = Command::new(python())
        .arg(file("cyrus/sasl.py"))
        .args([name, REALM, USER])
        .env("SASL_CONF_PATH", home.join("sasl"))
        .stdin(Stdio::piped())
        .spawn()
        .expect("running Python");
    let mut input = writer.stdin.take().expect("its standard input");
    input.write_all(PASSWORD.as_bytes()).expect("giving the password");
    drop(input);
    let status = writer.wait().expect("waiting for Python");
    assert!(
        status.success() && database.is_file(),
        "Cyrus SASL keeps no password: apt-get install libsasl2-modules libsasl2-modules-db \
         (tests/run does it)"
    );
}

fn assert_python_has(module: &str, package: &str) {
    let python = python();
    let found = Command::new(&python)
        .args(["-c", &format!("import {module}")])
        .stderr(Stdio::null())
        .status()
        .expect("running Python");
    assert!(
        found.success(),
        "{} has no {module}: apt-get install {package} (tests/run does it)",
        python.display()
    );
}
