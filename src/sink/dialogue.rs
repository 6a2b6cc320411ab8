//! A conversation over two pipes, with a program that hands its mail over in
//! SMTP (`sendmail -bs`). There is one client, no TLS and no sign-in: who calls
//! a program is known already. Nor are there chunks: octets whose line ends are made
//! others cannot be counted before.

use super::Policy;
use super::conversation::{Conversation, Next, Verdict};
use super::data::ContentReader;
use super::input::{Input, Line};
use super::replies;
use super::takes::Takes;
use crate::smtp::Protocol;
use std::io::{self, Read, Write};

/// Speaks until the client says QUIT, or its side is at its end. A client whose
/// first line ends in LF alone, as people and shells write it, may end all of
/// them so.
pub fn dialogue(
    policy: &Policy,
    input: &mut dyn Read,
    output: &mut dyn Write,
    taker: &mut dyn Takes,
) -> io::Result<()> {
    let mut speaking = Speaking {
        conversation: Conversation::new(policy, Protocol::Smtp, false, ""),
        source: LineEnds { source: input, habit: Habit::Unknown, is_after_cr: false },
        input: Input::default(),
        output,
        replies: Vec::new(),
        taker,
    };
    speaking.run()
}

struct Speaking<'d> {
    conversation: Conversation<'d>,
    source: LineEnds<'d>,
    input: Input,
    output: &'d mut dyn Write,
    /// Replies that wait until the input is used up (RFC 2920 §3.2).
    replies: Vec<u8>,
    taker: &'d mut dyn Takes,
}

impl Speaking<'_> {
    fn run(&mut self) -> io::Result<()> {
        replies::write(&self.conversation.greeting(), &mut self.replies);
        loop {
            let Some(line) = self.input.line() else {
                self.send()?;
                if self.input.fill(&mut self.source)? == 0 {
                    return Ok(());
                }
                continue;
            };
            let answer = match line {
                Line::Whole(line) => self.conversation.answer(&line),
                Line::Overlong => self.conversation.answer_to_overlong_line(),
                Line::BareLineFeed => self.conversation.answer_to_bare_line_feed(),
            };
            if let Some(reply) = &answer.reply {
                replies::write(reply, &mut self.replies);
            }
            match answer.next {
                // Neither STARTTLS nor AUTH nor CHUNKING is offered.
                Next::Command
                | Next::AuthResponse
                | Next::Handshake
                | Next::Chunk(_)
                | Next::LastChunk(_)
                | Next::Skip(_) => {}
                Next::Content => self.content()?,
                Next::Close => return self.send(),
            }
        }
    }

    fn content(&mut self) -> io::Result<()> {
        self.send()?;
        let mut content = ContentReader::default();
        loop {
            let progress = content.read(self.input.unread(), |octets| self.taker.take(octets));
            self.input.consume(progress.consumed);
            if progress.ended {
                break;
            }
            if self.input.fill(&mut self.source)? == 0 {
                self.taker.give_up();
                return Ok(());
            }
        }
        let transaction = self.conversation.transaction().cloned();
        let verdict = match transaction {
            Some(transaction) if !content.has_bare_line_end() => {
                Verdict::Answered(self.taker.end(transaction))
            }
            Some(_) | None => {
                self.taker.give_up();
                Verdict::BareLineEnd
            }
        };
        for reply in self.conversation.end_of_data(verdict) {
            replies::write(&reply, &mut self.replies);
        }
        Ok(())
    }

    fn send(&mut self) -> io::Result<()> {
        self.output.write_all(&self.replies)?;
        self.replies.clear();
        self.output.flush()
    }
}

/// What a client writes, with CRLF at the ends of its lines if its first line
/// ended in LF alone.
struct LineEnds<'d> {
    source: &'d mut dyn Read,
    habit: Habit,
    /// The last octet was a CR.
    is_after_cr: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Habit {
    Unknown,
    Crlf,
    Lf,
}

impl Read for LineEnds<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.habit == Habit::Crlf {
            return self.source.read(into);
        }
        // Each octet may become two.
        let half = into.len() / 2;
        let length = self.source.read(&mut into[..half])?;
        let read = into[..length].to_vec();
        let mut written = 0;
        for octet in read {
            if octet == b'\n' && self.habit == Habit::Unknown {
                self.habit = if self.is_after_cr { Habit::Crlf } else { Habit::Lf };
            }
            if octet == b'\n' && self.habit == Habit::Lf && !self.is_after_cr {
                into[written] = b'\r';
                written += 1;
            }
            self.is_after_cr = octet == b'\r';
            into[written] = octet;
            written += 1;
        }
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::{Offer, Transaction};
    use crate::smtp::Reply;

    /// Keeps what it is given, and answers as it is told.
    #[derive(Default)]
    struct Kept {
        octets: Vec<u8>,
        messages: Vec<(Transaction, Vec<u8>)>,
    }

    impl Takes for Kept {
        fn take(&mut self, octets: &[u8]) {
            self.octets.extend_from_slice(octets);
        }

        fn end(&mut self, transaction: Transaction) -> Vec<Reply> {
            self.messages.push((transaction, std::mem::take(&mut self.octets)));
            vec![replies::say(451, "4.3.0 Not now")]
        }

        fn give_up(&mut self) {
            self.octets.clear();
        }
    }

    /// A source that gives a few octets at a time.
    struct Drops<'o>(&'o [u8], usize);

    impl Read for Drops<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let length = self.1.min(self.0.len()).min(into.len());
            into[..length].copy_from_slice(&self.0[..length]);
            self.0 = &self.0[length..];
            Ok(length)
        }
    }

    fn spoken(typed: &str, step: usize) -> (Vec<String>, Kept) {
        let offer = ["STARTTLS", "AUTH", "CHUNKING"].into_iter();
        let offer = offer.fold(Offer::default(), |offer, word| offer.without(word).unwrap());
        let domain = Some("box.example".parse().unwrap());
        let policy = Policy { domain, offer, ..Policy::default() };
        let (mut output, mut kept) = (Vec::new(), Kept::default());
        dialogue(&policy, &mut Drops(typed.as_bytes(), step), &mut output, &mut kept).unwrap();
        let codes = String::from_utf8(output).unwrap();
        let codes = codes.lines().filter(|line| line.as_bytes()[3] == b' ');
        (codes.map(|line| line[..3].to_owned()).collect(), kept)
    }

    const TYPED: &str = "EHLO me\nMAIL FROM:<a@b.example>\nRCPT TO:<root>\nDATA\n\
                         Subject: x\n\n..dot\n.\nQUIT\nNOOP\n";

    #[test]
    fn a_message_is_handed_over_and_answered_however_lines_end() {
        // CLI-6
        for typed in [TYPED.to_owned(), TYPED.replace('\n', "\r\n")] {
            for step in [1, 7, 4096] {
                let (codes, kept) = spoken(&typed, step);
                assert_eq!(codes, ["220", "250", "250", "250", "354", "451", "221"], "{step}");
                let [(transaction, octets)] = &kept.messages[..] else { panic!("one message") };
                let to: Vec<_> = transaction.to.iter().map(|it| it.path.to_string()).collect();
                assert_eq!(to, ["root@box.example"]);
                assert_eq!(octets, b"Subject: x\r\n\r\n.dot\r\n");
            }
        }
    }

    #[test]
    fn lines_do_not_change_their_ends_on_the_way() {
        // SEC-3: a message that only looks ended is not.
        let typed = "EHLO me\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n\
                     x\n.\nMAIL FROM:<evil@b.example>\r\n.\r\nQUIT\r\n";
        for step in [1, 4096] {
            let (codes, kept) = spoken(typed, step);
            assert_eq!(codes, ["220", "250", "250", "250", "354", "550", "221"]);
            assert!(kept.messages.is_empty());
        }
    }

    #[test]
    fn a_client_that_leaves_has_handed_nothing_over() {
        let whole = TYPED.replace('\n', "\r\n");
        let (before, _) = whole.split_once("\r\n.\r\n").unwrap();
        let (codes, kept) = spoken(before, 4096);
        assert_eq!(codes.last().unwrap(), "354");
        assert!(kept.messages.is_empty() && kept.octets.is_empty());
    }
}
