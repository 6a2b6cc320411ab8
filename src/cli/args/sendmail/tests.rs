use super::*;

fn typed(words: &[&str]) -> Result<Sendmail, Failure> {
    read("sendmail", words.iter().map(OsString::from).collect())
}

#[track_caller]
fn args(words: &str) -> SendmailArgs {
    let words = shell_words::split(words).unwrap();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    match typed(&words) {
        Ok(Sendmail::Deliver(args)) => args,
        other => panic!("{words:?}: {other:?}"),
    }
}

#[test]
fn what_programs_type_is_understood() {
    // CLI-1: Debian's cron, GNU mail, PHP, git, mutt, dma#88
    for (words, to, from_header, dots_are_text, sender, full_name) in [
        ("-i -FCronDaemon -B8BITMIME -oem root", "root", false, true, None, Some("CronDaemon")),
        ("-i -F CronDaemon -B 8BITMIME -o em root", "root", false, true, None, Some("CronDaemon")),
        ("-oi -f a@x.example -t", "", true, true, Some("a@x.example"), None),
        ("-fa@x.example -ti", "", true, true, Some("a@x.example"), None),
        ("-t -i", "", true, true, None, None),
        ("-i a@x.example b@x.example", "a@x.example b@x.example", false, true, None, None),
        (
            "-oem -oi -ra@x.example -- a@x.example",
            "a@x.example",
            false,
            true,
            Some("a@x.example"),
            None,
        ),
        ("root -t", "root", true, false, None, None),
        ("-B root", "root", false, false, None, None),
        (
            "-A c -Am -G -U -n -m -h 3 -L tag -X /tmp/x -O A=b -OA=b -p smtp root",
            "root",
            false,
            false,
            None,
            None,
        ),
        ("-odb -o7 -oXwhatever -d0.1 root", "root", false, false, None, None),
        ("-f '' -bm root", "root", false, false, Some(""), None),
        ("-f '<>' root", "root", false, false, Some("<>"), None),
        ("-- -oQ/tmp@x.example", "-oQ/tmp@x.example", false, false, None, None),
        // SEC-12: one word is one value.
        (
            "'-fa@x.example -X/tmp/x -OQueueDirectory=/tmp' root",
            "root",
            false,
            false,
            Some("a@x.example -X/tmp/x -OQueueDirectory=/tmp"),
            None,
        ),
        // A variable that was empty swallows no option.
        ("-F -f a@x.example root", "root", false, false, Some("a@x.example"), None),
        ("-C -t", "", true, false, None, None),
    ] {
        let recipients = to.split_whitespace().map(str::to_owned).collect();
        let (sender, full_name) = (sender.map(str::to_owned), full_name.map(str::to_owned));
        let tag = words.contains("-L").then(|| "tag".to_owned());
        let expected = SendmailArgs {
            recipients,
            from_header,
            dots_are_text,
            sender,
            full_name,
            tag,
            ..SendmailArgs::default()
        };
        let args = SendmailArgs { ignored: Vec::new(), ..args(words) };
        assert_eq!(args, expected, "{words}");
    }
    assert_eq!(args("-v -vi root").verbose, 2);
}

#[test]
fn the_last_mode_counts() {
    // CLI-1: glued or not.
    for (words, expected) in [
        ("-bs", Sendmail::Dialogue(args("-bm"))),
        ("-b s", Sendmail::Dialogue(args("-bm"))),
        ("-bs -odb -oem", Sendmail::Dialogue(args("-bm"))),
        ("-bv root", Sendmail::Verify(args("root"))),
        ("-bs -bm root", Sendmail::Deliver(args("root"))),
        ("-bm -bi", Sendmail::Aliases),
    ] {
        let words: Vec<_> = words.split(' ').collect();
        assert_eq!(typed(&words).unwrap(), expected, "{words:?}");
    }
}

#[test]
fn what_is_asked_about_reports_may_be_glued_or_not() {
    // 3461-c
    let request = |notify: &str, ret, envid: Option<&str>| DsnRequest {
        notify: Some(notify.parse().unwrap()),
        ret,
        envid: envid.map(|envid| envid.parse().unwrap()),
    };
    for (words, expected) in [
        ("-N never root", request("never", None, None)),
        ("-Nfailure,delay -Rhdrs root", request("failure,delay", Some(Ret::Headers), None)),
        (
            "-iN success -R headers -V 'a b' root",
            request("success", Some(Ret::Headers), Some("a b")),
        ),
        ("-tNSUCCESS -RFULL -Va+b", request("success", Some(Ret::Full), Some("a+b"))),
    ] {
        assert_eq!(args(words).dsn, expected, "{words}");
    }
    assert!(args("root").dsn.is_empty());
}

#[test]
fn what_is_not_there_is_said_with_64() {
    // CLI-1, SEC-13
    for (words, said) in [
        ("-qRexample.org", "names messages in a way that is not known here"),
        ("-bd", "no daemon"),
        ("-bt", "no daemon"),
        ("-bh", "no daemon"),
        ("-Z root", "there is no option ‘-Z’"),
        ("--json root", "there is no option ‘--json’"),
        ("-", "there is no option ‘-’"),
        ("-t -f", "-f stands without an address"),
        ("-f -t", "-f stands without an address"),
        ("-N", "-N stands without a value"),
        ("-R -t", "-R stands without a value"),
        ("-N never,failure root", "-N: ‘never,failure’ does not fit here: it is ‘never’ alone"),
        (
            "-Rbody root",
            "-R: ‘body’ does not fit here: it is ‘full’ or ‘headers’, which is ‘hdrs’, too",
        ),
        ("-Vé root", "-V: ‘é’ does not fit here: it may hold letters"),
    ] {
        let words: Vec<_> = words.split(' ').collect();
        let failure = typed(&words).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage, "{words:?}");
        assert!(failure.error.to_string().contains(said), "{}", failure.error);
    }
}

#[test]
fn the_queue_is_listed_and_tried_all_of_it_or_one_message() {
    // CLI-1
    assert!(matches!(read("mailq", Vec::new()), Ok(Sendmail::List)));
    assert!(matches!(typed(&["-bp"]), Ok(Sendmail::List)));
    for all in ["-q", "-q15m"] {
        assert!(matches!(typed(&[all]), Ok(Sendmail::Flush(None))), "{all}");
    }
    assert!(matches!(typed(&["-qIabcd"]), Ok(Sendmail::Flush(Some(id))) if id == "abcd"));
    for later in ["-odq root", "-bq root", "-b q root"] {
        assert!(args(later).queue_only, "{later}");
    }
}

#[test]
fn what_is_no_text_stops_nothing_but_an_address_and_in_a_name_it_is_latin_1() {
    let read = |words: &[&[u8]]| {
        read("sendmail", words.iter().map(|word| OsString::from_vec(word.to_vec())).collect())
    };
    let Ok(Sendmail::Deliver(args)) =
        read(&[b"-FCaf\xe9", b"-X", b"\xe9", b"-em", b"-cx", b"root"])
    else {
        panic!("it is refused");
    };
    assert_eq!(args.full_name.as_deref(), Some("Café"));
    for (name, expected) in [(b"O\x92Brien".as_slice(), "O\u{fffd}Brien"), (b"J\xc3\xb6", "Jö")] {
        let Ok(Sendmail::Deliver(args)) = read(&[b"-F", name, b"root"]) else { panic!() };
        assert_eq!(args.full_name.as_deref(), Some(expected));
    }
    for words in [&[b"caf\xe9@x.example".as_slice()], [b"-f\xe9@x.example".as_slice()].as_slice()] {
        let failure = read(words).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.error.to_string().ends_with("is not UTF-8 text"), "{failure:?}");
    }
}

#[test]
fn there_is_nothing_to_do_for_aliases() {
    // CLI-1
    for (name, words) in [("newaliases", ""), ("sendmail", "-bi"), ("sendmail", "-I")] {
        let words = words.split_whitespace().map(OsString::from).collect();
        assert_eq!(read(name, words).unwrap(), Sendmail::Aliases);
    }
}

#[test]
fn no_letter_has_two_meanings() {
    let mut letters: Vec<&str> = FLAGS.iter().map(|flag| flag.letter).collect();
    letters.sort_unstable();
    letters.dedup();
    assert_eq!(letters.len(), FLAGS.len());
}

#[test]
fn options_that_callers_do_not_usually_give_are_remembered() {
    // SEC-12
    let harmless = "-oi -om -oem -oep -oeq -odb -odi -odq -o7 -o8 -X /tmp/x -C /tmp/c root";
    assert_eq!(args(harmless).ignored, Vec::<String>::new());
    let odd = args("-OQueueDirectory=/tmp -O A=b -oQ/tmp -o Q/x -oew -o -- root");
    let expected = ["-OQueueDirectory=/tmp", "-OA=b", "-oQ/tmp", "-oQ/x", "-oew", "-o"];
    assert_eq!(odd.ignored, expected);
}
