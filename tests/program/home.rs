//! Recipients of this machine, whom only root may write to.

use crate::running::{Place, Run};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::os::unix::process::CommandExt;

/// Debian gives this number to everybody's servant.
const DAEMON: u32 = 1;

fn send_to_daemon(place: &Place) -> Run {
    send(place, "daemon")
}

fn send(place: &Place, user: &str) -> Run {
    let here = place.directory().display();
    place.write(
        "config/envoi/config.toml",
        &format!(
            "[queue]\nwhen = \"never\"\n\
             [rewrite]\ndomain = \"box.example.org\"\naliases = \"/dev/null\"\n\
             [accounts.main]\nserver = \"smtp+notls://localhost:1\"\n\
             local = \"maildir:{here}/boxes/{{user}}\"\n"
        ),
        None,
    );
    // Whoever is not root has to get there.
    let open = fs::Permissions::from_mode(0o755);
    fs::set_permissions(place.directory(), open).expect("opening the directory");
    place.run(["sendmail", user], Some("From: root\nSubject: x\n\nhi\n"))
}

#[test]
#[ignore = "only root can give files away"]
fn what_root_sends_to_a_user_belongs_to_the_user() {
    let place = Place::new();
    let maildir = place.directory().join("boxes/daemon");
    fs::create_dir_all(&maildir).expect("a directory");
    chown(&maildir, Some(DAEMON), Some(DAEMON)).expect("giving it away");
    let run = send_to_daemon(&place);
    assert_eq!(run.status, 0, "{run}");
    let file = fs::read_dir(maildir.join("new")).expect("a Maildir").next().expect("a message");
    let facts = file.expect("an entry").metadata().expect("its facts");
    assert_eq!((facts.uid(), facts.gid(), facts.mode() & 0o777), (DAEMON, DAEMON, 0o600));
}

#[test]
#[ignore = "only root can give files away"]
fn a_link_that_a_user_has_put_there_leads_nowhere_that_the_user_could_not_go() {
    // SEC-10
    let place = Place::new();
    let boxes = place.directory().join("boxes");
    let closed = place.directory().join("closed");
    fs::create_dir_all(&boxes).expect("a directory");
    fs::create_dir_all(closed.join("new")).expect("a directory");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).expect("closing it");
    symlink(&closed, boxes.join("daemon")).expect("a link");
    let run = send_to_daemon(&place);
    assert_eq!(run.status, 75, "{run}");
    assert!(run.stderr.contains("the message cannot be kept in"), "{run}");
    assert_eq!(fs::read_dir(closed.join("new")).expect("a directory").count(), 0);
}

#[test]
#[ignore = "only root can give files away"]
fn root_follows_no_link_of_somebody_else_to_the_maildir_of_root() {
    // SEC-10
    for planted in ["boxes/root", "boxes/root/new"] {
        let place = Place::new();
        let link = place.directory().join(planted);
        let closed = place.directory().join("closed");
        fs::create_dir_all(link.parent().expect("it lies in a directory")).expect("a directory");
        fs::create_dir_all(closed.join("new")).expect("a directory");
        symlink(&closed, &link).expect("a link");
        lchown(&link, Some(DAEMON), Some(DAEMON)).expect("giving it away");
        let run = send(&place, "root");
        assert_eq!(run.status, 75, "{run}");
        let sentence =
            format!("{} is a link that belongs to the user with the number 1", link.display());
        assert!(run.stderr.contains(&sentence), "{run}");
        let files = |directory| fs::read_dir(directory).expect("a directory").count();
        assert_eq!((files(closed.join("new")), files(closed.clone())), (0, 1), "{run}");
        // One of root's own leads where root wants.
        lchown(&link, Some(0), Some(0)).expect("taking it back");
        assert_eq!(send(&place, "root").status, 0);
        assert!(files(closed.join("new")) + files(closed.clone()) > 1);
    }
}

#[test]
#[ignore = "only root can give files away"]
fn a_program_with_the_rights_of_somebody_else_refuses_to_run() {
    // SEC-11
    let place = Place::new();
    let open = fs::Permissions::from_mode(0o755);
    fs::set_permissions(place.directory(), open).expect("opening the directory");
    for (mode, name) in [(0o4755, "sendmail"), (0o2755, "envoi")] {
        let copy = place.directory().join(name);
        fs::copy(env!("CARGO_BIN_EXE_envoi"), &copy).expect("copying");
        fs::set_permissions(&copy, fs::Permissions::from_mode(mode)).expect("its mode");
        let mut command = std::process::Command::new(&copy);
        let said = command.arg("--version").uid(DAEMON).gid(DAEMON).output().expect("running it");
        assert_eq!(said.status.code(), Some(77), "{said:?}");
        let hint = format!("hint: chmod ug-s {}\n", copy.display());
        assert!(String::from_utf8_lossy(&said.stderr).ends_with(&hint), "{said:?}");
    }
}
