//! What is offered, and TLS.

use super::*;

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

#[test]
fn the_greeting_and_the_reply_to_ehlo_have_no_enhanced_code() {
    // 2034/3463/5248
    let policy = Policy::default();
    let mut conversation = Conversation::new(&policy, Protocol::Smtp, false, "1");
    assert_eq!(conversation.greeting().enhanced, None);
    assert_eq!(conversation.answer(b"EHLO 2.0.0").reply.unwrap().enhanced, None);
    assert!(conversation.answer(b"NOOP").reply.unwrap().enhanced.is_some());
}
