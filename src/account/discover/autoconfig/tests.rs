use super::document::Unusable;
use super::*;
use crate::net::Security;

/// A document with this for its provider, and this behind it.
fn whole(provider: &str, behind: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<clientConfig version=\"1.1\">\n\
         <emailProvider id=\"example.org\">{provider}</emailProvider>{behind}</clientConfig>\n"
    )
}

/// An outgoing server with these lines between `hostname` and the end.
fn server(rest: &str) -> String {
    format!(
        "<outgoingServer type=\"smtp\"><hostname>smtp.example.org</hostname>\
         <port>465</port><socketType>SSL</socketType>{rest}</outgoingServer>"
    )
}

fn read(text: impl AsRef<[u8]>) -> Result<Document, Miss> {
    read_for("tim@example.org", text)
}

fn read_for(address: &str, text: impl AsRef<[u8]>) -> Result<Document, Miss> {
    Document::read(text.as_ref(), &address.parse().unwrap())
}

/// Where, how protected, and who signs in with whose tokens.
fn told(document: &Document) -> Vec<String> {
    let of = |server: &document::Server| {
        let how = match server.endpoint.security {
            Security::Implicit => "tls",
            Security::StartTls => "starttls",
            Security::Opportunistic | Security::Cleartext => panic!("without TLS"),
        };
        let user = server.user.as_deref().unwrap_or("-");
        format!("{how} {} {user} {}", server.endpoint, server.issuer.as_deref().unwrap_or("-"))
    };
    document.servers.iter().map(of).collect()
}

#[test]
fn every_outgoing_server_is_read_in_order() {
    let provider = "
        <domain>example.net</domain> <domain>Example.ORG</domain>
        <displayName>Example &amp; Sons</displayName>
        <incomingServer type=\"imap\">
          <hostname>imap.example.org</hostname><port>993</port><socketType>SSL</socketType>
          <username>%EMAILADDRESS%</username><authentication>password-cleartext</authentication>
        </incomingServer>
        <outgoingServer type=\"smtp\">
          <hostname> smtp.%EMAILDOMAIN% </hostname>
          <port>465</port> <socketType>SSL</socketType>
          <authentication>password-cleartext</authentication>
          <username>%EMAILADDRESS%</username>
          <addThisServer>true</addThisServer>
        </outgoingServer>
        <outgoingServer type=\"smtp\"> <!-- the old one -->
          <hostname>b\u{fc}cher.example</hostname>
          <port>587</port> <socketType>STARTTLS</socketType>
          <username>EXAMPLE\\%EMAILLOCALPART%</username>
          <authentication>GSSAPI</authentication>
          <authentication>password-encrypted</authentication>
        </outgoingServer>
        <outgoingServer type=\"smtp\">
          <hostname>smtp.example.org</hostname> <port>465</port> <socketType>SSL</socketType>
        </outgoingServer>
        <outgoingServer type=\"http\"><hostname>x.example</hostname></outgoingServer>";
    let document = read(whole(provider, "")).unwrap();
    assert_eq!(
        told(&document),
        [
            "tls smtp.example.org:465 tim@example.org -",
            "starttls xn--bcher-kva.example:587 EXAMPLE\\tim -",
        ]
    );
    assert!(document.passed_over.is_empty());
    assert!(!document.is_for_others);
}

#[test]
fn what_is_put_in_for_a_placeholder_is_no_placeholder_itself() {
    let text = whole(&server("<username>%EMAILLOCALPART%</username>"), "");
    let document = read_for("%EMAILDOMAIN%@example.org", text).unwrap();
    assert_eq!(document.servers[0].user.as_deref(), Some("%EMAILDOMAIN%"));
}

#[test]
fn a_user_that_only_the_user_knows_is_left_open() {
    for user in [
        "<username>%USERNAME%</username>",
        "<username> </username>",
        "<username>%EMAILADDRESS</username>",
        "",
    ] {
        let document = read(whole(&server(user), "")).unwrap();
        assert_eq!(document.servers[0].user, None, "{user}");
    }
}

#[test]
fn how_one_signs_in_is_what_envoi_can_do_of_what_is_listed() {
    let token = "<oAuth2><issuer>login.example.org</issuer><scope>SMTP</scope></oAuth2>";
    let google = "<oAuth2><issuer>accounts.google.com</issuer></oAuth2>";
    let in_clear = "<oAuth2><issuer>http://login.example.org</issuer></oAuth2>";
    for (listed, behind, expected) in [
        (&["OAuth2"][..], token, Ok((Some("tim"), Some("https://login.example.org")))),
        (&["OAuth2"], google, Ok((Some("tim"), Some("google")))),
        (&["OAuth2"], "", Err(Unusable::Issuer)),
        (&["OAuth2"], in_clear, Err(Unusable::Issuer)),
        (&["OAuth2", "password-cleartext"], token, Ok((Some("tim"), None))),
        (&["plain"], "", Ok((Some("tim"), None))),
        (&["none"], "", Ok((None, None))),
        (&["client-IP-address"], "", Ok((None, None))),
        (&["NTLM", "GSSAPI"], "", Err(Unusable::SignIn("NTLM or GSSAPI".to_owned()))),
        (&["TLS-client-cert"], "", Err(Unusable::SignIn("TLS-client-cert".to_owned()))),
    ] {
        let tags = |name: &&str| format!("<authentication>{name}</authentication>");
        let list: String = listed.iter().map(tags).collect();
        let provider = server(&format!("<username>%EMAILLOCALPART%</username>{list}"));
        let document = read(whole(&provider, behind)).unwrap();
        let came = match document.passed_over.first() {
            Some(over) => Err(over.reason.clone()),
            None => {
                Ok((document.servers[0].user.as_deref(), document.servers[0].issuer.as_deref()))
            }
        };
        assert_eq!(came, expected, "{listed:?} {behind}");
    }
}

#[test]
fn tokens_for_a_server_of_a_large_provider_need_no_issuer_in_the_document() {
    let text = whole(
        "<outgoingServer type=\"smtp\"><hostname>smtp.gmail.com</hostname><port>465</port>\
         <socketType>SSL</socketType><authentication>OAuth2</authentication></outgoingServer>",
        "",
    );
    let document = read(text).unwrap();
    assert_eq!(document.servers[0].issuer.as_deref(), Some("google"));
}

#[test]
fn a_server_that_cannot_be_used_is_named_with_the_reason() {
    for (host, port, security, reason) in [
        ("smtp.example.org", "587", "plain", "‘smtp.example.org’ has no TLS"),
        ("a", "587", "", "‘a’ does not say how it is protected"),
        ("a", "587", "TLS1.3", "‘a’ does not say how it is protected"),
        ("a", "0", "SSL", "‘a’ has no port that is one"),
        ("a", "65536", "SSL", "‘a’ has no port that is one"),
        ("a", "", "SSL", "‘a’ has no port that is one"),
        ("", "465", "SSL", "‘’ is no name that a server can have"),
        ("a b", "465", "SSL", "‘a b’ is no name that a server can have"),
        ("a/../b", "465", "SSL", "‘a/../b’ is no name that a server can have"),
        ("%HOST%", "465", "SSL", "‘%HOST%’ is no name that a server can have"),
    ] {
        let document = read(whole(
            &format!(
                "<outgoingServer type=\"smtp\"><hostname>{host}</hostname><port>{port}</port>\
                 <socketType>{security}</socketType></outgoingServer>"
            ),
            "",
        ))
        .unwrap();
        assert!(document.servers.is_empty());
        let over: Vec<_> = document.passed_over.iter().map(ToString::to_string).collect();
        assert_eq!(over, [reason]);
    }
}

#[test]
fn what_one_has_to_do_first_is_told_in_english_where_there_is_english() {
    let enable = "<enable visiturl=\"https://example.org/settings\">
        <instruction lang=\"de\">Bitte\n einschalten</instruction>
        <instruction lang=\"en\">Please   switch
            it on</instruction></enable>";
    let page = "<documentation url=\"https://example.org/help\"><descr>x</descr></documentation>";
    let odd = "<documentation url=\"javascript:alert(1)\"/>";
    let document = read(whole(&server(""), enable)).unwrap();
    assert!(document.servers[0].remark.as_ref().unwrap().starts_with("Please switch"));
    for (more, expected) in [
        (enable, Some("Please switch it on https://example.org/settings")),
        (page, Some("The provider describes it at https://example.org/help")),
        (odd, None),
        ("<enable/>", None),
    ] {
        let document = read(whole(&(more.to_owned() + &server("")), "")).unwrap();
        assert_eq!(document.servers[0].remark.as_deref(), expected, "{more}");
    }
    let long = format!("<enable><instruction>{}</instruction></enable>", "\u{fc}".repeat(5000));
    let document = read(whole(&(long + &server("")), "")).unwrap();
    assert_eq!(document.servers[0].remark.as_ref().unwrap().chars().count(), 301);
}

#[test]
fn a_document_for_other_domains_is_known_as_such() {
    for (domains, others) in [
        ("", false),
        ("<domain>example.org</domain>", false),
        ("<domain>%EMAILDOMAIN%</domain>", false),
        ("<domain>hoster.example</domain>", true),
    ] {
        let document = read(whole(&(domains.to_owned() + &server("")), "")).unwrap();
        assert_eq!(document.is_for_others, others, "{domains}");
        assert_eq!(document.servers.len(), 1);
    }
}

#[test]
fn what_is_no_document_is_told_as_what_it_is() {
    let deep = format!("<clientConfig>{}", "<a>".repeat(15_000));
    let wide = format!("<clientConfig>{}</clientConfig>", "<a/>".repeat(50_000));
    let bomb = "<!DOCTYPE z [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>\
                <clientConfig>&b;</clientConfig>";
    let file = "<!DOCTYPE z [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>\
                <clientConfig>&a;</clientConfig>";
    for (text, expected) in [
        ("", "the document is empty"),
        (" \r\n\u{feff}", "the document is not proper XML"),
        ("<!DOCTYPE html><html><p>hello", "it is a web page"),
        ("\n <HTML><body>Not found", "it is a web page"),
        (bomb, "the document has a DTD"),
        (file, "the document has a DTD"),
        ("<clientConfig>&a;</clientConfig>", "the document is not proper XML"),
        ("<clientConfig><a></clientConfig>", "the document is not proper XML"),
        ("{\"a\": 1}", "the document is not proper XML"),
        (&deep, "the document is not proper XML"),
        (&wide, "the document is not proper XML: nodes limit reached"),
        ("<Autodiscover/>", "the document is another kind of XML: its root is ‘Autodiscover’"),
    ] {
        let miss = read(text).err().map(|miss| miss.to_string()).unwrap_or_default();
        assert!(miss.starts_with(expected), "{:?}: {miss}", &text[..text.len().min(40)]);
    }
    let miss =
        read(b"<?xml version='1.0' encoding='iso-8859-1'?><clientConfig>\xfc</clientConfig>");
    assert!(matches!(miss, Err(Miss::Encoding)));
    let miss = read(b"\xff\xfe<\0c\0>\0");
    assert!(matches!(miss, Err(Miss::Encoding)));
    for text in ["<clientConfig/>", "\u{feff}\n<clientConfig><emailProvider/></clientConfig>"] {
        assert!(read(text).unwrap().servers.is_empty(), "{text}");
    }
}

#[test]
fn the_domain_is_asked_at_two_places_and_only_the_first_is_told_the_address() {
    let address = "tim+x@example.org".parse().unwrap();
    let urls: Vec<_> = places(&address, "example.org").iter().map(ToString::to_string).collect();
    assert_eq!(
        urls,
        [
            "https://autoconfig.example.org/mail/config-v1.1.xml?emailaddress=tim%2Bx%40example.org",
            "https://example.org/.well-known/autoconfig/mail/config-v1.1.xml",
        ]
    );
}

#[test]
fn a_host_is_within_a_domain_when_it_is_the_domain_or_below_it() {
    let address = "tim@example.org".parse().unwrap();
    for (host, within) in [
        ("example.org", true),
        ("autoconfig.Example.org", true),
        ("notexample.org", false),
        ("example.org.evil.example", false),
        ("org", false),
    ] {
        assert_eq!(is_within(&Host::Name(host.to_owned()), &address), within, "{host}");
    }
}

#[test]
fn an_outcome_says_all_of_it_in_one_line() {
    let over = PassedOver { host: "smtp.example.org".to_owned(), reason: Unusable::InClear };
    let outcome = Outcome::Document {
        servers: 2,
        passed_over: vec![over],
        led_to: Some("https://other.example/x".parse().unwrap()),
        is_elsewhere: true,
        is_for_others: true,
    };
    assert_eq!(
        outcome.to_string(),
        "a document that names 2 servers, at https://other.example/x, which is in another domain; \
         it is for other domains; ‘smtp.example.org’ has no TLS"
    );
}
