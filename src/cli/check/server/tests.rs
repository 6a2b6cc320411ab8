use super::*;
use crate::cli::check::finding::{Verdict, judged};
use crate::cli::route::plain_hop;
use crate::net::{ClientAuth, Endpoint, Host};
use crate::smtp::Protocol;

/// What a server offers.
fn lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|&line| line.to_owned()).collect()
}

fn facts(version: &str) -> TlsFacts {
    TlsFacts {
        version: version.into(),
        cipher: "TLS_AES_256_GCM_SHA384".into(),
        group: None,
        resumed: false,
        client: ClientAuth::NotAsked,
        fault: None,
        further_faults: Vec::new(),
        ends_first: None,
        certificate: None,
        chain: Vec::new(),
    }
}

/// A port of this host, of which nothing was seen that would be worth a word.
fn seen(host: &str, security: Security) -> Seen {
    let place = Place::Tcp { host: Host::Name(host.to_owned()), port: 587 };
    let hop = plain_hop(Endpoint { place, protocol: Protocol::Smtp, security });
    Seen {
        attempt: Attempt::at(&hop, None, Vec::new()),
        hop,
        first: None,
        is_own: true,
        silent: Vec::new(),
        others: Vec::new(),
        untried: Vec::new(),
        sign_in: SignedIn::Nobody,
        now: SystemTime::UNIX_EPOCH,
        warn_days: 0,
        signal: None,
    }
}

/// What a rule says.
fn says(seen: &Seen, rule: &str) -> Option<(Verdict, String)> {
    let found = judged(RULES, seen).into_iter().find(|finding| finding.rule == rule)?;
    Some((found.verdict, found.found))
}

#[track_caller]
fn assert_says(seen: &Seen, rule: &str, verdict: Verdict, found: &str) {
    assert_eq!(says(seen, rule), Some((verdict, found.to_owned())));
}

fn offering(offers: &[&str]) -> Seen {
    let mut seen = seen("mail.example.org", Security::StartTls);
    seen.attempt.tls = Some(facts("TLS 1.3"));
    seen.attempt.extensions = lines(offers);
    seen
}

#[test]
fn the_mechanisms_are_those_that_are_offered_under_tls() {
    let mut seen = offering(&["PIPELINING", "AUTH PLAIN LOGIN", "AUTH=PLAIN"]);
    seen.attempt.in_clear = lines(&["AUTH CRAM-MD5"]);
    assert_says(&seen, "mechanisms", Verdict::Ok, "PLAIN LOGIN");
    assert_eq!(says(&offering(&["PIPELINING"]), "mechanisms"), None);
}

#[test]
fn what_of_the_usual_extensions_is_not_offered_is_told() {
    let usual = ["8BITMIME", "PIPELINING", "ENHANCEDSTATUSCODES", "SMTPUTF8"];
    let all = [&usual[..], &["SIZE 1000", "AUTH PLAIN", "LIMITS RCPTMAX=10"]].concat();
    assert_says(&offering(&all), "extensions", Verdict::Ok, &usual.join(" "));
    for lacking in usual {
        let others: Vec<&str> = usual.into_iter().filter(|name| *name != lacking).collect();
        let found = format!("{}; not offered: {lacking}", others.join(" "));
        assert_says(&offering(&others), "extensions", Verdict::Note, &found);
    }
    assert_says(&offering(&all), "limits", Verdict::Ok, "messages of 1000 octets, RCPTMAX=10");
}

#[test]
fn what_differs_before_tls_is_told_both_ways() {
    let mut seen = offering(&["SIZE 1000", "AUTH PLAIN"]);
    seen.attempt.in_clear = lines(&["SIZE 1000", "STARTTLS", "XCLIENT NAME"]);
    let found = "only before TLS: XCLIENT NAME; only under TLS: AUTH PLAIN";
    assert_says(&seen, "in-clear", Verdict::Note, found);
    seen.attempt.in_clear = lines(&["AUTH PLAIN", "SIZE 1000", "STARTTLS"]);
    assert_eq!(says(&seen, "in-clear"), None);
}

#[test]
fn what_differs_from_the_first_port_is_told_both_ways() {
    let mut seen = offering(&["SIZE 1000", "DSN"]);
    assert_eq!(says(&seen, "compared"), None);
    seen.first = Some(lines(&["SIZE 2000", "DSN"]));
    let found = "only at the first port: SIZE 2000; only here: SIZE 1000";
    assert_says(&seen, "compared", Verdict::Note, found);
    seen.first = Some(lines(&["DSN", "SIZE 1000", "STARTTLS"]));
    assert_says(&seen, "compared", Verdict::Ok, "as at the first port");
}

#[test]
fn an_older_tls_is_worth_a_note() {
    let mut seen = seen("mail.example.org", Security::Implicit);
    seen.attempt.tls = Some(facts("TLS 1.2"));
    let found = "TLS 1.2, TLS_AES_256_GCM_SHA384: TLS 1.3 is not spoken";
    assert_says(&seen, "tls", Verdict::Note, found);
    seen.attempt.tls = Some(facts("TLS 1.3"));
    assert_says(&seen, "tls", Verdict::Ok, "TLS 1.3, TLS_AES_256_GCM_SHA384");
}

#[test]
fn what_goes_in_clear_is_no_trouble_where_it_stays_on_this_machine() {
    for (host, expected) in [("localhost", Verdict::Note), ("mail.example.org", Verdict::Warning)] {
        let mut seen = seen(host, Security::Cleartext);
        seen.attempt.extensions = lines(&["AUTH PLAIN"]);
        assert_says(&seen, "tls", expected, "the server does not offer STARTTLS");
        let found = "AUTH PLAIN is offered in clear, before TLS";
        assert_says(&seen, "cleartext-auth", expected, found);
        // What the packages of Debian make for a server without a name.
        let own = TlsFacts { fault: Some(CertificateFault::SelfSigned), ..facts("TLS 1.3") };
        seen.attempt.tls = Some(own);
        assert_eq!(says(&seen, "certificate").map(|(verdict, _)| verdict), Some(expected));
    }
}

#[test]
fn a_port_that_lets_in_other_servers_only_is_no_trouble() {
    let mut seen = seen("mail.example.org", Security::StartTls);
    let error = Error::new(Phase::Greeting, net::Error::Closed { abruptly: true });
    seen.attempt.error = Some(error.into());
    assert_eq!(says(&seen, "connection").map(|(verdict, _)| verdict), Some(Verdict::Fault));
    seen.is_own = false;
    let (verdict, found) = says(&seen, "connection").unwrap();
    assert_eq!(verdict, Verdict::Note);
    assert!(found.starts_with("not for us: "), "{found}");
}
