//! Logging in, once, and logging out.

use super::OAuth2;
use super::access::{Access, client, now};
use super::device::{self, Prompt};
use super::error::OAuthError;
use super::issuer::{Endpoints, Issuer};
use super::lock::Lock;
use super::record::Record;
use super::redirect;
use super::web::Web;
use crate::account::secret::World;

/// How somebody logs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// With a browser of this machine.
    Browser,
    /// With a code that is typed at any device.
    Device,
}

/// What the user has to see.
#[derive(Clone, Copy, Debug)]
pub enum Show<'s> {
    /// Where the browser has to go.
    Browser(&'s str),
    /// Where to go with any browser, and what to type there.
    Device(&'s Prompt),
}

/// A login that is to be made or ended.
pub struct Login<'w> {
    /// Who is asked, and where it is kept.
    pub oauth2: &'w OAuth2,
    /// Who logs in.
    pub user: &'w str,
    /// How; `None` takes what fits.
    pub way: Option<Way>,
    /// Whether a browser of this machine can be opened.
    pub has_browser: bool,
    /// How the issuer is reached.
    pub web: &'w Web,
    /// What reading and writing the store may make use of.
    pub world: World<'w>,
}

/// What a login came to, and what it takes the place of, for [`Login::undo`].
#[derive(Debug)]
pub struct Granted {
    /// When the access token expires, in seconds of Unix time, if that was said.
    pub until: Option<i64>,
    /// Whether it is renewed after that without the user.
    pub is_renewable: bool,
    /// Why nothing could be made of what was there before, which is gone.
    pub replaced: Option<OAuthError>,
    /// The login that was there before.
    before: Option<Record>,
}

/// What became of tokens that were removed.
#[derive(Debug)]
pub struct Ended {
    /// The error where the issuer would not take them back; `Ok(false)` where
    /// it takes none back.
    pub revoked: Result<bool, OAuthError>,
}

/// What is asked, whichever way.
pub(super) struct Asked<'w> {
    /// Who issues tokens, for errors.
    pub(super) issuer: String,
    /// Who is to log in.
    pub(super) user: &'w str,
    /// What the tokens are to be good for.
    pub(super) scope: Option<String>,
}

impl Login<'_> {
    /// Logs in, and keeps what came of it. `show` is called once, before the
    /// wait.
    pub fn run(&self, show: &mut dyn FnMut(Show<'_>)) -> Result<Granted, OAuthError> {
        // Without a client or a place for tokens nobody needs to log in.
        let mut client = client(self.oauth2, false, self.world)?;
        readable(self.place().read())?;
        self.place().check()?;
        let endpoints = self.oauth2.issuer.endpoints(self.web)?;
        client.in_header = endpoints.in_header;
        let asked = Asked {
            issuer: self.oauth2.issuer.to_string(),
            user: self.user,
            scope: scope(self.oauth2.scope.as_deref(), &endpoints),
        };
        let web = self.web;
        let tokens = match self.way(&endpoints) {
            Way::Device => device::login(&asked, &client, &endpoints, web, &mut |prompt| {
                show(Show::Device(prompt));
            })?,
            Way::Browser => redirect::login(&asked, &client, &endpoints, web, &mut |url| {
                show(Show::Browser(url));
            })?,
        };
        let record = Record {
            user: self.user.to_owned(),
            issuer: self.oauth2.issuer.place(),
            client_id: client.id,
            in_header: endpoints.in_header,
            token_endpoint: endpoints.token,
            revocation_endpoint: endpoints.revocation,
            access: None,
            until: None,
            refresh: None,
        };
        let record = record.renewed(tokens, now());
        let place = self.place();
        let _lock = Lock::take(&place, web)?;
        let (before, replaced) = readable(place.read())?;
        place.keep(&record)?;
        let (until, is_renewable) = (record.until, record.refresh.is_some());
        Ok(Granted { until, is_renewable, replaced, before })
    }

    /// Removes what is kept, and gives it back to the issuer where that takes
    /// it. What nothing can be made of is removed, too. `None` if nothing is
    /// kept.
    pub fn end(&self) -> Result<Option<Ended>, OAuthError> {
        let place = self.place();
        let _lock = Lock::take(&place, self.web)?;
        let (record, damage) = readable(place.read())?;
        if record.is_none() && damage.is_none() {
            return Ok(None);
        }
        place.clear()?;
        let revoked = match (record, damage) {
            (Some(record), _) => self.revoke(record),
            (None, Some(damage)) => Err(damage),
            (None, None) => Ok(false),
        };
        Ok(Some(Ended { revoked }))
    }

    /// Makes a login undone, which may have been renewed since: what was there
    /// before is there again, and only what this login gave is given back.
    pub fn undo(&self, granted: Granted) -> Result<Option<Ended>, OAuthError> {
        let Some(before) = granted.before else { return self.end() };
        let place = self.place();
        let _lock = Lock::take(&place, self.web)?;
        let (record, _) = readable(place.read())?;
        place.keep(&before)?;
        let given_back = record.filter(|record| self.is_apart(record, &before));
        let revoked = given_back.map_or(Ok(false), |record| self.revoke(record));
        Ok(Some(Ended { revoked }))
    }

    /// Whether one login can be given back without the other. Some issuers give
    /// the same token again, and Google takes all tokens back that a client has
    /// of a user
    /// (<https://developers.google.com/identity/protocols/oauth2/web-server#tokenrevoke>).
    fn is_apart(&self, one: &Record, other: &Record) -> bool {
        self.oauth2.issuer != Issuer::Google
            && one.refresh.is_some()
            && one.refresh != other.refresh
    }

    fn revoke(&self, record: Record) -> Result<bool, OAuthError> {
        let token = record.refresh.or(record.access);
        let (Some(endpoint), Some(token)) = (record.revocation_endpoint, token) else {
            return Ok(false);
        };
        let oauth2 = OAuth2 { client_id: Some(record.client_id), ..self.oauth2.clone() };
        client(&oauth2, record.in_header, self.world)?.revoke(&endpoint, &token, self.web)?;
        Ok(true)
    }

    /// The browser where there is one to open; else a code, where the issuer
    /// has codes.
    fn way(&self, endpoints: &Endpoints) -> Way {
        match self.way {
            Some(way) => way,
            None if endpoints.authorization.is_none() => Way::Device,
            None if self.has_browser || endpoints.device.is_none() => Way::Browser,
            None => Way::Device,
        }
    }

    fn place(&self) -> super::store::Shelf<'_> {
        let Login { oauth2, user, web, world, .. } = *self;
        Access { oauth2, user, web, world }.place()
    }
}

/// What was read, or why nothing can be made of it, where that is so for good.
fn readable(
    read: Result<Option<Record>, OAuthError>,
) -> Result<(Option<Record>, Option<OAuthError>), OAuthError> {
    match read {
        Ok(record) => Ok((record, None)),
        Err(damage @ OAuthError::Damaged { .. }) => Ok((None, Some(damage))),
        Err(error) => Err(error),
    }
}

/// What the account says, else what is usual; with what renews tokens, where the
/// issuer has a name for that (`OpenID` Connect Core 1.0 §11).
fn scope(said: Option<&str>, endpoints: &Endpoints) -> Option<String> {
    let said = said.or(endpoints.scope.as_deref()).unwrap_or_default();
    let has_offline = said.split_ascii_whitespace().any(|word| word == OFFLINE);
    let offline = (endpoints.offers_offline && !has_offline).then_some(OFFLINE);
    let words: Vec<&str> = said.split_ascii_whitespace().chain(offline).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

const OFFLINE: &str = "offline_access";
