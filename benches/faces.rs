//! What `sendmail -t` costs beside `envoi send`: whole processes that submit the
//! same small message by the same configuration to the embedded receiver.
//!
//! `cargo bench --bench faces` prints both and their ratios, and fails where one is
//! above what it is held to.
#![expect(clippy::disallowed_macros, reason = "prints what it measures")]
#![expect(clippy::disallowed_methods, reason = "measures time")]

mod processor;

use envoi::sink::{Event, Listen, Settings, Sink, Storage};
use processor::children;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Sendmail's time, over that of `envoi send`.
const HELD_TO: f64 = 1.1;

/// The two take turns of so many processes: processor time is told in hundredths of
/// a second.
const TURNS: u32 = 40;
const PROCESSES: u32 = 25;

fn main() -> ExitCode {
    // What runs tests runs this, too, and has no release build.
    let measuring = std::env::args().any(|argument| argument == "--bench");
    let (turns, processes) = if measuring { (TURNS, PROCESSES) } else { (1, 1) };
    let (home, sink) = prepared();
    let mut send = Face::called(&["send", "-q", "--message", "-"]);
    let mut sendmail = Face::called(&["sendmail", "-t", "-i"]);
    for turn in 0..turns {
        // Nobody is always the one that comes behind the other.
        let [first, second] =
            if turn % 2 == 0 { [&mut send, &mut sendmail] } else { [&mut sendmail, &mut send] };
        first.take_turn(processes, home.path());
        second.take_turn(processes, home.path());
    }
    let arrived = sink.events().try_iter().filter(|event| matches!(event, Event::Stored(_)));
    assert_eq!(arrived.count(), 2 * (turns * processes) as usize, "messages arrived");
    if !measuring {
        return ExitCode::SUCCESS;
    }
    report(&send, &sendmail)
}

/// One of the program's faces, and how long its processes took.
struct Face {
    words: &'static [&'static str],
    took: Vec<Duration>,
    processor: Duration,
}

impl Face {
    fn called(words: &'static [&'static str]) -> Self {
        Face { words, took: Vec::new(), processor: Duration::ZERO }
    }

    fn take_turn(&mut self, processes: u32, home: &Path) {
        let before = children();
        for _ in 0..processes {
            let mut program = Command::new(env!("CARGO_BIN_EXE_envoi"));
            program.args(self.words).env_clear().env("HOME", home);
            program.env("ENVOI_CONFIG", home.join("config.toml"));
            program.stdin(File::open(home.join("message")).unwrap());
            let start = Instant::now();
            let status = program.status().unwrap();
            self.took.push(start.elapsed());
            assert!(status.success(), "{:?}: {status}", self.words);
        }
        self.processor += children().saturating_sub(before);
    }

    /// By the clock the median, by the processor the mean: milliseconds.
    fn times(&self) -> [f64; 2] {
        let mut took = self.took.clone();
        took.sort();
        let processor = self.processor / u32::try_from(took.len()).unwrap();
        [took[took.len() / 2], processor].map(|time| time.as_secs_f64() * 1000.0)
    }
}

/// A user with an account, a few aliases and a message of 1 KiB, and his server.
fn prepared() -> (TempDir, Sink) {
    let listen = vec![Listen::loopback(0, envoi::sink::Encryption::StartTls)];
    let settings = Settings { listen, storage: Storage::Discard, ..Settings::default() };
    let sink = Sink::start(settings).unwrap();
    let home = TempDir::new().unwrap();
    let write = |name: &str, text: &str| fs::write(home.path().join(name), text).unwrap();
    let (port, aliases) = (sink.address().port(), home.path().join("aliases"));
    write(
        "config.toml",
        &format!(
            "[accounts.main]\nserver = \"smtp+notls://localhost:{port}\"\n\n\
             [rewrite]\naliases = \"{}\"\n",
            aliases.display()
        ),
    );
    write("aliases", "postmaster: root\nabuse: root\nwww-data: root\nroot: alice@example.org\n");
    let mut message = "From: Alice <alice@example.org>\nTo: bob@example.org\nSubject: Small\n\
        Date: Mon, 23 Nov 2026 04:00:00 +0000\nMessage-ID: <small@example.org>\n\n"
        .to_owned();
    message += &"Nobody reads this line, and there are more of the same.\n".repeat(16);
    message.truncate(1023);
    write("message", &(message + "\n"));
    (home, sink)
}

fn report(send: &Face, sendmail: &Face) -> ExitCode {
    let (send, sendmail) = (send.times(), sendmail.times());
    let mut code = ExitCode::SUCCESS;
    for (index, by) in ["by the clock", "by the processor"].into_iter().enumerate() {
        let (send, sendmail) = (send[index], sendmail[index]);
        let ratio = sendmail / send;
        println!("{by}: sendmail -t {sendmail:.2} ms, send {send:.2} ms: {ratio:.2} ×");
        if ratio > HELD_TO {
            println!("{by}: held to {HELD_TO} ×");
            code = ExitCode::FAILURE;
        }
    }
    code
}
