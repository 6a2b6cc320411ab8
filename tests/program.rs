//! The program as its users meet it: what is typed, what it prints, its status,
//! and what arrived. Most of it is told by the files under `tests/program/`;
//! what needs a hand on the program while it runs is told here.

#[path = "program/certificates.rs"]
mod certificates;
mod harness;
#[path = "program/running.rs"]
mod running;
#[path = "program/scenario.rs"]
mod scenario;
#[path = "program/server.rs"]
mod server;

use scenario::Scenario;
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;

/// Plays all files, or the one that the variable SCENARIO names.
#[test]
fn every_scenario_comes_out_as_it_is_written() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/program");
    let wanted = std::env::var("SCENARIO").ok();
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("reading the folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .filter(|path| wanted.as_ref().is_none_or(|name| path.file_stem() == Some(name.as_ref())))
        .collect();
    files.sort();
    let (files, wrong) = (Mutex::new(files), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        // Most of a run is waiting.
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some(path) = files.lock().expect("a lock").pop() else { return };
                    let name = path.file_stem().expect("a name").display();
                    // Where a server's script panics, this says whose it was.
                    let played = std::panic::catch_unwind(|| Scenario::read(&path).play());
                    let failures = played.unwrap_or_else(|_| vec!["a panic, see above".into()]);
                    for failure in failures {
                        wrong.lock().expect("a lock").push(format!("== {name}: {failure}"));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("a lock");
    assert!(wrong.is_empty(), "{} runs came out otherwise:\n{}", wrong.len(), wrong.join("\n\n"));
}
