//! XCLIENT (Postfix, `XCLIENT_README`).

use super::*;
use crate::smtp::Xclient;
use std::net::SocketAddr;

fn offering(attributes: &[&'static str]) -> Policy {
    Policy { xclient: attributes.to_vec(), ..only_tim() }
}

#[test]
fn xclient_is_offered_when_told_and_greets_anew() {
    let plain = "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm";
    talk(
        &offering(&Xclient::NAMES),
        &[
            ("XCLIENT NAME=a.example", "220 localhost ESMTP"),
            ("MAIL FROM:<a@b.c>", "503 5.5.1 EHLO"),
            ("EHLO a", "250"),
            (plain, "235"),
            ("MAIL FROM:<a@b.c>", "250"),
            ("XCLIENT ADDR=192.0.2.1", "503 5.5.1"),
            ("RSET", "250"),
            ("XCLIENT", "501 5.5.4"),
            ("XCLIENT ADDR", "501 5.5.4"),
            ("XCLIENT ADDR=192.0.2", "501 5.5.4"),
            ("XCLIENT LOGIN=a+2", "501 5.5.4"),
            ("XCLIENT LOGIN=a+0Db", "501 5.5.4"),
            ("XCLIENT NAME=a+20b", "501 5.5.4"),
            ("XCLIENT HELO=a+28b", "501 5.5.4"),
            ("XCLIENT WHO=me", "501 5.5.4"),
            // Nothing of it was taken.
            ("MAIL FROM:<a@b.c>", "250"),
            ("RSET", "250"),
            ("xclient addr=[unavailable]", "220"),
            ("MAIL FROM:<a@b.c>", "503 5.5.1 EHLO"),
            ("EHLO a", "250"),
            (plain, "235"),
        ],
    );
    let none = Policy { require_auth: false, ..only_tim() };
    talk(&none, &[("EHLO a", "250"), ("XCLIENT NAME=a", "502 5.5.1")]);
    talk(&offering(&["ADDR"]), &[("XCLIENT NAME=a", "501 5.5.4"), ("XCLIENT ADDR=::1", "220")]);
    let offered = |policy: &Policy| {
        let hello = Conversation::new(policy, Protocol::Smtp, false, "1").answer(b"EHLO a");
        hello.reply.unwrap().text.into_iter().find(|line| line.starts_with("XCLIENT"))
    };
    assert_eq!(offered(&offering(&["ADDR", "NAME"])).unwrap(), "XCLIENT ADDR NAME");
    assert_eq!(offered(&none), None);
}

#[test]
fn the_client_is_where_and_who_it_says_until_it_says_otherwise() {
    let policy = Policy { require_auth: true, ..offering(&Xclient::NAMES) };
    let mut conversation = Conversation::new(&policy, Protocol::Smtp, false, "1");
    let peer: SocketAddr = "[::ffff:127.0.0.1]:7".parse().unwrap();
    let mut after = |line: &str| {
        if line == "(tls)" {
            conversation.secured(Secured::default());
        } else {
            conversation.answer(line.as_bytes());
        }
        let origin = conversation.claims().origin(peer);
        let user = conversation.user().unwrap_or("-").to_owned();
        let port = origin.port.map_or("-".to_owned(), |port| port.to_string());
        format!("{user}{origin} {port}")
    };
    for (line, expected) in [
        ("EHLO a", "- ([127.0.0.1]) 7"),
        ("XCLIENT LOGIN=bob", "bob ([127.0.0.1]) 7"),
        ("XCLIENT ADDR=IPV6:2001:db8::1", "bob ([IPv6:2001:db8::1]) -"),
        ("XCLIENT NAME=a.example PORT=9", "bob (a.example [IPv6:2001:db8::1]) 9"),
        ("(tls)", "- (a.example [IPv6:2001:db8::1]) 9"),
        ("XCLIENT NAME=[TEMPUNAVAIL]", "- ([IPv6:2001:db8::1]) 9"),
        ("XCLIENT ADDR=[UNAVAILABLE] LOGIN=ann", "ann 9"),
        ("XCLIENT LOGIN=[UNAVAILABLE] PORT=[UNAVAILABLE]", "- -"),
    ] {
        assert_eq!(after(line), expected, "{line}");
    }
}

#[test]
fn who_is_said_to_have_signed_in_need_not() {
    let policy = Policy { require_auth: true, ..offering(&Xclient::NAMES) };
    talk(
        &policy,
        &[
            ("EHLO a", "250"),
            ("MAIL FROM:<a@b.c>", "530"),
            ("XCLIENT LOGIN=bob", "220"),
            ("EHLO a", "250"),
            ("AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm", "503"),
            ("MAIL FROM:<a@b.c>", "250"),
        ],
    );
}
