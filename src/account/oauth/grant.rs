//! What the token endpoint is asked for, and by whom.

use super::answer::{Tokens, must_be_granted};
use super::error::OAuthError;
use super::issuer::Endpoints;
use super::web::{Reply, Web};
use crate::net::{Authorization, Form, HttpUrl};
use crate::sasl::Secret;

/// The client, as an issuer knows it.
#[derive(Clone, Debug)]
pub(super) struct Client {
    /// Its name there.
    pub(super) id: String,
    /// Its secret, which proves nothing where everybody may have it (RFC 8252
    /// §8.5), but some issuers want it all the same.
    pub(super) secret: Option<Secret>,
    /// Whether the secret goes into a field of the header, where every issuer
    /// takes it that has not said otherwise, or into the form (RFC 6749 §2.3.1,
    /// RFC 8414 §2).
    pub(super) in_header: bool,
}

impl Client {
    /// Posts a form that says who asks.
    pub(super) fn post(&self, url: &HttpUrl, form: Form, web: &Web) -> Result<Reply, OAuthError> {
        match &self.secret {
            Some(password) if self.in_header => {
                let by = Authorization { user: &self.id, password };
                web.post(url, &form, Some(&by))
            }
            Some(secret) => {
                let form = form.with("client_id", &self.id).with_secret("client_secret", secret);
                web.post(url, &form, None)
            }
            None => web.post(url, &form.with("client_id", &self.id), None),
        }
    }

    /// Tokens for a code that the browser brought (RFC 6749 §4.1.3, RFC 7636
    /// §4.5).
    pub(super) fn by_code(
        &self,
        endpoints: &Endpoints,
        code: &Secret,
        redirect: &str,
        verifier: &Secret,
        web: &Web,
    ) -> Result<Tokens, OAuthError> {
        let form = Form::new()
            .with("grant_type", "authorization_code")
            .with("redirect_uri", redirect)
            .with_secret("code", code)
            .with_secret("code_verifier", verifier);
        Tokens::read(&self.post(&endpoints.token, form, web)?, LOGIN)
    }

    /// Tokens for a code that another device was shown, if it was approved (RFC
    /// 8628 §3.4).
    pub(super) fn by_device_code(
        &self,
        endpoints: &Endpoints,
        code: &Secret,
        web: &Web,
    ) -> Result<Tokens, OAuthError> {
        let form = Form::new()
            .with("grant_type", "urn:ietf:params:oauth:grant-type:device_code")
            .with_secret("device_code", code);
        Tokens::read(&self.post(&endpoints.token, form, web)?, LOGIN)
    }

    /// Tokens in place of those that a refresh token came with (RFC 6749 §6).
    pub(super) fn by_refresh(
        &self,
        endpoint: &HttpUrl,
        token: &Secret,
        web: &Web,
    ) -> Result<Tokens, OAuthError> {
        let form =
            Form::new().with("grant_type", "refresh_token").with_secret("refresh_token", token);
        Tokens::read(&self.post(endpoint, form, web)?, "to renew the token")
    }

    /// Gives a token back (RFC 7009 §2.1). One that is none any more is as good
    /// as given back (§2.2).
    pub(super) fn revoke(
        &self,
        endpoint: &HttpUrl,
        token: &Secret,
        web: &Web,
    ) -> Result<(), OAuthError> {
        let form = Form::new().with_secret("token", token).with("token_type_hint", "refresh_token");
        match must_be_granted(&self.post(endpoint, form, web)?, "to revoke the token") {
            Err(error) if error.has_code("invalid_token") => Ok(()),
            done => done,
        }
    }
}

/// What is asked for, as a clause.
pub(super) const LOGIN: &str = "the login";
