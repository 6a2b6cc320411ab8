//! Reading the file of aliases, in the form of sendmail and Postfix
//! (aliases(5)).

use super::super::address_list::{Spelt, spots};
use super::aliases::{AliasError, AliasLine, Aliases, Entry, Target};
use std::collections::hash_map::Entry as Slot;
use std::io;
use std::path::Path;

impl Aliases {
    /// Reads the text of a file. `include` reads the lists that it names; one
    /// that cannot be read is an error for whoever uses it. A line that cannot
    /// be read does no harm to the others: the file may be shared with another
    /// program, and mail must not stop for it.
    pub fn parse(
        file: &Path,
        octets: &[u8],
        include: &mut dyn FnMut(&Path) -> io::Result<Vec<u8>>,
    ) -> Self {
        let mut aliases = Aliases::default();
        for (at, line) in lines(file, octets, Form::Aliases) {
            let parted = line.as_deref().map_err(|reason| *reason).and_then(|line| {
                parted(line).ok_or("an alias is written as name: address, address")
            });
            let (name, targets) = match parted {
                Ok(parted) => parted,
                Err(reason) => {
                    aliases.faults.push(wrong(&at, reason));
                    continue;
                }
            };
            let mut reader = Reader { name: &name, at: &at, include, targets: Vec::new() };
            reader.read(targets);
            let targets = reader.targets;
            let is_for_all = matches!(name.as_str(), "*" | "default");
            let entry = Entry { at, targets, is_for_all };
            // Of two aliases of one name the first counts, as with Postfix.
            if is_for_all {
                aliases.for_all.get_or_insert(entry);
            } else if let Slot::Vacant(slot) = aliases.entries.entry(name) {
                slot.insert(entry);
            }
        }
        aliases
    }
}

fn wrong(at: &AliasLine, reason: impl Into<String>) -> AliasError {
    AliasError::Syntax { at: at.clone(), reason: reason.into() }
}

/// What the lines of a file are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// One that begins with a blank continues the one before it.
    Aliases,
    /// Each stands for itself.
    List,
}

/// A line, or why it cannot be read.
type Line = Result<String, &'static str>;

/// Lines without comments and empty ones, each where it begins.
fn lines(file: &Path, octets: &[u8], form: Form) -> Vec<(AliasLine, Line)> {
    let mut lines: Vec<(AliasLine, Line)> = Vec::new();
    for (number, line) in octets.split(|&octet| octet == b'\n').enumerate() {
        let at = AliasLine { file: file.to_owned(), line: number + 1 };
        let text = match readable(line.strip_suffix(b"\r").unwrap_or(line)) {
            Ok(line) => without_comment(line).trim_end(),
            Err(reason) => {
                lines.push((at, Err(reason)));
                continue;
            }
        };
        if text.trim_start().is_empty() {
            continue;
        }
        match lines.last_mut() {
            Some((_, begun)) if form == Form::Aliases && text.starts_with([' ', '\t']) => {
                if let Ok(begun) = begun {
                    begun.push_str(text);
                }
            }
            _ => lines.push((at, Ok(text.trim_start().to_owned()))),
        }
    }
    lines
}

fn readable(line: &[u8]) -> Result<&str, &'static str> {
    let line = std::str::from_utf8(line).map_err(|_| "this is not UTF-8 text")?;
    if line.contains(|c: char| c.is_control() && c != '\t') {
        return Err("a control character stands here");
    }
    Ok(line)
}

/// A line up to a `#` that stands at its beginning or behind a blank.
fn without_comment(line: &str) -> &str {
    let mut may_begin = true;
    for (at, c, is_quoted) in quoting(line) {
        if c == '#' && may_begin && !is_quoted {
            return &line[..at];
        }
        may_begin = matches!(c, ' ' | '\t');
    }
    line
}

/// Each character, and whether it stands within quotation marks or behind a
/// backslash.
fn quoting(text: &str) -> impl Iterator<Item = (usize, char, bool)> {
    let (mut within, mut escaped) = (false, false);
    text.char_indices().map(move |(at, c)| {
        let is_quoted = within || escaped;
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => within = !within,
            _ => {}
        }
        (at, c, is_quoted)
    })
}

/// The name in lower case, and what stands behind its colon.
fn parted(line: &str) -> Option<(String, &str)> {
    let (colon, ..) = quoting(line).find(|(_, c, is_quoted)| *c == ':' && !is_quoted)?;
    let name = line[..colon].trim();
    let name = unquoted(name).unwrap_or_else(|| name.to_owned());
    let is_name = !name.is_empty() && !name.contains('"');
    is_name.then(|| (name.to_lowercase(), &line[colon + 1..]))
}

/// What stands within the quotation marks around a whole text.
fn unquoted(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut plain = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => plain.push(chars.next()?),
            '"' => return None,
            c => plain.push(c),
        }
    }
    Some(plain)
}

/// Reads what one alias stands for.
struct Reader<'r> {
    name: &'r str,
    at: &'r AliasLine,
    include: &'r mut dyn FnMut(&Path) -> io::Result<Vec<u8>>,
    targets: Vec<Target>,
}

impl Reader<'_> {
    fn read(&mut self, list: &str) {
        let mut start = 0;
        let commas: Vec<usize> = quoting(list)
            .filter(|(_, c, is_quoted)| *c == ',' && !is_quoted)
            .map(|(at, ..)| at)
            .collect();
        for end in commas.into_iter().chain([list.len()]) {
            self.target(list[start..end].trim());
            start = end + 1;
        }
    }

    fn target(&mut self, text: &str) {
        let plain = unquoted(text);
        let word = plain.as_deref().unwrap_or(text);
        if word.get(..9).is_some_and(|start| start.eq_ignore_ascii_case(":include:")) {
            self.list(Path::new(word[9..].trim()));
        } else if let Some(target) = target(word, text, self.name, self.at) {
            self.targets.push(target);
        }
    }

    /// `:include:FILE`: an address a line, or several with commas.
    fn list(&mut self, list: &Path) {
        let unreadable = |reason: io::Error| AliasError::List {
            at: self.at.clone(),
            list: list.to_owned(),
            reason: reason.to_string(),
        };
        let octets = match (self.include)(list).map_err(unreadable) {
            Ok(octets) => octets,
            Err(error) => return self.targets.push(Target::Refused(error)),
        };
        for (at, line) in &lines(list, &octets, Form::List) {
            let line = match line {
                Ok(line) => line,
                Err(reason) => {
                    self.targets.push(Target::Refused(wrong(at, *reason)));
                    continue;
                }
            };
            let mut include = no_list_in_a_list;
            let mut reader =
                Reader { name: self.name, at, include: &mut include, targets: Vec::new() };
            reader.read(line);
            self.targets.append(&mut reader.targets);
        }
    }
}

fn no_list_in_a_list(_: &Path) -> io::Result<Vec<u8>> {
    Err(io::Error::other("it is named by a list, and lists do not name others"))
}

/// One target; `None` for nothing. `word` is the text without quotation marks.
fn target(word: &str, text: &str, name: &str, at: &AliasLine) -> Option<Target> {
    let (at, name, target) = (at.clone(), name.to_owned(), word.to_owned());
    if word.is_empty() || word == "/dev/null" {
        None
    } else if word.starts_with('|') {
        Some(Target::Refused(AliasError::Program { at, name, target }))
    } else if word.starts_with('/') {
        Some(Target::Refused(AliasError::File { at, name, target }))
    } else {
        let last = text.strip_prefix('\\');
        Some(match spelt(last.unwrap_or(text)) {
            Some(spelt) if last.is_some() => Target::Final(spelt),
            Some(spelt) => Target::Address(spelt),
            None => Target::Refused(wrong(&at, format!("‘{text}’ is not a mail address"))),
        })
    }
}

/// The one address, or bare name, that a text is.
fn spelt(text: &str) -> Option<Spelt> {
    let mut list = spots(text).ok()?.list;
    let spot = list.pop().filter(|spot| list.is_empty() && !spot.in_group)?;
    match spot.spelt {
        Spelt::Unfit(_) => None,
        spelt @ (Spelt::Whole(_) | Spelt::Bare(_)) => Some(spelt),
    }
}
