use crate::cli::check::domain::Domain;
use crate::cli::check::domain_rules::tests::{
    addresses, assert_says, broken, certificate, complaints, good, host, look, mx_of, name,
    no_address, temporary,
};
use crate::cli::check::finding::Verdict;
use crate::delivery::Attempt;
use crate::dns::{self, Answer, Kind, Tlsa};
use crate::net::{self, CertificateFault};
use crate::session;
use crate::smtp::Phase;

/// The host is an alias, and DNSSEC vouches for that or not.
fn aliased(authenticated: bool) -> impl Fn(&mut Domain) {
    move |it: &mut Domain| {
        it.hosts[0].addresses = Ok(Answer {
            canonical: Some(name("real.example.net")),
            ..addresses("192.0.2.1", authenticated).unwrap()
        });
    }
}

#[test]
fn who_takes_it_is_no_alias() {
    // RFC 2181 §10.3
    assert_says(aliased(true), "mx-alias", Verdict::Warning, "is an alias of real.example.net");
    // RFC 5321 §5.1: the domain itself may be one.
    let mut itself = good();
    itself.exchangers = Err(dns::Error::NoRecords { name: name("example.org"), kind: Kind::Mx });
    itself.hosts = vec![host("example.org")];
    aliased(true)(&mut itself);
    assert!(!complaints(&itself).iter().any(|(rule, _)| *rule == "mx-alias"));
}

#[test]
fn whether_those_who_take_it_can_be_reached() {
    let lost = "mx.example.org has no address";
    let one = |it: &mut Domain| it.hosts[0].addresses = no_address("mx.example.org");
    assert_says(one, "mx-addresses", Verdict::Fault, lost);
    let one_of_two = |it: &mut Domain| {
        one(it);
        it.hosts.push(host("b.example.org"));
    };
    assert_says(one_of_two, "mx-addresses", Verdict::Warning, lost);
    // The other may have one.
    let perhaps = |it: &mut Domain| {
        one_of_two(it);
        it.hosts[1].addresses = Err(temporary());
    };
    assert_says(perhaps, "mx-addresses", Verdict::Warning, lost);
    for address in ["127.0.0.1", "10.1.2.3", "::1", "fd00::1", "::ffff:192.168.1.1", "0.0.0.0"] {
        let change = |it: &mut Domain| it.hosts[0].addresses = addresses(address, true);
        assert_says(change, "mx-addresses", Verdict::Note, "nobody outside reaches it");
    }
}

#[test]
fn whether_others_can_send_there_under_tls() {
    let changed = |look: Attempt| move |it: &mut Domain| it.hosts[0].look = Some(look);
    assert_says(changed(look(None, None)), "mx-tls", Verdict::Warning, "does not offer STARTTLS");
    let failed = changed(broken(Phase::Handshake));
    assert_says(failed, "mx-tls", Verdict::Warning, "in the middle of the TLS handshake");
    let late = session::Error::new(
        Phase::Handshake,
        net::Error::TimedOut { after: std::time::Duration::from_secs(20) },
    );
    let late = Attempt { error: Some(late.into()), ..look(None, None) };
    let phases = [Phase::Lookup, Phase::Connect, Phase::Greeting, Phase::Hello];
    for look in phases.map(broken).into_iter().chain([late]) {
        assert_says(changed(look), "mx-tls", Verdict::Unknown, "mx.example.org, port 25");
    }
    let bad = look(Some(vec![certificate()]), Some(CertificateFault::SelfSigned));
    assert_says(changed(bad), "mx-tls", Verdict::Note, "self-signed");
}

#[test]
fn dane_counts_only_where_dnssec_vouches_for_all_that_leads_to_it() {
    // 7672-a, 7672-b
    let unsigned = |it: &mut Domain| it.exchangers = mx_of(&["mx.example.org"], false);
    assert_says(unsigned, "dane", Verdict::Note, "vouches for the MX records of example.org");
    let unsigned = |it: &mut Domain| it.hosts[0].addresses = addresses("192.0.2.1", false);
    assert_says(unsigned, "dane", Verdict::Note, "vouches for the addresses of mx.example.org");
    let unsigned = |it: &mut Domain| {
        let Ok(answer) = &mut it.hosts[0].tlsa else { panic!("no records") };
        answer.authenticated = false;
    };
    assert_says(unsigned, "dane", Verdict::Note, "do not count");
    let none = |it: &mut Domain| {
        it.hosts[0].tlsa = Err(dns::Error::NoSuchName { name: name("_25._tcp.mx.example.org") });
    };
    assert_says(none, "dane", Verdict::Note, "has no TLSA record");
    assert_says(|it| it.hosts[0].tlsa = Err(temporary()), "dane", Verdict::Unknown, "in time");
    // RFC 7672 §2.2.3
    assert_says(aliased(false), "dane", Verdict::Unknown, "is an alias of real.example.net");
    let unsigned = |it: &mut Domain| {
        aliased(false)(it);
        it.exchangers = mx_of(&["mx.example.org"], false);
    };
    assert_says(unsigned, "dane", Verdict::Note, "vouches for the MX records of example.org");
}

#[test]
fn the_certificate_is_the_one_that_dane_names() {
    // 7672-c, 7672-d, 7672-e
    let record = |usage, length| Tlsa { usage, selector: 1, matching: 1, data: vec![0; length] };
    let published = |records: Vec<Tlsa>| {
        move |it: &mut Domain| {
            it.hosts[0].tlsa = Ok(Answer { records, authenticated: true, canonical: None });
        }
    };
    assert_says(published(vec![record(1, 32)]), "dane", Verdict::Warning, "can be used");
    assert_says(published(vec![record(3, 31)]), "dane", Verdict::Warning, "can be used");
    let other = published(vec![record(3, 32)]);
    assert_says(other, "dane", Verdict::Fault, "is not that of TLSA 3 1 1: another one is sent");
    // One of several is enough, as while keys change.
    let both = |it: &mut Domain| {
        let Ok(answer) = &mut it.hosts[0].tlsa else { panic!("no records") };
        answer.records.insert(0, record(3, 32));
    };
    assert_says(both, "dane", Verdict::Ok, "is that of TLSA 3 1 1");
    let bare = Tlsa { usage: 2, selector: 1, matching: 0, data: vec![0; 90] };
    assert_says(published(vec![bare]), "dane", Verdict::Unknown, "the key of an authority");
    let changed = |look: Option<Attempt>| move |it: &mut Domain| it.hosts[0].look = look;
    assert_says(changed(Some(look(None, None))), "dane", Verdict::Fault, "speaks no TLS");
    assert_says(changed(Some(broken(Phase::Handshake))), "dane", Verdict::Fault, "speaks no TLS");
    let unreached = changed(Some(broken(Phase::Connect)));
    assert_says(unreached, "dane", Verdict::Unknown, "not compared with port 25");
    assert_says(changed(None), "dane", Verdict::Note, "was not looked at");
}
