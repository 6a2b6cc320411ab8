//! What went out, held against what a dry run shows and what `--save-sent`
//! keeps.

use crate::harness::Scripted;
use crate::running::{Place, finished};
use crate::server::taken;
use crate::{LAST, check, play_up_to, ruled, shell, sink, to};
use envoi::sink::{Fault, Offer, Policy, Refusal, Rule, Settings, Sink};
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

const DATE: &str = "Date: Mon, 23 Nov 2026 04:03:37 +0000";
const ID: &str = "Message-ID: <1@client.example>";

/// What is typed for messages that try the ways in which octets are made, the
/// same at each run but for boundaries.
const MESSAGES: [&[&str]; 6] = [
    &["-H", DATE, "-H", ID, "--body", ".\n..\n.x\n\nno line end"],
    &["-H", DATE, "-H", ID, "-s", "Grüße", "--body", "Schöne Grüße\n"],
    &["-H", DATE, "-H", ID, "--body", "", "-a", "dots.txt", "-a", "eight.eml;type=message/rfc822"],
    &["--message", "eight.eml"],
    &["--message", "latin1.eml"],
    &["--message", "dots.eml"],
];

/// A directory with the files of [`MESSAGES`].
fn place() -> Place {
    let place = Place::new();
    let header = format!("From: me@client.example\r\n{DATE}\n{ID}\nSubject: x\n");
    place.write("dots.txt", ".\n.\r\n..", None);
    place.write("dots.eml", &format!("{header}\n.\n..\r\n.x\n\n."), None);
    place.write("eight.eml", &format!("{header}\nGrüße\r\n.Grüße\nohne Zeilenende"), None);
    let latin1 = [header.as_bytes(), b"\n\xfc\xe9\r\n\xff"].concat();
    fs::write(place.directory().join("latin1.eml"), latin1).expect("writing a file");
    place
}

/// Each octet as a character, boundaries as zeros.
fn comparable(octets: &[u8]) -> String {
    let mut text: String = octets.iter().map(|&octet| char::from(octet)).collect();
    while let Some(at) = text.find("=\"=_") {
        let boundary = text[at + 2..at + 36].to_owned();
        text = text.replace(&boundary, &"0".repeat(34));
    }
    text
}

/// The one message that the receiver took, if it took one.
fn arrived(sink: &Sink) -> Option<String> {
    let mut messages = taken(sink).messages;
    assert!(messages.len() <= 1, "{messages:#?}");
    messages.pop().map(|message| comparable(&message.octets.expect("kept in memory")))
}

/// The files of a Maildir, and those that are in `tmp` still.
fn files(maildir: &Path) -> (Vec<PathBuf>, usize) {
    let list = |folder: &str| -> Vec<PathBuf> {
        fs::read_dir(maildir.join(folder))
            .expect("reading a folder")
            .map(|entry| entry.expect("an entry").path())
            .collect()
    };
    ([list("new"), list("cur")].concat(), list("tmp").len())
}

#[track_caller]
fn only_file(maildir: &Path) -> PathBuf {
    let (mut files, unfinished) = files(maildir);
    assert_eq!((files.len(), unfinished), (1, 0), "{files:?}");
    files.pop().expect("one file")
}

#[test]
fn a_dry_run_shows_what_goes_out_octet_by_octet() {
    for (option, offer) in [("-n", Offer::default()), ("--dry-run=7bit", Offer::nothing())] {
        let mut sent = 0;
        for message in MESSAGES {
            let place = place();
            let policy = Policy { offer: offer.clone(), ..Policy::default() };
            let sink = Sink::start(Settings { policy, ..Settings::default() }).expect("a receiver");
            let mut dry = place.envoi(to(sink.address(), message));
            let shown = place.directory().join("shown");
            dry.args([option, "--save-sent", "sent"]);
            dry.stdout(File::create(&shown).expect("making a file"));
            let dry = finished(dry);
            let shown = comparable(&fs::read(shown).expect("what was shown"));
            assert!(!place.directory().join("sent").exists());
            assert!(taken(&sink).connections == 0, "a dry run connects");

            let run = place.run(to(sink.address(), &[message, &["-v"]].concat()), None);
            assert_eq!(dry.status, run.status, "{option} {message:?}\n{dry}\n{run}");
            let commands: String = run
                .stderr
                .lines()
                .filter_map(|line| line.strip_prefix(" -> "))
                .filter(|line| ["MAIL", "RCPT", "DATA"].iter().any(|verb| line.starts_with(verb)))
                .map(|line| format!("{line}\n"))
                .collect();
            let expected = arrived(&sink).map_or_else(String::new, |octets| commands + &octets);
            assert_eq!(shown, expected, "{option} {message:?}");
            sent += usize::from(run.status == 0);
        }
        assert_eq!(sent, MESSAGES.len(), "{option}");
    }
}

#[test]
fn the_copy_is_what_went_out() {
    for (message, offer) in
        MESSAGES.iter().flat_map(|it| [(it, Offer::default()), (it, Offer::nothing())])
    {
        let place = place();
        let policy = Policy { offer, ..Policy::default() };
        let sink = Sink::start(Settings { policy, ..Settings::default() }).expect("a receiver");
        let words = to(sink.address(), &[message, &["--save-sent", "deep/sent"][..]].concat());
        let run = place.run(words, None);
        let path = only_file(&place.directory().join("deep/sent"));
        check(&run, 0, "accepted {…}\nsent {…}\nsaved in {*}\n", "");
        let named = run.stdout.rsplit("saved in ").next().expect("the last line").trim_end();
        assert_eq!(place.directory().join(named), path);
        assert!(named.starts_with("deep/sent/cur/") && named.ends_with(":2,S"), "{named}");
        let mode = fs::metadata(&path).expect("the copy").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let copy = comparable(&fs::read(path).expect("the copy"));
        assert!(!copy.contains('\r'), "{copy:?}");
        assert_eq!(Some(copy.replace('\n', "\r\n")), arrived(&sink), "{message:?}");
    }
}

#[test]
fn the_copy_names_nobody_who_is_hidden() {
    // P2
    let (place, sink) = (Place::new(), sink());
    let words = ["-q", "-b", "hidden@x.example", "--body", "hi", "--save-sent", "sent"];
    check(&place.run(to(sink.address(), &words), None), 0, "", "");
    let copy = fs::read_to_string(only_file(&place.directory().join("sent"))).expect("the copy");
    assert!(!copy.contains("hidden") && !copy.to_lowercase().contains("bcc:"), "{copy}");
}

#[test]
fn copies_of_runs_at_the_same_time_do_not_meet() {
    let (place, sink) = (Place::new(), sink());
    std::thread::scope(|scope| {
        for text in ["one", "two", "three", "four"] {
            let words = to(sink.address(), &["-q", "--body", text, "--save-sent", "sent"]);
            let place = &place;
            scope.spawn(move || check(&place.run(words, None), 0, "", ""));
        }
    });
    let (files, unfinished) = files(&place.directory().join("sent"));
    assert_eq!((files.len(), unfinished), (4, 0), "{files:?}");
    let text = |path: &PathBuf| fs::read_to_string(path).expect("a copy");
    let mut texts: Vec<String> =
        files.iter().map(|path| text(path).lines().last().expect("a line").to_owned()).collect();
    texts.sort();
    assert_eq!(texts, ["four", "one", "three", "two"]);
}

#[test]
fn what_nobody_took_is_not_kept_and_what_somebody_may_have_is() {
    let refuse = vec![Refusal::parse("b@x.example=550 5.1.1 no").expect("a rule")];
    let policy = Policy { refuse, ..Policy::default() };
    let sink = Sink::start(Settings { policy, ..Settings::default() }).expect("a receiver");
    let url = format!("smtp+notls://{}", sink.address());
    let words = ["send", "-q", "--server", &url, "-f", "me@client.example", "--body", "hi"];
    let saving = ["--save-sent", "sent", "b@x.example"];
    for (more, status, kept) in [(&[][..], 67, 0), (&["a@x.example"], 1, 1)] {
        let place = Place::new();
        let run = place.run(words.iter().chain(&saving).chain(more), None);
        assert_eq!(run.status, status, "{run}");
        let (files, unfinished) = files(&place.directory().join("sent"));
        assert_eq!((files.len(), unfinished), (kept, 0), "{files:?}");
    }
    let sink = ruled(LAST, |rule| Rule { fault: Some(Fault::Close), ..rule });
    let place = Place::new();
    let words = to(sink.address(), &["-q", "--body", "hi", "--save-sent", "sent"]);
    assert_eq!(place.run(words, None).status, 75);
    only_file(&place.directory().join("sent"));
}

/// Runs against a server that does this when it has the message, and then
/// takes it. The status is that of the server's answer, and no copy is left.
#[track_caller]
fn without_a_copy(words: &[&str], at_the_end: fn(&Path), why: &str) {
    for json in [&["--json"][..], &["-q"]] {
        let place = Place::new();
        place.write("large", &"x".repeat(300_000), None);
        let directory = place.directory().to_owned();
        let server = Scripted::once(move |peer| {
            play_up_to(peer, LAST);
            at_the_end(&directory);
            peer.say("250 ok\r\n");
            drop(peer.rest());
        });
        let saving = ["--body", "hi", "--save-sent", "sent"];
        let words = to(server.address, &[json, words, &saving].concat());
        // Blocks of 512 octets.
        let run = finished(shell(&place, "ulimit -f 100; exec \"$@\"", &words));
        server.finish();
        let warning = format!("no copy of the message was saved in sent: {why}");
        assert_eq!(run.status, 0, "{run}");
        assert_eq!(run.stderr, format!("warning: {warning}\n"), "{run}");
        if json == ["--json"] {
            let report: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
            assert_eq!(report["warnings"], serde_json::json!([warning]));
            assert_eq!(report["exit"], 0);
        }
        let sent = place.directory().join("sent");
        fs::create_dir_all(sent.join("cur")).expect("making a folder");
        let (files, unfinished) = files(&sent);
        assert_eq!((files.len(), unfinished), (0, 0), "{files:?}");
    }
}

#[test]
fn a_copy_that_cannot_be_written_changes_nothing() {
    // EX-6
    without_a_copy(&["-a", "large"], |_| (), "File too large");
    let remove = |place: &Path| fs::remove_dir(place.join("sent/cur")).expect("removing a folder");
    without_a_copy(&[], remove, "No such file or directory");
}

#[test]
fn a_copy_of_a_file_that_changed_is_not_left_half_written() {
    // EX-6
    let shorten = |place: &Path| drop(File::create(place.join("large")).expect("emptying a file"));
    without_a_copy(&["-a", "large"], shorten, "‘large’ changed while it was being read");
}
