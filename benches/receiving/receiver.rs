//! The receivers, each a process of its own that is ended with its value.

use super::{floor, processor};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    process: Child,
    _home: TempDir,
}

impl Receiver {
    /// That of this program, which keeps mail in memory and says nothing of it.
    pub(crate) fn own() -> Self {
        let address = free_address();
        let mut program = Command::new(env!("CARGO_BIN_EXE_envoi"));
        program.args([
            "sink",
            "--memory",
            "--quiet",
            "--ca-out",
            "ca.pem",
            "--listen",
            &address.to_string(),
        ]);
        Receiver::start(program, address)
    }

    pub(crate) fn smtp_sink() -> Self {
        let address = free_address();
        let mut program = Command::new("smtp-sink");
        let path = std::env::var("PATH").unwrap_or_default();
        program.env("PATH", format!("{path}:/usr/sbin:/usr/libexec/postfix"));
        if rustix::process::geteuid().is_root() {
            program.args(["-u", "nobody"]);
        }
        program.args([&address.to_string(), "1000"]);
        Receiver::start(program, address)
    }

    /// What finds the ends of messages, and nothing else.
    pub(crate) fn floor() -> Self {
        let mut program = Command::new(std::env::current_exe().unwrap());
        program.arg(floor::WORD).stdout(Stdio::piped());
        let mut process = program.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().parse().unwrap();
        Receiver { address, process, _home: TempDir::new().unwrap() }
    }

    fn start(mut program: Command, address: SocketAddr) -> Self {
        let home = TempDir::new().unwrap();
        program.env("HOME", home.path()).current_dir(home.path());
        let mut process = program.spawn().expect("smtp-sink, of Postfix");
        let mut client = loop {
            if let Ok(client) = TcpStream::connect(address) {
                break client;
            }
            assert!(process.try_wait().unwrap().is_none(), "{program:?} has ended");
            std::thread::sleep(Duration::from_millis(5));
        };
        // Who leaves without a word is a problem to tell of.
        client.write_all(b"QUIT\r\n").unwrap();
        client.read_to_end(&mut Vec::new()).unwrap();
        Receiver { address, process, _home: home }
    }

    /// The processor time that it has taken so far.
    pub(crate) fn processor(&self) -> Duration {
        processor::process(self.process.id())
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Where nobody listens yet: these programs cannot tell where a port 0 came to lie.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
