//! What it takes to receive: the receiver in memory beside Postfix's smtp-sink under
//! Postfix's smtp-source, and beside the least that a receiver can do under clients
//! that pipeline.
//!
//! `cargo bench --bench receiving` prints each and their ratios, and fails where one is
//! above what it is held to. The programs of Postfix must be there.
#![expect(clippy::disallowed_macros, reason = "prints what it measures")]
#![expect(clippy::disallowed_methods, reason = "measures time")]
#![expect(clippy::disallowed_types, reason = "clients and a server of its own")]

#[path = "receiving/feeding.rs"]
mod feeding;
#[path = "receiving/floor.rs"]
mod floor;
mod processor;
#[path = "receiving/receiver.rs"]
mod receiver;

use receiver::Receiver;
use std::net::SocketAddr;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

/// A way to hand in mail, and how much of it.
struct Case {
    what: &'static str,
    messages: u32,
    feed: Feed,
    /// What the receiver takes, over what the other one does; `None` where it is
    /// only told.
    held_to: Option<f64>,
}

/// Who hands it in.
enum Feed {
    /// smtp-source with these options, by the clock.
    Source(&'static [&'static str]),
    /// A client that waits for the answer to DATA only, by the processor.
    Data { octets: usize },
    /// A client that waits for nothing, by the processor.
    Chunks { octets: usize },
}

const TURNS: u32 = 15;

/// What smtp-sink takes is the measure. But it keeps one thread awake with many clients
/// that come and go, where here one is woken for each.
const BY_THREADS: f64 = 1.25;

const CASES: [Case; 9] = [
    source("one connection after another, 1 KiB", 1_500, &["-s", "1", "-l", "1024"], 1.0),
    source("ten connections at a time, 1 KiB", 3_000, &["-s", "10", "-l", "1024"], BY_THREADS),
    source("one connection for all, 1 KiB", 4_000, &["-d", "-s", "1", "-l", "1024"], 1.0),
    source("ten connections for all, 1 KiB", 6_000, &["-d", "-s", "10", "-l", "1024"], 1.0),
    source("ten connections for all, 100 KiB", 1_000, &["-d", "-s", "10", "-l", "102400"], 1.0),
    Case {
        what: "pipelined by DATA, 1 KiB",
        messages: 10_000,
        feed: Feed::Data { octets: 1 << 10 },
        held_to: Some(2.0),
    },
    Case {
        what: "pipelined by DATA, 100 KiB",
        messages: 2_000,
        feed: Feed::Data { octets: 100 << 10 },
        held_to: Some(2.0),
    },
    Case {
        what: "pipelined by BDAT, 100 KiB",
        messages: 2_000,
        feed: Feed::Chunks { octets: 100 << 10 },
        held_to: None,
    },
    Case {
        what: "pipelined by BDAT, 1 KiB",
        messages: 50_000,
        feed: Feed::Chunks { octets: 1 << 10 },
        held_to: None,
    },
];

const fn source(
    what: &'static str,
    messages: u32,
    options: &'static [&'static str],
    held_to: f64,
) -> Case {
    Case { what, messages, feed: Feed::Source(options), held_to: Some(held_to) }
}

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(floor::WORD) {
        floor::serve();
    }
    // What runs tests runs this, too, and has no release build.
    let is_measuring = std::env::args().any(|argument| argument == "--bench");
    let mut code = ExitCode::SUCCESS;
    // Of several, those whose name has this in it.
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    for case in CASES {
        if wanted.as_ref().is_some_and(|wanted| !case.what.contains(wanted)) {
            continue;
        }
        let turns = if is_measuring { TURNS } else { 1 };
        let messages = if is_measuring { case.messages } else { 20 };
        let is_held = measured(&Case { messages, ..case }, turns);
        if is_measuring && !is_held {
            code = ExitCode::FAILURE;
        }
    }
    code
}

/// Measures both receivers. True when ours takes no more than it is held to.
fn measured(case: &Case, turns: u32) -> bool {
    let by_clock = matches!(case.feed, Feed::Source(_));
    let own = Receiver::own();
    let other = if by_clock { Receiver::smtp_sink() } else { Receiver::floor() };
    let mut took = [Vec::new(), Vec::new()];
    for turn in 0..turns {
        // Nobody is always the one that comes behind the other.
        let order = if turn % 2 == 0 { [0, 1] } else { [1, 0] };
        for which in order {
            let receiver = [&own, &other][which];
            let processor = receiver.processor();
            let start = Instant::now();
            case.feed.hand_in(receiver.address, case.messages);
            let clock = start.elapsed();
            let took_now =
                if by_clock { clock } else { receiver.processor().saturating_sub(processor) };
            took[which].push(took_now);
        }
    }
    // The processor's time is told in hundredths of a second: all turns together
    // tell it best.
    let [own, other] = took.map(|took| if by_clock { median(took) } else { mean(&took) });
    let micros = |took: Duration| took.as_secs_f64() * 1e6 / f64::from(case.messages);
    let ratio = own.as_secs_f64() / other.as_secs_f64();
    let (by, name) =
        if by_clock { ("by the clock", "smtp-sink") } else { ("by the processor", "the least") };
    let held = case.held_to.map_or_else(String::new, |bound| format!(", held to {bound}"));
    println!(
        "{}, {by}: {:.1} µs a message, {name} {:.1} µs: {ratio:.2} ×{held}",
        case.what,
        micros(own),
        micros(other),
    );
    case.held_to.is_none_or(|bound| ratio <= bound)
}

impl Feed {
    fn hand_in(&self, receiver: SocketAddr, messages: u32) {
        match self {
            Feed::Source(options) => {
                let mut program = Command::new("smtp-source");
                // Debian puts it where only root looks.
                let path = std::env::var("PATH").unwrap_or_default();
                program.env("PATH", format!("{path}:/usr/sbin:/usr/libexec/postfix"));
                program.args(["-f", "a@example.org", "-t", "b@example.org"]).args(*options);
                program.args(["-m", &messages.to_string(), &receiver.to_string()]);
                let status = program.status().expect("smtp-source, of Postfix");
                assert!(status.success(), "smtp-source: {status}");
            }
            Feed::Data { octets } => feeding::by_data(receiver, messages, *octets),
            Feed::Chunks { octets } => feeding::by_chunks(receiver, messages, *octets),
        }
    }
}

fn median(mut took: Vec<Duration>) -> Duration {
    took.sort();
    took[took.len() / 2]
}

fn mean(took: &[Duration]) -> Duration {
    took.iter().sum::<Duration>() / u32::try_from(took.len()).unwrap()
}
