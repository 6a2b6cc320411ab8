//! What is kept of a login, as one line of JSON.

use super::LONGEST_ANSWER;
use super::answer::{Tokens, maybe_secret, place};
use crate::net::HttpUrl;
use crate::sasl::Secret;
use serde::{Deserialize, Serialize};
use std::str::FromStr;
use zeroize::Zeroizing;

/// What is kept of a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Who logged in.
    pub(super) user: String,
    /// Who issued the tokens, as [`super::Issuer::place`] has it.
    pub(super) issuer: String,
    /// To which client.
    pub(super) client_id: String,
    /// Whether its secret goes into the header.
    pub(super) in_header: bool,
    /// Where they are renewed.
    pub(super) token_endpoint: HttpUrl,
    /// Where they are given back, if anywhere.
    pub(super) revocation_endpoint: Option<HttpUrl>,
    /// What servers are given, if it is kept.
    pub(super) access: Option<Secret>,
    /// When that expires, in seconds of Unix time, as far as the issuer said.
    pub(super) until: Option<i64>,
    /// What renews it.
    pub(super) refresh: Option<Secret>,
}

/// The form in which it stands in a store.
#[derive(Serialize)]
struct Written<'r> {
    version: u8,
    user: &'r str,
    issuer: &'r str,
    client_id: &'r str,
    client_secret_in_header: bool,
    token_endpoint: String,
    revocation_endpoint: Option<String>,
    access_token: Option<&'r str>,
    expires_at: Option<i64>,
    refresh_token: Option<&'r str>,
}

/// The same when it is read.
#[derive(Deserialize)]
struct Said {
    version: u8,
    user: String,
    issuer: String,
    client_id: String,
    client_secret_in_header: bool,
    token_endpoint: String,
    revocation_endpoint: Option<String>,
    #[serde(deserialize_with = "maybe_secret")]
    access_token: Option<Secret>,
    expires_at: Option<i64>,
    #[serde(deserialize_with = "maybe_secret")]
    refresh_token: Option<Secret>,
}

const VERSION: u8 = 1;

impl Record {
    /// The access token, if it holds for a while after `now`. One of which
    /// nobody said how long it holds is used until it is refused.
    pub(super) fn valid_access(&self, now: i64) -> Option<&Secret> {
        let holds = self.until.is_none_or(|until| until - now > MARGIN);
        self.access.as_ref().filter(|_| holds)
    }

    /// With newer tokens. Where no new refresh token came, the old one still
    /// holds (RFC 6749 §6).
    pub(super) fn renewed(self, tokens: Tokens, now: i64) -> Self {
        let lasts = tokens.lasts.and_then(|seconds| i64::try_from(seconds).ok());
        Record {
            access: Some(tokens.access),
            until: lasts.map(|seconds| now.saturating_add(seconds)),
            refresh: tokens.refresh.or(self.refresh),
            ..self
        }
    }

    /// The line to keep. Where it would be longer than a secret may be, the
    /// access token is left out: it can be had again.
    pub(super) fn line(&self) -> Secret {
        let line = self.written(self.access.as_ref());
        if line.len() <= LONGEST_ANSWER || self.refresh.is_none() {
            return Secret::new(line.to_vec());
        }
        Secret::new(self.written(None).to_vec())
    }

    fn written(&self, access: Option<&Secret>) -> Zeroizing<Vec<u8>> {
        // They came as text.
        let text = |secret: &'_ Secret| str_of(secret).unwrap_or_default().to_owned();
        let access = access.map(text).map(Zeroizing::new);
        let refresh = self.refresh.as_ref().map(text).map(Zeroizing::new);
        let written = Written {
            version: VERSION,
            user: &self.user,
            issuer: &self.issuer,
            client_id: &self.client_id,
            client_secret_in_header: self.in_header,
            token_endpoint: self.token_endpoint.to_string(),
            revocation_endpoint: self.revocation_endpoint.as_ref().map(ToString::to_string),
            access_token: access.as_ref().map(|text| text.as_str()),
            expires_at: self.until,
            refresh_token: refresh.as_ref().map(|text| text.as_str()),
        };
        // Enough room, or copies would be left behind where it grows.
        let mut line = Zeroizing::new(Vec::with_capacity(4 * LONGEST_ANSWER));
        // Writing texts and numbers into memory cannot fail.
        let _ = serde_json::to_writer(&mut *line, &written);
        line
    }

    /// Reads such a line; a clause on why it is none.
    pub(super) fn read(line: &Secret) -> Result<Self, String> {
        let said: Said = serde_json::from_slice(line.expose()).map_err(|error| place(&error))?;
        if said.version != VERSION {
            return Err(format!("they are of the version {}", said.version));
        }
        let url =
            |text: &str| HttpUrl::from_str(text).map_err(|error| format!("‘{text}’: {error}"));
        Ok(Record {
            user: said.user,
            issuer: said.issuer,
            client_id: said.client_id,
            in_header: said.client_secret_in_header,
            token_endpoint: url(&said.token_endpoint)?,
            revocation_endpoint: said.revocation_endpoint.as_deref().map(url).transpose()?,
            access: said.access_token,
            until: said.expires_at,
            refresh: said.refresh_token,
        })
    }
}

fn str_of(secret: &Secret) -> Option<&str> {
    std::str::from_utf8(secret.expose()).ok()
}

/// How many seconds before its end a token is not used any more: it has to
/// reach the server, whose clock may be another.
const MARGIN: i64 = 60;

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            user: "alice".into(),
            issuer: "https://i.example/".into(),
            client_id: "c".into(),
            in_header: true,
            token_endpoint: "https://i.example/t".parse().unwrap(),
            revocation_endpoint: None,
            access: Some(Secret::new("\"a\\")),
            until: Some(1000),
            refresh: Some(Secret::new("r")),
        }
    }

    #[test]
    fn what_is_kept_is_one_line_and_reads_back() {
        let line = record().line();
        assert!(!line.expose().contains(&b'\n'));
        assert_eq!(Record::read(&line).unwrap(), record());
        for (text, why) in [
            ("secret-word", "it is no JSON, in line 1, column 1"),
            ("{\"version\":1}", "something is missing in it or of another type"),
        ] {
            assert_eq!(Record::read(&Secret::new(text)).unwrap_err(), why);
        }
    }

    #[test]
    fn a_token_is_used_until_shortly_before_its_end() {
        assert!(record().valid_access(900).is_some());
        assert!(record().valid_access(940).is_none());
        assert!(record().valid_access(2000).is_none());
        assert!(Record { until: None, ..record() }.valid_access(i64::MAX).is_some());
    }

    #[test]
    fn a_new_refresh_token_takes_the_place_of_the_old() {
        // 6749-6
        let tokens = |refresh: Option<&str>, lasts| Tokens {
            access: Secret::new("b"),
            refresh: refresh.map(Secret::new),
            lasts,
        };
        let renewed = record().renewed(tokens(Some("s"), Some(60)), 2000);
        assert_eq!((renewed.refresh, renewed.until), (Some(Secret::new("s")), Some(2060)));
        let renewed = record().renewed(tokens(None, None), 2000);
        assert_eq!((renewed.refresh, renewed.until), (Some(Secret::new("r")), None));
        assert_eq!(record().renewed(tokens(None, Some(u64::MAX)), 1).until, None);
    }

    #[test]
    fn of_tokens_that_are_too_long_together_the_one_is_kept_that_gives_the_other() {
        let long = Secret::new("a".repeat(40 * 1024));
        let long = Record { access: Some(long.clone()), refresh: Some(long), ..record() };
        let kept = Record::read(&long.line()).unwrap();
        assert_eq!((kept.access, kept.refresh), (None, long.refresh));
    }
}
