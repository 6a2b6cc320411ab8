//! Who is at either end of TLS: pins, names that are asked for, sessions that
//! are resumed, and certificates of clients.

mod harness;

use envoi::delivery::{Attempt, Hop, Report};
use envoi::net::{ClientCertificate, Pin, Security, Summary, TlsSettings, TlsVersion};
use envoi::net::{Host, Roots, Verification};
use envoi::sink::{Encryption, Listen, Settings, Sink};
use harness::*;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, date_time_ymd};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion, crypto::ring};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Takes one message.
fn serve(peer: &mut Peer) {
    peer.greet(&["PIPELINING"]);
    peer.answer(3, "250 ok\r\n250 ok\r\n354 go\r\n");
    // A client that has left over the certificate sends no content.
    if !peer.is_closed() {
        peer.content();
        peer.say("250 ok\r\n");
    }
}

/// A server under TLS from the first octet that takes as many messages as are
/// listed, and holds each handshake to be as listed: resumed or not.
fn counting(config: &Arc<ServerConfig>, resumed: &[bool]) -> Scripted {
    let script = |&expected: &bool| {
        let config = Arc::clone(config);
        move |peer: &mut Peer| {
            peer.secure(&config);
            let is_resumed = peer.is_resumed();
            serve(peer);
            assert_eq!(is_resumed, expected);
        }
    };
    Scripted::start(resumed.iter().map(script).collect())
}

fn at(server: &Scripted, tls: TlsSettings) -> Hop {
    Hop { tls, ..hop(server.endpoint(Security::Implicit)) }
}

fn trusting(identity: &Identity) -> TlsSettings {
    let roots = Roots { given: vec![identity.root.clone()], ..Roots::default() };
    TlsSettings { roots, ..TlsSettings::default() }
}

fn pinned(identity: &Identity) -> TlsSettings {
    TlsSettings { pins: vec![key_pin(identity)], ..TlsSettings::default() }
}

fn key_pin(identity: &Identity) -> Pin {
    Pin::Key(Summary::read(&identity.root).unwrap().spki_sha256)
}

fn certificate_pin(identity: &Identity) -> Pin {
    Pin::Certificate(Summary::read(&identity.root).unwrap().sha256)
}

/// The only attempt, which sent the message.
fn sent(report: &Report) -> &Attempt {
    assert!(words(report)[0].contains(" accepted "), "{:?}", words(report));
    let [attempt] = &report.attempts[..] else { panic!("{:?}", report.attempts) };
    attempt
}

fn with(identity: &Identity, versions: &[&'static SupportedProtocolVersion]) -> Arc<ServerConfig> {
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::clone(&identity.config.cert_resolver));
    Arc::new(config)
}

// Pins ---------------------------------------------------------------------------

#[test]
fn a_pin_that_fits_replaces_chain_name_and_dates() {
    // SEC-3: and whoever fits it counts as known.
    let expired = |params: &mut CertificateParams| {
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2002, 1, 1);
    };
    let authority =
        |params: &mut CertificateParams| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    for identity in [
        Identity::of(&["127.0.0.1"]),
        Identity::of(&["elsewhere.example"]),
        Identity::with(&["127.0.0.1"], expired),
        Identity::with(&["127.0.0.1"], authority),
    ] {
        for pin in [key_pin(&identity), certificate_pin(&identity)] {
            let stranger = certificate_pin(&Identity::of(&["127.0.0.1"]));
            for pins in [vec![pin], vec![stranger, pin]] {
                let server = counting(&identity.config, &[false]);
                let tls = TlsSettings { pins, ..TlsSettings::default() };
                let report = deliver(&submission(&["a@x.y"]), vec![at(&server, tls)]);
                assert!(sent(&report).tls.as_ref().unwrap().is_verified());
                server.finish();
            }
        }
    }
}

#[test]
fn a_pin_that_does_not_fit_ends_the_session_whoever_is_trusted() {
    let identity = Identity::of(&["127.0.0.1"]);
    let stranger = Identity::of(&["127.0.0.1"]);
    for pin in [key_pin(&stranger), certificate_pin(&stranger)] {
        let server = counting(&identity.config, &[false]);
        let tls = TlsSettings { pins: vec![pin], ..trusting(&identity) };
        let report = deliver(&submission(&["a@x.y"]), vec![at(&server, tls)]);
        assert!(words(&report)[0].contains("not the one that is pinned"), "{:?}", words(&report));
    }
}

#[test]
fn a_pinned_certificate_without_its_key_is_worth_nothing() {
    // 4.2.6: the signature of the handshake is checked all the same.
    for versions in [&[&rustls::version::TLS13][..], &[&rustls::version::TLS12]] {
        let identity = Identity::of(&["127.0.0.1"]);
        let other = KeyPair::generate().unwrap().serialize_der();
        let key = ring::sign::any_supported_type(&other.try_into().unwrap()).unwrap();
        let shown = CertifiedKey::new(vec![identity.root.clone()], key);
        let mut config = ServerConfig::clone(&with(&identity, versions));
        config.cert_resolver = Arc::new(SingleCertAndKey::from(shown));
        for pins in [vec![key_pin(&identity)], vec![certificate_pin(&identity)]] {
            let server = counting(&Arc::new(config.clone()), &[false]);
            let tls = TlsSettings { pins, ..TlsSettings::default() };
            let report = deliver(&submission(&["a@x.y"]), vec![at(&server, tls)]);
            assert!(words(&report)[0].contains("cannot prove"), "{:?}", words(&report));
        }
    }
}

#[test]
fn with_a_pin_opportunistic_tls_is_required_and_trusted() {
    // 3207-6, 8314-3d
    let identity = Identity::of(&["elsewhere.example"]);
    let try_it = |server: &Scripted, tls: TlsSettings| {
        let sign_in = signing_in("a", Vec::new(), false);
        let hop = hop(server.endpoint(Security::Opportunistic));
        deliver(&submission(&["a@x.y"]), vec![Hop { tls, sign_in: Some(sign_in), ..hop }])
    };

    // STARTTLS is not offered, or somebody took it away.
    let server = Scripted::once(|peer| {
        peer.greet(&["AUTH PLAIN"]);
        peer.expect("QUIT");
    });
    let report = try_it(&server, pinned(&identity));
    assert!(words(&report)[0].contains("does not offer STARTTLS"), "{:?}", words(&report));
    server.finish();

    // Another certificate, and TLS that fails: nothing follows in clear.
    let config = Arc::clone(&Identity::of(&["elsewhere.example"]).config);
    let server = Scripted::once(move |peer| {
        peer.greet(&["STARTTLS"]);
        peer.expect("STARTTLS");
        peer.say("220 go\r\n");
        peer.secure(&config);
        drop(peer.rest());
    });
    let report = try_it(&server, pinned(&identity));
    assert!(words(&report)[0].contains("not the one that is pinned"), "{:?}", words(&report));
    assert_eq!(report.attempts.len(), 1);
    server.finish();

    // The right one: then a password may go there.
    let config = Arc::clone(&identity.config);
    let server = Scripted::once(move |peer| {
        peer.greet(&["STARTTLS"]);
        peer.expect("STARTTLS");
        peer.say("220 go\r\n");
        peer.secure(&config);
        peer.expect("EHLO");
        peer.say("250-hi\r\n250 AUTH PLAIN\r\n");
        peer.expect("AUTH PLAIN ");
        peer.say("554 enough\r\n");
        peer.expect("QUIT");
    });
    try_it(&server, pinned(&identity));
    server.finish();
}

// Sessions -----------------------------------------------------------------------

#[test]
fn a_session_is_resumed_by_the_next_connection_to_the_same_server() {
    let identity = Identity::of(&["127.0.0.1"]);
    for tls in [trusting(&identity), pinned(&identity)] {
        let server = counting(&identity.config, &[false, true, true]);
        let hop = at(&server, tls);
        for is_resumed in [false, true, true] {
            let report = deliver(&submission(&["a@x.y"]), vec![hop.clone()]);
            let facts = sent(&report).tls.as_ref().unwrap();
            assert_eq!(facts.resumed, is_resumed);
            // Whose certificate it was is known all the same.
            assert!(facts.is_verified());
            let own = Summary::read(&identity.root);
            assert_eq!((&facts.certificate, facts.chain.first()), (&own, own.as_ref()));
        }
        server.finish();
    }
}

#[test]
fn no_session_is_resumed_that_was_not_verified() {
    // A resumed one has no certificate to find fault with.
    let identity = Identity::of(&["elsewhere.example"]);
    let server = counting(&identity.config, &[false, false]);
    let verification = Verification::Noted;
    let hop = at(&server, TlsSettings { verification, ..TlsSettings::default() });
    for _ in 0..2 {
        let report = deliver(&submission(&["a@x.y"]), vec![hop.clone()]);
        let facts = sent(&report).tls.as_ref().unwrap();
        assert!(!facts.resumed && !facts.is_verified(), "{facts:?}");
    }
    server.finish();
}

#[test]
fn no_session_outlives_a_change_of_mind_about_whom_to_trust() {
    let identity = Identity::of(&["127.0.0.1"]);
    let server = counting(&identity.config, &[false, false, false]);
    let mut hop = at(&server, trusting(&identity));
    sent(&deliver(&submission(&["a@x.y"]), vec![hop.clone()]));
    // The same cache, another pin.
    hop.tls.pins = vec![key_pin(&identity)];
    sent(&deliver(&submission(&["a@x.y"]), vec![hop.clone()]));
    hop.tls.pins = vec![key_pin(&Identity::of(&["127.0.0.1"]))];
    let report = deliver(&submission(&["a@x.y"]), vec![hop]);
    assert!(words(&report)[0].contains("not the one that is pinned"), "{:?}", words(&report));
}

#[test]
fn a_session_is_not_resumed_beyond_the_last_day_of_the_certificate() {
    // Its second is over when the clock shows the next.
    let seconds = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let last = seconds() + 5;
    let identity = Identity::with(&["127.0.0.1"], |params| {
        params.not_after = date_time_ymd(1970, 1, 1) + Duration::from_secs(last);
    });
    let server = counting(&identity.config, &[false, true]);
    let hop = at(&server, trusting(&identity));
    sent(&deliver(&submission(&["a@x.y"]), vec![hop.clone()]));
    while seconds() <= last {
        std::thread::sleep(Duration::from_millis(50));
    }
    let report = deliver(&submission(&["a@x.y"]), vec![hop]);
    assert!(words(&report)[0].contains("has expired"), "{:?}", words(&report));
}

#[test]
fn tls_1_2_is_never_resumed() {
    // 7677-4
    let identity = Identity::of(&["127.0.0.1"]);
    let server = counting(&with(&identity, &[&rustls::version::TLS12]), &[false, false]);
    let hop = at(&server, trusting(&identity));
    for _ in 0..2 {
        let report = deliver(&submission(&["a@x.y"]), vec![hop.clone()]);
        let facts = sent(&report).tls.as_ref().unwrap();
        assert_eq!((facts.version.as_str(), facts.resumed), ("TLS 1.2", false));
        assert!(facts.group.is_some(), "{facts:?}");
    }
    server.finish();
}

// Versions and names -------------------------------------------------------------

#[test]
fn a_version_older_than_asked_for_is_not_spoken() {
    // 8314-3c
    let identity = Identity::of(&["127.0.0.1"]);
    for (least, is_good) in [(TlsVersion::V1_2, true), (TlsVersion::V1_3, false)] {
        let server = counting(&with(&identity, &[&rustls::version::TLS12]), &[false]);
        let tls = TlsSettings { least, ..trusting(&identity) };
        let report = deliver(&submission(&["a@x.y"]), vec![at(&server, tls)]);
        let refusal = "a@x.y rejected Handshake: the server does not speak TLS 1.3 or later";
        let expected = if is_good { "a@x.y accepted 250 ok" } else { refusal };
        assert_eq!(words(&report), [expected]);
    }
}

#[test]
fn the_server_is_asked_for_a_name_and_never_for_an_address() {
    // 9525-c, RFC 6066 §3
    let name = |name: &str| Some(Host::Name(name.to_owned()));
    for (names, verified, sni, asked) in [
        (&["127.0.0.1"][..], None, None, None),
        (&["mail.example"], name("mail.example"), None, Some("mail.example")),
        (&["127.0.0.1"], None, Some("front.example"), Some("front.example")),
        (&["mail.example"], name("mail.example"), Some("front.example"), Some("front.example")),
    ] {
        let identity = Identity::of(names);
        let config = Arc::clone(&identity.config);
        let server = Scripted::once(move |peer| {
            peer.secure(&config);
            let name = peer.asked_name();
            serve(peer);
            assert_eq!(name.as_deref(), asked);
        });
        let sni = sni.map(str::to_owned);
        let tls = TlsSettings { name: verified, sni, ..trusting(&identity) };
        sent(&deliver(&submission(&["a@x.y"]), vec![at(&server, tls)]));
        server.finish();
    }
    // What is asked for is not what is looked for.
    let identity = Identity::of(&["front.example"]);
    let server = counting(&identity.config, &[false]);
    let tls = TlsSettings { sni: Some("front.example".to_owned()), ..trusting(&identity) };
    let report = deliver(&submission(&["a@x.y"]), vec![at(&server, tls)]);
    assert!(words(&report)[0].contains("is not for 127.0.0.1"), "{:?}", words(&report));
}

// Clients ------------------------------------------------------------------------

/// A client's certificate that signed itself, and is its own authority.
fn client(name: &str) -> (ClientCertificate, rustls::pki_types::CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let read = ClientCertificate::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
    (read, made.cert.der().clone())
}

#[test]
fn the_receiver_learns_who_the_client_is() {
    // EXTERNAL
    let (known, authority) = client("alice.example");
    for encryption in [Encryption::Implicit, Encryption::StartTls] {
        let sink = Sink::start(Settings {
            listen: vec![Listen::loopback(0, encryption)],
            client_authorities: vec![authority.clone()],
            ..Settings::default()
        });
        let sink = sink.unwrap();
        let security = match encryption {
            Encryption::Implicit => Security::Implicit,
            Encryption::StartTls => Security::StartTls,
        };
        let roots = Roots { given: vec![sink.ca().clone()], ..Roots::default() };
        let trusting = TlsSettings { roots, ..TlsSettings::default() };
        let delivered = |client: Option<ClientCertificate>| {
            let tls = TlsSettings { client, ..trusting.clone() };
            let hop = Hop { tls, ..hop(endpoint(sink.address(), security)) };
            deliver(&submission(&["a@x.y"]), vec![hop])
        };
        sent(&delivered(Some(known.clone())));
        let stored = sink.next_stored(GENEROUS).unwrap().client_certificate.unwrap();
        assert_eq!(stored.names, ["alice.example"]);
        // Without one it goes, too; with a stranger's it does not.
        sent(&delivered(None));
        assert_eq!(sink.next_stored(GENEROUS).unwrap().client_certificate, None);
        let report = delivered(Some(client("alice.example").0));
        let told = &words(&report)[0];
        assert!(told.contains("rejected") && told.contains("does not accept the client"), "{told}");
    }
}

#[test]
fn where_nobody_knows_whose_server_it_is_nobody_says_who_he_is() {
    // TLS-cert
    let (known, authority) = client("alice.example");
    let sink = Sink::start(Settings {
        listen: vec![Listen::loopback(0, Encryption::StartTls)],
        client_authorities: vec![authority],
        ..Settings::default()
    });
    let sink = sink.unwrap();
    for (security, shown) in [(Security::StartTls, true), (Security::Opportunistic, false)] {
        let roots = Roots { given: vec![sink.ca().clone()], ..Roots::default() };
        let tls = TlsSettings { client: Some(known.clone()), roots, ..TlsSettings::default() };
        let hop = Hop { tls, ..hop(endpoint(sink.address(), security)) };
        sent(&deliver(&submission(&["a@x.y"]), vec![hop]));
        let stored = sink.next_stored(GENEROUS).unwrap();
        assert!(stored.tls.is_some(), "{security:?}");
        assert_eq!(stored.client_certificate.is_some(), shown, "{security:?}");
    }
}

#[test]
fn a_server_that_wants_a_certificate_and_gets_none_is_understood() {
    let identity = Identity::of(&["127.0.0.1"]);
    let (known, authority) = client("alice.example");
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone()).unwrap();
        let provider = Arc::new(ring::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider));
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_cert_resolver(Arc::clone(&identity.config.cert_resolver));
        let config = Arc::new(config);
        for (client, expected) in [
            (Some(known.clone()), "accepted 250 ok"),
            (None, "asks for a client certificate"),
            (Some(client("alice.example").0), "does not accept the client certificate"),
        ] {
            let config = Arc::clone(&config);
            let server = Scripted::once(move |peer| {
                peer.secure(&config);
                if peer.is_secured() {
                    serve(peer);
                }
            });
            let tls = TlsSettings { client, ..trusting(&identity) };
            let report = deliver(&submission(&["a@x.y"]), vec![at(&server, tls)]);
            assert!(words(&report)[0].contains(expected), "{version:?} {:?}", words(&report));
            server.finish();
        }
    }
}
