//! Which ports are looked at, in which order, and who signs in there.

use super::Subject;
use super::server::Seen;
use super::sign_in::{self, SignedIn};
use crate::account::Account;
use crate::cli::Surroundings;
use crate::cli::args::{CheckArgs, Ports};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::route::{self, Prepared};
use crate::cli::send::host_name;
use crate::cli::transcript::Transcript;
use crate::delivery::{Attempt, Hop, Probed, World, probe, probe_at};
use crate::net::{Address, Interrupt, Place, Security, Verification};
use crate::session::{Error, Observer};
use crate::smtp::{Phase, Protocol};
use std::time::{Duration, SystemTime};

/// Looks at the servers of the account.
pub(super) fn looked_at(
    args: &CheckArgs,
    account: &Account,
    interrupt: &Interrupt,
    surroundings: &mut Surroundings<'_>,
) -> Result<Vec<Subject>, Failure> {
    let prepared = route::prepare(account, false, interrupt, surroundings)?;
    if prepared.route.hops.is_empty() {
        let sentence = "the account has no server that could be looked at";
        return Err(Failure::say(Exit::Config, sentence));
    }
    let host = host_name();
    let mut transcript = Transcript::seen(surroundings.globals.verbose, &mut *surroundings.err);
    let world = World {
        secrets: &prepared.passwords,
        interrupt,
        host_name: Some(&host),
        wait_for_farewell: true,
    };
    let subjects = look(args, &prepared, &world, &mut transcript);
    drop(transcript);
    for trouble in prepared.passwords.troubles() {
        surroundings.warn(&trouble);
    }
    Ok(subjects)
}

/// Looks at every port, the account's own first, and judges each.
fn look(
    args: &CheckArgs,
    prepared: &Prepared<'_>,
    world: &World<'_>,
    observer: &mut dyn Observer,
) -> Vec<Subject> {
    let mut subjects: Vec<Subject> = Vec::new();
    let seen = |hop: &Hop, is_own, first, probed: Probed, others, sign_in| Seen {
        hop: hop.clone(),
        first,
        is_own,
        attempt: probed.attempt,
        silent: probed.silent,
        others,
        untried: probed.untried,
        sign_in,
        now: SystemTime::now(),
        warn_days: args.warn_days,
        signal: world.interrupt.signal(),
    };
    let hops = &patient(&prepared.route.hops);
    for hop in hops {
        if world.interrupt.signal().is_some() {
            return subjects;
        }
        if is_over(hop) {
            subjects.push(Subject::unseen(hop));
            continue;
        }
        let looked_at = hop.looked_at();
        let mut probed = probe(&looked_at, world, observer);
        let has_failed =
            subjects.iter().filter_map(Subject::seen).any(|seen| seen.sign_in.has_failed());
        let sign_in = sign_in(args, hop, &probed.attempt, has_failed, world, observer);
        let others = the_others(&looked_at, &mut probed, world, observer);
        let seen = seen(hop, true, first(&subjects), probed, others, sign_in);
        subjects.push(Subject::of_port(seen));
    }
    let mut others = beside(args.ports.as_ref(), hops);
    others.retain(|hop| !is_lost(hop, &subjects));
    for hop in others {
        if world.interrupt.signal().is_some() {
            return subjects;
        }
        if is_over(&hop) {
            subjects.push(Subject::unseen(&hop));
            continue;
        }
        let probed = probe(&hop, world, observer);
        let nobody = SignedIn::Nobody;
        let seen = seen(&hop, false, first(&subjects), probed, Vec::new(), nobody);
        subjects.push(Subject::of_port(seen));
    }
    subjects
}

/// Whether its host has no address, as another of its ports told.
fn is_lost(hop: &Hop, subjects: &[Subject]) -> bool {
    let seen = subjects.iter().filter_map(Subject::seen);
    let mut same = seen.filter(|it| it.hop.endpoint.place.host() == hop.endpoint.place.host());
    let has_failed = |error: &std::sync::Arc<Error>| error.phase == Phase::Lookup;
    same.any(|seen| seen.attempt.error.as_ref().is_some_and(has_failed))
}

/// Whether there is no time left to look at anything.
fn is_over(hop: &Hop) -> bool {
    hop.deadline.is_some_and(|deadline| deadline.remaining().is_none())
}

/// More addresses than these are not looked at.
const MOST_ADDRESSES: usize = 8;

/// Looks at the addresses of the host that have not been tried, the first few; at none
/// of this machine, nor of a proxy.
fn the_others(
    hop: &Hop,
    probed: &mut Probed,
    world: &World<'_>,
    observer: &mut dyn Observer,
) -> Vec<Attempt> {
    if hop.proxy.is_some() || hop.endpoint.place.host().is_loopback() {
        return Vec::new();
    }
    let count = probed.untried.len().min(MOST_ADDRESSES);
    let few: Vec<Address> = probed.untried.drain(..count).collect();
    let mut few = few.iter().take_while(|_| world.interrupt.signal().is_none());
    few.by_ref().map(|address| probe_at(hop, address, world, observer)).collect()
}

/// What the first port offers.
fn first(subjects: &[Subject]) -> Option<Vec<String>> {
    Some(subjects.first()?.seen()?.offers().to_vec())
}

/// Ports where a server may take mail: submission by TLS from the start, the same
/// by STARTTLS (RFC 8314 §3.3), and the port of other servers.
const SENSIBLE: [u16; 3] = [465, 587, 25];

/// How long anything is waited for: who checks a server sits before it, and the minutes
/// of RFC 5321 §4.5.3.2 are for messages.
const PATIENCE_OF_OWN: Duration = Duration::from_secs(60);

fn patient(hops: &[Hop]) -> Vec<Hop> {
    hops.iter().map(|hop| hop.clone().within(PATIENCE_OF_OWN)).collect()
}

/// How long a port is waited for that nobody has named.
const PATIENCE: Duration = Duration::from_secs(10);

/// The other ports of the hosts, each once.
fn beside(ports: Option<&Ports>, hops: &[Hop]) -> Vec<Hop> {
    let mut known: Vec<Place> = hops.iter().map(|hop| hop.endpoint.place.clone()).collect();
    let mut others = Vec::new();
    for hop in hops.iter().filter(|hop| hop.endpoint.protocol == Protocol::Smtp) {
        let usual: &[u16] = if hop.endpoint.place.host().is_loopback() { &[] } else { &SENSIBLE };
        for &port in ports.map_or(usual, |Ports(ports)| ports) {
            let Some(other) = hop.beside(port, PATIENCE) else { continue };
            if !known.contains(&other.endpoint.place) {
                known.push(other.endpoint.place.clone());
                others.push(other);
            }
        }
    }
    others
}

/// Signs in where a message would, unless it is clear that it would not come to
/// that.
fn sign_in(
    args: &CheckArgs,
    hop: &Hop,
    attempt: &Attempt,
    has_failed: bool,
    world: &World<'_>,
    observer: &mut dyn Observer,
) -> SignedIn {
    let Some(sign_in) = &hop.sign_in else { return SignedIn::Nobody };
    let needs_tls = matches!(hop.endpoint.security, Security::Implicit | Security::StartTls);
    let is_bad = attempt.tls.as_ref().is_some_and(|facts| !facts.is_verified());
    match &attempt.error {
        _ if has_failed => SignedIn::Withheld("it has failed at another server"),
        Some(_) => SignedIn::Withheld("the session did not come so far"),
        _ if is_bad && needs_tls && hop.tls.verification == Verification::Required => {
            SignedIn::Withheld("the server's certificate is no good")
        }
        _ => sign_in::tried(hop, sign_in, args.all_mechanisms, world, observer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Endpoint, Host};
    use crate::smtp::{Phase, Timeouts};

    #[test]
    fn nobody_waits_as_long_for_a_finding_as_a_message_would() {
        let place = Place::Tcp { host: Host::Name("mail.example.org".to_owned()), port: 587 };
        let endpoint = Endpoint { place, protocol: Protocol::Smtp, security: Security::StartTls };
        let hop = route::plain_hop(endpoint);
        let wait = |hop: &Hop| hop.timeouts.of(Phase::Greeting);
        assert_eq!(wait(&hop), Duration::from_secs(300));
        assert_eq!(wait(&patient(std::slice::from_ref(&hop))[0]), PATIENCE_OF_OWN);
        let short = Timeouts { cap: Some(Duration::from_secs(2)) };
        let impatient = Hop { timeouts: short, ..hop };
        assert_eq!(wait(&patient(&[impatient])[0]), Duration::from_secs(2));
    }
}
