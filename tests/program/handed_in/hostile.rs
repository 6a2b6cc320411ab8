//! Users who are up to no good: Alice, mostly.

use super::{ALICE, BOB, DROP, Machine, PASSWORD, entry, entry_of};
use crate::server::taken;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, symlink};
use std::process::Stdio;

#[test]
#[ignore = "only root can make users"]
fn users_learn_neither_the_password_nor_what_others_hand_in() {
    // SEC-10
    let machine = Machine::new();
    machine.hand_in("bob", "secret");
    let [dropped] = &machine.files("drop")[..] else { panic!("{:?}", machine.files("drop")) };
    let path = format!("{DROP}/{dropped}");
    for script in [
        &format!("ls {DROP}"),
        &format!("cat {path}"),
        &format!("rm -f {path}"),
        &format!("mv {path} {DROP}/x"),
        &format!("echo >$HOME/x; mv -f $HOME/x {path}"),
        "cat /etc/envoi/password",
        "ls /var/spool/envoi/queue",
        "mv /var/spool/envoi/drop /var/spool/envoi/x",
        "echo >/var/spool/envoi/last-run",
    ] {
        let run = machine.shell("alice", script);
        assert_ne!(run.status, 0, "{script}\n{run}");
    }
    let run = machine.run(
        "alice",
        &["envoi", "-v", "send", "--no-queue", "--body", "x", "a@b.example", "-f", "c@d.example"],
        "",
    );
    assert!(run.status != 0 && !run.to_string().contains(PASSWORD), "{run}");
    assert!(!run.to_string().contains("Y29ycmVjdC1ob3JzZQ"), "{run}");
    machine.root_sends();
    assert_eq!(machine.arrived(), ["secret"]);
    let spool = machine.path("spool/envoi");
    let lists = |name: &str| fs::metadata(spool.join(name)).expect("its facts").mode() & 0o7777;
    assert_eq!((lists("queue"), lists("last-run")), (0o700, 0o644));
    let run = machine.shell("root", "grep -r correct-horse /var/spool/envoi");
    assert_eq!(run.status, 1, "{run}");
}

#[test]
#[ignore = "only root can make users"]
fn what_is_no_message_stays_and_stops_nobody_and_is_told_once() {
    // SEC-10
    let machine = Machine::new();
    machine.hand_in("bob", "good");
    let name = |digit: &str| digit.repeat(16);
    let many = (0..10_001).map(|i| format!("{{\"path\":\"<{i}@a.example>\"}}"));
    let many = many.collect::<Vec<_>>().join(",");
    let waits = vec!["{\"fate\":\"waiting\"}"; 10_001].join(",");
    let plain = |it: String| it;
    machine.put(ALICE, &name("0"), &entry("open", plain), 0o644);
    machine.put(ALICE, &name("1"), b"no line", 0o600);
    machine.put(ALICE, &name("2"), &b"[".repeat(3_000_000), 0o600);
    machine.put(
        ALICE,
        &name("3"),
        &entry("nobody's", |it| it.replace("main", "x\\u001b[2J")),
        0o600,
    );
    machine.put(
        ALICE,
        &name("4"),
        &entry("later", |it| {
            it.replace("\"from\"", "\"not-before\":\"2999-01-01T00:00:00Z\",\"from\"")
        }),
        0o600,
    );
    let crowd = entry("crowd", |it| {
        it.replace("{\"path\":\"<dave@away.example>\"}", &many)
            .replace("{\"fate\":\"waiting\"}", &waits)
    });
    machine.put(ALICE, &name("5"), &crowd, 0o600);
    machine.put(
        ALICE,
        &name("6"),
        &entry("injected", |it| it.replace("<dave@", "<dave>\\r\\nRCPT TO:<x@")),
        0o600,
    );
    machine.put(ALICE, "whatever", b"", 0o600);
    let fields = "X-Long: x\r\n".repeat(150_000);
    let long = entry_of(&format!("{fields}\r\nhi\r\n"), plain);
    machine.put(ALICE, &name("7"), &long, 0o600);
    symlink("/etc/envoi/password", machine.path("spool/envoi/drop").join(name("8"))).unwrap();
    let run = machine.shell("alice", &format!(
        "cd {DROP}; mkfifo {0}; mkdir {1}; truncate -s 10G {2}; chmod 600 {2}; echo >{3}; chmod 600 {3}; ln {3} {3}x",
        name("9"), name("a"), name("b"), name("c")
    ));
    assert_eq!(run.status, 0, "{run}");
    let run = machine.shell("root", &format!("mknod {DROP}/{} c 1 5", name("d")));
    assert_eq!(run.status, 0, "{run}");
    let python =
        format!("import socket; socket.socket(socket.AF_UNIX).bind('{DROP}/{}')", name("e"));
    assert_eq!(machine.run("alice", &["python3", "-c", &python], "").status, 0);

    let run = machine.root_sends();
    assert_eq!(machine.arrived(), ["good"], "{run}");
    for (digit, reason) in [
        ("0", "it is not its owner's alone (mode 0644)"),
        ("1", "it is damaged: it has no first line"),
        ("2", "it is damaged: "),
        ("3", "the account ‘x\\x1b[2J’: it is none of the system's"),
        ("4", "the message is to be sent in more than a year"),
        ("5", "the message is for 10001 recipients, and at most 10000"),
        ("6", "it is damaged: a recipient is none"),
        ("7", "the header of"),
        ("8", "it is a symbolic link"),
        ("9", "it is a named pipe"),
        ("a", "it is a directory"),
        ("b", "the message has 10737418240 octets, and the queue takes at most 100000000"),
        ("c", "it has another name, too (a hard link)"),
        ("d", "it is a device"),
        ("e", "it is a socket"),
    ] {
        let start = format!("envoi: the file {DROP}/{} of the user with", name(digit));
        let line = run.stderr.lines().find(|line| line.starts_with(&start));
        let line = line.unwrap_or_else(|| panic!("{start}\n{run}"));
        assert!(
            line.contains(&format!("stays there: {reason}")) || line.contains(reason),
            "{line}"
        );
    }
    assert!(run.stderr.contains("whatever of the user with the number 2001 stays there"), "{run}");
    assert!(!run.stderr.contains(PASSWORD) && !run.stderr.contains('\u{1b}'), "{run}");
    let before = machine.files("drop");
    assert_eq!(before.len(), 17);

    let again = machine.root_sends();
    assert_eq!((again.stderr.as_str(), machine.files("drop")), ("", before), "{again}");
    assert_eq!(machine.entries(), [""; 0]);
    let list = machine.run("root", &["envoi", "queue"], "");
    assert!(list.stdout.contains("stays there: it is a named pipe\n"), "{list}");
    // Root gets rid of it as he is told.
    for _ in 0..17 {
        let list = machine.run("root", &["envoi", "queue"], "");
        let hint = list.stderr.strip_prefix("hint: remove what nobody wants of it: ");
        let run = machine.shell("root", hint.unwrap_or_else(|| panic!("{list}")));
        assert_eq!(run.status, 0, "{run}");
    }
    let list = machine.run("root", &["envoi", "queue"], "");
    assert_eq!((list.stdout.as_str(), list.stderr.as_str()), ("Mail queue is empty\n", ""));
    assert_eq!(machine.files("drop"), [""; 0]);
}

#[test]
#[ignore = "only root can make users"]
fn nothing_that_a_file_says_of_itself_is_believed() {
    let machine = Machine::new();
    machine.configure(1);
    let lies = entry("lies", |it| {
        it.replace("\"is-report\":false", "\"is-report\":true,\"owner\":0,\"message-id\":\"<x>\"")
            .replace("\"kept\":\"2026", "\"kept\":\"1999")
            .replace(
                "\"tries\":0",
                "\"tries\":99,\"held\":true,\"next-try\":\"2999-01-01T00:00:00Z\"",
            )
            .replace("waiting", "accepted")
    });
    machine.put(ALICE, &"1".repeat(16), &lies, 0o600);
    let run = machine.run("root", &["envoi", "queue", "run", "-q"], "");
    assert_eq!(run.status, 0, "{run}");
    let run = machine.run("root", &["envoi", "--json", "queue"], "");
    let list: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    let message = &list["messages"][0];
    assert_eq!(message["owner"], ALICE);
    assert_eq!((&message["held"], &message["tries"]), (&false.into(), &1.into()), "{run}");
    assert_eq!(message["messageId"], serde_json::Value::Null);
    assert!(!message["kept"].as_str().expect("a moment").starts_with("1999"), "{run}");
    assert_eq!(message["recipients"][0]["fate"], "waiting", "{run}");
    let run = machine.run("root", &["envoi", "queue", "show", "1"], "");
    assert!(run.stdout.contains("handed in   by the user with the number 2001\n"), "{run}");
    let run = machine.run("root", &["envoi", "queue", "log"], "");
    assert!(run.stdout.contains("kept  handed in by the user with the number 2001\n"), "{run}");
}

#[test]
#[ignore = "only root can make users"]
fn nobody_can_take_the_name_of_a_message_of_somebody_else() {
    let machine = Machine::new();
    machine.configure(1);
    let name = "1".repeat(16);
    machine.put(BOB, &name, &entry("first", |it| it), 0o600);
    machine.root_sends();
    machine.put(ALICE, &name, &entry("second", |it| it), 0o600);
    let run = machine.root_sends();
    assert!(run.stderr.contains("another message in the queue has this name"), "{run}");
    machine.configure(machine.sink.address().port());
    machine.root_sends();
    machine.root_sends();
    assert_eq!(machine.arrived(), ["first", "second"]);
}

#[test]
#[ignore = "only root can make users"]
fn a_user_cannot_fill_the_queue_for_the_others() {
    let machine = Machine::new();
    machine.configure(1);
    let config = machine.path("envoi/config.toml");
    let text = fs::read_to_string(&config).expect("reading it") + "[queue]\nmax-total = \"40kB\"\n";
    fs::write(config, text).expect("writing it");
    for digit in ["1", "2", "3", "4", "5", "6", "7"] {
        machine.put(ALICE, &digit.repeat(16), &entry("x", |it| it), 0o600);
    }
    machine.put(BOB, &"8".repeat(16), &entry("y", |it| it), 0o600);
    let run = machine.root_sends();
    assert!(run.stderr.contains("the messages of this user in the queue have"), "{run}");
    // 20 kB of at least 4 KiB each.
    assert_eq!(machine.entries().len(), 5, "{run}");
    assert!(machine.entries().contains(&"8".repeat(16)), "{run}");
    let run = machine.run("root", &["envoi", "queue", "remove", "--all"], "");
    assert_eq!(run.status, 0, "{run}");
    machine.root_sends();
    assert_eq!(machine.files("drop"), [""; 0]);
}

#[test]
#[ignore = "only root can make users"]
fn what_is_swapped_while_it_is_taken_over_is_one_or_the_other() {
    // SEC-10
    let machine = Machine::new();
    let name = "1".repeat(16);
    for letter in ["a", "b"] {
        let body = (letter.repeat(70) + "\r\n").repeat(5000);
        let octets = entry_of(&format!("Subject: x\r\n\r\n{body}"), |it| it);
        fs::write(machine.path("home/alice").join(letter), octets).expect("writing a file");
    }
    let swap = format!(
        "umask 077; for i in $(seq 300); do for f in a b; do cp $HOME/$f {DROP}/x.tmp; \
         mv {DROP}/x.tmp {DROP}/{name}; ln -sfn /etc/envoi/password {DROP}/{name}; \
         done; done; rm -f {DROP}/*"
    );
    let mut alice = machine.command("alice", &["sh", "-c", &swap]).spawn().expect("starting Alice");
    let mut runs = 0;
    while alice.try_wait().expect("waiting for Alice").is_none() {
        let run = machine.root_sends();
        assert!(!run.to_string().contains(PASSWORD), "{run}");
        runs += 1;
    }
    assert!(runs > 3, "Alice was too fast");
    machine.root_sends();
    let messages = taken(&machine.sink).messages;
    assert!(!messages.is_empty());
    for message in messages {
        let octets = message.octets.expect("in memory");
        let text = String::from_utf8(octets).expect("text");
        let body = text.split_once("\r\n\r\n").expect("a body").1;
        let first = &body[..1];
        assert!(body == (first.repeat(70) + "\r\n").repeat(5000), "a mixture");
    }
}

#[test]
#[ignore = "only root can make users"]
fn a_lease_on_a_file_keeps_nobody_waiting() {
    let machine = Machine::new();
    let name = "1".repeat(16);
    machine.put(ALICE, &name, &entry("leased", |it| it), 0o600);
    machine.put(BOB, &"2".repeat(16), &entry("other", |it| it), 0o600);
    let python = format!(
        "import fcntl, os, signal, sys\n\
         signal.signal(signal.SIGIO, signal.SIG_IGN)\n\
         file = os.open('{DROP}/{name}', os.O_RDWR)\n\
         fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)\n\
         print('leased', flush=True)\n\
         sys.stdin.read()"
    );
    let mut command = machine.command("alice", &["python3", "-c", &python]);
    let mut alice = command.stdin(Stdio::piped()).spawn().expect("starting Alice");
    let mut said = String::new();
    let out = alice.stdout.as_mut().expect("its output");
    BufReader::new(out).read_line(&mut said).expect("reading it");
    assert_eq!(said, "leased\n");
    // The kernel breaks a lease after 45 s.
    let started = std::time::Instant::now();
    let run = machine.root_sends();
    assert!(started.elapsed().as_secs() < 30, "{run}");
    assert!(run.stderr.contains("a program keeps others from opening it"), "{run}");
    assert_eq!(machine.arrived(), ["other"]);
    drop(alice.stdin.take());
    alice.wait().expect("its end");
    machine.root_sends();
    assert_eq!(machine.arrived(), ["leased"]);
}

#[test]
#[ignore = "only root can make users"]
fn nobody_says_how_old_his_own_files_are() {
    let machine = Machine::new();
    machine.put(ALICE, "old.tmp", b"half", 0o600);
    let run = machine.shell("alice", &format!("touch -d '3 days ago' {DROP}/old.tmp"));
    assert_eq!(run.status, 0, "{run}");
    machine.root_sends();
    assert_eq!(machine.files("drop"), ["old.tmp"]);
}
