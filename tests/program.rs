//! The program as its users meet it: what is typed, what it prints, its status,
//! and what arrived. Most of it is told by the files under `tests/program/`;
//! what needs a hand on the program while it runs is told here.
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "servers that misbehave, a watch, and the scenario asked for"
)]

#[path = "program/adding.rs"]
mod adding;
#[path = "program/certificates.rs"]
mod certificates;
#[path = "program/commands.rs"]
mod commands;
#[path = "program/copies.rs"]
mod copies;
#[path = "program/crowd.rs"]
mod crowd;
#[path = "program/handed_in.rs"]
mod handed_in;
mod harness;
#[path = "program/home.rs"]
mod home;
#[path = "program/kills.rs"]
mod kills;
#[path = "program/large.rs"]
mod large;
#[path = "program/logs.rs"]
mod logs;
#[path = "program/memory.rs"]
mod memory;
#[path = "program/passwords.rs"]
mod passwords;
#[path = "program/queue.rs"]
mod queue;
#[path = "program/running.rs"]
mod running;
#[path = "program/scenario.rs"]
mod scenario;
#[path = "program/server.rs"]
mod server;
#[path = "program/shown.rs"]
mod shown;
#[path = "program/system_mail.rs"]
mod system_mail;
#[path = "program/terminal.rs"]
mod terminal;

use envoi::sink::{Event, Fault, Policy, Rule, Settings, Sink, Stage};
use envoi::smtp::Reply;
use harness::{Peer, Scripted};
use running::{GENEROUS, Place, Run, Started, finished, full};
use scenario::Scenario;
use server::taken;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Duration;

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

/// The words of `envoi send` to this server in clear, with these at the end.
fn to(server: SocketAddr, words: &[&str]) -> Vec<OsString> {
    let url = format!("smtp+notls://{server}");
    let always = ["send", "--server", &url, "-f", "me@client.example", "a@x.example"];
    always.iter().chain(words).map(OsString::from).collect()
}

fn sink() -> Sink {
    Sink::start(Settings::default()).expect("starting the receiver")
}

/// The content of the only message that the receiver took, line ends as LF.
#[track_caller]
fn only_message(sink: &Sink) -> String {
    let messages = taken(sink).messages;
    let [message] = &messages[..] else { panic!("not one message: {messages:#?}") };
    let octets = message.octets.as_deref().expect("kept in memory");
    String::from_utf8_lossy(octets).replace("\r\n", "\n")
}

// Called by another name -------------------------------------------------------

#[test]
fn a_link_of_the_name_is_sendmail() {
    // CLI-1
    let server = sink();
    let place = Place::new();
    let config = format!(
        "[rewrite]\ndomain = 'box.example.org'\naliases = '/dev/null'\n\
         [accounts.a]\nserver = 'smtp+notls://{}'\n",
        server.address()
    );
    place.write("config/envoi/config.toml", &config, None);
    let call = |name: &str, words: &[&str]| {
        let link = place.directory().join(name);
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_envoi"), &link).expect("a link");
        let envoi = place.envoi([""; 0]);
        let variables = envoi.get_envs().filter_map(|(name, value)| Some((name, value?)));
        let mut called = Command::new(link);
        called.args(words).env_clear().envs(variables);
        called.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        called
    };
    check(&finished(call("newaliases", &[])), 0, "", "");
    let mailq = finished(call("mailq", &[]));
    check(&mailq, 0, "Mail queue is empty\n", "");
    let mut sendmail = call("sendmail", &["-t", "-f", "me@client.example"]);
    let mut run = Started(sendmail.spawn().expect("starting sendmail"));
    let mut stdin = run.0.stdin.take().expect("its standard input");
    // A pipe, and a dot that ends nothing (CLI-2).
    stdin.write_all(b"To: dave\n\none\n.\ntwo").expect("writing the message");
    drop(stdin);
    check(&run.finish(), 0, "", "");
    let message = only_message(&server);
    assert!(message.starts_with("To: dave@box.example.org\n"), "{message}");
    assert!(message.ends_with("\n\none\n.\ntwo\n"), "{message}");
}

const REPORT: &str = "\
accepted  a@x.example  250 2.1.5 Ok
sent to 1 recipient through 127.0.0.1 (in clear)
";

// Servers that misbehave -------------------------------------------------------

/// The waits of a session in clear, and what the server says and hears until
/// it comes to each.
const WAITS: [(&str, &[&str]); 6] = [
    ("the server's greeting", &[]),
    ("the reply to our greeting", &["S220 ready", "CEHLO"]),
    ("the reply to MAIL", &["S250 hello", "CMAIL"]),
    ("the reply to RCPT", &["S250 ok", "CRCPT"]),
    ("the reply to DATA", &["S250 ok", "CDATA"]),
    ("the reply to the end of the message", &["S354 go", "."]),
];

/// Plays the part of the server up to the wait with this number.
fn play_up_to(peer: &mut Peer, wait: usize) {
    for step in WAITS[..=wait].iter().flat_map(|(_, steps)| *steps) {
        match step.split_at(1) {
            ("S", line) => peer.say(format!("{line}\r\n")),
            ("C", start) => drop(peer.expect(start)),
            _ => drop(peer.content()),
        }
    }
}

/// Runs against a server that does this when it comes to the wait.
fn run_against(wait: usize, then: impl FnOnce(&mut Peer) + Send + 'static) -> Run {
    let server = Scripted::once(move |peer| {
        play_up_to(peer, wait);
        then(peer);
    });
    let words = to(server.address, &["-q", "--timeout", "1", "--body", "hi"]);
    let run = Place::new().run(words, None);
    server.finish();
    run
}

const LAST: usize = WAITS.len() - 1;

/// What stderr begins with when a session ends in this way.
fn sentence(wait: usize, why: &str) -> String {
    if wait == LAST {
        format!(
            "envoi: it is not known whether {{*}} took the message for a@x.example: {why}; {{…}}"
        )
    } else {
        format!("envoi: nothing was sent to a@x.example through {{*}}: {why}\n{{…}}")
    }
}

#[track_caller]
fn check(run: &Run, status: i32, stdout: &str, stderr: &str) {
    assert_eq!(run.status, status, "{run}");
    for (what, expected, got) in [("stdout", stdout, &run.stdout), ("stderr", stderr, &run.stderr)]
    {
        if let Err(difference) = scenario::agree(what, expected, got) {
            panic!("{difference}\n{run}");
        }
    }
}

/// The stage of the receiver at each wait.
const STAGES: [Stage; WAITS.len()] =
    [Stage::Greeting, Stage::Ehlo, Stage::Mail, Stage::Rcpt, Stage::Data, Stage::Message];

/// A receiver that has a rule at the wait, which is made of one that does nothing.
fn ruled(wait: usize, rule: impl FnOnce(Rule) -> Rule) -> Sink {
    let rules = vec![rule(Rule::at(STAGES[wait]))];
    let policy = Policy { rules, ..Policy::default() };
    Sink::start(Settings { policy, ..Settings::default() }).expect("a receiver")
}

/// Runs against such a receiver.
fn run_ruled(wait: usize, rule: impl FnOnce(Rule) -> Rule) -> Run {
    let sink = ruled(wait, rule);
    let words = to(sink.address(), &["-q", "--timeout", "1", "--body", "hi"]);
    Place::new().run(words, None)
}

fn run_faulty(wait: usize, fault: Fault) -> Run {
    run_ruled(wait, |rule| Rule { fault: Some(fault), ..rule })
}

#[test]
fn a_server_that_is_silent_is_left_at_the_limit_of_each_wait() {
    // 5321-4.5.3.2, 3.1
    for (wait, (name, _)) in WAITS.iter().enumerate() {
        let run = run_ruled(wait, |rule| Rule { delay: Some(GENEROUS), ..rule });
        let why = format!("timed out after {{*}} s waiting for {name}");
        check(&run, 75, "", &sentence(wait, &why));
    }
}

#[test]
fn a_server_that_drips_is_left_at_the_limit_all_the_same() {
    let run = run_against(1, |peer| {
        while peer.hears("2") {
            std::thread::sleep(Duration::from_millis(200));
        }
    });
    check(
        &run,
        75,
        "",
        &sentence(1, "timed out after {*} s waiting for the reply to our greeting"),
    );
}

#[test]
fn a_server_that_leaves_defers_the_message() {
    // 5321-3.8r
    for (wait, (name, _)) in WAITS.iter().enumerate() {
        let instead = if wait == 0 { "greeting".to_owned() } else { format!("giving {name}") };
        let why = format!("the server closed the connection instead of {instead}");
        check(&run_faulty(wait, Fault::Close), 75, "", &sentence(wait, &why));
        if wait == 0 {
            // A reset that early may come before the connection stands.
            continue;
        }
        let why = format!("the server closed the connection abruptly instead of {instead}");
        check(&run_faulty(wait, Fault::Reset), 75, "", &sentence(wait, &why));
    }
}

#[test]
fn a_server_that_says_it_closes_defers_the_message() {
    // 5321-3.8: 421 at any moment.
    for wait in 0..=LAST {
        let reply = Reply::new(421, "4.3.2 shutting down").expect("a reply").with_enhanced();
        let run = run_ruled(wait, |rule| Rule { reply: Some(reply), ..rule });
        assert_eq!(run.status, 75, "{run}");
        assert!(run.stderr.contains("421 4.3.2 shutting down\n"), "{run}");
        assert!(run.stderr.contains("hint: this may pass"), "{run}");
    }
}

#[test]
fn what_is_not_smtp_is_said_to_be_none() {
    // 5321-4.2d; after the final dot nothing is known (3.1).
    for wait in 0..=LAST {
        let run = run_faulty(wait, Fault::Garbage);
        let why = "the server sent something that is not SMTP: {*}";
        let status = if wait == LAST { 75 } else { 76 };
        check(&run, status, "", &sentence(wait, why));
    }
}

#[test]
fn a_reply_without_end_is_not_read_to_its_end() {
    // 5321-4.2e
    for wait in 0..=LAST {
        let line = "250 on and on and on";
        let runs = [
            run_faulty(wait, Fault::Endless),
            run_against(wait, move |peer| while peer.hears(line.repeat(1000)) {}),
        ];
        for run in runs {
            let status = if wait == LAST { 75 } else { 76 };
            assert_eq!(run.status, status, "{wait}\n{run}");
            assert!(run.stderr.contains("something that is not SMTP"), "{run}");
        }
    }
}

#[test]
fn wherever_the_server_breaks_off_nothing_is_taken_for_sent() {
    // 3.1: the connection drops at each octet of what the server says.
    let replies = ["220 r\r\n", "250 h\r\n", "250 a\r\n", "250 b\r\n", "354 c\r\n", "250 d"];
    let whole: usize = replies.iter().map(|reply| reply.len()).sum();
    for octets in 0..=whole {
        let server = Scripted::once(move |peer| {
            let mut left = octets;
            for (at, reply) in replies.iter().enumerate() {
                if at == LAST {
                    peer.content();
                } else if at > 0 {
                    peer.line();
                }
                peer.say(&reply[..left.min(reply.len())]);
                if left < reply.len() {
                    return peer.hang_up();
                }
                left -= reply.len();
            }
            peer.hang_up();
        });
        let run = Place::new().run(to(server.address, &["-q", "--body", "hi"]), None);
        server.finish();
        assert_eq!(run.status, 75, "after {octets} octets\n{run}");
    }
}

// Ctrl-C -----------------------------------------------------------------------

/// A receiver that takes this long for the answer at the wait.
fn slow(wait: usize, delay: Duration) -> Sink {
    ruled(wait, |rule| Rule { delay: Some(delay), ..rule })
}

/// Waits until a client has come to where the receiver has a rule.
fn come_to_the_rule(sink: &Sink) {
    let is_rule = |event: Event| matches!(event, Event::Rule { .. });
    while !is_rule(sink.events().recv_timeout(running::GENEROUS).expect("a client")) {}
}

/// Starts a run that comes to the rule of this receiver.
fn started_against(sink: &Sink) -> Started {
    let words = to(sink.address(), &["-q", "--body", "hi"]);
    let envoi = Started(Place::new().envoi(words).spawn().expect("starting envoi"));
    come_to_the_rule(sink);
    envoi
}

#[test]
fn ctrl_c_ends_each_wait_with_130() {
    // SEC-17, EX-4
    for (wait, (name, _)) in WAITS.iter().enumerate().take(LAST) {
        let sink = slow(wait, GENEROUS);
        let envoi = started_against(&sink);
        // Until the client, too, knows that the connection stands.
        std::thread::sleep(Duration::from_millis(300));
        envoi.interrupt();
        let why = format!("interrupted while waiting for {name}");
        check(&envoi.finish(), 130, "", &sentence(wait, &why));
    }
}

#[test]
fn ctrl_c_in_the_middle_of_a_message_leaves_no_message() {
    // 5321-3.3d: the connection ends without the final dot.
    let (tell, told) = channel();
    let server = Scripted::once(move |peer| {
        play_up_to(peer, 3);
        peer.say("250 ok\r\n");
        peer.expect("DATA");
        peer.say("354 go\r\n");
        peer.take(100_000);
        tell.send(()).expect("telling");
        std::thread::sleep(Duration::from_millis(500));
        let rest = peer.rest();
        assert!(!rest.ends_with(b"\r\n.\r\n"), "the message was ended");
    });
    let place = Place::new();
    let large = File::create(place.directory().join("large")).expect("making a file");
    large.set_len(200 << 20).expect("making it large");
    let words = to(server.address, &["-q", "--body", "hi", "-a", "large"]);
    let envoi = Started(place.envoi(words).spawn().expect("starting envoi"));
    told.recv_timeout(running::GENEROUS).expect("being told");
    envoi.interrupt();
    let why = "interrupted while waiting for the server to take the message";
    check(&envoi.finish(), 130, "", &sentence(0, why));
    server.finish();
}

#[test]
fn ctrl_c_ends_a_check_which_says_what_it_has_seen() {
    // SEC-17: the second server, and the other port, are not asked any more.
    let (held_up, other) = (slow(1, GENEROUS), sink());
    let url = |address: SocketAddr| format!("smtp://{address}");
    let (first, second) = (url(held_up.address()), url(other.address()));
    let words = ["check", "-q", "--server", &first, "--server", &second];
    let envoi = Started(Place::new().envoi(words).spawn().expect("starting envoi"));
    come_to_the_rule(&held_up);
    envoi.interrupt();
    let seen = format!(
        "{}, STARTTLS\n\
         \x20 fault    connection        interrupted while waiting for the reply to our greeting\n\
         {:29}why: no message can be sent through a server that does not answer as it should\n\n",
        held_up.address(),
        ""
    );
    check(&envoi.finish(), 130, &seen, "");
    assert_eq!(taken(&other).connections, 0);
}

#[test]
fn after_the_final_dot_ctrl_c_waits_a_moment_for_the_answer() {
    // SEC-17: an answer in time is the truth.
    let sink = slow(LAST, Duration::from_millis(500));
    let envoi = started_against(&sink);
    envoi.interrupt();
    check(&envoi.finish(), 0, "", "");

    // No answer: nobody knows.
    let sink = slow(LAST, GENEROUS);
    let envoi = started_against(&sink);
    envoi.interrupt();
    let run = envoi.finish();
    check(
        &run,
        75,
        "",
        &sentence(LAST, "timed out after {*} s waiting for the reply to the end of the message"),
    );
}

#[test]
fn ctrl_c_while_the_password_is_fetched_ends_with_130() {
    let (tell, told) = channel();
    let server = Scripted::once(move |peer| {
        play_up_to(peer, 1);
        peer.say("250-hello\r\n250 AUTH PLAIN\r\n");
        // The program that is asked for the password starts about now.
        std::thread::sleep(Duration::from_millis(500));
        tell.send(()).expect("telling");
        drop(peer.rest());
    });
    let source = ["--password-from", "command:sleep 30", "--allow-cleartext-auth"];
    let words = to(server.address, &[&["-q", "--user", "a", "--body", "hi"][..], &source].concat());
    let envoi = Started(Place::new().envoi(words).spawn().expect("starting envoi"));
    told.recv_timeout(running::GENEROUS).expect("being told");
    envoi.interrupt();
    check(&envoi.finish(), 130, "", &sentence(1, "interrupted while signing in"));
    server.finish();
}

// Files ------------------------------------------------------------------------

#[test]
fn a_path_may_be_any_octets_and_a_name_may_not() {
    // SEC-5
    let sink = sink();
    let place = Place::new();
    let odd = OsStr::from_bytes(b"odd \xff\n;name.txt");
    fs::write(place.directory().join(odd), "x").expect("writing a file");
    let mut words = to(sink.address(), &["-q", "--body", "hi", "-a"]);
    words.push(odd.to_owned());
    let run = place.run(&words, None);
    let expected = "\
envoi: the file name ‘odd {*}\\x0a;name.txt’ has a control character in it
hint: give it another name: --attach-name NAME
";
    check(&run, 65, "", expected);
    words.extend(["--attach-name".into(), "even.txt".into()]);
    check(&place.run(&words, None), 0, "", "");
    assert!(only_message(&sink).contains("filename=even.txt\n"));
}

#[test]
fn a_file_that_shrinks_while_it_is_sent_is_not_sent() {
    // 5321-3.3d
    let place = Place::new();
    let path = place.directory().join("shrinking");
    fs::write(&path, "x".repeat(1 << 20)).expect("writing a file");
    let server = Scripted::once(move |peer| {
        play_up_to(peer, 3);
        File::create(&path).expect("emptying the file");
        peer.say("250 ok\r\n");
        peer.expect("DATA");
        peer.say("354 go\r\n");
        assert!(!peer.rest().ends_with(b"\r\n.\r\n"), "the message was ended");
    });
    let words = to(server.address, &["-q", "--body", "hi", "-a", "shrinking"]);
    let run = place.run(words, None);
    let expected = "\
envoi: nothing was sent to a@x.example through {*}: the message could not be read: ‘shrinking’ \
changed while it was being read
hint: run the same command again
";
    check(&run, 74, "", expected);
    server.finish();
}

#[test]
fn a_transcript_in_a_file_has_the_message_and_no_password() {
    // SASL-secret
    let sink = sink();
    let mut place = Place::new();
    place.write("ca.pem", sink.ca_pem(), None);
    place.set("P", "correct-horse".to_owned());
    for mechanism in ["plain", "login", "cram-md5"] {
        let url = format!("smtp://alice@localhost:{}", sink.address().port());
        let tls = ["send", "-q", "--server", &url, "--tls-ca", "ca.pem", "--auth", mechanism];
        let rest = ["--password-from", "env:P", "--transcript", "log", "--body", "Hello."];
        let whom = ["-f", "me@client.example", "a@x.example"];
        check(&place.run(tls.iter().chain(&rest).chain(&whom), None), 0, "", "");
        let log = fs::read_to_string(place.directory().join("log")).expect("a transcript");
        let auth = format!(" ~> AUTH {}", mechanism.to_uppercase());
        for part in [
            "=== Trying localhost:",
            &auth,
            " ~> Hello.\n",
            "=== Connection closed with remote host.\n",
        ] {
            assert!(log.contains(part), "{part}\n{log}");
        }
        // As it is, and in base64 alone, after the name, and before a digest.
        for secret in ["correct-horse", "Y29ycmVjdC1ob3JzZQ", "AGNvcnJlY3QtaG9yc2U", "YWxpY2Ug"] {
            assert!(!log.contains(secret), "{secret}\n{log}");
        }
    }
}

#[test]
fn a_subject_of_ten_kilobytes_arrives_whole() {
    let sink = sink();
    let subject = "word ".repeat(2_000) + &"x".repeat(500);
    let run = Place::new().run(to(sink.address(), &["-q", "--body", "hi", "-s", &subject]), None);
    check(&run, 0, "", "");
    let content = only_message(&sink);
    assert!(content.lines().all(|line| line.len() <= 998), "{content}");
    let message = mail_parser::MessageParser::default().parse(content.as_bytes());
    let message = message.expect("a message");
    assert_eq!(message.subject(), Some(subject.as_str()));
}

// Standard input, standard output, the terminal --------------------------------

/// A shell that runs envoi as `"$@"`.
fn shell(place: &Place, script: &str, words: &[OsString]) -> Command {
    let envoi = place.envoi(words);
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script, "sh"]).arg(envoi.get_program()).args(envoi.get_args());
    command.env_clear().envs(envoi.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(place.directory());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn closed_standard_input_is_an_empty_text() {
    let sink = sink();
    let words = to(sink.address(), &[]);
    check(&finished(shell(&Place::new(), "exec \"$@\" <&-", &words)), 0, REPORT, "");
    assert!(only_message(&sink).ends_with("\n\n"));
}

#[test]
fn in_a_loop_the_list_is_not_eaten() {
    let sink = sink();
    let script = "while read -r who; do \"$@\" -t \"$who\" || exit; done";
    let words = to(sink.address(), &["-q", "--body", "hi"]);
    let place = Place::new();
    place.write("list", "b@x.example\nc@x.example\nd@x.example\n", None);
    let mut command = shell(&place, script, &words);
    command.stdin(File::open(place.directory().join("list")).expect("opening the list"));
    check(&finished(command), 0, "", "");
    assert_eq!(taken(&sink).messages.len(), 3);
}

#[test]
fn a_report_that_nobody_takes_changes_nothing() {
    // EX-4, EX-6
    let full_device = "warning: the report could not be written: No space left on device\n";
    let sink = sink();
    for json in [&["--json"][..], &[]] {
        let words = to(sink.address(), &[json, &["--body", "hi"]].concat());
        let place = Place::new();
        let mut command = place.envoi(&words);
        command.stdout(full());
        check(&finished(command), 0, "", full_device);
        check(&finished(shell(&place, "exec \"$@\" >&-", &words)), 0, "", "");
        let run = finished(shell(&place, "{ \"$@\"; echo $? >&2; } | true", &words));
        assert!(run.stderr.ends_with("0\n"), "{run}");
        let mut command = place.envoi(&words);
        command.arg("-v").stderr(full());
        let run = finished(command);
        assert_eq!((run.status, run.stdout.is_empty()), (0, false), "{run}");
    }
    assert_eq!(taken(&sink).messages.len(), 8);
}

#[test]
fn a_dry_run_that_cannot_print_fails_unless_its_reader_has_seen_enough() {
    let words: Vec<OsString> =
        ["send", "-nf", "a@x.example", "--body", "hi", "b@x.example"].map(OsString::from).into();
    let place = Place::new();
    let mut command = place.envoi(&words);
    command.stdout(full());
    let full_device = "envoi: cannot print the message: No space left on device\n";
    check(&finished(command), 74, "", full_device);
    let run = finished(shell(&place, "{ sleep 0.2; \"$@\"; echo $? >&2; } | true", &words));
    check(&run, 0, "", "nothing was sent\n0\n");
    check(&finished(shell(&place, "exec \"$@\" >&-", &words)), 0, "", "nothing was sent\n");
}

#[test]
fn a_dry_run_prints_the_message_even_if_nobody_reads_what_was_changed() {
    let place = Place::new();
    place.write("mail.eml", "From: a@x.example\nBcc: c@x.example\n\nhi\n", None);
    let words: Vec<OsString> = ["send", "-n", "--message", "mail.eml"].map(OsString::from).into();
    let run = place.run(&words, None);
    assert!(run.stderr.contains("=== removed Bcc\n"), "{run}");
    let mut command = place.envoi(&words);
    command.stderr(full());
    for run in [finished(command), finished(shell(&place, "exec \"$@\" 2>&-", &words))] {
        assert_eq!(run.status, 0, "{run}");
        assert!(run.stdout.ends_with("\r\n\r\nhi\r\n"), "{run}");
    }
}

#[test]
fn at_a_terminal_the_user_is_told_how_to_end_the_message() {
    let sink = sink();
    let terminal =
        rustix::pty::openpt(rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY)
            .expect("a terminal");
    rustix::pty::unlockpt(&terminal).expect("unlocking it");
    let name = rustix::pty::ptsname(&terminal, Vec::new()).expect("its name");
    let user = File::options().read(true).write(true).open(OsStr::from_bytes(name.to_bytes()));
    let place = Place::new();
    let mut command = place.envoi(to(sink.address(), &["-q"]));
    command.stdin(user.expect("opening it"));
    let envoi = Started(command.spawn().expect("starting envoi"));
    let mut keyboard = File::from(terminal);
    keyboard.write_all(b"typed\n\x04").expect("typing");
    check(&envoi.finish(), 0, "", "Type the message; end with Ctrl-D\n");
    assert!(only_message(&sink).ends_with("\n\ntyped\n"));
    // The terminal stays until here: without it, reading would fail.
    drop(keyboard);
}

// Names ------------------------------------------------------------------------

const MOUNT_AND_RUN: &str = "mount --bind hosts /etc/hosts &&
    mount --bind resolv.conf /etc/resolv.conf && exec \"$@\"";

/// Where no name server is.
const NOBODY: Ipv4Addr = Ipv4Addr::new(127, 53, 53, 53);

/// The program in a world with these files in /etc.
fn with_own_names(place: &Place, hosts: &str, name_server: Ipv4Addr, words: &[&str]) -> Command {
    place.write("hosts", hosts, None);
    place.write("resolv.conf", &format!("nameserver {name_server}\n"), None);
    let envoi = place.envoi(words);
    let mut command = Command::new("unshare");
    command.args(["--mount", "/bin/sh", "-c", MOUNT_AND_RUN, "sh"]);
    command.arg(envoi.get_program()).args(envoi.get_args());
    command.env_clear().envs(envoi.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(place.directory());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
#[ignore = "only root can give it names of its own"]
fn a_dead_address_before_a_live_one_costs_one_attempt() {
    // RFC 8305 §4; 3.1, connect
    let sink = sink();
    let place = Place::new();
    let url = format!("smtp+notls://two.test:{}", sink.address().port());
    let words =
        ["send", "--server", &url, "-f", "a@x.example", "b@x.example", "--body", "hi", "--json"];
    let hosts = "::1 two.test\n127.0.0.1 two.test\n";
    let command = with_own_names(&place, hosts, NOBODY, &words);
    let run = finished(command);
    assert_eq!(run.status, 0, "{run}");
    let report: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    let attempts = report["attempts"].as_array().expect("attempts");
    assert_eq!(attempts.len(), 2, "{run}");
    let port = sink.address().port();
    assert_eq!(attempts[0]["address"], format!("[::1]:{port}"));
    assert_eq!(attempts[0]["error"], format!("[::1]:{port} cannot be reached: Connection refused"));
    assert_eq!(attempts[1]["address"], format!("127.0.0.1:{port}"));
    only_message(&sink);
}

#[test]
#[ignore = "only root can give it names of its own"]
fn a_name_that_cannot_be_looked_up_now_may_be_later() {
    let place = Place::new();
    let words = [
        "send",
        "--server",
        "smtp://mail.test",
        "-f",
        "a@x.example",
        "b@x.example",
        "--body",
        "hi",
    ];
    let command = with_own_names(&place, "127.0.0.1 localhost\n", NOBODY, &words);
    let why = "the name mail.test could not be looked up: Temporary failure in name resolution";
    let report = format!("deferred  b@x.example  {why}\nnot sent\n");
    let problem = format!(
        "envoi: nothing was sent to b@x.example: {why}\n\
         hint: check the network and the name server in /etc/resolv.conf\n"
    );
    check(&finished(command), 75, &report, &problem);

    // A name server that takes the question and never answers.
    let [.., high, low] = std::process::id().to_be_bytes();
    let silent = Ipv4Addr::new(127, 54, high, low);
    let server = std::net::UdpSocket::bind((silent, 53)).expect("a port that nobody has");
    let words = [&words[..], &["-q", "--timeout", "1"]].concat();
    let command = with_own_names(&place, "127.0.0.1 localhost\n", silent, &words);
    let why = "timed out after {*} s waiting for the addresses of the server's name";
    let problem = format!(
        "envoi: nothing was sent to b@x.example through mail.test:587: {why}\n\
         hint: check the network and the name server in /etc/resolv.conf\n"
    );
    check(&finished(command), 75, "", &problem);
    drop(server);
}

// Octets that are not UTF-8 ----------------------------------------------------

#[test]
fn a_word_that_is_not_utf_8_is_named_by_its_place() {
    for (words, place) in [
        (vec!["send", "-s", "caf\u{fffd}"], "what -s says"),
        (vec!["send", "--subject=caf\u{fffd}", "a@x.example"], "what --subject says"),
        (vec!["send", "caf\u{fffd}@x.example"], "word 2 of the command line"),
    ] {
        let words = words.iter().map(|word| word.replace('\u{fffd}', "\u{1}"));
        let words = words.map(|word| {
            let octets = word.into_bytes().into_iter().map(|b| if b == 1 { 0xe9 } else { b });
            OsStr::from_bytes(&octets.collect::<Vec<_>>()).to_owned()
        });
        let run = Place::new().run(words.collect::<Vec<_>>(), None);
        assert_eq!(run.status, 64, "{run}");
        let hint = "hint: convert it: printf %s \"$text\" | iconv -f ISO-8859-1 -t UTF-8\n";
        assert_eq!(run.stderr, format!("envoi: {place} is not UTF-8 text\n{hint}"));
    }
}

#[test]
fn a_text_that_is_not_utf_8_is_sent_with_a_warning_and_html_is_refused() {
    let sink = sink();
    let place = Place::new();
    fs::write(place.directory().join("latin1"), b"caf\xe9 au lait\n").expect("writing a file");
    fs::write(place.directory().join("utf16"), b"\xff\xfea\0").expect("writing a file");
    let sent = place.run(to(sink.address(), &["--body-file", "latin1"]), None);
    assert_eq!((sent.status, sent.stdout.as_str()), (0, REPORT), "{sent}");
    assert_eq!(
        sent.stderr,
        "warning: the text is not UTF-8, so that readers must guess its characters; \
         iconv -f ISO-8859-1 -t UTF-8 converts it\n"
    );
    assert!(only_message(&sink).contains("charset=unknown-8bit\n"));
    for (option, file, charset) in
        [("--html", "latin1", "ISO-8859-1"), ("--markdown", "utf16", "UTF-16")]
    {
        let run = place.run(to(sink.address(), &[option, file]), None);
        assert_eq!(run.status, 65, "{run}");
        assert_eq!(
            run.stderr,
            format!(
                "envoi: {option}: ‘{file}’ is not UTF-8\n\
                 hint: convert it: iconv -f {charset} -t UTF-8 {file} | envoi send … {option} -\n"
            )
        );
    }
}

#[test]
fn an_attachment_that_is_not_in_its_charset_is_sent_with_a_warning() {
    let sink = sink();
    let place = Place::new();
    fs::write(place.directory().join("latin1"), b"caf\xe9\n").expect("writing a file");
    let attach = ["--body", "x", "-a", "latin1;type=text/plain; charset=utf-8"];
    let sent = place.run(to(sink.address(), &attach), None);
    assert_eq!(sent.status, 0, "{sent}");
    assert_eq!(
        sent.stderr,
        "warning: ‘latin1’ is not utf-8, as its type says; convert it with iconv, or name its own\n"
    );
    assert!(only_message(&sink).contains("Y2Fm6Qo="));
}
