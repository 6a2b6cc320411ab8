//! How fast content is encoded: by the parts that write it, each against a
//! plain copy of the same octets, and base64 against the program of that name.
//!
//! `cargo bench` prints the rates, and then the ratios by processor time, which
//! other programs on the machine disturb less.
#![expect(clippy::disallowed_macros, reason = "prints what it measures")]

mod processor;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use envoi::message::{Attachment, Draft, Message, Source, addresses};
use envoi::smtp::DotStuffer;
use processor::children;
use rustix::time::{ClockId, clock_gettime};
use std::io::{Read, Seek, Write};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

fn main() {
    divan::main();
    if std::env::args().any(|argument| argument == "--bench") {
        print_ratios();
    }
}

const MIB: usize = 1024 * 1024;
/// As a session writes.
const BLOCK: usize = 128 * 1024;

#[divan::bench_group(sample_count = 20, sample_size = 1)]
mod base64 {
    use super::{Bencher, BytesCount, FILE, attached, base64_program, copied, on_disk, written};

    #[divan::bench]
    fn copy(bencher: Bencher) {
        bencher.counter(BytesCount::of_slice(&*FILE)).bench_local(|| copied(&FILE));
    }

    #[divan::bench]
    fn attachment(bencher: Bencher) {
        let message = attached();
        bencher.counter(BytesCount::of_slice(&*FILE)).bench_local(|| written(&message));
    }

    #[divan::bench]
    fn program(bencher: Bencher) {
        let file = on_disk();
        bencher.counter(BytesCount::of_slice(&*FILE)).bench_local(|| base64_program(&file));
    }
}

#[divan::bench_group(sample_count = 50, sample_size = 1)]
mod content {
    use super::{Bencher, BytesCount, Content, composed, copied, stuffed};

    #[divan::bench(args = Content::ALL)]
    fn copy(bencher: Bencher, content: Content) {
        let octets = content.octets();
        bencher.counter(BytesCount::of_slice(&octets)).bench_local(|| copied(&octets));
    }

    #[divan::bench(args = Content::DOTS)]
    fn stuff(bencher: Bencher, content: Content) {
        let octets = content.octets();
        bencher.counter(BytesCount::of_slice(&octets)).bench_local(|| stuffed(&octets));
    }

    #[divan::bench(args = Content::TEXTS)]
    fn compose(bencher: Bencher, content: Content) {
        let octets = content.octets();
        bencher
            .counter(BytesCount::of_slice(&octets))
            .with_inputs(|| octets.clone())
            .bench_local_values(composed);
    }
}

/// What is written.
#[derive(Clone, Copy, Debug)]
enum Content {
    NoDots,
    /// A line that begins with a dot every 2 KiB, as in ordinary text.
    SomeDots,
    OnlyDots,
    /// English, but for one word.
    Ascii,
    /// French and German.
    European,
}

impl Content {
    const DOTS: [Content; 3] = [Content::NoDots, Content::SomeDots, Content::OnlyDots];
    const TEXTS: [Content; 2] = [Content::Ascii, Content::European];
    const ALL: [Content; 5] =
        [Content::NoDots, Content::SomeDots, Content::OnlyDots, Content::Ascii, Content::European];

    fn octets(self) -> Vec<u8> {
        const ENGLISH: &str = "What is written here is read by nobody, but it has lines of the length\r\n\
            that people write, and a few short ones.\r\n\r\n";
        const EUROPEAN: &str = "Personne ne lit ce qui est écrit ici, mais les lignes ont la longueur\r\n\
            die man schreibt, und ein paar sind kürzer.\r\n\r\n";
        let (unit, end) = match self {
            Content::NoDots => (ENGLISH.to_owned(), ""),
            Content::SomeDots => (ENGLISH.repeat(18) + ".\r\n", ""),
            Content::OnlyDots => (".\r\n".to_owned(), ""),
            Content::Ascii => (ENGLISH.to_owned(), "né\r\n"),
            Content::European => (EUROPEAN.to_owned(), ""),
        };
        (unit.repeat(16 * MIB / unit.len()) + end).into_bytes()
    }
}

/// 100 MiB that no program can foresee.
static FILE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let words = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.take(100 * MIB / 8).flatten().collect()
});

fn on_disk() -> std::fs::File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&FILE).unwrap();
    file
}

fn copied(octets: &[u8]) {
    let mut copy = Vec::with_capacity(BLOCK);
    for block in octets.chunks(BLOCK) {
        copy.clear();
        copy.extend_from_slice(block);
        black_box(&copy);
    }
}

fn stuffed(octets: &[u8]) {
    let (mut stuffer, mut scratch) = (DotStuffer::default(), Vec::new());
    for block in octets.chunks(BLOCK) {
        black_box(stuffer.stuff(block, &mut scratch));
    }
}

fn draft() -> Draft {
    let mut draft =
        Draft::new("2026-11-23T04:03:37+00:00[UTC]".parse().unwrap(), "<1@x.example>".to_owned());
    draft.from = addresses("a@x.example").unwrap();
    draft
}

fn composed(text: Vec<u8>) -> Message {
    let mut draft = draft();
    draft.text = Some(text);
    draft.into_message().unwrap().message
}

fn attached() -> Message {
    let mut draft = draft();
    let source = Source::held(FILE.clone(), "test");
    draft.attachments = vec![Attachment { source, name: None, media_type: None }];
    draft.into_message().unwrap().message
}

fn written(message: &Message) {
    let (mut octets, mut block) = (message.open().unwrap(), vec![0; BLOCK]);
    while octets.read(&mut block).unwrap() > 0 {
        black_box(&block);
    }
}

/// The program of the coreutils.
fn base64_program(mut file: &std::fs::File) {
    file.rewind().unwrap();
    let mut program = Command::new("base64");
    program.arg("-w76").stdin(file.try_clone().unwrap()).stdout(Stdio::null());
    assert!(program.status().unwrap().success());
}

fn print_ratios() {
    println!("\nBy processor time:");
    let file = on_disk();
    let before = children();
    (0..10).for_each(|_| base64_program(&file));
    let program = children().saturating_sub(before) / 10;
    let message = attached();
    let (base64, copy) = best(|| written(&message), || copied(&FILE));
    print_ratio("base64, against the program", &FILE, base64, program);
    print_ratio("base64, against a copy", &FILE, base64, copy);
    for content in Content::DOTS {
        let octets = content.octets();
        let (stuff, copy) = best(|| stuffed(&octets), || copied(&octets));
        print_ratio(&format!("dot-stuffing {content:?}, against a copy"), &octets, stuff, copy);
    }
    for content in Content::TEXTS {
        let octets = content.octets();
        let (text, copy) = best(|| drop(composed(octets.clone())), || copied(&octets));
        print_ratio(&format!("composing {content:?}, against a copy"), &octets, text, copy);
    }
}

fn print_ratio(what: &str, octets: &[u8], took: Duration, other: Duration) {
    let megabytes = octets.len() as u128 / took.as_micros().max(1);
    let ratio = other.as_secs_f64() / took.as_secs_f64();
    println!("{what}: {ratio:.2} × the rate, {megabytes} MB/s");
}

/// The least that each took, by turns.
fn best(mut one: impl FnMut(), mut other: impl FnMut()) -> (Duration, Duration) {
    let turns = (0..15).map(|_| (processor_time(&mut one), processor_time(&mut other)));
    turns.reduce(|best, turn| (best.0.min(turn.0), best.1.min(turn.1))).expect("15 turns")
}

fn processor_time(mut work: impl FnMut()) -> Duration {
    let now = || Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).expect("not negative");
    let before = now();
    work();
    now().saturating_sub(before)
}
