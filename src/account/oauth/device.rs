//! Logging in with a code that is typed at another device (RFC 8628).

use super::answer::{Tokens, must_be_granted, place, seconds, secret};
use super::error::OAuthError;
use super::grant::Client;
use super::issuer::Endpoints;
use super::login::Asked;
use super::web::Web;
use crate::net::{Deadline, Form};
use crate::sasl::Secret;
use serde::Deserialize;
use std::time::Duration;

/// What the user is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// Where to go, as the issuer wrote it: escape it before a person sees it.
    pub uri: String,
    /// What to type there, likewise.
    pub code: String,
    /// Where the code is part of the address, for a link or a picture of it.
    pub uri_complete: Option<String>,
    /// How long that can be done.
    pub lasts: Duration,
}

/// RFC 8628 §3.2.
#[derive(Deserialize)]
struct Said {
    #[serde(deserialize_with = "secret")]
    device_code: Secret,
    user_code: String,
    /// Google had another name for it before the RFC.
    #[serde(alias = "verification_url")]
    verification_uri: String,
    verification_uri_complete: Option<String>,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<u64>,
    #[serde(default, deserialize_with = "seconds")]
    interval: Option<u64>,
}

/// Shows the user a code, and waits until it was approved.
pub(super) fn login(
    asked: &Asked<'_>,
    client: &Client,
    endpoints: &Endpoints,
    web: &Web,
    show: &mut dyn FnMut(&Prompt),
) -> Result<Tokens, OAuthError> {
    let said = begin(asked, client, endpoints, web)?;
    let lasts = Duration::from_secs(said.expires_in.unwrap_or(LASTS).min(LONGEST));
    let until = Deadline::after(lasts);
    show(&Prompt {
        uri: said.verification_uri,
        code: said.user_code,
        uri_complete: said.verification_uri_complete,
        lasts,
    });
    let mut polling = Polling::every(said.interval);
    while web.pause(polling.interval, until)? {
        let polled = client.by_device_code(endpoints, &said.device_code, web);
        if let Some(done) = polling.after(polled) {
            return done;
        }
    }
    Err(OAuthError::Expired)
}

/// RFC 8628 §3.1.
fn begin(
    asked: &Asked<'_>,
    client: &Client,
    endpoints: &Endpoints,
    web: &Web,
) -> Result<Said, OAuthError> {
    let Some(url) = &endpoints.device else {
        return Err(OAuthError::NoWay { issuer: asked.issuer.clone(), way: "with a code" });
    };
    let form = match &asked.scope {
        Some(scope) => Form::new().with("scope", scope),
        None => Form::new(),
    };
    let reply = client.post(url, form, web)?;
    must_be_granted(&reply, "a code to log in with")?;
    serde_json::from_slice(reply.body()).map_err(|error| OAuthError::Nonsense {
        url: reply.url().to_owned(),
        what: "code to log in with",
        why: place(&error),
    })
}

/// When it is asked again, and how it goes on.
struct Polling {
    interval: Duration,
}

impl Polling {
    fn every(seconds: Option<u64>) -> Self {
        // Without a word, five seconds (RFC 8628 §3.2).
        Polling { interval: Duration::from_secs(seconds.unwrap_or(5).clamp(1, SLOWEST)) }
    }

    /// What comes of one answer; `None` asks again (RFC 8628 §3.5).
    fn after(&mut self, polled: Result<Tokens, OAuthError>) -> Option<Result<Tokens, OAuthError>> {
        let error = match polled {
            Ok(tokens) => return Some(Ok(tokens)),
            Err(error) => error,
        };
        let OAuthError::Refused { answer, .. } = &error else {
            if !error.is_temporary() || matches!(error, OAuthError::Interrupted) {
                return Some(Err(error));
            }
            // Nobody answered, or is too busy to.
            let slower = (2 * self.interval).min(Duration::from_secs(SLOWEST));
            // It may have asked for more than that already.
            let wanted = error.retry_after().unwrap_or_default().min(LONGEST_PAUSE);
            self.interval = self.interval.max(slower).max(wanted);
            return None;
        };
        match &*answer.code {
            "authorization_pending" => None,
            "slow_down" => {
                self.interval += Duration::from_secs(5);
                None
            }
            "expired_token" => Some(Err(OAuthError::Expired)),
            // Microsoft has a word of its own.
            "access_denied" | "authorization_declined" => {
                Some(Err(OAuthError::Denied { description: answer.description.clone() }))
            }
            _ => Some(Err(error)),
        }
    }
}

/// How long a code lasts of which that is not said, and the longest that
/// anybody waits, in seconds.
const LASTS: u64 = 15 * 60;
const LONGEST: u64 = 24 * 60 * 60;

/// The most seconds between two questions, unless the issuer asks for more.
const SLOWEST: u64 = 60;

/// The most that a busy issuer may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);

#[cfg(test)]
mod tests {
    use super::super::error::ErrorAnswer;
    use super::*;

    fn refused(code: &str) -> Result<Tokens, OAuthError> {
        let answer = ErrorAnswer { code: code.to_owned(), description: None };
        Err(OAuthError::Refused { url: "https://i.example/t".into(), asked: "x", answer })
    }

    fn seconds(polling: &Polling) -> u64 {
        polling.interval.as_secs()
    }

    #[test]
    fn the_issuer_says_how_often_it_is_asked() {
        // 8628-3.5
        let mut polling = Polling::every(None);
        assert_eq!(seconds(&polling), 5);
        assert!(polling.after(refused("authorization_pending")).is_none());
        assert_eq!(seconds(&polling), 5);
        assert!(polling.after(refused("slow_down")).is_none());
        assert!(polling.after(refused("authorization_pending")).is_none());
        assert_eq!(seconds(&polling), 10);
        assert!(polling.after(refused("slow_down")).is_none());
        assert_eq!(seconds(&polling), 15);
        assert_eq!(seconds(&Polling::every(Some(0))), 1);
        assert_eq!(seconds(&Polling::every(Some(u64::MAX))), SLOWEST);
    }

    #[test]
    fn while_nobody_answers_it_is_asked_ever_less_often() {
        // 8628-3.5
        let mut polling = Polling::every(Some(5));
        let busy_for = |retry_after| {
            Err(OAuthError::Status { url: "https://i.example/t".into(), status: 503, retry_after })
        };
        let busy = || busy_for(None);
        let mut seen = Vec::new();
        for _ in 0..5 {
            assert!(polling.after(busy()).is_none());
            seen.push(seconds(&polling));
        }
        assert_eq!(seen, [10, 20, 40, 60, 60]);
        assert!(polling.after(refused("slow_down")).is_none());
        assert!(polling.after(busy()).is_none());
        assert_eq!(seconds(&polling), 65, "what the issuer asked for stays");
        for (wanted, expected) in [(30, 65), (90, 90), (u64::MAX, 300)] {
            assert!(polling.after(busy_for(Some(Duration::from_secs(wanted)))).is_none());
            assert_eq!(seconds(&polling), expected);
        }
    }

    #[test]
    fn any_other_word_ends_it() {
        // 8628-3.5
        let mut polling = Polling::every(None);
        let mut ended = |code| polling.after(refused(code)).unwrap().unwrap_err();
        assert!(matches!(ended("expired_token"), OAuthError::Expired));
        for code in ["access_denied", "authorization_declined"] {
            assert!(matches!(ended(code), OAuthError::Denied { .. }));
        }
        for code in ["invalid_client", "unsupported_grant_type", "x"] {
            assert!(matches!(ended(code), OAuthError::Refused { .. }));
        }
        let status = OAuthError::Status { url: String::new(), status: 404, retry_after: None };
        assert!(polling.after(Err(status)).is_some());
    }
}
