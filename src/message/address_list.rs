//! Reading address lists: To, Cc, From and their like (RFC 5322 §3.4, widened
//! to UTF-8 by RFC 6532), with the obsolete forms (§4.4). One grammar, read in
//! two ways: as values, and as the places where addresses stand.

mod spots;

pub(super) use spots::{Spelt, Spot, Spots, spots};

use super::{Address, AddressError, Error, Member};
use crate::smtp::{Domain, Mailbox, PathError};
use encodify::rfc2047::{self, EncodedWord};
use std::ops::Range;

/// Reads an address list, folded or not. Empty elements are passed over and
/// source routes dropped. A name without `@` is an error here.
pub fn addresses(text: &str) -> Result<Vec<Address>, Error> {
    // Ten thousand recipients are named like this, one to a word.
    if !text.bytes().any(is_in_lists)
        && let Ok(mailbox) = text.parse::<Mailbox>()
    {
        return Ok(vec![Address::from(mailbox)]);
    }
    let mut parser = Parser::over(text);
    let mut list = Vec::new();
    loop {
        let start = parser.at;
        match parser.element(Found::member) {
            Ok(Some(Element::Mailbox(Member { name, mailbox }))) => {
                list.push(Address::Mailbox { name, mailbox });
            }
            Ok(Some(Element::Group { name, members })) => {
                list.push(Address::Group { name, members });
            }
            Ok(None) => return Ok(list),
            Err(reason) => {
                let text = parser.around(start).to_owned();
                return Err(Error::Address { text, reason });
            }
        }
    }
}

/// What stands in lists; without it a text is one bare address, or none.
fn is_in_lists(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r' | b'\n' | b',' | b';' | b':' | b'<' | b'>')
        || matches!(octet, b'(' | b')' | b'"' | b'[' | b'\\')
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    /// What stood in the last comment.
    comment: Option<String>,
    /// Where the last comment ended.
    comment_end: usize,
    commas: Vec<usize>,
}

/// An element of a list, its mailboxes read in one way or the other.
enum Element<M> {
    Mailbox(M),
    Group { name: String, members: Vec<M> },
}

/// A mailbox as it stands in the text.
struct Found {
    name: Option<String>,
    spelt: Spelt,
    spec_at: Range<usize>,
    whole: Range<usize>,
}

impl Found {
    fn member(self) -> Result<Member, AddressError> {
        match self.spelt {
            Spelt::Whole(mailbox) => Ok(Member { name: self.name, mailbox }),
            Spelt::Bare(_) => Err(PathError::NoDomain.into()),
            Spelt::Unfit(reason) => Err(reason),
        }
    }
}

/// How a mailbox that was found is taken.
type Take<M> = fn(Found) -> Result<M, AddressError>;

/// What phrases and local parts are made of.
struct Word<'a> {
    kind: Kind<'a>,
    /// White space or a comment stands before it.
    spaced: bool,
    at: Range<usize>,
}

enum Kind<'a> {
    Atom(&'a str),
    Quoted(String),
    /// `.`, which RFC 5322 §4.1 admits in a phrase.
    Dot,
}

impl<'a> Parser<'a> {
    fn over(text: &'a str) -> Self {
        Parser { text, at: 0, comment: None, comment_end: 0, commas: Vec::new() }
    }

    /// The next element of the list, past its comma.
    fn element<M>(&mut self, take: Take<M>) -> Result<Option<Element<M>>, AddressError> {
        self.pass_commas()?;
        if self.peek().is_none() {
            return Ok(None);
        }
        let start = self.at;
        let words = self.words()?;
        let element = if self.peek() == Some(':') && !words.is_empty() {
            self.at += 1;
            let name = phrase(&words).unwrap_or_default();
            Element::Group { name, members: self.members(take)? }
        } else {
            Element::Mailbox(take(self.mailbox(start, words)?)?)
        };
        self.space()?;
        match self.peek() {
            None | Some(',') => Ok(Some(element)),
            Some(c) => Err(AddressError::OutOfPlace(c)),
        }
    }

    /// The members of a group, past its semicolon.
    fn members<M>(&mut self, take: Take<M>) -> Result<Vec<M>, AddressError> {
        let mut members = Vec::new();
        loop {
            self.pass_commas()?;
            match self.peek() {
                Some(';') => {
                    self.at += 1;
                    return Ok(members);
                }
                None => return Err(AddressError::OpenGroup),
                Some(_) => {}
            }
            let start = self.at;
            let words = self.words()?;
            members.push(take(self.mailbox(start, words)?)?);
            match self.peek() {
                Some(',' | ';') => {}
                None => return Err(AddressError::OpenGroup),
                Some(c) => return Err(AddressError::OutOfPlace(c)),
            }
        }
    }

    /// What follows its first words: `<…>`, or `@` and a domain. With the
    /// comments behind it.
    fn mailbox(&mut self, start: usize, words: Vec<Word<'a>>) -> Result<Found, AddressError> {
        let (spelt, spec_at, mut name, end);
        if self.peek() == Some('<') {
            (spelt, spec_at) = self.angle()?;
            end = self.at;
            name = phrase(&words);
            self.space()?;
        } else {
            self.comment = None;
            (spelt, spec_at) = self.addr_spec(words)?;
            end = spec_at.end;
            // RFC 5322 §3.4: the name in a comment behind the address is what
            // older programs write.
            self.space()?;
            name = self.comment.take();
        }
        name = name.filter(|name| !name.is_empty());
        Ok(Found { name, spelt, spec_at, whole: start..end.max(self.comment_end) })
    }

    /// `<a@b>`, or with a route `<@x,@y:a@b>` (§4.4), which is dropped.
    fn angle(&mut self) -> Result<(Spelt, Range<usize>), AddressError> {
        self.at += 1;
        self.space()?;
        if self.peek() == Some('@') {
            self.route()?;
        }
        let words = self.words()?;
        let spec = self.addr_spec(words)?;
        self.space()?;
        match self.peek() {
            Some('>') => {
                self.at += 1;
                Ok(spec)
            }
            Some(c) => Err(AddressError::OutOfPlace(c)),
            None => Err(AddressError::Unclosed('<')),
        }
    }

    fn route(&mut self) -> Result<(), AddressError> {
        while self.peek() == Some('@') {
            self.at += 1;
            self.domain()?.0?;
            while self.peek() == Some(',') {
                self.at += 1;
                self.space()?;
            }
        }
        match self.peek() {
            Some(':') => {
                self.at += 1;
                Ok(())
            }
            Some(c) => Err(AddressError::OutOfPlace(c)),
            None => Err(AddressError::Unclosed('<')),
        }
    }

    /// The address whose local part is these words, and where it stands.
    fn addr_spec(&mut self, words: Vec<Word<'a>>) -> Result<(Spelt, Range<usize>), AddressError> {
        let at = match (words.first(), words.last()) {
            (Some(first), Some(last)) => first.at.start..last.at.end,
            (None, _) | (_, None) => self.at..self.at,
        };
        match self.peek() {
            Some('@') if words.is_empty() => return Err(PathError::NoLocalPart.into()),
            Some('@') => self.at += 1,
            Some('>' | ',' | ';') | None if words.is_empty() => {
                return Ok((Spelt::Unfit(PathError::Empty.into()), at));
            }
            Some('>' | ',' | ';') | None => {
                let unfit = |_| Spelt::Unfit(PathError::NoDomain.into());
                return Ok((local_part(words).map_or_else(unfit, Spelt::Bare), at));
            }
            Some(c) => return Err(AddressError::OutOfPlace(c)),
        }
        let local = local_part(words)?;
        let (domain, end) = self.domain()?;
        let mailbox = domain.and_then(|domain| Mailbox::new(&local, domain));
        let unfit = |reason: PathError| Spelt::Unfit(reason.into());
        Ok((mailbox.map_or_else(unfit, Spelt::Whole), at.start..end))
    }

    /// A dot-atom or a literal, with blanks and comments around its dots, and
    /// where it ends.
    fn domain(&mut self) -> Result<(Result<Domain, PathError>, usize), AddressError> {
        self.space()?;
        if self.peek() == Some('[') {
            let rest = &self.text[self.at..];
            let end = rest.find(']').ok_or(AddressError::Unclosed('['))?;
            self.at += end + 1;
            return Ok((rest[..=end].parse(), self.at));
        }
        let mut name = String::new();
        let mut end = self.at;
        for Word { kind, at, .. } in self.words_from(|c| c != '"')? {
            match kind {
                Kind::Atom(atom) if name.is_empty() || name.ends_with('.') => name.push_str(atom),
                Kind::Dot => name.push('.'),
                Kind::Atom(_) | Kind::Quoted(_) => return Err(PathError::Domain.into()),
            }
            end = at.end;
        }
        Ok((name.parse(), end))
    }

    fn words(&mut self) -> Result<Vec<Word<'a>>, AddressError> {
        self.words_from(|_| true)
    }

    /// Atoms, quoted strings and dots as long as they last.
    fn words_from(&mut self, wanted: fn(char) -> bool) -> Result<Vec<Word<'a>>, AddressError> {
        let mut words = Vec::new();
        loop {
            let spaced = self.space()?;
            let start = self.at;
            let kind = match self.peek().filter(|&c| wanted(c)) {
                Some('.') => {
                    self.at += 1;
                    Kind::Dot
                }
                Some('"') => Kind::Quoted(self.enclosed('"', '"')?),
                Some(c) if is_atext(c) => Kind::Atom(self.atom()),
                Some(c) if c.is_control() => return Err(PathError::Control.into()),
                Some(_) | None => return Ok(words),
            };
            words.push(Word { kind, spaced, at: start..self.at });
        }
    }

    fn atom(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let end = rest.find(|c| !is_atext(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// What stands between the opening mark at hand and its closing one,
    /// without backslashes and folds.
    fn enclosed(&mut self, open: char, close: char) -> Result<String, AddressError> {
        self.at += 1;
        let mut inner = String::new();
        let mut depth = 1;
        loop {
            let rest = &self.text[self.at..];
            let mut chars = rest.chars();
            let c = match chars.next() {
                Some('\\') => chars.next(),
                Some(c) if c == close => {
                    depth -= 1;
                    Some(c)
                }
                Some(c) if c == open => {
                    depth += 1;
                    Some(c)
                }
                Some('\r' | '\n') => {
                    self.at += fold(rest).ok_or(PathError::Control)?;
                    continue;
                }
                c => c,
            };
            let c = c.ok_or(AddressError::Unclosed(open))?;
            self.at = self.text.len() - chars.as_str().len();
            match c {
                _ if depth == 0 => return Ok(inner),
                '\t' => inner.push(' '),
                c if c.is_control() => return Err(PathError::Control.into()),
                c => inner.push(c),
            }
        }
    }

    /// Passes over blanks, folds and comments; true when there were any.
    fn space(&mut self) -> Result<bool, AddressError> {
        let start = self.at;
        loop {
            match self.peek() {
                Some(' ' | '\t') => self.at += 1,
                Some('\r' | '\n') => {
                    self.at += fold(&self.text[self.at..]).ok_or(PathError::Control)?;
                }
                Some('(') => {
                    self.comment = Some(self.enclosed('(', ')')?.trim().to_owned());
                    self.comment_end = self.at;
                }
                Some(_) | None => return Ok(self.at > start),
            }
        }
    }

    /// Passes over the commas between two elements.
    fn pass_commas(&mut self) -> Result<(), AddressError> {
        self.space()?;
        while self.peek() == Some(',') {
            self.commas.push(self.at);
            self.at += 1;
            self.space()?;
        }
        Ok(())
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    /// The element that begins here, for an error to show.
    fn around(&self, start: usize) -> &'a str {
        let rest = self.text[start..].trim_start_matches([',', ' ', '\t', '\r', '\n']);
        let parsed = self.at.saturating_sub(self.text.len() - rest.len());
        let end = rest[parsed..].find(',').map_or(rest.len(), |comma| parsed + comma);
        rest[..end].trim_end()
    }
}

/// The length of a line end that only folds (RFC 5322 §2.2.3): a blank must
/// follow.
fn fold(rest: &str) -> Option<usize> {
    let end = if rest.starts_with("\r\n") { 2 } else { usize::from(rest.starts_with('\n')) };
    (end > 0 && rest[end..].starts_with([' ', '\t'])).then_some(end)
}

/// Words with dots between them, as one local part without quotation marks.
fn local_part(words: Vec<Word<'_>>) -> Result<String, PathError> {
    let mut local = String::new();
    let mut after_dot = true;
    for Word { kind, spaced, .. } in words {
        match kind {
            Kind::Dot if after_dot => return Err(PathError::Dots),
            Kind::Dot => local.push('.'),
            Kind::Atom(_) | Kind::Quoted(_) if !after_dot => {
                return Err(if spaced {
                    PathError::LocalCharacter(' ')
                } else {
                    PathError::Quotes
                });
            }
            Kind::Atom(atom) => local.push_str(atom),
            Kind::Quoted(text) => local.push_str(&text),
        }
        after_dot = local.ends_with('.');
    }
    if after_dot { Err(PathError::Dots) } else { Ok(local) }
}

/// A phrase as text; `None` without words.
fn phrase(words: &[Word<'_>]) -> Option<String> {
    let mut text = String::new();
    let mut may_decode = true;
    for Word { kind, spaced, .. } in words {
        if *spaced && !text.is_empty() {
            text.push(' ');
        }
        match kind {
            Kind::Atom(atom) => text.push_str(atom),
            Kind::Dot => text.push('.'),
            Kind::Quoted(quoted) => {
                // RFC 2047 §5: no encoded-word stands in a quoted string.
                may_decode &= !quoted.contains("=?");
                text.push_str(quoted);
            }
        }
    }
    if may_decode && let Some(decoded) = decoded(&text) {
        text = decoded;
    }
    Some(text).filter(|text| !text.is_empty())
}

/// The text with its encoded-words read (RFC 2047 §6); `None` where there are
/// none, or one of a charset that we cannot read, or one that hides a control
/// character.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut words =
        text.split(' ').filter_map(|word| EncodedWord::parse(word.as_bytes())).peekable();
    words.peek()?;
    let known = ["utf-8", "us-ascii", "iso-8859-1"];
    let is_known =
        |charset: &[u8]| known.iter().any(|name| charset.eq_ignore_ascii_case(name.as_bytes()));
    if !words.all(|(word, _)| is_known(word.charset)) {
        return None;
    }
    let decoded = rfc2047::decode_text(text.as_bytes(), |charset, octets, out| {
        if charset.eq_ignore_ascii_case(b"iso-8859-1") {
            out.extend(octets.iter().map(|&octet| char::from(octet)));
        } else {
            rfc2047::utf8_charset(charset, octets, out);
        }
    });
    (!decoded.contains(char::is_control)).then(|| decoded.into_owned())
}

/// RFC 5322 §3.2.3, and by RFC 6532 §3.2 any UTF-8 beyond US-ASCII.
fn is_atext(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || "!#$%&'*+-/=?^_`{|}~".contains(c)
        || (!c.is_ascii() && !c.is_control())
}

#[cfg(test)]
mod tests;
