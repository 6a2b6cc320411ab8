//! `envoi sink`: the embedded receiver, in the foreground.

use super::Surroundings;
use super::args::Globals;
use super::escape::Escaped;
use super::exit::Exit;
use super::failure::Failure;
use crate::account::Environment;
use crate::sasl::{Credentials, Secret, Users};
use crate::sink::{
    Encryption, Event, Listen, Offer, Policy, Refusal, Settings, Sink, Storage, Stored,
};
use crate::smtp::ReversePath;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What `envoi sink` takes; what it does is said where it is a command.
#[derive(clap::Args, Clone, Debug)]
#[expect(
    clippy::doc_markdown,
    clippy::struct_excessive_bools,
    reason = "doc comments on options are help texts, and each flag is an option"
)]
#[allow(rustdoc::broken_intra_doc_links, reason = "[ADDRESS] is what is typed")]
pub struct SinkArgs {
    /// The Maildir for the messages
    ///
    /// It is made if it is missing, readable by its owner only. Default:
    /// ~/.local/state/envoi/sink, or envoi/sink below $XDG_STATE_HOME.
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,

    /// Listen here, in clear with STARTTLS
    ///
    /// PORT, ADDRESS:PORT or [ADDRESS]:PORT; port 0 is any free one. May be
    /// repeated. Whoever can reach the address can leave mail, so it is
    /// 127.0.0.1 unless another one is given. Default: 127.0.0.1:1025, unless
    /// --listen-tls is given.
    #[arg(long, value_name = "ADDRESS", value_parser = starttls_port, help_heading = "Ports")]
    listen: Vec<Listen>,

    /// Listen here, with TLS from the first octet
    ///
    /// The same forms as for --listen. May be repeated.
    #[arg(long, value_name = "ADDRESS", value_parser = tls_port, help_heading = "Ports")]
    listen_tls: Vec<Listen>,

    /// Write the certificate that clients must trust to FILE
    ///
    /// It is in PEM form and new at each start. Default: ca.pem in the Maildir.
    #[arg(long, value_name = "FILE", help_heading = "Ports")]
    ca_out: Option<PathBuf>,

    /// Let this user sign in, and nobody else
    ///
    /// May be repeated. The password is for tests: everyone on this machine
    /// can see it in the list of processes. Without this option every name with
    /// every password is let in.
    #[arg(long, value_name = "NAME:PASSWORD", help_heading = "Sign-in")]
    user: Vec<User>,

    /// Take mail only from clients that signed in
    #[arg(long, help_heading = "Sign-in")]
    require_auth: bool,

    /// Take mail only under TLS
    #[arg(long, help_heading = "Ports")]
    require_tls: bool,

    /// Offer AUTH without TLS, too
    #[arg(long, help_heading = "Sign-in")]
    allow_cleartext_auth: bool,

    /// Do not offer this extension or mechanism
    ///
    /// KEYWORD is PIPELINING, SIZE, STARTTLS, AUTH, ENHANCEDSTATUSCODES,
    /// 8BITMIME, SMTPUTF8, PLAIN, LOGIN or CRAM-MD5. May be repeated, or a list
    /// with commas.
    #[arg(long, value_name = "KEYWORD", value_delimiter = ',', help_heading = "Behaviour")]
    without: Vec<String>,

    /// Refuse messages with more octets than this
    ///
    /// A number, or one with kB, MB or GB behind it. Without this option there
    /// is no limit.
    #[arg(long, value_name = "SIZE", value_parser = octets, help_heading = "Behaviour")]
    size_limit: Option<u64>,

    /// Refuse this recipient with this reply
    ///
    /// For example --refuse 'bob@example.org=550 5.1.1 No such user'. The
    /// mailbox * stands for all of its domain. May be repeated; the first that
    /// fits decides.
    #[arg(long, value_name = "ADDRESS=CODE[ TEXT]", value_parser = Refusal::parse, help_heading = "Behaviour")]
    refuse: Vec<Refusal>,

    /// End after one message
    ///
    /// That is, when the connection is over on which it came.
    #[arg(long, help_heading = "Behaviour")]
    once: bool,
}

/// A user, or `None` for an argument that names none: clap's own error would
/// repeat it, and it may hold a password.
#[derive(Clone, Debug)]
struct User(Option<Credentials>);

impl From<String> for User {
    fn from(text: String) -> Self {
        User(match text.split_once(':') {
            Some((user, password)) if !user.is_empty() && !password.is_empty() => {
                Some(Credentials { user: user.to_owned(), password: Secret::new(password) })
            }
            _ => None,
        })
    }
}

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
        let context = format!("cannot write the authority's certificate to {}", ca.display());
        Failure::new(Exit::CantCreat, anyhow::Error::new(error).context(context))
    })?;

    let Globals { json, quiet, .. } = *surroundings.globals;
    let mut face = Face { json, quiet, out: surroundings.out };
    let told = face.listening(args, &ports, &sink, &directory, &ca);
    told.and_then(|()| face.follow(&sink, args.once)).map_err(|error| {
        let context = "cannot write to the standard output";
        Failure::new(Exit::IoErr, anyhow::Error::new(error).context(context))
    })?;
    sink.stop();
    Ok(Exit::Ok)
}

impl SinkArgs {
    fn ports(&self) -> Vec<Listen> {
        let mut ports = [&self.listen[..], &self.listen_tls[..]].concat();
        if ports.is_empty() {
            ports.push(Listen::loopback(1025, Encryption::StartTls));
        }
        ports
    }

    fn settings(&self, directory: &Path, ports: &[Listen]) -> Result<Settings, Failure> {
        let offer = self.without.iter().try_fold(Offer::default(), |offer, word| {
            offer.without(word.trim()).map_err(|error| Failure::new(Exit::Usage, error))
        })?;
        let users: Option<Vec<Credentials>> = self.user.iter().map(|user| user.0.clone()).collect();
        let users = users.ok_or_else(|| {
            Failure::say(Exit::Usage, "a value of --user is not of the form NAME:PASSWORD")
        })?;
        let users = if users.is_empty() { Users::Anyone } else { Users::Only(users) };
        let policy = Policy {
            offer,
            size_limit: self.size_limit,
            users,
            require_auth: self.require_auth,
            require_tls: self.require_tls,
            cleartext_auth: self.allow_cleartext_auth,
            refuse: self.refuse.clone(),
            ..Policy::default()
        };
        Ok(Settings {
            listen: ports.to_vec(),
            policy,
            storage: Storage::Maildir(directory.to_owned()),
            ..Settings::default()
        })
    }

    /// How a URL for `envoi send` names a port.
    fn url(&self, port: &Listen, bound: SocketAddr) -> String {
        let url = port.url(bound);
        match url.strip_prefix("smtp://") {
            Some(place) if !self.offers_starttls() => format!("smtp+notls://{place}"),
            _ => url,
        }
    }

    fn offers_starttls(&self) -> bool {
        !self.without.iter().any(|word| word.trim().eq_ignore_ascii_case("STARTTLS"))
    }

    /// What to type to see a message come in.
    fn command_to_try(&self, url: &str, ca: &Path) -> String {
        let mut command = format!("envoi send --server {url}");
        if !url.starts_with("smtp+notls:") {
            let _ = write!(command, " --tls-ca {}", shell_words::quote(&ca.to_string_lossy()));
        }
        if let Some(user) = self.user.first().and_then(|user| user.0.as_ref()) {
            let _ = write!(command, " --user {}", shell_words::quote(&user.user));
        } else if self.require_auth {
            command.push_str(" --user anyone");
        }
        command.push_str(" --from you@example.org --body Hello someone@example.org");
        command
    }
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
        let command = args.command_to_try(&urls[0], ca);
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

/// `stored  <a@b> → c@d e@f  120 octets  /path`.
fn as_line(message: &Stored) -> String {
    let to: Vec<String> = message.to.iter().map(|path| Escaped(path).to_string()).collect();
    let path =
        message.path.as_ref().map_or_else(String::new, |path| Escaped(path.display()).to_string());
    let from = Escaped(&message.from);
    format!("stored  {from} → {}  {} octets  {path}", to.join(" "), message.size)
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
            "to": message.to.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "size": message.size,
            "sha256": message.sha256,
            "path": message.path,
            "tls": message.tls,
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

fn starttls_port(text: &str) -> Result<Listen, String> {
    Listen::parse(text, Encryption::StartTls)
}

fn tls_port(text: &str) -> Result<Listen, String> {
    Listen::parse(text, Encryption::Implicit)
}

fn octets(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" => 1,
        "kb" | "k" => 1_000,
        "mb" | "m" => 1_000_000,
        "gb" | "g" => 1_000_000_000,
        unit => return Err(format!("‘{unit}’ is not one of kB, MB, GB")),
    };
    let number: u64 = digits.parse().map_err(|_| format!("‘{text}’ is not a size"))?;
    number.checked_mul(factor).ok_or_else(|| format!("‘{text}’ is too large"))
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
        let context = format!("cannot listen on {}", places.join(", "));
        return Failure::new(Exit::OsErr, anyhow::Error::new(error).context(context))
            .hint("to take any free port: envoi sink --listen 0");
    }
    let context = format!("cannot start a receiver that stores mail in {}", directory.display());
    Failure::new(Exit::CantCreat, anyhow::Error::new(error).context(context))
        .hint("name another directory: envoi sink DIR")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Cli;
    use clap::Parser as _;
    use clap::{Args as _, FromArgMatches as _};
    use std::io::{BufRead, BufReader, Read};
    use std::sync::mpsc::{self, Sender};

    fn args(words: &[&str]) -> Result<SinkArgs, clap::Error> {
        let command = SinkArgs::augment_args(clap::Command::new("sink").no_binary_name(true));
        SinkArgs::from_arg_matches(&command.try_get_matches_from(words)?)
    }

    #[test]
    fn the_definition_is_sound() {
        SinkArgs::augment_args(clap::Command::new("sink")).debug_assert();
    }

    #[test]
    fn the_command_to_try_is_one_that_works() {
        let bound = "127.0.0.1:25".parse().unwrap();
        let tried = |words: &[&str]| {
            let args = args(words).unwrap();
            let url = args.url(&args.ports()[0], bound);
            args.command_to_try(&url, Path::new("ca.pem"))
        };
        let end = "--from you@example.org --body Hello someone@example.org";
        for (words, begin) in [
            (&[][..], "smtp://localhost:25 --tls-ca ca.pem"),
            (&["--listen-tls", "25"], "smtps://localhost:25 --tls-ca ca.pem"),
            (&["--without", "SIZE,starttls"], "smtp+notls://localhost:25"),
            (&["--user", "tim:tanstaaf"], "smtp://localhost:25 --tls-ca ca.pem --user tim"),
        ] {
            assert_eq!(tried(words), format!("envoi send --server {begin} {end}"));
        }
    }

    #[test]
    fn a_password_never_stands_in_an_error_or_a_debug_text() {
        // SEC-7
        let shown = format!("{:?}", args(&["--user", "tim:tanstaaf"]).unwrap());
        assert!(shown.contains("tim") && !shown.contains("tanstaaf"), "{shown}");
        let malformed = args(&["--user", ":tanstaaf"]).unwrap();
        let failure = malformed.settings(Path::new("x"), &[]).unwrap_err();
        assert_eq!(failure.error.to_string(), "a value of --user is not of the form NAME:PASSWORD");
    }

    #[test]
    fn sizes_and_ports_are_read() {
        assert_eq!(octets("1000"), Ok(1000));
        assert_eq!(octets("25MB"), Ok(25_000_000));
        assert!(octets("25 miles").is_err() && octets("").is_err() && octets("MB").is_err());
        let port = |text| starttls_port(text).map(|port| port.address.to_string());
        assert_eq!(port("25"), Ok("127.0.0.1:25".into()));
        assert_eq!(port("localhost:25"), Ok("127.0.0.1:25".into()));
        assert_eq!(port("[::1]:25"), Ok("[::1]:25".into()));
        assert_eq!(port("0.0.0.0:25"), Ok("0.0.0.0:25".into()));
        assert!(port("mail.example:25").is_err());
    }

    #[test]
    fn an_unknown_keyword_is_a_usage_error_that_names_the_known_ones() {
        let args = args(&["--without", "SIZE,turnips"]).unwrap();
        let failure = args.settings(Path::new("x"), &[]).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.error.to_string().contains("turnips"));
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
            let args = args(&["--listen", "0", "--once", "--refuse", refuse, &place]).unwrap();
            let globals = Cli::parse_from(["envoi", "--json"]).globals;
            let environment = Environment::from([("HOME", "/")]);
            let (out, err) = (&mut Lines(sender, Vec::new()), &mut io::sink());
            let mut surroundings =
                Surroundings { globals: &globals, environment: &environment, out, err };
            run(&args, &mut surroundings).unwrap()
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
                b"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<a@x.y>\r\nRCPT TO:<bob@x.y>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n",
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
        let text = std::fs::read_to_string(stored["path"].as_str().unwrap()).unwrap();
        assert!(text.ends_with("\nx\n"));
    }
}
