//! One field of a header, and new addresses in it.

use super::super::address_list::{Spelt, Spot, Spots, spots};
use super::super::canonical::LONGEST_LINE;
use super::super::{AddressError, Error, header};
use super::change::{Place, Rewrite};
use crate::smtp::PathError;
use memchr::memmem;
use std::borrow::Cow;
use std::ops::Range;

/// One field of a canonical header.
#[derive(Clone, Copy)]
pub(in super::super) struct Field<'f> {
    /// All of it, with its folds and its line end.
    pub(in super::super) octets: &'f [u8],
    pub(in super::super) name: &'f [u8],
    /// What stands behind the colon, without the last line end.
    pub(in super::super) body: &'f [u8],
}

impl<'f> Field<'f> {
    pub(in super::super) fn of(octets: &'f [u8]) -> Self {
        let body = header::field_body(octets);
        let body = body.strip_suffix(b"\r\n").unwrap_or(body);
        Field { octets, name: header::field_name(octets), body }
    }

    pub(in super::super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    pub(super) fn place(&self) -> Place {
        Place::Field(String::from_utf8_lossy(self.name).into_owned())
    }
}

/// What is put in the place of an address.
pub(super) enum Edit {
    /// For the addr-spec alone; name and comments stay.
    Spec(String),
    /// For the address with its name and its comments: elements of a list.
    Whole(Vec<String>),
}

/// The field with the addresses that `decide` wants in it, or `None` if none
/// is wanted. What is no address list stays as it is, which is noted.
pub(super) fn edited(
    field: &Field<'_>,
    notes: &mut Vec<Rewrite>,
    mut decide: impl FnMut(&Spot) -> Result<Option<(Edit, Rewrite)>, Error>,
) -> Result<Option<Vec<u8>>, Error> {
    let text = readable(field.body);
    let left = |text: &str, reason| Rewrite::Left {
        text: text.split_whitespace().collect::<Vec<_>>().join(" "),
        place: field.place(),
        reason,
    };
    let Spots { list, commas } = match spots(&text) {
        Ok(spots) => spots,
        Err(reason) => {
            notes.push(left(&text, reason));
            return Ok(None);
        }
    };
    let mut draft = Draft { body: field.body, commas: &commas, ..Draft::default() };
    for spot in &list {
        match &spot.spelt {
            // `<>` is what failure reports are from.
            Spelt::Unfit(AddressError::Path(PathError::Empty)) => {}
            Spelt::Unfit(reason) => notes.push(left(&text[spot.whole.clone()], *reason)),
            Spelt::Whole(_) | Spelt::Bare(_) => {
                // An octet that is not UTF-8 would become another one.
                if std::str::from_utf8(&field.body[spot.spec.clone()]).is_err() {
                    continue;
                }
                let Some((edit, note)) = decide(spot)? else { continue };
                match edit {
                    Edit::Spec(address) => draft.replace(spot.spec.clone(), &[address]),
                    Edit::Whole(elements) => draft.replace(spot.whole.clone(), &elements),
                }
                notes.push(note);
            }
        }
    }
    if draft.touched.is_empty() { Ok(None) } else { draft.finish(field).map(Some) }
}

/// The text of octets, one character of one octet for each that is not UTF-8,
/// so that positions stay.
pub(super) fn readable(octets: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(octets) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(octets.len());
    for chunk in octets.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(std::iter::repeat_n('?', chunk.invalid().len()));
    }
    Cow::Owned(text)
}

/// RFC 5322 §2.1.1: the length that lines should keep to.
const LINE: usize = 78;

/// The body of a field on its way to another.
#[derive(Default)]
struct Draft<'d> {
    body: &'d [u8],
    commas: &'d [usize],
    /// How much of the body is taken over.
    taken: usize,
    octets: Vec<u8>,
    /// Behind the commas between elements.
    breaks: Vec<usize>,
    /// What is new.
    touched: Vec<Range<usize>>,
}

impl Draft<'_> {
    fn replace(&mut self, range: Range<usize>, elements: &[String]) {
        self.take_over(range.start);
        let start = self.octets.len();
        for (at, element) in elements.iter().enumerate() {
            if at > 0 {
                self.octets.push(b',');
                self.breaks.push(self.octets.len());
                self.octets.push(b' ');
            }
            self.octets.extend_from_slice(element.as_bytes());
        }
        self.touched.push(start..self.octets.len());
        self.taken = range.end;
    }

    fn take_over(&mut self, end: usize) {
        let passed = self.commas.partition_point(|&comma| comma < self.taken);
        let commas = self.commas[passed..].iter().take_while(|&&comma| comma < end);
        self.breaks.extend(commas.map(|comma| self.octets.len() + comma + 1 - self.taken));
        self.octets.extend_from_slice(&self.body[self.taken..end]);
    }

    /// The whole field, lines that grew folded behind commas (RFC 5322
    /// §2.2.3).
    fn finish(mut self, field: &Field<'_>) -> Result<Vec<u8>, Error> {
        self.take_over(self.body.len());
        let mut whole = field.octets[..field.octets.len() - field.body.len()].to_vec();
        if field.octets.ends_with(b"\r\n") {
            whole.truncate(whole.len() - 2);
        }
        let mut start = 0;
        while start < self.octets.len() {
            let end = memmem::find(&self.octets[start..], b"\r\n")
                .map_or(self.octets.len(), |at| start + at);
            let first = self.touched.partition_point(|range| range.end <= start);
            let is_new = self.touched.get(first).is_some_and(|range| range.start < end);
            let column = if start == 0 { whole.len() } else { 0 };
            if is_new && column + end - start > LINE {
                self.fold(start..end, column, &mut whole);
            } else {
                whole.extend_from_slice(&self.octets[start..end]);
            }
            whole.extend_from_slice(b"\r\n");
            start = end + 2;
        }
        if whole.split(|&octet| octet == b'\n').any(|line| line.len() > LONGEST_LINE + 1) {
            return Err(Error::HeaderValue(String::from_utf8_lossy(field.name).into_owned()));
        }
        Ok(whole)
    }

    fn fold(&self, line: Range<usize>, mut column: usize, whole: &mut Vec<u8>) {
        let mut start = line.start;
        let mut last = None;
        let from = self.breaks.partition_point(|&at| at <= line.start);
        let within = self.breaks[from..].iter().copied().take_while(|&at| at < line.end);
        for at in within.chain([line.end]) {
            if column + at - start > LINE
                && let Some(last) = last.take()
            {
                whole.extend_from_slice(&self.octets[start..last]);
                whole.extend_from_slice(b"\r\n");
                start = last;
                column = 0;
                if !matches!(self.octets[last], b' ' | b'\t') {
                    whole.push(b' ');
                    column = 1;
                }
            }
            // No line is left with blanks only.
            let rest = &self.octets[at..line.end];
            last = Some(at).filter(|_| !rest.trim_ascii().is_empty());
        }
        whole.extend_from_slice(&self.octets[start..line.end]);
    }
}
