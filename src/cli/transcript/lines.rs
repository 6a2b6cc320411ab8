//! The transcript, in the grammar that swaks has taught its users: a hint of
//! three characters, a blank, the text.
//!
//! | hint | means |
//! |---|---|
//! | `===` | information |
//! | `***` | an error |
//! | ` ->` ` ~>` | sent, in clear or under TLS |
//! | `<- ` `<~ ` | received as hoped for |
//! | `<**` `<~*` | received, but not what was hoped for |
//! | `  >` `<  ` | a dump of octets that were sent, or received |
//!
//! swaks knows two more, `**>` and `*~>`, for what is sent unexpectedly, and has
//! no case in which it writes them.

use super::dump::Dump;
use super::{Form, Timings};
use crate::cli::certificate;
use crate::cli::escape::Escaped;
use crate::cli::words::error_words;
use crate::net::{ClientAuth, Host, Summary, TlsFacts};
use crate::session::{Event, Side};
use crate::smtp::{Command, Phase, Reply};
use std::fmt::{Display, Write as _};
use std::io::{self, Write};

/// Writes what happens in lines.
pub(super) struct Lines<W> {
    writer: W,
    detail: Detail,
    is_secured: bool,
    /// The lines of the event that is being written.
    text: String,
    /// The beginning of a line of the message whose end is in its next block.
    unfinished: Vec<u8>,
}

/// What is shown beside commands and replies.
#[derive(Clone, Copy, Default)]
pub(super) struct Detail {
    /// Details of TLS and of a sign-in, times, and the message's octets.
    pub(super) is_full: bool,
    /// The octets of the wire; those of the message only where that is full.
    pub(super) has_wire: bool,
    /// What is secret in a sign-in.
    pub(super) has_secrets: bool,
}

/// A line of a message that is longer is shown in pieces.
const LONGEST: usize = 64 * 1024;

impl<W: Write> Lines<W> {
    pub(super) fn new(writer: W, detail: Detail) -> Self {
        Lines { writer, detail, is_secured: false, text: String::new(), unfinished: Vec::new() }
    }

    /// Whoever gave the text, nothing of it is obeyed by a terminal.
    fn line(&mut self, hint: &str, text: impl Display) {
        let _ = writeln!(self.text, "{hint} {}", Escaped(text));
    }

    fn say(&mut self, text: impl Display) {
        self.line("===", text);
    }

    /// Says what only who wants everything wants to know.
    fn say_in_detail(&mut self, text: impl Display) {
        if self.detail.is_full {
            self.say(text);
        }
    }

    fn sent(&mut self, text: impl Display) {
        self.line(if self.is_secured { " ~>" } else { " ->" }, text);
    }

    fn command(&mut self, command: &Command<'_>) {
        if self.detail.has_secrets {
            self.sent(command.revealed());
        } else {
            self.sent(command);
        }
    }

    fn received(&mut self, reply: &Reply, hoped_for: bool, about: &str) {
        let hint = match (hoped_for, self.is_secured) {
            (true, false) => "<- ",
            (true, true) => "<~ ",
            (false, false) => "<**",
            (false, true) => "<~*",
        };
        let last = reply.text.len().saturating_sub(1);
        for (at, text) in reply.text.iter().enumerate() {
            let separator = if at == last { ' ' } else { '-' };
            let enhanced = reply.enhanced.map_or_else(String::new, |code| format!("{code} "));
            let about = if at == last { about } else { "" };
            self.line(hint, format_args!("{}{separator}{enhanced}{text}{about}", reply.code));
        }
    }

    fn secured(&mut self, facts: &TlsFacts) {
        self.is_secured = true;
        self.say(format_args!("{} started, cipher {}", facts.version, facts.cipher));
        if self.detail.is_full {
            let how = if facts.resumed { "resumed session" } else { "full handshake" };
            let group = facts.group.as_deref().unwrap_or("none");
            self.say(format_args!("{how}, key exchange {group}"));
            for (at, certificate) in facts.chain.iter().enumerate() {
                self.certificate(at, certificate);
            }
            self.say(match facts.client {
                ClientAuth::NotAsked => "client certificate not asked for",
                ClientAuth::NotSent => "client certificate asked for, none sent",
                ClientAuth::Sent => "client certificate asked for and sent",
            });
        }
        match &facts.fault {
            None => self.say("server certificate verified"),
            Some(fault) => {
                let fault = certificate::words(fault);
                self.line("***", format_args!("{fault}; going on all the same"));
            }
        }
    }

    fn certificate(&mut self, at: usize, certificate: &Summary) {
        let from = certificate::moment(certificate.not_before);
        let until = certificate::moment(certificate.not_after);
        let names = certificate.names.join(", ");
        for (what, text) in [
            ("subject", &certificate.subject),
            ("issuer", &certificate.issuer),
            ("names", &names),
            ("valid", &format!("{from} to {until}")),
            ("sha256", &certificate.sha256.hex()),
            ("spki-sha256", &certificate.spki_sha256.base64()),
        ] {
            self.say(format_args!("peer[{at}] {what}=[{text}]"));
        }
    }

    /// Lines of the message, as far as their ends are known.
    fn octets(&mut self, octets: &[u8]) {
        let mut octets = [&std::mem::take(&mut self.unfinished), octets].concat();
        let whole = memchr::memmem::rfind(&octets, b"\r\n").map_or(0, |at| at + 2);
        self.unfinished = octets.split_off(whole);
        for line in String::from_utf8_lossy(&octets).split_terminator("\r\n") {
            self.sent(line);
        }
        if self.unfinished.len() > LONGEST {
            self.end_line();
        }
    }

    /// Shows what is left of a line that has no end.
    fn end_line(&mut self) {
        let rest = std::mem::take(&mut self.unfinished);
        if !rest.is_empty() {
            self.sent(String::from_utf8_lossy(&rest));
        }
    }

    fn content_sent(&mut self, octets: u64) {
        if self.detail.is_full {
            self.sent(".");
            self.say(format_args!("{octets} octets sent"));
        } else {
            self.sent(format_args!("{octets} octets sent, then ."));
        }
    }

    /// A chunk, which has no end of its own to show.
    fn say_or_count(&mut self, octets: u64) {
        if self.detail.is_full {
            self.say(format_args!("{octets} octets sent"));
        } else {
            self.sent(format_args!("{octets} octets sent"));
        }
    }

    /// Octets of the wire; those of a sign-in only as a sign that there were
    /// some, since even their number tells something.
    fn wire(&mut self, side: Side, phase: Phase, octets: Option<&[u8]>) {
        if !self.detail.has_wire || (phase == Phase::Content && !self.detail.is_full) {
            return;
        }
        let hint = match side {
            Side::Client => "  >",
            Side::Server => "<  ",
        };
        let Some(octets) = octets else { return self.line(hint, "***") };
        for line in Dump(octets).lines() {
            self.line(hint, line);
        }
    }

    /// What happened, as lines.
    fn tell(&mut self, event: &Event<'_>) {
        match *event {
            Event::Connecting(endpoint, address) => {
                self.is_secured = false;
                let named = endpoint.to_string();
                let address = address.to_string();
                let found = if named == address { String::new() } else { format!(" ({address})") };
                self.say(format_args!("Trying {named}{found}..."));
            }
            Event::Connected(endpoint) => {
                self.say(format_args!("Connected to {}.", endpoint.place.name()));
            }
            Event::ConnectingThrough(proxy, endpoint, address) => {
                self.is_secured = false;
                let is_named = matches!(proxy.host, Host::Name(_));
                let found = if is_named { format!(" ({address})") } else { String::new() };
                self.say(format_args!("Trying {endpoint} through {proxy}{found}..."));
            }
            Event::GoingOn(endpoint, protection) => {
                self.is_secured = protection.is_some();
                let name = endpoint.place.name();
                self.say(format_args!("Still connected to {name}."));
            }
            Event::Secured(facts) => self.secured(facts),
            Event::Sent(command) => self.command(command),
            Event::SignIn(side, text) => {
                let side = match side {
                    Side::Client => "client",
                    Side::Server => "server",
                };
                self.say_in_detail(format_args!("auth {side}=[{text}]"));
            }
            Event::Received { reply, recipient, hoped_for, after, .. } => {
                self.say_in_detail(format_args!("response in {:.3}s", after.as_secs_f64()));
                let about = recipient.map_or_else(String::new, |path| format!("  [{path}]"));
                self.received(reply, hoped_for, &about);
            }
            Event::Octets(octets) if self.detail.is_full => self.octets(octets),
            Event::ContentSent { octets } => {
                self.end_line();
                self.content_sent(octets);
            }
            Event::ChunkSent { octets } => {
                self.end_line();
                self.say_or_count(octets);
            }
            Event::Wire { side, phase, octets } => self.wire(side, phase, octets),
            Event::Noted(text) => self.say(text),
            Event::Broke(error) => {
                self.end_line();
                self.line("***", error_words(error));
            }
            Event::Closed => self.say("Connection closed with remote host."),
            Event::Octets(_) | Event::Waited(..) | Event::Ended => {}
        }
    }

    /// Every line at once: others may write there, too.
    fn flush(&mut self) -> io::Result<()> {
        let text = std::mem::take(&mut self.text);
        if text.is_empty() { Ok(()) } else { self.writer.write_all(text.as_bytes()) }
    }
}

impl<W: Write> Form for Lines<W> {
    fn event(&mut self, event: &Event<'_>) -> io::Result<()> {
        self.tell(event);
        self.flush()
    }

    fn ended(&mut self, timings: &Timings) -> io::Result<()> {
        let timing = |(phase, spent): &(Phase, std::time::Duration)| {
            format!("{} {:.3}s", phase.word(), spent.as_secs_f64())
        };
        let timings: Vec<String> = timings.iter().map(timing).collect();
        if !timings.is_empty() {
            self.say_in_detail(format_args!("timings: {}", timings.join(", ")));
        }
        self.flush()
    }

    fn wants_octets(&self) -> bool {
        self.detail.is_full
    }

    fn wants_wire(&self) -> bool {
        self.detail.has_wire
    }
}

#[cfg(test)]
mod tests;
