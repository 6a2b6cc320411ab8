use super::*;

fn reply(text: &str) -> Reply {
    let (code, text) = text.split_at(3);
    Reply::new(code.parse().unwrap(), text.trim_start()).unwrap().with_enhanced()
}

fn facts(mail: &str, rcpt: &[&str], data: &str, end: &str) -> Transaction {
    let end = (!end.is_empty()).then(|| End::ForAll(reply(end)));
    let optional = |text: &str| (!text.is_empty()).then(|| reply(text));
    Transaction {
        mail: optional(mail),
        rcpt: rcpt.iter().map(|text| reply(text)).collect(),
        data: optional(data),
        end,
        ..Transaction::default()
    }
}

fn words(facts: Transaction, recipients: usize, broken: Option<&Arc<Error>>) -> String {
    let word = |verdict: Verdict| match verdict {
        Verdict::Settled(Outcome::Accepted(_)) => "accepted",
        Verdict::Settled(Outcome::Deferred(_)) => "deferred",
        Verdict::Settled(Outcome::Rejected(_)) => "rejected",
        Verdict::Settled(Outcome::Uncertain(_)) => "uncertain",
        Verdict::LeftOver(_) => "left over",
    };
    judge(facts, recipients, broken).map(word).collect::<Vec<_>>().join(", ")
}

/// The table of the module page, row by row.
#[test]
fn every_row_of_the_table_holds() {
    for (mail, rcpt, data, end, expected) in [
        ("450 x", &["503 x"][..], "503 x", "", "deferred"),
        ("550 x", &["503 x"], "503 x", "", "rejected"),
        ("250 x", &["250 x", "450 x", "550 x"], "354 x", "250 x", "accepted, deferred, rejected"),
        ("250 x", &["251 x", "299 x"], "354 x", "250 x", "accepted, accepted"),
        ("250 x", &["250 x", "452 x", "552 x"], "354 x", "250 x", "accepted, left over, left over"),
        ("250 x", &["250 x", "452 4.2.2 x"], "354 x", "250 x", "accepted, deferred"),
        ("250 x", &["250 x", "552 5.2.2 x"], "354 x", "250 x", "accepted, rejected"),
        ("250 x", &["250 x", "552 5.3.4 x"], "354 x", "250 x", "accepted, rejected"),
        ("250 x", &["452 x", "552 x"], "503 x", "", "deferred, rejected"),
        ("250 x", &["250 x", "550 x"], "451 x", "", "deferred, rejected"),
        ("250 x", &["250 x", "450 x"], "554 x", "", "rejected, deferred"),
        ("250 x", &["250 x", "550 x"], "354 x", "452 x", "deferred, rejected"),
        ("250 x", &["250 x", "450 x"], "354 x", "554 x", "rejected, deferred"),
        // 5321-3.3b: no recipient was accepted, and the server takes a lone dot.
        ("250 x", &["550 x"], "354 x", "", "rejected"),
    ] {
        let facts = facts(mail, rcpt, data, end);
        assert_eq!(words(facts, rcpt.len(), None), expected, "{mail} {rcpt:?} {data} {end}");
    }
}

#[test]
fn where_all_must_be_accepted_nobody_is_left_over() {
    // 5321-3.3a
    for (rcpt, expected) in [
        (&["250 x", "550 x"][..], "rejected, rejected"),
        (&["250 x", "450 x"], "deferred, deferred"),
        (&["250 x", "452 x"], "deferred, deferred"),
        (&["250 x", "552 x"], "deferred, deferred"),
        (&["250 x", "552 5.2.2 x"], "rejected, rejected"),
    ] {
        let facts = Transaction { withheld: true, ..facts("250 x", rcpt, "", "") };
        assert_eq!(words(facts, rcpt.len(), None), expected, "{rcpt:?}");
    }
}

#[test]
fn tls_that_breaks_once_it_stands_is_a_connection_that_breaks() {
    // 5321-3.8r, 3.1
    let broke = |phase| {
        let error = net::Error::Tls(rustls::Error::DecryptError);
        Outcome::of_error(&Arc::new(Error::new(phase, error)))
    };
    assert!(matches!(broke(Phase::Handshake), Outcome::Rejected(_)));
    assert!(matches!(broke(Phase::Content), Outcome::Deferred(_)));
}

#[test]
fn a_break_before_the_dot_defers_and_one_after_it_is_uncertain() {
    let closed = || net::Error::Closed { abruptly: true };
    let sent = || facts("250 x", &["250 x", "550 x"], "354 x", "");
    let before = Arc::new(Error::new(Phase::Content, closed()));
    assert_eq!(words(sent(), 3, Some(&before)), "deferred, rejected, deferred");
    let whole = Transaction { dot_sent: true, ..sent() };
    let after = Arc::new(Error::new(Phase::EndOfData, closed()));
    assert_eq!(words(whole, 2, Some(&after)), "uncertain, rejected");
}

#[test]
fn in_lmtp_each_recipient_has_the_reply_that_is_its_own() {
    // 2033
    let closed = net::Error::Closed { abruptly: true };
    let broken = Arc::new(Error::new(Phase::EndOfData, closed));
    let rcpt = ["550 x", "250 x", "450 x", "250 x", "250 x"];
    let own = |replies: &[&str]| {
        let replies: Vec<Reply> = replies.iter().map(|text| reply(text)).collect();
        let end = (!replies.is_empty()).then_some(End::ForEach(replies));
        Transaction { end, dot_sent: true, ..facts("250 x", &rcpt, "354 x", "") }
    };
    for (replies, broken, expected) in [
        (
            &["250 x", "452 4.2.2 x", "550 5.1.1 x"][..],
            None,
            "rejected, accepted, deferred, deferred, rejected",
        ),
        (&["550 x"], Some(&broken), "rejected, rejected, deferred, uncertain, uncertain"),
        (&["250 x"], Some(&broken), "rejected, accepted, deferred, uncertain, uncertain"),
        (&[], Some(&broken), "rejected, uncertain, deferred, uncertain, uncertain"),
    ] {
        assert_eq!(words(own(replies), rcpt.len(), broken), expected, "{replies:?}");
    }
    let mut verdicts = judge(own(&["250 to the message"; 3]), rcpt.len(), None).skip(1);
    let Some(Verdict::Settled(Outcome::Accepted(said))) = verdicts.next() else { panic!() };
    assert_eq!(said.to_string(), "250 to the message");
}

#[test]
fn only_what_no_server_has_decided_goes_to_another() {
    let broke = |phase, kind: Kind| Outcome::of_error(&Arc::new(Error::new(phase, kind)));
    let refused = |text| Kind::Refused(reply(text));
    let unavailable = |absence| Kind::Secret { reason: "x".into(), way_out: None, absence };
    for (outcome, expected) in [
        (broke(Phase::Greeting, refused("554 x")), true),
        (broke(Phase::Mail, refused("421 x")), true),
        (broke(Phase::Auth, refused("535 x")), false),
        (broke(Phase::Auth, refused("454 x")), true),
        (broke(Phase::Content, net::Error::Closed { abruptly: true }.into()), true),
        (broke(Phase::Mail, net::Error::Interrupted.into()), false),
        (broke(Phase::Auth, unavailable(Absence::Missing)), false),
        (broke(Phase::Auth, unavailable(Absence::Passing)), false),
        (Outcome::Deferred(Cause::Replied(Phase::Rcpt, reply("450 x"))), false),
        (Outcome::Uncertain(Cause::Withheld), false),
    ] {
        assert_eq!(outcome.is_open(), expected, "{outcome:?}");
    }
}
