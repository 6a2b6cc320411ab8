use super::*;
use std::io::{Read, Write};

fn additions() -> Additions {
    Additions {
        date: "2026-11-23T04:03:37+01:00[+01:00]".parse().unwrap(),
        message_id: Some("<id@x.example>".into()),
        from: addresses("A <a@x.example>").unwrap(),
    }
}

fn completed(octets: impl AsRef<[u8]>) -> Result<(String, Vec<String>), Error> {
    let ready = complete(Source::held(octets.as_ref(), "m"), &additions())?;
    let written = written(&ready.message);
    assert_eq!(ready.message.facts().size, written.len() as u64);
    let changes = ready.changes.iter().map(ToString::to_string).collect();
    Ok((String::from_utf8(written).unwrap(), changes))
}

fn written(message: &Message) -> Vec<u8> {
    let mut octets = Vec::new();
    message.open().unwrap().read_to_end(&mut octets).unwrap();
    octets
}

const DATE: &str = "Date: Mon, 23 Nov 2026 04:03:37 +0100\r\n";
const FROM: &str = "From: A <a@x.example>\r\n";
const ID: &str = "Message-ID: <id@x.example>\r\n";

/// A header that lacks nothing.
const WHOLE: &str = "From: b@y.example\r\nDate: x\r\nMessage-ID: <1@y.example>\r\n";

#[test]
fn a_message_that_lacks_nothing_stays_octet_for_octet() {
    // 5322-2.2, 5322-3.6.7, 2049
    for body in ["", "\r\n", "\r\nhello\r\n", "\r\n.\r\n\r\n", "X : y\r\n\tz\r\n \r\n\r\né\r\n"] {
        let message = format!("Received: from x\r\n\tby y\r\n{WHOLE}{body}");
        assert_eq!(completed(&message).unwrap(), (message, vec![]));
    }
}

#[test]
fn what_is_missing_is_added_behind_the_header() {
    // 5321-6.4, 5322-empty, CLI-4, CLI-5
    for (message, header, body, parted) in [
        ("", "", "", false),
        ("\r\n", "", "\r\n", false),
        ("Subject: s\r\n", "Subject: s\r\n", "", false),
        ("Subject: s\r\n\r\nb\r\n", "Subject: s\r\n", "\r\nb\r\n", false),
        ("Subject: s\r\nno field\r\n", "Subject: s\r\n", "\r\nno field\r\n", true),
        ("hello\r\n", "", "\r\nhello\r\n", true),
        (" hello: you\r\n", "", "\r\n hello: you\r\n", true),
        ("hello you: x\r\n", "", "\r\nhello you: x\r\n", true),
    ] {
        let (written, changes) = completed(message).unwrap();
        assert_eq!(written, format!("{header}{DATE}{FROM}{ID}{body}"), "{message:?}");
        let mut expected = vec!["added Date", "added From", "added Message-ID"];
        expected.extend(parted.then_some("put an empty line between header and body"));
        assert_eq!(changes, expected, "{message:?}");
    }
}

#[test]
fn bcc_and_its_like_are_removed_with_their_folds() {
    // 5322-3.6.3, DROP
    let (written, changes) = completed(format!(
        "From x@y.example Mon Nov 23 04:03:37 2026\r\nReturn-Path: <z@y.example>\r\n\
         BCC : secret1@y.example,\r\n\tsecret2@y.example\r\nTo: t@y.example\r\n{WHOLE}\
         Resent-Bcc:\r\n secret3@y.example\r\nContent-Length: 3\r\n\r\nBcc: no field\r\n"
    ))
    .unwrap();
    assert_eq!(written, format!("To: t@y.example\r\n{WHOLE}\r\nBcc: no field\r\n"));
    assert_eq!(
        changes,
        [
            "removed the mbox line before the header",
            "removed Return-Path",
            "removed Bcc",
            "removed Resent-Bcc",
            "removed Content-Length"
        ]
    );
}

#[test]
fn recipients_are_those_of_to_cc_and_bcc() {
    // CLI-3, 5322-3.6a, 5322-3.4
    let message = "To: A <a@x.example>,\r\n  b@x.example\r\nCc: undisclosed-recipients:;\r\n\
                   Bcc: c@x.example\r\nTo: Friends: d@x.example;\r\nFrom: e@x.example\r\n\r\n";
    let ready = complete(Source::held(message, "m"), &additions()).unwrap();
    let shown = |list: Vec<Mailbox>| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        shown(ready.recipients().unwrap()),
        ["a@x.example", "b@x.example", "c@x.example", "d@x.example"]
    );
    assert_eq!(shown(ready.from().unwrap()), ["e@x.example"]);
    let ready = complete(Source::held("To: root\r\n\r\n", "m"), &additions()).unwrap();
    assert_eq!(
        ready.recipients().unwrap_err().to_string(),
        "‘root’ is not a mail address: it has no @ and no domain"
    );
    assert_eq!(shown(ready.from().unwrap()), ["a@x.example"]);
}

#[test]
fn an_address_that_is_not_utf_8_is_refused_rather_than_changed() {
    let ready = complete(Source::held(*b"To: j\xf6rg@x.example\r\n\r\n", "m"), &additions());
    assert!(matches!(ready.unwrap().recipients(), Err(Error::Address { .. })));
}

#[test]
fn line_ends_become_crlf_and_stray_crs_become_spaces() {
    // 5321-2.3.8c, 5321-4.1.1.4a, CLI-5
    let lf = WHOLE.replace('\r', "");
    for (body, expected, change) in [
        ("\nb\n", "\r\nb\r\n", vec!["turned 5 line ends from LF into CRLF"]),
        ("\nb", "\r\nb\r\n", vec!["turned 4 line ends from LF into CRLF", "ended the last line"]),
        (
            "X: a\rb\n\r\na\rb\r\r\n",
            "X: a b\r\n\r\na b \r\n",
            vec!["turned 4 line ends from LF into CRLF", "turned 3 CR into spaces"],
        ),
    ] {
        let (written, changes) = completed(format!("{lf}{body}")).unwrap();
        assert_eq!(written, format!("{WHOLE}{expected}"));
        assert_eq!(changes, change);
    }
}

#[test]
fn nul_and_overlong_lines_are_refused_with_their_line() {
    // 5321-4.1.1.4n, 5321-4.5.3.1.6
    let (fits, long) = ("a".repeat(998), "a".repeat(999));
    assert!(completed(format!("{WHOLE}\r\n{fits}\r\n{fits}")).is_ok());
    for (message, expected) in [
        (format!("{WHOLE}\r\nb\r\n{long}\r\n"), "more than 998 octets in line 6"),
        (format!("{WHOLE}\nb\n{long}"), "more than 998 octets in line 6"),
        (format!("A: {long}\r\n\r\n"), "more than 998 octets in line 1"),
        (long.repeat(2000), "more than 998 octets in line 1"),
        (format!("{WHOLE}\r\na\0b"), "a NUL octet in line 5"),
        ("A: \0\r\n\r\n".into(), "a NUL octet in line 1"),
    ] {
        let error = completed(message).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let large = completed("A: b\r\n".repeat(200_000)).unwrap_err();
    assert!(matches!(large, Error::HeaderTooLarge(_)));
}

#[test]
fn a_message_without_from_needs_one() {
    let additions = Additions { from: Vec::new(), ..additions() };
    assert!(matches!(complete(Source::held("a", "m"), &additions), Err(Error::NoFrom)));
}

#[test]
fn a_new_message_id_is_at_the_domain_of_from() {
    let additions = Additions { message_id: None, ..additions() };
    for (message, domain) in
        [("", "x.example"), ("From: b@y.example\n\n", "y.example"), ("From: root\n\n", "x.example")]
    {
        let ready = complete(Source::held(message, "m"), &additions).unwrap();
        let id = ready.message.facts().message_id.clone().unwrap();
        assert!(id.ends_with(&format!("@{domain}>")), "{id}");
    }
}

#[test]
fn the_facts_tell_eight_bit_bodies_from_utf_8_headers() {
    // 6152, 6531-a
    for (message, eight_bit, utf8_header) in [
        ("From: b@y.example\r\n\r\nascii\r\n", false, false),
        ("From: b@y.example\r\n\r\nné\r\n", true, false),
        ("From: é@y.example\r\n\r\nascii\r\n", false, true),
    ] {
        let ready = complete(Source::held(message, "m"), &additions()).unwrap();
        let facts = ready.message.facts();
        assert_eq!((facts.eight_bit, facts.utf8_header), (eight_bit, utf8_header));
    }
}

/// All strings up to this length over these characters.
fn strings(alphabet: &str, longest: usize) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut from = 0;
    for _ in 0..longest {
        let to = all.len();
        for at in from..to {
            all.extend(alphabet.chars().map(|c| format!("{}{c}", all[at])).collect::<Vec<_>>());
        }
        from = to;
    }
    all
}

#[test]
fn no_short_string_makes_a_bare_cr_or_lf() {
    // 5321-2.3.8c
    for text in strings("\r\n.a", 6) {
        for message in [text.clone(), format!("{WHOLE}\r\n{text}"), format!("X: {text}")] {
            let (written, _) = completed(&message).unwrap();
            assert!(!written.replace("\r\n", "").contains(['\r', '\n']), "{message:?}");
            assert!(written.ends_with("\r\n"), "{message:?}");
            assert_eq!(completed(&written).unwrap(), (written, vec![]), "{message:?}");
        }
    }
    for text in strings("\r\n\0a", 4) {
        let refused = completed(format!("{WHOLE}\r\n{text}")).is_err();
        assert_eq!(refused, text.contains('\0'), "{text:?}");
    }
}

#[test]
fn small_buffers_and_large_ones_give_the_same_octets_twice() {
    for end in ["\n", "\r\n", "\r\r\n"] {
        let body = format!("a line{end}.{end}").repeat(30_000);
        let source = Source::held(format!("{WHOLE}\r\n{body}"), "m");
        let ready = complete(source, &additions()).unwrap();
        let whole = written(&ready.message);
        assert_eq!(ready.message.facts().size, whole.len() as u64);
        for size in [1, 7, 4095, 4096, 4097, 65_536, 1 << 20] {
            let mut octets = ready.message.open().unwrap();
            let (mut buffer, mut all) = (vec![0; size], Vec::new());
            loop {
                let length = octets.read(&mut buffer).unwrap();
                if length == 0 {
                    break;
                }
                all.extend_from_slice(&buffer[..length]);
            }
            assert!(all == whole, "{size} {end:?}");
        }
    }
}

#[test]
fn a_file_that_changes_is_noticed() {
    let lines = "a line\r\n".repeat(50_000);
    for (change, at) in [("longer\r\n", lines.len()), ("A", 400_000), ("\n", 200_000)] {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(format!("{WHOLE}\r\n{lines}").as_bytes()).unwrap();
        let ready = complete(Source::open(file.path()).unwrap(), &additions()).unwrap();
        let mut octets = ready.message.open().unwrap();
        let mut first = [0; 4096];
        octets.read_exact(&mut first).unwrap();
        let writer = file.as_file();
        std::os::unix::fs::FileExt::write_all_at(writer, change.as_bytes(), at as u64).unwrap();
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(2);
        writer.set_modified(later).unwrap();
        let error = octets.read_to_end(&mut Vec::new()).unwrap_err();
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        assert!(matches!(inner, Some(Error::Changed(path)) if path == file.path()));
        assert!(matches!(ready.message.open(), Err(Error::Changed(_))));
        writer.set_len(100).unwrap();
        assert!(octets.read(&mut first).is_err());
    }
}

fn resent_by(from: &str) -> Resent {
    Resent {
        date: additions().date,
        from: addresses(from).unwrap(),
        to: addresses("Carol <c@z.example>").unwrap(),
        cc: addresses("d@z.example").unwrap(),
        message_id: "<2@x.example>".into(),
    }
}

#[test]
fn a_message_sent_on_gets_one_block_on_its_top() {
    // 5322-3.6.6, 5322-3.6.3
    let older =
        "Resent-Date: x\r\nResent-From: e@y.example\r\nReceived: by y\r\nTo: t@y.example\r\n";
    let source = format!("{older}Bcc: u@y.example\r\nResent-Bcc: v@y.example\r\n\r\nhi\r\n");
    let ready = resend(Source::held(source, "m"), &resent_by("A <a@x.example>")).unwrap();
    assert_eq!(
        String::from_utf8(written(&ready.message)).unwrap(),
        format!(
            "Resent-Date: Mon, 23 Nov 2026 04:03:37 +0100\r\n\
             Resent-From: A <a@x.example>\r\n\
             Resent-To: Carol <c@z.example>\r\n\
             Resent-Cc: d@z.example\r\n\
             Resent-Message-ID: <2@x.example>\r\n\
             {older}\r\nhi\r\n"
        )
    );
    let changes: Vec<_> = ready.changes.iter().map(ToString::to_string).collect();
    assert_eq!(changes[..3], ["removed Bcc", "removed Resent-Bcc", "added Resent-Date"]);
}

#[test]
fn of_several_who_send_a_message_on_the_first_is_the_sender() {
    // 5322-3.6.6
    let source = || Source::held("To: t@y.example\r\n\r\n", "m");
    let ready = resend(source(), &resent_by("a@x.example, b@x.example")).unwrap();
    let octets = String::from_utf8(written(&ready.message)).unwrap();
    let expected = "Resent-From: a@x.example, b@x.example\r\nResent-Sender: a@x.example\r\n";
    assert!(octets.contains(expected), "{octets}");
    for from in ["", "G: a@x.example;"] {
        assert!(resend(source(), &resent_by(from)).is_err(), "{from}");
    }
}
