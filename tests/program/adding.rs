//! Adding an account at the terminal: what is asked, and what the answers do.

use crate::running::Place;
use crate::terminal::Terminal;
use envoi::sasl::server::Users;
use envoi::sasl::{Credentials, Secret};
use envoi::sink::{Policy, Settings, Sink};
use std::ffi::OsString;
use std::fs;

/// A receiver that alice may sign in to.
fn receiver() -> Sink {
    let alice = Credentials { user: "alice".into(), password: Secret::new("correct-horse") };
    let policy = Policy { users: Users::Only(vec![alice]), ..Policy::default() };
    Sink::start(Settings { policy, ..Settings::default() }).expect("starting the receiver")
}

fn words(sink: &Sink, place: &Place, more: &[&str]) -> Vec<OsString> {
    place.write("ca.pem", sink.ca_pem(), None);
    let url = format!("smtp://localhost:{}", sink.address().port());
    let words = ["account", "add", "--server", &url, "--tls-ca", "ca.pem", "--user", "alice"];
    words.iter().chain(more).map(OsString::from).collect()
}

fn configuration(place: &Place) -> String {
    fs::read_to_string(place.directory().join("config/envoi/config.toml")).unwrap_or_default()
}

#[test]
fn what_is_not_said_is_asked_and_a_wrong_password_is_asked_for_again() {
    let (sink, place) = (receiver(), Place::new());
    let mut terminal = Terminal::new();
    let envoi = terminal.start_at(&place, &words(&sink, &place, &[]));
    terminal.expect("Your mail address: ");
    terminal.enter("alice@x.example\n");
    terminal.expect("Your name, as others see it (may be empty): ");
    terminal.enter("Alice Example\n");
    terminal.expect("Password of alice at localhost: ");
    assert!(!terminal.echoes());
    terminal.enter("correct-house\n");
    terminal.expect("Password of alice at localhost: \r\nPassword of alice at localhost: ");
    terminal.enter("correct-horse\n");
    terminal.expect("Where is the password to be kept");
    terminal.enter("in my head\n");
    terminal.expect("(nowhere)? in my head\r\nWhere is the password to be kept");
    terminal.enter("file:word\n");
    let run = envoi.finish();
    assert_eq!(run.status, 0, "{run}");
    assert!(!terminal.shown.contains("horse") && !terminal.shown.contains("house"));
    assert!(!run.stdout.contains("horse") && !run.stderr.contains("horse"), "{run}");
    let here = place.directory().display();
    let word = fs::read_to_string(place.directory().join("word")).expect("the password");
    assert_eq!(word, "correct-horse");
    assert_eq!(
        configuration(&place),
        format!(
            "default = \"x.example\"\n\n[accounts.\"x.example\"]\n\
             from = \"Alice Example <alice@x.example>\"\nserver = \"smtp://localhost:{}\"\n\
             user = \"alice\"\npassword = {{ file = \"{here}/word\" }}\n\
             tls-ca = \"{here}/ca.pem\"\n",
            sink.address().port()
        )
    );
}

#[test]
fn after_three_wrong_passwords_nobody_is_asked_again() {
    let (sink, place) = (receiver(), Place::new());
    let mut terminal = Terminal::new();
    let envoi = terminal.start_at(&place, &words(&sink, &place, &["Alice <alice@x.example>"]));
    let mut seen = String::new();
    for _ in 0..3 {
        seen.push_str("Password of alice at localhost: ");
        terminal.expect(&seen);
        terminal.enter("wrong\n");
        seen.push_str("\r\n");
    }
    let run = envoi.finish();
    assert_eq!(run.status, 77, "{run}");
    assert_eq!(configuration(&place), "");
}

#[test]
fn whoever_stops_at_a_question_has_changed_nothing() {
    // SEC-17
    let (sink, place) = (receiver(), Place::new());
    for question in ["Your name", "Password of alice at localhost: "] {
        let mut terminal = Terminal::new();
        let envoi = terminal.start_at(&place, &words(&sink, &place, &["alice@x.example"]));
        terminal.expect("Your name");
        if question != "Your name" {
            terminal.enter("\n");
        }
        terminal.expect(question);
        terminal.enter("\x03");
        let run = envoi.finish();
        assert_eq!(run.status, 130, "{run}");
        assert!(run.stderr.contains("interrupted; nothing was written"), "{run}");
        assert!(terminal.echoes());
        assert_eq!(configuration(&place), "");
    }
}

#[test]
fn a_password_that_was_there_is_there_again_when_the_account_cannot_be_written() {
    let (sink, mut place) = (receiver(), Place::new());
    place.set("P", "correct-horse".to_owned());
    place.write("word", "older-horse", Some(0o600));
    // With one account more it would be too long.
    let comment = format!("#{}\n", "x".repeat(1024 * 1024 - 100));
    place.write("config/envoi/config.toml", &comment, None);
    let more = ["alice@x.example", "--password-from", "env:P", "--store", "file:word"];
    let run = place.run(words(&sink, &place, &more), None);
    assert_eq!(run.status, 78, "{run}");
    assert!(run.stderr.contains("is longer than 1 MiB"), "{run}");
    let word = fs::read_to_string(place.directory().join("word")).expect("the password");
    assert_eq!(word, "older-horse");
    let more = ["alice@x.example", "--password-from", "env:P", "--store", "file:new"];
    assert_eq!(place.run(words(&sink, &place, &more), None).status, 78);
    assert!(!place.directory().join("new").exists());
    assert_eq!(configuration(&place), comment);
}
