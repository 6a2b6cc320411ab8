//! `envoi sink`: the embedded receiver, in the foreground, or for as long as a
//! command runs.

mod command;
mod face;
mod forward;
mod looking;
mod passing_on;
mod pipe;
mod wait;

use super::Surroundings;
use super::args::{Globals, SinkArgs, SinkCommand};
use super::exit::Exit;
use super::failure::Failure;
use super::interrupt;
use crate::account::Environment;
use crate::net::Interrupt;
use crate::sink::{CannotStart, Interest, Settings, Sink, Storage};
use face::Face;
use passing_on::passes_on;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fmt::Write as _;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// Runs the receiver until it is interrupted, with `--once` until a message
/// came, with `--run` until the command ended. Writes to `out` where it listens,
/// then a line for each message and each refusal; with `quiet` only what went
/// wrong.
pub(super) fn run(args: &SinkArgs, surroundings: &mut Surroundings<'_>) -> Result<Exit, Failure> {
    if let Some(SinkCommand::Wait(args)) = &args.command {
        return wait::run(args, surroundings);
    }
    let storage = args.store.storage(|| default_directory(surroundings.environment))?;
    let ports = args.ports();
    let interrupt = heeded(args)?;
    let passes_on = passes_on(args, &ports, &storage, &interrupt, surroundings)?;
    let mut settings = Settings { passes_on, ..args.settings(storage.clone(), &ports)? };
    let Globals { json, quiet, .. } = *surroundings.globals;
    if quiet && !json && !args.once && args.run.is_empty() {
        settings.interest = Interest::Problems;
    }
    let sink = Sink::start(settings).map_err(|error| cannot_start(error, &storage))?;
    let ca = write_ca(args, &sink, &storage, surroundings.environment)?;

    let mut face = Face { json, quiet, out: surroundings.out };
    if !args.run.is_empty() {
        let ended = command::run(args, &ports, sink, &ca, &interrupt, &mut face);
        if args.ca_out.is_none() {
            // Its name was for this run only.
            let _ = std::fs::remove_file(&ca);
        }
        return ended;
    }
    make_room_for_clients();
    let told = face.listening(args, &ports, &sink, &storage, &ca);
    let told = told.and_then(|()| face.follow(args, &sink, &interrupt));
    sink.stop();
    told.map_err(cannot_tell)?;
    let number = interrupt.signal().and_then(|signal| u8::try_from(signal).ok());
    Ok(number.map_or(Exit::Ok, Exit::Signal))
}

/// The user's wish to stop: messages that are half there are taken away, and what
/// passes others on is ended. The command of `--run` gets signals in our place,
/// until it is over.
fn heeded(args: &SinkArgs) -> Result<Interrupt, Failure> {
    if !args.run.is_empty() {
        return Ok(Interrupt::default());
    }
    interrupt::install()
        .map_err(|error| Failure::caused(Exit::OsErr, "cannot prepare for Ctrl-C", error))
}

/// Writes the certificate that clients must trust, and says where.
fn write_ca(
    args: &SinkArgs,
    sink: &Sink,
    storage: &Storage,
    environment: &Environment,
) -> Result<PathBuf, Failure> {
    let name = args.ca_name(sink);
    let ca = match (&args.ca_out, storage) {
        (Some(file), _) => file.clone(),
        (None, Storage::Maildir(directory) | Storage::Eml(directory)) => directory.join(name),
        (None, Storage::Mbox(file)) => {
            // Another ca.pem may be there.
            let of_file = file.file_name().unwrap_or_default().to_string_lossy();
            file.with_file_name(format!("{of_file}.{name}"))
        }
        (None, Storage::Memory | Storage::Discard) => state_directory(environment)
            .ok_or_else(|| {
                let lacking = "there is no place for the authority's certificate: $HOME is not set";
                Failure::say(Exit::Usage, lacking).hint("say where: --ca-out FILE")
            })?
            .join(name),
    };
    let made = match (&args.ca_out, storage, ca.parent()) {
        (None, Storage::Memory, Some(directory)) => {
            DirBuilder::new().recursive(true).mode(0o700).create(directory)
        }
        _ => Ok(()),
    };
    made.and_then(|()| std::fs::write(&ca, sink.ca_pem())).map_err(|error| {
        let sentence = format!("cannot write the authority's certificate to {}", ca.display());
        Failure::caused(Exit::CantCreat, sentence, error).hint("say where: --ca-out FILE")
    })?;
    Ok(ca)
}

/// Each client takes two descriptors, and shells allow 1024 by themselves. Not
/// for a command: programs that call select(2) count on that limit.
fn make_room_for_clients() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // Where it cannot be, there is room for fewer.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

fn cannot_tell(error: io::Error) -> Failure {
    Failure::caused(Exit::IoErr, "cannot write to the standard output", error)
}

/// What to type to see a message come in.
fn command_to_try(args: &SinkArgs, url: &str, ca: &Path) -> String {
    let mut command = format!("envoi send --server {url}");
    if !url.contains("+notls:") {
        let _ = write!(command, " --tls-ca {}", shell_words::quote(&ca.to_string_lossy()));
    }
    if args.proxy_protocol {
        command.push_str(" --proxy-protocol v2");
    }
    if let Some(user) = args.first_user() {
        let _ = write!(command, " --user {}", shell_words::quote(user));
    } else if args.require_auth {
        command.push_str(" --user anyone");
    }
    command.push_str(" --from you@example.org --body Hello someone@example.org");
    command
}

pub(super) fn default_directory(environment: &Environment) -> Result<PathBuf, Failure> {
    state_directory(environment).ok_or_else(|| {
        Failure::say(Exit::Usage, "there is no place for the messages: $HOME is not set")
            .hint("envoi sink ./mail")
    })
}

fn state_directory(environment: &Environment) -> Option<PathBuf> {
    let state = environment.directory("XDG_STATE_HOME", ".local/state");
    state.map(|state| state.join("envoi/sink"))
}

fn cannot_start(why: CannotStart, storage: &Storage) -> Failure {
    let error = match why {
        CannotStart::Port(address, error) => {
            return Failure::caused(Exit::OsErr, format!("cannot listen on {address}"), error)
                .hint("to take any free port: envoi sink --listen 0");
        }
        CannotStart::System(error) => {
            return Failure::caused(Exit::OsErr, "cannot start a receiver", error);
        }
        CannotStart::Store(error) => error,
    };
    let (place, hint) = match storage {
        Storage::Maildir(directory) => (directory, "name another directory: envoi sink DIR"),
        Storage::Mbox(file) => (file, "name another file: envoi sink --mbox FILE"),
        Storage::Eml(directory) => (directory, "name another directory: envoi sink --eml DIR"),
        Storage::Memory | Storage::Discard => {
            return Failure::caused(Exit::OsErr, "cannot start a receiver", error);
        }
    };
    let sentence = format!("cannot start a receiver that stores mail in {}", place.display());
    Failure::caused(Exit::CantCreat, sentence, error).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::{Cli, Command};
    use clap::Parser as _;
    use serde_json::Value;
    use std::io::{BufRead, BufReader, Read, Write};
    use std::sync::mpsc::{self, Sender};

    #[test]
    fn a_port_that_may_not_be_taken_is_not_the_fault_of_the_store() {
        let denied = || io::Error::from(io::ErrorKind::PermissionDenied);
        let storage = Storage::Maildir("mail".into());
        let why = |why| format!("{:#}", cannot_start(why, &storage).error);
        let port = CannotStart::Port("127.0.0.1:25".parse().unwrap(), denied());
        assert_eq!(why(port), "cannot listen on 127.0.0.1:25: permission denied");
        let store = why(CannotStart::Store(denied()));
        assert!(store.starts_with("cannot start a receiver that stores mail in mail: "), "{store}");
    }

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
            (&["--proxy-protocol"], "smtp://localhost:25 --tls-ca ca.pem --proxy-protocol v2"),
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
