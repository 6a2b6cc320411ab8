use super::super::{DropBox, Head, Limits, Policy, State};
use super::*;
use crate::message::{Message, Source};
use crate::smtp::{Envelope, ReversePath};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

struct Spool {
    directory: tempfile::TempDir,
    queue: Queue,
}

impl Spool {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("queue");
        let folder = Folder::make(&path).unwrap();
        let queue = Queue::new(folder, &path, Policy::default(), Limits::default());
        let spool = Spool { directory, queue };
        fs::create_dir(spool.drop()).unwrap();
        fs::set_permissions(spool.drop(), Permissions::from_mode(0o1733)).unwrap();
        spool
    }

    fn drop(&self) -> PathBuf {
        self.directory.path().join("drop")
    }

    fn put(&self, name: &str, octets: &[u8]) {
        let path = self.drop().join(name);
        fs::write(&path, octets).unwrap();
        fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    }

    fn take_over(&self, now: Timestamp) -> Vec<HandedIn> {
        let mut told = Vec::new();
        let drop = self.drop();
        let interrupt = Interrupt::default();
        Intake {
            queue: &self.queue,
            drop: &drop,
            is_for_all: &|_| true,
            repairs: Repairs::default(),
            limits: Limits::default(),
            interrupt: &interrupt,
        }
        .run(now, &mut |handed_in| told.push(handed_in))
        .unwrap();
        told
    }

    fn hand_in(&self, text: &str) -> Id {
        let id = Id::new().unwrap();
        let message = Message::kept(Source::held(text, "m"), Repairs::default()).unwrap();
        let envelope = Envelope::new(ReversePath::NULL, ["a@x.example".parse().unwrap()]);
        let head = Head {
            account: "main".to_owned(),
            kept: Timestamp::now(),
            not_before: None,
            state: State::untried(1),
            envelope,
            size: 0,
            message_id: None,
            owner: None,
            is_report: false,
            stays_here: false,
        };
        let drop = DropBox::open(&self.drop(), Limits::default()).unwrap();
        drop.hand_in(&id, &head, &message).unwrap();
        id
    }

    /// Has an entry be a copy that a killed run has left.
    fn is_a_copy_again(&self, id: &Id) {
        let path = self.queue.path().join(id.as_str());
        fs::rename(&path, path.with_extension("copy")).unwrap();
    }

    fn names(&self) -> usize {
        fs::read_dir(self.drop()).unwrap().count()
    }
}

fn day(days: i64) -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second() + days * 86_400).unwrap()
}

#[test]
fn what_is_handed_in_is_taken_over_with_its_octets() {
    let spool = Spool::new();
    let text = "Subject: x\r\nMessage-ID: <1@x.example>\r\n\r\n.\r\nhi\r\n";
    let id = spool.hand_in(text);
    let told = spool.take_over(day(0));
    assert!(matches!(&told[..], [HandedIn::Taken { id: taken, .. }] if *taken == id));
    let (entry, state) = spool.queue.peek(&id).unwrap();
    let mut octets = String::new();
    entry.octets().read_to_string(&mut octets).unwrap();
    assert_eq!(octets, text);
    assert_eq!(entry.head.owner, Some(rustix::process::geteuid().as_raw()));
    assert_eq!(entry.head.message_id.as_deref(), Some("<1@x.example>"));
    assert_eq!(state, State::untried(1));
    assert_eq!(spool.names(), 0);
}

#[test]
fn what_a_killed_run_has_left_is_not_taken_over_again() {
    //
    let spool = Spool::new();
    let id = spool.hand_in("Subject: x\r\n\r\nhi\r\n");
    let octets = fs::read(spool.drop().join(id.as_str())).unwrap();
    spool.take_over(day(0));
    // As if it had been killed before the file was taken away.
    spool.is_a_copy_again(&id);
    spool.put(id.as_str(), &octets);
    let waits = || spool.queue.list().unwrap().entries.is_empty();
    assert!(waits() && spool.queue.named(id.as_str()).unwrap().is_empty());
    let told = spool.take_over(day(0));
    assert!(matches!(&told[..], [HandedIn::Taken { id: taken, .. }] if *taken == id), "{told:?}");
    assert!(spool.names() == 0 && !waits());
    // Another message of this name is none of that.
    spool.put(id.as_str(), &octets);
    let told = spool.take_over(day(0));
    let [HandedIn::Left(left)] = &told[..] else { panic!("{told:?}") };
    assert_eq!(left.reason, "another message in the queue has this name");
    assert_eq!(spool.names(), 1);
}

#[test]
fn a_copy_that_is_damaged_is_set_aside_and_made_anew() {
    let spool = Spool::new();
    let id = spool.hand_in("Subject: x\r\n\r\nhi\r\n");
    let octets = fs::read(spool.drop().join(id.as_str())).unwrap();
    spool.take_over(day(0));
    spool.is_a_copy_again(&id);
    spool.put(id.as_str(), &octets);
    fs::write(spool.queue.path().join(format!("{id}.copy")), b"no line").unwrap();
    let told = spool.take_over(day(0));
    let [HandedIn::SetAside { .. }, HandedIn::Taken { .. }] = &told[..] else { panic!("{told:?}") };
    let listing = spool.queue.list().unwrap();
    assert_eq!((listing.set_aside, listing.entries.len()), (vec![id], 1));
}

#[test]
fn lines_of_what_is_taken_over_end_as_lines_do() {
    // SEC-2
    let spool = Spool::new();
    let id = spool.hand_in("Subject: x\r\n\r\n!!!!!!!!!\r\n");
    let path = spool.drop().join(id.as_str());
    let text = fs::read_to_string(&path).unwrap();
    spool.put(id.as_str(), text.replace("!!!!!!!!!", "a\n.\r\nb\r\rc").as_bytes());
    spool.take_over(day(0));
    let (entry, _) = spool.queue.peek(&id).unwrap();
    let mut octets = String::new();
    entry.octets().read_to_string(&mut octets).unwrap();
    assert_eq!(octets, "Subject: x\r\n\r\na\r\n.\r\nb  c\r\n");
}

#[test]
fn what_nobody_finished_is_cleared_away_after_a_day_unless_it_is_being_written() {
    let spool = Spool::new();
    spool.put("left.tmp", b"half");
    spool.put("busy.tmp", b"half");
    let busy = File::open(spool.drop().join("busy.tmp")).unwrap();
    busy.lock().unwrap();
    assert!(spool.take_over(day(0)).is_empty());
    assert_eq!(spool.names(), 2);
    assert!(spool.take_over(day(2)).is_empty());
    assert_eq!(spool.names(), 1);
    drop(busy);
    spool.take_over(day(2));
    assert_eq!(spool.names(), 0);
}

#[test]
fn one_user_s_rubbish_is_looked_at_no_further_than_a_hundred_files() {
    // SEC-15
    let spool = Spool::new();
    for number in 0..150 {
        spool.put(&format!("rubbish {number}"), b"");
    }
    assert_eq!(spool.take_over(day(0)).len(), 100);
    assert_eq!(spool.take_over(day(0)).len(), 0);
    assert_eq!(spool.queue.left_in_drop().len(), 100);
    assert!(spool.queue.list().unwrap().foreign.is_empty());
}
