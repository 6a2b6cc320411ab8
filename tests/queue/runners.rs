//! Several runners at once.

use crate::office::{Office, accepted, not_now, run_with, unreached};
use crate::spool::{Spool, Step, keep, moment};
use envoi::delivery::{Report, Witness};
use envoi::message::Repairs;
use envoi::queue::{Accounts, Courier, Errand, Fate, Unserved, Which};
use std::collections::BTreeMap;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Runs the queue at the same moment by so many, each for itself.
fn all_at_once(runners: usize, spool: &Spool, office: &Office<'_>) {
    let start = Barrier::new(runners);
    std::thread::scope(|scope| {
        for _ in 0..runners {
            scope.spawn(|| {
                let queue = spool.queue();
                start.wait();
                office.run_over(2, &queue, &Which::Due, moment(0)).unwrap();
            });
        }
    });
}

#[test]
fn eight_runners_carry_each_of_a_thousand_messages_once() {
    //
    let spool = Spool::in_memory();
    let queue = spool.queue();
    for number in 0..1_000 {
        keep(&queue, &format!("message {number}"), &["a@x.example"]);
    }
    let office = Office::new(|_| accepted());
    all_at_once(8, &spool, &office);
    assert_eq!(office.carried(), 1_000);
    let accepted = office.accepted();
    assert_eq!(accepted.len(), 1_000);
    assert!(accepted.values().all(|&times| times == 1));
    assert!(spool.names().is_empty(), "{:?}", spool.names());
}

#[test]
fn eight_runners_ask_about_each_recipient_who_waits_once() {
    // what one has noted, the others read.
    let spool = Spool::in_memory();
    let queue = spool.queue();
    for number in 0..200 {
        keep(&queue, &format!("message {number}"), &["a@x.example", "later@x.example"]);
    }
    let judge = |to: &str| if to.starts_with("later") { not_now() } else { accepted() };
    let office = Office::new(judge);
    all_at_once(8, &spool, &office);
    assert_eq!(office.carried(), 200);
    assert!(office.accepted().values().all(|&times| times == 1));
    assert_eq!(queue.list().unwrap().entries.len(), 200);
}

#[test]
fn what_another_did_just_before_an_entry_was_taken_is_known() {
    //
    let spool = Spool::in_memory();
    let id = keep(&spool.queue(), "one", &["a@x.example", "later@x.example"]);
    let (other, opened) = (spool.queue(), AtomicUsize::new(0));
    let queue = spool.watched(move |step| {
        // The entry was looked at, found without a state, and is not locked yet.
        if matches!(step, Step::Opened) && opened.fetch_add(1, Ordering::Relaxed) == 1 {
            let judge = |to: &str| if to.starts_with("later") { not_now() } else { accepted() };
            Office::new(judge).run(&other, &Which::Due, moment(0)).unwrap();
        }
        Ok(())
    });
    let state = queue.take(&id).unwrap().state;
    assert_eq!((state.with(Fate::Accepted), state.waiting()), (vec![0], vec![1]));
}

#[test]
fn a_queue_that_is_read_while_others_empty_it_shows_no_entry_as_it_was_long_ago() {
    let spool = Spool::in_memory();
    let queue = spool.queue();
    for number in 0..300 {
        let id = keep(&queue, &format!("message {number}"), &["a@x.example", "b@x.example"]);
        let mut taken = queue.take(&id).unwrap();
        taken.state.tries = 1;
        taken.write().unwrap();
    }
    let office = Office::new(|_| accepted());
    std::thread::scope(|scope| {
        let runners = scope.spawn(|| all_at_once(2, &spool, &office));
        while !runners.is_finished() {
            let listing = queue.list().unwrap();
            assert!(listing.unusable.is_empty(), "{:?}", listing.unusable);
            for entry in listing.entries {
                assert_eq!(entry.state.tries, 1, "{} forgot that it was tried", entry.id);
            }
        }
    });
    assert_eq!(office.carried(), 300);
}

/// Serves on as many connections as it is asked to, of which only the first
/// works, as with a server that allows its user one.
struct OneAtATime<'o> {
    works: Office<'o>,
    fails: Office<'o>,
    open: AtomicUsize,
    /// Both are at work.
    meet: Barrier,
    /// The second hears that it is refused when the first has gone.
    part: Option<Barrier>,
}

struct Either<'c> {
    it: &'c mut dyn Courier,
    of: &'c OneAtATime<'c>,
    is_first: bool,
    carried: usize,
}

impl Accounts for OneAtATime<'_> {
    fn serve(
        &self,
        account: &str,
        shift: &mut dyn FnMut(&mut dyn Courier),
    ) -> Result<(), Unserved> {
        let is_first = self.open.fetch_add(1, Ordering::SeqCst) == 0;
        let office = if is_first { &self.works } else { &self.fails };
        office.serve(account, &mut |it| {
            shift(&mut Either { it, of: self, is_first, carried: 0 });
        })?;
        if is_first && let Some(part) = &self.part {
            part.wait();
        }
        Ok(())
    }
}

impl Courier for Either<'_> {
    fn repairs(&self) -> Repairs {
        self.it.repairs()
    }

    fn carry(&mut self, errand: &Errand<'_>, witness: &mut Witness<'_>) -> Report {
        self.carried += 1;
        // The second comes when the first message has gone through.
        if !self.is_first || self.carried == 2 {
            self.of.meet.wait();
        }
        if !self.is_first
            && let Some(part) = &self.of.part
        {
            part.wait();
        }
        self.it.carry(errand, witness)
    }
}

#[test]
fn a_second_connection_that_is_refused_takes_nothing_from_the_first() {
    for part in [None, Some(Barrier::new(2))] {
        let spool = Spool::in_memory();
        let queue = spool.queue();
        for number in 0..20 {
            keep(&queue, &format!("message {number}"), &["a@x.example"]);
        }
        let accounts = OneAtATime {
            works: Office::new(|_| accepted()),
            fails: Office::new(|_| unreached()),
            open: AtomicUsize::new(0),
            meet: Barrier::new(2),
            part,
        };
        let told = run_with(&accounts, 2, &queue, &Which::Due, moment(0)).unwrap();
        assert!(told.iter().all(|event| event.starts_with("tried ")), "{told:?}");
        assert_eq!((accounts.works.carried(), accounts.fails.carried()), (19, 1));
        assert_eq!(queue.list().unwrap().entries.len(), 1);
        assert!(queue.troubles().unwrap().is_empty());
    }
}

/// Has no time for a server that is slow.
struct Hurried;

impl Accounts for Hurried {
    fn serve(&self, _: &str, shift: &mut dyn FnMut(&mut dyn Courier)) -> Result<(), Unserved> {
        shift(&mut Hurried);
        Ok(())
    }
}

impl Courier for Hurried {
    fn repairs(&self) -> Repairs {
        Repairs::default()
    }

    fn carry(&mut self, errand: &Errand<'_>, _: &mut Witness<'_>) -> Report {
        let to = errand.submission.envelope.to().iter();
        let recipients = to.map(|to| (to.path.clone(), unreached())).collect();
        Report { recipients, attempts: Vec::new() }
    }

    fn was_called_back(&self) -> bool {
        true
    }
}

#[test]
fn a_courier_that_was_called_back_has_found_out_nothing_about_the_server() {
    let spool = Spool::in_memory();
    let queue = spool.queue();
    keep(&queue, "one", &["a@x.example"]);
    let told = run_with(&Hurried, 1, &queue, &Which::Due, moment(0)).unwrap();
    assert!(told.is_empty(), "{told:?}");
    assert!(queue.troubles().unwrap().is_empty());
    let state = queue.list().unwrap().entries[0].state.clone();
    assert_eq!((state.tries, &state.to[0].answer), (0, &None));
    // Nor is the next one to lose its time over it at once.
    assert!(state.next_try.is_some_and(|next| next > moment(0)));
}

/// Breaks down over the first message.
struct Clumsy;

impl Accounts for Clumsy {
    fn serve(&self, _: &str, shift: &mut dyn FnMut(&mut dyn Courier)) -> Result<(), Unserved> {
        shift(&mut Clumsy);
        Ok(())
    }
}

impl Courier for Clumsy {
    fn repairs(&self) -> Repairs {
        Repairs::default()
    }

    fn carry(&mut self, _: &Errand<'_>, _: &mut Witness<'_>) -> Report {
        panic!("a mistake of ours")
    }
}

#[test]
fn a_runner_that_breaks_down_keeps_nobody_waiting_and_nothing_from_the_next() {
    let spool = Spool::in_memory();
    let queue = spool.queue();
    for number in 0..3 {
        keep(&queue, &format!("message {number}"), &["a@x.example"]);
    }
    let run = || run_with(&Clumsy, 3, &queue, &Which::Due, moment(0));
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
    std::panic::set_hook(hook);
    assert!(broken.is_err());
    let office = Office::new(|_| accepted());
    office.run(&queue, &Which::Due, moment(0)).unwrap();
    let times: BTreeMap<_, _> = office.accepted();
    assert_eq!(times.len(), 3);
}
