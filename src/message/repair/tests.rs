use super::*;
use crate::message::{Additions, Attachment, Draft, Message, Source, addresses, complete};
use mail_parser::MessageParser;
use std::io::Read;

const HEADER: &str = "From: b@y.example\r\nDate: x\r\nMessage-ID: <1@y.example>\r\n";

fn ready(octets: impl AsRef<[u8]>, repairs: Repairs) -> Message {
    let additions = Additions {
        date: "2026-11-23T04:03:37+01:00[+01:00]".parse().unwrap(),
        message_id: None,
        from: addresses("a@x.example").unwrap(),
    };
    complete(Source::held(octets.as_ref(), "m"), &additions, repairs).unwrap().message
}

fn written(message: &Message) -> Vec<u8> {
    let mut octets = Vec::new();
    message.open().unwrap().read_to_end(&mut octets).unwrap();
    assert_eq!(message.facts().size, octets.len() as u64);
    octets
}

/// The message as a server that offers nothing gets it.
fn narrow(octets: impl AsRef<[u8]>) -> Result<String, Unfit> {
    let message = ready(octets, Repairs::default());
    let narrow = message.fitted(Width::SEVEN_BIT)?;
    let octets = String::from_utf8(written(narrow)).unwrap();
    assert!(octets.is_ascii(), "{octets}");
    assert!(octets.lines().all(|line| line.len() <= 998));
    Ok(octets)
}

#[test]
fn a_message_that_fits_is_the_same_for_every_way() {
    let message = ready(format!("{HEADER}\r\nplain\r\n"), Repairs::default());
    assert!(std::ptr::eq(message.fitted(Width::SEVEN_BIT).unwrap(), &raw const message));
}

#[test]
fn a_text_of_eight_bits_is_encoded_by_the_shorter_encoding() {
    // 6152, 2045-4/6
    for (text, encoding) in [
        ("na\u{ef}ve text, mostly ascii", "quoted-printable"),
        ("\u{41f}\u{440}\u{438}\u{432}\u{435}\u{442}", "base64"),
    ] {
        let written = narrow(format!("{HEADER}\r\n{text}\r\n")).unwrap();
        assert!(
            written.contains(&format!("Content-Transfer-Encoding: {encoding}\r\n")),
            "{written}"
        );
        assert!(written.contains("charset=utf-8\r\n") && !written.contains("8bit"), "{written}");
        let parsed = MessageParser::new().parse(written.as_bytes()).unwrap();
        assert_eq!(parsed.body_text(0).unwrap().trim_end(), text);
    }
}

const MIXED: &str = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"x y\"\r\n\
    Content-Transfer-Encoding: 8bit\r\n\r\npreamble\r\n--x y\r\nContent-Type: text/plain;\r\n charset=utf-8\r\n\
    Content-Transfer-Encoding: 8bit\r\n\r\nn\u{e9} and more of it\r\n\r\n--x y\r\nContent-Type: image/png\r\n\
    Content-Transfer-Encoding: base64\r\n\r\niVBORw==\r\n--x y\r\nContent-Type: message/rfc822\r\n\
    Content-Transfer-Encoding: 8bit\r\n\r\nSubject: Gr\u{fc}\u{df}e\r\nContent-Type: text/html; charset=utf-8\r\n\r\n\
    <p>\u{e9}</p>\r\n--x y--\r\nepilogue\r\n";

#[test]
fn leaves_are_encoded_one_by_one_and_everything_else_stays() {
    // 6152, 2045-6.4
    let written = narrow(format!("{HEADER}{MIXED}")).unwrap();
    for kept in [
        "\r\npreamble\r\n--x y\r\nContent-Type: text/plain;\r\n charset=utf-8\r\n",
        "\r\n--x y\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw==\r\n--x y\r\n",
        "\r\n--x y--\r\nepilogue\r\n",
    ] {
        assert!(written.contains(kept), "{kept:?}: {written}");
    }
    assert!(!written.contains("8bit"), "{written}");
    let parsed = MessageParser::new().parse(written.as_bytes()).unwrap();
    assert_eq!(parsed.body_text(0).unwrap().trim_end(), "n\u{e9} and more of it");
    assert_eq!(parsed.attachment(0).unwrap().contents(), b"\x89PNG");
    let inner = parsed.attachment(1).unwrap().message().unwrap();
    assert_eq!(inner.subject(), Some("Gr\u{fc}\u{df}e"));
    assert_eq!(inner.body_html(0).unwrap().trim_end(), "<p>\u{e9}</p>");
}

#[test]
fn what_is_sealed_is_refused() {
    // 6152, 3156-3/5
    let message = |kind: &str, inner: &str| {
        format!(
            "{HEADER}MIME-Version: 1.0\r\nContent-Type: {kind}; boundary=x\r\n\r\n--x\r\n{inner}\r\n--x\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\r\n\u{e9}\r\n--x--\r\n"
        )
    };
    for (message, expected) in [
        (message("multipart/signed", "\r\nascii"), "its multipart/signed part may not be changed"),
        (message("multipart/encrypted", ""), "its multipart/encrypted part may not be changed"),
        (
            message("multipart/mixed", "Content-Transfer-Encoding: x-uu\r\n\r\n\u{e9}"),
            "one of its parts is in the unknown encoding \u{2018}x-uu\u{2019}",
        ),
        (
            message("multipart/mixed", "Content-Type: message/delivery-status\r\n\r\n\u{e9}"),
            "a part of the type message/delivery-status may not be encoded",
        ),
        (
            message("multipart/mixed", "Content-ID: <\u{e9}@x>\r\n\r\na"),
            "its field Content-ID cannot be written in US-ASCII",
        ),
        (
            format!("DKIM-Signature: v=1\r\n{HEADER}\r\n\u{e9}\r\n"),
            "its DKIM signature would no longer hold",
        ),
        (
            format!("To: \u{e9}@x.example\r\n{HEADER}\r\na\r\n"),
            "its field To cannot be written in US-ASCII",
        ),
    ] {
        let unfit = narrow(&message).unwrap_err().to_string();
        assert_eq!(unfit, expected, "{message}");
    }
    let signed = message(
        "multipart/mixed",
        "Content-Type: multipart/signed; boundary=y\r\n\r\n--y\r\n\r\nascii\r\n--y--",
    );
    assert!(narrow(signed).unwrap().contains("--y\r\n\r\nascii\r\n--y--\r\n--x\r\n"));
}

#[test]
fn only_what_the_way_lacks_is_changed() {
    // 6531-a, 6532
    let octets = format!(
        "Subject: Gr\u{fc}\u{df}e\r\n{HEADER}MIME-Version: 1.0\r\n\
        Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nn\u{e9}\r\n"
    );
    let message = ready(&octets, Repairs::default());
    assert_eq!(written(&message), octets.as_bytes());
    let with = |eight_bit, utf8_header| {
        let form = message.fitted(Width { eight_bit, utf8_header, binary: false }).unwrap();
        let facts = form.facts();
        assert_eq!((facts.eight_bit, facts.utf8_header), (eight_bit, utf8_header));
        String::from_utf8(written(form)).unwrap()
    };
    let (header, body) = octets.split_once("MIME").unwrap();
    assert!(with(true, false).starts_with("Subject: =?utf-8?B?R3LDvMOfZQ==?=\r\n"));
    assert!(with(true, false).ends_with(body));
    assert!(with(false, true).starts_with(header));
    assert!(
        with(false, true).ends_with("Content-Transfer-Encoding: base64\r\n\r\nbsOpDQo=\r\n")
            || with(false, true).contains("quoted-printable\r\n\r\nn=C3=A9\r\n")
    );
}

#[test]
fn the_configuration_may_refuse_or_pass_eight_bits() {
    // 6152
    let octets = format!("{HEADER}\r\nn\u{e9}\r\n");
    let with = |eight_bit| ready(&octets, Repairs { eight_bit, ..Repairs::default() });
    let reject = with(Repair::Reject);
    assert!(matches!(reject.fitted(Width::SEVEN_BIT), Err(Unfit::Rejected)));
    let pass = with(Repair::Pass);
    let passed = pass.fitted(Width::SEVEN_BIT).unwrap();
    assert_eq!(written(passed), written(&pass));
    assert!(!passed.facts().eight_bit);
}

#[test]
fn encoded_leaves_with_endless_lines_get_lines() {
    // 5321-4.5.3.1.6, 2045-6.8
    let data: Vec<u8> = (0..3000_u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
    let base64 = encodify::base64::STANDARD.encode(&data);
    let octets = format!(
        "{HEADER}MIME-Version: 1.0\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n{base64}\r\n"
    );
    let written = String::from_utf8(written(&ready(octets, Repairs::default()))).unwrap();
    assert!(written.lines().all(|line| line.len() <= 76));
    let parsed = MessageParser::new().parse(written.as_bytes()).unwrap();
    assert_eq!(parsed.part(0).unwrap().contents(), data);
}

#[test]
fn an_attached_message_is_narrowed_within() {
    // 2045-6.4
    let inner = "Subject: in\n\nn\u{e9}\n";
    let draft = Draft {
        from: addresses("a@x.example").unwrap(),
        to: addresses("b@x.example").unwrap(),
        text: Some(b"see there".into()),
        attachments: vec![Attachment {
            source: Source::held(inner, "held"),
            name: Some("x.eml".into()),
            media_type: None,
        }],
        ..Draft::new("2026-11-23T04:03:37+01:00[+01:00]".parse().unwrap(), "<1@x.example>".into())
    };
    let message = draft.into_message().unwrap().message;
    let wide = String::from_utf8(written(&message)).unwrap();
    assert!(wide.contains("Subject: in\r\n\r\nn\u{e9}\r\n") && wide.contains("8bit"));
    let narrow = String::from_utf8(written(message.fitted(Width::SEVEN_BIT).unwrap())).unwrap();
    assert!(narrow.is_ascii() && !narrow.contains("8bit"), "{narrow}");
    let parsed = MessageParser::new().parse(narrow.as_bytes()).unwrap();
    let inner = parsed.attachment(0).unwrap().message().unwrap();
    assert_eq!((inner.subject(), inner.body_text(0).unwrap().trim_end()), (Some("in"), "n\u{e9}"));
}

#[test]
fn lines_of_part_headers_are_folded() {
    // 5321-4.5.3.1.6
    let words = "a word ".repeat(200);
    let message = |preamble: &str, field: &str| {
        format!(
            "{HEADER}MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n\
             {preamble}\r\n--x\r\n{field}\r\n\r\na\r\n--x--\r\n"
        )
    };
    let octets = written(&ready(message("", &format!("X-Note: {words}")), Repairs::default()));
    let octets = String::from_utf8(octets).unwrap();
    assert!(octets.lines().all(|line| line.len() <= 78), "{octets}");
    assert_eq!(octets.matches("a word").count(), 200);
    let refused = |message: String| {
        let additions = Additions {
            date: "2026-11-23T04:03:37+01:00[+01:00]".parse().unwrap(),
            message_id: None,
            from: Vec::new(),
        };
        complete(Source::held(message, "m"), &additions, Repairs::default()).unwrap_err()
    };
    let endless = "x".repeat(999);
    let error = refused(message("", &format!("Content-ID: <{endless}>"))).to_string();
    assert!(error.contains("998 octets in line"), "{error}");
    assert!(error.contains("its field Content-ID has a line"), "{error}");
}

#[test]
fn data_labelled_binary_keeps_its_line_ends() {
    // 6152, 2045-6.8
    let data = "a\rb\nc\r\nd";
    let leaf = format!("Content-Type: image/x\nContent-Transfer-Encoding: binary\n\n{data}");
    for message in [
        format!("{HEADER}MIME-Version: 1.0\n{leaf}"),
        format!(
            "{HEADER}MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\
             Content-Transfer-Encoding: binary\n\n--x\n{leaf}\n--x--\n"
        ),
    ] {
        let octets = written(&ready(message, Repairs::default()));
        let octets = String::from_utf8(octets).unwrap();
        assert!(octets.contains(": base64\r\n\r\nYQ1iCmMNCmQ=\r\n"), "{octets}");
    }
}

#[test]
fn a_message_within_that_is_encoded_against_the_rules_is_a_leaf() {
    // 2045-6.4
    let base64 = "U3ViamVjdDogeAoKaGkK".repeat(60);
    let message = format!(
        "{HEADER}MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{base64}\r\n"
    );
    let octets = String::from_utf8(written(&ready(message, Repairs::default()))).unwrap();
    let (_, body) = octets.split_once("\r\n\r\n").unwrap();
    assert!(body.lines().all(|line| line.len() <= 76));
    assert_eq!(body.replace("\r\n", ""), base64);
}

#[test]
fn the_labels_of_parts_count_once_one_is_changed() {
    // 2045-4/6
    let written = narrow(format!(
        "{HEADER}Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\r\n\u{e9}\r\n--x--\r\n"
    ));
    assert!(written.unwrap().contains("MIME-Version: 1.0\r\n"));
}

#[test]
fn a_header_that_is_not_utf_8_is_encoded_for_every_way() {
    // 6532
    let message = [HEADER.as_bytes(), b"Subject: n\xe9\r\n\r\nhi\r\n"].concat();
    let message = ready(message, Repairs::default());
    assert!(!message.facts().utf8_header);
    assert!(String::from_utf8(written(&message)).unwrap().contains("=?utf-8?B?bsOp?="));
}

#[test]
fn what_is_signed_gets_no_labels() {
    // 6152
    for octets in [
        format!("DKIM-Signature: v=1\r\n{HEADER}\r\n\u{e9}\r\n"),
        format!("DKIM-Signature: v=1\r\n{HEADER}Content-Type: image/x\r\n\r\n\u{e9}\r\n"),
    ] {
        assert_eq!(written(&ready(&octets, Repairs::default())), octets.as_bytes());
    }
}

#[test]
fn a_header_without_an_end_loses_nothing() {
    // 6532
    let octets = fields::seven_bit("A: b\r\nSubject: \u{e9}".as_bytes()).unwrap();
    assert_eq!(octets, b"A: b\r\nSubject: =?utf-8?B?w6k=?=\r\n");
}

#[test]
fn what_stands_around_the_parts_for_nobody_keeps_no_message_back() {
    // 2046-5.1
    let octets = format!(
        "{HEADER}MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n\
         f\u{fc}r \u{e4}ltere\r\n--x\r\n\r\nascii\r\n--x--\r\n\u{e9}\r\n"
    );
    let written = narrow(octets).unwrap();
    assert!(
        written.ends_with("\r\n\r\nf??r ??ltere\r\n--x\r\n\r\nascii\r\n--x--\r\n??\r\n"),
        "{written}"
    );
}

#[test]
fn a_boundary_in_sections_parts_all_the_same() {
    // 2231-3/4
    let octets = format!(
        "{HEADER}MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary*0=a; boundary*1*=%2Bb\r\n\r\n\
         --a+b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nn\u{e9} and more of it\r\n--a+b--\r\n"
    );
    let written = narrow(octets).unwrap();
    assert!(written.contains("\r\n\r\nn=C3=A9 and more of it\r\n--a+b--\r\n"), "{written}");
}
