//! A question, put to one server after another until one of them answers.

use super::error::Error;
use super::exchange::{Fault, Way};
use super::name::Name;
use super::order::draw;
use super::query::Query;
use super::record::{A, Aaaa, Mx, Record, Srv, Tlsa, Txt};
use super::resolv_conf::{Options, ResolvConf};
use super::response::Response;
use super::{Answer, Resolver};
use crate::net::{Deadline, Interrupt};
use domain::base::iana::OptRcode;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Asks recursive name servers, and keeps nothing of what they say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stub {
    servers: Vec<SocketAddr>,
    options: Options,
}

impl Stub {
    /// Asks the servers of this machine, as `/etc/resolv.conf` says.
    pub fn of_system() -> Self {
        let ResolvConf { servers, options } = ResolvConf::of_system();
        Stub::of(servers, options)
    }

    /// Asks these servers, in this order.
    pub fn of(servers: Vec<SocketAddr>, options: Options) -> Self {
        Stub { servers, options }
    }

    fn ask<R: Record>(
        &self,
        name: &Name,
        deadline: Deadline,
        interrupt: &Interrupt,
    ) -> Result<Answer<R>, Error> {
        if name.is_never_asked() {
            return Err(Error::NoSuchName { name: name.clone() });
        }
        let mut failure = Error::TimedOut { name: name.clone(), kind: R::KIND };
        for server in self.turns() {
            let asked = Asked { name, server, options: &self.options, deadline, interrupt };
            match asked.answer() {
                Err(Error::Interrupted) => return Err(Error::Interrupted),
                // What was answered tells more than that nothing was.
                Err(Error::TimedOut { .. }) => {}
                Err(error) if error.is_temporary() => failure = error,
                told => return told,
            }
        }
        Err(failure)
    }

    /// Every server, as often as the options say; the same server first each
    /// time, or one by chance.
    fn turns(&self) -> impl Iterator<Item = SocketAddr> {
        let count = self.servers.len();
        let most = if self.options.rotate { count.saturating_sub(1) } else { 0 };
        let first = usize::try_from(draw(most as u64)).unwrap_or_default();
        let attempts = usize::try_from(self.options.attempts).unwrap_or(usize::MAX);
        self.servers.iter().cycle().skip(first).take(count.saturating_mul(attempts)).copied()
    }
}

impl Resolver for Stub {
    fn srv(
        &self,
        name: &Name,
        deadline: Deadline,
        interrupt: &Interrupt,
    ) -> Result<Answer<Srv>, Error> {
        self.ask(name, deadline, interrupt)
    }

    fn mx(
        &self,
        name: &Name,
        deadline: Deadline,
        interrupt: &Interrupt,
    ) -> Result<Answer<Mx>, Error> {
        self.ask(name, deadline, interrupt)
    }

    fn txt(
        &self,
        name: &Name,
        deadline: Deadline,
        interrupt: &Interrupt,
    ) -> Result<Answer<Txt>, Error> {
        self.ask(name, deadline, interrupt)
    }

    fn tlsa(
        &self,
        name: &Name,
        deadline: Deadline,
        interrupt: &Interrupt,
    ) -> Result<Answer<Tlsa>, Error> {
        self.ask(name, deadline, interrupt)
    }

    fn addresses(
        &self,
        name: &Name,
        deadline: Deadline,
        interrupt: &Interrupt,
    ) -> Result<Answer<IpAddr>, Error> {
        let four = self.ask::<A>(name, deadline, interrupt);
        let four = four.map(|answer| answer.map(|A(address)| IpAddr::V4(address)));
        let six = self.ask::<Aaaa>(name, deadline, interrupt);
        let six = six.map(|answer| answer.map(|Aaaa(address)| IpAddr::V6(address)));
        of_both(four, six)
    }
}

/// The addresses of both families, or of the one that there is. Where one has none
/// and the other cannot be told, the host may have an address.
fn of_both(
    one: Result<Answer<IpAddr>, Error>,
    other: Result<Answer<IpAddr>, Error>,
) -> Result<Answer<IpAddr>, Error> {
    match (one, other) {
        (Ok(mut one), Ok(other)) => {
            one.records.extend(other.records);
            Ok(Answer { authenticated: one.authenticated && other.authenticated, ..one })
        }
        (Ok(only), Err(_)) | (Err(_), Ok(only)) => Ok(only),
        (Err(error), Err(other)) => Err(if error.is_temporary() { error } else { other }),
    }
}

/// One server and what it is asked.
struct Asked<'a> {
    name: &'a Name,
    server: SocketAddr,
    options: &'a Options,
    deadline: Deadline,
    interrupt: &'a Interrupt,
}

impl Asked<'_> {
    /// Asks by UDP with EDNS; then by TCP, if the answer did not fit, and
    /// without EDNS, if the server does not know that (RFC 6891 §6.2.2).
    fn answer<R: Record>(&self) -> Result<Answer<R>, Error> {
        let mut way = if self.options.use_tcp { Way::Tcp } else { Way::Udp };
        let mut extended = true;
        loop {
            let query = Query::new(self.name, R::KIND, extended);
            let limit = Deadline::after(self.options.timeout).or_earlier(Some(self.deadline));
            let octets = way
                .exchange(self.server, &query, limit, self.interrupt)
                .map_err(|fault| self.broken::<R>(fault))?;
            match Response::read(&octets, self.name) {
                Response::Truncated if way == Way::Udp => way = Way::Tcp,
                Response::Refused(code) if extended && is_of_the_unextended(code) => {
                    extended = false;
                }
                response => return self.judged(response),
            }
        }
    }

    fn judged<R: Record>(&self, response: Response<R>) -> Result<Answer<R>, Error> {
        let (name, server) = (self.name.clone(), self.server);
        let kind = R::KIND;
        let failed = |reason: String| Error::Failed { name: name.clone(), kind, server, reason };
        Err(match response {
            Response::Records { records, authentic, canonical } => {
                let authenticated = authentic && self.is_believed();
                return Ok(Answer { records, authenticated, canonical });
            }
            Response::NoSuchName => Error::NoSuchName { name },
            Response::NoRecords => Error::NoRecords { name, kind },
            Response::EndlessAliases => Error::EndlessAliases { name },
            Response::Refused(code) => failed(format!("answered {code}")),
            Response::Referral => failed("pointed to other servers".to_owned()),
            Response::Truncated | Response::Malformed => Error::Malformed { name, kind, server },
        })
    }

    /// Whether what the server says of DNSSEC is worth anything: nobody can
    /// change it on its way within this machine, be it systemd-resolved at
    /// 127.0.0.53 or any other; on the way from another, only who wrote
    /// resolv.conf knows (resolv.conf(5), `trust-ad`). The C library wants that
    /// word for every server.
    fn is_believed(&self) -> bool {
        let server = self.server.ip().to_canonical();
        self.options.trust_ad || (server.is_loopback() && server != FORWARDER)
    }

    fn broken<R: Record>(&self, fault: Fault) -> Error {
        let (name, kind, server) = (self.name.clone(), R::KIND, self.server);
        match fault {
            Fault::TimedOut => Error::TimedOut { name, kind },
            Fault::Interrupted => Error::Interrupted,
            Fault::Broken(reason) => Error::Unreachable { name, kind, server, reason },
            Fault::Foreign => Error::Malformed { name, kind, server },
        }
    }
}

/// Where the containers of Docker ask: it stands on loopback, but only passes
/// on what another server says, which anybody on the way could have changed.
const FORWARDER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 11));

/// What servers say that do not know EDNS, or not this version of it.
fn is_of_the_unextended(code: OptRcode) -> bool {
    matches!(code, OptRcode::FORMERR | OptRcode::NOTIMP | OptRcode::BADVERS)
}

#[cfg(test)]
mod tests {
    use super::super::record::Kind;
    use super::*;

    fn asked_of(server: &str, options: &Options) -> bool {
        let name = "example.org".parse().unwrap();
        let interrupt = Interrupt::default();
        let deadline = Deadline::after(options.timeout);
        let server = server.parse().unwrap();
        Asked { name: &name, server, options, deadline, interrupt: &interrupt }.is_believed()
    }

    #[test]
    fn only_this_machine_is_believed_about_dnssec_unless_the_administrator_says_more() {
        let usual = Options::default();
        for (server, expected) in [
            ("127.0.0.53:53", true),
            ("[::1]:53", true),
            ("[::ffff:127.0.0.1]:53", true),
            // Docker's, which validates nothing.
            ("127.0.0.11:53", false),
            ("[::ffff:127.0.0.11]:53", false),
            ("192.0.2.1:53", false),
            ("[fe80::1%1]:53", false),
            ("0.0.0.0:53", false),
        ] {
            assert_eq!(asked_of(server, &usual), expected, "{server}");
        }
        let vouched = Options { trust_ad: true, ..usual };
        assert!(asked_of("192.0.2.1:53", &vouched) && asked_of("127.0.0.11:53", &vouched));
    }

    #[test]
    fn a_host_has_no_address_only_if_neither_family_may_have_one() {
        let name: Name = "mx.example.org".parse().unwrap();
        let found = |address: &str, authenticated| {
            let records = vec![address.parse().unwrap()];
            Ok(Answer { records, authenticated, canonical: None })
        };
        let none = || Err(Error::NoRecords { name: name.clone(), kind: Kind::A });
        let untold = || Err(Error::TimedOut { name: name.clone(), kind: Kind::A });
        let both = of_both(found("192.0.2.1", true), found("2001:db8::1", false)).unwrap();
        assert_eq!((both.records.len(), both.authenticated), (2, false));
        assert_eq!(of_both(none(), found("2001:db8::1", true)), found("2001:db8::1", true));
        assert_eq!(of_both(found("192.0.2.1", true), untold()), found("192.0.2.1", true));
        assert_eq!(of_both(none(), untold()), untold());
        assert_eq!(of_both(untold(), none()), untold());
        assert_eq!(of_both(none(), none()), none());
    }

    #[test]
    fn every_server_has_its_turn_as_often_as_the_options_say() {
        let servers: Vec<SocketAddr> =
            ["192.0.2.1:53", "192.0.2.2:53"].map(|server| server.parse().unwrap()).to_vec();
        let turns = |rotate: bool| {
            let options = Options { attempts: 2, rotate, ..Options::default() };
            Stub::of(servers.clone(), options).turns().collect::<Vec<_>>()
        };
        let [one, two] = [servers[0], servers[1]];
        assert_eq!(turns(false), [one, two, one, two]);
        let firsts: Vec<_> = (0..100).map(|_| turns(true)[0]).collect();
        assert!(firsts.contains(&one) && firsts.contains(&two));
        assert_eq!(turns(true).len(), 4);
        assert_eq!(Stub::of(Vec::new(), Options::default()).turns().count(), 0);
    }
}
