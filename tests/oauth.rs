//! Access tokens: logging in, sending with what that gave, renewing it; at
//! issuers that take part, deny, talk nonsense, or say nothing.
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "an issuer needs sockets, and whoever waits for it a watch"
)]

#[path = "oauth/browser.rs"]
mod browser;
#[path = "oauth/issuer.rs"]
mod issuer;
#[path = "oauth/keeping.rs"]
mod keeping;
#[path = "oauth/login.rs"]
mod login;
#[path = "oauth/logout.rs"]
mod logout;
#[path = "program/running.rs"]
#[allow(dead_code, reason = "each test target uses its own part")]
mod running;
#[path = "oauth/sending.rs"]
mod sending;

use envoi::sasl::server::Users;
use envoi::sasl::{Credentials, Secret};
use envoi::sink::{Policy, Settings, Sink};
use issuer::Issuer;
use running::{Place, Run};
use serde_json::{Value, json};
use std::fs;

/// A receiver that alice may sign in to with this token, and nobody else.
fn receiver(token: &str) -> Sink {
    let alice = Credentials { user: "alice".into(), password: Secret::new(token) };
    let policy =
        Policy { users: Users::Only(vec![alice]), require_auth: true, ..Policy::default() };
    Sink::start(Settings { policy, ..Settings::default() }).expect("starting the receiver")
}

/// The account `work`, with tokens of this issuer in a file.
fn place(issuer: &str, sink: Option<&Sink>) -> Place {
    let place = Place::new();
    if let Some(sink) = sink {
        place.write("config/envoi/ca.pem", sink.ca_pem(), None);
    }
    let port = sink.map_or(9, |sink| sink.address().port());
    let config = format!(
        "# By hand.\n[accounts.work]\nfrom = \"alice@example.org\"\n\
         server = \"smtp://localhost:{port}\"\nuser = \"alice\"\n\
         oauth2 = {{ issuer = \"{issuer}\", client-id = \"envoi\", store = {{ file = \"tokens\" }} }}\n{}",
        if sink.is_some() { "tls-ca = \"ca.pem\"\n" } else { "" }
    );
    place.write("config/envoi/config.toml", &config, None);
    place
}

const TOKENS: &str = "config/envoi/tokens";

/// What a login has left there.
fn put(place: &Place, issuer: &Issuer, access: &str, expires_at: Option<i64>) {
    let record = json!({
        "version": 1, "user": "alice", "issuer": issuer.url, "client_id": "envoi",
        "client_secret_in_header": true, "token_endpoint": format!("{}/token", issuer.url),
        "revocation_endpoint": format!("{}/revoke", issuer.url), "access_token": access,
        "expires_at": expires_at, "refresh_token": "refresh-word",
    });
    place.write(TOKENS, &record.to_string(), Some(0o600));
}

fn kept(place: &Place) -> Option<Value> {
    let text = fs::read_to_string(place.directory().join(TOKENS)).ok()?;
    Some(serde_json::from_str(&text).expect("whole JSON"))
}

/// Nothing of a login is in what was printed.
#[track_caller]
fn assert_tells_no_secret(run: &Run) {
    let secrets = [
        "access-",
        "refresh-",
        "device-code-word",
        "code-word",
        "client-word",
        "YWNjZXNz",
        "FjY2Vzcy",
        "hY2Nlc3M",
    ];
    for secret in secrets {
        let output = run.to_string();
        assert!(!output.contains(secret), "{secret}\n{run}");
    }
}

/// The first lines of what was printed on standard error.
#[track_caller]
fn assert_says(run: &Run, status: i32, lines: &[&str]) {
    assert_eq!(run.status, status, "{run}");
    let said: Vec<&str> = run.stderr.lines().collect();
    for line in lines {
        assert!(said.contains(line), "{line:?} is missing\n{run}");
    }
}
