use super::*;

fn file(text: &str) -> Result<ServerUrl, ServerError> {
    ServerUrl::parse(text, Origin::File)
}

#[test]
fn a_scheme_says_port_and_protection() {
    for (text, place, security) in [
        ("smtps://mail.example.org", "mail.example.org:465", Security::Implicit),
        ("smtp://mail.example.org", "mail.example.org:587", Security::StartTls),
        ("smtp+tls://mail.example.org/", "mail.example.org:587", Security::StartTls),
        ("smtp+notls://localhost", "localhost:25", Security::Cleartext),
        ("smtp+opportunistic://mx", "mx:25", Security::Opportunistic),
        ("SMTPS://Mail.Example.ORG.:8465", "mail.example.org:8465", Security::Implicit),
        ("smtp://192.0.2.1:2525", "192.0.2.1:2525", Security::StartTls),
        ("smtp://[2001:db8::1]", "[2001:db8::1]:587", Security::StartTls),
        ("smtps://[::1]:4650", "[::1]:4650", Security::Implicit),
        ("smtps://bücher.example", "xn--bcher-kva.example:465", Security::Implicit),
    ] {
        let Ok(ServerUrl::Server(server)) = file(text) else { panic!("{text}") };
        assert_eq!(server.endpoint.to_string(), place, "{text}");
        assert_eq!(server.endpoint.security, security, "{text}");
        assert_eq!((server.user, server.password), (None, None), "{text}");
    }
}

#[test]
fn lmtp_is_spoken_where_the_url_says_so() {
    let endpoint = |text: &str| match file(text) {
        Ok(ServerUrl::Server(server)) => server.endpoint,
        other => panic!("{text}: {other:?}"),
    };
    for (text, place, security) in [
        ("lmtp://mail.example.org:24", "mail.example.org:24", Security::StartTls),
        ("lmtp+notls://localhost:24/", "localhost:24", Security::Cleartext),
        ("lmtp+unix:/run/dovecot/lmtp", "/run/dovecot/lmtp", Security::Cleartext),
        ("lmtp+unix:///run/dovecot/lmtp", "/run/dovecot/lmtp", Security::Cleartext),
        ("LMTP+UNIX:/run/a%20b?#@c", "/run/a%20b?#@c", Security::Cleartext),
    ] {
        let endpoint = endpoint(text);
        assert_eq!(endpoint.to_string(), place, "{text}");
        assert_eq!((endpoint.protocol, endpoint.security), (Protocol::Lmtp, security));
    }
    assert_eq!(endpoint("smtp://a.b").protocol, Protocol::Smtp);
}

#[test]
fn the_sink_may_name_a_directory() {
    assert_eq!(file("sink:"), Ok(ServerUrl::Sink(None)));
    assert_eq!(file("sink:/tmp/x"), Ok(ServerUrl::Sink(Some("/tmp/x".into()))));
}

#[test]
fn a_user_name_may_be_an_address() {
    for (text, user) in [
        ("smtps://alice@mail.example.org", "alice"),
        ("smtps://alice@example.org@mail.example.org", "alice@example.org"),
        ("smtps://alice%40example.org@mail.example.org", "alice@example.org"),
        ("smtps://a%3Ab@mail.example.org", "a:b"),
        ("smtps://%C3%A9@mail.example.org", "é"),
    ] {
        let url = file(text).unwrap();
        assert_eq!(url.user(), Some(user), "{text}");
        assert_eq!(url.without_user().user(), None, "{text}");
    }
}

#[test]
fn a_password_is_taken_from_anywhere_but_argv() {
    // SEC-7
    let text = "smtps://alice:hunter%322@mail.example.org";
    assert_eq!(ServerUrl::parse(text, Origin::CommandLine), Err(ServerError::Password));
    for origin in [Origin::Environment, Origin::File] {
        let url = ServerUrl::parse(text, origin).unwrap();
        assert!(url.has_password());
        let ServerUrl::Server(server) = &url else { panic!("a server") };
        assert_eq!(server.password, Some(Secret::new("hunter22")));
        let shown = format!("{url} {url:?}");
        assert!(!shown.contains("hunter"), "{shown}");
    }
}

#[test]
fn what_is_no_url_is_refused_with_its_reason() {
    // SEC-4, SEC-18
    let lone = |host: &str| ServerError::NoScheme { host: Some(host.to_owned()) };
    let unknown = |scheme: &str| ServerError::UnknownScheme { scheme: scheme.to_owned() };
    for (text, expected) in [
        ("", ServerError::NoScheme { host: None }),
        ("mail.example.org", lone("mail.example.org")),
        ("mail.example.org:587", lone("mail.example.org:587")),
        ("localhost:2525", lone("localhost:2525")),
        ("alice:hunter2@mail.example.org", ServerError::NoScheme { host: None }),
        ("smtp:mail.example.org", ServerError::NoScheme { host: None }),
        ("http://mail.example.org", unknown("http")),
        ("mx:", ServerError::NotSpoken("deliver to mail exchangers")),
        ("lmtp://localhost", ServerError::NoPort),
        ("lmtp+notls://localhost", ServerError::NoPort),
        // 2033
        ("lmtp://localhost:25", ServerError::SmtpPort),
        ("lmtp+unix:", ServerError::SocketPath),
        ("lmtp+unix:lmtp", ServerError::SocketPath),
        ("lmtp+unix:./lmtp", ServerError::SocketPath),
        ("lmtp+unix:~/lmtp", ServerError::SocketPath),
        ("lmtp+unix://localhost/run/lmtp", ServerError::SocketPath),
        ("lmtp+unix://alice@/run/lmtp", ServerError::SocketPath),
        (&format!("lmtp+unix:/{}", "x".repeat(107)), ServerError::SocketPath),
        ("smtps://", ServerError::NoHost),
        ("smtps://:465", ServerError::NoHost),
        ("smtps://a b", ServerError::Host),
        ("smtps://a\r\nQUIT", ServerError::Host),
        ("smtps://a_b", ServerError::Host),
        ("smtps://[::1", ServerError::Host),
        ("smtps://[mail.example.org]", ServerError::Host),
        ("smtps://[::1]x", ServerError::Host),
        ("smtps://2001:db8::1", ServerError::Host),
        ("smtps://a:0", ServerError::Port),
        ("smtps://a:65536", ServerError::Port),
        ("smtps://a:", ServerError::Port),
        ("smtps://a:+5", ServerError::Port),
        ("smtps://a:smtp", ServerError::Port),
        ("smtps://a/b", ServerError::Trailing),
        ("smtps://a?b", ServerError::Trailing),
        ("smtps://@a", ServerError::User),
        ("smtps://%@a", ServerError::User),
        ("smtps://%zz@a", ServerError::User),
        ("smtps://%0d%0a@a", ServerError::User),
        ("smtps://%ff@a", ServerError::User),
    ] {
        assert_eq!(file(text), Err(expected), "{text}");
    }
}

#[test]
fn a_reason_never_repeats_the_text() {
    // SEC-7
    for text in ["x:hunter2@h", "smtp:u:hunter2@h", "foo://u:hunter2@h", "smtp://u:hunter2@h/x"] {
        let error = file(text).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{text}");
    }
}

#[test]
fn the_shown_form_reads_back() {
    for text in [
        "smtps://a.b",
        "smtp://a.b:25",
        "smtp+notls://[::1]",
        "smtp+opportunistic://a.b",
        "lmtp://a.b:24",
        "lmtp+notls://[::1]:2424",
        "lmtp+unix:/run/dovecot/lmtp",
        "sink:",
        "sink:/x",
    ] {
        assert_eq!(file(text).unwrap().to_string(), text);
    }
}
