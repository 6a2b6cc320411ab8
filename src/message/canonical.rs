//! Line ends and line lengths: what makes octets canonical (RFC 5321 §2.3.8,
//! RFC 5322 §2.1.1), looked at in blocks without looking at every line.

use super::fingerprint::Fingerprint;
use memchr::{memchr, memchr_iter, memrchr};

/// RFC 5322 §2.1.1, without the CRLF.
pub(super) const LONGEST_LINE: usize = 998;

/// What becomes of a CR that stands elsewhere than before LF.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StrayCr {
    /// It becomes a space.
    #[default]
    Space,
    /// It is taken for a line end, and becomes CRLF.
    Crlf,
    /// The message is refused.
    Reject,
}

/// What the blocks so far hold, and what they become.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Octets in.
    pub(super) read: u64,
    /// Octets out.
    pub(super) size: u64,
    /// LF without CR, each of which becomes CRLF.
    pub(super) bare_lf: u64,
    /// CR without LF.
    pub(super) stray_cr: u64,
    /// Some line ends in CRLF.
    pub(super) crlf: bool,
    /// Some octet above 127.
    pub(super) eight_bit: bool,
    /// How many there are.
    pub(super) high: u64,
    /// Where the first NUL is, counted from the first block.
    pub(super) nul: Option<u64>,
    /// Where the first line over 998 octets begins, counted likewise.
    pub(super) long_line: Option<u64>,
    /// Octets of the line that the last block did not end.
    pub(super) open: usize,
    /// What the octets in are known by again.
    fingerprint: Fingerprint,
    pub(super) stray: StrayCr,
}

/// How a block becomes canonical.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// It is.
    Canonical,
    /// By a CR before each LF; it has none.
    BareLf,
    /// Line by line.
    Uneven,
}

impl Tally {
    /// A tally of nothing yet.
    pub(super) fn new(stray: StrayCr) -> Self {
        Tally { stray, ..Tally::default() }
    }

    /// Counts one block. It must not end between CR and LF: who cuts the
    /// blocks leaves a last CR to the next, unless there is none.
    pub(super) fn count(&mut self, block: &[u8]) -> Shape {
        let survey = Survey::of(block);
        if survey.lowest == 0 && self.nul.is_none() {
            self.nul = memchr(0, block).map(|at| self.read + at as u64);
        }
        self.fingerprint.feed(block);
        if survey.all >= 0x80 {
            self.eight_bit = true;
            self.high += block.iter().filter(|octet| **octet >= 0x80).count() as u64;
        }
        let shape = if !survey.uneven {
            self.size += block.len() as u64;
            self.crlf = self.crlf || memchr(b'\n', block).is_some();
            self.jump(block, 2);
            Shape::Canonical
        } else if memchr(b'\r', block).is_none() {
            let ends = memchr_iter(b'\n', block).count() as u64;
            self.bare_lf += ends;
            self.size += block.len() as u64 + ends;
            self.jump(block, 1);
            Shape::BareLf
        } else {
            self.walk(block);
            Shape::Uneven
        };
        self.read += block.len() as u64;
        shape
    }

    /// A tally of nothing that counts as this one does.
    pub(super) fn of_nothing(&self) -> Self {
        Tally::new(self.stray)
    }

    /// True as long as what was counted may become what the whole counted.
    pub(super) fn is_within(&self, whole: &Tally) -> bool {
        self.read <= whole.read
            && (!self.eight_bit || whole.eight_bit)
            && (self.nul.is_none() || self.nul == whole.nul)
    }

    /// True when nothing is to be done to the blocks so far.
    pub(super) fn is_canonical(&self) -> bool {
        self.bare_lf == 0 && self.stray_cr == 0
    }

    /// Checks the lengths of lines that all end alike, in `end` octets, by the
    /// last line end in reach of each line's beginning: the lines between are
    /// shorter still.
    fn jump(&mut self, block: &[u8], end: usize) {
        let (mut start, mut open) = (0, self.open);
        while start < block.len() {
            let reach = (start + LONGEST_LINE + end).saturating_sub(open).max(start);
            let window = &block[start..reach.min(block.len())];
            let Some(at) = memrchr(b'\n', window).or_else(|| {
                if reach < block.len() || open + window.len() > LONGEST_LINE {
                    self.note_long_line(start, open);
                }
                memchr(b'\n', &block[start..])
            }) else {
                break;
            };
            (start, open) = (start + at + 1, 0);
        }
        self.open = open + block.len() - start;
    }

    /// Counts line by line.
    fn walk(&mut self, block: &[u8]) {
        let mut start = 0;
        for line in (Lines { rest: block, stray: self.stray }) {
            let length = self.open + line.text.len();
            if length > LONGEST_LINE {
                self.note_long_line(start, self.open);
            }
            start += line.taken;
            self.size += line.text.len() as u64;
            match line.end {
                Some(end) => {
                    self.open = 0;
                    self.size += 2;
                    self.crlf |= end == End::CrLf;
                    self.bare_lf += u64::from(end == End::Lf);
                    self.stray_cr += u64::from(end == End::Cr);
                }
                None => self.open = length,
            }
            self.stray_cr += memchr_iter(b'\r', line.text).count() as u64;
        }
    }

    /// Notes the line that begins `open` octets before this place in the block.
    fn note_long_line(&mut self, start: usize, open: usize) {
        let begin = (self.read + start as u64).saturating_sub(open as u64);
        self.long_line.get_or_insert(begin);
    }
}

/// Writes the canonical form of a block of this shape to `out`, which must have
/// twice its length, and returns how many octets that were.
pub(super) fn canonicalise(block: &[u8], shape: Shape, stray: StrayCr, out: &mut [u8]) -> usize {
    match shape {
        Shape::Canonical => {
            out[..block.len()].copy_from_slice(block);
            block.len()
        }
        Shape::BareLf => {
            let (mut from, mut at) = (0, 0);
            for lf in memchr_iter(b'\n', block) {
                at += append(&mut out[at..], &block[from..lf], b"\r\n");
                from = lf + 1;
            }
            at + append(&mut out[at..], &block[from..], b"")
        }
        Shape::Uneven => {
            let mut at = 0;
            for line in (Lines { rest: block, stray }) {
                let end = if line.end.is_some() { b"\r\n".as_slice() } else { b"" };
                let written = at..at + append(&mut out[at..], line.text, end);
                at = written.end;
                // RFC 5321 §2.3.8: a CR may stand only before LF.
                let text = &mut out[written][..line.text.len()];
                text.iter_mut().filter(|b| **b == b'\r').for_each(|b| *b = b' ');
            }
            at
        }
    }
}

fn append(out: &mut [u8], text: &[u8], end: &[u8]) -> usize {
    let length = text.len() + end.len();
    out[..text.len()].copy_from_slice(text);
    out[text.len()..length].copy_from_slice(end);
    length
}

/// What one pass over a block finds, without a branch, so that the compiler
/// makes it a loop over vectors.
struct Survey {
    uneven: bool,
    all: u8,
    lowest: u8,
}

impl Survey {
    fn of(block: &[u8]) -> Self {
        let [first, rest @ ..] = block else {
            return Survey { uneven: false, all: 0, lowest: u8::MAX };
        };
        let mut uneven = u8::from(*first == b'\n') | u8::from(block.last() == Some(&b'\r'));
        let (mut all, mut lowest) = (*first, *first);
        for (before, octet) in block.iter().zip(rest) {
            // Canonical is: an LF stands exactly where a CR stands before.
            uneven |= u8::from((*octet == b'\n') != (*before == b'\r'));
            all |= octet;
            lowest = lowest.min(*octet);
        }
        Survey { uneven: uneven != 0, all, lowest }
    }
}

/// The lines of a block; what follows the last line end is a line without one.
struct Lines<'a> {
    rest: &'a [u8],
    stray: StrayCr,
}

struct Line<'a> {
    /// Without its end.
    text: &'a [u8],
    /// Octets with its end.
    taken: usize,
    end: Option<End>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    CrLf,
    Lf,
    /// A stray CR that is taken for a line end.
    Cr,
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let (mut text, mut taken, mut end) = match memchr(b'\n', self.rest) {
            Some(at) if at > 0 && self.rest[at - 1] == b'\r' => {
                (&self.rest[..at - 1], at + 1, Some(End::CrLf))
            }
            Some(at) => (&self.rest[..at], at + 1, Some(End::Lf)),
            None => (self.rest, self.rest.len(), None),
        };
        if self.stray == StrayCr::Crlf
            && let Some(at) = memchr(b'\r', text)
        {
            (text, taken, end) = (&text[..at], at + 1, Some(End::Cr));
        }
        self.rest = &self.rest[taken..];
        Some(Line { text, taken, end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counted(block: &[u8]) -> (Shape, Tally) {
        let mut tally = Tally::default();
        let shape = tally.count(block);
        (shape, tally)
    }

    #[test]
    fn a_block_is_canonical_when_cr_and_lf_stand_in_pairs() {
        // 5321-2.3.8c
        for (block, expected) in [
            ("", Shape::Canonical),
            ("a", Shape::Canonical),
            ("\r\n", Shape::Canonical),
            ("a\r\nb\r\n\r\nc", Shape::Canonical),
            ("\n", Shape::BareLf),
            ("a\nb", Shape::BareLf),
            ("a\rb", Shape::Uneven),
            ("\r\r\n", Shape::Uneven),
            ("\r\n\n", Shape::Uneven),
            ("a\r", Shape::Uneven),
        ] {
            assert_eq!(counted(block.as_bytes()).0, expected, "{block:?}");
        }
    }

    #[test]
    fn a_stray_cr_becomes_a_space_or_a_line_end() {
        // 5321-2.3.8c, D6
        for (block, spaces, lines, strays) in [
            ("a\rb\n", "a b\r\n", "a\r\nb\r\n", 1),
            ("a\r\r\nb", "a \r\nb", "a\r\n\r\nb", 1),
            ("\r\r\ra\r\n", "   a\r\n", "\r\n\r\n\r\na\r\n", 3),
            ("a\r", "a ", "a\r\n", 1),
        ] {
            for (stray, expected) in [(StrayCr::Space, spaces), (StrayCr::Crlf, lines)] {
                let (mut tally, mut out) = (Tally::new(stray), vec![0; 2 * block.len()]);
                let shape = tally.count(block.as_bytes());
                let length = canonicalise(block.as_bytes(), shape, stray, &mut out);
                assert_eq!(std::str::from_utf8(&out[..length]).unwrap(), expected, "{block:?}");
                assert_eq!((tally.size, tally.stray_cr), (length as u64, strays), "{block:?}");
            }
        }
    }

    #[test]
    fn a_line_may_have_998_octets_and_not_999() {
        // 5321-4.5.3.1.6
        for end in ["\r\n", "\n", ""] {
            for before in ["", "x\r\n", "x\n", "\r\n\r\n", "a\rb\n"] {
                for after in ["", "x", "\r\n", "x\n", "a\rb\n"] {
                    let after = if end.is_empty() { "" } else { after };
                    let fits = format!("{before}{}{end}{after}", "a".repeat(998));
                    let (_, tally) = counted(fits.as_bytes());
                    assert_eq!(tally.long_line, None, "{before:?} {end:?}");
                    let long = format!("{before}{}{end}{after}", "a".repeat(999));
                    let (_, tally) = counted(long.as_bytes());
                    assert_eq!(tally.long_line, Some(before.len() as u64), "{before:?} {end:?}");
                }
            }
        }
    }

    #[test]
    fn a_line_is_measured_across_blocks() {
        for (first, second, fits) in
            [(500, 498, true), (500, 499, false), (998, 0, true), (998, 1, false), (0, 999, false)]
        {
            for end in ["\r\n", "\n"] {
                let mut tally = Tally::default();
                tally.count(format!("x{end}{}", "a".repeat(first)).as_bytes());
                tally.count(format!("{}{end}b{end}", "a".repeat(second)).as_bytes());
                let begins = 1 + end.len() as u64;
                let expected = (!fits).then_some(begins);
                assert_eq!(tally.long_line, expected, "{first} {second} {end:?}");
                assert_eq!(tally.open, 0);
            }
        }
    }

    #[test]
    fn many_lines_of_every_length_are_jumped_over() {
        for length in [0, 1, 71, 499, 500, 501, 997, 998, 999, 1998, 5000] {
            for end in ["\r\n", "\n"] {
                let text = format!("{}{end}", "a".repeat(length)).repeat(50);
                let (_, tally) = counted(text.as_bytes());
                assert_eq!(tally.size, 50 * (length as u64 + 2));
                assert_eq!(tally.long_line.is_none(), length <= 998);
                assert_eq!(tally.open, 0);
            }
        }
    }

    #[test]
    fn nul_and_eight_bit_octets_are_seen_anywhere() {
        // 5321-4.1.1.4n, 6152
        for at in 0..70 {
            let mut block = vec![b'a'; 70];
            block[at] = 0xe9;
            assert!(counted(&block).1.eight_bit);
            assert_eq!(counted(&block).1.high, 1);
            block[at] = 0;
            assert_eq!(counted(&block).1.nul, Some(at as u64));
        }
    }

    /// Counts and writes in blocks of about these lengths.
    fn in_blocks(text: &[u8], cuts: &[usize], stray: StrayCr) -> (Tally, Vec<u8>) {
        let (mut tally, mut out, mut at) = (Tally::new(stray), Vec::new(), 0);
        for cut in cuts.iter().cycle() {
            let mut end = (at + cut).min(text.len());
            while end < text.len() && text[end - 1] == b'\r' {
                end += 1;
            }
            let mut piece = vec![0; 2 * (end - at)];
            let shape = tally.count(&text[at..end]);
            let length = canonicalise(&text[at..end], shape, stray, &mut piece);
            out.extend_from_slice(&piece[..length]);
            at = end;
            if at == text.len() {
                break;
            }
        }
        (tally, out)
    }

    proptest! {
        #[test]
        fn the_cuts_between_blocks_do_not_matter(
            pieces in proptest::collection::vec("\r\n|\n|\r|a{1,3}|.|é|b{600}", 0..40),
            cuts in proptest::collection::vec(1..40usize, 1..10),
            stray in prop_oneof![Just(StrayCr::Space), Just(StrayCr::Crlf)],
        ) {
            let text = pieces.concat();
            let whole = in_blocks(text.as_bytes(), &[text.len().max(1)], stray);
            prop_assert_eq!(&whole, &in_blocks(text.as_bytes(), &cuts, stray));
            let (tally, out) = whole;
            prop_assert_eq!(tally.size, out.len() as u64);
            let longest = out.split(|&b| b == b'\n').map(|line| {
                line.strip_suffix(b"\r").unwrap_or(line).len()
            });
            prop_assert_eq!(tally.long_line.is_none(), longest.max() <= Some(998));
            let text = String::from_utf8(out).unwrap();
            prop_assert!(!text.replace("\r\n", "").contains(['\r', '\n']));
        }
    }
}
