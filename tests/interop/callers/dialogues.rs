//! Programs that speak SMTP with the sendmail they call.

use serde_json::json;

use super::libraries::{Library, every_octet};
use super::{Machine, SUBJECT, TERRY, TEXT, arrived, packaged};
use crate::letter::Letter;
use crate::postfix::postfix;
use crate::program::Run;
use crate::server::{NOBODY, Server};

/// Symfony Mailer 5.4 calls `/usr/sbin/sendmail -bs`, and keeps it for the next
/// message. It speaks without pipelining and leaves out the blind copies; its text is
/// quoted-printable.
const SYMFONY: Library =
    Library { program: "php", package: "php-cli php-symfony-mailer", script: "symfony_mailer.php" };

#[test]
fn symfony_mailer_of_php() {
    let server = postfix();
    let from = ["Zoë Tester", "zoe@example.net"];
    let arrived = SYMFONY.delivers(&server, &[], "zoe@example.net", from);
    assert_eq!(arrived.attachment(), ("Übersicht.bin", every_octet()));
}

#[test]
fn symfony_mailer_hears_who_was_refused_and_goes_on_in_the_same_dialogue() {
    let server = postfix();
    let machine = Machine::before(&server);
    let [ann, bob, cal, dan] = ["ann", "bob", "cal", "dan"].map(Letter::someone);
    let run = SYMFONY.send(&machine, &[&ann, &bob, &cal, &dan, NOBODY]).exits(1);
    let said = format!("rejected {NOBODY}: 550 5.1.1");
    assert_eq!(run.stderr.matches("but got code \"550\"").count(), 1, "{run}");
    assert!(run.stderr.contains(&said), "{run}");

    let arrived = arrived(&server, "zoe@example.net", &[&ann, &bob, &cal]);
    assert_eq!(arrived.addresses("to"), [&ann]);
    // One reply is for all of a message.
    assert_eq!(server.stored(&dan), None);
}

#[test]
fn symfony_mailer_hears_that_it_was_not_sent() {
    let run = SYMFONY.fails(&[]).exits(1);
    assert!(run.stderr.contains("but got code \"451\""), "{run}");
    assert!(run.stderr.contains("cannot be reached"), "{run}");
}

/// swaks with the text as the body of its message. Its header has the addresses as they
/// were given and the subject in eight bits. It says neither 8BITMIME nor SMTPUTF8.
fn swaks(machine: &Machine, to: &str, more: &[&str]) -> Run {
    packaged("swaks", "swaks");
    let subject = format!("Subject: {SUBJECT}");
    let mut words = vec!["swaks", "--pipe", "/usr/sbin/sendmail -bs", "--body", "-"];
    words.extend(["--from", "zoe@example.net", "--to", to, "--header", &subject]);
    machine.run(TERRY, &[&words, more].concat(), TEXT)
}

#[test]
fn swaks_in_lock_step_and_with_pipelining() {
    let server = postfix();
    for more in [&[][..], &["--pipeline"]] {
        // Of its own, so that its root has one message only.
        let machine = Machine::before(&server);
        let [ann, bob] = ["ann", "bob"].map(Letter::someone);
        let run = swaks(&machine, &format!("{ann},root,{bob}"), more).exits(0);
        assert!(run.stdout.contains("250 2.0.0 Sent, queued there as "), "{run}");

        let arrived = arrived(&server, "zoe@example.net", &[&ann, &machine.root, &bob]);
        assert_eq!(arrived.read()["from"], json!([["", "zoe@example.net"]]));
        assert_eq!(arrived.addresses("to"), [&ann, &machine.root, &bob]);
        assert_eq!(arrived.read()["subject"], SUBJECT);
        assert!(arrived.says(&format!("\n\n{TEXT}")));
    }
}

#[test]
fn swaks_is_told_who_was_refused_and_nobody_has_it() {
    let server = postfix();
    let machine = Machine::before(&server);
    let ann = Letter::someone("ann");
    let run = swaks(&machine, &format!("{ann},{NOBODY}"), &[]).exits(26);
    assert!(run.stdout.contains(&format!(" rejected {NOBODY}: 550 5.1.1 ")), "{run}");
    assert_eq!(server.stored(&ann), None);
}
