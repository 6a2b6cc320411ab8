//! What somebody else has put into the directory.

use crate::office::{Office, accepted, not_now};
use crate::spool::{Spool, keep, moment};
use envoi::queue::{Folder, FolderError, Id, Named, Which};
use rustix::fs::{CWD, FileType, Mode};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::Path;

/// The name of an entry that nobody kept.
const FORGED: &str = "00000000000000ff";

/// The queue with two messages, and something else that `put` makes at this
/// path; then a run. What was told of the thing.
fn run_beside(put: impl FnOnce(&Path)) -> (Spool, Vec<String>) {
    let spool = Spool::new();
    let queue = spool.queue();
    for word in ["one", "two"] {
        keep(&queue, word, &["a@x.example"]);
    }
    put(&spool.path().join(FORGED));
    let listing = queue.list().unwrap();
    assert_eq!(listing.entries.len(), 2, "{listing:?}");
    let office = Office::new(|_| accepted());
    let told = office.run(&queue, &Which::Due, moment(0)).unwrap();
    for word in ["one", "two"] {
        assert_eq!(office.times(word, "a@x.example"), 1, "{told:?}");
    }
    assert_eq!(office.carried(), 2);
    (spool, told.into_iter().filter(|event| !event.starts_with("tried ")).collect())
}

/// It is told why the thing is not used, and it stays.
fn assert_stays(put: impl FnOnce(&Path), reason: &str) {
    let (spool, told) = run_beside(put);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with(&format!("unusable {FORGED}: {reason}")), "{told:?}");
    assert_eq!(spool.names(), [FORGED]);
}

/// It is told why the thing is not used, and it is put where nobody tries it.
fn assert_set_aside(put: impl FnOnce(&Path), reason: &str) {
    let (spool, told) = run_beside(put);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with(&format!("set aside {FORGED}: it is damaged: ")), "{told:?}");
    assert!(told[0].contains(reason), "{told:?}");
    assert_eq!(spool.names(), [format!("{FORGED}.bad")]);
    let id: Id = FORGED.parse().unwrap();
    assert_eq!(spool.queue().list().unwrap().set_aside, std::slice::from_ref(&id));
    assert_eq!(spool.queue().named("").unwrap(), [Named { id, is_set_aside: true }]);
}

fn copied_entry(path: &Path) -> Vec<u8> {
    let others = fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap());
    let entry = others.into_iter().find(|entry| entry.file_name().len() == 16).unwrap();
    fs::read(entry.path()).unwrap()
}

#[test]
fn what_is_no_plain_file_of_ours_is_told_and_stays() {
    // SEC-10
    let elsewhere = tempfile::NamedTempFile::new().unwrap();
    assert_stays(|path| symlink(elsewhere.path(), path).unwrap(), "it is a symbolic link");
    assert_stays(|path| symlink("/nowhere", path).unwrap(), "it is a symbolic link");
    assert_stays(|path| fs::create_dir(path).unwrap(), "it is not a regular file");
    let pipe = |path: &Path| {
        rustix::fs::mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    };
    assert_stays(pipe, "it is not a regular file");
    let linked = |path: &Path| {
        let original = path.with_file_name("original");
        fs::write(&original, copied_entry(path)).unwrap();
        fs::hard_link(&original, path).unwrap();
    };
    let (spool, told) = run_beside(linked);
    assert!(told[0].contains("it has another name, too (a hard link)"), "{told:?}");
    assert_eq!(spool.queue().list().unwrap().foreign, ["original"]);
}

#[test]
#[ignore = "only root can make devices and give files away"]
fn what_is_a_device_or_somebody_elses_is_told_and_stays() {
    // SEC-10
    let device = |path: &Path| {
        let null = rustix::fs::makedev(1, 3);
        rustix::fs::mknodat(CWD, path, FileType::CharacterDevice, Mode::RUSR, null).unwrap();
    };
    assert_stays(device, "it is not a regular file");
    let theirs = |path: &Path| {
        fs::write(path, copied_entry(path)).unwrap();
        chown(path, Some(1), Some(1)).unwrap();
    };
    assert_stays(theirs, "it belongs to another user");
}

#[test]
fn what_is_damaged_is_told_and_set_aside() {
    let sparse = |path: &Path| File::create(path).unwrap().set_len(10 << 30).unwrap();
    assert_set_aside(sparse, "it has no first line");
    assert_set_aside(|path| fs::write(path, "").unwrap(), "it has no first line");
    assert_set_aside(|path| fs::write(path, "{\"envoi\":1}\nx").unwrap(), "missing field");
    assert_set_aside(|path| fs::write(path, "\0\0\0\0\n").unwrap(), "expected value");
    let truncated = |path: &Path| {
        let entry = copied_entry(path);
        fs::write(path, &entry[..entry.len() - 3]).unwrap();
    };
    assert_set_aside(truncated, "octets, and had");
    let cut_in_its_line = |path: &Path| fs::write(path, &copied_entry(path)[..100]).unwrap();
    assert_set_aside(cut_in_its_line, "it has no first line");
}

#[test]
fn what_a_newer_version_wrote_is_left_to_it() {
    let newer = |path: &Path| {
        fs::write(path, "{\"envoi\":2,\"colour\":\"blue\"}\nanything").unwrap();
    };
    assert_stays(newer, "it was written by a newer version of envoi (format 2)");
    let (spool, told) = run_beside(|path| {
        fs::write(path, copied_entry(path)).unwrap();
        let state = path.with_extension("state");
        fs::write(state, "{\"envoi\":2,\"mood\":\"good\"}").unwrap();
    });
    assert_eq!(
        told,
        [format!("unusable {FORGED}: it was written by a newer version of envoi (format 2)")]
    );
    assert_eq!(spool.names(), [FORGED.to_owned(), format!("{FORGED}.state")]);
}

#[test]
fn an_entry_whose_state_cannot_be_read_is_not_sent_as_if_it_had_none() {
    //
    for garbage in ["", "garbage", "{\"tries\":", "{\"tries\":1,\"to\":[]}", "\0\0\0\0"] {
        let (spool, told) = run_beside(|path| {
            fs::write(path, copied_entry(path)).unwrap();
            fs::write(path.with_extension("state"), garbage).unwrap();
        });
        assert_eq!(told.len(), 1, "{garbage:?}: {told:?}");
        let start = format!("set aside {FORGED}: it is damaged: its state");
        assert!(told[0].starts_with(&start), "{garbage:?}: {told:?}");
        assert_eq!(spool.names(), [format!("{FORGED}.bad"), format!("{FORGED}.state.bad")]);
    }
    let (spool, told) = run_beside(|path| {
        fs::write(path, copied_entry(path)).unwrap();
        symlink("/nowhere", path.with_extension("state")).unwrap();
    });
    assert_eq!(told, [format!("unusable {FORGED}: it is a symbolic link")]);
    assert_eq!(spool.names(), [FORGED.to_owned(), format!("{FORGED}.state")]);
}

#[test]
fn names_that_are_none_of_the_queues_are_listed_and_left_alone() {
    let spool = Spool::new();
    let queue = spool.queue();
    keep(&queue, "one", &["a@x.example"]);
    for name in [
        &b"line\nbreak"[..],
        b"not \xff UTF-8",
        b"00000000000000FF",
        b"00000000000000ff\n",
        b"00000000000000f",
        b"..00000000000000",
        b".state",
        b"note.txt",
    ] {
        fs::write(spool.path().join(OsStr::from_bytes(name)), "x").unwrap();
    }
    let foreign = queue.list().unwrap().foreign;
    assert_eq!(foreign.len(), 8, "{foreign:?}");
    let office = Office::new(|_| accepted());
    let told = office.run(&queue, &Which::Due, moment(0)).unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(queue.list().unwrap().foreign, foreign);
}

#[test]
fn garbage_in_the_queues_own_notes_stops_nothing() {
    for name in ["account.work", "last-run", "log"] {
        for garbage in ["", "garbage", "{\"at\":1}\n", "\0\0\0"] {
            let spool = Spool::new();
            let queue = spool.queue();
            keep(&queue, "one", &["a@x.example"]);
            fs::write(spool.path().join(name), garbage).unwrap();
            let office = Office::new(|_| accepted());
            office.run(&queue, &Which::Due, moment(0)).unwrap();
            assert_eq!(office.times("one", "a@x.example"), 1, "{name} {garbage:?}");
            assert!(queue.troubles().unwrap().is_empty(), "{name} {garbage:?}");
            assert_eq!(queue.last_run(), Some(moment(0)), "{name} {garbage:?}");
        }
    }
}

#[test]
fn a_journal_that_broke_off_within_a_character_can_still_be_read() {
    let spool = Spool::new();
    let queue = spool.queue();
    let id = keep(&queue, "one", &["a@x.example"]);
    let office = Office::new(|_| not_now());
    office.run(&queue, &Which::Due, moment(0)).unwrap();
    let mut log = File::options().append(true).open(spool.path().join("log")).unwrap();
    log.write_all(b"{\"text\":\"gr\xc3").unwrap();
    office.run(&queue, &Which::All, moment(60)).unwrap();
    office.run(&queue, &Which::All, moment(120)).unwrap();
    let lines = queue.journal(Some(&id)).unwrap();
    assert_eq!(lines.first().unwrap().at, moment(0));
    assert_eq!(lines.last().unwrap().at, moment(120));
}

#[test]
fn a_link_in_the_place_of_the_directory_leads_nobody_away() {
    // SEC-10
    let spool = Spool::new();
    let queue = spool.queue();
    keep(&queue, "one", &["a@x.example"]);
    let moved = spool.path().with_file_name("moved");
    let trap = tempfile::TempDir::new().unwrap();
    fs::rename(spool.path(), &moved).unwrap();
    symlink(trap.path(), spool.path()).unwrap();
    keep(&queue, "two", &["a@x.example"]);
    let office = Office::new(|_| accepted());
    office.run(&queue, &Which::Due, moment(0)).unwrap();
    for word in ["one", "two"] {
        assert_eq!(office.times(word, "a@x.example"), 1, "{word}");
    }
    assert_eq!(fs::read_dir(trap.path()).unwrap().count(), 0);
    assert_eq!(crate::spool::names(&moved), [""; 0]);
    let refused = Folder::make(&spool.path()).unwrap_err();
    assert!(matches!(refused, FolderError::Io { .. }), "{refused}");
}

#[test]
fn a_directory_that_others_may_change_is_no_queue() {
    // SEC-10
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let spool = Spool::new();
    let above = spool.path().parent().unwrap().to_owned();
    for bits in [0o750, 0o705, 0o777] {
        mode(&spool.path(), bits);
        let refused = Folder::open(&spool.path()).unwrap_err();
        assert!(matches!(refused, FolderError::Open { mode, .. } if mode == bits), "{refused}");
    }
    mode(&spool.path(), 0o700);
    for bits in [0o770, 0o707] {
        mode(&above, bits);
        let refused = Folder::open(&spool.path()).unwrap_err();
        assert!(matches!(refused, FolderError::LooseParent { .. }), "{refused}");
    }
    mode(&above, 0o1777);
    assert!(Folder::open(&spool.path()).is_ok());
    mode(&above, 0o700);
    fs::write(spool.path().join("file"), "").unwrap();
    assert!(Folder::open(&spool.path().join("file")).is_err());
    let missing = Folder::open(&spool.path().join("missing")).unwrap_err();
    assert!(matches!(missing, FolderError::Missing(_)), "{missing}");
}

#[test]
fn a_directory_is_made_with_those_above_it_and_is_their_owners_alone() {
    // SEC-10
    let spool = Spool::new();
    let above = spool.path().join("state/envoi");
    Folder::make(&above.join("queue")).unwrap();
    for made in [above.parent().unwrap(), &above, &above.join("queue")] {
        assert_eq!(fs::metadata(made).unwrap().permissions().mode() & 0o777, 0o700);
    }
    symlink(&above, spool.path().join("link")).unwrap();
    assert!(Folder::make(&spool.path().join("link")).is_err());
}

#[test]
#[ignore = "only root can give files away"]
fn a_directory_of_somebody_else_is_no_queue() {
    // SEC-10
    let spool = Spool::new();
    chown(spool.path(), Some(1), Some(1)).unwrap();
    let refused = Folder::open(&spool.path()).unwrap_err();
    assert!(matches!(refused, FolderError::Foreign { owner: 1, .. }), "{refused}");
}

#[test]
fn files_of_a_queue_are_their_owners_alone() {
    // SEC-10
    let spool = Spool::new();
    let queue = spool.real_queue();
    keep(&queue, "one", &["a@x.example"]);
    Office::new(|_| not_now()).run(&queue, &Which::Due, moment(0)).unwrap();
    let entries = fs::read_dir(spool.path()).unwrap().map(|entry| entry.unwrap());
    let modes: Vec<_> = entries
        .map(|entry| (entry.file_name(), entry.metadata().unwrap().permissions().mode() & 0o777))
        .collect();
    assert_eq!(modes.len(), 5, "{modes:?}");
    assert!(modes.iter().all(|(_, mode)| *mode == 0o600), "{modes:?}");
}
