use super::*;
use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use proptest::prelude::*;

/// Encodes in blocks of these lengths, again and again.
fn encoded(mut encoder: Encoder, octets: &[u8], cuts: &[usize]) -> Vec<u8> {
    let (mut out, mut rest, mut cuts) = (Vec::new(), octets, cuts.iter().cycle());
    while !rest.is_empty() {
        let length = cuts.next().map_or(rest.len(), |&cut| cut.min(rest.len()));
        let (block, later) = rest.split_at(length);
        encoder.feed(block, &mut out);
        rest = later;
    }
    encoder.end(&mut out);
    out
}

fn quoted(octets: &[u8], cuts: &[usize]) -> Vec<u8> {
    encoded(Encoder::quoted_printable(), octets, cuts)
}

fn base64(octets: &[u8], cuts: &[usize]) -> Vec<u8> {
    encoded(Encoder::base64(), octets, cuts)
}

/// Holds quoted-printable against its rules, and against two decoders.
fn check_quoted(octets: &[u8], quoted: &[u8]) {
    let shown = quoted.escape_ascii();
    assert_eq!(qp::BODY.strict().decode(quoted).unwrap(), octets, "{shown}");
    assert_eq!(quoted_printable_decode(quoted).unwrap(), octets, "{shown}");
    assert!(quoted.iter().all(|octet| matches!(octet, b'\t' | b'\r' | b'\n' | b' '..=b'~')));
    assert!(!quoted.ends_with(b"=\r\n"), "{shown}");
    for line in quoted.split_inclusive(|&octet| octet == b'\n') {
        let text = line.strip_suffix(b"\r\n").unwrap_or(line);
        assert!(!text.contains(&b'\r') && !text.contains(&b'\n'), "{shown}");
        assert!(text.len() <= 76, "{shown}");
        assert!(!text.ends_with(b" ") && !text.ends_with(b"\t"), "{shown}");
        let guarded = text.starts_with(b"From ") || text.starts_with(b"--") || text == b".";
        assert!(!guarded, "{shown}");
    }
}

#[test]
fn octets_become_escapes_where_they_must() {
    // 2045-6.7, 2049-3
    for (octets, expected) in [
        ("", ""),
        ("a", "a"),
        ("a\r\n", "a\r\n"),
        ("a=b", "a=3Db"),
        ("é\t~!\r\n", "=C3=A9\t~!\r\n"),
        ("a \r\nb\t\r\n c ", "a=20\r\nb=09\r\n c=20"),
        ("a  \r\n", "a =20\r\n"),
        ("a\rb\nc\r\r\nd\n\r\ne\r", "a=0Db=0Ac=0D\r\nd=0A\r\ne=0D"),
        ("a \rb \nc", "a =0Db =0Ac"),
        ("\0\x1b\x7f", "=00=1B=7F"),
        ("From a\r\nfrom b\r\n From c\r\nFrom", "=46rom a\r\nfrom b\r\n From c\r\nFrom"),
        ("From ", "From=20"),
        (".\r\n..\r\n.a\r\n.", "=2E\r\n..\r\n.a\r\n=2E"),
        (". \r\n", ".=20\r\n"),
        ("-- \r\n-a\r\n--b--", "=2D-=20\r\n-a\r\n=2D-b--"),
    ] {
        for cut in 1..8 {
            let quoted = quoted(octets.as_bytes(), &[cut]);
            assert_eq!(String::from_utf8(quoted).unwrap(), expected, "{octets:?} cut by {cut}");
        }
        check_quoted(octets.as_bytes(), expected.as_bytes());
    }
}

#[test]
fn what_stands_behind_a_soft_break_is_guarded_too() {
    // 2045-6.7, 2046-5.1, 2049-3
    let before = "x".repeat(QUOTED_TEXT);
    for rest in [
        ".",
        ".\r\n",
        ".\r\n.\r\n",
        "From me\r\n",
        "From ",
        "From From From \r\n",
        "--b--",
        "--\r\n--",
    ] {
        let octets = format!("{before}{rest}");
        check_quoted(octets.as_bytes(), &quoted(octets.as_bytes(), &[]));
    }
    for far in ["From ".repeat(60), "-".repeat(300), "--From ".repeat(40)] {
        for length in 60..far.len() {
            for end in ["", "\r\n"] {
                let octets = format!("{}{end}", &far[..length]);
                check_quoted(octets.as_bytes(), &quoted(octets.as_bytes(), &[7]));
            }
        }
    }
}

#[test]
fn every_short_text_comes_back_however_it_is_cut() {
    // 2045-6.7, 2045-6.8, SEC-2: all texts up to six octets.
    let mut texts = vec![Vec::new()];
    for _ in 0..6 {
        let longer =
            texts.iter().flat_map(|text| b"\r\n.a\0".map(|octet| [&text[..], &[octet]].concat()));
        let longer: Vec<Vec<u8>> = longer.collect();
        for text in &longer {
            let whole = quoted(text, &[]);
            check_quoted(text, &whole);
            for cut in 1..text.len() {
                assert_eq!(quoted(text, &[cut]), whole, "{} by {cut}", text.escape_ascii());
                assert_eq!(base64(text, &[cut]), MIME.encode(text).as_bytes());
            }
        }
        texts = longer;
    }
}

#[test]
fn a_leaf_is_encoded_by_the_block_and_not_held() {
    // 2045-6.7, 2045-6.8: one line without end.
    for block in [&b"a"[..], b" ", b"\xe9", b"From "].map(|octets| octets.repeat(20_000)) {
        for mut encoder in [Encoder::quoted_printable(), Encoder::base64()] {
            let (mut out, mut all) = (Vec::new(), 0);
            for fed in 1..=8 {
                encoder.feed(&block, &mut out);
                all += out.len();
                out.clear();
                assert!(all >= fed * block.len() - 100, "{encoder:?} holds too much");
            }
        }
    }
}

fn leaf() -> impl Strategy<Value = Vec<u8>> {
    let piece = "\r\n|\r|\n|\0|\\.|From |--| {1,3}|\t|=|é|日|[a-zé]{1,9}|[a-z ]{60,90}";
    let pieces = proptest::collection::vec(piece, 0..40);
    pieces.prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #[test]
    fn text_comes_back_from_quoted_printable(
        text in leaf(),
        cuts in proptest::collection::vec(1..90usize, 1..10),
    ) {
        // 2045-6.7
        let whole = quoted(&text, &[]);
        check_quoted(&text, &whole);
        prop_assert_eq!(quoted(&text, &cuts), whole);
    }

    #[test]
    fn octets_come_back_from_either_encoding(
        octets in proptest::collection::vec(any::<u8>(), 0..500),
        cuts in proptest::collection::vec(1..130usize, 1..10),
    ) {
        // 2045-6.7, 2045-6.8
        check_quoted(&octets, &quoted(&octets, &cuts));
        let base64 = base64(&octets, &cuts);
        prop_assert_eq!(&base64, &MIME.encode(&octets).into_bytes());
        prop_assert_eq!(MIME.decode(&base64).unwrap(), octets.clone());
        prop_assert_eq!(base64_decode(&base64).unwrap(), octets.clone());
        for line in base64.split_inclusive(|&octet| octet == b'\n') {
            prop_assert!(line.len() <= 78 && line.ends_with(b"\r\n"));
        }
    }
}
