use super::*;
use crate::cli::check::finding::Verdict;
use crate::cli::check::sign_in::SignedIn;
use crate::cli::route::plain_hop;
use crate::net::{Address, CertificateFault, ClientAuth, Endpoint, Host, Place, Security};
use crate::smtp::{Phase, Protocol};
use std::io;
use std::time::SystemTime;

/// What came of looking at this address, in clear.
fn in_clear(address: &str) -> Attempt {
    let place = Place::Tcp { host: Host::Name("mail.example".to_owned()), port: 587 };
    let security = Security::StartTls;
    let hop = plain_hop(Endpoint { place, protocol: Protocol::Smtp, security });
    Attempt::at(&hop, Some(at(address)), Vec::new())
}

/// The same, under TLS with this fault.
fn under_tls(address: &str, fault: Option<CertificateFault>) -> Attempt {
    let facts = TlsFacts {
        version: "TLS 1.3".into(),
        cipher: String::new(),
        group: None,
        resumed: false,
        client: ClientAuth::NotAsked,
        fault,
        further_faults: Vec::new(),
        ends_first: None,
        certificate: None,
        chain: Vec::new(),
    };
    Attempt { tls: Some(facts), ..in_clear(address) }
}

fn at(address: &str) -> Address {
    Address::Tcp(address.parse().unwrap())
}

fn silent(address: &str, kind: io::ErrorKind) -> Attempt {
    let cause = io::Error::from(kind);
    let error = Error::new(Phase::Connect, net::Error::Connect { address: at(address), cause });
    Attempt { error: Some(error.into()), ..in_clear(address) }
}

/// A port of a host with several addresses, the first of them good.
fn seen(silent: Vec<Attempt>, others: Vec<Attempt>) -> Seen {
    let first = under_tls("192.0.2.1:587", None);
    Seen {
        hop: plain_hop(first.server.clone()),
        is_own: true,
        first: None,
        attempt: first,
        silent,
        others,
        untried: vec![at("192.0.2.9:587")],
        sign_in: SignedIn::Nobody,
        now: SystemTime::UNIX_EPOCH,
        warn_days: 0,
        signal: None,
    }
}

#[test]
fn every_other_address_is_held_against_the_first() {
    let (six, four) = ("[2001:db8::1]:587", "192.0.2.2:587");
    for (other, verdict, found) in [
        (
            silent(six, io::ErrorKind::ConnectionRefused),
            Verdict::Warning,
            "[2001:db8::1]:587: cannot be reached: connection refused",
        ),
        (
            silent(six, io::ErrorKind::NetworkUnreachable),
            Verdict::Note,
            "[2001:db8::1]:587: could not be told: there is no way to it from here",
        ),
        (
            silent(four, io::ErrorKind::HostUnreachable),
            Verdict::Warning,
            "192.0.2.2:587: cannot be reached: host unreachable",
        ),
        // Nobody knows whether there is a way from here to that family.
        (
            silent(six, io::ErrorKind::HostUnreachable),
            Verdict::Unknown,
            "[2001:db8::1]:587: could not be told from here: cannot be reached: host unreachable",
        ),
        (under_tls(four, None), Verdict::Ok, "192.0.2.2:587 answers, too"),
        (in_clear(four), Verdict::Warning, "192.0.2.2:587: no TLS is spoken"),
        (
            under_tls(four, Some(CertificateFault::NotForServers)),
            Verdict::Warning,
            "192.0.2.2:587: the server's certificate is not meant for servers, by its extended \
             key usage",
        ),
    ] {
        let told = others(&seen(vec![other], Vec::new()));
        assert_eq!((told[0].verdict, told[0].found.as_str()), (verdict, found));
        assert_eq!(told[1].found, "192.0.2.9:587: not tried");
    }
    let both = seen(vec![under_tls(six, None)], vec![under_tls(four, None)]);
    assert_eq!(others(&both).len(), 3);
}

#[test]
fn addresses_that_nobody_published_are_not_held_against_each_other() {
    let mut seen = seen(Vec::new(), vec![in_clear("192.0.2.2:587")]);
    seen.is_own = false;
    assert!(others(&seen).is_empty());
    seen.is_own = true;
    assert_eq!(others(&seen).len(), 2);
    if let Place::Tcp { host, .. } = &mut seen.hop.endpoint.place {
        *host = Host::Name("localhost".to_owned());
    }
    assert!(others(&seen).is_empty());
}
