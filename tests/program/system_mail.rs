//! What callers of sendmail hand over that no scenario can hold.

use crate::running::{Place, Run, finished};
use std::fs;
use std::process::{Command, Stdio};

#[test]
fn a_header_of_ten_megabytes_is_refused_with_a_sentence() {
    // SEC-15
    let place = Place::new();
    let config = "[accounts.main]\nserver = \"smtp+notls://localhost:1\"\n";
    place.write("config/envoi/config.toml", config, None);
    let field = format!("X-Long: {}\n", "x".repeat(10_000_000));
    let many = "X-Many: one of them\n".repeat(500_000);
    for header in [field, many] {
        let message = format!("From: a@x.example\nSubject: x\n{header}\nhi\n");
        let run = place.run(["sendmail", "b@x.example"], Some(&message));
        assert_eq!(run.status, 65, "{run}");
        assert!(run.stderr.starts_with("envoi: the header of"), "{run}");
    }
}

const WITHOUT_A_NAME: &str = "hostname box && : >empty &&
    { [ ! -e /etc/mailname ] || mount --bind empty /etc/mailname; } &&
    { [ ! -e /etc/aliases ] || mount --bind empty /etc/aliases; } && exec \"$@\" <input";

/// What comes of a message on a machine whose name has no dot.
fn without_a_name(place: &Place, words: &[&str], message: &str) -> Run {
    place.write("input", message, None);
    let envoi = place.envoi(words);
    let mut command = Command::new("unshare");
    command.args(["--mount", "--uts", "/bin/sh", "-c", WITHOUT_A_NAME, "sh"]);
    command.arg(envoi.get_program()).args(envoi.get_args());
    command.env_clear().envs(envoi.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(place.directory()).stdout(Stdio::piped()).stderr(Stdio::piped());
    finished(command)
}

#[test]
#[ignore = "only root can give a machine a name"]
fn on_a_machine_without_a_server_and_a_full_name_root_gets_the_mail_of_root() {
    let place = Place::new();
    let here = place.directory().display();
    let config = format!("[accounts.main]\nlocal = \"maildir:{here}/mail/{{user}}\"\n");
    place.write("config/envoi/config.toml", &config, None);
    let run = without_a_name(&place, &["sendmail", "root"], "Subject: done\n\nx\n");
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run}");
    let mut kept = fs::read_dir(place.directory().join("mail/root/new")).expect("a Maildir");
    let file = kept.next().expect("a message").expect("an entry").path();
    let text = fs::read_to_string(file).expect("its text");
    assert!(text.contains("\nDelivered-To: root@localhost\n"), "{text}");
    assert!(text.contains("root@localhost>\n") && text.contains("\nFrom: "), "{text}");
    let run = without_a_name(&place, &["sendmail", "-bv", "postmaster", "nosuch"], "");
    let lines = format!(
        "postmaster... deliverable: mailer {here}/mail/root, user postmaster@localhost\n\
         nosuch... undeliverable: nosuch@localhost is no user here\n"
    );
    assert_eq!((run.status, run.stdout), (67, lines));
    let run = without_a_name(&place, &["sendmail", "root", "bob@a.example"], "\nx\n");
    let sentence = "envoi: bob@a.example needs a server, and the account ‘main’ names none\n";
    assert_eq!(run.status, 78, "{run}");
    assert!(run.stderr.starts_with(sentence), "{run}");
}

#[test]
#[ignore = "only root can give a machine a name"]
fn no_server_gets_a_bare_name_at_localhost() {
    let place = Place::new();
    let here = place.directory().display();
    let other = "[accounts.away]\nserver = \"smtp+notls://localhost:1\"\nmatch = \"*@a.example\"\n";
    let with_a_server = format!(
        "[accounts.both]\nserver = \"smtp+notls://localhost:1\"\n\
         local = \"maildir:{here}/mail/{{user}}\"\n"
    );
    let here = format!("[accounts.here]\nlocal = \"maildir:{here}/mail/{{user}}\"\n");
    let both = format!("default = \"here\"\n{other}{here}");
    let typed = ["sendmail", "-f", "x@a.example", "root"];
    let to_bob = ["sendmail", "-f", "x@a.example", "bob@a.example"];
    for (config, words, message) in [
        (other, &["sendmail", "root"][..], "\nx\n"),
        (&both, &typed, "\nx\n"),
        // Nobody elsewhere could answer.
        (&with_a_server, &["sendmail", "root", "bob@a.example"], "\nx\n"),
        // Nor is it an address in a header that leaves the machine.
        (&with_a_server, &to_bob, "From: x@a.example\nTo: root, bob@a.example\n\nx\n"),
        (&with_a_server, &to_bob, "From: root\n\nx\n"),
        // The author, who is read last, chooses another account than is usual.
        (&both, &["sendmail", "root"], "From: x@a.example\n\nx\n"),
    ] {
        place.write("config/envoi/config.toml", config, None);
        let run = without_a_name(&place, words, message);
        let sentence = "envoi: ‘root’ has no domain, and nothing says which one it should have\n";
        assert_eq!(run.status, 78, "{run}");
        assert!(run.stderr.starts_with(sentence), "{run}");
        assert!(!place.directory().join("mail").exists(), "{run}");
    }
    place.write("config/envoi/config.toml", &with_a_server, None);
    assert_eq!(without_a_name(&place, &["sendmail", "root"], "\nx\n").status, 0);
    let masked =
        format!("{with_a_server}masquerade = {{ \"root@localhost\" = \"x@a.example\" }}\n");
    place.write("config/envoi/config.toml", &format!("queue.when = 'never'\n{masked}"), None);
    let run = without_a_name(&place, &to_bob, "From: root\n\nx\n");
    assert_eq!(run.status, 75, "{run}");
}
