//! Logging in with a browser of this machine, which brings the answer back to a
//! port of it (RFC 8252 §7.3), and a code that is of no use to anybody else
//! (RFC 7636).

use super::answer::Tokens;
use super::error::{ErrorAnswer, OAuthError};
use super::grant::{Client, LOGIN};
use super::issuer::Endpoints;
use super::login::Asked;
use super::page;
use super::web::Web;
use crate::message::random_word;
use crate::net::{Deadline, HttpUrl, Loopback, Visit};
use crate::sasl::Secret;
use encodify::base64;
use ring::digest::{SHA256, digest};
use std::net::SocketAddr;
use std::time::Duration;
use zeroize::Zeroizing;

/// Sends the user to the issuer, and waits until the browser is back.
pub(super) fn login(
    asked: &Asked<'_>,
    client: &Client,
    endpoints: &Endpoints,
    web: &Web,
    show: &mut dyn FnMut(&str),
) -> Result<Tokens, OAuthError> {
    let Some(authorization) = &endpoints.authorization else {
        return Err(OAuthError::NoWay { issuer: asked.issuer.clone(), way: "with a browser" });
    };
    let mut door = Loopback::open().map_err(OAuthError::Listen)?;
    let going = Going {
        redirect: redirect(door.address(), endpoints.loopback),
        state: word()?,
        verifier: Zeroizing::new(word()?),
    };
    show(&going.url(asked, client, authorization)?.to_string());
    let until = Deadline::after(LIMIT).or_earlier(web.deadline);
    loop {
        let visit = door.next(until, &web.interrupt).map_err(|error| match error {
            crate::net::Error::Interrupted => OAuthError::Interrupted,
            crate::net::Error::TimedOut { .. } => OAuthError::Expired,
            error => OAuthError::Listen(std::io::Error::other(error)),
        })?;
        let Some(answer) = Answer::of(visit.target()) else {
            // Browsers ask for pictures, and others for anything.
            visit.answer(404, &page::of_nothing());
            continue;
        };
        if !answer.is_to(&going) {
            // Any page that the browser shows may ask this port for anything;
            // who was sent to the issuer still comes.
            visit.answer(400, &page::of_stranger());
            continue;
        }
        let granted = answer.code(asked, endpoints).and_then(|code| {
            let verifier = Secret::new(going.verifier.as_bytes());
            client.by_code(endpoints, &code, &going.redirect, &verifier, web)
        });
        tell(visit, &granted);
        return granted;
    }
}

/// Tells the user, who is looking at the browser, how it ended.
fn tell(visit: Visit, granted: &Result<Tokens, OAuthError>) {
    match granted {
        Ok(_) => visit.answer(200, &page::of_success()),
        Err(error) => visit.answer(400, &page::of_failure(&error.to_string())),
    }
}

/// A login that is under way.
struct Going {
    /// Where the browser is to come back to.
    redirect: String,
    /// By which it is known again (RFC 6749 §10.12).
    state: String,
    /// What alone makes the code good for something.
    verifier: Zeroizing<String>,
}

impl Going {
    /// Where the user is sent (RFC 6749 §4.1.1, RFC 7636 §4.3). The scopes and
    /// the user are as the account has them.
    fn url(
        &self,
        asked: &Asked<'_>,
        client: &Client,
        authorization: &HttpUrl,
    ) -> Result<HttpUrl, OAuthError> {
        let challenge = challenge(&self.verifier);
        let scope = asked.scope.as_deref().map(|scope| ("scope", scope));
        let pairs = [
            ("response_type", "code"),
            ("client_id", &client.id),
            ("redirect_uri", &self.redirect),
            ("state", &self.state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            // OpenID Connect Core 1.0 §3.1.2.1; others leave it aside.
            ("login_hint", asked.user),
        ];
        let mut pairs = pairs.into_iter().chain(scope);
        let url = pairs.try_fold(authorization.clone(), |url, (name, value)| url.with(name, value));
        url.map_err(|error| OAuthError::Nonsense {
            url: authorization.to_string(),
            what: "place to log in at",
            why: error.to_string(),
        })
    }
}

/// RFC 8252 §7.3: any port of this machine.
fn redirect(address: SocketAddr, name: &str) -> String {
    if address.is_ipv4() {
        format!("http://{name}:{}", address.port())
    } else {
        format!("http://{address}")
    }
}

/// RFC 7636 §4.2.
fn challenge(verifier: &str) -> String {
    let hash = base64::STANDARD.encode(digest(&SHA256, verifier.as_bytes()).as_ref());
    hash.trim_end_matches('=').replace('+', "-").replace('/', "_")
}

/// 256 random bits in 64 characters, within what RFC 7636 §4.1 allows.
fn word() -> Result<String, OAuthError> {
    random_word(32).map_err(|_| OAuthError::NoRandomness)
}

/// What the browser brought (RFC 6749 §4.1.2, RFC 9207 §2).
#[derive(Default)]
struct Answer {
    code: Option<Secret>,
    state: Option<String>,
    error: Option<String>,
    description: Option<String>,
    issuer: Option<String>,
}

impl Answer {
    /// Reads the target of a request; `None` if it is no answer at all.
    fn of(target: &str) -> Option<Self> {
        let query = target.strip_prefix("/?")?;
        let mut answer = Answer::default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let text = || decoded(value).map(|text| text.to_string());
            match name {
                "code" => answer.code = decoded(value).map(|text| Secret::new(text.as_bytes())),
                "state" => answer.state = text(),
                "error" => answer.error = text(),
                "error_description" => answer.description = text(),
                "iss" => answer.issuer = text(),
                _ => {}
            }
        }
        (answer.code.is_some() || answer.error.is_some()).then_some(answer)
    }

    /// Whether it is the answer to what the browser was sent with (RFC 6749
    /// §10.12).
    fn is_to(&self, going: &Going) -> bool {
        self.state.as_deref() == Some(&*going.state)
    }

    /// The code, if it is the issuer that was asked who answers, and no refusal.
    fn code(self, asked: &Asked<'_>, endpoints: &Endpoints) -> Result<Secret, OAuthError> {
        let forged = |why| OAuthError::Forged { issuer: asked.issuer.clone(), why };
        // RFC 9207 §2.4: or it may come from an issuer that wants the code of
        // another.
        match (self.issuer, &endpoints.identifier) {
            (Some(said), Some(expected)) if said != *expected => {
                let (url, asked) = ("the browser".to_owned(), expected.clone());
                return Err(OAuthError::OtherIssuer { url, asked, said });
            }
            (None, _) if endpoints.says_identifier => {
                return Err(forged("it does not say who the issuer is"));
            }
            _ => {}
        }
        match (self.error, self.code) {
            (Some(code), _) if code == "access_denied" => {
                Err(OAuthError::Denied { description: self.description })
            }
            (Some(code), _) => Err(OAuthError::Refused {
                url: asked.issuer.clone(),
                asked: LOGIN,
                answer: ErrorAnswer { code, description: self.description },
            }),
            (None, Some(code)) => Ok(code),
            (None, None) => Err(forged("it has no code")),
        }
    }
}

/// A value of a query: `%XX` and `+`; `None` if it is no text.
fn decoded(value: &str) -> Option<Zeroizing<String>> {
    let mut octets = Zeroizing::new(Vec::with_capacity(value.len()));
    let mut rest = value.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        octets.push(match first {
            b'+' => b' ',
            b'%' => {
                let digits = std::str::from_utf8(after.get(..2)?).ok()?;
                rest = &after[2..];
                u8::from_str_radix(digits, 16).ok()?
            }
            &octet => octet,
        });
    }
    String::from_utf8(octets.to_vec()).ok().map(Zeroizing::new)
}

/// How long the user may take, in a browser of which nothing is heard meanwhile.
const LIMIT: Duration = Duration::from_secs(15 * 60);

#[cfg(test)]
mod tests;
