use super::super::tests::identity;
use super::super::{Channel, Entry, Identity, Proof};
use super::*;

fn who(user: &str, password: &str) -> Credentials {
    Credentials { user: user.to_owned(), password: Secret::new(password) }
}

fn tim() -> Users {
    Users::Only(vec![who("ann", "other"), who("tim", "tanstaaftanstaaf")])
}

fn exporter() -> ChannelBinding {
    ChannelBinding { kind: "tls-exporter", octets: vec![7; 32] }
}

fn premise<'p>(users: &'p Users, bindings: &'p [ChannelBinding]) -> Premise<'p> {
    let binds = !bindings.is_empty();
    Premise { users, nonce: "1896.697170952", bindings, certified: None, binds }
}

fn offered(name: &str) -> &'static Offered {
    MECHANISMS.iter().find(|it| it.name == name).unwrap()
}

/// What becomes of one message.
fn judged(name: &str, users: &Users, message: &str) -> Judgement {
    (offered(name).begin)(&premise(users, &[])).examine(&Secret::new(message))
}

/// Plays a client of ours against the receiver to the end.
fn played(name: &str, client: &Identity, premise: &Premise<'_>) -> Judgement {
    let mut client = (Entry::named(name).unwrap().begin)(client).unwrap();
    let mut examiner = (offered(name).begin)(premise);
    let mut message = match (client.initial_response(), examiner.opening()) {
        (Some(message), None) => message,
        (None, Some(challenge)) => client.respond(&challenge).unwrap(),
        other => panic!("{other:?}"),
    };
    loop {
        match examiner.examine(&message) {
            Judgement::Ask(challenge) => match client.respond(&challenge) {
                Ok(answer) => message = answer,
                Err(_) => return Judgement::Denied(Denied::Wrong),
            },
            Judgement::Granted(user) => {
                assert_eq!(client.verify(), Ok(()));
                return Judgement::Granted(user);
            }
            denied @ Judgement::Denied(_) => return denied,
        }
    }
}

#[test]
fn plain_takes_the_right_password_and_nothing_else() {
    // 4616
    let granted = |name: &str| Judgement::Granted(name.to_owned());
    let wrong = || Judgement::Denied(Denied::Wrong);
    let malformed = || Judgement::Denied(Denied::Malformed);
    for (message, verdict) in [
        ("\0tim\0tanstaaftanstaaf", granted("tim")),
        ("tim\0tim\0tanstaaftanstaaf", granted("tim")),
        ("ann\0tim\0tanstaaftanstaaf", wrong()),
        ("\0tim\0tanstaaftanstaa", wrong()),
        ("\0tim\0other", wrong()),
        ("\0bob\0tanstaaftanstaaf", wrong()),
        ("\0tim\0", malformed()),
        ("\0\0tanstaaftanstaaf", malformed()),
        ("tim\0tanstaaftanstaaf", malformed()),
        ("\0tim\0tanstaaf\0tanstaaf", malformed()),
        ("", malformed()),
    ] {
        assert_eq!(judged("PLAIN", &tim(), message), verdict, "{message:?}");
    }
}

#[test]
fn cram_md5_takes_the_published_answer() {
    // 2195 §2
    let challenge = "1896.697170952@postoffice.reston.mci.net";
    let check = |users: &Users, answer: &str| {
        let premise = Premise { nonce: challenge, ..premise(users, &[]) };
        let mut examiner = (offered("CRAM-MD5").begin)(&premise);
        assert_eq!(examiner.opening().unwrap(), format!("<{challenge}>").into_bytes());
        examiner.examine(&Secret::new(answer))
    };
    let right = "tim b913a602c7eda7a495b4e6e7334d3890";
    let wrong = "tim c913a602c7eda7a495b4e6e7334d3890";
    assert_eq!(check(&tim(), right), Judgement::Granted("tim".to_owned()));
    assert_eq!(check(&tim(), wrong), Judgement::Denied(Denied::Wrong));
    assert_eq!(check(&Users::Anyone, wrong), Judgement::Granted("tim".to_owned()));
    assert_eq!(check(&Users::Anyone, "tim b913"), Judgement::Denied(Denied::Malformed));
}

#[test]
fn anyone_may_sign_in_with_anything_but_nothing() {
    assert_eq!(judged("PLAIN", &Users::Anyone, "\0x\0y"), Judgement::Granted("x".to_owned()));
    assert_eq!(judged("PLAIN", &Users::Anyone, "\0x\0"), Judgement::Denied(Denied::Malformed));
}

#[test]
fn every_mechanism_of_the_client_signs_in_with_the_right_secret_only() {
    let channel =
        Channel { binding: Some(exporter()), server_binds: true, shows_certificate: true };
    let (known, bindings) = (tim(), [exporter()]);
    for entry in MECHANISMS {
        let users = if entry.name == "ANONYMOUS" { &Users::Anyone } else { &known };
        let premise = Premise { certified: Some("tim"), ..premise(users, &bindings) };
        assert!((entry.fits)(&premise), "{}", entry.name);
        let client =
            |secret: &str| Identity { channel: channel.clone(), ..identity("tim", secret) };
        let granted = played(entry.name, &client("tanstaaftanstaaf"), &premise);
        let name = if entry.name == "ANONYMOUS" { "anonymous" } else { "tim" };
        assert_eq!(granted, Judgement::Granted(name.to_owned()), "{}", entry.name);
        if !matches!(entry.name, "EXTERNAL" | "ANONYMOUS") {
            let denied = played(entry.name, &client("other"), &premise);
            assert_eq!(denied, Judgement::Denied(Denied::Wrong), "{}", entry.name);
        }
    }
}

#[test]
fn a_certificate_speaks_for_a_known_user_and_for_nobody_else() {
    // EXTERNAL
    let certified = |users: &Users, name: &'static str| {
        let premise = Premise { certified: Some(name), ..premise(users, &[]) };
        let client = Channel { binding: None, server_binds: false, shows_certificate: true };
        let nobody = Identity { user: None, channel: client, ..identity("", "") };
        played("EXTERNAL", &nobody, &premise)
    };
    assert_eq!(certified(&tim(), "tim"), Judgement::Granted("tim".to_owned()));
    assert_eq!(certified(&tim(), "mallory"), Judgement::Denied(Denied::Wrong));
    assert_eq!(certified(&Users::Anyone, "mallory"), Judgement::Granted("mallory".to_owned()));
}

#[test]
fn a_name_outside_ascii_signs_in_by_every_mechanism_however_it_is_composed() {
    // 4954-4e
    let users = Users::Only(vec![who("re\u{301}mi", "mot de passe é")]);
    for entry in MECHANISMS.iter().filter(|it| (it.fits)(&premise(&users, &[]))) {
        // A token is of US-ASCII.
        if Entry::named(entry.name).unwrap().proof == Proof::Token {
            continue;
        }
        let client = identity("re\u{301}mi", "mot de passe é");
        let verdict = played(entry.name, &client, &premise(&users, &[]));
        assert!(matches!(verdict, Judgement::Granted(_)), "{}: {verdict:?}", entry.name);
    }
}

#[test]
fn a_client_that_was_made_to_believe_that_the_server_does_not_bind_is_stopped() {
    // 5802-b, SEC-8
    let (users, bindings) = (tim(), [exporter()]);
    let deceived = Channel { binding: Some(exporter()), ..Channel::default() };
    let client = Identity { channel: deceived, ..identity("tim", "tanstaaftanstaaf") };
    let verdict = played("SCRAM-SHA-256", &client, &premise(&users, &bindings));
    assert_eq!(verdict, Judgement::Denied(Denied::Wrong));
    let verdict = played("SCRAM-SHA-256", &client, &premise(&users, &[]));
    assert_eq!(verdict, Judgement::Granted("tim".to_owned()));
}

#[test]
fn another_channel_s_octets_bind_nothing() {
    // 5802-c, 9266
    let (users, bindings) = (tim(), [exporter()]);
    let other = ChannelBinding { octets: vec![8; 32], ..exporter() };
    let channel = Channel { binding: Some(other), server_binds: true, ..Channel::default() };
    let client = Identity { channel, ..identity("tim", "tanstaaftanstaaf") };
    let verdict = played("SCRAM-SHA-1-PLUS", &client, &premise(&users, &bindings));
    assert_eq!(verdict, Judgement::Denied(Denied::Wrong));
}

#[test]
fn what_does_not_fit_the_channel_or_the_users_is_not_offered() {
    let fitting = |users: &Users, bindings: &[ChannelBinding]| -> Vec<&str> {
        let premise = premise(users, bindings);
        MECHANISMS.iter().filter(|it| (it.fits)(&premise)).map(|it| it.name).collect()
    };
    assert_eq!(
        fitting(&Users::Anyone, &[exporter()]),
        ["PLAIN", "LOGIN", "CRAM-MD5", "OAUTHBEARER", "XOAUTH2", "ANONYMOUS"]
    );
    assert_eq!(
        fitting(&tim(), &[]),
        ["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN", "CRAM-MD5", "OAUTHBEARER", "XOAUTH2"]
    );
}
