//! An issuer of tokens that does what a test tells it, over HTTP on loopback.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// The path, without a query.
    pub(crate) path: String,
    /// What the form says; nothing for GET.
    pub(crate) form: BTreeMap<String, String>,
    /// The field Authorization, if there is one.
    pub(crate) authorization: Option<String>,
    /// When it had come.
    pub(crate) at: Instant,
}

impl Asked {
    pub(crate) fn field(&self, name: &str) -> &str {
        self.form.get(name).map_or("", String::as_str)
    }
}

/// What is answered.
pub(crate) enum Said {
    Json(u16, Value),
    Html(u16, &'static str),
    /// 503, and come back after so many seconds.
    Busy(u64),
    /// Nothing, and the connection stays.
    Nothing,
}

/// What a test says to a request, or nothing for the usual.
pub(crate) type Script = dyn Fn(&str, &Asked) -> Option<Said> + Send + Sync;

pub(crate) struct Issuer {
    /// Its identifier.
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// What tokens are called here: the first login gives `access-1`, and so on.
pub(crate) fn tokens(number: usize) -> Said {
    Said::Json(
        200,
        json!({
            "access_token": format!("access-{number}"), "token_type": "Bearer",
            "expires_in": 3600, "refresh_token": format!("refresh-{number}"),
        }),
    )
}

pub(crate) fn refused(code: &str) -> Said {
    Said::Json(400, json!({ "error": code, "error_description": "not \u{1b}[31mtoday" }))
}

impl Issuer {
    /// One that gives tokens to everybody.
    pub(crate) fn kind() -> Self {
        Issuer::start(|_, _| None)
    }

    /// One that says this where it says something.
    pub(crate) fn start(
        script: impl Fn(&str, &Asked) -> Option<Said> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("listening");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let script: Arc<Script> = Arc::new(script);
        let (here, known) = (url.clone(), Arc::clone(&asked));
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let socket = socket.expect("a connection");
                let (url, script) = (here.clone(), Arc::clone(&script));
                let asked = Arc::clone(&known);
                std::thread::spawn(move || serve(&socket, &url, &*script, &asked));
            }
        });
        Issuer { url, asked }
    }

    /// All that was asked at this path.
    pub(crate) fn asked(&self, path: &str) -> Vec<Asked> {
        let asked = self.asked.lock().expect("a lock");
        asked.iter().filter(|asked| asked.path == path).cloned().collect()
    }

    /// How often tokens were renewed.
    pub(crate) fn renewals(&self) -> usize {
        let grants = self.asked("/token");
        grants.iter().filter(|asked| asked.field("grant_type") == "refresh_token").count()
    }
}

fn serve(socket: &TcpStream, url: &str, script: &Script, asked: &Mutex<Vec<Asked>>) {
    let Some(request) = read(socket) else { return };
    let number = {
        let mut asked = asked.lock().expect("a lock");
        asked.push(request.clone());
        asked.iter().filter(|asked| asked.path == "/token").count()
    };
    let said = script(url, &request).unwrap_or_else(|| usual(url, &request, number));
    let later = match said {
        Said::Busy(seconds) => format!("Retry-After: {seconds}\r\n"),
        Said::Json(..) | Said::Html(..) | Said::Nothing => String::new(),
    };
    let (status, kind, body) = match said {
        Said::Json(status, value) => (status, "application/json", value.to_string()),
        Said::Html(status, text) => (status, "text/html", text.to_owned()),
        Said::Busy(_) => (503, "text/html", "busy".to_owned()),
        Said::Nothing => {
            // Until the other end has had enough.
            let _ = (&mut &*socket).read(&mut [0; 1]);
            return;
        }
    };
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\
         {later}Connection: close\r\n\r\n",
        body.len()
    );
    // Whoever has read enough hangs up.
    let _ = (&mut &*socket).write_all((head + &body).as_bytes());
}

fn usual(url: &str, request: &Asked, number: usize) -> Said {
    match request.path.as_str() {
        "/.well-known/oauth-authorization-server" => Said::Json(200, metadata(url)),
        "/device" => Said::Json(
            200,
            json!({
                "device_code": "device-code-word", "user_code": "ABCD-EFGH",
                "verification_uri": format!("{url}/here"), "expires_in": 30, "interval": 1,
            }),
        ),
        "/token" => tokens(number),
        "/revoke" => Said::Json(200, json!({})),
        _ => Said::Html(404, "<html>nothing</html>"),
    }
}

/// What an issuer says of itself, before a test changes it.
pub(crate) fn metadata(url: &str) -> Value {
    json!({
        "issuer": url,
        "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"),
        "device_authorization_endpoint": format!("{url}/device"),
        "revocation_endpoint": format!("{url}/revoke"),
        "scopes_supported": ["mail", "offline_access"],
    })
}

fn read(socket: &TcpStream) -> Option<Asked> {
    socket.set_read_timeout(Some(Duration::from_secs(60))).expect("a limit");
    let mut reader = BufReader::new(socket);
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
        Some(line.trim_end().to_owned())
    };
    let first = line()?;
    let path = first.split(' ').nth(1)?.split('?').next()?.to_owned();
    let (mut length, mut authorization) = (0, None);
    while let Some(field) = line().filter(|field| !field.is_empty()) {
        let (name, value) = field.split_once(':')?;
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok()?,
            "authorization" => authorization = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).ok()?;
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    let form = pairs.map(|(name, value)| (name.to_owned(), decoded(value))).collect();
    Some(Asked { path, form, authorization, at: Instant::now() })
}

/// `%XX` and `+`.
pub(crate) fn decoded(value: &str) -> String {
    let mut octets = Vec::new();
    let mut rest = value.bytes();
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next(), rest.next()].map(|digit| digit.expect("a digit"));
                let digits = std::str::from_utf8(&digits).expect("digits").to_owned();
                u8::from_str_radix(&digits, 16).expect("a number")
            }
            octet => octet,
        });
    }
    String::from_utf8(octets).expect("text")
}
