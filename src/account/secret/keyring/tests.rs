use super::super::tests::{ALICE, world};
use super::*;
use crate::net::Interrupt;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

/// A directory with a program of this name in it.
fn with(program: &str, script: &str) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(program);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    directory
}

/// What comes of a keyring whose program is this script.
fn read(keyring: Keyring, script: &str) -> Result<Secret, SecretError> {
    let directory = with(keyring.program(), script);
    let path = format!("{}:/usr/bin:/bin", directory.path().display());
    let environment =
        Environment::from([("PATH", path.as_str()), ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/x")]);
    keyring.read(ALICE, world(&environment, &Interrupt::default()))
}

#[test]
fn a_password_is_looked_up_as_msmtp_stores_it() {
    assert_eq!(
        Keyring::SecretService.lookup(ALICE),
        [
            "secret-tool",
            "lookup",
            "--",
            "host",
            "mail.example.org",
            "service",
            "smtp",
            "user",
            "alice"
        ]
    );
    assert_eq!(
        Keyring::Keychain.lookup(ALICE),
        [
            "security",
            "find-internet-password",
            "-s",
            "mail.example.org",
            "-a",
            "alice",
            "-r",
            "smtp",
            "-w"
        ]
    );
}

#[test]
fn an_entry_that_is_not_there_comes_with_the_command_that_makes_it() {
    for (keyring, script, expected) in [
        (
            Keyring::SecretService,
            "[ \"$1\" = search ] || exit 1",
            "secret-tool store --label envoi host mail.example.org service smtp user alice",
        ),
        (
            Keyring::Keychain,
            "echo 'The specified item could not be found in the keychain.' >&2; exit 44",
            "security add-internet-password -s mail.example.org -a alice -r smtp -w",
        ),
    ] {
        let error = read(keyring, script).unwrap_err();
        let SecretError::NotInKeyring { store, .. } = &error else { panic!("{error}") };
        assert_eq!(store.join(" "), expected);
    }
    let store = Keyring::SecretService.store(Whose { user: "-a", host: "h" });
    assert_eq!(store[4..], ["--", "host", "h", "service", "smtp", "user", "-a"]);
}

#[test]
fn the_first_line_is_the_password_and_no_shell_reads_the_user_s_name() {
    // SEC-14
    let script = "printf '%s %s\\nmore' \"$8\" \"$(cat)\"";
    assert_eq!(read(Keyring::SecretService, script).unwrap(), Secret::new("alice "));
    assert_eq!(read(Keyring::Keychain, "printf \"$7\"").unwrap(), Secret::new("smtp"));
    let lookup = Keyring::SecretService.lookup(Whose { user: "$(id); x", host: "h" });
    assert_eq!(lookup[8], "$(id); x");
}

#[test]
fn a_locked_keyring_is_told_from_one_without_the_entry() {
    let script = "[ \"$1\" = search ] && echo '[/1]' || exit 1";
    let error = read(Keyring::SecretService, script).unwrap_err();
    assert!(matches!(error, SecretError::KeyringLocked), "{error}");
    for status in [36, 51, 128] {
        let error = read(Keyring::Keychain, &format!("exit {status}")).unwrap_err();
        assert!(matches!(error, SecretError::KeyringLocked), "{status}: {error}");
    }
}

#[test]
fn a_keyring_that_cannot_be_asked_says_why() {
    let script = "echo 'secret-tool: no such service' >&2; exit 1";
    let error = read(Keyring::SecretService, script).unwrap_err();
    assert!(
        matches!(&error, SecretError::KeyringUnreachable { said } if said == "secret-tool: no such service"),
        "{error}"
    );
    let interrupt = Interrupt::default();
    let bus = ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/x");
    let uninstalled = Environment::from([("PATH", "/nonexistent"), bus]);
    let error = Keyring::SecretService.read(ALICE, world(&uninstalled, &interrupt)).unwrap_err();
    assert!(matches!(error, SecretError::NoKeyringProgram { program: "secret-tool" }), "{error}");
}

#[test]
fn without_a_session_bus_nothing_is_started() {
    let directory = tempfile::tempdir().unwrap();
    let runtime = directory.path().to_str().unwrap();
    let interrupt = Interrupt::default();
    for environment in [
        Environment::from([("PATH", "/usr/bin")]),
        Environment::from([("XDG_RUNTIME_DIR", runtime)]),
    ] {
        let error =
            Keyring::SecretService.read(ALICE, world(&environment, &interrupt)).unwrap_err();
        assert!(matches!(error, SecretError::NoSessionBus), "{error}");
    }
    fs::write(directory.path().join("bus"), "").unwrap();
    assert!(may_have_a_bus(&Environment::from([("XDG_RUNTIME_DIR", runtime)])));
    assert!(may_have_a_bus(&Environment::from([("DISPLAY", ":0")])));
}

#[test]
fn where_nobody_can_be_asked_a_locked_keyring_is_left_soon() {
    let display = |name: &str| Environment::from([(name, ":0")]);
    assert_eq!(limit(&display("DISPLAY"), false), LIMIT);
    assert_eq!(limit(&display("WAYLAND_DISPLAY"), false), LIMIT);
    assert_eq!(limit(&display("LANG"), true), LIMIT);
    assert_eq!(limit(&display("LANG"), false), Duration::from_secs(2));
    if has_terminal() {
        return;
    }
    let error = read(Keyring::SecretService, "sleep 1000").unwrap_err();
    let SecretError::KeyringSilent { after } = error else { panic!("{error}") };
    assert!(after < Duration::from_secs(30), "{after:?}");
}

#[test]
fn what_the_keychain_would_read_as_two_commands_is_refused_before_it_is_asked() {
    // Nobody has such a program, which shows whether it was to be started.
    let environment = Environment::from([("PATH", "/nonexistent")]);
    let interrupt = Interrupt::default();
    let keep = |length: usize| {
        let secret = vec![b'x'; length];
        Keyring::Keychain.keep(ALICE, &secret, world(&environment, &interrupt)).unwrap_err()
    };
    assert!(matches!(keep(3900), SecretError::NoKeyringProgram { .. }));
    let error = keep(4095);
    assert!(matches!(error, SecretError::TooLongForKeychain), "{error}");
}
