//! Nothing in a message can be taken for its end, be the receiver ever so
//! lenient.

use envoi::message::{
    Additions, Address, Attachment, Draft, Message, Repairs, Source, StrayCr, Width, addresses,
    complete,
};
use envoi::sink::{Event, Settings, Sink};
use envoi::smtp::DotStuffer;
use proptest::prelude::*;
use std::io::{Read, Seek, Write};
use std::process::Command;

const HEADER: &str = "From: a@x.example\nDate: Mon, 23 Nov 2026 04:03:37 +0000\n\n";
const DATE: &str = "2026-11-23T04:03:37+01:00[+01:00]";

#[test]
fn no_message_holds_its_own_end() {
    // SEC-2, 5321-2.3.8, 5321-2.3.8c, 5321-4.5.2: every text up to this length.
    for text in texts(b"\r\n.a", 7) {
        check(&text, &as_is(&text).unwrap());
    }
}

#[test]
fn no_composed_message_holds_its_own_end() {
    // SEC-2, 5321-4.1.1.4n: every text up to this length.
    for text in texts(b"\r\n.a\0", 6) {
        check(&text, &written(&text).unwrap());
    }
    for text in texts(b"\r\n.a\0", 5) {
        check(&text, &attached(&text).unwrap());
        check_if_made(&text, forwarded(&text));
    }
}

#[test]
fn no_finished_message_holds_its_own_end() {
    // SEC-2, 5321-4.1.1.4n: every text up to this length.
    for text in texts(b"\r\n.a\0", 6) {
        check_if_made(&text, ready(HEADER, &text, StrayCr::Space));
    }
    for text in texts(b"\r\n.a\0", 5) {
        check_if_made(&text, ready(HEADER, &text, StrayCr::Crlf));
        check_if_made(&text, ready("", &text, StrayCr::Space));
    }
}

#[test]
fn no_message_holds_its_own_end_when_it_is_encoded_for_the_way() {
    // SEC-2, 6152-3: every text up to this length, with an octet above 127.
    for text in texts(b"\r\n.a\0", 5) {
        for text in [[&text[..], "é".as_bytes()].concat(), ["é".as_bytes(), &text].concat()] {
            let message = ready(HEADER, &text, StrayCr::Space).unwrap();
            let encoded = message.fitted(Width::SEVEN_BIT).unwrap();
            check(&text, encoded);
            assert!(sent(encoded, 4096).is_ascii(), "{}", text.escape_ascii());
        }
    }
}

#[test]
fn nul_is_refused() {
    for text in ["\0", "\r\n\0.\r\n", "\r\n.\0\r\n", "\r\n.\r\0\n"] {
        assert!(as_is(text.as_bytes()).is_none(), "{text:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_the_program_is_given_arrives(
        lines in proptest::collection::vec("[.]{0,3}a{0,3}\r?[. ]?", 1..40),
        ends in proptest::collection::vec("\r?\n", 1..10),
        times in 1..4000usize,
        is_ended: bool,
    ) {
        // 5321-4.5.2, SEC-2: over a socket, and many times as long as any buffer.
        let lines: Vec<_> = lines.iter().zip(ends.iter().cycle()).map(|(a, b)| format!("{a}{b}")).collect();
        let text = lines.concat().repeat(times);
        let text = if is_ended { &text } else { text.trim_end_matches(['\r', '\n']) };
        let header = "From: me@x.example\nDate: Mon, 23 Nov 2026 04:03:37 +0000\nMessage-ID: <1@x.example>\n\n";
        let given = format!("{header}{text}");
        let arrived = arrived(given.as_bytes());
        prop_assert!(arrived == canonical(&given), "{:?} {:?} {times} {is_ended}", lines, ends);
    }
}

/// RFC 5321 §2.3.8, in the plainest way to say it.
fn canonical(text: &str) -> Vec<u8> {
    let lines = text.strip_suffix('\n').unwrap_or(text).split('\n');
    let line = |line: &str| line.strip_suffix('\r').unwrap_or(line).replace('\r', " ") + "\r\n";
    lines.map(line).collect::<String>().into_bytes()
}

/// What a receiver took when the program was given this message.
fn arrived(message: &[u8]) -> Vec<u8> {
    let sink = Sink::start(Settings::default()).expect("starting the receiver");
    let mut file = tempfile::tempfile().expect("making a file");
    file.write_all(message).and_then(|()| file.rewind()).expect("writing a file");
    let output = Command::new(env!("CARGO_BIN_EXE_envoi"))
        .args(["send", "-q", "--message", "-", "a@x.example", "--server"])
        .arg(format!("smtp+notls://{}", sink.address()))
        .env_clear()
        .stdin(file)
        .output()
        .expect("starting envoi");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let stored = sink.events().try_iter().filter_map(|event| match event {
        Event::Stored(stored) => Some(stored.octets.expect("kept in memory")),
        _ => None,
    });
    let [octets] = <[Vec<u8>; 1]>::try_from(stored.collect::<Vec<_>>()).expect("one message");
    octets
}

#[test]
fn a_dot_at_every_edge_of_every_buffer_is_doubled() {
    // 5321-4.5.2: readers' buffers, and the blocks that sources are read in.
    let blocks = [4 * 1024, 8 * 1024, 64 * 1024, 128 * 1024];
    for (edge, end) in blocks.iter().flat_map(|edge| [(edge, "\n"), (edge, "\r\n")]) {
        for (at, dots) in (edge - 4..=edge + 4).flat_map(|at| [(at, "."), (at, ".."), (at, ".a")]) {
            let text = format!("{}{dots}{end}.{end}b{end}", lines(at, end));
            let message = as_is(text.as_bytes()).unwrap();
            let canonical = text.replace("\r\n", "\n").replace('\n', "\r\n");
            for block in blocks {
                let wire = String::from_utf8(sent(&message, block)).unwrap();
                let wire = wire.strip_suffix("\r\n.\r\n").unwrap();
                let received = wire.replace("\r\n.", "\r\n") + "\r\n";
                assert!(received == canonical, "{dots:?} at {at} of {end:?} by {block}");
            }
        }
    }
}

/// Lines of so many octets in all, the last one ended.
fn lines(length: usize, end: &str) -> String {
    let line = "x".repeat(70) + end;
    let mut lines = line.repeat(length / line.len() - 1);
    lines.push_str(&"y".repeat(length - lines.len() - end.len()));
    lines + end
}

/// All texts of these octets up to this length.
fn texts(octets: &[u8], longest: usize) -> Vec<Vec<u8>> {
    let (mut all, mut from) = (vec![Vec::new()], 0);
    for _ in 0..longest {
        let longer = all[from..]
            .iter()
            .flat_map(|text| octets.iter().map(move |&octet| [&text[..], &[octet]].concat()));
        let longer: Vec<Vec<u8>> = longer.collect();
        from = all.len();
        all.extend(longer);
    }
    all
}

fn as_is(text: &[u8]) -> Option<Message> {
    Message::as_is(Source::held(text, "test")).ok()
}

fn ready(header: &str, text: &[u8], stray_cr: StrayCr) -> Option<Message> {
    let additions = Additions { date: DATE.parse().unwrap(), message_id: None, from: author() };
    let source = Source::held([header.as_bytes(), text].concat(), "test");
    let repairs = Repairs { stray_cr, ..Repairs::default() };
    complete(source, &additions, repairs).ok().map(|ready| ready.message)
}

fn written(text: &[u8]) -> Option<Message> {
    composed(|draft| draft.text = Some(text.to_owned()))
}

fn attached(text: &[u8]) -> Option<Message> {
    composed(|draft| draft.attachments = vec![attachment(text, "text/plain")])
}

fn forwarded(text: &[u8]) -> Option<Message> {
    composed(|draft| draft.attachments = vec![attachment(text, "message/rfc822")])
}

fn attachment(text: &[u8], media_type: &str) -> Attachment {
    let source = Source::held(text, "test");
    Attachment { source, name: None, media_type: Some(media_type.to_owned()) }
}

fn composed(fill: impl FnOnce(&mut Draft)) -> Option<Message> {
    let mut draft = Draft::new(DATE.parse().unwrap(), "<1@x.example>".to_owned());
    draft.from = author();
    fill(&mut draft);
    draft.into_message().ok().map(|composed| composed.message)
}

fn author() -> Vec<Address> {
    addresses("a@x.example").unwrap()
}

/// Only NUL may be a reason to make none.
fn check_if_made(text: &[u8], message: Option<Message>) {
    match message {
        Some(message) => check(text, &message),
        None => assert!(text.contains(&0), "{}", text.escape_ascii()),
    }
}

fn check(text: &[u8], message: &Message) {
    let shown = text.escape_ascii();
    let wire = sent(message, 3);
    for (at, octet) in wire.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| wire[at]);
        match octet {
            0 => panic!("{shown}: NUL"),
            b'\n' => assert_eq!(before, Some(b'\r'), "{shown}: a lone LF"),
            b'\r' => assert_eq!(wire.get(at + 1), Some(&b'\n'), "{shown}: a lone CR"),
            _ => {}
        }
    }
    // A receiver to whom any of CR, LF and CRLF ends a line.
    let lines: Vec<&[u8]> = wire.split(|octet| b"\r\n".contains(octet)).collect();
    let (dots, last) =
        (lines.iter().filter(|line| **line == b".").count(), wire.ends_with(b".\r\n"));
    assert!(dots == 1 && last, "{shown}: {}", wire.escape_ascii());
}

/// The message's octets behind the reply to DATA, written by the block.
fn sent(message: &Message, block: usize) -> Vec<u8> {
    let (mut octets, mut block) = (message.open().unwrap(), vec![0; block]);
    let (mut stuffer, mut scratch, mut wire) = (DotStuffer::default(), Vec::new(), Vec::new());
    loop {
        let length = octets.read(&mut block).unwrap();
        if length == 0 {
            break;
        }
        wire.extend_from_slice(stuffer.stuff(&block[..length], &mut scratch));
    }
    wire.extend_from_slice(stuffer.end());
    wire
}
