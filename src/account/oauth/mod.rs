//! Access tokens by OAuth 2.0 (RFC 6749): the user logs in once, at whoever
//! issues them, and every later run has a token of that login, which it renews
//! where it has expired.
//!
//! | what | file |
//! |---|---|
//! | where an issuer is asked for what | `issuer.rs`, `metadata.rs` |
//! | logging in with a code that is typed elsewhere (RFC 8628) | `device.rs` |
//! | logging in with a browser of this machine (RFC 8252, RFC 7636) | `redirect.rs`, `page.rs`, `browser.rs` |
//! | what the token endpoint is asked and answers | `grant.rs`, `answer.rs` |
//! | requests, and whom they trust | `web.rs` |
//! | what is kept of a login, and where | `record.rs`, `store.rs` |
//! | a token when a server is about to be given one | `access.rs`, `lock.rs` |
//! | why not | `error.rs` |

mod access;
mod answer;
mod browser;
mod device;
mod error;
mod grant;
mod issuer;
mod lock;
mod login;
mod metadata;
mod page;
mod record;
mod redirect;
mod store;
mod web;

pub use access::{Access, Token};
pub use browser::{browse, has_browser};
pub use device::Prompt;
pub use error::{ErrorAnswer, OAuthError};
pub use issuer::{Issuer, IssuerError};
pub use login::{Ended, Granted, Login, Show, Way};
pub use store::TokenStore;
pub use web::Web;

use super::secret::SecretSource;
use std::fmt;

/// Who issues the access tokens of an account, to which client, and where they
/// are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuth2 {
    /// Who issues them.
    pub issuer: Issuer,
    /// What the issuer calls this client (RFC 6749 §2.2).
    pub client_id: Option<String>,
    /// Where the secret of the client is, if the issuer gave it one.
    pub client_secret: Option<SecretSource>,
    /// What the tokens are to be good for, where that is not the usual.
    pub scope: Option<String>,
    /// Where what a login gave is kept.
    pub store: TokenStore,
}

impl OAuth2 {
    /// Tokens of this issuer, nothing else said.
    pub fn of(issuer: Issuer) -> Self {
        OAuth2 {
            issuer,
            client_id: None,
            client_secret: None,
            scope: None,
            store: TokenStore::Keyring,
        }
    }
}

impl fmt::Display for OAuth2 {
    /// Who issues, and where it is kept; nothing that could be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, kept in {}", self.issuer, self.store)
    }
}

/// The most that tokens may have, together with what stands around them.
const LONGEST_ANSWER: usize = 64 * 1024;
