//! What an endpoint answers to a form: tokens, or why there are none (RFC 6749
//! §5).

use super::error::{ErrorAnswer, OAuthError};
use super::web::Reply;
use crate::sasl::Secret;
use serde::{Deserialize, Deserializer};

/// Tokens as they are issued.
#[derive(Debug)]
pub(super) struct Tokens {
    /// What servers are given.
    pub(super) access: Secret,
    /// What another access token is had by; where there is none, the one that
    /// was used still holds (RFC 6749 §6).
    pub(super) refresh: Option<Secret>,
    /// How many seconds the access token holds; `None` is not said.
    pub(super) lasts: Option<u64>,
}

/// RFC 6749 §5.1.
#[derive(Deserialize)]
struct Success {
    #[serde(deserialize_with = "secret")]
    access_token: Secret,
    token_type: String,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<u64>,
    #[serde(default, deserialize_with = "maybe_secret")]
    refresh_token: Option<Secret>,
}

/// RFC 6749 §5.2.
#[derive(Deserialize)]
struct Failure {
    error: String,
    error_description: Option<String>,
}

impl Tokens {
    /// Reads what the token endpoint answered. `asked` is a clause on what it
    /// was asked for.
    pub(super) fn read(reply: &Reply, asked: &'static str) -> Result<Self, OAuthError> {
        must_be_granted(reply, asked)?;
        let nonsense = |why: String| OAuthError::Nonsense {
            url: reply.url().to_owned(),
            what: "answer to a request for tokens",
            why,
        };
        let said: Success = serde_json::from_slice(reply.body())
            // The text of the error may quote what stands there.
            .map_err(|error| nonsense(place(&error)))?;
        if !said.token_type.eq_ignore_ascii_case("bearer") {
            let kind = said.token_type.chars().take(40).collect::<String>();
            return Err(nonsense(format!("its tokens are of the type ‘{kind}’, not Bearer")));
        }
        if said.access_token.is_empty() {
            return Err(nonsense("its access token is empty".to_owned()));
        }
        Ok(Tokens {
            access: said.access_token,
            refresh: said.refresh_token.filter(|token| !token.is_empty()),
            lasts: said.expires_in,
        })
    }
}

/// An error unless the endpoint did what it was asked. One in its own words is
/// [`OAuthError::Refused`].
pub(super) fn must_be_granted(reply: &Reply, asked: &'static str) -> Result<(), OAuthError> {
    // Also with the status 428 (Google, RFC 8628), or 401.
    if (400..500).contains(&reply.status())
        && let Ok(failure) = serde_json::from_slice::<Failure>(reply.body())
    {
        return Err(OAuthError::Refused {
            url: reply.url().to_owned(),
            asked,
            answer: ErrorAnswer { code: failure.error, description: failure.error_description },
        });
    }
    reply.must_be_success()
}

/// Where JSON is no good, and in which way; nothing of what stands there.
pub(super) fn place(error: &serde_json::Error) -> String {
    use serde_json::error::Category;
    let (line, column) = (error.line(), error.column());
    match error.classify() {
        Category::Eof => format!("it ends too soon, in line {line}"),
        Category::Syntax | Category::Io => {
            format!("it is no JSON, in line {line}, column {column}")
        }
        Category::Data => "something is missing in it or of another type".to_owned(),
    }
}

/// Takes a text over without leaving a copy behind.
pub(super) fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<Secret, D::Error> {
    String::deserialize(from).map(Secret::new)
}

/// The same, where it may be missing.
pub(super) fn maybe_secret<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Secret>, D::Error> {
    Ok(Option::<String>::deserialize(from)?.map(Secret::new))
}

/// A number, or the same as a text, as Microsoft had it; what is neither is not
/// said.
pub(super) fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    use serde_json::Value;
    Ok(match Value::deserialize(from)? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Result<Tokens, OAuthError> {
        Tokens::read(&Reply::made_up("https://i.example/t", status, body), "the login")
    }

    #[test]
    fn tokens_are_read_and_may_be_long() {
        // 6749-5.1
        let long = "a".repeat(12 * 1024);
        let json = format!(
            r#"{{"access_token":"{long}","token_type":"bearer","expires_in":"3599","refresh_token":"r","x":{{}}}}"#
        );
        let tokens = read(200, &json).unwrap();
        assert_eq!(tokens.access, Secret::new(long));
        assert_eq!((tokens.refresh, tokens.lasts), (Some(Secret::new("r")), Some(3599)));
        let tokens = read(200, r#"{"access_token":"a","token_type":"Bearer"}"#).unwrap();
        assert_eq!((tokens.refresh, tokens.lasts), (None, None));
    }

    #[test]
    fn what_are_no_tokens_is_said_without_what_stands_there() {
        for (body, sentence) in [
            ("", "it ends too soon, in line 1"),
            (r#"{"access_token":"secret-word""#, "it ends too soon, in line 1"),
            ("<html>secret-word</html>", "it is no JSON, in line 1, column 1"),
            (r#"{"access_token":12}"#, "something is missing in it or of another type"),
            (r#"{"access_token":"secret-word"}"#, "something is missing in it or of another type"),
            (r#"{"access_token":"","token_type":"Bearer"}"#, "its access token is empty"),
            (
                r#"{"access_token":"secret-word","token_type":"mac"}"#,
                "its tokens are of the type ‘mac’, not Bearer",
            ),
        ] {
            let error = read(200, body).unwrap_err();
            let begin = "what https://i.example/t answered is no answer to a request for tokens: ";
            assert_eq!(error.to_string(), format!("{begin}{sentence}"), "{body}");
        }
    }

    #[test]
    fn a_refusal_has_the_issuer_s_own_words() {
        // 6749-5.2
        let json = r#"{"error":"invalid_grant","error_description":"Token has been revoked."}"#;
        for status in [400, 401, 403, 428] {
            let error = read(status, json).unwrap_err();
            assert!(error.has_code("invalid_grant"), "{error}");
            assert_eq!(
                error.to_string(),
                "https://i.example/t refused the login: invalid_grant (Token has been revoked.)"
            );
            assert!(!error.is_temporary());
        }
    }

    #[test]
    fn trouble_of_the_issuer_passes() {
        for status in [429, 500, 502, 503] {
            assert!(read(status, "<html>busy</html>").unwrap_err().is_temporary(), "{status}");
        }
        for status in [302, 400, 404] {
            assert!(!read(status, "<html>no</html>").unwrap_err().is_temporary(), "{status}");
        }
        assert!(read(400, r#"{"error":"temporarily_unavailable"}"#).unwrap_err().is_temporary());
    }
}
