//! The log of several runs at once, and of one whose file may not grow.

use crate::running::{GENEROUS, Place, Started, finished};
use crate::server::taken;
use crate::{come_to_the_rule, shell, sink, slow};
use std::ffi::OsString;
use std::fs;

/// A place with an account that logs in a file at this port.
fn place(port: u16) -> Place {
    let place = Place::new();
    let config = format!(
        "[accounts.a]\nfrom = 'me@client.example'\nserver = 'smtp+notls://127.0.0.1:{port}'\n\
         log = '~/log'\n"
    );
    place.write("config/envoi/config.toml", &config, None);
    place
}

const WORDS: [&str; 5] = ["send", "-q", "--body", "hi", "a@x.example"];

#[test]
fn lines_of_many_runs_at_once_are_whole() {
    let sink = sink();
    let place = place(sink.address().port());
    let sent = std::thread::scope(|scope| {
        let run = || scope.spawn(|| place.run(WORDS, None).status);
        let runs: Vec<_> = (0..20).map(|_| run()).collect();
        runs.into_iter().map(|run| run.join().expect("a run")).collect::<Vec<_>>()
    });
    assert_eq!(sent, [0; 20]);
    assert_eq!(taken(&sink).messages.len(), 20);
    let log = fs::read_to_string(place.directory().join("log")).expect("the log");
    assert_eq!(log.lines().count(), 20, "{log}");
    for line in log.lines() {
        assert_eq!(line.matches("host=").count(), 1, "{line}");
        assert!(line.contains(" exitcode=EX_OK ") && line.contains(" elapsed="), "{line}");
    }
}

#[test]
fn half_a_line_is_taken_back_when_the_file_may_not_grow() {
    // EX-6
    let sink = sink();
    let place = place(sink.address().port());
    let before = format!("{}\n", "x".repeat(899));
    place.write("log", &before, None);
    let words = WORDS.map(OsString::from);
    // Blocks of 512 octets.
    let run = finished(shell(&place, "ulimit -f 2; exec \"$@\"", &words));
    assert_eq!(run.status, 0, "{run}");
    let log = place.directory().join("log");
    let warning = format!("warning: nothing was logged in {}: File too large\n", log.display());
    assert_eq!(run.stderr, warning, "{run}");
    assert_eq!(fs::read_to_string(log).expect("the log"), before);
    assert_eq!(taken(&sink).messages.len(), 1);
}

#[test]
fn a_run_that_ctrl_c_ends_is_in_the_log() {
    // EX-4, EX-5
    // The answer to RCPT never comes.
    let sink = slow(3, GENEROUS);
    let place = place(sink.address().port());
    let envoi = Started(place.envoi(WORDS).spawn().expect("starting envoi"));
    come_to_the_rule(&sink);
    envoi.interrupt();
    let run = envoi.finish();
    assert_eq!(run.status, 130, "{run}");
    let log = fs::read_to_string(place.directory().join("log")).expect("the log");
    assert!(log.contains(" errormsg='interrupted while waiting for "), "{log}");
    assert!(log.contains("' exitcode=EX_SIGNAL_2 ") && log.lines().count() == 1, "{log}");
}
