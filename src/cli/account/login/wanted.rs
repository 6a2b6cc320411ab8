//! What is said of tokens, by the account and by the options over it.

use crate::account::oauth::{Issuer, TokenStore, Way};
use crate::account::{OAuth2, SecretSource};
use crate::cli::args::IssuerArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;

/// How the user wants to log in, if that was said.
pub(in crate::cli::account) fn way(args: &IssuerArgs) -> Option<Way> {
    match (args.device, args.browser) {
        (true, _) => Some(Way::Device),
        (false, true) => Some(Way::Browser),
        (false, false) => None,
    }
}

/// What `--store` says.
pub(super) fn token_store(text: &str) -> Result<TokenStore, Failure> {
    let store = text.parse();
    store.map_err(|why: &str| Failure::say(Exit::Usage, format!("--store: {why}")))
}

/// What the account says of its tokens, with the options over it.
pub(in crate::cli::account) fn wanted(
    args: &IssuerArgs,
    store: Option<TokenStore>,
    said: Option<OAuth2>,
    account: Option<&str>,
) -> Result<OAuth2, Failure> {
    let usage = |option: &str, why: &dyn std::fmt::Display| {
        Failure::say(Exit::Usage, format!("{option}: {why}"))
    };
    let issuer = match (&args.issuer, said.as_ref().map(|said| &said.issuer), &args.tenant) {
        (Some(issuer), _, tenant) => Some(Issuer::parse(issuer, tenant.as_deref())),
        (None, Some(Issuer::Microsoft { .. }), Some(tenant)) => {
            Some(Issuer::parse("microsoft", Some(tenant)))
        }
        (None, _, Some(_)) => {
            return Err(usage("--tenant", &"only --issuer microsoft has tenants"));
        }
        (None, ..) => None,
    };
    let issuer = issuer.transpose().map_err(|error| usage("--issuer", &error))?;
    let mut oauth2 = match (said, issuer) {
        // The client of one issuer is unknown to another.
        (Some(said), Some(issuer)) if said.issuer != issuer => {
            OAuth2 { store: said.store, ..OAuth2::of(issuer) }
        }
        (Some(said), _) => said,
        (None, Some(issuer)) => OAuth2::of(issuer),
        (None, None) => {
            let whose = account.map(|name| format!(" for ‘{name}’")).unwrap_or_default();
            let sentence = format!("nothing says who issues tokens{whose}");
            return Err(Failure::say(Exit::Usage, sentence)
                .hint("name the issuer: --issuer google, --issuer microsoft or --issuer URL"));
        }
    };
    if let Some(id) = &args.client_id {
        oauth2.client_id = Some(id.clone());
    }
    if let Some(source) = &args.client_secret_from {
        let source = source.parse::<SecretSource>();
        let source = source.map_err(|error| usage("--client-secret-from", &error))?;
        oauth2.client_secret = Some(source);
    }
    if let Some(scope) = &args.scope {
        oauth2.scope = Some(scope.clone());
    }
    if let Some(store) = store {
        oauth2.store = absolute(store);
    }
    Ok(oauth2)
}

/// In a file, a path means another place than here.
fn absolute(store: TokenStore) -> TokenStore {
    match store {
        TokenStore::Keyring => TokenStore::Keyring,
        TokenStore::File(path) => TokenStore::File(std::path::absolute(&path).unwrap_or(path)),
    }
}
