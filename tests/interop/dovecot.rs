//! Dovecot: the checker of passwords and tokens that Postfix and Exim ask, and
//! a submission server of its own, which passes the mail on to the receiver of
//! the program.

use std::fs;
use std::num::NonZeroU32;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, Weak};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

use crate::authority::write_certificates;
use crate::scram::{Hash, Keys};
use crate::server::{
    Door, Kept, Lent, Mode, PASSWORD, Server, USER, fill, free_ports, launch, maildir_message,
    private_directory, program, wait_until_listening,
};
use crate::sign_in::{Offers, in_each_mechanism};
use crate::sink::receiver;
use crate::token::write_key;

in_each_mechanism!(dovecot);

/// `nobody`: the mail and the tester belong to no real user.
pub(crate) const UID: u32 = 65534;

/// Where those who ask find it, in the private directory.
pub(crate) const LOG: &str = "dovecot.log";

/// Starts what `configuration` in `home` describes, a text that includes
/// `sasl.conf`.
pub(crate) fn start(home: &Path, configuration: &str, logs: &[&str]) -> Kept {
    start_with(home, configuration, include_str!("dovecot/oauth2.conf"), logs)
}

/// The same with another way to check tokens.
pub(crate) fn start_with(home: &Path, configuration: &str, oauth2: &str, logs: &[&str]) -> Kept {
    assert!(rustix::process::geteuid().is_root(), "Dovecot can only be started by root");
    let dovecot = program("dovecot", "dovecot-core");
    let doveadm = program("doveadm", "dovecot-core");
    fs::create_dir(home.join("dovecot")).expect("making a directory of Dovecot");
    write_key(home);
    let values: [(&str, &dyn ToString); 2] = [("HOME", &home.display()), ("UID", &UID)];
    for (template, file) in [
        (include_str!("dovecot/sasl.conf"), "sasl.conf"),
        (oauth2, "oauth2.conf"),
        (configuration, "dovecot.conf"),
    ] {
        fs::write(home.join(file), fill(template, &values)).expect("writing a configuration");
    }
    // A word that everybody may read: it opens nothing else.
    for (file, stored) in [
        ("passwords", format!("{{PLAIN}}{PASSWORD}")),
        ("passwords-scram-sha-1", verifier(Hash::Sha1)),
        ("passwords-scram-sha-256", verifier(Hash::Sha256)),
        ("certified", "::::::nopassword".to_owned()),
    ] {
        fs::write(home.join(file), format!("{USER}:{stored}\n")).expect("writing the password");
    }

    let conf = home.join("dovecot.conf");
    let guard =
        Kept::guard([doveadm.as_os_str(), "-c".as_ref(), conf.as_os_str(), "stop".as_ref()]);
    launch(home, logs, Command::new(dovecot).arg("-c").arg(&conf));
    guard
}

const SALT: &[u8] = b"sixteen octets!!";
const ITERATIONS: NonZeroU32 = NonZeroU32::new(4096).expect("not zero");

/// The salt that is stored, in the manner of a first message of SCRAM. The keys
/// that follow from it hold for every sign-in.
pub(crate) fn standing_challenge() -> Vec<u8> {
    format!("r=,s={},i={ITERATIONS}", STANDARD.encode(SALT)).into_bytes()
}

/// What Dovecot keeps of the password for SCRAM with this hash, with its scheme.
fn verifier(hash: Hash) -> String {
    let keys = Keys::derive(hash, PASSWORD, SALT, ITERATIONS);
    let [salt, stored, server] =
        [SALT, &keys.stored, &keys.server].map(|octets| STANDARD.encode(octets));
    let scheme = match hash {
        Hash::Sha1 => "SCRAM-SHA-1",
        Hash::Sha256 => "SCRAM-SHA-256",
    };
    format!("{{{scheme}}}{ITERATIONS},{salt},{stored},{server}")
}

struct Dovecot {
    ports: [u16; 2],
    /// The service, and the receiver behind it; they end in this order.
    _processes: [Kept; 2],
    home: TempDir,
}

fn dovecot() -> Lent<Dovecot> {
    static SLOT: Mutex<Weak<Dovecot>> = Mutex::new(Weak::new());
    Lent::from(&SLOT, Dovecot::start)
}

const LOGS: &[&str] = &["start.log", LOG, "relay.log"];

impl Dovecot {
    fn start() -> Self {
        let directory = private_directory();
        let home = directory.path();
        write_certificates(home);
        fs::create_dir(home.join("mailboxes")).expect("making a directory for mailboxes");
        chown(home.join("mailboxes"), Some(UID), Some(UID)).expect("giving away the mailboxes");
        let ports @ [starttls, tls, relay] = free_ports();

        let receiver = Kept::followed(
            receiver(
                home,
                &["--listen", &format!("127.0.0.1:{relay}"), "--ca-out", "relay-ca.pem"],
            ),
            home,
            "relay.log",
        );
        let values: [(&str, &dyn ToString); 3] =
            [("STARTTLS", &starttls), ("TLS", &tls), ("RELAY", &relay)];
        let conf = fill(include_str!("dovecot/submission.conf"), &values);
        let service = start(home, &conf, LOGS);
        wait_until_listening(&ports, home, LOGS);
        Self { ports: [starttls, tls], _processes: [service, receiver], home: directory }
    }
}

impl Offers for Dovecot {
    fn name(&self) -> String {
        let version = Command::new(program("dovecot", "dovecot-core"))
            .arg("--version")
            .stderr(Stdio::null())
            .output()
            .expect("running dovecot");
        let version = String::from_utf8_lossy(&version.stdout).into_owned();
        format!("Dovecot {} submission", version.split(' ').next().unwrap_or_default())
    }

    fn doors(&self) -> Vec<Door> {
        let [starttls, tls] = self.ports;
        vec![Door::clear(starttls), Door::starttls(starttls, "1.3"), Door::implicit(tls, "1.3")]
    }
}

impl Server for Dovecot {
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

    fn standing_challenge(&self) -> Option<Vec<u8>> {
        Some(standing_challenge())
    }

    fn logs(&self) -> &'static [&'static str] {
        LOGS
    }
}
