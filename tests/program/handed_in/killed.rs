//! Runs that are killed while they take over, and runs beside each other.

use super::{ALICE, BOB, DROP, Machine, entry};
use crate::running::finished;
use std::process::Stdio;

#[test]
#[ignore = "only root can make users"]
fn a_run_that_is_killed_while_it_takes_over_loses_nothing_and_doubles_nothing() {
    //
    let machine = Machine::new();
    machine.configure(1);
    let subjects: Vec<String> = (0..200).map(|number| format!("number {number:03}")).collect();
    for (number, subject) in subjects.iter().enumerate() {
        let owner = if number % 2 == 0 { ALICE } else { BOB };
        machine.put(owner, &format!("{number:016x}"), &entry(subject, |it| it), 0o600);
    }
    let opened = |mode: &str| {
        machine.shell("root", &format!("find {DROP} -type f -exec chmod {mode} {{}} +"));
    };
    let mut midway = 0;
    let mut seen = 200;
    let mut rounds = 0;
    while !machine.files("drop").is_empty() {
        rounds += 1;
        assert!(rounds < 100, "some are never taken over");
        let mut command = machine.command("root", &["envoi", "queue", "run", "-q"]);
        let mut run = command.spawn().expect("starting it");
        // Some are taken, and then it dies.
        let started = std::time::Instant::now();
        while machine.files("drop").len() + 20 > seen && run.try_wait().expect("it").is_none() {
            assert!(started.elapsed().as_secs() < 60, "nothing is taken over");
        }
        run.kill().expect("killing it");
        run.wait().expect("its end");
        // The next run comes to none of the files.
        opened("0644");
        machine.configure(machine.sink.address().port());
        machine.root_sends();
        machine.configure(1);
        opened("0600");
        seen = machine.files("drop").len();
        midway += usize::from(seen > 0);
    }
    assert!(midway > 2, "it was never killed in the middle");
    machine.configure(machine.sink.address().port());
    machine.root_sends();
    machine.root_sends();
    assert_eq!(machine.arrived(), subjects);
}

#[test]
#[ignore = "only root can make users"]
fn a_copy_that_a_killed_run_has_left_is_sent_beside_what_another_user_calls_the_same() {
    //
    let machine = Machine::new();
    machine.configure(1);
    let name = "1".repeat(16);
    machine.put(ALICE, &name, &entry("alice", |it| it), 0o600);
    assert_eq!(machine.run("root", &["envoi", "queue", "run", "-q"], "").status, 0);
    let script = format!("cd /var/spool/envoi/queue; mv {name} {name}.copy; rm -f {name}.state");
    assert_eq!(machine.shell("root", &script).status, 0);
    machine.put(BOB, &name, &entry("bob", |it| it), 0o600);
    machine.configure(machine.sink.address().port());
    machine.root_sends();
    machine.root_sends();
    assert_eq!(machine.arrived(), ["alice", "bob"]);
    assert_eq!((machine.files("drop"), machine.entries()), (vec![], vec![]));
}

#[test]
#[ignore = "only root can make users"]
fn many_runs_at_once_send_what_was_handed_in_once() {
    //
    let machine = Machine::new();
    let subjects: Vec<String> = (0..60).map(|number| format!("number {number:03}")).collect();
    for (number, subject) in subjects.iter().enumerate() {
        machine.put(ALICE, &format!("{number:016x}"), &entry(subject, |it| it), 0o600);
    }
    let mut command = machine.command(
        "root",
        &["sh", "-c", "for i in 1 2 3 4 5 6 7 8; do envoi queue run -q & done; wait"],
    );
    let run = finished({
        command.stdin(Stdio::null());
        command
    });
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run}");
    assert_eq!(machine.arrived(), subjects);
    assert_eq!(machine.files("drop"), [""; 0]);
}
