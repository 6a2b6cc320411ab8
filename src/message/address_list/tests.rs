use super::*;
use proptest::prelude::*;

fn shown(text: &str) -> Vec<String> {
    match addresses(text) {
        Ok(list) => list.iter().map(ToString::to_string).collect(),
        Err(error) => vec![error.to_string()],
    }
}

#[test]
fn the_examples_of_rfc_5322_are_read() {
    // 5322-3.4, 5322-4: appendix A.1, A.5, A.6
    for (text, expected) in [
        ("John Doe <jdoe@machine.example>", &["John Doe <jdoe@machine.example>"][..]),
        (
            r#""Joe Q. Public" <john.q.public@example.com>"#,
            &["Joe Q. Public <john.q.public@example.com>"],
        ),
        (
            "Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
            &["Mary Smith <mary@x.test>", "jdoe@example.org", "Who? <one@y.test>"],
        ),
        (
            r#"<boss@nil.test>, "Giant; \"Big\" Box" <sysservices@example.net>"#,
            &["boss@nil.test", r#"Giant; "Big" Box <sysservices@example.net>"#],
        ),
        (
            "A Group:Ed Jones <joe@where.test>,joe@where.test,John <jdoe@one.test>;",
            &["A Group: Ed Jones <joe@where.test>, joe@where.test, John <jdoe@one.test>;"],
        ),
        ("Undisclosed recipients:;", &["Undisclosed recipients:;"]),
        (
            r"Pete(A nice \) chap) <pete(his account)@silly.test(his host)>",
            &["Pete <pete@silly.test>"],
        ),
        (
            "A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n         joe@example.org,\r\n  John <jdoe@one.test> (my dear friend); (the end of the group)",
            &["A Group: Chris Jones <c@public.example>, joe@example.org, John <jdoe@one.test>;"],
        ),
        (
            "(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;",
            &["Hidden recipients:;"],
        ),
        (
            "Joe Q. Public <john.q.public@example.com>",
            &["Joe Q. Public <john.q.public@example.com>"],
        ),
        (
            "Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
            &["Mary Smith <mary@example.net>", "jdoe@test.example"],
        ),
        ("John Doe <jdoe@machine(comment).  example>", &["John Doe <jdoe@machine.example>"]),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn what_people_type_is_read() {
    // 5322-3.4, 6532, IDNA
    for (text, expected) in [
        ("", &[][..]),
        (" , ,", &[]),
        ("b@x.y", &["b@x.y"]),
        (",b@x.y,,c@x.y,", &["b@x.y", "c@x.y"]),
        (r#"Bob <b@x.y>, "Doe, J." <j@x.y>"#, &["Bob <b@x.y>", "Doe, J. <j@x.y>"]),
        ("Bob<b@x.y>", &["Bob <b@x.y>"]),
        ("b@x.y (Bob (the builder))", &["Bob (the builder) <b@x.y>"]),
        ("Jörg <jörg@bücher.example>", &["Jörg <jörg@xn--bcher-kva.example>"]),
        (r#""a b"@x.y"#, &[r#""a b"@x.y"#]),
        ("<@a.b,@c.d:u@x.y>", &["u@x.y"]),
        ("\"\" <a@x.y>", &["a@x.y"]),
        ("a@[192.0.2.1]", &["a@[192.0.2.1]"]),
        ("=?utf-8?Q?J=C3=B6rg?= =?utf-8?B?w7Y=?= X <a@x.y>", &["Jörgö X <a@x.y>"]),
        ("=?iso-8859-1?Q?J=F6rg?= <a@x.y>", &["Jörg <a@x.y>"]),
        ("=?koi8-r?Q?=F6?= <a@x.y>", &["=?koi8-r?Q?=F6?= <a@x.y>"]),
        ("=?utf-8?Q?=0D=0ABcc=3A?= <a@x.y>", &["=?utf-8?Q?=0D=0ABcc=3A?= <a@x.y>"]),
        ("\"=?utf-8?Q?a?=\" <a@x.y>", &["=?utf-8?Q?a?= <a@x.y>"]),
        ("G: a@x.y, ,b@x.y;, c@x.y", &["G: a@x.y, b@x.y;", "c@x.y"]),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn what_is_no_address_is_refused_with_its_reason() {
    // 5321-4.1.2b, SEC-4, HDR-inject
    use AddressError::{OpenGroup, OutOfPlace, Path, Unclosed};
    for (text, at_fault, expected) in [
        ("root", "root", Path(PathError::NoDomain)),
        ("a@x.y, root, b@x.y", "root", Path(PathError::NoDomain)),
        ("Bob <root>", "Bob <root>", Path(PathError::NoDomain)),
        ("<>", "<>", Path(PathError::Empty)),
        ("Bob <@x.y>", "Bob <@x.y>", OutOfPlace('>')),
        ("@x.y", "@x.y", Path(PathError::NoLocalPart)),
        ("a b@x.y", "a b@x.y", Path(PathError::LocalCharacter(' '))),
        ("a..b@x.y", "a..b@x.y", Path(PathError::Dots)),
        ("a@x_y.z", "a@x_y.z", Path(PathError::Domain)),
        ("a@x.y b", "a@x.y b", Path(PathError::Domain)),
        ("a@b@c.d", "a@b@c.d", OutOfPlace('@')),
        ("a@x.y; b@x.y", "a@x.y; b@x.y", OutOfPlace(';')),
        ("Bob <b@x.y", "Bob <b@x.y", Unclosed('<')),
        ("a@b>, <evil@x", "a@b>", OutOfPlace('>')),
        ("\"Bob <b@x.y>", "\"Bob <b@x.y>", Unclosed('"')),
        ("b@x.y (Bob", "b@x.y (Bob", Unclosed('(')),
        ("b@[1.2.3.4", "b@[1.2.3.4", Unclosed('[')),
        ("G: a@x.y", "G: a@x.y", OpenGroup),
        ("G: H: a@x.y;;", "G: H: a@x.y;;", OutOfPlace(':')),
        ("a@x.y\r\nBcc: z@x.y", "a@x.y\r\nBcc: z@x.y", Path(PathError::Control)),
        ("a@x.y\nz", "a@x.y\nz", Path(PathError::Control)),
        ("\"a\r\nb\" <a@x.y>", "\"a\r\nb\" <a@x.y>", Path(PathError::Control)),
        ("(\0) a@x.y", "(\0) a@x.y", Path(PathError::Control)),
        ("a\u{7}@x.y", "a\u{7}@x.y", Path(PathError::Control)),
    ] {
        match addresses(text) {
            Err(Error::Address { text: shown, reason }) => {
                assert_eq!((shown.as_str(), reason), (at_fault, expected), "{text:?}");
            }
            other => panic!("{text:?}: {other:?}"),
        }
    }
}

#[test]
fn a_thousand_nested_comments_are_passed_over() {
    let text = format!("{}{} a@x.y", "(".repeat(100_000), ")".repeat(100_000));
    assert_eq!(addresses(&text).unwrap()[0].mailboxes().count(), 1);
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "[ab@.,:;<>()\\[\\]\"\\\\ \r\n\té=?]{0,40}") {
        let _ = addresses(&text);
    }

    #[test]
    fn no_address_holds_a_control_character(text in "[ab@.,<>(\" \r\n\0]{0,20}@x.y>?") {
        for address in addresses(&text).into_iter().flatten() {
            prop_assert!(!address.to_string().contains(char::is_control));
        }
    }
}
