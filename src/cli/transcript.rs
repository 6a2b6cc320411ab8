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

use super::certificate;
use super::escape::Escaped;
use super::words::error_words;
use crate::net::{Host, Summary, TlsFacts};
use crate::session::{Event, Observer};
use crate::smtp::Reply;
use std::fmt::Display;
use std::io::{self, Write};

/// Writes what happens, as it happens.
#[derive(Default)]
pub(super) struct Transcript<'w> {
    outputs: Vec<Output<'w>>,
    is_secured: bool,
    problem: Option<io::Error>,
}

struct Output<'w> {
    writer: Box<dyn Write + 'w>,
    /// Shows TLS detail, times and the message's octets, too.
    is_detailed: bool,
}

/// Which outputs a line is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum For {
    All,
    Detailed,
    Brief,
}

impl<'w> Transcript<'w> {
    /// Writes here, too.
    pub(super) fn add(&mut self, writer: Box<dyn Write + 'w>, is_detailed: bool) {
        self.outputs.push(Output { writer, is_detailed });
    }

    /// True when it is written anywhere.
    pub(super) fn is_watched(&self) -> bool {
        !self.outputs.is_empty()
    }

    /// Why it is incomplete, if it is. It never changes what became of the
    /// message.
    pub(super) fn problem(&self) -> Option<&io::Error> {
        self.problem.as_ref()
    }

    fn line(&mut self, whom: For, hint: &str, text: impl Display) {
        for output in &mut self.outputs {
            let wanted = match whom {
                For::All => true,
                For::Detailed => output.is_detailed,
                For::Brief => !output.is_detailed,
            };
            if wanted && let Err(error) = writeln!(output.writer, "{hint} {text}") {
                self.problem.get_or_insert(error);
            }
        }
    }

    fn say(&mut self, text: impl Display) {
        self.line(For::All, "===", text);
    }

    fn sent(&mut self, text: impl Display) {
        self.sent_for(For::All, text);
    }

    fn sent_for(&mut self, whom: For, text: impl Display) {
        self.line(whom, if self.is_secured { " ~>" } else { " ->" }, text);
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
            self.line(
                For::All,
                hint,
                format_args!("{}{separator}{enhanced}{}{about}", reply.code, Escaped(text)),
            );
        }
    }

    fn secured(&mut self, facts: &TlsFacts) {
        self.is_secured = true;
        self.say(format_args!("{} started, cipher {}", facts.version, facts.cipher));
        let how = if facts.resumed { "resumed session" } else { "full handshake" };
        let group = facts.group.as_deref().unwrap_or("none");
        self.line(For::Detailed, "===", format_args!("{how}, key exchange {group}"));
        for (at, certificate) in facts.chain.iter().enumerate() {
            self.certificate(at, certificate);
        }
        match &facts.fault {
            None => self.say("server certificate verified"),
            Some(fault) => self.line(
                For::All,
                "***",
                format_args!("{}; going on all the same", Escaped(certificate::words(fault))),
            ),
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
            self.line(For::Detailed, "===", format_args!("peer[{at}] {what}=[{}]", Escaped(text)));
        }
    }

    fn octets(&mut self, octets: &[u8]) {
        for line in String::from_utf8_lossy(octets).split_terminator("\r\n") {
            self.sent_for(For::Detailed, Escaped(line));
        }
    }
}

impl Observer for Transcript<'_> {
    fn event(&mut self, event: Event<'_>) {
        if !self.is_watched() {
            return;
        }
        match event {
            Event::Connecting(endpoint, address) => {
                self.is_secured = false;
                let named = endpoint.to_string();
                let address = address.to_string();
                let found = if named == address { String::new() } else { format!(" ({address})") };
                self.say(format_args!("Trying {}{found}...", Escaped(named)));
            }
            Event::Connected(endpoint) => {
                self.say(format_args!("Connected to {}.", Escaped(endpoint.place.name())));
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
                self.say(format_args!("Still connected to {}.", Escaped(name)));
            }
            Event::Secured(facts) => self.secured(facts),
            Event::Sent(command) => self.sent(command),
            Event::Received { reply, recipient, hoped_for, after, .. } => {
                let seconds = after.as_secs_f64();
                self.line(For::Detailed, "===", format_args!("response in {seconds:.3}s"));
                let about = recipient.map_or_else(String::new, |path| format!("  [{path}]"));
                self.received(reply, hoped_for, &about);
            }
            Event::Octets(octets) => self.octets(octets),
            Event::ContentSent { octets } => {
                self.sent_for(For::Detailed, ".");
                self.line(For::Detailed, "===", format_args!("{octets} octets sent"));
                self.sent_for(For::Brief, format_args!("{octets} octets sent, then ."));
            }
            Event::Noted(text) => self.say(text),
            Event::Broke(error) => {
                self.line(For::All, "***", Escaped(error_words(error)));
            }
            Event::Closed => self.say("Connection closed."),
        }
    }

    fn wants_octets(&self) -> bool {
        self.outputs.iter().any(|output| output.is_detailed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Endpoint, Place, Security};
    use crate::sasl::Secret;
    use crate::smtp::{Command, Phase, Protocol};
    use std::time::Duration;

    fn drawn(events: Vec<Event<'_>>) -> String {
        let mut text = Vec::new();
        let mut transcript = Transcript::default();
        transcript.add(Box::new(&mut text), false);
        for event in events {
            transcript.event(event);
        }
        drop(transcript);
        String::from_utf8(text).unwrap()
    }

    fn received(reply: &Reply, hoped_for: bool) -> Event<'_> {
        let after = Duration::from_millis(13);
        Event::Received { reply, phase: Phase::Hello, recipient: None, hoped_for, after }
    }

    #[test]
    fn a_session_reads_as_swaks_users_expect() {
        let name = "h.example".parse().unwrap();
        let offer = Reply::new(250, "STARTTLS\n8BITMIME").unwrap();
        let refusal = Reply::new(550, "no \u{1b}[31muser").unwrap();
        let text = drawn(vec![
            Event::Sent(&Command::Ehlo(&name)),
            received(&offer, true),
            received(&refusal, false),
            Event::ContentSent { octets: 7 },
        ]);
        let expected = " -> EHLO h.example\n<-  250-STARTTLS\n<-  250 8BITMIME\n\
                        <** 550 no \\x1b[31muser\n -> 7 octets sent, then .\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn what_is_said_on_an_open_connection_is_drawn_as_it_is_protected() {
        let place = Place::Tcp { host: Host::Name("h.example".to_owned()), port: 465 };
        let security = Security::Implicit;
        let endpoint = Endpoint { place, protocol: Protocol::Smtp, security };
        let facts = TlsFacts {
            version: "TLS 1.3".into(),
            cipher: "x".into(),
            group: None,
            resumed: false,
            fault: None,
            certificate: None,
            chain: Vec::new(),
        };
        let text = drawn(vec![
            Event::GoingOn(&endpoint, Some(&facts)),
            Event::Sent(&Command::Quit),
            Event::GoingOn(&endpoint, None),
            Event::Sent(&Command::Quit),
        ]);
        let expected = "=== Still connected to h.example.\n ~> QUIT\n\
                        === Still connected to h.example.\n -> QUIT\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn no_secret_is_drawn() {
        let secret = Secret::new("\0tim\0tanstaaf");
        let text = drawn(vec![
            Event::Sent(&Command::Auth { mechanism: "PLAIN", initial: Some(&secret) }),
            Event::Sent(&Command::AuthResponse(&secret)),
        ]);
        assert_eq!(text, " -> AUTH PLAIN ***\n -> ***\n");
    }
}
