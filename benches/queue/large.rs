//! A message of 1 GiB: how much memory it takes to keep it, and to send it under
//! TLS, with a sign-in.

use super::memory::{PATIENCE, full_pipe, peak_until};
use super::spool::directory;
use super::{Extent, Figure, draining};
use envoi::queue::Id;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;
use std::process::Stdio;

const MEBIBYTES: f64 = 12.0;

pub(crate) fn measure(extent: Extent) -> Vec<Figure> {
    let (home, sink) = (directory(), draining::sink());
    let queue = draining::prepare(home.path(), &sink);
    // A hole: it is read, and takes no room on the disk.
    File::create(home.path().join("hole")).unwrap().set_len(extent.attached).unwrap();
    // Who keeps a message is warned where nobody runs the queue.
    draining::envoi(home.path(), &["queue", "run", "-q"]);
    let keep = ["send", "--queue-only", "--body", "hi", "-a", "hole", "bob@example.org"];
    let kept = peak(home.path(), &keep, || entries(&queue) == 1);
    let sent = peak(home.path(), &["queue", "run", "--all"], || entries(&queue) == 0);
    let octets = sink.next_stored(PATIENCE).unwrap().size;
    assert!(octets > extent.attached / 3 * 4, "{octets} octets arrived");
    [("kept", kept), ("sent", sent)]
        .map(|(how, is)| {
            let what = format!("a message of {} MiB, {how}: MiB", octets >> 20);
            Figure { what, is, held_to: MEBIBYTES }
        })
        .into()
}

fn entries(queue: &Path) -> usize {
    let names = fs::read_dir(queue).into_iter().flatten().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_str().is_some_and(|name| name.parse::<Id>().is_ok())).count()
}

/// In MiB.
fn peak(home: &Path, words: &[&str], is_done: impl Fn() -> bool) -> f64 {
    let (mut report, standard_output) = full_pipe();
    let mut program = draining::program(home, words);
    program.current_dir(home).stdin(Stdio::null()).stdout(standard_output);
    let mut started = program.spawn().unwrap();
    drop(program);
    let peak = peak_until(&started, is_done);
    report.read_to_end(&mut Vec::new()).unwrap();
    assert!(started.wait().unwrap().success(), "{words:?}");
    let kibibytes = peak.expect("it was measured before it ended") / 1024;
    f64::from(u32::try_from(kibibytes).unwrap()) / 1024.0
}
