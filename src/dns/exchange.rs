//! The way to a name server and back. Every wait ends by a limit, and soon
//! after the user asks to stop, whichever thread the signal came to.

use super::query::Query;
use crate::net::{self, Address, Deadline, Interrupt, Socket, Stream};
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

/// Why there is no answer.
pub(super) enum Fault {
    /// None came in time.
    TimedOut,
    /// The user asked to stop.
    Interrupted,
    /// Nobody is there, or the way broke.
    Broken(String),
    /// It is the answer to something else.
    Foreign,
}

/// How a question travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Udp,
    Tcp,
}

/// How often a wait makes sure that it still should.
const GLANCE: Duration = Duration::from_millis(100);

/// The longest message that there is.
const LONGEST: usize = u16::MAX as usize;

impl Way {
    /// Puts the question to the server; returns the octets of its answer.
    pub(super) fn exchange(
        self,
        server: SocketAddr,
        query: &Query<'_>,
        limit: Deadline,
        interrupt: &Interrupt,
    ) -> Result<Vec<u8>, Fault> {
        match self {
            Way::Udp => by_udp(server, query, limit, interrupt),
            Way::Tcp => by_tcp(server, query, limit, interrupt),
        }
    }
}

/// From a port that nobody can foresee, since each question has a socket of its
/// own; what others send to it, the kernel drops (RFC 5452 §9.2).
fn by_udp(
    server: SocketAddr,
    query: &Query<'_>,
    limit: Deadline,
    interrupt: &Interrupt,
) -> Result<Vec<u8>, Fault> {
    let any: SocketAddr = if server.is_ipv4() {
        (Ipv4Addr::UNSPECIFIED, 0).into()
    } else {
        (Ipv6Addr::UNSPECIFIED, 0).into()
    };
    remaining(limit, interrupt)?;
    let socket = UdpSocket::bind(any)?;
    socket.connect(server)?;
    socket.send(&query.octets())?;
    let mut octets = vec![0; LONGEST];
    loop {
        let left = remaining(limit, interrupt)?;
        socket.set_read_timeout(Some(left.min(GLANCE)))?;
        match socket.recv(&mut octets) {
            Ok(length) if query.is_answered_by(&octets[..length]) => {
                octets.truncate(length);
                return Ok(octets);
            }
            // Somebody's guess at an answer: the right one may still come.
            Ok(_) => {}
            Err(error) if is_for_now(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn is_for_now(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

/// Each message after its length (RFC 1035 §4.2.2).
fn by_tcp(
    server: SocketAddr,
    query: &Query<'_>,
    limit: Deadline,
    interrupt: &Interrupt,
) -> Result<Vec<u8>, Fault> {
    remaining(limit, interrupt)?;
    let mut socket = Socket::connect(&Address::Tcp(server), None, limit, interrupt)?;
    let octets = query.octets();
    let length = u16::try_from(octets.len()).map_err(|_| Fault::Foreign)?;
    socket.write_all(&[&length.to_be_bytes(), octets.as_slice()].concat())?;

    let mut length = [0; 2];
    fill(&mut socket, &mut length, limit, interrupt)?;
    let mut octets = vec![0; u16::from_be_bytes(length).into()];
    fill(&mut socket, &mut octets, limit, interrupt)?;
    if query.is_answered_by(&octets) { Ok(octets) } else { Err(Fault::Foreign) }
}

fn fill(
    socket: &mut Socket,
    mut into: &mut [u8],
    limit: Deadline,
    interrupt: &Interrupt,
) -> Result<(), Fault> {
    while !into.is_empty() {
        let left = remaining(limit, interrupt)?;
        socket.arm(Deadline::after(left.min(GLANCE)));
        match socket.read(into) {
            Ok(0) => return Err(Fault::Broken("the connection was closed".to_owned())),
            Ok(length) => into = &mut into[length..],
            Err(net::Error::TimedOut { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn remaining(limit: Deadline, interrupt: &Interrupt) -> Result<Duration, Fault> {
    if interrupt.signal().is_some() {
        return Err(Fault::Interrupted);
    }
    limit.remaining().ok_or(Fault::TimedOut)
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Fault::Broken(error.to_string())
    }
}

impl From<net::Error> for Fault {
    fn from(error: net::Error) -> Self {
        match error {
            net::Error::TimedOut { .. } => Fault::TimedOut,
            net::Error::Interrupted => Fault::Interrupted,
            net::Error::Connect { cause, .. } => cause.into(),
            other => Fault::Broken(other.to_string()),
        }
    }
}
