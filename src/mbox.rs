//! Mailboxes of one file: messages behind each other, each under a line that
//! begins with `From ` (mbox(5), RFC 4155).
//!
//! Written as "mboxrd": a line of a message that begins with any number of `>`
//! and `From ` has one `>` more in the file, so that what is read again is what
//! was written. Lines end in LF.

use crate::net::Deadline;
use jiff::Zoned;
use rustix::fs::{FlockOperation, Mode, OFlags, fcntl_lock};
use rustix::io::Errno;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Seek as _, SeekFrom, Write};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Makes the file where it is missing, for its owner only. Fails where it is
/// something else than a mailbox: nobody's notes are written to.
pub fn make(path: &Path) -> io::Result<()> {
    let file = opened(path)?;
    let mut begin = [0; FROM.len()];
    let length = (&file).take(FROM.len() as u64).read(&mut begin)?;
    if length > 0 && &begin[..length] != FROM {
        return Err(io::Error::other("the file is no mailbox: it does not begin with ‘From ’"));
    }
    Ok(())
}

/// Appends a message, cut into lines by LF, under a line that names this sender;
/// `""` is that of reports. Others who lock the file as mail programs do
/// (fcntl(2)) are waited for, but not for ever. After an error nothing of the
/// message is there.
pub fn append(path: &Path, sender: &str, now: &Zoned, message: impl Read) -> io::Result<()> {
    // Those who stand behind each other here wait no longer for that.
    append_by(Deadline::after(PATIENCE), path, sender, now, message)
}

fn append_by(
    until: Deadline,
    path: &Path,
    sender: &str,
    now: &Zoned,
    message: impl Read,
) -> io::Result<()> {
    // Such a lock keeps out other processes only, and is lost where this one
    // closes the file anywhere.
    static IN_THIS_PROCESS: Mutex<()> = Mutex::new(());
    let _alone = IN_THIS_PROCESS.lock().unwrap_or_else(PoisonError::into_inner);
    let mut file = locked(path, until)?;
    let before = file.seek(SeekFrom::End(0))?;
    let written = from_line(&file, before, sender, now).and_then(|line| {
        let mut out = BufWriter::with_capacity(BLOCK, &file);
        out.write_all(line.as_bytes())?;
        quote(BufReader::with_capacity(BLOCK, message), &mut out)?;
        out.flush()
    });
    written.inspect_err(|_| {
        // Half a message would swallow the next one.
        let _ = file.set_len(before);
    })
}

/// Reads a mailbox while others append to it.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    /// What begins here was not read yet.
    at: u64,
}

impl Reader {
    /// A reader of all there is in the file, and comes; it need not be there yet.
    pub fn new(path: PathBuf) -> Self {
        Reader { path, at: 0 }
    }

    /// The messages that came since this was asked last, without the lines
    /// between them. None while somebody else has the file locked. A file
    /// that became shorter is read from its beginning.
    pub fn fresh(&mut self) -> io::Result<Vec<Vec<u8>>> {
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        if file.metadata()?.len() == self.at || is_locked(&file) {
            return Ok(Vec::new());
        }
        let mut begin = [0; FROM.len()];
        if file.read_exact_at(&mut begin, self.at).is_err() || begin != *FROM {
            self.at = 0;
        }
        let mut octets = Vec::new();
        file.seek(SeekFrom::Start(self.at))?;
        file.read_to_end(&mut octets)?;
        self.at += octets.len() as u64;
        Ok(messages(&octets))
    }
}

/// The messages of a file, as they were before they were quoted. What stands
/// before the first is none.
fn messages(octets: &[u8]) -> Vec<Vec<u8>> {
    let mut messages: Vec<Vec<u8>> = Vec::new();
    for line in octets.split_inclusive(|octet| *octet == b'\n') {
        if line.starts_with(FROM) {
            messages.push(Vec::new());
        } else if let Some(message) = messages.last_mut() {
            let quotes = line.iter().take_while(|octet| **octet == b'>').count();
            let is_quoted = quotes > 0 && line[quotes..].starts_with(FROM);
            message.extend_from_slice(if is_quoted { &line[1..] } else { line });
        }
    }
    for message in &mut messages {
        // The empty line before the next message is none of it.
        if message.ends_with(b"\n\n") || message == b"\n" {
            message.pop();
        }
    }
    messages
}

/// The line above a message, and before it what is lacking behind another
/// program's last one.
fn from_line(file: &File, length: u64, sender: &str, now: &Zoned) -> io::Result<String> {
    let mut end = [b'\n'; 2];
    let known = usize::try_from(length).unwrap_or(2).min(2);
    file.read_exact_at(&mut end[2 - known..], length - known as u64)?;
    let gap = match end {
        [b'\n', b'\n'] => "",
        [_, b'\n'] => "\n",
        _ => "\n\n",
    };
    let sender = if sender.is_empty() { "MAILER-DAEMON" } else { sender };
    // Readers take the first word for the sender; Return-Path has it unchanged.
    let sender = sender.replace(|c: char| c.is_whitespace() || c.is_control(), "_");
    Ok(format!("{gap}From {sender} {}\n", now.strftime("%a %b %e %H:%M:%S %Y")))
}

/// Writes a message with its lines quoted, and the empty line behind it.
fn quote(mut message: impl Read, out: &mut impl Write) -> io::Result<()> {
    let mut at = Stand::Quotes;
    let mut is_unended = false;
    let mut block = vec![0; BLOCK];
    loop {
        let length = match message.read(&mut block) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let mut rest = &block[..length];
        while !rest.is_empty() {
            rest = at.step(rest, out)?;
        }
        is_unended = block[length - 1] != b'\n';
    }
    if let Stand::Word(matched) = at {
        out.write_all(if matched == FROM.len() { b">" } else { b"" })?;
        out.write_all(&FROM[..matched])?;
    }
    out.write_all(if is_unended { b"\n\n" } else { b"\n" })
}

/// Where in a line a message has been read to.
#[derive(Clone, Copy)]
enum Stand {
    /// At its beginning, or behind nothing but `>`.
    Quotes,
    /// Behind that and so much of `From `, which is not written yet: the quote is
    /// the same before any of the others and behind them.
    Word(usize),
    /// In what needs no quote.
    Rest,
}

impl Stand {
    /// Reads on, and writes what is decided. Gives what is left to read.
    fn step<'o>(&mut self, octets: &'o [u8], out: &mut impl Write) -> io::Result<&'o [u8]> {
        match *self {
            Stand::Rest => {
                let end = memchr::memchr(b'\n', octets);
                let length = end.map_or(octets.len(), |at| at + 1);
                out.write_all(&octets[..length])?;
                if end.is_some() {
                    *self = Stand::Quotes;
                }
                Ok(&octets[length..])
            }
            Stand::Quotes => {
                let quotes = octets.iter().take_while(|octet| **octet == b'>').count();
                out.write_all(&octets[..quotes])?;
                if quotes < octets.len() {
                    *self = Stand::Word(0);
                }
                Ok(&octets[quotes..])
            }
            Stand::Word(matched) if matched == FROM.len() => {
                out.write_all(b">")?;
                out.write_all(FROM)?;
                *self = Stand::Rest;
                Ok(octets)
            }
            Stand::Word(matched) if octets[0] == FROM[matched] => {
                *self = Stand::Word(matched + 1);
                Ok(&octets[1..])
            }
            Stand::Word(matched) => {
                out.write_all(&FROM[..matched])?;
                *self = Stand::Rest;
                Ok(octets)
            }
        }
    }
}

fn opened(path: &Path) -> io::Result<File> {
    // Who reads a pipe, if anybody does, is not waited for.
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
    let file = File::from(rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    Ok(file)
}

/// The file under its lock, and still the one of this name.
fn locked(path: &Path, until: Deadline) -> io::Result<File> {
    loop {
        let file = opened(path)?;
        match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::AGAIN | Errno::ACCESS) => {}
            // Some file systems know no locks.
            Ok(()) | Err(_) if is_still(&file, path)? => return Ok(file),
            // A mail reader has put another file in its place.
            Ok(()) | Err(_) => continue,
        }
        if until.remaining().is_none() {
            let why = "another program keeps the mailbox locked";
            return Err(io::Error::new(io::ErrorKind::TimedOut, why));
        }
        thread::sleep(STEP);
    }
}

fn is_still(file: &File, path: &Path) -> io::Result<bool> {
    let own = file.metadata()?;
    match fs::metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (own.dev(), own.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether somebody writes to it just now.
fn is_locked(file: &File) -> bool {
    let lock = fcntl_lock(file, FlockOperation::NonBlockingLockShared);
    matches!(lock, Err(Errno::AGAIN | Errno::ACCESS))
}

const FROM: &[u8; 5] = b"From ";

const BLOCK: usize = 64 * 1024;

/// How long somebody else may keep the file.
const PATIENCE: Duration = Duration::from_secs(30);

const STEP: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Stopwatch;
    use proptest::prelude::*;
    use std::os::unix::fs::PermissionsExt as _;
    use std::process::{Command, Stdio};

    fn now() -> Zoned {
        "2026-11-03T04:03:37+00:00[UTC]".parse().unwrap()
    }

    fn mailbox() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("box");
        make(&path).unwrap();
        (directory, path)
    }

    #[test]
    fn a_message_stands_between_its_line_and_an_empty_one() {
        let (_directory, path) = mailbox();
        append(&path, "a@b.example", &now(), &b"A: b\n\nFrom x\n>From y\n From z\nFro\n"[..])
            .unwrap();
        append(&path, "", &now(), &b"unended"[..]).unwrap();
        append(&path, "\"a b\"@c.example", &now(), &b""[..]).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let expected = "From a@b.example Tue Nov  3 04:03:37 2026\n\
                        A: b\n\n>From x\n>>From y\n From z\nFro\n\n\
                        From MAILER-DAEMON Tue Nov  3 04:03:37 2026\nunended\n\n\
                        From \"a_b\"@c.example Tue Nov  3 04:03:37 2026\n\n";
        assert_eq!(text, expected);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_another_program_left_unended_is_ended_first() {
        for (before, gap) in [("", ""), ("From a\n\nx", "\n\n"), ("From a\n\nx\n", "\n")] {
            let (_directory, path) = mailbox();
            fs::write(&path, before).unwrap();
            append(&path, "a@b.example", &now(), &b"x\n"[..]).unwrap();
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.starts_with(&format!("{before}{gap}From a@b.example ")), "{text}");
        }
    }

    #[test]
    fn what_is_no_mailbox_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let notes = directory.path().join("notes");
        fs::write(&notes, "Buy bread\n").unwrap();
        make(&notes).unwrap_err();
        make(directory.path()).unwrap_err();
        make(Path::new("/dev/null")).unwrap_err();
        assert_eq!(fs::read_to_string(notes).unwrap(), "Buy bread\n");
    }

    #[test]
    fn of_a_message_that_cannot_be_read_to_its_end_nothing_stays() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("gone"))
            }
        }
        let (_directory, path) = mailbox();
        append(&path, "a@b.example", &now(), &b"x\n"[..]).unwrap();
        let before = fs::read(&path).unwrap();
        append(&path, "a@b.example", &now(), io::repeat(b'x').take(1 << 20).chain(Broken))
            .unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), before);
    }

    #[test]
    fn many_who_append_at_a_time_do_not_mix() {
        let (_directory, path) = mailbox();
        thread::scope(|scope| {
            for number in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    for _ in 0..10 {
                        let text = format!("{number}\n").repeat(50_000);
                        append(path, "a@b.example", &now(), text.as_bytes()).unwrap();
                    }
                });
            }
        });
        let messages = Reader::new(path).fresh().unwrap();
        assert_eq!(messages.len(), 80);
        for message in messages {
            let first = &message[..2];
            assert!(message.len() == 100_000 && message.chunks(2).all(|line| line == first));
        }
    }

    #[test]
    fn many_who_wait_for_the_same_lock_wait_no_longer_than_one() {
        let (_directory, path) = mailbox();
        let program = "import fcntl, sys; f = open(sys.argv[1], 'r+b'); \
                       fcntl.lockf(f, fcntl.LOCK_EX); print('locked', flush=True); sys.stdin.read()";
        let mut holder = Command::new("python3")
            .args(["-c", program])
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        holder.stdout.as_mut().unwrap().read_exact(&mut [0; 6]).unwrap();
        let limit = Duration::from_secs(1);
        let (until, watch) = (Deadline::after(limit), Stopwatch::start());
        let append = |until| append_by(until, &path, "a@b.example", &now(), &b"x\n"[..]);
        thread::scope(|scope| {
            let waiting: Vec<_> = (0..8).map(|_| scope.spawn(|| append(until))).collect();
            for one in waiting {
                assert_eq!(one.join().unwrap().unwrap_err().kind(), io::ErrorKind::TimedOut);
            }
        });
        assert!(watch.elapsed() < 4 * limit, "{:?}", watch.elapsed());
        drop(holder.stdin.take());
        holder.wait().unwrap();
        append(until).unwrap();
    }

    #[test]
    fn a_reader_is_told_of_each_message_once_and_begins_anew_in_another_file() {
        let (_directory, path) = mailbox();
        let mut reader = Reader::new(path.clone());
        let appended = |text: &str| append(&path, "a@b.example", &now(), text.as_bytes()).unwrap();
        assert!(reader.fresh().unwrap().is_empty());
        appended("one\n");
        appended("two\n");
        assert_eq!(reader.fresh().unwrap(), [b"one\n", b"two\n"]);
        assert!(reader.fresh().unwrap().is_empty());
        appended("three\n");
        assert_eq!(reader.fresh().unwrap(), [b"three\n"]);
        fs::remove_file(&path).unwrap();
        appended("four\n");
        assert_eq!(reader.fresh().unwrap(), [b"four\n"]);
    }

    proptest! {
        #[test]
        fn what_is_read_again_is_what_was_written(
            words in proptest::collection::vec(
                proptest::sample::select(vec![">", ">From ", "From ", "Fro", "m ", "\n", "x"]),
                0..40),
        ) {
            let (_directory, path) = mailbox();
            let text = words.concat() + "\n";
            append(&path, "a@b.example", &now(), text.as_bytes()).unwrap();
            append(&path, "a@b.example", &now(), &b"next\n"[..]).unwrap();
            let read = Reader::new(path).fresh().unwrap();
            prop_assert_eq!(read, vec![text.into_bytes(), b"next\n".to_vec()]);
        }

        #[test]
        fn the_pieces_make_no_difference(
            words in proptest::collection::vec(
                proptest::sample::select(vec![">", "From ", "Fr", "\n", "x"]), 0..40),
            cut in 1..7usize,
        ) {
            struct Cut<'a>(&'a [u8], usize);
            impl Read for Cut<'_> {
                fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                    let length = self.1.min(into.len());
                    (&mut self.0).take(length as u64).read(into)
                }
            }
            let text = words.concat();
            let (mut whole, mut pieces) = (Vec::new(), Vec::new());
            quote(text.as_bytes(), &mut whole).unwrap();
            quote(Cut(text.as_bytes(), cut), &mut pieces).unwrap();
            prop_assert_eq!(whole, pieces);
        }
    }
}
