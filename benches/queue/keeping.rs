//! Keeping a message, beside a plain file of the same octets that is written,
//! synced and given its name, which is synced, too.

use super::spool::{self, directory, head, message};
use super::{Extent, Figure, ratio, timed};
use envoi::queue::{Folder, Id};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

/// The time of a message over that of a plain file. Most of both is the disk,
/// which is never the same twice.
const HELD_TO: f64 = 1.5;

pub(crate) fn measure(extent: Extent) -> Vec<Figure> {
    [("an empty queue", 0), ("a queue that is full of others", extent.waiting)]
        .map(|(what, waiting)| {
            let what = format!("keeping in {what}, × a plain file");
            Figure { what, is: against_plain(extent, waiting), held_to: HELD_TO }
        })
        .into()
}

/// Both in directories with as much in them.
fn against_plain(extent: Extent, waiting: usize) -> f64 {
    let home = directory();
    let (path, beside) = (home.path().join("queue"), home.path().join("plain"));
    spool::fill(&path, waiting);
    spool::fill(&beside, waiting);
    let queue = spool::queue(Folder::open(&path).unwrap(), &path);
    let (head, message) = (head(), message());
    // The first finds out how much there is.
    let first = Id::new().unwrap();
    queue.keep(&first, &head, &message).unwrap();
    let octets = fs::read(path.join(first.as_str())).unwrap();
    let pairs = (0..extent.kept).map(|number| {
        let id = Id::new().unwrap();
        let kept = timed(|| queue.keep(&id, &head, &message).unwrap());
        (kept, timed(|| write_plain(&beside, number, &octets)))
    });
    ratio(pairs.collect())
}

fn write_plain(directory: &Path, number: usize, octets: &[u8]) {
    let (begun, done) = (directory.join("begun"), directory.join(number.to_string()));
    let mut file = File::create(&begun).unwrap();
    file.write_all(octets).unwrap();
    file.sync_all().unwrap();
    fs::rename(&begun, &done).unwrap();
    File::open(directory).unwrap().sync_all().unwrap();
}
