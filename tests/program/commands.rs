//! `envoi sink --run` while its command runs.

use crate::running::{GENEROUS, Place, Started, finished};
use rustix::process::Signal;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Starts the receiver with a command in a shell, and waits for its first line.
fn started(place: &Place, script: &str) -> Started {
    let mut command = place.envoi(["sink", "--run", "sh", "-c", script]);
    let mut started = Started(command.stdin(Stdio::null()).spawn().expect("starting envoi"));
    let stdout = started.0.stdout.as_mut().expect("a pipe");
    let mut line = String::new();
    BufReader::with_capacity(1, stdout).read_line(&mut line).expect("a line");
    assert_eq!(line, "ready\n");
    started
}

/// To the receiver alone, as `kill` does.
fn signal(started: &Started, signal: Signal) {
    let id = rustix::process::Pid::from_child(&started.0);
    rustix::process::kill_process(id, signal).expect("sending a signal");
}

#[test]
fn a_signal_reaches_the_command_whose_answer_to_it_counts() {
    for (of, name) in [(Signal::HUP, "HUP"), (Signal::INT, "INT"), (Signal::TERM, "TERM")] {
        let place = Place::new();
        let script = format!("trap 'echo so be it; exit 3' {name}; echo ready; read x < fifo");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            place.directory().join("fifo"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RWXU,
            0,
        )
        .expect("a place to wait at");
        let started = started(&place, &script);
        signal(&started, of);
        let run = started.finish();
        assert_eq!((run.status, &*run.stdout), (3, "so be it\nno message came\n"), "{run}");
    }
}

#[test]
fn a_message_is_counted_whose_sender_did_not_wait_for_the_reply() {
    // Bash connects by itself and may leave as it likes.
    let script = r"
        exec 3<>/dev/tcp/127.0.0.1/$SMTP_PORT
        printf 'HELO a\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n' >&3
        for reply in greeting helo mail rcpt data; do read line <&3; done
        printf 'Subject: last\r\n\r\nx\r\n.\r\n' >&3
    ";
    for _ in 0..20 {
        let place = Place::new();
        let run = place.run(["sink", "--run", "bash", "-c", script], None);
        assert_eq!(run.status, 0, "{run}");
        assert!(run.stdout.starts_with("stored  <a@x.example> → b@x.example  "), "{run}");
    }
}

#[test]
#[ignore = "only root can mount a disk"]
fn a_full_disk_defers_what_has_no_room_and_takes_what_has() {
    // What a mailbox gets waits in memory, or beside it if it is larger.
    let all = [("mail", 100_000), ("--eml mail", 100_000)];
    let mailbox = ["--mbox mail/box"].map(|store| [(store, 60_000), (store, 200_000)]).concat();
    for (store, octets) in all.into_iter().chain(mailbox) {
        let place = Place::new();
        let send = "send -q -f me@client.example";
        let large = format!("head -c {octets} /dev/zero | base64 | $E {send} a@x.example");
        let small = format!("$E {send} --body small b@x.example");
        let left = "find mail -type f ! -name '*.pem' | xargs grep -c ^Received:";
        let script = format!("E=/proc/$PPID/exe\n{large}\necho $?\n{small}\n{left}\n");
        place.write("tests", &script, None);
        let mount = "mkdir mail && mount -t tmpfs -o size=64k none mail";
        place.write("disk", &format!("{mount} && exec $1 sink {store} --run sh tests"), None);
        let mut command = place.command("unshare");
        command.args(["--mount", "sh", "disk", env!("CARGO_BIN_EXE_envoi")]);
        let run = finished(command);
        assert_eq!(run.status, 0, "{store}\n{run}");
        assert!(run.stderr.contains(": 452 4.3.1 There is no room for the message\n"), "{run}");
        let lines: Vec<&str> = run.stdout.lines().collect();
        let [status, files, problem, refused, stored] = lines[..] else { panic!("{run}") };
        // One file, and one message in it.
        assert_eq!((status, files), ("75", "1"), "{run}");
        assert!(problem.starts_with("problem  while writing a message: No space left"), "{run}");
        assert!(refused.ends_with("452 4.3.1 There is no room for the message"), "{run}");
        assert!(stored.starts_with("stored  <me@client.example> → b@x.example  "), "{run}");
    }
}

#[test]
fn a_receiver_that_ends_takes_its_commands_with_it() {
    for (of, number) in [(Signal::TERM, 15), (Signal::INT, 2)] {
        let place = Place::new();
        let pipe = "sleep 1000 & echo $! >sleeper; mv sleeper begun; wait";
        let mut command = place.envoi(["sink", "mail", "--listen", "0", "--pipe", pipe]);
        let mut receiver = Started(command.stdin(Stdio::null()).spawn().expect("starting envoi"));
        let stdout = receiver.0.stdout.as_mut().expect("a pipe");
        let mut line = String::new();
        BufReader::with_capacity(1, stdout).read_line(&mut line).expect("a line");
        let port = line.split_whitespace().nth(1).and_then(|it| it.rsplit(':').next());
        let server = format!("smtp+notls://localhost:{}", port.expect("a port"));
        let words =
            ["send", "--server", &server, "-f", "a@x.example", "--body", "x", "b@x.example"];
        let client = Started(place.envoi(words).spawn().expect("starting envoi"));
        let begun = place.directory().join("begun");
        wait_until(|| begun.exists());
        signal(&receiver, of);
        let ended = receiver.finish();
        assert_eq!(ended.status, 128 + number, "{ended}");
        let told = client.finish();
        assert_eq!(told.status, 75, "{told}");
        let sleeper = std::fs::read_to_string(begun).expect("a number");
        // Whoever has ended, and was not waited for, has no words.
        let words = format!("/proc/{}/cmdline", sleeper.trim());
        wait_until(|| std::fs::read(&words).map_or(true, |words| words.is_empty()));
    }
}

/// Waits for what surely comes.
fn wait_until(mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < GENEROUS, "it has not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}
