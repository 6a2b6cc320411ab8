//! A question as octets.

use super::name::Name;
use super::order::draw;
use super::record::Kind;
use domain::base::iana::{Class, Rcode};
use domain::base::{Message, MessageBuilder, ToName};

/// One question, as it is put to one server once.
pub(super) struct Query<'n> {
    id: u16,
    name: &'n Name,
    kind: Kind,
    extended: bool,
}

/// What a datagram may carry without being cut to pieces on its way, as the
/// makers of name servers agreed on the DNS flag day of 2020.
const LARGEST_DATAGRAM: u16 = 1232;

impl<'n> Query<'n> {
    /// With a number of its own, and `extended` by EDNS (RFC 6891).
    pub(super) fn new(name: &'n Name, kind: Kind, extended: bool) -> Self {
        let id = u16::try_from(draw(u16::MAX.into())).unwrap_or_default();
        Query { id, name, kind, extended }
    }

    /// The message. It asks for recursion, and with AD to be told whether the
    /// answer is authentic (RFC 6840 §5.7), without the DO that would bring the
    /// signatures, which nobody here reads: some resolvers then pass on an AD
    /// that they have not seen to.
    pub(super) fn octets(&self) -> Vec<u8> {
        let mut builder = MessageBuilder::new_vec();
        builder.header_mut().set_id(self.id);
        builder.header_mut().set_rd(true);
        builder.header_mut().set_ad(true);
        let mut question = builder.question();
        // A vector takes what has at most 300 octets.
        let pushed = question.push((self.name.wire(), self.kind.rtype()));
        debug_assert!(pushed.is_ok());
        let mut additional = question.additional();
        if self.extended {
            let pushed = additional.opt(|opt| {
                opt.set_udp_payload_size(LARGEST_DATAGRAM);
                Ok(())
            });
            debug_assert!(pushed.is_ok());
        }
        additional.finish()
    }

    /// Whether these octets answer it: a response with its number and its
    /// question (RFC 5452 §3 and §9.1).
    pub(super) fn is_answered_by(&self, octets: &[u8]) -> bool {
        let Ok(message) = Message::from_slice(octets) else { return false };
        let header = message.header();
        if !header.qr() || header.id() != self.id {
            return false;
        }
        // Servers that cannot read a question do not repeat it.
        let is_unread = matches!(header.rcode(), Rcode::FORMERR | Rcode::NOTIMP);
        if message.header_counts().qdcount() == 0 {
            return is_unread;
        }
        message.sole_question().is_ok_and(|question| {
            question.qname().name_eq(self.name.wire())
                && question.qtype() == self.kind.rtype()
                && question.qclass() == Class::IN
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> Name {
        "_submissions._tcp.example.org".parse().unwrap()
    }

    #[test]
    fn a_question_asks_for_recursion_and_authenticity_but_not_for_signatures() {
        let name = name();
        let octets = Query::new(&name, Kind::Srv, true).octets();
        let message = Message::from_octets(octets).unwrap();
        let header = message.header();
        assert!(header.rd() && header.ad() && !header.qr() && !header.cd());
        let opt = message.opt().unwrap();
        assert_eq!((opt.udp_payload_size(), opt.dnssec_ok()), (1232, false));
        let octets = Query::new(&name, Kind::Srv, false).octets();
        assert!(Message::from_octets(octets).unwrap().opt().is_none());
    }

    #[test]
    fn questions_have_numbers_that_differ() {
        let name = name();
        let numbers: std::collections::BTreeSet<_> =
            (0..100).map(|_| Query::new(&name, Kind::Srv, true).id).collect();
        assert!(numbers.len() > 90, "{numbers:?}");
    }

    #[test]
    fn only_a_response_with_the_number_and_the_question_is_an_answer() {
        let name = name();
        let query = Query::new(&name, Kind::Srv, true);
        let mut right = query.octets();
        assert!(!query.is_answered_by(&right), "a question is no answer");
        right[2] |= 0x80;
        assert!(query.is_answered_by(&right));

        let changed = |at: usize, to: u8| {
            let mut octets = right.clone();
            octets[at] = to;
            query.is_answered_by(&octets)
        };
        assert!(!changed(0, right[0] ^ 1), "the number");
        assert!(changed(14, b'S'), "the same name in another case");
        assert!(!changed(14, b'x'), "another name");
        let kind = 12 + 31 + 1;
        assert!(!changed(kind, 15), "another kind");
        assert!(!changed(kind + 2, 3), "another class");
        assert!(!changed(5, 0), "no question");
        assert!(!changed(5, 2), "two questions");
        for length in 0..12 {
            assert!(!query.is_answered_by(&right[..length]));
        }

        let mut unread = right[..12].to_vec();
        unread[4..].fill(0);
        assert!(!query.is_answered_by(&unread));
        unread[3] = 1; // FORMERR
        assert!(query.is_answered_by(&unread));
    }
}
