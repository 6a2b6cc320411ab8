//! One client's socket, in clear and then perhaps under TLS.

use crate::net::{self, Summary};
use crate::sasl::ChannelBinding;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::net::RecvFlags;
use rustls::pki_types::CertificateDer;
use rustls::{HandshakeKind, ProtocolVersion, ServerConfig, ServerConnection};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

/// A socket, with TLS once it is up.
pub(super) struct Channel {
    socket: Arc<TcpStream>,
    tls: Option<Box<ServerConnection>>,
    /// Nothing more is written.
    is_over: bool,
}

impl Channel {
    /// Takes a socket over. No read or write on it lasts longer than `idle`.
    pub(super) fn new(socket: Arc<TcpStream>, idle: Duration) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(idle))?;
        socket.set_write_timeout(Some(idle))?;
        Ok(Channel { socket, tls: None, is_over: false })
    }

    /// From now on no read lasts longer than this.
    pub(super) fn read_within(&self, limit: Duration) -> io::Result<()> {
        self.socket.set_read_timeout(Some(limit))
    }

    /// Waits until something comes; false where the client leaves instead.
    pub(super) fn is_spoken_to(&self) -> io::Result<bool> {
        loop {
            match self.socket.peek(&mut [0]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                octets => return Ok(octets? > 0),
            }
        }
    }

    /// Does the server's side of the handshake, and tells how many round trips
    /// it cost the client (RFC 8446 §2, RFC 5246 §7.3).
    pub(super) fn secure(&mut self, config: &Arc<ServerConfig>) -> io::Result<u32> {
        let mut tls = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
        while tls.is_handshaking() {
            let (read, written) = tls.complete_io(&mut &*self.socket)?;
            if read == 0 && written == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let old = tls.protocol_version() == Some(ProtocolVersion::TLSv1_2);
        let trips = match tls.handshake_kind() {
            Some(HandshakeKind::FullWithHelloRetryRequest) => 2,
            Some(HandshakeKind::Full) if old => 2,
            _ => 1,
        };
        self.tls = Some(Box::new(tls));
        Ok(trips)
    }

    /// The version of TLS, if it is up.
    pub(super) fn tls(&self) -> Option<&'static str> {
        match self.tls.as_ref()?.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => Some("TLS 1.2"),
            _ => Some("TLS 1.3"),
        }
    }

    /// The client's own certificate, which an authority vouches for, if it
    /// showed one.
    pub(super) fn client_certificate(&self) -> Option<Summary> {
        let own = self.tls.as_ref()?.peer_certificates()?.first()?;
        Summary::read(own)
    }

    /// What only the two ends of the channel know, given the server's
    /// certificate; nothing in clear.
    pub(super) fn bindings(&self, server: &CertificateDer<'_>) -> Vec<ChannelBinding> {
        self.tls.as_ref().map_or_else(Vec::new, |tls| net::bindings(tls, Some(server)))
    }

    /// True when octets have come that were not read yet. Does not wait.
    pub(super) fn has_input(&self) -> bool {
        let mut octet = [0; 1];
        rustix::net::recv(&self.socket, &mut octet, RecvFlags::PEEK | RecvFlags::DONTWAIT)
            .is_ok_and(|(octets, _)| octets > 0)
    }

    /// Reads octets that have come already; `None` where there are none, or no
    /// whole record of TLS. Waits for nothing.
    pub(super) fn read_ready(&mut self, into: &mut [u8]) -> io::Result<Option<usize>> {
        while self.tls.is_some() {
            let is_there = self.has_input();
            let Some(tls) = &mut self.tls else { break };
            match tls.reader().read(into) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Some(0)),
                read => return read.map(Some),
            }
            if !is_there {
                return Ok(None);
            }
            read_records(tls, &self.socket)?;
        }
        match rustix::net::recv(&self.socket, into, RecvFlags::DONTWAIT) {
            Ok((octets, _)) => Ok(Some(octets)),
            Err(Errno::AGAIN | Errno::INTR) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits so long, or until the other side or the receiver ends the
    /// connection.
    pub(super) fn wait(&self, delay: Duration) {
        let timeout = Timespec::try_from(delay).ok();
        // What came meanwhile ends no wait.
        let mut sockets = [PollFd::new(&self.socket, PollFlags::RDHUP)];
        let _ = rustix::event::poll(&mut sockets, timeout.as_ref());
    }

    /// From now on the connection ends by a reset.
    pub(super) fn reset(&mut self) -> io::Result<()> {
        self.is_over = true;
        Ok(rustix::net::sockopt::set_socket_linger(&self.socket, Some(Duration::ZERO))?)
    }

    /// As little room for octets that were not read yet as the system allows.
    pub(super) fn narrow(&self) -> io::Result<()> {
        Ok(rustix::net::sockopt::set_socket_recv_buffer_size(&self.socket, 1)?)
    }

    /// Closes below TLS only, which the other side cannot tell from an attack
    /// (RFC 8446 §6.1).
    pub(super) fn close_without_notice(&mut self) {
        self.is_over = true;
        let _ = self.socket.shutdown(std::net::Shutdown::Write);
    }

    /// Says goodbye at each level; the client may be gone already.
    pub(super) fn close(&mut self) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
            let _ = tls.write_tls(&mut &*self.socket);
        }
        let _ = self.socket.shutdown(std::net::Shutdown::Write);
    }
}

impl Read for Channel {
    /// Gives 0 when the client has closed, be it without TLS's `close_notify`:
    /// SMTP marks its own ends.
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.tls {
            Some(tls) => read_secured(tls, &self.socket, into),
            None => (&*self.socket).read(into),
        };
        match read {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
            read => read,
        }
    }
}

/// Reads under TLS and writes nothing meanwhile, as `rustls::Stream` would: a
/// client that is gone may have left something to be read.
fn read_secured(
    tls: &mut ServerConnection,
    socket: &TcpStream,
    into: &mut [u8],
) -> io::Result<usize> {
    loop {
        match tls.reader().read(into) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            read => return read,
        }
        read_records(tls, socket)?;
    }
}

fn read_records(tls: &mut ServerConnection, mut socket: &TcpStream) -> io::Result<()> {
    tls.read_tls(&mut socket)?;
    tls.process_new_packets().map(drop).map_err(io::Error::other)
}

impl Write for Channel {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        match &mut self.tls {
            Some(tls) => rustls::Stream::new(&mut **tls, &mut &*self.socket).write(from),
            None => (&*self.socket).write(from),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.tls {
            Some(tls) => rustls::Stream::new(&mut **tls, &mut &*self.socket).flush(),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_narrow_channel_has_room_for_a_few_thousand_octets() {
        // RX-9
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (socket, _) = listener.accept().unwrap();
        let socket = Arc::new(socket);
        let channel = Channel::new(Arc::clone(&socket), Duration::from_secs(9)).unwrap();
        channel.narrow().unwrap();
        let room = rustix::net::sockopt::socket_recv_buffer_size(&socket).unwrap();
        assert!((1..8192).contains(&room), "{room}");
    }
}
