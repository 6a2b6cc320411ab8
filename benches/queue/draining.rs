//! A run over four connections, beside one process a message: under TLS, with a
//! sign-in, on loopback.

use super::spool::{self, configured, directory};
use super::{Extent, Figure, processor, ratio, timed};
use envoi::sasl::server::Users;
use envoi::sasl::{Credentials, Secret};
use envoi::sink::{Encryption, Event, Listen, Policy, Settings, Sink, Storage};
use std::fs::{self, File, Permissions};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// A run's time over that of the processes.
const HELD_TO: f64 = 1.0;

pub(crate) fn measure(extent: Extent) -> Vec<Figure> {
    let (home, sink) = (directory(), sink());
    let path = prepare(home.path(), &sink);
    let (mut pairs, mut run_took, mut processes_took) =
        (Vec::new(), Duration::ZERO, Duration::ZERO);
    for _ in 0..extent.turns {
        spool::fill(&path, extent.sent);
        let before = processor::children();
        let run = timed(|| envoi(home.path(), &["queue", "run", "--all", "-q"]));
        let between = processor::children();
        let processes = timed(|| {
            for _ in 0..extent.sent {
                envoi(home.path(), &["send", "-q", "--no-queue", "--message", "-"]);
            }
        });
        run_took += between.saturating_sub(before);
        processes_took += processor::children().saturating_sub(between);
        pairs.push((run, processes));
    }
    let arrived = sink.events().try_iter().filter(|event| matches!(event, Event::Stored(_)));
    assert_eq!(arrived.count(), 2 * extent.turns * extent.sent, "messages arrived");
    let by_processor = run_took.as_secs_f64() / processes_took.as_secs_f64().max(0.01);
    [("by the clock", ratio(pairs)), ("by the processor", by_processor)]
        .map(|(by, is)| {
            let what = format!("a run, × one process a message, {by}");
            Figure { what, is, held_to: HELD_TO }
        })
        .into()
}

/// A server that only alice may use.
pub(crate) fn sink() -> Sink {
    let alice = Credentials { user: "alice".into(), password: Secret::new("sesame") };
    let policy =
        Policy { users: Users::Only(vec![alice]), require_auth: true, ..Policy::default() };
    let listen = vec![Listen::loopback(0, Encryption::Implicit)];
    Sink::start(Settings { listen, policy, storage: Storage::Discard, ..Settings::default() })
        .unwrap()
}

/// Writes what alice needs; gives the directory of her queue.
pub(crate) fn prepare(home: &Path, sink: &Sink) -> PathBuf {
    fs::write(home.join("ca.pem"), sink.ca_pem()).unwrap();
    fs::write(home.join("password"), "sesame\n").unwrap();
    fs::set_permissions(home.join("password"), Permissions::from_mode(0o600)).unwrap();
    let mut octets = Vec::new();
    spool::message().open().unwrap().read_to_end(&mut octets).unwrap();
    fs::write(home.join("message"), octets).unwrap();
    configured(home, &format!("smtps://alice@localhost:{}", sink.address().port()))
}

/// The program as alice runs it.
pub(crate) fn program(home: &Path, words: &[&str]) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_envoi"));
    program.args(words).env_clear().env("HOME", home);
    program.env("ENVOI_CONFIG", home.join("config.toml")).stderr(Stdio::inherit());
    program
}

pub(crate) fn envoi(home: &Path, words: &[&str]) {
    let mut program = program(home, words);
    program.stdin(File::open(home.join("message")).unwrap());
    assert!(program.status().unwrap().success(), "{words:?}");
}
