//! Logging in at an issuer of tokens that other people wrote, Authlib, and
//! sending through Dovecot, which asks that issuer about every token.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::authority::{AUTHORITY, write_certificates};
use crate::dovecot::{self, UID};
use crate::keyring::Desktop;
use crate::program::Run;
use crate::server::{
    Kept, USER, file, fill, free_ports, maildir_message, private_directory, python, tail,
    wait_until, wait_until_listening,
};
use crate::sink::receiver;

const LOGS: &[&str] = &["provider.log", "start.log", dovecot::LOG, "relay.log"];

#[test]
fn a_login_with_a_code_sends_through_dovecot_by_either_mechanism() {
    let house = House::start();
    let user = house.user("envoi", "{ file = \"tokens\" }");
    user.log_in(&["--device"], |said| {
        let (_, rest) = said.split_once("or go straight to ")?;
        Some(rest.lines().next().expect("a line").to_owned())
    });
    for mechanism in ["OAUTHBEARER", "XOAUTH2"] {
        let to = format!("{mechanism}@example.net").to_lowercase();
        let run = user.send(&to, &["--auth", mechanism]).exits(0);
        assert_eq!(run.report()["attempts"][0]["auth"]["mechanism"], mechanism, "{run}");
        house.await_arrival(&to, &run);
    }
    assert_eq!(house.grants(), ["device_code"]);
}

#[test]
fn a_login_with_a_browser_and_a_client_that_has_a_secret() {
    let house = House::start();
    let user = house.user("desktop", "{ file = \"tokens\" }");
    user.log_in(&["--browser"], |said| {
        let (_, rest) = said.split_once("go to:\n  ")?;
        rest.split_once('\n').map(|(url, _)| url.to_owned())
    });
    let run = user.send("browser@example.net", &[]).exits(0);
    house.await_arrival("browser@example.net", &run);
    user.expire();
    user.send("renewed@example.net", &[]).exits(0);
    assert_eq!(house.grants(), ["authorization_code", "refresh_token"]);
}

#[test]
fn a_login_that_is_denied_keeps_nothing() {
    let house = House::start();
    let user = house.user("envoi", "{ file = \"tokens\" }");
    fs::write(house.home().join("deny"), "").expect("writing a file");
    let run = user.try_log_in(&["--browser"], |said| {
        let (_, rest) = said.split_once("go to:\n  ")?;
        rest.split_once('\n').map(|(url, _)| url.to_owned())
    });
    assert!(run.stderr.contains("envoi: the login was denied"), "{run}");
    let run = run.exits(77);
    assert!(!user.home.path().join("tokens").exists(), "{run}");
    user.send("nobody-sends@example.net", &[]).exits(78);
}

#[test]
fn an_expired_token_is_renewed_once_for_all_processes_and_once_after_a_refusal() {
    let house = House::start();
    let user = house.user("envoi", "{ file = \"tokens\" }");
    user.log_in_by_code();
    user.expire();
    let children: Vec<_> =
        (0..8).map(|at| user.start(&format!("many{at}@example.net"), &["-q"])).collect();
    for mut child in children {
        assert!(child.wait().expect("waiting").success());
    }
    assert_eq!(house.grants(), ["device_code", "refresh_token"]);
    // Withdrawn by the issuer: Dovecot says 535, and the login still holds.
    house.withdraw(user.tokens()["access_token"].as_str().expect("a token"));
    let run = user.send("again@example.net", &[]).exits(0);
    house.await_arrival("again@example.net", &run);
    assert_eq!(house.grants(), ["device_code", "refresh_token", "refresh_token"]);
    // Both are: the login is over.
    for token in ["access_token", "refresh_token"] {
        house.withdraw(user.tokens()[token].as_str().expect("a token"));
    }
    let run = user.send("over@example.net", &[]).exits(77);
    assert!(run.stderr.contains("is over: invalid_grant"), "{run}");
    assert_eq!(run.report()["hints"], json!(["log in: envoi account login work"]), "{run}");
    assert_eq!(house.grants().len(), 3);
}

#[test]
fn a_pin_is_for_the_server_and_vouches_for_no_issuer() {
    let house = House::start();
    let user = house.user("envoi", "{ file = \"tokens\" }");
    user.log_in_by_code();
    let certificate = fs::read(house.home().join("server.pem")).expect("a certificate");
    let der = first_certificate(&certificate);
    let pin: String = ring::digest::digest(&ring::digest::SHA256, &der)
        .as_ref()
        .iter()
        .map(|octet| format!("{octet:02x}"))
        .collect();
    let file = user.home.path().join("envoi.toml");
    let config = fs::read_to_string(&file).expect("a configuration");
    let line = config.lines().find(|line| line.starts_with("tls-ca")).expect("the authority");
    fs::write(&file, config.replace(line, &format!("tls-pin = \"sha256:{pin}\"")))
        .expect("writing a configuration");
    // The server is known by its pin, and the issuer, with the same certificate,
    // is not.
    user.send("pinned@example.net", &[]).exits(0);
    user.expire();
    let run = user.send("unknown@example.net", &[]).exits(76);
    assert!(run.stderr.contains("the token cannot be had: https://localhost:"), "{run}");
    assert_eq!(house.grants(), ["device_code"]);
}

/// The first certificate of a file.
fn first_certificate(pem: &[u8]) -> Vec<u8> {
    use rustls::pki_types::pem::PemObject as _;
    rustls::pki_types::CertificateDer::from_pem_slice(pem).expect("a certificate").to_vec()
}

#[test]
fn whoever_logs_out_cannot_send_and_the_issuer_knows() {
    let house = House::start();
    let user = house.user("envoi", "{ file = \"tokens\" }");
    user.log_in_by_code();
    let run = user.run(["account", "logout", "work"].map(Into::into)).exits(0);
    assert!(run.stdout.contains("is logged out at https://localhost:"), "{run}");
    assert_eq!(house.grants(), ["device_code", "revoked"]);
    user.send("out@example.net", &[]).exits(78);
}

#[test]
fn tokens_are_kept_in_the_keyring_of_the_desktop() {
    let house = House::start();
    let desktop = Desktop::with_keyring();
    let mut user = house.user("envoi", "\"keyring\"");
    user.bus = Some(format!("unix:path={}/bus", desktop.home().display()));
    user.log_in_by_code();
    let run = user.send("keyring@example.net", &[]).exits(0);
    house.await_arrival("keyring@example.net", &run);
    assert!(!user.home.path().join("tokens").exists());
    user.run(["account", "logout", "work"].map(Into::into)).exits(0);
    user.send("out@example.net", &[]).exits(78);
}

/// An issuer, and Dovecot, which believes it.
pub(crate) struct House {
    /// Of Dovecot, under TLS, and of the issuer.
    pub(crate) ports: [u16; 2],
    /// Dovecot, the receiver behind it, the issuer; they end in this order.
    _processes: [Kept; 3],
    home: TempDir,
}

impl House {
    pub(crate) fn start() -> Self {
        let directory = private_directory();
        let home = directory.path();
        write_certificates(home);
        fs::create_dir(home.join("mailboxes")).expect("making a directory for mailboxes");
        std::os::unix::fs::chown(home.join("mailboxes"), Some(UID), Some(UID))
            .expect("giving away the mailboxes");
        let ports @ [starttls, tls, relay, https, http] = free_ports();
        let log = File::create(home.join("provider.log")).expect("making a log");
        let provider = Kept::spawn(
            Command::new(python())
                .arg(file("identity_provider/serve.py"))
                .arg(home)
                .args([https, http].map(|port| port.to_string()))
                .arg(USER)
                .stdout(log.try_clone().expect("the log a second time"))
                .stderr(log),
        );
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
        let values: [(&str, &dyn ToString); 1] = [("HTTP", &http)];
        let oauth2 = fill(include_str!("identity_provider/oauth2.conf"), &values);
        let service = dovecot::start_with(home, &conf, &oauth2, LOGS);
        wait_until_listening(&ports, home, LOGS);
        House { ports: [tls, https], _processes: [service, receiver, provider], home: directory }
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Somebody with an account there, and this store.
    fn user(&self, client: &str, store: &str) -> User<'_> {
        let home = private_directory();
        let [tls, https] = self.ports;
        let secret = if client == "desktop" {
            fs::write(home.path().join("secret"), "word-of-the-client").expect("a secret");
            "client-secret = { file = \"secret\" }, "
        } else {
            ""
        };
        let config = format!(
            "[accounts.work]\nfrom = \"{USER}@example.net\"\nserver = \"smtps://localhost:{tls}\"\n\
             user = \"{USER}\"\ntls-ca = \"{}\"\n\
             oauth2 = {{ issuer = \"https://localhost:{https}\", client-id = \"{client}\", {secret}\
             scope = \"smtp\", store = {store} }}\n",
            self.home().join(AUTHORITY).display()
        );
        fs::write(home.path().join("envoi.toml"), config).expect("writing a configuration");
        User { house: self, home, bus: None }
    }

    /// What ended in tokens, in order.
    fn grants(&self) -> Vec<String> {
        let text = fs::read_to_string(self.home().join("grants")).unwrap_or_default();
        let kind = |line: &str| {
            let kind = line.split_once(' ').expect("a time and a kind").1;
            kind.rsplit(':').next().expect("a last part").to_owned()
        };
        text.lines().map(kind).collect()
    }

    fn withdraw(&self, token: &str) {
        let file = self.home().join("withdrawn");
        let before = fs::read_to_string(&file).unwrap_or_default();
        fs::write(file, format!("{before}{token}\n")).expect("writing a file");
    }

    #[track_caller]
    pub(crate) fn await_arrival(&self, to: &str, run: &Run) {
        let logs: String = LOGS.iter().map(|log| tail(&self.home().join(log))).collect();
        wait_until(
            || format!("{to} to arrive\n{run}\n{logs}"),
            || maildir_message(&self.home().join("mail"), &format!("for <{to}>")),
        );
    }
}

struct User<'h> {
    house: &'h House,
    home: TempDir,
    bus: Option<String>,
}

impl User<'_> {
    fn command(&self, words: impl IntoIterator<Item = OsString>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_envoi"));
        command
            .args(words)
            .env_clear()
            .env("ENVOI_CONFIG", self.home.path().join("envoi.toml"))
            .env("HOME", self.home.path())
            .env("XDG_STATE_HOME", self.home.path().join("state"))
            .env("PATH", "/usr/bin:/bin")
            .env("LANG", "C.UTF-8")
            .envs(self.bus.iter().map(|bus| ("DBUS_SESSION_BUS_ADDRESS", bus)))
            .current_dir(self.home.path())
            .stdin(Stdio::null());
        command
    }

    fn run(&self, words: impl IntoIterator<Item = OsString>) -> Run {
        let output = self.command(words).output().expect("running envoi");
        let text = |octets: Vec<u8>| String::from_utf8_lossy(&octets).into_owned();
        let status = output.status.code().expect("no signal ends envoi");
        let run = Run { status, stdout: text(output.stdout), stderr: text(output.stderr) };
        self.assert_tells_no_secret(&run);
        run
    }

    fn words(to: &str, more: &[&str]) -> Vec<OsString> {
        let words = ["send", "--body", "hi", to];
        words.iter().chain(more).map(Into::into).collect()
    }

    fn send(&self, to: &str, more: &[&str]) -> Run {
        self.run(Self::words(to, &[&["--json", "-vv"], more].concat()))
    }

    fn start(&self, to: &str, more: &[&str]) -> Child {
        self.command(Self::words(to, more)).spawn().expect("starting envoi")
    }

    fn log_in_by_code(&self) {
        self.log_in(&["--device"], |said| {
            let (_, rest) = said.split_once("or go straight to ")?;
            Some(rest.lines().next().expect("a line").to_owned())
        });
    }

    fn log_in(&self, options: &[&str], address: impl Fn(&str) -> Option<String>) {
        let run = self.try_log_in(options, address).exits(0);
        assert!(
            run.stdout.contains(&format!("{USER} is logged in at https://localhost:")),
            "{run}"
        );
    }

    /// Logs in; where to go is read off what was said, and gone to.
    fn try_log_in(&self, options: &[&str], address: impl Fn(&str) -> Option<String>) -> Run {
        let output = |name| File::create(self.home.path().join(name)).expect("a file");
        let read = |name| fs::read_to_string(self.home.path().join(name)).expect("a file");
        let words = ["account", "login", "work"];
        let mut child = self
            .command(words.iter().chain(options).map(Into::into))
            .stdout(output("out"))
            .stderr(output("err"))
            .spawn()
            .expect("starting envoi");
        let url = wait_until(
            || format!("an address\n{}", read("err")),
            || Some(address(&read("err"))).filter(Option::is_some),
        );
        visit(&url.expect("an address"), &self.house.home().join(AUTHORITY));
        let status = wait_until(
            || format!("envoi to end\n{}", read("err")),
            || child.try_wait().expect("waiting for envoi"),
        );
        let status = status.code().expect("no signal ends envoi");
        let run = Run { status, stdout: read("out"), stderr: read("err") };
        self.assert_tells_no_secret(&run);
        run
    }

    fn tokens(&self) -> Value {
        let text = fs::read_to_string(self.home.path().join("tokens")).expect("tokens");
        serde_json::from_str(&text).expect("JSON")
    }

    /// Makes the access token one that has expired.
    fn expire(&self) {
        let mut tokens = self.tokens();
        tokens["expires_at"] = 1.into();
        fs::write(self.home.path().join("tokens"), tokens.to_string()).expect("writing tokens");
    }

    #[track_caller]
    fn assert_tells_no_secret(&self, run: &Run) {
        let Ok(text) = fs::read_to_string(self.home.path().join("tokens")) else { return };
        let tokens: Value = serde_json::from_str(&text).expect("JSON");
        for name in ["access_token", "refresh_token"] {
            crate::secrets::assert_tells_nothing_of(tokens[name].as_str().expect("a token"), run);
        }
    }
}

/// As a browser does: follows wherever it is sent.
pub(crate) fn visit(url: &str, authority: &Path) {
    let script = "import ssl, sys, urllib.request as r, urllib.error as e\n\
                  context = ssl.create_default_context(cafile=sys.argv[2])\n\
                  try: r.urlopen(sys.argv[1], context=context, timeout=30).read()\n\
                  except e.HTTPError as error: print(error.read())\n";
    let visited = Command::new(python()).args(["-c", script, url]).arg(authority).output();
    let visited = visited.expect("running Python");
    assert!(visited.status.success(), "{}", String::from_utf8_lossy(&visited.stderr));
}
