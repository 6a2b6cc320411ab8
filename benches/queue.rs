//! What the queue costs: keeping a message beside a plain file that is written as
//! safely, a run beside one process a message, a message of 1 GiB, and the list of 10,000.
//!
//! `cargo bench --bench queue` prints the figures, and fails where one is above
//! what it is held to. What is kept lies below `target/`, which is to be on a disk.
#![expect(clippy::disallowed_macros, reason = "prints what it measures")]
#![expect(clippy::disallowed_methods, reason = "measures time")]

#[path = "queue/draining.rs"]
mod draining;
#[path = "queue/keeping.rs"]
mod keeping;
#[path = "queue/large.rs"]
mod large;
#[path = "queue/listing.rs"]
mod listing;
#[path = "../tests/program/memory.rs"]
mod memory;
mod processor;
#[path = "queue/spool.rs"]
mod spool;

use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How much is done.
#[derive(Clone, Copy)]
struct Extent {
    /// What waits in the queue that is listed, and in that to which is added.
    waiting: usize,
    /// Messages that are kept.
    kept: usize,
    /// Messages of each run.
    sent: usize,
    /// Octets of the attachment of a large message.
    attached: u64,
    /// Turns of two that are compared.
    turns: usize,
}

fn main() -> ExitCode {
    // What runs tests runs this, too, and has no release build.
    let measuring = std::env::args().any(|argument| argument == "--bench");
    let extent = if measuring {
        Extent { waiting: 10_000, kept: 500, sent: 100, attached: 790 << 20, turns: 9 }
    } else {
        Extent { waiting: 20, kept: 5, sent: 3, attached: 1 << 20, turns: 1 }
    };
    let mut figures = keeping::measure(extent);
    figures.extend(draining::measure(extent));
    figures.extend(large::measure(extent));
    figures.extend(listing::measure(extent));
    let mut code = ExitCode::SUCCESS;
    for Figure { what, is, held_to } in figures {
        println!("{what}: {is:.2}, held to {held_to}");
        if measuring && is > held_to {
            code = ExitCode::FAILURE;
        }
    }
    code
}

/// Something that was measured.
struct Figure {
    what: String,
    is: f64,
    held_to: f64,
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// By the clock: the median of each, which took turns, and the first over the
/// second.
fn ratio(mut pairs: Vec<(Duration, Duration)>) -> f64 {
    let middle = pairs.len() / 2;
    pairs.sort();
    let one = pairs[middle].0;
    pairs.sort_by_key(|pair| pair.1);
    one.as_secs_f64() / pairs[middle].1.as_secs_f64()
}
