//! Encoding a leaf that is never whole in memory: blocks in, cut anywhere, and
//! lines of at most 76 out (RFC 2045 §6.7, §6.8).

use encodify::{Fold, base64::MIME, qp};
use memchr::{memchr, memchr_iter, memrchr};

/// One leaf being encoded, fed block by block. How the blocks are cut makes no
/// difference, and a line of any length takes no memory.
#[derive(Debug)]
pub(in crate::message) enum Encoder {
    /// Lines of text stay lines (RFC 2045 §6.7).
    QuotedPrintable(QuotedPrintable),
    /// Any octets (RFC 2045 §6.8).
    Base64(Base64),
}

impl Encoder {
    /// An encoder of text whose lines end in CRLF. A CR or LF elsewhere, NUL
    /// and every other control character but TAB become escapes. A last line
    /// without CRLF stays without.
    pub(in crate::message) fn quoted_printable() -> Self {
        Encoder::QuotedPrintable(QuotedPrintable::default())
    }

    /// An encoder of octets. Every line it writes ends in CRLF, the last too.
    pub(in crate::message) fn base64() -> Self {
        Encoder::Base64(Base64::default())
    }

    /// Encodes the next octets and appends to `out`: whole lines only.
    pub(in crate::message) fn feed(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        match self {
            Encoder::QuotedPrintable(encoder) => encoder.feed(octets, out),
            Encoder::Base64(encoder) => encoder.feed(octets, out),
        }
    }

    /// Ends the leaf: appends what was held back.
    pub(in crate::message) fn end(&mut self, out: &mut Vec<u8>) {
        match self {
            Encoder::QuotedPrintable(encoder) => encoder.end(out),
            Encoder::Base64(encoder) => encoder.end(out),
        }
    }
}

/// Octets that are taken through all passes at a time: few enough to stay in
/// the processor's cache with what becomes of them.
const PIECE: usize = 16 * 1024;
/// RFC 2045 §6.7 (5), without the CRLF.
const QUOTED_LINE: usize = 76;
/// Octets before the `=` of a soft line break.
const QUOTED_TEXT: usize = 75;
const SOFT_BREAK: &[u8] = b"=\r\n";
/// encodify breaks the lines of quoted-printable itself, and takes no notice.
const NO_FOLD: Fold<'_> = Fold::DKIM;

/// The state between two blocks of quoted-printable.
#[derive(Debug, Default)]
pub(in crate::message) struct QuotedPrintable {
    /// Octets of the last line in `lines`, as encodify counts them.
    column: usize,
    /// A blank, a CR, or one and the other: what comes next decides on them.
    held: Vec<u8>,
    /// What is encoded and not yet looked through, from the beginning of a line.
    lines: Vec<u8>,
}

impl QuotedPrintable {
    fn feed(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        for piece in octets.chunks(PIECE) {
            if self.held.is_empty() {
                self.decide(piece);
            } else {
                self.held.extend_from_slice(piece);
                let piece = std::mem::take(&mut self.held);
                self.decide(&piece);
            }
            if let Some(end) = memrchr(b'\n', &self.lines) {
                guard(&self.lines[..=end], out);
                self.lines.drain(..=end);
            }
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        // Here the end of the octets is the end of a line.
        let held = std::mem::take(&mut self.held);
        self.encode(qp::BODY, &held);
        guard(&std::mem::take(&mut self.lines), out);
        self.column = 0;
    }

    /// Encodes as much as does not depend on what follows.
    fn decide(&mut self, piece: &[u8]) {
        let open = match piece {
            [.., b' ' | b'\t', b'\r'] => 2,
            [.., b' ' | b'\t' | b'\r'] => 1,
            _ => 0,
        };
        let (decided, open) = piece.split_at(piece.len() - open);
        self.held.extend_from_slice(open);
        let mut from = 0;
        for lf in memchr_iter(b'\n', decided) {
            if lf == 0 || decided[lf - 1] != b'\r' {
                self.text(&decided[from..lf]);
                self.encode(qp::BINARY, b"\n");
                from = lf + 1;
            }
        }
        self.text(&decided[from..]);
    }

    /// Encodes text that goes on behind the slice. The blanks at its end are
    /// written here, for encodify takes every slice's end for a line's.
    fn text(&mut self, text: &[u8]) {
        let blanks = text.iter().rev().take_while(|octet| matches!(octet, b' ' | b'\t')).count();
        let (text, blanks) = text.split_at(text.len() - blanks);
        self.encode(qp::BODY, text);
        for &blank in blanks {
            if self.column == QUOTED_TEXT {
                self.lines.extend_from_slice(SOFT_BREAK);
                self.column = 0;
            }
            self.lines.push(blank);
            self.column += 1;
        }
    }

    fn encode(&mut self, engine: qp::QuotedPrintable, octets: &[u8]) {
        let QuotedPrintable { column, lines, .. } = self;
        engine.encode_folded(octets, column, NO_FOLD, |quoted| lines.extend_from_slice(quoted));
    }
}

/// Keeps quoted-printable from what lines are taken for: `>From`, and the end
/// of data at a lone dot, by careless programs (RFC 2049 §3); a boundary of the
/// multipart around, where a soft break made a line of it (RFC 2046 §5.1.1).
fn guard(lines: &[u8], out: &mut Vec<u8>) {
    let (mut written, mut start) = (0, 0);
    while start < lines.len() {
        let end = memchr(b'\n', &lines[start..]).map_or(lines.len(), |lf| start + lf + 1);
        let line = &lines[start..end];
        let lone_dot = line == b".\r\n" || line == b".";
        if lone_dot || guarded_start(line).is_some() {
            out.extend_from_slice(&lines[written..start]);
            if lone_dot {
                out.extend_from_slice(b"=2E");
                written = start + 1;
            } else {
                written = end - guard_start(line, out).len();
            }
        }
        start = end;
    }
    out.extend_from_slice(&lines[written..]);
}

/// Writes the beginning of a line that must not begin so, and returns its
/// rest. A line that grows too long is broken, and then begins again.
fn guard_start<'a>(line: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let mut rest = line;
    while let Some((guarded, later)) = guarded_start(rest) {
        out.extend_from_slice(guarded);
        rest = later;
        let text = rest.strip_suffix(b"\r\n").unwrap_or(rest);
        if guarded.len() + text.len() <= QUOTED_LINE {
            break;
        }
        out.extend_from_slice(SOFT_BREAK);
    }
    rest
}

/// How the beginning of a line is written that must not begin so, and its
/// rest.
fn guarded_start(line: &[u8]) -> Option<(&'static [u8], &[u8])> {
    GUARDED.iter().find_map(|(start, guarded)| Some((*guarded, line.strip_prefix(*start)?)))
}

const GUARDED: [(&[u8], &[u8]); 2] = [(b"From ", b"=46rom "), (b"--", b"=2D-")];

/// The state between two blocks of base64: less than the octets of a line.
#[derive(Debug, Default)]
pub(in crate::message) struct Base64 {
    held: Vec<u8>,
}

/// Octets that become one line of 76 (RFC 2045 §6.8).
const BASE64_OCTETS: usize = 57;

impl Base64 {
    fn feed(&mut self, mut octets: &[u8], out: &mut Vec<u8>) {
        if !self.held.is_empty() {
            let lacking = (BASE64_OCTETS - self.held.len()).min(octets.len());
            let (now, later) = octets.split_at(lacking);
            self.held.extend_from_slice(now);
            if self.held.len() < BASE64_OCTETS {
                return;
            }
            MIME.encode_append(&self.held, out);
            self.held.clear();
            octets = later;
        }
        let (lines, rest) = octets.split_at(octets.len() - octets.len() % BASE64_OCTETS);
        MIME.encode_append(lines, out);
        self.held.extend_from_slice(rest);
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        MIME.encode_append(std::mem::take(&mut self.held), out);
    }
}

#[cfg(test)]
mod tests;
