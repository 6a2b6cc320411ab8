//! A whole system with one queue: users hand in, root sends. Two users, of whom
//! Alice is up to no good.

#[path = "handed_in/hostile.rs"]
mod hostile;
#[path = "handed_in/killed.rs"]
mod killed;
#[path = "handed_in/unseen.rs"]
mod unseen;

use crate::running::{Place, Run, finished};
use crate::server::taken;
use envoi::sasl::server::Users;
use envoi::sasl::{Credentials, Secret};
use envoi::sink::{Policy, Settings, Sink, Stored};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
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
    machine.mode("spool/envoi/drop", 0o711);
    let run = machine.run("alice", &["sendmail", "-bs"], dialogue);
    assert!(run.stdout.contains("\r\n451 4.3.0 the queue in"), "{run}");
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
    let root_runs = || machine.run("root", &["envoi", "queue", "run", "-q"], "");
    let mend = "root can mend it: install -d -m 1733 -o root -g root /var/spool/envoi/drop\n";
    for (mode, sentence) in [
        (0o755, "the directory /var/spool/envoi/drop is open to others (mode 0755)"),
        (0o1777, "the directory /var/spool/envoi/drop is open to others (mode 1777)"),
        (0o777, "the directory /var/spool/envoi/drop may be changed by others (mode 0777)"),
        (0o733, "the directory /var/spool/envoi/drop may be changed by others (mode 0733)"),
    ] {
        machine.mode("spool/envoi/drop", mode);
        let run = send();
        assert!(run.status == 75 && run.stderr.contains(sentence), "{run}");
        assert!(run.stderr.ends_with(mend), "{run}");
        let run = root_runs();
        let told = format!("warning: what users handed in waits: {sentence}\nhint: {mend}");
        assert_eq!(run.stderr, told, "{run}");
        let list = machine.run("root", &["envoi", "queue"], "");
        assert!(list.stdout.contains(&format!("nothing is taken over: {sentence}; ")), "{list}");
    }
    let (_, command) = mend.split_once(": ").expect("a command");
    assert_eq!(machine.shell("root", command).status, 0);
    assert_eq!(send().status, 0);
    assert_eq!(root_runs().stderr, "");
    machine.mode("spool/envoi/drop", 0o711);
    let run = send();
    let sentence = "the queue in /var/spool/envoi/drop cannot be written: Permission denied";
    assert!(run.status == 75 && run.stderr.contains(sentence), "{run}");
    let run = root_runs();
    let sentence = "warning: users cannot hand anything in: /var/spool/envoi/drop is closed to \
                    them (mode 0711)\nhint: open it: install -d -m 1733 ";
    assert!(run.status == 0 && run.stderr.starts_with(sentence), "{run}");
    assert_eq!(run.stderr.matches("warning").count(), 1, "{run}");
    machine.mode("spool/envoi/drop", 0o1733);
    chown(machine.path("spool/envoi/drop"), Some(BOB), None).expect("giving it away");
    let run = send();
    assert!(run.status == 75 && run.stderr.contains("belongs to the user"), "{run}");
    let run = root_runs();
    assert_eq!(run.status, 74, "{run}");
    assert_eq!(run.stderr.matches("warning: ").count(), 1, "{run}");
    assert!(run.stderr.starts_with("warning: what users handed in waits: the directory"), "{run}");
}

#[test]
#[ignore = "only root can make users"]
fn what_was_handed_in_is_counted_by_root_before_it_is_taken_over() {
    let machine = Machine::new();
    let list = || machine.run("root", &["envoi", "queue"], "");
    assert_eq!(list().stdout, "Mail queue is empty\n");
    machine.hand_in("alice", "one");
    let one = "1 message that a user handed in waits to be taken over: envoi queue run\n";
    assert_eq!(list().stdout, one);
    machine.hand_in("bob", "two");
    let two = "2 messages that users handed in wait to be taken over: envoi queue run\n";
    assert_eq!(machine.run("root", &["sendmail", "-bp"], "").stdout, two);
    let run = machine.run("root", &["envoi", "--json", "queue"], "");
    let json: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(json["handedIn"], 2, "{run}");
    machine.root_sends();
    assert_eq!(list().stdout, "Mail queue is empty\n");
}

#[test]
#[ignore = "only root can make users"]
fn how_much_may_be_handed_in_is_what_the_system_says() {
    let machine = Machine::new();
    let config = machine.path("envoi/config.toml");
    let text = fs::read_to_string(&config).expect("reading it") + "[queue]\nmax-message = '2MB'\n";
    fs::write(config, text).expect("writing it");
    // What a user says of his own queue, and root of root's, is no matter here.
    let users = "[queue]\nmax-message = '1GB'\nmax-total = '9GB'\nkeep-free = '0%'\n";
    machine.place.write("home/alice/.config/envoi/config.toml", users, None);
    machine.place.write("root/.config/envoi/config.toml", "[queue]\nmax-message = '1MB'\n", None);
    let send = |subject: &str, lines: usize| {
        let text = format!("Subject: {subject}\n\n{}", "0123456789abcde\n".repeat(lines));
        machine.run("alice", &["sendmail", "-odq", "dave@away.example"], &text)
    };
    let run = send("large", 150_000);
    assert_eq!(run.status, 69, "{run}");
    let limit = "envoi: the message has 2550";
    assert!(run.stderr.contains(limit) && run.stderr.contains("at most 2000000"), "{run}");
    assert!(run.stderr.contains("hint: max-message of [queue] in /etc/envoi/"), "{run}");
    assert_eq!(machine.files("drop"), [""; 0]);
    assert_eq!(send("middling", 100_000).status, 0);
    machine.root_sends();
    assert_eq!(machine.arrived(), ["middling"]);
}
