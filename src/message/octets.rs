//! Writing a recipe out: the pieces of a message one after another, each
//! checked against what was measured before.

use super::canonical::{Shape, Tally, canonicalise};
use super::fingerprint::Fingerprint;
use super::transfer::{Coder, Transfer};
use super::{Error, Source};
use encodify::base64::MIME;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;

/// One stretch of a message.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    /// Canonical octets in memory.
    Held(Vec<u8>),
    /// A whole source as base64 in lines of 76 (RFC 2045 §6.8).
    Base64(Arc<Source>),
    /// Lines of a source in canonical form.
    Lines(Stretch),
    /// Lines of a source in a transfer encoding.
    Encoded(EncodedStretch),
    /// Octets of a source as they are, be they lines or not.
    Raw(Stretch),
}

/// Lines of a source, measured.
#[derive(Clone, Debug)]
pub(super) struct Stretch {
    pub(super) source: Arc<Source>,
    pub(super) range: Range<u64>,
    pub(super) tally: Tally,
}

/// A measured stretch of a source with the encoding it is written in.
#[derive(Clone, Debug)]
pub(super) struct EncodedStretch {
    stretch: Stretch,
    transfer: Transfer,
    size: u64,
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
            Piece::Lines(stretch) => stretch.tally.size,
            Piece::Encoded(encoded) => encoded.size,
            Piece::Raw(stretch) => stretch.tally.read,
        }
    }

    /// Some octet is above 127. What is held behind the header is ASCII by
    /// construction.
    pub(super) fn is_eight_bit(&self) -> bool {
        match self {
            Piece::Held(octets) => !octets.is_ascii(),
            Piece::Lines(stretch) | Piece::Raw(stretch) => stretch.tally.eight_bit,
            Piece::Base64(_) | Piece::Encoded(_) => false,
        }
    }

    fn source(&self) -> Option<&Source> {
        match self {
            Piece::Held(_) => None,
            Piece::Base64(source) => Some(source),
            Piece::Lines(stretch) | Piece::Raw(stretch) => Some(&stretch.source),
            Piece::Encoded(encoded) => Some(&encoded.stretch.source),
        }
    }
}

impl EncodedStretch {
    /// Encodes the stretch once to know how long it becomes.
    pub(super) fn measure(stretch: Stretch, transfer: Transfer) -> Result<Self, Error> {
        let mut encoded = EncodedStretch { stretch, transfer, size: 0 };
        let mut writer = Recoder::of(&encoded);
        let mut size = 0;
        while writer.step()? {
            size += writer.ready.len() as u64;
        }
        encoded.size = size;
        Ok(encoded)
    }
}

impl<'m> Octets<'m> {
    pub(super) fn over(pieces: &'m [Piece]) -> Result<Self, Error> {
        for source in pieces.iter().filter_map(Piece::source) {
            source.verify()?;
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
    Base64(Whole<'m>),
    Lines(Canonical<'m>),
    Encoded(Recoder<'m>),
    Raw(Canonical<'m>),
}

impl<'m> Writer<'m> {
    fn of(piece: &'m Piece) -> Self {
        match piece {
            Piece::Held(octets) => Writer::Held(octets),
            Piece::Base64(source) => Writer::Base64(Whole::of(source)),
            Piece::Lines(stretch) => Writer::Lines(Canonical::of(stretch)),
            Piece::Encoded(encoded) => Writer::Encoded(Recoder::of(encoded)),
            Piece::Raw(stretch) => Writer::Raw(Canonical::of(stretch)),
        }
    }

    /// Writes the next octets to `out`, of at least [`SMALL`]; none at the end.
    fn write(&mut self, out: &mut [u8]) -> Result<usize, Error> {
        match self {
            Writer::Held(octets) => Ok(move_octets(octets, out)),
            Writer::Base64(whole) => whole.write(out),
            Writer::Lines(canonical) => canonical.write(out),
            Writer::Encoded(recoder) => recoder.write(out),
            Writer::Raw(stretch) => stretch.copy(out),
        }
    }
}

/// Moves what fits, and returns how much that was.
fn move_octets(from: &mut &[u8], out: &mut [u8]) -> usize {
    let length = from.len().min(out.len());
    let (now, later) = from.split_at(length);
    out[..length].copy_from_slice(now);
    *from = later;
    length
}

/// A whole source becoming base64.
#[derive(Debug)]
struct Whole<'m> {
    source: &'m Source,
    at: u64,
    raw: Vec<u8>,
    fingerprint: Fingerprint,
}

impl<'m> Whole<'m> {
    fn of(source: &'m Source) -> Self {
        Whole { source, at: 0, raw: Vec::new(), fingerprint: Fingerprint::default() }
    }

    /// Writes as many whole lines as fit.
    fn write(&mut self, out: &mut [u8]) -> Result<usize, Error> {
        let rest = self.source.length() - self.at;
        if rest == 0 {
            self.source.verify_whole(&self.fingerprint)?;
            return Ok(0);
        }
        let lines = (out.len().min(BLOCK) as u64) / (BASE64_LINE.0 + 2);
        let length = rest.min(lines * BASE64_LINE.1);
        self.raw.resize(usize::try_from(length).expect("at most a block"), 0);
        self.source.fill(&mut self.raw, self.at)?;
        self.fingerprint.feed(&self.raw);
        self.at += length;
        Ok(MIME.encode_slice(self.raw.as_slice(), out).expect("the lines were counted to fit"))
    }
}

/// Lines becoming canonical.
#[derive(Debug)]
struct Canonical<'m> {
    stretch: &'m Stretch,
    at: u64,
    tally: Tally,
    raw: Vec<u8>,
}

impl<'m> Canonical<'m> {
    fn of(stretch: &'m Stretch) -> Self {
        let (at, tally) = (stretch.range.start, stretch.tally.of_nothing());
        Canonical { stretch, at, tally, raw: Vec::new() }
    }

    /// Writes the next block; none at the end. One that was canonical when it
    /// was measured is read straight into `out`.
    fn write(&mut self, out: &mut [u8]) -> Result<usize, Error> {
        let Stretch { source, range, tally } = self.stretch;
        if self.at == range.end {
            source.verify()?;
            return if self.tally == *tally { Ok(0) } else { Err(source.changed()) };
        }
        let straight = tally.is_canonical();
        let block = if straight {
            &mut *out
        } else {
            self.raw.resize(out.len().min(BLOCK) / 2, 0);
            self.raw.as_mut_slice()
        };
        let length = source.block(block, self.at, range.end)?;
        let shape = self.tally.count(&block[..length]);
        if !self.tally.is_within(tally) || straight && shape != Shape::Canonical {
            return Err(source.changed());
        }
        self.at += length as u64;
        let raw = &self.raw[..if straight { 0 } else { length }];
        Ok(if straight { length } else { canonicalise(raw, shape, tally.stray, out) })
    }
}

impl Canonical<'_> {
    /// The next octets as they are; none at the end.
    fn copy(&mut self, out: &mut [u8]) -> Result<usize, Error> {
        let Stretch { source, range, tally } = self.stretch;
        if self.at == range.end {
            source.verify()?;
            return if self.tally == *tally { Ok(0) } else { Err(source.changed()) };
        }
        let length = source.block(out, self.at, range.end)?;
        self.tally.count(&out[..length]);
        self.at += length as u64;
        Ok(length)
    }
}

/// Lines becoming canonical, and then quoted-printable or base64.
#[derive(Debug)]
struct Recoder<'m> {
    lines: Canonical<'m>,
    /// The octets are data, not lines.
    is_raw: bool,
    coder: Option<Coder>,
    block: Vec<u8>,
    ready: Vec<u8>,
    given: usize,
}

/// What is encoded in one step.
const STEP: usize = 16 * 1024;

impl<'m> Recoder<'m> {
    fn of(encoded: &'m EncodedStretch) -> Self {
        Recoder {
            lines: Canonical::of(&encoded.stretch),
            is_raw: encoded.transfer.is_of_data(),
            coder: Some(encoded.transfer.coder()),
            block: vec![0; STEP],
            ready: Vec::new(),
            given: 0,
        }
    }

    fn write(&mut self, out: &mut [u8]) -> Result<usize, Error> {
        while self.given == self.ready.len() {
            if !self.step()? {
                return Ok(0);
            }
        }
        let mut rest = &self.ready[self.given..];
        let length = move_octets(&mut rest, out);
        self.given += length;
        Ok(length)
    }

    /// Replaces what is ready by what comes next, which may be nothing yet;
    /// false at the end.
    fn step(&mut self) -> Result<bool, Error> {
        self.ready.clear();
        self.given = 0;
        let Some(coder) = &mut self.coder else { return Ok(false) };
        let length = if self.is_raw {
            self.lines.copy(&mut self.block)?
        } else {
            self.lines.write(&mut self.block)?
        };
        if length > 0 {
            coder.feed(&self.block[..length], &mut self.ready);
        } else {
            coder.end(&mut self.ready);
            self.coder = None;
        }
        Ok(true)
    }
}
