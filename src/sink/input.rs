//! The octets that came and were not used yet, cut into lines.

use memchr::{memchr, memmem};
use std::io::{self, Read};

/// A buffer of fixed size.
pub(super) struct Input {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
    skip: Skip,
}

/// A line of the client.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Without its CRLF.
    Whole(Vec<u8>),
    /// More than fits.
    Overlong,
    /// Ended by LF without CR. What follows up to the next CRLF belongs to it
    /// and is passed over, lest a command be hidden in an argument.
    BareLineFeed,
}

enum Skip {
    Nothing,
    ToLineEnd { tell: bool },
}

/// Large reads make content fast; a line is shorter by far.
const CAPACITY: usize = 256 * 1024;

/// RFC 4954 §4 asks for 12,288 octets, to which the word AUTH and the name of
/// a mechanism are added.
const LONGEST_LINE: usize = 16 * 1024;

impl Default for Input {
    fn default() -> Self {
        let bytes = vec![0; CAPACITY].into_boxed_slice();
        Input { bytes, start: 0, end: 0, skip: Skip::Nothing }
    }
}

impl Input {
    /// Reads once; 0 when the client has closed.
    pub(super) fn fill(&mut self, source: &mut impl Read) -> io::Result<usize> {
        let read = loop {
            match source.read(self.room()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.came(read);
        Ok(read)
    }

    /// Where the next octets go.
    pub(super) fn room(&mut self) -> &mut [u8] {
        self.bytes.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        &mut self.bytes[self.end..]
    }

    /// So many octets were put there.
    pub(super) fn came(&mut self, octets: usize) {
        self.end += octets;
    }

    /// Forgets everything, for the next client.
    pub(super) fn clear(&mut self) {
        (self.start, self.end, self.skip) = (0, 0, Skip::Nothing);
    }

    /// What came and was not used.
    pub(super) fn unread(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Marks octets as used.
    pub(super) fn consume(&mut self, octets: usize) {
        self.start += octets;
    }

    /// Throws everything away that came, and tells how much that was.
    pub(super) fn discard(&mut self) -> usize {
        let octets = self.unread().len();
        self.consume(octets);
        octets
    }

    /// Takes the next line, if it has come whole.
    pub(super) fn line(&mut self) -> Option<Line> {
        if let Skip::ToLineEnd { tell } = self.skip {
            let Some(at) = memmem::find(self.unread(), b"\r\n") else {
                // A CR may be half of the line's end.
                let half = usize::from(self.unread().ends_with(b"\r"));
                self.consume(self.unread().len() - half);
                return None;
            };
            self.consume(at + 2);
            self.skip = Skip::Nothing;
            if tell {
                return Some(Line::Overlong);
            }
        }
        match memchr(b'\n', self.unread()) {
            Some(at) if at > 0 && self.unread()[at - 1] == b'\r' => {
                let line = &self.unread()[..at - 1];
                let overlong = line.len() > LONGEST_LINE;
                let line = if overlong { Line::Overlong } else { Line::Whole(line.to_vec()) };
                self.consume(at + 1);
                Some(line)
            }
            Some(at) => {
                self.consume(at + 1);
                self.skip = Skip::ToLineEnd { tell: false };
                Some(Line::BareLineFeed)
            }
            None if self.unread().len() > LONGEST_LINE => {
                self.skip = Skip::ToLineEnd { tell: true };
                self.line()
            }
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(wire: &[u8], cut: usize) -> Vec<Line> {
        let (mut input, mut lines) = (Input::default(), Vec::new());
        for piece in wire.chunks(cut) {
            input.fill(&mut &*piece).unwrap();
            while let Some(line) = input.line() {
                lines.push(line);
            }
        }
        lines
    }

    fn whole(text: &str) -> Line {
        Line::Whole(text.into())
    }

    #[test]
    fn lines_end_in_crlf_wherever_the_network_cuts() {
        for cut in 1..20 {
            assert_eq!(
                lines(b"EHLO a\r\n\r\nQUIT\r\nrest", cut),
                [whole("EHLO a"), whole(""), whole("QUIT")]
            );
        }
    }

    #[test]
    fn what_follows_a_bare_line_feed_is_no_command() {
        // SEC-3
        for cut in 1..20 {
            let lines = lines(b"RCPT TO:<a@b\nRSET\nNOOP\r\nQUIT\r\n", cut);
            assert_eq!(lines, [Line::BareLineFeed, whole("QUIT")]);
        }
    }

    #[test]
    fn an_overlong_line_is_passed_over_to_its_end() {
        let wire = [&b"x".repeat(300_000)[..], b"\r\nQUIT\r\n"].concat();
        for cut in [1_000, 16_385, 200_000] {
            assert_eq!(lines(&wire, cut), [Line::Overlong, whole("QUIT")], "{cut}");
        }
        let fits = [&b"x".repeat(LONGEST_LINE)[..], b"\r\n"].concat();
        assert_eq!(lines(&fits, 70_000), [Line::Whole(b"x".repeat(LONGEST_LINE))]);
    }
}
