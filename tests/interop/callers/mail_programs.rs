//! Programs in which people write mail, and git, by which they send changes.

use std::fs;

use serde_json::json;

use super::{DOMAIN, Machine, SUBJECT, TERRY, TEXT, arrived, packaged};
use crate::letter::{Arrived, Letter};
use crate::postfix::postfix;
use crate::program::Run;
use crate::server::Server;

/// Terry's address, as the machine qualifies it.
fn terry() -> String {
    format!("{TERRY}@{DOMAIN}")
}

/// A file of Terry's, and what is in it.
const FILE: (&str, &str) = ("Übersicht.txt", "Zürich, 10 %\n.\n");

/// Runs a mail program as Terry, with the text on standard input.
#[track_caller]
fn mail(machine: &Machine, package: &str, words: &[&str]) -> Run {
    packaged(words[0], package);
    let (name, content) = FILE;
    machine.write(&format!("terry/{name}"), content);
    machine.run(TERRY, words, TEXT)
}

/// bsd-mailx 8.1.2 calls `/usr/sbin/sendmail -i -t`, and leaves From, Date and
/// Message-ID to it. Recipients without a domain stand in To as they were typed,
/// Subject in eight bits.
#[test]
fn bsd_mailx() {
    let server = postfix();
    let machine = Machine::before(&server);
    let [ann, bob, cal] = ["ann", "bob", "cal"].map(Letter::someone);
    let header = "X-Mine: yes";
    let words = ["bsd-mailx", "-s", SUBJECT, "-a", header, "-c", &bob, "-b", &cal, &ann, "root"];
    mail(&machine, "bsd-mailx", &words).exits(0);

    let arrived = arrived(&server, &terry(), &[&ann, &bob, &cal, &machine.root]);
    assert_eq!(arrived.read()["from"], json!([["Terry Tester", terry()]]));
    assert_eq!(arrived.addresses("to"), [&ann, &machine.root]);
    assert_eq!(arrived.addresses("cc"), [&bob]);
    arrived.assert_does_not_say(&cal);
    assert_eq!(arrived.read()["subject"], SUBJECT);
    assert_eq!(arrived.read()["text"], TEXT);
    assert!(arrived.says("\nX-Mine: yes\n"));
}

/// s-nail 14.9 calls `/usr/sbin/sendmail -i -- RECIPIENT…`, with the blind ones
/// among them, and leaves From and Message-ID to it.
#[test]
fn s_nail() {
    let server = postfix();
    let machine = Machine::before(&server);
    let [ann, bob, cal] = ["ann", "bob", "cal"].map(Letter::someone);
    let words = ["s-nail", "-s", SUBJECT, "-a", FILE.0, "-c", &bob, "-b", &cal, &ann, "root"];
    mail(&machine, "s-nail", &words).exits(0);

    let arrived = arrived(&server, &terry(), &[&ann, &bob, &cal, &machine.root]);
    assert_eq!(arrived.read()["from"], json!([["Terry Tester", terry()]]));
    assert_eq!(arrived.addresses("to"), [&ann, &machine.root]);
    assert_eq!(arrived.addresses("cc"), [&bob]);
    arrived.assert_does_not_say(&cal);
    assert_eq!(arrived.read()["subject"], SUBJECT);
    assert_eq!(arrived.read()["text"], TEXT);
    assert_eq!(arrived.attachment(), (FILE.0, FILE.1.as_bytes().to_vec()));
}

/// mutt 2.2 calls `/usr/sbin/sendmail -oem -oi -- RECIPIENT…`, with the blind ones
/// among them. It qualifies addresses itself, with the name that the kernel has
/// for the machine: `root@box`.
#[test]
fn mutt() {
    let server = postfix();
    let machine = Machine::before(&server);
    let [ann, bob, cal] = ["ann", "bob", "cal"].map(Letter::someone);
    let words = ["mutt", "-s", SUBJECT, "-c", &bob, "-b", &cal, "-a", FILE.0, "--", &ann, "root"];
    mail(&machine, "mutt", &words).exits(0);

    let arrived = arrived(&server, &terry(), &[&ann, &bob, &cal, &machine.root]);
    assert_eq!(arrived.read()["from"], json!([["Terry Tester", terry()]]));
    assert_eq!(arrived.addresses("to"), [&ann, &machine.root]);
    assert_eq!(arrived.addresses("cc"), [&bob]);
    arrived.assert_does_not_say(&cal);
    assert_eq!(arrived.read()["subject"], SUBJECT);
    assert_eq!(arrived.read()["text"], TEXT);
    // It writes text in the smallest charset that has its characters.
    let latin_1 = FILE.1.chars().map(|character| u8::try_from(character).expect("Latin-1"));
    assert_eq!(arrived.attachment(), (FILE.0, latin_1.collect()));
}

/// bsd-mailx keeps a dead letter as well, but writes nothing into it.
#[test]
fn mail_programs_say_that_it_was_not_sent() {
    let machine = Machine::cut_off();
    let ann = Letter::someone("ann");
    let run = mail(&machine, "bsd-mailx", &["bsd-mailx", "-s", "x", &ann]).exits(1);
    assert!(run.stderr.contains("sendmail process failed with error code 75"), "{run}");
    assert!(run.stderr.contains("cannot be reached"), "{run}");
    let letter = machine.home().join("terry/dead.letter");
    fs::remove_file(&letter).expect("a dead letter");

    let run = mail(&machine, "s-nail", &["s-nail", "-s", "x", &ann]).exits(4);
    assert!(run.stderr.contains("message not sent"), "{run}");
    let text = fs::read_to_string(&letter).expect("a dead letter");
    assert!(text.contains("\n=2E\n..two\nend\n"), "{text}");

    let run = mail(&machine, "mutt", &["mutt", "-s", "x", "--", &ann]).exits(1);
    assert!(run.stderr.contains("child exited 75 (Deferred.)"), "{run}");
}

/// The caller sees a success, and what it handed over is in the queue of its user
/// until the server is there.
#[test]
fn what_is_handed_over_while_the_server_is_down_arrives_later() {
    let server = postfix();
    let machine = Machine::waiting();
    let [ann, bob] = ["ann", "bob"].map(Letter::someone);
    mail(&machine, "bsd-mailx", &["bsd-mailx", "-s", "x", &ann]).exits(0);
    let script = machine.script("repository.sh");
    let to = format!("--to={bob}");
    machine.run(TERRY, &["sh", &script, &to, "--envelope-sender=auto"], "").exits(0);
    let waits = machine.run(TERRY, &["/usr/sbin/sendmail", "-bp"], "").exits(0);
    assert!(waits.stdout.contains(&ann) && waits.stdout.contains(&bob), "{waits}");
    assert_eq!(server.stored(&ann), None);

    machine.lead_to(&server);
    machine.run(TERRY, &["/usr/sbin/sendmail", "-q"], "").exits(0);
    assert!(Arrived::at(&*server, &ann).says("\n.\n..two\nend\n"));
    Arrived::at(&*server, &bob);
    let empty = machine.run(TERRY, &["/usr/sbin/sendmail", "-bp"], "").exits(0);
    assert!(empty.stdout.starts_with("Mail queue is empty\n"), "{empty}");
    machine.run(TERRY, &["/usr/sbin/sendmail", "-q"], "").exits(0);
}

/// git 2.39 calls `/usr/sbin/sendmail -i RECIPIENT…`, and with a sender of the
/// envelope `-f SENDER -i RECIPIENT…`. The blind ones are among them. Whoever has
/// no domain, in the header neither, has none.
#[test]
fn git_send_email() {
    let server = postfix();
    let machine = Machine::before(&server);
    let [ann, bob, cal] = ["ann", "bob", "cal"].map(Letter::someone);
    let script = machine.script("repository.sh");
    let (to, bcc, cc) =
        (format!("--to=Änn <{ann}>"), format!("--bcc={cal}"), format!("--cc={bob}"));
    let words = ["sh", &script, &to, "--cc=root", &bcc, &cc, "--envelope-sender=auto"];
    packaged("../lib/git-core/git-send-email", "git-email");
    let run = machine.run(TERRY, &words, "").exits(0);
    assert!(run.stdout.contains("Result: OK"), "{run}");

    let recipients = [ann.as_str(), &bob, &cal, &machine.root];
    let arrived = arrived(&server, "zoe@example.net", &recipients);
    assert_eq!(arrived.read()["from"], json!([["Zoë Tester", "zoe@example.net"]]));
    assert_eq!(arrived.read()["to"], json!([["Änn", ann]]));
    assert_eq!(arrived.addresses("cc"), [&machine.root, &bob]);
    arrived.assert_does_not_say(&cal);
    assert_eq!(arrived.read()["subject"], format!("[PATCH] {SUBJECT}"));
    let text = arrived.read()["text"].as_str().expect("a text");
    assert!(text.contains("\n-one\n+Grüezi\n+.\n+..two\n-- \n"), "{text}");
}

#[test]
fn git_send_email_stops_where_it_was_not_sent() {
    let machine = Machine::cut_off();
    let script = machine.script("repository.sh");
    let to = format!("--to={}", Letter::someone("ann"));
    let run = machine.run(TERRY, &["sh", &script, &to], "");
    assert_ne!(run.status, 0, "{run}");
    assert!(!run.stdout.contains("Result: OK"), "{run}");
    assert!(run.stderr.contains("cannot be reached"), "{run}");
}
