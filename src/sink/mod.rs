//! The embedded receiver: a server of SMTP or LMTP on loopback that catches mail,
//! and passes none on but to whom its owner gives it for that. For trying things
//! out, and for tests.
//!
//! ```text
//! mod.rs           Settings, Sink: start and stop
//! listener.rs      threads: at each port one more than it has clients
//! dialogue.rs      the same conversation over two pipes, with whoever takes the mail
//! connection.rs    one client: socket, replies in one write, turnarounds;
//!                  proxied.rs and secured.rs are what comes before,
//!                  message.rs what is in it
//! conversation.rs  a line in, a reply out, and nothing else;
//!                  hello.rs, xclient.rs and auth.rs begin it, chunks.rs answers BDAT,
//!                  order.rs says what has to come first, ending.rs answers a message
//!   policy.rs  offer.rs  arguments.rs  sign_in.rs  replies.rs
//!   claims.rs      who the client is, and by whose word
//! input.rs         where lines end
//! data.rs          where content ends
//! chunks.rs        lines of content in chunks
//! intake.rs        content: hashed, counted, written
//! storage.rs       Maildir, mbox, .eml files, memory, trace fields
//! takes.rs         who else is given what was kept
//! count.rs         how many messages are taken
//! caught.rs        a message read again from where it was stored
//! fault.rs         rules by which it misbehaves; connection/faults.rs does it
//! channel.rs  certificate.rs  event.rs
//! ```
//!
//! It prints nothing: what happens is told as [`Event`]s.
#![expect(clippy::disallowed_types, reason = "a server listens")]

mod arguments;
mod caught;
mod certificate;
mod channel;
mod chunks;
mod claims;
mod connection;
mod conversation;
mod count;
mod data;
mod dialogue;
mod event;
mod fault;
mod input;
mod intake;
mod listener;
mod offer;
mod policy;
mod replies;
mod sign_in;
mod storage;
mod takes;

pub use caught::{Caught, CaughtFile};
pub use claims::{Claims, Origin};
pub use conversation::{Answer, Conversation, Next, Secured, Transaction, Verdict};
pub use data::{ContentReader, Progress};
pub use dialogue::dialogue;
pub use event::{Event, Interest, Stored};
pub use fault::{Fault, Rule, Stage};
pub use offer::{Offer, UnknownKeyword};
pub use policy::Policy;
pub use replies::Refusal;
pub use storage::{Storage, Trace};
pub use takes::{Opening, PassesOn, Takes};

use crate::net::Deadline;
use crate::sasl::server::Users;
use crate::sasl::{Credentials, Secret};
use crate::smtp::Protocol;
use certificate::Certificates;
use connection::Shared;
use count::Count;
use listener::{Clients, Port, Threads};
use rustls::pki_types::CertificateDer;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;
use storage::random_word;

/// What a receiver is to be.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The ports. An address beyond loopback is taken only because it was
    /// given here: nothing chooses one by itself.
    pub listen: Vec<Listen>,
    /// How it behaves.
    pub policy: Policy,
    /// Where messages go.
    pub storage: Storage,
    /// Who is given them besides, and answers for them.
    pub passes_on: Option<Arc<dyn PassesOn>>,
    /// The most messages that are taken, over all connections.
    pub most_messages: Option<u64>,
    /// Authorities that vouch for clients. Where there are any, a client is
    /// asked for its certificate under TLS; it may do without one.
    pub client_authorities: Vec<CertificateDer<'static>>,
    /// What is told of.
    pub interest: Interest,
    /// Every connection begins with a header of the PROXY protocol, or it is
    /// closed.
    pub proxy_protocol: bool,
    /// How long a client may be silent (RFC 5321 §4.5.3.2.7: at least five
    /// minutes).
    pub idle: Duration,
}

/// One port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen {
    /// Where; port 0 is any free one.
    pub address: SocketAddr,
    /// When TLS begins.
    pub encryption: Encryption,
    /// What is spoken there.
    pub protocol: Protocol,
}

/// When TLS begins on a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// In clear, with STARTTLS if that is offered.
    StartTls,
    /// From the first octet (RFC 8314 §3.3).
    Implicit,
}

/// Why there is no receiver.
#[derive(Debug, thiserror::Error)]
pub enum CannotStart {
    /// There is no store.
    #[error("the store cannot be made")]
    Store(#[source] io::Error),
    /// Nothing can be heard there.
    #[error("cannot listen on {0}")]
    Port(SocketAddr, #[source] io::Error),
    /// The system lacks something.
    #[error(transparent)]
    System(#[from] io::Error),
}

/// A running receiver. It stops when it is dropped.
#[derive(Debug)]
pub struct Sink {
    addresses: Vec<SocketAddr>,
    ca: CertificateDer<'static>,
    ca_pem: String,
    events: Receiver<Event>,
    clients: Arc<Clients>,
    threads: Threads,
}

/// See [`Sink::finish`].
const TO_THE_END: u32 = 12;

impl Default for Settings {
    /// One free port on 127.0.0.1 with STARTTLS, messages in memory.
    fn default() -> Self {
        Settings {
            listen: vec![Listen::loopback(0, Encryption::StartTls)],
            policy: Policy::default(),
            storage: Storage::Memory,
            passes_on: None,
            most_messages: None,
            client_authorities: Vec::new(),
            interest: Interest::Everything,
            proxy_protocol: false,
            idle: Duration::from_secs(5 * 60),
        }
    }
}

impl Settings {
    /// For a receiver that lives as long as one command of its own process:
    /// a free port, STARTTLS, one user who must sign in, and a Maildir.
    pub fn for_one_run(maildir: PathBuf, user: &str, password: Secret) -> Self {
        let user = Credentials { user: user.to_owned(), password };
        let users = Users::Only(vec![user]);
        Settings {
            policy: Policy { users, require_auth: true, ..Policy::default() },
            storage: Storage::Maildir(maildir),
            ..Settings::default()
        }
    }
}

impl Listen {
    /// A port on 127.0.0.1.
    pub fn loopback(port: u16, encryption: Encryption) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Listen { address, encryption, protocol: Protocol::Smtp }
    }

    /// The same port, where LMTP is spoken.
    #[must_use]
    pub fn speaking_lmtp(self) -> Self {
        Listen { protocol: Protocol::Lmtp, ..self }
    }

    /// Reads `PORT`, `localhost:PORT`, `ADDRESS:PORT` or `[ADDRESS]:PORT`;
    /// without an address it is 127.0.0.1. The error is a sentence.
    pub fn parse(text: &str, encryption: Encryption) -> Result<Self, String> {
        let port = text.strip_prefix("localhost:").unwrap_or(text);
        if let Ok(port) = port.parse() {
            return Ok(Listen::loopback(port, encryption));
        }
        let address = text.parse().map_err(|_| {
            format!("‘{text}’ is not of the form PORT, ADDRESS:PORT or [ADDRESS]:PORT")
        })?;
        Ok(Listen { address, encryption, protocol: Protocol::Smtp })
    }

    /// True when only this machine can connect.
    pub fn is_loopback(&self) -> bool {
        self.address.ip().is_loopback()
    }

    /// How a URL for `envoi send` names this port, once it is known where a
    /// port 0 came to lie.
    pub fn url(&self, bound: SocketAddr) -> String {
        let scheme = match (self.protocol, self.encryption) {
            (Protocol::Smtp, Encryption::StartTls) => "smtp",
            (Protocol::Smtp, Encryption::Implicit) => "smtps",
            (Protocol::Lmtp, _) => "lmtp",
        };
        // The certificate names both; people type the one.
        if bound.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST) {
            return format!("{scheme}://localhost:{}", bound.port());
        }
        format!("{scheme}://{bound}")
    }
}

impl Sink {
    /// Opens the ports, makes the certificates, and begins to listen. Fails
    /// when a port is taken, the store cannot be made, or no thread can be
    /// started.
    pub fn start(mut settings: Settings) -> Result<Sink, CannotStart> {
        if settings.interest == Interest::Problems && settings.storage == Storage::Memory {
            settings.storage = Storage::Discard;
        }
        settings.storage.prepare().map_err(CannotStart::Store)?;
        let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        let others = settings.listen.iter().map(|listen| listen.address.ip());
        let others = others.filter(|ip| !ip.is_loopback() && !ip.is_unspecified());
        names.extend(others.map(|ip| ip.to_string()));
        let faults: Vec<_> = settings.policy.rules.iter().filter_map(|rule| rule.fault).collect();
        let certificates = Certificates::generate(names, &settings.client_authorities, &faults)?;
        let (sender, events) = mpsc::channel();
        let mut sink = Sink {
            addresses: Vec::new(),
            ca: certificates.ca.clone(),
            ca_pem: certificates.ca_pem.clone(),
            events,
            clients: Arc::default(),
            threads: Threads::default(),
        };
        let ports = settings.listen.clone();
        let word = random_word()?;
        let taken = Count::up_to(settings.most_messages);
        let shared = Arc::new(Shared { settings, certificates, word, taken });
        for port in ports {
            let address = port.address;
            sink.open(port, &shared, &sender).map_err(|e| CannotStart::Port(address, e))?;
        }
        Ok(sink)
    }

    /// The addresses listened on, in the order of the settings.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The first address listened on.
    pub fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// The certificate of the authority that vouches for the server's, for a
    /// client's trust store.
    pub fn ca(&self) -> &CertificateDer<'static> {
        &self.ca
    }

    /// The same in PEM, for a file.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// What happened and happens.
    pub fn events(&self) -> &Receiver<Event> {
        &self.events
    }

    /// Waits for the next message, passing over other events. `None` when none
    /// came in time.
    pub fn next_stored(&self, patience: Duration) -> Option<Stored> {
        while let Ok(event) = self.events.recv_timeout(patience) {
            if let Event::Stored(stored) = event {
                return Some(*stored);
            }
        }
        None
    }

    /// Closes every port and every connection, and waits for the threads.
    pub fn stop(self) {}

    /// The same, but what clients wrote up to now is taken first; who does not
    /// read the replies is cut off after `patience`, and who goes on writing, which
    /// cannot be told from what was written before, after twelve times
    /// that. Returns what was not told yet.
    pub fn finish(self, patience: Duration) -> Vec<Event> {
        self.clients.end();
        self.addresses.iter().for_each(|address| self.clients.wake(*address));
        let until = Deadline::after(TO_THE_END * patience);
        let mut events = Vec::new();
        // Every thread holds a sender: without any, all is over.
        while let Some(left) = until.remaining()
            && let Ok(event) = self.events.recv_timeout(patience.min(left))
        {
            events.push(event);
        }
        self.clients.close();
        events.extend(self.events.iter());
        events
    }

    fn open(
        &mut self,
        port: Listen,
        shared: &Arc<Shared>,
        events: &Sender<Event>,
    ) -> io::Result<()> {
        let socket = TcpListener::bind(port.address)?;
        self.addresses.push(socket.local_addr()?);
        let port = Port {
            listener: socket,
            listen: port,
            clients: Arc::clone(&self.clients),
            shared: Arc::clone(shared),
            events: events.clone(),
            threads: Arc::clone(&self.threads),
            waiting: AtomicUsize::new(0),
        };
        Arc::new(port).staff()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.clients.close();
        for address in &self.addresses {
            self.clients.wake(*address);
        }
        listener::join(&self.threads);
    }
}
