//! Names to addresses by the system's resolver, in bounded time.

use super::deadline::{Deadline, Interrupt, Stopwatch};
use super::endpoint::Host;
use super::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// Which addresses may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Family {
    /// Both.
    #[default]
    Any,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

/// How often a look-up that waits makes sure that it still should.
const GLANCE: Duration = Duration::from_millis(100);

/// The addresses of a host in the order in which to try them, the two families
/// interleaved so that one that is dead costs one attempt, not all of them.
///
/// The system's `getaddrinfo` knows no limit, so it runs on a thread of its
/// own which is left behind when the deadline passes.
pub fn lookup(
    host: &Host,
    family: Family,
    deadline: Deadline,
    interrupt: &Interrupt,
) -> Result<Vec<IpAddr>, Error> {
    let addresses = match host {
        Host::Address(address) => vec![*address],
        Host::Name(_) if host.is_loopback() => LOOPBACK.to_vec(),
        Host::Name(name) => ask(name, deadline, interrupt)?,
    };
    let addresses = interleaved(addresses.into_iter().filter(|a| family.admits(*a)));
    if addresses.is_empty() {
        return Err(Error::NoAddressOfFamily { host: host.to_string(), family: family.name() });
    }
    Ok(addresses)
}

const LOOPBACK: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

impl Family {
    /// That of an address.
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Family::V4 } else { Family::V6 }
    }

    fn admits(self, address: IpAddr) -> bool {
        match self {
            Family::Any => true,
            Family::V4 => address.is_ipv4(),
            Family::V6 => address.is_ipv6(),
        }
    }

    /// `IPv4` or `IPv6`.
    pub fn name(self) -> &'static str {
        match self {
            Family::Any => "usable",
            Family::V4 => "IPv4",
            Family::V6 => "IPv6",
        }
    }
}

fn ask(name: &str, deadline: Deadline, interrupt: &Interrupt) -> Result<Vec<IpAddr>, Error> {
    let (answer, answered) = channel();
    let question = name.to_owned();
    std::thread::Builder::new()
        .name("lookup".to_owned())
        .spawn(move || {
            let found = (question.as_str(), 0)
                .to_socket_addrs()
                .map(|found| found.map(|a| a.ip()).collect::<Vec<_>>());
            // Nobody listens any more once the deadline has passed.
            let _ = answer.send(found);
        })
        .map_err(Error::Io)?;
    let started = Stopwatch::start();
    loop {
        if interrupt.signal().is_some() {
            return Err(Error::Interrupted);
        }
        let late = || Error::TimedOut { after: started.elapsed() };
        let left = deadline.remaining().ok_or_else(late)?;
        match answered.recv_timeout(left.min(GLANCE)) {
            Ok(Ok(addresses)) => return Ok(addresses),
            Ok(Err(cause)) => return Err(explained(name, &cause.to_string())),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(explained(name, "the resolver gave up"));
            }
        }
    }
}

/// The standard library gives the resolver's error as words only. These are
/// glibc's and musl's for the errors that are final; all others may pass.
fn explained(host: &str, words: &str) -> Error {
    const FINAL: [&str; 4] = [
        "Name or service not known",
        "No address associated with hostname",
        "Name does not resolve",
        "nodename nor servname provided",
    ];
    let host = host.to_owned();
    let reason = words.rsplit(": ").next().unwrap_or(words).to_owned();
    if FINAL.iter().any(|words| reason.contains(words)) {
        Error::NoSuchHost { host, reason }
    } else {
        Error::Lookup { host, reason }
    }
}

/// First of each family in turn, beginning with the family that the resolver
/// put first (RFC 8305 §4).
fn interleaved(addresses: impl Iterator<Item = IpAddr>) -> Vec<IpAddr> {
    let mut unique: Vec<IpAddr> = Vec::new();
    for address in addresses {
        if !unique.contains(&address) {
            unique.push(address);
        }
    }
    let Some(first) = unique.first() else { return unique };
    let (one, other): (Vec<_>, Vec<_>) =
        unique.iter().partition(|a| a.is_ipv4() == first.is_ipv4());
    let longest = one.len().max(other.len());
    (0..longest).flat_map(|at| [one.get(at), other.get(at)]).flatten().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering;

    fn soon() -> Deadline {
        Deadline::after(Duration::from_secs(30))
    }

    #[test]
    fn families_take_turns_and_repeated_addresses_count_once() {
        let given =
            ["::1", "::2", "::1", "10.0.0.1", "::3", "10.0.0.2"].map(|a| a.parse().unwrap());
        let order: Vec<_> =
            interleaved(given.into_iter()).iter().map(ToString::to_string).collect();
        assert_eq!(order, ["::1", "10.0.0.1", "::2", "10.0.0.2", "::3"]);
    }

    #[test]
    fn an_address_needs_no_resolver() {
        let host = Host::Address("127.0.0.1".parse().unwrap());
        let found = lookup(&host, Family::Any, soon(), &Interrupt::default()).unwrap();
        assert_eq!(found, ["127.0.0.1".parse::<IpAddr>().unwrap()]);
        let wrong = lookup(&host, Family::V6, soon(), &Interrupt::default());
        assert!(matches!(wrong, Err(Error::NoAddressOfFamily { family: "IPv6", .. })));
    }

    #[test]
    fn localhost_is_this_machine_whatever_a_name_server_says() {
        for name in ["localhost", "LocalHost", "mail.localhost"] {
            let host = Host::Name(name.to_owned());
            let found = lookup(&host, Family::V6, soon(), &Interrupt::default()).unwrap();
            assert_eq!(found, [IpAddr::V6(Ipv6Addr::LOCALHOST)], "{name}");
        }
    }

    #[test]
    fn a_look_up_ends_at_its_deadline_and_when_the_user_stops_it() {
        let host = Host::Name("mail.example.org".to_owned());
        let past = Deadline::after(Duration::ZERO);
        let late = lookup(&host, Family::Any, past, &Interrupt::default());
        assert!(matches!(late, Err(Error::TimedOut { .. })), "{late:?}");
        let interrupt = Interrupt::default();
        interrupt.cell().store(2, Ordering::Relaxed);
        let stopped = lookup(&host, Family::Any, soon(), &interrupt);
        assert!(matches!(stopped, Err(Error::Interrupted)), "{stopped:?}");
    }

    #[test]
    fn what_is_final_and_what_may_pass_are_told_apart() {
        let words = "failed to lookup address information: Name or service not known";
        assert!(matches!(explained("x", words), Error::NoSuchHost { .. }));
        let words = "failed to lookup address information: Temporary failure in name resolution";
        assert!(matches!(explained("x", words), Error::Lookup { .. }));
    }
}
