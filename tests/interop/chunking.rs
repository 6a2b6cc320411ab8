//! BDAT of the program at servers that other people wrote (RFC 3030).

use std::fmt::Write as _;
use std::fs;

use crate::letter::{Arrived, Letter};
use crate::program::Client;
use crate::server::{Mode, NOBODY, Server};

/// A letter with everything that is difficult goes by BDAT to whom the server
/// takes, and whoever it refuses keeps nothing from the others.
pub(crate) fn a_difficult_letter_arrives(server: &dyn Server, mode: Mode) {
    let client = Client::of(server, mode);
    let judy = Letter::someone("judy");
    let letter = Letter::example();
    let mut arguments = letter.composed(&client, &judy);
    arguments.extend(["--to", NOBODY, "--chunking", "on", "-v"].map(Into::into));
    let run = client.send(arguments).exits(1);
    let says = |what: &str| run.stderr.lines().any(|line| line.get(4..).unwrap_or("") == what);
    assert!(run.stderr.contains("> BDAT ") && !says("DATA"), "{run}");
    letter.assert_is_what(&Arrived::at(server, &judy));
}

/// Several chunks, cut in the middle of lines, some of which are a dot.
pub(crate) fn a_large_message_arrives_line_by_line(server: &dyn Server, mode: Mode) {
    let client = Client::of(server, mode);
    let mallory = Letter::someone("mallory");
    let mut text = format!("From: zoe@example.net\nTo: {mallory}\nSubject: large\n\n");
    for line in 0..200_000 {
        let dots = ["", ".", "..", ".x"][line % 4];
        writeln!(text, "{dots}").expect("a String takes it");
        writeln!(text, "{line} is a line").expect("a String takes it");
    }
    let path = client.home().join("large.eml");
    fs::write(&path, &text).expect("writing the message");
    let arguments = ["--message", "large.eml", "--chunking", "on", "-v", &mallory];
    let run = client.send(arguments).exits(0);
    let chunks = run.stderr.lines().filter(|line| line.contains("> BDAT ")).count();
    assert!(chunks > text.len() / (256 * 1024), "{chunks} for {} octets", text.len());
    let arrived = Arrived::at(server, &mallory);
    let (_, body) = text.split_once("\n\n").expect("a body");
    let stored = String::from_utf8_lossy(arrived.octets());
    let (_, got) = stored.split_once("\n\n").expect("a body");
    assert!(got == body, "{} octets arrived of {}", got.len(), body.len());
}
