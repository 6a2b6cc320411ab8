//! A disk that fails, at each thing that is asked of it in turn.

use crate::office::{Office, accepted, never, not_now, run_with, unread};
use crate::spool::{Spool, Step, head, keep, letter, moment};
use crate::taking_over::Drop;
use envoi::queue::{Fate, Id, Queue, Which};
use rustix::io::Errno;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const ERRORS: [Errno; 4] = [Errno::NOSPC, Errno::IO, Errno::DQUOT, Errno::ROFS];

/// When a disk fails.
#[derive(Clone, Copy, Debug)]
enum Failing {
    /// Once, at this step.
    At(usize),
    /// From this step on, at everything that changes something.
    From(usize),
}

/// A queue on a disk that fails so, and the number of steps by now.
fn failing(spool: &Spool, failing: Failing, errno: Errno) -> (Queue, Arc<AtomicUsize>) {
    let steps = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&steps);
    let queue = spool.watched(move |step| {
        if matches!(step, Step::Created(..) | Step::Opened) {
            return Ok(());
        }
        let now = counted.fetch_add(1, Ordering::Relaxed);
        let only_looks = matches!(step, Step::Open | Step::Ask);
        let fails = match failing {
            Failing::At(step) => now == step,
            Failing::From(step) => now >= step && !only_looks,
        };
        if fails { Err(io::Error::from(errno)) } else { Ok(()) }
    });
    (queue, steps)
}

/// Does something on a disk that fails at its first step, then at its second,
/// and so on until it does not come so far.
fn at_each_step(mut attempt: impl FnMut(Failing, Errno) -> usize) {
    for errno in ERRORS {
        for failing in [Failing::At, Failing::From] {
            let mut steps = 0;
            while attempt(failing(steps), errno) > steps {
                steps += 1;
            }
            assert!(steps > 3, "only {steps} steps were tried");
        }
    }
}

#[test]
fn what_cannot_be_kept_is_told_and_leaves_nothing() {
    at_each_step(|fault, errno| {
        let spool = Spool::new();
        let (queue, steps) = failing(&spool, fault, errno);
        let id = Id::new().unwrap();
        let kept = queue.keep(&id, &head(&["a@x.example"]), &letter("one"));
        let listing = spool.queue().list().unwrap();
        assert!(listing.unusable.is_empty(), "{fault:?} {errno}: {listing:?}");
        match kept {
            Ok(()) => assert_eq!(listing.entries.len(), 1, "{fault:?} {errno}"),
            Err(error) => {
                assert!(error.to_string().contains(&io::Error::from(errno).to_string()), "{error}");
                // Nor can anything be taken away from a disk that takes no changes.
                if let Failing::At(_) = fault {
                    assert!(listing.entries.is_empty(), "{fault:?} {errno}: {listing:?}");
                    assert_eq!(spool.names(), [""; 0], "{fault:?} {errno}");
                }
            }
        }
        steps.load(Ordering::Relaxed)
    });
}

/// Some have it, and some are to get it later.
fn in_part(to: &str) -> envoi::delivery::Outcome {
    if to.starts_with("later") { not_now() } else { accepted() }
}

const ALL: [(&str, &[&str]); 2] =
    [("one", &["a@x.example", "later@x.example"]), ("two", &["b@x.example"])];

#[test]
fn a_run_on_a_disk_that_fails_says_so_and_loses_nothing() {
    //
    at_each_step(|fault, errno| {
        let spool = Spool::new();
        let good = spool.queue();
        let ids: Vec<Id> = ALL.iter().map(|(word, to)| keep(&good, word, to)).collect();
        let (queue, steps) = failing(&spool, fault, errno);
        let bad_day = Office::new(in_part);
        let told = bad_day.run(&queue, &Which::Due, moment(0));
        let is_told = told.as_ref().map_or(true, |events| events.iter().any(|it| is_fault(it)));

        let good_day = Office::new(|_| accepted());
        let mut unknown = 0;
        for (id, (word, to)) in ids.iter().zip(ALL) {
            let known = good.take(id).ok().map(|taken| taken.state.with(Fate::Accepted).len());
            let has_it = to.iter().filter(|to| bad_day.times(word, to) > 0).count();
            unknown += known.map_or(0, |known| has_it - known);
        }
        assert!(unknown == 0 || is_told, "{fault:?} {errno}: {told:?}");
        good_day.run(&good, &Which::All, moment(100_000)).unwrap();
        for (word, to) in ALL.iter().flat_map(|(word, to)| to.iter().map(move |to| (word, to))) {
            let times = bad_day.times(word, to) + good_day.times(word, to);
            assert!((1..=2).contains(&times), "{fault:?} {errno}: {word} {to} {times} times");
        }
        // Where it could not be noted who has the first, the second stays.
        let twice =
            bad_day.accepted().keys().filter(|it| good_day.accepted().contains_key(*it)).count();
        assert!(twice <= 1, "{fault:?} {errno}: {twice} came twice");
        assert!(good.list().unwrap().entries.is_empty(), "{fault:?} {errno}");
        steps.load(Ordering::Relaxed)
    });
}

fn is_fault(event: &str) -> bool {
    event.starts_with("unwritten ") || event.starts_with("unusable ")
}

#[test]
fn a_disk_that_fails_while_something_is_taken_over_loses_nothing_and_sends_nothing_twice() {
    //
    at_each_step(|fault, errno| {
        let spool = Spool::new();
        let drop = Drop::beside(&spool);
        drop.hand_in(&["one", "two"]);
        let (queue, steps) = failing(&spool, fault, errno);
        let took_over = drop.take_over(&queue);
        let (good, office) = (spool.queue(), Office::new(|_| accepted()));
        office.run(&good, &Which::All, moment(0)).unwrap();
        drop.take_over(&good).unwrap();
        office.run(&good, &Which::All, moment(0)).unwrap();
        let times = ["one", "two"].map(|word| office.times(word, "a@x.example"));
        assert_eq!(times, [1, 1], "{fault:?} {errno}: {took_over:?}");
        assert!(drop.names().is_empty());
        steps.load(Ordering::Relaxed)
    });
}

#[test]
fn a_disk_that_stays_full_sends_nothing_again_and_again() {
    let spool = Spool::new();
    keep(&spool.queue(), "one", &["a@x.example", "later@x.example"]);
    for errno in ERRORS {
        let (queue, _) = failing(&spool, Failing::From(0), errno);
        let office = Office::new(in_part);
        for minute in 0..10 {
            let run = office.run(&queue, &Which::Due, moment(minute * 60));
            assert!(run.is_err(), "{errno}: {run:?}");
            // Nor by somebody who does not say that a runner is here.
            let told = run_with(&office, 1, &queue, &Which::Due, moment(minute * 60)).unwrap();
            assert!(told.len() == 1 && told[0].starts_with("unwritten "), "{errno}: {told:?}");
        }
        assert_eq!(office.carried(), 0, "{errno}");
        // What is begun and not finished does not fill it further.
        assert_eq!(spool.names().len(), 1, "{errno}: {:?}", spool.names());
    }
}

#[test]
fn who_has_the_message_is_noted_before_its_sender_hears_of_the_others() {
    //
    let spool = Spool::new();
    let good = spool.queue();
    let id = keep(&good, "one", &["a@x.example", "no@x.example"]);
    let is_over = AtomicBool::new(false);
    // All ends when the report is to get its name.
    let queue = spool.watched(move |step| {
        if matches!(step, Step::Rename(_, to) if to.parse::<Id>().is_ok()) {
            is_over.store(true, Ordering::Relaxed);
        }
        if is_over.load(Ordering::Relaxed) { Err(Errno::IO.into()) } else { Ok(()) }
    });
    let judge = |to: &str| if to.starts_with("no") { never() } else { accepted() };
    let told = Office::new(judge).run(&queue, &Which::Due, moment(0)).unwrap();
    assert!(told.iter().any(|event| event.starts_with("untold ")), "{told:?}");
    let state = good.take(&id).unwrap().state;
    assert_eq!((state.with(Fate::Accepted), state.with(Fate::Failed)), (vec![0], vec![1]));
    let office = Office::new(judge);
    for second in [1, 2] {
        office.run(&good, &Which::Due, moment(second)).unwrap();
    }
    assert_eq!(office.asked("a@x.example") + office.asked("no@x.example"), 0);
    assert_eq!(office.asked("a@client.example"), 1);
}

#[test]
fn a_message_that_could_not_be_read_for_its_server_has_not_failed() {
    let spool = Spool::new();
    let queue = spool.queue();
    let id = keep(&queue, "one", &["a@x.example"]);
    Office::new(|_| unread()).run(&queue, &Which::Due, moment(0)).unwrap();
    let state = queue.take(&id).unwrap().state;
    assert_eq!(state.waiting(), [0]);
    let answer = state.to[0].answer.as_ref().unwrap();
    assert_eq!(answer.to_string(), "the message could not be read: bad sector");
    assert!(!answer.of_account);
    let office = Office::new(|_| accepted());
    office.run(&queue, &Which::Due, moment(400)).unwrap();
    assert_eq!(office.times("one", "a@x.example"), 1);
}

#[test]
fn what_was_delivered_and_cannot_be_taken_away_is_not_sent_again() {
    //
    let spool = Spool::new();
    keep(&spool.queue(), "one", &["a@x.example"]);
    let stuck = spool.watched(|step| match step {
        Step::Remove(_) => Err(Errno::PERM.into()),
        _ => Ok(()),
    });
    let office = Office::new(|_| accepted());
    let told = office.run(&stuck, &Which::Due, moment(0)).unwrap();
    assert!(told.iter().any(|event| event.starts_with("unwritten ")), "{told:?}");
    for minute in 1..10 {
        office.run(&stuck, &Which::All, moment(minute * 60)).unwrap();
    }
    assert_eq!(office.times("one", "a@x.example"), 1);
    office.run(&spool.queue(), &Which::Due, moment(10_000)).unwrap();
    assert!(spool.names().is_empty(), "{:?}", spool.names());
}

#[test]
fn an_entry_that_cannot_be_removed_is_still_there_or_gone_for_good() {
    at_each_step(|fault, errno| {
        let spool = Spool::new();
        let good = spool.queue();
        let id = keep(&good, "one", &["a@x.example", "later@x.example"]);
        Office::new(in_part).run(&good, &Which::Due, moment(0)).unwrap();
        let (queue, steps) = failing(&spool, fault, errno);
        let removed = match queue.take(&id) {
            Ok(taken) => taken.remove().is_ok(),
            Err(_) => false,
        };
        let left = good.list().unwrap().entries;
        assert!(!removed || left.is_empty(), "{fault:?} {errno}");
        for entry in left {
            assert_eq!(entry.state.with(Fate::Accepted), [0], "{fault:?} {errno}");
            good.take(&id).unwrap().remove().unwrap();
        }
        good.tidy().unwrap();
        assert!(spool.names().is_empty(), "{fault:?} {errno}: {:?}", spool.names());
        steps.load(Ordering::Relaxed)
    });
}
