//! What a server says it can do: the reply to EHLO (RFC 5321 §4.1.1.1).

use super::hold::HoldLimits;
use super::reply::Reply;

/// The extensions that envoi knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Keyword {
    /// RFC 6152.
    EightBitMime,
    /// RFC 4954.
    Auth,
    /// RFC 3030 §3.
    BinaryMime,
    /// RFC 3030 §2.
    Chunking,
    /// RFC 3461.
    Dsn,
    /// RFC 2034.
    EnhancedStatusCodes,
    /// RFC 4865.
    FutureRelease,
    /// RFC 9422.
    Limits,
    /// RFC 2920.
    Pipelining,
    /// RFC 8689.
    RequireTls,
    /// RFC 1870.
    Size,
    /// RFC 6531.
    SmtpUtf8,
    /// RFC 3207.
    StartTls,
}

/// What the latest EHLO reply offered. Never carried over a change of the
/// channel: a new TLS layer means a new value (RFC 3207 §4.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    lines: Vec<(String, Vec<String>)>,
}

impl Keyword {
    /// The EHLO keyword.
    pub fn as_str(self) -> &'static str {
        match self {
            Keyword::EightBitMime => "8BITMIME",
            Keyword::Auth => "AUTH",
            Keyword::BinaryMime => "BINARYMIME",
            Keyword::Chunking => "CHUNKING",
            Keyword::Dsn => "DSN",
            Keyword::EnhancedStatusCodes => "ENHANCEDSTATUSCODES",
            Keyword::FutureRelease => "FUTURERELEASE",
            Keyword::Limits => "LIMITS",
            Keyword::Pipelining => "PIPELINING",
            Keyword::RequireTls => "REQUIRETLS",
            Keyword::Size => "SIZE",
            Keyword::SmtpUtf8 => "SMTPUTF8",
            Keyword::StartTls => "STARTTLS",
        }
    }
}

impl Capabilities {
    /// Reads the reply to EHLO: the first line is a greeting, each further one
    /// a keyword and its parameters; a malformed line is passed over.
    pub fn from_ehlo(reply: &Reply) -> Self {
        let lines = reply.text.iter().skip(1).filter_map(|line| capability(line)).collect();
        Capabilities { lines }
    }

    /// The same without these keywords, in capitals, as if they had not been
    /// offered.
    #[must_use]
    pub fn without(mut self, keywords: &[String]) -> Self {
        self.lines.retain(|(keyword, _)| !keywords.contains(keyword));
        self
    }

    /// The attributes that XCLIENT takes, in capitals; `None` where it is not
    /// offered.
    pub fn xclient(&self) -> Option<Vec<String>> {
        let names = self.parameters("XCLIENT").next()?;
        Some(names.iter().map(|name| name.to_ascii_uppercase()).collect())
    }

    /// True when the keyword was offered.
    pub fn has(&self, keyword: Keyword) -> bool {
        self.parameters(keyword.as_str()).next().is_some()
    }

    /// The most octets a message may have; `None` when the server states no
    /// limit, be it that SIZE is missing, bare, or 0 (RFC 1870 §4).
    pub fn size_limit(&self) -> Option<u64> {
        let limit = self.parameters(Keyword::Size.as_str()).flatten().next()?;
        limit.parse().ok().filter(|&octets| octets > 0)
    }

    /// How long messages are held at most; `None` where none are, or where the
    /// two limits cannot be read, without which nothing can be asked (RFC 4865
    /// §3).
    pub fn hold_limits(&self) -> Option<HoldLimits> {
        let words = self.parameters(Keyword::FutureRelease.as_str()).next()?;
        let [seconds, until] = &words[..] else { return None };
        HoldLimits::from_words(seconds, until)
    }

    /// The SASL mechanisms, upper case, each once, those of the older
    /// `AUTH=LOGIN` form included.
    pub fn mechanisms(&self) -> Vec<String> {
        let mut names = Vec::new();
        for name in self.parameters(Keyword::Auth.as_str()).flatten() {
            let name = name.to_ascii_uppercase();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// Every line as offered, for people and reports.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.lines.iter().map(|(keyword, parameters)| {
            let words: Vec<&str> =
                std::iter::once(keyword).chain(parameters).map(String::as_str).collect();
            words.join(" ")
        })
    }

    fn parameters<'a>(&'a self, keyword: &'a str) -> impl Iterator<Item = &'a Vec<String>> {
        self.lines.iter().filter(move |(name, _)| name == keyword).map(|(_, parameters)| parameters)
    }
}

/// Cuts one line into its keyword, upper case, and its parameters.
fn capability(line: &str) -> Option<(String, Vec<String>)> {
    // A server of the nineties says "AUTH=LOGIN PLAIN" for clients of its day.
    let legacy = line.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("AUTH="));
    let line = if legacy { line.replacen('=', " ", 1) } else { line.to_owned() };
    let mut words = line.split_ascii_whitespace();
    let keyword = words.next()?;
    let well_formed = keyword.starts_with(|c: char| c.is_ascii_alphanumeric())
        && keyword.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    well_formed.then(|| (keyword.to_ascii_uppercase(), words.map(str::to_owned).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(lines: &str) -> Capabilities {
        Capabilities::from_ehlo(&Reply::new(250, &format!("hello\n{lines}")).unwrap())
    }

    #[test]
    fn keywords_are_read_in_any_case_and_odd_lines_are_passed_over() {
        // 5321-4.1.1.1a
        let capabilities = offered("starttls\nx y z\n!bad\n\n8bitMIME\nSIZE 10");
        assert!(capabilities.has(Keyword::StartTls));
        assert!(capabilities.has(Keyword::EightBitMime));
        assert!(!capabilities.has(Keyword::Pipelining));
        let lines: Vec<_> = capabilities.lines().collect();
        assert_eq!(lines, ["STARTTLS", "X y z", "8BITMIME", "SIZE 10"]);
    }

    #[test]
    fn the_greeting_line_is_never_a_keyword() {
        let reply = Reply::new(250, "STARTTLS").unwrap();
        assert!(!Capabilities::from_ehlo(&reply).has(Keyword::StartTls));
    }

    #[test]
    fn mechanisms_come_from_every_auth_line_and_from_the_legacy_form() {
        // 5321-4.1.1.1b
        let capabilities = offered("AUTH PLAIN login\nAUTH=LOGIN CRAM-MD5\nAUTH");
        assert_eq!(capabilities.mechanisms(), ["PLAIN", "LOGIN", "CRAM-MD5"]);
    }

    #[test]
    fn how_long_messages_are_held_is_known_only_where_both_limits_are() {
        // 4865
        let limits = |line: &str| offered(line).hold_limits().map(|limits| limits.to_string());
        let both = "86400 2026-12-01T00:00:00Z";
        assert_eq!(limits(&format!("futurerelease {both}")).as_deref(), Some(both));
        for line in [
            "SIZE",
            "FUTURERELEASE",
            "FUTURERELEASE 86400",
            "FUTURERELEASE 0 2026-12-01T00:00:00Z",
            "FUTURERELEASE 86400 1795838617",
            "FUTURERELEASE 86400 2026-12-01T00:00:00Z 1",
        ] {
            assert_eq!(limits(line), None, "{line}");
        }
    }

    #[test]
    fn a_size_of_nothing_or_zero_is_no_limit() {
        // 1870
        assert_eq!(offered("SIZE").size_limit(), None);
        assert_eq!(offered("SIZE 0").size_limit(), None);
        assert_eq!(offered("SIZE x").size_limit(), None);
        assert_eq!(offered("SIZE 1000").size_limit(), Some(1000));
        assert_eq!(offered("PIPELINING").size_limit(), None);
    }
}
