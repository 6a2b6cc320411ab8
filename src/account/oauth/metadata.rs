//! What an issuer says of itself (RFC 8414), where nothing else is known of it.

use super::error::OAuthError;
use super::issuer::{ADDRESS, Endpoints};
use super::web::{Reply, Web};
use crate::net::{HttpUrl, UrlError};
use serde::Deserialize;

/// The metadata of RFC 8414 §2, RFC 8628 §4 and RFC 9207 §3, as far as it is of
/// use here.
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    device_authorization_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    #[serde(default)]
    scopes_supported: Vec<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// Asks an issuer where it is asked for what: at the place of RFC 8414 §3.1,
/// else at that of `OpenID` Connect Discovery 1.0 §4.
pub(super) fn endpoints(issuer: &HttpUrl, web: &Web) -> Result<Endpoints, OAuthError> {
    let [first, second] = places(&issuer.to_string());
    let place = |url: &str| {
        url.parse::<HttpUrl>().map_err(|error| OAuthError::Nonsense {
            url: issuer.to_string(),
            what: "identifier of an issuer",
            why: error.to_string(),
        })
    };
    let reply = web.get(&place(&first)?)?;
    let reply = if reply.is_missing() { web.get(&place(&second)?)? } else { reply };
    read(issuer, &reply)
}

/// Where an issuer's metadata may be. The first has its word between host and
/// path, the other behind the path; a slash at the end counts for neither.
fn places(issuer: &str) -> [String; 2] {
    let bare = issuer.trim_end_matches('/');
    let (scheme, rest) = bare.split_once("://").unwrap_or(("https", bare));
    let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    [
        format!("{scheme}://{host}/.well-known/oauth-authorization-server{path}"),
        format!("{bare}/.well-known/openid-configuration"),
    ]
}

fn read(asked: &HttpUrl, reply: &Reply) -> Result<Endpoints, OAuthError> {
    let (url, issuer) = (reply.url(), asked.to_string());
    reply.must_be_success()?;
    let nonsense =
        |why: String| OAuthError::Nonsense { url: url.to_owned(), what: "metadata", why };
    let said: Metadata =
        serde_json::from_slice(reply.body()).map_err(|error| nonsense(error.to_string()))?;
    // RFC 8414 §3.3: or it could be that of somebody who pretends.
    if said.issuer.trim_end_matches('/') != issuer.trim_end_matches('/') {
        let url = url.to_owned();
        return Err(OAuthError::OtherIssuer { url, asked: issuer, said: said.issuer });
    }
    let endpoint = |name: &str, said: Option<String>| {
        let parsed = said.map(|said| {
            let wrong = |error| nonsense(format!("its {name} is ‘{said}’: {error}"));
            let url = said.parse::<HttpUrl>().map_err(wrong)?;
            // What listens on this machine is nothing of an issuer's elsewhere.
            let is_fit = url.is_over_tls() || asked.host().is_loopback();
            if is_fit { Ok(url) } else { Err(wrong(UrlError::NotHttps)) }
        });
        parsed.transpose()
    };
    let token = endpoint("token_endpoint", said.token_endpoint)?;
    Ok(Endpoints {
        identifier: Some(said.issuer),
        says_identifier: said.authorization_response_iss_parameter_supported,
        authorization: endpoint("authorization_endpoint", said.authorization_endpoint)?,
        device: endpoint("device_authorization_endpoint", said.device_authorization_endpoint)?,
        token: token.ok_or_else(|| nonsense("it has no token_endpoint".to_owned()))?,
        revocation: endpoint("revocation_endpoint", said.revocation_endpoint)?,
        scope: None,
        offers_offline: said.scopes_supported.iter().any(|scope| scope == "offline_access"),
        // Where nothing is said, the header (RFC 8414 §2).
        in_header: said
            .token_endpoint_auth_methods_supported
            .is_none_or(|methods| methods.iter().any(|method| method == "client_secret_basic")),
        loopback: ADDRESS,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_looked_for_where_the_rfc_says() {
        // 8414-3.1
        assert_eq!(
            places("https://example.com/issuer1"),
            [
                "https://example.com/.well-known/oauth-authorization-server/issuer1",
                "https://example.com/issuer1/.well-known/openid-configuration"
            ]
        );
        for issuer in ["https://example.com", "https://example.com/"] {
            assert_eq!(
                places(issuer),
                [
                    "https://example.com/.well-known/oauth-authorization-server",
                    "https://example.com/.well-known/openid-configuration"
                ]
            );
        }
    }

    fn said_by(issuer: &str, status: u16, json: &str) -> Result<Endpoints, String> {
        let reply = Reply::made_up("https://example.com/m", status, json);
        read(&issuer.parse().unwrap(), &reply).map_err(|error| error.to_string())
    }

    fn said(status: u16, json: &str) -> Result<Endpoints, String> {
        said_by("https://example.com/a", status, json)
    }

    #[test]
    fn an_issuer_says_where_it_is_asked_for_what() {
        let found = said(
            200,
            r#"{"issuer":"https://example.com/a","token_endpoint":"https://example.com/t",
            "device_authorization_endpoint":"https://example.com/d",
            "scopes_supported":["smtp","offline_access"],"x":[1]}"#,
        );
        let found = found.unwrap();
        assert_eq!(found.token.to_string(), "https://example.com/t");
        assert!(found.offers_offline && found.device.is_some() && found.authorization.is_none());
    }

    #[test]
    fn metadata_of_another_or_without_protection_is_refused() {
        // 8414-3.3
        for (json, sentence) in [
            (
                r#"{"issuer":"https://example.org/a","token_endpoint":"https://example.org/t"}"#,
                "https://example.com/m speaks for another issuer: for ‘https://example.org/a’, not ‘https://example.com/a’",
            ),
            (
                r#"{"issuer":"https://example.com/a"}"#,
                "what https://example.com/m answered is no metadata: it has no token_endpoint",
            ),
        ] {
            assert_eq!(said(200, json).unwrap_err(), sentence);
        }
        let http = r#"{"issuer":"https://example.com/a","token_endpoint":"http://example.com/t"}"#;
        let error = said(200, http).unwrap_err();
        assert!(error.contains("its token_endpoint is ‘http://example.com/t’: "), "{error}");
        let here = |issuer: &str| {
            format!(r#"{{"issuer":"{issuer}","token_endpoint":"http://127.0.0.1:8/t"}}"#)
        };
        let error = said(200, &here("https://example.com/a")).unwrap_err();
        assert!(error.contains("‘http://127.0.0.1:8/t’: it is not protected by TLS"), "{error}");
        assert!(said_by("http://localhost:8/a", 200, &here("http://localhost:8/a")).is_ok());
        for nonsense in ["", "[]", "<html>", r#"{"issuer":1}"#] {
            let error = said(200, nonsense).unwrap_err();
            assert!(error.contains("is no metadata: "), "{error}");
        }
        assert!(said(500, "{}").unwrap_err().contains("500"));
    }
}
