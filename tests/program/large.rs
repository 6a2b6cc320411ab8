//! A message of 1 GiB takes hardly more memory than a small one. How much a
//! program takes in all is a matter of its build: `cargo bench --bench queue`
//! holds a release to 12 MiB.

use crate::memory::{PATIENCE, full_pipe, peak_until};
use crate::running::{Place, Started};
use envoi::queue::Id;
use envoi::sink::{Encryption, Listen, Settings, Sink, Storage};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::process::Stdio;
use tempfile::TempDir;

const MIB: u64 = 1024 * 1024;
const GIB: u64 = 1024 * MIB;
/// Base64 makes more than 1 GiB of it.
const ATTACHED: u64 = 790 * MIB;

/// The most memory that a large message may take beyond a small one.
const MORE: u64 = 4 * MIB;

/// Somebody with a queue for large messages, whose server speaks TLS and throws
/// away what it takes.
struct Post {
    place: Place,
    /// What it is in.
    queue: TempDir,
    sink: Sink,
}

impl Post {
    fn new() -> Self {
        let listen = vec![Listen::loopback(0, Encryption::Implicit)];
        let settings = Settings { listen, storage: Storage::Discard, ..Settings::default() };
        let sink = Sink::start(settings).expect("starting the receiver");
        // What is below /tmp may be in memory.
        let queue = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("making a directory");
        let place = Place::new();
        place.write("ca.pem", sink.ca_pem(), None);
        let config = format!(
            "[queue]\ndirectory = '{}/queue'\nkeep-free = '0%'\nmax-message = '2GB'\nmax-total = '2GB'\n\
             [accounts.main]\nfrom = 'me@client.example'\nserver = 'smtps://localhost:{}'\n\
             tls-ca = '~/ca.pem'\n",
            queue.path().display(),
            sink.address().port()
        );
        place.write("config/envoi/config.toml", &config, Some(0o600));
        Post { place, queue, sink }
    }

    /// Keeps a message with an attachment of so many octets, none of which is on
    /// the disk. Gives the memory that it took.
    fn keep_attached(&self, octets: u64) -> u64 {
        let file = File::create(self.place.directory().join("hole")).expect("making a file");
        file.set_len(octets).expect("setting its length");
        self.peak(&["send", "--queue-only", "--body", "hi", "-a", "hole", "a@x.example"], 0, 1)
    }

    /// Keeps a message with a text of so many octets, from standard input.
    fn keep_typed(&self, octets: u64) -> u64 {
        self.peak(&["send", "--queue-only", "--message", "-", "a@x.example"], octets, 1)
    }

    /// Sends the message that is in the queue. Gives the memory that it took, and
    /// the octets that arrived.
    fn drain(&self) -> (u64, u64) {
        let peak = self.peak(&["queue", "run", "--all"], 0, 0);
        let stored = self.sink.next_stored(PATIENCE).expect("a message");
        assert!(stored.tls.is_some());
        (peak, stored.size)
    }

    fn entries(&self) -> usize {
        let names = fs::read_dir(self.queue.path().join("queue")).into_iter().flatten();
        let names = names.map(|entry| entry.expect("an entry").file_name());
        names.filter(|name| name.to_str().is_some_and(|name| name.parse::<Id>().is_ok())).count()
    }

    /// Runs the program with a text of so many octets on its standard input. Gives
    /// the most memory that it had in use until so many messages were in the queue.
    fn peak(&self, words: &[&str], typed: u64, entries: usize) -> u64 {
        // It reports last, and cannot end before somebody reads that.
        let (mut report, standard_output) = full_pipe();
        let mut command = self.place.envoi(words);
        command.stdin(Stdio::piped()).stdout(standard_output);
        let mut run = Started(command.spawn().expect("starting envoi"));
        drop(command);
        type_text(run.0.stdin.take().expect("its standard input"), typed);
        let peak = peak_until(&run.0, || self.entries() == entries);
        report.read_to_end(&mut Vec::new()).expect("reading the report");
        let run = run.finish();
        assert_eq!(run.status, 0, "{run}");
        peak.unwrap_or_else(|| panic!("it was not measured before it ended\n{run}"))
    }
}

fn type_text(mut stdin: impl Write, octets: u64) {
    if octets == 0 {
        return;
    }
    let header = "From: me@client.example\r\nSubject: large\r\n\r\n";
    stdin.write_all(header.as_bytes()).expect("writing the header");
    let block = "0123456789abcdef 0123456789abcde\r\n".repeat(30);
    for _ in 0..octets.div_ceil(block.len() as u64) {
        stdin.write_all(block.as_bytes()).expect("writing the text");
    }
}

#[track_caller]
fn hardly_more(what: &str, large: u64, small: u64) {
    let more = large.saturating_sub(small);
    assert!(more <= MORE, "{what}: {large} octets of memory, {more} more than a small message");
}

#[test]
fn a_message_of_a_gibibyte_is_kept_and_sent_in_hardly_more_memory_than_a_small_one() {
    let post = Post::new();
    let small = post.keep_attached(1024);
    let (small_sent, _) = post.drain();
    hardly_more("keeping", post.keep_attached(ATTACHED), small);
    let (sent, arrived) = post.drain();
    hardly_more("sending", sent, small_sent);
    assert!(arrived > GIB, "{arrived} octets arrived");
}

#[test]
fn a_large_message_from_standard_input_is_kept_in_hardly_more_memory_than_a_small_one() {
    let post = Post::new();
    let small = post.keep_typed(1024);
    post.drain();
    hardly_more("keeping", post.keep_typed(64 * MIB), small);
    let (_, arrived) = post.drain();
    assert!(arrived > 64 * MIB, "{arrived} octets arrived");
}
