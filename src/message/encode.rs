//! Text for a path of seven bits: as it is, quoted-printable, or base64
//! (RFC 2045 §6), whichever fits.

mod stream;

pub(super) use stream::Encoder;

use super::canonical::LONGEST_LINE;
use encodify::base64::MIME;
use memchr::memchr_iter;

/// A text part ready to be written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Encoded {
    /// The smallest charset that holds it (RFC 2046 §4.1.2).
    pub(super) charset: &'static str,
    /// The value of Content-Transfer-Encoding.
    pub(super) encoding: &'static str,
    /// US-ASCII in lines of at most 998, each ended by CRLF.
    pub(super) octets: Vec<u8>,
}

impl Encoded {
    /// Encodes text of any octets, its lines ended by LF or CRLF. NUL, a CR
    /// elsewhere and all other control characters arrive as they were.
    pub(super) fn text(text: &[u8]) -> Self {
        let charset = match std::str::from_utf8(text) {
            Ok(text) if text.is_ascii() => "us-ascii",
            Ok(_) => "utf-8",
            // RFC 1428 §2: the name for octets of which nothing is known.
            Err(_) => "unknown-8bit",
        };
        let text = with_line_ends(text);
        if charset == "us-ascii" && is_fit(&text) {
            return Encoded { charset, encoding: "7bit", octets: text };
        }
        let quoted = written(Encoder::quoted_printable(), &text);
        if quoted.len() <= MIME.encoded_len(text.len()) {
            return Encoded { charset, encoding: "quoted-printable", octets: quoted };
        }
        Encoded { charset, encoding: "base64", octets: written(Encoder::base64(), &text) }
    }
}

fn written(mut encoder: Encoder, text: &[u8]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(text.len());
    encoder.feed(text, &mut octets);
    encoder.end(&mut octets);
    octets
}

/// Every line ended by CRLF (RFC 2045 §6.8), the last one too.
fn with_line_ends(text: &[u8]) -> Vec<u8> {
    let mut ended = Vec::with_capacity(text.len() + text.len() / 32 + 2);
    let mut from = 0;
    for lf in memchr_iter(b'\n', text).chain((!text.ends_with(b"\n")).then_some(text.len())) {
        let line = &text[from..lf];
        if from == text.len() {
            break;
        }
        ended.extend_from_slice(
            line.strip_suffix(b"\r").filter(|_| lf < text.len()).unwrap_or(line),
        );
        ended.extend_from_slice(b"\r\n");
        from = lf + 1;
    }
    ended
}

/// True for lines, ended by CRLF, that RFC 2045 §2.7 calls 7bit and that hold no
/// control characters.
fn is_fit(lines: &[u8]) -> bool {
    // Without a branch, so that the compiler makes it a loop over vectors.
    let unfit = lines
        .iter()
        .fold(false, |unfit, octet| unfit | !matches!(octet, b'\t' | b'\r' | b'\n' | b' '..=b'~'));
    let (mut ends, mut start, mut longest) = (0, 0, 0);
    for lf in memchr_iter(b'\n', lines) {
        longest = longest.max(lf + 1 - start);
        (ends, start) = (ends + 1, lf + 1);
    }
    !unfit && longest <= LONGEST_LINE + 2 && memchr_iter(b'\r', lines).count() == ends
}

#[cfg(test)]
mod tests {
    use super::*;
    use encodify::{base64, qp};
    use proptest::prelude::*;

    fn encoded(text: &str) -> (&'static str, &'static str, String) {
        let Encoded { charset, encoding, octets } = Encoded::text(text.as_bytes());
        (charset, encoding, String::from_utf8(octets).unwrap())
    }

    #[test]
    fn the_encoding_is_the_least_that_the_octets_need() {
        // 2045-4/6, 2045-6.7, 5321-4.1.1.4n
        for (text, charset, encoding, expected) in [
            ("", "us-ascii", "7bit", ""),
            ("a", "us-ascii", "7bit", "a\r\n"),
            ("a\n\nb \n", "us-ascii", "7bit", "a\r\n\r\nb \r\n"),
            ("a\r\nb", "us-ascii", "7bit", "a\r\nb\r\n"),
            ("a\tb", "us-ascii", "7bit", "a\tb\r\n"),
            ("né à la maison\n", "utf-8", "quoted-printable", "n=C3=A9 =C3=A0 la maison\r\n"),
            ("Привет", "utf-8", "base64", "0J/RgNC40LLQtdGCDQo=\r\n"),
            ("nothing but a \0 here", "us-ascii", "quoted-printable", "nothing but a =00 here\r\n"),
            (
                "a stray \r in the text",
                "us-ascii",
                "quoted-printable",
                "a stray =0D in the text\r\n",
            ),
            ("two CR at the end\r\r\n", "us-ascii", "quoted-printable", "two CR at the end=0D\r\n"),
            ("a colour \u{1b}[1m code", "us-ascii", "quoted-printable", "a colour =1B[1m code\r\n"),
            ("From é to e\n", "utf-8", "quoted-printable", "=46rom =C3=A9 to e\r\n"),
            (
                "naïve ones\n.\nend\n",
                "utf-8",
                "quoted-printable",
                "na=C3=AFve ones\r\n=2E\r\nend\r\n",
            ),
        ] {
            assert_eq!(encoded(text), (charset, encoding, expected.to_owned()), "{text:?}");
        }
        assert_eq!(Encoded::text(b"j\xf6rg and some more").charset, "unknown-8bit");
    }

    #[test]
    fn a_line_of_998_passes_and_one_of_999_is_encoded() {
        // 5321-4.5.3.1.6
        assert_eq!(encoded(&"a".repeat(998)).1, "7bit");
        assert_eq!(encoded(&"a".repeat(999)).1, "quoted-printable");
    }

    proptest! {
        #[test]
        fn every_text_comes_back(
            lines in proptest::collection::vec("(From |\\.|é|a| |=|\0|\r|[a-zé]{60,90}){0,6}", 0..8),
            end in "\n|\r\n",
        ) {
            // 2045-6.7, 2045-6.8
            let with = |end: &str| lines.join(&format!("x{end}")) + "x" + end;
            let (text, canonical) = (with(&end), with("\r\n"));
            let Encoded { encoding, octets, .. } = Encoded::text(text.as_bytes());
            let decoded = match encoding {
                "base64" => base64::MIME.decode(&octets).unwrap(),
                "quoted-printable" => qp::BODY.strict().decode(&octets).unwrap().into_owned(),
                _ => octets.clone(),
            };
            prop_assert_eq!(String::from_utf8(decoded).unwrap(), canonical);
            for line in octets.split_inclusive(|&b| b == b'\n') {
                prop_assert!(line.is_ascii() && line.ends_with(b"\r\n"));
                if encoding != "7bit" {
                    prop_assert!(line.len() <= 78);
                    prop_assert!(!line.starts_with(b"From ") && line != b".\r\n");
                }
            }
        }
    }
}
