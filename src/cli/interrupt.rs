//! Ctrl-C and its kin: the first asks the waits to end, the second ends the
//! process as it always would. A file that may not grow is no reason to end.

use crate::net::Interrupt;
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Installs the handlers and gives the value that they set.
pub(super) fn install() -> io::Result<Interrupt> {
    let interrupt = Interrupt::default();
    for (signal, number) in [(SIGINT, 2), (SIGTERM, 15), (SIGHUP, 1)] {
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
    Ok(interrupt)
}
