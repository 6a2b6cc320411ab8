use super::super::{Source, Thread};
use super::*;
use mail_parser::{MessageParser, MimeHeaders};
use std::io::Read;

fn draft() -> Draft {
    let date = "2026-11-23T04:03:37+01:00[+01:00]".parse().unwrap();
    Draft {
        from: addresses("Alice <alice@example.org>").unwrap(),
        to: addresses("Bob <bob@example.org>").unwrap(),
        ..Draft::new(date, "<1@example.org>".into())
    }
}

fn written(draft: Draft) -> Result<String, Error> {
    let message = draft.into_message()?.message;
    let mut octets = String::new();
    message.open()?.read_to_string(&mut octets).unwrap();
    assert_eq!(message.facts().size, octets.len() as u64);
    let mut again = String::new();
    message.open()?.read_to_string(&mut again).unwrap();
    assert_eq!(octets, again);
    assert!(!octets.replace("\r\n", "").contains(['\r', '\n']));
    Ok(octets)
}

fn attached(octets: impl Into<Vec<u8>>, name: &str) -> Attachment {
    Attachment { source: Source::held(octets, "held"), name: Some(name.into()), media_type: None }
}

fn octets(message: &mail_parser::Message<'_>, at: usize) -> Vec<u8> {
    message.parts[at].contents().to_vec()
}

fn with_headers(headers: &[(&str, &str)]) -> Draft {
    let own = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
    Draft { headers: headers.iter().map(own).collect(), ..draft() }
}

#[test]
fn the_smallest_message_is_this() {
    // 5322-3.6a, 2045-4/6
    let written = written(Draft { text: Some(b"hello\n".into()), ..draft() }).unwrap();
    assert_eq!(
        written,
        "Date: Mon, 23 Nov 2026 04:03:37 +0100\r\n\
         From: Alice <alice@example.org>\r\n\
         To: Bob <bob@example.org>\r\n\
         Message-ID: <1@example.org>\r\n\
         MIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=us-ascii\r\n\
         Content-Transfer-Encoding: 7bit\r\n\
         \r\n\
         hello\r\n"
    );
}

#[test]
fn everyone_is_a_recipient_and_bcc_is_never_written() {
    // 5322-3.6.3
    let draft = Draft {
        cc: addresses("Friends: c@x.example, d@x.example;").unwrap(),
        bcc: addresses("secret1@x.example").unwrap(),
        ..with_headers(&[("bcc", "Two <secret2@x.example>")])
    };
    let composed = draft.into_message().unwrap();
    let shown: Vec<_> = composed.recipients.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        ["bob@example.org", "c@x.example", "d@x.example", "secret1@x.example", "secret2@x.example"]
    );
    let mut octets = String::new();
    composed.message.open().unwrap().read_to_string(&mut octets).unwrap();
    assert!(!octets.contains("secret") && !octets.to_lowercase().contains("bcc"), "{octets}");
}

#[test]
fn only_bcc_recipients_are_undisclosed() {
    let bcc = addresses("b@x.example").unwrap();
    let hidden = written(Draft { to: Vec::new(), bcc: bcc.clone(), ..draft() }).unwrap();
    assert!(hidden.contains("\r\nTo: undisclosed-recipients:;\r\n"), "{hidden}");
    let cc = addresses("c@x.example").unwrap();
    let open = written(Draft { to: Vec::new(), cc, bcc, ..draft() }).unwrap();
    assert!(!open.contains("\r\nTo:"), "{open}");
}

#[test]
fn a_field_given_by_name_takes_the_place_of_our_own() {
    // 5322-3.6a
    let draft = Draft {
        subject: Some("ours".into()),
        ..with_headers(&[
            ("subject", "Grüße"),
            ("DATE", "Tue, 1 Jan 2030 00:00:00 +0000"),
            ("message-id", "<2@example.org>"),
            ("From", "Jörg <j@x.example>"),
            ("X-Any", "thing"),
            ("Cc", "c@x.example"),
        ])
    };
    let written = written(draft).unwrap();
    assert_eq!(
        written.lines().take(7).collect::<Vec<_>>(),
        [
            "Date: Tue, 1 Jan 2030 00:00:00 +0000",
            "From: =?utf-8?B?SsO2cmc=?= <j@x.example>",
            "To: Bob <bob@example.org>",
            "Cc: c@x.example",
            "Subject: =?utf-8?B?R3LDvMOfZQ==?=",
            "Message-ID: <2@example.org>",
            "X-Any: thing",
        ]
    );
}

#[test]
fn fields_that_would_break_the_message_are_refused() {
    // HDR-inject, 5322-3.6a
    let refused = |headers| written(with_headers(headers)).unwrap_err();
    assert!(matches!(refused(&[("X\r\nBcc", "a@b.c")]), Error::HeaderName(_)));
    assert!(matches!(refused(&[("X", "a\r\nBcc: a@b.c")]), Error::HeaderBreak(_)));
    assert!(matches!(refused(&[("Message-ID", "<a@b>\nX: y")]), Error::HeaderBreak(_)));
    assert!(matches!(refused(&[("content-type", "text/html")]), Error::HeaderReserved(_)));
    assert!(matches!(refused(&[("To", "")]), Error::HeaderValue(_)));
    assert!(matches!(refused(&[("To", "root")]), Error::Address { .. }));
    assert!(matches!(
        refused(&[("X", "1"), ("Subject", "a"), ("subject", "b")]),
        Error::HeaderTwice("Subject")
    ));
    let subject = Draft { subject: Some("a\nBcc: x@y.z".into()), ..draft() };
    assert!(matches!(written(subject), Err(Error::HeaderBreak(_))));
    assert!(matches!(written(Draft { from: Vec::new(), ..draft() }), Err(Error::NoFrom)));
    let group = Draft { from: addresses("G: a@x.y;").unwrap(), ..draft() };
    assert!(matches!(written(group), Err(Error::HeaderValue(_))));
}

#[test]
fn several_authors_have_one_sender() {
    // 5322-3.6.2
    let from = addresses("a@x.y, b@x.y").unwrap();
    let both = written(Draft { from: from.clone(), ..draft() }).unwrap();
    assert!(both.contains("From: a@x.y, b@x.y\r\nSender: a@x.y\r\n"), "{both}");
    let named = Draft { from, ..with_headers(&[("Sender", "c@x.y")]) };
    assert!(written(named).unwrap().contains("\r\nSender: c@x.y\r\n"));
}

#[test]
fn a_local_part_beyond_ascii_makes_the_header_utf_8() {
    // 6531-a
    let draft = Draft { to: addresses("é@x.example").unwrap(), ..draft() };
    let facts = draft.into_message().unwrap().message.facts().clone();
    assert!(facts.utf8_header && !facts.eight_bit);
}

#[test]
fn text_html_and_files_come_back_from_the_message() {
    // 2045-4/6, 2046-5.1, 2231/2183
    let names = [
        "plain.txt",
        "with space \"q\" \\.pdf",
        "Jörg'*%.pdf",
        "no extension",
        &format!("{}.pdf", "long ".repeat(60)),
        &format!("{}.pdf", "漢字é".repeat(60)),
    ];
    let contents: Vec<Vec<u8>> = (0u8..6)
        .map(|n| (0..usize::from(n) * 5000).map(|at| u8::try_from(at % 251).unwrap()).collect())
        .collect();
    let attachments =
        names.iter().zip(&contents).map(|(name, octets)| attached(octets.clone(), name)).collect();
    let message = written(Draft {
        subject: Some("Déjà vu".into()),
        text: Some("naïve\n".into()),
        html: Some("<p>naïve</p>".into()),
        attachments,
        ..draft()
    })
    .unwrap();
    assert!(message.is_ascii());
    assert!(message.lines().all(|line| line.len() <= 78), "{message}");
    let parsed = MessageParser::new().parse(message.as_bytes()).unwrap();
    assert_eq!(parsed.subject(), Some("Déjà vu"));
    assert_eq!(parsed.body_text(0).unwrap().replace("\r\n", "\n"), "naïve\n");
    assert_eq!(parsed.body_html(0).unwrap().trim_end(), "<p>naïve</p>");
    assert_eq!(parsed.attachment_count(), names.len());
    for (part, (name, octets)) in parsed.attachments().zip(names.iter().zip(&contents)) {
        assert_eq!(part.contents(), octets);
        assert_eq!(part.attachment_name(), Some(*name));
    }
}

#[test]
fn files_are_streamed_and_their_change_is_noticed() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), vec![b'x'; 300_000]).unwrap();
    let draft = Draft { attachments: vec![Attachment::open(file.path()).unwrap()], ..draft() };
    let message = draft.into_message().unwrap().message;
    let mut octets = message.open().unwrap();
    octets.read_exact(&mut [0; 1000]).unwrap();
    file.as_file().set_len(200_000).unwrap();
    let error = octets.read_to_end(&mut Vec::new()).unwrap_err();
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    assert!(matches!(inner, Some(Error::Changed(path)) if path == file.path()));
}

#[test]
fn a_message_is_attached_as_it_is() {
    // 2045-6.4
    for (inner, encoding, wide) in
        [("Subject: in\n\nascii\n", "7bit", false), ("Subject: in\n\nné\n", "8bit", true)]
    {
        let draft = Draft {
            text: Some(b"see there".into()),
            attachments: vec![attached(inner, "x.eml")],
            ..draft()
        };
        let message = written(draft).unwrap();
        let expected = format!(
            "Content-Transfer-Encoding: {encoding}\r\n\r\n{}\r\n--=_",
            inner.replace('\n', "\r\n")
        );
        assert!(message.contains(&expected), "{message}");
        let (header, _) = message.split_once("\r\n\r\n").unwrap();
        assert_eq!(header.contains("Content-Transfer-Encoding: 8bit"), wide, "{header}");
    }
    let long = format!("Subject: in\n\n{}\n", "a".repeat(999));
    let draft = Draft { attachments: vec![attached(long, "x.eml")], ..draft() };
    let message = written(draft).unwrap();
    assert!(message.contains("Subject: in\r\nContent-Transfer-Encoding: quoted-printable\r\n"));
}

#[test]
fn base64_is_padded_and_cut_at_any_length() {
    // 2045-6.8
    for length in (0..=130).chain(95_000..95_010) {
        let octets: Vec<u8> =
            (0..length).map(|at: u32| u8::try_from(at * 7 % 256).unwrap()).collect();
        let draft = Draft { attachments: vec![attached(octets.clone(), "a.bin")], ..draft() };
        let message = written(draft).unwrap();
        let parsed = MessageParser::new().parse(message.as_bytes()).unwrap();
        assert_eq!(parsed.attachment(0).unwrap().contents(), octets, "{length}");
    }
}

#[test]
fn parts_are_nested_mixed_related_alternative() {
    // 2046-5.1, 2045-6.4
    let picture = |name: &str| Attachment {
        source: Source::held(*b"\x89PNG", "held"),
        name: Some(name.into()),
        media_type: None,
    };
    let message = written(Draft {
        text: Some("text\n".into()),
        html: Some("<img src=\"a.png\"><p style=\"background:url('b.png')\">é</p>".into()),
        inline: vec![picture("a.png"), picture("b.png")],
        attachments: vec![attached("file", "c.txt")],
        ..draft()
    })
    .unwrap();
    let parsed = MessageParser::new().parse(message.as_bytes()).unwrap();
    let types: Vec<_> = parsed
        .parts
        .iter()
        .map(|part| {
            let media_type = part.content_type().unwrap();
            let root = media_type.attribute("type").unwrap_or_default();
            format!("{}/{} {root}", media_type.ctype(), media_type.subtype().unwrap())
        })
        .collect();
    assert_eq!(
        types.iter().map(|it| it.trim_end()).collect::<Vec<_>>(),
        [
            "multipart/mixed",
            "multipart/related multipart/alternative",
            "multipart/alternative",
            "text/plain",
            "text/html",
            "image/png",
            "image/png",
            "text/plain",
        ]
    );
    let html = String::from_utf8(octets(&parsed, 4)).unwrap();
    for (at, name) in [(5, "a.png"), (6, "b.png")] {
        let part = &parsed.parts[at];
        let id = part.content_id().unwrap();
        assert!(id.ends_with("@example.org"), "{id}");
        assert!(html.contains(&format!("cid:{id}")), "{html}");
        assert_eq!(part.content_disposition().unwrap().ctype(), "inline");
        assert_eq!(part.attachment_name(), Some(name));
        assert_eq!(octets(&parsed, at), b"\x89PNG");
    }
    assert!(!html.contains(".png"), "{html}");
}

#[test]
fn html_alone_with_a_picture_is_related() {
    let draft = Draft {
        html: Some("<img src=a.png>".into()),
        inline: vec![attached("x", "a.png")],
        ..draft()
    };
    let message = written(draft).unwrap();
    let parsed = MessageParser::new().parse(message.as_bytes()).unwrap();
    let media_type = parsed.content_type().unwrap();
    assert_eq!(media_type.subtype(), Some("related"));
    assert_eq!(media_type.attribute("type"), Some("text/html"));
}

#[test]
fn text_flows_only_if_asked() {
    // 3676
    let text = format!("{}\n\n>quoted\n", "word ".repeat(40));
    let flowed = Draft { text: Some(text.clone().into()), is_flowed: true, ..draft() };
    let flowed = written(flowed).unwrap();
    assert!(flowed.contains("Content-Type: text/plain; charset=us-ascii; format=flowed\r\n"));
    assert!(flowed.contains("\r\nContent-Transfer-Encoding: 7bit\r\n"), "{flowed}");
    assert!(flowed.lines().all(|line| line.len() <= 78) && flowed.contains("word \r\nword "));
    let fixed = written(Draft { text: Some(text.into()), ..draft() }).unwrap();
    assert!(!fixed.contains("flowed"), "{fixed}");
}

#[test]
fn a_field_given_by_name_takes_the_place_of_a_default() {
    let thread = Thread { in_reply_to: vec!["1@x".parse().unwrap()], references: Vec::new() };
    let draft = || Draft { defaults: thread.fields(), ..with_headers(&[]) };
    let own = written(draft()).unwrap();
    assert!(own.contains("\r\nIn-Reply-To: <1@x>\r\nReferences: <1@x>\r\n"), "{own}");
    let headers = vec![("references".to_owned(), "<2@x>".to_owned())];
    let given = written(Draft { headers, ..draft() }).unwrap();
    assert!(given.contains("\r\nIn-Reply-To: <1@x>\r\nreferences: <2@x>\r\n"), "{given}");
}

#[test]
fn a_long_conversation_is_folded_between_its_ids() {
    // 5322-2.2.3, 5322-3.6.4r
    let references = (0..100).map(|at| format!("{at}.abcdefghij@example.org").parse().unwrap());
    let thread = Thread { in_reply_to: Vec::new(), references: references.collect() };
    let written = written(Draft { defaults: thread.fields(), ..draft() }).unwrap();
    let (_, field) = written.split_once("References:").unwrap();
    let (field, _) = field.split_once("\r\nMIME-Version").unwrap();
    assert!(written.lines().all(|line| line.len() <= 78), "{written}");
    assert_eq!(field.replace("\r\n", ""), format!(" {}", thread.fields()[0].1));
}

#[test]
fn a_url_to_unsubscribe_at_is_never_folded() {
    // 2369, 8058
    let url = format!("https://x.example/{}", "a".repeat(200));
    let urls = [url.parse().unwrap(), "mailto:u@x.example".parse().unwrap()];
    let defaults = crate::message::unsubscribe_fields(&urls, true).unwrap();
    let written = written(Draft { defaults, ..draft() }).unwrap();
    let expected = format!(
        "\r\nList-Unsubscribe: <{url}>,\r\n <mailto:u@x.example>\r\n\
         List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    );
    assert!(written.contains(&expected), "{written}");
}

#[test]
fn text_in_no_known_charset_is_sent_and_told() {
    let draft = Draft { text: Some(b"caf\xe9 au lait\n".into()), is_flowed: true, ..draft() };
    let composed = draft.into_message().unwrap();
    assert_eq!(composed.warnings, [Warning::UnknownCharset]);
    let mut octets = String::new();
    composed.message.open().unwrap().read_to_string(&mut octets).unwrap();
    assert!(octets.contains("text/plain; charset=unknown-8bit\r\n"), "{octets}");
    assert!(octets.contains("caf=E9 au lait"), "{octets}");
}
