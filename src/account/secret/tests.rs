use super::command::LIMIT;
use super::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;

fn nobody(_: &str) -> io::Result<Secret> {
    Err(io::Error::other("no terminal"))
}

fn read(source: &str, environment: &Environment) -> Result<Secret, SecretError> {
    let source: SecretSource = source.parse().unwrap();
    source.read("alice at mail.example.org", World { environment, ask: &nobody })
}

fn run(words: &[&str], limit: Duration) -> Result<Secret, SecretError> {
    let words: Vec<_> = words.iter().map(|&word| word.to_owned()).collect();
    command::run(&words, &Environment::of_process(), limit)
}

fn file(content: &[u8], mode: u32) -> (tempfile::TempDir, String) {
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
        ("keyring", SourceError::Unknown),
        ("netrc", SourceError::Unknown),
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
    for (content, secret) in
        [("p", "p"), ("p\n", "p"), ("p\r\n", "p"), ("p q \n\n", "p q "), ("p\nuser: alice\n", "p")]
    {
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
    let nowhere = Environment::from([("HOME", "/")]);
    let error = read("credential:secret", &nowhere).unwrap_err();
    assert!(matches!(error, SecretError::NoCredentials { .. }));
}

#[test]
fn a_command_gives_its_first_line_and_no_shell_reads_its_words() {
    // SEC-14
    let words = ["printf", "%s\\n", "$(id);p", "second"];
    assert_eq!(run(&words, LIMIT).unwrap(), Secret::new("$(id);p"));
}

#[test]
fn a_command_that_fails_says_why_without_steering_the_terminal() {
    // SEC-14, SEC-6
    let script = "printf 'p\\n'; printf '\\n\\033[31mlocked\\n' >&2; exit 2";
    let error = run(&["sh", "-c", script], LIMIT).unwrap_err();
    let SecretError::Failed { said, status, .. } = &error else { panic!("{error}") };
    assert_eq!((said.as_str(), status.code()), ("\x1b[31mlocked", Some(2)));
    let error = run(&["/nonexistent/program"], LIMIT).unwrap_err();
    assert!(matches!(error, SecretError::NotRun { .. }), "{error}");
}

#[test]
fn a_command_is_ended_when_its_time_is_up() {
    // SEC-14
    let error = run(&["sleep", "20"], Duration::from_millis(50)).unwrap_err();
    assert!(matches!(error, SecretError::TooSlow { .. }), "{error}");
    let script = "echo p; exec >&- 2>&-; sleep 20";
    let error = run(&["sh", "-c", script], Duration::from_millis(50)).unwrap_err();
    assert!(matches!(error, SecretError::TooSlow { .. }), "{error}");
}

#[test]
fn a_command_that_talks_too_much_is_refused() {
    // SEC-14
    let error = run(&["head", "-c", "300000", "/dev/zero"], LIMIT).unwrap_err();
    assert!(matches!(error, SecretError::TooLong { .. }), "{error}");
}

#[test]
fn a_command_has_no_input_and_does_not_see_our_password() {
    // SEC-7, SEC-14
    let environment = Environment::from([("ENVOI_PASSWORD", "hunter2"), ("PATH", "/usr/bin:/bin")]);
    let script = "cat; echo \"[$ENVOI_PASSWORD]\"";
    let words = ["sh", "-c", script].map(str::to_owned);
    assert_eq!(command::run(&words, &environment, LIMIT).unwrap(), Secret::new("[]"));
}

#[test]
fn a_file_descriptor_is_read_to_its_end() {
    use std::os::fd::AsRawFd;
    let (reader, mut writer) = io::pipe().unwrap();
    io::Write::write_all(&mut writer, b"p\n").unwrap();
    drop(writer);
    let source = format!("fd:{}", reader.as_raw_fd());
    assert_eq!(read(&source, &Environment::of_process()).unwrap(), Secret::new("p"));
    let error = read("fd:9999", &Environment::of_process()).unwrap_err();
    assert!(matches!(error, SecretError::Unreadable { .. }), "{error}");
    assert!(SecretSource::Fd(0).reads_stdin() && !SecretSource::Fd(3).reads_stdin());
}

#[test]
fn the_user_is_asked_for_whose_password_it_is() {
    let environment = Environment::of_process();
    let ask = |question: &str| {
        assert_eq!(question, "Password for alice at mail.example.org: ");
        Ok(Secret::new("p"))
    };
    let world = World { environment: &environment, ask: &ask };
    let secret = SecretSource::Prompt.read("alice at mail.example.org", world).unwrap();
    assert_eq!(secret, Secret::new("p"));
    let error = read("prompt", &environment).unwrap_err();
    assert!(matches!(error, SecretError::NotAsked(_)), "{error}");
}
