//! The envelope: one reverse-path, many forward-paths (RFC 5321 §2.3.1).

use super::path::{ForwardPath, ReversePath};
use std::collections::HashSet;

/// One recipient and what is asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// The forward-path.
    pub path: ForwardPath,
}

/// What MAIL and RCPT say. No recipient occurs twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The reverse-path.
    pub from: ReversePath,
    to: Vec<Recipient>,
}

impl Envelope {
    /// An envelope with the recipients in the order given, second mentions of
    /// the same one left out (local parts compared octet by octet, domains
    /// ignoring case: RFC 5321 §2.4).
    pub fn new(from: ReversePath, to: impl IntoIterator<Item = ForwardPath>) -> Self {
        let all: Vec<ForwardPath> = to.into_iter().collect();
        let mut seen = HashSet::with_capacity(all.len());
        let is_first: Vec<bool> = all.iter().map(|path| seen.insert(path)).collect();
        let firsts = all.into_iter().zip(is_first).filter(|(_, is_first)| *is_first);
        let to = firsts.map(|(path, _)| Recipient { path }).collect();
        Envelope { from, to }
    }

    /// The recipients, in order.
    pub fn to(&self) -> &[Recipient] {
        &self.to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipient_named_twice_is_sent_to_once() {
        // 5321-2.4b
        let path = |text: &str| text.parse::<ForwardPath>().unwrap();
        let envelope =
            Envelope::new(ReversePath::NULL, ["a@x.y", "A@x.y", "a@X.Y", "b@x.y"].map(path));
        let shown: Vec<_> = envelope.to().iter().map(|r| r.path.to_string()).collect();
        assert_eq!(shown, ["a@x.y", "A@x.y", "b@x.y"]);
    }
}
