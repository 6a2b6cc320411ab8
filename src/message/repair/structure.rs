//! Finding the parts of a message (RFC 2046 §5.1): which octets of the source
//! are whose header, whose body, and what lies between them.

use super::content::Content;
use super::{Error, Unfit};
use crate::message::Source;
use crate::message::canonical::{LONGEST_LINE, StrayCr, Tally, canonicalise};
use memchr::{memchr, memmem};
use std::ops::Range;

/// A MIME entity within a source.
#[derive(Debug)]
pub(super) struct Entity {
    /// Its header with the empty line, if it has one; empty where the header
    /// stands elsewhere.
    pub(super) header: Range<u64>,
    pub(super) content: Content,
    pub(super) body: Body,
}

#[derive(Debug)]
pub(super) enum Body {
    /// What has no entities in it, or none that we look for.
    Leaf(Range<u64>),
    /// A message within the message (RFC 2046 §5.2.1).
    Message(Box<Entity>),
    /// Parts, and the lines before, between and behind them.
    Multipart(Vec<Item>),
}

#[derive(Debug)]
pub(super) enum Item {
    /// Preamble, delimiters, epilogue.
    Between(Range<u64>),
    Part(Entity),
}

/// Entities within entities (checklist SEC-15).
const DEEPEST: usize = 100;
/// Octets in one header (checklist SEC-15).
const LARGEST_HEADER: u64 = 1024 * 1024;
/// A line longer than this is no delimiter (RFC 2046 §5.1.1: a boundary has 70
/// characters at the most; blanks may follow).
const LONGEST_DELIMITER: usize = 1024;

/// The entity in this range, which has its own header there.
pub(super) fn message(source: &Source, range: Range<u64>) -> Result<Entity, Unfit> {
    let mut scanner = Scanner::over(source, range);
    scanner.entity("text/plain", 0)
}

/// The header of the message in this range, in canonical form and without the
/// empty line behind it.
pub(in crate::message) fn header_of(source: &Source, range: Range<u64>) -> Result<Vec<u8>, Unfit> {
    let start = range.start;
    let mut scanner = Scanner::over(source, range);
    scanner.pass_header()?;
    let mut octets = canonical(source, start..scanner.at)?;
    if octets == b"\r\n" || octets.ends_with(b"\r\n\r\n") {
        octets.truncate(octets.len() - 2);
    }
    Ok(octets)
}

/// The entity whose header says this and whose body is in this range.
pub(super) fn body(source: &Source, range: Range<u64>, content: Content) -> Result<Entity, Unfit> {
    let header = range.start..range.start;
    let mut scanner = Scanner::over(source, range);
    let body = scanner.body(&content, 0)?;
    Ok(Entity { header, content, body })
}

struct Scanner<'s> {
    source: &'s Source,
    at: u64,
    end: u64,
    /// The boundaries of the multiparts around, outermost first.
    boundaries: Vec<Vec<u8>>,
    /// The delimiter that ended the entity before; `at` is where it ended.
    found: Option<Delimiter>,
    block: Vec<u8>,
}

/// A line that parts entities.
#[derive(Debug)]
struct Delimiter {
    /// With its line end.
    line: Range<u64>,
    /// Which of the boundaries it has.
    level: usize,
    is_last: bool,
}

impl<'s> Scanner<'s> {
    fn over(source: &'s Source, range: Range<u64>) -> Self {
        let block = Vec::new();
        Scanner {
            source,
            at: range.start,
            end: range.end,
            boundaries: Vec::new(),
            found: None,
            block,
        }
    }

    /// The entity that begins here with its header.
    fn entity(&mut self, default: &str, depth: usize) -> Result<Entity, Unfit> {
        let start = self.at;
        self.pass_header()?;
        let header = start..self.at;
        let content = Content::of(&self.canonical(header.clone())?, default);
        let body = match self.found {
            Some(_) => Body::Leaf(self.at..self.at),
            None => self.body(&content, depth)?,
        };
        Ok(Entity { header, content, body })
    }

    /// The body that begins here.
    fn body(&mut self, content: &Content, depth: usize) -> Result<Body, Unfit> {
        if depth > DEEPEST {
            return Err(Unfit::TooDeep);
        }
        if let Some(boundary) = content.boundary.as_ref().filter(|_| content.is_multipart()) {
            self.boundaries.push(boundary.clone());
            let default = match content.essence.as_str() {
                // RFC 2046 §5.1.5.
                "multipart/digest" => "message/rfc822",
                _ => "text/plain",
            };
            let items = self.items(default, depth)?;
            return Ok(Body::Multipart(items));
        }
        let is_message = matches!(content.essence.as_str(), "message/rfc822" | "message/news");
        // RFC 2045 §6.4 forbids it, but some are encoded.
        if is_message && !content.is_encoded() {
            return Ok(Body::Message(Box::new(self.entity("text/plain", depth + 1)?)));
        }
        let start = self.at;
        self.seek()?;
        Ok(Body::Leaf(start..self.at))
    }

    /// Everything of the multipart whose boundary is the innermost.
    fn items(&mut self, default: &str, depth: usize) -> Result<Vec<Item>, Unfit> {
        let level = self.boundaries.len() - 1;
        let mut items = Vec::new();
        let mut from = self.at;
        self.seek()?;
        loop {
            match self.found.take() {
                Some(ours) if ours.level == level && !ours.is_last => {
                    items.push(Item::Between(from..ours.line.end));
                    self.at = ours.line.end;
                    items.push(Item::Part(self.entity(default, depth + 1)?));
                    from = self.at;
                }
                Some(last) if last.level == level => {
                    self.boundaries.truncate(level);
                    self.at = last.line.end;
                    self.seek()?;
                    items.push(Item::Between(from..self.at));
                    return Ok(items);
                }
                // The end of an outer one, or of all, before our own.
                outer => {
                    self.boundaries.truncate(level);
                    items.push(Item::Between(from..self.at));
                    self.found = outer;
                    return Ok(items);
                }
            }
        }
    }

    /// Goes to the next delimiter of any multipart around: before the line end
    /// in front of it, which is its own (RFC 2046 §5.1.1).
    fn seek(&mut self) -> Result<(), Error> {
        let start = self.at;
        self.found = self.next_delimiter(start)?;
        self.at = match &self.found {
            Some(delimiter) => self.line_end_before(delimiter.line.start, start)?,
            None => self.end,
        };
        Ok(())
    }

    /// Where the line end before this line begins, at `least` or later.
    fn line_end_before(&self, line: u64, least: u64) -> Result<u64, Error> {
        let mut two = [0; 2];
        let length = (line - least).min(2);
        let from = line - length;
        let tail = &mut two[2 - usize::try_from(length).expect("at most 2")..];
        self.source.fill(tail, from)?;
        let end = match two {
            [b'\r', b'\n'] => 2,
            [_, b'\n'] => 1,
            _ => 0,
        };
        Ok(line - end.min(length))
    }

    /// Passes over a header: to behind its empty line, or to the delimiter or
    /// the end that comes before one.
    fn pass_header(&mut self) -> Result<(), Unfit> {
        let start = self.at;
        loop {
            if let Some(delimiter) = self.delimiter_at(self.at)? {
                self.at = self.line_end_before(self.at, start)?;
                self.found = Some(delimiter);
                return Ok(());
            }
            let line = self.line_at(self.at)?;
            self.at = line.end;
            if self.at - start > LARGEST_HEADER {
                return Err(Unfit::Failed(Error::HeaderTooLarge(self.source.path().to_owned())));
            }
            if line.is_empty_line || self.at == self.end {
                return Ok(());
            }
        }
    }

    /// The first line from this one on that is a delimiter.
    fn next_delimiter(&mut self, from: u64) -> Result<Option<Delimiter>, Error> {
        if self.boundaries.is_empty() || from >= self.end {
            return Ok(None);
        }
        if let Some(delimiter) = self.delimiter_at(from)? {
            return Ok(Some(delimiter));
        }
        let mut block = std::mem::take(&mut self.block);
        let found = self.search(from, &mut block);
        self.block = block;
        found
    }

    fn search(&mut self, from: u64, block: &mut Vec<u8>) -> Result<Option<Delimiter>, Error> {
        const MARK: &[u8] = b"\n--";
        let mut at = from;
        while self.end - at >= MARK.len() as u64 {
            let length = usize::try_from(self.end - at).unwrap_or(usize::MAX).min(BLOCK);
            block.resize(length, 0);
            self.source.fill(block, at)?;
            for mark in memmem::find_iter(block, MARK) {
                if let Some(delimiter) = self.delimiter_at(at + mark as u64 + 1)? {
                    return Ok(Some(delimiter));
                }
            }
            // What is cut here is seen again.
            at += (length - (MARK.len() - 1)) as u64;
        }
        Ok(None)
    }

    /// The delimiter that the line at this place is, if it is one.
    fn delimiter_at(&self, at: u64) -> Result<Option<Delimiter>, Error> {
        let mut start = [0; 2];
        if self.boundaries.is_empty() || self.end - at < 2 {
            return Ok(None);
        }
        self.source.fill(&mut start, at)?;
        if start != *b"--" {
            return Ok(None);
        }
        let mut line = [0; LONGEST_DELIMITER];
        let length = usize::try_from(self.end - at).unwrap_or(usize::MAX).min(LONGEST_DELIMITER);
        let line = &mut line[..length];
        self.source.fill(line, at)?;
        let Some(end) = memchr(b'\n', line)
            .map(|lf| lf + 1)
            .or_else(|| (at + length as u64 == self.end).then_some(length))
        else {
            return Ok(None);
        };
        // RFC 2046 §5.1.1: blanks may follow, put there by gateways.
        let text = line[2..end].trim_ascii_end();
        let innermost_first = self.boundaries.iter().enumerate().rev();
        for (level, boundary) in innermost_first {
            let Some(rest) = text.strip_prefix(boundary.as_slice()) else { continue };
            if rest.is_empty() || rest == b"--" {
                let line = at..at + end as u64;
                return Ok(Some(Delimiter { line, level, is_last: !rest.is_empty() }));
            }
        }
        Ok(None)
    }

    /// The line that begins here.
    fn line_at(&self, at: u64) -> Result<Line, Error> {
        let mut window = [0; LONGEST_LINE + 2];
        let mut from = at;
        loop {
            let length = usize::try_from(self.end - from).unwrap_or(usize::MAX).min(window.len());
            let window = &mut window[..length];
            self.source.fill(window, from)?;
            if let Some(lf) = memchr(b'\n', window) {
                let is_empty_line = from == at && window[..lf].iter().all(|&octet| octet == b'\r');
                return Ok(Line { end: from + lf as u64 + 1, is_empty_line });
            }
            from += length as u64;
            if from == self.end {
                return Ok(Line { end: self.end, is_empty_line: false });
            }
        }
    }

    fn canonical(&self, header: Range<u64>) -> Result<Vec<u8>, Error> {
        canonical(self.source, header)
    }
}

struct Line {
    end: u64,
    is_empty_line: bool,
}

const BLOCK: usize = 64 * 1024;

/// These octets in canonical form; a header, or what is as small.
pub(super) fn canonical(source: &Source, range: Range<u64>) -> Result<Vec<u8>, Error> {
    let length = usize::try_from(range.end - range.start).expect("a header is small");
    let mut raw = vec![0; length];
    source.fill(&mut raw, range.start)?;
    let shape = Tally::new(StrayCr::Space).count(&raw);
    let mut octets = vec![0; 2 * length];
    let length = canonicalise(&raw, shape, StrayCr::Space, &mut octets);
    octets.truncate(length);
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    /// The tree, an entity a line, with what is in its leaves.
    fn drawn(octets: &str) -> String {
        let source = Source::held(octets, "test");
        let entity = message(&source, 0..source.length()).unwrap();
        let mut drawing = String::new();
        draw(&entity, octets, 0, &mut drawing);
        drawing
    }

    fn draw(entity: &Entity, octets: &str, depth: usize, drawing: &mut String) {
        let text = |range: &Range<u64>| {
            let at = |at: u64| usize::try_from(at).unwrap();
            format!("{:?}", &octets[at(range.start)..at(range.end)])
        };
        let indent = "  ".repeat(depth);
        match &entity.body {
            Body::Leaf(range) => {
                let _ = writeln!(drawing, "{indent}{} {}", entity.content.essence, text(range));
            }
            Body::Message(inner) => {
                let _ = writeln!(drawing, "{indent}{}", entity.content.essence);
                draw(inner, octets, depth + 1, drawing);
            }
            Body::Multipart(items) => {
                let _ = writeln!(drawing, "{indent}{}", entity.content.essence);
                for item in items {
                    match item {
                        Item::Between(range) => {
                            let _ = writeln!(drawing, "{indent}  - {}", text(range));
                        }
                        Item::Part(part) => draw(part, octets, depth + 1, drawing),
                    }
                }
            }
        }
    }

    fn mixed(boundary: &str, rest: &str) -> String {
        format!("Content-Type: multipart/mixed; boundary=\"{boundary}\"\n\n{rest}")
    }

    #[test]
    fn parts_are_found_with_what_lies_between_them() {
        // 2046-5.1
        for (octets, expected) in [
            ("a: b\n\nhello\n", "text/plain \"hello\\n\"\n"),
            ("a: b\n", "text/plain \"\"\n"),
            (
                &mixed(
                    "x",
                    "before\n--x\n\none\n--x \t\nContent-Type: a/b\n\ntwo\n\n--x--\nafter\n",
                ),
                "multipart/mixed\n  - \"before\\n--x\\n\"\n  text/plain \"one\"\n  - \"\\n--x \\t\\n\"\n  \
                 a/b \"two\\n\"\n  - \"\\n--x--\\nafter\\n\"\n",
            ),
            // A part without anything, one without an empty line, and no end.
            (
                &mixed("x", "--x\n\n--x\nA: b\n--x\n\nc"),
                "multipart/mixed\n  - \"--x\\n\"\n  text/plain \"\"\n  - \"--x\\n\"\n  text/plain \"\"\n  \
                 - \"\\n--x\\n\"\n  text/plain \"c\"\n  - \"\"\n",
            ),
            // What only looks like a delimiter.
            (
                &mixed("x", "--x\n\n--y\n--xx\n --x\n--x-\nx\n--x--"),
                "multipart/mixed\n  - \"--x\\n\"\n  text/plain \"--y\\n--xx\\n --x\\n--x-\\nx\"\n  - \"\\n--x--\"\n",
            ),
            // The outer one ends while the inner one is open.
            (
                &mixed("x", "--x\nContent-Type: multipart/a; boundary=xy\n\n--xy\n\nin\n--x--\n"),
                "multipart/mixed\n  - \"--x\\n\"\n  multipart/a\n    - \"--xy\\n\"\n    text/plain \"in\"\n    - \"\"\n  \
                 - \"\\n--x--\\n\"\n",
            ),
            (
                &mixed("x", "--x\nContent-Type: message/rfc822\n\nSubject: s\n\nin\n--x--\n"),
                "multipart/mixed\n  - \"--x\\n\"\n  message/rfc822\n    text/plain \"in\"\n  - \"\\n--x--\\n\"\n",
            ),
            (
                "Content-Type: multipart/digest; boundary=x\n\n--x\n\nSubject: s\n\nin\n--x--\n",
                "multipart/digest\n  - \"--x\\n\"\n  message/rfc822\n    text/plain \"in\"\n  - \"\\n--x--\\n\"\n",
            ),
        ] {
            assert_eq!(drawn(octets), expected, "{octets:?}");
            let expected = expected.replace("\\n", "\\r\\n");
            assert_eq!(drawn(&octets.replace('\n', "\r\n")), expected, "{octets:?}");
        }
    }

    #[test]
    fn a_delimiter_is_found_across_the_edges_of_blocks() {
        for length in BLOCK - 20..BLOCK + 20 {
            let filler = "a".repeat(length);
            let octets = mixed("x", &format!("--x\n\n{filler}\n--x\n\nb\n--x--\n"));
            let drawing = drawn(&octets);
            assert!(drawing.contains("text/plain \"b\""), "{length}");
        }
    }

    #[test]
    fn entities_nested_too_deep_are_refused() {
        // SEC-15
        let nested = "Content-Type: message/rfc822\n\n";
        for (times, fits) in [(DEEPEST, true), (DEEPEST + 2, false), (100_000, false)] {
            let source = Source::held(nested.repeat(times), "test");
            assert_eq!(message(&source, 0..source.length()).is_ok(), fits, "{times}");
        }
    }
}
