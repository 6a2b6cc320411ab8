//! `envoi check` of a Postfix that is broken in several ways, and of what Knot DNS
//! and Unbound say of domains.

use serde_json::Value;

use crate::authority::AUTHORITY;
use crate::dns::name_servers;
use crate::newcomer::{Newcomer, town};
use crate::postfix::postfix;
use crate::server::{Mode, Server, USER};

/// What was found about a subject, as "rule verdict: found".
fn found(report: &Value, subject: usize) -> Vec<String> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let findings = report["subjects"][subject]["findings"].as_array().expect("findings");
    let told = |it: &Value| {
        format!("{} {}: {}", text(&it["rule"]), text(&it["verdict"]), text(&it["found"]))
    };
    findings.iter().map(told).collect()
}

#[track_caller]
fn assert_has(found: &[String], starts: &[&str]) {
    for start in starts {
        assert!(found.iter().any(|line| line.starts_with(start)), "no ‘{start}’ in {found:#?}");
    }
}

#[test]
fn each_fault_of_a_broken_postfix_and_its_domain_is_named() {
    let (server, names) = (postfix(), name_servers());
    let mut user = Newcomer::with(&names, &server.home().join(AUTHORITY));
    let run = user.types(&format!(
        "check --json --server smtp://localhost:{} --server smtp://localhost:{} \
         --server smtp://localhost:{} --tls-ca authority.pem --user {USER} \
         --password-from env:PASSWORD --domain broken.plain.example --timeout 20",
        server.expired_port, server.misnamed_port, server.careless_port
    ));
    let report = run.exits(76).report();
    let expired = found(&report, 0);
    assert_has(&expired, &["certificate fault: the server's certificate expired on 2020-01-31"]);
    assert_has(&expired, &["sign-in unknown: not tried: the server's certificate is no good"]);
    let misnamed = "certificate fault: the server's certificate is not for localhost, but for";
    assert_has(&found(&report, 1), &[misnamed]);
    let careless =
        ["tls fault: the server does not offer STARTTLS", "cleartext-auth warning: AUTH "];
    assert_has(&found(&report, 2), &careless);
    let domain = [
        "mx ok: 10 mail.broken.plain.example",
        "spf fault: v=spf1 +all",
        "dmarc fault: there are 2 of them",
        "mta-sts fault: https://mta-sts.broken.plain.example/.well-known/mta-sts.txt: ",
    ];
    assert_has(&found(&report, 3), &domain);
    assert_eq!(report["subjects"][3]["domain"], "broken.plain.example");
}

#[test]
fn a_sound_postfix_has_no_fault_and_one_can_sign_in() {
    let (server, names) = (postfix(), name_servers());
    let mut user = Newcomer::with(&names, &server.home().join(AUTHORITY));
    let (implicit, starttls) = (server.port(Mode::ImplicitTls), server.port(Mode::Starttls));
    let run = user.types(&format!(
        "check --json --server smtp://localhost:{starttls} --server smtps://localhost:{implicit} \
         --tls-ca authority.pem --user {USER} --password-from env:PASSWORD"
    ));
    let report = run.exits(0).report();
    assert_eq!((&report["faults"], &report["unknown"]), (&0.into(), &0.into()), "{report:#}");
    for subject in 0..2 {
        let found = found(&report, subject);
        assert_has(&found, &["sign-in ok: as ", "limits ok: messages of 20000000 octets"]);
    }
}

#[test]
fn what_a_domain_publishes_is_judged_and_dnssec_decides_about_dane() {
    let (server, names) = (postfix(), name_servers());
    let mut user = Newcomer::with(&names, &server.home().join(AUTHORITY));
    for (zone, dane) in [
        ("signed", "dane ok: mx.check.signed.example has TLSA records"),
        ("plain", "dane note: could not be told"),
    ] {
        let words = format!("check --json --domain check.{zone}.example --selector mail");
        let report = user.types(&words).exits(0).report();
        let found = found(&report, 0);
        let mx = format!("mx ok: 10 mx.check.{zone}.example");
        let expected = [
            mx.as_str(),
            "mx-addresses ok: ",
            "spf ok: v=spf1 include:",
            "spf-lookups ok: 2 of 10",
            "dkim ok: mail._domainkey.check.",
            "dmarc ok: v=DMARC1; p=reject",
            "mta-sts note: not published",
            "tlsrpt ok: v=TLSRPTv1; rua=mailto:tls@x.example",
            dane,
        ];
        assert_has(&found, &expected);
    }
}

#[test]
fn a_policy_is_fetched_by_https_and_must_name_all_who_take_the_mail() {
    let town = town();
    let mut user = Newcomer::to(&town);
    let words = "check --json --domain policy.plain.example --tls-ca authority.pem";
    let report = user.types(words).exits(78).report();
    let found = self::found(&report, 0);
    let backup = "backup.policy.plain.example";
    let lost = format!("mx-addresses warning: {backup}: ");
    let stranger = format!("mta-sts fault: {backup} takes mail of the domain, and is no mx");
    assert_has(&found, &[&lost, &stranger]);
    // Whoever does not know the authority gets no policy.
    let report = user.types("check --json --domain policy.plain.example").exits(69).report();
    let unknown = "mta-sts fault: https://mta-sts.policy.plain.example/.well-known/mta-sts.txt: ";
    assert_has(&self::found(&report, 0), &[unknown]);
}
