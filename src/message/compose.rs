//! A message from its parts, for a path of seven bits.
//!
//! mail-builder writes addresses and parameters here, where it folds and
//! encodes well; the parts are put together by ourselves, for it would hold
//! every attachment in memory and encode what is itself a message.

use super::header::{Header, Kind, checked};
use super::part::Part;
use super::{
    Address, Attachment, Error, Message, Recipe, Rendering, Repairs, Unfit, Width, addresses, stamp,
};
use crate::smtp::Mailbox;
use jiff::Zoned;

/// What the user wants to send.
#[derive(Debug)]
pub struct Draft {
    /// Who writes: mailboxes, no groups.
    pub from: Vec<Address>,
    /// Whom the message is for.
    pub to: Vec<Address>,
    /// Who gets a copy.
    pub cc: Vec<Address>,
    /// Who gets a copy that nobody is told of.
    pub bcc: Vec<Address>,
    /// Where answers should go, if not to `from`.
    pub reply_to: Vec<Address>,
    /// The subject.
    pub subject: Option<String>,
    /// Further fields, name and value; one that is among those above takes its
    /// place, but Bcc only adds recipients.
    pub headers: Vec<(String, String)>,
    /// The text in octets of any charset, best in UTF-8.
    pub text: Option<Vec<u8>>,
    /// The same text in HTML.
    pub html: Option<String>,
    /// Files to go with it.
    pub attachments: Vec<Attachment>,
    /// What may be changed in an attached message that is not fit.
    pub repairs: Repairs,
    /// When it was written.
    pub date: Zoned,
    /// Its Message-ID with the angle brackets, as [`super::message_id`] makes
    /// it.
    pub message_id: String,
}

/// A message with those it is for.
#[derive(Debug)]
pub struct Composed {
    /// The recipe for its octets.
    pub message: Message,
    /// To, Cc and Bcc of the draft, in this order, groups opened.
    pub recipients: Vec<Mailbox>,
}

impl Draft {
    /// A draft with nothing in it but its stamps.
    pub fn new(date: Zoned, message_id: String) -> Self {
        Draft {
            from: Vec::new(),
            to: Vec::new(),
            cc: Vec::new(),
            bcc: Vec::new(),
            reply_to: Vec::new(),
            subject: None,
            headers: Vec::new(),
            text: None,
            html: None,
            attachments: Vec::new(),
            repairs: Repairs::default(),
            date,
            message_id,
        }
    }

    /// Puts the message together. Attachments are measured, not read.
    pub fn into_message(mut self) -> Result<Composed, Error> {
        let mut extra = Extra::sort(std::mem::take(&mut self.headers))?;
        self.bcc.append(&mut extra.bcc);
        let mut header = Header::default();
        let message_id = self.write_fields(&mut extra, &mut header)?;
        let recipients = [&self.to, &self.cc, &self.bcc]
            .into_iter()
            .flatten()
            .flat_map(Address::mailboxes)
            .cloned()
            .collect();

        let part = Part::of_body(self.text, self.html, self.attachments)?;
        header.structured("MIME-Version", "1.0")?;
        let header = header.into_octets();
        let recipe = DraftRecipe { header, part, message_id, repairs: self.repairs };
        let message = Message::of(Box::new(recipe)).map_err(|unfit| match unfit {
            Unfit::Failed(error) => error,
            reason => Error::Attached(Box::new(reason)),
        })?;
        Ok(Composed { message, recipients })
    }

    /// Writes the fields in the order of RFC 5322 §3.6, each once, and returns
    /// the Message-ID.
    fn write_fields(&self, extra: &mut Extra, header: &mut Header) -> Result<String, Error> {
        let date = extra.take("Date").map_or_else(|| stamp::date(&self.date), Ok)?;
        header.structured("Date", &date)?;
        let from = extra.list("From")?.unwrap_or_else(|| self.from.clone());
        write_from(&from, extra.list("Sender")?, header)?;
        for (name, own) in [("Reply-To", &self.reply_to), ("To", &self.to), ("Cc", &self.cc)] {
            let given = extra.list(name)?;
            let list = given.as_ref().unwrap_or(own);
            if !list.is_empty() {
                header.addresses(name, list);
            } else if name == "To" && self.cc.is_empty() && !self.bcc.is_empty() {
                header.structured("To", "undisclosed-recipients:;")?;
            }
        }
        match (extra.take("Subject"), &self.subject) {
            (Some(given), _) => header.field("Subject", &given)?,
            (None, Some(own)) if !own.trim().is_empty() => header.text("Subject", own)?,
            (None, _) => {}
        }
        let message_id = extra.take("Message-ID").unwrap_or_else(|| self.message_id.clone());
        header.structured("Message-ID", &message_id)?;
        for (name, value) in extra.fields.drain(..) {
            match Kind::of(&name) {
                Kind::Addresses => header.addresses(&name, &entries(&name, &value)?),
                Kind::Structured => header.structured(&name, &value)?,
                Kind::Text => header.field(&name, &value)?,
                Kind::Bcc | Kind::Ours => return Err(Error::HeaderReserved(name)),
            }
        }
        Ok(message_id.trim().to_owned())
    }
}

/// The recipe of a message that was composed.
struct DraftRecipe {
    /// Its fields but those of its content.
    header: Vec<u8>,
    part: Part,
    message_id: String,
    repairs: Repairs,
}

impl Recipe for DraftRecipe {
    fn render(&self, width: Width) -> Result<Rendering, Unfit> {
        let (content, pieces) = self.part.render(width, self.repairs)?;
        let header = [&self.header[..], &content, b"\r\n"].concat();
        Ok(Rendering::new(header, pieces, Some(self.message_id.clone()), Vec::new()))
    }
}

/// RFC 5322 §3.6.2: From takes mailboxes only, and if there are several, one
/// of them sent the message.
fn write_from(
    from: &[Address],
    sender: Option<Vec<Address>>,
    header: &mut Header,
) -> Result<(), Error> {
    let first = from.first().ok_or(Error::NoFrom)?;
    let is_mailbox = |address: &Address| matches!(address, Address::Mailbox { .. });
    if !from.iter().all(is_mailbox) {
        return Err(Error::HeaderValue("From".to_owned()));
    }
    header.addresses("From", from);
    match sender {
        Some(sender) if sender.len() != 1 || !sender.iter().all(is_mailbox) => {
            return Err(Error::HeaderValue("Sender".to_owned()));
        }
        Some(sender) => header.addresses("Sender", &sender),
        None if from.len() > 1 => header.addresses("Sender", std::slice::from_ref(first)),
        None => {}
    }
    Ok(())
}

/// The entries of an address field, of which there must be one (RFC 5322
/// §3.6.3).
fn entries(name: &str, value: &str) -> Result<Vec<Address>, Error> {
    let list = addresses(value)?;
    if list.is_empty() { Err(Error::HeaderValue(name.to_owned())) } else { Ok(list) }
}

/// Fields that the user gave by name.
struct Extra {
    fields: Vec<(String, String)>,
    bcc: Vec<Address>,
}

/// Fields that may stand once (RFC 5322 §3.6).
const ONCE: [&str; 10] = [
    "Date",
    "From",
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Subject",
    "Message-ID",
    "In-Reply-To",
    "References",
];

impl Extra {
    fn sort(given: Vec<(String, String)>) -> Result<Self, Error> {
        let mut extra = Extra { fields: Vec::new(), bcc: Vec::new() };
        for (name, value) in given {
            let value = checked(&name, &value)?.to_owned();
            match Kind::of(&name) {
                Kind::Ours => return Err(Error::HeaderReserved(name)),
                Kind::Bcc => extra.bcc.extend(addresses(&value)?),
                Kind::Addresses | Kind::Structured | Kind::Text => extra.fields.push((name, value)),
            }
        }
        for name in ONCE {
            if extra.fields.iter().filter(|(other, _)| name.eq_ignore_ascii_case(other)).count() > 1
            {
                return Err(Error::HeaderTwice(name));
            }
        }
        Ok(extra)
    }

    fn take(&mut self, name: &str) -> Option<String> {
        let at = self.fields.iter().position(|(other, _)| name.eq_ignore_ascii_case(other))?;
        Some(self.fields.remove(at).1)
    }

    fn list(&mut self, name: &str) -> Result<Option<Vec<Address>>, Error> {
        self.take(name).map(|value| entries(name, &value)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Source;
    use super::*;
    use mail_parser::{MessageParser, MimeHeaders};
    use std::io::Read;

    fn draft() -> Draft {
        let date = "2026-11-23T04:03:37+01:00[+01:00]".parse().unwrap();
        Draft {
            from: addresses("Alice <alice@example.org>").unwrap(),
            to: addresses("Bob <bob@example.org>").unwrap(),
            ..Draft::new(date, "<1@example.org>".into())
        }
    }

    fn written(draft: Draft) -> Result<String, Error> {
        let message = draft.into_message()?.message;
        let mut octets = String::new();
        message.open()?.read_to_string(&mut octets).unwrap();
        assert_eq!(message.facts().size, octets.len() as u64);
        let mut again = String::new();
        message.open()?.read_to_string(&mut again).unwrap();
        assert_eq!(octets, again);
        assert!(!octets.replace("\r\n", "").contains(['\r', '\n']));
        Ok(octets)
    }

    fn attached(octets: impl Into<Vec<u8>>, name: &str) -> Attachment {
        Attachment {
            source: Source::held(octets, "held"),
            name: Some(name.into()),
            media_type: None,
        }
    }

    fn with_headers(headers: &[(&str, &str)]) -> Draft {
        let own = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        Draft { headers: headers.iter().map(own).collect(), ..draft() }
    }

    #[test]
    fn the_smallest_message_is_this() {
        // 5322-3.6a, 2045-4/6
        let written = written(Draft { text: Some(b"hello\n".into()), ..draft() }).unwrap();
        assert_eq!(
            written,
            "Date: Mon, 23 Nov 2026 04:03:37 +0100\r\n\
             From: \"Alice\" <alice@example.org>\r\n\
             To: \"Bob\" <bob@example.org>\r\n\
             Message-ID: <1@example.org>\r\n\
             MIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=us-ascii\r\n\
             Content-Transfer-Encoding: 7bit\r\n\
             \r\n\
             hello\r\n"
        );
    }

    #[test]
    fn everyone_is_a_recipient_and_bcc_is_never_written() {
        // 5322-3.6.3
        let draft = Draft {
            cc: addresses("Friends: c@x.example, d@x.example;").unwrap(),
            bcc: addresses("secret1@x.example").unwrap(),
            ..with_headers(&[("bcc", "Two <secret2@x.example>")])
        };
        let composed = draft.into_message().unwrap();
        let shown: Vec<_> = composed.recipients.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "bob@example.org",
                "c@x.example",
                "d@x.example",
                "secret1@x.example",
                "secret2@x.example"
            ]
        );
        let mut octets = String::new();
        composed.message.open().unwrap().read_to_string(&mut octets).unwrap();
        assert!(!octets.contains("secret") && !octets.to_lowercase().contains("bcc"), "{octets}");
    }

    #[test]
    fn only_bcc_recipients_are_undisclosed() {
        let bcc = addresses("b@x.example").unwrap();
        let hidden = written(Draft { to: Vec::new(), bcc: bcc.clone(), ..draft() }).unwrap();
        assert!(hidden.contains("\r\nTo: undisclosed-recipients:;\r\n"), "{hidden}");
        let cc = addresses("c@x.example").unwrap();
        let open = written(Draft { to: Vec::new(), cc, bcc, ..draft() }).unwrap();
        assert!(!open.contains("\r\nTo:"), "{open}");
    }

    #[test]
    fn a_field_given_by_name_takes_the_place_of_our_own() {
        // 5322-3.6a
        let draft = Draft {
            subject: Some("ours".into()),
            ..with_headers(&[
                ("subject", "Grüße"),
                ("DATE", "Tue, 1 Jan 2030 00:00:00 +0000"),
                ("message-id", "<2@example.org>"),
                ("From", "Jörg <j@x.example>"),
                ("X-Any", "thing"),
                ("Cc", "c@x.example"),
            ])
        };
        let written = written(draft).unwrap();
        assert_eq!(
            written.lines().take(7).collect::<Vec<_>>(),
            [
                "Date: Tue, 1 Jan 2030 00:00:00 +0000",
                "From: =?utf-8?B?SsO2cmc=?= <j@x.example>",
                "To: \"Bob\" <bob@example.org>",
                "Cc: <c@x.example>",
                "Subject: =?utf-8?B?R3LDvMOfZQ==?=",
                "Message-ID: <2@example.org>",
                "X-Any: thing",
            ]
        );
    }

    #[test]
    fn fields_that_would_break_the_message_are_refused() {
        // HDR-inject, 5322-3.6a
        let refused = |headers| written(with_headers(headers)).unwrap_err();
        assert!(matches!(refused(&[("X\r\nBcc", "a@b.c")]), Error::HeaderName(_)));
        assert!(matches!(refused(&[("X", "a\r\nBcc: a@b.c")]), Error::HeaderBreak(_)));
        assert!(matches!(refused(&[("Message-ID", "<a@b>\nX: y")]), Error::HeaderBreak(_)));
        assert!(matches!(refused(&[("content-type", "text/html")]), Error::HeaderReserved(_)));
        assert!(matches!(refused(&[("To", "")]), Error::HeaderValue(_)));
        assert!(matches!(refused(&[("To", "root")]), Error::Address { .. }));
        assert!(matches!(
            refused(&[("X", "1"), ("Subject", "a"), ("subject", "b")]),
            Error::HeaderTwice("Subject")
        ));
        let subject = Draft { subject: Some("a\nBcc: x@y.z".into()), ..draft() };
        assert!(matches!(written(subject), Err(Error::HeaderBreak(_))));
        assert!(matches!(written(Draft { from: Vec::new(), ..draft() }), Err(Error::NoFrom)));
        let group = Draft { from: addresses("G: a@x.y;").unwrap(), ..draft() };
        assert!(matches!(written(group), Err(Error::HeaderValue(_))));
    }

    #[test]
    fn several_authors_have_one_sender() {
        // 5322-3.6.2
        let from = addresses("a@x.y, b@x.y").unwrap();
        let both = written(Draft { from: from.clone(), ..draft() }).unwrap();
        assert!(both.contains("From: <a@x.y>, <b@x.y>\r\nSender: <a@x.y>\r\n"), "{both}");
        let named = Draft { from, ..with_headers(&[("Sender", "c@x.y")]) };
        assert!(written(named).unwrap().contains("\r\nSender: <c@x.y>\r\n"));
    }

    #[test]
    fn a_local_part_beyond_ascii_makes_the_header_utf_8() {
        // 6531-a
        let draft = Draft { to: addresses("é@x.example").unwrap(), ..draft() };
        let facts = draft.into_message().unwrap().message.facts().clone();
        assert!(facts.utf8_header && !facts.eight_bit);
    }

    #[test]
    fn text_html_and_files_come_back_from_the_message() {
        // 2045-4/6, 2046-5.1, 2231/2183
        let names = [
            "plain.txt",
            "with space \"q\" \\.pdf",
            "Jörg'*%.pdf",
            "no extension",
            &format!("{}.pdf", "long ".repeat(60)),
            &format!("{}.pdf", "漢字é".repeat(60)),
        ];
        let contents: Vec<Vec<u8>> = (0u8..6)
            .map(|n| (0..usize::from(n) * 5000).map(|at| u8::try_from(at % 251).unwrap()).collect())
            .collect();
        let attachments = names
            .iter()
            .zip(&contents)
            .map(|(name, octets)| attached(octets.clone(), name))
            .collect();
        let message = written(Draft {
            subject: Some("Déjà vu".into()),
            text: Some("naïve\n".into()),
            html: Some("<p>naïve</p>".into()),
            attachments,
            ..draft()
        })
        .unwrap();
        assert!(message.is_ascii());
        assert!(message.lines().all(|line| line.len() <= 78), "{message}");
        let parsed = MessageParser::new().parse(message.as_bytes()).unwrap();
        assert_eq!(parsed.subject(), Some("Déjà vu"));
        assert_eq!(parsed.body_text(0).unwrap().replace("\r\n", "\n"), "naïve\n");
        assert_eq!(parsed.body_html(0).unwrap().trim_end(), "<p>naïve</p>");
        assert_eq!(parsed.attachment_count(), names.len());
        for (part, (name, octets)) in parsed.attachments().zip(names.iter().zip(&contents)) {
            assert_eq!(part.contents(), octets);
            assert_eq!(part.attachment_name(), Some(*name));
        }
    }

    #[test]
    fn files_are_streamed_and_their_change_is_noticed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), vec![b'x'; 300_000]).unwrap();
        let draft = Draft { attachments: vec![Attachment::open(file.path()).unwrap()], ..draft() };
        let message = draft.into_message().unwrap().message;
        let mut octets = message.open().unwrap();
        octets.read_exact(&mut [0; 1000]).unwrap();
        file.as_file().set_len(200_000).unwrap();
        let error = octets.read_to_end(&mut Vec::new()).unwrap_err();
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        assert!(matches!(inner, Some(Error::Changed(path)) if path == file.path()));
    }

    #[test]
    fn a_message_is_attached_as_it_is() {
        // 2045-6.4
        for (inner, encoding, wide) in
            [("Subject: in\n\nascii\n", "7bit", false), ("Subject: in\n\nné\n", "8bit", true)]
        {
            let draft = Draft {
                text: Some(b"see there".into()),
                attachments: vec![attached(inner, "x.eml")],
                ..draft()
            };
            let message = written(draft).unwrap();
            let expected = format!(
                "Content-Transfer-Encoding: {encoding}\r\n\r\n{}\r\n--=_",
                inner.replace('\n', "\r\n")
            );
            assert!(message.contains(&expected), "{message}");
            let (header, _) = message.split_once("\r\n\r\n").unwrap();
            assert_eq!(header.contains("Content-Transfer-Encoding: 8bit"), wide, "{header}");
        }
        let long = format!("Subject: in\n\n{}\n", "a".repeat(999));
        let draft = Draft { attachments: vec![attached(long, "x.eml")], ..draft() };
        let message = written(draft).unwrap();
        assert!(message.contains("Subject: in\r\nContent-Transfer-Encoding: quoted-printable\r\n"));
    }

    #[test]
    fn base64_is_padded_and_cut_at_any_length() {
        // 2045-6.8
        for length in (0..=130).chain(95_000..95_010) {
            let octets: Vec<u8> =
                (0..length).map(|at: u32| u8::try_from(at * 7 % 256).unwrap()).collect();
            let draft = Draft { attachments: vec![attached(octets.clone(), "a.bin")], ..draft() };
            let message = written(draft).unwrap();
            let parsed = MessageParser::new().parse(message.as_bytes()).unwrap();
            assert_eq!(parsed.attachment(0).unwrap().contents(), octets, "{length}");
        }
    }
}
