//! What `-v` costs: whole processes that submit the same message to the embedded
//! receiver, with a conversation that somebody reads through a pipe, and without.
//!
//! `cargo bench --bench shown` prints both and their ratios, and fails where one is
//! above what it is held to.
#![expect(clippy::disallowed_macros, reason = "prints what it measures")]
#![expect(clippy::disallowed_methods, reason = "measures time")]

mod processor;

use envoi::sink::{Encryption, Event, Listen, Settings, Sink, Storage};
use processor::children;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A message, and how often it is sent.
struct Case {
    what: &'static str,
    octets: usize,
    /// The time with `-v`, over that without.
    held_to: f64,
    /// The two take turns of so many processes.
    turns: u32,
    processes: u32,
}

const CASES: [Case; 2] = [
    Case { what: "1 KiB", octets: 1 << 10, held_to: 1.1, turns: 60, processes: 20 },
    Case { what: "100 MiB", octets: 100 << 20, held_to: 1.05, turns: 25, processes: 1 },
];

fn main() -> ExitCode {
    // What runs tests runs this, too, and has no release build.
    let measuring = std::env::args().any(|argument| argument == "--bench");
    let mut code = ExitCode::SUCCESS;
    for case in CASES {
        let case = if measuring { case } else { Case { turns: 1, processes: 1, ..case } };
        let is_held = measured(&case);
        if measuring && !is_held {
            code = ExitCode::FAILURE;
        }
    }
    code
}

/// Measures both ways. True when it costs no more than it is held to.
fn measured(case: &Case) -> bool {
    let (home, sink) = prepared(case.octets);
    let (mut plain, mut shown) = (Way::called(&[]), Way::called(&["-v"]));
    for turn in 0..case.turns {
        // Nobody is always the one that comes behind the other.
        let [first, second] =
            if turn % 2 == 0 { [&mut plain, &mut shown] } else { [&mut shown, &mut plain] };
        first.take_turn(case.processes, home.path());
        second.take_turn(case.processes, home.path());
    }
    let arrived = sink.events().try_iter().filter(|event| matches!(event, Event::Stored(_)));
    assert_eq!(arrived.count(), 2 * (case.turns * case.processes) as usize, "messages arrived");
    let mut is_held = true;
    let (plain, shown) = (plain.times(), shown.times());
    for (index, by) in ["by the clock", "by the processor"].into_iter().enumerate() {
        let (plain, shown) = (plain[index], shown[index]);
        let ratio = shown / plain;
        let Case { what, held_to, .. } = case;
        println!(
            "{what} {by}: -v {shown:.2} ms, without {plain:.2} ms: {ratio:.3} ×, held to {held_to}"
        );
        is_held &= ratio <= *held_to;
    }
    is_held
}

/// One way to send, and how long its processes took.
struct Way {
    options: &'static [&'static str],
    took: Vec<Duration>,
    processor: Duration,
}

impl Way {
    fn called(options: &'static [&'static str]) -> Self {
        Way { options, took: Vec::new(), processor: Duration::ZERO }
    }

    fn take_turn(&mut self, processes: u32, home: &Path) {
        let before = children();
        for _ in 0..processes {
            let mut program = Command::new(env!("CARGO_BIN_EXE_envoi"));
            program.args(["send", "--message", "message"]).args(self.options);
            program.env_clear().env("HOME", home).current_dir(home);
            program.env("ENVOI_CONFIG", home.join("config.toml"));
            program.stdout(Stdio::piped()).stderr(Stdio::piped());
            let start = Instant::now();
            let output = program.output().unwrap();
            self.took.push(start.elapsed());
            assert!(output.status.success(), "{:?}: {}", self.options, output.status);
            assert_eq!(output.stderr.is_empty(), self.options.is_empty(), "what is shown");
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

/// A user with an account and a message of this size, and his server.
fn prepared(octets: usize) -> (TempDir, Sink) {
    let listen = vec![Listen::loopback(0, Encryption::StartTls)];
    let settings = Settings { listen, storage: Storage::Discard, ..Settings::default() };
    let sink = Sink::start(settings).unwrap();
    let home = TempDir::new().unwrap();
    let port = sink.address().port();
    let config = format!("[accounts.main]\nserver = \"smtp+notls://localhost:{port}\"\n");
    fs::write(home.path().join("config.toml"), config).unwrap();
    write_message(home.path().join("message"), octets);
    (home, sink)
}

fn write_message(path: PathBuf, octets: usize) {
    let header = "From: Alice <alice@example.org>\nTo: bob@example.org\nSubject: Size\n\
        Date: Mon, 23 Nov 2026 04:00:00 +0000\nMessage-ID: <size@example.org>\n\n";
    let line = "Nobody reads this line, and there are more of the same, all of one length.\n";
    let mut text = line.repeat((octets - header.len()) / line.len());
    text.insert_str(0, header);
    File::create(path).unwrap().write_all(text.as_bytes()).unwrap();
}
