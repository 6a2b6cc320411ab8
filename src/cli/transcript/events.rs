//! What happens as objects of JSON, one a line, for programs.

use super::{Form, Timings};
use crate::cli::certificate;
use crate::cli::escape;
use crate::cli::words::error_words;
use crate::net::{ClientAuth, Stopwatch, Summary, TlsFacts};
use crate::session::{Event, Side};
use crate::smtp::{ForwardPath, Phase};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

/// Writes an object for each event. The manual has a table of them, against
/// which a test holds every line.
pub(super) struct Events<W> {
    writer: W,
    since: Stopwatch,
    has_secrets: bool,
}

/// One line.
#[derive(Serialize)]
struct Line<'a> {
    event: &'static str,
    version: u8,
    /// Milliseconds since the first could have been written.
    at: f64,
    #[serde(flatten)]
    members: Members<'a>,
}

/// What the events have of their own.
#[derive(Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
enum Members<'a> {
    Connecting {
        server: String,
        address: String,
        proxy: Option<String>,
    },
    Connected {
        server: String,
        reused: bool,
    },
    Secured {
        tls: Tls<'a>,
    },
    Sent {
        phase: &'static str,
        text: String,
    },
    Auth {
        by: &'static str,
        text: &'a str,
    },
    Received {
        phase: &'static str,
        code: u16,
        enhanced: Option<String>,
        text: &'a [String],
        recipient: Option<String>,
        hoped_for: bool,
        ms: f64,
    },
    Content {
        octets: u64,
    },
    Noted {
        text: &'a str,
    },
    Broke {
        phase: &'static str,
        text: String,
    },
    Closed {},
    Ended {
        timings: BTreeMap<&'static str, f64>,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Tls<'a> {
    version: &'a str,
    cipher: &'a str,
    group: Option<&'a str>,
    resumed: bool,
    verified: bool,
    fault: Option<&'static str>,
    client_certificate: &'static str,
    chain: Vec<Certificate<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Certificate<'a> {
    subject: &'a str,
    issuer: &'a str,
    names: &'a [String],
    not_before: String,
    not_after: String,
    sha256: String,
    spki_sha256: String,
}

impl<W: Write> Events<W> {
    pub(super) fn new(writer: W, has_secrets: bool) -> Self {
        Events { writer, since: Stopwatch::start(), has_secrets }
    }

    fn write(&mut self, event: &'static str, members: Members<'_>) -> io::Result<()> {
        let at = milliseconds(self.since.elapsed());
        let mut line = Vec::new();
        escape::json(&Line { event, version: 1, at, members }, &mut line)?;
        line.push(b'\n');
        self.writer.write_all(&line)
    }
}

impl<W: Write> Form for Events<W> {
    fn event(&mut self, event: &Event<'_>) -> io::Result<()> {
        let (event, members) = match *event {
            Event::Connecting(server, address) => {
                let (server, address) = (server.to_string(), address.to_string());
                ("connecting", Members::Connecting { server, address, proxy: None })
            }
            Event::ConnectingThrough(proxy, server, address) => {
                let (server, address) = (server.to_string(), address.to_string());
                let proxy = Some(proxy.to_string());
                ("connecting", Members::Connecting { server, address, proxy })
            }
            Event::Connected(server) => {
                ("connected", Members::Connected { server: server.to_string(), reused: false })
            }
            Event::GoingOn(server, _) => {
                ("connected", Members::Connected { server: server.to_string(), reused: true })
            }
            Event::Secured(facts) => ("secured", Members::Secured { tls: Tls::of(facts) }),
            Event::Sent(command) => {
                let phase = command.phase().word();
                let shown = || command.to_string();
                let text = if self.has_secrets { command.revealed() } else { shown() };
                ("sent", Members::Sent { phase, text })
            }
            Event::SignIn(side, text) => {
                let by = match side {
                    Side::Client => "client",
                    Side::Server => "server",
                };
                ("auth", Members::Auth { by, text })
            }
            Event::Received { reply, phase, recipient, hoped_for, after } => {
                let members = Members::Received {
                    phase: phase.word(),
                    code: reply.code.value(),
                    enhanced: reply.enhanced.map(|code| code.to_string()),
                    text: &reply.text,
                    recipient: recipient.map(ForwardPath::to_string),
                    hoped_for,
                    ms: milliseconds(after),
                };
                ("received", members)
            }
            Event::ContentSent { octets } | Event::ChunkSent { octets } => {
                ("content", Members::Content { octets })
            }
            Event::Noted(text) => ("noted", Members::Noted { text }),
            Event::Broke(error) => {
                let (phase, text) = (error.phase.word(), error_words(error));
                ("broke", Members::Broke { phase, text })
            }
            Event::Closed => ("closed", Members::Closed {}),
            // Octets are for people.
            Event::Octets(_) | Event::Wire { .. } | Event::Waited(..) | Event::Ended => {
                return Ok(());
            }
        };
        self.write(event, members)
    }

    fn ended(&mut self, timings: &Timings) -> io::Result<()> {
        let timing = |(phase, spent): &(Phase, Duration)| (phase.word(), milliseconds(*spent));
        self.write("ended", Members::Ended { timings: timings.iter().map(timing).collect() })
    }
}

impl<'a> Tls<'a> {
    fn of(facts: &'a TlsFacts) -> Self {
        Tls {
            version: &facts.version,
            cipher: &facts.cipher,
            group: facts.group.as_deref(),
            resumed: facts.resumed,
            verified: facts.is_verified(),
            fault: facts.fault.as_ref().map(certificate::kind),
            client_certificate: match facts.client {
                ClientAuth::NotAsked => "not-asked",
                ClientAuth::NotSent => "not-sent",
                ClientAuth::Sent => "sent",
            },
            chain: facts.chain.iter().map(Certificate::of).collect(),
        }
    }
}

impl<'a> Certificate<'a> {
    fn of(summary: &'a Summary) -> Self {
        Certificate {
            subject: &summary.subject,
            issuer: &summary.issuer,
            names: &summary.names,
            not_before: certificate::moment(summary.not_before),
            not_after: certificate::moment(summary.not_after),
            sha256: summary.sha256.hex(),
            spki_sha256: summary.spki_sha256.base64(),
        }
    }
}

/// Microseconds are told, too.
fn milliseconds(spent: Duration) -> f64 {
    (spent.as_secs_f64() * 1e6).round() / 1e3
}
