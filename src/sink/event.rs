//! What the receiver tells its owner while it runs.

use super::claims::{Claims, Origin};
use super::fault::Rule;
use crate::message::hexadecimal;
use crate::net::Summary;
use crate::smtp::{Body, EnvId, Hold, Recipient, Reply, Ret, ReversePath};
use ring::digest::{SHA256, digest};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// What the owner of a receiver wants to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Every event.
    Everything,
    /// [`Event::Failed`] and [`Event::PlaintextAfterStartTls`] only. No message is
    /// then kept in memory, where nobody would find it.
    Problems,
}

/// One thing that happened. Connections are counted from 1.
#[derive(Debug)]
pub enum Event {
    /// A client connected.
    Connected {
        /// Which connection.
        connection: u64,
        /// The client's address.
        peer: SocketAddr,
    },
    /// A proxy said on whose behalf it connected.
    Proxied {
        /// Which connection.
        connection: u64,
        /// Whose, and where to; `None` where the proxy speaks for itself.
        ends: Option<(SocketAddr, SocketAddr)>,
    },
    /// A message was taken; told before the client is.
    Stored(Box<Stored>),
    /// The client was refused something.
    Refused {
        /// Which connection.
        connection: u64,
        /// The client's line, as it came, but for secrets. Escape it before a
        /// person or a log sees it.
        command: String,
        /// What it was told.
        reply: Reply,
    },
    /// Octets that stood in clear behind STARTTLS were thrown away: the client
    /// is at fault, or someone sits between (RFC 3207 §6).
    PlaintextAfterStartTls {
        /// Which connection.
        connection: u64,
        /// How many octets.
        octets: usize,
    },
    /// A rule counts.
    Rule {
        /// Which connection.
        connection: u64,
        /// The rule.
        rule: Rule,
    },
    /// The connection broke, or a message could not be written.
    Failed {
        /// Which connection, if it came that far.
        connection: Option<u64>,
        /// What was being done; fits after "while ".
        doing: &'static str,
        /// What stood in the way.
        error: io::Error,
    },
    /// A connection is over.
    Closed {
        /// Which connection.
        connection: u64,
    },
}

impl Event {
    /// True for what somebody should look after.
    pub(super) fn is_problem(&self) -> bool {
        matches!(self, Event::Failed { .. } | Event::PlaintextAfterStartTls { .. })
    }
}

impl Stored {
    /// SHA-256 of the octets counted in `size`, in hexadecimal.
    pub fn sha256(&self) -> String {
        let octets = self.octets.as_deref().unwrap_or_default();
        let now = || hexadecimal(digest(&SHA256, octets).as_ref());
        self.sha256.clone().unwrap_or_else(now)
    }
}

/// A message that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Which connection.
    pub connection: u64,
    /// The name in the reply, the trace and the file.
    pub id: String,
    /// The reverse-path.
    pub from: ReversePath,
    /// The recipients for whom it was taken, in the order in which they were
    /// given, with what was asked for each.
    pub to: Vec<Recipient>,
    /// How much was to come back in a report of failure.
    pub ret: Option<Ret>,
    /// What the sender calls the message in its reports.
    pub envid: Option<EnvId>,
    /// How long the message was to be held.
    pub hold: Option<Hold>,
    /// What its octets were said to be.
    pub body: Option<Body>,
    /// It was to be sent under verified TLS only, all the way (RFC 8689).
    pub require_tls: bool,
    /// Octets of the content as received, doubled dots and final dot taken
    /// off, line ends CRLF, trace fields not counted.
    pub size: u64,
    /// SHA-256 of these octets, in hexadecimal, where they are not kept here.
    pub(super) sha256: Option<String>,
    /// The trace fields put on top of the stored copy, line ends CRLF.
    pub trace: String,
    /// The file, where the receiver writes to one.
    pub path: Option<PathBuf>,
    /// The octets counted in `size`, where the receiver keeps them in memory.
    pub octets: Option<Vec<u8>>,
    /// The TLS version, as "TLS 1.3".
    pub tls: Option<&'static str>,
    /// The certificate by which the client said who it is.
    pub client_certificate: Option<Summary>,
    /// Where the client is: by its connection, or as a proxy or XCLIENT said.
    pub peer: Origin,
    /// What it said by XCLIENT.
    pub claims: Claims,
    /// Who signed in, or did so by XCLIENT's word.
    pub user: Option<String>,
    /// `ESMTPSA`, `LMTP` and the like (RFC 3848).
    pub protocol: String,
    /// How often the client waited for the receiver since the connection
    /// began, or since the previous message on it was taken, until the final
    /// reply to this one:
    ///
    /// * 1 for the TCP connection and 1 for the greeting;
    /// * 1 for a handshake of TLS 1.3 or a resumed one of TLS 1.2, 2 for a
    ///   full one of TLS 1.2, and 1 more after a `HelloRetryRequest`;
    /// * 1 for each flight: octets that arrive after the receiver, having
    ///   used up all whole lines that had come, sent its replies. Octets that
    ///   finish a line of which a part had come belong to the flight before.
    ///
    /// A flight that the network cuts between two lines, the second part
    /// arriving after the first was answered, counts as two. On loopback one
    /// write of up to 64 KiB arrives whole.
    pub turnarounds: u32,
}
