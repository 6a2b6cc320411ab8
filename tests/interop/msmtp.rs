//! msmtp beside the program: what is one's configuration is the other's.
//!
//! Each file of `tests/interop/msmtp/` is read by msmtp, by envoi in its place,
//! and by envoi after `account import --write`; each submits a message to the
//! embedded receiver, and the three must do the same there. Lines of a file that
//! begin with `#:` say how the programs are called, and which differences stay,
//! with the reason.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use envoi::sasl::server::Users;
use envoi::sasl::{Credentials, Secret};
use envoi::sink::{Encryption, Event, Listen, Policy, Settings, Sink, Stored};
use envoi::smtp::ForwardPath;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tempfile::TempDir;

use crate::authority::{AUTHORITY, write_certificates};
use crate::server::{PASSWORD, USER, file, fill, free_ports, private_directory, program};
use crate::token::token;

#[test]
fn an_msmtprc_means_to_envoi_what_it_means_to_msmtp() {
    let bench = Bench::new();
    let mut files: Vec<PathBuf> = fs::read_dir(file("msmtp"))
        .expect("listing the configurations")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    assert!(files.len() >= 30, "only {} configurations", files.len());
    let rows: Vec<Row> = files.iter().map(|file| bench.row(file)).collect();
    let mut table = String::new();
    for row in &rows {
        // Writing into a String cannot fail.
        let _ = writeln!(table, "{row}");
    }
    println!("{table}");
    keep(&table);
    let wrong: Vec<_> = rows.iter().flat_map(|row| &row.wrong).map(String::as_str).collect();
    assert!(wrong.is_empty(), "{}\n{table}", wrong.join("\n"));
}

/// Leaves the table where `tests/run` prints it from.
fn keep(table: &str) {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sign-in");
    fs::create_dir_all(&directory).expect("making a directory for tables");
    let text = format!("msmtprc: what msmtp does, envoi in its place, envoi after import\n{table}");
    fs::write(directory.join("msmtprc"), text).expect("writing a table");
}

/// The receiver, and what configurations name.
struct Bench {
    sink: Sink,
    home: TempDir,
    fingerprint: String,
    dead: u16,
}

impl Bench {
    fn new() -> Self {
        let home = private_directory();
        write_certificates(home.path());
        let clients = fs::read(home.path().join(AUTHORITY)).expect("reading the authority");
        let clients = CertificateDer::from_pem_slice(&clients).expect("a certificate");
        let user =
            |secret: &str| Credentials { user: USER.to_owned(), password: Secret::new(secret) };
        let sink = Sink::start(Settings {
            listen: vec![
                Listen::loopback(0, Encryption::StartTls),
                Listen::loopback(0, Encryption::Implicit),
                Listen::loopback(0, Encryption::StartTls).speaking_lmtp(),
            ],
            policy: Policy {
                // A token is a password here.
                users: Users::Only(vec![user(PASSWORD), user(&token())]),
                cleartext_auth: true,
                ..Policy::default()
            },
            client_authorities: vec![clients],
            ..Settings::default()
        });
        let sink = sink.expect("starting the receiver");
        fs::write(home.path().join("ca.pem"), sink.ca_pem()).expect("writing the authority");
        let [dead] = free_ports();
        let fingerprint = fingerprint(sink.addresses()[1].port());
        Bench { sink, home, fingerprint, dead }
    }

    fn row(&self, file: &Path) -> Row {
        let case = Case::read(file);
        let home = self.prepare(&case);
        let by_msmtp = self.msmtp(&case, home.path());
        let in_place = self.envoi(&case, home.path());
        let imported = envoi(home.path(), &case)
            .args(["account", "import", "--write"])
            .output()
            .expect("running envoi");
        let imported =
            if imported.status.success() { self.envoi(&case, home.path()) } else { None };
        Row::of(&case, by_msmtp.as_ref(), in_place.as_ref(), imported.as_ref())
    }

    /// A home with the configuration and the files that it names.
    fn prepare(&self, case: &Case) -> TempDir {
        let home = private_directory();
        for name in ["ca.pem", "client.pem", "client.key"] {
            fs::copy(self.home.path().join(name), home.path().join(name)).expect("copying a file");
        }
        let port = |at: usize| self.sink.addresses()[at].port();
        let text = fill(
            &case.text,
            &[
                ("CLEAR", &port(0)),
                ("TLS", &port(1)),
                ("LMTP", &port(2)),
                ("DEAD", &self.dead),
                ("CA", &home.path().join("ca.pem").display()),
                ("HOME", &home.path().display()),
                ("FINGERPRINT", &self.fingerprint),
                ("TOKEN", &token()),
            ],
        );
        write_private(&home.path().join(".msmtprc"), &text);
        for (name, line) in &case.files {
            let path = home.path().join(name);
            let before = fs::read_to_string(&path).unwrap_or_default();
            write_private(&path, &format!("{before}{line}\n"));
        }
        home
    }

    fn msmtp(&self, case: &Case, home: &Path) -> Option<Sent> {
        let mut command = with_aliases(&program("msmtp", "msmtp"), home);
        surround(&mut command, home, case).arg("--debug");
        if let Some(account) = &case.account {
            command.args(["-a", account]);
        }
        if let Some(sender) = &case.sender {
            command.args(["-f", sender]);
        }
        self.submit(command.arg("--"), case)
    }

    fn envoi(&self, case: &Case, home: &Path) -> Option<Sent> {
        let mut command = envoi(home, case);
        command.args(["sendmail", "-v", "-i"]);
        if let Some(account) = &case.account {
            command.env("ENVOI_ACCOUNT", account);
        }
        if let Some(sender) = &case.sender {
            command.args(["-f", sender]);
        }
        self.submit(&mut command, case)
    }

    /// What came of a submission; nothing if the program says that it failed.
    fn submit(&self, command: &mut Command, case: &Case) -> Option<Sent> {
        let mut child = command
            .args(&case.recipients)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starting a program");
        let mut stdin = child.stdin.take().expect("a pipe");
        // A program that refuses its configuration does not read.
        let _ = stdin.write_all(case.message().as_bytes());
        drop(stdin);
        let output = child.wait_with_output().expect("waiting for a program");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        // What msmtp says that it could not send, envoi keeps.
        let is_kept = said.contains("nothing tries what is in the queue");
        let is_stored = output.status.success() && !is_kept;
        let stored = is_stored.then(|| {
            let stored = self.sink.next_stored(Duration::from_secs(20));
            stored.unwrap_or_else(|| panic!("{}: nothing came; it said:\n{said}", case.name))
        });
        // Nothing of this run may be taken for the next one's.
        while let Ok(event) = self.sink.events().try_recv() {
            assert!(
                !matches!(event, Event::Stored(_)),
                "{}: more came; it said:\n{said}",
                case.name
            );
        }
        stored.map(|stored| Sent::of(&stored, &said, case))
    }
}

fn envoi(home: &Path, case: &Case) -> Command {
    let mut command = with_aliases(Path::new(env!("CARGO_BIN_EXE_envoi")), home);
    surround(&mut command, home, case);
    command
}

/// A program on a machine whose own aliases lead elsewhere, which msmtp never
/// looks at.
fn with_aliases(program: &Path, home: &Path) -> Command {
    let aliases = home.join("etc-aliases");
    write_private(&aliases, "postmaster: wrong@example.com\ndefault: wrong@example.com\n");
    let mut command = Command::new("/usr/bin/unshare");
    let script = "mount --bind \"$0\" /etc/aliases && exec \"$@\"";
    command.args(["--mount", "sh", "-c", script]).arg(aliases).arg(program);
    command
}

/// Nothing of the developer's own.
fn surround<'c>(command: &'c mut Command, home: &Path, case: &Case) -> &'c mut Command {
    command
        .env_clear()
        .env("HOME", home)
        .env("USER", "otto")
        .env("HOSTNAME", "box.example.org")
        .env("NAME_OF_TEST", &case.name)
        .env("PATH", "/usr/bin:/bin")
        .current_dir(home)
}

/// The fingerprint of the certificate at a port, as msmtp writes it.
fn fingerprint(port: u16) -> String {
    let pipe = format!(
        "openssl s_client -connect 127.0.0.1:{port} </dev/null 2>/dev/null | \
         openssl x509 -noout -fingerprint -sha256"
    );
    let output = Command::new("sh").args(["-c", &pipe]).output().expect("running openssl");
    let text = String::from_utf8(output.stdout).expect("hexadecimal");
    text.trim().rsplit('=').next().unwrap_or_default().to_owned()
}

fn write_private(path: &Path, text: &str) {
    let mut file = File::create(path).expect("making a file");
    file.set_permissions(fs::Permissions::from_mode(0o600)).expect("closing a file");
    file.write_all(text.as_bytes()).expect("writing a file");
}

/// A configuration, and how the programs are called with it.
struct Case {
    name: String,
    text: String,
    sender: Option<String>,
    account: Option<String>,
    recipients: Vec<String>,
    from: Option<String>,
    files: Vec<(String, String)>,
    /// What differs in any case, with the reason.
    differs: Vec<(String, String)>,
    /// Why what was imported does something else.
    imported_differs: Option<String>,
}

impl Case {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).expect("reading a configuration");
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let mut case = Case {
            name,
            sender: None,
            account: None,
            recipients: vec!["bob@example.net".to_owned()],
            from: None,
            files: Vec::new(),
            differs: Vec::new(),
            imported_differs: None,
            text: text.clone(),
        };
        for line in text.lines().filter_map(|line| line.strip_prefix("#: ")) {
            let (word, rest) = line.split_once(' ').expect("a word and what it says");
            let pair = || {
                let (first, rest) = rest.split_once(' ').expect("two words");
                (first.to_owned(), rest.to_owned())
            };
            match word {
                "sender" => case.sender = Some(rest.to_owned()),
                "account" => case.account = Some(rest.to_owned()),
                "from" => case.from = Some(rest.to_owned()),
                "recipients" => case.recipients = rest.split(' ').map(str::to_owned).collect(),
                "file" => case.files.push(pair()),
                "differs" => case.differs.push(pair()),
                "imported-differs" => case.imported_differs = Some(rest.to_owned()),
                _ => panic!("{}: what is {word}?", case.name),
            }
        }
        case
    }

    fn message(&self) -> String {
        let from = self.from.as_ref().map(|from| format!("From: {from}\n")).unwrap_or_default();
        format!("{from}Subject: msmtprc\n\nText.\n")
    }

    /// A recipient. A bare name that was typed is that to msmtp; envoi gives it
    /// the domain of the machine.
    fn as_typed(&self, to: &ForwardPath) -> String {
        let path = to.to_string();
        let local = path.trim_matches(['<', '>']).split('@').next().unwrap_or_default();
        let bare = self.recipients.iter().find(|name| name.eq_ignore_ascii_case(local));
        bare.map_or(path.clone(), |name| format!("<{name}>"))
    }

    fn names(&self, directive: &str) -> bool {
        self.text.lines().any(|line| line.trim_start().starts_with(directive))
    }
}

/// What the receiver saw of a submission, and what the client says of it.
#[derive(Clone, PartialEq, Eq)]
struct Sent {
    facts: Vec<(&'static str, String)>,
}

impl Sent {
    fn of(stored: &Stored, said: &str, case: &Case) -> Self {
        let commands: Vec<&str> = said
            .lines()
            .filter_map(|line| {
                let marks = ["--> ", " -> ", " ~> "];
                marks.into_iter().find_map(|mark| line.strip_prefix(mark))
            })
            .collect();
        let is_there = |word: &str| commands.contains(&word);
        let tls = match (stored.tls, is_there("STARTTLS")) {
            (None, _) => "clear",
            (Some(_), true) => "starttls",
            (Some(_), false) => "tls",
        };
        let received = stored.trace.lines().find(|line| line.starts_with("Received: from "));
        let mut received = received.expect("a trace").split(' ').skip(2);
        let (greeting, peer) = (received.next().unwrap_or(""), received.next().unwrap_or(""));
        // Their order means nothing.
        let to: BTreeSet<String> = stored.to.iter().map(|to| case.as_typed(&to.path)).collect();
        let to: Vec<String> = to.into_iter().collect();
        let content = String::from_utf8_lossy(stored.octets.as_deref().unwrap_or_default());
        let author = content.lines().find(|line| line.starts_with("From: ")).unwrap_or("");
        let mut facts = vec![
            ("tls", tls.to_owned()),
            ("protocol", stored.protocol.clone()),
            ("peer", peer.to_owned()),
            ("from", stored.from.to_string()),
            ("to", to.join(" ")),
            ("user", stored.user.clone().unwrap_or_else(|| "-".to_owned())),
            ("auth", mechanism(&commands).to_owned()),
            ("dsn", delivery_reports(&commands)),
            ("author", author.trim_start_matches("From: ").trim_end().to_owned()),
        ];
        // Without it msmtp says ‘localhost’, and envoi the name of the machine.
        if case.names("domain ") || case.names("eval echo \"domain") {
            facts.push(("greeting", greeting.to_owned()));
        }
        Sent { facts }
    }
}

/// The class of the mechanism: of those that show no password, each program
/// takes the best that it has.
fn mechanism<'c>(commands: &[&'c str]) -> &'c str {
    let auth = commands.iter().filter_map(|command| command.strip_prefix("AUTH ")).next_back();
    let name = auth.and_then(|auth| auth.split(' ').next()).unwrap_or("-");
    if name.starts_with("SCRAM-") { "SCRAM" } else { name }
}

/// The parameters that ask for reports (RFC 3461).
fn delivery_reports(commands: &[&str]) -> String {
    let words = commands.iter().flat_map(|command| command.split(' '));
    let asked = words.filter(|word| ["NOTIFY=", "RET="].iter().any(|name| word.starts_with(name)));
    let asked: BTreeSet<&str> = asked.collect();
    asked.into_iter().collect::<Vec<_>>().join(" ")
}

/// What came of a configuration.
struct Row {
    name: String,
    what: String,
    notes: Vec<String>,
    wrong: Vec<String>,
}

impl Row {
    fn of(
        case: &Case,
        msmtp: Option<&Sent>,
        in_place: Option<&Sent>,
        imported: Option<&Sent>,
    ) -> Self {
        let mut row = Row {
            what: msmtp.map_or_else(|| "refused or failed".to_owned(), summary),
            name: case.name.clone(),
            notes: case.differs.iter().map(|(fact, why)| format!("{fact}: {why}")).collect(),
            wrong: Vec::new(),
        };
        row.compare("in place", case, msmtp, in_place);
        match &case.imported_differs {
            None => row.compare("imported", case, msmtp, imported),
            Some(why) => {
                row.notes.push(format!("imported: {why}"));
                if msmtp == imported {
                    row.wrong.push(format!("{}: imported it does the same after all", row.name));
                }
            }
        }
        row
    }

    fn compare(&mut self, how: &str, case: &Case, msmtp: Option<&Sent>, envoi: Option<&Sent>) {
        let name = &self.name;
        let stays = |fact: &str| case.differs.iter().any(|(differing, _)| differing == fact);
        let sends = |sent: Option<&Sent>| if sent.is_some() { "sends" } else { "does not" };
        if (msmtp.is_some() != envoi.is_some()) != stays("sending") {
            let (theirs, ours) = (sends(msmtp), sends(envoi));
            self.wrong.push(format!("{name}, {how}: msmtp {theirs}, envoi {ours}"));
        }
        if let (Some(msmtp), Some(envoi)) = (msmtp, envoi) {
            for ((fact, ours), (_, theirs)) in envoi.facts.iter().zip(&msmtp.facts) {
                if (ours != theirs) != stays(fact) {
                    let wrong = format!("{name}, {how}: {fact}: msmtp ‘{theirs}’, envoi ‘{ours}’");
                    self.wrong.push(wrong);
                }
            }
        }
    }
}

fn summary(sent: &Sent) -> String {
    let fact =
        |name| sent.facts.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value);
    format!(
        "{:<8} {:<8} {:<7} {} → {}",
        fact("tls"),
        fact("auth"),
        fact("user"),
        fact("from"),
        fact("to")
    )
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.wrong.is_empty() { "same" } else { "WRONG" };
        write!(f, "{:<28} {mark:<6} {}", self.name, self.what)?;
        for note in &self.notes {
            write!(f, "\n{:<36}(stays) {note}", "")?;
        }
        Ok(())
    }
}
