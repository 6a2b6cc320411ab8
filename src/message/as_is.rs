//! Messages as they are: nothing is added, and nothing taken away but what the
//! wire cannot carry.

use super::canonical::StrayCr;
use super::octets::Piece;
use super::text::Text;
use super::{Change, Error, Message, Recipe, Rendering, Repairs, Source, Unfit, Width};
use std::sync::Arc;

impl Message {
    /// A message with every field as the source has it, be there none at all.
    /// Line ends become CRLF as in every message (RFC 5321 §2.3.8). Fails where
    /// the source cannot be read or holds what must not be sent.
    pub fn as_is(source: Source) -> Result<Self, Error> {
        Message::of_lines(&Arc::new(source))
    }

    /// The same for whoever wants no octet changed that need not be: what is no
    /// text of lines, all ended alike, is binary, and becomes such lines only
    /// for a way that carries nothing else.
    pub fn untouched(source: Source) -> Result<Self, Error> {
        let source = Arc::new(source);
        let text = Text::measure(&source, 0..source.length(), StrayCr::Space)?;
        let recipe = Untouched { source, text };
        let rendering = if recipe.is_binary() {
            recipe.raw()
        } else {
            lines(&recipe.source, recipe.text.clone())?
        };
        Ok(Message { recipe: Some(Box::new(recipe)), ..Message::from(rendering) })
    }

    /// The same of a source that others may read, too.
    pub(super) fn of_lines(source: &Arc<Source>) -> Result<Self, Error> {
        let text = Text::measure(source, 0..source.length(), StrayCr::Space)?;
        Ok(Message::from(lines(source, text)?))
    }
}

fn lines(source: &Source, text: Text) -> Result<Rendering, Error> {
    if let Some(at) = text.nul() {
        return Err(source.nul(at));
    }
    if let Some(at) = text.long_line() {
        return Err(source.long_line(at));
    }
    let is_unended = text.is_unended();
    let (lf, cr) = (text.sum(|tally| tally.bare_lf), text.sum(|tally| tally.stray_cr));
    let changes = [
        (lf > 0).then_some(Change::LineEnds(lf)),
        (cr > 0).then_some(Change::StrayCr(cr)),
        is_unended.then_some(Change::Ended),
    ];
    let changes = changes.into_iter().flatten().collect();
    let mut pieces: Vec<_> = text.into_pieces().collect();
    if is_unended {
        pieces.push(Piece::Held(b"\r\n".to_vec()));
    }
    Ok(Rendering::new(Vec::new(), pieces, None, changes))
}

/// A message of which nothing is changed that need not be.
struct Untouched {
    source: Arc<Source>,
    text: Text,
}

impl Untouched {
    fn is_binary(&self) -> bool {
        let text = &self.text;
        let is_mixed = text.sum(|tally| tally.bare_lf) > 0 && text.has_crlf();
        text.nul().is_some()
            || text.long_line().is_some()
            || text.sum(|tally| tally.stray_cr) > 0
            || is_mixed
    }

    fn raw(&self) -> Rendering {
        let pieces = self.text.clone().into_stretches().map(Piece::Raw).collect();
        Rendering::new(Vec::new(), pieces, None, Vec::new())
    }
}

impl Recipe for Untouched {
    fn render(&self, width: Width, _: Repairs) -> Result<Rendering, Unfit> {
        if width.binary && self.is_binary() {
            return Ok(self.raw());
        }
        if self.text.is_eight_bit() && !width.eight_bit {
            return Err(Unfit::Untouchable);
        }
        lines(&self.source, self.text.clone()).map_err(Unfit::NoLines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn nothing_is_added_to_a_message_as_it_is() {
        for (source, octets) in [("", ""), ("a\n\nb", "a\r\n\r\nb\r\n"), ("a: ü\r\n", "a: ü\r\n")]
        {
            let message = Message::as_is(Source::held(source, "test")).unwrap();
            let mut written = String::new();
            message.open().unwrap().read_to_string(&mut written).unwrap();
            assert_eq!(written, octets);
            assert_eq!(message.facts().size, octets.len() as u64);
            assert_eq!(message.facts().eight_bit, !source.is_ascii());
        }
    }

    fn form(source: &[u8], width: Width) -> Result<(Vec<u8>, bool), String> {
        let message = Message::untouched(Source::held(source, "m")).unwrap();
        let form = message.fitted(width).map_err(|unfit| unfit.to_string())?;
        let mut octets = Vec::new();
        form.open().unwrap().read_to_end(&mut octets).unwrap();
        assert_eq!(form.facts().size, octets.len() as u64);
        assert_eq!(form.facts().eight_bit, !source.is_ascii());
        Ok((octets, form.facts().binary))
    }

    #[test]
    fn what_is_no_lines_is_binary_where_the_way_is_and_lines_where_it_is_not() {
        // 3030-g
        let lines = Width { binary: false, ..Width::WIDE };
        let long = [&b"x".repeat(999)[..], b"\n"].concat();
        for (source, as_lines) in [
            (&b"a\rb\r\n"[..], Ok(&b"a b\r\n"[..])),
            (b"a\r\nb\nc", Ok(b"a\r\nb\r\nc\r\n")),
            (b"\xe9\r", Ok(b"\xe9 \r\n")),
            (b"a\n\0", Err("\u{2018}m\u{2019} has a NUL octet in line 2, which mail cannot carry")),
            (
                &long,
                Err(
                    "\u{2018}m\u{2019} has more than 998 octets in line 1, which mail cannot carry",
                ),
            ),
        ] {
            assert_eq!(form(source, Width::WIDE), Ok((source.to_vec(), true)));
            let as_lines = as_lines.map(|octets| (octets.to_vec(), false)).map_err(str::to_owned);
            assert_eq!(form(source, lines), as_lines, "{}", source.escape_ascii());
        }
        assert_eq!(form(b"\xe9\r", Width::SEVEN_BIT), Err("it is to go as it is".to_owned()));
    }

    #[test]
    fn lines_that_all_end_alike_are_text() {
        for (source, octets) in [("", ""), ("a\nb\n", "a\r\nb\r\n"), ("a\r\n.\r\n", "a\r\n.\r\n")] {
            let whole = form(source.as_bytes(), Width::WIDE);
            assert_eq!(whole, Ok((octets.as_bytes().to_vec(), false)));
        }
    }
}
