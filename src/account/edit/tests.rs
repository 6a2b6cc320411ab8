use super::super::server::{Origin, ServerUrl};
use super::super::{SecretSource, Settings};
use super::*;
use crate::sasl::Secret;
use std::fs::{Permissions, read_to_string, set_permissions, write};
use std::os::unix::fs::{PermissionsExt, symlink};
use tempfile::TempDir;

fn somebody(server: &str) -> Settings {
    let url = ServerUrl::parse(server, Origin::File).unwrap();
    Settings {
        from: Some("Alice <alice@example.org>".to_owned()),
        servers: Some(vec![url]),
        user: Some("alice".to_owned()),
        password: Some(SecretSource::Keyring),
        ..Settings::default()
    }
}

/// A file with this text.
fn file(text: &str) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config.toml");
    write(&file, text).unwrap();
    (directory, file)
}

fn opened(file: &Path) -> Result<Edit, EditError> {
    Edit::open(file, None, &Interrupt::default())
}

fn changed(text: &str, change: impl FnOnce(&mut Edit)) -> String {
    let (_directory, file) = file(text);
    let mut edit = opened(&file).unwrap();
    change(&mut edit);
    edit.save().unwrap();
    read_to_string(&file).unwrap()
}

const BY_HAND: &str = r#"# My accounts.

default = "work" # for now

# At work.
[accounts.work]
server = "smtps://mail.example.org"   # the fast one
from   = "w@example.org"

# At home; the key is in the safe.
[accounts.home]
server = 'smtp://home.example.net'
extends = "work"

[message]
long-lines = "reject"
"#;

const ADDED: &str = r#"
[accounts.new]
from = "Alice <alice@example.org>"
server = "smtps://new.example.com"
user = "alice"
password = { keyring = true }
"#;

#[test]
fn an_account_is_added_and_what_stands_there_stays_as_it_is() {
    let text = changed(BY_HAND, |edit| {
        edit.add("new", &somebody("smtps://new.example.com")).unwrap();
    });
    assert_eq!(text.replacen(ADDED, "", 1), BY_HAND, "{text}");
}

#[test]
fn the_first_account_begins_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a/b/config.toml");
    let mut edit = opened(&file).unwrap();
    edit.add("new", &somebody("smtps://new.example.com")).unwrap();
    edit.set_default("new");
    edit.save().unwrap();
    let text = read_to_string(&file).unwrap();
    assert_eq!(text, format!("default = \"new\"\n{ADDED}"));
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let inside = fs::read_dir(file.parent().unwrap()).unwrap().count();
    assert_eq!(inside, 1, "nothing else is left there");
}

#[test]
fn accounts_that_are_written_in_another_form_get_one_more_of_it() {
    let inline = "accounts = { a = { server = 'smtps://a.b' } }\n";
    let dotted = "[accounts]\na.server = 'smtps://a.b'\nb.server = 'smtps://c.d'\n";
    for text in [inline, dotted] {
        let text = changed(text, |edit| {
            edit.add("new", &somebody("smtps://new.example.com")).unwrap();
        });
        assert!(text.contains("'smtps://a.b'"), "{text}");
        let (_directory, file) = file(&text);
        assert!(opened(&file).unwrap().has("new"), "{text}");
    }
}

#[test]
fn a_name_that_needs_quotation_marks_gets_them() {
    let text = changed("", |edit| edit.add("a b.c", &somebody("smtps://x.y")).unwrap());
    assert!(text.contains("[accounts.\"a b.c\"]"), "{text}");
}

#[test]
fn a_second_account_of_the_same_name_is_refused_unless_it_replaces_the_first() {
    let (_directory, file) = file(BY_HAND);
    let mut edit = opened(&file).unwrap();
    let error = edit.add("home", &somebody("smtps://x.y")).unwrap_err();
    let said = format!("there is an account ‘home’ already, in {}", file.display());
    assert_eq!(error.to_string(), said);
    edit.replace("home", &somebody("smtps://x.y")).unwrap();
    edit.save().unwrap();
    let text = read_to_string(&file).unwrap();
    assert!(text.contains("# At home; the key is in the safe.\n[accounts.home]\n"), "{text}");
    assert!(text.contains("server = \"smtps://x.y\"") && !text.contains("home.example.net"));
    assert!(!text.contains("extends"), "{text}");
}

#[test]
fn one_key_is_set_and_the_comment_behind_it_stays() {
    let text = changed(BY_HAND, |edit| {
        edit.set("work", "server", Value::from("smtps://other.example.org")).unwrap();
        edit.set("work", "user", Value::from("w")).unwrap();
        edit.set_default("home");
    });
    assert!(text.contains("server = \"smtps://other.example.org\"   # the fast one\n"), "{text}");
    assert!(text.contains("default = \"home\" # for now"), "{text}");
    assert!(text.contains("from   = \"w@example.org\"\nuser = \"w\"\n"), "{text}");
}

#[test]
fn a_removed_account_takes_its_comment_along_and_no_other() {
    let text = changed(BY_HAND, |edit| {
        let removed = edit.remove("home").unwrap();
        assert!(!removed.was_default);
    });
    let expected = BY_HAND.replace(
        "# At home; the key is in the safe.\n[accounts.home]\n\
         server = 'smtp://home.example.net'\nextends = \"work\"\n\n",
        "",
    );
    assert_eq!(text, expected);
}

#[test]
fn the_heading_of_a_file_stays_when_its_first_account_goes() {
    let begin = "# My accounts.\n\n# One.\n[accounts.a]\nserver = 'smtps://a.b'\n";
    let both = format!("{begin}\n# Two.\n[accounts.b]\nserver = 'smtps://c.d'\n");
    let text = changed(&both, |edit| {
        edit.remove("a").unwrap();
    });
    assert!(text.starts_with("# My accounts.\n"), "{text}");
    assert!(text.ends_with("# Two.\n[accounts.b]\nserver = 'smtps://c.d'\n"), "{text}");
    assert!(!text.contains("One"), "{text}");
    let text = changed(begin, |edit| {
        edit.remove("a").unwrap();
    });
    assert_eq!(text.trim_end(), "# My accounts.");
}

#[test]
fn a_default_goes_with_its_account_and_a_model_does_not_go() {
    let text = changed("default = 'a'\n[accounts.a]\nserver = 'smtps://a.b'\n", |edit| {
        assert!(edit.remove("a").unwrap().was_default);
    });
    assert_eq!(text, "");
    let (_directory, file) = file(BY_HAND);
    let mut edit = opened(&file).unwrap();
    let error = edit.remove("work").unwrap_err();
    assert_eq!(error.to_string(), "the account ‘home’ extends ‘work’");
    let error = edit.remove("none").unwrap_err();
    assert!(error.to_string().starts_with("there is no account ‘none’ in "), "{error}");
}

#[test]
fn a_file_that_cannot_be_read_is_not_changed() {
    let text = "[accounts.a]\nserver = 'smtps://a.b'\nsevrer = 1\n";
    let (_directory, file) = file(text);
    let error = opened(&file).unwrap_err();
    assert!(error.to_string().contains("config.toml:3:1: there is no key ‘sevrer’"), "{error}");
    assert_eq!(read_to_string(&file).unwrap(), text);
}

#[test]
fn what_could_not_be_read_afterwards_is_not_written() {
    let (_directory, file) = file(BY_HAND);
    let mut edit = opened(&file).unwrap();
    edit.set("work", "timeout", Value::from("never")).unwrap();
    let error = edit.save().unwrap_err();
    assert!(error.to_string().contains("timeout"), "{error}");
    assert_eq!(read_to_string(&file).unwrap(), BY_HAND);
}

#[test]
fn a_file_keeps_its_mode_until_there_is_a_secret_in_it() {
    // SEC-9
    let (_directory, file) = file(BY_HAND);
    set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    let mode = || fs::metadata(&file).unwrap().permissions().mode() & 0o777;
    let mut edit = opened(&file).unwrap();
    edit.add("a", &somebody("smtps://x.y")).unwrap();
    edit.save().unwrap();
    assert_eq!(mode(), 0o644);
    let mut edit = opened(&file).unwrap();
    let password = Some(SecretSource::Value(Secret::new("Tr0ub4dor")));
    edit.add("b", &Settings { password, ..somebody("smtps://x.y") }).unwrap();
    edit.save().unwrap();
    assert_eq!(mode(), 0o600);
}

#[test]
fn a_link_to_the_file_stays_a_link() {
    let (directory, file) = file(BY_HAND);
    let link = directory.path().join("link.toml");
    symlink(&file, &link).unwrap();
    let mut edit = opened(&link).unwrap();
    edit.add("new", &somebody("smtps://new.example.com")).unwrap();
    edit.save().unwrap();
    assert!(link.is_symlink());
    assert!(read_to_string(&file).unwrap().contains("[accounts.new]"));
}

#[test]
fn two_who_change_a_file_at_once_both_find_their_account_in_it() {
    let (_directory, file) = file("");
    std::thread::scope(|scope| {
        for at in 0..8 {
            let file = &file;
            scope.spawn(move || {
                let mut edit = opened(file).unwrap();
                edit.add(&format!("a{at}"), &somebody("smtps://x.y")).unwrap();
                edit.save().unwrap();
            });
        }
    });
    let edit = opened(&file).unwrap();
    assert!((0..8).all(|at| edit.has(&format!("a{at}"))));
}

#[test]
fn what_is_not_writable_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config.toml");
    fs::create_dir(&file).unwrap();
    let error = opened(&file).unwrap_err();
    assert!(error.to_string().contains("cannot read the configuration"), "{error}");
}

#[test]
fn whoever_waits_for_another_change_can_be_stopped() {
    // SEC-17
    let (_directory, file) = file("");
    let held = opened(&file).unwrap();
    let interrupt = Interrupt::default();
    interrupt.cell().store(2, std::sync::atomic::Ordering::Relaxed);
    let error = Edit::open(&file, None, &interrupt).unwrap_err();
    assert!(matches!(error, EditError::Interrupted), "{error}");
    drop(held);
}

#[test]
fn a_link_to_what_is_not_there_yet_leads_there() {
    let directory = tempfile::tempdir().unwrap();
    let (link, file) = (directory.path().join("link.toml"), directory.path().join("d/c.toml"));
    symlink("d/c.toml", &link).unwrap();
    let mut edit = opened(&link).unwrap();
    edit.add("new", &somebody("smtps://x.y")).unwrap();
    edit.save().unwrap();
    assert!(link.is_symlink() && file.is_file());
}

#[test]
fn line_ends_stay_as_they_are() {
    let text = changed("# Mine.\r\n[accounts.a]\r\nserver = 'smtps://a.b'\r\n", |edit| {
        edit.add("new", &somebody("smtps://x.y")).unwrap();
    });
    assert!(text.starts_with("# Mine.\r\n[accounts.a]\r\n"), "{text:?}");
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count(), "{text:?}");
}
