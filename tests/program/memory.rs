//! How much memory a program takes, seen from beside it.

use rustix::io::ioctl_fionbio;
use std::fs;
use std::io::{PipeReader, PipeWriter, Write as _};
use std::process::Child;
use std::time::{Duration, Instant};

/// Nothing that is measured takes as long as this, whoever else needs the
/// processors.
pub(crate) const PATIENCE: Duration = Duration::from_secs(600);

/// The most memory that a program had in use until this held, in octets. `None`
/// where it ended before that.
pub(crate) fn peak_until(program: &Child, is_done: impl Fn() -> bool) -> Option<u64> {
    let started = Instant::now();
    while !is_done() {
        peak(program)?;
        assert!(started.elapsed() < PATIENCE, "it hangs");
        std::thread::sleep(Duration::from_millis(5));
    }
    peak(program)
}

/// `VmHWM` of proc(5), in octets. What a parent had in use is no part of it, as it
/// is of `ru_maxrss`. `None` where the program has ended.
pub(crate) fn peak(program: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", program.id())).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes = peak.trim().strip_suffix(" kB").expect("kibibytes");
    Some(kibibytes.parse::<u64>().expect("a number") * 1024)
}

/// A pipe that takes nothing before somebody reads from it: a program that reports
/// to it cannot end before it is measured.
pub(crate) fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    ioctl_fionbio(&writer, true).expect("not to wait for it");
    while writer.write(&[b'.'; 4096]).is_ok() {}
    ioctl_fionbio(&writer, false).expect("to wait for it");
    (reader, writer)
}
