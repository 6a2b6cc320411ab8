//! Running the program, as a user with a directory and nothing else.

use crate::case::{Case, Expected};
use std::ffi::OsStr;
use std::fs;
use std::io::{Seek as _, Write as _};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// What a dry run printed.
pub(crate) struct Outcome {
    /// As a shell gives it: 128 and the number of the signal that ended it.
    status: i32,
    stderr: String,
    /// The lines before the message.
    envelope: String,
    /// The octets of the message, if there is one.
    pub(crate) message: Option<Vec<u8>>,
}

/// Runs the case without sending it.
pub(crate) fn dry_run(case: &Case) -> Outcome {
    let offer = if case.is_seven_bit { "--dry-run=7bit" } else { "--dry-run" };
    let output = run(case, &[offer]);
    let status = output.status.code().or(output.status.signal().map(|number| 128 + number));
    let split =
        find(&output.stdout, b"\nDATA\n").map(|at| output.stdout.split_at(at + b"\nDATA\n".len()));
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    Outcome {
        status: status.expect("an end"),
        stderr: text(&output.stderr),
        envelope: split.map_or_else(|| text(&output.stdout), |(envelope, _)| text(envelope)),
        message: split.map(|(_, message)| message.to_vec()),
    }
}

/// Runs `envoi send` with these options and what the case says.
pub(crate) fn run(case: &Case, options: &[&str]) -> Output {
    let home = tempfile::tempdir().expect("making a directory");
    for (name, octets) in &case.files {
        let path = home.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("making a directory");
        fs::write(&path, octets).expect("writing a file");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_envoi"));
    command.arg("send").args(options).args(&case.words).stdin(stdin(case.stdin.as_deref()));
    alone(&mut command, home.path());
    command.output().expect("starting envoi")
}

/// Nothing of this process's environment reaches the program.
fn alone(command: &mut Command, home: &Path) {
    let path: &OsStr = "/usr/bin:/bin".as_ref();
    command
        .env_clear()
        .env("HOME", home)
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_STATE_HOME", home.join("state"))
        .env("PATH", path)
        .env("LANG", "C.UTF-8")
        .current_dir(home);
}

fn stdin(octets: Option<&[u8]>) -> Stdio {
    let Some(octets) = octets else { return Stdio::null() };
    let mut file = tempfile::tempfile().expect("making a file");
    file.write_all(octets).expect("writing a file");
    file.rewind().expect("rewinding a file");
    file.into()
}

fn find(octets: &[u8], what: &[u8]) -> Option<usize> {
    memchr::memmem::find(octets, what)
}

impl Outcome {
    /// What is otherwise than the case says, of status, words and envelope.
    pub(crate) fn differs(&self, case: &Case) -> Option<String> {
        let Expected { status, stderr, envelope_from, envelope_to, parameters, .. } =
            &case.expected;
        let wrong = |what: String| {
            let Outcome { status, stderr, envelope, .. } = self;
            let envelope = &envelope[..envelope.len().min(1000)];
            Some(format!(
                "== {}: {what}\nstatus {status}\n{envelope}--- stderr\n{stderr}---",
                case.name
            ))
        };
        if self.status != *status {
            return wrong(format!("the status is not {status}"));
        }
        if *status != 0 && !fits(stderr, &self.stderr) {
            return wrong(format!("stderr is not\n{stderr}--- but"));
        }
        if *status != 0 {
            return None;
        }
        let mut lines = self.envelope.lines();
        let mail = lines.next().unwrap_or_default().strip_prefix("MAIL FROM:").unwrap_or_default();
        let (from, words) = mail.split_once(' ').unwrap_or((mail, ""));
        if envelope_from.as_ref().is_some_and(|expected| expected != from) {
            return wrong("another reverse-path".to_owned());
        }
        let words: Vec<_> =
            words.split(' ').filter(|it| !it.is_empty() && !it.starts_with("SIZE=")).collect();
        if parameters.as_ref().is_some_and(|expected| *expected != words) {
            return wrong(format!("not the parameters {parameters:?}"));
        }
        let to: Vec<_> =
            lines.filter_map(|line| line.strip_prefix("RCPT TO:<")?.strip_suffix('>')).collect();
        let expected = envelope_to.as_ref().map(crate::case::List::pairs);
        if expected.is_some_and(|expected| !expected.iter().map(|[_, address]| address).eq(&to)) {
            return wrong("other recipients".to_owned());
        }
        None
    }
}

/// Whether the text is this one, in which {*} is anything within a line.
fn fits(expected: &str, got: &str) -> bool {
    let Some((before, after)) = expected.split_once("{*}") else { return expected == got };
    let Some(rest) = got.strip_prefix(before) else { return false };
    let reach = rest.find('\n').unwrap_or(rest.len());
    let mut ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
    ends.any(|end| end <= reach && fits(after, &rest[end..]))
}
