use super::super::Meaning;
use super::directives::{DIRECTIVES, Directive};
use super::*;
use crate::account::secret::SecretSource;
use crate::account::{Environment, Machine};
use crate::net::Interrupt;
use proptest::prelude::*;
use std::fs;

/// Reads a text as the file `/x/msmtprc` would be read by a user `otto`.
fn reading(octets: &[u8]) -> Result<Import, Error> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("msmtprc");
    fs::write(&file, octets).unwrap();
    let path = |name: &str| directory.path().join(name);
    let machine = Machine {
        mail_name: path("mailname"),
        node: "box.example.org".to_owned(),
        users: path("passwd"),
        aliases: path("aliases"),
    };
    let environment =
        Environment::from([("HOME", "/home/otto"), ("USER", "otto"), ("PATH", "/usr/bin:/bin")]);
    let interrupt = Interrupt::default();
    let context = Context { environment: &environment, machine: &machine, interrupt: &interrupt };
    let (mut import, rules) = read(&Text::of(&file)?, context)?;
    rules::common(&rules, &mut import);
    Ok(import)
}

/// The accounts as they would be written, secrets masked.
fn written(text: &str) -> String {
    let import = reading(text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"));
    import.preview().unwrap()
}

/// The account `default` of a text that begins with a host.
fn account(text: &str) -> String {
    let text = written(&format!("host h.example\n{text}"));
    let (_, keys) = text.split_once("[accounts.default]\n").unwrap();
    keys.trim().to_owned()
}

/// Where and why a text cannot be read.
fn fault(text: &str) -> (usize, String) {
    match reading(text.as_bytes()).map(|import| import.preview()).unwrap_err() {
        Error::Line { line, reason, .. } => (line, reason),
        error => panic!("{error}"),
    }
}

fn meaning(text: &str, line: usize) -> Meaning {
    let import = reading(text.as_bytes()).unwrap();
    import.lines.into_iter().find(|told| told.line == line).unwrap().meaning
}

#[test]
fn tls_and_port_become_the_scheme_of_the_server() {
    for (text, url) in [
        ("", "smtp+notls://h.example"),
        ("port 2525", "smtp+notls://h.example:2525"),
        ("tls on", "smtp://h.example:25"),
        ("tls\nport 587", "smtp://h.example"),
        ("tls on\ntls_starttls off", "smtps://h.example"),
        ("tls on\ntls_starttls off\nport 25", "smtps://h.example:25"),
        ("tls on\ntls off", "smtp+notls://h.example"),
        ("host 2001:db8::1\ntls\nport 587", "smtp://[2001:db8::1]"),
        ("protocol lmtp\nport 24", "lmtp+notls://h.example:24"),
        ("protocol lmtp\nport 24\ntls on", "lmtp://h.example:24"),
        ("protocol lmtp\nsocket /run/lmtp", "lmtp+unix:/run/lmtp"),
    ] {
        let account = account(text);
        assert!(account.contains(&format!("server = \"{url}\"")), "{text}\n{account}");
    }
}

#[test]
fn what_envoi_cannot_connect_to_is_told_and_no_server() {
    for (text, line) in [
        ("host h\nsocket /run/smtp\n", 2),
        ("host h\nprotocol lmtp\n", 1),
        ("host h\nprotocol lmtp\nport 25\n", 1),
        ("host h\nport 24\nprotocol lmtp\ntls on\ntls_starttls off\n", 1),
    ] {
        assert!(matches!(meaning(text, line), Meaning::Lost { .. }), "{text}");
        assert!(!written(text).contains("server"), "{text}");
    }
}

#[test]
fn a_line_is_a_directive_and_its_value_without_blanks_and_one_pair_of_quotation_marks() {
    for (line, user) in [
        ("user a b", "a b"),
        ("  user\t a b \t", "a b"),
        ("user \"a b\"", "a b"),
        ("user \" a \"", " a "),
        ("user \"\"a\"\"", "\"a\""),
        ("user \"a", "\"a"),
        ("user a # b", "a # b"),
        ("user \"a\\\"", "a\\"),
    ] {
        let text = format!("host h\nauth on\n{line}\r\n# user c\n\n   # user d\n");
        let import = reading(text.as_bytes()).unwrap();
        assert_eq!(import.accounts[0].settings.user.as_deref(), Some(user), "{line}");
    }
}

#[test]
fn an_account_copies_the_defaults_and_then_what_was_set_in_others() {
    let text = "defaults\nport 1\ntimeout 5\naccount a\nhost a.example\nfrom a@x.example\n\
                account b\nfrom b@x.example\ndefaults\nport 2\n\
                account c : a, b\naccount d : c\nport 3\n";
    let import = reading(text.as_bytes()).unwrap();
    let value =
        |name: &str, key: &str| import.account(name).unwrap().value(key).unwrap_or_default();
    assert_eq!(value("a", "server"), "\"smtp+notls://a.example:1\"");
    // The port of a was said by defaults, and others have taken its place.
    assert_eq!(value("c", "server"), "\"smtp+notls://a.example:2\"");
    assert_eq!(value("c", "from"), "\"b@x.example\"");
    assert_eq!(value("d", "server"), "\"smtp+notls://a.example:3\"");
    assert_eq!(value("d", "timeout"), "\"5s\"");
    assert_eq!(import.default, None);
}

#[test]
fn what_is_asked_about_reports_is_taken_over() {
    let text = "defaults\nhost h\nfrom a@x.example\naccount a\ndsn_notify failure,delay\n\
                dsn_return hdrs\naccount b\ndsn_notify never\naccount c : a\n\
                dsn_notify off\ndsn_return off\n";
    let import = reading(text.as_bytes()).unwrap();
    let value = |name: &str, key: &str| import.account(name).unwrap().value(key);
    assert_eq!(value("a", "dsn").as_deref(), Some("\"failure,delay\""));
    assert_eq!(value("a", "dsn-return").as_deref(), Some("\"headers\""));
    assert_eq!(value("b", "dsn").as_deref(), Some("\"never\""));
    assert_eq!((value("c", "dsn"), value("c", "dsn-return")), (None, None));
}

#[test]
fn a_structure_that_makes_no_sense_is_an_error_with_its_line() {
    for (text, line) in [
        ("defaults on\n", 1),
        ("account\n", 1),
        ("account a\naccount a\n", 2),
        ("account a : b\naccount b : a\n", 1),
        ("account a : a\n", 1),
        ("account a,b\n", 1),
        ("account a :\n", 1),
        ("account a\naccount b : a,\n", 2),
        ("host h\naccount default\n", 2),
    ] {
        assert_eq!(fault(text).0, line, "{text}");
    }
}

#[test]
fn a_value_that_does_not_fit_is_an_error_with_its_line() {
    for value in [
        "port 0",
        "port 65536",
        "port 587x",
        "port +1",
        "port",
        "tls yes",
        "tls On",
        "timeout 0",
        "timeout",
        "protocol smtps",
        "auth PLAIN",
        "auth anonymous",
        "dsn_notify failure,never",
        "dsn_notify",
        "dsn_return hdr",
        "allow_from_override",
        "tls_nocertcheck on",
        "host",
        "host a_b",
        "source_ip eth0",
        "set_date_header on",
        "user \u{1}",
    ] {
        let text = format!("host h.example\n{value}\n");
        let (line, reason) = fault(&text);
        assert!(line <= 2 && !reason.is_empty(), "{text}: {line} {reason}");
    }
    for value in ["tls_fingerprint 00:11", "tls_host_override a_b"] {
        assert_eq!(fault(&format!("host h\ntls on\n{value}\n")).0, 3, "{value}");
    }
}

#[test]
fn a_line_may_have_499_octets() {
    let line = |length: usize| format!("host h\nuser {}\n", "x".repeat(length - 5));
    assert!(reading(line(499).as_bytes()).is_ok());
    assert_eq!(fault(&line(500)).0, 2);
}

#[test]
fn a_directive_that_msmtp_does_not_know_is_told_without_what_stands_behind_it() {
    let import = reading(b"host h\npasword hunter2\n").unwrap();
    let line = &import.lines[1];
    assert_eq!(line.meaning, Meaning::Unknown { nearest: Some("password") });
    assert_eq!(line.text, "pasword ***");
}

#[test]
fn nobody_signs_in_unless_auth_is_on() {
    for (text, expected) in [
        ("user a\npassword p", ""),
        ("auth off\nuser a\npassword p", ""),
        ("auth on\nuser a\npassword p", "user password"),
        ("auth\nuser a\npassword p", "user password"),
        ("auth plain\nuser a\npassword p\ntls on", "user password auth"),
        ("auth plain\nuser a\npassword p", "user password auth allow-cleartext-auth"),
        ("auth scram-sha-256\nuser a\npassword p", "user password auth"),
        (
            "auth on\nuser a\npassword p\ntls\ntls_certcheck off",
            "user password allow-cleartext-auth",
        ),
        ("auth xoauth2\nuser a\npasswordeval p\ntls", "user token auth"),
        ("auth external\ntls", "auth"),
        ("auth on\npassword p", ""),
        ("auth gssapi\nuser a\npassword p\ntls", "user password"),
    ] {
        let account = account(text);
        let keys = ["user", "password", "token", "auth", "allow-cleartext-auth"];
        let found: Vec<_> =
            keys.into_iter().filter(|key| account.contains(&format!("\n{key} = "))).collect();
        assert_eq!(found.join(" "), expected, "{text}\n{account}");
    }
}

#[test]
fn a_password_is_taken_as_it_stands_and_never_shown() {
    // SEC-7
    let text = b"host h\nauth on\nuser a\npassword \"correct \xff horse\"\n";
    let import = reading(text).unwrap();
    let SecretSource::Value(secret) = import.accounts[0].settings.password.clone().unwrap() else {
        panic!("{import:?}")
    };
    assert_eq!(secret, crate::sasl::Secret::new(*b"correct \xff horse"));
    assert!(!format!("{import:?}").contains("horse"));
}

#[test]
fn a_password_command_is_for_a_shell() {
    let import =
        reading(b"host h\nauth on\nuser a\npasswordeval \"gpg -d x | head -1\"\n").unwrap();
    let words = ["sh", "-c", "gpg -d x | head -1"].map(str::to_owned);
    assert_eq!(import.accounts[0].settings.password, Some(SecretSource::Command(words.into())));
    assert!(!format!("{:?} {}", import.lines, import.preview().unwrap()).contains("gpg"));
}

#[test]
fn who_is_trusted_becomes_the_keys_of_tls() {
    let sha256 = ["00"; 32].join(":");
    for (text, expected) in [
        ("", "tls-system-roots = true"),
        ("tls_trust_file system", "tls-system-roots = true"),
        ("tls_trust_file", ""),
        ("tls_trust_file ~/ca.pem", "tls-ca = \"/home/otto/ca.pem\""),
        ("tls_certcheck off", "tls-system-roots = true\ntls-verify = false"),
        ("tls_trust_file\ntls_host_override a.example", "tls-name = \"a.example\""),
    ] {
        let account = account(&format!("tls on\nport 587\n{text}"));
        let keys = account.trim_start_matches("server = \"smtp://h.example\"").trim();
        assert_eq!(keys, expected, "{text}");
    }
    let pinned = account(&format!("tls on\ntls_fingerprint {sha256}"));
    assert!(pinned.contains(&format!("tls-pin = \"sha256:{}\"", "00".repeat(32))), "{pinned}");
    for octets in [16, 20] {
        let text = format!("host h\ntls on\ntls_fingerprint {}\n", vec!["00"; octets].join(":"));
        assert!(matches!(meaning(&text, 3), Meaning::Lost { .. }), "{text}");
        assert!(!written(&text).contains("tls-pin"));
    }
    // Without TLS nothing of it has an effect.
    assert!(!account("tls_certcheck off\ntls_trust_file x").contains("tls-"));
}

#[test]
fn a_sender_is_an_address_a_pattern_or_computed() {
    for (text, expected) in [
        ("from a@x.example", "from = \"a@x.example\""),
        ("from *@x.example", "match = \"*@x.example\""),
        ("from %U@%H", "from = \"otto@box.example.org\""),
        ("from %F", ""),
        ("auto_from on\nmaildomain x.example\nfrom b@y.example", "from = \"otto@x.example\""),
        ("maildomain x.example\nfrom b@y.example", "from = \"b@y.example\""),
        ("from alice", ""),
        ("from a@x.example\nfrom", ""),
    ] {
        let account = account(text);
        let (before, _) = account.split_once("server").unwrap();
        assert_eq!(before.trim(), expected, "{text}");
    }
    let named = account("from a@x.example\nfrom_full_name A \"B\" C");
    assert!(named.contains(r#"A \"B\" C"#), "{named}");
}

#[test]
fn a_line_that_eval_computes_is_as_if_it_stood_there() {
    let text = "eval echo 'host h.example'\neval \"printf 'port 77\\nport 78\\n'\"\n";
    assert!(written(text).contains("smtp+notls://h.example:77"));
    // SEC-7
    let import = reading(b"host h\nauth on\nuser a\neval echo 'password hunter2'\n").unwrap();
    let Some(SecretSource::Command(words)) = &import.accounts[0].settings.password else {
        panic!("{import:?}")
    };
    assert_eq!(words[..2], ["sh", "-c"]);
    assert!(!format!("{:?} {}", import.lines, import.preview().unwrap()).contains("hunter2"));
}

#[test]
fn an_eval_that_computes_nothing_is_an_error() {
    for command in ["true", "false", "echo x; exit 3"] {
        let error = reading(format!("host h\neval {command}\n").as_bytes()).unwrap_err();
        let Error::Computed { line: at, .. } = &error else { panic!("{error}") };
        assert_eq!(*at, 2, "{command}");
    }
    assert!(reading(b"eval echo '# nothing'\nhost h\n").is_ok());
    assert_eq!(meaning("host h\neval echo eval true\n", 2), Meaning::Unknown { nearest: None });
}

#[test]
fn rules_for_addresses_are_common_to_every_account() {
    let text = "account a\nhost h\naliases ~/one\nset_from_header on\n\
                account default\nhost h\naliases ~/two\n";
    let import = reading(text.as_bytes()).unwrap();
    assert_eq!(import.rewrite.aliases, Some("/home/otto/two".into()));
    assert_eq!(import.rewrite.from, None);
    for line in [3, 4] {
        assert!(matches!(meaning(text, line), Meaning::Lost { .. }), "{line}");
    }
    let text = "defaults\nset_from_header on\naccount a\nhost h\naccount b\nhost h\n";
    let import = reading(text.as_bytes()).unwrap();
    assert_eq!(import.rewrite_value("from").unwrap(), "\"set\"");
}

#[test]
fn an_account_without_aliases_is_told_that_it_gets_those_of_another() {
    let warning = |text: &str, line: usize| {
        let import = reading(text.as_bytes()).unwrap();
        import.lines.into_iter().find(|told| told.line == line).unwrap().warning
    };
    let text = "account a\nhost h\naliases ~/one\naccount b\nhost h\naccount c : b\nport 26\n";
    let warned = warning(text, 3).unwrap();
    assert!(warned.contains("through ‘b’, ‘c’ is looked up"), "{warned}");
    let same = "account a\nhost h\naliases ~/one\naccount b : a\nport 26\n";
    assert_eq!(warning(same, 3), None);
}

#[test]
fn a_line_that_is_said_again_has_no_effect() {
    let text = "host a.example\nhost b.example\n";
    assert!(matches!(meaning(text, 1), Meaning::Already(_)));
    assert!(written(text).contains("b.example"));
}

#[test]
fn a_default_that_only_copies_is_a_name() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("msmtprc");
    let environment = Environment::from([("HOME", "/home/otto")]);
    let machine = Machine::this();
    let interrupt = Interrupt::default();
    let context = Context { environment: &environment, machine: &machine, interrupt: &interrupt };
    let imported = |text: &str| {
        fs::write(&file, text).unwrap();
        let import = import(&file, context).unwrap();
        let names: Vec<_> = import.accounts.iter().map(|account| account.name.clone()).collect();
        (names.join(" "), import.default.clone().unwrap_or_default(), import.remarks.len())
    };
    let expected =
        |names: &str, default: &str, remarks| (names.to_owned(), default.to_owned(), remarks);
    assert_eq!(imported("account a\nhost h\naccount default : a\n"), expected("a", "a", 0));
    assert_eq!(
        imported("account a\nhost h\naccount default : a\nport 26\n"),
        expected("a default", "default", 0)
    );
    // Only a model for others.
    assert_eq!(imported("account a\nport 26\naccount b : a\nhost h\n"), expected("b", "", 0));
    assert_eq!(
        imported("account a\nhost h\nfrom x@y.z\naccount b\nhost i\nfrom X@y.z\n"),
        expected("a b", "", 1)
    );
}

#[test]
fn every_directive_has_a_meaning() {
    for directive in DIRECTIVES {
        for value in ["", "on", "off", "1", "a", "auto", "smtp", "never"] {
            if let Ok(value) = directive.takes.read(value) {
                let (name, value) = directive.today(value);
                assert!(Directive::named(name).is_some(), "{name}");
                let told = (directive.becomes)(value);
                assert!(!matches!(told, Meaning::Structure | Meaning::Unknown { .. }), "{name}");
            }
        }
    }
}

fn lines() -> impl Strategy<Value = String> {
    let names: Vec<&str> = DIRECTIVES.iter().map(|directive| directive.name).collect();
    let values = prop_oneof![
        Just("on".to_owned()),
        Just("off".to_owned()),
        Just(String::new()),
        "[a-z:,\"@* 0-9\\[\\]%~./-]{0,20}"
    ];
    let directive =
        (prop::sample::select(names), values).prop_map(|(name, value)| format!("{name} {value}"));
    let account = "account [ab] ?:? ?[ab]?";
    prop_oneof![4 => directive, 1 => account.prop_map(|text| text), 1 => Just("defaults".to_owned())]
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(octets in prop::collection::vec(any::<u8>(), 0..300)) {
        // A shell could do anything.
        prop_assume!(!octets.windows(4).any(|word| word == b"eval"));
        let _ = reading(&octets);
    }

    #[test]
    fn no_lines_make_it_panic_and_what_is_read_can_be_written(
        lines in prop::collection::vec(lines(), 0..12)
    ) {
        if let Ok(import) = reading(lines.join("\n").as_bytes()) {
            prop_assert!(import.preview().is_ok());
        }
    }
}

#[test]
fn a_log_stays_where_msmtp_keeps_it() {
    for (text, expected) in [
        ("logfile ~/.msmtp.log", "log = \"/home/otto/.msmtp.log\""),
        ("logfile -", "log = \"/dev/stdout\""),
        ("syslog on", "log = \"syslog:user\""),
        ("syslog LOG_MAIL", "log = \"syslog\""),
        ("syslog LOG_LOCAL3", "log = \"syslog:local3\""),
        ("syslog off", ""),
        ("logfile x\nlogfile", ""),
        ("logfile ~/l\nsyslog on", "log = \"/home/otto/l\""),
    ] {
        let account = account(text);
        let logged = account.lines().find(|line| line.starts_with("log = "));
        assert_eq!(logged.unwrap_or_default(), expected, "{text}");
    }
    let both = "host h\nlogfile ~/l\nsyslog on\n";
    assert!(matches!(meaning(both, 3), Meaning::Lost { .. }));
}
