//! The queue, step by step: what is kept is sent later, once, as it was kept.

use crate::running::{GENEROUS, Place, Run, Started, finished};
use crate::server::taken;
use crate::terminal::wait_until;
use crate::{check, come_to_the_rule, shell, sink, slow};
use envoi::queue::{Folder, Limits, Listing, Policy as Patience, Queue};
use envoi::sasl::server::Users;
use envoi::sasl::{Credentials, Secret};
use envoi::sink::{Event, Offer, Policy, Refusal, Settings, Sink, Stored};
use jiff::Timestamp;
use rustix::process::Signal;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// A place whose only account has its server at this port.
pub(crate) fn place(port: u16) -> Place {
    let place = Place::new();
    configure(&place, port, "");
    place.make_directory("state/envoi/queue", Some(0o700));
    place
}

pub(crate) fn configure(place: &Place, port: u16, more: &str) {
    // The disks of test machines may be full.
    let config = format!(
        "[queue]\nkeep-free = '0%'\n[accounts.main]\nfrom = 'me@client.example'\n\
         server = 'smtp+notls://127.0.0.1:{port}'\n{more}"
    );
    place.write("config/envoi/config.toml", &config, Some(0o600));
}

/// A port where nobody listens.
fn dead() -> u16 {
    crate::harness::dead_address().port()
}

fn receiver(policy: Policy) -> Sink {
    Sink::start(Settings { policy, ..Settings::default() }).expect("starting the receiver")
}

pub(crate) fn refusing(rules: &[&str]) -> Sink {
    let refuse = rules.iter().map(|rule| Refusal::parse(rule).expect("a rule")).collect();
    receiver(Policy { refuse, ..Policy::default() })
}

/// Puts a message in the queue whose subject is this number, and the number its
/// name. The higher it is, the later it was kept.
pub(crate) fn keep(place: &Place, number: u64, to: &[&str]) {
    let message = format!(
        "From: me@client.example\r\nSubject: {number}\r\nMessage-ID: <{number}@client.example>\r\n\
         Date: Mon, 23 Nov 2026 04:03:37 +0000\r\n\r\nhi\r\n"
    );
    let all: Vec<String> = to.iter().map(|to| format!("{{\"path\":\"{to}\"}}")).collect();
    let fates = vec!["{\"fate\":\"waiting\"}"; to.len()].join(",");
    let head = format!(
        "{{\"envoi\":1,\"account\":\"main\",\"kept\":\"{}\",\"from\":\"<me@client.example>\",\
         \"to\":[{}],\"state\":{{\"tries\":0,\"to\":[{fates}]}},\"size\":{}}}\n",
        Timestamp::now() - Duration::from_secs(60) + Duration::from_millis(number),
        all.join(","),
        message.len()
    );
    let path = format!("state/envoi/queue/{number:016x}");
    place.write(&path, &(head + &message), Some(0o600));
}

/// What is in the queue, read without the program.
pub(crate) fn listing(place: &Place) -> Listing {
    let path = place.directory().join("state/envoi/queue");
    let folder = Folder::open(&path).expect("the queue");
    let queue = Queue::new(folder, &path, Patience::default(), Limits::default());
    queue.list().expect("reading the queue")
}

/// The number in the subject of a message.
pub(crate) fn number(message: &Stored) -> u64 {
    let text = text(message);
    let subject = text.lines().find_map(|line| line.strip_prefix("Subject: "));
    subject.and_then(|subject| subject.parse().ok()).expect("a number for a subject")
}

fn numbers(messages: &[Stored]) -> Vec<u64> {
    let mut numbers: Vec<u64> = messages.iter().map(number).collect();
    numbers.sort_unstable();
    numbers
}

fn text(message: &Stored) -> String {
    String::from_utf8_lossy(octets(message)).into_owned()
}

fn octets(message: &Stored) -> &[u8] {
    message.octets.as_deref().expect("kept in memory")
}

fn recipients(message: &Stored) -> Vec<String> {
    message.to.iter().map(|to| to.path.to_string()).collect()
}

#[track_caller]
fn only(sink: &Sink) -> Stored {
    let mut messages = taken(sink).messages;
    assert_eq!(messages.len(), 1, "{messages:#?}");
    messages.pop().expect("it is there")
}

fn run(place: &Place, words: &str) -> Run {
    place.run(words.split(' '), None)
}

#[track_caller]
fn fine(run: &Run) {
    assert_eq!(run.status, 0, "{run}");
}

// What arrives -----------------------------------------------------------------

const DATE: &str = "Date: Mon, 23 Nov 2026 04:03:37 +0000";
const ID: &str = "Message-ID: <1@client.example>";

const MESSAGES: [&[&str]; 5] = [
    &["-H", DATE, "-H", ID, "-b", "hidden@x.example", "--body", ".\n..\n.x\n\nno line end"],
    &["-H", DATE, "-H", ID, "-s", "Grüße", "--body", "Schöne Grüße\n"],
    &["--message", "eight.eml"],
    &["--message", "latin1.eml"],
    &["--message", "dots.eml"],
];

fn write_messages(place: &Place) {
    let header = format!("From: me@client.example\r\n{DATE}\n{ID}\nSubject: x\n");
    place.write("dots.eml", &format!("{header}Bcc: hidden@x.example\n\n.\n..\r\n.x\n\n."), None);
    place.write("eight.eml", &format!("{header}\nGrüße\r\n.Grüße\n"), None);
    let latin1 = [header.as_bytes(), b"\n\xfc\xe9\r\n\xff\r\n"].concat();
    fs::write(place.directory().join("latin1.eml"), latin1).expect("writing a file");
}

#[test]
fn what_was_kept_arrives_once_as_if_it_had_been_sent_at_once() {
    // P1, P2
    for (words, offer) in
        MESSAGES.iter().flat_map(|it| [(it, Offer::default()), (it, Offer::nothing())])
    {
        let sink = receiver(Policy { offer, ..Policy::default() });
        let place = place(dead());
        write_messages(&place);
        let send = |more: &str| {
            place.run([&["send", "-q", more][..], words, &["a@x.example"]].concat(), None)
        };
        let kept = send("--queue");
        fine(&kept);
        assert!(kept.stderr.starts_with("warning: nothing tries"), "{kept}");
        configure(&place, sink.address().port(), "");
        check(&run(&place, "queue run --all -q"), 0, "", "");
        check(&run(&place, "queue run --all -q"), 0, "", "");
        let later = only(&sink);
        assert_eq!(place.queued().len(), 0);
        fine(&send("--no-queue"));
        let at_once = only(&sink);
        assert_eq!(text(&later), text(&at_once), "{words:?}");
        assert_eq!(octets(&later), octets(&at_once), "{words:?}");
        assert_eq!(recipients(&later), recipients(&at_once));
        assert!(!text(&later).contains("hidden"), "{}", text(&later));
    }
}

#[test]
fn a_signature_is_for_the_octets_that_arrive_later() {
    for offer in [Offer::default(), Offer::nothing()] {
        let sink = receiver(Policy { offer, ..Policy::default() });
        let place = place(sink.address().port());
        let key = include_str!("../keys/rsa.pem");
        place.write("key.pem", key, Some(0o600));
        let dkim = "dkim = { domain = 'client.example', selector = 's', key = '~/key.pem' }\n";
        configure(&place, sink.address().port(), dkim);
        let body = "Schöne Grüße\n.\n";
        fine(&place.run(["send", "-q", "--queue-only", "--body", body, "a@x.example"], None));
        let [id] = &place.queued()[..] else { panic!("not one message") };
        let path = place.directory().join("state/envoi/queue").join(id);
        let entry = fs::read(path).expect("reading the entry");
        let end = entry.iter().position(|octet| *octet == b'\n').expect("a first line");
        let signed = String::from_utf8_lossy(&entry[end + 1..]).into_owned();
        assert!(signed.starts_with("DKIM-Signature: "), "{signed}");
        check(&run(&place, "queue run -q"), 0, "", "");
        assert_eq!(text(&only(&sink)), signed);
    }
}

// What fails -------------------------------------------------------------------

#[test]
fn who_sent_what_is_refused_gets_a_report() {
    // P1
    let sink = refusing(&["gone@x.example=550 5.1.1 Nobody here"]);
    let place = place(sink.address().port());
    fine(&run(&place, "send -q --queue-only --body hi -s 1 gone@x.example a@x.example"));
    check(&run(&place, "queue run -q"), 0, "", "");
    check(&run(&place, "queue run -q"), 0, "", "");
    let messages = taken(&sink).messages;
    let [message, report] = &messages[..] else { panic!("not two: {messages:#?}") };
    assert_eq!(recipients(message), ["a@x.example"]);
    assert_eq!(report.from.to_string(), "<>");
    assert_eq!(recipients(report), ["me@client.example"]);
    let text = text(report);
    for part in [
        "\r\nAuto-Submitted: auto-replied\r\n",
        "Content-Type: multipart/report;",
        "report-type=delivery-status",
        "\r\nTo: me@client.example\r\n",
        "\r\nContent-Type: message/delivery-status\r\n",
        "\r\nFinal-Recipient: rfc822;gone@x.example\r\n",
        "\r\nAction: failed\r\n",
        "\r\nStatus: 5.1.1\r\n",
        "550 5.1.1 Nobody here",
        "\r\nSubject: 1\r\n",
    ] {
        let folded = text.replace("rfc822; ", "rfc822;");
        assert!(folded.contains(part), "no {part:?} in\n{text}");
    }
    assert!(!text.contains("a@x.example\r\nAction"), "{text}");
    // What failed stays until somebody removes it, and is not reported again.
    assert_eq!(place.queued().len(), 1);
    check(&run(&place, "queue run --all"), 0, "nothing was due\n", "");
    fine(&run(&place, "queue remove --failed"));
    assert_eq!(place.queued().len(), 0);
}

#[test]
fn nobody_is_told_who_does_not_want_to_be() {
    // Q-6, 3461-4.1
    let sink = refusing(&["gone@x.example=550 5.1.1 Nobody here"]);
    let place = place(sink.address().port());
    fine(&run(&place, "send -q --queue-only --dsn never --body hi gone@x.example"));
    let message = Some("From: me@client.example\n\nhi\n");
    fine(&place.run(["sendmail", "-odq", "-f", "<>", "gone@x.example"], message));
    check(&run(&place, "queue run -q"), 0, "", "");
    check(&run(&place, "queue run -q --all"), 0, "", "");
    assert_eq!(taken(&sink).messages.len(), 0);
    assert_eq!(place.queued().len(), 2);
}

#[test]
fn a_report_that_no_server_takes_stays_on_this_machine() {
    //
    let sink = refusing(&["*@x.example=550 5.1.1 No", "me@client.example=550 5.1.1 Nor you"]);
    let place = place(sink.address().port());
    fine(&run(&place, "send -q --queue-only --body hi -s 1 gone@x.example"));
    for _ in 0..3 {
        check(&run(&place, "queue run -q --all"), 0, "", "");
    }
    assert_eq!(place.queued().len(), 1, "only the message that failed is left");
    let reports: Vec<PathBuf> = files(&place.directory().join("state/envoi/reports/new"));
    let [report] = &reports[..] else { panic!("not one report: {reports:?}") };
    let report = fs::read_to_string(report).expect("reading the report");
    assert!(report.contains("550 5.1.1 No\n") && report.contains("\nSubject: 1\n"), "{report}");
    let log = run(&place, "queue log").stdout;
    assert!(log.contains("reports/new/"), "{log}");
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

#[test]
fn a_refused_sign_in_fails_no_message_and_is_tried_once_a_run() {
    //
    let (sink, place) = with_a_wrong_password();
    (1..=20).for_each(|number| keep(&place, number, &["a@x.example"]));
    let run_due = run(&place, "queue run");
    fine(&run_due);
    let summary = "tried 1 message: 0 sent, 1 wait, 0 failed; put off 19 messages\n";
    assert!(run_due.stdout.ends_with(summary), "{run_due}");
    assert_eq!(sign_ins(&sink), 1, "{run_due}");
    assert!(
        run_due.stdout.contains("deferred   a@x.example  the sign-in was refused"),
        "{run_due}"
    );
    // Even what comes in now rests with the account.
    keep(&place, 21, &["a@x.example"]);
    fine(&run(&place, "queue run"));
    assert_eq!(sign_ins(&sink), 0);
    let list = run(&place, "queue").stdout;
    assert!(list.contains("\nthe account main does not work since "), "{list}");
    assert_eq!(place.queued().len(), 21, "{list}");
    place.write("pass", "right\n", Some(0o600));
    fine(&run(&place, "queue run --all -q"));
    assert_eq!(numbers(&taken(&sink).messages), (1..=21).collect::<Vec<_>>());
    check(&run(&place, "queue"), 0, "Mail queue is empty\n", "");
}

/// A server that wants Alice to sign in, and a place with a wrong password.
fn with_a_wrong_password() -> (Sink, Place) {
    let alice = Credentials { user: "alice".to_owned(), password: Secret::new("right") };
    let sink = receiver(Policy {
        users: Users::Only(vec![alice]),
        require_auth: true,
        cleartext_auth: true,
        ..Policy::default()
    });
    let place = place(sink.address().port());
    let account = "user = 'alice'\nallow-cleartext-auth = true\npassword = { file = '~/pass' }\n";
    configure(&place, sink.address().port(), account);
    place.write("pass", "wrong\n", Some(0o600));
    (sink, place)
}

/// How often somebody was refused to sign in.
fn sign_ins(sink: &Sink) -> usize {
    let is_refused =
        |event: &Event| matches!(event, Event::Refused { reply, .. } if reply.code.value() == 535);
    Inbox::of(sink).events().filter(is_refused).count()
}

// Runs -------------------------------------------------------------------------

#[test]
fn who_stays_sends_what_is_kept_meanwhile() {
    let sink = sink();
    let place = place(sink.address().port());
    let mut watch = place.envoi(["queue", "run", "--watch", "-q"]);
    let watch = Started(watch.spawn().expect("starting envoi"));
    let stamp = place.directory().join("state/envoi/queue/last-run");
    wait_until("the first round", || stamp.exists().then_some(()));
    let message = Some("From: me@client.example\nSubject: 1\n\nhi\n");
    // Somebody runs the queue, so there is nothing to warn of.
    check(&place.run(["sendmail", "-odq", "a@x.example"], message), 0, "", "");
    let stored = sink.next_stored(GENEROUS).expect("it was sent");
    assert_eq!(number(&stored), 1);
    watch.signal(Signal::TERM);
    check(&watch.finish(), 128 + 15, "", "");
    assert_eq!(place.queued().len(), 0);
}

#[test]
fn who_stays_sees_what_is_changed_in_the_configuration() {
    let sink = sink();
    let place = place(sink.address().port());
    let config = "config/envoi/config.toml";
    let right = fs::read_to_string(place.directory().join(config)).expect("the configuration");
    keep(&place, 1, &["a@x.example"]);
    place.write(config, &right.replace("[accounts.main]", "[accounts.other]"), None);
    let mut watch = place.envoi(["queue", "run", "--watch"]);
    let watch = Started(watch.spawn().expect("starting envoi"));
    let stamp = place.directory().join("state/envoi/queue/last-run");
    wait_until("the first round", || stamp.exists().then_some(()));
    place.write(config, &right, None);
    assert_eq!(number(&sink.next_stored(GENEROUS).expect("it was sent")), 1);
    watch.signal(Signal::TERM);
    let watched = watch.finish();
    let put_off = "no account ‘main’ is configured for who runs the queue\n";
    assert!(watched.stdout.contains(put_off), "{watched}");
}

#[test]
fn eight_runs_at_once_send_each_message_once() {
    //
    let sink = sink();
    let place = place(sink.address().port());
    (1..=200).for_each(|number| keep(&place, number, &["a@x.example"]));
    let runs: Vec<Started> = (0..8)
        .map(|_| Started(place.envoi(["queue", "run", "-q"]).spawn().expect("starting envoi")))
        .collect();
    for run in runs {
        check(&run.finish(), 0, "", "");
    }
    assert_eq!(numbers(&taken(&sink).messages), (1..=200).collect::<Vec<_>>());
    assert_eq!(place.queued().len(), 0);
}

#[test]
fn a_run_that_is_asked_to_stop_loses_nothing_and_sends_nothing_twice() {
    // SEC-17
    for (signal, status) in [(Signal::TERM, 128 + 15), (Signal::INT, 128 + 2)] {
        let sink = sink();
        let place = place(sink.address().port());
        (1..=300).for_each(|number| keep(&place, number, &["a@x.example"]));
        let run_all = Started(place.envoi(["queue", "run", "-q"]).spawn().expect("starting envoi"));
        let mut inbox = Inbox::of(&sink);
        let mut arrived: Vec<Stored> =
            (0..20).map(|_| inbox.next_within(GENEROUS).expect("a message")).collect();
        run_all.signal(signal);
        check(&run_all.finish(), status, "", "");
        let left: BTreeSet<u64> =
            listing(&place).entries.iter().map(|it| id_number(&it.id)).collect();
        arrived.extend(inbox.rest());
        assert!(!left.is_empty(), "it was over before it was asked to stop");
        let mut all = numbers(&arrived);
        all.extend(&left);
        all.sort_unstable();
        assert_eq!(all, (1..=300).collect::<Vec<_>>(), "sent and left");
        check(&run(&place, "queue run -q"), 0, "", "");
        assert_eq!(numbers(&inbox.rest()), left.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn while_a_message_is_being_tried_nobody_else_has_it_and_ctrl_c_leaves_it_untried() {
    // Q-5, SEC-17
    let sink = slow(3, GENEROUS);
    let place = place(sink.address().port());
    keep(&place, 0xab, &["a@x.example"]);
    let trying = Started(place.envoi(["queue", "run"]).spawn().expect("starting envoi"));
    come_to_the_rule(&sink);
    let had = "envoi: the message 00000000000000ab cannot be had: it is being tried right now\n";
    for words in ["queue remove 00", "queue hold 00", "queue release 00", "queue remove --all"] {
        check(&run(&place, words), 75, "", had);
    }
    let busy = "envoi: the message 00000000000000ab is being tried right now\n";
    check(&run(&place, "queue run 00 -q"), 75, "", busy);
    check(&run(&place, "queue run --all"), 0, "nothing was due\n", "");
    check(&run(&place, "queue"), 0, "00000000000000ab  {…}", "");
    trying.signal(Signal::TERM);
    check(&trying.finish(), 128 + 15, "{…}", "");
    let listing = listing(&place);
    let [entry] = &listing.entries[..] else { panic!("it is lost: {listing:?}") };
    assert_eq!((entry.state.tries, entry.state.waiting()), (0, vec![0]));
}

/// What comes to a receiver, while clients come and go.
pub(crate) struct Inbox<'s> {
    sink: &'s Sink,
    open: usize,
}

impl<'s> Inbox<'s> {
    pub(crate) fn of(sink: &'s Sink) -> Self {
        Inbox { sink, open: 0 }
    }

    /// What happens until every client has left.
    fn events(&mut self) -> impl Iterator<Item = Event> + '_ {
        std::iter::from_fn(|| {
            let events = self.sink.events();
            let event = match self.open {
                0 => events.try_recv().ok(),
                _ => Some(events.recv_timeout(GENEROUS).expect("a client stays")),
            };
            self.count(event.as_ref());
            event
        })
    }

    fn count(&mut self, event: Option<&Event>) {
        match event {
            Some(Event::Connected { .. }) => self.open += 1,
            Some(Event::Closed { .. }) => self.open -= 1,
            Some(_) | None => {}
        }
    }

    /// Waits for a message so long, if somebody is to bring one.
    pub(crate) fn next_within(&mut self, patience: Duration) -> Option<Stored> {
        loop {
            let event = self.sink.events().recv_timeout(patience).ok()?;
            self.count(Some(&event));
            if let Event::Stored(stored) = event {
                return Some(*stored);
            }
        }
    }

    /// The messages that come until every client has left.
    pub(crate) fn rest(&mut self) -> Vec<Stored> {
        let stored = |event| match event {
            Event::Stored(stored) => Some(*stored),
            _ => None,
        };
        self.events().filter_map(stored).collect()
    }
}

pub(crate) fn id_number(id: &envoi::queue::Id) -> u64 {
    u64::from_str_radix(id.as_str(), 16).expect("sixteen digits")
}

#[test]
fn who_sends_a_message_tries_a_little_of_what_is_due_where_nothing_else_does() {
    let sink = sink();
    let place = place(sink.address().port());
    (1..=5).for_each(|number| keep(&place, number, &["a@x.example"]));
    check(&run(&place, "send -q --body hi -s 100 b@x.example"), 0, "", "");
    assert_eq!(numbers(&taken(&sink).messages), [1, 2, 3, 100]);
    let message = Some("From: me@client.example\nSubject: 101\n\nhi\n");
    check(&place.run(["sendmail", "b@x.example"], message), 0, "", "");
    assert_eq!(numbers(&taken(&sink).messages), [4, 5, 101]);
    // Where something runs the queue, that does it.
    check(&run(&place, "queue run -q"), 0, "", "");
    keep(&place, 6, &["a@x.example"]);
    check(&run(&place, "send -q --body hi -s 102 b@x.example"), 0, "", "");
    assert_eq!(numbers(&taken(&sink).messages), [102]);
    assert_eq!(place.queued().len(), 1);
}

#[test]
fn who_sends_a_message_does_not_repeat_a_sign_in_that_was_refused() {
    // several may lock the account.
    let (sink, place) = with_a_wrong_password();
    (1..=5).for_each(|number| keep(&place, number, &["a@x.example"]));
    let config = "config/envoi/config.toml";
    let port = sink.address().port();
    let main = fs::read_to_string(place.directory().join(config)).expect("the configuration");
    let other = format!("[accounts.other]\nserver = 'smtp+notls://127.0.0.1:{port}'\n");
    place.write(config, &(main + &other), Some(0o600));
    let words = "send -A other -f me@client.example --body hi b@x.example";
    for expected in [1, 0] {
        let sent = run(&place, words);
        assert_eq!(sign_ins(&sink), expected, "{sent}");
    }
    assert_eq!(place.queued().len(), 5);
}

#[test]
fn who_only_keeps_a_message_asks_no_server() {
    let sink = sink();
    let place = place(sink.address().port());
    keep(&place, 1, &["a@x.example"]);
    fine(&run(&place, "send -q --queue-only --body hi b@x.example"));
    let message = Some("From: me@client.example\nSubject: 3\n\nhi\n");
    fine(&place.run(["sendmail", "-odq", "b@x.example"], message));
    assert_eq!(taken(&sink).connections, 0);
    assert_eq!(place.queued().len(), 3);
}

#[test]
fn a_message_that_finds_no_room_leaves_nothing_behind() {
    let place = place(dead());
    place.write("large", &"x".repeat(300_000), None);
    let words = ["send", "--queue-only", "--body", "hi", "-a", "large", "a@x.example"];
    let words: Vec<OsString> = words.iter().map(OsString::from).collect();
    // Blocks of 512 octets.
    let run = finished(shell(&place, "ulimit -f 100; exec \"$@\"", &words));
    let sentence = "envoi: the queue in {*} cannot be written: File too large\nhint: {*}\n";
    check(&run, 75, "", sentence);
    assert_eq!(files(&place.directory().join("state/envoi/queue")), Vec::<PathBuf>::new());
}

// Directories that are no queue -------------------------------------------------

#[test]
#[ignore = "only root can give files away"]
fn the_queue_of_somebody_else_is_left_alone() {
    // SEC-10
    let place = place(dead());
    let queue = place.directory().join("state/envoi/queue");
    std::os::unix::fs::chown(&queue, Some(65534), None).expect("giving it away");
    let sentence = format!(
        "envoi: the directory {} belongs to the user with the number 65534\n\
         hint: name another one: directory = \"…\" in [queue]\n",
        queue.display()
    );
    for (words, status) in
        [("send --queue-only --body hi a@x.example", 75), ("queue", 77), ("queue run", 77)]
    {
        check(&run(&place, words), status, "", &sentence);
    }
}

#[test]
#[ignore = "only root can mount"]
fn a_queue_that_cannot_be_written_is_read_all_the_same() {
    let place = place(dead());
    keep(&place, 1, &["a@x.example"]);
    let queue = place.directory().join("state/envoi/queue");
    let queue = queue.display();
    let read_only = |words: &str| {
        let script = format!(
            "mount --bind {queue} {queue} && mount -o remount,ro,bind {queue} && exec \"$@\""
        );
        let words: Vec<OsString> = words.split(' ').map(OsString::from).collect();
        let plain = shell(&place, &script, &words);
        let mut command = Command::new("unshare");
        command.arg("--mount").arg(plain.get_program()).args(plain.get_args());
        command.env_clear();
        command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.current_dir(place.directory()).stdout(Stdio::piped()).stderr(Stdio::piped());
        finished(command)
    };
    let hint = format!("hint: see how it is mounted: findmnt -T {queue}\n");
    let kept =
        format!("envoi: the queue in {queue} cannot be written: Read-only file system\n{hint}");
    check(&read_only("send --queue-only --body hi a@x.example"), 75, "", &kept);
    let left = format!(
        "warning: the message was not kept: the queue in {queue} cannot be written: \
         Read-only file system (see how it is mounted: findmnt -T {queue})\n\
         envoi: {{*}}refused\n{{…}}"
    );
    check(&read_only("send -q --queue --body hi a@x.example"), 75, "", &left);
    let runs = format!(
        "warning: cannot write to the queue in {queue}: Read-only file system\n{hint}{{…}}"
    );
    check(&read_only("queue run"), 74, "{…}", &runs);
    check(&read_only("queue"), 0, "0000000000000001  {…}", "");
}
