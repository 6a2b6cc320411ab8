use super::super::issuer::ADDRESS;
use super::*;

fn endpoints(identifier: Option<&str>, says_identifier: bool) -> Endpoints {
    let url = |path: &str| format!("https://i.example/{path}").parse::<HttpUrl>().unwrap();
    Endpoints {
        identifier: identifier.map(str::to_owned),
        says_identifier,
        authorization: Some(url("a?x=y")),
        device: None,
        token: url("t"),
        revocation: None,
        scope: None,
        offers_offline: false,
        in_header: true,
        loopback: ADDRESS,
    }
}

const ASKED: Asked<'_> = Asked { issuer: String::new(), user: "alice@example.org", scope: None };

fn going() -> Going {
    Going {
        redirect: "http://127.0.0.1:5".into(),
        state: "s".into(),
        verifier: "v".to_owned().into(),
    }
}

#[test]
fn the_challenge_is_that_of_the_rfc() {
    // 7636-B
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    assert_eq!(challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    let word = word().unwrap();
    assert!((43..=128).contains(&word.len()));
}

#[test]
fn the_user_is_sent_with_everything_that_the_issuer_needs() {
    // 6749-4.1.1, 7636-4.3, 8252-7.3
    let client = Client { id: "a b".into(), secret: Some(Secret::new("hidden")), in_header: true };
    let asked = Asked { scope: Some("https://mail.example/ x".into()), ..ASKED };
    let authorization = endpoints(None, false).authorization.unwrap();
    let url = going().url(&asked, &client, &authorization).unwrap().to_string();
    assert_eq!(
        url,
        "https://i.example/a?x=y&response_type=code&client_id=a%20b\
         &redirect_uri=http%3A%2F%2F127.0.0.1%3A5&state=s\
         &code_challenge=CHALLENGE\
         &code_challenge_method=S256&login_hint=alice%40example.org\
         &scope=https%3A%2F%2Fmail.example%2F%20x"
            .replace("CHALLENGE", &challenge(&going().verifier))
    );
    assert_eq!(redirect("[::1]:7".parse().unwrap(), ADDRESS), "http://[::1]:7");
    assert_eq!(redirect("127.0.0.1:7".parse().unwrap(), "localhost"), "http://localhost:7");
}

fn code(target: &str, endpoints: &Endpoints) -> Result<Secret, OAuthError> {
    Answer::of(target).expect("an answer").code(&ASKED, endpoints)
}

#[test]
fn only_the_answer_to_what_was_asked_is_taken() {
    // 6749-10.12
    let plain = endpoints(None, false);
    assert!(Answer::of("/?code=c&state=s").unwrap().is_to(&going()));
    assert_eq!(code("/?code=4%2Fa+b&state=s&x", &plain).unwrap(), Secret::new("4/a b"));
    for target in ["/?code=c", "/?code=c&state=t", "/?code=c&state=", "/?error=e&state=%zz"] {
        assert!(!Answer::of(target).unwrap().is_to(&going()), "{target}");
    }
    for target in ["/", "/favicon.ico", "/?", "/?state=s", "/x?code=c&state=s", ""] {
        assert!(Answer::of(target).is_none(), "{target}");
    }
}

#[test]
fn an_answer_of_another_issuer_is_refused() {
    // 9207-2.4
    let ours = "https://i.example";
    for (expected, promises, target, fits) in [
        (Some(ours), false, "/?code=c&state=s", true),
        (Some(ours), true, "/?code=c&state=s", false),
        (Some(ours), true, "/?code=c&state=s&iss=https%3A%2F%2Fi.example", true),
        (Some(ours), false, "/?code=c&state=s&iss=https%3A%2F%2Fj.example", false),
        (None, false, "/?code=c&state=s&iss=https%3A%2F%2Fj.example", true),
    ] {
        let taken = code(target, &endpoints(expected, promises));
        assert_eq!(taken.is_ok(), fits, "{target}, {taken:?}");
    }
}

#[test]
fn a_refusal_that_the_browser_brings_is_told() {
    // 6749-4.1.2.1
    let plain = endpoints(None, false);
    let denied = code("/?error=access_denied&error_description=not+today&state=s", &plain);
    assert_eq!(denied.unwrap_err().to_string(), "the login was denied (not today)");
    let error = code("/?error=invalid_scope&state=s", &plain).unwrap_err();
    assert!(error.has_code("invalid_scope"), "{error}");
}
