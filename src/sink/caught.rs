//! A message that was caught, read again from its file.

use mail_parser::{Header, Message, MessageParser, MimeHeaders, PartType};

/// What there is to know of a message in the Maildir of a receiver.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caught {
    /// The reverse-path, empty for a report.
    pub from: String,
    /// Those whom it was taken for.
    pub to: Vec<String>,
    /// The fields of its header below the trace, decoded.
    pub header: Vec<(String, String)>,
    /// The subject, decoded.
    pub subject: Option<String>,
    /// The text as plain text, lines ending in LF.
    pub text: Option<String>,
    /// The text as HTML, lines ending in LF.
    pub html: Option<String>,
    /// The files that came with it.
    pub attachments: Vec<CaughtFile>,
}

/// A file that came with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaughtFile {
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Its type, as `text/plain`.
    pub media_type: Option<String>,
    /// Octets, decoded.
    pub size: u64,
}

/// The fields that the receiver put on top, in their order.
const TRACE: [&str; 3] = ["Return-Path", "Envelope-To", "Received"];

impl Caught {
    /// Reads the octets of a file. `None` where the trace of a receiver is not
    /// on top: such a file came by another way.
    pub fn read(file: &[u8]) -> Option<Self> {
        let octets = with_crlf(file);
        let parser = MessageParser::new().with_mime_headers().default_header_text();
        let message = parser.parse(&octets)?;
        let fields = message.headers();
        let names = fields.iter().map(|field| field.name.as_str());
        if !names.take(TRACE.len()).eq(TRACE) {
            return None;
        }
        let value = |at: usize| decoded(&message, &fields[at]);
        let bare = |path: &str| path.trim_start_matches('<').trim_end_matches('>').to_owned();
        let own = &fields[TRACE.len()..];
        let header = own.iter().map(|field| {
            let name = message.raw_message().get(
                field.offset_field as usize
                    ..field.offset_field as usize + field.name.as_str().len(),
            );
            let name = name.map_or_else(String::new, |it| String::from_utf8_lossy(it).into_owned());
            (name, decoded(&message, field))
        });
        let to = value(1);
        Some(Caught {
            from: bare(&value(0)),
            to: to.split(">, ").map(bare).collect(),
            header: header.collect(),
            subject: message.subject().map(str::to_owned),
            text: own_text(&message, false),
            html: own_text(&message, true),
            attachments: message.attachments().map(CaughtFile::of).collect(),
        })
    }
}

impl CaughtFile {
    fn of(part: &mail_parser::MessagePart<'_>) -> Self {
        let media_type = part.content_type().map(|it| match it.subtype() {
            Some(subtype) => format!("{}/{subtype}", it.ctype()),
            None => it.ctype().to_owned(),
        });
        let size = part.contents().len() as u64;
        CaughtFile { name: part.attachment_name().map(str::to_owned), media_type, size }
    }
}

/// The text in one of its forms, as the message has it: none is made from the
/// other.
fn own_text(message: &Message<'_>, wants_html: bool) -> Option<String> {
    let mut bodies: Box<dyn Iterator<Item = &mail_parser::MessagePart<'_>>> =
        if wants_html { Box::new(message.html_bodies()) } else { Box::new(message.text_bodies()) };
    bodies.find_map(|part| match (&part.body, wants_html) {
        (PartType::Html(text), true) | (PartType::Text(text), false) => {
            Some(text.replace("\r\n", "\n"))
        }
        _ => None,
    })
}

/// A field's value on one line, its encoded words decoded.
fn decoded(message: &Message<'_>, field: &Header<'_>) -> String {
    if let Some(text) = field.value.as_text() {
        return text.to_owned();
    }
    // Those of MIME were taken apart.
    let raw = &message.raw_message()[field.offset_start as usize..field.offset_end as usize];
    let raw = String::from_utf8_lossy(raw);
    raw.split("\r\n").map(str::trim).collect::<Vec<_>>().join(" ").trim().to_owned()
}

/// The octets that travelled: files of lines end them in LF.
fn with_crlf(file: &[u8]) -> Vec<u8> {
    if memchr::memchr(b'\r', file).is_some() {
        return file.to_vec();
    }
    let lines = file.split_inclusive(|octet| *octet == b'\n');
    lines.fold(Vec::with_capacity(file.len() + file.len() / 32), |mut octets, line| {
        match line.strip_suffix(b"\n") {
            Some(text) => octets.extend_from_slice(&[text, b"\r\n"].concat()),
            None => octets.extend_from_slice(line),
        }
        octets
    })
}
