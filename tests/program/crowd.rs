//! `envoi sink` and a thousand clients that take their time.

use crate::running::{GENEROUS, Place, Started};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

#[test]
fn a_thousand_slow_clients_leave_room_for_another() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).expect("a limit");
    let place = Place::new();
    // As shells have it.
    let script = "ulimit -S -n 1024 && exec \"$0\" --json sink --listen 0 mail";
    let mut command = place.command("sh");
    command.args(["-c", script, env!("CARGO_BIN_EXE_envoi")]);
    let mut started = Started(command.spawn().expect("starting envoi"));
    let stdout = started.0.stdout.as_mut().expect("a pipe");
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).expect("a line");
    let listening: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    let url = listening["urls"][0].as_str().expect("a URL");
    let address = url.replace("smtp://localhost", "127.0.0.1");

    let slow: Vec<TcpStream> = (0..1000)
        .map(|_| {
            let mut client = TcpStream::connect(&address).expect("a connection");
            client.set_read_timeout(Some(GENEROUS)).expect("a limit");
            client.read_exact(&mut [0; 4]).expect("a greeting");
            client.write_all(b"EHL").expect("writing");
            client
        })
        .collect();
    let words = ["send", "--server", url, "--tls-ca", "mail/ca.pem", "-f", "me@client.example"];
    let run = place.run([&words[..], &["--body", "Hello", "a@x.example"]].concat(), None);
    assert_eq!(run.status, 0, "{run}");
    drop(slow);
}
