//! Replies: bytes from the server ⇄ [`Reply`] (RFC 5321 §4.2, RFC 2034, RFC 3463).

use std::fmt;
use std::str::FromStr;

/// A reply code, 200 to 599.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReplyCode(u16);

/// What the first digit of a reply code says (RFC 5321 §4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// 2yz: done.
    Positive,
    /// 3yz: go on.
    Intermediate,
    /// 4yz: not now.
    Transient,
    /// 5yz: no.
    Permanent,
}

/// `class.subject.detail` (RFC 3463 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EnhancedCode {
    /// 2, 4 or 5.
    pub class: u8,
    /// 0 to 999.
    pub subject: u16,
    /// 0 to 999.
    pub detail: u16,
}

/// One whole reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The code, the same on every line.
    pub code: ReplyCode,
    /// Present only where the server offered ENHANCEDSTATUSCODES and wrote one
    /// that fits the code.
    pub enhanced: Option<EnhancedCode>,
    /// The text of each line, without code and enhanced status code. As the
    /// server sent it: escape it before a person or a log sees it.
    pub text: Vec<String>,
    /// Some line ended in LF alone, against RFC 5321 §2.3.8.
    pub bare_lf: bool,
}

/// Why bytes are not a reply. The `Display` form fits after "the server sent
/// something that is not SMTP: ".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// The line does not begin with a reply code.
    #[error("‘{0}’ does not begin with a reply code")]
    NoCode(String),
    /// A reply code outside 200–599.
    #[error("{0} is no reply code")]
    CodeOutOfRange(u16),
    /// The lines of one reply carry different codes.
    #[error("one reply carries the codes {first} and {second}")]
    CodesDiffer {
        /// The code of the first line.
        first: u16,
        /// The code of the line that differs.
        second: u16,
    },
    /// A line longer than we take.
    #[error("a reply line is longer than {0} octets")]
    LineTooLong(usize),
    /// A reply longer than we take.
    #[error("a reply has more than {MOST_LINES} lines or {MOST_OCTETS} octets")]
    TooLong,
    /// LF without CR where nothing lenient is allowed.
    #[error("a line ends in LF without CR")]
    BareLf,
}

/// What kind of exchange a reply belongs to: how long its lines may be, and
/// whether a bare LF is forgiven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exchange {
    /// Anything but the following.
    Ordinary,
    /// STARTTLS and AUTH: no bare LF; lines up to 12 KiB (RFC 4954 §4).
    Guarded,
}

/// Cuts a stream of bytes into replies. Feed it whatever the network gives, in
/// pieces of any size; the replies are the same.
#[derive(Debug, Default)]
pub struct ReplyParser {
    bytes: Vec<u8>,
    /// Where the first unread byte stands.
    start: usize,
    /// Up to here, `bytes` is known to hold no line end.
    scanned: usize,
    lines: Vec<String>,
    octets: usize,
    code: Option<u16>,
    bare_lf: bool,
}

const MOST_LINES: usize = 512;
const MOST_OCTETS: usize = 64 * 1024;
const LONGEST_LINE: usize = 4 * 1024;
const LONGEST_GUARDED_LINE: usize = 12 * 1024 + 512;
const LONGEST_QUOTE: usize = 80;

impl ReplyCode {
    /// 334, the server's part of a sign-in (RFC 4954 §4).
    pub const CHALLENGE: ReplyCode = ReplyCode(334);
    /// 354, go on with the message.
    pub const START_INPUT: ReplyCode = ReplyCode(354);
    /// 421, the server closes the connection (RFC 5321 §3.8).
    pub const CLOSING: ReplyCode = ReplyCode(421);

    /// The three digits.
    pub fn value(self) -> u16 {
        self.0
    }

    /// What the first digit says.
    pub fn severity(self) -> Severity {
        match self.0 / 100 {
            2 => Severity::Positive,
            3 => Severity::Intermediate,
            4 => Severity::Transient,
            _ => Severity::Permanent,
        }
    }
}

impl TryFrom<u16> for ReplyCode {
    type Error = ReplyError;

    fn try_from(code: u16) -> Result<Self, ReplyError> {
        if (200..600).contains(&code) {
            Ok(ReplyCode(code))
        } else {
            Err(ReplyError::CodeOutOfRange(code))
        }
    }
}

impl fmt::Display for ReplyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

impl EnhancedCode {
    /// 4.0.0: not now, and nothing more is known (RFC 3461 §6.3).
    pub const TRANSIENT: EnhancedCode = EnhancedCode { class: 4, subject: 0, detail: 0 };
    /// 5.0.0: no, and nothing more is known.
    pub const PERMANENT: EnhancedCode = EnhancedCode { class: 5, subject: 0, detail: 0 };
}

impl FromStr for EnhancedCode {
    type Err = ();

    /// Takes `5.1.1`: class 2, 4 or 5, numbers of one to three digits without
    /// leading zeros (RFC 3464 §2.3.4).
    fn from_str(text: &str) -> Result<Self, ()> {
        let mut numbers = text.split('.').map(enhanced_number);
        match (numbers.next(), numbers.next(), numbers.next(), numbers.next()) {
            (Some(Some(class @ (2 | 4 | 5))), Some(Some(subject)), Some(Some(detail)), None) => {
                Ok(EnhancedCode { class: class.try_into().map_err(drop)?, subject, detail })
            }
            _ => Err(()),
        }
    }
}

fn enhanced_number(digits: &str) -> Option<u16> {
    let plain = (1..=3).contains(&digits.len())
        && digits.bytes().all(|b| b.is_ascii_digit())
        && (digits.len() == 1 || !digits.starts_with('0'));
    if plain { digits.parse().ok() } else { None }
}

impl Reply {
    /// A reply of our own making, for tests and for the embedded receiver.
    pub fn new(code: u16, text: &str) -> Result<Self, ReplyError> {
        Ok(Reply {
            code: code.try_into()?,
            enhanced: None,
            text: text.lines().map(str::to_owned).collect(),
            bare_lf: false,
        })
    }

    /// What the first digit says.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }

    /// Moves the enhanced status code from the text into its field. Call it
    /// only where the server offered ENHANCEDSTATUSCODES, never on a greeting
    /// or the reply to EHLO (RFC 2034 §4). A code of another class than the
    /// reply's is left in the text.
    #[must_use]
    pub fn with_enhanced(mut self) -> Self {
        let Some(code) = self.text.first().and_then(|line| leading_enhanced(line)) else {
            return self;
        };
        if u16::from(code.class) != self.code.0 / 100 {
            return self;
        }
        self.enhanced = Some(code);
        for line in &mut self.text {
            if leading_enhanced(line) == Some(code) {
                let end = line.find([' ', '\t']).map_or(line.len(), |at| at + 1);
                line.drain(..end);
            }
        }
        self
    }

    /// The status of a recipient that was refused by it, for a report (RFC 3464
    /// §2.3.4).
    pub fn status(&self) -> EnhancedCode {
        self.enhanced.unwrap_or(match self.severity() {
            Severity::Permanent => EnhancedCode::PERMANENT,
            Severity::Positive | Severity::Intermediate | Severity::Transient => {
                EnhancedCode::TRANSIENT
            }
        })
    }

    /// The text on one line, its lines joined by blanks.
    pub fn joined_text(&self) -> String {
        self.text.iter().filter(|line| !line.is_empty()).cloned().collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Display for Reply {
    /// `550 5.1.1 No such user here`: one line, not escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(enhanced) = self.enhanced {
            write!(f, " {enhanced}")?;
        }
        let text = self.joined_text();
        if text.is_empty() { Ok(()) } else { write!(f, " {text}") }
    }
}

fn leading_enhanced(line: &str) -> Option<EnhancedCode> {
    line.split([' ', '\t']).next()?.parse().ok()
}

impl ReplyParser {
    /// Adds bytes as they came.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.start);
        self.scanned -= self.start;
        self.start = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// True when no byte is waiting and no reply is half read. After the reply
    /// to STARTTLS anything else is an attack (RFC 3207 §6).
    pub fn is_empty(&self) -> bool {
        self.start == self.bytes.len() && self.code.is_none()
    }

    /// The next whole reply, or `None` until more bytes are fed.
    pub fn next(&mut self, exchange: Exchange) -> Result<Option<Reply>, ReplyError> {
        while let Some(line) = self.next_line(exchange)? {
            if let Some(reply) = self.add(&line)? {
                return Ok(Some(reply));
            }
        }
        Ok(None)
    }

    fn next_line(&mut self, exchange: Exchange) -> Result<Option<Vec<u8>>, ReplyError> {
        let longest = match exchange {
            Exchange::Ordinary => LONGEST_LINE,
            Exchange::Guarded => LONGEST_GUARDED_LINE,
        };
        let Some(length) = memchr::memchr(b'\n', &self.bytes[self.scanned..]) else {
            self.scanned = self.bytes.len();
            let too_long = self.scanned - self.start > longest;
            return if too_long { Err(ReplyError::LineTooLong(longest)) } else { Ok(None) };
        };
        let end = self.scanned + length;
        if end - self.start > longest {
            return Err(ReplyError::LineTooLong(longest));
        }
        let mut line = self.bytes[self.start..end].to_vec();
        self.start = end + 1;
        self.scanned = self.start;
        if line.pop_if(|last| *last == b'\r').is_none() {
            if exchange == Exchange::Guarded {
                return Err(ReplyError::BareLf);
            }
            self.bare_lf = true;
        }
        Ok(Some(line))
    }

    fn add(&mut self, line: &[u8]) -> Result<Option<Reply>, ReplyError> {
        let (code, last, text) = split(line)?;
        if let Some(first) = self.code
            && first != code
        {
            return Err(ReplyError::CodesDiffer { first, second: code });
        }
        self.code = Some(code);
        self.octets += line.len();
        self.lines.push(String::from_utf8_lossy(text).into_owned());
        if self.lines.len() > MOST_LINES || self.octets > MOST_OCTETS {
            return Err(ReplyError::TooLong);
        }
        if !last {
            return Ok(None);
        }
        self.code = None;
        self.octets = 0;
        Ok(Some(Reply {
            code: code.try_into()?,
            enhanced: None,
            text: std::mem::take(&mut self.lines),
            bare_lf: std::mem::take(&mut self.bare_lf),
        }))
    }
}

/// Cuts `250-text` into code, whether it is the last line, and text. A missing
/// text and a missing blank before it are forgiven (RFC 5321 §4.2).
fn split(line: &[u8]) -> Result<(u16, bool, &[u8]), ReplyError> {
    let no_code = || {
        let quote = &line[..line.len().min(LONGEST_QUOTE)];
        ReplyError::NoCode(String::from_utf8_lossy(quote).into_owned())
    };
    let digits = line.get(..3).filter(|d| d.iter().all(u8::is_ascii_digit)).ok_or_else(no_code)?;
    let code = digits.iter().fold(0, |n, d| n * 10 + u16::from(d - b'0'));
    ReplyCode::try_from(code)?;
    match line.get(3) {
        None => Ok((code, true, b"")),
        Some(b' ') => Ok((code, true, &line[4..])),
        Some(b'-') => Ok((code, false, &line[4..])),
        Some(_) => Err(no_code()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(bytes: &[u8], exchange: Exchange) -> Result<Vec<Reply>, ReplyError> {
        let mut parser = ReplyParser::default();
        parser.feed(bytes);
        let mut replies = Vec::new();
        while let Some(reply) = parser.next(exchange)? {
            replies.push(reply);
        }
        Ok(replies)
    }

    fn shown(bytes: &str) -> String {
        match all(bytes.as_bytes(), Exchange::Ordinary) {
            Ok(replies) => replies.iter().map(|r| format!("{} {:?};", r.code, r.text)).collect(),
            Err(e) => e.to_string(),
        }
    }

    #[test]
    fn replies_are_read_with_and_without_text() {
        // 5321-4.2a, 5321-4.2b
        for (bytes, expected) in [
            ("250 ok\r\n", r#"250 ["ok"];"#),
            ("250\r\n", r#"250 [""];"#),
            ("250 \r\n", r#"250 [""];"#),
            ("250-a\r\n250-b\r\n250 c\r\n", r#"250 ["a", "b", "c"];"#),
            ("354-a\r\n354 b\r\n250 x\r\n", r#"354 ["a", "b"];250 ["x"];"#),
            ("299 odd\r\n", r#"299 ["odd"];"#),
            ("250 a\tb\r\n", r#"250 ["a\tb"];"#),
            ("250 lf only\n", r#"250 ["lf only"];"#),
            ("250-half\r\n", ""),
        ] {
            assert_eq!(shown(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn what_is_no_reply_is_named() {
        // 5321-4.2b, 5321-4.2d
        for (bytes, expected) in [
            ("abc\r\n", "‘abc’ does not begin with a reply code"),
            ("25\r\n", "‘25’ does not begin with a reply code"),
            ("250x\r\n", "‘250x’ does not begin with a reply code"),
            ("199 x\r\n", "199 is no reply code"),
            ("600 x\r\n", "600 is no reply code"),
            ("250-a\r\n550 b\r\n", "one reply carries the codes 250 and 550"),
        ] {
            assert_eq!(shown(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn a_reply_without_end_is_cut_off() {
        // 5321-4.2e
        let endless_line = vec![b'2'; 5000];
        assert_eq!(all(&endless_line, Exchange::Ordinary), Err(ReplyError::LineTooLong(4096)));
        let endless_reply = b"250-x\r\n".repeat(600);
        assert_eq!(all(&endless_reply, Exchange::Ordinary), Err(ReplyError::TooLong));
    }

    #[test]
    fn a_challenge_may_be_long_but_not_end_in_a_bare_lf() {
        // 4954-4d, 5321-4.2f
        let challenge = format!("334 {}\r\n", "A".repeat(12_288));
        assert!(all(challenge.as_bytes(), Exchange::Guarded).is_ok());
        assert_eq!(all(b"334 x\n", Exchange::Guarded), Err(ReplyError::BareLf));
        assert!(all(b"250 x\n", Exchange::Ordinary).unwrap()[0].bare_lf);
    }

    #[test]
    fn an_enhanced_status_code_is_taken_only_when_it_fits() {
        // 2034/3463/5248, 2034m
        for (code, text, enhanced, rest) in [
            (550, "5.1.1 no such user", Some("5.1.1"), "no such user"),
            (550, "5.1.1", Some("5.1.1"), ""),
            (550, "4.1.1 x", None, "4.1.1 x"),
            (550, "5.01.1 x", None, "5.01.1 x"),
            (550, "5.1 x", None, "5.1 x"),
            (550, "5.1.1.1 x", None, "5.1.1.1 x"),
            (250, "3.0.0 x", None, "3.0.0 x"),
            (250, "2.0.0\tx", Some("2.0.0"), "x"),
            (550, "5.1.1 a\n5.1.1 b", Some("5.1.1"), "a b"),
            (550, "5.1.1 a\nb", Some("5.1.1"), "a b"),
        ] {
            let reply = Reply::new(code, text).unwrap().with_enhanced();
            assert_eq!(reply.enhanced.map(|e| e.to_string()).as_deref(), enhanced, "{text}");
            assert_eq!(reply.joined_text(), rest, "{text}");
        }
    }

    #[test]
    fn a_refusal_without_enhanced_status_code_has_the_status_that_says_nothing_more() {
        // 3464-2.2
        for (code, text, status) in [
            (550, "5.1.1 no such user", "5.1.1"),
            (550, "no such user", "5.0.0"),
            (550, "4.1.1 no such user", "5.0.0"),
            (450, "later", "4.0.0"),
            (354, "what?", "4.0.0"),
        ] {
            let reply = Reply::new(code, text).unwrap().with_enhanced();
            assert_eq!(reply.status().to_string(), status, "{code} {text}");
        }
    }

    proptest! {
        #[test]
        fn any_split_of_the_bytes_gives_the_same_replies(
            cuts in proptest::collection::vec(1..12usize, 1..60),
        ) {
            let bytes = b"220-hello\r\n220 there\r\n250-SIZE 5\r\n250-AUTH PLAIN\r\n250 \r\n354\r\n550 5.1.1 no\n421 bye\r\n";
            let whole = all(bytes, Exchange::Ordinary).unwrap();
            let mut parser = ReplyParser::default();
            let mut replies = Vec::new();
            let (mut rest, mut cuts) = (&bytes[..], cuts.iter().cycle());
            while !rest.is_empty() {
                let (now, later) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
                parser.feed(now);
                while let Some(reply) = parser.next(Exchange::Ordinary).unwrap() {
                    replies.push(reply);
                }
                rest = later;
            }
            prop_assert_eq!(replies, whole);
            prop_assert!(parser.is_empty());
        }

        #[test]
        fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = all(&bytes, Exchange::Ordinary);
            let _ = all(&bytes, Exchange::Guarded);
        }
    }
}
