//! `envoi check` of a Postfix that is broken in several ways, and of what Knot DNS
//! and Unbound say of domains.

use std::net::{Ipv4Addr, TcpStream};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::authority::AUTHORITY;
use crate::dns::{NameServers, name_servers};
use crate::newcomer::{Newcomer, town};
use crate::postfix::postfix;
use crate::server::{Kept, Mode, Server, USER, private_directory, wait_until};
use crate::sink::receiver;

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
        "dmarc fault: there are 2 records",
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
        // Nobody takes mail there.
        ("signed", "dane unknown: mx.check.signed.example has TLSA records, not compared"),
        ("plain", "dane note: the TLSA records of mx.check.plain.example do not count"),
    ] {
        let words =
            format!("check --json --domain CHECK.{zone}.example. --selector mail._domainkey");
        let report = user.types(&words).exits(0).report();
        let found = found(&report, 0);
        let mx = format!("mx ok: 10 mx.check.{zone}.example");
        let expected = [
            mx.as_str(),
            "mx-addresses note: mx.check.",
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
    let lost = format!("mx-addresses warning: {backup} has no address: ");
    let stranger = format!("mta-sts fault: {backup} takes mail of the domain, and is no mx");
    assert_has(&found, &[&lost, &stranger]);
    // Whoever does not know the authority gets no policy.
    let report = user.types("check --json --domain policy.plain.example").exits(69).report();
    let unknown = "mta-sts fault: https://mta-sts.policy.plain.example/.well-known/mta-sts.txt: ";
    assert_has(&self::found(&report, 0), &[unknown]);
}

#[test]
fn a_monitor_is_told_where_nothing_is_worse_than_unknown() {
    let (server, names) = (postfix(), name_servers());
    let mut user = Newcomer::with(&names, &server.home().join(AUTHORITY));
    // Nobody takes mail at port 25 there.
    let domain = "check --monitor --domain check.signed.example --selector mail";
    let run = user.types(domain).exits(3);
    let line = "ENVOI UNKNOWN - check.signed.example: mx-tls: mx.check.signed.example, port 25: ";
    assert!(run.stdout.starts_with(line) && !run.stdout.contains('|'), "{run}");
    let run = user.types(&format!("{domain} --ports none")).exits(0);
    assert_eq!(run.stdout, "ENVOI OK - nothing is wrong; nothing was sent\n");
}

/// A receiver of mail at port 25 of this address, and the digest of its key by which DANE
/// knows it, as openssl tells.
fn receiver_at(address: Ipv4Addr) -> (Kept, TempDir, String) {
    let directory = private_directory();
    let listen = format!("{address}:25");
    let words = receiver(directory.path(), &["--listen", &listen]);
    let process = Kept::followed(words, directory.path(), "sink.log");
    wait_until(|| "a receiver".to_owned(), || TcpStream::connect((address, 25)).ok());
    let script = format!(
        "openssl s_client -connect {listen} -starttls smtp </dev/null 2>/dev/null \
         | openssl x509 -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum"
    );
    let output = Command::new("sh").args(["-c", &script]).output().expect("running openssl");
    let digest = String::from_utf8(output.stdout).expect("hexadecimal digits");
    (process, directory, digest[..64].to_owned())
}

/// An address of this machine at which nobody listens.
const NOWHERE: &str = "127.255.255.254";

#[test]
fn the_certificate_of_who_takes_the_mail_is_compared_with_what_dnssec_vouches_for() {
    // 7672-a, 7672-c, 7672-e
    let server = postfix();
    let mut kept = None;
    let names = NameServers::start(|usual| {
        let (process, directory, digest) = receiver_at(usual);
        kept = Some((process, directory));
        let other = digest.replace(['0', '1', '2', '3'], "f");
        format!(
            "good MX 10 mx.good\nmx.good A {usual}\n_25._tcp.mx.good TLSA 3 1 1 {digest}\n\
             bad MX 10 mx.bad\nmx.bad A {usual}\n_25._tcp.mx.bad TLSA 3 1 1 {other}\n\
             shut MX 10 mx.shut\nmx.shut A {NOWHERE}\n_25._tcp.mx.shut TLSA 3 1 1 {digest}\n\
             two A {usual}\ntwo A {NOWHERE}\n\
             itself A {usual}\n\
             nick MX 10 mx.nick\nmx.nick CNAME mx.good\n\
             named MX 10 mx.named\nmx.named CNAME itself\n_25._tcp.mx.named TLSA 3 1 1 {digest}\n\
             away MX 10 mx.away\nmx.away CNAME mx.good.plain.example.\n\
             _25._tcp.mx.away TLSA 3 1 1 {digest}\n\
             astray MX 10 mx.check.forged.example.\n"
        )
    });
    let mut user = Newcomer::with(&names, &server.home().join(AUTHORITY));
    let mut checked = |words: &str, status| {
        let run = user.types(&format!("check --json {words}")).exits(status);
        found(&run.report(), 0)
    };
    let told = checked("--domain good.signed.example", 0);
    assert_has(
        &told,
        &["dane ok: the certificate of mx.good.signed.example is that of TLSA 3 1 1"],
    );
    assert_has(&told, &["mx-tls note: mx.good.signed.example: TLS 1.3; the server's certificate"]);
    let told = checked("--domain bad.signed.example", 76);
    assert_has(
        &told,
        &["dane fault: the certificate of mx.bad.signed.example is not that of TLSA"],
    );
    let told = checked("--domain bad.plain.example", 0);
    assert_has(&told, &["dane note: the TLSA records of mx.bad.plain.example do not count"]);
    let told = checked("--domain shut.signed.example", 0);
    assert_has(&told, &["dane unknown: mx.shut.signed.example has TLSA records, not compared"]);
    assert_has(&told, &["mx-tls unknown: mx.shut.signed.example, port 25: "]);
    // Nobody asks at port 25.
    let told = checked("--domain shut.signed.example --ports none", 0);
    assert_has(&told, &["dane note: mx.shut.signed.example has TLSA records; its certificate was"]);
    assert!(!told.iter().any(|line| line.starts_with("mx-tls")), "{told:#?}");

    // RFC 7672 §2.2.3: the records of the host that the alias leads to, else those of the
    // alias; and who vouches for an alias that leads out of what is signed was not asked.
    let told = checked("--domain nick.signed.example", 0);
    assert_has(
        &told,
        &["mx-alias warning: mx.nick.signed.example is an alias of mx.good.signed.example"],
    );
    let fits = "dane ok: the certificate of mx.nick.signed.example is that of TLSA 3 1 1";
    assert_has(&told, &[fits]);
    let told = checked("--domain named.signed.example", 0);
    let fits = "dane ok: the certificate of mx.named.signed.example is that of TLSA 3 1 1";
    assert_has(&told, &[fits]);
    let told = checked("--domain away.signed.example", 0);
    assert_has(&told, &["dane unknown: mx.away.signed.example has TLSA records, and is an alias"]);

    let told = checked("--domain itself.plain.example", 0);
    assert_has(
        &told,
        &["mx note: the name itself.plain.example has no MX record: its own address"],
    );
    assert_has(&told, &["mx-tls note: itself.plain.example: TLS 1.3"]);
    // What cannot be validated may be there.
    let told = checked("--domain astray.plain.example", 0);
    assert_has(&told, &["mx-addresses unknown: the name server "]);

    let told = checked("--server smtp+notls://two.plain.example:25 --ports none", 0);
    assert_has(&told, &["addresses warning: 127.255.255.254:25: cannot be reached"]);
    assert_has(&told, &["tls warning: TLS 1.3, TLS_AES_256_GCM_SHA384, X25519, which the account"]);
}
