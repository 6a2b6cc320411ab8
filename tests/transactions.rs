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
use tempfile::TempDir;

/// A user with an account at this server.
fn home(sink: &Sink) -> TempDir {
    let home = TempDir::new().unwrap();
    let config = format!(
        "[accounts.main]\nserver = \"smtp+notls://{}\"\nfrom = \"me@x.example\"\n\n\
         [queue]\ndirectory = \"{}/queue\"\n",
        sink.address(),
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

/// A message for two is taken for the first; the other is wanted in a transaction
/// of his own.
fn taking_one_of_two() -> Vec<Rule> {
    let too_many = Reply::new(452, "4.5.3 Too many recipients").unwrap().with_enhanced();
    vec![Rule { nth: Some(2), reply: Some(too_many), ..Rule::at(Stage::Rcpt) }]
}

fn receiver(rules: Vec<Rule>) -> Sink {
    let policy = Policy { rules, ..Policy::default() };
    Sink::start(Settings { policy, ..Settings::default() }).unwrap()
}

/// For whom the receiver took messages that were not heard of yet.
fn taken(sink: Sink) -> Vec<String> {
    let taken = sink.finish(GENEROUS).into_iter().filter_map(|event| match event {
        Event::Stored(stored) => Some(stored.to),
        _ => None,
    });
    taken.flatten().map(|to| to.path.to_string()).collect()
}

/// Submits a message for two to a receiver that takes the second in a transaction
/// of his own only. Gives whom the witness, who answers so, heard of, the report,
/// and for whom the receiver took the message.
fn witnessed(goes_on: bool) -> (Vec<usize>, Report, Vec<String>) {
    let sink = receiver(taking_one_of_two());
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
    (heard, report, taken(sink))
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
    let mut rules = taking_one_of_two();
    rules.push(Rule { nth: Some(2), delay: Some(GENEROUS), ..Rule::at(Stage::Mail) });
    let sink = receiver(rules);
    let home = home(&sink);
    keep(&home, &["a@x.example", "b@x.example"]);

    let mut run = envoi(&home, &["queue", "run", "-q"]).spawn().unwrap();
    while !is_at_mail(&sink.events().recv_timeout(GENEROUS).unwrap()) {}
    run.kill().unwrap();
    assert!(!run.wait().unwrap().success());
    let list = envoi(&home, &["queue", "list", "--json"]).output().unwrap();
    let list: serde_json::Value = serde_json::from_slice(&list.stdout).unwrap();
    let recipients = list["messages"][0]["recipients"].as_array().unwrap();
    let fates: Vec<_> = recipients.iter().map(|it| it["fate"].as_str().unwrap()).collect();
    assert_eq!(fates, ["accepted", "waiting"], "{list:#}");

    assert!(envoi(&home, &["queue", "run", "-q"]).status().unwrap().success());
    assert_eq!(entries(&home.path().join("queue")), 0);
    assert_eq!(taken(sink), ["b@x.example"], "what came before was heard of before");
}

/// Whether the rule for MAIL counts.
fn is_at_mail(event: &Event) -> bool {
    matches!(event, Event::Rule { rule, .. } if rule.stage == Stage::Mail)
}

/// How many messages are in a queue.
fn entries(queue: &Path) -> usize {
    let names = fs::read_dir(queue).unwrap().map(|file| file.unwrap().file_name());
    names.filter(|name| name.len() == 16).count()
}
