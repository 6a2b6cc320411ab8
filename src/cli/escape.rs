//! Untrusted text made harmless for a terminal or a log.

use serde::Serialize;
use serde_json::ser::Formatter;
use std::fmt::{self, Write as _};
use std::io::{self, Write};

/// Text as a server, a message or a file name gave it, shown without anything
/// that a terminal would obey: control characters, the C1 controls, and the
/// characters that reorder text (Unicode's bidirectional controls).
pub(super) struct Escaped<T>(pub(super) T);

impl<T: fmt::Display> fmt::Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping(f), "{}", self.0)
    }
}

/// Escapes what is written into it.
struct Escaping<'a, 'f>(&'a mut fmt::Formatter<'f>);

impl fmt::Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // In pieces: what writes to a terminal writes each at once.
        let mut rest = text;
        while let Some((at, c)) = rest.char_indices().find(|&(_, c)| c.is_control() || reorders(c))
        {
            self.0.write_str(&rest[..at])?;
            match c {
                '\t' => self.0.write_char(' ')?,
                c if c.is_control() => write!(self.0, "\\x{:02x}", u32::from(c))?,
                c => write!(self.0, "\\u{{{:x}}}", u32::from(c))?,
            }
            rest = &rest[at + c.len_utf8()..];
        }
        self.0.write_str(rest)
    }
}

/// Writes an object as JSON without anything that a terminal would obey: what
/// [`Escaped`] replaces, JSON has a form of its own for.
pub(super) fn json(object: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(out, Harmless);
    Ok(object.serialize(&mut serializer)?)
}

/// What JSON itself wants to be escaped is escaped already.
struct Harmless;

impl Formatter for Harmless {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, c)) = rest.char_indices().find(|&(_, c)| c.is_control() || reorders(c))
        {
            // All of them are below U+10000.
            write!(writer, "{}\\u{:04x}", &rest[..at], u32::from(c))?;
            rest = &rest[at + c.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }
}

/// Unicode's `Bidi_Control`, and the line separators.
pub(super) fn reorders(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_comes_through() {
        // SEC-6
        for (text, expected) in [
            ("plain é 漢", "plain é 漢"),
            ("a\tb", "a b"),
            ("\u{1b}]0;x\u{7}", r"\x1b]0;x\x07"),
            ("\u{9b}31m", r"\x9b31m"),
            ("a\r\nb\0", r"a\x0d\x0ab\x00"),
            ("\u{7f}\u{202e}x", r"\x7f\u{202e}x"),
        ] {
            assert_eq!(Escaped(text).to_string(), expected);
        }
    }

    #[test]
    fn json_is_harmless_and_says_the_same() {
        // SEC-6
        let text = "é 漢 \"\\ a\tb\r\n\0 \u{1b}]0;x\u{7} \u{7f} \u{9b}31m \u{202e}x\u{2066}";
        let mut line = Vec::new();
        json(&text, &mut line).unwrap();
        let line = String::from_utf8(line).unwrap();
        assert!(!line.contains(|c: char| c.is_control() || reorders(c)), "{line}");
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
    }
}
