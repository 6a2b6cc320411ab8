use super::super::state::{Fate, Progress};
use super::super::{Answer, State};
use super::*;
use proptest::prelude::*;
use std::io::Write as _;

fn recipient(path: &str) -> Recipient {
    Recipient { path: path.parse().unwrap(), notify: None, orcpt: None }
}

fn head(from: &str, to: Vec<Recipient>) -> Head {
    let envelope = Envelope::passing_on(from.parse().unwrap(), to);
    Head {
        account: "work".to_owned(),
        kept: "2026-11-23T04:03:37.123456789Z".parse().unwrap(),
        not_before: None,
        state: State::untried(envelope.to().len()),
        envelope,
        size: 5,
        message_id: None,
        owner: None,
        is_report: false,
        stays_here: false,
    }
}

fn read_again(head: &Head) -> Head {
    let line = head.to_line();
    assert_eq!(memchr::memchr_iter(b'\n', &line).count(), 1);
    Head::of_line(line.strip_suffix(b"\n").unwrap()).unwrap()
}

#[test]
fn whatever_an_envelope_may_hold_is_read_again() {
    let paths = [
        "a@x.example",
        "postmaster",
        "\"a b\\\"\\\\\"@x.example",
        "a@[192.0.2.1]",
        "a@[IPv6:2001:db8::1]",
        "grüße@bücher.example",
        "a+b=c/d@x.example",
    ];
    let mut to: Vec<Recipient> = paths.into_iter().map(recipient).collect();
    for (at, notify) in ["NEVER", "SUCCESS,FAILURE,DELAY", "DELAY"].into_iter().enumerate() {
        to[at].notify = Some(notify.parse().unwrap());
    }
    for it in &mut to {
        it.orcpt = Orcpt::of(&it.path);
    }
    to[0].orcpt = Orcpt::from_wire("x-odd;a+20b+2B", true);
    for from in ["", "a@x.example", "grüße@bücher.example"] {
        let mut head = head(&format!("<{from}>"), to.clone());
        assert_eq!(read_again(&head), head);
        head.envelope.ret = Some("HDRS".parse().unwrap());
        head.envelope.envid = Some("a+b = c".parse().unwrap());
        head.not_before = Some(head.kept);
        head.message_id = Some("<ü\"\\\r\n@x.example>".to_owned());
        head.owner = Some(u32::MAX);
        head.envelope.require_tls = true;
        head.is_report = true;
        head.stays_here = true;
        head.size = u64::MAX;
        assert_eq!(read_again(&head), head);
    }
}

proptest! {
    #[test]
    fn whatever_was_answered_is_read_again(
        account in ".*",
        server in proptest::option::of(".*"),
        code in proptest::option::of(200..600_u16),
        text in proptest::collection::vec("(?s).*", 0..4),
        second in -100_000_000_000..100_000_000_000_i64,
        flags in any::<(bool, bool, bool, bool)>(),
        tries in any::<u32>(),
    ) {
        let at = Timestamp::from_second(second).unwrap();
        let (of_account, uncertain, held, delay_told) = flags;
        let enhanced = code.map(|code| format!("{}.7.1", code / 100));
        let answer = Answer { at, server, code, enhanced, text, of_account, uncertain };
        let fates = [Fate::Waiting, Fate::Accepted, Fate::Failed, Fate::Reported];
        let to = fates.map(|fate| Progress { fate, answer: Some(answer.clone()) }).to_vec();
        let (last_try, next_try) = (Some(at), Some(at));
        let state = State { tries, last_try, next_try, held, delay_told, to };
        let to = ["a", "b", "c", "d"].map(|name| recipient(&format!("{name}@x.example")));
        let head = Head { account, state: state.clone(), ..head("<>", to.to_vec()) };
        prop_assert_eq!(read_again(&head), head);
        prop_assert_eq!(State::of_file(&state.to_file(), 4).unwrap(), state);
    }

    #[test]
    fn no_octets_in_the_place_of_an_entry_do_harm(octets in any::<Vec<u8>>(), whole in any::<bool>()) {
        let line = head("<>", vec![recipient("a@x.example")]).to_line();
        let mut file = tempfile::tempfile().unwrap();
        if whole {
            file.write_all(&line).unwrap();
        }
        file.write_all(&octets).unwrap();
        let entry = Entry::read(Id::new().unwrap(), file);
        prop_assert_eq!(entry.is_ok(), whole && octets.len() == 5);
        let _ = State::of_file(&octets, 1);
    }
}

#[test]
fn a_file_is_an_entry_only_as_long_as_it_was() {
    let line = head("<>", vec![recipient("a@x.example")]).to_line();
    for (message, expected) in [("12345", true), ("1234", false), ("123456", false), ("", false)] {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&line).unwrap();
        file.write_all(message.as_bytes()).unwrap();
        assert_eq!(Entry::read(Id::new().unwrap(), file).is_ok(), expected, "{message}");
    }
}

#[test]
fn only_sixteen_digits_name_an_entry() {
    let id = Id::new().unwrap();
    assert_eq!(id.as_str().parse(), Ok(id));
    for text in
        ["", "0", "00000000000000FF", "000000000000000g", "00000000000000000", "../../../../../a"]
    {
        assert_eq!(text.parse::<Id>(), Err(NotId), "{text}");
    }
}
