//! Requests to issuers: whom they trust, which way they go, how long they take.

use super::LONGEST_ANSWER;
use super::error::OAuthError;
use crate::account::proxy::ProxyChoice;
use crate::net::{
    Authorization, Deadline, Family, Form, Http, HttpError, HttpUrl, Interrupt, Roots, TlsVersion,
};
use std::net::IpAddr;
use std::thread;
use std::time::Duration;
use zeroize::Zeroizing;

/// How issuers are reached: with the authorities, the proxy and the limits of
/// the account, and with nothing that is about its servers.
#[derive(Clone)]
pub struct Web {
    /// Whom to trust.
    pub roots: Roots,
    /// The oldest version of TLS to speak.
    pub least: TlsVersion,
    /// Which proxy leads there.
    pub proxy: ProxyChoice,
    /// Where connections begin.
    pub source: Option<IpAddr>,
    /// The only address family to use.
    pub family: Family,
    /// The cap of each request.
    pub timeout: Option<Duration>,
    /// When everything must be over.
    pub deadline: Option<Deadline>,
    /// The user's wish to stop.
    pub interrupt: Interrupt,
}

/// What came back.
pub(super) struct Reply {
    url: String,
    status: u16,
    retry_after: Option<Duration>,
    body: Zeroizing<Vec<u8>>,
}

impl Web {
    /// Asks for a JSON document.
    pub(super) fn get(&self, url: &HttpUrl) -> Result<Reply, OAuthError> {
        self.exchange(url, |http| http.get(url, "application/json", LONGEST_ANSWER))
    }

    /// Posts a form.
    pub(super) fn post(
        &self,
        url: &HttpUrl,
        form: &Form,
        by: Option<&Authorization<'_>>,
    ) -> Result<Reply, OAuthError> {
        self.exchange(url, |http| http.post(url, form, by, LONGEST_ANSWER))
    }

    fn exchange(
        &self,
        url: &HttpUrl,
        ask: impl FnOnce(&Http<'_>) -> Result<crate::net::Response, HttpError>,
    ) -> Result<Reply, OAuthError> {
        let proxy = |endpoint: &_| self.proxy.to(endpoint).map_err(Into::into);
        let http = Http {
            roots: self.roots.clone(),
            least: self.least,
            proxy: &proxy,
            source: self.source,
            family: self.family,
            deadline: Deadline::after(self.timeout.map_or(LIMIT, |cap| cap.min(LIMIT)))
                .or_earlier(self.deadline),
            interrupt: &self.interrupt,
        };
        match ask(&http) {
            Ok(response) => {
                let (status, retry_after) = (response.status, response.retry_after);
                Ok(Reply { url: url.to_string(), status, retry_after, body: response.body })
            }
            Err(HttpError::Interrupted) => Err(OAuthError::Interrupted),
            Err(error) => {
                let source = Box::new(error);
                Err(OAuthError::Unreached { url: url.to_string(), source })
            }
        }
    }

    /// Does nothing for a while. `Ok(false)` when everything must be over by
    /// now.
    pub(super) fn pause(&self, pause: Duration, until: Deadline) -> Result<bool, OAuthError> {
        let until = until.or_earlier(self.deadline);
        let end = Deadline::after(pause);
        loop {
            if self.interrupt.signal().is_some() {
                return Err(OAuthError::Interrupted);
            }
            let Some(left) = until.remaining() else { return Ok(false) };
            let Some(rest) = end.remaining() else { return Ok(true) };
            thread::sleep(left.min(rest).min(GLANCE));
        }
    }
}

impl Reply {
    /// The URL that was asked, without its query.
    pub(super) fn url(&self) -> &str {
        self.url.split('?').next().unwrap_or_default()
    }

    /// The status code (RFC 9110 §15).
    pub(super) fn status(&self) -> u16 {
        self.status
    }

    /// The content.
    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }

    /// True where nothing stands at the URL.
    pub(super) fn is_missing(&self) -> bool {
        matches!(self.status, 404 | 410)
    }

    /// An error unless it did what it was asked.
    pub(super) fn must_be_success(&self) -> Result<(), OAuthError> {
        if (200..300).contains(&self.status) {
            Ok(())
        } else {
            let (status, retry_after) = (self.status, self.retry_after);
            Err(OAuthError::Status { url: self.url().to_owned(), status, retry_after })
        }
    }

    #[cfg(test)]
    pub(super) fn made_up(url: &str, status: u16, body: &str) -> Self {
        Reply { url: url.to_owned(), status, retry_after: None, body: Zeroizing::new(body.into()) }
    }
}

/// How long one request may take, all in all.
const LIMIT: Duration = Duration::from_secs(30);

/// How often one who waits makes sure that he still should: a signal may come
/// to another thread.
const GLANCE: Duration = Duration::from_millis(100);
