//! Nothing in a message can be taken for its end, be the receiver ever so
//! lenient.

use envoi::message::{Message, Source};
use envoi::smtp::DotStuffer;
use std::io::Read;

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
