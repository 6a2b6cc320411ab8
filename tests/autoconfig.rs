//! Documents in Thunderbird's form, asked for over real TLS: what each place
//! says, where it leads, and how far what it names is trusted.

mod harness;

use envoi::account::discover::autoconfig::{Miss, Outcome, Search, ask, database, published};
use envoi::account::discover::{Found, Trust};
use envoi::net::{Deadline, Family, Http, HttpError, HttpUrl, Interrupt, Roots, TlsVersion};
use harness::{GENEROUS, Identity, Peer, Scripted, dead_address};
use std::sync::Arc;
use std::sync::atomic::Ordering;

const DOCUMENT: &str = "<clientConfig version=\"1.1\"><emailProvider id=\"localhost\">\
    <domain>localhost</domain><outgoingServer type=\"smtp\">\
    <hostname>smtp.example.net</hostname><port>465</port><socketType>SSL</socketType>\
    <username>%EMAILADDRESS%</username><authentication>password-cleartext</authentication>\
    </outgoingServer></emailProvider></clientConfig>";

/// A server over TLS that gives each of these answers to one request.
fn serving(identity: &Identity, answers: Vec<String>) -> Scripted {
    let script = |answer: String| {
        let config = Arc::clone(&identity.config);
        move |peer: &mut Peer| {
            peer.secure(&config);
            while !peer.line().is_empty() {}
            peer.say(answer);
            peer.end_tls(b"");
            peer.hang_up();
        }
    };
    Scripted::start(answers.into_iter().map(script).collect())
}

fn found(document: &str) -> String {
    // Many servers call it a page.
    let length = document.len();
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\n\r\n{document}"
    )
}

fn redirect(to: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")
}

fn status(line: &str) -> String {
    format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n")
}

fn asked(identity: &Identity, places: &[HttpUrl], interrupt: &Interrupt) -> Search {
    asking(identity, interrupt, |http| ask(places, &"tim@localhost".parse().unwrap(), http))
}

fn asking<T>(identity: &Identity, interrupt: &Interrupt, ask: impl FnOnce(&Http<'_>) -> T) -> T {
    let roots = Roots { given: vec![identity.root.clone()], ..Roots::default() };
    ask(&Http {
        roots,
        least: TlsVersion::V1_2,
        proxy: &|_| Ok(None),
        source: None,
        family: Family::Any,
        deadline: Deadline::after(GENEROUS),
        interrupt,
    })
}

fn url(host: &str, server: &Scripted) -> HttpUrl {
    format!("https://{host}:{}/mail/config-v1.1.xml", server.address.port()).parse().unwrap()
}

/// What one place says that gives these answers.
fn said(identity: &Identity, answers: Vec<String>) -> Search {
    let server = serving(identity, answers);
    let search = asked(identity, &[url("localhost", &server)], &Interrupt::default());
    server.finish();
    search
}

fn identity() -> Identity {
    Identity::of(&["localhost", "autoconfig.localhost", "127.0.0.1"])
}

#[test]
fn what_the_domain_itself_publishes_over_tls_is_sure_wherever_its_server_is() {
    let identity = identity();
    let search = said(&identity, vec![found(DOCUMENT)]);
    let [candidate] = &search.candidates[..] else { panic!("{search:?}") };
    assert_eq!(candidate.endpoint.to_string(), "smtp.example.net:465");
    assert_eq!(candidate.user.as_deref(), Some("tim@localhost"));
    assert_eq!(candidate.trust, Trust::Sure);
    assert_eq!(candidate.found, Found::Document { url: search.asked[0].url.clone() });
    assert_eq!(search.asked[0].outcome.to_string(), "a document that names 1 server");
}

#[test]
fn a_place_that_has_nothing_makes_room_for_the_next() {
    let identity = identity();
    let first = serving(&identity, vec![status("404 Not Found")]);
    let second = serving(&identity, vec![found(DOCUMENT)]);
    let nobody = dead_address();
    let places = [
        format!("https://localhost:{}/", nobody.port()).parse().unwrap(),
        url("autoconfig.localhost", &first),
        url("localhost", &second),
        // Not asked any more.
        format!("https://localhost:{}/x", nobody.port()).parse().unwrap(),
    ];
    let search = asked(&identity, &places, &Interrupt::default());
    first.finish();
    second.finish();
    assert_eq!(search.candidates.len(), 1);
    let outcomes: Vec<_> = search.asked.iter().map(|asked| asked.outcome.to_string()).collect();
    assert_eq!(outcomes.len(), 3, "{outcomes:?}");
    assert!(outcomes[0].contains("refused"), "{outcomes:?}");
    assert_eq!(outcomes[1..], ["there is no document", "a document that names 1 server"]);
}

#[test]
fn a_redirect_within_the_domain_changes_nothing_and_one_to_another_lowers_the_trust() {
    let identity = identity();
    for (host, trust) in [("autoconfig.localhost", Trust::Sure), ("127.0.0.1", Trust::ThirdParty)] {
        let there = serving(&identity, vec![found(DOCUMENT)]);
        let to = url(host, &there);
        let search = said(&identity, vec![redirect(&to.to_string())]);
        there.finish();
        assert_eq!(search.candidates[0].trust, trust, "{host}");
        assert_eq!(search.candidates[0].found, Found::Document { url: to.to_string() });
        let told = search.asked[0].outcome.to_string();
        assert!(told.contains(&format!("1 server, at {to}")), "{told}");
        let elsewhere = trust == Trust::ThirdParty;
        assert_eq!(told.contains("another domain"), elsewhere, "{told}");
    }
}

#[test]
fn nobody_follows_a_redirect_without_tls_or_without_end() {
    let identity = identity();
    for (answers, expected) in [
        (
            vec![redirect("http://example.org/x")],
            "it leads to ‘http://example.org/x’, which is not followed: \
             it is not protected by TLS; only https:// is",
        ),
        (
            vec![redirect("http://localhost:631/x")],
            "it leads to ‘http://localhost:631/x’, which is not followed: it is not protected \
             by TLS; only https:// is",
        ),
        (
            vec![redirect("ftp://example.org/x")],
            "it leads to ‘ftp://example.org/x’, which is not followed: \
             it does not begin with https://",
        ),
        (vec![status("302 Found")], "it leads elsewhere without saying where"),
        (vec![redirect("/again"); 5], "it leads from place to place, more than 4 times"),
    ] {
        let search = said(&identity, answers);
        assert!(search.candidates.is_empty());
        assert_eq!(search.asked[0].outcome.to_string(), expected);
    }
}

#[test]
fn whatever_a_place_says_in_place_of_a_document_is_told_in_a_sentence() {
    let identity = identity();
    let long = format!("HTTP/1.1 200 OK\r\nContent-Length: 10485760\r\n\r\n{}", "<a>".repeat(9000));
    for (answer, expected) in [
        (status("503 Busy"), "the server answered with status 503"),
        (status("410 Gone"), "there is no document"),
        (found(""), "the document is empty"),
        (found("<!DOCTYPE html><title>Welcome</title>"), "it is a web page"),
        (found("<clientConfig>"), "the document is not proper XML"),
        (found("<clientConfig/>"), "a document that names no server that can be used"),
        (long, "the answer has more than 262144 octets"),
        ("220 smtp.example.org\r\n".to_owned(), "the answer is not HTTP"),
        (String::new(), "the server closed the connection"),
    ] {
        let search = said(&identity, vec![answer]);
        let told = search.asked[0].outcome.to_string();
        assert!(told.starts_with(expected), "{told}");
        assert!(search.candidates.is_empty());
    }
}

#[test]
fn a_certificate_for_another_name_gives_no_document() {
    let other = Identity::of(&["example.org"]);
    let server = serving(&other, vec![found(DOCUMENT)]);
    let search = asked(&other, &[url("localhost", &server)], &Interrupt::default());
    server.finish();
    assert!(search.candidates.is_empty());
    let told = search.asked[0].outcome.to_string();
    assert_eq!(told, "the server's certificate is not for localhost");
}

#[test]
fn the_users_wish_to_stop_ends_the_search() {
    let identity = identity();
    let interrupt = Interrupt::default();
    interrupt.cell().store(2, Ordering::Relaxed);
    let place: HttpUrl = format!("https://{}/", dead_address()).parse().unwrap();
    let search = asked(&identity, &[place.clone(), place], &interrupt);
    let [asked] = &search.asked[..] else { panic!("{search:?}") };
    let stopped = Outcome::Missed(Miss::NoAnswer(HttpError::Interrupted));
    assert_eq!(asked.outcome.to_string(), stopped.to_string());
}

#[test]
fn nobody_is_asked_about_an_address_without_a_domain() {
    let address = "tim@[192.0.2.1]".parse().unwrap();
    for search in [published, database] {
        let search = asking(&identity(), &Interrupt::default(), |http| search(&address, http));
        assert!(search.asked.is_empty() && search.candidates.is_empty(), "{search:?}");
    }
}
