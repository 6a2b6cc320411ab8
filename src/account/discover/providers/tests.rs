use super::*;
use crate::account::name;
use crate::net::{HttpUrl, Security};

fn address(text: &str) -> Mailbox {
    text.parse().unwrap()
}

/// Servers, and who signs in.
fn told(known: &Known) -> Vec<String> {
    let of = |it: &Candidate| format!("{} {}", it.endpoint, it.user.as_deref().unwrap_or("-"));
    known.candidates.iter().map(of).collect()
}

#[test]
fn a_provider_is_known_by_the_domain_of_an_address() {
    let known = by_domain(&address("tim@GMail.com")).unwrap();
    assert_eq!(known.provider, "Gmail");
    assert_eq!(known.candidates[0].trust, Trust::Sure);
    assert_eq!(known.candidates[0].found, Found::Table { provider: "Gmail".to_owned() });
    let shown = told(&known);
    assert_eq!(shown, ["smtp.gmail.com:465 tim@GMail.com", "smtp.gmail.com:587 tim@GMail.com"]);
    assert_eq!((known.passwords, known.issuer), (Passwords::App, Some("google")));
    // A password is of use there, so that no token is needed.
    assert_eq!(known.candidates[0].issuer, None);
    assert!(known.candidates[0].remark.as_ref().unwrap().contains("app password"));

    let known = by_domain(&address("tim@outlook.com")).unwrap();
    assert_eq!(known.candidates[0].issuer.as_deref(), Some("microsoft"));
    let known = by_domain(&address("tim@web.de")).unwrap();
    assert_eq!(told(&known)[0], "smtp.web.de:465 tim");
    assert_eq!(by_domain(&address("tim@sub.gmail.com")), None);
    assert_eq!(by_domain(&address("tim@[192.0.2.1]")), None);
}

#[test]
fn a_provider_without_a_server_says_what_to_do_instead() {
    for who in ["tim@proton.me", "tim@tuta.com"] {
        let known = by_domain(&address(who)).unwrap();
        assert!(known.candidates.is_empty());
        assert!(known.remark.unwrap().contains("no server for mail programs"));
    }
}

#[test]
fn a_provider_is_known_by_the_exchangers_of_a_domain_that_it_hosts() {
    let who = address("tim@example.org");
    for (exchanger, provider) in [
        ("aspmx.l.google.com", Some("Google Workspace")),
        ("ALT1.ASPMX.L.GOOGLE.COM.", Some("Google Workspace")),
        ("example-org.mail.protection.outlook.com", Some("Microsoft 365")),
        ("eur.olc.protection.outlook.com", Some("Outlook.com")),
        ("example-org.r-v1.mx.microsoft", Some("Microsoft 365")),
        ("in1-smtp.messagingengine.com", Some("Fastmail")),
        ("notgoogle.com", None),
        ("google.com.evil.example", None),
        ("mx.example.org", None),
    ] {
        let known = by_exchanger(exchanger, false, &who);
        assert_eq!(known.map(|known| known.provider), provider, "{exchanger}");
    }
}

#[test]
fn a_user_whom_the_address_does_not_tell_is_left_open() {
    let known = by_exchanger("mx01.mail.icloud.com", false, &address("tim@example.org")).unwrap();
    assert_eq!(told(&known), ["smtp.mail.me.com:587 -"]);
    assert!(known.remark.unwrap().contains("Users sign in with"));
}

#[test]
fn what_an_exchanger_tells_is_sure_only_where_dnssec_vouches_for_it() {
    let who = address("tim@example.org");
    let elsewhere = Trust::Elsewhere { domain: Host::Name("example.org".to_owned()) };
    for (is_authentic, trust) in [(true, Trust::Sure), (false, elsewhere)] {
        let known = by_exchanger("mx.migadu.com", is_authentic, &who).unwrap();
        assert_eq!(known.candidates[0].trust, trust);
        let (exchanger, provider) = ("mx.migadu.com".to_owned(), "Migadu".to_owned());
        assert_eq!(known.candidates[0].found, Found::Exchanger { exchanger, provider });
    }
}

#[test]
fn issuers_are_known_by_their_hosts_and_by_the_servers_they_are_for() {
    let host = |name: &str| Host::Name(name.to_owned());
    assert_eq!(issuer_at(&host("accounts.google.com")), Some("google"));
    assert_eq!(issuer_at(&host("login.microsoftonline.com")), Some("microsoft"));
    assert_eq!(issuer_at(&host("login.example.org")), None);
    assert_eq!(issuer_for(&host("smtp.office365.com")), Some("microsoft"));
    assert_eq!(issuer_for(&host("smtp.fastmail.com")), None);
}

#[test]
fn every_row_of_the_table_can_be_used() {
    assert!(TABLE.provider.len() >= 50);
    for row in &TABLE.provider {
        let at = &row.name;
        assert!(row.source.parse::<HttpUrl>().is_ok_and(|url| url.is_over_tls()), "{at}");
        assert!(row.seen.date.is_some(), "{at}");
        let is_database = row.source.starts_with("https://github.com/thunderbird/autoconfig/");
        assert!(!is_database || row.checked == Checked::Database, "{at}");
        assert!(!row.domains.is_empty() || !row.exchangers.is_empty(), "{at}");
        assert_eq!(row.servers().count(), row.servers.len(), "a URL of {at} is none");
        for server in row.servers() {
            let with_tls = [Security::Implicit, Security::StartTls];
            assert!(with_tls.contains(&server.endpoint.security), "{at}");
            assert!(server.user.is_none(), "{at}");
        }
        let remark = row.remark.as_deref().unwrap_or_default();
        assert!(!row.servers.is_empty() || !remark.is_empty(), "{at} has no server");
        if row.passwords == Passwords::None {
            assert!(row.issuer.is_some() || row.servers.is_empty(), "nobody signs in at {at}");
        }
        assert!(row.passwords == Passwords::Account || !remark.is_empty(), "{at} says too little");
        // Of two ways to the same server, TLS from the start comes first
        // (RFC 8314 §3.3).
        for (at, server) in row.servers.iter().enumerate() {
            let other = server.replacen("smtps://", "smtp://", 1);
            assert!(server == &other || !row.servers[..at].contains(&other), "{server}");
        }
    }
}

#[test]
fn no_domain_and_no_exchanger_is_in_the_table_twice() {
    let all = |of: fn(&Provider) -> &Vec<String>| -> Vec<&str> {
        TABLE.provider.iter().flat_map(of).map(String::as_str).collect()
    };
    let (domains, exchangers) = (all(|row| &row.domains), all(|row| &row.exchangers));
    for names in [&domains, &exchangers] {
        for (at, text) in names.iter().enumerate() {
            assert_eq!(name(text).as_deref(), Some(*text), "{text} is no name in small letters");
            assert!(text.contains('.'), "{text} is a whole top-level domain");
            assert!(!names[..at].contains(text), "{text} is there twice");
        }
    }
    for one in &exchangers {
        let below = exchangers.iter().find(|other| *other != one && is_below(other, one));
        assert_eq!(below, None, "{one}");
    }
}
