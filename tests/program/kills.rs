//! The program is killed, at moments that a seed chooses: nothing is lost, none
//! half a message, and none sent twice but what was taken when nobody could
//! write that down any more.

use crate::queue::{Inbox, id_number, keep, listing, number, place, refusing};
use crate::running::{Place, Started};
use crate::sink;
use envoi::sink::Stored;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Numbers that are the same each time (Steele, Lea, Flood 2014: `SplitMix64`).
struct Seed(u64);

impl Seed {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// A part of a time.
    fn part_of(&mut self, whole: Duration) -> Duration {
        whole.mul_f64(f64::from(u32::try_from(self.below(1000)).expect("it is small")) / 1000.0)
    }
}

// Keeping ----------------------------------------------------------------------

const LINE: &str = "0123456789012345678901234567890123456789012345678901234567890123\r\n";
const LINES: usize = 4000;
const LAST: &str = "the end\r\n";

/// Starts to hand in a message with this number.
fn handing_in(place: &Place, number: u64) -> (Started, ChildStdin) {
    let mut sendmail = place.envoi(["sendmail", "-odq", "a@x.example"]);
    let mut run = Started(sendmail.stdin(Stdio::piped()).spawn().expect("starting envoi"));
    let mut pipe = run.0.stdin.take().expect("its standard input");
    let header = format!("From: me@client.example\r\nSubject: {number}\r\n\r\n");
    pipe.write_all(header.as_bytes()).expect("writing the header");
    (run, pipe)
}

fn write_lines(pipe: &mut ChildStdin, lines: usize) {
    pipe.write_all(LINE.repeat(lines).as_bytes()).expect("writing the text");
}

fn write_rest(mut pipe: ChildStdin, lines: usize) {
    write_lines(&mut pipe, lines);
    pipe.write_all(LAST.as_bytes()).expect("writing the last line");
}

/// Kills it, if it runs still. True if it had ended well before.
fn killed(mut run: Started) -> bool {
    run.0.kill().expect("killing envoi");
    run.0.wait().expect("waiting for envoi").success()
}

#[test]
fn whoever_is_killed_while_keeping_a_message_has_kept_all_of_it_or_nothing() {
    // P1, Q-4
    let sink = sink();
    let place = place(sink.address().port());
    // Somebody runs the queue: who hands in a message need not.
    assert_eq!(place.run(["queue", "run", "-q"], None).status, 0);
    let mut seed = Seed(1);
    let (mut kept, mut all) = (BTreeSet::new(), 0);
    let mut longest = Duration::ZERO;
    for _ in 0..3 {
        let (run, mut pipe) = handing_in(&place, all);
        write_lines(&mut pipe, LINES / 2);
        let since = Instant::now();
        write_rest(pipe, LINES / 2);
        assert_eq!(run.finish().status, 0);
        longest = longest.max(since.elapsed());
        kept.insert(all);
        all += 1;
    }
    let mut ended_well = 0;
    for round in 0..50 {
        let (run, mut pipe) = handing_in(&place, all);
        let well = if round % 5 == 0 {
            // In the middle of what is handed in.
            write_lines(&mut pipe, usize::try_from(seed.below(LINES as u64)).expect("small"));
            killed(run)
        } else {
            write_lines(&mut pipe, LINES / 2);
            write_rest(pipe, LINES / 2);
            std::thread::sleep(seed.part_of(longest));
            killed(run)
        };
        if well {
            ended_well += 1;
            kept.insert(all);
        }
        all += 1;
        let listing = listing(&place);
        assert!(listing.unusable.is_empty() && listing.foreign.is_empty(), "{listing:?}");
    }
    assert!(ended_well < 50, "nobody was killed in time");
    let in_queue = listing(&place).entries.len();
    assert_eq!(place.run(["queue", "run", "-q"], None).status, 0);
    let arrived = Inbox::of(&sink).rest();
    assert_eq!(arrived.len(), in_queue);
    let numbers: BTreeSet<u64> = arrived.iter().map(number).collect();
    assert_eq!(numbers.len(), arrived.len(), "each arrived once");
    assert!(kept.is_subset(&numbers), "who got the status 0 has it kept: {kept:?} {numbers:?}");
    assert!(numbers.iter().all(|number| *number < all), "{numbers:?}");
    for message in &arrived {
        let text = String::from_utf8_lossy(message.octets.as_deref().expect("kept in memory"));
        assert_eq!(text.matches(LINE).count(), LINES);
        assert!(text.ends_with(LAST), "it is not whole");
    }
    let names = fs::read_dir(place.directory().join("state/envoi/queue")).expect("the queue");
    for entry in names.map(|entry| entry.expect("an entry")) {
        let is_begun = entry.path().extension().is_some_and(|end| end == "tmp");
        let is_empty = entry.metadata().expect("its facts").len() == 0;
        assert!(!is_begun || is_empty, "what was begun is cleared away: {entry:?}");
    }
}

// Sending ----------------------------------------------------------------------

/// A message by its number, and one recipient of it.
type Copy = (u64, String);

const CONNECTIONS: usize = 2;
const RIGHT_AWAY: &str = "a@x.example";
const LATER: &str = "later@x.example";

/// What was handed in, and how often each came to whom.
#[derive(Default)]
struct Books {
    handed_in: u64,
    came: BTreeMap<Copy, usize>,
    /// How often a kill left a recipient waiting who had the message.
    forgotten: BTreeMap<Copy, usize>,
}

impl Books {
    /// Sees to it that there is something to do. Every third message waits for
    /// one of its recipients.
    fn fill(&mut self, place: &Place, up_to: usize) {
        for _ in place.queued().len()..up_to {
            keep(place, self.handed_in, Books::recipients(self.handed_in));
            self.handed_in += 1;
        }
    }

    fn recipients(number: u64) -> &'static [&'static str] {
        if number.is_multiple_of(3) { &[RIGHT_AWAY, LATER] } else { &[RIGHT_AWAY] }
    }

    fn enter(&mut self, messages: &[Stored]) -> BTreeSet<Copy> {
        let copies = messages
            .iter()
            .flat_map(|message| message.to.iter().map(|to| (number(message), to.path.to_string())));
        let copies: Vec<Copy> = copies.collect();
        for copy in &copies {
            *self.came.entry(copy.clone()).or_default() += 1;
        }
        copies.into_iter().collect()
    }

    /// Takes stock after a kill: nobody is missing, and only who was about to
    /// write down what came of a message has not done so.
    fn take_stock(&mut self, place: &Place, just_came: &BTreeSet<Copy>) {
        let listing = listing(place);
        assert!(listing.unusable.is_empty() && listing.set_aside.is_empty(), "{listing:?}");
        let mut waiting = BTreeSet::new();
        for entry in &listing.entries {
            for at in entry.state.waiting() {
                let to = &entry.head.envelope.to()[at].path;
                waiting.insert((id_number(&entry.id), to.to_string()));
            }
        }
        for number in 0..self.handed_in {
            for to in Books::recipients(number) {
                let copy = (number, (*to).to_owned());
                let has_come = self.came.contains_key(&copy);
                assert!(has_come || waiting.contains(&copy), "{copy:?} is lost");
            }
        }
        let forgotten: Vec<&Copy> = waiting.intersection(just_came).collect();
        assert!(forgotten.len() <= CONNECTIONS, "more than were under way: {forgotten:?}");
        for copy in forgotten {
            *self.forgotten.entry(copy.clone()).or_default() += 1;
        }
    }
}

#[test]
fn whoever_is_killed_while_sending_has_lost_nothing_and_forgotten_one_message_at_most() {
    // P1, Q-4
    let later = format!("{LATER}=450 4.2.1 Later");
    let sink = refusing(&[&later]);
    let place = place(sink.address().port());
    let mut inbox = Inbox::of(&sink);
    let (mut seed, mut books) = (Seed(2), Books::default());
    let words = ["queue", "run", "-q", "--connections", &CONNECTIONS.to_string()];
    let start = || Started(place.envoi(words).spawn().expect("starting envoi"));
    books.fill(&place, 30);
    let since = Instant::now();
    assert_eq!(start().finish().status, 0);
    let usual = since.elapsed();
    books.enter(&inbox.rest());
    let mut in_time = 0;
    for round in 0..50 {
        let asleep = books.handed_in / 3;
        books.fill(&place, usize::try_from(asleep).expect("few") + 30);
        let run = start();
        let mut came = Vec::new();
        if round % 2 == 0 {
            std::thread::sleep(seed.part_of(usual));
        } else {
            // The receiver has it, and has not said so.
            for _ in 0..=seed.below(20) {
                came.extend(inbox.next_within(Duration::from_secs(5)));
            }
        }
        in_time += usize::from(!killed(run));
        came.extend(inbox.rest());
        let just_came = books.enter(&came);
        books.take_stock(&place, &just_came);
    }
    assert!(in_time > 25, "{in_time} were killed in time");
    drop(sink);
    // Everybody else has it once, however often somebody was killed.
    let sink = crate::sink();
    crate::queue::configure(&place, sink.address().port(), "");
    assert_eq!(place.run(["queue", "run", "-q", "--all"], None).status, 0);
    books.enter(&Inbox::of(&sink).rest());
    assert_eq!(place.queued().len(), 0);
    for number in 0..books.handed_in {
        for to in Books::recipients(number) {
            let copy = (number, (*to).to_owned());
            let again = books.forgotten.get(&copy).copied().unwrap_or_default();
            let came = books.came.get(&copy).copied().unwrap_or_default();
            assert_eq!(came, 1 + again, "{copy:?}");
        }
    }
}

// Catching ---------------------------------------------------------------------

/// What of a message is written already, under another name.
fn half_written(directory: &Path) -> Vec<PathBuf> {
    let inside = |directory: &Path| {
        let entries = fs::read_dir(directory).into_iter().flatten();
        entries.map(|entry| entry.expect("an entry").path()).collect::<Vec<_>>()
    };
    let places = [directory.to_owned(), directory.join("mail"), directory.join("mail/tmp")];
    let all = places.iter().flat_map(|place| inside(place));
    let is_half = |path: &PathBuf| {
        path.extension().is_some_and(|it| it == "part") || path.parent() == Some(&places[2])
    };
    all.filter(is_half).collect()
}

#[test]
fn a_receiver_that_is_interrupted_leaves_nothing_of_half_a_message() {
    for store in [&["--eml", "mail"][..], &["--mbox", "mail"], &["mail"]] {
        let place = Place::new();
        let words = [&["--json", "sink", "--listen", "0"][..], store].concat();
        let sink = place.envoi(words).stdout(Stdio::piped()).spawn().expect("starting envoi");
        let mut sink = Started(sink);
        let mut line = String::new();
        let out = sink.0.stdout.take().expect("its standard output");
        BufReader::new(out).read_line(&mut line).expect("reading where it listens");
        let line: Value = serde_json::from_str(&line).expect("an object");
        let address = line["urls"][0].as_str().and_then(|url| url.strip_prefix("smtp://"));
        let mut client = TcpStream::connect(address.expect("a URL")).expect("connecting");
        client
            .write_all(b"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.c>\r\nDATA\r\n")
            .expect("writing");
        client.write_all(LINE.repeat(LINES).as_bytes()).expect("writing half a message");
        let until = Instant::now() + Duration::from_secs(60);
        while half_written(place.directory()).is_empty() && Instant::now() < until {
            thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(half_written(place.directory()).len(), 1, "{store:?}");
        kill_process(Pid::from_child(&sink.0), Signal::TERM).expect("sending SIGTERM");
        assert_eq!(sink.0.wait().expect("waiting for envoi").code(), Some(143), "{store:?}");
        assert_eq!(half_written(place.directory()), [] as [PathBuf; 0], "{store:?}");
    }
}
