//! The threads of the receiver: one a port, one a client.

use super::Listen;
use super::connection::{Connection, Shared};
use super::event::Event;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// The sockets in use, to close them when the receiver stops.
#[derive(Debug, Default)]
pub(super) struct Clients {
    /// Set when nobody is let in any more: how those who are in are left.
    ending: OnceLock<Shutdown>,
    count: AtomicU64,
    sockets: Mutex<HashMap<u64, TcpStream>>,
}

/// Takes connections until the receiver stops, then waits for them to end.
pub(super) fn listen(
    listener: &TcpListener,
    port: Listen,
    clients: &Arc<Clients>,
    shared: &Arc<Shared>,
    events: &Sender<Event>,
) {
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    loop {
        let socket = listener.accept();
        let ending = clients.ending.get();
        if ending == Some(&Shutdown::Both) {
            break;
        }
        if ending.is_some() {
            // From here on only who called before is there to be accepted.
            let _ = listener.set_nonblocking(true);
        }
        if matches!(&socket, Err(error) if error.kind() == io::ErrorKind::WouldBlock) {
            break;
        }
        threads.retain(|thread| !thread.is_finished());
        let begun = socket.and_then(|(socket, _)| begin(socket, port, clients, shared, events));
        match begun {
            Ok(thread) => threads.push(thread),
            Err(error) => {
                let doing = "taking a connection";
                let _ = events.send(Event::Failed { connection: None, doing, error });
                // Out of descriptors, most likely: some come back soon.
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
    clients.close_all();
    for thread in threads {
        let _ = thread.join();
    }
}

fn begin(
    socket: TcpStream,
    port: Listen,
    clients: &Arc<Clients>,
    shared: &Arc<Shared>,
    events: &Sender<Event>,
) -> io::Result<JoinHandle<()>> {
    let number = clients.count.fetch_add(1, Ordering::Relaxed) + 1;
    clients.enter(number, socket.try_clone()?);
    let owned = (Arc::clone(clients), Arc::clone(shared), events.clone());
    let thread = std::thread::Builder::new().name("sink client".to_owned());
    let thread = thread.spawn(move || {
        let (clients, shared, events) = owned;
        match Connection::new(number, &shared, events.clone(), socket, port) {
            Ok(connection) => connection.serve(),
            Err(error) => {
                let (connection, doing) = (Some(number), "taking a connection");
                let _ = events.send(Event::Failed { connection, doing, error });
            }
        }
        clients.leave(number);
    });
    thread.inspect_err(|_| clients.leave(number))
}

/// Ends the wait of a listener by calling it.
pub(super) fn wake(address: SocketAddr) {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    let address = SocketAddr::new(ip, address.port());
    let _ = TcpStream::connect_timeout(&address, Duration::from_secs(1));
}

impl Clients {
    /// From now on nobody is let in. Who is in can write no more, and with
    /// [`Shutdown::Both`] reads no more either.
    pub(super) fn end(&self, how: Shutdown) {
        let _ = self.ending.set(how);
    }

    fn enter(&self, number: u64, socket: TcpStream) {
        self.lock().insert(number, socket);
    }

    fn leave(&self, number: u64) {
        self.lock().remove(&number);
    }

    /// Ends every connection, in the way that was chosen. What a client had
    /// written before [`Shutdown::Read`] is read still.
    pub(super) fn close_all(&self) {
        self.close_all_by(*self.ending.get().unwrap_or(&Shutdown::Both));
    }

    /// Ends every connection in this way.
    pub(super) fn close_all_by(&self, how: Shutdown) {
        for socket in self.lock().values() {
            let _ = socket.shutdown(how);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, TcpStream>> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
