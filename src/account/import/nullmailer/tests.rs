use super::*;
use proptest::prelude::*;
use std::fs;

/// Reads remotes, with these files beside it.
fn reading(remotes: impl AsRef<[u8]>, others: &[(&str, &str)]) -> Result<Import, Error> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("remotes");
    fs::write(&file, remotes).unwrap();
    for (name, text) in others {
        fs::write(directory.path().join(name), text).unwrap();
    }
    import(&file)
}

fn written(remotes: &str, others: &[(&str, &str)]) -> String {
    let import = reading(remotes, others).unwrap_or_else(|error| panic!("{error}\n{remotes}"));
    import.preview().unwrap()
}

#[test]
fn options_become_the_scheme_of_the_server() {
    for (line, url) in [
        ("h.example", "smtp+notls://h.example"),
        ("h.example smtp --port=587 --starttls", "smtp://h.example"),
        ("h.example smtp port=587 starttls", "smtp://h.example"),
        ("h.example smtp ssl", "smtps://h.example"),
        ("h.example smtp tls port=4650", "smtps://h.example:4650"),
        ("2001:db8::1", "smtp+notls://[2001:db8::1]"),
    ] {
        let written = written(line, &[]);
        assert!(written.contains(&format!("server = \"{url}\"")), "{line}\n{written}");
    }
}

#[test]
fn servers_of_one_sign_in_are_tried_in_their_order() {
    let remotes = "# ours\none.example smtp starttls user=a pass='p q'\n\
                   two.example smtp starttls user=a pass=\"p q\" port=587\n\
                   three.example smtp starttls user=b pass=r\n";
    let import = reading(remotes, &[("helohost", "box.example.org\n")]).unwrap();
    let names: Vec<_> = import.accounts.iter().map(|account| account.name.as_str()).collect();
    assert_eq!(names, ["nullmailer", "nullmailer-2"]);
    let first = &import.accounts[0].settings;
    let servers: Vec<_> = first.servers.iter().flatten().map(ToString::to_string).collect();
    assert_eq!(servers, ["smtp://one.example:25", "smtp://two.example"]);
    assert_eq!(first.password, Some(SecretSource::Value(Secret::new("p q"))));
    assert_eq!(first.helo, "box.example.org".parse().ok());
    assert_eq!(import.default.as_deref(), Some("nullmailer"));
    assert!(import.remarks.iter().any(|remark| remark.contains("--account nullmailer-2")));
    // SEC-7
    let shown = format!("{:?}{}", import.lines, import.preview().unwrap());
    assert!(shown.contains("pass=***") && !shown.contains("p q"), "{shown}");
}

#[test]
fn who_is_trusted_becomes_the_keys_of_tls() {
    for (options, expected) in [
        ("tls", "tls-system-roots = true"),
        ("tls x509cafile=/ca.pem", "tls-ca = \"/ca.pem\""),
        ("tls insecure", "tls-verify = false"),
        (
            "tls x509certfile=/c.pem x509keyfile=/c.key",
            "tls-cert = \"/c.pem\"\ntls-key = \"/c.key\"",
        ),
        ("tls insecure user=a pass=p", "allow-cleartext-auth = true"),
        ("user=a pass=p auth-login", "auth = \"LOGIN\"\nallow-cleartext-auth = true"),
    ] {
        let written = written(&format!("h.example smtp {options}"), &[]);
        assert!(written.contains(expected), "{options}\n{written}");
    }
}

#[test]
fn the_files_beside_it_are_read() {
    let written = written(
        "h.example",
        &[
            ("me", "box.example.org\n"),
            ("defaulthost", "  example.org  \n"),
            ("adminaddr", "admin@example.org\n"),
            ("allmailfrom", "robot@example.org\n"),
            ("pausetime", "60\n"),
            ("sendtimeout", "120\n"),
            ("idhost", "\n"),
        ],
    );
    for line in [
        "domain = \"example.org\"",
        "helo = \"box.example.org\"",
        "masquerade = { \"*\" = \"robot@example.org\" }",
        "deadline = \"2m\"",
    ] {
        assert!(written.contains(line), "{line}\n{written}");
    }
}

#[test]
fn a_server_that_envoi_cannot_use_is_told_and_left_out() {
    let import =
        reading("a.example qmqp\nb.example smtp tls tls-anon-auth insecure\n", &[]).unwrap();
    assert!(import.accounts.is_empty());
    assert!(import.lines.iter().all(|line| matches!(line.meaning, Meaning::Lost { .. })));
}

#[test]
fn what_cannot_be_read_is_an_error_with_its_line_and_without_its_words() {
    for line in ["h smtp 'x", "h smtp port=0", "h smtp paswd=hunter2", "a_b smtp"] {
        let error = reading(format!("\n{line}\n"), &[]).unwrap_err();
        let Error::Line { line: at, .. } = &error else { panic!("{error}") };
        assert_eq!(*at, 2, "{line}");
        assert!(!error.to_string().contains("hunter2"));
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(
        octets in prop::collection::vec(any::<u8>(), 0..200), text in "([a-z ='\"-]{0,30}\n){0,9}"
    ) {
        let _ = reading(octets, &[("me", &text)]);
        let _ = reading(text, &[]);
    }
}
