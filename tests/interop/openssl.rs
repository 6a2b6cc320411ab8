//! `openssl s_server`: TLS as others speak it, and as nobody should any more.
//! It speaks no SMTP, so that every run ends with what became of the handshake.

use crate::authority::{AUTHORITY, write_certificates};
use crate::letter::Letter;
use crate::program::{Client, Run};
use crate::server::{
    Kept, Mode, Server, free_ports, private_directory, program, wait_until_listening,
};
use serde_json::Value;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A server that does nothing but TLS.
struct Openssl {
    port: u16,
    _process: Kept,
    home: TempDir,
}

const LOGS: &[&str] = &["openssl.log"];

impl Openssl {
    /// Serves with the certificate in `server.pem` and `server.key`, which
    /// openssl has made anew if it is told to, and these options.
    fn start(made: Option<&[&str]>, options: &[&str]) -> Self {
        let openssl = program("openssl", "openssl");
        let home = private_directory();
        write_certificates(home.path());
        if let Some(made) = made {
            let run = Command::new(&openssl)
                .args(["req", "-x509", "-nodes", "-subj", "/CN=localhost"])
                .args(["-addext", "subjectAltName=DNS:localhost"])
                .args(["-keyout", "server.key", "-out", "server.pem"])
                .args(made)
                .current_dir(home.path())
                .output()
                .expect("running openssl");
            assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        }
        let [port] = free_ports();
        let log = File::create(home.path().join(LOGS[0])).expect("making a log");
        // It waits for clients whatever becomes of its standard input, so that
        // somebody else has to watch that.
        let process = Kept::spawn(
            Command::new("sh")
                .args(["-c", r#""$@" & cat; kill $!; wait"#, "guard"])
                .arg(openssl)
                .args(["s_server", "-www", "-accept", &format!("127.0.0.1:{port}")])
                .args(["-cert", "server.pem", "-key", "server.key"])
                .args(options)
                .current_dir(home.path())
                .stdout(Stdio::from(log.try_clone().expect("a second handle")))
                .stderr(log),
        );
        wait_until_listening(&[port], home.path(), LOGS);
        Self { port, _process: process, home }
    }

    /// Runs the program with these options, and gives what it says of its first
    /// attempt beside the whole.
    fn tried(&self, options: &[&str]) -> (Value, Run) {
        let client = Client::of(self, Mode::ImplicitTls);
        let mut arguments = Letter::example().composed(&client, &Letter::someone("carol"));
        arguments.extend(["--timeout", "2"].map(Into::into));
        arguments.extend(options.iter().map(Into::into));
        let run = client.send(arguments);
        (run.report()["attempts"][0].clone(), run)
    }
}

impl Server for Openssl {
    fn port(&self, _mode: Mode) -> u16 {
        self.port
    }

    fn home(&self) -> &Path {
        self.home.path()
    }

    fn offers_enhanced_codes(&self) -> bool {
        false
    }

    fn stored(&self, _recipient: &str) -> Option<Vec<u8>> {
        None
    }

    fn logs(&self) -> &'static [&'static str] {
        LOGS
    }
}

#[track_caller]
fn fails(tried: (Value, Run), sentence: &str) {
    let (attempt, run) = tried;
    assert!(attempt["error"].as_str().is_some_and(|it| it.contains(sentence)), "{run}");
    run.exits(76);
}

/// The handshake was good: what is missing is a greeting.
#[track_caller]
fn stands(tried: (Value, Run)) {
    let (attempt, run) = tried;
    let error = attempt["error"].as_str().unwrap_or_default();
    assert!(error.ends_with("waiting for the server's greeting"), "{run}");
    run.exits(75);
}

const OLD: [&str; 2] = ["-cipher", "ALL:@SECLEVEL=0"];

#[test]
fn versions_that_are_no_longer_safe_are_not_spoken() {
    // 8314-3c
    let server = Openssl::start(None, &[&OLD[..], &["-tls1_1"]].concat());
    fails(server.tried(&[]), "the server does not speak TLS 1.2 or later");
    let server = Openssl::start(None, &["-tls1_2"]);
    stands(server.tried(&[]));
    fails(server.tried(&["--tls-min", "1.3"]), "the server does not speak TLS 1.3 or later");
}

#[test]
fn cipher_suites_without_forward_secrecy_are_not_used() {
    let rsa = ["-newkey", "rsa:2048"];
    let server = Openssl::start(Some(&rsa), &["-tls1_2", "-cipher", "kRSA"]);
    fails(server.tried(&[]), "no cipher suite or key exchange that is safe enough");
}

#[test]
fn what_openssl_makes_by_itself_is_an_authority_and_can_be_pinned() {
    let server =
        Openssl::start(Some(&["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]), &[]);
    let (attempt, run) = server.tried(&[]);
    let pin = format!("spki-sha256:{}", attempt["tls"]["spkiSha256"].as_str().expect("a pin"));
    assert!(run.report()["hints"].to_string().contains(&pin), "{run}");
    fails((attempt, run), "uses the certificate of an authority (CA:TRUE) as its own");
    stands(server.tried(&["--tls-pin", &pin]));
    // As openssl itself prints it.
    let printed = Command::new(program("openssl", "openssl"))
        .args(["x509", "-noout", "-fingerprint", "-sha256", "-in", "server.pem"])
        .current_dir(server.home())
        .output()
        .expect("running openssl");
    let printed = String::from_utf8(printed.stdout).expect("UTF-8");
    let (_, fingerprint) = printed.trim().split_once('=').expect("a fingerprint");
    stands(server.tried(&["--tls-pin", fingerprint]));
}

#[test]
fn a_key_of_1024_bits_is_told_by_its_length() {
    let server = Openssl::start(Some(&["-newkey", "rsa:1024"]), &OLD);
    fails(server.tried(&[]), "RSA of 1024 bits");
    fails(server.tried(&["--tls-verify", "no"]), "RSA of 1024 bits");
}

#[test]
fn a_server_that_wants_a_certificate_is_understood() {
    for version in ["-tls1_2", "-tls1_3"] {
        let wants = ["-Verify", "1", "-verify_return_error", "-CAfile", AUTHORITY, version];
        let server = Openssl::start(None, &wants);
        let (attempt, run) = server.tried(&[]);
        let error = attempt["error"].as_str().unwrap_or_default();
        assert!(error.contains("a client certificate"), "{version} {run}");
        assert!(run.report()["hints"].to_string().contains("--tls-cert FILE"), "{run}");
        run.exits(76);

        let file = |name: &str| server.home().join(name).display().to_string();
        let shown = |certificate: &str, key: &str| {
            server.tried(&["--tls-cert", &file(certificate), "--tls-key", &file(key)])
        };
        let made = rcgen::generate_simple_self_signed(["stranger.example".to_owned()]);
        let made = made.expect("a certificate");
        fs::write(file("unknown.pem"), made.cert.pem()).expect("writing a certificate");
        write_closed(&file("unknown.key"), &made.signing_key.serialize_pem());
        fails(shown("unknown.pem", "unknown.key"), "does not accept the client certificate");
    }
}

fn write_closed(path: &str, text: &str) {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).expect("writing a key");
}
