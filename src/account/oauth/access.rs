//! A token when a server is about to be given one.

use super::OAuth2;
use super::error::OAuthError;
use super::grant::Client;
use super::lock::Lock;
use super::record::Record;
use super::store::Shelf;
use super::web::Web;
use crate::account::secret::{SecretSource, Whose, World};
use crate::net::Deadline;
use crate::sasl::Secret;
use std::time::Duration;

/// A token, as a server is given it.
#[derive(Debug)]
pub struct Token {
    /// The token.
    pub secret: Secret,
    /// Why the login that it is of could not be kept, though it was renewed: a
    /// later run may have to log in again.
    pub unkept: Option<OAuthError>,
}

impl Token {
    fn kept(secret: Secret) -> Self {
        Token { secret, unkept: None }
    }
}

/// A login that tokens are had of.
pub struct Access<'w> {
    /// Whose tokens they are, and where they are kept.
    pub oauth2: &'w OAuth2,
    /// Who logged in.
    pub user: &'w str,
    /// How the issuer is reached.
    pub web: &'w Web,
    /// What reading the store may make use of.
    pub world: World<'w>,
}

impl<'w> Access<'w> {
    /// A token that holds, as far as that can be told from here.
    pub fn token(&self) -> Result<Token, OAuthError> {
        let record = self.record()?;
        match record.valid_access(now()) {
            Some(token) => Ok(Token::kept(token.clone())),
            None => self.renew(None),
        }
    }

    /// Another token in place of one that a server refused: the one that is
    /// kept, if it is another by now, else a new one.
    pub fn renewed(&self, refused: &Secret) -> Result<Token, OAuthError> {
        self.renew(Some(refused))
    }

    fn renew(&self, refused: Option<&Secret>) -> Result<Token, OAuthError> {
        let place = self.place();
        let _lock = Lock::take(&place, self.web)?;
        // Another process may have done it while this one waited.
        let record = self.record()?;
        if let Some(token) = record.valid_access(now())
            && refused != Some(token)
        {
            return Ok(Token::kept(token.clone()));
        }
        let Some(refresh) = record.refresh.clone() else {
            return Err(OAuthError::NotRenewable { user: self.name(), issuer: self.issuer() });
        };
        let client = client(self.oauth2, record.in_header, self.world)?;
        // The old refresh token may be none any more as soon as the issuer has
        // answered. A store that nothing can be put into is found before that.
        place.keep(&record)?;
        let renew = || client.by_refresh(&record.token_endpoint, &refresh, self.web);
        let renewed = match renew() {
            Err(busy) => match busy.retry_after().filter(|pause| *pause <= LONGEST_PAUSE) {
                // Others wait for the lock meanwhile, so only once.
                Some(pause) if self.web.pause(pause, Deadline::after(2 * LONGEST_PAUSE))? => {
                    renew()
                }
                _ => Err(busy),
            },
            renewed => renewed,
        };
        let tokens = renewed.map_err(|error| self.over(error))?;
        let secret = tokens.access.clone();
        let unkept = place.keep(&record.renewed(tokens, now())).err();
        Ok(Token { secret, unkept })
    }

    /// What is kept, if it is of this login.
    fn record(&self) -> Result<Record, OAuthError> {
        let none = || OAuthError::NotLoggedIn { user: self.name(), issuer: self.issuer() };
        let record = self.place().read()?.ok_or_else(none)?;
        if record.issuer != self.oauth2.issuer.place() {
            return Err(none());
        }
        if self.oauth2.client_id.as_ref().is_some_and(|id| *id != record.client_id) {
            return Err(OAuthError::OtherClient { user: self.name(), issuer: self.issuer() });
        }
        Ok(record)
    }

    /// RFC 6749 §5.2: what the login gave does not hold any more.
    fn over(&self, error: OAuthError) -> OAuthError {
        match error {
            OAuthError::Refused { answer, .. } if answer.code == "invalid_grant" => {
                OAuthError::Over { user: self.name(), issuer: self.issuer(), answer }
            }
            error => error,
        }
    }

    pub(super) fn place(&self) -> Shelf<'w> {
        let OAuth2 { issuer, store, .. } = self.oauth2;
        Shelf { store, issuer, user: self.user, world: self.world }
    }

    fn name(&self) -> String {
        self.user.to_owned()
    }

    fn issuer(&self) -> String {
        self.oauth2.issuer.to_string()
    }
}

/// The longest that a busy issuer is waited for while a message waits.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The client, with its secret.
pub(super) fn client(
    oauth2: &OAuth2,
    in_header: bool,
    world: World<'_>,
) -> Result<Client, OAuthError> {
    let issuer = oauth2.issuer.to_string();
    let Some(id) = oauth2.client_id.clone() else { return Err(OAuthError::NoClient { issuer }) };
    let whose = Whose { user: &id, host: &issuer };
    let secret =
        oauth2.client_secret.as_ref().map(|source: &SecretSource| source.read(whose, world));
    let secret = secret.transpose().map_err(OAuthError::ClientSecret)?;
    Ok(Client { id, secret, in_header })
}

/// The seconds of Unix time: tokens outlive the process, so its own clock,
/// which knows deadlines only, would not do.
pub(super) fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}
