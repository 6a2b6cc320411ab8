//! Fetching a password while somebody watches, types, or wants it to stop.

use crate::running::{Place, Run, Started, finished};
use crate::terminal::{Terminal, wait_until};
use crate::{check, only_message, shell, sink};
use envoi::sasl::server::Users;
use envoi::sasl::{Credentials, Secret};
use envoi::sink::{Policy, Settings, Sink};
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// The words that send to this receiver, signed in with this password.
fn signing_in(sink: &Sink, place: &Place, source: &str, more: &[&str]) -> Vec<OsString> {
    place.write("ca.pem", sink.ca_pem(), None);
    let url = format!("smtp://alice@localhost:{}", sink.address().port());
    let words = ["send", "-q", "--server", &url, "--tls-ca", "ca.pem", "--password-from", source];
    let whom = ["-f", "me@client.example", "a@x.example"];
    words.iter().chain(more).chain(&whom).map(OsString::from).collect()
}

/// A receiver that alice may sign in to by this password, and nobody else.
fn only_for_alice(password: &str) -> Sink {
    let alice = Credentials { user: "alice".into(), password: Secret::new(password) };
    let policy = Policy { users: Users::Only(vec![alice]), ..Policy::default() };
    Sink::start(Settings { policy, ..Settings::default() }).expect("starting the receiver")
}

/// Asks envoi alone to stop, as `kill` does.
fn terminate(envoi: &Started) {
    kill_process(Pid::from_child(&envoi.0), Signal::TERM).expect("sending SIGTERM");
}

fn is_running(number: &str) -> bool {
    let state = fs::read_to_string(format!("/proc/{}/stat", number.trim())).unwrap_or_default();
    let state = state.rsplit(") ").next().unwrap_or_default();
    !state.is_empty() && !state.starts_with('Z')
}

const STOPPED: &str = "\
envoi: nothing was sent to a@x.example through localhost:{*}: interrupted while signing in
{…}";

#[test]
fn who_ends_envoi_alone_ends_the_program_that_gives_the_password() {
    // SEC-14, SEC-17
    let (sink, place) = (sink(), Place::new());
    let script = "trap 'echo asked >asked; exit' TERM; sleep 60 & echo $$ >new; mv new note; wait";
    let source = format!("command:sh -c {}", shell_words::quote(script));
    let words = signing_in(&sink, &place, &source, &["--body", "hi"]);
    let envoi = Started(place.envoi(words).spawn().expect("starting envoi"));
    let note = place.directory().join("note");
    let number = wait_until("the program", || fs::read_to_string(&note).ok());
    let started = Instant::now();
    terminate(&envoi);
    check(&envoi.finish(), 143, "", STOPPED);
    assert!(started.elapsed() < Duration::from_secs(30), "it was waited for");
    assert!(!is_running(&number), "the program still runs");
    assert!(place.directory().join("asked").exists(), "the program could not clean up");
}

#[test]
fn a_parent_that_ignores_its_children_takes_no_password_away() {
    let (sink, place) = (only_for_alice("p"), Place::new());
    let words = signing_in(&sink, &place, "command:echo p", &["--body", "hi"]);
    check(&finished(shell(&place, "trap '' CHLD; exec \"$@\"", &words)), 0, "", "");
}

#[test]
fn a_crash_leaves_no_password_behind() {
    // SEC-7
    let (sink, place) = (sink(), Place::new());
    let source = "command:sh -c 'cat /proc/$PPID/limits >limits; echo p'";
    let words = signing_in(&sink, &place, source, &["--body", "hi"]);
    let script = "ulimit -S -c \"$(ulimit -H -c)\"; ulimit -c >before; exec \"$@\"";
    check(&finished(shell(&place, script, &words)), 0, "", "");
    let read = |name: &str| fs::read_to_string(place.directory().join(name)).expect("a file");
    assert_ne!(read("before"), "0\n", "a test where a crash leaves nothing anyway shows nothing");
    let limits = read("limits");
    let line = limits.lines().find(|line| line.starts_with("Max core file size"));
    let soft = line.and_then(|line| line.split_whitespace().nth(4));
    assert_eq!(soft, Some("0"), "{limits}");
}

#[test]
fn a_descriptor_is_read_from_where_it_stands() {
    let (sink, place) = (only_for_alice("p"), Place::new());
    place.write("two", "not this\np\n", Some(0o600));
    let words = signing_in(&sink, &place, "fd:3", &["--body", "hi"]);
    let script = "exec 3<two; read -r first <&3; exec \"$@\"";
    check(&finished(shell(&place, script, &words)), 0, "", "");
}

#[test]
fn a_descriptor_that_envoi_was_not_given_is_none_even_if_it_opens_one_of_that_number() {
    let (sink, place) = (only_for_alice("p"), Place::new());
    let expected = format!(
        "{NOT_HAD}cannot read file descriptor 3: Bad file descriptor\n\
         hint: let the shell open it for reading: fd:3 goes with 3< FILE\n{{…}}"
    );
    let words = signing_in(&sink, &place, "fd:3", &["--body", "hi"]);
    for script in ["exec 3<&-; exec \"$@\"", "exec 3>written; exec \"$@\""] {
        check(&finished(shell(&place, script, &words)), 78, "", &expected);
    }
}

// Without a terminal ----------------------------------------------------------

/// Runs envoi in a session without a terminal, whatever the test has.
fn without_terminal(place: &Place, words: &[OsString]) -> Run {
    finished(shell(place, "exec setsid --wait \"$@\"", words))
}

const NOT_HAD: &str = "\
envoi: nothing was sent to a@x.example through localhost:{*}: the password cannot be had: ";

#[test]
fn without_a_terminal_nobody_is_asked() {
    let (sink, place) = (sink(), Place::new());
    let words = signing_in(&sink, &place, "prompt", &["--body", "hi"]);
    let expected = format!("{NOT_HAD}cannot ask for the password: there is no terminal\n{{…}}");
    check(&without_terminal(&place, &words), 78, "", &expected);
}

#[test]
fn where_nobody_can_unlock_the_keyring_it_is_left_soon() {
    let (sink, mut place) = (sink(), Place::new());
    place.write("secret-tool", "#!/bin/sh\nexec sleep 1000\n", Some(0o755));
    let here = place.directory().display().to_string();
    place.set("PATH", format!("{here}:/usr/bin:/bin"));
    place.set("DBUS_SESSION_BUS_ADDRESS", "unix:path=bus".to_owned());
    let words = signing_in(&sink, &place, "keyring", &["--body", "hi"]);
    let expected = format!(
        "{NOT_HAD}the keyring gave no answer within {{*}} s: it is locked, or stuck\n\
         hint: log in at the desktop, or unlock it there\n{{…}}"
    );
    check(&without_terminal(&place, &words), 75, "", &expected);
}

// At a terminal ----------------------------------------------------------------

const QUESTION: &str = "Password for alice@localhost: ";

#[test]
fn the_password_is_typed_at_the_terminal_while_the_message_comes_from_elsewhere() {
    let (sink, place) = (only_for_alice("correct-horse"), Place::new());
    let mut terminal = Terminal::new();
    let words = signing_in(&sink, &place, "prompt", &[]);
    let envoi = terminal.start(&place, &words, "from elsewhere\n");
    terminal.expect(QUESTION);
    assert!(!terminal.echoes());
    // As typed, with a correction.
    terminal.enter("correct-horsf\x7fe\n");
    check(&envoi.finish(), 0, "", "");
    terminal.expect(&format!("{QUESTION}\r\n"));
    assert!(!terminal.shown.contains("horse"), "{}", terminal.shown);
    assert!(terminal.echoes());
    assert!(only_message(&sink).ends_with("\n\nfrom elsewhere\n"));
}

#[test]
fn what_is_typed_is_the_password() {
    let (sink, place) = (only_for_alice("correct horse"), Place::new());
    for (typed, status) in
        [("correct horse\n", 0), ("correct horse \n", 77), ("\n", 78), ("\x04", 78)]
    {
        let mut terminal = Terminal::new();
        let words = signing_in(&sink, &place, "prompt", &["--body", "hi"]);
        let envoi = terminal.start(&place, &words, "");
        terminal.expect(QUESTION);
        terminal.enter(typed);
        let run: Run = envoi.finish();
        assert_eq!(run.status, status, "{typed:?}\n{run}");
        assert!(terminal.echoes());
    }
}

#[test]
fn nobody_is_waited_for_at_the_terminal_beyond_the_deadline() {
    let (sink, place) = (sink(), Place::new());
    let mut terminal = Terminal::new();
    let words = signing_in(&sink, &place, "prompt", &["--body", "hi", "--deadline", "1"]);
    let envoi = terminal.start(&place, &words, "");
    terminal.expect(QUESTION);
    let expected = format!("{NOT_HAD}nothing came from the terminal within {{*}} s\n{{…}}");
    check(&envoi.finish(), 75, "", &expected);
    assert!(terminal.echoes());
}

/// How a run at a terminal is stopped.
type Stop<'s> = &'s dyn Fn(&mut Terminal, &Started);

#[test]
fn whoever_stops_at_the_question_finds_the_terminal_as_it_was() {
    // SEC-17
    let (sink, place) = (sink(), Place::new());
    let words = signing_in(&sink, &place, "prompt", &["--body", "hi"]);
    let stops: [(Stop<'_>, i32); 2] =
        [(&|terminal, _| terminal.enter("correct\x03"), 130), (&|_, envoi| terminate(envoi), 143)];
    for (stop, status) in stops {
        let mut terminal = Terminal::new();
        let envoi = terminal.start(&place, &words, "");
        terminal.expect(QUESTION);
        assert!(!terminal.echoes());
        stop(&mut terminal, &envoi);
        check(&envoi.finish(), status, "", STOPPED);
        assert!(terminal.echoes());
    }
}

#[test]
fn a_program_may_ask_at_the_terminal_and_ends_with_envoi() {
    // SEC-14, SEC-17
    let (sink, place) = (only_for_alice("correct-horse"), Place::new());
    let script =
        "echo $$ >new; mv new note; printf 'PIN: ' >/dev/tty; read -r p </dev/tty; echo $p";
    let source = format!("command:sh -c {}", shell_words::quote(script));
    let words = signing_in(&sink, &place, &source, &["--body", "hi"]);
    let stops: [(Stop<'_>, i32, &str); 3] = [
        (&|terminal, _| terminal.enter("correct-horse\n"), 0, ""),
        (&|terminal, _| terminal.enter("\x03"), 130, STOPPED),
        (&|_, envoi| terminate(envoi), 143, STOPPED),
    ];
    for (stop, status, stderr) in stops {
        let mut terminal = Terminal::new();
        let envoi = terminal.start(&place, &words, "");
        terminal.expect("PIN: ");
        stop(&mut terminal, &envoi);
        check(&envoi.finish(), status, "", stderr);
        let number = fs::read_to_string(place.directory().join("note")).expect("its number");
        assert!(!is_running(&number), "the program still runs");
    }
}

#[test]
fn who_speaks_smtp_on_standard_input_is_ended_by_the_first_signal() {
    let place = Place::new();
    place.write(
        "config/envoi/config.toml",
        "[accounts.a]\nserver = 'smtp+notls://localhost:1'\n",
        None,
    );
    let mut command = place.envoi(["sendmail", "-bs"]);
    let mut envoi = Started(command.stdin(Stdio::piped()).spawn().expect("starting envoi"));
    let typing = envoi.0.stdin.take().expect("its standard input");
    let mut greeting = [0; 4];
    envoi.0.stdout.as_mut().expect("its output").read_exact(&mut greeting).expect("a greeting");
    terminate(&envoi);
    let run = envoi.finish();
    assert_eq!((&greeting, run.status), (b"220 ", 143), "{run}");
    drop(typing);
}

#[test]
#[ignore = "only root can give files away"]
fn a_secret_in_a_file_of_somebody_else_is_not_taken() {
    // SEC-9
    let (sink, place) = (sink(), Place::new());
    let config =
        "[accounts.a]\nserver = 'smtp://alice@localhost'\npassword = { value = 'horse' }\n";
    let line = "machine localhost login alice password horse\n";
    for (name, text) in [("c.toml", config), ("netrc", line), ("secret", "horse\n")] {
        place.write(name, text, Some(0o600));
        let path = place.directory().join(name);
        std::os::unix::fs::chown(path, Some(12_345), None).expect("giving a file away");
    }
    for (source, more) in [("env:P", "-Cc.toml"), ("netrc:netrc", "-4"), ("file:secret", "-4")] {
        let run = place.run(signing_in(&sink, &place, source, &["--body", "hi", more]), None);
        assert_eq!(run.status, 78, "{run}");
        let sentence = "it belongs to the user with the number 12345";
        assert!(run.stderr.contains(sentence) && run.stderr.contains("chown"), "{run}");
        assert!(!run.stderr.contains("horse"), "{run}");
    }
}
