//! What a run has copied that was killed then may still lie in the drop directory.
//! Where root cannot look there it waits, and is sent once when somebody has looked.

use super::{ALICE, DROP, Machine, entry};
use crate::running::{Run, Started};
use crate::terminal::wait_until;
use std::fs;

/// A message of Alice, and its subject.
const THEIRS: &str = "1111111111111111";
/// The rest of a message of root.
const ROOTS: &str = "--body hi -f root@box.example.org dave@away.example";

impl Machine {
    /// One where these messages of Alice were taken over. One of root's own waits
    /// behind them.
    fn with_taken(names: &[&str]) -> Self {
        let machine = Machine::new();
        machine.configure(1);
        for name in names {
            machine.put(ALICE, name, &entry(name, |it| it), 0o600);
        }
        machine.root_sends();
        let run = machine.root(&format!("envoi send -q --queue-only -s ours {ROOTS}"));
        assert_eq!(run.status, 0, "{run}");
        assert_eq!(machine.entries().len(), names.len() + 1);
        machine.configure(machine.sink.address().port());
        machine.place.write("envoi/other.toml", &machine.configuration(), None);
        machine
    }

    /// One whose run was killed when it had copied this message of Alice.
    fn with_copied(name: &str) -> Self {
        let machine = Machine::with_taken(&[name]);
        machine.changed(&format!("cd queue; rm {name}.state account.main; mv {name} {name}.copy"));
        machine.put(ALICE, name, &entry(name, |it| it), 0o600);
        machine
    }

    fn has_copy(&self, name: &str) -> bool {
        self.files("queue").contains(&format!("{name}.copy"))
    }

    fn root(&self, words: &str) -> Run {
        self.run("root", &words.split(' ').collect::<Vec<_>>(), "")
    }

    fn configuration(&self) -> String {
        fs::read_to_string(self.path("envoi/config.toml")).expect("the configuration")
    }

    /// Root runs these lines.
    fn changed(&self, script: &str) {
        let run = self.shell("root", &format!("cd /var/spool/envoi; {script}"));
        assert_eq!(run.status, 0, "{run}");
    }
}

/// What was done to the drop directory, what undoes it, and what is said of it.
const FAULTS: [[&str; 3]; 6] = [
    ["mv drop was; ln -s was drop", "rm drop; mv was drop", "cannot use the directory {drop}: "],
    ["mv drop was; ln -s no drop", "rm drop; mv was drop", "cannot use the directory {drop}: "],
    ["mv drop was; echo >drop", "rm drop; mv was drop", "cannot use the directory {drop}: "],
    ["mv drop was", "mv was drop", "there is no directory {drop}\n"],
    ["chown 2001 drop", "chown 0 drop", "the directory {drop} belongs to the user with the number"],
    ["chmod 777 drop", "chmod 1733 drop", "the directory {drop} may be changed by others"],
];

#[test]
#[ignore = "only root can make users"]
fn what_was_taken_over_waits_while_root_cannot_look_where_it_lay_and_is_sent_once() {
    // Q-4, SEC-10
    for [fault, repair, reason] in FAULTS {
        let machine = Machine::with_copied(THEIRS);
        machine.changed(fault);
        let reason = reason.replace("{drop}", DROP);
        for words in ["envoi queue run --all", "sendmail -q", "envoi queue run"] {
            let run = machine.root(words);
            let warning = format!("warning: what users handed in waits: {reason}");
            // Whoever has it run by a timer is to hear of it.
            assert!(
                run.status == 74 && run.stderr.starts_with(&warning),
                "{fault}: {words}: {run}"
            );
            assert_eq!(run.stderr.matches("warning: ").count(), 1, "it is said once: {run}");
        }
        assert_eq!(machine.arrived(), ["ours"]);
        let list = machine.root("envoi queue");
        let line = "1 message that a user handed in waits to be taken over: envoi queue run\n";
        assert!(list.stdout.starts_with(line), "{fault}: {list}");
        assert!(list.stdout.contains(&format!("nothing is taken over: {}", reason.trim_end())));

        // Who names it wants it sent, or gone.
        for words in ["envoi queue run 1", "envoi queue remove 1", "envoi queue show 1"] {
            let run = machine.root(words);
            let absent = format!("envoi: the message {THEIRS} was handed in, and is not in the");
            assert!(run.status == 66 && run.stderr.contains(&absent), "{fault}: {run}");
        }
        assert_eq!(machine.root("envoi queue remove --all").status, 0);
        assert!(machine.has_copy(THEIRS) && machine.entries().is_empty(), "{fault}");

        machine.changed(repair);
        machine.root_sends();
        machine.root_sends();
        assert_eq!(machine.arrived(), [THEIRS], "{fault}");
        assert!(machine.files("drop").is_empty() && machine.entries().is_empty(), "{fault}");
    }
}

#[test]
#[ignore = "only root can make users"]
fn what_users_handed_in_waits_where_root_reads_other_accounts() {
    //
    let machine = Machine::with_taken(&[THEIRS]);
    let run = machine.root("envoi --config /etc/envoi/other.toml queue run --all");
    assert_eq!(run.status, 78, "{run}");
    let warning = "warning: what users handed in waits: it goes through the accounts of \
                   /etc/envoi/config.toml, which is read where no other file is named, as \
                   /etc/envoi/other.toml is\n";
    assert_eq!(run.stderr, warning);
    assert_eq!((machine.arrived(), machine.entries()), (vec!["ours".into()], vec![THEIRS.into()]));
    let run = machine.root("envoi --config /etc/envoi/other.toml queue run 1");
    let alone = format!("envoi: the message {THEIRS} in the queue is left alone: it was handed in");
    assert!(run.status == 75 && run.stderr.contains(&alone), "{run}");
    machine.root_sends();
    machine.root_sends();
    assert_eq!(machine.arrived(), [THEIRS]);
}

#[test]
#[ignore = "only root can make users"]
fn who_stays_says_once_why_it_waits_and_sends_it_when_the_drop_directory_is_mended() {
    let machine = Machine::with_copied(THEIRS);
    machine.changed("chown 2001 drop");
    let words = ["envoi", "queue", "run", "--watch"];
    let mut watch = Started(machine.command("root", &words).spawn().expect("starting envoi"));
    wait_until("the first round", || machine.entries().is_empty().then_some(()));
    let stamp = || fs::read(machine.path("spool/envoi/queue/last-run")).expect("the stamp");
    let first = stamp();
    wait_until("another round", || (stamp() != first).then_some(()));
    machine.changed("chown 0 drop");
    let is_sent = || !machine.has_copy(THEIRS) && machine.entries().is_empty();
    wait_until("its way", || is_sent().then_some(()));
    assert_eq!(machine.arrived(), [THEIRS, "ours"]);
    watch.0.kill().expect("ending it");
    let run = watch.finish();
    assert_eq!(run.stderr.matches("what users handed in waits: ").count(), 1, "{run}");
}

#[test]
#[ignore = "only root can make users"]
fn root_who_sends_a_message_tries_his_own_that_are_due_and_none_that_users_handed_in() {
    // three are tried, those that have waited longest.
    let theirs = [THEIRS, "2222222222222222", "3333333333333333"];
    let machine = Machine::with_taken(&theirs);
    // All are due, and nothing has run for long.
    machine.changed("cd queue; rm *.state account.main last-run");
    let run = machine.root(&format!("envoi send -q -s new {ROOTS}"));
    assert_eq!(run.status, 0, "{run}");
    assert_eq!(machine.arrived(), ["new", "ours"]);
    machine.root_sends();
    machine.root_sends();
    assert_eq!(machine.arrived(), theirs);
}
