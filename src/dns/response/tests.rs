use super::*;
use crate::dns::{Mx, Srv};
use domain::base::MessageBuilder;
use domain::base::iana::Rcode;
use domain::rdata::{Aaaa, Mx as WireMx, Srv as WireSrv};
use proptest::prelude::*;

type WireName = domain::base::Name<Vec<u8>>;

const SERVICE: &str = "_submissions._tcp.example.org";

fn wire(text: &str) -> WireName {
    text.parse().unwrap()
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// A response to the question for `SERVICE`, and what `fill` puts into it.
fn response(
    rcode: Rcode,
    fill: impl FnOnce(&mut domain::base::message_builder::AnswerBuilder<Vec<u8>>),
) -> Vec<u8> {
    let mut builder = MessageBuilder::new_vec();
    let header = builder.header_mut();
    header.set_qr(true);
    header.set_ra(true);
    header.set_rcode(rcode);
    let mut question = builder.question();
    question.push((wire(SERVICE), Rtype::SRV)).unwrap();
    let mut answer = question.answer();
    fill(&mut answer);
    answer.finish()
}

fn srv(port: u16, target: &str) -> WireSrv<WireName> {
    WireSrv::new(10, 20, port, wire(target))
}

fn found(port: u16, target: Option<&str>) -> Srv {
    Srv { priority: 10, weight: 20, port, target: target.map(name) }
}

fn read(octets: &[u8]) -> Response<Srv> {
    Response::read(octets, &name(SERVICE))
}

/// These, of the name itself, for which nobody vouches.
fn records<R>(records: Vec<R>) -> Response<R> {
    Response::Records { records, authentic: false, canonical: None }
}

#[test]
fn records_of_the_name_are_the_answer_and_others_are_not() {
    let octets = response(Rcode::NOERROR, |answer| {
        answer.push((wire(SERVICE), 60, srv(465, "mail.example.org"))).unwrap();
        answer.push((wire("example.net"), 60, srv(1, "evil.example.net"))).unwrap();
        let chaos = Class::CH;
        answer.push((wire(SERVICE), chaos, 60, srv(2, "evil.example.net"))).unwrap();
        let address = Aaaa::new("::1".parse().unwrap());
        answer.push((wire(SERVICE), 60, address)).unwrap();
        let upper = SERVICE.to_ascii_uppercase();
        answer.push((wire(&upper), 60, srv(466, "."))).unwrap();
    });
    let expected = vec![found(465, Some("mail.example.org")), found(466, None)];
    assert_eq!(read(&octets), records(expected));
}

#[test]
fn an_exchanger_that_is_the_root_is_none() {
    // 7505
    let octets = response(Rcode::NOERROR, |answer| {
        answer.push((wire(SERVICE), 60, WireMx::new(0, wire(".")))).unwrap();
    });
    let response = Response::<Mx>::read(&octets, &name(SERVICE));
    let expected = vec![Mx { preference: 0, exchanger: None }];
    assert_eq!(response, records(expected));
}

#[test]
fn aliases_are_followed_in_whatever_order_they_stand() {
    let octets = response(Rcode::NOERROR, |answer| {
        answer.push((wire("b.example"), 60, srv(465, "mail.example.org"))).unwrap();
        answer.push((wire("a.example"), 60, Cname::new(wire("B.example")))).unwrap();
        answer.push((wire(SERVICE), 60, Cname::new(wire("a.example")))).unwrap();
    });
    let records = vec![found(465, Some("mail.example.org"))];
    let canonical = Some(name("b.example"));
    assert_eq!(read(&octets), Response::Records { records, authentic: false, canonical });
}

#[test]
fn an_alias_that_leads_nowhere_has_no_records() {
    let octets = response(Rcode::NOERROR, |answer| {
        answer.push((wire(SERVICE), 60, Cname::new(wire("a.example")))).unwrap();
    });
    assert_eq!(read(&octets), Response::NoRecords);
}

#[test]
fn aliases_have_an_end() {
    let chain = |length: u32| {
        response(Rcode::NOERROR, |answer| {
            let link = |at| if at == 0 { wire(SERVICE) } else { wire(&format!("a{at}.example")) };
            for at in 0..length {
                answer.push((link(at), 60, Cname::new(link(at + 1)))).unwrap();
            }
            answer.push((link(length), 60, srv(465, "mail.example.org"))).unwrap();
        })
    };
    assert!(matches!(read(&chain(16)), Response::Records { .. }));
    assert_eq!(read(&chain(17)), Response::EndlessAliases);
    let circle = response(Rcode::NOERROR, |answer| {
        answer.push((wire(SERVICE), 60, Cname::new(wire("a.example")))).unwrap();
        answer.push((wire("a.example"), 60, Cname::new(wire(SERVICE)))).unwrap();
    });
    assert_eq!(read(&circle), Response::EndlessAliases);
}

#[test]
fn what_the_head_of_a_response_says_comes_first() {
    let nothing = |rcode| response(rcode, |_| {});
    assert_eq!(read(&nothing(Rcode::NXDOMAIN)), Response::NoSuchName);
    assert_eq!(read(&nothing(Rcode::NOERROR)), Response::NoRecords);
    assert_eq!(read(&nothing(Rcode::SERVFAIL)), Response::Refused(OptRcode::SERVFAIL));
    assert_eq!(read(&nothing(Rcode::REFUSED)), Response::Refused(OptRcode::REFUSED));

    let mut octets = nothing(Rcode::NOERROR);
    octets[2] |= 0x02; // TC
    assert_eq!(read(&octets), Response::Truncated);
    let mut octets = nothing(Rcode::NOERROR);
    octets[3] &= 0x7f; // no RA: it resolves for nobody
    assert_eq!(read(&octets), Response::Referral);
    octets[2] |= 0x04; // AA: but this it knows itself
    assert_eq!(read(&octets), Response::NoRecords);

    let mut octets = response(Rcode::NOERROR, |answer| {
        answer.push((wire(SERVICE), 60, srv(465, "mail.example.org"))).unwrap();
    });
    octets[3] |= 0x20; // AD
    assert!(matches!(read(&octets), Response::Records { authentic: true, .. }));
}

#[test]
fn a_response_that_is_cut_off_is_malformed() {
    let octets = response(Rcode::NOERROR, |answer| {
        answer.push((wire(SERVICE), 60, srv(465, "mail.example.org"))).unwrap();
    });
    for length in 0..octets.len() {
        assert_eq!(read(&octets[..length]), Response::Malformed, "{length} octets");
    }
    let last = octets.len();
    let mut longer = octets.clone();
    // RDLENGTH: one octet more than the record has.
    longer[last - 18 - 6 - 1] += 1;
    longer.push(0);
    assert_eq!(read(&longer), Response::Malformed);
}

/// A pointer to this octet of the message (RFC 1035 §4.1.4).
fn pointer(to: usize) -> [u8; 2] {
    (0xc000 | u16::try_from(to).unwrap()).to_be_bytes()
}

/// One SRV record whose target is these octets.
fn with_target(target: &[u8]) -> Vec<u8> {
    let mut octets = response(Rcode::NOERROR, |_| {});
    octets[7] = 1;
    octets.extend([0xc0, 12, 0, 33, 0, 1, 0, 0, 0, 60]);
    octets.extend(u16::try_from(6 + target.len()).unwrap().to_be_bytes());
    octets.extend([0, 1, 0, 1, 1, 209]);
    octets.extend(target);
    octets
}

#[test]
fn names_that_point_at_themselves_or_ahead_are_malformed() {
    let at = with_target(b"").len();
    let right = with_target(&[b"\x04mail".as_slice(), &pointer(30)].concat());
    let expected =
        Srv { priority: 1, weight: 1, port: 465, target: Some(name("mail.example.org")) };
    assert_eq!(read(&right), records(vec![expected]));

    let itself = with_target(&pointer(at));
    assert_eq!(read(&itself), Response::Malformed);
    let label_then_itself = with_target(&[b"\x01a".as_slice(), &pointer(at)].concat());
    assert_eq!(read(&label_then_itself), Response::Malformed);
    let ahead = with_target(&[pointer(at + 2), pointer(at)].concat());
    assert_eq!(read(&ahead), Response::Malformed);
    let beyond = with_target(&pointer(0x3fff));
    assert_eq!(read(&beyond), Response::Malformed);
    let unknown_label = with_target(b"\x80a");
    assert_eq!(read(&unknown_label), Response::Malformed);
}

/// Thousands of pointers, each to the one before: as much work as the largest
/// message can ask for.
#[test]
fn a_message_of_nothing_but_pointers_is_soon_read() {
    let mut octets = with_target(&[0xc0, 12]);
    octets[7] = 0; // no answer: the question's name goes on in the pointers
    while octets.len() < 0x3fff {
        octets.extend(pointer(octets.len() - 2));
    }
    let last = pointer(octets.len() - 2);
    octets[6..8].copy_from_slice(&[0x10, 0]);
    while octets.len() < 65_000 {
        octets.extend(last);
        octets.extend([0, 33, 0, 1, 0, 0, 0, 60, 0, 0]);
    }
    assert_eq!(read(&octets), Response::Malformed);
}

proptest! {
    #[test]
    fn any_octets_can_be_read(octets in proptest::collection::vec(any::<u8>(), 0..700)) {
        read(&octets);
        Response::<Mx>::read(&octets, &name(SERVICE));
    }

    /// Octets that come further: a head that says what follows.
    #[test]
    fn any_octets_behind_a_good_head_can_be_read(
        octets in proptest::collection::vec(any::<u8>(), 0..700),
        count in any::<u16>(),
    ) {
        let mut message = response(Rcode::NOERROR, |_| {});
        message[6..8].copy_from_slice(&count.to_be_bytes());
        message.extend(octets);
        read(&message);
    }

    /// A good response in which some octets are others.
    #[test]
    fn a_damaged_response_can_be_read(
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut octets = response(Rcode::NOERROR, |answer| {
            answer.push((wire(SERVICE), 60, Cname::new(wire("a.example")))).unwrap();
            answer.push((wire("a.example"), 60, srv(465, "mail.example.org"))).unwrap();
        });
        for (at, octet) in damage {
            let at = at.index(octets.len());
            octets[at] = octet;
        }
        read(&octets);
    }
}
