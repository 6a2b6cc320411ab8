//! The way to a server: straight, or through a proxy.

use super::report::Attempt;
use super::route::Hop;
use super::{Target, World};
use crate::net::{
    self, Address, Family, Interrupt, Place, Proxy, Socket, Stopwatch, Stream, lookup,
};
use crate::session::{Error, Event, Observer, Side, tell_wire};
use crate::smtp::Phase;
use std::net::SocketAddr;
use std::time::Duration;

/// The limit of a connection while further addresses remain to be tried.
const PATIENCE_WITH_OTHERS: Duration = Duration::from_secs(5);

/// The addresses to connect to, in order and at least one: the server's, or
/// where there is a proxy, the proxy's. Then nobody here asks for the server's.
pub(super) fn addresses(hop: &Hop, interrupt: &Interrupt) -> Result<Vec<Address>, net::Error> {
    let proxy = hop.proxy.as_ref().map(Proxy::place);
    let (host, port) = match (proxy, &hop.endpoint.place) {
        (Some(proxy), _) => (&proxy.host, proxy.port),
        (None, Place::Tcp { host, port }) => (host, *port),
        (None, Place::Unix(path)) => return Ok(vec![Address::Unix(path.clone())]),
    };
    let family = hop.source.map_or(hop.family, Family::of);
    let deadline = hop.wait(hop.timeouts.of(Phase::Lookup));
    let found =
        lookup(host, family, deadline, interrupt).map_err(|error| match (error, hop.source) {
            (net::Error::NoAddressOfFamily { host, .. }, Some(from)) => {
                net::Error::NoAddressFrom { host, from }
            }
            (error, _) => error,
        });
    let found = found.map_err(|error| blamed(hop, error))?;
    Ok(found.into_iter().map(|ip| Address::Tcp(SocketAddr::new(ip, port))).collect())
}

/// A connection to the server, in clear. How long its parts took goes into the
/// attempt.
pub(super) fn connect(
    hop: &Hop,
    target: &Target,
    world: &World<'_>,
    attempt: &mut Attempt,
    observer: &mut dyn Observer,
) -> Result<Socket, Error> {
    let place = hop.proxy.as_ref().map(Proxy::place);
    observer.event(match place {
        Some(place) => Event::ConnectingThrough(place, &hop.endpoint, &target.address),
        None => Event::Connecting(&hop.endpoint, &target.address),
    });
    let started = Stopwatch::start();
    let patience = hop.timeouts.of(Phase::Connect);
    let patience = if target.is_last { patience } else { patience.min(PATIENCE_WITH_OTHERS) };
    let deadline = hop.wait(patience);
    let mut socket = Socket::connect(&target.address, hop.source, deadline, world.interrupt)
        .map_err(|error| Error::new(Phase::Connect, blamed(hop, error)))?;
    attempt.timings.push((Phase::Connect, started.elapsed()));
    observer.event(Event::Waited(Phase::Connect, started.elapsed()));
    if let Some(proxy) = &hop.proxy {
        let started = Stopwatch::start();
        socket.arm(hop.wait(hop.timeouts.of(Phase::Proxy)));
        proxy.open(&mut socket, &hop.endpoint).map_err(|e| Error::new(Phase::Proxy, e))?;
        attempt.timings.push((Phase::Proxy, started.elapsed()));
        observer.event(Event::Waited(Phase::Proxy, started.elapsed()));
    }
    observer.event(Event::Connected(&hop.endpoint));
    if let Some(header) = &hop.proxy_header {
        socket.arm(hop.wait(hop.timeouts.of(Phase::Content)));
        let octets = header.octets(socket.ends());
        observer.event(Event::Noted(&header.words(&octets)));
        socket.write_all(&octets).map_err(|e| Error::new(Phase::Connect, e))?;
        tell_wire(observer, Side::Client, Phase::Connect, &octets);
    }
    Ok(socket)
}

/// What went wrong on the way to the proxy, if there is one, is the proxy's.
/// Where our own end cannot be had, it is nobody's but ours.
fn blamed(hop: &Hop, error: net::Error) -> net::Error {
    match (&hop.proxy, error) {
        (None, error) | (_, error @ net::Error::Source { .. }) => error,
        (Some(proxy), error) => proxy.place().blamed(error),
    }
}
