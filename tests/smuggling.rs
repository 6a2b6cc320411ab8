//! Nothing in a message can be taken for its end, be the receiver ever so
//! lenient.

use envoi::message::{Message, Source};
use envoi::sink::{Event, Settings, Sink};
use envoi::smtp::DotStuffer;
use proptest::prelude::*;
use std::io::{Read, Seek, Write};
use std::process::Command;

const LONGEST: usize = 7;

#[test]
fn no_message_holds_its_own_end() {
    // SEC-2, 5321-2.3.8, 5321-2.3.8c, 5321-4.5.2: every text up to this length.
    let mut texts = vec![Vec::new()];
    for _ in 0..LONGEST {
        let longer =
            texts.iter().flat_map(|text| b"\r\n.a".map(|octet| [&text[..], &[octet]].concat()));
        let longer: Vec<Vec<u8>> = longer.collect();
        for text in &longer {
            check(text);
        }
        texts = longer;
    }
}

#[test]
fn nul_is_refused() {
    for text in ["\0", "\r\n\0.\r\n", "\r\n.\0\r\n", "\r\n.\r\0\n"] {
        assert!(Message::as_is(Source::held(text, "test")).is_err(), "{text:?}");
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

fn check(text: &[u8]) {
    let shown = text.escape_ascii();
    let wire = sent(text);
    for (at, octet) in wire.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| wire[at]);
        match octet {
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

/// The message's octets behind the reply to DATA, written a few at a time.
fn sent(text: &[u8]) -> Vec<u8> {
    let message = Message::as_is(Source::held(text, "test")).unwrap();
    let mut octets = Vec::new();
    message.open().unwrap().read_to_end(&mut octets).unwrap();
    let (mut stuffer, mut scratch, mut wire) = (DotStuffer::default(), Vec::new(), Vec::new());
    for piece in octets.chunks(2) {
        wire.extend_from_slice(stuffer.stuff(piece, &mut scratch));
    }
    wire.extend_from_slice(stuffer.end());
    wire
}
