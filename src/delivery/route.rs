//! Where a message goes: the servers to try, in order, each with all that is
//! needed to talk to it.

use crate::net::{Deadline, Endpoint, Family, Proxy, ProxyHeader, Security, TlsSettings};
use crate::sasl::Proof;
use crate::session::Steering;
use crate::smtp::{Chunking, EhloName, Timeouts};
use std::net::IpAddr;
use std::time::Duration;

/// The servers to try, best first.
#[derive(Clone, Debug)]
pub struct Route {
    /// A later one is tried for what an earlier one left open.
    pub hops: Vec<Hop>,
}

/// One server.
#[derive(Clone, Debug)]
pub struct Hop {
    /// Where, and how protected.
    pub endpoint: Endpoint,
    /// Whom to trust.
    pub tls: TlsSettings,
    /// What connects to it; `None` connects ourselves. The name of the server
    /// is then looked up by the proxy.
    pub proxy: Option<Proxy>,
    /// Where the connection begins, to the server or to the proxy; `None`
    /// leaves it to the system.
    pub source: Option<IpAddr>,
    /// Which addresses may be used, of the server or of the proxy.
    pub family: Family,
    /// What we call ourselves; by default the host's full name, else our
    /// address.
    pub hello: Option<EhloName>,
    /// How to sign in; `None` sends without.
    pub sign_in: Option<SignIn>,
    /// Commands may share a flight.
    pub pipelining: bool,
    /// When messages go in chunks.
    pub chunking: Chunking,
    /// The most recipients of one transaction; `None` leaves it to the server.
    pub max_recipients: Option<usize>,
    /// Send nothing unless every recipient is accepted.
    pub all_or_nothing: bool,
    /// The limit of each wait.
    pub timeouts: Timeouts,
    /// The end of the whole run.
    pub deadline: Option<Deadline>,
    /// The end of the run, unless the message is out by then: to leave before
    /// the answer would have it sent twice.
    pub patience: Option<Deadline>,
    /// What is done otherwise than a message needs.
    pub steering: Steering,
    /// What a proxy would say before we speak.
    pub proxy_header: Option<ProxyHeader>,
}

impl Hop {
    /// A wait of no more than this, that ends with the run.
    pub(super) fn wait(&self, limit: Duration) -> Deadline {
        Deadline::after(limit).or_earlier(self.deadline).or_earlier(self.patience)
    }

    /// Whether TLS is taken as it comes: any certificate, and none at all. A
    /// pin says which certificate it must be, so that nothing else will do.
    pub(super) fn is_opportunistic(&self) -> bool {
        self.endpoint.security == Security::Opportunistic && self.tls.pins.is_empty()
    }
}

/// How to sign in. The password or token is asked for when it is needed.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// The authentication identity; only EXTERNAL and ANONYMOUS do without.
    pub user: Option<String>,
    /// By what the user is proved where no mechanism is named.
    pub proof: Proof,
    /// The mechanisms to use, best first; empty leaves the choice to us.
    pub mechanisms: Vec<String>,
    /// The secret may cross a channel that is not verified.
    pub allow_cleartext: bool,
}
