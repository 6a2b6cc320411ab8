//! Conversations, one a file under `tests/conversations/`, each played twice.
//! Against the receiver: it gets the client's lines, and its reply codes must
//! be those of the file. Against the client: it gets the server's lines, and
//! what it says must be the file's to the octet, and so must what it reports.

mod harness;

use envoi::delivery::{
    Cause, Hop, Outcome, Report, Route, Secrets, SignIn, Submission, Unavailable, World, submit,
};
use envoi::message::{Message, Source};
use envoi::net::{Endpoint, Interrupt, Roots, Security, TlsSettings};
use envoi::sasl::server::Users;
use envoi::sasl::{Credentials, Proof, Secret};
use envoi::session::Unobserved;
use envoi::sink::{ContentReader, Conversation, Next, Offer, Policy, Refusal, Secured, Verdict};
use envoi::smtp::{
    DsnRequest, Envelope, ForwardPath, Hold, HoldLimits, Protocol, Reply, ReversePath,
};
use harness::{Identity, Peer, Scripted, hop};
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
/// === END          the server leaves
/// = text           what the client reports
/// ```
///
/// | setting | server | client |
/// |---|---|---|
/// | `offer: WORD…` | offers these extensions and mechanisms | |
/// | `lmtp` | speaks LMTP | the same |
/// | `refuse: ADDRESS=CODE TEXT` | refuses this recipient | |
/// | `refuse-after-data: ADDRESS=CODE TEXT` | the same, after the message | |
/// | `size-limit: OCTETS` | takes no larger message | |
/// | `hold-limit: SECONDS MOMENT` | holds no message longer | |
/// | `hold: SECONDS`, `hold: MOMENT` | | wants the message held so long |
/// | `user: NAME:PASSWORD` | knows this user only | signs in as this user |
/// | `password: TEXT` | | signs in with this instead |
/// | `auth: MECHANISM` | | is told to use this one |
/// | `nonce: TEXT` | makes challenges from this | |
/// | `require-auth` | takes no mail before | |
/// | `tls` | TLS is up from the beginning | the same |
/// | `security: starttls` | | insists on STARTTLS |
/// | `notify: WHEN`, `ret: WHAT`, `envid: TEXT` | | asks for this about reports |
/// | `all-or-nothing` | | sends nothing if one recipient is refused |
/// | `only: sink` | | does not play this file |
/// | `only: client` | does not play this file | |
///
/// The client sends to whom the file's RCPT lines name. Where there are none,
/// it sends from `Smith@bar.com` to the names of the last line at `foo.com`.
struct Script {
    name: String,
    settings: Vec<(String, String)>,
    steps: Vec<Step>,
    results: Vec<String>,
}

/// One thing that happens.
#[derive(Clone)]
enum Step {
    /// The server gives a whole reply.
    Server(Reply),
    /// The client says a line, given without CRLF.
    Client(Vec<u8>),
    /// The handshake.
    Tls,
    /// The server leaves.
    End,
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
            } else if line == "=== END" {
                script.steps.push(Step::End);
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

    fn protocol(&self) -> Protocol {
        if self.has("lmtp") { Protocol::Lmtp } else { Protocol::Smtp }
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
    for script in scripts.iter().filter(|script| script.value("only") != Some("client")) {
        play_against_sink(script);
    }
}

#[test]
fn every_script_plays_against_the_client() {
    for script in Script::all() {
        let is_played = script.value("only") != Some("sink");
        assert_eq!(is_played, !script.results.is_empty(), "{}", script.name);
        if is_played {
            play_against_client(&script);
        }
    }
}

fn play_against_sink(script: &Script) {
    let policy = policy(script);
    let nonce = script.value("nonce").unwrap_or("1");
    let mut conversation = Conversation::new(&policy, script.protocol(), script.has("tls"), nonce);
    let mut replies = VecDeque::from([conversation.greeting()]);
    let (mut next, mut content) = (Next::Command, Content::default());
    for step in &script.steps {
        match step {
            Step::Tls => {
                assert_eq!(next, Next::Handshake, "{}: no handshake is due", script.name);
                conversation.secured(Secured::default());
            }
            Step::End => panic!("{}: the receiver does not leave", script.name),
            Step::Server(expected) => {
                let said = replies.pop_front();
                let said =
                    said.unwrap_or_else(|| panic!("{}: nothing, not {expected}", script.name));
                assert_eq!(said.code, expected.code, "{}: {said}, not {expected}", script.name);
            }
            Step::Client(line) => {
                if next == Next::Content {
                    let Some(verdict) = content.line(line, &policy) else { continue };
                    replies.extend(conversation.end_of_data(verdict));
                    next = Next::Command;
                } else {
                    let answer = conversation.answer(line);
                    replies.extend(answer.reply);
                    next = answer.next;
                }
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
    let refusals = |name| script.values(name).map(|rule| Refusal::parse(rule).unwrap()).collect();
    Policy {
        offer,
        size_limit: script.value("size-limit").map(|limit| limit.parse().unwrap()),
        hold_limits: script.value("hold-limit").map(|limits| {
            let (seconds, moment) = limits.split_once(' ').unwrap();
            HoldLimits::from_words(seconds, moment).unwrap()
        }),
        users: if users.is_empty() { Users::Anyone } else { Users::Only(users) },
        require_auth: script.has("require-auth"),
        refuse: refusals("refuse"),
        refuse_after_data: refusals("refuse-after-data"),
        ..Policy::default()
    }
}

fn play_against_client(script: &Script) {
    let identity = Identity::of(&["127.0.0.1"]);
    let root = identity.root.clone();
    let part = ServerPart::of(script);
    let server = Scripted::once(move |peer| part.play(peer, &identity));
    let security = match script.value("security") {
        Some("starttls") => Security::StartTls,
        Some(other) => panic!("{}: security {other}?", script.name),
        None if script.has("tls") => Security::Implicit,
        None => Security::Cleartext,
    };
    let endpoint = Endpoint { protocol: script.protocol(), ..server.endpoint(security) };
    let report = client_part(script, endpoint, root);
    let results: Vec<String> = report.recipients.iter().map(|(to, of)| result(to, of)).collect();
    server.finish();
    assert_eq!(results, script.results, "{}: {:?}", script.name, report.attempts);
}

/// What the server of a file does.
struct ServerPart {
    name: String,
    steps: Vec<Step>,
    is_secured: bool,
}

impl ServerPart {
    fn of(script: &Script) -> Self {
        let name = script.name.clone();
        ServerPart { name, steps: script.steps.clone(), is_secured: script.has("tls") }
    }

    fn play(&self, peer: &mut Peer, identity: &Identity) {
        if self.is_secured {
            peer.secure(&identity.config);
        }
        let mut is_leaving = false;
        for step in &self.steps {
            match step {
                Step::Tls => peer.secure(&identity.config),
                Step::End => peer.hang_up(),
                Step::Server(reply) => {
                    is_leaving = reply.code.value() == 421;
                    peer.say(wire(reply));
                }
                Step::Client(line) => {
                    let said = peer.octets_of_line();
                    let (said, line) = (said.escape_ascii(), [line, &b"\r\n"[..]].concat());
                    assert_eq!(said.to_string(), line.escape_ascii().to_string(), "{}", self.name);
                }
            }
        }
        let rest = peer.rest();
        // RFC 5321 §3.8: who is told 421 may still try to say QUIT.
        let is_farewell = is_leaving && rest == b"QUIT\r\n";
        assert!(rest.is_empty() || is_farewell, "{}: {}", self.name, rest.escape_ascii());
    }
}

fn wire(reply: &Reply) -> String {
    let last = reply.text.len().saturating_sub(1);
    let text = if reply.text.is_empty() { &[String::new()][..] } else { &reply.text };
    let line = |(at, text): (usize, &String)| {
        let separator = if at == last { ' ' } else { '-' };
        format!("{}{separator}{text}\r\n", reply.code)
    };
    text.iter().enumerate().map(line).collect()
}

/// Submits what the file's client submits.
fn client_part(
    script: &Script,
    endpoint: Endpoint,
    root: rustls::pki_types::CertificateDer<'static>,
) -> Report {
    let user = script.value("user").map(|user| user.split_once(':').unwrap());
    let sign_in = user.map(|(user, _)| SignIn {
        user: Some(user.to_owned()),
        proof: if script.values("token").next().is_some() { Proof::Token } else { Proof::Password },
        mechanisms: script.values("auth").map(str::to_owned).collect(),
        allow_cleartext: false,
    });
    let password = script.value("password").or(user.map(|(_, password)| password));
    let hello = script.said("EHLO ").chain(script.said("LHLO ")).next();
    let hello = hello.map(|name| name.parse().unwrap());
    let roots = Roots { given: vec![root], ..Roots::default() };
    let hop = Hop {
        hello,
        sign_in,
        all_or_nothing: script.has("all-or-nothing"),
        tls: TlsSettings { roots, ..TlsSettings::default() },
        ..hop(endpoint)
    };
    let world = World {
        secrets: &Password(password.unwrap_or_default()),
        interrupt: &Interrupt::default(),
        host_name: None,
        wait_for_farewell: true,
    };
    submit(&script.submission(), &Route { hops: vec![hop] }, &world, &mut Unobserved)
}

struct Password<'a>(&'a str);

impl Secrets for Password<'_> {
    fn secret(
        &self,
        _server: &Endpoint,
        _user: Option<&str>,
        _proof: Proof,
    ) -> Result<Secret, Unavailable> {
        Ok(Secret::new(self.0))
    }
}

impl Script {
    /// What follows this in each line of the client that begins so.
    fn said<'a>(&'a self, start: &'a str) -> impl Iterator<Item = &'a str> {
        self.steps.iter().filter_map(move |step| match step {
            Step::Client(line) => std::str::from_utf8(line).unwrap().strip_prefix(start),
            Step::Server(_) | Step::Tls | Step::End => None,
        })
    }

    fn submission(&self) -> Submission {
        let path = |line: &str| line[..=line.find('>').unwrap()].to_owned();
        let from = self.said("MAIL FROM:").next().map_or("Smith@bar.com".to_owned(), path);
        let mut to: Vec<String> = self.said("RCPT TO:").map(path).collect();
        if to.is_empty() {
            let name = |result: &String| result.split(' ').next().unwrap().to_owned();
            to.extend(self.results.iter().map(|result| format!("{}@foo.com", name(result))));
        }
        let from: ReversePath = from.parse().unwrap();
        let to = to.iter().map(|path| path.parse::<ForwardPath>().unwrap());
        let message = Message::as_is(Source::held(self.content(), "script")).unwrap();
        let request = DsnRequest {
            notify: self.value("notify").map(|when| when.parse().unwrap()),
            ret: self.value("ret").map(|what| what.parse().unwrap()),
            envid: self.value("envid").map(|text| text.parse().unwrap()),
        };
        let mut envelope = Envelope::new(from, to).asking(request);
        envelope.hold = self
            .value("hold")
            .map(|text| Hold::from_holdfor(text).or_else(|| Hold::from_holduntil(text)).unwrap());
        Submission { envelope, message: message.into() }
    }

    /// What stands between the first 354 and its dot, without the dots that
    /// were doubled.
    fn content(&self) -> Vec<u8> {
        let is_go = |step: &Step| matches!(step, Step::Server(reply) if reply.code.value() == 354);
        let lines = self.steps.iter().skip_while(|step| !is_go(step)).skip(1).map_while(|step| {
            let Step::Client(line) = step else { return None };
            (line != b".").then(|| line.strip_prefix(b".").unwrap_or(line))
        });
        lines.flat_map(|line| [line, b"\r\n"].concat()).collect()
    }
}

/// One recipient and what became of it, as a file says it.
fn result(to: &ForwardPath, outcome: &Outcome) -> String {
    let to = to.to_string();
    let name = to.rsplit_once('@').map_or(to.as_str(), |(name, _)| name);
    let word = match outcome {
        Outcome::Accepted(_) => return format!("{name} accepted"),
        Outcome::Deferred(_) => "deferred",
        Outcome::Rejected(_) => "rejected",
        Outcome::Uncertain(_) => "uncertain",
    };
    match outcome.cause().unwrap() {
        Cause::Withheld => format!("{name} not sent"),
        cause => match cause.reply() {
            Some(Reply { code, enhanced: Some(enhanced), .. }) => {
                format!("{name} {word} {code} {enhanced}")
            }
            Some(Reply { code, .. }) => format!("{name} {word} {code}"),
            None => format!("{name} {word}"),
        },
    }
}
