//! Conversations, one a file under `tests/conversations/`, played against the
//! receiver: it gets the client's lines, and its reply codes must be those of
//! the file.

use envoi::sasl::{Credentials, Secret, Users};
use envoi::sink::{ContentReader, Conversation, Next, Offer, Policy, Refusal, Verdict};
use envoi::smtp::Reply;
use std::collections::VecDeque;
use std::fs;

/// One file. Its lines begin with:
///
/// ```text
/// # text           what it is about; one such line begins the file
/// # name: value    a setting, see below; also without value
/// S: line          the server says this
/// C: line          the client says this; \n and \r stand for LF and CR
/// === TLS          both do the handshake
/// = text           what the client reports
/// ```
///
/// | setting | server | client |
/// |---|---|---|
/// | `offer: WORD…` | offers these extensions and mechanisms | |
/// | `refuse: ADDRESS=CODE TEXT` | refuses this recipient | |
/// | `size-limit: OCTETS` | takes no larger message | |
/// | `user: NAME:PASSWORD` | knows this user only | signs in as this user |
/// | `password: TEXT` | | signs in with this instead |
/// | `auth: MECHANISM` | | is told to use this one |
/// | `nonce: TEXT` | makes challenges from this | |
/// | `require-auth` | takes no mail before | |
/// | `tls` | TLS is up from the beginning | the same |
/// | `security: starttls` | | insists on STARTTLS |
/// | `all-or-nothing` | | sends nothing if one recipient is refused |
/// | `only: sink` | | does not play this file |
struct Script {
    name: String,
    settings: Vec<(String, String)>,
    steps: Vec<Step>,
    results: Vec<String>,
}

/// One thing that happens.
enum Step {
    /// The server gives a whole reply.
    Server(Reply),
    /// The client says a line, given without CRLF.
    Client(Vec<u8>),
    /// The handshake.
    Tls,
}

impl Script {
    /// Every file, in the order of the names.
    fn all() -> Vec<Script> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conversations");
        let mut scripts: Vec<Script> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "smtp"))
            .map(|path| {
                let name = path.file_stem().unwrap().to_str().unwrap();
                Script::parse(name, &fs::read_to_string(&path).unwrap())
            })
            .collect();
        scripts.sort_by(|a, b| a.name.cmp(&b.name));
        scripts
    }

    fn parse(name: &str, text: &str) -> Script {
        let mut script = Script {
            name: name.to_owned(),
            settings: Vec::new(),
            steps: Vec::new(),
            results: Vec::new(),
        };
        let mut reply: Vec<&str> = Vec::new();
        for line in text.lines().skip(1) {
            if let Some(part) = line.strip_prefix("S: ") {
                reply.push(part);
                if part.as_bytes().get(3) != Some(&b'-') {
                    script.steps.push(Step::Server(read_reply(&reply)));
                    reply.clear();
                }
            } else if let Some(said) = line.strip_prefix("C:") {
                let said = said.strip_prefix(' ').unwrap_or(said);
                let said = said.replace("\\n", "\n").replace("\\r", "\r");
                script.steps.push(Step::Client(said.into_bytes()));
            } else if let Some(setting) = line.strip_prefix("# ") {
                let (name, value) = setting.split_once(": ").unwrap_or((setting, ""));
                script.settings.push((name.to_owned(), value.to_owned()));
            } else if line == "=== TLS" {
                script.steps.push(Step::Tls);
            } else if let Some(results) = line.strip_prefix("= ") {
                script.results.extend(results.split("; ").map(str::to_owned));
            } else {
                panic!("{name}: what is ‘{line}’?");
            }
        }
        assert!(reply.is_empty(), "{name}: a reply does not end");
        script
    }

    /// Every value of this setting.
    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.settings.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    fn value<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.values(name).next()
    }

    fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }
}

fn read_reply(lines: &[&str]) -> Reply {
    let text: Vec<&str> = lines.iter().map(|line| line.get(4..).unwrap_or("")).collect();
    Reply::new(lines[0][..3].parse().unwrap(), &text.join("\n")).unwrap()
}

#[test]
fn every_script_plays_against_the_sink() {
    let scripts = Script::all();
    assert!(scripts.len() >= 30);
    for script in &scripts {
        play_against_sink(script);
    }
}

#[test]
fn every_script_for_clients_says_what_the_client_reports() {
    for script in Script::all() {
        assert_eq!(script.has("only"), script.results.is_empty(), "{}", script.name);
    }
}

fn play_against_sink(script: &Script) {
    let policy = policy(script);
    let nonce = script.value("nonce").unwrap_or("1");
    let mut conversation = Conversation::new(&policy, script.has("tls"), nonce);
    let mut replies = VecDeque::from([conversation.greeting()]);
    let (mut next, mut content) = (Next::Command, Content::default());
    for step in &script.steps {
        match step {
            Step::Tls => {
                assert_eq!(next, Next::Handshake, "{}: no handshake is due", script.name);
                conversation.secured();
            }
            Step::Server(expected) => {
                let said = replies.pop_front();
                let said =
                    said.unwrap_or_else(|| panic!("{}: nothing, not {expected}", script.name));
                assert_eq!(said.code, expected.code, "{}: {said}, not {expected}", script.name);
            }
            Step::Client(line) => {
                let answer = if next == Next::Content {
                    let Some(verdict) = content.line(line, &policy) else { continue };
                    conversation.end_of_data(verdict)
                } else {
                    conversation.answer(line)
                };
                replies.push_back(answer.reply);
                next = answer.next;
                content = Content::default();
            }
        }
    }
    assert!(replies.is_empty(), "{}: {replies:?} were said, too", script.name);
    assert_eq!(next, Next::Close, "{}: it ends while the server goes on", script.name);
}

/// What the network does for the conversation with a message's content.
#[derive(Default)]
struct Content {
    reader: ContentReader,
    size: u64,
}

impl Content {
    fn line(&mut self, line: &[u8], policy: &Policy) -> Option<Verdict<'static>> {
        let line = [line, b"\r\n"].concat();
        let progress = self.reader.read(&line, |octets| self.size += octets.len() as u64);
        progress.ended.then_some(if self.reader.has_bare_line_end() {
            Verdict::BareLineEnd
        } else if policy.size_limit.is_some_and(|limit| self.size > limit) {
            Verdict::TooLarge
        } else {
            Verdict::Stored("1")
        })
    }
}

fn policy(script: &Script) -> Policy {
    let mut offer = Offer::nothing();
    for mechanism in ["PLAIN", "LOGIN", "CRAM-MD5"] {
        offer = offer.without(mechanism).unwrap();
    }
    for word in script.values("offer").flat_map(str::split_ascii_whitespace) {
        offer = offer.with(word).unwrap();
    }
    let users: Vec<Credentials> = script
        .values("user")
        .map(|user| {
            let (user, password) = user.split_once(':').unwrap();
            Credentials { user: user.to_owned(), password: Secret::new(password) }
        })
        .collect();
    Policy {
        offer,
        size_limit: script.value("size-limit").map(|limit| limit.parse().unwrap()),
        users: if users.is_empty() { Users::Anyone } else { Users::Only(users) },
        require_auth: script.has("require-auth"),
        refuse: script.values("refuse").map(|rule| Refusal::parse(rule).unwrap()).collect(),
        ..Policy::default()
    }
}
