//! A receiver that misbehaves by rules.

use super::{Client, PATIENCE, start};
use envoi::sink::{Event, Fault, Policy, Rule, Stage};
use envoi::smtp::Reply;
use std::time::Instant;

#[test]
fn the_octets_of_a_chunk_that_a_rule_refuses_are_no_commands() {
    // RX-4, RX-9
    let reply = Some(Reply::new(552, "5.3.4 Too much").unwrap().with_enhanced());
    let rules = vec![Rule { reply, nth: Some(1), ..Rule::at(Stage::Bdat) }];
    let sink = start(Policy { rules, ..Policy::default() });
    let mut client = Client::greeted(&sink);
    client.write(b"MAIL FROM:<>\r\nRCPT TO:<a@b.c>\r\nBDAT 12 LAST\r\nNOOP\r\nNOOP\r\nQUIT\r\n");
    let codes: Vec<u16> = (0..4).map(|_| client.reply()).collect();
    assert_eq!(codes, [250, 250, 552, 221]);
    assert!(!sink.finish(PATIENCE).iter().any(|event| matches!(event, Event::Stored(_))));
}

#[test]
fn who_is_refused_by_the_greeting_may_only_quit() {
    // 5321-3.1, RX-9
    let reply = Some(Reply::new(554, "5.3.2 No mail here").unwrap().with_enhanced());
    let rules = vec![Rule { reply, ..Rule::at(Stage::Greeting) }];
    let sink = start(Policy { rules, ..Policy::default() });
    let mut client = Client::connect(&sink);
    assert_eq!(client.reply(), 554);
    assert_eq!(client.ask("EHLO a\r\n"), 503);
    assert_eq!(client.ask("MAIL FROM:<>\r\n"), 503);
    // RX-4: even then.
    assert_eq!(client.ask("BDAT 12 LAST\r\nNOOP\r\nNOOP\r\n"), 503);
    assert_eq!(client.ask("QUIT\r\n"), 221);
    assert_eq!(client.line(), None);
}

#[test]
fn a_rule_for_chunks_gives_one_answer_and_421_is_the_last() {
    // RX-9
    for (code, text, expected) in
        [(251, "2.0.0 Odd", &[250, 250, 251, 221][..]), (421, "4.3.2 No", &[250, 250, 421])]
    {
        let reply = Some(Reply::new(code, text).unwrap().with_enhanced());
        let rules = vec![Rule { reply, ..Rule::at(Stage::Bdat) }];
        let sink = start(Policy { rules, ..Policy::default() });
        let mut client = Client::greeted(&sink);
        client.write(b"MAIL FROM:<>\r\nRCPT TO:<a@b.c>\r\nBDAT 3 LAST\r\nx\r\nQUIT\r\n");
        let codes: Vec<u16> =
            std::iter::from_fn(|| client.line()).map(|line| line[..3].parse().unwrap()).collect();
        assert_eq!(codes, expected);
    }
}

#[test]
fn the_end_of_the_receiver_does_not_wait_for_a_rule() {
    let rules = vec![Rule { delay: Some(60 * PATIENCE), ..Rule::at(Stage::Mail) }];
    let sink = start(Policy { rules, ..Policy::default() });
    let mut client = Client::greeted(&sink);
    client.write(b"MAIL FROM:<>\r\n");
    let is_rule = |event: Event| matches!(event, Event::Rule { .. });
    while !is_rule(sink.events().recv_timeout(PATIENCE).unwrap()) {}
    let begun = Instant::now();
    sink.stop();
    assert!(begun.elapsed() < PATIENCE);
}

#[test]
fn an_endless_answer_ends_with_its_client_or_with_the_receiver() {
    // RX-9
    let rules = vec![Rule { fault: Some(Fault::Endless), ..Rule::at(Stage::Rset) }];
    let sink = start(Policy { rules, ..Policy::default() });
    let [mut leaves, mut stays] = [Client::greeted(&sink), Client::greeted(&sink)];
    for client in [&mut leaves, &mut stays] {
        client.write(b"RSET\r\n");
        assert!((0..10_000).all(|_| client.line().as_deref() == Some("250-and on")));
    }
    drop(leaves);
    let is_closed = |event: Event| matches!(event, Event::Closed { connection: 1 });
    while !is_closed(sink.events().recv_timeout(PATIENCE).unwrap()) {}
    let begun = Instant::now();
    sink.stop();
    assert!(begun.elapsed() < PATIENCE);
}

#[test]
fn what_a_client_says_behind_a_sign_in_that_was_refused_is_told_to_nobody() {
    // SEC-7
    let reply = Some(Reply::new(554, "5.3.2 No mail here").unwrap().with_enhanced());
    let rules = vec![Rule { reply, ..Rule::at(Stage::Greeting) }];
    for policy in [
        Policy { rules, ..Policy::default() },
        Policy { require_tls: true, ..Policy::default() },
        Policy::default(),
    ] {
        let sink = start(policy);
        let mut client = Client::connect(&sink);
        client.reply();
        for line in ["EHLO a", "AUTH LOGIN", "dGlt", "dGFuc3RhYWY=", "AUTH PLAIN dGFuc3RhYWY="] {
            client.ask(&format!("{line}\r\n"));
        }
        for line in ["AUTH\tPLAIN dGFuc3RhYWY=", "AUTH=PLAIN dGFuc3RhYWY=", "dGFuc3RhYWY= x"] {
            client.ask(&format!("{line}\r\n"));
        }
        let told = format!("{:?}", sink.finish(PATIENCE));
        assert!(told.contains("AUTH LOGIN") && told.contains("AUTH PLAIN ***"), "{told}");
        assert!(!told.contains("dGFuc3RhYWY"), "{told}");
    }
}
