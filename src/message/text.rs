//! Lines of a source, measured before they are written.

use super::canonical::{LONGEST_LINE, StrayCr, Tally};
use super::octets::{Piece, Stretch};
use super::{Error, Source};
use std::ops::Range;
use std::sync::Arc;

/// Lines of a source, from one octet to another, measured.
#[derive(Clone, Debug)]
pub(super) struct Text(Vec<Stretch>);

/// A source below this is measured before another thread has begun.
const WORTH_SHARING: u64 = 4 * 1024 * 1024;
/// Memory is faster than this many processors are no more.
const MOST_WORKERS: usize = 4;
const BLOCK: usize = 128 * 1024;

impl Text {
    /// Reads these octets of the source, to know them.
    pub(super) fn measure(
        source: &Arc<Source>,
        range: Range<u64>,
        stray: StrayCr,
    ) -> Result<Self, Error> {
        let stretches = source.tallies(range, stray)?;
        source.verify()?;
        let stretch = |(range, tally)| Stretch { source: Arc::clone(source), range, tally };
        Ok(Text(stretches.into_iter().map(stretch).collect()))
    }

    /// What was counted in all.
    pub(super) fn sum(&self, count: impl Fn(&Tally) -> u64) -> u64 {
        self.0.iter().map(|stretch| count(&stretch.tally)).sum()
    }

    /// Some octet is above 127.
    pub(super) fn is_eight_bit(&self) -> bool {
        self.0.iter().any(|stretch| stretch.tally.eight_bit)
    }

    /// The position in the source of the first NUL.
    pub(super) fn nul(&self) -> Option<u64> {
        self.first(|tally| tally.nul)
    }

    /// The position in the source of the first line over 998 octets.
    pub(super) fn long_line(&self) -> Option<u64> {
        self.first(|tally| tally.long_line)
    }

    /// Reads it again, to see whether it is UTF-8.
    pub(super) fn is_utf8(&self, source: &Source) -> Result<bool, Error> {
        let (Some(first), Some(last)) = (self.0.first(), self.0.last()) else { return Ok(true) };
        let (mut at, end) = (first.range.start, last.range.end);
        let (mut block, mut kept) = (vec![0; BLOCK], 0);
        while at < end {
            let length = usize::try_from(end - at).unwrap_or(usize::MAX).min(BLOCK - kept);
            source.fill(&mut block[kept..kept + length], at)?;
            at += length as u64;
            let filled = kept + length;
            kept = match std::str::from_utf8(&block[..filled]) {
                Ok(_) => 0,
                // A character that the block cuts.
                Err(error) if error.error_len().is_none() && at < end => {
                    block.copy_within(error.valid_up_to()..filled, 0);
                    filled - error.valid_up_to()
                }
                Err(_) => return Ok(false),
            };
        }
        Ok(true)
    }

    /// Some line ends are not CRLF, and become it.
    pub(super) fn is_uneven(&self) -> bool {
        !self.0.iter().all(|stretch| stretch.tally.is_canonical())
    }

    /// Some line ends in CRLF.
    pub(super) fn has_crlf(&self) -> bool {
        self.0.iter().any(|stretch| stretch.tally.crlf)
    }

    /// The last line has no end.
    pub(super) fn is_unended(&self) -> bool {
        self.0.last().is_some_and(|stretch| stretch.tally.open > 0)
    }

    /// The lines in canonical form, the last one as it is.
    pub(super) fn into_pieces(self) -> impl Iterator<Item = Piece> {
        self.into_stretches().map(Piece::Lines)
    }

    /// Where its octets stand.
    pub(super) fn into_stretches(self) -> impl Iterator<Item = Stretch> {
        self.0.into_iter()
    }

    /// The whole text as one stretch, counted again where there are several.
    pub(super) fn into_stretch(self) -> Result<Stretch, Error> {
        let mut stretches = self.0;
        match (stretches.pop(), stretches.first()) {
            (Some(only), None) => Ok(only),
            (last, first) => {
                let (first, last) = (first.or(last.as_ref()), last.as_ref());
                let (Some(first), Some(last)) = (first, last) else {
                    unreachable!("a text has at least one stretch");
                };
                let range = first.range.start..last.range.end;
                let tally = first.source.tally(range.clone(), first.tally.stray)?;
                Ok(Stretch { source: Arc::clone(&first.source), range, tally })
            }
        }
    }

    fn first(&self, place: impl Fn(&Tally) -> Option<u64>) -> Option<u64> {
        self.0.iter().find_map(|stretch| Some(stretch.range.start + place(&stretch.tally)?))
    }
}

impl Source {
    /// What stands in this range: of a large one in as many stretches as there
    /// are processors, for nothing can be sent before all is known.
    fn tallies(
        &self,
        range: Range<u64>,
        stray: StrayCr,
    ) -> Result<Vec<(Range<u64>, Tally)>, Error> {
        let workers = if range.end - range.start < WORTH_SHARING {
            1
        } else {
            std::thread::available_parallelism().map_or(1, |n| n.get().min(MOST_WORKERS))
        };
        let cuts = self.cuts(range, workers as u64)?;
        let count = |stretch: &Range<u64>| self.tally(stretch.clone(), stray);
        let [first, others @ ..] = &cuts[..] else { return Ok(Vec::new()) };
        let tallies: Result<Vec<Tally>, Error> = std::thread::scope(|scope| {
            let others: Vec<_> =
                others.iter().map(|stretch| scope.spawn(move || count(stretch))).collect();
            let first = count(first);
            let others = others.into_iter().map(|worker| {
                worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            });
            std::iter::once(first).chain(others).collect()
        });
        Ok(cuts.into_iter().zip(tallies?).collect())
    }

    /// About equal stretches of this range, each beginning where a line does.
    fn cuts(&self, range: Range<u64>, stretches: u64) -> Result<Vec<Range<u64>>, Error> {
        let mut cuts = Vec::new();
        let mut start = range.start;
        for nth in 1..stretches {
            let about = range.start + (range.end - range.start) / stretches * nth;
            let mut window = [0; LONGEST_LINE + 2];
            self.fill(&mut window, about)?;
            // In a line that long nothing is cut.
            let Some(end) = memchr::memchr(b'\n', &window) else { continue };
            let cut = about + end as u64 + 1;
            cuts.push(start..cut);
            start = cut;
        }
        cuts.push(start..range.end);
        Ok(cuts)
    }

    pub(super) fn tally(&self, range: Range<u64>, stray: StrayCr) -> Result<Tally, Error> {
        let mut tally = Tally::new(stray);
        let rest = range.end - range.start;
        let mut block = vec![0; usize::try_from(rest).unwrap_or(BLOCK).clamp(1, BLOCK)];
        let mut at = range.start;
        while at < range.end {
            let length = self.block(&mut block, at, range.end)?;
            tally.count(&block[..length]);
            at += length as u64;
        }
        Ok(tally)
    }

    /// Fills the buffer from this position as far as `end` allows, less a
    /// CR at the cut, and returns the length.
    pub(super) fn block(&self, buffer: &mut [u8], at: u64, end: u64) -> Result<usize, Error> {
        let rest = end - at;
        let length = usize::try_from(rest).unwrap_or(usize::MAX).min(buffer.len());
        self.fill(&mut buffer[..length], at)?;
        let cut_at_cr = (length as u64) < rest && buffer[length - 1] == b'\r';
        Ok(length - usize::from(cut_at_cr && length > 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text large enough to be shared, with this line again and again.
    fn large(line: &str) -> Vec<u8> {
        let times = usize::try_from(WORTH_SHARING).unwrap() / line.len() + 7;
        line.repeat(times).into_bytes()
    }

    fn measured(octets: Vec<u8>) -> Text {
        let source = Arc::new(Source::held(octets, "test"));
        Text::measure(&source, 5..source.length(), StrayCr::Space).unwrap()
    }

    #[test]
    fn several_workers_find_what_one_finds() {
        let long = "x".repeat(997);
        for line in
            ["\n", "a\r\n", "é\n", "a\rb\n\r\n", &format!("{long}x\r\n"), &format!("{long}\n")]
        {
            let mut octets = large(line);
            octets.extend_from_slice(b"the last, without an end");
            let text = measured(octets);
            let alone = text.clone().into_stretch().unwrap().tally;
            for count in [
                |tally: &Tally| tally.read,
                |tally: &Tally| tally.size,
                |tally: &Tally| tally.bare_lf,
                |tally: &Tally| tally.stray_cr,
            ] {
                assert_eq!(text.sum(count), count(&alone), "{}", line.len());
            }
            assert_eq!(text.is_eight_bit(), alone.eight_bit);
            assert!(text.is_unended() && alone.open > 0);
        }
    }

    #[test]
    fn several_workers_name_the_first_fault() {
        let mut octets = large("some line\r\n");
        let lines = octets.len() / 11;
        for nth in [lines - 2, lines / 2, lines / 3] {
            octets.splice(nth * 11..nth * 11, *b"\0\n");
            let text = measured(octets.clone());
            assert_eq!(text.nul(), Some(nth as u64 * 11));
        }
        let mut octets = large("some line\r\n");
        for nth in [lines - 2, lines / 2, lines / 3] {
            octets.splice(nth * 11..nth * 11, [b'y'; 999]);
            let text = measured(octets.clone());
            assert_eq!(text.long_line(), Some(nth as u64 * 11));
        }
    }
}
