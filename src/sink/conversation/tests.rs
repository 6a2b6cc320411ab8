mod auth;
mod chunks;
mod hello;
mod xclient;

use super::super::offer::Offer;
use super::super::replies::Refusal;
use super::*;
use crate::sasl::server::Users;
use crate::sasl::{Credentials, Secret};
use encodify::base64;

/// Says the lines one after another, and asks of each reply that it begins as
/// given. `(tls)` stands for a handshake, `(end)` for the end of content.
#[track_caller]
fn talk(policy: &Policy, lines: &[(&str, &str)]) {
    talk_by(Protocol::Smtp, policy, lines);
}

/// The same in this protocol. Several replies stand with ` / ` between.
#[track_caller]
fn talk_by(protocol: Protocol, policy: &Policy, lines: &[(&str, &str)]) {
    let mut conversation = Conversation::new(policy, protocol, false, "1");
    for (line, expected) in lines {
        let replies = match *line {
            "(tls)" => {
                conversation.secured(Secured::default());
                continue;
            }
            "(end)" => conversation.end_of_data(Verdict::Stored("X")),
            line => conversation.answer(line.as_bytes()).reply.into_iter().collect(),
        };
        let said: Vec<String> = replies.iter().map(ToString::to_string).collect();
        let said = said.join(" / ");
        assert!(said.starts_with(expected), "{line}: {said}, not {expected}");
    }
}

fn only_tim() -> Policy {
    let tim = Credentials { user: "tim".into(), password: Secret::new("tanstaaftanstaaf") };
    Policy { users: Users::Only(vec![tim]), cleartext_auth: true, ..Policy::default() }
}

#[test]
fn every_command_has_its_reply() {
    // RX-1, RX-11
    talk(
        &Policy::default(),
        &[
            ("MAIL FROM:<a@b.c>", "503 5.5.1"),
            ("RCPT TO:<a@b.c>", "503 5.5.1"),
            ("DATA", "503 5.5.1"),
            ("VRFY a", "252 2.0.0"),
            ("NOOP", "250 2.0.0"),
            ("RSET", "250 2.0.0"),
            ("EHLO", "501 5.5.4"),
            ("EHLO a b", "501 5.5.4"),
            ("EHLO a(b", "501 5.5.4"),
            ("HELO", "501 5.5.4"),
            ("helo a.example", "250 localhost greets a.example"),
            ("ehlo a.example", "250 localhost greets a.example PIPELINING"),
            ("NOOP with an argument", "250 2.0.0"),
            ("RSET x", "501 5.5.4"),
            ("QUIT x", "501 5.5.4"),
            ("VRFY", "501 5.5.4"),
            ("VRFY a@b.c", "252 2.0.0"),
            ("EXPN list", "502 5.5.1"),
            ("HELP", "502 5.5.1"),
            ("TURN", "502 5.5.1"),
            ("ETRN x", "502 5.5.1"),
            ("TURNIP", "500 5.5.2"),
            ("", "500 5.5.2"),
            ("NOOP\0", "500 5.5.2"),
            ("NOOP\rRSET", "500 5.5.2"),
            ("RCPT TO:<a@b.c>", "503 5.5.1"),
            ("MAIL FROM:<a@b.c> FOO=1", "555 5.5.4"),
            ("MAIL FROM:a@b.c", "501 5.1.7"),
            ("MAIL FROM:<a@b.c>", "250 2.1.0"),
            ("MAIL FROM:<a@b.c>", "503 5.5.1"),
            ("DATA", "554 5.5.1"),
            ("RCPT TO:<postmaster>", "250 2.1.5"),
            ("RCPT TO:<a@b.c> TURNIPS=2", "555 5.5.4"),
            ("DATA x", "501 5.5.4"),
            ("DATA", "354 Go ahead"),
            ("(end)", "250 2.0.0 Stored as X"),
            ("DATA", "503 5.5.1"),
            ("QUIT", "221 2.0.0"),
        ],
    );
}

#[test]
fn lmtp_has_a_greeting_of_its_own_and_a_reply_for_each_recipient() {
    // 2033
    let rules = ["late@b.c=452 4.2.2 Full", "never@b.c=550 5.1.1 Unknown"];
    let policy = Policy {
        refuse: vec![Refusal::parse("gone@b.c=550 5.1.1 Gone").unwrap()],
        refuse_after_data: rules.map(|rule| Refusal::parse(rule).unwrap()).to_vec(),
        ..Policy::default()
    };
    talk_by(
        Protocol::Lmtp,
        &policy,
        &[
            ("EHLO a", "500 5.5.1 This is LMTP"),
            ("HELO a", "500 5.5.1 This is LMTP"),
            ("MAIL FROM:<>", "503 5.5.1 LHLO"),
            ("LHLO", "501 5.5.4 Syntax: LHLO"),
            ("LHLO a", "250 localhost greets a PIPELINING"),
            ("MAIL FROM:<>", "250 2.1.0"),
            ("DATA", "503 5.5.1"),
            ("RCPT TO:<gone@b.c>", "550 5.1.1"),
            ("DATA", "503 5.5.1"),
            ("RCPT TO:<a@b.c>", "250 2.1.5"),
            ("RCPT TO:<late@b.c>", "250 2.1.5"),
            ("RCPT TO:<a@b.c>", "250 2.1.5"),
            ("RCPT TO:<never@b.c>", "250 2.1.5"),
            ("DATA", "354 Go ahead"),
            (
                "(end)",
                "250 2.0.0 Stored as X / 452 4.2.2 Full / 250 2.0.0 Stored as X / 550 5.1.1 Unknown",
            ),
            ("MAIL FROM:<>", "250 2.1.0"),
        ],
    );
    talk(
        &policy,
        &[
            ("LHLO a", "500 5.5.1 This is SMTP"),
            ("EHLO a", "250 localhost"),
            ("MAIL FROM:<>", "250 2.1.0"),
            ("RCPT TO:<a@b.c>", "250 2.1.5"),
            ("RCPT TO:<late@b.c>", "250 2.1.5"),
            ("DATA", "354 Go ahead"),
            ("(end)", "452 4.2.2 Full"),
        ],
    );
}

#[test]
fn a_message_is_for_those_who_are_not_refused_after_it() {
    let policy = Policy {
        refuse_after_data: vec![Refusal::parse("late@b.c=452").unwrap()],
        ..Policy::default()
    };
    for (protocol, hello, to, expected) in [
        (Protocol::Lmtp, "LHLO a", &["a@b.c", "late@b.c"][..], "a@b.c"),
        (Protocol::Lmtp, "LHLO a", &["late@b.c"], ""),
        (Protocol::Smtp, "EHLO a", &["a@b.c", "late@b.c"], ""),
        (Protocol::Smtp, "EHLO a", &["a@b.c", "d@b.c"], "a@b.c d@b.c"),
    ] {
        let mut conversation = Conversation::new(&policy, protocol, false, "1");
        for line in [hello, "MAIL FROM:<>"] {
            conversation.answer(line.as_bytes());
        }
        for path in to {
            conversation.answer(format!("RCPT TO:<{path}>").as_bytes());
        }
        let takers: Vec<String> =
            conversation.takers().iter().map(|to| to.path.to_string()).collect();
        assert_eq!(takers.join(" "), expected, "{protocol:?} {to:?}");
    }
}

#[test]
fn a_declared_size_over_the_limit_is_refused_at_mail() {
    // 1870
    let policy = Policy { size_limit: Some(1000), ..Policy::default() };
    talk(
        &policy,
        &[
            ("EHLO a", "250"),
            ("MAIL FROM:<a@b.c> SIZE=1001", "552 5.3.4"),
            ("MAIL FROM:<a@b.c> SIZE=99999999999999999999", "552 5.3.4"),
            ("MAIL FROM:<a@b.c> SIZE=1000", "250 2.1.0"),
        ],
    );
}

#[test]
fn recipients_are_refused_by_rule_and_by_number() {
    let refuse = ["bob@x.y=550 5.1.1 No such user", "*@z.y=421 4.3.2 Going down"];
    let refuse = refuse.iter().map(|rule| Refusal::parse(rule).unwrap()).collect();
    let policy = Policy { refuse, most_recipients: Some(2), ..Policy::default() };
    talk(
        &policy,
        &[
            ("EHLO a", "250"),
            ("MAIL FROM:<>", "250"),
            ("RCPT TO:<bob@X.Y>", "550 5.1.1 No such user"),
            ("RCPT TO:<a@x.y>", "250"),
            ("RCPT TO:<b@x.y>", "250"),
            ("RCPT TO:<c@x.y>", "452 4.5.3"),
            ("RCPT TO:<bob@x.y>", "550 5.1.1"),
            ("DATA", "354"),
        ],
    );
    let mut conversation = Conversation::new(&policy, Protocol::Smtp, false, "1");
    conversation.answer(b"EHLO a");
    conversation.answer(b"MAIL FROM:<>");
    assert_eq!(conversation.answer(b"RCPT TO:<a@z.y>").next, Next::Close);
}

#[test]
fn lines_are_bounded_but_those_of_auth_are_long() {
    // 5321-4.5.3.1, 4954-4d
    let policy = Policy { cleartext_auth: true, ..Policy::default() };
    let long =
        format!("AUTH PLAIN {}", base64::STANDARD.encode(format!("\0u\0{}", "p".repeat(9000))));
    assert!(long.len() > 12_000);
    talk(
        &policy,
        &[
            ("EHLO a", "250"),
            (&format!("NOOP {}", "x".repeat(2041)), "250"),
            (&format!("NOOP {}", "x".repeat(2042)), "500 5.5.2"),
            (&long, "235"),
        ],
    );
    let mut conversation = Conversation::new(&policy, Protocol::Smtp, false, "1");
    assert_eq!(
        conversation.answer_to_overlong_line().reply.unwrap().to_string()[..9],
        *"500 5.5.2"
    );
    conversation.answer(b"EHLO a");
    conversation.answer(b"AUTH PLAIN");
    assert_eq!(
        conversation.answer_to_overlong_line().reply.unwrap().to_string()[..9],
        *"500 5.5.6"
    );
    assert!(!conversation.is_signing_in());
}

#[test]
fn only_replies_inside_a_group_may_wait() {
    // RX-3, 2920 §3.2
    let policy = Policy { cleartext_auth: true, ..Policy::default() };
    let mut conversation = Conversation::new(&policy, Protocol::Smtp, false, "1");
    for (line, may_wait) in [
        ("EHLO a", false),
        ("AUTH PLAIN AHgAeQ==", true),
        ("MAIL FROM:<>", true),
        ("RCPT TO:<a@b.c>", true),
        ("RCPT TO:<a", true),
        ("RSET", true),
        ("MAIL FROM:<>", true),
        ("RCPT TO:<a@b.c>", true),
        ("BDAT 3", true),
        ("BDAT 3 LAST", true),
        ("VRFY a", false),
        ("EXPN a", false),
        ("NOOP", false),
        ("TURNIP", false),
        ("DATA", false),
        ("QUIT", false),
    ] {
        assert_eq!(conversation.answer(line.as_bytes()).may_wait, may_wait, "{line}");
    }
}

#[test]
fn the_trace_names_the_protocol() {
    // RX-7
    let policy = Policy { cleartext_auth: true, ..Policy::default() };
    let protocol = |lines: &[&str], tls| {
        let mut conversation = Conversation::new(&policy, Protocol::Smtp, tls, "1");
        for line in lines {
            conversation.answer(line.as_bytes());
        }
        conversation.protocol()
    };
    let plain = "AUTH PLAIN AHgAeQ==";
    assert_eq!(protocol(&["HELO a"], false), "SMTP");
    assert_eq!(protocol(&["EHLO a"], false), "ESMTP");
    assert_eq!(protocol(&["EHLO a"], true), "ESMTPS");
    assert_eq!(protocol(&["EHLO a", plain], false), "ESMTPA");
    assert_eq!(protocol(&["EHLO a", plain], true), "ESMTPSA");
    assert_eq!(protocol(&["EHLO a", plain, "MAIL FROM:<> SMTPUTF8"], true), "UTF8SMTPSA");
}
