//! Message content on its way in: where it ends, and what it is without the
//! doubled dots (RFC 5321 §4.1.1.4, §4.5.2).

use memchr::memchr2;

/// Reads the content of one message, in pieces of any size.
///
/// The end is CRLF, dot, CRLF and nothing else; the CRLF of the DATA line
/// counts as the first. A CR or LF alone ends no line, so what is hidden
/// behind one stays inside the message that is then refused.
#[derive(Debug)]
pub struct ContentReader {
    at_line_start: bool,
    has_bare_line_end: bool,
}

/// How far one piece was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The octets done with. The rest, two at most while the content has not
    /// ended, must come again with more behind it.
    pub consumed: usize,
    /// The content ended; what is left are commands.
    pub ended: bool,
}

impl Default for ContentReader {
    fn default() -> Self {
        ContentReader { at_line_start: true, has_bare_line_end: false }
    }
}

impl ContentReader {
    /// Reads on. `keep` is given the content without doubled dots and without
    /// the dot that ends it, in slices that never cut a CRLF in two.
    pub fn read(&mut self, input: &[u8], mut keep: impl FnMut(&[u8])) -> Progress {
        let (mut from, mut at) = (0, 0);
        let ended = loop {
            if self.at_line_start {
                match &input[at..] {
                    [b'.', b'\r', b'\n', ..] => break true,
                    [] | [b'.'] | [b'.', b'\r'] => break false,
                    [b'.', ..] => {
                        keep(&input[from..at]);
                        at += 1;
                        from = at;
                    }
                    _ => {}
                }
                self.at_line_start = false;
            }
            let Some(length) = memchr2(b'\r', b'\n', &input[at..]) else {
                at = input.len();
                break false;
            };
            at += length;
            match &input[at..] {
                [b'\r', b'\n', ..] => {
                    at += 2;
                    self.at_line_start = true;
                }
                [b'\r'] => break false,
                _ => {
                    at += 1;
                    self.has_bare_line_end = true;
                }
            }
        };
        keep(&input[from..at]);
        Progress { consumed: if ended { at + 3 } else { at }, ended }
    }

    /// True when a CR or LF outside CRLF was read (RFC 5321 §2.3.8).
    pub fn has_bare_line_end(&self) -> bool {
        self.has_bare_line_end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The content, whether it has a bare CR or LF, and what is left behind
    /// its end; `None` if it does not end.
    fn read(wire: &[u8], cut: usize) -> Option<(Vec<u8>, bool, Vec<u8>)> {
        let (mut reader, mut content) = (ContentReader::default(), Vec::new());
        let (mut held, mut rest) = (Vec::new(), wire);
        loop {
            let (piece, later) = rest.split_at(cut.min(rest.len()));
            held.extend_from_slice(piece);
            rest = later;
            let progress = reader.read(&held, |octets| content.extend_from_slice(octets));
            held.drain(..progress.consumed);
            if progress.ended {
                held.extend_from_slice(rest);
                return Some((content, reader.has_bare_line_end(), held));
            }
            assert!(held.len() <= 2, "{held:?}");
            if rest.is_empty() {
                return None;
            }
        }
    }

    #[test]
    fn dots_are_taken_off_and_the_end_is_found() {
        // RX-8, 5321-4.5.2
        for (wire, content) in [
            (".\r\n", ""),
            ("a\r\n.\r\n", "a\r\n"),
            ("..\r\n.\r\n", ".\r\n"),
            ("a\r\n..b\r\n...\r\n.\r\n", "a\r\n.b\r\n..\r\n"),
            (".a\r\n.\r\n", "a\r\n"),
            ("a.\r\n.\r\n", "a.\r\n"),
            ("\r\n\r\n.\r\n", "\r\n\r\n"),
            ("\u{e9}\r\n.\r\n", "\u{e9}\r\n"),
        ] {
            for cut in 1..8 {
                let expected = Some((content.as_bytes().to_vec(), false, Vec::new()));
                assert_eq!(read(wire.as_bytes(), cut), expected, "{wire:?}");
            }
        }
    }

    #[test]
    fn nothing_but_crlf_dot_crlf_ends_the_content() {
        // SEC-2, SEC-3
        for end in [
            "\n.\n",
            "\r.\r",
            "\n.\r\n",
            "\r\n.\n",
            "\r.\r\n",
            "\r\n.\r",
            "\r\n\0.\r\n",
            "\r\n.\0\r\n",
            "\n.\r",
            "\r.\n",
            "\r\n.\r\r\n",
            "\r\n.\n\r\n",
        ] {
            let smuggled = "MAIL FROM:<evil@x.y>\r\n";
            let wire = format!("a{end}{smuggled}.\r\nQUIT\r\n");
            for cut in 1..8 {
                let (content, bare, left) = read(wire.as_bytes(), cut).unwrap();
                assert!(content.ends_with(smuggled.as_bytes()), "{end:?}");
                assert_eq!(bare, !end.contains('\0'), "{end:?}");
                assert_eq!(left, b"QUIT\r\n", "{end:?}");
            }
        }
    }

    #[test]
    fn what_stands_behind_the_end_is_left_alone() {
        // 2920-3.1c
        let (content, _, left) = read(b"a\r\n.\r\nMAIL FROM:<>\r\n.\r\n", 64).unwrap();
        assert_eq!(content, b"a\r\n");
        assert_eq!(left, b"MAIL FROM:<>\r\n.\r\n");
    }

    proptest! {
        #[test]
        fn the_pieces_make_no_difference(
            wire in proptest::collection::vec(
                proptest::sample::select(b"\r\r\n\n..a\0\xe9".to_vec()), 0..40),
            cut in 1..9usize,
        ) {
            let mut ended = wire;
            ended.extend_from_slice(b"\r\n.\r\n");
            prop_assert_eq!(read(&ended, cut), read(&ended, ended.len()));
        }
    }
}
