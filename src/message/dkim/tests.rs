//! The vectors of the RFCs, and a verifier by the letter.

use super::*;
use crate::message::{Additions, Draft, Repairs, Source, Unfit, Width, addresses, complete};
use encodify::base64::STANDARD;
use proptest::prelude::*;
use ring::digest::{SHA256, digest};
use ring::signature::{
    ED25519, KeyPair, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256,
    RsaKeyPair, UnparsedPublicKey,
};
use std::io::Read;

pub(super) const RSA_PEM: &str = include_str!("../../../tests/keys/rsa.pem");

/// RFC 8463 §A.1.
pub(super) const SEED: &str = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
/// RFC 8463 §A.2.
pub(super) const ED25519_PUBLIC: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
const RSA_1024_PUBLIC: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWR\
    iGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutAC\
    DfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3\
    Ip3G+2kryOTIKT+l/K4w3QIDAQAB";

pub(super) fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

pub(super) fn der(pem: &str) -> Vec<u8> {
    STANDARD.decode(pem.lines().filter(|line| !line.starts_with('-')).collect::<String>()).unwrap()
}

/// The key of RFC 8463 in version 1 of PKCS#8, as openssl writes it.
pub(super) fn ed25519_pem() -> String {
    let head = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
    pem("PRIVATE KEY", &[head, STANDARD.decode(SEED).unwrap().as_slice()].concat())
}

fn signer(pem: &str, selector: &str, canonicalization: &str) -> Signer {
    Signer {
        domain: "example.org".parse().unwrap(),
        selector: selector.parse().unwrap(),
        canonicalization: canonicalization.parse().unwrap(),
        key: Key::from_pem(pem.as_bytes()).unwrap(),
    }
}

pub(super) fn both(canonicalization: &str) -> [Signer; 2] {
    [signer(RSA_PEM, "mail", canonicalization), signer(&ed25519_pem(), "small", canonicalization)]
}

fn at() -> Timestamp {
    Timestamp::from_second(1_528_637_909).unwrap()
}

fn written(message: &Message) -> String {
    let mut text = String::new();
    message.open().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(message.facts().size, text.len() as u64);
    text
}

/// A ready message, signed.
fn signed(text: &str, signers: &[Signer]) -> String {
    let additions = Additions {
        date: "2026-11-23T04:03:37+01:00[+01:00]".parse().unwrap(),
        message_id: Some("<1@example.org>".into()),
        from: addresses("Me <me@example.org>").unwrap(),
    };
    let message =
        complete(Source::held(text, "test"), &additions, Repairs::default()).unwrap().message;
    let message = message.signed(signers, at()).unwrap();
    written(&message)
}

/// The value of a tag, without white space.
fn tag(field: &str, name: &str) -> Option<String> {
    let (_, value) = field.split_once(':')?;
    value.split(';').find_map(|tag| {
        let (found, value) = tag.split_once('=')?;
        (found.trim() == name).then(|| value.split_whitespace().collect())
    })
}

/// What came of each signature, from the top.
fn verify(message: &str) -> Vec<Result<(), &'static str>> {
    let (header, body) = message.split_once("\r\n\r\n").unwrap();
    let header = format!("{header}\r\n");
    let unfolded = header.replace("\r\n ", "\u{1} ").replace("\r\n\t", "\u{1}\t");
    let fields: Vec<String> =
        unfolded.lines().map(|line| line.replace('\u{1}', "\r\n") + "\r\n").collect();
    let signatures = fields.iter().filter(|field| field.starts_with("DKIM-Signature:"));
    signatures.map(|signature| verify_one(signature, &fields, body)).collect()
}

fn verify_one(signature: &str, fields: &[String], body: &str) -> Result<(), &'static str> {
    let value = |name| tag(signature, name).unwrap();
    let form: Canonicalization = value("c").parse().unwrap();
    let mut hash = BodyHash::new(form.body);
    hash.update(body.as_bytes());
    if STANDARD.encode(hash.finish()) != value("bh") {
        return Err("body");
    }
    let mut left: Vec<&String> = fields.iter().collect();
    let mut input = Vec::new();
    for name in value("h").split(':') {
        let is_it = |field: &&String| {
            let (found, _) = field.split_once(':').unwrap();
            found.trim_end().eq_ignore_ascii_case(name)
        };
        if let Some(at) = left.iter().rposition(is_it) {
            form.header.write_field(left.remove(at).as_bytes(), &mut input);
        }
    }
    // Ours ends in it; the b= of bh= has an h before it.
    let (unsigned, _) = signature.rsplit_once(" b=").expect("b= begins a word");
    let unsigned = format!("{unsigned} b=\r\n");
    form.header.write_field(unsigned.as_bytes(), &mut input);
    input.truncate(input.len() - 2);
    let given = STANDARD.decode(value("b")).unwrap();
    let genuine = match value("a").as_str() {
        "rsa-sha256" => {
            let pair = RsaKeyPair::from_pkcs8(&der(RSA_PEM)).unwrap();
            UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref())
                .verify(&input, &given)
        }
        "ed25519-sha256" => {
            UnparsedPublicKey::new(&ED25519, STANDARD.decode(ED25519_PUBLIC).unwrap())
                .verify(digest(&SHA256, &input).as_ref(), &given)
        }
        other => panic!("{other}"),
    };
    genuine.map_err(|_| "header")
}

const LETTER: &str = "\
Received: from a by b;\n\tMon, 23 Nov 2026 04:03:37 +0100\n\
From: Me  <me@example.org>\n\
To: you@example.net,\n  them@example.net\n\
Subject: Grüße\n\
Date: Mon, 23 Nov 2026 04:03:37 +0100\n\
Message-ID: <1@example.org>\n\
List-Unsubscribe: <https://example.org/u>\n\
List-Unsubscribe-Post: List-Unsubscribe=One-Click\n\
\n\
Two  blanks,\ta tab and one at the end \n\n  \n.\nend\n\n\n";

#[test]
fn the_signatures_of_rfc_8463_come_out() {
    // 8463-A, 8463-A1, 8463-A2, 6376-3.7
    let header = "From: Joe SixPack <joe@football.example.com>\r\n\
        To: Suzie Q <suzie@shopping.example.net>\r\n\
        Subject: Is dinner ready?\r\n\
        Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n\
        Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n";
    let mut body = BodyHash::new(Form::Relaxed);
    body.update(b"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n");
    assert_eq!(STANDARD.encode(body.finish()), "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=");

    let names = "from to subject date message-id from subject date";
    let names: Vec<&str> = names.split(' ').collect();
    let fields = Fields::of(header.as_bytes()).unwrap();
    let input = |head: &str| {
        let own = format!(
            "DKIM-Signature: v=1; {head} bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b="
        );
        fields.input(&names, Form::Relaxed, &own)
    };
    let hash = |input: &[u8]| STANDARD.encode(digest(&SHA256, input));

    let of_ed25519 = input(
        "a=ed25519-sha256; c=relaxed/relaxed;\r\n d=football.example.com; \
         i=@football.example.com;\r\n q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n \
         subject : date : message-id : from : subject : date;\r\n",
    );
    assert_eq!(hash(&of_ed25519), "SM6aLHEOzhcQ/xVplrg2p/RUcOQ+/lZDB01uFpDtYuc=");
    let key = Key::from_pem(ed25519_pem().as_bytes()).unwrap();
    assert_eq!(
        STANDARD.encode(key.sign(&of_ed25519).unwrap()),
        "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="
    );

    // ring does not sign with 1024 bits; what is signed is shown to be the same.
    let of_rsa = input(
        "a=rsa-sha256; c=relaxed/relaxed;\r\n d=football.example.com; \
         i=@football.example.com;\r\n q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n \
         date : message-id : from : subject : date;\r\n",
    );
    assert_eq!(hash(&of_rsa), "/tcebXD7Eju1w1OtxCghswS2udVPyGfzBPfGHaqqERE=");
    let public = STANDARD.decode(RSA_1024_PUBLIC).unwrap();
    let signature = "F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\
        DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\
        dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=";
    let (_, pkcs1) = public.split_at(22);
    UnparsedPublicKey::new(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, pkcs1)
        .verify(&of_rsa, &STANDARD.decode(signature).unwrap())
        .unwrap();
}

#[test]
fn both_signatures_verify_in_every_form() {
    // 6376-3.4, 8463
    for forms in ["relaxed/relaxed", "relaxed/simple", "simple/relaxed", "simple/simple"] {
        let text = signed(LETTER, &both(forms));
        assert_eq!(verify(&text), [Ok(()), Ok(())], "{forms}:\n{text}");
        let [rsa, ed25519] = [0, 1].map(|nth| {
            let starts = text.match_indices("DKIM-Signature:").map(|(at, _)| at);
            text[starts.collect::<Vec<_>>()[nth]..].to_owned()
        });
        assert!(rsa.starts_with(&format!(
            "DKIM-Signature: v=1; a=rsa-sha256; c={forms}; d=example.org; s=mail;\r\n \
             t=1528637909; h=from:from:"
        )));
        assert!(ed25519.contains(" s=small;"), "{ed25519}");
        // 6376-3.5: on top, and above what was there.
        assert!(text.starts_with("DKIM-Signature:"));
    }
}

#[test]
fn what_is_sent_is_the_message_behind_its_signatures() {
    // 6376-5.3, 6376-3.4.4
    let unsigned = signed(LETTER, &[signer(RSA_PEM, "mail", "simple/simple")]);
    let (_, rest) = unsigned.split_once("\r\nReceived:").unwrap();
    assert_eq!(format!("Received:{rest}"), LETTER.replace('\n', "\r\n"));
}

#[test]
fn what_was_signed_cannot_be_changed_or_added_to() {
    // 6376-5.4
    let text = signed(LETTER, &both("relaxed/relaxed"));
    let broken = [Err("header"), Err("header")];
    for (added, expected) in [
        ("Subject: another\r\n", broken),
        ("From: Other <o@example.net>\r\n", broken),
        ("Reply-To: o@example.net\r\n", broken),
        ("Sender: o@example.net\r\n", broken),
        ("Cc: o@example.net\r\n", broken),
        ("MIME-Version: 1.0\r\n", broken),
        ("Content-Type: text/html\r\n", broken),
        ("Received: from b by c; now\r\n", [Ok(()), Ok(())]),
        ("X-Spam: no\r\n", [Ok(()), Ok(())]),
    ] {
        assert_eq!(verify(&format!("{added}{text}")), expected, "{added}");
    }
    // 8058
    for name in ["List-Unsubscribe", "List-Unsubscribe-Post", "To", "Date", "Message-ID"] {
        let renamed = text.replace(&format!("\r\n{name}:"), "\r\nX-Was:");
        assert_eq!(verify(&renamed), broken, "{name}");
    }
    let body = text.replace("\r\nend\r\n", "\r\nend.\r\n");
    assert_eq!(verify(&body), [Err("body"), Err("body")]);
}

#[test]
fn what_changes_on_the_way_is_not_signed() {
    // 6376-5.4, 6376-3.5
    let text = signed(
        &format!("DKIM-Signature: v=1; b=\nComments: c\nKeywords: k\nX-Own: o\n{LETTER}"),
        &both("relaxed/relaxed"),
    );
    let names = tag(&text[..text.find("\r\nDKIM-Signature").unwrap()], "h").unwrap();
    let names: Vec<&str> = names.split(':').collect();
    let count = |name: &str| names.iter().filter(|&&it| it == name).count();
    for never in [
        "received",
        "return-path",
        "comments",
        "keywords",
        "bcc",
        "authentication-results",
        "dkim-signature",
        "x-own",
    ] {
        assert_eq!(count(never), 0, "{never}");
    }
    for (name, expected) in [
        ("from", 2),
        ("to", 2),
        ("cc", 1),
        ("subject", 2),
        ("date", 2),
        ("message-id", 2),
        ("reply-to", 1),
        ("sender", 1),
        ("mime-version", 1),
        ("content-type", 1),
        ("references", 0),
        ("list-unsubscribe", 1),
        ("list-unsubscribe-post", 1),
    ] {
        assert_eq!(count(name), expected, "{name}");
    }
    for tag in ["l", "x", "i", "q"] {
        assert_eq!(super::tests::tag(&text, tag), None, "{tag}");
    }
}

#[test]
fn repeated_fields_are_signed_from_the_last_one_up() {
    // 6376-3.4
    let header = b"From: a\r\nResent-To: 1\r\nResent-To: 2\r\nResent-To: 3\r\n";
    let fields = Fields::of(header).unwrap();
    let names = ["resent-to", "x-none", "resent-to", "from"];
    let input = fields.input(&names, Form::Simple, "D: b=");
    assert_eq!(input, b"Resent-To: 3\r\nResent-To: 2\r\nFrom: a\r\nD: b=");
}

#[test]
fn lines_of_a_signature_keep_to_78_octets() {
    // 6376-3.5
    let lists: String = (0..20).map(|nth| format!("List-X{nth}: value\n")).collect();
    let long = format!("{}.example.org", "a".repeat(40));
    let signer = Signer {
        domain: long.parse().unwrap(),
        ..signer(RSA_PEM, "a-selector-of-some-length.2026", "simple/simple")
    };
    let text = signed(&format!("{lists}{LETTER}"), &[signer]);
    let field = &text[..text.find("\r\nList-X0").unwrap()];
    assert!(field.lines().count() > 8, "{field}");
    for line in field.lines() {
        assert!(line.len() <= 78 && !line.ends_with(' '), "{line}");
    }
    assert_eq!(verify(&text), [Ok(())]);
}

#[test]
fn a_composed_message_verifies() {
    let date = "2026-11-23T04:03:37+01:00[+01:00]".parse().unwrap();
    let mut draft = Draft::new(date, "<1@example.org>".into());
    draft.from = addresses("Zoë <zoe@example.org>").unwrap();
    draft.to = addresses("you@example.net").unwrap();
    draft.subject = Some("Grüße ".repeat(30));
    draft.text = Some("Grüezi\n".into());
    draft.attachments = vec![crate::message::Attachment {
        source: Source::held(vec![0; 200_000], "zero"),
        name: Some("zero.bin".into()),
        media_type: None,
    }];
    let message = draft.into_message().unwrap().message.signed(&both("simple/simple"), at());
    assert_eq!(verify(&written(&message.unwrap())), [Ok(()), Ok(())]);
}

#[test]
fn a_message_without_from_is_not_signed() {
    for text in ["\r\nbody\r\n", "Subject: s\r\n\r\nbody\r\n", "", "no header"] {
        let message = Message::as_is(Source::held(text, "test")).unwrap();
        let error = message.signed(&both("relaxed/relaxed"), at()).unwrap_err();
        assert!(matches!(error, Error::NoFrom), "{text:?}: {error}");
    }
}

#[test]
fn without_signers_nothing_is_signed() {
    let message = Message::as_is(Source::held("a: b\r\n", "test")).unwrap();
    let message = message.signed(&[], at()).unwrap();
    assert_eq!(written(&message), "a: b\r\n");
}

#[test]
fn the_header_may_end_at_any_octet_of_a_block() {
    for padding in BLOCK - 80..BLOCK {
        let start = "From: a@example.org\r\nX: ";
        let fold = "y".repeat(70) + "\r\n ";
        let mut text = start.to_owned();
        while text.len() + fold.len() < padding {
            text.push_str(&fold);
        }
        text.push_str(&"z".repeat(padding - text.len()));
        text.push_str("\r\n\r\nbody\r\n");
        let message = Message::as_is(Source::held(text, "test")).unwrap();
        let signer = [signer(&ed25519_pem(), "small", "simple/simple")];
        let text = written(&message.signed(&signer, at()).unwrap());
        assert_eq!(verify(&text), [Ok(())], "{padding}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_is_signed_verifies(
        fields in proptest::collection::vec("(X-A|To|SUBJECT|list-id|Cc) ?:[ \ta-c:]{0,9}(\n[ \t][a-c]{1,3})?", 0..8),
        body in "([ \t]{0,2}[a-c]{0,3}\n){0,9}",
        forms in "(relaxed|simple)/(relaxed|simple)",
    ) {
        let text = format!("From: a@example.org\n{}\n{body}", fields.iter().map(|field| format!("{field}\n")).collect::<String>());
        let text = signed(&text, &both(&forms));
        prop_assert_eq!(verify(&text), [Ok(()), Ok(())]);
    }
}

#[test]
fn a_signed_message_has_no_other_form() {
    // 6376-5.3
    let message = Draft {
        from: addresses("a@football.example.com").unwrap(),
        attachments: vec![crate::message::Attachment {
            source: Source::held("Subject: in\r\n\r\n\u{e9}\r\n", "held"),
            name: Some("in.eml".into()),
            media_type: None,
        }],
        ..Draft::new("2026-11-23T04:03:37+01:00[+01:00]".parse().unwrap(), "<1@x.y>".into())
    };
    let message = message.into_message().unwrap().message;
    assert!(message.fitted(Width::SEVEN_BIT).is_ok());
    let message = message.signed(&both("relaxed/relaxed"), at()).unwrap();
    assert!(matches!(message.fitted(Width::SEVEN_BIT), Err(Unfit::Signed)));
}

#[test]
fn what_is_signed_is_of_seven_bits_whatever_the_configuration_says() {
    // 6376-5.3
    use crate::message::Repair;
    for eight_bit in [Repair::Reencode, Repair::Reject, Repair::Pass] {
        let additions = Additions {
            date: "2026-11-23T04:03:37+01:00[+01:00]".parse().unwrap(),
            message_id: None,
            from: addresses("me@example.org").unwrap(),
        };
        let source = Source::held("Subject: \u{fc}\r\n\r\nn\u{e9}\r\n", "test");
        let repairs = Repairs { eight_bit, ..Repairs::default() };
        let message = complete(source, &additions, repairs).unwrap().message;
        let (message, changes) = message.to_sign().unwrap();
        let message = message.signed(&both("relaxed/relaxed"), at()).unwrap();
        assert!(written(&message).is_ascii() && !message.facts().eight_bit, "{eight_bit:?}");
        assert_eq!(changes.len(), 2, "{changes:?}");
    }
}
