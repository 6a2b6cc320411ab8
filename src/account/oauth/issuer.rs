//! Who issues tokens, and where each issuer is asked for what.

use super::error::OAuthError;
use super::metadata;
use super::web::Web;
use crate::net::HttpUrl;
use std::fmt;

/// Who issues tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Issuer {
    /// Google, for Gmail and Workspace.
    Google,
    /// Microsoft, for Outlook.com and Microsoft 365.
    Microsoft {
        /// The directory that knows the user: a domain, a GUID, `common`,
        /// `organizations` or `consumers`.
        tenant: String,
    },
    /// Any other, by its identifier, which leads to its metadata (RFC 8414 §2).
    Other(HttpUrl),
}

/// Why a text names no issuer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssuerError {
    /// No word that is known, and no URL that may be one.
    #[error("it is google, microsoft or a URL that begins with https://")]
    Unknown,
    /// An identifier has neither (RFC 8414 §2).
    #[error("the URL of an issuer has no query and no fragment")]
    Query,
    /// Something that no directory is called.
    #[error("a tenant is a domain, a GUID, common, organizations or consumers")]
    Tenant,
}

/// Where one issuer is asked for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoints {
    /// Its identifier, where it says who it is in the answer that comes by way
    /// of the browser (RFC 9207 §2); `None` is not compared.
    pub(super) identifier: Option<String>,
    /// Whether it promises to say so (RFC 9207 §3).
    pub(super) says_identifier: bool,
    /// Where the user is sent (RFC 6749 §3.1).
    pub(super) authorization: Option<HttpUrl>,
    /// Where a code for another device is had (RFC 8628 §3.1).
    pub(super) device: Option<HttpUrl>,
    /// Where tokens are had (RFC 6749 §3.2).
    pub(super) token: HttpUrl,
    /// Where tokens are given back (RFC 7009 §2).
    pub(super) revocation: Option<HttpUrl>,
    /// What tokens are asked to be good for, where nobody says.
    pub(super) scope: Option<String>,
    /// Whether there is a scope for going on without the user (`OpenID`
    /// Connect Core 1.0 §11).
    pub(super) offers_offline: bool,
    /// Whether the secret of a client goes into the header rather than into the
    /// form (RFC 6749 §2.3.1).
    pub(super) in_header: bool,
    /// What this machine is called in the address that the browser is sent back
    /// to.
    pub(super) loopback: &'static str,
}

impl Issuer {
    /// Any account of Microsoft's, be it a person's or an organization's.
    pub const COMMON: &str = "common";

    /// Google's word, Microsoft's with a tenant, or a URL.
    pub fn parse(text: &str, tenant: Option<&str>) -> Result<Self, IssuerError> {
        match (text, tenant) {
            ("google", None) => Ok(Issuer::Google),
            ("microsoft", tenant) => {
                let tenant = tenant.unwrap_or(Issuer::COMMON);
                let fits = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
                if tenant.is_empty() || !tenant.chars().all(fits) {
                    return Err(IssuerError::Tenant);
                }
                Ok(Issuer::Microsoft { tenant: tenant.to_owned() })
            }
            (_, Some(_)) => Err(IssuerError::Tenant),
            (url, None) => {
                if url.contains(['?', '#']) {
                    return Err(IssuerError::Query);
                }
                url.parse().map(Issuer::Other).map_err(|_| IssuerError::Unknown)
            }
        }
    }

    /// What stands for it in a store: one login for each user of it.
    pub fn place(&self) -> String {
        match self {
            Issuer::Google => "google".to_owned(),
            Issuer::Microsoft { tenant } => format!("microsoft/{tenant}"),
            Issuer::Other(url) => identifier(url),
        }
    }

    /// Where it is asked for what. Only an issuer that is given by its URL is
    /// asked for that.
    pub(super) fn endpoints(&self, web: &Web) -> Result<Endpoints, OAuthError> {
        match self {
            Issuer::Google => Ok(google()),
            Issuer::Microsoft { tenant } => Ok(microsoft(tenant)),
            Issuer::Other(url) => metadata::endpoints(url, web),
        }
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Issuer::Google => f.write_str("google"),
            Issuer::Microsoft { tenant } if tenant == Issuer::COMMON => f.write_str("microsoft"),
            Issuer::Microsoft { tenant } => write!(f, "microsoft (tenant {tenant})"),
            Issuer::Other(url) => f.write_str(&identifier(url)),
        }
    }
}

/// As people write it, without a path that says nothing.
fn identifier(url: &HttpUrl) -> String {
    url.to_string().trim_end_matches('/').to_owned()
}

/// As <https://accounts.google.com/.well-known/openid-configuration> has it,
/// and <https://developers.google.com/workspace/gmail/imap/xoauth2-protocol>
/// the scope. What renews tokens comes for sure with a new consent only
/// (<https://developers.google.com/identity/protocols/oauth2/web-server#offline>).
/// Google's codes for other devices are for other scopes only
/// (<https://developers.google.com/identity/protocols/oauth2/limited-input-device#allowedscopes>).
fn google() -> Endpoints {
    Endpoints {
        identifier: Some("https://accounts.google.com".to_owned()),
        says_identifier: false,
        authorization: Some(known(
            "https://accounts.google.com/o/oauth2/v2/auth?access_type=offline&prompt=consent",
        )),
        device: None,
        token: known("https://oauth2.googleapis.com/token"),
        revocation: Some(known("https://oauth2.googleapis.com/revoke")),
        scope: Some("https://mail.google.com/".to_owned()),
        offers_offline: false,
        in_header: false,
        loopback: ADDRESS,
    }
}

/// As <https://learn.microsoft.com/entra/identity-platform/v2-protocols> and
/// <https://learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth>
/// have it. The identifier in its answers is that of the user's directory, not
/// of the tenant that was asked. Its registrations take any port of `localhost`.
fn microsoft(tenant: &str) -> Endpoints {
    let at = |what: &str| {
        known(&format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/{what}"))
    };
    Endpoints {
        identifier: None,
        says_identifier: false,
        authorization: Some(at("authorize")),
        device: Some(at("devicecode")),
        token: at("token"),
        revocation: None,
        scope: Some("https://outlook.office.com/SMTP.Send offline_access".to_owned()),
        offers_offline: true,
        in_header: false,
        loopback: "localhost",
    }
}

/// RFC 8252 §8.3: the address rather than the name, which may be that of another
/// interface.
pub(super) const ADDRESS: &str = "127.0.0.1";

fn known(url: &str) -> HttpUrl {
    url.parse().expect("an endpoint that is written down here, with a tenant that fits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_a_word_or_a_url() {
        assert_eq!(Issuer::parse("google", None), Ok(Issuer::Google));
        let microsoft = |tenant: &str| Issuer::Microsoft { tenant: tenant.to_owned() };
        assert_eq!(Issuer::parse("microsoft", None), Ok(microsoft("common")));
        let tenant = Some("contoso.example");
        assert_eq!(Issuer::parse("microsoft", tenant), Ok(microsoft("contoso.example")));
        let url = Issuer::parse("https://id.example.org/realms/a", None).unwrap();
        assert_eq!(url.to_string(), "https://id.example.org/realms/a");
        for (text, tenant, error) in [
            ("", None, IssuerError::Unknown),
            ("gmail", None, IssuerError::Unknown),
            ("http://id.example.org", None, IssuerError::Unknown),
            ("https://id.example.org/?a", None, IssuerError::Query),
            ("https://id.example.org/#a", None, IssuerError::Query),
            ("microsoft", Some("a/../b"), IssuerError::Tenant),
            ("google", Some("a"), IssuerError::Tenant),
        ] {
            assert_eq!(Issuer::parse(text, tenant), Err(error), "{text}");
        }
    }

    #[test]
    fn the_endpoints_that_are_written_down_are_urls() {
        assert_eq!(google().token.to_string(), "https://oauth2.googleapis.com/token");
        let microsoft = microsoft("common");
        assert!(microsoft.device.is_some() && microsoft.authorization.is_some());
    }
}
