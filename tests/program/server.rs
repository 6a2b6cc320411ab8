//! The servers of scenarios: the embedded receiver, a script, a certificate
//! that is no good, and a port where nobody listens.

use crate::certificates::{self, Identity, server_with, wary_server, write_clients};
use crate::harness::{Peer, Scripted};
use crate::running::{GENEROUS, Place};
use crate::scenario::agree;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use envoi::net::Summary;
use envoi::sasl::server::Users;
use envoi::sasl::{Credentials, Secret};
use envoi::sink::{
    Encryption, Event, Fault, Listen, Offer, Policy, Refusal, Rule, Settings, Sink, Stage, Storage,
    Stored,
};
use envoi::smtp::{Command, HoldLimits, Recipient, Reply, Xclient};
use jiff::Timestamp;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde::Deserialize;
use std::fs;
use std::io::Read;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

/// A server, as a scenario describes it: the embedded receiver unless
/// `script`, `certificate` or `absent` says otherwise. The certificates to
/// trust are in `ca.pem`.
#[derive(Clone, Default, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of its own")]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Description {
    /// TLS from the first octet.
    implicit: bool,
    /// LMTP is spoken.
    lmtp: bool,
    /// `NAME:PASSWORD`; without any, everybody may sign in.
    users: Vec<String>,
    require_auth: bool,
    cleartext_auth: bool,
    /// `ADDRESS=CODE TEXT`.
    refuse: Vec<String>,
    /// The same, after the message.
    refuse_after_data: Vec<String>,
    /// Extensions and mechanisms that are not offered.
    without: Vec<String>,
    size_limit: Option<u64>,
    /// How it misbehaves.
    rules: Vec<Misbehaviour>,
    /// Seconds that messages may be held for; without, FUTURERELEASE is not
    /// offered.
    hold_limit: Option<u64>,
    /// What clients may say by XCLIENT.
    xclient: Vec<String>,
    /// Every connection begins with a header of the PROXY protocol.
    proxy_protocol: bool,

    /// What happens on one connection after another, a line each:
    ///
    /// ```text
    /// S: line      the server says this
    /// S> text      the same without a line end; \n, \r and \xHH are octets
    /// C: start     the client says a line that begins like this
    /// scram: text  the client begins SCRAM; the server challenges it with
    ///              this, where NONCE is the client's
    /// asks: text   the server challenges the client with this
    /// content      the client sends a message up to the final dot
    /// hang         the server is silent until the client leaves
    /// ---          the next connection
    /// ```
    script: Option<String>,

    /// TLS from the first octet, with this certificate, and then the script or
    /// nothing. {pin} is that of its key, {fingerprint} that of the certificate.
    certificate: Option<certificates::Fault>,

    /// The receiver asks its clients for a certificate: `client.pem` is one that
    /// it takes, `stranger.pem` one that it does not.
    asks: bool,

    /// TLS from the first octet for clients with `client.pem` only, and then
    /// nothing.
    wary: bool,

    /// A port that refuses connections.
    absent: bool,

    /// The address to listen on, 127.0.0.1 by default.
    address: Option<IpAddr>,
}

/// A rule by which the receiver misbehaves.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Misbehaviour {
    stage: String,
    fault: Option<String>,
    reply: Option<String>,
    recipient: Option<String>,
    nth: Option<u32>,
    /// Seconds.
    delay: Option<u64>,
}

impl Misbehaviour {
    fn rule(&self) -> Rule {
        let stage = Stage::ALL.iter().find(|(name, _)| *name == self.stage).expect("a stage").1;
        let named =
            |fault: &String| Fault::ALL.iter().find(|(name, _)| name == fault).expect("a fault").1;
        let reply = |text: &String| {
            let (code, text) = text.split_once(' ').expect("a code and a text");
            let reply = Reply::new(code.parse().expect("a code"), text).expect("a reply");
            reply.with_enhanced()
        };
        Rule {
            recipient: self.recipient.clone(),
            nth: self.nth,
            reply: self.reply.as_ref().map(reply),
            delay: self.delay.map(Duration::from_secs),
            fault: self.fault.as_ref().map(named),
            ..Rule::at(stage)
        }
    }
}

/// A server that runs.
pub(crate) enum Server {
    Sink(Sink),
    Scripted(Scripted),
    Absent(SocketAddr),
}

/// What came to a server.
#[derive(Default)]
pub(crate) struct Taken {
    pub(crate) connections: usize,
    pub(crate) messages: Vec<Stored>,
}

impl Description {
    pub(crate) fn start(&self, place: &mut Place) -> Server {
        let directory = place.directory().to_owned();
        let client_authority = (self.asks || self.wary).then(|| write_clients(place));
        let identity = match (&client_authority, self.certificate) {
            (Some(authority), _) if self.wary => Some(wary_server(authority.clone())),
            (_, fault) => fault.map(server_with),
        };
        if let Some(Identity { config, trusted, own }) = identity {
            fs::write(directory.join("ca.pem"), trusted).expect("writing ca.pem");
            let own = Summary::read(&own).expect("a certificate");
            place.call("{pin}", format!("spki-sha256:{}", own.spki_sha256.base64()));
            place.call("{fingerprint}", format!("sha256:{}", own.sha256.hex()));
            return Server::Scripted(match &self.script {
                Some(script) => scripted(script, Some(&config)),
                None => handshaking(config),
            });
        }
        if let Some(script) = &self.script {
            return Server::Scripted(scripted(script, None));
        }
        if self.absent {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
            return Server::Absent(listener.local_addr().expect("its address"));
        }
        let client_authorities = client_authority.into_iter().collect();
        let settings = Settings { client_authorities, ..self.settings() };
        let sink = Sink::start(settings).expect("starting the receiver");
        fs::write(directory.join("ca.pem"), sink.ca_pem()).expect("writing ca.pem");
        Server::Sink(sink)
    }

    fn settings(&self) -> Settings {
        let users = self.users.iter().map(|user| {
            let (user, password) = user.split_once(':').expect("NAME:PASSWORD");
            Credentials { user: user.to_owned(), password: Secret::new(password) }
        });
        let users: Vec<_> = users.collect();
        let offer = self.without.iter().fold(Offer::default(), |offer, word| {
            offer.without(word).expect("a word that the receiver knows")
        });
        let refusals = |rules: &[String]| {
            rules.iter().map(|rule| Refusal::parse(rule).expect("a rule")).collect()
        };
        let policy = Policy {
            offer,
            size_limit: self.size_limit,
            users: if users.is_empty() { Users::Anyone } else { Users::Only(users) },
            require_auth: self.require_auth,
            cleartext_auth: self.cleartext_auth,
            refuse: refusals(&self.refuse),
            refuse_after_data: refusals(&self.refuse_after_data),
            hold_limits: self.hold_limit.map(hold_limits),
            xclient: self.xclient.iter().map(|name| attribute(name)).collect(),
            rules: self.rules.iter().map(Misbehaviour::rule).collect(),
            ..Policy::default()
        };
        let encryption = if self.implicit { Encryption::Implicit } else { Encryption::StartTls };
        let mut listen = Listen::loopback(0, encryption);
        if self.lmtp {
            listen = listen.speaking_lmtp();
        }
        if let Some(address) = self.address {
            listen.address.set_ip(address);
        }
        Settings {
            listen: vec![listen],
            policy,
            proxy_protocol: self.proxy_protocol,
            storage: Storage::Memory,
            ..Settings::default()
        }
    }
}

impl Server {
    pub(crate) fn port(&self) -> u16 {
        match self {
            Server::Sink(sink) => sink.address().port(),
            Server::Scripted(scripted) => scripted.address.port(),
            Server::Absent(address) => address.port(),
        }
    }

    /// Waits until every client has left. A client that strays from its script
    /// fails the test.
    pub(crate) fn finish(self) -> Taken {
        match self {
            Server::Sink(sink) => taken(&sink),
            Server::Scripted(scripted) => {
                scripted.finish();
                Taken { connections: 1, messages: Vec::new() }
            }
            Server::Absent(_) => Taken::default(),
        }
    }
}

/// An attribute of XCLIENT.
fn attribute(name: &str) -> &'static str {
    Xclient::NAMES.into_iter().find(|known| *known == name).expect("an attribute of XCLIENT")
}

/// So many seconds from now, or as a moment.
fn hold_limits(seconds: u64) -> HoldLimits {
    let until = Timestamp::now() + Duration::from_secs(seconds);
    HoldLimits::new(seconds, until).expect("limits")
}

/// What the receiver has to tell once all its clients have left.
pub(crate) fn taken(sink: &Sink) -> Taken {
    let (mut taken, mut open) = (Taken::default(), 0);
    loop {
        let event = if open > 0 {
            Some(sink.events().recv_timeout(GENEROUS).expect("a client stays"))
        } else {
            sink.events().try_recv().ok()
        };
        match event {
            Some(Event::Connected { .. }) => {
                taken.connections += 1;
                open += 1;
            }
            Some(Event::Closed { .. }) => open -= 1,
            Some(Event::Stored(stored)) => taken.messages.push(*stored),
            Some(_) => {}
            None => return taken,
        }
    }
}

fn scripted(script: &str, tls: Option<&Arc<ServerConfig>>) -> Scripted {
    let play = |lines: &str| {
        let (lines, tls) = (lines.to_owned(), tls.cloned());
        move |peer: &mut Peer| {
            if let Some(config) = tls {
                peer.secure(&config);
            }
            lines.lines().for_each(|line| step(peer, line));
        }
    };
    Scripted::start(script.split("---\n").map(play).collect())
}

fn step(peer: &mut Peer, line: &str) {
    if let Some(text) = line.strip_prefix("S: ") {
        peer.say(format!("{text}\r\n"));
    } else if let Some(text) = line.strip_prefix("S> ") {
        peer.say(octets(text));
    } else if let Some(start) = line.strip_prefix("C: ") {
        peer.expect(start);
    } else if let Some(text) = line.strip_prefix("scram: ") {
        let said = peer.expect("AUTH SCRAM-");
        let first = said.rsplit(' ').next().and_then(|it| STANDARD.decode(it).ok());
        let first = String::from_utf8(first.expect("base64")).expect("UTF-8");
        let nonce = first.rsplit("r=").next().expect("a nonce");
        peer.say(format!("334 {}\r\n", STANDARD.encode(text.replace("NONCE", nonce))));
    } else if let Some(text) = line.strip_prefix("asks: ") {
        peer.say(format!("334 {}\r\n", STANDARD.encode(text)));
    } else {
        match line {
            "content" => drop(peer.content()),
            "hang" => drop(peer.rest()),
            "" => {}
            _ => panic!("what is ‘{line}’?"),
        }
    }
}

fn octets(text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        octets.extend(rest[..at].bytes());
        let (octet, length) = match rest.as_bytes()[at + 1] {
            b'n' => (b'\n', 2),
            b'r' => (b'\r', 2),
            _ => (u8::from_str_radix(&rest[at + 2..at + 4], 16).expect("\\xHH"), 4),
        };
        octets.push(octet);
        rest = &rest[at + length..];
    }
    octets.extend(rest.bytes());
    octets
}

/// Shakes hands, as far as the client goes along, and is silent.
fn handshaking(config: Arc<ServerConfig>) -> Scripted {
    Scripted::once(move |peer| {
        let connection = ServerConnection::new(config).expect("TLS");
        let mut stream = StreamOwned::new(connection, peer.socket());
        let _ = stream.read(&mut [0]);
    })
}

/// A message that a receiver took.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Arrived {
    from: Option<String>,
    to: Vec<String>,
    /// What was asked of each recipient, as RCPT has it behind the address.
    asked: Option<Vec<String>>,
    /// RET and ENVID, as MAIL has them.
    ret: Option<String>,
    envid: Option<String>,
    /// How long it is to be held.
    held: Option<String>,
    /// What its octets are, as MAIL has it; "" where it does not say.
    body: Option<String>,
    /// It is to be sent under TLS only.
    #[serde(default)]
    requires_tls: bool,
    /// Who signed in.
    user: Option<String>,
    /// Whose certificate the client showed.
    client: Option<String>,
    /// Where the client is, as a proxy or XCLIENT said.
    peer: Option<String>,
    /// `ESMTPSA` and the like.
    protocol: Option<String>,
    /// All of it, line ends as LF.
    content: Option<String>,
    /// Parts of it.
    #[serde(default)]
    has: Vec<String>,
    /// What is not in it, whatever the case of letters.
    #[serde(default)]
    lacks: Vec<String>,
}

impl Arrived {
    pub(crate) fn check(&self, message: &Stored, place: &Place) -> Result<(), String> {
        let octets = message.octets.as_deref().expect("kept in memory");
        let content = String::from_utf8_lossy(octets).replace("\r\n", "\n");
        let to: Vec<String> = message.to.iter().map(|to| to.path.to_string()).collect();
        if to != self.to {
            return Err(format!("it arrived for {to:?}"));
        }
        let asked: Vec<String> = message.to.iter().map(asked).collect();
        if self.asked.as_ref().is_some_and(|expected| *expected != asked) {
            return Err(format!("this was asked of its recipients: {asked:?}"));
        }
        if message.require_tls != self.requires_tls {
            return Err(format!("TLS is required: {}", message.require_tls));
        }
        for (what, expected, got) in [
            ("BODY", &self.body, message.body.map(|body| body.as_str().to_owned())),
            ("RET", &self.ret, message.ret.map(|ret| ret.to_string())),
            ("ENVID", &self.envid, message.envid.as_ref().map(ToString::to_string)),
            ("how long it is held", &self.held, message.hold.map(|hold| hold.to_string())),
            ("the sender", &self.from, Some(message.from.to_string())),
            ("the user", &self.user, message.user.clone()),
            (
                "where the client is",
                &self.peer,
                Some(message.peer.to_string().trim_start().to_owned()),
            ),
            (
                "the client's certificate",
                &self.client,
                message.client_certificate.as_ref().map(|certificate| certificate.subject.clone()),
            ),
            ("the protocol", &self.protocol, Some(message.protocol.clone())),
            ("the content", &self.content, Some(content.clone())),
        ] {
            if let Some(expected) = expected {
                agree(what, &place.filled(expected), &got.unwrap_or_default())?;
            }
        }
        if let Some(part) = self.has.iter().find(|part| !content.contains(*part)) {
            return Err(format!("what arrived lacks {part:?}:\n{content}"));
        }
        let lower = content.to_lowercase();
        if let Some(part) = self.lacks.iter().find(|part| lower.contains(&part.to_lowercase())) {
            return Err(format!("what arrived has {part:?}:\n{content}"));
        }
        Ok(())
    }
}

/// The parameters of RCPT.
fn asked(recipient: &Recipient) -> String {
    let command = Command::Rcpt(recipient).to_string();
    command.split_once("> ").map_or_else(String::new, |(_, parameters)| parameters.to_owned())
}
