//! The tests that Python has for its smtplib, with the receiver in place of the servers
//! that they bring: `own_tests.py` has which of them, and why not the others.

use std::process::{Command, Stdio};

use super::Home;
use crate::program::finished;
use crate::server::{file, python};

#[test]
fn the_tests_of_pythons_smtplib_pass_before_the_receiver() {
    let home = Home::new();
    let mut tests = Command::new(python());
    tests
        .arg(file("clients/own_tests.py"))
        .arg(env!("CARGO_BIN_EXE_envoi"))
        .env_clear()
        .envs([("HOME", home.path()), ("TMPDIR", home.path())])
        .env("LANG", "C.UTF-8")
        .current_dir(home.path())
        .stdin(Stdio::null());
    let run = finished(&mut tests, home.path()).exits(0);
    // Fewer, and the module is another one.
    let count = run.stdout.matches(" ... ok\n").count();
    assert!(count >= 60, "only {count} tests\n{run}");
}
