//! Standard input: read once, by one who wants it; the terminal, too, where the
//! user types a message.

use super::exit::Exit;
use super::failure::Failure;
use crate::message::random_word;
use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::io::{self, IsTerminal as _, Read, Seek as _, Write};
use std::path::{Path, PathBuf};

/// Standard input, not read yet or taken by somebody.
pub(super) struct Input {
    source: Box<dyn Read>,
    is_terminal: bool,
    taken_for: Option<&'static str>,
    directories: Vec<PathBuf>,
    /// What the user is told who types.
    invitation: &'static str,
}

/// What was read: small in memory, large in a file without a name.
#[derive(Debug)]
pub(super) enum Content {
    /// Up to 1 MiB.
    Memory(Vec<u8>),
    /// Everything, in a file that stands at its beginning and has no name.
    File(File),
}

impl Input {
    /// Standard input of this process. Large content is kept below `$TMPDIR`,
    /// which `environment` says, else `/var/tmp`.
    pub(super) fn of_process(environment: &crate::account::Environment) -> Self {
        Input {
            source: Box::new(io::stdin()),
            is_terminal: io::stdin().is_terminal(),
            taken_for: None,
            directories: temporary(environment),
            invitation: INVITATION,
        }
    }

    /// Lets a line with a single dot end what is typed at a terminal. From
    /// elsewhere such a line is text (checklist CLI-2).
    pub(super) fn end_at_dot(&mut self) {
        if self.is_terminal {
            let typed = std::mem::replace(&mut self.source, Box::new(io::empty()));
            self.source = Box::new(UpToDot { typed, line: Vec::new(), is_over: false });
            self.invitation = "Type the message; end with Ctrl-D or a line with a single dot";
        }
    }

    /// Gives standard input to one purpose, a noun phrase such as "the text of
    /// the message". A second purpose is a wrong command line (64).
    pub(super) fn claim(&mut self, purpose: &'static str) -> Result<(), Failure> {
        match self.taken_for.replace(purpose) {
            None => Ok(()),
            Some(first) if first == purpose => {
                Err(Failure::say(Exit::Usage, format!("standard input cannot be {purpose} twice"))
                    .hint("put one of them into a file and name it"))
            }
            Some(first) => Err(Failure::say(
                Exit::Usage,
                format!("standard input cannot be {first} and {purpose} at once"),
            )
            .hint(format!("put {purpose} into a file and name it"))),
        }
    }

    /// Reads the text of a message, which is put together in memory: more than
    /// 64 MiB is refused (65).
    pub(super) fn text(&mut self, screen: &mut dyn Write) -> Result<Vec<u8>, Failure> {
        let purpose = "the text of the message";
        let octets = self.head(purpose, LONGEST_TEXT, screen)?;
        if octets.len() as u64 > LONGEST_TEXT {
            return Err(Failure::say(Exit::DataErr, format!("{purpose} is longer than 64 MiB"))
                .hint("put it into a file and attach that: envoi send --body '' -a FILE"));
        }
        Ok(octets)
    }

    /// Reads a finished message, or whatever else may be large. The purpose is
    /// a noun phrase.
    pub(super) fn content(
        &mut self,
        purpose: &'static str,
        screen: &mut dyn Write,
    ) -> Result<Content, Failure> {
        self.begin(purpose, screen)?;
        let mut spool = Spool::new(purpose, self.directories.clone());
        let mut block = vec![0; BLOCK];
        loop {
            match self.source.read(&mut block) {
                Ok(0) => return spool.end(),
                Ok(length) => spool.take(&block[..length])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(not_read(purpose, error)),
            }
        }
    }

    /// Reads one octet more than the limit, if there are so many. On a
    /// terminal the user is told how to end.
    fn head(
        &mut self,
        purpose: &'static str,
        limit: u64,
        screen: &mut dyn Write,
    ) -> Result<Vec<u8>, Failure> {
        self.begin(purpose, screen)?;
        let mut octets = Vec::new();
        let read = (&mut self.source).take(limit + 1).read_to_end(&mut octets);
        read.map_err(|error| not_read(purpose, error))?;
        Ok(octets)
    }

    fn begin(&mut self, purpose: &'static str, screen: &mut dyn Write) -> Result<(), Failure> {
        self.claim(purpose)?;
        if self.is_terminal {
            // A screen that cannot be written to is no reason not to read.
            let _ = writeln!(screen, "{}", self.invitation);
        }
        Ok(())
    }
}

/// Where what may be large is kept while it comes.
pub(super) struct Spool {
    purpose: &'static str,
    directories: Vec<PathBuf>,
    memory: Vec<u8>,
    most_in_memory: u64,
    file: Option<File>,
}

impl Spool {
    /// The purpose is a noun phrase. Large content goes into a file in the
    /// first of the directories that takes one.
    pub(super) fn new(purpose: &'static str, directories: Vec<PathBuf>) -> Self {
        let memory = Vec::new();
        Spool { purpose, directories, memory, most_in_memory: IN_MEMORY, file: None }
    }

    /// The same for what must not be on a disk, however large it is.
    pub(super) fn in_memory(purpose: &'static str) -> Self {
        Spool { most_in_memory: u64::MAX, ..Spool::new(purpose, Vec::new()) }
    }

    /// Keeps these, too.
    pub(super) fn take(&mut self, octets: &[u8]) -> Result<(), Failure> {
        if self.file.is_none() && (self.memory.len() + octets.len()) as u64 <= self.most_in_memory {
            self.memory.extend_from_slice(octets);
            return Ok(());
        }
        if self.file.is_none() {
            let mut file = unnamed_file(&self.directories)?;
            file.write_all(&self.memory).map_err(|error| self.not_kept(error))?;
            self.memory = Vec::new();
            self.file = Some(file);
        }
        let written = self.file.as_mut().map_or(Ok(()), |file| file.write_all(octets));
        written.map_err(|error| self.not_kept(error))
    }

    /// All that came.
    pub(super) fn end(mut self) -> Result<Content, Failure> {
        match self.file.take() {
            None => Ok(Content::Memory(self.memory)),
            Some(mut file) => {
                file.rewind().map_err(|error| self.not_kept(error))?;
                Ok(Content::File(file))
            }
        }
    }

    fn not_kept(&self, error: io::Error) -> Failure {
        let sentence = format!("cannot keep {} in a temporary file", self.purpose);
        Failure::caused(Exit::CantCreat, sentence, error)
            .hint("set TMPDIR to a directory with room")
    }
}

/// Where files without a name are made: `$TMPDIR`, which `environment` says,
/// else `/var/tmp`.
pub(super) fn temporary(environment: &crate::account::Environment) -> Vec<PathBuf> {
    let named = environment.get("TMPDIR").map(PathBuf::from);
    named.into_iter().chain(["/var/tmp".into(), "/tmp".into()]).collect()
}

/// What is typed, up to a line with a single dot.
struct UpToDot {
    typed: Box<dyn Read>,
    /// What was read of a line and not given on.
    line: Vec<u8>,
    is_over: bool,
}

impl Read for UpToDot {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.line.is_empty() && !self.is_over {
            // People type: an octet at a time is fast enough.
            let mut octet = [0];
            while self.typed.read(&mut octet)? == 1 {
                self.line.push(octet[0]);
                if octet[0] == b'\n' {
                    break;
                }
            }
            if matches!(self.line.as_slice(), b".\n" | b".\r\n") {
                self.line.clear();
            }
            self.is_over = self.line.is_empty();
        }
        let length = buffer.len().min(self.line.len());
        buffer[..length].copy_from_slice(&self.line[..length]);
        self.line.drain(..length);
        Ok(length)
    }
}

fn not_read(purpose: &str, error: io::Error) -> Failure {
    let sentence = format!("cannot read {purpose} from standard input");
    Failure::caused(Exit::IoErr, sentence, error)
}

/// A file without a name in the first of these directories that can have one;
/// one that is kept in memory comes last, since it would have to hold the
/// whole message (checklist SEC-16).
fn unnamed_file(directories: &[PathBuf]) -> Result<File, Failure> {
    let (memory, disk): (Vec<&PathBuf>, Vec<_>) =
        directories.iter().partition(|directory| is_in_memory(directory));
    let mut trouble = None;
    for directory in disk.into_iter().chain(memory) {
        match unnamed_file_in(directory) {
            Ok(file) => return Ok(file),
            Err(error) => {
                trouble.get_or_insert((directory, error));
            }
        }
    }
    Err(match trouble {
        Some((directory, error)) => {
            let sentence = format!("cannot make a temporary file in {}", directory.display());
            Failure::caused(Exit::CantCreat, sentence, error)
                .hint("set TMPDIR to a directory that you can write to")
        }
        None => Failure::say(Exit::CantCreat, "there is no directory for temporary files"),
    })
}

fn unnamed_file_in(directory: &Path) -> io::Result<File> {
    let mode = Mode::RUSR | Mode::WUSR;
    let flags = OFlags::RDWR | OFlags::CLOEXEC;
    match rustix::fs::open(directory, flags | OFlags::TMPFILE | OFlags::EXCL, mode) {
        Ok(file) => return Ok(File::from(file)),
        // What file systems and kernels without such files answer (open(2)).
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::ISDIR | rustix::io::Errno::NOENT) => {
        }
        Err(error) => return Err(error.into()),
    }
    let path = directory.join(format!(".envoi-{}", random_word(16).map_err(io::Error::other)?));
    let create = flags | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
    let file = rustix::fs::open(&path, create, mode)?;
    std::fs::remove_file(&path)?;
    Ok(File::from(file))
}

fn is_in_memory(directory: &Path) -> bool {
    rustix::fs::statfs(directory).is_ok_and(|facts| facts.f_type == TMPFS)
}

const INVITATION: &str = "Type the message; end with Ctrl-D";

const LONGEST_TEXT: u64 = 64 * 1024 * 1024;
const IN_MEMORY: u64 = 1024 * 1024;
const BLOCK: usize = 64 * 1024;

/// statfs(2).
const TMPFS: rustix::fs::FsWord = 0x0102_1994;

#[cfg(test)]
mod tests {
    use super::*;

    fn input(content: impl Read + 'static, is_terminal: bool) -> Input {
        Input {
            source: Box::new(content),
            is_terminal,
            taken_for: None,
            directories: vec![std::env::temp_dir()],
            invitation: INVITATION,
        }
    }

    #[test]
    fn a_single_dot_ends_what_is_typed_and_nothing_else() {
        // CLI-2
        for (is_terminal, content, expected) in [
            (true, "a\n.\nb\n", "a\n"),
            (true, ".\n", ""),
            (true, "a\n..\n. \n.", "a\n..\n. \n."),
            (true, "a\r\n.\r\nb", "a\r\n"),
            (false, "a\n.\nb\n", "a\n.\nb\n"),
        ] {
            let mut input = input(content.as_bytes(), is_terminal);
            input.end_at_dot();
            let read = input.content("the message", &mut io::sink()).unwrap();
            let Content::Memory(octets) = read else { panic!("little was typed") };
            assert_eq!(String::from_utf8(octets).unwrap(), expected, "{content:?}");
        }
    }

    #[test]
    fn two_cannot_read_standard_input() {
        let mut input = input(&b"x"[..], false);
        input.claim("the password").unwrap();
        let failure = input.text(&mut io::sink()).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert_eq!(
            failure.error.to_string(),
            "standard input cannot be the password and the text of the message at once"
        );
    }

    #[test]
    fn only_a_terminal_is_told_how_to_end() {
        for (is_terminal, expected) in [(true, "Type the message; end with Ctrl-D\n"), (false, "")]
        {
            let mut screen = Vec::new();
            let text = input(&b"x\n"[..], is_terminal).text(&mut screen).unwrap();
            assert_eq!(text, b"x\n");
            assert_eq!(String::from_utf8(screen).unwrap(), expected);
        }
    }

    #[test]
    fn what_is_large_goes_into_a_file_without_a_name() {
        // SEC-16
        let read = |length| {
            let source = io::repeat(b'x').take(length);
            input(source, false).content("the message", &mut io::sink()).unwrap()
        };
        let length = IN_MEMORY + 100_000;
        let Content::File(mut file) = read(length) else { panic!("a file") };
        let facts = rustix::fs::fstat(&file).unwrap();
        assert_eq!((facts.st_nlink, facts.st_mode & 0o777), (0, 0o600));
        assert_eq!(io::copy(&mut file, &mut io::sink()).unwrap(), length);
        assert!(matches!(read(IN_MEMORY), Content::Memory(_)));
    }

    #[test]
    fn a_text_that_is_far_too_long_is_65() {
        let source = io::repeat(b'x').take(LONGEST_TEXT + 1);
        let failure = input(source, false).text(&mut io::sink()).unwrap_err();
        assert_eq!(failure.exit, Exit::DataErr);
    }

    #[test]
    fn a_directory_that_takes_no_file_is_passed_over() {
        let good = tempfile::tempdir().unwrap();
        let missing = good.path().join("missing");
        assert!(unnamed_file(&[missing.clone(), good.path().to_owned()]).is_ok());
        assert_eq!(unnamed_file(&[missing]).unwrap_err().exit, Exit::CantCreat);
        assert_eq!(std::fs::read_dir(good.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_source_that_breaks_off_is_74() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("gone"))
            }
        }
        let large = io::repeat(b'x').take(IN_MEMORY + 10);
        for mut input in [input(Broken, false), input(large.chain(Broken), false)] {
            let failure = input.content("the message", &mut io::sink()).unwrap_err();
            assert_eq!(failure.exit, Exit::IoErr);
        }
    }
}
