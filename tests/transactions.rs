//! A message that takes several transactions, and a run that is stopped between
//! two of them.

mod harness;

use envoi::delivery::{Line, Report, Route, World, submit_on};
use envoi::net::{Interrupt, Security};
use envoi::session::Unobserved;
use envoi::sink::{Event, Policy, Rule, Settings, Sink, Stage};
use envoi::smtp::Reply;
use harness::*;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use tempfile::TempDir;

/// A user with an account at this server.
fn home(server: &Scripted) -> TempDir {
    let home = TempDir::new().unwrap();
    let config = format!(
        "[accounts.main]\nserver = \"smtp+notls://{}\"\nfrom = \"me@x.example\"\n\n\
         [queue]\ndirectory = \"{}/queue\"\n",
        server.address,
        home.path().display()
    );
    fs::write(home.path().join("config.toml"), config).unwrap();
    home
}

fn envoi(home: &TempDir, words: &[&str]) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_envoi"));
    program.args(words).env_clear().env("HOME", home.path());
    program.env("ENVOI_CONFIG", home.path().join("config.toml")).stdin(Stdio::null());
    program
}

/// Keeps a message for these.
fn keep(home: &TempDir, to: &[&str]) {
    let words = ["send", "-q", "--queue-only", "--body", "Hello", "--"];
    assert!(envoi(home, &[&words, to].concat()).status().unwrap().success());
}

/// Takes the message for the first of two, and wants the other in a transaction
/// of his own.
fn take_one_of_two(peer: &mut Peer) {
    peer.answer(1, "250 2.1.0 Ok\r\n");
    peer.answer(1, "250 2.1.5 Ok\r\n");
    peer.answer(1, "452 4.5.3 Too many recipients\r\n");
    peer.answer(1, "354 Go on\r\n");
    peer.content();
    peer.say("250 2.0.0 Taken\r\n");
}

/// Submits a message for two to a receiver that takes the second in a transaction
/// of his own only. Gives whom the witness, who answers so, heard of, the report,
/// and for whom the receiver took the message.
fn witnessed(goes_on: bool) -> (Vec<usize>, Report, Vec<String>) {
    let too_many = Reply::new(452, "4.5.3 Too many recipients").unwrap().with_enhanced();
    let rules = vec![Rule { nth: Some(2), reply: Some(too_many), ..Rule::at(Stage::Rcpt) }];
    let policy = Policy { rules, ..Policy::default() };
    let sink = Sink::start(Settings { policy, ..Settings::default() }).unwrap();
    let route = Route { hops: vec![hop(endpoint(sink.address(), Security::Cleartext))] };
    let interrupt = Interrupt::default();
    let world =
        World { secrets: &Fixed, interrupt: &interrupt, host_name: None, wait_for_farewell: false };
    let mut heard = Vec::new();
    let report = submit_on(
        &mut Line::new(&route, &world),
        &submission(&["a@x.example", "b@x.example"]),
        None,
        &mut |decided| {
            heard.extend(decided.iter().map(|(at, _)| *at));
            goes_on
        },
        &mut Unobserved,
    );
    let taken = sink.finish(GENEROUS).into_iter().filter_map(|event| match event {
        Event::Stored(stored) => Some(stored.to),
        _ => None,
    });
    let taken = taken.flatten().map(|to| to.path.to_string()).collect();
    (heard, report, taken)
}

#[test]
fn who_has_a_message_is_told_before_the_others_are_asked_about() {
    //
    let (heard, report, taken) = witnessed(true);
    let all = ["a@x.example accepted 250 2.1.5 Ok", "b@x.example accepted 250 2.1.5 Ok"];
    assert_eq!(words(&report), all);
    assert_eq!(heard, [0], "of the last one the report tells");
    assert_eq!(taken, ["a@x.example", "b@x.example"]);
}

#[test]
fn where_it_cannot_be_noted_who_has_a_message_nobody_else_is_asked_about() {
    //
    let (heard, report, taken) = witnessed(false);
    assert_eq!(heard, [0]);
    let left = "b@x.example deferred 452 4.5.3 Too many recipients";
    assert_eq!(words(&report), ["a@x.example accepted 250 2.1.5 Ok", left]);
    assert_eq!(taken, ["a@x.example"]);
}

#[test]
fn a_run_that_is_killed_between_two_transactions_sends_to_nobody_twice() {
    //
    let (tell_pid, pid) = channel::<u32>();
    let killed = move |peer: &mut Peer| {
        peer.greet(&[]);
        take_one_of_two(peer);
        peer.expect("MAIL");
        let pid = pid.recv().unwrap().to_string();
        assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
        assert!(peer.rest().is_empty(), "it went on");
    };
    let again = |peer: &mut Peer| {
        peer.greet(&[]);
        peer.answer(1, "250 2.1.0 Ok\r\n");
        peer.expect("RCPT TO:<b@x.example>");
        peer.say("250 2.1.5 Ok\r\n");
        peer.expect("DATA");
        peer.say("354 Go on\r\n");
        peer.content();
        peer.say("250 2.0.0 Taken\r\n");
    };
    let scripts: Vec<Part> = vec![Box::new(killed), Box::new(again)];
    let server = Scripted::start(scripts);
    let home = home(&server);
    keep(&home, &["a@x.example", "b@x.example"]);

    let mut run = envoi(&home, &["queue", "run", "-q"]).spawn().unwrap();
    tell_pid.send(run.id()).unwrap();
    assert!(!run.wait().unwrap().success());
    let list = envoi(&home, &["queue", "list", "--json"]).output().unwrap();
    let list: serde_json::Value = serde_json::from_slice(&list.stdout).unwrap();
    let recipients = list["messages"][0]["recipients"].as_array().unwrap();
    let fates: Vec<_> = recipients.iter().map(|it| it["fate"].as_str().unwrap()).collect();
    assert_eq!(fates, ["accepted", "waiting"], "{list:#}");

    assert!(envoi(&home, &["queue", "run", "-q"]).status().unwrap().success());
    assert_eq!(entries(&home.path().join("queue")), 0);
    server.finish();
}

/// How many messages are in a queue.
fn entries(queue: &Path) -> usize {
    let names = fs::read_dir(queue).unwrap().map(|file| file.unwrap().file_name());
    names.filter(|name| name.len() == 16).count()
}
