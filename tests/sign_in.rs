//! Signing in, over real sockets and TLS, at servers that take part for real,
//! that lie, and that behind which somebody else sits.

mod harness;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use envoi::delivery::{Hop, Report, Route, Secrets, Unavailable, World, submit};
use envoi::net::{Endpoint, Interrupt, Roots, Security, TlsSettings};
use envoi::sasl::server::{Judgement, MECHANISMS, Premise, Users};
use envoi::sasl::{ChannelBinding, Credentials, Proof, Secret};
use envoi::session::Unobserved;
use envoi::sink::{Encryption, Event, Listen, Offer, Policy, Rule, Settings, Sink, Stage};
use envoi::smtp::Reply;
use harness::{
    GENEROUS, Identity, PASSWORD, Peer, Scripted, deliver, endpoint, hop, signing_in, submission,
    words,
};
use std::sync::atomic::{AtomicUsize, Ordering};

fn alice() -> Users {
    Users::Only(vec![Credentials { user: "alice".into(), password: Secret::new(PASSWORD) }])
}

/// A server to try, trusting this certificate, where alice signs in.
fn trusting(server: &Scripted, identity: &Identity, mechanisms: &[&str]) -> Hop {
    let roots = Roots { given: vec![identity.root.clone()], ..Roots::default() };
    let mechanisms = mechanisms.iter().map(|&name| name.to_owned()).collect();
    Hop {
        tls: TlsSettings { roots, ..TlsSettings::default() },
        sign_in: Some(signing_in("alice", mechanisms, false)),
        ..hop(server.endpoint(Security::Implicit))
    }
}

/// The server's part of one AUTH command, which begins with the given line;
/// its last reply is said as well. Gives the name of the mechanism and what the
/// client said, in clear.
fn examined(peer: &mut Peer, line: &str, premise: &Premise<'_>) -> (String, Vec<String>) {
    let mut words = line.split(' ').skip(1);
    let name = words.next().unwrap_or_default().to_owned();
    let mechanism = MECHANISMS.iter().find(|it| it.name == name).expect("a known mechanism");
    let mut examiner = (mechanism.begin)(premise);
    let mut said = Vec::new();
    let mut initial = words.next().map(str::to_owned);
    if initial.is_none() {
        peer.say(format!("334 {}\r\n", STANDARD.encode(examiner.opening().unwrap_or_default())));
    }
    loop {
        let line = initial.take().unwrap_or_else(|| peer.line());
        if line == "*" {
            peer.say("501 5.7.0 cancelled\r\n");
            return (name, said);
        }
        let message = STANDARD.decode(line.trim_matches('=').to_owned() + padding(&line)).unwrap();
        said.push(String::from_utf8_lossy(&message).into_owned());
        match examiner.examine(&Secret::new(message)) {
            Judgement::Ask(challenge) => {
                peer.say(format!("334 {}\r\n", STANDARD.encode(challenge)));
            }
            Judgement::Granted(_) => {
                peer.say("235 2.7.0 welcome\r\n");
                return (name, said);
            }
            Judgement::Denied(_) => {
                peer.say("535 5.7.8 no\r\n");
                return (name, said);
            }
        }
    }
}

/// The padding of a line in base64; a lone `=` is an empty message.
fn padding(line: &str) -> &'static str {
    match (line.len(), line.len() - line.trim_end_matches('=').len()) {
        (1, _) | (_, 0) => "",
        (_, 1) => "=",
        _ => "==",
    }
}

fn premise<'p>(users: &'p Users, bindings: &'p [ChannelBinding]) -> Premise<'p> {
    Premise {
        users,
        nonce: "server-nonce-1",
        bindings,
        certified: None,
        binds: !bindings.is_empty(),
    }
}

/// The rest of a session in which one message goes out.
fn take_message(peer: &mut Peer) {
    peer.answer(1, "250 ok\r\n");
    peer.answer(1, "250 ok\r\n");
    peer.answer(1, "354 go\r\n");
    peer.content();
    peer.say("250 ok\r\n");
}

const ALL: &str = "AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN";

#[test]
fn under_tls_1_2_the_exchange_is_bound_to_the_server_s_certificate() {
    // CB-choice, 5929
    let identity = Identity::old(&["127.0.0.1"], &rcgen::PKCS_ECDSA_P384_SHA384);
    let (config, root) = (identity.config.clone(), identity.root.clone());
    let server = Scripted::once(move |peer| {
        peer.secure(&config);
        peer.greet(&[ALL]);
        let (line, bindings) = (peer.expect("AUTH "), peer.bindings(&root));
        assert_eq!(bindings.iter().map(|b| b.kind).collect::<Vec<_>>(), ["tls-server-end-point"]);
        let (name, said) = examined(peer, &line, &premise(&alice(), &bindings));
        assert_eq!(name, "SCRAM-SHA-256-PLUS");
        assert!(said[0].starts_with("p=tls-server-end-point,,n=alice,r="), "{said:?}");
        take_message(peer);
    });
    let report = deliver(&submission(&["a@x.y"]), vec![trusting(&server, &identity, &[])]);
    assert_eq!(words(&report), ["a@x.y accepted 250 ok"]);
    assert_eq!(report.attempts[0].tls.as_ref().unwrap().version, "TLS 1.2");
    server.finish();
}

#[test]
fn under_tls_1_3_the_exchange_is_bound_to_the_channel_itself() {
    // 9266
    let identity = Identity::of(&["127.0.0.1"]);
    let (config, root) = (identity.config.clone(), identity.root.clone());
    let server = Scripted::once(move |peer| {
        peer.secure(&config);
        peer.greet(&[ALL]);
        let (line, bindings) = (peer.expect("AUTH "), peer.bindings(&root));
        let (_, said) = examined(peer, &line, &premise(&alice(), &bindings));
        assert!(said[0].starts_with("p=tls-exporter,,n=alice,r="), "{said:?}");
        take_message(peer);
    });
    let report = deliver(&submission(&["a@x.y"]), vec![trusting(&server, &identity, &[])]);
    assert_eq!(words(&report), ["a@x.y accepted 250 ok"]);
    server.finish();
}

#[test]
fn a_certificate_without_a_hash_binds_nothing_under_tls_1_2() {
    // 5929, 5802-b: we cannot bind, and say so
    let identity = Identity::old(&["127.0.0.1"], &rcgen::PKCS_ED25519);
    let config = identity.config.clone();
    let server = Scripted::once(move |peer| {
        peer.secure(&config);
        peer.greet(&[ALL]);
        let line = peer.expect("AUTH SCRAM-SHA-256 ");
        let (_, said) = examined(peer, &line, &premise(&alice(), &[]));
        assert!(said[0].starts_with("n,,n=alice,r="), "{said:?}");
        take_message(peer);
    });
    let report = deliver(&submission(&["a@x.y"]), vec![trusting(&server, &identity, &[])]);
    assert_eq!(words(&report), ["a@x.y accepted 250 ok"]);
    server.finish();
}

#[test]
fn a_server_that_does_not_know_one_type_of_binding_is_offered_the_other() {
    // CB-choice
    let identity = Identity::of(&["127.0.0.1"]);
    let (config, root) = (identity.config.clone(), identity.root.clone());
    let server = Scripted::once(move |peer| {
        peer.secure(&config);
        peer.greet(&[ALL]);
        let end_point: Vec<_> = peer.bindings(&root).split_off(1);
        for expected in ["p=tls-exporter,,", "p=tls-server-end-point,,"] {
            let line = peer.expect("AUTH SCRAM-SHA-256-PLUS ");
            let (_, said) = examined(peer, &line, &premise(&alice(), &end_point));
            assert!(said[0].starts_with(expected), "{said:?}");
        }
        take_message(peer);
    });
    let report = deliver(&submission(&["a@x.y"]), vec![trusting(&server, &identity, &[])]);
    assert_eq!(words(&report), ["a@x.y accepted 250 ok"]);
    server.finish();
}

/// What alice is told by a server of which these bindings are known and which
/// offers that, and how many times she was heard.
fn told(
    offer: &'static str,
    change: impl FnOnce(Vec<ChannelBinding>) -> Vec<ChannelBinding> + Send + 'static,
) -> (Report, Vec<String>) {
    let identity = Identity::of(&["127.0.0.1"]);
    let (config, root) = (identity.config.clone(), identity.root.clone());
    let (tell, heard) = std::sync::mpsc::channel();
    let server = Scripted::once(move |peer| {
        peer.secure(&config);
        peer.greet(&[offer]);
        let bindings = change(peer.bindings(&root));
        loop {
            let line = peer.line();
            if !line.starts_with("AUTH ") {
                return tell.send(line).unwrap();
            }
            let (name, _) = examined(peer, &line, &premise(&alice(), &bindings));
            tell.send(name).unwrap();
        }
    });
    let report = deliver(&submission(&["a@x.y"]), vec![trusting(&server, &identity, &[])]);
    server.finish();
    (report, heard.iter().collect())
}

#[test]
fn what_binds_is_never_given_up_for_what_does_not() {
    // CB-choice, SEC-8
    let (report, heard) =
        told(ALL, |_| vec![ChannelBinding { kind: "tls-unique", octets: vec![1] }]);
    assert_eq!(heard, ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256-PLUS", "QUIT"]);
    assert!(words(&report)[0].contains("unsupported-channel-binding-type"), "{report:#?}");
}

#[test]
fn somebody_between_two_channels_is_found_out() {
    // 5802-c, 9266: the server behind sees another channel than we do
    let (report, heard) = told(ALL, |mut bindings| {
        bindings[0].octets = vec![7; 32];
        bindings
    });
    assert_eq!(heard, ["SCRAM-SHA-256-PLUS", "QUIT"]);
    assert!(words(&report)[0].contains("channel-bindings-dont-match"), "{report:#?}");
}

#[test]
fn an_offer_that_somebody_has_cut_is_noticed() {
    // 5802-b, SEC-8: -PLUS is missing from the offer, but the server has it
    let (report, heard) = told("AUTH SCRAM-SHA-256 PLAIN", |bindings| bindings);
    assert_eq!(heard, ["SCRAM-SHA-256", "QUIT"]);
    assert!(words(&report)[0].contains("server-does-support-channel-binding"), "{report:#?}");
}

#[test]
fn a_server_that_does_not_prove_that_it_knows_the_password_gets_no_mail() {
    // 5802-c
    let identity = Identity::of(&["127.0.0.1"]);
    let config = identity.config.clone();
    let server = Scripted::once(move |peer| {
        peer.secure(&config);
        peer.greet(&["AUTH SCRAM-SHA-256"]);
        let line = peer.expect("AUTH SCRAM-SHA-256 ");
        let first = STANDARD.decode(line.rsplit(' ').next().unwrap()).unwrap();
        let first = String::from_utf8(first).unwrap();
        let nonce = first.rsplit("r=").next().unwrap();
        let answer = format!("r={nonce}x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
        peer.say(format!("334 {}\r\n", STANDARD.encode(answer)));
        peer.line();
        peer.say("235 2.7.0 come in\r\n");
        peer.expect("QUIT");
    });
    let report = deliver(&submission(&["a@x.y"]), vec![trusting(&server, &identity, &[])]);
    assert!(
        words(&report)[0].contains("could not prove that it knows the password"),
        "{report:#?}"
    );
    assert!(report.attempts[0].signed_in.is_none());
    server.finish();
}

/// A receiver under TLS that offers these mechanisms, takes mail of these users
/// only, and has these rules; and the way to it for alice.
fn receiver(offered: &[&str], users: Users, rules: Vec<Rule>) -> (Sink, Hop) {
    let others = MECHANISMS.iter().filter(|it| !offered.contains(&it.name));
    let offer = others.fold(Offer::default(), |offer, it| offer.without(it.name).unwrap());
    let policy = Policy { offer, users, rules, require_auth: true, ..Policy::default() };
    let listen = vec![Listen::loopback(0, Encryption::Implicit)];
    let sink = Sink::start(Settings { listen, policy, ..Settings::default() }).unwrap();
    let roots = Roots { given: vec![sink.ca().clone()], ..Roots::default() };
    let hop = Hop {
        tls: TlsSettings { roots, ..TlsSettings::default() },
        sign_in: Some(signing_in("alice", Vec::new(), false)),
        ..hop(endpoint(sink.address(), Security::Implicit))
    };
    (sink, hop)
}

fn named(mut hop: Hop, mechanisms: &[&str]) -> Hop {
    hop.sign_in.as_mut().unwrap().mechanisms = mechanisms.iter().map(|&it| it.into()).collect();
    hop
}

/// Refuses AUTH with this reply, once.
fn once(reply: &str) -> Rule {
    let (code, text) = reply.split_once(' ').unwrap();
    let reply = Reply::new(code.parse().unwrap(), text).unwrap().with_enhanced();
    Rule { reply: Some(reply), nth: Some(1), ..Rule::at(Stage::Auth) }
}

/// The commands that the receiver refused, and whose messages it took.
fn seen(sink: Sink) -> (Vec<String>, Vec<Option<String>>) {
    let (mut refused, mut taken) = (Vec::new(), Vec::new());
    for event in sink.finish(GENEROUS) {
        match event {
            Event::Refused { command, .. } => refused.push(command),
            Event::Stored(stored) => taken.push(stored.user),
            _ => {}
        }
    }
    (refused, taken)
}

#[test]
fn a_wrong_password_is_said_once_whatever_else_is_offered() {
    // 4954-6
    let offered = ["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN", "CRAM-MD5"];
    for mechanism in ["", "SCRAM-SHA-1", "PLAIN", "LOGIN", "CRAM-MD5"] {
        let other = Credentials { user: "alice".into(), password: Secret::new("other") };
        let (sink, hop) = receiver(&offered, Users::Only(vec![other]), Vec::new());
        let mechanisms: Vec<_> = [mechanism].into_iter().filter(|it| !it.is_empty()).collect();
        let report = deliver(&submission(&["a@x.y"]), vec![named(hop, &mechanisms)]);
        assert!(words(&report)[0].contains("535 5.7.8 "), "{mechanism}: {report:#?}");
        let (refused, taken) = seen(sink);
        assert_eq!(refused.len(), 1, "{mechanism}: {refused:?}");
        assert!(taken.is_empty());
    }
}

#[test]
fn a_refusal_means_what_its_code_says() {
    // 4954-6
    for (reply, next, expected) in [
        ("504 5.5.4 unknown", true, "accepted"),
        ("534 5.7.9 too weak", true, "accepted"),
        ("432 4.7.12 password transition", true, "accepted"),
        ("422 4.7.12 password transition", true, "accepted"),
        ("454 4.7.0 not now", false, "deferred Auth: the server answered 454"),
        ("535 5.7.8 no", false, "rejected Auth: the server answered 535"),
        ("525 5.7.13 disabled", false, "rejected Auth: the server answered 525"),
        ("501 5.5.2 what", false, "rejected Auth: the server answered 501"),
    ] {
        let (sink, hop) = receiver(&["SCRAM-SHA-256", "PLAIN"], alice(), vec![once(reply)]);
        let report = deliver(&submission(&["a@x.y"]), vec![hop]);
        assert!(words(&report)[0].contains(expected), "{reply}: {:?}", words(&report));
        let by = report.attempts[0].signed_in.as_ref().map(|it| it.mechanism);
        assert_eq!(by, next.then_some("PLAIN"), "{reply}");
        let (refused, taken) = seen(sink);
        assert_eq!(refused, ["AUTH SCRAM-SHA-256 ***"], "{reply}");
        assert_eq!(taken.len(), usize::from(next), "{reply}");
    }
}

#[test]
fn a_password_does_not_go_out_in_plain_where_what_binds_is_refused() {
    // CB-choice
    let offered = [
        "SCRAM-SHA-256-PLUS",
        "SCRAM-SHA-1-PLUS",
        "SCRAM-SHA-256",
        "SCRAM-SHA-1",
        "PLAIN",
        "LOGIN",
    ];
    let bound = ["AUTH SCRAM-SHA-256-PLUS ***", "AUTH SCRAM-SHA-1-PLUS ***"];
    for (mechanisms, next) in [
        (&[][..], None),
        (&["scram-sha-256-plus", "scram-sha-1-plus", "plain"], Some("AUTH PLAIN ***")),
    ] {
        let unknown = once("504 5.5.4 unknown");
        let rules = vec![unknown.clone(), unknown, once("535 5.7.8 no")];
        let (sink, hop) = receiver(&offered, alice(), rules);
        let report = deliver(&submission(&["a@x.y"]), vec![named(hop, mechanisms)]);
        assert!(words(&report)[0].starts_with("a@x.y rejected Auth: "), "{:?}", words(&report));
        let expected: Vec<_> = bound.into_iter().chain(next).collect();
        assert_eq!(seen(sink).0, expected);
    }
}

/// Tokens, one after the other.
struct Tokens<'t> {
    given: &'t [&'static str],
    asked: AtomicUsize,
}

impl Tokens<'_> {
    fn next(&self) -> Secret {
        let at = self.asked.fetch_add(1, Ordering::Relaxed);
        Secret::new(self.given[at.min(self.given.len() - 1)])
    }
}

impl Secrets for Tokens<'_> {
    fn secret(&self, _: &Endpoint, _: Option<&str>, proof: Proof) -> Result<Secret, Unavailable> {
        assert_eq!(proof, Proof::Token);
        Ok(self.next())
    }

    fn renewed(
        &self,
        _: &Endpoint,
        _: Option<&str>,
        _: &Secret,
    ) -> Option<Result<Secret, Unavailable>> {
        Some(Ok(self.next()))
    }
}

/// What comes of these tokens where only [`PASSWORD`] is good, and how many
/// the server saw.
fn with_tokens(mechanism: &'static str, given: &[&'static str]) -> (Report, usize) {
    let (sink, mut hop) = receiver(&["PLAIN", mechanism], alice(), Vec::new());
    hop.sign_in.as_mut().unwrap().proof = Proof::Token;
    let tokens = Tokens { given, asked: AtomicUsize::new(0) };
    let interrupt = Interrupt::default();
    let world = World {
        secrets: &tokens,
        interrupt: &interrupt,
        host_name: None,
        wait_for_farewell: false,
    };
    let route = Route { hops: vec![hop] };
    let report = submit(&submission(&["a@x.y"]), &route, &world, &mut Unobserved);
    let (refused, taken) = seen(sink);
    // What is refused is the line behind the reason, which only a token gets.
    assert!(refused.iter().all(|line| line == "***"), "{refused:?}");
    (report, refused.len() + taken.len())
}

#[test]
fn a_refused_token_is_fetched_anew_once_and_only_another_is_tried() {
    // OAUTH-token, 7628
    for mechanism in ["OAUTHBEARER", "XOAUTH2"] {
        let (report, heard) = with_tokens(mechanism, &["expired", PASSWORD]);
        assert_eq!(heard, 2, "{mechanism}");
        let signed_in = report.attempts[0].signed_in.as_ref();
        assert_eq!(signed_in.map(|it| it.mechanism), Some(mechanism));
        for (tokens, expected) in [(&["expired"][..], 1), (&["expired", "other", PASSWORD], 2)] {
            let (report, heard) = with_tokens(mechanism, tokens);
            assert_eq!(heard, expected, "{mechanism} {tokens:?}");
            assert!(words(&report)[0].contains("535 5.7.8 "), "{report:#?}");
            let fault = report.attempts[0].token_fault.as_ref().unwrap();
            assert_eq!((&*fault.status, fault.scope.as_deref()), ("invalid_token", Some("mail")));
        }
    }
}

#[test]
fn a_token_that_is_too_long_for_a_command_follows_a_challenge() {
    // 4954-4b, 4954-4d
    let token: &'static str = "t".repeat(12_000).leak();
    let identity = Identity::of(&["127.0.0.1"]);
    let config = identity.config.clone();
    let server = Scripted::once(move |peer| {
        peer.secure(&config);
        peer.greet(&["AUTH XOAUTH2"]);
        assert_eq!(peer.line(), "AUTH XOAUTH2");
        peer.say("334 \r\n");
        let message = STANDARD.decode(peer.line()).unwrap();
        assert_eq!(message, format!("user=alice\x01auth=Bearer {token}\x01\x01").into_bytes());
        peer.say("235 2.7.0 welcome\r\n");
        take_message(peer);
    });
    let mut hop = trusting(&server, &identity, &[]);
    hop.sign_in.as_mut().unwrap().proof = Proof::Token;
    let tokens = Tokens { given: &[token], asked: AtomicUsize::new(0) };
    let interrupt = Interrupt::default();
    let world = World {
        secrets: &tokens,
        interrupt: &interrupt,
        host_name: None,
        wait_for_farewell: false,
    };
    let route = Route { hops: vec![hop] };
    let report = submit(&submission(&["a@x.y"]), &route, &world, &mut Unobserved);
    assert_eq!(words(&report), ["a@x.y accepted 250 ok"]);
    server.finish();
}

#[test]
fn a_challenge_of_twelve_thousand_octets_is_read() {
    // 4954-4d
    let identity = Identity::of(&["127.0.0.1"]);
    let config = identity.config.clone();
    let server = Scripted::once(move |peer| {
        peer.secure(&config);
        peer.greet(&["AUTH LOGIN"]);
        peer.expect("AUTH LOGIN");
        for _ in 0..2 {
            peer.say(format!("334 {}\r\n", STANDARD.encode("q".repeat(9_000))));
            peer.line();
        }
        peer.say("235 2.7.0 welcome\r\n");
        take_message(peer);
    });
    let report = deliver(&submission(&["a@x.y"]), vec![trusting(&server, &identity, &[])]);
    assert_eq!(words(&report), ["a@x.y accepted 250 ok"]);
    server.finish();
}
