use super::*;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

type Read = Result<Option<InPlace>, Error>;

/// The files of the system and of the user in one directory, and what they say.
fn reading(system: Option<&str>, user: Option<&str>) -> (TempDir, Read) {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    for (name, text) in [("system", system), ("user", user)] {
        if let Some(text) = text {
            fs::write(path(name), text).unwrap();
            fs::set_permissions(path(name), Permissions::from_mode(0o600)).unwrap();
        }
    }
    let read = read(&directory);
    (directory, read)
}

fn read(directory: &TempDir) -> Read {
    let path = |name: &str| directory.path().join(name);
    let environment = Environment::from([("HOME", "/home/alice")]);
    together(&path("system"), &[path("none"), path("user")], &environment, &Machine::this())
}

#[test]
fn without_a_file_nothing_is_said() {
    assert!(reading(None, None).1.unwrap().is_none());
}

#[test]
fn an_account_of_the_user_replaces_that_of_the_system_and_keeps_its_turn() {
    let (_directory, read) = reading(
        Some("account default\nhost sys.example\nuser s\nauth on\naccount a\nhost a.example\n"),
        Some("account b\nhost b.example\naccount default\nhost own.example\n"),
    );
    let InPlace { document, found, .. } = read.unwrap().unwrap();
    assert_eq!(document.in_order.unwrap(), ["default", "a", "b"]);
    assert_eq!(document.default.unwrap().0, "default");
    let own = &document.accounts["default"];
    assert_eq!(own.settings.servers.as_ref().unwrap()[0].to_string(), "smtp+notls://own.example");
    assert_eq!(own.settings.user, None);
    assert_eq!((own.line, own.file.ends_with("user")), (3, true));
    assert_eq!(own.lines["server"], 4);
    assert_eq!(found.len(), 2);
}

#[test]
fn a_file_of_the_user_with_a_password_is_closed_to_others() {
    // SEC-9
    let (directory, read_first) =
        reading(None, Some("host h\nauth on\nuser a\npassword hunter2\n"));
    assert!(read_first.is_ok());
    for mode in [0o644, 0o640, 0o602] {
        let file = directory.path().join("user");
        fs::set_permissions(file, Permissions::from_mode(mode)).unwrap();
        let error = read(&directory).unwrap_err();
        assert!(matches!(error, Error::Exposed { .. }), "{mode:o}: {error}");
    }
}

#[test]
fn a_directive_that_msmtp_does_not_know_is_an_error() {
    let (_directory, read) = reading(None, Some("host h\ntls_startls on\n"));
    let error = read.unwrap_err();
    let Error::Line { line: at, reason, .. } = &error else { panic!("{error}") };
    assert_eq!(*at, 2);
    assert!(reason.contains("did you mean tls_starttls?"), "{reason}");
}

#[test]
fn what_cannot_be_opened_is_passed_over() {
    let (directory, _) = reading(None, Some("host h\n"));
    fs::create_dir(directory.path().join("system")).unwrap();
    let InPlace { found, .. } = read(&directory).unwrap().unwrap();
    assert_eq!(found.len(), 1);
}

#[test]
fn what_is_said_of_writing_down_is_not_said_where_nothing_is_written() {
    let (_directory, read) =
        reading(None, Some("eval echo host h\nfrom %U@x.example\nallow_from_override off\n"));
    let lines = read.unwrap().unwrap().lines;
    assert_eq!(lines[0].warning.as_deref(), Some("messages go to this server in clear"));
    assert_eq!(lines[1].warning, None);
    assert!(matches!(lines[2].meaning, Meaning::Lost { .. }));
}
