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
    let ready = complete(Source::held(octets.as_ref(), "m"), &additions(), REPAIRS)?;
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

const REPAIRS: Repairs =
    Repairs { long_lines: Repair::Reencode, eight_bit: Repair::Reencode, stray_cr: StrayCr::Space };

const DATE: &str = "Date: Mon, 23 Nov 2026 04:03:37 +0100\r\n";
const FROM: &str = "From: A <a@x.example>\r\n";
const ID: &str = "Message-ID: <id@x.example>\r\n";

/// A header that lacks nothing.
const WHOLE: &str = "From: b@y.example\r\nDate: x\r\nMessage-ID: <1@y.example>\r\n";

#[test]
fn a_message_that_lacks_nothing_stays_octet_for_octet() {
    // 5322-2.2, 5322-3.6.7, 2049
    for body in ["", "\r\n", "\r\nhello\r\n", "\r\n.\r\n\r\n", "X : y\r\n\tz\r\n \r\n\r\ne\r\n"] {
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
    let ready = complete(Source::held(message, "m"), &additions(), REPAIRS).unwrap();
    let shown = |list: Vec<Mailbox>| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        shown(ready.recipients().unwrap()),
        ["a@x.example", "b@x.example", "c@x.example", "d@x.example"]
    );
    assert_eq!(shown(ready.from().unwrap()), ["e@x.example"]);
    let ready = complete(Source::held("To: root\r\n\r\n", "m"), &additions(), REPAIRS).unwrap();
    assert_eq!(
        ready.recipients().unwrap_err().to_string(),
        "‘root’ is not a mail address: it has no @ and no domain"
    );
    assert_eq!(shown(ready.from().unwrap()), ["a@x.example"]);
}

#[test]
fn an_address_that_is_not_utf_8_is_refused_rather_than_changed() {
    let ready =
        complete(Source::held(*b"To: j\xf6rg@x.example\r\n\r\n", "m"), &additions(), REPAIRS);
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
            vec!["turned 4 line ends from LF into CRLF", "replaced 3 CR that ended no line"],
        ),
    ] {
        let (written, changes) = completed(format!("{lf}{body}")).unwrap();
        assert_eq!(written, format!("{WHOLE}{expected}"));
        assert_eq!(changes, change);
    }
}

fn repaired(message: impl AsRef<[u8]>, repairs: Repairs) -> Result<(String, Vec<String>), Error> {
    let ready = complete(Source::held(message.as_ref(), "m"), &additions(), repairs)?;
    let changes = ready.changes.iter().map(ToString::to_string).collect();
    Ok((String::from_utf8(written(&ready.message)).unwrap(), changes))
}

#[test]
fn nul_and_overlong_lines_are_encoded_or_refused_with_their_line() {
    // 5321-4.1.1.4n, 5321-4.5.3.1.6, D7
    let (fits, long) = ("a".repeat(998), "a".repeat(999));
    let whole = format!("{WHOLE}\r\n{fits}\r\n{fits}\r\n");
    assert_eq!(completed(&whole).unwrap(), (whole, vec![]));
    for body in [format!("b\r\n{long}\r\n"), format!("b\n{long}"), long.repeat(20), "a\0b".into()] {
        let (written, changes) = completed(format!("{WHOLE}\r\n{body}")).unwrap();
        let expected = "MIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n";
        assert!(written.starts_with(&format!("{WHOLE}{expected}")), "{written}");
        assert_eq!(changes.last().unwrap(), "encoded 1 part anew, which the way cannot carry");
        assert!(written.lines().all(|line| line.len() <= 76));
    }
    let reject = Repairs { long_lines: Repair::Reject, ..REPAIRS };
    let signed = "Content-Type: multipart/signed; boundary=x\r\n\r\n--x\r\n\r\n";
    for (message, repairs, expected) in [
        (format!("{WHOLE}\r\nb\r\n{long}\r\n"), reject, "more than 998 octets in line 6"),
        (format!("{WHOLE}\nb\n{long}"), reject, "more than 998 octets in line 6"),
        (format!("A: {long}\r\n\r\n"), reject, "more than 998 octets in line 1"),
        (format!("References: <{long}>\r\n\r\n"), REPAIRS, "more than 998 octets in line 1"),
        ("A: \0\r\n\r\n".into(), REPAIRS, "a NUL octet in line 1"),
        (
            format!("{WHOLE}{signed}{long}\r\n--x--\r\n"),
            REPAIRS,
            "in line 8, which mail cannot carry, and its multipart/signed part may not be changed",
        ),
        (
            format!("{WHOLE}DKIM-Signature: x\r\n\r\na\0\r\n"),
            REPAIRS,
            "in line 6, which mail cannot carry, and its DKIM signature would no longer hold",
        ),
    ] {
        let error = repaired(message, repairs).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let pass = Repairs { long_lines: Repair::Pass, ..REPAIRS };
    let message = format!("{WHOLE}A: {long}\r\n\r\n{long}\r\n");
    assert_eq!(repaired(&message, pass).unwrap(), (message, vec![]));
    let large = completed("A: b\r\n".repeat(200_000)).unwrap_err();
    assert!(matches!(large, Error::HeaderTooLarge(_)));
}

#[test]
fn a_byte_order_mark_hides_no_field() {
    let (written, changes) = completed(format!("\u{feff}{WHOLE}\r\nhi\r\n")).unwrap();
    assert_eq!(written, format!("{WHOLE}\r\nhi\r\n"));
    assert_eq!(changes, ["removed the byte order mark before the header"]);
}

#[test]
fn a_long_line_of_a_header_is_folded() {
    // 5321-4.5.3.1.6, 5322-2.2.3
    let (written, changes) =
        completed(format!("{WHOLE}X-Long: {}\r\n\r\n", "ab ".repeat(500))).unwrap();
    assert_eq!(changes, ["folded lines of the header that were too long"]);
    assert!(written.lines().all(|line| line.len() <= 78 && line != " "));
    assert_eq!(written.replace("\r\n ", " ").lines().nth(3).unwrap().len(), 8 + 1499);
}

#[test]
fn a_stray_cr_in_a_body_is_what_the_configuration_says() {
    // 5321-2.3.8c, D6
    for (stray_cr, expected) in [
        (StrayCr::Space, Some("a b\r\n")),
        (StrayCr::Crlf, Some("a\r\nb\r\n")),
        (StrayCr::Reject, None),
    ] {
        let written = repaired(format!("{WHOLE}\r\na\rb\r\n"), Repairs { stray_cr, ..REPAIRS });
        match expected {
            Some(body) => assert_eq!(written.unwrap().0, format!("{WHOLE}\r\n{body}")),
            None => assert!(matches!(written, Err(Error::StrayCr(_)))),
        }
    }
    let crlf = Repairs { stray_cr: StrayCr::Crlf, ..REPAIRS };
    let (written, _) = repaired(format!("{WHOLE}X: a\rBcc: b\r\n\r\n"), crlf).unwrap();
    assert!(written.contains("X: a Bcc: b\r\n"), "{written}");
}

#[test]
fn text_that_is_8_bit_without_saying_so_is_labelled() {
    // 6152, 2049
    const VERSION: &str = "MIME-Version: 1.0\r\n";
    const EIGHT_BIT: &str = "Content-Transfer-Encoding: 8bit\r\n";
    let type_of = |charset: &str| format!("Content-Type: text/plain; charset={charset}\r\n");
    for (header, octets, expected) in [
        ("", &b"n\xc3\xa9"[..], format!("{}{VERSION}{EIGHT_BIT}", type_of("utf-8"))),
        ("", b"n\xe9", format!("{}{VERSION}{EIGHT_BIT}", type_of("unknown-8bit"))),
        (
            "Content-Type: text/html\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: 7bit\r\n",
            b"\xc3\xa9",
            format!("Content-Type: text/html;\r\n charset=utf-8\r\n{VERSION}{EIGHT_BIT}"),
        ),
        (
            "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=x\r\nContent-Transfer-Encoding: 8bit\r\n",
            b"\xe9",
            format!("{VERSION}{}{EIGHT_BIT}", type_of("x")),
        ),
    ] {
        let message = [WHOLE.as_bytes(), header.as_bytes(), b"\r\n", octets, b"\r\n"].concat();
        let ready = complete(Source::held(message, "m"), &additions(), REPAIRS).unwrap();
        let expected = [WHOLE.as_bytes(), expected.as_bytes(), b"\r\n", octets, b"\r\n"].concat();
        let octets = written(&ready.message);
        assert_eq!(String::from_utf8_lossy(&octets), String::from_utf8_lossy(&expected));
    }
}

#[test]
fn a_message_without_from_needs_one() {
    let additions = Additions { from: Vec::new(), ..additions() };
    assert!(matches!(complete(Source::held("a", "m"), &additions, REPAIRS), Err(Error::NoFrom)));
}

#[test]
fn a_new_message_id_is_at_the_domain_of_from() {
    let additions = Additions { message_id: None, ..additions() };
    for (message, domain) in
        [("", "x.example"), ("From: b@y.example\n\n", "y.example"), ("From: root\n\n", "x.example")]
    {
        let ready = complete(Source::held(message, "m"), &additions, REPAIRS).unwrap();
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
        let ready = complete(Source::held(message, "m"), &additions(), REPAIRS).unwrap();
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
    for text in strings("\r\n.a\0", 6).iter().filter(|text| text.contains('\0')) {
        let (written, _) = completed(format!("{WHOLE}\r\n{text}")).unwrap();
        assert!(!written.replace("\r\n", "").contains(['\r', '\n', '\0']), "{text:?}");
        assert!(written.ends_with("\r\n"), "{text:?}");
    }
}

#[test]
fn small_buffers_and_large_ones_give_the_same_octets_twice() {
    for end in ["\n", "\r\n", "\r\r\n"] {
        let body = format!("a line{end}.{end}").repeat(30_000);
        let source = Source::held(format!("{WHOLE}\r\n{body}"), "m");
        let ready = complete(source, &additions(), REPAIRS).unwrap();
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
        let ready = complete(Source::open(file.path()).unwrap(), &additions(), REPAIRS).unwrap();
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

#[test]
fn a_file_that_changes_without_showing_it_is_noticed() {
    // Its length and its time are what they were.
    let lines = "a line\r\n".repeat(50_000);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(format!("{WHOLE}\r\n{lines}").as_bytes()).unwrap();
    let ready = complete(Source::open(file.path()).unwrap(), &additions(), REPAIRS).unwrap();
    let time = file.as_file().metadata().unwrap().modified().unwrap();
    std::os::unix::fs::FileExt::write_all_at(file.as_file(), b"A", 300_000).unwrap();
    file.as_file().set_modified(time).unwrap();
    let error = ready.message.open().unwrap().read_to_end(&mut Vec::new()).unwrap_err();
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    assert!(matches!(inner, Some(Error::Changed(path)) if path == file.path()));
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
    let ready = resend(Source::held(source, "m"), &resent_by("A <a@x.example>"), REPAIRS).unwrap();
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
    let ready = resend(source(), &resent_by("a@x.example, b@x.example"), REPAIRS).unwrap();
    let octets = String::from_utf8(written(&ready.message)).unwrap();
    let expected = "Resent-From: a@x.example, b@x.example\r\nResent-Sender: a@x.example\r\n";
    assert!(octets.contains(expected), "{octets}");
    for from in ["", "G: a@x.example;"] {
        assert!(resend(source(), &resent_by(from), REPAIRS).is_err(), "{from}");
    }
}

#[test]
fn a_field_that_says_nothing_is_as_good_as_missing() {
    // 5322-3.6a, 5321-6.4
    let (written, changes) =
        completed("From: \r\nTo: t@y.example\r\nDate:\r\n \r\nMessage-ID:\r\n\r\nhi\r\n").unwrap();
    assert_eq!(written, format!("To: t@y.example\r\n{DATE}{FROM}{ID}\r\nhi\r\n"));
    assert_eq!(
        changes,
        [
            "removed From",
            "removed Date",
            "removed Message-ID",
            "added Date",
            "added From",
            "added Message-ID"
        ]
    );
}

fn warnings(message: &str) -> Vec<String> {
    let ready = complete(Source::held(message, "m"), &additions(), REPAIRS).unwrap();
    ready.warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn a_field_that_stands_twice_is_warned_about() {
    // 5322-3.6a
    let twice = "the message has more than one ";
    for (fields, expected) in [
        ("Subject: a\r\nX: b\r\nX: c\r\nReceived: d\r\nReceived: e\r\n", vec![]),
        ("Subject: a\r\nSUBJECT : b\r\nSubject: c\r\n", vec!["Subject"]),
        ("From: c@y.example\r\nTo: d@y.example\r\nto: e@y.example\r\n", vec!["From", "To"]),
    ] {
        let found = warnings(&format!("{WHOLE}{fields}\r\nhi\r\n"));
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (warning, name) in found.iter().zip(expected) {
            assert!(warning.starts_with(&format!("{twice}{name},")), "{warning}");
        }
    }
}

#[test]
fn a_signature_that_may_no_longer_hold_is_warned_about() {
    // 6376-3.7, 3156-3/5
    let signed = "DKIM-Signature: v=1\r\n";
    let sealed = "Content-Type: multipart/signed; boundary=x\r\n";
    for (message, is_broken) in [
        (format!("{signed}{WHOLE}\r\nhi\r\n"), false),
        (format!("{signed}{WHOLE}\nhi"), false),
        (format!("{signed}{WHOLE}\r\nh\ri\r\n"), true),
        (format!("{signed}From: b@y.example\r\n\r\nhi\r\n"), true),
        (format!("{WHOLE}{sealed}\r\n--x\r\n\r\nhi\r\n--x--\r\n"), false),
        (format!("{WHOLE}{sealed}\r\n--x\r\n\r\nh\ri\r\n--x--\r\n"), true),
        (format!("{WHOLE}\r\nh\ri\r\n"), false),
    ] {
        let found = warnings(&message);
        let told = found.iter().any(|warning| warning.contains("may no longer hold"));
        assert_eq!(told, is_broken, "{message:?}: {found:?}");
    }
}
