//! STARTTLS and AUTH.

use super::{Client, open, pipelined, start, stored};
use envoi::sasl::server::Users;
use envoi::sasl::{Credentials, Secret};
use envoi::sink::{Event, Policy, Settings, Sink};

#[test]
fn starttls_begins_anew_and_drops_what_was_sent_in_clear() {
    // RX-3, RX-6, 3207-4.2
    let sink = start(Policy::default());
    let mut client = Client::greeted(&sink);
    client.write(b"STARTTLS\r\nMAIL FROM:<evil@x.y>\r\nRSET\r\n");
    assert_eq!(client.reply(), 220);
    let mut client = client.secure(&sink);
    assert_eq!(client.ask("MAIL FROM:<a@b.c>\r\n"), 503);
    client.write(b"EHLO client.example\r\n");
    let mut offered = Vec::new();
    loop {
        let line = client.line().unwrap();
        offered.push(line[4..].to_owned());
        if line.starts_with("250 ") {
            break;
        }
    }
    assert!(
        offered.iter().any(|line| line.starts_with("AUTH PLAIN LOGIN CRAM-MD5")),
        "{offered:?}"
    );
    assert!(!offered.contains(&"STARTTLS".to_owned()), "{offered:?}");
    assert_eq!(client.ask("STARTTLS\r\n"), 503);
    assert_eq!(client.ask("QUIT\r\n"), 221);
    assert_eq!(client.line(), None);
    let dropped = sink.events().try_iter().find_map(|event| match event {
        Event::PlaintextAfterStartTls { octets, .. } => Some(octets),
        _ => None,
    });
    assert_eq!(dropped, Some(28));
}

#[test]
fn all_three_mechanisms_sign_in() {
    // RX-5
    let tim = Credentials { user: "tim".into(), password: Secret::new("tanstaaftanstaaf") };
    let users = Users::Only(vec![tim]);
    let sink = start(Policy { users, require_auth: true, ..open() });
    let mut client = Client::greeted(&sink);
    assert_eq!(client.ask("MAIL FROM:<>\r\n"), 530);
    assert_eq!(client.ask("AUTH PLAIN AHRpbQB3cm9uZw==\r\n"), 535);
    assert_eq!(client.ask("AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n"), 235);
    assert_eq!(client.ask("MAIL FROM:<>\r\n"), 250);

    let mut client = Client::greeted(&sink);
    assert_eq!(client.ask("AUTH LOGIN\r\n"), 334);
    assert_eq!(client.ask("dGlt\r\n"), 334);
    assert_eq!(client.ask("dGFuc3RhYWZ0YW5zdGFhZg==\r\n"), 235);

    let mut client = Client::greeted(&sink);
    client.write(b"AUTH CRAM-MD5\r\n");
    let challenge = client.line().unwrap();
    let challenge = encodify::base64::STANDARD.decode(&challenge[4..]).unwrap();
    let answer = hmac_md5(b"tanstaaftanstaaf", &challenge);
    let answer = encodify::base64::STANDARD.encode(format!("tim {answer}"));
    assert_eq!(client.ask(&format!("{answer}\r\n")), 235);

    let refused: Vec<String> = sink
        .events()
        .try_iter()
        .filter_map(|event| match event {
            Event::Refused { command, .. } => Some(command),
            _ => None,
        })
        .collect();
    assert_eq!(refused, ["MAIL FROM:<>", "AUTH PLAIN ***"]);
}

fn hmac_md5(key: &[u8], message: &[u8]) -> String {
    use hmac::{Hmac, Mac};
    let mut mac = <Hmac<md5::Md5> as Mac>::new_from_slice(key).unwrap();
    mac.update(message);
    format!("{:x}", mac.finalize().into_bytes())
}

#[test]
fn one_run_asks_for_the_password_made_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let settings = Settings::for_one_run(directory.path().into(), "run", Secret::new("y"));
    let sink = Sink::start(settings).unwrap();
    let mut client = Client::greeted(&sink);
    assert_eq!(client.ask("MAIL FROM:<>\r\n"), 530);
    assert_eq!(client.ask("AUTH PLAIN AHJ1bgB5\r\n"), 538);
    assert_eq!(client.ask("STARTTLS\r\n"), 220);
    let mut client = client.secure(&sink);
    assert_eq!(client.ask("EHLO a\r\n"), 250);
    assert_eq!(client.ask("AUTH PLAIN AHJ1bgB6\r\n"), 535);
    assert_eq!(client.ask("AUTH PLAIN AHJ1bgB5\r\n"), 235);
    pipelined(&mut client);
    assert!(stored(&sink).path.unwrap().starts_with(directory.path()));
}
