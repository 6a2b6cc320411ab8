//! A whole system with one queue: users hand in, root sends. Two users, of whom
//! Alice is up to no good.

#[path = "handed_in/unseen.rs"]
mod unseen;

use crate::running::{Place, Run, finished};
use crate::server::taken;
use envoi::sasl::server::Users;
use envoi::sasl::{Credentials, Secret};
use envoi::sink::{Policy, Settings, Sink, Stored};
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::PathBuf;
use std::process::{Command, Stdio};

const ALICE: u32 = 2001;
const BOB: u32 = 2002;
const PASSWORD: &str = "correct-horse";
const DROP: &str = "/var/spool/envoi/drop";

/// A machine with a drop directory, and a configuration for all of its users.
struct Machine {
    place: Place,
    sink: Sink,
}

impl Machine {
    fn new() -> Self {
        let box_ = Credentials { user: "box".into(), password: Secret::new(PASSWORD) };
        let users = Users::Only(vec![box_]);
        let policy =
            Policy { users, require_auth: true, cleartext_auth: true, ..Policy::default() };
        let settings = Settings { policy, ..Settings::default() };
        let sink = Sink::start(settings).expect("starting the receiver");
        let place = Place::new();
        let machine = Machine { place, sink };
        for directory in ["place", "envoi", "root", "spool/envoi/drop", "home/alice", "home/bob"] {
            fs::create_dir_all(machine.path(directory)).expect("making a directory");
        }
        machine.mode("spool/envoi/drop", 0o1733);
        for (home, number) in [("home/alice", ALICE), ("home/bob", BOB)] {
            chown(machine.path(home), Some(number), Some(number)).expect("giving it away");
        }
        machine.mode("", 0o755);
        machine.place.write("envoi/password", PASSWORD, Some(0o600));
        machine.configure(machine.sink.address().port());
        machine
    }

    fn configure(&self, port: u16) {
        let config = format!(
            "[accounts.main]\nserver = \"smtp+notls://127.0.0.1:{port}\"\nuser = \"box\"\n\
             password = {{ file = \"/etc/envoi/password\" }}\nallow-cleartext-auth = true\n\
             local = \"maildir:/home/{{user}}/Maildir\"\n"
        );
        self.place.write("envoi/config.toml", &config, None);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.directory().join(name)
    }

    fn mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), Permissions::from_mode(mode)).expect("its mode");
    }

    fn command(&self, user: &str, words: &[&str]) -> Command {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--pid", "--fork", "--kill-child", "sh"]);
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/program/handed_in/enter.sh"));
        command.arg(self.place.directory()).arg(env!("CARGO_BIN_EXE_envoi")).arg(user).args(words);
        command.env_clear().env("LANG", "C.UTF-8").env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, user: &str, words: &[&str], stdin: &str) -> Run {
        let mut command = self.command(user, words);
        self.place.write("input", stdin, None);
        command.stdin(fs::File::open(self.path("input")).expect("opening the input"));
        finished(command)
    }

    fn shell(&self, user: &str, script: &str) -> Run {
        self.run(user, &["sh", "-ec", script], "")
    }

    /// Hands a message in, of which nothing is said.
    fn hand_in(&self, user: &str, subject: &str) {
        let message = format!("Subject: {subject}\n\nhi\n");
        let run = self.run(user, &["sendmail", "-oi", "dave@away.example"], &message);
        assert_eq!((run.status, run.stdout.as_str()), (0, ""), "{run}");
    }

    /// A run of root, who sends what is there.
    fn root_sends(&self) -> Run {
        let run = self.run("root", &["envoi", "queue", "run", "--all"], "");
        assert_eq!(run.status, 0, "{run}");
        run
    }

    /// The files of a directory of the spool.
    fn files(&self, name: &str) -> Vec<String> {
        let files = fs::read_dir(self.path("spool/envoi").join(name)).expect("a directory");
        let files = files.map(|file| file.expect("a file").file_name());
        let mut files: Vec<String> =
            files.map(|name| name.to_string_lossy().into_owned()).collect();
        files.sort();
        files
    }

    /// What lies in the queue.
    fn entries(&self) -> Vec<String> {
        let is_entry = |name: &String| name.len() == 16 && !name.contains('.');
        self.files("queue").into_iter().filter(is_entry).collect()
    }

    /// The subjects of what arrived.
    fn arrived(&self) -> Vec<String> {
        let subject = |stored: &Stored| {
            let text = String::from_utf8_lossy(stored.octets.as_deref().expect("in memory"));
            let line = text.lines().find_map(|line| line.strip_prefix("Subject: "));
            line.expect("a subject").to_owned()
        };
        let mut subjects: Vec<_> = taken(&self.sink).messages.iter().map(subject).collect();
        subjects.sort();
        subjects
    }

    /// Writes a file into the drop directory as this user would.
    fn put(&self, owner: u32, name: &str, octets: &[u8], mode: u32) {
        let path = self.path("spool/envoi/drop").join(name);
        fs::write(&path, octets).expect("writing a file");
        chown(&path, Some(owner), Some(owner)).expect("giving it away");
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("its mode");
    }
}

/// A file as `envoi` hands it in, its first line changed by `change`.
fn entry(subject: &str, change: impl Fn(String) -> String) -> Vec<u8> {
    entry_of(&format!("Subject: {subject}\r\n\r\nhi\r\n"), change)
}

fn entry_of(message: &str, change: impl Fn(String) -> String) -> Vec<u8> {
    let head = format!(
        "{{\"envoi\":1,\"account\":\"main\",\"kept\":\"2026-11-23T03:03:37Z\",\
         \"from\":\"<x@box.example.org>\",\"to\":[{{\"path\":\"<dave@away.example>\"}}],\
         \"state\":{{\"tries\":0,\"to\":[{{\"fate\":\"waiting\"}}]}},\"size\":{},\
         \"is-report\":false}}",
        message.len()
    );
    format!("{}\n{message}", change(head)).into_bytes()
}

const NOTHING_SENDS: &str = "warning: nothing tries what is in the queue: root can have it sent \
    every few minutes: systemctl enable --now envoi-queue.path envoi-queue.timer\n";

#[test]
#[ignore = "only root can make users"]
fn what_a_user_cannot_send_is_handed_in_and_root_sends_it() {
    let machine = Machine::new();
    let message = "Subject: one\n\nhi\n";
    let run = machine.run("alice", &["sendmail", "dave@away.example"], message);
    // The password was not even tried.
    assert_eq!((run.status, run.stdout.as_str(), run.stderr.as_str()), (0, "", NOTHING_SENDS));
    let [dropped] = &machine.files("drop")[..] else { panic!("{:?}", machine.files("drop")) };
    let facts = fs::metadata(machine.path("spool/envoi/drop").join(dropped)).expect("its facts");
    assert_eq!((facts.uid(), facts.mode() & 0o7777), (ALICE, 0o600));

    let run = machine.run("root", &["envoi", "queue", "run"], "");
    let taken = format!(
        "{dropped}  taken      was handed in by the user with the number {ALICE}\n\
         {dropped}  accepted   dave@away.example  250 2.1.5 Ok\n"
    );
    assert!(run.status == 0 && run.stdout.starts_with(&taken), "{run}");
    assert_eq!(machine.arrived(), ["one"]);
    assert!(machine.files("drop").is_empty() && machine.entries().is_empty());

    // Now somebody sends, and everybody can tell.
    let run = machine.run("alice", &["sendmail", "dave@away.example"], message);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run}");
    let words = ["envoi", "send", "--queue", "-s", "two", "--body", "", "dave@away.example"];
    let run = machine.run("alice", &[&words[..], &["-f", "alice@box.example.org"]].concat(), "");
    assert!(run.stdout.contains("\nhanded in to the system for 1 recipient as "), "{run}");
    let run = machine.run("alice", &["envoi", "queue"], "");
    assert_eq!(run.stdout, "Mail queue is empty\n");
    assert!(run.stderr.contains("shown to root: sudo envoi queue\n"), "{run}");
    assert_eq!(machine.files("drop").len(), 2);
}

#[test]
#[ignore = "only root can make users"]
fn a_program_that_speaks_smtp_hands_in_as_well() {
    let machine = Machine::new();
    let dialogue = "HELO box\r\nMAIL FROM:<a@box.example.org>\r\nRCPT TO:<dave@away.example>\r\n\
                    DATA\r\nSubject: spoken\r\n\r\nhi\r\n.\r\nQUIT\r\n";
    let run = machine.run("alice", &["sendmail", "-bs"], dialogue);
    let [dropped] = &machine.files("drop")[..] else { panic!("{run}") };
    assert!(
        run.stdout.contains(&format!("\r\n250 2.0.0 Kept in the queue as {dropped}\r\n")),
        "{run}"
    );
    machine.root_sends();
    assert_eq!(machine.arrived(), ["spoken"]);
    // Nothing is promised that is not kept.
    machine.mode("spool/envoi/drop", 0o755);
    let run = machine.run("alice", &["sendmail", "-bs"], dialogue);
    assert!(run.stdout.contains("\r\n451 4.3.0 the queue in"), "{run}");
}

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
fn mail_to_another_user_of_the_machine_is_handed_in_and_gets_into_his_maildir() {
    let machine = Machine::new();
    let run = machine.run("alice", &["sendmail", "bob"], "Subject: hello\n\nhi\n");
    assert_eq!(run.status, 0, "{run}");
    // Who can read the password tries first: here only the Maildir is closed.
    machine.mode("envoi/password", 0o644);
    machine.mode("home/bob", 0o700);
    let run =
        machine.run("alice", &["sendmail", "bob", "dave@away.example"], "Subject: both\n\nhi\n");
    assert_eq!((run.status, run.stderr.as_str()), (0, NOTHING_SENDS), "{run}");
    assert_eq!(machine.arrived(), ["both"]);
    let run = machine.root_sends();
    assert!(run.stdout.contains("tried 2 messages: 2 sent"), "{run}");
    let mail = fs::read_dir(machine.path("home/bob/Maildir/new")).expect("a Maildir");
    let owners: Vec<u32> =
        mail.map(|file| file.expect("a file").metadata().expect("its facts").uid()).collect();
    assert_eq!(owners, [BOB, BOB]);
    assert_eq!(machine.arrived(), [""; 0]);
}

#[test]
#[ignore = "only root can make users"]
fn an_account_of_a_users_own_goes_into_his_own_queue() {
    let machine = Machine::new();
    let own = "default = 'own'\n[accounts.own]\nserver = 'smtp+notls://127.0.0.1:1'\n";
    machine.place.write("home/alice/.config/envoi/config.toml", own, None);
    machine.hand_in("alice", "mine");
    assert_eq!(machine.files("drop"), [""; 0]);
    let list = machine.run("alice", &["envoi", "queue"], "");
    assert!(list.stdout.contains("  waits      dave@away.example"), "{list}");
    // One that only looks like that of the system is his own, too.
    let same = "[accounts.main]\nserver = 'smtp+notls://127.0.0.1:1'\n";
    machine.place.write("home/alice/.config/envoi/config.toml", same, None);
    machine.hand_in("alice", "mine");
    assert_eq!(machine.files("drop"), [""; 0]);
    // And root's own is nobody else's.
    let roots = "default = 'own'\n[accounts.own]\nserver = 'smtp+notls://127.0.0.1:1'\n";
    machine.place.write("root/.config/envoi/config.toml", roots, None);
    machine.put(ALICE, &"a".repeat(16), &entry("x", |it| it.replace("main", "own")), 0o600);
    let run = machine.root_sends();
    assert!(run.stderr.contains("the account ‘own’: it is none of the system's"), "{run}");
}

#[test]
#[ignore = "only root can make users"]
fn what_cannot_be_handed_in_is_temporary_trouble() {
    let machine = Machine::new();
    let send = || machine.run("alice", &["sendmail", "dave@away.example"], "Subject: x\n\nhi\n");
    for (mode, sentence) in [
        (0o755, "the queue in /var/spool/envoi/drop cannot be written: Permission denied"),
        (0o777, "the directory /var/spool/envoi/drop may be changed by others (mode 0777)"),
    ] {
        machine.mode("spool/envoi/drop", mode);
        let run = send();
        assert!(run.status == 75 && run.stderr.contains(sentence), "{run}");
    }
    machine.mode("spool/envoi/drop", 0o1733);
    chown(machine.path("spool/envoi/drop"), Some(BOB), None).expect("giving it away");
    let run = send();
    assert!(run.status == 75 && run.stderr.contains("belongs to the user"), "{run}");
    let run = machine.run("root", &["envoi", "queue", "run", "-q"], "");
    assert_eq!(run.status, 74, "{run}");
    assert_eq!(run.stderr.matches("warning: ").count(), 1, "{run}");
    assert!(run.stderr.starts_with("warning: what users handed in waits: the directory"), "{run}");
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
fn a_run_that_is_killed_while_it_takes_over_loses_nothing_and_doubles_nothing() {
    //
    let machine = Machine::new();
    machine.configure(1);
    let subjects: Vec<String> = (0..200).map(|number| format!("number {number:03}")).collect();
    for (number, subject) in subjects.iter().enumerate() {
        let owner = if number % 2 == 0 { ALICE } else { BOB };
        machine.put(owner, &format!("{number:016x}"), &entry(subject, |it| it), 0o600);
    }
    let mut midway = 0;
    let mut seen = 200;
    let mut rounds = 0;
    while !machine.files("drop").is_empty() {
        rounds += 1;
        assert!(rounds < 100, "some are never taken over");
        let mut command = machine.command("root", &["envoi", "queue", "run", "-q"]);
        let mut run = command.spawn().expect("starting it");
        // Some are taken, and then it dies.
        let started = std::time::Instant::now();
        while machine.files("drop").len() + 20 > seen && run.try_wait().expect("it").is_none() {
            assert!(started.elapsed().as_secs() < 60, "nothing is taken over");
        }
        run.kill().expect("killing it");
        run.wait().expect("its end");
        seen = machine.files("drop").len();
        midway += usize::from(seen > 0);
    }
    assert!(midway > 2, "it was never killed in the middle");
    assert_eq!(machine.entries().len(), 200);
    machine.configure(machine.sink.address().port());
    machine.root_sends();
    machine.root_sends();
    assert_eq!(machine.arrived(), subjects);
}

#[test]
#[ignore = "only root can make users"]
fn many_runs_at_once_send_what_was_handed_in_once() {
    //
    let machine = Machine::new();
    let subjects: Vec<String> = (0..60).map(|number| format!("number {number:03}")).collect();
    for (number, subject) in subjects.iter().enumerate() {
        machine.put(ALICE, &format!("{number:016x}"), &entry(subject, |it| it), 0o600);
    }
    let mut command = machine.command(
        "root",
        &["sh", "-c", "for i in 1 2 3 4 5 6 7 8; do envoi queue run -q & done; wait"],
    );
    let run = finished({
        command.stdin(Stdio::null());
        command
    });
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run}");
    assert_eq!(machine.arrived(), subjects);
    assert_eq!(machine.files("drop"), [""; 0]);
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
