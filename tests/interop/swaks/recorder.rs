//! A relay between a client and a server that keeps what the client says.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

pub(super) enum Recorder {
    /// What is said cannot be read: there is no relay.
    Absent { server: u16 },
    /// There is one at this port.
    Present { port: u16, is_over: Arc<AtomicBool>, accepting: JoinHandle<Vec<Vec<u8>>> },
}

impl Recorder {
    /// One before this port of the loopback interface, if there is to be one.
    pub(super) fn before(server: u16, is_wanted: bool) -> Self {
        if !is_wanted {
            return Self::Absent { server };
        }
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("a bound port").port();
        let is_over = Arc::new(AtomicBool::new(false));
        let stops = Arc::clone(&is_over);
        let accepting = thread::spawn(move || {
            let clients = listener.incoming().map(|client| client.expect("a client"));
            clients
                .take_while(|_| !stops.load(Ordering::SeqCst))
                .map(|client| relay(client, server).expect("relaying"))
                .collect()
        });
        Self::Present { port, is_over, accepting }
    }

    /// Where the client is to connect to.
    pub(super) fn port(&self) -> u16 {
        match self {
            Self::Absent { server: port } | Self::Present { port, .. } => *port,
        }
    }

    /// What the client said over its one connection, when it has ended.
    pub(super) fn said(self) -> Vec<u8> {
        let Self::Present { port, is_over, accepting } = self else { return Vec::new() };
        is_over.store(true, Ordering::SeqCst);
        TcpStream::connect(("127.0.0.1", port)).expect("waking the relay");
        let mut said = accepting.join().expect("the relay");
        assert_eq!(said.len(), 1, "connections");
        said.remove(0)
    }
}

/// Carries one connection to its end, and returns what came from the client.
fn relay(client: TcpStream, server: u16) -> io::Result<Vec<u8>> {
    let server = TcpStream::connect(("127.0.0.1", server))?;
    let (mut from, mut to) = (server.try_clone()?, client.try_clone()?);
    let answers = thread::spawn(move || {
        // A client may be gone before all is said.
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
    let said = carry(client, &server);
    let _ = server.shutdown(Shutdown::Write);
    answers.join().expect("the way back");
    Ok(said)
}

fn carry(mut from: TcpStream, mut to: &TcpStream) -> Vec<u8> {
    let mut said = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        said.extend_from_slice(&buffer[..length]);
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    said
}
