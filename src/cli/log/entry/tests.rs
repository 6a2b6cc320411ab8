use super::*;

fn entry(exit: Exit) -> Entry<'static> {
    Entry {
        exit,
        server: Server {
            key: "host",
            name: "mail.example.org".to_owned(),
            port: Some(587),
            tls: true,
            auth: true,
            user: Some("alice".to_owned()),
        },
        from: "me@client.example".to_owned(),
        recipients: vec!["a@x.example".to_owned(), "b@x.example".to_owned()],
        size: Some(100),
        reply: None,
        error: None,
        more: vec![("localid", "0123".to_owned())],
        ignored: Vec::new(),
        lists: Vec::new(),
    }
}

fn reply(code: u16, lines: &[&str]) -> Reply {
    let mut reply = Reply::new(code, "").unwrap();
    reply.text = lines.iter().map(|line| (*line).to_owned()).collect();
    reply.with_enhanced()
}

#[test]
fn a_line_has_the_keys_of_msmtp_in_its_order_and_ours_behind_them() {
    let (ok, no) =
        (reply(250, &["2.0.0 Ok: queued as 4XzQ"]), reply(550, &["5.1.1 No", "5.1.1 x"]));
    let accepted = Entry { reply: Some(&ok), ..entry(Exit::Ok) };
    assert_eq!(
        accepted.line(),
        "host=mail.example.org tls=on auth=on user=alice from=me@client.example \
         recipients=a@x.example,b@x.example mailsize=100 smtpstatus=250 \
         smtpmsg='250 2.0.0 Ok: queued as 4XzQ' exitcode=EX_OK localid=0123"
    );
    let error = Some("recipient address b@x.example not accepted by the server".to_owned());
    let lists = vec![("accepted", vec!["a@x.example".to_owned()])];
    let server = Server { user: None, auth: false, tls: false, ..entry(Exit::Ok).server };
    let refused = Entry { reply: Some(&no), error, lists, server, ..entry(Exit::Partial) };
    assert_eq!(
        refused.line(),
        "host=mail.example.org tls=off auth=off from=me@client.example \
         recipients=a@x.example,b@x.example smtpstatus=550 \
         smtpmsg='550-5.1.1 No\\n550 5.1.1 x' \
         errormsg='recipient address b@x.example not accepted by the server' \
         exitcode=EX_PARTIAL localid=0123 accepted=a@x.example"
    );
}

#[test]
fn nothing_from_outside_ends_a_value_or_a_line() {
    // SEC-6
    let said = reply(250, &["it's\u{1b}[2J fine\u{202e} exitcode=EX_OK", "x\u{9b}y"]);
    let hostile = Entry {
        reply: Some(&said),
        from: "\"a exitcode=EX_OK\"@x.example".to_owned(),
        recipients: vec!["\"a,b c\"@x.example".to_owned(), "o'brien@x.example".to_owned()],
        error: Some("a' exitcode=EX_OK\nhost=b\0".to_owned()),
        more: vec![("messageid", "<1 exitcode=EX_OK\r\n@x>".to_owned())],
        ..entry(Exit::TempFail)
    };
    assert_eq!(
        hostile.line(),
        "host=mail.example.org tls=on auth=on user=alice from=\"a?exitcode=EX_OK\"@x.example \
         recipients=\"a?b?c\"@x.example,o'brien@x.example smtpstatus=250 \
         smtpmsg='250-it?s?[2J fine? exitcode=EX_OK\\n250 x?y' \
         errormsg='a? exitcode=EX_OK?host=b?' exitcode=EX_TEMPFAIL \
         messageid=<1?exitcode=EX_OK??@x>"
    );
}

#[test]
fn a_long_line_is_shortened_before_what_decides() {
    let recipients: Vec<_> = (0..1_000).map(|at| format!("user{at}@x.example")).collect();
    let text = "é".repeat(3_000);
    let long = reply(550, &[&text]);
    let entry = Entry { recipients, reply: Some(&long), ..entry(Exit::NoUser) };
    assert!(entry.line().len() > 20_000);
    let line = entry.line_within(2_000);
    assert!(line.len() <= 2_000 && line.contains("user15@x.example,... "), "{line}");
    assert!(line.ends_with("...' exitcode=EX_NOUSER localid=0123"), "{line}");
    let line = entry.line_within(400);
    assert!(line.ends_with(" exitcode=EX_NOUSER localid=0123"), "{line}");
    assert!(entry.line_within(151).len() <= 151);
}

#[test]
fn each_status_has_a_name() {
    for (exit, ..) in Exit::ALL {
        let name = name_of(exit);
        assert!(name.len() > 3 && name.starts_with("EX_"), "{name}");
    }
    assert_eq!(name_of(Exit::Partial), "EX_PARTIAL");
    assert_eq!(name_of(Exit::NoPerm), "EX_NOPERM");
    assert_eq!(name_of(Exit::Signal(2)), "EX_SIGNAL_2");
}
