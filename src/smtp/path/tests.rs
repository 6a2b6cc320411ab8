use super::*;
use proptest::prelude::*;

fn mailbox(text: &str) -> String {
    text.parse::<Mailbox>().map_or_else(|e| format!("{e:?}"), |m| m.to_string())
}

#[test]
fn addresses_are_read_and_written_with_the_fewest_quotation_marks() {
    // 5321-4.1.2a, 5321-4.1.2c, 5321-4.1.1.3s
    for (text, expected) in [
        ("a@b.c", "a@b.c"),
        ("<a@b.c>", "a@b.c"),
        ("  a@b.c ", "a@b.c"),
        ("a@b.c.", "a@b.c"),
        ("Joe.Q@B.c", "Joe.Q@B.c"),
        (r#""joe"@x.y"#, "joe@x.y"),
        (r#""a b"@x.y"#, r#""a b"@x.y"#),
        (r#""a\"b"@x.y"#, r#""a\"b"@x.y"#),
        (r#""a\b"@x.y"#, "ab@x.y"),
        (r#""a@b"@x.y"#, r#""a@b"@x.y"#),
        (r#""a..b"@x.y"#, r#""a..b"@x.y"#),
        ("<@r1,@r2:u@d.e>", "u@d.e"),
        ("user+tag@d", "user+tag@d"),
        ("a@[192.0.2.9]", "a@[192.0.2.9]"),
        ("a@[IPv6:2001:DB8::9]", "a@[IPv6:2001:db8::9]"),
        ("a@[x400:c=de]", "a@[x400:c=de]"),
        ("é@x.y", "é@x.y"),
        ("a@bücher.example", "a@xn--bcher-kva.example"),
        ("a@faß.de", "a@xn--fa-hia.de"),
        ("-f@x.y", "-f@x.y"),
    ] {
        assert_eq!(mailbox(text), expected, "{text}");
    }
}

#[test]
fn what_is_no_address_is_refused_with_its_reason() {
    // 5321-4.1.2b, 5321-4.1.2c, SEC-4
    for (text, expected) in [
        ("", PathError::Empty),
        ("a", PathError::NoDomain),
        ("@b.c", PathError::NoLocalPart),
        ("a@", PathError::Domain),
        ("a\r\nRCPT TO:<x>@d.e", PathError::Control),
        ("a\0@d.e", PathError::Control),
        ("a@d\n.e", PathError::Control),
        ("<a@b.c", PathError::Brackets),
        ("a@b.c>", PathError::Brackets),
        ("a b@c.d", PathError::LocalCharacter(' ')),
        ("a<b@c.d", PathError::LocalCharacter('<')),
        (".a@c.d", PathError::Dots),
        ("a..b@c.d", PathError::Dots),
        (r#""a@c.d"#, PathError::Quotes),
        (r#""a"b@c.d"#, PathError::Quotes),
        ("a@b_c.d", PathError::Domain),
        ("a@-b.d", PathError::Domain),
        ("a@b..d", PathError::Domain),
        ("a@xn--\u{0}", PathError::Control),
        ("a@xn--zzzzzz99999.de", PathError::Domain),
        ("a@[1.2.3.256]", PathError::Literal),
        ("a@[IPv6:zz]", PathError::Literal),
        ("a@[1.2.3.4", PathError::Literal),
        ("a@[2001:db8::1]", PathError::Literal),
    ] {
        assert_eq!(text.parse::<Mailbox>(), Err(expected), "{text}");
    }
    let long = format!("{}@b.c", "a".repeat(251));
    assert_eq!(long.parse::<Mailbox>(), Err(PathError::TooLong));
    let label = format!("a@{}.c", "b".repeat(64));
    assert_eq!(label.parse::<Mailbox>(), Err(PathError::Domain));
}

#[test]
fn the_null_sender_has_two_spellings_and_one_form() {
    // 5321-4.1.1.2
    for text in ["", "<>", " <> "] {
        assert_eq!(text.parse::<ReversePath>().unwrap().to_string(), "<>");
    }
    assert_eq!("a@b.c".parse::<ReversePath>().unwrap().to_string(), "<a@b.c>");
}

#[test]
fn postmaster_alone_needs_no_domain() {
    // 5321-4.1.1.3p
    assert_eq!("PostMaster".parse(), Ok(ForwardPath::Postmaster));
    assert_eq!("<postmaster>".parse(), Ok(ForwardPath::Postmaster));
    assert_eq!("root".parse::<ForwardPath>(), Err(PathError::NoDomain));
}

#[test]
fn local_parts_differ_by_case_and_domains_do_not() {
    // 5321-2.4b
    let parse = |text: &str| text.parse::<Mailbox>().unwrap();
    assert_eq!(parse("a@X.y"), parse("a@x.Y"));
    assert_ne!(parse("A@x.y"), parse("a@x.y"));
}

proptest! {
    #[test]
    fn any_text_is_refused_or_written_so_that_it_reads_back(text in ".{0,40}") {
        if let Ok(mailbox) = text.parse::<Mailbox>() {
            let written = mailbox.to_string();
            prop_assert!(!written.contains(char::is_control));
            prop_assert_eq!(written.parse::<Mailbox>(), Ok(mailbox));
        }
    }

    #[test]
    fn any_local_part_survives_quoting(local in "[ -~é€]{1,30}") {
        let mailbox = Mailbox::new(&local, "x.y".parse().unwrap()).unwrap();
        let read: Mailbox = mailbox.to_string().parse().unwrap();
        prop_assert_eq!(read.local_part(), local);
    }
}
