use super::super::{Account, Accounts, Choice, Settings};
use super::*;
use crate::net::Host;
use std::fs::{Permissions, set_permissions, write};
use std::os::unix::fs::PermissionsExt;

fn file(text: &str) -> Result<ProxyChoice, ProxyError> {
    ProxyChoice::parse(text, Origin::File)
}

fn place(text: &str, origin: Origin) -> String {
    match ProxyChoice::parse(text, origin) {
        Ok(ProxyChoice::Through(proxy)) => proxy.place().to_string(),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn a_url_says_protocol_and_port() {
    for (text, expected) in [
        ("socks5://proxy.example", "socks5://proxy.example:1080"),
        ("socks5h://Proxy.Example:9050/", "socks5://proxy.example:9050"),
        ("socks://127.0.0.1", "socks5://127.0.0.1:1080"),
        ("SOCKS5://[::1]:1081", "socks5://[::1]:1081"),
        ("http://proxy.example", "http://proxy.example:1080"),
        ("http://proxy.example:3128", "http://proxy.example:3128"),
        (" http://alice:hunter2@bücher.example ", "http://xn--bcher-kva.example:1080"),
    ] {
        assert_eq!(place(text, Origin::File), expected, "{text}");
    }
}

#[test]
fn none_and_nothing_are_no_proxy() {
    for text in ["", " ", "none"] {
        assert_eq!(file(text), Ok(ProxyChoice::Direct), "{text:?}");
    }
}

#[test]
fn a_host_without_a_scheme_is_an_http_proxy_in_the_environment_only() {
    let text = "alice:hunter2@proxy.example:3128";
    assert_eq!(place(text, Origin::Environment), "http://proxy.example:3128");
    assert_eq!(file(text), Err(ProxyError::NoScheme { host: None }));
    let lone = ProxyError::NoScheme { host: Some("proxy.example:3128".to_owned()) };
    assert_eq!(file("proxy.example:3128"), Err(lone));
}

#[test]
fn a_password_is_taken_from_anywhere_but_argv() {
    // SEC-7
    let text = "socks5://alice:hunter%322@proxy.example";
    let refused = Err(ProxyError::Place(ServerError::Password));
    assert_eq!(ProxyChoice::parse(text, Origin::CommandLine), refused);
    for origin in [Origin::Environment, Origin::File] {
        let choice = ProxyChoice::parse(text, origin).unwrap();
        assert!(choice.has_password());
        assert!(!format!("{choice:?}").contains("hunter"), "{choice:?}");
    }
    let alone = ProxyChoice::parse("socks5://alice@proxy.example", Origin::CommandLine);
    assert!(!alone.unwrap().has_password());
}

#[test]
fn what_is_no_proxy_is_refused_with_its_reason_and_never_repeated() {
    // SEC-7
    let long = format!("socks5://a:{}hunter2@h", "x".repeat(255));
    for (text, expected) in [
        ("socks4://u:hunter2@h", "envoi does not speak SOCKS4 to a proxy"),
        ("socks4a://h", "envoi does not speak SOCKS4 to a proxy"),
        ("https://u:hunter2@h", "envoi does not speak HTTP over TLS to a proxy"),
        ("ftp://u:hunter2@h", "there is no scheme ‘ftp’ for a proxy"),
        ("u:hunter2@h", "it does not say what the proxy speaks"),
        ("socks5://", "it names no host"),
        ("socks5://u:hunter2@h:0", "its port is not a number from 1 to 65535"),
        ("socks5://h/x", "nothing may follow the host and port"),
        ("socks5://:hunter2@h", "the user name in it is empty"),
        (&long, "SOCKS5 carries a user and a password of at most 255 octets each"),
        ("http://a%3Ab:hunter2@h", "HTTP carries no user with a colon"),
    ] {
        let error = file(text).unwrap_err();
        assert!(error.to_string().starts_with(expected), "{text}: {error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{text}");
    }
}

/// The account that this configuration and these variables make, and the error
/// of `Accounts` in words.
fn account(config: &str, variables: &[(&str, &str)], typed: Settings) -> Result<Account, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    write(&path, config).unwrap();
    set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let environment: Environment = variables.iter().copied().collect();
    let accounts = Accounts::load(Some(&path), &environment).map_err(|error| error.to_string())?;
    accounts.choose(Choice { typed, ..Choice::default() }).map_err(|error| error.to_string())
}

/// What leads to this server by this account: a proxy, `straight`, or an error.
fn way(account: &Account, host: &str) -> String {
    let host = host.parse().map_or_else(|_| Host::Name(host.to_owned()), Host::Address);
    let security = crate::net::Security::StartTls;
    match account.proxy.to(&Endpoint { host, port: 587, security }) {
        Ok(Some(proxy)) => proxy.place().to_string(),
        Ok(None) => "straight".to_owned(),
        Err(error) => error.to_string(),
    }
}

const PLAIN: &str = "[accounts.a]\nserver = 'smtp://mail.example.org'\n";
const KEYED: &str =
    "[accounts.a]\nserver = 'smtp://mail.example.org'\nproxy = 'socks5://key.example'\n";

#[test]
fn an_option_stands_above_the_key_and_both_above_the_environment() {
    let variables = &[("ALL_PROXY", "http://variable.example")];
    let typed = |text| Settings {
        proxy: Some(ProxyChoice::parse(text, Origin::CommandLine).unwrap()),
        ..Settings::default()
    };
    for (config, typed, expected) in [
        (PLAIN, Settings::default(), "http://variable.example:1080"),
        (KEYED, Settings::default(), "socks5://key.example:1080"),
        (KEYED, typed("http://typed.example:8080"), "http://typed.example:8080"),
        (KEYED, typed("none"), "straight"),
        (PLAIN, typed(""), "straight"),
    ] {
        let account = account(config, variables, typed).unwrap();
        assert_eq!(way(&account, "mail.example.org"), expected);
    }
}

#[test]
fn the_proxy_of_the_environment_is_not_for_this_machine_nor_for_its_exceptions() {
    let variables = &[("ALL_PROXY", "socks5://p.example"), ("NO_PROXY", "example.net,10.0.0.0/8")];
    let account = account(PLAIN, variables, Settings::default()).unwrap();
    for (host, expected) in [
        ("mail.example.org", "socks5://p.example:1080"),
        ("192.0.2.1", "socks5://p.example:1080"),
        ("mail.example.net", "straight"),
        ("10.1.2.3", "straight"),
        ("localhost", "straight"),
        ("a.localhost", "straight"),
        ("127.0.0.2", "straight"),
        ("::1", "straight"),
    ] {
        assert_eq!(way(&account, host), expected, "{host}");
    }
}

#[test]
fn a_proxy_that_was_said_is_for_every_server() {
    let variables = &[("NO_PROXY", "*")];
    let account = account(KEYED, variables, Settings::default()).unwrap();
    for host in ["mail.example.org", "localhost", "127.0.0.1"] {
        assert_eq!(way(&account, host), "socks5://key.example:1080", "{host}");
    }
}

#[test]
fn of_two_spellings_of_a_variable_the_small_letters_count() {
    let variables = &[("ALL_PROXY", "http://large"), ("all_proxy", "http://small")];
    let account = account(PLAIN, variables, Settings::default()).unwrap();
    assert_eq!(way(&account, "mail.example.org"), "http://small:1080");
}

#[test]
fn a_bad_variable_matters_only_where_it_is_used() {
    let variables = &[("ALL_PROXY", "socks4://u:hunter2@h")];
    let account = account(PLAIN, variables, Settings::default()).unwrap();
    assert_eq!(way(&account, "localhost"), "straight");
    let error = way(&account, "mail.example.org");
    assert!(error.starts_with("the environment variable ALL_PROXY: envoi does not"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn a_password_in_a_file_that_others_may_read_is_refused() {
    // SEC-9
    let config = |proxy: &str| format!("{PLAIN}proxy = '{proxy}'\n");
    let error = account(&config("socks5://alice:hunter2@h"), &[], Settings::default());
    let error = error.unwrap_err();
    assert!(error.contains("holds a password, but"), "{error}");
    assert!(account(&config("socks5://alice@h"), &[], Settings::default()).is_ok());
}

#[test]
fn a_source_is_an_address_of_the_family_that_is_used() {
    let config = |more: &str| format!("{PLAIN}{more}\n");
    let said = |more: &str| account(&config(more), &[], Settings::default());
    let source = said("source = '192.0.2.1'\nipv4 = true").unwrap().source;
    assert_eq!(source, Some("192.0.2.1".parse().unwrap()));
    let error = said("source = '2001:db8::1'\nipv4 = true").unwrap_err();
    assert!(error.contains("IPv4 only, but from 2001:db8::1"), "{error}");
    for wrong in ["source = 'eth0'", "source = '192.0.2.1:25'", "source = 1"] {
        assert!(said(wrong).unwrap_err().contains("source: it is"), "{wrong}");
    }
}
