//! Messages that were finished earlier and kept since: nothing is added to them
//! and nothing taken away, but they may still get another form for the way they
//! go.

use super::canonical::StrayCr;
use super::complete::split;
use super::head::{Head, Separator};
use super::header::{field_body, field_name};
use super::ready::ReadyRecipe;
use super::repair::Content;
use super::text::Text;
use super::{Error, Message, Repair, Repairs, Source};
use std::sync::Arc;

impl Message {
    /// The message whose octets an earlier [`Message::open`] gave.
    pub fn kept(source: Source, repairs: Repairs) -> Result<Self, Error> {
        // What was to be changed about lines was changed then.
        let repairs = Repairs { long_lines: Repair::Pass, ..repairs };
        let head = Head::read(&source, repairs)?;
        let source = Arc::new(source);
        if head.mbox_line || head.byte_order_mark || head.separator == Separator::Missing {
            return Message::of_lines(&source);
        }
        let range = head.body..source.length();
        let text = Text::measure(&source, range.clone(), StrayCr::Space)?;
        let field = |name: &str| {
            let is = |field: &&[u8]| field_name(field).eq_ignore_ascii_case(name.as_bytes());
            split(&head.octets).find(is).map(|field| field_body(field).trim_ascii().to_vec())
        };
        let is_signed = field("DKIM-Signature").is_some();
        let message_id = field("Message-ID").map(|id| String::from_utf8_lossy(&id).into_owned());
        let recipe = ReadyRecipe {
            content: Content::of(&head.octets, "text/plain"),
            has_body: head.separator != Separator::End,
            is_signed,
            message_id,
            header: head.octets,
            source,
            range,
            text,
        };
        recipe.into_message(repairs)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Additions, Width, addresses, complete};
    use super::*;
    use std::io::{Read as _, Write as _};

    fn octets(message: &Message) -> String {
        let mut octets = String::new();
        message.open().unwrap().read_to_string(&mut octets).unwrap();
        octets
    }

    #[test]
    fn a_kept_message_is_the_same_in_every_form() {
        let additions = Additions {
            date: "2026-11-23T04:03:37+01:00[+01:00]".parse().unwrap(),
            message_id: None,
            from: addresses("a@x.example").unwrap(),
        };
        for text in [
            "Subject: Grüße\nContent-Type: text/plain; charset=utf-8\n\nÄ text\n.\n..\n",
            "Subject: plain\n\n",
            "Subject: no body\n",
            "DKIM-Signature: v=1; b=x\nSubject: signed\n\nÄ\n",
            "just text\n",
        ] {
            let ready = complete(Source::held(text, "m"), &additions, Repairs::default()).unwrap();
            let finished = octets(&ready.message);
            // Behind a line of something else, as in a file of the queue.
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(b"line\n").unwrap();
            file.write_all(finished.as_bytes()).unwrap();
            let source = Source::behind(file, "kept", 5).unwrap();
            let kept = Message::kept(source, Repairs::default()).unwrap();
            assert_eq!(octets(&kept), finished);
            assert_eq!(kept.facts(), ready.message.facts());
            let narrow = Width { eight_bit: false, utf8_header: false, binary: false };
            match (kept.fitted(narrow), ready.message.fitted(narrow)) {
                (Ok(kept), Ok(ready)) => assert_eq!(octets(kept).len(), octets(ready).len()),
                (kept, ready) => assert_eq!(kept.is_err(), ready.is_err(), "{text}"),
            }
        }
    }

    #[test]
    fn what_was_kept_as_it_was_stays_so() {
        for text in ["no fields\r\n", "\u{feff}A: b\r\n\r\nc\r\n", "From a\r\nB: c\r\n"] {
            let kept = Message::kept(Source::held(text, "m"), Repairs::default()).unwrap();
            assert_eq!(octets(&kept), text);
        }
    }
}
