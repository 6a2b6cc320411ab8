//! A message from its parts, for a path of seven bits.

use super::attachment::Role;
use super::flowed::flowed;
use super::header::{Header, Kind, checked};
use super::inline::{Embedded, embed};
use super::part::{Content, Part};
use super::{
    Address, Attachment, Error, Message, Recipe, Rendering, Repairs, Unfit, Warning, Width,
    addresses, stamp,
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
    /// Fields that give way to those of the same name in `headers`, such as
    /// those of a [`super::Thread`].
    pub defaults: Vec<(&'static str, String)>,
    /// The text in octets of any charset, best in UTF-8.
    pub text: Option<Vec<u8>>,
    /// Each line of the text is a paragraph that readers fit to their window.
    pub is_flowed: bool,
    /// The same text in HTML.
    pub html: Option<String>,
    /// Files that the HTML shows.
    pub inline: Vec<Attachment>,
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
    /// What is probably not meant.
    pub warnings: Vec<Warning>,
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
            defaults: Vec::new(),
            text: None,
            is_flowed: false,
            html: None,
            inline: Vec::new(),
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

        let mut warnings = Vec::new();
        let repairs = self.repairs;
        let part = Part::of_content(self.content(&mut warnings)?)?;
        header.structured("MIME-Version", "1.0")?;
        let header = header.into_octets();
        let recipe = DraftRecipe { header, part, message_id };
        let message = Message::of(Box::new(recipe), repairs).map_err(|unfit| match unfit {
            Unfit::Failed(error) => error,
            reason => Error::Attached(Box::new(reason)),
        })?;
        Ok(Composed { message, recipients, warnings })
    }

    /// What becomes of text, HTML and files.
    fn content(self, warnings: &mut Vec<Warning>) -> Result<Content, Error> {
        let mut content = Content { html: self.html, ..Content::default() };
        match self.text.map(String::from_utf8) {
            Some(Ok(text)) if self.is_flowed => {
                content.text = Some(flowed(&text).into_bytes());
                content.is_flowed = true;
            }
            Some(Ok(text)) => content.text = Some(text.into_bytes()),
            Some(Err(octets)) => {
                content.text = Some(octets.into_bytes());
                warnings.push(Warning::UnknownCharset);
            }
            None => {}
        }
        let author = self.from.iter().flat_map(Address::mailboxes).next().ok_or(Error::NoFrom)?;
        let domain = author.domain().to_string();
        let ids = self.inline.iter().map(|_| stamp::message_id(&domain));
        let ids = ids.collect::<Result<Vec<_>, _>>()?;
        if let Some(html) = &mut content.html {
            let files: Vec<_> = self.inline.iter().zip(ids.iter().map(String::as_str)).collect();
            let Embedded { html: embedded, warnings: found } = embed(html, &files);
            *html = embedded;
            warnings.extend(found);
        }
        for (file, content_id) in self.inline.into_iter().zip(&ids) {
            content.inline.push(file.into_part(Role::Shown { content_id }, warnings)?);
        }
        for file in self.attachments {
            content.attachments.push(file.into_part(Role::Attached, warnings)?);
        }
        Ok(content)
    }

    /// Writes the fields in the order of RFC 5322 §3.6, each once, and returns
    /// the Message-ID.
    fn write_fields(&mut self, extra: &mut Extra, header: &mut Header) -> Result<String, Error> {
        let date = extra.take("Date").map_or_else(|| stamp::date(&self.date), Ok)?;
        header.structured("Date", &date)?;
        if let Some(from) = extra.list("From")? {
            self.from = from;
        }
        write_from(&self.from, extra.list("Sender")?, header)?;
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
        for (name, value) in &self.defaults {
            if !extra.has(name) {
                header.structured(name, value)?;
            }
        }
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
}

impl Recipe for DraftRecipe {
    fn render(&self, width: Width, repairs: Repairs) -> Result<Rendering, Unfit> {
        let (content, pieces) = self.part.render(width, repairs)?;
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
pub(super) const ONCE: [&str; 10] = [
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

    fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(other, _)| name.eq_ignore_ascii_case(other))
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
mod tests;
