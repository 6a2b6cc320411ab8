//! Ctrl-C and its kin: the first asks the waits to end, the second ends the
//! process as it always would. Under nohup a hangup stays ignored. A file that may
//! not grow is no reason to end.

use crate::net::Interrupt;
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;
use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Installs the handlers and gives the value that they set.
pub(super) fn install() -> io::Result<Interrupt> {
    let interrupt = Interrupt::default();
    install_for(&interrupt)?;
    Ok(interrupt)
}

/// The same for a value that is known elsewhere already.
pub(super) fn install_for(interrupt: &Interrupt) -> io::Result<()> {
    let is_ignored = ignored();
    // Shells have background commands ignore Ctrl-C, which is no wish of anybody.
    let outlives = |signal| signal == SIGHUP && is_ignored(signal);
    for (signal, number) in [(SIGINT, 2), (SIGTERM, 15), (SIGHUP, 1)] {
        if outlives(signal) {
            continue;
        }
        let asked_before = Arc::new(AtomicBool::new(false));
        flag::register_conditional_default(signal, Arc::clone(&asked_before))?;
        flag::register(signal, asked_before)?;
        flag::register_usize(signal, interrupt.cell(), number)?;
    }
    // Who starts us may ignore this signal, and so would we: then nobody learns
    // how a password program ended (wait(2)).
    flag::register(SIGCHLD, Arc::default())?;
    // With a handler, the write fails instead (setrlimit(2)).
    flag::register(SIGXFSZ, Arc::default())?;
    Ok(())
}

/// Tells which signals this process ignores (proc(5)).
pub(super) fn ignored() -> impl Fn(i32) -> bool {
    // Where that cannot be read, all are heeded.
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    move |signal| mask & (1 << (signal - 1)) != 0
}
