//! Reports of delivery, as Postfix sends them: what was asked for comes, with
//! what it was asked by, and what was not wanted does not (RFC 3461, 3464).

use std::fs;

use crate::letter::Letter;
use crate::postfix::{Postfix, postfix};
use crate::program::Client;
use crate::server::{Lent, Mode, Server, wait_until};

#[test]
fn a_report_of_success_names_the_message_and_whom_it_was_for() {
    // 3461-a, 3461-4.2a
    let post = Post::new();
    let recipient = Letter::someone("judy+list");
    post.sends(&recipient, &["--dsn", "success,failure", "--envid", "job 7 + 1"]);
    let report = post.report();
    for line in [
        "Original-Envelope-Id: job 7 + 1",
        &format!("Original-Recipient: rfc822;{recipient}"),
        "Action: delivered",
        "Status: 2.0.0",
    ] {
        assert!(report.contains(&format!("\n{line}\n")), "{line}\n{report}");
    }
    assert!(post.server.stored(&recipient).is_some(), "it is where it is said to be");
}

#[test]
fn a_report_of_an_address_beyond_ascii_names_it_too() {
    // 6533-3
    let post = Post::new();
    let recipient = Letter::someone("jürgen+x");
    post.sends(&recipient, &["--dsn", "success"]);
    let report = post.report();
    let line = format!("Original-Recipient: utf-8;{recipient}");
    assert!(report.contains(&format!("\n{line}\n")), "{line}\n{report}");
}

#[test]
fn a_report_of_failure_has_as_much_of_the_message_as_was_asked_for() {
    // 3461-a
    for (what, returned, has_text) in
        [("full", "message/rfc822", true), ("headers", "text/rfc822-headers", false)]
    {
        let post = Post::new();
        post.sends(UNREACHABLE, &["--dsn", "failure", "--dsn-return", what]);
        let report = post.report();
        assert!(report.contains("\nAction: failed\n"), "{report}");
        assert!(report.contains(&format!("\nContent-Type: {returned}")), "{what}\n{report}");
        assert_eq!(report.contains(&format!("\n{}\n", Letter::SHORT)), has_text, "{report}");
    }
}

#[test]
fn a_failure_is_reported_unasked_but_not_where_no_report_is_wanted() {
    // 3461-a
    let post = Post::new();
    for (asked, is_reported) in [(&["--dsn", "never"][..], false), (&[], true)] {
        let id = post.sends(UNREACHABLE, asked);
        let log = post.log_of(&id);
        assert!(log.contains("status=bounced"), "{log}");
        assert_eq!(log.contains(" non-delivery notification: "), is_reported, "{log}");
    }
}

/// Postfix takes mail for this domain, and fails to send it on.
const UNREACHABLE: &str = "nobody@elsewhere.test";

/// A sender of his own at Postfix.
struct Post {
    server: Lent<Postfix>,
    client: Client,
    sender: String,
}

impl Post {
    fn new() -> Self {
        let server = postfix();
        let client = Client::of(&*server, Mode::Cleartext);
        Post { server, client, sender: Letter::someone("sender") }
    }

    /// Sends a short letter, which Postfix takes under the name returned.
    fn sends(&self, to: &str, asked: &[&str]) -> String {
        let mut arguments = Letter::short(to);
        arguments.extend(["--envelope-from", &self.sender].map(Into::into));
        arguments.extend(asked.iter().map(Into::into));
        let run = self.client.send(arguments).exits(0);
        assert_eq!(run.stderr, "", "Postfix offers DSN: nothing is lacking\n{run}");
        let report = run.report();
        report["serverQueueId"].as_str().expect("a queue identifier").to_owned()
    }

    /// The report that came back, line ends as LF.
    fn report(&self) -> String {
        let came = || self.server.stored(&self.sender);
        let octets = wait_until(|| format!("a report to {} to arrive", self.sender), came);
        String::from_utf8_lossy(&octets).replace("\r\n", "\n")
    }

    /// What Postfix wrote of this message when it was done with it.
    fn log_of(&self, id: &str) -> String {
        let marked = format!(" {id}: ");
        let read = || {
            let log = fs::read(self.server.home().join("postfix.log")).expect("the log");
            let log = String::from_utf8_lossy(&log).into_owned();
            let lines: Vec<&str> = log.lines().filter(|line| line.contains(&marked)).collect();
            lines.last().is_some_and(|line| line.ends_with("removed")).then(|| lines.join("\n"))
        };
        wait_until(|| format!("Postfix to be done with {id}"), read)
    }
}
