//! Requests to two servers of HTTP over TLS: Python's `http.server`, and
//! `openssl s_server -WWW`, which speaks HTTP/1.0.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use envoi::account::discover::Trust;
use envoi::account::discover::autoconfig::ask;
use envoi::net::{
    Authorization, Deadline, Error, Family, Form, Http, HttpError, HttpUrl, Interrupt, Response,
    Roots, TlsVersion,
};
use envoi::sasl::Secret;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::authority::{AUTHORITY, write_certificates};
use crate::server::{
    Kept, file, free_ports, private_directory, program, python, wait_until_listening,
};

const DOCUMENT: &str = "<clientConfig version=\"1.1\"><emailProvider id=\"localhost\">\
    <outgoingServer type=\"smtp\"><hostname>smtp.localhost</hostname><port>465</port>\
    <socketType>SSL</socketType><username>%EMAILLOCALPART%</username>\
    <authentication>password-cleartext</authentication></outgoingServer>\
    </emailProvider></clientConfig>\n";

const LOGS: &[&str] = &["http.log"];

#[test]
fn a_file_is_got_from_python_and_from_openssl() {
    for server in [Served::by_python(), Served::by_openssl()] {
        let answer = server.get("/document.xml").expect("an answer");
        assert_eq!((answer.status, text(&answer)), (200, DOCUMENT));
    }
}

#[test]
fn chunks_are_put_together_and_a_redirect_is_told() {
    let server = Served::by_python();
    assert_eq!(text(&server.get("/chunked").expect("an answer")), DOCUMENT);
    let answer = server.get("/moved").expect("an answer");
    assert_eq!((answer.status, answer.location.as_deref()), (301, Some("/document.xml")));
    assert_eq!(server.get("/nothing").expect("an answer").status, 404);
}

#[test]
fn an_end_that_tls_does_not_announce_is_no_end() {
    let cut = Served::by_python().get("/closed");
    let expected = matches!(cut, Err(HttpError::Broke(Error::Closed { abruptly: true })));
    assert!(expected, "{cut:?}");
}

#[test]
fn python_reads_in_a_form_what_was_put_into_it() {
    let server = Served::by_python();
    let secret = "s&e=c r%e+t\u{fc}\n";
    let form = Form::new().with("grant type", "~a/b").with_secret("code", &Secret::new(secret));
    let password = Secret::new("p:w +");
    let who = Authorization { user: "client:1", password: &password };
    let url = server.url("/form");
    let answer = server.http(|http| http.post(&url, &form, Some(&who), MOST)).expect("an answer");
    assert_eq!(answer.status, 400);
    let told: Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(told["type"], "application/x-www-form-urlencoded");
    assert_eq!(told["fields"], json!([["grant type", "~a/b"], ["code", secret]]));
    let pair = STANDARD.encode("client%3A1:p%3Aw%20%2B");
    assert_eq!(told["authorization"], format!("Basic {pair}"));
}

#[test]
fn a_document_is_found_where_a_redirect_leads() {
    let server = Served::by_python();
    let address = "tim@localhost".parse().expect("an address");
    let search = server.http(|http| ask(&[server.url("/moved")], &address, http));
    let [candidate] = &search.candidates[..] else { panic!("{search:?}") };
    assert_eq!(candidate.endpoint.to_string(), "smtp.localhost:465");
    assert_eq!((candidate.user.as_deref(), &candidate.trust), (Some("tim"), &Trust::Sure));
}

const MOST: usize = 64 * 1024;

/// A server that has the document.
struct Served {
    port: u16,
    _process: Kept,
    home: TempDir,
}

impl Served {
    fn by_python() -> Self {
        Served::by(|home, port| {
            let log = fs::File::create(home.join(LOGS[0])).expect("making a log");
            Kept::spawn(
                Command::new(python())
                    .arg(file("http/serve.py"))
                    .arg(home)
                    .arg(port.to_string())
                    .stdout(Stdio::null())
                    .stderr(log),
            )
        })
    }

    fn by_openssl() -> Self {
        Served::by(|home, port| {
            let openssl = program("openssl", "openssl");
            let accept = format!("127.0.0.1:{port}");
            let words =
                ["s_server", "-WWW", "-cert", "server.pem", "-key", "server.key", "-accept"];
            let words = words.into_iter().chain([accept.as_str()]).map(Into::into);
            Kept::followed(std::iter::once(openssl).chain(words), home, LOGS[0])
        })
    }

    fn by(start: impl FnOnce(&Path, u16) -> Kept) -> Self {
        let home = private_directory();
        write_certificates(home.path());
        fs::write(home.path().join("document.xml"), DOCUMENT).expect("writing the document");
        let [port] = free_ports();
        let process = start(home.path(), port);
        wait_until_listening(&[port], home.path(), LOGS);
        Served { port, _process: process, home }
    }

    fn url(&self, path: &str) -> HttpUrl {
        format!("https://localhost:{}{path}", self.port).parse().expect("a URL")
    }

    fn get(&self, path: &str) -> Result<Response, HttpError> {
        self.http(|http| http.get(&self.url(path), "text/xml", MOST))
    }

    fn http<T>(&self, ask: impl FnOnce(&Http<'_>) -> T) -> T {
        ask(&Http {
            roots: Roots { files: vec![self.home.path().join(AUTHORITY)], ..Roots::default() },
            least: TlsVersion::V1_2,
            proxy: &|_| Ok(None),
            source: None,
            family: Family::V4,
            deadline: Deadline::after(Duration::from_secs(30)),
            interrupt: &Interrupt::default(),
        })
    }
}

fn text(answer: &Response) -> &str {
    std::str::from_utf8(&answer.body).expect("UTF-8")
}
