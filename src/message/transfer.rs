//! Which transfer encoding a leaf gets (RFC 2045 §6), and leaves that have one
//! already, in lines of a length that mail can carry.

use super::canonical::LONGEST_LINE;
use super::encode::Encoder;

/// How the octets of a leaf are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transfer {
    /// Lines as quoted-printable.
    QuotedPrintable,
    /// Lines as base64.
    Base64,
    /// Octets as base64, whatever lines there are.
    Data,
    /// Base64 in other lines.
    Rewrapped,
    /// Quoted-printable in other lines, with what it left out quoted.
    Requoted,
    /// Lines that nobody reads, around the parts of a multipart: `?` for what
    /// the way does not carry (RFC 2046 §5.1.1).
    Ignorable,
}

impl Transfer {
    /// The shorter of the two for a text of so many octets, of which so many
    /// are above 127.
    pub(super) fn of_text(octets: u64, high: u64) -> Self {
        // Three octets for one, against four for three.
        if 2 * high <= octets / 3 { Transfer::QuotedPrintable } else { Transfer::Base64 }
    }

    /// The value of Content-Transfer-Encoding; `None` where it stays what it
    /// is.
    pub(super) fn label(self) -> Option<&'static str> {
        match self {
            Transfer::QuotedPrintable => Some("quoted-printable"),
            Transfer::Base64 | Transfer::Data => Some("base64"),
            Transfer::Rewrapped | Transfer::Requoted | Transfer::Ignorable => None,
        }
    }

    /// What is to be encoded are not lines.
    pub(super) fn is_of_data(self) -> bool {
        self == Transfer::Data
    }

    /// What writes it.
    pub(super) fn coder(self) -> Coder {
        match self {
            Transfer::QuotedPrintable => Coder::Fresh(Encoder::quoted_printable()),
            Transfer::Base64 | Transfer::Data => Coder::Fresh(Encoder::base64()),
            Transfer::Rewrapped => Coder::Rewrapped { column: 0 },
            Transfer::Requoted => Coder::Requoted(Requoted::default()),
            Transfer::Ignorable => Coder::Ignorable { column: 0 },
        }
    }
}

/// A leaf being written, fed block by block.
#[derive(Debug)]
pub(super) enum Coder {
    Fresh(Encoder),
    Rewrapped { column: usize },
    Requoted(Requoted),
    Ignorable { column: usize },
}

/// RFC 2045 §6.7, §6.8: the longest line of an encoding.
const LINE: usize = 76;

impl Coder {
    /// Encodes the next octets behind what `out` holds.
    pub(super) fn feed(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        match self {
            Coder::Fresh(encoder) => encoder.feed(octets, out),
            Coder::Rewrapped { column } => {
                // RFC 2045 §6.8: what is not of the alphabet is passed over.
                for &symbol in octets.iter().filter(|octet| is_symbol(**octet)) {
                    if *column == LINE {
                        out.extend_from_slice(b"\r\n");
                        *column = 0;
                    }
                    out.push(symbol);
                    *column += 1;
                }
            }
            Coder::Requoted(requoted) => requoted.feed(octets, out),
            Coder::Ignorable { column } => {
                for &octet in octets {
                    if *column == LONGEST_LINE - 1 && !matches!(octet, b'\r' | b'\n') {
                        // The blank keeps the rest from being a delimiter.
                        out.extend_from_slice(b"\r\n ");
                        *column = 1;
                    }
                    out.push(if matches!(octet, 1..=127) { octet } else { b'?' });
                    *column = if octet == b'\n' { 0 } else { *column + 1 };
                }
            }
        }
    }

    /// Ends the leaf.
    pub(super) fn end(&mut self, out: &mut Vec<u8>) {
        match self {
            Coder::Fresh(encoder) => encoder.end(out),
            Coder::Rewrapped { column: 0 } | Coder::Ignorable { .. } => {}
            Coder::Rewrapped { .. } => out.extend_from_slice(b"\r\n"),
            Coder::Requoted(requoted) => requoted.end(out),
        }
    }
}

fn is_symbol(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'/' | b'=')
}

/// Quoted-printable of others, its words and line ends kept, its long lines
/// broken softly, and what should have been quoted quoted.
#[derive(Debug, Default)]
pub(super) struct Requoted {
    column: usize,
    /// What may be the beginning of `=XX` or of CRLF.
    kept: Vec<u8>,
}

impl Requoted {
    fn feed(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        for &octet in octets {
            self.kept.push(octet);
            match self.kept[..] {
                [b'=', high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                    self.word(out);
                }
                [b'\r', b'\n'] => self.line_end(out),
                [b'=', .., b'\r', b'\n'] => self.soft_line_end(out),
                _ if self.is_open() => {}
                _ => self.quote(out),
            }
        }
    }

    /// What follows decides.
    fn is_open(&self) -> bool {
        match self.kept[..] {
            [b'\r'] => true,
            [b'=', octet] if octet.is_ascii_hexdigit() => true,
            // RFC 2045 §6.7 (3): blanks between `=` and the line end go.
            [b'=', ref blanks @ .., b'\r'] | [b'=', ref blanks @ ..] => {
                blanks.len() < LINE && blanks.iter().all(|octet| matches!(octet, b' ' | b'\t'))
            }
            _ => false,
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        // A soft break at the very end joins nothing.
        while !self.kept.is_empty() && self.kept != b"=" {
            self.quote(out);
        }
    }

    fn line_end(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.kept);
        self.column = 0;
    }

    fn soft_line_end(&mut self, out: &mut Vec<u8>) {
        self.kept.clear();
        out.extend_from_slice(b"=\r\n");
        self.column = 0;
    }

    /// Writes what is kept as one word.
    fn word(&mut self, out: &mut Vec<u8>) {
        if self.column + self.kept.len() >= LINE {
            out.extend_from_slice(b"=\r\n");
            self.column = 0;
        }
        // RFC 2046 §5.1.1: a line of ours must be no boundary of theirs.
        if self.column == 0 && self.kept == b"-" {
            self.kept = b"=2D".to_vec();
        }
        self.column += self.kept.len();
        out.append(&mut self.kept);
    }

    /// Writes the first octet of what is kept, and reads the rest anew.
    fn quote(&mut self, out: &mut Vec<u8>) {
        let mut rest = std::mem::take(&mut self.kept).into_iter();
        let Some(first) = rest.next() else { return };
        self.kept = match first {
            b'\t' | b' '..=b'<' | b'>'..=b'~' => vec![first],
            _ => format!("={first:02X}").into_bytes(),
        };
        self.word(out);
        self.feed(rest.as_slice(), out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use encodify::{base64, qp};
    use proptest::prelude::*;

    fn coded(transfer: Transfer, octets: &[u8], cut: usize) -> Vec<u8> {
        let (mut coder, mut out) = (transfer.coder(), Vec::new());
        for piece in octets.chunks(cut) {
            coder.feed(piece, &mut out);
        }
        coder.end(&mut out);
        out
    }

    #[test]
    fn encoded_leaves_get_lines_that_mail_can_carry() {
        // 2045-6.7, 2045-6.8, 2046-5.1
        for (transfer, octets, expected) in [
            (Transfer::Rewrapped, "QUJD", "QUJD\r\n"),
            (Transfer::Rewrapped, "QU\r\nJD\r\n", "QUJD\r\n"),
            (Transfer::Rewrapped, "", ""),
            (Transfer::Requoted, "a=20b=\r\nc\r\n", "a=20b=\r\nc\r\n"),
            (Transfer::Requoted, "a\u{e9}=c3=A9 =zz =\r\n", "a=C3=A9=c3=A9 =3Dzz =\r\n"),
            (Transfer::Requoted, "end =", "end "),
            (Transfer::Requoted, "a=b\r\nc=b=\r\nd", "a=3Db\r\nc=3Db=\r\nd"),
            (Transfer::Requoted, "a= \t\r\nb= c= ", "a=\r\nb=3D c=3D "),
            (Transfer::Requoted, "==41=4", "=3D=41=3D4"),
            (Transfer::Ignorable, "n\u{e9}\0\r\n--x\r\n", "n???\r\n--x\r\n"),
            (Transfer::Requoted, "--b=\r\n-\r\na--\r\n--b=", "=2D-b=\r\n=2D\r\na--\r\n=2D-b"),
        ] {
            for cut in 1..5 {
                let written = coded(transfer, octets.as_bytes(), cut);
                assert_eq!(String::from_utf8(written).unwrap(), expected, "{octets:?}");
            }
        }
    }

    #[test]
    fn a_line_that_nobody_reads_is_broken() {
        let line = "--x".repeat(2000);
        let written = coded(Transfer::Ignorable, format!("{line}\r\n").as_bytes(), 7);
        let written = String::from_utf8(written).unwrap();
        assert!(written.lines().all(|line| line.len() <= 998), "{written}");
        assert!(written.lines().skip(1).all(|line| line.starts_with(' ')), "{written}");
        assert_eq!(written.replace("\r\n ", ""), line + "\r\n");
    }

    proptest! {
        #[test]
        fn what_was_encoded_stays_what_it_was(octets in proptest::collection::vec(any::<u8>(), 0..600), cut in 1..90usize) {
            let endless = base64::STANDARD.encode(&octets);
            let rewrapped = coded(Transfer::Rewrapped, endless.as_bytes(), cut);
            prop_assert!(rewrapped.split(|&b| b == b'\n').all(|line| line.len() <= LINE + 1));
            prop_assert_eq!(&base64::MIME.decode(&rewrapped).unwrap(), &octets);

            let endless: String = octets.iter().map(|octet| format!("={octet:02X}")).collect();
            let requoted = coded(Transfer::Requoted, endless.as_bytes(), cut);
            prop_assert!(requoted.split(|&b| b == b'\n').all(|line| line.len() <= LINE + 1));
            prop_assert_eq!(qp::BODY.decode(&requoted).unwrap().into_owned(), octets);
        }
    }
}
