//! `envoi sink`: the embedded receiver, in the foreground.

use super::Surroundings;
use super::args::{Globals, SinkArgs};
use super::escape::Escaped;
use super::exit::Exit;
use super::failure::Failure;
use crate::account::Environment;
use crate::sink::{Encryption, Event, Listen, Sink, Stored};
use crate::smtp::{Body, EnvId, Hold, Protocol, Recipient, ReversePath};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Runs the receiver until it is interrupted, or with `--once` until a message
/// came. Writes to `out` where it listens, then a line for each message and
/// each refusal; with `quiet` only what went wrong.
pub(super) fn run(args: &SinkArgs, surroundings: &mut Surroundings<'_>) -> Result<Exit, Failure> {
    let default = || default_directory(surroundings.environment);
    let directory = args.directory.clone().map_or_else(default, Ok)?;
    let ports = args.ports();
    let sink = Sink::start(args.settings(&directory, &ports)?)
        .map_err(|error| cannot_start(error, &ports, &directory))?;
    let ca = args.ca_out.clone().unwrap_or_else(|| directory.join("ca.pem"));
    std::fs::write(&ca, sink.ca_pem()).map_err(|error| {
        let sentence = format!("cannot write the authority's certificate to {}", ca.display());
        Failure::caused(Exit::CantCreat, sentence, error)
    })?;

    let Globals { json, quiet, .. } = *surroundings.globals;
    let mut face = Face { json, quiet, out: surroundings.out };
    let told = face.listening(args, &ports, &sink, &directory, &ca);
    told.and_then(|()| face.follow(&sink, args.once)).map_err(|error| {
        Failure::caused(Exit::IoErr, "cannot write to the standard output", error)
    })?;
    sink.stop();
    Ok(Exit::Ok)
}

/// The two ways of saying what happens.
struct Face<'o> {
    json: bool,
    quiet: bool,
    out: &'o mut dyn Write,
}

impl Face<'_> {
    fn listening(
        &mut self,
        args: &SinkArgs,
        ports: &[Listen],
        sink: &Sink,
        directory: &Path,
        ca: &Path,
    ) -> io::Result<()> {
        let urls: Vec<String> = ports
            .iter()
            .zip(sink.addresses())
            .map(|(port, bound)| args.url(port, *bound))
            .collect();
        let command = command_to_try(args, &urls[0], ca);
        if self.json {
            return self.object(&json!({
                "event": "listening", "urls": urls, "directory": directory, "ca": ca,
                "try": command,
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
        writeln!(
            self.out,
            "messages go to {}; nothing is delivered",
            Escaped(directory.display())
        )?;
        writeln!(self.out, "try: {}", Escaped(command))?;
        self.out.flush()
    }

    /// Tells of events until the receiver ends or, with `once`, until the
    /// connection is over on which the first message came.
    fn follow(&mut self, sink: &Sink, once: bool) -> io::Result<()> {
        for event in sink.events() {
            self.event(&event)?;
            if let Event::Stored(message) = event
                && once
            {
                return self.see_off(sink, message.connection);
            }
        }
        Ok(())
    }

    /// Lets the client have its last replies, but not for long.
    fn see_off(&mut self, sink: &Sink, number: u64) -> io::Result<()> {
        while let Ok(event) = sink.events().recv_timeout(Duration::from_secs(5)) {
            self.event(&event)?;
            if matches!(event, Event::Closed { connection } if connection == number) {
                break;
            }
        }
        Ok(())
    }

    fn event(&mut self, event: &Event) -> io::Result<()> {
        if self.json {
            return match as_json(event) {
                Some(object) => self.object(&object),
                None => Ok(()),
            };
        }
        match event {
            Event::Connected { .. } | Event::Closed { .. } => Ok(()),
            Event::Stored(_) | Event::Refused { .. } if self.quiet => Ok(()),
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

    fn line(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.out, "{line}")?;
        self.out.flush()
    }

    fn object(&mut self, object: &Value) -> io::Result<()> {
        self.line(&object.to_string())
    }
}

/// What to type to see a message come in.
fn command_to_try(args: &SinkArgs, url: &str, ca: &Path) -> String {
    let mut command = format!("envoi send --server {url}");
    if !url.contains("+notls:") {
        let _ = write!(command, " --tls-ca {}", shell_words::quote(&ca.to_string_lossy()));
    }
    if let Some(user) = args.first_user() {
        let _ = write!(command, " --user {}", shell_words::quote(user));
    } else if args.require_auth {
        command.push_str(" --user anyone");
    }
    command.push_str(" --from you@example.org --body Hello someone@example.org");
    command
}

/// `stored  <a@b> → c@d e@f  120 octets  /path`.
fn as_line(message: &Stored) -> String {
    let to: Vec<String> = message.to.iter().map(|to| Escaped(&to.path).to_string()).collect();
    let path =
        message.path.as_ref().map_or_else(String::new, |path| Escaped(path.display()).to_string());
    let from = Escaped(&message.from);
    let held = message.hold.map_or_else(String::new, |hold| format!("  to be held {hold}"));
    format!("stored  {from} → {}  {} octets{held}  {path}", to.join(" "), message.size)
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
            "sha256": message.sha256,
            "path": message.path,
            "tls": message.tls,
            "clientCertificate":
                message.client_certificate.as_ref().map(|certificate| &certificate.subject),
            "user": message.user,
            "protocol": message.protocol,
            "turnarounds": message.turnarounds,
        }),
        Event::Refused { connection, command, reply } => json!({
            "event": "refused",
            "connection": connection,
            "command": command,
            "code": reply.code.value(),
            "enhanced": reply.enhanced.map(|code| code.to_string()),
            "text": reply.joined_text(),
        }),
        Event::PlaintextAfterStartTls { connection, octets } => json!({
            "event": "plaintext-after-starttls", "connection": connection, "octets": octets,
        }),
        Event::Failed { connection, doing, error } => json!({
            "event": "failed", "connection": connection, "doing": doing, "error": error.to_string(),
        }),
    })
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

/// How long it was to be held, as MAIL has it (RFC 4865).
fn hold_as_json(hold: Hold) -> Value {
    let (name, value) = hold.parameter();
    json!(format!("{name}={value}"))
}

pub(super) fn default_directory(environment: &Environment) -> Result<PathBuf, Failure> {
    let state = environment.directory("XDG_STATE_HOME", ".local/state");
    state.map(|state| state.join("envoi/sink")).ok_or_else(|| {
        Failure::say(Exit::Usage, "there is no place for the messages: $HOME is not set")
            .hint("envoi sink ./mail")
    })
}

fn cannot_start(error: io::Error, ports: &[Listen], directory: &Path) -> Failure {
    let socket = matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::AddrNotAvailable);
    if socket {
        let places: Vec<String> = ports.iter().map(|port| port.address.to_string()).collect();
        let sentence = format!("cannot listen on {}", places.join(", "));
        return Failure::caused(Exit::OsErr, sentence, error)
            .hint("to take any free port: envoi sink --listen 0");
    }
    let sentence = format!("cannot start a receiver that stores mail in {}", directory.display());
    Failure::caused(Exit::CantCreat, sentence, error).hint("name another directory: envoi sink DIR")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::{Cli, Command};
    use clap::Parser as _;
    use std::io::{BufRead, BufReader, Read};
    use std::sync::mpsc::{self, Sender};

    #[test]
    fn the_command_to_try_is_one_that_works() {
        let bound = "127.0.0.1:25".parse().unwrap();
        let tried = |words: &[&str]| {
            let words = ["envoi", "sink"].iter().chain(words);
            let Some(Command::Sink(args)) = Cli::parse_from(words).command else { panic!("sink") };
            command_to_try(&args, &args.url(&args.ports()[0], bound), Path::new("ca.pem"))
        };
        let end = "--from you@example.org --body Hello someone@example.org";
        for (words, begin) in [
            (&[][..], "smtp://localhost:25 --tls-ca ca.pem"),
            (&["--listen-tls", "25"], "smtps://localhost:25 --tls-ca ca.pem"),
            (&["--without", "SIZE,starttls"], "smtp+notls://localhost:25"),
            (&["--listen-lmtp", "25"], "lmtp://localhost:25 --tls-ca ca.pem"),
            (&["--listen-lmtp", "25", "--without", "starttls"], "lmtp+notls://localhost:25"),
            (&["--user", "tim:tanstaaf"], "smtp://localhost:25 --tls-ca ca.pem --user tim"),
        ] {
            assert_eq!(tried(words), format!("envoi send --server {begin} {end}"));
        }
    }

    /// Passes whole lines on.
    struct Lines(Sender<String>, Vec<u8>);

    impl Write for Lines {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            self.1.extend_from_slice(octets);
            while let Some(at) = self.1.iter().position(|&octet| octet == b'\n') {
                let line = String::from_utf8(self.1.drain(..=at).collect()).unwrap();
                self.0.send(line.trim_end().to_owned()).unwrap();
            }
            Ok(octets.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn it_says_where_it_listens_and_ends_after_one_message() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().to_str().unwrap().to_owned();
        let (sender, lines) = mpsc::channel();
        let running = std::thread::spawn(move || {
            let refuse = "bob@x.y=550 5.1.1 No such user";
            let words =
                ["envoi", "--json", "sink", "--listen", "0", "--once", "--hold-limit", "1h"];
            let cli = Cli::parse_from([&words[..], &["--refuse", refuse, &place]].concat());
            let Some(Command::Sink(args)) = &cli.command else { panic!("{cli:?}") };
            let environment = Environment::from([("HOME", "/")]);
            let (out, err) = (&mut Lines(sender, Vec::new()), &mut io::sink());
            let mut surroundings =
                Surroundings { globals: &cli.globals, environment: &environment, out, err };
            run(args, &mut surroundings).unwrap()
        });
        let next = || -> Value { serde_json::from_str(&lines.recv().unwrap()).unwrap() };
        let listening = next();
        let url = listening["urls"][0].as_str().unwrap();
        let address = url.strip_prefix("smtp://").unwrap();
        assert!(
            listening["try"].as_str().unwrap().starts_with("envoi send --server smtp://localhost:")
        );
        let ca = std::fs::read_to_string(listening["ca"].as_str().unwrap()).unwrap();
        assert!(ca.starts_with("-----BEGIN CERTIFICATE-----"));

        #[expect(clippy::disallowed_types, reason = "a client of our own")]
        let mut client = std::net::TcpStream::connect(address).unwrap();
        client
            .write_all(
                b"EHLO a\r\nMAIL FROM:<> HOLDFOR=60\r\nRCPT TO:<a@x.y>\r\nRCPT TO:<bob@x.y>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n",
            )
            .unwrap();
        let mut replies = String::new();
        BufReader::new(client).read_to_string(&mut replies).unwrap();
        assert!(replies.as_bytes().lines().last().unwrap().unwrap().starts_with("221"));
        assert_eq!(running.join().unwrap(), Exit::Ok);

        let refused = next();
        assert_eq!(
            (refused["command"].as_str(), refused["code"].as_u64()),
            (Some("RCPT TO:<bob@x.y>"), Some(550))
        );
        let stored = next();
        assert_eq!((stored["from"].as_str(), stored["to"][0].as_str()), (Some(""), Some("a@x.y")));
        // 4865
        assert_eq!(stored["hold"], "HOLDFOR=60");
        let text = std::fs::read_to_string(stored["path"].as_str().unwrap()).unwrap();
        assert!(text.ends_with("\nx\n"));
    }
}
