//! Processor time of other programs.
#![allow(dead_code, reason = "each benchmark uses its own part")]

use std::time::Duration;

/// What the children that ended have taken.
pub(crate) fn children() -> Duration {
    taken("/proc/self/stat", 13)
}

/// What a process that runs has taken.
pub(crate) fn process(number: u32) -> Duration {
    taken(&format!("/proc/{number}/stat"), 11)
}

/// The time as a user and that in the kernel, of which the first stands so many
/// fields behind the name (proc(5)); in hundredths of a second.
fn taken(stat: &str, field: usize) -> Duration {
    let stat = std::fs::read_to_string(stat).unwrap();
    let fields = stat.rsplit(')').next().unwrap().split_whitespace();
    let ticks: u64 = fields.skip(field).take(2).map(|field| field.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}
