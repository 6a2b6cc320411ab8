use super::*;
use crate::account::private_file::Fault;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::io::{FdFlags, fcntl_setfd};
use std::fs::{self, File};
use std::io::Write as _;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

fn nobody(_: &str) -> io::Result<Secret> {
    Err(io::Error::other("no terminal"))
}

/// Alice at her server.
pub(super) const ALICE: Whose<'_> = Whose { user: "alice", host: "mail.example.org" };

/// A world where nobody is asked.
pub(super) fn world<'w>(environment: &'w Environment, interrupt: &'w Interrupt) -> World<'w> {
    World { environment, ask: &nobody, interrupt, timeout: None, deadline: None }
}

pub(super) fn read(source: &str, environment: &Environment) -> Result<Secret, SecretError> {
    let source: SecretSource = source.parse().unwrap();
    source.read(ALICE, world(environment, &Interrupt::default()))
}

/// Reads with little patience.
fn read_hastily(source: &str, environment: &Environment) -> Result<Secret, SecretError> {
    let source: SecretSource = source.parse().unwrap();
    let interrupt = Interrupt::default();
    let timeout = Some(Duration::from_millis(50));
    source.read(ALICE, World { timeout, ..world(environment, &interrupt) })
}

pub(super) fn file(content: &[u8], mode: u32) -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (directory, path)
}

#[test]
fn a_source_reads_as_it_is_written() {
    for (text, source) in [
        ("env:X", SecretSource::Env("X".into())),
        ("file:/a b:c", SecretSource::File("/a b:c".into())),
        ("fd:3", SecretSource::Fd(3)),
        ("credential:mail", SecretSource::Credential("mail".into())),
        ("keyring", SecretSource::Keyring),
        ("netrc", SecretSource::Netrc(None)),
        ("netrc:/a b", SecretSource::Netrc(Some("/a b".into()))),
        ("prompt", SecretSource::Prompt),
    ] {
        assert_eq!(text.parse(), Ok(source.clone()), "{text}");
        assert_eq!(source.to_string(), text);
    }
    let words = ["pass", "show", "my mail"].map(str::to_owned).to_vec();
    assert_eq!("command:pass show 'my mail'".parse(), Ok(SecretSource::Command(words)));
}

#[test]
fn what_is_no_source_is_refused_without_being_repeated() {
    // SEC-7
    for (text, expected) in [
        ("hunter2", SourceError::Unknown),
        ("hunter2:x", SourceError::Unknown),
        ("keyring:x", SourceError::Unknown),
        ("netrc:", SourceError::Empty),
        ("env:", SourceError::Empty),
        ("file:", SourceError::Empty),
        ("command: ", SourceError::Empty),
        ("fd:", SourceError::Fd),
        ("fd:-1", SourceError::Fd),
        ("fd:x", SourceError::Fd),
        ("command:a 'b", SourceError::Quotes),
    ] {
        let error = text.parse::<SecretSource>().unwrap_err();
        assert_eq!(error, expected, "{text}");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}

#[test]
fn a_variable_gives_its_value_without_a_line_end() {
    let environment = Environment::from([("P", "a b\n")]);
    assert_eq!(read("env:P", &environment).unwrap(), Secret::new("a b"));
    assert!(matches!(read("env:Q", &environment), Err(SecretError::NotSet(name)) if name == "Q"));
}

#[test]
fn a_file_gives_its_first_line_without_the_line_end() {
    for (content, secret) in [
        ("p", "p"),
        ("p\n", "p"),
        ("p\r\n", "p"),
        (" p q \t\n\n", " p q \t"),
        ("p\nuser: alice\n", "p"),
        ("\u{feff}p\r\n", "p"),
        ("p\u{feff}", "p\u{feff}"),
        ("é\n", "é"),
    ] {
        let (_directory, path) = file(content.as_bytes(), 0o600);
        let read = read(&format!("file:{path}"), &Environment::of_process());
        assert_eq!(read.unwrap(), Secret::new(secret), "{content:?}");
    }
}

#[test]
fn a_file_without_a_secret_is_an_error() {
    let environment = Environment::of_process();
    let read = |content: &[u8]| {
        let (_directory, path) = file(content, 0o600);
        read(&format!("file:{path}"), &environment)
    };
    assert!(matches!(read(b""), Err(SecretError::Empty { .. })));
    assert!(matches!(read(b"\np"), Err(SecretError::Empty { .. })));
    let longest = vec![b'p'; LONGEST];
    assert_eq!(read(&longest).unwrap(), Secret::new(longest.clone()));
    assert!(matches!(read(&[&longest[..], b"p"].concat()), Err(SecretError::TooLong { .. })));
}

#[test]
fn a_file_that_others_can_change_is_refused() {
    // SEC-9, product.md §2: a link is followed and its target checked.
    let environment = Environment::of_process();
    for mode in [0o602, 0o620, 0o666] {
        let (directory, path) = file(b"hunter2\n", mode);
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        for path in [path.as_str(), link.to_str().unwrap()] {
            let error = read(&format!("file:{path}"), &environment).unwrap_err();
            assert!(matches!(error, SecretError::Exposed { .. }), "{mode:o}: {error}");
            assert!(!format!("{error} {error:?}").contains("hunter2"));
        }
    }
}

#[test]
fn a_credential_is_a_file_in_the_directory_of_the_service() {
    let (directory, _path) = file(b"p\n", 0o400);
    let environment = Environment::from([("CREDENTIALS_DIRECTORY", directory.path())]);
    assert_eq!(read("credential:secret", &environment).unwrap(), Secret::new("p"));
    for name in ["..", "../secret", "a/b", "."] {
        let error = read(&format!("credential:{name}"), &environment).unwrap_err();
        assert!(matches!(error, SecretError::CredentialName { .. }), "{error}");
    }
    let error = read("credential:none", &environment).unwrap_err();
    assert!(matches!(error, SecretError::NoCredential { .. }), "{error}");
    let nowhere = Environment::from([("HOME", "/")]);
    let error = read("credential:secret", &nowhere).unwrap_err();
    assert!(matches!(error, SecretError::NoCredential { .. }));
}

#[test]
fn a_file_descriptor_gives_its_first_line_and_need_not_end() {
    let (reader, mut writer) = io::pipe().unwrap();
    writer.write_all(b"p\nq").unwrap();
    let source = given(&reader);
    assert_eq!(read(&source, &Environment::of_process()).unwrap(), Secret::new("p"));
    let error = read("fd:9999", &Environment::of_process()).unwrap_err();
    assert!(matches!(error, SecretError::Unreadable { .. }), "{error}");
    assert!(SecretSource::Fd(0).reads_stdin() && !SecretSource::Fd(3).reads_stdin());
}

#[test]
fn a_file_descriptor_may_be_a_socket() {
    let (ours, mut theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    theirs.write_all(b"p\n").unwrap();
    assert_eq!(read(&given(&ours), &Environment::of_process()).unwrap(), Secret::new("p"));
}

#[test]
fn a_file_descriptor_that_was_not_given_for_reading_is_not_waited_for() {
    let (reader, writer) = io::pipe().unwrap();
    let of_our_own = format!("fd:{}", reader.as_raw_fd());
    for source in [of_our_own, given(&writer)] {
        let error = read(&source, &Environment::of_process()).unwrap_err();
        assert!(matches!(error, SecretError::Unreadable { .. }), "{source}: {error}");
        assert!(!error.is_temporary());
    }
}

/// The source that a descriptor is which this program seems to have been given.
fn given(descriptor: &(impl AsFd + AsRawFd)) -> String {
    fcntl_setfd(descriptor, FdFlags::empty()).unwrap();
    format!("fd:{}", descriptor.as_raw_fd())
}

#[test]
fn a_pipe_that_nobody_writes_into_is_not_waited_for_for_ever() {
    let environment = Environment::of_process();
    let (reader, _writer) = io::pipe().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let fifo = directory.path().join("fifo");
    mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    for source in [given(&reader), format!("file:{}", fifo.display())] {
        let error = read_hastily(&source, &environment).unwrap_err();
        assert!(matches!(error, SecretError::Silent { .. }), "{source}: {error}");
        assert!(error.is_temporary());
    }
    let writer = std::thread::spawn({
        let fifo = fifo.clone();
        move || File::options().write(true).open(fifo).unwrap().write_all(b"p\n").unwrap()
    });
    let secret = read(&format!("file:{}", fifo.display()), &environment);
    assert_eq!(secret.unwrap(), Secret::new("p"));
    writer.join().unwrap();
}

#[test]
fn a_file_that_is_none_is_told_for_what_it_is() {
    let environment = Environment::of_process();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().display();
    let error = read(&format!("file:{path}"), &environment).unwrap_err();
    let SecretError::UnreadableFile { source, .. } = &error else { panic!("{error}") };
    assert_eq!(source.kind(), io::ErrorKind::IsADirectory);
    let error = read(&format!("file:{path}/none"), &environment).unwrap_err();
    assert!(matches!(error, SecretError::UnreadableFile { .. }), "{error}");
    assert!(!error.is_temporary());
    let utf_16 = "\u{feff}hunter2\n".encode_utf16().flat_map(u16::to_le_bytes);
    for content in [utf_16.collect(), b"a\0b\n".to_vec(), b"a\rb\n".to_vec()] {
        let (_directory, path) = file(&content, 0o600);
        let error = read(&format!("file:{path}"), &environment).unwrap_err();
        assert!(matches!(error, SecretError::NoText { .. }), "{error}");
    }
}

#[test]
fn what_may_go_well_later_is_temporary_and_nothing_else() {
    let file = || "/f".into();
    let name = || "x".to_owned();
    let after = Duration::from_secs(1);
    let failed = |status| SecretError::Failed {
        program: name(),
        status: ExitStatus::from_raw(status),
        said: String::new(),
    };
    let errno = |errno: rustix::io::Errno| io::Error::from(errno);
    for (error, expected) in [
        (SecretError::Silent { what: name(), after }, true),
        (SecretError::TooSlow { program: name(), after }, true),
        (SecretError::KeyringLocked, true),
        (SecretError::KeyringSilent { after }, true),
        // By signal 9; with the status 1.
        (failed(9), true),
        (failed(256), false),
        (SecretError::NotRun { program: name(), source: errno(rustix::io::Errno::AGAIN) }, true),
        (SecretError::NotRun { program: name(), source: errno(rustix::io::Errno::NOENT) }, false),
        (
            SecretError::UnreadableFile { file: file(), source: io::ErrorKind::NotFound.into() },
            false,
        ),
        (SecretError::Exposed { file: file(), fault: Fault::Mode(0o666) }, false),
        (SecretError::Empty { what: name() }, false),
        (SecretError::NotSet(name()), false),
        (SecretError::NoKeyringProgram { program: "secret-tool" }, false),
        (SecretError::NoSessionBus, false),
    ] {
        assert_eq!(error.is_temporary(), expected, "{error:?}");
    }
}

#[test]
fn the_user_is_asked_for_whose_password_it_is() {
    let environment = Environment::of_process();
    let interrupt = Interrupt::default();
    let ask = |question: &str| {
        assert_eq!(question, "Password for alice@mail.example.org: ");
        Ok(Secret::new("p"))
    };
    let world = World { ask: &ask, ..world(&environment, &interrupt) };
    assert_eq!(SecretSource::Prompt.read(ALICE, world).unwrap(), Secret::new("p"));
    let error = read("prompt", &environment).unwrap_err();
    assert!(matches!(error, SecretError::NotAsked(_)), "{error}");
}
