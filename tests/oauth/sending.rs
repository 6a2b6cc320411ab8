//! Sending with the tokens of a login.

use crate::issuer::{Issuer, Said, refused, tokens};
use crate::running::{GENEROUS, Place, Run, Started};
use crate::{assert_says, assert_tells_no_secret, kept, place, put, receiver};
use envoi::sink::Sink;
use serde_json::json;
use std::time::{Duration, Instant, SystemTime};

const WORDS: [&str; 5] = ["send", "-vv", "--body", "hi", "bob@example.net"];

fn send(place: &Place, more: &[&str]) -> Run {
    let run = place.run(WORDS.iter().chain(more), None);
    assert_tells_no_secret(&run);
    run
}

fn taken(sink: &Sink) -> usize {
    sink.events().try_iter().filter(|event| matches!(event, envoi::sink::Event::Stored(_))).count()
}

fn seconds(from_now: i64) -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    i64::try_from(now.as_secs()).expect("before the end") + from_now
}

#[test]
fn a_token_that_holds_is_used_and_nobody_is_asked() {
    // 7628-5
    let (issuer, sink) = (Issuer::kind(), receiver("access-word"));
    let place = place(&issuer.url, Some(&sink));
    put(&place, &issuer, "access-word", Some(seconds(600)));
    for mechanism in ["OAUTHBEARER", "XOAUTH2"] {
        let run = send(&place, &["--auth", mechanism]);
        assert_eq!(run.status, 0, "{run}");
        assert!(run.stderr.contains(&format!("AUTH {mechanism}")), "{run}");
    }
    assert_eq!((taken(&sink), issuer.asked("/token").len()), (2, 0));
}

#[test]
fn a_token_that_fills_the_longest_line_is_kept_and_used() {
    // 4954-4d, 4954-4b: 12288 octets of base64
    let long = "a".repeat(9_100);
    let (sink, token) = (receiver(&long), long.clone());
    let issuer = Issuer::start(move |_, asked| {
        let json = json!({ "access_token": token, "token_type": "Bearer", "expires_in": "3600" });
        (asked.path == "/token").then_some(Said::Json(200, json))
    });
    let place = place(&issuer.url, Some(&sink));
    put(&place, &issuer, "old", Some(0));
    for mechanism in ["OAUTHBEARER", "XOAUTH2"] {
        let run = send(&place, &["--auth", mechanism]);
        assert_eq!(run.status, 0, "{run}");
        assert!(!run.stderr.contains(&long[..100]), "{mechanism}");
    }
    assert_eq!(issuer.renewals(), 1);
    let kept = kept(&place).expect("tokens");
    assert_eq!(kept["access_token"], long);
    // 6749-6: no new one came.
    assert_eq!(kept["refresh_token"], "refresh-word");
}

#[test]
fn an_expired_token_is_renewed_once_for_eight_processes() {
    let (issuer, sink) = (Issuer::kind(), receiver("access-1"));
    let place = place(&issuer.url, Some(&sink));
    put(&place, &issuer, "access-0", Some(seconds(30)));
    let processes: Vec<_> =
        (0..8).map(|_| Started(place.envoi(WORDS).spawn().expect("starting envoi"))).collect();
    for process in processes {
        let run = process.finish();
        assert_eq!(run.status, 0, "{run}");
        assert_tells_no_secret(&run);
    }
    assert_eq!((taken(&sink), issuer.renewals()), (8, 1));
    let asked = issuer.asked("/token").remove(0);
    assert_eq!((asked.field("refresh_token"), asked.field("client_id")), ("refresh-word", "envoi"));
    let kept = kept(&place).expect("tokens");
    assert_eq!(
        (&kept["access_token"], &kept["refresh_token"]),
        (&json!("access-1"), &json!("refresh-1"))
    );
    assert!(kept["expires_at"].as_i64().is_some_and(|at| at > seconds(3000)), "{kept}");
}

#[test]
fn a_token_that_the_server_refuses_is_renewed_once_for_all_who_are_refused() {
    // OAUTH-token
    let (issuer, sink) = (Issuer::kind(), receiver("access-1"));
    let place = place(&issuer.url, Some(&sink));
    put(&place, &issuer, "access-0", Some(seconds(3000)));
    let processes: Vec<_> =
        (0..4).map(|_| Started(place.envoi(WORDS).spawn().expect("starting envoi"))).collect();
    for process in processes {
        let run = process.finish();
        assert_eq!(run.status, 0, "{run}");
        assert_tells_no_secret(&run);
    }
    assert_eq!((taken(&sink), issuer.renewals()), (4, 1));
}

#[test]
fn an_issuer_that_is_busy_for_a_moment_is_asked_again_once() {
    for (pause, status, renewals) in [(1, 0, 2), (3600, 75, 1)] {
        let busy = std::sync::atomic::AtomicBool::new(true);
        let issuer = Issuer::start(move |_, asked| {
            let is_busy =
                asked.path == "/token" && busy.swap(false, std::sync::atomic::Ordering::Relaxed);
            is_busy.then_some(Said::Busy(pause))
        });
        let sink = receiver("access-2");
        let place = place(&issuer.url, Some(&sink));
        put(&place, &issuer, "access-0", Some(0));
        let run = send(&place, &[]);
        assert_eq!((run.status, issuer.renewals()), (status, renewals), "{run}");
        for two in issuer.asked("/token").windows(2) {
            assert!(two[1].at.duration_since(two[0].at) >= Duration::from_secs(pause));
        }
    }
}

#[test]
fn a_server_that_refuses_the_new_token_too_is_not_asked_again() {
    // OAUTH-token
    let (issuer, sink) = (Issuer::kind(), receiver("another"));
    let place = place(&issuer.url, Some(&sink));
    put(&place, &issuer, "access-0", Some(seconds(3000)));
    let run = send(&place, &[]);
    assert_eq!(run.status, 77, "{run}");
    assert_eq!(
        (run.stderr.matches("AUTH OAUTHBEARER").count(), issuer.renewals()),
        (2, 1),
        "{run}"
    );
    let hints: Vec<_> = run.stderr.lines().filter(|line| line.starts_with("hint: ")).collect();
    assert_eq!(hints.len(), 1, "{run}");
    assert!(hints[0].ends_with("; log in: envoi account login work"), "{run}");
}

#[test]
fn a_login_that_is_over_says_how_to_log_in_and_leaves_the_store_alone() {
    let issuer =
        Issuer::start(|_, asked| (asked.path == "/token").then(|| refused("invalid_grant")));
    let sink = receiver("x");
    let place = place(&issuer.url, Some(&sink));
    put(&place, &issuer, "access-0", Some(0));
    let before = kept(&place);
    let run = send(&place, &[]);
    let host = format!("localhost:{}", sink.address().port());
    let why = format!(
        "envoi: nothing was sent to bob@example.net through {host}: the token cannot be had: the \
         login of alice at {} is over: invalid_grant (not \\x1b[31mtoday)",
        issuer.url
    );
    assert_says(&run, 77, &[&why, "hint: log in: envoi account login work"]);
    assert_eq!(kept(&place), before);
}

#[test]
fn an_issuer_that_gives_no_token_is_told_with_its_status() {
    let html = |status| move |_: &str, _: &_| Some(Said::Html(status, "<html>oh</html>"));
    let big = |_: &str, _: &_| {
        let token = "a".repeat(100 * 1024);
        Some(Said::Json(200, json!({ "access_token": token, "token_type": "Bearer" })))
    };
    for (issuer, status, words) in [
        (Issuer::start(html(503)), 75, "answered with the HTTP status 503"),
        (Issuer::start(|_, _| Some(Said::Nothing)), 75, "cannot be asked: timed out after "),
        (
            Issuer::start(html(200)),
            76,
            "answered is no answer to a request for tokens: it is no JSON, in line 1, column 1",
        ),
        (Issuer::start(html(404)), 76, "answered with the HTTP status 404"),
        (Issuer::start(big), 76, "cannot be asked: the answer has more than 65536 octets"),
        (
            Issuer::start(|_, _| Some(Said::Json(200, json!({ "access_token": "code-word" })))),
            76,
            "something is missing in it or of another type",
        ),
        (
            Issuer::start(|_, _| Some(refused("invalid_client"))),
            77,
            "refused to renew the token: invalid_client (not \\x1b[31mtoday)",
        ),
        (Issuer::start(|_, _| Some(refused("temporarily_unavailable"))), 75, "temporarily_unavail"),
    ] {
        let sink = receiver("x");
        let place = place(&issuer.url, Some(&sink));
        put(&place, &issuer, "access-0", Some(0));
        let before = kept(&place);
        // Only who says nothing is left so soon.
        let limit = if words.contains("timed out") { "1" } else { "30" };
        let run = send(&place, &["--timeout", limit]);
        assert_eq!(run.status, status, "{run}");
        assert!(run.stderr.contains("the token cannot be had: "), "{run}");
        assert!(run.stderr.contains(words), "{words}\n{run}");
        assert!(run.stderr.contains("\nhint: "), "{run}");
        assert_eq!(kept(&place), before, "{run}");
        assert_eq!(issuer.renewals(), 1);
    }
}

#[test]
fn without_a_login_nothing_is_sent_and_show_knows_it() {
    let (issuer, sink) = (Issuer::kind(), receiver("x"));
    let place = place(&issuer.url, Some(&sink));
    let run = send(&place, &[]);
    assert_says(&run, 78, &["hint: log in: envoi account login work"]);
    assert!(run.stderr.contains(&format!("alice is not logged in at {}", issuer.url)), "{run}");
    assert_eq!(run.stderr.matches("hint: ").count(), 1, "{run}");
    let shown = place.run(["account", "show"], None);
    assert_says(&shown, 78, &["hint: log in: envoi account login work"]);
    assert!(issuer.asked("/token").is_empty());
}

#[test]
fn tokens_of_another_client_or_user_or_that_others_can_read_are_not_used() {
    let (issuer, sink) = (Issuer::kind(), receiver("access-0"));
    let place = place(&issuer.url, Some(&sink));
    put(&place, &issuer, "access-0", Some(seconds(3000)));
    let text = kept(&place).expect("tokens").to_string();
    for (text, mode, status, words) in [
        (text.replace("\"envoi\"", "\"other\""), 0o600, 78, "was made with another client-id"),
        (text.replace("\"alice\"", "\"bob\""), 0o600, 78, "are those of bob"),
        (text.replace("127.0.0.1", "127.0.0.2"), 0o600, 78, "alice is not logged in"),
        ("refresh-word".to_owned(), 0o600, 78, "it is no JSON"),
        (text.clone(), 0o622, 78, "is not safe to take a secret from"),
        (text, 0o600, 0, ""),
    ] {
        place.write(crate::TOKENS, &text, Some(mode));
        let run = send(&place, &[]);
        assert_eq!(run.status, status, "{run}");
        assert!(run.stderr.contains(words), "{words}\n{run}");
    }
    assert!(issuer.asked("/token").is_empty());
}

#[test]
fn whoever_asks_to_stop_does_not_wait_for_the_issuer() {
    let issuer = Issuer::start(|_, _| Some(Said::Nothing));
    let sink = receiver("x");
    let place = place(&issuer.url, Some(&sink));
    put(&place, &issuer, "access-0", Some(0));
    let envoi = Started(place.envoi(WORDS).spawn().expect("starting envoi"));
    let started = Instant::now();
    while issuer.asked("/token").is_empty() {
        assert!(started.elapsed() < GENEROUS, "the issuer was not asked");
        std::thread::sleep(Duration::from_millis(5));
    }
    envoi.interrupt();
    let run = envoi.finish();
    assert_eq!(run.status, 130, "{run}");
    assert_tells_no_secret(&run);
    // Whoever comes next is not kept waiting by one who is gone.
    let kind = Issuer::start(|_, asked| (asked.path == "/token").then(|| tokens(9)));
    put(&place, &kind, "access-0", Some(0));
}
