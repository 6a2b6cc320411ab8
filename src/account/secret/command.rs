//! A program that prints a password (checklist SEC-14).

use super::{Environment, LONGEST, Secret, SecretError, first_line, program};
use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use zeroize::Zeroizing;

/// Runs a program and takes its first line. It runs in our process group, so
/// that it may ask for a passphrase at the terminal.
pub(super) fn run(
    words: &[String],
    environment: &Environment,
    limit: Duration,
) -> Result<Secret, SecretError> {
    let name = program(words).to_owned();
    let mut child = Command::new(&name)
        .args(words.get(1..).unwrap_or_default())
        .env_clear()
        .envs(environment.for_children())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|source| SecretError::NotRun { program: name.clone(), source })?;
    let wrote = in_background(child.stdout.take());
    let said = in_background(child.stderr.take());
    let what = format!("what ‘{name}’ wrote");
    let secret = match wrote.recv_timeout(limit) {
        Ok(Ok(octets)) => first_line(octets.as_slice(), &what),
        Ok(Err(source)) => Err(SecretError::Unreadable { what, source }),
        Err(_) => {
            end(child);
            return Err(SecretError::TooSlow { program: name, limit });
        }
    };
    if matches!(secret, Err(SecretError::TooLong { .. })) {
        end(child);
        return secret;
    }
    match status(&mut child, limit) {
        Some(status) if status.success() => secret,
        Some(status) => {
            let said = said.recv_timeout(PATIENCE_FOR_WORDS).ok().and_then(Result::ok);
            let said = first_words(said.as_ref().map(|octets| octets.as_slice()));
            Err(SecretError::Failed { program: name, status, said })
        }
        None => {
            end(child);
            Err(SecretError::TooSlow { program: name, limit })
        }
    }
}

/// How a program ended that has nothing more to write, or `None` if it has not
/// ended in time.
fn status(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    const STEP: Duration = Duration::from_millis(5);
    let mut waited = Duration::ZERO;
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        if waited >= limit {
            return None;
        }
        thread::sleep(STEP);
        waited += STEP;
    }
}

/// Neither step can fail in a way that would change what is said next.
fn end(mut child: Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// Reads a pipe to its end, or to one octet more than a secret may have, and
/// closes it.
fn in_background<P>(pipe: Option<P>) -> mpsc::Receiver<io::Result<Zeroizing<Vec<u8>>>>
where
    P: Read + Send + 'static,
{
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut octets = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
        let read =
            pipe.map_or(Ok(0), |pipe| pipe.take(LONGEST as u64 + 1).read_to_end(&mut octets));
        // Nobody listens once the time is up.
        let _ = sender.send(read.map(|_| octets));
    });
    receiver
}

/// The first line of what a program said that says something, not too long.
fn first_words(said: Option<&[u8]>) -> String {
    let said = String::from_utf8_lossy(said.unwrap_or_default());
    let line = said.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    line.trim().chars().take(LONGEST_SAYING).collect()
}

/// How long a program may take to give a password.
pub(super) const LIMIT: Duration = Duration::from_secs(60);

/// How long the words of a program that has ended may take to come through:
/// a process that it left behind can hold the pipe open.
const PATIENCE_FOR_WORDS: Duration = Duration::from_secs(1);

const LONGEST_SAYING: usize = 300;
