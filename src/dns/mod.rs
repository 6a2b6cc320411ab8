//! Questions to name servers that `getaddrinfo` cannot ask: which servers a
//! domain names for a service, and who takes its mail.
//!
//! A stub: it asks the recursive servers of `/etc/resolv.conf` and believes
//! them, about DNSSEC too, as far as [`Answer::authenticated`] says. No cache.
//!
//! | what | file |
//! |---|---|
//! | names as they are asked for and answered | `name.rs` |
//! | what is asked for: A, AAAA, SRV, MX, TXT, TLSA; which of them is tried first | `record.rs`, `order.rs` |
//! | the servers of this machine, resolv.conf(5) | `resolv_conf.rs` |
//! | one question after another, to one server after another | `stub.rs` |
//! | a question and its answer as octets | `query.rs`, `response.rs` |
//! | what a domain says of its mail: tag lists, SPF, keys of DKIM, MTA-STS | `tags.rs`, `spf.rs`, `dkim.rs`, `mta_sts.rs` |
//! | which certificates it wants its servers to have | `dane.rs` |
//! | the way there and back: UDP, TCP | `exchange.rs` |
#![expect(clippy::disallowed_types, reason = "a question is a datagram, and net has none")]

mod dane;
pub mod dkim;
mod error;
mod exchange;
pub mod mta_sts;
mod name;
mod order;
mod query;
mod record;
mod resolv_conf;
mod response;
pub mod spf;
mod stub;
mod tags;

pub use dane::Misfit;
pub use error::Error;
pub use name::Name;
pub use order::draw;
pub use record::{Kind, Mx, Srv, Tlsa, Txt};
pub use resolv_conf::{Options, ResolvConf};
pub use stub::Stub;
pub use tags::Tags;

use crate::net::{Deadline, Interrupt};
use std::net::IpAddr;

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

    /// The texts at a name, at least one, in no order.
    fn txt(
        &self,
        name: &Name,
        deadline: Deadline,
        interrupt: &Interrupt,
    ) -> Result<Answer<Txt>, Error>;

    /// What the certificate of a service must be (RFC 6698), at least one, in no
    /// order; `name` is that of the service, such as `_25._tcp.mail.example.org`.
    fn tlsa(
        &self,
        name: &Name,
        deadline: Deadline,
        interrupt: &Interrupt,
    ) -> Result<Answer<Tlsa>, Error>;

    /// The addresses of a host, of either family, at least one, in no order.
    fn addresses(
        &self,
        name: &Name,
        deadline: Deadline,
        interrupt: &Interrupt,
    ) -> Result<Answer<IpAddr>, Error>;
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
    /// Whose they are, where the name that was asked for is an alias (RFC 1034 §3.6.2).
    pub canonical: Option<Name>,
}

impl<T> Answer<T> {
    fn map<U>(self, read: impl FnMut(T) -> U) -> Answer<U> {
        let records = self.records.into_iter().map(read).collect();
        Answer { records, authenticated: self.authenticated, canonical: self.canonical }
    }
}
