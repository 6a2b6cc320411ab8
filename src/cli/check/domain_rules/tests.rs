use super::*;
use crate::cli::check::domain::Selected;
use crate::cli::check::finding::{Verdict, judged};
use crate::cli::check::spf_cost::Bill;
use crate::cli::route::plain_hop;
use crate::delivery::Attempt;
use crate::dns::{Answer, Kind, Mx, Name, Tlsa};
use crate::message::dkim::Key;
use crate::net::{
    self, CertificateFault, ClientAuth, Endpoint, Host, Place, Security, Summary, TlsFacts,
};
use crate::session;
use crate::smtp::{Phase, Protocol};
use std::net::IpAddr;

const KEY: &str = include_str!("../../../../tests/keys/ed25519.pem");
/// The public half of it, by `openssl pkey -pubout -outform DER | tail -c 32`.
const PUBLIC: &str = "r3giJsZdyUMSXacBSiuZBrE3975Z5pd/Hf74QJoI2Zk=";

pub(in crate::cli::check) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn texts(texts: &[&str]) -> Texts {
    Ok(texts.iter().map(|&text| text.to_owned()).collect())
}

pub(in crate::cli::check) fn temporary() -> dns::Error {
    dns::Error::TimedOut { name: name("example.org"), kind: Kind::Txt }
}

pub(in crate::cli::check) fn mx_of(
    hosts: &[&str],
    authenticated: bool,
) -> Result<Answer<Mx>, dns::Error> {
    let record =
        |host: &&str| Mx { preference: 10, exchanger: (!host.is_empty()).then(|| name(host)) };
    let records = hosts.iter().map(record).collect();
    Ok(Answer { records, authenticated, canonical: None })
}

fn selected(text: &str, key: bool) -> Vec<Selected> {
    let key = key.then(|| Key::from_pem(KEY.as_bytes()).unwrap());
    vec![Selected { selector: "mail".to_owned(), key, texts: texts(&[text]) }]
}

const POLICY: &str = "version: STSv1\nmode: enforce\nmx: mx.example.org\nmax_age: 604800\n";

/// What comes of looking at port 25, under TLS with this certificate or in clear.
pub(in crate::cli::check) fn look(
    chain: Option<Vec<Summary>>,
    fault: Option<CertificateFault>,
) -> Attempt {
    let host = Host::Name("mx.example.org".to_owned());
    let place = Place::Tcp { host, port: 25 };
    let security = Security::Opportunistic;
    let hop = plain_hop(Endpoint { place, protocol: Protocol::Smtp, security });
    let facts = |chain: Vec<Summary>| TlsFacts {
        version: "TLS 1.3".into(),
        cipher: "TLS_AES_256_GCM_SHA384".into(),
        group: None,
        resumed: false,
        client: ClientAuth::NotAsked,
        fault,
        further_faults: Vec::new(),
        ends_first: None,
        certificate: chain.first().cloned(),
        chain,
    };
    Attempt { tls: chain.map(facts), ..Attempt::at(&hop, None, Vec::new()) }
}

pub(in crate::cli::check) fn broken(phase: Phase) -> Attempt {
    let error = session::Error::new(phase, net::Error::Closed { abruptly: true });
    Attempt { error: Some(error.into()), ..look(None, None) }
}

/// A certificate that signed itself.
pub(in crate::cli::check) fn certificate() -> Summary {
    let made = rcgen::generate_simple_self_signed(["mx.example.org".to_owned()]).unwrap();
    Summary::read(made.cert.der()).unwrap()
}

pub(in crate::cli::check) fn addresses(
    address: &str,
    authenticated: bool,
) -> Result<Answer<IpAddr>, dns::Error> {
    Ok(Answer { records: vec![address.parse().unwrap()], authenticated, canonical: None })
}

pub(in crate::cli::check) fn no_address(name: &str) -> Result<Answer<IpAddr>, dns::Error> {
    Err(dns::Error::NoRecords { name: self::name(name), kind: Kind::A })
}

/// A host where all is well.
pub(in crate::cli::check) fn host(text: &str) -> Exchanger {
    let certificate = certificate();
    let data = certificate.key_info().unwrap();
    let data = ring::digest::digest(&ring::digest::SHA256, data.as_ref()).as_ref().to_vec();
    let tlsa = Tlsa { usage: 3, selector: 1, matching: 1, data };
    Exchanger {
        name: name(text),
        tlsa_of: name(text),
        addresses: addresses("192.0.2.1", true),
        tlsa: Ok(Answer { records: vec![tlsa], authenticated: true, canonical: None }),
        look: Some(look(Some(vec![certificate]), None)),
    }
}

/// A domain where all is well.
pub(in crate::cli::check) fn good() -> Domain {
    Domain {
        name: name("example.org"),
        exchangers: mx_of(&["mx.example.org"], true),
        hosts: vec![host("mx.example.org")],
        spf: texts(&["v=spf1 mx -all"]),
        spf_cost: Some(Cost::Counted(Bill { lookups: 1, ..Bill::default() })),
        dkim: selected(&format!("v=DKIM1; k=ed25519; p={PUBLIC}"), true),
        dmarc: (name("example.org"), texts(&["v=DMARC1; p=reject"])),
        mta_sts: texts(&["v=STSv1; id=1"]),
        policy: Some(Ok(POLICY.to_owned())),
        tlsrpt: texts(&["v=TLSRPTv1; rua=mailto:tls@example.org"]),
    }
}

/// What the rules say that are not content.
pub(in crate::cli::check) fn complaints(domain: &Domain) -> Vec<(&'static str, Verdict)> {
    let findings = judged(RULES, domain).into_iter();
    findings.filter(|it| it.verdict != Verdict::Ok).map(|it| (it.rule, it.verdict)).collect()
}

#[track_caller]
pub(in crate::cli::check) fn assert_says(
    change: impl FnOnce(&mut Domain),
    rule: &'static str,
    verdict: Verdict,
    part: &str,
) {
    let mut domain = good();
    change(&mut domain);
    let found = judged(RULES, &domain).into_iter().find(|it| it.rule == rule).unwrap();
    assert_eq!(found.verdict, verdict, "{found:?}");
    assert!(found.found.contains(part), "{found:?}");
    // Whoever is told of trouble is told what to do.
    let is_bad = verdict >= Verdict::Warning;
    assert!(!is_bad || (found.why.is_some() && !found.hints.is_empty()));
    assert_eq!(found.exit != Exit::Ok, verdict == Verdict::Fault, "{found:?}");
}

#[test]
fn nothing_is_wrong_where_all_is_published_and_fits() {
    assert_eq!(complaints(&good()), []);
}

#[test]
fn what_is_not_published_is_told_and_is_no_fault() {
    let mut domain = good();
    (domain.spf, domain.spf_cost) = (texts(&[]), None);
    (domain.dmarc.1, domain.mta_sts, domain.tlsrpt) = (texts(&[]), texts(&[]), texts(&[]));
    domain.dkim.clear();
    let mut expected = vec![("spf", Verdict::Warning), ("dkim", Verdict::Note)];
    expected.extend([("dmarc", Verdict::Warning)]);
    expected.extend([("mta-sts", Verdict::Note), ("tlsrpt", Verdict::Note)]);
    assert_eq!(complaints(&domain), expected);
    let told = judged(RULES, &domain).into_iter().filter(|it| it.found == "not published");
    assert!(told.into_iter().all(|it| it.why.is_some() && !it.hints.is_empty()));
}

#[test]
fn what_cannot_be_looked_up_could_not_be_told() {
    let mut domain = good();
    domain.exchangers = Err(temporary());
    domain.hosts[0].addresses = Err(temporary());
    domain.hosts[0].tlsa = Err(temporary());
    domain.hosts[0].look = Some(broken(Phase::Connect));
    domain.spf = Err(temporary());
    domain.spf_cost = Some(Cost::Unknown("it depends".to_owned()));
    (domain.dmarc.1, domain.tlsrpt) = (Err(temporary()), Err(temporary()));
    domain.dkim[0].texts = Err(temporary());
    domain.policy = Some(Err(Unfetched::Unknown("timed out".to_owned())));
    let found = complaints(&domain);
    // Whether a host is an alias comes with its addresses.
    assert_eq!(found.len(), RULES.len() - 1, "{found:?}");
    assert!(found.iter().all(|(_, verdict)| *verdict == Verdict::Unknown), "{found:?}");
    // Nor can it be told who should be in a policy.
    domain.hosts.clear();
    domain.policy = good().policy;
    assert!(complaints(&domain).contains(&("mta-sts", Verdict::Unknown)));
    domain.mta_sts = Err(temporary());
    assert!(complaints(&domain).contains(&("mta-sts", Verdict::Unknown)));
}

#[test]
fn who_takes_the_mail() {
    let gone = || dns::Error::NoSuchName { name: name("example.org") };
    let none = || dns::Error::NoRecords { name: name("example.org"), kind: Kind::Mx };
    let nobody = |error: fn() -> dns::Error| {
        move |it: &mut Domain| {
            it.exchangers = Err(error());
            it.hosts.clear();
        }
    };
    assert_says(nobody(gone), "mx", Verdict::Fault, "does not exist");
    assert_says(nobody(none), "mx", Verdict::Warning, "no MX record, and no address");
    // RFC 5321 §5.1
    let itself = |it: &mut Domain| {
        it.exchangers = Err(none());
        it.hosts = vec![host("example.org")];
    };
    assert_says(itself, "mx", Verdict::Note, "its own address takes its mail");
    let perhaps = |it: &mut Domain| {
        itself(it);
        it.hosts[0].addresses = Err(temporary());
    };
    assert_says(perhaps, "mx", Verdict::Unknown, "no MX record");
    // RFC 7505
    let closed = |it: &mut Domain| {
        it.exchangers = mx_of(&[""], true);
        it.hosts.clear();
    };
    assert_says(closed, "mx", Verdict::Warning, "takes no mail");
    let half_closed = |it: &mut Domain| it.exchangers = mx_of(&["", "mx.example.org"], true);
    assert_says(half_closed, "mx", Verdict::Warning, "10 mx.example.org, and another");
}

#[test]
fn who_may_send() {
    for (record, verdict, part) in [
        ("v=spf1 ipv4:192.0.2.1 -all", Verdict::Fault, "‘ipv4:192.0.2.1’ is no term"),
        ("v=spf1 mx +all", Verdict::Fault, "+all"),
        ("v=spf1 mx ?all", Verdict::Warning, "?all"),
        ("v=spf1 mx", Verdict::Warning, "v=spf1 mx"),
        ("v=spf1 ptr -all", Verdict::Warning, "ptr"),
        ("v=spf1 mx ~all", Verdict::Ok, "~all"),
        ("v=spf1 redirect=x.example", Verdict::Ok, "redirect"),
    ] {
        assert_says(|it| it.spf = texts(&[record]), "spf", verdict, part);
    }
    let two = |it: &mut Domain| it.spf = texts(&["v=spf1 -all", "v=spf1 mx -all"]);
    assert_says(two, "spf", Verdict::Fault, "there are 2 records at example.org");
}

#[test]
fn what_it_costs_to_know_who_may_send() {
    let billed = |lookups, void: &'static [&'static str]| {
        move |it: &mut Domain| {
            let void = void.iter().map(|&name| name.to_owned()).collect();
            it.spf_cost = Some(Cost::Counted(Bill { lookups, void, open: None }));
        }
    };
    assert_says(billed(11, &[]), "spf-lookups", Verdict::Fault, "more than 10");
    assert_says(billed(10, &[]), "spf-lookups", Verdict::Ok, "10 of 10");
    assert_says(billed(2, &["a.x", "b.x"]), "spf-lookups", Verdict::Note, "comes of a.x, b.x");
    let three = billed(3, &["a.x", "b.x", "c.x"]);
    assert_says(three, "spf-lookups", Verdict::Warning, "nothing comes of 3 of them");
    let open = |it: &mut Domain| {
        let open = Some("x.example".to_owned());
        it.spf_cost = Some(Cost::Counted(Bill { lookups: 1, void: Vec::new(), open }));
    };
    assert_says(open, "spf-lookups", Verdict::Fault, "the record of x.example");
    let broken = |it: &mut Domain| it.spf_cost = Some(Cost::Broken("x is no name".to_owned()));
    assert_says(broken, "spf-lookups", Verdict::Fault, "x is no name");
}

#[test]
fn whose_signature_it_is() {
    let other = "v=DKIM1; k=ed25519; p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let trial = other.replace("p=", "t=y; p=");
    for (record, is_own, verdict, part) in [
        (other, true, Verdict::Fault, "not the key that the account signs with"),
        (other, false, Verdict::Ok, "is a key, Ed25519"),
        (&trial, false, Verdict::Note, "on trial"),
        ("v=DKIM1; p=", false, Verdict::Fault, "revoked"),
        ("nonsense", false, Verdict::Fault, "no list of tags"),
    ] {
        assert_says(|it| it.dkim = selected(record, is_own), "dkim", verdict, part);
    }
    let none = |it: &mut Domain| it.dkim[0].texts = texts(&[]);
    assert_says(none, "dkim", Verdict::Fault, "mail._domainkey.example.org: there is no key");
    let two = |it: &mut Domain| it.dkim[0].texts = texts(&[other, other]);
    assert_says(two, "dkim", Verdict::Fault, "there are 2 records");
}

#[test]
fn a_key_of_rsa_is_long_enough() {
    // RFC 8301 §3.2
    for (bits, verdict) in [
        (1023, Verdict::Fault),
        (1024, Verdict::Warning),
        (2047, Verdict::Warning),
        (2048, Verdict::Ok),
    ] {
        let record = rsa_record(bits);
        assert_says(
            |it| it.dkim = selected(&record, false),
            "dkim",
            verdict,
            &format!("{bits} bits"),
        );
    }
}

/// A record with a key of so many bits, which belongs to nobody (RFC 8017 §A.1.1).
fn rsa_record(bits: usize) -> String {
    let mut modulus = vec![0xff; bits.div_ceil(8)];
    modulus[0] >>= modulus.len() * 8 - bits;
    if modulus[0] >= 0x80 {
        modulus.insert(0, 0);
    }
    let long = |length: usize| -> Vec<u8> {
        let [high, low] = u16::try_from(length).unwrap().to_be_bytes();
        match length {
            0..128 => vec![low],
            128..256 => vec![0x81, low],
            _ => vec![0x82, high, low],
        }
    };
    let element =
        |tag: u8, content: &[u8]| [&[tag], long(content.len()).as_slice(), content].concat();
    let key = [element(2, &modulus), element(2, &[1, 0, 1])].concat();
    format!("v=DKIM1; p={}", encodify::base64::STANDARD.encode(element(0x30, &key)))
}

#[test]
fn every_key_that_was_looked_for_is_told_of() {
    let mut domain = good();
    domain.dkim.extend(selected("v=DKIM1; p=", false));
    let found = judged(RULES, &domain);
    assert_eq!(found.iter().filter(|it| it.rule == "dkim").count(), 2);
}

#[test]
fn what_comes_of_forged_mail() {
    for (record, verdict, part) in [
        ("v=DMARC1; p=none", Verdict::Note, "not refused"),
        ("v=DMARC1; p=quarantine", Verdict::Ok, "quarantine"),
        ("v=DMARC1; p=reject; pct=20", Verdict::Note, "20 %"),
        ("v=DMARC1; p=Reject; pct=100", Verdict::Ok, "Reject"),
        ("v=DMARC1; p=reject; sp=none", Verdict::Ok, "reject"),
        ("v=DMARC1; p=none; rua=mailto:a@b.example", Verdict::Note, "reported"),
        ("v=DMARC1; p=block", Verdict::Fault, "no p="),
        ("v=DMARC1; rua=mailto:a@b.example", Verdict::Fault, "no p="),
    ] {
        assert_says(|it| it.dmarc.1 = texts(&[record]), "dmarc", verdict, part);
    }
    let two = |it: &mut Domain| it.dmarc.1 = texts(&["v=DMARC1; p=none", "v=DMARC1; p=reject"]);
    assert_says(two, "dmarc", Verdict::Fault, "there are 2 records");
}

#[test]
fn a_domain_above_may_want_something_else_for_those_below() {
    // RFC 7489 §6.3
    for (record, verdict) in [
        ("v=DMARC1; p=reject; sp=none", Verdict::Note),
        ("v=DMARC1; p=none; sp=reject", Verdict::Ok),
        ("v=DMARC1; p=reject", Verdict::Ok),
        ("v=DMARC1; p=reject; sp=block", Verdict::Fault),
    ] {
        let above = |it: &mut Domain| {
            it.name = name("mail.example.org");
            it.dmarc.1 = texts(&[record]);
        };
        assert_says(above, "dmarc", verdict, "(at _dmarc.example.org)");
    }
}

#[test]
fn whether_senders_insist_on_tls() {
    let policy = |from: &str, to: &str| Some(Ok(POLICY.replace(from, to)));
    let stranger = |it: &mut Domain| it.policy = policy("mx.example.org", "mail.example.org");
    assert_says(stranger, "mta-sts", Verdict::Fault, "mx.example.org takes mail");
    let testing = |it: &mut Domain| it.policy = policy("enforce", "testing");
    assert_says(testing, "mta-sts", Verdict::Note, "testing");
    let wrong = |it: &mut Domain| it.policy = policy("STSv1", "STSv2");
    assert_says(wrong, "mta-sts", Verdict::Fault, "its version is not STSv1");
    let lost = |it: &mut Domain| {
        it.policy = Some(Err(Unfetched::Missing("the file answers 404".to_owned())));
    };
    assert_says(lost, "mta-sts", Verdict::Fault, "404");
    let short = |it: &mut Domain| it.policy = policy("604800", "86399");
    assert_says(short, "mta-sts", Verdict::Warning, "for 86399 s only");
    let nothing = |it: &mut Domain| it.policy = policy("enforce", "none");
    assert_says(nothing, "mta-sts", Verdict::Note, "mode none");
    let tried = |it: &mut Domain| {
        stranger(it);
        let text = POLICY.replace("enforce", "testing").replace("mx.example.org", "x.example");
        it.policy = Some(Ok(text));
    };
    assert_says(tried, "mta-sts", Verdict::Warning, "mx.example.org takes mail");
    let no_id = |it: &mut Domain| it.mta_sts = texts(&["v=STSv1; id=a-b"]);
    assert_says(no_id, "mta-sts", Verdict::Fault, "no id=");
}

#[test]
fn whether_those_who_take_the_mail_keep_to_the_policy() {
    // 8461-e
    let changed = |look: Attempt| move |it: &mut Domain| it.hosts[0].look = Some(look);
    let says = |look: Attempt, verdict, part| assert_says(changed(look), "mta-sts", verdict, part);
    says(look(None, None), Verdict::Fault, "it speaks no TLS");
    let bad = || look(Some(vec![certificate()]), Some(CertificateFault::SelfSigned));
    says(bad(), Verdict::Fault, "self-signed");
    says(broken(Phase::Handshake), Verdict::Fault, "it speaks no TLS");
    says(broken(Phase::Connect), Verdict::Ok, "mode enforce");
    let testing = |it: &mut Domain| {
        changed(bad())(it);
        it.policy = Some(Ok(POLICY.replace("enforce", "testing")));
    };
    assert_says(testing, "mta-sts", Verdict::Warning, "self-signed");
}

#[test]
fn who_is_told_of_trouble_with_tls() {
    for record in ["v=TLSRPTv1; rua=ftp://x", "v=TLSRPTv1"] {
        let nowhere = |it: &mut Domain| it.tlsrpt = texts(&[record]);
        assert_says(nowhere, "tlsrpt", Verdict::Warning, "no rua=");
    }
    let https = |it: &mut Domain| it.tlsrpt = texts(&["v=TLSRPTv1;rua=https://x.example/a"]);
    assert_says(https, "tlsrpt", Verdict::Ok, "https://x.example/a");
    // Nobody's mail stays away because of that.
    let two = |it: &mut Domain| {
        it.tlsrpt = texts(&["v=TLSRPTv1; rua=mailto:a@x.example", "v=TLSRPTv1; rua=mailto:b@x"]);
    };
    assert_says(two, "tlsrpt", Verdict::Warning, "there are 2 records");
}
