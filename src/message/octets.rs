//! Writing a recipe out: the pieces of a message one after another, each
//! checked against what was measured before.

use super::canonical::{Fault, LONGEST_LINE, Shape, Tally, canonicalise};
use super::{Error, Source};
use encodify::base64::MIME;
use std::io::{self, Read};
use std::ops::Range;

/// One stretch of a message.
#[derive(Debug)]
pub(super) enum Piece {
    /// Canonical octets in memory.
    Held(Vec<u8>),
    /// A source as base64 in lines of 76 (RFC 2045 §6.8).
    Base64(Source),
    /// The canonical form of a source.
    Canonical(Text),
}

/// A source of lines, from some octet to its end, measured.
#[derive(Debug)]
pub(super) struct Text {
    source: Source,
    from: u64,
    tally: Tally,
}

/// The canonical octets of a message, in large pieces where the buffer is
/// large.
#[derive(Debug)]
pub struct Octets<'m> {
    pieces: std::slice::Iter<'m, Piece>,
    current: Option<Writer<'m>>,
    /// Octets waiting for readers with small buffers.
    spare: Vec<u8>,
    given: usize,
}

/// Octets in a line of base64, and those they stand for (RFC 2045 §6.8).
const BASE64_LINE: (u64, u64) = (76, 57);
/// A buffer below this is filled from a spare one.
const SMALL: usize = 4 * 1024;
const BLOCK: usize = 128 * 1024;
/// A source below this is measured before another thread has begun.
const WORTH_SHARING: u64 = 4 * 1024 * 1024;
/// Memory is faster than this many processors are no more.
const MOST_WORKERS: usize = 4;

impl Piece {
    pub(super) fn size(&self) -> u64 {
        match self {
            Piece::Held(octets) => octets.len() as u64,
            Piece::Base64(source) => {
                let symbols = source.length().div_ceil(3) * 4;
                symbols + symbols.div_ceil(BASE64_LINE.0) * 2
            }
            Piece::Canonical(text) => text.tally.size,
        }
    }

    /// Some octet is above 127. What is held behind the header is ASCII by
    /// construction.
    pub(super) fn is_eight_bit(&self) -> bool {
        match self {
            Piece::Held(octets) => !octets.is_ascii(),
            Piece::Base64(_) => false,
            Piece::Canonical(text) => text.tally.eight_bit,
        }
    }
}

impl Text {
    /// Reads the source from this octet to its end, to know it.
    pub(super) fn measure(source: Source, from: u64) -> Result<Self, Error> {
        let mut tally = Tally::default();
        for stretch in source.tallies(from)? {
            tally.append(&stretch);
        }
        tally.finish();
        source.verify()?;
        Ok(Text { source, from, tally })
    }

    /// What the measuring found.
    pub(super) fn tally(&self) -> &Tally {
        &self.tally
    }
}

impl Source {
    /// What stands from this position on: a large source in as many stretches
    /// as there are processors, for nothing can be sent before all is known.
    fn tallies(&self, from: u64) -> Result<Vec<Tally>, Error> {
        let workers = if self.length() - from < WORTH_SHARING {
            1
        } else {
            std::thread::available_parallelism().map_or(1, |n| n.get().min(MOST_WORKERS))
        };
        let cuts = self.cuts(from, workers as u64)?;
        let [first, others @ ..] = &cuts[..] else { return Ok(Vec::new()) };
        std::thread::scope(|scope| {
            let others: Vec<_> = others
                .iter()
                .map(|stretch| scope.spawn(move || self.tally(stretch.clone())))
                .collect();
            let first = self.tally(first.clone());
            let others = others.into_iter().map(|worker| {
                worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            });
            std::iter::once(first).chain(others).collect()
        })
    }

    /// About equal stretches from this position to the end, each beginning
    /// where a line does.
    fn cuts(&self, from: u64, stretches: u64) -> Result<Vec<Range<u64>>, Error> {
        let mut cuts = Vec::new();
        let mut start = from;
        for nth in 1..stretches {
            let about = from + (self.length() - from) / stretches * nth;
            let mut window = [0; LONGEST_LINE + 2];
            self.fill(&mut window, about)?;
            // Without a line end here there is a line that is too long, which
            // the stretch before will find.
            let Some(end) = memchr::memchr(b'\n', &window) else { continue };
            let cut = about + end as u64 + 1;
            cuts.push(start..cut);
            start = cut;
        }
        cuts.push(start..self.length());
        Ok(cuts)
    }

    fn tally(&self, stretch: Range<u64>) -> Result<Tally, Error> {
        let mut tally = Tally::default();
        let mut block = vec![0; BLOCK];
        let mut at = stretch.start;
        while at < stretch.end {
            let length = self.block(&mut block, at, stretch.end)?;
            if let Err(fault) = tally.count(&block[..length]) {
                return Err(self.unfit(fault, at));
            }
            at += length as u64;
        }
        Ok(tally)
    }

    /// Fills the buffer from this position as far as `end` allows, less a
    /// CR at the cut, and returns the length.
    fn block(&self, buffer: &mut [u8], at: u64, end: u64) -> Result<usize, Error> {
        let rest = end - at;
        let length = usize::try_from(rest).unwrap_or(usize::MAX).min(buffer.len());
        self.fill(&mut buffer[..length], at)?;
        let cut_at_cr = (length as u64) < rest && buffer[length - 1] == b'\r';
        Ok(length - usize::from(cut_at_cr))
    }

    /// The error for what mail cannot carry in the block at this position.
    pub(super) fn unfit(&self, fault: Fault, block: u64) -> Error {
        let (Fault::Nul(at) | Fault::LongLine(at)) = fault;
        let line = match self.line_of(block + at as u64) {
            Ok(line) => line,
            Err(error) => return error,
        };
        let path = self.path().to_owned();
        match fault {
            Fault::Nul(_) => Error::Nul { path, line },
            Fault::LongLine(_) => Error::LineTooLong { path, line },
        }
    }
}

impl<'m> Octets<'m> {
    pub(super) fn over(pieces: &'m [Piece]) -> Result<Self, Error> {
        for piece in pieces {
            match piece {
                Piece::Held(_) => {}
                Piece::Base64(source) => source.verify()?,
                Piece::Canonical(text) => text.source.verify()?,
            }
        }
        Ok(Octets { pieces: pieces.iter(), current: None, spare: Vec::new(), given: 0 })
    }

    /// Fills `out`, of at least [`SMALL`] octets, until less than that is free
    /// or the message ends.
    pub(super) fn produce(&mut self, out: &mut [u8]) -> Result<usize, Error> {
        let mut filled = 0;
        while out.len() - filled >= SMALL {
            let Some(writer) = &mut self.current else {
                let Some(piece) = self.pieces.next() else { break };
                self.current = Some(Writer::of(piece));
                continue;
            };
            match writer.write(&mut out[filled..])? {
                0 => self.current = None,
                length => filled += length,
            }
        }
        Ok(filled)
    }
}

impl Read for Octets<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.spare.len() && buffer.len() >= SMALL {
            return Ok(self.produce(buffer)?);
        }
        if self.given == self.spare.len() {
            let mut spare = std::mem::take(&mut self.spare);
            spare.resize(2 * SMALL, 0);
            let filled = self.produce(&mut spare)?;
            spare.truncate(filled);
            (self.spare, self.given) = (spare, 0);
        }
        let length = (&self.spare[self.given..]).read(buffer)?;
        self.given += length;
        Ok(length)
    }
}

/// One piece being written.
#[derive(Debug)]
enum Writer<'m> {
    Held(&'m [u8]),
    Base64 { source: &'m Source, at: u64, raw: Vec<u8> },
    Canonical { text: &'m Text, at: u64, tally: Tally, raw: Vec<u8> },
}

impl<'m> Writer<'m> {
    fn of(piece: &'m Piece) -> Self {
        match piece {
            Piece::Held(octets) => Writer::Held(octets),
            Piece::Base64(source) => Writer::Base64 { source, at: 0, raw: Vec::new() },
            Piece::Canonical(text) => {
                Writer::Canonical { text, at: text.from, tally: Tally::default(), raw: Vec::new() }
            }
        }
    }

    /// Writes the next octets to `out`, of at least [`SMALL`]; none at the end.
    fn write(&mut self, out: &mut [u8]) -> Result<usize, Error> {
        match self {
            Writer::Held(octets) => {
                let length = octets.len().min(out.len());
                let (now, later) = octets.split_at(length);
                out[..length].copy_from_slice(now);
                *octets = later;
                Ok(length)
            }
            Writer::Base64 { source, at, raw } => base64(source, at, raw, out),
            Writer::Canonical { text, at, tally, raw } => lines(text, at, tally, raw, out),
        }
    }
}

/// Writes as many whole lines of base64 as fit.
fn base64(
    source: &Source,
    at: &mut u64,
    raw: &mut Vec<u8>,
    out: &mut [u8],
) -> Result<usize, Error> {
    let rest = source.length() - *at;
    if rest == 0 {
        source.verify()?;
        return Ok(0);
    }
    let lines = (out.len().min(BLOCK) as u64) / (BASE64_LINE.0 + 2);
    let length = rest.min(lines * BASE64_LINE.1);
    raw.resize(usize::try_from(length).expect("at most a block"), 0);
    source.fill(raw, *at)?;
    *at += length;
    Ok(MIME.encode_slice(raw.as_slice(), out).expect("the lines were counted to fit"))
}

/// Writes the next block of a text. One that was canonical when it was
/// measured is read straight into `out`.
fn lines(
    text: &Text,
    at: &mut u64,
    tally: &mut Tally,
    raw: &mut Vec<u8>,
    out: &mut [u8],
) -> Result<usize, Error> {
    let source = &text.source;
    if *at == source.length() {
        let size = tally.size;
        tally.finish();
        source.verify()?;
        if *tally != text.tally {
            return Err(source.changed());
        }
        let end = usize::from(tally.size > size) * 2;
        out[..end].copy_from_slice(&b"\r\n"[..end]);
        return Ok(end);
    }
    let straight = text.tally.is_canonical();
    let block = if straight {
        &mut *out
    } else {
        raw.resize(out.len().min(BLOCK) / 2, 0);
        raw.as_mut_slice()
    };
    let length = source.block(block, *at, source.length())?;
    let shape = tally.count(&block[..length]).map_err(|_| source.changed())?;
    if tally.eight_bit && !text.tally.eight_bit || straight && shape != Shape::Canonical {
        return Err(source.changed());
    }
    *at += length as u64;
    Ok(if straight { length } else { canonicalise(&raw[..length], shape, out) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text large enough to be shared, with this line again and again.
    fn large(line: &str) -> Vec<u8> {
        let times = usize::try_from(WORTH_SHARING).unwrap() / line.len() + 7;
        line.repeat(times).into_bytes()
    }

    fn shared(source: &Source, from: u64) -> Result<Tally, String> {
        let mut whole = Tally::default();
        for stretch in source.tallies(from).map_err(|e| e.to_string())? {
            whole.append(&stretch);
        }
        Ok(whole)
    }

    #[test]
    fn several_workers_find_what_one_finds() {
        let long = "x".repeat(997);
        for line in
            ["\n", "a\r\n", "é\n", "a\rb\n\r\n", &format!("{long}x\r\n"), &format!("{long}\n")]
        {
            let mut octets = large(line);
            octets.extend_from_slice(b"the last, without an end");
            let source = Source::held(octets, "test");
            let alone = source.tally(5..source.length()).unwrap();
            assert_eq!(shared(&source, 5), Ok(alone), "{}", line.len());
        }
    }

    #[test]
    fn several_workers_name_the_first_fault() {
        for (fault, expected) in
            [("\0\n", "NUL octet in line"), ("xx", "more than 998 octets in line")]
        {
            let mut octets = large("some line\r\n");
            let lines = octets.len() / 11;
            for nth in [lines / 3, lines / 2, lines - 2] {
                let bad = if fault == "xx" { "y".repeat(999) } else { fault.to_owned() };
                let at = nth * 11;
                octets.splice(at..at, bad.into_bytes());
                let source = Source::held(octets.clone(), "test");
                let found = shared(&source, 0).unwrap_err();
                assert!(found.contains(expected), "{found}");
                // The later faults of this loop stand behind the first.
                assert!(found.contains(&format!("line {}", lines / 3 + 1)), "{found}");
            }
        }
    }
}
