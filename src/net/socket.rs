//! TCP and Unix sockets: non-blocking, behind calls that wait, each no longer
//! than its deadline.

use super::deadline::{Deadline, Interrupt, Stopwatch};
use super::endpoint::{Address, SocketPath};
use super::error::Error;
use super::stream::Stream;
use super::tls::TlsFacts;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, sockopt};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// A connected socket.
#[derive(Debug)]
pub struct Socket {
    fd: OwnedFd,
    deadline: Deadline,
    armed: Stopwatch,
    interrupt: Interrupt,
    heeds_interrupt: bool,
    window: usize,
}

/// The least and the most that may stand unanswered, whatever the kernel says.
const WINDOW: std::ops::RangeInclusive<usize> = 4 * 1024..=128 * 1024;

/// How often one who waits makes sure that he still should: a signal may come
/// to another thread.
const GLANCE: Duration = Duration::from_millis(100);

impl Socket {
    /// The addresses of this end and of the other, where they have some on the
    /// network.
    pub fn ends(&self) -> Option<(SocketAddr, SocketAddr)> {
        let other = rustix::net::getpeername(&self.fd).ok()?;
        Some((self.local_address()?, other?.try_into().ok()?))
    }

    /// Connects to one address by the deadline; from `source`, if one is given
    /// and the address is one of the network.
    pub fn connect(
        address: &Address,
        source: Option<IpAddr>,
        deadline: Deadline,
        interrupt: &Interrupt,
    ) -> Result<Socket, Error> {
        match address {
            Address::Tcp(address) => Socket::connect_tcp(*address, source, deadline, interrupt),
            Address::Unix(path) => Socket::connect_unix(path, deadline, interrupt),
        }
    }

    fn connect_tcp(
        address: SocketAddr,
        source: Option<IpAddr>,
        deadline: Deadline,
        interrupt: &Interrupt,
    ) -> Result<Socket, Error> {
        let failed = |errno| Error::connect(Address::Tcp(address), errno);
        let socket = tcp_socket(address).map_err(failed)?;
        if let Some(source) = source {
            rustix::net::bind(&socket, &SocketAddr::new(source, 0))
                .map_err(|errno| Error::Source { address: source, cause: errno.into() })?;
        }
        match rustix::net::connect(&socket, &address) {
            Ok(()) | Err(Errno::INPROGRESS | Errno::INTR) => {}
            Err(errno) => return Err(failed(errno)),
        }
        let mut socket = Socket::new(socket, deadline, interrupt);
        // Refused, unreachable: the operating system's word. Timed out and
        // interrupted: ours.
        match socket.wait(PollFlags::OUT) {
            Ok(_) => {}
            Err(Error::Io(cause)) => {
                return Err(Error::Connect { address: Address::Tcp(address), cause });
            }
            Err(other) => return Err(other),
        }
        sockopt::socket_error(&socket.fd).map_err(failed)?.map_err(failed)?;
        sockopt::set_tcp_nodelay(&socket.fd, true).map_err(failed)?;
        socket.measure_window();
        Ok(socket)
    }

    /// A server with too many clients that wait makes a Unix socket wait too,
    /// but `poll` does not know of it: so the kernel is given the limit.
    fn connect_unix(
        path: &SocketPath,
        deadline: Deadline,
        interrupt: &Interrupt,
    ) -> Result<Socket, Error> {
        let failed = |errno| match errno {
            Errno::PROTOTYPE => Error::NotASocket(path.clone()),
            Errno::CONNREFUSED if !is_socket(path) => Error::NotASocket(path.clone()),
            errno => Error::connect(Address::Unix(path.clone()), errno),
        };
        let to = SocketAddrUnix::new(path.as_path()).map_err(failed)?;
        let socket = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None);
        let socket = socket.map_err(failed)?;
        rustix::io::ioctl_fioclex(&socket).map_err(failed)?;
        let mut socket = Socket::new(socket, deadline, interrupt);
        loop {
            let left = socket.remaining()?;
            sockopt::set_socket_timeout(&socket.fd, sockopt::Timeout::Send, Some(left))
                .map_err(failed)?;
            match rustix::net::connect(&socket.fd, &to) {
                Ok(()) => break,
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(errno) => return Err(failed(errno)),
            }
        }
        rustix::io::ioctl_fionbio(&socket.fd, true).map_err(failed)?;
        socket.measure_window();
        Ok(socket)
    }

    fn new(fd: OwnedFd, deadline: Deadline, interrupt: &Interrupt) -> Socket {
        let (armed, interrupt) = (Stopwatch::start(), interrupt.clone());
        Socket { fd, deadline, armed, interrupt, heeds_interrupt: true, window: 0 }
    }

    /// Asked, never set: setting it would end the kernel's own tuning.
    fn measure_window(&mut self) {
        let buffer = sockopt::socket_send_buffer_size(&self.fd).unwrap_or(0);
        self.window = (buffer / 2).clamp(*WINDOW.start(), *WINDOW.end());
    }

    fn is_interrupted(&self) -> bool {
        self.heeds_interrupt && self.interrupt.signal().is_some()
    }

    /// How long may still be waited.
    fn remaining(&self) -> Result<Duration, Error> {
        if self.is_interrupted() {
            return Err(Error::Interrupted);
        }
        let late = || Error::TimedOut { after: self.armed.elapsed() };
        self.deadline.remaining().ok_or_else(late)
    }

    /// Waits until one of the flags holds; says which.
    fn wait(&self, flags: PollFlags) -> Result<PollFlags, Error> {
        loop {
            let left = self.remaining()?;
            let moment = if self.heeds_interrupt { left.min(GLANCE) } else { left };
            if let Some(ready) = self.poll(flags, Timespec::try_from(moment).ok().as_ref())? {
                return Ok(ready);
            }
        }
    }

    /// One look at the socket; `None` when nothing holds by then.
    fn poll(&self, flags: PollFlags, limit: Option<&Timespec>) -> Result<Option<PollFlags>, Error> {
        let mut fds = [PollFd::new(&self.fd, flags)];
        match poll(&mut fds, limit) {
            // A signal: the user's wish to stop, or only a process that was
            // stopped and continued. `wait` tells them apart.
            Ok(0) | Err(Errno::INTR) => Ok(None),
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
            match rustix::io::write(&self.fd, octets) {
                Ok(taken) => return Ok(taken),
                Err(Errno::AGAIN) => {
                    let ready = self.wait(PollFlags::OUT | hear)?;
                    if !ready.contains(PollFlags::OUT) && ready.intersects(hear) {
                        return Ok(0);
                    }
                }
                Err(Errno::INTR) => {}
                Err(errno) => return Err(io::Error::from(errno).into()),
            }
        }
    }
}

/// A socket for this family: non-blocking, closed on exec.
fn tcp_socket(address: SocketAddr) -> Result<OwnedFd, Errno> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = rustix::net::socket(family, SocketType::STREAM, None)?;
    rustix::io::ioctl_fioclex(&socket)?;
    rustix::io::ioctl_fionbio(&socket, true)?;
    Ok(socket)
}

/// A file of another kind refuses a connection as a socket does to which
/// nobody listens.
fn is_socket(path: &SocketPath) -> bool {
    let file = rustix::fs::stat(path.as_path());
    file.is_ok_and(|file| rustix::fs::FileType::from_raw_mode(file.st_mode).is_socket())
}

impl Stream for Socket {
    fn arm(&mut self, deadline: Deadline) {
        self.deadline = deadline;
        self.armed = Stopwatch::start();
    }

    fn read(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        loop {
            match rustix::io::read(&self.fd, &mut *into) {
                Ok(length) => return Ok(length),
                Err(Errno::AGAIN) => drop(self.wait(PollFlags::IN)?),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(io::Error::from(errno).into()),
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
        let _ = rustix::net::shutdown(&self.fd, rustix::net::Shutdown::Write);
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
        rustix::net::getsockname(&self.fd).ok()?.try_into().ok()
    }
}
