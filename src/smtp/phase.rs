//! The named waits of a session and how long each may last (RFC 5321 §4.5.3.2).
//!
//! Nobody waits "30 seconds": a caller says which wait this is, and the name
//! travels into the error when it runs out.

use std::fmt;
use std::time::Duration;

/// What is being waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The addresses of a host name.
    Lookup,
    /// A TCP connection.
    Connect,
    /// A proxy that connects to the server.
    Proxy,
    /// The TLS handshake, whole.
    Handshake,
    /// The server's greeting, 220.
    Greeting,
    /// The reply to EHLO, HELO or LHLO.
    Hello,
    /// The reply to STARTTLS.
    StartTls,
    /// The reply to XCLIENT, which greets anew.
    Xclient,
    /// One step of AUTH.
    Auth,
    /// The reply to MAIL.
    Mail,
    /// The reply to one RCPT.
    Rcpt,
    /// The reply to DATA, 354.
    Data,
    /// One block of message content to be taken by the network.
    Content,
    /// The reply to a chunk that is not the last.
    Chunk,
    /// The reply to the final dot, or to the last chunk.
    EndOfData,
    /// The reply to RSET.
    Reset,
    /// The reply to QUIT.
    Quit,
}

impl Phase {
    /// Every phase, in the order in which a session goes through them.
    pub const ALL: [Phase; 17] = [
        Phase::Lookup,
        Phase::Connect,
        Phase::Proxy,
        Phase::Handshake,
        Phase::Greeting,
        Phase::Hello,
        Phase::StartTls,
        Phase::Xclient,
        Phase::Auth,
        Phase::Mail,
        Phase::Rcpt,
        Phase::Data,
        Phase::Content,
        Phase::Chunk,
        Phase::EndOfData,
        Phase::Reset,
        Phase::Quit,
    ];

    /// The word for this phase in JSON and in options.
    pub fn word(self) -> &'static str {
        match self {
            Phase::Lookup => "lookup",
            Phase::Connect => "connect",
            Phase::Proxy => "proxy",
            Phase::Handshake => "tls",
            Phase::Greeting => "banner",
            Phase::Hello => "helo",
            Phase::StartTls => "starttls",
            Phase::Xclient => "xclient",
            Phase::Auth => "auth",
            Phase::Mail => "mail",
            Phase::Rcpt => "rcpt",
            Phase::Data => "data",
            Phase::Content => "content",
            Phase::Chunk => "bdat",
            Phase::EndOfData => "dot",
            Phase::Reset => "rset",
            Phase::Quit => "quit",
        }
    }

    /// RFC 5321 §4.5.3.2.1 to .6 where it sets a figure; elsewhere ours.
    fn default_limit(self) -> Duration {
        Duration::from_secs(match self {
            Phase::Lookup => 20,
            Phase::Connect => 30,
            // A proxy looks the name up and connects before it answers.
            Phase::Proxy | Phase::Handshake => 60,
            Phase::Auth | Phase::Data => 2 * 60,
            Phase::Greeting
            | Phase::Hello
            | Phase::StartTls
            | Phase::Xclient
            | Phase::Mail
            | Phase::Rcpt
            | Phase::Chunk
            | Phase::Reset => 5 * 60,
            Phase::Content => 3 * 60,
            Phase::EndOfData => 10 * 60,
            Phase::Quit => 5,
        })
    }
}

impl fmt::Display for Phase {
    /// A noun phrase that fits after "waiting for".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Lookup => "the addresses of the server's name",
            Phase::Connect => "a connection",
            Phase::Proxy => "the proxy",
            Phase::Handshake => "the TLS handshake",
            Phase::Greeting => "the server's greeting",
            Phase::Hello => "the reply to our greeting",
            Phase::StartTls => "the reply to STARTTLS",
            Phase::Xclient => "the reply to XCLIENT",
            Phase::Auth => "the reply to AUTH",
            Phase::Mail => "the reply to MAIL",
            Phase::Rcpt => "the reply to RCPT",
            Phase::Data => "the reply to DATA",
            Phase::Content => "the server to take the message",
            Phase::Chunk => "the reply to a part of the message",
            Phase::EndOfData => "the reply to the end of the message",
            Phase::Reset => "the reply to RSET",
            Phase::Quit => "the reply to QUIT",
        })
    }
}

/// The limit of each wait: the defaults, each cut down to `cap` if one is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// `--timeout`: no wait lasts longer than this.
    pub cap: Option<Duration>,
}

impl Timeouts {
    /// How long this wait may last.
    pub fn of(&self, phase: Phase) -> Duration {
        let limit = phase.default_limit();
        self.cap.map_or(limit, |cap| cap.min(limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_six_waits_of_rfc_5321_last_as_long_as_it_says() {
        // 5321-4.5.3.2.1 … .6
        let timeouts = Timeouts::default();
        for (phase, minutes) in [
            (Phase::Greeting, 5),
            (Phase::Mail, 5),
            (Phase::Rcpt, 5),
            (Phase::Data, 2),
            (Phase::Content, 3),
            (Phase::EndOfData, 10),
        ] {
            assert_eq!(timeouts.of(phase), Duration::from_secs(minutes * 60), "{phase}");
        }
    }

    #[test]
    fn a_cap_shortens_each_wait_and_lengthens_none() {
        let timeouts = Timeouts { cap: Some(Duration::from_secs(60)) };
        assert_eq!(timeouts.of(Phase::EndOfData), Duration::from_secs(60));
        assert_eq!(timeouts.of(Phase::Quit), Duration::from_secs(5));
    }
}
