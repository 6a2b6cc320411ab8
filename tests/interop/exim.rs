//! Exim, with authenticators of its own, Cyrus SASL's, and Dovecot's.
//!
//! Its package and that of Postfix exclude each other, so `tests/run` only
//! unpacks it. It wants a user of its own in /etc/passwd, and gets one in a
//! mount namespace where nobody else is.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Weak};

use tempfile::TempDir;

use crate::authority::write_certificates;
use crate::chunking;
use crate::cyrus::{REALM, store_password};
use crate::dovecot::{self, UID};
use crate::server::{
    Door, Kept, Lent, Mode, PASSWORD, Server, USER, fill, free_ports, maildir_message,
    private_directory, wait_until_listening,
};
use crate::sign_in::{Offers, in_each_mechanism};

in_each_mechanism!(exim);

#[test]
fn a_difficult_letter_arrives_in_chunks() {
    chunking::a_difficult_letter_arrives(&*exim(), Mode::ImplicitTls);
}

#[test]
fn a_large_message_arrives_in_chunks() {
    for mode in [Mode::Cleartext, Mode::Starttls] {
        chunking::a_large_message_arrives_line_by_line(&*exim(), mode);
    }
}

pub(crate) struct Exim {
    /// In clear, STARTTLS, TLS; STARTTLS and TLS of version 1.2.
    ports: [u16; 5],
    /// Exim, and the Dovecot it asks; they end in this order.
    _processes: [Kept; 2],
    home: TempDir,
}

pub(crate) fn exim() -> Lent<Exim> {
    static SLOT: Mutex<Weak<Exim>> = Mutex::new(Weak::new());
    Lent::from(&SLOT, Exim::start)
}

const LOGS: &[&str] = &["start.log", dovecot::LOG, "exim.log", "exim-main.log", "exim-panic.log"];

/// Gives the user that the Debian package would make to whom `"$0"/passwd`
/// names, and runs the rest.
const AS_IF_INSTALLED: &str =
    r#"mount --bind "$0/passwd" /etc/passwd && mount --bind "$0/group" /etc/group && exec "$@""#;

impl Exim {
    fn start() -> Self {
        assert!(rustix::process::geteuid().is_root(), "Exim can only be started by root");
        let exim = unpacked();
        let directory = private_directory();
        let home = directory.path();
        let ports = free_ports();
        write_certificates(home);
        store_password(home, "exim");
        write_configuration(home, &exim, ports);

        let dovecot_guard = dovecot::start(home, include_str!("postfix/dovecot.conf"), LOGS);
        let path = |name: &str| home.join(name).into_os_string();
        let mut conf_path = std::ffi::OsString::from("SASL_CONF_PATH=");
        conf_path.push(home.join("sasl"));
        let exim_guard = Kept::followed(
            [
                "env".into(),
                conf_path,
                "unshare".into(),
                "--mount".into(),
                "sh".into(),
                "-c".into(),
                AS_IF_INSTALLED.into(),
                home.into(),
                exim.into_os_string(),
                "-C".into(),
                path("exim.conf"),
                // In the foreground.
                "-bdf".into(),
                "-oP".into(),
                path("exim.pid"),
            ],
            home,
            "exim.log",
        );
        wait_until_listening(&ports, home, LOGS);
        Self { ports, _processes: [exim_guard, dovecot_guard], home: directory }
    }
}

impl Offers for Exim {
    fn name(&self) -> String {
        "Exim 4 with Cyrus and Dovecot SASL".to_owned()
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

impl Server for Exim {
    fn port(&self, mode: Mode) -> u16 {
        let [cleartext, starttls, tls, ..] = self.ports;
        mode.among([cleartext, starttls, tls])
    }

    fn home(&self) -> &Path {
        self.home.path()
    }

    fn offers_enhanced_codes(&self) -> bool {
        false
    }

    fn stored(&self, recipient: &str) -> Option<Vec<u8>> {
        maildir_message(&self.home().join("mail"), &format!("Envelope-to: {recipient}\n"))
    }

    fn logs(&self) -> &'static [&'static str] {
        LOGS
    }
}

/// Where `tests/run` puts it.
pub(crate) fn unpacked() -> PathBuf {
    let exim = Path::new(env!("CARGO_TARGET_TMPDIR")).join("exim/usr/sbin/exim4");
    assert!(
        exim.is_file(),
        "{} is not there: tests/run unpacks it from the package exim4-daemon-heavy",
        exim.display()
    );
    exim
}

fn write_configuration(home: &Path, exim: &Path, ports: [u16; 5]) {
    let [cleartext, starttls, tls, older_starttls, older_tls] = ports;
    for directory in ["spool", "mail"] {
        fs::create_dir(home.join(directory)).expect("making a directory of Exim");
    }
    // It writes its logs beside the rest.
    for owned in ["", "spool", "mail", "sasldb", "server.key"] {
        chown(home.join(owned), Some(UID), Some(UID)).expect("giving Exim its files");
    }
    let values: [(&str, &dyn ToString); 10] = [
        ("HOME", &home.display()),
        ("EXIM", &exim.display()),
        ("CLEARTEXT", &cleartext),
        ("STARTTLS", &starttls),
        ("TLS", &tls),
        ("STARTTLS12", &older_starttls),
        ("TLS12", &older_tls),
        ("USER", &USER),
        ("PASSWORD", &PASSWORD),
        ("REALM", &REALM),
    ];
    let configuration = fill(include_str!("exim/exim.conf"), &values);
    fs::write(home.join("exim.conf"), configuration).expect("writing the configuration");

    for (file, name) in [
        ("passwd", format!("Debian-exim:x:{UID}:{UID}::/nonexistent:/usr/sbin/nologin\n")),
        ("group", format!("Debian-exim:x:{UID}:\n")),
    ] {
        let mut text = fs::read_to_string(Path::new("/etc").join(file)).expect("reading the users");
        text.push_str(&name);
        fs::write(home.join(file), text).expect("writing the users");
    }
}
