use super::*;
use proptest::prelude::*;
use std::fs;

/// Reads ssmtp.conf, and revaliases if there are any.
fn reading(conf: impl AsRef<[u8]>, aliases: Option<&str>) -> Result<Import, Error> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ssmtp.conf");
    fs::write(&file, conf).unwrap();
    if let Some(text) = aliases {
        fs::write(directory.path().join("revaliases"), text).unwrap();
    }
    import(&file)
}

fn written(conf: &str, aliases: Option<&str>) -> String {
    reading(conf, aliases).unwrap_or_else(|error| panic!("{error}\n{conf}")).preview().unwrap()
}

#[test]
fn tls_and_port_become_the_scheme_of_the_server() {
    for (conf, url) in [
        ("mailhub=h.example", "smtp+notls://h.example"),
        ("MAILHUB = h.example:587\nUseSTARTTLS=yes", "smtp://h.example"),
        ("Mailhub=h.example:465\nUseTLS=YES", "smtps://h.example"),
        ("Mailhub=h.example:587\nUseTLS=YES\nUseSTARTTLS=Yes", "smtp://h.example"),
        ("Mailhub=192.0.2.1:2525 # ours\nUseTLS=No", "smtp+notls://192.0.2.1:2525"),
    ] {
        let written = written(conf, None);
        assert!(written.contains(&format!("server = \"{url}\"")), "{conf}\n{written}");
    }
}

#[test]
fn every_key_has_a_meaning() {
    let conf = "Root=postmaster@example.org\nMailhub=h.example:465\nRewriteDomain=x.example\n\
                Hostname=box.example.org\nFromLineOverride=YES\nUseTLS=YES\nAuthUser=alice\n\
                AuthPass=hunter2=x\nAuthMethod=LOGIN\nDebug=YES\nbogus=y\n";
    let import = reading(conf, None).unwrap();
    assert_eq!(
        import.preview().unwrap(),
        "default = \"ssmtp\"\n\n[rewrite]\ndomain = \"x.example\"\n\n[accounts.ssmtp]\n\
         server = \"smtps://h.example\"\nuser = \"alice\"\npassword = { value = \"***\" }\n\
         auth = \"LOGIN\"\nhelo = \"box.example.org\"\ntls-system-roots = true\n"
    );
    let lost = import.lines.iter().filter(|line| matches!(line.meaning, Meaning::Lost { .. }));
    assert_eq!(lost.count(), 2);
    assert!(matches!(import.lines[10].meaning, Meaning::Unknown { .. }));
    assert!(import.lines[7].warning.is_some());
    // SEC-7
    assert!(!format!("{import:?}").contains("hunter2"));
    assert_eq!(
        import.account("ssmtp").unwrap().settings.password,
        Some(SecretSource::Value(Secret::new("hunter2=x")))
    );
}

#[test]
fn a_password_in_clear_is_said_aloud() {
    let written = written("Mailhub=h\nAuthUser=a\nAuthPass=p", None);
    assert!(written.contains("allow-cleartext-auth = true"), "{written}");
}

#[test]
fn users_are_shown_as_revaliases_say() {
    let text = "# a comment\nroot:alerts@example.org:h.example:25\ncron:jobs@example.org\n";
    let import = reading("Mailhub=h.example", Some(text)).unwrap();
    let shown = import.accounts[0].settings.masquerade.clone().unwrap();
    let of = |sender: &str| shown.of(&sender.parse().unwrap()).map(|shown| shown.to_string());
    assert_eq!(of("root@box.example").as_deref(), Some("alerts@example.org"));
    assert_eq!(of("bob@box.example"), None);
    assert_eq!(import.files.len(), 2);
    let other = reading("Mailhub=h.example", Some("a:a@x.example:other.example\n")).unwrap();
    assert!(other.lines[1].warning.is_some());
}

#[test]
fn what_cannot_be_read_is_an_error_with_its_line() {
    for (conf, aliases) in [
        ("\nMailhub=a b", None),
        ("\nMailhub=h:x", None),
        ("\nMailhub=h:0", None),
        ("\nHostname=\u{1}", None),
        ("Mailhub=h", Some("\nroot\n")),
        ("Mailhub=h", Some("\nroot:nowhere\n")),
    ] {
        let error = reading(conf, aliases).unwrap_err();
        let Error::Line { line: at, .. } = &error else { panic!("{error}") };
        assert_eq!(*at, 2, "{conf} {aliases:?}");
    }
    assert!(reading("", None).unwrap().accounts.is_empty());
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(
        octets in prop::collection::vec(any::<u8>(), 0..200), text in "([a-zA-Z]{0,9}[=: ]?.{0,9}\n){0,9}"
    ) {
        let _ = reading(octets, Some(&text));
        let _ = reading(text, None);
    }
}
