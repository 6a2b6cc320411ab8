//! TCP: non-blocking sockets behind calls that wait, each no longer than its
//! deadline.
#![expect(clippy::disallowed_types, reason = "the one room that opens connections")]

use super::deadline::{Deadline, Interrupt, Stopwatch};
use super::error::Error;
use super::stream::Stream;
use super::tls::TlsFacts;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{AddressFamily, SocketType, sockopt};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::fd::OwnedFd;

/// A connected socket.
#[derive(Debug)]
pub struct Tcp {
    socket: TcpStream,
    deadline: Deadline,
    armed: Stopwatch,
    interrupt: Interrupt,
    heeds_interrupt: bool,
    window: usize,
}

/// The least and the most that may stand unanswered, whatever the kernel says.
const WINDOW: std::ops::RangeInclusive<usize> = 4 * 1024..=128 * 1024;

impl Tcp {
    /// Connects to one address by the deadline; from `source`, if one is given.
    pub fn connect(
        address: SocketAddr,
        source: Option<IpAddr>,
        deadline: Deadline,
        interrupt: &Interrupt,
    ) -> Result<Tcp, Error> {
        let failed = |cause: io::Error| Error::Connect { address, cause };
        let socket = open_socket(address).map_err(failed)?;
        if let Some(source) = source {
            rustix::net::bind(&socket, &SocketAddr::new(source, 0))
                .map_err(|errno| Error::Source { address: source, cause: errno.into() })?;
        }
        let socket = begin_connecting(socket, address).map_err(failed)?;
        // Refused, unreachable: the operating system's word. Timed out and
        // interrupted: ours.
        let interrupt = interrupt.clone();
        let armed = Stopwatch::start();
        let mut tcp = Tcp { socket, deadline, armed, interrupt, heeds_interrupt: true, window: 0 };
        match tcp.wait(PollFlags::OUT) {
            Ok(_) => {}
            Err(Error::Io(cause)) => return Err(failed(cause)),
            Err(other) => return Err(other),
        }
        sockopt::socket_error(&tcp.socket)
            .map_err(|errno| failed(errno.into()))?
            .map_err(|errno| failed(errno.into()))?;
        tcp.socket.set_nodelay(true).map_err(failed)?;
        // Asked, never set: setting it would end the kernel's own tuning.
        let buffer = sockopt::socket_send_buffer_size(&tcp.socket).unwrap_or(0);
        tcp.window = (buffer / 2).clamp(*WINDOW.start(), *WINDOW.end());
        Ok(tcp)
    }

    fn is_interrupted(&self) -> bool {
        self.heeds_interrupt && self.interrupt.signal().is_some()
    }

    /// Waits until one of the flags holds; says which.
    fn wait(&self, flags: PollFlags) -> Result<PollFlags, Error> {
        loop {
            if self.is_interrupted() {
                return Err(Error::Interrupted);
            }
            let late = || Error::TimedOut { after: self.armed.elapsed() };
            let left = self.deadline.remaining().ok_or_else(late)?;
            if let Some(ready) = self.poll(flags, Timespec::try_from(left).ok().as_ref())? {
                return Ok(ready);
            }
        }
    }

    /// One look at the socket; `None` when nothing holds by then.
    fn poll(&self, flags: PollFlags, limit: Option<&Timespec>) -> Result<Option<PollFlags>, Error> {
        let mut fds = [PollFd::new(&self.socket, flags)];
        match poll(&mut fds, limit) {
            // A signal: the user's wish to stop, or only a process that was
            // stopped and continued. `wait` tells them apart.
            Ok(0) | Err(rustix::io::Errno::INTR) => Ok(None),
            Ok(_) => Ok(Some(fds[0].revents())),
            Err(errno) => Err(Error::Io(errno.into())),
        }
    }

    /// One write; waits for room, and for the server's voice if `hear` is set.
    /// 0 means that the server has spoken.
    fn write_some(&mut self, octets: &[u8], hear: PollFlags) -> Result<usize, Error> {
        loop {
            // A large message may never have to wait, hence here as well.
            if self.is_interrupted() {
                return Err(Error::Interrupted);
            }
            match self.socket.write(octets) {
                Ok(taken) => return Ok(taken),
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    let ready = self.wait(PollFlags::OUT | hear)?;
                    if !ready.contains(PollFlags::OUT) && ready.intersects(hear) {
                        return Ok(0);
                    }
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e.into()),
            }
        }
    }
}

/// A socket for this family: non-blocking, closed on exec.
fn open_socket(address: SocketAddr) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = rustix::net::socket(family, SocketType::STREAM, None)?;
    rustix::io::ioctl_fioclex(&socket)?;
    rustix::io::ioctl_fionbio(&socket, true)?;
    Ok(socket)
}

fn begin_connecting(socket: OwnedFd, address: SocketAddr) -> io::Result<TcpStream> {
    match rustix::net::connect(&socket, &address) {
        Ok(()) | Err(rustix::io::Errno::INPROGRESS | rustix::io::Errno::INTR) => Ok(socket.into()),
        Err(errno) => Err(errno.into()),
    }
}

impl Stream for Tcp {
    fn arm(&mut self, deadline: Deadline) {
        self.deadline = deadline;
        self.armed = Stopwatch::start();
    }

    fn read(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        loop {
            match self.socket.read(into) {
                Ok(length) => return Ok(length),
                Err(e) if e.kind() == ErrorKind::WouldBlock => drop(self.wait(PollFlags::IN)?),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e.into()),
            }
        }
    }

    fn write_all(&mut self, mut octets: &[u8]) -> Result<(), Error> {
        while !octets.is_empty() {
            let taken = self.write_some(octets, PollFlags::empty())?;
            octets = &octets[taken..];
        }
        Ok(())
    }

    fn write_while_silent(&mut self, octets: &[u8]) -> Result<usize, Error> {
        let mut written = 0;
        while written < octets.len() {
            match self.write_some(&octets[written..], PollFlags::IN)? {
                0 => break,
                taken => written += taken,
            }
        }
        Ok(written)
    }

    fn pending(&mut self) -> Result<bool, Error> {
        const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
        Ok(self.poll(PollFlags::IN, Some(&AT_ONCE))?.is_some())
    }

    fn close(&mut self) {
        // The other end may be gone already, which is what we want.
        let _ = self.socket.shutdown(std::net::Shutdown::Write);
    }

    fn ignore_interrupt(&mut self) {
        self.heeds_interrupt = false;
    }

    fn window(&self) -> usize {
        self.window
    }

    fn protection(&self) -> Option<&TlsFacts> {
        None
    }

    fn local_address(&self) -> Option<SocketAddr> {
        self.socket.local_addr().ok()
    }
}
