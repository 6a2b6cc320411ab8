//! Writing a recipe out: the pieces of a message one after another, each
//! checked against what was measured before.

use super::canonical::{Fault, Shape, Tally, canonicalise};
use super::{Error, Source};
use encodify::base64::MIME;
use std::io::{self, Read};

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
        let mut block = vec![0; BLOCK];
        let mut at = from;
        while at < source.length() {
            let length = source.block(&mut block, at)?;
            if let Err(fault) = tally.count(&block[..length]) {
                return Err(source.unfit(fault, at));
            }
            at += length as u64;
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
    /// Fills the buffer from this position as far as the source reaches, less
    /// a CR at the cut, and returns the length.
    fn block(&self, buffer: &mut [u8], at: u64) -> Result<usize, Error> {
        let rest = self.length() - at;
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
    fn produce(&mut self, out: &mut [u8]) -> Result<usize, Error> {
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
    let length = source.block(block, *at)?;
    let shape = tally.count(&block[..length]).map_err(|_| source.changed())?;
    if tally.eight_bit && !text.tally.eight_bit || straight && shape != Shape::Canonical {
        return Err(source.changed());
    }
    *at += length as u64;
    Ok(if straight { length } else { canonicalise(&raw[..length], shape, out) })
}
