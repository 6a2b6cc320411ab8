//! Questions to name servers that `getaddrinfo` cannot ask: which servers a
//! domain names for a service, and who takes its mail.
//!
//! A stub: it asks the recursive servers of `/etc/resolv.conf` and believes
//! them, about DNSSEC too, as far as [`Answer::authenticated`] says. No cache.
//!
//! | what | file |
//! |---|---|
//! | names as they are asked for and answered | `name.rs` |
//! | what is asked for: SRV, MX; which of them is tried first | `record.rs`, `order.rs` |
//! | the servers of this machine, resolv.conf(5) | `resolv_conf.rs` |
//! | one question after another, to one server after another | `stub.rs` |
//! | a question and its answer as octets | `query.rs`, `response.rs` |
//! | the way there and back: UDP, TCP | `exchange.rs` |
#![expect(clippy::disallowed_types, reason = "a question is a datagram, and net has none")]

mod error;
mod exchange;
mod name;
mod order;
mod query;
mod record;
mod resolv_conf;
mod response;
mod stub;

pub use error::Error;
pub use name::Name;
pub use order::draw;
pub use record::{Kind, Mx, Srv};
pub use resolv_conf::{Options, ResolvConf};
pub use stub::Stub;

use crate::net::{Deadline, Interrupt};

/// Who is asked. Each call ends by the deadline and when the user asks to stop.
pub trait Resolver {
    /// The servers that a service names (RFC 2782), at least one, in no order;
    /// `name` is that of the service, such as `_submissions._tcp.example.org`.
    fn srv(
        &self,
        name: &Name,
        deadline: Deadline,
        interrupt: &Interrupt,
    ) -> Result<Answer<Srv>, Error>;

    /// Who takes the mail of a domain (RFC 5321 §5.1), at least one, in no order.
    fn mx(
        &self,
        name: &Name,
        deadline: Deadline,
        interrupt: &Interrupt,
    ) -> Result<Answer<Mx>, Error>;
}

/// Records, at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// In the order in which they came, which means nothing.
    pub records: Vec<T>,
    /// Signed by DNSSEC all the way, says a server that may be believed about
    /// it: it is on this machine and no mere forwarder, or `trust-ad` stands in
    /// resolv.conf.
    pub authenticated: bool,
}
