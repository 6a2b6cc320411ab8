//! `oauth2` of an account: who issues its tokens, and where they are kept.

use super::{Setter, Value, fill, set};
use crate::account::error::Error;
use crate::account::oauth::{Issuer, OAuth2, TokenStore};
use crate::account::secret::SecretSource;
use std::path::PathBuf;

/// The table, while it is being read.
#[derive(Default)]
struct Said {
    issuer: Option<String>,
    tenant: Option<String>,
    client_id: Option<String>,
    client_secret: Option<SecretSource>,
    scope: Option<String>,
    store: Option<TokenStore>,
}

const OAUTH2: &[(&str, Setter<Said>)] = &[
    ("client-id", |said, value| set(&mut said.client_id, value.line())),
    ("client-secret", |said, value| set(&mut said.client_secret, value.password())),
    ("issuer", |said, value| set(&mut said.issuer, value.line())),
    ("scope", |said, value| set(&mut said.scope, value.line())),
    ("store", |said, value| set(&mut said.store, value.store())),
    ("tenant", |said, value| set(&mut said.tenant, value.line())),
];

/// `store`, where it is a table.
const STORE: &[(&str, Setter<Option<PathBuf>>)] =
    &[("file", |file, value| set(file, value.path()))];

impl Value<'_> {
    /// Who issues tokens.
    pub(super) fn oauth2(&self) -> Result<OAuth2, Error> {
        let mut said = Said::default();
        fill(&mut said, self.source, self.key, self.table()?, OAUTH2)?;
        let issuer = said.issuer.ok_or_else(|| {
            self.wrong("it has an issuer: \"google\", \"microsoft\" or a URL".to_owned())
        })?;
        let issuer = Issuer::parse(&issuer, said.tenant.as_deref())
            .map_err(|error| self.wrong(format!("the issuer ‘{issuer}’ is none: {error}")))?;
        Ok(OAuth2 {
            issuer,
            client_id: said.client_id,
            client_secret: said.client_secret,
            scope: said.scope,
            store: said.store.unwrap_or_default(),
        })
    }

    /// Where tokens are kept.
    fn store(&self) -> Result<TokenStore, Error> {
        let known = || self.wrong("it is \"keyring\" or { file = \"PATH\" }".to_owned());
        if self.is_text() {
            return if self.text()? == "keyring" { Ok(TokenStore::Keyring) } else { Err(known()) };
        }
        let mut file = None;
        fill(&mut file, self.source, self.key, self.table().map_err(|_| known())?, STORE)?;
        file.map(TokenStore::File).ok_or_else(known)
    }
}
