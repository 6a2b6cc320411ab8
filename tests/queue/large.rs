//! Large entries and large queues: that they work, and how long it takes here.

use crate::office::{Office, accepted, not_now};
use crate::spool::{ROOMY, Spool, head, keep, letter, moment};
use envoi::queue::{Fate, Head, Id, Limits, Which};
use std::fs;
use std::time::Instant;

#[test]
fn an_entry_for_a_hundred_thousand_recipients_is_kept_and_tried_as_any_other() {
    const RECIPIENTS: usize = 100_000;
    let spool = Spool::in_memory();
    let queue = spool.queue();
    let to: Vec<String> =
        (0..RECIPIENTS).map(|number| format!("recipient{number}@x.example")).collect();
    let to: Vec<&str> = to.iter().map(String::as_str).collect();
    let started = Instant::now();
    let id = keep(&queue, "one", &to);
    println!("keeping for {RECIPIENTS}: {:?}", started.elapsed());

    let started = Instant::now();
    let judge = |to: &str| if to.ends_with("7@x.example") { not_now() } else { accepted() };
    Office::new(judge).run(&queue, &Which::Due, moment(0)).unwrap();
    println!("a run: {:?}", started.elapsed());

    let started = Instant::now();
    let entries = queue.list().unwrap().entries;
    println!("listing it: {:?}", started.elapsed());
    assert_eq!(entries[0].id, id);
    assert_eq!(entries[0].state.with(Fate::Waiting).len(), RECIPIENTS / 10);

    let office = Office::new(|_| accepted());
    office.run(&queue, &Which::All, moment(60)).unwrap();
    assert_eq!(office.accepted().len(), RECIPIENTS / 10);
    assert!(spool.names().is_empty(), "{:?}", spool.names());
}

#[test]
fn a_queue_of_ten_thousand_is_listed_whole() {
    const ENTRIES: usize = 10_000;
    let spool = Spool::in_memory();
    let queue = spool.queue();
    let id = keep(&queue, "one", &["a@x.example"]);
    let entry = fs::read(spool.path().join(id.as_str())).unwrap();
    for number in 1..ENTRIES {
        fs::write(spool.path().join(format!("{number:016x}")), &entry).unwrap();
    }
    let started = Instant::now();
    assert_eq!(queue.list().unwrap().entries.len(), ENTRIES);
    println!("listing {ENTRIES}: {:?}", started.elapsed());
    let started = Instant::now();
    keep(&queue, "two", &["a@x.example"]);
    println!("keeping one more: {:?}", started.elapsed());
}

#[test]
fn what_a_queue_could_not_read_again_is_not_kept() {
    let spool = Spool::in_memory();
    let queue = spool.queue();
    let kept = head(&["a@x.example"]);
    let mut state = kept.state.clone();
    state.to.clear();
    let odd = Head { state, ..kept };
    let refused = queue.keep(&Id::new().unwrap(), &odd, &letter("one")).unwrap_err();
    assert!(refused.to_string().contains("the recipients do not match"), "{refused}");
    assert!(spool.names().is_empty(), "{:?}", spool.names());
}

#[test]
fn a_queue_that_is_full_says_so() {
    let spool = Spool::in_memory();
    let mut queue = spool.queue();
    keep(&queue, "one", &["a@x.example"]);
    for (limits, reason) in [
        (Limits { max_message: 10, ..ROOMY }, "the queue takes at most 10"),
        (Limits { max_total: 100, ..ROOMY }, "may hold 100"),
        (Limits { keep_free: 100, ..ROOMY }, "less than 100 % free"),
    ] {
        queue.limits = limits;
        let refused =
            queue.keep(&Id::new().unwrap(), &head(&["a@x.example"]), &letter("two")).unwrap_err();
        assert!(refused.to_string().contains(reason), "{refused}");
        assert_eq!(queue.list().unwrap().entries.len(), 1);
    }
}
