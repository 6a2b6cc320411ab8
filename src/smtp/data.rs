//! Message content on the wire: whether it goes in chunks (RFC 3030), and the
//! doubling of leading dots where it does not (RFC 5321 §4.5.2).

use memchr::memmem;

/// When a message goes in chunks, by BDAT instead of DATA (RFC 3030 §2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Chunking {
    /// Where it cannot go otherwise: binary as it is.
    #[default]
    Auto,
    /// Wherever the server offers CHUNKING.
    On,
    /// Never.
    Off,
}

impl Chunking {
    /// Every choice with its name in options and files.
    pub const ALL: [(&'static str, Chunking); 3] =
        [("auto", Chunking::Auto), ("on", Chunking::On), ("off", Chunking::Off)];

    /// The choice of this name.
    pub fn named(name: &str) -> Option<Self> {
        Chunking::ALL.iter().find(|(known, _)| *known == name).map(|(_, choice)| *choice)
    }
}

/// Doubles the dot at the beginning of a line, over content that arrives in
/// pieces cut anywhere.
#[derive(Debug)]
pub struct DotStuffer {
    at_line_start: bool,
    ends_in_crlf: bool,
    after_cr: bool,
}

impl Default for DotStuffer {
    fn default() -> Self {
        // No content at all needs no CRLF before the dot: the line end of DATA
        // itself is the first half of CRLF.CRLF (RFC 5321 §4.1.1.4).
        DotStuffer { at_line_start: true, ends_in_crlf: true, after_cr: false }
    }
}

impl DotStuffer {
    /// The wire form of the next piece: the piece itself when no line in it
    /// begins with a dot, else a copy in `scratch`.
    pub fn stuff<'a>(&mut self, piece: &'a [u8], scratch: &'a mut Vec<u8>) -> &'a [u8] {
        let Some(&last) = piece.last() else { return piece };
        let first_dot = self.at_line_start && piece[0] == b'.';
        self.ends_in_crlf = match piece {
            [.., b'\r', b'\n'] => true,
            [b'\n'] => self.after_cr,
            _ => false,
        };
        self.at_line_start = last == b'\n';
        self.after_cr = last == b'\r';

        let mut dots = memmem::find_iter(piece, b"\n.").map(|at| at + 1).peekable();
        if !first_dot && dots.peek().is_none() {
            return piece;
        }
        scratch.clear();
        if first_dot {
            scratch.push(b'.');
        }
        let mut from = 0;
        for dot in dots {
            scratch.extend_from_slice(&piece[from..dot]);
            scratch.push(b'.');
            from = dot;
        }
        scratch.extend_from_slice(&piece[from..]);
        scratch
    }

    /// What ends the content: the dot on its own line, after a CRLF only if
    /// the content did not end in one (RFC 5321 §4.1.1.4).
    pub fn end(&self) -> &'static [u8] {
        if self.ends_in_crlf { b".\r\n" } else { b"\r\n.\r\n" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stuffed(content: &[u8], cuts: &[usize]) -> Vec<u8> {
        let (mut stuffer, mut scratch) = (DotStuffer::default(), Vec::new());
        let (mut wire, mut rest, mut cuts) = (Vec::new(), content, cuts.iter().cycle());
        while !rest.is_empty() {
            let length = cuts.next().map_or(rest.len(), |&cut| cut.min(rest.len()));
            let (piece, later) = rest.split_at(length);
            wire.extend_from_slice(stuffer.stuff(piece, &mut scratch));
            rest = later;
        }
        wire.extend_from_slice(stuffer.end());
        wire
    }

    #[test]
    fn a_leading_dot_is_doubled_and_the_end_is_one_dot() {
        // 5321-4.5.2, 5321-4.1.1.4a
        for (content, expected) in [
            ("", ".\r\n"),
            ("a\r\n", "a\r\n.\r\n"),
            ("a", "a\r\n.\r\n"),
            (".\r\n", "..\r\n.\r\n"),
            ("..\r\n", "...\r\n.\r\n"),
            ("a\r\n.b\r\n.\r\n", "a\r\n..b\r\n..\r\n.\r\n"),
            ("a.\r\nb.c\r\n", "a.\r\nb.c\r\n.\r\n"),
            ("\r\n\r\n", "\r\n\r\n.\r\n"),
        ] {
            let wire = stuffed(content.as_bytes(), &[]);
            assert_eq!(String::from_utf8(wire).unwrap(), expected, "{content:?}");
        }
    }

    /// What a receiver makes of the wire (RFC 5321 §4.5.2): the content, or
    /// `None` when the end was not where we put it.
    fn received(wire: &[u8]) -> Option<Vec<u8>> {
        let mut content = Vec::new();
        let mut rest = wire;
        loop {
            let end = memmem::find(rest, b"\r\n")? + 2;
            let (line, later) = rest.split_at(end);
            if line == b".\r\n" {
                return later.is_empty().then_some(content);
            }
            content.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
            rest = later;
        }
    }

    proptest! {
        #[test]
        fn any_content_in_any_pieces_comes_back_whole(
            lines in proptest::collection::vec("[.a]{0,4}", 0..12),
            cuts in proptest::collection::vec(1..5usize, 1..20),
        ) {
            let content: Vec<u8> = lines.iter().flat_map(|l| format!("{l}\r\n").into_bytes()).collect();
            let wire = stuffed(&content, &cuts);
            prop_assert_eq!(&wire, &stuffed(&content, &[]));
            prop_assert_eq!(received(&wire), Some(content));
        }
    }
}
