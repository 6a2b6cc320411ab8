//! Tokens that cannot be kept, and logins that others have already.

use crate::issuer::{Issuer, refused, tokens};
use crate::running::{Place, Run, finished};
use crate::{TOKENS, assert_tells_no_secret, kept, place, put, receiver};
use envoi::sink::Sink;
use std::fs;
use std::process::Command;

/// Adds an account whose tokens are in the file of `work`.
fn add(place: &Place, issuer: &Issuer, sink: &Sink, more: &[&str]) -> Run {
    let server = format!("smtp://localhost:{}", sink.address().port());
    let store = format!("file:{}", place.directory().join(TOKENS).display());
    let words = ["account", "add", "alice@example.net", "--name", "other", "--user", "alice"];
    let there = ["--server", &server, "--tls-ca", "config/envoi/ca.pem"];
    let login = ["--issuer", &issuer.url, "--client-id", "envoi", "--device", "--store", &store];
    let run = place.run(words.iter().chain(&there).chain(&login).chain(more), None);
    assert_tells_no_secret(&run);
    run
}

#[test]
fn an_account_that_does_not_work_leaves_the_login_that_another_has() {
    let (issuer, sink) = (Issuer::kind(), receiver("another"));
    let place = place(&issuer.url, Some(&sink));
    put(&place, &issuer, "access-0", Some(0));
    let before = kept(&place);
    let run = add(&place, &issuer, &sink, &[]);
    assert_eq!(run.status, 77, "{run}");
    assert_eq!(kept(&place), before, "{run}");
    // What the login gave is given back, renewed as it was for the trial.
    let given_back = issuer.asked("/revoke");
    assert_eq!(given_back.len(), 1, "{run}");
    let last = format!("refresh-{}", issuer.asked("/token").len());
    assert_eq!(given_back[0].field("token"), last);
}

#[test]
fn an_account_that_does_not_work_leaves_no_login_where_none_was() {
    let (issuer, sink) = (Issuer::kind(), receiver("another"));
    let place = place(&issuer.url, Some(&sink));
    let run = add(&place, &issuer, &sink, &[]);
    assert_eq!(run.status, 77, "{run}");
    assert!(kept(&place).is_none());
    assert_eq!(issuer.asked("/revoke").len(), 1);
}

#[test]
fn a_token_that_an_issuer_gives_twice_is_not_given_back() {
    let issuer = Issuer::start(|_, asked| (asked.path == "/token").then(|| tokens(1)));
    let sink = receiver("another");
    let place = place(&issuer.url, Some(&sink));
    put(&place, &issuer, "access-0", Some(0));
    let text = kept(&place).expect("tokens").to_string().replace("refresh-word", "refresh-1");
    place.write(TOKENS, &text, Some(0o600));
    let run = add(&place, &issuer, &sink, &[]);
    assert_eq!(run.status, 77, "{run}");
    assert_eq!(kept(&place).expect("tokens").to_string(), text);
    assert!(issuer.asked("/revoke").is_empty());
}

#[test]
fn a_store_that_takes_nothing_is_found_before_a_token_is_spent() {
    let (issuer, sink) = (Issuer::kind(), receiver("access-1"));
    let place = place(&issuer.url, Some(&sink));
    put(&place, &issuer, "access-0", Some(0));
    let before = kept(&place);
    // As on a disk that is full.
    let script = "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\"";
    let envoi = place.envoi(["send", "--body", "hi", "bob@example.net"]);
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]).arg(envoi.get_program()).args(envoi.get_args()).env_clear();
    command.envs(envoi.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(place.directory());
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let run = finished(command);
    assert_eq!(run.status, 78, "{run}");
    assert!(run.stderr.contains("the tokens cannot be kept: "), "{run}");
    assert_eq!((issuer.renewals(), kept(&place)), (0, before), "{run}");
}

#[test]
fn a_renewed_token_that_cannot_be_kept_is_used_and_that_is_told() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = directory.path().join("tokens");
    let there = store.clone();
    let issuer = Issuer::start(move |_, asked| {
        (asked.path == "/token").then(|| {
            // Something else has come into its place meanwhile.
            fs::remove_file(&there).expect("removing");
            fs::create_dir(&there).expect("a directory");
            tokens(1)
        })
    });
    let sink = receiver("access-1");
    let place = place(&issuer.url, Some(&sink));
    put(&place, &issuer, "access-0", Some(0));
    fs::rename(place.directory().join(TOKENS), &store).expect("moving");
    let config = place.directory().join("config/envoi/config.toml");
    let text = fs::read_to_string(&config).expect("a configuration");
    let text = text.replace("\"tokens\"", &format!("\"{}\"", store.display()));
    fs::write(&config, text).expect("writing");
    let run = place.run(["send", "--body", "hi", "bob@example.net"], None);
    assert_tells_no_secret(&run);
    assert_eq!(run.status, 0, "{run}");
    let told = "warning: the login was renewed and could not be kept: the tokens cannot be kept: ";
    assert!(run.stderr.contains(told), "{run}");
    assert!(run.stderr.contains("log in: envoi account login work"), "{run}");
}

#[test]
fn what_is_damaged_is_replaced_by_a_login_and_removed_by_a_logout() {
    for (text, why) in [("oh", "it is no JSON"), ("", "it is empty")] {
        let issuer = Issuer::kind();
        let place = place(&issuer.url, None);
        place.write(TOKENS, text, Some(0o600));
        let run = place.run(["account", "login", "work", "--device"], None);
        assert_eq!(run.status, 0, "{run}");
        assert!(run.stderr.contains("warning: what "), "{run}");
        assert!(run.stderr.contains(why), "{run}");
        assert_eq!(kept(&place).expect("tokens")["access_token"], "access-1");

        place.write(TOKENS, text, Some(0o600));
        let run = place.run(["account", "logout", "work"], None);
        assert_eq!((run.status, &*run.stdout), (0, "the tokens of alice are removed\n"), "{run}");
        assert!(run.stderr.contains(why), "{run}");
        assert!(!place.directory().join(TOKENS).exists());
    }
}

#[test]
fn nobody_logs_in_where_the_tokens_could_not_be_kept() {
    let issuer = Issuer::kind();
    let place = place(&issuer.url, None);
    let notes = "milk\nbread\n";
    place.write(TOKENS, notes, Some(0o600));
    let run = place.run(["account", "login", "work", "--device"], None);
    assert_eq!(run.status, 73, "{run}");
    assert!(run.stderr.contains("the tokens cannot be kept: "), "{run}");
    assert_eq!(fs::read_to_string(place.directory().join(TOKENS)).expect("the notes"), notes);
    assert!(issuer.asked("/device").is_empty());
}

#[test]
fn the_tokens_of_somebody_else_are_neither_replaced_nor_removed() {
    let issuer =
        Issuer::start(|_, asked| (asked.path == "/token").then(|| refused("access_denied")));
    let place = place(&issuer.url, None);
    put(&place, &issuer, "access-0", None);
    let text = kept(&place).expect("tokens").to_string().replace("\"alice\"", "\"bob\"");
    place.write(TOKENS, &text, Some(0o600));
    for words in [["account", "login", "work", "--device"].as_slice(), &["account", "logout"]] {
        let run = place.run(words, None);
        assert_eq!(run.status, 78, "{run}");
        assert!(run.stderr.contains("holds are those of bob"), "{run}");
        assert!(run.stderr.contains("envoi account login work --store file:PATH"), "{run}");
        assert_eq!(kept(&place).expect("tokens").to_string(), text);
    }
    assert!(issuer.asked("/device").is_empty());
}
