use super::*;
use crate::smtp::{Body, Command, MailParameters, Recipient, ReversePath};
use proptest::prelude::*;

#[test]
fn notify_is_never_alone_or_some_of_three() {
    // 3461-a
    for (text, wire) in [
        ("never", "NEVER"),
        ("Failure", "FAILURE"),
        ("success,Delay,FAILURE", "SUCCESS,FAILURE,DELAY"),
        ("delay,delay", "DELAY"),
    ] {
        let notify: Notify = text.parse().unwrap();
        assert_eq!(notify.to_string(), wire);
        assert_eq!(wire.parse(), Ok(notify));
    }
    for wrong in ["", "never,failure", "failure,never", "failure,", ",", "failure delay", "always"]
    {
        assert_eq!(wrong.parse::<Notify>(), Err(NotNotify), "{wrong}");
    }
}

#[test]
fn ret_is_one_of_two() {
    // 3461-a
    for (text, ret) in [("full", Ret::Full), ("Hdrs", Ret::Headers)] {
        assert_eq!(text.parse(), Ok(ret));
        assert_eq!(ret.to_string(), text.to_uppercase());
        assert_eq!(Ret::named(ret.name()), Some(ret));
    }
    // What people write is not what servers take.
    assert_eq!(Ret::named("Headers"), Some(Ret::Headers));
    assert_eq!("headers".parse::<Ret>(), Err(NotRet));
    assert_eq!(Ret::named("none"), None);
}

#[test]
fn an_envelope_identifier_is_printable_and_not_too_long() {
    // 3461-a, 3461-5.4
    let a = |count| "a".repeat(count);
    for (text, wire) in [("QQ314159", "QQ314159"), ("a b+c", "a+20b+2Bc"), (&a(94), &a(94))] {
        let envid: EnvId = text.parse().unwrap();
        assert_eq!(envid.to_string(), wire);
        assert_eq!(EnvId::from_xtext(wire), Some(envid));
    }
    for (text, why) in [
        ("", EnvIdError::Empty),
        ("é", EnvIdError::Character),
        ("a\tb", EnvIdError::Character),
        ("a\r\nRSET", EnvIdError::Character),
        (&a(95), EnvIdError::TooLong),
        (&" ".repeat(32), EnvIdError::TooLong),
    ] {
        assert_eq!(text.parse::<EnvId>(), Err(why), "{text}");
    }
    for wire in ["", "a=b", "+0D", "+C3+A9", "+2b", &"+61".repeat(32)] {
        assert_eq!(EnvId::from_xtext(wire), None, "{wire}");
    }
    let is_unhandy = |text: &str| text.parse::<EnvId>().unwrap().is_unhandy();
    assert_eq!((is_unhandy(&a(32)), is_unhandy(&a(33))), (false, true));
}

#[test]
fn an_original_recipient_is_the_address_with_its_type() {
    // 3461-4.2a, 6533-3
    for (address, wire, ascii) in [
        ("user+tag@d.e", "rfc822;user+2Btag@d.e", None),
        ("Postmaster", "rfc822;postmaster", None),
        ("\"a b\"@c.d", "rfc822;\"a+20b\"@c.d", None),
        ("\"a\\\\b\"@c.d", "rfc822;\"a\\\\b\"@c.d", None),
        ("é+x@d.e", "utf-8;é\\x{2B}x@d.e", Some("utf-8;\\x{E9}\\x{2B}x@d.e")),
        ("\"é \\\\\"@d.e", "utf-8;\"é\\x{20}\\x{5C}\\x{5C}\"@d.e", None),
        ("😀@d.e", "utf-8;😀@d.e", Some("utf-8;\\x{1F600}@d.e")),
    ] {
        let orcpt = Orcpt::of(&address.parse().unwrap()).unwrap();
        assert_eq!(orcpt.to_string(), wire);
        assert_eq!(Orcpt::from_wire(wire, true), Some(orcpt.clone()));
        assert_eq!(Orcpt::from_wire(wire, false).is_some(), wire.is_ascii());
        let narrow = orcpt.to_ascii().unwrap();
        assert!(narrow.is_ascii());
        assert_eq!(Orcpt::from_wire(&narrow.to_string(), false), Some(narrow.clone()));
        if let Some(ascii) = ascii {
            assert_eq!(narrow.to_string(), ascii);
        }
    }
}

#[test]
fn an_original_recipient_is_passed_on_as_it_came() {
    // 3461-4.2a: case included, and a character in hexadecimal that need not be.
    for wire in ["RFC822;A+62@c.d", "x400;/c=us", "unknown;a+20b", "UTF-8;\\x{e9}@d.e"] {
        let orcpt = Orcpt::from_wire(wire, false);
        assert_eq!(orcpt.is_some(), !wire.contains('='), "{wire}");
        assert!(orcpt.is_none_or(|orcpt| orcpt.to_string() == wire));
    }
}

#[test]
fn an_original_recipient_of_another_form_is_none() {
    // 3461-a, 6533-3
    for wire in [
        "a@b.c",
        "rfc822;",
        ";a@b.c",
        "rfc 822;a@b.c",
        "rfc822;a b@c.d",
        "rfc822;a+2bc@d.e",
        "rfc822;a+0D+0A@d.e",
        "rfc822;é@d.e",
        "utf-8;a+2Bb@d.e",
        "utf-8;a=b@d.e",
        "utf-8;\\x{61}@d.e",
        "utf-8;\\x{0E9}@d.e",
        "utf-8;\\x{D800}@d.e",
        "utf-8;\\x{+E9}@d.e",
        "utf-8;\\x{E9",
        "utf-8;\\xE9@d.e",
    ] {
        assert_eq!(Orcpt::from_wire(wire, true), None, "{wire}");
    }
    // 3461-5.4
    let long = |octets: usize| format!("rfc822;{}", "a".repeat(octets - "rfc822;".len()));
    assert!(Orcpt::from_wire(&long(494), false).is_some());
    assert_eq!(Orcpt::from_wire(&long(495), false), None);
}

#[test]
fn the_longest_commands_are_those_that_servers_must_take() {
    // 5321-4.5.3.1x, 3461-5.4
    let longest = |letter: &str| format!("{}@x.example", letter.repeat(254 - 10));
    let from: ReversePath = longest("a").parse().unwrap();
    let parameters = MailParameters {
        size: Some(u64::MAX),
        body: Some(Body::BinaryMime),
        smtputf8: true,
        ret: Some(Ret::Full),
        envid: Some("e".repeat(94).parse().unwrap()),
        hold: None,
        require_tls: true,
    };
    let growth = 26 + 16 + 1 + 10 + 1 + 8 + 1 + 100 + 11;
    let mut wire = Vec::new();
    Command::Mail(&from, &parameters).write_to(&mut wire);
    assert!(wire.len() <= 512 + growth, "{}", wire.len());

    let path: ForwardPath = longest("b").parse().unwrap();
    let orcpt = Orcpt::from_wire(&format!("rfc822;{}", "o".repeat(487)), false);
    let notify = Some("success,failure,delay".parse().unwrap());
    let mut wire = Vec::new();
    Command::Rcpt(&Recipient { path, notify, orcpt }).write_to(&mut wire);
    assert!(wire.len() <= 1036, "{}", wire.len());

    // What would be too long is left out, never cut.
    let plus = |count: usize| format!("{}@x.example", "+".repeat(count)).parse().unwrap();
    let room = 494 - "rfc822;@x.example".len();
    assert!(Orcpt::of(&plus(room / 3)).is_some());
    assert_eq!(Orcpt::of(&plus(room / 3 + 1)), None);
}

proptest! {
    #[test]
    fn every_address_makes_an_original_recipient_that_can_be_read(local in "\\PC{1,40}") {
        // 3461-4.2a, 6533-3
        let domain = "d.example".parse().unwrap();
        if let Ok(mailbox) = crate::smtp::Mailbox::new(&local, domain) {
            let orcpt = Orcpt::of(&mailbox.into()).unwrap();
            let wire = orcpt.to_string();
            prop_assert!(!wire.contains(['=', ' ']) && !wire.contains(char::is_control));
            prop_assert_eq!(Orcpt::from_wire(&wire, true), Some(orcpt.clone()));
            if let Some(narrow) = orcpt.to_ascii() {
                prop_assert_eq!(Orcpt::from_wire(&narrow.to_string(), false), Some(narrow));
            }
        }
    }

    #[test]
    fn every_envelope_identifier_can_be_read(text in "[ -~]{0,40}") {
        if let Ok(envid) = text.parse::<EnvId>() {
            prop_assert_eq!(EnvId::from_xtext(&envid.to_string()), Some(envid));
        }
    }
}
