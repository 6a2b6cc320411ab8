//! What was meant, and what arrived.
//!
//! The comparison reads the stored octets with Python's `email` package: a
//! reader that shares no code and no author with the writer.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::program::Client;
use crate::server::{Server, file, python, wait_until};

const SENDER_NAME: &str = "Zoë Tester";
const SENDER: &str = "zoe@example.net";
/// Stands in the Bcc field of ready messages and is nobody's recipient.
const ARCHIVE: &str = "archive@example.net";

/// The content of one message, whichever way it is handed to the program.
pub(crate) struct Letter {
    subject: &'static str,
    body: &'static str,
    attachments: Vec<(&'static str, Vec<u8>)>,
}

impl Letter {
    /// A letter in which everything is a little difficult: scripts, dots at the
    /// start of lines, octets that a text mode would change.
    pub(crate) fn example() -> Self {
        let every_octet = (0..=u8::MAX).cycle().take(40_000).collect();
        let line_ends = b"LF\nCRLF\r\nCR\r.\n..\n blanks at the end  \nno end".to_vec();
        Self {
            subject: "Grüße aus Zürich: 10 % für 日本",
            body: "Grüezi,\n\n.\n..two dots, then one\n.one\nFrom here on: 日本語 und ß.\n\nZoë\n",
            attachments: vec![("Übersicht – 日本.bin", every_octet), ("notes.txt", line_ends)],
        }
    }

    /// The text of a letter in which nothing is difficult.
    pub(crate) const SHORT: &str = "No more than a line.";

    /// The arguments by which the program composes such a letter to `to`.
    pub(crate) fn short(to: &str) -> Vec<OsString> {
        ["--from", SENDER, "--to", to, "--subject", "Short", "--body", Self::SHORT]
            .map(Into::into)
            .to_vec()
    }

    /// An address that no other test uses, taken by every server.
    pub(crate) fn someone(name: &str) -> String {
        format!("{name}.{}@example.net", fresh())
    }

    /// The arguments by which the program composes this letter to `to`.
    pub(crate) fn composed(&self, client: &Client, to: &str) -> Vec<OsString> {
        let from = format!("{SENDER_NAME} <{SENDER}>");
        let mut arguments: Vec<OsString> = ["--from", &from, "--to", to]
            .into_iter()
            .chain(["--subject", self.subject, "--body", self.body])
            .map(Into::into)
            .collect();
        for (name, content) in &self.attachments {
            let path = client.home().join(name);
            fs::write(&path, content).expect("writing an attachment");
            arguments.extend(["--attach".into(), path.into()]);
        }
        arguments
    }

    /// The same letter as another program would have written it to `to`.
    pub(crate) fn ready(&self, to: &str) -> Ready {
        let id = format!("<ready.{}@example.net>", fresh());
        let encoded = |text: &str| format!("=?utf-8?B?{}?=", STANDARD.encode(text));
        let (name, subject) = (encoded(SENDER_NAME), encoded(self.subject));
        let mut text = format!(
            "Received: from desk.example.net by pen.example.net;\n\
             \tTue, 3 Mar 2026 09:29:59 +0100\n\
             From: {name} <{SENDER}>\n\
             To: {to}\n\
             Bcc: {ARCHIVE}\n\
             Subject: {subject}\n\
             Date: Tue, 3 Mar 2026 09:30:00 +0100\n\
             Message-ID: {id}\n\
             MIME-Version: 1.0\n\
             Content-Type: multipart/mixed; boundary=\"=_part\"\n\
             X-Folded: this field is folded,\n \t and its blanks are its own\n\
             \n\
             for readers without MIME\n\
             --=_part\n\
             Content-Type: text/plain; charset=utf-8\n\
             Content-Transfer-Encoding: 8bit\n\
             \n\
             {}\n",
            self.body
        );
        for (name, content) in &self.attachments {
            let content = STANDARD.encode(content);
            let lines = content.as_bytes().chunks(76).map(String::from_utf8_lossy);
            let lines = lines.collect::<Vec<_>>().join("\n");
            write!(
                text,
                "--=_part\n\
                 Content-Type: application/octet-stream\n\
                 Content-Disposition: attachment;\n filename*=utf-8''{}\n\
                 Content-Transfer-Encoding: base64\n\
                 \n\
                 {lines}\n",
                percent_encoded(name)
            )
            .expect("a String takes it");
        }
        text.push_str("--=_part--\n");
        Ready { id, text }
    }

    /// Compares, and panics with the difference.
    #[track_caller]
    pub(crate) fn assert_is_what(&self, arrived: &Arrived) {
        let Arrived { octets, read } = arrived;
        let octets = String::from_utf8_lossy(octets);
        assert_eq!(read["defects"], json!([]), "{octets}");
        assert_eq!(read["subject"], self.subject);
        assert_eq!(read["from"], json!([[SENDER_NAME, SENDER]]));
        let text = read["text"].as_str().expect("a text part");
        // Whether the last line of a part is ended is not part of the meaning.
        assert_eq!(text.trim_end_matches('\n'), self.body.trim_end_matches('\n'));

        let attachments = read["attachments"].as_array().expect("a list");
        let names: Vec<_> = attachments.iter().map(|part| &part["name"]).collect();
        let meant: Vec<_> = self.attachments.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, meant);
        for (part, (name, content)) in attachments.iter().zip(&self.attachments) {
            let arrived =
                STANDARD.decode(part["content"].as_str().expect("base64")).expect("base64");
            assert!(arrived == *content, "the octets of {name} are others:\n{octets}");
        }

        for field in ["date", "message-id", "from", "subject", "mime-version"] {
            assert_eq!(arrived.count(field), 1, "{field} in\n{octets}");
        }
        let told = octets.to_ascii_lowercase().contains("bcc:");
        assert!(!told, "a Bcc field left this machine:\n{octets}");
        arrived.assert_does_not_say(ARCHIVE);
    }
}

/// A finished message and the identifier in it.
pub(crate) struct Ready {
    pub(crate) id: String,
    text: String,
}

impl Ready {
    /// The arguments by which the program sends it to these recipients.
    pub(crate) fn arguments(&self, client: &Client, recipients: &[&str]) -> Vec<OsString> {
        let path = client.home().join("ready.eml");
        fs::write(&path, &self.text).expect("writing the ready message");
        let mut arguments = vec!["--message".into(), path.into()];
        arguments.extend(recipients.iter().map(OsString::from));
        arguments
    }

    /// The stored message must end in these octets: servers write their own
    /// fields above, and below them only Bcc is missing.
    #[track_caller]
    pub(crate) fn assert_untouched_in(&self, arrived: &Arrived) {
        let bcc = format!("Bcc: {ARCHIVE}\n");
        let meant = self.text.replace(&bcc, "");
        assert_ne!(meant, self.text);
        let stored = String::from_utf8_lossy(&arrived.octets);
        assert!(stored.ends_with(&meant), "meant:\n{meant}\nstored:\n{stored}");
    }
}

/// A message as a server stored it.
pub(crate) struct Arrived {
    /// With the line ends of Unix, whatever the server's are.
    octets: Vec<u8>,
    read: Value,
}

impl Arrived {
    /// Waits until a message for this recipient is there.
    pub(crate) fn at(server: &dyn Server, recipient: &str) -> Self {
        let stored =
            wait_until(|| format!("a message for {recipient}"), || server.stored(recipient));
        let octets = unix_line_ends(&stored);
        let read = read_with_python(&octets);
        Self { octets, read }
    }

    pub(crate) fn id(&self) -> &str {
        self.read["message-id"].as_str().expect("a Message-ID")
    }

    /// The addresses in this field, in order.
    pub(crate) fn addresses(&self, field: &str) -> Vec<&str> {
        let list = self.read[field].as_array().expect("a list of addresses");
        list.iter().map(|pair| pair[1].as_str().expect("an address")).collect()
    }

    /// With the line ends of Unix.
    pub(crate) fn octets(&self) -> &[u8] {
        &self.octets
    }

    pub(crate) fn says(&self, text: &str) -> bool {
        String::from_utf8_lossy(&self.octets).contains(text)
    }

    #[track_caller]
    pub(crate) fn assert_does_not_say(&self, text: &str) {
        let octets = String::from_utf8_lossy(&self.octets);
        assert!(!self.says(text), "{text} is in\n{octets}");
    }

    /// What was read: see `letter.py`.
    pub(crate) fn read(&self) -> &Value {
        &self.read
    }

    /// The octets of its first attachment, and the name of that.
    pub(crate) fn attachment(&self) -> (&str, Vec<u8>) {
        let part = &self.read["attachments"][0];
        let content = part["content"].as_str().expect("an attachment");
        let name = part["name"].as_str().expect("a name");
        (name, STANDARD.decode(content).expect("base64"))
    }

    /// How many fields of this name, in small letters, it has.
    pub(crate) fn count(&self, field: &str) -> usize {
        let fields = self.read["fields"].as_array().expect("a list of names");
        fields.iter().filter(|name| *name == field).count()
    }
}

fn read_with_python(octets: &[u8]) -> Value {
    let mut child = Command::new(python())
        .arg(file("letter.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starting Python");
    // The script reads all of its input before it writes.
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(octets).expect("handing the message to Python");
    drop(input);
    let output = child.wait_with_output().expect("waiting for Python");
    let stored = String::from_utf8_lossy(octets);
    assert!(output.status.success(), "letter.py failed on\n{stored}");
    serde_json::from_slice(&output.stdout).expect("letter.py writes JSON")
}

fn unix_line_ends(octets: &[u8]) -> Vec<u8> {
    let mut lines =
        octets.split(|&octet| octet == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let first = lines.next().unwrap_or_default().to_vec();
    lines.fold(first, |mut text, line| {
        text.push(b'\n');
        text.extend_from_slice(line);
        text
    })
}

/// RFC 8187 §3.2, with everything encoded that is not a letter or a digit.
fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, octet| {
        match octet {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => encoded.push(char::from(octet)),
            _ => write!(encoded, "%{octet:02X}").expect("a String takes it"),
        }
        encoded
    })
}

fn fresh() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
