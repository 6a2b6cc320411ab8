use super::super::tests::identity;
use super::*;

/// What was published: the RFC's own names, nonces and answers.
struct Example {
    entry: &'static str,
    hash: Hash,
    nonce: &'static str,
    server_first: &'static str,
    client_final: &'static str,
    server_final: &'static str,
}

/// RFC 5802 §5.
const SHA_1_EXAMPLE: Example = Example {
    entry: "SCRAM-SHA-1",
    hash: Hash::Sha1,
    nonce: "fyko+d2lbbFgONRv9qkxdawL",
    server_first: "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
    client_final: "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,\
                   p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
    server_final: "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
};

/// RFC 7677 §3.
const SHA_256_EXAMPLE: Example = Example {
    entry: "SCRAM-SHA-256",
    hash: Hash::Sha256,
    nonce: "rOprNGfwEbeRWgbNEkqO",
    server_first: "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                   s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
    client_final: "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                   p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    server_final: "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
};

const EXAMPLES: [Example; 2] = [SHA_1_EXAMPLE, SHA_256_EXAMPLE];

impl Example {
    /// The client of the example, who cannot bind.
    fn client(&self) -> Scram {
        let gs2 = Gs2::unbound(&Channel::default());
        Scram::new(self.entry, self.hash, &identity("user", "pencil"), gs2, self.nonce).unwrap()
    }

    /// The same after its first message.
    fn introduced(&self) -> Scram {
        let mut client = self.client();
        client.initial_response();
        client
    }
}

fn text(secret: &Secret) -> String {
    String::from_utf8(secret.expose().to_vec()).unwrap()
}

fn fault(said: Result<Secret, MechanismError>) -> ScramFault {
    match said {
        Err(MechanismError::Scram { fault, .. }) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_published_exchanges_come_out() {
    // 5802-v
    for example in EXAMPLES {
        let mut client = example.client();
        let first = client.initial_response().unwrap();
        assert_eq!(text(&first), format!("n,,n=user,r={}", example.nonce));
        let proof = client.respond(example.server_first.as_bytes()).unwrap();
        assert_eq!(text(&proof), example.client_final);
        assert!(client.respond(example.server_final.as_bytes()).unwrap().is_empty());
        assert_eq!(client.verify(), Ok(()));
    }
}

#[test]
fn all_may_be_seen_but_what_proves_that_somebody_knows_the_password() {
    let text = |text: &str| Some(text.to_owned());
    for example in EXAMPLES {
        let mut client = example.introduced();
        assert_eq!(client.said_openly(), Some(format!("n,,n=user,r={}", example.nonce)));
        let first = example.server_first;
        assert_eq!(client.heard_openly(first.as_bytes()), text(first));
        client.respond(first.as_bytes()).unwrap();
        let (without, _) = example.client_final.split_once(",p=").unwrap();
        assert_eq!(client.said_openly(), Some(format!("{without},p=***")));
        assert_eq!(client.heard_openly(example.server_final.as_bytes()), text("v=***"));
        assert_eq!(client.heard_openly(b"e=unknown-user"), text("e=unknown-user"));
        client.respond(example.server_final.as_bytes()).unwrap();
        assert_eq!(client.said_openly(), text(""));
    }
    let bound = Gs2::bound(&ChannelBinding { kind: "tls-exporter", octets: vec![7; 32] });
    let who = identity("user", "pencil");
    let mut bound = Scram::new("SCRAM-SHA-1-PLUS", Hash::Sha1, &who, bound, "abc").unwrap();
    bound.initial_response();
    assert_eq!(bound.said_openly(), text("p=tls-exporter,,n=user,r=abc"));
}

#[test]
fn without_the_server_s_signature_nobody_is_signed_in() {
    // 5802-c
    let proved = || {
        let mut client = SHA_256_EXAMPLE.introduced();
        client.respond(SHA_256_EXAMPLE.server_first.as_bytes()).unwrap();
        client
    };
    let mut missing = proved();
    assert_eq!(
        missing.verify().map_err(Err::<Secret, _>).map_err(fault),
        Err(ScramFault::Signature)
    );
    for (server_final, expected) in [
        (SHA_1_EXAMPLE.server_final, ScramFault::Signature),
        ("v=", ScramFault::Signature),
        ("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G8=", ScramFault::Signature),
        ("v=!!", ScramFault::Malformed),
        ("", ScramFault::Malformed),
        ("x=1", ScramFault::Malformed),
        ("m=x,v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", ScramFault::MandatoryExtension),
        ("e=invalid-proof", ScramFault::Refused("invalid-proof")),
        ("e=\u{1b}[2J", ScramFault::Refused("other-error")),
    ] {
        let mut client = proved();
        assert_eq!(fault(client.respond(server_final.as_bytes())), expected, "{server_final}");
        assert_eq!(client.verify(), Err(MechanismError::TooShort("SCRAM-SHA-256")));
    }
    let mut early = SHA_256_EXAMPLE.introduced();
    assert_eq!(early.verify(), Err(MechanismError::TooShort("SCRAM-SHA-256")));
}

#[test]
fn extensions_that_may_be_ignored_are_part_of_what_is_signed() {
    // 5802-a, 5802-3: another server's exchange, computed for this client.
    let mut client = SHA_256_EXAMPLE.introduced();
    let server_first = format!("{},x=y", SHA_256_EXAMPLE.server_first);
    let proof = text(&client.respond(server_first.as_bytes()).unwrap());
    assert_ne!(proof, SHA_256_EXAMPLE.client_final, "the extension is in AuthMessage");
    let State::Proved { keys, auth_message } = &client.state else { panic!("not proved") };
    let signature = STANDARD.encode(keys.signature(auth_message).as_ref());
    assert!(client.respond(format!("v={signature},z=1").as_bytes()).is_ok());
    assert_eq!(client.verify(), Ok(()));
}

#[test]
fn a_first_message_that_is_no_good_ends_the_exchange_before_the_proof() {
    // 5802-a, 5802-c, 5802-d
    let nonce = SHA_256_EXAMPLE.nonce;
    let with = |rest: &str| format!("r={nonce}more,{rest}");
    for (server_first, expected) in [
        (format!("r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"), ScramFault::Nonce),
        ("r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096".to_owned(), ScramFault::Nonce),
        (format!("r=x{nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"), ScramFault::Nonce),
        (format!("r={nonce}\u{7f},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"), ScramFault::Malformed),
        (with("s=,i=4096"), ScramFault::Salt),
        (with("s=QSXCR+Q6sQ==,i=4096"), ScramFault::Salt),
        (with("s=%%%,i=4096"), ScramFault::Malformed),
        (with("i=4096,s=W22ZaJ0SNY7soEsUEjb6gQ=="), ScramFault::Malformed),
        (with("s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1"), ScramFault::TooFewIterations(1)),
        (with("s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4095"), ScramFault::TooFewIterations(4095)),
        (with("s=W22ZaJ0SNY7soEsUEjb6gQ==,i=04096"), ScramFault::Malformed),
        (with("s=W22ZaJ0SNY7soEsUEjb6gQ==,i=+4096"), ScramFault::Malformed),
        (with("s=W22ZaJ0SNY7soEsUEjb6gQ==,i="), ScramFault::Malformed),
        (with("s=W22ZaJ0SNY7soEsUEjb6gQ==,i=10000001"), ScramFault::TooManyIterations(10_000_001)),
        (with("s=W22ZaJ0SNY7soEsUEjb6gQ==,i=2147483648"), ScramFault::TooManyIterations(1 << 31)),
        (
            with("s=W22ZaJ0SNY7soEsUEjb6gQ==,i=99999999999999999999999"),
            ScramFault::TooManyIterations(u64::MAX),
        ),
        (format!("m=x,{}", SHA_256_EXAMPLE.server_first), ScramFault::MandatoryExtension),
        ("e=unknown-user".to_owned(), ScramFault::Refused("unknown-user")),
        ("\u{0}".to_owned(), ScramFault::Malformed),
        (String::new(), ScramFault::Malformed),
    ] {
        let mut client = SHA_256_EXAMPLE.introduced();
        assert_eq!(fault(client.respond(server_first.as_bytes())), expected, "{server_first}");
        assert!(client.respond(b"r=x").is_err(), "nothing goes on after a failure");
    }
    let mut client = SHA_256_EXAMPLE.introduced();
    assert_eq!(fault(client.respond(b"\xff")), ScramFault::Malformed);
}

#[test]
fn the_channel_is_told_of_in_the_first_message_and_bound_in_the_last() {
    // 5802-b
    let exporter = ChannelBinding { kind: "tls-exporter", octets: b"octets".to_vec() };
    let first = |name: &str, channel: &Channel| {
        let who = Identity { channel: channel.clone(), ..identity("user", "pencil") };
        let mut mechanism = (Entry::named(name).unwrap().begin)(&who)?;
        let first = text(&mechanism.initial_response().unwrap());
        let nonce = first.rsplit("r=").next().unwrap().to_owned();
        let answer = format!("r={nonce}x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
        let last = text(&mechanism.respond(answer.as_bytes()).unwrap());
        let bound = last[2..].split(',').next().unwrap().to_owned();
        let bound = String::from_utf8(STANDARD.decode(bound).unwrap()).unwrap();
        Ok::<_, MechanismError>((first.split("n=").next().unwrap().to_owned(), bound))
    };
    let pair = |one: &str, other: &str| Ok((one.to_owned(), other.to_owned()));
    let cannot = Channel::default();
    let only_we = Channel { binding: Some(exporter), ..Channel::default() };
    let both = Channel { server_binds: true, ..only_we.clone() };
    assert_eq!(first("SCRAM-SHA-256", &cannot), pair("n,,", "n,,"));
    assert_eq!(first("SCRAM-SHA-1", &only_we), pair("y,,", "y,,"));
    assert_eq!(
        first("SCRAM-SHA-256-PLUS", &both),
        pair("p=tls-exporter,,", "p=tls-exporter,,octets")
    );
    // Named although the server binds: as somebody who cannot.
    assert_eq!(first("SCRAM-SHA-256", &both), pair("n,,", "n,,"));
    assert_eq!(
        first("SCRAM-SHA-1-PLUS", &cannot),
        Err(MechanismError::NoChannelBinding("SCRAM-SHA-1-PLUS"))
    );
}

#[test]
fn names_are_escaped_and_nonces_never_repeat() {
    // 5802-a
    let begin = || {
        let mechanism = (SHA_256.begin)(&identity("a=b,c", "pencil"));
        text(&mechanism.unwrap().initial_response().unwrap())
    };
    let (one, other) = (begin(), begin());
    assert!(one.starts_with("n,,n=a=3Db=2Cc,r="), "{one}");
    assert_ne!(one, other);
}
