//! Tokens in place of a password: the user logs in at whoever issues them.

use super::password::Password;
use super::servers::Way;
use super::{Adding, Worked, say};
use crate::account::discover::providers::Passwords;
use crate::account::oauth::TokenStore;
use crate::account::{OAuth2, SecretSource};
use crate::cli::account::login;
use crate::cli::args::{IssuerArgs, Store};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::{Surroundings, trial};

/// What is said of tokens, if the account is to have them: because an issuer is
/// named, or because the provider takes no passwords.
pub(super) fn wanted(adding: &Adding<'_>, way: &Way) -> Result<Option<OAuth2>, Failure> {
    let args = &adding.args.issuer;
    let is_meant = args.issuer.is_some() || args.client_id.is_some() || args.device || args.browser;
    let takes_no_password = way.passwords == Passwords::None && way.issuer.is_some();
    if !is_meant && (!takes_no_password || adding.typed.password.is_some()) {
        return Ok(None);
    }
    if adding.typed.password.is_some() {
        let sentence = "a password and tokens exclude each other";
        return Err(Failure::say(Exit::Usage, sentence).hint("leave out --password-from"));
    }
    let store = match &adding.args.store {
        None => None,
        Some(Store::Source(SecretSource::File(path))) => Some(TokenStore::File(path.clone())),
        Some(Store::Source(_)) => Some(TokenStore::Keyring),
        Some(Store::Config | Store::Nowhere) => {
            return Err(Failure::say(Exit::Usage, "tokens are kept in the keyring or in a file")
                .hint("--store keyring, or --store file:PATH"));
        }
    };
    let args =
        IssuerArgs { issuer: args.issuer.clone().or_else(|| way.issuer.clone()), ..args.clone() };
    let mut oauth2 = login::wanted(&args, store, None, None)?;
    if oauth2.client_id.is_none() {
        let question = "Client ID that the issuer gave you for envoi:";
        let id = adding.questions.text(question, "--client-id ID");
        oauth2.client_id = Some(id.map_err(|failure| way.with_remark(failure))?);
    }
    Ok(Some(oauth2))
}

/// Logs in at the issuer, and signs in at the server with the token.
pub(super) fn try_out(
    adding: &Adding<'_>,
    way: &Way,
    oauth2: OAuth2,
    surroundings: &mut Surroundings<'_>,
) -> Result<Worked, Failure> {
    let user = adding.users(way).into_iter().next().flatten();
    let password = Password::Tokens(Box::new(oauth2));
    if adding.args.dry_run || adding.args.no_test {
        return Ok(Worked { user, password, seen: None, granted: None });
    }
    let account = adding.account(way, user.as_deref(), &password)?;
    let way_in = login::way(&adding.args.issuer);
    let granted = login::run_for(&account, way_in, adding.interrupt, surroundings);
    // There is no account yet that its hints could be about.
    let granted = granted.map_err(|failure| Failure { hints: Vec::new(), ..failure })?;
    say(surroundings, &super::tell::trying(way, user.as_deref()))?;
    match trial::run(&account, adding.interrupt, surroundings) {
        Ok(attempt) => Ok(Worked { user, password, seen: Some(attempt), granted: Some(granted) }),
        Err(refused) => {
            login::take_back(&account, granted, adding.interrupt, surroundings);
            Err(way.with_remark(refused.failure))
        }
    }
}
