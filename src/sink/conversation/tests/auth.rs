//! Signing in (RFC 4954).

use super::*;

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
