use super::*;
use crate::cli::check::finding::{Verdict, judged};
use crate::dns::{Answer, Kind, Mx, Name};
use crate::message::dkim::Key;

const KEY: &str = include_str!("../../../../tests/keys/ed25519.pem");
/// The public half of it, by `openssl pkey -pubout -outform DER | tail -c 32`.
const PUBLIC: &str = "r3giJsZdyUMSXacBSiuZBrE3975Z5pd/Hf74QJoI2Zk=";

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn texts(texts: &[&str]) -> Texts {
    Ok(texts.iter().map(|&text| text.to_owned()).collect())
}

fn temporary() -> dns::Error {
    dns::Error::TimedOut { name: name("example.org"), kind: Kind::Txt }
}

fn mx_of(hosts: &[&str], authenticated: bool) -> Result<Answer<Mx>, dns::Error> {
    let record =
        |host: &&str| Mx { preference: 10, exchanger: (!host.is_empty()).then(|| name(host)) };
    Ok(Answer { records: hosts.iter().map(record).collect(), authenticated })
}

fn selected(text: &str, key: bool) -> Vec<Selected> {
    let key = key.then(|| Key::from_pem(KEY.as_bytes()).unwrap());
    vec![Selected { selector: "mail".to_owned(), key, texts: texts(&[text]) }]
}

const POLICY: &str = "version: STSv1\nmode: enforce\nmx: mx.example.org\nmax_age: 600\n";

/// A domain where all is well.
fn good() -> Domain {
    let tlsa = Tlsa { usage: 3, selector: 1, matching: 1, data: vec![0; 32] };
    Domain {
        name: name("example.org"),
        exchangers: mx_of(&["mx.example.org"], true),
        unresolved: Vec::new(),
        spf: texts(&["v=spf1 mx -all"]),
        spf_cost: Some(Cost::Lookups(1)),
        dkim: selected(&format!("v=DKIM1; k=ed25519; p={PUBLIC}"), true),
        dmarc: texts(&["v=DMARC1; p=reject"]),
        mta_sts: texts(&["v=STSv1; id=1"]),
        policy: Some(Ok(POLICY.to_owned())),
        tlsrpt: texts(&["v=TLSRPTv1; rua=mailto:tls@example.org"]),
        dane: vec![(
            "mx.example.org".to_owned(),
            Ok(Answer { records: vec![tlsa], authenticated: true }),
        )],
    }
}

/// What the rules say that are not content.
fn complaints(domain: &Domain) -> Vec<(&'static str, Verdict)> {
    let findings = judged(RULES, domain).into_iter();
    findings.filter(|it| it.verdict != Verdict::Ok).map(|it| (it.rule, it.verdict)).collect()
}

#[track_caller]
fn assert_says(change: impl FnOnce(&mut Domain), rule: &'static str, verdict: Verdict, part: &str) {
    let mut domain = good();
    change(&mut domain);
    let found = judged(RULES, &domain).into_iter().find(|it| it.rule == rule).unwrap();
    assert_eq!(found.verdict, verdict, "{found:?}");
    assert!(found.found.contains(part), "{found:?}");
    // Whoever is told of trouble is told what to do.
    let is_bad = verdict >= Verdict::Warning;
    assert!(!is_bad || (found.why.is_some() && (!found.hints.is_empty() || rule == "mx")));
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
    (domain.dmarc, domain.mta_sts, domain.tlsrpt) = (texts(&[]), texts(&[]), texts(&[]));
    domain.dkim.clear();
    let mut expected = vec![("spf", Verdict::Warning), ("dkim", Verdict::Note)];
    expected.extend([("dmarc", Verdict::Warning)]);
    expected.extend([("mta-sts", Verdict::Note), ("tlsrpt", Verdict::Note)]);
    assert_eq!(complaints(&domain), expected);
}

#[test]
fn what_cannot_be_looked_up_could_not_be_told() {
    let mut domain = good();
    domain.exchangers = Err(temporary());
    domain.spf = Err(temporary());
    (domain.dmarc, domain.mta_sts, domain.tlsrpt) =
        (Err(temporary()), Err(temporary()), Err(temporary()));
    domain.dkim[0].texts = Err(temporary());
    let found = complaints(&domain);
    assert_eq!(found.len(), 6, "{found:?}");
    assert!(found.iter().all(|(_, verdict)| *verdict == Verdict::Unknown), "{found:?}");
}

#[test]
fn who_takes_the_mail() {
    let gone = || dns::Error::NoSuchName { name: name("example.org") };
    let none = || dns::Error::NoRecords { name: name("example.org"), kind: Kind::Mx };
    assert_says(|it| it.exchangers = Err(gone()), "mx", Verdict::Fault, "does not exist");
    assert_says(|it| it.exchangers = Err(none()), "mx", Verdict::Warning, "no MX record");
    // RFC 7505
    assert_says(|it| it.exchangers = mx_of(&[""], true), "mx", Verdict::Warning, "takes no mail");
    let lost = |host: &str| vec![(host.to_owned(), "no address".to_owned())];
    let one = |it: &mut Domain| it.unresolved = lost("mx.example.org");
    assert_says(one, "mx-addresses", Verdict::Fault, "mx.example.org: no address");
    let one_of_two = |it: &mut Domain| {
        it.exchangers = mx_of(&["mx.example.org", "b.example.org"], false);
        it.unresolved = lost("b.example.org");
    };
    assert_says(one_of_two, "mx-addresses", Verdict::Warning, "b.example.org: no address");
}

#[test]
fn who_may_send() {
    for (record, verdict, part) in [
        ("v=spf1 ipv4:192.0.2.1 -all", Verdict::Fault, "‘ipv4:192.0.2.1’ is no term"),
        ("v=spf1 mx +all", Verdict::Fault, "+all"),
        ("v=spf1 mx ?all", Verdict::Warning, "?all"),
        ("v=spf1 mx", Verdict::Warning, "v=spf1 mx"),
        ("v=spf1 redirect=x.example", Verdict::Ok, "redirect"),
    ] {
        assert_says(|it| it.spf = texts(&[record]), "spf", verdict, part);
    }
    let two = |it: &mut Domain| it.spf = texts(&["v=spf1 -all", "v=spf1 mx -all"]);
    assert_says(two, "spf", Verdict::Fault, "there are 2 of them at example.org");
    let many = |it: &mut Domain| it.spf_cost = Some(Cost::Lookups(11));
    assert_says(many, "spf-lookups", Verdict::Fault, "more than 10");
    assert_says(|it| it.spf_cost = Some(Cost::Lookups(10)), "spf-lookups", Verdict::Ok, "10 of 10");
}

#[test]
fn whose_signature_it_is() {
    let other = "v=DKIM1; k=ed25519; p=AAAA";
    for (record, is_own, verdict, part) in [
        (other, true, Verdict::Fault, "not the key that the account signs with"),
        (other, false, Verdict::Ok, "is a key"),
        ("v=DKIM1; p=", false, Verdict::Fault, "revoked"),
        ("p=AAAA", false, Verdict::Ok, "is a key"),
        ("v=DKIM2; p=AAAA", false, Verdict::Fault, "version"),
        ("v=DKIM1; p=A*", false, Verdict::Fault, "base64"),
        ("nonsense", false, Verdict::Fault, "no list of tags"),
    ] {
        assert_says(|it| it.dkim = selected(record, is_own), "dkim", verdict, part);
    }
    let none = |it: &mut Domain| it.dkim[0].texts = texts(&[]);
    assert_says(none, "dkim", Verdict::Fault, "mail._domainkey.example.org: there is no key");
}

#[test]
fn what_comes_of_forged_mail() {
    for (record, verdict, part) in [
        ("v=DMARC1; p=none", Verdict::Note, "not refused"),
        ("v=DMARC1; p=quarantine", Verdict::Ok, "quarantine"),
        ("v=DMARC1; p=block", Verdict::Fault, "no p="),
        ("v=DMARC1; rua=mailto:a@b.example", Verdict::Fault, "no p="),
    ] {
        assert_says(|it| it.dmarc = texts(&[record]), "dmarc", verdict, part);
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
    let lost = |it: &mut Domain| it.policy = Some(Err("the file answers 404".to_owned()));
    assert_says(lost, "mta-sts", Verdict::Fault, "404");
    let no_id = |it: &mut Domain| it.mta_sts = texts(&["v=STSv1; id=a-b"]);
    assert_says(no_id, "mta-sts", Verdict::Fault, "no id=");
    let nowhere = |it: &mut Domain| it.tlsrpt = texts(&["v=TLSRPTv1; rua=ftp://x"]);
    assert_says(nowhere, "tlsrpt", Verdict::Warning, "no rua=");
}

#[test]
fn dane_is_judged_only_where_dnssec_vouches_for_it() {
    let unsigned = |it: &mut Domain| it.exchangers = mx_of(&["mx.example.org"], false);
    assert_says(unsigned, "dane", Verdict::Note, "could not be told");
    let change = |usage, length, authenticated| {
        move |it: &mut Domain| {
            let tlsa = Tlsa { usage, selector: 1, matching: 1, data: vec![0; length] };
            it.dane[0].1 = Ok(Answer { records: vec![tlsa], authenticated });
        }
    };
    assert_says(change(3, 32, false), "dane", Verdict::Note, "does not vouch");
    assert_says(change(1, 32, true), "dane", Verdict::Warning, "can be used");
    assert_says(change(3, 31, true), "dane", Verdict::Warning, "can be used");
    assert_says(|it| it.dane[0].1 = Err(temporary()), "dane", Verdict::Unknown, "in time");
}
