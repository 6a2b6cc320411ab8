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
fn each_extension_is_offered_until_it_is_switched_off() {
    let offered = |policy: &Policy, tls| {
        Conversation::new(policy, Protocol::Smtp, tls, "1").answer(b"EHLO a").reply.unwrap().text
            [1..]
            .join("; ")
    };
    let mut policy = Policy { size_limit: Some(10), ..Policy::default() };
    assert_eq!(
        offered(&policy, false),
        "PIPELINING; SIZE 10; STARTTLS; ENHANCEDSTATUSCODES; 8BITMIME; SMTPUTF8; DSN; CHUNKING; BINARYMIME"
    );
    // RX-6: STARTTLS goes, AUTH comes.
    assert_eq!(
        offered(&policy, true),
        "PIPELINING; SIZE 10; AUTH PLAIN LOGIN CRAM-MD5 OAUTHBEARER XOAUTH2 ANONYMOUS; ENHANCEDSTATUSCODES; 8BITMIME; SMTPUTF8; DSN; CHUNKING; BINARYMIME; REQUIRETLS"
    );
    for word in
        ["PIPELINING", "SIZE", "STARTTLS", "LOGIN", "enhancedstatuscodes", "chunking", "REQUIRETLS"]
    {
        policy.offer = policy.offer.without(word).unwrap();
    }
    assert_eq!(
        offered(&policy, true),
        "AUTH PLAIN CRAM-MD5 OAUTHBEARER XOAUTH2 ANONYMOUS; 8BITMIME; SMTPUTF8; DSN"
    );
}

#[test]
fn what_was_not_offered_is_refused() {
    let policy = Policy { offer: Offer::nothing(), ..Policy::default() };
    talk(
        &policy,
        &[
            ("EHLO a", "250 localhost greets a"),
            ("STARTTLS", "502 STARTTLS is not implemented"),
            ("AUTH PLAIN", "502 AUTH is not implemented"),
            ("MAIL FROM:<a@b.c> SIZE=1", "555 Parameter SIZE"),
            ("MAIL FROM:<a@b.c> BODY=8BITMIME", "555 Parameter BODY"),
            ("MAIL FROM:<a@b.c> SMTPUTF8", "555 Parameter SMTPUTF8"),
            ("MAIL FROM:<a@b.c> AUTH=<>", "555 Parameter AUTH"),
        ],
    );
    // HELO tells of no extension at all (RFC 5321 §4.1.1.1).
    talk(
        &Policy::default(),
        &[("HELO a", "250 localhost greets a"), ("MAIL FROM:<a@b.c> SIZE=1", "555 5.5.4")],
    );
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
    let policy = Policy { refuse, most_recipients: 2, ..Policy::default() };
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
fn plain_signs_in_with_and_without_an_initial_response() {
    // RX-5, 4616 §4
    talk(
        &only_tim(),
        &[
            ("AUTH PLAIN", "503 5.5.1"),
            ("EHLO a", "250"),
            ("AUTH", "501 5.5.4"),
            ("AUTH TURNIP", "504 5.5.4"),
            ("AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWF", "501 5.5.2"),
            ("AUTH PLAIN !!!", "501 5.5.2"),
            ("AUTH PLAIN =", "501 5.5.2"),
            ("AUTH PLAIN", "334"),
            ("*", "501 5.7.0"),
            ("AUTH PLAIN", "334"),
            ("", "501 5.5.2"),
            ("AUTH PLAIN AHRpbQB3cm9uZw==", "535 5.7.8"),
            ("AUTH PLAIN", "334"),
            ("AHRpbQB0YW5zdGFhZnRhbnN0YWFm", "235 2.7.0"),
            ("AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm", "503 5.5.1"),
        ],
    );
}

#[test]
fn login_and_cram_md5_sign_in() {
    // RX-5
    for (line, expected) in
        [("AUTH LOGIN", "334 VXNlcm5hbWU6"), ("auth login dGlt", "334 UGFzc3dvcmQ6")]
    {
        let mut lines = vec![("EHLO a", "250"), (line, expected)];
        if line == "AUTH LOGIN" {
            lines.push(("dGlt", "334 UGFzc3dvcmQ6"));
        }
        lines.push(("dGFuc3RhYWZ0YW5zdGFhZg==", "235 2.7.0"));
        talk(&only_tim(), &lines);
    }
    let policy = only_tim();
    let mut conversation = Conversation::new(&policy, Protocol::Smtp, false, "1896");
    conversation.answer(b"EHLO a");
    assert_eq!(
        conversation.answer(b"AUTH CRAM-MD5 dGlt").reply.unwrap().to_string()[..9],
        *"501 5.7.0"
    );
    let challenge = conversation.answer(b"AUTH CRAM-MD5").reply.unwrap().joined_text();
    // Each attempt has its own challenge.
    assert_eq!(base64::STANDARD.decode(&challenge).unwrap(), b"<1896.2@localhost>");
    let response = "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw";
    assert_eq!(
        conversation.answer(response.as_bytes()).reply.unwrap().to_string()[..9],
        *"535 5.7.8"
    );
}

#[test]
fn who_must_sign_in_is_told_so() {
    // RX-5
    let policy = Policy { require_auth: true, ..only_tim() };
    talk(
        &policy,
        &[
            ("EHLO a", "250"),
            ("MAIL FROM:<a@b.c>", "530 5.7.0 Sign in first"),
            ("RCPT TO:<a@b.c>", "530 5.7.0"),
            ("DATA", "530 5.7.0"),
            ("VRFY a", "530 5.7.0"),
            ("NOOP", "250"),
            ("RSET", "250"),
            ("EHLO a", "250"),
            ("AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm", "235"),
            ("MAIL FROM:<a@b.c>", "250"),
            ("AUTH PLAIN", "503 5.5.1"),
        ],
    );
}

#[test]
fn signing_in_inside_a_transaction_is_out_of_order() {
    // RX-5
    let lines = [("EHLO a", "250"), ("MAIL FROM:<>", "250"), ("AUTH PLAIN", "503 5.5.1")];
    talk(&only_tim(), &lines);
}

#[test]
fn tls_makes_the_server_forget() {
    // RX-6
    let plain = "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm";
    talk(
        &Policy { cleartext_auth: false, ..only_tim() },
        &[
            ("STARTTLS", "503 5.5.1"),
            ("EHLO a", "250"),
            (plain, "538 5.7.11"),
            ("STARTTLS x", "501 5.5.4"),
            ("STARTTLS", "220 2.0.0"),
            ("(tls)", ""),
            ("MAIL FROM:<a@b.c>", "503 5.5.1"),
            ("EHLO a", "250"),
            ("STARTTLS", "503 5.5.1"),
            (plain, "235"),
        ],
    );
    talk(
        &only_tim(),
        &[
            ("EHLO a", "250"),
            (plain, "235"),
            ("MAIL FROM:<a@b.c>", "250"),
            ("STARTTLS", "220"),
            ("(tls)", ""),
            ("EHLO a", "250"),
            ("RCPT TO:<a@b.c>", "503"),
            (plain, "235"),
        ],
    );
}

#[test]
fn where_tls_is_required_nothing_goes_before_it() {
    // RX-6, RFC 3207 §4
    let policy = Policy { require_tls: true, ..Policy::default() };
    let plain = "AUTH PLAIN AHgAeQ==";
    talk(
        &policy,
        &[
            ("HELO a", "530 5.7.0"),
            ("EHLO a", "250"),
            ("NOOP", "250"),
            ("RSET", "530 5.7.0"),
            (plain, "530 5.7.0"),
            ("MAIL FROM:<a@b.c>", "530 5.7.0"),
            ("STARTTLS", "220"),
            ("(tls)", ""),
            ("EHLO a", "250"),
            ("MAIL FROM:<a@b.c>", "250"),
        ],
    );
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
fn the_greeting_and_the_reply_to_ehlo_have_no_enhanced_code() {
    // 2034/3463/5248
    let policy = Policy::default();
    let mut conversation = Conversation::new(&policy, Protocol::Smtp, false, "1");
    assert_eq!(conversation.greeting().enhanced, None);
    assert_eq!(conversation.answer(b"EHLO 2.0.0").reply.unwrap().enhanced, None);
    assert!(conversation.answer(b"NOOP").reply.unwrap().enhanced.is_some());
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

/// What EHLO, MAIL and two recipients are answered, the second refused.
const BEGUN: [(&str, &str); 4] = [
    ("EHLO a", "250"),
    ("MAIL FROM:<a@b.c>", "250 2.1.0"),
    ("RCPT TO:<a@b.c>", "250 2.1.5"),
    ("RCPT TO:<>", "501"),
];

#[test]
fn a_message_may_come_in_chunks_and_in_nothing_else_then() {
    // 3030-a, 3030-b, RX-4
    let begun = [
        ("BDAT 3", "250 2.0.0 3 octets received"),
        ("DATA", "503 5.5.1 BDAT was begun"),
        ("RCPT TO:<b@b.c>", "503 5.5.1"),
        ("MAIL FROM:<a@b.c>", "503 5.5.1"),
        ("bdat 0 last", ""),
        ("(end)", "250 2.0.0 Stored as X"),
        ("BDAT 0 LAST", "503 5.5.1 MAIL comes first"),
        ("MAIL FROM:<a@b.c>", "250 2.1.0"),
        ("BDAT 5 LAST", "554 5.5.1 No valid recipients"),
        ("RCPT TO:<a@b.c>", "250 2.1.5"),
        ("BDAT 5", "250"),
        ("RSET", "250"),
        ("BDAT 5", "503 5.5.1 MAIL comes first"),
        ("MAIL FROM:<a@b.c>", "250 2.1.0"),
        ("RCPT TO:<a@b.c>", "250 2.1.5"),
        ("DATA", "354"),
        ("(end)", "250"),
    ];
    talk(&Policy::default(), &[&BEGUN[..], &begun].concat());
}

#[test]
fn after_a_refused_chunk_nothing_is_taken_before_rset() {
    // 3030-c, RX-4
    let begun = [
        ("BDAT 6", "250"),
        ("BDAT 5 LAST", "552 5.3.4"),
        ("BDAT 1 LAST", "503 5.5.1 An earlier chunk was refused"),
        ("DATA", "503 5.5.1"),
        ("RSET", "250"),
        ("MAIL FROM:<a@b.c>", "250"),
        ("RCPT TO:<a@b.c>", "250"),
        ("BDAT 18446744073709551615", "552 5.3.4"),
        ("RSET", "250"),
        ("MAIL FROM:<a@b.c>", "250"),
        ("RCPT TO:<a@b.c>", "250"),
        ("BDAT 1 FIRST", "501 5.5.4"),
        ("RSET", "250"),
        ("MAIL FROM:<a@b.c>", "250"),
        ("RCPT TO:<a@b.c>", "250"),
        ("BDAT 10 LAST", ""),
        ("(end)", "250"),
    ];
    let policy = Policy { size_limit: Some(10), ..Policy::default() };
    talk(&policy, &[&BEGUN[..], &begun].concat());
}

#[test]
fn the_octets_of_a_chunk_are_passed_over_whatever_is_said() {
    // RX-4
    let next = |policy: &Policy, lines: &[&str]| {
        let mut conversation = Conversation::new(policy, Protocol::Smtp, false, "1");
        lines.iter().map(|line| conversation.answer(line.as_bytes()).next).next_back().unwrap()
    };
    let policy = Policy::default();
    assert_eq!(next(&policy, &["BDAT 7 LAST"]), Next::Skip(7));
    assert_eq!(next(&policy, &["EHLO a", "BDAT 7"]), Next::Skip(7));
    assert_eq!(next(&policy, &["HELO a", "BDAT 7"]), Next::Skip(7));
    let closed = Policy { require_tls: true, ..Policy::default() };
    assert_eq!(next(&closed, &["EHLO a", "BDAT 7"]), Next::Skip(7));
    let mine = Policy { require_auth: true, ..Policy::default() };
    assert_eq!(next(&mine, &["EHLO a", "BDAT 7"]), Next::Skip(7));
    for odd in ["BDAT", "BDAT LAST", "BDAT +1", "BDAT -1", "BDAT 18446744073709551616"] {
        assert_eq!(next(&policy, &["EHLO a", odd]), Next::Close, "{odd}");
    }
    // Who does not know the command does not know how many octets it has.
    let offer = Offer::default().without("CHUNKING").unwrap();
    let without = Policy { offer, ..Policy::default() };
    assert_eq!(next(&without, &["EHLO a", "BDAT 7"]), Next::Command);
    talk(&without, &[("EHLO a", "250"), ("BDAT 3 LAST", "502 5.5.1")]);
}

#[test]
fn binary_comes_by_bdat_or_not_at_all() {
    // 3030-g, RX-4
    let binary = [
        ("EHLO a", "250"),
        ("MAIL FROM:<a@b.c> BODY=BINARYMIME", "250"),
        ("RCPT TO:<a@b.c>", "250"),
        ("DATA", "503 5.5.1 BODY=BINARYMIME goes by BDAT"),
        ("RSET", "250"),
    ];
    talk(&Policy::default(), &binary);
    for word in ["BINARYMIME", "CHUNKING"] {
        let offer = Offer::default().without(word).unwrap();
        let policy = Policy { offer, ..Policy::default() };
        let refused = [("EHLO a", "250"), ("MAIL FROM:<a@b.c> BODY=BINARYMIME", "501 5.5.4")];
        talk(&policy, &refused);
    }
}

#[test]
fn in_lmtp_the_last_chunk_is_answered_for_each_recipient() {
    // 2033
    let rules = ["never@b.c=550 5.1.1 Unknown"];
    let policy = Policy {
        refuse_after_data: rules.map(|rule| Refusal::parse(rule).unwrap()).to_vec(),
        ..Policy::default()
    };
    talk_by(
        Protocol::Lmtp,
        &policy,
        &[
            ("LHLO a", "250"),
            ("MAIL FROM:<>", "250"),
            ("BDAT 2", "503 5.5.1 No valid recipients"),
            ("RCPT TO:<a@b.c>", "250"),
            ("RCPT TO:<never@b.c>", "250"),
            ("BDAT 2", "250 2.0.0 2 octets"),
            ("BDAT 2 LAST", ""),
            ("(end)", "250 2.0.0 Stored as X / 550 5.1.1 Unknown"),
        ],
    );
}

#[test]
fn requiring_tls_is_offered_under_tls_only() {
    // 8689-a
    talk(
        &Policy::default(),
        &[
            ("EHLO a", "250"),
            ("MAIL FROM:<a@b.c> REQUIRETLS", "555 5.5.4"),
            ("(tls)", ""),
            ("EHLO a", "250"),
            ("MAIL FROM:<a@b.c> REQUIRETLS", "250"),
        ],
    );
}
