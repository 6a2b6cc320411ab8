//! swaks and the program side by side: the same conversations with Postfix, Exim
//! and the embedded receiver (`swaks/conversations.toml`), the same commands on
//! the wire, and transcripts that differ only where the manual says so.
//!
//! | file | what is there |
//! |---|---|
//! | `swaks/recorder.rs` | a relay that keeps what a client says |
//! | `swaks/differences.rs` | where the transcripts differ |
//! | `swaks/page.rs` | the page of the manual, which has every option of swaks |

mod differences;
mod page;
mod recorder;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;
use tempfile::TempDir;

use crate::authority::AUTHORITY;
use crate::exim::{Exim, exim};
use crate::postfix::{Postfix, postfix};
use crate::program::{Run, finished};
use crate::server::{
    Kept, LATER, Lent, Mode, NOBODY, PASSWORD, Server, USER, free_ports, private_directory,
    program, wait_until, wait_until_listening,
};
use crate::sink::receiver;
use differences::{DIFFERENCES, Transcripts};
use recorder::Recorder;

#[test]
fn swaks_and_the_program_say_the_same_and_show_the_same_but_for_what_the_manual_lists() {
    let bench = Bench::set_up();
    let conversations = Conversation::all();
    assert!(conversations.len() >= 40);
    let held: Vec<Held> = conversations.iter().map(|it| bench.hold(it)).collect();

    let faults: String =
        conversations.iter().zip(&held).filter_map(|it| fault(it.0, it.1)).collect();
    assert!(faults.is_empty(), "{faults}");

    for (left_out, difference) in DIFFERENCES.iter().enumerate() {
        let others = DIFFERENCES.iter().enumerate().filter(|(at, _)| *at != left_out);
        let others: Vec<_> = others.map(|(_, other)| other).collect();
        let is_needed = |held: &Held| {
            let rest = held.shown.without(others.iter().copied());
            rest.swaks != rest.envoi
        };
        assert!(held.iter().any(is_needed), "nothing differs by this: {}", difference.title);
    }
    let titles = DIFFERENCES.iter().map(|it| it.title.to_owned());
    assert_eq!(page::tags("TRANSCRIPT"), titles.collect(), "what the manual lists");
}

/// What came of a conversation, of swaks first where there are two.
struct Held {
    shown: Transcripts,
    said: [Vec<u8>; 2],
    status: [i32; 2],
}

/// What is wrong with a conversation, if anything is.
fn fault(conversation: &Conversation, held: &Held) -> Option<String> {
    let Conversation { shows, status, header, .. } = conversation;
    let Held { shown, said, .. } = held;
    let said = said.each_ref().map(|said| String::from_utf8_lossy(said));
    let wire = |said: &str| {
        if conversation.own { without_content(said) } else { said.to_owned() }
    };
    if held.status != *status {
        return Some(format!("{shows}: the statuses are {:?}\n{shown}\n", held.status));
    }
    if conversation.is_clear() && wire(&said[0]) != wire(&said[1]) {
        return Some(format!("{shows}: on the wire\n{}\n---\n{}\n", said[0], said[1]));
    }
    let lacks =
        |header: &String| said.iter().any(|said| !said.contains(&format!("\r\n{header}\r\n")));
    if header.as_ref().is_some_and(lacks) {
        return Some(format!("{shows}: a header\n{}\n---\n{}\n", said[0], said[1]));
    }
    let rest = shown.without(&DIFFERENCES);
    (rest.swaks != rest.envoi).then(|| format!("{shows}: what is shown\n{shown}\n{rest}\n"))
}

/// What both are made to say.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Conversation {
    shows: String,
    server: String,
    #[serde(default = "in_clear")]
    mode: String,
    #[serde(default = "to_bob")]
    to: String,
    auth: Option<String>,
    header: Option<String>,
    #[serde(default)]
    full: bool,
    #[serde(default)]
    own: bool,
    #[serde(default)]
    words: [String; 2],
    status: [i32; 2],
}

fn in_clear() -> String {
    "clear".to_owned()
}

fn to_bob() -> String {
    "bob@example.net".to_owned()
}

impl Conversation {
    fn all() -> Vec<Self> {
        #[derive(Deserialize)]
        struct Table {
            conversation: Vec<Conversation>,
        }
        let table: Table = toml::from_str(include_str!("swaks/conversations.toml"))
            .unwrap_or_else(|error| panic!("swaks/conversations.toml: {error}"));
        table.conversation
    }

    /// What is said is there to be read.
    fn is_clear(&self) -> bool {
        self.mode == "clear" || self.mode == "lmtp"
    }

    /// The mechanism, and the password.
    fn sign_in(&self) -> Option<(&str, &'static str)> {
        let mechanism = self.auth.as_deref()?;
        Some(match mechanism.strip_prefix("wrong ") {
            Some(mechanism) => (mechanism, WRONG),
            None => (mechanism, PASSWORD),
        })
    }

    fn of_swaks(&self, port: u16, authority: &Path) -> Vec<OsString> {
        let port = port.to_string();
        let mut words = Words::from(&self.words[0], &port);
        words.unless_given("--server", &["127.0.0.1"]);
        words.unless_given("--port", &[&port]);
        words.unless_given("--helo", &[HELO]);
        words.unless_given("--from", &[FROM]);
        words.unless_given("--to", &[&self.to]);
        match self.mode.as_str() {
            "starttls" => words.add(&["--tls", "--tls-verify"]),
            "implicit" => words.add(&["--tls-on-connect", "--tls-verify"]),
            "optional" => words.add(&["--tls-optional"]),
            "lmtp" => words.add(&["--protocol", "LMTP"]),
            _ => {}
        }
        words.add(&["--tls-ca-path", authority.to_str().expect("a path in UTF-8")]);
        if let Some((mechanism, password)) = self.sign_in() {
            words.add(&["--auth", mechanism, "--auth-user", USER, "--auth-password", password]);
        }
        match &self.header {
            Some(header) => words.add(&["--add-header", header]),
            None => words.unless_given("--data", &["@message.eml"]),
        }
        words.add(&[if self.full { "--show-time-lapse" } else { "--suppress-data" }]);
        words.add(&["--output", TRANSCRIPT]);
        words.0
    }

    fn of_the_program(&self, port: u16, authority: &Path) -> Vec<OsString> {
        let scheme = match self.mode.as_str() {
            "starttls" => "smtp",
            "implicit" => "smtps",
            "optional" => "smtp+opportunistic",
            "lmtp" => "lmtp+notls",
            _ => "smtp+notls",
        };
        let port = port.to_string();
        let mut words = Words::from(&self.words[1], &port);
        words.unless_given("--server", &[&format!("{scheme}://127.0.0.1:{port}")]);
        words.unless_given("--helo", &[HELO]);
        words.unless_given("-f", &[FROM]);
        words.unless_given("--pipelining", &["off"]);
        // swaks has none of these.
        words.add(&["--without", "SIZE,8BITMIME,SMTPUTF8,DSN,CHUNKING"]);
        words.add(&["--to", &self.to]);
        if self.mode != "clear" {
            words.add(&["--tls-ca", authority.to_str().expect("a path in UTF-8")]);
        }
        if let Some((mechanism, password)) = self.sign_in() {
            let source = if password == PASSWORD { "file:password" } else { "file:wrong" };
            words.add(&["--auth", mechanism, "--user", USER, "--password-from", source]);
        }
        match &self.header {
            Some(header) => words.add(&["-H", header, "--body", "hello"]),
            None => words.unless_given("--message", &["message.eml"]),
        }
        words.add(&[if self.full { "-vv" } else { "-v" }]);
        words.0
    }
}

const HELO: &str = "client.example";
const FROM: &str = "alice@example.net";
const WRONG: &str = "not the password";
/// Where swaks writes its errors among the rest.
const TRANSCRIPT: &str = "swaks.transcript";

/// Whole, with a line that begins with a dot. swaks adds the last line end.
const MESSAGE: &str = "Date: Sat, 28 Nov 2026 12:00:00 +0000\r\nFrom: alice@example.net\r\n\
                       To: bob@example.net\r\nMessage-ID: <1@client.example>\r\n\
                       Subject: side by side\r\n\r\nA text,\r\n.and a dot.";
const BARE: &str = "From: alice@example.net\r\nSubject: bare\r\n\r\nA text";

/// The words of a command line.
struct Words(Vec<OsString>);

impl Words {
    fn from(text: &str, port: &str) -> Self {
        Self(text.split_whitespace().map(|word| word.replace("{port}", port).into()).collect())
    }

    fn add(&mut self, words: &[&str]) {
        self.0.extend(words.iter().map(OsString::from));
    }

    fn unless_given(&mut self, option: &str, values: &[&str]) {
        if !self.0.iter().any(|word| word == option) {
            self.add(&[option]);
            self.add(values);
        }
    }
}

/// The servers, and the files of both clients.
struct Bench {
    postfix: Lent<Postfix>,
    exim: Lent<Exim>,
    sink: Receiver,
    swaks: PathBuf,
    home: TempDir,
}

impl Bench {
    fn set_up() -> Self {
        let home = private_directory();
        let write = |name: &str, text: &str| {
            fs::write(home.path().join(name), text).expect("writing a file");
        };
        write("message.eml", MESSAGE);
        write("bare.eml", BARE);
        write("envoi.toml", "");
        for (name, password) in [("password", PASSWORD), ("wrong", WRONG)] {
            write(name, password);
            let closed = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            fs::set_permissions(home.path().join(name), closed).expect("closing a file");
        }
        let swaks = program("swaks", "swaks");
        Self { postfix: postfix(), exim: exim(), sink: Receiver::start(), swaks, home }
    }

    /// Has both hold a conversation.
    fn hold(&self, conversation: &Conversation) -> Held {
        let (port, home) = self.server(conversation);
        let authority = home.join(AUTHORITY);

        let _ = fs::remove_file(self.home.path().join(TRANSCRIPT));
        let by_swaks = Recorder::before(port, conversation.is_clear());
        let words = conversation.of_swaks(by_swaks.port(), &authority);
        let swaks = self.run(&self.swaks, &[], words);
        let transcript = fs::read_to_string(self.home.path().join(TRANSCRIPT));
        let transcript = transcript.unwrap_or_else(|error| panic!("{error}\n{swaks}"));

        let by_envoi = Recorder::before(port, conversation.is_clear());
        let words = conversation.of_the_program(by_envoi.port(), &authority);
        let envoi = self.run(Path::new(env!("CARGO_BIN_EXE_envoi")), &["send"], words);
        Held {
            shown: Transcripts::of(
                (&transcript, by_swaks.port()),
                (&envoi.stderr, by_envoi.port()),
            ),
            said: [by_swaks.said(), by_envoi.said()],
            status: [swaks.status, envoi.status],
        }
    }

    /// The port of a server, and where its authority is.
    fn server(&self, conversation: &Conversation) -> (u16, &Path) {
        let mode = match conversation.mode.as_str() {
            "starttls" | "optional" => Mode::Starttls,
            "implicit" => Mode::ImplicitTls,
            _ => Mode::Cleartext,
        };
        let postfix = self.postfix.home();
        match conversation.server.as_str() {
            "postfix" => (self.postfix.port(mode), postfix),
            "careless" => (self.postfix.careless_port(), postfix),
            "proxied" => (self.postfix.proxied_port(), postfix),
            "exim" => (self.exim.port(mode), self.exim.home()),
            "sink" => (self.sink.port(&conversation.mode), self.sink.home.path()),
            other => panic!("there is no server {other}"),
        }
    }

    fn run(&self, program: &Path, before: &[&str], words: Vec<OsString>) -> Run {
        let mut command = Command::new(program);
        command.args(before).args(words).env_clear().current_dir(self.home.path());
        let home = self.home.path().as_os_str();
        let configuration = self.home.path().join("envoi.toml");
        command.env("HOME", home).env("ENVOI_CONFIG", configuration);
        command.env("PATH", "/usr/bin:/bin").env("LANG", "C.UTF-8");
        finished(command.stdin(Stdio::null()), self.home.path())
    }
}

/// What was said but for what stands between DATA and the end of a message.
fn without_content(said: &str) -> String {
    let (before, rest) = said.split_once("\r\nDATA\r\n").unwrap_or((said, ""));
    let (_, after) = rest.split_once("\r\n.\r\n").unwrap_or((rest, ""));
    format!("{before}\r\nDATA\r\n.\r\n{after}")
}

/// The embedded receiver, which refuses as Postfix does, and one recipient when
/// the message has come.
struct Receiver {
    ports: [u16; 3],
    _process: Kept,
    home: TempDir,
}

impl Receiver {
    fn start() -> Self {
        let directory = private_directory();
        let home = directory.path();
        let ports = free_ports();
        let [clear, tls, lmtp] = ports.map(|port| format!("127.0.0.1:{port}"));
        let user = format!("{USER}:{PASSWORD}");
        let nobody = format!("{NOBODY}=550 5.1.1 no such user here");
        let later = format!("{LATER}=450 4.2.0 mailbox is busy");
        let full = "full@example.net=552 5.2.2 mailbox is full";
        let options = [
            ["--listen", &clear, "--listen-tls", &tls],
            ["--listen-lmtp", &lmtp, "--ca-out", AUTHORITY],
            ["--user", &user, "--refuse-after-data", full],
            ["--refuse", &nobody, "--refuse", &later],
        ];
        let process = Kept::followed(receiver(home, &options.concat()), home, "sink.log");
        wait_until_listening(&ports, home, &["sink.log"]);
        wait_until(
            || "the receiver's authority".to_owned(),
            || home.join(AUTHORITY).is_file().then_some(()),
        );
        Self { ports, _process: process, home: directory }
    }

    fn port(&self, mode: &str) -> u16 {
        let [clear, tls, lmtp] = self.ports;
        match mode {
            "implicit" => tls,
            "lmtp" => lmtp,
            _ => clear,
        }
    }
}
