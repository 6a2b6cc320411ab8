//! What attackers have programs call sendmail with, by addresses that those take for
//! harmless (CVE-2016-10033).

use std::fs;

use super::libraries::{EMAIL_SENDER, PHP};
use super::{Machine, TEXT, arrived};
use crate::letter::Letter;
use crate::postfix::{Postfix, postfix};
use crate::server::Server;

/// A machine before this server that a file can be left on, and where that would be.
fn machine(server: &Postfix) -> (Machine, String) {
    let machine = Machine::before(server);
    let place = machine.home().join("tmp").display().to_string();
    (machine, place)
}

#[track_caller]
fn assert_nothing_was_left_on(machine: &Machine) {
    let left: Vec<_> = fs::read_dir(machine.home().join("tmp")).expect("listing it").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn options_that_php_is_talked_into_write_no_file_and_choose_no_configuration() {
    let server = postfix();
    let (machine, place) = machine(&server);
    let other = machine.write("other.toml", "[accounts.other]\nserver = 'smtp://localhost:1'\n");
    let [ann, bob] = ["ann", "bob"].map(Letter::someone);
    let options = format!(
        "-fbounce@example.net -OQueueDirectory={place} -X{place}/shell.php -oQ{place} -D {place}/debug -C{}",
        other.display()
    );
    PHP.send(&machine, &[&ann, "root", &bob, &options]).exits(0);

    let arrived = arrived(&server, "bounce@example.net", &[&ann, &machine.root, &bob]);
    let text = arrived.read()["text"].as_str().expect("a text");
    assert_eq!(text.trim_end(), TEXT.trim_end());
    assert_nothing_was_left_on(&machine);
}

/// PHP puts a backslash before what the shell would take for more than a word, but
/// for blanks and pairs of quotation marks.
#[test]
fn a_sender_with_options_in_it_is_no_sender_for_php() {
    let server = postfix();
    let (machine, place) = machine(&server);
    let ann = Letter::someone("ann");
    for (sender, why) in [
        (
            format!(r#""attacker\" -oQ{place} -X{place}/shell.php some"@example.net"#),
            r"‘attacker\’ is not a mail address",
        ),
        (format!(r"'a@example.net -oQ{place} -X{place}/shell.php'"), "‘a@example.net -oQ"),
        (format!(r"'a'\\'' -oQ{place} -X{place}/shell.php'"), "is not a mail address"),
    ] {
        let run = PHP.send(&machine, &[&ann, "root", &ann, &format!("-f{sender}")]).exits(1);
        assert!(run.stderr.contains(why), "{sender}\n{run}");
        assert_nothing_was_left_on(&machine);
    }
    assert_eq!(server.stored(&ann), None);
}

#[test]
fn an_address_that_looks_like_an_option_is_an_address_where_it_cannot_be_one() {
    let server = postfix();
    let odd = Letter::someone("-oQ/tmp");
    let glued = format!("-f{odd}");
    for (library, sender, option) in [
        (PHP, odd.as_str(), glued.as_str()),
        (EMAIL_SENDER, "bounce@example.net", "bounce@example.net"),
    ] {
        let (machine, place) = machine(&server);
        let [ann, bob] = ["ann", &format!("-X{place}/shell.php")].map(Letter::someone);
        library.send(&machine, &[&bob, "root@localhost", &ann, option]).exits(0);

        let arrived = arrived(&server, sender, &[&bob, &machine.root, &ann]);
        assert_eq!(arrived.addresses("to"), [&bob]);
        assert_nothing_was_left_on(&machine);
    }
}

/// `Email::Sender` has `-f` and the sender in two words.
#[test]
fn an_address_that_looks_like_an_option_is_one_where_it_can_be() {
    let server = postfix();
    let (machine, place) = machine(&server);
    let ann = Letter::someone("ann");
    let sender = format!("-X{place}/shell.php@example.net");
    let run = EMAIL_SENDER.send(&machine, &[&ann, "root@localhost", &ann, &sender]);
    // It may notice no more than that nobody reads the message.
    assert_ne!(run.status, 0, "{run}");
    assert!(run.stderr.contains("-f stands without an address"), "{run}");
    assert_eq!(server.stored(&ann), None);
    assert_nothing_was_left_on(&machine);
}
