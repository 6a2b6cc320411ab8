//! BDAT (RFC 3030 §2).

use super::super::replies::say;
use super::{Answer, Conversation, Next};
use crate::smtp::{Body, Keyword, Reply};

/// What has come of a message in chunks.
#[derive(Debug, Default)]
pub(super) struct Chunked {
    /// So many octets.
    octets: u64,
    /// One was refused: nothing but RSET helps.
    is_refused: bool,
}

impl Conversation<'_> {
    /// Answers BDAT. Whatever is said, its octets come first: a client that has
    /// to wait for no reply has sent them already.
    pub(super) fn bdat(&mut self, argument: &str) -> Answer {
        let mut words = argument.split(' ');
        let size = words.next().unwrap_or_default();
        let is_number = !size.is_empty() && size.bytes().all(|b| b.is_ascii_digit());
        let Some(octets) = size.parse::<u64>().ok().filter(|_| is_number) else {
            // How many octets are none of a command, nobody knows.
            let reply = say(501, "5.5.4 Syntax: BDAT octets [LAST]");
            return Answer { reply: Some(reply), next: Next::Close, may_wait: false };
        };
        let is_last = match (words.next(), words.next()) {
            (None, _) => Ok(false),
            (Some(word), None) if word.eq_ignore_ascii_case("LAST") => Ok(true),
            _ => Err(say(501, "5.5.4 Syntax: BDAT octets [LAST]")),
        };
        match is_last.and_then(|is_last| self.chunk(octets).map(|()| is_last)) {
            Ok(true) => Answer { reply: None, next: Next::LastChunk(octets), may_wait: true },
            Ok(false) => {
                let reply = Some(say(250, &format!("2.0.0 {octets} octets received")));
                Answer { reply, next: Next::Chunk(octets), may_wait: true }
            }
            Err(reply) => {
                if let Some(chunked) = &mut self.chunked {
                    chunked.is_refused = true;
                }
                Answer { reply: Some(reply), next: Next::Skip(octets), may_wait: true }
            }
        }
    }

    /// Takes so many octets more, or says why not.
    fn chunk(&mut self, octets: u64) -> Result<(), Reply> {
        if let Some(reply) = self.tls_first("BDAT").or_else(|| self.not_yet()) {
            return Err(reply);
        }
        if !self.told(Keyword::Chunking) {
            return Err(say(502, "5.5.1 BDAT is not implemented here"));
        }
        if let Some(reply) = self.nobody() {
            return Err(reply);
        }
        let chunked = self.chunked.get_or_insert_default();
        if chunked.is_refused {
            return Err(say(503, "5.5.1 An earlier chunk was refused; RSET comes first"));
        }
        chunked.octets = chunked.octets.saturating_add(octets);
        if self.policy.size_limit.is_some_and(|limit| chunked.octets > limit) {
            return Err(say(552, "5.3.4 The message exceeds the size limit"));
        }
        Ok(())
    }

    /// True between the first chunk of a message and its end.
    pub fn is_in_chunks(&self) -> bool {
        self.chunked.is_some()
    }

    /// Why DATA cannot be used: what was said before is of BDAT (RFC 3030 §2,
    /// §3).
    pub(super) fn not_by_data(&self) -> Option<Reply> {
        let body = self.transaction.as_ref().and_then(|transaction| transaction.parameters.body);
        if self.chunked.is_some() {
            Some(say(503, "5.5.1 BDAT was begun, and only BDAT goes on; RSET ends it"))
        } else if body == Some(Body::BinaryMime) {
            Some(say(503, "5.5.1 BODY=BINARYMIME goes by BDAT; RSET ends it"))
        } else {
            None
        }
    }
}
