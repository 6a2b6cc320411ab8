//! Signatures, after Postfix has had the message, by the judgement of two
//! verifiers that other people wrote: dkimpy and `Mail::DKIM`. The keys are made
//! as `envoi-config(5)` says.

use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::letter::{Arrived, Letter};
use crate::postfix::postfix;
use crate::program::Client;
use crate::server::{Mode, Server, file, program, python};

const RSA: &str = "rsa-sha256";
const ED25519: &str = "ed25519-sha256";

#[test]
fn a_composed_message_verifies_after_postfix() {
    let server = postfix();
    for forms in ["relaxed/relaxed", "simple/simple"] {
        let client = Client::of(&*server, Mode::Cleartext);
        let signing = Signing::prepare(&client, forms);
        let judy = Letter::someone("judy");
        let run = client.send(signing.with(Letter::example().composed(&client, &judy))).exits(0);
        assert_eq!(run.report()["warnings"], json!([]));
        Letter::example().assert_is_what(&Arrived::at(&*server, &judy));
        signing.assert_verifies(&stored(&*server, &judy));
    }
}

#[test]
fn a_ready_message_verifies_after_postfix() {
    let server = postfix();
    for forms in ["relaxed/simple", "simple/relaxed"] {
        let client = Client::of(&*server, Mode::Cleartext);
        let signing = Signing::prepare(&client, forms);
        let mallory = Letter::someone("mallory");
        let ready = Letter::example().ready(&mallory);
        client.send(signing.with(ready.arguments(&client, &[&mallory]))).exits(0);
        Letter::example().assert_is_what(&Arrived::at(&*server, &mallory));
        signing.assert_verifies(&stored(&*server, &mallory));
    }
}

#[test]
fn a_long_folded_header_and_a_body_of_blanks_verify_after_postfix() {
    // 6376-3.4
    let server = postfix();
    let client = Client::of(&*server, Mode::Cleartext);
    let signing = Signing::prepare(&client, "relaxed/relaxed");
    let niaj = Letter::someone("niaj");
    let references: String = (0..40).map(|nth| format!("\n \t <{nth}@example.net>  ")).collect();
    let text = format!(
        "From: zoe@example.net\nTo: {niaj},\n\t\"A,  B\" <b@example.net> (a  comment)\n\
         References:{references}\nSUBJECT:   folded\n  and   wide\nList-Id: <a.example.net>\n\
         \n  leading\ttabs \n\n.\n \n\t\n\n"
    );
    let path = client.home().join("blanks.eml");
    fs::write(&path, text).expect("writing the message");
    let arguments = vec!["--message".into(), path.into(), OsString::from(&niaj)];
    client.send(signing.with(arguments)).exits(0);
    Arrived::at(&*server, &niaj);
    signing.assert_verifies(&stored(&*server, &niaj));
}

#[test]
fn a_second_subject_breaks_both_signatures() {
    // 6376-5.4
    let server = postfix();
    let client = Client::of(&*server, Mode::Cleartext);
    let signing = Signing::prepare(&client, "relaxed/relaxed");
    let olivia = Letter::someone("olivia");
    client.send(signing.with(Letter::example().composed(&client, &olivia))).exits(0);
    Arrived::at(&*server, &olivia);
    let stored = [b"Subject: another\r\n".as_slice(), &stored(&*server, &olivia)].concat();
    assert_eq!(signing.dkimpy(&stored), json!([[RSA, "fail"], [ED25519, "fail"]]));
    assert_eq!(signing.mail_dkim(&stored)[0], json!([RSA, "fail"]));
}

/// Two keys in the home of a client, the account that signs by them, and what
/// its domain would publish.
struct Signing {
    configuration: PathBuf,
    records: PathBuf,
}

impl Signing {
    fn prepare(client: &Client, forms: &str) -> Self {
        let home = client.home();
        let rsa = home.join("rsa.pem");
        let bits = ["-pkeyopt", "rsa_keygen_bits:2048"];
        openssl(&["genpkey", "-algorithm", "rsa", bits[0], bits[1], "-out"], &rsa);
        let ed25519 = home.join("ed25519.pem");
        openssl(&["genpkey", "-algorithm", "ed25519", "-out"], &ed25519);
        let public = |key: &Path| openssl(&["pkey", "-pubout", "-outform", "DER", "-in"], key);
        let of_ed25519 = public(&ed25519);
        let (_, raw) = of_ed25519.split_at(of_ed25519.len() - 32);
        let records = json!({
            "rsa._domainkey.example.net":
                format!("v=DKIM1; k=rsa; p={}", STANDARD.encode(public(&rsa))),
            "ed25519._domainkey.example.net":
                format!("v=DKIM1; k=ed25519; p={}", STANDARD.encode(raw)),
        });
        let signing =
            Signing { configuration: home.join("signing.toml"), records: home.join("dns.json") };
        fs::write(&signing.records, records.to_string()).expect("writing the records");
        let table = |name: &str| {
            format!(
                "{{ domain = 'example.net', selector = '{name}', key = '{name}.pem', \
                 canonicalization = '{forms}' }}"
            )
        };
        let text = format!(
            "[accounts.signing]\nserver = 'sink:'\ndkim = [{}, {}]\n",
            table("rsa"),
            table("ed25519")
        );
        fs::write(&signing.configuration, text).expect("writing the configuration");
        signing
    }

    /// The arguments, and those that name the account.
    fn with(&self, mut arguments: Vec<OsString>) -> Vec<OsString> {
        arguments.extend(["--config".into(), self.configuration.clone().into()]);
        arguments.extend(["--account".into(), "signing".into()]);
        arguments
    }

    #[track_caller]
    fn assert_verifies(&self, message: &[u8]) {
        let text = String::from_utf8_lossy(message);
        let expected = json!([[RSA, "pass"], [ED25519, "pass"]]);
        assert_eq!(self.dkimpy(message), expected, "dkimpy on\n{text}");
        // Its older versions know RSA only, and say so.
        let found = self.mail_dkim(message);
        assert_eq!(found[0], expected[0], "Mail::DKIM on\n{text}");
        assert!(
            [json!([ED25519, "pass"]), json!([ED25519, "invalid"])].contains(&found[1]),
            "Mail::DKIM: {found} on\n{text}"
        );
    }

    fn dkimpy(&self, message: &[u8]) -> Value {
        self.judge(Command::new(python()).arg(file("dkim/verify.py")), message)
    }

    fn mail_dkim(&self, message: &[u8]) -> Value {
        self.judge(Command::new(program("perl", "perl")).arg(file("dkim/verify.pl")), message)
    }

    fn judge(&self, command: &mut Command, message: &[u8]) -> Value {
        let mut child = command
            .arg(&self.records)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        // The scripts read all of their input before they write.
        let mut input = child.stdin.take().expect("a pipe");
        let written = input.write_all(message);
        drop(input);
        let output = child.wait_with_output().expect("waiting for a verifier");
        assert!(
            output.status.success() && written.is_ok(),
            "{command:?} failed; apt-get install python3-dkim python3-nacl libmail-dkim-perl \
             (tests/run does it)"
        );
        serde_json::from_slice(&output.stdout).expect("the verifiers write JSON")
    }
}

/// What the server stored, with the line ends that were signed.
fn stored(server: &dyn Server, recipient: &str) -> Vec<u8> {
    let octets = server.stored(recipient).expect("a message that has arrived");
    let lines = octets.split_inclusive(|&octet| octet == b'\n');
    lines
        .flat_map(|line| match line.strip_suffix(b"\n") {
            Some(line) => [line.strip_suffix(b"\r").unwrap_or(line), b"\r\n"],
            None => [line, b""],
        })
        .collect::<Vec<_>>()
        .concat()
}

/// What openssl writes to standard output.
fn openssl(arguments: &[&str], path: &Path) -> Vec<u8> {
    let output = Command::new(program("openssl", "openssl"))
        .args(arguments)
        .arg(path)
        .output()
        .expect("running openssl");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {arguments:?}: {said}");
    output.stdout
}
