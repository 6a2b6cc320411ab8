//! What users handed in, where whoever runs the queue has other accounts than
//! those it is for.

use crate::office::{Office, accepted, never, unreached};
use crate::spool::{Spool, head, keep, letter, moment};
use envoi::queue::{Fate, Head, Id, Queue, State, Which};

/// Keeps the message with this word, which somebody handed in.
fn keep_handed_in(queue: &Queue, word: &str, to: &[&str]) -> Id {
    let id = Id::new().unwrap();
    let head = Head { owner: Some(2001), ..head(to) };
    queue.keep(&id, &head, &letter(word)).unwrap();
    id
}

fn state(queue: &Queue, id: &Id) -> State {
    queue.take(id).unwrap().state
}

#[test]
fn what_is_for_accounts_of_the_system_is_not_tried_without_them_however_it_is_asked_for() {
    let spool = Spool::in_memory();
    let queue = spool.queue();
    let id = keep_handed_in(&queue, "theirs", &["a@x.example"]);
    let untouched = state(&queue, &id);
    let office = Office::new(|_| accepted());
    let named = Which::Named(vec![id.clone()]);
    for which in [&Which::Due, &Which::All] {
        let told = office.run_without_handed_in(&queue, which, moment(0)).unwrap();
        assert_eq!(told, [""; 0], "{which:?}");
    }
    let told = office.run_without_handed_in(&queue, &named, moment(0)).unwrap();
    let start =
        format!("unusable {id}: it was handed in, and goes through the accounts of the system");
    assert!(told.len() == 1 && told[0].starts_with(&start), "{told:?}");
    assert_eq!(office.carried(), 0);
    assert_eq!(state(&queue, &id), untouched);

    // It keeps nothing back that was not handed in.
    keep(&queue, "ours", &["a@x.example"]);
    office.run_without_handed_in(&queue, &Which::Due, moment(0)).unwrap();
    assert_eq!((office.times("ours", "a@x.example"), office.carried()), (1, 1));

    // Who has those sends it.
    office.run(&queue, &Which::Due, moment(0)).unwrap();
    assert_eq!((office.times("theirs", "a@x.example"), office.carried()), (1, 2));
    assert!(spool.names().is_empty(), "{:?}", spool.names());
}

#[test]
fn what_is_for_accounts_of_the_system_is_neither_put_off_nor_reported_without_them() {
    //
    let spool = Spool::in_memory();
    let queue = spool.queue();
    let failed = keep_handed_in(&queue, "failed", &["gone@x.example"]);
    let waits = keep_handed_in(&queue, "waits", &["a@x.example"]);
    // A run that was killed has noted who failed, and told nobody.
    let mut taken = queue.take(&failed).unwrap();
    taken.state.to[0].fate = Fate::Failed;
    taken.write().unwrap();
    drop(taken);
    let untouched = [state(&queue, &failed), state(&queue, &waits)];

    keep(&queue, "ours", &["a@x.example"]);
    let told = Office::new(|_| unreached());
    let told = told.run_without_handed_in(&queue, &Which::All, moment(0)).unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!([state(&queue, &failed), state(&queue, &waits)], untouched);
    assert_eq!(queue.list().unwrap().entries.len(), 3, "nobody is told of anything yet");

    let office = Office::new(|to| if to.starts_with("gone") { never() } else { accepted() });
    office.run(&queue, &Which::All, moment(0)).unwrap();
    office.run(&queue, &Which::All, moment(1)).unwrap();
    assert_eq!(state(&queue, &failed).to[0].fate, Fate::Reported);
    assert_eq!(office.asked("a@client.example"), 1, "one report to the sender");
}
