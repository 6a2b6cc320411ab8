//! Messages in chunks (RFC 3030).

use super::*;

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
