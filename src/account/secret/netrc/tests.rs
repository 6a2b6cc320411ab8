use super::super::tests::{ALICE, file, read};
use super::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;

fn password(text: &str, whose: Whose<'_>) -> Result<Option<String>, Malformed> {
    let chosen = chosen(entries(text.as_bytes())?, whose);
    Ok(chosen.map(|word| String::from_utf8(word.to_vec()).unwrap()))
}

#[track_caller]
fn gives(text: &str, expected: &str) {
    assert_eq!(password(text, ALICE), Ok(Some(expected.to_owned())), "{text}");
}

#[test]
fn an_entry_may_stand_on_one_line_or_on_many() {
    gives("machine mail.example.org login alice password p", "p");
    gives("machine\tmail.example.org\n\tlogin alice\r\n\n  password\n p\n", "p");
    gives("machine mail.example.org password p account a login alice", "p");
    gives("machine mail.example.org user alice passwd p", "p");
    gives("MACHINE Mail.Example.ORG Login alice PASSWORD P\n", "P");
    gives("\u{feff}machine mail.example.org login alice password p", "p");
}

#[test]
fn the_entry_that_fits_best_is_taken_wherever_it_stands() {
    let file = "default login alice password for-all\n\
                machine other.example.org login alice password other\n\
                machine mail.example.org password anybody\n\
                machine mail.example.org login bob password bob's\n\
                machine mail.example.org login alice password right\n\
                machine mail.example.org login alice password late\n\
                default password rest\n";
    let password = |user, host| password(file, Whose { user, host }).unwrap().unwrap();
    assert_eq!(password("alice", "mail.example.org"), "right");
    assert_eq!(password("bob", "mail.example.org"), "bob's");
    assert_eq!(password("carol", "MAIL.example.org"), "anybody");
    assert_eq!(password("alice", "elsewhere.example.org"), "for-all");
    assert_eq!(password("bob", "example.org"), "rest");
}

#[test]
fn what_is_for_another_user_or_machine_is_not_taken() {
    // SEC-7
    for text in [
        "",
        "machine mail.example.org login bob password p",
        "machine mail.example.org login Alice password p",
        "machine example.org login alice password p",
        "machine smtp.mail.example.org login alice password p",
        "machine mail.example.org login alice",
        "default login bob password p",
        "# machine mail.example.org login alice password p",
        "macdef m\nmachine mail.example.org login alice password p\n",
    ] {
        assert_eq!(password(text, ALICE), Ok(None), "{text}");
    }
}

#[test]
fn a_word_may_stand_in_quotation_marks() {
    for (word, expected) in [
        (r#""a b""#, "a b"),
        (r#""a\"b\\c\#""#, r#"a"b\c#"#),
        (r#""a\tb""#, "a\tb"),
        (r#""""#, ""),
        ("'a b'", "a b"),
        (r"'a\b'", r"a\b"),
        // Neither curl nor GNU gives these a meaning.
        ("'a", "'a"),
        ("'a'b", "'a'b"),
        (r#"a"b"#, r#"a"b"#),
        (r"a\b", r"a\b"),
        ("a#b", "a#b"),
        ("#a", "#a"),
    ] {
        let before = "machine mail.example.org login \"alice\" password";
        gives(&format!("{before} {word}"), expected);
        gives(&format!("{before} {word}\naccount x # {word}\n"), expected);
    }
}

#[test]
fn comments_and_macros_are_skipped() {
    gives(
        "# a comment\nmachine mail.example.org # another\n login alice#x password q\n login alice password p #",
        "p",
    );
    gives("machine mail.example.org login alice\nmacdef init\ncd /\npassword q\n\npassword p", "p");
    gives("macdef a\n\nmacdef b\nx\n \t\nmachine mail.example.org login alice password p", "p");
}

#[test]
fn what_is_malformed_is_told_by_its_line_and_not_repeated() {
    // SEC-7
    for (text, line) in [
        ("hunter2", 1),
        ("machine mail.example.org login alice password my hunter2", 1),
        ("# x\nmachine a\nlogin b\npassword \"hunter2\nlogin c", 4),
        ("machine a password \"hunter2\"x", 1),
        ("machine a password \"hunter2\\", 1),
        ("machine a login b\n\npassword", 3),
        ("machine", 1),
        ("login alice password hunter2", 1),
        ("\npassword hunter2", 2),
        ("macdef m\nx\n\nhunter2", 4),
    ] {
        let malformed = password(text, ALICE).unwrap_err();
        assert_eq!(malformed.line, line, "{text}");
        assert!(!malformed.reason.contains("hunter2"));
    }
}

#[test]
fn any_text_is_read_or_refused() {
    proptest::proptest!(|(text in "[machinelogpswordf\"'#\\\\ \n]{0,60}")| {
        let _ = entries(text.as_bytes());
    });
}

const ENTRY: &[u8] = b"machine mail.example.org login alice password hunter2\n";

#[test]
fn the_file_of_the_user_is_named_by_a_variable_or_stands_at_home() {
    let (directory, path) = file(ENTRY, 0o600);
    let home = directory.path().join("home");
    fs::create_dir(&home).unwrap();
    let at_home = home.join(".netrc");
    fs::write(&at_home, "default password at-home").unwrap();
    fs::set_permissions(&at_home, fs::Permissions::from_mode(0o600)).unwrap();
    let home = home.to_str().unwrap();
    let both = Environment::from([("HOME", home), ("NETRC", &path)]);
    assert_eq!(read("netrc", &both).unwrap(), Secret::new("hunter2"));
    let only_home = Environment::from([("HOME", home)]);
    assert_eq!(read("netrc", &only_home).unwrap(), Secret::new("at-home"));
    assert_eq!(read(&format!("netrc:{path}"), &only_home).unwrap(), Secret::new("hunter2"));
    let error = read("netrc", &Environment::from([("X", "x")])).unwrap_err();
    assert!(matches!(error, SecretError::NoNetrc), "{error}");
}

#[test]
fn a_file_that_others_can_read_is_refused() {
    // SEC-9
    for mode in [0o644, 0o640, 0o604, 0o620] {
        let (_directory, path) = file(ENTRY, mode);
        let error = read(&format!("netrc:{path}"), &Environment::of_process()).unwrap_err();
        assert!(matches!(error, SecretError::Exposed { .. }), "{mode:o}: {error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}

#[test]
fn a_file_that_has_no_password_to_give_is_an_error() {
    let environment = Environment::of_process();
    let read = |text: &[u8]| {
        let (_directory, path) = file(text, 0o600);
        read(&format!("netrc:{path}"), &environment).unwrap_err()
    };
    assert!(matches!(read(b""), SecretError::NotInNetrc { .. }));
    assert!(matches!(read(b"default password \"\""), SecretError::Empty { .. }));
    assert!(matches!(read(b"default password \"a\\nb\""), SecretError::NoText { .. }));
    assert!(matches!(read(b"\ndefault pass"), SecretError::Netrc { line: 2, .. }));
    assert!(matches!(read(&vec![b'#'; 70_000]), SecretError::TooLong { .. }));
}
