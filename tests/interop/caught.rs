//! What the receiver caught, read by programs that other people wrote, and sent
//! on to Postfix.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::authority::AUTHORITY;
use crate::letter::{Arrived, Letter};
use crate::postfix::{Postfix, postfix};
use crate::program::{Client, finished};
use crate::server::{
    Kept, Mode, NOBODY, PASSWORD, Server, USER, free_ports, private_directory, program, python,
    wait_until_listening,
};

/// A receiver with this store.
struct Catcher {
    port: u16,
    store: Store,
    _process: Kept,
    home: TempDir,
}

#[derive(Clone, Copy)]
enum Store {
    Mbox,
    Eml,
    Memory,
}

const LOGS: &[&str] = &["sink.log"];

/// Prints the octets of a message as they were before their From lines were
/// quoted.
const BY_MAILBOX: &str = r"
import mailbox, re, sys
for message in mailbox.mbox(sys.argv[1], create=False).values():
    if f'<{sys.argv[2]}>' in message['Envelope-To']:
        octets = message.as_bytes(unixfrom=False)
        sys.stdout.buffer.write(re.sub(rb'(?m)^>(>*From )', rb'\1', octets))
        break
";

impl Catcher {
    fn start(store: Store, options: &[&str]) -> Self {
        let [port] = free_ports();
        Self::start_in(private_directory(), port, store, options)
    }

    fn start_in(home: TempDir, port: u16, store: Store, options: &[&str]) -> Self {
        let listen = if options.contains(&"--listen-lmtp") { [].as_slice() } else { &["--listen"] };
        let words: &[&str] = match store {
            Store::Mbox => &["--mbox", "box"],
            Store::Eml => &["--eml", "mail"],
            Store::Memory => &["--memory"],
        };
        let mut own_home = OsString::from("HOME=");
        own_home.push(home.path());
        let path = "PATH=/usr/bin:/bin".into();
        let begin = ["env".into(), "-i".into(), own_home, path, env!("CARGO_BIN_EXE_envoi").into()];
        let address = format!("127.0.0.1:{port}");
        let words = ["sink"].iter().chain(words).chain(options).chain(listen).map(Into::into);
        let words = begin.into_iter().chain(words).chain([OsString::from(address)]);
        let process = Kept::followed(words, home.path(), "sink.log");
        wait_until_listening(&[port], home.path(), LOGS);
        Self { port, store, _process: process, home }
    }

    fn client(&self) -> Client {
        Client::of(self, Mode::Cleartext)
    }
}

impl Server for Catcher {
    fn port(&self, _: Mode) -> u16 {
        self.port
    }

    fn home(&self) -> &Path {
        self.home.path()
    }

    fn offers_enhanced_codes(&self) -> bool {
        true
    }

    fn stored(&self, recipient: &str) -> Option<Vec<u8>> {
        match self.store {
            Store::Mbox => {
                let mut python = Command::new(python());
                python.args(["-c", BY_MAILBOX]).arg(self.home().join("box")).arg(recipient);
                let output = python.output().expect("running Python");
                assert!(output.status.success(), "{output:?}");
                (!output.stdout.is_empty()).then_some(output.stdout)
            }
            Store::Eml => {
                let files = fs::read_dir(self.home().join("mail")).expect("a directory");
                let files = files.map(|file| file.expect("an entry").path());
                let is_for = format!("Envelope-To: <{recipient}>\r\n");
                files
                    .filter(|path| path.extension().is_some_and(|it| it == "eml"))
                    .map(|path| fs::read(path).expect("a message"))
                    .find(|octets| String::from_utf8_lossy(octets).contains(&is_for))
            }
            Store::Memory => None,
        }
    }

    fn logs(&self) -> &'static [&'static str] {
        LOGS
    }
}

#[test]
fn a_mailbox_is_read_by_python_as_it_was_sent() {
    let catcher = Catcher::start(Store::Mbox, &[]);
    let client = catcher.client();
    let [anna, ben] = ["anna", "ben"].map(Letter::someone);
    let letter = Letter::example();
    client.send(letter.composed(&client, &anna)).exits(0);
    // Its text has a line that begins with From.
    let ready = letter.ready(&ben);
    client.send(ready.arguments(&client, &[&ben])).exits(0);
    letter.assert_is_what(&Arrived::at(&catcher, &anna));
    let arrived = Arrived::at(&catcher, &ben);
    letter.assert_is_what(&arrived);
    ready.assert_untouched_in(&arrived);
}

#[test]
fn a_mailbox_is_read_by_s_nail_which_may_change_it_meanwhile() {
    let catcher = Catcher::start(Store::Mbox, &[]);
    let client = catcher.client();
    let s_nail = |commands: &str| {
        let mut command = Command::new(program("s-nail", "s-nail"));
        let input = catcher.home().join("commands");
        fs::write(&input, commands).expect("writing commands");
        command
            .args(["-:/", "-N", "-S", "v15-compat", "-f", "box"])
            .env_clear()
            .env("HOME", catcher.home())
            .env("LANG", "C.UTF-8")
            .current_dir(catcher.home())
            .stdin(Stdio::from(fs::File::open(input).expect("the commands")));
        finished(&mut command, catcher.home()).exits(0).stdout
    };
    for number in 1..=3 {
        let subject = format!("number {number}");
        let body = "From here\nSubject: none\n\nFrom there\n";
        let words = ["-f", "zoe@example.net", "-s", &subject, "--body", body, "a@example.net"];
        client.send(words).exits(0);
    }
    let listed = s_nail("headers\n");
    for number in 1..=3 {
        let is_it = |line: &&str| line.contains(&format!("number {number}"));
        assert_eq!(listed.lines().filter(is_it).count(), 1, "{listed}");
    }
    assert!(!listed.contains("none"), "{listed}");

    s_nail("delete 2\nquit\n");
    let words = ["-f", "zoe@example.net", "-s", "number 4", "--body", "x", "a@example.net"];
    client.send(words).exits(0);
    let listed = s_nail("headers\n");
    let numbers: Vec<_> = listed.split("number ").skip(1).map(|rest| &rest[..1]).collect();
    assert_eq!(numbers, ["1", "3", "4"], "{listed}");
}

#[test]
fn an_eml_file_is_read_by_python_as_it_was_sent() {
    let catcher = Catcher::start(Store::Eml, &[]);
    let client = catcher.client();
    let carla = Letter::someone("carla");
    let letter = Letter::example();
    let ready = letter.ready(&carla);
    client.send(ready.arguments(&client, &[&carla])).exits(0);
    let arrived = Arrived::at(&catcher, &carla);
    letter.assert_is_what(&arrived);
    ready.assert_untouched_in(&arrived);
    let octets = catcher.stored(&carla).expect("a message");
    let has_bare_line_end = octets.windows(2).any(|pair| pair[1] == b'\n' && pair[0] != b'\r');
    assert!(!has_bare_line_end);
}

/// A receiver that sends on to Postfix, as an account of its configuration says.
fn before(postfix: &Postfix, options: &[&str]) -> Catcher {
    let home = private_directory();
    let configuration = home.path().join(".config/envoi/config.toml");
    let private = |path: &Path, text: &str| {
        fs::write(path, text).expect("writing a private file");
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("closing it");
    };
    fs::create_dir_all(configuration.parent().expect("a directory")).expect("making it");
    private(&home.path().join("password"), PASSWORD);
    let authority = postfix.home().join(AUTHORITY);
    let account = format!(
        "[accounts.next]\nserver = 'smtp://localhost:{}'\nuser = '{USER}'\n\
         password = {{ file = '{}/password' }}\ntls-ca = ['{}']\n",
        postfix.port(Mode::Starttls),
        home.path().display(),
        authority.display(),
    );
    private(&configuration, &account);
    let [port] = free_ports();
    Catcher::start_in(home, port, Store::Memory, &[&["--forward", "next"], options].concat())
}

#[test]
fn postfix_gets_what_was_caught_and_what_it_answers_is_the_answer() {
    let postfix = postfix();
    let catcher = before(&postfix, &[]);
    let client = catcher.client();
    let dora = Letter::someone("dora");
    let letter = Letter::example();
    let ready = letter.ready(&dora);

    let run = client.send(ready.arguments(&client, &[&dora, NOBODY])).exits(67);
    let rejected = run.report()["rejected"].clone();
    let rejected = rejected.as_array().expect("a list");
    assert_eq!(rejected.len(), 2, "{run}");
    for recipient in rejected {
        assert_eq!(recipient["code"], 550, "{recipient}");
        assert_eq!(recipient["enhanced"], "5.1.1", "{recipient}");
    }
    assert_eq!(postfix.stored(&dora), None);

    let report = client.send(ready.arguments(&client, &[&dora])).exits(0).report();
    let arrived = Arrived::at(&*postfix, &dora);
    let id = report["serverQueueId"].as_str().expect("what Postfix calls it");
    assert!(arrived.says(&format!(" with ESMTPSA id {id}\n")), "{report:#}");
    letter.assert_is_what(&arrived);
    ready.assert_untouched_in(&arrived);
    // That of Postfix, ours, and the one that was there.
    assert_eq!(arrived.count("received"), 3);
    assert!(arrived.count("envelope-to") == 0 && arrived.count("return-path") <= 1);
}

#[test]
fn two_receivers_that_send_on_to_each_other_come_to_an_end() {
    // 5321-6.3
    let ports: [u16; 2] = free_ports();
    let starting = |port: u16, other: u16| {
        let other = format!("smtp+notls://localhost:{other}");
        Catcher::start_in(private_directory(), port, Store::Memory, &["--forward", &other])
    };
    let (one, _other) = (starting(ports[0], ports[1]), starting(ports[1], ports[0]));
    let client = one.client();
    let words = ["-f", "zoe@example.net", "--body", "x", "a@example.net"];
    let report = client.send(words).exits(69).report();
    assert_eq!(report["rejected"][0]["enhanced"], "5.4.6", "{report:#}");
}

#[test]
fn over_lmtp_postfix_answers_for_each_recipient() {
    let postfix = postfix();
    let catcher = before(&postfix, &["--without", "starttls", "--listen-lmtp"]);
    let client = catcher.client().by(format!("lmtp+notls://localhost:{}", catcher.port));
    let emil = Letter::someone("emil");
    let words = ["-f", "zoe@example.net", "-s", "x", "--body", "x", NOBODY, &emil];
    let report = client.send(words).exits(1).report();
    let [accepted, rejected] = ["accepted", "rejected"].map(|what| &report[what][0]["address"]);
    assert!(accepted == &*emil && rejected == NOBODY, "{report:#}");
    assert_eq!(report["rejected"][0]["code"], 550, "{report:#}");
    Arrived::at(&*postfix, &emil);
}
