//! Name servers that lie, stammer or say nothing. What real ones answer stands
//! in `tests/interop/dns.rs`.
#![expect(clippy::disallowed_types, reason = "a server needs sockets")]

use envoi::dns::{Answer, Error, Name, Options, Resolver, Srv, Stub};
use envoi::net::{Deadline, Interrupt, Stopwatch};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A bound for waits that should never be reached.
const GENEROUS: Duration = Duration::from_secs(60);

/// The port that a right answer has.
const RIGHT: u16 = 465;

const FORMERR: u8 = 1;
const SERVFAIL: u8 = 2;
const NXDOMAIN: u8 = 3;
const NOTIMP: u8 = 4;
const REFUSED: u8 = 5;

/// A server of datagrams.
struct Scripted {
    address: SocketAddr,
    player: JoinHandle<()>,
}

impl Scripted {
    fn start(script: impl FnOnce(&UdpSocket) + Send + 'static) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(GENEROUS)).unwrap();
        let address = socket.local_addr().unwrap();
        Scripted { address, player: thread::spawn(move || script(&socket)) }
    }

    /// Answers one question with whatever is made of it.
    fn answering(answer: impl Fn(&[u8]) -> Vec<u8> + Send + 'static) -> Self {
        Scripted::start(move |socket| {
            let (query, from) = question(socket);
            socket.send_to(&answer(&query), from).unwrap();
        })
    }

    /// Says that the answer does not fit, and plays `script` for the
    /// connection that then comes to the same port.
    fn by_tcp(script: impl FnOnce(TcpStream, Vec<u8>) + Send + 'static) -> Self {
        let (socket, listener) = both();
        let address = socket.local_addr().unwrap();
        let player = thread::spawn(move || {
            let (query, from) = question(&socket);
            let mut truncated = response(&query, 0, &[]);
            truncated[2] |= 0x02;
            socket.send_to(&truncated, from).unwrap();
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(GENEROUS)).unwrap();
            let mut length = [0; 2];
            stream.read_exact(&mut length).unwrap();
            let mut query = vec![0; u16::from_be_bytes(length).into()];
            stream.read_exact(&mut query).unwrap();
            script(stream, query);
        });
        Scripted { address, player }
    }

    /// Waits for the script to end; its panics are the test's.
    fn finish(self) {
        if let Err(panic) = self.player.join() {
            std::panic::resume_unwind(panic);
        }
    }
}

/// A port that is free for both.
fn both() -> (UdpSocket, TcpListener) {
    loop {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        if let Ok(socket) = UdpSocket::bind(listener.local_addr().unwrap()) {
            socket.set_read_timeout(Some(GENEROUS)).unwrap();
            return (socket, listener);
        }
    }
}

fn question(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut octets = vec![0; 1024];
    let (length, from) = socket.recv_from(&mut octets).unwrap();
    octets.truncate(length);
    (octets, from)
}

/// The response to a question, with one SRV record for each port.
fn response(query: &[u8], rcode: u8, ports: &[u16]) -> Vec<u8> {
    let mut octets = query[..end_of_question(query)].to_vec();
    octets[2] = 0x81; // QR, RD
    octets[3] = 0x80 | rcode; // RA
    octets[7] = u8::try_from(ports.len()).unwrap();
    octets[11] = 0;
    for port in ports {
        // The name of the question, SRV, IN, a minute, 8 octets.
        octets.extend([0xc0, 12, 0, 33, 0, 1, 0, 0, 0, 60, 0, 9, 0, 0, 0, 0]);
        octets.extend(port.to_be_bytes());
        octets.extend(b"\x01a\0");
    }
    octets
}

fn right(query: &[u8]) -> Vec<u8> {
    response(query, 0, &[RIGHT])
}

fn end_of_question(query: &[u8]) -> usize {
    let mut at = 12;
    while query[at] != 0 {
        at += 1 + usize::from(query[at]);
    }
    at + 5
}

fn is_extended(query: &[u8]) -> bool {
    query[11] == 1 && query.len() > end_of_question(query)
}

fn name() -> Name {
    "_submissions._tcp.example.org".parse().unwrap()
}

fn patient() -> Options {
    Options { timeout: GENEROUS, attempts: 1, ..Options::default() }
}

/// For servers that say nothing: so long must whoever does say something not
/// take.
fn impatient() -> Options {
    Options { timeout: Duration::from_secs(3), ..Options::default() }
}

fn ask(servers: &[&Scripted], options: Options) -> Result<Vec<u16>, Error> {
    let servers = servers.iter().map(|server| server.address).collect();
    let stub = Stub::of(servers, options);
    let answer = stub.srv(&name(), Deadline::after(GENEROUS), &Interrupt::default());
    answer.map(|Answer { records, .. }: Answer<Srv>| records.iter().map(|srv| srv.port).collect())
}

#[test]
fn what_is_no_answer_to_the_question_is_passed_over() {
    let server = Scripted::start(|socket| {
        let (query, from) = question(socket);
        let wrong = response(&query, 0, &[1]);
        let mut number = wrong.clone();
        number[1] ^= 1;
        let mut name = wrong.clone();
        name[14] ^= 1;
        let mut echo = query.clone();
        echo[11] = 0;
        for guess in [number, name, echo, b"garbage".to_vec(), Vec::new(), vec![0xff; 600]] {
            socket.send_to(&guess, from).unwrap();
        }
        // Somebody else who has guessed all of it.
        let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
        stranger.send_to(&wrong, from).unwrap();
        // In another case, as some servers repeat the name.
        let mut right = right(&query);
        right[12..end_of_question(&query) - 4].make_ascii_uppercase();
        socket.send_to(&right, from).unwrap();
    });
    assert_eq!(ask(&[&server], patient()), Ok(vec![RIGHT]));
    server.finish();
}

#[test]
fn a_server_that_says_nothing_leaves_the_turn_to_the_next() {
    let silent = Scripted::start(|socket| drop(question(socket)));
    let good = Scripted::answering(right);
    let options = Options { attempts: 1, ..impatient() };
    assert_eq!(ask(&[&silent, &good], options), Ok(vec![RIGHT]));
    silent.finish();
    good.finish();
}

#[test]
fn a_lost_question_is_asked_again() {
    let server = Scripted::start(|socket| {
        let _lost = question(socket);
        let (query, from) = question(socket);
        socket.send_to(&right(&query), from).unwrap();
    });
    let options = Options { attempts: 2, ..impatient() };
    assert_eq!(ask(&[&server], options), Ok(vec![RIGHT]));
    server.finish();
}

#[test]
fn a_server_that_cannot_say_leaves_the_turn_to_the_next() {
    let referral = |query: &[u8]| {
        let mut octets = response(query, 0, &[]);
        octets[3] = 0;
        octets
    };
    let cut_off = |query: &[u8]| {
        let mut octets = right(query);
        octets.pop();
        octets
    };
    let servfail = |query: &[u8]| response(query, SERVFAIL, &[]);
    let refused = |query: &[u8]| response(query, REFUSED, &[]);
    for answer in [servfail, refused, referral, cut_off] {
        let bad = Scripted::answering(answer);
        let good = Scripted::answering(right);
        assert_eq!(ask(&[&bad, &good], patient()), Ok(vec![RIGHT]));
        bad.finish();
        good.finish();
    }
}

#[test]
fn where_nobody_listens_the_next_is_asked() {
    // A socket that hears one other only refuses the rest, and keeps its port.
    let deaf = UdpSocket::bind("127.0.0.1:0").unwrap();
    deaf.connect("127.0.0.1:9").unwrap();
    let address = deaf.local_addr().unwrap();
    let good = Scripted::answering(right);
    let stub = Stub::of(vec![address, good.address], patient());
    let answer = stub.srv(&name(), Deadline::after(GENEROUS), &Interrupt::default());
    assert_eq!(answer.unwrap().records[0].port, RIGHT);
    good.finish();

    let stub = Stub::of(vec![address], patient());
    let refused = stub.srv(&name(), Deadline::after(GENEROUS), &Interrupt::default());
    assert!(matches!(refused, Err(Error::Unreachable { .. })), "{refused:?}");
}

#[test]
fn a_server_may_have_an_address_of_ipv6() {
    let Ok(socket) = UdpSocket::bind("[::1]:0") else {
        // A machine without IPv6 tells so, and at once.
        let stub = Stub::of(vec!["[::1]:9".parse().unwrap()], patient());
        let none = stub.srv(&name(), Deadline::after(GENEROUS), &Interrupt::default());
        assert!(matches!(none, Err(Error::Unreachable { .. })), "{none:?}");
        return;
    };
    socket.set_read_timeout(Some(GENEROUS)).unwrap();
    let address = socket.local_addr().unwrap();
    let player = thread::spawn(move || {
        let (query, from) = question(&socket);
        socket.send_to(&right(&query), from).unwrap();
    });
    assert_eq!(ask(&[&Scripted { address, player }], patient()), Ok(vec![RIGHT]));
}

#[test]
fn that_there_is_no_such_name_is_an_answer() {
    let server = Scripted::answering(|query| response(query, NXDOMAIN, &[]));
    let next = UdpSocket::bind("127.0.0.1:0").unwrap();
    let stub = Stub::of(vec![server.address, next.local_addr().unwrap()], patient());
    let none = stub.srv(&name(), Deadline::after(GENEROUS), &Interrupt::default());
    assert_eq!(none, Err(Error::NoSuchName { name: name() }));
    next.set_nonblocking(true).unwrap();
    assert!(next.recv_from(&mut [0]).is_err(), "the next was asked, too");
    server.finish();
}

#[test]
fn what_the_servers_said_last_is_told_rather_than_that_one_said_nothing() {
    let refusing = Scripted::answering(|query| response(query, REFUSED, &[]));
    let silent = Scripted::start(|socket| drop(question(socket)));
    let options = Options { attempts: 1, ..impatient() };
    let failed = ask(&[&refusing, &silent], options).unwrap_err();
    let expected = format!(
        "the name server {}, asked for the SRV records of _submissions._tcp.example.org, \
         answered REFUSED",
        refusing.address
    );
    assert_eq!(failed.to_string(), expected);
    assert!(failed.is_temporary());
    refusing.finish();
    silent.finish();
}

#[test]
fn a_server_that_does_not_know_edns_is_asked_once_without() {
    for rcode in [FORMERR, NOTIMP] {
        for repeats_the_question in [true, false] {
            let server = Scripted::start(move |socket| {
                let (query, from) = question(socket);
                assert!(is_extended(&query));
                let mut refusal = response(&query, rcode, &[]);
                if !repeats_the_question {
                    refusal.truncate(12);
                    refusal[5] = 0;
                }
                socket.send_to(&refusal, from).unwrap();
                let (query, from) = question(socket);
                assert!(!is_extended(&query));
                socket.send_to(&right(&query), from).unwrap();
            });
            assert_eq!(ask(&[&server], patient()), Ok(vec![RIGHT]), "{rcode}");
            server.finish();
        }
    }
    let server = Scripted::start(|socket| {
        for _ in 0..2 {
            let (query, from) = question(socket);
            socket.send_to(&response(&query, FORMERR, &[]), from).unwrap();
        }
    });
    let failed = ask(&[&server], patient());
    assert!(matches!(failed, Err(Error::Failed { .. })), "{failed:?}");
    server.finish();
}

#[test]
fn by_tcp_an_answer_may_come_octet_by_octet() {
    let ports: Vec<u16> = (1..=200).collect();
    let sent = ports.clone();
    let server = Scripted::by_tcp(move |mut stream, query| {
        stream.set_nodelay(true).unwrap();
        let octets = response(&query, 0, &sent);
        let length = u16::try_from(octets.len()).unwrap().to_be_bytes();
        for octet in length.iter().chain(&octets) {
            stream.write_all(&[*octet]).unwrap();
        }
    });
    assert_eq!(ask(&[&server], patient()), Ok(ports));
    server.finish();
}

#[test]
fn a_broken_answer_by_tcp_is_told_as_what_it_is() {
    let closed = Scripted::by_tcp(|mut stream, query| {
        let octets = right(&query);
        let length = u16::try_from(octets.len()).unwrap().to_be_bytes();
        stream.write_all(&[&length, &octets[..20]].concat()).unwrap();
    });
    let error = ask(&[&closed], patient()).unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    closed.finish();

    let foreign = Scripted::by_tcp(|mut stream, query| {
        let mut octets = right(&query);
        octets[0] ^= 1;
        let length = u16::try_from(octets.len()).unwrap().to_be_bytes();
        stream.write_all(&[&length, octets.as_slice()].concat()).unwrap();
    });
    let error = ask(&[&foreign], patient()).unwrap_err();
    assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
    foreign.finish();

    let truncated = Scripted::by_tcp(|mut stream, query| {
        let mut octets = right(&query);
        octets[2] |= 0x02;
        let length = u16::try_from(octets.len()).unwrap().to_be_bytes();
        stream.write_all(&[&length, octets.as_slice()].concat()).unwrap();
    });
    let error = ask(&[&truncated], patient()).unwrap_err();
    assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
    truncated.finish();
}

#[test]
fn a_question_ends_at_its_deadline_whatever_comes_meanwhile() {
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let noisy = Scripted::start(move |socket| {
        let (_, from) = question(socket);
        while ended.try_recv() != Err(std::sync::mpsc::TryRecvError::Disconnected) {
            // Nobody may be there any more.
            let _ = socket.send_to(b"noise", from);
            thread::yield_now();
        }
    });
    let stub = Stub::of(vec![noisy.address], Options { attempts: 5, ..patient() });
    let started = Stopwatch::start();
    let deadline = Deadline::after(Duration::from_millis(300));
    let late = stub.srv(&name(), deadline, &Interrupt::default());
    assert!(matches!(late, Err(Error::TimedOut { .. })), "{late:?}");
    assert!(started.elapsed() < GENEROUS / 2);
    drop(end);
    noisy.finish();
}

/// Returns when the thread with this file waits for something (proc(5)).
fn sleeping(stat: &std::path::Path) {
    let since = Stopwatch::start();
    loop {
        let stat = std::fs::read_to_string(stat).unwrap();
        // Behind the name of the program, which may have anything in it.
        if stat.rsplit(") ").next().unwrap().starts_with('S') {
            return;
        }
        assert!(since.elapsed() < GENEROUS, "it does not wait");
        thread::yield_now();
    }
}

#[test]
fn the_user_can_stop_a_question_on_either_way() {
    for by_tcp in [false, true] {
        let interrupt = Interrupt::default();
        let cell = interrupt.cell();
        // The wish comes when the server has the question, and is silent, and
        // whoever asks waits; it must not begin to wait with the wish there.
        let asker = std::fs::canonicalize("/proc/thread-self/stat").unwrap();
        let wish = move || {
            sleeping(&asker);
            cell.store(2, Ordering::Relaxed);
        };
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let server = if by_tcp {
            Scripted::by_tcp(move |_stream, _| {
                wish();
                let _ = ended.recv();
            })
        } else {
            Scripted::start(move |socket| {
                question(socket);
                wish();
                let _ = ended.recv();
            })
        };
        let stub = Stub::of(vec![server.address; 3], patient());
        let started = Stopwatch::start();
        let stopped = stub.srv(&name(), Deadline::after(GENEROUS), &interrupt);
        assert_eq!(stopped, Err(Error::Interrupted));
        assert!(started.elapsed() < GENEROUS / 2);
        drop(end);
        server.finish();
    }
}

#[test]
fn each_question_has_a_number_and_a_port_that_nobody_can_foresee() {
    const QUESTIONS: usize = 20;
    let server = Scripted::start(|socket| {
        let mut ports = std::collections::BTreeSet::new();
        let mut numbers = std::collections::BTreeSet::new();
        for _ in 0..QUESTIONS {
            let (query, from) = question(socket);
            ports.insert(from.port());
            numbers.insert([query[0], query[1]]);
            socket.send_to(&right(&query), from).unwrap();
        }
        assert!(ports.len() > QUESTIONS / 2, "{ports:?}");
        assert!(numbers.len() > QUESTIONS / 2, "{numbers:?}");
    });
    for _ in 0..QUESTIONS {
        assert_eq!(ask(&[&server], patient()), Ok(vec![RIGHT]));
    }
    server.finish();
}

#[test]
fn names_of_this_machine_are_not_asked_for() {
    let server = Scripted::start(|socket| {
        let (query, from) = question(socket);
        assert!(query.windows(7).any(|octets| octets == b"example"), "the first that comes");
        socket.send_to(&right(&query), from).unwrap();
    });
    let stub = Stub::of(vec![server.address], patient());
    for text in ["_submissions._tcp.localhost", "mail.invalid", "x.onion"] {
        let name: Name = text.parse().unwrap();
        let none = stub.srv(&name, Deadline::after(GENEROUS), &Interrupt::default());
        assert_eq!(none, Err(Error::NoSuchName { name }));
    }
    assert_eq!(ask(&[&server], patient()), Ok(vec![RIGHT]));
    server.finish();
}
