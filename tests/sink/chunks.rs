//! Messages in chunks (RFC 3030).

use super::{Client, begun, open, start, stored};
use envoi::sink::Policy;
use proptest::prelude::*;
use std::io::Write;

#[test]
fn the_octets_of_a_refused_chunk_are_no_commands() {
    // RX-4
    let sink = start(open());
    let mut client = Client::greeted(&sink);
    client.write(b"BDAT 12 LAST\r\nNOOP\r\nNOOP\r\nVRFY x\r\n");
    assert_eq!((client.reply(), client.reply()), (503, 252));
    // A size that nobody knows: what follows is read by nobody.
    client.write(b"BDAT x LAST\r\nNOOP\r\nNOOP\r\n");
    assert_eq!(client.reply(), 501);
    assert_eq!(client.line(), None);
}

#[test]
fn a_chunk_beyond_every_limit_is_refused_without_being_kept() {
    // RX-4: the client sends it all the same.
    let sink = start(Policy { size_limit: Some(1000), ..open() });
    let mut client = Client::greeted(&sink);
    begun(&mut client, "");
    client.write(b"BDAT 30000000 LAST\r\n");
    for _ in 0..30 {
        client.write(&b"x".repeat(1_000_000));
    }
    assert_eq!(client.reply(), 552);
    client.write(b"BDAT 3\r\nabcBDAT 0 LAST\r\nRSET\r\n");
    assert_eq!((client.reply(), client.reply(), client.reply()), (503, 503, 250));
    begun(&mut client, "");
    client.write(b"BDAT 4 LAST\r\na\r\nb");
    assert_eq!(client.reply(), 250);
    assert_eq!(stored(&sink).octets.unwrap(), b"a\r\nb");
}

#[test]
fn what_rset_has_ended_is_in_no_message() {
    // 3030-c, RX-4
    let sink = start(open());
    let mut client = Client::greeted(&sink);
    for end in ["RSET\r\n", "EHLO client.example\r\n"] {
        begun(&mut client, "");
        client.write(format!("BDAT 5\r\nfirst{end}").as_bytes());
        assert_eq!((client.reply(), client.reply()), (250, 250));
        begun(&mut client, "");
        client.write(b"BDAT 6\r\nsecondBDAT 0 LAST\r\n");
        assert_eq!((client.reply(), client.reply()), (250, 250));
        assert_eq!(stored(&sink).octets.unwrap(), b"second");
    }
}

#[test]
fn lines_in_chunks_end_in_crlf_unless_they_are_binary() {
    // 3030-a, 3030-g
    for (parameters, content, is_taken) in [
        ("", &b"a\r\nb"[..], true),
        ("", b"a\nb", false),
        (" BODY=8BITMIME", b"a\rb\r\n", false),
        (" BODY=BINARYMIME", b"a\nb\rc\0\r\r\n\n.\r\n\xff", true),
    ] {
        let sink = start(open());
        let mut client = Client::greeted(&sink);
        begun(&mut client, parameters);
        client.write(&[format!("BDAT {} LAST\r\n", content.len()).as_bytes(), content].concat());
        assert_eq!(client.reply(), if is_taken { 250 } else { 550 }, "{}", content.escape_ascii());
        if is_taken {
            assert_eq!(stored(&sink).octets.unwrap(), content);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn wherever_chunks_are_cut_the_same_is_stored(
        content in proptest::collection::vec(
            proptest::sample::select(b"\r\n.a\0\xe9 BDATLS0".to_vec()), 0..200),
        cuts in proptest::collection::vec(0..40usize, 1..12),
        piece in 1..64usize,
    ) {
        // 3030-a
        let sink = start(open());
        let mut client = Client::greeted(&sink);
        begun(&mut client, " BODY=BINARYMIME");
        let (mut wire, mut rest, mut chunks) = (Vec::new(), &content[..], 1);
        for cut in &cuts {
            let (chunk, later) = rest.split_at((*cut).min(rest.len()));
            write!(wire, "BDAT {}\r\n", chunk.len()).unwrap();
            wire.extend_from_slice(chunk);
            (rest, chunks) = (later, chunks + 1);
        }
        write!(wire, "BDAT {} LAST\r\n", rest.len()).unwrap();
        wire.extend_from_slice(rest);
        // And wherever the network cuts.
        for part in wire.chunks(piece) {
            client.write(part);
        }
        for _ in 0..chunks {
            prop_assert_eq!(client.reply(), 250);
        }
        prop_assert_eq!(stored(&sink).octets.unwrap(), content);
    }
}
