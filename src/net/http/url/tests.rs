use super::*;

fn shown(text: &str) -> Result<String, UrlError> {
    text.parse::<HttpUrl>().map(|url| url.to_string())
}

#[test]
fn a_url_is_over_tls_or_to_this_machine() {
    for (text, expected) in [
        ("https://Example.ORG", Ok("https://example.org/")),
        ("HTTPS://example.org:443/a?b=c#d", Ok("https://example.org/a?b=c")),
        ("https://example.org.:8443?x", Ok("https://example.org:8443/?x")),
        ("https://[2001:db8::1]:444/", Ok("https://[2001:db8::1]:444/")),
        ("https://192.0.2.1/", Ok("https://192.0.2.1/")),
        ("http://127.0.0.1:8080/token", Ok("http://127.0.0.1:8080/token")),
        ("http://127.9.9.9/", Ok("http://127.9.9.9/")),
        ("http://[::1]/", Ok("http://[::1]/")),
        ("http://localhost/", Ok("http://localhost/")),
        ("http://example.org/", Err(UrlError::NotHttps)),
        ("http://localhost.example.org/", Err(UrlError::NotHttps)),
        ("http://128.0.0.1/", Err(UrlError::NotHttps)),
        ("http://127.1/", Err(UrlError::Host)),
        ("http://0x7f000001/", Err(UrlError::Host)),
        ("https://2130706433/", Err(UrlError::Host)),
        ("https:///path", Err(UrlError::Host)),
        ("https://a..b/", Err(UrlError::Host)),
        ("https://[::1/", Err(UrlError::Host)),
        ("https://user@example.org/", Err(UrlError::User)),
        ("https://user:pw@example.org/", Err(UrlError::User)),
        ("https://example.org:0/", Err(UrlError::Port)),
        ("https://example.org:65536/", Err(UrlError::Port)),
        ("https://example.org:+80/", Err(UrlError::Port)),
        ("https://example.org/a b", Err(UrlError::Character)),
        ("https://example.org/\r\nX: y", Err(UrlError::Character)),
        ("https://b\u{fc}cher.example/", Err(UrlError::Character)),
        ("ftp://example.org/", Err(UrlError::Scheme)),
        ("example.org", Err(UrlError::Scheme)),
        ("", Err(UrlError::Scheme)),
    ] {
        assert_eq!(shown(text), expected.map(str::to_owned), "{text:?}");
    }
    let long = format!("https://example.org/{}", "a".repeat(LONGEST));
    assert_eq!(shown(&long), Err(UrlError::TooLong));
}

#[test]
fn every_url_can_be_asked_for() {
    let every: String = (33..127).map(char::from).collect();
    for octet in every.chars() {
        let text = format!("https://example.org/a{octet}b?c{octet}d");
        if let Ok(url) = text.parse::<HttpUrl>() {
            assert_eq!(url.uri().to_string(), url.to_string());
        }
    }
}

#[test]
fn a_redirect_leads_where_its_reference_says() {
    let base: HttpUrl = "https://example.org/a/b?c=d".parse().unwrap();
    for (reference, expected) in [
        ("https://other.example/x", Ok("https://other.example/x")),
        ("//other.example/x", Ok("https://other.example/x")),
        ("/x?y", Ok("https://example.org/x?y")),
        ("x#part", Ok("https://example.org/a/x")),
        ("?y", Ok("https://example.org/a/b?y")),
        ("", Ok("https://example.org/a/b?c=d")),
        ("http://example.org/x", Err(UrlError::NotHttps)),
        ("javascript:alert(1)", Err(UrlError::Scheme)),
        ("/x y", Err(UrlError::Character)),
    ] {
        let joined = base.join(reference).map(|url| url.to_string());
        assert_eq!(joined, expected.map(str::to_owned), "{reference:?}");
    }
}

#[test]
fn a_value_in_a_query_is_encoded() {
    let url = HttpUrl::of("example.org", "/x").unwrap();
    let url = url.with("a", "me+you@example.org").unwrap().with("b", "&").unwrap();
    assert_eq!(url.to_string(), "https://example.org/x?a=me%2Byou%40example.org&b=%26");
}
