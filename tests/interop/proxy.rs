//! microsocks and tinyproxy before the embedded receiver.
//!
//! Both listen on loopback and connect to it; a proxy that is asked for by an
//! option leads there, too.

use std::cell::RefCell;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use envoi::sasl::server::Users;
use envoi::sasl::{Credentials, Secret};
use envoi::sink::{Encryption, Listen, Policy, Settings, Sink, Storage, Stored};
use tempfile::TempDir;

use crate::authority::AUTHORITY;
use crate::program::{Client, Run};
use crate::server::{
    Kept, Mode, PASSWORD, Server, USER, fill, free_ports, private_directory, program,
    wait_until_listening,
};

const MODES: [Mode; 3] = [Mode::Cleartext, Mode::Starttls, Mode::ImplicitTls];
const BOB: &str = "bob@example.net";

/// Of characters that tinyproxy takes in its configuration.
const PROXY_PASSWORD: &str = "Geheim.43-am-Tor";

#[test]
fn mail_goes_through_microsocks_in_each_mode() {
    let proxied = Proxied::by(Kind::Microsocks, false);
    proxied.carries_mail_in_each_mode();
}

#[test]
fn mail_goes_through_tinyproxy_in_each_mode() {
    let proxied = Proxied::by(Kind::Tinyproxy, false);
    proxied.carries_mail_in_each_mode();
}

#[test]
fn microsocks_lets_in_who_knows_the_password() {
    Proxied::by(Kind::Microsocks, true).lets_in_who_knows_the_password();
}

#[test]
fn tinyproxy_lets_in_who_knows_the_password() {
    Proxied::by(Kind::Tinyproxy, true).lets_in_who_knows_the_password();
}

#[test]
fn a_server_that_microsocks_cannot_reach_is_tried_later() {
    Proxied::by(Kind::Microsocks, false).tells_of_a_dead_server("connection refused");
}

#[test]
fn a_server_that_tinyproxy_cannot_reach_is_tried_later() {
    Proxied::by(Kind::Tinyproxy, false).tells_of_a_dead_server("500 ");
}

#[test]
fn a_port_that_tinyproxy_forbids_is_a_matter_of_policy() {
    let proxied = Proxied::by(Kind::Tinyproxy, false);
    // Its configuration allows the ports of the receiver and another.
    let run = proxied.client(Mode::Cleartext).at_port(1).send(words(&proxied.url(None)));
    let run = run.exits(77);
    assert!(run.stdout.contains("did not connect to the server: 403"), "{run}");
}

#[test]
fn one_proxy_taken_for_the_other_is_found_out() {
    for (kind, scheme, status) in [(Kind::Microsocks, "http", 76), (Kind::Tinyproxy, "socks5", 75)]
    {
        let proxied = Proxied::by(kind, false);
        let url = format!("{scheme}://127.0.0.1:{}", proxied.port);
        let mut words = words(&url);
        words.extend(["--timeout", "3"].map(Into::into));
        let run = proxied.client(Mode::Cleartext).send(words).exits(status);
        let hint = format!("--proxy {}://127.0.0.1:{}", kind.scheme(), proxied.port);
        assert!(run.stdout.contains(&hint), "{run}");
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Microsocks,
    Tinyproxy,
}

/// The receiver behind a proxy.
struct Proxied {
    kind: Kind,
    port: u16,
    /// A port where nobody listens.
    dead: u16,
    _process: Kept,
    sink: Sink,
    stored: RefCell<Vec<Stored>>,
    home: TempDir,
}

const LOGS: &[&str] = &["proxy.log"];

impl Kind {
    fn scheme(self) -> &'static str {
        match self {
            Kind::Microsocks => "socks5",
            Kind::Tinyproxy => "http",
        }
    }

    /// The command that runs it on this port, before these.
    fn command(self, port: u16, behind: [u16; 3], home: &Path, wants_sign_in: bool) -> Command {
        match self {
            Kind::Microsocks => {
                let mut command = Command::new(program("microsocks", "microsocks"));
                command.args(["-i", "127.0.0.1", "-p", &port.to_string()]);
                if wants_sign_in {
                    command.args(["-u", USER, "-P", PROXY_PASSWORD]);
                }
                command
            }
            Kind::Tinyproxy => {
                let [clear, tls, dead] = behind;
                let sign_in = if wants_sign_in {
                    format!("BasicAuth {USER} {PROXY_PASSWORD}")
                } else {
                    String::new()
                };
                let configuration = fill(
                    include_str!("proxy/tinyproxy.conf"),
                    &[
                        ("PORT", &port),
                        ("CLEAR", &clear),
                        ("TLS", &tls),
                        ("DEAD", &dead),
                        ("SIGN_IN", &sign_in),
                    ],
                );
                let file = home.join("tinyproxy.conf");
                fs::write(&file, configuration).expect("writing a configuration");
                let mut command = Command::new(program("tinyproxy", "tinyproxy"));
                command.arg("-d").arg("-c").arg(file);
                command
            }
        }
    }
}

impl Proxied {
    fn by(kind: Kind, wants_sign_in: bool) -> Self {
        let home = private_directory();
        let user = Credentials { user: USER.to_owned(), password: Secret::new(PASSWORD) };
        let sink = Sink::start(Settings {
            listen: vec![
                Listen::loopback(0, Encryption::StartTls),
                Listen::loopback(0, Encryption::Implicit),
            ],
            policy: Policy { users: Users::Only(vec![user]), ..Policy::default() },
            storage: Storage::Memory,
            ..Settings::default()
        })
        .expect("starting the receiver");
        fs::write(home.path().join(AUTHORITY), sink.ca_pem()).expect("writing the authority");
        let [port, dead] = free_ports();
        let [clear, tls] = [0, 1].map(|at: usize| sink.addresses()[at].port());
        let command = kind.command(port, [clear, tls, dead], home.path(), wants_sign_in);
        let log = fs::File::create(home.path().join(LOGS[0])).expect("making a log");
        let process = Kept::spawn(
            Command::new("sh")
                .args(["-c", r#""$@" & cat; kill $!; wait"#, "proxy"])
                .arg(command.get_program())
                .args(command.get_args())
                .stdout(Stdio::null())
                .stderr(log),
        );
        wait_until_listening(&[port], home.path(), LOGS);
        Proxied { kind, port, dead, _process: process, sink, stored: RefCell::default(), home }
    }

    fn client(&self, mode: Mode) -> Client {
        Client::of(self, mode)
    }

    /// The URL of the proxy; with this password, if there is one.
    fn url(&self, password: Option<&str>) -> String {
        let who = password.map_or_else(String::new, |password| format!("{USER}:{password}@"));
        format!("{}://{who}127.0.0.1:{}", self.kind.scheme(), self.port)
    }

    fn carries_mail_in_each_mode(&self) {
        for mode in MODES {
            let report = self.client(mode).send(words(&self.url(None))).exits(0).report();
            let attempt = &report["attempts"][0];
            assert_eq!(attempt["proxy"], self.url(None), "{report:#}");
            assert_eq!(attempt["address"], format!("127.0.0.1:{}", self.port), "{report:#}");
            if mode != Mode::Cleartext {
                assert_eq!(attempt["tls"]["verified"], true, "{report:#}");
                assert_eq!(attempt["auth"]["user"], USER, "{report:#}");
            }
            let stored = self.stored(BOB).expect("a message arrived");
            assert!(stored.ends_with(b"\r\n\r\nhi\r\n"), "{}", String::from_utf8_lossy(&stored));
        }
    }

    fn lets_in_who_knows_the_password(&self) {
        for (password, status, said) in [
            (Some(PROXY_PASSWORD), 0, "\"accepted\":[{"),
            (Some("wrong"), 77, "refused the user or the password"),
            (None, 77, "wants a user and a password"),
        ] {
            let run = self.signing_in(password).exits(status);
            assert!(run.stdout.contains(said), "{run}");
            let pair = STANDARD.encode(format!("{USER}:{PROXY_PASSWORD}"));
            let shown = run.to_string();
            assert!(!shown.contains(PROXY_PASSWORD) && !shown.contains(&pair), "{run}");
        }
    }

    /// Sends in clear, with the proxy in a configuration file of its own.
    fn signing_in(&self, password: Option<&str>) -> Run {
        let client = self.client(Mode::Cleartext);
        let file = client.home().join("proxied.toml");
        let account = format!("[accounts.a]\nserver = 'sink:'\nproxy = '{}'\n", self.url(password));
        fs::write(&file, account).expect("writing a configuration");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("closing it");
        let mut words: Vec<OsString> =
            ["-vv", "-A", "a", "-f", "alice@example.org", "--body", "hi", BOB]
                .map(Into::into)
                .into();
        words.extend(["-C".into(), file.into()]);
        client.send(words)
    }

    fn tells_of_a_dead_server(&self, said: &str) {
        let run = self.client(Mode::Cleartext).at_port(self.dead).send(words(&self.url(None)));
        let run = run.exits(75);
        assert!(run.stdout.contains(&format!("did not connect to the server: {said}")), "{run}");
    }
}

/// A message for Bob, through this proxy.
fn words(url: &str) -> Vec<OsString> {
    ["-f", "alice@example.org", "--body", "hi", BOB, "--proxy", url].map(Into::into).into()
}

impl Server for Proxied {
    fn port(&self, mode: Mode) -> u16 {
        let [clear, tls] = [0, 1].map(|at: usize| self.sink.addresses()[at].port());
        mode.among([clear, clear, tls])
    }

    fn home(&self) -> &Path {
        self.home.path()
    }

    fn offers_enhanced_codes(&self) -> bool {
        true
    }

    fn stored(&self, recipient: &str) -> Option<Vec<u8>> {
        let mut stored = self.stored.borrow_mut();
        stored.extend(std::iter::from_fn(|| self.sink.next_stored(Duration::ZERO)));
        let is_for =
            |message: &Stored| message.to.iter().any(|to| to.path.to_string().contains(recipient));
        stored.iter().rfind(|message| is_for(message))?.octets.clone()
    }

    fn logs(&self) -> &'static [&'static str] {
        LOGS
    }
}
