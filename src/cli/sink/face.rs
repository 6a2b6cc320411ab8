//! What `envoi sink` says: lines for people, or an object a line.

use super::command_to_try;
use super::passing_on::PATIENCE;
use crate::account::duration_text;
use crate::cli::args::SinkArgs;
use crate::cli::escape::Escaped;
use crate::cli::render;
use crate::net::Interrupt;
use crate::sink::{Claims, Encryption, Event, Fault, Listen, Origin, Rule, Sink, Storage, Stored};
use crate::smtp::{Body, EnvId, Hold, Protocol, Recipient, ReversePath};
use encodify::base64::STANDARD;
use serde_json::{Map, Value, json};
use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

/// The two ways of saying what happens.
pub(super) struct Face<'o> {
    pub(super) json: bool,
    pub(super) quiet: bool,
    pub(super) out: &'o mut dyn Write,
}

impl Face<'_> {
    /// Says where it listens, and what to type to see a message come in.
    pub(super) fn listening(
        &mut self,
        args: &SinkArgs,
        ports: &[Listen],
        sink: &Sink,
        storage: &Storage,
        ca: &Path,
    ) -> io::Result<()> {
        let urls: Vec<String> = ports
            .iter()
            .zip(sink.addresses())
            .map(|(port, bound)| args.url(port, *bound))
            .collect();
        let command = command_to_try(args, &urls[0], ca);
        let (store, place) = store(storage);
        if self.json {
            let is_file = matches!(storage, Storage::Mbox(_));
            let file = place.filter(|_| is_file).map(Path::to_string_lossy);
            let directory = place.filter(|_| !is_file).map(Path::to_string_lossy);
            return self.object(&json!({
                "event": "listening", "urls": urls, "store": store, "directory": directory,
                "file": file, "ca": ca.to_string_lossy(), "try": command,
            }));
        }
        if self.quiet {
            return Ok(());
        }
        for (port, bound) in ports.iter().zip(sink.addresses()) {
            let tls = match port.encryption {
                Encryption::StartTls if args.offers_starttls() => "in clear, with STARTTLS",
                Encryption::StartTls => "in clear",
                Encryption::Implicit => "TLS from the first octet",
            };
            let tls = match port.protocol {
                Protocol::Smtp => tls.to_owned(),
                Protocol::Lmtp => format!("LMTP {tls}"),
            };
            let open = if port.is_loopback() { "" } else { "; other machines may reach it" };
            writeln!(self.out, "listening  {bound}  {tls}{open}")?;
        }
        let place = match place {
            Some(place) => format!("messages go to {}", Escaped(place.display())),
            None => "messages are not written to disk".to_owned(),
        };
        let way = match (&args.pipe, &args.forward) {
            (Some(command), _) => format!("each is given to: {}", Escaped(command.display())),
            (None, Some(server)) => format!("each is sent on to {}", Escaped(server)),
            (None, None) => "nothing is delivered".to_owned(),
        };
        writeln!(self.out, "{place}; {way}")?;
        writeln!(self.out, "try: {}", Escaped(command))?;
        self.out.flush()
    }

    /// Tells of events until the receiver ends or is to or, with `--once`, until
    /// the connection is over on which the first message came.
    pub(super) fn follow(
        &mut self,
        args: &SinkArgs,
        sink: &Sink,
        interrupt: &Interrupt,
    ) -> io::Result<()> {
        while let Some(event) = next(sink, interrupt) {
            self.event(&event)?;
            if let Event::Stored(message) = event
                && args.once
            {
                // Whoever passes it on may take a while.
                let more = if args.passes_mail_on() { PATIENCE } else { Duration::ZERO };
                return self.see_off(sink, message.connection, Duration::from_secs(5) + more);
            }
        }
        Ok(())
    }

    /// Lets the client have its last replies, but not for long.
    fn see_off(&mut self, sink: &Sink, number: u64, patience: Duration) -> io::Result<()> {
        while let Ok(event) = sink.events().recv_timeout(patience) {
            self.event(&event)?;
            if matches!(event, Event::Closed { connection } if connection == number) {
                break;
            }
        }
        Ok(())
    }

    /// Tells of one event.
    pub(super) fn event(&mut self, event: &Event) -> io::Result<()> {
        if self.json {
            return match as_json(event) {
                Some(object) => self.object(&object),
                None => Ok(()),
            };
        }
        match event {
            Event::Connected { .. } | Event::Closed { .. } => Ok(()),
            Event::Proxied { .. }
            | Event::Stored(_)
            | Event::Refused { .. }
            | Event::Rule { .. }
                if self.quiet =>
            {
                Ok(())
            }
            Event::Proxied { ends: Some((from, to)), .. } => {
                self.line(&format!("proxied  {from} → {to}"))
            }
            Event::Proxied { ends: None, .. } => self.line("proxied  for the proxy itself"),
            Event::Rule { rule, .. } => self.line(&rule_as_line(rule)),
            Event::Stored(message) => self.line(&as_line(message)),
            Event::Refused { command, reply, .. } => {
                self.line(&format!("refused  {}  {}", Escaped(command), Escaped(reply)))
            }
            Event::PlaintextAfterStartTls { octets, .. } => self.line(&format!(
                "warning  {octets} octets in clear behind STARTTLS were thrown away: \
                 the client is at fault, or someone sits between"
            )),
            Event::Failed { doing, error, .. } => {
                self.line(&format!("problem  while {doing}: {}", Escaped(error)))
            }
        }
    }

    pub(super) fn line(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.out, "{line}")?;
        self.out.flush()
    }

    pub(super) fn object(&mut self, object: &Value) -> io::Result<()> {
        render::line(object, self.out)?;
        self.out.flush()
    }
}

/// What happens next; `None` where the receiver is to end.
fn next(sink: &Sink, interrupt: &Interrupt) -> Option<Event> {
    while interrupt.signal().is_none() {
        match sink.events().recv_timeout(MOMENT) {
            Err(RecvTimeoutError::Timeout) => {}
            event => return event.ok(),
        }
    }
    None
}

/// How often it is looked whether the receiver is to end.
const MOMENT: Duration = Duration::from_millis(250);

/// What a store is called, and where it is.
fn store(storage: &Storage) -> (&'static str, Option<&Path>) {
    match storage {
        Storage::Maildir(directory) => ("maildir", Some(directory)),
        Storage::Mbox(file) => ("mbox", Some(file)),
        Storage::Eml(directory) => ("eml", Some(directory)),
        Storage::Memory | Storage::Discard => ("memory", None),
    }
}

/// `stored  <a@b> → c@d e@f  120 octets  /path`.
fn as_line(message: &Stored) -> String {
    let to: Vec<String> = message.to.iter().map(|to| Escaped(&to.path).to_string()).collect();
    let path = message.path.as_ref();
    let path = path.map_or_else(String::new, |path| format!("  {}", Escaped(path.display())));
    let from = Escaped(&message.from);
    let held = message.hold.map_or_else(String::new, |hold| format!("  to be held {hold}"));
    format!("stored  {from} → {}  {} octets{held}{path}", to.join(" "), message.size)
}

/// `rule  rcpt  close`.
fn rule_as_line(rule: &Rule) -> String {
    let reply = rule.reply.as_ref().map(|reply| Escaped(reply).to_string());
    let delay = rule.delay.map(duration_text);
    let fault = rule.fault.map(|fault| fault.name().to_owned());
    let what: Vec<String> = [delay, reply, fault].into_iter().flatten().collect();
    format!("rule  {}  {}", rule.stage.name(), what.join("  "))
}

/// One object for one event; `None` for what only frames the rest.
fn as_json(event: &Event) -> Option<Value> {
    Some(match event {
        Event::Connected { .. } | Event::Closed { .. } => return None,
        Event::Stored(message) => json!({
            "event": "stored",
            "connection": message.connection,
            "id": message.id,
            "from": match &message.from {
                ReversePath(Some(mailbox)) => mailbox.to_string(),
                ReversePath(None) => String::new(),
            },
            "to": message.to.iter().map(|to| to.path.to_string()).collect::<Vec<_>>(),
            "dsn": dsn_as_json(message),
            "hold": message.hold.map(hold_as_json),
            "body": message.body.map(Body::as_str),
            "requireTls": message.require_tls,
            "size": message.size,
            "sha256": message.sha256(),
            "path": message.path.as_deref().map(Path::to_string_lossy),
            "message": message.octets.as_deref().and_then(|it| std::str::from_utf8(it).ok()),
            "messageBase64": message.octets.as_deref().and_then(as_base64),
            "tls": message.tls,
            "clientCertificate":
                message.client_certificate.as_ref().map(|certificate| &certificate.subject),
            "peer": peer_as_json(&message.peer),
            "xclient": claims_as_json(&message.claims),
            "user": message.user,
            "protocol": message.protocol,
            "turnarounds": message.turnarounds,
        }),
        Event::Proxied { connection, ends } => json!({
            "event": "proxied",
            "connection": connection,
            "source": ends.map(|(source, _)| source),
            "destination": ends.map(|(_, destination)| destination),
        }),
        Event::Refused { connection, command, reply } => json!({
            "event": "refused",
            "connection": connection,
            "command": command,
            "code": reply.code.value(),
            "enhanced": reply.enhanced.map(|code| code.to_string()),
            "text": reply.joined_text(),
        }),
        Event::Rule { connection, rule } => json!({
            "event": "rule",
            "connection": connection,
            "stage": rule.stage.name(),
            "fault": rule.fault.map(Fault::name),
            "code": rule.reply.as_ref().map(|reply| reply.code.value()),
            "delay": rule.delay.map(|delay| delay.as_secs()),
        }),
        Event::PlaintextAfterStartTls { connection, octets } => json!({
            "event": "plaintext-after-starttls", "connection": connection, "octets": octets,
        }),
        Event::Failed { connection, doing, error } => json!({
            "event": "failed", "connection": connection, "doing": doing, "error": error.to_string(),
        }),
    })
}

/// What is no text; `None` for what is.
fn as_base64(octets: &[u8]) -> Option<String> {
    std::str::from_utf8(octets).is_err().then(|| STANDARD.encode(octets))
}

/// What was asked about reports (RFC 3461), recipient by recipient; `None` if
/// nothing was.
fn dsn_as_json(message: &Stored) -> Option<Value> {
    let Stored { to, ret, envid, .. } = message;
    let asks = |to: &&Recipient| to.notify.is_some() || to.orcpt.is_some();
    let asked = to.iter().filter(asks).map(|to| {
        json!({
            "address": to.path.to_string(),
            "notify": to.notify.map(|notify| notify.to_string()),
            "orcpt": to.orcpt.as_ref().map(ToString::to_string),
        })
    });
    let asked: Vec<Value> = asked.collect();
    let is_any = ret.is_some() || envid.is_some() || !asked.is_empty();
    is_any.then(|| {
        json!({
            "ret": ret.map(|ret| ret.to_string()),
            "envid": envid.as_ref().map(EnvId::as_str),
            "recipients": asked,
        })
    })
}

fn peer_as_json(peer: &Origin) -> Value {
    json!({ "address": peer.address, "port": peer.port, "name": peer.name })
}

/// What was said by XCLIENT, null for what is unknown; `None` if nothing was.
fn claims_as_json(claims: &Claims) -> Option<Value> {
    let said: Map<String, Value> =
        claims.iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    (!said.is_empty()).then_some(Value::Object(said))
}

/// How long it was to be held, as MAIL has it (RFC 4865).
fn hold_as_json(hold: Hold) -> Value {
    let (name, value) = hold.parameter();
    json!(format!("{name}={value}"))
}
