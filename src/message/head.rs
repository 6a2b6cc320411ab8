//! Finding the header of a ready message.

use super::canonical::{LONGEST_LINE, StrayCr, Tally, canonicalise};
use super::complete::split;
use super::repair::refolded;
use super::rewrite::Field;
use super::{Error, Repair, Repairs, Source, header};
use memchr::memchr;

/// The header of a ready message, in canonical form.
pub(super) struct Head {
    pub(super) octets: Vec<u8>,
    pub(super) tally: Tally,
    /// Lines of it were too long, and are no more.
    pub(super) is_refolded: bool,
    pub(super) mbox_line: bool,
    pub(super) byte_order_mark: bool,
    pub(super) separator: Separator,
    /// Where the body begins in the source.
    pub(super) body: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Separator {
    Present,
    /// The body begins without an empty line before it.
    Missing,
    /// The message ends with its header.
    End,
}

const LARGEST_HEADER: usize = 1024 * 1024;
/// RFC 5321 §6.3: a threshold that is large, normally 100 at least.
const MOST_RECEIVED: usize = 100;

impl Head {
    pub(super) fn read(source: &Source, repairs: Repairs) -> Result<Self, Error> {
        let mut window = Vec::new();
        let mut size = 16 * 1024;
        let bounds = loop {
            let rest = usize::try_from(source.length()).unwrap_or(usize::MAX);
            window.resize(rest.min(size), 0);
            source.fill(&mut window, 0)?;
            if let Some(bounds) = Bounds::of(&window, rest <= size) {
                break bounds;
            }
            if size >= LARGEST_HEADER {
                return Err(Error::HeaderTooLarge(source.path().to_owned()));
            }
            size *= 4;
        };
        // The empty line is counted with the header and written anew.
        let counted = &window[bounds.start..bounds.body];
        let mut tally = Tally::default();
        tally.count(counted);
        if let Some(at) = tally.nul {
            return Err(source.nul(bounds.start as u64 + at));
        }
        let raw = &window[bounds.start..bounds.end];
        let mut octets = in_lines(raw);
        let count = split(&octets).filter(|field| Field::of(field).is("Received")).count();
        if count > MOST_RECEIVED {
            return Err(Error::Loop { path: source.path().to_owned(), count });
        }
        let long_line = tally.long_line.map(|at| bounds.start as u64 + at);
        let is_refolded = long_line.is_some() && repairs.long_lines == Repair::Reencode;
        match long_line {
            Some(at) if repairs.long_lines == Repair::Reject => return Err(source.long_line(at)),
            Some(at) if is_refolded => {
                octets = refolded(&octets).map_err(|_| source.long_line(at))?;
            }
            Some(_) | None => {}
        }
        Ok(Head {
            octets,
            tally,
            is_refolded,
            mbox_line: bounds.start > mark(&window),
            byte_order_mark: mark(&window) > 0,
            separator: bounds.separator,
            body: bounds.body as u64,
        })
    }
}

/// The lines of a header, each ended. A stray CR in a header is a space,
/// whatever it is in a body: it must not end a field.
fn in_lines(raw: &[u8]) -> Vec<u8> {
    let mut tally = Tally::default();
    let shape = tally.count(raw);
    let mut octets = vec![0; 2 * raw.len() + 2];
    let mut length = canonicalise(raw, shape, StrayCr::Space, &mut octets);
    if tally.open > 0 {
        octets[length..length + 2].copy_from_slice(b"\r\n");
        length += 2;
    }
    octets.truncate(length);
    octets
}

/// Where the header lies in the octets of a message.
struct Bounds {
    start: usize,
    end: usize,
    body: usize,
    separator: Separator,
}

impl Bounds {
    /// Finds them, or `None` if the octets end before the header does and are
    /// not the whole message. The first line that is neither a field nor the
    /// continuation of one begins the body, as sendmail has it.
    fn of(octets: &[u8], whole: bool) -> Option<Self> {
        let mark = mark(octets);
        let (mut at, mut start) = (mark, mark);
        loop {
            let rest = &octets[at..];
            let here = |body, separator| Some(Bounds { start, end: at, body, separator });
            if rest.is_empty() {
                return if whole { here(at, Separator::End) } else { None };
            }
            let line = &rest[..memchr(b'\n', rest).unwrap_or(rest.len())];
            let ended = line.len() < rest.len();
            // Too long a line is judged by what it shows, so that no file
            // without line ends is read as one large header.
            if !ended && !whole && line.len() <= LONGEST_LINE {
                return None;
            }
            let length = line.len() + usize::from(ended);
            if ended && line.iter().all(|&octet| octet == b'\r') {
                return here(at + length, Separator::Present);
            }
            if at == mark && line.starts_with(b"From ") && !is_field(line) {
                start = length;
            } else if !is_field(line) && (at == start || !is_continuation(line)) {
                return here(at, Separator::Missing);
            }
            if !ended && !whole {
                return None;
            }
            at += length;
        }
    }
}

/// The length of the mark that some editors put before UTF-8, which would hide
/// the first field.
fn mark(octets: &[u8]) -> usize {
    if octets.starts_with("\u{feff}".as_bytes()) { "\u{feff}".len() } else { 0 }
}

/// True for the first line of a field. Blanks before the colon are obsolete
/// but not wrong (RFC 5322 §4.5).
fn is_field(line: &[u8]) -> bool {
    memchr(b':', line).is_some_and(|colon| header::is_name(line[..colon].trim_ascii_end()))
}

/// True when the line begins with a blank, or with a CR, which becomes one.
fn is_continuation(line: &[u8]) -> bool {
    matches!(line.first(), Some(b' ' | b'\t' | b'\r'))
}
