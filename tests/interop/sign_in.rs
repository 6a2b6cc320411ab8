//! Signing in: every mechanism at every server, in the clear, after STARTTLS and
//! inside TLS.
//!
//! What a server offers is read in its own answer to EHLO. What it offers must
//! work, to the end: the message is there afterwards. What it does not offer is
//! not tried. The outcome is a table, `sign-in/NAME.txt` where Cargo keeps
//! the files of tests; `tests/run` prints all of them.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::letter::Letter;
use crate::program::{Client, Run};
use crate::secrets::{Given, assert_keeps};
use crate::server::{Door, PASSWORD, Server, USER, wait_until};
use crate::token::{forged_token, token};

/// Makes a module of tests; `$server` is the function that lends the server.
macro_rules! in_each_mechanism {
    ($server:ident) => {
        mod sign_in {
            use crate::sign_in;

            #[test]
            fn each_mechanism_that_is_offered_works_and_no_other_is_tried() {
                sign_in::each_mechanism_works(&*super::$server());
            }

            #[test]
            fn a_wrong_secret_is_said_once_and_is_77() {
                sign_in::a_wrong_secret_is_said_once(&*super::$server());
            }
        }
    };
}
pub(crate) use in_each_mechanism;

/// A server at which one can sign in.
pub(crate) trait Offers: Server {
    /// What stands above its table.
    fn name(&self) -> String;

    /// The ways in, the surest last.
    fn doors(&self) -> Vec<Door>;
}

/// What a mechanism is fed with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Food {
    Password,
    Token,
    Certificate,
    Nothing,
}

struct Mechanism {
    name: &'static str,
    /// Who reads the exchange can sign in afterwards.
    exposes: bool,
    food: Food,
    /// Its place in the choice of a program that is told none.
    automatic: bool,
}

const fn password(name: &'static str, exposes: bool, automatic: bool) -> Mechanism {
    Mechanism { name, exposes, food: Food::Password, automatic }
}

const fn named(name: &'static str, exposes: bool, food: Food) -> Mechanism {
    Mechanism { name, exposes, food, automatic: false }
}

/// Best first.
const MECHANISMS: [Mechanism; 11] = [
    password("SCRAM-SHA-256-PLUS", false, true),
    password("SCRAM-SHA-1-PLUS", false, true),
    password("SCRAM-SHA-256", false, true),
    password("SCRAM-SHA-1", false, true),
    password("PLAIN", true, true),
    password("LOGIN", true, true),
    password("CRAM-MD5", false, false),
    named("OAUTHBEARER", true, Food::Token),
    named("XOAUTH2", true, Food::Token),
    named("EXTERNAL", false, Food::Certificate),
    named("ANONYMOUS", false, Food::Nothing),
];

const WRONG: &str = "Offen.43?allen";

pub(crate) fn each_mechanism_works(server: &dyn Offers) {
    let (name, doors) = (server.name(), server.doors());
    let mut table = format!("{name}\n{:22}", "");
    for door in &doors {
        let _ = write!(table, "{:24}", heading(*door));
    }
    for mechanism in &MECHANISMS {
        let _ = write!(table, "\n  {:20}", mechanism.name);
        for door in &doors {
            let _ = write!(table, "{:24}", named_at(server, *door, mechanism));
        }
    }
    let _ = write!(table, "\n  {:20}", "chosen by itself");
    for door in &doors {
        let _ = write!(table, "{:24}", chosen_at(server, *door));
    }
    keep(&name, &table);
}

/// Each mechanism with a wrong secret, named and as the choice of the program,
/// at the last door.
pub(crate) fn a_wrong_secret_is_said_once(server: &dyn Offers) {
    let door = *server.doors().last().expect("a server has doors");
    let mut named = 0;
    for mechanism in MECHANISMS.iter().filter(|mechanism| mechanism.food != Food::Nothing) {
        let tried = Tried::with(server, door, Some(mechanism), Secret::Wrong, &[]);
        if tried.offers(mechanism.name) {
            tried.assert_refused_once(Some(mechanism.name));
            named += 1;
        }
    }
    assert_ne!(named, 0, "no mechanism is offered");
    Tried::with(server, door, None, Secret::Wrong, &[]).assert_refused_once(None);
}

/// What the table says of a mechanism that is asked for by its name.
fn named_at(server: &dyn Server, door: Door, mechanism: &Mechanism) -> &'static str {
    let tried = Tried::with(server, door, Some(mechanism), Secret::Right, &[]);
    if !tried.offers(mechanism.name) {
        tried.assert_not_tried();
        return "not offered";
    }
    let nothing_to_show = door.is_clear() && mechanism.food == Food::Certificate;
    if door.is_clear() && (mechanism.exposes || nothing_to_show) {
        tried.assert_not_tried();
        if nothing_to_show {
            return "refused: no TLS";
        }
        let options = ["--allow-cleartext-auth"];
        let tried = Tried::with(server, door, Some(mechanism), Secret::Right, &options);
        tried.assert_signed_in(mechanism.name);
        return "works if allowed";
    }
    tried.assert_signed_in(mechanism.name);
    "works"
}

/// What the program takes where it is given a password and no name.
fn chosen_at(server: &dyn Server, door: Door) -> &'static str {
    // SASL-order
    let tried = Tried::with(server, door, None, Secret::Right, &[]);
    let best = MECHANISMS.iter().find(|mechanism| {
        let fit = mechanism.automatic && !(door.is_clear() && mechanism.exposes);
        fit && tried.offers(mechanism.name)
    });
    if let Some(mechanism) = best {
        tried.assert_signed_in(mechanism.name);
        mechanism.name
    } else {
        tried.assert_not_tried();
        "refused: no TLS"
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Secret {
    Right,
    Wrong,
}

/// One run, from which no secret got out.
struct Tried<'s> {
    server: &'s dyn Server,
    door: Door,
    to: String,
    run: Run,
    /// What the last answer to EHLO offered.
    offered: Vec<String>,
}

impl<'s> Tried<'s> {
    fn with(
        server: &'s dyn Server,
        door: Door,
        mechanism: Option<&Mechanism>,
        secret: Secret,
        options: &[&str],
    ) -> Self {
        let food = mechanism.map_or(Food::Password, |mechanism| mechanism.food);
        let given = given(server, food, secret);
        let client = feed(Client::before(server, door), &given);
        let to = Letter::someone("peggy");
        let mut arguments = Letter::short(&to);
        arguments.extend(["-vv", "--raw"].map(Into::into));
        for (option, file) in [("--transcript", "transcript"), ("--events", "events")] {
            arguments.extend([option.into(), client.home().join(file).into()]);
        }
        if let Some(mechanism) = mechanism {
            arguments.extend(["--auth", &mechanism.name.to_lowercase()].map(Into::into));
        }
        arguments.extend(options.iter().map(Into::into));
        let before = server.exchange();
        let run = client.send(arguments);
        let mut exchange = server.exchange().since(&before);
        exchange.challenges.extend(server.standing_challenge());
        assert_keeps(&given, &run, client.home(), &exchange);
        let offered = offered(&run).unwrap_or_else(|| {
            assert!(door.is_clear(), "no answer to EHLO\n{run}");
            offered_to_nobody(server, door)
        });
        Self { server, door, to, run, offered }
    }

    fn offers(&self, mechanism: &str) -> bool {
        self.offered.iter().any(|offered| offered == mechanism)
    }

    #[track_caller]
    fn assert_signed_in(&self, mechanism: &str) {
        let run = &self.run;
        assert_eq!(run.status, 0, "{mechanism} at {:?}\n{run}", self.door);
        let report = run.report();
        assert_eq!(report["attempts"][0]["auth"]["mechanism"], mechanism, "{run}");
        let version = report["attempts"][0]["tls"]["version"].as_str().unwrap_or_default();
        assert_eq!(version.is_empty(), self.door.is_clear(), "{run}");
        assert!(version.ends_with(self.door.tls), "{run}");
        assert_eq!(auth_commands(run), [mechanism], "{run}");
        let arrived = || self.server.stored(&self.to);
        let octets = wait_until(|| format!("{} to arrive\n{run}", self.to), arrived);
        assert!(String::from_utf8_lossy(&octets).contains(Letter::SHORT), "{run}");
    }

    #[track_caller]
    fn assert_not_tried(&self) {
        let run = &self.run;
        assert_ne!(run.status, 0, "{run}");
        assert!(auth_commands(run).is_empty(), "{run}");
        assert_eq!(self.server.stored(&self.to), None);
    }

    /// One command, of this mechanism if one was named, and then no more.
    #[track_caller]
    fn assert_refused_once(&self, named: Option<&str>) {
        let run = &self.run;
        assert_eq!(run.status, 77, "{run}");
        let commands = auth_commands(run);
        assert_eq!(commands.len(), 1, "{commands:?}\n{run}");
        assert!(named.is_none_or(|mechanism| commands == [mechanism]), "{commands:?}\n{run}");
        assert_eq!(run.report()["accepted"], json!([]), "{run}");
        assert_eq!(self.server.stored(&self.to), None);
    }
}

/// What is given to the program, right or wrong.
fn given(server: &dyn Server, food: Food, secret: Secret) -> Given {
    let right = secret == Secret::Right;
    match food {
        Food::Password => Given::Password(if right { PASSWORD } else { WRONG }.to_owned()),
        Food::Token => Given::Token(if right { token() } else { forged_token() }),
        Food::Certificate => {
            let file = if right { "client.key" } else { "stranger.key" };
            Given::Key(server.home().join(file))
        }
        Food::Nothing => Given::Nothing,
    }
}

/// Passwords and tokens come from a command, which also writes down what
/// everybody on the machine could see of it and of the program meanwhile.
fn feed(client: Client, given: &Given) -> Client {
    let words: Vec<OsString> = match given {
        Given::Password(secret) | Given::Token(secret) => {
            let home = client.home().display();
            let script = format!(
                "for process in $PPID $$; do\n\
                 \tcat /proc/$process/cmdline /proc/$process/environ\n\
                 done >{home}/{SEEN}\ncat {home}/{SECRET}\n"
            );
            client.write_private(SECRET, secret);
            client.write_private("tell", &script);
            let source = format!("command:/bin/sh {home}/tell");
            ["--user", USER, "--password-from", &source].map(Into::into).to_vec()
        }
        Given::Key(key) => {
            let certificate = key.with_extension("pem");
            vec!["--tls-cert".into(), certificate.into(), "--tls-key".into(), key.into()]
        }
        // A trace: Exim 4.96 does not read the `=` of an empty message here.
        Given::Nothing => vec!["--user".into(), "passer-by".into()],
    };
    client.signing_in_by(words)
}

/// What the command of [`feed`] has seen, and what it tells; in the home.
pub(crate) const SEEN: &str = "seen";
pub(crate) const SECRET: &str = "secret";

/// The mechanisms of the last answer to EHLO, if there was any.
pub(crate) fn offered(run: &Run) -> Option<Vec<String>> {
    let report = run.report();
    let lines = report["attempts"].get(0)?["extensions"].as_array()?;
    let mut words = lines.iter().filter_map(Value::as_str).map(str::split_ascii_whitespace);
    let auth = words.find_map(|mut line| (line.next() == Some("AUTH")).then_some(line));
    Some(auth.into_iter().flatten().map(str::to_ascii_uppercase).collect())
}

/// Likewise for a client without a secret, where the program does not even ask
/// the server.
fn offered_to_nobody(server: &dyn Server, door: Door) -> Vec<String> {
    let run = Client::before(server, door).send(Letter::short(&Letter::someone("nobody")));
    offered(&run).unwrap_or_else(|| panic!("no answer to EHLO\n{run}"))
}

/// The mechanism of every AUTH command in the transcript.
pub(crate) fn auth_commands(run: &Run) -> Vec<&str> {
    let commands = run.stderr.lines().filter_map(|line| {
        line.strip_prefix(" -> AUTH ").or_else(|| line.strip_prefix(" ~> AUTH "))
    });
    commands.filter_map(|words| words.split_ascii_whitespace().next()).collect()
}

fn heading(door: Door) -> String {
    use crate::server::Mode;
    match door.mode {
        Mode::Cleartext => "in clear".to_owned(),
        Mode::Starttls => format!("STARTTLS, TLS {}", door.tls),
        Mode::ImplicitTls => format!("TLS {}", door.tls),
    }
}

/// Prints the table, and keeps it for whoever started the tests.
fn keep(name: &str, table: &str) {
    println!("\n{table}");
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sign-in");
    fs::create_dir_all(&directory).expect("making a directory for tables");
    let file = name.replace(' ', "-").to_ascii_lowercase();
    let trimmed: String = table.lines().map(|line| line.trim_end().to_owned() + "\n").collect();
    fs::write(directory.join(format!("{file}.txt")), trimmed).expect("writing a table");
}
