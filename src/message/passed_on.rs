//! Messages that others have finished and that go on as they came, or not at
//! all.

use super::canonical::StrayCr;
use super::head::Head;
use super::octets::Piece;
use super::text::Text;
use super::{Error, Message, Recipe, Rendering, Repair, Repairs, Source, Unfit, Width};
use std::sync::Arc;

impl Message {
    /// A message of which no octet is changed on the way, but for the end of its
    /// last line where it has none. Fails where it goes in circles (RFC 5321
    /// §6.3).
    pub fn passed_on(source: Source) -> Result<Self, Error> {
        let as_it_is = Repairs { long_lines: Repair::Pass, ..Repairs::default() };
        let head = Head::read(&source, as_it_is)?;
        let source = Arc::new(source);
        let text = Text::measure(&source, 0..source.length(), StrayCr::Space)?;
        let recipe = PassedOn { utf8_header: !head.octets.is_ascii(), text };
        let rendering = recipe.rendering();
        Ok(Message { recipe: Some(Box::new(recipe)), ..Message::from(rendering) })
    }
}

struct PassedOn {
    utf8_header: bool,
    text: Text,
}

impl PassedOn {
    /// It is more than lines.
    fn is_binary(&self) -> bool {
        let stray = self.text.sum(|tally| tally.bare_lf + tally.stray_cr);
        self.text.nul().is_some() || stray > 0
    }

    fn rendering(&self) -> Rendering {
        let pieces = if self.is_binary() {
            self.text.clone().into_stretches().map(Piece::Raw).collect()
        } else {
            let ended = self.text.is_unended().then(|| Piece::Held(b"\r\n".to_vec()));
            self.text.clone().into_pieces().chain(ended).collect()
        };
        let mut rendering = Rendering::new(Vec::new(), pieces, None, Vec::new());
        rendering.facts.utf8_header = self.utf8_header;
        rendering
    }
}

impl Recipe for PassedOn {
    fn render(&self, width: Width, _: Repairs) -> Result<Rendering, Unfit> {
        let lacks = (self.text.is_eight_bit() && !width.eight_bit)
            || (self.utf8_header && !width.utf8_header)
            || (self.is_binary() && !width.binary);
        if lacks { Err(Unfit::Untouchable) } else { Ok(self.rendering()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    fn form(source: &[u8], width: Width) -> Result<Vec<u8>, Unfit> {
        let message = Message::passed_on(Source::held(source, "m")).unwrap();
        let form = message.fitted(width)?;
        let mut octets = Vec::new();
        form.open().unwrap().read_to_end(&mut octets).unwrap();
        assert_eq!(form.facts().size, octets.len() as u64);
        Ok(octets)
    }

    #[test]
    fn it_goes_as_it_came_or_not_at_all() {
        let long = [&b"A: b\r\n\r\n"[..], &b"x".repeat(2000), b"\r\n"].concat();
        for (source, needed) in [
            (&b"A: b\r\n\r\nx\r\n.\r\n"[..], Width::SEVEN_BIT),
            (&long, Width::SEVEN_BIT),
            (b"no field\r\n", Width::SEVEN_BIT),
            (b"A: b\r\n\r\n\xe9\r\n", Width { eight_bit: true, ..Width::SEVEN_BIT }),
            ("A: \u{e9}\r\n\r\nx\r\n".as_bytes(), Width { binary: false, ..Width::WIDE }),
            (b"A: b\r\n\r\nx\ry\n", Width { binary: true, ..Width::SEVEN_BIT }),
            (b"A: b\r\n\r\n\0\r\n", Width { binary: true, ..Width::SEVEN_BIT }),
        ] {
            assert_eq!(form(source, needed).unwrap(), source);
            assert_eq!(form(source, Width::WIDE).unwrap(), source);
            if needed != Width::SEVEN_BIT {
                assert!(matches!(form(source, Width::SEVEN_BIT), Err(Unfit::Untouchable)));
            }
        }
    }

    #[test]
    fn what_goes_in_circles_is_seen() {
        let fields = |count| "Received: x\r\n".repeat(count) + "\r\nReceived: x\r\n";
        Message::passed_on(Source::held(fields(100), "m")).unwrap();
        let error = Message::passed_on(Source::held(fields(101), "m")).err().unwrap();
        assert!(matches!(error, Error::Loop { count: 101, .. }));
    }
}
