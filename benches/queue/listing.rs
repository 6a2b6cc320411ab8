//! `envoi queue list`: how long it takes, how much memory, and how often it opens
//! a file.

use super::memory::peak;
use super::spool::{self, Opened, configured, directory};
use super::{Extent, Figure};
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

const SECONDS: f64 = 1.0;
const MEBIBYTES: f64 = 64.0;

pub(crate) fn measure(extent: Extent) -> Vec<Figure> {
    let home = directory();
    let path = configured(home.path(), "smtps://alice@localhost:465");
    spool::fill(&path, extent.waiting);
    let (mut seconds, mut peak) = (Vec::new(), 0.0_f64);
    for _ in 0..extent.turns {
        let start = Instant::now();
        peak = peak.max(list(home.path(), extent.waiting));
        seconds.push(start.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    let what = |what: &str| format!("the list of {} messages: {what}", extent.waiting);
    vec![
        Figure { what: what("seconds"), is: seconds[seconds.len() / 2], held_to: SECONDS },
        Figure { what: what("MiB"), is: peak, held_to: MEBIBYTES },
        Figure { what: what("openings of one file"), is: most_openings(&path), held_to: 1.0 },
    ]
}

/// Lists, and gives the memory that it took: the most of it is in use when the
/// first line is printed.
fn list(home: &Path, messages: usize) -> f64 {
    let mut program = Command::new(env!("CARGO_BIN_EXE_envoi"));
    program.args(["queue", "list"]).env_clear().env("HOME", home);
    program.env("ENVOI_CONFIG", home.join("config.toml")).stdout(Stdio::piped());
    let mut program = program.spawn().unwrap();
    let mut text = vec![0; 1];
    let mut out = program.stdout.take().unwrap();
    out.read_exact(&mut text).unwrap();
    // A short list has been printed by then.
    let kibibytes = peak(&program).unwrap_or(0) / 1024;
    out.read_to_end(&mut text).unwrap();
    assert!(program.wait().unwrap().success());
    let text = String::from_utf8(text).unwrap();
    assert_eq!(text.matches(" octets  from ").count(), messages, "{text}");
    f64::from(u32::try_from(kibibytes).unwrap()) / 1024.0
}

/// How often the file that was opened most was opened.
fn most_openings(path: &Path) -> f64 {
    let (disk, counts) = Opened::folder(path);
    spool::queue(disk, path).list().unwrap();
    let most = counts.lock().unwrap().values().copied().max().unwrap();
    f64::from(u32::try_from(most).unwrap())
}
