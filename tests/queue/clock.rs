//! Days that pass in no time.

use crate::office::{
    Office, accepted, never, not_now, not_signed_in, sign_in_first, silent, unreached,
};
use crate::spool::{Spool, keep, moment};
use envoi::delivery::{Cause, Outcome};
use envoi::queue::{Fate, LEAST_TRIES, Queue, Setback, Which};
use envoi::session::{Error, Kind};
use envoi::smtp::{Phase, Reply};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;

/// Runs what is due each minute of this time.
fn each_minute(office: &Office<'_>, queue: &Queue, span: std::ops::Range<i64>) {
    for second in span.step_by(60) {
        office.run(queue, &Which::Due, moment(second)).unwrap();
    }
}

#[test]
fn a_server_that_says_not_now_to_one_for_a_day_is_asked_about_that_one_ever_less() {
    //
    let spool = Spool::new();
    let queue = spool.queue();
    keep(&queue, "one", &["a@x.example", "slow@x.example", "b@x.example"]);
    let (now, asked) = (AtomicI64::new(0), Mutex::new(Vec::new()));
    let office = Office::new(|to| match to {
        "slow@x.example" => {
            let second = now.load(Ordering::Relaxed);
            asked.lock().unwrap().push(second);
            if second < DAY { not_now() } else { accepted() }
        }
        _ => accepted(),
    });
    for second in (0..DAY + 4 * HOUR).step_by(60) {
        now.store(second, Ordering::Relaxed);
        office.run(&queue, &Which::Due, moment(second)).unwrap();
    }
    let asked = asked.lock().unwrap().clone();
    let mut expected = vec![0];
    for tries in 1.. {
        let last = expected[expected.len() - 1];
        let pause = queue.policy.pause(tries, Setback::Greylisted, 0.5).as_secs();
        let next = last + i64::try_from(pause).unwrap();
        // The first minute that is late enough.
        expected.push(next.div_euclid(60) * 60 + if next % 60 == 0 { 0 } else { 60 });
        if next >= DAY {
            break;
        }
    }
    assert_eq!(asked, expected);
    assert_eq!(&asked[..5], [0, 6, 16, 36, 76].map(|minute| minute * MINUTE));
    for to in ["a@x.example", "slow@x.example", "b@x.example"] {
        assert_eq!(office.times("one", to), 1, "{to}");
    }
    assert!(spool.names().is_empty(), "{:?}", spool.names());
}

/// What happens where everything is refused like this for an hour.
fn refused_for_an_hour(refusal: fn() -> Outcome) {
    let spool = Spool::new();
    let queue = spool.queue();
    let words: Vec<String> = (0..5).map(|number| format!("message {number}")).collect();
    for word in &words {
        keep(&queue, word, &["a@x.example"]);
    }
    let is_mended = AtomicBool::new(false);
    let judge = |_: &str| if is_mended.load(Ordering::Relaxed) { accepted() } else { refusal() };
    let office = Office::new(judge);
    let mut runs_with_a_try = 0;
    for minute in 0..60 {
        let before = office.carried();
        office.run(&queue, &Which::Due, moment(minute * MINUTE)).unwrap();
        let tries = office.carried() - before;
        assert!(tries <= 1, "{tries} in minute {minute}");
        runs_with_a_try += tries;
        let troubles = queue.troubles().unwrap();
        assert_eq!(troubles.len(), 1, "minute {minute}");
        assert_eq!(troubles[0].0, "work");
        assert!(troubles[0].1.answer.to_string().starts_with("53"), "{troubles:?}");
    }
    // It is asked ever less, as is a server that is down.
    assert!((2..=6).contains(&runs_with_a_try), "{runs_with_a_try}");
    for entry in queue.list().unwrap().entries {
        assert_eq!(entry.state.with(Fate::Waiting).len(), 1, "{entry:?}");
        let answer = entry.state.to[0].answer.as_ref();
        assert!(answer.is_some_and(|answer| answer.of_account), "{entry:?}");
    }
    is_mended.store(true, Ordering::Relaxed);
    each_minute(&office, &queue, HOUR..6 * HOUR);
    for word in &words {
        assert_eq!(office.times(word, "a@x.example"), 1, "{word}");
    }
    assert!(spool.names().is_empty(), "{:?}", spool.names());
}

#[test]
fn a_sign_in_that_is_refused_for_an_hour_fails_nothing_and_is_tried_once_a_run() {
    //
    refused_for_an_hour(not_signed_in);
    // The same said to MAIL by a server that offered no AUTH.
    refused_for_an_hour(sign_in_first);
}

#[test]
fn an_account_that_does_not_work_gives_up_nothing_however_long() {
    //
    let broke = |phase, code| {
        let refused = Kind::Refused(Reply::new(code, "no").unwrap());
        Outcome::Deferred(Cause::Broke(Arc::new(Error::new(phase, refused))))
    };
    let said = |phase, code| {
        Outcome::Rejected(Cause::Replied(phase, Reply::new(code, "sign in").unwrap()))
    };
    for refusal in [
        not_signed_in(),
        broke(Phase::Auth, 454),
        broke(Phase::StartTls, 454),
        said(Phase::Rcpt, 530),
        said(Phase::Rcpt, 535),
    ] {
        let spool = Spool::new();
        let queue = spool.queue();
        keep(&queue, "one", &["a@x.example"]);
        let office = Office::new(|_| refusal.clone());
        for hour in 0..24 * 10 {
            office.run(&queue, &Which::Due, moment(hour * HOUR)).unwrap();
        }
        let listing = queue.list().unwrap();
        assert!(listing.entries[0].state.tries > LEAST_TRIES);
        assert_eq!(listing.entries[0].state.with(Fate::Waiting), [0], "{refusal:?}");
        assert_eq!(queue.troubles().unwrap().len(), 1, "{refusal:?}");
        Office::new(|_| accepted()).run(&queue, &Which::All, moment(20 * DAY)).unwrap();
        assert!(spool.names().is_empty(), "{:?}", spool.names());
    }
}

#[test]
fn a_server_that_wants_a_sign_in_for_some_only_works_for_the_others() {
    let spool = Spool::new();
    let queue = spool.queue();
    keep(&queue, "one", &["near@x.example", "far@y.example"]);
    let wants = Outcome::Rejected(Cause::Replied(Phase::Rcpt, Reply::new(530, "sign in").unwrap()));
    let judge = |to: &str| if to.starts_with("near") { accepted() } else { wants.clone() };
    Office::new(judge).run(&queue, &Which::Due, moment(0)).unwrap();
    assert!(queue.troubles().unwrap().is_empty());
    assert_eq!(queue.list().unwrap().entries[0].state.with(Fate::Waiting), [1]);
}

#[test]
fn fifty_messages_for_a_server_that_is_down_cost_one_connection_a_run() {
    //
    let spool = Spool::new();
    let queue = spool.queue();
    for number in 0..50 {
        keep(&queue, &format!("message {number}"), &["a@x.example"]);
    }
    let office = Office::new(|_| unreached());
    office.run_over(4, &queue, &Which::Due, moment(0)).unwrap();
    assert_eq!(office.carried(), 1);
    let entries = queue.list().unwrap().entries;
    assert!(entries.iter().all(|entry| entry.state.next_try > Some(moment(0))));
    for minute in 1..200 {
        let before = office.carried();
        office.run_over(4, &queue, &Which::Due, moment(minute * MINUTE)).unwrap();
        assert!(office.carried() - before <= 1, "minute {minute}");
    }
    assert!(office.carried() < 10, "{}", office.carried());
    let works = Office::new(|_| accepted());
    each_minute(&works, &queue, 4 * HOUR..11 * HOUR);
    assert_eq!(works.accepted().len(), 50);
}

#[test]
fn what_is_due_while_its_account_rests_is_no_try_and_keeps_its_last_answer() {
    //
    let spool = Spool::new();
    let queue = spool.queue();
    keep(&queue, "first", &["a@x.example"]);
    Office::new(|_| unreached()).run(&queue, &Which::Due, moment(0)).unwrap();
    keep(&queue, "second", &["b@x.example"]);
    let states = || {
        let entries = queue.list().unwrap().entries;
        entries.into_iter().map(|entry| entry.state).collect::<Vec<_>>()
    };
    let before = states();
    let office = Office::new(|_| accepted());
    office.run(&queue, &Which::Due, moment(MINUTE)).unwrap();
    assert_eq!((office.carried(), states()), (0, before));
    // As soon as it works again, nothing waits for longer.
    office.run(&queue, &Which::Due, moment(HOUR)).unwrap();
    assert!(spool.names().is_empty(), "{:?}", spool.names());
}

#[test]
fn a_message_is_given_up_when_it_is_old_and_was_tried_often() {
    //
    let spool = Spool::new();
    let queue = spool.queue();
    // the sender hears of it.
    let id = keep(&queue, "one", &["b@x.example", "slow@x.example", "no@x.example"]);
    let judge = |to: &str| match to {
        "slow@x.example" => not_now(),
        "no@x.example" => never(),
        _ => accepted(),
    };
    let office = Office::new(judge);
    let fate = || queue.take(&id).unwrap().state.to[1].fate;
    for hour in 0..24 * 5 {
        office.run(&queue, &Which::Due, moment(hour * HOUR)).unwrap();
        assert_eq!(fate(), Fate::Waiting, "hour {hour}");
    }
    for hour in 24 * 5..24 * 5 + 4 {
        office.run(&queue, &Which::Due, moment(hour * HOUR)).unwrap();
    }
    assert_eq!(fate(), Fate::Reported);
    let asked = office.asked("slow@x.example");
    each_minute(&office, &queue, 6 * DAY..6 * DAY + HOUR);
    assert_eq!(office.asked("slow@x.example"), asked);
    let state = queue.take(&id).unwrap().state;
    assert_eq!(state.with(Fate::Reported), [1, 2]);
    assert_eq!(state.with(Fate::Accepted), [0]);
    // That one failed, that another still waits, that it failed.
    assert_eq!(office.asked("a@client.example"), 3);
}

#[test]
fn a_clock_that_jumps_ten_years_neither_gives_up_nor_floods() {
    //
    for jump in [10 * YEAR, -10 * YEAR] {
        let spool = Spool::new();
        let queue = spool.queue();
        for word in ["one", "two", "three"] {
            keep(&queue, word, &["slow@x.example"]);
        }
        let judge = |to: &str| if to.starts_with("slow") { not_now() } else { accepted() };
        let office = Office::new(judge);
        each_minute(&office, &queue, 0..HOUR);
        let before = office.asked("slow@x.example");
        assert_eq!(before, 12, "at 0, 6, 16 and 36 minutes");
        each_minute(&office, &queue, jump..jump + 3 * HOUR);
        // One try at once, then as ever.
        let tries = office.asked("slow@x.example") - before;
        assert!((6..=9).contains(&tries), "{tries} tries after {jump}");
        for entry in queue.list().unwrap().entries {
            assert_eq!(entry.state.with(Fate::Waiting), [0], "{entry:?}");
        }
        // Back again: the same.
        let before = office.asked("slow@x.example");
        each_minute(&office, &queue, 5 * HOUR..6 * HOUR);
        let tries = office.asked("slow@x.example") - before;
        assert!((3..=6).contains(&tries), "{tries} tries back from {jump}");
        Office::new(|_| accepted()).run(&queue, &Which::All, moment(9 * HOUR)).unwrap();
        assert!(spool.names().is_empty(), "{:?}", spool.names());
    }
}

#[test]
fn an_account_that_rests_until_another_clocks_time_does_not_rest_for_years() {
    //
    let spool = Spool::new();
    let queue = spool.queue();
    keep(&queue, "one", &["a@x.example"]);
    Office::new(|_| unreached()).run(&queue, &Which::Due, moment(10 * YEAR)).unwrap();
    let office = Office::new(|_| accepted());
    office.run(&queue, &Which::Due, moment(0)).unwrap();
    assert_eq!(office.times("one", "a@x.example"), 1);
    assert!(queue.troubles().unwrap().is_empty());
}

#[test]
fn a_server_that_fell_silent_after_the_dot_is_asked_again_after_half_an_hour() {
    // 5321-4.1.1.4r
    let spool = Spool::new();
    let queue = spool.queue();
    let id = keep(&queue, "one", &["a@x.example"]);
    Office::new(|_| silent()).run(&queue, &Which::Due, moment(0)).unwrap();
    let answer = queue.take(&id).unwrap().state.to[0].answer.clone().unwrap();
    assert!(answer.uncertain);
    let office = Office::new(|_| accepted());
    each_minute(&office, &queue, MINUTE..24 * MINUTE);
    assert_eq!(office.carried(), 0);
    each_minute(&office, &queue, 24 * MINUTE..40 * MINUTE);
    assert_eq!(office.carried(), 1);
}

#[test]
fn what_is_held_or_wants_a_later_moment_waits_for_it() {
    let spool = Spool::new();
    let queue = spool.queue();
    let id = keep(&queue, "held", &["a@x.example"]);
    let mut taken = queue.take(&id).unwrap();
    taken.state.held = true;
    taken.write().unwrap();
    drop(taken);
    let later = envoi::queue::Head {
        not_before: Some(moment(DAY)),
        ..crate::spool::head(&["a@x.example"])
    };
    let letter = crate::spool::letter("later");
    queue.keep(&envoi::queue::Id::new().unwrap(), &later, &letter).unwrap();
    let office = Office::new(|_| accepted());
    for which in [Which::Due, Which::All] {
        office.run(&queue, &which, moment(DAY - 1)).unwrap();
    }
    assert_eq!(office.carried(), 0);
    office.run(&queue, &Which::Due, moment(DAY)).unwrap();
    assert_eq!(office.times("later", "a@x.example"), 1);
    assert_eq!(office.carried(), 1);
    // By its name it goes, held or not.
    office.run(&queue, &Which::Named(vec![id]), moment(DAY)).unwrap();
    assert_eq!(office.times("held", "a@x.example"), 1);
}

#[test]
fn what_wants_a_later_moment_is_tried_from_then_on_for_as_long_as_anything() {
    //
    let spool = Spool::new();
    let queue = spool.queue();
    let later = envoi::queue::Head {
        not_before: Some(moment(10 * DAY)),
        ..crate::spool::head(&["slow@x.example"])
    };
    let (id, letter) = (envoi::queue::Id::new().unwrap(), crate::spool::letter("later"));
    queue.keep(&id, &later, &letter).unwrap();
    let judge = |to: &str| if to.starts_with("slow") { not_now() } else { accepted() };
    let office = Office::new(judge);
    each_minute(&office, &queue, 10 * DAY..10 * DAY + 3 * HOUR);
    assert_eq!(office.asked("a@client.example"), 0, "nothing is late yet");
    for hour in 3..24 * 5 {
        office.run(&queue, &Which::Due, moment(10 * DAY + hour * HOUR)).unwrap();
        assert_eq!(queue.take(&id).unwrap().state.to[0].fate, Fate::Waiting, "hour {hour}");
    }
    for hour in 24 * 5..24 * 5 + 4 {
        office.run(&queue, &Which::Due, moment(10 * DAY + hour * HOUR)).unwrap();
    }
    assert_eq!(queue.take(&id).unwrap().state.to[0].fate, Fate::Reported);
}
