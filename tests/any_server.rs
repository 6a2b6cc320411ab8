//! Whatever a server answers, and wherever it hangs up: a delivery ends, each
//! recipient has one outcome, and none of the outcomes is a lie.

mod harness;

use envoi::delivery::Outcome;
use envoi::net::Security;
use envoi::smtp::{Exchange, Protocol, ReplyParser, Severity};
use harness::*;
use proptest::prelude::*;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a server is made of.
#[derive(Clone, Debug)]
struct Script {
    speaks_lmtp: bool,
    offers_pipelining: bool,
    /// One for each reply; `None` is the reply that is hoped for, and so is
    /// everything beyond the end.
    replies: Vec<Option<&'static str>>,
    /// It hangs up after so many octets of replies.
    hangs_up_after: usize,
    /// It answers after so many lines of content, in their middle.
    interrupts_after: Option<usize>,
}

/// What a server knows at the end.
#[derive(Default)]
struct Seen {
    /// Whom it promised to deliver to, in an answer that it gave whole.
    promised: Vec<String>,
    /// Lines that are no command where one should be.
    strange: Vec<String>,
}

const ODD: [&str; 20] = [
    "250 ok\r\n",
    "299 ok\r\n",
    "250-two\r\n250 lines\r\n",
    "221 what?\r\n",
    "354 go\r\n",
    "334 \r\n",
    "421 leaving\r\n",
    "450 not now\r\n",
    "451 not now\r\n",
    "452 too many\r\n",
    "500 what?\r\n",
    "503 order\r\n",
    "550 no\r\n",
    "552 too many\r\n",
    "554 no\r\n",
    "250-a\r\n550 b\r\n",
    "250 early\r\n250 and again\r\n",
    "HTTP/1.1 400\r\n",
    "250-half\r\n",
    "354 go\r\n552 no\r\n",
];
const VERBS: [&str; 5] = ["MAIL FROM:<", "RCPT TO:<", "DATA", "RSET", "QUIT"];

/// The server's side of one connection.
struct Player<'p> {
    script: &'p Script,
    peer: &'p mut Peer,
    at: usize,
    octets: usize,
    seen: Seen,
    /// Whom it said 2yz to in this transaction.
    recipients: Vec<String>,
}

impl Player<'_> {
    /// Gives the next reply, as far as it goes; true when all of it went out.
    fn reply(&mut self, hoped_for: &'static str) -> (&'static str, bool) {
        let reply = self.script.replies.get(self.at).copied().flatten().unwrap_or(hoped_for);
        self.at += 1;
        let room = self.script.hangs_up_after.saturating_sub(self.octets).min(reply.len());
        self.peer.say(&reply[..room]);
        self.octets += room;
        (&reply[..room], room == reply.len())
    }

    fn play(mut self) -> Seen {
        let (_, mut goes_on) = self.reply("220 hi\r\n");
        while goes_on {
            let line = self.peer.line();
            if line.is_empty() || line == "QUIT" {
                break;
            }
            goes_on = self.command(&line);
        }
        self.peer.hang_up();
        self.seen
    }

    fn command(&mut self, line: &str) -> bool {
        let hello: &[&str] = if self.script.speaks_lmtp { &["LHLO "] } else { &["EHLO ", "HELO "] };
        if !VERBS.iter().chain(hello).any(|verb| line.starts_with(verb)) {
            self.seen.strange.push(line.to_owned());
        }
        if (line.starts_with("EHLO") || line.starts_with("LHLO")) && self.script.offers_pipelining {
            return self.reply("250-hi\r\n250 PIPELINING\r\n").1;
        }
        if line.starts_with("MAIL") || line == "RSET" {
            self.recipients.clear();
        }
        let hoped_for = if line == "DATA" { "354 go\r\n" } else { "250 ok\r\n" };
        let (reply, is_whole) = self.reply(hoped_for);
        if line.starts_with("RCPT") && reply.starts_with('2') {
            self.recipients.push(line.to_owned());
        }
        is_whole && (line != "DATA" || !reply.starts_with("354") || self.content())
    }

    fn content(&mut self) -> bool {
        for number in 0.. {
            if self.script.interrupts_after == Some(number) {
                self.peer.say("552 enough\r\n");
                return false;
            }
            match self.peer.octets_of_line().as_slice() {
                [] => return false,
                b".\r\n" => break,
                _ => {}
            }
        }
        let recipients = std::mem::take(&mut self.recipients);
        if self.script.speaks_lmtp {
            return recipients.into_iter().all(|recipient| self.end_for(recipient));
        }
        let (reply, is_whole) = self.reply("250 ok\r\n");
        let mut parser = ReplyParser::default();
        parser.feed(reply.as_bytes());
        let first = parser.next(Exchange::Ordinary).ok().flatten();
        if first.is_some_and(|first| first.severity() == Severity::Positive) {
            self.seen.promised.extend(recipients);
        }
        is_whole
    }

    /// The reply to one recipient of LMTP. It is one and no more: of two,
    /// nobody could say whose the second is.
    fn end_for(&mut self, recipient: String) -> bool {
        let scripted = self.script.replies.get(self.at).copied().flatten();
        if !scripted.is_none_or(is_one_reply) {
            // Beyond the end of the script.
            self.at = self.script.replies.len();
        }
        let (reply, is_whole) = self.reply("250 ok\r\n");
        if is_whole && reply.starts_with('2') {
            self.seen.promised.push(recipient);
        }
        is_whole
    }
}

fn is_one_reply(octets: &str) -> bool {
    let mut parser = ReplyParser::default();
    parser.feed(octets.as_bytes());
    matches!(parser.next(Exchange::Ordinary), Ok(Some(_))) && parser.is_empty()
}

fn script() -> impl Strategy<Value = Script> {
    let reply = prop_oneof![
        4 => Just(None),
        1 => proptest::sample::select(&ODD[..]).prop_map(Some),
    ];
    let hangs_up_after = prop_oneof![2 => Just(usize::MAX), 1 => 0..200_usize];
    let interrupts_after = prop_oneof![5 => Just(None), 1 => (0..5_usize).prop_map(Some)];
    let replies = proptest::collection::vec(reply, 0..14);
    (any::<bool>(), any::<bool>(), replies, hangs_up_after, interrupts_after).prop_map(
        |(speaks_lmtp, offers_pipelining, replies, hangs_up_after, interrupts_after)| Script {
            speaks_lmtp,
            offers_pipelining,
            replies,
            hangs_up_after,
            interrupts_after,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_server_makes_a_report_lie(
        script in script(),
        pipelining in any::<bool>(),
        all_or_nothing in any::<bool>(),
        max_recipients in proptest::option::of(1..3_usize),
    ) {
        // 5321-3.3b, -3.3c, -3.3d, -3.8, -3.8r, 4.2.5, 4.1.4a, 2920-3.1d, -f, -g, 2033
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (played, saw) = (script.clone(), Arc::clone(&seen));
        let server = Scripted::once(move |peer| {
            let (octets, recipients, seen) = (0, Vec::new(), Seen::default());
            let player = Player { script: &played, peer, at: 0, octets, seen, recipients };
            *saw.lock().unwrap() = player.play();
        });
        let mut hop = hop(server.endpoint(Security::Cleartext));
        if script.speaks_lmtp {
            hop.endpoint.protocol = Protocol::Lmtp;
        }
        hop.pipelining = pipelining;
        hop.all_or_nothing = all_or_nothing;
        hop.max_recipients = max_recipients;
        hop.timeouts.cap = Some(Duration::from_millis(150));
        let report = deliver(&submission(&["a@x.y", "b@x.y", "c@x.y"]), vec![hop]);
        server.finish();

        let seen = seen.lock().unwrap();
        prop_assert!(seen.strange.is_empty(), "{:?}", seen.strange);
        prop_assert_eq!(report.recipients.len(), 3);
        for (path, outcome) in &report.recipients {
            let promised = seen.promised.iter().filter(|p| **p == format!("RCPT TO:<{path}>"));
            let promised = promised.count();
            prop_assert!(promised <= 1, "{} got the message {} times", path, promised);
            match outcome {
                Outcome::Accepted(_) => prop_assert_eq!(promised, 1, "{} {:?}", path, outcome),
                Outcome::Uncertain(_) => {}
                Outcome::Deferred(_) | Outcome::Rejected(_) => {
                    prop_assert_eq!(promised, 0, "{} {:?}", path, outcome);
                }
            }
        }
        let accepted = report.recipients.iter().filter(|r| matches!(r.1, Outcome::Accepted(_)));
        let accepted = accepted.count();
        // In LMTP each stands alone once the message is out.
        let stand_together = all_or_nothing && !script.speaks_lmtp;
        prop_assert!(!stand_together || accepted % 3 == 0, "{} of 3 are accepted", accepted);
    }
}
