//! Logging in and out.

use crate::issuer::{Asked, Issuer, Said, metadata, refused};
use crate::running::Place;
use crate::{assert_says, assert_tells_no_secret, kept, place};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

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
            "if that is the one that is meant: envoi account login work --issuer \
             https://id.example.org",
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
pub(crate) fn changed(url: &str, key: &str, value: Value) -> Said {
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
                "device_code": "device-code-word", "user_code": "A", "expires_in": 3,
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
    // 8628-3.2
    let polls = issuer.asked("/token");
    assert!(!polls.is_empty(), "{run}");
    for two in polls.windows(2) {
        let between = two[1].at.duration_since(two[0].at);
        assert!(between >= Duration::from_secs(1), "asked again after {between:?}");
    }
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
