//! Logging in and out.

use crate::issuer::{Asked, Issuer, Said, decoded, metadata, refused};
use crate::running::{GENEROUS, Place, Run, Started};
use crate::{assert_says, assert_tells_no_secret, kept, place};
use base64::Engine as _;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

fn config(place: &Place) -> String {
    fs::read_to_string(place.directory().join("config/envoi/config.toml")).expect("a configuration")
}

#[test]
fn a_login_with_a_code_needs_no_terminal() {
    // 8628-3
    let issuer = Issuer::kind();
    let place = place(&issuer.url, None);
    let before = config(&place);
    let run = place.run(["account", "login", "work", "--device"], None);
    let here = format!("to log in, go to {}/here", issuer.url);
    assert_says(&run, 0, &[&here, "and type the code ABCD-EFGH"]);
    assert_eq!(
        run.stdout,
        format!(
            "alice is logged in at {}, and ‘work’ can send until the login is revoked or the \
             issuer ends it\n",
            issuer.url
        )
    );
    assert_tells_no_secret(&run);
    assert_eq!(config(&place), before, "the account had said everything");
    let kept = kept(&place).expect("tokens");
    assert_eq!((&kept["access_token"], &kept["user"]), (&json!("access-1"), &json!("alice")));
    let mode = fs::metadata(place.directory().join(crate::TOKENS)).expect("a file").permissions();
    assert_eq!(mode.mode() & 0o7777, 0o600);
    let asked = issuer.asked("/device").remove(0);
    assert_eq!(
        asked.form,
        BTreeMap::from([
            ("client_id".into(), "envoi".into()),
            ("scope".into(), "offline_access".into())
        ])
    );
    let asked = issuer.asked("/token").remove(0);
    assert_eq!(asked.field("device_code"), "device-code-word");
    assert_eq!(asked.field("grant_type"), "urn:ietf:params:oauth:grant-type:device_code");
}

#[test]
fn long_tokens_are_kept_whole() {
    let long = "a".repeat(12 * 1024);
    let token = long.clone();
    let issuer = Issuer::start(move |_, asked| {
        let json = json!({ "access_token": token, "token_type": "bearer", "refresh_token": token });
        (asked.path == "/token").then_some(Said::Json(200, json))
    });
    let place = place(&issuer.url, None);
    let run = place.run(["account", "login", "work", "--device"], None);
    assert_eq!(run.status, 0, "{run}");
    let kept = kept(&place).expect("tokens");
    assert_eq!((&kept["access_token"], &kept["refresh_token"]), (&json!(long), &json!(long)));
    assert_eq!(kept["expires_at"], Value::Null);
}

#[test]
fn what_the_options_say_is_written_into_the_account_when_the_login_went_well() {
    let issuer = Issuer::kind();
    let place = Place::new();
    let text = "# Mine.\n[accounts.work] # here\nserver = \"smtps://mail.example.org\"\n\
                user = \"alice\"\npassword = { prompt = true }\n";
    place.write("config/envoi/config.toml", text, None);
    place.write("secret", "client-word", Some(0o600));
    let options = ["--issuer", &issuer.url, "--client-id", "me", "--scope", "mail"];
    let store = ["--store", "file:here", "--client-secret-from"];
    let secret = format!("file:{}/secret", place.directory().display());
    let words = ["account", "login", "work", "--device", "--json"];
    let words = words.iter().chain(&options).chain(&store).copied().chain([secret.as_str()]);
    let run = place.run(words, None);
    assert_eq!(run.status, 0, "{run}");
    assert_tells_no_secret(&run);
    let said: Value = serde_json::from_str(&run.stdout).expect("one object");
    assert_eq!((&said["user"], &said["renewable"]), (&json!("alice"), &json!(true)), "{said}");
    assert!(said["tokenExpires"].is_i64(), "{said}");
    let directory = place.directory().display();
    let expected = format!(
        "# Mine.\n[accounts.work] # here\nserver = \"smtps://mail.example.org\"\n\
         user = \"alice\"\noauth2 = {{ issuer = \"{}\", client-id = \"me\", client-secret = \
         {{ file = \"{directory}/secret\" }}, scope = \"mail\", store = {{ file = \
         \"{directory}/here\" }} }}\n",
        issuer.url
    );
    assert_eq!(config(&place), expected);
    // 6749-2.3.1: an issuer that says nothing takes it in the header.
    let asked = issuer.asked("/token").remove(0);
    assert_eq!(asked.authorization.as_deref(), Some("Basic bWU6Y2xpZW50LXdvcmQ="));
    assert_eq!(issuer.asked("/device").remove(0).field("scope"), "mail offline_access");
}

#[test]
fn a_login_that_fails_says_why_and_leaves_everything_as_it_was() {
    let at = |path: &'static str, said: fn(&str) -> Said| {
        move |url: &str, asked: &Asked| (asked.path == path).then(|| said(url))
    };
    let about = |said: fn(&str) -> Said| at("/.well-known/oauth-authorization-server", said);
    for (issuer, status, says, hint) in [
        (
            Issuer::start(about(|url| changed(url, "issuer", json!("https://id.example.org")))),
            76,
            "speaks for another issuer: for ‘https://id.example.org’, not ‘",
            "if that is the one that is meant: --issuer https://id.example.org",
        ),
        (
            Issuer::start(about(|url| {
                changed(url, "token_endpoint", json!("http://id.example.org/t"))
            })),
            76,
            "its token_endpoint is ‘http://id.example.org/t’: it is not protected by TLS",
            "check whether it is the issuer that is meant: envoi account show work",
        ),
        (
            Issuer::start(about(|_| Said::Html(200, "<html>welcome</html>"))),
            76,
            "answered is no metadata: ",
            "check whether",
        ),
        (Issuer::start(about(|_| Said::Html(500, "oh"))), 75, "the HTTP status 500", "try again"),
        (
            Issuer::start(about(|_| Said::Html(404, "oh"))),
            76,
            "openid-configuration answered with the HTTP status 404",
            "check whether",
        ),
        (
            Issuer::start(about(|_| Said::Nothing)),
            75,
            "cannot be asked: timed out after ",
            "try again",
        ),
        (
            Issuer::start(about(|url| changed(url, "device_authorization_endpoint", Value::Null))),
            78,
            "has no way to log in with a code",
            "envoi account login work --browser",
        ),
        (
            Issuer::start(at("/device", |_| refused("invalid_client"))),
            77,
            "refused a code to log in with: invalid_client (not \\x1b[31mtoday)",
            "check client-id and client-secret",
        ),
        (
            Issuer::start(at("/device", |_| Said::Json(200, json!({ "a": 1 })))),
            76,
            "is no code to log in with: ",
            "check whether",
        ),
        (
            Issuer::start(at("/token", |_| refused("access_denied"))),
            77,
            "the login was denied (not \\x1b[31mtoday)",
            "log in: envoi account login work",
        ),
        (
            Issuer::start(at("/token", |_| refused("expired_token"))),
            75,
            "nobody approved the login in time",
            "log in: ",
        ),
        (
            Issuer::start(at("/token", |_| Said::Html(200, "<html>secret</html>"))),
            76,
            "is no JSON, in line 1, column 1",
            "check whether",
        ),
        (
            Issuer::start(at("/token", |_| {
                Said::Json(
                    200,
                    json!({ "access_token": "a".repeat(100_000), "token_type": "Bearer" }),
                )
            })),
            76,
            "the answer has more than 65536 octets",
            "",
        ),
    ] {
        let place = place(&issuer.url, None);
        let before = config(&place);
        // Only who says nothing is left so soon.
        let limit = if says.contains("timed out") { "1" } else { "30" };
        let words =
            ["account", "login", "work", "--device", "--timeout", limit, "--store", "file:t"];
        let run = place.run(words, None);
        assert_eq!(run.status, status, "{run}");
        assert!(run.stderr.contains(says), "{says}\n{run}");
        assert!(run.stderr.contains(&format!("hint: {hint}")), "{hint}\n{run}");
        assert_tells_no_secret(&run);
        assert_eq!(config(&place), before, "{run}");
        assert!(!place.directory().join("t").exists(), "{run}");
    }
}

/// Metadata with another value.
fn changed(url: &str, key: &str, value: Value) -> Said {
    let mut metadata = metadata(url);
    metadata[key] = value;
    Said::Json(200, metadata)
}

#[test]
fn a_code_that_nobody_types_ends_with_it() {
    // 8628-3.5
    let issuer = Issuer::start(|url, asked| match asked.path.as_str() {
        "/token" => Some(refused("authorization_pending")),
        "/device" => Some(Said::Json(
            200,
            json!({
                "device_code": "device-code-word", "user_code": "A", "expires_in": 2,
                "verification_url": url, "verification_uri_complete": "https://x/\u{1b}[2J",
                "interval": 1,
            }),
        )),
        _ => None,
    });
    let place = place(&issuer.url, None);
    let run = place.run(["account", "login", "work", "--device"], None);
    assert_says(&run, 75, &["envoi: nobody approved the login in time"]);
    assert!(run.stderr.contains("or go straight to https://x/\\x1b[2J\n"), "{run}");
    assert!(issuer.asked("/token").len() <= 2);
    assert!(kept(&place).is_none());
}

#[test]
fn what_is_missing_is_said_before_anybody_is_asked() {
    let issuer = Issuer::kind();
    for (oauth2, words, status, says) in [
        ("", vec![], 64, "nothing says who issues tokens for ‘work’"),
        ("", vec!["--issuer", "gmail"], 64, "--issuer: it is google, microsoft or a URL"),
        ("", vec!["--issuer", "http://id.example.org"], 64, "--issuer: it is google"),
        ("", vec!["--tenant", "a.example"], 64, "--tenant: only --issuer microsoft has tenants"),
        ("", vec!["--issuer", &issuer.url], 78, "nothing says by which client-id"),
        ("", vec!["--issuer", "google", "--store", "here"], 64, "--store: it is keyring or file"),
        (
            "oauth2 = { issuer = \"google\", client-id = \"c\" }",
            vec!["--device", "--store", "file:t"],
            78,
            "google has no way to log in with a code",
        ),
        (
            "oauth2 = { issuer = \"google\", client-id = \"c\" }",
            vec![],
            78,
            "the tokens cannot be read: the keyring cannot be asked",
        ),
        ("oauth2 = { client-id = \"c\" }", vec![], 78, "oauth2: it has an issuer"),
        ("oauth2 = { issuer = \"x\" }", vec![], 78, "oauth2: the issuer ‘x’ is none"),
        (
            "oauth2 = { issuer = \"google\", store = \"x\" }",
            vec![],
            78,
            "store: it is \"keyring\" or",
        ),
        (
            "oauth2 = { issuer = \"google\", sto = \"x\" }",
            vec![],
            78,
            "there is no key ‘sto’ in oauth2",
        ),
        (
            "oauth2 = { issuer = \"google\" }\ntoken = { env = \"X\" }",
            vec![],
            78,
            "has both token and oauth2",
        ),
    ] {
        let place = Place::new();
        let text =
            format!("[accounts.work]\nserver = \"smtps://a.example\"\nuser = \"a\"\n{oauth2}\n");
        place.write("config/envoi/config.toml", &text, None);
        let run = place.run(["account", "login", "work"].iter().chain(&words), None);
        assert_eq!(run.status, status, "{run}");
        assert!(run.stderr.contains(says), "{says}\n{run}");
        assert_eq!(config(&place), text);
    }
    assert!(issuer.asked("/token").is_empty());
}

#[test]
fn whoever_logs_out_keeps_nothing_and_gives_it_back() {
    // 7009-2
    let issuer = Issuer::kind();
    let place = place(&issuer.url, None);
    crate::put(&place, &issuer, "access-0", None);
    let run = place.run(["account", "logout", "work"], None);
    assert_eq!((run.status, run.stdout), (0, format!("alice is logged out at {}\n", issuer.url)));
    let asked = issuer.asked("/revoke").remove(0);
    assert_eq!((asked.field("token"), asked.field("client_id")), ("refresh-word", "envoi"));
    assert!(kept(&place).is_none());
    let run = place.run(["account", "logout", "work"], None);
    assert_eq!(
        (run.status, run.stdout),
        (0, format!("alice was not logged in at {}\n", issuer.url))
    );
}

#[test]
fn tokens_that_the_issuer_does_not_take_back_are_removed_all_the_same() {
    let issuer = Issuer::start(|_, _| Some(Said::Html(503, "busy")));
    let place = place(&issuer.url, None);
    crate::put(&place, &issuer, "access-0", None);
    let run = place.run(["account", "logout", "work"], None);
    assert_eq!(run.status, 0, "{run}");
    assert!(
        run.stderr.starts_with("warning: the tokens are removed, but not given back: "),
        "{run}"
    );
    assert!(kept(&place).is_none());
}

// With a browser ----------------------------------------------------------------

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
