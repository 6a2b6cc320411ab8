//! Content in chunks on its way in (RFC 3030): which lines it has, since
//! nothing else is looked for in it.

use memchr::memchr2_iter;

/// Looks for CR and LF outside CRLF, over pieces cut anywhere (RFC 5321
/// §2.3.8).
#[derive(Debug, Default)]
pub(super) struct LineEnds {
    is_after_cr: bool,
    has_bare: bool,
}

impl LineEnds {
    /// Reads on.
    pub(super) fn read(&mut self, piece: &[u8]) {
        let Some(&last) = piece.last() else { return };
        self.has_bare |= self.is_after_cr && piece[0] != b'\n';
        for at in memchr2_iter(b'\r', b'\n', piece) {
            self.has_bare |= match piece[at] {
                b'\n' if at == 0 => !self.is_after_cr,
                b'\n' => piece[at - 1] != b'\r',
                _ => piece.get(at + 1).is_some_and(|next| *next != b'\n'),
            };
        }
        self.is_after_cr = last == b'\r';
    }

    /// True when there was one, given that nothing follows.
    pub(super) fn has_bare(&self) -> bool {
        self.has_bare || self.is_after_cr
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_line_end_is_seen_wherever_the_pieces_are_cut() {
        // 3030-a, 5321-2.3.8
        for (octets, expected) in [
            ("", false),
            ("a", false),
            ("a\r\n", false),
            ("\r\n.\r\n\r\nb", false),
            ("a\n", true),
            ("\n", true),
            ("a\r", true),
            ("\r\r\n", true),
            ("a\r\n\nb", true),
            ("a\rb\r\n", true),
        ] {
            for cut in 1..=octets.len().max(1) {
                let mut ends = LineEnds::default();
                octets.as_bytes().chunks(cut).for_each(|piece| ends.read(piece));
                assert_eq!(ends.has_bare(), expected, "{octets:?} by {cut}");
            }
        }
    }
}
