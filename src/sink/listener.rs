//! The threads of the receiver, at each port one more than it has clients.
//!
//! A thread serves whom it has accepted itself: a client waits for no other
//! thread to be started or woken. Who accepts and leaves nobody behind to wait
//! for the next client starts another thread first.

use super::Listen;
use super::connection::{Connection, Shared};
use super::event::Event;
use super::input::Input;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// The sockets in use, to close them when the receiver stops.
#[derive(Debug, Default)]
pub(super) struct Clients {
    /// Nobody is let in any more.
    is_ending: AtomicBool,
    /// Nor is anybody served who is in.
    is_closed: AtomicBool,
    count: AtomicU64,
    sockets: Mutex<HashMap<u64, Arc<TcpStream>>>,
    /// Whence threads were called to end their wait: those are no clients.
    calls: Mutex<Vec<SocketAddr>>,
}

/// The threads that were started, to wait for them.
pub(super) type Threads = Arc<Mutex<Vec<JoinHandle<()>>>>;

/// What the threads of a port share.
pub(super) struct Port {
    pub(super) listener: TcpListener,
    pub(super) listen: Listen,
    pub(super) clients: Arc<Clients>,
    pub(super) shared: Arc<Shared>,
    pub(super) events: Sender<Event>,
    pub(super) threads: Threads,
    /// How many threads wait for a client, or are about to.
    pub(super) waiting: AtomicUsize,
}

/// A thread that comes back from its client waits for the next one, unless so
/// many do.
const SPARE: usize = 16;

impl Port {
    /// Starts a thread that takes clients until the receiver stops.
    pub(super) fn staff(self: &Arc<Self>) -> io::Result<()> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let port = Arc::clone(self);
        let thread = std::thread::Builder::new().name("sink".to_owned());
        let thread = thread.spawn(move || port.take_clients()).inspect_err(|_| {
            self.waiting.fetch_sub(1, Ordering::SeqCst);
        })?;
        let mut threads = held(&self.threads);
        threads.retain(|thread| !thread.is_finished());
        threads.push(thread);
        Ok(())
    }

    fn take_clients(self: Arc<Self>) {
        let mut input = Input::default();
        while !self.is_closed()
            && let Some(socket) = self.accept()
        {
            if self.waiting.fetch_sub(1, Ordering::SeqCst) == 1
                && let Err(error) = self.staff()
            {
                self.cannot_take(None, error);
            }
            self.serve(socket, &mut input);
            if self.waiting.fetch_add(1, Ordering::SeqCst) >= SPARE {
                break;
            }
        }
        // One call wakes one thread: it is handed on.
        if self.waiting.fetch_sub(1, Ordering::SeqCst) > 1
            && self.clients.is_ending()
            && let Ok(address) = self.listener.local_addr()
        {
            self.clients.wake(address);
        }
    }

    /// The next client; `None` when there are no more.
    fn accept(&self) -> Option<TcpStream> {
        let mut is_told = false;
        loop {
            if self.clients.is_ending() {
                // From here on only who called before is there to be accepted.
                self.listener.set_nonblocking(true).ok()?;
            }
            match self.listener.accept() {
                _ if self.is_closed() => return None,
                Ok((_, peer)) if self.clients.is_own_call(peer) => {}
                Ok((socket, _)) => return Some(socket),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
                Err(error) => {
                    // It stays so for a while: nobody is told a hundred times.
                    if !std::mem::replace(&mut is_told, true) {
                        self.cannot_take(None, error);
                    }
                    // Out of descriptors, most likely: some come back soon.
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
        }
    }

    /// Nobody is served any more.
    fn is_closed(&self) -> bool {
        self.clients.is_closed.load(Ordering::SeqCst)
    }

    fn serve(&self, socket: TcpStream, input: &mut Input) {
        let socket = Arc::new(socket);
        let number = self.clients.enter(&socket);
        let events = self.events.clone();
        match Connection::new(number, &self.shared, events, socket, self.listen, input) {
            Ok(connection) => connection.serve(),
            Err(error) => self.cannot_take(Some(number), error),
        }
        input.clear();
        self.clients.leave(number);
    }

    fn cannot_take(&self, connection: Option<u64>, error: io::Error) {
        let doing = "taking a connection";
        let _ = self.events.send(Event::Failed { connection, doing, error });
    }
}

/// Waits until every thread has ended.
pub(super) fn join(threads: &Threads) {
    // One that ends may have started another.
    loop {
        let Some(thread) = held(threads).pop() else { return };
        let _ = thread.join();
    }
}

impl Clients {
    /// From now on nobody is let in, and who is in can write no more. What was
    /// written before is read still.
    pub(super) fn end(&self) {
        self.is_ending.store(true, Ordering::SeqCst);
        self.shut(Shutdown::Read);
    }

    /// From now on nobody is served.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
        self.is_ending.store(true, Ordering::SeqCst);
        self.shut(Shutdown::Both);
    }

    fn is_ending(&self) -> bool {
        self.is_ending.load(Ordering::SeqCst)
    }

    fn shut(&self, how: Shutdown) {
        for socket in held(&self.sockets).values() {
            let _ = socket.shutdown(how);
        }
    }

    /// Ends the wait of one thread at a port by calling it. Only for whoever
    /// ended the receiver before.
    pub(super) fn wake(&self, mut port: SocketAddr) {
        // A link-local address keeps its interface.
        match port.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => port.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => port.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        // Whoever takes the call waits until it is known as one.
        let mut calls = held(&self.calls);
        let call = TcpStream::connect_timeout(&port, Duration::from_secs(1));
        calls.extend(call.and_then(|call| call.local_addr()));
    }

    fn is_own_call(&self, peer: SocketAddr) -> bool {
        self.is_ending() && held(&self.calls).contains(&peer)
    }

    /// Lets a client in, and tells which connection this is. Who comes in while
    /// the receiver ends can write no more, either.
    fn enter(&self, socket: &Arc<TcpStream>) -> u64 {
        let number = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        held(&self.sockets).insert(number, Arc::clone(socket));
        if self.is_closed.load(Ordering::SeqCst) {
            let _ = socket.shutdown(Shutdown::Both);
        } else if self.is_ending() {
            let _ = socket.shutdown(Shutdown::Read);
        }
        number
    }

    fn leave(&self, number: u64) {
        held(&self.sockets).remove(&number);
    }
}

fn held<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}
