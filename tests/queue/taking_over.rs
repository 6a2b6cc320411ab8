//! What users handed in, and a run that ends while it takes that over.

use crate::model::{Deed, Model, Record, Snapshot};
use crate::office::{Office, accepted};
use crate::spool::{ROOMY, Spool, head, letter, moment, names, queue_at};
use envoi::message::Repairs;
use envoi::net::Interrupt;
use envoi::queue::{DropBox, HandedIn, Id, Intake, IntakeError, Queue, Which};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

const WORDS: [&str; 2] = ["one", "two"];
const TO: &str = "a@x.example";

/// The drop directory beside a queue.
pub struct Drop(PathBuf);

impl Drop {
    pub fn beside(spool: &Spool) -> Self {
        let drop = Drop(spool.path().with_file_name("drop"));
        fs::create_dir(&drop.0).unwrap();
        fs::set_permissions(&drop.0, Permissions::from_mode(0o1733)).unwrap();
        drop
    }

    /// Hands in the messages with these words, in this order.
    pub fn hand_in(&self, words: &[&str]) {
        let drop = DropBox::open(&self.0, ROOMY).unwrap();
        for word in words {
            drop.hand_in(&Id::new().unwrap(), &head(&[TO]), &letter(word)).unwrap();
        }
    }

    pub fn take_over(&self, queue: &Queue) -> Result<Vec<HandedIn>, IntakeError> {
        let mut told = Vec::new();
        let interrupt = Interrupt::default();
        let intake = Intake {
            queue,
            drop: &self.0,
            is_for_all: &|_| true,
            repairs: Repairs::default(),
            limits: ROOMY,
            interrupt: &interrupt,
        };
        intake.run(moment(0), &mut |handed_in| told.push(handed_in)).map(|_| told)
    }

    pub fn names(&self) -> Vec<String> {
        names(&self.0)
    }

    fn files(&self) -> Snapshot {
        self.names().into_iter().map(|name| (name.clone(), self.read(&name))).collect()
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.join(name)).unwrap()
    }

    fn put(&self, name: &str, octets: &[u8]) {
        fs::write(self.0.join(name), octets).unwrap();
        self.mode(name, 0o600);
    }

    fn mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.0.join(name), Permissions::from_mode(mode)).unwrap();
    }
}

/// What is there when the next run begins.
type Left = (Snapshot, Snapshot);

/// Every state of the queue and of the drop directory in which somebody who
/// takes over may be stopped, by a signal or by the power.
fn states() -> BTreeSet<Left> {
    let (spool, record) = (Spool::in_memory(), Record::default());
    let drop = Arc::new(Drop::beside(&spool));
    drop.hand_in(&WORDS);
    let all = drop.files();
    // What lay in the drop directory when each step began.
    let seen: Arc<Mutex<Vec<BTreeSet<String>>>> = Arc::default();
    let queue = {
        let (record, drop, seen) = (record.clone(), Arc::clone(&drop), Arc::clone(&seen));
        spool.watched(move |step| {
            let before = record.deeds.lock().unwrap().len();
            record.step(step);
            if record.deeds.lock().unwrap().len() > before {
                seen.lock().unwrap().push(drop.names().into_iter().collect());
            }
            Ok(())
        })
    };
    drop.take_over(&queue).unwrap();
    assert_eq!(drop.names(), [""; 0]);
    seen.lock().unwrap().push(BTreeSet::new());
    let (deeds, seen) = (record.deeds.lock().unwrap(), seen.lock().unwrap());
    let mut states = BTreeSet::new();
    for end in 0..=deeds.len() {
        let mut lying = BTreeSet::from([&seen[end.saturating_sub(1)], &seen[end]]);
        if !deeds[..end].iter().any(makes_an_entry) {
            // Until then nobody has to have synced what was taken away.
            lying.insert(&seen[0]);
        }
        for snapshot in Model::of(&deeds[..end]).snapshots() {
            for names in &lying {
                let files = all.iter().filter(|(name, _)| names.contains(*name));
                let files = files.map(|(name, octets)| (name.clone(), octets.clone()));
                states.insert((snapshot.clone(), files.collect()));
            }
        }
    }
    states
}

fn makes_an_entry(deed: &Deed) -> bool {
    matches!(deed, Deed::Rename(_, to) if to.parse::<Id>().is_ok())
}

/// What happens between a run that was stopped and the next.
#[derive(Clone, Copy, Debug)]
enum Meanwhile {
    Nothing,
    /// The user opens his files to others for a while.
    Opened,
    /// He puts in more rubbish than is looked at.
    Rubbish,
    /// Root removes whatever is in the queue.
    Removed,
}

/// Goes on where somebody was stopped: how often each message was sent, and
/// what was removed before.
fn go_on((queue, files): &Left, meanwhile: Meanwhile) -> (BTreeMap<&'static str, usize>, usize) {
    let spool = Spool::in_memory();
    let drop = Drop::beside(&spool);
    for (name, octets) in queue {
        fs::write(spool.path().join(name), octets).unwrap();
    }
    for (name, octets) in files {
        drop.put(name, octets);
    }
    let queue = queue_at(&spool.path(), |_| Ok(()));
    let office = Office::new(|_| accepted());
    let send = || office.run(&queue, &Which::All, moment(0)).unwrap();
    let rubbish: Vec<String> = (0..100).map(|number| format!("rubbish {number}")).collect();
    let mut removed = 0;
    match meanwhile {
        Meanwhile::Nothing => {}
        Meanwhile::Opened => files.keys().for_each(|name| drop.mode(name, 0o644)),
        Meanwhile::Rubbish => rubbish.iter().for_each(|name| drop.put(name, b"")),
        Meanwhile::Removed => {
            for listed in queue.list().unwrap().entries {
                queue.take(&listed.id).unwrap().remove().unwrap();
                removed += 1;
            }
        }
    }
    // Nobody can look into the drop directory yet.
    send();
    drop.take_over(&queue).unwrap();
    send();
    match meanwhile {
        Meanwhile::Opened => drop.names().iter().for_each(|name| drop.mode(name, 0o600)),
        Meanwhile::Rubbish => {
            for name in &rubbish {
                fs::remove_file(drop.0.join(name)).unwrap();
            }
        }
        Meanwhile::Nothing | Meanwhile::Removed => {}
    }
    drop.take_over(&queue).unwrap();
    send();
    queue.tidy().unwrap();
    assert_eq!((drop.names(), names(&spool.path())), (vec![], vec![]));
    (WORDS.map(|word| (word, office.times(word, TO))).into(), removed)
}

#[test]
fn whoever_is_stopped_while_taking_over_loses_nothing_and_has_nothing_sent_twice() {
    //
    let states = states();
    println!("{} states", states.len());
    assert!(states.len() > 20, "only {} states", states.len());
    for left in &states {
        for meanwhile in
            [Meanwhile::Nothing, Meanwhile::Opened, Meanwhile::Rubbish, Meanwhile::Removed]
        {
            let (times, removed) = go_on(left, meanwhile);
            let (queue, files) = (left.0.keys(), left.1.keys());
            let told = || format!("{meanwhile:?}: {times:?}, of {queue:?} and {files:?}");
            assert!(times.values().all(|&times| times <= 1), "{}", told());
            assert_eq!(times.values().sum::<usize>() + removed, WORDS.len(), "{}", told());
        }
    }
}
