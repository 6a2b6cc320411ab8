//! Every state in which a crash can leave the disk, and what comes of it.
//!
//! A disk that writes down each step is used for something; then each beginning
//! of that list is taken for all that happened before the power went. Of the
//! names that no sync of names followed, each may have come to the disk or not;
//! of the octets that no sync followed, all, half, none, or as many zeros.

use crate::model::{Deed, Messages, Model, Record, Snapshot};
use crate::office::{Office, accepted, never, not_now, unreached};
use crate::spool::{Spool, moment, names, octets, queue_at};
use envoi::delivery::Outcome;
use envoi::queue::{Fate, Id, Queue, State, Which};
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::Path;

type Play = fn(&Record, &Queue);

/// What was true for good when the power went.
struct Past<'r> {
    messages: &'r Messages,
    promised: HashSet<Id>,
    withdrawn: HashSet<Id>,
    /// Somebody began to remove it.
    going: HashSet<Id>,
    gone: HashSet<Id>,
    /// Who has it, as far as the disk surely knows.
    noted: BTreeMap<Id, Vec<usize>>,
    carried: BTreeMap<(String, String), usize>,
}

impl<'r> Past<'r> {
    fn of(deeds: &[Deed], messages: &'r Messages) -> Self {
        let model = Model::of(deeds);
        let mut past = Past {
            messages,
            promised: HashSet::new(),
            withdrawn: HashSet::new(),
            going: HashSet::new(),
            gone: HashSet::new(),
            noted: BTreeMap::new(),
            carried: BTreeMap::new(),
        };
        for deed in deeds {
            match deed {
                Deed::Promised(id) => drop(past.promised.insert(id.clone())),
                Deed::Withdrawn(id) => drop(past.withdrawn.insert(id.clone())),
                Deed::Remove(name) => drop(name.parse().map(|id| past.going.insert(id))),
                Deed::Carried(what, to) => {
                    *past.carried.entry((what.clone(), to.clone())).or_default() += 1;
                }
                _ => {}
            }
        }
        let is_gone = |id: &&Id| !model.names.contains_key(id.as_str());
        past.gone = past.going.iter().filter(is_gone).cloned().collect();
        for id in messages.keys() {
            if let Some(file) = model.names.get(&format!("{id}.state")) {
                let state = state(&model.files[file].octets);
                past.noted.insert(id.clone(), state.with(Fate::Accepted));
            }
        }
        past
    }

    /// Opens a queue over what the disk has, and looks at everything.
    fn check(&self, path: &Path) {
        let queue = queue_at(path, |_| Ok(()));
        let listing = queue.list().unwrap();
        assert!(listing.unusable.is_empty(), "{:?}", listing.unusable);
        assert!(listing.set_aside.is_empty() && listing.foreign.is_empty(), "{listing:?}");
        let listed: HashSet<Id> = listing.entries.iter().map(|entry| entry.id.clone()).collect();
        for id in &self.promised {
            assert!(listed.contains(id) || self.going.contains(id), "{id} is lost");
        }
        for entry in &listing.entries {
            assert!(!self.gone.contains(&entry.id), "{} is back", entry.id);
            let has_it = entry.state.with(Fate::Accepted);
            let noted = self.noted.get(&entry.id).cloned().unwrap_or_default();
            assert!(noted.iter().all(|at| has_it.contains(at)), "{noted:?} became {has_it:?}");
            self.check_octets(&queue, &entry.id);
            release(&queue, &entry.id);
        }
        self.check_deliveries(&queue);
        let left: Vec<_> = queue.list().unwrap().entries;
        assert!(left.iter().all(|entry| entry.state.waiting().is_empty()), "{left:?}");
        check_tidy(&queue, path);
    }

    fn check_octets(&self, queue: &Queue, id: &Id) {
        let taken = queue.take(id).unwrap();
        let message = taken.message(envoi::message::Repairs::default()).unwrap();
        match self.messages.get(id) {
            Some((written, _)) => assert_eq!(&octets(&message), written),
            None => assert!(octets(&message).contains("\r\nAuto-Submitted: "), "{id}"),
        }
    }

    /// Runs the queue, and counts over both lives who got what.
    fn check_deliveries(&self, queue: &Queue) {
        let office = Office::new(but_nobody);
        // A report that one run makes goes with the next.
        for second in [1_000_000, 1_000_001] {
            let events = office.run(queue, &Which::All, moment(second)).unwrap();
            assert!(events.iter().all(|event| event.starts_with("tried ")), "{events:?}");
        }
        let now = office.accepted();
        for (id, (what, to)) in self.messages {
            let is_owed = self.promised.contains(id) && !self.withdrawn.contains(id);
            for (at, to) in to.iter().enumerate() {
                if to.starts_with("no") {
                    let subject = what.lines().find(|line| line.starts_with("Subject: "));
                    let is_report = |(octets, to): &(String, String)| {
                        to == SENDER && octets.contains(&format!("\n{}\r\n", subject.unwrap()))
                    };
                    let all = self.carried.iter().chain(&now).filter(|(key, _)| is_report(key));
                    let times: usize = all.map(|(_, times)| times).sum();
                    assert!(times >= 1 || !is_owed, "nobody heard of {to}");
                    assert!(times <= 2, "{times} reports about {to}");
                    continue;
                }
                let key = (what.clone(), to.clone());
                let before = self.carried.get(&key).copied().unwrap_or(0);
                let times = before + now.get(&key).copied().unwrap_or(0);
                assert!(times >= 1 || !is_owed, "{to} never got {what:?}");
                let is_noted = self.noted.get(id).is_some_and(|noted| noted.contains(&at));
                let is_known = before == 0 || is_noted || self.gone.contains(id);
                let most = if is_known { 1 } else { 2 };
                assert!(times <= most, "{to} got {what:?} {times} times");
            }
        }
    }
}

/// Everybody is accepted whose name does not begin with `no`.
fn but_nobody(to: &str) -> Outcome {
    if to.starts_with("no") { never() } else { accepted() }
}

/// Who hears of it when a recipient fails.
const SENDER: &str = "a@client.example";

fn state(octets: &[u8]) -> State {
    let mut file: serde_json::Value = serde_json::from_slice(octets).unwrap();
    serde_json::from_value(file["state"].take()).unwrap()
}

fn release(queue: &Queue, id: &Id) {
    let mut taken = queue.take(id).unwrap();
    if taken.state.held {
        taken.state.held = false;
        taken.write().unwrap();
    }
}

/// No file is left of what is gone or was never finished.
fn check_tidy(queue: &Queue, path: &Path) {
    queue.tidy().unwrap();
    for name in names(path) {
        let entry = name.strip_suffix(".state").unwrap_or(&name);
        let is_known = entry.parse::<Id>().is_ok() && path.join(entry).exists();
        assert!(is_known || name.starts_with("account."), "{name} is left");
    }
}

/// Goes through every state that a crash may leave of what `play` does, and
/// gives their number.
fn crash(play: impl FnOnce(&Record, &Queue)) -> usize {
    let (spool, record) = (Spool::in_memory(), Record::default());
    play(&record, &record.queue(&spool));
    let deeds = record.deeds.lock().unwrap().clone();
    let messages = record.messages.lock().unwrap().clone();
    let mut seen = HashSet::new();
    let mut epoch = 0;
    for end in 0..=deeds.len() {
        let is_news = |deed: &Deed| {
            !matches!(
                deed,
                Deed::Create(..)
                    | Deed::Write(..)
                    | Deed::WriteOver(..)
                    | Deed::Sync(_)
                    | Deed::Rename(..)
            )
        };
        epoch += usize::from(end > 0 && is_news(&deeds[end - 1]));
        let past = Past::of(&deeds[..end], &messages);
        for snapshot in Model::of(&deeds[..end]).snapshots() {
            if seen.insert((epoch, snapshot.clone())) {
                let place = Spool::in_memory();
                lay_out(&place.path(), &snapshot);
                past.check(&place.path());
            }
        }
    }
    seen.len()
}

fn lay_out(path: &Path, snapshot: &Snapshot) {
    for (name, octets) in snapshot {
        fs::write(path.join(name), octets).unwrap();
    }
}

/// A beginning that is common to most.
fn keep_two(record: &Record, queue: &Queue) -> (Id, Id) {
    let first = record.keep(queue, "one", &["a@x.example", "b@x.example", "no@x.example"]);
    (first, record.keep(queue, "two", &["c@x.example", "d@x.example"]))
}

fn keeping(record: &Record, queue: &Queue) {
    keep_two(record, queue);
}

fn delivering(record: &Record, queue: &Queue) {
    record.keep(queue, "one", &["a@x.example", "b@x.example"]);
    record.keep(queue, "two", &["c@x.example"]);
    record.office(|_| accepted()).run(queue, &Which::Due, moment(0)).unwrap();
}

fn delivering_by_and_by(record: &Record, queue: &Queue) {
    keep_two(record, queue);
    for (to, after) in [("a", 0), ("b", 2_000), ("d", 4_000), ("c", 8_000)] {
        let judge = |path: &str| match path {
            path if path.starts_with(to) || path == SENDER => accepted(),
            path if path.starts_with("no") => never(),
            _ => not_now(),
        };
        record.office(judge).run(queue, &Which::Due, moment(after)).unwrap();
    }
}

/// One report goes out beside what is left of another message.
fn reporting(record: &Record, queue: &Queue) {
    keep_two(record, queue);
    record.keep(queue, "three", &["no@x.example", "d@x.example"]);
    let judge = |path: &str| if path.starts_with('c') { not_now() } else { but_nobody(path) };
    for second in [0, 1] {
        record.office(judge).run(queue, &Which::Due, moment(second)).unwrap();
    }
}

fn putting_off(record: &Record, queue: &Queue) {
    keep_two(record, queue);
    record.office(|_| unreached()).run(queue, &Which::Due, moment(0)).unwrap();
    record.office(but_nobody).run(queue, &Which::Due, moment(10_000)).unwrap();
}

fn holding_and_removing(record: &Record, queue: &Queue) {
    let (first, second) = keep_two(record, queue);
    for held in [true, false] {
        let mut taken = queue.take(&first).unwrap();
        taken.state.held = held;
        taken.write().unwrap();
    }
    for id in [first, second] {
        record.note(Deed::Withdrawn(id.clone()));
        queue.take(&id).unwrap().remove().unwrap();
    }
}

/// Somebody tidies up when another was stopped between the two steps of a
/// removal.
fn removing_halfway(record: &Record, queue: &Queue) {
    let (first, _) = keep_two(record, queue);
    let judge = |path: &str| if path.starts_with('a') { accepted() } else { not_now() };
    record.office(judge).run(queue, &Which::Due, moment(0)).unwrap();
    record.note(Deed::Withdrawn(first.clone()));
    record.note(Deed::Remove(first.to_string()));
    fs::remove_file(queue.path().join(first.as_str())).unwrap();
    queue.tidy().unwrap();
}

#[test]
fn whatever_a_crash_leaves_nothing_is_lost_and_nothing_sent_twice() {
    //
    let plays: [(&str, Play); 7] = [
        ("keeping", keeping),
        ("delivering", delivering),
        ("delivering by and by", delivering_by_and_by),
        ("reporting", reporting),
        ("putting off", putting_off),
        ("holding and removing", holding_and_removing),
        ("removing halfway", removing_halfway),
    ];
    let states = std::thread::scope(|scope| {
        let all = plays.map(|(name, play)| (name, scope.spawn(move || crash(play))));
        all.map(|(name, states)| {
            let states = states.join().unwrap();
            println!("{name}: {states} states");
            states
        })
    });
    assert!(states.iter().sum::<usize>() >= 1_000, "{states:?}");
}

#[test]
fn an_entry_that_is_set_aside_keeps_what_is_known_of_it() {
    // it is damaged, and somebody may mend it.
    let (spool, record) = (Spool::in_memory(), Record::default());
    let queue = record.queue(&spool);
    let id = record.keep(&queue, "one", &["a@x.example", "b@x.example"]);
    let judge = |path: &str| if path.starts_with('a') { accepted() } else { not_now() };
    record.office(judge).run(&queue, &Which::Due, moment(0)).unwrap();
    let known = fs::read(spool.path().join(format!("{id}.state"))).unwrap();
    queue.set_aside(&id).unwrap();
    let deeds = record.deeds.lock().unwrap().clone();
    for end in 0..=deeds.len() {
        for snapshot in Model::of(&deeds[..end]).snapshots() {
            let is_aside = snapshot.contains_key(&format!("{id}.bad"));
            if !is_aside && !snapshot.contains_key(&format!("{id}.state.bad")) {
                continue;
            }
            assert!(is_aside, "the entry has lost its state: {:?}", snapshot.keys());
            let place = Spool::in_memory();
            lay_out(&place.path(), &snapshot);
            queue_at(&place.path(), |_| Ok(())).tidy().unwrap();
            let read = |name: String| fs::read(place.path().join(name)).ok();
            let kept = read(format!("{id}.state")).or(read(format!("{id}.state.bad")));
            assert_eq!(kept.as_ref(), Some(&known), "{:?}", snapshot.keys());
        }
    }
}
