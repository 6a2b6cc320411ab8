use super::*;
use crate::net::Facility;
use crate::smtp::{Chunking, Notify};
use std::path::{Path, PathBuf};
use std::time::Duration;

fn read(text: &str) -> Result<Document, Error> {
    let home = Some(Path::new("/home/alice"));
    document(Source { file: Path::new("/c/config.toml"), text, home })
}

fn account(lines: &str) -> Settings {
    let document = read(&format!("[accounts.a]\n{lines}\n")).unwrap();
    document.accounts["a"].settings.clone()
}

#[test]
fn the_example_of_the_manual_reads() {
    let document = read(
        r#"
default = "work"
[accounts.work]
from    = "Alice Example <alice@example.org>"
match   = ["alice@*"]
server  = ["smtps://mail.example.org", "smtp://backup.example.org"]
user    = "alice@example.org"
password = { command = ["pass", "show", "mail/work"] }
[accounts.gmail]
extends = "work"
server  = "smtps://smtp.gmail.com"
masquerade = { "root@box.example.org" = "alerts@example.org", "*@box.example.org" = "*@example.org" }
[message]
max-recipients = 0
eight-bit = "pass"
long-lines = "reject"
stray-cr = "crlf"
[rewrite]
domain  = "host.example.org"
aliases = "/etc/aliases"
from    = "set"
"#,
    )
    .unwrap();
    let work = &document.accounts["work"].settings;
    assert_eq!(work.from.as_deref(), Some("Alice Example <alice@example.org>"));
    assert_eq!(work.servers.as_ref().map(Vec::len), Some(2));
    let words = ["pass", "show", "mail/work"].map(str::to_owned).to_vec();
    assert_eq!(work.password, Some(SecretSource::Command(words)));
    assert_eq!(document.accounts["gmail"].extends.as_ref().unwrap().0, "work");
    assert_eq!(document.message.max_recipients, Some(0));
    assert_eq!(document.message.eight_bit, Some(Repair::Pass));
    assert_eq!(document.message.long_lines, Some(Repair::Reject));
    assert_eq!(document.message.stray_cr, Some(StrayCr::Crlf));
    assert!(!document.holds_secret);
    let root = "root@box.example.org".parse().unwrap();
    let shown = document.accounts["gmail"].settings.masquerade.as_ref().unwrap().of(&root);
    assert_eq!(shown.unwrap().to_string(), "alerts@example.org");
    assert_eq!(document.rewrite.domain.unwrap().to_string(), "host.example.org");
    assert_eq!(document.rewrite.aliases, Some("/etc/aliases".into()));
    assert_eq!(document.rewrite.from, Some(FromRule::Set));
}

#[test]
fn the_domain_of_bare_names_may_stand_at_the_top() {
    let document = read("rewrite.domain = 'host.example.org'\n").unwrap();
    assert_eq!(document.rewrite.domain.unwrap().to_string(), "host.example.org");
}

#[test]
fn every_connection_key_is_taken() {
    let settings = account(
        "auth = 'plain, LOGIN'\nallow-cleartext-auth = true\nhelo = 'host.example.org'\n\
         ipv4 = true\nipv6 = false\ntimeout = 90\ndeadline = '1h30m'\npipelining = 'off'\n\
         chunking = 'on'\n\
         dsn = 'Never'\ndsn-return = 'hdrs'\nsave-sent = '~/Maildir/.Sent'\n\
         tls-ca = ['ca.pem', '~/ca.pem', '/ca.pem']\ntls-system-roots = true\n\
         tls-verify = 'no'\ntls-name = 'mx.example.org'",
    );
    assert_eq!(settings.auth, Some(vec!["PLAIN", "LOGIN"]));
    assert_eq!(settings.allow_cleartext_auth, Some(true));
    assert_eq!(settings.helo.unwrap().to_string(), "host.example.org");
    assert_eq!((settings.ipv4, settings.ipv6), (Some(true), Some(false)));
    assert_eq!(settings.timeout, Some(Duration::from_secs(90)));
    assert_eq!(settings.deadline, Some(Duration::from_secs(5_400)));
    assert_eq!(settings.pipelining, Some(Pipelining::Off));
    assert_eq!(settings.chunking, Some(Chunking::On));
    assert_eq!(settings.dsn, Some(Notify::NEVER));
    assert_eq!(settings.dsn_return, Some(Ret::Headers));
    assert_eq!(settings.save_sent, Some("/home/alice/Maildir/.Sent".into()));
    let paths = ["/c/ca.pem", "/home/alice/ca.pem", "/ca.pem"].map(PathBuf::from).to_vec();
    assert_eq!(settings.tls_ca, Some(paths));
    assert_eq!(settings.tls_system_roots, Some(true));
    assert_eq!(settings.tls_verify, Some(false));
    assert_eq!(settings.tls_name.unwrap().to_string(), "mx.example.org");
}

#[test]
fn a_password_is_in_exactly_one_place() {
    for (written, source) in [
        ("{ env = 'P' }", SecretSource::Env("P".into())),
        ("{ file = 'p' }", SecretSource::File("/c/p".into())),
        ("{ credential = 'mail' }", SecretSource::Credential("mail".into())),
        ("{ keyring = true }", SecretSource::Keyring),
        ("{ netrc = true }", SecretSource::Netrc(None)),
        ("{ netrc = 'p' }", SecretSource::Netrc(Some("/c/p".into()))),
        ("{ prompt = true }", SecretSource::Prompt),
        // With an escape: a text that is not the file's own.
        (r#"{ env = "\u0050" }"#, SecretSource::Env("P".into())),
        ("{ command = ['p', ''] }", SecretSource::Command(vec!["p".into(), String::new()])),
    ] {
        assert_eq!(account(&format!("password = {written}")).password, Some(source), "{written}");
    }
    assert!(read("[accounts.a]\npassword = { value = 'p' }").unwrap().holds_secret);
    for written in [
        "{}",
        "{ env = 'P', file = 'p' }",
        "{ prompt = false }",
        "{ keyring = false }",
        "{ keyring = 'hunter2' }",
        "{ netrc = false }",
        "{ netrc = '' }",
        "{ netrc = ['hunter2'] }",
        "{ command = [] }",
        "{ value = '' }",
        "'hunter2'",
        "{ value = ['hunter2'] }",
        "{ hunter = 2 }",
    ] {
        let error = read(&format!("[accounts.a]\npassword = {written}")).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[test]
fn signatures_are_a_list_of_tables() {
    // 6376-3.5
    let settings = account(
        "dkim = [{ domain = 'Example.ORG', selector = 'mail', key = 'rsa.pem' }, \
         { domain = 'example.org', selector = 'b', key = '/k', canonicalization = 'simple/relaxed' }]",
    );
    let signatures = settings.dkim.unwrap();
    let shown = signatures.iter().map(|it| {
        format!("{} {} {} {}", it.selector, it.domain, it.key.display(), it.canonicalization)
    });
    assert_eq!(
        shown.collect::<Vec<_>>(),
        ["mail example.org /c/rsa.pem relaxed/relaxed", "b example.org /k simple/relaxed"]
    );
    let one = account("dkim = { domain = 'a.b', selector = 'c', key = 'd' }").dkim;
    assert_eq!(one.map(|list| list.len()), Some(1));
    assert_eq!(account("dkim = []").dkim, Some(Vec::new()));
    for wrong in [
        "true",
        "[1]",
        "{}",
        "{ domain = 'a.b', selector = 'c' }",
        "{ domain = 'a', selector = 'c', key = 'd' }",
        "{ domain = 'a.b', selector = 'c d', key = 'd' }",
        "{ domain = 'a.b', selector = 'c', key = 'd', canonicalization = 'relaxed' }",
        "[{ domain = 'a.b', selector = 'c', key = 'd' }, { domain = 'a.b', selector = 'c', key = 'e' }]",
    ] {
        let error = read(&format!("[accounts.a]\ndkim = {wrong}")).unwrap_err();
        assert!(matches!(&error, Error::Value { at, .. } if at.line == 2), "{wrong}: {error}");
    }
    let error = read("[accounts.a]\ndkim = { domian = 'a.b' }").unwrap_err();
    assert!(matches!(&error, Error::UnknownKey { nearest: Some("domain"), .. }), "{error}");
}

#[test]
fn an_unknown_key_is_told_with_its_place_and_the_nearest_known_one() {
    for (text, place, key, expected) in [
        ("defualt = 'a'", "1:1", "defualt", "default"),
        ("\n[account.a]", "2:2", "account", "accounts"),
        ("[accounts.a]\n  sevrer = 'x'", "2:3", "sevrer", "server"),
        (
            "[accounts.a]\nallow_cleartext_auth = true",
            "2:1",
            "allow_cleartext_auth",
            "allow-cleartext-auth",
        ),
        ("[accounts.a]\npassword = { comand = ['x'] }", "2:14", "comand", "command"),
        ("[rewrite]\nalias = 'x'", "2:1", "alias", "aliases"),
        ("[message]\nmax-recipient = 1", "2:1", "max-recipient", "max-recipients"),
    ] {
        let error = read(text).unwrap_err();
        let Error::UnknownKey { at, key: found, nearest, known, .. } = &error else {
            panic!("{error}")
        };
        assert_eq!(format!("{}:{}", at.line, at.column), place, "{text}");
        assert_eq!((found.as_ref(), *nearest), (key, Some(expected)), "{text}");
        assert!(known.contains(&expected));
    }
}

#[test]
fn a_key_that_looks_like_none_is_told_without_a_guess() {
    for text in ["[accounts.a]\nhost = 'x'", "[accounts.a]\nport = 25", "server = 'x'"] {
        let error = read(text).unwrap_err();
        assert!(matches!(error, Error::UnknownKey { nearest: None, .. }), "{text}: {error}");
    }
}

#[test]
fn a_password_that_stands_where_its_source_should_is_told_how_to_write_it() {
    let error = read("[accounts.a]\npassword = 'horse'").unwrap_err().to_string();
    assert!(error.contains("password: it is a table that says where to find it"), "{error}");
    assert!(!error.contains("horse"), "{error}");
}

#[test]
fn an_error_reads_as_a_sentence_with_its_place() {
    for (text, sentence) in [
        (
            "[accounts.a]\nsevrer = 'x'",
            "/c/config.toml:2:1: there is no key ‘sevrer’ in [accounts.a]",
        ),
        (
            "[accounts.a]\ntimeout = '5x'",
            "/c/config.toml:2:11: timeout: ‘5x’ is not a duration: write seconds, or units from large to small, as in 90s, 5m, 1h30m or 2d",
        ),
        ("[accounts.a]\nuser = 5", "/c/config.toml:2:8: user: it is a text in quotation marks"),
        (
            "[accounts.a]\nserver = 'h'",
            "/c/config.toml:2:10: server: it does not say how to connect; write smtps://HOST, smtp://HOST or another scheme",
        ),
        (
            "[accounts.a]\nauth = 'NTLM'",
            "/c/config.toml:2:8: auth: ‘NTLM’ is not one of OAUTHBEARER, XOAUTH2, SCRAM-SHA-256-PLUS, SCRAM-SHA-1-PLUS, \
             SCRAM-SHA-256, SCRAM-SHA-1, PLAIN, LOGIN, CRAM-MD5, EXTERNAL, ANONYMOUS",
        ),
    ] {
        assert_eq!(read(text).unwrap_err().to_string(), sentence);
    }
}

#[test]
fn a_value_that_does_not_fit_its_key_is_refused() {
    for line in [
        "auth = 1",
        "allow-cleartext-auth = 'yes'",
        "deadline = 0",
        "deadline = 0x10",
        "timeout = -1",
        "from = ''",
        "from = \"a\\nb\"",
        "user = \"a\\u0000\"",
        "helo = 'a b'",
        "ipv4 = 4",
        "match = [1]",
        "pipelining = 'full'",
        "chunking = true",
        "dsn = ''",
        "dsn = 'never,failure'",
        "dsn = ['failure']",
        "dsn-return = 'none'",
        "save-sent = ''",
        "save-sent = true",
        "log = ''",
        "log = '-'",
        "log = 'syslog:mailer'",
        "log = true",
        "server = []",
        "server = ['smtps://a', 'b']",
        "tls-ca = true",
        "tls-name = 'a b'",
        "tls-verify = 'maybe'",
        "extends = ['b']",
        "masquerade = 'a@b.c'",
        "masquerade = { '*' = 'root' }",
        "masquerade = { '*' = 1 }",
    ] {
        let error = read(&format!("[accounts.a]\n{line}")).unwrap_err();
        assert!(matches!(&error, Error::Value { at, .. } if at.line == 2), "{line}: {error}");
    }
    for line in ["domain = 'a_b'", "domain = ''", "from = 'always'", "aliases = 1"] {
        let error = read(&format!("[rewrite]\n{line}")).unwrap_err();
        assert!(matches!(&error, Error::Value { at, .. } if at.line == 2), "{line}: {error}");
    }
    for text in ["accounts = 1", "default = 1", "message = 1", "[accounts]\na = 1"] {
        assert!(matches!(read(text), Err(Error::Value { .. })), "{text}");
    }
}

#[test]
fn a_text_that_is_not_toml_is_told_without_its_line() {
    // SEC-7: the line may hold a password.
    let error = read("[accounts.a]\npassword = { value = 'hunter2'").unwrap_err();
    assert!(matches!(&error, Error::Syntax { at, .. } if at.line == 2), "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
}

#[test]
fn a_log_is_a_file_or_a_word() {
    for (text, expected) in [
        ("mail.log", Log::File("/c/mail.log".into())),
        ("~/log", Log::File("/home/alice/log".into())),
        ("./syslog", Log::File("/c/./syslog".into())),
        ("/dev/stdout", Log::File("/dev/stdout".into())),
        ("syslog", Log::Syslog(Facility::Mail)),
        ("syslog:local3", Log::Syslog(Facility::Local(3))),
        ("syslog:user", Log::Syslog(Facility::User)),
        ("journal", Log::Syslog(Facility::Mail)),
        ("none", Log::Nowhere),
    ] {
        assert_eq!(account(&format!("log = '{text}'")).log, Some(expected), "{text}");
    }
}
