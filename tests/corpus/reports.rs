//! Reports of our own, which no command line makes: what others read in them.

use crate::reading::{Reader, read_by_script, sha256};
use envoi::message::{
    Action, Diagnostic, Original, RecipientStatus, Reporter, Source, StatusReport, Width, addresses,
};
use envoi::smtp::{EnhancedCode, Orcpt, Reply, Ret};
use serde_json::{Value, json};
use std::io::Read;
use std::sync::Arc;

/// A report as one way carries it, and what must be read in it.
struct Case {
    octets: Vec<u8>,
    /// The types of its parts.
    types: [&'static str; 3],
    /// The fields of the last recipient.
    group: Value,
    /// What came back.
    subject: &'static str,
    text: &'static str,
}

const PLAIN: &str = "From: me@x.example\r\nSubject: Hello\r\n\r\nA text.\r\n";
const EIGHT_BIT: &str = "MIME-Version: 1.0\r\nSubject: Hello\r\n\
    Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGrüße\r\n";
const UTF8: &str = "MIME-Version: 1.0\r\nSubject: Grüße\r\n\
    Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGrüße\r\n";

const TYPES: [&str; 3] = ["text/plain", "message/delivery-status", "message/rfc822"];
const HEADER: [&str; 3] = ["text/plain", "message/delivery-status", "text/rfc822-headers"];

fn cases() -> Vec<Case> {
    let eight_bit = Width { eight_bit: true, utf8_header: false, binary: false };
    let delay = Action::Delayed { will_retry_until: "2026-12-01T00:00:00Z".parse().unwrap() };
    let group = || {
        json!({
            "Original-Recipient": "rfc822;bob+x@y.example",
            "Final-Recipient": "rfc822;Bob@y.example",
            "Action": "failed",
            "Status": "5.1.1",
            "Remote-MTA": "dns; mail.y.example",
            "Diagnostic-Code": "smtp; 550-5.1.1 No such user 550 5.1.1 (see there) ??[2J: x",
            "Last-Attempt-Date": "Sat, 28 Nov 2026 03:00:00 +0000",
        })
    };
    let with = |mut group: Value, fields: Value| {
        group.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        group
    };
    let delayed =
        json!({ "Action": "delayed", "Will-Retry-Until": "Tue, 1 Dec 2026 00:00:00 +0000" });
    let global = ["text/plain", "message/global-delivery-status", "message/global"];
    let raw = json!({
        "Original-Recipient": "utf-8;é+x@y.example", "Final-Recipient": "utf-8;ö@y.example",
    });
    let embedded = json!({
        "Original-Recipient": "utf-8;\\x{E9}\\x{2B}x@y.example",
        "Final-Recipient": "utf-8;\\x{F6}@y.example",
    });
    let failed = Action::Failed;
    let narrow = Width::SEVEN_BIT;
    let case = |octets, types, group, subject, text| Case { octets, types, group, subject, text };
    let half = ["text/plain", "message/delivery-status", "message/global"];
    vec![
        case(written(PLAIN, "Bob", failed, narrow), TYPES, group(), "Hello", "A text.\n"),
        case(written(PLAIN, "Bob", delay, narrow), HEADER, with(group(), delayed), "Hello", ""),
        case(written(EIGHT_BIT, "Bob", failed, eight_bit), TYPES, group(), "Hello", "Grüße\n"),
        case(written(EIGHT_BIT, "Bob", failed, narrow), TYPES, group(), "Hello", "Grüße\n"),
        case(
            written(UTF8, "ö", failed, Width::WIDE),
            global,
            with(group(), raw),
            "Grüße",
            "Grüße\n",
        ),
        case(written(UTF8, "ö", failed, narrow), half, with(group(), embedded), "Grüße", "Grüße\n"),
    ]
}

/// A report of two recipients for a way of this width.
fn written(original: &str, local_part: &str, action: Action, width: Width) -> Vec<u8> {
    let source = Arc::new(Source::held(original, "original"));
    let said = "5.1.1 No such user\n5.1.1 (see there) \u{1b}\u{202e}[2J: x";
    let reply = Reply::new(550, said).unwrap().with_enhanced();
    let orcpt = if local_part.is_ascii() {
        "rfc822;bob+2Bx@y.example"
    } else {
        "utf-8;é\\x{2B}x@y.example"
    };
    let last_attempt = Some("2026-11-28T03:00:00Z".parse().unwrap());
    let first = RecipientStatus {
        path: "eve@z.example".parse().unwrap(),
        orcpt: None,
        status: EnhancedCode::TRANSIENT,
        server: None,
        diagnostic: Diagnostic::Ours("cannot connect to mail.z.example".to_owned()),
        last_attempt,
    };
    let second = RecipientStatus {
        path: format!("{local_part}@y.example").parse().unwrap(),
        orcpt: Orcpt::from_wire(orcpt, true),
        status: reply.status(),
        server: Some("mail.y.example".to_owned()),
        diagnostic: Diagnostic::Replied(reply),
        last_attempt,
    };
    let report = StatusReport {
        action,
        reporter: Reporter::named("host.example.org"),
        from: addresses("Mail Delivery System <postmaster@host.example.org>").unwrap().remove(0),
        to: "me@x.example".parse().unwrap(),
        date: "2026-11-28T04:03:37+00:00[UTC]".parse().unwrap(),
        message_id: "<report@host.example.org>".to_owned(),
        arrived: "2026-11-23T03:03:40Z".parse().unwrap(),
        envid: Some("A b".parse().unwrap()),
        ret: Some(Ret::Full),
        recipients: vec![first, second],
        original: Original { range: 0..source.length(), source },
    };
    let message = report.into_message().unwrap();
    let mut octets = Vec::new();
    message.fitted(width).unwrap().open().unwrap().read_to_end(&mut octets).unwrap();
    octets
}

#[test]
fn mail_parser_reads_the_parts_of_a_report() {
    parts_read_by(Reader::MailParser);
}

#[test]
#[ignore = "needs libemail-mime-perl: tests/run runs it"]
fn perl_reads_the_parts_of_a_report() {
    parts_read_by(Reader::Perl);
}

/// the parts, what people read, and what came back.
fn parts_read_by(reader: Reader) {
    let cases = cases();
    let octets: Vec<_> = cases.iter().map(|case| &case.octets[..]).collect();
    for (case, reading) in cases.iter().zip(reader.read(&octets)) {
        let shown = String::from_utf8_lossy(&case.octets);
        assert_eq!(reading["fields"]["auto-submitted"], json!(["auto-replied"]), "{shown}");
        let tree = reading["tree"].as_str().unwrap();
        let outer: Vec<_> = tree.lines().filter_map(|line| line.strip_prefix("  ")).collect();
        let outer: Vec<_> = outer.into_iter().filter(|line| !line.starts_with(' ')).collect();
        // RFC 6533 §4.4: of messages, only those in UTF-8 may be encoded.
        let encoded =
            outer.iter().map(|line| line.replace("/global in quoted-printable", "/global"));
        let outer: Vec<_> = encoded.collect();
        assert_eq!(outer, case.types, "{shown}");
        let leaves = reading["leaves"].as_array().unwrap();
        let words = leaves[0]["text"].as_str().unwrap();
        assert!(words.contains("550 5.1.1 (see there) ??[2J: x"), "{words}");
        let last = leaves.last().unwrap();
        match last["text"].as_str() {
            Some(text) => assert!(text.replace("\r\n", "\n").ends_with(case.text), "{shown}"),
            // Perl takes what is in UTF-8 for an octet stream.
            None => assert_eq!(last["sha256"], sha256(UTF8.as_bytes()), "{shown}"),
        }
    }
}

#[test]
#[ignore = "needs python3: tests/run runs it"]
fn python_reads_the_fields_of_a_report() {
    // Q-7, 3464-2.1, 3464-2.2, 6533-4
    let cases = cases();
    let octets: Vec<_> = cases.iter().map(|case| &case.octets[..]).collect();
    let readings = read_by_script(&octets, "/usr/bin/python3", "reports.py", "python3");
    for (case, reading) in cases.iter().zip(readings) {
        let shown = String::from_utf8_lossy(&case.octets);
        assert_eq!(reading["type"], "multipart/report");
        assert_eq!(reading["report-type"], "delivery-status");
        assert_eq!(reading["defects"], json!([]), "{shown}");
        assert_eq!(reading["status"], case.types[1], "{shown}");
        let of_message = json!({
            "Original-Envelope-Id": "A b",
            "Reporting-MTA": "dns; host.example.org",
            "Arrival-Date": "Mon, 23 Nov 2026 03:03:40 +0000",
        });
        let groups = reading["groups"].as_array().unwrap();
        assert_eq!(groups.len(), 3, "{shown}");
        assert_eq!((&groups[0], &groups[2]), (&of_message, &case.group), "{shown}");
        assert_eq!(groups[1]["Diagnostic-Code"], "x-envoi; cannot connect to mail.z.example");
        assert!(groups[1].get("Remote-MTA").is_none());
        let returned =
            json!([{ "type": case.types[2], "subject": case.subject, "text": case.text }]);
        assert_eq!(reading["returned"], returned, "{shown}");
    }
}
