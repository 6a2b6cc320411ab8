//! Messages as they are: nothing is added, and nothing taken away but what the
//! wire cannot carry.

use super::canonical::StrayCr;
use super::octets::Piece;
use super::text::Text;
use super::{Error, Message, Rendering, Source};
use std::sync::Arc;

impl Message {
    /// A message with every field as the source has it, be there none at all.
    /// Line ends become CRLF as in every message (RFC 5321 §2.3.8). Fails where
    /// the source cannot be read or holds what must not be sent.
    pub fn as_is(source: Source) -> Result<Self, Error> {
        Message::of_lines(&Arc::new(source))
    }

    /// The same of a source that others may read, too.
    pub(super) fn of_lines(source: &Arc<Source>) -> Result<Self, Error> {
        let text = Text::measure(source, 0..source.length(), StrayCr::Space)?;
        if let Some(at) = text.nul() {
            return Err(source.nul(at));
        }
        if let Some(at) = text.long_line() {
            return Err(source.long_line(at));
        }
        let is_unended = text.is_unended();
        let mut pieces: Vec<_> = text.into_pieces().collect();
        if is_unended {
            pieces.push(Piece::Held(b"\r\n".to_vec()));
        }
        Ok(Message::from(Rendering::new(Vec::new(), pieces, None, Vec::new())))
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
}
