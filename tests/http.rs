//! Requests by HTTP over real sockets and TLS, to servers that drip, lie, send
//! too much, or say nothing.

mod harness;

use envoi::net::{
    Authorization, CertificateFault, Deadline, Error, Family, Form, Host, Http, HttpError, HttpUrl,
    Interrupt, Proxy, ProxyPlace, ProxyProtocol, Response, Roots, TlsVersion,
};
use envoi::sasl::Secret;
use harness::{GENEROUS, Identity, Peer, Scripted, dead_address};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;
use std::time::Duration;

const MOST: usize = 64 * 1024;

/// Who asks, and how long.
struct Asking {
    roots: Roots,
    limit: Duration,
    interrupt: Interrupt,
    proxy: Option<Proxy>,
}

impl Asking {
    fn new() -> Self {
        let (roots, interrupt) = (Roots::default(), Interrupt::default());
        Asking { roots, limit: GENEROUS, interrupt, proxy: None }
    }

    fn trusting(identity: &Identity) -> Self {
        let roots = Roots { given: vec![identity.root.clone()], ..Roots::default() };
        Asking { roots, ..Asking::new() }
    }

    fn with<T>(&self, ask: impl FnOnce(&Http<'_>) -> T) -> T {
        let proxy = self.proxy.as_ref();
        ask(&Http {
            roots: self.roots.clone(),
            least: TlsVersion::V1_2,
            proxy: &|_| Ok(proxy),
            source: None,
            family: Family::Any,
            deadline: Deadline::after(self.limit),
            interrupt: &self.interrupt,
        })
    }

    fn get(&self, url: &str) -> Result<Response, HttpError> {
        self.with(|http| http.get(&url.parse().unwrap(), "text/xml", MOST))
    }
}

fn in_clear(address: SocketAddr) -> String {
    format!("http://{address}/a/b?c=d")
}

/// Reads a request up to its empty line; its lines.
fn head(peer: &mut Peer) -> Vec<String> {
    let lines = std::iter::repeat_with(|| peer.line());
    lines.take_while(|line| !line.is_empty()).collect()
}

/// What is made of an answer that is sent in these pieces.
fn answered(pieces: Vec<String>) -> Result<Response, HttpError> {
    let server = Scripted::once(move |peer: &mut Peer| {
        head(peer);
        for piece in pieces {
            peer.say(piece);
        }
        peer.hang_up();
    });
    let answer = Asking::new().get(&in_clear(server.address));
    server.finish();
    answer
}

fn body(answer: Result<Response, HttpError>) -> String {
    String::from_utf8(answer.unwrap().body.to_vec()).unwrap()
}

#[test]
fn a_document_is_asked_for_and_read_over_tls() {
    let identity = Identity::of(&["localhost"]);
    let config = Arc::clone(&identity.config);
    let server = Scripted::once(move |peer: &mut Peer| {
        peer.secure(&config);
        assert_eq!(peer.asked_name().as_deref(), Some("localhost"));
        let lines = head(peer);
        assert_eq!(lines[0], "GET /a/b?c=d HTTP/1.1");
        let version = concat!("user-agent: envoi/", env!("CARGO_PKG_VERSION"));
        for field in ["accept: text/xml", version, "connection: close"] {
            assert!(lines.iter().any(|line| line == field), "{field} is not in {lines:?}");
        }
        let host = format!("host: localhost:{}", peer.socket().local_addr().unwrap().port());
        assert!(lines.contains(&host), "{lines:?}");
        assert_eq!(lines.len(), 5, "{lines:?}");
        peer.say(
            "HTTP/1.1 200 OK\r\nContent-Type: Text/XML; charset=utf-8\r\nContent-Length: 5\r\n\r\n\
             hello",
        );
        peer.rest();
    });
    let url = format!("https://localhost:{}/a/b?c=d", server.address.port());
    let answer = Asking::trusting(&identity).get(&url).unwrap();
    server.finish();
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"hello"[..]));
}

#[test]
fn a_form_is_posted_with_who_posts_it() {
    let server = Scripted::once(|peer: &mut Peer| {
        let lines = head(peer);
        assert_eq!(lines[0], "POST /token HTTP/1.1");
        for field in [
            "content-type: application/x-www-form-urlencoded",
            "accept: application/json",
            "authorization: Basic Yzpw",
            "content-length: 22",
        ] {
            assert!(lines.iter().any(|line| line == field), "{field} is not in {lines:?}");
        }
        assert_eq!(peer.take(22), b"a=b&code=correct%20%26");
        peer.say("HTTP/1.1 429 Slow Down\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\n{}");
        peer.hang_up();
    });
    let url: HttpUrl = format!("http://{}/token", server.address).parse().unwrap();
    let form = Form::new().with("a", "b").with_secret("code", &Secret::new("correct &"));
    let (user, password) = ("c", &Secret::new("p"));
    let who = Authorization { user, password };
    let answer = Asking::new().with(|http| http.post(&url, &form, Some(&who), MOST)).unwrap();
    server.finish();
    assert_eq!((answer.status, answer.retry_after), (429, Some(Duration::from_secs(7))));
    assert!(!format!("{answer:?}").contains("{}"), "{answer:?}");
}

#[test]
fn a_body_ends_with_its_length_its_last_chunk_or_the_connection() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\n\r\nhello",
        "HTTP/1.1 103 Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    ] {
        let whole = vec![answer.to_owned()];
        assert_eq!(body(answered(whole)), "hello", "{answer:?}");
        let octets = answer.chars().map(String::from).collect();
        assert_eq!(body(answered(octets)), "hello", "{answer:?}");
    }
}

#[test]
fn a_body_that_breaks_off_is_an_error() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "",
    ] {
        let broken = answered(vec![answer.to_owned()]);
        let Err(error @ HttpError::Broke(Error::Closed { .. })) = broken else {
            panic!("{answer:?}: {broken:?}");
        };
        assert!(error.is_temporary());
    }
}

#[test]
fn a_body_without_a_length_that_tls_did_not_end_may_have_been_cut() {
    // RFC 9112 §9.8
    let identity = Identity::of(&["localhost"]);
    for in_order in [true, false] {
        let config = Arc::clone(&identity.config);
        let server = Scripted::once(move |peer: &mut Peer| {
            peer.secure(&config);
            head(peer);
            peer.say("HTTP/1.1 200 OK\r\n\r\nhello");
            if in_order {
                peer.end_tls(b"");
            }
            peer.hang_up();
        });
        let url = format!("https://localhost:{}/", server.address.port());
        let answer = Asking::trusting(&identity).get(&url);
        server.finish();
        if in_order {
            assert_eq!(body(answer), "hello");
        } else {
            let cut = matches!(answer, Err(HttpError::Broke(Error::Closed { abruptly: true })));
            assert!(cut, "{answer:?}");
        }
    }
}

#[test]
fn a_redirect_is_an_answer_like_any_other() {
    for (status, length) in [(301, 0), (302, 2), (303, 0), (307, 2), (308, 0)] {
        let answer = answered(vec![format!(
            "HTTP/1.1 {status} Moved\r\nLocation: https://other.example/x\r\n\
             Content-Length: {length}\r\n\r\n{}",
            "x".repeat(length)
        )])
        .unwrap();
        assert_eq!(answer.status, status);
        assert_eq!(answer.location.as_deref(), Some("https://other.example/x"));
    }
}

#[test]
fn what_is_too_large_is_cut_off_whatever_its_length_is_said_to_be() {
    for head in [
        "HTTP/1.1 200 OK\r\nContent-Length: 10485760\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA00000\r\n",
    ] {
        let server = Scripted::once(move |peer: &mut Peer| {
            self::head(peer);
            peer.say(head);
            // Far more than the buffers of the two ends can hold.
            let blocks = (0..1000).take_while(|_| peer.hears(vec![b'x'; 64 * 1024])).count();
            assert!(blocks < 1000, "all of it was taken");
        });
        let answer = Asking::new().get(&in_clear(server.address));
        server.finish();
        assert!(matches!(answer, Err(HttpError::TooLarge { most: MOST })), "{answer:?}");
    }
    let header = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(20_000));
    let answer = answered(vec![header]);
    assert!(matches!(answer, Err(HttpError::HeaderTooLarge)), "{answer:?}");
    let exactly = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(MOST));
    assert_eq!(answered(vec![exactly]).unwrap().body.len(), MOST);
}

#[test]
fn what_is_not_http_is_told_as_what_it_is() {
    for answer in ["220 mail.example ESMTP\r\n", "SSH-2.0-x\r\n", "\0\0\0", "HT"] {
        let told = answered(vec![answer.to_owned()]);
        match (answer, told) {
            ("HT", Err(HttpError::Broke(_))) => {}
            (_, Err(error @ HttpError::NotHttp { .. })) => {
                let HttpError::NotHttp { octets } = &error else { unreachable!() };
                assert_eq!(octets, answer.as_bytes());
                assert!(!error.is_temporary());
            }
            (_, told) => panic!("{answer:?}: {told:?}"),
        }
    }
    for answer in [
        "HTTP/9.9 200 OK\r\n\r\n",
        "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ] {
        let told = answered(vec![answer.to_owned()]);
        assert!(matches!(told, Err(HttpError::Malformed(_))), "{answer:?}: {told:?}");
    }
    let packed = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx";
    let told = answered(vec![packed.to_owned()]);
    assert!(matches!(told, Err(HttpError::Encoded { .. })), "{told:?}");
}

#[test]
fn a_server_that_drips_or_says_nothing_costs_no_more_than_the_limit() {
    for drips in [false, true] {
        let server = Scripted::once(move |peer: &mut Peer| {
            head(peer);
            peer.say("HTTP/1.1 200 OK\r\n\r\n");
            while drips && peer.hears("x") {
                std::thread::sleep(Duration::from_millis(5));
            }
            peer.rest();
        });
        let asking = Asking { limit: Duration::from_millis(300), ..Asking::new() };
        let answer = asking.get(&in_clear(server.address));
        server.finish();
        let Err(error @ HttpError::TimedOut { .. }) = answer else { panic!("{answer:?}") };
        assert!(error.is_temporary());
        assert!(error.to_string().starts_with("timed out after 0."), "{error}");
    }
}

#[test]
fn a_server_that_never_comes_to_the_point_costs_no_more_than_the_limit() {
    for (begins, goes_on) in [
        // RFC 9110 §15.2: any number of these may come before an answer.
        ("", "HTTP/1.1 103 Early Hints\r\n\r\n"),
        // RFC 9112 §7.1.2: fields behind the last chunk.
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X: y\r\n"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", "x=y;"),
    ] {
        let server = Scripted::once(move |peer: &mut Peer| {
            head(peer);
            peer.say(begins);
            let much = goes_on.repeat(1000);
            while peer.hears(&much) {}
        });
        let asking = Asking { limit: Duration::from_millis(300), ..Asking::new() };
        let answer = asking.get(&in_clear(server.address));
        server.finish();
        assert!(answer.is_err(), "{goes_on:?}: {answer:?}");
    }
}

#[test]
fn the_users_wish_to_stop_ends_a_request() {
    let asking = Asking::new();
    let stop = asking.interrupt.cell();
    let server = Scripted::once(move |peer: &mut Peer| {
        head(peer);
        stop.store(2, Ordering::Relaxed);
        peer.say("H");
        peer.rest();
    });
    let answer = asking.get(&in_clear(server.address));
    server.finish();
    assert!(matches!(answer, Err(HttpError::Interrupted)), "{answer:?}");
}

#[test]
fn a_certificate_that_nobody_vouches_for_ends_it_before_anything_is_asked() {
    let identity = Identity::of(&["localhost"]);
    let other = Identity::of(&["other.example"]);
    for (shown, trusting) in [(&identity, &other), (&other, &other)] {
        let config = Arc::clone(&shown.config);
        let (said, heard) = channel();
        let server = Scripted::once(move |peer: &mut Peer| {
            peer.secure(&config);
            said.send(peer.line()).unwrap();
        });
        let url = format!("https://localhost:{}/", server.address.port());
        let answer = Asking::trusting(trusting).get(&url);
        server.finish();
        assert_eq!(heard.recv().unwrap(), "", "something was asked");
        let Err(error @ HttpError::Tls(Error::Certificate { .. })) = answer else {
            panic!("{answer:?}");
        };
        assert!(!error.is_temporary(), "{error}");
        let HttpError::Tls(Error::Certificate { fault, .. }) = error else { unreachable!() };
        let expected = match fault {
            CertificateFault::WrongName { .. } => std::ptr::eq(shown, &raw const other),
            _ => std::ptr::eq(shown, &raw const identity),
        };
        assert!(expected, "{fault}");
    }
}

#[test]
fn a_server_without_tls_is_no_server_over_tls() {
    let server = Scripted::once(|peer: &mut Peer| {
        peer.say("HTTP/1.1 400 Bad Request\r\n\r\n");
        peer.rest();
    });
    let answer = Asking::new().get(&format!("https://localhost:{}/", server.address.port()));
    server.finish();
    assert!(matches!(answer, Err(HttpError::Tls(Error::NotTls { .. }))), "{answer:?}");
}

#[test]
fn nobody_there_is_told_as_such() {
    let answer = Asking::new().get(&in_clear(dead_address()));
    let Err(error @ HttpError::Unreached(Error::Connect { .. })) = answer else {
        panic!("{answer:?}");
    };
    assert!(error.is_temporary());
}

#[test]
fn a_request_goes_through_the_proxy_that_leads_to_its_server() {
    let proxy = Scripted::once(|peer: &mut Peer| {
        peer.expect("CONNECT localhost:7 HTTP/1.1");
        head(peer);
        peer.say("HTTP/1.1 200 Fine\r\n\r\n");
        peer.expect("GET /x HTTP/1.1");
        head(peer);
        peer.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
        peer.rest();
    });
    let place = ProxyPlace {
        protocol: ProxyProtocol::Http,
        host: Host::Address(proxy.address.ip()),
        port: proxy.address.port(),
    };
    let asking = Asking { proxy: Some(Proxy::new(place, None).unwrap()), ..Asking::new() };
    let answer = asking.get("http://localhost:7/x");
    proxy.finish();
    assert_eq!(body(answer), "hi");
}

#[test]
fn where_no_way_can_be_told_nothing_is_asked() {
    let url: HttpUrl = in_clear(dead_address()).parse().unwrap();
    let answer = Http {
        roots: Roots::default(),
        least: TlsVersion::V1_2,
        proxy: &|_| Err("the variable ALL_PROXY is no good".into()),
        source: None,
        family: Family::Any,
        deadline: Deadline::after(GENEROUS),
        interrupt: &Interrupt::default(),
    }
    .get(&url, "text/xml", MOST);
    assert_eq!(answer.unwrap_err().to_string(), "the variable ALL_PROXY is no good");
}
