use super::super::tests::{ALICE, world};
use super::super::{LIMIT, SecretSource, World};
use super::*;
use crate::net::{Deadline, Interrupt, Stopwatch};
use std::fs;
use std::sync::atomic::Ordering;

fn run_in(
    environment: &Environment,
    words: &[&str],
    limit: Duration,
    interrupt: &Interrupt,
) -> Result<Secret, SecretError> {
    let source = SecretSource::Command(words.iter().map(|&word| word.to_owned()).collect());
    let deadline = Some(Deadline::after(limit));
    source.read(ALICE, World { deadline, ..world(environment, interrupt) })
}

fn run(words: &[&str], limit: Duration) -> Result<Secret, SecretError> {
    run_in(&Environment::of_process(), words, limit, &Interrupt::default())
}

const SOON: Duration = Duration::from_millis(50);

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
    let error = run(&["sleep", "20"], SOON).unwrap_err();
    assert!(matches!(error, SecretError::TooSlow { .. }), "{error}");
    let script = "echo p; exec >&- 2>&-; sleep 20";
    let error = run(&["sh", "-c", script], SOON).unwrap_err();
    assert!(matches!(error, SecretError::TooSlow { .. }), "{error}");
}

#[test]
fn a_command_that_talks_too_much_is_refused() {
    // SEC-14
    for script in ["head -c 300000 /dev/zero", "echo p; head -c 300000 /dev/zero", "yes"] {
        let error = run(&["sh", "-c", script], LIMIT).unwrap_err();
        assert!(matches!(error, SecretError::TooLong { .. }), "{script}: {error}");
    }
    // Words are another matter: none are lost that the password depends on.
    let script = "head -c 300000 /dev/zero >&2 && echo p";
    assert_eq!(run(&["sh", "-c", script], LIMIT).unwrap(), Secret::new("p"));
    let error = run(&["sh", "-c", "exec yes >&2"], SOON).unwrap_err();
    assert!(matches!(error, SecretError::TooSlow { .. }), "{error}");
}

#[test]
fn a_command_has_no_input_and_does_not_see_our_password() {
    // SEC-7, SEC-14
    let environment = Environment::from([("ENVOI_PASSWORD", "hunter2"), ("PATH", "/usr/bin:/bin")]);
    let script = "cat; echo \"[$ENVOI_PASSWORD]\"";
    let secret = run_in(&environment, &["sh", "-c", script], LIMIT, &Interrupt::default());
    assert_eq!(secret.unwrap(), Secret::new("[]"));
}

#[test]
fn what_a_program_is_to_read_does_not_outlast_the_wait() {
    // More than any pipe holds.
    let input = vec![b'x'; 2 * 1024 * 1024];
    let environment = Environment::of_process();
    let interrupt = Interrupt::default();
    let finish = |words: &[&str], limit| {
        let words: Vec<_> = words.iter().map(|&word| word.to_owned()).collect();
        let wait = Wait::of(limit, world(&environment, &interrupt));
        finish(&words, &input, &environment, &wait)
    };
    let counted = finish(&["wc", "-c"], LIMIT).unwrap();
    assert_eq!(counted.wrote().trim_ascii(), b"2097152");
    let late = finish(&["sleep", "1000"], SOON);
    assert!(matches!(late, Err(Unfinished::Over(Over::Late(_)))));
    // One that does not want it says so itself.
    assert_eq!(finish(&["sh", "-c", "exit 3"], LIMIT).unwrap().status.code(), Some(3));
    interrupt.cell().store(2, Ordering::Relaxed);
    let stopped = finish(&["sleep", "1000"], LIMIT);
    assert!(matches!(stopped, Err(Unfinished::Over(Over::Interrupted))));
}

#[test]
fn a_process_that_is_left_behind_with_the_pipes_is_not_waited_for() {
    let script = "echo p; sleep 30 & echo $! >&2";
    let since = Stopwatch::start();
    assert_eq!(run(&["sh", "-c", script], LIMIT).unwrap(), Secret::new("p"));
    assert!(since.elapsed() < Duration::from_secs(20), "it was waited for");
    let script = "sleep 30 & echo locked >&2; exit 2";
    let error = run(&["sh", "-c", script], LIMIT).unwrap_err();
    assert!(matches!(&error, SecretError::Failed { said, .. } if said == "locked"), "{error}");
    assert!(since.elapsed() < Duration::from_secs(20), "it was waited for");
}

#[test]
fn whoever_asks_to_stop_ends_the_program() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name).display().to_string();
    let script =
        format!("trap 'touch {}; exit' TERM; touch {}; sleep 30 & wait", at("asked"), at("begun"));
    let interrupt = Interrupt::default();
    let stopper = std::thread::spawn({
        let (interrupt, begun) = (interrupt.clone(), at("begun"));
        move || {
            while fs::metadata(&begun).is_err() {
                std::thread::sleep(Duration::from_millis(5));
            }
            interrupt.cell().store(15, Ordering::Relaxed);
        }
    });
    let since = Stopwatch::start();
    let words = ["sh", "-c", &script];
    let error = run_in(&Environment::of_process(), &words, LIMIT, &interrupt).unwrap_err();
    stopper.join().unwrap();
    assert!(matches!(error, SecretError::Interrupted), "{error}");
    assert!(since.elapsed() < Duration::from_secs(20), "it was waited for");
    assert!(fs::exists(at("asked")).unwrap(), "it could not clean up");
}

#[test]
fn a_program_that_does_not_want_to_end_is_ended_with_what_it_started() {
    let directory = tempfile::tempdir().unwrap();
    let note = directory.path().join("note");
    let script = format!(
        "trap '' TERM; sleep 1000 & echo $! >{0}.new; mv {0}.new {0}; wait",
        note.display()
    );
    let limit = Duration::from_millis(500);
    let error = run(&["sh", "-c", &script], limit).unwrap_err();
    assert!(matches!(error, SecretError::TooSlow { .. }), "{error}");
    if has_terminal() {
        // There the program is in our group, and what it started is its affair.
        return;
    }
    let left: u32 = fs::read_to_string(&note).unwrap().trim().parse().unwrap();
    // Gone, or dead and waiting for whoever inherited it; the kernel may take
    // its time.
    let runs = || {
        let state = fs::read_to_string(format!("/proc/{left}/stat")).unwrap_or_default();
        let state = state.rsplit(") ").next().unwrap_or_default().to_owned();
        !(state.is_empty() || state.starts_with(['Z', 'X']))
    };
    let since = Stopwatch::start();
    while runs() {
        assert!(since.elapsed() < Duration::from_secs(20), "{left} still runs");
        std::thread::sleep(Duration::from_millis(5));
    }
}
