use super::super::{Opened, Repairs, Source, complete};
use super::*;
use proptest::prelude::*;
use std::io;
use std::path::Path;

fn aliases(text: &str) -> Result<Aliases, AliasError> {
    let file = Path::new("/etc/aliases");
    let mut aliases = Aliases::parse(file, text.as_bytes(), &mut |list| match list.to_str() {
        Some("/lists/team") => Ok(b"# the team\n a@x.example\nb@x.example, carol\n\n".to_vec()),
        Some("/lists/bad") => Ok(b"a@x.example\n|program\n".to_vec()),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    });
    match aliases.faults.pop() {
        Some(fault) => Err(fault),
        None => Ok(aliases),
    }
}

const ALIASES: &str = "\
root: alice@x.example, bob@x.example
Admin: carol@x.example
web: \\admin
void:
null: /dev/null
both: both, dave@x.example
eve@box.example.org: evelyn@x.example
chain: admin
team: :include:/lists/team
\"quoted name\": quoted@x.example
";

fn rules(from: Authors) -> Rules {
    Rules {
        domain: Some("box.example.org".parse().unwrap()),
        hosts: ["box", "localhost"].map(|host| host.parse().unwrap()).to_vec(),
        aliases: aliases(ALIASES).unwrap(),
        from,
    }
}

fn rewritten(header: impl AsRef<[u8]>, rules: &Rules) -> Result<(Vec<u8>, Vec<String>), Error> {
    let mut notes = Vec::new();
    let octets = by_rules(header.as_ref(), rules, &mut notes)?;
    Ok((octets, notes.iter().map(ToString::to_string).collect()))
}

/// A field before and after.
const FIELDS: &[(&str, &str)] = &[
    // Bare names, in every field of addresses.
    ("From: root", "From: root@box.example.org"),
    ("From:root", "From:root@box.example.org"),
    ("FROM : root ", "FROM : root@box.example.org "),
    ("From: root (Cron Daemon)", "From: root@box.example.org (Cron Daemon)"),
    ("From: Cron Daemon <root>", "From: Cron Daemon <root@box.example.org>"),
    ("From: \"Cron Daemon\" <root>", "From: \"Cron Daemon\" <root@box.example.org>"),
    ("From: \"Doe, \\\"J\\\"\" <root>", "From: \"Doe, \\\"J\\\"\" <root@box.example.org>"),
    ("From: =?utf-8?Q?J=C3=B6rg?= <root>", "From: =?utf-8?Q?J=C3=B6rg?= <root@box.example.org>"),
    ("From: Jörg <root>", "From: Jörg <root@box.example.org>"),
    ("From: <root>", "From: <root@box.example.org>"),
    ("From: < root >", "From: < root@box.example.org >"),
    ("From: (a) root (b (c)) (d)", "From: (a) root@box.example.org (b (c)) (d)"),
    ("From: \"root\"", "From: root@box.example.org"),
    ("From: \"a b\"", "From: \"a b\"@box.example.org"),
    ("From: a.b", "From: a.b@box.example.org"),
    ("From: www-data, root", "From: www-data@box.example.org, root@box.example.org"),
    ("From: admin", "From: admin@box.example.org"),
    ("From:\r\n root\r\n (Cron)", "From:\r\n root@box.example.org\r\n (Cron)"),
    ("Sender: root", "Sender: root@box.example.org"),
    ("Reply-To: root", "Reply-To: root@box.example.org"),
    ("Reply-To: Ops: root, x;", "Reply-To: Ops: root@box.example.org, x@box.example.org;"),
    ("Resent-From: root", "Resent-From: root@box.example.org"),
    ("Resent-Sender: root", "Resent-Sender: root@box.example.org"),
    ("Disposition-Notification-To: root", "Disposition-Notification-To: root@box.example.org"),
    ("To: frank", "To: frank@box.example.org"),
    ("Cc: frank", "Cc: frank@box.example.org"),
    ("Bcc: frank", "Bcc: frank@box.example.org"),
    ("Resent-To: frank", "Resent-To: frank@box.example.org"),
    ("Resent-Cc: frank", "Resent-Cc: frank@box.example.org"),
    ("Resent-Bcc: frank", "Resent-Bcc: frank@box.example.org"),
    ("To: , frank ,, g@x.example,", "To: , frank@box.example.org ,, g@x.example,"),
    ("To: a@x.example,frank,b@x.example", "To: a@x.example,frank@box.example.org,b@x.example"),
    (
        "To: Friends: frank;, G (g) <g>",
        "To: Friends: frank@box.example.org;, G (g) <g@box.example.org>",
    ),
    ("To: a@x.example,\r\n\tfrank", "To: a@x.example,\r\n\tfrank@box.example.org"),
    // Aliases, in fields of recipients only.
    ("To: root", "To: alice@x.example, bob@x.example"),
    ("To: ROOT", "To: alice@x.example, bob@x.example"),
    ("To: root@box", "To: alice@x.example, bob@x.example"),
    ("To: root@LOCALHOST", "To: alice@x.example, bob@x.example"),
    ("To: root@box.example.org", "To: alice@x.example, bob@x.example"),
    ("To: Root <root> (it)", "To: alice@x.example, bob@x.example"),
    ("To: root (Cron), z@x.example", "To: alice@x.example, bob@x.example, z@x.example"),
    ("To: G: root, z@x.example;", "To: G: alice@x.example, bob@x.example, z@x.example;"),
    ("To: admin", "To: carol@x.example"),
    ("To: The Boss <Admin>", "To: The Boss <carol@x.example>"),
    ("To: admin (boss)", "To: carol@x.example (boss)"),
    ("To: chain", "To: carol@x.example"),
    ("To: web", "To: admin@box.example.org"),
    ("To: both", "To: both@box.example.org, dave@x.example"),
    ("To: eve", "To: evelyn@x.example"),
    ("To: eve@box.example.org", "To: evelyn@x.example"),
    ("To: eve@box", "To: eve@box"),
    ("To: team", "To: a@x.example, b@x.example, carol@box.example.org"),
    ("To: \"Quoted Name\"", "To: quoted@x.example"),
    ("To: void", "To: void:;"),
    ("To: N <null@box>, z@x.example", "To: null:;, z@x.example"),
    // What stays.
    ("To: root@x.example", "To: root@x.example"),
    ("To: root@other.example.org", "To: root@other.example.org"),
    ("To: Jörg <j@x.example>", "To: Jörg <j@x.example>"),
    ("To: undisclosed-recipients:;", "To: undisclosed-recipients:;"),
    ("To:", "To:"),
    ("To: <@a.example,@b.example:u@x.example>", "To: <@a.example,@b.example:u@x.example>"),
    ("From: MAILER-DAEMON <>", "From: MAILER-DAEMON <>"),
    ("From: Cron Daemon", "From: Cron Daemon"),
    ("From: root <root", "From: root <root"),
    ("To: a@x_y.example, b@x.example", "To: a@x_y.example, b@x.example"),
    ("Subject: root", "Subject: root"),
    ("Errors-To: root", "Errors-To: root"),
    ("X-To: root", "X-To: root"),
    ("Received: from root by root", "Received: from root by root"),
    ("To: -oQ/tmp", "To: -oQ/tmp@box.example.org"),
];

#[test]
fn addresses_change_and_nothing_around_them() {
    // 5322-2.2, 5322-3.4, 5322-4, SEC-13
    let rules = rules(Authors::Qualify);
    let around = ["Received: from a\r\n\tby b\r\n", "X-Odd : \tx \r\n y\r\n"];
    for (before, after) in FIELDS {
        let header = |field: &str| format!("{}{field}\r\n{}", around[0], around[1]);
        let (octets, _) = rewritten(header(before), &rules).unwrap();
        assert_eq!(String::from_utf8(octets).unwrap(), header(after), "{before}");
    }
    assert!(FIELDS.len() >= 60);
}

#[test]
fn each_change_is_a_sentence() {
    for (field, sentences) in [
        ("From: root", &["qualified root in From as root@box.example.org"][..]),
        ("to: root", &["expanded root in to to alice@x.example, bob@x.example"]),
        ("To: void", &["expanded void in To, which is an alias for nobody"]),
        (
            "To: frank, admin@box",
            &[
                "qualified frank in To as frank@box.example.org",
                "expanded admin@box in To to carol@x.example",
            ],
        ),
        ("From: Cron Daemon", &["left ‘Cron Daemon’ in From as it is: it has no @ and no domain"]),
        ("To: a <b\r\n ", &["left ‘a <b’ in To as it is: its ‘<’ is never closed"]),
        ("From: MAILER-DAEMON <>", &[]),
    ] {
        let (_, notes) = rewritten(format!("{field}\r\n"), &rules(Authors::Qualify)).unwrap();
        assert_eq!(notes, sentences, "{field}");
    }
}

#[test]
fn octets_that_are_not_utf_8_stay() {
    let rules = rules(Authors::Qualify);
    for (before, after) in [
        (&b"From: J\xf6rg <root>\r\n"[..], &b"From: J\xf6rg <root@box.example.org>\r\n"[..]),
        (
            b"To: (\xe4\xf6) frank, g\r\n",
            b"To: (\xe4\xf6) frank@box.example.org, g@box.example.org\r\n",
        ),
        (b"To: j\xf6rg, frank\r\n", b"To: j\xf6rg, frank@box.example.org\r\n"),
    ] {
        assert_eq!(rewritten(before, &rules).unwrap().0, after);
    }
}

#[test]
fn lines_that_grow_are_folded_behind_commas() {
    // 5322-2.2.3, 5322-2.1.1
    let rules = rules(Authors::Qualify);
    let names: Vec<String> = (0..40).map(|n| format!("user{n}")).collect();
    for joint in [", ", ",", ",\t"] {
        let field = format!("To: {}\r\n", names.join(joint));
        let field = if field.len() < 998 { field } else { continue };
        let (octets, _) = rewritten(&field, &rules).unwrap();
        let text = String::from_utf8(octets).unwrap();
        assert!(text.lines().all(|line| line.len() <= 78 && !line.trim().is_empty()), "{text}");
        let bare = |text: &str| text.replace(['\r', '\n', ' ', '\t'], "");
        assert_eq!(bare(&text).replace("@box.example.org", ""), bare(&field));
    }
    // Lines that did not grow stay, however long.
    let long = format!("\"{}\" <z@x.example>", "n".repeat(100));
    let field = format!("To: frank,\r\n {long},\r\n g\r\n");
    let expected = format!("To: frank@box.example.org,\r\n {long},\r\n g@box.example.org\r\n");
    assert_eq!(rewritten(field, &rules).unwrap().0, expected.into_bytes());
    // No line is left with nothing but blanks.
    let field = format!("To: {}, frank, \r\n", "x".repeat(60));
    let (octets, _) = rewritten(field, &rules).unwrap();
    let text = String::from_utf8(octets).unwrap();
    assert!(text.ends_with(",\r\n frank@box.example.org, \r\n"), "{text}");
}

#[test]
fn no_line_grows_over_998_octets() {
    // 5322-2.1.1
    let field = format!("From: \"{}\" <root>\r\n", "n".repeat(975));
    let refused = rewritten(field, &rules(Authors::Qualify));
    assert!(matches!(refused, Err(Error::HeaderValue(name)) if name == "From"));
}

#[test]
fn from_may_be_kept_or_left_to_be_set() {
    let header = "From: root\r\nSender: root\r\n";
    let (octets, _) = rewritten(header, &rules(Authors::Keep)).unwrap();
    assert_eq!(octets, b"From: root\r\nSender: root@box.example.org\r\n");
    let rules = Rules { domain: None, ..rules(Authors::Set) };
    assert_eq!(rewritten(header, &rules).unwrap().0, header.as_bytes());
}

#[test]
fn a_bare_name_without_a_domain_is_an_error_unless_an_alias_knows_better() {
    let rules = Rules { domain: None, ..rules(Authors::Qualify) };
    let (octets, _) = rewritten("To: root\r\n", &rules).unwrap();
    assert_eq!(octets, b"To: alice@x.example, bob@x.example\r\n");
    let error = rewritten("From: root\r\n", &rules).unwrap_err();
    let expected = "‘root’ has no domain, and nothing says which one it should have";
    assert_eq!(error.to_string(), expected);
    let mut notes = Vec::new();
    let to = rules.envelope_recipients("Postmaster", &mut notes).unwrap();
    assert_eq!(to, [ForwardPath::Postmaster]);
}

use crate::smtp::ForwardPath;

#[test]
fn the_envelope_follows_the_same_rules() {
    let rules = rules(Authors::Qualify);
    for (text, expected) in [
        ("root", &["alice@x.example", "bob@x.example"][..]),
        ("frank, Bob <b@y.example>", &["frank@box.example.org", "b@y.example"]),
        ("void", &[]),
        ("-oQ/tmp@x.example", &["-oQ/tmp@x.example"]),
    ] {
        let paths = rules.envelope_recipients(text, &mut Vec::new()).unwrap();
        let shown: Vec<_> = paths.iter().map(ToString::to_string).collect();
        assert_eq!(shown, expected, "{text}");
        // The header says the same.
        let mut opened =
            Opened::read(Source::held(format!("To: {text}\n\n"), "m"), Repairs::default()).unwrap();
        opened.rewrite(&rules).unwrap();
        let shown: Vec<_> = opened.recipients().unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(shown, expected, "{text}");
    }
    assert_eq!(rules.envelope_sender("root").unwrap().0.to_string(), "root@box.example.org");
    assert_eq!(rules.envelope_sender("a@x.example").unwrap().1, None);
    // HDR-inject, SEC-12
    for text in ["a@x.example\r\nRCPT", "a\n", "a@x.example -X/tmp/x", "a\0b", "a@x_y", "a, b", " "]
    {
        assert!(matches!(rules.envelope_sender(text), Err(Error::Address { .. })), "{text:?}");
        if !matches!(text, "a, b" | " ") {
            let refused = rules.envelope_recipients(text, &mut Vec::new());
            assert!(matches!(refused, Err(Error::Address { .. })), "{text:?}");
        }
    }
}

#[test]
fn senders_are_disguised_and_recipients_never() {
    let author: Mailbox = "alerts@example.net".parse().unwrap();
    let map = |sender: &Mailbox| {
        (sender.local_part() == "root").then(|| "ops@example.net".parse().unwrap())
    };
    let header = "Resent-To: root@box\r\nFrom: Cron <root@box>\r\nSender: root@box (x)\r\n\
                  Reply-To: root@box, b@box\r\nTo: root@box\r\nDisposition-Notification-To: root@box\r\n";
    let mut notes = Vec::new();
    let shown = |header: &str, author, notes: &mut Vec<Rewrite>| {
        let octets =
            by_disguise(header.as_bytes(), &Disguise { author, map: &map }, notes).unwrap();
        String::from_utf8(octets).unwrap()
    };
    assert_eq!(
        shown(header, None, &mut notes),
        "Resent-To: root@box\r\nFrom: Cron <ops@example.net>\r\nSender: ops@example.net (x)\r\n\
         Reply-To: ops@example.net, b@box\r\nTo: root@box\r\n\
         Disposition-Notification-To: ops@example.net\r\n"
    );
    assert_eq!(notes[0].to_string(), "changed root@box in From to ops@example.net");
    // Set: who sends is the account's own; where answers go is not.
    assert_eq!(
        shown("From: Cron <root>\r\nSender: b@x\r\nReply-To: b@x\r\n", Some(&author), &mut notes),
        "From: Cron <alerts@example.net>\r\nSender: alerts@example.net\r\nReply-To: b@x\r\n"
    );
    // 5322-3.6.6: who sends again is set, the author is not.
    assert_eq!(
        shown("Resent-From: root\r\nReceived: x\r\nFrom: c@x\r\n", Some(&author), &mut notes),
        "Resent-From: alerts@example.net\r\nReceived: x\r\nFrom: c@x\r\n"
    );
    let value = |name, value| {
        disguised(name, value, &Disguise { author: None, map: &map }, &mut Vec::new()).unwrap()
    };
    assert_eq!(value("Sender", "R <root@box>"), "R <ops@example.net>");
    assert_eq!(value("X-Sender", "R <root@box>"), "R <root@box>");
    assert_eq!(value("To", "R <root@box>"), "R <root@box>");
}

fn expanded(file: &str, name: &str) -> Result<Vec<String>, Error> {
    let rules = Rules { aliases: aliases(file)?, ..rules(Authors::Qualify) };
    let paths = rules.envelope_recipients(name, &mut Vec::new())?;
    Ok(paths.iter().map(ToString::to_string).collect())
}

#[test]
fn the_file_of_aliases_is_read_as_sendmail_reads_it() {
    for (file, name, expected) in [
        ("# a comment\n\n  # another\nroot: a@x.example", "root", &["a@x.example"][..]),
        (
            "root:a@x.example,\n  b@x.example,\n# c\n\tc@x.example\n",
            "root",
            &["a@x.example", "b@x.example", "c@x.example"],
        ),
        ("root: a@x.example, # why\n b@x.example", "root", &["a@x.example", "b@x.example"]),
        ("root: a@x.example\r\n", "root", &["a@x.example"]),
        ("ROOT : A@x.example", "root", &["A@x.example"]),
        ("\"a: b\": a@x.example", "\"a: b\"", &["a@x.example"]),
        (
            "root: \"a b\"@x.example, \"c, d\"",
            "root",
            &["\"a b\"@x.example", "\"c, d\"@box.example.org"],
        ),
        ("root: Alice <a@x.example>", "root", &["a@x.example"]),
        ("root: a@x.example\nroot: b@x.example", "root", &["a@x.example"]),
        ("root@box: a@x.example", "root@box", &["a@x.example"]),
        ("root@box: a@x.example", "root", &["root@box.example.org"]),
        ("list@far.example: a@x.example", "list@far.example", &["a@x.example"]),
        ("list: a@x.example", "list@far.example", &["list@far.example"]),
        ("*: a@x.example", "anybody", &["a@x.example"]),
        ("default: a@x.example", "anybody@localhost", &["a@x.example"]),
        ("*: a@x.example", "a@far.example", &["a@far.example"]),
        ("*: a@x.example", "a@box.example.org", &["a@box.example.org"]),
        ("*: all\nroot: r@x.example", "root", &["r@x.example"]),
        ("*: all", "anybody", &["all@box.example.org"]),
        ("*: all, more", "all", &["all@box.example.org", "more@box.example.org"]),
        ("root: root, a@x.example", "root", &["root@box.example.org", "a@x.example"]),
        ("root: root", "root", &["root@box.example.org"]),
        ("root: Root@BOX", "root", &["Root@BOX"]),
        ("root: \\root, a@x.example", "root", &["root@box.example.org", "a@x.example"]),
        ("a: \\b\nb: c@x.example", "a", &["b@box.example.org"]),
        ("a: b, b, c\nb: c@x.example\nc: c@x.example", "a", &["c@x.example"]),
        ("root: ", "root", &[]),
        ("root: /dev/null", "root", &[]),
        ("root: , a@x.example,,", "root", &["a@x.example"]),
        ("x: |program\nroot: a@x.example", "root", &["a@x.example"]),
        ("x: :include:/none\nroot: a@x.example", "root", &["a@x.example"]),
        (
            "t: \":include:/lists/team\"",
            "t",
            &["a@x.example", "b@x.example", "carol@box.example.org"],
        ),
    ] {
        let found = expanded(file, name).unwrap();
        assert_eq!(found, expected, "{file:?}");
    }
}

#[test]
fn an_alias_that_leads_nowhere_is_told_with_its_file_and_line() {
    // SEC-4
    let deep: String = (0..60).map(|n| format!("a{n}: a{}\n", n + 1)).collect();
    for (file, name, expected) in [
        ("\nroot alice", "root", "/etc/aliases:2: an alias is written as name: address, address"),
        (": a@x.example", "root", "/etc/aliases:1: an alias is written as name: address, address"),
        ("root: a\0b", "root", "/etc/aliases:1: a control character stands here"),
        ("x: a\rb", "root", "/etc/aliases:1: a control character stands here"),
        ("root: a b", "root", "/etc/aliases:1: ‘a b’ is not a mail address"),
        ("root: :blackhole:", "root", "/etc/aliases:1: ‘:blackhole:’ is not a mail address"),
        (
            "\nroot: a@x.example, \"|/bin/p, -x\"",
            "root",
            "/etc/aliases:2: the alias ‘root’ hands mail to a program, ‘|/bin/p, -x’, which envoi does not do",
        ),
        (
            "x: y\ny: /var/mail/y",
            "x",
            "/etc/aliases:2: the alias ‘y’ writes mail to a file, ‘/var/mail/y’, which envoi does not do",
        ),
        (
            "x: :include:/none",
            "x",
            "/etc/aliases:1: cannot read the list ‘/none’: entity not found",
        ),
        (
            "x: :include:/lists/bad",
            "x",
            "/lists/bad:2: the alias ‘x’ hands mail to a program, ‘|program’, which envoi does not do",
        ),
        (
            "a: b\nb: c\nc: a",
            "a",
            "/etc/aliases:3: the alias leads back to itself: a -> b -> c -> a",
        ),
        (
            "a: b\nb: c@box\nc: b, x",
            "a",
            "/etc/aliases:3: the alias leads back to itself: b -> c -> b",
        ),
        (&deep, "a0", "/etc/aliases:51: the alias ‘a50’ is the fifty-first in a row"),
    ] {
        assert_eq!(expanded(file, name).unwrap_err().to_string(), expected, "{file:?}");
    }
}

#[test]
fn a_line_that_cannot_be_read_does_no_harm_to_the_others() {
    let file = b"no colon\na: a@x.example\nc: \xff\n d: e\nb: b@x.example\n";
    let aliases = Aliases::parse(Path::new("f"), file, &mut |_| Ok(Vec::new()));
    let faults: Vec<_> = aliases.faults().iter().map(ToString::to_string).collect();
    assert_eq!(
        faults,
        ["f:1: an alias is written as name: address, address", "f:3: this is not UTF-8 text"]
    );
    let rules = Rules { domain: None, hosts: Vec::new(), aliases, from: Authors::Qualify };
    for (name, expected) in [("a", "a@x.example"), ("b", "b@x.example")] {
        let to = rules.envelope_recipients(name, &mut Vec::new()).unwrap();
        assert_eq!(to.iter().map(ToString::to_string).collect::<Vec<_>>(), [expected]);
    }
}

#[test]
fn many_names_for_many_names_take_no_time() {
    // Each stands for the next two: 2^40 ways.
    let file: String = (0..40).map(|n| format!("a{n}: a{0}, \\b, a{0}@box\n", n + 1)).collect();
    assert_eq!(expanded(&file, "a0").unwrap(), ["a40@box.example.org", "b@box.example.org"]);
}

#[test]
fn debians_cron_is_understood() {
    let mail = "From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@box> test -x /usr/sbin/anacron\n\
                MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n\
                Content-Transfer-Encoding: 8bit\nX-Cron-Env: <SHELL=/bin/sh>\n\
                X-Cron-Env: <LOGNAME=root>\n\nok\n";
    let additions = super::super::Additions {
        date: "2026-11-23T04:03:37+01:00[+01:00]".parse().unwrap(),
        message_id: None,
        from: Vec::new(),
    };
    let mut opened = Opened::read(Source::held(mail, "m"), Repairs::default()).unwrap();
    opened.rewrite(&rules(Authors::Qualify)).unwrap();
    let ready = opened.complete(&additions).unwrap();
    let plain = complete(Source::held(mail, "m"), &additions, Repairs::default()).unwrap_err();
    assert!(matches!(plain, Error::Address { .. }), "a Message-ID has no domain without rules");
    let mut written = String::new();
    io::Read::read_to_string(&mut ready.message.open().unwrap(), &mut written).unwrap();
    let expected = mail
        .replace("From: root (", "From: root@box.example.org (")
        .replace("To: root\n", "To: alice@x.example, bob@x.example\n")
        .replace('\n', "\r\n");
    let (header, body) = expected.split_at(expected.find("\r\n\r\n").unwrap() + 2);
    assert!(written.starts_with(header) && written.ends_with(body), "{written}");
}

proptest! {
    #[test]
    fn a_header_of_whole_addresses_stays_octet_for_octet(
        fields in proptest::collection::vec(
            ("(From|To|Cc|Reply-To|Sender|X-A)", "( |\r\n |\t)?",
             "(\"?[a-z é,]{1,9}\"? )?<?[a-z]{1,9}@[a-z]{1,9}\\.example>?( \\([a-z (),]{0,9}\\))?(,( |\r\n\t)[a-z]{1,5}@x\\.example){0,5}"),
            1..8,
        )
    ) {
        let header: String =
            fields.iter().map(|(name, gap, value)| format!("{name}:{gap}{value}\r\n")).collect();
        let rules = Rules { domain: None, ..rules(Authors::Qualify) };
        // What would be bare is no domain's; what is no list stays.
        if let Ok((octets, notes)) = rewritten(&header, &rules) {
            prop_assert_eq!(octets, header.into_bytes());
            prop_assert!(notes.iter().all(|note| note.starts_with("left")));
        }
    }

    #[test]
    fn no_header_makes_it_panic_and_no_field_appears(
        header in proptest::collection::vec("(From|To): [ab@.,:;<>()\\[\\]\"\\\\ é=?]{0,60}(\r\n [ab,<>]{1,9})?", 1..4),
    ) {
        // HDR-inject
        let header = header.join("\r\n") + "\r\n";
        if let Ok((octets, _)) = rewritten(&header, &rules(Authors::Qualify)) {
            let count = |octets: &[u8]| split(octets).count();
            prop_assert_eq!(count(&octets), count(header.as_bytes()));
            prop_assert!(octets.split(|&octet| octet == b'\n').all(|line| line.is_empty() || line.ends_with(b"\r")));
            // Done twice is done once, but for aliases.
            let plain = Rules { aliases: Aliases::default(), ..rules(Authors::Qualify) };
            let once = rewritten(&header, &plain).unwrap().0;
            prop_assert_eq!(rewritten(&once, &plain).unwrap().0, once);
        }
    }
}
