//! What three readers find in a message, in one form.
//!
//! `subject`, `lists` (name of the field → names with addresses), `fields`
//! (name → values, decoded and unfolded), `tree` (media types, one a line),
//! `leaves` (each with `type`, `charset`, `encoding`, `disposition`, `name`,
//! `id`, `sha256` of its octets, and its `text` if it is one), `defects`. `null`
//! where the reader gave up.

use envoi::message::hexadecimal;
use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{
    Encoding, HeaderForm, HeaderName, HeaderValue, Message, MessageParser, MessagePart,
    MimeHeaders, PartType,
};
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::fs;
use std::process::Command;

/// Who reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    MailParser,
    Python,
    Perl,
}

impl Reader {
    /// Its name in `deviations.toml`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Reader::MailParser => "mail-parser",
            Reader::Python => "python",
            Reader::Perl => "perl",
        }
    }

    /// A reading for each message.
    pub(crate) fn read(self, messages: &[&[u8]]) -> Vec<Value> {
        match self {
            Reader::MailParser => messages.iter().map(|octets| read_or_panic(octets)).collect(),
            Reader::Python => read_by_script(messages, "/usr/bin/python3", "read.py", "python3"),
            Reader::Perl => {
                read_by_script(messages, "/usr/bin/perl", "read.pl", "libemail-mime-perl")
            }
        }
    }
}

/// Has all of them read by one process.
pub(crate) fn read_by_script(
    messages: &[&[u8]],
    program: &str,
    script: &str,
    package: &str,
) -> Vec<Value> {
    let folder = tempfile::tempdir().expect("making a directory");
    let path = std::env::var_os("CORPUS").map_or(folder.path().to_owned(), Into::into);
    for (number, octets) in messages.iter().enumerate() {
        fs::write(path.join(format!("{number}.eml")), octets).expect("writing a message");
    }
    let hint = format!("apt-get install {package} (tests/run does it)");
    let output = Command::new(program)
        .arg(crate::folder().join(script))
        .arg(&path)
        .output()
        .unwrap_or_else(|error| panic!("starting {program}: {error}; {hint}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script} failed; if it lacks a module: {hint}\n{said}");
    let readings: Vec<Value> = serde_json::from_slice(&output.stdout).expect("a list in JSON");
    assert_eq!(readings.len(), messages.len());
    readings
}

/// What mail-parser finds; where it panics, nothing.
fn read_or_panic(octets: &[u8]) -> Value {
    std::panic::catch_unwind(|| read(octets)).unwrap_or(Value::Null)
}

fn read(octets: &[u8]) -> Value {
    let message = MessageParser::default().parse(octets).expect("a message");
    let mut fields = Map::new();
    for header in message.headers() {
        let values = message.header_as(header.name.clone(), HeaderForm::Text);
        let values: Vec<_> =
            values.iter().map(|value| value.as_text().unwrap_or_default()).collect();
        fields.insert(header.name().to_ascii_lowercase(), json!(values));
    }
    let lists: Map<_, _> = [
        ("from", HeaderName::From),
        ("sender", HeaderName::Sender),
        ("reply-to", HeaderName::ReplyTo),
        ("to", HeaderName::To),
        ("cc", HeaderName::Cc),
    ]
    .into_iter()
    .map(|(name, header)| (name.to_owned(), addresses(&message, header)))
    .collect();
    let (mut tree, mut leaves) = (Vec::new(), Vec::new());
    walk(&message, message.root_part(), 0, &mut tree, &mut leaves);
    json!({
        "subject": fields.get("subject").and_then(|values| values.get(0)),
        "lists": lists,
        "fields": fields,
        "tree": tree.join("\n"),
        "leaves": leaves,
        "defects": [],
    })
}

fn addresses(message: &Message<'_>, name: HeaderName<'static>) -> Value {
    let mut pairs = Vec::new();
    for value in message.header_as(name, HeaderForm::Addresses) {
        let HeaderValue::Address(list) = value else { continue };
        for one in list.iter() {
            let part = |text: &Option<Cow<'_, str>>| text.as_deref().unwrap_or_default().to_owned();
            pairs.push([part(&one.name), part(&one.address)]);
        }
    }
    json!(pairs)
}

fn walk(
    message: &Message<'_>,
    part: &MessagePart<'_>,
    depth: usize,
    tree: &mut Vec<String>,
    leaves: &mut Vec<Value>,
) {
    let (media_type, encoding) = (media_type(part), encoding(part));
    let indent = "  ".repeat(depth);
    let mut container = || {
        // RFC 2045 §6.4
        let fits = ["7bit", "8bit", "binary"].contains(&&encoding[..]);
        let wrong = if fits { String::new() } else { format!(" in {encoding}") };
        tree.push(format!("{indent}{media_type}{wrong}"));
    };
    match &part.body {
        PartType::Multipart(inner) => {
            container();
            for &id in inner {
                let inner = message.part(id).expect("a part");
                walk(message, inner, depth + 1, tree, leaves);
            }
        }
        PartType::Message(inner) => {
            container();
            walk(inner, inner.root_part(), depth + 1, tree, leaves);
        }
        PartType::Text(_) | PartType::Html(_) | PartType::Binary(_) | PartType::InlineBinary(_) => {
            tree.push(format!("{indent}{media_type}"));
            leaves.push(leaf(message, part, &media_type, &encoding));
        }
    }
}

fn media_type(part: &MessagePart<'_>) -> String {
    // RFC 2046 §5.1.5: in a digest, a part without a type is a message.
    let default = if part.is_message() { "message/rfc822" } else { "text/plain" };
    part.content_type().map_or(default.to_owned(), |it| {
        format!("{}/{}", it.ctype(), it.subtype().unwrap_or_default()).to_ascii_lowercase()
    })
}

fn encoding(part: &MessagePart<'_>) -> String {
    part.content_transfer_encoding().unwrap_or("7bit").to_ascii_lowercase()
}

fn leaf(message: &Message<'_>, part: &MessagePart<'_>, media_type: &str, encoding: &str) -> Value {
    let charset = part.content_type().and_then(|it| it.attribute("charset")).unwrap_or("us-ascii");
    let disposition = part.content_disposition();
    let octets = octets(message, part);
    json!({
        "type": media_type,
        "charset": charset.to_ascii_lowercase(),
        "encoding": encoding,
        "disposition": disposition.map(|it| it.ctype().to_ascii_lowercase()),
        "name": disposition.and_then(|it| it.attribute("filename")),
        "id": part.content_id().map(|id| format!("<{id}>")),
        "sha256": sha256(&octets),
        "text": part.text_contents().or(std::str::from_utf8(&octets).ok()),
    })
}

/// What a part holds, decoded; of a text, mail-parser itself gives characters.
fn octets<'m>(message: &'m Message<'_>, part: &MessagePart<'_>) -> Cow<'m, [u8]> {
    let raw = &message.raw_message[part.offset_body as usize..part.offset_end as usize];
    match part.encoding {
        Encoding::None => raw.into(),
        Encoding::QuotedPrintable => quoted_printable_decode(raw).unwrap_or_default().into(),
        Encoding::Base64 => base64_decode(raw).unwrap_or_default().into(),
    }
}

pub(crate) fn sha256(octets: &[u8]) -> String {
    hexadecimal(digest(&SHA256, octets).as_ref())
}
