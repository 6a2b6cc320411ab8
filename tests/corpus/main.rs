//! The corpus of messages: what was given to the program, and what others read
//! in what it makes of that.
//!
//! Each file `NAME.toml` of this folder holds cases of one subject. A case is
//! what is typed after `envoi send --dry-run`, with text or a finished message
//! on standard input, and what the message must then mean. Three readers that
//! share no code and no author with each other say what it means: the crate
//! mail-parser, Python's `email` and Perl's `Email::MIME`. Where one of them
//! misreads, `deviations.toml` says so and why.
//!
//! Each case is run as to a server that offers 8BITMIME and SMTPUTF8 and, where
//! that may differ, as to one that offers nothing; and sent to the receiver.
//!
//! | file | says |
//! |---|---|
//! | [`case`] | the files, and the cases that each row stands for |
//! | [`filling`] | octets and repetitions written in braces |
//! | [`running`] | how the program is run, and what it printed |
//! | [`octets`] | what must hold of every message, whatever it means |
//! | [`reading`] | what the three readers find |
//! | [`comparing`] | what was meant against what was found |
//! | [`arrival`] | what a receiver takes against what a dry run showed |
//! | [`reports`] | what is read in reports of delivery |
//!
//! One case: `CASE='a part of its name' cargo test --test corpus`. What goes to
//! the readers is left in the folder that the variable CORPUS names, if it is
//! set.

#![expect(
    clippy::disallowed_methods,
    reason = "the rules on who may touch the world are for the program, not for who watches it"
)]

mod arrival;
mod case;
mod comparing;
mod filling;
mod octets;
mod reading;
mod reports;
mod running;

use arrival::Receivers;
use case::Case;
use comparing::{Deviations, differences};
use reading::Reader;
use running::Outcome;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, OnceLock};

/// A case and what the program made of it.
struct Made {
    case: Case,
    outcome: Outcome,
}

/// All cases, run once.
fn made() -> &'static [Made] {
    static MADE: OnceLock<Vec<Made>> = OnceLock::new();
    MADE.get_or_init(|| {
        let wanted = std::env::var("CASE").unwrap_or_default();
        let cases = case::read_all().into_iter().filter(|case| case.name.contains(&wanted));
        on_workers(
            cases,
            || (),
            |(), case| {
                let outcome = running::dry_run(&case);
                Some(Made { case, outcome })
            },
        )
    })
}

/// What comes of each item, in their order. Most of the work is waiting.
fn on_workers<T: Send, R: Send, S>(
    items: impl Iterator<Item = T>,
    start: fn() -> S,
    work: fn(&S, T) -> Option<R>,
) -> Vec<R> {
    let queue = Mutex::new(items.collect::<Vec<_>>().into_iter().enumerate());
    let done = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let state = start();
                loop {
                    let next = queue.lock().expect("a lock").next();
                    let Some((at, item)) = next else { return };
                    if let Some(result) = work(&state, item) {
                        done.lock().expect("a lock").insert(at, result);
                    }
                }
            });
        }
    });
    done.into_inner().expect("a lock").into_values().collect()
}

/// The messages that came of it.
fn messages() -> impl Iterator<Item = (&'static Case, &'static [u8])> {
    made().iter().filter_map(|made| Some((&made.case, made.outcome.message.as_deref()?)))
}

#[track_caller]
fn assert_nothing(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} differences:\n\n{}", wrong.len(), wrong.join("\n\n"));
}

#[test]
fn the_corpus_is_as_large_as_it_says() {
    let cases = case::read_all();
    let rows: std::collections::BTreeSet<_> = cases.iter().map(|case| &case.row).collect();
    assert!(rows.len() >= 150, "{} rows", rows.len());
}

#[test]
fn every_case_is_taken_or_refused_as_it_says() {
    let wrong: Vec<_> = made().iter().filter_map(|made| made.outcome.differs(&made.case)).collect();
    assert_nothing(&wrong);
}

#[test]
fn every_message_has_the_form_that_mail_must_have() {
    let wrong: Vec<_> =
        messages().flat_map(|(case, message)| octets::faults(case, message)).collect();
    assert_nothing(&wrong);
}

#[test]
fn what_arrives_is_what_the_dry_run_showed() {
    // 5321-4.5.2, SEC-2
    let wrong = on_workers(messages(), Receivers::start, |receivers, (case, message)| {
        receivers.differs(case, message)
    });
    assert_nothing(&wrong);
}

#[test]
fn mail_parser_reads_what_was_meant() {
    read_by(Reader::MailParser);
}

#[test]
#[ignore = "needs python3: tests/run runs it"]
fn python_reads_what_was_meant() {
    read_by(Reader::Python);
}

#[test]
#[ignore = "needs libemail-mime-perl: tests/run runs it"]
fn perl_reads_what_was_meant() {
    read_by(Reader::Perl);
}

fn read_by(reader: Reader) {
    let messages: Vec<_> = messages().collect();
    let octets: Vec<_> = messages.iter().map(|(_, message)| *message).collect();
    let readings = reader.read(&octets);
    let mut deviations = Deviations::of(reader);
    let mut wrong = Vec::new();
    for ((case, message), reading) in messages.iter().zip(&readings) {
        for difference in differences(case, reader, reading) {
            if !deviations.allow(case, &difference) {
                let message = String::from_utf8_lossy(&message[..message.len().min(3000)]);
                wrong.push(format!("== {}: {difference}\n{message}", case.name));
            }
        }
    }
    if std::env::var("CASE").is_err() {
        wrong.extend(deviations.unused());
    }
    assert_nothing(&wrong);
}

/// The folder that `CARGO_MANIFEST_DIR` has this program's files in.
fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus"))
}
