//! What is shown of a conversation: nothing that is secret, nothing that a
//! terminal would obey, and events as the manual describes them.

use crate::harness::{Peer, Scripted};
use crate::running::{Place, Run};
use crate::{check, sink};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use envoi::sasl::server::Users;
use envoi::sasl::{Credentials, Secret};
use envoi::sink::{Encryption, Listen, Policy, Settings, Sink};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;

/// Everything that can be shown.
const ALL: [&str; 6] = ["-vv", "--raw", "--transcript", "log", "--events", "events"];
/// No word that is shown has a part in common with it, in any form.
const SECRET: &str = "Xk7.qWz9~Vb3";

/// A receiver where alice has this password or token.
fn receiver(encryption: Encryption) -> Sink {
    let user = Credentials { user: "alice".to_owned(), password: Secret::new(SECRET) };
    let users = Users::Only(vec![user]);
    let policy = Policy { users, cleartext_auth: true, ..Policy::default() };
    let listen = vec![Listen::loopback(0, encryption)];
    Sink::start(Settings { listen, policy, ..Settings::default() }).expect("starting the receiver")
}

/// Passes one connection on to this server, and tells what each of the two
/// said.
fn relayed(server: SocketAddr) -> (SocketAddr, JoinHandle<[String; 2]>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    let pass_on = |mut from: TcpStream, mut to: TcpStream| {
        std::thread::spawn(move || {
            let (mut all, mut some) = (Vec::new(), [0; 4096]);
            while let Ok(length @ 1..) = from.read(&mut some) {
                all.extend_from_slice(&some[..length]);
                let _ = to.write_all(&some[..length]);
            }
            let _ = to.shutdown(std::net::Shutdown::Write);
            String::from_utf8_lossy(&all).into_owned()
        })
    };
    let relay = std::thread::spawn(move || {
        let (client, _) = listener.accept().expect("a client");
        let server = TcpStream::connect(server).expect("the server");
        let copies = [&client, &server].map(|it| it.try_clone().expect("a copy"));
        let [back, there] = copies;
        [pass_on(client, there), pass_on(server, back)].map(|it| it.join().expect("passing on"))
    });
    (address, relay)
}

/// Everything that a run wrote, by where.
fn written(place: &Place, run: &Run) -> Vec<(&'static str, String)> {
    let file = |name| fs::read_to_string(place.directory().join(name)).expect("a file");
    vec![
        ("stderr", run.stderr.clone()),
        ("stdout", run.stdout.clone()),
        ("the transcript", file("log")),
        ("the events", file("events")),
    ]
}

/// What must not be seen of these octets: as they are, in hexadecimal digits of
/// a dump, and in base64 wherever they stand in what is encoded.
fn forms(secret: &[u8]) -> Vec<String> {
    let hex: String = secret.iter().map(|octet| format!("{octet:02x}")).collect();
    let groups = |from: usize| secret.iter().skip(from).map(|it| format!("{it:02X}"));
    // Dumped octets stand in groups of four.
    let dumped = (0..4).map(|from| groups(from).take(4).collect::<Vec<_>>().join(" "));
    let encoded = (0..3).map(|before| {
        let text = STANDARD_NO_PAD.encode([&[0; 2][..before], secret].concat());
        text[(before * 8).div_ceil(6)..(before + secret.len()) * 8 / 6].to_owned()
    });
    let all = encoded.chain(dumped).chain([hex, String::from_utf8_lossy(secret).into_owned()]);
    all.collect()
}

/// The words of a run that signs in.
fn signing_in<'w>(url: &'w str, mechanism: &'w str) -> Vec<&'w str> {
    let words = ["send", "--server", url, "--auth", mechanism, "--password-from", "env:P"];
    let rest = ["-f", "me@client.example", "--body", "Hello.", "a@x.example"];
    words.into_iter().chain(rest).chain(ALL).collect()
}

#[test]
fn whatever_is_shown_of_a_sign_in_the_secret_is_not() {
    // SASL-secret
    for (mechanism, shown) in [
        ("PLAIN", &[r"client=[\x00alice\x00***]"][..]),
        ("LOGIN", &["server=[Username:]", "client=[alice]", "server=[Password:]", "client=[***]"]),
        ("CRAM-MD5", &["server=[<", "client=[alice ***]"]),
        ("SCRAM-SHA-256", &["client=[n,,n=alice,r=", "server=[r=", ",p=***]", "server=[v=***]"]),
        ("SCRAM-SHA-1", &["client=[n,,n=alice,r=", "server=[r=", ",p=***]", "server=[v=***]"]),
        ("OAUTHBEARER", &[r"client=[n,a=alice,\x01host=127.0.0.1\x01port=", "auth=Bearer ***"]),
        ("XOAUTH2", &[r"client=[user=alice\x01auth=Bearer ***\x01\x01]"]),
    ] {
        for (secret, status) in [(SECRET, 0), ("wrong.Jq8-Tz5", 77)] {
            let server = receiver(Encryption::StartTls);
            let (address, relay) = relayed(server.address());
            let mut place = Place::new();
            place.set("P", secret.to_owned());
            let url = format!("smtp+notls://alice@{address}");
            let mut words = signing_in(&url, mechanism);
            words.push("--allow-cleartext-auth");
            let run = place.run(words, None);
            assert_eq!(run.status, status, "{mechanism}\n{run}");
            let hidden = hidden(secret, &relay.join().expect("the relay"));
            for (place, text) in written(&place, &run) {
                let found = hidden.iter().find(|form| text.contains(*form));
                assert_eq!(found, None, "{mechanism}: in {place}\n{text}");
            }
            let (accepted, refused) = shown.split_at(shown.len() - usize::from(status != 0));
            let is_scram = mechanism.starts_with("SCRAM");
            for part in accepted.iter().chain(refused.iter().filter(|_| !is_scram)) {
                assert!(run.stderr.contains(part), "{mechanism}: no {part}\n{run}");
            }
        }
    }
}

/// The secret, every message of the client that is not open to all, and what
/// was proved by them, in all forms.
fn hidden(secret: &str, [client, server]: &[String; 2]) -> Vec<String> {
    let mut hidden = forms(secret.as_bytes());
    let decoded = |word: &str| STANDARD.decode(word).ok().filter(|it| it.len() >= 8);
    let last_words = client.lines().filter_map(|line| line.rsplit(' ').next());
    for word in last_words {
        let Some(message) = decoded(word) else { continue };
        // The wire form is shown of none.
        hidden.push(word.to_owned());
        let text = String::from_utf8_lossy(&message);
        let proof = text.split_once(",p=").map(|(_, proof)| proof);
        let digest = text.strip_prefix("alice ");
        for proof in [proof, digest].into_iter().flatten() {
            hidden.extend(forms(proof.as_bytes()));
            hidden.extend(decoded(proof).iter().flat_map(|octets| forms(octets)));
        }
    }
    for challenge in server.lines().filter_map(|line| decoded(line.strip_prefix("334 ")?)) {
        let text = String::from_utf8_lossy(&challenge).into_owned();
        hidden.extend(text.strip_prefix("v=").into_iter().flat_map(|it| forms(it.as_bytes())));
    }
    assert!(hidden.len() > 9, "a sign-in was heard: {client}");
    hidden
}

#[test]
fn under_tls_a_sign_in_is_shown_in_the_same_way() {
    for mechanism in ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "PLAIN"] {
        let server = receiver(Encryption::Implicit);
        let mut place = Place::new();
        place.write("ca.pem", server.ca_pem(), None);
        place.set("P", SECRET.to_owned());
        let url = format!("smtps://alice@localhost:{}", server.address().port());
        let mut words = signing_in(&url, mechanism);
        words.extend(["--tls-ca", "ca.pem"]);
        let run = place.run(words, None);
        assert_eq!(run.status, 0, "{run}");
        for (place, text) in written(&place, &run) {
            let found = forms(SECRET.as_bytes()).into_iter().find(|form| text.contains(form));
            assert_eq!(found, None, "{mechanism}: in {place}\n{text}");
        }
        let sign_in = if mechanism == "PLAIN" { r"=[\x00alice" } else { "=[p=tls-exporter,,n=al" };
        assert!(run.stderr.contains(sign_in) && run.stderr.contains("  > ***\n"), "{run}");
        assert!(!run.stderr.contains("warning: "), "{run}");
    }
}

#[test]
fn who_asks_for_secrets_sees_them_everywhere_and_is_warned_once() {
    for (mechanism, message) in
        [("PLAIN", format!("\\x00alice\\x00{SECRET}")), ("LOGIN", SECRET.to_owned())]
    {
        let server = receiver(Encryption::StartTls);
        let mut place = Place::new();
        place.set("P", SECRET.to_owned());
        // What is there already is for its owner alone from now on.
        place.write("log", "old", None);
        let url = format!("smtp+notls://alice@{}", server.address());
        let mut words = signing_in(&url, mechanism);
        words.extend(["--allow-cleartext-auth", "--show-secrets"]);
        let run = place.run(words, None);
        assert_eq!(run.status, 0, "{run}");
        let warned = run.stderr.matches("holds secrets").count();
        assert_eq!(warned, 1, "{run}");
        let octets = message.replace("\\x00", "\0");
        let encoded = STANDARD.encode(&octets);
        let files = written(&place, &run);
        for (place, text) in files.iter().filter(|(place, _)| *place != "stdout") {
            let decoded = if *place == "the events" {
                serde_json::to_string(&octets).expect("JSON")
            } else {
                format!("=== auth client=[{message}]\n")
            };
            assert!(text.contains(&decoded), "{mechanism}: {decoded} not in {place}\n{text}");
            assert!(text.contains(&encoded), "{mechanism}: {encoded} not in {place}\n{text}");
        }
        assert!(run.stderr.contains("<-  334 ") || mechanism == "PLAIN", "{run}");
        assert!(!run.stderr.contains("***"), "nothing is hidden\n{run}");
        for file in ["log", "events"] {
            use std::os::unix::fs::PermissionsExt as _;
            let file = fs::metadata(place.directory().join(file)).expect("a file");
            assert_eq!(file.permissions().mode() & 0o777, 0o600);
        }
    }
}

#[test]
fn a_server_that_repeats_what_it_does_not_understand_gives_no_secret_away() {
    let repeats = |peer: &mut Peer| {
        peer.greet(&["AUTH PLAIN"]);
        let line = peer.expect("AUTH PLAIN ");
        peer.say(format!("500-5.5.1 Command unrecognized\r\n500 5.5.1 \"{line}\"\r\n"));
        peer.rest();
    };
    let server = Scripted::start(vec![repeats, repeats]);
    let mut place = Place::new();
    place.set("P", SECRET.to_owned());
    let url = format!("smtp+notls://alice@{}", server.address);
    let mut words = signing_in(&url, "PLAIN");
    words.extend(["--allow-cleartext-auth", "--json"]);
    let run = place.run(&words, None);
    assert_eq!(run.status, 77, "{run}");
    let encoded = STANDARD.encode(format!("\0alice\0{SECRET}"));
    for (place, text) in written(&place, &run) {
        assert!(!text.contains(&encoded), "in {place}\n{text}");
    }
    assert!(run.stderr.contains("<** 500-5.5.1 Command unrecognized\n<** 500 ***\n"), "{run}");
    // Who asks for secrets sees them in what is shown, and nowhere else.
    words.push("--show-secrets");
    let run = place.run(&words, None);
    assert!(run.stderr.contains(&format!("<** 500 5.5.1 \"AUTH PLAIN {encoded}\"\n")), "{run}");
    assert!(!run.stdout.contains(&encoded), "in the report\n{run}");
    server.finish();
}

#[test]
fn whatever_a_server_quotes_of_a_sign_in_and_whenever_is_hidden() {
    let encoded = STANDARD.encode(format!("\0alice\0{SECRET}"));
    let alone = STANDARD.encode(SECRET);
    let refusals = [
        format!("535 bad password {SECRET}\r\n"),
        format!("535 bad password {alone}\r\n"),
        format!("454 sorry, password {SECRET}\r\n"),
        format!("350 {encoded}\r\n"),
        format!("garbage {encoded}\r\n"),
        format!("535 no\r\n250 {encoded}\r\n"),
        // Behind the sign-in, too.
        format!("235 in\r\n550 first {encoded}, then {SECRET}\r\n"),
    ];
    for refusal in refusals {
        let said = refusal.clone();
        let server = Scripted::once(move |peer| {
            peer.greet(&["AUTH PLAIN"]);
            peer.expect("AUTH PLAIN ");
            match said.split_once("\r\n550") {
                Some((welcome, refusal)) => {
                    peer.say(format!("{welcome}\r\n"));
                    peer.expect("MAIL");
                    peer.say(format!("550{refusal}"));
                }
                None => peer.say(&said),
            }
            peer.hang_up();
        });
        let mut place = Place::new();
        place.set("P", SECRET.to_owned());
        let url = format!("smtp+notls://alice@{}", server.address);
        let mut words = signing_in(&url, "PLAIN");
        words.extend(["--allow-cleartext-auth", "--json"]);
        let run = place.run(&words, None);
        assert_ne!(run.status, 0, "{run}");
        for (place, text) in written(&place, &run) {
            for secret in [encoded.as_str(), alone.trim_end_matches('='), SECRET] {
                assert!(!text.contains(secret), "{refusal:?}: in {place}\n{text}");
            }
        }
        server.finish();
    }
}

#[test]
fn nothing_that_a_server_says_is_obeyed_by_a_terminal() {
    // SEC-6
    const EVIL: &str = "\u{1b}]0;title\u{7}\u{1b}[2J\u{9b}31m\u{202e}\u{8}\u{7f}\u{2028}x";
    let server = Scripted::once(|peer| {
        peer.say(format!("220 {EVIL}\r\n"));
        peer.expect("EHLO");
        peer.say(format!("250-{EVIL}\r\n250-{EVIL} {EVIL}\r\n250 AUTH LOGIN\r\n"));
        peer.expect("AUTH LOGIN");
        peer.say(format!("334 {}\r\n", STANDARD.encode(EVIL)));
        peer.line();
        peer.say(format!("334 {}\r\n", STANDARD.encode(EVIL)));
        peer.line();
        peer.say(format!("235 {EVIL}\r\n"));
        peer.expect("MAIL");
        peer.say(format!("250 {EVIL}\r\n"));
        peer.expect("RCPT");
        peer.say(format!("550-{EVIL}\r\n550 {EVIL}\r\n"));
        peer.expect("QUIT");
        peer.say(format!("221 {EVIL}\r\n"));
        peer.rest();
    });
    let mut place = Place::new();
    place.set("P", SECRET.to_owned());
    let url = format!("smtp+notls://alice@{}", server.address);
    let mut words = signing_in(&url, "LOGIN");
    words.extend(["--allow-cleartext-auth", "--json", "--bcc", "a@x.example"]);
    let run = place.run(words, None);
    assert_ne!(run.status, 0, "{run}");
    for (place, text) in written(&place, &run) {
        let is_obeyed = |c: &char| {
            (c.is_control() && *c != '\n')
                || matches!(c, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        let obeyed = text.chars().find(is_obeyed);
        assert_eq!(obeyed, None, "in {place}\n{text:?}");
        assert!(place == "stdout" || text.contains("title"), "it was told in {place}\n{text}");
    }
    server.finish();
    let told = events(&place).into_iter().filter(|event| event["event"] == "received");
    let greeting = told.into_iter().next().expect("a greeting");
    assert_eq!(greeting["text"][0], EVIL, "a program reads what was said");
}

// Events -----------------------------------------------------------------------

/// The events of a run, each read by a parser.
fn events(place: &Place) -> Vec<Map<String, Value>> {
    let text = fs::read_to_string(place.directory().join("events")).expect("events");
    assert!(text.ends_with('\n'), "the last line is whole: {text}");
    text.lines().map(|line| serde_json::from_str(line).expect("an object")).collect()
}

/// The members of everything that the section on events has a tag for.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/man/envoi-send.1");
    let page = fs::read_to_string(page).expect("the manual");
    let (_, section) = page.split_once("\n.SH EVENTS\n").expect("a section on events");
    let section = section.split("\n.SH ").next().expect("a section");
    let tagged = section.split("\n.TP").skip(1).map(|tagged| {
        let tagged = tagged.split("\n.PP").next().expect("a text");
        let name = tagged.lines().find_map(|line| line.strip_prefix(".B ")).expect("a name");
        // Italics are for members alone; in `.IR` every other word is roman.
        let italics = tagged
            .lines()
            .filter_map(|line| line.strip_prefix(".I ").or_else(|| line.strip_prefix(".IR ")));
        let members = italics.filter_map(|line| line.split(' ').next()).map(str::to_owned);
        (name.to_owned(), members.collect())
    });
    tagged.collect()
}

#[test]
fn every_event_is_as_the_manual_says_and_none_is_missing() {
    let mut documented = documented();
    let common: Vec<String> = ["event", "version", "at"].map(str::to_owned).to_vec();
    for name in &common {
        assert_eq!(documented.remove(name), Some(BTreeSet::new()), "{name} is described");
    }
    let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for event in every_event() {
        let names: Vec<&String> = event.keys().take(3).collect();
        let mut sorted = event.clone();
        assert_eq!(event["version"], 1);
        assert!(event["at"].as_f64().is_some_and(|at| at >= 0.0), "{event:?}");
        assert_eq!(names.len(), 3);
        for name in &common {
            assert!(sorted.remove(name).is_some(), "{event:?} has no {name}");
        }
        let name = event["event"].as_str().expect("a name").to_owned();
        if let Some(tls) = event.get("tls") {
            let tls = tls.as_object().expect("an object");
            meet(&mut seen, "tls", tls, &documented);
            for certificate in tls["chain"].as_array().expect("a list") {
                meet(&mut seen, "chain", certificate.as_object().expect("one"), &documented);
            }
        }
        meet(&mut seen, &name, &sorted, &documented);
    }
    assert_eq!(seen, documented, "what happened, and what is documented");
}

fn meet(
    seen: &mut BTreeMap<String, BTreeSet<String>>,
    name: &str,
    object: &Map<String, Value>,
    documented: &BTreeMap<String, BTreeSet<String>>,
) {
    let members: BTreeSet<String> = object.keys().cloned().collect();
    assert_eq!(Some(&members), documented.get(name), "{name}: {object:?}");
    seen.insert(name.to_owned(), members);
}

/// What happens in a few runs in which everything happens.
fn every_event() -> Vec<Map<String, Value>> {
    let server = receiver(Encryption::StartTls);
    let mut place = Place::new();
    place.write("ca.pem", server.ca_pem(), None);
    place.write("m.eml", "From: me@x.example\nBcc: c@x.example\n\nHello.\n", None);
    place.set("P", SECRET.to_owned());
    let port = server.address().port();
    let url = format!("smtp://alice@localhost:{port}");
    let words = ["send", "-q", "--server", &url, "--tls-ca", "ca.pem", "--password-from", "env:P"];
    let rest = ["--message", "m.eml", "--events", "events", "a@x.example", "b@x.example"];
    check(&place.run(words.iter().chain(&rest), None), 0, "", "");
    let mut all = events(&place);
    let first = fs::read_to_string(place.directory().join("events")).expect("events");
    for line in first.lines() {
        assert!(line.starts_with("{\"event\":\""), "the name comes first: {line}");
    }
    let order: Vec<&str> = all.iter().filter_map(|event| event["event"].as_str()).collect();
    let start = order.iter().position(|event| *event != "noted").expect("more");
    assert!(start > 0, "{order:?}");
    assert_eq!(order[start..start + 2], ["connecting", "connected"], "{order:?}");
    assert_eq!(order[order.len() - 2..], ["closed", "ended"], "{order:?}");
    let times: Vec<f64> = all.iter().filter_map(|event| event["at"].as_f64()).collect();
    assert!(times.is_sorted(), "{times:?}");
    let rcpt = all.iter().filter(|event| event["event"] == "received" && event["phase"] == "rcpt");
    let rcpt: Vec<_> = rcpt.map(|event| (event["recipient"].as_str(), &event["code"])).collect();
    let accepted = Value::from(250);
    let expected = [(Some("a@x.example"), &accepted), (Some("b@x.example"), &accepted)];
    assert_eq!(rcpt, expected);
    let ended = all.last().expect("an end");
    for phase in ["lookup", "connect", "banner", "helo", "starttls", "tls", "auth", "dot"] {
        assert!(ended["timings"][phase].is_f64(), "{phase}: {ended:?}");
    }
    drop(server);
    let dead = ["send", "-q", "--server", &url, "-f", "me@x.example", "--body", "x"];
    let run = place.run(dead.iter().chain(&["--events", "events", "a@x.example"]), None);
    assert_ne!(run.status, 0, "{run}");
    all.extend(events(&place));
    all
}

#[test]
fn who_cannot_write_an_event_still_sends() {
    let server = sink();
    let words = crate::to(server.address(), &["-q", "--body", "x", "--events", "/dev/full"]);
    let run = Place::new().run(words, None);
    let warning = "warning: the events are incomplete: No space left on device\n";
    check(&run, 0, "", warning);
}
