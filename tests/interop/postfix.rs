//! Postfix with Dovecot's SASL behind it: the pair most submission servers are.
//!
//! Both need root, for users of their own. Postfix offers no AUTH in the clear.

use std::fs;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, Weak};

use tempfile::TempDir;

use crate::authority::write_certificates;
use crate::chunking;
use crate::dovecot::{self, UID};
use crate::exchanges::in_each_mode;
use crate::letter::{Arrived, Letter};
use crate::program::Client;
use crate::secrets::assert_tells_no_secret;
use crate::server::{
    Door, Kept, Lent, Mode, PASSWORD, Server, fill, free_ports, launch, maildir_message,
    private_directory, program, wait_until, wait_until_listening,
};
use crate::sign_in::{Offers, in_each_mechanism};

in_each_mode!(postfix);
in_each_mechanism!(postfix);

#[test]
fn a_transcript_of_plain_keeps_the_password() {
    a_transcript_keeps_the_password("PLAIN");
}

#[test]
fn a_transcript_of_login_keeps_the_password() {
    a_transcript_keeps_the_password("LOGIN");
}

#[test]
fn a_transcript_of_cram_md5_keeps_the_password_and_its_digest() {
    a_transcript_keeps_the_password("CRAM-MD5");
}

/// In both TLS modes, at both levels of detail: `-vv` shows message data too.
fn a_transcript_keeps_the_password(mechanism: &str) {
    let server = postfix();
    for (mode, level) in [(Mode::Starttls, "-v"), (Mode::ImplicitTls, "-vv")] {
        let client = Client::of(&*server, mode);
        let erin = Letter::someone("erin");
        let mut arguments = Letter::example().composed(&client, &erin);
        let named = mechanism.to_ascii_lowercase();
        arguments.extend([level, "--auth", &named].map(Into::into));

        let run = client.send(arguments).exits(0);
        let report = run.report();
        assert_eq!(report["attempts"][0]["auth"]["mechanism"], mechanism, "{report:#}");
        let sent = format!(" ~> AUTH {mechanism}");
        assert!(run.stderr.lines().any(|line| line.starts_with(&sent)), "{run}");
        assert_tells_no_secret(&run);
        Arrived::at(&*server, &erin);
    }
}

#[test]
fn the_queue_identifier_in_the_report_is_the_one_postfix_wrote() {
    let server = postfix();
    let client = Client::of(&*server, Mode::Cleartext);
    let frank = Letter::someone("frank");
    let arguments = Letter::example().composed(&client, &frank);
    let report = client.send(arguments).exits(0).report();

    let id = report["serverQueueId"].as_str().expect("a queue identifier");
    let arrived = Arrived::at(&*server, &frank);
    assert!(arrived.says(&format!(" with ESMTP id {id}\n")), "{report:#}");
}

#[test]
fn a_server_that_lets_nobody_sign_in_gets_no_mail_and_is_69() {
    let server = postfix();
    let client = Client::of(&*server, Mode::Cleartext).signing_in(PASSWORD);
    let grace = Letter::someone("grace");
    let mut arguments = Letter::example().composed(&client, &grace);
    arguments.push("--allow-cleartext-auth".into());
    let run = client.send(arguments).exits(69);
    assert_tells_no_secret(&run);
    assert_eq!(server.stored(&grace), None);
}

#[test]
fn a_server_without_starttls_gets_no_mail_and_is_69() {
    let server = postfix();
    let client = Client::of(&*server, Mode::Starttls).at_port(server.port(Mode::Cleartext));
    let heidi = Letter::someone("heidi");
    client.send(Letter::example().composed(&client, &heidi)).exits(69);
    assert_eq!(server.stored(&heidi), None);
}

#[test]
fn eight_bits_arrive_as_meant_where_only_seven_are_offered() {
    // 6152, 6532
    let server = postfix();
    let client = Client::of(&*server, Mode::Cleartext).at_port(server.narrow_port);
    let ivan = Letter::someone("ivan");
    let ready = Letter::example().ready(&ivan);
    let run = client.send(ready.arguments(&client, &[&ivan])).exits(0);
    let offered = run.report()["attempts"][0]["extensions"].to_string();
    assert!(!offered.contains("8BITMIME") && !offered.contains("SMTPUTF8"), "{offered}");
    let arrived = Arrived::at(&*server, &ivan);
    assert!(arrived.octets().is_ascii());
    Letter::example().assert_is_what(&arrived);
}

#[test]
fn a_difficult_letter_arrives_in_chunks() {
    chunking::a_difficult_letter_arrives(&*postfix(), Mode::ImplicitTls);
}

#[test]
fn a_large_message_arrives_in_chunks() {
    for mode in [Mode::Cleartext, Mode::Starttls] {
        chunking::a_large_message_arrives_line_by_line(&*postfix(), mode);
    }
}

#[test]
fn a_message_that_is_too_large_is_refused_in_chunks() {
    // 3030-c, 5321-3.3e: SIZE is not offered, so that the server finds it late.
    let server = postfix();
    let client = Client::of(&*server, Mode::Cleartext).at_port(server.unsized_port);
    let oscar = Letter::someone("oscar");
    let text = format!("Subject: x\n\n{}", "A line of the message.\n".repeat(1_100_000));
    fs::write(client.home().join("large.eml"), text).expect("writing the message");
    let arguments = ["--message", "large.eml", "--chunking", "on", "-v", "-f", "zoe@example.net"];
    let run = client.send(arguments.into_iter().chain([oscar.as_str()])).exits(69);
    assert!(run.stderr.contains("<** 552 5.3.4 ") && run.stderr.contains(" -> RSET\n"), "{run}");
    assert!(!run.stderr.contains(" LAST"), "{run}");
    assert_eq!(server.stored(&oscar), None);
}

pub(crate) struct Postfix {
    ports: [u16; 3],
    /// In clear, and only for US-ASCII.
    narrow_port: u16,
    /// In clear, and keeping to itself how large a message may be.
    unsized_port: u16,
    /// In clear, and yet one can sign in.
    pub(crate) careless_port: u16,
    /// In clear, behind a proxy that says whom it speaks for.
    proxied_port: u16,
    /// By STARTTLS, with a certificate that has expired.
    pub(crate) expired_port: u16,
    /// By STARTTLS, with that of another server.
    pub(crate) misnamed_port: u16,
    /// Postfix, and the Dovecot it asks; they end in this order.
    _processes: [Kept; 2],
    home: TempDir,
}

pub(crate) fn postfix() -> Lent<Postfix> {
    static SLOT: Mutex<Weak<Postfix>> = Mutex::new(Weak::new());
    Lent::from(&SLOT, Postfix::start)
}

const LOGS: &[&str] = &["start.log", dovecot::LOG, "postfix.log"];

impl Postfix {
    /// In clear, and yet one can sign in.
    pub(crate) fn careless_port(&self) -> u16 {
        self.careless_port
    }

    /// In clear, behind a proxy that says whom it speaks for.
    pub(crate) fn proxied_port(&self) -> u16 {
        self.proxied_port
    }

    /// How many recipients the envelope of this message had.
    pub(crate) fn recipients_of(&self, arrived: &Arrived) -> usize {
        let octets = String::from_utf8_lossy(arrived.octets());
        let (_, trace) = octets.split_once(" (Postfix) with ").expect("what Postfix wrote");
        let id = trace.split([' ', ';', '\n']).nth(2).expect("its name for the message");
        let log = self.home().join("postfix.log");
        wait_until(
            || format!("how many {id} is for"),
            || {
                let log = fs::read_to_string(&log).ok()?;
                let line = log.lines().find(|line| line.contains(&format!(" {id}: from=<")))?;
                line.split_once(" nrcpt=")?.1.split(' ').next()?.parse().ok()
            },
        )
    }

    fn start() -> Self {
        assert!(
            rustix::process::geteuid().is_root(),
            "Postfix and Dovecot can only be started by root"
        );
        let postfix = program("postfix", "postfix");

        let directory = private_directory();
        let ports = free_ports();
        let [
            cleartext,
            starttls,
            tls,
            narrow_port,
            unsized_port,
            careless_port,
            proxied_port,
            expired_port,
            misnamed_port,
        ] = ports;
        write_configuration(directory.path(), ports);

        let home = directory.path();
        let etc = home.join("etc");
        let dovecot_guard = dovecot::start(home, include_str!("postfix/dovecot.conf"), LOGS);
        let postfix_guard =
            Kept::guard([postfix.as_os_str(), "-c".as_ref(), etc.as_os_str(), "stop".as_ref()]);
        launch(home, LOGS, Command::new(postfix).arg("-c").arg(&etc).arg("start"));
        wait_until_listening(&ports, home, LOGS);
        Self {
            ports: [cleartext, starttls, tls],
            narrow_port,
            unsized_port,
            careless_port,
            proxied_port,
            expired_port,
            misnamed_port,
            _processes: [postfix_guard, dovecot_guard],
            home: directory,
        }
    }
}

impl Offers for Postfix {
    fn name(&self) -> String {
        let version = Command::new(program("postconf", "postfix"))
            .args(["-h", "-c"])
            .arg(self.home().join("etc"))
            .arg("mail_version")
            .output()
            .expect("running postconf");
        let version = String::from_utf8_lossy(&version.stdout).into_owned();
        format!("Postfix {} with Dovecot SASL", version.trim())
    }

    fn doors(&self) -> Vec<Door> {
        let [_, starttls, tls] = self.ports;
        vec![
            Door::clear(self.careless_port),
            Door::starttls(starttls, "1.3"),
            Door::implicit(tls, "1.3"),
        ]
    }
}

impl Server for Postfix {
    fn port(&self, mode: Mode) -> u16 {
        mode.among(self.ports)
    }

    fn home(&self) -> &Path {
        self.home.path()
    }

    fn offers_enhanced_codes(&self) -> bool {
        true
    }

    fn stored(&self, recipient: &str) -> Option<Vec<u8>> {
        let delivered_to = format!("\nDelivered-To: {recipient}\n");
        maildir_message(&self.home().join("mail/inbox"), &delivered_to)
    }

    fn standing_challenge(&self) -> Option<Vec<u8>> {
        Some(dovecot::standing_challenge())
    }

    fn logs(&self) -> &'static [&'static str] {
        LOGS
    }
}

fn write_configuration(home: &Path, ports: [u16; 9]) {
    let [cleartext, starttls, tls, narrow, quiet, careless, proxied, expired, misnamed] = ports;
    write_certificates(home);
    for directory in ["etc", "spool", "data", "mail"] {
        fs::create_dir(home.join(directory)).expect("making a directory of the servers");
    }
    // Postfix insists on owning its data; the mail belongs to whom main.cf says.
    chown(home.join("data"), Some(uid_of("postfix")), None).expect("giving Postfix its data");
    chown(home.join("mail"), Some(UID), Some(UID)).expect("giving away the mail");

    let values: [(&str, &dyn ToString); 11] = [
        ("HOME", &home.display()),
        ("UID", &UID),
        ("CLEARTEXT", &cleartext),
        ("STARTTLS", &starttls),
        ("TLS", &tls),
        ("NARROW", &narrow),
        ("UNSIZED", &quiet),
        ("CARELESS", &careless),
        ("PROXIED", &proxied),
        ("EXPIRED", &expired),
        ("MISNAMED", &misnamed),
    ];
    for (template, file) in [
        (include_str!("postfix/main.cf"), "etc/main.cf"),
        (include_str!("postfix/master.cf"), "etc/master.cf"),
        (include_str!("postfix/recipients"), "recipients"),
    ] {
        fs::write(home.join(file), fill(template, &values)).expect("writing a configuration");
    }
}

fn uid_of(user: &str) -> u32 {
    let output = Command::new("id").args(["-u", user]).output().expect("running id");
    let uid = String::from_utf8_lossy(&output.stdout);
    uid.trim()
        .parse()
        .unwrap_or_else(|_| panic!("there is no user {user}, which its package makes"))
}
