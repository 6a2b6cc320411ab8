//! Line ends and line lengths: what makes octets canonical (RFC 5321 §2.3.8,
//! RFC 5322 §2.1.1), looked at in blocks without looking at every line.

use memchr::{memchr, memchr_iter, memrchr};

/// RFC 5322 §2.1.1, without the CRLF.
pub(super) const LONGEST_LINE: usize = 998;

/// What the blocks so far hold, and what they become.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Octets in.
    pub(super) read: u64,
    /// Octets out.
    pub(super) size: u64,
    /// LF without CR, each of which becomes CRLF.
    pub(super) bare_lf: u64,
    /// CR without LF, each of which becomes a space.
    pub(super) stray_cr: u64,
    /// Some octet above 127.
    pub(super) eight_bit: bool,
    /// The last line had no end and gets one.
    pub(super) unended: bool,
    /// Octets of the line that the last block did not end.
    open: usize,
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

/// What mail cannot carry, with its position in the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// NUL.
    Nul(usize),
    /// A line over 998 octets; where it begins in this block.
    LongLine(usize),
}

impl Tally {
    /// Counts one block. It must not end between CR and LF: who cuts the
    /// blocks leaves a last CR to the next, unless there is none.
    pub(super) fn count(&mut self, block: &[u8]) -> Result<Shape, Fault> {
        let survey = Survey::of(block);
        if survey.lowest == 0 {
            return Err(Fault::Nul(memchr(0, block).unwrap_or(0)));
        }
        self.read += block.len() as u64;
        self.eight_bit |= survey.all >= 0x80;
        if !survey.uneven {
            self.size += block.len() as u64;
            self.jump(block, 2)?;
            return Ok(Shape::Canonical);
        }
        if memchr(b'\r', block).is_none() {
            let ends = memchr_iter(b'\n', block).count() as u64;
            self.bare_lf += ends;
            self.size += block.len() as u64 + ends;
            self.jump(block, 1)?;
            return Ok(Shape::BareLf);
        }
        self.walk(block)?;
        Ok(Shape::Uneven)
    }

    /// Adds what follows, counted from the beginning of a line.
    pub(super) fn append(&mut self, next: &Tally) {
        self.read += next.read;
        self.size += next.size;
        self.bare_lf += next.bare_lf;
        self.stray_cr += next.stray_cr;
        self.eight_bit |= next.eight_bit;
        self.unended = next.unended;
        self.open = next.open;
    }

    /// True when nothing was to be done to the blocks so far.
    pub(super) fn is_canonical(&self) -> bool {
        self.bare_lf == 0 && self.stray_cr == 0
    }

    /// Ends the last line if it has no end.
    pub(super) fn finish(&mut self) {
        if std::mem::take(&mut self.open) > 0 {
            self.unended = true;
            self.size += 2;
        }
    }

    /// Checks the lengths of lines that all end alike, in `end` octets, by the
    /// last line end in reach of each line's beginning: the lines between are
    /// shorter still.
    fn jump(&mut self, block: &[u8], end: usize) -> Result<(), Fault> {
        let (mut start, mut open) = (0, self.open);
        loop {
            let reach = start + LONGEST_LINE + end - open;
            let window = &block[start..reach.min(block.len())];
            match memrchr(b'\n', window) {
                Some(at) => (start, open) = (start + at + 1, 0),
                None if reach <= block.len() => return Err(Fault::LongLine(start)),
                None => break,
            }
        }
        self.open = open + block.len() - start;
        if self.open > LONGEST_LINE { Err(Fault::LongLine(start)) } else { Ok(()) }
    }

    /// Counts line by line.
    fn walk(&mut self, block: &[u8]) -> Result<(), Fault> {
        let mut start = 0;
        for line in Lines(block) {
            let length = self.open + line.text.len();
            if length > LONGEST_LINE {
                return Err(Fault::LongLine(start));
            }
            start += line.taken;
            self.stray_cr += memchr_iter(b'\r', line.text).count() as u64;
            self.size += line.text.len() as u64 + if line.ended { 2 } else { 0 };
            self.bare_lf += u64::from(line.ended && line.taken == line.text.len() + 1);
            self.open = if line.ended { 0 } else { length };
        }
        Ok(())
    }
}

/// Writes the canonical form of a block of this shape to `out`, which must have
/// twice its length, and returns how many octets that were.
pub(super) fn canonicalise(block: &[u8], shape: Shape, out: &mut [u8]) -> usize {
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
            for Line { text, ended, .. } in Lines(block) {
                let end = if ended { b"\r\n".as_slice() } else { b"" };
                let line = at..at + append(&mut out[at..], text, end);
                at = line.end;
                // RFC 5321 §2.3.8: a CR may stand only before LF.
                out[line][..text.len()].iter_mut().filter(|b| **b == b'\r').for_each(|b| *b = b' ');
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

/// The lines of a block; what follows the last LF is a line without an end.
struct Lines<'a>(&'a [u8]);

struct Line<'a> {
    /// Without its end.
    text: &'a [u8],
    /// Octets with its end.
    taken: usize,
    ended: bool,
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        if self.0.is_empty() {
            return None;
        }
        let (text, taken, ended) = match memchr(b'\n', self.0) {
            Some(at) => (&self.0[..at], at + 1, true),
            None => (self.0, self.0.len(), false),
        };
        self.0 = &self.0[taken..];
        let text = if ended { text.strip_suffix(b"\r").unwrap_or(text) } else { text };
        Some(Line { text, taken, ended })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shape(block: &[u8]) -> Result<(Shape, Tally), Fault> {
        let mut tally = Tally::default();
        tally.count(block).map(|shape| (shape, tally))
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
            assert_eq!(shape(block.as_bytes()).unwrap().0, expected, "{block:?}");
        }
    }

    #[test]
    fn a_line_may_have_998_octets_and_not_999() {
        // 5321-4.5.3.1.6
        for end in ["\r\n", "\n", ""] {
            for before in ["", "x\r\n", "x\n", "\r\n\r\n", "a\rb\n"] {
                let fits = format!("{before}{}{end}", "a".repeat(998));
                assert!(shape(fits.as_bytes()).is_ok(), "{before:?} {end:?}");
                let long = format!("{before}{}{end}", "a".repeat(999));
                let fault = Fault::LongLine(before.len());
                assert_eq!(shape(long.as_bytes()).map(|_| ()), Err(fault), "{before:?} {end:?}");
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
                tally.count("a".repeat(first).as_bytes()).unwrap();
                let rest = format!("{}{end}b{end}", "a".repeat(second));
                assert_eq!(tally.count(rest.as_bytes()).is_ok(), fits, "{first} {second} {end:?}");
            }
        }
    }

    #[test]
    fn many_lines_of_every_length_are_jumped_over() {
        for length in [0, 1, 71, 499, 500, 501, 997, 998] {
            for end in ["\r\n", "\n"] {
                let text = format!("{}{end}", "a".repeat(length)).repeat(50);
                let (_, tally) = shape(text.as_bytes()).unwrap();
                assert_eq!(tally.size, 50 * (length as u64 + 2));
            }
        }
    }

    #[test]
    fn nul_and_eight_bit_octets_are_seen_anywhere() {
        // 5321-4.1.1.4n, 6152
        for at in 0..70 {
            let mut block = vec![b'a'; 70];
            block[at] = 0xe9;
            assert!(shape(&block).unwrap().1.eight_bit);
            block[at] = 0;
            assert_eq!(shape(&block), Err(Fault::Nul(at)));
        }
    }

    /// Counts and writes in blocks of about these lengths.
    fn in_blocks(text: &[u8], cuts: &[usize]) -> Result<(Tally, Vec<u8>), ()> {
        let (mut tally, mut out, mut at) = (Tally::default(), Vec::new(), 0);
        for cut in cuts.iter().cycle() {
            let mut end = (at + cut).min(text.len());
            while end < text.len() && text[end - 1] == b'\r' {
                end += 1;
            }
            let mut piece = vec![0; 2 * (end - at)];
            let shape = tally.count(&text[at..end]).map_err(|_| ())?;
            let length = canonicalise(&text[at..end], shape, &mut piece);
            out.extend_from_slice(&piece[..length]);
            at = end;
            if at == text.len() {
                break;
            }
        }
        tally.finish();
        Ok((tally, out))
    }

    proptest! {
        #[test]
        fn the_cuts_between_blocks_do_not_matter(
            pieces in proptest::collection::vec("\r\n|\n|\r|a{1,3}|.|é|b{600}", 0..40),
            cuts in proptest::collection::vec(1..40usize, 1..10),
        ) {
            let text = pieces.concat();
            let whole = in_blocks(text.as_bytes(), &[text.len().max(1)]);
            prop_assert_eq!(&whole, &in_blocks(text.as_bytes(), &cuts));
            if let Ok((tally, out)) = whole {
                prop_assert_eq!(tally.size, out.len() as u64 + if tally.unended { 2 } else { 0 });
                prop_assert!(out.split(|&b| b == b'\n').all(|line| line.len() <= 999));
            }
        }
    }
}
