use super::*;
use crate::message::{Source, addresses};
use proptest::prelude::*;
use std::io::Read;
use std::sync::Arc;

const ORIGINAL: &str = "From: Me <me@x.example>\r\nTo: bob@y.example\r\n\
    Date: Mon, 23 Nov 2026 04:03:37 +0100\r\nMessage-ID: <1@x.example>\r\n\
    Subject: Hello\r\n\r\nA text.\r\n";

fn about(original: &[u8]) -> StatusReport {
    // What stands around it in a source is not its own.
    let octets = [b"before\r\n\r\n", original, b"behind\r\n"].concat();
    let range = 10..10 + original.len() as u64;
    let source = Arc::new(Source::held(octets, "original"));
    StatusReport {
        action: Action::Failed,
        reporter: Reporter::named("host.example.org"),
        from: addresses("Mail Delivery System <postmaster@host.example.org>").unwrap().remove(0),
        to: "me@x.example".parse().unwrap(),
        date: "2026-11-28T04:03:37+01:00[+01:00]".parse().unwrap(),
        message_id: "<report@host.example.org>".to_owned(),
        arrived: "2026-11-23T03:03:40Z".parse().unwrap(),
        envid: None,
        ret: None,
        recipients: vec![refused("bob@y.example", "5.1.1 No such user here")],
        original: Original { source, range },
    }
}

fn refused(path: &str, text: &str) -> RecipientStatus {
    let reply = Reply::new(550, text).unwrap().with_enhanced();
    RecipientStatus {
        path: path.parse().unwrap(),
        orcpt: None,
        status: reply.status(),
        server: Some("mail.y.example".to_owned()),
        diagnostic: Diagnostic::Replied(reply),
        last_attempt: Some("2026-11-28T03:00:00Z".parse().unwrap()),
    }
}

fn delayed(original: &[u8]) -> StatusReport {
    let will_retry_until = "2026-12-01T00:00:00Z".parse().unwrap();
    StatusReport { action: Action::Delayed { will_retry_until }, ..about(original) }
}

fn octets(message: &Message) -> Vec<u8> {
    let mut octets = Vec::new();
    message.open().unwrap().read_to_end(&mut octets).unwrap();
    assert_eq!(octets.len() as u64, message.facts().size);
    octets
}

/// The header, and each part with its own, for a way of this width.
fn parts_for(report: StatusReport, width: Width) -> Vec<String> {
    let message = report.into_message().unwrap();
    let octets = octets(message.fitted(width).unwrap());
    let text = String::from_utf8_lossy(&octets).into_owned();
    for line in text.split("\r\n") {
        assert!(line.len() <= 998 && !line.contains(['\r', '\n']), "{line}");
    }
    let (_, start) = text.split_once("boundary=\"").unwrap();
    let (boundary, _) = start.split_once('"').unwrap();
    let (all, end) = text.rsplit_once(&format!("\r\n--{boundary}--")).unwrap();
    assert_eq!(end, "\r\n");
    all.split(&format!("--{boundary}\r\n")).map(str::to_owned).collect()
}

fn parts(report: StatusReport) -> Vec<String> {
    parts_for(report, Width::WIDE)
}

fn unfolded(text: &str) -> String {
    text.replace("\r\n ", " ")
}

/// The fields for programs.
fn status(report: StatusReport) -> String {
    let part = unfolded(&parts(report)[2]);
    let (header, fields) = part.split_once("\r\n\r\n").unwrap();
    assert_eq!(header, "Content-Type: message/delivery-status\r\nContent-Transfer-Encoding: 7bit");
    fields.replace("\r\n", "\n")
}

#[test]
fn a_report_says_what_it_is_and_which_message_it_answers() {
    //
    let report = about(ORIGINAL.as_bytes());
    let envelope = report.envelope();
    assert_eq!((&envelope.from, envelope.ret), (&ReversePath::NULL, None));
    assert!(!envelope.asks_for_reports() && envelope.to().len() == 1);
    let parts = parts(report);
    let header = unfolded(&parts[0]);
    for field in [
        "Date: Sat, 28 Nov 2026 04:03:37 +0100",
        "From: Mail Delivery System <postmaster@host.example.org>",
        "To: me@x.example",
        "Subject: Mail could not be delivered: Hello",
        "Message-ID: <report@host.example.org>",
        "In-Reply-To: <1@x.example>",
        "References: <1@x.example>",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=\"",
    ] {
        assert!(header.lines().any(|line| line.starts_with(field)), "{field}\n{header}");
    }
    assert_eq!(parts.len(), 4);
    assert!(parts[1].starts_with("Content-Type: text/plain; charset=us-ascii\r\n"));
    let original = format!(
        "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n\r\n{ORIGINAL}"
    );
    assert_eq!(parts[3], original);
}

#[test]
fn people_read_what_happened_to_which_message_and_what_to_do() {
    let mut report = about(ORIGINAL.as_bytes());
    report.recipients.push(RecipientStatus {
        status: EnhancedCode::TRANSIENT,
        server: None,
        diagnostic: Diagnostic::Ours("cannot connect to mail.z.example".to_owned()),
        last_attempt: None,
        ..refused("eve@z.example", "")
    });
    let text = parts(report)[1].replace("\r\n", "\n");
    let (_, text) = text.split_once("\n\n").unwrap();
    assert_eq!(
        text,
        "This is the mail system of host.example.org.

Your message could not be delivered to 2 of its recipients.

It is this message:

    Subject: Hello
    Date:    Mon, 23 Nov 2026 04:03:37 +0100

bob@y.example
    The server mail.y.example answered:
        550 5.1.1 No such user here
    That was on Sat, 28 Nov 2026 04:00:00 +0100.
    Look for a mistake in the address. If there is one, send the message again
    to the right address.

eve@z.example
    cannot connect to mail.z.example
    It was tried for as long as this machine tries. Send the message again later,
    or tell the recipient in another way.

A report for programs is enclosed, and your message or its header.
\n"
    );
}

#[test]
fn the_fields_for_programs_are_those_that_are_known() {
    // 3464-2.1, 3464-2.2
    let mut report = about(ORIGINAL.as_bytes());
    report.envid = Some("A b+c".parse().unwrap());
    report.recipients[0].path = "Bob@Y.example".parse().unwrap();
    report.recipients[0].orcpt = Orcpt::from_wire("rfc822;Bo+2Bb@x.example", false);
    report.recipients.push(RecipientStatus {
        status: EnhancedCode::PERMANENT,
        server: None,
        diagnostic: Diagnostic::Ours("the name has no address".to_owned()),
        last_attempt: None,
        ..refused("eve@z.example", "")
    });
    assert_eq!(
        status(report),
        "Original-Envelope-Id: A b+c
Reporting-MTA: dns; host.example.org
Arrival-Date: Mon, 23 Nov 2026 04:03:40 +0100

Original-Recipient: rfc822;Bo+b@x.example
Final-Recipient: rfc822;Bob@Y.example
Action: failed
Status: 5.1.1
Remote-MTA: dns; mail.y.example
Diagnostic-Code: smtp; 550 5.1.1 No such user here
Last-Attempt-Date: Sat, 28 Nov 2026 04:00:00 +0100

Final-Recipient: rfc822;eve@z.example
Action: failed
Status: 5.0.0
Diagnostic-Code: x-envoi; the name has no address

"
    );
}

#[test]
fn a_delay_says_until_when_it_is_tried_and_brings_the_header_back() {
    // Q-10, 3464-2.2
    let report = StatusReport { ret: Some(Ret::Full), ..delayed(ORIGINAL.as_bytes()) };
    let parts = parts(report);
    assert!(parts[0].contains("\r\nSubject: Mail is delayed: Hello\r\n"), "{}", parts[0]);
    assert!(parts[1].contains("until Tue, 1 Dec 2026 01:00:00 +0100."), "{}", parts[1]);
    assert!(parts[1].contains("Please do not send it again."));
    assert!(parts[2].contains("\r\nAction: delayed\r\n"));
    assert!(parts[2].contains("\r\nWill-Retry-Until: Tue, 1 Dec 2026 01:00:00 +0100\r\n"));
    assert!(parts[3].starts_with("Content-Type: text/rfc822-headers\r\n"));
    assert!(!parts[3].contains("A text."));
    assert!(!status(about(ORIGINAL.as_bytes())).contains("Will-Retry-Until"));
}

#[test]
fn a_machine_without_a_full_name_is_told_by_its_own() {
    // 3464-2.2
    for (host, expected) in [
        ("host.example.org.", "Reporting-MTA: dns; host.example.org\n"),
        ("laptop", "Reporting-MTA: x-local-hostname; laptop\n"),
        ("my_host.lan", "Reporting-MTA: x-local-hostname; my_host.lan\n"),
        ("a\r\nX: y", "Reporting-MTA: x-local-hostname; a??X: y\n"),
    ] {
        let report = StatusReport { reporter: Reporter::named(host), ..about(ORIGINAL.as_bytes()) };
        let status = status(report);
        assert!(status.starts_with(expected), "{status}");
    }
}

#[test]
fn how_much_of_the_message_comes_back_is_as_asked_within_limits() {
    //
    let of_size = |size: u64| {
        let line = format!("{}\r\n", "x".repeat(70));
        let times = usize::try_from(size).unwrap() / line.len();
        [ORIGINAL.as_bytes(), line.repeat(times).as_bytes()].concat()
    };
    let (small, medium) = (of_size(40 * 1024), of_size(60 * 1024));
    let large = of_size(LARGEST_ASKED_FOR);
    for (original, ret, whole) in [
        (&small, None, true),
        (&small, Some(Ret::Full), true),
        (&small, Some(Ret::Headers), false),
        (&medium, None, false),
        (&medium, Some(Ret::Full), true),
        (&large, Some(Ret::Full), false),
    ] {
        let parts = parts(StatusReport { ret, ..about(original) });
        let is_whole = parts[3].starts_with("Content-Type: message/rfc822\r\n");
        assert_eq!(is_whole, whole, "{} {ret:?}", original.len());
        assert_eq!(parts[3].contains("A text."), whole);
    }
}

/// As large as can be sent, and a file that takes no room.
#[test]
fn of_a_huge_message_only_the_header_is_read() {
    let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
    std::fs::write(&path, ORIGINAL).unwrap();
    let file = std::fs::File::options().append(true).open(&path).unwrap();
    file.set_len(1 << 40).unwrap();
    let source = Arc::new(Source::open(&*path).unwrap());
    let original = Original { range: 0..source.length(), source };
    let report = StatusReport { ret: Some(Ret::Full), original, ..about(b"") };
    let parts = parts(report);
    assert!(parts[3].starts_with("Content-Type: text/rfc822-headers\r\n"));
    assert!(parts[3].ends_with("Subject: Hello\r\n"), "{}", parts[3]);
}

#[test]
fn a_message_of_8_bits_is_encoded_anew_for_a_way_of_7_or_leaves_its_header() {
    //
    let text = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
        Content-Transfer-Encoding: 8bit\r\nSubject: a\r\n\r\nGr\u{fc}\u{df}e\r\n";
    let wide = parts(about(text.as_bytes()));
    let start = "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n";
    assert_eq!(wide[3], format!("{start}{text}"));
    assert!(wide[0].ends_with("Content-Transfer-Encoding: 8bit\r\n\r\n"), "{}", wide[0]);
    let narrow = parts_for(about(text.as_bytes()), Width::SEVEN_BIT);
    assert!(narrow.iter().all(|part| part.is_ascii()));
    assert!(
        narrow[3].starts_with("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit")
    );
    assert!(narrow[3].ends_with(": base64\r\n\r\nR3LDvMOfZQ0K\r\n"), "{}", narrow[3]);

    let signed = "Subject: a\r\nContent-Type: multipart/signed; boundary=b\r\n\r\n\
        --b\r\n\r\nGr\u{fc}\u{df}e\r\n--b--\r\n";
    assert!(parts(about(signed.as_bytes()))[3].contains("Gr\u{fc}\u{df}e"));
    let narrow = parts_for(about(signed.as_bytes()), Width::SEVEN_BIT);
    let head = "Content-Type: text/rfc822-headers\r\nContent-Transfer-Encoding: 7bit\r\n\r\n\
        Subject: a\r\nContent-Type: multipart/signed; boundary=b\r\n";
    assert_eq!(narrow[3], head);
}

#[test]
fn what_is_beyond_ascii_stands_as_it_is_only_on_a_way_with_smtputf8() {
    // 6533-4
    let original = "From: \u{e9}@x.example\r\nSubject: Gr\u{fc}\u{df}e\r\n\r\nA text.\r\n";
    let report = || {
        let orcpt = Orcpt::from_wire("utf-8;\u{e9}\\x{2B}x@y.example", true);
        let recipients = vec![RecipientStatus { orcpt, ..refused("\u{f6}@y.example", "no") }];
        StatusReport { recipients, ..about(original.as_bytes()) }
    };
    let message = report().into_message().unwrap();
    assert!(message.facts().utf8_header && message.facts().eight_bit);
    let wide = parts(report());
    let start =
        "Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit\r\n";
    assert!(wide[2].starts_with(start), "{}", wide[2]);
    assert!(wide[2].contains("\r\nOriginal-Recipient: utf-8;\u{e9}+x@y.example\r\n"));
    assert!(wide[2].contains("\r\nFinal-Recipient: utf-8;\u{f6}@y.example\r\n"));
    let start = "Content-Type: message/global\r\nContent-Transfer-Encoding: 8bit\r\n\r\n";
    assert_eq!(wide[3], format!("{start}{original}"));
    let headers = parts(StatusReport { ret: Some(Ret::Headers), ..report() });
    let start = "Content-Type: message/global-headers\r\nContent-Transfer-Encoding: 8bit\r\n\r\n";
    assert_eq!(headers[3], format!("{start}{}\r\n", original.split_once("\r\n\r\n").unwrap().0));

    // 8BITMIME alone is not enough (RFC 6533 §4.5).
    for eight_bit in [false, true] {
        let width = Width { eight_bit, utf8_header: false, binary: false };
        let message = report().into_message().unwrap();
        let facts = message.fitted(width).unwrap().facts();
        assert!(!facts.utf8_header && !facts.eight_bit);
        let narrow = parts_for(report(), width);
        assert!(narrow.iter().all(|part| part.is_ascii()));
        assert!(unfolded(&narrow[0]).contains("Subject: =?utf-8?"), "{}", narrow[0]);
        assert!(narrow[1].contains("Content-Transfer-Encoding: quoted-printable"));
        assert!(narrow[2].starts_with("Content-Type: message/delivery-status\r\n"));
        let field = "\r\nOriginal-Recipient: utf-8;\\x{E9}\\x{2B}x@y.example\r\n";
        assert!(narrow[2].contains(field), "{}", narrow[2]);
        assert!(narrow[2].contains("\r\nFinal-Recipient: utf-8;\\x{F6}@y.example\r\n"));
        let start =
            "Content-Type: message/global\r\nContent-Transfer-Encoding: quoted-printable\r\n";
        assert!(narrow[3].starts_with(start), "{}", narrow[3]);
        assert!(narrow[3].contains("Subject: Gr=C3=BC=C3=9Fe\r\n"));
        let headers = parts_for(StatusReport { ret: Some(Ret::Headers), ..report() }, width);
        let start = "Content-Type: message/global-headers\r\n\
            Content-Transfer-Encoding: quoted-printable\r\n\r\nFrom: =C3=A9@x.example\r\n";
        assert!(headers[3].starts_with(start), "{}", headers[3]);
    }
}

#[test]
fn what_needs_nothing_is_written_for_any_server() {
    // 6533-4
    let message = about(ORIGINAL.as_bytes()).into_message().unwrap();
    assert!(!message.facts().utf8_header && !message.facts().eight_bit);
}

#[test]
fn a_reply_of_several_lines_is_told_line_by_line() {
    let mut report = about(ORIGINAL.as_bytes());
    report.recipients[0] = refused("bob@y.example", "5.7.1 Not so\n5.7.1 See there");
    let all = parts(report);
    assert!(all[1].contains("        550 5.7.1 Not so\r\n        550 5.7.1 See there\r\n"));
    assert!(
        all[1].contains("show this to\r\n    whoever runs mail.y.example, or tell"),
        "{}",
        all[1]
    );
    // RFC 3461 §9.2
    let status = unfolded(&all[2]);
    let code = "Diagnostic-Code: smtp; 550-5.7.1 Not so 550 5.7.1 See there\r\n";
    assert!(status.contains(code), "{status}");
}

#[test]
fn who_can_help_is_whoever_gave_the_reason() {
    let mut report = about(ORIGINAL.as_bytes());
    report.recipients[0].status = EnhancedCode::PERMANENT;
    report.recipients[0].diagnostic = Diagnostic::Ours("the password is wrong".to_owned());
    report.recipients[0].server = None;
    let text = parts(report)[1].clone();
    let helper = "show this to\r\n    Mail Delivery System <postmaster@host.example.org>, or tell";
    assert!(text.contains(helper), "{text}");
}

#[test]
fn a_message_without_what_a_header_has_is_reported_all_the_same() {
    for original in ["", "\r\n", "\r\na text\r\n", "Message-ID: none\r\nSubject: \r\n\r\n"] {
        let parts = parts(about(original.as_bytes()));
        assert_eq!(parts.len(), 4, "{original:?}");
        assert!(parts[0].contains("\r\nSubject: Mail could not be delivered\r\n"));
        assert!(!parts[0].contains("In-Reply-To") && !parts[0].contains("References"));
        assert!(!parts[1].contains("It is this message"));
    }
    let endless = format!("X: {}\r\n\r\n", "a\r\n ".repeat(400_000));
    let parts = parts(about(endless.as_bytes()));
    assert_eq!(parts.len(), 3);
    assert!(parts[1].contains("A report for programs is enclosed.\r\n"));
}

#[test]
fn a_message_that_has_gone_is_named() {
    let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
    std::fs::write(&path, ORIGINAL).unwrap();
    let source = Arc::new(Source::open(&*path).unwrap());
    std::fs::write(&path, "").unwrap();
    let original = Original { range: 0..source.length(), source };
    let report = StatusReport { original, ..about(b"") };
    assert!(matches!(report.into_message(), Err(Error::Changed(_))));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_text_of_others_breaks_the_report(
        said in "(\r\n|\n|\0|\u{1b}|\u{202e}|é|--=_|[ -~]|x{700}){0,12}",
        field in "(Subject|Date|Message-ID|X): (\u{1b}|é|=\\?utf-8\\?q\\?=0A=0DX\\?=|[ -~]|x{1200}){0,9}",
        seven_bit in any::<bool>(),
    ) {
        let width = if seven_bit { Width::SEVEN_BIT } else { Width::WIDE };
        let mut report = about(format!("{field}\r\nTo: a@b.c\r\n\r\na\r\n").as_bytes());
        let own = RecipientStatus {
            diagnostic: Diagnostic::Ours(said.clone()),
            server: Some(said.clone()),
            ..refused("eve@z.example", "")
        };
        report.recipients = vec![refused("bob@y.example", &said), own];
        report.reporter = Reporter::Local(said);
        let parts = parts_for(report, width);
        prop_assert_eq!(parts.len(), 4);
        let status = unfolded(&parts[2]);
        let groups: Vec<_> = status.trim_end().split("\r\n\r\n").collect();
        prop_assert_eq!(groups.len(), 4, "{}", status);
        let names: Vec<_> = groups[2].lines().map(|line| line.split(':').next().unwrap()).collect();
        let expected = ["Final-Recipient", "Action", "Status", "Remote-MTA", "Diagnostic-Code",
            "Last-Attempt-Date"];
        prop_assert_eq!(&names, &expected);
        let header = unfolded(&parts[0]);
        prop_assert!(header.lines().filter(|line| line.starts_with("Subject:")).count() == 1);
        prop_assert!(!parts[0].contains(|c: char| c.is_control() && !"\r\n".contains(c)));
    }
}
