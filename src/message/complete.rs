//! Ready messages: what a submission must add, and what it must take away
//! (RFC 5321 §6.4, RFC 5322 §3.6). Everything else stays octet for octet and
//! in its order.

use super::canonical::Tally;
use super::head::{Head, Separator};
use super::header::Header;
use super::octets::{Piece, Text};
use super::{Address, Error, Message, Source, addresses, stamp};
use crate::smtp::{Mailbox, PathError};
use jiff::Zoned;
use memchr::{memchr, memchr_iter};
use std::fmt;

/// What a message gets if it lacks it.
#[derive(Clone, Debug)]
pub struct Additions {
    /// The value of Date.
    pub date: Zoned,
    /// The value of Message-ID with its angle brackets; `None` draws a new one
    /// at the domain of From.
    pub message_id: Option<String>,
    /// The value of From.
    pub from: Vec<Address>,
}

/// A ready message, fit for submission.
#[derive(Debug)]
pub struct Ready {
    /// The recipe for its octets.
    pub message: Message,
    /// What was done to it, in the order of doing.
    pub changes: Vec<Change>,
    from: Vec<Vec<u8>>,
    recipients: Vec<Vec<u8>>,
}

/// One thing that was done to a ready message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// A field was added.
    Added(&'static str),
    /// A field was removed.
    Removed(&'static str),
    /// The line before the header by which mbox files part messages was
    /// removed.
    RemovedMboxLine,
    /// An empty line was put between header and body.
    Parted,
    /// This many line ends were LF.
    LineEnds(u64),
    /// This many CR stood elsewhere than before LF.
    StrayCr(u64),
    /// The last line had no end.
    Ended,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Added(name) => write!(f, "added {name}"),
            Change::Removed(name) => write!(f, "removed {name}"),
            Change::RemovedMboxLine => f.write_str("removed the mbox line before the header"),
            Change::Parted => f.write_str("put an empty line between header and body"),
            Change::LineEnds(1) => f.write_str("turned 1 line end from LF into CRLF"),
            Change::LineEnds(count) => write!(f, "turned {count} line ends from LF into CRLF"),
            Change::StrayCr(1) => f.write_str("turned 1 CR into a space"),
            Change::StrayCr(count) => write!(f, "turned {count} CR into spaces"),
            Change::Ended => f.write_str("ended the last line"),
        }
    }
}

impl Ready {
    /// The mailboxes of From.
    pub fn from(&self) -> Result<Vec<Mailbox>, Error> {
        mailboxes(&self.from)
    }

    /// The mailboxes of To, Cc and Bcc, in the order of the message; of Bcc
    /// before it was removed.
    pub fn recipients(&self) -> Result<Vec<Mailbox>, Error> {
        mailboxes(&self.recipients)
    }
}

/// Makes a ready message fit for submission. Only its header is held in
/// memory.
pub fn complete(source: Source, additions: &Additions) -> Result<Ready, Error> {
    let head = Head::read(&source)?;
    let mut changes = Vec::new();
    if head.mbox_line {
        changes.push(Change::RemovedMboxLine);
    }
    let mut fields = Fields::sort(&head.octets, &mut changes);
    fields.add(additions, &mut changes)?;
    match head.separator {
        Separator::Present => fields.header.extend_from_slice(b"\r\n"),
        Separator::Missing => {
            fields.header.extend_from_slice(b"\r\n");
            changes.push(Change::Parted);
        }
        Separator::End => {}
    }
    let body = Text::measure(source, head.body)?;
    line_changes(&[&head.tally, body.tally()], &mut changes);
    let message_id = fields.message_id.filter(|id| !id.is_empty());
    let message = Message::new(fields.header, vec![Piece::Canonical(body)], message_id);
    Ok(Ready { message, changes, from: fields.from, recipients: fields.recipients })
}

/// Removed on submission: Bcc, for no copy shows it (RFC 5322 §3.6.3 in its
/// first treatment); Return-Path, for the last server writes it (RFC 5321
/// §4.4); Content-Length, which the changes here make wrong.
const REMOVED: [&str; 4] = ["Bcc", "Resent-Bcc", "Return-Path", "Content-Length"];

/// The fields of a header, parted by what is done with them.
#[derive(Default)]
struct Fields {
    /// Those that stay, as they are.
    header: Vec<u8>,
    has_date: bool,
    message_id: Option<String>,
    /// The bodies of From, and of To, Cc and Bcc.
    from: Vec<Vec<u8>>,
    recipients: Vec<Vec<u8>>,
}

impl Fields {
    fn sort(octets: &[u8], changes: &mut Vec<Change>) -> Self {
        let mut fields = Fields::default();
        for field in split(octets) {
            let colon = memchr(b':', field).unwrap_or(field.len());
            let name = field[..colon].trim_ascii_end();
            let body = field.get(colon + 1..).unwrap_or_default();
            let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
            if is("From") {
                fields.from.push(body.to_vec());
            } else if is("To") || is("Cc") || is("Bcc") {
                fields.recipients.push(body.to_vec());
            } else if is("Date") {
                fields.has_date = true;
            } else if is("Message-ID") {
                fields.message_id = Some(String::from_utf8_lossy(body.trim_ascii()).into_owned());
            }
            match REMOVED.into_iter().find(|removed| is(removed)) {
                Some(removed) => changes.push(Change::Removed(removed)),
                None => fields.header.extend_from_slice(field),
            }
        }
        fields
    }

    /// Adds what is missing, at the end: trace and Resent fields stay on top
    /// (RFC 5322 §3.6).
    fn add(&mut self, additions: &Additions, changes: &mut Vec<Change>) -> Result<(), Error> {
        let mut added = Header::default();
        if !self.has_date {
            added.structured("Date", &stamp::date(&additions.date)?)?;
            changes.push(Change::Added("Date"));
        }
        if self.from.is_empty() {
            if additions.from.is_empty() {
                return Err(Error::NoFrom);
            }
            added.addresses("From", &additions.from);
            changes.push(Change::Added("From"));
        }
        if self.message_id.is_none() {
            let id = match &additions.message_id {
                Some(id) => id.clone(),
                None => stamp::message_id(&self.domain(additions)?)?,
            };
            added.structured("Message-ID", &id)?;
            self.message_id = Some(id);
            changes.push(Change::Added("Message-ID"));
        }
        let added = added.into_octets();
        if self.from.is_empty() {
            self.from.extend(
                split(&added).filter_map(|field| field.strip_prefix(b"From:")).map(<[u8]>::to_vec),
            );
        }
        self.header.extend(added);
        Ok(())
    }

    /// The sender's domain, of the message's own From before the caller's.
    fn domain(&self, additions: &Additions) -> Result<String, Error> {
        let own = mailboxes(&self.from);
        let theirs = additions.from.iter().flat_map(Address::mailboxes).next();
        match (own.as_ref().ok().and_then(|own| own.first()), theirs) {
            (Some(mailbox), _) | (None, Some(mailbox)) => Ok(mailbox.domain().to_string()),
            (None, None) => Err(own.err().unwrap_or(Error::NoFrom)),
        }
    }
}

/// The fields of a canonical header, whole, with their folds and line ends.
fn split(header: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = header;
    std::iter::from_fn(move || {
        let end = memchr_iter(b'\n', rest)
            .map(|lf| lf + 1)
            .find(|&next| !rest.get(next).is_some_and(|&octet| matches!(octet, b' ' | b'\t')))?;
        let (field, later) = rest.split_at(end);
        rest = later;
        Some(field)
    })
}

/// All mailboxes in these field bodies.
fn mailboxes(bodies: &[Vec<u8>]) -> Result<Vec<Mailbox>, Error> {
    let mut all = Vec::new();
    for body in bodies {
        let text = String::from_utf8_lossy(body.trim_ascii());
        for mailbox in addresses(&text)?.iter().flat_map(Address::mailboxes) {
            // An octet that is not UTF-8 would become another address.
            if mailbox.local_part().contains(char::REPLACEMENT_CHARACTER) {
                let reason = PathError::LocalCharacter(char::REPLACEMENT_CHARACTER).into();
                return Err(Error::Address { text: mailbox.to_string(), reason });
            }
            all.push(mailbox.clone());
        }
    }
    Ok(all)
}

/// What was done to line ends, in header and body together.
fn line_changes(tallies: &[&Tally], changes: &mut Vec<Change>) {
    let sum = |count: fn(&Tally) -> u64| tallies.iter().map(|tally| count(tally)).sum();
    for (count, change) in [
        (sum(|tally| tally.bare_lf), Change::LineEnds as fn(u64) -> Change),
        (sum(|tally| tally.stray_cr), Change::StrayCr),
    ] {
        if count > 0 {
            changes.push(change(count));
        }
    }
    if tallies.iter().any(|tally| tally.unended) {
        changes.push(Change::Ended);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    fn additions() -> Additions {
        Additions {
            date: "2026-11-23T04:03:37+01:00[+01:00]".parse().unwrap(),
            message_id: Some("<id@x.example>".into()),
            from: addresses("A <a@x.example>").unwrap(),
        }
    }

    fn completed(octets: impl AsRef<[u8]>) -> Result<(String, Vec<String>), Error> {
        let ready = complete(Source::held(octets.as_ref(), "m"), &additions())?;
        let written = written(&ready.message);
        assert_eq!(ready.message.facts().size, written.len() as u64);
        let changes = ready.changes.iter().map(ToString::to_string).collect();
        Ok((String::from_utf8(written).unwrap(), changes))
    }

    fn written(message: &Message) -> Vec<u8> {
        let mut octets = Vec::new();
        message.open().unwrap().read_to_end(&mut octets).unwrap();
        octets
    }

    const DATE: &str = "Date: Mon, 23 Nov 2026 04:03:37 +0100\r\n";
    const FROM: &str = "From: \"A\" <a@x.example>\r\n";
    const ID: &str = "Message-ID: <id@x.example>\r\n";

    /// A header that lacks nothing.
    const WHOLE: &str = "From: b@y.example\r\nDate: x\r\nMessage-ID: <1@y.example>\r\n";

    #[test]
    fn a_message_that_lacks_nothing_stays_octet_for_octet() {
        // 5322-2.2, 5322-3.6.7, 2049
        for body in ["", "\r\n", "\r\nhello\r\n", "\r\n.\r\n\r\n", "X : y\r\n\tz\r\n \r\n\r\né\r\n"]
        {
            let message = format!("Received: from x\r\n\tby y\r\n{WHOLE}{body}");
            assert_eq!(completed(&message).unwrap(), (message, vec![]));
        }
    }

    #[test]
    fn what_is_missing_is_added_behind_the_header() {
        // 5321-6.4, 5322-empty, CLI-4, CLI-5
        for (message, header, body, parted) in [
            ("", "", "", false),
            ("\r\n", "", "\r\n", false),
            ("Subject: s\r\n", "Subject: s\r\n", "", false),
            ("Subject: s\r\n\r\nb\r\n", "Subject: s\r\n", "\r\nb\r\n", false),
            ("Subject: s\r\nno field\r\n", "Subject: s\r\n", "\r\nno field\r\n", true),
            ("hello\r\n", "", "\r\nhello\r\n", true),
            (" hello: you\r\n", "", "\r\n hello: you\r\n", true),
            ("hello you: x\r\n", "", "\r\nhello you: x\r\n", true),
        ] {
            let (written, changes) = completed(message).unwrap();
            assert_eq!(written, format!("{header}{DATE}{FROM}{ID}{body}"), "{message:?}");
            let mut expected = vec!["added Date", "added From", "added Message-ID"];
            expected.extend(parted.then_some("put an empty line between header and body"));
            assert_eq!(changes, expected, "{message:?}");
        }
    }

    #[test]
    fn bcc_and_its_like_are_removed_with_their_folds() {
        // 5322-3.6.3, DROP
        let (written, changes) = completed(format!(
            "From x@y.example Mon Nov 23 04:03:37 2026\r\nReturn-Path: <z@y.example>\r\n\
             BCC : secret1@y.example,\r\n\tsecret2@y.example\r\nTo: t@y.example\r\n{WHOLE}\
             Resent-Bcc:\r\n secret3@y.example\r\nContent-Length: 3\r\n\r\nBcc: no field\r\n"
        ))
        .unwrap();
        assert_eq!(written, format!("To: t@y.example\r\n{WHOLE}\r\nBcc: no field\r\n"));
        assert_eq!(
            changes,
            [
                "removed the mbox line before the header",
                "removed Return-Path",
                "removed Bcc",
                "removed Resent-Bcc",
                "removed Content-Length"
            ]
        );
    }

    #[test]
    fn recipients_are_those_of_to_cc_and_bcc() {
        // CLI-3, 5322-3.6a, 5322-3.4
        let message = "To: A <a@x.example>,\r\n  b@x.example\r\nCc: undisclosed-recipients:;\r\n\
                       Bcc: c@x.example\r\nTo: Friends: d@x.example;\r\nFrom: e@x.example\r\n\r\n";
        let ready = complete(Source::held(message, "m"), &additions()).unwrap();
        let shown = |list: Vec<Mailbox>| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            shown(ready.recipients().unwrap()),
            ["a@x.example", "b@x.example", "c@x.example", "d@x.example"]
        );
        assert_eq!(shown(ready.from().unwrap()), ["e@x.example"]);
        let ready = complete(Source::held("To: root\r\n\r\n", "m"), &additions()).unwrap();
        assert_eq!(
            ready.recipients().unwrap_err().to_string(),
            "‘root’ is not a mail address: it has no @ and no domain"
        );
        assert_eq!(shown(ready.from().unwrap()), ["a@x.example"]);
    }

    #[test]
    fn an_address_that_is_not_utf_8_is_refused_rather_than_changed() {
        let ready = complete(Source::held(*b"To: j\xf6rg@x.example\r\n\r\n", "m"), &additions());
        assert!(matches!(ready.unwrap().recipients(), Err(Error::Address { .. })));
    }

    #[test]
    fn line_ends_become_crlf_and_stray_crs_become_spaces() {
        // 5321-2.3.8c, 5321-4.1.1.4a, CLI-5
        let lf = WHOLE.replace('\r', "");
        for (body, expected, change) in [
            ("\nb\n", "\r\nb\r\n", vec!["turned 5 line ends from LF into CRLF"]),
            (
                "\nb",
                "\r\nb\r\n",
                vec!["turned 4 line ends from LF into CRLF", "ended the last line"],
            ),
            (
                "X: a\rb\n\r\na\rb\r\r\n",
                "X: a b\r\n\r\na b \r\n",
                vec!["turned 4 line ends from LF into CRLF", "turned 3 CR into spaces"],
            ),
        ] {
            let (written, changes) = completed(format!("{lf}{body}")).unwrap();
            assert_eq!(written, format!("{WHOLE}{expected}"));
            assert_eq!(changes, change);
        }
    }

    #[test]
    fn nul_and_overlong_lines_are_refused_with_their_line() {
        // 5321-4.1.1.4n, 5321-4.5.3.1.6
        let (fits, long) = ("a".repeat(998), "a".repeat(999));
        assert!(completed(format!("{WHOLE}\r\n{fits}\r\n{fits}")).is_ok());
        for (message, expected) in [
            (format!("{WHOLE}\r\nb\r\n{long}\r\n"), "more than 998 octets in line 6"),
            (format!("{WHOLE}\nb\n{long}"), "more than 998 octets in line 6"),
            (format!("A: {long}\r\n\r\n"), "more than 998 octets in line 1"),
            (long.repeat(2000), "more than 998 octets in line 1"),
            (format!("{WHOLE}\r\na\0b"), "a NUL octet in line 5"),
            ("A: \0\r\n\r\n".into(), "a NUL octet in line 1"),
        ] {
            let error = completed(message).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let large = completed("A: b\r\n".repeat(200_000)).unwrap_err();
        assert!(matches!(large, Error::HeaderTooLarge(_)));
    }

    #[test]
    fn a_message_without_from_needs_one() {
        let additions = Additions { from: Vec::new(), ..additions() };
        assert!(matches!(complete(Source::held("a", "m"), &additions), Err(Error::NoFrom)));
    }

    #[test]
    fn a_new_message_id_is_at_the_domain_of_from() {
        let additions = Additions { message_id: None, ..additions() };
        for (message, domain) in [
            ("", "x.example"),
            ("From: b@y.example\n\n", "y.example"),
            ("From: root\n\n", "x.example"),
        ] {
            let ready = complete(Source::held(message, "m"), &additions).unwrap();
            let id = ready.message.facts().message_id.clone().unwrap();
            assert!(id.ends_with(&format!("@{domain}>")), "{id}");
        }
    }

    #[test]
    fn the_facts_tell_eight_bit_bodies_from_utf_8_headers() {
        // 6152, 6531-a
        for (message, eight_bit, utf8_header) in [
            ("From: b@y.example\r\n\r\nascii\r\n", false, false),
            ("From: b@y.example\r\n\r\nné\r\n", true, false),
            ("From: é@y.example\r\n\r\nascii\r\n", false, true),
        ] {
            let ready = complete(Source::held(message, "m"), &additions()).unwrap();
            let facts = ready.message.facts();
            assert_eq!((facts.eight_bit, facts.utf8_header), (eight_bit, utf8_header));
        }
    }

    /// All strings up to this length over these characters.
    fn strings(alphabet: &str, longest: usize) -> Vec<String> {
        let mut all = vec![String::new()];
        let mut from = 0;
        for _ in 0..longest {
            let to = all.len();
            for at in from..to {
                all.extend(alphabet.chars().map(|c| format!("{}{c}", all[at])).collect::<Vec<_>>());
            }
            from = to;
        }
        all
    }

    #[test]
    fn no_short_string_makes_a_bare_cr_or_lf() {
        // 5321-2.3.8c
        for text in strings("\r\n.a", 6) {
            for message in [text.clone(), format!("{WHOLE}\r\n{text}"), format!("X: {text}")] {
                let (written, _) = completed(&message).unwrap();
                assert!(!written.replace("\r\n", "").contains(['\r', '\n']), "{message:?}");
                assert!(written.ends_with("\r\n"), "{message:?}");
                assert_eq!(completed(&written).unwrap(), (written, vec![]), "{message:?}");
            }
        }
        for text in strings("\r\n\0a", 4) {
            let refused = completed(format!("{WHOLE}\r\n{text}")).is_err();
            assert_eq!(refused, text.contains('\0'), "{text:?}");
        }
    }

    #[test]
    fn small_buffers_and_large_ones_give_the_same_octets_twice() {
        for end in ["\n", "\r\n", "\r\r\n"] {
            let body = format!("a line{end}.{end}").repeat(30_000);
            let source = Source::held(format!("{WHOLE}\r\n{body}"), "m");
            let ready = complete(source, &additions()).unwrap();
            let whole = written(&ready.message);
            assert_eq!(ready.message.facts().size, whole.len() as u64);
            for size in [1, 7, 4095, 4096, 4097, 65_536, 1 << 20] {
                let mut octets = ready.message.open().unwrap();
                let (mut buffer, mut all) = (vec![0; size], Vec::new());
                loop {
                    let length = octets.read(&mut buffer).unwrap();
                    if length == 0 {
                        break;
                    }
                    all.extend_from_slice(&buffer[..length]);
                }
                assert!(all == whole, "{size} {end:?}");
            }
        }
    }

    #[test]
    fn a_file_that_changes_is_noticed() {
        let lines = "a line\r\n".repeat(50_000);
        for (change, at) in [("longer\r\n", lines.len()), ("A", 400_000), ("\n", 200_000)] {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(format!("{WHOLE}\r\n{lines}").as_bytes()).unwrap();
            let ready = complete(Source::open(file.path()).unwrap(), &additions()).unwrap();
            let mut octets = ready.message.open().unwrap();
            let mut first = [0; 4096];
            octets.read_exact(&mut first).unwrap();
            let writer = file.as_file();
            std::os::unix::fs::FileExt::write_all_at(writer, change.as_bytes(), at as u64).unwrap();
            let later = std::time::SystemTime::now() + std::time::Duration::from_secs(2);
            writer.set_modified(later).unwrap();
            let error = octets.read_to_end(&mut Vec::new()).unwrap_err();
            let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
            assert!(matches!(inner, Some(Error::Changed(path)) if path == file.path()));
            assert!(matches!(ready.message.open(), Err(Error::Changed(_))));
            writer.set_len(100).unwrap();
            assert!(octets.read(&mut first).is_err());
        }
    }
}
