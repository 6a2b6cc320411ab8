//! Logging in with a browser of this machine.

use crate::issuer::{Issuer, decoded, refused};
use crate::login::changed;
use crate::running::{GENEROUS, Place, Run, Started};
use crate::{assert_says, assert_tells_no_secret, kept, place};
use base64::Engine as _;
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// A login that waits for a browser.
struct Waiting {
    envoi: Started,
    place: Place,
    /// Where the browser was sent, the names and values of it, decoded.
    sent: BTreeMap<String, String>,
}

impl Waiting {
    fn at(issuer: &Issuer) -> Self {
        let place = place(&issuer.url, None);
        let err = File::create(place.directory().join("err")).expect("a file");
        let mut command = place.envoi(["account", "login", "work", "--browser"]);
        let envoi = Started(command.stderr(err).spawn().expect("starting envoi"));
        let started = Instant::now();
        let url = loop {
            let said = fs::read_to_string(place.directory().join("err")).expect("a file");
            let whole = said.split_once("go to:\n  ").and_then(|(_, rest)| rest.split_once('\n'));
            if let Some((url, _)) = whole {
                break url.to_owned();
            }
            assert!(started.elapsed() < GENEROUS, "{said}");
            std::thread::sleep(Duration::from_millis(5));
        };
        let (address, query) = url.split_once('?').expect("a query");
        assert_eq!(address, format!("{}/authorize", issuer.url));
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let sent = pairs.map(|(name, value)| (name.to_owned(), decoded(value))).collect();
        Waiting { envoi, place, sent }
    }

    /// Comes back with this behind the address, and gives what is shown.
    fn back(&self, rest: &str) -> String {
        let address = self.sent["redirect_uri"].strip_prefix("http://").expect("HTTP");
        let mut socket = TcpStream::connect(address).expect("connecting");
        let request = format!("GET {rest} HTTP/1.1\r\nHost: {address}\r\n\r\n");
        socket.write_all(request.as_bytes()).expect("asking");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("an answer");
        answer
    }

    fn finish(self) -> (Run, Place) {
        let mut run = self.envoi.finish();
        run.stderr = fs::read_to_string(self.place.directory().join("err")).expect("a file");
        assert_tells_no_secret(&run);
        (run, self.place)
    }
}

#[test]
fn a_browser_brings_the_code_and_shows_that_it_worked() {
    // 8252-7.3, 7636-4
    let issuer = Issuer::kind();
    let waiting = Waiting::at(&issuer);
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "envoi"),
        ("code_challenge_method", "S256"),
        ("login_hint", "alice"),
        ("scope", "offline_access"),
    ] {
        assert_eq!(waiting.sent[name], value);
    }
    // A browser that connects before it knows what for, and its other wishes.
    let address = waiting.sent["redirect_uri"].strip_prefix("http://").expect("HTTP").to_owned();
    let _idle = TcpStream::connect(&address).expect("connecting");
    assert!(address.starts_with("127.0.0.1:"));
    for other in ["/favicon.ico", "/", "/other?code=code-word"] {
        assert!(waiting.back(other).starts_with("HTTP/1.1 404 "), "{other}");
    }
    // 6749-10.12: any page that the browser shows may try this port.
    for forged in ["/?code=forged&state=other", "/?error=access_denied", "/?code=forged"] {
        let shown = waiting.back(forged);
        assert!(shown.starts_with("HTTP/1.1 400 "), "{shown}");
        assert!(shown.contains("This is no answer to the login"), "{shown}");
    }
    let state = waiting.sent["state"].clone();
    let shown = waiting.back(&format!("/?code=code%2Dword&state={state}"));
    assert!(shown.starts_with("HTTP/1.1 200 ") && shown.contains("You are logged in"), "{shown}");
    let (challenge, redirect) =
        (waiting.sent["code_challenge"].clone(), waiting.sent["redirect_uri"].clone());
    let (run, place) = waiting.finish();
    assert_eq!(run.status, 0, "{run}");
    assert!(kept(&place).is_some());
    let asked = issuer.asked("/token").remove(0);
    assert_eq!((asked.field("code"), asked.field("redirect_uri")), ("code-word", &*redirect));
    // 7636-4.6: what the issuer would compute.
    let hash = ring::digest::digest(&ring::digest::SHA256, asked.field("code_verifier").as_bytes());
    let computed = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(hash);
    assert_eq!(computed, challenge);
}

#[test]
fn an_answer_that_is_none_or_a_refusal_ends_the_login() {
    // 6749-10.12, 9207-2.4
    let promising = || {
        Issuer::start(|url, asked| {
            (asked.path == "/.well-known/oauth-authorization-server").then(|| {
                changed(url, "authorization_response_iss_parameter_supported", json!(true))
            })
        })
    };
    let broken =
        || Issuer::start(|_, asked| (asked.path == "/token").then(|| refused("invalid_grant")));
    for (issuer, back, status, says) in [
        (
            Issuer::kind(),
            "/?error=access_denied&error_description=%3Cb%3Eno&state=STATE",
            77,
            "the login was denied (<b>no)",
        ),
        (
            Issuer::kind(),
            "/?error=invalid_scope&state=STATE",
            77,
            "refused the login: invalid_scope",
        ),
        (
            Issuer::kind(),
            "/?code=code-word&state=STATE&iss=https://evil.example",
            76,
            "speaks for another issuer",
        ),
        (promising(), "/?code=code-word&state=STATE", 76, "does not say who the issuer is"),
        (broken(), "/?code=code-word&state=STATE", 77, "refused the login: invalid_grant"),
    ] {
        let waiting = Waiting::at(&issuer);
        let shown = waiting.back(&back.replace("STATE", &waiting.sent["state"]));
        assert!(
            shown.starts_with("HTTP/1.1 400 ") && shown.contains("The login failed"),
            "{shown}"
        );
        assert!(!shown.contains("<b>no"), "{shown}");
        let (run, place) = waiting.finish();
        assert_eq!(run.status, status, "{run}");
        assert!(run.stderr.contains(says), "{says}\n{run}");
        assert!(kept(&place).is_none(), "{run}");
    }
}

#[test]
fn whoever_asks_to_stop_does_not_wait_for_the_browser() {
    let issuer = Issuer::kind();
    let waiting = Waiting::at(&issuer);
    waiting.envoi.interrupt();
    let (run, place) = waiting.finish();
    assert_eq!(run.status, 130, "{run}");
    assert!(kept(&place).is_none());
    let place = crate::place(&issuer.url, None);
    let run = place.run(["account", "login", "--browser", "--deadline", "3"], None);
    assert_says(&run, 75, &["envoi: nobody approved the login in time"]);
}

#[test]
fn a_desktop_shows_the_browser() {
    // A display, and a program in the place of the real one.
    let issuer = Issuer::kind();
    let mut place = place(&issuer.url, None);
    place.write(
        "bin/xdg-open",
        "#!/bin/sh\nprintf %s \"$1\" >shown.new; mv shown.new shown\n",
        Some(0o755),
    );
    let path = format!("{}/bin:/usr/bin:/bin", place.directory().display());
    place.set("PATH", path);
    place.set("DISPLAY", ":7".to_owned());
    let envoi = Started(place.envoi(["account", "login"]).spawn().expect("starting envoi"));
    let started = Instant::now();
    let shown = loop {
        if let Ok(shown) = fs::read_to_string(place.directory().join("shown")) {
            break shown;
        }
        assert!(started.elapsed() < GENEROUS, "no browser was opened");
        std::thread::sleep(Duration::from_millis(5));
    };
    envoi.interrupt();
    let run = envoi.finish();
    assert!(run.stderr.contains(&shown), "{shown}\n{run}");
    assert!(run.stderr.contains("a browser was opened; if not, go to:"), "{run}");
}
